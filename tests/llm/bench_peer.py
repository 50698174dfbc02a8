#!/usr/bin/env python3
"""Prompt processing and generation beside llama.cpp: same file, same threads, interleaved rounds, medians and ratios.

    tests/llm/bench_peer.py --peer PATH/llama-bench -m model.gguf [-m …] [--threads 1,2] [--rounds 5] [--json]

Each round runs ours and then the peer's program once on each file and thread count (one repetition after each program's own
warm-up), so a change in the machine's load touches both. The limits of the machine (read bandwidth, int8 peak) come from
tests/tensor/bench_kernels, with the share of each that we use. Prints a table, or JSON with every sample.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def output(command):
    """What a command prints on standard output; its standard error is shown only when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def ours(program, model, threads, prompt, generate):
    """Tokens per second of our two tests, and what a token costs: {'pp': …, 'tg': …, 'bytes': …, 'ops': …}."""
    answer = json.loads(output([program, "bench", "-m", model, "-p", str(prompt), "-n", str(generate),
                                "--threads", str(threads), "-r", "1", "--json"]))
    rate = {test["test"]: test for test in answer["results"]}
    pp, tg = rate[f"pp{prompt}"], rate[f"tg{generate}"]
    return {"pp": pp["median"], "tg": tg["median"], "bytes": tg.get("bytes_per_token"), "ops": pp.get("ops_per_token")}


def peers(program, model, threads, prompt, generate):
    """The same from llama-bench (github.com/ggml-org/llama.cpp, tools/llama-bench), flash attention on."""
    answer = json.loads(output([program, "-m", model, "-p", str(prompt), "-n", str(generate), "-t", str(threads),
                                "-r", "1", "-fa", "1", "-o", "json"]))
    return {("pp" if test["n_prompt"] else "tg"): test["avg_ts"] for test in answer}


def machine(program, threads):
    """Limits of this machine at a thread count, measured: {'read': GB/s, 'int8': Gop/s}."""
    lines = output([program, "--threads", str(threads), "--only", "yardsticks", "--json"]).splitlines()
    value = {row["bench"]: row["value"] for row in map(json.loads, lines)}
    return {"read": value["read stream"], "int8": value["vpdpbusd"]}


def measure(args, model, threads):
    """Every sample of one file at one thread count."""
    samples = {"ours": [], "peer": []}
    for done in range(args.rounds):
        name = pathlib.Path(model).name
        print(f"\r{name} t={threads} round {done + 1}/{args.rounds} ", end="", file=sys.stderr, flush=True)
        samples["ours"].append(ours(args.program, model, threads, args.prompt, args.generate))
        samples["peer"].append(peers(args.peer, model, threads, args.prompt, args.generate))
    print(file=sys.stderr)
    return samples


def row(samples, test, threads, limits):
    """Medians, ratio and shares of one test."""
    mine = statistics.median(s[test] for s in samples["ours"])
    theirs = statistics.median(s[test] for s in samples["peer"])
    result = {"test": test, "threads": threads, "ours": mine, "peer": theirs, "ratio": mine / theirs}
    limit = limits.get(threads)
    cost = samples["ours"][0]
    if limit and test == "tg" and cost["bytes"]:
        result["bandwidth_share"] = mine * cost["bytes"] / 1e9 / limit["read"]
    if limit and test == "pp" and cost["ops"]:
        result["int8_share"] = mine * cost["ops"] / 1e9 / limit["int8"]
    return result


def show(found, tokens):
    """A line of the table, as soon as it is known."""
    shown = ""
    for key, what in (("int8_share", "int8 peak"), ("bandwidth_share", "bandwidth")):
        shown += f"{found[key]:.0%} of {what}" if key in found else ""
    print(f"{found['model']:<28} {found['test'] + str(tokens):<7} {found['threads']:>7} {found['ours']:>10.1f} "
          f"{found['peer']:>10.1f} {found['ratio']:>6.2f}  {shown}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="llama-bench, built natively outside the tree")
    parser.add_argument("--program", default=str(ROOT / "build/release/freehold"), help="our program")
    parser.add_argument("--machine", default=str(ROOT / "build/release/tests/tensor/bench_kernels"), help="bench_kernels")
    parser.add_argument("-m", "--model", action="append", required=True, help="GGUF file; may be given again")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("-p", "--prompt", type=int, default=512)
    parser.add_argument("-n", "--generate", type=int, default=128)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    counts = [int(t) for t in args.threads.split(",")]
    limits = {threads: machine(args.machine, threads) for threads in counts}
    report = []
    if not args.json:
        for threads, limit in limits.items():
            print(f"limits at {threads} threads: read {limit['read']:.1f} GB/s, int8 {limit['int8']:.0f} Gop/s")
        print(f"{'model':<28} {'test':<7} {'threads':>7} {'ours t/s':>10} {'peer t/s':>10} {'ratio':>6}  share of limit")
    for model in args.model:
        for threads in counts:
            samples = measure(args, model, threads)
            for test in ("pp", "tg"):
                found = row(samples, test, threads, limits)
                report.append({"model": pathlib.Path(model).name, **found, "samples": samples})
                if not args.json:
                    show(report[-1], args.prompt if test == "pp" else args.generate)
    if args.json:
        json.dump({"limits": limits, "results": report}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
