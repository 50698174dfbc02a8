/* ascii.h: how far a run of ASCII goes, eight bytes at a time, what most characters behind it are, and how many bytes go
 * on one.
 *
 * Threading: pure functions. */
#ifndef FH_TEXT_PIPE_ASCII_H
#define FH_TEXT_PIPE_ASCII_H

#include "freehold/utf8.h"
#include "text/kern/word.h"

/* What ends a run before the first byte that is not ASCII. */
enum { FH_ASCII_UPPER = 1 /* A to Z */, FH_ASCII_CONTROL = 2 /* below the space, and DEL */ };

static inline bool fh_ascii_stops(uint8_t b, unsigned stops) {
    return b >= 0x80 || ((stops & FH_ASCII_UPPER) != 0 && b >= 'A' && b <= 'Z') ||
           ((stops & FH_ASCII_CONTROL) != 0 && (b < ' ' || b == 0x7f));
}

/* The code point of a well-formed sequence of three bytes at i, which most of Japanese and Chinese are; else 0. */
static inline uint32_t fh_three_at(fh_span text, size_t i) {
    if ((fh_span_at(text, i) & 0xf0) != 0xe0 || text.size - i < 3)
        return 0;
    fh_span part = fh_span_sub(text, i, 3); /* of a size that the compiler knows */
    uint32_t a = fh_span_at(part, 0), b = fh_span_at(part, 1), c = fh_span_at(part, 2);
    uint32_t code = (a & 0xf) << 12 | (b & 0x3f) << 6 | (c & 0x3f);
    return ((b ^ 0x80) | (c ^ 0x80)) < 0x40 && code >= 0x800 && (code & 0xf800) != 0xd800 ? code : 0;
}

/* fh_utf8_next, in line for characters of three bytes. */
static inline fh_rune fh_rune_at(fh_span text, size_t i) {
    uint32_t code = fh_three_at(text, i);
    return code != 0 ? (fh_rune){code, 3, true} : fh_utf8_next(text, i);
}

/* The first byte at or after `at` that ends the run, or the end of the text. */
static inline size_t fh_ascii_end(fh_span text, size_t at, unsigned stops) {
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    for (; at + 8 <= text.size; at += 8) {
        uint64_t x = fh_word_eight(text, at);
        uint64_t found = x & high; /* sums carry into higher bytes only from such ones, and the lowest that is found counts */
        if ((stops & FH_ASCII_UPPER) != 0)
            found |= (x + ones * (0x80 - 'A')) & ~(x + ones * (0x7f - 'Z')) & high;
        if ((stops & FH_ASCII_CONTROL) != 0)
            found |= (~(x + ones * 0x60) | (x + ones)) & high;
        if (found != 0)
            return at + (size_t)__builtin_ctzll(found) / 8;
    }
    while (at < text.size && !fh_ascii_stops(fh_span_at(text, at), stops))
        at++;
    return at;
}

/* True for eight bytes that begin with a character of three bytes, or with what looks like one. */
static inline bool fh_is_three(uint64_t eight) {
    return (eight & 0xc0c0f0) == 0x8080e0;
}

/* Its bits but the last six: a number below 1024. */
static inline size_t fh_row_of_three(uint64_t eight) {
    return (eight & 0xf) << 6 | (eight >> 8 & 0x3f);
}

/* True for eight bytes that begin with two characters of three bytes, or with what looks like them. */
static inline bool fh_are_threes(uint64_t eight) {
    return (eight & UINT64_C(0xc0c0f0c0c0f0)) == UINT64_C(0x8080e08080e0);
}

/* The bits of the two characters before their last six: a number below 1024 at bit 0 and at bit 24. */
static inline uint64_t fh_rows_of_threes(uint64_t eight) {
    return (eight & UINT64_C(0x0f00000f)) << 6 | (eight >> 8 & UINT64_C(0x3f00003f));
}

/* True where a character goes on. */
static inline bool fh_goes_on(fh_span text, size_t at) {
    return at < text.size && (fh_span_at(text, at) & 0xc0) == 0x80;
}

/* How many of eight bytes go on a character. */
static inline uint32_t fh_going_on_in(uint64_t eight) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    return (uint32_t)((eight >> 7 & ~(eight >> 6) & ones) * ones >> 56);
}

/* How many characters begin in the first one, two, … of eight bytes: a number a byte. */
static inline uint64_t fh_beginning_upto(uint64_t eight) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    return (ones & ~(eight >> 7 & ~(eight >> 6))) * ones;
}

/* How many bytes of [from, to) go on a character. */
static inline uint32_t fh_going_on(fh_span text, size_t from, size_t to) {
    uint32_t count = 0;
    for (; to - from >= 8; from += 8)
        count += fh_going_on_in(fh_word_eight(text, from));
    if (from != to && text.size - from >= 8)
        return count + fh_going_on_in(fh_word_eight(text, from) << (64 - 8 * (to - from)));
    for (; from < to; from++)
        count += fh_goes_on(text, from);
    return count;
}

#endif
