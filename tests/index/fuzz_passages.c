/* fuzz_passages.c: a hostile table of passages (SECURITY-MODEL: U-PASSAGES): it is refused with a report, or opened, and then
 * every row can be read and it is saved as it was, without a read outside it, an assertion, or more memory than its size.
 *
 * A mutation would hardly ever get past a checksum, so each input is tried as it is and with its checksums made right.
 * Seeds: tables of 0 to 3 files with 0 to 6 passages. */
#include <stdlib.h>

#include "freehold/buf.h"
#include "freehold/hash.h"
#include "freehold/passages.h"

enum { BUDGET_FACTOR = 4, BUDGET_BYTES = 1 << 16, HEADER = 128 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

static void require(bool good) {
    if (!good)
        abort();
}

static fh_status put(void *ctx, fh_span bytes, fh_err *err) {
    (void)err;
    return fh_buf_put(ctx, bytes);
}

/* Every row lies inside; what is saved is what was read. */
static void look(fh_passages *p, fh_span input) {
    size_t texts = 0;
    fh_passage got;
    fh_bytes index;
    fh_buf out;
    for (uint64_t i = 0; i < fh_passages_count(p); i++) {
        require(!fh_failed(fh_passages_get(p, i, &got)));
        require(got.text.size != 0 && got.file.size != 0 && got.line != 0);
        texts += got.text.size;
    }
    require(texts <= input.size && fh_failed(fh_passages_get(p, fh_passages_count(p), &got)));
    require(fh_passages_origin_of(p).model_name.size <= FH_PASSAGES_NAME_MAX);
    require(!fh_failed(fh_passages_index(p, &index)));
    fh_buf_init(&out, fh_heap(), 0);
    require(!fh_failed(fh_passages_save(p, (fh_sink){&out, put}, NULL)));
    require(out.size + index.span.size == input.size && fh_span_starts(input, fh_buf_view(&out)));
    fh_buf_deinit(&out);
    fh_bytes_drop(&index);
}

static void try_open(fh_span input) {
    fh_trace *trace = fh_trace_new();
    require(trace != NULL);
    fh_allocator *a = fh_trace_allocator(trace);
    fh_trace_budget(trace, (uint64_t)input.size * BUDGET_FACTOR + BUDGET_BYTES);
    fh_passages *p;
    fh_bytes bytes;
    fh_err err;
    fh_err_clear(&err);
    require(!fh_failed(fh_bytes_copy(a, input, &bytes)));
    fh_status s = fh_passages_open(a, bytes, &p, &err);
    fh_bytes_drop(&bytes);
    if (fh_failed(s))
        require(p == NULL && err.message[0] != '\0' && err.offset_bytes <= input.size);
    else
        look(p, input);
    fh_passages_free(p);
    require(fh_trace_stats(trace).failures == 0); /* the budget was enough */
    require(fh_trace_free(trace) == 0);
}

/* Makes the checksums right, as far as the numbers in the header say where they are. */
static void seal(fh_mspan all) {
    fh_span s = fh_span_of_mut(all);
    uint64_t sizes[] = {fh_span_u64(s, 48) % 4096 * 16, fh_span_u64(s, 56) % 4096 * 24, fh_span_u64(s, 64), fh_span_u64(s, 72)};
    size_t at = HEADER;
    fh_mspan_put_u64(all, 120, fh_hash_bytes(0, fh_span_sub(s, 0, 120)));
    uint64_t sum = fh_hash_bytes(0, fh_span_sub(s, 0, HEADER));
    for (size_t i = 0; i < 4; i++) {
        if (sizes[i] > s.size - at)
            return;
        sum = fh_hash_bytes(sum, fh_span_sub(s, at, (size_t)sizes[i]));
        at += (size_t)sizes[i];
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

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    for (size_t i = 0; i < 8; i++) {
        fh_passages_origin origin = {.kind = (fh_passages_kind)(i % 2), .model_bytes = i};
        fh_passages *p;
        fh_buf b;
        fh_buf_init(&b, fh_heap(), 0);
        if (i % 3 != 0)
            origin.model_name = FH_LIT("demo.gguf");
        require(!fh_failed(fh_passages_new(fh_heap(), &origin, &p, NULL)));
        for (size_t f = 0; f < i / 2; f++) {
            require(!fh_failed(fh_passages_add_file(p, fh_span_sub(FH_LIT("notes/a.txt"), 0, 4 + f), NULL)));
            for (uint32_t n = 0; n < f; n++) {
                fh_span text = fh_span_sub(FH_LIT("Some text."), 0, 1 + n);
                fh_passage passage = {.offset_bytes = 9 * n, .line = n + 1, .text = text};
                require(!fh_failed(fh_passages_add(p, &passage, NULL)));
            }
        }
        require(!fh_failed(fh_passages_save(p, (fh_sink){&b, put}, NULL)));
        require(!fh_failed(fh_buf_put(&b, FH_LIT("index"))));
        emit(ctx, fh_buf_view(&b));
        fh_passages_free(p);
        fh_buf_deinit(&b);
    }
}
