"""Decoders: what makes text of tokens.

    decoders.WordPiece().decode(["Hel", "##lo", ",", "world"])"""
from __future__ import annotations

from array import array
from collections.abc import Iterable
from collections.abc import Sequence as Listed
from typing import TYPE_CHECKING, Optional, Union

from . import _freehold
from .component import Component, Regex, SequenceOf, dumps, load, pattern_json
from .pre_tokenizers import SCHEMES
from .vectors import _choice

if TYPE_CHECKING:
    from .tokens import Tokenizer


class Decoder(Component):
    """What all decoders can."""

    _member = "decoder"

    def decode(self, tokens: Listed[str]) -> str:
        """The text of tokens."""
        vocab: dict[str, int] = {}
        ids = [vocab.setdefault(token, len(vocab)) for token in tokens]
        made = load({"decoder": self._json, "model": dumps({"type": "WordLevel", "vocab": vocab, "unk_token": ""})})
        return made.decode(array("I", ids), False)


class BPEDecoder(Decoder):
    """The suffix that ends words becomes a space."""

    def __init__(self, suffix: str = "</w>") -> None:
        self._make(suffix=suffix)


class ByteFallback(Decoder):
    """Tokens like <0x61> become their bytes."""


class ByteLevel(Decoder):
    """Letters of GPT-2's alphabet become their bytes."""

    def __init__(self) -> None:
        self._make(add_prefix_space=True, trim_offsets=True, use_regex=True)


class CTC(Decoder):
    """Tokens in a row that are equal count once; pad_token goes, word_delimiter_token becomes a space."""

    def __init__(self, pad_token: str = "<pad>", word_delimiter_token: str = "|", cleanup: bool = True) -> None:
        self._make(pad_token=pad_token, word_delimiter_token=word_delimiter_token, cleanup=cleanup)


class Fuse(Decoder):
    """All tokens become one."""


class Metaspace(Decoder):
    """`replacement` becomes a space."""

    def __init__(self, replacement: str = "\u2581", prepend_scheme: str = "always", split: bool = True) -> None:
        self._make(replacement=replacement, prepend_scheme=_choice("prepend_scheme", prepend_scheme, SCHEMES), split=split)


class Replace(Decoder):
    """Puts `content` in the place of whatever `pattern` finds."""

    def __init__(self, pattern: Union[str, Regex], content: str) -> None:
        self._make(pattern=pattern_json(pattern), content=content)


class Sequence(SequenceOf, Decoder):
    """Decoders, one after the other."""

    _parts = "decoders"

    def __init__(self, decoders: Iterable[Decoder]) -> None:
        self._make(decoders=Decoder._list(decoders))


class Strip(Decoder):
    """Takes a character off: up to `left` of them at the beginning of each token, up to `right` at the end."""

    def __init__(self, content: str = " ", left: int = 0, right: int = 0) -> None:
        self._make(content=content, start=left, stop=right)


class WordPiece(Decoder):
    """Tokens with the prefix continue a word; cleanup takes spaces away before punctuation."""

    def __init__(self, prefix: str = "##", cleanup: bool = True) -> None:
        self._make(prefix=prefix, cleanup=cleanup)


class DecodeStream:
    """Text token by token: the pieces add up to the text of all. `ids` come before the first step."""

    def __init__(self, ids: Optional[Iterable[int]] = None, skip_special_tokens: bool = False) -> None:
        self._before, self._skip = list(ids or ()), skip_special_tokens
        self._stream: Optional[_freehold.DecodeStream] = None

    def step(self, tokenizer: Tokenizer, id: Union[int, Iterable[int]]) -> Optional[str]:
        """Takes a token, or some: the text that can be said now, or None."""
        if self._stream is None:
            self._stream = _freehold.DecodeStream(tokenizer._tokenizer, self._skip)
            for before in self._before:
                self._stream.step(before)
        return "".join(self._stream.step(one) for one in ([id] if isinstance(id, int) else id)) or None
