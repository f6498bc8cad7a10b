"""What Debian 12's QEMU 7.2 and OpenSBI 1.1 cannot show: harts that fault where
A or D is clear, paging modes that are really missing, extensions one by one,
newer firmware. scripts/newer-qemu fetches what is needed; where it cannot be
had, each of these tests is skipped with the reason.
"""
import dataclasses
import os
import re
import shutil
import subprocess

import pytest

import ktap
from conftest import ROOT, Job
from test_boards import ICICLE, ONE_BANK, tree, visionfive2

NEWER = os.path.join(ROOT, "build/newer")
QEMU = os.path.join(NEWER, "qemu-system-riscv64")
DONE_MEANS = "test/scripts/done_means.atlas"
BACKPORTS, TRIXIE = "bookworm-backports", "trixie"      # OpenSBI 1.5 and 1.6

# As near to the VisionFive 2's harts as it gets.
U74 = ("rv64,sv39=on,svade=on,svadu=off,sstc=off,h=off,zicbom=off,zicboz=off,zicbop=off,zfa=off,"
       "zawrs=off,zbc=off,zbs=off,zihintntl=off,svvptc=off")


@dataclasses.dataclass(frozen=True)
class Case:
    """A machine, and what proves that it is the one: lines of firmware and kernel."""
    name: str
    cpu: str
    said: tuple = ()
    machine: tuple = ("--smp", "4", "--mem", "256M")
    more: str = ""
    opensbi: str = TRIXIE
    work: tuple = ("--script", DONE_MEANS)

    def missing(self):
        """Why this cannot run here, or None."""
        needed = {QEMU: "qemu", firmware(self.opensbi): "opensbi-" + self.opensbi}
        for path, part in needed.items():
            if not os.path.exists(path):
                return reason(part)
        return None

    def job(self):
        arguments = f"{'-cpu ' + self.cpu if self.cpu else ''} -bios {firmware(self.opensbi)} {self.more}"
        return Job(self.name, self.machine + self.work, 300,
                   (("ATLAS_QEMU_ARGS", arguments), ("QEMU", QEMU)))


def firmware(release):
    return os.path.join(NEWER, f"opensbi-{release}.bin")


def reason(part):
    try:
        with open(os.path.join(NEWER, "missing"), encoding="utf-8") as f:
            lines = [line.strip() for line in f if line.startswith(part + ":")]
    except OSError:
        lines = []
    return lines[0] if lines else f"{part}: not fetched; scripts/newer-qemu does it"


def isa(name):
    """The line in which OpenSBI says what the boot hart has."""
    return rf"Boot HART ISA Extensions *: .*\b{name}\b"


SV39, SV48, SV57 = (rf"paging   Sv{n}, " for n in (39, 48, 57))
NAPOT = "; leaves of 64 KiB by Svnapot"
SBI_TIMER, SSTC = "online, timer by SBI", "online, timer by Sstc"
ALL_ON = "rv64,svade=on,svpbmt=on,svnapot=on,svinval=on"

CASES = [
    Case("u74", U74, (SV39, isa("svade"), SBI_TIMER, r"version 0x10006 TIME IPI RFENCE HSM SRST DBCN")),
    Case("u74-opensbi-1.5", U74, (SV39, SBI_TIMER, r"version 0x10005 TIME IPI RFENCE HSM SRST DBCN"),
         opensbi=BACKPORTS),
    Case("u74-1-hart-32M", U74, (SV39,), ("--smp", "1", "--mem", "32M"), work=(
        "--exec", "task create t1; vm_allocate t1 1M; set a $addr; fill t1 $a 1M 7; task fork t1 t2; "
        "poke t2 $a 1; peek t1 $a width=1; assert $value == 7; check; task kill t2; task kill t1; check")),
    Case("u74-8-harts", U74, (SV39, "8 of 8 online"), ("--smp", "8", "--mem", "256M")),
    Case("svade", "rv64,svade=on", (SV57, isa("svade"), SSTC)),
    Case("svade-opensbi-1.5", "rv64,svade=on", (SV57, r"version 0x10005"), opensbi=BACKPORTS),
    Case("svadu", "rv64,svade=off,svadu=on", (SV57, isa("svadu"))),
    Case("sv39-only", "rv64,sv39=on", (SV39,)),
    Case("sv48-only", "rv64,sv48=on", (SV48,)),
    Case("no-sv57", "rv64,sv57=off", (SV48,)),
    Case("no-sstc", "rv64,sstc=off", (SV57, SBI_TIMER)),
    Case("svpbmt", "rv64,svpbmt=on", (isa("svpbmt"),)),
    Case("svnapot", "rv64,svnapot=on", (SV57, NAPOT)),
    Case("svinval", "rv64,svinval=on", (SV57,)),
    Case("svnapot-programs", "rv64,svnapot=on,svade=on", (SV57, NAPOT), work=(
        "--exec", "run groups_test; run mega_storm 8; check")),
    Case("all-on", ALL_ON, (SV57, NAPOT, isa("svpbmt"), isa("svade"))),
    Case("all-on-sv39", ALL_ON + ",sv39=on,sstc=off", (SV39, NAPOT, SBI_TIMER)),
    Case("max", "max", (SV57,)),
    Case("rva22s64", "rva22s64", (SV39,)),
    Case("rva23s64", "rva23s64", (SV39,)),
    Case("u54", "sifive-u54", (SV39, SBI_TIMER)),
    Case("aplic-imsic", "rv64,smaia=on,ssaia=on", (SV57,), more="-M virt,aia=aplic-imsic"),
    Case("aplic", "rv64,svade=on", (SV57,), more="-M virt,aia=aplic"),
    Case("two-banks-two-PLICs", U74, (SV39,), ("--mem", "1G"), (
        "-smp 4,sockets=2,cores=2 -object memory-backend-ram,id=m0,size=256M "
        "-object memory-backend-ram,id=m1,size=768M -numa node,memdev=m0,nodeid=0,cpus=0-1 "
        "-numa node,memdev=m1,nodeid=1,cpus=2-3")),
]
# The Icicle machine, as itself and with the VisionFive 2's trees: Sv39 only here. OpenSBI 1.5 loses a hart now and then.
HART_0 = r"hart 0 left out: "
if shutil.which("dtc"):
    CASES += [Case(f"icicle-{name}", "", (SV39, HART_0, SBI_TIMER, r"4 of 4 online"), ICICLE + ("--dtb", dtb))
              for name, dtb in (("mpfs", tree("mpfs", "newer-mpfs", ONE_BANK)),
                                *((d, visionfive2(d)) for d in ("vf2-linux", "vf2-mainline", "vf2-vendor")))]
    CASES.append(Case("sifive_u", "", (SV39, HART_0, SBI_TIMER, r"4 of 4 online"),
                      ("--machine", "sifive_u", "--smp", "5", "--mem", "256M")))
BOOT_TESTS = [Case("u74-boot-tests", U74, (SV39, SBI_TIMER), work=("--exec", "test run *"))]


def jobs(cases):
    return [pytest.param(c, c.job(), id=c.name, marks=[pytest.mark.skip(c.missing())] if c.missing() else [])
            for c in cases]


def judge(case, result):
    assert result.status == 0, str(result)
    for line in case.said:
        assert re.search(line, result.output), f"no line like: {line}{result}"


@pytest.mark.parametrize("case,job", jobs(CASES))
def test_script(case, job, result):
    judge(case, result)


# OpenSBI does not know these: QEMU's tree says that they are there.
@pytest.mark.skipif(not os.path.exists(QEMU), reason=reason("qemu"))
@pytest.mark.parametrize("extension", ["svnapot", "svinval", "svpbmt"])
def test_extension_is_there(extension, tmp_path):
    for switch in "on", "off":
        tree = tmp_path / switch
        subprocess.run([QEMU, "-M", f"virt,dumpdtb={tree}", "-cpu", f"rv64,{extension}={switch}"], check=True,
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        names = subprocess.run(["fdtget", tree, "/cpus/cpu@0", "riscv,isa"], check=True, capture_output=True,
                               text=True).stdout.strip().split("_")
        assert (extension in names) == (switch == "on"), names


@pytest.mark.parametrize("case,job", jobs(BOOT_TESTS))
def test_boot(case, job, result, record):
    """All boot-time tests, each counted, where every first access and first store faults."""
    report = ktap.parse(result.output)
    for t in report.tests:
        record(f"boot {job}: {t.name}", t.outcome, t.detail)
    assert not report.problem and report.tests, f"{report.problem}{result}"
    assert not [t.name for t in report.tests if t.outcome == "failed"], str(result)
    judge(case, result)
