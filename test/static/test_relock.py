"""scripts/relock-points and the forced schedules of test/host/test_relock.c
know the same places."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def marked():
    out = subprocess.run([os.path.join(ROOT, "scripts/relock-points")], capture_output=True, text=True, check=True)
    return [line.split("\t")[0] for line in out.stdout.splitlines()]


def tested():
    with open(os.path.join(ROOT, "test/host/test_relock.c")) as f:
        table = re.search(r"points\[\] = \{(.*?)\};", f.read(), re.S).group(1)
    return re.findall(r'"([^"]+)"', table)


def test_every_marked_place_has_schedules():
    assert sorted(tested()) == sorted(marked())


def test_names_are_unique():
    assert len(set(marked())) == len(marked()) > 10
