#!/usr/bin/env python3
"""Tests of the build: CMake refuses a layer that breaks the law of ranks, and says which and why; presets; ./x."""
import json
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(example LANGUAGES C)
include("{root}/cmake/layers.cmake")
{calls}
"""
LOW = "fh_layer(NAME low RANK 0 HEADERS low.h SOURCES low.c)\n"
# What is declared, and a part of what CMake says; None: it is accepted.
CASES = [
    (LOW + "fh_layer(NAME high RANK 2 USES low SOURCES low.c)", None),
    (LOW + "fh_layer(NAME peer RANK 0 USES low SOURCES low.c)", "peer (rank 0) may not use low (rank 0)"),
    ("fh_layer(NAME high RANK 2 SOURCES low.c)\nfh_layer(NAME low RANK 0 USES high SOURCES low.c)",
     "low (rank 0) may not use high (rank 2)"),
    ("fh_layer(NAME low RANK 1 USES ghost SOURCES low.c)", "uses 'ghost', which is no layer declared before it"),
    (LOW + "fh_layer(NAME high RANK 2 HEADERS low.h SOURCES low.c)", "header low.h belongs to both low and high"),
    ("fh_layer(NAME low RANK 0 HEADERS gone.h SOURCES low.c)", "low owns gone.h, which is not in include/freehold"),
    ("fh_layer(NAME low RANK 0 SOURCE low.c)", "fh_layer needs NAME, RANK and SOURCES"),
]


class LayersTest(unittest.TestCase):
    def configure(self, calls):
        with tempfile.TemporaryDirectory() as folder:
            files = {"CMakeLists.txt": PROJECT.format(root=ROOT, calls=calls), "low.c": "int low;\n",
                     "include/freehold/low.h": "extern int low;\n"}
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
                with open(os.path.join(folder, path), "w", encoding="utf-8") as f:
                    f.write(text)
            done = subprocess.run(["cmake", "-G", "Ninja", "-S", folder, "-B", os.path.join(folder, "build")],
                                  capture_output=True, text=True)
        return done.returncode == 0, " ".join((done.stdout + done.stderr).split())

    def test_layers(self):
        for calls, message in CASES:
            with self.subTest(calls=calls):
                ok, output = self.configure(calls)
                self.assertEqual(ok, message is None, output)
                self.assertIn(message or "", output)


class FrontDoorTest(unittest.TestCase):
    def test_help_and_refusal(self):
        door = os.path.join(ROOT, "x")
        alone = subprocess.run([door], capture_output=True, text=True, cwd="/")
        self.assertEqual(alone.returncode, 0)
        with open(door, encoding="utf-8") as f:
            script = f.read()
        self.assertLessEqual(script.count("\n"), 80)
        for verb in ("demo", "test", "build", "install", "bench", "tidy", "deed", "asan", "tsan", "msan", "weave",
                     "mutants", "analyzers", "proofs", "valgrind", "fuzz", "bits"):
            self.assertIn(f"./x {verb} ", alone.stdout)
        wrong = subprocess.run([door, "frobnicate"], capture_output=True, text=True)
        self.assertEqual((wrong.returncode, wrong.stderr), (2, "x: no verb 'frobnicate'; ./x prints them\n"))

    def test_presets_of_one_folder(self):
        """A preset leaves its variables in the folder's cache, so presets that share a folder all have to set them."""
        with open(os.path.join(ROOT, "CMakePresets.json"), encoding="utf-8") as f:
            presets = {preset["name"]: preset for preset in json.load(f)["configurePresets"]}

        def resolved(name, key):
            own, above = presets[name].get(key), presets[name].get("inherits")
            inherited = resolved(above, key) if above else None
            return {**(inherited or {}), **(own or {})} if key == "cacheVariables" else own or inherited

        folders = {}
        for name in (name for name, preset in presets.items() if not preset.get("hidden")):
            folder = resolved(name, "binaryDir").replace("${presetName}", name)
            folders.setdefault(folder, {})[name] = set(resolved(name, "cacheVariables"))
        self.assertIn({"release", "demo"}, [set(users) for users in folders.values()])
        for folder, users in folders.items():
            for name, variables in users.items():
                self.assertEqual(variables, set.union(*users.values()), f"{name} in {folder}")


if __name__ == "__main__":
    unittest.main()
