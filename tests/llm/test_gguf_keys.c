/* test_gguf_keys.c: every accessor on every type of value: what fits is exact, what does not is refused by name. */
#include <string.h>

#include "gguf_bytes.h"

/* A value of each kind as bytes, and what each accessor makes of it. */
typedef struct value_row {
    const char *name;
    fh_gguf_type type;
    uint64_t bits;
    bool has_u64, has_i64, has_f64;
    uint64_t u;
    int64_t i;
    double f;
} value_row;

#define NO false
#define YES true
static const value_row values[] = {
    {"u8", FH_GGUF_U8, 0xff, YES, YES, YES, 255, 255, 255},
    {"i8", FH_GGUF_I8, 0xff, NO, YES, YES, 0, -1, -1},
    {"i8.least", FH_GGUF_I8, 0x80, NO, YES, YES, 0, -128, -128},
    {"u16", FH_GGUF_U16, 0xffff, YES, YES, YES, 65535, 65535, 65535},
    {"i16", FH_GGUF_I16, 0x8000, NO, YES, YES, 0, -32768, -32768},
    {"u32", FH_GGUF_U32, 0xffffffff, YES, YES, YES, 4294967295, 4294967295, 4294967295.0},
    {"i32", FH_GGUF_I32, 0x80000000, NO, YES, YES, 0, -2147483648LL, -2147483648.0},
    {"i32.positive", FH_GGUF_I32, 0x7fffffff, YES, YES, YES, 2147483647, 2147483647, 2147483647.0},
    {"u64", FH_GGUF_U64, UINT64_MAX, YES, NO, YES, UINT64_MAX, 0, 18446744073709551615.0},
    {"u64.fits", FH_GGUF_U64, INT64_MAX, YES, YES, YES, INT64_MAX, INT64_MAX, 9223372036854775807.0},
    {"i64", FH_GGUF_I64, UINT64_C(1) << 63, NO, YES, YES, 0, INT64_MIN, -9223372036854775808.0},
    {"f32", FH_GGUF_F32, 0x3fc00000, NO, NO, YES, 0, 0, 1.5},
    {"f64", FH_GGUF_F64, UINT64_C(0xc002000000000000), NO, NO, YES, 0, 0, -2.25},
    {"bool", FH_GGUF_BOOL, 1, YES, YES, YES, 1, 1, 1},
};
enum { VALUES = sizeof values / sizeof *values };

static size_t width_of(fh_gguf_type t) {
    switch (t) {
    case FH_GGUF_U8:
    case FH_GGUF_I8:
    case FH_GGUF_BOOL:
        return 1;
    case FH_GGUF_U16:
    case FH_GGUF_I16:
        return 2;
    case FH_GGUF_U32:
    case FH_GGUF_I32:
    case FH_GGUF_F32:
        return 4;
    case FH_GGUF_U64:
    case FH_GGUF_I64:
    case FH_GGUF_F64:
        return 8;
    case FH_GGUF_STRING:
    case FH_GGUF_ARRAY:
    case FH_GGUF_TYPE_COUNT:
        break;
    }
    return 0;
}

/* A file with each value, each value as an array of itself twice, a text and an array of texts. */
static fh_gguf *open_values(fh_allocator *a) {
    fh_buf b;
    fh_gguf *g;
    fh_buf_init(&b, a, 0);
    raw_start(&b, 3, 0, 2 * VALUES + 2);
    for (size_t i = 0; i < VALUES; i++) {
        raw_key(&b, values[i].name, values[i].type);
        raw_int(&b, values[i].bits, width_of(values[i].type));
        char name[40] = "array.";
        strcat(name, values[i].name);
        raw_array(&b, name, values[i].type, 2);
        raw_int(&b, 0, width_of(values[i].type));
        raw_int(&b, values[i].bits, width_of(values[i].type));
    }
    raw_key(&b, "text", FH_GGUF_STRING);
    raw_text(&b, "");
    raw_array(&b, "texts", FH_GGUF_STRING, 1);
    raw_text(&b, "x");
    fh_assert_ok(raw_open(a, fh_buf_view(&b), &g, NULL));
    fh_buf_deinit(&b);
    return g;
}

static void check_items(const fh_gguf *g, fh_gguf_key key, uint64_t at, const value_row *row) {
    uint64_t u;
    int64_t i;
    double f;
    assert_int_equal(fh_gguf_item_u64(g, key, at, &u, NULL).code, row->has_u64 ? FH_OK : FH_CORRUPT);
    assert_int_equal(fh_gguf_item_i64(g, key, at, &i, NULL).code, row->has_i64 ? FH_OK : FH_CORRUPT);
    assert_int_equal(fh_gguf_item_f64(g, key, at, &f, NULL).code, row->has_f64 ? FH_OK : FH_CORRUPT);
    assert_true(u == row->u); /* 0 where it was refused */
    assert_true(i == row->i);
    assert_true(f == row->f);
    fh_assert_code(fh_gguf_item_u64(g, key, key.count, &u, NULL), FH_INVALID);
    fh_assert_code(fh_gguf_item_i64(g, key, UINT64_MAX, &i, NULL), FH_INVALID);
    fh_assert_code(fh_gguf_item_f64(g, key, key.count, &f, NULL), FH_INVALID);
}

static void test_numbers(void **state) {
    fh_gguf *g = open_values(fh_test_allocator(state));
    for (size_t k = 0; k < VALUES; k++) {
        const value_row *row = &values[k];
        fh_gguf_key key;
        assert_true(fh_gguf_find(g, row->name, &key));
        assert_int_equal(key.type, row->type);
        check_items(g, key, 0, row);
        uint64_t u;
        double f;
        bool flag, is_bool = row->type == FH_GGUF_BOOL;
        assert_int_equal(fh_gguf_u64(g, row->name, &u, NULL).code, row->has_u64 && !is_bool ? FH_OK : FH_CORRUPT);
        assert_int_equal(fh_gguf_f64(g, row->name, &f, NULL).code, is_bool ? FH_CORRUPT : FH_OK);
        assert_int_equal(fh_gguf_bool(g, row->name, &flag, NULL).code, is_bool ? FH_OK : FH_CORRUPT);
        assert_int_equal(flag, is_bool);

        char name[40] = "array.";
        strcat(name, row->name);
        assert_true(fh_gguf_find(g, name, &key));
        assert_int_equal(key.count, 2);
        check_items(g, key, 1, row);
        fh_assert_code(fh_gguf_u64(g, name, &u, NULL), FH_CORRUPT); /* an array is no number */
        fh_assert_code(fh_gguf_f64(g, name, &f, NULL), FH_CORRUPT);
        fh_assert_code(fh_gguf_bool(g, name, &flag, NULL), FH_CORRUPT);
    }
    fh_gguf_close(g);
}

static void test_texts(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_gguf *g = open_values(a);
    fh_gguf_key key;
    fh_span text;
    fh_views views;
    uint64_t u;
    fh_err err;
    fh_assert_ok(fh_gguf_text(g, "text", &text, NULL));
    assert_int_equal(text.size, 0);
    for (size_t k = 0; k < VALUES; k++) {
        fh_assert_code(fh_gguf_text(g, values[k].name, &text, NULL), FH_CORRUPT);
        assert_true(fh_gguf_find(g, values[k].name, &key));
        fh_assert_code(fh_gguf_texts(g, key, a, &views, NULL), FH_CORRUPT);
        char name[40] = "array.";
        strcat(name, values[k].name);
        assert_true(fh_gguf_find(g, name, &key));
        fh_assert_code(fh_gguf_texts(g, key, a, &views, NULL), FH_CORRUPT);
        assert_null(views.at);
    }
    fh_err_clear(&err);
    assert_true(fh_gguf_find(g, "texts", &key));
    fh_assert_code(fh_gguf_item_u64(g, key, 0, &u, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "key \"texts\" has type array of string, expected an integer");
    fh_err_clear(&err);
    fh_assert_code(fh_gguf_text(g, "texts", &text, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "expected string");
    fh_trace_fail_at(fh_test_trace(state), 1);
    fh_assert_code(fh_gguf_texts(g, key, a, &views, NULL), FH_NOMEM);
    fh_gguf_close(g);
}

static void test_missing_keys(void **state) {
    fh_gguf *g = open_values(fh_test_allocator(state));
    uint64_t u = 7;
    double f;
    bool flag;
    fh_span text;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_gguf_u64(g, "llama.block_count", &u, &err), FH_NOT_FOUND);
    fh_assert_err(&err, FH_NOT_FOUND, "key \"llama.block_count\" is missing");
    assert_int_equal(u, 0);
    fh_assert_code(fh_gguf_f64(g, "", &f, NULL), FH_NOT_FOUND);
    fh_assert_code(fh_gguf_bool(g, "u", &flag, NULL), FH_NOT_FOUND);
    fh_assert_code(fh_gguf_text(g, "tex", &text, NULL), FH_NOT_FOUND);
    fh_gguf_close(g);
}

static void test_names_of_types(void **state) {
    (void)state;
    assert_string_equal(fh_gguf_value_name(FH_GGUF_U8), "u8");
    assert_string_equal(fh_gguf_value_name(FH_GGUF_F64), "f64");
    for (int t = 0; t < FH_GGUF_TYPE_COUNT; t++)
        assert_non_null(fh_gguf_value_name((fh_gguf_type)t));
    assert_string_equal(fh_gguf_value_name(FH_GGUF_TYPE_COUNT), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_numbers),
        FH_TEST_ALLOC(test_texts),
        FH_TEST_ALLOC(test_missing_keys),
        cmocka_unit_test(test_names_of_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
