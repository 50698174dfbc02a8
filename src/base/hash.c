/* hash.c: a byte hash and the counter-based generator Philox4x32-10.
 *
 * Both are defined on numbers, not on memory, so every machine computes the same values. Threading: pure functions. */
#include "freehold/hash.h"

/* The 1 to 7 bytes behind the last whole word, as a number. */
static inline uint64_t rest_of(fh_span bytes, size_t at) {
    size_t n = bytes.size - at;
    if (bytes.size >= 8)
        return fh_span_u64(bytes, bytes.size - 8) >> 8 * (8 - n);
    if (n >= 4)
        return fh_span_u32(bytes, 0) | (uint64_t)fh_span_u32(bytes, n - 4) << 8 * (n - 4);
    uint64_t first = fh_span_at(bytes, 0), middle = fh_span_at(bytes, n / 2), last = fh_span_at(bytes, n - 1);
    return first | middle << 8 * (n / 2) | last << 8 * (n - 1);
}

/* One finaliser per 8 bytes, little-endian. The size goes in first, so zero padding of the last word is no ambiguity. */
uint64_t fh_hash_bytes(uint64_t seed, fh_span bytes) {
    uint64_t h = fh_mix64(seed ^ fh_mix64(bytes.size));
    size_t i = 0;
    for (; bytes.size - i >= 8; i += 8)
        h = fh_mix64(h ^ fh_span_u64(bytes, i));
    return i < bytes.size ? fh_mix64(h ^ rest_of(bytes, i)) : h;
}

/* The constants of the paper: two odd multipliers, and the Weyl increments that step the key (golden ratio, sqrt(3) - 1). */
#define PHILOX_M0 UINT64_C(0xd2511f53)
#define PHILOX_M1 UINT64_C(0xcd9e8d57)
#define PHILOX_W0 UINT32_C(0x9e3779b9)
#define PHILOX_W1 UINT32_C(0xbb67ae85)

fh_philox_block fh_philox(uint64_t key, uint64_t counter, uint64_t stream) {
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = (uint32_t)counter, c1 = (uint32_t)(counter >> 32);
    uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);

    for (int round = 0; round < 10; round++) {
        uint64_t p0 = PHILOX_M0 * c0, p1 = PHILOX_M1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
    return (fh_philox_block){{c0, c1, c2, c3}};
}
