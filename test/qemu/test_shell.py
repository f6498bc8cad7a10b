"""The shell at a terminal: editing, history, completion, Ctrl-C. What a line
does is tested by scripts; this is about the keys."""

import json
import os
import re
import subprocess

import pexpect
import pytest

from conftest import ROOT, RUN

PROMPT = "atlas> "
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
CTRL_A = "\x01\x01"     # twice: the first one is QEMU's own escape
HOME, END, DELETE = "\x1b[H", "\x1b[F", "\x1b[3~"


def ctrl(letter):
    return chr(ord(letter) & 0x1f)


@pytest.fixture(scope="module")
def machine():
    """One machine for all tests of this file; each begins and ends at the prompt."""
    child = pexpect.spawn(RUN, ["--timeout", "600"], cwd=ROOT, timeout=120, encoding="utf-8",
                          codec_errors="replace", dimensions=(50, 200))
    child.expect_exact(PROMPT)
    yield child
    child.send(ctrl("a") + "x")
    child.expect(pexpect.EOF)
    child.close()


@pytest.fixture
def shell(machine):
    """type(keys, expected): sends keys and Enter, waits for the text and the prompt."""
    def type_(keys, expected):
        machine.send(keys + "\r")
        machine.expect_exact("\n" + expected)
        machine.expect_exact(PROMPT)
    return type_


def test_plain(shell):
    shell("echo one two", "one two")


@pytest.mark.parametrize("keys,expected", [
    ("echo ab" + LEFT + "X", "aXb"),
    ("echo ab" + LEFT + LEFT + RIGHT + "X", "aXb"),
    ("cho ab" + HOME + "e", "ab"),
    ("cho ab" + CTRL_A + "e", "ab"),
    ("echo ab" + HOME + END + "c", "abc"),
    ("echo ab" + HOME + ctrl("e") + "c", "abc"),
    ("echo abc\x7fd", "abd"),
    ("echo abc" + LEFT + DELETE + "d", "abd"),
    ("echo ab cd" + LEFT * 3 + ctrl("k"), "ab"),
    ("junk" + ctrl("u") + "echo ab", "ab"),
    ("echo ab junk" + ctrl("w") + "cd", "ab cd"),
    ("echo a" + ctrl("l") + "b", "ab"),
], ids=["left", "right", "home", "ctrl-a", "end", "ctrl-e", "backspace", "delete", "ctrl-k",
        "ctrl-u", "ctrl-w", "ctrl-l"])
def test_editing(shell, keys, expected):
    shell(keys, expected)


def test_history(shell):
    for word in ("one", "two", "three"):
        shell(f"echo {word}", word)
    shell(UP + UP + UP, "one")
    shell("echo four", "four")
    shell(UP + UP + DOWN + "!", "four!")
    shell("echo kept" + UP + DOWN, "kept")


def test_completion_of_a_command(shell):
    shell("ech\tdone", "done")


def test_completion_of_a_task_name(shell):
    shell("task create verylongname", "KERN_SUCCESS")
    shell("show map verylo\t", "")
    shell("task kill veryl\t", "KERN_SUCCESS")


def test_caret_under_the_bad_word(machine):
    machine.send("vm_allocate nosuchtask 4M\r")
    machine.expect(r"\n +\^")
    machine.expect_exact(PROMPT)


def test_unknown_command_is_said_and_the_shell_goes_on(shell, machine):
    machine.send("nosuchcommand\r")
    machine.expect_exact(PROMPT)
    shell("echo $?", "2")


def test_help_lists_and_explains(machine):
    machine.send("help\r")
    machine.expect_exact("vm_allocate")
    machine.expect_exact(PROMPT)
    machine.send("help vm_allocate\r")
    machine.expect_exact("vm_allocate")
    machine.expect_exact(PROMPT)


def test_interrupt_of_a_running_program(machine):
    machine.send("repeat 1000000 echo -\r")
    machine.expect(r"-\s+-")
    machine.send(ctrl("c"))
    machine.expect_exact("interrupted")
    machine.expect_exact(PROMPT)


def test_poweroff_status():
    child = pexpect.spawn(RUN, [], cwd=ROOT, timeout=120, encoding="utf-8")
    child.expect_exact(PROMPT)
    child.send("poweroff 7\r")
    child.expect_exact("atlas: exit status 7")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 7


def test_completion_of_a_held_name_and_of_words(shell):
    shell("vm_map_create verylongmap 0 4M", "KERN_SUCCESS")
    shell("vm_allocate verylongm\t4K flags=anyw\t", "KERN_SUCCESS")
    shell("vm_behavior_set verylongm\t0 4K seq\t", "KERN_SUCCESS")
    shell("vm_map_enter verylongm\t0x100000 4K flags=fixed|overw\t", "KERN_SUCCESS")
    shell("drop verylon\t", "KERN_SUCCESS")


def test_readme_lists_every_command():
    r = subprocess.run([RUN, "--exec", "help -j"], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    commands = [json.loads(line) for line in r.stdout.splitlines() if line.startswith('{"name"')]
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        rows = dict(re.findall(r"^\| (\w+) \| ((?:`[\w ]+`(?:, )?)+) \|$", f.read(), re.M))
    assert commands, r.stdout
    for topic in sorted({c["topic"] for c in commands}):
        want = ", ".join(f"`{c['name']}`" for c in commands if c["topic"] == topic)
        assert rows.get(topic) == want, f"README.md's list of commands, topic {topic}"
