#!/usr/bin/env python3
"""The shapes of NIST's Juliet suite, as programs of the dialect: each bad one is refused by deed, or stops with a defined error
before the bad access; each good twin is accepted and runs clean.

The programs lie in shapes/*.txt (frame.py says how). They are written to a folder, checked by deed in one go, then compiled
with the address and undefined-behaviour sanitizers against a library that was built so as well, and run, each in a process of
its own. Bad ones that deed refuses run too: most of them must show that they are bad.

    DEED_PROGRAM        deed
    SHAPES_LIBRARY      the library, built with both sanitizers
    SHAPES_COMPILER     the compiler that built it
    SHAPES_KEEP         a folder to leave the programs in, for a look at them"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE / "shapes"))
import frame  # noqa: E402

FILES = ("bounds", "owners", "lasting", "threads")
CASES = [c for name in FILES for c in frame.read_cases(HERE / "shapes" / f"{name}.txt")]
TITLES = {
    121: "stack buffer overflow", 122: "heap buffer overflow", 124: "write before the buffer", 126: "read past the buffer",
    127: "read before the buffer", 364: "race with a signal handler", 366: "race within a thread", 401: "leak",
    415: "double free", 416: "use after free", 457: "uninitialised variable", 562: "return of a local's address"}
# Cases that deed does not get right yet, "name: why" a line: none at present. Each must fail, so that the list only shrinks.
UNSOLVED = dict(line.split(": ", 1) for line in (HERE / "shapes" / "unsolved.txt").read_text().splitlines())
FILE_CASES = 30
JOBS = len(os.sched_getaffinity(0))
SANITIZER = re.compile(r"AddressSanitizer|runtime error|LeakSanitizer")
TRAP = re.compile(r"freehold: (?:index \d+ is outside of \d+ elements|\S+:\d+: assertion failed: )")


class Findings:
    """Of one half of a case: what deed says of it, and how its run ended."""

    def __init__(self):
        self.codes, self.said = [], ""


def write_programs(folder):
    """The C files; for each a list of (first line, last line, name of the half)."""
    ranges, names = {}, []
    for cwe in sorted(TITLES):
        of_cwe = [c for c in CASES if c.cwe == cwe]
        for i in range(0, len(of_cwe), FILE_CASES):
            path = folder / f"cwe{cwe}_{i // FILE_CASES}.c"
            text, lines = frame.PRELUDE, []
            for c in of_cwe[i:i + FILE_CASES]:
                for kind in ("bad", "good"):
                    half, name = frame.program(c, kind)
                    first = text.count("\n") + 2
                    text += "\n" + half
                    lines.append((first, text.count("\n"), name))
                    names.append(name)
            path.write_text(text)
            ranges[path.name] = lines
    table = "".join(f"fh_status {n}(void);\n" for n in names)
    rows = "".join(f'    {{"{n}", {n}}},\n' for n in names)
    table += f"const shape_case shape_cases[] = {{\n{rows}    {{NULL, NULL}},\n}};\n"
    (folder / "cases.h").write_text(frame.CASES_H)
    (folder / "cases.c").write_text('#include "shapes.h"\n#include "cases.h"\n\n' + table)
    return ranges


def check_programs(folder, ranges, found):
    """deed over all files; what it says goes to the half in whose lines it says it."""
    rooms = "".join(f'[[audited]]\npath = "{path}"\nreason = "what the cases are written against"\nwhole = true\n'
                    for path in ("include/", "shapes/", "cases.h"))
    (folder / "deed.toml").write_text(rooms)
    for name, target in (("include", ROOT / "include"), ("shapes", HERE / "shapes")):  # deed knows rooms below its root alone
        if not (folder / name).exists():
            (folder / name).symlink_to(target)
    command = [os.environ["DEED_PROGRAM"], "check", "--cache", "none", "--format=json", "--jobs", str(JOBS), *sorted(ranges)]
    done = subprocess.run([*command, "--", "-Iinclude", "-Ishapes", "-I."], cwd=folder, capture_output=True, text=True,
                          check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout[-3000:] + done.stderr)
    for line in done.stdout.splitlines():
        finding = json.loads(line)
        said = f"{finding['file']}:{finding['line']}: {finding['message']}"
        for first, last, name in ranges.get(finding["file"], ()):
            if first <= finding["line"] <= last:
                found[name].codes.append((finding["code"][2:], said))
                break
        else:
            raise RuntimeError(f"deed says something of no case: {line}")
    return done.stderr.strip().splitlines()[-1]


def run_programs(folder, ranges, found):
    """Compiles everything with the sanitizers, runs it, and takes down what each half said at its end."""
    compiler = os.environ.get("SHAPES_COMPILER", "cc")
    flags = ["-std=c11", "-D_GNU_SOURCE", "-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-builtin",
             f"-I{ROOT}/include", f"-I{HERE}/shapes", f"-I{folder}"]

    def compile_with(*args):
        return subprocess.run([compiler, *flags, *args], capture_output=True, text=True, check=False)

    def compile_one(source):
        return compile_with("-c", str(source), "-o", str(folder / (source.stem + ".o")))

    sources = [folder / name for name in sorted(ranges)] + [folder / "cases.c", HERE / "shapes" / "shapes.c"]
    with ThreadPoolExecutor(JOBS) as pool:
        for done in pool.map(compile_one, sources):
            if done.returncode != 0:
                raise RuntimeError(done.stderr)
    program = folder / "run"
    objects = [str(folder / (source.stem + ".o")) for source in sources]
    done = compile_with(*objects, os.environ["SHAPES_LIBRARY"], "-lpthread", "-lm", "-o", str(program))
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=1:symbolize=0",
           "UBSAN_OPTIONS": "abort_on_error=1:print_stacktrace=0"}
    done = subprocess.run([str(program)], capture_output=True, text=True, env=env, errors="replace", check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    for line in done.stdout.splitlines():
        name, said = line.split(" ", 1)
        found[name].said = said


def refused(half, prefixes):
    return any(code.startswith(prefix) for code, _ in half.codes for prefix in prefixes)


class Shapes(unittest.TestCase):
    """One test for each case; they are added below."""

    @classmethod
    def setUpClass(cls):
        keep = os.environ.get("SHAPES_KEEP")
        folder = pathlib.Path(keep or tempfile.mkdtemp(prefix="shapes-")).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        cls.found = defaultdict(Findings)
        try:
            ranges = write_programs(folder)
            cls.closing = check_programs(folder, ranges, cls.found)
            run_programs(folder, ranges, cls.found)
        finally:
            if not keep:
                shutil.rmtree(folder)

    @classmethod
    def tearDownClass(cls):
        print(report(cls.found), cls.closing, sep="\n", flush=True)

    def test_document(self):
        """docs/DEED.md has these numbers."""
        cells = ([title, *(str(row[column]) for column in COLUMNS)] for title, row in matrix(self.found))
        rows = "\n".join("| " + " | ".join(one) + " |" for one in cells)
        self.assertIn(rows, (ROOT / "docs" / "DEED.md").read_text(), f"put these into docs/DEED.md:\n{rows}")

    def check(self, c):
        bad, good = self.found[c.name + "__bad"], self.found[c.name + "__good"]
        told = "\n".join(said for _, said in bad.codes)
        if c.codes:
            self.assertTrue(refused(bad, c.codes), f"deed does not say {' or '.join(c.codes)} of the bad one:\n{told}")
        else:
            self.assertFalse(bad.codes, f"deed refuses what was to be stopped at run time:\n{told}")
            self.assertTrue(is_stopped(c, bad), f"the bad one is not stopped by {c.stops}: {bad.said}")
        if c.shown:
            self.assertRegex(bad.said, c.shown, "the bad one is refused, but its run does not show that it is bad")
        if c.rust:
            self.assertTrue(good.codes, "the good one is accepted by now: take it off the list")
        else:
            self.assertFalse(good.codes, "deed refuses the good one:\n" + "\n".join(said for _, said in good.codes))
        self.assertEqual(good.said, "ok", "the good one does not run clean")


def is_stopped(c, bad):
    if c.stops != "trap":
        return bad.said == c.stops
    return bool(TRAP.search(bad.said) and not SANITIZER.search(bad.said))


COLUMNS = ("cases", "refused", "stopped", "missed", "good refused", "as in Rust", "shown")


def matrix(found):
    """A row for each weakness, and one for all: what became of its cases."""
    total = Counter()
    for cwe, title in TITLES.items():
        row = Counter()
        for c in (c for c in CASES if c.cwe == cwe):
            bad, good = found[c.name + "__bad"], found[c.name + "__good"]
            row["cases"] += 1
            if c.codes and refused(bad, c.codes):
                row["refused"] += 1
            elif not c.codes and is_stopped(c, bad):
                row["stopped"] += 1
            else:
                row["missed"] += 1
            row["as in Rust" if c.rust else "good refused"] += bool(good.codes)
            row["shown"] += bool(c.shown and re.search(c.shown, bad.said))
        yield f"CWE-{cwe} {title}", row
        total += row
    yield "all", total


def report(found):
    """The matrix as text, and what stands beside it."""
    widths = [len(column) + 3 for column in COLUMNS]
    rows = [("weakness", {column: column for column in COLUMNS}), *matrix(found)]
    lines = [f"{title:<36}" + "".join(f"{row[c]:>{w}}" for c, w in zip(COLUMNS, widths)) for title, row in rows]
    lines += [f"refused as in Rust: {c.name}: {c.rust}" for c in CASES if c.rust]
    return "\n".join(["", *lines, *(f"not right yet: {name}: {why}" for name, why in UNSOLVED.items())])


def add_test(c):
    def test(self):
        if c.name not in UNSOLVED:
            self.check(c)
            return
        with self.assertRaises(AssertionError, msg="this is right by now: take it out of unsolved.txt"):
            self.check(c)
    setattr(Shapes, f"test_{c.name}", test)


for one in CASES:
    add_test(one)

if __name__ == "__main__":
    unittest.main()
