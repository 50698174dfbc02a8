"""Writes stories with an exported GGUF file, or prints reference token ids.

  sample.py text      --prompt "Once upon a time" --temperature 0.8 --count 3
  sample.py reference --prompt "Once upon a time" -n 32 --json

`reference` decodes greedily in plain float32 from the dequantised file, so that
another engine can be compared with it: it prints the prompt's ids (with the
leading control token), then the ids the model adds.
"""

import argparse
import json
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import torch

from export import load

DEFAULT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../models/demo.gguf")


@torch.no_grad()
def generate(model, ids, n, temperature=0.0, top_k=0, stop=None, gen=None):
    """The ids that follow, and the logits of the first step."""
    ids, out, first = list(ids), [], None
    for _ in range(n):
        logits = model(torch.tensor([ids[-model.cfg.n_ctx:]]))[0][0, -1]
        first = logits if first is None else first
        if temperature <= 0:
            token = int(logits.argmax())
        else:
            if top_k:
                logits = logits.masked_fill(logits < logits.topk(top_k).values[-1], float("-inf"))
            token = int(torch.multinomial((logits / temperature).softmax(-1), 1, generator=gen))
        if token == stop:
            break
        ids.append(token)
        out.append(token)
    return out, first


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("mode", choices=["text", "reference"])
    ap.add_argument("--model", default=DEFAULT)
    ap.add_argument("--prompt", default="Once upon a time")
    ap.add_argument("-n", type=int, default=400, help="tokens at most")
    ap.add_argument("--temperature", type=float, default=0.8)
    ap.add_argument("--top-k", type=int, default=0)
    ap.add_argument("--count", type=int, default=1)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--json", action="store_true")
    args = ap.parse_args()

    torch.set_num_threads(1)
    model, tok = load(args.model)
    prompt = [tok.end] + tok.encode(args.prompt)
    if args.mode == "text":
        for i in range(args.count):
            gen = torch.Generator().manual_seed(args.seed + i)
            out, _ = generate(model, prompt, args.n, args.temperature, args.top_k, tok.end, gen)
            print(tok.decode(prompt + out), end="\n\n---\n\n" if i + 1 < args.count else "\n")
        return
    out, first = generate(model, prompt, args.n)
    if args.json:
        top = first.topk(5)
        print(json.dumps({
            "prompt": args.prompt, "prompt_ids": prompt, "ids": out, "text": tok.decode(out),
            "first_logits": {int(i): round(float(v), 5) for i, v in zip(top.indices, top.values)}}))
    else:
        print(*prompt)
        print(*out)


if __name__ == "__main__":
    main()
