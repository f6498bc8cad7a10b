"""Boards that are not QEMU's virt, as near as QEMU comes to them: machines whose
hart 0 is a monitor, started ten times with each of the others as the boot hart;
the VisionFive 2's trees in their three dialects on the Icicle machine, whose
harts, PLIC and UART are laid out as the board's; and virt with chosen boot harts.
"""
import os
import re
import subprocess

import pytest

from conftest import ROOT, Job
from test_machines import CROSS, SESSION, made

OPENSBI = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"
STARTS = 10
READY = os.path.exists(OPENSBI) and os.path.exists(os.path.join(ROOT, "build/atlas.elf"))
LIMIT = 300     # seconds: many harts on few processors may be slow; only a hang takes that long


def firmware(hart, offset=1 << 20):
    """OpenSBI behind boot_hart.S: this hart boots."""
    elf, path = made(f"boot-hart-{hart}.elf"), made(f"boot-hart-{hart}.bin")
    subprocess.run([CROSS + "gcc", "-nostdlib", "-march=rv64imac_zicsr", "-mabi=lp64", "-mcmodel=medany", "-Wl,-n",
                    "-Wl,-Ttext=0x80000000", "-Wl,--build-id=none", f"-DHART={hart}", f"-DOFFSET={offset:#x}",
                    os.path.join(ROOT, "test/qemu/boot_hart.S"), "-o", elf], check=True)
    subprocess.run([CROSS + "objcopy", "-O", "binary", elf, path], check=True)
    with open(path, "r+b") as out, open(OPENSBI, "rb") as opensbi:
        out.truncate(offset)
        out.seek(offset)
        out.write(opensbi.read())
    return path


def tree(source, name, *edits):
    """A tree of test/fdt, changed by fdtput: an edit is its option and what follows the file."""
    dtb = made(f"{name}.dtb")
    subprocess.run(["dtc", "-q", "-O", "dtb", "-o", dtb, os.path.join(ROOT, f"test/fdt/{source}.dts")], check=True)
    for edit in edits:
        subprocess.run(["fdtput", edit[0], dtb, *edit[1:]], check=True)
    return dtb


def boot(name, *options, hart=None, bios=None, **env):
    args = [env.pop("ATLAS_QEMU_ARGS", "")]
    if hart is not None:
        bios = firmware(hart)
    if bios:
        args.append(f"-bios {bios}")
    env["ATLAS_QEMU_ARGS"] = " ".join(args).strip()
    return Job(name, options + ("--exec", SESSION), LIMIT, tuple(sorted(env.items())))


# QEMU has less memory there than the board.
ICICLE = ("--machine", "icicle", "--smp", "5")
ONE_BANK = ("-r", "/memory@1040000000")


def monitors():
    """[(job, boot hart)]"""
    if not READY:
        return []
    icicle = ICICLE + ("--dtb", tree("mpfs", "icicle", ONE_BANK))
    machines = {"sifive_u": ("--machine", "sifive_u", "--smp", "5"), "icicle": icicle}
    return [pytest.param(boot(f"{name}-{i}-hart-{1 + i % 4}", *options, hart=1 + i % 4), 1 + i % 4,
                         id=f"{name}-{i}-hart-{1 + i % 4}")
            for name, options in machines.items() for i in range(STARTS)]


@pytest.mark.parametrize("job,hart", monitors())
def test_monitor_hart(job, hart, result):
    assert result.status == 0, str(result)
    assert re.search(rf"timebase, boot hart {hart}$", result.output, re.M), str(result)
    assert re.search(r"^harts    4 of 4 online, timer by SBI", result.output, re.M), str(result)


def boot_harts():
    if not READY:
        return []
    return [pytest.param(boot(f"virt-{smp}-hart-{hart}", "--smp", str(smp), hart=hart), hart, smp,
                         id=f"virt-{smp}-hart-{hart}")
            for smp, hart in ((2, 0), (2, 1), (3, 2), (4, 3), (8, 0), (8, 5), (8, 7), (16, 15))]


@pytest.mark.parametrize("job,hart,smp", boot_harts())
def test_boot_hart(job, hart, smp, result):
    assert result.status == 0, str(result)
    assert re.search(rf"timebase, boot hart {hart}$", result.output, re.M), str(result)
    assert f"harts    {smp} of {smp} online" in result.output, str(result)


def memories():
    """From the least to more than a directly mapped gigabyte holds; nothing reserves what is not touched."""
    if not READY:
        return []
    return [boot(f"virt-{size}", "--mem", size, "--smp", "2", ATLAS_QEMU_ARGS=
                 f"-M memory-backend=r -object memory-backend-ram,id=r,size={size},reserve=off")
            for size in ("32M", "48M", "3G", "16G")]


@pytest.mark.parametrize("job", memories(), ids=str)
def test_memory(job, result):
    assert result.status == 0, str(result)
    size = str(job)[len("virt-"):]
    said = int(re.search(r"^memory +(\d+) MiB", result.output, re.M).group(1))
    asked = int(size[:-1]) << (10 if size.endswith("G") else 0)
    assert asked - 10 - asked / 64 <= said < asked, str(result)


def visionfive2(dialect, *edits):
    """
    The board's tree where the Icicle has the same things elsewhere: memory, UART,
    timebase. The power chip goes, for QEMU has none and firmware would look for it.
    """
    memory = {"vf2-vendor": "/memory@80000000"}.get(dialect, "/memory@40000000")
    pmic = (("-r", "/soc/i2c@12050000/pmic@36"),) if dialect == "vf2-linux" else ()
    uart = "/soc/serial@10000000"
    return tree(dialect, dialect, ("-tx", memory, "reg", "0", "80000000", "0", "40000000"),
                ("-tx", uart, "reg", "0", "20100000", "0", "1000"), ("-tx", uart, "interrupts", "5b"),
                ("-tx", "/cpus", "timebase-frequency", "f4240"), *pmic, *edits)


def dialects():
    if not READY:
        return []
    return [boot(f"{dialect}-hart-{hart}", *ICICLE, "--dtb", visionfive2(dialect), hart=hart)
            for dialect, hart in (("vf2-linux", 3), ("vf2-mainline", 2), ("vf2-vendor", 1), ("vf2-vendor", 4))]


@pytest.mark.parametrize("job", dialects(), ids=str)
def test_visionfive2(job, result):
    assert result.status == 0, str(result)
    for line in (r"^machine  .*[vV]ision[fF]ive.*: 4 harts, 1000000 Hz", r"^hart 0 left out: ",
                 r"^console  .*, interrupts$", r"^harts    4 of 4 online, timer by SBI"):
        assert re.search(line, result.output, re.M), f"no line like {line}{result}"


def test_these_tests_ran():
    assert READY, f"no build/atlas.elf or no {OPENSBI}: the tests of this file did not run"
