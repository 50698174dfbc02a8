#!/usr/bin/env python3
"""Tests of tests/analyzers/analyze.py: who owns is read from the headers, and known errors need a reason. That each tool finds
what it is there for is shown by the planted bugs, at every run."""
import importlib.util
import os
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
spec = importlib.util.spec_from_file_location("analyze", os.path.join(ROOT, "tests", "analyzers", "analyze.py"))
analyze = importlib.util.module_from_spec(spec)
spec.loader.exec_module(analyze)


class AnalyzersTest(unittest.TestCase):
    def test_owners(self):
        headers, makers, enders = analyze.owners()
        self.assertIn("include/freehold/alloc.h", headers)
        self.assertEqual((makers["fh_alloc"], makers["fh_trace_new"]), ("void", "fh_trace"))
        self.assertEqual((enders["fh_free"], enders["fh_trace_free"]), (("void", 2), ("fh_trace", 1)))
        self.assertNotIn("fh_pages_release", enders)  # it ends what fh_pages_reserve began
        self.assertLessEqual({kind for kind, _ in enders.values()}, set(makers.values()))

    def test_words_of_the_tools(self):
        with tempfile.TemporaryDirectory() as folder:
            analyze.write_owners(folder)
            with open(os.path.join(folder, "owners.h"), encoding="utf-8") as f:
                header = f.read()
            with open(os.path.join(folder, "owners.cfg"), encoding="utf-8") as f:
                library = f.read()
        self.assertIn("__typeof__(fh_alloc) fh_alloc __attribute__((malloc, malloc(fh_free, 2)));", header)
        self.assertIn("__typeof__(fh_free) fh_free __attribute__((ownership_takes(malloc, 2)));", header)
        self.assertIn('<dealloc arg="2">fh_free</dealloc>', library)

    def test_known(self):
        """Every entry has a tool, a file of the tree and a reason."""
        for tool, file, _ in analyze.known():
            self.assertIn(tool, ("gcc", "clang", "cppcheck"))
            self.assertTrue(os.path.exists(os.path.join(ROOT, file)), file)


if __name__ == "__main__":
    unittest.main()
