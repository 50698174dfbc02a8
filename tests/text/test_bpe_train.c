/* test_bpe_train.c: BPE and WordPiece: the merges that counting everything anew each time gives, the options, the same bytes
 * from any number of threads. */
#include <string.h>

#include "freehold/os.h"
#include "made_text.h"
#include "made_train.h"

static fh_status train_text(fh_allocator *a, fh_span text, const fh_train_options *o, const fh_par *par, fh_trained **out,
                            fh_err *err) {
    *out = NULL;
    fh_train_words *words;
    FH_TRY(fh_train_words_new(a, &words));
    fh_status s = made_count(words, text, MADE_SPLIT, par, err);
    if (!fh_failed(s))
        s = fh_train(words, o, par, out, err);
    fh_train_words_free(words);
    return s;
}

/* Fails the test unless the saved model holds each of the parts, one after another. */
static void expect_saved(const fh_trained *model, fh_allocator *a, const char *const *parts, size_t count) {
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_assert_ok(fh_trained_save(model, FH_LIT("{}"), &out, NULL));
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        at = fh_span_find(fh_buf_view(&out), fh_span_of_str(parts[i]), at);
        if (at == SIZE_MAX) {
            print_error("not found: %s\nin: %.*s\n", parts[i], (int)out.size, (const char *)out.at);
            fail();
        }
    }
    fh_buf_deinit(&out);
}

/* --- against a count of everything in every round ----------------------------------------------------------------------- */

enum { NAIVE_WORDS = 12, NAIVE_SYMBOLS = 12, NAIVE_TOKENS = 64 };

typedef struct naive {
    uint32_t symbols[NAIVE_WORDS][NAIVE_SYMBOLS];
    size_t size[NAIVE_WORDS];
    uint64_t count[NAIVE_WORDS];
    uint64_t pairs[NAIVE_TOKENS][NAIVE_TOKENS];
    size_t tokens;
} naive;

/* The most frequent pair, the lowest of these; its count. */
static uint64_t naive_best(naive *n, uint32_t *a, uint32_t *b) {
    memset(n->pairs, 0, sizeof n->pairs);
    for (size_t w = 0; w < NAIVE_WORDS; w++)
        for (size_t i = 1; i < n->size[w]; i++)
            n->pairs[n->symbols[w][i - 1]][n->symbols[w][i]] += n->count[w];
    uint64_t best = 0;
    for (uint32_t x = 0; x < n->tokens; x++)
        for (uint32_t y = 0; y < n->tokens; y++)
            if (n->pairs[x][y] > best) {
                best = n->pairs[x][y];
                *a = x;
                *b = y;
            }
    return best;
}

static void naive_merge(naive *n, uint32_t a, uint32_t b) {
    uint32_t made = (uint32_t)n->tokens++;
    for (size_t w = 0; w < NAIVE_WORDS; w++) {
        size_t to = 0;
        for (size_t i = 0; i < n->size[w]; i++) {
            bool both = i + 1 < n->size[w] && n->symbols[w][i] == a && n->symbols[w][i + 1] == b;
            n->symbols[w][to++] = both ? made : n->symbols[w][i];
            i += both;
        }
        n->size[w] = to;
    }
}

static void test_naive(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (uint64_t seed = 0; seed < fh_test_ops() / 3000; seed++) {
        fh_test_rng rng = fh_test_rng_new(seed);
        unsigned letters = 1 + (unsigned)fh_test_rng_below(&rng, 3);
        naive n = {.tokens = letters};
        fh_train_words *words;
        fh_assert_ok(fh_train_words_new(a, &words));
        for (unsigned i = 0; i < letters; i++) { /* so that each letter has a token, in this order */
            uint8_t letter = (uint8_t)('a' + i);
            fh_assert_ok(fh_train_words_add(words, (fh_span){&letter, 1}, 1));
        }
        for (size_t w = 0; w < NAIVE_WORDS; w++) {
            uint8_t text[NAIVE_SYMBOLS];
            n.size[w] = 1 + fh_test_rng_below(&rng, NAIVE_SYMBOLS);
            n.count[w] = 1 + fh_test_rng_below(&rng, 5);
            for (size_t i = 0; i < n.size[w]; i++) {
                n.symbols[w][i] = (uint32_t)fh_test_rng_below(&rng, letters);
                text[i] = (uint8_t)('a' + n.symbols[w][i]);
            }
            fh_assert_ok(fh_train_words_add(words, (fh_span){text, n.size[w]}, n.count[w]));
        }
        fh_trained *model;
        fh_train_options o = {.kind = FH_TRAIN_BPE, .vocab_size = NAIVE_TOKENS, .min_frequency = seed % 4};
        fh_assert_ok(fh_train(words, &o, NULL, &model, NULL));
        fh_train_words_free(words);
        fh_buf texts[NAIVE_TOKENS];
        for (size_t i = 0; i < n.tokens; i++) {
            fh_buf_init(&texts[i], a, 0);
            fh_assert_ok(fh_buf_put_u8(&texts[i], (uint8_t)('a' + i)));
        }
        uint32_t x = 0, y = 0;
        while (n.tokens < NAIVE_TOKENS) {
            uint64_t best = naive_best(&n, &x, &y);
            if (best == 0 || best < o.min_frequency)
                break;
            fh_buf_init(&texts[n.tokens], a, 0);
            fh_assert_ok(fh_buf_put(&texts[n.tokens], fh_buf_view(&texts[x])));
            fh_assert_ok(fh_buf_put(&texts[n.tokens], fh_buf_view(&texts[y])));
            naive_merge(&n, x, y);
        }
        assert_int_equal(fh_trained_stats(model).tokens, n.tokens);
        assert_int_equal(fh_trained_stats(model).merges, n.tokens - letters);
        for (uint32_t i = 0; i < n.tokens; i++) {
            fh_span text;
            double score;
            fh_assert_ok(fh_trained_token(model, i, &text, &score));
            assert_true(fh_span_equal(text, fh_buf_view(&texts[i])));
            fh_buf_deinit(&texts[i]);
        }
        fh_trained_free(model);
    }
}

/* --- options ------------------------------------------------------------------------------------------------------------ */

static void expect_tokens(const fh_trained *model, const char *const *tokens, size_t count) {
    assert_int_equal(fh_trained_stats(model).tokens, count);
    for (uint32_t i = 0; i < count; i++) {
        fh_span text;
        double score;
        fh_assert_ok(fh_trained_token(model, i, &text, &score));
        fh_assert_span(text, tokens[i]);
    }
}

/* What Hugging Face's trainer gives for each of these, where it leaves no choice. */
static void test_options(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_span text = FH_LIT("low low low lower newest newest widest z");
    fh_span specials[3] = {FH_LIT("<s>"), FH_LIT("l"), FH_LIT("<s>")};
    uint32_t initial[2] = {'Q', 0x65e5};
    const struct {
        fh_train_options o;
        const char *tokens[24];
    } cases[] = {
        {{.vocab_size = 14}, {"d", "e", "i", "l", "n", "o", "r", "s", "t", "w", "z", "lo", "low", "es"}},
        {{.vocab_size = 1}, {"d", "e", "i", "l", "n", "o", "r", "s", "t", "w", "z"}},
        {{.min_frequency = 4}, {"d", "e", "i", "l", "n", "o", "r", "s", "t", "w", "z", "lo", "low"}},
        {{.vocab_size = 13, .special_tokens = {specials, 3}},
         {"<s>", "l", "d", "e", "i", "n", "o", "r", "s", "t", "w", "z", "lo"}},
        {{.vocab_size = 13, .initial_alphabet = {initial, 2}},
         {"Q", "d", "e", "i", "l", "n", "o", "r", "s", "t", "w", "z", "\xe6\x97\xa5"}},
        {{.vocab_size = 6, .limits_alphabet = true, .limit_alphabet = 4}, {"e", "l", "o", "w", "lo", "we"}},
        {{.limits_alphabet = true, .limit_alphabet = 0}, {0}},
        {{.max_token_length = 3, .min_frequency = 4}, {"d", "e", "i", "l", "n", "o", "r", "s", "t", "w", "z", "lo"}},
        {{.continuing_subword_prefix = FH_LIT("##"), .vocab_size = 1},
         {"d", "e", "i", "l", "n", "o", "r", "s", "t", "w", "z", "##o", "##w", "##e", "##s", "##t", "##r", "##i", "##d"}},
        {{.end_of_word_suffix = FH_LIT("</w>"), .vocab_size = 17},
         {"d", "e", "i", "l", "n", "o", "r", "s", "t", "w", "z", "w</w>", "t</w>", "r</w>", "z</w>", "lo", "es"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fh_trained *model;
        size_t count = 0;
        while (count < 24 && cases[i].tokens[count] != NULL)
            count++;
        fh_assert_ok(train_text(a, text, &cases[i].o, NULL, &model, NULL));
        expect_tokens(model, cases[i].tokens, count);
        fh_trained_free(model);
    }
}

static void test_wordpiece(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_trained *model;
    fh_span unk = FH_LIT("[UNK]");
    fh_train_options o = {.kind = FH_TRAIN_WORDPIECE, .vocab_size = 9, .special_tokens = {&unk, 1}};
    fh_assert_ok(train_text(a, FH_LIT("aab aab aab ab"), &o, NULL, &model, NULL));
    static const char *const tokens[] = {"[UNK]", "a", "b", "##a", "##b", "aa", "aab", "ab"};
    expect_tokens(model, tokens, 8);
    static const char *const parts[] = {"\"added_tokens\": [\n    {\n      \"id\": 0,\n      \"content\": \"[UNK]\"",
                                        "\"type\": \"WordPiece\"", "\"unk_token\": \"[UNK]\"",
                                        "\"continuing_subword_prefix\": \"##\"", "\"max_input_chars_per_word\": 100",
                                        "\"vocab\": {", "\"##b\": 4,"};
    expect_saved(model, a, parts, sizeof parts / sizeof parts[0]);
    fh_trained_free(model);
}

/* Counts beyond 32 bits, where Hugging Face's sums overflow. */
static void test_large_counts(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_train_words *words;
    fh_trained *model;
    fh_assert_ok(fh_train_words_new(a, &words));
    fh_assert_ok(fh_train_words_add(words, FH_LIT("ab"), UINT64_C(6) << 40));
    fh_assert_ok(fh_train_words_add(words, FH_LIT("cd"), UINT64_C(5) << 40));
    fh_train_options o = {.vocab_size = 5};
    fh_assert_ok(fh_train(words, &o, NULL, &model, NULL));
    static const char *const tokens[] = {"a", "b", "c", "d", "ab"};
    expect_tokens(model, tokens, 5);
    fh_trained_free(model);
    fh_assert_ok(fh_train_words_add(words, FH_LIT("abcdefghij"), INT64_MAX / 8)); /* its pairs would pass 2^63 */
    fh_assert_code(fh_train(words, &o, NULL, &model, NULL), FH_LIMIT);
    assert_null(model);
    fh_train_words_free(words);
}

/* --- threads, memory, ending early ---------------------------------------------------------------------------------------- */

static void saved_with(fh_allocator *a, fh_span text, const fh_train_options *o, unsigned threads, fh_buf *out) {
    fh_team *team;
    fh_trained *model;
    fh_assert_ok(fh_team_new(threads, &team));
    fh_assert_ok(train_text(a, text, o, fh_team_par(team), &model, NULL));
    fh_buf_init(out, a, 0);
    fh_assert_ok(fh_trained_save(model, FH_LIT("{}"), out, NULL));
    fh_trained_free(model);
    fh_team_free(team);
}

/* So much text that merges are spread over the parts. */
static void test_threads(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf text, one, many;
    fh_buf_init(&text, a, 0);
    for (unsigned i = 0; i < 9000; i++)
        fh_assert_ok(fh_buf_format(&text, "the%ua the%u then%uther ", i, i * 7, i * i));
    made_text(&text, 5, 20000);
    const fh_train_options options[] = {{.vocab_size = 700},
                                        {.vocab_size = 700, .max_token_length = 5, .end_of_word_suffix = FH_LIT("$")},
                                        {.kind = FH_TRAIN_WORDPIECE, .vocab_size = 700}};
    static const unsigned widths[] = {2, 3, 8};
    for (size_t i = 0; i < 3; i++) {
        saved_with(a, fh_buf_view(&text), &options[i], 1, &one);
        for (size_t k = 0; k < 3; k++) {
            saved_with(a, fh_buf_view(&text), &options[i], widths[k], &many);
            assert_true(fh_span_equal(fh_buf_view(&one), fh_buf_view(&many)));
            fh_buf_deinit(&many);
        }
        fh_buf_deinit(&one);
    }
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
        fh_train_options o = {.progress = stop_at, .ctx = &left};
        fh_status s = train_text(a, FH_LIT("some few words of text"), &o, NULL, &model, NULL);
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
    FH_TRY(train_text(a, FH_LIT("some few words of text, some few of text"), arg, NULL, &model, NULL));
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_status s = fh_trained_save(model, FH_LIT("{}"), &out, NULL);
    assert_true(!fh_failed(s) || out.size == 0);
    fh_buf_deinit(&out);
    fh_trained_free(model);
    return s;
}

static void test_no_memory(void **state) {
    fh_train_options o = {.continuing_subword_prefix = FH_LIT("#"), .limits_alphabet = true, .limit_alphabet = 9};
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, &o) >= 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_naive),        FH_TEST_ALLOC(test_options),
                                       FH_TEST_ALLOC(test_wordpiece),    FH_TEST_ALLOC(test_large_counts),
                                       FH_TEST_ALLOC(test_threads),      FH_TEST_ALLOC(test_cancel),
                                       FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
