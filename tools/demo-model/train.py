"""Trains the demo model on freshly generated stories.

The number of steps, not the clock, decides how long training lasts, and every
random choice comes from --seed.  Stories are generated as they are needed, so
no story index is seen twice; the held-out stories come from their own range.
"""

import argparse
import csv
import math
import os
import sys
import time
from dataclasses import asdict


def prefer_wide_vectors():
    """Some OpenBLAS builds miss newer processors; point them at AVX-512 code."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="ignore") as f:
            if " avx512vl" in f.read():
                os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
    except OSError:
        pass


prefer_wide_vectors()

import torch
import torch.nn.functional as F

from corpus import story
from model import Config, Model
from tokenizer import Tokenizer

HELD_OUT = 1_000_000_000  # first story index of the held-out range


class Stream:
    """Batches of rows, each beginning at the start of a story."""

    def __init__(self, tok, seed, first=0):
        self.tok, self.seed, self.next = tok, seed, first
        self.tokens = 0

    def row(self, length):
        ids = []
        while len(ids) < length + 1:
            ids.append(self.tok.end)
            ids += self.tok.encode(story(self.seed, self.next))
            self.next += 1
        return ids[:length + 1]

    def batch(self, rows, length):
        data = torch.tensor([self.row(length) for _ in range(rows)])
        self.tokens += rows * length
        return data[:, :-1].contiguous(), data[:, 1:].contiguous()


def learning_rate(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


@torch.no_grad()
def held_out_loss(model, batches):
    model.eval()
    total = [F.cross_entropy(model(x)[0].flatten(0, 1), y.flatten()).item() for x, y in batches]
    model.train()
    return sum(total) / len(total)


def progress(step, steps, loss, began, rate):
    done = (step + 1) / steps
    left = (time.time() - began) / done * (1 - done)
    bar = "#" * int(done * 30)
    print(f"\r[{bar:<30}] {step + 1}/{steps}  loss {loss:.3f}  "
          f"{rate / 1000:.1f}k tok/s  ETA {int(left // 60)}:{int(left % 60):02d} ",
          end="", file=sys.stderr, flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--tokenizer", required=True)
    ap.add_argument("--out", required=True, help="folder for checkpoint.pt and loss.csv")
    ap.add_argument("--steps", type=int, default=6000)
    ap.add_argument("--tokens-per-step", type=int, default=4096)
    ap.add_argument("--row", type=int, default=256, help="row length, most of the time")
    ap.add_argument("--long-from", type=float, default=0.85,
                    help="share of the steps after which rows are the whole context")
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--balance", type=float, default=0.01, help="weight of the balancing loss")
    ap.add_argument("--eval-every", type=int, default=200)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--threads", type=int, default=2)
    args = ap.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tok = Tokenizer.load(args.tokenizer)
    cfg = Config(vocab_size=len(tok.tokens))
    model = Model(cfg).start(args.seed).to(device)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    opt = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.05},
                             {"params": vectors, "weight_decay": 0.0}],
                            lr=args.lr, betas=(0.9, 0.98), foreach=True)
    held = Stream(tok, args.seed, HELD_OUT)
    batches = [[t.to(device) for t in held.batch(16, 256)] for _ in range(6)]
    stream = Stream(tok, args.seed)
    os.makedirs(args.out, exist_ok=True)
    log = open(os.path.join(args.out, "loss.csv"), "w", newline="", encoding="ascii")
    rows = csv.writer(log)
    rows.writerow(["step", "tokens", "seconds", "train", "held_out", "balance"])
    began, recent, smooth = time.time(), [], None

    for step in range(args.steps):
        length = cfg.n_ctx if step >= args.long_from * args.steps else args.row
        x, y = stream.batch(args.tokens_per_step // length, length)
        x, y = x.to(device), y.to(device)
        for group in opt.param_groups:
            group["lr"] = learning_rate(step, args.steps, args.lr, min(100, args.steps // 10))
        logits, balance = model(x)
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
        opt.zero_grad(set_to_none=True)
        (loss + args.balance * balance).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        recent.append(loss.item())
        smooth = recent[-1] if smooth is None else 0.95 * smooth + 0.05 * recent[-1]
        if step % 10 == 9:
            progress(step, args.steps, smooth, began, stream.tokens / (time.time() - began))
        if (step + 1) % args.eval_every == 0 or step + 1 == args.steps:
            held_loss = held_out_loss(model, batches)
            rows.writerow([step + 1, stream.tokens, f"{time.time() - began:.0f}",
                           f"{sum(recent) / len(recent):.4f}", f"{held_loss:.4f}",
                           f"{balance.item():.3f}"])
            log.flush()
            recent = []
            path = os.path.join(args.out, "checkpoint.pt")
            torch.save({"config": asdict(cfg), "step": step + 1, "held_out": held_loss,
                        "tokens": stream.tokens, "stories": stream.next,
                        "seconds": time.time() - began, "args": vars(args),
                        "model": {k: v.cpu() for k, v in model.state_dict().items()}},
                       path + ".partial")
            os.replace(path + ".partial", path)
    log.close()
    print(f"\nheld-out loss {held_loss:.4f} after {args.steps} steps, "
          f"{stream.tokens} tokens, {time.time() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
