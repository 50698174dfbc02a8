/* pool_narrow.h: the pool with a shorter generation, so that a test can wear slots out. */
#ifndef FH_MEM_POOL_NARROW_H
#define FH_MEM_POOL_NARROW_H

#include "freehold/pool.h"

/* fh_pool_new with generations of `bits` bits, 3 to 32. A slot has 2^(bits-1) - 1 lives. */
fh_status fh_pool_new_narrow(fh_allocator *a, size_t size_bytes, uint32_t capacity, unsigned bits, fh_pool **out);

#endif
