"""Freehold: words, vectors and language models by a memory-safe runtime in C.

    tokenize_batch(["The quick fox"])             words with their places
    count_tokens_parallel(corpus)                 how often each word occurs, on all processors
    FastVectorIndex(dimension=128)                exact nearest neighbours
    FlatIndex, HnswIndex                          the same for arrays: exact, and by a graph
    Tokenizer.from_file("tokenizer.json")         Hugging Face's tokenizers, exactly; training; parts in the modules models,
                                                  normalizers, pre_tokenizers, processors, decoders, trainers;
                                                  put together already in implementations
    Model("model.gguf").generate("Once upon")     text, as it comes

Work is done without the GIL. Objects may be used from any thread, after the thread that made them has ended, and in the child
of a fork."""
import os as _os

from . import _freehold, decoders, implementations, models, normalizers, pre_tokenizers, processors, trainers
from .component import AddedToken, Regex
from .encoded import (EncodedBatch, EncodeInput, Encoding, InputSequence, Offsets, PreTokenizedEncodeInput,
                      PreTokenizedInputSequence, TextEncodeInput, TextInputSequence)
from .implementations import (BertWordPieceTokenizer, ByteLevelBPETokenizer, CharBPETokenizer, SentencePieceBPETokenizer,
                              SentencePieceUnigramTokenizer)
from .language import Generation, Model
from .models import Token
from .text import Words, count_tokens_parallel, tokenize_batch, tokenize_batch_columnar
from .tokens import DecodeStream, Tokenizer
from .vectors import FastVectorIndex, FlatIndex, HnswIndex

__version__ = "0.1.0"
__all__ = ["AddedToken", "BertWordPieceTokenizer", "ByteLevelBPETokenizer", "CharBPETokenizer", "DecodeStream", "EncodeInput",
           "EncodedBatch", "Encoding", "FastVectorIndex", "FlatIndex", "Generation", "HnswIndex", "InputSequence", "Model",
           "Offsets", "PreTokenizedEncodeInput", "PreTokenizedInputSequence", "Regex", "SentencePieceBPETokenizer",
           "SentencePieceUnigramTokenizer", "TextEncodeInput", "TextInputSequence", "Token", "Tokenizer", "Words",
           "count_tokens_parallel", "decoders", "implementations", "models", "normalizers", "pre_tokenizers", "processors",
           "tokenize_batch", "tokenize_batch_columnar", "trainers"]

_os.register_at_fork(after_in_child=_freehold.forked)
