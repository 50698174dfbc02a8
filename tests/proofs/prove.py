#!/usr/bin/env python3
"""prove: proves the contracts in the sources (Frama-C WP, with Z3 and CVC4), and shows that each proof can fail.

    tests/proofs/prove.py                 all of proved.txt; ends with `proofs: N goals … K findings`
    tests/proofs/prove.py span slice      the functions whose file or name contains one of these words
    tests/proofs/prove.py --part 2/3      every proof, and of the planted errors every third round, from the second on

`./x proofs` does the same. A contract is a comment `/*@ requires …; assigns …; ensures …; */` before a function of the
product. What is proved is that function as it stands, for all inputs: that it keeps its contract, that every pointer it
follows is valid there, that signed arithmetic does not overflow, and that it calls others within their contracts. Beside that:

 - the number of goals of each function stands in proved.txt and must be equal: fewer means that a part of a contract is gone,
   more has to be written down so that it cannot be lost;
 - a smoke test asks the provers to derive a contradiction from what a function requires: they must not find one;
 - proved.txt holds errors to be planted in each function (a check dropped, a `<` for a `<=`): a goal must then fail;
 - every contract of the tree is either proved here or listed as believed, and those are printed.

shim.h says what a proof takes for granted. Provers get a number of steps, not of seconds, so that every machine has the same
result; other versions of the tools count goals differently, and the whole is skipped with them."""
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "tests", "proofs")
STEPS, SECONDS = 1000000, 60  # of each prover for each goal; the seconds only end what hangs
VERSIONS = {"frama-c -version": "25.0", "z3 --version": "4.8.12", "cvc4 --version": "version 1.8"}
CONTRACT = r"/\*@(?=[^@]*?\b(?:requires|assigns|ensures)\b)(?!\s*loop)(?:[^*]|\*(?!/))*\*/\s*[^;{}]*?\b(\w+)\((?=[^;{]*[;{])"
JOBS = len(os.sched_getaffinity(0))

Proof = namedtuple("Proof", "file function goals planted")  # planted: (old text, new text) each


class Broken(Exception):
    """A list or a source that says nothing."""


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


# --- the list ---------------------------------------------------------------------------------------------------------


def parse(text):
    """(proofs, believed): sections `[file]`, in them paragraphs `function goals` with pairs `- old`, `+ new`; the section
    `[believed]` has one function a line."""
    proofs, believed, file = [], set(), None
    for line in re.sub(r"(?m)^#.*\n", "", text).split("\n"):
        line = line.rstrip()
        if re.fullmatch(r"\[.*\]", line):
            file = line[1:-1]
        elif line.startswith("- ") and proofs:
            proofs[-1].planted.append((line[2:].strip(), ""))
        elif line.startswith("+ ") and proofs and proofs[-1].planted:
            proofs[-1].planted[-1] = (proofs[-1].planted[-1][0], line[2:].strip())
        elif line and file == "believed":
            believed.add(line)
        elif line:
            entry = re.fullmatch(r"(\w+) (\d+)", line)
            if not entry or file is None:
                raise Broken(f"proved.txt: not understood: {line}")
            proofs.append(Proof(file, entry.group(1), int(entry.group(2)), []))
    for proof in proofs:
        if not proof.planted:
            raise Broken(f"proved.txt: {proof.function} has no error to plant, so nothing shows that its proof can fail")
    return proofs, believed


def contracted(text):
    """The functions that a C text gives a contract."""
    return set(re.findall(CONTRACT, re.sub(r"FH_\w+\([^)]*\)|fh_view\([^)]*\)", "", text)))


def body(text, function, file):
    """Where the definition of a function begins and ends: at the first line that is a closing brace."""
    found = [m.start() for m in re.finditer(r"(?m)^\w[^\n/#]*\b%s\(" % re.escape(function), text)
             if re.match(r"[^;{]*\{", text[m.start():])]
    if len(found) != 1:
        raise Broken(f"{file}: {len(found)} definitions of {function}")
    return found[0], text.index("\n}", found[0])


# --- Frama-C ----------------------------------------------------------------------------------------------------------


def frama_c(file, functions, folder, replaced=None):
    """({function: (proved, goals, smoke tests passed, smoke tests)}, output); `replaced` is another text of the file."""
    includes = [os.path.join(ROOT, "include"), os.path.join(ROOT, "src")]
    if replaced is not None:
        path = os.path.join(folder, "tree", file)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(replaced)
        includes = [os.path.join(folder, "tree", "include"), os.path.join(folder, "tree", "src")] + includes
    unit = os.path.join(ROOT if replaced is None else os.path.join(folder, "tree"), file)
    if file.endswith(".h"):  # a header is proved in a file that holds nothing else
        unit = os.path.join(folder, "unit.c")
        with open(unit, "w", encoding="utf-8") as f:
            f.write(f'#include "{re.sub("^(include|src)/", "", file)}"\n')
    report = os.path.join(folder, "report.json")
    command = ["frama-c", "-wp", "-wp-rte", "-wp-fct", ",".join(functions), "-wp-prover", "z3,cvc4", "-wp-par", "1",
               "-wp-steps", str(STEPS), "-wp-timeout", str(SECONDS), "-wp-report-json", report,
               "-cpp-extra-args=-CC -include " + os.path.join(HERE, "shim.h") + "".join(f" -I{i}" for i in includes), unit]
    if replaced is None:
        command[2:2] = ["-wp-smoke-tests", "-wp-no-smoke-dead-code", "-wp-no-smoke-dead-call", "-wp-smoke-timeout", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "WHY3CONFIG": WHY3})
    counts = {function: [0, 0, 0, 0] for function in functions}
    if done.returncode == 0 and os.path.exists(report):
        with open(report, encoding="utf-8") as f:
            goals = json.load(f).get("wp:functions", {})
        for function in functions:
            for name, provers in goals.get(function, {}).items():
                all_of = provers.get("wp:main")
                if all_of and not name.startswith("wp:"):
                    at = 2 if "wp_smoke" in name else 0
                    counts[function][at] += all_of.get("valid", 0)
                    counts[function][at + 1] += all_of.get("total", 0)
    return counts, done.stdout + done.stderr


def open_goals(output):
    unproved = r"Goal .*: (?!Valid)|\[(Failed|Doomed|Timeout|Unknown|Stepout)\]|[Ee]rror:"
    return "\n".join(line for line in output.split("\n") if re.search(unproved, line))


def prove(file, proofs):
    """Proves the listed functions of a file; (findings, proved goals)."""
    with tempfile.TemporaryDirectory() as folder:
        counts, output = frama_c(file, [p.function for p in proofs], folder)
    findings, proved = [], 0
    for p in proofs:
        valid, total, passed, smoke = counts[p.function]
        proved += valid
        print(f"  {p.function}: {valid} of {total} goals", flush=True)
        if total == 0 or valid != total:
            findings.append(f"{file}: {p.function}: {total - valid} of {total} goals are not proved:\n{open_goals(output)}")
        elif valid < p.goals:
            findings.append(f"{file}: {p.function}: {valid} goals, proved.txt has {p.goals}: part of its contract is gone")
        elif valid > p.goals:
            findings.append(f"{file}: {p.function}: {valid} goals: write `{p.function} {valid}` there")
        if passed != smoke:
            findings.append(f"{file}: {p.function}: what it requires contradicts itself")
    return findings, proved


def plant(file, errors):
    """Plants one error in each of several functions of a file, [(proof, old text, new text)]; a finding for each whose goals
    are all still proved. Each proof rests on the other functions' contracts alone, so the errors do not meet."""
    text = read(file)
    for proof, old, new in errors:
        start, end = body(text, proof.function, file)
        if text.count(old, start, end) != 1:
            raise Broken(f"{file}: {proof.function}: `{old}` is not there exactly once")
        text = text[:start] + text[start:end].replace(old, new) + text[end:]
    with tempfile.TemporaryDirectory() as folder:
        counts, output = frama_c(file, [proof.function for proof, _, _ in errors], folder, text)
    findings = []
    for proof, old, new in errors:
        valid, total = counts[proof.function][:2]
        if total == 0:
            raise Broken(f"{file}: {proof.function}: `{old}` → `{new}` cannot be read:\n{open_goals(output)}")
        if valid == total:
            findings.append(f"{file}: {proof.function} is still proved with `{new}` for `{old}`")
    return findings


def main():
    global WHY3
    words, part, parts = sys.argv[1:], 1, 1
    if words[:1] == ["--part"]:
        part, parts = map(int, words[1].split("/"))
        words = words[2:]
    for command, version in VERSIONS.items():
        said = subprocess.run(command.split(), capture_output=True, text=True).stdout
        if version not in said:
            print(f"proofs: skipped: the proofs are counted with {command.split()[0]} {version}")
            return 77
    findings = []
    try:
        proofs, believed = parse(read("tests/proofs/proved.txt"))
    except Broken as error:
        sys.exit(f"proofs: {error}")
    known = {p.function for p in proofs} | believed
    for top in ("include", "src"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for path in sorted(os.path.join(folder, name) for name in names if name.endswith((".c", ".h"))):
                for function in contracted(read(path)) - known:
                    findings.append(f"{os.path.relpath(path, ROOT)}: {function} has a contract that proved.txt does not prove")
    unsafe = os.path.join(ROOT, "docs", "UNSAFE.md")
    if os.path.exists(unsafe):  # the table says which proof holds up which invariant
        for name in sorted(set(re.findall(r"`wp_(\w+)`", read(unsafe))) - {p.function for p in proofs}):
            findings.append(f"docs/UNSAFE.md: wp_{name}: proved.txt has no such function")
    proofs = [p for p in proofs if not words or any(w in p.file or w in p.function for w in words)]
    files = {p.file: [q for q in proofs if q.file == p.file] for p in proofs}
    goals = found = planted = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(JOBS) as pool:
        WHY3 = os.path.join(folder, "why3.conf")
        subprocess.run(["why3", "-C", WHY3, "config", "detect"], capture_output=True, check=True)
        jobs = [pool.submit(prove, file, listed) for file, listed in files.items()]
        rounds = [(file, [(p, *p.planted[k]) for p in listed if k < len(p.planted)])
                  for file, listed in files.items() for k in range(max(len(p.planted) for p in listed))]
        errors = [(len(planted), pool.submit(plant, file, planted)) for file, planted in rounds[part - 1::parts]]
        try:
            for job in jobs:
                bad, proved = job.result()
                findings += bad
                goals += proved
            for count, job in errors:
                bad = job.result()
                findings += bad
                planted += count
                found += count - len(bad)
        except Broken as error:
            pool.shutdown(cancel_futures=True)
            sys.exit(f"proofs: {error}")
    for finding in findings:
        print(finding)
    print("believed without proof: " + ", ".join(sorted(believed)))
    print(f"proofs: {goals} goals proved in {len(proofs)} functions of {len(files)} files, {found} of {planted} planted errors "
          f"found, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
