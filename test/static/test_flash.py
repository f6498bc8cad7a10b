"""scripts/flash: on plain files what it writes, checks and shows; against a made-up
/sys what it refuses. No root, no device, and none is ever opened."""
import importlib.machinery
import importlib.util
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FLASH = os.path.join(ROOT, "scripts/flash")
MIB = 1 << 20


@pytest.fixture(scope="module")
def flash():
    loader = importlib.machinery.SourceFileLoader("flash", FLASH)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("flash", loader))
    loader.exec_module(module)
    return module


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "card.img"
    path.write_bytes(os.urandom(5 * MIB + 512))
    return path


def run(*args):
    return subprocess.run([FLASH, *map(str, args)], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)


def test_writes_checks_and_shows_progress(image, tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"\xff" * (7 * MIB))
    r = run("--force", "--image", image, target)
    assert (r.returncode, r.stderr) == (0, "")
    data = target.read_bytes()
    assert data[:5 * MIB + 512] == image.read_bytes() and data[5 * MIB + 512:] == b"\xff" * (2 * MIB - 512)
    for line in "writing  100%  5 of 5 MiB", "checking 100%  5 of 5 MiB", "all equal":
        assert line in r.stdout, r.stdout


@pytest.mark.parametrize("at", [0, 3 * MIB + 7, 5 * MIB + 511])
def test_one_wrong_byte_is_found(image, tmp_path, at):
    data = bytearray(image.read_bytes())
    data[at] ^= 1
    target = tmp_path / "target"
    target.write_bytes(data)
    r = run("--force", "--check", "--image", image, target)
    assert r.returncode == 1 and f"differs from {image} at byte {at}\n" in r.stderr
    assert target.read_bytes() == data, "--check writes nothing"


def test_a_card_that_ends_early_is_found(image, tmp_path):
    target = tmp_path / "target"
    target.write_bytes(image.read_bytes()[:2 * MIB])
    r = run("--force", "--check", "--image", image, target)
    assert r.returncode == 1 and f"at byte {2 * MIB}\n" in r.stderr


def test_without_force_no_file_and_no_new_one(image, tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    r = run("--image", image, target)
    assert r.returncode == 2 and "is a file, not a disk" in r.stderr
    assert target.read_bytes() == b"precious"
    for force in (), ("--force",):
        r = run(*force, "--image", image, tmp_path / "nosuch")
        assert r.returncode == 2 and "No such file" in r.stderr
        assert not (tmp_path / "nosuch").exists()
        assert run(*force, "--image", image, tmp_path).returncode == 2
        assert run(*force, "--image", image, "/dev/null").returncode == 2


def test_image_that_is_not_there(tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    r = run("--force", "--image", tmp_path / "nosuch.img", target)
    assert r.returncode == 1 and "make image BOARD=visionfive2" in r.stderr
    (tmp_path / "empty").write_bytes(b"")
    assert run("--force", "--image", tmp_path / "empty", target).returncode == 2
    assert target.read_bytes() == b"precious"


class Machine:
    """A /sys and a /proc with disks; disk() makes one and returns what flash sees of it."""

    def __init__(self, root, flash):
        self.root, self.flash, self.count = root, flash, 0
        for d in "sys/dev/block", "proc":
            (root / d).mkdir(parents=True)
        self.mounts = self.swaps = ""

    def add(self, path, **files):
        path.mkdir(parents=True)
        for name, text in files.items():
            (path / name.replace("__", "/")).parent.mkdir(exist_ok=True)
            (path / name.replace("__", "/")).write_text(text + "\n")
        self.count += 1
        (self.root / f"sys/dev/block/8:{self.count}").symlink_to(path)
        return os.makedev(8, self.count)

    def disk(self, name, partitions=2, **files):
        path = self.root / "sys/devices/block" / name
        self.number = self.add(path, **{"size": "62333952", "removable": "1", **files})
        self.parts = [self.add(path / f"{name}{n}", partition=str(n), size="1000000")
                      for n in range(1, partitions + 1)]
        return self

    def refuses(self, force=False, number=None, size=64 * MIB):
        (self.root / "proc/mounts").write_text("proc /proc proc rw 0 0\n" + self.mounts)
        (self.root / "proc/swaps").write_text("Filename Type\n" + self.swaps)
        disk = self.flash.Disk(self.number if number is None else number, str(self.root / "sys"),
                               str(self.root / "proc"))
        try:
            self.flash.judge("/dev/x", disk, size, force)
        except self.flash.Refused as e:
            return str(e)
        return None


@pytest.fixture
def machine(tmp_path, flash):
    return Machine(tmp_path, flash)


def test_a_stick_or_card_reader_is_taken(machine):
    assert machine.disk("sdb", device__vendor="Generic", device__model="SD/MMC").refuses() is None


def test_a_card_in_a_slot_is_taken_and_soldered_memory_is_not(machine):
    assert machine.disk("mmcblk0", removable="0", device__type="SD").refuses() is None
    machine.disk("mmcblk1", removable="0", device__type="MMC")
    assert "is not removable" in machine.refuses() and machine.refuses(force=True) is None


def test_a_fixed_disk_is_refused_unless_forced(machine):
    machine.disk("sda", removable="0", device__model="Fast SSD", size=str(2 << 30))
    assert "(Fast SSD, 1024.0 GiB) is not removable" in machine.refuses()
    assert machine.refuses(force=True) is None


def test_a_partition_is_refused_unless_forced(machine):
    part = machine.disk("sdb").parts[0]
    assert "is a partition" in machine.refuses(number=part)
    assert machine.refuses(number=part, force=True) is None


@pytest.mark.parametrize("force", [False, True])
def test_refused_in_any_case(machine, force):
    machine.disk("sdb")
    assert "is smaller than the image" in machine.refuses(force, size=40 << 30)
    machine.mounts = "/dev/sdb1 /media/card vfat rw 0 0\n"
    assert "/dev/sdb1 is mounted on /media/card" in machine.refuses(force)
    machine.mounts = "/dev/sdb /media/card vfat rw 0 0\n"
    assert "/dev/sdb is mounted" in machine.refuses(force)
    machine.mounts, machine.swaps = "/dev/sdbc /elsewhere ext4 rw 0 0\n", "/dev/sdb2 partition 100 0\n"
    assert "/dev/sdb2 is swap" in machine.refuses(force)
    machine.swaps = ""
    assert machine.refuses(force) is None
    (machine.root / "sys/devices/block/sdb/sdb2/holders/dm-0").mkdir(parents=True)
    assert "sdb2 is part of dm-0" in machine.refuses(force)
    machine.disk("sdc", size="0")
    assert "has no card in it" in machine.refuses(force)
