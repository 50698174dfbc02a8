#!/usr/bin/env python3
"""Tests of tools/test: what it makes of the output of test programs, above all of those that end badly."""
import importlib.machinery
import importlib.util
import os
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
loader = importlib.machinery.SourceFileLoader("suite", os.path.join(ROOT, "tools", "test"))
suite = importlib.util.module_from_spec(importlib.util.spec_from_loader("suite", loader))
loader.exec_module(suite)

PASS3 = "[==========] Running 3 test(s).\n[       OK ] a\n[==========] 3 test(s) run.\n[  PASSED  ] 3 test(s).\n"
NEWER = "[==========] group: Running 2 test(s).\n[==========] group: 2 test(s) run.\n[  PASSED  ] 2 test(s).\n"
SKIP1 = ("[==========] Running 3 test(s).\nskip: no such file\n[  SKIPPED ] b\n[==========] 3 test(s) run.\n"
         "[  PASSED  ] 2 test(s).\n[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] b\n\n 1 SKIPPED TEST(S)\n")
FAIL1 = ("[==========] Running 3 test(s).\n[  FAILED  ] b\n[==========] 3 test(s) run.\n[  PASSED  ] 2 test(s).\n"
         "[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] b\n\n 1 FAILED TEST(S)\n")
CRASH = "[==========] Running 3 test(s).\n[       OK ] a\nAddressSanitizer: heap-buffer-overflow\n"
CASES = [
    # output, ctest's status, passed, failed, skipped
    (PASS3, "run", 3, 0, 0),
    (NEWER, "run", 2, 0, 0),
    (PASS3 + NEWER, "run", 5, 0, 0),
    (SKIP1, "run", 2, 0, 1),
    (FAIL1, "fail", 2, 1, 0),
    (CRASH, "fail", 0, 3, 0),
    (PASS3 + "LeakSanitizer: detected memory leaks\n", "fail", 3, 1, 0),
    ("fuzz_x: 3 seeds and 20000 mutations\n", "run", 1, 0, 0),
    ("weave: x: 2 threads, no bound: 9 executions\nweave: 12 passed, 0 failed\n", "run", 12, 0, 0),
    ("weave: x: FAILED\nweave: 12 passed, 2 failed\n", "fail", 12, 2, 0),
    ("weave: x: 2 threads\n", "fail", 0, 1, 0),
    ("crashed in run 7\n", "fail", 0, 1, 0),
    ("", "missing", 0, 1, 0),
    ("skip: no data\n", "notrun", 0, 0, 1),
    ("Ran 6 tests in 0.1s\n\nOK\n", "run", 6, 0, 0),
    ("Ran 6 tests in 0.1s\n\nOK (skipped=2)\n", "run", 4, 0, 2),
    ("Ran 6 tests in 0.1s\n\nFAILED (failures=1, errors=2, skipped=1)\n", "fail", 2, 3, 1),
]


class CountingTest(unittest.TestCase):
    def test_cases(self):
        for output, status, *expected in CASES:
            with self.subTest(output=output, status=status):
                result = suite.count_cases("here", "name", status, output)
                self.assertEqual([result.passed, result.failed, result.skipped], expected)
                self.assertEqual(bool(result.notes), result.failed > 0)

    def test_reasons_of_skips(self):
        self.assertEqual(dict(suite.count_cases("here", "name", "run", SKIP1).reasons), {"no such file": 1})
        silent = suite.count_cases("here", "name", "run", SKIP1.replace("skip: no such file\n", ""))
        self.assertEqual(dict(silent.reasons), {"name gives no reason": 1})
        verbose = "test_x (a.B) ... skipped 'no terminal'\n\nRan 1 test in 0.1s\n\nOK (skipped=1)\n"
        self.assertEqual(suite.count_cases("here", "name", "run", verbose).reasons["no terminal"], 1)

    def test_schedules(self):
        said = "10 schedules from seed 0\n20 schedules from seed 7\nof 30 schedules from seed 1\n"
        self.assertEqual(suite.count_cases("here", "name", "run", said + PASS3).schedules, 30)

    def test_junit(self):
        """The file that ctest writes: a pass, a skip by exit status 77, a program that is not there."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "junit.xml")
            with open(path, "w", encoding="utf-8") as f:
                f.write('<testsuite><testcase name="a" status="run"><system-out>x</system-out></testcase>'
                        '<testcase name="b" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>'
                        '<system-out>skip: why</system-out></testcase>'
                        '<testcase name="c" status="notrun"><skipped message="Unable to find executable"/>'
                        '<system-out></system-out></testcase></testsuite>')
            result = suite.count_junit(path, "here")
        self.assertEqual([result.passed, result.failed, result.skipped], [1, 1, 1])


if __name__ == "__main__":
    unittest.main()
