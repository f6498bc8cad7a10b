"""scripts/run keeps its promises, shown with a stand-in for the kernel
(fake.S) that says and does what each case needs."""
import glob
import os
import subprocess
import time

import pytest

from conftest import ROOT, RUN

CROSS = os.environ.get("CROSS", "riscv64-unknown-elf-")
FAKE = os.path.join(ROOT, "test/qemu/fake.S")
FINISH_PASS, FINISH_1, HANG = "0x5555", "0x13333", "0"


def fake_kernel(directory, message, code):
    """The fake as ELF and as flat image; returns the ELF's name."""
    elf = os.path.join(directory, "fake.elf")
    subprocess.run([CROSS + "gcc", "-nostdlib", "-march=rv64imac_zicsr", "-mabi=lp64", "-Wl,-n",
                    "-Wl,-Ttext=0x80200000", "-Wl,--build-id=none", f"-DCODE={code}",
                    '-DMESSAGE="%s"' % message, FAKE, "-o", elf], check=True)
    subprocess.run([CROSS + "objcopy", "-O", "binary", elf, elf[:-3] + "img"], check=True)
    return elf


def run(*options, **env):
    return subprocess.run([RUN, *options], cwd=ROOT, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env={**os.environ, **env})


VERDICTS = [
    # (name, what the kernel says, what it does, status of scripts/run, words on stderr)
    ("pass", "Atlas\\natlas: exit status 0\\n", FINISH_PASS, 0, ""),
    ("line_failed", "Atlas\\natlas: exit status 1\\n", FINISH_1, 1, ""),
    ("sbi_shutdown_gives_0", "Atlas\\natlas: exit status 3\\n", FINISH_PASS, 3, ""),
    ("poweroff_status", "Atlas\\natlas: exit status 42\\n", FINISH_PASS, 42, ""),
    ("disagree", "Atlas\\natlas: exit status 0\\n", FINISH_1, 3, "QEMU says 1"),
    ("no_verdict", "Atlas\\n", FINISH_PASS, 3, "before Atlas gave its exit status"),
    ("hang", "Atlas\\nworking on it\\n", HANG, 4, "working on it"),
    ("no_power_off", "Atlas\\natlas: exit status 0\\n", HANG, 4, "did not power off"),
    ("silent_hang", "", HANG, 5, "nothing heard from Atlas"),
    ("silent_end", "", FINISH_PASS, 5, "nothing heard from Atlas"),
    ("verdict_must_be_a_line", "Atlas\\necho atlas: exit status 0\\n", FINISH_PASS, 3, ""),
]


@pytest.mark.parametrize("name,message,code,status,words", VERDICTS, ids=[v[0] for v in VERDICTS])
def test_verdict(tmp_path, name, message, code, status, words):
    kernel = fake_kernel(tmp_path, message, code)
    # Those that end by the limit must have come so far by then; those that end by themselves may take their time.
    r = run("--exec", "help", "--timeout", {"hang": "15", "silent_hang": "3"}.get(name, "120"), ATLAS_KERNEL=kernel)
    assert r.returncode == status, r
    assert words in r.stderr, r


@pytest.mark.parametrize("options", [
    ("--smp", "4"), ("--mem", "32M"), ("--mode", "sv39"), ("--icount", "0"), ("--uboot",)], ids=str)
def test_options_that_start_a_machine(tmp_path, options):
    kernel = fake_kernel(tmp_path, "Atlas\\natlas: exit status 0\\n", FINISH_PASS)
    r = run("--exec", "help", "--timeout", "120", *options, ATLAS_KERNEL=kernel)
    assert r.returncode == 0, r


def test_flat_image_boots(tmp_path):
    kernel = fake_kernel(tmp_path, "Atlas\\natlas: exit status 0\\n", FINISH_PASS)
    r = run("--exec", "help", "--timeout", "120", ATLAS_KERNEL=kernel[:-3] + "img")
    assert r.returncode == 0, r


def test_machine_without_power_off_ends_after_the_verdict(tmp_path):
    kernel = fake_kernel(tmp_path, "Atlas\\natlas: exit status 1\\n", HANG)
    r = run("--exec", "help", "--machine", "sifive_u", "--smp", "5", "--timeout", "120",
            ATLAS_KERNEL=kernel)
    assert r.returncode == 1, r


@pytest.mark.parametrize("options", [
    ("--bogus",), ("--smp", "0"), ("--smp", "x"), ("--mem", "12"), ("--mem", "-1M"),
    ("--mode", "sv32"), ("--machine", "pc"), ("--icount", "11"), ("--timeout", "0"),
    ("--script", "no-such-file"), ("--initrd", "no-such-directory"), ("stray",), ("--smp",),
    ("--script", "Makefile", "--exec", "help"), ("--scr", "Makefile")], ids=str)
def test_usage(options):
    r = run(*options)
    assert r.returncode == 2, r
    assert "usage" in r.stderr


def test_missing_kernel_says_what_to_do():
    r = run("--exec", "help", ATLAS_KERNEL="/nowhere/atlas.elf")
    assert r.returncode == 2
    assert "make" in r.stderr


def test_missing_emulator_is_a_skip(tmp_path):
    kernel = fake_kernel(tmp_path, "", FINISH_PASS)
    r = run("--exec", "help", ATLAS_KERNEL=kernel, QEMU="/nowhere/qemu")
    assert r.returncode == 77
    assert "skipped" in r.stdout


def test_icicle_gets_a_tree(tmp_path):
    kernel = fake_kernel(tmp_path, "Atlas\\natlas: exit status 0\\n", HANG)
    r = run("--machine", "icicle", "--smp", "5", "--exec", "help", "--timeout", "30", ATLAS_KERNEL=kernel)
    assert r.returncode == 0, r
    assert "Microchip PolarFire-SoC Icicle Kit" in r.stdout, "firmware tells the model of the tree"


@pytest.mark.parametrize("machine", ["icicle", "sifive_u"])
def test_a_monitor_hart_alone_is_a_skip(tmp_path, machine):
    kernel = fake_kernel(tmp_path, "", FINISH_PASS)
    r = run("--machine", machine, "--exec", "help", ATLAS_KERNEL=kernel)
    assert r.returncode == 77
    assert "skipped" in r.stdout


def running_with(word):
    """The processes whose command line has the word."""
    found = []
    for cmdline in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(cmdline, "rb") as f:
                if word.encode() in f.read():
                    found.append(cmdline)
        except OSError:
            pass    # that process has ended
    return found


def test_interrupt_leaves_no_qemu_behind(tmp_path):
    kernel = fake_kernel(tmp_path, "Atlas\\n", HANG)
    p = subprocess.Popen([RUN, "--exec", "help"], cwd=ROOT, stdout=subprocess.PIPE,
                         stdin=subprocess.DEVNULL, env={**os.environ, "ATLAS_KERNEL": kernel})
    while b"Atlas" not in p.stdout.readline():
        pass
    p.terminate()
    assert p.wait(60) != 0
    end = time.monotonic() + 60
    while running_with(kernel):
        assert time.monotonic() < end, running_with(kernel)
        time.sleep(0.2)


def test_script_and_files_reach_the_machine(tmp_path):
    """What scripts/run packs: the script as `script`, files of --initrd by their names."""
    files = tmp_path / "files"
    files.mkdir()
    (files / "data").write_text("hello")
    (tmp_path / "s.atlas").write_text("echo hi\n")
    probe = tmp_path / "qemu"
    probe.write_text("#!/bin/sh\nwhile [ $# -gt 0 ]; do case $1 in -initrd) cp $2 %s/got.cpio;; "
                     "-append) echo \"$2\" >%s/append;; esac; shift; done\n" % (tmp_path, tmp_path))
    probe.chmod(0o755)
    kernel = fake_kernel(tmp_path, "", FINISH_PASS)
    run("--script", str(tmp_path / "s.atlas"), "--initrd", str(files), "--mode", "sv48",
        "--append", "noise=1", ATLAS_KERNEL=kernel, QEMU=str(probe))
    names = subprocess.run(["cpio", "--quiet", "-t"], stdin=open(tmp_path / "got.cpio"),
                           capture_output=True, text=True).stdout.split()
    assert {"script", "data"} <= set(names)
    assert (tmp_path / "append").read_text().split() == ["script=script", "mode=sv48", "noise=1"]
