"""mm/ROWS.md answers for every name and promise, and what it says exists.

A row: | name | where | command | call | test | note |
  where    file, or file: word; the file holds the word (the name itself when none is given)
  command  commands of the shell that reach it, with commas
  call     calls of <mach/mach.h> that reach it, or - where Mach has none
  test     suite.name of a unit or boot test, or a file of test/; with commas
"""
import glob
import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = "mm/ROWS.md"


def read(path):
    with open(os.path.join(ROOT, path), errors="replace") as f:
        return f.read()


def wanted():
    return [line for line in read("test/static/rows.txt").splitlines()
            if line and line[0] not in "#["]


def rows(text):
    """{name: [where, command, call, test, note]}"""
    found = {}
    for line in text.splitlines():
        cells = [c.strip().strip("`") for c in line.strip().strip("|").split("|")]
        if not line.startswith("| ") or len(cells) != 6 or cells[0] == "name":
            continue
        assert cells[0] not in found, f"two rows for {cells[0]}"
        found[cells[0]] = [c.replace("`", "") for c in cells[1:]]
    return found


def sources(*patterns):
    text = ""
    for pattern in patterns:
        for path in sorted(glob.glob(os.path.join(ROOT, pattern))):
            text += read(path)
    return text


def commands():
    text = sources("kernel/*.c", "kernel/shell/*.c")
    return set(re.findall(r"\bCOMMAND\((\w+),", text)) | set(re.findall(r'\bCOMMAND_NAMED\(\w+,\s*"([^"]+)"', text))


def calls():
    return set(re.findall(r"\b(\w+)\s*\(", sources("user/include/mach/*.h", "user/include/*.h", "user/include/sys/*.h", "user/include/vm/*.h")))


def known_tests():
    text = sources("test/unit/*.c", "test/boot/*.c", "test/host/*.c")
    return {f"{suite}.{name}" for suite, name in re.findall(r"\bTEST\((\w+),\s*(\w+)\)", text)}


def problems(page, names, known):
    """What is wrong with the page, as sentences."""
    found, wrong = rows(page), []
    for name in names:
        if name not in found:
            wrong.append(f"{name}: no row")
    for name, (where, command, call, test, _) in found.items():
        if name not in names:
            wrong.append(f"{name}: a row that nobody asked for")
        path, _, word = where.partition(": ")
        word = word or name.split(".")[-1]
        if not os.path.isfile(os.path.join(ROOT, path)):
            wrong.append(f"{name}: there is no {path}")
        elif not re.search(r"\b" + re.escape(word) + r"\b", read(path)):
            wrong.append(f"{name}: {path} does not hold {word}")
        for kind, cell in (("command", command), ("call", call), ("test", test)):
            items = [c.strip() for c in cell.split(",") if c.strip()]
            if not items:
                wrong.append(f"{name}: no {kind}")
            for item in items:
                if item == "-" and kind == "call":
                    continue
                if kind == "test" and "/" in item:
                    good = os.path.isfile(os.path.join(ROOT, item))
                else:
                    good = item in known[kind]
                if not good:
                    wrong.append(f"{name}: there is no {kind} {item}")
    return wrong


def mistakes(text):
    """[(mistake, [test])]"""
    part = text.partition("## Mistakes that others made")[2]
    cells = [[c.strip() for c in line.strip("| \n").split("|")] for line in part.splitlines() if line.startswith("| ")]
    return [(what, test.split(", ")) for what, test in cells if what != "mistake"]


@pytest.fixture(scope="module")
def known():
    return {"command": commands(), "call": calls(), "test": known_tests()}


def test_every_mistake_has_tests_that_exist(known):
    found = mistakes(read(PAGE))
    assert len(found) >= 35
    missing = [t for _, tests in found for t in tests
               if not (os.path.isfile(os.path.join(ROOT, t)) if "/" in t else t in known["test"])]
    assert not missing


def test_every_row_is_there_and_true(known):
    wrong = problems(read(PAGE), wanted(), known)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("spoil,complaint", [
    (lambda p: re.sub(r"^\| `?vm_map_enter`? .*\n", "", p, flags=re.M), "vm_map_enter: no row"),
    (lambda p: p.replace("mm/vm_map_enter.c", "mm/vm_map_entre.c"), "there is no mm/vm_map_entre.c"),
    (lambda p: re.sub(r"^(\| `?vm_map_fork`? \|[^|]*\|)[^|]*\|", r"\1 task frok |", p, flags=re.M),
     "vm_map_fork: there is no command task frok"),
    (lambda p: re.sub(r"^(\| `?vm_map_wire`? \|[^|]*\|[^|]*\|)[^|]*\|", r"\1 vm_wired |", p, flags=re.M),
     "vm_map_wire: there is no call vm_wired"),
    (lambda p: re.sub(r"^(\| `?vm_map_wire`? \|[^|]*\|[^|]*\|[^|]*\|)[^|]*\|", r"\1 vm_map.nothing |", p, flags=re.M),
     "vm_map_wire: there is no test vm_map.nothing"),
], ids=["row", "file", "command", "call", "test"])
def test_a_spoiled_page_is_seen(known, spoil, complaint):
    page = read(PAGE)
    spoiled = spoil(page)
    assert spoiled != page
    assert any(complaint in w for w in problems(spoiled, wanted(), known))
