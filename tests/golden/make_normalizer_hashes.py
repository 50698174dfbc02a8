#!/usr/bin/env python3
"""Prints what the reference (tokenizers 0.23.3) makes of every code point, as hashes: for tests/text/test_forms.c and
tests/text/test_normalizer.c. Each code point stands amid marks: itself, U+0301, U+0316, U+0334, "a", itself."""

import json

import tokenizers

RULES = [
    {"type": "NFD"},
    {"type": "NFC"},
    {"type": "NFKD"},
    {"type": "NFKC"},
    {"type": "Lowercase"},
    {"type": "StripAccents"},
    {"type": "Nmt"},
    {"type": "ByteLevel"},
    {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False},
]


def fnv(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
text = "".join(chr(code) + "\u0301\u0316\u0334a" + chr(code) for code in codes)
for rule in RULES:
    made = tokenizers.Tokenizer.from_str(
        json.dumps(
            {
                "version": "1.0",
                "added_tokens": [],
                "normalizer": rule,
                "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"},
            }
        )
    ).normalizer
    print(f"{fnv(made.normalize_str(text).encode()):#018x} {json.dumps(rule)}", flush=True)
