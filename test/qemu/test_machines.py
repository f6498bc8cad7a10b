"""Machines that are unlike the usual one: other ways to boot, other harts,
other memory, other devices. On each the same short session must pass."""
import os
import re
import shutil
import subprocess

import pytest

from conftest import PATIENCE, ROOT, RUN, Job

BUILD = os.path.join(ROOT, "build/test/machines")
IMAGE = os.path.join(ROOT, "build/atlas.img")
CROSS = os.environ.get("CROSS", "riscv64-unknown-elf-")

SESSION = ("task create t1; vm_allocate t1 4M; set a $addr; fill t1 $a 4M 0x5a; task fork t1 t2; "
           "poke t2 $a 1; peek t1 $a width=1; assert $value == 0x5a; check; task kill t2; task kill t1; check; "
           "show harts")


def session(name, *options, timeout=PATIENCE, **env):
    return Job(name, tuple(options) + ("--exec", SESSION), timeout, tuple(sorted(env.items())))


def made(name):
    os.makedirs(BUILD, exist_ok=True)
    return os.path.join(BUILD, name)


def jump_to(address):
    """Starts the flat image at this address."""
    elf = made(f"jump-{address:x}.elf")
    subprocess.run([CROSS + "gcc", "-nostdlib", "-march=rv64imac", "-mabi=lp64", "-Wl,-n",
                    "-Wl,-Ttext=0x80200000", "-Wl,--build-id=none", f"-DADDRESS={address:#x}",
                    os.path.join(ROOT, "test/qemu/jump.S"), "-o", elf], check=True)
    return session(f"loaded-at-{address:x}", "--mem", "512M", ATLAS_KERNEL=elf, ATLAS_QEMU_ARGS=
                   f"-device loader,file={IMAGE},addr={address:#x},force-raw=on")


def tree(name, machine, *edits):
    """The device tree of a machine, changed by fdtput."""
    dtb = made(f"{name}.dtb")
    subprocess.run(["qemu-system-riscv64", "-M", f"virt,dumpdtb={dtb}"] + machine, check=True,
                   stdin=subprocess.DEVNULL, capture_output=True)
    for edit in edits:
        options, words = (edit[0], edit[1:]) if edit[0] == "-r" else ("-ts", edit)
        subprocess.run(["fdtput", options, dtb, *words], check=True)
    return dtb


def sparse_harts():
    """Harts 1, 3 and 6 of 8; the others are disabled, so one of the three boots."""
    dtb = tree("sparse", ["-smp", "8", "-m", "1G"],
               *[(f"/cpus/cpu@{n}", "status", "disabled") for n in (0, 2, 4, 5, 7)])
    return session("harts-1-3-6", "--smp", "8", ATLAS_QEMU_ARGS=f"-dtb {dtb}")


def noise():
    """Memory full of junk: nothing may count on zeros."""
    path = made("noise")
    with open(path, "wb") as f:
        for _ in range(64):
            f.write(os.urandom(1 << 20))
    return session("noise", "--mem", "64M", "--smp", "4", ATLAS_QEMU_ARGS=
                   "-M memory-backend=r -object memory-backend-file,id=r,size=64M,"
                   f"mem-path={path},share=off")


TWO_SOCKETS = ("-smp 4,sockets=2,cores=2 -object memory-backend-ram,id=m0,size=256M "
               "-object memory-backend-ram,id=m1,size=768M -numa node,memdev=m0,nodeid=0,cpus=0-1 "
               "-numa node,memdev=m1,nodeid=1,cpus=2-3")


def machines():
    if not os.path.exists(IMAGE):
        return []
    return [
        session("flat-image", ATLAS_KERNEL=IMAGE),
        session("u-boot-sv39", "--uboot", "--mode", "sv39"),
        session("16-harts", "--smp", "16"),
        session("64-harts", "--smp", "64"),
        session("65-harts", "--smp", "65"),
        session("32M", "--mem", "32M"),
        session("8G", "--mem", "8G"),
        session("two-banks-two-PLICs", ATLAS_QEMU_ARGS=TWO_SOCKETS),
        session("no-sstc", ATLAS_QEMU_ARGS="-cpu rv64,sstc=off"),
        session("u54", ATLAS_QEMU_ARGS="-cpu sifive-u54"),
        session("no-plic", ATLAS_QEMU_ARGS="-M aia=aplic"),
        session("sifive_u", "--machine", "sifive_u", "--smp", "5"),
        jump_to(0x80400000), jump_to(0x8c200000), jump_to(0x84001000),
        sparse_harts(), noise(),
    ]


@pytest.mark.parametrize("job", machines(), ids=str)
def test_session(job, result):
    assert result.status == 0, str(result)


def test_image_was_built():
    assert os.path.exists(IMAGE), "no build/atlas.img: the tests of this file did not run"


def no_finisher():
    """Firmware sees this tree too: nothing can power such a machine off."""
    dtb = tree("no-finisher", ["-smp", "1", "-m", "1G"],
               ("-r", "/soc/test@100000"), ("-r", "/poweroff"), ("-r", "/reboot"))
    return session("no-finisher", ATLAS_QEMU_ARGS=f"-dtb {dtb}")


@pytest.mark.parametrize("job", [no_finisher()], ids=str)
def test_without_a_way_to_power_off(job, result):
    assert "\natlas: exit status 0\n" in result.output, str(result)
    assert "did not power off" in result.errors, str(result)


def stale_initrd():
    """The tree names an initrd that is none: it is said, and its memory is free."""
    path = made("stale")
    with open(path, "wb") as f:
        f.write(b"0707" * (10 << 18))
    return session("stale-initrd", "--mem", "32M", ATLAS_QEMU_ARGS=f"-initrd {path}")


@pytest.mark.parametrize("job", [stale_initrd()], ids=str)
def test_stale_initrd(job, result):
    assert "not a cpio archive" in result.output, str(result)
    assert re.search(r"^memory   2[5-9] MiB", result.output, re.M), str(result)
    assert "no file script" in result.output and result.status == 1, str(result)


def test_any_hart_boots():
    """Which hart boots is chance: ten starts see more than one, most of the time."""
    for _ in range(10):
        r = subprocess.run([RUN, "--smp", "8", "--exec", "show harts"], cwd=ROOT,
                           stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert r.returncode == 0, r.stdout + r.stderr


def test_icount_runs_are_equal():
    """With --icount the same image and script give the same console, byte for byte."""
    outs = [subprocess.run([RUN, "--icount", "0", "--smp", "4", "--exec", SESSION], cwd=ROOT,
                           stdin=subprocess.DEVNULL, capture_output=True).stdout for _ in range(2)]
    assert b"atlas: exit status 0" in outs[0], outs[0].decode("utf-8", "replace")
    assert outs[0] == outs[1]


def test_uboot_needs_its_tools():
    for tool in ("sgdisk", "mformat", "mcopy"):
        assert shutil.which(tool), f"{tool} is missing"
