#!/usr/bin/env python3
"""Runs the tests that Debian's package python3-zmq carries, with our libzmq.so.5 in the place of the system's and nothing
else changed. Each test passes, is skipped by its own word, or is named in EXPECTED with the reason why it does not pass.

    tests/zmq/test_pyzmq.py build/release/zmq [--file test_socket.py] [--list]

A file of tests runs in a process of its own. A test that hangs past its time limit, or ends the process, fails, and the
others of its file are run without it. What fails is run once more, alone: some of these tests race with the clock, and do
so with libzmq too."""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

PYTHON = "/usr/bin/python3"  # Debian's, which has the package
HERE = pathlib.Path(__file__).resolve().parent
LIMIT_S = 20
PASSED_MIN = 320  # where the package has all its tests, and what they import
COLLECTED_ALL = 355
AT_ONCE = 3

# What does not pass, and why.
EXPECTED = {
    "test_cython.py::test_cython[2]": "needs Cython, which python3-zmq does not bring",
    "test_cython.py::test_cython[3]": "needs Cython, which python3-zmq does not bring",
    "test_log.py::TestPubLog::test_blank_root_topic": "publishes over tcp before its subscription can have come; whether it "
    "has is a matter of the machine's load, with libzmq too",
}


def tests_folder():
    """Where the package has its tests; None where it is not installed."""
    if not os.access(PYTHON, os.X_OK):
        return None
    words = "import zmq.tests, pytest; print(zmq.tests.__path__[0])"
    found = subprocess.run([PYTHON, "-c", words], capture_output=True, text=True, check=False)
    return pathlib.Path(found.stdout.strip()) if found.returncode == 0 else None


def read(log):
    """{test: (word, why)}; "begin" for one that never came back."""
    results = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        word, name, why = line.split("\t", 2)
        if word != "begin" and results.get(name, ("begin",))[0] in ("failed", "error"):
            continue
        results[name] = (word, why)
    return results


def run_file(path, library, only=None):
    """Runs one file of tests, or only one of them; again without those that ended it."""
    results, gone = {}, []
    while True:
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder, "log")
            env = dict(os.environ, LD_LIBRARY_PATH=str(library), FREEHOLD_ZMQ_LOG=str(log), PYTHONPATH=str(HERE),
                       FREEHOLD_ZMQ_LIMIT=str(LIMIT_S), PYTHONDONTWRITEBYTECODE="1",
                       ZMQ_TEST_TIMEOUT=str(LIMIT_S))
            what = str(path) if only is None else f"{path}::{only.split('::', 1)[1]}"
            words = [PYTHON, "-m", "pytest", "-q", "-p", "pyzmq_plugin", "-p", "no:cacheprovider", what, "--tb=line"]
            for name in [*gone, *(name for name, result in results.items() if result[0] != "begin")]:
                words += ["--deselect", name]
            process = subprocess.Popen(words, env=env, cwd=path.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       text=True)
            try:
                output, _ = process.communicate(timeout=90)
                how = f"ended the process ({process.returncode})"
            except subprocess.TimeoutExpired:
                process.kill()
                output, _ = process.communicate()
                how = "hung"
            new = read(log)
        results.update({name: result for name, result in new.items() if result[0] != "begin"})
        stuck = [name for name, result in new.items() if result[0] == "begin"]
        for name in stuck:
            results[name] = ("failed", how)
            gone.append(name)
        if not stuck:
            if process.returncode not in (0, 1, 5):
                print(output[-2000:])
                results[f"{path.name} as a whole"] = ("failed", f"pytest: {process.returncode}")
            return results


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=pathlib.Path, help="folder of libzmq.so.5")
    parser.add_argument("--file", action="append", help="only this file of tests")
    parser.add_argument("--list", action="store_true", help="every test, and what became of it")
    arguments = parser.parse_args()
    folder = tests_folder()
    if folder is None:
        print("skipped: python3-zmq or python3-pytest is not installed")
        return 77
    library = arguments.library.resolve()
    if not (library / "libzmq.so.5").exists():
        print(f"{library} has no libzmq.so.5")
        return 2
    results = {}
    paths = [path for path in sorted(folder.glob("test_*.py")) if not arguments.file or path.name in arguments.file]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for found in pool.map(lambda path: run_file(path, library), paths):
            results.update(found)
    for name, (word, _) in sorted(results.items()):
        if word in ("failed", "error") and name.split("/")[-1] not in EXPECTED and "::" in name:
            again = run_file(folder / name.split("::")[0].split("/")[-1], library, only=name)
            if again.get(name, ("failed",))[0] == "passed":
                print(f"passed when run again, alone: {name}")
                results[name] = again[name]
    counts = collections.Counter(word for word, _ in results.values())
    unexpected = 0
    for name, (word, why) in sorted(results.items()):
        if arguments.list:
            print(f"{word} {name}: {why}")
        if word in ("failed", "error"):
            known = EXPECTED.get(name.split("/")[-1])
            unexpected += known is None
            print(f"FAILED {name}: {why}" + (f" (known: {known})" if known else ""))
    print(f"{counts['passed']} passed, {counts['skipped']} skipped, {counts['failed'] + counts['error']} failed")
    too_few = len(results) >= COLLECTED_ALL and counts["passed"] < PASSED_MIN
    return 1 if unexpected or too_few else 0


if __name__ == "__main__":
    sys.exit(main())
