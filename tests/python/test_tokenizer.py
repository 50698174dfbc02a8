#!/usr/bin/env python3
"""Tokenizer of the Python package beside Hugging Face's `tokenizers`: the numbers here are that package's (0.23.3); where it is
installed, real vocabularies are compared live.

    PYTHONPATH=build/dev/python tests/python/test_tokenizer.py"""
import base64
import gc
import json
import os
import pickle
import random
import tempfile
import threading
import unittest
from array import array
from concurrent.futures import ThreadPoolExecutor

from freehold import DecodeStream, Tokenizer, _freehold, models

try:
    import numpy
except ImportError:
    numpy = None
try:
    import tokenizers as reference
except ImportError:
    reference = None

DATA = os.path.join(os.environ.get("FREEHOLD_DATA") or os.environ.get("FREEHOLD_DATA_DEFAULT", ""), "tokenizers")
VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "quick", "fox", "##es", "jump", "##ed", "##s", ",", "!", "é", "über"]


def added(id):
    return {"id": id, "content": VOCAB[id], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": True}


TINY = json.dumps({
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": [added(id) for id in range(4)],
    "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": {"type": "TemplateProcessing",
                       "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                                  {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
                       "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                                {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
                                {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
                       "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                                          "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
              "vocab": {token: id for id, token in enumerate(VOCAB)}}})


def whole(e):
    """Everything of an encoding."""
    return (e.ids, e.type_ids, e.tokens, e.offsets, e.word_ids, e.special_tokens_mask, e.attention_mask, e.sequence_ids)


class Tiny(unittest.TestCase):
    def setUp(self):
        self.tokenizer = Tokenizer.from_str(TINY)

    def test_encode(self):
        e = self.tokenizer.encode("The É foxes, zzz!")
        self.assertEqual(e.ids, [2, 4, 13, 6, 7, 11, 1, 12, 3])
        self.assertEqual(e.tokens, ["[CLS]", "the", "é", "fox", "##es", ",", "[UNK]", "!", "[SEP]"])
        self.assertEqual(e.offsets, [(0, 0), (0, 3), (4, 5), (6, 9), (9, 11), (11, 12), (13, 16), (16, 17), (0, 0)])
        self.assertEqual(e.word_ids, [None, 0, 1, 2, 2, 3, 4, 5, None])
        self.assertEqual(e.special_tokens_mask, [1, 0, 0, 0, 0, 0, 0, 0, 1])
        self.assertEqual(e.attention_mask, [1] * 9)
        self.assertEqual((len(e), e.type_ids, e.overflowing, e.n_sequences), (9, [0] * 9, [], 1))
        self.assertEqual((e.char_to_token(10), e.char_to_token(3), e.token_to_chars(4)), (4, None, (9, 11)))
        self.assertEqual((e.word_to_tokens(2), e.word_to_chars(2)), ((3, 5), (6, 11)))
        self.assertEqual((e.token_to_word(4), e.char_to_word(9)), (2, 2))
        self.assertEqual((e.token_to_word(0), e.word_to_tokens(9), e.token_to_sequence(99)), (None, None, None))
        self.assertEqual(self.tokenizer.encode("the fox", add_special_tokens=False).ids, [4, 6])
        self.assertEqual(self.tokenizer.encode("").ids, [2, 3])

    def test_pair(self):
        e = self.tokenizer.encode("the fox", "jumps [SEP]")
        self.assertEqual(e.tokens, ["[CLS]", "the", "fox", "[SEP]", "jump", "##s", "[SEP]", "[SEP]"])
        self.assertEqual(e.type_ids, [0, 0, 0, 0, 1, 1, 1, 1])
        self.assertEqual(e.sequence_ids, [None, 0, 0, None, 1, 1, 1, None])
        self.assertEqual((e.n_sequences, e.char_to_token(0, 1), e.word_to_tokens(0, 1)), (2, 4, (4, 6)))
        batch = self.tokenizer.encode_batch([("the fox", "jumps [SEP]"), ("the", "fox")])
        self.assertEqual(whole(batch[0]), whole(e))

    def test_words(self):
        e = self.tokenizer.encode(["foxes", "The fox"], is_pretokenized=True)
        self.assertEqual((e.tokens, e.word_ids), (["[CLS]", "fox", "##es", "the", "fox", "[SEP]"], [None, 0, 0, 1, 1, None]))
        self.assertEqual(e.offsets, [(0, 0), (0, 3), (3, 5), (0, 3), (4, 7), (0, 0)])
        with self.assertRaises(TypeError):
            self.tokenizer.encode("foxes", is_pretokenized=True)
        with self.assertRaises(TypeError):
            self.tokenizer.encode(["foxes"])

    def test_batch(self):
        texts = [" ".join(random.Random(i).choices(VOCAB[4:], k=i % 40)) for i in range(500)]
        one_by_one = [whole(self.tokenizer.encode(text)) for text in texts]
        self.assertEqual([whole(e) for e in self.tokenizer.encode_batch(texts)], one_by_one)
        fast = self.tokenizer.encode_batch_fast(texts)
        self.assertEqual([e.ids for e in fast], [e[0] for e in one_by_one])
        self.assertEqual(self.tokenizer.encode_batch([]), [])
        with self.assertRaises(TypeError):
            self.tokenizer.encode_batch(["a", ("b", 1)])
        with self.assertRaises(TypeError):
            self.tokenizer.encode_batch([1])
        with self.assertRaises(TypeError):
            self.tokenizer.encode_batch("a text")

    def test_columns(self):
        tokenizer = Tokenizer.from_str(TINY)
        tokenizer.enable_truncation(4, 0)
        texts = ["the quick fox jumped", "the fox", ("the", "fox, über!")]
        lists = tokenizer.encode_batch(texts)
        rows = [part for e in lists for part in (e, *e.overflowing)]
        batch = tokenizer.encode_batch_columnar(texts)
        self.assertEqual(list(map(whole, batch)), list(map(whole, rows)))
        self.assertEqual(whole(batch[-1]), whole(rows[-1]))
        self.assertEqual(list(map(whole, batch[1:3])), list(map(whole, rows[1:3])))
        splits = batch.row_splits.tolist()
        self.assertEqual([b - a for a, b in zip(splits, splits[1:])], list(map(len, rows)))
        self.assertEqual(batch.texts.tolist(), [i for i, e in enumerate(lists) for _ in (e, *e.overflowing)])
        for name in ("ids", "type_ids", "special_tokens_mask", "attention_mask"):
            self.assertEqual(getattr(batch, name).tolist(), [x for row in rows for x in getattr(row, name)])
        self.assertEqual(list(zip(batch.begins, batch.ends)), [x for row in rows for x in row.offsets])
        self.assertEqual(batch.word_ids.tolist(), [0xffffffff if x is None else x for row in rows for x in row.word_ids])
        self.assertTrue(batch.ids.readonly and batch.row_splits.readonly and batch.texts.readonly)
        self.assertEqual((batch.ids.format, batch.row_splits.format), ("I", "Q"))
        plain = tokenizer.encode_batch_columnar(texts, offsets=False)
        self.assertEqual((plain.ids.tolist(), set(plain.ends)), (batch.ids.tolist(), {0}))
        self.assertEqual((len(tokenizer.encode_batch_columnar([])), splits[0]), (0, 0))
        self.assertIn(f"{splits[-1]} tokens in {len(rows)} rows", repr(batch))
        with self.assertRaises(IndexError):
            batch[len(rows)]

    def test_padding_has_a_limit(self):
        tokenizer = Tokenizer.from_str(TINY)
        for options in {"length": 2**24 + 1}, {"pad_to_multiple_of": 2**24 + 1}:
            with self.assertRaisesRegex(ValueError, "16777217.*at most 16777216"):
                tokenizer.enable_padding(**options)
            self.assertIsNone(tokenizer.padding)
        tokenizer.enable_padding(length=2**24)
        self.assertEqual(tokenizer.padding["length"], 2**24)

    @unittest.skipUnless(numpy, "numpy is not installed")
    def test_columns_as_arrays(self):
        tokenizer = Tokenizer.from_str(TINY)
        tokenizer.enable_padding(length=8)
        batch = tokenizer.encode_batch_columnar(["the quick fox", "fox"] * 20)
        ids = numpy.asarray(batch.ids)
        matrix = ids.reshape(len(batch), -1)
        self.assertEqual((ids.dtype, matrix.shape, ids.flags.writeable), (numpy.uint32, (40, 8), False))
        del batch, ids
        gc.collect()
        self.assertEqual(matrix[1].tolist(), tokenizer.encode("fox").ids)

    def test_mixed_batch(self):
        """Single texts and pairs in one batch, each as it would be alone; also filled up to one length."""
        mixed = ["the fox", ("quick", "the fox jumps"), "", ("", ""), ["foxes", "jumps!"]]
        single = [self.tokenizer.encode(*([text] if isinstance(text, str) else text)) for text in mixed]
        self.assertEqual([whole(e) for e in self.tokenizer.encode_batch(mixed)], [whole(e) for e in single])
        self.assertEqual([len(e.ids) for e in self.tokenizer.encode_batch_fast(mixed)], [len(e) for e in single])
        self.tokenizer.enable_padding()
        padded = self.tokenizer.encode_batch(mixed)
        self.assertEqual({len(e) for e in padded}, {max(map(len, single))})
        self.assertEqual([e.ids[:len(one)] for e, one in zip(padded, single)], [one.ids for one in single])
        self.tokenizer.no_padding()
        words = [["the", "fox"], (["quick"], ["jumps", "foxes"]), [], (["the"], [])]
        single = [self.tokenizer.encode(*(text if isinstance(text, tuple) else [text]), is_pretokenized=True) for text in words]
        self.assertEqual([whole(e) for e in self.tokenizer.encode_batch(words, is_pretokenized=True)],
                         [whole(e) for e in single])

    def test_padding_and_truncation(self):
        self.tokenizer.enable_padding(pad_id=0, pad_token="[PAD]", length=8)
        self.tokenizer.enable_truncation(max_length=5, stride=1)
        e, short = self.tokenizer.encode_batch(["the quick fox jumped", "fox"])
        self.assertEqual(e.tokens, ["[CLS]", "the", "quick", "fox", "[SEP]", "[PAD]", "[PAD]", "[PAD]"])
        self.assertEqual(e.attention_mask, [1] * 5 + [0] * 3)
        self.assertEqual([part.tokens[:5] for part in e.overflowing], [["[CLS]", "fox", "jump", "##ed", "[SEP]"]])
        self.assertEqual((short.ids, short.overflowing), ([2, 6, 3, 0, 0, 0, 0, 0], []))
        self.assertEqual(self.tokenizer.truncation, {"max_length": 5, "stride": 1, "strategy": "longest_first",
                                                     "direction": "right"})
        self.assertEqual(self.tokenizer.padding, {"length": 8, "pad_to_multiple_of": None, "pad_id": 0, "pad_token": "[PAD]",
                                                  "pad_type_id": 0, "direction": "right"})
        again = Tokenizer.from_str(self.tokenizer.to_str())
        self.assertEqual((again.truncation, again.padding), (self.tokenizer.truncation, self.tokenizer.padding))
        self.tokenizer.enable_padding(direction="left", pad_to_multiple_of=4)
        self.assertEqual(self.tokenizer.encode("fox").tokens, ["[PAD]", "[CLS]", "fox", "[SEP]"])
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.assertEqual((self.tokenizer.truncation, self.tokenizer.padding), (None, None))
        self.assertEqual(len(self.tokenizer.encode("the quick fox jumped")), 7)
        for wrong in ({"stride": 5}, {"strategy": "none"}, {"direction": "up"}):
            with self.assertRaises(ValueError):
                self.tokenizer.enable_truncation(5, **wrong)

    def test_decode(self):
        ids = self.tokenizer.encode("The quick foxes, jumped!").ids
        self.assertEqual(self.tokenizer.decode(ids), "the quick foxes, jumped!")
        self.assertEqual(self.tokenizer.decode(ids, skip_special_tokens=False), "[CLS] the quick foxes, jumped! [SEP]")
        self.assertEqual(self.tokenizer.decode_batch([[4], array("I", [6, 7]), ()]), ["the", "foxes", ""])
        stream = DecodeStream(self.tokenizer)
        self.assertEqual("".join(stream.step(id) or "" for id in ids), "the quick foxes, jumped!")
        with self.assertRaises(OverflowError):
            self.tokenizer.decode([-1])
        with self.assertRaises(TypeError):
            _freehold.DecodeStream(5, True)

    def test_vocabulary(self):
        t = self.tokenizer
        self.assertEqual((t.token_to_id("fox"), t.token_to_id("dog")), (6, None))
        self.assertEqual((t.id_to_token(7), t.id_to_token(99)), ("##es", None))
        self.assertEqual((t.get_vocab(), t.get_vocab_size()), ({token: id for id, token in enumerate(VOCAB)}, len(VOCAB)))
        self.assertEqual((t.num_special_tokens_to_add(False), t.num_special_tokens_to_add(True)), (2, 3))

    def test_added_vocabulary(self):
        """An added token that the normalizer changes stands in the vocabulary as it was written, beside the model's own."""
        t = self.tokenizer
        self.assertEqual(t.add_tokens(["Fox", "Über!"]), 2)
        vocab = {token: id for id, token in enumerate(VOCAB)}
        self.assertEqual(t.get_vocab(), {**vocab, "Fox": 15, "Über!": 16})
        self.assertEqual((t.get_vocab()["fox"], t.get_vocab_size()), (6, 17))
        self.assertEqual((t.get_vocab(with_added_tokens=False), t.get_vocab_size(with_added_tokens=False)), (vocab, len(VOCAB)))
        self.assertEqual([t.token_to_id(token) for token in ("Fox", "fox", "Über!", "über")], [15, 6, 16, 14])
        self.assertEqual((t.id_to_token(6), t.id_to_token(15)), ("fox", "fox"))
        unigram = Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -1.0), ("b", -2.0)], 0))
        unigram.add_tokens(["B"])
        self.assertEqual((unigram.get_vocab(), unigram.get_vocab_size(False)), ({"<unk>": 0, "a": 1, "b": 2, "B": 3}, 3))

    def test_other_files(self):
        """A SentencePiece model and tiktoken ranks; a copy is of the file, not of the tokenizer.json that is near to it."""
        tokens = [bytes([b]) for b in range(256)] + [b"ab"]
        ranks = b"".join(base64.b64encode(token) + b" %d\n" % i for i, token in enumerate(tokens))
        pieces = [(b"<unk>", 2), ("\u2581".encode(), 1), (b"a", 1), (b"<x>", 4), (b"ab", 1)]
        parts = [b"\x0a%c%s\x15\0\0\0\0\x18%c" % (len(text), text, kind) for text, kind in pieces]
        model = b"".join(b"\x0a%c%s" % (len(part), part) for part in parts) + b"\x12\x02\x18\x02"
        with tempfile.TemporaryDirectory() as folder:
            for name, file in (("gpt2.tiktoken", ranks), ("other", ranks), ("tokenizer.model", model)):
                with open(os.path.join(folder, name), "wb") as f:
                    f.write(file)
            opened = Tokenizer.from_file(os.path.join(folder, "gpt2.tiktoken"))
            self.assertEqual(opened.encode("ab c").ids, [256, 32, 99])
            with self.assertRaisesRegex(ValueError, 'no encoding "other"'):
                Tokenizer.from_file(os.path.join(folder, "other"))
            again = Tokenizer.from_file(os.path.join(folder, "other"), encoding="gpt2")
            self.assertEqual(again.encode("ab<|endoftext|>").ids, [256, 50256])
            made = Tokenizer.from_file(os.path.join(folder, "tokenizer.model"))
            with self.assertRaisesRegex(ValueError, "cache"):
                made.save_cache(os.path.join(folder, "t.cache"))
            self.assertNotIn("t.cache", os.listdir(folder))
        made.enable_truncation(4)
        copy = pickle.loads(pickle.dumps(made))
        for one in (made, copy):
            self.assertEqual(one.encode("a <x>ab").ids, [1, 2, 1, 3])
            self.assertEqual(one.encode("ab").offsets, [(0, 0), (0, 2)])
        self.assertEqual(Tokenizer.from_str(made.to_str()).encode("a a").ids, [1, 2, 1, 2])

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "tokenizer.json")
            self.tokenizer.save(path)
            self.assertEqual(os.listdir(folder), ["tokenizer.json"])
            again = Tokenizer.from_file(path)
        text = "The quick fox, über é!"
        for other in (again, Tokenizer.from_buffer(TINY.encode()), pickle.loads(pickle.dumps(self.tokenizer))):
            self.assertEqual(whole(other.encode(text)), whole(self.tokenizer.encode(text)))
        with self.assertRaises(FileNotFoundError):
            Tokenizer.from_file("/nonexistent")
        for bad in ("", "{", "[]", '{"version": "9"}', TINY.replace('"WordPiece"', '"WordPear"')):
            with self.assertRaises(ValueError):
                Tokenizer.from_str(bad)

    def test_save(self):
        """A file appears whole or not at all, whatever lies beside it and whoever else writes it."""
        with tempfile.TemporaryDirectory() as folder:
            path, other = os.path.join(folder, "tokenizer.json"), os.path.join(folder, "other")
            with open(other, "w", encoding="utf-8") as f:
                f.write("mine")
            os.symlink(other, path + ".part")
            self.tokenizer.save(path)
            with open(other, encoding="utf-8") as f:
                self.assertEqual(f.read(), "mine")
            self.assertEqual(Tokenizer.from_file(path).to_str(), self.tokenizer.to_str())
            before = sorted(os.listdir(folder))
            self.assertEqual(before, ["other", "tokenizer.json", "tokenizer.json.part"])
            os.mkdir(os.path.join(folder, "taken"))
            for bad in (os.path.join(folder, "taken"), os.path.join(folder, "none", "t.json")):
                with self.assertRaises(OSError):
                    self.tokenizer.save(bad)
            self.assertEqual(sorted(os.listdir(folder)), sorted([*before, "taken"]))
            self.assertEqual(os.listdir(os.path.join(folder, "taken")), [])
            with self.assertRaises(TypeError):
                self.tokenizer.save(None)
            with self.assertRaises(TypeError):
                _freehold.write_file(other, "text")
            self.tokenizer.save(path.encode(), pretty=False)
            with open(path, encoding="utf-8") as f:
                self.assertEqual(f.read(), self.tokenizer.to_str())

    def test_save_meanwhile(self):
        """Of two threads that save different tokenizers to one path each time one has written the whole file."""
        many = Tokenizer.from_str(TINY)
        many.add_tokens([f"token {i}" for i in range(500)])
        texts = {t.to_str() for t in (self.tokenizer, many)}
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
            path = os.path.join(folder, "t.json")
            for _ in range(20):
                begin = threading.Barrier(2)

                def save(tokenizer):
                    begin.wait()
                    tokenizer.save(path, pretty=False)

                for saved in [pool.submit(save, t) for t in (self.tokenizer, many)]:
                    saved.result()
                with open(path, encoding="utf-8") as f:
                    self.assertIn(f.read(), texts)
                self.assertEqual(os.listdir(folder), ["t.json"])

    def test_cache(self):
        text = "The quick fox, über é! [CLS]"
        self.tokenizer.enable_truncation(5, stride=1)
        self.tokenizer.enable_padding(length=6)
        with tempfile.TemporaryDirectory() as folder:
            path, source = os.path.join(folder, "t.cache"), os.path.join(folder, "tokenizer.json")
            self.tokenizer.save(source)
            self.tokenizer.save_cache(path)
            self.tokenizer.save_cache(path, source)
            self.assertEqual(sorted(os.listdir(folder)), ["t.cache", "tokenizer.json"])
            opened = [Tokenizer.from_cache(path), Tokenizer.from_file(path), Tokenizer.from_cache(path, source=source)]
            with open(path, "rb") as f:
                cache = f.read()
            with self.assertRaisesRegex(ValueError, "use from_file"):
                Tokenizer.from_buffer(cache)
            Tokenizer.from_str(TINY).save(source)
            with self.assertRaisesRegex(RuntimeError, "made from another file"):
                Tokenizer.from_cache(path, source=source)
            for bad in (b"", b"FreeTokn", cache[:-1], cache[:200] + bytes([cache[200] ^ 1]) + cache[201:], b"{}" + cache):
                with open(os.path.join(folder, "bad"), "wb") as f:
                    f.write(bad)
                with self.assertRaises(ValueError):
                    Tokenizer.from_cache(os.path.join(folder, "bad"))
            with self.assertRaises(OSError):
                Tokenizer.from_cache(os.path.join(folder, "none"))
            with self.assertRaises(OSError):
                self.tokenizer.save_cache(os.path.join(folder, "none", "t.cache"))
            with self.assertRaises(OSError):
                self.tokenizer.save_cache(path, source=os.path.join(folder, "none"))
            with self.assertRaises(TypeError):
                self.tokenizer.save_cache(None)
        wanted = self.tokenizer.encode(text)
        for one in opened + [pickle.loads(pickle.dumps(opened[0]))]:
            got = one.encode(text)
            self.assertEqual([whole(e) for e in [got] + got.overflowing], [whole(e) for e in [wanted] + wanted.overflowing])
            self.assertEqual((one.truncation, one.padding), (self.tokenizer.truncation, self.tokenizer.padding))
            self.assertEqual(one.to_str(), self.tokenizer.to_str())
        with self.assertRaisesRegex(NotImplementedError, "bert-base-uncased.*from_file"):
            Tokenizer.from_pretrained("bert-base-uncased")

    def test_post_process(self):
        t = self.tokenizer
        a, b = t.encode_batch(["The fox, über", "jumps zzz"], add_special_tokens=False)
        for wanted, got in ((t.encode("The fox, über"), t.post_process(a)), (b, t.post_process(b, add_special_tokens=False)),
                            (t.encode("The fox, über", "jumps zzz"), t.post_process(a, b))):
            self.assertEqual(whole(got), whole(wanted))
        t.enable_truncation(6)
        t.enable_padding(length=8)
        wanted, got = t.encode("The fox, über"), t.post_process(a)
        self.assertEqual([whole(e) for e in [got] + got.overflowing], [whole(e) for e in [wanted] + wanted.overflowing])
        wanted, got = t.encode("The fox, über", "jumps zzz"), t.post_process(a, b)
        self.assertEqual([e.ids for e in [got] + got.overflowing], [e.ids for e in [wanted] + wanted.overflowing])
        self.assertEqual(whole(got), whole(wanted))
        self.assertEqual(got.overflowing[1].type_ids, [0, 0, 0, 0, 0, 1, 0, 0])  # the second text was encoded as a first one
        with self.assertRaisesRegex(ValueError, "whole"):
            t.post_process(t.encode("the quick fox jumps", add_special_tokens=False, pair="the fox"))
        t.no_truncation()
        with self.assertRaisesRegex(ValueError, "padding"):
            t.post_process(t.encode("the fox", add_special_tokens=False))
        t.no_padding()
        with self.assertRaisesRegex(ValueError, "token 0 is a special one"):
            t.post_process(t.encode("the fox"))
        for bad in ((1,), (a, "b")):
            with self.assertRaises(TypeError):
                t.post_process(*bad)
        raw, made = t._tokenizer, a._columns.encodings
        for part in (-1, 2, 1 << 40):
            with self.assertRaises(ValueError):
                raw.process(made, part, None, 0, True)
        with self.assertRaises(TypeError):
            raw.process(made, 0, 1, 0, True)

    def test_special_text(self):
        self.assertEqual(self.tokenizer.encode("[CLS]", add_special_tokens=False).ids, [2])
        self.tokenizer.encode_special_tokens = True
        self.assertNotIn(2, self.tokenizer.encode("[CLS]", add_special_tokens=False).ids)

    def test_raw(self):
        """The extension itself refuses what its callers would never give it."""
        raw = self.tokenizer._tokenizer
        rows = array("Q", [0, 5])
        for arguments in ((["a"], rows, None, None), (["a"], None, ["b", "c"], None), (["a"], array("Q"), None, None),
                          (["a", "b"], array("Q", [2, 1]), None, None), (None, None, None, None)):
            with self.assertRaises(ValueError):
                raw.encode(*arguments, None, True, True, 2)
        with self.assertRaises(ValueError):
            raw.encode(["a"], None, None, None, None, True, True, 3)
        for which in (b"", b"\0\1"):
            with self.assertRaises(ValueError):
                raw.encode(["a"], None, ["b"], None, which, True, True, 2)
        with self.assertRaises(TypeError):
            raw.encode(["a"], None, ["b"], None, 1, True, True, 2)
        encodings = raw.encode(["the fox"], None, None, None, None, True, True, 2)
        for column in (7, 8, 1 << 40):
            with self.assertRaises(ValueError):
                encodings.column(column)
        for begin, count in ((-1, 1), (0, -1), (0, 5), (5, 0), (4, 1)):
            for call in (encodings.tokens, encodings.offsets):
                with self.assertRaises(IndexError):
                    call(begin, count)
        with self.assertRaises(TypeError):
            _freehold.Encodings()


class Lives(unittest.TestCase):
    def test_incident(self):
        """Threads encode while the thread that made the tokenizer ends and every handle but theirs is dropped."""
        made = []
        thread = threading.Thread(target=lambda: made.append(Tokenizer.from_str(TINY)))
        thread.start()
        thread.join()
        begin = threading.Barrier(5)
        expected = whole(made[0].encode("The quick foxes jumped, über!"))
        stream = DecodeStream(made[0])

        def work(tokenizer):
            begin.wait()
            kept = [tokenizer.encode("The quick foxes jumped, über!") for _ in range(300)]
            del tokenizer
            return all(whole(e) == expected for e in kept)

        with ThreadPoolExecutor(4) as pool:
            workers = [pool.submit(work, made[0]) for _ in range(4)]
            begin.wait()
            made.clear()
            gc.collect()
            self.assertTrue(all(worker.result() for worker in workers))
        del workers
        gc.collect()
        self.assertEqual(stream.step(5), "quick")

    def test_settings_meanwhile(self):
        """Truncation that changes while others encode: each answer is one of the two."""
        tokenizer = Tokenizer.from_str(TINY)
        done = threading.Event()

        def work():
            while not done.is_set():
                self.assertIn(len(tokenizer.encode("the quick fox jumped")), (4, 7))

        with ThreadPoolExecutor(2) as pool:
            workers = [pool.submit(work) for _ in range(2)]
            for _ in range(200):
                tokenizer.enable_truncation(4)
                tokenizer.no_truncation()
            done.set()
            for worker in workers:
                worker.result()

    def test_changes_meanwhile(self):
        """Changes of two threads come one after the other: none is lost."""
        tokenizer = Tokenizer.from_str(TINY)
        begin = threading.Barrier(2)

        def add(letter):
            begin.wait()
            for i in range(50):
                self.assertEqual(tokenizer.add_tokens([f"{letter}{i}"]), 1)
                if letter == "x":
                    tokenizer.enable_truncation(10 + i)
                    tokenizer.seed(i)
                else:
                    tokenizer.enable_padding(length=5 + i)

        with ThreadPoolExecutor(2) as pool:
            for worker in [pool.submit(add, letter) for letter in "xy"]:
                worker.result()
        wanted = {f"{letter}{i}" for letter in "xy" for i in range(50)}
        self.assertEqual(tokenizer.get_vocab().keys() - set(VOCAB), wanted)
        self.assertEqual((tokenizer.truncation["max_length"], tokenizer.padding["length"], tokenizer._seed), (59, 54, 49))
        copy = pickle.loads(pickle.dumps(tokenizer))
        self.assertEqual(copy.add_tokens(["z"]), 1)
        self.assertEqual((copy.get_vocab_size(), tokenizer.get_vocab_size()), (116, 115))

    def test_fork_while_locked(self):
        tokenizer = Tokenizer.from_str(TINY)
        with tokenizer._lock:
            child = os.fork()
            if child == 0:
                os._exit(0 if tokenizer.add_tokens(["x"]) == 1 and tokenizer.encode("x").ids == [2, 15, 3] else 1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_fork(self):
        tokenizer = Tokenizer.from_str(TINY)
        texts = ["the quick fox"] * 100
        expected = [e.ids for e in tokenizer.encode_batch(texts)]
        child = os.fork()
        if child == 0:
            os._exit(0 if [e.ids for e in tokenizer.encode_batch(texts)] == expected else 1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)


@unittest.skipUnless(reference, "Hugging Face's tokenizers is not installed: nothing to compare with")
class Reference(unittest.TestCase):
    TEXTS = ["Hello, world!", "", " ", "The  quick\tbrown\n\nfox's 12345 tests…", "naïve café ＡＢＣ ﬁ",
             "日本語のテキスト、です。",
             "\U0001f600\U0001f468\u200d\U0001f469 emoji", "e\u0301 combining", "def f(x):\n    return x ** 2  # ok\n",
             "a" * 300,
             "مرحبا بالعالم", "<s> [MASK] </s> <|endoftext|>"]

    def same_vocabulary(self, ours, theirs, name=""):
        for with_added in (True, False):
            self.assertEqual(ours.get_vocab(with_added), theirs.get_vocab(with_added), name)
            self.assertEqual(ours.get_vocab_size(with_added), theirs.get_vocab_size(with_added), name)

    def test_added_vocabulary(self):
        ours, theirs = Tokenizer.from_str(TINY), reference.Tokenizer.from_str(TINY)
        self.same_vocabulary(ours, theirs)
        for tokens in (["Fox", "THE", "new"], ["fox", "Fox"], ["ÜBER"]):
            self.assertEqual(*(t.add_tokens(tokens) for t in (ours, theirs)))
            self.same_vocabulary(ours, theirs)
            for token in ("fox", "Fox", "THE", "the", "new", "ÜBER", "Über"):
                self.assertEqual(ours.token_to_id(token), theirs.token_to_id(token), token)
            self.assertEqual(*([t.id_to_token(id) for id in range(20)] for t in (ours, theirs)))

    def test_vocabularies(self):
        names = sorted(os.listdir(DATA)) if os.path.isdir(DATA) else []
        if not names:
            self.skipTest("no vocabularies under FREEHOLD_DATA")
        compared = 0
        for name in names:
            path = os.path.join(DATA, name)
            ours, theirs = Tokenizer.from_file(path), reference.Tokenizer.from_file(path)
            pairs = list(zip(self.TEXTS, reversed(self.TEXTS)))
            for batch in (self.TEXTS, pairs, [text for both in zip(self.TEXTS, pairs) for text in both]):
                for mine, wanted in zip(ours.encode_batch(batch), theirs.encode_batch(batch)):
                    self.assertEqual(whole(mine), whole(wanted), name)
                    self.assertEqual(ours.decode(mine.ids), theirs.decode(wanted.ids), name)
                    compared += 1
            for a, b in pairs:
                for t in (ours, theirs):
                    t.no_truncation()
                    t.no_padding()
                mine, wanted = (t.post_process(t.encode(a, add_special_tokens=False), t.encode(b, add_special_tokens=False))
                                for t in (ours, theirs))
                self.assertEqual(whole(mine)[:7], whole(wanted)[:7], name)  # theirs forgets which tokens are the first text's
                mine, wanted = (t.post_process(t.encode(a, add_special_tokens=False)) for t in (ours, theirs))
                self.assertEqual(whole(mine), whole(wanted), name)
                parts = [[t.encode(text, add_special_tokens=False) for text in (a, b)] for t in (ours, theirs)]
                for t in (ours, theirs):
                    t.enable_truncation(9, stride=1)
                mine, wanted = (t.post_process(*part) for t, part in zip((ours, theirs), parts))
                self.assertEqual([whole(e)[:7] for e in [mine] + mine.overflowing],
                                 [whole(e)[:7] for e in [wanted] + wanted.overflowing], name)
            self.same_vocabulary(ours, theirs, name)
            for id in (0, 1, 100, 5000):
                self.assertEqual(ours.id_to_token(id), theirs.id_to_token(id), name)
        print(f"{compared} encodings of {len(names)} vocabularies compared")


if __name__ == "__main__":
    unittest.main(verbosity=2)
