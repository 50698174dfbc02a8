"""cases: what the tests share that drive the program deed: a scratch folder, its files, and the program run in it."""
import os
import pathlib
import subprocess
import tempfile
import unittest

PROGRAM = os.path.abspath(os.environ["DEED_PROGRAM"])
GOOD = "int good(int a) {\n    return a + 1;\n}\n"
BAD = "int bad(int a) {\n    return a ?: 1;\n}\n"
MARKED = BAD.replace("1;", "1; //~ FH0901")
WRONG = "int wrong(void) {\n    return nothing;\n}\n"


def files_of(out):
    """The files that findings of --format=gcc are in, one for each."""
    return [line.split(":")[0] for line in out.splitlines() if " error: " in line]


class DeedCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name).resolve()
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(self.folder / ".cache")}
        # Threads of libclang bring an alternate signal stack of their own, which the address sanitizer would give back as its.
        self.environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":use_sigaltstack=0"

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run_deed(self, *args):
        """Runs it in the folder, whatever comes of it."""
        return subprocess.run([PROGRAM, *args], cwd=self.folder, env=self.environment, capture_output=True, text=True,
                              check=False)

    def deed(self, *args, status=0):
        """Runs it; its standard output and standard error."""
        done = self.run_deed(*args)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout, done.stderr
