/* fuzz_flat.c: a hostile file of vectors (SECURITY-MODEL: U-INDEX): it is refused with a report, or opened and searched,
 * without a read outside it, an assertion, or more memory than a constant times its size.
 *
 * A mutation would hardly ever get past a checksum, so each input is tried as it is and with its checksums made right.
 * Seeds: indexes of each type and metric, of 0, 1, 16 and 20 vectors. */
#include <stdlib.h>

#include "freehold/buf.h"
#include "freehold/hash.h"
#include "freehold/index.h"
#include "freehold/score.h"

enum { BUDGET_FACTOR = 16, BUDGET_BYTES = 1 << 20, DIM_MAX = 64, HEADER = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

static void require(bool good) {
    if (!good)
        abort();
}

static void search(fh_flat *flat, size_t dim) {
    float query[DIM_MAX] = {1, -2, 3};
    fh_hit hits[4];
    size_t count;
    fh_err err;
    fh_err_clear(&err);
    if (dim > DIM_MAX)
        return;
    require(!fh_failed(fh_flat_search(flat, NULL, (fh_f32s){query, dim}, 4, NULL, (fh_hits){hits, 4}, (fh_sizes){&count, 1},
                                      &err)));
    require(count == (fh_flat_count(flat) < 4 ? fh_flat_count(flat) : 4));
    for (size_t i = 0; i < count; i++) {
        float v[DIM_MAX];
        require(!fh_failed(fh_flat_get(flat, hits[i].id, (fh_f32s){v, dim})));
    }
}

static void try_open(fh_span input) {
    fh_trace *trace = fh_trace_new();
    require(trace != NULL);
    fh_allocator *a = fh_trace_allocator(trace);
    fh_trace_budget(trace, (uint64_t)input.size * BUDGET_FACTOR + BUDGET_BYTES);
    fh_flat *flat;
    fh_bytes bytes;
    fh_err err;
    fh_err_clear(&err);
    require(!fh_failed(fh_bytes_copy(a, input, &bytes)));
    fh_status s = fh_flat_open(a, fh_isa_best(), 1, bytes, &flat, &err);
    fh_bytes_drop(&bytes);
    if (fh_failed(s))
        require(flat == NULL && err.message[0] != '\0' && err.offset_bytes <= input.size);
    else
        search(flat, (size_t)fh_span_u64(input, 24));
    fh_flat_free(flat);
    require(fh_trace_stats(trace).failures == 0); /* the budget was enough */
    require(fh_trace_free(trace) == 0);
}

/* Makes the checksums right, as far as the numbers in the header say where they are. */
static void seal(fh_mspan all) {
    fh_span s = fh_span_of_mut(all);
    size_t tile_bytes;
    uint64_t dim = fh_span_u64(s, 24), ids_end = HEADER + (fh_span_u64(s, 32) % 4096 + 7) / 8 * 64;
    fh_mspan_put_u64(all, 56, fh_hash_bytes(0, fh_span_sub(s, 0, 56)));
    fh_vector_type type = (fh_vector_type)(fh_span_u32(s, 12) % FH_VECTOR_COUNT);
    if (dim > DIM_MAX || fh_failed(fh_tile_bytes(type, (size_t)dim, &tile_bytes)) || ids_end + 8 > all.size)
        return;
    uint64_t sum = fh_hash_bytes(fh_hash_bytes(0, fh_span_sub(s, 0, HEADER)), fh_span_sub(s, HEADER, ids_end - HEADER));
    size_t at = ids_end;
    for (; at + tile_bytes + 8 <= all.size; at += tile_bytes)
        sum = fh_hash_bytes(sum, fh_span_sub(s, at, tile_bytes));
    fh_mspan_put_u64(all, at, sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_open((fh_span){data, size});
    if (size < HEADER)
        return 0;
    uint8_t *copy = malloc(size);
    require(copy != NULL);
    fh_span_copy((fh_mspan){copy, size}, (fh_span){data, size});
    seal((fh_mspan){copy, size});
    try_open((fh_span){copy, size});
    free(copy);
    return 0;
}

static fh_status put(void *ctx, fh_span bytes, fh_err *err) {
    (void)err;
    return fh_buf_put(ctx, bytes);
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const size_t counts[] = {0, 1, 16, 20};
    for (size_t i = 0; i < (size_t)FH_VECTOR_COUNT * FH_METRIC_COUNT * 4; i++) {
        fh_flat_options o = {.dim = i % 3 + 1, .type = (fh_vector_type)(i / 4 % FH_VECTOR_COUNT),
                             .metric = (fh_metric)(i / 4 / FH_VECTOR_COUNT)};
        fh_flat *flat;
        fh_buf b;
        fh_buf_init(&b, fh_heap(), 0);
        require(!fh_failed(fh_flat_new(fh_heap(), fh_isa_best(), &o, &flat, NULL)));
        for (uint64_t id = 0; id < counts[i % 4]; id++) {
            float v[3] = {(float)id + 1, 2, -3};
            require(!fh_failed(fh_flat_add(flat, (fh_u64s){&id, 1}, (fh_f32s){v, o.dim}, NULL)));
        }
        require(!fh_failed(fh_flat_save(flat, (fh_sink){&b, put}, NULL)));
        emit(ctx, fh_buf_view(&b));
        fh_flat_free(flat);
        fh_buf_deinit(&b);
    }
}
