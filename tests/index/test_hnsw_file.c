/* test_hnsw_file.c: a graph comes back from its file as it was, and no damaged file is believed: cut at every byte, every byte
 * changed, and files with right checksums whose numbers and links are wrong. */
#include "fh_test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "freehold/buf.h"
#include "freehold/hash.h"
#include "freehold/hnsw.h"
#include "freehold/os.h"

enum { DIM = 3, ROWS = 60, K = 7, LINKS = 2, HEADER = 128, TABLE = HEADER, VECTORS = HEADER + 960,
       SLOTS = VECTORS + 4 * DIM * ROWS, UPPERS = SLOTS + 8 * LINKS * ROWS };

static fh_status put_buf(void *ctx, fh_span bytes, fh_err *err) {
    (void)err;
    return fh_buf_put(ctx, bytes);
}

static void vector_of(uint64_t i, float *v) {
    for (size_t c = 0; c < DIM; c++)
        v[c] = (float)(fh_mix64(i * DIM + c) % 1000) * 0x1p-6f + 1.0f;
}

/* `rows` rows; every eighth was removed. */
static fh_hnsw *make(fh_allocator *a, fh_metric metric, size_t rows) {
    fh_hnsw *graph = NULL;
    fh_hnsw_writer *writer = NULL;
    fh_err err;
    fh_err_clear(&err);
    const fh_hnsw_options o = {.dim = DIM, .rows_max = ROWS + 40, .metric = metric, .links = LINKS, .effort = 30};
    fh_assert_ok(fh_hnsw_new(a, fh_isa_best(), &o, &graph, &err));
    fh_assert_ok(fh_hnsw_writer_new(graph, 1, &writer, &err));
    for (uint64_t id = 0; id < rows; id++) {
        float v[DIM];
        vector_of(id, v);
        fh_assert_ok(fh_hnsw_add(graph, writer, NULL, (fh_u64s){&id, 1}, (fh_f32s){v, DIM}, &err));
    }
    for (uint64_t id = 5; id < rows; id += 8)
        fh_assert_ok(fh_hnsw_remove(graph, id));
    fh_hnsw_writer_free(writer);
    return graph;
}

static void save(fh_hnsw *graph, fh_buf *out) {
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_hnsw_save(graph, (fh_sink){out, put_buf}, &err));
}

/* Opens a copy of the bytes that has exactly their size. */
static fh_status open_bytes(fh_allocator *a, fh_span bytes, fh_hnsw **out, fh_err *err) {
    fh_bytes copy;
    fh_err_clear(err);
    FH_TRY(fh_bytes_copy(a, bytes, &copy));
    fh_status s = fh_hnsw_open(a, fh_isa_best(), 3, copy, out, err);
    fh_bytes_drop(&copy);
    return s;
}

static size_t answers(fh_hnsw *graph, fh_hit *hits) {
    const float query[DIM] = {3, 1, 4};
    float copy[DIM];
    fh_hnsw_reader *r = NULL;
    size_t count = 0;
    fh_err err;
    fh_err_clear(&err);
    memcpy(copy, query, sizeof copy);
    fh_assert_ok(fh_hnsw_reader_new(graph, &r, &err));
    fh_assert_ok(fh_hnsw_search(graph, r, (fh_f32s){copy, DIM}, K, 20, NULL, (fh_hits){hits, K}, &count, &err));
    fh_hnsw_reader_free(r);
    return count;
}

static void expect_same(fh_hnsw *a, fh_hnsw *b) {
    fh_hit hits[K], other[K];
    uint64_t digest, other_digest;
    size_t count = answers(a, hits);
    assert_int_equal(answers(b, other), count);
    for (size_t i = 0; i < count; i++)
        assert_true(hits[i].id == other[i].id && hits[i].score == other[i].score);
    fh_assert_ok(fh_hnsw_digest(a, &digest));
    fh_assert_ok(fh_hnsw_digest(b, &other_digest));
    assert_true(digest == other_digest);
    assert_int_equal(fh_hnsw_count(a), fh_hnsw_count(b));
    assert_int_equal(fh_hnsw_rows(a), fh_hnsw_rows(b));
    assert_true(fh_hnsw_id_max(a) == fh_hnsw_id_max(b));
}

static void test_round_trip(void **state) {
    static const size_t sizes[] = {0, 1, 2, 33, ROWS};
    fh_allocator *a = fh_test_allocator(state);
    for (int i = 0; i < FH_METRIC_COUNT * 5; i++) {
        size_t rows = sizes[i % 5];
        fh_hnsw *graph = make(a, (fh_metric)(i / 5), rows), *back = NULL;
        fh_hnsw_writer *writer;
        fh_buf first, second;
        fh_err err;
        float v[DIM], w[DIM];
        uint64_t id = 0;
        fh_buf_init(&first, a, 0);
        fh_buf_init(&second, a, 0);
        save(graph, &first);
        fh_assert_ok(open_bytes(a, fh_buf_view(&first), &back, &err));
        expect_same(graph, back);
        save(back, &second);
        assert_true(fh_span_equal(fh_buf_view(&first), fh_buf_view(&second)));
        vector_of(0, v);
        if (rows != 0) {
            fh_assert_ok(fh_hnsw_get(back, 0, (fh_f32s){w, DIM}));
            assert_memory_equal(v, w, sizeof v);
        }
        fh_assert_ok(fh_hnsw_writer_new(back, 1, &writer, &err));
        fh_assert_code(fh_hnsw_add(back, writer, NULL, (fh_u64s){&id, 1}, (fh_f32s){v, DIM}, &err), FH_UNSUPPORTED);
        fh_assert_code(fh_hnsw_update(back, writer, 0, (fh_f32s){v, DIM}, &err), FH_UNSUPPORTED);
        fh_assert_code(fh_hnsw_remove(back, 0), FH_UNSUPPORTED);
        fh_hnsw_writer_free(writer);
        fh_hnsw_free(graph);
        fh_hnsw_free(back);
        fh_buf_deinit(&first);
        fh_buf_deinit(&second);
    }
}

/* A view becomes a graph that can be changed. */
static void test_copy_of_view(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_hnsw *graph = make(a, FH_METRIC_COSINE, ROWS), *view = NULL, *copy = NULL, *other = NULL;
    fh_buf out;
    uint64_t digest, other_digest;
    fh_err err;
    fh_buf_init(&out, a, 0);
    save(graph, &out);
    fh_assert_ok(open_bytes(a, fh_buf_view(&out), &view, &err));
    fh_assert_ok(fh_hnsw_copy(view, ROWS, NULL, &copy, &err));
    fh_hnsw_free(view); /* nothing of it is needed any more */
    fh_assert_ok(fh_hnsw_check(copy, &err));
    assert_int_equal(fh_hnsw_rows(copy), fh_hnsw_count(graph));
    fh_assert_ok(fh_hnsw_remove(copy, 0));
    fh_assert_ok(fh_hnsw_copy(graph, ROWS, NULL, &other, &err));
    fh_assert_ok(fh_hnsw_remove(other, 0));
    fh_assert_ok(fh_hnsw_digest(copy, &digest));
    fh_assert_ok(fh_hnsw_digest(other, &other_digest));
    assert_int_equal(fh_hnsw_rows(other), fh_hnsw_rows(copy));
    fh_hnsw_free(graph);
    fh_hnsw_free(copy);
    fh_hnsw_free(other);
    fh_buf_deinit(&out);
}

/* Every truncation and every changed byte is refused with a report. */
static void test_damage(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_hnsw *graph = make(a, FH_METRIC_L2, ROWS), *back = NULL;
    fh_buf out;
    fh_err err;
    fh_buf_init(&out, a, 0);
    save(graph, &out);
    fh_mspan all = {(uint8_t *)(uintptr_t)fh_buf_view(&out).at, out.size};
    for (size_t size = 0; size < all.size; size++) {
        fh_assert_code(open_bytes(a, fh_span_sub(fh_span_of_mut(all), 0, size), &back, &err), FH_CORRUPT);
        assert_true(back == NULL && err.offset_bytes <= size);
        assert_non_null(strstr(err.message, "expected"));
    }
    for (size_t i = 0; i < all.size; i++) {
        all.at[i] ^= 0x10;
        fh_status s = open_bytes(a, fh_span_of_mut(all), &back, &err);
        assert_true(s.code == FH_CORRUPT || (s.code == FH_UNSUPPORTED && i >= 8 && i < 12));
        assert_true(back == NULL && err.message[0] != '\0');
        all.at[i] ^= 0x10;
    }
    fh_hnsw_free(graph);
    fh_buf_deinit(&out);
}

/* --- right checksums ---------------------------------------------------------------------------------------------------- */

/* Makes both checksums right again, for the levels that the table has. */
static void seal(fh_mspan all) {
    static const size_t ends[] = {HEADER, VECTORS, SLOTS, UPPERS};
    fh_span s = fh_span_of_mut(all);
    uint64_t sum = 0;
    size_t at = 0;
    fh_mspan_put_u64(all, 120, fh_hash_bytes(0, fh_span_sub(s, 0, 120)));
    for (size_t i = 0; i < 4; at = ends[i++])
        sum = fh_hash_bytes(sum, fh_span_sub(s, at, ends[i] - at));
    for (size_t row = 0; row < ROWS; row++) {
        size_t bytes = (fh_span_u32(s, TABLE + 16 * row + 12) & 0xff) * LINKS * 4;
        if (bytes == 0 || at + bytes + 8 > all.size)
            continue;
        sum = fh_hash_bytes(sum, fh_span_sub(s, at, bytes));
        at += bytes;
    }
    fh_mspan_put_u64(all, all.size - 8, sum);
}

/* The first row of that level and the first of a level below it. */
static size_t row_of_level(fh_span all, size_t level) {
    for (size_t row = 0; row < ROWS; row++)
        if ((fh_span_u32(all, TABLE + 16 * row + 12) & 0xff) == level)
            return row;
    fail_msg("no row has level %zu", level);
    return 0;
}

/* The slot of row 40's parent that leads to it. */
static size_t slot_of_40(fh_span all) {
    size_t parent = fh_span_u32(all, TABLE + 16 * 40 + 8);
    for (size_t i = 0; i < (size_t)2 * LINKS; i++)
        if (fh_span_u32(all, SLOTS + 4 * (parent * 2 * LINKS + i)) == 41)
            return SLOTS + 4 * (parent * 2 * LINKS + i);
    fail_msg("nothing leads to row 40");
    return 0;
}

static void test_hostile(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_hnsw *graph = make(a, FH_METRIC_COSINE, ROWS);
    fh_buf out;
    fh_buf_init(&out, a, 0);
    save(graph, &out);
    fh_span good = fh_buf_view(&out);
    const size_t low = row_of_level(good, 0), state_40 = TABLE + 16 * 40 + 12;
    const struct {
        size_t at;
        uint64_t value;
        size_t width;
        const char *words;
    } rows[] = {
        {12, FH_METRIC_COUNT, 4, "metric 3, expected 0 to 2"},
        {16, 1, 4, "1 links, expected 2 to 128"},
        {16, 129, 4, "129 links"},
        {16, 3, 4, "60 rows, expected"},
        {20, 0, 4, "an effort of 0"},
        {20, 65537, 4, "an effort of 65537"},
        {24, 0, 8, "vectors of 0 elements"},
        {24, UINT64_MAX, 8, "elements, expected 1 to 65536"},
        {24, 65537, 8, "vectors of 65537 elements"},
        {32, ROWS + 1, 8, "61 rows, expected"},
        {32, UINT64_MAX, 8, "rows, expected"},
        {32, UINT64_MAX / 16, 8, "rows, expected"},
        {40, 0, 8, "which is not there"},
        {40, ROWS + 1, 8, "which is not there"},
        {40, UINT64_C(1) << 32 | (low + 1), 8, "which is not there"},
        {40, low + 1, 8, "above where walks begin"},
        {48, UINT64_MAX, 8, "rows, expected"},
        {56, 1, 8, "the header says 1 bytes"},
        {64, 1, 8, "not 0"},
        {112, 1, 8, "not 0"},
        {TABLE + 16, 0, 8, "row 1 has id 0, which another one has"},
        {TABLE + 8, 1, 4, "row 0 has parent 1"},
        {TABLE + 16 * 40 + 8, 40, 4, "row 40 has parent 40"},
        {TABLE + 16 * 40 + 8, UINT32_MAX, 4, "which did not come before"},
        {state_40, 16, 4, "level 16, expected 0 to 15"},
        {state_40, UINT32_MAX, 4, "expected 0 to 15"},
        {state_40, (fh_span_u32(good, state_40) & 15) + 1, 4, "levels above 0, expected"},
        {VECTORS, 0x7fc00000, 4, "row 0 has an element that is not a finite number"},
        {VECTORS + 4 * DIM * 9 + 4, 0xff800000, 4, "row 9 has an element"},
        {SLOTS, ROWS + 1, 4, "row 0 leads to 60"},
        {SLOTS, 1, 4, "row 0 leads to 0"},
        {slot_of_40(good), 0, 4, "does not lead to row 40"},
        {UPPERS, low + 1, 4, "at level 1"},
        {UPPERS, UINT32_MAX, 4, "at level 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fh_hnsw *back = (fh_hnsw *)a;
        fh_err err;
        fh_buf bad;
        fh_buf_init(&bad, a, 0);
        fh_assert_ok(fh_buf_put(&bad, good));
        fh_mspan all = {(uint8_t *)(uintptr_t)fh_buf_view(&bad).at, bad.size};
        if (rows[i].width == 4)
            fh_mspan_put_u32(all, rows[i].at, (uint32_t)rows[i].value);
        else
            fh_mspan_put_u64(all, rows[i].at, rows[i].value);
        seal(all);
        fh_assert_code(open_bytes(a, fh_span_of_mut(all), &back, &err), FH_CORRUPT);
        if (back != NULL || strstr(err.message, rows[i].words) == NULL)
            fail_msg("case %zu: %s; expected %s", i, err.message, rows[i].words);
        fh_buf_deinit(&bad);
    }
    fh_hnsw_free(graph);
    fh_buf_deinit(&out);
}

/* More children than a row may have: their parent leads to each, but they all fit only because it has twice as many slots. */
static void test_many_children(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_hnsw *graph = make(a, FH_METRIC_L2, ROWS), *back = NULL;
    fh_buf out;
    fh_err err;
    fh_buf_init(&out, a, 0);
    save(graph, &out);
    fh_mspan all = {(uint8_t *)(uintptr_t)fh_buf_view(&out).at, out.size};
    for (size_t row = 1; row <= LINKS + 1; row++) {
        fh_mspan_put_u32(all, TABLE + 16 * row + 8, 0);
        fh_mspan_put_u32(all, SLOTS + 4 * (row - 1), (uint32_t)row + 1);
    }
    seal(all);
    fh_assert_code(open_bytes(a, fh_span_of_mut(all), &back, &err), FH_CORRUPT);
    assert_non_null(strstr(err.message, "row 0 has 3 children"));
    fh_hnsw_free(graph);
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
    fh_hnsw *graph = make(a, FH_METRIC_IP, ROWS), *back = NULL;
    char path[64];
    snprintf(path, sizeof path, "/tmp/test_hnsw_file_%ld", (long)getpid());
    fh_os_writer *writer = NULL;
    fh_os_map map;
    fh_bytes bytes;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_os_writer_open(path, &writer, &err));
    fh_assert_ok(fh_hnsw_save(graph, (fh_sink){writer, put_writer}, &err));
    assert_int_equal(access(path, F_OK), -1); /* not there before all of it is */
    fh_assert_ok(fh_os_writer_commit(&writer, &err));
    fh_assert_ok(fh_os_map_open(path, &map, &err));
    assert_int_equal(remove(path), 0);
    fh_assert_ok(fh_bytes_wrap(a, map.bytes, unmap, &map, &bytes));
    fh_assert_ok(fh_hnsw_open(a, fh_isa_best(), 0, bytes, &back, &err));
    fh_bytes_drop(&bytes);
    expect_same(graph, back);
    fh_hnsw_free(graph);
    fh_hnsw_free(back);
}

/* A link that changes after the file was checked leads nowhere: no read outside. */
static void test_changed_later(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_hnsw *graph = make(a, FH_METRIC_L2, ROWS), *back = NULL;
    fh_buf out;
    fh_bytes bytes;
    fh_hit hits[K];
    fh_err err;
    fh_err_clear(&err);
    fh_buf_init(&out, a, 0);
    save(graph, &out);
    fh_mspan all = {(uint8_t *)(uintptr_t)fh_buf_view(&out).at, out.size};
    fh_assert_ok(fh_bytes_wrap(a, fh_span_of_mut(all), NULL, NULL, &bytes));
    fh_assert_ok(fh_hnsw_open(a, fh_isa_best(), 0, bytes, &back, &err));
    fh_bytes_drop(&bytes);
    for (size_t at = SLOTS; at < UPPERS; at += 4)
        fh_mspan_put_u32(all, at, UINT32_MAX);
    assert_true(answers(back, hits) >= 1);
    fh_hnsw_free(graph);
    fh_hnsw_free(back);
    fh_buf_deinit(&out);
}

/* A sink that refuses piece `left`. */
static fh_status put_some(void *ctx, fh_span bytes, fh_err *err) {
    size_t *left = ctx;
    (void)bytes;
    return (*left)-- == 0 ? fh_fail(err, FH_IO, FH_NO_OFFSET, "the disk is full") : FH_DONE;
}

static void test_sink_refuses(void **state) {
    fh_hnsw *graph = make(fh_test_allocator(state), FH_METRIC_L2, ROWS);
    for (size_t pieces = 0; pieces < 6; pieces++) {
        size_t left = pieces;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_hnsw_save(graph, (fh_sink){&left, put_some}, &err), FH_IO);
        assert_string_equal(err.message, "the disk is full");
    }
    fh_hnsw_free(graph);
}

static fh_status body(fh_allocator *a, void *arg) {
    fh_hnsw *back = NULL, *copy = NULL;
    fh_err err;
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_status s = open_bytes(a, fh_buf_view(arg), &back, &err);
    if (!fh_failed(s))
        s = fh_hnsw_save(back, (fh_sink){&out, put_buf}, &err);
    if (!fh_failed(s))
        s = fh_hnsw_copy(back, ROWS, NULL, &copy, &err);
    fh_hnsw_free(back);
    fh_hnsw_free(copy);
    fh_buf_deinit(&out);
    return s;
}

static void test_each_allocation_fails(void **state) {
    fh_hnsw *graph = make(fh_test_allocator(state), FH_METRIC_COSINE, ROWS);
    fh_buf out;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    save(graph, &out);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, &out) >= 20);
    fh_hnsw_free(graph);
    fh_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_round_trip),
        FH_TEST_ALLOC(test_copy_of_view),
        FH_TEST_ALLOC(test_damage),
        FH_TEST_ALLOC(test_hostile),
        FH_TEST_ALLOC(test_many_children),
        FH_TEST_ALLOC(test_mapped),
        FH_TEST_ALLOC(test_changed_later),
        FH_TEST_ALLOC(test_sink_refuses),
        FH_TEST_ALLOC(test_each_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
