#!/usr/bin/env python3
"""Training beside Hugging Face's tokenizers: `freehold train-tokenizer` and their trainers on the same made text.

    tests/text/test_train_peer.py [--rounds N] [--seed N]

BPE and WordLevel: the saved files are equal, byte by byte, also those trained `--like` a pipeline of theirs. Where their
trainer leaves ids to the order of a hash table (a prefix, a suffix, WordPiece), and for Unigram, whose sums depend on threads
there: tokens for a text within 1 %. Every file that we write is loaded by them.

Needs the package tokenizers (PyPI), in this Python, in the one that FREEHOLD_PEER_PYTHON names, or in build/venv; without it
the test is skipped (77). FREEHOLD_PROGRAM is the program.
"""
import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
from collections import Counter
from json import dumps, loads

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("FREEHOLD_PROGRAM", str(ROOT / "build/release/freehold"))

try:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
except ImportError:
    others = [os.environ.get("FREEHOLD_PEER_PYTHON", ""), str(ROOT / "build/venv/bin/python")]
    if "FREEHOLD_PEER_TRIED" not in os.environ:
        os.environ["FREEHOLD_PEER_TRIED"] = "1"
        for other in others:
            if other and os.access(other, os.X_OK):
                os.execv(other, [other, *sys.argv])
    print("skipped: the Python package tokenizers is absent")
    sys.exit(77)


def made_text(rng, size):
    """Lines of a made language: frequent and rare words, numbers, marks, other scripts, runs of one letter."""
    sounds = "ba to ri ne shu la ked om in ter es al wo th e ing st ré qu 日本 😀 ß Ω".split()
    words = ["".join(rng.choice(sounds) for _ in range(rng.randint(1, 4))) for _ in range(4000)]
    lines, made = [], 0
    while made < size:
        line = []
        for _ in range(rng.randint(0, 14)):
            word = words[min(int(4000 ** rng.random()), 3999)]
            odd = rng.random()
            if odd < 0.03:
                word = rng.choice("ax") * rng.randint(1, 9)
            elif odd < 0.06:
                word = str(rng.randint(0, 9999))
            elif odd < 0.10:
                word += rng.choice([",", ".", "!?", "</w>", "##a", "'s", "\t"])
            line.append(word)
        lines.append(rng.choice([" ", " ", "  "]).join(line) + "\n")
        made += len(lines[-1].encode())
    return "".join(lines)


def clear_limit(text, want):
    """An alphabet limit at or above `want` with no tie at its border: with one, their choice is left to chance."""
    counts = sorted(Counter(c for c in text if not c.isspace()).values(), reverse=True)
    while want < len(counts) and counts[want - 1] == counts[want]:
        want += 1
    return want


class Round:
    """One text, and what is trained on it."""

    def __init__(self, rng, folder):
        self.rng, self.path, self.out = rng, folder / "text.txt", folder
        self.text = made_text(rng, rng.choice([300, 3000, 30000, 200000]))
        self.path.write_text(self.text, encoding="utf-8")
        self.exact = self.near = 0

    def ours(self, *arguments):
        path = self.out / "ours.json"
        subprocess.run([PROGRAM, "train-tokenizer", "-o", path, "--threads", str(self.rng.choice([1, 2, 3])),
                        *map(str, arguments), self.path], check=True, stderr=subprocess.PIPE)
        return path

    def theirs(self, model, trainer, pre_tokenizer, decoder=None):
        tokenizer = Tokenizer(model)
        tokenizer.pre_tokenizer = pre_tokenizer
        if decoder is not None:
            tokenizer.decoder = decoder
        tokenizer.train([str(self.path)], trainer)
        path = self.out / "theirs.json"
        tokenizer.save(str(path))
        return path

    def equal(self, name, ours, theirs):
        ours, theirs = ours.read_bytes(), theirs.read_bytes()
        if ours != theirs:
            at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
            sys.exit(f"{name}: files differ at byte {at}: {ours[at - 60:at + 40]!r}, theirs {theirs[at - 60:at + 40]!r}")
        Tokenizer.from_str(ours.decode())
        self.exact += 1

    def close(self, name, ours, theirs):
        """Tokens for the text itself, counted by their tokenizers; their trainer's own luck changes them by about as much."""
        lines = self.text.splitlines(keepends=True)
        counts = [sum(len(e.ids) for e in Tokenizer.from_file(str(path)).encode_batch(lines)) for path in (ours, theirs)]
        if len(self.text) > 2000 and abs(counts[0] - counts[1]) > 0.01 * counts[1] + 5:
            sys.exit(f"{name}: {counts[0]} tokens, theirs {counts[1]}")
        self.near += 1

    def specials(self):
        chosen = self.rng.sample(["<s>", "</s>", "th", "e", "<|end|>", "日"], self.rng.randint(0, 3))
        return chosen, [a for special in chosen for a in ("--special", special)]

    def bpe_bytes(self):
        specials, arguments = self.specials()
        vocab, least = self.rng.choice([260, 300, 700, 3000]), self.rng.choice([0, 2, 5])
        self.equal("byte-level BPE", self.ours("--vocab-size", vocab, "--min-frequency", least, *arguments), self.theirs(
            models.BPE(), trainers.BpeTrainer(vocab_size=vocab, min_frequency=least, special_tokens=specials,
                                              initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()))

    def bpe_words(self):
        specials, arguments = self.specials()
        vocab, longest = self.rng.choice([50, 300, 2000]), self.rng.choice([None, 3, 6])
        limit = self.rng.choice([None, clear_limit(self.text, 12)])
        options = {k: v for k, v in (("limit_alphabet", limit), ("max_token_length", longest)) if v is not None}
        arguments += [a for k, v in options.items() for a in ("--" + k.replace("_", "-"), v)]
        self.equal("BPE", self.ours("--cut", "spaces", "--vocab-size", vocab, *arguments), self.theirs(
            models.BPE(), trainers.BpeTrainer(vocab_size=vocab, special_tokens=specials, show_progress=False, **options),
            pre_tokenizers.WhitespaceSplit()))

    def wordlevel(self):
        specials, arguments = self.specials()
        vocab, least = self.rng.choice([4, 20, 5000]), self.rng.choice([0, 2, 5])
        specials = ["[UNK]", *specials]
        self.equal("WordLevel", self.ours("--model", "wordlevel", "--vocab-size", vocab, "--min-frequency", least, *arguments),
                   self.theirs(models.WordLevel(unk_token="[UNK]"),
                               trainers.WordLevelTrainer(vocab_size=vocab, min_frequency=least, special_tokens=specials,
                                                         show_progress=False), pre_tokenizers.WhitespaceSplit()))

    def affixes(self):
        self.close("BPE with a suffix", self.ours("--cut", "spaces", "--suffix", "</w>", "--vocab-size", 900), self.theirs(
            models.BPE(), trainers.BpeTrainer(vocab_size=900, end_of_word_suffix="</w>", show_progress=False),
            pre_tokenizers.WhitespaceSplit()))

    def wordpiece(self):
        self.close("WordPiece", self.ours("--model", "wordpiece", "--vocab-size", 900), self.theirs(
            models.WordPiece(unk_token="[UNK]"),
            trainers.WordPieceTrainer(vocab_size=900, special_tokens=["[UNK]"], show_progress=False),
            pre_tokenizers.WhitespaceSplit()))

    def unigram(self):
        self.close("Unigram", self.ours("--model", "unigram", "--vocab-size", 700), self.theirs(
            models.Unigram(), trainers.UnigramTrainer(vocab_size=700, special_tokens=["<unk>"], unk_token="<unk>",
                                                      show_progress=False),
            pre_tokenizers.Metaspace(), decoders.Metaspace()))

    def like(self):
        """A pipeline of theirs, with the vocabulary of another text and ids that are no good: trained anew, by both."""
        rng, names = self.rng, ["[U]", "[C]", "[S]"]
        level = rng.random() < 0.3
        tokenizer = Tokenizer(models.WordLevel(unk_token="[U]") if level else models.BPE(unk_token="[U]", fuse_unk=True))
        tokenizer.normalizer = rng.choice([normalizers.NFD(), normalizers.BertNormalizer(), normalizers.Sequence([
            normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex("[0-9]+"), "0")])])
        letters, cut = rng.choice([
            (True, pre_tokenizers.ByteLevel()), (False, pre_tokenizers.Whitespace()), (False, pre_tokenizers.Metaspace()),
            (True, pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(False)])),
            (False, pre_tokenizers.Split(Regex("[aeiou]"), "merged_with_previous")),
            (False, pre_tokenizers.BertPreTokenizer())])
        tokenizer.pre_tokenizer, tokenizer.decoder = cut, rng.choice([decoders.ByteLevel(), decoders.Fuse()])
        tokenizer.post_processor = processors.TemplateProcessing("[C] $A [S]", special_tokens=[("[C]", 1), ("[S]", 2)])

        def trainer(vocab):
            alphabet = {} if level else {"initial_alphabet": pre_tokenizers.ByteLevel.alphabet() if letters else []}
            kind = trainers.WordLevelTrainer if level else trainers.BpeTrainer
            return kind(vocab_size=vocab, special_tokens=names, show_progress=False, **alphabet)

        tokenizer.train_from_iterator(["another text", "[C] other words"], trainer(90))
        given = loads(tokenizer.to_str())
        for number, token in enumerate(given["post_processor"]["special_tokens"].values()):
            token["ids"] = [70 + number]
        example = self.out / "example.json"
        example.write_text(dumps(given), encoding="utf-8")
        vocab = rng.choice([300, 700, 3000])
        ours = self.ours("--like", example, "--vocab-size", vocab)
        tokenizer.train([str(self.path)], trainer(vocab))
        theirs = self.out / "theirs.json"
        tokenizer.save(str(theirs))
        self.equal("--like", ours, theirs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    o = parser.parse_args()
    exact = near = 0
    for number in range(o.rounds):
        with tempfile.TemporaryDirectory() as folder:
            r = Round(random.Random(o.seed * 1000003 + number), pathlib.Path(folder))
            for part in (r.bpe_bytes, r.bpe_words, r.wordlevel, r.like, r.affixes, r.wordpiece, r.unigram):
                part()
            exact, near = exact + r.exact, near + r.near
    print(f"{exact} files equal, {near} vocabularies within 1 % of the peer's tokens")
    return 0


if __name__ == "__main__":
    sys.exit(main())
