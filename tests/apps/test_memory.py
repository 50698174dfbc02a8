#!/usr/bin/env python3
"""`freehold memory`, and the reports that `freehold run --memory-report` writes for it."""
import json
import os
import re
import subprocess
import time
import unittest
import xml.etree.ElementTree as ElementTree

from program import DEMO, Case, run, start

SVG = "{http://www.w3.org/2000/svg}"
STATES = ["live", "cached", "quarantined", "retired"]


def owner(kind="pool", name="p", **more):
    return {"kind": kind, "name": name, **more}


class Report(Case):
    def report(self, *owners, moment=None):
        """A report file with these owners."""
        memory = {"freehold_memory": 1, "owners": list(owners)}
        if moment:
            memory = {"freehold_memory_report": 1, "moments": [{"moment": m, "memory": memory} for m in moment]}
        path = self.folder / "report.json"
        path.write_text(json.dumps(memory))
        return path

    def test_of_a_run(self):
        """A run's report: sums agree, everything is there at the peak, nothing at the end; the text is what it was without."""
        path = self.folder / "run.json"
        given = ["run", "-m", DEMO, "-p", "Once", "-n", 30, "--temp", 0]
        done = self.succeeds(*given, "--memory-report", path)
        self.told_statistics(done)
        self.assertEqual(done.out, self.succeeds(*given).out)
        report = json.loads(path.read_text())
        self.assertEqual([m["moment"] for m in report["moments"]], ["peak", "answered", "end"])
        peak, answered, end = (m["memory"] for m in report["moments"])
        for memory in (peak, answered, end):
            self.assertEqual(memory["committed_bytes"], sum(o["committed_bytes"] for o in memory["owners"]))
            self.assertEqual(memory["heap"]["live_bytes"], sum(o["heap_bytes"] for o in memory["owners"]))
            for o in memory["owners"]:
                self.assertLessEqual(sum(o[s + "_bytes"] for s in STATES), o["committed_bytes"], o)
                self.assertLessEqual(o["committed_bytes"], o["reserved_bytes"], o)
        names = {o["name"]: o for o in peak["owners"]}
        self.assertLessEqual({"other blocks", "keys and values", "activations", "demo.gguf"}, names.keys())
        self.assertEqual(names["demo.gguf"]["reserved_bytes"], os.path.getsize(DEMO))
        self.assertGreaterEqual(peak["committed_bytes"], answered["committed_bytes"])
        self.assertEqual([o["name"] for o in end["owners"]], ["other blocks"])
        self.assertEqual((end["committed_bytes"], end["heap"]["live"]), (0, 0))
        table = self.succeeds("memory", path).text
        self.assertRegex(table, r"(?m)^  peak +[\d.]+ MiB committed, during: \w+   \(shown below\)$")
        for name in names:
            self.assertRegex(table, rf"(?m)^  {re.escape(name)} ")
        self.assertRegex(self.succeeds("memory", path, "--moment", "end").text, r"(?m)^  end +0 bytes committed   \(shown")

    def test_of_a_live_process(self):
        """With --memory-every the file is there, whole, while the run goes on."""
        path = self.folder / "live.json"
        p = start("run", "-m", DEMO, "-p", "Once", "--ignore-eos", "--ctx", 10000000, "--memory-report", path,
                  "--memory-every", 1, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            seen = []
            while len(seen) < 2:
                self.assertIsNone(p.poll())
                if path.exists() and path.stat().st_ino not in seen:
                    seen.append(path.stat().st_ino)
                    moments = [m["moment"] for m in json.loads(path.read_text())["moments"]]
                    self.assertEqual(moments, ["peak", "now"])
                    self.assertIn("activations", self.succeeds("memory", path, "--moment", "now").text)
                time.sleep(0.05)
        finally:
            p.kill()
            p.wait()

    def test_unwritable(self):
        """Known before the answer begins."""
        given = ["run", "-m", DEMO, "-p", "Once", "--ignore-eos", "--ctx", 10000000]
        done = run(*given, "--memory-report", "/no/such/r.json", timeout=30)
        self.assertEqual((done.code, done.out), (1, b""))
        self.assertTrue(done.lines[-1].startswith("freehold: /no/such/r.json: cannot open the directory"), done.errors)
        self.refused(*given, "--memory-every", 1, message="--memory-every needs a file")

    def test_table(self):
        path = self.report(
            owner(name="small", committed_bytes=1 << 20, reserved_bytes=1 << 20, live=3, live_bytes=1 << 19),
            owner("arena", "large", committed_bytes=3 << 20, reserved_bytes=1 << 36, refusals=7))
        lines = self.succeeds("memory", path).text.splitlines()
        self.assertEqual(lines[0].split(), ["owner", "kind", "objects", "live", "overhead", "committed", "reserved", "refused",
                                            "share"])
        self.assertEqual(lines[1].split(), "large arena - - 3.0 MiB 3.0 MiB 64.0 GiB 7 75.0 %".split())
        self.assertEqual(lines[2].split(), "small pool 3 512.0 KiB 512.0 KiB 1.0 MiB 1.0 MiB - 25.0 %".split())
        self.assertEqual(lines[3].split()[0], "all")
        self.assertEqual(len({len(line) for line in lines[:4]}), 1)
        self.assertEqual(self.succeeds("memory", "-", stdin=path.read_bytes()).text.splitlines(), lines)

    def test_moments(self):
        path = self.report(owner(committed_bytes=5), moment=["first", "peak", "last"])
        self.assertRegex(self.succeeds("memory", path).text, r"peak +5 bytes committed   \(shown below\)")
        self.assertRegex(self.succeeds("memory", path, "--moment", "last").text, r"last +5 bytes committed   \(shown")
        self.refused("memory", path, "--moment", "never", message="no moment 'never'; there are: first, peak, last")

    def test_json(self):
        """Normalised: every field there, unknown ones gone, names fit to print; and once normalised it stays as it is."""
        path = self.report(owner(name="a\x1b[0m\u202eb", live=3, unknown=[1, {"x": 2}]), moment=["peak"])
        text = self.succeeds("memory", path, "--json").out
        row = json.loads(text)["moments"][0]["memory"]["owners"][0]
        self.assertEqual((row["name"], row["live"], row["retired_bytes"]), ("a?[0m???b", 3, 0))
        self.assertNotIn("unknown", row)
        self.assertEqual(self.succeeds("memory", "-", "--json", stdin=text).out, text)
        self.refused("memory", path, "--json", "--svg", self.folder / "x.svg", message="exclude each other")

    def picture(self, path, *more):
        out = self.folder / "out.svg"
        done = self.succeeds("memory", path, "--svg", out, *more)
        self.assertEqual(done.out, b"")
        root = ElementTree.fromstring(out.read_text())
        for element in root.iter():  # no scripts, no images, no links, nothing from elsewhere
            self.assertIn(element.tag, {SVG + t for t in ("svg", "g", "title", "style", "rect", "path", "text")})
            self.assertFalse([a for a in element.keys() if a.startswith("on") or "href" in a])
            self.assertNotIn("url(", "".join(element.itertext()) if element.tag == SVG + "style" else "")
        return root

    def test_picture(self):
        root = self.picture(self.report(
            owner(name="big", live=2, live_bytes=6 << 20, cached=1, cached_bytes=1 << 20, committed_bytes=8 << 20,
                  reserved_bytes=8 << 20, object_bytes=3 << 20),
            owner("arena", "small", live=1, live_bytes=2 << 20, committed_bytes=2 << 20, reserved_bytes=1 << 40, refusals=3)))
        self.assertEqual(root.tag, SVG + "svg")
        texts = ["".join(t.itertext()) for t in root.iter(SVG + "text")]
        for expected in ("10.0 MiB committed, 2 owners", "2 live + 1 cached of 3.0 MiB",
                         "1 live · reserved 1.0 TiB · 3 refused", "80.0 %", "live", "cached", "quarantined", "retired",
                         "overhead", "reserved"):
            self.assertIn(expected, texts)
        bars = {}
        for rect in root.iter(SVG + "rect"):
            title = rect.find(SVG + "title")
            if title is not None:
                bar = (title.text.split(":")[0], float(rect.get("x")), float(rect.get("width")))
                bars.setdefault(rect.get("y"), []).append(bar)
        first, second = bars.values()
        self.assertEqual([b[0] for b in first], ["live", "cached", "overhead"])
        for a, b in zip(first, first[1:]):  # side by side
            self.assertAlmostEqual(a[1] + a[2], b[1], delta=0.02)
        self.assertAlmostEqual(first[0][2] / first[1][2], 6, delta=0.01)
        self.assertAlmostEqual(second[0][2], sum(b[2] for b in first) / 4, delta=0.02)
        right = max(float(x) for p in root.iter(SVG + "path") for x in re.findall(r"H ([\d.]+)", p.get("d")))
        self.assertEqual(right, first[2][1] + first[2][2])  # reserved space beyond the scale is cut
        width = float(root.get("width"))
        for element in root.iter():
            for attribute in ("x", "y", "width", "height"):
                self.assertLessEqual(float(element.get(attribute, 0)), max(width, float(root.get("height"))))

    def test_many_owners(self):
        root = self.picture(self.report(*[owner(name=f"owner {i}", id=i, committed_bytes=1000 + i) for i in range(100)]))
        names = [t.text for t in root.iter(SVG + "text") if t.get("class") == "name"]
        self.assertEqual(len(names), 24)
        self.assertEqual((names[0], names[-1]), ("owner 99", "77 more owners"))

    def test_hostile_names(self):
        """Markup, quotes, control characters and a name of a megabyte change nothing but a text."""
        for name in ("</text><script>alert(1)</script>", "\"'><svg onload='x'>", "&lt;&#60;&", "]]>", "<!--", "\0\x1b\uffff",
                     "x" * (1 << 20), "\u202e\u2066", ""):
            path = self.report(owner(name=name, live_bytes=1, committed_bytes=1), moment=[name])
            root = self.picture(path)
            shown = [t for t in root.iter(SVG + "text") if t.get("class") == "name"]
            self.assertEqual(len(shown), 1)
            expected = "".join(c if " " <= c <= "~" else "?" * len(c.encode()) for c in name)[:47]
            self.assertEqual(shown[0].find(SVG + "title").text or "", expected)
            table = self.succeeds("memory", path).text
            self.assertNotRegex(table, r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]")

    def test_hostile_files(self):
        """Each is refused with the offset, in one line."""
        cases = {
            b"": "byte 0",
            b"\x00": "(byte|offset) 0",
            b"{" * 1000: "(byte|offset) 1",
            b'{"freehold_memory": 1, "owners": [' + b"[" * 10000: "offset 34",
            b'{"freehold_memory": 1, "x": ' + b"[" * 10000: "(byte|offset)",
            b'{"freehold_memory": 1, "owners": [{"kind": "pool", "name": "\xff"}]}': "(byte|offset)",
            b'{"freehold_memory": 1, "owners": [{"kind": "pool", "name": "\\ud800"}]}': "(byte|offset)",
            b'{"freehold_memory": 1, "owners": [{"live": 1e999}]}': "byte 43",
            b'{"freehold_memory": 1, "owners": [{"live": 18446744073709551615}]}': "(byte|offset) 43",
            b'{"freehold_memory": 7}': "offset 1: a report of another version than 1",
            b'{"freehold_memory": 1}x': "(byte|offset) 22",
        }
        for content, message in cases.items():
            path = self.folder / "hostile.json"
            path.write_bytes(content)
            self.refused("memory", path, message=message)
            self.refused("memory", "-", stdin=content, message=message)
        with open(self.folder / "huge.json", "wb") as f:
            f.truncate((16 << 20) + 1)
        self.refused("memory", self.folder / "huge.json", message="expected at most 16777216")
        self.refused("memory", self.folder, code=1, message="regular file")
        self.refused("memory", "/no/such.json", code=1)
        self.refused("memory", message="expected FILE")
        self.refused("memory", self.report(owner()), "--svg", "/no/such/x.svg", code=1, message="/no/such/x.svg")

    def test_extremes(self):
        """Zeros and the largest numbers draw too."""
        most = 1 << 50
        for value in (0, 1, most):
            root = self.picture(self.report(*[owner(**{k: value for k in (
                "id", "object_bytes", "live", "live_bytes", "cached", "cached_bytes", "quarantined", "quarantined_bytes",
                "retired", "retired_bytes", "committed_bytes", "reserved_bytes", "heap_bytes", "peak_bytes",
                "refusals")})] * 3))
            for rect in root.iter(SVG + "rect"):
                self.assertGreater(float(rect.get("width")), 0)
        root = self.picture(self.report(owner(committed_bytes=most, live_bytes=most), owner(committed_bytes=1, live_bytes=1)))
        self.assertEqual([r.get("width") for r in root.iter(SVG + "rect") if r.find(SVG + "title") is not None],
                         ["500.00", "1.00"])  # nothing that is there is invisible
        self.assertIn("0 bytes committed, 0 owners", "".join(self.picture(self.report()).itertext()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
