/* test_gguf.c: opening GGUF files: what is accepted, and that everything else is refused by name and place.
 *
 * The hostile cases follow published vulnerabilities of GGUF readers: lengths and counts that wrap, dimensions that multiply to
 * nothing, extents past the end, types that are not what the reader takes them for, memory claimed before bytes are there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freehold/checked.h"
#include "freehold/model.h"
#include "gguf_bytes.h"

/* What opening may take: gguf.c says 4 times the file and a constant; the copy of the file that raw_open makes is one more. */
static uint64_t memory_bound(size_t file_bytes) {
    return 5 * (uint64_t)file_bytes + 4096;
}

/* --- a small file with something of everything ---------------------------------------------------------------------- */

/* Places in the sample where something can be made wrong. */
typedef enum mark {
    AT_MAGIC, AT_VERSION, AT_TENSORS, AT_KEYS, AT_KEY_SIZE, AT_KEY_NAME, AT_KEY_TYPE, AT_ALIGNMENT, AT_BOOL, AT_TEXT_SIZE,
    AT_ITEM_TYPE, AT_ITEMS, AT_ITEM_SIZE, AT_NUMBERS, AT_BOOLS, AT_NAME_SIZE, AT_NAME, AT_DIMS, AT_DIM0, AT_DIM1, AT_TYPE,
    AT_OFFSET, AT_SECOND_NAME, AT_SECOND_OFFSET, AT_THIRD_OFFSET, AT_END, MARKS
} mark;

typedef struct sample {
    fh_buf b;
    size_t at[MARKS];
} sample;

static void here(sample *s, mark m, size_t ahead) {
    s->at[m] = fh_buf_view(&s->b).size + ahead;
}

static void sample_keys(sample *s) {
    fh_buf *b = &s->b;
    here(s, AT_KEY_SIZE, 0);
    here(s, AT_KEY_NAME, 8);
    here(s, AT_KEY_TYPE, 8 + strlen("general.alignment"));
    here(s, AT_ALIGNMENT, 8 + strlen("general.alignment") + 4);
    raw_key(b, "general.alignment", FH_GGUF_U32);
    raw_int(b, 32, 4);
    raw_key(b, "a.bool", FH_GGUF_BOOL);
    here(s, AT_BOOL, 0);
    raw_int(b, 1, 1);
    raw_key(b, "a.text", FH_GGUF_STRING);
    here(s, AT_TEXT_SIZE, 0);
    raw_text(b, "hello");
    here(s, AT_ITEM_TYPE, 8 + strlen("an.array") + 4);
    here(s, AT_ITEMS, 8 + strlen("an.array") + 8);
    here(s, AT_ITEM_SIZE, 8 + strlen("an.array") + 16);
    raw_array(b, "an.array", FH_GGUF_STRING, 2);
    raw_text(b, "one");
    raw_text(b, "");
    here(s, AT_NUMBERS, 8 + strlen("numbers") + 8);
    raw_array(b, "numbers", FH_GGUF_I16, 3);
    raw_int(b, 1, 2);
    raw_int(b, 0xffff, 2);
    raw_int(b, 3, 2);
    raw_array(b, "bools", FH_GGUF_BOOL, 2);
    here(s, AT_BOOLS, 1);
    raw_int(b, 0, 1);
    raw_int(b, 1, 1);
    raw_array(b, "nothing", FH_GGUF_F64, 0);
}

static void sample_tensors(sample *s) {
    static const uint64_t shape[] = {64, 3}, row[] = {32}, four[] = {4, 2, 2, 2};
    fh_buf *b = &s->b;
    here(s, AT_NAME_SIZE, 0);
    here(s, AT_NAME, 8);
    here(s, AT_DIMS, 8 + 5);
    here(s, AT_DIM0, 8 + 5 + 4);
    here(s, AT_DIM1, 8 + 5 + 12);
    here(s, AT_TYPE, 8 + 5 + 20);
    here(s, AT_OFFSET, 8 + 5 + 24);
    raw_tensor(b, "first", 2, shape, 8, 0); /* Q8_0: 2 · 3 blocks of 34 bytes, 204 in all */
    here(s, AT_SECOND_NAME, 8);
    raw_tensor(b, "secon", 1, row, 0, 224);
    here(s, AT_SECOND_OFFSET, 0);
    s->at[AT_SECOND_OFFSET] -= 8;
    raw_tensor(b, "third", 4, four, 1, 352);
    here(s, AT_THIRD_OFFSET, 0);
    s->at[AT_THIRD_OFFSET] -= 8;
    raw_pad(b, 32);
    raw_fill(b, 0x11, 204);
    raw_pad(b, 32);
    raw_fill(b, 0x22, 128);
    raw_fill(b, 0x33, 64);
    here(s, AT_END, 0);
}

static void sample_init(sample *s, fh_allocator *a, uint32_t version) {
    static const mark header[] = {AT_MAGIC, AT_VERSION, AT_TENSORS, AT_KEYS};
    static const size_t places[] = {0, 4, 8, 16};
    memset(s, 0, sizeof *s);
    fh_buf_init(&s->b, a, 0);
    for (size_t i = 0; i < 4; i++)
        s->at[header[i]] = places[i];
    raw_start(&s->b, version, 3, 7);
    sample_keys(s);
    sample_tensors(s);
}

static void patch(sample *s, size_t at, uint64_t v, size_t bytes) {
    assert_true(at + bytes <= s->b.size);
    for (size_t i = 0; i < bytes; i++)
        s->b.at[at + i] = (uint8_t)(v >> (8 * i));
}

/* --- what is accepted ----------------------------------------------------------------------------------------------- */

static void check_sample(fh_allocator *a, uint32_t version) {
    sample s;
    sample_init(&s, a, version);
    fh_gguf *g;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(raw_open(a, fh_buf_view(&s.b), &g, &err));
    assert_int_equal(fh_gguf_version(g), version);
    assert_int_equal(fh_gguf_size(g), s.b.size);
    assert_int_equal(fh_gguf_alignment(g), 32);
    assert_int_equal(fh_gguf_data_at(g) % 32, 0);
    assert_int_equal(fh_gguf_key_count(g), 7);
    assert_int_equal(fh_gguf_tensor_count(g), 3);
    fh_assert_span(fh_gguf_key_at(g, 2).name, "a.text");

    fh_span text;
    bool flag;
    fh_gguf_key key;
    fh_assert_ok(fh_gguf_text(g, "a.text", &text, &err));
    fh_assert_span(text, "hello");
    fh_assert_ok(fh_gguf_bool(g, "a.bool", &flag, &err));
    assert_true(flag);
    fh_views views;
    assert_true(fh_gguf_find(g, "an.array", &key));
    fh_assert_ok(fh_gguf_texts(g, key, a, &views, &err));
    assert_int_equal(views.count, 2);
    fh_assert_span(fh_views_get(views, 0), "one");
    fh_assert_span(fh_views_get(views, 1), "");
    fh_views_free(a, &views);
    int64_t number;
    assert_true(fh_gguf_find(g, "numbers", &key));
    fh_assert_ok(fh_gguf_item_i64(g, key, 1, &number, &err));
    assert_int_equal(number, -1);
    assert_true(fh_gguf_find(g, "nothing", &key));
    assert_int_equal(key.count, 0);
    assert_false(fh_gguf_find(g, "a.texts", &key));
    assert_false(fh_gguf_find(g, "", &key));

    fh_gguf_tensor t;
    assert_true(fh_gguf_tensor_find(g, FH_LIT("first"), &t));
    assert_true(t.known);
    assert_int_equal(t.dtype, FH_DTYPE_Q8_0);
    assert_int_equal(t.size_bytes, 204);
    assert_int_equal(t.dim[1], 3);
    assert_int_equal(t.dim[2], 1);
    fh_bytes data;
    fh_assert_ok(fh_gguf_tensor_bytes(g, t, &data));
    assert_true(fh_gguf_tensor_find(g, FH_LIT("third"), &t));
    assert_int_equal(t.dims, 4);
    assert_int_equal(t.size_bytes, 64);
    assert_false(fh_gguf_tensor_find(g, FH_LIT("fourt"), &t));
    fh_gguf_close(g);
    for (size_t i = 0; i < data.span.size; i++) /* the bytes outlive the file they came from */
        assert_int_equal(fh_span_at(data.span, i), 0x11);
    fh_bytes_drop(&data);
    fh_buf_deinit(&s.b);
}

static void test_reads_versions_2_and_3(void **state) {
    check_sample(fh_test_allocator(state), 2);
    check_sample(fh_test_allocator(state), 3);
}

/* Tensors in any order, with gaps, with bytes behind; a file of keys alone may end before the padding. */
static void test_accepts_order_gaps_and_tails(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    sample s;
    fh_gguf *g;
    sample_init(&s, a, 3);
    patch(&s, s.at[AT_SECOND_OFFSET], 352, 8); /* 128 bytes at 352 … */
    patch(&s, s.at[AT_THIRD_OFFSET], 256, 8);
    raw_fill(&s.b, 0x44, 1000); /* … which only the tail makes long enough */
    fh_assert_ok(raw_open(a, fh_buf_view(&s.b), &g, NULL));
    fh_gguf_close(g);
    fh_buf_deinit(&s.b);

    fh_buf b;
    fh_buf_init(&b, a, 0);
    raw_start(&b, 3, 0, 1);
    raw_key(&b, "k", FH_GGUF_U8);
    raw_int(&b, 7, 1);
    fh_assert_ok(raw_open(a, fh_buf_view(&b), &g, NULL));
    assert_int_equal(fh_gguf_data_at(g), fh_gguf_size(g));
    uint64_t v;
    fh_assert_ok(fh_gguf_u64(g, "k", &v, NULL));
    assert_int_equal(v, 7);
    fh_gguf_close(g);
    fh_buf_deinit(&b);
}

static void test_alignments(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (uint64_t alignment = 0; alignment <= 131072; alignment = alignment < 128 ? alignment + 1 : alignment * 2) {
        sample s;
        fh_gguf *g;
        fh_err err;
        fh_err_clear(&err);
        sample_init(&s, a, 3);
        patch(&s, s.at[AT_ALIGNMENT], alignment, 4);
        raw_fill(&s.b, 0, 3 * 65536);
        patch(&s, s.at[AT_SECOND_OFFSET], 65536, 8);
        patch(&s, s.at[AT_THIRD_OFFSET], 2 * 65536, 8);
        bool good = alignment >= 8 && alignment <= 65536 && (alignment & (alignment - 1)) == 0;
        fh_status status = raw_open(a, fh_buf_view(&s.b), &g, &err);
        assert_int_equal(status.code, good ? FH_OK : FH_CORRUPT);
        if (good)
            assert_int_equal(fh_gguf_data_at(g) % alignment, 0);
        else
            fh_assert_err(&err, FH_CORRUPT, "general.alignment");
        fh_gguf_close(g);
        fh_buf_deinit(&s.b);
    }
}

/* --- what is refused ------------------------------------------------------------------------------------------------ */

static void test_every_truncation_is_refused(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    sample s;
    sample_init(&s, a, 3);
    for (size_t size = 0; size < s.at[AT_END]; size++) {
        fh_gguf *g;
        fh_err err;
        fh_err_clear(&err);
        fh_status status = raw_open(a, (fh_span){s.b.at, size}, &g, &err);
        assert_true(status.code == FH_CORRUPT || status.code == FH_UNSUPPORTED);
        assert_null(g);
        assert_true(strlen(err.message) > 10);
        assert_true(err.offset_bytes <= size);
        if (size == s.at[AT_THIRD_OFFSET] + 8) /* all of the header, no padding */
            fh_assert_err(&err, FH_CORRUPT, "the file ends before its tensor data");
    }
    fh_buf_deinit(&s.b);
}

typedef struct hostile_row {
    mark at;
    size_t bytes;
    uint64_t value;
    fh_code code;
    const char *says;
} hostile_row;

#define BIG UINT64_MAX
static const hostile_row hostile[] = {
    {AT_MAGIC, 4, 0x46554748, FH_CORRUPT, "expected \"GGUF\""},
    {AT_MAGIC, 1, 0, FH_CORRUPT, "begins with bytes 00 47"},
    {AT_VERSION, 4, 0, FH_UNSUPPORTED, "version 0, expected 2 or 3"},
    {AT_VERSION, 4, 1, FH_UNSUPPORTED, "version 1"},
    {AT_VERSION, 4, 4, FH_UNSUPPORTED, "version 4"},
    {AT_VERSION, 4, 0x03000000, FH_UNSUPPORTED, "big-endian (version 3)"},
    {AT_VERSION, 4, 0xffffffff, FH_UNSUPPORTED, "version 4294967295"},
    /* CVE-2024-21836, CVE-2024-23605: counts that wrap when multiplied */
    {AT_TENSORS, 8, UINT64_C(1) << 60, FH_LIMIT, "tensors"},
    {AT_TENSORS, 8, BIG, FH_LIMIT, "18446744073709551615 tensors"},
    {AT_TENSORS, 8, (1 << 20) + 1, FH_LIMIT, "at most 1048576"},
    {AT_TENSORS, 8, 1 << 20, FH_CORRUPT, "do not fit"},
    {AT_TENSORS, 8, 4, FH_CORRUPT, "tensor 3"},
    {AT_KEYS, 8, UINT64_C(1) << 60, FH_LIMIT, "keys"},
    {AT_KEYS, 8, BIG, FH_LIMIT, "keys"},
    {AT_KEYS, 8, 1 << 20, FH_CORRUPT, "do not fit"},
    {AT_KEYS, 8, 8, FH_LIMIT, "tensor 0: its name"}, /* the first tensor read as a key */
    /* CVE-2024-23496, CVE-2024-41130: lengths that wrap, empty names */
    {AT_KEY_SIZE, 8, 0, FH_CORRUPT, "its name has 0 bytes"},
    {AT_KEY_SIZE, 8, BIG, FH_LIMIT, "its name has 18446744073709551615 bytes"},
    {AT_KEY_SIZE, 8, UINT64_C(1) << 63, FH_LIMIT, "expected 1 to 65535"},
    {AT_KEY_SIZE, 8, 65535, FH_CORRUPT, "the file ends inside its name"},
    {AT_KEY_NAME, 1, 0, FH_CORRUPT, "NUL"},
    {AT_KEY_TYPE, 4, 13, FH_CORRUPT, "its type is 13, expected 0 to 12"},
    {AT_KEY_TYPE, 4, 0xffffffff, FH_CORRUPT, "its type is 4294967295"},
    {AT_KEY_TYPE, 4, FH_GGUF_I32, FH_CORRUPT, "general.alignment has type i32, expected u32"},
    {AT_BOOL, 1, 2, FH_CORRUPT, "a bool is 2, expected 0 or 1"},
    {AT_BOOLS, 1, 255, FH_CORRUPT, "key \"bools\": a bool is 255"},
    {AT_TEXT_SIZE, 8, BIG, FH_CORRUPT, "ends inside a string"},
    {AT_TEXT_SIZE, 8, UINT64_C(1) << 63, FH_CORRUPT, "ends inside a string"},
    {AT_TEXT_SIZE, 8, BIG - 7, FH_CORRUPT, "ends inside a string"},
    /* CVE-2024-21825: array counts that wrap; arrays of arrays */
    {AT_ITEM_TYPE, 4, FH_GGUF_ARRAY, FH_UNSUPPORTED, "arrays of arrays"},
    {AT_ITEM_TYPE, 4, 99, FH_CORRUPT, "its element type is 99"},
    {AT_ITEMS, 8, UINT64_C(1) << 61, FH_CORRUPT, "values of type string"},
    {AT_ITEMS, 8, BIG, FH_CORRUPT, "18446744073709551615 values"},
    {AT_ITEM_SIZE, 8, BIG, FH_CORRUPT, "ends inside a string"},
    {AT_NUMBERS, 8, UINT64_C(1) << 63, FH_CORRUPT, "values of type i16"},
    {AT_NUMBERS, 8, (UINT64_C(1) << 63) + 3, FH_CORRUPT, "values of type i16"},
    {AT_NUMBERS, 8, UINT64_C(1) << 30, FH_CORRUPT, "bytes are left in the file"},
    /* CVE-2024-21802, openvino.genai #4170: numbers of dimensions; CVE-2026-33298: products that wrap */
    {AT_NAME_SIZE, 8, 0, FH_CORRUPT, "its name has 0 bytes"},
    {AT_NAME_SIZE, 8, BIG, FH_LIMIT, "tensor 0: its name"},
    {AT_NAME, 1, 0, FH_CORRUPT, "NUL"},
    {AT_DIMS, 4, 0, FH_CORRUPT, "has 0 dimensions, expected 1 to 4"},
    {AT_DIMS, 4, 5, FH_CORRUPT, "has 5 dimensions"},
    {AT_DIMS, 4, 0xffffffff, FH_CORRUPT, "4294967295 dimensions"},
    {AT_DIM0, 8, 0, FH_CORRUPT, "dimension 0 is 0"},
    {AT_DIM0, 8, BIG, FH_CORRUPT, "dimension 0 is 18446744073709551615, expected 1 to 9223372036854775807"},
    {AT_DIM0, 8, UINT64_C(1) << 63, FH_CORRUPT, "dimension 0"},
    {AT_DIM0, 8, 33, FH_CORRUPT, "rows of 33 elements, expected a multiple of 32 for type Q8_0"},
    {AT_DIM0, 8, UINT64_C(1) << 62, FH_CORRUPT, "dimension 1 is 3, expected 1 to 1"},
    {AT_DIM0, 8, UINT64_C(1) << 61, FH_CORRUPT, "blocks of type Q8_0"},
    {AT_DIM1, 8, 0, FH_CORRUPT, "dimension 1 is 0"},
    {AT_DIM1, 8, BIG, FH_CORRUPT, "dimension 1"},
    {AT_DIM1, 8, (UINT64_C(1) << 58) + 1, FH_CORRUPT, "dimension 1 is 288230376151711745"},
    {AT_DIM1, 8, UINT64_C(1) << 56, FH_CORRUPT, "blocks of type Q8_0"},
    {AT_DIM1, 8, 4, FH_CORRUPT, "overlap"},
    {AT_DIM1, 8, 12, FH_CORRUPT, NULL},
    {AT_TYPE, 4, 43, FH_UNSUPPORTED, "type 43 is no tensor type"},
    {AT_TYPE, 4, 0xffffffff, FH_UNSUPPORTED, "type 4294967295"},
    {AT_TYPE, 4, 14, FH_CORRUPT, "multiple of 256 for type Q6_K"},
    {AT_TYPE, 4, 0, FH_CORRUPT, "768 bytes from 0 of the data section, end after the file"},
    {AT_TYPE, 4, 1, FH_CORRUPT, "overlap"},
    /* CVE-2026-7482, CVE-2025-53630: extents that leave the file; ik #2437: extents that share bytes */
    {AT_OFFSET, 8, 1, FH_CORRUPT, "no multiple of the alignment 32"},
    {AT_OFFSET, 8, BIG, FH_CORRUPT, "no multiple"},
    {AT_OFFSET, 8, BIG - 31, FH_CORRUPT, "end after the file"},
    {AT_OFFSET, 8, UINT64_C(1) << 63, FH_CORRUPT, "end after the file"},
    {AT_OFFSET, 8, 32, FH_CORRUPT, "overlap"},
    {AT_OFFSET, 8, 192, FH_CORRUPT, "overlap"},
    {AT_SECOND_OFFSET, 8, 192, FH_CORRUPT, "tensors \"first\" and \"secon\" overlap"},
    {AT_SECOND_OFFSET, 8, 320, FH_CORRUPT, NULL},
    {AT_THIRD_OFFSET, 8, 384, FH_CORRUPT, "end after the file; the section has 416 bytes"},
    {AT_THIRD_OFFSET, 8, 0, FH_CORRUPT, "overlap"},
};

static void test_hostile_fields(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        const hostile_row *row = &hostile[i];
        sample s;
        fh_gguf *g;
        fh_err err;
        fh_err_clear(&err);
        sample_init(&s, a, 3);
        patch(&s, s.at[row->at], row->value, row->bytes);
        fh_trace_budget(fh_test_trace(state), fh_trace_stats(fh_test_trace(state)).live_bytes + memory_bound(s.b.size));
        fh_status status = raw_open(a, fh_buf_view(&s.b), &g, &err);
        fh_trace_budget(fh_test_trace(state), 0);
        if (status.code != row->code)
            print_message("row %zu (%s): %s: %s\n", i, row->says ? row->says : "", fh_code_name(status.code), err.message);
        assert_int_equal(status.code, row->code);
        assert_null(g);
        if (row->says != NULL)
            fh_assert_err(&err, row->code, row->says);
        char prefix[40];
        snprintf(prefix, sizeof prefix, "offset %llu: ", (unsigned long long)err.offset_bytes);
        assert_memory_equal(err.message, prefix, strlen(prefix));
        fh_buf_deinit(&s.b);
    }
}

/* Names are unique; the second of two is reported. */
static void test_duplicates(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    sample s;
    fh_gguf *g;
    fh_err err;
    fh_err_clear(&err);
    sample_init(&s, a, 3);
    memcpy(s.b.at + s.at[AT_SECOND_NAME], "first", 5);
    fh_assert_code(raw_open(a, fh_buf_view(&s.b), &g, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "tensor \"first\" is there twice");
    fh_buf_deinit(&s.b);

    fh_buf b;
    fh_buf_init(&b, a, 0);
    raw_start(&b, 3, 0, 3);
    for (int i = 0; i < 3; i++) {
        raw_key(&b, i == 1 ? "other" : "same", FH_GGUF_U64);
        raw_int(&b, (uint64_t)i, 8);
    }
    fh_err_clear(&err);
    fh_assert_code(raw_open(a, fh_buf_view(&b), &g, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "key \"same\" is there twice");
    fh_buf_deinit(&b);
}

/* What a file says goes into messages without steering a terminal. */
static void test_names_are_escaped(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf b;
    fh_gguf *g;
    fh_err err;
    fh_err_clear(&err);
    fh_buf_init(&b, a, 0);
    raw_start(&b, 3, 0, 1);
    raw_key(&b, "\x1b[2J\xff", 77);
    raw_fill(&b, 0, 100);
    fh_assert_code(raw_open(a, fh_buf_view(&b), &g, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "key \"\\x1b[2J\\xff\": its type is 77");
    fh_buf_deinit(&b);
}

/* Every type that GGUF names has a size, so its extent is checked; those that were withdrawn have none. */
static void test_types_that_freehold_lacks(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (uint32_t type = 0; type < 43; type++) {
        fh_buf b;
        fh_gguf *g;
        fh_dtype dtype;
        fh_buf_init(&b, a, 0);
        raw_start(&b, 3, 1, 0);
        raw_tensor(&b, "t", 1, (const uint64_t[]){256}, type, 0);
        raw_pad(&b, 32);
        raw_fill(&b, 0, 2048);
        fh_assert_ok(raw_open(a, fh_buf_view(&b), &g, NULL));
        fh_gguf_tensor t = fh_gguf_tensor_at(g, 0);
        assert_int_equal(t.known, fh_dtype_of_gguf(type, &dtype));
        bool withdrawn = type == 4 || type == 5 || (type >= 31 && type <= 33) || (type >= 36 && type <= 38);
        assert_int_equal(t.size_bytes == 0, withdrawn);
        if (t.known) { /* two tables, one truth */
            uint64_t bytes;
            assert_true(fh_dtype_bytes(dtype, 256, 1, &bytes));
            assert_int_equal(bytes, t.size_bytes);
        }
        fh_gguf_close(g);
        fh_buf_deinit(&b);
    }
}

/* --- memory --------------------------------------------------------------------------------------------------------- */

/* A file of as many of the smallest keys and tensors as there can be stays within the bound. */
static void test_memory_is_bounded_by_the_file(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    const uint32_t count = 60000;
    fh_buf b;
    fh_gguf *g;
    fh_buf_init(&b, a, 0);
    raw_start(&b, 3, count, count);
    for (uint32_t kind = 0; kind < 2; kind++)
        for (uint32_t i = 0; i < count; i++) {
            char name[4] = {(char)(1 + i % 250), (char)(1 + i / 250), 0, 0}; /* two bytes: 250 · 240 of them */
            if (kind == 0) {
                raw_key(&b, name, FH_GGUF_U8);
                raw_int(&b, 0, 1);
            } else {
                raw_tensor(&b, name, 1, (const uint64_t[]){1}, 24, 32 * (uint64_t)i);
            }
        }
    raw_pad(&b, 32);
    raw_fill(&b, 0, 32);
    size_t header = b.size;
    fh_bytes bytes;
    fh_assert_ok(fh_bytes_copy(a, fh_buf_view(&b), &bytes));
    fh_trace *trace = fh_test_trace(state);
    fh_trace_budget(trace, fh_trace_stats(trace).live_bytes + 4 * (uint64_t)header + 4096);
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_gguf_open(a, bytes, &g, &err), FH_CORRUPT); /* the data are not there, but all else was read */
    fh_assert_err(&err, FH_CORRUPT, "end after the file");
    fh_trace_budget(trace, 0);
    fh_bytes_drop(&bytes);
    fh_buf_deinit(&b);
}

/* A file of 200 bytes that asks for a gigabyte is refused before anything is allocated for it. */
static void test_claims_without_bytes(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_trace *trace = fh_test_trace(state);
    for (uint32_t item = 0; item < FH_GGUF_TYPE_COUNT; item++) {
        fh_buf b;
        fh_gguf *g;
        fh_buf_init(&b, a, 0);
        raw_start(&b, 3, 0, 1);
        raw_array(&b, "k", item, 1 << 30);
        raw_fill(&b, 0, 100);
        fh_trace_budget(trace, fh_trace_stats(trace).live_bytes + memory_bound(b.size));
        fh_status status = raw_open(a, fh_buf_view(&b), &g, NULL);
        assert_true(status.code == FH_CORRUPT || status.code == FH_UNSUPPORTED);
        fh_trace_budget(trace, 0);
        fh_buf_deinit(&b);
    }
}

/* --- many names ----------------------------------------------------------------------------------------------------- */

static void test_finds_every_name(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    enum { COUNT = 3000 };
    fh_buf b;
    fh_gguf *g;
    fh_buf_init(&b, a, 0);
    raw_start(&b, 3, 0, COUNT);
    char name[64];
    for (uint32_t i = 0; i < COUNT; i++) { /* in no order, with long common beginnings */
        snprintf(name, sizeof name, "some.long.common.beginning.%llx", (unsigned long long)fh_mix64(i));
        raw_key(&b, name, FH_GGUF_U32);
        raw_int(&b, i, 4);
    }
    fh_assert_ok(raw_open(a, fh_buf_view(&b), &g, NULL));
    for (uint32_t i = 0; i < COUNT; i++) {
        uint64_t v;
        snprintf(name, sizeof name, "some.long.common.beginning.%llx", (unsigned long long)fh_mix64(i));
        fh_assert_ok(fh_gguf_u64(g, name, &v, NULL));
        assert_int_equal(v, i);
        fh_gguf_key key;
        name[strlen(name) - 1] ^= 1;
        if (fh_gguf_find(g, name, &key))
            fh_assert_span(key.name, name);
    }
    fh_gguf_close(g);
    fh_buf_deinit(&b);
}

/* --- random edits --------------------------------------------------------------------------------------------------- */

/* Reads everything that an open file offers. */
static void use(fh_allocator *a, const fh_gguf *g) {
    for (size_t i = 0; i < fh_gguf_key_count(g); i++) {
        fh_gguf_key key = fh_gguf_key_at(g, i);
        uint64_t u;
        int64_t n;
        double f;
        fh_views views;
        for (uint64_t k = 0; k < key.count; k++) {
            fh_status s = fh_gguf_item_u64(g, key, k, &u, NULL);
            fh_status t = fh_gguf_item_i64(g, key, k, &n, NULL);
            fh_status w = fh_gguf_item_f64(g, key, k, &f, NULL);
            assert_true(fh_failed(s) || fh_failed(t) || (int64_t)u == n);
            assert_true(fh_failed(s) || !fh_failed(w));
        }
        if (fh_failed(fh_gguf_texts(g, key, a, &views, NULL)))
            continue;
        for (size_t k = 0; k < views.count; k++)
            assert_true(fh_views_get(views, k).size <= fh_gguf_size(g));
        fh_views_free(a, &views);
    }
    for (size_t i = 0; i < fh_gguf_tensor_count(g); i++) {
        fh_bytes bytes;
        fh_gguf_tensor t = fh_gguf_tensor_at(g, i);
        fh_assert_ok(fh_gguf_tensor_bytes(g, t, &bytes));
        uint64_t sum = 0;
        for (size_t k = 0; k < bytes.span.size; k++)
            sum += fh_span_at(bytes.span, k);
        assert_true(sum <= 255 * t.size_bytes);
        fh_bytes_drop(&bytes);
    }
}

static void test_random_edits(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_trace *trace = fh_test_trace(state);
    fh_test_rng rng = fh_test_rng_new(1);
    sample s;
    sample_init(&s, a, 3);
    uint8_t saved[2048];
    assert_true(s.b.size <= sizeof saved);
    memcpy(saved, s.b.at, s.b.size);
    size_t opened = 0;
    fh_trace_budget(trace, fh_trace_stats(trace).live_bytes + memory_bound(s.b.size));
    for (int run = 0; run < 100000; run++) {
        memcpy(s.b.at, saved, s.b.size);
        for (uint64_t edits = 1 + fh_test_rng_below(&rng, 4); edits > 0; edits--) {
            size_t width = (size_t)1 << fh_test_rng_below(&rng, 4);
            size_t at = (size_t)fh_test_rng_below(&rng, s.b.size - width);
            uint64_t v = fh_test_rng_next(&rng);
            uint64_t shift = fh_test_rng_below(&rng, 64);
            if (width == 1)
                s.b.at[at] ^= (uint8_t)(1u << (v % 8));
            else
                patch(&s, at, shift % 3 == 0 ? (uint64_t)0 - (v >> shift) : v >> shift, width);
        }
        fh_gguf *g;
        fh_status status = raw_open(a, fh_buf_view(&s.b), &g, NULL);
        assert_int_not_equal(status.code, FH_NOMEM); /* the budget is the memory bound */
        if (!fh_failed(status)) {
            use(a, g);
            opened++;
        }
        fh_gguf_close(g);
    }
    fh_trace_budget(trace, 0);
    assert_true(opened > 1000); /* edits of values and data leave a good file */
    fh_buf_deinit(&s.b);
}

/* --- failures ------------------------------------------------------------------------------------------------------- */

static fh_status open_body(fh_allocator *a, void *arg) {
    fh_bytes bytes;
    fh_gguf *g;
    fh_err err;
    fh_err_clear(&err);
    FH_TRY(fh_bytes_copy(a, fh_buf_view(arg), &bytes));
    fh_status status = fh_gguf_open(a, bytes, &g, &err);
    if (fh_failed(status))
        assert_true(strlen(err.message) > 0);
    fh_gguf_close(g);
    fh_bytes_drop(&bytes);
    return status;
}

static void test_allocation_failures(void **state) {
    sample s;
    sample_init(&s, fh_heap(), 3);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), open_body, &s.b) >= 6);
    fh_buf_deinit(&s.b);
}

/* --- files that others made ----------------------------------------------------------------------------------------- */

static void test_real_files(void **state) {
    static const struct {
        const char *name;
        size_t keys, tensors;
    } files[] = {
        {"gguf-vocab/ggml-vocab-bert-bge.gguf", 20, 0},  {"gguf-vocab/ggml-vocab-deepseek-llm.gguf", 23, 0},
        {"gguf-vocab/ggml-vocab-gpt-2.gguf", 16, 0},     {"gguf-vocab/ggml-vocab-llama-bpe.gguf", 20, 0},
        {"gguf-vocab/ggml-vocab-llama-spm.gguf", 22, 0}, {"gguf-vocab/ggml-vocab-phi-3.gguf", 26, 0},
        {"gguf-vocab/ggml-vocab-qwen2.gguf", 20, 0},     {"gguf-vocab/ggml-vocab-starcoder.gguf", 19, 0},
        {"models/stories260k-F32.gguf", 19, 48},
    };
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        fh_test_path path = fh_test_data(files[i].name);
        FILE *f = fopen(path.text, "rb");
        assert_non_null(f);
        assert_int_equal(fseek(f, 0, SEEK_END), 0);
        long size = ftell(f);
        rewind(f);
        uint8_t *bytes = malloc((size_t)size);
        assert_non_null(bytes);
        assert_int_equal(fread(bytes, 1, (size_t)size, f), (size_t)size);
        fclose(f);
        fh_gguf *g;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_ok(raw_open(a, (fh_span){bytes, (size_t)size}, &g, &err));
        assert_int_equal(fh_gguf_key_count(g), files[i].keys);
        assert_int_equal(fh_gguf_tensor_count(g), files[i].tensors);
        use(a, g);
        fh_gguf_close(g);
        free(bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_reads_versions_2_and_3),
        FH_TEST_ALLOC(test_accepts_order_gaps_and_tails),
        FH_TEST_ALLOC(test_alignments),
        FH_TEST_ALLOC(test_every_truncation_is_refused),
        FH_TEST_ALLOC(test_hostile_fields),
        FH_TEST_ALLOC(test_duplicates),
        FH_TEST_ALLOC(test_names_are_escaped),
        FH_TEST_ALLOC(test_types_that_freehold_lacks),
        FH_TEST_ALLOC(test_memory_is_bounded_by_the_file),
        FH_TEST_ALLOC(test_claims_without_bytes),
        FH_TEST_ALLOC(test_finds_every_name),
        FH_TEST_ALLOC(test_random_edits),
        FH_TEST_ALLOC(test_allocation_failures),
        FH_TEST_ALLOC(test_real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
