#!/usr/bin/python3
"""Approximate search beside hnswlib: the same vectors and numbers of links, recall of the ten best against queries a second.

    tests/index/bench_hnsw_peer.py [--program build/release/tests/index/bench_hnsw] [--rows N] [--dim N] [--rounds N]
                                   [--json] [--plot FILE]

Needs the package hnswlib (PyPI) and numpy. Each round runs ours (a child process that waits for its turn) and then
hnswlib: a build with 16 links and an effort of 200, then 1000 queries one by one at each effort. Each round draws the levels of
both anew: they alone move recall by half a percent at low efforts, so recall is the mean of the rounds, with the least and the
most. One thread; both count seconds of the processor, not of the clock. Other numbers are medians, ratios those of the rounds.
"""
import json
import statistics
import tempfile
import time

import peer

EFFORTS, BEST, LINKS, EFFORT = (10, 15, 20, 30, 40, 80), 10, 16, 200


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


def measure(args, hnswlib, numpy, folder):
    """Every sample: [(ours, peer)] of additions, and of each effort."""
    ours = peer.Paced([args.program, "--paced", "--write", folder, "--rows", str(args.rows), "--dim", str(args.dim)])
    ours.answer()
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
    ours.end()
    return adds, searches


def of_side(pairs, side):
    """Queries a second, and recall: mean, least, most."""
    recalls = [pair[side]["recall"] for pair in pairs]
    return statistics.median(pair[side]["qps"] for pair in pairs), statistics.mean(recalls), min(recalls), max(recalls)


def draw(axes, searches):
    """Two curves; a bar over the rounds at each point."""
    for side, (color, name) in enumerate(((peer.OURS, "Freehold"), (peer.THEIRS, "hnswlib 0.8.0"))):
        points = [of_side(pairs, side) for pairs in searches.values()]
        spread = [[mean - least for _, mean, least, _ in points], [most - mean for _, mean, _, most in points]]
        axes.errorbar([mean for _, mean, _, _ in points], [qps for qps, *_ in points], xerr=spread, color=color, marker="o",
                      markersize=4, capsize=2, elinewidth=0.8, label=name)
    axes.set_yscale("log")
    axes.set_xlabel("recall of the ten best")
    axes.set_ylabel("queries a second, one thread")


def main():
    """Measures, and prints a table."""
    args = peer.arguments(__doc__, "bench_hnsw", 50000, 6).parse_args()
    hnswlib, numpy = peer.modules("hnswlib", "numpy")
    with tempfile.TemporaryDirectory() as folder:
        adds, searches = measure(args, hnswlib, numpy, folder)
    if args.plot:
        peer.picture(args.plot, lambda axes: draw(axes, searches))
    if args.json:
        print(json.dumps({"adds": adds, "searches": searches}))
        return
    median = statistics.median
    print(f"{args.rows} vectors of {args.dim} float32, the {BEST} best, {LINKS} links, {args.rounds} rounds")
    print(f"additions/s      ours {median(m for m, _ in adds):8.0f}   hnswlib {median(t for _, t in adds):8.0f}"
          f"   {median(m / t for m, t in adds):5.2f} x")
    for effort, pairs in searches.items():
        shown = [f"{qps:8.0f}/s at {mean:.4f} ({least:.4f} to {most:.4f})"
                 for qps, mean, least, most in (of_side(pairs, side) for side in (0, 1))]
        print(f"effort {effort:4}      ours {shown[0]}   hnswlib {shown[1]}"
              f"   {median(m['qps'] / t['qps'] for m, t in pairs):5.2f} x")


if __name__ == "__main__":
    main()
