#!/usr/bin/env python3
"""Parts of tokenizers, and training, of the Python package: the files and vocabularies here are those of Hugging Face's
`tokenizers` (0.23.3); where that is installed, more are compared live.

    PYTHONPATH=build/dev/python tests/python/test_training.py"""
import copy
import gc
import json
import os
import pickle
import random
import signal
import sys
import tempfile
import threading
import unittest

from freehold import (AddedToken, Regex, Tokenizer, _freehold, decoders, models, normalizers, pre_tokenizers, processors,
                      trainers)

try:
    import tokenizers as reference
except ImportError:
    reference = None

OURS = {"models": models, "normalizers": normalizers, "pre_tokenizers": pre_tokenizers, "processors": processors,
        "decoders": decoders, "Regex": Regex}
MEMBERS = {"models": "model", "normalizers": "normalizer", "pre_tokenizers": "pre_tokenizer", "processors": "post_processor",
           "decoders": "decoder"}
PARTS = (
    ("models.BPE()",
     '{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":'
     'false,"byte_fallback":false,"ignore_merges":false,"vocab":{},"merges":[]}'),
    ("models.BPE({'a': 0, 'b': 1, 'ab': 2}, [('a', 'b')], dropout=0.5, unk_token='a', fuse_unk=True)",
     '{"type":"BPE","dropout":0.5,"unk_token":"a","continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":tr'
     'ue,"byte_fallback":false,"ignore_merges":false,"vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]}'),
    ("models.WordPiece()",
     '{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{}}'),
    ("models.WordLevel({'a': 0})", '{"type":"WordLevel","vocab":{"a":0},"unk_token":"<unk>"}'),
    ("models.Unigram()", '{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0]],"byte_fallback":false}'),
    ("models.Unigram([('a', -1.5), ('b', -2)], 0, True)",
     '{"type":"Unigram","unk_id":0,"vocab":[["a",-1.5],["b",-2.0]],"byte_fallback":true}'),
    ("normalizers.BertNormalizer()",
     '{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true}'),
    ("normalizers.Prepend()", '{"type":"Prepend","prepend":"▁"}'),
    ("normalizers.Replace(Regex('a+'), 'b')", '{"type":"Replace","pattern":{"Regex":"a+"},"content":"b"}'),
    ("normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])",
     '{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Lowercase"}]}'),
    ("normalizers.Strip(right=False)", '{"type":"Strip","strip_left":true,"strip_right":false}'),
    ("pre_tokenizers.ByteLevel()", '{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}'),
    ("pre_tokenizers.CharDelimiterSplit('x')", '{"type":"CharDelimiterSplit","delimiter":"x"}'),
    ("pre_tokenizers.Digits()", '{"type":"Digits","individual_digits":false}'),
    ("pre_tokenizers.FixedLength()", '{"type":"FixedLength","length":5}'),
    ("pre_tokenizers.Metaspace()", '{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}'),
    ("pre_tokenizers.Punctuation('removed')", '{"type":"Punctuation","behavior":"Removed"}'),
    ("pre_tokenizers.Split('a', 'merged_with_previous', invert=True)",
     '{"type":"Split","pattern":{"String":"a"},"behavior":"MergedWithPrevious","invert":true}'),
    ("pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(True)])",
     '{"type":"Sequence","pretokenizers":[{"type":"Whitespace"},{"type":"Digits","individual_digits":true}]}'),
    ("processors.BertProcessing(('[SEP]', 1), ('[CLS]', 2))", '{"type":"BertProcessing","sep":["[SEP]",1],"cls":["[CLS]",2]}'),
    ("processors.RobertaProcessing(('[SEP]', 1), ('[CLS]', 2))",
     '{"type":"RobertaProcessing","sep":["[SEP]",1],"cls":["[CLS]",2],"trim_offsets":true,"add_prefix_space":true}'),
    ("processors.ByteLevel(trim_offsets=False)",
     '{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false,"use_regex":true}'),
    ("processors.Sequence([processors.ByteLevel()])",
     '{"type":"Sequence","processors":[{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}]}'),
    ("processors.TemplateProcessing()",
     '{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":'
     '0}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{}}'),
    ("processors.TemplateProcessing('$a [X]:2 $1', special_tokens=[(3, '[X]')])",
     '{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[X]","type_id":2}}'
     ',{"Sequence":{"id":"A","type_id":1}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}'
     '}],"special_tokens":{"[X]":{"id":"[X]","ids":[3],"tokens":["[X]"]}}}'),
    ("decoders.BPEDecoder()", '{"type":"BPEDecoder","suffix":"</w>"}'),
    ("decoders.ByteLevel()", '{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}'),
    ("decoders.CTC()", '{"type":"CTC","pad_token":"<pad>","word_delimiter_token":"|","cleanup":true}'),
    ("decoders.Metaspace('_', 'never', False)",
     '{"type":"Metaspace","replacement":"_","prepend_scheme":"never","split":false}'),
    ("decoders.Replace('a', 'b')", '{"type":"Replace","pattern":{"String":"a"},"content":"b"}'),
    ("decoders.Sequence([decoders.Fuse(), decoders.ByteFallback()])",
     '{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"ByteFallback"}]}'),
    ("decoders.Strip('x', 1, 2)", '{"type":"Strip","content":"x","start":1,"stop":2}'),
    ("decoders.WordPiece()", '{"type":"WordPiece","prefix":"##","cleanup":true}'),
)
TEXTS = ["the lower the slower,", "the newest of the widest towers: é 日本", "low low low <s>"] * 3


def given(tokenizer, expression, names):
    """What a tokenizer's file says of a part that it was given."""
    member = MEMBERS[expression.split(".")[0]]
    setattr(tokenizer, member, eval(expression, dict(names)))
    return json.loads(tokenizer.to_str())[member]


def quiet(*_):
    """Hears how far a training is, and says nothing."""


def whitespace(model):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def by_id(tokenizer):
    vocab = tokenizer.get_vocab()
    return sorted(vocab, key=vocab.get)


class Parts(unittest.TestCase):
    def refused(self, error, message, call, *arguments, **options):
        with self.assertRaises(error) as caught:
            call(*arguments, **options)
        self.assertIn(message, str(caught.exception))

    def test_files(self):
        for expression, text in PARTS:
            self.assertEqual(given(Tokenizer(models.BPE()), expression, OURS), json.loads(text), expression)

    def test_come_back(self):
        """What a tokenizer gives back is equal to what it was given, and has its fields."""
        for expression, text in PARTS:
            part, tokenizer = eval(expression, dict(OURS)), Tokenizer(models.BPE())
            member = MEMBERS[expression.split(".")[0]]
            setattr(tokenizer, member, part)
            back = getattr(tokenizer, member)
            for other in (back, copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
                self.assertIs(type(other), type(part))
                self.assertEqual((other, hash(other), repr(other)), (part, hash(part), repr(part)))
        tokenizer.decoder = None
        self.assertIsNone(tokenizer.decoder)
        self.assertIsNone(tokenizer.normalizer)

    def test_fields(self):
        self.assertEqual(pre_tokenizers.ByteLevel(False).add_prefix_space, False)
        self.assertEqual((normalizers.Strip(right=False).left, normalizers.Strip(right=False).right), (True, False))
        self.assertEqual(models.BPE(unk_token="u").unk_token, "u")
        both = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(True)])
        self.assertEqual((len(both), both[1], both[1].individual_digits), (2, pre_tokenizers.Digits(True), True))
        self.assertEqual(repr(both[1]), "Digits(individual_digits=True)")
        self.assertIn("… 20 in all}", repr(models.WordLevel({str(i): i for i in range(20)})))
        self.assertNotEqual(pre_tokenizers.ByteLevel(), processors.ByteLevel())
        with self.assertRaisesRegex(AttributeError, "ByteLevel has no other"):
            pre_tokenizers.ByteLevel().other
        with self.assertRaisesRegex(AttributeError, "ByteLevel does not change"):
            pre_tokenizers.ByteLevel().add_prefix_space = False

    def test_sampling(self):
        vocab = [("<unk>", 0.0), ("a", -1.0), ("b", -2.0), ("ab", -2.5), ("aa", -1.5)]
        best, ways = ("a", "ab"), {("a", "a", "b"), ("a", "ab"), ("aa", "b")}

        def drawn(tokenizer):
            return {tuple(tokenizer.encode("aab").tokens) for _ in range(200)}

        for options, expected in (({}, {best}), ({"alpha": 0.0}, {best}), ({"nbest_size": 3}, {best}),
                                  ({"alpha": 0.5}, ways), ({"alpha": 0.5, "nbest_size": 1}, {best}),
                                  ({"alpha": 0.5, "nbest_size": 2}, ways - {("a", "a", "b")}),
                                  ({"alpha": 0.5, "nbest_size": 9}, ways)):
            tokenizer = Tokenizer(models.Unigram(vocab, 0, **options))
            tokenizer.decoder = decoders.Fuse()
            with tempfile.TemporaryDirectory() as folder:
                tokenizer.save_cache(os.path.join(folder, "t"))
                cached = Tokenizer.from_cache(os.path.join(folder, "t"))
            for one in (tokenizer, pickle.loads(pickle.dumps(tokenizer)), cached):
                self.assertEqual(drawn(one), expected, options)
                self.assertEqual((one.model.alpha, one.model.nbest_size), (options.get("alpha"), options.get("nbest_size")))
        batch = Tokenizer(models.Unigram(vocab, 0, alpha=0.5)).encode_batch(["aab"] * 400)
        self.assertEqual({tuple(e.tokens) for e in batch}, ways)
        self.refused(ValueError, "Unigram: expected an alpha", models.Unigram, vocab, 0, alpha=-1.0)
        self.refused(ValueError, "Unigram: expected an nbest_size", models.Unigram, vocab, 0, nbest_size=0)
        self.refused(ValueError, "alpha needs an unk_id", models.Unigram, vocab, alpha=0.5)

    def test_refused(self):
        self.refused(ValueError, "CharDelimiterSplit: expected one character, found \"xy\"", pre_tokenizers.CharDelimiterSplit,
                     "xy")
        self.refused(ValueError, "Replace: regular expression, byte 1", normalizers.Replace, Regex("("), "b")
        self.refused(ValueError, "BPE: merge of \"b\", which is no token", models.BPE, {"a": 0}, [("a", "b")])
        self.refused(ValueError, "BPE: expected a dropout", models.BPE, dropout=2.0)
        self.refused(ValueError, "both vocab and merges", models.BPE, {"a": 0})
        self.refused(ValueError, "Unigram: unk_id is 5", models.Unigram, [("a", 0.0)], 5)
        self.refused(ValueError, "behavior 'x'", pre_tokenizers.Split, "a", "x")
        self.refused(ValueError, "prepend_scheme 'x'", pre_tokenizers.Metaspace, prepend_scheme="x")
        self.refused(TypeError, "pattern: expected a str or a Regex, got int", normalizers.Replace, 5, "")
        self.refused(ValueError, "names \"[CLS]\"", processors.TemplateProcessing, "[CLS] $A")
        self.refused(ValueError, "pair: expected both $A and $B", processors.TemplateProcessing, pair="$A")
        self.refused(TypeError, "parts that are PreTokenizer, got NFC", pre_tokenizers.Sequence, [normalizers.NFC()])
        self.refused(TypeError, "Normalizer is abstract", normalizers.Normalizer)
        self.refused(TypeError, "expected a Model", Tokenizer, "{}")
        tokenizer = Tokenizer(models.BPE())
        self.refused(TypeError, "normalizer: expected a Normalizer or None, got ByteLevel", setattr, tokenizer, "normalizer",
                     pre_tokenizers.ByteLevel())
        self.refused(TypeError, "model: expected a Model, got NoneType", setattr, tokenizer, "model", None)

    def test_alone(self):
        """Parts work without a tokenizer."""
        self.assertEqual(pre_tokenizers.ByteLevel().pre_tokenize_str("Hi é x"),
                         [("ĠHi", (0, 2)), ("ĠÃ©", (2, 4)), ("Ġx", (4, 6))])
        self.assertEqual(pre_tokenizers.Metaspace().pre_tokenize_str("Hi é"), [("▁Hi", (0, 2)), ("▁é", (2, 4))])
        self.assertEqual(pre_tokenizers.Whitespace().pre_tokenize_str(""), [])
        self.assertEqual(normalizers.NFD().normalize_str("É"), "E\u0301")
        self.assertEqual(normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()]).normalize_str("café"), "cafe")
        self.assertEqual(decoders.WordPiece().decode(["a", "##b", "a", ","]), "ab a,")
        self.assertEqual(decoders.ByteLevel().decode(["ĠHi", "Ã", "©", "ĠHi"]), " Hié Hi")
        self.assertEqual(decoders.Fuse().decode([]), "")
        pair = processors.TemplateProcessing("[C] $0", "[C] $A [C] $B", [("[C]", 7)])
        self.assertEqual((pair.num_special_tokens_to_add(False), pair.num_special_tokens_to_add(True)), (1, 2))
        self.assertEqual(len(set(pre_tokenizers.ByteLevel.alphabet())), 256)
        self.assertEqual(pre_tokenizers.ByteLevel.alphabet()[32], "Ġ")
        with self.assertRaises(UnicodeEncodeError):
            normalizers.NFD().normalize_str("\ud800")

    def test_built(self):
        tokenizer = Tokenizer(models.WordPiece({"[U]": 0, "[C]": 1, "a": 2, "##b": 3}, unk_token="[U]"))
        tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer.post_processor = processors.TemplateProcessing("[C] $A", special_tokens=[("[C]", 1)])
        tokenizer.decoder = decoders.WordPiece()
        tokenizer.enable_truncation(3)
        tokenizer.enable_padding(pad_token="[P]", length=4)
        self.assertEqual(tokenizer.encode("AB a a").tokens, ["[C]", "a", "##b", "[P]"])
        self.assertEqual(tokenizer.decode([2, 3, 2]), "ab a")
        again = Tokenizer.from_str(tokenizer.to_str())
        self.assertEqual((again.to_str(True), again.truncation, again.padding),
                         (tokenizer.to_str(True), tokenizer.truncation, tokenizer.padding))
        tokenizer.no_truncation()
        self.assertEqual(tokenizer.encode("AB a a").tokens, ["[C]", "a", "##b", "a", "a"])
        self.assertIsNone(json.loads(tokenizer.to_str())["truncation"])

    def test_added(self):
        tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 1, "[U]": 2}, "[U]"))
        self.assertEqual(tokenizer.add_tokens(["a", "new", "new", ""]), 2)
        self.assertEqual(tokenizer.add_tokens(["new", AddedToken("new")]), 0)
        self.assertEqual(tokenizer.add_special_tokens(["a", AddedToken("<x>", lstrip=True)]), 2)
        self.assertEqual(tokenizer.get_added_tokens_decoder(), {
            0: AddedToken("a", normalized=False, special=True), 3: AddedToken("new"),
            4: AddedToken("<x>", lstrip=True, normalized=False, special=True)})
        self.assertEqual((tokenizer.get_vocab(), tokenizer.get_vocab(False)),
                         ({"a": 0, "b": 1, "[U]": 2, "new": 3, "<x>": 4}, {"a": 0, "b": 1, "[U]": 2}))
        self.assertEqual(tokenizer.encode("new <x>").ids, [3, 4])
        self.assertEqual(repr(AddedToken("x")),
                         'AddedToken("x", rstrip=False, lstrip=False, single_word=False, normalized=True, special=False)')
        for wrong in ("abc", [5]):
            self.refused(TypeError, "expected", tokenizer.add_tokens, wrong)

    def test_vocabulary_files(self):
        with tempfile.TemporaryDirectory() as folder:
            bpe = models.BPE({"é": 0, "b": 1, "éb": 2}, [("é", "b")])
            files = bpe.save(folder)
            self.assertEqual([os.path.basename(file) for file in files], ["vocab.json", "merges.txt"])
            self.assertEqual(models.BPE.from_file(*files), bpe)
            self.assertEqual((bpe.token_to_id("éb"), bpe.id_to_token(1), bpe.id_to_token(9)), (2, "b", None))
            words = models.WordPiece({"a": 0, "##b": 1}, unk_token="a")
            files = words.save(folder, "x")
            self.assertEqual(os.path.basename(files[0]), "x-vocab.txt")
            self.assertEqual(models.WordPiece.from_file(files[0], unk_token="a"), words)
            level = models.WordLevel({"a": 0})
            self.assertEqual(models.WordLevel.from_file(*level.save(folder)), level)
            self.assertEqual(len(models.Unigram().save(folder)), 1)
            merges = os.path.join(folder, "bad.txt")
            with open(merges, "w", encoding="utf-8") as f:
                f.write("#version: 0.2\na b\nabc\n")
            self.refused(ValueError, "bad.txt, line 3: expected two tokens", models.BPE.read_file, files[0], merges)


class Training(unittest.TestCase):
    refused = Parts.refused

    def test_bpe(self):
        tokenizer = whitespace(models.BPE(unk_token="[U]"))
        trainer = trainers.BpeTrainer(vocab_size=40, special_tokens=["[U]", AddedToken("<s>", lstrip=True)])
        tokenizer.train_from_iterator(iter(TEXTS), trainer, length=len(TEXTS))
        self.assertEqual(by_id(tokenizer), [
            "[U]", "<s>", ",", ":", "<", ">", "d", "e", "f", "h", "i", "l", "n", "o", "r", "s", "t", "w", "é", "日", "本", "ow",
            "low", "he", "the", "er", "es", "lower", "est", "dest", "ew", "idest", "new", "of", "slower", "tow", "widest",
            "日本", "ers", "newest"])
        e = tokenizer.encode("the low tower <s>zé")
        self.assertEqual((e.tokens, e.ids, e.offsets), (["the", "low", "tow", "er", " <s>", "[U]", "é"],
                                                        [24, 22, 35, 25, 1, 0, 18],
                                                        [(0, 3), (4, 7), (8, 11), (11, 13), (13, 17), (17, 18), (18, 19)]))

    def test_kinds(self):
        level = whitespace(models.WordLevel(unk_token="[U]"))
        level.train_from_iterator(TEXTS, trainers.WordLevelTrainer(vocab_size=7, special_tokens=["[U]"]))
        self.assertEqual(by_id(level), ["[U]", "the", "low", ",", ":", "<", ">"])
        piece = whitespace(models.WordPiece(unk_token="[U]", max_input_chars_per_word=9))
        piece.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=48, special_tokens=["[U]"]))
        self.assertEqual(piece.encode("the z").tokens, ["the", "[U]"])
        self.assertEqual((piece.model.max_input_chars_per_word, piece.model.unk_token), (9, "[U]"))
        self.assertEqual(len(piece.get_vocab()), 48)
        unigram = Tokenizer(models.Unigram())
        unigram.pre_tokenizer = pre_tokenizers.Metaspace()
        unigram.decoder = decoders.Metaspace()
        unigram.train_from_iterator(TEXTS, trainers.UnigramTrainer(vocab_size=45, unk_token="<unk>", special_tokens=["<s>"]))
        self.assertEqual(by_id(unigram)[:2], ["<unk>", "<s>"])
        self.assertEqual(unigram.decode(unigram.encode("the low tower").ids), "the low tower")

    def test_by_default(self):
        for model, kind in ((models.BPE(), "BPE"), (models.WordPiece(), "WordPiece"), (models.WordLevel(), "WordLevel"),
                            (models.Unigram(), "Unigram")):
            tokenizer = whitespace(model)
            tokenizer.train_from_iterator(TEXTS)
            self.assertEqual(type(tokenizer.model).__name__, kind)
            self.assertGreater(tokenizer.get_vocab_size(), 10)

    def test_files(self):
        """Lines of files, texts, lists of texts: the same words, the same vocabulary, whatever the order."""
        trainer = trainers.BpeTrainer(vocab_size=60)
        made = [whitespace(models.BPE()) for _ in range(4)]
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in "ab"]
            for path, texts in zip(paths, (TEXTS[:4], TEXTS[4:])):
                with open(path, "w", encoding="utf-8") as f:
                    f.write("\n".join(texts))
            made[0].train(paths, trainer)
            made[1].train(paths[::-1], trainer)
            bad = os.path.join(folder, "bad.txt")
            with open(bad, "wb") as f:
                f.write(b"abc\n\xff\n")
            self.refused(ValueError, "bad.txt, from byte 0 on: byte 4: expected UTF-8", made[0].train, [paths[0], bad], trainer)
            self.refused(FileNotFoundError, "absent", made[0].train, [os.path.join(folder, "absent")])
            self.refused(TypeError, "expected a list of files", made[0].train, paths[0])
        made[2].train_from_iterator((texts for texts in (TEXTS[:4], TEXTS[4:])), trainer)
        made[3].train_from_iterator(TEXTS, trainer)
        for tokenizer in made[1:]:
            self.assertEqual(tokenizer.to_str(), made[0].to_str())

    def test_steps(self):
        """The normalizer counts too, added tokens do not; what training does not decide stays."""
        tokenizer = whitespace(models.BPE(unk_token="u", fuse_unk=True))
        tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.post_processor = processors.TemplateProcessing("$A [E]", special_tokens=[("[E]", 1)])
        tokenizer.add_special_tokens(["AB"])
        tokenizer.add_tokens(["other"])
        tokenizer.enable_padding(pad_id=1)
        tokenizer.train_from_iterator(["AB AB", "ab"], trainers.BpeTrainer(special_tokens=["u", "[E]"]))
        self.assertEqual(tokenizer.get_vocab(), {"u": 0, "[E]": 1, "a": 2, "b": 3, "ab": 4, "AB": 5, "other": 6})
        self.assertEqual(tokenizer.encode("Ab AB").tokens, ["ab", "AB", "[E]"])
        self.assertEqual((tokenizer.model.fuse_unk, tokenizer.padding["pad_id"]), (True, 1))

    def test_refused(self):
        tokenizer = whitespace(models.BPE())
        tokenizer.train_from_iterator(TEXTS)
        before = tokenizer.to_str()

        def broken():
            yield "a text"
            raise KeyError("mine")

        self.refused(KeyError, "mine", tokenizer.train_from_iterator, broken())
        self.refused(TypeError, "got a single text", tokenizer.train_from_iterator, "text")
        self.refused(TypeError, "got bytes", tokenizer.train_from_iterator, [["a", b"b"]])
        self.refused(TypeError, "not iterable", tokenizer.train_from_iterator, [5])
        self.refused(UnicodeEncodeError, "surrogates", tokenizer.train_from_iterator, ["\ud800"])
        self.refused(ValueError, "UnigramTrainer trains a Unigram; this is a BPE", tokenizer.train_from_iterator, TEXTS,
                     trainers.UnigramTrainer())
        self.refused(TypeError, "expected a Trainer, got str", tokenizer.train_from_iterator, TEXTS, "BPE")
        self.assertEqual(tokenizer.to_str(), before)
        small = Tokenizer(models.Unigram())
        self.refused(ValueError, "vocab_size: 3, expected", small.train_from_iterator, TEXTS,
                     trainers.UnigramTrainer(vocab_size=3))
        for options, message in (({"vocab_size": 0}, "vocab_size of 0, expected 1 to"),
                                 ({"min_frequency": -1}, "of -1, expected 0"), ({"max_token_length": 0}, "max_token_length"),
                                 ({"limit_alphabet": 1 << 40}, "limit_alphabet")):
            self.refused(ValueError, message, trainers.BpeTrainer, **options)
        self.refused(ValueError, "shrinking_factor of 1", trainers.UnigramTrainer, shrinking_factor=1)
        self.refused(ValueError, "max_piece_length of 257", trainers.UnigramTrainer, max_piece_length=257)
        self.refused(ValueError, "WordPiece needs one", trainers.WordPieceTrainer, continuing_subword_prefix="")
        self.refused(TypeError, "got int", trainers.BpeTrainer, special_tokens=[1])
        self.refused(TypeError, "a single text", trainers.BpeTrainer, special_tokens="ab")
        self.refused(TypeError, "a single text", trainers.BpeTrainer, initial_alphabet="ab")
        self.refused(TypeError, "abstract", trainers.Trainer)
        self.refused(ValueError, "continuing_subword_prefix: 65 bytes", tokenizer.train_from_iterator, TEXTS,
                     trainers.BpeTrainer(continuing_subword_prefix="x" * 65))

    def test_letters(self):
        tokenizer = whitespace(models.BPE())
        tokenizer.train_from_iterator(["ab"], trainers.BpeTrainer(initial_alphabet=["zz", "y", ""], limit_alphabet=3))
        self.assertLessEqual({"y", "z"}, tokenizer.get_vocab().keys())
        self.assertEqual(sum(len(token) == 1 for token in tokenizer.get_vocab()), 3)

    def test_interrupted(self):
        """Ctrl-C while a model is learnt: the exception comes out, and the tokenizer is as it was."""
        tokenizer = whitespace(models.BPE())
        words = _freehold.Words(tokenizer._tokenizer)
        words.texts(TEXTS)
        heard = []

        def progress(stage, done, total):
            heard.append(stage)
            if len(heard) == 2:
                signal.raise_signal(signal.SIGINT)

        options = trainers.BpeTrainer()._options()
        with self.assertRaises(KeyboardInterrupt):
            words.train(*options, "{}", progress)
        self.assertEqual(len(heard), 2)
        with self.assertRaises(ZeroDivisionError):
            words.train(*options, "{}", lambda stage, done, total: 1 // 0)
        self.assertIn('"vocab"', words.train(*options, "{}", quiet))

    def test_one_at_a_time(self):
        """Words that one thread learns from are refused to another."""
        words = _freehold.Words(whitespace(models.BPE())._tokenizer)
        words.texts(TEXTS)
        caught = []

        def other():
            for call in (lambda: words.texts(TEXTS), lambda: words.lines(b"a"),
                         lambda: words.train(*trainers.BpeTrainer()._options(), "{}", quiet)):
                try:
                    call()
                except RuntimeError as error:
                    caught.append(str(error))

        def progress(*_):
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()

        words.train(*trainers.BpeTrainer()._options(), "{}", progress)
        self.assertGreater(len(caught), 2)
        self.assertEqual(set(caught), {"these words are used by another thread"})

    def test_extension_refused(self):
        tokenizer = whitespace(models.BPE())._tokenizer
        words, options = _freehold.Words(tokenizer), trainers.BpeTrainer()._options()
        with self.assertRaises(KeyError):
            tokenizer.member("vocab")
        for wrong in ((7, *options[1:], "{}", quiet), (*options, "[", quiet)):
            with self.assertRaises(ValueError):
                words.train(*wrong)
        for call in (lambda: _freehold.Words(5), lambda: _freehold.Words(tokenizer, x=1), lambda: words.texts("ab"),
                     lambda: words.lines("ab"), lambda: words.train(), lambda: _freehold.cut(5, "a"),
                     lambda: _freehold.cut(tokenizer, 5), lambda: tokenizer.member(5)):
            with self.assertRaises(TypeError):
                call()

    def test_nothing_is_lost(self):
        """No call keeps or loses memory of Python's, refused ones included."""
        tokenizer = whitespace(models.BPE())
        part = pre_tokenizers.Whitespace()
        trainer = trainers.BpeTrainer(vocab_size=20)

        def calls():
            words = _freehold.Words(tokenizer._tokenizer)
            words.texts(TEXTS)
            words.lines(b"a b c")
            words.train(*trainer._options(), "{}", quiet)
            for wrong in (lambda: words.lines(b"\xff"), lambda: words.train(9, *trainer._options()[1:], "{}", quiet),
                          lambda: words.train(*trainer._options(), "{}", 5), lambda: tokenizer._tokenizer.member("x")):
                with self.assertRaises((ValueError, TypeError, KeyError)):
                    wrong()
            part.pre_tokenize_str("a é b")

        for _ in range(20):
            calls()
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(100):
            calls()
        gc.collect()
        self.assertLess(abs(sys.getallocatedblocks() - before), 100)


@unittest.skipUnless(reference, "Hugging Face's tokenizers is not installed: nothing to compare with")
class Reference(unittest.TestCase):
    def theirs(self):
        return {"models": reference.models, "normalizers": reference.normalizers, "pre_tokenizers": reference.pre_tokenizers,
                "processors": reference.processors, "decoders": reference.decoders, "Regex": reference.Regex}

    def test_parts(self):
        for expression, _ in PARTS:
            self.assertEqual(given(Tokenizer(models.BPE()), expression, OURS),
                             given(reference.Tokenizer(reference.models.BPE()), expression, self.theirs()), expression)

    def made(self, rng):
        sounds = "ba to ri ne shu la ked om in ter es ré 日本 😀 É ß 12".split()
        words = ["".join(rng.choice(sounds) for _ in range(rng.randint(1, 4))) for _ in range(300)]
        return [" ".join(words[min(int(300 ** rng.random()), 299)] for _ in range(rng.randint(0, 12))) for _ in range(200)]

    def test_training(self):
        """BPE and WordLevel: the same file, byte by byte. The others load there, and encode the same."""
        rng, equal, loaded = random.Random(7), 0, 0
        steps = ("normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()])", "normalizers.BertNormalizer()",
                 "pre_tokenizers.Whitespace()", "pre_tokenizers.ByteLevel()", "pre_tokenizers.BertPreTokenizer()",
                 "pre_tokenizers.Metaspace()",
                 "pre_tokenizers.Sequence([pre_tokenizers.Digits(), pre_tokenizers.ByteLevel(False)])",
                 "pre_tokenizers.Split(Regex('[aeiou]'), 'merged_with_previous')")
        kinds = (("BPE", "Bpe", {"unk_token": "[U]"}, {"min_frequency": 2, "initial_alphabet": ["q", "Ġ"]}),
                 ("WordLevel", "WordLevel", {"unk_token": "[U]"}, {"min_frequency": 2}),
                 ("WordPiece", "WordPiece", {"unk_token": "[U]"}, {}), ("Unigram", "Unigram", {}, {"unk_token": "[U]"}))
        for step in steps:
            texts = self.made(rng)
            for model, trainer, fields, options in kinds if step in steps[:3] else kinds[:2]:
                both = []
                for names, tokenizer, others, token in ((OURS, Tokenizer, trainers, AddedToken),
                                                        (self.theirs(), reference.Tokenizer, reference.trainers,
                                                         reference.AddedToken)):
                    made = tokenizer(getattr(names["models"], model)(**fields))
                    setattr(made, MEMBERS[step.split(".")[0]], eval(step, dict(names)))
                    special = ["[U]", token("<s>", lstrip=True), "ter"]
                    made.train_from_iterator(texts, getattr(others, trainer + "Trainer")(
                        vocab_size=400, show_progress=False, special_tokens=special, **options))
                    both.append(made)
                ours, theirs = both
                if trainer in ("Bpe", "WordLevel"):
                    self.assertEqual(ours.to_str(True), theirs.to_str(True), (step, model))
                    equal += 1
                there = reference.Tokenizer.from_str(ours.to_str())
                for text in texts[:50]:
                    self.assertEqual(ours.encode(text).ids, there.encode(text).ids, (step, model))
                loaded += 1
        print(f"{equal} trained files equal to Hugging Face's, {loaded} encode there as here")


if __name__ == "__main__":
    unittest.main(verbosity=2)
