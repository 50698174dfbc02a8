"""The demo model: a small mixture-of-experts transformer.

It computes what the GGUF architecture `qwen3moe` means: RMSNorm, attention with
per-head RMSNorm on queries and keys and rotary positions (rotated halves),
then RMSNorm and a top-k router over SwiGLU experts, whose weights are the
softmax over all experts renormalised over the chosen ones.  The output
projection is the token embedding.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    vocab_size: int = 1024
    n_ctx: int = 512
    n_embd: int = 128
    n_layer: int = 4
    n_head: int = 4
    n_head_kv: int = 2
    head_dim: int = 32
    n_expert: int = 8
    n_expert_used: int = 2
    n_ff_expert: int = 160
    rope_base: float = 1000000.0
    norm_eps: float = 1e-6


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rope_tables(cfg, length, device):
    half = cfg.head_dim // 2
    freq = cfg.rope_base ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(length, dtype=torch.float64)[:, None] * freq[None, :]
    return angle.cos().float().to(device), angle.sin().float().to(device)


def rotate(x, cos, sin):
    """Rotary position embedding on [batch, head, time, head_dim]."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        q_size, kv_size = cfg.n_head * cfg.head_dim, cfg.n_head_kv * cfg.head_dim
        self.q = nn.Linear(cfg.n_embd, q_size, bias=False)
        self.k = nn.Linear(cfg.n_embd, kv_size, bias=False)
        self.v = nn.Linear(cfg.n_embd, kv_size, bias=False)
        self.out = nn.Linear(q_size, cfg.n_embd, bias=False)
        self.q_norm = RMSNorm(cfg.head_dim, cfg.norm_eps)
        self.k_norm = RMSNorm(cfg.head_dim, cfg.norm_eps)

    @torch.no_grad()
    def start_copying(self, gain):
        """Makes the output projection undo the value projection.

        What a head attends to is then, from the start, what it adds to the
        stream.  Stories repeat names all the time, and copying them is learnt
        much sooner from here than from unrelated random matrices.
        """
        c = self.cfg
        basis = torch.linalg.qr(self.v.weight.t())[0]
        self.v.weight.copy_(basis.t())
        for head in range(c.n_head):
            kv = head // (c.n_head // c.n_head_kv)
            columns = slice(head * c.head_dim, (head + 1) * c.head_dim)
            self.out.weight[:, columns] = gain * basis[:, kv * c.head_dim:(kv + 1) * c.head_dim]

    def forward(self, x, cos, sin, mask):
        c = self.cfg
        n, t, _ = x.shape
        q = self.q_norm(self.q(x).view(n, t, c.n_head, c.head_dim)).transpose(1, 2)
        k = self.k_norm(self.k(x).view(n, t, c.n_head_kv, c.head_dim)).transpose(1, 2)
        v = self.v(x).view(n, t, c.n_head_kv, c.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        share = c.n_head // c.n_head_kv
        # Query heads that share a key/value head are laid end to end in time.
        q = q.reshape(n * c.n_head_kv, share * t, c.head_dim)
        k = k.reshape(n * c.n_head_kv, t, c.head_dim)
        v = v.reshape(n * c.n_head_kv, t, c.head_dim)
        scores = torch.baddbmm(mask.repeat(share, 1)[None], q, k.transpose(1, 2),
                               alpha=1.0 / math.sqrt(c.head_dim))
        y = torch.bmm(scores.softmax(dim=-1), v)
        y = y.view(n, c.n_head, t, c.head_dim).transpose(1, 2).reshape(n, t, -1)
        return self.out(y)


class Experts(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        e, d, f = cfg.n_expert, cfg.n_embd, cfg.n_ff_expert
        self.router = nn.Linear(d, e, bias=False)
        self.gate = nn.Parameter(torch.empty(e, f, d))
        self.up = nn.Parameter(torch.empty(e, f, d))
        self.down = nn.Parameter(torch.empty(e, d, f))
        self.usage = None

    def forward(self, x):
        """Returns the layer's output and its load-balancing loss."""
        c = self.cfg
        flat = x.reshape(-1, c.n_embd)
        probs = self.router(flat).softmax(dim=-1)
        top, chosen = probs.topk(c.n_expert_used, dim=-1)
        weight = (top / top.sum(dim=-1, keepdim=True)).reshape(-1)
        # Sort the (token, expert) pairs by expert, so each expert runs once.
        order = chosen.reshape(-1).argsort(stable=True)
        counts = torch.bincount(chosen.reshape(-1), minlength=c.n_expert)
        token = order // c.n_expert_used
        parts = flat.index_select(0, token).split(counts.tolist())
        results = []
        for part, gate, up, down in zip(parts, self.gate.unbind(0),
                                        self.up.unbind(0), self.down.unbind(0)):
            hidden = F.silu(F.linear(part, gate)) * F.linear(part, up)
            results.append(F.linear(hidden, down))
        out = torch.cat(results) * weight.index_select(0, order)[:, None]
        y = torch.zeros_like(flat).index_add(0, token, out)
        share = counts.float() / order.numel()
        self.usage = counts
        balance = c.n_expert * (share * probs.mean(dim=0)).sum()
        return y.view_as(x), balance


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.attn_norm = RMSNorm(cfg.n_embd, cfg.norm_eps)
        self.attn = Attention(cfg)
        self.ffn_norm = RMSNorm(cfg.n_embd, cfg.norm_eps)
        self.ffn = Experts(cfg)

    def forward(self, x, cos, sin, mask):
        x = x + self.attn(self.attn_norm(x), cos, sin, mask)
        y, balance = self.ffn(self.ffn_norm(x))
        return x + y, balance


class Model(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed = nn.Embedding(cfg.vocab_size, cfg.n_embd)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layer))
        self.norm = RMSNorm(cfg.n_embd, cfg.norm_eps)
        self.tables = {}

    def start(self, seed):
        """Fills the matrices with small random values."""
        gen = torch.Generator().manual_seed(seed)
        deep = 1.0 / math.sqrt(2 * self.cfg.n_layer)
        for name, p in self.named_parameters():
            if p.dim() < 2:
                continue
            std = 0.1 if name == "embed.weight" else p.shape[-1] ** -0.5
            if name.endswith(("out.weight", "down")):
                std *= deep
            with torch.no_grad():
                p.copy_(torch.randn(p.shape, generator=gen) * std)
        for block in self.blocks:
            block.attn.start_copying(0.7)
            # Normalized queries and keys of size 1 could only attend softly.
            block.attn.q_norm.weight.data.fill_(1.5)
            block.attn.k_norm.weight.data.fill_(1.5)
        return self

    def constants(self, t, device):
        if (t, device) not in self.tables:
            cos, sin = rope_tables(self.cfg, t, device)
            mask = torch.full((t, t), float("-inf"), device=device).triu(1)
            self.tables[t, device] = cos, sin, mask
        return self.tables[t, device]

    def forward(self, ids):
        """Logits for [batch, time] ids, and the mean load-balancing loss."""
        cos, sin, mask = self.constants(ids.shape[1], ids.device)
        x, balance = self.embed(ids), 0.0
        for block in self.blocks:
            x, b = block(x, cos, sin, mask)
            balance = balance + b
        return F.linear(self.norm(x), self.embed.weight), balance / self.cfg.n_layer
