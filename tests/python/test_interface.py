#!/usr/bin/env python3
"""The interface beside Hugging Face's `tokenizers`: every public name of that package is here, or is listed below with the
reason why not; encodings that are changed, tokenizers that are put together, what is drawn by chance; and the types.

    PYTHONPATH=build/dev/python tests/python/test_interface.py"""
import asyncio
import copy
import gc
import importlib
import importlib.metadata
import inspect
import json
import os
import pickle
import subprocess
import sys
import tempfile
import unittest

import freehold
from freehold import Encoding, Tokenizer, decoders, implementations, models, normalizers, pre_tokenizers, trainers

try:
    import tokenizers as reference
except ImportError:
    reference = None

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CALLS = int(os.environ.get("FREEHOLD_TEST_CALLS", "100000"))
IN_PYTHON = "is for parts written in Python, which would need the GIL for each text, and which no file could say"
IN_PLACE = "works on texts that Python holds half done: " + IN_PYTHON
NOT_HERE = {
    "NormalizedString": IN_PLACE, "PreTokenizedString": IN_PLACE, "OffsetReferential": IN_PLACE, "OffsetType": IN_PLACE,
    "SplitDelimiterBehavior": IN_PLACE, "custom": IN_PYTHON, "normalize": IN_PLACE + "; normalize_str",
    "pre_tokenize": IN_PLACE + "; pre_tokenize_str", "process": "Tokenizer.post_process does it",
    "ParityBpeTrainer": "is another algorithm, of several corpora",
    "get_word_count": "counts what train has fed to a trainer; a Trainer here is its options",
    "progress_format": "show_progress says whether a line on the terminal tells how far it is",
}
NO_NAMES = {"Enum", "List", "Tuple", "Union", "tokenizers"}  # what its modules import
TEXTS = ["the cats sat on the mat", "a cat", "", "Ünïcode the cat's mats, 123", "the the the cat cat sat", "日本の cat"]


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


def whole(e):
    return (e.ids, e.type_ids, e.tokens, e.offsets, e.word_ids, e.special_tokens_mask, e.attention_mask,
            [e.token_to_sequence(i) for i in range(len(e))], list(map(whole, e.overflowing)))


def trained(package, **options):
    tokenizer = package.Tokenizer(package.models.BPE(unk_token="[U]", **options))
    tokenizer.pre_tokenizer = package.pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(TEXTS, package.trainers.BpeTrainer(vocab_size=60, show_progress=False,
                                                                     special_tokens=["[U]"]))
    return tokenizer


class Changes(unittest.TestCase):
    """Encodings that are changed; the numbers are those of tokenizers 0.23.3."""

    def some(self, package=freehold):
        tokenizer = package.Tokenizer(package.models.WordLevel({w: i for i, w in enumerate("abcdefg")}, "a"))
        tokenizer.pre_tokenizer = package.pre_tokenizers.Whitespace()
        return tokenizer

    def test_known(self):
        tokenizer = self.some()
        e = tokenizer.encode("b c d e f")
        e.pad(7, "left", 9, 1, "<p>")
        self.assertEqual((e.ids, e.type_ids, e.attention_mask), ([9, 9, 1, 2, 3, 4, 5], [1, 1] + [0] * 5, [0, 0] + [1] * 5))
        self.assertEqual((e.tokens[:3], e.offsets[:3], e.word_ids[:3]), (["<p>", "<p>", "b"], [(0, 0), (0, 0), (0, 1)],
                                                                         [None, None, 0]))
        e.pad(3)
        self.assertEqual(len(e), 7)
        e = tokenizer.encode("b c d e f")
        e.truncate(3, 1)
        self.assertEqual((e.ids, [part.ids for part in e.overflowing]), ([1, 2, 3], [[3, 4, 5]]))
        e.truncate(0)
        self.assertEqual((e.ids, [part.ids for part in e.overflowing]), ([], [[1, 2, 3]]))
        e = tokenizer.encode("b c d e f")
        e.truncate(2, 0, "left")
        self.assertEqual((e.ids, [part.ids for part in e.overflowing]), ([4, 5], [[2, 3], [1]]))
        joined = Encoding.merge([tokenizer.encode("b c"), tokenizer.encode("d")])
        self.assertEqual((joined.ids, joined.offsets, joined.tokens), ([1, 2, 3], [(0, 1), (2, 3), (3, 4)], ["b", "c", "d"]))
        self.assertEqual(Encoding.merge([joined, joined], False).offsets, joined.offsets * 2)
        joined.set_sequence_id(1)
        self.assertEqual((joined.sequence_ids, joined.char_to_token(2, 1)), ([1] * 3, 1))
        self.assertEqual(len(Encoding.merge([])), 0)
        for other in (pickle.loads(pickle.dumps(joined)), copy.deepcopy(joined)):
            self.assertEqual(whole(other), whole(joined))
            other.pad(9)
            self.assertEqual((len(other), len(joined)), (9, 3))

    def test_refused(self):
        e = self.some().encode("b c d")
        for refused, arguments in (("direction 'up', expected one of right, left", (2, 0, "up")),
                                   (r"stride 2, expected one below max_length \(2\)", (2, 2)),
                                   ("max_length -1, stride 0: expected none below 0", (-1,))):
            with self.assertRaisesRegex(ValueError, refused):
                e.truncate(*arguments)
        with self.assertRaisesRegex(ValueError, "direction"):
            e.pad(5, "up")
        with self.assertRaises(OverflowError):
            e.pad(5, pad_id=-1)
        self.assertEqual(e.ids, [1, 2, 3])
        e.pad(5)
        with self.assertRaisesRegex(ValueError, "expected tokens as a tokenizer made them"):
            self.some().post_process(e)

    @unittest.skipUnless(reference, "Hugging Face's tokenizers is not installed: nothing to compare with")
    def test_like_the_reference(self):
        compared = 0
        for text in ("", "b", "b c d e f g b c d e"):
            for length in (0, 1, 2, 3, 9, 10, 11):
                for stride in range(max(length, 1)):
                    for direction in ("left", "right"):
                        both = [self.some(package).encode(text) for package in (freehold, reference)]
                        for e in both:
                            e.truncate(length, stride, direction)
                        self.assertEqual(*map(whole, both), (text, length, stride, direction))
                        for e in both:
                            e.pad(5, direction=direction, pad_id=3, pad_type_id=1, pad_token="x")
                        self.assertEqual(*map(whole, both))
                        joined = [package.Encoding.merge([e, self.some(package).encode("e f", "g"), e], stride % 2 == 0)
                                  for package, e in zip((freehold, reference), both)]
                        self.assertEqual(*map(whole, joined))
                        for e in both:
                            e.set_sequence_id(1)
                        self.assertEqual(*map(whole, both))
                        compared += 4
        self.assertGreater(compared, 500)


class Chance(unittest.TestCase):
    def test_seed(self):
        tokenizer = trained(freehold)
        tokenizer.model = models.BPE(*self.vocabulary(tokenizer), unk_token="[U]", dropout=0.5)
        text, texts = TEXTS[0], [TEXTS[0]] * 40

        def batch():
            return [e.ids for e in tokenizer.encode_batch(texts)]

        first, second = batch(), batch()
        self.assertNotEqual(first, second)
        self.assertGreater(len(set(map(tuple, first))), 10)
        tokenizer.seed(0)
        self.assertEqual(batch(), first)
        tokenizer.seed(0)
        self.assertEqual([tokenizer.encode(text).ids for _ in texts], first)
        self.assertEqual(batch(), second)
        tokenizer.seed(2 ** 64 - 1)
        other = batch()
        self.assertNotEqual(other, first)
        for same in (pickle.loads(pickle.dumps(tokenizer)), copy.copy(tokenizer)):
            self.assertEqual([e.ids for e in same.encode_batch(texts)], other)
        tokenizer.decoder = decoders.Fuse()  # another tokenizer inside
        self.assertEqual(batch(), other)
        with self.assertRaises(OverflowError):
            tokenizer.seed(-1)
        with self.assertRaises(TypeError):
            tokenizer.seed("1")

    def vocabulary(self, tokenizer):
        model = json.loads(tokenizer.to_str())["model"]
        return model["vocab"], model["merges"]


class Kinds(unittest.TestCase):
    """Tokenizers that are put together already."""

    def test_use(self):
        tokenizer = implementations.BertWordPieceTokenizer()
        tokenizer.train_from_iterator(TEXTS * 3, vocab_size=80, show_progress=False)
        self.assertEqual(tokenizer.encode("the cat").tokens, ["the", "cat"])
        self.assertEqual(tokenizer.normalize("Ünï"), "uni")
        self.assertIn("model=BertWordPiece, unk_token=[UNK]", repr(tokenizer))
        with tempfile.TemporaryDirectory() as folder:
            (vocab,) = tokenizer.save_model(folder, "x")
            again = implementations.BertWordPieceTokenizer.from_file(vocab, lowercase=False)
            self.assertEqual(again.encode("the cat", "Cat").tokens, ["[CLS]", "the", "cat", "[SEP]", "[UNK]", "[SEP]"])
            with open(os.path.join(folder, "t"), "w", encoding="utf-8") as f:
                f.write("\n".join(TEXTS * 3))
            tokenizer.train(f.name, 80, show_progress=False)
        copied = pickle.loads(pickle.dumps(again))
        self.assertIs(type(copied), type(again))
        self.assertEqual((repr(copied), copied.to_str()), (repr(again), again.to_str()))
        with self.assertRaisesRegex(TypeError, "unknown option vocab, expected some of vocab_size"):
            tokenizer.train_from_iterator(TEXTS, vocab=3)
        with self.assertRaisesRegex(TypeError, r"sep_token: \[SEP\] is not in the vocabulary"):
            implementations.BertWordPieceTokenizer({"[UNK]": 0})
        with self.assertRaisesRegex(TypeError, "is not of a kind that is trained"):
            implementations.BaseTokenizer(again).train_from_iterator(TEXTS)
        with self.assertRaisesRegex(ValueError, "'nf' is no normalization form"):
            implementations.ByteLevelBPETokenizer(unicode_normalizer="nf")

    def test_parts(self):
        word = models.WordPiece({"[UNK]": 0, "é": 1, "##a": 2})
        self.assertEqual([token.as_tuple() for token in word.tokenize("éaa")], [(1, "é", (0, 2)), (2, "##a", (2, 3)),
                                                                              (2, "##a", (3, 4))])
        self.assertIsInstance(word.get_trainer(), trainers.WordPieceTrainer)
        self.assertIsInstance(normalizers.unicode_normalizer_from_str("nfkd"), normalizers.NFKD)
        self.assertEqual(pre_tokenizers.Split("a", "merged_with_next").behavior, "merged_with_next")
        self.assertEqual(json.loads(pre_tokenizers.Digits(True).__getstate__()), {"type": "Digits", "individual_digits": True})
        self.assertIn("individual_digits", dir(pre_tokenizers.Digits()))

    def test_async(self):
        tokenizer = trained(freehold)

        async def run():
            one, many, fast = await asyncio.gather(tokenizer.async_encode("the cat"), tokenizer.async_encode_batch(TEXTS),
                                                   tokenizer.async_encode_batch_fast(TEXTS))
            return one.ids, [e.ids for e in many], [e.ids for e in fast], await tokenizer.async_decode_batch([one.ids])

        many = [e.ids for e in tokenizer.encode_batch(TEXTS)]
        ids = tokenizer.encode("the cat").ids
        self.assertEqual(asyncio.run(run()), (ids, many, many, [tokenizer.decode(ids)]))


@unittest.skipUnless(reference, "Hugging Face's tokenizers is not installed: nothing to compare with")
class Reference(unittest.TestCase):
    def missing(self, there, here):
        """Public names of one that the other lacks, with those inside classes."""
        for name in public(there) - NO_NAMES:
            thing = getattr(there, name)
            if inspect.ismodule(thing):
                continue
            if not hasattr(here, name):
                yield name
            elif inspect.isclass(thing):
                ours = getattr(here, name)
                fields = {field for kind in ours.__mro__ for field in getattr(kind, "__annotations__", ())}
                yield from public(thing) - public(ours) - fields - self.of_files.get(name, set())

    def test_names(self):
        """All are here, but for those in the list; and what is in the list is missing."""
        if not reference.__version__.startswith("0.23."):
            self.skipTest(f"the list is of tokenizers 0.23, found {reference.__version__}")
        found = set()
        for module in ("", ".models", ".normalizers", ".pre_tokenizers", ".processors", ".decoders", ".trainers",
                       ".implementations"):
            there, here = importlib.import_module("tokenizers" + module), importlib.import_module("freehold" + module)
            self.of_files = {name: set(dir(made)) for name, made in self.made(module[1:])}
            found.update(name for name in self.missing(there, here) if name != module[1:])
        self.assertEqual(found, set(NOT_HERE))

    def made(self, module):
        """Parts with fields, which are those of their files."""
        pair = {"sep": ("s", 1), "cls_token": ("c", 2)}
        arguments = {"Replace": ("a", "b"), "Split": ("a", "removed"), "CharDelimiterSplit": ("x",), "FixedLength": (3,),
                     "TemplateProcessing": ("$A", "$A $B"), "Sequence": ([],), "Precompiled": None, "BertProcessing": pair,
                     "RobertaProcessing": pair}
        if not module or module in ("trainers", "implementations"):
            return
        for name, kind in inspect.getmembers(importlib.import_module("freehold." + module), inspect.isclass):
            given = arguments.get(name, ())
            if issubclass(kind, freehold.component.Component) and kind.__module__.endswith(module) and given is not None:
                try:
                    yield name, kind(**given) if isinstance(given, dict) else kind(*given)
                except TypeError:  # abstract
                    pass

    def test_put_together(self):
        """The same files before and after training; what these encode is compared elsewhere. (With a suffix the package's
        numbers of letters that end words are others each time.)"""
        kinds = (("ByteLevelBPETokenizer", {}), ("ByteLevelBPETokenizer", {"lowercase": True, "unicode_normalizer": "nfc"}),
                 ("CharBPETokenizer", {}), ("CharBPETokenizer", {"bert_normalizer": False, "split_on_whitespace_only": True}),
                 ("SentencePieceBPETokenizer", {}), ("SentencePieceBPETokenizer", {"add_prefix_space": False}))
        for name, options in kinds:
            both = [getattr(package, name)(**options) for package in (freehold, reference)]
            self.assertEqual(*(made.to_str(True) for made in both))
            for made in both if name != "CharBPETokenizer" else ():
                made.train_from_iterator(TEXTS * 3, vocab_size=400, show_progress=False)
            self.assertEqual(*(made.to_str(True) for made in both), (name, options))
        vocab = {token: i for i, token in enumerate(["[UNK]", "[SEP]", "[CLS]", "a", "##b"])}
        self.assertEqual(*(package.BertWordPieceTokenizer(vocab, lowercase=False).to_str()
                           for package in (freehold, reference)))
        scores = [("<unk>", 0.0), ("\u2581a", -1.0), ("b", -2.5)]
        self.assertEqual(*(json.loads(package.SentencePieceUnigramTokenizer(scores).to_str())
                           for package in (freehold, reference)))
        vocab, merges = {"a": 0, "b": 1, "ab": 2}, [("a", "b")]
        for name, _ in kinds[::2]:
            self.assertEqual(*(getattr(package, name)(vocab, merges).to_str() for package in (freehold, reference)))

    def test_tokenize(self):
        """A model alone."""
        vocab = {"[U]": 0, "a": 1, "é": 2, "aé": 3, "##a": 4, "##é": 5}
        kinds = (("BPE", (vocab, [("a", "é")]), {"unk_token": "[U]"}), ("WordPiece", (vocab,), {"unk_token": "[U]"}),
                 ("WordLevel", (vocab, "[U]"), {}),
                 ("Unigram", ([("[U]", 0.0), ("a", -1.0), ("é", -2.0), ("aé", -2.5)], 0), {}))
        for name, arguments, options in kinds:
            for text in ("aé", "aéa", "éxxa", "x", "日aé本", "a"):
                both = [[t.as_tuple() for t in getattr(package.models, name)(*arguments, **options).tokenize(text)]
                        for package in (freehold, reference)]
                self.assertEqual(*both, (name, text))


class Lives(unittest.TestCase):
    def test_references(self):
        """No call keeps or loses memory of Python's, refused ones included."""
        tokenizer, texts, ids = trained(freehold), ["the cat", "a mat"], [5, 6, 7]
        stream = freehold.DecodeStream(tokenizer)

        def calls():
            e = tokenizer.encode(texts[0], texts[1])
            tokenizer.post_process(tokenizer.encode(texts[0], add_special_tokens=False))
            e.ids, e.tokens, e.offsets, e.sequence_ids
            e.truncate(2, 1)
            e.pad(4)
            tokenizer.encode_batch(texts)
            tokenizer.decode(ids)
            stream.step(6)
            tokenizer.seed(3)
            for call, argument in ((tokenizer.seed, -1), (tokenizer.encode, 5), (tokenizer.decode, ["x"])):
                try:
                    call(argument)
                except (TypeError, OverflowError):
                    continue
                raise AssertionError("was not refused")

        for _ in range(100):
            calls()
        gc.collect()
        things = (tokenizer, tokenizer._tokenizer, texts, texts[0], ids)
        before, counts = sys.getallocatedblocks(), [sys.getrefcount(thing) for thing in things]
        for _ in range(CALLS // 10):
            calls()
        gc.collect()
        self.assertLess(abs(sys.getallocatedblocks() - before), 100)
        self.assertEqual([sys.getrefcount(thing) for thing in things], counts)


class Examples(unittest.TestCase):
    def test_run(self):
        """Each program in examples/python runs, and says what it is to say."""
        models_folder = os.environ.get("FREEHOLD_MODELS", os.path.join(ROOT, "models"))
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "tokenizer.json")
            programs = {"encode_texts.py": ([], "'Ġpowerful'      is ' powerful'"),
                        "train_vocabulary.py": ([file, os.path.join(ROOT, "README.md")], " tokens; "),
                        "count_words.py": ([], "4 different words, 400000 in all"),
                        "find_neighbours.py": ([], "by the graph, from its file: "),
                        "tell_story.py": ([os.path.join(models_folder, "demo.gguf")], "60 tokens; ended by length")}
            there = os.path.join(ROOT, "examples", "python")
            self.assertEqual(sorted(name for name in os.listdir(there) if name.endswith(".py")), sorted(programs))
            for name, (arguments, expected) in programs.items():
                done = subprocess.run([sys.executable, os.path.join(there, name), *arguments], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, encoding="utf-8", timeout=300,
                                      env={**os.environ, "PYTHONIOENCODING": "utf-8"})
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertIn(expected, done.stdout)


def mypy_version():
    try:
        return importlib.metadata.version("mypy")
    except importlib.metadata.PackageNotFoundError:
        return "none"


@unittest.skipUnless(mypy_version().startswith("2.4."), f"types are checked by mypy 2.4, found {mypy_version()}")
@unittest.skipIf("LD_PRELOAD" in os.environ, "types are those of the other builds")
class Types(unittest.TestCase):
    def run_module(self, *arguments):
        here = os.path.dirname(os.path.dirname(os.path.abspath(freehold.__file__)))  # stubtest is content without a module
        with tempfile.TemporaryDirectory() as cache:
            done = subprocess.run([sys.executable, "-m", *arguments], cwd=cache, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=300,
                                  env={**os.environ, "MYPY_CACHE_DIR": cache, "PYTHONPATH": here})
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_sources(self):
        self.run_module("mypy", "--strict", "--python-version", "3.11", os.path.join(ROOT, "bindings", "python", "freehold"))

    def test_stubs(self):
        """The extension is what its stubs say."""
        self.run_module("mypy.stubtest", "freehold._freehold")


if __name__ == "__main__":
    unittest.main(verbosity=2)
