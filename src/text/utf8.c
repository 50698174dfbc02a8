/* utf8.c: UTF-8 as RFC 3629 defines it: the shortest form only, no surrogates, nothing above U+10FFFF.
 *
 * Every function reads forward through checked spans. A byte that begins no well-formed sequence counts as one rune of one
 * byte, so that any text is cut into runes whose sizes add up to its size.
 * Threading: pure functions. */
#include "freehold/utf8.h"

#include "text/pipe/ascii.h"

enum { RUNE_BAD = 0xfffd, RUNE_MAX = 0x10ffff, ASCII_BLOCK = 16 };

/* What a first byte says: the length of its sequence (0: begins none) and the range of its second byte. The range is what keeps
 * out overlong forms (E0, F0), surrogates (ED) and values above U+10FFFF (F4). */
typedef struct lead {
    uint8_t size, low, high;
} lead;

static lead lead_of(uint8_t b) {
    if (b < 0x80)
        return (lead){1, 0, 0};
    if (b < 0xc2 || b > 0xf4)
        return (lead){0, 0, 0};
    if (b < 0xe0)
        return (lead){2, 0x80, 0xbf};
    if (b < 0xf0)
        return (lead){3, b == 0xe0 ? 0xa0 : 0x80, b == 0xed ? 0x9f : 0xbf};
    return (lead){4, b == 0xf0 ? 0x90 : 0x80, b == 0xf4 ? 0x8f : 0xbf};
}

/* How many bytes from i on fit the sequence that byte i begins: 0 to its length. */
static size_t fitting(fh_span text, size_t i, lead l) {
    if (l.size < 2)
        return l.size;
    size_t left = text.size - i;
    if (left < 2)
        return 1;
    uint8_t second = fh_span_at(text, i + 1);
    if (second < l.low || second > l.high)
        return 1;
    size_t n = 2;
    while (n < l.size && n < left && (fh_span_at(text, i + n) & 0xc0) == 0x80)
        n++;
    return n;
}

/* The rune at i, which is not ASCII. */
static fh_rune decode(fh_span text, size_t i) {
    uint8_t b = fh_span_at(text, i);
    lead l = lead_of(b);
    if (l.size == 0 || fitting(text, i, l) != l.size)
        return (fh_rune){RUNE_BAD, 1, false};
    uint32_t code = (uint32_t)b & (0x7fu >> l.size);
    for (size_t k = 1; k < l.size; k++)
        code = code << 6 | (fh_span_at(text, i + k) & 0x3fu);
    return (fh_rune){code, l.size, true};
}

fh_rune fh_utf8_next(fh_span text, size_t i) {
    uint8_t b = fh_span_at(text, i);
    if (b < 0x80)
        return (fh_rune){b, 1, true};
    uint32_t code = fh_three_at(text, i);
    return code != 0 ? (fh_rune){code, 3, true} : decode(text, i);
}

/* True if eight bytes begin with two well-formed sequences of three. */
static inline bool two_threes(uint64_t eight) {
    const uint64_t low = UINT64_C(0x0f00000f), carry = UINT64_C(0x10000010);
    uint64_t first = eight & low, high = eight >> 9 & carry; /* of the second byte: A0 and above */
    uint64_t no_e0 = first + low, no_ed = (first ^ UINT64_C(0x0d00000d)) + low;
    bool bad = (((~no_e0 & ~high) | (~no_ed & high)) & carry) != 0;
    return (eight & UINT64_C(0xc0c0f0c0c0f0)) == UINT64_C(0x8080e08080e0) && !bad;
}

/* True if ASCII_BLOCK bytes from i on are there and ASCII. */
static inline bool block_is_ascii(fh_span text, size_t i) {
    if (text.size - i < ASCII_BLOCK)
        return false;
    fh_span block = fh_span_sub(text, i, ASCII_BLOCK); /* of a size that the compiler knows */
    uint8_t all = 0;
    for (size_t k = 0; k < ASCII_BLOCK; k++)
        all |= fh_span_at(block, k);
    return all < 0x80;
}

size_t fh_utf8_bad(fh_span text) {
    size_t i = 0;
    while (i < text.size) {
        if (fh_span_at(text, i) < 0x80) {
            i += block_is_ascii(text, i) ? ASCII_BLOCK : 1;
            continue;
        }
        if (text.size - i >= 8 && two_threes(fh_word_eight(text, i))) {
            i += 6;
            continue;
        }
        if (fh_three_at(text, i) != 0) {
            i += 3;
            continue;
        }
        fh_rune r = decode(text, i);
        if (!r.valid)
            break;
        i += r.size;
    }
    return i;
}

bool fh_utf8_valid(fh_span text) {
    return fh_utf8_bad(text) == text.size;
}

size_t fh_utf8_put(uint32_t code, uint8_t out[4]) {
    FH_ASSERT(code <= RUNE_MAX);
    fh_mspan to = {out, 4};
    if (code < 0x80) {
        *fh_mspan_at(to, 0) = (uint8_t)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t mark[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1; code >>= 6)
        *fh_mspan_at(to, i) = (uint8_t)(0x80 | (code & 0x3f));
    *fh_mspan_at(to, 0) = (uint8_t)(mark[size] | code);
    return size;
}

size_t fh_utf8_complete(fh_span text) {
    /* An unfinished sequence has at most three bytes and begins at the last byte that is no continuation. */
    size_t back_max = text.size < 3 ? text.size : 3;
    for (size_t back = 1; back <= back_max; back++) {
        size_t at = text.size - back;
        uint8_t b = fh_span_at(text, at);
        if ((b & 0xc0) == 0x80)
            continue;
        lead l = lead_of(b);
        return l.size > back && fitting(text, at, l) == back ? at : text.size;
    }
    return text.size;
}
