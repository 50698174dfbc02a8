#!/usr/bin/env python3
"""Training beside Hugging Face's tokenizers: seconds of the processor for the same text, vocabulary and pre-tokenizer.

    tests/text/bench_train.py [--program build/release/freehold] [--mb N] [--vocab N] [--rounds N] [--models bpe,…] [FILE…]

One thread; reading, cutting, counting, training and writing the file are in both. Rounds are interleaved; each is a process of
its own, and what their Python needs to start is taken off. BPE and WordLevel files have to be equal. Text is made (or FILE…).
Needs the package tokenizers (PyPI), in this Python or in build/venv.
"""
import argparse
import os
import pathlib
import random
import resource
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

THEIRS = """
import sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
kind, vocab, out, *files = sys.argv[1:]
letters = pre_tokenizers.ByteLevel.alphabet()
parts = {
    "bpe": (models.BPE(), pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel(),
            trainers.BpeTrainer(vocab_size=int(vocab), initial_alphabet=letters, show_progress=False)),
    "wordpiece": (models.WordPiece(unk_token="[UNK]"), pre_tokenizers.WhitespaceSplit(), decoders.WordPiece(),
                  trainers.WordPieceTrainer(vocab_size=int(vocab), special_tokens=["[UNK]"], show_progress=False)),
    "wordlevel": (models.WordLevel(unk_token="[UNK]"), pre_tokenizers.WhitespaceSplit(), None,
                  trainers.WordLevelTrainer(vocab_size=int(vocab), special_tokens=["[UNK]"], show_progress=False)),
    "unigram": (models.Unigram(), pre_tokenizers.Metaspace(), decoders.Metaspace(),
                trainers.UnigramTrainer(vocab_size=int(vocab), special_tokens=["<unk>"], unk_token="<unk>",
                                        show_progress=False)),
}
if kind != "none":
    model, cut, decoder, trainer = parts[kind]
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = cut
    if decoder is not None:
        tokenizer.decoder = decoder
    tokenizer.train(files, trainer)
    tokenizer.save(out)
"""


def make_text(path, size):
    """A made language: 60,000 words of Zipf's frequencies, with marks, numbers and a few other scripts."""
    rng = random.Random(1)
    sounds = "ba to ri ne shu la ked om in ter es al wo th e ing st ré qu ex ka mo li on".split()
    words = ["".join(rng.choice(sounds) for _ in range(rng.randint(1, 5))) for _ in range(60000)]
    made = 0
    with open(path, "w", encoding="utf-8") as out:
        while made < size:
            line = []
            for _ in range(rng.randint(3, 15)):
                word, odd = words[min(int(60000 ** rng.random()), 59999)], rng.random()
                if odd < 0.05:
                    word += rng.choice(",.!?;")
                elif odd < 0.07:
                    word = str(rng.randint(0, 9999))
                elif odd < 0.08:
                    word = rng.choice(["日本語", "東京", "éà", "😀", "Ωmega"])
                elif odd < 0.18:
                    word = word.capitalize()
                line.append(word)
            made += out.write(" ".join(line) + "\n")


def seconds(command):
    """Seconds of the processor that a process takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL,
                   env={**os.environ, "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.environ.get("FREEHOLD_PROGRAM", ROOT / "build/release/freehold"))
    parser.add_argument("--mb", type=int, default=8)
    parser.add_argument("--vocab", type=int, default=30000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", default="bpe,wordpiece,wordlevel,unigram")
    parser.add_argument("files", nargs="*")
    o = parser.parse_args()
    python = sys.executable
    for other in (python, ROOT / "build/venv/bin/python"):
        there = os.access(other, os.X_OK)
        if there and subprocess.run([other, "-c", "import tokenizers"], stderr=subprocess.DEVNULL).returncode == 0:
            python = str(other)
            break
    else:
        print("skipped: the Python package tokenizers is absent")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        text, out, peer = (str(pathlib.Path(folder) / name) for name in ("text.txt", "ours.json", "theirs.json"))
        files = o.files
        if not files:
            make_text(text, o.mb << 20)
            files = [text]
        size = sum(os.path.getsize(f) for f in files)
        start = statistics.median(seconds([python, "-c", THEIRS, "none", "0", peer]) for _ in range(3))
        for kind in o.models.split(","):
            vocab = min(o.vocab, 8000) if kind == "unigram" else o.vocab
            ours, theirs = [], []
            for _ in range(o.rounds):
                ours.append(seconds([str(o.program), "train-tokenizer", "--threads", "1", "--model", kind, "--vocab-size",
                                     str(vocab), "-o", out, *files]))
                theirs.append(seconds([python, "-c", THEIRS, kind, str(vocab), peer, *files]) - start)
            same = ""
            if kind in ("bpe", "wordlevel"):
                with open(out, "rb") as a, open(peer, "rb") as b:
                    same = ", files equal" if a.read() == b.read() else ", FILES DIFFER"
            ratio = statistics.median(b / a for a, b in zip(ours, theirs))
            print(f"{kind:9}  {size / 1e6:.1f} MB, {vocab} tokens: ours {statistics.median(ours):.2f} s, "
                  f"tokenizers {statistics.median(theirs):.2f} s, ratio {ratio:.1f}{same}", flush=True)
            if "DIFFER" in same:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
