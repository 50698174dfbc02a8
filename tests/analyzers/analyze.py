#!/usr/bin/env python3
"""analyze: the analysers of gcc, clang and cppcheck over the whole of src/, and over planted bugs that they must find.

    tests/analyzers/analyze.py             all; ends with `analyzers: N runs over M files, P of Q planted bugs … K findings`
    tests/analyzers/analyze.py gcc ring    only runs whose tool or file contains one of these words

`./x analyzers` does the same. Who allocates and who frees is not written down a second time: it is read from the ownership
words of the headers (a function that returns `fh_owned…`, one with an `fh_drop` parameter of the same type), and told to each
tool in its own language. planted/*.c are programs with one bug each; the comment `found by: gcc clang` in one says which tools
report it, no more and no fewer. A finding that is a tool's error stands in known.txt with its reason, if no better code says
the same; an entry that nothing needs any more is a finding as well, so the list only shrinks."""
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "tests", "analyzers")
VERSIONS = {"gcc": ("gcc", r"\) 12\."), "clang": ("clang-19", r"version 19\."), "cppcheck": ("cppcheck", r" 2\.10\b")}
CFLAGS = ["-std=c11", "-D_GNU_SOURCE=1", '-DFREEHOLD_VERSION=""', '-DFREEHOLD_COMMIT=""',
          '-DFREEHOLD_SHARE=""', "-Iinclude", "-Isrc", "-isystem", "src/zmq/include", "-isystem",
          "/usr/lib/llvm-19/include"]
# gcc 12 does not see that an output is written whenever the status is success, and counts what is kept through a pointer to a
# pointer as lost: the other two look at that.
GCC = ["gcc", "-fanalyzer", "-Wno-analyzer-use-of-uninitialized-value", "-Wno-analyzer-malloc-leak", "-O1", "-c", "-o",
       "/dev/null"]
SLOW = re.compile(r"src/tensor/kern/avx\w+\.c")  # takes gcc 16 s each for vectors in straight lines, a fifth of the whole step
# Each function gets 20,000 nodes of a graph of states, a tenth of what is usual. In 52 files that were analysed both ways this
# took an eighth of the time and lost one report, an error of the tool. A first value that is overwritten before it is read is
# no mistake here: all variables begin with one.
CLANG = ["clang-19", "--analyze", "--analyzer-output", "text", "-Xclang", "-analyzer-config", "-Xclang",
         "unix.DynamicMemoryModeling:Optimistic=true,max-nodes=20000", "-Xclang", "-analyzer-disable-checker", "-Xclang",
         "deadcode.DeadStores"]
CPPCHECK = ["cppcheck", "--quiet", "--enable=warning,portability", "--std=c11", "--language=c", "--suppress=missingInclude",
            "--suppress=missingIncludeSystem", "--template={file}:{line}: warning: {message} [{id}]", "-D__GNUC__=12",
            "-D__x86_64__=1", "-UFH_WEAVE", "-Iinclude", "-Isrc"]

# What clang cannot see in a declaration: memory is cleared, and a failure is the status that it is made of.
CLANG_KNOWS = ["void *calloc(unsigned long count, unsigned long size);",
               "#define fh_alloc(a, count, size) ((void)(a), calloc((count), (size)))",
               "#define fh_fail(err, code, ...) ((void)fh_fail((err), (code), __VA_ARGS__), FH_STATUS(code))"]
DEFINES = re.compile(r"(?m)^[a-z][^;{]*\b(fh_alloc|fh_fail)\([^;{]*\{")  # the files that define those see them as they are


def files(folder, *suffixes):
    return sorted(os.path.relpath(os.path.join(top, name), ROOT) for top, _, names in os.walk(os.path.join(ROOT, folder))
                  for name in names if name.endswith(suffixes))


def owners():
    """(headers, {allocating function: type}, {ending function: (type, argument)}) of the ownership words in the headers."""
    makers, enders, where = {}, {}, {}
    for path in files("include", ".h") + files("src", ".h"):
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
        word = r"(?:(?:FH_|fh_)\w+(?:\([^()]*\))?\s+)*"
        for kind, name in re.findall(rf"\bfh_owned(?:_or_null)?\s+{word}(?:const )?(?:struct )?(\w+)\s*\*(\w+)\(", text):
            makers[name], where[name] = kind, path
        for name, arguments in re.findall(r"\b(\w+)\(([^()]*\bfh_drop\b[^()]*)\);", text):
            for k, argument in enumerate(arguments.split(","), 1):
                drop = re.search(r"\bfh_drop (?:const )?(?:struct )?(\w+) \*(\w+)$", argument.strip())
                if drop:
                    enders[name], where[name] = (drop.group(1), k), path
    for name in [name for name in enders if name.replace("_release", "_reserve") != name]:
        del enders[name], where[name]  # it ends a reservation
    ended = {kind for kind, _ in enders.values()}
    makers = {name: kind for name, kind in makers.items() if kind in ended}
    enders = {name: end for name, end in enders.items() if end[0] in makers.values()}
    return sorted({where[name] for name in [*makers, *enders]}), makers, enders


def write_owners(folder):
    """The same for compilers (owners.h) and for cppcheck (owners.cfg)."""
    headers, makers, enders = owners()
    lines = [f'#include "{re.sub("^(include|src)/", "", path)}"' for path in headers] + ["#ifdef __clang__"]
    lines += [f"__typeof__({m}) {m} __attribute__((ownership_returns(malloc)));" for m in makers]
    lines += [f"__typeof__({e}) {e} __attribute__((ownership_takes(malloc, {k})));" for e, (_, k) in enders.items()]
    lines += CLANG_KNOWS + ["#else"]
    lines += [f"__typeof__({m}) {m} __attribute__((malloc, malloc({e}, {k})));" for m, kind in makers.items()
              for e, (ended, k) in enders.items() if ended == kind]
    with open(os.path.join(folder, "owners.h"), "w", encoding="utf-8") as f:
        f.write("\n".join(lines + ["#endif", ""]))
    with open(os.path.join(folder, "owners.cfg"), "w", encoding="utf-8") as f:
        f.write('<?xml version="1.0"?>\n<def format="2">\n')
        for kind in sorted(set(makers.values())):
            f.write("<memory>" + "".join(f'<alloc init="true">{m}</alloc>' for m, of in makers.items() if of == kind) +
                    "".join(f'<dealloc arg="{k}">{e}</dealloc>' for e, (of, k) in enders.items() if of == kind) + "</memory>\n")
        for name in ("fh_bounds_fail", "fh_assert_fail"):
            f.write(f'<function name="{name}"><noreturn>true</noreturn></function>\n')
        f.write("</def>\n")
    return len(makers), len(enders)


def run(tool, path, folder):
    """The findings of one tool in one file: `file:line: message`."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        owned = [] if DEFINES.search(f.read()) else ["-include", os.path.join(folder, "owners.h")]
    command = {"gcc": GCC + CFLAGS + owned + [path], "clang": CLANG + CFLAGS + owned + [path],
               "cppcheck": CPPCHECK + [f"--library={os.path.join(folder, 'owners.cfg')}", path]}[tool]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    found = re.findall(r"(?m)^(\S+?):(\d+):(?:\d+:)? (?:warning|error|fatal error): (.*)$", done.stderr)
    if done.returncode != 0 and not found:
        found = [(path, "0", f"{tool} failed: {done.stderr.strip()[-300:]}")]
    return sorted({f"{os.path.relpath(os.path.join(ROOT, file), ROOT)}:{line}: {message}" for file, line, message in found})


def known():
    """Entries of known.txt: `tool file: text of the message # the reason`."""
    with open(os.path.join(HERE, "known.txt"), encoding="utf-8") as f:
        entries = [re.fullmatch(r"(\w+) (\S+): (.*\S)\s+# (\S.*)", line.strip()) for line in f
                   if line.strip() and not line.startswith("#")]
    if not all(entries):
        sys.exit("analyzers: known.txt has a line without tool, file, message and reason")
    return [entry.groups()[:3] for entry in entries]


def main():
    words, tools = sys.argv[1:], []
    for tool, (command, version) in VERSIONS.items():
        said = subprocess.run([command, "--version"], capture_output=True, text=True).stdout.split("\n")[0]
        if re.search(version, said):
            tools.append(tool)
        else:
            print(f"analyzers: skipped: what {tool} finds was judged with another version than this: {said}")
    chosen = lambda tool, path: not words or any(word == tool or word in path for word in words)
    findings, used, planted, found = [], set(), 0, 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        makers, enders = write_owners(folder)
        if not (makers and enders):
            findings.append("the headers name nobody who allocates, or nobody who frees")
        sources = files("src", ".c")
        jobs = [(tool, path, pool.submit(run, tool, path, folder)) for path in sources for tool in tools
                if chosen(tool, path) and not (tool == "gcc" and SLOW.match(path))]
        bugs = [(tool, path, pool.submit(run, tool, path, folder)) for path in files("tests/analyzers/planted", ".c")
                for tool in tools if chosen(tool, path)]
        for tool, path, job in jobs:
            for finding in job.result():
                entry = next((k for k in known() if k[0] == tool and finding.startswith(k[1] + ":") and k[2] in finding), None)
                if entry:
                    used.add(entry)
                elif f"{tool}: {finding}" not in findings:
                    findings.append(f"{tool}: {finding}")
        for tool, path, job in bugs:
            with open(os.path.join(ROOT, path), encoding="utf-8") as f:
                must = re.search(r"found by: ([a-z ]+)", f.read()).group(1).split()
            planted += tool in must
            found += tool in must and bool(job.result())
            if (tool in must) != bool(job.result()):
                findings.append(f"{tool}: {path}: " + ("the planted bug is not found" if tool in must else
                                                       "is found as well: write that down in it"))
    if not words:
        findings += [f"known.txt: nothing needs `{' '.join(entry)}` any more" for entry in known()
                     if entry not in used and entry[0] in tools]
    for finding in findings:
        print(finding)
    print(f"analyzers: {len(jobs)} runs over {len(sources)} files, {found} of {planted} planted bugs found, "
          f"{len(used)} known errors of tools, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
