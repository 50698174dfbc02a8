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
from collections import Counter
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
import torch.multiprocessing as mp
import torch.nn.functional as F

from corpus import story
from model import Config, Model
from tokenizer import Tokenizer

HELD_OUT = 1_000_000_000  # first story index of the held-out range


class Stream:
    """Batches of rows, each beginning at the start of a story."""

    def __init__(self, tok, seed, first=0):
        self.tok, self.seed, self.next = tok, seed, first
        counts = Counter(t for i in range(1000) for t in tok.encode(story(seed, i)))
        total = sum(counts.values())
        self.rare = {t for t, n in counts.items() if n < 0.003 * total}
        self.tokens = 0

    def row(self, length):
        """Token ids, and for each whether it is a rare one the story has used before."""
        ids, again = [], []
        while len(ids) < length + 1:
            new = [self.tok.end, *self.tok.encode(story(self.seed, self.next))]
            seen = set()
            for token in new:
                again.append(token in seen and token in self.rare)
                seen.add(token)
            ids += new
            self.next += 1
        return ids[:length + 1], again[:length + 1]

    def batch(self, rows, length):
        """Inputs, targets, and where a target is a rare word of the story again."""
        made = [self.row(length) for _ in range(rows)]
        ids = torch.tensor([m[0] for m in made])
        again = torch.tensor([m[1] for m in made])
        self.tokens += rows * length
        return ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), again[:, 1:].contiguous()


def learning_rate(step, steps, peak, decay):
    """Up over 100 steps, level, then down a half cosine over the last `decay` of the steps.

    While it is level nothing depends on the number of steps, so that a run can
    be continued for longer, or brought to its end, from any such checkpoint.
    """
    level = steps - int(decay * steps)
    if step < level:
        return peak * min(1.0, (step + 1) / 100)
    done = (step - level) / (steps - level)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


@torch.no_grad()
def held_out_loss(model, batches):
    model.eval()
    total = [F.cross_entropy(model(x)[0].flatten(0, 1), y.flatten()).item() for x, y, _ in batches]
    model.train()
    return sum(total) / len(total)


def gradients(model, batch, repeat, balance):
    """Leaves the gradients of one batch in the parameters; returns its plain loss."""
    x, y, again = batch
    logits, uneven = model(x)
    losses = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none")
    weight = 1 + repeat * again.flatten()
    loss = (losses * weight).sum() / weight.sum() + balance * uneven
    model.zero_grad(set_to_none=True)
    loss.backward()
    return losses.mean().item(), uneven.item()


class Helper:
    """A second process that works on half of each batch, with shared weights.

    Two processes that meet once a step keep two cores busier than two threads
    that meet in every matrix product, above all when the cores have other work.
    """

    def __init__(self, model, balance):
        model.share_memory()
        self.shared = [torch.zeros_like(p).share_memory_() for p in model.parameters()]
        self.pipe, other = mp.Pipe()
        mp.get_context("fork").Process(target=self.work, args=(other, model, balance),
                                       daemon=True).start()

    def work(self, pipe, model, balance):
        while True:
            repeat, *arrays = pipe.recv()
            batch = [torch.from_numpy(a) for a in arrays]
            result = gradients(model, batch, repeat, balance)
            for mine, p in zip(self.shared, model.parameters()):
                mine.copy_(p.grad)
            pipe.send(result)

    def begin(self, batch, repeat):
        self.pipe.send([repeat, *(t.numpy() for t in batch)])

    def finish(self, model):
        """Averages the two gradients; returns the helper's loss and balance."""
        result = self.pipe.recv()
        for other, p in zip(self.shared, model.parameters()):
            p.grad.add_(other).mul_(0.5)
        return result


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
    ap.add_argument("--tokens-per-step", type=int, default=1920)
    ap.add_argument("--row", type=int, default=320, help="row length, most of the time")
    ap.add_argument("--decay", type=float, default=0.3,
                    help="share of the steps, at the end, in which the learning rate goes down; "
                         "in the last half of them rows are as long as the context")
    ap.add_argument("--resume", action="store_true",
                    help="continue from the checkpoint in the --out folder")
    ap.add_argument("--lr", type=float, default=2.5e-3)
    ap.add_argument("--balance", type=float, default=0.01, help="weight of the balancing loss")
    ap.add_argument("--repeat", type=float, default=5.0,
                    help="extra weight of names and other rare words when they come again")
    ap.add_argument("--repeat-steps", type=int, default=700,
                    help="steps after which that extra weight is only a fifth")
    ap.add_argument("--eval-every", type=int, default=100)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--threads", type=int, default=1, help="threads of each process")
    ap.add_argument("--workers", type=int, choices=[1, 2], default=2)
    args = ap.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tok = Tokenizer.load(args.tokenizer)
    cfg = Config(vocab_size=len(tok.tokens))
    model = Model(cfg).start(args.seed).to(device)
    shrink = [p for n, p in model.named_parameters() if p.dim() > 1 and n != "embed.weight"]
    keep = [p for n, p in model.named_parameters() if p.dim() == 1 or n == "embed.weight"]
    opt = torch.optim.AdamW([{"params": shrink, "weight_decay": 0.02},
                             {"params": keep, "weight_decay": 0.0}],
                            lr=args.lr, betas=(0.9, 0.98), foreach=True)
    helper = None
    if args.workers == 2 and device.type == "cpu":
        helper = Helper(model, args.balance)
    held = Stream(tok, args.seed, HELD_OUT)
    batches = [[t.to(device) for t in held.batch(16, 256)] for _ in range(6)]
    stream = Stream(tok, args.seed)
    os.makedirs(args.out, exist_ok=True)
    path = os.path.join(args.out, "checkpoint.pt")
    began, recent, smooth, start = time.time(), [], None, 0
    if args.resume:
        saved = torch.load(path, map_location=device)
        model.load_state_dict(saved["model"])
        opt.load_state_dict(saved["optimizer"])
        start, stream.next, stream.tokens = saved["step"], saved["stories"], saved["tokens"]
        began -= saved["seconds"]
    log = open(os.path.join(args.out, "loss.csv"), "a" if args.resume else "w",
               newline="", encoding="ascii")
    rows = csv.writer(log)
    if not args.resume:
        rows.writerow(["step", "tokens", "seconds", "train", "held_out", "balance"])

    for step in range(start, args.steps):
        length = cfg.n_ctx if step >= args.steps * (1 - args.decay / 2) else args.row
        batch = [t.to(device) for t in stream.batch(args.tokens_per_step // length, length)]
        for group in opt.param_groups:
            group["lr"] = learning_rate(step, args.steps, args.lr, args.decay)
        repeat = args.repeat if step < args.repeat_steps else args.repeat / 5
        if helper and len(batch[0]) > 1:
            half = len(batch[0]) // 2
            helper.begin([t[:half] for t in batch], repeat)
            mine = gradients(model, [t[half:] for t in batch], repeat, args.balance)
            result = [(a + b) / 2 for a, b in zip(mine, helper.finish(model))]
        else:
            result = gradients(model, batch, repeat, args.balance)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        recent.append(result[0])
        smooth = recent[-1] if smooth is None else 0.95 * smooth + 0.05 * recent[-1]
        if step % 10 == 9:
            progress(step, args.steps, smooth, began, stream.tokens / (time.time() - began))
        if (step + 1) % args.eval_every == 0 or step + 1 == args.steps:
            held_loss = held_out_loss(model, batches)
            rows.writerow([step + 1, stream.tokens, f"{time.time() - began:.0f}",
                           f"{sum(recent) / len(recent):.4f}", f"{held_loss:.4f}",
                           f"{result[1]:.3f}"])
            log.flush()
            recent = []
            torch.save({"config": asdict(cfg), "step": step + 1, "held_out": held_loss,
                        "tokens": stream.tokens, "stories": stream.next,
                        "seconds": time.time() - began, "args": vars(args),
                        "optimizer": opt.state_dict(),
                        "model": {k: v.cpu() for k, v in model.state_dict().items()}},
                       path + ".partial")
            os.replace(path + ".partial", path)
    log.close()
    print(f"\nheld-out loss {held_loss:.4f} after {args.steps} steps, "
          f"{stream.tokens} tokens, {time.time() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
