/* test_cut.c: the first steps of a tokenizer alone: pieces and where they come from; and the members of its file. */
#include "text/made_pipeline.h"

typedef struct seen {
    fh_allocator *allocator;
    fh_owned fh_buf text; /* piece:begin-end … */
    size_t left;          /* pieces to be taken; then FH_CANCELED */
} seen;

static fh_status take(void *ctx, fh_span piece, size_t begin, size_t end) {
    seen *s = ctx;
    if (s->left-- == 0)
        return FH_STATUS(FH_CANCELED);
    FH_TRY(fh_buf_put(&s->text, piece));
    return fh_buf_format(&s->text, ":%zu-%zu ", begin, end);
}

static void expect_cut(void **state, made_parts parts, const char *text, const char *pieces) {
    fh_tokenizer *tok = made_load(fh_test_allocator(state), &parts);
    seen s = {.left = 100};
    fh_buf_init(&s.text, fh_test_allocator(state), 0);
    fh_assert_ok(fh_tokenizer_cut(tok, fh_span_of_str(text), (fh_piece_taker){&s, take}, NULL));
    fh_assert_span(fh_buf_view(&s.text), pieces);
    fh_buf_deinit(&s.text);
    fh_tokenizer_free(tok);
}

static void test_pieces(void **state) {
    expect_cut(state, (made_parts){.pre = NULL}, "A b", "A b:0-3 ");
    expect_cut(state, (made_parts){.pre = NULL}, "", "");
    expect_cut(state, (made_parts){.normalizer = "{\"type\":\"Lowercase\"}"}, "A\xc3\x89", "a\xc3\xa9:0-3 ");
    expect_cut(state, (made_parts){.pre = MADE_SPLIT}, " A  \xc3\xa9 b", "A:1-2 \xc3\xa9:4-6 b:7-8 ");
    expect_cut(state, (made_parts){.pre = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true}"},
               "a \xc3\xa9", "\xc4\xa0" "a:0-1 \xc4\xa0\xc3\x83\xc2\xa9:1-4 ");
    expect_cut(state, (made_parts){.normalizer = "{\"type\":\"NFD\"}", .pre = MADE_SPLIT}, "\xc3\xa9 b",
               "e\xcc\x81:0-2 b:3-4 ");
    /* added tokens are text here */
    expect_cut(state, (made_parts){.added = "[{\"id\":1,\"content\":\"[CLS]\",\"single_word\":false,\"lstrip\":false,"
                                            "\"rstrip\":false,\"normalized\":false,\"special\":true}]",
                                   .pre = "{\"type\":\"Punctuation\",\"behavior\":\"Removed\"}"},
               "[CLS]", "CLS:1-4 ");
}

static void test_refused(void **state) {
    fh_tokenizer *tok = made_load(fh_test_allocator(state), &(made_parts){.pre = MADE_SPLIT});
    seen s = {.left = 1};
    fh_err err;
    fh_err_clear(&err);
    fh_buf_init(&s.text, fh_test_allocator(state), 0);
    fh_assert_code(fh_tokenizer_cut(tok, FH_LIT("a b c"), (fh_piece_taker){&s, take}, &err), FH_CANCELED);
    fh_assert_span(fh_buf_view(&s.text), "a:0-1 ");
    fh_err_clear(&err);
    fh_assert_code(fh_tokenizer_cut(tok, FH_LIT("ab\xff"), (fh_piece_taker){&s, take}, &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "not UTF-8");
    assert_int_equal(err.offset_bytes, 2);
    fh_buf_deinit(&s.text);
    fh_tokenizer_free(tok);
}

static void test_members(void **state) {
    fh_tokenizer *tok = made_load(fh_test_allocator(state), &(made_parts){.pre = MADE_SPLIT, .post = MADE_BERT});
    static const struct {
        const char *name, *value;
    } members[] = {{"version", "\"1.0\""},        {"truncation", "null"},        {"padding", "null"},
                   {"added_tokens", "[]"},        {"normalizer", "null"},        {"pre_tokenizer", MADE_SPLIT},
                   {"post_processor", MADE_BERT}, {"decoder", "null"},           {"model", MADE_MODEL}};
    fh_buf whole, out;
    fh_buf_init(&whole, fh_test_allocator(state), 0);
    fh_buf_init(&out, fh_test_allocator(state), 0);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        fh_buf_truncate(&out, 0);
        fh_assert_ok(fh_tokenizer_save_member(tok, fh_span_of_str(members[i].name), &out, NULL));
        fh_assert_span(fh_buf_view(&out), members[i].value);
        fh_assert_ok(fh_buf_format(&whole, "%c\"%s\":%s", i == 0 ? '{' : ',', members[i].name, members[i].value));
    }
    fh_assert_ok(fh_buf_put_u8(&whole, '}'));
    fh_err err;
    fh_err_clear(&err);
    size_t before = out.size;
    fh_assert_code(fh_tokenizer_save_member(tok, FH_LIT("vocab"), &out, &err), FH_NOT_FOUND);
    fh_assert_err(&err, FH_NOT_FOUND, "\"vocab\" of a tokenizer.json");
    assert_int_equal(out.size, before);
    fh_buf_truncate(&out, 0);
    fh_assert_ok(fh_tokenizer_save(tok, false, &out, NULL));
    assert_true(fh_span_equal(fh_buf_view(&out), fh_buf_view(&whole)));
    fh_buf_deinit(&whole);
    fh_buf_deinit(&out);
    fh_tokenizer_free(tok);
}

static fh_status body(fh_allocator *a, void *arg) {
    fh_buf *json = arg;
    fh_tokenizer *tok;
    seen s = {.left = 100};
    FH_TRY(fh_tokenizer_from_json(a, fh_buf_view(json), &tok, NULL));
    fh_buf_init(&s.text, a, 0);
    fh_status status = fh_tokenizer_cut(tok, FH_LIT("\xc3\x89 b c d"), (fh_piece_taker){&s, take}, NULL);
    fh_buf_deinit(&s.text);
    fh_tokenizer_free(tok);
    return status;
}

static void test_no_memory(void **state) {
    fh_buf json;
    fh_buf_init(&json, fh_heap(), 0);
    made_json(&json, &(made_parts){.normalizer = "{\"type\":\"NFD\"}", .pre = MADE_SPLIT});
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, &json) >= 5);
    fh_buf_deinit(&json);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_pieces), FH_TEST_ALLOC(test_refused), FH_TEST_ALLOC(test_members),
                                       FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
