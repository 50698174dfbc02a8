"""Turns a training checkpoint into a GGUF file, and a GGUF file back into a model."""

import argparse

import torch

import gguf
from model import Config, Model
from tokenizer import Tokenizer

ARCH = "qwen3moe"
LAYER = {
    "attn_norm": "attn_norm.weight", "attn_q": "attn.q.weight", "attn_k": "attn.k.weight",
    "attn_v": "attn.v.weight", "attn_output": "attn.out.weight",
    "attn_q_norm": "attn.q_norm.weight", "attn_k_norm": "attn.k_norm.weight",
    "ffn_norm": "ffn_norm.weight", "ffn_gate_inp": "ffn.router.weight",
    "ffn_gate_exps": "ffn.gate", "ffn_up_exps": "ffn.up", "ffn_down_exps": "ffn.down",
}
KEPT_F32 = ("norm.weight", "ffn_gate_inp.weight")


def tensor_names(n_layer):
    """Pairs of GGUF tensor name and model parameter name."""
    names = [("token_embd.weight", "embed.weight")]
    for i in range(n_layer):
        names += [(f"blk.{i}.{g}.weight", f"blocks.{i}.{p}") for g, p in LAYER.items()]
    return names + [("output_norm.weight", "norm.weight")]


def metadata(cfg, tok):
    types = [3 if t == tok.tokens[tok.end] else 1 for t in tok.tokens]
    return [
        ("general.architecture", gguf.STRING, ARCH),
        ("general.type", gguf.STRING, "model"),
        ("general.name", gguf.STRING, "Freehold demo stories"),
        ("general.license", gguf.STRING, "Apache-2.0"),
        ("general.file_type", gguf.U32, 7),
        ("general.quantization_version", gguf.U32, 2),
        (f"{ARCH}.context_length", gguf.U32, cfg.n_ctx),
        (f"{ARCH}.embedding_length", gguf.U32, cfg.n_embd),
        (f"{ARCH}.block_count", gguf.U32, cfg.n_layer),
        (f"{ARCH}.feed_forward_length", gguf.U32, cfg.n_ff_expert * cfg.n_expert_used),
        (f"{ARCH}.attention.head_count", gguf.U32, cfg.n_head),
        (f"{ARCH}.attention.head_count_kv", gguf.U32, cfg.n_head_kv),
        (f"{ARCH}.attention.key_length", gguf.U32, cfg.head_dim),
        (f"{ARCH}.attention.value_length", gguf.U32, cfg.head_dim),
        (f"{ARCH}.attention.layer_norm_rms_epsilon", gguf.F32, cfg.norm_eps),
        (f"{ARCH}.rope.freq_base", gguf.F32, cfg.rope_base),
        (f"{ARCH}.expert_count", gguf.U32, cfg.n_expert),
        (f"{ARCH}.expert_used_count", gguf.U32, cfg.n_expert_used),
        (f"{ARCH}.expert_feed_forward_length", gguf.U32, cfg.n_ff_expert),
        ("tokenizer.ggml.model", gguf.STRING, "gpt2"),
        ("tokenizer.ggml.pre", gguf.STRING, "gpt-2"),
        ("tokenizer.ggml.tokens", gguf.STRING, tok.tokens),
        ("tokenizer.ggml.token_type", gguf.I32, types),
        ("tokenizer.ggml.merges", gguf.STRING, [f"{a} {b}" for a, b in tok.merges]),
        ("tokenizer.ggml.bos_token_id", gguf.U32, tok.end),
        ("tokenizer.ggml.eos_token_id", gguf.U32, tok.end),
        ("tokenizer.ggml.add_bos_token", gguf.BOOL, True),
    ]


def save(path, model, tok):
    """Writes the model: matrices as Q8_0, norms and routers as F32."""
    state = model.state_dict()
    tensors = []
    for name, param in tensor_names(model.cfg.n_layer):
        kind = gguf.TYPE_F32 if name.endswith(KEPT_F32) else gguf.TYPE_Q8_0
        tensors.append((name, state[param].cpu().numpy(), kind))
    gguf.write(path, metadata(model.cfg, tok), tensors)


def load(path):
    """Reads a GGUF file written by save(): (model, tokenizer)."""
    r = gguf.Reader(path)
    m = r.metadata
    if m["general.architecture"] != ARCH:
        raise ValueError(f"{path}: architecture {m['general.architecture']}, expected {ARCH}")
    tok = Tokenizer(m["tokenizer.ggml.tokens"],
                    [x.split(" ") for x in m["tokenizer.ggml.merges"]])
    cfg = Config(
        vocab_size=len(tok.tokens), n_ctx=m[f"{ARCH}.context_length"],
        n_embd=m[f"{ARCH}.embedding_length"], n_layer=m[f"{ARCH}.block_count"],
        n_head=m[f"{ARCH}.attention.head_count"],
        n_head_kv=m[f"{ARCH}.attention.head_count_kv"],
        head_dim=m[f"{ARCH}.attention.key_length"], n_expert=m[f"{ARCH}.expert_count"],
        n_expert_used=m[f"{ARCH}.expert_used_count"],
        n_ff_expert=m[f"{ARCH}.expert_feed_forward_length"],
        rope_base=m[f"{ARCH}.rope.freq_base"],
        norm_eps=m[f"{ARCH}.attention.layer_norm_rms_epsilon"])
    model = Model(cfg)
    model.load_state_dict({p: torch.from_numpy(r.tensors[g])
                           for g, p in tensor_names(cfg.n_layer)})
    return model.eval(), tok


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--checkpoint", required=True)
    ap.add_argument("--tokenizer", required=True)
    ap.add_argument("--out", required=True)
    args = ap.parse_args()
    saved = torch.load(args.checkpoint, map_location="cpu")
    model = Model(Config(**saved["config"]))
    model.load_state_dict(saved["model"])
    save(args.out, model, Tokenizer.load(args.tokenizer))


if __name__ == "__main__":
    main()
