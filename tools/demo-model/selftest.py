"""Checks of the parts that need no training: grammar, tokenizer, GGUF file.

Run with: /usr/bin/python3 tools/demo-model/selftest.py
"""

import os
import re
import tempfile
import unittest

import numpy as np

import gguf
import plots
from corpus import story
from tokenizer import SPLIT, Tokenizer

STORIES = [story(7, i) for i in range(2000)]


class Grammar(unittest.TestCase):
    def test_same_number_same_story(self):
        self.assertEqual(STORIES[:50], [story(7, i) for i in range(50)])
        self.assertEqual(len(set(STORIES)), len(STORIES))

    def test_every_plot_appears(self):
        self.assertGreaterEqual(len(plots.PLOTS), 20)
        self.assertTrue(plots.STEADY < set(plots.PLOTS))

    def test_form(self):
        wrong = {
            "a before a vowel": r"\b[Aa] [aeiou]",
            "an before a consonant": r"\b[Aa]n [^aeiou]",
            "unfilled field": r"[{}]",
            "doubled space": r"  ",
            "doubled word": r"\b(?!had\b|that\b)(\w+) \1\b",
            "space before a mark": r" [,.!?]",
            "small letter after a full stop": r"\. [a-z]",
            "doubled mark": r"[.,]{2}",
        }
        for name, pattern in wrong.items():
            for text in STORIES:
                hit = re.search(pattern, text)
                self.assertIsNone(hit, f"{name}: {hit and text[max(0, hit.start() - 30):][:70]}")

    def test_quotes_close_in_each_paragraph(self):
        for text in STORIES:
            for paragraph in text.split("\n\n"):
                self.assertEqual(paragraph.count('"') % 2, 0, paragraph)

    def test_length(self):
        words = [len(t.split()) for t in STORIES]
        self.assertGreater(min(words), 75)
        self.assertLess(max(words), 230)


class Bpe(unittest.TestCase):
    def setUp(self):
        self.tok = Tokenizer.train(STORIES[:500], 600)

    def test_size(self):
        self.assertEqual(len(self.tok.tokens), 600)
        self.assertEqual(len(set(self.tok.tokens)), 600)
        self.assertEqual(self.tok.end, 599)

    def test_round_trip(self):
        odd = "Hello  world!!\n\n x_y 12ab don't \u00e9\u00f1 \u4f60\u597d \U0001f600\ttab\r\n end  "
        for text in STORIES[:200] + [odd, "", " ", "\n"]:
            self.assertEqual(self.tok.decode(self.tok.encode(text)), text)
            self.assertEqual("".join(SPLIT.findall(text)), text)

    def test_training_is_deterministic(self):
        self.assertEqual(Tokenizer.train(STORIES[:500], 600).merges, self.tok.merges)


class File(unittest.TestCase):
    def test_round_trip(self):
        rng = np.random.default_rng(0)
        a = rng.standard_normal((3, 4, 64)).astype(np.float32)
        a[0, 0] = 0
        b = rng.standard_normal(5).astype(np.float32)
        metadata = [("general.architecture", gguf.STRING, "test"), ("n", gguf.U32, 7),
                    ("words", gguf.STRING, ["a", "\u0120b"]), ("yes", gguf.BOOL, True)]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.gguf")
            gguf.write(path, metadata, [("a", a, gguf.TYPE_Q8_0), ("b", b, gguf.TYPE_F32)])
            r = gguf.Reader(path)
        self.assertEqual(r.metadata, {k: v for k, _, v in metadata})
        np.testing.assert_array_equal(r.tensors["b"], b)
        np.testing.assert_allclose(r.tensors["a"], a, atol=np.abs(a).max() / 127)
        np.testing.assert_array_equal(r.tensors["a"][0, 0], 0)

    def test_row_length(self):
        with self.assertRaises(ValueError):
            gguf.write("/dev/null", [], [("a", np.zeros((2, 33)), gguf.TYPE_Q8_0)])


if __name__ == "__main__":
    unittest.main()
