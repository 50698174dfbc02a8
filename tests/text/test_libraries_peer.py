#!/usr/bin/env python3
"""test_libraries_peer.py: our tokenizers of SentencePiece models and tiktoken ranks beside the libraries themselves.

    tests/text/test_libraries_peer.py --library build/dev/tests/text/libpeer_tokenizers.so [--seed N] [--texts N]

SentencePiece trains models of all kinds here, with random options; ids, offsets (in bytes, but for the pieces of bytes) and
decoded texts have to be equal. Ranks are made at random. Each package that is missing is skipped with its reason."""

import argparse
import io
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tokenizers_peer as peer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIXED = [
    "",
    " ",
    "Hello, world!",
    "  two  spaces ",
    "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8 \uff76\uff9e",
    "\ufb01 \u2460 \u3314 A\u030a e\u0301",
    "\u2581x \u2581\u2581 y",
    "<s> </s> <unk><sep>\t<cls>",
    "\x01\x02a\x7f b\u200b c\u00a0d\u3000e\r\n",
    "don't I'LL we'Ve 123456 3.14",
    "ab" * 40,
]
RANGES = ((0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x3040, 0x30FF), (0x4E00, 0x4F00), (0xFF00, 0xFFEF))


def texts(r, prose, count):
    yield from FIXED
    for i in range(count):
        at = r.randrange(len(prose) - 200)
        piece = prose[at : at + r.randint(1, 200)]
        if i % 2:
            at = r.randrange(len(piece))
            piece = piece[:at] + "".join(chr(r.randint(*r.choice(RANGES))) for _ in range(r.randint(1, 12))) + piece[at:]
        yield piece


def report(name, text, what, theirs, ours):
    print(f"{name}: {text!r}: {what}\n  library {theirs}\n  ours    {ours}")
    return 1


def check_spm(library, name, model, many):
    import sentencepiece

    theirs, ours = sentencepiece.SentencePieceProcessor(model_proto=model), peer.Ours(library, model, literal=True)
    differ = count = 0
    for text in many:
        count += 1
        pieces = theirs.encode(text, return_type="proto").pieces
        ids = [p.id for p in pieces]
        part = ours.encode(text, special=False, offsets=peer.BYTES)
        got = [i for p in part for i in p[0]]
        places = [tuple(o) for p in part for o in p[3]]
        if got != ids:
            differ += report(name, text, "ids", ids, got)
        elif any((p.begin, p.end) != o for p, o in zip(pieces, places) if not theirs.is_byte(p.id)):
            differ += report(name, text, "offsets", [(p.begin, p.end) for p in pieces], places)
        elif ids and ids[0] != theirs.unk_id() and "\u2581" not in text and theirs.decode(ids) != ours.decode(ids):
            differ += report(name, text, "decoded", theirs.decode(ids), ours.decode(ids))
    ours.close()
    return count, differ


def spm_models(r, prose):
    """Models of random options, trained here."""
    import sentencepiece

    for kind in ("unigram", "bpe", "char", "unigram", "bpe"):
        out = io.BytesIO()
        lines = [line for line in prose.splitlines() if line.strip()]
        r.shuffle(lines)
        options = {
            "add_dummy_prefix": r.random() < 0.7,
            "remove_extra_whitespaces": r.random() < 0.5,
            "treat_whitespace_as_suffix": r.random() < 0.2,
            "byte_fallback": r.random() < 0.5,
            "split_by_whitespace": r.random() < 0.7,
            "split_digits": r.random() < 0.3,
            "normalization_rule_name": r.choice(["identity", "nmt_nfkc", "nfkc_cf"]),
            "user_defined_symbols": r.sample(["<sep>", "the", "(", "ing", "\u2581\u2581"], r.randint(0, 3)),
            "control_symbols": ["<cls>"],
        }
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines[:1500]),
            model_writer=out,
            model_type=kind,
            vocab_size=700,
            hard_vocab_limit=False,
            num_threads=1,
            minloglevel=2,
            **options,
        )
        yield f"{kind} {options}", out.getvalue()


def made_ranks(r, prose):
    """Ranks of random pairs that a text has."""
    ranks = {bytes([b]): b for b in range(256)}
    pool = prose.encode()
    while len(ranks) < 1500:
        at, size = r.randrange(len(pool) - 16), r.randint(2, 8)
        token = pool[at : at + size]
        if token not in ranks:
            ranks[token] = len(ranks)
    return ranks


def check_ranks(library, encoding, pattern, r, prose, count):
    import base64

    import tiktoken

    ranks = made_ranks(r, prose)
    theirs = tiktoken.Encoding("made", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    lines = b"".join(base64.b64encode(token) + b" %d\n" % rank for token, rank in ranks.items())
    ours = peer.Ours(library, lines, encoding=encoding, literal=True)
    done = differ = 0
    for text in texts(r, prose, count):
        done += 1
        ids, got = theirs.encode(text, disallowed_special=()), ours.ids(text, special=False)
        if ids != got:
            differ += report(encoding, text, "ids", ids, got)
        elif theirs.decode(ids) != ours.decode(got):
            differ += report(encoding, text, "decoded", theirs.decode(ids), ours.decode(got))
    ours.close()
    return done, differ


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", type=int, default=150)
    options = parser.parse_args()
    library, r = peer.load(options.library), random.Random(options.seed)
    prose = ""
    for name in ("README.md", "docs/ARCHITECTURE.md", "docs/SAFETY.md", "src/llm/forward.c"):
        with open(os.path.join(ROOT, name), encoding="utf-8") as f:
            prose += f.read()
    count = differ = 0
    try:
        import google.protobuf  # noqa: F401
        import sentencepiece  # noqa: F401
    except ImportError as e:
        print(f"skipped: SentencePiece models: {e}")
    else:
        for name, model in spm_models(r, prose):
            some, other = check_spm(library, name, model, texts(r, prose, options.texts))
            count, differ = count + some, differ + other
    try:
        from tiktoken_ext import openai_public
    except ImportError as e:
        print(f"skipped: tiktoken ranks: {e}")
    else:
        public = {"gpt2": openai_public.r50k_pat_str}
        for encoding, pattern in public.items():
            some, other = check_ranks(library, encoding, pattern, r, prose, options.texts)
            count, differ = count + some, differ + other
    print(f"{count} texts compared, {differ} different")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
