/* json_scan.h: what the readers of JSON (json.c, json_take.c) have in common: their states, and how blanks and strings are
 * walked, eight bytes at once. Threading: pure functions. */
#ifndef FH_TEXT_JSON_SCAN_H
#define FH_TEXT_JSON_SCAN_H

#include "freehold/json.h"
#include "text/kern/word.h"

/* What may come next. */
enum {
    FH_WANT_VALUE,         /* a value */
    FH_WANT_VALUE_OR_END,  /* after [ */
    FH_WANT_KEY_OR_END,    /* after { */
    FH_WANT_KEY,           /* after a comma in an object */
    FH_WANT_COMMA_OR_END,  /* after a value inside something */
    FH_WANT_NOTHING,       /* after the one value */
    FH_JSON_FAILED
};

/* True inside of an object, as opposed to an array or nothing. */
static inline bool fh_json_in_object(const fh_json *j) {
    uint32_t level = j->depth - 1;
    return j->depth > 0 && (j->is_object[level / 64] >> level % 64 & 1) != 0;
}

/* A byte in each of the eight of a number. */
static inline uint64_t fh_eight_times(uint8_t c) {
    return c * UINT64_C(0x0101010101010101);
}

/* How many of the lowest bytes of a number come before the one with the lowest bit that is set. */
static inline size_t fh_bytes_before(uint64_t bits) {
    return bits != 0 ? (size_t)__builtin_ctzll(bits) / 8 : 8;
}

/* Where the white space at `at` ends. Behind the end of a line there are often many blanks. */
static inline size_t fh_json_space_end(fh_span text, size_t at) {
    while (at < text.size) {
        uint8_t c = fh_span_at(text, at);
        if (c > ' ' || (c != ' ' && c != '\n' && c != '\r' && c != '\t'))
            break;
        at++;
        for (size_t blanks = 8; blanks == 8 && text.size - at >= FH_WORD_SHORT; at += blanks)
            blanks = fh_bytes_before(fh_word_key_of(text, at, FH_WORD_SHORT).low ^ fh_eight_times(' '));
    }
    return at;
}

/* A bit in each byte that ends a run of plain text: a quote, a backslash, a control character. Above the lowest bit that is
 * set others may be wrong. */
static inline uint64_t fh_json_stops(uint64_t x) {
    uint64_t one = fh_eight_times(1), quote = x ^ fh_eight_times('"'), back = x ^ fh_eight_times('\\');
    return (((quote - one) & ~quote) | ((back - one) & ~back) | ((x - fh_eight_times(0x20)) & ~x)) & fh_eight_times(0x80);
}

/* Where the run of plain text at `at` ends, and whether all of it is ASCII. */
static inline size_t fh_json_run_end(fh_span text, size_t at, fh_out bool *ascii) {
    uint64_t high = 0;
    size_t size = 8;
    for (; size == 8 && text.size - at >= FH_WORD_SHORT; at += size) {
        uint64_t x = fh_word_key_of(text, at, FH_WORD_SHORT).low, stop = fh_json_stops(x);
        high |= x & ((stop & (0 - stop)) - 1); /* what is below the stop; without one, all */
        size = fh_bytes_before(stop);
    }
    for (; size == 8 && at < text.size; at++) {
        uint8_t c = fh_span_at(text, at);
        if (c < 0x20 || c == '"' || c == '\\')
            break;
        high |= c;
    }
    *ascii = (high & fh_eight_times(0x80)) == 0;
    return at;
}

#endif
