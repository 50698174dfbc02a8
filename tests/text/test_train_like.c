/* test_train_like.c: training for a tokenizer that is there: its words, its options, and what is copied from it. */
#include "made_train.h"

#define TOKEN(id, content, rest) "{\"id\":" #id ",\"content\":\"" content "\"," rest "}"
#define PLAIN "\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true"

/* Words as "word count", in the order of training. */
static void expect_words(void **state, made_parts parts, const char *text, const char *expected) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &parts);
    fh_train_words *words;
    fh_trained *model;
    fh_assert_ok(fh_train_words_new(a, &words));
    fh_assert_ok(fh_train_words_lines(words, fh_span_of_str(text), fh_train_split_like(tok), NULL, NULL));
    fh_tokenizer_free(tok);
    fh_assert_ok(fh_train(words, &(fh_train_options){.kind = FH_TRAIN_WORDLEVEL}, NULL, &model, NULL));
    fh_buf out;
    fh_buf_init(&out, a, 0);
    for (uint32_t id = 0; id < fh_trained_stats(model).tokens; id++) {
        fh_span word;
        double score;
        fh_assert_ok(fh_trained_token(model, id, &word, &score));
        fh_assert_ok(fh_buf_put(&out, word));
        fh_assert_ok(fh_buf_put_u8(&out, '|'));
    }
    fh_assert_span(fh_buf_view(&out), expected);
    fh_buf_deinit(&out);
    fh_trained_free(model);
    fh_train_words_free(words);
}

static void test_words(void **state) {
    expect_words(state, (made_parts){.normalizer = "{\"type\":\"Lowercase\"}", .pre = MADE_SPLIT}, "B a A\nb a", "a|b|");
    expect_words(state, (made_parts){.normalizer = "{\"type\":\"NFD\"}", .pre = MADE_BYTES}, "\xc3\xa9",
                 "e|\xc3\x8c\xc4\xa3|"); /* U+0301 is CC 81: two letters */
    expect_words(state, (made_parts){.pre = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true}"}, "a a",
                 "\xc4\xa0" "a|");
    expect_words(state,
                 (made_parts){.pre = "{\"type\":\"Sequence\",\"pretokenizers\":["
                                     "{\"type\":\"Digits\",\"individual_digits\":true}," MADE_BYTES "]}"},
                 "a11", "1|a|");
    expect_words(state, (made_parts){.pre = "{\"type\":\"Sequence\",\"pretokenizers\":[" MADE_BYTES
                                            ",{\"type\":\"Digits\",\"individual_digits\":true}]}"},
                 "\xc3\xa9" "11", "1|\xc3\x83\xc2\xa9|");
    expect_words(state, (made_parts){.added = "[" TOKEN(1, "[CLS]", PLAIN) "]", .pre = MADE_SPLIT}, "[CLS] [CLS] a",
                 "[CLS]|a|");
    expect_words(state, (made_parts){.pre = NULL}, "a b\nc", "a b\n|c|");
}

static void expect_options(void **state, made_parts parts, fh_views more, fh_train_kind kind, const char *specials,
                           const char *affixes, size_t letters) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &parts);
    fh_train_like *like;
    fh_assert_ok(fh_train_like_new(a, tok, more, &like, NULL));
    fh_train_options o = fh_train_like_options(like);
    assert_int_equal(o.kind, kind);
    assert_int_equal(o.initial_alphabet.count, letters);
    fh_buf out;
    fh_buf_init(&out, a, 0);
    for (size_t i = 0; i < o.special_tokens.count; i++) {
        fh_assert_ok(fh_buf_put(&out, fh_views_get(o.special_tokens, i)));
        fh_assert_ok(fh_buf_put_u8(&out, '|'));
    }
    fh_assert_span(fh_buf_view(&out), specials);
    fh_buf_truncate(&out, 0);
    fh_assert_ok(fh_buf_format(&out, "%.*s|%.*s|%.*s", FH_SPAN_FMT(o.continuing_subword_prefix),
                               FH_SPAN_FMT(o.end_of_word_suffix), FH_SPAN_FMT(o.unk_token)));
    fh_assert_span(fh_buf_view(&out), affixes);
    fh_buf_deinit(&out);
    fh_train_like_free(like);
    fh_tokenizer_free(tok);
}

static void test_options(void **state) {
    fh_span further[2] = {FH_LIT("<x>"), FH_LIT("[CLS]")};
    fh_views more = {further, 2}, none = {NULL, 0};
    const char *added = "[" TOKEN(1, "[CLS]", PLAIN) "," TOKEN(2, "[SEP]", "\"special\":false") "]";
    expect_options(state, (made_parts){.added = NULL}, none, FH_TRAIN_WORDPIECE, "[UNK]|", "##||", 0);
    expect_options(state, (made_parts){.added = added, .pre = MADE_BYTES}, more, FH_TRAIN_WORDPIECE, "[UNK]|[CLS]|<x>|", "##||",
                   256);
    expect_options(state, (made_parts){.added = "[" TOKEN(0, "[UNK]", PLAIN) "," TOKEN(1, "[CLS]", PLAIN) "]"}, none,
                   FH_TRAIN_WORDPIECE, "[UNK]|[CLS]|", "##||", 0);
    expect_options(state, (made_parts){.model = "{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],"
                                                "\"continuing_subword_prefix\":\"@\",\"end_of_word_suffix\":\"</w>\"}"},
                   more, FH_TRAIN_BPE, "<x>|[CLS]|", "@|</w>|", 0);
    expect_options(state, (made_parts){.pre = MADE_BYTES, .model = "{\"type\":\"WordLevel\",\"vocab\":{\"a\":0},"
                                                                   "\"unk_token\":\"a\"}"},
                   none, FH_TRAIN_WORDLEVEL, "a|", "||", 0);
    expect_options(state, (made_parts){.model = "{\"type\":\"Unigram\",\"unk_id\":1,\"vocab\":[[\"a\",-1],[\"<u>\",0]]}"}, none,
                   FH_TRAIN_UNIGRAM, "<u>|", "||<u>", 0);
    fh_train_like_free(NULL);
}

/* Trains on "ab b", and saves with a shell. */
static fh_status save(fh_allocator *a, fh_train_kind kind, const char *like, fh_buf *out, fh_err *err) {
    fh_span specials[2] = {FH_LIT("<s>"), FH_LIT("b")};
    fh_train_words *words;
    fh_trained *model;
    FH_TRY(fh_train_words_new(a, &words));
    fh_status s = fh_train_words_add(words, FH_LIT("ab"), 2);
    if (!fh_failed(s))
        s = fh_train_words_add(words, FH_LIT("b"), 1);
    if (!fh_failed(s))
        s = fh_train(words, &(fh_train_options){.kind = kind, .special_tokens = {specials, 2}}, NULL, &model, err);
    if (!fh_failed(s)) {
        s = fh_trained_save(model, fh_span_of_str(like), out, err);
        fh_trained_free(model);
    }
    fh_train_words_free(words);
    return s;
}

/* Without blanks and newlines between, which no string here has. */
static void squeeze(fh_buf *out, const fh_buf *from) {
    fh_buf_truncate(out, 0);
    for (size_t i = 0; i < from->size; i++) {
        uint8_t c = fh_span_at(fh_buf_view(from), i);
        if (c != ' ' && c != '\n')
            fh_assert_ok(fh_buf_put_u8(out, c));
    }
}

static void test_copied(void **state) {
    static const char like[] =
        "{\"added_tokens\":[" TOKEN(7, "old", PLAIN) ","
        TOKEN(8, "<s>", "\"single_word\":true,\"lstrip\":true,\"rstrip\":false") "],"
        "\"post_processor\":{\"type\":\"Sequence\",\"processors\":["
        "{\"type\":\"BertProcessing\",\"sep\":[\"b\",77],\"cls\":[\"<s>\",5]},"
        "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\",\"type_id\":0}}],\"pair\":[],"
        "\"special_tokens\":{\"x\":{\"id\":\"x\",\"ids\":[9,9],\"tokens\":[\"b\",\"<s>\"]}}}]}}";
    static const struct {
        fh_train_kind kind;
        const char *sep, *ids;
    } cases[] = {{FH_TRAIN_BPE, "\"sep\":[\"b\",1],\"cls\":[\"<s>\",0]", "\"ids\":[1,0]"},
                 /* b is a word too, and has that one's id */
                 {FH_TRAIN_WORDLEVEL, "\"sep\":[\"b\",3],\"cls\":[\"<s>\",0]", "\"ids\":[3,0]"}};
    fh_buf out, squeezed;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    fh_buf_init(&squeezed, fh_test_allocator(state), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_buf_truncate(&out, 0);
        fh_assert_ok(save(fh_test_allocator(state), cases[i].kind, like, &out, NULL));
        squeeze(&squeezed, &out);
        fh_span text = fh_buf_view(&squeezed);
        assert_true(fh_span_find(text, fh_span_of_str(cases[i].sep), 0) != SIZE_MAX);
        assert_true(fh_span_find(text, fh_span_of_str(cases[i].ids), 0) != SIZE_MAX);
        assert_true(fh_span_find(text, FH_LIT("\"content\":\"<s>\",\"single_word\":true,\"lstrip\":true,\"rstrip\":false,"
                                              "\"normalized\":false,\"special\":true"), 0) != SIZE_MAX);
        assert_true(fh_span_find(text, FH_LIT("\"content\":\"b\",\"single_word\":false"), 0) != SIZE_MAX);
        assert_true(fh_span_find(text, FH_LIT("old"), 0) == SIZE_MAX);
    }
    fh_buf_deinit(&squeezed);
    fh_buf_deinit(&out);
}

static void test_not_copied(void **state) {
    static const struct {
        const char *like;
        fh_code code;
        const char *part;
    } cases[] = {
        {"{\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"b\",7],\"cls\":[\"[CLS]\",5]}}", FH_NOT_FOUND,
         "adds \"[CLS]\", which is no token now"},
        {"{\"post_processor\":{\"type\":\"Other\"}}", FH_UNSUPPORTED, "Other"},
        {"{\"added_tokens\":{}}", FH_CORRUPT, "not an array"},
        {"{\"added_tokens\":[{\"content\":\"<s>\",\"lstrip\":1}]}", FH_CORRUPT, "true or false"},
    };
    fh_buf out;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(save(fh_test_allocator(state), FH_TRAIN_BPE, cases[i].like, &out, &err), cases[i].code);
        fh_assert_err(&err, cases[i].code, cases[i].part);
        assert_int_equal(out.size, 0);
    }
    fh_assert_ok(save(fh_test_allocator(state), FH_TRAIN_BPE, "{\"post_processor\":null,\"added_tokens\":null}", &out, NULL));
    fh_buf_deinit(&out);
}

static fh_status body(fh_allocator *a, void *arg) {
    const fh_tokenizer *tok = arg;
    fh_span x = FH_LIT("x"), text = FH_LIT("\xc3\xa9 b");
    fh_train_like *like;
    FH_TRY(fh_train_like_new(a, tok, (fh_views){&x, 1}, &like, NULL));
    fh_train_like_free(like);
    fh_train_words *words;
    FH_TRY(fh_train_words_new(a, &words));
    fh_status s = fh_train_words_texts(words, (fh_views){&text, 1}, fh_train_split_like(tok), NULL, NULL);
    fh_train_words_free(words);
    FH_TRY(s);
    fh_buf out;
    fh_buf_init(&out, a, 0);
    s = save(a, FH_TRAIN_WORDLEVEL, "{\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"b\",7],\"cls\":[\"b\",5]},"
             "\"added_tokens\":[" TOKEN(8, "<s>", PLAIN) "]}", &out, NULL);
    fh_buf_deinit(&out);
    return s;
}

static void test_no_memory(void **state) {
    fh_tokenizer *tok = made_load(fh_heap(), &(made_parts){.normalizer = "{\"type\":\"NFD\"}", .pre = MADE_BYTES});
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, tok) >= 15);
    fh_tokenizer_free(tok);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_words), FH_TEST_ALLOC(test_options), FH_TEST_ALLOC(test_copied),
                                       FH_TEST_ALLOC(test_not_copied), FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
