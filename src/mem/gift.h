/* gift.h: bytes in a block of the C library's, for a program that ends it with free() (heap.c).
 *
 * Nothing counts or traces it: it is no owner's here. Threading: any thread. */
#ifndef FH_MEM_GIFT_H
#define FH_MEM_GIFT_H

#include "freehold/span.h"

/* A copy of the bytes, of at least one byte; NULL when there is no memory. */
FH_MUST_USE fh_static void *fh_gift_new(fh_span bytes);

#endif
