#!/usr/bin/env python3
"""Tests of what was built: what the objects of the pure layers hold and call, and that an installed Freehold can be used.

    test_library.py BUILD COMPILER OBJECTS      OBJECTS: a file that lists the objects of the pure layers, one a line"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

BUILD, COMPILER, OBJECTS = sys.argv[1:4]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What a compiler calls on its own account (its checks of indices end in src/base/status.c), or answers about the processor; all
# else that a pure layer calls is Freehold's.
OF_THE_COMPILER = {"memcpy", "memmove", "memset", "memcmp", "__memcpy_chk", "__memmove_chk", "__memset_chk", "__stack_chk_fail",
                   "__ubsan_handle_out_of_bounds_abort", "_GLOBAL_OFFSET_TABLE_", "__cpu_model", "__cpu_features2",
                   "__cpu_indicator_init", "__popcountdi2"}
STORY, MODEL = os.path.join(ROOT, "examples", "c", "story.c"), os.path.join(ROOT, "models", "demo.gguf")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


class PureTest(unittest.TestCase):
    """text, tensor, proto, llm and index: no system call, no libc function, no variable."""

    def setUp(self):
        with open(OBJECTS, encoding="utf-8") as f:
            self.objects = [line.strip() for line in f if line.strip()]
        self.assertTrue(self.objects)

    def symbols(self, path):
        """(section, name, size) of each symbol."""
        for line in run("objdump", "-t", path).split("\n"):
            match = re.match(r"[0-9a-f]{8,} .{7} (\S+)\t([0-9a-f]+) +(?:\.hidden )?(\S+)$", line)
            if match:
                yield match.group(1), match.group(3), int(match.group(2), 16)

    def test_calls(self):
        """The libraries are PCRE2, behind src/text/kern/pcre.c, and libsodium, behind src/proto/box.c."""
        calls = {(os.path.basename(path), name) for path in self.objects for section, name, _ in self.symbols(path)
                 if section == "*UND*" and not name.startswith("fh_") and name not in OF_THE_COMPILER}
        calls = {(path, name) for path, name in calls if not (path == "pcre.c.o" and name.startswith("pcre2_"))}
        calls = {(path, name) for path, name in calls if not (path == "box.c.o" and re.match("crypto_|sodium_memzero$", name))}
        self.assertEqual(calls, set())

    def test_no_variables(self):
        symbols = [(os.path.basename(path), *symbol) for path in self.objects for symbol in self.symbols(path)]
        self.assertTrue(symbols)
        variables = {(path, name) for path, section, name, size in symbols
                     if size and re.match(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)|\*COM\*", section)}
        self.assertEqual(variables, set())


class HardeningTest(unittest.TestCase):
    """What cmake/flags.cmake asks of the compiler and the linker against exploits has reached the program."""

    def test_program(self):
        program = os.path.join(BUILD, "freehold")
        self.assertRegex(run("readelf", "-hW", program), r"Type: +DYN")  # position independent
        self.assertRegex(run("readelf", "-dW", program), r"BIND_NOW")
        segments = run("readelf", "-lW", program)
        self.assertRegex(segments, r"GNU_RELRO")
        self.assertRegex(segments, r"GNU_STACK .* RW +0x")  # not executable
        self.assertNotRegex(segments, r"LOAD .* RWE ")
        symbols = run("readelf", "-sW", program)
        self.assertRegex(symbols, r"__stack_chk_fail")
        with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as f:
            if "CMAKE_BUILD_TYPE:STRING=Release\n" in f.read():
                self.assertRegex(symbols, r"__(vsn|sn|vfn?|f)printf_chk")

    def test_variables_start_at_zero(self):
        """Every file but the kernels; those say so themselves."""
        with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as f:
            commands = {e["file"]: e["command"].split() for e in json.load(f) if e["file"].endswith(".c")}
        last = {file: [a for a in c if a.startswith("-ftrivial-auto-var-init=")][-1:] for file, c in commands.items()}
        kernels = {file for file, flag in last.items() if flag != ["-ftrivial-auto-var-init=zero"]}
        self.assertTrue(commands)
        self.assertEqual({file for file in kernels if "/src/tensor/kern/" not in file}, set())

    def test_arrays_are_checked(self):
        """Outside the rooms that deed.toml lists as folders, the compiler checks each index into an array."""
        with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as f:
            commands = {e["file"]: e["command"] for e in json.load(f) if re.search(r" -o src/\S+\.c\.o ", e["command"])}
        unchecked = {file for file, command in commands.items()
                     if not re.search(r"-fsanitize=(bounds-strict|array-bounds) -fno-sanitize-recover=\1 -DFH_BOUNDS", command)}
        self.assertTrue(commands)
        self.assertEqual({file for file in unchecked if not re.search("/src/(mem|os|tensor/kern|text/kern)/", file)}, set())


class InstallTest(unittest.TestCase):
    def test_use(self):
        """The example builds outside the tree with what pkg-config says, against either library, and tells the same story."""
        with tempfile.TemporaryDirectory() as folder:
            run("cmake", "--install", BUILD, "--prefix", folder)
            library = next(os.path.join(folder, d) for d, _, names in os.walk(folder) if "freehold.pc" in names)
            program = os.path.join(folder, "story")
            flags = run("pkg-config", "--cflags", "--libs", "freehold", env={**os.environ, "PKG_CONFIG_PATH": library}).split()
            folder_of_libraries = os.path.dirname(library)
            run(COMPILER, "-std=c11", "-Wall", "-Wextra", "-Werror", STORY, "-o", program, *flags)
            told = run(program, MODEL, env={**os.environ, "LD_LIBRARY_PATH": folder_of_libraries})
            self.assertRegex(told, r"^Once upon a time[^\0]{300}")
            include = [flag for flag in flags if flag.startswith("-I")]
            archive = os.path.join(folder_of_libraries, "libfreehold.a")
            run(COMPILER, "-std=c11", STORY, "-o", program, *include, archive, "-lpcre2-8", "-pthread")
            self.assertEqual(run(program, MODEL), told)
            self.assertRegex(run(os.path.join(folder, "bin", "freehold"), "--version"), r"^freehold \d+\.\d+\.\d+")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
