/* hnsw_walk.c: walks through a graph: from link to link, nearest row first, until none in view is nearer (hnsw_impl.h).
 *
 * It runs beside changes. Slots are read with acquire, so what they lead to is written; a slot that changes meanwhile leads to
 * what it led to before or after. A walk that gets long becomes a scan. Keys are compared as (key, row), so a walk of an
 * unchanging graph is the same each time. Threading: a reader belongs to one thread. */
#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "freehold/score.h"
#include "index/hnsw_impl.h"

fh_span fh_hnsw_vectors(const fh_hnsw *h) {
    return h->file.span.size != 0 ? fh_span_sub(h->file.span, h->stored_vectors, h->stored_slots - h->stored_vectors)
                                  : fh_span_of_mut(fh_f32s_bytes(h->vectors));
}

fh_span fh_hnsw_low_slots(const fh_hnsw *h) {
    if (h->file.span.size != 0)
        return fh_span_from(h->file.span, h->stored_slots);
    return fh_span_of_mut(fh_u32s_bytes(h->slots));
}

void fh_hnsw_read(const fh_hnsw *h, uint32_t row, fh_f32s out) {
    fh_span all = fh_hnsw_vectors(h);
    for (size_t c = 0; c < out.count; c++)
        fh_f32s_set(out, c, fh_f32_of_bits(fh_span_u32(all, (row * out.count + c) * sizeof(float))));
}

size_t fh_hnsw_width(const fh_hnsw *h, size_t level) {
    return level == 0 ? 2 * (size_t)h->options.links : h->options.links;
}

uint32_t fh_hnsw_link(const fh_hnsw *h, uint32_t row, size_t level, size_t i) {
    if (level == 0 && h->file.span.size != 0)
        return fh_span_u32(h->file.span, h->stored_slots + (row * fh_hnsw_width(h, 0) + i) * sizeof(uint32_t));
    return fh_load(fh_u32s_at(fh_hnsw_slots(h, row, level), i), FH_ACQUIRE);
}

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

/* A walk for answers gives way to a scan of all rows once it has cost as much, if most of what it meets is no answer. So
 * a filter that accepts few costs about twice a scan at most, and the answer is exact then. In the time of a row that a scan
 * passes over, it scores a ninth of one, and a walk meets a 27th (Zen 4, 128 elements: 2.8, 25 and 75 ns). */
static const double scan_score = 9.0, scan_meet = 27.0;

/* --- readers ------------------------------------------------------------------------------------------------------------ */

/* The most rows that are scored at once: what a full row leads to, and one more. */
static size_t few_of(const fh_hnsw_options *o) {
    return 2 * (size_t)o->links + 2;
}

bool fh_hnsw_fits(const fh_hnsw *h, const fh_hnsw_reader *r) {
    return r->seen.count >= h->options.rows_max && r->which.count >= few_of(&h->options) &&
           r->found.count >= h->options.effort;
}

static fh_status make_arrays(fh_hnsw_reader *r, const fh_hnsw_options *o) {
    size_t few = few_of(o);
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
    fh_status s = fh_score_rows(h->isa, fh_hnsw_vectors(h), h->options.dim, is_l2 ? FH_SCORE_DIFF : FH_SCORE_DOT, query, which,
                                out);
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
    size_t count = 0, width = fh_hnsw_width(h, level);
    for (size_t i = 0; i < width; i++) {
        uint32_t link = fh_hnsw_link(h, row, level, i);
        if (link != 0 && link <= r->seen.count) /* a mapped file may change after it was checked */
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

/* What a walk for answers has met so far. */
typedef struct tally {
    size_t rows; /* there are */
    size_t met, asked, accepted;
} tally;

static bool is_scan_better(const tally *t) {
    double share = t->asked != 0 ? (double)t->accepted / (double)t->asked : 1.0;
    return share < 0.5 && (double)t->met * scan_meet > (double)t->rows * (1.0 + scan_score * share);
}

/* Offers the rows that were scored. A row that is no answer may still lead to some. */
static void offer(const fh_hnsw *h, fh_hnsw_reader *r, size_t count, size_t effort, fh_hnsw_wish wish, tally *t) {
    fh_best best = {fh_hits_sub(r->found, 0, effort), r->found_count, NULL};
    for (size_t i = 0; i < count; i++) {
        fh_step s = {fh_f32s_get(r->scores, i), fh_u32s_get(r->which, i)};
        if (best.count == effort && s.key >= fh_best_bound(&best))
            continue;
        push(r->steps, &r->step_count, s);
        t->asked++;
        if (may_answer(h, wish, s.row)) {
            t->accepted++;
            fh_best_offer(&best, s.row, s.key);
        }
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

/* Walks one level from the `count` rows of r->which on. False if a scan of t->rows rows is the better way. */
static bool walk_level(const fh_hnsw *h, fh_hnsw_reader *r, fh_f32s query, float scale, size_t count, size_t level,
                       size_t effort, fh_hnsw_wish wish, tally *t) {
    fh_hnsw_score(h, r, query, scale, count);
    offer(h, r, count, effort, wish, t);
    while (r->step_count != 0) {
        fh_step s = pop(r->steps, &r->step_count);
        if (r->found_count == effort && s.key > fh_hits_at(r->found, 0)->score)
            break;
        size_t met = gather(h, r, s.row, level);
        t->met += met;
        if (is_scan_better(t))
            return false;
        fh_hnsw_score(h, r, query, scale, met);
        offer(h, r, met, effort, wish, t);
    }
    return true;
}

/* Looks at each of the first `rows` rows that may be an answer. */
static void scan(const fh_hnsw *h, fh_hnsw_reader *r, fh_f32s query, float scale, size_t rows, size_t effort,
                 fh_hnsw_wish wish) {
    r->found_count = 0;
    for (uint32_t row = 0; row < rows;) {
        size_t count = 0;
        for (; row < rows && count < r->which.count; row++)
            if (may_answer(h, wish, row))
                fh_u32s_set(r->which, count++, row);
        fh_hnsw_score(h, r, query, scale, count);
        fh_best best = {fh_hits_sub(r->found, 0, effort), r->found_count, NULL};
        for (size_t i = 0; i < count; i++)
            fh_best_offer(&best, fh_u32s_get(r->which, i), fh_f32s_get(r->scores, i));
        r->found_count = best.count;
    }
}

void fh_hnsw_walk(const fh_hnsw *h, fh_hnsw_reader *r, fh_f32s query, float scale, uint64_t entry, size_t level, size_t effort,
                  fh_hnsw_wish wish) {
    tally t = {.rows = fh_load(&h->rows, FH_ACQUIRE)};
    uint32_t row = (uint32_t)entry - 1;
    for (size_t above = (size_t)(entry >> 32); above > level; above--) {
        size_t count = 0;
        begin(r);
        meet(r, row, &count);
        (void)walk_level(h, r, query, scale, count, above, 1, (fh_hnsw_wish){false, NULL}, &(tally){0});
        row = (uint32_t)fh_hits_at(r->found, 0)->id;
    }
    size_t count = 0;
    begin(r);
    meet(r, row, &count);
    if (level == 0)
        meet(r, 0, &count); /* from there, links lead to every row */
    if (!walk_level(h, r, query, scale, count, level, effort, wish, &t))
        scan(h, r, query, scale, t.rows, effort, wish);
    fh_best best = {fh_hits_sub(r->found, 0, effort), r->found_count, NULL};
    fh_best_sort(&best);
}
