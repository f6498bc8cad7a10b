"""The suites that run on every kind of machine: paging mode x harts x memory.

* boot-time tests, one boot for all of them, each counted;
* shell scripts (test/scripts/*.atlas), one boot each;
* U-mode programs (user/programs, test/user), one boot each; test/user/list
  says with which arguments.

Some need a gigabyte of memory in one run, and have machines of their own (LARGE).

A script says in a comment `# test: min_mem=512M`, a line of the list behind
its #, what it needs; see Directives in conftest.py.
"""
import glob
import os
import re

import pytest

import ktap
from conftest import LARGE, MATRIX, ROOT, Directives

LIST = os.path.join(ROOT, "test/user/list")


def boot_jobs():
    """On large machines those tests only that want a gigabyte in one run."""
    return ([c.job("", "--exec", "test run *") for c in MATRIX] +
            [c.job("giga", "--exec", "test run *_giga*") for c in LARGE])


def script_jobs():
    jobs = []
    for path in sorted(glob.glob(os.path.join(ROOT, "test/scripts/*.atlas"))):
        name = os.path.basename(path)
        with open(path) as f:
            wants = Directives(f.read(), name)
        for c in MATRIX + LARGE:
            if wants.fits(c) and "elsewhere" not in wants:
                job = c.job(name, "--script", path, timeout=wants.timeout())
                jobs.append(pytest.param(job, wants, id=job.name))
    return jobs


def program_lines():
    """[(command line, directives)] of test/user/list."""
    if not os.path.exists(LIST):
        return []
    lines = []
    with open(LIST) as f:
        for line in f:
            command, _, wants = line.partition("#")
            if command.strip():
                lines.append((command.strip(), Directives("test: " + wants if wants else "", LIST)))
    return lines


def program_jobs():
    jobs = []
    for command, wants in program_lines():
        for c in MATRIX:
            if wants.fits(c) and "elsewhere" not in wants:
                name = re.sub(r"\W+", "_", command)
                jobs.append(c.job(name, "--exec", f"run {command}", timeout=wants.timeout()))
    return jobs


@pytest.mark.parametrize("job", boot_jobs(), ids=str)
def test_boot(job, result, record):
    report = ktap.parse(result.output)
    for t in report.tests:
        record(f"boot {job}: {t.name}", t.outcome, t.detail)
    failed = [t.name for t in report.tests if t.outcome == "failed"]
    assert not report.problem, f"{report.problem}{result}"
    assert not failed, f"{failed}{result}"
    assert report.tests, f"no test ran{result}"
    assert result.status == 0, str(result)


def test_gigabytes_are_tested_somewhere():
    jobs = [p.values[0].name for p in script_jobs()]
    for c in LARGE:
        assert f"gigapages.atlas-{c}" in jobs
    assert not any(name.startswith("gigapages") and name.endswith("2G") for name in jobs)


@pytest.mark.parametrize("job", [j for j in boot_jobs() if j.name.startswith("giga")], ids=str)
def test_no_gigabyte_is_skipped(job, result):
    """Where there is a GiB in one run, those tests have something to say."""
    skipped = [t.name for t in ktap.parse(result.output).tests if t.outcome == "skipped"]
    assert not skipped, f"{skipped}{result}"


@pytest.mark.parametrize("job,wants", script_jobs())
def test_script(job, wants, result):
    assert result.status == int(wants.get("status", 0)), str(result)
    if "expect" in wants:
        assert re.search(wants["expect"], result.output), str(result)


@pytest.mark.parametrize("job", program_jobs(), ids=str)
def test_program(job, result):
    assert result.status == 0, str(result)


def test_every_program_is_listed():
    built = {os.path.basename(p)[:-2] for d in ("user/programs", "test/user")
             for p in glob.glob(os.path.join(ROOT, d, "*.c"))}
    listed = {command.split()[0] for command, _ in program_lines()}
    assert sorted(built - listed) == [], f"programs that {os.path.relpath(LIST, ROOT)} does not run"
    assert sorted(listed - built) == [], "lines of the list without a program"
