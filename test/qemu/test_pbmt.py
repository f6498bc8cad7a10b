"""With Svpbmt the kernel's device windows say themselves that they are device memory."""
import os
import re

import pytest

from conftest import Job
from test_machines import IMAGE


def jobs():
    if not os.path.exists(IMAGE):
        return []
    return [Job("svpbmt", ("--smp", "2", "--mem", "128M", "--exec", "test run paging*; test run pmap*"), 60,
                (("ATLAS_QEMU_ARGS", "-cpu rv64,svpbmt=on"),))]


@pytest.mark.parametrize("job", jobs(), ids=str)
def test_windows(job, result):
    assert result.status == 0, str(result)
    assert re.search(r"^paging   .*; device memory by Svpbmt$", result.output.replace("\r", ""), re.M), str(result)
    assert re.search(r"^ok \d+ paging.device_windows_are_device_memory", result.output, re.M), str(result)


def test_image_was_built():
    assert os.path.exists(IMAGE), "no build/atlas.img: the tests of this file did not run"
