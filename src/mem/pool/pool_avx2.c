/* pool_avx2.c: the short roads of hardened pools for processors with AVX2: half as many loads and stores a slot.
 *
 * Everything is included before the pragma, so that no inline function of a header is compiled for AVX2 and then chosen by the
 * linker for all. Threading: pool_short.h. */
#include "mem/pool/pool_hard.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#define FH_HARD_WIDE
#include "mem/pool/pool_short.h"

FH_HARD_ROADS(small32, true);
FH_HARD_ROADS(some32, false);

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
