"""program: what the tests of the built program share: running it, its models, and the promises that hold for every run.

Environment: FREEHOLD_PROGRAM (the program), FREEHOLD_MODELS (the folder with demo.gguf), FREEHOLD_DATA or FREEHOLD_DATA_DEFAULT
(real models; tests that need them skip without)."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("FREEHOLD_PROGRAM", str(ROOT / "build/release/freehold"))
DEMO = pathlib.Path(os.environ.get("FREEHOLD_MODELS", ROOT / "models")) / "demo.gguf"
DATA = pathlib.Path(os.environ.get("FREEHOLD_DATA") or os.environ.get("FREEHOLD_DATA_DEFAULT", ROOT / "../shared/data"))

STATISTICS = re.compile(
    r"^prompt (\d+) tokens? [\d.]+ tok/s · generation (\d+) tokens? [\d.]+ tok/s( · first token [\d.]+ ms)?"
    r" · mapped [\d.]+ (bytes|[KMG]iB) · peak memory [\d.]+ [KMG]iB · live allocations 0$")


def data(name):
    """A file of the real data, or a skip."""
    path = DATA / name
    if not path.exists():
        raise unittest.SkipTest(f"{path} is absent")
    return str(path)


def start(*args, env=None, **options):
    """The program as a process."""
    whole = {k: v for k, v in os.environ.items() if not k.startswith("FREEHOLD_")}
    whole.update(env or {})
    return subprocess.Popen([PROGRAM, *map(str, args)], env=whole, **options)


class Done:
    """A finished run."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.text, self.errors = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
        self.lines = self.errors.splitlines()


def run(*args, stdin=b"", env=None, timeout=120, cwd=None):
    """Runs to the end."""
    p = start(*args, env=env, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = p.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        p.kill()
        p.communicate()
        raise
    return Done(p.returncode, out, err)


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="freehold-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def model(self, name="tiny.gguf", *options):
        """A model of random weights."""
        path = self.folder / name
        self.succeeds("mkmodel", *options, "-o", path)
        return path

    def succeeds(self, *args, **options):
        done = run(*args, **options)
        self.assertEqual(done.code, 0, done.errors)
        return done

    def refused(self, *args, code=2, message=None, **options):
        """The run fails with one line on standard error that is safe to print, and the given exit status."""
        done = run(*args, **options)
        self.one_line(done)
        self.assertEqual(done.code, code, (args, done.errors))
        if message:
            self.assertRegex(done.errors, message)
        return done

    def one_line(self, done):
        """A failure: no signal, one line on standard error, no control characters in it."""
        self.assertIn(done.code, (1, 2), (done.code, done.errors))
        self.assertEqual(len(done.lines), 1, done.errors)
        self.assertTrue(done.lines[0].startswith("freehold: "), done.errors)
        self.assertNotRegex(done.errors, r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ufffd]")
        self.assertTrue(done.errors.endswith("\n"))

    def told_statistics(self, done):
        """The last line of standard error is that of the statistics; returns (prompt tokens, generated tokens)."""
        self.assertRegex(done.lines[-1], STATISTICS)
        found = STATISTICS.match(done.lines[-1])
        return int(found.group(1)), int(found.group(2))
