"""Writes the model card (README.md) and the loss picture for an exported model.

All numbers come from the training log, the checkpoint and the GGUF file itself.
"""

import argparse
import csv
import os
import platform

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import torch
import torch.nn.functional as F

from corpus import story
from export import load
from plots import PLOTS
from sample import generate
from train import HELD_OUT

PROMPTS = ["Once upon a time", "One day, a little fox", "There was once a brave dragon named"]
CARD = """# Freehold demo stories

A very small language model that tells short children's stories. It is here so
that Freehold can be tried, tested and demonstrated without downloading anything.
It does nothing else well: see [Limits](#limits).

| | |
|---|---|
| File | `demo.gguf`, {size:,} bytes, GGUF version 3 |
| Architecture | `qwen3moe`: a transformer with a mixture of experts |
| Parameters | {params:,}, of which {active:,} are used for each token |
| Layers | {n_layer} |
| Embedding | {n_embd}, tied with the output |
| Attention | {n_head} query heads, {n_head_kv} key/value heads, {head_dim} wide, RMSNorm on queries and keys |
| Position | rotary (rotated halves), base {rope_base:.0f} |
| Experts | {n_expert} per layer, {n_expert_used} used per token, SwiGLU, {n_ff_expert} wide |
| Context | {n_ctx} tokens |
| Vocabulary | {vocab_size} tokens: 256 bytes, {n_merges} merges, `<\\|endoftext\\|>` |
| Precision | matrices Q8_0, norms and routers F32 |
| Licence | Apache-2.0 |

## Use

Give it the beginning of a story and let it go on until it writes
`<|endoftext|>`. The same token stands before every story, so it has to come
first (`tokenizer.ggml.add_bos_token` says so). A temperature of 0.6 to 0.8
suits it; lower is steadier, higher is more varied. It continues text; it does not answer questions or follow orders.

Good beginnings: "Once upon a time", "One day, a little fox", "In a small
village", "There was once a brave dragon named", "Long ago, a clever mouse".

## Samples

Written by the exported file at temperature 0.8, first draw, unedited; the
prompt is in bold.

{samples}
## Data

Every story comes from a grammar written for this model
([`tools/demo-model/corpus.py`](../tools/demo-model/corpus.py)): {n_plots} plots with
many branches, and characters, places, things and talk that fit together. No
text was taken from anywhere else. Training saw {stories:,} stories,
{tokens:,} tokens, each story once; a story has {mean_words:.0f} words
on average. The held-out stories come from the same grammar with other random
numbers; of {n_check:,} of them, {copies} had also occurred in training.

The tokenizer is a byte-level BPE in GPT-2's scheme, trained on 8,000 of the
stories.

## Training

| | |
|---|---|
| Command | `tools/demo-model/build --steps {steps}` |
| Steps | {steps:,} of about {per_step:,} tokens |
| Optimizer | AdamW, learning rate {lr:g}, going down over the last {decay:.0%} of the steps, gradient norm at most 1 |
| Loss weights | words used again in a story {again:g} up to step {repeat_steps}, then {later:g}; expert balance {balance:g} |
| Time | {minutes:.0f} minutes on two CPU cores that were busy with other work, too |
| Software | Python {python}, PyTorch {torch} |
| Held-out loss | {held_out:.4f} nats per token (perplexity {ppl:.2f}) |
| After Q8_0 | {held_q8:.4f} nats per token, on {n_check_loss} other stories, each read from its beginning |

The grammar makes free choices (which name, which plot), so the loss cannot
come near zero.

![Training and held-out loss](demo-loss.png)

The same command with the same versions gives the same stories, tokenizer and
order of batches. The weights may differ in the last digits on another
processor, because sums are rounded differently there.{note}

## Experts

How often each expert was chosen, in percent, on {n_check_loss} held-out stories.
Even use would be {even:.1f} %.

{usage}
## Limits

- It knows only tiny stories of the kind above, in simple English.
- It knows no facts, and what it writes must not be taken for one.
- It was trained briefly, on {millions:.1f} million tokens: now and then a word
  breaks, a thing changes its name, or a story jumps into another one.
- It has no chat format and does not understand instructions or questions.
- It sometimes mixes up names, pronouns or who did what, and with a prompt far
  from its stories it soon returns to them or loses the thread.
- It never saw text longer than {n_ctx} tokens.
- The stories reflect the taste of a small hand-written grammar; they are mild
  and friendly, but nobody has checked every possible output.

## Licence

Apache-2.0, like the rest of Freehold; this covers the weights, the tokenizer,
the grammar and the training code.
"""


def draw(rows, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    steps = [int(r["step"]) for r in rows]
    fig, ax = plt.subplots(figsize=(8, 4.5), dpi=140)
    train = [float(r["train"]) for r in rows]
    held = [float(r["held_out"]) for r in rows]
    ax.plot(steps, train, color="#9aa5b1", lw=2.5, label="training (mean since last point)")
    ax.plot(steps, held, color="#0b6e99", lw=1.6, marker="o", ms=2.5, label="held-out stories")
    ax.annotate(f"{held[-1]:.3f}", (steps[-1], held[-1]), xytext=(0, -14), ha="right",
                textcoords="offset points", color="#0b6e99")
    ax.set_xlabel("training step")
    ax.set_ylabel("loss (nats per token, log scale)")
    ax.set_yscale("log")
    ticks = [t for t in (0.3, 0.4, 0.5, 0.7, 1, 1.5, 2, 3, 5)
             if min(held) * 0.85 <= t <= max(train) * 1.1]
    ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
    ax.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    ax.set_xlim(0, steps[-1] * 1.02)
    ax.set_title("Freehold demo stories: loss during training", loc="left", fontsize=11)
    ax.grid(alpha=0.25)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.legend(frameon=False)
    fig.tight_layout()
    fig.savefig(path, metadata={"Software": None})


@torch.no_grad()
def measure(model, tok, seed, count):
    """Mean loss per token and the experts' shares over some held-out stories."""
    total, n = 0.0, 0
    usage = torch.zeros(model.cfg.n_layer, model.cfg.n_expert)
    for i in range(count):
        ids = [tok.end, *tok.encode(story(seed, HELD_OUT + 100_000 + i)), tok.end]
        x = torch.tensor([ids])
        logits = model(x[:, :-1])[0][0]
        total += F.cross_entropy(logits, x[0, 1:], reduction="sum").item()
        n += len(ids) - 1
        usage += torch.stack([b.ffn.usage for b in model.blocks])
    return total / n, 100 * usage / usage.sum(dim=1, keepdim=True)


def sample_text(model, tok):
    parts = []
    for i, prompt in enumerate(PROMPTS):
        ids = [tok.end] + tok.encode(prompt)
        gen = torch.Generator().manual_seed(1 + i)
        out, _ = generate(model, ids, 400, 0.8, 0, tok.end, gen)
        lines = f"**{prompt}**{tok.decode(out)}".split("\n")
        parts.append("\n".join(f"> {line}".rstrip() for line in lines) + "\n")
    return "\n<!-- -->\n\n".join(parts)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--work", required=True, help="folder with loss.csv and checkpoint.pt")
    ap.add_argument("--model", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--note", default="", help="a remark about this training run")
    args = ap.parse_args()
    torch.set_num_threads(1)
    with open(os.path.join(args.work, "loss.csv"), encoding="ascii") as f:
        rows = list(csv.DictReader(f))
    draw(rows, os.path.join(args.out, "demo-loss.png"))

    saved = torch.load(os.path.join(args.work, "checkpoint.pt"), map_location="cpu")
    run, cfg = saved["args"], saved["config"]
    model, tok = load(args.model)
    params = sum(p.numel() for p in model.parameters())
    experts = 3 * cfg["n_layer"] * cfg["n_embd"] * cfg["n_ff_expert"]
    active = params - experts * (cfg["n_expert"] - cfg["n_expert_used"])
    held_q8, shares = measure(model, tok, run["seed"], 200)
    seen = {story(run["seed"], i) for i in range(saved["stories"])}
    check = [story(run["seed"], HELD_OUT + i) for i in range(2000)]
    head = "| Layer | " + " | ".join(f"expert {i}" for i in range(cfg["n_expert"])) + " |\n"
    head += "|---|" + "---:|" * cfg["n_expert"] + "\n"
    table = head + "".join(
        f"| {i} | " + " | ".join(f"{v:.1f}" for v in row.tolist()) + " |\n"
        for i, row in enumerate(shares))
    text = CARD.format(
        **cfg, size=os.path.getsize(args.model), params=params, active=active,
        n_merges=len(tok.merges), n_plots=len(PLOTS), stories=saved["stories"],
        tokens=saved["tokens"], mean_words=sum(len(s.split()) for s in check) / len(check),
        n_check=len(check), copies=sum(s in seen for s in check), steps=saved["step"],
        millions=saved["tokens"] / 1e6,
        per_step=run["tokens_per_step"], lr=run["lr"], balance=run["balance"],
        decay=run["decay"], again=1 + run["repeat"],
        later=1 + run["repeat"] / 5, repeat_steps=run["repeat_steps"],
        minutes=saved["seconds"] / 60, python=platform.python_version(),
        torch=torch.__version__.split("a")[0], held_out=saved["held_out"],
        ppl=2.718281828 ** saved["held_out"], held_q8=held_q8, n_check_loss=200,
        even=100 / cfg["n_expert"], usage=table, samples=sample_text(model, tok),
        note=" " + args.note if args.note else "")
    path = os.path.join(args.out, "README.md")
    with open(path + ".partial", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(path + ".partial", path)
    print(f"held-out loss {saved['held_out']:.4f}, after Q8_0 {held_q8:.4f}")


if __name__ == "__main__":
    main()
