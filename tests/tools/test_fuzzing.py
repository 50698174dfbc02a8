#!/usr/bin/env python3
"""Tests of tests/support/fuzz_main.c on a target with a planted bug: it is found, named, and can be repeated.

    test_fuzzing.py CANARY      the program fuzz_canary"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

CANARY = sys.argv[1]


def run(*arguments):
    done = subprocess.run([CANARY, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


class FuzzingTest(unittest.TestCase):
    def test_seeds_pass(self):
        self.assertEqual(run("--runs", "0")[0], 0)

    def test_bug_is_found_and_repeated(self):
        status, output = run("--runs", "1000")
        self.assertNotEqual(status, 0)
        self.assertIn("assertion failed", output)
        number = re.search(r"crashed in run (\d+)", output).group(1)
        with tempfile.TemporaryDirectory() as folder:
            saved = os.path.join(folder, "input")
            self.assertIn(f"crashed in run {number}", run("--only", number, "--save", saved)[1])
            self.assertNotEqual(run(saved)[0], 0)
        self.assertEqual(run("--runs", "1000")[1], output)

    def test_seeds_are_written(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run("--write-seeds", folder)[0], 0)
            self.assertEqual(sorted(os.listdir(folder)), ["seed-0000", "seed-0001"])
            with open(os.path.join(folder, "seed-0000"), "rb") as f:
                self.assertEqual(f.read(), b"\x03abc\x01d\x00")

    def test_bad_arguments(self):
        self.assertEqual(run("--runs", "many")[0], 2)
        self.assertEqual(run("no-such-file")[0], 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
