#!/usr/bin/python3
"""Approximate search beside hnswlib: the same vectors and numbers of links, recall of the ten best against queries a second.

    tests/index/bench_hnsw_peer.py [--program build/release/tests/index/bench_hnsw] [--rows N] [--dim N] [--rounds N]
                                   [--json]

Needs the package hnswlib (PyPI) and numpy. Each round runs ours (a child process that waits for its turn) and then
hnswlib: a build with 16 links and an effort of 200, then 1000 queries one by one at each effort. One thread; both count
seconds of the processor, not of the clock. Ratios are medians of the rounds' own.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
EFFORTS, BEST, LINKS, EFFORT = (10, 20, 40, 80), 10, 16, 200


def peer_build(hnswlib, base, seed):
    """A graph of hnswlib, and additions a second."""
    index = hnswlib.Index(space="l2", dim=base.shape[1])
    index.init_index(max_elements=len(base), ef_construction=EFFORT, M=LINKS, random_seed=seed)
    index.set_num_threads(1)
    start = time.process_time()
    index.add_items(base, num_threads=1)
    return index, len(base) / (time.process_time() - start)


def peer_search(index, queries, best, effort):
    """Recall, and queries a second, all asked in one call."""
    index.set_ef(effort)
    start = time.process_time()
    labels, _ = index.knn_query(queries, k=BEST, num_threads=1)
    took = time.process_time() - start
    right = sum(len(set(mine) & set(theirs)) for mine, theirs in zip(labels.tolist(), best.tolist()))
    return {"effort": effort, "recall": right / best.size, "qps": len(queries) / took}


class Ours:
    """The child process that has our graph."""

    def __init__(self, args, folder):
        command = [args.program, "--paced", "--write", folder, "--rows", str(args.rows), "--dim", str(args.dim)]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()

    def answer(self):
        """The next line of JSON."""
        line = self.child.stdout.readline()
        if not line:
            sys.exit("bench_hnsw ended early")
        return json.loads(line)

    def ask(self, what):
        """What it says to a command."""
        self.child.stdin.write(f"{what}\n")
        self.child.stdin.flush()
        return self.answer()


def measure(args, hnswlib, numpy, folder):
    """Every sample: [(ours, peer)] of additions, and of each effort."""
    ours = Ours(args, folder)
    base = numpy.fromfile(f"{folder}/base.f32", dtype="f4").reshape(-1, args.dim)
    queries = numpy.fromfile(f"{folder}/query.f32", dtype="f4").reshape(-1, args.dim)
    best = numpy.fromfile(f"{folder}/best.u64", dtype="u8").reshape(-1, BEST)
    adds, searches = [], {effort: [] for effort in EFFORTS}
    for seed in range(args.rounds):
        mine = ours.ask("build")["adds"]
        index, theirs = peer_build(hnswlib, base, seed)
        adds.append((mine, theirs))
        for effort in EFFORTS:
            searches[effort].append((ours.ask(effort), peer_search(index, queries, best, effort)))
    ours.child.stdin.close()
    ours.child.wait()
    return adds, searches


def main():
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", default=str(ROOT / "build/release/tests/index/bench_hnsw"))
    parser.add_argument("--rows", type=int, default=50000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    try:
        import hnswlib  # pylint: disable=import-outside-toplevel
        import numpy  # pylint: disable=import-outside-toplevel
    except ImportError as missing:
        sys.exit(f"skipped: {missing} (PyPI: hnswlib, numpy)")
    with tempfile.TemporaryDirectory() as folder:
        adds, searches = measure(args, hnswlib, numpy, folder)
    if args.json:
        print(json.dumps({"adds": adds, "searches": searches}))
        return
    median = statistics.median
    print(f"{args.rows} vectors of {args.dim} float32, the {BEST} best, {LINKS} links, {args.rounds} rounds")
    print(f"additions/s      ours {median(m for m, _ in adds):8.0f}   hnswlib {median(t for _, t in adds):8.0f}"
          f"   {median(m / t for m, t in adds):5.2f} x")
    for effort, pairs in searches.items():
        mine, theirs = ([median(pair[i][key] for pair in pairs) for key in ("qps", "recall")] for i in (0, 1))
        print(f"effort {effort:4}      ours {mine[0]:8.0f}/s at {mine[1]:.4f}   hnswlib {theirs[0]:8.0f}/s at {theirs[1]:.4f}"
              f"   {median(m['qps'] / t['qps'] for m, t in pairs):5.2f} x")


if __name__ == "__main__":
    main()
