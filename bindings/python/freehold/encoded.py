"""What texts became: Encoding, lists with an element a token.

The numbers of a batch lie in columns that all its encodings share; lists are made when they are asked for. An encoding that is
changed (pad, truncate, merge) has columns of its own from then on."""
from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Optional, Union

from . import _freehold
from .vectors import _choice

DIRECTIONS = {"right": 0, "left": 1}
ID, TYPE, WORD, BEGIN, END, SPECIAL, ATTENTION = range(7)
NO_WORD = 0xffffffff

# What a text is, before it is encoded: for the hints of others.
Offsets = tuple[int, int]
TextInputSequence = str
PreTokenizedInputSequence = Union[list[str], tuple[str, ...]]
InputSequence = Union[TextInputSequence, PreTokenizedInputSequence]
TextEncodeInput = Union[TextInputSequence, tuple[TextInputSequence, TextInputSequence], list[TextInputSequence]]
PreTokenizedEncodeInput = Union[PreTokenizedInputSequence, tuple[PreTokenizedInputSequence, PreTokenizedInputSequence],
                                list[PreTokenizedInputSequence]]
EncodeInput = Union[TextEncodeInput, PreTokenizedEncodeInput]

Range = tuple[int, int, int]  # the number of a text, its first token, the one behind its last


class _Columns:
    """What a batch became: each column is one array for all texts."""

    __slots__ = ("encodings", "columns")

    def __init__(self, encodings: _freehold.Encodings) -> None:
        self.encodings = encodings
        self.columns: dict[int, memoryview] = {}

    def column(self, number: int) -> memoryview:
        if number not in self.columns:
            self.columns[number] = memoryview(self.encodings.column(number)).cast("I")
        return self.columns[number]

    def tokens(self, begin: int, count: int) -> list[str]:
        return self.encodings.tokens(begin, count)

    def offsets(self, begin: int, count: int) -> list[tuple[int, int]]:
        return self.encodings.offsets(begin, count)


class _Own:
    """Columns that are one encoding's."""

    __slots__ = ("columns", "texts")

    def __init__(self, columns: list[array[int]], texts: list[str]) -> None:
        self.columns, self.texts = columns, texts

    def column(self, number: int) -> array[int]:
        return self.columns[number]

    def tokens(self, begin: int, count: int) -> list[str]:
        return self.texts[begin:begin + count]

    def offsets(self, begin: int, count: int) -> list[tuple[int, int]]:
        return list(zip(self.columns[BEGIN][begin:begin + count], self.columns[END][begin:begin + count]))


class Encoding:
    """What a text became: lists with an element a token. `overflowing` are the parts that truncation left."""

    __slots__ = ("_columns", "_number", "_from", "_count", "_ranges", "overflowing")

    _columns: Union[_Columns, _Own]
    _number: int  # of the part, in what _columns has
    _from: int
    _count: int
    _ranges: tuple[Range, ...]
    overflowing: list[Encoding]

    def __init__(self) -> None:
        """Of no text: without tokens."""
        self._own(*_nothing(), (), [])

    @classmethod
    def _of(cls, columns: _Columns, number: int, part: tuple[int, int, int, int, tuple[Range, ...]]) -> Encoding:
        self = cls.__new__(cls)
        self._columns, self._number = columns, number
        _, self._from, self._count, _, self._ranges = part
        self.overflowing = []
        return self

    def _own(self, columns: list[array[int]], tokens: list[str], ranges: Iterable[Range], overflowing: list[Encoding]) -> None:
        self._columns, self._number, self._from, self._count = _Own(columns, tokens), 0, 0, len(tokens)
        self._ranges, self.overflowing = tuple(ranges), overflowing

    def _arrays(self, begin: int = 0, end: Optional[int] = None) -> list[array[int]]:
        """The columns of some of the tokens."""
        end = self._count if end is None else end
        return [array("I", self._columns.column(number)[self._from + begin:self._from + end])
                for number in range(ATTENTION + 1)]

    def _made(self) -> tuple[_freehold.Encodings, int]:
        """Where it is among what an encoder made."""
        if isinstance(self._columns, _Own):
            raise ValueError("expected tokens as a tokenizer made them: these were changed, joined or copied")
        return self._columns.encodings, self._number

    def __reduce__(self) -> tuple[Any, ...]:
        return (_revive, (self._arrays(), self.tokens, self._ranges, self.overflowing))

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return (f"Encoding(num_tokens={self._count}, attributes=[ids, type_ids, tokens, offsets, attention_mask, "
                f"special_tokens_mask, overflowing])")

    def _column(self, number: int) -> list[int]:
        return self._columns.column(number)[self._from:self._from + self._count].tolist()

    @property
    def ids(self) -> list[int]:
        return self._column(ID)

    @property
    def type_ids(self) -> list[int]:
        """The number of the text that a token is of, as the template says."""
        return self._column(TYPE)

    @property
    def tokens(self) -> list[str]:
        return self._columns.tokens(self._from, self._count)

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Where each token is in its text: the first code point, and the one behind the last."""
        return self._columns.offsets(self._from, self._count)

    @property
    def word_ids(self) -> list[Optional[int]]:
        """The number of the word that a token is of, None for tokens that are not of the text."""
        return [None if word == NO_WORD else word for word in self._column(WORD)]

    words = word_ids

    @property
    def special_tokens_mask(self) -> list[int]:
        return self._column(SPECIAL)

    @property
    def attention_mask(self) -> list[int]:
        return self._column(ATTENTION)

    @property
    def sequence_ids(self) -> list[Optional[int]]:
        """0 for tokens of the text, 1 for those of its pair, None for others."""
        result: list[Optional[int]] = [None if self._ranges else 0] * self._count
        for sequence, begin, end in self._ranges:
            result[begin:end] = [sequence] * (end - begin)
        return result

    @property
    def n_sequences(self) -> int:
        return max(1, len({sequence for sequence, _, _ in self._ranges}))

    def _sequence(self, sequence_index: int) -> range:
        """The tokens of a text."""
        if not self._ranges and sequence_index == 0:
            return range(self._count)
        return next((range(begin, end) for sequence, begin, end in self._ranges if sequence == sequence_index), range(0))

    def token_to_sequence(self, token_index: int) -> Optional[int]:
        return self.sequence_ids[token_index] if 0 <= token_index < self._count else None

    def token_to_chars(self, token_index: int) -> Optional[tuple[int, int]]:
        return None if self.token_to_sequence(token_index) is None else self.offsets[token_index]

    def token_to_word(self, token_index: int) -> Optional[int]:
        return None if self.token_to_sequence(token_index) is None else self.word_ids[token_index]

    def char_to_token(self, char_pos: int, sequence_index: int = 0) -> Optional[int]:
        offsets = self.offsets
        return next((i for i in self._sequence(sequence_index) if offsets[i][0] <= char_pos < offsets[i][1]), None)

    def word_to_tokens(self, word_index: int, sequence_index: int = 0) -> Optional[tuple[int, int]]:
        """The first token of a word, and the one behind the last."""
        words = self.word_ids
        found = [i for i in self._sequence(sequence_index) if words[i] == word_index]
        return (found[0], found[-1] + 1) if found else None

    def word_to_chars(self, word_index: int, sequence_index: int = 0) -> Optional[tuple[int, int]]:
        tokens = self.word_to_tokens(word_index, sequence_index)
        return (self.offsets[tokens[0]][0], self.offsets[tokens[1] - 1][1]) if tokens else None

    def char_to_word(self, char_pos: int, sequence_index: int = 0) -> Optional[int]:
        token = self.char_to_token(char_pos, sequence_index)
        return None if token is None else self.token_to_word(token)


    # --- changes

    def set_sequence_id(self, sequence_id: int) -> None:
        """All tokens are of this text."""
        self._ranges = ((sequence_id, 0, self._count),)

    def pad(self, length: int, direction: str = "right", pad_id: int = 0, pad_type_id: int = 0,
            pad_token: str = "[PAD]") -> None:
        """Fills it up to so many tokens, its overflowing parts too."""
        left = _choice("direction", direction, DIRECTIONS) == 1
        for part in self.overflowing:
            part.pad(length, direction, pad_id, pad_type_id, pad_token)
        more = length - self._count
        if more <= 0:
            return
        fill = {ID: pad_id, TYPE: pad_type_id, WORD: NO_WORD, SPECIAL: 1}
        rest = [array("I", [fill.get(number, 0)]) * more for number in range(ATTENTION + 1)]
        columns, tokens, shift = self._arrays(), [pad_token] * more, more if left else 0
        both = zip(rest, columns) if left else zip(columns, rest)
        self._own([a + b for a, b in both], tokens + self.tokens if left else self.tokens + tokens,
                  ((sequence, begin + shift, end + shift) for sequence, begin, end in self._ranges), self.overflowing)

    def truncate(self, max_length: int, stride: int = 0, direction: str = "right") -> None:
        """Leaves so many tokens; the others become overflowing parts, each with the last `stride` tokens of the one before.
        Which of them were of which text is not known any more."""
        left, count = _choice("direction", direction, DIRECTIONS) == 1, self._count
        if max_length < 0 or stride < 0:
            raise ValueError(f"max_length {max_length}, stride {stride}: expected none below 0")
        if max_length >= count:
            return
        if max_length == 0:
            self._own(*_nothing(), (), [_revive(self._arrays(), self.tokens, self._ranges, self.overflowing)])
            return
        if stride >= max_length:
            raise ValueError(f"stride {stride}, expected one below max_length ({max_length})")
        begins = range(0, max(count - stride, 1), max_length - stride)
        parts = [(begin, min(begin + max_length, count)) for begin in begins]
        if left:
            parts = [(count - end, count - begin) for begin, end in parts]
        tokens = self.tokens
        first, *rest = [(self._arrays(begin, end), tokens[begin:end]) for begin, end in parts]
        self._own(*first, (), [_revive(columns, some, (), []) for columns, some in rest])

    @staticmethod
    def merge(encodings: Sequence[Encoding], growing_offsets: bool = True) -> Encoding:
        """One behind the other. growing_offsets: those of each begin where the one before it ends. Overflowing parts are joined
        each with each."""
        result = Encoding()
        for encoding in encodings:
            result = _joined(result, encoding, growing_offsets)
        return result


def _nothing() -> tuple[list[array[int]], list[str]]:
    return [array("I") for _ in range(ATTENTION + 1)], []


def _revive(columns: list[array[int]], tokens: list[str], ranges: tuple[Range, ...], overflowing: list[Encoding]) -> Encoding:
    self = Encoding.__new__(Encoding)
    self._own(columns, tokens, ranges, overflowing)
    return self


def _joined(a: Encoding, b: Encoding, growing: bool) -> Encoding:
    """a with b behind it."""
    overflowing = [_joined(x, y, growing) for x in a.overflowing for y in (b, *b.overflowing)]
    overflowing += [_joined(a, y, growing) for y in b.overflowing]
    first, second = a._arrays(), b._arrays()
    if growing and a._count:
        add = first[END][-1]
        for number in (BEGIN, END):
            second[number] = array("I", [place + add for place in second[number]])
    ranges = {sequence: (begin, end) for sequence, begin, end in a._ranges}
    ranges.update((sequence, (begin + a._count, end + a._count)) for sequence, begin, end in b._ranges)
    return _revive([x + y for x, y in zip(first, second)], a.tokens + b.tokens,
                   tuple((sequence, *place) for sequence, place in ranges.items()), overflowing)


def encodings_of(made: _freehold.Encodings) -> list[Encoding]:
    """One a text; what truncation left of it is with it."""
    columns = _Columns(made)
    result: list[Encoding] = []
    for number, part in enumerate(made.parts()):
        encoding = Encoding._of(columns, number, part)
        if part[3]:
            result[-1].overflowing.append(encoding)
        else:
            result.append(encoding)
    return result


class EncodedBatch(Sequence[Encoding]):
    """The tokens of many texts as columns: those of row i have the numbers row_splits[i] to row_splits[i + 1]. A row is a text,
    or a part that truncation left behind it: texts[i] says of which text. batch[i] is row i as an Encoding.

    The columns are read-only memoryviews, uint64 for row_splits and texts, uint32 for all that a token has:
    numpy.asarray(batch.ids) copies nothing. Where each row is padded to one length, a model's matrix is
    numpy.asarray(batch.ids).reshape(len(batch), -1). word_ids are 0xffffffff for tokens that are not of the text."""

    __slots__ = ("_columns", "_parts", "row_splits", "texts")

    def __init__(self, made: _freehold.Encodings) -> None:
        self._columns, self._parts = _Columns(made), made.parts()
        self.row_splits = memoryview(array("Q", [0, *(begin + count for _, begin, count, _, _ in self._parts)])).toreadonly()
        self.texts = memoryview(array("Q", [text for text, _, _, _, _ in self._parts])).toreadonly()

    @property
    def ids(self) -> memoryview:
        return self._columns.column(ID)

    @property
    def type_ids(self) -> memoryview:
        return self._columns.column(TYPE)

    @property
    def word_ids(self) -> memoryview:
        return self._columns.column(WORD)

    @property
    def begins(self) -> memoryview:
        """Where each token begins in its text: code points."""
        return self._columns.column(BEGIN)

    @property
    def ends(self) -> memoryview:
        return self._columns.column(END)

    @property
    def special_tokens_mask(self) -> memoryview:
        return self._columns.column(SPECIAL)

    @property
    def attention_mask(self) -> memoryview:
        return self._columns.column(ATTENTION)

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        number = range(len(self))[i]
        return Encoding._of(self._columns, number, self._parts[number])

    def __repr__(self) -> str:
        return f"<freehold.EncodedBatch: {self.row_splits[-1]} tokens in {len(self)} rows>"
