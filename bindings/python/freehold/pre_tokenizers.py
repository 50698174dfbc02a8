"""Pre-tokenizers: what cuts a text into the pieces that a model sees.

    pre_tokenizers.Whitespace().pre_tokenize_str("Hello, world")"""
from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Union

from . import _freehold
from .component import Component, Regex, SequenceOf, pattern_json
from .vectors import _choice

BEHAVIORS = {"removed": "Removed", "isolated": "Isolated", "merged_with_previous": "MergedWithPrevious",
             "merged_with_next": "MergedWithNext", "contiguous": "Contiguous"}
SCHEMES = {"always": "always", "never": "never", "first": "first"}


class PreTokenizer(Component):
    """What all pre-tokenizers can."""

    _member = "pre_tokenizer"

    def pre_tokenize_str(self, sequence: str) -> list[tuple[str, tuple[int, int]]]:
        """The pieces of a text, each with its place: code points, the first and the one behind the last."""
        return _freehold.cut(self._made(), sequence)


def _behavior(part: PreTokenizer) -> str:
    """As it is given, not as the file spells it."""
    spelled = json.loads(part._json)["behavior"]
    return next(word for word, spelling in BEHAVIORS.items() if spelling == spelled)


class BertPreTokenizer(PreTokenizer):
    """At white space, and around punctuation."""


class ByteLevel(PreTokenizer):
    """By GPT-2's pattern (unless use_regex is False), and each byte as a letter."""

    def __init__(self, add_prefix_space: bool = True, trim_offsets: bool = True, use_regex: bool = True) -> None:
        self._make(add_prefix_space=add_prefix_space, trim_offsets=trim_offsets, use_regex=use_regex)

    @staticmethod
    def alphabet() -> list[str]:
        """The letters, of each byte one, in the order of the bytes: for a trainer's initial_alphabet."""
        plain = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
        moved = [byte for byte in range(256) if byte not in plain]
        return [chr(byte if byte in plain else 256 + moved.index(byte)) for byte in range(256)]


class CharDelimiterSplit(PreTokenizer):
    """At a character, which goes."""

    def __init__(self, delimiter: str) -> None:
        self._make(delimiter=delimiter)


class Digits(PreTokenizer):
    """Around digits, or around each."""

    def __init__(self, individual_digits: bool = False) -> None:
        self._make(individual_digits=individual_digits)


class FixedLength(PreTokenizer):
    """Every so many characters."""

    def __init__(self, length: int = 5) -> None:
        self._make(length=length)


class Metaspace(PreTokenizer):
    """Spaces become `replacement`, and each begins a piece. prepend_scheme: "always", "never", or "first" (only at the
    beginning of a text)."""

    def __init__(self, replacement: str = "\u2581", prepend_scheme: str = "always", split: bool = True) -> None:
        self._make(replacement=replacement, prepend_scheme=_choice("prepend_scheme", prepend_scheme, SCHEMES), split=split)


class Punctuation(PreTokenizer):
    """At punctuation. behavior: as in Split."""

    def __init__(self, behavior: str = "isolated") -> None:
        self._make(behavior=_choice("behavior", behavior, BEHAVIORS))

    @property
    def behavior(self) -> str:
        return _behavior(self)


class Sequence(SequenceOf, PreTokenizer):
    """Pre-tokenizers, each on the pieces of the one before."""

    _parts = "pretokenizers"

    def __init__(self, pre_tokenizers: Iterable[PreTokenizer]) -> None:
        self._make(pretokenizers=PreTokenizer._list(pre_tokenizers))


class Split(PreTokenizer):
    """Where a pattern matches (or, inverted, where it does not). behavior, of what matches: "removed", "isolated",
    "merged_with_previous", "merged_with_next", "contiguous"."""

    def __init__(self, pattern: Union[str, Regex], behavior: str, invert: bool = False) -> None:
        self._make(pattern=pattern_json(pattern), behavior=_choice("behavior", behavior, BEHAVIORS), invert=invert)

    @property
    def behavior(self) -> str:
        return _behavior(self)


class UnicodeScripts(PreTokenizer):
    """Where one script ends and another begins."""


class Whitespace(PreTokenizer):
    r"""By the expression \w+|[^\w\s]+."""


class WhitespaceSplit(PreTokenizer):
    """At white space."""
