"""Firmware that lacks something: each SBI extension hidden, alone and with the
legacy calls that would do instead. The machine is reduced, says so, and works.

Extensions are hidden by changing their numbers in a copy of OpenSBI: each
stands in it once, as the two ends of a range of one.
"""
import os
import re
import struct

import pytest

from conftest import ROOT, Job
from test_machines import SESSION, made

OPENSBI = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"
NUMBERS = {"TIME": (0x54494D45,) * 2, "IPI": (0x735049,) * 2, "RFENCE": (0x52464E43,) * 2,
           "HSM": (0x48534D,) * 2, "SRST": (0x53525354,) * 2, "PMU": (0x504D55,) * 2, "LEGACY": (0, 8)}

ALL = SESSION + "; test run sched*; test run sbi*"
NO_TIMER = SESSION + "; test run sched.sleep*; test run sched.no_wakeup*; test run task.exit*"

# What is missing: what the boot says of it, and what must still pass.
CASES = {
    "TIME": (None, ALL),
    "IPI": (None, ALL),
    "RFENCE": (None, ALL),
    "HSM": (r"harts    3 left out: .*no HSM", ALL),
    "SRST": (None, ALL),
    "PMU": (None, ALL),
    "TIME LEGACY": (r"harts    4 of 4 online, timer by idle harts only: nothing is preempted", NO_TIMER),
    "IPI LEGACY": (r"harts    3 left out: .*no IPI", ALL),
    "RFENCE LEGACY": (r"harts    fence each other: .*no RFENCE", ALL),
    "LEGACY": (r"console  ns16550, interrupts", ALL),
    "TIME IPI RFENCE HSM SRST PMU": (r"harts    3 left out", ALL),
    "TIME IPI RFENCE HSM SRST PMU LEGACY": (r"harts    1 of 4 online, timer by idle harts only", NO_TIMER),
}


def hidden(names):
    """A copy of OpenSBI without these extensions."""
    with open(OPENSBI, "rb") as f:
        image = f.read()
    for i, name in enumerate(names.split()):
        old = struct.pack("<QQ", *NUMBERS[name])
        at = [m for m in range(0, len(image) - 15, 8) if image[m:m + 16] == old]
        assert len(at) == 1, f"{name} stands {len(at)} times in {OPENSBI}"
        image = image[:at[0]] + struct.pack("<QQ", 0x7f000000 + i, 0x7f000000 + i) + image[at[0] + 16:]
    path = made("without-" + names.replace(" ", "-") + ".bin")
    with open(path, "wb") as f:
        f.write(image)
    return path


def jobs():
    if not os.path.exists(OPENSBI) or not os.path.exists(os.path.join(ROOT, "build/atlas.elf")):
        return []
    # Without Sstc, so that the timer is the firmware's.
    return [Job("without-" + names.replace(" ", "-"), ("--smp", "4", "--exec", script), 60,
                (("ATLAS_QEMU_ARGS", f"-cpu rv64,sstc=off -bios {hidden(names)}"),))
            for names, (_, script) in CASES.items()]


@pytest.mark.parametrize("job", jobs(), ids=str)
def test_without(job, result):
    names = str(job)[len("without-"):].replace("-", " ")
    assert result.status == 0, str(result)
    said = CASES[names][0]
    assert said is None or re.search("^" + said, result.output, re.M), str(result)
    if said is None:
        assert "harts    4 of 4 online, timer by SBI" in result.output, str(result)


def test_firmware_is_here():
    assert os.path.exists(OPENSBI), f"no {OPENSBI}: the tests of this file did not run"
