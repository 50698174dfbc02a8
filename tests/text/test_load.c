/* test_load.c: whole files: what is passed over, what is refused and where, what is written back, no memory. */
#include "text/made_pipeline.h"

static void refuse(void **state, fh_span json, fh_code code, const char *part) {
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_status s = fh_tokenizer_from_json(fh_test_allocator(state), json, &tok, &err);
    if (s.code != code)
        fail_msg("%.*s: %s instead of %s: \"%s\"", FH_SPAN_FMT(json), fh_code_name(s.code), fh_code_name(code), err.message);
    fh_assert_err(&err, code, part);
    assert_null(tok);
}

static void refuse_parts(void **state, made_parts p, fh_code code, const char *part) {
    fh_buf b;
    fh_buf_init(&b, fh_test_allocator(state), 0);
    made_json(&b, &p);
    refuse(state, fh_buf_view(&b), code, part);
    fh_buf_deinit(&b);
}

#define M ",\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"a\",\"vocab\":{\"a\":0}}}"

static void test_files(void **state) {
    static const char *const good[] = {"{\"version\":\"1.0\"" M, "{\"x\":1,\"y\":[{}]" M, "{\"version\":null" M,
                                       "{\"added_tokens\":null,\"padding\":null" M, " {\"added_tokens\":[]" M " "};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        fh_tokenizer *tok;
        fh_assert_ok(fh_tokenizer_from_json(fh_test_allocator(state), fh_span_of_str(good[i]), &tok, NULL));
        assert_int_equal(fh_tokenizer_size(tok), 1);
        fh_tokenizer_free(tok);
    }
    refuse(state, FH_LIT(""), FH_CORRUPT, "byte 0");
    refuse(state, FH_LIT("[]"), FH_CORRUPT, "byte 0");
    refuse(state, FH_LIT("{}"), FH_CORRUPT, "no model");
    refuse(state, FH_LIT("{\"model\":null}"), FH_CORRUPT, "no model");
    refuse(state, FH_LIT("{\"model\":7}"), FH_CORRUPT, "byte 9");
    refuse(state, FH_LIT("{\"version\":\"2.0\"" M), FH_CORRUPT, "byte 11: expected version \"1.0\"");
    refuse(state, FH_LIT("{\"version\":\"1.0\",\"version\":\"1.0\"" M), FH_CORRUPT, "a second \"version\" at byte 17");
    refuse(state, FH_LIT("{\"a\":}" M), FH_CORRUPT, "byte 5");
    static const uint8_t byte = '{';
    refuse(state, (fh_span){&byte, (size_t)1 << 40}, FH_LIMIT, "at most");
}

static void test_members(void **state) {
    refuse_parts(state, (made_parts){.truncation = "{\"strategy\":\"Other\"}"}, FH_CORRUPT, "expected \"LongestFirst\"");
    refuse_parts(state, (made_parts){.truncation = "{\"direction\":\"Up\"}"}, FH_CORRUPT, "expected \"Right\"");
    refuse_parts(state, (made_parts){.truncation = "{\"max_length\":-1}"}, FH_CORRUPT, "not negative");
    refuse_parts(state, (made_parts){.padding = "{\"strategy\":\"Other\"}"}, FH_CORRUPT, "expected \"BatchLongest\"");
    refuse_parts(state, (made_parts){.padding = "{\"pad_id\":4294967295}"}, FH_LIMIT, "32 bits");
    refuse_parts(state, (made_parts){.padding = "{\"strategy\":{\"Fixed\":16777217}}"}, FH_LIMIT,
                 "byte 66: \"Fixed\" is 16777217, expected at most 16777216 tokens");
    refuse_parts(state, (made_parts){.padding = "{\"pad_to_multiple_of\":9223372036854775807}"}, FH_LIMIT,
                 "\"pad_to_multiple_of\" is 9223372036854775807, expected at most");
    made_parts most = {.padding = "{\"strategy\":{\"Fixed\":16777216},\"pad_to_multiple_of\":16777216}"};
    fh_tokenizer_free(made_load(fh_test_allocator(state), &most));
    refuse_parts(state, (made_parts){.padding = "7"}, FH_CORRUPT, "not an object");
    refuse_parts(state, (made_parts){.added = "{}"}, FH_CORRUPT, "not an array");
    refuse_parts(state, (made_parts){.added = "[7]"}, FH_CORRUPT, "not an object");
    refuse_parts(state, (made_parts){.added = "[{\"id\":1}]"}, FH_CORRUPT, "lacks the key \"content\"");
    refuse_parts(state, (made_parts){.added = "[{\"content\":7}]"}, FH_CORRUPT, "not a string");
    refuse_parts(state, (made_parts){.added = "[{\"content\":\"x\",\"lstrip\":1}]"}, FH_CORRUPT, "true or false");
    refuse_parts(state, (made_parts){.normalizer = "7"}, FH_CORRUPT, "");
    refuse_parts(state, (made_parts){.pre = "{\"type\":\"Other\"}"}, FH_UNSUPPORTED, "Other");
}

static void test_processors(void **state) {
    static const struct {
        const char *post;
        fh_code code;
        const char *part;
    } bad[] = {
        {"{\"type\":\"Other\"}", FH_UNSUPPORTED, "\"Other\" is not known"},
        {"{\"type\":\"BertProcessing\"}", FH_CORRUPT, "lacks the key \"sep\""},
        {"{\"sep\":[\"a\"],\"cls\":[\"b\",1]}", FH_CORRUPT, "a token's text and its id"},
        {"{\"sep\":[\"a\",-1],\"cls\":[\"b\",1]}", FH_CORRUPT, "32 bits"},
        {"{\"sep\":[7,1],\"cls\":[\"b\",1]}", FH_CORRUPT, "not a string"},
        {"{\"type\":\"TemplateProcessing\",\"single\":\"x\"}", FH_CORRUPT, "names \"x\", which \"special_tokens\" lacks"},
        {"{\"type\":\"TemplateProcessing\",\"single\":\"$C\"}", FH_CORRUPT, "$A, $B or $ and a number"},
        {"{\"type\":\"TemplateProcessing\",\"single\":\"$A:x\"}", FH_CORRUPT, "behind the colon"},
        {"{\"type\":\"TemplateProcessing\",\"single\":[{}]}", FH_CORRUPT, "a Sequence or a SpecialToken"},
        {"{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"C\"}}]}", FH_CORRUPT, "\"A\" or \"B\""},
        {"{\"type\":\"TemplateProcessing\",\"special_tokens\":{\"x\":{\"ids\":[1,2],\"tokens\":[\"x\"]}}}", FH_CORRUPT,
         "as many tokens as ids"},
        {"{\"type\":\"TemplateProcessing\",\"special_tokens\":{\"x\":{\"ids\":[1],\"tokens\":[\"x\",\"y\"]}}}", FH_CORRUPT,
         "as many tokens as ids"},
        {"{\"type\":\"Sequence\",\"processors\":[{\"type\":\"Sequence\"}]}", FH_CORRUPT, "lacks the key \"processors\""}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse_parts(state, (made_parts){.post = bad[i].post}, bad[i].code, bad[i].part);
}

static void put(fh_buf *b, const char *text, size_t times) {
    for (size_t i = 0; i < times; i++)
        fh_assert_ok(fh_buf_put(b, fh_span_of_str(text)));
}

/* Sequences in sequences, and more steps than there may be. */
static void test_limits(void **state) {
    fh_buf deep, wide;
    fh_buf_init(&deep, fh_test_allocator(state), 0);
    fh_buf_init(&wide, fh_test_allocator(state), 0);
    put(&deep, "{\"type\":\"Sequence\",\"processors\":[", 17);
    put(&deep, "]}", 17);
    fh_assert_ok(fh_buf_put_u8(&deep, 0));
    put(&wide, "{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"}", 1);
    put(&wide, ",{\"type\":\"ByteLevel\"}", 16);
    put(&wide, "]}", 1);
    fh_assert_ok(fh_buf_put_u8(&wide, 0));
    refuse_parts(state, (made_parts){.post = (const char *)fh_buf_view(&deep).at}, FH_LIMIT, "nest deeper");
    refuse_parts(state, (made_parts){.post = (const char *)fh_buf_view(&wide).at}, FH_LIMIT, "more than 16");
    fh_buf_deinit(&deep);
    fh_buf_deinit(&wide);
}

/* A template of as many parts as it may have, and of one more. */
static void test_template_parts(void **state) {
    static const char *const kinds[][3] = {{"\"$A", " $A", "\""}, {"[\"$A\"", ",\"$A\"", "]"}};
    for (size_t k = 0; k < 2; k++)
        for (size_t more = 4095; more <= 4096; more++) {
            fh_buf b;
            fh_buf_init(&b, fh_test_allocator(state), 0);
            put(&b, "{\"type\":\"TemplateProcessing\",\"single\":", 1);
            put(&b, kinds[k][0], 1);
            put(&b, kinds[k][1], more);
            put(&b, kinds[k][2], 1);
            put(&b, ",\"special_tokens\":{}}", 1);
            fh_assert_ok(fh_buf_put_u8(&b, 0));
            made_parts p = {.post = (const char *)fh_buf_view(&b).at};
            if (more == 4095)
                fh_tokenizer_free(made_load(fh_test_allocator(state), &p));
            else
                refuse_parts(state, p, FH_LIMIT, "more than 4096 parts");
            fh_buf_deinit(&b);
        }
}

/* --- written back ------------------------------------------------------------------------------------------------------- */

static const made_parts full = {
    .truncation = "{\"direction\":\"Left\",\"max_length\":9,\"strategy\":\"OnlyFirst\",\"stride\":2}",
    .padding = "{\"strategy\":{\"Fixed\":12},\"direction\":\"Left\",\"pad_to_multiple_of\":4,\"pad_id\":3,\"pad_type_id\":1,"
               "\"pad_token\":\"\xc3\xa9\"}",
    .added = "[{\"id\":1,\"content\":\"[CLS]\",\"single_word\":false,\"lstrip\":false,\"rstrip\":true,\"normalized\":false,"
             "\"special\":true},{\"id\":13,\"content\":\"A b\",\"single_word\":true,\"lstrip\":true,\"rstrip\":false,"
             "\"normalized\":true,\"special\":false}]",
    .normalizer = "{\"type\":\"Lowercase\"}",
    .pre = "{\"type\":\"WhitespaceSplit\"}",
    .post = "{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":false,"
            "\"use_regex\":true},{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\",\"type_id\":0}},"
            "{\"Sequence\":{\"id\":\"A\",\"type_id\":1}}],\"pair\":[{\"Sequence\":{\"id\":\"B\",\"type_id\":2}}],"
            "\"special_tokens\":{\"a\":{\"id\":\"a\",\"ids\":[],\"tokens\":[]},\"x\":{\"id\":\"x\",\"ids\":[1,2],"
            "\"tokens\":[\"p\",\"q\\\"\"]}}}]}",
    .decoder = "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,"
               "\"use_regex\":false},{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":false},{\"type\":\"BPEDecoder\","
               "\"suffix\":\"w\"},{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"first\",\"split\":false},"
               "{\"type\":\"CTC\",\"pad_token\":\"p\",\"word_delimiter_token\":\"d\",\"cleanup\":true},{\"type\":\"Fuse\"},"
               "{\"type\":\"Replace\",\"pattern\":{\"String\":\"s\"},\"content\":\"t\"},{\"type\":\"Replace\",\"pattern\":"
               "{\"Regex\":\"s+\"},\"content\":\"\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":2},"
               "{\"type\":\"ByteFallback\"}]}"};

static void check_saved(void **state, const made_parts *p) {
    fh_buf b, saved;
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_buf_init(&b, fh_test_allocator(state), 0);
    fh_buf_init(&saved, fh_test_allocator(state), 0);
    made_json(&b, p);
    if (fh_failed(fh_tokenizer_from_json(fh_test_allocator(state), fh_buf_view(&b), &tok, &err)))
        fail_msg("%s", err.message);
    fh_assert_ok(fh_buf_put(&saved, FH_LIT("x")));
    fh_assert_ok(fh_tokenizer_save(tok, false, &saved, NULL));
    fh_assert_ok(fh_buf_put_u8(&b, 0));
    fh_assert_span(fh_span_from(fh_buf_view(&saved), 1), (const char *)fh_buf_view(&b).at);
    fh_tokenizer_free(tok);
    fh_buf_deinit(&b);
    fh_buf_deinit(&saved);
}

/* A file in the reference's order comes back byte for byte. */
static void test_saved(void **state) {
    check_saved(state, &full);
    check_saved(state, &(made_parts){0});
    check_saved(state, &(made_parts){.post = MADE_BERT,
                                     .padding = "{\"strategy\":\"BatchLongest\",\"direction\":\"Right\","
                                                "\"pad_to_multiple_of\":null,\"pad_id\":0,\"pad_type_id\":0,"
                                                "\"pad_token\":\"[PAD]\"}",
                                     .decoder = "{\"type\":\"Fuse\"}"});
    check_saved(state, &(made_parts){.post = "{\"type\":\"RobertaProcessing\",\"sep\":[\"s\",2],\"cls\":[\"c\",1],"
                                             "\"trim_offsets\":false,\"add_prefix_space\":true}"});
}

/* The short form of a template, and what is absent. */
static void test_short_template(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    made_parts p = {.post = "{\"type\":\"TemplateProcessing\",\"single\":\"x $A:2 x:1\",\"pair\":[\"$0\",\"$B\",\"$7\"],"
                            "\"special_tokens\":{\"x\":{\"ids\":[1],\"tokens\":[\"x\"]}}}"};
    fh_tokenizer *tok = made_load(a, &p);
    assert_int_equal(fh_tokenizer_added(tok, false), 2);
    assert_int_equal(fh_tokenizer_added(tok, true), 0);
    assert_int_equal(fh_tokenizer_bos(tok), 1);
    assert_int_equal(fh_tokenizer_eos(tok), 1);
    assert_true(fh_tokenizer_is_end(tok, 1) && !fh_tokenizer_is_end(tok, 2));
    fh_buf saved;
    fh_buf_init(&saved, a, 0);
    fh_assert_ok(fh_tokenizer_save(tok, false, &saved, NULL));
    assert_true(fh_span_find(fh_buf_view(&saved), FH_LIT("{\"Sequence\":{\"id\":\"A\",\"type_id\":7}}"), 0) != SIZE_MAX);
    assert_true(fh_span_find(fh_buf_view(&saved), FH_LIT("{\"SpecialToken\":{\"id\":\"x\",\"type_id\":1}}"), 0) != SIZE_MAX);
    fh_buf_deinit(&saved);
    fh_tokenizer_free(tok);
}

/* Ids: the model's, else the next free ones, whatever the file says; and the ways back. */
static void test_ids(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    made_parts p = {.added = "[{\"id\":99,\"content\":\"new\"},{\"id\":3,\"content\":\"a\",\"special\":true},"
                             "{\"id\":5,\"content\":\"newer\"},{\"content\":\"\"},{\"content\":\"new\",\"special\":true}]"};
    fh_tokenizer *tok = made_load(a, &p);
    fh_span spelling;
    assert_int_equal(fh_tokenizer_size(tok), 15);
    assert_int_equal(fh_tokenizer_find(tok, FH_LIT("new")), 13);
    assert_int_equal(fh_tokenizer_find(tok, FH_LIT("newer")), 14);
    assert_int_equal(fh_tokenizer_find(tok, FH_LIT("a")), 3);
    assert_int_equal(fh_tokenizer_find(tok, FH_LIT("nothing")), FH_NO_TOKEN);
    fh_assert_ok(fh_tokenizer_token(tok, 14, &spelling));
    fh_assert_span(spelling, "newer");
    fh_assert_ok(fh_tokenizer_token(tok, 4, &spelling));
    fh_assert_span(spelling, "b");
    fh_assert_code(fh_tokenizer_token(tok, 15, &spelling), FH_INVALID);
    fh_assert_ok(fh_tokenizer_model_token(tok, 3, &spelling));
    fh_assert_span(spelling, "a");
    fh_assert_code(fh_tokenizer_model_token(tok, 14, &spelling), FH_INVALID); /* added */
    fh_tokenizer_free(tok);
}

/* --- cut, and without memory -------------------------------------------------------------------------------------------- */

static void test_truncated(void **state) {
    fh_buf b;
    fh_buf_init(&b, fh_test_allocator(state), 0);
    made_json(&b, &full);
    for (size_t cut = 0; cut <= b.size; cut += cut % 5 + 1) {
        fh_tokenizer *tok;
        fh_status s = fh_tokenizer_from_json(fh_test_allocator(state), fh_span_sub(fh_buf_view(&b), 0, cut), &tok, NULL);
        assert_int_equal(s.code == FH_OK, cut == b.size);
        fh_tokenizer_free(tok);
    }
    fh_buf_deinit(&b);
}

static fh_status load_body(fh_allocator *a, void *arg) {
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_buf saved;
    fh_buf_init(&saved, a, 0);
    fh_status s = fh_tokenizer_from_json(a, *(fh_span *)arg, &tok, &err);
    assert_int_equal(s.code, err.code);
    if (s.code == FH_OK)
        s = fh_tokenizer_save(tok, true, &saved, NULL);
    fh_tokenizer_free(tok);
    fh_buf_deinit(&saved);
    return s;
}

static void test_no_memory(void **state) {
    fh_buf b;
    fh_buf_init(&b, fh_heap(), 0);
    made_json(&b, &full);
    fh_span json = fh_buf_view(&b);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), load_body, &json) > 20);
    fh_buf_deinit(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_files),          FH_TEST_ALLOC(test_members),   FH_TEST_ALLOC(test_processors),
        FH_TEST_ALLOC(test_limits),         FH_TEST_ALLOC(test_saved),     FH_TEST_ALLOC(test_ids),
        FH_TEST_ALLOC(test_short_template), FH_TEST_ALLOC(test_truncated), FH_TEST_ALLOC(test_no_memory),
        FH_TEST_ALLOC(test_template_parts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
