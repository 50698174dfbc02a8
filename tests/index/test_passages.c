/* test_passages.c: a table comes back from its file as it was, with the index behind it; and no damaged file is believed: cut
 * at every byte, every byte changed, and files with right checksums and wrong numbers. */
#include "fh_test.h"

#include <stdio.h>
#include <string.h>

#include "freehold/buf.h"
#include "freehold/index.h"
#include "freehold/passages.h"

enum { HEADER = 128, FILES = 3, PASSAGES = 5, NAMES = 1 + 5 + 1 + 4, TEXTS = 20, FILES_AT = HEADER,
       PASSAGES_AT = FILES_AT + 16 * FILES, NAMES_AT = PASSAGES_AT + 24 * PASSAGES, TEXTS_AT = NAMES_AT + NAMES,
       SUM_AT = TEXTS_AT + TEXTS, INDEX_AT = (SUM_AT + 8 + 63) / 64 * 64 };

static const fh_passages_origin made_from = {.kind = FH_PASSAGES_HNSW, .pooling = 1, .model_hash = 0x0123456789abcdef,
                                             .model_bytes = 77};

static const struct {
    const char *file; /* NULL: the same as before */
    uint64_t offset;
    uint32_t line;
    const char *text;
} rows[] = {
    {"a.txt", 0, 1, "one"}, {NULL, 9, 4, "two\xff!"}, {"b", 0, 1, NULL}, {"c/\xc3\xa9", INT64_MAX, UINT32_MAX, "three"},
    {NULL, 3, 2, "four\n"}, {NULL, 3, 2, "5\xe2"},
};

static fh_status put_buf(void *ctx, fh_span bytes, fh_err *err) {
    (void)err;
    return fh_buf_put(ctx, bytes);
}

static fh_status fill(fh_passages *p, fh_err *err) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].file != NULL)
            FH_TRY(fh_passages_add_file(p, fh_span_of_str(rows[i].file), err));
        fh_passage passage = {.offset_bytes = rows[i].offset, .line = rows[i].line, .text = fh_span_of_str(rows[i].text)};
        if (rows[i].text != NULL)
            FH_TRY(fh_passages_add(p, &passage, err));
    }
    return FH_DONE;
}

static fh_passages *make(fh_allocator *a) {
    fh_passages *p;
    fh_err err;
    fh_passages_origin origin = made_from;
    origin.model_name = FH_LIT("m");
    fh_err_clear(&err);
    fh_assert_ok(fh_passages_new(a, &origin, &p, &err));
    fh_assert_ok(fill(p, &err));
    return p;
}

/* The file of such a table, with 3 bytes in place of an index. */
static void save(fh_allocator *a, fh_passages *p, fh_buf *out) {
    fh_err err;
    fh_err_clear(&err);
    fh_buf_init(out, a, 0);
    fh_assert_ok(fh_passages_save(p, (fh_sink){out, put_buf}, &err));
    assert_int_equal(out->size, INDEX_AT);
    fh_assert_ok(fh_buf_put(out, FH_LIT("abc")));
}

static void check(const fh_passages *p) {
    assert_int_equal(fh_passages_count(p), PASSAGES);
    assert_int_equal(fh_passages_files(p), FILES);
    fh_passages_origin o = fh_passages_origin_of(p);
    assert_true(o.kind == made_from.kind && o.pooling == 1 && o.model_hash == made_from.model_hash && o.model_bytes == 77);
    fh_assert_span(o.model_name, "m");
    const char *file = NULL;
    uint64_t number = 0;
    fh_passage got;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        file = rows[i].file != NULL ? rows[i].file : file;
        if (rows[i].text == NULL)
            continue;
        fh_assert_ok(fh_passages_get(p, number++, &got));
        fh_assert_span(got.file, file);
        fh_assert_span(got.text, rows[i].text);
        assert_true(got.offset_bytes == rows[i].offset && got.line == rows[i].line);
    }
    fh_assert_code(fh_passages_get(p, number, &got), FH_NOT_FOUND);
    fh_assert_code(fh_passages_get(p, UINT64_MAX, &got), FH_NOT_FOUND);
}

/* Opens a copy of the bytes that has exactly their size. */
static fh_status open_bytes(fh_allocator *a, fh_span bytes, fh_passages **out, fh_err *err) {
    fh_bytes copy;
    fh_err_clear(err);
    FH_TRY(fh_bytes_copy(a, bytes, &copy));
    fh_status s = fh_passages_open(a, copy, out, err);
    fh_bytes_drop(&copy);
    return s;
}

static void expect(fh_allocator *a, fh_span bytes, fh_code code, const char *words, uint64_t offset) {
    fh_passages *p = (fh_passages *)a;
    fh_err err;
    fh_assert_code(open_bytes(a, bytes, &p, &err), code);
    assert_null(p);
    if (strstr(err.message, words) == NULL || err.offset_bytes != offset)
        fail_msg("at %llu: %s; expected %s at %llu", (unsigned long long)err.offset_bytes, err.message, words,
                 (unsigned long long)offset);
}

static void test_round_trip(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_passages *p = make(a), *back;
    fh_buf first, second;
    fh_bytes index;
    fh_err err;
    check(p);
    fh_assert_code(fh_passages_index(p, &index), FH_INVALID);
    save(a, p, &first);
    fh_assert_ok(open_bytes(a, fh_buf_view(&first), &back, &err));
    check(back);
    fh_assert_ok(fh_passages_index(back, &index));
    fh_assert_span(index.span, "abc");
    fh_bytes_drop(&index);
    save(a, back, &second);
    assert_true(fh_span_equal(fh_buf_view(&first), fh_buf_view(&second)));
    fh_assert_code(fh_passages_add_file(back, FH_LIT("x"), &err), FH_UNSUPPORTED);
    fh_assert_code(fh_passages_add(back, &(fh_passage){.line = 1, .text = FH_LIT("x")}, &err), FH_UNSUPPORTED);
    fh_passages_free(p);
    fh_passages_free(back);
    fh_buf_deinit(&first);
    fh_buf_deinit(&second);
}

static void test_empty(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_passages *p, *back;
    fh_passage got;
    fh_buf out;
    fh_err err;
    fh_assert_ok(fh_passages_new(a, &(fh_passages_origin){.pooling = 0}, &p, NULL));
    fh_buf_init(&out, a, 0);
    fh_assert_ok(fh_passages_save(p, (fh_sink){&out, put_buf}, NULL));
    fh_assert_ok(open_bytes(a, fh_buf_view(&out), &back, &err));
    assert_int_equal(fh_passages_count(back), 0);
    fh_assert_code(fh_passages_get(back, 0, &got), FH_NOT_FOUND);
    fh_passages_free(p);
    fh_passages_free(back);
    fh_passages_free(NULL);
    fh_buf_deinit(&out);
}

static void test_refused(void **state) {
    static uint8_t long_name[FH_PASSAGES_NAME_MAX + 1];
    fh_allocator *a = fh_test_allocator(state);
    fh_passages *p;
    fh_passages_origin origin = {.kind = FH_PASSAGES_KINDS};
    memset(long_name, 'x', sizeof long_name);
    fh_assert_code(fh_passages_new(a, &origin, &p, NULL), FH_INVALID);
    assert_null(p);
    origin = (fh_passages_origin){.model_name = {long_name, sizeof long_name}};
    fh_assert_code(fh_passages_new(a, &origin, &p, NULL), FH_LIMIT);
    assert_null(p);
    origin.model_name.size = 0;
    fh_assert_ok(fh_passages_new(a, &origin, &p, NULL));
    fh_passage good = {.line = 1, .text = FH_LIT("x")};
    fh_assert_code(fh_passages_add(p, &good, NULL), FH_INVALID);
    fh_assert_code(fh_passages_add_file(p, FH_LIT(""), NULL), FH_INVALID);
    fh_assert_code(fh_passages_add_file(p, (fh_span){long_name, sizeof long_name}, NULL), FH_LIMIT);
    assert_int_equal(fh_passages_files(p), 0);
    fh_assert_ok(fh_passages_add_file(p, (fh_span){long_name, sizeof long_name - 1}, NULL));
    fh_assert_code(fh_passages_add(p, &(fh_passage){.line = 0, .text = FH_LIT("x")}, NULL), FH_INVALID);
    fh_assert_code(fh_passages_add(p, &(fh_passage){.line = 1}, NULL), FH_INVALID);
    fh_passage far = {.line = 1, .text = FH_LIT("x"), .offset_bytes = (uint64_t)INT64_MAX + 1};
    fh_assert_code(fh_passages_add(p, &far, NULL), FH_INVALID);
    assert_int_equal(fh_passages_count(p), 0);
    fh_assert_ok(fh_passages_add(p, &good, NULL));
    fh_passages_free(p);
}

/* Changes are made in place. */
static fh_mspan bytes_of(fh_buf *b) {
    return (fh_mspan){b->at, b->size};
}

static void test_cut_and_changed(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_passages *p = make(a), *back = NULL;
    fh_buf out;
    fh_err err;
    save(a, p, &out);
    for (size_t size = 0; size < INDEX_AT; size++) {
        fh_assert_code(open_bytes(a, fh_span_sub(fh_buf_view(&out), 0, size), &back, &err), FH_CORRUPT);
        assert_true(back == NULL && err.offset_bytes <= size);
    }
    for (size_t i = 0; i < INDEX_AT; i++) {
        *fh_mspan_at(bytes_of(&out), i) ^= 0x40;
        fh_code code = open_bytes(a, fh_buf_view(&out), &back, &err).code;
        assert_true((code == FH_CORRUPT || (code == FH_UNSUPPORTED && i >= 8 && i < 12)) && back == NULL);
        *fh_mspan_at(bytes_of(&out), i) ^= 0x40;
    }
    fh_passages_free(p);
    fh_buf_deinit(&out);
}

/* Makes both checksums right; the tables keep their sizes. */
static void seal(fh_mspan all) {
    static const size_t begins[] = {0, FILES_AT, PASSAGES_AT, NAMES_AT, TEXTS_AT, SUM_AT};
    fh_span s = fh_span_of_mut(all);
    uint64_t sum = 0;
    fh_mspan_put_u64(all, 120, fh_hash_bytes(0, fh_span_sub(s, 0, 120)));
    for (size_t i = 0; i < 5; i++)
        sum = fh_hash_bytes(sum, fh_span_sub(s, begins[i], begins[i + 1] - begins[i]));
    fh_mspan_put_u64(all, SUM_AT, sum);
}

static void test_hostile(void **state) {
    static const struct {
        size_t at;
        bool wide; /* u64, else u32 */
        uint64_t value;
        fh_code code;
        const char *words;
        uint64_t offset;
    } table[] = {
        {8, false, 2, FH_UNSUPPORTED, "version 2 of the index of texts, expected 1", 8},
        {12, false, 2, FH_CORRUPT, "kind 2 of index, expected 0 to 1", 12},
        {20, false, 1, FH_CORRUPT, "kept free", 20},
        {88, true, 1, FH_CORRUPT, "kept free", 88},
        {112, true, UINT64_C(1) << 56, FH_CORRUPT, "kept free", 119},
        {40, true, 12, FH_CORRUPT, "a model's name of 12 bytes in 11", 40},
        {40, true, UINT64_MAX, FH_CORRUPT, "a model's name", 40},
        {40, true, 6, FH_CORRUPT, "a file's name ends at 6, expected 7 to 11", FILES_AT},
        {48, true, UINT64_MAX, FH_CORRUPT, "files and 5 passages, expected at most", 48},
        {48, true, UINT64_C(1) << 31, FH_CORRUPT, "tables of", 48},
        {56, true, UINT64_C(1) << 61, FH_CORRUPT, "3 files and 2305843009213693952 passages", 48},
        {64, true, UINT64_MAX - 64, FH_CORRUPT, "tables of", 48},
        {72, true, UINT64_MAX - 1000, FH_CORRUPT, "tables of", 48},
        {72, true, 10000, FH_CORRUPT, "tables of", 48},
        {80, true, INDEX_AT + 64, FH_CORRUPT, "the index begins at", 80},
        {SUM_AT + 8, false, 1, FH_CORRUPT, "kept free", SUM_AT + 8},
        {FILES_AT, true, 1, FH_CORRUPT, "a file's name ends at 1, expected 2 to 11", FILES_AT},
        {FILES_AT + 16, true, 12, FH_CORRUPT, "a file's name ends at 12, expected 7 to 11", FILES_AT + 16},
        {FILES_AT + 32, true, 10, FH_CORRUPT, "names of 10 bytes and 5 passages, expected 11 and 5", PASSAGES_AT},
        {FILES_AT + 8, true, 6, FH_CORRUPT, "a file's passages end at 6, expected 0 to 5", FILES_AT + 8},
        {FILES_AT + 24, true, 1, FH_CORRUPT, "a file's passages end at 1, expected 2 to 5", FILES_AT + 24},
        {FILES_AT + 40, true, 4, FH_CORRUPT, "names of 11 bytes and 4 passages, expected 11 and 5", PASSAGES_AT},
        {PASSAGES_AT, true, UINT64_C(1) << 63, FH_CORRUPT, "there is no such place", PASSAGES_AT},
        {PASSAGES_AT + 8, true, 0, FH_CORRUPT, "a passage's text ends at 0, expected 1 to 20", PASSAGES_AT + 8},
        {PASSAGES_AT + 32, true, 3, FH_CORRUPT, "a passage's text ends at 3, expected 4 to 20", PASSAGES_AT + 32},
        {PASSAGES_AT + 32, true, 21, FH_CORRUPT, "a passage's text ends at 21, expected 4 to 20", PASSAGES_AT + 32},
        {PASSAGES_AT + 104, true, 19, FH_CORRUPT, "texts of 19 bytes, expected 20", NAMES_AT},
        {PASSAGES_AT + 16, true, 0, FH_CORRUPT, "there is no such place", PASSAGES_AT},
        {PASSAGES_AT + 64, true, UINT64_C(1) << 32, FH_CORRUPT, "there is no such place", PASSAGES_AT + 48},
    };
    fh_allocator *a = fh_test_allocator(state);
    fh_passages *p = make(a);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        fh_buf out;
        save(a, p, &out);
        if (table[i].wide)
            fh_mspan_put_u64(bytes_of(&out), table[i].at, table[i].value);
        else
            fh_mspan_put_u32(bytes_of(&out), table[i].at, (uint32_t)table[i].value);
        seal(bytes_of(&out));
        expect(a, fh_buf_view(&out), table[i].code, table[i].words, table[i].offset);
        fh_buf_deinit(&out);
    }
    fh_passages_free(p);
}

/* A name longer than any that can be added. */
static void test_long_names(void **state) {
    static uint8_t name[FH_PASSAGES_NAME_MAX];
    fh_allocator *a = fh_test_allocator(state);
    fh_passages *p, *back;
    fh_buf out;
    fh_err err;
    memset(name, 'n', sizeof name);
    fh_buf_init(&out, a, 0);
    fh_assert_ok(fh_passages_new(a, &(fh_passages_origin){.kind = FH_PASSAGES_FLAT}, &p, NULL));
    for (int i = 0; i < 2; i++)
        fh_assert_ok(fh_passages_add_file(p, (fh_span){name, sizeof name}, NULL));
    fh_assert_ok(fh_passages_save(p, (fh_sink){&out, put_buf}, NULL));
    fh_assert_ok(open_bytes(a, fh_buf_view(&out), &back, &err));
    fh_passages_free(back);
    fh_mspan all = bytes_of(&out);
    fh_span s = fh_span_of_mut(all);
    fh_mspan_put_u64(all, HEADER, FH_PASSAGES_NAME_MAX + 1);
    uint64_t sum = fh_hash_bytes(fh_hash_bytes(0, fh_span_sub(s, 0, HEADER)), fh_span_sub(s, HEADER, 32));
    sum = fh_hash_bytes(fh_hash_bytes(sum, fh_span_sub(s, 0, 0)), fh_span_sub(s, HEADER + 32, 2 * sizeof name));
    fh_mspan_put_u64(all, HEADER + 32 + 2 * sizeof name, fh_hash_bytes(sum, fh_span_sub(s, 0, 0)));
    expect(a, s, FH_CORRUPT, "a file's name ends at 4097, expected 1 to 4096", HEADER);
    fh_passages_free(p);
    fh_buf_deinit(&out);
}

typedef struct closing {
    size_t left; /* bytes that it takes before it refuses */
} closing;

static fh_status refuse(void *ctx, fh_span bytes, fh_err *err) {
    closing *c = ctx;
    if (bytes.size > c->left)
        return fh_fail(err, FH_IO, FH_NO_OFFSET, "closed");
    c->left -= bytes.size;
    return FH_DONE;
}

static void test_sink_refuses(void **state) {
    fh_passages *p = make(fh_test_allocator(state));
    for (size_t left = 0; left < INDEX_AT; left++) {
        closing c = {left};
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_passages_save(p, (fh_sink){&c, refuse}, &err), FH_IO);
        fh_assert_err(&err, FH_IO, "closed");
    }
    fh_passages_free(p);
}

static fh_status make_and_open(fh_allocator *a, void *arg) {
    fh_passages *p, *back;
    fh_buf *file = arg;
    fh_passages_origin origin = {.model_name = FH_LIT("model")};
    fh_bytes bytes;
    FH_TRY(fh_passages_new(a, &origin, &p, NULL));
    fh_status s = fill(p, NULL);
    if (s.code == FH_NOMEM) /* a refusal changed nothing */
        assert_true(fh_passages_count(p) < PASSAGES || fh_passages_files(p) < FILES);
    fh_passages_free(p);
    FH_TRY(s);
    FH_TRY(fh_bytes_copy(a, fh_buf_view(file), &bytes));
    s = fh_passages_open(a, bytes, &back, NULL);
    fh_bytes_drop(&bytes);
    if (!fh_failed(s))
        check(back);
    fh_passages_free(back);
    return s;
}

static void test_each_allocation_fails(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_passages *p = make(a);
    fh_buf file;
    save(a, p, &file);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), make_and_open, &file) > 4);
    fh_passages_free(p);
    fh_buf_deinit(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_round_trip),      FH_TEST_ALLOC(test_empty),   FH_TEST_ALLOC(test_refused),
        FH_TEST_ALLOC(test_cut_and_changed), FH_TEST_ALLOC(test_hostile), FH_TEST_ALLOC(test_long_names),
        FH_TEST_ALLOC(test_sink_refuses),    FH_TEST_ALLOC(test_each_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
