/* pair_table.c: see pair_table.h. Open addressing, linear probing.
 *
 * Hashes are seeded by the caller with a hash of what the table is of: whoever writes a file to collide changes the seed by
 * writing it. Invariant: a table has more slots than entries, so that each search ends at an empty one. Threading: built once,
 * then only read. */
#include "text/pipe/pair_table.h"

#include "freehold/checked.h"
#include "freehold/hash.h"

/* The lowest power of two that leaves a third of the slots empty. */
static bool slots_for(size_t count, fh_out size_t *out) {
    size_t want;
    if (!fh_add_size(count, count / 2 + 1, &want) || want > SIZE_MAX / 4)
        return false;
    *out = 4;
    while (*out < want)
        *out *= 2;
    return true;
}

fh_status fh_pair_table_new(fh_allocator *a, size_t count, uint64_t seed, fh_pair_table *out) {
    *out = (fh_pair_table){.seed = seed};
    size_t slots;
    if (!slots_for(count, &slots))
        return FH_STATUS(FH_NOMEM);
    FH_TRY(fh_pairs_new(a, slots, &out->slots));
    for (size_t i = 0; i < slots; i++)
        fh_pairs_at(out->slots, i)->rank = FH_NO_TOKEN;
    return FH_DONE;
}

/* The slot of (left, right), or the empty one where it would go. */
static size_t pair_slot(const fh_pair_table *t, uint32_t left, uint32_t right) {
    size_t mask = t->slots.count - 1;
    size_t i = (size_t)fh_mix64(t->seed ^ ((uint64_t)left << 32 | right)) & mask;
    for (;; i = (i + 1) & mask) {
        const fh_pair *p = fh_pairs_at(t->slots, i);
        if (p->rank == FH_NO_TOKEN || (p->left == left && p->right == right))
            return i;
    }
}

bool fh_pair_table_put(fh_pair_table *t, fh_pair pair) {
    fh_pair *p = fh_pairs_at(t->slots, pair_slot(t, pair.left, pair.right));
    if (p->rank != FH_NO_TOKEN)
        return false;
    *p = pair;
    return true;
}

fh_pair fh_pair_table_find(const fh_pair_table *t, uint32_t left, uint32_t right) {
    if (t->slots.count == 0)
        return (fh_pair){.rank = FH_NO_TOKEN};
    return fh_pairs_get(t->slots, pair_slot(t, left, right));
}
