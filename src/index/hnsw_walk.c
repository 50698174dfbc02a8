/* hnsw_walk.c: walks through a graph: from link to link, nearest row first, until none in view is nearer (hnsw_impl.h).
 *
 * It runs beside changes. Slots are read with acquire, so what they lead to is written; a slot that changes meanwhile leads to
 * what it led to before or after. Keys are compared as (key, row), so a walk of an unchanging graph is the same each time.
 * Threading: a reader belongs to one thread. */
#include "freehold/fmath.h"
#include "freehold/score.h"
#include "index/hnsw_impl.h"

fh_u32s fh_hnsw_slots(const fh_hnsw *h, uint32_t row, size_t level) {
    size_t links = h->options.links;
    if (level == 0)
        return fh_u32s_sub(h->slots, 2 * links * row, 2 * links);
    return fh_u32s_sub(fh_uppers_at(h->uppers, row)->slots, links * (level - 1), links);
}

fh_f32s fh_hnsw_vector(const fh_hnsw *h, uint32_t row) {
    return fh_f32s_sub(h->vectors, row * h->options.dim, h->options.dim);
}

float fh_hnsw_scale(const fh_hnsw *h, uint32_t row) {
    return h->scales.count != 0 ? fh_f32s_get(h->scales, row) : 1.0f;
}

/* --- readers ------------------------------------------------------------------------------------------------------------ */

static fh_status make_arrays(fh_hnsw_reader *r, const fh_hnsw_options *o) {
    size_t few = 2 * (size_t)o->links + 2;
    FH_TRY(fh_u32s_new(r->allocator, o->rows_max, &r->seen));
    FH_TRY(fh_steps_new(r->allocator, o->rows_max, &r->steps));
    FH_TRY(fh_u32s_new(r->allocator, few, &r->which));
    FH_TRY(fh_u32s_new(r->allocator, few, &r->chosen));
    FH_TRY(fh_f32s_new(r->allocator, few, &r->scores));
    return fh_hits_new(r->allocator, o->effort > few ? o->effort : few, &r->found);
}

fh_status fh_hnsw_reader_make(fh_allocator *a, const fh_hnsw_options *o, fh_hnsw_reader **out) {
    *out = NULL;
    fh_hnsw_reader *r = fh_alloc(a, 1, sizeof *r);
    if (r == NULL)
        return FH_STATUS(FH_NOMEM);
    r->allocator = a;
    fh_status s = make_arrays(r, o);
    if (fh_failed(s)) {
        fh_hnsw_reader_free(r);
        return s;
    }
    *out = r;
    return FH_DONE;
}

fh_status fh_hnsw_reader_new(const fh_hnsw *h, fh_hnsw_reader **out, fh_err *err) {
    if (fh_failed(fh_hnsw_reader_make(h->allocator, &h->options, out)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a reader of %zu rows", h->options.rows_max);
    (*out)->of = h;
    return FH_DONE;
}

void fh_hnsw_reader_free(fh_hnsw_reader *r) {
    if (r == NULL)
        return;
    fh_u32s_free(r->allocator, &r->seen);
    fh_steps_free(r->allocator, &r->steps);
    fh_u32s_free(r->allocator, &r->which);
    fh_u32s_free(r->allocator, &r->chosen);
    fh_f32s_free(r->allocator, &r->scores);
    fh_hits_free(r->allocator, &r->found);
    fh_free(r->allocator, r);
}

/* --- steps: a heap, nearest first ----------------------------------------------------------------------------------------- */

static bool is_before(fh_step a, fh_step b) {
    return a.key < b.key || (a.key == b.key && a.row < b.row);
}

static void push(fh_steps steps, size_t *count, fh_step s) {
    size_t at = (*count)++;
    for (; at > 0 && is_before(s, fh_steps_get(steps, (at - 1) / 2)); at = (at - 1) / 2)
        fh_steps_set(steps, at, fh_steps_get(steps, (at - 1) / 2));
    fh_steps_set(steps, at, s);
}

static fh_step pop(fh_steps steps, size_t *count) {
    fh_step first = fh_steps_get(steps, 0), last = fh_steps_get(steps, --*count);
    size_t at = 0;
    for (size_t child = 1; child < *count; child = 2 * at + 1) {
        if (child + 1 < *count && is_before(fh_steps_get(steps, child + 1), fh_steps_get(steps, child)))
            child++;
        if (!is_before(fh_steps_get(steps, child), last))
            break;
        fh_steps_set(steps, at, fh_steps_get(steps, child));
        at = child;
    }
    fh_steps_set(steps, at, last);
    return first;
}

/* --- walking ---------------------------------------------------------------------------------------------------------- */

void fh_hnsw_score(const fh_hnsw *h, fh_hnsw_reader *r, fh_f32s query, float scale, size_t count) {
    bool is_l2 = h->options.metric == FH_METRIC_L2;
    fh_u32s which = fh_u32s_sub(r->which, 0, count);
    fh_f32s out = fh_f32s_sub(r->scores, 0, count);
    fh_status s = fh_score_rows(h->isa, h->vectors, h->options.dim, is_l2 ? FH_SCORE_DIFF : FH_SCORE_DOT, query, which, out);
    FH_ASSERT(!fh_failed(s));
    for (size_t i = 0; i < count; i++) {
        float score = fh_f32s_get(out, i);
        float key = is_l2 ? score : -(score * fh_hnsw_scale(h, fh_u32s_get(which, i)) * scale);
        fh_f32s_set(out, i, key == key ? key : __builtin_inff()); /* ∞ − ∞ of numbers near the largest: the last of all */
    }
}

/* Puts a row among those to be scored, unless this walk has met it. */
static void meet(fh_hnsw_reader *r, uint32_t row, size_t *count) {
    if (fh_u32s_get(r->seen, row) == r->stamp)
        return;
    fh_u32s_set(r->seen, row, r->stamp);
    fh_u32s_set(r->which, (*count)++, row);
}

/* Rows that the slots of `row` lead to, and that this walk has not met. */
static size_t gather(const fh_hnsw *h, fh_hnsw_reader *r, uint32_t row, size_t level) {
    fh_u32s slots = fh_hnsw_slots(h, row, level);
    size_t count = 0;
    for (size_t i = 0; i < slots.count; i++) {
        uint32_t link = fh_load(fh_u32s_at(slots, i), FH_ACQUIRE);
        if (link != 0)
            meet(r, link - 1, &count);
    }
    return count;
}

static bool may_answer(const fh_hnsw *h, fh_hnsw_wish wish, uint32_t row) {
    if (!wish.answers)
        return true;
    if (fh_load(fh_u32s_at(h->gone, row), FH_ACQUIRE) != 0)
        return false;
    return wish.filter == NULL || wish.filter->accepts(wish.filter->ctx, fh_u64s_get(h->ids, row));
}

/* Offers the rows that were scored. A row that is no answer may still lead to some. */
static void offer(const fh_hnsw *h, fh_hnsw_reader *r, size_t count, size_t effort, fh_hnsw_wish wish) {
    fh_best best = {fh_hits_sub(r->found, 0, effort), r->found_count, NULL};
    for (size_t i = 0; i < count; i++) {
        fh_step s = {fh_f32s_get(r->scores, i), fh_u32s_get(r->which, i)};
        if (best.count == effort && s.key >= fh_best_bound(&best))
            continue;
        push(r->steps, &r->step_count, s);
        if (may_answer(h, wish, s.row))
            fh_best_offer(&best, s.row, s.key);
    }
    r->found_count = best.count;
}

static void begin(fh_hnsw_reader *r) {
    r->step_count = 0;
    r->found_count = 0;
    if (++r->stamp == 0) {
        for (size_t i = 0; i < r->seen.count; i++)
            fh_u32s_set(r->seen, i, 0);
        r->stamp = 1;
    }
}

/* Walks one level from the `count` rows of r->which on. */
static void walk_level(const fh_hnsw *h, fh_hnsw_reader *r, fh_f32s query, float scale, size_t count, size_t level,
                       size_t effort,
                       fh_hnsw_wish wish) {
    fh_hnsw_score(h, r, query, scale, count);
    offer(h, r, count, effort, wish);
    while (r->step_count != 0) {
        fh_step s = pop(r->steps, &r->step_count);
        if (r->found_count == effort && s.key > fh_hits_at(r->found, 0)->score)
            break;
        size_t met = gather(h, r, s.row, level);
        fh_hnsw_score(h, r, query, scale, met);
        offer(h, r, met, effort, wish);
    }
}

void fh_hnsw_walk(const fh_hnsw *h, fh_hnsw_reader *r, fh_f32s query, float scale, uint64_t entry, size_t level, size_t effort,
                  fh_hnsw_wish wish) {
    uint32_t row = (uint32_t)entry - 1;
    for (size_t above = (size_t)(entry >> 32); above > level; above--) {
        size_t count = 0;
        begin(r);
        meet(r, row, &count);
        walk_level(h, r, query, scale, count, above, 1, (fh_hnsw_wish){false, NULL});
        row = (uint32_t)fh_hits_at(r->found, 0)->id;
    }
    size_t count = 0;
    begin(r);
    meet(r, row, &count);
    if (level == 0)
        meet(r, 0, &count); /* from there, links lead to every row */
    walk_level(h, r, query, scale, count, level, effort, wish);
    fh_best best = {fh_hits_sub(r->found, 0, effort), r->found_count, NULL};
    fh_best_sort(&best);
}
