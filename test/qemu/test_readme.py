#!/usr/bin/python3
"""README.md and the pages of user/ and boards/ do what they say: the session is
typed, commands are run, files are saved, compiled and started, and what is
named exists.

Blocks, in their order:

    text     a session at the prompt: commands behind "atlas> ", then exactly
             what is shown, but for addresses of physical pages
    c atlas  the file that the last `...` in the line before names
    sh       commands that end with status 0, or the one in "# ... status N";
             of `make GOAL` only the goal is looked up
    console  commands behind "$ ", then lines that are shown in this order;
             numbers in hexadecimal may differ

Run as a program, this file prints the session as it is now; with --update it
writes it into README.md.
"""
import difflib
import glob
import os
import re
import subprocess
import sys

import pexpect
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
README = os.path.join(ROOT, "README.md")
PROMPT = "atlas> "
BLOCK = re.compile(r"([^\n]*)\n\n```(\w+)\n(.*?)^```$", re.M | re.S)
PHYSICAL = re.compile(r"(?<=table )0x[0-9a-f]+|(?<=\] = )0x[0-9a-f]+|(?<=page at )0x[0-9a-f]+")

def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


TEXT = read(README)
PAGES = {p: read(p) for p in [README, *(os.path.join(ROOT, p) for p in (
    "user/README.md", *glob.glob("boards/*/README.md", root_dir=ROOT)))]}


def blocks(*kinds):
    """[(line before, text)] of README.md's blocks of these kinds."""
    return [(before, text) for before, kind, text in BLOCK.findall(TEXT) if kind in kinds]


def typed(text):
    """The commands of a session."""
    return [line[len(PROMPT):] for line in text.splitlines() if line.startswith(PROMPT)]


def play(sessions):
    """Types the commands of all sessions at one machine; the sessions as they came out."""
    child = pexpect.spawn(os.path.join(ROOT, "scripts/run"), ["--timeout", "600"], cwd=ROOT, timeout=120,
                          encoding="utf-8", codec_errors="replace", dimensions=(50, 200))
    child.expect_exact("\n" + PROMPT)
    shown = []
    for session in sessions:
        text = ""
        for command in typed(session):
            child.send(command + "\r")
            child.expect_exact(command)
            child.expect_exact(["\n" + PROMPT])
            output = child.before.replace("\r", "").lstrip("\n")
            text += PROMPT + command + "\n" + (output + "\n" if output else "")
        shown.append(text)
    child.send("poweroff\r")
    child.expect(pexpect.EOF)
    child.close()
    return shown


def commands():
    """[(command, status, lines it shows)] of all sh and console blocks."""
    found = []
    for _, kind, text in [b for page in PAGES.values() for b in BLOCK.findall(page)]:
        for line in text.splitlines() if kind in ("sh", "console") else []:
            if kind == "console" and not line.startswith("$ "):
                found[-1][2].append(line)
                continue
            command, _, comment = line.removeprefix("$ ").partition("  #")
            status = re.search(r"\bstatus (\d+)", comment)
            found.append((command.strip(), int(status.group(1)) if status else 0, []))
    return found


def test_session():
    sessions = [text for _, text in blocks("text")]
    want = PHYSICAL.sub("0x...", "".join(sessions)).splitlines()
    got = PHYSICAL.sub("0x...", "".join(play(sessions))).splitlines()
    diff = "\n".join(difflib.unified_diff(want, got, "README.md", "the shell", lineterm="", n=2))
    assert not diff, f"\n{diff}\n(if that is right: test/qemu/test_readme.py --update)"


@pytest.fixture(scope="module")
def files():
    """The files that the reader is asked to save."""
    names = []
    for before, text in blocks("c", "atlas"):
        names.append(re.findall(r"`([^`]+)`", before)[-1])
        assert names[-1].startswith("build/")
        with open(os.path.join(ROOT, names[-1]), "w", encoding="utf-8") as f:
            f.write(text)
    return names


@pytest.mark.parametrize("command,status,lines", [
    pytest.param(*c, id=re.sub(r"\W+", "_", c[0])) for c in commands() if not c[0].startswith("make ")])
def test_command(files, command, status, lines):
    r = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True,
                       errors="replace", stdin=subprocess.DEVNULL, timeout=300, check=False)
    assert r.returncode == status, f"\n{r.stdout[-4000:]}{r.stderr}"
    pattern = "".join("^" + re.sub(r"0x[0-9a-f]+", "0x[0-9a-f]+", re.escape(line)) + "\n" for line in lines)
    assert re.search(pattern, r.stdout, re.M), f"\nnot shown:\n{pattern}\nbut:\n{r.stdout[-4000:]}"


def test_files_are_used(files):
    for name in files:
        assert any(name in command for command, _, _ in commands()), name


def test_goals_of_make_exist():
    phony = re.search(r"^\.PHONY: (.*)$", read(os.path.join(ROOT, "Makefile")), re.M).group(1).split()
    goals = re.findall(r"(?:^|`)make ([a-z]+)", "".join(PAGES.values()), re.M)
    assert {"run", "test"} <= set(goals)
    assert set(goals) <= set(phony), set(goals) - set(phony)


def test_paths_exist():
    """From the top, from the page's directory, or as headers from the include directory there."""
    found = [(p, os.path.dirname(page)) for page, text in PAGES.items()
             for p in re.findall(r"`([\w.*-]+/[\w./*-]*)`", text) if not p.startswith("build/")]
    assert len(found) > 20
    assert [p for p, here in found
            if not any(glob.glob(p, root_dir=d) for d in (ROOT, here, os.path.join(here, "include")))] == []


def test_table_of_costs_has_the_yardstick_of_the_bench():
    lines = [line.split("\t") for line in read(os.path.join(ROOT, "test/golden/bench.tsv")).splitlines()]
    golden = {c[0]: c[1:5] for c in lines if len(c) > 4}
    rows = [[re.sub(r"(?<=\d),(?=\d)", "", c.strip()) for c in line.strip("|").split("|")]
            for line in TEXT.splitlines() if line.startswith("| ") and line.count("|") == 9]
    assert rows[0] == ["row", "unit", "atlas", "linux", "ratio", "floor", "goal", "verdict"]
    assert len(rows) > 40
    for name, unit, _, linux, _, floor, goal, _ in rows[1:]:
        assert golden[name] == [unit, linux, floor, goal], name


def update():
    sessions = [text for _, text in blocks("text")]
    shown = play(sessions)
    if "--update" not in sys.argv:
        print("".join(shown), end="")
        return
    text = TEXT
    for old, new in zip(sessions, shown):
        text = text.replace(f"```text\n{old}```", f"```text\n{new}```")
    with open(README, "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    update()
