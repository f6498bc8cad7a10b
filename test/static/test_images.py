"""scripts/image: the cards and FITs it makes are what boot ROM and U-Boot look
for, hold what they were made of, and are the same each time. scripts/firmware:
what it does where it cannot fetch. None of it needs root or a network."""
import glob
import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IMAGE = os.path.join(ROOT, "scripts/image")
BOARDS = sorted(os.path.basename(os.path.dirname(c)) for c in glob.glob(f"{ROOT}/boards/*/card"))
FILES = 16384 * 512     # where the file system begins

SPL = "2E54B353-1271-4842-806F-E436D6AF6985"
UBOOT = "BC13C2FF-59E6-4262-A352-B275FD6F7172"
BASIC_DATA = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout


def on_card(card, name):
    return output("mtype", "-i", f"{card}@@{FILES}", f"::/{name}")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A kernel and an initrd: for the image any bytes will do."""
    d = tmp_path_factory.mktemp("parts")
    (d / "k.img").write_bytes(bytes(range(256)) * 4096)
    (d / "i.cpio").write_bytes(b"070701" * 5000)
    return d


def make(parts, out, *options, initrd=True):
    more = ("--initrd", str(parts / "i.cpio")) if initrd else ()
    r = subprocess.run([IMAGE, "--kernel", str(parts / "k.img"), *more, *options, str(out)],
                       capture_output=True, text=True, check=False)
    return r


@pytest.fixture(scope="module", params=BOARDS)
def card(request, parts):
    out = parts / f"{request.param}.img"
    r = make(parts, out, "--board", request.param, "--append", "script=x mode=sv39")
    assert (r.returncode, r.stdout, r.stderr) == (0, "", "")
    return out


def test_the_boards():
    assert {"qemu-virt", "visionfive2"} <= set(BOARDS)


def test_partition_table(card):
    assert b"No problems found" in output("sgdisk", "--verify", str(card))
    table = output("sgdisk", "--print", str(card)).decode()
    found = re.findall(r"^ +(\d+) +(\d+) +(\d+) .* (\w+)$", table, re.M)
    assert found == [("1", "4096", "8191", "spl"), ("2", "8192", "16383", "uboot"),
                     ("3", "16384", "131038", "system")]
    for number, kind, attribute in (1, SPL, 0), (2, UBOOT, 0), (3, BASIC_DATA, 4):
        info = output("sgdisk", f"--info={number}", str(card)).decode()
        assert f"Partition GUID code: {kind}" in info
        assert f"Attribute flags: {attribute:016X}" in info, "bit 2 is what U-Boot looks for"


def test_file_system_fits_its_partition(card):
    with open(card, "rb") as f:
        f.seek(FILES)
        boot = f.read(512)
    assert boot[510:] == b"\x55\xaa" and boot[82:87] == b"FAT32"
    assert int.from_bytes(boot[32:36], "little") == 131038 - 16384 + 1


def test_card_holds_what_it_was_made_of(card, parts):
    assert on_card(card, "atlas.img") == (parts / "k.img").read_bytes()
    assert on_card(card, "initrd.cpio") == (parts / "i.cpio").read_bytes()


def test_every_loader_file_has_the_boot_arguments_and_the_initrd(card):
    conf = on_card(card, "extlinux/extlinux.conf").decode()
    assert re.search(r"^ +append script=x mode=sv39$", conf, re.M)
    assert re.search(r"^ +initrd /initrd.cpio$", conf, re.M)
    script = on_card(card, "boot.scr")
    assert script.startswith(b"\x27\x05\x19\x56") and b"setenv bootargs script=x mode=sv39\n" in script
    assert b"initrd.cpio" in script
    if "visionfive2" in str(card):
        env = on_card(card, "vf2_uEnv.txt").decode()
        assert re.search(r"^bootargs=script=x mode=sv39$", env, re.M) and re.search(r"^boot2=", env, re.M)
    for text in conf, script.decode("latin-1"):
        assert "@" not in text


def test_without_initrd_and_arguments_no_empty_lines_stay(parts, tmp_path):
    out = tmp_path / "c.img"
    assert make(parts, out, initrd=False).returncode == 0
    conf = on_card(out, "extlinux/extlinux.conf").decode()
    assert not re.search(r"^ +(append|initrd)", conf, re.M), "U-Boot refuses an empty one"
    assert b"setenv bootargs \n" in on_card(out, "boot.scr")
    assert b"initrd" not in output("mdir", "-b", "-i", f"{out}@@{FILES}", "::/")


def test_only_one_loader_file(parts, tmp_path):
    for only, there, gone in ("extlinux", "extlinux/extlinux.conf", "boot.scr"), \
                             ("script", "boot.scr", "extlinux/extlinux.conf"):
        out = tmp_path / f"{only}.img"
        assert make(parts, out, "--only", only).returncode == 0
        assert on_card(out, there)
        with pytest.raises(subprocess.CalledProcessError):
            on_card(out, gone)
    r = make(parts, tmp_path / "u.img", "--only", "uenv")
    assert r.returncode == 1 and "qemu-virt has no vf2_uEnv.txt" in r.stderr


def test_same_input_same_bytes(card, parts, tmp_path):
    board = card.stem
    again = tmp_path / "again.img"
    assert make(parts, again, "--board", board, "--append", "script=x mode=sv39").returncode == 0
    assert again.read_bytes() == card.read_bytes()


def test_firmware_goes_into_its_partitions(parts, tmp_path):
    (tmp_path / "u-boot-spl.bin.normal.out").write_bytes(b"SPL!" * 1000)
    (tmp_path / "u-boot.itb").write_bytes(b"ITB!" * 2000)
    out = tmp_path / "f.img"
    r = make(parts, out, "--board", "visionfive2", "--firmware", str(tmp_path))
    assert r.returncode == 0, r.stderr
    data = out.read_bytes()
    assert data[4096 * 512:][:4001] == b"SPL!" * 1000 + b"\0"
    assert data[8192 * 512:][:8001] == b"ITB!" * 2000 + b"\0"
    assert b"No problems found" in output("sgdisk", "--verify", str(out))
    (tmp_path / "u-boot-spl.bin.normal.out").write_bytes(bytes(4096 * 512 + 1))
    r = make(parts, tmp_path / "g.img", "--board", "visionfive2", "--firmware", str(tmp_path))
    assert r.returncode == 1 and "its partition has 2097152" in r.stderr
    assert not (tmp_path / "g.img").exists() and not (tmp_path / "g.img.tmp").exists()


def test_fit(parts, tmp_path):
    for board, load in ("qemu-virt", "0x80200000"), ("visionfive2", "0x40200000"):
        out = tmp_path / f"{board}.itb"
        r = make(parts, out, "--board", board)
        assert (r.returncode, r.stdout, r.stderr) == (0, "", "")
        told = output("dumpimage", "-l", str(out)).decode()
        assert f"Load Address: {load}" in told and f"Entry Point:  {load}" in told
        for number, part in enumerate(("k.img", "i.cpio")):
            got = tmp_path / "got"
            output("dumpimage", "-T", "flat_dt", "-p", str(number), "-o", str(got), str(out))
            assert got.read_bytes() == (parts / part).read_bytes()
    assert "a FIT has an initrd" in make(parts, tmp_path / "x.itb", initrd=False).stderr


def test_refusals(parts, tmp_path):
    r = make(parts, tmp_path / "x.img", "--board", "nosuch")
    assert r.returncode == 1 and "no board 'nosuch' (there are: " + ", ".join(BOARDS) in r.stderr
    r = subprocess.run([IMAGE, "--kernel", "/nonexistent", str(tmp_path / "x.img")], capture_output=True,
                       text=True, check=False)
    assert r.returncode == 1 and "/nonexistent: no such file" in r.stderr
    (tmp_path / "huge").write_bytes(b"")
    os.truncate(tmp_path / "huge", 70 << 20)
    r = subprocess.run([IMAGE, "--kernel", str(tmp_path / "huge"), str(tmp_path / "x.img")],
                       capture_output=True, text=True, check=False)
    assert r.returncode == 1 and "mcopy" in r.stderr
    assert list(tmp_path.glob("x.img*")) == []


def test_firmware_needs_debian(tmp_path):
    """Elsewhere it says why it cannot, with the status of a skipped test."""
    for name in ("sh", "sed", "dirname", "readlink"):
        (tmp_path / name).symlink_to(subprocess.check_output(["which", name], text=True).strip())
    firmware = os.path.join(ROOT, "scripts/firmware")
    r = subprocess.run(["/bin/sh", firmware, "visionfive2", str(tmp_path / "out")], capture_output=True,
                       text=True, env={"PATH": str(tmp_path)}, check=False)
    assert r.returncode == 77 and "there is no apt-get here" in r.stderr
    for board, why in ("nosuch", "no board"), ("qemu-virt", "has no firmware"):
        r = subprocess.run([firmware, board, str(tmp_path / "out")], capture_output=True, text=True, check=False)
        assert r.returncode == 2 and why in r.stderr
    assert not (tmp_path / "out").exists()


def test_firmware_that_cannot_be_fetched(tmp_path):
    """apt's own complaint is passed on, and nothing is left behind that looks like firmware."""
    (tmp_path / "apt-get").write_text("#!/bin/sh\nif [ $1 = indextargets ]; then echo http://nowhere.invalid/; exit; fi\n"
                                      "echo 'E: Could not resolve nowhere.invalid'; exit 100\n")
    (tmp_path / "apt-get").chmod(0o755)
    r = subprocess.run([os.path.join(ROOT, "scripts/firmware"), "visionfive2", str(tmp_path / "out")], text=True,
                       capture_output=True, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=False)
    assert r.returncode == 77 and "could not be fetched" in r.stderr and "E: Could not resolve" in r.stderr
    assert not (tmp_path / "out").exists()


def test_a_board_directory_compiles_nothing():
    """Loader files, a page, evidence: no source of the kernel is for one board."""
    for path in glob.glob(f"{ROOT}/boards/**", recursive=True):
        assert not re.search(r"\.([chSs]|lds|mk)$|Makefile", path), path
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as f:
        assert not re.search(r"KFLAGS.*BOARD|visionfive", f.read())
