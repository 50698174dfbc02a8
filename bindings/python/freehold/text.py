"""Words of texts: what white space divides, as Unicode defines it (White_Space). Places are bytes of the text's UTF-8."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Union

from . import _freehold

Text = Union[str, bytes]


def tokenize_batch(texts: Sequence[str]) -> list[list[tuple[str, int, int]]]:
    """The words of each text as (word, first byte, byte behind the last)."""
    return _freehold.tokenize_batch(texts)


def count_tokens_parallel(texts: Sequence[Text]) -> dict[str, int]:
    """How often each word occurs in all texts together, the most frequent first, equals in the order of their bytes. Words of a
    bytes object that are no UTF-8 are decoded with "surrogateescape"."""
    return _freehold.count_tokens(texts)


class Words(Sequence[list[tuple[str, int, int]]]):
    """The words of many texts as columns: those of text i have the numbers row_splits[i] to row_splits[i + 1]; word j begins
    at byte starts[j] of its text and ends before byte ends[j].

    The columns are read-only memoryviews, uint64 and uint32: numpy.asarray(words.starts) copies nothing. words[i] is the list
    that tokenize_batch gives for text i."""

    __slots__ = ("_texts", "row_splits", "starts", "ends")

    def __init__(self, texts: Sequence[Text]):
        self._texts = tuple(texts) if not isinstance(texts, (str, bytes)) else texts
        rows, places = _freehold.split_columns(self._texts)
        self.row_splits = memoryview(rows).cast("Q")
        both, count = memoryview(places).cast("I"), self.row_splits[-1]
        self.starts, self.ends = both[:count], both[count:]

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        if i < 0:
            i += len(self)
        if not 0 <= i < len(self):
            raise IndexError(f"text {i} of {len(self)}")
        text = self._texts[i]
        data = text.encode() if isinstance(text, str) else text
        row = slice(self.row_splits[i], self.row_splits[i + 1])
        return [(data[a:b].decode("utf-8", "surrogateescape"), a, b) for a, b in zip(self.starts[row], self.ends[row])]

    def __iter__(self) -> Iterator[list[tuple[str, int, int]]]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<freehold.Words: {len(self.starts)} words of {len(self)} texts>"


def tokenize_batch_columnar(texts: Sequence[Text]) -> Words:
    """What tokenize_batch gives, in a few large arrays instead of many small objects: an order of magnitude faster."""
    return Words(texts)
