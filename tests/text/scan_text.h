/* scan_text.h: random texts that scanners find hard: short runs of every class, in ASCII and beyond, contractions, white space
 * before and behind line ends; for tests and benchmarks. Threading: one thread at a time. */
#ifndef FH_TESTS_SCAN_TEXT_H
#define FH_TESTS_SCAN_TEXT_H

#include "support/fh_test.h"

/* Fills `out` with at most `room` bytes of well-formed UTF-8; returns how many. `ascii`: nothing else. */
static inline size_t fh_scan_text(fh_test_rng *rng, uint8_t *out, size_t room, bool ascii) {
    static const char *const parts[] = {
        "a", "B", "word", "Hello", "X", "iPhone", "1", "23", "4567", "'s", "'S", "'ll", "'RE", "'", "'x", "''", " ", "  ",
        "    ", "\n", "\r\n", " \n", "\n ", "\t", "\v", ".", ",", "...", "(", ")", "/", "//", "_", "-", "$", "\x7f", "\x01",
        "don't", "they've", ".\n/\n", "}\n\n", "=", "+1", "#",
        /* beyond ASCII */
        "\xc3\xa9", "\xc3\x89", "\xce\xb1\xce\xb2", "\xe4\xb8\x80\xe4\xba\x8c", "\xe3\x81\x82", "\xe3\x83\xbc", "\xd9\xa3",
        "\xe3\x82\xa0", "\xe3\x83\xbb", "\xe3\x82\x99", "\xe3\x82\x9b", "\xe3\x82\x97",
        "\xc2\xbd", "\xe2\x85\xa7", "\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\xa8", "\xc2\x85", "\xcc\x81", "e\xcc\x81",
        "\xe2\x80\x99s", "'\xc5\xbf", "\xe2\x80\x94", "\xe3\x80\x82", "\xf0\x9f\x98\x80", "\xf0\x9d\x9f\x98", "\xc7\x85",
        "\xca\xb0", "\xe2\x82\xac", "\xc2\xb2", "\xe2\x80\x8d", "\xef\xb8\x8f", "\xf3\xb0\x80\x80"};
    enum { PARTS = sizeof parts / sizeof *parts, ASCII = 44 };
    size_t size = 0;
    while (size < room) {
        fh_span part = fh_span_of_str(parts[fh_test_rng_below(rng, ascii ? ASCII : PARTS)]);
        size_t times = fh_test_rng_below(rng, 8) == 0 ? 1 + fh_test_rng_below(rng, 40) : 1;
        for (; times > 0 && part.size <= room - size; times--)
            for (size_t i = 0; i < part.size; i++)
                out[size++] = part.at[i];
        if (times > 0)
            break;
    }
    return size;
}

#endif
