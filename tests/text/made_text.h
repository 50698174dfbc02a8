/* made_text.h: text of a made language, for the tests of training: few words are frequent, most are rare, with accents,
 * characters of three and four bytes, numbers and lines. The same seed gives the same text.
 *
 * Threading: values. */
#ifndef FH_TEST_MADE_TEXT_H
#define FH_TEST_MADE_TEXT_H

#include "freehold/buf.h"
#include "support/fh_test.h"

/* Appends at least `bytes` bytes of whole lines. */
static inline void made_text(fh_buf *out, uint64_t seed, size_t bytes) {
    static const char *const sounds[] = {"ba", "to", "ri", "ne", "shu", "la", "ked", "om", "in", "ter", "es", "al",
                                         "wo", "th", "e", "ing", "st", "r\xc3\xa9", "qu", "\xe6\x97\xa5", "\xf0\x9f\x98\x80"};
    fh_test_rng rng = fh_test_rng_new(seed);
    size_t want = out->size + bytes;
    while (out->size < want) {
        uint64_t rank = fh_test_rng_below(&rng, 1 + fh_test_rng_below(&rng, 1 + fh_test_rng_below(&rng, 3000)));
        for (uint64_t k = 0, word = fh_mix64(rank); k < 1 + rank % 4; k++, word = fh_mix64(word))
            fh_assert_ok(fh_buf_put(out, fh_span_of_str(sounds[word % (sizeof sounds / sizeof sounds[0])])));
        uint64_t end = fh_test_rng_below(&rng, 64);
        if (end < 4)
            fh_assert_ok(fh_buf_format(out, " %u\n", (unsigned)fh_test_rng_below(&rng, 2000)));
        else
            fh_assert_ok(fh_buf_put(out, end < 8 ? FH_LIT(", ") : FH_LIT(" ")));
    }
    fh_assert_ok(fh_buf_put(out, FH_LIT("\n")));
}

#endif
