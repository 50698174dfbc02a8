"""Models: what makes tokens of pieces. An empty one is there to be trained.

    Tokenizer(models.BPE(unk_token="[UNK]"))
    models.WordPiece.from_file("vocab.txt")"""
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from os.path import join
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

from .component import Component
from .encoded import encodings_of

if TYPE_CHECKING:
    from .trainers import Trainer

Path = Union[str, PathLike[str]]


def _read_json(path: Path) -> dict[str, int]:
    with open(path, encoding="utf-8") as f:
        vocab = json.load(f)
    if not isinstance(vocab, dict):
        raise ValueError(f"{fspath(path)}: expected an object of tokens and ids")
    return vocab


def _write(path: str, text: str) -> str:
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(text)
    return path


class Token(NamedTuple):
    """What a piece of a text became. offsets: bytes of the text."""

    id: int
    value: str
    offsets: tuple[int, int]

    def as_tuple(self) -> tuple[int, str, tuple[int, int]]:
        return (self.id, self.value, self.offsets)


class Model(Component):
    """What all models can."""

    _member = "model"

    def token_to_id(self, token: str) -> Optional[int]:
        return self._made().find(token)

    def id_to_token(self, id: int) -> Optional[str]:
        return self._made().token(id)

    def tokenize(self, sequence: str) -> list[Token]:
        """The tokens of a text, which is not cut before."""
        (made,) = encodings_of(self._made().encode([sequence], None, None, None, None, False, False, 1))
        return list(map(Token, made.ids, made.tokens, made.offsets))

    def get_trainer(self) -> Trainer:
        """A trainer of this kind with its defaults."""
        from .trainers import default  # which needs this module

        return default(self)

    def save(self, folder: Path, prefix: Optional[str] = None) -> list[str]:
        """Writes the vocabulary in the files that from_file reads (of Unigram: unigram.json); their names begin with prefix."""
        fields = json.loads(self._json)
        def path(name: str) -> str:
            return join(fspath(folder), f"{prefix}-{name}" if prefix else name)
        if isinstance(self, Unigram):
            return [_write(path("unigram.json"), json.dumps(fields, ensure_ascii=False, indent=2))]
        tokens = sorted(fields["vocab"], key=fields["vocab"].__getitem__)
        if isinstance(self, WordPiece):
            return [_write(path("vocab.txt"), "".join(token + "\n" for token in tokens))]
        vocab = json.dumps({token: fields["vocab"][token] for token in tokens}, ensure_ascii=False, separators=(",", ":"))
        files = [_write(path("vocab.json"), vocab)]
        if isinstance(self, BPE):
            merges = "".join(f"{left} {right}\n" for left, right in fields["merges"])
            files.append(_write(path("merges.txt"), "#version: 0.2\n" + merges))
        return files


class BPE(Model):
    """Pairs are merged, the first of the list first."""

    def __init__(self, vocab: Optional[Mapping[str, int]] = None, merges: Optional[Sequence[tuple[str, str]]] = None, *,
                 cache_capacity: Optional[int] = None, dropout: Optional[float] = None, unk_token: Optional[str] = None,
                 continuing_subword_prefix: Optional[str] = None, end_of_word_suffix: Optional[str] = None,
                 fuse_unk: bool = False, byte_fallback: bool = False, ignore_merges: bool = False) -> None:
        """cache_capacity is not looked at: what was met before is kept anyhow."""
        if (vocab is None) != (merges is None):
            raise ValueError("expected both vocab and merges, or none of them")
        self._make(dropout=dropout, unk_token=unk_token, continuing_subword_prefix=continuing_subword_prefix,
                   end_of_word_suffix=end_of_word_suffix, fuse_unk=bool(fuse_unk), byte_fallback=bool(byte_fallback),
                   ignore_merges=bool(ignore_merges), vocab=dict(vocab or {}), merges=[tuple(pair) for pair in merges or ()])

    @staticmethod
    def read_file(vocab: Path, merges: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
        """What a vocab.json and a merges.txt say."""
        pairs = []
        with open(merges, encoding="utf-8", newline="\n") as f:
            for number, line in enumerate(f, 1):
                if line.startswith("#version"):
                    continue
                pair = line.rstrip("\n").split(" ")
                if len(pair) != 2:
                    raise ValueError(f"{fspath(merges)}, line {number}: expected two tokens with a blank between")
                pairs.append((pair[0], pair[1]))
        return _read_json(vocab), pairs

    @classmethod
    def from_file(cls, vocab: Path, merges: Path, **options: Any) -> BPE:
        return cls(*cls.read_file(vocab, merges), **options)


class WordPiece(Model):
    """The longest token first, then on with tokens that have the prefix."""

    def __init__(self, vocab: Optional[Mapping[str, int]] = None, *, unk_token: str = "[UNK]",
                 max_input_chars_per_word: int = 100, continuing_subword_prefix: str = "##") -> None:
        self._make(unk_token=unk_token, continuing_subword_prefix=continuing_subword_prefix,
                   max_input_chars_per_word=max_input_chars_per_word, vocab=dict(vocab or {}))

    @staticmethod
    def read_file(vocab: Path) -> dict[str, int]:
        """What a vocab.txt says: a token a line, numbered from 0 on."""
        with open(vocab, encoding="utf-8", newline="\n") as f:
            return {line.rstrip("\r\n"): id for id, line in enumerate(f)}

    @classmethod
    def from_file(cls, vocab: Path, **options: Any) -> WordPiece:
        return cls(cls.read_file(vocab), **options)


class WordLevel(Model):
    """A piece is a token or unknown."""

    def __init__(self, vocab: Optional[Mapping[str, int]] = None, unk_token: str = "<unk>") -> None:
        self._make(vocab=dict(vocab or {}), unk_token=unk_token)

    @staticmethod
    def read_file(vocab: Path) -> dict[str, int]:
        """What a vocab.json says."""
        return _read_json(vocab)

    @classmethod
    def from_file(cls, vocab: Path, unk_token: str = "<unk>") -> WordLevel:
        return cls(cls.read_file(vocab), unk_token)


class Unigram(Model):
    """The likeliest tokens, each with the logarithm of its probability."""

    def __init__(self, vocab: Optional[Sequence[tuple[str, float]]] = None, unk_id: Optional[int] = None,
                 byte_fallback: bool = False, alpha: Optional[float] = None, nbest_size: Optional[int] = None) -> None:
        """With alpha above 0 tokens are drawn: each way through a piece is as probable as exp(alpha × its score) says; with
        nbest_size, of the so many best ways."""
        if vocab is None:
            vocab, unk_id = [("<unk>", 0.0)], 0
        if alpha and unk_id is None:
            raise ValueError("Unigram: alpha needs an unk_id")
        drawn = {name: value for name, value in (("alpha", alpha), ("nbest_size", nbest_size)) if value is not None}
        self._make(unk_id=unk_id, vocab=[(token, float(score)) for token, score in vocab], byte_fallback=bool(byte_fallback),
                   **drawn)

    @property
    def alpha(self) -> Optional[float]:
        alpha: Optional[float] = json.loads(self._json).get("alpha")
        return alpha

    @property
    def nbest_size(self) -> Optional[int]:
        size: Optional[int] = json.loads(self._json).get("nbest_size")
        return size
