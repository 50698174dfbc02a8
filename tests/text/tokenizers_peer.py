"""tokenizers_peer.py: our tokenizer behind ctypes, and what a text becomes in it and in Hugging Face's package, in one form.

test_tokenizers_peer.py and bench_tokenizers_peer.py import this. The library is tests/text/peer_tokenizers.c."""

import ctypes as c

NO_WORD = 2**32 - 1
ID, TYPE, WORD, BEGIN, END, SPECIAL, ATTENTION = range(7)
NONE, BYTES, CODE_POINTS = range(3)


def load(path):
    lib = c.CDLL(path)
    for name, result in (
        ("open", c.c_void_p),
        ("open_cache", c.c_void_p),
        ("message", c.c_char_p),
        ("count", c.c_size_t),
        ("parts", c.c_size_t),
        ("column", c.POINTER(c.c_uint32)),
        ("sequence", c.c_uint32),
        ("text", c.c_void_p),
        ("ends", c.POINTER(c.c_uint32)),
        ("ids", c.c_long),
        ("id_list", c.POINTER(c.c_uint32)),
    ):
        getattr(lib, "peer_" + name).restype = result
    return lib


class Refused(Exception):
    """Our library refuses a file or a text."""


class Ours:
    """A tokenizer of ours."""

    def __init__(self, lib, file=None, cache=None, encoding="", literal=False):
        """From the bytes of a tokenizer's file, or from the path of a cache. `encoding`: of tiktoken ranks; `literal`: special
        tokens that are written in a text are text."""
        self.lib = lib
        if cache is None:
            opened = lib.peer_open(file, c.c_size_t(len(file)), encoding.encode())
        else:
            opened = lib.peer_open_cache(cache.encode())
        self.p = c.c_void_p(opened)
        lib.peer_literal(self.p, int(literal))
        if not lib.peer_ok(self.p):
            message = lib.peer_message(self.p).decode()
            self.close()
            raise Refused(message)

    def close(self):
        if self.p:
            self.lib.peer_close(self.p)
        self.p = None

    def save_cache(self, path):
        if not self.lib.peer_save_cache(self.p, path.encode()):
            raise Refused(self.message())

    def message(self):
        return self.lib.peer_message(self.p).decode()

    def text(self):
        size = c.c_size_t()
        at = self.lib.peer_text(self.p, c.byref(size))
        return c.string_at(at, size.value) if size.value else b""

    def column(self, k, n):
        return self.lib.peer_column(self.p, k)[:n] if n else []

    def encode(self, text, pair=None, special=True, offsets=CODE_POINTS):
        """Per part: ids, types, words, offsets, special mask, attention mask, tokens, sequences."""
        t, q = text.encode(), (pair or "").encode()
        if self.lib.peer_encode(
            self.p, t, c.c_size_t(len(t)), q, c.c_size_t(len(q)), int(pair is not None), int(special), offsets
        ):
            raise Refused(self.message())
        n = self.lib.peer_count(self.p)
        ids, types, words, begins, ends, masks, attention = (self.column(k, n) for k in range(7))
        if self.lib.peer_tokens(self.p):
            raise Refused("tokens")
        shown, at = self.text(), 0
        tokens = []
        for end in self.lib.peer_ends(self.p)[:n] if n else []:
            tokens.append(shown[at:end].decode("utf-8", "replace"))
            at = end
        parts, out = (c.c_uint64 * 4)(), []
        for i in range(self.lib.peer_parts(self.p)):
            self.lib.peer_part(self.p, c.c_size_t(i), parts)
            a, b = parts[0], parts[0] + parts[1]
            sequences = [self.lib.peer_sequence(self.p, c.c_size_t(i), c.c_size_t(k)) for k in range(parts[1])]
            out.append(
                (
                    ids[a:b],
                    types[a:b],
                    [None if w == NO_WORD else w for w in words[a:b]],
                    list(zip(begins[a:b], ends[a:b])),
                    masks[a:b],
                    attention[a:b],
                    tokens[a:b],
                    [None if s == NO_WORD else s for s in sequences],
                )
            )
        return out

    def ids(self, text, special=True):
        t = text.encode()
        n = self.lib.peer_ids(self.p, t, c.c_size_t(len(t)), int(special))
        if n < 0:
            raise Refused(self.message())
        return self.lib.peer_id_list(self.p)[:n] if n else []

    def ids_of_bytes(self, t):
        """Encodes, and leaves the ids where they are."""
        return self.lib.peer_ids(self.p, t, c.c_size_t(len(t)), 1)

    def encode_bytes(self, t):
        """Encodes with everything, and leaves it where it is."""
        return self.lib.peer_encode(self.p, t, c.c_size_t(len(t)), b"", c.c_size_t(0), 0, 1, CODE_POINTS)

    def decode(self, ids, skip_special=True):
        a = (c.c_uint32 * len(ids))(*ids)
        if self.lib.peer_decode(self.p, a, c.c_size_t(len(ids)), int(skip_special)):
            raise Refused("decode")
        return self.text().decode("utf-8", "replace")

    def stream(self, ids, skip_special=False):
        self.lib.peer_stream_start(self.p, int(skip_special))
        out = []
        for i in ids:
            if self.lib.peer_stream_step(self.p, c.c_uint32(i)):
                raise Refused("stream")
            out.append(self.text().decode("utf-8", "replace"))
        return out

    def truncate(self, max_length, stride=0, strategy="longest_first", direction="right"):
        k = ("longest_first", "only_first", "only_second").index(strategy)
        self.lib.peer_truncate(self.p, 1, c.c_size_t(max_length), c.c_size_t(stride), k, int(direction == "left"))

    def no_truncation(self):
        self.lib.peer_truncate(self.p, 0, c.c_size_t(0), c.c_size_t(0), 0, 0)

    def pad(self, length=None, multiple=0, direction="right", pad_id=0, pad_type=0, token="[PAD]"):
        t = token.encode()
        self.lib.peer_pad(
            self.p,
            1,
            int(length is not None),
            c.c_size_t(length or 0),
            c.c_size_t(multiple),
            int(direction == "left"),
            c.c_uint32(pad_id),
            c.c_uint32(pad_type),
            t,
            c.c_size_t(len(t)),
        )

    def no_padding(self):
        self.lib.peer_pad(self.p, 0, 0, c.c_size_t(0), c.c_size_t(0), 0, c.c_uint32(0), c.c_uint32(0), b"", c.c_size_t(0))

    def save(self, pretty=False):
        if self.lib.peer_save(self.p, int(pretty)):
            raise Refused(self.message())
        return self.text()


FIELDS = ("ids", "type ids", "words", "offsets", "special mask", "attention mask", "tokens", "sequences")


def theirs(e):
    """An Encoding of the package in the same form."""
    part = lambda x: (
        x.ids,
        x.type_ids,
        x.word_ids,
        x.offsets,
        x.special_tokens_mask,
        x.attention_mask,
        x.tokens,
        x.sequence_ids,
    )
    return [part(e)] + [part(o) for o in e.overflowing]


def difference(ours, reference):
    """None, or the name of the first field that differs, with both values."""
    if len(ours) != len(reference):
        return "number of parts", len(ours), len(reference)
    for i, (a, b) in enumerate(zip(ours, reference)):
        for name, x, y in zip(FIELDS, a, b):
            if x != y:
                return f"{name} of part {i}", x, y
    return None
