/* made_cache.h: cache files of tokenizers in tests: made, cut up, changed, and sealed again as whoever means harm would do it.
 *
 * The layout is written down once more here (src/text/pipe/stored.c), so that a change of it does not pass unseen.
 * Threading: none. */
#ifndef FH_TEST_MADE_CACHE_H
#define FH_TEST_MADE_CACHE_H

#include <string.h>

#include "freehold/hash.h"
#include "freehold/tokenizer.h"

/* Words of the header, and the sections. */
enum { CACHE_ORDER = 1, CACHE_VERSION, CACHE_SIZE, CACHE_SOURCE_SIZE, CACHE_SOURCE_HASH, CACHE_NUMBERS, CACHE_SIZES = 14 };
enum { CACHE_HEADER_WORDS = 32, CACHE_ALIGN = 64 };
enum {
    CACHE_OPTIONS, CACHE_ADDED, CACHE_ADDED_TEXTS, CACHE_TEXT, CACHE_PLACES, CACHE_SLOTS, CACHE_MERGES, CACHE_RULES,
    CACHE_NODES, CACHE_SCORES, CACHE_SEAMS, CACHE_KNOWN, CACHE_SECTIONS
};

static inline fh_status cache_put(void *ctx, fh_span bytes, fh_err *err) {
    (void)err;
    return fh_buf_put(ctx, bytes);
}

static inline uint64_t cache_step(uint64_t h, uint64_t word) {
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

/* The checksum of all words but the last. */
static inline uint64_t cache_sum(fh_u64s words) {
    uint64_t lane[4] = {0};
    for (size_t i = 0; i + 1 < words.count; i++)
        lane[i % 4] = cache_step(lane[i % 4], words.at[i]);
    return fh_mix64(lane[0] ^ fh_mix64(lane[1] ^ fh_mix64(lane[2] ^ fh_mix64(lane[3]))));
}

/* Makes the size in the header and the checksum right. */
static inline void cache_seal(fh_u64s words) {
    words.at[CACHE_SIZE] = words.count * 8;
    words.at[words.count - 1] = cache_sum(words);
}

/* Section i as words, of 8 bytes each, its last one padded. */
static inline fh_u64s cache_section(fh_u64s words, size_t i) {
    size_t at = CACHE_HEADER_WORDS;
    for (size_t k = 0; k < i; k++)
        at += (words.at[CACHE_SIZES + k] + CACHE_ALIGN - 1) / CACHE_ALIGN * CACHE_ALIGN / 8;
    return (fh_u64s){words.at + at, (words.at[CACHE_SIZES + i] + 7) / 8};
}

#endif
