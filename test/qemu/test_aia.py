"""An APLIC instead of a PLIC: the console's input comes by interrupt through it."""
import os

import pexpect
import pytest

from conftest import ROOT, RUN

# What QEMU offers, and how the console is heard then. With an IMSIC interrupts
# are messages, which nothing here takes: the console is polled.
MACHINES = {"aplic": "interrupts", "aplic-imsic": "polled"}


@pytest.mark.parametrize("aia", MACHINES)
@pytest.mark.parametrize("harts", ["1", "3"])
def test_typed(aia, harts):
    child = pexpect.spawn(RUN, ["--timeout", "600", "--smp", harts, "--mem", "128M"], cwd=ROOT, timeout=120,
                          encoding="utf-8", env={**os.environ, "ATLAS_QEMU_ARGS": f"-M aia={aia}"})
    try:
        child.expect_exact(f"console  ns16550, {MACHINES[aia]}")
        child.expect(rf"harts    {harts} of {harts} online")
        for i in range(3):
            child.expect_exact("atlas> ")
            child.send(f"set x {i}; echo typed=$x\r")
            child.expect_exact(f"typed={i}")
        child.send("poweroff\r")
        child.expect_exact("atlas: exit status 0")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
