"""Tokenizers of well-known kinds, put together: to be trained, or given a vocabulary.

    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train(["corpus.txt"], vocab_size=30000, special_tokens=["<s>", "</s>"])
    tokenizer.save("tokenizer.json")

Each is a Tokenizer. `train` and `train_from_iterator` take the options of its kind by name; their defaults are in
`_options`."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, ClassVar, Optional, Union

from . import decoders, models, normalizers, pre_tokenizers, processors, trainers
from .component import AddedToken, Regex
from .normalizers import Normalizer, unicode_normalizer_from_str
from .tokens import Tokenizer
from .vectors import _Locked

Path = Union[str, PathLike[str]]
Files = Union[Path, Sequence[Path]]
Merges = Sequence[tuple[str, str]]


def _one_after_the_other(parts: Sequence[Normalizer]) -> Optional[Normalizer]:
    return normalizers.Sequence(parts) if len(parts) > 1 else parts[0] if parts else None


class BaseTokenizer(Tokenizer):
    """What they share."""

    _learns: ClassVar[Optional[type[trainers.Trainer]]] = None
    _options: ClassVar[Mapping[str, Any]] = {}  # of training, with their defaults
    _names: ClassVar[Mapping[str, str]] = {}  # those that the trainer calls otherwise

    def __init__(self, tokenizer: Tokenizer, parameters: Optional[Mapping[str, Any]] = None) -> None:
        _Locked.__init__(self)
        self._tokenizer, self._file, self._seed = tokenizer._tokenizer, tokenizer._file, tokenizer._seed
        self._parameters = dict(parameters or {})

    def __repr__(self) -> str:
        shown = "".join(f", {name}={value}" for name, value in self._parameters.items())
        return f"Tokenizer(vocabulary_size={self.get_vocab_size()}{shown})"

    def _trainer_of(self, vocab_size: Optional[int], options: dict[str, Any]) -> trainers.Trainer:
        if self._learns is None:
            raise TypeError(f"{type(self).__name__} is not of a kind that is trained")
        for name in options:
            if name not in self._options:
                raise TypeError(f"unknown option {name}, expected some of {', '.join(self._options)}")
        if vocab_size is not None:
            options["vocab_size"] = vocab_size
        wanted = {**self._options, **options}
        return self._learns(**{self._names.get(name, name): value for name, value in wanted.items()})

    def train(self, files: Files, vocab_size: Optional[int] = None, **options: Any) -> None:  # type: ignore[override]
        """Learns the vocabulary from a file or files."""
        one = isinstance(files, (str, PathLike))
        super().train([files] if one else files, self._trainer_of(vocab_size, options))  # type: ignore[list-item, arg-type]

    def train_from_iterator(self, iterator: Iterable[Union[str, Iterable[str]]],  # type: ignore[override]
                            vocab_size: Optional[int] = None, length: Optional[int] = None, **options: Any) -> None:
        """The same from texts, or lists of texts."""
        super().train_from_iterator(iterator, self._trainer_of(vocab_size, options), length)

    def normalize(self, sequence: str) -> str:
        """What becomes of a text before it is cut."""
        return sequence if self.normalizer is None else self.normalizer.normalize_str(sequence)

    def save_model(self, directory: Path, prefix: Optional[str] = None) -> list[str]:
        """Writes the vocabulary in files of its own: models.Model.save."""
        files: list[str] = self.model.save(directory, prefix)
        return files

    def _special_if_there(self, tokens: Iterable[Union[str, AddedToken]]) -> None:
        """Those that are in the vocabulary become special tokens."""
        self.add_special_tokens([str(token) for token in tokens if self.token_to_id(str(token)) is not None])


class BertWordPieceTokenizer(BaseTokenizer):
    """BERT's: words, then the longest pieces first."""

    _learns = trainers.WordPieceTrainer
    _options = {"vocab_size": 30000, "min_frequency": 2, "limit_alphabet": 1000, "initial_alphabet": (),
                "special_tokens": ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"), "show_progress": True,
                "wordpieces_prefix": "##"}
    _names = {"wordpieces_prefix": "continuing_subword_prefix"}

    def __init__(self, vocab: Optional[Mapping[str, int]] = None, unk_token: Union[str, AddedToken] = "[UNK]",
                 sep_token: Union[str, AddedToken] = "[SEP]", cls_token: Union[str, AddedToken] = "[CLS]",
                 pad_token: Union[str, AddedToken] = "[PAD]", mask_token: Union[str, AddedToken] = "[MASK]",
                 clean_text: bool = True, handle_chinese_chars: bool = True, strip_accents: Optional[bool] = None,
                 lowercase: bool = True, wordpieces_prefix: str = "##") -> None:
        super().__init__(Tokenizer(models.WordPiece(vocab, unk_token=str(unk_token))), {
            "model": "BertWordPiece", "unk_token": unk_token, "sep_token": sep_token, "cls_token": cls_token,
            "pad_token": pad_token, "mask_token": mask_token, "clean_text": clean_text,
            "handle_chinese_chars": handle_chinese_chars, "strip_accents": strip_accents, "lowercase": lowercase,
            "wordpieces_prefix": wordpieces_prefix})
        self._special_if_there((unk_token, sep_token, cls_token, pad_token, mask_token))
        self.normalizer = normalizers.BertNormalizer(clean_text, handle_chinese_chars, strip_accents, lowercase)
        self.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        self.decoder = decoders.WordPiece(prefix=wordpieces_prefix)
        if vocab is not None:
            self.post_processor = processors.BertProcessing(self._place("sep_token", sep_token),
                                                            self._place("cls_token", cls_token))

    def _place(self, what: str, token: Union[str, AddedToken]) -> tuple[str, int]:
        id = self.token_to_id(str(token))
        if id is None:
            raise TypeError(f"{what}: {token} is not in the vocabulary")
        return str(token), id

    @staticmethod
    def from_file(vocab: Path, **options: Any) -> BertWordPieceTokenizer:  # type: ignore[override]
        """From a vocab.txt."""
        return BertWordPieceTokenizer(models.WordPiece.read_file(vocab), **options)


class ByteLevelBPETokenizer(BaseTokenizer):
    """GPT-2's: pairs of bytes are merged."""

    _learns = trainers.BpeTrainer
    _options = {"vocab_size": 30000, "min_frequency": 2, "show_progress": True, "special_tokens": (),
                "initial_alphabet": pre_tokenizers.ByteLevel.alphabet()}

    def __init__(self, vocab: Optional[Mapping[str, int]] = None, merges: Optional[Merges] = None,
                 add_prefix_space: bool = False, lowercase: bool = False, dropout: Optional[float] = None,
                 unicode_normalizer: Optional[str] = None, continuing_subword_prefix: Optional[str] = None,
                 end_of_word_suffix: Optional[str] = None, trim_offsets: bool = False) -> None:
        prefix, suffix = continuing_subword_prefix, end_of_word_suffix
        if vocab is not None:
            prefix, suffix = prefix or "", suffix or ""
        super().__init__(Tokenizer(models.BPE(vocab, merges, dropout=dropout, continuing_subword_prefix=prefix,
                                              end_of_word_suffix=suffix)), {
            "model": "ByteLevelBPE", "add_prefix_space": add_prefix_space, "lowercase": lowercase, "dropout": dropout,
            "unicode_normalizer": unicode_normalizer, "continuing_subword_prefix": continuing_subword_prefix,
            "end_of_word_suffix": end_of_word_suffix, "trim_offsets": trim_offsets})
        self.normalizer = _one_after_the_other([
            *([unicode_normalizer_from_str(unicode_normalizer)] if unicode_normalizer else ()),
            *([normalizers.Lowercase()] if lowercase else ())])
        self.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
        self.decoder = decoders.ByteLevel()
        self.post_processor = processors.ByteLevel(trim_offsets=trim_offsets)

    @staticmethod
    def from_file(vocab_filename: Path, merges_filename: Path,  # type: ignore[override]
                  **options: Any) -> ByteLevelBPETokenizer:
        """From a vocab.json and a merges.txt."""
        return ByteLevelBPETokenizer(*models.BPE.read_file(vocab_filename, merges_filename), **options)


class CharBPETokenizer(BaseTokenizer):
    """The first GPT's: words end with a suffix."""

    _learns = trainers.BpeTrainer
    _options = {"vocab_size": 30000, "min_frequency": 2, "special_tokens": ("<unk>",), "limit_alphabet": 1000,
                "initial_alphabet": (), "suffix": "</w>", "show_progress": True}
    _names = {"suffix": "end_of_word_suffix"}

    def __init__(self, vocab: Optional[Mapping[str, int]] = None, merges: Optional[Merges] = None,
                 unk_token: Union[str, AddedToken] = "<unk>", suffix: str = "</w>", dropout: Optional[float] = None,
                 lowercase: bool = False, unicode_normalizer: Optional[str] = None, bert_normalizer: bool = True,
                 split_on_whitespace_only: bool = False) -> None:
        super().__init__(Tokenizer(models.BPE(vocab, merges, dropout=dropout, unk_token=str(unk_token),
                                              end_of_word_suffix=suffix)), {
            "model": "BPE", "unk_token": unk_token, "suffix": suffix, "dropout": dropout, "lowercase": lowercase,
            "unicode_normalizer": unicode_normalizer, "bert_normalizer": bert_normalizer,
            "split_on_whitespace_only": split_on_whitespace_only})
        self._special_if_there((unk_token,))
        self.normalizer = _one_after_the_other([
            *([unicode_normalizer_from_str(unicode_normalizer)] if unicode_normalizer else ()),
            *([normalizers.BertNormalizer(lowercase=False)] if bert_normalizer else ()),
            *([normalizers.Lowercase()] if lowercase else ())])
        spaces_only = split_on_whitespace_only
        self.pre_tokenizer = pre_tokenizers.WhitespaceSplit() if spaces_only else pre_tokenizers.BertPreTokenizer()
        self.decoder = decoders.BPEDecoder(suffix=suffix)

    @staticmethod
    def from_file(vocab_filename: Path, merges_filename: Path,  # type: ignore[override]
                  **options: Any) -> CharBPETokenizer:
        """From a vocab.json and a merges.txt."""
        return CharBPETokenizer(*models.BPE.read_file(vocab_filename, merges_filename), **options)


class SentencePieceBPETokenizer(BaseTokenizer):
    """SentencePiece's way with blanks, and BPE."""

    _learns = trainers.BpeTrainer
    _options = {"vocab_size": 30000, "min_frequency": 2, "special_tokens": ("<unk>",), "limit_alphabet": 1000,
                "initial_alphabet": (), "show_progress": True}

    def __init__(self, vocab: Optional[Mapping[str, int]] = None, merges: Optional[Merges] = None,
                 unk_token: Union[str, AddedToken] = "<unk>", replacement: str = "\u2581", add_prefix_space: bool = True,
                 dropout: Optional[float] = None, fuse_unk: bool = False) -> None:
        super().__init__(Tokenizer(models.BPE(vocab, merges, dropout=dropout, unk_token=str(unk_token), fuse_unk=fuse_unk)), {
            "model": "SentencePieceBPE", "unk_token": unk_token, "replacement": replacement,
            "add_prefix_space": add_prefix_space, "dropout": dropout})
        self._special_if_there((unk_token,))
        self.normalizer = normalizers.NFKC()
        scheme = "always" if add_prefix_space else "never"
        self.pre_tokenizer = pre_tokenizers.Metaspace(replacement=replacement, prepend_scheme=scheme)
        self.decoder = decoders.Metaspace(replacement=replacement, prepend_scheme=scheme)

    @staticmethod
    def from_file(vocab_filename: Path, merges_filename: Path,  # type: ignore[override]
                  **options: Any) -> SentencePieceBPETokenizer:
        """From a vocab.json and a merges.txt."""
        return SentencePieceBPETokenizer(*models.BPE.read_file(vocab_filename, merges_filename), **options)


class SentencePieceUnigramTokenizer(BaseTokenizer):
    """SentencePiece's way with blanks, and Unigram."""

    _learns = trainers.UnigramTrainer
    _options = {"vocab_size": 8000, "show_progress": True, "special_tokens": (), "initial_alphabet": (), "unk_token": None}

    def __init__(self, vocab: Optional[Sequence[tuple[str, float]]] = None, replacement: str = "\u2581",
                 add_prefix_space: bool = True) -> None:
        super().__init__(Tokenizer(models.Unigram(vocab)), {
            "model": "SentencePieceUnigram", "replacement": replacement, "add_prefix_space": add_prefix_space})
        self.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(),
                                                normalizers.Replace(Regex(" {2,}"), " ")])
        scheme = "always" if add_prefix_space else "never"
        self.pre_tokenizer = pre_tokenizers.Metaspace(replacement=replacement, prepend_scheme=scheme)
        self.decoder = decoders.Metaspace(replacement=replacement, prepend_scheme=scheme)

    @staticmethod
    def from_spm(filename: Path) -> SentencePieceUnigramTokenizer:
        """From a SentencePiece model, ids and offsets as that library's."""
        opened = Tokenizer.from_file(filename)
        if not isinstance(opened.model, models.Unigram):
            raise ValueError(f"{filename}: expected a Unigram, found a {type(opened.model).__name__}")
        made = SentencePieceUnigramTokenizer.__new__(SentencePieceUnigramTokenizer)
        BaseTokenizer.__init__(made, opened, {"model": "SentencePieceUnigram"})
        return made
