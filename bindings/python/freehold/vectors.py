"""Nearest neighbours: FastVectorIndex for lists, FlatIndex (exact) and HnswIndex (a graph, nearly always exact) for arrays.

Arrays are whatever has the buffer interface: numpy arrays, array.array, memoryview. They are float32, contiguous, of one
vector or of one a row. Answers are read-only memoryviews, which numpy.asarray takes without a copy."""
from __future__ import annotations

import threading
import weakref
from array import array
from collections.abc import Sequence
from os import PathLike, register_at_fork
from typing import Any, Optional, TypeVar, Union

from . import _freehold

METRICS = {"l2": 0, "ip": 1, "cosine": 2}
TYPES = {"f32": 0, "f16": 1, "bf16": 2, "i8": 3, "b1": 4}

Value = TypeVar("Value")

_locks: "weakref.WeakSet[_Locked]" = weakref.WeakSet()


class _Locked:
    """An object that one thread at a time changes. A lock that was held at a fork is free again in the child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        _locks.add(self)

    def _forked(self) -> None:
        self._lock = threading.Lock()

    @staticmethod
    def _after_fork() -> None:
        for locked in list(_locks):
            locked._forked()


register_at_fork(after_in_child=_Locked._after_fork)


def _choice(what: str, word: str, words: dict[str, Value]) -> Value:
    if word not in words:
        raise ValueError(f"{what} {word!r}, expected one of {', '.join(words)}")
    return words[word]


def _floats(vectors: Any, dimension: int) -> tuple[memoryview, int, bool]:
    """A buffer of float32 with rows of `dimension` elements, how many, and whether it is a single vector without a second
    axis."""
    if isinstance(vectors, (list, tuple)):
        single = not vectors or not isinstance(vectors[0], (list, tuple))
        flat = array("f", vectors if single else [x for row in vectors for x in row])
        if any(len(row) != dimension for row in ([vectors] if single else vectors)):
            raise ValueError(f"Expected dimension {dimension}, got {len(vectors if single else vectors[0])}")
        return memoryview(flat), 1 if single else len(vectors), single
    view = memoryview(vectors)
    if view.format not in ("f", "<f", "=f"):
        raise ValueError(f"elements of format {view.format!r}, expected 'f' (float32)")
    if not view.c_contiguous:
        raise ValueError("found an array with gaps (strides), expected a contiguous one")
    shape = view.shape or ()
    if len(shape) not in (1, 2) or shape[-1] != dimension:
        found = " x ".join(map(str, shape))
        raise ValueError(f"Expected dimension {dimension}, got an array of {found}")
    return view, shape[0] if len(shape) == 2 else 1, len(shape) == 1


def _ids(ids: Any) -> memoryview:
    """A buffer of uint64, one a vector."""
    if ids.__class__ in (list, tuple, range) or isinstance(ids, int):
        return memoryview(array("Q", [ids] if isinstance(ids, int) else ids))
    view = memoryview(ids)
    if view.format not in ("Q", "L", "q", "l", "<Q", "<q") or view.itemsize != 8 or view.ndim != 1 or not view.c_contiguous:
        raise ValueError(f"ids of format {view.format!r}, expected a contiguous array of 64-bit integers")
    return view


def _answers(found: tuple[bytes, bytes, bytes], k: int, single: bool) -> tuple[memoryview, memoryview[float]]:
    """(ids, scores): a row a query, as long as the longest answer."""
    scores: memoryview[float] = memoryview(found[1]).cast("f")
    ids, counts = memoryview(found[0]).cast("Q"), memoryview(found[2]).cast("Q")
    if single:
        return ids[:counts[0]], scores[:counts[0]]
    width = max(counts, default=0)
    if width < k:  # fewer vectors than were asked for
        ids = memoryview(array("Q", [x for q in range(len(counts)) for x in ids[q * k:q * k + width]])).toreadonly()
        nearest = array("f", [x for q in range(len(counts)) for x in scores[q * k:q * k + width]])
        scores = memoryview(nearest).toreadonly().cast("B").cast("f")
    if len(counts) == 0 or width == 0:
        return ids[:0], scores[:0]
    shape = [len(counts), width]
    return ids.cast("B").cast("Q", shape), scores.cast("B").cast("f", shape)


class _Index(_Locked):
    """An index. In the child of a fork nobody else uses it; what another thread was changing there is refused."""

    _index: Union[_freehold.Flat, _freehold.Hnsw]

    def __init__(self, index: Union[_freehold.Flat, _freehold.Hnsw]) -> None:
        self._index = index
        super().__init__()

    def _forked(self) -> None:
        super()._forked()
        self._index.forked()

    def __len__(self) -> int:
        return len(self._index)


class FlatIndex(_Index):
    """Exact nearest neighbours among vectors of one dimension.

    metric: "l2" (distance, smallest first), "ip" (inner product) or "cosine", both largest first; type: how vectors are stored,
    "f32", "f16", "bf16", "i8" (bytes with a scale) or "b1" (signs). Numbers that are not finite are refused."""

    _index: _freehold.Flat

    def __init__(self, dimension: int, metric: str = "l2", type: str = "f32") -> None:
        super().__init__(_freehold.Flat(dimension, _choice("metric", metric, METRICS), _choice("type", type, TYPES)))
        self.dimension, self.metric, self._next = dimension, metric, 0

    def add(self, vectors: Any, ids: Any = None) -> None:
        """Adds a vector, or a row each. Without ids they are numbered from 0 on, in their order."""
        view, count, _ = _floats(vectors, self.dimension)
        with self._lock:
            numbers = _ids(range(self._next, self._next + count) if ids is None else ids)
            self._index.add(numbers, view)
            self._next = max(self._next, max(numbers, default=-1) + 1)

    def remove(self, id: int) -> None:
        """KeyError if it is not there."""
        with self._lock:
            self._index.remove(id)

    def get(self, id: int) -> memoryview[float]:
        """The vector as it is stored."""
        with self._lock:
            return memoryview(self._index.get(id, self.dimension)).cast("f")

    def search(self, queries: Any, k: int = 10) -> tuple[memoryview, memoryview[float]]:
        """(ids, scores) of the k best, best first, equal scores by the lower id: a row a query, or one row for a single
        vector. With fewer than k vectors the rows are shorter."""
        view, _, single = _floats(queries, self.dimension)
        with self._lock:
            return _answers(self._index.search(view, k, self.dimension), k, single)

    def rank(self, queries: Any, ids: Any) -> tuple[memoryview, memoryview[float]]:
        """What another index found, a row of ids a query (or one row for a single vector), by the scores that it has here, best
        first: (ids, scores) as of search. Ids that are not here go. So a graph finds candidates, and this index, which may be
        a file, puts them in their true order."""
        view, count, single = _floats(queries, self.dimension)
        found = ids if isinstance(ids, (list, tuple)) else memoryview(ids).tolist()
        rows = [found] if single else list(found)
        k = len(rows[0]) if rows else 0
        if len(rows) != count or any(len(row) != k for row in rows):
            raise ValueError(f"ids of {len(rows)} rows, expected {count}, all of one length")
        if k == 0:
            return _answers((b"", b"", bytes(8 * count)), 0, single)
        flat = array("Q", [id for row in rows for id in row])
        with self._lock:
            return _answers(self._index.rank(view, flat, k, self.dimension), k, single)

    def save(self, path: Union[str, PathLike[str]]) -> None:
        """Writes one file, which appears whole or not at all."""
        with self._lock:
            self._index.save(path)

    @classmethod
    def open(cls, path: Union[str, PathLike[str]], dimension: int, metric: str = "l2") -> "FlatIndex":
        """A saved index. Its vectors stay in the file, and it cannot be changed."""
        self = cls.__new__(cls)
        _Index.__init__(self, _freehold.Flat.open(path))
        self.dimension, self.metric, self._next = dimension, metric, 0
        return self


class HnswIndex(_Index):
    """Nearest neighbours in a graph: nearly always the exact ones, in a time that hardly grows with the number of vectors.
    Threads may search while another adds.

    capacity: vectors ever added, removed and updated ones counted again; links and effort: as in hnswlib M and
    ef_construction (0: 16 and 200)."""

    _index: _freehold.Hnsw

    def __init__(self, dimension: int, capacity: int, metric: str = "l2", links: int = 0, effort: int = 0) -> None:
        super().__init__(_freehold.Hnsw(dimension, capacity, _choice("metric", metric, METRICS), links, effort))
        self.dimension, self.metric, self._next = dimension, metric, 0

    def add(self, vectors: Any, ids: Any = None) -> None:
        """Adds a vector, or a row each, on all processors. Without ids they are numbered from 0 on, in their order."""
        view, count, _ = _floats(vectors, self.dimension)
        with self._lock:
            numbers = _ids(range(self._next, self._next + count) if ids is None else ids)
            self._index.add(numbers, view)
            self._next = max(self._next, max(numbers, default=-1) + 1)

    def update(self, id: int, vector: Any) -> None:
        """Gives an id that is there another vector."""
        view, _, _ = _floats(vector, self.dimension)
        with self._lock:
            self._index.update(id, view)

    def remove(self, id: int) -> None:
        """KeyError if it is not there."""
        with self._lock:
            self._index.remove(id)

    def get(self, id: int) -> memoryview[float]:
        """The vector."""
        with self._lock:
            return memoryview(self._index.get(id, self.dimension)).cast("f")

    def search(self, queries: Any, k: int = 10, effort: int = 0) -> tuple[memoryview, memoryview[float]]:
        """(ids, scores) of the k best that were met with `effort` candidates in view (at least k; 0: 64)."""
        view, _, single = _floats(queries, self.dimension)
        return _answers(self._index.search(view, k, self.dimension, effort), k, single)

    def save(self, path: Union[str, PathLike[str]]) -> None:
        """Writes one file, which appears whole or not at all; threads may search meanwhile."""
        with self._lock:
            self._index.save(path)

    @classmethod
    def _with(cls, index: _freehold.Hnsw, dimension: int, metric: str, next: int) -> "HnswIndex":
        self = cls.__new__(cls)
        _Index.__init__(self, index)
        self.dimension, self.metric, self._next = dimension, metric, next
        return self

    @classmethod
    def open(cls, path: Union[str, PathLike[str]], dimension: int, metric: str = "l2") -> "HnswIndex":
        """A saved index. Its vectors and most of its links stay in the file, and it cannot be changed: copy it for that."""
        _choice("metric", metric, METRICS)
        index = _freehold.Hnsw.open(path)
        highest = index.id_max()
        return cls._with(index, dimension, metric, 0 if highest is None else highest + 1)

    def copy(self, capacity: int) -> "HnswIndex":
        """Another index of the vectors that are there, built anew: with room for others instead of those that were removed."""
        with self._lock:
            return self._with(self._index.copy(capacity), self.dimension, self.metric, self._next)

    def check(self) -> None:
        """Reads the whole graph, and raises ValueError if it is not what it must be."""
        with self._lock:
            self._index.check()


class FastVectorIndex(_Index):
    """Exact nearest neighbours by Euclidean distance, for vectors that are lists of numbers. Vectors are numbered from 0 on."""

    _index: _freehold.Flat

    def __init__(self, dimension: int) -> None:
        super().__init__(_freehold.Flat(dimension, 0, 0))
        self.dimension = dimension

    def add(self, vector: Sequence[float]) -> None:
        """Adds a vector. ValueError for another dimension, and for a number that is not finite."""
        numbers = array("f", vector)
        if len(numbers) != self.dimension:
            raise ValueError(f"Expected dimension {self.dimension}, got {len(numbers)}")
        with self._lock:
            self._index.add(array("Q", (len(self._index),)), numbers)

    def search(self, query: Sequence[float], k: int) -> list[tuple[int, float]]:
        """The k nearest as (number, distance), the nearest first."""
        numbers = array("f", query)
        if len(numbers) != self.dimension:
            raise ValueError("Query dimension mismatch")
        if k < 1 or not len(self):
            if k < 0:
                raise ValueError(f"k of {k}, expected 0 or more")
            return []
        with self._lock:
            ids, scores = _answers(self._index.search(numbers, min(k, len(self._index)), self.dimension), k, True)
        return list(zip(ids.tolist(), scores.tolist()))
