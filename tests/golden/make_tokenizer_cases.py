#!/usr/bin/env python3
"""Writes tokenizer_cases.json: texts, and the ids that Hugging Face's tokenizers gives for each.

    make_tokenizer_cases.py FOLDER      FOLDER holds gpt2.json, llama3_2.json and qwen3.json

Needs the Python package tokenizers (made with 0.23.3); the tests need neither it nor this script.
"""

import json
import pathlib
import random
import sys

import tokenizers

MODELS = ("gpt2", "llama3_2", "qwen3")
PARTS = [
    "'s",
    "'S",
    "'\u017f",
    "'ll",
    "'Ll",
    "'re",
    "'VE",
    "'d",
    "'",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    " \n",
    "\u00a0",
    "\u2003",
    "\u3000",
    "\u0085",
    "\u200b",
    "1",
    "12",
    "1234567",
    "\u0663",
    "\u00bd",
    "\u2167",
    "a",
    "the",
    " Hello",
    "world",
    "\u00e9",
    "e\u0301",
    "a\u0327\u0301",
    "\ud55c\uad6d",
    "\u1100\u1161\u11a8",
    "\u65e5\u672c\u8a9e",
    "\u00df",
    "\u212b",
    "\u0958",
    "\u09c7\u09be",
    "\U0001f600",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "...",
    "!!",
    "_",
    "(",
    ")",
    "<|endoftext|>",
    "<|im_start|>",
    "<think>",
    "<|eot_id|>",
    "\ufeff",
    "\ufffd",
    "\U0001d7d8",
    "\u0d3b\u0301",
    "x" * 40,
    "a\u0300\u0301\u0302\u0323\u0327\u031b",
    "\U000105c0",
    "\u0e01\u0e34\u0e49",
]
TEXTS = [
    "",
    " ",
    "Hello, world!",
    "The quick brown fox jumps over 13 lazy dogs.",
    "I'm sure they'll say it's fine; we'd've known.",
    "def f(x):\n    return x ** 2  # square\n\n\nprint(f(12345))\n",
    "na\u00efve caf\u00e9 \u2014 d\u00e9j\u00e0 vu",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440",
    "\u0645\u0631\u062d\u0628\u0627 \u0661\u0662\u0663",
    "\u4f60\u597d\uff0c\u4e16\u754c",
    "   leading and trailing   ",
    "line\r\nline\r\n",
    "1,234,567.89 2024-01-31",
]


def main():
    rng = random.Random(2024)
    texts = TEXTS + ["".join(rng.choice(PARTS) for _ in range(rng.randint(2, 16))) for _ in range(120)]
    models = {name: tokenizers.Tokenizer.from_file(f"{sys.argv[1]}/{name}.json") for name in MODELS}
    rows = [json.dumps({"text": text, **{name: models[name].encode(text).ids for name in MODELS}}) for text in texts]
    path = pathlib.Path(__file__).with_name("tokenizer_cases.json")
    path.write_text("[\n" + ",\n".join(rows) + "\n]\n")
    print(f"{len(rows)} texts")


if __name__ == "__main__":
    main()
