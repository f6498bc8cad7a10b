"""ktap.py: reads what the test runners print.

    1..2
    ok 1 pmap.enter_makes_a_leaf
    # pmap.c:12: a == b: 0x1, 0x2
    not ok 2 pmap.remove
    ok 3 smp.shootdown # SKIP one hart

Lines that begin with # and stand before a "not ok" line tell why; where none
stand there, those after it do. A plan that
was not fulfilled, or no plan, is a problem of the whole report: a runner that
died half way must not look like one that passed.
"""
import collections
import re

Test = collections.namedtuple("Test", "name outcome detail")
Report = collections.namedtuple("Report", "tests problem")

PLAN = re.compile(r"^1\.\.(\d+)\s*$")
LINE = re.compile(r"^(not )?ok (\d+)(?: -)? ?(.*?)\s*(?:# *SKIP\b *(.*))?$", re.I)


def parse(text):
    plan, tests, notes, problem, said_before = None, [], [], None, False
    for line in text.replace("\r", "").splitlines():
        m = PLAN.match(line)
        if m:
            if plan is not None:
                problem = "two plans in one report"
            plan = int(m.group(1))
            continue
        m = LINE.match(line)
        if m:
            bad, number, name, skip = m.groups()
            if int(number) != len(tests) + 1:
                problem = f"test {number} ({name}) came where {len(tests) + 1} was due"
            if bad:
                tests.append(Test(name, "failed", "\n".join(notes)))
            elif skip is not None:
                tests.append(Test(name, "skipped", skip))
            else:
                tests.append(Test(name, "passed", ""))
            said_before, notes = bool(notes), []
        elif line.lstrip().startswith("#") or (notes and line.startswith(" ")):
            notes.append(line.strip())
            if tests and tests[-1].outcome == "failed" and not said_before:
                tests[-1] = tests[-1]._replace(detail="\n".join(notes))
    if plan is None:
        problem = problem or "no plan (1..N) was printed"
    elif plan != len(tests):
        problem = problem or f"{plan} tests were planned, {len(tests)} reported"
    return Report(tests, problem)
