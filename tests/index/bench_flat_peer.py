#!/usr/bin/python3
"""Exact search beside faiss IndexFlat: the same numbers of vectors, interleaved rounds, medians, ratios, share of bandwidth.

    tests/index/bench_flat_peer.py [--program build/release/tests/index/bench_flat] [--rows N] [--dim N] [--threads N]
                                   [--rounds N] [--json] [--plot FILE]

Needs the Debian package python3-faiss; batches go through the BLAS that is installed (libopenblas0 is the fast one). Each
round runs ours (a child process that waits for its turn) and then faiss, for 8 queries one by one and for 64 at once, ten best
each. On one thread both count seconds of the processor, not of the clock. A ratio is the median of the rounds' own ratios. The
bandwidth is that of a loop that adds up as many bytes, in the same round.
"""
import json
import os
import statistics
import sys
import time

import peer

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
    ours = peer.Paced([args.program, "--paced", str(number), "--rows", str(args.rows), "--dim", str(args.dim),
                       "--threads", str(args.threads), "--rounds", str(args.rounds)])
    samples = [(ours.ask("go"), faiss_round(index, queries, clock)) for _ in range(args.rounds)]
    ours.end()
    return samples


def rows_of(args, metric, samples):
    """What is told of one metric."""
    median = statistics.median
    for kind, name in (("single_qps", "one by one"), ("batch_qps", "64 at once")):
        gbs = args.rows * args.dim * 4e-9
        yield {"metric": metric, "queries": name, "ours": median(o[kind] for o, _ in samples),
               "faiss": median(f[kind] for _, f in samples), "ratio": median(o[kind] / f[kind] for o, f in samples),
               "ratio_least": min(o[kind] / f[kind] for o, f in samples),
               "share": median(o[kind] * gbs / o["stream_gbs"] for o, _ in samples) if kind == "single_qps" else None,
               "stream_gbs": median(o["stream_gbs"] for o, _ in samples)}


def draw(axes, rows, version):
    """Bars of queries a second."""
    for i, (who, color, name) in enumerate((("ours", peer.OURS, "Freehold"), ("faiss", peer.THEIRS, f"faiss {version}"))):
        axes.bar([at + 0.4 * i for at in range(len(rows))], [row[who] for row in rows], 0.38, color=color, label=name)
    axes.set_xticks([at + 0.2 for at in range(len(rows))], [f"{row['metric']}, {row['queries']}" for row in rows])
    axes.set_ylabel("queries a second")


def main():
    """Measures, and prints a table."""
    parser = peer.arguments(__doc__, "bench_flat", 100000, 9)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = str(args.threads)  # read when faiss loads it
    faiss, numpy = peer.modules("faiss", "numpy")
    faiss.omp_set_num_threads(args.threads)
    print(f"{args.rows} vectors of {args.dim} float32, the {BEST} best, {args.threads} threads, medians of {args.rounds} rounds"
          f", faiss {faiss.__version__}", file=sys.stderr)
    rows = []
    for number, metric in ((0, "L2"), (1, "IP")):
        rows += rows_of(args, metric, compare(args, metric, number, faiss, numpy))
    for row in rows:
        shown = f"   {row['share']:.0%} of {row['stream_gbs']:.1f} GB/s" if row["share"] is not None else ""
        print(json.dumps(row) if args.json else f"{row['metric']}  {row['queries']}   ours {row['ours']:8.1f}   faiss "
              f"{row['faiss']:8.1f}   {row['ratio']:5.2f} x (least {row['ratio_least']:.2f}){shown}")
    if args.plot:
        peer.picture(args.plot, lambda axes: draw(axes, rows, faiss.__version__))


if __name__ == "__main__":
    main()
