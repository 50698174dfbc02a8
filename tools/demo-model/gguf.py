"""A small reader and writer for GGUF version 3 files with F32 and Q8_0 tensors."""

import os
import struct

import numpy as np

MAGIC, VERSION, ALIGNMENT = b"GGUF", 3, 32
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TYPE_F32, TYPE_Q8_0 = 0, 8
BLOCK = np.dtype([("scale", "<f2"), ("q", "i1", 32)])
SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", U32: "<I", I32: "<i", F32: "<f",
           BOOL: "<?", 10: "<Q", 11: "<q", 12: "<d"}


def quantize(array):
    """Q8_0 blocks: 32 signed bytes sharing one half-precision scale."""
    x = np.ascontiguousarray(array, np.float32).reshape(-1, 32)
    scale = np.abs(x).max(axis=1) / 127.0
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    blocks = np.empty(len(x), BLOCK)
    blocks["scale"] = scale
    blocks["q"] = np.rint(x * inverse[:, None])
    return blocks


def dequantize(blocks):
    return blocks["q"].astype(np.float32) * blocks["scale"].astype(np.float32)[:, None]


def pad(n):
    return -n % ALIGNMENT


def text(s):
    raw = s.encode("utf-8")
    return struct.pack("<Q", len(raw)) + raw


def value(kind, v):
    if kind == STRING:
        return text(v)
    return struct.pack(SCALARS[kind], v)


def write(path, metadata, tensors):
    """Writes a file.

    metadata: list of (key, type, value); a list value becomes an array of the type.
    tensors: list of (name, array, TYPE_*); the array's last axis is the row.
    The file appears under its name only when it is complete.
    """
    head = bytearray(MAGIC)
    head += struct.pack("<IQQ", VERSION, len(tensors), len(metadata))
    for key, kind, v in metadata:
        head += text(key)
        if isinstance(v, list):
            head += struct.pack("<IIQ", ARRAY, kind, len(v))
            head += b"".join(value(kind, item) for item in v)
        else:
            head += struct.pack("<I", kind) + value(kind, v)
    offset, bodies = 0, []
    for name, array, kind in tensors:
        if kind == TYPE_Q8_0:
            if array.shape[-1] % 32:
                raise ValueError(f"{name}: row length {array.shape[-1]} is not a multiple of 32")
            body = quantize(array).tobytes()
        else:
            body = np.ascontiguousarray(array, "<f4").tobytes()
        dims = array.shape[::-1]
        head += text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)
        bodies.append(body + bytes(pad(len(body))))
        offset += len(bodies[-1])
    head += bytes(pad(len(head)))
    partial = f"{path}.partial"
    with open(partial, "wb") as f:
        f.write(head)
        f.writelines(bodies)
    os.replace(partial, path)


class Reader:
    """Reads a whole file: .metadata (dict) and .tensors (name -> float32 array)."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        self.at = 0
        if self.data[:4] != MAGIC:
            raise ValueError(f"{path}: not a GGUF file")
        self.at = 4
        version, n_tensors, n_meta = self.take("<I"), self.take("<Q"), self.take("<Q")
        if version != VERSION:
            raise ValueError(f"{path}: GGUF version {version}, expected {VERSION}")
        self.metadata = {}
        for _ in range(n_meta):
            key = self.string()
            self.metadata[key] = self.item(self.take("<I"))
        infos = []
        for _ in range(n_tensors):
            name, n_dims = self.string(), self.take("<I")
            dims = [self.take("<Q") for _ in range(n_dims)]
            infos.append((name, dims[::-1], self.take("<I"), self.take("<Q")))
        start = self.at + pad(self.at)
        self.tensors, self.types = {}, {}
        for name, shape, kind, offset in infos:
            n = int(np.prod(shape))
            if kind == TYPE_Q8_0:
                array = dequantize(np.frombuffer(self.data, BLOCK, n // 32, start + offset))
            elif kind == TYPE_F32:
                array = np.frombuffer(self.data, "<f4", n, start + offset).copy()
            else:
                raise ValueError(f"{name}: tensor type {kind} is not supported here")
            self.tensors[name], self.types[name] = array.reshape(shape), kind

    def take(self, form):
        (v,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return v

    def string(self):
        n = self.take("<Q")
        self.at += n
        return self.data[self.at - n:self.at].decode("utf-8")

    def item(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            inner, n = self.take("<I"), self.take("<Q")
            return [self.item(inner) for _ in range(n)]
        return self.take(SCALARS[kind])
