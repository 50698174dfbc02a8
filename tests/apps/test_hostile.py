#!/usr/bin/env python3
"""Model files made to do harm, given to the whole program: each ends in an answer or in one line that refuses it, never in a
signal, and in bounded time and memory."""
import os
import random
import resource
import struct
import subprocess
import unittest

from program import PROGRAM, Case, Done

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q", I64: "q", F64: "d"}


def string(text, size=None):
    raw = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(raw) if size is None else size) + raw


def key(name, kind, value):
    if kind == STRING:
        return string(name) + struct.pack("<I", kind) + string(value)
    return string(name) + struct.pack("<I" + FORMATS[kind], kind, value)


def array(name, kind, values, count=None):
    body = b"".join(string(v) if kind == STRING else struct.pack("<" + FORMATS[kind], v) for v in values)
    return string(name) + struct.pack("<IIQ", ARRAY, kind, len(values) if count is None else count) + body


def tensor(name, dims, kind=0, offset=0, dims_count=None):
    return string(name) + struct.pack("<I", len(dims) if dims_count is None else dims_count) + \
        b"".join(struct.pack("<Q", d) for d in dims) + struct.pack("<IQ", kind, offset)


def gguf(keys=(), tensors=(), data=b"", keys_count=None, tensors_count=None, version=3, magic=b"GGUF", align=32):
    head = magic + struct.pack("<IQQ", version, len(tensors) if tensors_count is None else tensors_count,
                               len(keys) if keys_count is None else keys_count) + b"".join(keys) + b"".join(tensors)
    return head + bytes(-len(head) % align) + data


def with_limits():
    """4 GiB of address space and 20 s of processor time are far more than any of these files may take. (Sanitizers reserve
    terabytes of addresses for themselves.)"""
    if not os.environ.get("FREEHOLD_SANITIZE"):
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Hostile(Case):
    def give(self, content, name, verbs=("inspect", "run")):
        """The file to `inspect` and to `run`: exit status 0, 1 or 2 and, unless 0, one clean line."""
        path = self.folder / "hostile.gguf"
        path.write_bytes(content)
        codes = []
        for verb in verbs:
            more = ["-n", "2", "-p", "ab", "--threads", "1", "--temp", "0"] if verb == "run" else []
            args = [PROGRAM, verb, str(path), *more] if verb == "inspect" else [PROGRAM, verb, "-m", str(path), *more]
            p = subprocess.run(args, capture_output=True, timeout=60, preexec_fn=with_limits, check=False)
            done = Done(p.returncode, p.stdout, p.stderr)
            with self.subTest(file=name, verb=verb):
                self.assertIn(done.code, (0, 1, 2), done.errors)
                if done.code != 0:
                    failure = Done(done.code, b"", (done.lines[-1] + "\n").encode() if done.lines else b"")
                    self.one_line(failure)
                    self.assertLessEqual(len(done.lines), 2, done.errors)  # what was loaded, and why it ended
            codes.append(done.code)
        return codes

    def refuse(self, content, name):
        self.assertEqual(self.give(content, name), [2, 2], name)

    def test_header(self):
        big = (1 << 60, (1 << 64) - 1, 1 << 63, 1 << 32)
        self.refuse(b"", "empty")
        for size in range(1, 24):
            self.refuse(gguf()[:size], f"{size} bytes")
        self.refuse(gguf(magic=b"GGML"), "magic")
        for version in (0, 1, 4, 0x03000000, 0xffffffff):
            self.refuse(gguf(version=version), f"version {version}")
        for n in big:
            self.refuse(gguf(keys_count=n), f"{n} keys")
            self.refuse(gguf(tensors_count=n), f"{n} tensors")
            self.refuse(gguf([string("k", n)], keys_count=1), f"name of {n}")
            self.refuse(gguf([string("k") + struct.pack("<I", STRING) + string("v", n)], keys_count=1), f"string of {n}")
            for kind in (*FORMATS, STRING):
                self.refuse(gguf([array("k", kind, [], n)]), f"array of {n} of type {kind}")
        for kind in (ARRAY, 13, 255, 0xffffffff):
            self.refuse(gguf([string("k") + struct.pack("<IIQ", ARRAY, kind, 1) + bytes(64)]), f"array of type {kind}")
        self.refuse(gguf([string("k") + struct.pack("<I", 13) + bytes(8)]), "type 13")
        self.refuse(gguf([key("k", U32, 1), key("k", U32, 2)]), "a key twice")
        for align in (0, 3, 1 << 30, 0xffffffff):
            self.refuse(gguf([key("general.alignment", U32, align)], [tensor("t", [32])], bytes(256)), f"alignment {align}")
        self.refuse(gguf([key("general.alignment", I32, -32)], [tensor("t", [32])], bytes(256)), "alignment of another type")

    def test_tensors(self):
        data = bytes(4096)
        for count in (0, 5, 0xffffffff):
            self.give(gguf([], [tensor("t", [32], dims_count=count)], data), f"{count} dimensions")
        for dims in ([1 << 63], [1 << 32, 1 << 32], [(1 << 64) - 1, 2], [1 << 62, 4], [1 << 20, 1 << 20, 1 << 20, 1 << 20]):
            for kind in (0, 1, 2, 8, 30):
                self.refuse(gguf([], [tensor("t", dims, kind)], data), f"{dims} of type {kind}")
        self.refuse(gguf([], [tensor("t", [33], 8)], data), "a row that is no multiple of its block")
        for offset in (1, 31, 4096, 1 << 40, (1 << 64) - 32, (1 << 64) - 1):
            self.refuse(gguf([], [tensor("t", [32], 0, offset)], data), f"offset {offset}")
        self.refuse(gguf([], [tensor("a", [64]), tensor("b", [64], 0, 128)], data), "overlap")
        self.refuse(gguf([], [tensor("a", [64]), tensor("a", [64], 0, 256)], data), "a name twice")
        self.refuse(gguf([], [tensor("a", [4096])], data), "short data")
        self.give(gguf([], [tensor("\x1b[2J\n", [64], 77)], data), "a name that steers the terminal")
        self.give(gguf([key("general.name", STRING, "\x1b]0;x\x07\u202e")], [tensor("", [64])], data), "a name of nothing")

    def keys_of(self, model):
        """The header of a sound model, taken apart: keys by name as raw bytes, and the rest of the file."""
        raw, at, keys = model, 24, {}
        tensors, count = struct.unpack_from("<QQ", raw, 8)
        fixed = {kind: struct.calcsize("<" + f) for kind, f in FORMATS.items()}

        def text(at):
            size, = struct.unpack_from("<Q", raw, at)
            return raw[at + 8:at + 8 + size], at + 8 + size

        for _ in range(count):
            begin = at
            name, at = text(at)
            kind, = struct.unpack_from("<I", raw, at)
            at += 4
            if kind == STRING:
                _, at = text(at)
            elif kind == ARRAY:
                item, n = struct.unpack_from("<IQ", raw, at)
                at += 12
                for _ in range(n if item == STRING else 0):
                    _, at = text(at)
                at += 0 if item == STRING else n * fixed[item]
            else:
                at += fixed[kind]
            keys[name.decode()] = raw[begin:at]
        infos = at
        for _ in range(tensors):
            _, at = text(at)
            dims, = struct.unpack_from("<I", raw, at)
            at += 4 + 8 * dims + 12
        data = at + (-at % 32)
        return keys, raw[infos:at], tensors, raw[data:]

    def rebuilt(self, parts, changed):
        keys, infos, tensors, data = parts
        keys = {**keys, **changed}
        kept = [v for v in keys.values() if v is not None]
        head = b"GGUF" + struct.pack("<IQQ", 3, tensors, len(kept)) + b"".join(kept) + infos
        return head + bytes(-len(head) % 32) + data

    def test_numbers_of_the_architecture(self):
        """Every number of a sound model set to 0, 1, one off, huge and to another type; every key left out."""
        for preset, arch in (("tiny", "llama"), ("tiny-moe", "qwen3moe")):
            path = self.model("base.gguf", "--preset", preset, "--arch", arch)
            parts = self.keys_of(path.read_bytes())
            self.assertEqual(self.give(self.rebuilt(parts, {}), "rebuilt"), [0, 0])
            plain = (struct.pack("<I", U32), struct.pack("<I", F32))
            numbers = [k for k, v in parts[0].items() if v[8 + len(k):8 + len(k) + 4] in plain]
            self.assertGreater(len(numbers), 8)
            for name in parts[0]:
                self.give(self.rebuilt(parts, {name: None}), f"without {name}")
                self.give(self.rebuilt(parts, {name: key(name, STRING, "x")}), f"{name} as text")
                self.give(self.rebuilt(parts, {name: array(name, U8, [])}), f"{name} as an empty array")
            for name in numbers:
                for kind, value in ((U32, 0), (U32, 1), (U32, 3), (U32, 7919), (U32, 0x7fffffff), (U32, 0xffffffff),
                                    (I32, -1), (U64, 1 << 63), (F32, float("nan")), (F32, float("inf")), (F32, -1.0),
                                    (F32, 0.0), (F64, 1e300)):
                    self.give(self.rebuilt(parts, {name: key(name, kind, value)}), f"{name} = {value}")

    def test_vocabularies(self):
        """Every array of the vocabulary as every type, short by one, and empty; special ids outside."""
        path = self.model("base.gguf")
        parts = self.keys_of(path.read_bytes())
        arrays = [k for k in parts[0] if k.startswith("tokenizer.ggml.") and k.split(".")[-1] in
                  ("tokens", "merges", "token_type", "scores")]
        self.assertGreaterEqual(len(arrays), 3)
        for name in arrays:
            for kind in FORMATS:
                self.give(self.rebuilt(parts, {name: array(name, kind, [0] * 300)}), f"{name} of type {kind}")
            self.give(self.rebuilt(parts, {name: array(name, STRING, ["x"])}), f"{name} of one")
            odd = ["", " ", "\n", "a b c", b"\xff\xfe"] * 60
            self.give(self.rebuilt(parts, {name: array(name, STRING, odd)}), f"{name} odd")
        for name in [k for k in parts[0] if k.endswith("_token_id")]:
            for value in (0xffffffff, 0x7fffffff, 100000):
                self.give(self.rebuilt(parts, {name: key(name, U32, value)}), f"{name} = {value}")

    def test_cut_anywhere(self):
        """A model cut at any place is refused."""
        whole = self.model().read_bytes()
        header = len(whole) - len(self.keys_of(whole)[3])
        places = sorted({*range(0, header, max(1, header // 60)), *range(header - 8, header), len(whole) - 1,
                         *random.Random(1).sample(range(header, len(whole)), 10)})
        for at in places:
            self.refuse(whole[:at], f"cut at {at}")

    def test_bytes_changed_anywhere(self):
        """Single bytes changed all over header and data: an answer or a refusal."""
        whole = self.model().read_bytes()
        header = len(whole) - len(self.keys_of(whole)[3])
        rng = random.Random(2)
        for _ in range(150):
            at = rng.randrange(header)
            changed = bytearray(whole)
            changed[at] ^= 1 << rng.randrange(8)
            self.give(bytes(changed), f"byte {at} changed", verbs=("run",))
        for _ in range(20):
            changed = bytearray(whole)
            for at in rng.sample(range(header, len(whole)), 200):
                changed[at] = 0xff
            self.give(bytes(changed), "weights changed", verbs=("run",))


if __name__ == "__main__":
    unittest.main()
