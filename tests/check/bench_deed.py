#!/usr/bin/env python3
"""bench_deed: how long `deed check` takes over a tree of 50,000 lines, and over one edited file of it.

    DEED_PROGRAM=build/release/deed tests/check/bench_deed.py [--rounds N] [--lines N] [--keep FOLDER] [--quick]

The tree is made here, the same one each time: ten headers whose inline functions everybody includes, and 110 files with the
shapes that C programs are made of: owners that are handed on, `goto` to a common end, views, outputs, numbers. deed finds
nothing in it, so no time goes into printing. clang is `clang-19 -fsyntax-only` over the same files, one process a file, as
many at a time as there are processors; rounds of all contestants alternate, the figures are medians. Beside the time that
passes stands the time of the processors, which tells more on a machine that is busy; the targets are of time that passes."""
import argparse
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOBS = len(os.sched_getaffinity(0))
HEADERS, FILES, LINES = 10, 110, 50000

# --- the tree ---------------------------------------------------------------------------------------------------------

HEADER = """/* part{n}.h: what every file of the tree shares, part {n}. */
#ifndef PART{n}_H
#define PART{n}_H

{includes}
typedef struct part{n} {{
    size_t used, room;
    uint32_t *rows;
    struct part{n} *next;
}} part{n};

fh_owned_or_null part{n} *part{n}_new(size_t room);
void part{n}_free(fh_drop part{n} *p);
void part{n}_push(fh_mut part{n} *p, uint32_t value);
void part{n}_sink(fh_mut part{n} *to, fh_move part{n} *from);
fh_ref const part{n} *part{n}_view(fh_ref const part{n} *p) fh_view(1);
"""
INLINE = """
/* Adds {k} and what is in use. */
static inline uint64_t part{n}_sum_{k}(fh_ref const part{n} *p) {{
    uint64_t sum = {k};
    for (size_t i = 0; i < p->used; i++) {{
        if (i % {odd} == 0)
            sum += p->room;
        else
            sum ^= i << {shift};
    }}
    return sum;
}}

/* The lesser of two, and {k}. */
static inline size_t part{n}_least_{k}(fh_ref const part{n} *a, fh_ref const part{n} *b) {{
    size_t least = a->used < b->used ? a->used : b->used;
    return least < {k} ? least : {k};
}}
"""
BODIES = ["""
/* Makes two, keeps one. */
int {name}_make_{k}(fh_mut part{n} *to, size_t room) {{
    part{n} *a = part{n}_new(room);
    if (a == NULL)
        return -1;
    part{n} *b = part{n}_new(room + {k});
    if (b == NULL) {{
        part{n}_free(a);
        return -1;
    }}
    for (uint32_t i = 0; i < {k}; i++) {{
        part{n}_push(a, i);
        part{n}_push(b, i * 2);
    }}
    part{n}_sink(to, a);
    part{n}_free(b);
    return 0;
}}
""", """
/* One way out. */
int {name}_try_{k}(fh_mut part{n} *to, size_t room) {{
    int code = -1;
    part{n} *a = NULL, *b = NULL;
    a = part{n}_new(room);
    if (a == NULL)
        goto end;
    b = part{n}_new(room / 2 + {k});
    if (b == NULL)
        goto end;
    part{n}_push(b, (uint32_t)part{n}_sum_{h}(a));
    if (part{n}_least_{h}(a, b) > {k})
        goto end;
    part{n}_push(to, {k});
    code = 0;
end:
    part{n}_free(b);
    part{n}_free(a);
    return code;
}}
""", """
/* Looks through a view. */
uint64_t {name}_look_{k}(fh_ref const part{n} *p, unsigned how) {{
    const part{n} *view = part{n}_view(p);
    uint64_t sum = 0;
    switch (how % 4) {{
    case 0:
        sum = view->used;
        break;
    case 1:
        for (size_t i = 0; i < view->room; i += {k})
            sum += i & 0xff;
        break;
    case 2:
        while (sum < view->used)
            sum = sum * 2 + 1;
        break;
    default:
        sum = part{n}_sum_{h}(view) + {k};
    }}
    return sum > {k} ? sum - {k} : 0;
}}
""", """
/* Numbers alone. */
static uint32_t {name}_mix_{k}(uint32_t x, uint32_t y) {{
    uint32_t state = x ^ UINT32_C({k});
    for (unsigned round = 0; round < 8; round++) {{
        state = (state << 5 | state >> 27) + y;
        if ((state & 1) != 0)
            state ^= {k}u * round;
        else if ((state & 6) == 2)
            state -= y;
    }}
    return state;
}}

uint32_t {name}_mixed_{k}(uint32_t x) {{
    uint32_t a = {name}_mix_{k}(x, 1), b = {name}_mix_{k}(a, x);
    return a > b ? a - b : b - a;
}}
""", """
/* Writes an output. */
int {name}_out_{k}(fh_ref const part{n} *p, fh_out uint64_t *sum, fh_out size_t *least) {{
    *sum = 0;
    *least = 0;
    if (p->used > p->room || p->room == {k})
        return -1;
    uint64_t total = 0;
    for (const part{n} *at = p; at != NULL; at = at->next)
        total += part{n}_sum_{h}(at);
    *sum = total;
    *least = p->used;
    return 0;
}}
"""]


def write_tree(folder, lines):
    """Writes the tree; the number of its lines."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "include/freehold/deed.h", folder / "deed.h")
    texts = {}
    for n in range(HEADERS):
        first = '#include <stddef.h>\n#include <stdint.h>\n\n#include "deed.h"\n'
        includes = first if n == 0 else f'#include "part{n - 1}.h"\n'
        text = HEADER.format(n=n, includes=includes)
        text += "".join(INLINE.format(n=n, k=k, odd=3 + k % 5, shift=k % 13) for k in range(1, 8))
        texts[f"part{n}.h"] = text + "\n#endif\n"
    left = lines - sum(text.count("\n") for text in texts.values())
    for f in range(FILES):
        name = f"unit{f:03}"
        want = left // (FILES - f)
        system = ("#include <stdio.h>\n", "#include <stdlib.h>\n", "#include <string.h>\n", "")[f % 4]
        text = f'/* {name}.c: file {f} of the tree. */\n{system}#include "part{HEADERS - 1 - f % 3}.h"\n'
        k = 1
        while text.count("\n") < want - 12:
            body = BODIES[(f + k) % len(BODIES)]
            text += body.format(name=name, k=k, n=(f * 7 + k) % (HEADERS - 2), h=1 + k % 7)
            k += 1
        texts[f"{name}.c"] = text
        left -= text.count("\n")
    for name, text in texts.items():
        (folder / name).write_text(text)
    return sum(text.count("\n") for text in texts.values()), sorted(name for name in texts if name.endswith(".c"))


# --- the contestants --------------------------------------------------------------------------------------------------


def timed(action):
    """Seconds that pass, and seconds of the processors in all processes that the action started."""
    def spent():
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime
    start, before = time.perf_counter(), spent()
    action()
    return time.perf_counter() - start, spent() - before


class Bench:
    def __init__(self, program, folder, cache):
        self.program, self.folder, self.cache, self.edits = program, folder, cache, 0

    def deed(self, *options, path="."):
        done = subprocess.run([self.program, "check", *options, path], cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0 or not re.search(r", 0 findings", done.stderr):
            sys.exit(f"deed found something:\n{done.stdout[:3000]}{done.stderr}")

    def clang(self, names):
        def one(name):
            subprocess.run(["clang-19", "-fsyntax-only", "-std=c11", name], cwd=self.folder, check=True)
        with ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(one, names))

    def cold(self):
        shutil.rmtree(self.cache, ignore_errors=True)
        return timed(lambda: self.deed("--cache", str(self.cache)))

    def edit(self, name):
        """A new function at the end of a file, as an editor would save it."""
        path = self.folder / name
        self.edits += 1
        path.write_text(path.read_text() + f"\nint edited_{self.edits}(int a) {{\n    return a + {self.edits};\n}}\n")

    def edited(self, name):
        self.edit(name)
        return timed(lambda: self.deed("--cache", str(self.cache)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--keep", help="write the tree there and leave it")
    parser.add_argument("--quick", action="store_true", help="one round")
    args = parser.parse_args()
    program = os.path.abspath(os.environ.get("DEED_PROGRAM", ROOT / "build/release/deed"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(args.keep or scratch) / "tree"
        lines, names = write_tree(folder, args.lines)
        bench = Bench(program, folder, pathlib.Path(scratch) / "cache")
        print(f"bench_deed: {lines} lines in {len(names)} files and {HEADERS} headers, {JOBS} processors")
        kinds = {
            "clang -fsyntax-only, whole tree": lambda: timed(lambda: bench.clang(names)),
            "deed, whole tree, no cache": lambda: timed(lambda: bench.deed("--cache=none")),
            "deed, whole tree, empty cache": bench.cold,
            "deed, nothing edited": lambda: timed(lambda: bench.deed("--cache", str(bench.cache))),
            "deed, one file edited": lambda: bench.edited(names[len(names) // 2]),
            "clang -fsyntax-only, one file": lambda: timed(lambda: bench.clang(names[:1])),
            "deed, one file, no cache": lambda: timed(lambda: bench.deed("--cache=none", path=names[0])),
        }
        times = {kind: [] for kind in kinds}
        for _ in range(1 if args.quick else args.rounds):
            for kind, action in kinds.items():
                times[kind].append(action())
        base = statistics.median(spent for _, spent in times["clang -fsyntax-only, whole tree"])
        print(f"{'':34} {'median':>9} {'range':>17} {'processors':>11} {'lines/s':>9}  of clang's processor time over the tree")
        for kind, row in times.items():
            passed, spent = [one[0] for one in row], statistics.median(one[1] for one in row)
            middle = statistics.median(passed)
            whole = "" if "one file" in kind or "nothing" in kind else f"{lines / middle:9.0f}"
            print(f"{kind:34} {middle * 1e3:6.0f} ms {min(passed) * 1e3:6.0f} … {max(passed) * 1e3:5.0f} ms "
                  f"{spent * 1e3:8.0f} ms {whole:>9}  {spent / base:.3f}")
        for what, kind, limit in (("50,000 lines in less than 2 s", "deed, whole tree, no cache", 2.0 * lines / LINES),
                                  ("one edited file in less than 150 ms", "deed, one file edited", 0.15)):
            middle = statistics.median(passed for passed, _ in times[kind])
            print(f"target: {what}: {'met' if middle < limit else 'MISSED'} ({middle * 1e3:.0f} ms)")


if __name__ == "__main__":
    main()
