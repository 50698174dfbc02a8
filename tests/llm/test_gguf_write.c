/* test_gguf_write.c: what the writer writes is what the reader reads, and what does not fit is refused. */
#include <string.h>

#include "freehold/checked.h"
#include "gguf_bytes.h"

/* --- a file through the writer -------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    fh_dtype dtype;
    uint32_t dims;
    uint64_t dim[FH_GGUF_DIMS_MAX];
} tensors[] = {
    {"a", FH_DTYPE_F32, 1, {5}},
    {"b", FH_DTYPE_Q8_0, 2, {64, 3}},
    {"c", FH_DTYPE_Q4_0, 3, {32, 2, 2}},
    {"d", FH_DTYPE_F16, 4, {3, 1, 2, 1}},
    {"e", FH_DTYPE_BF16, 2, {16, 16}},
};
enum { TENSORS = sizeof tensors / sizeof *tensors };

static fh_status put_keys(fh_gguf_writer *w) {
    float floats[] = {1.5f, -0.0f, 3e38f};
    int32_t ints[] = {-1, 0, 2147483647};
    fh_span texts[] = {FH_LIT("one"), FH_LIT(""), FH_LIT("\xff\x00 three")};
    FH_TRY(fh_gguf_put_text(w, "general.architecture", FH_LIT("llama")));
    FH_TRY(fh_gguf_put_u32(w, "u32", 4294967295u));
    FH_TRY(fh_gguf_put_f32(w, "f32", 0.25f));
    FH_TRY(fh_gguf_put_bool(w, "bool", true));
    FH_TRY(fh_gguf_put_texts(w, "texts", (fh_views){texts, 3}));
    FH_TRY(fh_gguf_put_f32s(w, "f32s", (fh_f32s){floats, 3}));
    FH_TRY(fh_gguf_put_i32s(w, "i32s", (fh_i32s){ints, 3}));
    return fh_gguf_put_texts(w, "none", (fh_views){NULL, 0});
}

static uint64_t tensor_size(size_t i) {
    uint64_t bytes = 0, rows = 1;
    for (uint32_t d = 1; d < tensors[i].dims; d++)
        rows *= tensors[i].dim[d];
    assert_true(fh_dtype_bytes(tensors[i].dtype, tensors[i].dim[0], rows, &bytes));
    return bytes;
}

/* All tensors' bytes, one behind the other, in pieces of `step`. */
static fh_status put_data(fh_gguf_writer *w, fh_sink sink, size_t step, fh_err *err) {
    uint8_t all[2048];
    size_t size = 0;
    for (size_t i = 0; i < TENSORS; i++) {
        memset(all + size, (int)(i + 1), tensor_size(i));
        size += tensor_size(i);
    }
    assert_true(size <= sizeof all);
    for (size_t at = 0; at < size; at += step)
        FH_TRY(fh_gguf_writer_data(w, (fh_span){all + at, size - at < step ? size - at : step}, sink, err));
    return FH_DONE;
}

static fh_status write_file(fh_allocator *a, size_t step, fh_buf *out, fh_err *err) {
    fh_gguf_writer *w;
    FH_TRY(fh_gguf_writer_new(a, &w));
    fh_status status = put_keys(w);
    for (size_t i = 0; i < TENSORS && !fh_failed(status); i++)
        status = fh_gguf_put_tensor(w, tensors[i].name, tensors[i].dtype, tensors[i].dims, tensors[i].dim);
    if (!fh_failed(status))
        status = fh_gguf_writer_header(w, raw_sink(out), err);
    if (!fh_failed(status))
        status = put_data(w, raw_sink(out), step, err);
    if (!fh_failed(status))
        status = fh_gguf_writer_finish(w, err);
    fh_gguf_writer_free(w);
    return status;
}

/* --- round trips ---------------------------------------------------------------------------------------------------- */

/* Writes a key of an open file again, through the function for its type. */
static void copy_key(const fh_gguf *g, fh_gguf_key key, fh_gguf_writer *w, fh_allocator *a) {
    char name[64] = "";
    assert_true(key.name.size < sizeof name);
    memcpy(name, key.name.at, key.name.size);
    uint64_t u;
    double f;
    bool flag;
    fh_span text;
    fh_views views;
    if (key.type == FH_GGUF_STRING) {
        fh_assert_ok(fh_gguf_text(g, name, &text, NULL));
        fh_assert_ok(fh_gguf_put_text(w, name, text));
    } else if (key.type == FH_GGUF_U32) {
        fh_assert_ok(fh_gguf_u64(g, name, &u, NULL));
        fh_assert_ok(fh_gguf_put_u32(w, name, (uint32_t)u));
    } else if (key.type == FH_GGUF_F32) {
        fh_assert_ok(fh_gguf_f64(g, name, &f, NULL));
        fh_assert_ok(fh_gguf_put_f32(w, name, (float)f));
    } else if (key.type == FH_GGUF_BOOL) {
        fh_assert_ok(fh_gguf_bool(g, name, &flag, NULL));
        fh_assert_ok(fh_gguf_put_bool(w, name, flag));
    } else if (key.item == FH_GGUF_STRING) {
        fh_assert_ok(fh_gguf_texts(g, key, a, &views, NULL));
        fh_assert_ok(fh_gguf_put_texts(w, name, views));
        fh_views_free(a, &views);
    } else if (key.item == FH_GGUF_F32) {
        float floats[8];
        for (size_t i = 0; i < key.count; i++) {
            fh_assert_ok(fh_gguf_item_f64(g, key, i, &f, NULL));
            floats[i] = (float)f;
        }
        fh_assert_ok(fh_gguf_put_f32s(w, name, (fh_f32s){floats, key.count}));
    } else {
        int32_t ints[8];
        int64_t n;
        for (size_t i = 0; i < key.count; i++) {
            fh_assert_ok(fh_gguf_item_i64(g, key, i, &n, NULL));
            ints[i] = (int32_t)n;
        }
        fh_assert_ok(fh_gguf_put_i32s(w, name, (fh_i32s){ints, key.count}));
    }
}

static void copy_file(const fh_gguf *g, fh_buf *out, fh_allocator *a) {
    fh_gguf_writer *w;
    fh_assert_ok(fh_gguf_writer_new(a, &w));
    for (size_t i = 0; i < fh_gguf_key_count(g); i++)
        copy_key(g, fh_gguf_key_at(g, i), w, a);
    for (size_t i = 0; i < fh_gguf_tensor_count(g); i++) {
        fh_gguf_tensor t = fh_gguf_tensor_at(g, i);
        char name[64] = "";
        memcpy(name, t.name.at, t.name.size);
        fh_assert_ok(fh_gguf_put_tensor(w, name, t.dtype, t.dims, t.dim));
    }
    fh_assert_ok(fh_gguf_writer_header(w, raw_sink(out), NULL));
    for (size_t i = 0; i < fh_gguf_tensor_count(g); i++) {
        fh_bytes data;
        fh_assert_ok(fh_gguf_tensor_bytes(g, fh_gguf_tensor_at(g, i), &data));
        fh_assert_ok(fh_gguf_writer_data(w, data.span, raw_sink(out), NULL));
        fh_bytes_drop(&data);
    }
    fh_assert_ok(fh_gguf_writer_finish(w, NULL));
    fh_gguf_writer_free(w);
}

static void test_round_trip(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf first, again;
    fh_gguf *g;
    fh_err err;
    fh_err_clear(&err);
    fh_buf_init(&first, a, 0);
    fh_buf_init(&again, a, 0);
    fh_assert_ok(write_file(a, SIZE_MAX, &first, &err));
    fh_assert_ok(raw_open(a, fh_buf_view(&first), &g, &err));
    assert_int_equal(fh_gguf_version(g), 3);
    assert_int_equal(fh_gguf_alignment(g), 32);
    for (size_t i = 0; i < TENSORS; i++) {
        fh_bytes data;
        fh_gguf_tensor t;
        assert_true(fh_gguf_tensor_find(g, fh_span_of_str(tensors[i].name), &t));
        assert_int_equal(t.dtype, tensors[i].dtype);
        assert_int_equal(t.size_bytes, tensor_size(i));
        fh_assert_ok(fh_gguf_tensor_bytes(g, t, &data));
        for (size_t k = 0; k < data.span.size; k++)
            assert_int_equal(fh_span_at(data.span, k), i + 1);
        fh_bytes_drop(&data);
    }
    copy_file(g, &again, a);
    assert_true(fh_span_equal(fh_buf_view(&first), fh_buf_view(&again)));
    fh_gguf_close(g);
    fh_buf_deinit(&first);
    fh_buf_deinit(&again);
}

/* The cut of the data into pieces does not show. */
static void test_any_pieces(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf whole;
    fh_buf_init(&whole, a, 0);
    fh_assert_ok(write_file(a, SIZE_MAX, &whole, NULL));
    for (size_t step = 1; step < 300; step += step < 70 ? 1 : 23) {
        fh_buf cut;
        fh_buf_init(&cut, a, 0);
        fh_assert_ok(write_file(a, step, &cut, NULL));
        assert_true(fh_span_equal(fh_buf_view(&whole), fh_buf_view(&cut)));
        fh_buf_deinit(&cut);
    }
    fh_buf_deinit(&whole);
}

/* --- refusals ------------------------------------------------------------------------------------------------------- */

static void test_bad_names(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_gguf_writer *w;
    fh_buf out;
    fh_err err;
    fh_err_clear(&err);
    fh_buf_init(&out, a, 0);
    fh_assert_ok(fh_gguf_writer_new(a, &w));
    static char longest[65537];
    memset(longest, 'x', 65535);
    fh_assert_code(fh_gguf_put_u32(w, "", 1), FH_INVALID);
    fh_assert_ok(fh_gguf_put_u32(w, longest, 1));
    longest[65535] = 'x';
    fh_assert_code(fh_gguf_put_u32(w, longest, 1), FH_INVALID);
    fh_assert_ok(fh_gguf_put_u32(w, "twice", 1));
    fh_assert_ok(fh_gguf_put_bool(w, "twice", true));
    fh_assert_code(fh_gguf_writer_header(w, raw_sink(&out), &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "key \"twice\" was added twice");
    assert_int_equal(out.size, 0);
    fh_gguf_writer_free(w);

    fh_err_clear(&err);
    fh_assert_ok(fh_gguf_writer_new(a, &w));
    fh_assert_ok(fh_gguf_put_tensor(w, "t", FH_DTYPE_F32, 1, (const uint64_t[4]){1}));
    fh_assert_ok(fh_gguf_put_tensor(w, "t", FH_DTYPE_F32, 1, (const uint64_t[4]){1}));
    fh_assert_code(fh_gguf_writer_header(w, raw_sink(&out), &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "tensor \"t\" was added twice");
    fh_gguf_writer_free(w);
    fh_buf_deinit(&out);
}

static void test_bad_tensors(void **state) {
    static const struct {
        fh_dtype dtype;
        uint32_t dims;
        uint64_t dim[4];
        fh_code code;
    } bad[] = {
        {FH_DTYPE_F32, 0, {1}, FH_INVALID},
        {FH_DTYPE_F32, 5, {1, 1, 1, 1}, FH_INVALID},
        {FH_DTYPE_F32, 1, {0}, FH_INVALID},
        {FH_DTYPE_F32, 2, {4, 0}, FH_INVALID},
        {FH_DTYPE_Q8_0, 1, {33}, FH_INVALID},
        {FH_DTYPE_COUNT, 1, {32}, FH_INVALID},
        {FH_DTYPE_F32, 1, {UINT64_MAX}, FH_INVALID},
        {FH_DTYPE_F32, 4, {1, UINT64_C(1) << 32, UINT64_C(1) << 32, 1}, FH_INVALID},
        {FH_DTYPE_F16, 1, {UINT64_MAX / 2}, FH_LIMIT}, /* the size fits, its padding does not */
    };
    fh_allocator *a = fh_test_allocator(state);
    fh_gguf_writer *w;
    fh_buf out;
    fh_gguf *g;
    fh_buf_init(&out, a, 0);
    fh_assert_ok(fh_gguf_writer_new(a, &w));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        fh_assert_code(fh_gguf_put_tensor(w, "t", bad[i].dtype, bad[i].dims, bad[i].dim), bad[i].code);
    fh_assert_ok(fh_gguf_put_tensor(w, "t", FH_DTYPE_F32, 1, (const uint64_t[4]){UINT64_C(1) << 61}));
    /* 2^63 bytes and as many again */
    fh_assert_code(fh_gguf_put_tensor(w, "u", FH_DTYPE_F32, 1, (const uint64_t[4]){UINT64_C(1) << 61}), FH_LIMIT);
    fh_gguf_writer_free(w);

    fh_assert_ok(fh_gguf_writer_new(a, &w)); /* what was refused left no trace */
    fh_assert_code(fh_gguf_put_tensor(w, "bad", FH_DTYPE_Q4_0, 1, (const uint64_t[4]){31}), FH_INVALID);
    fh_assert_ok(fh_gguf_writer_header(w, raw_sink(&out), NULL));
    fh_assert_ok(fh_gguf_writer_finish(w, NULL));
    fh_assert_ok(raw_open(a, fh_buf_view(&out), &g, NULL));
    assert_int_equal(fh_gguf_tensor_count(g), 0);
    fh_gguf_close(g);
    fh_gguf_writer_free(w);
    fh_buf_deinit(&out);
}

static void test_order_of_calls(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_gguf_writer *w;
    fh_buf out;
    fh_err err;
    uint8_t bytes[64] = {0};
    fh_buf_init(&out, a, 0);
    fh_assert_ok(fh_gguf_writer_new(a, &w));
    fh_assert_ok(fh_gguf_put_tensor(w, "t", FH_DTYPE_F32, 1, (const uint64_t[4]){4}));
    fh_assert_code(fh_gguf_writer_data(w, (fh_span){bytes, 16}, raw_sink(&out), NULL), FH_INVALID);
    fh_assert_code(fh_gguf_writer_finish(w, NULL), FH_INVALID);
    fh_assert_ok(fh_gguf_writer_header(w, raw_sink(&out), NULL));
    fh_assert_code(fh_gguf_writer_header(w, raw_sink(&out), NULL), FH_INVALID);
    fh_assert_code(fh_gguf_put_u32(w, "late", 1), FH_INVALID);
    fh_assert_code(fh_gguf_put_tensor(w, "late", FH_DTYPE_F32, 1, (const uint64_t[4]){4}), FH_INVALID);
    fh_assert_ok(fh_gguf_writer_data(w, (fh_span){bytes, 15}, raw_sink(&out), NULL));
    fh_err_clear(&err);
    fh_assert_code(fh_gguf_writer_finish(w, &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "1 of 1 tensors have no data yet");
    fh_err_clear(&err);
    fh_assert_code(fh_gguf_writer_data(w, (fh_span){bytes, 2}, raw_sink(&out), &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "1 bytes more than all tensors have");
    fh_assert_ok(fh_gguf_writer_finish(w, NULL));
    fh_gguf_writer_free(w);
    fh_gguf_writer_free(NULL);
    fh_buf_deinit(&out);
}

/* --- failures ------------------------------------------------------------------------------------------------------- */

/* A sink that takes so many calls. */
static fh_status put_some(void *ctx, fh_span bytes, fh_err *err) {
    int *calls = ctx;
    (void)bytes;
    return --*calls < 0 ? fh_fail(err, FH_IO, FH_NO_OFFSET, "disk full") : FH_DONE;
}

static void test_sink_failures_come_through(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    bool done = false;
    for (int calls = 0; !done; calls++) {
        assert_true(calls < 100);
        int left = calls;
        fh_gguf_writer *w;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_ok(fh_gguf_writer_new(a, &w));
        fh_assert_ok(put_keys(w));
        for (size_t i = 0; i < TENSORS; i++)
            fh_assert_ok(fh_gguf_put_tensor(w, tensors[i].name, tensors[i].dtype, tensors[i].dims, tensors[i].dim));
        fh_status status = fh_gguf_writer_header(w, (fh_sink){&left, put_some}, &err);
        if (!fh_failed(status))
            status = put_data(w, (fh_sink){&left, put_some}, SIZE_MAX, &err);
        done = !fh_failed(status);
        if (!done)
            fh_assert_err(&err, FH_IO, "disk full");
        fh_gguf_writer_free(w);
    }
}

static fh_status write_body(fh_allocator *a, void *arg) {
    (void)arg;
    fh_buf out;
    fh_buf_init(&out, fh_heap(), 0);
    fh_status status = write_file(a, 100, &out, NULL);
    fh_buf_deinit(&out);
    return status;
}

static void test_allocation_failures(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), write_body, NULL) >= 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_round_trip),
        FH_TEST_ALLOC(test_any_pieces),
        FH_TEST_ALLOC(test_bad_names),
        FH_TEST_ALLOC(test_bad_tensors),
        FH_TEST_ALLOC(test_order_of_calls),
        FH_TEST_ALLOC(test_sink_failures_come_through),
        FH_TEST_ALLOC(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
