"""Device trees that are damaged, wrong or meant ill, handed to the kernel (and not
to the firmware, which has its own opinion of them): each start ends with a
sentence and a stop, or with a shell on what is left of the machine.

The host reads far more of them, under sanitizers: test/host/prog_fdt cuts at
every 64th byte and inverts bits 10,000 times, test/fuzz goes on from there.
"""
import os
import random
import re
import struct
import subprocess

import pytest

from conftest import ROOT, Job
from test_machines import BUILD, CROSS, IMAGE, made

KERNEL, TREE = 0x80400000, 0x87A00000
LIMIT = 120         # seconds for one step; only a hang takes that long
BOOT_TREE = os.path.join(ROOT, "test/qemu/boot_tree")
READY = os.path.exists(IMAGE)

MAGIC, SIZE, STRUCTURE, STRINGS, RESERVE, VERSION, OLDEST = 0, 4, 8, 12, 16, 20, 24
STRINGS_SIZE, STRUCTURE_SIZE = 32, 36


def stub(tree=TREE):
    """The kernel at KERNEL, told that its tree is at `tree`."""
    elf = made(f"tree-at-{tree:x}.elf")
    if not os.path.exists(elf):
        subprocess.run([CROSS + "gcc", "-nostdlib", "-march=rv64imac", "-mabi=lp64", "-Wl,-n",
                        "-Wl,-Ttext=0x80200000", "-Wl,--build-id=none", f"-DADDRESS={KERNEL:#x}", f"-DTREE={tree:#x}",
                        os.path.join(ROOT, "test/qemu/jump.S"), "-o", elf], check=True)
    return elf


def qemus_tree():
    dtb = made("trees-virt.dtb")
    subprocess.run(["qemu-system-riscv64", "-M", f"virt,dumpdtb={dtb}", "-smp", "2", "-m", "128M"], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True)
    # As source and back: without the empty space that QEMU leaves, and the same each time.
    text = subprocess.run(["dtc", "-q", "-O", "dts", dtb], check=True, capture_output=True, text=True).stdout
    return re.sub(r"rng-seed = <[^>]*>;", "", text)


def compiled(text):
    return subprocess.run(["dtc", "-q", "-f", "-I", "dts", "-O", "dtb"], input=text.encode(), check=True, capture_output=True).stdout


def word(blob, at, value):
    return blob[:at] + struct.pack(">I", value) + blob[at + 4:]


def changed(text, *edits):
    """Source with patterns replaced; each must be there."""
    for pattern, new in edits:
        text, n = re.subn(pattern, new, text, count=0, flags=re.S)
        assert n, f"nothing matches {pattern}"
    return compiled(text)


def damaged(text):
    """{name: blob}: no tree at all, or one whose frame is wrong."""
    good = compiled(text)
    size = len(good)
    cases = {f"cut-{n}": good[:n] for n in range(0, size, max(64, size // 4 // 64 * 64))}
    cases |= {f"cut-and-said-{n}": word(good[:n], SIZE, n) for n in range(64, size, max(64, size // 2 // 64 * 64))}
    for name, at, values in (("magic", MAGIC, (0, 0xEDFE0DD0)), ("size", SIZE, (0, 39, 0xFFFFFFFF)),
                             ("structure", STRUCTURE, (0, 0xFFFFFFFC, 57)), ("strings", STRINGS, (0xFFFFFFFF, size)),
                             ("reserve", RESERVE, (0xFFFFFFF8, 41)), ("version", VERSION, (0, 1)),
                             ("oldest", OLDEST, (18,)), ("strings-size", STRINGS_SIZE, (0,)),
                             ("structure-size", STRUCTURE_SIZE, (4, 0x7FFFFFFF))):
        for value in values:
            cases[f"{name}-{value:x}"] = word(good, at, value)
    chance = random.Random(5)
    for i in (0, 2, 5):
        blob = bytearray(good)
        for _ in range(1 << i):
            bit = chance.randrange(8 * size)
            blob[bit // 8] ^= 1 << bit % 8
        cases[f"flipped-{1 << i}"] = bytes(blob)
    return cases


MEMORY = r'reg = <0x00 0x80000000 0x00 0x8000000>'


def strange(text):
    """{name: blob}: well formed, and wrong."""
    def node(inside):
        return (r"\n};\s*$", "\n" + inside + "\n};\n")

    cpu = r"cpu@[01] \{.*?\n\t\t\};"
    return {name: changed(text, *edits) for name, edits in {
        "no-memory": [(r"memory@80000000 \{.*?\n\t\};", "")],
        "memory-0": [(MEMORY, "reg = <0 0x80000000 0 0>")],
        "memory-wraps": [(MEMORY, "reg = <0xffffffff 0xfffff000 0 0x2000>")],
        "memory-elsewhere": [(MEMORY, "reg = <0x100 0 0 0x8000000>")],
        "memory-of-one-page": [(MEMORY, "reg = <0 0x80400000 0 0x1000>")],
        "memory-twice": [(MEMORY, "reg = <0 0x80000000 0 0x8000000 0 0x80000000 0 0x8000000 0 0x84000000 0 0x100000>")],
        "memory-in-100-pieces": [(MEMORY, "reg = <" + " ".join(f"0 {0x80000000 + i * 0x140000:#x} 0 0x13f000"
                                                                 for i in range(100)) + ">")],
        "memory-odd": [(MEMORY, "reg = <0 0x80000123 0 0x7fffe01>")],
        "memory-cut": [(MEMORY, "reg = [00 00 00 00 80 00 00]")],
        "memory-of-devices-too": [(MEMORY, "reg = <0 0 0 0x88000000>")],
        "no-cpus": [(r"cpus \{.*?\n\t\};", "")],
        "cpus-empty": [(cpu, "")],
        "cpus-all-disabled": [(r"cpu@([01]) \{", r'cpu@\1 { status = "disabled";'), (r'status = "okay";', "")],
        "cpus-all-hart-0": [(r"(cpu@1 \{.*?reg = )<0x01>", r"\1<0x00>")],
        "cpus-huge-ids": [(r"(cpu@1 \{.*?reg = )<0x01>", r"\1<0xffffffff>")],
        "cpus-strange-cells": [(r"(cpus \{.*?#address-cells = )<0x01>", r"\1<9>")],
        "cpus-no-mmu": [(r'mmu-type = "[^"]*";', "")],
        "cpus-no-isa": [(r'riscv,isa = "[^"]*";', "")],
        "cpus-200": [(r"cpu-map \{", "".join(
            f'\n cpu@{i:x} {{ device_type = "cpu"; reg = <{i}>; compatible = "riscv"; riscv,isa = "rv64imafdc"; '
            'mmu-type = "riscv,sv48"; };' for i in range(2, 200)) + " cpu-map {")],
        "no-chosen": [(r"\tchosen \{.*?\n\t\};", "")],
        "stdout-nowhere": [(r'stdout-path = "[^"]*"', 'stdout-path = "/nowhere@0:9"')],
        "stdout-in-a-loop": [(r'stdout-path = "[^"]*"', 'stdout-path = "a"'),
                             node('\taliases { a = "b"; b = "a"; };')],
        "arguments-without-end": [(r"chosen \{", "chosen { bootargs = [" + "41 " * 5000 + "];")],
        "initrd-backwards": [(r"chosen \{", "chosen { linux,initrd-start = <0x87000000>; linux,initrd-end = <0x86000000>;")],
        "initrd-is-the-kernel": [(r"chosen \{", "chosen { linux,initrd-start = <0x80400000>; linux,initrd-end = <0x80500000>;")],
        "initrd-nowhere": [(r"chosen \{", "chosen { linux,initrd-start = <1 0>; linux,initrd-end = <1 0x100000>;")],
        "initrd-odd-cells": [(r"chosen \{", "chosen { linux,initrd-start = [87 00 00]; linux,initrd-end = <0x87100000>;")],
        "timebase-0": [(r"timebase-frequency = <[^>]*>", "timebase-frequency = <0>")],
        "timebase-1": [(r"timebase-frequency = <[^>]*>", "timebase-frequency = <1>")],
        "no-timebase": [(r"timebase-frequency = <[^>]*>;", "")],
        "reserved-all": [node("\treserved-memory { #address-cells = <2>; #size-cells = <2>; ranges; "
                              "a@0 { reg = <0 0 0xffffffff 0xffffffff>; }; };")],
        "reserved-the-kernel": [node("\treserved-memory { #address-cells = <2>; #size-cells = <2>; ranges; "
                                     "k@80400000 { no-map; reg = <0 0x80400000 0 0x100000>; }; };")],
        "reserved-in-1000-pieces": [node("\treserved-memory { #address-cells = <2>; #size-cells = <2>; ranges; " + "".join(
            f"r@{i:x} {{ reg = <0 {0x85000000 + i * 0x2000:#x} 0 0x1000>; }};" for i in range(1000)) + "};")],
        "phandles-in-a-loop": [(r"(plic@c000000 \{)", r"\1 interrupt-parent = <&{/soc/plic@c000000}>;")],
        "phandle-of-nobody": [(r"interrupts-extended = <[^>]*>", "interrupts-extended = <0x7777 9 0x7777 11>")],
        "plic-cut": [(r"(plic@c000000 \{.*?)interrupts-extended = <[^>]*>", r"\1interrupts-extended = <1>")],
        "plic-of-no-size": [(r"(plic@c000000 \{.*?)reg = <[^>]*>", r"\1reg = <0 0xc000000 0 0>")],
        "plic-of-4G-sources": [(r"riscv,ndev = <[^>]*>", "riscv,ndev = <0xffffffff>")],
        "ranges-of-nothing": [(r"(soc \{.*?)ranges;", r"\1ranges = <1 2 3>;")],
        "uart-shifted-31": [(r"(serial@10000000 \{)", r"\1 reg-shift = <31>;")],
        "uart-in-memory": [(r"(serial@10000000 \{.*?)reg = <[^>]*>", r"\1reg = <0 0x86000000 0 0x100>")],
        "uart-of-no-size": [(r"(serial@10000000 \{.*?)reg = <[^>]*>", r"\1reg = <0 0x10000000 0 0>")],
        "root-of-strange-cells": [(r"^(.*?#address-cells = )<0x02>", r"\1<0xff>")],
        "2000-deep": [node("n {" * 2000 + "};" * 2000)],
        "5000-nodes": [node("".join(f"n{i:x} {{ }};" for i in range(5000)))],
        "name-of-8000": [node("\t" + "n" * 30 + " { p" + "q" * 30 + " = \"" + "x" * 8000 + "\"; };")],
    }.items()}


def jobs():
    if not READY:
        return []
    text = qemus_tree()
    found = []
    for kind, blobs in (("damaged", damaged(text)), ("strange", strange(text))):
        for name, blob in blobs.items():
            path = made(f"tree-{name}.dtb")
            with open(path, "wb") as f:
                f.write(blob or b"\0")
            found.append(job(f"{kind}-{name}", stub(), path, TREE))
    good = made("tree-good.dtb")
    with open(good, "wb") as f:
        f.write(compiled(text))
    # A tree that is where it cannot be, and one that is right: it counts only if that has a shell.
    for name, where in (("nowhere", 0x40000000), ("at-0", 0), ("beyond", 1 << 40), ("odd", TREE + 3),
                        ("in-the-kernel", KERNEL + 0x1000), ("in-the-firmware", 0x80000000),
                        ("behind-memory", 0x88000000), ("not-canonical", 1 << 62)):
        found.append(job(f"told-{name}", stub(where), good, TREE))
    found.append(job("good", stub(), good, TREE))
    return found


def job(name, elf, dtb, where):
    qemu = [f"-device loader,file={IMAGE},addr={KERNEL:#x},force-raw=on",
            f"-device loader,file={dtb},addr={where:#x},force-raw=on"]
    return Job(name, (elf, str(LIMIT), *" ".join(qemu).split()), 4 * LIMIT, tool=BOOT_TREE)


@pytest.mark.parametrize("job", jobs(), ids=str)
def test_tree(job, result):
    assert result.status == 0, str(result)
    if str(job) == "good":
        assert result.output.rstrip().endswith("shell: 2 harts"), str(result)


def test_these_tests_ran():
    assert READY, f"no {IMAGE}: the tests of this file did not run (work is in {BUILD})"
