"""A crash of the kernel is told completely, and ends the run with status 3."""
import re

import pytest

from conftest import MATRIX

# how=..., what the report must say besides registers and backtrace
CRASHES = {
    "read": r"load page fault.* at address 0x[0-9a-f]+",
    "write": r"store page fault.* at address 0x[0-9a-f]+",
    "assert": r"panic: ",
    "stack": r"overflowed",
    "illegal": r"illegal instruction",
}


def jobs():
    configs = [c for c in MATRIX if c.mem == "128M"]
    return [pytest.param(configs[i % len(configs)].job(f"{how}", "--exec", f"crash {how}"),
                         words, id=how)
            for i, (how, words) in enumerate(CRASHES.items())]


@pytest.mark.parametrize("job,words", jobs())
def test_crash(job, words, result):
    assert result.status == 3, str(result)
    report = result.output[result.output.find("KERNEL CRASH"):]
    assert re.search(words, report), str(result)
    assert re.search(r"\bbacktrace:\n(.*\n)*.*\bshell_line\+0x", report), str(result)
    if "page fault" in words:
        assert re.search(r"page tables of 0x[0-9a-f]+ \(Sv", report), str(result)
        assert re.search(r"\n +level 0|\n +level 2: table", report), str(result)
    assert report.endswith("\natlas: exit status 3\n"), str(result)
