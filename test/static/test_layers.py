"""The layering holds: what the include roots and the written list of mm's
needs promise is true of the tree as it is."""
import glob
import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CROSS = os.environ.get("CROSS", "riscv64-unknown-elf-")
LIST = "test/golden/mm_undefined.txt"

# (directory, header that files there must not see)
FORBIDDEN = [
    ("kernel/base", "mm/vm_map.h"),
    ("kernel/base", "drivers/fdt.h"),
    ("kernel/base", "arch/sbi.h"),
    ("kernel/base", "kernel/task.h"),
    ("mm", "kernel/task.h"),
    ("mm", "kernel/thread.h"),
    ("mm", "drivers/console.h"),
    ("mm", "arch/sbi.h"),
    ("mm", "atlas/abi.h"),
    ("drivers", "mm/vm_map.h"),
    ("drivers", "kernel/console.h"),
    ("drivers", "arch/sbi.h"),
    ("arch/riscv", "kernel/task.h"),
    ("arch/riscv", "atlas/abi.h"),
]
# One that each may see, to prove that the compiler line works at all.
ALLOWED = [
    ("kernel/base", "base/list.h"),
    ("mm", "mm/vm_map.h"),
    ("drivers", "drivers/console.h"),
    ("arch/riscv", "mm/pmap.h"),
    ("kernel", "atlas/abi.h"),
]


def compile_include(directory, header):
    """Compiles one line with the command that make would use for a file of the directory."""
    out = subprocess.run(["make", "-s", "--eval", "show: ; @echo '$(KCC) $(KFLAGS)'", "show"],
                         cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    roots = subprocess.run(
        ["make", "-s", "--eval", f"build/obj/{directory}/probe.o: ; @echo '$(INC)'",
         f"build/obj/{directory}/probe.o"],
        cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return subprocess.run(out + roots + ["-fsyntax-only", "-x", "c", "-"], cwd=ROOT,
                          input=f"#include <{header}>\n", capture_output=True, text=True)


@pytest.mark.parametrize("directory,header", FORBIDDEN)
def test_forbidden_include_does_not_compile(directory, header):
    r = compile_include(directory, header)
    assert r.returncode != 0, f"a file of {directory} can include <{header}>"
    assert f"{header}: No such file" in r.stderr, r.stderr


@pytest.mark.parametrize("directory,header", ALLOWED)
def test_own_include_compiles(directory, header):
    r = compile_include(directory, header)
    assert r.returncode == 0, r.stderr


def nm(objects, *flags):
    out = subprocess.run([CROSS + "nm", "-A", *flags] + objects, cwd=ROOT,
                         capture_output=True, text=True, check=True).stdout
    return [line.split()[-1] for line in out.splitlines()]


def test_mm_needs_only_what_is_listed():
    """
    mm's whole appetite for other layers. A name too many: mm learned to call
    something new, and the list must say so where a reviewer sees it.
    """
    objects = sorted(glob.glob(os.path.join(ROOT, "build/obj/mm/*.o")))
    assert objects, "mm was not built"
    sources = sorted(glob.glob(os.path.join(ROOT, "mm/*.c")))
    objects = [f"build/obj/mm/{os.path.basename(s)}.o" for s in sources]
    needs = set(nm(objects, "-u")) - set(nm(objects, "--defined-only", "-g"))
    with open(os.path.join(ROOT, LIST)) as f:
        listed = {line.split("#")[0].strip() for line in f} - {""}
    assert sorted(needs - listed) == [], f"mm uses names that {LIST} does not list"
    assert sorted(listed - needs) == [], f"{LIST} lists names that mm no longer uses"


def test_mm_does_not_say_current():
    """Rule 6 of the house: maps, tasks, harts arrive as arguments."""
    bad = []
    for path in glob.glob(os.path.join(ROOT, "mm/**/*.[ch]"), recursive=True):
        with open(path) as f:
            text = re.sub(r"/\*.*?\*/|//[^\n]*|\"(\\.|[^\"])*\"", "", f.read(), flags=re.S)
        for name in re.findall(r"\bcurrent_(?:task|thread|map|pmap)\b|\bhart_self\b", text):
            bad.append(f"{os.path.relpath(path, ROOT)}: {name}")
    assert bad == []
