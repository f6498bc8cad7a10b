"""The goals of the Makefile that need no building, and make doctor."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOALS = ["run", "test", "check", "bench", "gdb", "image", "doctor", "clean", "help"]


def make(*args):
    return subprocess.run(["make", *args], cwd=ROOT, capture_output=True, text=True)


def test_help_explains_every_goal():
    out = make("help").stdout
    for goal in GOALS:
        assert re.search(rf"^make {goal} +\w", out, re.M), f"{goal} is not explained:\n{out}"


def test_variables_reach_the_launcher():
    out = make("-n", "run", "SMP=3", "MEM=256M", "MODE=sv39", "MACHINE=sifive_u", "DEBUG=1").stdout
    assert ("ATLAS_KERNEL=build/debug/atlas.elf scripts/run --machine sifive_u --smp 3 --mem 256M "
            "--mode sv39") in out


def test_one_file_and_no_recursion():
    with open(os.path.join(ROOT, "Makefile")) as f:
        text = f.read()
    assert "$(MAKE)" not in text and not re.search(r"^\t@?make ", text, re.M)
    found = subprocess.run(["git", "ls-files", "*Makefile*", "*.mk"], cwd=ROOT,
                           capture_output=True, text=True).stdout.split()
    assert found in ([], ["Makefile"])


def test_doctor_names_every_tool():
    r = make("-s", "doctor")
    assert r.returncode == 0, r.stdout + r.stderr
    for tool in ("riscv64-unknown-elf-gcc", "qemu-system-riscv64", "opensbi", "picolibc", "pytest",
                 "pexpect", "clang", "dtc"):
        assert tool in r.stdout, f"doctor says nothing about {tool}"
    assert "WRONG" not in r.stdout


def test_doctor_says_what_is_wrong(tmp_path):
    """With an empty PATH but the shell's own tools, everything is missing and named."""
    for name in ("sh", "sed", "mktemp", "rm", "head", "grep"):
        (tmp_path / name).symlink_to(
            subprocess.check_output(["which", name], text=True).strip())
    r = subprocess.run(["/bin/sh", os.path.join(ROOT, "scripts/doctor")],
                       env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert r.returncode == 1
    assert re.search(r"^riscv64-unknown-elf-gcc +WRONG: not installed .*gcc-riscv64-unknown-elf",
                     r.stdout, re.M), r.stdout
    assert re.search(r"^cross compiler +WRONG", r.stdout, re.M), r.stdout


def test_no_segment_may_be_writable_and_executable(tmp_path):
    """check-elf refuses what it is there to refuse."""
    cross = os.environ.get("CROSS", "riscv64-unknown-elf-")
    elf = tmp_path / "bad.elf"
    source = tmp_path / "bad.S"
    source.write_text(".globl _start\n_start: nop\n.data\n.word 1\n")
    subprocess.run([cross + "gcc", "-nostdlib", "-Wl,-N", "-Wl,--no-warn-rwx-segments", str(source),
                    "-o", str(elf)], check=True)
    check = os.path.join(ROOT, "scripts/check-elf")
    r = subprocess.run([check, str(elf)], capture_output=True, text=True)
    assert r.returncode == 1 and "writable and executable" in r.stderr
    assert subprocess.run([check, os.path.join(ROOT, "build/atlas.elf")]).returncode == 0


def test_symbol_table_is_verified(tmp_path):
    """gen-symtab --verify accepts the kernel's own table and no other."""
    tool = os.path.join(ROOT, "scripts/gen-symtab")
    kernel = os.path.join(ROOT, "build/atlas.elf")
    table = tmp_path / "t.S"
    subprocess.run([tool, kernel, str(table)], check=True)
    assert subprocess.run([tool, "--verify", kernel, str(table)]).returncode == 0
    table.write_text(table.read_text().replace("kernel_main", "kernel_mein"))
    assert subprocess.run([tool, "--verify", kernel, str(table)], capture_output=True).returncode == 1
