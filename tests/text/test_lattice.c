/* test_lattice.c: all ways to cut a word against all ways counted one by one, in words of any length; logarithms; seeds against
 * a count of all substrings. */
#include <math.h>

#include "made_text.h"
#include "text/train/unigram_impl.h"

static void expect_near(double got, double expected, double relative) {
    double error = fabs(got - expected), scale = fabs(expected) > 1 ? fabs(expected) : 1;
    if (!(error <= relative * scale)) {
        print_error("%.17g, expected %.17g\n", got, expected);
        fail();
    }
}

static void test_functions(void **state) {
    (void)state;
    fh_test_rng rng = fh_test_rng_new(3);
    for (int i = 0; i < 100000; i++) {
        double x = ldexp(1 + (double)fh_test_rng_below(&rng, 1u << 30) / (1u << 30), (int)fh_test_rng_below(&rng, 2000) - 1000);
        expect_near(fh_train_log(x), log(x), 1e-15);
        double y = ((double)fh_test_rng_below(&rng, 1u << 30) / (1u << 30) - 0.5) * 1400;
        double e = exp(y), got = fh_train_exp(y);
        assert_true(fabs(got - e) <= 1e-14 * e + 1e-306);
    }
    expect_near(fh_train_log(0x1p-1060), -1060 * log(2), 1e-15);
    assert_true(fh_train_exp(-1e9) >= 0 && fh_train_exp(-1e9) <= 0);
    assert_true(fh_train_exp(1e9) > 1e308);
    assert_true(fh_train_exp((double)NAN) >= 0 && fh_train_exp((double)NAN) <= 0);
    assert_true(fh_train_exp((double)-INFINITY) <= 0 && fh_train_exp((double)INFINITY) > 1e308);
    expect_near(fh_train_digamma(1), -0.57721566490153286, 1e-10);
    expect_near(fh_train_digamma(0.5), -1.9635100260214235, 1e-10);
    expect_near(fh_train_digamma(100), 4.6001618527380874, 1e-12);
}

/* --- all ways ------------------------------------------------------------------------------------------------------------ */

typedef struct made {
    fh_piece_set pieces;
    fh_piece_tree tree;
    fh_lattice lattice;
    fh_u64s sums;
} made;

static void made_add(made *m, const char *text, double chance) {
    uint32_t id;
    fh_assert_ok(fh_strings_put(&m->pieces.texts, fh_span_of_str(text), &id));
    fh_train_f64s_set(m->pieces.chance, id, chance);
    fh_train_f64s_set(m->pieces.scores, id, fh_train_log(chance > 0 ? chance : 1));
    fh_u32s_set(m->pieces.order, m->pieces.left++, id);
}

static void made_init(made *m, fh_allocator *a) {
    *m = (made){.pieces = {.allocator = a}, .tree = {.allocator = a}};
    fh_strings_init(&m->pieces.texts, a);
    fh_lattice_init(&m->lattice, a);
    fh_assert_ok(fh_train_f64s_new(a, 8, &m->pieces.chance));
    fh_assert_ok(fh_train_f64s_new(a, 8, &m->pieces.scores));
    fh_assert_ok(fh_u32s_new(a, 8, &m->pieces.order));
    fh_assert_ok(fh_u64s_new(a, 9, &m->sums));
    made_add(m, "a", 0.2);
    made_add(m, "b", 0.1);
    made_add(m, "ab", 0.3);
    made_add(m, "ba", 0.05);
    made_add(m, "aba", 0.25);
    made_add(m, "\xc3\xa9" "a", 0.1);
    m->pieces.unk_chance = 0.001;
    m->pieces.unk_score = fh_train_log(0.001);
    fh_assert_ok(fh_piece_tree_build(&m->tree, &m->pieces));
}

static void made_deinit(made *m, fh_allocator *a) {
    fh_piece_set_deinit(&m->pieces);
    fh_piece_tree_deinit(&m->tree);
    fh_lattice_deinit(&m->lattice);
    fh_u64s_free(a, &m->sums);
}

/* Sums over all ways from `at`: each way's probability, and for each piece that of the ways it is in, times how often. */
static double ways(const made *m, fh_span word, size_t at, double before, double *expected, double *best) {
    if (at == word.size) {
        *best = before > *best ? before : *best;
        return before;
    }
    double sum = 0;
    bool single = false;
    size_t step = fh_span_at(word, at) < 0x80 ? 1 : 2;
    for (uint32_t p = 0; p < m->pieces.left; p++) {
        fh_span text = fh_strings_get(&m->pieces.texts, p);
        if (!fh_span_starts(fh_span_from(word, at), text))
            continue;
        single = single || text.size == step;
        double here = ways(m, word, at + text.size, before * fh_train_f64s_get(m->pieces.chance, p), expected, best);
        expected[p] += here;
        sum += here;
    }
    return single ? sum : sum + ways(m, word, at + step, before * m->pieces.unk_chance, expected, best);
}

static void test_ways(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static const char *const words[] = {"a",   "b",       "ab", "ba",  "aba", "\303\251ab\303\251",
                                        "abab", "bbaabab", "x",  "axb", "aaaaabbbab"};
    made m;
    made_init(&m, a);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        double expected[8] = {0}, best = 0, score;
        double all = ways(&m, fh_span_of_str(words[i]), 0, 1, expected, &best);
        fh_mspan_fill(fh_u64s_bytes(m.sums), 0);
        fh_assert_ok(fh_lattice_fill(&m.lattice, &m.tree, &m.pieces, fh_span_of_str(words[i]), false));
        fh_lattice_expect(&m.lattice, &m.pieces, 0x1p40, m.sums);
        for (size_t p = 0; p < m.pieces.left; p++)
            expect_near((double)fh_u64s_get(m.sums, p) * 0x1p-40, expected[p] / all, 1e-10);
        assert_true(fh_lattice_best(&m.lattice, &m.pieces, &score));
        expect_near(score, log(best), 1e-14);
        double along = 0;
        for (size_t at = m.lattice.length; at > 0;) {
            uint32_t p = fh_lattice_best_next(&m.lattice, &at);
            along += p != FH_TRAIN_NONE ? fh_train_f64s_get(m.pieces.scores, p) : m.pieces.unk_score;
        }
        expect_near(along, score, 1e-14);
    }
    made_deinit(&m, a);
}

static void test_parted(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    made m;
    double score;
    made_init(&m, a);
    fh_assert_ok(fh_lattice_fill(&m.lattice, &m.tree, &m.pieces, FH_LIT("aba"), true));
    assert_true(fh_lattice_best(&m.lattice, &m.pieces, &score));
    expect_near(score, log(0.3 * 0.2), 1e-14);
    fh_assert_ok(fh_lattice_fill(&m.lattice, &m.tree, &m.pieces, FH_LIT("a"), true));
    assert_false(fh_lattice_best(&m.lattice, &m.pieces, &score)); /* a character cannot be parted */
    made_deinit(&m, a);
}

/* A word whose probability is far below the smallest number: aba and ab a, ba a … in each period. */
static void test_long_word(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    enum { LENGTH = 30000 };
    made m;
    made_init(&m, a);
    fh_buf word;
    fh_buf_init(&word, a, 0);
    for (size_t i = 0; i < LENGTH; i++)
        fh_assert_ok(fh_buf_put_u8(&word, i % 2 == 0 ? 'a' : 'b'));
    fh_mspan_fill(fh_u64s_bytes(m.sums), 0);
    fh_assert_ok(fh_lattice_fill(&m.lattice, &m.tree, &m.pieces, fh_buf_view(&word), false));
    fh_lattice_expect(&m.lattice, &m.pieces, 0x1p40, m.sums);
    double characters = 0;
    for (uint32_t p = 0; p < m.pieces.left; p++)
        characters += (double)fh_u64s_get(m.sums, p) * 0x1p-40 * (double)fh_strings_get(&m.pieces.texts, p).size;
    expect_near(characters, LENGTH, 1e-9); /* whatever the ways are, they cover the word once */
    fh_buf_deinit(&word);
    made_deinit(&m, a);
}

/* --- seeds --------------------------------------------------------------------------------------------------------------- */

/* How often `piece` comes in the distinct words, and how many different continuations it has (an end is one). */
static unsigned occurrences(const fh_train_list *list, fh_span piece, unsigned *continuations) {
    unsigned count = 0, seen[257] = {0};
    *continuations = 0;
    for (uint32_t w = 0; w < list->order.count; w++) {
        fh_span word = fh_strings_get(list->strings, w);
        for (size_t i = 0; i + piece.size <= word.size; i++) {
            if (!fh_span_starts(fh_span_from(word, i), piece))
                continue;
            count++;
            unsigned next = i + piece.size < word.size ? fh_span_at(word, i + piece.size) : 256;
            *continuations += seen[next]++ == 0;
        }
    }
    return count;
}

static void test_seeds(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (uint64_t seed = 0; seed < 200; seed++) {
        fh_test_rng rng = fh_test_rng_new(seed);
        fh_train_words *words;
        fh_assert_ok(fh_train_words_new(a, &words));
        unsigned letters = 1 + (unsigned)fh_test_rng_below(&rng, 3);
        for (size_t w = 0; w < 1 + seed % 10; w++) {
            uint8_t text[12];
            size_t size = 1 + fh_test_rng_below(&rng, sizeof text);
            for (size_t i = 0; i < size; i++)
                text[i] = (uint8_t)('a' + fh_test_rng_below(&rng, letters));
            fh_assert_ok(fh_train_words_add(words, (fh_span){text, size}, 1 + fh_test_rng_below(&rng, 3)));
        }
        fh_train_list list;
        fh_assert_ok(fh_train_words_list(words, &list));
        fh_train_options o = {.max_piece_length = 1 + (uint32_t)fh_test_rng_below(&rng, 6), .seed_size = 1000};
        fh_train_job job = {.allocator = a, .list = &list, .options = &o};
        fh_piece_set pieces = {.allocator = a};
        fh_strings_init(&pieces.texts, a);
        fh_assert_ok(fh_train_seeds(&job, &pieces));
        unsigned continuations, found = 0, expected = 0;
        for (uint32_t p = 0; p < pieces.texts.count; p++) {
            fh_span text = fh_strings_get(&pieces.texts, p);
            assert_true(text.size <= o.max_piece_length);
            unsigned count = occurrences(&list, text, &continuations);
            if (text.size == 1)
                continue; /* counted by the words' counts */
            found++;
            assert_true(continuations >= 2);
            expect_near(fh_train_f64s_get(pieces.scores, p), count * (double)text.size, 1e-15);
            assert_true(p == 0 || fh_strings_get(&pieces.texts, p - 1).size == 1 ||
                        fh_train_f64s_get(pieces.scores, p - 1) >= fh_train_f64s_get(pieces.scores, p));
        }
        fh_strings all; /* each substring once */
        fh_strings_init(&all, a);
        for (uint32_t w = 0; w < list.order.count; w++) {
            fh_span word = fh_strings_get(list.strings, w);
            for (size_t i = 0; i < word.size; i++) {
                for (size_t size = 2; size <= o.max_piece_length && i + size <= word.size; size++) {
                    uint32_t id;
                    size_t before = all.count;
                    fh_assert_ok(fh_strings_put(&all, fh_span_sub(word, i, size), &id));
                    (void)occurrences(&list, fh_span_sub(word, i, size), &continuations);
                    expected += before != all.count && continuations >= 2;
                }
            }
        }
        assert_int_equal(found, expected);
        fh_strings_deinit(&all);
        fh_piece_set_deinit(&pieces);
        fh_train_list_deinit(&list, a);
        fh_train_words_free(words);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_functions), FH_TEST_ALLOC(test_ways), FH_TEST_ALLOC(test_parted),
                                       FH_TEST_ALLOC(test_long_word), FH_TEST_ALLOC(test_seeds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
