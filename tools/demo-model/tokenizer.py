"""Byte-level BPE in the GPT-2 scheme: training, encoding and decoding.

The vocabulary is the 256 byte tokens, then one token per merge in the order
the merges were learnt, then the control token <|endoftext|>, which both begins
and ends a story.  Training is deterministic: equal pair counts are settled by
the spelling of the pair.
"""

import json
import re
from collections import Counter, defaultdict

END = "<|endoftext|>"

# GPT-2's pre-tokenizer, in terms Python's own `re` knows.
SPLIT = re.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+"
)


def byte_alphabet():
    """GPT-2's map from each byte to the printable character that stands for it."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, spare = {}, 0
    for b in range(256):
        if b in plain:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + spare)
            spare += 1
    return table


BYTE_TO_CHAR = byte_alphabet()
CHAR_TO_BYTE = {c: b for b, c in BYTE_TO_CHAR.items()}


def spell(piece):
    """A piece of text in the byte alphabet."""
    return "".join(BYTE_TO_CHAR[b] for b in piece.encode("utf-8"))


def learn_merges(texts, n_merges):
    """The first n_merges BPE merges for the given texts."""
    counts = Counter()
    for text in texts:
        counts.update(SPLIT.findall(text))
    words = [(list(spell(w)), n) for w, n in sorted(counts.items())]
    pairs, where = Counter(), defaultdict(set)
    for i, (symbols, n) in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] += n
            where[pair].add(i)
    merges = []
    while len(merges) < n_merges:
        best = min(pairs, key=lambda p: (-pairs[p], p), default=None)
        if best is None or pairs[best] <= 0:
            break
        merges.append(best)
        for i in sorted(where.pop(best)):
            symbols, n = words[i]
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] -= n
            merged, k = [], 0
            while k < len(symbols):
                if tuple(symbols[k:k + 2]) == best:
                    merged.append(symbols[k] + symbols[k + 1])
                    k += 2
                else:
                    merged.append(symbols[k])
                    k += 1
            symbols[:] = merged
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += n
                where[pair].add(i)
        pairs.pop(best, None)
    return merges


class Tokenizer:
    """Encodes text to token ids and back."""

    def __init__(self, tokens, merges):
        self.tokens = tokens
        self.merges = [tuple(m) for m in merges]
        self.ids = {t: i for i, t in enumerate(tokens)}
        self.rank = {m: i for i, m in enumerate(self.merges)}
        self.end = self.ids[END]
        self.known = {}

    @classmethod
    def train(cls, texts, vocab_size=1024):
        alphabet = [BYTE_TO_CHAR[b] for b in range(256)]
        merges = learn_merges(texts, vocab_size - 257)
        return cls(alphabet + [a + b for a, b in merges] + [END], merges)

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as f:
            data = json.load(f)
        return cls(data["tokens"], data["merges"])

    def save(self, path):
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"tokens": self.tokens, "merges": self.merges}, f,
                      ensure_ascii=False, indent=0)
            f.write("\n")

    def encode_piece(self, piece):
        if piece in self.known:
            return self.known[piece]
        symbols = list(spell(piece))
        while len(symbols) > 1:
            ranked = [(self.rank.get(p, 1 << 30), k)
                      for k, p in enumerate(zip(symbols, symbols[1:]))]
            rank, k = min(ranked)
            if rank == 1 << 30:
                break
            symbols[k:k + 2] = [symbols[k] + symbols[k + 1]]
        ids = [self.ids[s] for s in symbols]
        self.known[piece] = ids
        return ids

    def encode(self, text):
        """Token ids of plain text; control tokens are not looked for."""
        return [i for piece in SPLIT.findall(text) for i in self.encode_piece(piece)]

    def decode(self, ids):
        """Text of token ids; control tokens are left out."""
        chars = "".join(self.tokens[i] for i in ids if i != self.end)
        return bytes(CHAR_TO_BYTE[c] for c in chars).decode("utf-8", "replace")


def main():
    import argparse

    from corpus import story

    ap = argparse.ArgumentParser(description="Trains the tokenizer on generated stories.")
    ap.add_argument("--out", required=True)
    ap.add_argument("--stories", type=int, default=8000)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--vocab", type=int, default=1024)
    args = ap.parse_args()
    texts = [story(args.seed, i) for i in range(args.stories)]
    tok = Tokenizer.train(texts, args.vocab)
    tok.save(args.out)
    n = sum(len(tok.encode(t)) for t in texts)
    chars = sum(map(len, texts))
    print(f"{len(tok.tokens)} tokens, {n / len(texts):.0f} per story, "
          f"{chars / n:.2f} characters per token")


if __name__ == "__main__":
    main()
