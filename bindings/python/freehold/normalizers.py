"""Normalizers: what is done to a text before it is cut.

    normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()]).normalize_str("café")"""
from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import Optional, Union

from . import _freehold
from .component import Component, Regex, SequenceOf, pattern_json


class Normalizer(Component):
    """What all normalizers can."""

    _member = "normalizer"

    def normalize_str(self, sequence: str) -> str:
        """What becomes of a text."""
        return "".join(piece for piece, _ in _freehold.cut(self._made(), sequence))


class BertNormalizer(Normalizer):
    """Control characters and white space, Chinese characters as words, accents, case. strip_accents None: as lowercase."""

    def __init__(self, clean_text: bool = True, handle_chinese_chars: bool = True, strip_accents: Optional[bool] = None,
                 lowercase: bool = True) -> None:
        self._make(clean_text=clean_text, handle_chinese_chars=handle_chinese_chars, strip_accents=strip_accents,
                   lowercase=lowercase)


class ByteLevel(Normalizer):
    """Each byte as a letter of GPT-2's alphabet."""


class Lowercase(Normalizer):
    """Small letters, character by character."""


class NFC(Normalizer):
    """Unicode's normalization form C."""


class NFD(Normalizer):
    """Unicode's normalization form D."""


class NFKC(Normalizer):
    """Unicode's normalization form KC."""


class NFKD(Normalizer):
    """Unicode's normalization form KD."""


class Nmt(Normalizer):
    """Control characters and white space as Google's translators have them."""


class Precompiled(Normalizer):
    """The map of characters inside a SentencePiece model."""

    def __init__(self, precompiled_charsmap: bytes) -> None:
        self._make(precompiled_charsmap=b64encode(bytes(precompiled_charsmap)).decode())


class Prepend(Normalizer):
    """Puts a text before every text that is not empty."""

    def __init__(self, prepend: str = "\u2581") -> None:
        self._make(prepend=prepend)


class Replace(Normalizer):
    """Puts `content` in the place of whatever `pattern` finds."""

    def __init__(self, pattern: Union[str, Regex], content: str) -> None:
        self._make(pattern=pattern_json(pattern), content=content)


class Sequence(SequenceOf, Normalizer):
    """Normalizers, one after the other."""

    _parts = "normalizers"

    def __init__(self, normalizers: Iterable[Normalizer]) -> None:
        self._make(normalizers=Normalizer._list(normalizers))


class Strip(Normalizer):
    """White space at the beginning and at the end goes."""

    def __init__(self, left: bool = True, right: bool = True) -> None:
        self._make(strip_left=left, strip_right=right)

    @property
    def left(self) -> bool:
        return bool(self.strip_left)

    @property
    def right(self) -> bool:
        return bool(self.strip_right)


class StripAccents(Normalizer):
    """Marks go; behind NFD or NFKD, which divide letters from their marks."""


NORMALIZERS: dict[str, type[Normalizer]] = {"nfc": NFC, "nfd": NFD, "nfkc": NFKC, "nfkd": NFKD}


def unicode_normalizer_from_str(normalizer: str) -> Normalizer:
    """Of "nfc", "nfd", "nfkc", "nfkd"."""
    if normalizer not in NORMALIZERS:
        raise ValueError(f"{normalizer!r} is no normalization form: expected one of {', '.join(NORMALIZERS)}")
    return NORMALIZERS[normalizer]()
