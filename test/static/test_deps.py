"""scripts/deps on machines that lack everything, shown with stand-ins for apt."""
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEPS = os.path.join(ROOT, "scripts/deps")
NEEDED = ("env", "sh", "sed", "ls", "sort", "dirname", "printf", "cat")


def machine(tmp_path, known, uid=0, apt=True, sudo=False, works=True):
    """A PATH with nothing of ours in it, and an apt that knows some packages."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in NEEDED:
        (tools / name).symlink_to(subprocess.check_output(["which", name], text=True).strip())

    def script(name, text):
        (tools / name).write_text("#!/bin/sh\n" + text)
        (tools / name).chmod(0o755)

    script("id", f"echo {uid}\n")
    if apt:
        script("apt-cache", "for p; do :; done\ncase \" %s \" in *\" $p \"*) exit 0 ;; esac\nexit 100\n"
               % " ".join(known))
        script("apt-get", f"echo \"apt-get $*\" >>{tmp_path}/log\n"
               f"[ $1 = update ] || exit {0 if works else 100}\n")
    if sudo:
        script("sudo", f"echo sudo >>{tmp_path}/log\nexec \"$@\"\n")
    return {"PATH": str(tools)}


def deps(env, *groups):
    return subprocess.run(["/bin/sh", DEPS, *groups], env=env, capture_output=True, text=True)


DEBIAN_12 = ["gcc-riscv64-unknown-elf", "binutils-riscv64-unknown-elf", "qemu-system-misc", "cpio",
             "coreutils", "picolibc-riscv64-unknown-elf", "opensbi", "python3"]
DEBIAN_13 = ["qemu-system-riscv"] + DEBIAN_12


@pytest.mark.parametrize("known,emulator", [(DEBIAN_12, "qemu-system-misc"),
                                            (DEBIAN_13, "qemu-system-riscv")], ids=["12", "13"])
def test_installs_what_is_missing_and_names_it(tmp_path, known, emulator):
    r = deps(machine(tmp_path, known), "run")
    assert r.returncode == 0, r
    log = (tmp_path / "log").read_text()
    assert "apt-get update" in log
    install = next(line for line in log.splitlines() if " install " in line).split()
    assert emulator in install and "gcc-riscv64-unknown-elf" in install
    assert sum("qemu-system" in word for word in install) == 1
    assert emulator in r.stdout


def test_uses_sudo_when_not_root(tmp_path):
    r = deps(machine(tmp_path, DEBIAN_12, uid=1000, sudo=True), "run")
    assert r.returncode == 0, r
    assert (tmp_path / "log").read_text().startswith("sudo")


def test_without_root_and_sudo_it_names_the_packages(tmp_path):
    r = deps(machine(tmp_path, DEBIAN_12, uid=1000), "run")
    assert r.returncode == 1
    assert "gcc-riscv64-unknown-elf" in r.stderr and "sudo" in r.stderr


def test_elsewhere_than_debian_it_names_the_packages(tmp_path):
    r = deps(machine(tmp_path, [], apt=False), "run", "test")
    assert r.returncode == 1
    assert "gcc-riscv64-unknown-elf" in r.stderr and "apt-get" in r.stderr


def test_a_package_that_apt_does_not_know(tmp_path):
    r = deps(machine(tmp_path, [p for p in DEBIAN_12 if p != "cpio"]), "run")
    assert r.returncode == 1
    assert "cpio: no package brings it" in r.stderr


def test_a_failed_installation_is_a_failure(tmp_path):
    r = deps(machine(tmp_path, DEBIAN_12, works=False), "run")
    assert r.returncode == 1
    assert "could not install" in r.stderr


def test_here_everything_is_there():
    r = subprocess.run([DEPS, "run", "test"], capture_output=True, text=True)
    assert (r.returncode, r.stdout, r.stderr) == (0, "", "")


def test_unknown_group():
    assert deps(dict(os.environ), "everything").returncode == 2
