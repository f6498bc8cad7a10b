"""Trees that claim more memory than there is: what does not answer, and what is
other memory once more, is cut off with a sentence, and the rest works."""
import os
import re
import subprocess

import pytest

from conftest import Job
from test_machines import IMAGE, made, tree

# All that is left is filled and read back.
SCRIPT = ("task create t1; vm_allocate t1 200M; set a $addr; fill t1 $a 200M 0x5a; peek t1 $a+123M width=1; "
          "assert $value == 0x5a; show harts")


def session(name, *options, **env):
    return Job(name, options + ("--exec", SCRIPT), env=tuple(sorted(env.items())))



def put(dtb, option, *words):
    subprocess.run(["fdtput", option, dtb, *words], check=True)


def claims_more():
    """1 GiB in the tree, 256 MiB on the machine: beyond, every access faults."""
    dtb = tree("claims-more", ["-m", "256M"])
    put(dtb, "-tx", "/memory@80000000", "reg", "0", "80000000", "0", "40000000")
    return session("claims-more", "--mem", "256M", ATLAS_QEMU_ARGS=f"-dtb {dtb}")


def bank_that_is_missing():
    dtb = tree("bank-missing", ["-m", "256M"])
    put(dtb, "-cp", "/memory@240000000")
    put(dtb, "-ts", "/memory@240000000", "device_type", "memory")
    put(dtb, "-tx", "/memory@240000000", "reg", "2", "40000000", "0", "80000000")
    return session("bank-missing", "--mem", "256M", ATLAS_QEMU_ARGS=f"-dtb {dtb}")


def seen_twice():
    """Both nodes of the machine are one file: each byte has two addresses, 256 MiB apart."""
    path = made("twice")
    with open(path, "wb") as f:
        f.truncate(256 << 20)
    node = f"-object memory-backend-file,size=256M,share=on,mem-path={path},id="
    return session("seen-twice", "--mem", "512M", ATLAS_QEMU_ARGS=
                   f"-smp 2,sockets=2,cores=1 {node}m0 {node}m1 -numa node,memdev=m0,nodeid=0,cpus=0 "
                   "-numa node,memdev=m1,nodeid=1,cpus=1")


EXPECT = {
    "claims-more": (r"^memory at 0x90000000-0xc0000000 cut off: 0x[0-9a-f]+ does not answer$", 256),
    "bank-missing": (r"^memory at 0x240000000-0x2c0000000 cut off: 0x[0-9a-f]+ does not answer$", 256),
    "seen-twice": (r"^memory at 0x90000000-0xa0000000 cut off: 0x9[0-9a-f]+ is the memory at 0x8[0-9a-f]+ once more$",
                   256),
}


def jobs():
    return [claims_more(), bank_that_is_missing(), seen_twice()] if os.path.exists(IMAGE) else []


@pytest.mark.parametrize("job", jobs(), ids=str)
def test_cut_off(job, result):
    said, there = EXPECT[str(job)]
    assert result.status == 0, str(result)
    assert re.search(said, result.output.replace("\r", ""), re.M), str(result)
    memory = re.search(r"^memory   (\d+) MiB", result.output, re.M)
    assert memory and there - 20 <= int(memory.group(1)) <= there, str(result)


def test_image_was_built():
    assert os.path.exists(IMAGE), "no build/atlas.img: the tests of this file did not run"
