#!/usr/bin/env python3
"""Tests of tests/proofs/prove.py on a small tree: what is proved passes; a lost goal, a proof that cannot fail, a contract that
nobody proves and a function that breaks its contract are findings."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import shutil
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
if not shutil.which("frama-c"):
    print("skipped: Frama-C is missing")
    sys.exit(77)
loader = importlib.machinery.SourceFileLoader("prove", os.path.join(ROOT, "tests", "proofs", "prove.py"))
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("prove", loader))
sys.dont_write_bytecode = True
loader.exec_module(run)

CODE = """/*@ requires count == 0 || \\valid_read(at + (0 .. count - 1)); assigns \\nothing;
    ensures i < count ==> \\result == at[i]; */
static int get(const int *at, unsigned count, unsigned i) {
    return i < count ? at[i] : -1;
}
/*@ assigns \\nothing; */
int outside(void);
int user(const int *at) {
    return get(at, 1, 0) + outside();
}
"""
LIST = """[src/a.c]
get 4
- i < count
+ i <= count

[believed]
outside
"""


class ProofsTest(unittest.TestCase):
    def check(self, expected, code=CODE, listed=LIST):
        """What run says of a tree with one file."""
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "tests", "proofs"))
            os.makedirs(os.path.join(folder, "src"))
            for path, text in (("src/a.c", code), ("tests/proofs/proved.txt", listed)):
                with open(os.path.join(folder, path), "w", encoding="utf-8") as f:
                    f.write(text)
            run.ROOT, sys.argv, said = folder, ["prove"], io.StringIO()
            with contextlib.redirect_stdout(said):
                try:
                    status = run.main()
                except SystemExit as error:
                    status = str(error.code)
        if status == 77:
            self.skipTest(said.getvalue())
        self.assertIn(expected, said.getvalue() + str(status))
        return status

    def test_good(self):
        self.assertEqual(self.check("proofs: 4 goals proved in 1 functions of 1 files, 1 of 1 planted errors found, 0 fi"), 0)

    def test_not_proved(self):
        self.assertEqual(self.check("goals are not proved", CODE.replace("i < count ? at", "i <= count ? at"),
                                    LIST.replace("- i < count\n+ i <= count", "- at[i]\n+ 1")), 1)

    def test_counts(self):
        self.assertEqual(self.check("part of its contract is gone", listed=LIST.replace("get 4", "get 5")), 1)
        self.assertEqual(self.check("write `get 4` there", listed=LIST.replace("get 4", "get 3")), 1)

    def test_cannot_fail(self):
        self.assertEqual(self.check("is still proved with", listed=LIST.replace("- i < count\n+ i <= count", "- -1\n+ -2")), 1)
        self.check("has no error to plant", listed="[src/a.c]\nget 4\n")
        self.check("is not there exactly once", listed=LIST.replace("- i < count", "- i < size"))

    def test_contradiction(self):
        self.assertEqual(self.check("contradicts itself", CODE.replace("requires ", "requires i < count < i; requires ")), 1)

    def test_unlisted(self):
        self.assertEqual(self.check("outside has a contract that proved.txt does not prove", listed=LIST.split("[bel")[0]), 1)


if __name__ == "__main__":
    unittest.main()
