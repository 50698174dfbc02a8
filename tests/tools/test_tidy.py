#!/usr/bin/env python3
"""Tests of tools/tidy: a small good tree passes; each bad tree differs from it in one place and gives exactly the findings
named. Every rule has at least one bad tree, and taking the rule away must make that tree pass: test_rules_are_needed."""
import importlib.machinery
import importlib.util
import os
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
loader = importlib.machinery.SourceFileLoader("tidy", os.path.join(ROOT, "tools", "tidy"))
tidy = importlib.util.module_from_spec(importlib.util.spec_from_loader("tidy", loader))
loader.exec_module(tidy)


def essay(name):
    return f"/* {name}: an example that says what it is, in enough words. Threading: none. */\n"


def header(name, body):
    guard = "FREEHOLD_" + name.upper().replace(".", "_")
    return essay(name) + f"#ifndef {guard}\n#define {guard}\n{body}#endif\n"


LOW = 'fh_layer(NAME low RANK 0 HEADERS low.h SOURCES low.c) # fh_layer(NAME ghost RANK 0 SOURCES ghost.c)\n'
GOOD = {
    "src/low/CMakeLists.txt": LOW,
    "src/low/low.c": essay("low.c") + '#include "freehold/low.h"\n\nint fh_low(int x) {\n    return x + 1;\n}\n',
    "src/peer/CMakeLists.txt": "fh_layer(NAME peer RANK 0 HEADERS peer.h SOURCES peer.c)\n",
    "src/peer/peer.c": essay("peer.c") + "static int peer;\n",
    "src/high/CMakeLists.txt": "fh_layer(NAME high RANK 3 USES low HEADERS high.h SOURCES high.c part.h)\n",
    "src/high/part.h": header("part.h", "int part(void);\n"),
    "src/high/high.c": essay("high.c") + '#include "freehold/high.h"\n#include "freehold/low.h"\n#include "high/part.h"\n',
    "include/freehold/low.h": header("low.h", "#define FH_API\n/* Adds one. */\nFH_API int fh_low(int x);\n"),
    "include/freehold/peer.h": header("peer.h", "/* A number. */\ntypedef int fh_peer;\n"),
    "include/freehold/high.h": header("high.h", '#include "freehold/low.h"\n'),
    "tests/low/CMakeLists.txt": "fh_test(NAME test_low LAYER low SOURCES test_low.c)\n",
    "tests/low/test_low.c": essay("test_low.c") + "int main(void) {\n    return 0;\n}\n",
    "README.md": "# An example\n",
    "deed.toml": "".join(f'[[audited]]\npath = "{room}"\nreason = "why"\n'
                         for room in ("src/os/", "src/mem/", "src/tensor/kern/")),
}
WIDE = "int wide = 0; /* " + "-" * 120 + " */\n"
LONG_BODY = "".join(f"    x += {n};\n" for n in range(70))


def add(path, text):
    return {path: GOOD[path] + text}


def fill(path, lines):
    return add(path, "\n" * (lines - GOOD[path].count("\n")))


def room(layer, name, text):
    """A file of an audited room."""
    return {f"src/{layer}/CMakeLists.txt": f"fh_layer(NAME {layer} RANK 1 SOURCES {name})\n",
            f"src/{layer}/{name}": essay(name) + text}


# Rule, message (a part of it), what differs from the good tree. A list of rules means several findings.
BAD = [
    ("layer", "low (rank 0) includes high (rank 3)", add("src/low/low.c", '#include "freehold/high.h"\n')),
    ("layer", "low (rank 0) includes high (rank 3)", add("src/low/low.c", '#include "high/part.h"\n')),
    ("layer", "low (rank 0) includes peer (rank 0)", add("src/low/low.c", '#include "freehold/peer.h"\n')),
    ("layer", "low (rank 0) includes peer (rank 0)", {"include/freehold/low.h": GOOD["include/freehold/low.h"].replace(
        "/* Adds", '#include "freehold/peer.h"\n/* Adds')}),
    ("layer", "high does not name peer in its USES", add("src/high/high.c", '#include "freehold/peer.h"\n')),
    ("layer", "part.h is no header of a layer", add("src/high/high.c", '#include "part.h"\n')),
    ("layer", "nowhere.h is no header of a layer", add("src/high/high.c", '#include "freehold/nowhere.h"\n')),
    ("layer", "belongs to no layer",
     {"src/lost/lost.c": essay("lost.c"), "src/CMakeLists.txt": "add_library(lost lost.c)\n"}),
    ("layer", "belongs to no layer", {"include/freehold/lost.h": header("lost.h", "")}),
    ("size", "1001 lines", fill("src/low/low.c", 1001)),
    ("size", "501 lines", fill("src/high/part.h", 501)),
    ("size", "long_one has 72 lines", add("src/low/low.c", "static int long_one(int x) {\n" + LONG_BODY + "}\n")),
    ("size", "split has 73 lines", add("src/low/low.c", "static int split(int x,\n          int y) {\n" + LONG_BODY + "}\n")),
    ("size", "columns", add("src/low/low.c", WIDE)),
    ("banned", "malloc (heap)", add("src/low/low.c", "int *p = malloc(4);\n")),
    ("banned", "free (heap)", add("src/low/low.c", "void f(int *p) {\n    free (p);\n}\n")),
    ("banned", "memcpy (bytes)", add("src/low/low.c", "void f(int *p) {\n    memcpy(p, p, 4);\n}\n")),
    ("banned", "__builtin_memcpy (bytes)", add("src/low/low.c", "void f(int *p) {\n    __builtin_memcpy(p, p, 4);\n}\n")),
    ("banned", "strlen (bytes)", add("src/low/low.c", "int n = strlen(\"x\");\n")),
    ("banned", "snprintf (format)", add("src/low/low.c", "int n = snprintf(0, 0, \"x\");\n")),
    ("banned", "abort (control)", add("src/low/low.c", "void f(void) {\n    abort();\n}\n")),
    ("banned", "assert (control)", add("src/low/low.c", "void f(int x) {\n    assert(x);\n}\n")),
    ("banned", "pthread_create (system)", add("src/low/low.c", "int n = pthread_create(0);\n")),
    ("banned", "getenv (system)", add("src/low/low.c", "int n = getenv(0);\n")),
    ("banned", "clock_gettime (system)", add("src/low/low.c", "int n = clock_gettime(0);\n")),
    ("banned", "setjmp (never)", add("src/low/low.c", "int n = setjmp(0);\n")),
    ("banned", "expf (never)", add("src/low/low.c", "float x = expf(1);\n")),
    ("banned", "<stdlib.h> outside", add("src/low/low.c", "#include <stdlib.h>\n")),
    ("banned", "cast (uint8_t *)", add("src/low/low.c", "void *q = (uint8_t *)x;\n")),
    ("banned", "cast (const struct thing *)", add("src/low/low.c", "void *q = (const struct thing *)x;\n")),
    ("banned", "<math.h> outside",
     {"src/os/CMakeLists.txt": "fh_layer(NAME os RANK 1 SOURCES room.c)\n",
      "src/os/room.c": essay("room.c") + "#include <math.h>\n"}),
    ("banned", "malloc (heap)",
     {"src/tensor/CMakeLists.txt": "fh_layer(NAME tensor RANK 3 SOURCES kern/room.c)\n",
      "src/tensor/kern/room.c": essay("room.c") + "int *p = malloc(4);\n"}),
    ("allocator", "aligned_alloc: memory comes from", room("os", "team.c", "int *p = aligned_alloc(64, 64);\n")),
    ("allocator", "free: memory comes", room("os", "writer.c", "void f(char *p) {\n    free(p);\n}\n")),
    ("allocator", "strdup: memory comes", room("os", "writer.c", "char *p = strdup(\"x\");\n")),
    ("allocator", "mmap: memory comes", room("mem", "slab.c", "char *p = mmap(0, 4096, 3, 34, -1, 0);\n")),
    ("allocator", "calloc: memory comes", room("mem", "heap.c", "char *p = calloc(4, 1);\n")),
    ("allocator", "malloc: memory comes", room("mem", "slab.c", "char *p = __builtin_malloc(4);\n")),
    ("unsafe", "outside the audited rooms",
     {**add("src/low/low.c", 'void f(void) {\n    FH_UNSAFE("low-x");\n}\n'), "docs/UNSAFE.md": "`low-x`\n"}),
    ("unsafe", "does not list `room-x`",
     {"src/os/CMakeLists.txt": "fh_layer(NAME os RANK 1 SOURCES room.c)\n", "docs/UNSAFE.md": "`room-y`\n",
      "src/os/room.c": essay("room.c") + 'void f(void) {\n    FH_UNSAFE("room-x");\n}\n'}),
    ("essay", "does not open with", {"src/peer/peer.c": "static int peer;\n"}),
    ("essay", "does not open with", {"src/peer/peer.c": "/* peer.c: short. */\nstatic int peer;\n"}),
    ("essay", "does not open with", {"src/peer/peer.c": GOOD["src/peer/peer.c"].replace("peer.c", "pear.c")}),
    ("doc", "FH_API int fh_two", {"include/freehold/low.h": GOOD["include/freehold/low.h"].replace(
        "#endif", "\nFH_API int fh_two(void);\n#endif")}),
    ("doc", "typedef struct fh_thing {", {"include/freehold/peer.h": header(
        "peer.h", "/* A number. */\n\ntypedef struct fh_thing {\n    int x; /* x */\n} fh_thing;\n")}),
    ("doc", "static inline int f(void) {", {"include/freehold/peer.h": header(
        "peer.h", "\nstatic inline int f(void) {\n    return 1;\n}\n")}),
    ("text", "space at the end", add("README.md", "text \n")),
    ("text", "tab or control character", add("src/low/low.c", "\tint x;\n")),
    ("text", "tab or control character", add("README.md", "bell \a bell\n")),
    ("text", "tab or control character", add("README.md", "windows\r\n")),
    ("text", "no newline at the end", add("README.md", "end")),
    ("text", "not UTF-8", {"README.md": b"\xff\n"}),
    ("words", "in published text", add("README.md", "a TO" + "DO\n")),
    ("words", "in published text", add("README.md", "see /wo" + "rk/main\n")),
    ("unique", "same name as", {"docs/a/page.md": "x\n", "docs/b/page.md": "x\n"}),
    ("mirror", "there is no other.c in src/low", {
        "tests/low/test_other.c": essay("test_other.c"), "tests/CMakeLists.txt": "fh_test(SOURCES test_other.c)\n"}),
    ("listed", "no CMakeLists.txt names it", {"src/low/extra.c": essay("extra.c")}),
    ("ratchet", "1 left, lower the count from 2",
     {**add("src/low/low.c", WIDE), "tools/tidy-ratchet.txt": "src/low/low.c size 2\n"}),
]
# Trees that differ from the good one and are as good.
ALSO_GOOD = [
    add("src/low/low.c", "/* malloc(4) in a comment */ const char *s = \"free(x) memcpy(y)\";\n"),
    add("src/low/low.c", "void f(struct a *a) {\n    a->free(a);\n    a->alloc(a, 1);\n}\n"),
    add("src/low/low.c", "#include <stdint.h>\n/* #include <stdlib.h> */\n"),
    add("src/low/low.c", "float r = __builtin_sqrtf(2);\n"),
    add("src/low/low.c", "static const int table[] = {\n" + "    1,\n" * 100 + "};\n"),
    add("src/low/low.c", "static int ok(int x) {\n" + LONG_BODY[:-len("    x += 69;\n    x += 68;\n")] + "}\n"),
    add("src/low/low.c", "/* tidy: exempt size: a generated table */\n" + WIDE),
    {**add("src/low/low.c", WIDE), "tools/tidy-ratchet.txt": "# known\nsrc/low/low.c size 1\n"},
    {"tests/low/test_other.c": essay("test_other.c") + "/* tidy: exempt mirror: tests several files */\n",
     "tests/CMakeLists.txt": "fh_test(SOURCES test_other.c)\n"},
    {"include/freehold/peer.h": header("peer.h", "/* Two. */\nstatic inline int f(void) {\n    return 1;\n}\n"
                                       "static inline int g(void) {\n    return 2;\n}\n")},
    room("mem", "heap.c", "#include <stdlib.h>\nint *p = (int *)aligned_alloc(64, 64);\nvoid f(void) {\n    free(p);\n}\n"),
    room("mem", "slab.c", "void f(struct a *a) {\n    a->free(a);\n    fh_free(a);\n}\n"),
    {"build/junk.c": "\tint x;\n"},
    {"tests/ui/FH0101/x.c": essay("x.c")},
    {"tests/low/CMakeLists.txt": "foreach(name IN ITEMS low)\n    fh_test(SOURCES test_${name}.c)\nendforeach()\n"},
    {"src/os/CMakeLists.txt": "fh_layer(NAME os RANK 1 SOURCES room.c)\n", "docs/UNSAFE.md": "| `room-x` | why |\n",
     "src/os/room.c": essay("room.c") + 'void f(void) {\n    FH_UNSAFE("room-x");\n}\n'},
]


class TidyTest(unittest.TestCase):
    def findings(self, changes, rules=None):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**GOOD, **changes}.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "wb") as f:
                    f.write(text if isinstance(text, bytes) else text.encode())
            return tidy.check(root, rules)[1]

    def test_good_trees(self):
        for changes in [{}] + ALSO_GOOD:
            with self.subTest(changes=changes):
                self.assertEqual(self.findings(changes), [])

    def test_bad_trees(self):
        for rule, message, changes in BAD:
            with self.subTest(rule=rule, message=message):
                findings = self.findings(changes)
                self.assertEqual({f.rule for f in findings}, {rule}, findings)
                self.assertTrue(any(message in f.message for f in findings), findings)
                self.assertTrue(all(f.line >= 1 for f in findings))

    def test_rules_are_needed(self):
        """Each rule's bad trees pass when that rule is taken away, and every rule has one."""
        for rule in tidy.RULES:
            name = rule.__name__[len("rule_"):]
            cases = [changes for case, _, changes in BAD if case == name]
            self.assertTrue(cases, f"no bad tree for {name}")
            for changes in cases:
                rest = [r for r in tidy.RULES if r is not rule]
                self.assertEqual(self.findings(changes, rest), [])

    def test_every_banned_family_has_a_case(self):
        messages = " ".join(message for rule, message, _ in BAD if rule == "banned")
        for family in tidy.BANNED:
            self.assertIn(f"({family})", messages)

    def test_lines_of_findings(self):
        finding = self.findings(add("src/low/low.c", "void f(void) {\n    abort();\n}\n"))[0]
        self.assertEqual((finding.path, finding.line), ("src/low/low.c", GOOD["src/low/low.c"].count("\n") + 2))

    def test_calls_are_of_rooms(self):
        """What tidy allows to a room, it allows to one that deed.toml names."""
        self.assertLessEqual(set(tidy.CALLS), set(tidy.Tree(ROOT).rooms))


if __name__ == "__main__":
    unittest.main()
