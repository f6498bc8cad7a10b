"""Cards and files of `make image`, booted by QEMU's U-Boot: by each loader file,
as they are and with a script, and from the network as on a real board."""
import gzip
import os
import re
import subprocess

import pexpect
import pytest

from conftest import ROOT, RUN, Job

BUILD = os.path.join(ROOT, "build")
DONE_MEANS = "test/scripts/done_means.atlas"
UBOOT = "=> "
PROMPT = "\natlas> "


def jobs():
    """U-Boot hands over boot arguments and initrd: without them the script would not run."""
    return [Job(f"{how}-{harts}-harts", ("--uboot", how, "--smp", str(harts), "--mem", "256M",
                                         "--script", DONE_MEANS))
            for how in ("extlinux", "script") for harts in (2, 4)]


@pytest.mark.parametrize("job", jobs(), ids=str)
def test_script_through_uboot(job, result):
    assert result.status == 0, str(result)
    how, harts = job.options[1], job.options[3]
    said = {"extlinux": "Retrieving file: /extlinux/extlinux.conf", "script": "## Executing script at"}
    for way, line in said.items():
        assert (line in result.output) == (way == how), str(result)
    assert re.search(r"^bootargs script=script$", result.output, re.M), str(result)
    assert re.search(r"^initrd +\d+ KiB at 0x", result.output, re.M), str(result)
    assert f"{harts} of {harts} online" in result.output, str(result)


@pytest.fixture(scope="module")
def images():
    """What `make image` makes, by the goal that people use."""
    for board in ("qemu-virt", "visionfive2"):
        r = subprocess.run(["make", "-s", "image", f"BOARD={board}"], cwd=ROOT, capture_output=True, text=True,
                           stdin=subprocess.DEVNULL, timeout=300, check=False)
        assert r.returncode == 0, r.stdout + r.stderr


def start(board, *options, qemu=""):
    """A machine with a board's card in it, before U-Boot counts down."""
    return pexpect.spawn(RUN, ["--card", f"build/atlas-{board}.img", "--mem", "512M", "--timeout", "240", *options],
                         cwd=ROOT, timeout=120, encoding="utf-8", codec_errors="replace",
                         dimensions=(50, 200), env={**os.environ, "ATLAS_QEMU_ARGS": qemu})


def stop_autoboot(child):
    child.expect_exact("Hit any key to stop autoboot")
    child.send(" ")
    child.expect_exact(UBOOT)


def tell(child, *commands):
    for command in commands:
        child.send(command + "\r")
        child.expect_exact("\n" + UBOOT)


def session(child):
    """The shell is there, has the files of the initrd, and the script of the first stage passes."""
    child.expect_exact(PROMPT)
    boot = child.before
    assert re.search(r"initrd +\d+ KiB at 0x", boot), boot
    with open(os.path.join(ROOT, DONE_MEANS), encoding="utf-8") as f:
        lines = [line for line in f.read().splitlines() if line and not line.startswith("#")]
    for line in lines + ["run hello"]:
        child.send(line + "\r")
        child.expect_exact(PROMPT)
        words = line.split()
        if words[0] not in ("set", "show", "walk"):
            assert "\n" + (words[1] if words[0] == "expect" else "KERN_SUCCESS") in child.before, child.before
    child.send("poweroff\r")
    child.expect_exact("atlas: exit status 0")
    child.expect(pexpect.EOF)
    return boot


@pytest.mark.parametrize("board", ["qemu-virt", "visionfive2"])
def test_card_as_it_was_made(images, board):
    boot = session(start(board, "--smp", "2"))
    assert "Retrieving file: /extlinux/extlinux.conf" in boot and "Error" not in boot and "bootargs" not in boot


def test_what_vendor_uboot_does_with_vf2_uenv(images):
    """Its steps, typed: read the file, import it, run boot2. Here the card is virtio 0, not mmc 1."""
    child = start("visionfive2", "--smp", "2")
    stop_autoboot(child)
    tell(child, "setenv bootargs left=over", "fatload virtio 0:3 ${loadaddr} vf2_uEnv.txt",
         "env import -t ${loadaddr} ${filesize}", "setenv atlas_bus virtio")
    child.send("run boot2\r")
    boot = session(child)
    assert "virtio 1" in boot, "the card is looked for first at 1"
    assert "left=over" not in boot


NETWORK = f"-netdev user,id=n0,tftp={BUILD} -device virtio-net-device,netdev=n0"


def test_fit_by_tftp(images):
    """bootm checks both parts, puts the kernel where the FIT says, and hands over arguments of U-Boot."""
    child = start("qemu-virt", qemu=NETWORK)
    stop_autoboot(child)
    tell(child, "setenv autoload no", "dhcp", "setenv serverip 10.0.2.2", "setenv bootargs mode=sv48",
         "tftpboot 90000000 atlas-qemu-virt.itb")
    child.send("bootm 90000000 90000000 ${fdtcontroladdr}\r")
    boot = session(child)
    assert boot.count("sha256+ OK") == 2, boot
    assert "bootargs mode=sv48" in boot and "Sv48" in boot


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_kernel_alone_by_tftp(images, tmp_path, packed):
    """As the page of the VisionFive 2 has it, but for the way it travels when packed."""
    name = "atlas.img"
    if packed:
        name = "atlas.img.gz"
        with open(os.path.join(BUILD, "atlas.img"), "rb") as f:
            (tmp_path / name).write_bytes(gzip.compress(f.read()))
    child = start("qemu-virt", qemu=NETWORK.replace(BUILD, str(tmp_path)) if packed else NETWORK)
    stop_autoboot(child)
    tell(child, "setenv autoload no", "dhcp", "setenv serverip 10.0.2.2", "tftpboot ${kernel_addr_r} " + name)
    child.send("booti ${kernel_addr_r} - ${fdtcontroladdr}\r")
    child.expect_exact(PROMPT)
    assert "initrd " not in child.before
    child.send("task create t1\r")
    child.expect_exact("KERN_SUCCESS id=1")
    child.send("poweroff\r")
    child.expect_exact("atlas: exit status 0")
    child.expect(pexpect.EOF)


def test_firmware_of_the_visionfive2():
    """The card that needs nothing of the board's flash: Debian's SPL and U-Boot, where they belong."""
    r = subprocess.run(["make", "-s", "image", "BOARD=visionfive2", "FIRMWARE=1"], cwd=ROOT, text=True,
                       capture_output=True, stdin=subprocess.DEVNULL, timeout=300, check=False)
    if "could not be fetched" in r.stderr or "apt knows no site" in r.stderr:
        pytest.skip(r.stderr.splitlines()[0])
    assert r.returncode == 0, r.stdout + r.stderr
    with open(os.path.join(BUILD, "atlas-visionfive2.img"), "rb") as f:
        card = f.read()
    for sector, name in (4096, "u-boot-spl.bin.normal.out"), (8192, "u-boot.itb"):
        with open(os.path.join(BUILD, "firmware/visionfive2", name), "rb") as f:
            data = f.read()
        assert len(data) > 100000 and card[sector * 512:][:len(data)] == data
    assert card[8192 * 512:][:4] == b"\xd0\x0d\xfe\xed", "u-boot.itb is a FIT"
    # What the loader files of this card count on is what this U-Boot has.
    for setting in b"kernel_addr_r=0x40200000", b"ramdisk_addr_r=0x46100000", b"bootcmd=bootflow scan":
        assert b"\0" + setting + b"\0" in data, setting
    r = subprocess.run(["sgdisk", "--verify", "build/atlas-visionfive2.img"], cwd=ROOT, capture_output=True,
                       text=True, check=False)
    assert "No problems found" in r.stdout
    assert subprocess.run(["make", "-s", "image", "BOARD=visionfive2"], cwd=ROOT, check=False).returncode == 0
    with open(os.path.join(BUILD, "atlas-visionfive2.img"), "rb") as f:
        assert not any(f.read()[4096 * 512:16384 * 512]), "without FIRMWARE=1 there is none"


# A memory card on the PCI bus, mapped where the VisionFive 2 has its memory.
LOW_MEMORY = "-object memory-backend-ram,id=vf2,size=512M,share=on -device ivshmem-plain,memdev=vf2"


def test_memory_where_the_visionfive2_has_it(images):
    """Memory from 0x40000000 on, the kernel 2 MiB above, the tree in the middle, 4 MHz: as on the board."""
    child = start("visionfive2", "--smp", "4", qemu=LOW_MEMORY)
    stop_autoboot(child)
    tell(child, "pci enum", "pci write.l 0.1.0 10 7ff00000", "pci write.l 0.1.0 18 40000000", "pci write.w 0.1.0 4 6",
         "load virtio 0:3 84000000 atlas.img", "cp.b 84000000 40200000 ${filesize}",
         "load virtio 0:3 84000000 initrd.cpio", "cp.b 84000000 46100000 ${filesize}",
         "fdt addr ${fdtcontroladdr}", "fdt move ${fdtcontroladdr} 46000000 4000",
         "fdt set /memory@80000000 reg <0x0 0x40000000 0x0 0x20000000>", "fdt set /cpus timebase-frequency <4000000>")
    child.send("booti 40200000 46100000:${filesize} 46000000\r")
    boot = session(child)
    for line in (r"loaded at 0x40200000, device tree at 0x46000000", r"4000000 Hz timebase",
                 r"initrd +\d+ KiB at 0x46100000", r"harts +4 of 4 online"):
        assert re.search(line, boot), f"no line like {line}\n{boot}"
