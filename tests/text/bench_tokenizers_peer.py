#!/usr/bin/env python3
"""bench_tokenizers_peer.py: encoding beside Hugging Face's package: one thread, CPU time, medians of interleaved rounds.

    tests/text/bench_tokenizers_peer.py --library build/release/tests/text/libpeer_tokenizers.so [--data FOLDER] [--rounds 7]

For each tokenizer the same documents of 8 KiB: English (the prose of this tree) and made Japanese. "ids" is ids alone (theirs:
encode_batch_fast), "full" everything with offsets in code points (theirs: encode). A turn goes over them several times, both
sides' alike: a single pass of ours takes a millisecond, most of which would be the processor's caches that theirs left. Prints
MB/s of ours and theirs, and the ratio; then the time to load the tokenizer.json, and to open our cache of it. --load: the last
table alone."""
import argparse
import glob
import os
import random
import statistics
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tokenizers_peer as peer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCUMENT = 8192
PASSES = 24  # over the documents, in a turn: 4 MB of English


def english():
    text = ""
    for path in sorted(glob.glob(os.path.join(ROOT, "docs", "*.md"))):
        with open(path, encoding="utf-8") as f:
            text += f.read()
    return [text[i : i + DOCUMENT] for i in range(0, min(len(text), 40 * DOCUMENT), DOCUMENT)]


def japanese():
    """Words of kana and kanji that come again as words do, with particles and marks between them."""
    rng = random.Random(5)
    words = []
    for _ in range(3000):
        low, high = rng.choice(((0x3041, 0x3094), (0x30A1, 0x30F5), (0x4E00, 0x5200), (0x4E00, 0x5200)))
        words.append("".join(chr(rng.randrange(low, high)) for _ in range(rng.randint(1, 4))))
    out = []
    for _ in range(16):
        text = ""
        while len(text) < DOCUMENT // 3:
            text += words[int(len(words) * rng.random() ** 3)] + rng.choice(("は", "が", "を", "に", "の", "、", "。\n", "で"))
        out.append(text)
    return out


def cpu(call):
    start = time.process_time()
    call()
    return time.process_time() - start


def rounds(ours, theirs, documents, n):
    """Medians of seconds, ours and theirs, of rounds that take turns."""
    a, b = [], []
    documents = documents * PASSES
    for k in range(n + 1):
        x, y = cpu(lambda: [ours(d) for d in documents]), cpu(lambda: [theirs(d) for d in documents])
        if k:
            a.append(x)
            b.append(y)
    return statistics.median(a), statistics.median(b)


def loading(lib, blob, theirs, n):
    """Medians of seconds of rounds that take turns: ours from the tokenizer.json, theirs, ours from the cache."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "cache")
        ours = peer.Ours(lib, blob)
        ours.save_cache(path)
        ours.close()
        calls = (lambda: peer.Ours(lib, blob).close(), lambda: theirs(blob), lambda: peer.Ours(lib, cache=path).close())
        return [statistics.median(times) for times in zip(*([cpu(call) for call in calls] for _ in range(n)))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    folder = os.path.join(os.path.dirname(ROOT), "shared", "data")
    parser.add_argument("--data", default=os.environ.get("FREEHOLD_DATA", folder))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--load", action="store_true")
    args = parser.parse_args()
    try:
        from tokenizers import Tokenizer, __version__
    except ImportError as e:
        print(f"skipped: Hugging Face's package is not here ({e})")
        return 77
    lib = peer.load(args.library)
    corpora = {"English": english(), "Japanese": japanese()}
    print(f"tokenizers {__version__}; MB/s ours, theirs, times")
    print("| tokenizer | text | ids | | | full | | |\n|---|---|---|---|---|---|---|---|")
    loads = []
    for path in sorted(glob.glob(os.path.join(args.data, "tokenizers", "*.json"))):
        name = os.path.basename(path)[:-5]
        with open(path, "rb") as f:
            blob = f.read()
        loads.append((name, *loading(lib, blob, Tokenizer.from_buffer, args.rounds)))
        if args.load:
            continue
        ours, hf = peer.Ours(lib, blob), Tokenizer.from_buffer(blob)
        for kind, documents in corpora.items():
            raw = [d.encode() for d in documents]
            size = PASSES * sum(map(len, raw)) / 1e6
            ids = rounds(ours.ids_of_bytes, lambda d: hf.encode_batch_fast([d.decode()]), raw, args.rounds)
            full = rounds(ours.encode_bytes, lambda d: hf.encode(d.decode()), raw, args.rounds)
            cells = [f"{size / x:.1f} | {size / y:.2f} | {y / x:.0f} ×" for x, y in (ids, full)]
            print(f"| {name} | {kind} | {cells[0]} | {cells[1]} |", flush=True)
        ours.close()
    print("\n| load | ours ms | theirs ms | share | cache ms | share |\n|---|---|---|---|---|---|")
    for name, x, y, z in loads:
        print(f"| {name} | {x * 1e3:.1f} | {y * 1e3:.1f} | {x / y:.3f} | {z * 1e3:.2f} | {z / y:.4f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
