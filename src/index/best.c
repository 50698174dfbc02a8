/* best.c: the k best of many, in a bounded heap (best.h). Threading: one thread at a time. */
#include "index/best.h"

static bool is_worse(fh_hit a, fh_hit b) {
    return a.score > b.score || (a.score == b.score && a.id > b.id);
}

/* Lets the hit at `at` sink below whatever is worse, among the first `count`. */
static void sink(fh_hits h, size_t count, size_t at) {
    fh_hit moving = fh_hits_get(h, at);
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && is_worse(fh_hits_get(h, child + 1), fh_hits_get(h, child)))
            child++;
        if (!is_worse(fh_hits_get(h, child), moving))
            break;
        fh_hits_set(h, at, fh_hits_get(h, child));
        at = child;
    }
    fh_hits_set(h, at, moving);
}

void fh_best_offer(fh_best *b, uint64_t id, float key) {
    fh_hit given = {id, key};
    bool full = b->count == b->hits.count;
    if (b->hits.count == 0 || (full && !is_worse(fh_hits_get(b->hits, 0), given)))
        return;
    if (b->filter != NULL && !b->filter->accepts(b->filter->ctx, id))
        return;
    if (full) {
        fh_hits_set(b->hits, 0, given);
        sink(b->hits, b->count, 0);
        return;
    }
    size_t at = b->count++;
    for (; at > 0 && is_worse(given, fh_hits_get(b->hits, (at - 1) / 2)); at = (at - 1) / 2)
        fh_hits_set(b->hits, at, fh_hits_get(b->hits, (at - 1) / 2));
    fh_hits_set(b->hits, at, given);
}

void fh_best_sort(fh_best *b) {
    for (size_t left = b->count; left > 1; left--) {
        fh_hit worst = fh_hits_get(b->hits, 0);
        fh_hits_set(b->hits, 0, fh_hits_get(b->hits, left - 1));
        sink(b->hits, left - 1, 0);
        fh_hits_set(b->hits, left - 1, worst);
    }
}
