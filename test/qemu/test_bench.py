"""make bench measures every row it promises. What the figures are is no test:
the table says where a goal is missed."""
import os

import pytest

from conftest import ROOT, Job

BENCH = Job("small maps", ("--entries", "1000"), 300, tool=os.path.join(ROOT, "scripts/bench"))


@pytest.mark.parametrize("job", [BENCH], ids=str)
def test_bench(job, result):
    assert result.status == 0, str(result)
    with open(os.path.join(ROOT, "test/golden/bench.tsv")) as f:
        lines = [line.split("\t") for line in f if not line.startswith("#")]
    missing = [row[0] for row in lines[1:]
               if not any(line.startswith(row[0] + " ") for line in result.output.splitlines())
               and "00 entries" not in row[0]]
    assert missing == [], str(result)
