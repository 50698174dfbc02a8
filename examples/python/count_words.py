"""Words and how often each occurs, and the same as columns that numpy takes without a copy.

    python examples/python/count_words.py [FILE…]"""
import sys
from collections import Counter

import freehold

texts = ["machine learning is powerful"] * 100000
if len(sys.argv) > 1:
    texts = [line for path in sys.argv[1:] for line in open(path, encoding="utf-8", errors="replace")]

counts = freehold.count_tokens_parallel(texts)  # on all processors
for word, count in list(counts.items())[:10]:  # the most frequent first
    print(f"{count:9,} {word}")
print(len(counts), "different words,", sum(counts.values()), "in all")
if len(sys.argv) == 1:
    assert counts == Counter(word for text in texts for word in text.split())

print(freehold.tokenize_batch(["The quick brown fox"]))  # with the bytes where each begins and ends
words = freehold.tokenize_batch_columnar(texts)  # three arrays instead of many small objects
print(f"the first text has {words.row_splits[1]} words; the last word begins at byte {words.starts[-1]} of its text")
