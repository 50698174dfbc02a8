#!/usr/bin/env python3
"""The wheel: built from this tree, installed into a clean virtual environment without an index, and used there.

The build backend comes from the interpreter that runs this, or else from pip's index; without either the test is skipped."""
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest
import venv

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
USE = """
import freehold
assert freehold.count_tokens_parallel(["a b a"]) == {"a": 2, "b": 1}
index = freehold.FastVectorIndex(dimension=2)
index.add([3, 4])
assert index.search([0, 0], k=5) == [(0, 5.0)]
print(freehold.__file__)
"""


def run(*command, seconds=1200):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds, cwd=ROOT)


class Wheel(unittest.TestCase):
    def environment(self, name):
        try:
            venv.create(os.path.join(self.folder, name), with_pip=True)
        except subprocess.CalledProcessError:
            self.skipTest("the venv module has no pip here (python3-venv)")
        return os.path.join(self.folder, name, "bin", "python")

    def test_wheel(self):
        with tempfile.TemporaryDirectory() as self.folder:
            if importlib.util.find_spec("scikit_build_core"):
                builder = sys.executable
            else:
                builder = self.environment("build")
                got = run(builder, "-m", "pip", "install", "-q", "--retries", "0", "--timeout", "15", "scikit-build-core",
                          seconds=300)
                if got.returncode:
                    self.skipTest("pip reaches no index to take scikit-build-core from")
            made = run(builder, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", self.folder,
                       os.path.join(ROOT, "bindings", "python"))
            self.assertEqual(made.returncode, 0, made.stdout)
            wheels = [name for name in os.listdir(self.folder) if name.endswith(".whl")]
            self.assertEqual(len(wheels), 1)
            self.assertIn("-cp311-abi3-", wheels[0])
            python = self.environment("use")
            got = run(python, "-m", "pip", "install", "--no-index", "--no-deps", os.path.join(self.folder, wheels[0]))
            self.assertEqual(got.returncode, 0, got.stdout)
            used = run(python, "-I", "-c", USE)
            self.assertEqual(used.returncode, 0, used.stdout)
            self.assertIn(os.path.join(self.folder, "use"), used.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
