#!/usr/bin/env python3
"""The Python package: what it promises, what it refuses, and that objects outlive threads, forks and mistakes.

    PYTHONPATH=build/dev/python FREEHOLD_MODELS=models tests/python/test_package.py        (or: pytest tests/python)"""
import gc
import importlib
import math
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import unittest
from array import array
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import freehold
from freehold import _freehold

try:
    import numpy
except ImportError:
    numpy = None

SPACES = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200b))) + "\u2028\u2029\u202f\u205f\u3000"
DEMO = os.path.join(os.environ.get("FREEHOLD_MODELS", "models"), "demo.gguf")
CALLS = int(os.environ.get("FREEHOLD_TEST_CALLS", "100000"))


def words_of(text):
    """The definition: words with their places in UTF-8."""
    found = re.finditer(f"[^{SPACES}]+", text)
    return [(m[0], len(text[:m.start()].encode()), len(text[:m.end()].encode())) for m in found]


class Words(unittest.TestCase):
    def test_lesson(self):
        texts = ["The quick brown fox", "jumps over the lazy dog"] * 10000
        tokens = freehold.tokenize_batch(texts)
        self.assertEqual(len(tokens), 20000)
        self.assertEqual(tokens[0], [("The", 0, 3), ("quick", 4, 9), ("brown", 10, 15), ("fox", 16, 19)])
        self.assertEqual(tokens[19999], [("jumps", 0, 5), ("over", 6, 10), ("the", 11, 14), ("lazy", 15, 19), ("dog", 20, 23)])
        corpus = ["machine learning is powerful"] * 100000
        self.assertEqual(freehold.count_tokens_parallel(corpus),
                         dict.fromkeys(("machine", "learning", "is", "powerful"), 100000))

    def test_definition(self):
        rng = random.Random(1)
        letters = ["a", "b", "é", "語", "\U0001f600", "\x1c", "\x00", *SPACES]
        texts = ["".join(rng.choices(letters, k=rng.randrange(300))) for _ in range(300)] + ["", " ", "x" * 5000]
        expected = [words_of(text) for text in texts]
        self.assertEqual(freehold.tokenize_batch(texts), expected)
        columns = freehold.tokenize_batch_columnar(texts)
        self.assertEqual(list(columns), expected)
        self.assertEqual(columns[-1:], expected[-1:])
        self.assertEqual(list(freehold.tokenize_batch_columnar([text.encode() for text in texts])), expected)
        counts = Counter(word for row in expected for word, _, _ in row)
        self.assertEqual(list(freehold.count_tokens_parallel(texts).items()),
                         sorted(counts.items(), key=lambda item: (-item[1], item[0].encode())))
        self.assertEqual(freehold.count_tokens_parallel([b"\xff a", b"\xfe a"]), {"a": 2, "\udcfe": 1, "\udcff": 1})
        self.assertEqual(freehold.count_tokens_parallel(iter(["a b", "b"])), {"b": 2, "a": 1})

    def test_lists_are_separate(self):
        """Equal words may share a tuple; no two texts share a list."""
        first, second = freehold.tokenize_batch(["a b"] * 2)
        first.append(1)
        self.assertEqual(second, [("a", 0, 1), ("b", 2, 3)])

    def test_refused(self):
        for call in (freehold.tokenize_batch, freehold.count_tokens_parallel, freehold.tokenize_batch_columnar):
            with self.assertRaisesRegex(TypeError, "expected a sequence of texts, got a single text"):
                call("one text")
            with self.assertRaisesRegex(TypeError, "expected a sequence of str"):
                call(["a", 1])
            with self.assertRaises(UnicodeEncodeError):
                call(["a", "\ud800"])
            with self.assertRaises(TypeError):
                call(5)
        with self.assertRaisesRegex(TypeError, "expected a sequence of str$"):
            freehold.tokenize_batch([b"bytes"])
        with self.assertRaises(IndexError):
            freehold.tokenize_batch_columnar(["a"])[1]

    def test_collector_comes_back(self):
        for on in (True, False):
            gc.enable() if on else gc.disable()
            freehold.tokenize_batch(["a b"])
            self.assertEqual(gc.isenabled(), on)
            with self.assertRaises(TypeError):
                freehold.tokenize_batch([1])
            self.assertEqual(gc.isenabled(), on)
        gc.enable()

    def test_list_changes_meanwhile(self):
        """The texts that a call counts are its own, whatever another thread does to the list."""
        texts = ["word " * 1000 for _ in range(2000)]
        worker = ThreadPoolExecutor(1).submit(freehold.count_tokens_parallel, texts)
        while texts:
            texts.pop()
        self.assertLessEqual(set(worker.result()), {"word"})

    @unittest.skipUnless(numpy, "numpy is not installed")
    def test_numpy(self):
        columns = freehold.tokenize_batch_columnar(["one two", "three"])
        starts = numpy.asarray(columns.starts)
        self.assertEqual(starts.dtype, numpy.uint32)
        self.assertEqual((starts.tolist(), numpy.asarray(columns.row_splits).tolist()), ([0, 4, 0], [0, 2, 3]))
        self.assertFalse(starts.flags.writeable)
        self.assertEqual(starts.__array_interface__["data"][0], numpy.asarray(columns.starts).__array_interface__["data"][0])
        del columns
        gc.collect()
        self.assertEqual(starts.tolist(), [0, 4, 0])


class Vectors(unittest.TestCase):
    def setUp(self):
        self.rng = random.Random(3)

    def vectors(self, count, dim):
        return [[self.rng.gauss(0, 1) for _ in range(dim)] for _ in range(count)]

    def test_lesson(self):
        index = freehold.FastVectorIndex(dimension=128)
        vectors = self.vectors(1000, 128)
        for vector in vectors:
            index.add(vector)
        self.assertEqual(len(index), 1000)
        query = self.vectors(1, 128)[0]
        neighbors = index.search(query, k=5)
        exact = sorted((math.dist(array("f", v), array("f", query)), i) for i, v in enumerate(vectors))[:5]
        self.assertEqual([i for i, _ in neighbors], [i for _, i in exact])
        for (_, found), (expected, _) in zip(neighbors, exact):
            self.assertAlmostEqual(found, expected, places=4)
        self.assertEqual(len(index.search(query, k=5000)), 1000)
        self.assertEqual(index.search(query, k=0), [])
        self.assertEqual(freehold.FastVectorIndex(3).search([1, 2, 3], 5), [])
        self.assertEqual(index.search(vectors[7], 1), [(7, 0.0)])

    def test_lesson_refused(self):
        index = freehold.FastVectorIndex(dimension=3)
        for call, message in ((lambda: index.add([1.0, 2.0]), "Expected dimension 3, got 2"),
                              (lambda: index.search([1.0] * 4, 1), "Query dimension mismatch")):
            with self.assertRaises(ValueError) as raised:
                call()
            self.assertEqual(str(raised.exception), message)
        for bad in (math.nan, math.inf, 1e39):
            with self.assertRaisesRegex(ValueError, "finite"):
                index.add([0.0, bad, 0.0])
        index.add([1, 2, 3])
        with self.assertRaisesRegex(ValueError, "finite"):
            index.search([0.0, math.nan, 0.0], 1)
        with self.assertRaises(TypeError):
            index.add(["a", "b", "c"])
        self.assertEqual(len(index), 1)
        with self.assertRaises(ValueError):
            freehold.FastVectorIndex(0)
        with self.assertRaises(ValueError):
            freehold.FastVectorIndex(-1)

    def test_flat(self):
        flat = freehold.FlatIndex(4, metric="cosine")
        flat.add([[1, 0, 0, 0], [0, 1, 0, 0]])
        flat.add(array("f", [0, 0, 2, 0]), ids=77)
        self.assertEqual(len(flat), 3)
        ids, scores = flat.search([0, 0, 5, 1], k=2)
        self.assertEqual(ids.tolist()[0], 77)
        self.assertAlmostEqual(scores[0], 5 / math.sqrt(26), places=5)
        ids, scores = flat.search([[1, 0, 0, 0], [0, 1, 0, 0]], k=9)
        self.assertEqual((ids.shape, scores.shape), ((2, 3), (2, 3)))
        self.assertEqual([row[0] for row in ids.tolist()], [0, 1])
        flat.remove(77)
        with self.assertRaises(KeyError):
            flat.remove(77)
        self.assertEqual(flat.get(1).tolist(), [0, 1, 0, 0])
        with self.assertRaises(KeyError):
            flat.get(5)
        flat.add([0, 0, 0, 1])
        self.assertEqual(flat.search([0, 0, 0, 1], 1)[0].tolist(), [78])
        with self.assertRaisesRegex(ValueError, "another one has"):
            flat.add([1, 1, 1, 1], ids=0)
        with self.assertRaises(ValueError):
            flat.add([1, 1, 1, 1], ids=[5, 6])
        with self.assertRaises(ValueError):
            flat.search([1, 1, 1, 1], 0)
        self.assertEqual(len(flat), 3)

    def test_flat_file(self):
        flat = freehold.FlatIndex(8, type="f16")
        flat.add(self.vectors(50, 8))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "index")
            flat.save(path)
            opened = freehold.FlatIndex.open(path, 8)
            query = self.vectors(3, 8)
            self.assertEqual([x.tolist() for x in opened.search(query, 5)], [x.tolist() for x in flat.search(query, 5)])
            with self.assertRaises(ValueError):
                opened.add(self.vectors(1, 8))
            with open(path, "r+b") as f:
                f.truncate(100)
            with self.assertRaises(ValueError):
                freehold.FlatIndex.open(path, 8)
            with self.assertRaisesRegex(OSError, "absent"):
                freehold.FlatIndex.open(os.path.join(folder, "absent"), 8)

    def test_hnsw(self):
        vectors = self.vectors(2000, 16)
        graph, flat = freehold.HnswIndex(16, 4000), freehold.FlatIndex(16)
        graph.add(vectors)
        flat.add(vectors)
        queries = self.vectors(50, 16)
        found, exact = graph.search(queries, 10, effort=200)[0].tolist(), flat.search(queries, 10)[0].tolist()
        hits = sum(len(set(a) & set(b)) for a, b in zip(found, exact))
        self.assertGreater(hits, 470)
        graph.remove(exact[0][0])
        self.assertNotIn(exact[0][0], graph.search(queries[0], 10)[0].tolist())
        graph.update(exact[1][0], queries[0])
        self.assertEqual(graph.search(queries[0], 1)[0].tolist(), [exact[1][0]])
        self.assertEqual(len(graph), 1999)
        graph.check()

    def test_hnsw_file(self):
        """Saved, opened, and copied out of the file: the same answers; only the copy can be changed."""
        graph = freehold.HnswIndex(8, 400, "ip")
        graph.add(self.vectors(300, 8))
        graph.remove(7)
        query = self.vectors(1, 8)[0]
        expected = [x.tolist() for x in graph.search(query, 5)]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "graph")
            graph.save(path)
            opened = freehold.HnswIndex.open(path, 8, "ip")
            self.assertEqual(([x.tolist() for x in opened.search(query, 5)], len(opened)), (expected, 299))
            with self.assertRaises(ValueError):
                opened.add(self.vectors(1, 8))
            opened.check()
            copied = opened.copy(301)
            copied.add(self.vectors(2, 8), ids=[7, 500])
            self.assertEqual((len(copied), len(opened), len(graph)), (301, 299, 299))
            with self.assertRaises(RuntimeError):
                copied.add(self.vectors(1, 8), ids=[501])
            for refused, error in ((lambda: opened.copy(3), RuntimeError), (lambda: opened.copy(-1), OverflowError),
                                   (lambda: freehold.HnswIndex.open(path, 8, "x"), ValueError),
                                   (lambda: freehold.HnswIndex.open(path + "x", 8), OSError),
                                   (lambda: freehold.FlatIndex.open(path, 8), ValueError)):
                with self.assertRaises(error):
                    refused()
        self.assertEqual([x.tolist() for x in opened.search(query, 5)], expected)

    def test_hnsw_file_numbers(self):
        """What is added without ids to a copy of a file gets numbers that were never in use."""
        for ids, removed, expected in ((None, [3], 10), (None, [9], 10), (range(100, 110), [], 110),
                                       ([*range(9), 7 << 40], [0, 7 << 40], (7 << 40) + 1), ([], [], 0)):
            graph = freehold.HnswIndex(4, 100)
            if ids is None or len(ids):
                graph.add(self.vectors(10, 4), ids)
            for id in removed:
                graph.remove(id)
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "graph")
                graph.save(path)
                copied = freehold.HnswIndex.open(path, 4).copy(100)
            for index in (graph, copied, copied.copy(100)):
                self.assertRaises(KeyError, index.get, expected)
                vector = array("f", self.vectors(1, 4)[0])
                index.add(vector)
                self.assertEqual(index.get(expected).tolist(), vector.tolist())
                index.check()

    def test_rank(self):
        """What a graph found, in the order of an exact index."""
        vectors, queries = self.vectors(500, 8), self.vectors(20, 8)
        coarse, exact = freehold.FlatIndex(8, type="b1"), freehold.FlatIndex(8)
        coarse.add(vectors)
        exact.add(vectors)
        found = coarse.search(queries, 40)[0]
        ids, scores = (x.tolist() for x in exact.rank(queries, found))
        for row, before, ranked in zip(ids, found.tolist(), scores):
            self.assertEqual((sorted(row), ranked), (sorted(before), sorted(ranked)))
        alone = exact.rank(queries[0], [3, 10 ** 9, 4])
        self.assertEqual((sorted(alone[0].tolist()), len(alone[1])), ([3, 4], 2))
        self.assertEqual(exact.rank(queries[0], list(range(500)))[0].tolist(), exact.search(queries[0], 500)[0].tolist())
        self.assertEqual([x.tolist() for x in exact.rank(queries[0], [])], [[], []])
        for bad in ([[1, 2]], [[1, 2], [3]], found.tolist()[:3]):
            with self.assertRaisesRegex(ValueError, "expected 20, all of one length|ids of"):
                exact.rank(queries, bad)
        with self.assertRaisesRegex(ValueError, "3 ids, expected 2"):
            exact._index.rank(bytes(32), bytes(24), 2, 8)

    @unittest.skipUnless(numpy, "numpy is not installed")
    def test_numpy(self):
        vectors = numpy.random.default_rng(1).standard_normal((100, 8)).astype(numpy.float32)
        for index in (freehold.FlatIndex(8), freehold.HnswIndex(8, 1000)):
            index.add(vectors, ids=numpy.arange(100, 200))
            ids, scores = map(numpy.asarray, index.search(vectors[:7], 3))
            self.assertEqual((ids.shape, ids.dtype, scores.dtype), ((7, 3), numpy.uint64, numpy.float32))
            self.assertEqual(ids[:, 0].tolist(), list(range(100, 107)))
            expected = numpy.linalg.norm(vectors[:7] - vectors[ids[:, 1].astype(int) - 100], axis=1)
            numpy.testing.assert_allclose(scores[:, 1], expected, rtol=1e-4)
            for bad, message in ((vectors.astype(numpy.float64), "format 'd', expected 'f'"), (vectors[:, ::2], "gaps"),
                                 (vectors.T, "gaps"), (vectors[:, :4].copy(), "Expected dimension 8, got an array of 100 x 4"),
                                 (vectors.reshape(10, 10, 8), "Expected dimension 8"), (vectors.astype(">f4"), "format '>f'")):
                with self.assertRaisesRegex(ValueError, message):
                    index.add(bad)
                with self.assertRaisesRegex(ValueError, message):
                    index.search(bad)
            with self.assertRaisesRegex(ValueError, "ids of format"):
                index.add(vectors, ids=numpy.arange(100, dtype=numpy.int32))
            self.assertEqual(len(index), 100)

    def test_raw_buffers(self):
        """The extension itself refuses what its callers would never give it."""
        flat = _freehold.Flat(2, 0, 0)
        odd = memoryview(bytes(17))[1:9]
        for ids, vectors in ((b"1234567", bytes(8)), (bytes(8), bytes(7)), (bytes(8), bytes(12)), (odd, bytes(8))):
            with self.assertRaises(ValueError):
                flat.add(ids, vectors)
        for k, dim in ((0, 2), (-1, 2), (1 << 40, 2), (1, 0), (1, -1), (1, 3)):
            with self.assertRaises(ValueError):
                flat.search(bytes(8), k, dim)
        for arguments in ((-1, 0, 0), (2, 99, 0), (2, 0, 99), (1 << 40, 0, 0)):
            with self.assertRaises(ValueError):
                _freehold.Flat(*arguments)
        with self.assertRaises(TypeError):
            _freehold.Flat(2, 0, 0, extra=1)
        with self.assertRaises(TypeError):
            flat.add(1, 2)
        with self.assertRaises(TypeError):
            _freehold.Generator()

    def test_search_while_adding(self):
        graph = freehold.HnswIndex(8, 20000)
        graph.add(self.vectors(100, 8))
        rows = [self.vectors(100, 8) for _ in range(20)]
        done = threading.Event()

        def search():
            while not done.is_set():
                self.assertEqual(len(graph.search(rows[0], 5)[0].tolist()), 100)

        with ThreadPoolExecutor(3) as pool:
            readers = [pool.submit(search) for _ in range(2)]
            for row in rows:
                graph.add(row)
            done.set()
            for reader in readers:
                reader.result()
        graph.check()
        self.assertEqual(len(graph), 2100)


@unittest.skipUnless(os.path.exists(DEMO), "the demo model is not there")
class Generating(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = freehold.Model(DEMO)

    def test_stream(self):
        answer = self.model.generate("Once upon a time", 30, seed=1)
        pieces = list(answer)
        self.assertGreater(len(pieces), 10)
        self.assertEqual((len(answer.tokens), answer.finish), (30, "length"))
        self.assertEqual(self.model.generate("Once upon a time", 30, seed=1).text(), "".join(pieces))
        self.assertEqual(self.model.generate(self.model.encode("Once upon a time"), 30, seed=1).text(), "".join(pieces))
        self.assertNotEqual(self.model.generate("Once upon a time", 30, seed=2).text(), "".join(pieces))
        self.assertEqual(next(answer, None), None)
        word = pieces[5].strip() or pieces[6].strip()
        stopped = self.model.generate("Once upon a time", 30, seed=1, stop=[word])
        self.assertEqual(stopped.text(), "".join(pieces).split(word)[0])
        self.assertEqual(stopped.finish, "stop")

    def test_side_by_side(self):
        """Answers in the making at the same time, in turns and from threads, are those made alone."""
        alone = [self.model.generate("The dog", 20, seed=seed).text() for seed in range(4)]
        answers = [self.model.generate("The dog", 20, seed=seed) for seed in range(4)]
        parts = [[] for _ in answers]
        while any(answer.finish is None for answer in answers):
            for part, answer in zip(parts, answers):
                part.append(next(answer, ""))
        self.assertEqual(["".join(part) for part in parts], alone)
        with ThreadPoolExecutor(4) as pool:
            self.assertEqual(list(pool.map(lambda seed: self.model.generate("The dog", 20, seed=seed).text(), range(4))), alone)

    def test_refused(self):
        for arguments, error, message in (((DEMO + "x",), OSError, "demo.ggufx"), ((__file__,), ValueError, ""),
                                          ((DEMO, 1 << 60), ValueError, "")):
            with self.assertRaisesRegex(error, message):
                freehold.Model(*arguments)
        for options in ({"temperature": math.nan}, {"top_p": 7.0}, {"stop": [""]}, {"stop": ["x"] * 99}):
            with self.assertRaises(ValueError):
                self.model.generate("a", 5, **options)
        with self.assertRaises(TypeError):
            self.model.generate("a", stop="a string")
        with self.assertRaises(ValueError):
            self.model.generate([5, 1 << 30], 5).text()
        with self.assertRaises(ValueError):
            self.model.generate("word " * 100000, 5).text()
        self.assertGreater(len(self.model.generate("a", 5).text()), 0)

    def test_too_many(self):
        answers = [self.model.generate("a", 5) for _ in range(16)]
        with self.assertRaises(RuntimeError):
            self.model.generate("a", 5)
        answers.pop()
        self.assertGreater(len(self.model.generate("a", 5).text()), 0)

    def test_outlives_its_thread(self):
        """A model and answers whose threads have ended, and whose handles were dropped: the incident of the lesson."""
        made = {}

        def make():
            made["model"] = freehold.Model(DEMO)
            made["answer"] = made["model"].generate("Once", 20, seed=5)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        expected = self.model.generate("Once", 20, seed=5).text()
        answer = made.pop("answer")
        made.clear()
        gc.collect()
        with ThreadPoolExecutor(4) as pool:
            self.assertEqual(pool.submit(answer.text).result(), expected)

    def test_dropped_while_running(self):
        """Answers that are dropped while another thread runs the engine."""
        def run(seed):
            for i in range(10):
                answer = self.model.generate("The", 10, seed=seed)
                next(answer)
                if i % 2:
                    answer.text()

        with ThreadPoolExecutor(2) as pool:
            for worker in [pool.submit(run, seed) for seed in range(2)]:
                worker.result()
        self.assertEqual(len([self.model.generate("a", 1) for _ in range(16)]), 16)

    def test_keyboard_interrupt(self):
        """Lines are written whole: print can be interrupted within one."""
        program = ("import freehold, os, sys\n"
                   "answer = freehold.Model(sys.argv[1], 1 << 22).generate('Once', ignore_end=True)\n"
                   "try:\n"
                   "    for piece in answer: os.write(1, b'.\\n')\n"
                   "except KeyboardInterrupt:\n"
                   "    print(freehold.count_tokens_parallel(['still alive']))\n")
        child = subprocess.Popen([sys.executable, "-c", program, DEMO], stdout=subprocess.PIPE, text=True)
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=120)
        self.assertEqual((child.returncode, out.splitlines()[-1]), (0, "{'alive': 1, 'still': 1}"))


class Lives(unittest.TestCase):
    def test_fork(self):
        """A child of fork works with what its parent had, threads and all."""
        texts = ["a b c"] * 1000
        freehold.count_tokens_parallel(texts)
        index = freehold.FlatIndex(4)
        index.add([1, 2, 3, 4])
        model = freehold.Model(DEMO) if os.path.exists(DEMO) else None
        expected = model and model.generate("Once", 10).text()
        child = os.fork()
        if child == 0:
            good = freehold.count_tokens_parallel(texts) == {"a": 1000, "b": 1000, "c": 1000}
            good = good and index.search([1, 2, 3, 4], 1)[0].tolist() == [0]
            good = good and (model is None or model.generate("Once", 10).text() == expected)
            os._exit(0 if good else 1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_fork_while_locked(self):
        """A lock that another thread held at the fork does not stop the child."""
        index = freehold.FlatIndex(4)
        index.add([1, 2, 3, 4])
        with index._lock:
            child = os.fork()
            if child == 0:
                os._exit(0 if index.search([1, 2, 3, 4], 1)[0].tolist() == [0] else 1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def child(self, work, meanwhile=lambda: None):
        """What waitpid says of a child of fork: 0 if work was done there without an exception; and the answer of meanwhile,
        here, right behind the fork."""
        child = os.fork()
        if child == 0:
            status = 1
            try:
                work()
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        answer = meanwhile()
        return os.waitpid(child, 0)[1], answer

    def rows(self, count):
        """Rows of 16 elements, a thousand different ones."""
        rng = random.Random(3)
        some = array("f", [rng.gauss(0, 1) for _ in range(16000)])
        return memoryview(some * (count // 1000)).cast("B").cast("f", [count, 16])

    def test_fork_beside_search(self):
        """What another thread searches at the fork is free in the child: to be changed, searched, saved and dropped."""
        for index in (freehold.FlatIndex(16), freehold.HnswIndex(16, 3000)):
            index.add(self.rows(2000))
            queries, done = self.rows(2000), threading.Event()

            def search(index=index):
                while not done.is_set():
                    index.search(queries, 5)

            def change():
                index.add(queries[:1], ids=[5000])
                assert index.search(queries[:1], 1)[0].tolist() == [[0]]
                index.remove(0)
                index.remove(1000)
                assert index.search(queries[:1], 1)[0].tolist() == [[5000]]
                with tempfile.TemporaryDirectory() as folder:
                    index.save(os.path.join(folder, "index"))

            def drop():
                nonlocal index
                raw = index._index
                del index
                gc.collect()
                raw.remove(3)
                del raw

            thread = threading.Thread(target=search)
            thread.start()
            try:
                for work in (drop, change) * 4:
                    time.sleep(0.02)
                    self.assertEqual(self.child(work), (0, None))
            finally:
                done.set()
                thread.join()
            index.remove(3)

    def test_fork_beside_change(self):
        """What another thread changes at the fork is refused in the child, and can be dropped."""
        for make, count in ((lambda: freehold.FlatIndex(16), 400000), (lambda: freehold.HnswIndex(16, 4000), 4000)):
            index = make()

            def is_changed():
                try:
                    index._index.get(1 << 50, 16)
                except KeyError:
                    return False
                except RuntimeError:
                    return True

            def look():
                nonlocal index
                for refused in (lambda: index.add([1.0] * 16, ids=[1 << 51]), lambda: index.remove(0), lambda: index.get(0)):
                    self.assertRaises(RuntimeError, refused)
                if isinstance(index, freehold.HnswIndex):
                    index.search([1.0] * 16)
                else:
                    self.assertRaisesRegex(RuntimeError, "a fork cut", index.search, [1.0] * 16)
                del index
                gc.collect()

            for attempt in range(100):  # until the change began before the fork and ended after it
                index = make()
                thread = threading.Thread(target=index.add, args=(self.rows(count),))
                thread.start()
                while not is_changed() and thread.is_alive():
                    pass
                begun = is_changed()
                status, goes_on = self.child(look, is_changed) if begun else (None, False)
                thread.join()
                if goes_on:
                    break
            self.assertEqual((status, goes_on), (0, True))
            self.assertEqual((len(index), len(index.search([1.0] * 16, 3)[0])), (count, 3))

    def test_fork_ends(self):
        """A child that ends as programs do, while its parent searches."""
        program = ("import freehold, os, sys, threading, time\n"
                   "from array import array\n"
                   "indexes = freehold.FlatIndex(8), freehold.HnswIndex(8, 3000)\n"
                   "rows = memoryview(array('f', range(16000))).cast('B').cast('f', [2000, 8])\n"
                   "for index in indexes: index.add(rows)\n"
                   "def search(index):\n"
                   "    while True: index.search(rows, 5)\n"
                   "for index in indexes: threading.Thread(target=search, args=(index,), daemon=True).start()\n"
                   "for i in range(6):\n"
                   "    time.sleep(0.02)\n"
                   "    child = os.fork()\n"
                   "    if child == 0: sys.exit(7)\n"
                   "    assert os.waitpid(child, 0)[1] == 7 << 8\n"
                   "os._exit(8)\n")
        done = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, timeout=300)
        self.assertEqual((done.returncode, done.stderr), (8, ""))

    def test_imported_again(self):
        """Two module objects side by side: nothing is global."""
        del sys.modules["freehold._freehold"]
        try:
            again = importlib.import_module("freehold._freehold")
            self.assertIsNot(again, _freehold)
            self.assertEqual(again.count_tokens(["a"]), _freehold.count_tokens(["a"]))
            flat = again.Flat(1, 0, 0)
            del again
        finally:
            sys.modules["freehold._freehold"] = _freehold
        gc.collect()
        flat.add(bytes(8), bytes(4))
        self.assertEqual(len(flat), 1)

    def test_not_pickled(self):
        for thing in (freehold.FlatIndex(3), freehold.HnswIndex(3, 10)):
            with self.assertRaises(TypeError):
                pickle.dumps(thing)

    def grown(self, call, times):
        """How many more memory blocks of Python's there are after many calls."""
        for _ in range(200):
            call()
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(times):
            call()
        gc.collect()
        return sys.getallocatedblocks() - before

    def test_references(self):
        """No call keeps or loses a reference, refused ones included."""
        texts, words = ["a b", "longer words that are no short ones", "é"], ["a", 1]
        index = freehold.FastVectorIndex(2)
        index.add([1, 2])
        query, bad = array("f", [1, 2]), array("f", [math.nan, 0])
        things = (texts, texts[0], texts[1], words, query, bad, index)

        def refused(call, *arguments):
            try:
                call(*arguments)
            except (TypeError, ValueError, KeyError):
                return
            raise AssertionError("was not refused")

        def calls():
            freehold.tokenize_batch(texts)
            freehold.tokenize_batch_columnar(texts)
            freehold.count_tokens_parallel(texts)
            refused(freehold.tokenize_batch, words)
            refused(freehold.count_tokens_parallel, words)
            index.search(query, 1)
            refused(index.add, bad)
            refused(index._index.remove, 9)

        counts = [sys.getrefcount(thing) for thing in things]
        self.assertLess(abs(self.grown(calls, CALLS // 8)), 100)
        self.assertEqual([sys.getrefcount(thing) for thing in things], counts)

    def test_objects_end(self):
        def calls():
            flat = freehold.FlatIndex(2)
            flat.add([1, 2])

        self.assertLess(abs(self.grown(calls, CALLS // 100)), 100)


if __name__ == "__main__":
    unittest.main(verbosity=2)
