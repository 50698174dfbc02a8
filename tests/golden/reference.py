#!/usr/bin/env python3
"""reference.py: a language model's logits in float64, from the papers' formulas; shares nothing with Freehold but the file.

    reference.py MODEL.gguf 1 403 288        prints the five largest logits after each token

It reads GGUF (github.com/ggml-org/ggml, docs/gguf.md) and unpacks weights by itself. Architectures: llama (Touvron et al.
2023), with experts Mixtral (Jiang et al. 2024), qwen3 and qwen3moe (Yang et al. 2025), olmoe (Muennighoff et al. 2024); rotary
positions (Su et al. 2021), RMS norm (Zhang, Sennrich 2019), SwiGLU (Shazeer 2020), grouped queries (Ainslie et al. 2023).

`rounded=True` also rounds what Freehold's contract says is rounded (docs/BITS.md): activations that meet block-quantised
weights become int8 in blocks of 32, keys and values float16. Then only float32 arithmetic is left as a difference."""
import struct
import sys

import numpy as np

# --- the file ---------------------------------------------------------------------------------------------------------

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
# type id: (name, elements a block, bytes a block)
TYPES = {0: ("F32", 1, 4), 1: ("F16", 1, 2), 30: ("BF16", 1, 2), 8: ("Q8_0", 32, 34), 2: ("Q4_0", 32, 18)}


class File:
    """A GGUF file: `keys` by name, `tensors` by name as (type name, float64 array [planes ×] rows × columns)."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        self.at = 0
        magic, version, tensors, keys = self.take("<4sIQQ")
        if magic != b"GGUF" or version not in (2, 3):
            raise ValueError(f"{path}: not a GGUF file of version 2 or 3")
        self.keys = {}
        for _ in range(keys):
            name = self.string().decode()
            self.keys[name] = self.value(*self.take("<I"))
        infos = [self.info() for _ in range(tensors)]
        align = self.keys.get("general.alignment", 32)
        start = (self.at + align - 1) // align * align
        self.tensors = {name: (TYPES[kind][0], self.unpack(kind, dims, start + offset)) for name, dims, kind, offset in infos}

    def take(self, layout):
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def string(self):
        (size,) = self.take("<Q")
        self.at += size
        return self.data[self.at - size:self.at]

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            item, count = self.take("<IQ")
            return [self.value(item) for _ in range(count)]
        return self.take("<" + SCALARS[kind])[0]

    def info(self):
        name = self.string().decode()
        (count,) = self.take("<I")
        dims = self.take(f"<{count}Q")
        kind, offset = self.take("<IQ")
        return name, dims, kind, offset

    def unpack(self, kind, dims, at):
        name, block, block_bytes = TYPES[kind]
        count = int(np.prod(dims))
        raw = np.frombuffer(self.data, np.uint8, count // block * block_bytes, at)
        if name == "F32":
            flat = raw.view("<f4").astype(np.float64)
        elif name == "F16":
            flat = raw.view("<f2").astype(np.float64)
        elif name == "BF16":
            flat = (raw.view("<u2").astype(np.uint32) << 16).view(np.float32).astype(np.float64)
        else:
            blocks = raw.reshape(-1, block_bytes)
            scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float64)
            if name == "Q8_0":
                codes = blocks[:, 2:].view(np.int8).astype(np.float64)
            else:  # low nibbles are elements 0 to 15, high nibbles 16 to 31
                codes = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.float64) - 8
            flat = (scale * codes).reshape(-1)
        return flat.reshape(dims[::-1])


# --- the model --------------------------------------------------------------------------------------------------------


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def silu(x):
    return x / (1 + np.exp(-x))


def int8_blocks(x):
    """Each 32 values as int8 with the scale amax / 127 (float32), to nearest even."""
    blocks = x.astype(np.float32).reshape(x.shape[0], -1, 32)
    scale = np.abs(blocks).max(axis=-1, keepdims=True) / np.float32(127)
    safe = np.where(scale == 0, np.float32(1), scale)
    return (np.rint(blocks / safe).astype(np.float64) * scale).reshape(x.shape)


class Model:
    def __init__(self, file, rounded=False):
        self.tensors, self.rounded = file.tensors, rounded
        self.arch = file.keys["general.architecture"].decode()
        key = lambda name, default=None: file.keys.get(f"{self.arch}.{name}", default)
        self.layers, self.heads = key("block_count"), key("attention.head_count")
        self.kv_heads = key("attention.head_count_kv", self.heads)
        self.head_dim = key("attention.key_length", key("embedding_length") // self.heads)
        self.rot_dim = key("rope.dimension_count", self.head_dim)
        self.base, self.eps = key("rope.freq_base", 10000.0), key("attention.layer_norm_rms_epsilon")
        self.top_k = key("expert_used_count", 0)
        self.halves = self.arch != "llama"  # pairs (i, i + rot_dim/2); llama's files are permuted for pairs (2i, 2i + 1)
        self.renormalise = self.arch != "olmoe"

    def product(self, x, name, plane=None):
        """x · wᵀ."""
        kind, w = self.tensors[name]
        if self.rounded and kind in ("Q8_0", "Q4_0"):
            x = int8_blocks(x)
        return x @ (w if plane is None else w[plane]).T

    def norm(self, x, name):
        """x / √(mean x² + ε) · w over pieces as long as w: whole rows, or heads."""
        w = self.tensors[name][1]
        pieces = x.reshape(x.shape[0], -1, w.size)
        return (pieces / np.sqrt((pieces ** 2).mean(axis=-1, keepdims=True) + self.eps) * w).reshape(x.shape)

    def rope(self, x):
        """x: positions × heads × head_dim."""
        half = self.rot_dim // 2
        angle = np.arange(x.shape[0])[:, None] * self.base ** (-2.0 * np.arange(half) / self.rot_dim)
        cos, sin = np.cos(angle)[:, None, :], np.sin(angle)[:, None, :]
        i = np.arange(half)
        a, b = (i, i + half) if self.halves else (2 * i, 2 * i + 1)
        y = x.copy()
        y[..., a] = x[..., a] * cos - x[..., b] * sin
        y[..., b] = x[..., a] * sin + x[..., b] * cos
        return y

    def attention(self, x, block):
        n = x.shape[0]
        q, k, v = (self.product(x, block + f"attn_{part}.weight") for part in "qkv")
        if block + "attn_q_norm.weight" in self.tensors:
            q, k = self.norm(q, block + "attn_q_norm.weight"), self.norm(k, block + "attn_k_norm.weight")
        q, k, v = (part.reshape(n, -1, self.head_dim) for part in (q, k, v))
        q, k = self.rope(q), self.rope(k)
        if self.rounded:
            k, v = (part.astype(np.float32).astype(np.float16).astype(np.float64) for part in (k, v))
        group = self.heads // self.kv_heads
        future = np.triu(np.full((n, n), -np.inf), 1)
        mixed = np.empty((n, self.heads, self.head_dim))
        for head in range(self.heads):
            scores = q[:, head] @ k[:, head // group].T / np.sqrt(self.head_dim) + future
            mixed[:, head] = softmax(scores) @ v[:, head // group]
        return self.product(mixed.reshape(n, -1), block + "attn_output.weight")

    def feed_forward(self, x, block, suffix="", plane=None):
        gate = self.product(x, block + f"ffn_gate{suffix}.weight", plane)
        up = self.product(x, block + f"ffn_up{suffix}.weight", plane)
        return self.product(silu(gate) * up, block + f"ffn_down{suffix}.weight", plane)

    def experts(self, x, block):
        gates = softmax(self.product(x, block + "ffn_gate_inp.weight"))
        chosen = np.argsort(-gates, axis=1, kind="stable")[:, :self.top_k]
        y = np.zeros_like(x)
        for row in range(x.shape[0]):
            weights = gates[row, chosen[row]]
            if self.renormalise:
                weights = weights / weights.sum()
            for weight, expert in zip(weights, chosen[row]):
                y[row] += weight * self.feed_forward(x[row:row + 1], block, "_exps", expert)[0]
        return y

    def logits(self, tokens):
        """positions × vocabulary."""
        x = self.tensors["token_embd.weight"][1][tokens]
        for layer in range(self.layers):
            block = f"blk.{layer}."
            x = x + self.attention(self.norm(x, block + "attn_norm.weight"), block)
            h = self.norm(x, block + "ffn_norm.weight")
            x = x + (self.experts(h, block) if self.top_k else self.feed_forward(h, block))
        output = "output.weight" if "output.weight" in self.tensors else "token_embd.weight"
        return self.product(self.norm(x, "output_norm.weight"), output)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    for row in Model(File(sys.argv[1])).logits([int(t) for t in sys.argv[2:]]):
        print("  ".join(f"{t}: {row[t]:.4f}" for t in np.argsort(-row)[:5]))
