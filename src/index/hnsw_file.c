/* hnsw_file.c: the file of a graph: written front to back, searched where it lies (hnsw.h). All numbers are little-endian.
 *
 *       0  "FreeHnsw"
 *       8  u32 version 1 · u32 metric · u32 links · u32 effort
 *      24  u64 elements of a vector · u64 rows · u64 where walks begin · u64 levels above 0, of all rows together
 *      56  u64 bytes of the whole file · zeros
 *     120  u64 checksum of bytes 0 to 119
 *     128  the table: for each row u64 id · u32 parent · u32 level, and 2^31 if it was removed; zeros up to a multiple of 64
 *          the vectors, float32
 *          the slots at level 0, u32, twice `links` a row
 *          the slots above, `links` a level, row by row
 *          u64 checksum: the header, the table, the vectors, the slots at level 0, and the slots above of each row that has
 *          some, one after the other, chained through fh_hash_bytes
 *
 * Nothing is believed before it is checked: numbers and sizes first, then memory is taken in proportion to the file, then every
 * link is followed (hnsw_check.c). Vectors and the slots at level 0 stay in the file. Threading: hnsw.h. */
#include "freehold/checked.h"
#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "index/hnsw_impl.h"
#include "index/sealed.h"
#include "index/vector.h"

enum {
    HEADER_BYTES = 128, METRIC_AT = 12, LINKS_AT = 16, EFFORT_AT = 20, DIM_AT = 24, ROWS_AT = 32, ENTRY_AT = 40, UPPER_AT = 48,
    SIZE_AT = 56, ZERO_AT = 64, SUM_AT = 120, ROW_BYTES = 16, PARENT_AT = 8, STATE_AT = 12, ALIGN = 64
};
#define GONE (UINT32_C(1) << 31)
static const fh_sealed_kind graph_kind = {"FreeHnsw", "graph", 1, HEADER_BYTES};

/* Where everything lies in a file. */
typedef struct plan {
    uint64_t rows, upper_levels, vectors, slots, uppers, uppers_end, size;
} plan;

/* False if the numbers overflow. */
static bool make_plan(const fh_hnsw_options *o, uint64_t rows, uint64_t upper_levels, fh_out plan *out) {
    uint64_t table, vector, vectors, slots, uppers;
    *out = (plan){.rows = rows, .upper_levels = upper_levels};
    return fh_mul_u64(rows, ROW_BYTES, &table) && fh_add_u64(table, HEADER_BYTES, &table) &&
           fh_align_up_u64(table, ALIGN, &out->vectors) && fh_mul_u64(o->dim, sizeof(float), &vector) &&
           fh_mul_u64(rows, vector, &vectors) && fh_add_u64(out->vectors, vectors, &out->slots) &&
           fh_mul_u64(rows, 2 * sizeof(uint32_t) * o->links, &slots) && fh_add_u64(out->slots, slots, &out->uppers) &&
           fh_mul_u64(upper_levels, sizeof(uint32_t) * o->links, &uppers) &&
           fh_add_u64(out->uppers, uppers, &out->uppers_end) &&
           fh_add_u64(out->uppers_end, FH_SEALED_SUM_BYTES, &out->size);
}

/* --- saving ----------------------------------------------------------------------------------------------------------- */

static fh_status put_header(fh_sealed *o, const fh_hnsw *h, const plan *p, fh_err *err) {
    uint64_t words[HEADER_BYTES / sizeof(uint64_t)] = {0};
    fh_mspan header = fh_u64s_bytes((fh_u64s){words, HEADER_BYTES / sizeof(uint64_t)});
    fh_mspan_put_u32(header, METRIC_AT, (uint32_t)h->options.metric);
    fh_mspan_put_u32(header, LINKS_AT, h->options.links);
    fh_mspan_put_u32(header, EFFORT_AT, h->options.effort);
    fh_mspan_put_u64(header, DIM_AT, h->options.dim);
    fh_mspan_put_u64(header, ROWS_AT, p->rows);
    fh_mspan_put_u64(header, ENTRY_AT, fh_load(&h->entry, FH_RELAXED));
    fh_mspan_put_u64(header, UPPER_AT, p->upper_levels);
    fh_mspan_put_u64(header, SIZE_AT, p->size);
    return fh_sealed_header(o, &graph_kind, header, err);
}

/* The table, out of `room`, which has its size and is zero. */
static fh_status put_table(fh_sealed *o, const fh_hnsw *h, fh_u64s room, fh_err *err) {
    fh_mspan table = fh_u64s_bytes(room);
    for (uint32_t row = 0; row < h->rows; row++) {
        bool is_gone = fh_load(fh_u32s_at(h->gone, row), FH_RELAXED) != 0;
        fh_mspan_put_u64(table, (size_t)row * ROW_BYTES, fh_u64s_get(h->ids, row));
        fh_mspan_put_u32(table, (size_t)row * ROW_BYTES + PARENT_AT, fh_u32s_get(h->parents, row));
        fh_mspan_put_u32(table, (size_t)row * ROW_BYTES + STATE_AT,
                         (uint32_t)fh_hnsw_level(h, row) | (is_gone ? GONE : 0));
    }
    return fh_sealed_put(o, fh_span_of_mut(table), err);
}

static fh_status save(const fh_hnsw *h, fh_sealed *o, fh_u64s table, const plan *p, fh_err *err) {
    FH_TRY(put_header(o, h, p, err));
    FH_TRY(put_table(o, h, table, err));
    FH_TRY(fh_sealed_put(o, fh_span_sub(fh_hnsw_vectors(h), 0, (size_t)(p->slots - p->vectors)), err));
    FH_TRY(fh_sealed_put(o, fh_span_sub(fh_hnsw_low_slots(h), 0, (size_t)(p->uppers - p->slots)), err));
    for (uint32_t row = 0; row < h->rows; row++)
        if (fh_hnsw_level(h, row) != 0)
            FH_TRY(fh_sealed_put(o, fh_span_of_mut(fh_u32s_bytes(fh_uppers_at(h->uppers, row)->slots)), err));
    return fh_sealed_end(o, err);
}

fh_status fh_hnsw_save(fh_hnsw *h, fh_sink sink, fh_err *err) {
    fh_sealed o = {sink, 0};
    plan p = {0};
    fh_u64s table = {NULL, 0};
    uint64_t levels = 0;
    if (!fh_hnsw_hold(h, FH_HNSW_LOOKS))
        return fh_hnsw_busy(h, err);
    for (uint32_t row = 0; row < h->rows; row++)
        levels += fh_hnsw_level(h, row);
    FH_ASSERT(make_plan(&h->options, h->rows, levels, &p)); /* all of it is in memory */
    fh_status s = fh_u64s_new(h->allocator, (size_t)(p.vectors - HEADER_BYTES) / sizeof(uint64_t), &table);
    s = fh_failed(s) ? fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory to save a graph") : save(h, &o, table, &p, err);
    fh_u64s_free(h->allocator, &table);
    fh_hnsw_let_go(h);
    return s;
}

/* --- opening ---------------------------------------------------------------------------------------------------------- */

/* The header: what the graph is, and where everything lies. */
static fh_status read_header(fh_span file, fh_out fh_hnsw_options *out, fh_out plan *out_plan, fh_err *err) {
    FH_TRY(fh_sealed_check_header(&graph_kind, file, err));
    uint32_t metric = fh_span_u32(file, METRIC_AT), links = fh_span_u32(file, LINKS_AT), effort = fh_span_u32(file, EFFORT_AT);
    uint64_t dim = fh_span_u64(file, DIM_AT), rows = fh_span_u64(file, ROWS_AT);
    *out = (fh_hnsw_options){.metric = (fh_metric)metric, .links = links, .effort = effort, .rows_max = 1};
    if (metric >= FH_METRIC_COUNT)
        return fh_fail(err, FH_CORRUPT, METRIC_AT, "metric %u, expected 0 to %d", metric, FH_METRIC_COUNT - 1);
    if (links < 2 || links > FH_HNSW_LINKS_MAX)
        return fh_fail(err, FH_CORRUPT, LINKS_AT, "%u links, expected 2 to %d", links, FH_HNSW_LINKS_MAX);
    if (effort == 0 || effort > FH_HNSW_EFFORT_MAX)
        return fh_fail(err, FH_CORRUPT, EFFORT_AT, "an effort of %u, expected 1 to %d", effort, FH_HNSW_EFFORT_MAX);
    if (!fh_u64_to_size(dim, &out->dim) || dim == 0 || dim > FH_TILE_DIM_MAX)
        return fh_fail(err, FH_CORRUPT, DIM_AT, "vectors of %llu elements, expected 1 to %d", (unsigned long long)dim,
                       FH_TILE_DIM_MAX);
    for (size_t at = ZERO_AT; at < SUM_AT; at++)
        if (fh_span_at(file, at) != 0)
            return fh_fail(err, FH_CORRUPT, at, "bytes that are kept free are not 0");
    if (rows > FH_HNSW_ROWS_MAX || !make_plan(out, rows, fh_span_u64(file, UPPER_AT), out_plan) ||
        out_plan->size != file.size)
        return fh_fail(err, FH_CORRUPT, ROWS_AT, "%zu bytes for %llu rows, expected %llu", file.size, (unsigned long long)rows,
                       (unsigned long long)out_plan->size);
    if (fh_span_u64(file, SIZE_AT) != file.size)
        return fh_fail(err, FH_CORRUPT, SIZE_AT, "the header says %llu bytes, expected %zu",
                       (unsigned long long)fh_span_u64(file, SIZE_AT), file.size);
    out->rows_max = rows != 0 ? (size_t)rows : 1;
    return FH_DONE;
}

static size_t row_at(uint64_t row) {
    return HEADER_BYTES + (size_t)row * ROW_BYTES;
}

static uint32_t level_at(fh_span file, uint64_t row) {
    return fh_span_u32(file, row_at(row) + STATE_AT) & ~GONE;
}

/* The levels, then the checksum of all, which is over as many pieces, and the zeros behind the table. */
static fh_status check_sum(fh_span file, const fh_hnsw_options *o, const plan *p, fh_err *err) {
    uint64_t levels = 0, sum = fh_hash_bytes(0, fh_span_sub(file, 0, HEADER_BYTES));
    for (uint64_t row = 0; row < p->rows; row++) {
        if (level_at(file, row) > FH_HNSW_LEVEL_MAX)
            return fh_fail(err, FH_CORRUPT, row_at(row) + STATE_AT, "row %llu has level %u, expected 0 to %d",
                           (unsigned long long)row, level_at(file, row), FH_HNSW_LEVEL_MAX);
        levels += level_at(file, row);
    }
    if (levels != p->upper_levels)
        return fh_fail(err, FH_CORRUPT, UPPER_AT, "%llu levels above 0, expected %llu", (unsigned long long)p->upper_levels,
                       (unsigned long long)levels);
    const uint64_t ends[] = {p->vectors, p->slots, p->uppers};
    size_t at = HEADER_BYTES;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; at = (size_t)ends[i++])
        sum = fh_hash_bytes(sum, fh_span_sub(file, at, (size_t)ends[i] - at));
    for (uint64_t row = 0; row < p->rows; row++) {
        size_t bytes = level_at(file, row) * o->links * sizeof(uint32_t);
        if (bytes != 0)
            sum = fh_hash_bytes(sum, fh_span_sub(file, at, bytes));
        at += bytes;
    }
    FH_TRY(fh_sealed_check_end(&graph_kind, file, p->uppers_end, sum, err));
    for (at = row_at(p->rows); at < p->vectors; at++)
        if (fh_span_at(file, at) != 0)
            return fh_fail(err, FH_CORRUPT, at, "a byte behind the table is not 0");
    return FH_DONE;
}

/* The slots of a row above level 0, from byte `at` of the file on. */
static fh_status load_slots(fh_hnsw *h, size_t row, size_t at, fh_err *err) {
    fh_upper *upper = fh_uppers_at(h->uppers, row);
    if (fh_failed(fh_u32s_new(h->allocator, level_at(h->file.span, row) * h->options.links, &upper->slots)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for the links of row %zu", row);
    for (size_t i = 0; i < upper->slots.count; i++)
        fh_u32s_set(upper->slots, i, fh_span_u32(h->file.span, at + i * sizeof(uint32_t)));
    return FH_DONE;
}

/* The next row: all but what stays in the file. `stored` has room for a vector. */
static fh_status load_row(fh_hnsw *h, fh_f32s stored, fh_err *err) {
    size_t row = h->rows, at = row_at(row);
    uint64_t id = fh_span_u64(h->file.span, at);
    uint32_t parent = fh_span_u32(h->file.span, at + PARENT_AT);
    bool is_gone = (fh_span_u32(h->file.span, at + STATE_AT) & GONE) != 0;
    double squares;
    fh_err why;
    fh_err_clear(&why);
    if (row != 0 ? parent >= row : parent != 0)
        return fh_fail(err, FH_CORRUPT, at + PARENT_AT, "row %zu has parent %u, which did not come before", row, parent);
    fh_hnsw_read(h, (uint32_t)row, stored);
    if (fh_failed(fh_vector_look(h->options.metric, "row", row, stored, &squares, &why)))
        return fh_fail(err, FH_CORRUPT, h->stored_vectors + row * stored.count * sizeof(float), "%s", why.message);
    if (!is_gone && !fh_idmap_add(&h->map, id, row))
        return fh_fail(err, FH_CORRUPT, at, "row %zu has id %llu, which another one has", row, (unsigned long long)id);
    fh_u64s_set(h->ids, row, id);
    fh_u32s_set(h->gone, row, is_gone);
    fh_u32s_set(h->parents, row, parent);
    if (row != 0)
        fh_u32s_set(h->children, parent, fh_u32s_get(h->children, parent) + 1);
    if (h->scales.count != 0)
        fh_f32s_set(h->scales, row, (float)(1.0 / fh_sqrt(squares)));
    h->live += !is_gone;
    h->rows++;
    return FH_DONE;
}

static fh_status load_all(fh_hnsw *h, const plan *p, fh_err *err) {
    fh_f32s stored = {NULL, 0};
    size_t at = (size_t)p->uppers;
    fh_status s = fh_idmap_reserve(&h->map, (size_t)p->rows);
    if (!fh_failed(s))
        s = fh_f32s_new(h->allocator, h->options.dim, &stored);
    if (fh_failed(s))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for %llu rows", (unsigned long long)p->rows);
    while (h->rows < p->rows && !fh_failed(s)) {
        size_t row = h->rows;
        s = load_row(h, stored, err);
        if (!fh_failed(s))
            s = load_slots(h, row, at, err);
        at += level_at(h->file.span, row) * h->options.links * sizeof(uint32_t);
    }
    fh_f32s_free(h->allocator, &stored);
    return s;
}

fh_status fh_hnsw_open(fh_allocator *a, fh_isa isa, uint64_t seed, fh_bytes file, fh_hnsw **out, fh_err *err) {
    fh_hnsw_options options;
    plan p = {0};
    fh_hnsw *h;
    *out = NULL;
    FH_TRY(read_header(file.span, &options, &p, err));
    FH_TRY(check_sum(file.span, &options, &p, err));
    options.seed = seed;
    FH_TRY(fh_hnsw_make(a, isa, &options, true, &h, err));
    h->file = fh_bytes_share(file);
    h->stored_vectors = (size_t)p.vectors;
    h->stored_slots = (size_t)p.slots;
    h->entry = fh_span_u64(file.span, ENTRY_AT);
    fh_status s = load_all(h, &p, err);
    if (!fh_failed(s))
        s = fh_hnsw_check(h, err);
    if (fh_failed(s)) {
        fh_hnsw_free(h);
        return s;
    }
    *out = h;
    return FH_DONE;
}
