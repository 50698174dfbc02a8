/* hnsw.c: a graph's life, and searches (hnsw.h). Building is in hnsw_build.c, walking in hnsw_walk.c.
 *
 * All arrays have room for rows_max rows from the beginning, so that nothing ever moves under a reader; memory that no row has
 * reached costs address space only. Threading: hnsw.h. */
#include "freehold/checked.h"
#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "freehold/share.h"
#include "index/hnsw_impl.h"
#include "index/vector.h"

enum { LINKS = 16, EFFORT = 200, SEARCH_EFFORT = 64 };

static fh_status look_at_options(fh_isa isa, const fh_hnsw_options *o, fh_err *err) {
    if (o->dim == 0 || o->dim > FH_TILE_DIM_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "vectors of %zu elements, expected 1 to %d", o->dim,
                       FH_TILE_DIM_MAX);
    if (o->rows_max == 0 || o->rows_max > FH_HNSW_ROWS_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "at most %zu rows, expected 1 to 2^31", o->rows_max);
    if (o->links == 1 || o->links > FH_HNSW_LINKS_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "%u links, expected 2 to %d", o->links, FH_HNSW_LINKS_MAX);
    if (o->effort > FH_HNSW_EFFORT_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "an effort of %u, expected 1 to %d", o->effort, FH_HNSW_EFFORT_MAX);
    if (o->metric >= FH_METRIC_COUNT)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "metric %u, expected 0 to %u", (unsigned)o->metric,
                       (unsigned)FH_METRIC_COUNT - 1);
    if (isa > fh_isa_best())
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "instruction set %u, expected 0 to %u (%s)", (unsigned)isa,
                       (unsigned)fh_isa_best(), fh_isa_name(fh_isa_best()));
    return FH_DONE;
}

static fh_status make_arrays(fh_hnsw *h, bool is_view) {
    size_t rows = h->options.rows_max, elements, slots;
    if (!fh_mul_size(rows, h->options.dim, &elements) || !fh_mul_size(rows, 2 * (size_t)h->options.links, &slots))
        return FH_STATUS(FH_NOMEM);
    FH_TRY(fh_f32s_new(h->allocator, is_view ? 0 : elements, &h->vectors));
    FH_TRY(fh_f32s_new(h->allocator, h->options.metric == FH_METRIC_COSINE ? rows : 0, &h->scales));
    FH_TRY(fh_u64s_new(h->allocator, rows, &h->ids));
    FH_TRY(fh_u32s_new(h->allocator, is_view ? 0 : slots, &h->slots));
    FH_TRY(fh_uppers_new(h->allocator, rows, &h->uppers));
    FH_TRY(fh_u32s_new(h->allocator, rows, &h->gone));
    FH_TRY(fh_u32s_new(h->allocator, rows, &h->parents));
    return fh_u32s_new(h->allocator, rows, &h->children);
}

fh_status fh_hnsw_make(fh_allocator *a, fh_isa isa, const fh_hnsw_options *options, bool is_view, fh_hnsw **out,
                       fh_err *err) {
    *out = NULL;
    FH_TRY(look_at_options(isa, options, err));
    fh_hnsw *h = fh_alloc(a, 1, sizeof *h);
    if (h == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a graph");
    *h = (fh_hnsw){.allocator = a, .options = *options, .isa = isa, .map = {.allocator = a, .seed = fh_mix64(options->seed)}};
    h->options.links = options->links != 0 ? options->links : LINKS;
    h->options.effort = options->effort != 0 ? options->effort : EFFORT;
    h->level_scale = 1.0 / fh_log((double)h->options.links);
    if (fh_failed(make_arrays(h, is_view))) {
        fh_hnsw_free(h);
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a graph of %zu rows", options->rows_max);
    }
    *out = h;
    return FH_DONE;
}

fh_status fh_hnsw_new(fh_allocator *a, fh_isa isa, const fh_hnsw_options *options, fh_hnsw **out, fh_err *err) {
    return fh_hnsw_make(a, isa, options, false, out, err);
}

static void free_uppers(fh_allocator *a, fh_uppers uppers) {
    for (size_t i = 0; i < uppers.count; i++) {
        fh_upper *upper = fh_uppers_at(uppers, i);
        fh_u32s_free(a, &upper->slots);
        upper->slots = (fh_u32s){NULL, 0};
    }
}

void fh_hnsw_free(fh_hnsw *h) {
    if (h == NULL)
        return;
    uint32_t holder = fh_load(&h->holder, FH_ACQUIRE);
    if (holder == FH_HNSW_LOST) { /* nobody knows what of it is whole */
        fh_handles_forget(h);
        return;
    }
    FH_ASSERT(holder == 0 && fh_load(&h->searching, FH_ACQUIRE) == 0);
    if (h->uppers.count != 0)
        free_uppers(h->allocator, fh_uppers_sub(h->uppers, 0, h->rows));
    fh_f32s_free(h->allocator, &h->vectors);
    fh_f32s_free(h->allocator, &h->scales);
    fh_u64s_free(h->allocator, &h->ids);
    fh_u32s_free(h->allocator, &h->slots);
    fh_uppers_free(h->allocator, &h->uppers);
    fh_u32s_free(h->allocator, &h->gone);
    fh_u32s_free(h->allocator, &h->parents);
    fh_u32s_free(h->allocator, &h->children);
    fh_idmap_deinit(&h->map);
    fh_bytes_drop(&h->file);
    fh_free(h->allocator, h);
}

bool fh_hnsw_after_fork(fh_hnsw *h) {
    uint32_t holder = fh_load(&h->holder, FH_ACQUIRE);
    bool whole = holder != FH_HNSW_CHANGES && holder != FH_HNSW_LOST;
    fh_store(&h->searching, 0, FH_RELAXED);
    fh_store(&h->holder, whole ? 0 : FH_HNSW_LOST, FH_RELEASE);
    return whole;
}

size_t fh_hnsw_count(const fh_hnsw *h) {
    return fh_load(&h->live, FH_RELAXED);
}

size_t fh_hnsw_rows(const fh_hnsw *h) {
    return fh_load(&h->rows, FH_ACQUIRE);
}

uint64_t fh_hnsw_id_max(const fh_hnsw *h) {
    uint64_t most = 0;
    for (size_t row = fh_hnsw_rows(h); row-- > 0;)
        most = fh_u64s_get(h->ids, row) > most ? fh_u64s_get(h->ids, row) : most;
    return most;
}

/* --- searching ---------------------------------------------------------------------------------------------------------- */

/* Room for `effort` rows in view. */
static fh_status widen(fh_hnsw_reader *r, size_t effort) {
    fh_hits more;
    if (effort <= r->found.count)
        return FH_DONE;
    FH_TRY(fh_hits_new(r->allocator, effort, &more));
    fh_hits_free(r->allocator, &r->found);
    r->found = more;
    return FH_DONE;
}

static size_t answer(const fh_hnsw *h, fh_hnsw_reader *r, fh_f32s query, float scale, size_t effort,
                     const fh_hit_filter *filter, fh_hits hits) {
    uint64_t entry = fh_load(&h->entry, FH_ACQUIRE);
    if (entry == 0)
        return 0;
    fh_hnsw_walk(h, r, query, scale, entry, 0, effort, (fh_hnsw_wish){true, filter});
    size_t count = r->found_count < hits.count ? r->found_count : hits.count;
    for (size_t i = 0; i < count; i++) {
        fh_hit hit = fh_hits_get(r->found, i);
        fh_hits_set(hits, i, (fh_hit){fh_u64s_get(h->ids, (size_t)hit.id), fh_vector_score(h->options.metric, hit.score)});
    }
    return count;
}

/* Equal scores by the lower id: within a walk they go by row. */
static void order_equals(fh_hits hits) {
    for (size_t i = 1; i < hits.count; i++) {
        fh_hit moving = fh_hits_get(hits, i);
        size_t at = i;
        for (; at > 0 && fh_hits_at(hits, at - 1)->score == moving.score && fh_hits_at(hits, at - 1)->id > moving.id; at--)
            fh_hits_set(hits, at, fh_hits_get(hits, at - 1));
        fh_hits_set(hits, at, moving);
    }
}

fh_status fh_hnsw_search(fh_hnsw *h, fh_hnsw_reader *r, fh_f32s query, size_t k, size_t effort, const fh_hit_filter *filter,
                         fh_hits hits, size_t *count, fh_err *err) {
    double squares;
    *count = 0;
    if (query.count != h->options.dim || hits.count != k)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "a query of %zu elements and room for %zu hits, expected %zu and %zu",
                       query.count, hits.count, h->options.dim, k);
    effort = effort != 0 ? effort : SEARCH_EFFORT;
    effort = effort > k ? effort : k;
    if (k == 0 || effort > FH_HITS_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "the %zu best with an effort of %zu, expected 1 to %d", k, effort,
                       FH_HITS_MAX);
    if (!fh_hnsw_fits(h, r))
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "a reader for another graph, which is smaller");
    FH_TRY(fh_vector_look(h->options.metric, "query", 0, query, &squares, err));
    if (fh_failed(widen(r, effort)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for an effort of %zu", effort);
    bool is_cosine = h->options.metric == FH_METRIC_COSINE;
    (void)fh_fetch_add(&h->searching, 1, FH_ACQUIRE);
    *count = answer(h, r, query, is_cosine ? (float)(1.0 / fh_sqrt(squares)) : 1.0f, effort, filter, hits);
    (void)fh_fetch_sub(&h->searching, 1, FH_RELEASE);
    order_equals(fh_hits_sub(hits, 0, *count));
    return FH_DONE;
}
