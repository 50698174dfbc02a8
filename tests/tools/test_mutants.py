#!/usr/bin/env python3
"""Tests of tests/mutants/run.py: how it reads its list and changes a text, and that the list fits the code."""
import importlib.util
import os
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
spec = importlib.util.spec_from_file_location("run", os.path.join(ROOT, "tests", "mutants", "run.py"))
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)

LIST = """# a comment
[src/a.c]
a check: with a colon: test_a weave_a
- if (x)
- return 1;
+ (void)x;

another: test_b
in second
- x &&
"""
CODE = """static int first(int x) {
    if (x)
        return 1;
    return x && 2;
}

int second(int x,
           int y) {
    return x && y;
}
"""


class MutantsTest(unittest.TestCase):
    def test_list(self):
        a, b = run.parse(LIST)
        self.assertEqual(a, run.Mutant("src/a.c", "a check: with a colon", ["test_a", "weave_a"], None,
                                       ["if (x)", "return 1;"], ["(void)x;"]))
        self.assertEqual(b, run.Mutant("src/a.c", "another", ["test_b"], "second", ["x &&"], []))
        for bad in ["name: test\n- x\n", "[f]\nname: test\n", "[f]\nname\n- x\n", "[f]\nname: test\n- x\nstray\n"]:
            with self.subTest(bad=bad), self.assertRaises(run.Broken):
                run.parse(bad)

    def test_mutate(self):
        a, b = run.parse(LIST)
        self.assertEqual(run.mutate(CODE, a), CODE.replace("if (x)\n        return 1;", "(void)x;"))
        self.assertEqual(run.mutate(CODE, b), CODE.replace("x && y", " y"))

    def test_stale_or_not_unique(self):
        _, b = run.parse(LIST)
        for changed in [b._replace(function=None), b._replace(function="third"), b._replace(old=["z &&"])]:
            with self.subTest(changed=changed), self.assertRaises(run.Broken):
                run.mutate(CODE, changed)

    def test_the_list(self):
        """Every entry names a file of the tree, and has another name in it than the others."""
        with open(run.LIST, encoding="utf-8") as f:
            mutants = run.parse(f.read())
        self.assertGreaterEqual(len(mutants), 60)
        self.assertEqual(len({(m.file, m.name) for m in mutants}), len(mutants))
        for mutant in mutants:
            with self.subTest(mutant=mutant.name), open(os.path.join(ROOT, mutant.file), encoding="utf-8") as f:
                run.mutate(f.read(), mutant)


if __name__ == "__main__":
    unittest.main()
