/* mask.c: the class of each of 64 bytes, by plain C, AVX2 and AVX-512.
 *
 * The plain forms are the specification. The vector forms compare all bytes with both ends of each class at once; a window
 * shorter than 64 bytes is loaded through a mask (AVX-512) or copied into a block of zeros first (AVX2), so that nothing past
 * the text is read (mask-window). White space alone is found by one look-up: its six bytes have six low halves, and a byte is
 * one of them if it is the one that its low half says. Threading: pure functions. */
#include <string.h>

#include "text/kern/mask.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* How many bytes the window at `at` has. */
static size_t window(fh_span text, size_t at) {
    FH_ASSERT(at <= text.size);
    return text.size - at < FH_MASK_BYTES ? text.size - at : FH_MASK_BYTES;
}

size_t fh_masks_plain(fh_span text, size_t at, fh_out struct fh_masks *out) {
    size_t size = window(text, at);
    struct fh_masks m = {0};
    for (size_t i = 0; i < size; i++) {
        uint8_t b = fh_span_at(text, at + i);
        uint64_t bit = (uint64_t)1 << i;
        m.high |= b >= 0x80 ? bit : 0;
        m.upper |= b >= 'A' && b <= 'Z' ? bit : 0;
        m.lower |= b >= 'a' && b <= 'z' ? bit : 0;
        m.digit |= b >= '0' && b <= '9' ? bit : 0;
        m.space |= (b >= 9 && b <= 13) || b == ' ' ? bit : 0;
        m.blank |= b == ' ' ? bit : 0;
        m.line |= b == '\n' || b == '\r' ? bit : 0;
        m.control |= b < ' ' || b == 127 ? bit : 0;
        m.apostrophe |= b == '\'' ? bit : 0;
        m.slash |= b == '/' ? bit : 0;
        m.underscore |= b == '_' ? bit : 0;
    }
    *out = m;
    return size;
}

size_t fh_gaps_plain(fh_span text, size_t at, fh_out struct fh_gaps *out) {
    struct fh_masks m;
    size_t size = fh_masks_plain(text, at, &m);
    *out = (struct fh_gaps){m.high, m.space};
    return size;
}

#if defined(__x86_64__)

/* The white space of ASCII with each low half, -1 for none. (A look-up by a byte of 0x80 and above gives 0.) */
#define SPACES ' ', -1, -1, -1, -1, -1, -1, -1, -1, 9, 10, 11, 12, 13, -1, -1

#define AVX512 FH_ATTR(target("avx512f,avx512bw,avx512vl,bmi2"))

/* Which bytes lie in low .. low + count − 1. */
AVX512 static inline uint64_t range512(__m512i v, char low, char count) {
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8(low)), _mm512_set1_epi8(count));
}
AVX512 static inline uint64_t equal512(__m512i v, char b) {
    return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b));
}

/* The window of `size` bytes at `at`, zeros behind it; *all: a bit for each. */
AVX512 static inline __m512i load512(fh_span text, size_t at, size_t size, uint64_t *all) {
    *all = size == 0 ? 0 : ~(uint64_t)0 >> (FH_MASK_BYTES - size);
    if (size == 0)
        return _mm512_setzero_si512();
    FH_UNSAFE("mask-window");
    return _mm512_maskz_loadu_epi8(*all, text.at + at);
}

AVX512 size_t fh_gaps_avx512(fh_span text, size_t at, fh_out struct fh_gaps *out) {
    size_t size = window(text, at);
    uint64_t all;
    __m512i v = load512(text, at, size, &all);
    __m512i spaces = _mm512_broadcast_i32x4(_mm_setr_epi8(SPACES));
    *out = (struct fh_gaps){.high = (uint64_t)_mm512_movepi8_mask(v),
                            .space = _mm512_cmpeq_epi8_mask(v, _mm512_shuffle_epi8(spaces, v))};
    return size;
}

AVX512 size_t fh_masks_avx512(fh_span text, size_t at, fh_out struct fh_masks *out) {
    size_t size = window(text, at);
    uint64_t all;
    __m512i v = load512(text, at, size, &all);
    uint64_t blank = equal512(v, ' ');
    *out = (struct fh_masks){.high = (uint64_t)_mm512_movepi8_mask(v),
                             .upper = range512(v, 'A', 26),
                             .lower = range512(v, 'a', 26),
                             .digit = range512(v, '0', 10),
                             .space = blank | range512(v, 9, 5),
                             .blank = blank,
                             .line = equal512(v, '\n') | equal512(v, '\r'),
                             .control = (range512(v, 0, 32) | equal512(v, 127)) & all,
                             .apostrophe = equal512(v, '\''),
                             .slash = equal512(v, '/'),
                             .underscore = equal512(v, '_')};
    return size;
}

#define AVX2 FH_ATTR(target("avx2"))

typedef struct half {
    __m256i v[2];
} half;

AVX2 static inline uint64_t bits256(__m256i low, __m256i high) {
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}
AVX2 static inline __m256i within256(__m256i v, char low, char count) {
    __m256i from = _mm256_sub_epi8(v, _mm256_set1_epi8(low));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(from, _mm256_set1_epi8((char)(count - 1))), from);
}
AVX2 static inline uint64_t range256(half h, char low, char count) {
    return bits256(within256(h.v[0], low, count), within256(h.v[1], low, count));
}
AVX2 static inline uint64_t equal256(half h, char b) {
    return bits256(_mm256_cmpeq_epi8(h.v[0], _mm256_set1_epi8(b)), _mm256_cmpeq_epi8(h.v[1], _mm256_set1_epi8(b)));
}

/* The window of `size` bytes at `at`, zeros behind it. */
AVX2 static inline half load256(fh_span text, size_t at, size_t size) {
    uint8_t block[FH_MASK_BYTES] = {0};
    half h;
    FH_UNSAFE("mask-window");
    const uint8_t *from = text.at + at;
    if (size < FH_MASK_BYTES)
        from = size == 0 ? block : memcpy(block, from, size);
    h.v[0] = _mm256_loadu_si256((const void *)from);
    h.v[1] = _mm256_loadu_si256((const void *)(from + 32));
    return h;
}

AVX2 size_t fh_gaps_avx2(fh_span text, size_t at, fh_out struct fh_gaps *out) {
    size_t size = window(text, at);
    half h = load256(text, at, size);
    __m256i spaces = _mm256_broadcastsi128_si256(_mm_setr_epi8(SPACES));
    __m256i low = _mm256_shuffle_epi8(spaces, h.v[0]), high = _mm256_shuffle_epi8(spaces, h.v[1]);
    *out = (struct fh_gaps){.high = bits256(h.v[0], h.v[1]),
                            .space = bits256(_mm256_cmpeq_epi8(h.v[0], low), _mm256_cmpeq_epi8(h.v[1], high))};
    return size;
}

AVX2 size_t fh_masks_avx2(fh_span text, size_t at, fh_out struct fh_masks *out) {
    size_t size = window(text, at);
    uint64_t all = size == 0 ? 0 : ~(uint64_t)0 >> (FH_MASK_BYTES - size);
    half h = load256(text, at, size);
    uint64_t blank = equal256(h, ' ');
    *out = (struct fh_masks){.high = bits256(h.v[0], h.v[1]),
                             .upper = range256(h, 'A', 26),
                             .lower = range256(h, 'a', 26),
                             .digit = range256(h, '0', 10),
                             .space = blank | range256(h, 9, 5),
                             .blank = blank,
                             .line = equal256(h, '\n') | equal256(h, '\r'),
                             .control = (range256(h, 0, 32) | equal256(h, 127)) & all,
                             .apostrophe = equal256(h, '\''),
                             .slash = equal256(h, '/'),
                             .underscore = equal256(h, '_')};
    return size;
}

bool fh_masks_has_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2");
}

bool fh_masks_has_avx512(void) {
    return fh_masks_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2");
}

fh_masks_fn *fh_masks_best(void) {
    return fh_masks_has_avx512() ? fh_masks_avx512 : fh_masks_has_avx2() ? fh_masks_avx2 : fh_masks_plain;
}

fh_gaps_fn *fh_gaps_best(void) {
    return fh_masks_has_avx512() ? fh_gaps_avx512 : fh_masks_has_avx2() ? fh_gaps_avx2 : fh_gaps_plain;
}

#else

fh_masks_fn *fh_masks_best(void) {
    return fh_masks_plain;
}

fh_gaps_fn *fh_gaps_best(void) {
    return fh_gaps_plain;
}

#endif
