#!/usr/bin/python3
"""
fuzz_shell.py [--seconds N] [--seed N] [scripts/run's options]: random command lines at the prompt.

Which commands there are, and what each argument is, comes from `help`; so a new
command is tried as soon as it exists. Arguments are likely ones mostly: few names
of each kind, ranges that overlap, border values; and now and then of another kind.

All is well (status 0) when every line brings the prompt back, `check` finds
nothing wrong now and then, and all memory is free again when every name is
dropped. Ctrl-C ends a line that waits for a pager. The lines are in the log
(--log FILE) as they were typed.
"""
import argparse
import os
import random
import re
import sys
import time

import pexpect

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROMPT = "\natlas> "
# What ends the machine, takes long, or is no call of the kernel's.
LEFT_OUT = ("poweroff", "reboot", "crash", "test run", "source", "sleep", "run", "set", "help", "man",
            "memory_object device", "repeat", "expect", "assert")
KINDS = {"task": "t", "map": "m", "named entry": "e", "memory object": "p", "copy": "c", "shared region": "r"}
MAKERS = {"task create": "t", "task fork": "t", "mach_make_memory_entry": "e", "vm_region_object_create": "s",
          "mach_memory_object_memory_entry": "e", "memory_object test": "p", "memory_object file": "p",
          "shared_region_mapping_create": "r", "shared_region_mapping_ref": "r", "vm_map_create": "m",
          "vm_map_fork": "m", "vm_map_reference": "m", "vm_map_reference_swap": "m"}
ENDERS = ("drop", "task kill", "task wait", "mach_destroy_memory_entry", "memory_object_destroy", "vm_map_copy_discard",
          "vm_map_copy_discard_cont", "vm_map_deallocate", "vm_map_swapout", "vm_map_res_deallocate",
          "shared_region_mapping_dealloc")
BORDERS = (0, 1, 0xfff, 1 << 21, 1 << 30, 1 << 31, 1 << 32, (1 << 38) - 4096, 1 << 38, 1 << 47, 1 << 56,
           1 << 63, (1 << 64) - (1 << 21), (1 << 64) - 4096, (1 << 64) - 1)
PATIENCE = 3        # seconds; then Ctrl-C, which must help


class Broken(Exception):
    pass


class Shell:
    def __init__(self, options, log):
        self.child = pexpect.spawn(os.path.join(ROOT, "scripts/run"), options, cwd=ROOT, timeout=60, encoding="utf-8",
                                   codec_errors="replace", dimensions=(50, 500))
        self.child.delaybeforesend = None
        self.child.logfile_read = log
        self.child.expect_exact(PROMPT)

    def line(self, text):
        """What it prints. Broken: the prompt does not come back."""
        self.child.send(text + "\r")
        for keys in ("", "\x03", "\x03", "\x03", "\x03"):
            self.child.send(keys)
            found = self.child.expect_exact([PROMPT, "KERNEL CRASH", pexpect.TIMEOUT, pexpect.EOF], timeout=PATIENCE)
            if found == 0:
                return self.child.before.replace("\r", "")
            if found != 2:
                self.child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=5)
                raise Broken(f"{'crash' if found == 1 else 'the machine is gone'}: {text}")
        raise Broken(f"hangs: {text}")


class Fuzzer:
    def __init__(self, shell, seed):
        self.shell = shell
        self.random = random.Random(seed)
        self.commands = {}
        for name in re.findall(r"^  (\S+(?: \S+)?) ?(?:  |$)", shell.line("help"), re.M):
            if name not in LEFT_OUT:
                self.learn(name)

    def learn(self, name):
        text = self.shell.line("help " + name)
        synopsis = re.search(rf"^  {re.escape(name)}(.*)$", text, re.M)
        if synopsis is None:
            raise Broken(f"help {name}: no synopsis")
        kinds = dict(re.findall(r"^  (\w+) +(\S.*)$", text, re.M))
        args = re.findall(r"(\[?)(\w+)(=?)[^] ]*\]?", synopsis.group(1))
        self.commands[name] = [(n.lower(), option == "[", kinds.get(n.lower(), "")) for option, n, _ in args]

    def name(self, kind):
        return f"{KINDS[kind]}{self.random.randint(1, 3)}"

    def any_name(self):
        return self.name(self.random.choice(list(KINDS)))

    def number(self):
        r = self.random
        chance = r.random()
        if chance < 0.06:
            return hex((r.choice(BORDERS) + r.choice((0, 0, 1, -1, 4096, -4096))) % (1 << 64))
        if chance < 0.1:
            return str(r.randint(0, 1 << r.randint(1, 63)))
        if chance < 0.25:
            return str(r.randint(0, 9))
        if chance < 0.3:
            return r.choice(("$addr", "$size", "$addr+1P", "1P+1", "2M", "4M-1P"))
        if chance < 0.55:
            return f"{r.randint(1, 40)}P"
        base = r.choice((0x10000000, 0x10000000, 0x10200000, 0))
        return hex(base + r.randint(0, 64) * 4096 if r.random() < 0.8 else base + r.randint(0, 4) * (2 << 20))

    def value(self, command, arg, kind):
        r = self.random
        if r.random() < 0.02:
            return r.choice((self.number(), self.any_name(), "rwx", "''", "-1", "zzz", "$nothing"))
        if arg in ("size", "len", "length"):
            return r.choice((f"{r.randint(1, 40)}P", f"{r.randint(1, 40)}P", "2M", "4M", self.number()))
        if arg == "end":
            return f"{self.start}+{r.randint(1, 40)}P"
        if kind.startswith(("number", "bytes")) or not kind:
            self.start = self.number()
            return self.start
        if kind.startswith("rwx"):
            return r.choice(("rwx", "rw-", "rw-", "r--", "r-x", "none", "rw-/rwx", "r--/rw-", "-w-", "--x"))
        if kind.startswith("name for"):
            return MAKERS.get(command, r.choice("cemr" if "copy" not in command else "c")) + str(r.randint(1, 3))
        if arg == "child" or (command.startswith("task ") and "name" in kind and r.random() < 0.8):
            return self.name("task")
        if "submap" in kind:
            return r.choice("tttms") + str(r.randint(1, 3))
        if "anything" in kind or arg == "object" and "memory object" not in kind:
            return r.choice((self.any_name(), "new", "placeholder"))
        for what in ("memory object", "named entry", "shared region", "copy", "map", "task"):
            if f"name of a {what}" in kind or f"name of an {what}" in kind:
                return self.name(what)
        if kind.startswith("file"):
            return r.choice(("hello", "sort64", "nothing"))
        words = [w for w in re.findall(r"[\w-]+", kind) if w not in ("or", "a", "number")]
        return r.choice(words + [str(r.randint(0, 20))]) if words else self.number()

    def command_line(self):
        r = self.random
        command = r.choice(list(self.commands))
        if command in ENDERS and r.random() < 0.8:
            command = r.choice(list(self.commands))
        words = [command]
        for arg, optional, kind in self.commands[command]:
            if optional and (kind.startswith("name for") or r.random() < 0.4):
                words.append(f"{arg}={self.value(command, arg, kind)}")
            elif not optional and r.random() < 0.995:
                words.append(self.value(command, arg, kind))
        return " ".join(words)

    def run(self, seconds, every):
        end = time.monotonic() + seconds
        lines = done = 0
        tried, succeeded = set(), set()
        while time.monotonic() < end:
            if lines % 150 == 0:
                self.furnish()
            text = self.command_line()
            answer = self.shell.line(text)
            command = next(c for c in sorted(self.commands, key=len, reverse=True) if (text + " ").startswith(c + " "))
            tried.add(command)
            if not re.search(r"^(KERN_(?!SUCCESS)|usage:)", answer, re.M):
                done += 1
                succeeded.add(command)
            lines += 1
            if lines % every == 0 and "KERN_SUCCESS" not in self.shell.line("check"):
                raise Broken(f"check fails after: {text}")
        print(f"{lines} lines, {done} succeeded; never succeeded: {' '.join(sorted(tried - succeeded))}")

    def furnish(self):
        """Something for the names to mean, where they mean nothing yet."""
        for i in (1, 2, 3):
            for text in (f"task create t{i}", f"vm_map_create 0 64M name=m{i}", f"memory_object test 4M name=p{i}",
                         f"vm_map t{i} 0x10000000 1M anywhere=0", f"vm_map t{i} 0x10200000 2M anywhere=0",
                         f"vm_map m{i} 0x1000 1M anywhere=0", f"mach_make_memory_entry t{i} 256K 0x10000000 rwx name=e{i}",
                         f"vm_map_copyin t{i} 0x10000000 128K name=c{i}", f"vm_map t{i} 0x10400000 1M anywhere=0 object=p{i}",
                         f"vm_map_submap t{i} 0x10600000 0x10800000 m{i} 0 use_pmap=1",
                         f"vm_region_object_create 2M name=s{i}",
                         f"shared_region_mapping_create s1 s{i} {0x20000000 * i} name=r{i}"):
                self.shell.line(text)

    def clear(self):
        """Drops all. A number may be another task's name, so once is not enough."""
        for _ in range(4):
            for text in self.names():
                self.shell.line(text)

    def names(self):
        tasks = re.findall(r"^ *(\d+) +\d* +\S", self.shell.line("task list"), re.M)
        held = re.findall(r"^(\S+)", self.shell.line("show names"), re.M)[2:]
        return [f"task kill {t}" for t in tasks] + [f"drop {n}" for n in held]

    def free_pages(self):
        return int(re.search(r"^(\d+)$", self.shell.line("echo $free_pages"), re.M).group(1))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=int, default=60)
    p.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    p.add_argument("--check", type=int, default=100, metavar="N", help="`check` after so many lines (100)")
    p.add_argument("--log", default=os.path.join(ROOT, "build/fuzz_shell.log"))
    args, options = p.parse_known_args()
    print(f"seed {args.seed}, log in {args.log}", flush=True)
    with open(args.log, "w") as log:
        try:
            shell = Shell(options, log)
            fuzzer = Fuzzer(shell, args.seed)
            before = fuzzer.free_pages()
            fuzzer.run(args.seconds, args.check)
            fuzzer.clear()
            answer, after = shell.line("check"), fuzzer.free_pages()
            print(answer.strip().splitlines()[-1], f"free pages: {before} before, {after} after")
            for text in ("show memory_object", "show object", "show pages", "show zones"):
                if after < before:
                    print(shell.line(text).strip())
            shell.child.send("\x01x")
            return 0 if "KERN_SUCCESS" in answer and after >= before else 1
        except Broken as e:
            print(e)
            return 1


if __name__ == "__main__":
    sys.exit(main())
