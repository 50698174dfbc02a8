#!/usr/bin/env python3
"""The cache of deed check: what is kept is given again to the byte, whatever matters makes it check again, damage is no answer;
and functions of headers, which are read once, are told of wherever they mean something else."""
import os
import pty
import subprocess
import time
import unittest

from cases import BAD, GOOD, PROGRAM, WRONG, DeedCase, files_of

HEADER = "static inline int twice(int a) {\n    return a * 2;\n}\n"
USER = '#include "h.h"\nint user(int a) {\n    return twice(a);\n}\n'


class Cache(DeedCase):
    def check(self, *args, unchanged=0, status=0):
        """`deed check --cache=c`: its output, after a look at how many answers came from the cache."""
        out, err = self.deed("check", "--cache=c", *args, status=status)
        if unchanged:
            self.assertIn(f"; {unchanged} unchanged)", err)
        else:
            self.assertNotIn("unchanged", err)
        return out

    def test_again(self):
        """The same findings, to the byte, in every format; each format is an answer of its own."""
        self.write("h.h", HEADER)
        self.write("a.c", USER)
        self.write("b.c", BAD)
        self.write("c.c", BAD.replace("bad", "worse"))
        for how in ("--format=rustc", "--format=gcc", "--format=json", "--format=sarif", "--color=always"):
            first = self.check(how, "a.c", "b.c", "c.c", status=1)
            self.assertEqual(self.check(how, "a.c", "b.c", "c.c", status=1, unchanged=3), first)
            self.assertEqual(self.check(how, "--jobs=1", "b.c", status=1, unchanged=1),
                             self.deed("check", "--cache=none", how, "b.c", status=1)[0])

    def test_order(self):
        """Answers of the cache and new ones are told in the order of the files."""
        for name in "abcde":
            self.write(f"{name}.c", BAD)
        self.check("b.c", "d.c", status=1)
        out = self.check("--format=gcc", ".", status=1)
        self.write("c.c", BAD + "\n")
        self.assertEqual(self.check("--format=gcc", ".", status=1, unchanged=4), out)
        self.assertEqual(files_of(out), [f"./{name}.c" for name in "abcde"])

    def test_what_matters(self):
        self.write("h.h", HEADER)
        self.write("a.c", USER)
        self.write("b.c", GOOD)
        self.check("a.c", "b.c")
        self.check("a.c", "b.c", unchanged=2)
        self.write("a.c", USER + "\n")
        self.check("a.c", "b.c", unchanged=1)
        self.write("h.h", HEADER.replace("a * 2", "a ?: 2"))
        self.check("a.c", "b.c", unchanged=1, status=1)
        self.write("h.h", HEADER)
        self.check("a.c", "b.c", unchanged=1)
        self.check("a.c", "b.c", unchanged=2)
        self.check("a.c", "--", "-DX=1")
        self.check("a.c", "--", "-DX=1", unchanged=1)
        self.check("a.c", "--", "-DX=2")
        self.write("deed.toml", 'include = ["a.c"]\n')
        self.check("a.c", "--", "-DX=2")
        self.check("a.c", "--", "-DX=2", unchanged=1)

    def test_environment(self):
        """Folders that the environment names are searched for headers."""
        self.write("one/h.h", HEADER)
        self.write("two/h.h", HEADER.replace("a * 2", "a ?: 2"))
        self.write("a.c", USER)
        self.environment["CPATH"] = "one"
        self.check("a.c")
        self.check("a.c", unchanged=1)
        self.environment["CPATH"] = "two"
        self.check("a.c", status=1)

    def test_settings(self):
        self.write("b.c", BAD)
        self.check("b.c", status=1)
        self.write("deed.toml", '[[audited]]\npath = "b.c"\nreason = "a test"\n')
        self.check("b.c")
        (self.folder / "deed.toml").unlink()
        self.check("b.c", status=1)

    def test_hidden_header(self):
        """A header that appears where it is found first is seen, in the folder of the file and in one of -I."""
        self.write("one/h.h", HEADER)
        self.write("zero/other.h", "")
        self.write("src/a.c", USER)
        arguments = ("src/a.c", "--", "-Izero", "-I", "one")
        self.check(*arguments)
        self.check(*arguments, unchanged=1)
        for path in ("zero/h.h", "src/h.h"):
            hides = self.write(path, HEADER.replace("a * 2", "a ?: 2"))
            self.assertIn(f"--> {path}:2", self.check(*arguments, status=1))
            hides.unlink()
            self.check(*arguments)
            self.check(*arguments, unchanged=1)

    def test_asks_for_files(self):
        """A file that asks whether others are there is checked each time."""
        self.write("a.c", '#if __has_include("x.h")\n#include "x.h"\n#endif\n' + GOOD)
        self.check("a.c")
        self.check("a.c")
        self.write("x.h", BAD)
        self.check("a.c", status=1)

    def test_refused_by_the_compiler(self):
        """What does not compile is not kept: the file that is missing may come."""
        self.write("a.c", USER)
        self.check("a.c", status=1)
        self.write("h.h", HEADER)
        self.check("a.c")
        self.write("w.c", WRONG)
        self.assertEqual(self.check("w.c", status=1), self.check("w.c", status=1))

    def test_damage(self):
        """An entry that is cut, or changed in any byte, is no answer; the file is checked, and kept again."""
        self.write("b.c", BAD)
        expected = self.check("b.c", status=1)
        entry = next((self.folder / "c").iterdir())
        whole = entry.read_bytes()
        damaged = [whole[:size] for size in (0, 8, 31, 32, len(whole) // 2, len(whole) - 1)]
        damaged += [whole + b"\0", bytes(len(whole)), whole[:24] + b"\xff" * 8 + whole[32:]]
        places = [0, 7, 8, 15, 16, 23, 24, 27, 28, 31, *range(32, len(whole), max(1, len(whole) // 12))]
        damaged += [whole[:i] + bytes([whole[i] ^ 0x41]) + whole[i + 1:] for i in places]
        for text in damaged:
            entry.write_bytes(text)
            self.assertEqual(self.check("b.c", status=1), expected)
        self.assertEqual(self.check("b.c", status=1, unchanged=1), expected)

    def test_other_task(self):
        """An entry of another task under this one's name (as if two names collided) is no answer."""
        self.write("a.c", GOOD)
        self.write("b.c", BAD)
        self.check("a.c")
        good = next((self.folder / "c").iterdir())
        self.check("b.c", status=1)
        bad = next(path for path in (self.folder / "c").iterdir() if path != good)
        bad.write_bytes(good.read_bytes())
        self.check("b.c", status=1)

    def test_folders(self):
        """The default folder, none at all, and folders that cannot be made: an error if named, else a line and no cache."""
        self.write("a.c", GOOD)
        self.deed("check", "a.c")
        self.assertEqual(len(list((self.folder / ".cache/deed").iterdir())), 1)
        self.assertIn("1 unchanged", self.deed("check", "a.c")[1])
        self.assertNotIn("unchanged", self.deed("check", "--cache=none", "a.c")[1])
        self.write("file", "")
        self.assertIn("file: Not a directory", self.deed("check", "--cache=file/c", "a.c", status=2)[1])
        self.environment["XDG_CACHE_HOME"] = str(self.folder / "file")
        self.assertRegex(self.deed("check", "a.c")[1], r"^deed: no cache: .*/file: Not a directory\ndeed: 1 file")
        del self.environment["XDG_CACHE_HOME"]
        self.environment["HOME"] = str(self.folder / "home")
        self.deed("check", "a.c")
        self.assertTrue((self.folder / "home/.cache/deed").is_dir())
        self.environment["HOME"] = ""
        self.assertNotIn("cache", self.deed("check", "a.c")[1])
        self.deed("check", "--cache=" + "x/" * 3000, "a.c", status=2)

    def test_processes_share(self):
        """Several checks at once in one folder give what one gives."""
        for i in range(8):
            self.write(f"f{i}.c", BAD)
        expected = self.deed("check", "--cache=none", "--format=gcc", ".", status=1)[0]
        runs = [subprocess.Popen([PROGRAM, "check", "--cache=c", "--format=gcc", "."], cwd=self.folder, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(4)]
        for run in runs:
            self.assertEqual(run.communicate()[0], expected)
        self.assertEqual(self.check("--format=gcc", ".", status=1, unchanged=8), expected)


class Headers(DeedCase):
    """Each case checks a.c first, where the header's function is clean, and b.c after it in the same process."""

    def differs(self, header, first, second, line):
        self.write("h.h", header)
        self.write("a.c", first)
        self.write("b.c", second)
        self.deed("check", "--cache=none", "a.c")
        out, _ = self.deed("check", "--cache=none", "--jobs=1", "--format=gcc", "a.c", "b.c", "a.c", status=1)
        self.assertRegex(out, rf"^\./h\.h:{line}:")
        self.assertEqual(out, self.deed("check", "--cache=none", "--format=gcc", "b.c", status=1)[0])

    def test_macro(self):
        self.differs("static inline int f(int a) {\n    return OR(a);\n}\n",
                     '#define OR(a) (a)\n#include "h.h"\n', '#define OR(a) ((a) ?: 1)\n#include "h.h"\n', 2)

    def test_macro_condition(self):
        self.differs("#ifdef X\nstatic inline int f(int a) {\n    return a ?: 1;\n}\n#endif\n",
                     '#include "h.h"\n', '#define X\n#include "h.h"\n', 3)

    def test_contract_elsewhere(self):
        """The contract of what it calls stands in the file that includes it."""
        lent, word = ('__attribute__((annotate("fh:%s")))' % name for name in ("mut", "drop"))
        self.differs("struct s;\nvoid take(struct s *p);\nstatic inline void f(struct s *p) {\n    take(p);\n}\n",
                     f'struct s;\nvoid take({lent} struct s *p);\n#include "h.h"\n',
                     f'struct s;\nvoid take({word} struct s *p);\n#include "h.h"\n', 4)

    def test_type_elsewhere(self):
        """What a name stands for is decided by a type that the file defines."""
        self.differs("static inline int f(thing *t) {\n    return t->n[1];\n}\n",
                     "typedef struct { int n[4]; } thing;\n#include \"h.h\"\n",
                     "typedef struct { int *n; } thing;\n#include \"h.h\"\n", 2)

    def test_enumerator(self):
        """A constant index, which is inside in one file and outside in the other."""
        self.differs("static inline int f(void) {\n    int v[4] = {0};\n    return v[AT];\n}\n",
                     "enum { AT = 3 };\n#include \"h.h\"\n", "enum { AT = 4 };\n#include \"h.h\"\n", 3)


class Progress(DeedCase):
    def test_bar(self):
        """On a terminal, a check that takes longer shows how far it is, and leaves nothing behind; elsewhere, never."""
        big = "".join(f"int f{i}(int a) {{\n    int b = a;\n    while (b < {i}) b = b * 2 + a;\n    return b;\n}}\n"
                      for i in range(400))
        for files in (24, 96, 384):  # until it takes longer than a moment, however fast the machine is
            for i in range(files):
                self.write(f"f{i}.c", big)
            start = time.monotonic()
            said = self.said_on_terminal()
            if time.monotonic() - start > 1:
                break
        self.assertRegex(said, rb"\r  \[=* *\] \d+ of %d files\x1b\[K" % files)
        self.assertRegex(said, rb"\r\x1b\[Kdeed: %d files" % files)
        self.assertNotIn(f"of {files} files", self.deed("check", "--cache=none", ".")[1])

    def said_on_terminal(self):
        try:
            ours, theirs = pty.openpty()
        except OSError as error:
            self.skipTest(f"there are no pseudo-terminals here: {error}")
        run = subprocess.Popen([PROGRAM, "check", "--cache=none", "--jobs=1", "."], cwd=self.folder,
                               stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 65536):
                said += chunk
        except OSError:  # the other side is closed
            pass
        os.close(ours)
        self.assertEqual(run.wait(), 0)
        return said


if __name__ == "__main__":
    unittest.main()
