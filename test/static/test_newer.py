"""scripts/newer-qemu: what it takes, what it says, and that nothing of the
system is touched; with stand-ins for QEMU and apt, so without a network."""
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts/newer-qemu")
PARTS = ("qemu-system-riscv64", "opensbi-bookworm-backports.bin", "opensbi-trixie.bin")


def program(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


def emulator(path, version):
    return program(path, f"echo 'QEMU emulator version {version}'\n")


def find(tmp_path, **env):
    """With what stands in tmp_path/bin first on the path, and all firmware there already."""
    out = tmp_path / "out"
    return subprocess.run([SCRIPT, str(out)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                          env={**os.environ, "QEMU": "", "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", **env})


def prepare(tmp_path, firmware=True):
    (tmp_path / "bin").mkdir()
    (tmp_path / "out").mkdir()
    for part in PARTS[1:] if firmware else ():
        (tmp_path / "out" / part).write_text("")
    program(tmp_path / "bin/apt-get", f"echo $* >>{tmp_path}/asked\n"
            "if [ $1 = indextargets ]; then echo http://nowhere.invalid/; exit; fi\n"
            "echo 'E: Could not resolve nowhere.invalid'; exit 100\n")
    emulator(tmp_path / "bin/qemu-system-riscv64", "7.2.22 (Debian)")


def started(tmp_path):
    return subprocess.check_output([tmp_path / "out/qemu-system-riscv64", "--version"], text=True)


def test_one_on_the_path(tmp_path):
    prepare(tmp_path)
    emulator(tmp_path / "bin/qemu-system-riscv64", "10.0.13 (Debian)")
    r = find(tmp_path)
    assert r.returncode == 0 and "qemu 10.0.13" in r.stdout, r
    assert "10.0.13" in started(tmp_path) and not (tmp_path / "asked").exists()
    r = find(tmp_path)
    assert (r.returncode, r.stdout, r.stderr) == (0, "", ""), "it was there already"


def test_the_variable_comes_first_and_may_change(tmp_path):
    prepare(tmp_path)
    emulator(tmp_path / "bin/qemu-system-riscv64", "10.0.13")
    assert find(tmp_path, QEMU=emulator(tmp_path / "mine", "11.1.3")).returncode == 0
    assert "11.1.3" in started(tmp_path)
    assert find(tmp_path, QEMU=emulator(tmp_path / "other", "12.0.0")).returncode == 0
    assert "12.0.0" in started(tmp_path)
    assert find(tmp_path, QEMU=emulator(tmp_path / "old", "9.2.0")).returncode == 0
    assert "12.0.0" in started(tmp_path), "one that is too old changes nothing"


def test_no_network(tmp_path):
    """apt's complaint is kept as the reason, nothing half made is left, and it is not tried thrice."""
    prepare(tmp_path, firmware=False)
    r = find(tmp_path)
    assert r.returncode == 77, r
    missing = (tmp_path / "out/missing").read_text()
    for part in "qemu", "opensbi-bookworm-backports", "opensbi-trixie":
        assert f"\n{part}: " in "\n" + missing and f"cannot have {part}: " in r.stderr, r
    assert not [p for p in PARTS if (tmp_path / "out" / p).exists()]
    if "bookworm" in open("/etc/os-release", encoding="utf-8").read():
        assert "E: Could not resolve nowhere.invalid" in missing
        assert (tmp_path / "asked").read_text().count("update") == 1


def test_one_that_does_not_start(tmp_path):
    """A program that gives no version is none."""
    prepare(tmp_path)
    program(tmp_path / "bin/qemu-system-riscv64", "exit 127\n")
    r = find(tmp_path, QEMU=program(tmp_path / "broken", "echo 'cannot open shared object' >&2; exit 127\n"))
    assert r.returncode == 77 and not (tmp_path / "out/qemu-system-riscv64").exists(), r


def test_without_the_tools_of_debian(tmp_path):
    prepare(tmp_path)
    tools = tmp_path / "few"
    tools.mkdir()
    for name in ("sh", "sed", "dirname", "readlink", "mkdir", "rm", "grep", "cat", "timeout"):
        (tools / name).symlink_to(shutil.which(name))
    r = subprocess.run(["/bin/sh", SCRIPT, str(tmp_path / "out")], capture_output=True, text=True, check=False,
                       env={"PATH": str(tools)})
    assert r.returncode == 77 and r.stderr.startswith("newer-qemu: cannot have qemu: "), r


def test_nothing_is_left_outside():
    with open(os.path.join(ROOT, "scripts/private-apt"), encoding="utf-8") as f:
        text = f.read()
    for setting in "Dir::State", "Dir::State::Lists", "Dir::State::Status", "Dir::Cache":
        assert f'{setting} "$work' in text, f"{setting} is the system's"
