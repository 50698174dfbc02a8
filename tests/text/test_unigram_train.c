/* test_unigram_train.c: Unigram: what has to be in its vocabulary, its options, the same bytes from any number of threads. */
#include "freehold/os.h"
#include "made_text.h"
#include "made_train.h"

static fh_status train_text(fh_allocator *a, fh_span text, const fh_train_options *o, const fh_par *par, fh_trained **out,
                            fh_err *err) {
    *out = NULL;
    fh_train_words *words;
    FH_TRY(fh_train_words_new(a, &words));
    fh_status s = made_count(words, text, MADE_METASPACE, par, err);
    if (!fh_failed(s))
        s = fh_train(words, o, par, out, err);
    fh_train_words_free(words);
    return s;
}

static uint32_t find(const fh_trained *model, const char *wanted, double *score) {
    for (uint32_t id = 0; id < fh_trained_stats(model).tokens; id++) {
        fh_span text;
        fh_assert_ok(fh_trained_token(model, id, &text, score));
        if (fh_span_is(text, wanted))
            return id;
    }
    *score = 0;
    return UINT32_MAX;
}

/* Special tokens, then pieces by falling score; all characters; probabilities that sum up to about 1. */
static void test_vocabulary(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf text;
    fh_buf_init(&text, a, 0);
    made_text(&text, 11, 40000);
    fh_span specials[2] = {FH_LIT("<s>"), FH_LIT("<unk>")};
    uint32_t initial[2] = {'Q', 0x1f600};
    fh_train_options o = {.kind = FH_TRAIN_UNIGRAM, .vocab_size = 600, .special_tokens = {specials, 2},
                          .unk_token = FH_LIT("<unk>"), .initial_alphabet = {initial, 2}};
    fh_trained *model;
    fh_assert_ok(train_text(a, fh_buf_view(&text), &o, NULL, &model, NULL));
    assert_int_equal(fh_trained_stats(model).tokens, 600);
    double score, last = 0, sum = 0;
    assert_int_equal(find(model, "<s>", &score), 0);
    assert_int_equal(find(model, "<unk>", &score), 1);
    assert_true(find(model, "Q", &score) < 600 && find(model, "\xf0\x9f\x98\x80", &score) < 600);
    assert_true(find(model, "\xe2\x96\x81", &score) < 600 && find(model, "\n", &score) < 600);
    for (uint32_t id = 2; id < 600; id++) {
        fh_span piece;
        fh_assert_ok(fh_trained_token(model, id, &piece, &score));
        assert_true(score < 0 && (id == 2 || score <= last));
        last = score;
        sum += __builtin_exp(score);
    }
    assert_true(sum > 0.8 && sum < 1.1);
    fh_trained_free(model);
    fh_buf_deinit(&text);
}

static void test_unknown(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_span special = FH_LIT("<s>");
    fh_trained *model;
    double score;
    fh_train_options o = {.kind = FH_TRAIN_UNIGRAM, .vocab_size = 12, .special_tokens = {&special, 1}};
    const struct {
        fh_span unk;
        const char *saved;
    } cases[] = {{FH_LIT(""), "\"unk_id\": null"}, {FH_LIT("<u>"), "\"unk_id\": 0"}, {FH_LIT("<s>"), "\"unk_id\": 0"}};
    for (size_t i = 0; i < 3; i++) {
        o.unk_token = cases[i].unk;
        fh_assert_ok(train_text(a, FH_LIT("banana bandana ban"), &o, NULL, &model, NULL));
        assert_int_equal(find(model, "<s>", &score), i == 1 ? 1 : 0);
        assert_true(fh_trained_stats(model).tokens <= 12);
        fh_buf out;
        fh_buf_init(&out, a, 0);
        fh_assert_ok(fh_trained_save(model, FH_LIT("{}"), &out, NULL));
        assert_true(fh_span_find(fh_buf_view(&out), fh_span_of_str(cases[i].saved), 0) != SIZE_MAX);
        assert_true(fh_span_find(fh_buf_view(&out), FH_LIT("\"<s>\",\n        0.0"), 0) != SIZE_MAX ||
                    fh_span_find(fh_buf_view(&out), FH_LIT("\"<s>\",\n        0"), 0) != SIZE_MAX);
        fh_buf_deinit(&out);
        fh_trained_free(model);
    }
}

/* What is frequent becomes a piece. */
static void test_learns(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_train_words *words;
    fh_trained *model;
    fh_assert_ok(fh_train_words_new(a, &words));
    static const char *const stems[] = {"walk", "talk", "look", "jump"}, *const ends[] = {"ing", "ings", "er", "s", ""};
    for (size_t i = 0; i < 20; i++) {
        fh_buf word;
        fh_buf_init(&word, a, 0);
        fh_assert_ok(fh_buf_format(&word, "%s%s", stems[i % 4], ends[i / 4]));
        fh_assert_ok(fh_train_words_add(words, fh_buf_view(&word), 100));
        fh_buf_deinit(&word);
    }
    fh_train_options o = {.kind = FH_TRAIN_UNIGRAM, .vocab_size = 30};
    fh_assert_ok(fh_train(words, &o, NULL, &model, NULL));
    double score;
    for (size_t i = 0; i < 4; i++)
        assert_true(find(model, stems[i], &score) != UINT32_MAX);
    assert_true(find(model, "ing", &score) != UINT32_MAX);
    fh_trained_free(model);
    fh_train_words_free(words);
}

static void test_refused(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_span special = FH_LIT("<s>");
    fh_trained *model;
    fh_err err;
    fh_err_clear(&err);
    fh_train_options o = {.kind = FH_TRAIN_UNIGRAM, .vocab_size = 5, .special_tokens = {&special, 1}};
    fh_assert_code(train_text(a, FH_LIT("banana ban"), &o, NULL, &model, &err), FH_OK); /* 4 characters: ▁ a b n */
    fh_trained_free(model);
    o.vocab_size = 4;
    fh_assert_code(train_text(a, FH_LIT("banana ban"), &o, NULL, &model, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "vocab_size: 4, expected at least 5: 4 characters, 1 special tokens");
    assert_null(model);
    fh_train_words *words;
    fh_assert_ok(fh_train_words_new(a, &words));
    fh_assert_ok(fh_train_words_add(words, FH_LIT("abc"), UINT64_C(1) << 50));
    fh_err_clear(&err);
    fh_assert_code(fh_train(words, &o, NULL, &model, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "2^50 bytes");
    fh_train_words_free(words);
}

static void test_threads(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf text, one = {0}, many;
    fh_buf_init(&text, a, 0);
    made_text(&text, 12, 20000);
    fh_train_options o = {.kind = FH_TRAIN_UNIGRAM, .vocab_size = 300, .n_sub_iterations = 1, .max_piece_length = 8,
                          .shrinking_factor = 0.5, .seed_size = 3000};
    static const unsigned widths[] = {1, 2, 3, 8};
    for (size_t i = 0; i < 4; i++) {
        fh_team *team;
        fh_trained *model;
        fh_assert_ok(fh_team_new(widths[i], &team));
        fh_assert_ok(train_text(a, fh_buf_view(&text), &o, fh_team_par(team), &model, NULL));
        fh_buf *out = i == 0 ? &one : &many;
        fh_buf_init(out, a, 0);
        fh_assert_ok(fh_trained_save(model, FH_LIT("{}"), out, NULL));
        fh_trained_free(model);
        fh_team_free(team);
        if (i == 0)
            continue;
        assert_true(fh_span_equal(fh_buf_view(&one), fh_buf_view(&many)));
        fh_buf_deinit(&many);
    }
    fh_buf_deinit(&one);
    fh_buf_deinit(&text);
}

static bool stop_at(void *ctx, const char *stage, uint64_t done, uint64_t total) {
    unsigned *left = ctx;
    assert_non_null(stage);
    assert_true(done <= total);
    return (*left)-- > 0;
}

static void test_cancel(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (unsigned calls = 0;; calls++) {
        unsigned left = calls;
        fh_trained *model;
        fh_train_options o = {.kind = FH_TRAIN_UNIGRAM, .vocab_size = 20, .progress = stop_at, .ctx = &left};
        fh_status s = train_text(a, FH_LIT("some few words of text, some text"), &o, NULL, &model, NULL);
        if (!fh_failed(s)) {
            fh_trained_free(model);
            assert_true(calls >= 3);
            break;
        }
        fh_assert_code(s, FH_CANCELED);
        assert_null(model);
    }
}

static fh_status body(fh_allocator *a, void *arg) {
    fh_trained *model;
    FH_TRY(train_text(a, FH_LIT("banana bandana ban an ana band banan"), arg, NULL, &model, NULL));
    fh_trained_free(model);
    return FH_DONE;
}

static void test_no_memory(void **state) {
    fh_train_options o = {.kind = FH_TRAIN_UNIGRAM, .vocab_size = 8, .unk_token = FH_LIT("?")};
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, &o) >= 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_vocabulary), FH_TEST_ALLOC(test_unknown), FH_TEST_ALLOC(test_learns),
                                       FH_TEST_ALLOC(test_refused),    FH_TEST_ALLOC(test_threads), FH_TEST_ALLOC(test_cancel),
                                       FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
