"""Nearest vectors: exact, by a graph, and from a file that is mapped.

    python examples/python/find_neighbours.py"""
import os
import random
import tempfile
from array import array

import freehold

rng = random.Random(7)
DIMENSION, COUNT = 128, 1000


def vector():
    return array("f", (rng.gauss(0, 1) for _ in range(DIMENSION)))


index = freehold.FastVectorIndex(dimension=DIMENSION)  # exact, for lists of numbers
vectors = [vector() for _ in range(COUNT)]
for one in vectors:
    index.add(list(one))
query = vector()
for id, distance in index.search(list(query), k=5):
    print(f"vector {id} at distance {distance:.3f}")

graph = freehold.HnswIndex(DIMENSION, COUNT, metric="cosine")  # for arrays (numpy's, too); others may search meanwhile
for id, one in enumerate(vectors):
    graph.add(one, [id])
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "vectors")
    graph.save(path)  # appears whole or not at all
    ids, scores = freehold.HnswIndex.open(path, DIMENSION, metric="cosine").search(query, 3)
    print("by the graph, from its file:", *(f"{id} ({score:.3f})" for id, score in zip(ids, scores)))
