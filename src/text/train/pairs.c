/* pairs.c: counts of pairs, and the queue of the best ones (train_impl.h).
 *
 * The table is open addressing with linear probes. The queue is a heap of four children a node; what it holds may be out of
 * date, which the trainer finds out when a candidate comes to the top.
 * Threading: one thread at a time. */
#include "freehold/hash.h"
#include "text/train/train_impl.h"

enum { CELLS_MIN = 256, CHILDREN = 4 };

/* --- counts ------------------------------------------------------------------------------------------------------------ */

static size_t cell_of(fh_bigrams cells, uint64_t pair) {
    size_t mask = cells.count - 1, at = (size_t)fh_mix64(pair) & mask;
    for (;; at = (at + 1) & mask) {
        uint64_t found = fh_bigrams_at(cells, at)->pair;
        if (found == pair || found == FH_TRAIN_NO_PAIR)
            return at;
    }
}

fh_status fh_bigram_reserve(fh_bigram_table *t, size_t more) {
    size_t need, want = t->cells.count != 0 ? t->cells.count : CELLS_MIN;
    if (!fh_add_size(t->count, more, &need))
        return FH_STATUS(FH_NOMEM);
    while (want / 2 < need)
        if (!fh_mul_size(want, 2, &want))
            return FH_STATUS(FH_NOMEM);
    if (want == t->cells.count)
        return FH_DONE;
    fh_bigrams cells;
    FH_TRY(fh_bigrams_new(t->allocator, want, &cells));
    for (size_t i = 0; i < want; i++)
        fh_bigrams_at(cells, i)->pair = FH_TRAIN_NO_PAIR;
    for (size_t i = 0; i < t->cells.count; i++) {
        fh_bigram cell = fh_bigrams_get(t->cells, i);
        if (cell.pair != FH_TRAIN_NO_PAIR)
            fh_bigrams_set(cells, cell_of(cells, cell.pair), cell);
    }
    fh_bigrams_free(t->allocator, &t->cells);
    t->cells = cells;
    return FH_DONE;
}

fh_bigram *fh_bigram_at(fh_bigram_table *t, uint64_t pair) {
    fh_bigram *cell = fh_bigrams_at(t->cells, cell_of(t->cells, pair));
    if (cell->pair != pair) {
        FH_ASSERT(t->count < t->cells.count / 2);
        t->count++;
        cell->pair = pair;
    }
    return cell;
}

void fh_bigram_clear(fh_bigram_table *t) {
    fh_bigrams_free(t->allocator, &t->cells);
    t->cells = (fh_bigrams){NULL, 0};
    t->count = 0;
}

void fh_bigram_deinit(fh_bigram_table *t) {
    fh_bigrams_free(t->allocator, &t->cells);
    t->count = 0;
}

/* --- the queue --------------------------------------------------------------------------------------------------------- */

/* Equal candidates (a pair that comes again, from other words) go by the place of their words. */
static bool better(const fh_candidate *a, const fh_candidate *b) {
    if (a->count != b->count)
        return a->count > b->count;
    return a->pair != b->pair ? a->pair < b->pair : a->at < b->at;
}

fh_status fh_candidate_put(fh_candidate_list *q, fh_candidate c) {
    FH_TRY(fh_candidate_list_put(q, c));
    size_t at = q->count - 1;
    while (at > 0) {
        size_t parent = (at - 1) / CHILDREN;
        fh_candidate above = fh_candidates_get(q->items, parent);
        if (!better(&c, &above))
            break;
        fh_candidates_set(q->items, at, above);
        at = parent;
    }
    fh_candidates_set(q->items, at, c);
    return FH_DONE;
}

fh_candidate fh_candidate_take(fh_candidate_list *q) {
    fh_candidate top = fh_candidates_get(q->items, 0), last = fh_candidates_get(q->items, --q->count);
    size_t at = 0;
    for (;;) {
        size_t first = at * CHILDREN + 1, best = first;
        if (first >= q->count)
            break;
        for (size_t child = first + 1; child < first + CHILDREN && child < q->count; child++)
            if (better(fh_candidates_at(q->items, child), fh_candidates_at(q->items, best)))
                best = child;
        fh_candidate below = fh_candidates_get(q->items, best);
        if (!better(&below, &last))
            break;
        fh_candidates_set(q->items, at, below);
        at = best;
    }
    fh_candidates_set(q->items, at, last);
    return top;
}
