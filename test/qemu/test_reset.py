"""The end and the restart of machines whose firmware can do neither: what the
device tree names is tried, each after a line that says so, and it works."""
import os
import re

import pytest

from conftest import Job
from test_firmware import OPENSBI, hidden
from test_machines import IMAGE, tree

ENDED = "QEMU ended with status 0 before Atlas gave its exit status"     # by a reset: it starts with -no-reboot


def without_finisher(name):
    """The finisher's register is there, but only the nodes of syscon know what it does."""
    return tree(name, ["-smp", "1", "-m", "256M"], ("/soc/test@100000", "compatible", "syscon"))


def only_finisher():
    return tree("finisher-alone", ["-smp", "1", "-m", "256M"], ("-r", "/poweroff"), ("-r", "/reboot"))


def job(name, script, qemu, *options):
    return Job(name, options + ("--mem", "256M", "--exec", script), 90, (("ATLAS_QEMU_ARGS", qemu),))


def restarts():
    if not os.path.exists(OPENSBI) or not os.path.exists(IMAGE):
        return []
    bios = f"-bios {hidden('SRST')}"
    return [job("restart-by-gpio", "reboot", bios, "--machine", "sifive_u", "--smp", "2"),
            job("restart-by-syscon", "reboot", bios),
            job("restart-by-finisher", "reboot", f"{bios} -dtb {only_finisher()}")]


def ends():
    if not os.path.exists(OPENSBI) or not os.path.exists(IMAGE):
        return []
    return [job("end-by-syscon", "poweroff 4",
                f"-bios {hidden('SRST LEGACY')} -dtb {without_finisher('syscon-poweroff')}")]


WAY = {"restart-by-gpio": "gpio-restart", "restart-by-finisher": "the test finisher",
       "restart-by-syscon": "syscon-reboot", "end-by-syscon": "syscon-poweroff"}


def last_line(result):
    return result.output.replace("\r", "").rstrip("\n").rsplit("\n", 1)[-1]


@pytest.mark.parametrize("job", restarts(), ids=str)
def test_restart(job, result):
    assert last_line(result) == f"atlas: the machine still runs: trying {WAY[str(job)]}", str(result)
    assert ENDED in result.errors, str(result)


@pytest.mark.parametrize("job", ends(), ids=str)
def test_end(job, result):
    assert re.search(r"^atlas: exit status 4$", result.output.replace("\r", ""), re.M), str(result)
    assert last_line(result) == f"atlas: the machine still runs: trying {WAY[str(job)]}", str(result)
    assert result.status == 4 and "did not power off" not in result.errors, str(result)


def test_firmware_is_here():
    assert os.path.exists(OPENSBI) and os.path.exists(IMAGE), "the tests of this file did not run"
