#!/usr/bin/env python3
"""docs/deed-tutorial.md is true: its files are written, its changes applied, its commands run by an installed deed, and what
they print is what the page says. The outcome is examples/deed-elsewhere, which is checked, built and run as a project of its
own.

    DEED_BUILD=build/release tests/check/test_tutorial.py [--bless]       --bless writes the outputs into the page"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "deed-tutorial.md"
EXAMPLE = ROOT / "examples" / "deed-elsewhere"


def install(prefix):
    """deed and its header, as `cmake --install` puts them."""
    subprocess.run(["cmake", "--install", os.environ["DEED_BUILD"], "--component", "deed", "--prefix", str(prefix)], check=True,
                   capture_output=True)


def steady(text):
    """Output without what differs from run to run."""
    return re.sub(r"\(\d+\.\d s", "(0.0 s", text)


class Reader:
    """Somebody who does what the page says, in a folder of their own."""

    def __init__(self, folder, prefix):
        self.folder = folder
        self.environment = {"PATH": f"{prefix}/bin:{os.environ['PATH']}", "CPATH": f"{prefix}/include", "LC_ALL": "C"}

    def run(self, command):
        done = subprocess.run(command, shell=True, cwd=self.folder, env=self.environment, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        return steady(done.stdout)

    def follow(self, kind, name, body):
        """Does what one block says; the block as it should be."""
        if kind == "diff":
            done = subprocess.run(["git", "apply", "-p0", "-"], cwd=self.folder, input=body, text=True, capture_output=True,
                                  check=False)
            assert done.returncode == 0, done.stderr
        elif kind == "console":
            commands = [line for line in body.splitlines() if line.startswith("$ ")]
            return "".join(f"{line}\n{self.run(line[2:])}" for line in commands)
        else:
            (self.folder / name).write_text(body)
        return body


class Tutorial(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.prefix = pathlib.Path(cls.scratch.name) / "prefix"
        install(cls.prefix)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_installed(self):
        """One program and one header, which needs no other."""
        names = sorted(str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*") if path.is_file())
        self.assertEqual(names, ["bin/deed", "include/freehold/deed.h"])
        self.assertNotIn("#include", (self.prefix / "include/freehold/deed.h").read_text())
        done = subprocess.run([self.prefix / "bin/deed", "--help"], capture_output=True, text=True, check=True)
        self.assertIn("deed", done.stdout)

    def test_page(self):
        text = PAGE.read_text()
        folder = pathlib.Path(self.scratch.name) / "reader"
        folder.mkdir()
        reader = Reader(folder, self.prefix)
        block = re.compile(r"^```(console|toml|diff|c) ?(\S*)\n(.*?)^```$", re.M | re.S)
        made = block.sub(lambda m: f"```{m[1]}{' ' + m[2] if m[2] else ''}\n{reader.follow(m[1], m[2], m[3])}```", text)
        if BLESS:
            PAGE.write_text(made)
            return
        self.maxDiff = None
        self.assertEqual(made, text)
        for name in ("letters.c", "show.c", "show.h", "deed.toml"):
            self.assertEqual((folder / name).read_text(), (EXAMPLE / name).read_text(), name)
        mentioned = re.findall(r"FH\d{4}", text)
        self.assertTrue({"FH0101", "FH0206", "FH0301", "FH0307"} <= set(mentioned))

    def test_example(self):
        """The example as a stranger's project: built by its own CMake, checked through its compilation database."""
        folder = pathlib.Path(self.scratch.name) / "example"
        shutil.copytree(EXAMPLE, folder)
        build = folder / "build"
        subprocess.run(["cmake", "-G", "Ninja", "-S", str(folder), "-B", str(build), f"-DCMAKE_PREFIX_PATH={self.prefix}"],
                       check=True, capture_output=True)
        done = subprocess.run(["cmake", "--build", str(build)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        said = subprocess.run([build / "letters"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(said, "putting into the box: see you on Sunday\ntaken out: see you on Sunday\n")
        done = subprocess.run(["cmake", "--build", str(build), "--target", "deed"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("deed: 2 files, 7 functions, 0 findings", done.stdout)
        done = subprocess.run([self.prefix / "bin/deed", "check", "--cache=none", "--compdb", "build/compile_commands.json",
                               "--format=json", "letters_bad.c"], cwd=folder, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        found = [(finding["code"], finding["line"]) for finding in map(json.loads, done.stdout.splitlines())]
        lines = (folder / "letters_bad.c").read_text().splitlines()
        marked = [(code, number) for number, line in enumerate(lines, 1) for code in re.findall(r"//~ (.*)", line)[:1]]
        expected = [(code, number) for codes, number in marked for code in codes.split()]
        self.assertEqual(sorted(found), sorted(expected))
        self.assertGreater(len(expected), 3)


if __name__ == "__main__":
    BLESS = "--bless" in sys.argv
    if BLESS:
        sys.argv.remove("--bless")
    unittest.main()
