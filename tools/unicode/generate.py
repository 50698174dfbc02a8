#!/usr/bin/env python3
"""Writes the Unicode tables of src/text from Python's unicodedata, scripts.txt, and the lists below.

    unicode_tables.c    what every code point is: its category, its part in grapheme clusters, its script, its small letter
    form_tables.c       decompositions, compositions and combining classes, for the normalization forms

    tools/unicode/generate.py            write the tables
    tools/unicode/generate.py --check    compare the committed tables with what this script makes (exit 1: they differ,
                                         exit 77: this Python knows a newer Unicode than the tables)

The reference implementation (tokenizers 0.23.3) mixes versions, and so do the tables: its regex engine follows Unicode 16.0,
its normalization 9.0, the classes of its BERT normalizer 8.0, small letters and grapheme clusters 17.0, scripts 9.0. All of
it was found by asking it about every code point. What a Python of 14.0 to 15.1 does not know of 16.0 stands in NEWER, so that
every Python from 3.11 to 3.14 writes the same bytes.
"""

import pathlib
import sys
import unicodedata

TARGET = "16.0.0"
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "src" / "text"
BLOCK = 128  # code points a block
CATEGORIES = "Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Cc Cf Cs Co Zs Zl Zp".split()
CLUSTERS = "ANY CR LF CONTROL EXTEND LINKER UNLINKED ZWJ PREPEND REGIONAL SPACING L V T LV LVT PICTURE CONSONANT".split()
OTHER, LETTER, NUMBER, SPACE = range(4)
FLAGS = "WORD NUMERIC PUNCTUATION CONTROL NONSPACING ACCENT".split()

# Categories that came, or changed, between Unicode 14.0 and 16.0.
NEWER = {
    "Cf": """13439-1343F""",
    "Ll": """1C8A A7CD A7DB 10D70-10D85 1DF25-1DF2A""",
    "Lm": """10D4E 10D6F 16D40-16D42 16D6B-16D6C 1E030-1E06D 1E4EB""",
    "Lo": """105C0-105F3 10D4A-10D4D 10D4F 10EC2-10EC4 1123F-11240 11380-11389 1138B 1138E 11390-113B5 113B7
    113D1 113D3 11BC0-11BE0 11F02 11F04-11F10 11F12-11F33 1342F 13441-13446 13460-143FA 16100-1611D 16D43-16D6A 18CFF
    1B132 1B155 1E4D0-1E4EA 1E5D0-1E5ED 1E5F0 2B739 2EBF0-2EE5D 31350-323AF""",
    "Lu": """1C89 A7CB-A7CC A7DA A7DC 10D50-10D65""",
    "Mc": """CF3 113B8-113BA 113C2 113C5 113C7-113CA 113CC-113CD 113CF 1171E 11F03 11F34-11F35 11F3E-11F3F 11F41
    1612A-1612C""",
    "Mn": """897 ECE 10D69-10D6D 10EFC-10EFF 11241 113BB-113C0 113CE 113D0 113D2 113E1-113E2 11F00-11F01
    11F36-11F3A 11F40 11F42 11F5A 13440 13447-13455 1611E-16129 1612D-1612F 1E08F 1E4EC-1E4EF 1E5EE-1E5EF""",
    "Nd": """10D40-10D49 116D0-116E3 11BF0-11BF9 11F50-11F59 16130-16139 16D70-16D79 1CCF0-1CCF9 1E4F0-1E4F9
    1E5F1-1E5FA""",
    "No": """1D2C0-1D2D3""",
    "Pd": """10D6E""",
    "Po": """1B4E-1B4F 1B7F 113D4-113D5 113D7-113D8 11B00-11B09 11BE1 11F43-11F4F 16D6D-16D6F 1E5FF""",
    "Sm": """10D8E-10D8F""",
    "So": """2427-2429 2FFC-2FFF 31E4-31E5 31EF 1CC00-1CCEF 1CD00-1CEB3 1F6DC 1F774-1F776 1F77B-1F77F 1F7D9
    1F8B2-1F8BB 1F8C0-1F8C1 1FA75-1FA77 1FA87-1FA89 1FA8F 1FAAD-1FAAF 1FABB-1FABF 1FAC6 1FACE-1FACF 1FADA-1FADC 1FADF
    1FAE8-1FAE9 1FAF7-1FAF8 1FBCB-1FBEF""",
}

# The property White_Space (PropList.txt); unchanged since Unicode 6.3.
WHITE_SPACE = "9-D 20 85 A0 1680 2000-200A 2028-2029 202F 205F 3000"
# Letters and numbers by property, beside those by category: \w of the reference's word patterns.
WORD_TOO = "24B6-24E9 1F130-1F149 1F150-1F169 1F170-1F189 200C-200D"
# Numbers of Unicode 17.0.
NUMERIC_TOO = "11DE0-11DE9 16FF4-16FF6"

# The reference's older classes: what they lack of a category of 16.0, and what they have beyond it.
PUNCTUATION_LACKS = """61D 9FD A76 C77 C84 1B4E-1B4F 1B7D-1B7F 2E43-2E4F 2E52-2E5D 10D6E 10EAD 10F55-10F59 10F86-10F89
    113D4-113D5 113D7-113D8 1144B-1144F 1145A-1145B 1145D 11660-1166C 116B9 1183B 11944-11946 119E2 11A3F-11A46
    11A9A-11A9C 11A9E-11AA2 11B00-11B09 11BE1 11C41-11C45 11C70-11C71 11EF7-11EF8 11F43-11F4F 11FFF 12FF1-12FF2
    16D6D-16D6F 16E97-16E9A 16FE2 1E5FF 1E95E-1E95F"""
PUNCTUATION_TOO = "24 2B 3C-3E 5E 60 7C 7E 166D 111C9"
CONTROL_LACKS = "890-891 8E2 110CD 13430-1343F"
NONSPACING_LACKS = """7FD 897-89F 8CA-8E1 9FE AFA-AFF B55 C04 C3C D00 D3B-D3C D81 EBA ECE 180F 1885-1886 1ABF-1ACE
    1DF6-1DFB A82C A8C5 A8FF A9BD 10D24-10D27 10D69-10D6D 10EAB-10EAC 10EFC-10EFF 10F46-10F50 10F82-10F85 11070
    11073-11074 110C2 111C9 111CF 1123E 11241 1133B 113BB-113C0 113CE 113D0 113D2 113E1-113E2 11438-1143F 11442-11444
    11446 1145E 1182F-11837 11839-1183A 1193B-1193C 1193E 11943 119D4-119D7 119DA-119DB 119E0 11A01-11A0A 11A33-11A38
    11A3B-11A3E 11A47 11A51-11A56 11A59-11A5B 11A8A-11A96 11A98-11A99 11C30-11C36 11C38-11C3D 11C3F 11C92-11CA7
    11CAA-11CB0 11CB2-11CB3 11CB5-11CB6 11D31-11D36 11D3A 11D3C-11D3D 11D3F-11D45 11D47 11D90-11D91 11D95 11D97
    11EF3-11EF4 11F00-11F01 11F36-11F3A 11F40 11F42 11F5A 13440 13447-13455 1611E-16129 1612D-1612F 16F4F 16FE4
    1CF00-1CF2D 1CF30-1CF46 1E000-1E006 1E008-1E018 1E01B-1E021 1E023-1E024 1E026-1E02A 1E08F 1E130-1E136 1E2AE
    1E2EC-1E2EF 1E4EC-1E4EF 1E5EE-1E5EF 1E944-1E94A"""
NONSPACING_TOO = "1734 1171E"
ACCENT_LACKS = """7FD 897-89F 8CA-8D3 9FE AFA-AFF B55 C04 C3C CF3 D00 D3B-D3C D81 EBA ECE 1715 180F 1ABF-1ACE 1CF7
    1DF6-1DFA A82C A8FF 10D24-10D27 10D69-10D6D 10EAB-10EAC 10EFC-10EFF 10F46-10F50 10F82-10F85 11070 11073-11074 110C2
    11145-11146 111C9 111CE-111CF 11241 1133B 113B8-113C0 113C2 113C5 113C7-113CA 113CC-113D0 113D2 113E1-113E2 1145E
    1182C-1183A 11930-11935 11937-11938 1193B-1193E 11940 11942-11943 119D1-119D7 119DA-119E0 119E4 11A01-11A0A
    11A33-11A39 11A3B-11A3E 11A47 11A51-11A5B 11A8A-11A99 11D31-11D36 11D3A 11D3C-11D3D 11D3F-11D45 11D47 11D8A-11D8E
    11D90-11D91 11D93-11D97 11EF3-11EF6 11F00-11F01 11F03 11F34-11F3A 11F3E-11F42 11F5A 13440 13447-13455 1611E-1612F
    16F4F 16F7F-16F87 16FE4 16FF0-16FF1 1CF00-1CF2D 1CF30-1CF46 1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF
    1E5EE-1E5EF"""
ACCENT_TOO = "1CF2-1CF3"

# Grapheme_Cluster_Break and Indic_Conjunct_Break of Unicode 17.0, as far as categories do not give them.
EXTEND_TOO = """9BE 9D7 B3E B57 BBE BD7 CC0 CC2 CC7-CC8 CCA-CCB CD5-CD6 D3E D57 DCF DDF 1715 1734 1ACF-1ADD
    1AE0-1AEB 1B35 1B3B 1B3D 1B43-1B44 1BAA 1BF2-1BF3 200C 302E-302F A953 A9C0 FF9E-FF9F 10EFA-10EFB 111C0 11235 1133E
    1134D 11357 113B8 113C2 113C5 113C7-113C9 113CF 114B0 114BD 115AF 116B6 11930 1193D 11B60 11B62-11B64 11B66 11F41
    16FF0-16FF1 1D165-1D166 1D16D-1D172 1E6E3 1E6E6 1E6EE-1E6EF 1E6F5 1F3FB-1F3FF E0020-E007F"""
SPACING_LACKS = """102B-102C 1038 1062-1064 1067-106D 1083 1087-108C 108F 109A-109C 1A61 1A63-1A64 AA7B AA7D
    11720-11721"""
SPACING_TOO = "E33 EB3 11B61 11B65 11B67"
CONTROL_TOO = "2065 FFF0-FFF8 E0000 E0002-E001F E0080-E00FF E01F0-E0FFF"
PREPEND = "600-605 6DD 70F 890-891 8E2 D4E 110BD 110CD 111C2-111C3 113D1 1193F 11941 11A84-11A89 11D46 11F02"
LINKER = "94D 9CD ACD B4D C4D D4D 1039 17D2 1A60 1B44 1BAB A9C0 AAF6 10A3F 11133 113D0 1193E 11A47 11A99 11F42"
CONSONANT = """915-939 958-95F 978-97F 995-9A8 9AA-9B0 9B2 9B6-9B9 9DC-9DD 9DF 9F0-9F1 A95-AA8 AAA-AB0 AB2-AB3
    AB5-AB9 AF9 B15-B28 B2A-B30 B32-B33 B35-B39 B5C-B5D B5F B71 C15-C28 C2A-C39 C58-C5A D15-D3A 1000-102A 103F 1050-1055
    105A-105D 1061 1065-1066 106E-1070 1075-1081 108E 1780-17B3 1A20-1A54 1B0B-1B0C 1B13-1B33 1B45-1B4C 1B83-1BA0
    1BAE-1BAF 1BBB-1BBD A989-A98B A98F-A9B2 A9E0-A9E4 A9E7-A9EF A9FA-A9FE AA60-AA6F AA71-AA73 AA7A AA7E-AA7F AAE0-AAEA
    ABC0-ABDA 10A00 10A10-10A13 10A15-10A17 10A19-10A35 11103-11126 11144 11147 11380-11389 1138B 1138E 11390-113B5
    11900-11906 11909 1190C-11913 11915-11916 11918-1192F 11A00 11A0B-11A32 11A50 11A5C-11A83 11F04-11F10 11F12-11F33"""
PICTURE = """A9 AE 203C 2049 2122 2139 2194-2199 21A9-21AA 231A-231B 2328 23CF 23E9-23F3 23F8-23FA 24C2 25AA-25AB
    25B6 25C0 25FB-25FE 2600-2604 260E 2611 2614-2615 2618 261D 2620 2622-2623 2626 262A 262E-262F 2638-263A 2640 2642
    2648-2653 265F-2660 2663 2665-2666 2668 267B 267E-267F 2692-2697 2699 269B-269C 26A0-26A1 26A7 26AA-26AB 26B0-26B1
    26BD-26BE 26C4-26C5 26C8 26CE-26CF 26D1 26D3-26D4 26E9-26EA 26F0-26F5 26F7-26FA 26FD 2702 2705 2708-270D 270F 2712
    2714 2716 271D 2721 2728 2733-2734 2744 2747 274C 274E 2753-2755 2757 2763-2764 2795-2797 27A1 27B0 27BF 2934-2935
    2B05-2B07 2B1B-2B1C 2B50 2B55 3030 303D 3297 3299 1F004 1F02C-1F02F 1F094-1F09F 1F0AF-1F0B0 1F0C0 1F0CF-1F0D0
    1F0F6-1F0FF 1F170-1F171 1F17E-1F17F 1F18E 1F191-1F19A 1F1AE-1F1E5 1F201-1F20F 1F21A 1F22F 1F232-1F23A 1F23C-1F23F
    1F249-1F25F 1F266-1F321 1F324-1F393 1F396-1F397 1F399-1F39B 1F39E-1F3F0 1F3F3-1F3F5 1F3F7-1F3FA 1F400-1F4FD
    1F4FF-1F53D 1F549-1F54E 1F550-1F567 1F56F-1F570 1F573-1F57A 1F587 1F58A-1F58D 1F590 1F595-1F596 1F5A4-1F5A5 1F5A8
    1F5B1-1F5B2 1F5BC 1F5C2-1F5C4 1F5D1-1F5D3 1F5DC-1F5DE 1F5E1 1F5E3 1F5E8 1F5EF 1F5F3 1F5FA-1F64F 1F680-1F6C5
    1F6CB-1F6D2 1F6D5-1F6E5 1F6E9 1F6EB-1F6F0 1F6F3-1F6FF 1F7DA-1F7FF 1F80C-1F80F 1F848-1F84F 1F85A-1F85F 1F888-1F88F
    1F8AE-1F8AF 1F8BC-1F8BF 1F8C2-1F8CF 1F8D9-1F8FF 1F90C-1F93A 1F93C-1F945 1F947-1F9FF 1FA58-1FA5F 1FA6E-1FAFF
    1FC00-1FFFD"""

# Small letters of Unicode 17.0, by what is added to the capital one.
LOWER_TOO = {
    1: "1C89 A7CC A7CE A7D2 A7D4 A7DA",
    0x264 - 0xA7CB: "A7CB",
    0x19B - 0xA7DC: "A7DC",
    0x20: "10D50-10D65",
    0x1B: "16EA0-16EB8",
}

# Code points with a decomposition or a combining class that the reference's normalization does not know (beside those in
# NEWER; found by asking it, each code point beside a mark of a lower class), and those that only NFKC and NFKD decompose.
LATER = """7FD 897-89F 8CA-8D3 9FE C3C D3B-D3C EBA 1715 1ABF-1ACE 1DF6-1DFA A82C 105C9 105E4 10D24-10D27 10D69-10D6D 10EAB-10EAC
    10EFD-10EFF 10F46-10F50 10F82-10F85 11070 1133B 11383 11385 1138E 11391 113C5 113C7-113C8 113CE-113D0 1145E 11839-1183A
    11938 1193D-1193E 11943 119E0 11A34 11A47 11A99 11D42 11D44-11D45 11D97 11F41-11F42 16121-16128 1612F 16D68-16D6A
    16FF0-16FF1 1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF 1E5EE-1E5EF"""
LATER_COMPATIBLE = "32FF A7F2-A7F4 AB69 10781-10785 10787-107B0 107B2-107BA 1F16C 1FBF0-1FBF9"

HEAD = """/* {name}: made by tools/unicode/generate.py; edit that file, not this one.
 * tidy: exempt size: a generated table */
#include "text/{header}"

"""


def version(text):
    return tuple(int(part) for part in text.split("."))


def codes(*lists):
    """The code points of texts such as "1F00 1F10-1F1F"."""
    out = set()
    for item in " ".join(lists).split():
        first, _, last = item.partition("-")
        out.update(range(int(first, 16), int(last or first, 16) + 1))
    return out


def array(declaration, values):
    lines, line = [], "   "
    for value in values:
        item = f" {value},"
        if len(line) + len(item) > 120:
            lines.append(line)
            line = "   "
        line += item
    return f"{declaration} = {{\n" + "\n".join([*lines, line]) + "\n};\n\n"


def two_levels(name, values):
    """A number below 256 for each code point: the row of each block, and the rows end to end; equal blocks share a row."""
    rows, index = {}, []
    for start in range(0, len(values), BLOCK):
        index.append(rows.setdefault(tuple(values[start : start + BLOCK]), len(rows)))
    cells = [cell for row in rows for cell in row]
    kind = "uint8_t" if len(rows) <= 256 else "uint16_t"
    return array(f"const {kind} {name}_block[{len(index)}]", index) + array(
        f"const uint8_t {name}_cells[{len(cells)}]", cells
    )


def numbered(values):
    """The distinct values in the order of their coming, and the number of each."""
    distinct = {}
    numbers = [distinct.setdefault(value, len(distinct)) for value in values]
    assert len(distinct) <= 256
    return list(distinct), numbers


def categories():
    out = [unicodedata.category(chr(code)) for code in range(0x110000)]
    for category, ranges in NEWER.items():
        for code in codes(ranges):
            out[code] = category
    return out


def clusters(category):
    """The part of each code point in grapheme clusters."""
    out = ["ANY"] * 0x110000
    for code, gc in enumerate(category):
        if gc in ("Mn", "Me"):
            out[code] = "EXTEND"
        elif gc == "Mc":
            out[code] = "SPACING"
        elif gc in ("Zl", "Zp", "Cc", "Cf"):
            out[code] = "CONTROL"
    for code in range(0xAC00, 0xD7A4):
        out[code] = "LV" if (code - 0xAC00) % 28 == 0 else "LVT"
    for name, ranges in {
        "ANY": SPACING_LACKS,
        "EXTEND": EXTEND_TOO,
        "SPACING": SPACING_TOO,
        "CONTROL": CONTROL_TOO,
        "PREPEND": PREPEND,
        "LINKER": LINKER,
        "CONSONANT": CONSONANT,
        "PICTURE": PICTURE,
        "UNLINKED": "200C",
        "ZWJ": "200D",
        "CR": "D",
        "LF": "A",
        "REGIONAL": "1F1E6-1F1FF",
        "L": "1100-115F A960-A97C",
        "V": "1160-11A7 D7B0-D7C6 16D63 16D67-16D6A",
        "T": "11A8-11FF D7CB-D7FB",
    }.items():
        for code in codes(ranges):
            out[code] = name
    return out


def kinds():
    """All that is known of each code point, as one number: see unicode.h."""
    category, space = categories(), codes(WHITE_SPACE)
    of = lambda *names: {code for code, gc in enumerate(category) if gc.startswith(names)}
    flags = {
        "WORD": of("L", "M", "Nd", "Nl", "Pc") | codes(WORD_TOO),
        "NUMERIC": of("N") | codes(NUMERIC_TOO),
        "PUNCTUATION": of("P") - codes(PUNCTUATION_LACKS) | codes(PUNCTUATION_TOO),
        "CONTROL": of("Cc", "Cf", "Co") - codes(CONTROL_LACKS),
        "NONSPACING": of("Mn") - codes(NONSPACING_LACKS) | codes(NONSPACING_TOO),
        "ACCENT": of("M") - codes(ACCENT_LACKS) | codes(ACCENT_TOO),
    }
    out = []
    for code, (gc, cluster) in enumerate(zip(category, clusters(category))):
        cls = SPACE if code in space else {"L": LETTER, "N": NUMBER}.get(gc[0], OTHER)
        bits = sum(1 << i for i, name in enumerate(FLAGS) if code in flags[name])
        out.append(CATEGORIES.index(gc) | CLUSTERS.index(cluster) << 5 | cls << 10 | bits << 12)
    return out


def scripts():
    out, name, number = [0] * 0x110000, None, 0
    for line in pathlib.Path(__file__).with_name("scripts.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        if not line.startswith(" "):
            name, _, line = line.partition(" ")
            number += 1
        for code in codes(line):
            out[code] = number if name not in ("Hiragana", "Katakana") else "Han"
        if name == "Han":
            han = number
    out[0x30FC] = "Han"
    out[0x20] = 0
    return [han if script == "Han" else script for script in out]


def steps():
    """What is added to each code point to make it small."""
    out = []
    for code in range(0x110000):
        small = chr(code).lower() if not 0xD800 <= code < 0xE000 else chr(code)
        out.append(ord(small) - code if len(small) == 1 else 0)
    for step, ranges in LOWER_TOO.items():
        for code in codes(ranges):
            out[code] = step
    return out


def make_unicode():
    kind, number = numbered(kinds())
    step, step_number = numbered(steps())
    return (
        HEAD.format(name="unicode_tables.c", header="unicode.h")
        + two_levels("fh_unicode", number)
        + array(f"const uint32_t fh_unicode_kinds[{len(kind)}]", kind)
        + two_levels("fh_script", scripts())
        + two_levels("fh_lower", step_number)
        + array(f"const int32_t fh_lower_steps[{len(step)}]", step)
    ).rstrip("\n") + "\n"


def make_forms():
    later = codes(LATER, *NEWER.values()) - {0x1171E}
    known = [code for code in range(0x110000) if code not in later and not 0xD800 <= code < 0xE000]
    step, compatible = {}, set()  # one step of canonical decomposition; Hangul syllables are computed
    for code in known:
        text = unicodedata.decomposition(chr(code))
        if text and not text.startswith("<"):
            step[code] = [int(part, 16) for part in text.split()]
        if unicodedata.normalize("NFKD", chr(code)) != unicodedata.normalize("NFD", chr(code)):
            compatible.add(code)
    compatible -= codes(LATER_COMPATIBLE)
    full = {code: [ord(c) for c in unicodedata.normalize("NFD", chr(code))] for code in step}
    loose = {code: [ord(c) for c in unicodedata.normalize("NFKD", chr(code))] for code in sorted(compatible)}
    pairs = sorted(
        (*parts, code)
        for code, parts in step.items()
        if len(parts) == 2 and unicodedata.normalize("NFC", "".join(map(chr, parts))) == chr(code)
    )
    backward = {right for _, right, _ in pairs} | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    hangul = range(0xAC00, 0xD7A4)
    either = {**full, **loose}
    # Class, and a bit for each form (D, C, KD, KC) in which it may change, or join or pass what stands before it.
    kind = [0] * 0x110000
    for code in known:
        cls = unicodedata.combining(chr(code))
        moves = cls != 0
        changes = {"D": code in step or code in hangul, "KD": code in step or code in hangul or code in loose}
        changes["C"] = code not in hangul and unicodedata.normalize("NFC", chr(code)) != chr(code) and code in step
        changes["KC"] = changes["C"] or code in loose
        first = {form: table.get(code, [code])[0] for form, table in (("C", full), ("KC", either))}
        for form in ("C", "KC"):
            head = first[form]
            changes[form] = changes[form] or head in backward or unicodedata.combining(chr(head)) != 0
        bits = sum(1 << i for i, form in enumerate(("D", "C", "KD", "KC")) if moves or changes[form])
        kind[code] = cls << 4 | bits
    values, number = numbered(kind)
    pool, starts = [], {}
    for name, table in (("canonical", full), ("compatible", loose)):
        starts[name] = []
        for code in table:
            starts[name].append(len(pool))
            pool += table[code]
        starts[name].append(len(pool))
    out = HEAD.format(name="form_tables.c", header="forms.h")
    out += two_levels("fh_form", number) + array(f"const uint16_t fh_form_kinds[{len(values)}]", values)
    for name, table in (("canonical", full), ("compatible", loose)):
        out += array(f"const uint32_t fh_{name}_from[{len(table)}]", list(table))
        out += array(f"const uint16_t fh_{name}_starts[{len(table) + 1}]", starts[name])
    out += array(f"const uint32_t fh_form_pool[{len(pool)}]", pool)
    out += array(f"const fh_form_pair fh_form_pairs[{len(pairs)}]", [f"{{{a}, {b}, {c}}}" for a, b, c in pairs])
    return out.rstrip("\n") + "\n"


def main():
    have = unicodedata.unidata_version
    if not (14, 0) <= version(have) <= version(TARGET):
        print(f"Python has Unicode {have}, the tables need 14.0 to {TARGET}: nothing compared or written")
        return 77
    print(f"Python has Unicode {have}")
    failed = 0
    for name, text in (("unicode_tables.c", make_unicode()), ("form_tables.c", make_forms())):
        if sys.argv[1:] != ["--check"]:
            (FOLDER / name).write_text(text)
        elif (FOLDER / name).read_text() != text:
            print(f"{name} is not what {pathlib.Path(__file__).name} makes")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
