"""Post-processors: what joins the tokens of a text, and of its pair, with special tokens.

    processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                  special_tokens=[("[CLS]", 1), ("[SEP]", 2)])"""
from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Sequence as Listed
from typing import Any, Optional, Union

from .component import Component, SequenceOf


class PostProcessor(Component):
    """What all post-processors can."""

    _member = "post_processor"

    def num_special_tokens_to_add(self, is_pair: bool) -> int:
        """How many tokens a text, or a pair, gets."""
        return self._made().added(is_pair)


class _Around(PostProcessor):
    """A token before each text and one behind it."""

    __slots__ = ()

    @property
    def sep(self) -> tuple[str, int]:
        return tuple(json.loads(self._json)["sep"])

    @property
    def cls(self) -> tuple[str, int]:
        return tuple(json.loads(self._json)["cls"])


class BertProcessing(_Around):
    """cls_token before, sep behind each text; each a token's text and its id."""

    def __init__(self, sep: tuple[str, int], cls_token: tuple[str, int]) -> None:
        self._make(sep=sep, cls=cls_token)


class ByteLevel(PostProcessor):
    """Takes blanks off the offsets."""

    def __init__(self, add_prefix_space: bool = True, trim_offsets: bool = True, use_regex: bool = True) -> None:
        self._make(add_prefix_space=add_prefix_space, trim_offsets=trim_offsets, use_regex=use_regex)


class RobertaProcessing(_Around):
    """BertProcessing with two sep between the texts, and blanks taken off the offsets."""

    def __init__(self, sep: tuple[str, int], cls_token: tuple[str, int], trim_offsets: bool = True,
                 add_prefix_space: bool = True) -> None:
        self._make(sep=sep, cls=cls_token, trim_offsets=trim_offsets, add_prefix_space=add_prefix_space)


class Sequence(SequenceOf, PostProcessor):
    """Post-processors, one after the other."""

    _parts = "processors"

    def __init__(self, processors: Iterable[PostProcessor]) -> None:
        self._make(processors=PostProcessor._list(processors))


def _special(token: Any) -> dict[str, Any]:
    """A special token of a template: ("[CLS]", 1), (1, "[CLS]") or {"id": …, "ids": …, "tokens": …}."""
    if isinstance(token, dict):
        return {"id": token["id"], "ids": list(token["ids"]), "tokens": list(token["tokens"])}
    text, id = token if isinstance(token[0], str) else reversed(token)
    return {"id": text, "ids": [id], "tokens": [text]}


class TemplateProcessing(PostProcessor):
    """What a text, and a pair, become: parts with a blank between, or a list of them. "$A" and "$B" are the texts, other parts
    special tokens; ":1" behind one is its type id, "$1" is "$A:1"."""

    def __init__(self, single: Union[str, Listed[str], None] = None, pair: Union[str, Listed[str], None] = None,
                 special_tokens: Optional[Iterable[Any]] = None) -> None:
        tokens = {token["id"]: token for token in map(_special, special_tokens or ())}
        self._make(single=single or "$A:0", pair=pair or "$A:0 $B:1", special_tokens=tokens)
        if {part["Sequence"]["id"] for part in self.pair if "Sequence" in part} != {"A", "B"}:
            raise ValueError("TemplateProcessing: pair: expected both $A and $B")
