#!/usr/bin/env python3
"""run_programs: random programs; what `deed` accepts is run under the sanitizers, and may show nothing.

    tests/check/run_programs.py --deed build/release/deed --library build/asan-O0/libfreehold.a    10,000 accepted programs
    … --accepted 1000000 --from 5000000       a million, from this seed on
    … --seed 1234                             one program: its source, what deed says, what the sanitizers say
    … --sanitizer thread --library build/tsan/libfreehold.a      programs with threads alone
    … --rejected 2000                         also runs so many rejected ones, and says how many of them show trouble

A sanitizer's report, a leak or a lock still held in a program that deed accepts is a hole in deed: it is reduced, statement by
statement, and printed with its seed. The last line is `programs: N accepted, N rejected, N runs, N holes`. The exit status
is 1 if there is a hole, or if nothing was run."""
import argparse
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter

import program_tree
import programs

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
INCLUDE = [f"-I{HERE}", f"-I{os.path.join(ROOT, 'include')}"]
PREFIX = '#include "world.h"\n'
CLANG = "clang-19"
HOLES_SHOWN = 12


class World:
    """The tools: the checker, the sanitizer, and the object of world.c."""

    def __init__(self, options, folder):
        self.deed, self.library, self.folder = os.path.abspath(options.deed), os.path.abspath(options.library), folder
        self.flags = ["-O0", "-w", "-std=c11", "-fno-omit-frame-pointer", f"-fsanitize={options.sanitizer}",
                      "-fno-sanitize-recover=all"]
        self.object = os.path.join(folder, "world.o")
        done = subprocess.run([CLANG, *self.flags, *INCLUDE, "-g1", "-c", os.path.join(HERE, "world.c"), "-o", self.object],
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"run_programs: world.c does not compile:\n{done.stderr}")
        self.env = {**os.environ, "ASAN_OPTIONS": "detect_stack_use_after_return=1:detect_leaks=0:handle_abort=1",
                    "TSAN_OPTIONS": "halt_on_error=1:handle_abort=1", "UBSAN_OPTIONS": "halt_on_error=1"}


def span(batch):
    return f"{batch[0].seed} to {batch[-1].seed}"


def place(batch):
    """The text of a batch, and for each line the number of its program in it."""
    parts, owner = [PREFIX], [None]
    for n, program in enumerate(batch):
        text = program.text()
        parts.append(text)
        owner += [n] * text.count("\n")
    return "".join(parts), owner


def check(world, batch, name):
    """What deed says of each program: a list of its findings for each; None for one that does not compile."""
    found = [[] for _ in batch]
    todo = list(range(len(batch)))
    path = os.path.join(world.folder, f"{name}.c")
    for _ in range(30):
        text, owner = place([batch[n] for n in todo])
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        command = [world.deed, "check", "--cache", "none", "--jobs", "1", "--format=gcc", path, "--", *INCLUDE]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode not in (0, 1):
            sys.exit(f"run_programs: deed failed on seeds {span(batch)}:\n{done.stderr[-2000:]}")
        again = set()
        findings = re.findall(rf"(?m)^{re.escape(path)}:(\d+):\d+: error: (.*) \[(FH\d+)\]$", done.stdout)
        dialect = re.search(r"outside the checkable|not followed", done.stdout)
        refused = all(code == "FH0901" for _, _, code in findings) and not dialect
        for line, text, code in findings:
            n = todo[owner[int(line) - 1]]
            found[n] = None if refused else found[n] + [f"{code} {text}"]
            again.add(n)
        if not (refused and findings):
            return found
        todo = [n for n in todo if n not in again]
    sys.exit("run_programs: too many programs that do not compile")


def table(batch):
    rows = "".join(f"{{{program.seed % 4294967295}, p{program.seed}_main}}, " for program in batch)
    return ("typedef struct program { unsigned number; unsigned (*run)(void); } program;\n"
            f"const program programs[] = {{{rows}}};\nconst unsigned program_count = {len(batch)};\n")


def build(world, batch, name, debug=False):
    path, out = os.path.join(world.folder, f"{name}.run.c"), os.path.join(world.folder, f"{name}.run")
    with open(path, "w", encoding="utf-8") as f:
        f.write(place(batch)[0] + table(batch))
    debug_flags = ["-g1"] if debug else []
    done = subprocess.run([CLANG, *world.flags, *debug_flags, *INCLUDE, path, world.object, world.library, "-lpthread", "-lm",
                           "-o", out], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"run_programs: clang refuses what deed accepts, seeds {span(batch)}:\n{done.stderr[:3000]}")
    return out


def run(world, batch, name, debug=False):
    """Runs each program along its paths. Returns the number of runs, and {place in the batch: what went wrong}."""
    program, trouble, runs, start = build(world, batch, name, debug), {}, 0, 0
    index = {str(p.seed % 4294967295): n for n, p in enumerate(batch)}
    while start < len(batch):
        try:
            done = subprocess.run([program, str(start)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  errors="replace", env=world.env, check=False, timeout=600)
        except subprocess.TimeoutExpired:
            sys.exit(f"run_programs: no end: seeds {span(batch)}")
        for seed in re.findall(r"(?m)^leak: (\d+)$", done.stdout):
            trouble[index[seed]] = "leak"
        runs += sum(map(int, re.findall(r"(?m)^runs: (\d+)$", done.stdout)))
        if done.returncode == 0:
            break
        named = re.findall(r"(?m)^program: (\d+)$", done.stderr)
        if not named:
            sys.exit(f"run_programs: a program ended without a word, seeds {span(batch)}:\n{done.stderr[-3000:]}")
        start = index[named[-1]]
        summary = re.search(r"SUMMARY: \w+: (\S+)|hang|runtime error: (.*)|assertion failed: (.*)", done.stderr)
        what = next((g for g in summary.groups() if g), summary.group()) if summary else "ended"
        if what != "hang":
            trouble[start] = what + ("\n" + done.stderr[:4000] if debug else "")
        start += 1
    os.remove(program)
    return runs, trouble


def make(seeds, threads):
    batch = [programs.Program(seed) for seed in seeds]
    if threads:
        batch = [program for program in batch if "crew_" in program.text()]
    return batch


def work(job):
    """A batch: (accepted, rejected, codes, runs, holes, rejected that were run, of these with trouble)."""
    world, first, count, threads, rejected_too, name = job
    batch = make(range(first, first + count), threads)
    found = check(world, batch, name)
    accepted = [program for program, findings in zip(batch, found) if findings == []]
    codes = Counter(code for findings in found if findings for code in {finding[:6] for finding in findings})
    rejected = [program for program, findings in zip(batch, found) if findings]
    runs, trouble = run(world, accepted, name) if accepted else (0, {})
    holes = [(accepted[n].seed, what) for n, what in sorted(trouble.items())]
    tried, bad = 0, Counter()
    if rejected_too:
        by_seed = {program.seed: findings for program, findings in zip(batch, found)}
        _, shown = run(world, rejected, name)
        tried = len(rejected)
        for n, program in enumerate(rejected):
            for code in {finding[:6] for finding in by_seed[program.seed]}:
                bad[code, n in shown] += 1
            bad["all", n in shown] += 1
    return len(accepted), len(rejected), codes, runs, holes, tried, bad


# --- reduction ------------------------------------------------------------------------------------------------------------


def smaller(program):
    """Programs with a function, a variable, a statement, or a block around statements less."""
    for f in range(len(program.functions) - 1):
        other = program.copy()
        del other.functions[f]
        yield other
    blocks = [block for function in program.functions for block in program_tree.blocks_of(function.body)]
    for name in sorted({name for block in blocks for node in block for name in node.declares}):
        other = program.copy()
        for function in other.functions:
            for block in program_tree.blocks_of(function.body):
                block[:] = [node for node in block if name not in node.names() and name not in node.declares]
        yield other
    for f, function in enumerate(program.functions):
        blocks = list(program_tree.blocks_of(function.body))
        for b, block in enumerate(blocks):
            for at in range(len(block)):
                for way in ("delete", "unwrap", "empty") if block[at].blocks else ("delete",):
                    other = program.copy()
                    target = list(program_tree.blocks_of(other.functions[f].body))[b]
                    if way == "delete":
                        del target[at]
                    elif way == "unwrap":
                        target[at:at + 1] = target[at].blocks[0]
                    elif len(target[at].blocks) == 2 and target[at].text.endswith(" else {}"):
                        target[at] = program_tree.Node(target[at].text[:-len(" else {}")], target[at].blocks[0])
                    else:
                        continue
                    yield other


def is_whole(program):
    text = program.text()
    called = set(re.findall(rf"p{program.seed}_(\w+)\(", text))
    return called <= {function.name for function in program.functions} and all(map(program_tree.legal, program.functions))


def reduce(world, program, what):
    """The smallest program found that deed accepts and that still goes wrong."""
    kind, seed = what.split("\n")[0], program.seed
    while True:
        tries = [other for other in smaller(program) if is_whole(other)]
        for n, other in enumerate(tries, 1):
            other.seed = n  # names in one file
        found = check(world, tries, "reduce") if tries else []
        tries = [other for other, findings in zip(tries, found) if findings == []]
        trouble = run(world, tries, "reduce")[1] if tries else {}
        good = [tries[n] for n, said in trouble.items() if said.split("\n")[0] == kind]
        if not good:
            program.seed = seed
            return program
        program = min(good, key=lambda other: len(other.text()))


def show_one(world, seed):
    program = programs.Program(seed)
    print(program.text())
    found = check(world, [program], "one")[0]
    print("deed: " + ("does not compile" if found is None else "accepted" if not found else "\n      ".join(found)))
    if found is not None:
        runs, trouble = run(world, [program], "one", debug=True)
        print(f"runs: {runs}; " + trouble.get(0, "nothing went wrong"))
        if not found and trouble:
            print("reduced:\n" + reduce(world, program, trouble[0]).text())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deed", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--sanitizer", default="address,undefined")
    parser.add_argument("--accepted", type=int, default=10000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rejected", type=int, default=0)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    threads = options.sanitizer == "thread"
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="freehold-programs-") as folder:
        world = World(options, folder)
        if options.seed is not None:
            show_one(world, options.seed)
            return 0
        accepted = rejected = runs = tried = 0
        codes, holes, bad = Counter(), [], Counter()

        def jobs():
            n = 0
            while accepted < options.accepted:
                yield (world, options.first + n * options.batch, options.batch, threads, tried < options.rejected, f"b{n}")
                n += 1
        with multiprocessing.Pool(options.jobs) as pool:
            source, waiting = jobs(), []
            while accepted < options.accepted or waiting:
                while accepted < options.accepted and len(waiting) < options.jobs + 1:
                    waiting.append(pool.apply_async(work, (next(source),)))
                result = waiting.pop(0).get()
                accepted, rejected = accepted + result[0], rejected + result[1]
                runs, tried = runs + result[3], tried + result[5]
                codes.update(result[2])
                holes += result[4]
                bad.update(result[6])
        seen = Counter()
        for n, (seed, what) in enumerate(holes):  # one of each kind first
            holes[n] = (seen[what], seed, what)
            seen[what] += 1
        holes = [hole[1:] for hole in sorted(holes)]
        for seed, what in holes[:HOLES_SHOWN]:
            small = reduce(world, programs.Program(seed), what)
            print(f"hole: seed {seed}: {what}\n{small.text()}", flush=True)
        if len(holes) > HOLES_SHOWN:
            print("more holes: " + ", ".join(f"{seed} ({what})" for seed, what in holes[HOLES_SHOWN:200]))
    print("rejected for: " + ", ".join(f"{code} {count}" for code, count in codes.most_common()))
    if tried:
        shares = {code: (bad[code, True], bad[code, True] + bad[code, False]) for code, _ in bad}
        print("of the rejected ones, trouble when they are run: " +
              ", ".join(f"{code} {yes} of {of}" for code, (yes, of) in sorted(shares.items())))
    seconds = time.monotonic() - begin
    print(f"programs: {accepted} accepted, {rejected} rejected, {runs} runs, {len(holes)} holes ({seconds:.0f} s)")
    return 1 if holes or not runs else 0


if __name__ == "__main__":
    sys.exit(main())
