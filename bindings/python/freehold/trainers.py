"""Trainers: what a vocabulary is to be like that Tokenizer.train learns.

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train(["corpus.txt"], trainers.BpeTrainer(vocab_size=30000, special_tokens=["[UNK]"]))

Options that are None have no limit, or no such text."""
from __future__ import annotations

import sys
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import index
from typing import Any, Optional, Union

from . import models
from .component import AddedToken, token_fields

VOCAB_MAX = 1 << 24


def _number(name: str, value: Any, low: int, high: int) -> int:
    number = index(value)
    if not low <= number <= high:
        raise ValueError(f"{name} of {number}, expected {low} to {high}")
    return number


@dataclass(kw_only=True)
class Trainer:
    """What all trainers have."""

    vocab_size: int = 30000
    show_progress: bool = True
    special_tokens: Sequence[Union[str, AddedToken]] = field(default_factory=list)

    _kind, _model = -1, models.Model

    def __post_init__(self) -> None:
        if self._kind < 0:
            raise TypeError("Trainer is abstract: use one of BpeTrainer, WordPieceTrainer, WordLevelTrainer, UnigramTrainer")
        self._options()

    def _special(self) -> list[dict[str, Any]]:
        """The special tokens as a tokenizer.json has them."""
        if isinstance(self.special_tokens, str):
            raise TypeError("special_tokens: expected a list, got a single text")
        return [token_fields(token, True) for token in self.special_tokens]

    def _options(self) -> tuple[Any, ...]:
        """What the library is told: 0 and None where it is to take its default."""
        def one(name: str, low: int, high: int) -> int:
            value = getattr(self, name, None)
            return 0 if value is None else _number(name, value, low, high)
        letters = getattr(self, "initial_alphabet", ())
        if isinstance(letters, str):
            raise TypeError("initial_alphabet: expected a list of letters, got a single text")
        limit = getattr(self, "limit_alphabet", None)
        factor = getattr(self, "shrinking_factor", 0.0)
        if not (0.0 < factor < 1.0) and hasattr(self, "shrinking_factor"):
            raise ValueError(f"shrinking_factor of {factor}, expected a number above 0 and below 1")
        return (self._kind, _number("vocab_size", self.vocab_size, 1, VOCAB_MAX), one("min_frequency", 0, 2 ** 63 - 1),
                [token["content"] for token in self._special()], limit is not None, one("limit_alphabet", 0, 2 ** 32 - 1),
                array("I", [ord(letter[0]) for letter in letters if letter]),
                getattr(self, "continuing_subword_prefix", None) or "", getattr(self, "end_of_word_suffix", None) or "",
                one("max_token_length", 1, 2 ** 32 - 1), factor, getattr(self, "unk_token", None) or "",
                one("max_piece_length", 1, 256), one("n_sub_iterations", 1, 1000), one("seed_size", 1, 2 ** 32 - 1))


@dataclass(kw_only=True)
class BpeTrainer(Trainer):
    """Learns a BPE. Of an alphabet longer than limit_alphabet the rarest characters go; initial_alphabet are characters that
    are in it anyhow. Merged tokens have fewer than max_token_length characters, or two."""

    min_frequency: int = 0
    limit_alphabet: Optional[int] = None
    initial_alphabet: Sequence[str] = field(default_factory=list)
    continuing_subword_prefix: Optional[str] = None
    end_of_word_suffix: Optional[str] = None
    max_token_length: Optional[int] = None

    _kind, _model = 0, models.BPE


@dataclass(kw_only=True)
class WordPieceTrainer(Trainer):
    """Learns a WordPiece, as BPE with a prefix."""

    min_frequency: int = 0
    limit_alphabet: Optional[int] = None
    initial_alphabet: Sequence[str] = field(default_factory=list)
    continuing_subword_prefix: str = "##"
    end_of_word_suffix: Optional[str] = None

    _kind, _model = 1, models.WordPiece

    def _options(self) -> tuple[Any, ...]:
        if not self.continuing_subword_prefix:
            raise ValueError("continuing_subword_prefix: WordPiece needs one")
        return super()._options()


@dataclass(kw_only=True)
class WordLevelTrainer(Trainer):
    """The most frequent words."""

    min_frequency: int = 0

    _kind, _model = 2, models.WordLevel


@dataclass(kw_only=True)
class UnigramTrainer(Trainer):
    """Learns a Unigram: from seed_size pieces of at most max_piece_length characters, in rounds of n_sub_iterations estimates,
    each of which leaves shrinking_factor of the pieces."""

    vocab_size: int = 8000
    initial_alphabet: Sequence[str] = field(default_factory=list)
    shrinking_factor: float = 0.75
    unk_token: Optional[str] = None
    max_piece_length: int = 16
    n_sub_iterations: int = 2
    seed_size: int = 1000000

    _kind, _model = 3, models.Unigram


def default(model: models.Model) -> Trainer:
    """The trainer of a model's kind, with its defaults."""
    kinds = (BpeTrainer, WordPieceTrainer, WordLevelTrainer, UnigramTrainer)
    return next(kind for kind in kinds if isinstance(model, kind._model))()


class Progress:
    """A line on a terminal that says how far a training is; nothing elsewhere."""

    def __init__(self, wanted: bool) -> None:
        self._on, self._shown = wanted and sys.stderr is not None and sys.stderr.isatty(), 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if self._on and now - self._shown > 0.1:
            self._shown = now
            print(f"\r\x1b[K{stage} {done:,}" + (f" of {total:,}" if total else ""), end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
