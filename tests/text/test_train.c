/* test_train.c: options that are refused, WordLevel, questions to a model, and the file. */
#include "made_text.h"
#include "made_train.h"

static fh_trained *train_words(fh_allocator *a, const char *text, const fh_train_options *o) {
    fh_train_words *words;
    fh_trained *model;
    fh_assert_ok(fh_train_words_new(a, &words));
    fh_assert_ok(made_count(words, fh_span_of_str(text), MADE_SPLIT, NULL, NULL));
    fh_assert_ok(fh_train(words, o, NULL, &model, NULL));
    fh_train_words_free(words);
    return model;
}

static void test_refused(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_span two[2] = {FH_LIT("a"), FH_LIT("b")}, empty = FH_LIT(""), bad = FH_LIT("\xff");
    uint32_t surrogate = 0xd800, beyond = 0x110000;
    uint8_t bytes[FH_TRAIN_AFFIX_MAX + 1] = {0};
    fh_span wide = {bytes, sizeof bytes};
    const struct {
        fh_train_options o;
        const char *part;
    } cases[] = {
        {{.kind = FH_TRAIN_KINDS}, "kind: 4"},
        {{.vocab_size = FH_TRAIN_VOCAB_MAX + 1}, "vocab_size: 16777217"},
        {{.special_tokens = {&empty, 1}}, "special_tokens: number 0 is empty"},
        {{.special_tokens = {&bad, 1}}, "special_tokens: expected UTF-8"},
        {{.special_tokens = {&bad, FH_TRAIN_VOCAB_MAX + 1}}, "special_tokens: 16777217"},
        {{.initial_alphabet = {&surrogate, 1}}, "initial_alphabet: U+D800"},
        {{.initial_alphabet = {&beyond, 1}}, "initial_alphabet: U+110000"},
        {{.continuing_subword_prefix = wide}, "continuing_subword_prefix: 65 bytes"},
        {{.end_of_word_suffix = bad}, "end_of_word_suffix: expected UTF-8"},
        {{.shrinking_factor = 0.5}, "Unigram's"},
        {{.unk_token = FH_LIT("x")}, "Unigram's"},
        {{.kind = FH_TRAIN_WORDLEVEL, .vocab_size = 1, .special_tokens = {two, 2}}, "vocab_size: 1, expected at least 2"},
        {{.kind = FH_TRAIN_WORDLEVEL, .limits_alphabet = true}, "limit_alphabet: WordLevel has no use for it"},
        {{.kind = FH_TRAIN_WORDLEVEL, .initial_alphabet = {&surrogate, 1}}, "initial_alphabet: WordLevel"},
        {{.kind = FH_TRAIN_WORDLEVEL, .max_token_length = 3}, "max_token_length"},
        {{.kind = FH_TRAIN_UNIGRAM, .min_frequency = 2}, "min_frequency: Unigram"},
        {{.kind = FH_TRAIN_UNIGRAM, .end_of_word_suffix = FH_LIT("x")}, "end_of_word_suffix: Unigram"},
        {{.kind = FH_TRAIN_UNIGRAM, .continuing_subword_prefix = FH_LIT("x")}, "continuing_subword_prefix: Unigram"},
        {{.kind = FH_TRAIN_UNIGRAM, .shrinking_factor = 1}, "shrinking_factor"},
        {{.kind = FH_TRAIN_UNIGRAM, .shrinking_factor = -0.5}, "shrinking_factor"},
        {{.kind = FH_TRAIN_UNIGRAM, .shrinking_factor = __builtin_nan("")}, "shrinking_factor"},
        {{.kind = FH_TRAIN_UNIGRAM, .max_piece_length = FH_TRAIN_PIECE_MAX + 1}, "max_piece_length: 257"},
        {{.kind = FH_TRAIN_UNIGRAM, .n_sub_iterations = 1001}, "n_sub_iterations: 1001"},
        {{.kind = FH_TRAIN_UNIGRAM, .unk_token = bad}, "unk_token: expected UTF-8"},
    };
    fh_train_words *words;
    fh_assert_ok(fh_train_words_new(a, &words));
    fh_assert_ok(fh_train_words_add(words, FH_LIT("abc"), 3));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fh_trained *model;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_train(words, &cases[i].o, NULL, &model, &err), FH_INVALID);
        fh_assert_err(&err, FH_INVALID, cases[i].part);
        assert_null(model);
    }
    fh_train_words_free(words);
}

/* --- WordLevel ---------------------------------------------------------------------------------------------------------- */

static void expect_vocab(const fh_trained *model, fh_allocator *a, const char *vocab) {
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_assert_ok(fh_trained_save(model, FH_LIT("{}"), &out, NULL));
    size_t from = fh_span_find(fh_buf_view(&out), FH_LIT("\"vocab\": {"), 0);
    assert_true(from != SIZE_MAX);
    size_t to = fh_span_find(fh_buf_view(&out), FH_LIT("}"), from);
    fh_assert_span(fh_span_sub(fh_buf_view(&out), from, to - from), vocab);
    fh_buf_deinit(&out);
}

static void test_wordlevel(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_span specials[2] = {FH_LIT("[UNK]"), FH_LIT("b")};
    const char *text = "c b a b a \"q\\ c b";
    const struct {
        fh_train_options o;
        const char *vocab;
    } cases[] = {
        {{.kind = FH_TRAIN_WORDLEVEL},
         "\"vocab\": {\n      \"b\": 0,\n      \"a\": 1,\n      \"c\": 2,\n      \"\\\"q\\\\\": 3\n    "},
        {{.kind = FH_TRAIN_WORDLEVEL, .vocab_size = 2}, "\"vocab\": {\n      \"b\": 0,\n      \"a\": 1\n    "},
        {{.kind = FH_TRAIN_WORDLEVEL, .min_frequency = 3}, "\"vocab\": {\n      \"b\": 0\n    "},
        /* the word b takes the special token's id, which nobody has then */
        {{.kind = FH_TRAIN_WORDLEVEL, .vocab_size = 4, .special_tokens = {specials, 2}},
         "\"vocab\": {\n      \"[UNK]\": 0,\n      \"b\": 2,\n      \"a\": 3\n    "},
        {{.kind = FH_TRAIN_WORDLEVEL, .vocab_size = 2, .special_tokens = {specials, 2}},
         "\"vocab\": {\n      \"[UNK]\": 0,\n      \"b\": 1\n    "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fh_trained *model = train_words(a, text, &cases[i].o);
        expect_vocab(model, a, cases[i].vocab);
        fh_trained_free(model);
    }
}

static void test_questions(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_span specials[2] = {FH_LIT("[UNK]"), FH_LIT("b")}, text;
    double score = 7;
    fh_train_options o = {.kind = FH_TRAIN_WORDLEVEL, .special_tokens = {specials, 2}};
    fh_trained *model = train_words(a, "b b a", &o);
    fh_train_stats stats = fh_trained_stats(model);
    assert_int_equal(stats.words, 3);
    assert_int_equal(stats.distinct_words, 2);
    assert_int_equal(stats.tokens, 3);
    fh_assert_ok(fh_trained_token(model, 2, &text, &score));
    fh_assert_span(text, "b");
    assert_true(score >= 0 && score <= 0);
    fh_assert_code(fh_trained_token(model, 1, &text, &score), FH_INVALID); /* nobody's */
    fh_assert_code(fh_trained_token(model, 4, &text, &score), FH_INVALID);
    assert_int_equal(text.size, 0);
    fh_trained_free(model);
    fh_trained_free(NULL);
}

/* --- the file ----------------------------------------------------------------------------------------------------------- */

static const char saved[] =
    "{\n"
    "  \"version\": \"1.0\",\n"
    "  \"truncation\": null,\n"
    "  \"padding\": null,\n"
    "  \"added_tokens\": [\n"
    "    {\n"
    "      \"id\": 0,\n"
    "      \"content\": \"<|end|>\",\n"
    "      \"single_word\": false,\n"
    "      \"lstrip\": false,\n"
    "      \"rstrip\": false,\n"
    "      \"normalized\": false,\n"
    "      \"special\": true\n"
    "    }\n"
    "  ],\n"
    "  \"normalizer\": null,\n"
    "  \"pre_tokenizer\": null,\n"
    "  \"post_processor\": null,\n"
    "  \"decoder\": {\n"
    "    \"type\": \"ByteLevel\",\n"
    "    \"list\": [\n"
    "      1,\n"
    "      2.5,\n"
    "      -300,\n"
    "      true,\n"
    "      null,\n"
    "      \"\xc3\xa9\\n\"\n"
    "    ],\n"
    "    \"none\": {},\n"
    "    \"no\": []\n"
    "  },\n"
    "  \"model\": {\n"
    "    \"type\": \"BPE\",\n"
    "    \"dropout\": 0.1,\n"
    "    \"unk_token\": \"<u>\",\n"
    "    \"continuing_subword_prefix\": null,\n"
    "    \"end_of_word_suffix\": null,\n"
    "    \"fuse_unk\": false,\n"
    "    \"byte_fallback\": false,\n"
    "    \"ignore_merges\": false,\n"
    "    \"vocab\": {\n"
    "      \"<|end|>\": 0,\n"
    "      \"a\": 1,\n"
    "      \"b\": 2,\n"
    "      \"ab\": 3\n"
    "    },\n"
    "    \"merges\": [\n"
    "      [\n"
    "        \"a\",\n"
    "        \"b\"\n"
    "      ]\n"
    "    ]\n"
    "  }\n"
    "}";

static void test_save(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_span special = FH_LIT("<|end|>");
    fh_train_options o = {.special_tokens = {&special, 1}, .vocab_size = 4};
    fh_trained *model = train_words(a, "ab ab", &o);
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_assert_ok(fh_trained_save(
        model,
        FH_LIT("{\"decoder\":{\"type\":\"ByteLevel\",\"list\":[1,2.5,-3e2,true,null,\"\\u00e9\\n\"],\"none\":{},\"no\":[]},"
               "\"vocab\":5,\"model\":{\"type\":\"?\",\"unk_token\":\"<u>\",\"dropout\":0.1,\"vocab\":{\"old\":0}}}"),
        &out, NULL));
    fh_assert_span(fh_buf_view(&out), saved);
    size_t before = out.size;
    static const char *const bad[] = {"", "[]", "{\"decoder\": }", "{\"model\": 3}", "{\"padding\": [}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_trained_save(model, fh_span_of_str(bad[i]), &out, &err), FH_CORRUPT);
        assert_int_equal(err.code, FH_CORRUPT);
        assert_int_equal(out.size, before);
    }
    fh_buf_deinit(&out);
    fh_trained_free(model);
}

static void test_empty(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (int kind = 0; kind < FH_TRAIN_KINDS; kind++) {
        fh_train_options o = {.kind = (fh_train_kind)kind};
        fh_trained *model = train_words(a, "", &o);
        assert_int_equal(fh_trained_stats(model).tokens, 0);
        fh_buf out;
        fh_buf_init(&out, a, 0);
        fh_assert_ok(fh_trained_save(model, FH_LIT("{}"), &out, NULL));
        fh_buf_deinit(&out);
        fh_trained_free(model);
    }
}

static fh_status body(fh_allocator *a, void *arg) {
    fh_train_words *words;
    FH_TRY(fh_train_words_new(a, &words));
    fh_trained *model = NULL;
    fh_status s = made_count(words, FH_LIT("c b a b a c b"), MADE_SPLIT, NULL, NULL);
    if (!fh_failed(s))
        s = fh_train(words, arg, NULL, &model, NULL);
    fh_trained_free(model);
    fh_train_words_free(words);
    return s;
}

static void test_no_memory(void **state) {
    fh_span special = FH_LIT("a");
    fh_train_options o = {.kind = FH_TRAIN_WORDLEVEL, .special_tokens = {&special, 1}};
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, &o) >= 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_refused),   FH_TEST_ALLOC(test_wordlevel),
                                       FH_TEST_ALLOC(test_questions), FH_TEST_ALLOC(test_save),
                                       FH_TEST_ALLOC(test_empty),     FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
