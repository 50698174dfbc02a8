/* near.h: a hint to the processor that memory will soon be looked at, so that many looks at large tables do not wait for each
 * other. It reads nothing and cannot fail. Threading: pure functions. */
#ifndef FH_TEXT_KERN_NEAR_H
#define FH_TEXT_KERN_NEAR_H

#include "freehold/span.h"

/* Brings what is at an address near; NULL is nothing. */
static inline void fh_bring_near(fh_ref fh_or_null const void *at) {
    FH_UNSAFE("near-hint");
    __builtin_prefetch(at);
}

#endif
