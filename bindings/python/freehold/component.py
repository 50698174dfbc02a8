"""Parts of a tokenizer: what the modules models, normalizers, pre_tokenizers, processors and decoders share.

A part is the JSON text that a tokenizer.json has for it; the library reads that text when the part is made, and names what it
refuses. Parts never change: to change a tokenizer, give it another part."""
from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Optional, Union

from . import _freehold

MEMBERS = ("truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model")
NOTHING = {"added_tokens": "[]", "model": '{"type":"BPE","vocab":{},"merges":[]}'}

# Where an error of a part is in the file around it, which nobody has seen; a place in an expression stays.
PLACE = re.compile(r"^[a-z.-]+,? (at )?byte \d+: | at byte \d+(?= )| \(at byte \d+\)$")


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def load(members: dict[str, str]) -> _freehold.Tokenizer:
    """The tokenizer of a tokenizer.json with these members, JSON texts."""
    texts = (f'"{name}":{members.get(name) or NOTHING.get(name, "null")}' for name in MEMBERS)
    return _freehold.Tokenizer(f'{{"version":"1.0",{",".join(texts)}}}'.encode())


class Regex:
    """A regular expression, where a plain text would be looked for as it is."""

    __slots__ = ("pattern",)

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def __repr__(self) -> str:
        return f"Regex({self.pattern!r})"


def pattern_json(pattern: Union[str, Regex]) -> dict[str, str]:
    if not isinstance(pattern, (str, Regex)):
        raise TypeError(f"pattern: expected a str or a Regex, got {type(pattern).__name__}")
    return {"Regex": pattern.pattern} if isinstance(pattern, Regex) else {"String": pattern}


class AddedToken:
    """A token beside the model's: it is found in a text before anything else happens to that.

    single_word: not inside a word; lstrip, rstrip: with the white space before or behind it; normalized: looked for in the
    normalized text (None: unless it is special); special: left out where special tokens are skipped."""

    __slots__ = ("content", "single_word", "lstrip", "rstrip", "special", "_normalized")

    def __init__(self, content: str = "", *, single_word: bool = False, lstrip: bool = False, rstrip: bool = False,
                 normalized: Optional[bool] = None, special: bool = False) -> None:
        if not isinstance(content, str):
            raise TypeError(f"content: expected a str, got {type(content).__name__}")
        self.content, self.special, self._normalized = content, bool(special), normalized
        self.single_word, self.lstrip, self.rstrip = bool(single_word), bool(lstrip), bool(rstrip)

    @property
    def normalized(self) -> bool:
        return not self.special if self._normalized is None else bool(self._normalized)

    def _fields(self, special: bool) -> dict[str, Any]:
        """As a tokenizer.json has it, of a token that may be special by the way it is added."""
        special = special or self.special
        return {"content": self.content, "single_word": self.single_word, "lstrip": self.lstrip, "rstrip": self.rstrip,
                "normalized": not special if self._normalized is None else bool(self._normalized), "special": special}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AddedToken) and self._fields(False) == other._fields(False)

    def __hash__(self) -> int:
        return hash(self.content)

    def __str__(self) -> str:
        return self.content

    def __repr__(self) -> str:
        return (f'AddedToken("{self.content}", rstrip={self.rstrip}, lstrip={self.lstrip}, single_word={self.single_word}, '
                f"normalized={self.normalized}, special={self.special})")


def token_fields(token: Union[str, AddedToken], special: bool) -> dict[str, Any]:
    if not isinstance(token, (str, AddedToken)):
        raise TypeError(f"expected tokens as str or AddedToken, got {type(token).__name__}")
    return (AddedToken(token) if isinstance(token, str) else token)._fields(special)


def _revive(kind: type[Component], text: str) -> Any:
    return kind._of(text)


def _short(value: Any) -> str:
    """A value as a repr has it: of a vocabulary the beginning."""
    if isinstance(value, (dict, list)) and len(value) > 8:
        some = dict(list(value.items())[:5]) if isinstance(value, dict) else value[:5]
        return f"{repr(some)[:-1]}, … {len(value)} in all{repr(some)[-1]}"
    return repr(value)


class Component:
    """A part. Its fields, as in the file, may be read as attributes."""

    __slots__ = ("_json", "_tokenizer")
    _member = ""  # of a tokenizer.json
    _kinds: dict[str, type[Component]] = {}

    def __init_subclass__(cls) -> None:
        if "_member" in cls.__dict__:
            cls._kinds = {}
        elif not cls.__name__.startswith("_"):
            cls._kinds[cls.__name__] = cls

    def __init__(self) -> None:
        if type(self).__name__ not in self._kinds:
            raise TypeError(f"{type(self).__name__} is abstract: use one of {', '.join(self._kinds)}")
        self._make()

    def _make(self, **fields: Any) -> None:
        self._read(dumps({"type": type(self).__name__, **fields}))

    def _read(self, text: str) -> None:
        try:
            made = load({self._member: text})
        except ValueError as error:
            raise ValueError(f"{type(self).__name__}: {PLACE.sub('', str(error))}") from None
        object.__setattr__(self, "_tokenizer", made)
        object.__setattr__(self, "_json", made.member(self._member))

    @classmethod
    def _of(cls, text: str) -> Any:
        """The part that a text is; None for null."""
        kind = re.match(r'\{"type":"(\w+)"', text)
        if kind is None:
            return None
        self = object.__new__(cls._kinds[kind.group(1)])
        object.__setattr__(self, "_json", text)
        object.__setattr__(self, "_tokenizer", None)
        return self

    @classmethod
    def _list(cls, parts: Iterable[Any]) -> list[Any]:
        """Parts of this sort as values for a file."""
        parts = list(parts)
        for part in parts:
            if not isinstance(part, cls):
                raise TypeError(f"expected parts that are {cls.__name__}, got {type(part).__name__}")
        return [json.loads(part._json) for part in parts]

    def _made(self) -> _freehold.Tokenizer:
        """A tokenizer that has this part and no other."""
        made: Optional[_freehold.Tokenizer] = self._tokenizer
        if made is None:
            made = load({self._member: self._json})
            object.__setattr__(self, "_tokenizer", made)
        return made

    def __getattr__(self, name: str) -> Any:
        fields = {} if name.startswith("_") or name == "type" else json.loads(self._json)
        if name not in fields:
            raise AttributeError(f"{type(self).__name__} has no {name}")
        return fields[name]

    def __dir__(self) -> Iterable[str]:
        return {*super().__dir__(), *json.loads(self._json)} - {"type"}

    def __getstate__(self) -> bytes:
        """The JSON text. (What becomes of a part that is pickled says __reduce__.)"""
        return str(self._json).encode()

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} does not change: make another one, and give that to the tokenizer")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Component) and (self._member, self._json) == (other._member, other._json)

    def __hash__(self) -> int:
        return hash(self._json)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_revive, (type(self), self._json))

    def __repr__(self) -> str:
        fields = json.loads(self._json)
        return f"{fields.pop('type')}({', '.join(f'{name}={_short(value)}' for name, value in fields.items())})"


class SequenceOf:
    """What parts that are lists of parts share."""

    _parts = ""  # the field with the list

    def __len__(self) -> int:
        return len(getattr(self, self._parts))

    def __getitem__(self, index: int) -> Any:
        return self._of(dumps(getattr(self, self._parts)[index]))  # type: ignore[attr-defined]
