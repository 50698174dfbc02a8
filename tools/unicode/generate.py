#!/usr/bin/env python3
"""Writes the Unicode tables of src/text from Python's unicodedata.

    unicode_tables.c    the class of every code point, as the patterns of pre-tokenizers need it
    nfc_tables.c        canonical decompositions, compositions and combining classes, for normalization form C

    tools/unicode/generate.py            write the tables
    tools/unicode/generate.py --check    compare the committed tables with what this script makes (exit 1: they differ,
                                         exit 77: this Python knows a newer Unicode than the tables)

The reference implementation mixes versions, and so do the tables: its regex engine follows Unicode 16.0, its normalization
9.0. What a Python of 14.0, 15.0 or 15.1 does not know of 16.0 stands in NEWER below, what is newer than 9.0 in normalization
in LATER, so that every Python from 3.11 to 3.14 writes the same bytes.
"""

import pathlib
import sys
import unicodedata

TARGET = "16.0.0"
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "src" / "text"
BLOCK = 128  # code points a block
OTHER, LETTER, NUMBER, SPACE = range(4)

# Letters (L) and numbers (N) that each version added; none left these classes or moved between them.
NEWER = {
    "15.0.0": """L1123F-11240 L11F02 L11F04-11F10 L11F12-11F33 N11F50-11F59 L1342F L13441-13446 L1B132 L1B155 N1D2C0-1D2D3
        L1DF25-1DF2A L1E030-1E06D L1E4D0-1E4EB N1E4F0-1E4F9 L2B739 L31350-323AF""",
    "15.1.0": "L2EBF0-2EE5D",
    "16.0.0": """L1C89-1C8A LA7CB-A7CD LA7DA-A7DC L105C0-105F3 N10D40-10D49 L10D4A-10D65 L10D6F-10D85 L10EC2-10EC4 L11380-11389
        L1138B L1138E L11390-113B5 L113B7 L113D1 L113D3 N116D0-116E3 L11BC0-11BE0 N11BF0-11BF9 L13460-143FA L16100-1611D
        N16130-16139 L16D40-16D6C N16D70-16D79 L18CFF N1CCF0-1CCF9 L1E5D0-1E5ED L1E5F0 N1E5F1-1E5FA""",
}

# Code points with a decomposition or a combining class that came after 9.0; the reference's normalization does not know them
# (found by asking it: tokenizers 0.23.3, each code point beside a mark of a lower class).
LATER = """7FD 897-89F 8CA-8D3 9FE C3C D3B-D3C EBA 1715 1ABF-1ACE 1DF6-1DFA A82C 105C9 105E4 10D24-10D27 10D69-10D6D 10EAB-10EAC
    10EFD-10EFF 10F46-10F50 10F82-10F85 11070 1133B 11383 11385 1138E 11391 113C5 113C7-113C8 113CE-113D0 1145E 11839-1183A
    11938 1193D-1193E 11943 119E0 11A34 11A47 11A99 11D42 11D44-11D45 11D97 11F41-11F42 16121-16128 1612F 16D68-16D6A
    16FF0-16FF1 1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF 1E5EE-1E5EF"""

# The property White_Space (PropList.txt); unchanged since Unicode 6.3.
WHITE_SPACE = {
    0x9,
    0xA,
    0xB,
    0xC,
    0xD,
    0x20,
    0x85,
    0xA0,
    0x1680,
    *range(0x2000, 0x200B),
    0x2028,
    0x2029,
    0x202F,
    0x205F,
    0x3000,
}

HEAD = """/* {name}: made by tools/unicode/generate.py from Unicode {version}; edit that file, not this one.
 * tidy: exempt size: a generated table */
#include "text/{header}"

"""


def version(text):
    return tuple(int(part) for part in text.split("."))


def codes_of(item):
    """The code points of "1F00" or "1F00-1F0F"."""
    first, _, last = item.partition("-")
    return range(int(first, 16), int(last or first, 16) + 1)


def classes():
    """The class of each of the 0x110000 code points."""
    by_category = {"L": LETTER, "N": NUMBER}
    out = bytearray(by_category.get(unicodedata.category(chr(code))[0], OTHER) for code in range(0x110000))
    for name, ranges in NEWER.items():
        if version(name) <= version(unicodedata.unidata_version):
            continue
        for item in ranges.split():
            for code in codes_of(item[1:]):
                out[code] = by_category[item[0]]
    for code in WHITE_SPACE:
        out[code] = SPACE
    return out


def array(declaration, values):
    lines, line = [], "   "
    for value in values:
        item = f" {value},"
        if len(line) + len(item) > 120:
            lines.append(line)
            line = "   "
        line += item
    return f"{declaration} = {{\n" + "\n".join([*lines, line]) + "\n};\n"


def two_levels(values, pack=bytes):
    """The row number of each block, and the rows end to end; equal blocks share a row."""
    rows, index = {}, []
    for start in range(0, len(values), BLOCK):
        index.append(rows.setdefault(pack(values[start : start + BLOCK]), len(rows)))
    assert len(rows) <= 256
    return index, [byte for row in rows for byte in row]


def make_classes():
    def pack(part):
        return bytes(sum(part[i + k] << 2 * k for k in range(4)) for i in range(0, BLOCK, 4))

    index, cells = two_levels(classes(), pack)
    return (
        HEAD.format(name="unicode_tables.c", header="unicode.h", version=TARGET)
        + array(f"const uint8_t fh_unicode_block[{len(index)}]", index)
        + "\n"
        + array(f"const uint8_t fh_unicode_cells[{len(cells)}]", cells)
    )


def make_nfc():
    later = {code for item in LATER.split() for code in codes_of(item)}
    known = [code for code in range(0x110000) if code not in later and not 0xD800 <= code < 0xE000]
    step = {}  # one step of canonical decomposition; Hangul syllables are computed
    for code in known:
        text = unicodedata.decomposition(chr(code))
        if text and not text.startswith("<"):
            step[code] = [int(part, 16) for part in text.split()]
    full = {code: [ord(c) for c in unicodedata.normalize("NFD", chr(code))] for code in step}
    pairs = sorted(
        (*parts, code)
        for code, parts in step.items()
        if len(parts) == 2 and unicodedata.normalize("NFC", "".join(map(chr, parts))) == chr(code)
    )
    backward = {right for _, right, _ in pairs} | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    kind = bytearray(0x110000)  # the combining class; 255: class 0, but it may change or join what stands before it
    for code in known:
        kind[code] = unicodedata.combining(chr(code))
        first = full.get(code, [code])[0]
        if kind[code] == 0 and (
            unicodedata.normalize("NFC", chr(code)) != chr(code)
            or first in backward
            or unicodedata.combining(chr(first))
        ):
            kind[code] = 255
    index, cells = two_levels(kind)
    pool, starts = [], []
    for code in full:
        starts.append(len(pool))
        pool += full[code]
    starts.append(len(pool))
    return (
        HEAD.format(name="nfc_tables.c", header="nfc.h", version="9.0.0")
        + array(f"const uint8_t fh_nfc_block[{len(index)}]", index)
        + "\n"
        + array(f"const uint8_t fh_nfc_cells[{len(cells)}]", cells)
        + "\n"
        + array("const uint32_t fh_nfc_from[FH_NFC_DECOMPOSITIONS]", list(full))
        + "\n"
        + array("const uint16_t fh_nfc_starts[FH_NFC_DECOMPOSITIONS + 1]", starts)
        + "\n"
        + array(f"const uint32_t fh_nfc_pool[{len(pool)}]", pool)
        + "\n"
        + array("const fh_nfc_pair fh_nfc_pairs[FH_NFC_PAIRS]", [f"{{{a}, {b}, {c}}}" for a, b, c in pairs])
    )


def main():
    have = unicodedata.unidata_version
    if not (14, 0) <= version(have) <= version(TARGET):
        print(f"Python has Unicode {have}, the tables need 14.0 to {TARGET}: nothing compared or written")
        return 77
    print(f"Unicode {TARGET} for classes, 9.0.0 for normalization; Python has {have}")
    failed = 0
    for name, text in (("unicode_tables.c", make_classes()), ("nfc_tables.c", make_nfc())):
        if sys.argv[1:] != ["--check"]:
            (FOLDER / name).write_text(text)
        elif (FOLDER / name).read_text() != text:
            print(f"{name} is not what {pathlib.Path(__file__).name} makes")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
