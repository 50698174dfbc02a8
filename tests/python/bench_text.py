#!/usr/bin/env python3
"""Words in Python: what tokenize_batch, its columnar form and count_tokens_parallel take, beside the same in Python itself.

    PYTHONPATH=build/release/python tests/python/bench_text.py

Each line is the median of interleaved rounds and how many times faster that is, by the clock, and by the processor's time of
all threads, which other programs on the machine disturb less. Results are compared first. The loop is the
equivalent one, character by character with byte offsets; `regex` is the fastest that Python's own library does it."""
import random
import re
import statistics
import time
from collections import Counter

import freehold

SPACES = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "lazy", "dog", "machine", "learning", "transformer", "attention",
         "embedding"]
ROUNDS = 5


def loop_batch(texts):
    """The loop that the function replaces."""
    result = []
    for text in texts:
        tokens, start, word, at = [], 0, [], 0
        for ch in text:
            if ch.isspace():
                if word:
                    tokens.append(("".join(word), start, at))
                    word = []
            else:
                if not word:
                    start = at
                word.append(ch)
            at += 1 if ch < "\x80" else len(ch.encode())
        if word:
            tokens.append(("".join(word), start, at))
        result.append(tokens)
    return result


def regex_batch(texts):
    """The same for ASCII, by the regular expressions of the standard library."""
    finder = re.compile(r"\S+").finditer
    return [[(m[0], m.start(), m.end()) for m in finder(text)] for text in texts]


def python_count(texts):
    counts = Counter()
    for text in texts:
        counts.update(text.split())
    return counts


def medians(rounds, **functions):
    """Seconds of each, interleaved: (by the clock, of the processor)."""
    taken = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            begin, cpu = time.perf_counter(), time.process_time()
            result = function()
            taken[name].append((time.perf_counter() - begin, time.process_time() - cpu))
            del result
    return {name: tuple(map(statistics.median, zip(*times))) for name, times in taken.items()}


def show(what, peer, ours, base):
    print(f"{what:26} {1e3 * ours[0]:8.1f} ms   {peer:8} {1e3 * base[0]:8.1f} ms   {base[0] / ours[0]:6.1f} x   "
          f"of the processor {base[1] / ours[1]:6.1f} x")


def main():
    random.seed(1)
    lesson = ["The quick brown fox", "jumps over the lazy dog"] * 10000
    corpus = [" ".join(random.choices(WORDS, k=100)) for _ in range(5000)]
    for name, texts in (("20,000 short texts", lesson), ("5,000 texts of 100 words", corpus)):
        assert freehold.tokenize_batch(texts) == loop_batch(texts) == list(freehold.tokenize_batch_columnar(texts))
        t = medians(ROUNDS, ours=lambda: freehold.tokenize_batch(texts), loop=lambda: loop_batch(texts),
                    regex=lambda: regex_batch(texts), columns=lambda: freehold.tokenize_batch_columnar(texts))
        print(name)
        show("  tokenize_batch", "loop", t["ours"], t["loop"])
        show("  tokenize_batch", "regex", t["ours"], t["regex"])
        show("  tokenize_batch_columnar", "loop", t["columns"], t["loop"])
    big = [" ".join(random.choices(WORDS, k=100)) for _ in range(100000)]
    assert freehold.count_tokens_parallel(big) == python_count(big)
    t = medians(ROUNDS, ours=lambda: freehold.count_tokens_parallel(big), python=lambda: python_count(big))
    size = sum(map(len, big))
    print(f"100,000 texts of 100 words, {size / 1e6:.0f} MB, {freehold._freehold.threads} threads")
    show("  count_tokens_parallel", "Counter", t["ours"], t["python"])
    print(f"  {size / t['ours'][0] / 1e6:.0f} MB/s")


if __name__ == "__main__":
    main()
