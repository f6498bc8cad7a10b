"""Leaves of 64 KiB (Svnapot): there where all harts have the extension, not
with svnapot=0, and nothing that a program sees depends on it."""
import re
import subprocess

import pytest

import ktap
from conftest import Job
from test_machines import tree

MACHINE = ("--mode", "sv39", "--smp", "2", "--mem", "256M")
SAID = "; leaves of 64 KiB by Svnapot"
ON = "-cpu rv64,svnapot=on"


def job(name, *options, qemu=ON):
    return Job(name, MACHINE + options, 120, (("ATLAS_QEMU_ARGS", qemu),))


def one_hart_without():
    machine = ["-smp", "2", "-m", "256M", *ON.split()]
    dtb = tree("one-hart-without", machine)
    isa = subprocess.run(["fdtget", dtb, "/cpus/cpu@1", "riscv,isa"], check=True, capture_output=True, text=True).stdout
    assert "_svnapot" in isa
    return f"{ON} -dtb {tree('one-hart-without', machine, ('/cpus/cpu@1', 'riscv,isa', isa.strip().replace('_svnapot', '')))}"


PROGRAM = ("--exec", "run groups_test; run mega_storm 8; show pmap; show harts; check")


def programs():
    return {
        "on": job("on", *PROGRAM),
        "off": job("off", "--append", "svnapot=0", *PROGRAM),
        "without": job("without", *PROGRAM, qemu="-cpu rv64"),
        "one-hart-without": job("one-hart-without", *PROGRAM, qemu=one_hart_without()),
    }


PROGRAMS = programs()


@pytest.mark.parametrize("job", [job("script", "--script", "test/scripts/groups.atlas")], ids=str)
def test_script(job, result):
    assert result.status == 0, str(result)
    assert SAID in result.output, str(result)
    assert "4K page of a 64 KiB group (Svnapot) at 0x" in result.output, str(result)


SUMS = {}


@pytest.mark.parametrize("name,job", PROGRAMS.items(), ids=PROGRAMS)
def test_programs(name, job, result):
    """The first one says what the sums are; the others must say the same."""
    assert result.status == 0, str(result)
    assert (SAID in result.output) == (name == "on"), str(result)
    sums = re.findall(r"^sum .*$", result.output, re.M)
    assert len(sums) == 8 and ("groups of 64K of all" in result.output) == (name == "on"), str(result)
    assert "2 of 2 online" in result.output, str(result)
    assert sums == SUMS.setdefault("all", sums), str(result)


@pytest.mark.parametrize("job", [job("unit", "--exec", "test run pmap*")], ids=str)
def test_unit(job, result, record):
    """The tests of page tables, on such a machine."""
    report = ktap.parse(result.output)
    for t in report.tests:
        record(f"svnapot {job}: {t.name}", t.outcome, t.detail)
    assert not report.problem and report.tests, f"{report.problem}{result}"
    assert not [t.name for t in report.tests if t.outcome == "failed"], str(result)
    assert result.status == 0 and SAID in result.output, str(result)
