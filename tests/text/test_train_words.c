/* test_train_words.c: counting words for training: splitters, threads, bad text, sums. */
#include "freehold/os.h"
#include "made_text.h"
#include "made_train.h"
#include "text/train/train_impl.h"

/* Fails the test unless the words in their order are "word count" lines. */
static void expect_words(fh_train_words *words, fh_allocator *a, const char *expected) {
    fh_train_list list;
    fh_assert_ok(fh_train_words_list(words, &list));
    fh_buf text;
    fh_buf_init(&text, a, 0);
    for (size_t i = 0; i < list.order.count; i++) {
        uint32_t id = fh_u32s_get(list.order, i);
        fh_assert_ok(fh_buf_put(&text, fh_strings_get(list.strings, id)));
        fh_assert_ok(fh_buf_format(&text, " %llu\n", (unsigned long long)fh_u64s_get(list.counts, id)));
    }
    fh_assert_span(fh_buf_view(&text), expected);
    fh_buf_deinit(&text);
    fh_train_list_deinit(&list, a);
}

static void test_splitters(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    const struct {
        const char *pre, *text, *words;
    } cases[] = {
        {NULL, "b a\nb a\n", "b a\n 2\n"},
        {MADE_SPLIT, " b\xe3\x80\x80" "a b\t\nb\n\n", "b 3\na 1\n"},
        {MADE_BYTES, "a a\xc3\xa9\n", "a 1\n\xc4\x8a 1\n\xc4\xa0" "a\xc3\x83\xc2\xa9 1\n"},
        {MADE_METASPACE, "a  b\n c",
         "\xe2\x96\x81 1\n\xe2\x96\x81" "a 1\n\xe2\x96\x81" "b\n 1\n\xe2\x96\x81" "c 1\n"},
        {MADE_METASPACE, "\xe2\x96\x81" "a\xe2\x96\x81" "a", "\xe2\x96\x81" "a 2\n"},
        {MADE_SPLIT, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fh_train_words *words;
        fh_assert_ok(fh_train_words_new(a, &words));
        fh_assert_ok(made_count(words, fh_span_of_str(cases[i].text), cases[i].pre, NULL, NULL));
        expect_words(words, a, cases[i].words);
        fh_train_words_free(words);
    }
    fh_train_words_free(NULL);
}

/* A piece longer than what is put at once. */
static void test_long_piece(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    uint8_t text[200];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = 'x';
    fh_train_words *words;
    fh_assert_ok(fh_train_words_new(a, &words));
    fh_span all = {text, sizeof text};
    fh_assert_ok(made_count(words, all, MADE_BYTES, NULL, NULL));
    fh_train_list list;
    fh_assert_ok(fh_train_words_list(words, &list));
    assert_int_equal(list.order.count, 1);
    assert_true(fh_span_equal(fh_strings_get(list.strings, 0), all));
    fh_train_list_deinit(&list, a);
    fh_train_words_free(words);
}

/* A splitter that refuses what begins with '!'. */
static fh_status split_picky(const void *ctx, fh_span text, fh_train_sink *sink) {
    (void)ctx;
    if (fh_span_starts(text, FH_LIT("?")))
        return fh_train_sink_put(sink, FH_LIT("\xff"));
    return fh_span_starts(text, FH_LIT("!")) ? FH_STATUS(FH_UNSUPPORTED) : fh_train_sink_put(sink, text);
}

static const fh_train_splitter picky = {NULL, split_picky};

static void test_refusals(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_train_words *words;
    fh_err err;
    fh_assert_ok(fh_train_words_new(a, &words));
    fh_err_clear(&err);
    fh_assert_code(made_count(words, FH_LIT("good\nbad\xff\n"), MADE_SPLIT, NULL, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "byte 8: expected UTF-8");
    assert_int_equal(err.offset_bytes, 8);
    fh_err_clear(&err);
    fh_span texts[2] = {FH_LIT("x"), FH_LIT("y\x80")};
    fh_assert_code(fh_train_words_texts(words, (fh_views){texts, 2}, picky, NULL, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "text 1, byte 1");
    fh_assert_code(fh_train_words_add(words, FH_LIT("\xc3"), 1), FH_CORRUPT);
    fh_assert_ok(fh_train_words_add(words, FH_LIT("x"), INT64_MAX - 2)); /* "good" and "x" came before */
    fh_assert_code(fh_train_words_add(words, FH_LIT("x"), 1), FH_LIMIT);
    fh_assert_ok(fh_train_words_add(words, FH_LIT(""), 7));
    fh_assert_ok(fh_train_words_add(words, FH_LIT("never"), 0));
    expect_words(words, a, "x 9223372036854775806\ngood 1\n");
    fh_train_words_free(words);
}

static void test_splitter_fails(void **state) {
    fh_train_words *words;
    fh_assert_ok(fh_train_words_new(fh_test_allocator(state), &words));
    fh_span texts[2] = {FH_LIT("x"), FH_LIT("!")};
    fh_assert_code(fh_train_words_texts(words, (fh_views){texts, 2}, picky, NULL, NULL), FH_UNSUPPORTED);
    texts[1] = FH_LIT("?"); /* a word that is not UTF-8 does not get in */
    fh_assert_code(fh_train_words_texts(words, (fh_views){texts, 2}, picky, NULL, NULL), FH_CORRUPT);
    expect_words(words, fh_test_allocator(state), "x 2\n");
    fh_train_words_free(words);
}

/* The same list from any number of threads, also when the number changes between the texts. */
static void test_threads(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf text;
    fh_buf_init(&text, a, 0);
    made_text(&text, 1, 60000);
    fh_buf lists[2];
    static const unsigned widths[] = {1, 2, 3, 8};
    for (size_t i = 0; i < 4; i++) {
        fh_team *team;
        fh_assert_ok(fh_team_new(widths[i], &team));
        fh_train_words *words;
        fh_assert_ok(fh_train_words_new(a, &words));
        fh_assert_ok(made_count(words, fh_buf_view(&text), MADE_BYTES, fh_team_par(team), NULL));
        fh_assert_ok(made_count(words, fh_buf_view(&text), MADE_SPLIT, NULL, NULL));
        fh_assert_ok(made_count(words, fh_buf_view(&text), MADE_SPLIT, fh_team_par(team), NULL));
        fh_buf *list_text = &lists[i != 0];
        fh_buf_init(list_text, a, 0);
        fh_train_list list;
        fh_assert_ok(fh_train_words_list(words, &list));
        for (size_t w = 0; w < list.order.count; w++) {
            uint32_t id = fh_u32s_get(list.order, w);
            fh_assert_ok(fh_buf_put(list_text, fh_strings_get(list.strings, id)));
            fh_assert_ok(fh_buf_format(list_text, " %llu\n", (unsigned long long)fh_u64s_get(list.counts, id)));
        }
        fh_train_list_deinit(&list, a);
        fh_train_words_free(words);
        fh_team_free(team);
        if (i == 0)
            continue;
        assert_true(fh_span_equal(fh_buf_view(&lists[0]), fh_buf_view(&lists[1])));
        fh_buf_deinit(&lists[1]);
    }
    fh_buf_deinit(&lists[0]);
    fh_buf_deinit(&text);
}

static bool number_less(const void *ctx, uint32_t a, uint32_t b) {
    (void)ctx;
    return a / 4 < b / 4; /* the last two bits are not looked at: they show whether the order is kept */
}

static void test_sort(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (size_t n = 0; n < 70; n++) {
        fh_u32s order;
        fh_assert_ok(fh_u32s_new(a, n, &order));
        fh_test_rng rng = fh_test_rng_new(n);
        for (size_t i = 0; i < n; i++)
            fh_u32s_set(order, i, (uint32_t)fh_test_rng_below(&rng, 10) * 400 + (uint32_t)(i & 3));
        uint32_t seen[10][4] = {{0}};
        for (size_t i = 0; i < n; i++)
            seen[fh_u32s_get(order, i) / 400][i & 3]++;
        fh_assert_ok(fh_train_sort(a, order, number_less, NULL));
        for (size_t i = 0; i < n; i++) {
            uint32_t v = fh_u32s_get(order, i);
            assert_true(i == 0 || v / 4 >= fh_u32s_get(order, i - 1) / 4);
            seen[v / 400][v & 3]--;
        }
        for (size_t i = 0; i < 40; i++)
            assert_int_equal(seen[i / 4][i % 4], 0);
        fh_u32s_free(a, &order);
    }
}

static fh_status body(fh_allocator *a, void *arg) {
    (void)arg;
    fh_train_words *words;
    FH_TRY(fh_train_words_new(a, &words));
    fh_status s = made_count(words, FH_LIT("a bb ccc a\nd e f g h\n"), MADE_SPLIT, NULL, NULL);
    fh_train_list list;
    if (!fh_failed(s))
        s = fh_train_words_list(words, &list);
    if (!fh_failed(s))
        fh_train_list_deinit(&list, a);
    fh_train_words_free(words);
    return s;
}

static void test_no_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL) >= 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_splitters), FH_TEST_ALLOC(test_long_piece),
                                       FH_TEST_ALLOC(test_refusals),  FH_TEST_ALLOC(test_splitter_fails),
                                       FH_TEST_ALLOC(test_threads),   FH_TEST_ALLOC(test_sort),
                                       FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
