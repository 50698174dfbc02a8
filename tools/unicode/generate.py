#!/usr/bin/env python3
"""Writes src/text/unicode_tables.c: the class of every code point, as the patterns of pre-tokenizers need it.

    tools/unicode/generate.py            write the table
    tools/unicode/generate.py --check    compare the committed table with what this script makes (exit 1: they differ,
                                         exit 77: this Python knows a newer Unicode than the table)

The table is that of Unicode 16.0, which the reference implementation's regex engine follows. The data come from Python's
unicodedata; what a Python of Unicode 14.0, 15.0 or 15.1 does not know yet stands in NEWER below, so that every Python from
3.11 to 3.14 writes the same bytes.
"""
import pathlib
import sys
import unicodedata

TARGET = "16.0.0"
TABLE = pathlib.Path(__file__).resolve().parents[2] / "src" / "text" / "unicode_tables.c"
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

# The property White_Space (PropList.txt); unchanged since Unicode 6.3.
WHITE_SPACE = {0x9, 0xA, 0xB, 0xC, 0xD, 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}

HEAD = """/* unicode_tables.c: made by tools/unicode/generate.py from Unicode {target}; edit that file, not this one.
 * tidy: exempt size: a generated table */
#include "text/unicode.h"

"""


def version(text):
    return tuple(int(part) for part in text.split("."))


def classes():
    """The class of each of the 0x110000 code points."""
    by_category = {"L": LETTER, "N": NUMBER}
    out = bytearray(by_category.get(unicodedata.category(chr(code))[0], OTHER) for code in range(0x110000))
    for name, ranges in NEWER.items():
        if version(name) <= version(unicodedata.unidata_version):
            continue
        for item in ranges.split():
            first, _, last = item[1:].partition("-")
            for code in range(int(first, 16), int(last or first, 16) + 1):
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


def make():
    cls = classes()
    blocks, index = [], []
    for start in range(0, len(cls), BLOCK):
        part = cls[start:start + BLOCK]
        packed = bytes(sum(part[i + k] << 2 * k for k in range(4)) for i in range(0, BLOCK, 4))
        if packed not in blocks:
            blocks.append(packed)
        index.append(blocks.index(packed))
    assert len(blocks) <= 256
    flat = [byte for block in blocks for byte in block]
    return (HEAD.format(target=TARGET)
            + array(f"const uint8_t fh_unicode_block[{len(index)}]", index) + "\n"
            + array(f"const uint8_t fh_unicode_cells[{len(flat)}]", flat))


def main():
    if version(unicodedata.unidata_version) > version(TARGET):
        print(f"Python has Unicode {unicodedata.unidata_version}, the table has {TARGET}: nothing compared or written")
        return 77
    text = make()
    print(f"Unicode {TARGET} (Python's {unicodedata.unidata_version} and the newer ranges), {len(text)} bytes of C")
    if sys.argv[1:] == ["--check"]:
        if TABLE.read_text() != text:
            print(f"{TABLE.name} is not what {pathlib.Path(__file__).name} makes")
            return 1
        return 0
    TABLE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
