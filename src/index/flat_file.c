/* flat_file.c: the file of an index: written front to back, used where it lies (index.h). All numbers are little-endian.
 *
 *       0  "FreeFlat"
 *       8  u32 version 2 · u32 type · u32 metric · u32 0          numbers of fh_vector_type and fh_metric
 *      24  u64 elements of a vector · u64 vectors · u64 bytes of the whole file
 *      48  u64 0 · u64 checksum of bytes 0 to 55
 *      64  the ids, u64 each, and zeros up to a multiple of 64
 *          the tiles (score.h); rows behind the last vector are zeros
 *          u64 checksum: the header, the section of ids and each tile, one after the other, chained through fh_hash_bytes
 *
 * Nothing is believed before it is checked: the header by its own checksum, then each number in it, then the size that follows
 * from them against the size there is. Only then is memory taken, in proportion to the file. Threading: index.h. */
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "index/flat_impl.h"
#include "index/sealed.h"

enum {
    HEADER_BYTES = 64, TYPE_AT = 12, METRIC_AT = 16, DIM_AT = 24, COUNT_AT = 32, SIZE_AT = 40, ZERO_AT = 48, ALIGN = 64
};
static const fh_sealed_kind flat_kind = {"FreeFlat", "index", 2, HEADER_BYTES};

/* Where everything lies in a file. */
typedef struct plan {
    uint64_t ids_bytes, ids_end, tiles, tiles_end, size;
} plan;

/* False if the numbers overflow. */
static bool make_plan(uint64_t count, uint64_t tile_bytes, fh_out plan *out) {
    uint64_t ids_end, tiles_bytes;
    *out = (plan){.tiles = count / FH_TILE_ROWS + (count % FH_TILE_ROWS != 0)};
    return fh_mul_u64(count, sizeof(uint64_t), &out->ids_bytes) && fh_add_u64(out->ids_bytes, HEADER_BYTES, &ids_end) &&
           fh_align_up_u64(ids_end, ALIGN, &out->ids_end) && fh_mul_u64(out->tiles, tile_bytes, &tiles_bytes) &&
           fh_add_u64(out->ids_end, tiles_bytes, &out->tiles_end) &&
           fh_add_u64(out->tiles_end, FH_SEALED_SUM_BYTES, &out->size);
}

/* --- saving ----------------------------------------------------------------------------------------------------------- */

static fh_status put_header(fh_sealed *o, const fh_flat *f, const plan *p, fh_err *err) {
    uint64_t words[HEADER_BYTES / sizeof(uint64_t)] = {0};
    fh_mspan header = fh_u64s_bytes((fh_u64s){words, HEADER_BYTES / sizeof(uint64_t)});
    fh_mspan_put_u32(header, TYPE_AT, (uint32_t)f->options.type);
    fh_mspan_put_u32(header, METRIC_AT, (uint32_t)f->options.metric);
    fh_mspan_put_u64(header, DIM_AT, f->options.dim);
    fh_mspan_put_u64(header, COUNT_AT, f->count);
    fh_mspan_put_u64(header, SIZE_AT, p->size);
    return fh_sealed_header(o, &flat_kind, header, err);
}

/* The section of ids, out of `room`, which has its size. */
static fh_status put_ids(fh_sealed *o, const fh_flat *f, fh_u64s room, fh_err *err) {
    for (size_t row = 0; row < f->count; row++)
        fh_mspan_put_u64(fh_u64s_bytes(room), row * sizeof(uint64_t), fh_u64s_get(f->ids, row));
    return fh_sealed_put(o, fh_span_of_mut(fh_u64s_bytes(room)), err);
}

/* All tiles; the last by way of `room`, which has the size of a tile and is zero, so that no former vector goes out. */
static fh_status put_tiles(fh_sealed *o, const fh_flat *f, fh_u64s room, fh_err *err) {
    size_t whole = f->count / FH_TILE_ROWS, left = f->count % FH_TILE_ROWS;
    for (size_t tile = 0; tile < whole; tile++)
        FH_TRY(fh_sealed_put(o, fh_flat_tiles(f, tile, 1).bytes, err));
    if (left == 0)
        return FH_DONE;
    fh_tiles last = {f->options.type, f->options.dim, fh_u64s_bytes(room)};
    for (size_t row = 0; row < left; row++)
        fh_tile_copy(last, row, fh_flat_tiles(f, whole, 1), row);
    return fh_sealed_put(o, fh_span_of_mut(last.bytes), err);
}

static fh_status save(const fh_flat *f, fh_sealed *o, fh_u64s ids, fh_u64s tile, const plan *p, fh_err *err) {
    FH_TRY(put_header(o, f, p, err));
    FH_TRY(put_ids(o, f, ids, err));
    FH_TRY(put_tiles(o, f, tile, err));
    return fh_sealed_end(o, err);
}

fh_status fh_flat_save(fh_flat *f, fh_sink sink, fh_err *err) {
    fh_sealed o = {sink, 0};
    plan p = {0};
    fh_u64s ids = {NULL, 0}, tile = {NULL, 0};
    if (!fh_flat_begin_read(f))
        return fh_flat_busy(f, err);
    FH_ASSERT(make_plan(f->count, f->tile_bytes, &p)); /* all of it is in memory */
    fh_status s = fh_u64s_new(f->allocator, (size_t)(p.ids_end - HEADER_BYTES) / sizeof(uint64_t), &ids);
    if (!fh_failed(s))
        s = fh_u64s_new(f->allocator, f->tile_bytes / sizeof(uint64_t), &tile);
    s = fh_failed(s) ? fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory to save an index") : save(f, &o, ids, tile, &p, err);
    fh_u64s_free(f->allocator, &ids);
    fh_u64s_free(f->allocator, &tile);
    fh_flat_end_read(f);
    return s;
}

/* --- opening ---------------------------------------------------------------------------------------------------------- */

/* The header: what the index is, how many vectors it has, and where they lie. */
static fh_status read_header(fh_span file, fh_out fh_flat_options *out, fh_out uint64_t *out_count,
                             fh_out plan *out_plan, fh_err *err) {
    FH_TRY(fh_sealed_check_header(&flat_kind, file, err));
    uint32_t type = fh_span_u32(file, TYPE_AT), metric = fh_span_u32(file, METRIC_AT);
    if (metric >= FH_METRIC_COUNT)
        return fh_fail(err, FH_CORRUPT, METRIC_AT, "metric %u, expected 0 to %d", metric, FH_METRIC_COUNT - 1);
    if (type >= FH_VECTOR_COUNT)
        return fh_fail(err, FH_CORRUPT, TYPE_AT, "type %u, expected 0 to %d", type, FH_VECTOR_COUNT - 1);
    if (fh_span_u32(file, METRIC_AT + 4) != 0 || fh_span_u64(file, ZERO_AT) != 0)
        return fh_fail(err, FH_CORRUPT, METRIC_AT + 4, "bytes that are kept free are not 0");
    uint64_t dim = fh_span_u64(file, DIM_AT);
    size_t tile_bytes;
    *out = (fh_flat_options){.type = (fh_vector_type)type, .metric = (fh_metric)metric};
    if (!fh_u64_to_size(dim, &out->dim) || fh_failed(fh_tile_bytes(out->type, out->dim, &tile_bytes)))
        return fh_fail(err, FH_CORRUPT, DIM_AT, "vectors of %llu elements, expected 1 to %d", (unsigned long long)dim,
                       FH_TILE_DIM_MAX);
    *out_count = fh_span_u64(file, COUNT_AT);
    if (!make_plan(*out_count, tile_bytes, out_plan) || out_plan->size != file.size)
        return fh_fail(err, FH_CORRUPT, COUNT_AT, "%zu bytes for %llu vectors, expected %llu", file.size,
                       (unsigned long long)*out_count, (unsigned long long)out_plan->size);
    if (fh_span_u64(file, SIZE_AT) != file.size)
        return fh_fail(err, FH_CORRUPT, SIZE_AT, "the header says %llu bytes, expected %zu",
                       (unsigned long long)fh_span_u64(file, SIZE_AT), file.size);
    return FH_DONE;
}

/* The checksum of all, and the zeros behind the ids. */
static fh_status check_sum(fh_span file, const plan *p, size_t tile_bytes, fh_err *err) {
    uint64_t sum = fh_hash_bytes(0, fh_span_sub(file, 0, HEADER_BYTES));
    sum = fh_hash_bytes(sum, fh_span_sub(file, HEADER_BYTES, p->ids_end - HEADER_BYTES));
    for (size_t at = p->ids_end; at < p->tiles_end; at += tile_bytes)
        sum = fh_hash_bytes(sum, fh_span_sub(file, at, tile_bytes));
    FH_TRY(fh_sealed_check_end(&flat_kind, file, p->tiles_end, sum, err));
    for (size_t at = HEADER_BYTES + p->ids_bytes; at < p->ids_end; at++)
        if (fh_span_at(file, at) != 0)
            return fh_fail(err, FH_CORRUPT, at, "a byte behind the ids is not 0");
    return FH_DONE;
}

/* Counts the rows one after the other: no id twice, no number that is not finite, no code that is none. */
static fh_status enter_all(fh_flat *f, uint64_t count, fh_err *err) {
    fh_f32s stored = {NULL, 0};
    fh_status s = fh_flat_reserve_ids(f, (size_t)count);
    if (!fh_failed(s))
        s = fh_f32s_new(f->allocator, f->options.dim, &stored);
    if (fh_failed(s))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for the ids of %llu vectors", (unsigned long long)count);
    while (f->count < count && !fh_failed(s)) {
        uint64_t at = HEADER_BYTES + f->count * sizeof(uint64_t);
        fh_err why;
        fh_err_clear(&why);
        if (!fh_tile_is_put(fh_flat_tiles(f, f->count / FH_TILE_ROWS, 1), f->count % FH_TILE_ROWS))
            s = fh_fail(&why, FH_CORRUPT, at, "vector %zu has codes that no vector has", f->count);
        else
            s = fh_flat_enter(f, "vector", f->count, fh_span_u64(f->file.span, (size_t)at), stored, &why);
        if (fh_failed(s))
            s = fh_fail(err, FH_CORRUPT, at, "%s", why.message);
    }
    fh_f32s_free(f->allocator, &stored);
    return s;
}

fh_status fh_flat_open(fh_allocator *a, fh_isa isa, uint64_t seed, fh_bytes file, fh_flat **out, fh_err *err) {
    fh_flat_options options;
    uint64_t count = 0;
    plan p = {0};
    size_t tile_bytes;
    fh_flat *f;
    *out = NULL;
    FH_TRY(read_header(file.span, &options, &count, &p, err));
    FH_TRY(fh_tile_bytes(options.type, options.dim, &tile_bytes));
    FH_TRY(check_sum(file.span, &p, tile_bytes, err));
    options.seed = seed;
    FH_TRY(fh_flat_new(a, isa, &options, &f, err));
    f->file = fh_bytes_share(file);
    f->stored_from = (size_t)p.ids_end;
    f->stored_tiles = (size_t)p.tiles;
    fh_status s = enter_all(f, count, err);
    if (fh_failed(s)) {
        fh_flat_free(f);
        return s;
    }
    *out = f;
    return FH_DONE;
}
