#!/usr/bin/env python3
"""Every verb of the built program: what it promises on the happy path, how it refuses, what it does with a terminal, with
interrupts and with a listener that goes away."""
import base64
import fcntl
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest
from collections import Counter

from program import DEMO, PROGRAM, Case, data, run, start

# An answer that goes on for hours.
ENDLESS = ["run", "-m", DEMO, "-p", "Once", "--ignore-eos", "--ctx", 10000000]


class Run(Case):
    def test_published_text(self):
        """The greedy text of stories260K that llama2.c publishes, byte for byte, and nothing before it."""
        model = data("models/stories260k-F32.gguf")
        with open(data("models/expected-greedy-200.txt"), "rb") as f:
            expected = f.read()
        self.assertEqual(len(expected), 464)
        for threads in (1, 2, 3):
            done = self.succeeds("run", "-m", model, "-p", "", "-n", 200, "--temp", 0, "--threads", threads)
            self.assertEqual(done.out[:464], expected)
            self.assertEqual(self.told_statistics(done), (1, 200))

    def test_demo_model_is_found(self):
        """The model that comes along is found beside the program, installed, in ./models, and by FREEHOLD_MODEL."""
        wanted = self.succeeds("run", "-m", DEMO, "-n", 8, "--temp", 0).out
        place = self.folder / "prefix"
        (place / "bin").mkdir(parents=True)
        (place / "share/freehold").mkdir(parents=True)
        shutil.copy(PROGRAM, place / "bin/freehold")
        shutil.copy(DEMO, place / "share/freehold/demo.gguf")
        path = f"{self.folder}/none:{place}/bin"
        for command, options in (([place / "bin/freehold"], {"cwd": "/"}),
                                 (["../bin/freehold"], {"cwd": place / "share"}),
                                 (["freehold"], {"cwd": "/", "env": {"PATH": path}})):
            found = subprocess.run([*map(str, command), "run", "-n", "8", "--temp", "0"], capture_output=True, check=False,
                                   executable=str(place / "bin/freehold") if command == ["freehold"] else None, **options)
            self.assertEqual((found.returncode, found.stdout), (0, wanted), found.stderr)
        (place / "share/freehold/demo.gguf").unlink()
        lone = [str(place / "bin/freehold"), "run", "-n", "8", "--temp", "0"]
        found = subprocess.run(lone, cwd=DEMO.parents[1], capture_output=True, check=False)
        self.assertEqual((found.returncode, found.stdout), (0, wanted), found.stderr)
        if not os.path.exists("/usr/local/share/freehold/demo.gguf"):
            found = subprocess.run(lone, cwd="/", capture_output=True, check=False)
            self.assertEqual(found.returncode, 2)
            self.assertIn(b"no default model", found.stderr)
        done = self.succeeds("run", "-n", 8, "--temp", 0, env={"FREEHOLD_MODEL": str(DEMO)}, cwd="/")
        self.assertEqual(done.out, wanted)
        self.refused("run", code=1, env={"FREEHOLD_MODEL": "/no/such.gguf"}, message="/no/such.gguf")

    def test_prompt_from_everywhere(self):
        """The same prompt as an argument, a file and standard input gives the same text, which begins with it."""
        prompt = "Once upon a time, a dog — "
        (self.folder / "p.txt").write_text(prompt)
        given = ["run", "-m", DEMO, "-n", 20, "--seed", 5]
        first = self.succeeds(*given, "-p", prompt)
        self.assertTrue(first.text.startswith(prompt))
        self.assertEqual(first.out, self.succeeds(*given, "-f", self.folder / "p.txt").out)
        self.assertEqual(first.out, self.succeeds(*given, "-f", "-", stdin=prompt.encode()).out)
        self.refused(*given, "-p", "a", "-f", "b", message="exclude each other")
        self.refused(*given, "-f", self.folder, code=1, message="regular file")

    def test_any_bytes_as_prompt(self):
        (self.folder / "p").write_bytes(bytes(range(256)) * 2)
        done = self.succeeds("run", "-m", DEMO, "-n", 4, "-f", self.folder / "p")
        self.assertTrue(done.out.startswith(bytes(range(256)) * 2))

    def test_same_seed_same_text(self):
        given = ["run", "-m", DEMO, "-p", "One day", "-n", 60]
        texts = {self.succeeds(*given, "--seed", 11, *more).out
                 for more in ([], ["--threads", 1], ["--threads", 2], ["--threads", 5], ["--isa", "scalar"])}
        self.assertEqual(len(texts), 1)
        self.assertNotIn(self.succeeds(*given, "--seed", 12).out, texts)

    def test_seed_is_told(self):
        """A random seed is printed, and gives the same answer when it is given."""
        given = ["run", "-m", DEMO, "-p", "One day", "-n", 40]
        first = self.succeeds(*given)
        seed = first.lines[0].rpartition("seed ")[2]
        self.assertEqual(self.succeeds(*given, "--seed", seed).out, first.out)
        self.assertNotEqual(self.succeeds(*given).out, first.out)

    def test_limits_and_stops(self):
        done = self.succeeds("run", "-m", DEMO, "-p", "Once", "-n", 7, "--temp", 0, "--ignore-eos")
        self.assertEqual(self.told_statistics(done)[1], 7)
        text = self.succeeds("run", "-m", DEMO, "-p", "Once", "-n", 60, "--temp", 0).text
        stop = text[30:36]
        self.assertNotIn(stop, "Once")
        stops = ["--stop", "nowhere", "--stop", stop]
        cut = self.succeeds("run", "-m", DEMO, "-p", "Once", "-n", 60, "--temp", 0, *stops).text
        self.assertEqual(cut, text[:text.index(stop, 4)] + "\n")
        wide = self.succeeds("run", "-m", DEMO, "-p", "Once", "-n", 2**24, "--temp", 0, "--stop", stop,
                             "--repeat-last", 2**20, "--repeat-penalty", 1).text
        self.assertEqual(wide, cut)
        self.refused("run", "-m", DEMO, "--stop", "", message="0 bytes")
        self.refused("run", "-m", DEMO, "--stop", "x" * 257, message="257 bytes")

    def test_json(self):
        given = ["run", "-m", DEMO, "-p", "Once \"upon\"\n", "-n", 30, "--seed", 3]
        plain, done = self.succeeds(*given), self.succeeds(*given, "--json")
        lines = [json.loads(line) for line in done.text.splitlines()]
        self.assertEqual(lines[0], {"prompt": "Once \"upon\"\n"})
        self.assertEqual("".join(line["text"] for line in lines[1:-1]) + "\n", plain.text[len("Once \"upon\"\n"):])
        last = lines[-1]
        self.assertIn(last["finish"], ("length", "end"))
        self.assertEqual(last["seed"], 3)
        self.assertEqual((last["prompt_tokens"], last["generated_tokens"]), self.told_statistics(done))
        self.assertEqual(last["live_allocations"], 0)
        self.assertEqual(last["mapped_bytes"], os.path.getsize(DEMO))
        for key in ("prompt_tokens_per_second", "generated_tokens_per_second", "first_token_ms", "peak_memory_bytes"):
            self.assertGreater(last[key], 0)

    def test_streaming(self):
        """Text arrives while the answer is being made."""
        p = start(*ENDLESS, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            got = b""
            while len(got) < 40:
                got += os.read(p.stdout.fileno(), 4096)
            self.assertIsNone(p.poll())
            self.assertTrue(got.startswith(b"Once"))
        finally:
            p.send_signal(signal.SIGINT)
            p.stdout.read()
            self.assertEqual(p.wait(20), 0)
            p.stdout.close()

    def test_interrupt_ends_the_answer(self):
        """One interrupt: the statistics, exit status 0. JSON says why it ended."""
        for more in ([], ["--json"]):
            p = start(*ENDLESS, *more, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            got = os.read(p.stdout.fileno(), 10)
            p.send_signal(signal.SIGINT)
            out, err = p.communicate(timeout=20)
            self.assertEqual(p.returncode, 0)
            self.assertRegex(err.decode().splitlines()[-1], r"^prompt \d+ tokens .* live allocations 0$")
            if more:
                self.assertEqual(json.loads((got + out).splitlines()[-1])["finish"], "cancel")

    def test_second_interrupt_ends_the_program(self):
        """A run that cannot stop, because nobody reads what it writes, is ended by the second interrupt."""
        p = start(*ENDLESS, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        fcntl.fcntl(p.stdout, fcntl.F_SETPIPE_SZ, 4096)
        os.read(p.stdout.fileno(), 10)
        before, since = 0, time.monotonic()
        while time.monotonic() - since < 2:  # until the pipe is full: nothing more came for so long
            time.sleep(0.05)
            if before != self.pending(p.stdout):
                before, since = self.pending(p.stdout), time.monotonic()
        self.assertGreater(before, 1000)
        p.send_signal(signal.SIGINT)
        time.sleep(0.2)
        self.assertIsNone(p.poll())
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(20), -signal.SIGINT)
        p.communicate()

    @staticmethod
    def pending(stream):
        return int.from_bytes(fcntl.ioctl(stream, termios.FIONREAD, bytes(4)), sys.byteorder)

    def test_closed_pipe(self):
        """A listener that goes away ends the run at once, with exit status 1 and not a word."""
        p = start(*ENDLESS, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.read(p.stdout.fileno(), 10)
        p.stdout.close()
        self.assertEqual(p.wait(20), 1)
        self.assertEqual(len(p.stderr.read().splitlines()), 1)  # what was loaded
        p.stderr.close()

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            p = start("run", "-m", DEMO, "-n", 5, stdout=full, stderr=subprocess.PIPE)
            _, err = p.communicate(timeout=20)
            self.assertEqual(p.returncode, 1)
            self.assertRegex(err.decode().splitlines()[-1], "^freehold: standard output: cannot write")

    def test_file_truncated_meanwhile(self):
        """A model file that is cut while it is in use is an error, not a different text."""
        path = self.folder / "cut.gguf"
        shutil.copy(DEMO, path)
        p = start(*ENDLESS, "-m", path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.read(p.stdout.fileno(), 10)
        os.truncate(path, 5000)
        _, err = p.communicate(timeout=20)
        self.assertEqual(p.returncode, 1)
        self.assertIn("truncated while it was in use", err.decode().splitlines()[-1])

    def test_refusals(self):
        for args, message in (
                (["--temp", "-1"], "--temp: found '-1'"), (["--temp", "101"], "from 0 to 100"),
                (["--top-p", "1.5"], "from 0 to 1"),
                (["-n", "x"], "whole number"), (["--seed", "1e9"], "whole number"), (["--threads", "0"], "from 1 to 256"),
                (["--threads", "257"], "from 1 to 256"), (["--isa", "neon"], "auto.scalar.avx2.avx512"),
                (["--tmp", "1"], "did you mean '--temp'"), (["stray"], "unexpected argument 'stray'"),
                (["-m"], "expected a value"), (["-m", ""], "0 bytes"), (["-m", "x" * 5000], "5000 bytes"),
                (["--repeat-last", "0"], "from 1"), (["--repeat-last", str(2**20 + 1)], "from 1 to 1048576"),
                (["--repeat-penalty", "0.5"], "--repeat-penalty: found '0.5', expected a number from 1 to 100")):
            self.refused("run", *args, message=message)
        for option, value in (("--repeat-last", 2**20 + 1), ("--repeat-penalty", 0.5)):
            self.assertNotIn("demo.gguf", self.refused("run", "-m", DEMO, option, value).errors)
        self.refused("run", "-m", DEMO, "-p", "Once upon a time", "--ctx", 2, message="5 tokens fill the context of 2")
        self.refused("run", "-m", self.folder / "none.gguf", code=1, message="none.gguf")
        self.refused("run", "-m", self.folder, code=1, message="expected a regular file, found a directory")
        self.refused("run", "-m", "/dev/null", code=1, message="regular file")
        self.refused("run", "-m", self.folder / "a\x1b[31mb\n.gguf", code=1)


class Inspect(Case):
    def test_json_and_table_agree(self):
        whole = json.loads(self.succeeds("inspect", DEMO, "--json").text)
        self.assertTrue(whole["runs"])
        self.assertEqual(whole["size_bytes"], os.path.getsize(DEMO))
        self.assertEqual(sum(t["tensors"] for t in whole["types"]), len(whole["tensors"]))
        self.assertEqual(sum(t["size_bytes"] for t in whole["tensors"]), sum(t["bytes"] for t in whole["types"]))
        keys = {k["name"]: k["value"] for k in whole["keys"]}
        self.assertEqual(keys["general.architecture"], whole["shape"]["architecture"])
        self.assertEqual(len(keys["tokenizer.ggml.tokens"]), whole["tokenizer"]["tokens"])
        memory = whole["memory"]
        self.assertEqual(memory["context"], whole["shape"]["context"])
        text = self.succeeds("inspect", DEMO).text
        for part in (whole["shape"]["architecture"], f"{whole['shape']['layers']} layers", "Tensors by type", "Memory at a"):
            self.assertIn(part, text)
        self.assertNotIn("\x1b", text)
        self.assertFalse([line for line in text.splitlines() if line != line.rstrip()])
        double = json.loads(self.succeeds("inspect", DEMO, "--json", "--ctx", 2 * memory["context"]).text)["memory"]
        self.assertEqual(double["kv_bytes"], 2 * memory["kv_bytes"])

    def test_lists(self):
        whole = json.loads(self.succeeds("inspect", DEMO, "--json").text)
        text = self.succeeds("inspect", DEMO, "--keys", "--tensors").text
        for name in [k["name"] for k in whole["keys"]] + [t["name"] for t in whole["tensors"]]:
            self.assertIn(name, text)

    def test_dense_and_experts(self):
        self.assertIn("dense", self.succeeds("inspect", self.model()).text)
        text = self.succeeds("inspect", self.model("moe.gguf", "--preset", "tiny-moe")).text
        self.assertRegex(text, r"\d+ experts, \d+ wide each; \d+ of them for a token")

    def test_vocabulary_alone(self):
        """A sound file that cannot run is described, with the reason, and exit status 0."""
        path = data("gguf-vocab/ggml-vocab-gpt-2.gguf")
        self.assertRegex(self.succeeds("inspect", path).text, r"runs here +no: ")
        whole = json.loads(self.succeeds("inspect", path, "--json").text)
        self.assertFalse(whole["runs"])
        self.assertTrue(whole["reason"])

    def test_sums_that_are_too_large(self):
        """Elements of a type of no known size are as many as a file says, and their sum may be more than a number holds."""
        def text(t):
            return struct.pack("<Q", len(t)) + t
        header = b"GGUF" + struct.pack("<IQQ", 3, 4, 1) + text(b"general.architecture") + struct.pack("<I", 8) + text(b"none")
        for i, (kind, many) in enumerate([(31, 2**62), (31, 2**63 - 1), (31, 2**63 - 1), (32, 2**40)]):
            header += text(b"t%d" % i) + struct.pack("<IQIQ", 1, many, kind, 32 * i)
        path = self.folder / "many.gguf"
        path.write_bytes(header + bytes(256))
        whole = json.loads(self.succeeds("inspect", path, "--json").text)
        self.assertEqual({t["type"]: t["elements"] for t in whole["types"]}, {"Q4_0_4_4": 2**64 - 1, "Q4_0_4_8": 2**40})
        self.assertRegex(self.succeeds("inspect", path).text, r"all +4 +18,446,744,073,709,551,615 ")

    def test_refusals(self):
        self.refused("inspect", message="expected FILE")
        self.refused("inspect", "a", "b", message="unexpected argument 'b'")
        self.refused("inspect", DEMO, "--ctx", 0, message="from 1")
        self.refused("inspect", self.folder / "none", code=1)
        path = self.folder / "text.gguf"
        path.write_text("this is no model at all, only a few words\n")
        self.refused("inspect", path, message=r"text.gguf: offset 0: the file begins")


class Tokenize(Case):
    def ids(self, *args, stdin=b""):
        done = self.succeeds("tokenize", *args, stdin=stdin)
        return [int(line) for line in done.text.splitlines()]

    def test_lines_and_json_agree(self):
        text = "Hello, wörld! 1234\n\n  日本 <|endoftext|>".encode()
        ids = self.ids("-m", DEMO, stdin=text)
        whole = json.loads(self.succeeds("tokenize", "-m", DEMO, "--json", stdin=text).text)
        self.assertEqual(whole["ids"], ids)
        self.assertEqual(len(whole["tokens"]), len(ids))
        self.assertEqual(self.ids("-t", DEMO, stdin=text), ids)

    def test_special_tokens(self):
        """Beginning of text unless --no-special; control tokens in the text only with --parse-special."""
        plain = self.ids("-m", DEMO, "--no-special", stdin=b"a<|endoftext|>b")
        begin = self.ids("-m", DEMO, stdin=b"")
        self.assertEqual(self.ids("-m", DEMO, stdin=b"a<|endoftext|>b"), begin + plain)
        end = [t["value"] for t in json.loads(self.succeeds("inspect", DEMO, "--json").text)["keys"]
               if t["name"] == "tokenizer.ggml.eos_token_id"][0]
        self.assertNotIn(end, plain)
        parsed = self.ids("-m", DEMO, "--no-special", "--parse-special", stdin=b"a<|endoftext|>b")
        self.assertEqual(parsed.count(end), 1)
        self.assertLess(len(parsed), len(plain))

    def test_any_bytes(self):
        text = bytes(range(256)) * 40
        self.assertGreater(len(self.ids("-m", DEMO, stdin=text)), 256)
        self.assertEqual(self.ids("-m", DEMO, "--no-special", stdin=b""), [])

    def test_large_text(self):
        """A megabyte in a few seconds: time is near linear."""
        begun = time.monotonic()
        self.assertGreater(len(self.ids("-m", DEMO, stdin=b"ab cd efg " * 100000)), 100000)
        self.ids("-m", DEMO, stdin=b"a" * 1000000)
        self.assertLess(time.monotonic() - begun, 60)

    def test_published_ids(self):
        """The cases that come with a real vocabulary."""
        for name in ("gpt-2", "qwen2", "phi-3"):
            base = data(f"gguf-vocab/ggml-vocab-{name}.gguf")
            with open(base + ".inp", "rb") as f:
                cases = f.read().split(b"\n__ggml_vocab_test__\n")
            with open(base + ".out", encoding="utf-8") as f:
                wanted = [[int(n) for n in line.split()] for line in f.read().splitlines()]
            for text, ids in list(zip(cases, wanted))[:12]:
                self.assertEqual(self.ids("-t", base, "--no-special", stdin=text), ids, (name, text))

    def test_refusals(self):
        self.refused("tokenize", message="expected -m FILE or -t FILE")
        self.refused("tokenize", "-m", DEMO, "-t", DEMO, message="not both")
        path = self.folder / "t.json"
        path.write_text("{\"model\": [}")
        self.refused("tokenize", "-t", path, message=r"t\.json: .*byte 10: expected a model as an object")
        path.write_text("[]")
        self.refused("tokenize", "-t", path)
        self.refused("tokenize", "-m", path, message="offset 0: .*expected")
        path.write_text("")
        self.refused("tokenize", "-t", path)

    def test_other_files(self):
        """A SentencePiece model, and tiktoken ranks, whose name says what they are of unless an option does."""
        ranks, model = self.folder / "gpt2.tiktoken", self.folder / "tokenizer.model"
        lines = [base64.b64encode(token) + b" %d\n" % i for i, token in enumerate([bytes([b]) for b in range(256)] + [b"ab"])]
        ranks.write_bytes(b"".join(lines))
        self.assertEqual(self.succeeds("tokenize", "-t", ranks, stdin=b"ab c").text.split(), ["256", "32", "99"])
        other = self.folder / "ranks"
        other.write_bytes(ranks.read_bytes())
        self.refused("tokenize", "-t", other, message='no encoding "ranks", expected cl100k_base')
        got = self.succeeds("count", "-t", other, "--encoding", "gpt2", "--json", ranks).text
        self.assertEqual(json.loads(got)["tokens"], len(ranks.read_bytes()))
        pieces = [(b"<unk>", 2), ("\u2581a".encode(), 1), (b"b", 1)]  # text and type; a score of 0 each
        parts = [b"\x0a%c%s\x15\0\0\0\0\x18%c" % (len(text), text, kind) for text, kind in pieces]
        model.write_bytes(b"".join(b"\x0a%c%s" % (len(part), part) for part in parts))
        got = json.loads(self.succeeds("tokenize", "-t", model, "--json", stdin=b" a  b").text)
        self.assertEqual((got["ids"], got["offsets"]), ([1, 0, 2], [[1, 2], [2, 4], [4, 5]]))
        model.write_bytes(model.read_bytes()[:-3])
        self.refused("tokenize", "-t", model, message="byte 33: a field of 10 bytes, but 7 are left")

    def test_cache(self):
        """A tokenizer.json as a file that is used in place: the same tokens, and refused where it is damaged."""
        path, cache = self.folder / "t.json", self.folder / "t.cache"
        path.write_text(json.dumps({"model": {"type": "BPE", "unk_token": "u", "merges": ["a b", "ab a"],
                                              "vocab": {"a": 0, "b": 1, "ab": 2, "aba": 3, "u": 4, " ": 5}},
                                    "added_tokens": [{"content": "<x>", "special": True}]}))
        self.assertEqual(self.succeeds("tokenize", "-t", path, "--save-cache", cache).text, "")
        text = b"abab <x> c aba"
        want = self.succeeds("tokenize", "-t", path, "--json", stdin=text).text
        self.assertEqual(self.succeeds("tokenize", "-t", cache, "--json", stdin=text).text, want)
        (self.folder / "text").write_bytes(text)
        counts = [self.succeeds("count", "-t", p, "--json", self.folder / "text").text for p in (path, cache)]
        self.assertEqual(counts[0], counts[1])
        again = self.folder / "again.cache"
        self.succeeds("tokenize", "-t", cache, "--save-cache", again)
        self.assertEqual(len(again.read_bytes()), len(cache.read_bytes()))
        whole = cache.read_bytes()
        for damaged in (whole[:-1], whole[:100], whole[:300] + b"?" + whole[301:], whole + b"?"):
            cache.write_bytes(damaged)
            self.refused("tokenize", "-t", cache, message=r"t\.cache: ")
        self.refused("tokenize", "-m", DEMO, "--save-cache", again, message="has no cache")
        self.assertEqual(len(again.read_bytes()), len(whole))  # what was there stays
        self.refused("tokenize", "-t", path, "--save-cache", self.folder, code=1, message="regular file")


class Count(Case):
    # White_Space of Unicode; str.split() divides at U+001C to U+001F, too.
    SPACES = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8", newline="")
        return path

    def expected(self, *texts):
        counts = Counter(word for text in texts for word in self.SPACES.split(text) if word)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0].encode()))

    def test_counts(self):
        """The list of Counter, for one and several files and threads; the summary goes to standard error."""
        rng = random.Random(1)
        texts = ["".join(rng.choice(["a", "b", "é", "語", " ", "\n", "\u3000", "\x1c", "longer-than-sixteen-bytes "])
                         for _ in range(20000)) for _ in range(3)]
        paths = [self.write(f"{i}.txt", text) for i, text in enumerate(texts)]
        for threads in (1, 3):
            done = self.succeeds("count", "--top", 0, "--threads", threads, *paths)
            self.assertEqual(done.text, "".join(f"{n} {word}\n" for word, n in self.expected(*texts)))
        self.assertRegex(done.errors, r"^[\d,]+ words, [\d,]+ different, in .*/s\n$")
        whole = json.loads(self.succeeds("count", "--json", "--top", 3, paths[0]).text)
        expected = self.expected(texts[0])
        self.assertEqual(whole, {"bytes": len(texts[0].encode()), "words": sum(n for _, n in expected),
                                 "distinct": len(expected),
                                 "top": [{"word": word, "count": n} for word, n in expected[:3]]})
        self.assertEqual(self.succeeds("count", paths[0]).text.count("\n"), 20)
        self.assertEqual(self.succeeds("count", self.write("empty", "")).text, "")

    def test_tokens(self):
        """As many as `tokenize` gives, in one piece or in many."""
        text = "Once upon a time\nthere was  a\n\n  dog, and\té it\u3000ran.\n" * 60000
        path = self.write("long.txt", text)
        short = self.write("short.txt", text[:5000])
        ids = self.succeeds("tokenize", "-m", DEMO, "--no-special", stdin=short.read_bytes()).text.splitlines()
        whole = json.loads(self.succeeds("count", "--json", "-m", DEMO, short).text)
        self.assertEqual(whole["tokens"], len(ids))
        for vocabulary in ("tokenizers/gpt2.json", "gguf-vocab/ggml-vocab-gpt-2.gguf", "gguf-vocab/ggml-vocab-qwen2.gguf"):
            vocabulary = data(vocabulary)
            ids = self.succeeds("tokenize", "-t", vocabulary, "--no-special", stdin=path.read_bytes()).text.splitlines()
            whole = json.loads(self.succeeds("count", "--json", "-t", vocabulary, "--threads", 2, path).text)
            self.assertEqual(whole["tokens"], len(ids))

    def test_tokens_of_paragraphs(self):
        """White space before a line is other tokens than at the end of a text, so where it is cut must not show."""
        ends = ["\n\n", "\r\n", "\r\n\r\n", "\n\n\n", "\n \n", "\u3000\n", " \n"]
        texts = [" telecommunications" * 55188 + f" Once upon a time.{end}There was a dog{end}" * 200 for end in ends]
        for vocabulary in ("gpt-2", "llama-bpe", "qwen2"):
            vocabulary = data(f"gguf-vocab/ggml-vocab-{vocabulary}.gguf")
            for end, text in zip(ends, texts):
                path = self.write("long.txt", text)
                ids = self.succeeds("tokenize", "-t", vocabulary, "--no-special", stdin=path.read_bytes()).out.count(b"\n")
                whole = json.loads(self.succeeds("count", "--json", "-m", vocabulary, "--threads", 2, path).text)
                self.assertEqual(whole["tokens"], ids, (vocabulary, end))

    def test_refused(self):
        path = self.write("a", "a")
        self.refused("count", message="expected FILE")
        self.refused("count", path, self.folder / "absent", code=1, message="absent: .*No such file")
        self.refused("count", self.folder, code=1, message="expected a regular file")
        self.refused("count", "-m", "x", "-t", "y", path, message="not both")
        self.refused("count", "-t", path, path, message="a: ")


class TrainTokenizer(Case):
    """A tokenizer.json from text, the same for any number of threads and any order of the files."""

    TEXT = "the lower the slower, the newest of the widest towers: 日本\n" * 40

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8", newline="")
        return path

    def train(self, *args):
        out = self.folder / "tokenizer.json"
        done = self.succeeds("train-tokenizer", "-o", out, *args)
        return out.read_bytes(), done

    def test_models(self):
        a, b = self.write("a", self.TEXT), self.write("b", "other words\n")
        for model, kind, vocab in (("bpe", "BPE", 300), ("wordpiece", "WordPiece", 60), ("wordlevel", "WordLevel", 5),
                                   ("unigram", "Unigram", 40)):
            one, done = self.train("--model", model, "--vocab-size", vocab, "--threads", 1, "--json", a, b)
            three, _ = self.train("--model", model, "--vocab-size", vocab, "--threads", 3, b, a)
            self.assertEqual(one, three)
            parsed = json.loads(one)
            self.assertEqual(parsed["model"]["type"], kind)
            numbers = json.loads(done.text)
            self.assertEqual((numbers["model"], numbers["vocab_size"]), (kind, len(parsed["model"]["vocab"])))
            self.assertIn(numbers["vocab_size"], range(vocab // 2, vocab + 1))
            self.assertEqual(numbers["bytes"], len(self.TEXT.encode()) + 12)
            self.assertIn("words", done.errors)

    def test_loads_here(self):
        path = self.write("a", self.TEXT)
        self.train("--vocab-size", 290, "--special", "<|end|>", path)
        ids = self.succeeds("tokenize", "-t", self.folder / "tokenizer.json", "--json", stdin="the lower 日本 ÿ".encode())
        tokens = json.loads(ids.text)["tokens"]
        self.assertIn("the", tokens)

    def test_long_unknown_token(self):
        unk, text = "<" + "é" * 150 + "\">", self.write("a", self.TEXT)
        for model in ("bpe", "wordpiece", "wordlevel", "unigram"):
            made, _ = self.train("--model", model, "--vocab-size", 300, "--unk", unk, text)
            made = json.loads(made)["model"]
            vocab = made["vocab"]
            self.assertEqual(vocab[0][0] if model == "unigram" else min(vocab, key=vocab.get), unk)
            self.assertEqual(made.get("unk_token", unk), unk)

    def test_like(self):
        """Everything but the vocabulary comes from another file, and what names tokens finds them."""
        special = {"single_word": False, "lstrip": True, "rstrip": False, "normalized": False, "special": True}
        like = {"version": "1.0", "truncation": None, "padding": None,
                "added_tokens": [{"id": 5, "content": "[SEP]", **special}, {"id": 9, "content": "[CLS]", **special}],
                "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
                "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 5], "cls": ["[CLS]", 9]},
                "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False},
                "model": {"type": "WordPiece", "unk_token": "[U]", "continuing_subword_prefix": "@@",
                          "max_input_chars_per_word": 30,
                          "vocab": {t: i for i, t in enumerate(["[U]", "1", "2", "3", "4", "[SEP]", "6", "7", "8", "[CLS]"])}}}
        path, given = self.write("a", "The LOWER, the slower\n" * 9), self.write("like.json", json.dumps(like))
        made, _ = self.train("--like", given, "--special", "<x>", "--vocab-size", 60, path)
        made = json.loads(made)
        for same in ("normalizer", "pre_tokenizer", "decoder"):
            self.assertEqual(made[same], like[same])
        vocab = made["model"].pop("vocab")
        self.assertEqual(made["model"], {k: v for k, v in like["model"].items() if k != "vocab"})
        self.assertEqual([vocab[t] for t in ("[U]", "[SEP]", "[CLS]", "<x>")], [0, 1, 2, 3])
        self.assertEqual(made["added_tokens"][1], {"id": 1, "content": "[SEP]", **special})
        self.assertEqual(made["added_tokens"][3], {"id": 3, "content": "<x>", **special, "lstrip": False})
        self.assertEqual(made["post_processor"], {"type": "BertProcessing", "sep": ["[SEP]", 1], "cls": ["[CLS]", 2]})
        self.assertTrue({"lower", "slower", ","} <= vocab.keys())
        done = self.succeeds("tokenize", "-t", self.folder / "tokenizer.json", "--json", stdin="LOWER".encode())
        self.assertEqual(json.loads(done.text)["ids"], [2, vocab["lower"], 1])

    def test_like_refused(self):
        path, out = self.write("a", self.TEXT), self.folder / "never.json"
        bad = self.write("bad.json", "{}")
        for option, value in (("--model", "bpe"), ("--cut", "none"), ("--unk", "x")):
            self.refused("train-tokenizer", "-o", out, "--like", bad, option, value, path,
                         message=f"--like says what {option} does")
        self.refused("train-tokenizer", "-o", out, "--like", bad, path, message="bad.json: tokenizer.json has no model")
        self.refused("train-tokenizer", "-o", out, "--like", self.folder / "absent", path, code=1, message="No such file")
        self.assertFalse(out.exists())

    def test_refused(self):
        path, out = self.write("a", self.TEXT), self.folder / "never.json"
        bad = self.folder / "bad"
        bad.write_bytes(b"good\nb\xff\n")
        self.refused("train-tokenizer", path, message="expected -o FILE")
        self.refused("train-tokenizer", "-o", out, message="expected FILE")
        self.refused("train-tokenizer", "-o", out, bad, message="bad: offset 6: expected UTF-8 text")
        self.refused("train-tokenizer", "-o", out, "--model", "unigram", "--vocab-size", 5, path,
                     message="vocab_size: 5, expected")
        self.refused("train-tokenizer", "-o", out, "--model", "wordlevel", "--prefix", "x", path, message="no use")
        self.refused("train-tokenizer", "-o", out, self.folder / "absent", code=1, message="No such file")
        self.assertFalse(out.exists())


class Index(Case):
    STORY = "Once there was a brave dog.\n\nThe dog ran to the big tree. It was happy!\n"

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def test_folder(self):
        """What is read and what is passed over; the same file from any number of threads; each sentence finds itself."""
        self.write("t/b.txt", self.STORY)
        self.write("t/a/Ä b\n.md", "# A cat\n\nThe cat sat down.\n")
        self.write("t/x.bin", b"\0\1\2")
        self.write("t/latin", b"caf\xe9")
        self.write("t/.git/config", "secret words")
        self.write("t/empty", "")
        self.write("t/long.txt", "long words " * 100000)
        (self.folder / "t/a/up").symlink_to("..")
        (self.folder / "t/gone").symlink_to("nowhere")
        os.mkfifo(self.folder / "t/pipe")
        files = []
        for threads in (1, 3):
            files.append(self.folder / f"{threads}.fhx")
            done = self.succeeds("index", "build", "--json", "--file-max", 1, "--threads", threads, "-o", files[-1],
                                 self.folder / "t")
            told = json.loads(done.text)
            self.assertEqual((told["files"], told["passages"], told["model"], told["pooling"]), (2, 5, "demo.gguf", "mean"))
            self.assertEqual({k: v for k, v in told["passed_over"].items() if v},
                             {"hidden": 1, "empty": 1, "too long": 1, "binary": 2, "met before": 1, "no files": 1,
                              "unreadable": 1})
            self.assertRegex(done.errors, r"^5 passages of 2 files, .* · passed over: 1 hidden, 1 empty, .* · .*\.fhx\n$")
        self.assertEqual(files[0].read_bytes(), files[1].read_bytes())
        (self.folder / "t/b.txt").unlink()  # the texts are in the file
        for text, name, line in (("It was happy!", "t/b.txt", 3), ("# A cat", "t/a/Ä b\\x0a.md", 1)):
            first = self.succeeds("index", "search", files[0], text).text.splitlines()[0]
            self.assertEqual(first, f"1.0000\t{self.folder}/{name}:{line}\t{text}")

    def test_queries(self):
        """Lines of standard input, each with its answers; objects, each on a line."""
        index = self.folder / "index.fhx"
        self.succeeds("index", "build", "--flat", "--metric", "l2", self.write("s.txt", self.STORY), cwd=self.folder)
        queries = "The dog ran to the big tree.\n\n   \nIt was happy!"
        done = self.succeeds("index", "search", "-k", 2, index, stdin=queries.encode())
        answers = [part.splitlines() for part in done.text.split("\n\n")]
        self.assertEqual([(a[0], len(a)) for a in answers], [("The dog ran to the big tree.", 3), ("It was happy!", 3)])
        self.assertRegex(answers[0][1], r"^0\.0000\t.*s\.txt:3\tThe dog ran to the big tree\.$")
        lines = self.succeeds("index", "search", "-k", 2, "--json", index, stdin=queries.encode()).text.splitlines()
        hits = [json.loads(line) for line in lines]
        self.assertEqual([(h["query"], h["rank"]) for h in hits],
                         [(q, rank) for q in ("The dog ran to the big tree.", "It was happy!") for rank in (1, 2)])
        for h in hits:
            self.assertEqual(self.STORY.encode()[h["offset"]:h["offset"] + h["length"]].decode(), h["text"])
        self.assertEqual(self.succeeds("index", "search", index).text, "")
        words = b"word " * 600
        self.refused("index", "search", index, stdin=b"ok\n" + words, message="standard input, line 2: the query has .* tokens")

    def test_interrupt(self):
        """Ctrl-C leaves no file behind."""
        text = self.write("t.txt", "".join(f"The dog number {i} ran home to its mother. " for i in range(20000)))
        p = start("index", "build", "--threads", 1, "-o", self.folder / "i.fhx", text, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not any(name.startswith("i.fhx.tmp") for name in os.listdir(self.folder)) and time.monotonic() < deadline:
            time.sleep(0.02)
        p.send_signal(signal.SIGINT)
        errors = p.communicate(timeout=60)[1].decode()
        self.assertEqual((p.returncode, errors), (2, "freehold: interrupted; no file was written\n"))
        self.assertEqual(os.listdir(self.folder), ["t.txt"])

    def test_refused(self):
        path = self.write("a.txt", self.STORY)
        index = self.folder / "a.fhx"
        self.refused("index", message="found '', expected build or search")
        self.refused("index", "build", message="expected FOLDER")
        self.refused("index", "search", message="expected INDEX")
        self.refused("index", "build", self.folder / "absent", code=1, message="absent: cannot look at: No such file")
        self.refused("index", "build", "--chunk", 513, path, message="texts of 513 tokens, expected at most 512")
        self.refused("index", "build", "-o", self.folder / "no/x", path, code=1, message="no/x: cannot open the directory")
        self.refused("index", "build", self.write("b", b"\0"), message="found no text in 1 file")
        self.succeeds("index", "build", "-o", index, path)
        self.refused("index", "search", "-m", self.model(), index, "x", message="tiny.gguf: another model than .*'demo.gguf'")
        self.refused("index", "search", path, "x", message="a.txt: offset 72: index of texts of 72 bytes, expected")
        self.refused("index", "search", index, "two", "words", message="put into quotes")
        whole = index.read_bytes()
        for size in (0, 100, len(whole) // 2, len(whole) - 1):
            index.write_bytes(whole[:size])
            self.refused("index", "search", index, "x", message="a.fhx: ")


class Bench(Case):
    def test_json(self):
        given = ["bench", "-m", self.model(), "-p", 16, "-n", 4, "-r", 3, "--threads", "1,2"]
        whole = json.loads(self.succeeds(*given, "--json").text)
        self.assertEqual([(r["test"], r["threads"]) for r in whole["results"]],
                         [("pp16", 1), ("tg4", 1), ("pp16", 2), ("tg4", 2)])
        for result in whole["results"]:
            samples = sorted(result["samples"])
            self.assertEqual(len(samples), 3)
            self.assertEqual(result["median"], samples[1])
            self.assertAlmostEqual(result["mean"], sum(samples) / 3, delta=result["mean"] * 1e-9)
            self.assertGreater(result["ops_per_token"], 0)
            self.assertGreaterEqual(result["sd"], 0)

    def test_cost_of_a_token(self):
        """A dense, untied model of float32: a token reads every matrix, norm and one row of the embedding."""
        path = self.model("d.gguf", "--type", "F32")
        shape = json.loads(self.succeeds("inspect", path, "--json").text)
        result = json.loads(self.succeeds("bench", "-m", path, "-p", 0, "-n", 2, "-r", 1, "--json").text)["results"][0]
        dims = {t["name"]: t for t in shape["tensors"]}
        total = sum(t["size_bytes"] for t in shape["tensors"])
        embedding = dims["token_embd.weight"]
        if "output.weight" in dims:
            total -= embedding["size_bytes"] - embedding["size_bytes"] // embedding["dims"][1]
        self.assertEqual(result["bytes_per_token"], total)
        matrices = sum(t["dims"][0] * t["dims"][1] for n, t in dims.items()
                       if len(t["dims"]) == 2 and (n != "token_embd.weight" or "output.weight" not in dims))
        self.assertEqual(result["ops_per_token"], 2 * matrices)

    def test_table(self):
        text = self.succeeds("bench", "-m", self.model(), "-p", 8, "-n", 3, "-r", 2).text
        self.assertRegex(text, r"pp8 .*Gop/s")
        self.assertRegex(text, r"tg3 .*Gop/s, .*GB/s of weights")
        text = self.succeeds("bench", "-m", self.model(), "-p", 5000, "-n", 0, "-r", 1).text
        self.assertRegex(text, r"pp5000 ")
        self.assertNotIn("tg", text.split("\n", 1)[1])

    def test_refusals(self):
        for threads in ("", "0", "1,", "1,x", "257", ",".join("1" * 17)):
            self.refused("bench", "-m", DEMO, "--threads", threads, message="--threads")
        self.refused("bench", "-m", DEMO, "-p", 0, "-n", 0, message="nothing to measure")
        self.refused("bench", "-m", DEMO, "-r", 0, message="from 1 to 100")


class Mkmodel(Case):
    def test_bytes_depend_on_options_alone(self):
        first, same, other = self.model("a"), self.model("b"), self.model("c", "--seed", "1")
        self.assertEqual(first.read_bytes(), same.read_bytes())
        self.assertNotEqual(first.read_bytes(), other.read_bytes())

    def test_every_kind_runs(self):
        for arch in ("llama", "qwen3", "qwen3moe", "olmoe"):
            for kind in ("F32", "F16", "BF16", "Q8_0", "Q4_0"):
                path = self.model(f"{arch}-{kind}", "--arch", arch, "--type", kind)
                done = self.succeeds("run", "-m", path, "-p", "ab", "-n", 3, "--temp", 0, "--ignore-eos")
                self.assertEqual(self.told_statistics(done)[1], 3)
                self.assertIn(arch, done.lines[0])

    def test_whole_or_not_at_all(self):
        self.refused("mkmodel", message="expected -o FILE")
        self.refused("mkmodel", "-o", self.folder / "x", "--preset", "huge", message="expected one of tiny")
        self.refused("mkmodel", "-o", self.folder / "no/x", code=1)
        self.assertEqual(list(self.folder.iterdir()), [])
        p = start("mkmodel", "--preset", "tinyllama", "-o", self.folder / "big", stderr=subprocess.PIPE)
        time.sleep(0.3)
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=60)
        if p.returncode != 0:  # a fast machine may be done
            self.assertIn(b"interrupted; no file was written", err)
            self.assertEqual(list(self.folder.iterdir()), [])


class Hardened(Case):
    """Hardened memory is a matter of the memory alone: every verb says what it says without."""

    def ways(self, *args, **options):
        """The same command plain, by the option and by the environment."""
        return [self.succeeds(*args, **options), self.succeeds("--hardened", *args, **options),
                self.succeeds(*args, env={"FREEHOLD_HARDENED": "1"}, **options)]

    def test_same_output(self):
        model = self.model("moe.gguf", "--preset", "tiny-moe")
        for args in (["run", "-m", DEMO, "-p", "Once upon a time", "-n", 60, "--seed", 7],
                     ["run", "-m", DEMO, "-p", "A dog", "-n", 30, "--temp", 0, "--threads", 2],
                     ["run", "-m", model, "-p", "x", "-n", 20, "--seed", 3, "--ignore-eos"],
                     ["tokenize", "-m", DEMO, "--json"], ["inspect", DEMO, "--json"], ["help"]):
            plain, *hardened = self.ways(*args, stdin=b"The quick brown fox.\n")
            for done in hardened:
                self.assertEqual(done.out, plain.out, args)
                self.assertEqual(len(done.lines), len(plain.lines), done.errors)
        self.refused("--hardened", "rnu", message="did you mean 'run'")

    def test_published_text(self):
        model = data("models/stories260k-F32.gguf")
        with open(data("models/expected-greedy-200.txt"), "rb") as f:
            expected = f.read()
        for done in self.ways("run", "-m", model, "-p", "", "-n", 200, "--temp", 0):
            self.assertEqual(done.out[:len(expected)], expected)
            self.assertEqual(self.told_statistics(done), (1, 200))

    def test_it_is_on(self):
        """The pools of a run reserve the address space that traps, and hold back what was released."""
        report = self.folder / "memory.json"
        pools = []
        for on in ("0", "1"):
            self.succeeds("run", "-m", DEMO, "-p", "a", "-n", 8, "--memory-report", report, env={"FREEHOLD_HARDENED": on})
            moments = json.loads(report.read_text())["moments"]
            owners = [owner for moment in moments for owner in moment["memory"]["owners"]]
            pools.append({o["name"]: o["reserved_bytes"] for o in owners if o["kind"] == "pool"})
        self.assertTrue(pools[0])
        self.assertEqual(pools[0].keys(), pools[1].keys())
        for name, reserved in pools[0].items():
            self.assertGreater(pools[1][name], reserved + (1 << 20), name)


class CommandLine(Case):
    def test_help(self):
        whole = self.succeeds("--help").text
        self.assertEqual(self.succeeds("help").text, whole)
        for verb in ("run", "inspect", "tokenize", "bench", "index", "mkmodel", "memory"):
            self.assertIn(f"  {verb} ", whole)
            text = self.succeeds("help", verb).text
            self.assertEqual(self.succeeds(verb, "--help").text, text)
            self.assertEqual(self.succeeds(verb, "-m", "x", "-h").text, text)
            self.assertLess(text.index("Examples"), text.index("Options"))
            self.assertNotIn("\x1b", text)
            self.assertLessEqual(max(map(len, text.splitlines())), 100)

    def test_version(self):
        lines = self.succeeds("--version").text.splitlines()
        self.assertRegex(lines[0], r"^freehold \d+\.\d+\.\d+( \(commit [0-9a-f]{7,}\))?$")
        self.assertRegex(lines[1], r"^compiler (gcc|.*[Cc]lang) ?.*\d")
        self.assertRegex(lines[2], r"^instruction set (scalar|avx2|avx512), \d+ processors?$")

    def test_refusals(self):
        self.refused("rnu", message="unknown verb 'rnu'; did you mean 'run'?")
        self.refused("frobnicate", message="unknown verb 'frobnicate' ")
        self.refused("help", "tokenise", message="did you mean 'tokenize'")
        self.refused("\x1b]0;title\x07", message=r"unknown verb")
        self.refused("", message="unknown verb")
        self.refused(*["x"] * 257, message="at most 256")
        done = run()
        self.assertEqual(done.code, 2)
        self.assertIn("Examples", done.errors)

    def test_closed_output(self):
        with open("/dev/full", "wb") as full:
            for args in (["--help"], ["--version"], ["help", "run"], ["inspect", DEMO], ["inspect", DEMO, "--json"]):
                p = start(*args, stdout=full, stderr=subprocess.PIPE)
                self.assertIn(b"standard output: cannot write", p.communicate(timeout=20)[1])
                self.assertEqual(p.returncode, 1, args)
            read, write = os.pipe()
            os.close(read)
            p = start("help", stdout=write, stderr=subprocess.PIPE)
            os.close(write)
            self.assertEqual((p.communicate(timeout=20)[1], p.returncode), (b"", 1))

    def test_closed_error(self):
        """Nobody listens to the heading of an answer: the system's fault, not that of the command line."""
        read, write = os.pipe()
        os.close(read)
        p = start("run", "-m", DEMO, "-n", 1, stdout=subprocess.DEVNULL, stderr=write)
        os.close(write)
        self.assertEqual(p.wait(timeout=60), 1)

    def test_started_without_streams(self):
        """A file that is opened by a program without standard input or output is not taken for them."""
        def started(*args, without, **streams):
            return start(*args, preexec_fn=lambda: [os.close(fd) for fd in without], **streams)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        for args in (["tokenize", "-m", DEMO], ["run", "-m", DEMO, "-n", 1, "-f", "-"]):
            p = started(*args, without=[0], **pipes)
            out, err = p.communicate(timeout=60)
            self.assertEqual((p.returncode, out), (1, b""), err)
            self.assertRegex(err, rb"\Afreehold: standard input: [^\n]*\n\Z")
        p = started("run", "-m", DEMO, "-n", 1, without=[0], **pipes)
        self.assertTrue(p.communicate(timeout=60)[0])
        self.assertEqual(p.returncode, 0)
        p = started("inspect", DEMO, without=[0, 1], stderr=subprocess.PIPE)
        self.assertRegex(p.communicate(timeout=60)[1], b"standard output: cannot write")
        self.assertEqual(p.returncode, 1)
        for args in (["inspect", DEMO], ["run", "-m", DEMO, "-n", 1]):
            self.assertEqual(started(*args, without=[0, 1, 2]).wait(timeout=60), 1)


class Terminal(Case):
    """What a person sees."""

    def on_terminal(self, *args, env=None, until=None, keys=b"", stdin=None):
        """Runs with all streams on a terminal; types `keys` once `until` was seen. Returns exit status and what was shown."""
        try:
            pid, fd = pty.fork()
        except OSError as error:
            self.skipTest(f"there are no pseudo-terminals here: {error}")
        if pid == 0:
            whole = {"PATH": os.environ.get("PATH", ""), "TERM": "xterm-256color", **(env or {})}
            if stdin is not None:
                os.dup2(os.open(stdin, os.O_RDONLY), 0)
            os.execve(PROGRAM, [PROGRAM, *map(str, args)], whole)
        shown, typed, deadline = b"", until is None, time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([fd], [], [], 1)[0]:
                try:
                    got = os.read(fd, 65536)
                except OSError:
                    break
                if not got:
                    break
                shown += got
            if not typed and until in shown:
                os.write(fd, keys)
                typed = True
        os.close(fd)
        status = os.waitpid(pid, 0)[1]
        return os.waitstatus_to_exitcode(status), shown.decode("utf-8", "replace").replace("\r\n", "\n")

    def test_ctrl_c(self):
        """Ctrl-C on the keyboard: the answer ends its line, the statistics follow, exit status 0."""
        code, shown = self.on_terminal(*ENDLESS, until=b"Once\x1b[0m", keys=b"\x03")
        self.assertEqual(code, 0)
        self.assertRegex(shown, r"\n\x1b\[2mprompt \d+ tokens .* live allocations 0\x1b\[0m\n$")

    def test_colours(self):
        code, shown = self.on_terminal("run", "-m", DEMO, "-p", "Once", "-n", 5)
        self.assertEqual(code, 0)
        self.assertIn("\x1b[1mOnce\x1b[0m", shown)
        for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            code, shown = self.on_terminal("run", "-m", DEMO, "-p", "Once", "-n", 5, env=env)
            self.assertEqual(code, 0)
            self.assertNotRegex(shown, r"\x1b\[[0-9;]*m")

    def test_prompt_cannot_steer(self):
        """Control characters in a prompt are shown, not obeyed; a pipe gets the bytes."""
        _, shown = self.on_terminal("run", "-m", DEMO, "-p", "\x1b]0;title\x07x", "-n", 1)
        self.assertIn("\\x1b]0;title\\x07x", shown)
        piped = self.succeeds("run", "-m", DEMO, "-p", "\x1b]0;title\x07x", "-n", 1)
        self.assertTrue(piped.text.startswith("\x1b]0;title\x07x"))

    def test_pieces(self):
        (self.folder / "t").write_text("Hello wide world\n")
        code, shown = self.on_terminal("tokenize", "-m", DEMO, "--no-special", stdin=self.folder / "t")
        self.assertEqual(code, 0)
        pieces = re.findall(r"\x1b\[30;48;5;(\d+)m(.*?)\x1b", shown)
        self.assertEqual("".join(text for _, text in pieces), "Hello wide world⏎")
        self.assertTrue(all(a[0] != b[0] for a, b in zip(pieces, pieces[1:])))
        self.assertRegex(shown, r"tokens\x1b\[0m\n$")
        code, shown = self.on_terminal("tokenize", "-m", DEMO, "--no-special", stdin=self.folder / "t",
                                       env={"NO_COLOR": "1"})
        self.assertEqual(shown.split("⏎")[0], "|".join(text for _, text in pieces)[:-1])

    def test_found_passages(self):
        """File and line in colour, the text below; a file's name and text cannot steer the terminal."""
        (self.folder / "a\x1bb").write_text("The dog\x1b]0;title\x07 ran.\n")
        self.succeeds("index", "build", self.folder / "a\x1bb", cwd=self.folder)
        code, shown = self.on_terminal("index", "search", self.folder / "index.fhx", "dogs")
        self.assertEqual(code, 0)
        self.assertRegex(shown, r"^\x1b\[2m0\.\d{4}\x1b\[0m  \x1b\[36m.*/a\\x1bb\x1b\[0m:1\n        "
                                r"The dog\\x1b\]0;title\\x07 ran\.\n$")

    def test_progress(self):
        """A long piece of work shows a bar on a terminal and takes it away again; elsewhere there is none."""
        code, shown = self.on_terminal("mkmodel", "--preset", "110m", "--type", "Q8_0", "-o", self.folder / "m")
        self.assertEqual(code, 0)
        if "writing model" in shown:  # a fast machine may not need it
            self.assertIn(" %  ", shown)
            self.assertGreater(shown.rindex("\r\x1b[K"), shown.rindex("writing model"))
        prompt = self.folder / "p"
        prompt.write_text("many words " * 150)
        code, shown = self.on_terminal("run", "-m", DEMO, "-f", prompt, "-n", 2)
        self.assertEqual(code, 0)
        self.assertIn("reading prompt", shown)
        self.assertGreater(shown.index("many words"), shown.rindex("reading prompt"))
        self.assertNotIn("reading prompt", self.succeeds("run", "-m", DEMO, "-f", prompt, "-n", 2).errors)


if __name__ == "__main__":
    unittest.main(verbosity=2)
