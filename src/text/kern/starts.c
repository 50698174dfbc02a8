/* starts.c: where one of many words may begin, by plain C and AVX2.
 *
 * The vector form looks a byte up by its halves: the low one picks a row of the set, the high one a bit of the row. It
 * looks at 32 bytes and those one further on, as long as 33 are left (start-window). Threading: pure functions. */
#include "text/kern/starts.h"

#include "text/kern/mask.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

void fh_byte_set_put(fh_byte_set *set, uint8_t byte) {
    set->rows[byte >> 7][byte & 15] |= (uint8_t)(1u << (byte >> 4 & 7));
}

bool fh_byte_set_has(const fh_byte_set *set, uint8_t byte) {
    return (set->rows[byte >> 7][byte & 15] >> (byte >> 4 & 7) & 1) != 0;
}

size_t fh_starts_plain(const fh_starts *s, fh_span text, size_t at) {
    for (; at < text.size; at++)
        if (fh_byte_set_has(&s->first, fh_span_at(text, at)) &&
            (at + 1 == text.size || fh_byte_set_has(&s->second, fh_span_at(text, at + 1))))
            break;
    return at;
}

#if defined(__x86_64__)

#define AVX2 FH_ATTR(target("avx2"))

AVX2 static inline __m256i twice(const uint8_t row[16]) {
    FH_UNSAFE("start-window");
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)row));
}

/* 0xff where a byte is in the set. */
AVX2 static inline __m256i among(__m256i low, __m256i high, __m256i v) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i bits = _mm256_set1_epi64x((long long)UINT64_C(0x8040201008040201));
    __m256i row = _mm256_and_si256(v, nibble);
    __m256i bit = _mm256_shuffle_epi8(bits, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));
    __m256i found = _mm256_blendv_epi8(_mm256_shuffle_epi8(low, row), _mm256_shuffle_epi8(high, row), v);
    return _mm256_cmpeq_epi8(_mm256_and_si256(found, bit), bit);
}

AVX2 size_t fh_starts_avx2(const fh_starts *s, fh_span text, size_t at) {
    FH_ASSERT(at <= text.size);
    __m256i first[2] = {twice(s->first.rows[0]), twice(s->first.rows[1])};
    __m256i second[2] = {twice(s->second.rows[0]), twice(s->second.rows[1])};
    for (; text.size - at > 32; at += 32) {
        FH_UNSAFE("start-window");
        __m256i here = _mm256_loadu_si256((const void *)(text.at + at));
        __m256i behind = _mm256_loadu_si256((const void *)(text.at + at + 1));
        __m256i both = _mm256_and_si256(among(first[0], first[1], here), among(second[0], second[1], behind));
        uint32_t found = (uint32_t)_mm256_movemask_epi8(both);
        if (found != 0)
            return at + (unsigned)__builtin_ctz(found);
    }
    return fh_starts_plain(s, text, at);
}

fh_starts_fn *fh_starts_best(void) {
    return fh_masks_has_avx2() ? fh_starts_avx2 : fh_starts_plain;
}

#else

fh_starts_fn *fh_starts_best(void) {
    return fh_starts_plain;
}

#endif
