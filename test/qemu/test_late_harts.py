"""Harts that come to where the boot hart began, instead of to where they were sent.

OpenSBI 1.1 marks a hart as starting before it stores where; on a busy machine
the hart may begin where the first one did. Here a copy of OpenSBI never stores
it, so that all of them do.
"""
import os
import re
import struct

import pytest

from conftest import ROOT
from test_firmware import OPENSBI
from test_machines import IMAGE, jump_to, made, session

NOP = struct.pack("<I", 0x13)


def store(word):
    """(offset, base register) of an sd, or None."""
    if word & 0x707f != 0x3023:
        return None
    return (word >> 25) << 5 | word >> 7 & 31, word >> 15 & 31


def astray(source):
    """
    A copy of OpenSBI that keeps a hart's first start address and argument; None:
    not found. The place: three stores in a row to the hart's scratch space, of
    next_arg1, next_addr and next_mode, behind one another in sbi_hsm.c only.
    """
    with open(source, "rb") as f:
        image = f.read()
    found = []
    for at in range(0, len(image) - 11, 2):
        stores = [store(w) for w in struct.unpack_from("<3I", image, at)]
        if None not in stores and [s[0] for s in stores] == [16, 24, 32] and len({s[1] for s in stores}) == 1:
            found.append(at)
    if len(found) != 1:
        return None
    path = made("astray.bin")
    with open(path, "wb") as f:
        f.write(image[:found[0]] + NOP * 2 + image[found[0] + 8:])
    return path


def jobs():
    if not os.path.exists(OPENSBI) or not os.path.exists(IMAGE):
        return []
    bios = astray(OPENSBI)
    if bios is None:
        return [pytest.param(None, marks=pytest.mark.skip(
            reason=f"the stores of a hart's start address were not found in {OPENSBI}"))]
    bios = f" -bios {bios}"
    moved = jump_to(0x84001000)
    return [session("harts-at-the-entry", "--smp", "4", ATLAS_QEMU_ARGS=bios),
            session("harts-at-the-entry-before-it-moved", "--smp", "4", *moved.options[:2],
                    **{name: value + bios * (name == "ATLAS_QEMU_ARGS") for name, value in moved.env})]


@pytest.mark.parametrize("job", jobs(), ids=str)
def test_they_are_picked_up(job, result):
    assert result.status == 0, str(result)
    assert re.search(r"^harts    4 of 4 online", result.output, re.M), str(result)


def test_firmware_is_here():
    assert os.path.exists(OPENSBI), f"no {OPENSBI}: the tests of this file did not run"
    assert os.path.exists(os.path.join(ROOT, "build/atlas.img"))
