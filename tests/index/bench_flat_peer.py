#!/usr/bin/python3
"""Exact search beside faiss IndexFlat: the same numbers of vectors, interleaved rounds, medians, ratios, share of bandwidth.

    tests/index/bench_flat_peer.py [--program build/release/tests/index/bench_flat] [--rows N] [--dim N] [--threads N]
                                   [--rounds N] [--json]

Needs the Debian package python3-faiss. Each round runs ours (a child process that waits for its turn) and then faiss, for 8
queries one by one and for 64 at once, ten best each. On one thread both count seconds of the processor, not of the clock. A
ratio is the median of the rounds' own ratios. The bandwidth is that of a loop that adds up as many bytes, in the same round.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BATCH, SINGLES, BEST = 64, 8, 10


def faiss_index(faiss, numpy, args, metric):
    """An index of faiss with random vectors, and queries."""
    random = numpy.random.default_rng(1)
    index = faiss.IndexFlatL2(args.dim) if metric == "L2" else faiss.IndexFlatIP(args.dim)
    index.add(random.random((args.rows, args.dim), dtype="f4") * 2 - 1)
    return index, random.random((BATCH, args.dim), dtype="f4") * 2 - 1


def faiss_round(index, queries, clock):
    """Queries a second: one by one, and all at once."""
    start = clock()
    for i in range(SINGLES):
        index.search(queries[i:i + 1], BEST)
    middle = clock()
    index.search(queries, BEST)
    return {"single_qps": SINGLES / (middle - start), "batch_qps": BATCH / (clock() - middle)}


def compare(args, metric, number, faiss, numpy):
    """Every sample of one metric."""
    index, queries = faiss_index(faiss, numpy, args, metric)
    clock = time.perf_counter if args.threads > 1 else time.process_time
    command = [args.program, "--paced", str(number), "--rows", str(args.rows), "--dim", str(args.dim),
               "--threads", str(args.threads), "--rounds", str(args.rounds)]
    samples = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        for _ in range(args.rounds):
            child.stdin.write("go\n")
            child.stdin.flush()
            ours = child.stdout.readline()
            if not ours:
                sys.exit("bench_flat ended early")
            samples.append((json.loads(ours), faiss_round(index, queries, clock)))
        child.stdin.close()
    return samples


def main():
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", default=str(ROOT / "build/release/tests/index/bench_flat"))
    parser.add_argument("--rows", type=int, default=100000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    try:
        import faiss  # pylint: disable=import-outside-toplevel
        import numpy  # pylint: disable=import-outside-toplevel
    except ImportError as missing:
        sys.exit(f"skipped: {missing} (Debian: python3-faiss)")
    faiss.omp_set_num_threads(args.threads)
    print(f"{args.rows} vectors of {args.dim} float32, the {BEST} best, {args.threads} threads, medians of {args.rounds} rounds"
          f", faiss {faiss.__version__}", file=sys.stderr)
    median = statistics.median
    for number, metric in ((0, "L2"), (1, "IP")):
        samples = compare(args, metric, number, faiss, numpy)
        for kind, name in (("single_qps", "one by one"), ("batch_qps", "64 at once")):
            row = {"metric": metric, "queries": name, "ours": median(o[kind] for o, _ in samples),
                   "faiss": median(f[kind] for _, f in samples), "ratio": median(o[kind] / f[kind] for o, f in samples),
                   "ratio_least": min(o[kind] / f[kind] for o, f in samples)}
            gbs = args.rows * args.dim * 4e-9
            row["share"] = median(o[kind] * gbs / o["stream_gbs"] for o, _ in samples) if kind == "single_qps" else None
            row["stream_gbs"] = median(o["stream_gbs"] for o, _ in samples)
            shown = f"   {row['share']:.0%} of {row['stream_gbs']:.1f} GB/s" if row["share"] is not None else ""
            print(json.dumps(row) if args.json else f"{metric}  {name}   ours {row['ours']:8.1f}   faiss {row['faiss']:8.1f}"
                  f"   {row['ratio']:5.2f} x (least {row['ratio_least']:.2f}){shown}")


if __name__ == "__main__":
    main()
