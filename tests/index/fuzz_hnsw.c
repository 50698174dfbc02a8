/* fuzz_hnsw.c: a hostile file of a graph (SECURITY-MODEL: U-INDEX): it is refused with a report, or opened, proved and
 * searched, without a read outside it, an assertion, a walk without an end, or more memory than a constant times its size.
 *
 * A mutation would hardly ever get past a checksum, so each input is tried as it is and with its checksums made right.
 * Seeds: graphs of each metric, of 0, 1, 9 and 40 rows, some of them removed. */
#include <stdlib.h>

#include "freehold/buf.h"
#include "freehold/hash.h"
#include "freehold/hnsw.h"

enum { BUDGET_FACTOR = 64, BUDGET_BYTES = 1 << 20, DIM_MAX = 64, HEADER = 128, ROW = 16, LINKS = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

static void require(bool good) {
    if (!good)
        abort();
}

static void search(fh_hnsw *graph, size_t dim) {
    float query[DIM_MAX] = {1, -2, 3};
    fh_hit hits[4];
    size_t count;
    fh_hnsw_reader *r;
    fh_err err;
    fh_err_clear(&err);
    if (dim > DIM_MAX)
        return;
    require(!fh_failed(fh_hnsw_check(graph, &err)));
    require(!fh_failed(fh_hnsw_reader_new(graph, &r, &err)));
    require(!fh_failed(fh_hnsw_search(graph, r, (fh_f32s){query, dim}, 4, 4, NULL, (fh_hits){hits, 4}, &count, &err)));
    require(count == (fh_hnsw_count(graph) < 4 ? fh_hnsw_count(graph) : 4)); /* links lead to every row */
    for (size_t i = 0; i < count; i++) {
        float v[DIM_MAX];
        require(!fh_failed(fh_hnsw_get(graph, hits[i].id, (fh_f32s){v, dim})));
    }
    fh_hnsw_reader_free(r);
}

static void try_open(fh_span input) {
    fh_trace *trace = fh_trace_new();
    require(trace != NULL);
    fh_allocator *a = fh_trace_allocator(trace);
    fh_trace_budget(trace, (uint64_t)input.size * BUDGET_FACTOR + BUDGET_BYTES);
    fh_hnsw *graph;
    fh_bytes bytes;
    fh_err err;
    fh_err_clear(&err);
    require(!fh_failed(fh_bytes_copy(a, input, &bytes)));
    fh_status s = fh_hnsw_open(a, fh_isa_best(), 1, bytes, &graph, &err);
    fh_bytes_drop(&bytes);
    if (fh_failed(s))
        require(graph == NULL && err.message[0] != '\0');
    else
        search(graph, (size_t)fh_span_u64(input, 24));
    fh_hnsw_free(graph);
    require(fh_trace_stats(trace).failures == 0); /* the budget was enough */
    require(fh_trace_free(trace) == 0);
}

/* One piece more of the checksum, unless it is outside. */
static bool take(fh_span s, size_t *at, uint64_t bytes, uint64_t *sum) {
    if (bytes > s.size - *at)
        return false;
    *sum = fh_hash_bytes(*sum, fh_span_sub(s, *at, (size_t)bytes));
    *at += (size_t)bytes;
    return true;
}

/* Makes the checksums right, as far as the numbers in the header say where they are. */
static void seal(fh_mspan all) {
    fh_span s = fh_span_of_mut(all);
    fh_mspan_put_u64(all, 120, fh_hash_bytes(0, fh_span_sub(s, 0, 120)));
    uint64_t links = fh_span_u32(s, 16) % 129, dim = fh_span_u64(s, 24) % 65537, rows = fh_span_u64(s, 32) % 65536, sum = 0;
    size_t at = 0;
    if (!take(s, &at, HEADER, &sum) || !take(s, &at, (rows * ROW + 63) / 64 * 64, &sum) ||
        !take(s, &at, rows * dim * 4, &sum) || !take(s, &at, rows * links * 8, &sum))
        return;
    for (uint64_t row = 0; row < rows; row++) {
        uint64_t level = fh_span_u32(s, HEADER + (size_t)row * ROW + 12) & 0xff;
        if (level != 0 && !take(s, &at, level * links * 4, &sum))
            return;
    }
    if (s.size - at >= 8)
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
    static const size_t counts[] = {0, 1, 9, 40};
    for (size_t i = 0; i < (size_t)FH_METRIC_COUNT * 4; i++) {
        const fh_hnsw_options o = {.dim = i % 3 + 1, .rows_max = 64, .metric = (fh_metric)(i / 4), .links = LINKS, .effort = 8};
        fh_hnsw *graph;
        fh_hnsw_writer *w;
        fh_buf b;
        fh_buf_init(&b, fh_heap(), 0);
        require(!fh_failed(fh_hnsw_new(fh_heap(), fh_isa_best(), &o, &graph, NULL)));
        require(!fh_failed(fh_hnsw_writer_new(graph, 1, &w, NULL)));
        for (uint64_t id = 0; id < counts[i % 4]; id++) {
            float v[3] = {(float)(id % 7) + 1, 2, -3};
            require(!fh_failed(fh_hnsw_add(graph, w, NULL, (fh_u64s){&id, 1}, (fh_f32s){v, o.dim}, NULL)));
            if (id % 5 == 4)
                require(!fh_failed(fh_hnsw_remove(graph, id)));
        }
        require(!fh_failed(fh_hnsw_save(graph, (fh_sink){&b, put}, NULL)));
        emit(ctx, fh_buf_view(&b));
        fh_hnsw_writer_free(w);
        fh_hnsw_free(graph);
        fh_buf_deinit(&b);
    }
}
