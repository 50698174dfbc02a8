/* best.h: the k best of many candidates, by key, smallest first, equal keys by the lower id.
 *
 * Invariant: hits[0 … count) is a heap whose root is the worst of them; nothing that was offered and is not in it is better.
 * Threading: one thread at a time. */
#ifndef FH_INDEX_BEST_H
#define FH_INDEX_BEST_H

#include "freehold/index.h"

typedef struct fh_best {
    fh_hits hits; /* room for k; `score` holds the key */
    size_t count;
    fh_ref const fh_hit_filter *filter;
} fh_best;

/* A key at or above this cannot get in unless its id is lower. */
static inline float fh_best_bound(fh_ref const fh_best *b) {
    return b->count < b->hits.count ? __builtin_inff() : fh_hits_at(b->hits, 0)->score;
}

/* A candidate; its key is a number. */
void fh_best_offer(fh_mut fh_best *b, uint64_t id, float key);
/* Sorts hits[0 … count), best first. Nothing is offered afterwards. */
void fh_best_sort(fh_mut fh_best *b);

#endif
