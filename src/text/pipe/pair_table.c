/* pair_table.c: see pair_table.h. Open addressing, linear probing.
 *
 * Invariants: a table is at most two thirds full, and each pair lies among the FH_SEARCH_MAX slots from its own on, with no
 * empty one before it. Threading: built once, then only read. */
#include "text/pipe/pair_table.h"

#include "freehold/hash.h"
#include "text/pipe/hashed.h"

enum { SLOTS_MIN = 64 };

/* The slot of (left, right), or the empty one where it would go, or the last one that is looked at, which another pair has. */
static size_t pair_slot(fh_pairs slots, uint64_t seed, uint32_t left, uint32_t right) {
    size_t mask = slots.count - 1, i = (size_t)fh_mix64(seed ^ ((uint64_t)left << 32 | right)) & mask;
    for (size_t more = FH_SEARCH_MAX - 1;; more--, i = (i + 1) & mask) {
        const fh_pair *p = fh_pairs_at(slots, i);
        if (p->result == 0 || (p->left == left && p->right == right) || more == 0)
            return i;
    }
}

/* Puts a pair that is not there. */
static fh_status put(fh_pairs slots, uint64_t seed, fh_pair pair) {
    fh_pair *p = fh_pairs_at(slots, pair_slot(slots, seed, pair.left, pair.right));
    FH_ASSERT(p->left != pair.left || p->right != pair.right || p->result == 0);
    if (p->result != 0)
        return FH_STATUS(FH_LIMIT);
    *p = pair;
    return FH_DONE;
}

/* Puts all pairs into a larger table. */
static fh_status move(const fh_pair_table *t, fh_pairs larger) {
    for (size_t i = 0; i < t->slots.count; i++)
        if (fh_pairs_at(t->slots, i)->result != 0)
            FH_TRY(put(larger, t->seed, fh_pairs_get(t->slots, i)));
    return FH_DONE;
}

static fh_status grow(fh_allocator *a, fh_mut fh_view(1) fh_pair_table *t) {
    fh_pairs larger;
    FH_TRY(fh_pairs_new(a, t->slots.count != 0 ? 2 * t->slots.count : SLOTS_MIN, &larger));
    fh_status s = move(t, larger);
    if (fh_failed(s)) {
        fh_pairs_free(a, &larger);
        return s;
    }
    fh_pairs_free(a, &t->slots);
    t->slots = larger;
    return FH_DONE;
}

void fh_pair_table_free(fh_allocator *a, fh_pair_table *t) {
    fh_pairs_free(a, &t->slots);
}

fh_status fh_pair_table_put(fh_allocator *a, fh_pair_table *t, fh_pair pair) {
    FH_ASSERT(pair.result != 0);
    if (t->count >= t->slots.count - t->slots.count / 3)
        FH_TRY(grow(a, t));
    FH_TRY(put(t->slots, t->seed, pair));
    t->count++;
    return FH_DONE;
}

uint32_t fh_pair_table_find(const fh_pair_table *t, uint32_t left, uint32_t right) {
    if (t->slots.count == 0)
        return 0;
    fh_pair p = fh_pairs_get(t->slots, pair_slot(t->slots, t->seed, left, right));
    return p.left == left && p.right == right ? p.result : 0;
}
