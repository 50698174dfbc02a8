"""Tokenizers of the format tokenizer.json, with the everyday interface of Hugging Face's `tokenizers`.

    tokenizer = Tokenizer.from_file("tokenizer.json")
    encoding = tokenizer.encode("Hello, world!")
    encoding.ids, encoding.tokens, encoding.offsets

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train(["corpus.txt"], trainers.BpeTrainer(special_tokens=["[UNK]"]))

A Tokenizer may be used from any number of threads; batches are encoded on all processors. A change makes another tokenizer
inside: calls that are under way finish with the one that they began with, and changes of several threads come one after the
other. Offsets count code points of the text."""
from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from os import PathLike, fspath
from os.path import basename, splitext
from typing import Any, Optional, TypeVar, Union

from . import _freehold, trainers
from .component import MEMBERS, AddedToken, Component, dumps, load, token_fields
from .decoders import Decoder
from .encoded import DIRECTIONS, EncodedBatch, Encoding, encodings_of
from .models import Model
from .normalizers import Normalizer
from .pre_tokenizers import PreTokenizer
from .processors import PostProcessor
from .vectors import _choice, _Locked

Result = TypeVar("Result")

STRATEGIES = {"longest_first": 0, "only_first": 1, "only_second": 2}
CACHE = b"FreeTokn"  # what a cache begins with
WINDOW_BYTES, BATCH_TEXTS, BATCH_LETTERS = 8 << 20, 65536, 8 << 20


async def _elsewhere(call: Callable[..., Result], *args: Any) -> Result:
    from asyncio import to_thread  # which few need

    return await to_thread(call, *args)


def _rows(texts: Sequence[Sequence[str]]) -> tuple[list[str], array[int]]:
    """Lists of words as one, and where each begins."""
    words: list[str] = []
    rows = array("Q", [0])
    for text in texts:
        if isinstance(text, str):
            raise TypeError("expected a list of words, got a single text")
        words += text
        rows.append(len(words))
    return words, rows


def _truncation_json(tokenizer: _freehold.Tokenizer) -> Optional[dict[str, Any]]:
    on, left, strategy, max_length, stride = tokenizer.truncation()
    names = ("LongestFirst", "OnlyFirst", "OnlySecond")
    return {"direction": ("Right", "Left")[left], "max_length": max_length, "strategy": names[strategy],
            "stride": stride} if on else None


def _padding_json(tokenizer: _freehold.Tokenizer) -> Optional[dict[str, Any]]:
    on, left, fixed, length, multiple, id, type_id, token = tokenizer.padding()
    return {"strategy": {"Fixed": length} if fixed else "BatchLongest", "direction": ("Right", "Left")[left],
            "pad_to_multiple_of": multiple or None, "pad_id": id, "pad_type_id": type_id, "pad_token": token} if on else None


def _part(kind: type[Component], what: str) -> property:
    """A part of a tokenizer, to be read and to be set."""
    member = kind._member

    def get(self: "Tokenizer") -> Any:
        return kind._of(self._tokenizer.member(member))

    def give(self: "Tokenizer", part: Any) -> None:
        optional = kind is not Model
        if not isinstance(part, kind) and not (optional and part is None):
            raise TypeError(f"{member}: expected a {kind.__name__}{' or None' if optional else ''}, got {type(part).__name__}")
        with self._lock:
            self._change(**{member: "null" if part is None else part._json})

    return property(get, give, doc=what)


def _batches(texts: Iterable[Any]) -> Iterator[list[str]]:
    """Texts, or lists of texts, as lists of a size that is worth the while."""
    if isinstance(texts, (str, bytes)):
        raise TypeError("expected an iterator over texts, got a single text")
    batch: list[str] = []
    letters = 0
    for some in texts:
        for text in (some,) if isinstance(some, str) else some:
            if not isinstance(text, str):
                raise TypeError(f"expected texts, or lists of texts, got {type(text).__name__}")
            batch.append(text)
            letters += len(text)
        if letters >= BATCH_LETTERS or len(batch) >= BATCH_TEXTS:
            yield batch
            batch, letters = [], 0
    yield batch


class Tokenizer(_Locked):
    """A tokenizer: a model, and what comes before and behind it."""

    #: What it was opened from, where a tokenizer.json says that only nearly: a copy is made of that.
    _file: Optional[tuple[bytes, str]] = None
    _seed = 0
    #: True: special tokens that are written in a text are text.
    encode_special_tokens = False

    def __init__(self, model: Model) -> None:
        if not isinstance(model, Model):
            raise TypeError(f"expected a Model (or use from_file, from_str), got {type(model).__name__}")
        super().__init__()
        self._tokenizer = load({"model": model._json})

    @classmethod
    def _of(cls, made: _freehold.Tokenizer) -> "Tokenizer":
        self = cls.__new__(cls)
        _Locked.__init__(self)
        self._tokenizer = made
        return self

    @classmethod
    def from_file(cls, path: Union[str, PathLike[str]], encoding: Optional[str] = None) -> "Tokenizer":
        """From a tokenizer.json, a SentencePiece model, tiktoken ranks or a cache (save_cache); the content says which it is.
        `encoding` is what ranks are of, such as cl100k_base; by default what the file is called, without what follows the last
        dot."""
        with open(path, "rb") as f:
            if f.read(len(CACHE)) == CACHE:
                return cls.from_cache(path)
            f.seek(0)
            return cls.from_buffer(f.read(), splitext(basename(fspath(path)))[0] if encoding is None else encoding)

    @classmethod
    def from_str(cls, json: str) -> "Tokenizer":
        return cls._of(_freehold.Tokenizer(json.encode()))

    @classmethod
    def from_cache(cls, path: Union[str, PathLike[str]], source: Union[str, PathLike[str]] = "") -> "Tokenizer":
        """From what save_cache wrote: the file stays mapped, so it is opened in milliseconds, and processes share
        its memory. It is not to be changed meanwhile; a new one takes the old one's place. With the file `source`, RuntimeError
        unless the cache was made from just that."""
        return cls._of(_freehold.Tokenizer.from_cache(path, source))

    @classmethod
    def from_pretrained(cls, identifier: str, *args: Any, **kwargs: Any) -> "Tokenizer":
        """Not here: nothing is downloaded."""
        raise NotImplementedError(f"{identifier}: nothing is downloaded; fetch its tokenizer.json, and use "
                                  "Tokenizer.from_file")

    @classmethod
    def from_buffer(cls, buffer: bytes, encoding: str = "") -> "Tokenizer":
        if bytes(memoryview(buffer)[:len(CACHE)]) == CACHE:
            raise ValueError("a cache is used where its file lies: use from_file or from_cache")
        self = cls._of(_freehold.Tokenizer(buffer, encoding))
        if not bytes(memoryview(buffer)[:64]).lstrip().startswith(b"{"):
            self._file = bytes(buffer), encoding
        return self

    @classmethod
    def _copy_of(cls, file: tuple[bytes, str], truncation: tuple[Any, ...], padding: tuple[Any, ...],
                 seed: int) -> "Tokenizer":
        made = _freehold.Tokenizer(*file)
        made.set_truncation(*truncation)
        made.set_padding(*padding)
        made.seed(seed)
        return cls._of(made)

    def seed(self, seed: int) -> None:
        """What is left to chance (BPE's dropout, Unigram's alpha) is drawn from this number from now on: the same texts in the
        same order become the same tokens, in batches too. A new tokenizer begins with 0, a copy with the seed of the first."""
        with self._lock:
            self._tokenizer.seed(seed)
            self._seed = seed

    def _members(self) -> dict[str, str]:
        """The members of the file, as JSON texts; what is made of them is what they were at one moment."""
        tokenizer = self._tokenizer
        now = {"truncation": dumps(_truncation_json(tokenizer)), "padding": dumps(_padding_json(tokenizer))}
        return {name: now[name] if name in now else tokenizer.member(name) for name in MEMBERS}

    def _change(self, **members: str) -> None:
        """With the lock, also while that is found out which depends on what was there before."""
        made = load({**self._members(), **members})
        made.seed(self._seed)
        self._file, self._tokenizer = None, made

    def to_str(self, pretty: bool = False) -> str:
        """The text of a tokenizer.json."""
        return load(self._members()).save(pretty)

    def save(self, path: Union[str, PathLike[str]], pretty: bool = True) -> None:
        """Writes a tokenizer.json, which appears whole or not at all."""
        _freehold.write_file(path, self.to_str(pretty).encode())

    def save_cache(self, path: Union[str, PathLike[str]], source: Union[str, PathLike[str]] = "") -> None:
        """Writes a file that from_cache opens in hardly any time, on this kind of machine and with this version; it appears
        whole or not at all. `source` is the file that the tokenizer was made from, for those who ask for it there."""
        tokenizer = self._tokenizer if self._file is not None else load(self._members())
        tokenizer.save_cache(path, source)

    def __reduce__(self) -> tuple[Any, ...]:
        with self._lock:
            file = (self.to_str().encode(), "") if self._file is None else self._file
            lengths = self._tokenizer.truncation(), self._tokenizer.padding()
            state = {name: value for name, value in self.__dict__.items() if name not in ("_tokenizer", "_lock")}
            return (type(self)._copy_of, (file, *lengths, self._seed), state)

    def __repr__(self) -> str:
        parts = ((part._member, getattr(self, part._member)) for part in (Normalizer, PreTokenizer, PostProcessor, Decoder))
        return f"Tokenizer({', '.join([repr(self.model), *(f'{name}={part}' for name, part in parts if part is not None)])})"

    # --- parts

    model = _part(Model, "What makes tokens of pieces.")
    normalizer = _part(Normalizer, "What is done to a text before it is cut, or None.")
    pre_tokenizer = _part(PreTokenizer, "What cuts a text into pieces, or None.")
    post_processor = _part(PostProcessor, "What adds special tokens, or None.")
    decoder = _part(Decoder, "What makes text of tokens, or None.")

    def _with_added(self, tokens: Iterable[dict[str, Any]]) -> tuple[int, str]:
        """How many tokens are new, or found in another way than before; all added tokens with them, as a JSON text."""
        all = {token.pop("content"): token for token in json.loads(self._tokenizer.member("added_tokens"))}
        count = 0
        for token in tokens:
            content = token.pop("content")
            before = {name: value for name, value in all.get(content, {}).items() if name != "id"}
            if content and before != token:
                all[content] = token
                count += 1
        return count, dumps([{"content": content, **token} for content, token in all.items()])

    def _add(self, tokens: Sequence[Union[str, AddedToken]], special: bool) -> int:
        if isinstance(tokens, str):
            raise TypeError("expected a list of tokens, got a single one")
        fields = [token_fields(token, special) for token in tokens]
        with self._lock:
            count, text = self._with_added(fields)
            if count:
                self._change(added_tokens=text)
        return count

    def add_tokens(self, tokens: Sequence[Union[str, AddedToken]]) -> int:
        """Adds tokens beside the model's; those that are tokens of the model keep their ids. How many are new, or found in
        another way than before. A call reads the whole vocabulary anew: add many tokens in one."""
        return self._add(tokens, False)

    def add_special_tokens(self, tokens: Sequence[Union[str, AddedToken]]) -> int:
        """Adds tokens that are left out where special tokens are skipped."""
        return self._add(tokens, True)

    def get_added_tokens_decoder(self) -> dict[int, AddedToken]:
        """The added tokens by their ids."""
        tokens = json.loads(self._tokenizer.member("added_tokens"))
        return {token.pop("id"): AddedToken(**token) for token in tokens}

    # --- training

    def _learn(self, words: _freehold.Words, trainer: trainers.Trainer, progress: trainers.Progress) -> None:
        like = f'{{"model":{self._tokenizer.member("model")}}}'
        options: list[Any] = [*trainer._options(), like, progress]
        model = words.train(*options)
        with self._lock:
            self._change(model=model, added_tokens=self._with_added(trainer._special())[1])

    def _trainer(self, trainer: Optional[trainers.Trainer]) -> trainers.Trainer:
        model = self.model
        trainer = trainers.default(model) if trainer is None else trainer
        if not isinstance(trainer, trainers.Trainer):
            raise TypeError(f"expected a Trainer, got {type(trainer).__name__}")
        if not isinstance(model, trainer._model):
            raise ValueError(f"{type(trainer).__name__} trains a {trainer._model.__name__}; this is a {type(model).__name__}")
        trainer._options()
        return trainer

    def train(self, files: Sequence[Union[str, PathLike[str]]], trainer: Optional[trainers.Trainer] = None) -> None:
        """Learns the model's vocabulary from files, line by line, on all processors. Ctrl-C stops it; after that, as after any
        other failure, the tokenizer is as it was."""
        trainer = self._trainer(trainer)
        if isinstance(files, (str, bytes, PathLike)):
            raise TypeError("expected a list of files, got a single one")
        words, done = _freehold.Words(self._tokenizer), 0
        with trainers.Progress(trainer.show_progress) as progress:
            for path in files:
                with open(path, "rb") as f:
                    while window := f.read(WINDOW_BYTES):
                        window += f.readline()
                        try:
                            words.lines(window)
                        except ValueError as error:
                            raise ValueError(f"{fspath(path)}, from byte {f.tell() - len(window)} on: {error}") from None
                        done += len(window)
                        progress("bytes", done, 0)
            self._learn(words, trainer, progress)

    def train_from_iterator(self, iterator: Iterable[Union[str, Iterable[str]]], trainer: Optional[trainers.Trainer] = None,
                            length: Optional[int] = None) -> None:
        """The same from texts, or lists of texts; `length` is how many texts there are, for the progress that is shown."""
        trainer = self._trainer(trainer)
        words, done = _freehold.Words(self._tokenizer), 0
        with trainers.Progress(trainer.show_progress) as progress:
            for texts in _batches(iterator):
                words.texts(texts)
                done += len(texts)
                progress("texts", done, length or 0)
            self._learn(words, trainer, progress)

    # --- encoding

    def _encode(self, texts: Sequence[Any], pairs: Optional[Sequence[Any]], split: bool, special: bool, offsets: int,
                which: Optional[bytes] = None) -> _freehold.Encodings:
        (first, rows), (second, pair_rows) = (texts, None), (pairs, None)
        if split:
            first, rows = _rows(texts)
            if pairs is not None:
                second, pair_rows = _rows(pairs)
        return self._tokenizer.encode(first, rows, second, pair_rows, which, special, not self.encode_special_tokens, offsets)

    def encode(self, sequence: Union[str, Sequence[str]], pair: Union[str, Sequence[str], None] = None,
               is_pretokenized: bool = False, add_special_tokens: bool = True) -> Encoding:
        """A text, or with is_pretokenized a list of words; perhaps with another one, its pair."""
        if isinstance(sequence, str) == is_pretokenized:
            raise TypeError(f"expected {'a list of words' if is_pretokenized else 'a str'}, got {type(sequence).__name__}")
        pairs = None if pair is None else [pair]
        return encodings_of(self._encode([sequence], pairs, is_pretokenized, add_special_tokens, 2))[0]

    def _batch(self, inputs: Iterable[Any], split: bool, special: bool, offsets: int) -> _freehold.Encodings:
        if isinstance(inputs, str):
            raise TypeError("expected a list of texts, got a single text")
        inputs = list(inputs)
        paired = [isinstance(text, (tuple, list)) and len(text) == 2 and not (split and isinstance(text[0], str))
                  for text in inputs]
        if not any(paired):
            return self._encode(inputs, None, split, special, offsets)
        none: Any = [] if split else ""
        both = [text if there else (text, none) for text, there in zip(inputs, paired)]
        return self._encode([a for a, _ in both], [b for _, b in both], split, special, offsets, bytes(paired))

    def encode_batch(self, input: Iterable[Any], is_pretokenized: bool = False,
                     add_special_tokens: bool = True) -> list[Encoding]:
        """Texts, and pairs of texts as tuples, on all processors."""
        return encodings_of(self._batch(input, is_pretokenized, add_special_tokens, 2))

    def encode_batch_fast(self, input: Iterable[Any], is_pretokenized: bool = False,
                          add_special_tokens: bool = True) -> list[Encoding]:
        """The same without offsets and words, which are then zeros and None."""
        return encodings_of(self._batch(input, is_pretokenized, add_special_tokens, 0))

    def encode_batch_columnar(self, input: Iterable[Any], is_pretokenized: bool = False, add_special_tokens: bool = True,
                              offsets: bool = True) -> EncodedBatch:
        """The same in a few large arrays instead of many lists; without `offsets` neither these nor words are found out."""
        return EncodedBatch(self._batch(input, is_pretokenized, add_special_tokens, 2 if offsets else 0))

    async def async_encode(self, sequence: Union[str, Sequence[str]], pair: Union[str, Sequence[str], None] = None,
                           is_pretokenized: bool = False, add_special_tokens: bool = True) -> Encoding:
        """encode in another thread, as are the three below: an event loop goes on meanwhile."""
        return await _elsewhere(self.encode, sequence, pair, is_pretokenized, add_special_tokens)

    async def async_encode_batch(self, input: Iterable[Any], is_pretokenized: bool = False,
                                 add_special_tokens: bool = True) -> list[Encoding]:
        return await _elsewhere(self.encode_batch, input, is_pretokenized, add_special_tokens)

    async def async_encode_batch_fast(self, input: Iterable[Any], is_pretokenized: bool = False,
                                      add_special_tokens: bool = True) -> list[Encoding]:
        return await _elsewhere(self.encode_batch_fast, input, is_pretokenized, add_special_tokens)

    async def async_decode_batch(self, sequences: Iterable[Iterable[int]], skip_special_tokens: bool = True) -> list[str]:
        return await _elsewhere(self.decode_batch, sequences, skip_special_tokens)

    def post_process(self, encoding: Encoding, pair: Optional[Encoding] = None, add_special_tokens: bool = True) -> Encoding:
        """What encode does behind the model: truncation, special tokens, padding. The encodings are of texts alone, made with
        add_special_tokens=False, neither cut nor filled up."""
        for one in (encoding,) if pair is None else (encoding, pair):
            if not isinstance(one, Encoding):
                raise TypeError(f"expected an Encoding, got {type(one).__name__}")
            if one.overflowing or one.n_sequences != 1:
                raise ValueError("expected the tokens of one text, whole")
        first, number = encoding._made()
        second, pair_number = (None, 0) if pair is None else pair._made()
        return encodings_of(self._tokenizer.process(first, number, second, pair_number, add_special_tokens))[0]

    # --- decoding

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = True) -> str:
        return self._tokenizer.decode(ids if isinstance(ids, array) and ids.typecode == "I" else array("I", ids),
                                      skip_special_tokens)

    def decode_batch(self, sequences: Iterable[Iterable[int]], skip_special_tokens: bool = True) -> list[str]:
        return [self.decode(ids, skip_special_tokens) for ids in sequences]

    # --- the vocabulary

    def token_to_id(self, token: str) -> Optional[int]:
        return self._tokenizer.find(token)

    def id_to_token(self, id: int) -> Optional[str]:
        return self._tokenizer.token(id)

    def get_vocab(self, with_added_tokens: bool = True) -> dict[str, int]:
        """Each token of the model with its id, and the added tokens as they were written."""
        tokenizer = self._tokenizer
        vocab = tokenizer.vocab()
        if with_added_tokens:
            vocab.update((token["content"], token["id"]) for token in json.loads(tokenizer.member("added_tokens")))
        return vocab

    def get_vocab_size(self, with_added_tokens: bool = True) -> int:
        return len(self.get_vocab(with_added_tokens))

    def num_special_tokens_to_add(self, is_pair: bool) -> int:
        return self._tokenizer.added(is_pair)

    # --- length

    def enable_truncation(self, max_length: int, stride: int = 0, strategy: str = "longest_first",
                          direction: str = "right") -> None:
        """Texts of more than max_length tokens are cut; what is cut off comes as overflowing parts, each with the last `stride`
        tokens of the one before."""
        if not 0 <= stride < max_length - self.num_special_tokens_to_add(False) and stride != 0:
            raise ValueError(f"stride {stride}, expected one below max_length ({max_length}) less the special tokens")
        self._truncate(True, _choice("direction", direction, DIRECTIONS) == 1, _choice("strategy", strategy, STRATEGIES),
                       max_length, stride)

    def no_truncation(self) -> None:
        self._truncate(False, False, 0, 0, 0)

    def _truncate(self, *how: Any) -> None:
        with self._lock:
            self._tokenizer.set_truncation(*how)

    @property
    def truncation(self) -> Optional[dict[str, Any]]:
        on, left, strategy, max_length, stride = self._tokenizer.truncation()
        return {"max_length": max_length, "stride": stride, "strategy": list(STRATEGIES)[strategy],
                "direction": list(DIRECTIONS)[left]} if on else None

    def enable_padding(self, direction: str = "right", pad_id: int = 0, pad_type_id: int = 0, pad_token: str = "[PAD]",
                       length: Optional[int] = None, pad_to_multiple_of: Optional[int] = None) -> None:
        """Texts are filled up to `length` tokens, or to the longest of their batch, and then to a multiple."""
        self._pad(True, _choice("direction", direction, DIRECTIONS) == 1, length is not None, length or 0,
                  pad_to_multiple_of or 0, pad_id, pad_type_id, pad_token)

    def no_padding(self) -> None:
        self._pad(False, False, False, 0, 0, 0, 0, "")

    def _pad(self, *how: Any) -> None:
        with self._lock:
            self._tokenizer.set_padding(*how)

    @property
    def padding(self) -> Optional[dict[str, Any]]:
        on, left, fixed, length, multiple, id, type_id, token = self._tokenizer.padding()
        return {"length": length if fixed else None, "pad_to_multiple_of": multiple or None, "pad_id": id, "pad_token": token,
                "pad_type_id": type_id, "direction": list(DIRECTIONS)[left]} if on else None


class DecodeStream:
    """Text token by token: the pieces add up to the text of all. None while a character is incomplete."""

    def __init__(self, tokenizer: Tokenizer, skip_special_tokens: bool = True) -> None:
        self._stream = _freehold.DecodeStream(tokenizer._tokenizer, skip_special_tokens)

    def step(self, id: int) -> Optional[str]:
        return self._stream.step(id) or None
