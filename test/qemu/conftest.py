"""conftest.py: boots for the tests of this directory.

A test that needs a boot has a parameter `job`. All jobs of the collected tests
are started when collection ends, two at a time, and each test waits for its
own: so the processors are busy, and each test still reports for itself.
"""
import concurrent.futures
import dataclasses
import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUN = os.path.join(ROOT, "scripts/run")
sys.path.insert(0, os.path.join(ROOT, "test"))

WORKERS = 2
PATIENCE = 240  # seconds until a start is called hung: what takes three is given them however busy the machine is
MEGA = {"M": 1, "G": 1024}


def megabytes(size):
    return int(size[:-1]) * MEGA[size[-1]]


@dataclasses.dataclass(frozen=True)
class Config:
    """A machine to boot."""
    mode: str = "sv57"
    smp: int = 4
    mem: str = "128M"
    debug: bool = False     # the kernel with all checks

    def job(self, name, *options, timeout=PATIENCE):
        env = (("ATLAS_KERNEL", "build/debug/atlas.elf"),) if self.debug else ()
        machine = ("--mode", self.mode, "--smp", str(self.smp), "--mem", self.mem)
        return Job(f"{name}-{self}" if name else str(self), machine + options, timeout, env)

    def __str__(self):
        return f"{self.mode}-{self.smp}-{self.mem}{'-debug' if self.debug else ''}"


MATRIX = [Config(mode, smp, mem)
          for mode in ("sv39", "sv48", "sv57") for smp in (1, 4) for mem in ("128M", "2G")]
MATRIX.append(Config("sv57", 1, "32M"))
MATRIX.append(Config("sv39", 4, "128M", debug=True))
# Machines for what needs more memory than those above: a gigabyte of it in one run.
LARGE = [Config("sv39", 4, "3G"), Config("sv57", 4, "3G")]


@dataclasses.dataclass(frozen=True)
class Job:
    """One start of scripts/run: its options, and seconds until it must have ended."""
    name: str
    options: tuple
    timeout: int = PATIENCE
    env: tuple = ()     # of (name, value)
    tool: str = RUN     # another script that starts machines by scripts/run

    def __str__(self):
        return self.name

    def run(self):
        cmd = ([RUN, "--timeout", str(self.timeout)] if self.tool == RUN
               else ["timeout", "-k", "5", str(self.timeout), self.tool]) + list(self.options)
        r = subprocess.run(cmd, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                           env={**os.environ, **dict(self.env)})
        return Result(" ".join(cmd), r.returncode, r.stdout.decode("utf-8", "replace"),
                      r.stderr.decode("utf-8", "replace"))


@dataclasses.dataclass(frozen=True)
class Result:
    command: str
    status: int
    output: str
    errors: str

    def __str__(self):
        """What a failed assertion shows: how to repeat it, and the end of the console."""
        tail = "\n".join(self.output.splitlines()[-50:])
        return f"\n{self.command}\nstatus {self.status}\n{tail}\n{self.errors}"


class Directives(dict):
    r"""
    The words of `test: name name=value` in a file's first lines:
    min_mem=SIZE, min_smp=N, mode=MODE: where it can run; once: on one machine;
    timeout=S; status=N: the exit status that is right (0); expect=REGEX: what
    the console must show; elsewhere: another test runs it; mem=SIZE: not on the
    machines of the matrix, but on LARGE ones that have just so much memory.
    """
    KNOWN = {"min_mem", "min_smp", "timeout", "status", "once", "mode", "expect", "elsewhere", "mem"}

    def __init__(self, text, where):
        super().__init__()
        for line in text.splitlines()[:30]:
            m = re.match(r"^[#* /]*test: (.*?)(\*/)?$", line)
            if not m:
                continue
            for word in m.group(1).split():
                name, _, value = word.partition("=")
                if name not in self.KNOWN:
                    raise ValueError(f"{where}: unknown word '{word}' after test:")
                self[name] = value

    def fits(self, config):
        if "once" in self and config != MATRIX[0]:
            return False
        if config in LARGE:
            return self.get("mem") == config.mem and config.mode == self.get("mode", config.mode)
        if "mem" in self:
            return False
        return (megabytes(config.mem) >= megabytes(self.get("min_mem", "1M"))
                and config.smp >= int(self.get("min_smp", 1))
                and config.mode == self.get("mode", config.mode))

    def timeout(self):
        return max(PATIENCE, int(self.get("timeout", 0)))


_pool = concurrent.futures.ThreadPoolExecutor(WORKERS)
_running = {}


def pytest_collection_finish(session):
    if session.config.option.collectonly:
        return
    for item in session.items:
        job = getattr(item, "callspec", None) and item.callspec.params.get("job")
        if isinstance(job, Job) and job not in _running and not item.get_closest_marker("skip"):
            _running[job] = _pool.submit(job.run)


def pytest_sessionfinish(session, exitstatus):
    for future in _running.values():
        future.cancel()


@pytest.fixture
def result(job):
    """What came of the test's job."""
    return _running[job].result()


@pytest.fixture
def record():
    """record(name, outcome, detail): counts a test that ran inside a boot."""
    path = os.environ.get("ATLAS_RECORD")

    def add(name, outcome, detail=""):
        if path:
            detail = detail.replace("\n", "\\n").replace("\t", " ")
            with open(path, "a") as f:
                f.write(f"{outcome}\t{name}\t{detail}\n")
    return add
