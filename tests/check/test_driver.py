#!/usr/bin/env python3
"""The program deed, driven as a person or a script would: its verbs, its exit status, what it prints where."""
import json
import os
import pathlib
import re
import subprocess
import threading
import unittest

from cases import BAD, GOOD, MARKED, PROGRAM, WRONG, DeedCase, files_of


class Driver(DeedCase):
    def test_clean(self):
        self.write("a.c", GOOD)
        out, err = self.deed("check", "a.c")
        self.assertEqual(out, "")
        self.assertRegex(err, r"^deed: 1 file, 1 function, 0 findings \(\d+\.\d s\)\n$")

    def test_finding(self):
        self.write("b.c", BAD)
        out, err = self.deed("check", "b.c", status=1)
        self.assertIn("error[FH0901]", out)
        self.assertIn(" --> b.c:2:12\n", out)
        self.assertIn("2 |     return a ?: 1;\n  |            ^", out)
        self.assertIn("1 finding ", err)

    def test_refused_by_the_compiler(self):
        self.write("w.c", WRONG)
        out, _ = self.deed("check", "--format=gcc", "w.c", status=1)
        self.assertEqual(out, "w.c:2:12: error: use of undeclared identifier 'nothing' [FH0901]\n")

    def test_folders(self):
        """All .c files below a folder, in the order of names; other files only when named; too long a path is no crash."""
        for name in ("src/b.c", "src/a.c", "src/deep/c.c"):
            self.write(name, BAD)
        self.write("src/d.txt", BAD)
        self.write("src/.hidden/e.c", BAD)
        out, err = self.deed("check", "--format=gcc", "src", status=1)
        self.assertEqual(files_of(out), ["src/a.c", "src/b.c", "src/deep/c.c"])
        self.assertIn("deed: 3 files, 3 functions, 3 findings", err)
        self.deed("check", "x" * 5000, status=2)
        self.deed("check", "src/none.c", status=2)

    def test_folder_that_changes(self):
        """What vanishes while a folder is walked was never there; a link to nowhere is told."""
        self.write("src/a.c", GOOD)
        busy = (self.folder / "src" / "busy")
        busy.mkdir()
        stop = threading.Event()

        def churn():
            while not stop.is_set():
                for i in range(40):
                    (busy / f"{i}.tmp").touch()
                for i in range(40):
                    (busy / f"{i}.tmp").unlink()

        thread = threading.Thread(target=churn)
        thread.start()
        try:
            for _ in range(40):
                self.deed("check", "--cache=none", "src")
        finally:
            stop.set()
            thread.join()
        (self.folder / "src/gone.c").symlink_to("nowhere.c")
        self.assertIn("src/gone.c: No such file", self.deed("check", "src", status=2)[1])

    def test_arguments_after_dashes(self):
        self.write("include/one.h", "#define ONE 1\n")
        self.write("a.c", '#include "one.h"\nint f(void) {\n    return ONE + TWO;\n}\n')
        self.deed("check", "a.c", "--", "-Iinclude", "-DTWO=2")
        self.deed("check", "a.c", status=1)

    def test_compilation_database(self):
        """Both forms of a command; only what matters of it is kept, and only the files asked for are checked."""
        self.write("inc dir/one.h", "#define ONE 1\n")
        for name in ("src/a.c", "src/b.c", "src2/c.c"):
            self.write(name, '#include "one.h"\nint f(void) {\n    return ONE + TWO;\n}\n')
        here = str(self.folder)
        self.write("db.json", json.dumps([
            {"directory": here, "file": f"{here}/src/a.c",
             "command": f"gcc -O3 -Wnonsense -DTWO=2 '-I{here}/inc dir' -o a.o -c {here}/src/a.c"},
            {"directory": here, "file": f"{here}/src/b.c", "output": {"deep": [1]},
             "arguments": ["gcc", "-DTWO=2", "-isystem", f"{here}/inc dir", "-c", "b.c"]},
            {"directory": here, "file": f"{here}/src2/c.c", "arguments": ["gcc"]}]))
        _, err = self.deed("check", "--compdb", "db.json", "src/")
        self.assertIn("deed: 2 files, 2 functions, 0 findings", err)
        self.deed("check", "--compdb=db.json", "src2", status=1)
        self.deed("check", "--compdb=db.json", "elsewhere", status=2)
        for bad in ("{}", "[1]", "[{]", '[{"file": "a.c", "arguments": [1]}]', ""):
            self.write("bad.json", bad)
            self.deed("check", "--compdb", "bad.json", "src", status=2)

    def test_database_elsewhere(self):
        """Paths of a command are those of its folder."""
        self.write("inc/one.h", "#define ONE 1\n")
        self.write("inc2/two.h", "#define TWO 2\n")
        self.write("src/a.c", '#include "one.h"\n#include "two.h"\nint f(int a) {\n    return a + ONE + TWO;\n}\n')
        self.write("out/deep/db.json", json.dumps([{"directory": str(self.folder / "out/deep"), "file": "../../src/./a.c",
                                                    "arguments": ["cc", "-I../../inc", "-isystem", "../../inc2", "-c"]}]))
        out, err = self.deed("check", "--compdb=out/deep/db.json", "src")
        self.assertIn("deed: 1 file, 1 function, 0 findings", err, out)
        self.deed("check", "--compdb=out/deep/db.json", str(self.folder / "src/a.c"))

    def test_header_once(self):
        """What a header does wrong is told once, though each file that includes it finds it."""
        self.write("h.h", "static inline int h(int a) {\n    return a ?: 1;\n}\n")
        for name in ("a.c", "b.c", "c.c"):
            self.write(name, f'#include "h.h"\nint {name[0]}(void) {{\n    return h(1);\n}}\n')
        for jobs in ("1", "2", "3", "9"):
            out, err = self.deed("check", "--jobs", jobs, "--format=gcc", "a.c", "b.c", "c.c", status=1)
            self.assertEqual(out.count("error:"), 1, out)
            self.assertIn("3 functions, 1 finding ", err)

    def test_formats(self):
        self.write("b.c", BAD)
        self.write("c.c", BAD.replace("bad", "worse"))
        out, _ = self.deed("check", "--format", "json", "b.c", "c.c", status=1)
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([(x["code"], x["file"], x["line"]) for x in lines], [("FH0901", "b.c", 2), ("FH0901", "c.c", 2)])
        out, _ = self.deed("check", "--format=sarif", "b.c", "c.c", status=1)
        run = json.loads(out)["runs"][0]
        self.assertEqual(len(run["results"]), 2)
        for result in run["results"]:
            self.assertEqual(run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"], result["ruleId"])
        self.write("good.c", GOOD)
        out, _ = self.deed("check", "--format=sarif", "good.c")
        self.assertEqual(json.loads(out)["runs"][0]["results"], [])

    def check_sarif(self, log):
        """What the schema of SARIF 2.1.0 requires of a log such as deed's, property by property (sections 3.13 to 3.30)."""
        def only(thing, required, optional=()):
            self.assertIsInstance(thing, dict)
            self.assertTrue(set(required) <= set(thing) <= {*required, *optional}, thing)
        def text(thing):
            only(thing, ["text"])
            self.assertIsInstance(thing["text"], str)
            self.assertNotEqual(thing["text"], "")
        def location(thing):
            only(thing, ["physicalLocation"], ["message"])
            only(thing["physicalLocation"], ["artifactLocation", "region"])
            only(thing["physicalLocation"]["artifactLocation"], ["uri"])
            uri = thing["physicalLocation"]["artifactLocation"]["uri"]
            self.assertRegex(uri, r"^(file:///)?([A-Za-z0-9/._~-]|%[0-9A-F]{2})+$")
            region = thing["physicalLocation"]["region"]
            only(region, ["startLine", "startColumn", "endLine", "endColumn"])
            for value in region.values():
                self.assertIsInstance(value, int)
                self.assertGreaterEqual(value, 1)
            self.assertLessEqual((region["startLine"], region["startColumn"]), (region["endLine"], region["endColumn"]))
            if "message" in thing:
                text(thing["message"])
        only(log, ["version", "$schema", "runs"])
        self.assertEqual(log["version"], "2.1.0")
        for run in log["runs"]:
            only(run, ["tool", "columnKind", "results"])
            self.assertIn(run["columnKind"], ("utf16CodeUnits", "unicodeCodePoints"))
            only(run["tool"], ["driver"])
            only(run["tool"]["driver"], ["name", "rules"])
            rules = run["tool"]["driver"]["rules"]
            for rule in rules:
                only(rule, ["id", "shortDescription", "help"])
                text(rule["shortDescription"])
                text(rule["help"])
            self.assertEqual(len({rule["id"] for rule in rules}), len(rules))
            for result in run["results"]:
                only(result, ["ruleId", "ruleIndex", "level", "message", "locations", "relatedLocations"])
                self.assertEqual(rules[result["ruleIndex"]]["id"], result["ruleId"])
                self.assertIn(result["level"], ("none", "note", "warning", "error"))
                text(result["message"])
                self.assertEqual(len(result["locations"]), 1)
                for place in result["locations"] + result["relatedLocations"]:
                    location(place)
        return log["runs"][0]["results"]

    def test_sarif(self):
        """Valid, with columns in UTF-16 units, and names of files as URIs."""
        line = "    /* \u00e9\U0001f600 */ return a ?: 1;\n"
        self.write("odd name\u00e9:1.c", f"int bad(int a) {{\n{line}}}\n")
        self.write("leak.c", "#include <stdlib.h>\nint leak(void) {\n    int *p = malloc(4);\n    return p == NULL;\n}\n")
        self.write("deed.toml", '[[pair]]\nalloc = "malloc"\nfree = "free"\n')
        out, _ = self.deed("check", "--format=sarif", "leak.c", "odd name\u00e9:1.c", status=1)
        results = self.check_sarif(json.loads(out))
        self.assertEqual([result["ruleId"] for result in results], ["FH0301", "FH0901"])
        self.assertIn("\nhelp: ", results[0]["message"]["text"])
        self.assertEqual(results[0]["relatedLocations"][0]["physicalLocation"]["region"]["startLine"], 3)
        place = results[1]["locations"][0]["physicalLocation"]
        self.assertEqual(place["artifactLocation"]["uri"], "odd%20name%C3%A9%3A1.c")
        units = line.encode("utf-16-le")[2 * (place["region"]["startColumn"] - 1):2 * (place["region"]["endColumn"] - 1)]
        self.assertTrue(units.decode("utf-16-le").startswith("a"))
        out, _ = self.deed("check", "--format=sarif", str(self.folder / "odd name\u00e9:1.c"), "--cache=none", status=1)
        self.check_sarif(json.loads(out))
        self.write("good.c", GOOD)
        self.assertEqual(self.check_sarif(json.loads(self.deed("check", "--format=sarif", "good.c")[0])), [])

    def test_json(self):
        """An object a line, each with all of its members, and places that are there."""
        self.write("leak.c", "#include <stdlib.h>\nint leak(void) {\n    int *p = malloc(4);\n    return p == NULL;\n}\n")
        self.write("deed.toml", '[[pair]]\nalloc = "malloc"\nfree = "free"\n')
        out, _ = self.deed("check", "--format=json", "leak.c", status=1)
        place = {"file": str, "line": int, "column": int, "end_line": int, "end_column": int}
        for line in out.splitlines():
            finding = json.loads(line)
            members = {"code": str, "message": str, "label": str, "function": str, "notes": list, "help": str, **place}
            self.assertEqual({name: type(value) for name, value in finding.items()}, members)
            for note in finding["notes"]:
                self.assertEqual({name: type(value) for name, value in note.items()}, {"message": str, **place})
        self.assertEqual((finding["code"], finding["function"], finding["line"], finding["notes"][0]["line"]),
                         ("FH0301", "leak", 4, 3))

    def test_color(self):
        self.write("b.c", BAD)
        self.assertNotIn("\033", self.deed("check", "b.c", status=1)[0])
        self.assertIn("\033[1;31merror", self.deed("check", "--color=always", "b.c", status=1)[0])

    def test_audited_folder(self):
        self.write("src/core/b.c", BAD)
        self.write("src/other/c.c", BAD)
        self.write("deed.toml", '# rooms\n[[audited]]\npath = "src/core/"\nreason = "its own"\n')
        out, _ = self.deed("check", "--format=gcc", "src", status=1)
        self.assertEqual(out.count("error:"), 1)
        self.assertTrue(out.startswith("src/other/c.c"))
        self.write("my/src/core/d.c", BAD)  # the path begins at the root, not anywhere
        self.deed("check", "my", status=1)

    def test_regions(self):
        """Raw memory stands in an unsafe region of an audited file, or in a file that is audited as a whole."""
        unsafe = '#define FH_UNSAFE(id) _Static_assert(1, "fh:unsafe:" id)\n'
        code = unsafe + """int f(const int *p, int i) {
    int sum = p[1];
    if (i > 2) {
        FH_UNSAFE("enough");
        sum += p[i] + *(p + 1);
    }
    return sum + p[2];
}
"""
        self.write("src/core/a.c", code)
        room = '[[audited]]\npath = "src/core/"\nreason = "x"\n'
        self.write("deed.toml", room)
        out, _ = self.deed("check", "--format=gcc", "src", status=1)
        found = [line for line in out.splitlines() if "error:" in line]
        self.assertEqual([line.split(":")[1] for line in found], ["3", "8"], out)
        self.assertTrue(all("[FH0509]" in line for line in found), out)
        self.write("src/core/a.c", code.replace("    int sum", '    FH_UNSAFE("enough");\n    int sum', 1))
        self.deed("check", "src")
        self.write("src/core/a.c", code)
        self.write("deed.toml", room + "whole = true\n")
        self.deed("check", "src")
        self.write("deed.toml", "")
        out, _ = self.deed("check", "--format=gcc", "src", status=1)
        self.assertIn("src/core/a.c:5:9: error: an unsafe region for `enough` [FH0510]", out)
        self.assertIn("[FH0502]", out)

    def test_settings_are_looked_for_upwards(self):
        self.write("deed.toml", 'include = ["src"]\nexclude = ["src/theirs/"]\n'
                   '[[audited]]\npath = "src/core.c"\nreason = "x"\n')
        for name in ("src/core.c", "src/theirs/c.c", "src/a.c"):
            self.write(name, BAD)
        out, _ = self.deed("check", "--format=gcc", status=1)
        self.assertEqual(files_of(out), ["src/a.c"])
        program = str(self.folder / "src")
        done = subprocess.run([PROGRAM, "check", "--format=gcc", program], cwd="/", capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.count("error:"), 1, done.stdout)
        done = subprocess.run([PROGRAM, "check", "--format=gcc", "../src/./core.c"], cwd=self.folder / "src",
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_settings_are_strict(self):
        self.write("a.c", GOOD)
        self.write("deed.toml", '# rooms\n[[audit]]\npath = "src/"\nreason = "x"\n')
        _, err = self.deed("check", "a.c", status=2)
        self.assertIn("deed.toml:2: expected [[audited]] or [[pair]]", err)

    def test_pairs(self):
        """malloc and free become words where deed.toml pairs them; without that they are raw calls."""
        self.write("a.c", "#include <stdlib.h>\nint leak(void) {\n    int *p = malloc(4);\n    return p == NULL;\n}\n"
                   "int fine(void) {\n    int *p = malloc(4);\n    free(p);\n    return 0;\n}\n")
        out, _ = self.deed("check", "--format=gcc", "a.c", status=1)
        self.assertEqual(out.count("[FH0501]"), 3)
        self.write("deed.toml", '[[pair]]\nalloc = "malloc"\nfree = "free"\n')
        out, _ = self.deed("check", "--format=gcc", "a.c", status=1)
        self.assertEqual([line for line in out.splitlines() if ": error:" in line],
                         ["a.c:4:5: error: `p` is not dropped on every path [FH0301]"])

    def test_compiler_checks_indices(self):
        """A variable index needs a proof, or a compile command that has the compiler check it."""
        self.write("a.c", "static _Thread_local int a[4];\nint at(unsigned i) {\n    return a[i];\n}\n")
        self.deed("check", "a.c", status=1)
        for flag in ("-fsanitize=bounds", "-fsanitize=array-bounds", "-fsanitize=undefined"):
            self.deed("check", "a.c", "--", flag)
        self.deed("check", "a.c", "--", "-fsanitize=address", status=1)
        for flags, status in (("-fsanitize=bounds-strict -O3", 0), ("-O3", 1)):
            self.write("db.json", json.dumps([{"file": "a.c", "directory": str(self.folder), "command": f"cc {flags} -c a.c"}]))
            self.deed("check", "--compdb", "db.json", ".", status=status)

    def test_explain(self):
        out, _ = self.deed("explain")
        codes = [line.split()[0] for line in out.splitlines()]
        self.assertGreater(len(codes), 32)
        for code in codes:
            self.assertTrue(self.deed("explain", code)[0].startswith(code + ": "))
        self.assertEqual(self.deed("explain", "0101"), self.deed("explain", "FH0101"))
        self.deed("explain", "FH9999", status=2)

    def test_audit(self):
        self.write("a/x.c", 'void f(void) {\n    int a;\n    {\n        FH_UNSAFE("one");\n        a = 1; /* } */\n    }\n'
                            '    a = 2;\n}\n')
        self.write("b/y.c", 'void f(void) {\n    /* FH_UNSAFE("no") */\n    char c = \'}\';\n}\n')
        out, _ = self.deed("audit", ".")
        self.assertEqual([line.split() for line in out.splitlines()[1:]],
                         [["1", "8", "1", "3", "25.0%", "./a/"], ["1", "8", "1", "3", "25.0%", "all", "of", "them"]])

    ROOMS = ('include = ["a", "b", "c"]\nexclude = ["c/theirs/"]\nevidence = "UNSAFE.md"\n'
             '[[audited]]\npath = "a/"\nreason = "the core"\n[[audited]]\npath = "b/"\nreason = "fast"\nwhole = true\n')
    ROWS = ("| id | file | invariant | shown by |\n|---|---|---|---|\n"
            "| `one` | `a/x.c` | i \\| j | `weave_x`, `test_x` |\n| `rows` | `b/*` | whole rows | `test_y` |\n")

    def test_audit_of_rooms(self):
        """Each region has a row, each row a region or a whole room, and something that shows it."""
        region = 'void f(void) {{\n    FH_UNSAFE("{}");\n    g();\n}}\n'
        self.write("a/x.c", region.format("one"))
        self.write("b/y.c", "int y;\nint z;\n")
        self.write("c/z.c", "int plain;\n")
        self.write("c/theirs/t.c", region.format("theirs") * 10)
        self.write("deed.toml", self.ROOMS)
        self.write("UNSAFE.md", self.ROWS)
        found = json.loads(self.deed("audit", "--json")[0])
        self.assertEqual(found["lines"], 7)
        self.assertEqual(found["unsafe"], {"files": 2, "lines": 6, "regions": 1, "unsafe_lines": 5})
        self.assertEqual(found["unsafe_but_whole_rooms"], {"files": 1, "lines": 4, "regions": 1, "unsafe_lines": 3})
        self.assertEqual([(r["path"], r["whole"], r["unsafe_lines"]) for r in found["rooms"]],
                         [("a/", False, 3), ("b/", True, 2)])
        one = found["invariants"][0]
        self.assertEqual((one["id"], one["by"], one["regions"], one["unsafe_lines"], one["invariant"]),
                         ("one", "model", 1, 3, "i \\| j"))
        for bad, message in (
                (self.ROWS.replace("`one`", "`two`"), "one: regions of this id have no row"),
                (self.ROWS.replace("`one`", "`two`"), "two: the table has a row, but there is no region"),
                (self.ROWS.replace("`weave_x`, `test_x`", "care"), "one: its row names no proof, model or test"),
                (self.ROWS.replace("`b/*`", "`d/*`"), "b/: it is audited as a whole, and no row of the table names it"),
                (self.ROWS + "| `one` | a | b | `test_x` |\n", "one: two rows of the table have this id")):
            self.write("UNSAFE.md", bad)
            _, err = self.deed("audit", status=1)
            self.assertIn(message, err)
        (self.folder / "UNSAFE.md").unlink()
        self.deed("audit", status=2)

    def test_readme_of_this_tree(self):
        """The table in the README is what `deed audit` counts, within 5 % (10 lines, 0.1 % of the tree)."""
        root = pathlib.Path(__file__).resolve().parents[2]
        done = subprocess.run([PROGRAM, "audit", "--json"], cwd=root, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        found, seen = json.loads(done.stdout), 0
        for line in (root / "README.md").read_text().splitlines():
            row = re.match(r"\| ((?:`[\w/]+/`(?:, )?)+): .* \| ([\d,–]+) \| ([\d,]+) \| ([\d.]+) % \|$", line)
            if not row:
                continue
            folders = tuple(re.findall(r"`([^`]+)`", row.group(1)))
            rooms = [room for room in found["rooms"] if room["path"].startswith(folders)]
            lines = sum(room["unsafe_lines"] for room in rooms)
            seen += lines
            self.assertAlmostEqual(int(row.group(3).replace(",", "")), lines, delta=max(10, lines * 0.05), msg=line)
            share = lines / found["lines"]
            self.assertAlmostEqual(float(row.group(4)), 100 * share, delta=0.1 + 5 * share, msg=line)
            if row.group(2) != "–":
                regions = sum(room["regions"] for room in rooms)
                self.assertAlmostEqual(int(row.group(2)), regions, delta=max(3, regions * 0.05), msg=line)
        self.assertEqual(seen, found["unsafe"]["unsafe_lines"], "a room is missing in the README's table")

    def test_ui(self):
        """A pair passes when its output is exact and its twin silent; everything else fails."""
        self.write("ui/FH0901/x.c", MARKED)
        self.write("ui/FH0901/x.fixed.c", GOOD)
        out, _ = self.deed("ui", "ui", status=1)
        self.assertIn("there is no .stderr", out)
        _, err = self.deed("ui", "ui/", "--bless")
        self.assertIn("1 written", err)
        self.assertIn(" --> FH0901/x.c:2:12\n", (self.folder / "ui/FH0901/x.stderr").read_text())
        _, err = self.deed("ui", "ui")
        self.assertEqual(err, "deed ui: 2 files, 1 pairs, 2 as expected, 0 failed\n")
        expected = self.write("ui/FH0901/x.stderr", "another\n")
        self.assertIn("another output than expected", self.deed("ui", "ui", status=1)[0])
        self.deed("ui", "ui", "--bless")
        self.assertNotEqual(expected.read_text(), "another\n")
        self.write("ui/FH0901/x.fixed.c", BAD)
        self.assertIn("the fixed twin is not silent", self.deed("ui", "ui", status=1)[0])
        (self.folder / "ui/FH0901/x.fixed.c").unlink()
        self.assertIn("there is no fixed twin", self.deed("ui", "ui", status=1)[0])
        self.write("ui/FH0901/x.fixed.c", GOOD)
        self.write("ui/FH0101/y.c", MARKED)
        self.write("ui/FH0101/y.fixed.c", GOOD)
        self.assertIn("is not refused with the code", self.deed("ui", "ui", status=1)[0])

    def test_ui_marks(self):
        """A finding without a mark and a mark without a finding fail, and --bless neither hides nor marks them."""
        path = self.write("ui/FH0901/x.c", MARKED)
        self.write("ui/FH0901/x.fixed.c", GOOD)
        self.deed("ui", "ui", "--bless")
        for text, what in ((BAD, "x.c:2: FH0901 is found here and not marked"),
                           (MARKED + "//~^ FH0901\n", "x.c:3: FH0901 is marked here and not found"),
                           (MARKED.replace("//~", "//~ FH0901"), "x.c:2: FH0901 is marked here and not found"),
                           (MARKED.replace("~ ", "~ FH0101 "), "x.c:2: FH0101 is marked here and not found")):
            path.write_text(text)
            for more in ((), ("--bless",)):
                self.assertIn(what, self.deed("ui", "ui", *more, status=1)[0])
            self.assertEqual(path.read_text(), text)
        path.write_text(BAD.replace("}\n", "//~^ FH0901\n}\n"))
        self.deed("ui", "ui", "--bless")
        self.write("ui/FH0901/x.fixed.c", GOOD.replace("1;", "1; //~ FH0901"))
        self.assertIn("has marks", self.deed("ui", "ui", status=1)[0])

    def test_ui_known(self):
        """What is known fails as soon as it changes, in either direction."""
        miss = self.write("ui/known-miss/x.c", GOOD.replace("1;", "1; //~ FH0101"))
        self.deed("ui", "ui", "--bless")
        miss.write_text(GOOD)
        self.assertIn("has no mark", self.deed("ui", "ui", status=1)[0])
        miss.write_text(MARKED)
        self.assertIn("is found now", self.deed("ui", "ui", "--bless", status=1)[0])
        miss.write_text(BAD.replace("}\n", "} //~ FH0101\n"))
        self.assertIn("another output", self.deed("ui", "ui", status=1)[0])
        miss.unlink()
        (self.folder / "ui/known-miss/x.stderr").unlink()
        wrong = self.write("ui/known-fp/y.c", BAD)
        self.deed("ui", "ui", "--bless")
        wrong.write_text(GOOD)
        self.assertIn("is accepted now", self.deed("ui", "ui", status=1)[0])
        wrong.write_text(BAD.replace("1;", "2;"))
        self.assertIn("another output", self.deed("ui", "ui", status=1)[0])

    def test_ui_leftovers(self):
        """Other programs are accepted; an expected output or a twin without its program fails."""
        good = self.write("ui/good/x.c", GOOD)
        self.deed("ui", "ui")
        for name in ("good/x.stderr", "FH0901/y.stderr", "FH0901/y.fixed.c", "known-fp/z.stderr"):
            path = self.write("ui/" + name, GOOD)
            self.assertIn("belongs to no program", self.deed("ui", "ui", status=1)[0])
            path.unlink()
        good.write_text(BAD)
        self.assertIn("should be accepted", self.deed("ui", "ui", "--bless", status=1)[0])

    def test_usage(self):
        out, _ = self.deed("--help")
        for verb in ("check", "explain", "audit", "lsp", "ui", "dump"):
            self.assertIn(f"  deed {verb}", out)
            told, _ = self.deed(verb, "--help")
            self.assertTrue(told.startswith(f"deed {verb}"))
            self.assertTrue(all(len(line) <= 120 for line in told.splitlines()))
            self.assertEqual(self.deed("help", verb)[0], told)
        for option in ("--compdb", "--jobs", "--format", "--cache", "--color"):
            self.assertIn(f"\n  {option}", self.deed("check", "--help")[0])
        self.assertIn("(see: deed check --help)", self.deed("check", "--nonsense", status=2)[1])
        self.assertIn("(see: deed --help)", self.deed("nonsense", status=2)[1])
        for args in ((), ("nothing",), ("check",), ("check", "--format=none", "a.c"), ("check", "--jobs", "0", "a.c"),
                     ("check", "--jobs", "many", "a.c"), ("check", "--nonsense"), ("check", "a.c", "--compdb"), ("ui",),
                     ("ui", "a", "b"), ("audit",), ("check", ".")):
            out, err = self.deed(*args, status=2)
            self.assertEqual(out, "")
            self.assertTrue(err.startswith("deed: "), err)

    def test_worker_ends(self):
        """A file that cannot be read is told, and the others are checked all the same."""
        self.write("a.c", BAD)
        locked = self.write("b.c", GOOD)
        self.write("c.c", BAD)
        locked.unlink()
        os.mkfifo(self.folder / "pipe")
        self.write("db.json", json.dumps([{"directory": str(self.folder), "file": name, "command": "cc"}
                                          for name in ("a.c", "b.c", "c.c")]))
        out, err = self.deed("check", "--compdb=db.json", "--format=gcc", "a.c", "b.c", "c.c", status=2)
        self.assertEqual(out.count("error:"), 2)
        self.assertIn("b.c: cannot be read", err)


if __name__ == "__main__":
    unittest.main()
