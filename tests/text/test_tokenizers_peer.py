#!/usr/bin/env python3
"""test_tokenizers_peer.py: our tokenizers beside Hugging Face's own package: everything that an encoding has, equal.

    tests/text/test_tokenizers_peer.py --library build/dev/tests/text/libpeer_tokenizers.so [--data FOLDER] [--long] [--seed N]

Compared are ids, type ids, word ids, offsets (code points), both masks, the tokens' texts, sequence ids and the overflow of
single texts and of pairs; ids alone; decoding, at once and token by token; truncation and padding; and what `save` writes, read
by the package. Tokenizers: all of FOLDER/tokenizers/*.json (FREEHOLD_DATA), and random pipelines made here. Texts: prose and
code of this tree, Japanese, emoji, combining marks, added tokens, every code point, random ones.

The last line says how many texts were compared and how many differ; any difference fails. Without the package it says why it is
skipped, and passes. Differences that must stay, and why:

  * the overflow of an overflow (a pair of which both halves were cut) is not kept: it repeats the flat list (encoding.h)
  * of two added tokens that are normalized to the same the later one counts here, and any of them there (by a hash); at one
    that is normalized to nothing the package cuts the text everywhere, and we nowhere: such pipelines are left out
  * texts at which the package panics are not compared: a stride that is not below the length, a template that is not met"""

import argparse
import glob
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tokenizers_peer as peer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# --- texts --------------------------------------------------------------------------------------------------------------

FIXED = [
    "",
    " ",
    "  ",
    ".",
    "Hello, world!",
    "  leading and  double   spaces ",
    "It's 12 o'clock: caf\u00e9, \u00e9 x \n\n y\t",
    "don't won't I'VE we'll THEY'RE",
    "\r\n\r\n  \n",
    "def f(x):\n    return x ** 2  # comment\n",
    "1234567 89.5e-3",
    "a" * 300,
    "\uff21\uff22\uff23 \uff11\uff12\uff13 \ufb01 \u00bd \u01c5 \u0130 \u1e9e",
    "\u200b\u00a0\u3000x\u2028y",
    "e\u0301\u0323 o\u0308 \u1ea5",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "\ud55c\uad6d\uc5b4 \ud14d\uc2a4\ud2b8",
    "\u1112\u1161\u11ab",
    "\u2581x \u2581 y",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f917\U0001f1ef\U0001f1f5",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\x00\x01\x7f\x85",
    "\ufffd\ufeff",
    "<s> </s> [CLS] [MASK]<mask>  <|endoftext|><pad> [SEP].",
    "<extra_id_0> hi<extra_id_1>\n",
    "x<|im_start|>user\n\n<|im_end|> \t",
    "<bos><start_of_turn>  <end_of_turn>",
    "\n\n\n\n\t\t\t\t    ",
    "<unk><0x41><0xE3>",
    "\u0391\u03a3 \u03c3\u03a3.",
    "na\u00efve r\u00e9sum\u00e9 \u0152uvre",
]
JAPANESE = [
    "\u543e\u8f29\u306f\u732b\u3067\u3042\u308b\u3002\u540d\u524d\u306f\u307e\u3060\u7121\u3044\u3002",
    "\u6771\u4eac\u90fd\u3067\u30e9\u30fc\u30e1\u30f3\u3092\u98df\u3079\u307e\u3057\u305f\uff01",
    "\u30d7\u30ed\u30b0\u30e9\u30df\u30f3\u30b0\u8a00\u8a9eC\u306f1972\u5e74\u306b\u958b\u767a\u3055\u308c\u305f\u3002",
    "\uff8a\uff9d\uff76\uff78\uff76\uff85 \u304c\u30cf\u309a \u3042\u3099",
]
POOLS = [
    (32, 127),
    (32, 127),
    (32, 127),
    (0, 32),
    (0xA0, 0x250),
    (0x300, 0x370),
    (0x370, 0x530),
    (0x590, 0x700),
    (0x900, 0xA00),
    (0xE00, 0xE80),
    (0x1100, 0x1200),
    (0x1E00, 0x2070),
    (0x2070, 0x2C00),
    (0x3000, 0x3100),
    (0x4E00, 0x5200),
    (0xAC00, 0xAD00),
    (0xFB00, 0xFE50),
    (0xFF00, 0xFFF0),
    (0x1D400, 0x1D500),
    (0x1F300, 0x1F700),
    (0xE000, 0xE010),
    (0x20000, 0x20040),
]


def lines_of(patterns, limit):
    out = []
    for pattern in patterns:
        for path in sorted(glob.glob(os.path.join(ROOT, pattern))):
            with open(path, encoding="utf-8", errors="ignore") as f:
                out += [line for line in f if line.strip()]
            if len(out) > limit:
                return out[:limit]
    return out


def random_text(rng, specials):
    parts = []
    for _ in range(rng.randint(1, 8)):
        kind = rng.random()
        if kind < 0.15 and specials:
            parts.append(rng.choice(specials))
        elif kind < 0.3:
            parts.append(rng.choice((" ", "  ", "\n", "\t ", "\u00a0", "\u2581", "'s", "...", "12", "\u3000")))
        else:
            low, high = rng.choice(POOLS)
            parts.append("".join(chr(rng.randrange(low, high)) for _ in range(rng.randint(1, 6))))
    return "".join(parts)


# --- one tokenizer ------------------------------------------------------------------------------------------------------


def odd_tokens(hf, blob):
    """True if added tokens are normalized to nothing, or two of them to the same."""
    texts = [t["content"] for t in json.loads(blob)["added_tokens"] if t["normalized"]]
    normal = [hf.normalizer.normalize_str(t) if hf.normalizer else t for t in texts]
    return "" in normal or len(set(normal)) != len(normal)


class Suite:
    def __init__(self, lib, package, args):
        self.lib, self.package, self.args = lib, package, args
        self.texts = self.tokenizers = self.differences = self.skipped = 0

    def differ(self, name, what, text, ours, reference):
        self.differences += 1
        if self.differences <= 20:
            print(f"DIFFERENCE {name}: {what}: {text!r:.200}\n    ours      {ours!r:.300}\n    reference {reference!r:.300}")

    def reference(self, call):
        """What the package gives; None where it panics or refuses."""
        try:
            return call()
        except BaseException as e:  # a panic is no Exception
            if isinstance(e, (KeyboardInterrupt, SystemExit)):
                raise
            self.skipped += 1
            return None

    def encode(self, name, ours, hf, text, pair=None, special=True):
        e = self.reference(lambda: hf.encode(text, pair, add_special_tokens=special))
        if e is None:
            return None
        self.texts += 1
        try:
            got = ours.encode(text, pair, special)
        except peer.Refused as refused:
            self.differ(name, "refused", (text, pair), str(refused), e.ids)
            return None
        d = peer.difference(got, peer.theirs(e))
        if d:
            self.differ(name, d[0], (text, pair), d[1], d[2])
        return e

    def ids(self, name, ours, text, e, special=True):
        got = ours.ids(text, special)
        if got != e.ids:
            self.differ(name, "ids alone", text, got, e.ids)

    def decode(self, name, ours, hf, ids):
        for skip in (True, False):
            want = self.reference(lambda: hf.decode(ids, skip_special_tokens=skip))
            if want is None:
                continue
            got = ours.decode(ids, skip)
            if got != want:
                self.differ(name, "decode", ids, got, want)

    def stream(self, name, ours, hf, ids):
        try:
            from tokenizers.decoders import DecodeStream
        except ImportError:
            return
        s = DecodeStream(skip_special_tokens=False)
        want = self.reference(lambda: [s.step(hf, i) or "" for i in ids])
        if want is None:
            return
        got = ours.stream(ids)
        if got != want:
            self.differ(name, "stream", ids, got, want)

    def lengths(self, name, ours, hf, rng, texts):
        """Truncation and padding, all ways."""
        for _ in range(self.args.lengths):
            max_length, stride = rng.randint(0, 12), rng.randint(0, 4)
            strategy = rng.choice(("longest_first", "only_first", "only_second"))
            direction = rng.choice(("left", "right"))
            length, multiple = rng.choice((None, 0, 7, 16)), rng.choice((None, 4))
            side, pad_id, pad_type = rng.choice(("left", "right")), rng.randint(0, 9), rng.randint(0, 1)
            how = {"stride": stride, "strategy": strategy, "direction": direction}
            if self.reference(lambda: (hf.enable_truncation(max_length, **how), 1)[1]) is None:
                continue
            ours.truncate(max_length, stride, strategy, direction)
            if rng.random() < 0.6:
                hf.enable_padding(
                    direction=side,
                    pad_id=pad_id,
                    pad_type_id=pad_type,
                    pad_token="<p>",
                    length=length,
                    pad_to_multiple_of=multiple,
                )
                ours.pad(length, multiple or 0, side, pad_id, pad_type, "<p>")
            for pair in (None, rng.choice(texts)):
                self.encode(name, ours, hf, rng.choice(texts), pair, rng.random() < 0.7)
            hf.no_padding()
            ours.no_padding()
        hf.no_truncation()
        ours.no_truncation()

    def run(self, name, blob, texts, rng, every=1):
        """Everything on one tokenizer."""
        hf = self.reference(lambda: self.package.Tokenizer.from_str(blob.decode()))
        if hf is None:
            return False
        try:
            ours = peer.Ours(self.lib, blob)
        except peer.Refused as refused:
            self.differ(name, "load", name, str(refused), "loaded")
            return False
        if odd_tokens(hf, blob):
            return False
        self.tokenizers += 1
        hf.no_truncation()
        hf.no_padding()
        ours.no_truncation()
        ours.no_padding()
        for i, text in enumerate(texts):
            e = self.encode(name, ours, hf, text)
            if e is None or i % every:
                continue
            self.ids(name, ours, text, e)
            self.decode(name, ours, hf, e.ids)
            if i % (4 * every) == 0:
                self.encode(name, ours, hf, text, rng.choice(texts), rng.random() < 0.5)
                self.stream(name, ours, hf, e.ids[:40])
        self.lengths(name, ours, hf, rng, texts)
        ids = [rng.randrange(hf.get_vocab_size() + 3) for _ in range(12)]
        self.decode(name, ours, hf, ids)
        ours.close()
        return True

    def saved(self, name, blob, texts):
        """What we write, the package reads as the same tokenizer."""
        ours = peer.Ours(self.lib, blob)
        again = self.package.Tokenizer.from_str(ours.save().decode())
        first = self.package.Tokenizer.from_str(blob.decode())
        if again.to_str() != first.to_str():
            a, b = json.loads(again.to_str()), json.loads(first.to_str())
            keys = [k for k in b if a.get(k) != b[k]]
            self.differ(name, "save", keys, *(str({k: x[k] for k in keys if k != "model"}) for x in (a, b)))
        ours.close()


# --- random pipelines ---------------------------------------------------------------------------------------------------

REGEXES = [
    r"\s+",
    r"\w+|[^\w\s]+",
    r"\p{N}{1,3}",
    r"[a-z]+",
    r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"\d",
    r"(?i:the|a)",
]


def random_normalizer(rng, deep=0):
    simple = [{"type": t} for t in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel")]
    simple += [
        {"type": "Strip", "strip_left": rng.random() < 0.5, "strip_right": rng.random() < 0.5},
        {
            "type": "BertNormalizer",
            "clean_text": rng.random() < 0.5,
            "handle_chinese_chars": rng.random() < 0.5,
            "strip_accents": rng.choice((None, True, False)),
            "lowercase": rng.random() < 0.5,
        },
        {
            "type": "Replace",
            "pattern": {"String": rng.choice((" ", "a", "ab", "``"))},
            "content": rng.choice(("", "\u2581", "xx")),
        },
        {"type": "Replace", "pattern": {"Regex": rng.choice(REGEXES[:4])}, "content": rng.choice(("", " ", "-"))},
        {"type": "Prepend", "prepend": rng.choice(("\u2581", "ab"))},
    ]
    if deep < 2 and rng.random() < 0.3:
        return {"type": "Sequence", "normalizers": [random_normalizer(rng, deep + 1) for _ in range(rng.randint(0, 3))]}
    return rng.choice(simple)


def random_split(rng):
    pattern = {"Regex": rng.choice(REGEXES)} if rng.random() < 0.7 else {"String": rng.choice((" ", "a", "\u2581"))}
    return {
        "type": "Split",
        "pattern": pattern,
        "invert": rng.random() < 0.3,
        "behavior": rng.choice(("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")),
    }


def random_pretokenizer(rng, deep=0):
    simple = [{"type": t} for t in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts")]
    simple += [
        {"type": "ByteLevel", "add_prefix_space": rng.random() < 0.5, "trim_offsets": True, "use_regex": rng.random() < 0.7},
        {"type": "CharDelimiterSplit", "delimiter": rng.choice("a -")},
        {"type": "Digits", "individual_digits": rng.random() < 0.5},
        {"type": "FixedLength", "length": rng.randint(1, 6)},
        {
            "type": "Metaspace",
            "replacement": "\u2581",
            "prepend_scheme": rng.choice(("first", "never", "always")),
            "split": rng.random() < 0.6,
        },
        {"type": "Punctuation", "behavior": rng.choice(("Removed", "Isolated", "MergedWithPrevious", "Contiguous"))},
        random_split(rng),
        random_split(rng),
    ]
    if deep < 2 and rng.random() < 0.4:
        return {"type": "Sequence", "pretokenizers": [random_pretokenizer(rng, deep + 1) for _ in range(rng.randint(0, 3))]}
    return rng.choice(simple)


def random_postprocessor(rng, ids, deep=0):
    a, b = rng.sample(sorted(ids), 2)
    pieces = lambda pair: [
        x
        for x in (
            {"SpecialToken": {"id": "A", "type_id": 0}} if rng.random() < 0.6 else None,
            {"Sequence": {"id": "A", "type_id": rng.randint(0, 1)}},
            {"SpecialToken": {"id": "B", "type_id": rng.randint(0, 2)}} if rng.random() < 0.6 else None,
            {"Sequence": {"id": "B", "type_id": 1}} if pair else None,
            {"SpecialToken": {"id": "B", "type_id": 1}} if pair else None,
        )
        if x
    ]
    simple = [
        {
            "type": "TemplateProcessing",
            "single": pieces(False),
            "pair": pieces(True),
            "special_tokens": {
                "A": {"id": "A", "ids": [ids[a]], "tokens": [a]},
                "B": {"id": "B", "ids": [ids[b], ids[a]], "tokens": [b, "shown"]},
            },
        },
        {"type": "BertProcessing", "sep": [a, ids[a]], "cls": [b, ids[b]]},
        {
            "type": "RobertaProcessing",
            "sep": [a, ids[a]],
            "cls": [b, ids[b]],
            "trim_offsets": rng.random() < 0.7,
            "add_prefix_space": rng.random() < 0.5,
        },
        {"type": "ByteLevel", "add_prefix_space": rng.random() < 0.5, "trim_offsets": rng.random() < 0.8, "use_regex": True},
    ]
    if deep == 0 and rng.random() < 0.3:
        return {"type": "Sequence", "processors": [simple[3], rng.choice(simple)]}
    return rng.choice(simple)


def random_decoder(rng, deep=0):
    simple = [
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        {"type": "WordPiece", "prefix": "##", "cleanup": rng.random() < 0.5},
        {"type": "BPEDecoder", "suffix": "</w>"},
        {
            "type": "Metaspace",
            "replacement": "\u2581",
            "prepend_scheme": rng.choice(("first", "never", "always")),
            "split": True,
        },
        {"type": "CTC", "pad_token": "a", "word_delimiter_token": "|", "cleanup": rng.random() < 0.5},
        {"type": "Fuse"},
        {"type": "Replace", "pattern": {"String": rng.choice(("\u2581", "a"))}, "content": rng.choice((" ", ""))},
        {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": "_"},
        {"type": "ByteFallback"},
        {"type": "Strip", "content": rng.choice(" a"), "start": rng.randint(0, 2), "stop": 0},
    ]
    if deep < 2 and rng.random() < 0.4:
        return {"type": "Sequence", "decoders": [random_decoder(rng, deep + 1) for _ in range(rng.randint(0, 4))]}
    return rng.choice(simple)


def random_model(rng):
    """A small model, with its vocabulary."""
    letters = list("abcdefghijklmnopqrstuvwxyz.,!?'\" ABC123") + [
        "\u0120",
        "\u010a",
        "\u2581",
        "\u00e9",
        "\u0301",
        "\u3042",
        "\u6f22",
        "\u00e3",
        "\u0123",
    ]
    kind = rng.choice(("BPE", "BPE", "BPE", "WordPiece", "WordLevel", "Unigram"))
    if kind == "BPE":
        vocab = ["<unk>"] + letters + [f"<0x{b:02X}>" for b in range(256)]
        merges, suffix = [], rng.choice((None, None, "</w>"))
        prefix = rng.choice((None, None, "##"))
        for _ in range(rng.randint(0, 60)):
            x, y = rng.choice(vocab[1 : len(letters) + 1] + [m[0] + m[1] for m in merges]), rng.choice(letters)
            if x + y not in vocab and prefix is None:
                merges.append([x, y])
                vocab.append(x + y)
        if suffix:
            vocab += [x + suffix for x in letters if x + suffix not in vocab]
        if prefix:
            vocab += [prefix + x for x in letters if prefix + x not in vocab]
        return {
            "type": "BPE",
            "dropout": None,
            "unk_token": rng.choice((None, "<unk>")),
            "continuing_subword_prefix": prefix,
            "end_of_word_suffix": suffix,
            "fuse_unk": rng.random() < 0.5,
            "byte_fallback": rng.random() < 0.5,
            "ignore_merges": rng.random() < 0.3,
            "vocab": {t: i for i, t in enumerate(vocab)},
            "merges": merges,
        }
    words = (
        ["[UNK]"]
        + letters
        + ["##" + x for x in letters]
        + ["the", "he", "##he", "ab", "##ab", "\u2581the", "\u2581a", "th", "abc"]
    )
    if kind == "WordPiece":
        return {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": rng.choice((100, 5)),
            "vocab": {t: i for i, t in enumerate(words)},
        }
    if kind == "WordLevel":
        return {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {t: i for i, t in enumerate(words)}}
    words += [f"<0x{b:02X}>" for b in range(256)]
    return {
        "type": "Unigram",
        "unk_id": 0,
        "byte_fallback": rng.random() < 0.4,
        "vocab": [[t, 0.0 if i == 0 else -rng.random() * 10] for i, t in enumerate(words)],
    }


def random_road(rng):
    """A normalizer and a pre-tokenizer that our side may have a road of its own for (src/text/pipe/roads.c)."""
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
    prepend = {"type": "Prepend", "prepend": "\u2581"}
    scheme = rng.choice(("first", "always", "never"))
    meta = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": False}
    split = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    words = [{"type": "WhitespaceSplit"}, dict(meta, prepend_scheme="always", split=True)]
    flag = lambda: rng.random() < 0.5
    bert = {
        "type": "BertNormalizer",
        "clean_text": flag(),
        "handle_chinese_chars": True,
        "strip_accents": rng.choice((None, True, False)),
        "lowercase": flag(),
    }
    return rng.choice(
        (
            ({"type": "Sequence", "normalizers": [prepend, replace]}, None),
            (replace, split),
            (replace, None),
            (None, meta),
            (rng.choice((None, {"type": "NFKC"})), {"type": "Sequence", "pretokenizers": words}),
            (bert, {"type": "BertPreTokenizer"}),
        )
    )


def random_tokenizer(rng):
    model = random_model(rng)
    vocab = model["vocab"] if isinstance(model["vocab"], dict) else {t: i for i, (t, _) in enumerate(model["vocab"])}
    flag = lambda p=0.3: rng.random() < p
    contents = rng.sample(
        ["<s>", "</s>", "[MASK]", "ab", "THE", "\u00c9t\u00e9", "  ", "\n", "<x>y", "y<", "caf\u00e9", "<|a|>"],
        rng.randint(0, 6),
    )
    added = [
        {
            "id": len(vocab) + i,
            "content": t,
            "single_word": flag(),
            "lstrip": flag(),
            "rstrip": flag(),
            "normalized": flag(0.5),
            "special": flag(0.5),
        }
        for i, t in enumerate(contents)
    ]
    part = lambda make, p=0.8: make(rng) if rng.random() < p else None
    normalizer, pre_tokenizer = part(random_normalizer, 0.6), part(random_pretokenizer)
    if flag(0.25):
        normalizer, pre_tokenizer = random_road(rng)
        added = [dict(t, normalized=False) for t in added]
    blob = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": part(lambda r: random_postprocessor(r, vocab), 0.6),
        "decoder": part(random_decoder),
        "model": model,
    }
    return json.dumps(blob, ensure_ascii=rng.random() < 0.5).encode(), contents


# --- the whole ----------------------------------------------------------------------------------------------------------


def code_points(step, offset):
    """Every code point once, 24 a text, between two letters and alone."""
    every = [chr(k) for k in range(0x110000) if not 0xD800 <= k < 0xE000]
    chunks = [every[i : i + 24] for i in range(0, len(every), 24)]
    return ["a".join(chunk) if k % 2 else "".join(chunk) for k, chunk in enumerate(chunks) if k % step == offset % step]


def real(suite, args, rng):
    prose = lines_of(["docs/*.md", "README.md"], args.lines)
    code = lines_of(["src/text/*.c", "tests/**/*.py"], args.lines)
    for index, path in enumerate(sorted(glob.glob(os.path.join(args.data, "tokenizers", "*.json")))):
        name = os.path.basename(path)
        with open(path, "rb") as f:
            blob = f.read()
        specials = [t["content"] for t in json.loads(blob)["added_tokens"]]
        specials = rng.sample(specials, min(40, len(specials)))
        texts = FIXED + JAPANESE + prose + code + [random_text(rng, specials) for _ in range(args.random)]
        texts += code_points(args.step, index)
        suite.run(name, blob, texts, rng, every=4)
        suite.saved(name, blob, FIXED)
        print(f"{name}: {len(texts)} texts, {suite.differences} differences so far", flush=True)


def made(suite, args, rng):
    for k in range(args.pipelines):
        blob, specials = random_tokenizer(rng)
        texts = FIXED + JAPANESE + [random_text(rng, specials) for _ in range(args.made_texts)]
        suite.run(f"made {args.seed}/{k}", blob, rng.sample(texts, min(len(texts), args.made_texts)), rng)
    print(f"made pipelines: {suite.tokenizers} tokenizers, {suite.differences} differences so far", flush=True)


def blanks(suite, args, rng):
    """Added tokens of white space: what one swallows others begin in, and each shows what it swallowed."""
    flag = lambda p: rng.random() < p
    for k in range(max(args.pipelines // 3, 1)):
        blob = json.loads(random_tokenizer(rng)[0])
        contents = rng.sample(["\n", " ", "\t", "\n\n", "a", "a\n", "\u3000"], 4)
        blob["added_tokens"] = [
            {"id": len(blob["model"]["vocab"]) + i, "content": t, "single_word": False, "lstrip": flag(0.2),
             "rstrip": flag(0.7), "normalized": flag(0.5), "special": False}
            for i, t in enumerate(contents)
        ]  # fmt: skip
        letters, often = "\n\t a\u3000\u00e9", (6, 2, 4, 2, 1, 1)
        texts = ["".join(rng.choices(letters, often, k=rng.randint(1, 80))) for _ in range(args.made_texts)]
        suite.run(f"blanks {args.seed}/{k}", json.dumps(blob).encode(), texts, rng)
    print(f"tokens of white space: {suite.tokenizers} tokenizers, {suite.differences} differences so far", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument(
        "--data", default=os.environ.get("FREEHOLD_DATA", os.path.join(os.path.dirname(ROOT), "shared", "data"))
    )
    parser.add_argument("--long", action="store_true", default=bool(os.environ.get("FREEHOLD_TEST_LONG")))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("FREEHOLD_TEST_SEED", "1")))
    parser.add_argument("--pipelines", type=int)
    args = parser.parse_args()
    args.lines, args.random, args.step = (4000, 20000, 1) if args.long else (150, 250, 64)
    args.lengths, args.made_texts = (200, 300) if args.long else (40, 25)
    args.pipelines = args.pipelines if args.pipelines is not None else 2000 if args.long else 150
    try:
        import tokenizers as package
    except ImportError as e:
        own = os.path.join(ROOT, "build", "venv", "bin", "python")
        if os.path.exists(own) and os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(os.path.dirname(own))):
            os.execv(own, [own] + sys.argv)
        print(f"skipped: Hugging Face's package is not here ({e}); tools/setup test installs it where a package index answers")
        return 77
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    suite = Suite(peer.load(args.library), package, args)
    rng = random.Random(args.seed)
    if os.path.isdir(os.path.join(args.data, "tokenizers")):
        real(suite, args, rng)
    else:
        print(f"no real vocabularies: {args.data}/tokenizers is not there")
    made(suite, args, rng)
    blanks(suite, args, rng)
    print(
        f"tokenizers {package.__version__}: compared {suite.texts} texts in {suite.tokenizers} tokenizers "
        f"({suite.skipped} calls refused by the package): {suite.differences} differences"
    )
    return suite.differences != 0


if __name__ == "__main__":
    sys.exit(main())
