/* test_flat_file.c: an index comes back from its file with the same answers, and no damaged file is believed: cut at every
 * byte, every byte changed, and files with right checksums and wrong numbers. */
#include "fh_test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "freehold/buf.h"
#include "freehold/hash.h"
#include "freehold/index.h"
#include "freehold/os.h"
#include "freehold/score.h"

enum { DIM = 5, ROWS = 37, K = 9, HEADER = 64 };

static fh_status put_buf(void *ctx, fh_span bytes, fh_err *err) {
    (void)err;
    return fh_buf_put(ctx, bytes);
}

/* ROWS vectors, some of which left before. */
static fh_flat *make(fh_allocator *a, fh_vector_type t, fh_metric metric, size_t rows) {
    fh_flat *flat = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_flat_new(a, fh_isa_best(), &(fh_flat_options){.dim = DIM, .type = t, .metric = metric}, &flat, &err));
    for (uint64_t i = 0; i < rows + 3; i++) {
        uint64_t id = fh_mix64(i);
        float v[DIM];
        for (size_t c = 0; c < DIM; c++)
            v[c] = (float)(fh_mix64(i * DIM + c) % 1000) * 0x1p-6f + 1.0f;
        fh_assert_ok(fh_flat_add(flat, (fh_u64s){&id, 1}, (fh_f32s){v, DIM}, &err));
    }
    for (uint64_t i = 0; i < 3; i++)
        fh_assert_ok(fh_flat_remove(flat, fh_mix64(i)));
    assert_int_equal(fh_flat_count(flat), rows);
    return flat;
}

static void save(fh_flat *flat, fh_buf *out) {
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_flat_save(flat, (fh_sink){out, put_buf}, &err));
}

/* Opens a copy of the bytes that has exactly their size. */
static fh_status open_bytes(fh_allocator *a, fh_span bytes, fh_flat **out, fh_err *err) {
    fh_bytes copy;
    fh_err_clear(err);
    FH_TRY(fh_bytes_copy(a, bytes, &copy));
    fh_status s = fh_flat_open(a, fh_isa_best(), 3, copy, out, err);
    fh_bytes_drop(&copy);
    return s;
}

static void expect(fh_allocator *a, fh_span bytes, fh_code code, const char *words, uint64_t offset) {
    fh_flat *flat = (fh_flat *)a;
    fh_err err;
    fh_assert_code(open_bytes(a, bytes, &flat, &err), code);
    assert_null(flat);
    if (strstr(err.message, words) == NULL || err.offset_bytes != offset)
        fail_msg("at %llu: %s; expected %s at %llu", (unsigned long long)err.offset_bytes, err.message, words,
                 (unsigned long long)offset);
}

static void answers(fh_flat *flat, fh_hit *hits, size_t *count) {
    const float query[DIM] = {3, 1, 4, 1, 5};
    float copy[DIM];
    fh_err err;
    fh_err_clear(&err);
    memcpy(copy, query, sizeof copy);
    fh_assert_ok(fh_flat_search(flat, NULL, (fh_f32s){copy, DIM}, K, NULL, (fh_hits){hits, K}, (fh_sizes){count, 1}, &err));
}

static void test_round_trip(void **state) {
    static const size_t sizes[] = {0, 1, 16, 32, ROWS};
    fh_allocator *a = fh_test_allocator(state);
    for (int i = 0; i < (int)FH_VECTOR_COUNT * (int)FH_METRIC_COUNT * 5; i++) {
        size_t rows = sizes[i % 5];
        fh_vector_type type = (fh_vector_type)(i / 5 % FH_VECTOR_COUNT);
        fh_flat *flat = make(a, type, (fh_metric)(i / 5 / FH_VECTOR_COUNT), rows), *back = NULL;
        fh_buf first, second;
        fh_hit hits[K], other[K];
        size_t count, other_count;
        float v[DIM], w[DIM];
        fh_err err;
        fh_buf_init(&first, a, 0);
        fh_buf_init(&second, a, 0);
        save(flat, &first);
        fh_assert_ok(open_bytes(a, fh_buf_view(&first), &back, &err));
        assert_int_equal(fh_flat_count(back), rows);
        save(back, &second);
        assert_true(fh_span_equal(fh_buf_view(&first), fh_buf_view(&second)));
        answers(flat, hits, &count);
        answers(back, other, &other_count);
        assert_int_equal(count, rows < K ? rows : K);
        assert_int_equal(other_count, count);
        for (size_t k = 0; k < count; k++) {
            assert_true(hits[k].id == other[k].id && hits[k].score == other[k].score);
            fh_assert_ok(fh_flat_get(flat, hits[k].id, (fh_f32s){v, DIM}));
            fh_assert_ok(fh_flat_get(back, hits[k].id, (fh_f32s){w, DIM}));
            assert_memory_equal(v, w, sizeof v);
        }
        uint64_t id = 1;
        fh_assert_code(fh_flat_add(back, (fh_u64s){&id, 1}, (fh_f32s){v, DIM}, &err), FH_UNSUPPORTED);
        fh_assert_code(fh_flat_remove(back, rows != 0 ? hits[0].id : 1), FH_UNSUPPORTED);
        fh_flat_free(flat);
        fh_flat_free(back);
        fh_buf_deinit(&first);
        fh_buf_deinit(&second);
    }
}

/* Nothing of a vector that left goes out with the last tile. */
static void test_no_former_vectors(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_flat *flat = make(a, FH_VECTOR_F32, FH_METRIC_L2, 1);
    fh_buf out;
    fh_buf_init(&out, a, 0);
    save(flat, &out);
    fh_span all = fh_buf_view(&out);
    assert_int_equal(all.size, HEADER + 64 + 16 * DIM * 4 + 8);
    for (size_t c = 0; c < DIM; c++)
        for (size_t row = 0; row < 16; row++)
            assert_true((fh_span_u32(all, 128 + 4 * (16 * c + row)) != 0) == (row == 0));
    fh_flat_free(flat);
    fh_buf_deinit(&out);
}

static void test_cut_and_changed(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_flat *flat = make(a, FH_VECTOR_BF16, FH_METRIC_COSINE, ROWS), *back;
    fh_buf out;
    fh_err err;
    fh_buf_init(&out, a, 0);
    save(flat, &out);
    fh_mspan all = {(uint8_t *)(uintptr_t)fh_buf_view(&out).at, out.size};
    for (size_t size = 0; size < all.size; size++) {
        fh_assert_code(open_bytes(a, fh_span_sub(fh_span_of_mut(all), 0, size), &back, &err), FH_CORRUPT);
        assert_true(err.message[0] != '\0' && err.offset_bytes <= size);
        assert_non_null(strstr(err.message, "expected"));
    }
    for (size_t i = 0; i < all.size; i++) {
        all.at[i] ^= 0x10;
        fh_status s = open_bytes(a, fh_span_of_mut(all), &back, &err);
        assert_true(s.code == FH_CORRUPT || (s.code == FH_UNSUPPORTED && i >= 8 && i < 12));
        const char *words = i < 8 ? "FreeFlat" : i < 12 ? "version" : i < HEADER ? "of the header" : "of the index";
        assert_non_null(strstr(err.message, words));
        all.at[i] ^= 0x10;
    }
    fh_flat_free(flat);
    fh_buf_deinit(&out);
}

/* Makes both checksums right again. */
static void seal(fh_mspan all, size_t ids_end, size_t tile_bytes) {
    fh_span s = fh_span_of_mut(all);
    fh_mspan_put_u64(all, 56, fh_hash_bytes(0, fh_span_sub(s, 0, 56)));
    uint64_t sum = fh_hash_bytes(fh_hash_bytes(0, fh_span_sub(s, 0, HEADER)), fh_span_sub(s, HEADER, ids_end - HEADER));
    for (size_t at = ids_end; at + 8 < all.size; at += tile_bytes)
        sum = fh_hash_bytes(sum, fh_span_sub(s, at, tile_bytes));
    fh_mspan_put_u64(all, all.size - 8, sum);
}

/* Right checksums over codes that nobody wrote: a bit behind the last element. */
static void test_hostile_codes(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (int t = FH_VECTOR_I8; t <= FH_VECTOR_B1; t++) {
        fh_flat *flat = make(a, (fh_vector_type)t, FH_METRIC_L2, ROWS);
        fh_buf out;
        size_t bytes;
        fh_buf_init(&out, a, 0);
        save(flat, &out);
        fh_mspan all = {(uint8_t *)(uintptr_t)fh_buf_view(&out).at, out.size};
        fh_assert_ok(fh_tile_bytes((fh_vector_type)t, DIM, &bytes));
        all.at[384 + 64 * (fh_codes_words((fh_vector_type)t, DIM) - 1) + 4 * 3 + 2] ^= 1; /* row 3 */
        seal(all, 384, bytes);
        expect(a, fh_span_of_mut(all), FH_CORRUPT, "vector 3 has codes that no vector has", HEADER + 8 * 3);
        fh_flat_free(flat);
        fh_buf_deinit(&out);
    }
}

/* Right checksums over wrong numbers. */
static void test_hostile(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_flat *flat = make(a, FH_VECTOR_F32, FH_METRIC_COSINE, ROWS);
    const size_t ids_end = 384, tile_bytes = 16 * DIM * 4;
    static const struct {
        size_t at;
        uint64_t value; /* of 4 bytes, or of 8 */
        size_t width;
        const char *words;
        uint64_t offset;
    } rows[] = {
        {12, FH_VECTOR_COUNT, 4, "type 5, expected 0 to 4", 12},
        {12, FH_VECTOR_F16, 4, "37 vectors, expected", 32},
        {16, FH_METRIC_COUNT, 4, "metric 3, expected 0 to 2", 16},
        {20, 1, 4, "not 0", 20},
        {24, 0, 8, "vectors of 0 elements", 24},
        {24, 65537, 8, "vectors of 65537 elements", 24},
        {24, UINT64_MAX, 8, "elements", 24},
        {24, 6, 8, "37 vectors, expected", 32},
        {32, 0, 8, "0 vectors, expected 72", 32},
        {32, UINT64_MAX, 8, "vectors, expected", 32},
        {32, UINT64_MAX / 8, 8, "vectors, expected", 32},
        {32, UINT64_C(1) << 61, 8, "vectors, expected", 32},
        {40, 0, 8, "the header says 0 bytes", 40},
        {48, 1, 8, "not 0", 20},
        {HEADER + 8 * ROWS, 1, 8, "behind the ids", HEADER + 8 * ROWS},
        {HEADER + 8 * 5, 0, 0, "vector 5 has id", HEADER + 8 * 5}, /* the id of row 4 */
        {384, 0x7fc00000, 4, "vector 0 has an element that is not a finite number", HEADER},
        {384 + 4, 0xff800000, 4, "vector 1 has an element that is not a finite number", HEADER + 8},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fh_buf out;
        fh_buf_init(&out, a, 0);
        save(flat, &out);
        fh_mspan all = {(uint8_t *)(uintptr_t)fh_buf_view(&out).at, out.size};
        if (rows[i].width == 4)
            fh_mspan_put_u32(all, rows[i].at, (uint32_t)rows[i].value);
        else if (rows[i].width == 8)
            fh_mspan_put_u64(all, rows[i].at, rows[i].value);
        else
            fh_mspan_put_u64(all, rows[i].at, fh_span_u64(fh_span_of_mut(all), rows[i].at - 8));
        seal(all, ids_end, tile_bytes);
        expect(a, fh_span_of_mut(all), FH_CORRUPT, rows[i].words, rows[i].offset);
        fh_buf_deinit(&out);
    }
    fh_flat_free(flat);
}

/* A row without a direction, under the cosine. */
static void test_no_direction(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_flat *flat = make(a, FH_VECTOR_F32, FH_METRIC_COSINE, 2);
    fh_buf out;
    fh_buf_init(&out, a, 0);
    save(flat, &out);
    fh_mspan all = {(uint8_t *)(uintptr_t)fh_buf_view(&out).at, out.size};
    for (size_t c = 0; c < DIM; c++)
        fh_mspan_put_u32(all, 128 + 4 * (16 * c + 1), 0);
    seal(all, 128, 16 * DIM * 4);
    expect(a, fh_span_of_mut(all), FH_CORRUPT, "vector 1 has length 0", HEADER + 8);
    fh_flat_free(flat);
    fh_buf_deinit(&out);
}

/* --- through the system ------------------------------------------------------------------------------------------------- */

static fh_status put_writer(void *ctx, fh_span bytes, fh_err *err) {
    return fh_os_writer_put(ctx, bytes, err);
}

static void unmap(void *ctx) {
    fh_os_map_close(ctx);
}

/* Saved beside and renamed, mapped, searched where it lies; the file may go. */
static void test_mapped(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_flat *flat = make(a, FH_VECTOR_F16, FH_METRIC_IP, ROWS), *back = NULL;
    char path[64];
    snprintf(path, sizeof path, "/tmp/test_flat_file_%ld", (long)getpid());
    fh_os_writer *writer = NULL;
    fh_os_map map;
    fh_bytes bytes;
    fh_hit hits[K], other[K];
    size_t count, other_count;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_os_writer_open(path, &writer, &err));
    fh_assert_ok(fh_flat_save(flat, (fh_sink){writer, put_writer}, &err));
    assert_int_equal(access(path, F_OK), -1); /* not there before all of it is */
    fh_assert_ok(fh_os_writer_commit(&writer, &err));
    fh_assert_ok(fh_os_map_open(path, &map, &err));
    assert_int_equal(remove(path), 0);
    fh_assert_ok(fh_bytes_wrap(a, map.bytes, unmap, &map, &bytes));
    fh_assert_ok(fh_flat_open(a, fh_isa_best(), 0, bytes, &back, &err));
    fh_bytes_drop(&bytes);
    answers(flat, hits, &count);
    answers(back, other, &other_count);
    assert_int_equal(count, other_count);
    for (size_t i = 0; i < count; i++)
        assert_true(hits[i].id == other[i].id && hits[i].score == other[i].score);
    assert_true(fh_flat_bytes(back) < 8192); /* the vectors were not copied */
    fh_flat_free(flat);
    fh_flat_free(back);
}

/* A sink that refuses piece `left`. */
static fh_status put_some(void *ctx, fh_span bytes, fh_err *err) {
    size_t *left = ctx;
    (void)bytes;
    return (*left)-- == 0 ? fh_fail(err, FH_IO, FH_NO_OFFSET, "the disk is full") : FH_DONE;
}

static void test_sink_refuses(void **state) {
    fh_flat *flat = make(fh_test_allocator(state), FH_VECTOR_F32, FH_METRIC_L2, ROWS);
    for (size_t pieces = 0; pieces < 6; pieces++) {
        size_t left = pieces;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_flat_save(flat, (fh_sink){&left, put_some}, &err), FH_IO);
        assert_string_equal(err.message, "the disk is full");
    }
    fh_flat_free(flat);
}

static fh_status body(fh_allocator *a, void *arg) {
    fh_flat *back = NULL;
    fh_err err;
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_status s = open_bytes(a, fh_buf_view(arg), &back, &err);
    if (!fh_failed(s))
        s = fh_flat_save(back, (fh_sink){&out, put_buf}, &err);
    fh_flat_free(back);
    fh_buf_deinit(&out);
    return s;
}

static void test_each_allocation_fails(void **state) {
    fh_flat *flat = make(fh_test_allocator(state), FH_VECTOR_F32, FH_METRIC_COSINE, ROWS);
    fh_buf out;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    save(flat, &out);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, &out) >= 9);
    fh_flat_free(flat);
    fh_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_round_trip),
        FH_TEST_ALLOC(test_no_former_vectors),
        FH_TEST_ALLOC(test_cut_and_changed),
        FH_TEST_ALLOC(test_hostile),
        FH_TEST_ALLOC(test_hostile_codes),
        FH_TEST_ALLOC(test_no_direction),
        FH_TEST_ALLOC(test_mapped),
        FH_TEST_ALLOC(test_sink_refuses),
        FH_TEST_ALLOC(test_each_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
