"""Language models: a GGUF file, and answers that come as they are made."""
from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from os import PathLike
from typing import NamedTuple, Optional, Union

from . import _freehold
from .vectors import _Locked


class Generation(Iterator[str]):
    """An answer in the making: iterating gives its text, a piece for each token that completes one. It ends by itself, or
    when it is dropped. `tokens` are those drawn so far, `finish` says why it ended: "end", "length" or "stop", or None."""

    def __init__(self, model: "Model", generator: "_freehold.Generator") -> None:
        self._model, self._generator = model, generator
        self.tokens: list[int] = []
        self.finish: Optional[str] = None

    def __iter__(self) -> "Generation":
        return self

    def __next__(self) -> str:
        while True:
            with self._model._lock:
                step = self._generator.step()
            if step is None:
                raise StopIteration
            text, token, self.finish = step
            if token is not None:
                self.tokens.append(token)
            if text:
                return text

    def text(self) -> str:
        """All of the rest."""
        return "".join(self)


class Model(_Locked):
    """A language model from a GGUF file. Several answers may be in the making at a time (16); threads take turns, step by step.

    context: positions that all answers together may hold; 0: what the model was trained for."""

    def __init__(self, path: Union[str, PathLike[str]], context: int = 0) -> None:
        super().__init__()
        self._model = _freehold.Model(path, context)
        self.architecture, self.parameters, self.context, self.vocabulary, self.bos, self.eos = self._model.facts()

    def encode(self, text: str, add_special: bool = True, parse_special: bool = False) -> array[int]:
        """The token ids of a text. parse_special: control tokens that are written in it become tokens; only for text that you
        trust."""
        return array("I", self._model.encode(text, add_special, parse_special))

    def generate(self, prompt: Union[str, Sequence[int]], max_tokens: int = 0, *, temperature: float = 0.8, top_k: int = 40,
                 top_p: float = 0.95, min_p: float = 0.0, repeat_penalty: float = 0.0, repeat_last: int = 64, seed: int = 0,
                 stop: Sequence[str] = (), ignore_end: bool = False, parse_special: bool = False) -> Generation:
        """An answer to a prompt, text or token ids, as an iterator of text. max_tokens 0: until the model ends it or the
        context is full; temperature 0: the likeliest token always. The same arguments give the same answer, on any machine."""
        ids = self.encode(prompt, True, parse_special) if isinstance(prompt, str) else array("I", prompt)
        if isinstance(prompt, str) and not parse_special and ids and ids[-1] == self.eos:
            ids.pop()  # the end of a text is no start for an answer
        if not ids and self.bos is not None:
            ids.append(self.bos)
        with self._lock:
            return Generation(self, self._model.generator(ids, max_tokens, temperature, top_k, top_p, min_p, repeat_penalty,
                                                          repeat_last, seed, ignore_end, stop))
