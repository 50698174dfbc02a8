#!/usr/bin/env python3
"""mutants: deletes each safety check of list.txt in turn; some test must fail each time.

    tests/mutants/run.py                 all of them; ends with `mutants: N killed, M survived, K broken`, and how many
                                         were skipped, if any
    tests/mutants/run.py ring stale      those whose file, name or tests contain one of these words
    tests/mutants/run.py --part 2/3      every third of them, from the second on

`./x mutants` does the same. list.txt says what a check is, what takes its place, and which tests notice. A mutant whose tests
all pass has survived: a test is missing. An entry is broken when its text is not found exactly once, when the mutant does not
compile, or when a test that it names fails without it. It is skipped, with the reason, when no test failed but one of them
skips cases here, as those of io_uring do in containers that forbid it.

How: the daily build, build/dev, is brought up to date. A mutant lives in a copy of the sources. Only the files of
base, os, mem, tensor, proto, text, index, net and sock, and of the test (objects of src/apps or src/zmq that it is made of
among them), that include the changed file are compiled, by the commands of that build, and linked before its library: so a
mutant takes about a second. First, each test is made in the same way from unchanged files, once, and must pass. Tests of random
operations and races do few of them, and more only before a mutant is said to survive.

A rule of deed is a check as well. Its tests are programs: `ui/FH0101` stands for those of tests/ui/FH0101, `ui` for all of
them. Of a mutant in src/check, a deed is made that must give another output for one of them."""
import json
import os
import queue
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import namedtuple
from concurrent.futures import Future, ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIST = os.path.join(ROOT, "tests", "mutants", "list.txt")
BUILD = os.path.join(ROOT, "build", "dev")
FOLDERS = ["src", "include", "tests"]
LAYERS, CHECKER = re.compile(r"src/(base|os|mem|tensor|proto|text|index|net|sock)/"), re.compile(r"src/check/")
OPERATIONS, MORE_OPERATIONS = "20000", "2000000"  # the more, three times, for a race that is not met at once
MEMORY = str(4 << 30)  # bytes that a test may have: a mutant may ask without end

Mutant = namedtuple("Mutant", "file name tests function old new")
Unchanged = namedtuple("Unchanged", "seconds lacks")  # how long a test takes, and what it says that this machine lacks


class Broken(Exception):
    """An entry of the list that says nothing about the code."""


class Skipped(Exception):
    """No test failed, but some of them were skipped: this machine lacks what they need."""


# --- the list ---------------------------------------------------------------------------------------------------------


def parse(text):
    """The entries of a list: sections `[file]`, in them paragraphs `name: tests`, `in function`, `- old`, `+ new`."""
    mutants, file = [], None
    for paragraph in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n", "", text)):
        lines = [line.rstrip() for line in paragraph.strip("\n").split("\n") if line.strip()]
        if lines and re.fullmatch(r"\[.*\]", lines[0]):
            file = lines.pop(0)[1:-1]
        if not lines:
            continue
        name, _, tests = lines[0].rpartition(": ")
        rest = lines[1:]
        function = rest.pop(0)[3:] if rest and rest[0].startswith("in ") else None
        old = [line[1:].strip() for line in rest if line.startswith("-")]
        new = [line[1:].strip() for line in rest if line.startswith("+")]
        if not (file and name and tests and old) or len(old) + len(new) != len(rest):
            raise Broken("not understood:\n" + paragraph)
        mutants.append(Mutant(file, name, tests.split(), function, old, new))
    return mutants


def body_of(lines, function):
    """The lines of a function of C: from the one that names it at the left margin to the next `}` there."""
    for first, line in enumerate(lines):
        if re.match(rf"[A-Za-z][^;]*\b{re.escape(function)}\(", line) and not line.rstrip().endswith(";"):
            return first, next((n for n in range(first, len(lines)) if lines[n].startswith("}")), first)
    raise Broken(f"there is no function {function}")


def mutate(text, mutant):
    """The text with the mutant's old text, spaces between lines aside, replaced by the new."""
    lines = text.split("\n")
    first, last = body_of(lines, mutant.function) if mutant.function else (0, len(lines) - 1)
    body = "\n".join(lines[first:last + 1])
    places = list(re.finditer(r"\n\s*".join(re.escape(line) for line in mutant.old), body))
    if len(places) != 1:
        raise Broken(f"its text is found {len(places)} times")
    body = body[:places[0].start()] + "\n".join(mutant.new) + body[places[0].end():]
    return "\n".join(lines[:first] + [body] + lines[last + 1:])


def is_ui(test):
    return re.fullmatch(r"ui(/[\w-]+)?", test) is not None


def target_of(test):
    """What is built for a test."""
    return "deed-cli" if is_ui(test) else test


# --- building ---------------------------------------------------------------------------------------------------------


def must(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"mutants: {' '.join(command[:6])} failed:\n{done.stdout[-4000:]}")
    return done.stdout


class Base:
    """The build without mutants: how each object is compiled, what it is made of, how each test is linked."""

    def __init__(self, targets):
        os.chdir(ROOT)
        must("cmake", "--preset", "dev")
        must("cmake", "--build", BUILD, "--target", *targets)
        with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as f:
            commands = [entry["command"] for entry in json.load(f)]
        self.compile = {re.search(r" -o (\S+) ", command).group(1): command for command in commands}
        self.links = {target: self.link_command(target) for target in targets}
        self.unchanged, self.unchanged_lock = {}, threading.Lock()
        self.needs = {}
        for part in must("ninja", "-C", BUILD, "-t", "deps").split("\n\n"):
            name, _, files = part.strip().partition(": ")
            self.needs[name] = {os.path.relpath(os.path.join(BUILD, f.strip()), ROOT) for f in files.split("\n")[1:]}

    def link_command(self, target):
        command = must("ninja", "-C", BUILD, "-t", "commands", target).strip().split("\n")[-1]
        return shlex.split(re.sub(r"^: && | && :$", "", command))

    def objects(self, file, target):
        """What is made from a file: first objects of the test itself, then the library's too. A header's mutant is often killed
        by what the test inlines, and to compile the library takes long."""
        own = [token for token in self.links[target] if token.endswith(".o")]
        sources = {self.compile[name].split()[-1] for name in own}  # the explorer's programs have files of src/mem of their own
        layers = CHECKER if target == "deed-cli" else LAYERS
        library = [name for name in self.compile if layers.match(name) and self.compile[name].split()[-1] not in sources]
        affected = lambda names: [name for name in names if file in self.needs.get(name, ())]
        stages = [affected(own), affected(own + library)]
        return [stage for n, stage in enumerate(stages) if stage and stage not in stages[:n]]

    @staticmethod
    def run(name, command, limit, operations=OPERATIONS):
        """Runs a test up to its first failure; returns whether it passed, how long it took, what it said."""
        begin, said = time.monotonic(), ""
        with tempfile.TemporaryFile() as out:
            limits = ["prlimit", f"--cpu={int(limit) + 1}"]  # a loop without end ends, even when nobody is left to stop it
            limits += [] if name.startswith("weave_") else [f"--data={MEMORY}"]  # the explorer reserves more, once
            process = subprocess.Popen([*limits, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       start_new_session=True,
                                       env={**os.environ, "FREEHOLD_TEST_OPS": operations})
            while process.poll() is None and not re.search(r"\[  (FAILED|ERROR) ", said) and time.monotonic() < begin + limit:
                try:
                    process.wait(0.05)
                except subprocess.TimeoutExpired:
                    said = os.pread(out.fileno(), 1 << 20, 0).decode("utf-8", "replace")
            if process.poll() is None:  # what a failed test leaves behind may keep the next ones from ending
                os.killpg(process.pid, 9)
                process.wait()
            said = os.pread(out.fileno(), 1 << 20, 0).decode("utf-8", "replace")
            return process.returncode == 0, time.monotonic() - begin, f"{name} gave {process.returncode}\n{said}"


class Worker:
    """A copy of the sources, for one mutant at a time."""

    def __init__(self, base, folder):
        self.base, self.folder = base, folder
        for name in FOLDERS:
            shutil.copytree(os.path.join(ROOT, name), os.path.join(folder, name))

    def build(self, target, objects):
        """The test, with some objects compiled anew."""
        made, link = {}, list(self.base.links[target])
        quick = "-w -O0 -g0" if target == "deed-cli" else "-w -g0"
        for name in objects:
            made[name] = os.path.join(self.folder, name.replace("/", "_"))
            command = re.sub(re.escape(ROOT) + r"/(src|include|tests)\b", self.folder + r"/\1", self.base.compile[name])
            command = shlex.split(command.replace(f" -o {name} ", f" -o {made[name]} {quick} "))
            done = subprocess.run(command, cwd=BUILD, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode != 0:
                raise Broken("it does not compile:\n" + done.stderr[:2000])
        program = os.path.join(self.folder, target)
        link[link.index("-o") + 1] = program
        extra = [path for name, path in made.items() if name not in link]
        at = next(n for n, token in enumerate(link) if token.endswith(".a"))
        link = [made.get(token, token) for token in link[:at]] + extra + link[at:] + ["-Wl,--strip-debug"]
        done = subprocess.run(link, cwd=BUILD, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Broken("it does not link:\n" + done.stderr[:2000])

    def command(self, test):
        """How a test is run. A folder of tests/ui gets a place of its own, with what lies beside it."""
        program = os.path.join(self.folder, target_of(test))
        if not is_ui(test):
            return [program]
        programs, place = os.path.join(self.folder, "tests", "ui"), os.path.join(self.folder, test.replace("/", "-"))
        if test == "ui":
            place = programs
        elif not os.path.isdir(place):
            os.mkdir(place)
            for name in os.listdir(programs):
                if os.path.isfile(os.path.join(programs, name)):
                    shutil.copy(os.path.join(programs, name), place)
            folder = os.path.basename(test)
            shutil.copytree(os.path.join(programs, folder), os.path.join(place, folder))
        return [program, "ui", place, "--", f"-I{ROOT}/include"]

    def unchanged(self, test, objects):
        """What is known of a test without mutants, which must pass; found out by whoever asks first."""
        with self.base.unchanged_lock:
            known = self.base.unchanged.get(test)
            mine = known is None
            if mine:
                known = self.base.unchanged[test] = Future()
        if mine:
            try:
                self.build(target_of(test), objects)
                ok, seconds, said = self.base.run(test, self.command(test), 240)
                if not ok:
                    raise Broken(f"{test} fails without it:\n{said[-2000:]}")
                known.set_result(Unchanged(seconds, re.findall(r"(?m)^skipped: (.+)$", said)))
            except Exception as error:
                known.set_exception(error)
        return known.result()

    def try_mutant(self, mutant):
        """The test that failed, or None."""
        path = os.path.join(self.folder, mutant.file)
        if not os.path.exists(path):
            raise Broken("there is no such file")
        unchanged = {}
        for test in mutant.tests:
            stages = self.base.objects(mutant.file, target_of(test))
            if not stages:
                raise Broken(f"{test} does not depend on {mutant.file}")
            unchanged[test] = self.unchanged(test, stages[0])
        with open(path, encoding="utf-8") as f:
            text = f.read()
        changed = mutate(text, mutant)
        try:
            with open(path, "w", encoding="utf-8") as f:
                f.write(changed)
            for test in mutant.tests:
                for stage in self.base.objects(mutant.file, target_of(test)):
                    self.build(target_of(test), stage)
                    ok, _, _ = self.base.run(test, self.command(test), 5 + 20 * unchanged[test].seconds)
                    if not ok:
                        return test
            for test in 3 * [test for test in mutant.tests if not is_ui(test)]:
                ok, _, _ = self.base.run(test, self.command(test), 600, MORE_OPERATIONS)
                if not ok:
                    return test
            for test in mutant.tests:
                if unchanged[test].lacks:
                    raise Skipped(f"{test}: {unchanged[test].lacks[0]}")
        finally:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        return None


def main():
    with open(LIST, encoding="utf-8") as f:
        mutants = parse(f.read())
    words = sys.argv[1:]
    if words[:1] == ["--part"]:
        part, parts = map(int, words[1].split("/"))
        mutants, words = mutants[part - 1::parts], words[2:]
    if words:
        mutants = [m for m in mutants if any(word in " ".join([m.file, m.name, *m.tests]) for word in words)]
    if not mutants:
        sys.exit("mutants: no entry has such a word")
    base = Base(sorted({target_of(test) for mutant in mutants for test in mutant.tests}))
    killed, survived, broken, skipped = [], [], [], []
    jobs = 2 * len(os.sched_getaffinity(0))  # what hangs, or waits for another thread, takes no processor
    with tempfile.TemporaryDirectory(prefix="freehold-mutants-") as folder:
        workers = queue.Queue()
        for n in range(jobs):
            workers.put(Worker(base, os.path.join(folder, str(n))))

        def one(mutant):
            worker = workers.get()
            try:
                by = worker.try_mutant(mutant)
                if by is None:
                    survived.append(mutant)
                    print(f"survived: {mutant.file}: {mutant.name} ({' '.join(mutant.tests)} pass)", flush=True)
                else:
                    killed.append(mutant)
            except Skipped as reason:
                skipped.append(mutant)
                print(f"mutants: skipped: {mutant.file}: {mutant.name}: {reason}", flush=True)
            except Broken as error:
                broken.append(mutant)
                print(f"broken: {mutant.file}: {mutant.name}: {error}", flush=True)
            finally:
                workers.put(worker)

        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(one, mutants))
    print(f"mutants: {len(killed)} killed, {len(survived)} survived, {len(broken)} broken" +
          (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if survived or broken else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as problem:
        sys.exit(f"mutants: {problem}")
