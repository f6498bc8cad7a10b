"""boards/visionfive2/QUIRKS.md: twenty points, and what they name exists."""
import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "boards/visionfive2/QUIRKS.md")

NAMED = re.compile(r"`((?:arch|boards|drivers|kernel|mm|scripts|test)/[\w./-]+)(?::(\w+))?`")


def rows():
    with open(PAGE) as f:
        for line in f:
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            if cells[0].isdigit():
                yield cells


def missing(path, name):
    """Why path:name does not exist; None: it does."""
    full = os.path.join(ROOT, path)
    if not os.path.exists(full):
        return f"{path}: no such file"
    if name:
        with open(full) as f:
            text = f.read()
        # A definition, not just any mention: at the start of a line, a test, a macro, a label.
        shapes = (rf"^{name}\(", rf"^static .*\b{name}\(", rf"TEST\(\w+, {name}\)", rf"^#define {name}\b",
                  rf"^{name}:", rf"^def {name}\(", rf"\b{name}\[\] = \{{")
        if not any(re.search(s, text, re.M) for s in shapes):
            return f"{path} defines no {name}"
    return None


def test_twenty_points_in_order():
    assert [int(r[0]) for r in rows()] == list(range(1, 21))


@pytest.mark.parametrize("row", rows(), ids=lambda r: r[0])
def test_every_point_says_where_and_what_covers_it(row):
    assert len(row) == 4 and all(row), row
    handled, covered = NAMED.findall(row[2]), NAMED.findall(row[3])
    assert handled and (covered or "review" in row[3].lower()), row
    assert not any(path.startswith("test/") for path, _ in handled), row


def test_what_is_named_exists():
    with open(PAGE) as f:
        named = NAMED.findall(f.read())
    wrong = [w for path, name in named if (w := missing(path, name))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path,name", [("drivers/no_such.c", ""), ("drivers/platform.c", "no_such"),
                                       ("arch/riscv/hart.c", "deadline")])
def test_what_does_not_exist_is_noticed(path, name):
    assert missing(path, name)
