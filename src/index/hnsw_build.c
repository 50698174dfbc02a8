/* hnsw_build.c: changes of a graph (hnsw.h).
 *
 * An addition writes its vectors as rows that nobody is led to, and then links them, round by round: a sixteenth of what is
 * there at a time, and at most ROUND_ROWS. In a round, each new row walks the graph as it was before, and fills its own slots;
 * each gets a parent, one after the other; then the rows chosen are linked back. Both walks and links back are divided among
 * threads, the latter by the row that is linked from, each in the order of the new rows. So nothing depends on the number of
 * threads.
 *
 * A full row keeps its children, and of the others those that are nearer to it than to any that it keeps already (Malkov and
 * Yashunin, algorithm 4). Threading: hnsw.h. */
#include "freehold/checked.h"
#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "index/hnsw_impl.h"
#include "index/vector.h"

enum { ROUND_ROWS = 256, COPY_ROWS = 4096 };

/* --- choosing ----------------------------------------------------------------------------------------------------------- */

/* True if none of the chosen is nearer to `row` than `key`. */
static bool is_apart(const fh_hnsw *h, fh_hnsw_reader *r, uint32_t row, float key, size_t chosen) {
    for (size_t i = 0; i < chosen; i++)
        fh_u32s_set(r->which, i, fh_u32s_get(r->chosen, i));
    fh_hnsw_score(h, r, fh_hnsw_vector(h, row), fh_hnsw_scale(h, row), chosen);
    for (size_t i = 0; i < chosen; i++)
        if (fh_f32s_get(r->scores, i) < key)
            return false;
    return true;
}

/* Chooses up to `most` of r->found, nearest first; children of `parent` in any case (UINT32_MAX: there are none). */
static size_t choose(const fh_hnsw *h, fh_hnsw_reader *r, size_t most, uint32_t parent) {
    size_t chosen = 0, children = 0;
    for (size_t i = 0; i < r->found_count && parent != UINT32_MAX; i++)
        children += fh_u32s_get(h->parents, (size_t)fh_hits_at(r->found, i)->id) == parent;
    for (size_t i = 0; i < r->found_count && chosen < most; i++) {
        fh_hit hit = fh_hits_get(r->found, i);
        uint32_t row = (uint32_t)hit.id;
        bool is_child = parent != UINT32_MAX && fh_u32s_get(h->parents, row) == parent;
        if (!is_child && (chosen + children >= most || !is_apart(h, r, row, hit.score, chosen)))
            continue;
        children -= is_child;
        fh_u32s_set(r->chosen, chosen++, row);
    }
    return chosen;
}

/* --- linking ------------------------------------------------------------------------------------------------------------ */

/* Fills the slots of a new row, at each level that the graph had before. */
static void link_out(const fh_hnsw *h, fh_hnsw_reader *r, uint32_t row, uint64_t entry) {
    size_t top = (size_t)(entry >> 32), level = fh_hnsw_level(h, row), effort = h->options.effort;
    for (size_t l = (level < top ? level : top) + 1; l-- > 0;) {
        fh_hnsw_walk(h, r, fh_hnsw_vector(h, row), fh_hnsw_scale(h, row), entry, l, effort, (fh_hnsw_wish){false, NULL});
        size_t chosen = choose(h, r, h->options.links, UINT32_MAX);
        fh_u32s slots = fh_hnsw_slots(h, row, l);
        for (size_t i = 0; i < chosen; i++)
            fh_store(fh_u32s_at(slots, i), fh_u32s_get(r->chosen, i) + 1, FH_RELEASE);
    }
}

/* The rows that a full row `from` leads to, and `row`, by their distance from it, into r->found. */
static void rank(const fh_hnsw *h, fh_hnsw_reader *r, uint32_t from, uint32_t row, fh_u32s slots) {
    size_t count = slots.count + 1;
    for (size_t i = 0; i < slots.count; i++)
        fh_u32s_set(r->which, i, fh_load(fh_u32s_at(slots, i), FH_RELAXED) - 1);
    fh_u32s_set(r->which, slots.count, row);
    fh_hnsw_score(h, r, fh_hnsw_vector(h, from), fh_hnsw_scale(h, from), count);
    fh_best best = {fh_hits_sub(r->found, 0, count), 0, NULL};
    for (size_t i = 0; i < count; i++)
        fh_best_offer(&best, fh_u32s_get(r->which, i), fh_f32s_get(r->scores, i));
    fh_best_sort(&best);
    r->found_count = count;
}

static bool is_among(fh_u32s chosen, uint32_t row) {
    for (size_t i = 0; i < chosen.count; i++)
        if (fh_u32s_get(chosen, i) == row)
            return true;
    return false;
}

/* Keeps the chosen of a full row's links where they are, and puts `row` into the first slot that this frees, if it is one of
 * them. */
static void replace(fh_u32s slots, fh_u32s chosen, uint32_t row) {
    uint32_t put = is_among(chosen, row) ? row + 1 : 0;
    for (size_t i = 0; i < slots.count; i++) {
        if (is_among(chosen, fh_load(fh_u32s_at(slots, i), FH_RELAXED) - 1))
            continue;
        fh_store(fh_u32s_at(slots, i), put, FH_RELEASE);
        put = 0;
    }
}

/* Links `from` to `row`, or not, where `from` is full. One thread at a time for each `from`. */
static void link_to(const fh_hnsw *h, fh_hnsw_reader *r, uint32_t from, uint32_t row, size_t level) {
    fh_u32s slots = fh_hnsw_slots(h, from, level);
    for (size_t i = 0; i < slots.count; i++) {
        uint32_t link = fh_load(fh_u32s_at(slots, i), FH_RELAXED);
        if (link == row + 1)
            return;
        if (link == 0) {
            fh_store(fh_u32s_at(slots, i), row + 1, FH_RELEASE);
            return;
        }
    }
    rank(h, r, from, row, slots);
    size_t chosen = choose(h, r, slots.count, level == 0 ? from : UINT32_MAX);
    replace(slots, fh_u32s_sub(r->chosen, 0, chosen), row);
}

/* Chooses a row's parent: the nearest of those it leads to that has few children, or the row before, which nobody has chosen
 * yet. */
static void find_parent(fh_hnsw *h, uint32_t row) {
    fh_u32s slots = fh_hnsw_slots(h, row, 0);
    uint32_t parent = row;
    for (size_t i = 0; i < slots.count && parent == row; i++) {
        uint32_t link = fh_load(fh_u32s_at(slots, i), FH_RELAXED);
        if (link != 0 && fh_u32s_get(h->children, link - 1) < h->options.links)
            parent = link - 1;
    }
    parent = parent != row ? parent : row - 1;
    fh_u32s_set(h->parents, row, parent);
    fh_u32s_set(h->children, parent, fh_u32s_get(h->children, parent) + 1);
}

/* --- rounds ------------------------------------------------------------------------------------------------------------- */

/* What the threads of a round share. */
typedef struct round {
    fh_ref fh_hnsw *h;
    fh_ref const fh_hnsw_writer *w;
    uint64_t entry;
    uint32_t first, count;
} round;

static void walk_part(void *arg, unsigned part, unsigned parts) {
    const round *a = arg;
    fh_hnsw_reader *r = fh_builders_at(a->w->builders, part)->reader;
    fh_range share = fh_par_share(a->count, part, parts);
    for (size_t i = share.from; i < share.to; i++)
        link_out(a->h, r, a->first + (uint32_t)i, a->entry);
}

/* Links back from the rows that fall to this part. */
static void link_part(void *arg, unsigned part, unsigned parts) {
    const round *a = arg;
    const fh_hnsw *h = a->h;
    fh_hnsw_reader *r = fh_builders_at(a->w->builders, part)->reader;
    for (uint32_t row = a->first; row < a->first + a->count; row++) {
        for (size_t level = fh_hnsw_level(h, row) + 1; level-- > 0;) {
            fh_u32s slots = fh_hnsw_slots(h, row, level);
            for (size_t i = 0; i < h->options.links; i++) {
                uint32_t link = fh_load(fh_u32s_at(slots, i), FH_RELAXED);
                if (link != 0 && link - 1 < a->first && (link - 1) % parts == part)
                    link_to(h, r, link - 1, row, level);
            }
        }
        uint32_t parent = fh_u32s_get(h->parents, row);
        if (parent % parts == part)
            link_to(h, r, parent, row, 0);
    }
}

/* Rows [first, first + count) become part of the graph. Where walks begin moves up to the first row of a higher level. */
static void link_rows(const fh_par *par, round *a) {
    a->entry = fh_load(&a->h->entry, FH_RELAXED);
    if (a->entry != 0) {
        fh_par_run(par, walk_part, a);
        for (uint32_t row = a->first; row < a->first + a->count; row++)
            find_parent(a->h, row);
        fh_par_run(par, link_part, a);
    }
    for (uint32_t row = a->first; row < a->first + a->count; row++) {
        uint64_t level = fh_hnsw_level(a->h, row);
        if (a->entry == 0 || level > a->entry >> 32)
            a->entry = level << 32 | (row + 1);
    }
    fh_store(&a->h->entry, a->entry, FH_RELEASE);
}

/* Links the `count` rows behind the last. */
static void enter(fh_hnsw *h, const fh_hnsw_writer *w, const fh_par *par, size_t count) {
    size_t after = h->rows + count;
    round a = {.h = h, .w = w};
    for (size_t row = h->rows; row < after; row += a.count) {
        size_t some = row / 16 < ROUND_ROWS ? row / 16 : ROUND_ROWS, left = after - row;
        a.first = (uint32_t)row;
        a.count = (uint32_t)(some < 1 ? 1 : some < left ? some : left);
        link_rows(par, &a);
        fh_store(&h->rows, row + a.count, FH_RELEASE); /* whoever looks at all rows sees them whole */
    }
}

/* --- writers ------------------------------------------------------------------------------------------------------------ */

fh_status fh_hnsw_writer_new(const fh_hnsw *h, unsigned threads, fh_hnsw_writer **out, fh_err *err) {
    *out = NULL;
    if (threads == 0 || threads > FH_HNSW_THREADS_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "%u threads, expected 1 to %d", threads, FH_HNSW_THREADS_MAX);
    fh_hnsw_writer *w = fh_alloc(h->allocator, 1, sizeof *w);
    if (w == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a writer");
    w->allocator = h->allocator;
    fh_status s = fh_builders_new(w->allocator, threads, &w->builders);
    for (size_t i = 0; i < threads && !fh_failed(s); i++)
        s = fh_hnsw_reader_make(w->allocator, &h->options, &fh_builders_at(w->builders, i)->reader);
    if (fh_failed(s)) {
        fh_hnsw_writer_free(w);
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a writer of %u threads", threads);
    }
    *out = w;
    return FH_DONE;
}

void fh_hnsw_writer_free(fh_hnsw_writer *w) {
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->builders.count; i++) {
        fh_builder *b = fh_builders_at(w->builders, i);
        fh_hnsw_reader_free(b->reader);
        b->reader = NULL;
    }
    fh_builders_free(w->allocator, &w->builders);
    fh_free(w->allocator, w);
}

/* --- adding ------------------------------------------------------------------------------------------------------------- */

/* The level of an id: l or above for one of links^l of them. */
static size_t level_of_id(const fh_hnsw *h, uint64_t id) {
    double u = (double)((fh_mix64(id ^ h->map.seed) >> 11) + 1) * 0x1p-53;
    size_t level = (size_t)(-fh_log(u) * h->level_scale); /* of at most 53 · ln 2 / ln 2 */
    return level < FH_HNSW_LEVEL_MAX ? level : FH_HNSW_LEVEL_MAX;
}

/* Writes a vector as a row that nothing leads to yet. */
static fh_status put_row(fh_hnsw *h, uint32_t row, size_t i, uint64_t id, fh_f32s x, fh_err *err) {
    double squares;
    FH_TRY(fh_vector_look(h->options.metric, "vector", i, x, &squares, err));
    size_t slots = level_of_id(h, id) * h->options.links;
    if (fh_failed(fh_u32s_new(h->allocator, slots, &fh_uppers_at(h->uppers, row)->slots)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for vector %zu", i);
    fh_f32s to = fh_hnsw_vector(h, row);
    for (size_t c = 0; c < x.count; c++)
        fh_f32s_set(to, c, fh_f32s_get(x, c));
    fh_u64s_set(h->ids, row, id);
    if (h->scales.count != 0)
        fh_f32s_set(h->scales, row, (float)(1.0 / fh_sqrt(squares)));
    return FH_DONE;
}

/* Undoes put_row. */
static void drop_row(fh_hnsw *h, uint32_t row) {
    fh_upper *upper = fh_uppers_at(h->uppers, row);
    fh_u32s_free(h->allocator, &upper->slots);
    upper->slots = (fh_u32s){NULL, 0};
}

/* What a change needs before it begins: a writer of this graph, and room for `count` rows more. */
static fh_status prepare(fh_hnsw *h, const fh_hnsw_writer *w, const fh_par *par, size_t count, fh_err *err) {
    if (par != NULL && par->width > w->builders.count)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "a writer for %zu threads, expected %u", w->builders.count, par->width);
    for (size_t i = 0; i < w->builders.count; i++)
        if (fh_builders_at(w->builders, i)->reader == NULL || !fh_hnsw_fits(h, fh_builders_at(w->builders, i)->reader))
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "a writer for another graph, which is smaller");
    if (count > h->options.rows_max - h->rows)
        return fh_fail(err, FH_EXHAUSTED, FH_NO_OFFSET, "%zu vectors more, but room for %zu of %zu", count,
                       h->options.rows_max - h->rows, h->options.rows_max);
    if (fh_failed(fh_idmap_reserve(&h->map, h->live + count)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for %zu vectors more", count);
    return FH_DONE;
}

static fh_status add_all(fh_hnsw *h, const fh_hnsw_writer *w, const fh_par *par, fh_u64s ids, fh_f32s vectors, fh_err *err) {
    size_t dim = h->options.dim, done = 0;
    FH_TRY(prepare(h, w, par, ids.count, err));
    fh_status s = FH_DONE;
    for (; done < ids.count; done++) {
        uint64_t id = fh_u64s_get(ids, done);
        uint32_t row = (uint32_t)(h->rows + done);
        s = put_row(h, row, done, id, fh_f32s_sub(vectors, done * dim, dim), err);
        if (fh_failed(s))
            break;
        if (!fh_idmap_add(&h->map, id, row)) {
            drop_row(h, row);
            s = fh_fail(err, FH_INVALID, FH_NO_OFFSET, "vector %zu has id %llu, which another one has", done,
                        (unsigned long long)id);
            break;
        }
    }
    if (fh_failed(s)) {
        while (done-- > 0) {
            fh_idmap_remove(&h->map, fh_u64s_get(ids, done));
            drop_row(h, (uint32_t)(h->rows + done));
        }
        return s;
    }
    enter(h, w, par, ids.count);
    fh_store(&h->live, h->live + ids.count, FH_RELAXED);
    return FH_DONE;
}

static fh_status begin(fh_hnsw *h, fh_err *err) {
    if (h->file.span.size != 0)
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "the graph is a view of its file, which does not change");
    if (!fh_hnsw_hold(h, FH_HNSW_CHANGES))
        return fh_hnsw_busy(h, err);
    return FH_DONE;
}

fh_status fh_hnsw_add(fh_hnsw *h, fh_hnsw_writer *w, const fh_par *par, fh_u64s ids, fh_f32s vectors, fh_err *err) {
    size_t dim = h->options.dim;
    if (vectors.count / dim != ids.count || vectors.count % dim != 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%zu numbers for %zu vectors, expected %zu each", vectors.count,
                       ids.count, dim);
    FH_TRY(begin(h, err));
    fh_status s = add_all(h, w, par, ids, vectors, err);
    fh_hnsw_let_go(h);
    return s;
}

/* --- removing and reading ------------------------------------------------------------------------------------------------- */

static void bury(fh_hnsw *h, size_t row) {
    fh_store(fh_u32s_at(h->gone, row), 1, FH_RELEASE);
}

fh_status fh_hnsw_remove(fh_hnsw *h, uint64_t id) {
    if (h->file.span.size != 0)
        return FH_STATUS(FH_UNSUPPORTED);
    if (!fh_hnsw_hold(h, FH_HNSW_CHANGES))
        return FH_STATUS(FH_BORROWED);
    size_t row = fh_idmap_find(&h->map, id);
    if (row != SIZE_MAX) {
        bury(h, row);
        fh_idmap_remove(&h->map, id);
        fh_store(&h->live, h->live - 1, FH_RELAXED);
    }
    fh_hnsw_let_go(h);
    return FH_STATUS(row != SIZE_MAX ? FH_OK : FH_NOT_FOUND);
}

static fh_status update(fh_hnsw *h, const fh_hnsw_writer *w, uint64_t id, fh_f32s vector, fh_err *err) {
    size_t old = fh_idmap_find(&h->map, id);
    if (old == SIZE_MAX)
        return fh_fail(err, FH_NOT_FOUND, FH_NO_OFFSET, "no vector has id %llu", (unsigned long long)id);
    FH_TRY(prepare(h, w, NULL, 1, err));
    FH_TRY(put_row(h, (uint32_t)h->rows, 0, id, vector, err));
    bury(h, old);
    fh_idmap_move(&h->map, id, h->rows);
    enter(h, w, NULL, 1);
    return FH_DONE;
}

fh_status fh_hnsw_update(fh_hnsw *h, fh_hnsw_writer *w, uint64_t id, fh_f32s vector, fh_err *err) {
    if (vector.count != h->options.dim)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "a vector of %zu elements, expected %zu", vector.count, h->options.dim);
    FH_TRY(begin(h, err));
    fh_status s = update(h, w, id, vector, err);
    fh_hnsw_let_go(h);
    return s;
}

fh_status fh_hnsw_get(fh_hnsw *h, uint64_t id, fh_f32s out) {
    if (out.count != h->options.dim)
        return FH_STATUS(FH_INVALID);
    if (!fh_hnsw_hold(h, FH_HNSW_LOOKS))
        return FH_STATUS(FH_BORROWED);
    size_t row = fh_idmap_find(&h->map, id);
    if (row != SIZE_MAX)
        fh_hnsw_read(h, (uint32_t)row, out);
    fh_hnsw_let_go(h);
    return FH_STATUS(row != SIZE_MAX ? FH_OK : FH_NOT_FOUND);
}

/* --- copies --------------------------------------------------------------------------------------------------------------- */

/* Adds the live rows of `h` to an empty graph, some at a time. */
static fh_status copy_rows(const fh_hnsw *h, fh_hnsw *to, fh_hnsw_writer *w, const fh_par *par, fh_u64s ids, fh_f32s vectors,
                           fh_err *err) {
    size_t dim = h->options.dim, count = 0;
    for (uint32_t row = 0; row < h->rows; row++) {
        if (fh_load(fh_u32s_at(h->gone, row), FH_RELAXED) == 0) {
            fh_u64s_set(ids, count, fh_u64s_get(h->ids, row));
            fh_hnsw_read(h, row, fh_f32s_sub(vectors, count++ * dim, dim));
        }
        if (count == ids.count || (row + 1 == h->rows && count != 0)) {
            FH_TRY(fh_hnsw_add(to, w, par, fh_u64s_sub(ids, 0, count), fh_f32s_sub(vectors, 0, count * dim), err));
            count = 0;
        }
    }
    return FH_DONE;
}

/* Fills `to`, which is empty. */
static fh_status copy_all(const fh_hnsw *h, fh_hnsw *to, const fh_par *par, fh_err *err) {
    fh_hnsw_writer *w;
    fh_u64s ids = {NULL, 0};
    fh_f32s vectors = {NULL, 0};
    size_t some = h->live < COPY_ROWS ? h->live : COPY_ROWS;
    FH_TRY(fh_hnsw_writer_new(to, par != NULL ? par->width : 1, &w, err));
    fh_status s = fh_u64s_new(h->allocator, some, &ids);
    if (!fh_failed(s))
        s = fh_f32s_new(h->allocator, some * h->options.dim, &vectors);
    s = fh_failed(s) ? fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for %zu vectors", some)
                     : copy_rows(h, to, w, par, ids, vectors, err);
    fh_hnsw_writer_free(w);
    fh_u64s_free(h->allocator, &ids);
    fh_f32s_free(h->allocator, &vectors);
    return s;
}

fh_status fh_hnsw_copy(fh_hnsw *h, size_t rows_max, const fh_par *par, fh_hnsw **out, fh_err *err) {
    fh_hnsw_options o = h->options;
    fh_hnsw *to;
    o.rows_max = rows_max;
    *out = NULL;
    FH_TRY(fh_hnsw_new(h->allocator, h->isa, &o, &to, err));
    fh_status s = FH_DONE;
    if (!fh_hnsw_hold(h, FH_HNSW_LOOKS))
        s = fh_hnsw_busy(h, err);
    else {
        s = copy_all(h, to, par, err);
        fh_hnsw_let_go(h);
    }
    if (fh_failed(s)) {
        fh_hnsw_free(to);
        return s;
    }
    *out = to;
    return FH_DONE;
}
