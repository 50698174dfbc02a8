#!/usr/bin/env python3
"""The class Tokenizer beside Hugging Face's, both through Python: what a call takes in all, its lists included.

    PYTHONPATH=build/release/python tests/python/bench_drop_in.py FOLDER/gpt2.json …

Each number is the processor's time of all threads, the median of rounds that take turns. Results are compared first."""
import os
import statistics
import sys
import time

import freehold
import tokenizers

ROUNDS = 5
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def median(call, times):
    begin = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - begin) / times


def everything(encodings):
    return [(e.ids, e.tokens, e.offsets, e.attention_mask) for e in encodings]


def main():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        words = f.read().split()
    short = "machine learning is powerful, and memory safety is too"
    texts = [" ".join(words[i % 900:i % 900 + 100]) for i in range(0, 40000, 40)]
    for path in sys.argv[1:]:
        ours, theirs = freehold.Tokenizer.from_file(path), tokenizers.Tokenizer.from_file(path)
        assert everything(ours.encode_batch(texts)) == everything(theirs.encode_batch(texts))
        ids = ours.encode(" ".join(texts[:3])).ids
        assert ours.decode(ids) == theirs.decode(ids)
        calls = {"encode, 9 words, .ids": (lambda t: t.encode(short).ids, 2000),
                 "encode, 9 words, ids, tokens, offsets, mask": (lambda t: everything([t.encode(short)]), 2000),
                 "encode, 100 words, .ids": (lambda t: t.encode(texts[0]).ids, 500),
                 "encode_batch, 1,000 texts of 100 words, .ids": (lambda t: [e.ids for e in t.encode_batch(texts)], 1),
                 "encode_batch, the same, ids, tokens, offsets, mask": (lambda t: everything(t.encode_batch(texts)), 1),
                 f"decode, {len(ids)} ids": (lambda t: t.decode(ids), 500)}
        for what, (call, times) in calls.items():
            rounds = [[median(lambda: call(t), times) for t in (ours, theirs)] for _ in range(ROUNDS)]
            mine, other = map(statistics.median, zip(*rounds))
            print(f"{os.path.basename(path):20} {what:52} {1e6 * mine:10.1f} us {1e6 * other:12.1f} us {other / mine:6.1f} x",
                  flush=True)


if __name__ == "__main__":
    main()
