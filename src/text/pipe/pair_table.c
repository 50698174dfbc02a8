/* pair_table.c: see pair_table.h. Open addressing, linear probing.
 *
 * Hashes are seeded by the caller with a hash of what the table is of: whoever writes a file to collide changes the seed by
 * writing it. Invariant: a table has more slots than pairs, so that each search ends at an empty one. Threading: built once,
 * then only read. */
#include "text/pipe/pair_table.h"

#include "freehold/hash.h"

enum { SLOTS_MIN = 64 };

/* The slot of (left, right), or the empty one where it would go. */
static size_t pair_slot(fh_pairs slots, uint64_t seed, uint32_t left, uint32_t right) {
    size_t mask = slots.count - 1;
    size_t i = (size_t)fh_mix64(seed ^ ((uint64_t)left << 32 | right)) & mask;
    for (;; i = (i + 1) & mask) {
        const fh_pair *p = fh_pairs_at(slots, i);
        if (p->result == 0 || (p->left == left && p->right == right))
            return i;
    }
}

static fh_status grow(fh_allocator *a, fh_mut fh_view(1) fh_pair_table *t) {
    fh_pairs larger;
    FH_TRY(fh_pairs_new(a, t->slots.count != 0 ? 2 * t->slots.count : SLOTS_MIN, &larger));
    for (size_t i = 0; i < t->slots.count; i++) {
        fh_pair p = fh_pairs_get(t->slots, i);
        if (p.result != 0)
            fh_pairs_set(larger, pair_slot(larger, t->seed, p.left, p.right), p);
    }
    fh_pairs_free(a, &t->slots);
    t->slots = larger;
    return FH_DONE;
}

void fh_pair_table_free(fh_allocator *a, fh_pair_table *t) {
    fh_pairs_free(a, &t->slots);
}

fh_status fh_pair_table_put(fh_allocator *a, fh_pair_table *t, fh_pair pair) {
    if (t->count >= t->slots.count - t->slots.count / 3)
        FH_TRY(grow(a, t));
    fh_pair *p = fh_pairs_at(t->slots, pair_slot(t->slots, t->seed, pair.left, pair.right));
    FH_ASSERT(p->result == 0 && pair.result != 0);
    *p = pair;
    t->count++;
    return FH_DONE;
}

uint32_t fh_pair_table_find(const fh_pair_table *t, uint32_t left, uint32_t right) {
    return t->slots.count != 0 ? fh_pairs_get(t->slots, pair_slot(t->slots, t->seed, left, right)).result : 0;
}
