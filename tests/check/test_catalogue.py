#!/usr/bin/env python3
"""What deed says in words: its explanations, the tables of docs/DEED.md, and the helps in the expected outputs of tests/ui."""
import json
import pathlib
import re
import unittest

from cases import DeedCase

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
UI = ROOT / "tests" / "ui"
DOCUMENT = (ROOT / "docs" / "DEED.md").read_text()
RUST = ["E0382", "E0499", "E0502", "E0505", "E0506", "E0507", "E0515", "E0597", "E0716", "E0373", "E0277"]


def section(title):
    """The text of DOCUMENT below this heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", DOCUMENT, re.M | re.S)
    assert found, f"docs/DEED.md has no section {title}"
    return found.group(1)


def rows(title):
    """The cells of its table, without the head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def unindented(block):
    return "".join(line[4:] + "\n" for line in block.strip("\n").split("\n"))


class Explanations(DeedCase):
    def codes(self):
        return dict(line.split("  ", 1) for line in self.deed("explain")[0].splitlines())

    def found(self, path):
        """The codes that the program gives."""
        self.write("deed.toml", '[[audited]]\npath = "room/"\nreason = "FH0509 is about rooms"\n')
        # either status: what is found decides
        done = self.run_deed("check", "--cache", "none", "--format=json", path)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return {json.loads(line)["code"] for line in done.stdout.splitlines()}

    def test_examples(self):
        """The refused program gives its code and no other, the accepted one gives nothing."""
        for code in self.codes():
            text = self.deed("explain", code)[0]
            parts = re.fullmatch(rf"{code}: .*?\n\n(.+?)\nRefused:\n\n(.+?)\nAccepted:\n\n(.+?)\nIdiom: (.+)", text, re.S)
            self.assertTrue(parts, f"{code}: it lacks a part, or they come in another order")
            folder = "room" if code == "FH0509" else "src"
            for number, expected in ((2, {code}), (3, set())):
                source = f'#include "{UI}/ui.h"\n\n' + unindented(parts.group(number))
                path = f"{folder}/{code}_{number}.c"
                self.write(path, source)
                self.assertEqual(self.found(path), expected, f"{code}:\n{source}")

    def test_every_code_in_the_document(self):
        self.assertEqual([[code, title] for code, title in self.codes().items()], rows("Codes"))


class Rust(unittest.TestCase):
    def test_rows(self):
        """Each of Rust's errors has a row, and each row a pair in tests/ui that gives its code and its message."""
        table = rows("Rust's errors in C")
        self.assertLessEqual(set(RUST), {row[0] for row in table})
        for rust, what, code, message, case in table:
            with self.subTest(f"{rust} {case}"):
                name = case.strip("`")
                self.assertTrue(what)
                self.assertEqual(name.split("/")[0], code)
                for suffix in (".c", ".fixed.c", ".stderr"):
                    self.assertTrue((UI / (name + suffix)).is_file(), name + suffix)
                first = (UI / (name + ".stderr")).read_text().splitlines()[0]
                self.assertEqual(first.replace("`", ""), f"error[{code}]: {message}".replace("`", ""))


class Expected(unittest.TestCase):
    def test_one_help_each(self):
        """Each finding says in one line what to write instead."""
        count = 0
        for path in sorted(UI.glob("*/*.stderr")):
            for finding in re.findall(r"^error\[.*?(?=^error\[|\Z)", path.read_text(), re.M | re.S):
                count += 1
                self.assertEqual(len(re.findall(r"^ *= help: \S", finding, re.M)), 1, f"{path}:\n{finding}")
        self.assertGreater(count, 200)

    def test_pairs(self):
        """Each code has five pairs, and all together 200."""
        pairs = {}
        for path in UI.glob("FH*/*.fixed.c"):
            pairs[path.parent.name] = pairs.get(path.parent.name, 0) + 1
        for code, _ in rows("Codes"):
            self.assertGreaterEqual(pairs.get(code, 0), 5, code)
        self.assertGreaterEqual(sum(pairs.values()), 200)

    def test_known_misses(self):
        """What is known to be missed, or wrongly refused, is listed in the document, and nothing else is."""
        known = sorted(f"{path.parent.name}/{path.stem}" for path in UI.glob("known-*/*.c"))
        self.assertEqual(sorted(row[0].strip("`") for row in rows("Known misses")), known)


if __name__ == "__main__":
    unittest.main()
