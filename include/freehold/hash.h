/* hash.h: a 64-bit mixer, a byte hash, and the counter-based generator Philox4x32-10.
 *
 *     uint64_t h = fh_hash_bytes(seed, bytes);
 *     fh_philox_block r = fh_philox(key, position, 0);      the same numbers on every machine
 *
 * None of these is cryptographic. Threading: pure functions. */
#ifndef FREEHOLD_HASH_H
#define FREEHOLD_HASH_H

#include "freehold/span.h"

FH_EXTERN_BEGIN

/* A bijective 64-bit finaliser (splitmix64: Steele, Lea, Flood 2014). */
static inline uint64_t fh_mix64(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* A 64-bit hash of bytes, the same on every machine, chained through `seed`. */
FH_API uint64_t fh_hash_bytes(uint64_t seed, fh_span bytes);

/* Four 32-bit random words. */
typedef struct fh_philox_block {
    uint32_t word[4];
} fh_philox_block;

/* Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). In the words of the paper, low half
 * first: the key is {key}, the counter {counter, stream}. */
FH_API fh_philox_block fh_philox(uint64_t key, uint64_t counter, uint64_t stream);

/* Bits of a float, and back. */
static inline uint32_t fh_bits_of_f32(float x) {
    union {
        float f;
        uint32_t u;
    } v = {x};
    return v.u;
}
static inline float fh_f32_of_bits(uint32_t u) {
    union {
        uint32_t u;
        float f;
    } v = {u};
    return v.f;
}

/* Whole numbers in the order of their floats, and back; -0 comes before 0. */
static inline uint32_t fh_rank_of_f32(float x) {
    uint32_t u = fh_bits_of_f32(x);
    return u >> 31 ? ~u : u | UINT32_C(0x80000000);
}
static inline float fh_f32_of_rank(uint32_t rank) {
    return fh_f32_of_bits(rank >> 31 ? rank & UINT32_C(0x7fffffff) : ~rank);
}

/* Bits of a float64, and back. */
static inline uint64_t fh_bits_of_f64(double x) {
    union {
        double f;
        uint64_t u;
    } v = {x};
    return v.u;
}
static inline double fh_f64_of_bits(uint64_t u) {
    union {
        uint64_t u;
        double f;
    } v = {u};
    return v.f;
}

FH_EXTERN_END
#endif
