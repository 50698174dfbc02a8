/* test_sampler.c: fh_sampler against a plain reference (sort everything, add up doubles), its statistics, and its
 * refusals. */
#include <math.h>
#include <stdlib.h>

#include "freehold/sampler.h"
#include "fh_test.h"

enum { VOCAB_SMALL = 40, VOCAB_LARGE = 5000 };

static fh_sampler *sampler_of(fh_allocator *a, uint32_t vocab, fh_sampler_options options) {
    fh_sampler *s = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_sampler_new(a, vocab, &options, &s, &err));
    return s;
}

static uint32_t pick(fh_sampler *s, fh_f32s logits, fh_u32s recent, uint64_t position) {
    uint32_t token = UINT32_MAX;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_sampler_pick(s, logits, recent, position, &token, &err));
    return token;
}

static float random_logit(fh_test_rng *rng, double spread) {
    return (float)(((double)fh_test_rng_below(rng, 1 << 20) / (1 << 20) - 0.5) * spread);
}

/* --- the reference ------------------------------------------------------------------------------------------------ */

struct candidate {
    double logit, weight;
    uint32_t id;
};

static int by_rank(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    if (x->logit != y->logit)
        return x->logit > y->logit ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

/* The cumulated probabilities of the kept candidates, in rank order; returns how many are kept. */
static size_t reference(const fh_sampler_options *o, const float *logits, size_t vocab, const uint32_t *recent, size_t recents,
                        struct candidate *c) {
    for (size_t i = 0; i < vocab; i++)
        c[i] = (struct candidate){.logit = (double)logits[i], .id = (uint32_t)i};
    size_t last = o->repeat_last ? o->repeat_last : 64;
    for (size_t i = recents > last ? recents - last : 0; i < recents && o->repeat_penalty > 1; i++) {
        float l = logits[recent[i]];
        c[recent[i]].logit = (double)(l > 0 ? l / o->repeat_penalty : l * o->repeat_penalty);
    }
    qsort(c, vocab, sizeof *c, by_rank);
    double best = c[0].logit, sum = 0, cumulated = 0;
    size_t n = o->top_k && o->top_k < vocab ? o->top_k : vocab;
    for (size_t i = 0; i < n; i++)
        sum += exp(c[i].logit - best);
    for (size_t i = 0; i < n && o->top_p > 0 && o->top_p < 1; i++) {
        cumulated += exp(c[i].logit - best);
        if (cumulated >= (double)o->top_p * sum)
            n = i + 1;
    }
    for (size_t i = 1; i < n && o->min_p > 0; i++)
        if (exp(c[i].logit - best) < (double)o->min_p)
            n = i;
    sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += c[i].weight = exp((c[i].logit - best) / (double)o->temperature);
    cumulated = 0;
    for (size_t i = 0; i < n; i++)
        c[i].weight = (cumulated += c[i].weight) / sum;
    return n;
}

/* Draws at many positions; each token is what the reference says, unless the draw is too near a border to tell. */
static void compare_with_reference(fh_allocator *a, const fh_sampler_options *o, float *logits, uint32_t vocab,
                                   uint32_t *recent, size_t recents, unsigned draws) {
    struct candidate *c = fh_alloc(a, vocab, sizeof *c);
    assert_non_null(c);
    size_t kept = reference(o, logits, vocab, recent, recents, c);
    fh_sampler *s = sampler_of(a, vocab, *o);
    unsigned near_border = 0;
    for (unsigned position = 0; position < draws; position++) {
        uint32_t token = pick(s, (fh_f32s){logits, vocab}, (fh_u32s){recent, recents}, position);
        fh_philox_block r = fh_philox(o->seed, position, 0);
        double u = (double)r.word[1] / 4294967296.0 + (double)r.word[0] / 18446744073709551616.0;
        size_t i = 0;
        while (i + 1 < kept && c[i].weight <= u)
            i++;
        double below = i > 0 ? c[i - 1].weight : 0;
        if (u - below < 1e-6 || c[i].weight - u < 1e-6) {
            near_border++;
            continue;
        }
        assert_int_equal(token, c[i].id);
    }
    assert_true(near_border < draws / 5 + 2);
    fh_sampler_free(s);
    fh_free(a, c);
}

static void test_filters(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static const fh_sampler_options table[] = {
        {.temperature = 1},
        {.temperature = 0.25f},
        {.temperature = 4},
        {.temperature = 1, .top_k = 1},
        {.temperature = 1, .top_k = 7},
        {.temperature = 1, .top_k = 4000000},
        {.temperature = 1, .top_p = 0.5f},
        {.temperature = 1, .top_p = 1e-6f},
        {.temperature = 1, .top_p = 1},
        {.temperature = 2, .min_p = 0.1f},
        {.temperature = 2, .min_p = 1},
        {.temperature = 0.7f, .top_k = 9, .top_p = 0.8f, .min_p = 0.05f},
        {.temperature = 1, .repeat_penalty = 1.5f},
        {.temperature = 1, .repeat_penalty = 3, .repeat_last = 2, .top_k = 5},
    };
    fh_test_rng rng = fh_test_rng_new(1);
    float logits[VOCAB_SMALL];
    uint32_t recent[12];
    for (size_t row = 0; row < sizeof table / sizeof *table; row++) {
        for (unsigned round = 0; round < 10; round++) {
            for (size_t i = 0; i < VOCAB_SMALL; i++)
                logits[i] = random_logit(&rng, 8);
            for (size_t i = 0; i < 12; i++)
                recent[i] = (uint32_t)fh_test_rng_below(&rng, VOCAB_SMALL); /* with repeats */
            fh_sampler_options o = table[row];
            o.seed = fh_test_rng_next(&rng);
            compare_with_reference(a, &o, logits, VOCAB_SMALL, recent, 12, 200);
        }
    }
}

/* A flat distribution over many tokens, so that the ranking is made in several steps. */
static void test_large(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_test_rng rng = fh_test_rng_new(2);
    static float logits[VOCAB_LARGE];
    for (size_t i = 0; i < VOCAB_LARGE; i++)
        logits[i] = random_logit(&rng, 2);
    static const fh_sampler_options table[] = {
        {.temperature = 1, .seed = 3},
        {.temperature = 1, .seed = 4, .top_p = 0.95f},
        {.temperature = 1, .seed = 5, .top_k = 3000},
        {.temperature = 3, .seed = 6, .min_p = 0.2f},
    };
    for (size_t row = 0; row < sizeof table / sizeof *table; row++)
        compare_with_reference(a, &table[row], logits, VOCAB_LARGE, NULL, 0, 60);
}

/* --- statistics --------------------------------------------------------------------------------------------------- */

/* Pearson's chi-square of 60,000 draws against the softmax; 44.3 is the 0.9999 quantile for 15 degrees of freedom. The seeds
 * are fixed, so the numbers are too. */
static void test_distribution(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    enum { N = 16, DRAWS = 60000 };
    float logits[N];
    for (size_t i = 0; i < N; i++)
        logits[i] = 0.25f * (float)(i * 7 % N);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        fh_sampler *s = sampler_of(a, N, (fh_sampler_options){.temperature = 1, .seed = seed});
        double seen[N] = {0}, sum = 0, chi = 0;
        for (unsigned position = 0; position < DRAWS; position++)
            seen[pick(s, (fh_f32s){logits, N}, (fh_u32s){0}, position)] += 1;
        for (size_t i = 0; i < N; i++)
            sum += exp((double)logits[i]);
        for (size_t i = 0; i < N; i++) {
            double expected = (double)DRAWS * exp((double)logits[i]) / sum;
            chi += (seen[i] - expected) * (seen[i] - expected) / expected;
        }
        assert_true(chi < 44.3);
        assert_true(chi > 2.0); /* nor too good to be random: the 0.0001 quantile is 2.1 */
        fh_sampler_free(s);
    }
}

/* A draw depends on seed, position and logits only, not on what the sampler did before. */
static void test_position(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_test_rng rng = fh_test_rng_new(7);
    float logits[VOCAB_SMALL];
    for (size_t i = 0; i < VOCAB_SMALL; i++)
        logits[i] = random_logit(&rng, 2);
    fh_f32s l = {logits, VOCAB_SMALL};
    fh_sampler_options o = {.temperature = 1, .seed = 11};
    fh_sampler *once = sampler_of(a, VOCAB_SMALL, o), *other = sampler_of(a, VOCAB_SMALL, o);
    o.seed = 12;
    fh_sampler *seeded = sampler_of(a, VOCAB_SMALL, o);
    uint32_t forward[64];
    unsigned same = 0;
    for (unsigned p = 0; p < 64; p++)
        forward[p] = pick(once, l, (fh_u32s){0}, p);
    for (unsigned p = 64; p-- > 0;) {
        assert_int_equal(pick(other, l, (fh_u32s){0}, p), forward[p]);
        same += pick(seeded, l, (fh_u32s){0}, p) == forward[p];
    }
    assert_true(same < 32);
    fh_sampler_free(once);
    fh_sampler_free(other);
    fh_sampler_free(seeded);
}

/* --- ties, penalties, refusals ------------------------------------------------------------------------------------ */

static void test_ties(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_sampler *greedy = sampler_of(a, 5, (fh_sampler_options){0});
    float ties[][5] = {
        {1, 3, 3, 2, 3}, {-1, -0.0f, 0.0f, -2, -3}, {-1, 0.0f, -0.0f, -2, -3}, {-INFINITY, -5, -INFINITY, -5, -6}};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pick(greedy, (fh_f32s){ties[i], 5}, (fh_u32s){0}, i), 1);
    fh_sampler_free(greedy);
    /* Of three equal ones, top-k 2 keeps the lower ids. */
    fh_sampler *two = sampler_of(a, 5, (fh_sampler_options){.temperature = 1, .top_k = 2});
    unsigned seen[5] = {0};
    for (unsigned p = 0; p < 200; p++)
        seen[pick(two, (fh_f32s){ties[0], 5}, (fh_u32s){0}, p)]++;
    assert_true(seen[1] > 60 && seen[2] > 60 && seen[1] + seen[2] == 200);
    fh_sampler_free(two);
}

static void test_penalty(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_sampler *s = sampler_of(a, 4, (fh_sampler_options){.repeat_penalty = 2, .repeat_last = 3});
    float logits[] = {8, 5, 3, -1};
    uint32_t none[] = {3, 3, 3, 3}, once[] = {3, 3, 3, 0}, thrice[] = {0, 0, 0}, past[] = {0, 3, 3, 3}, bad[] = {4};
    assert_int_equal(pick(s, (fh_f32s){logits, 4}, (fh_u32s){none, 4}, 0), 0);
    assert_int_equal(pick(s, (fh_f32s){logits, 4}, (fh_u32s){once, 4}, 0), 1);   /* 8 / 2 < 5 */
    assert_int_equal(pick(s, (fh_f32s){logits, 4}, (fh_u32s){past, 4}, 0), 0);   /* three tokens back at most */
    float close[] = {8, 3, 3, -1};
    assert_int_equal(pick(s, (fh_f32s){close, 4}, (fh_u32s){thrice, 3}, 0), 0);  /* 8 / 2 > 3: counted once */
    float negative[] = {-1, -1.5f, -3, -3};
    assert_int_equal(pick(s, (fh_f32s){negative, 4}, (fh_u32s){thrice, 3}, 0), 1); /* −1 · 2 < −1.5 */
    uint32_t token = 9;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_sampler_pick(s, (fh_f32s){logits, 4}, (fh_u32s){bad, 1}, 0, &token, &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "recent token 0 is 4");
    fh_sampler_free(s);
}

static void test_not_finite(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_sampler_options table[] = {{0}, {.temperature = 1}, {.temperature = 1, .top_k = 1}};
    for (size_t i = 0; i < 3; i++) {
        fh_sampler *s = sampler_of(a, 3, table[i]);
        float bad[][3] = {{0, NAN, 1}, {0, 1, INFINITY}, {-INFINITY, -INFINITY, -INFINITY}};
        const char *said[] = {"token 1", "token 2", "every token"};
        for (size_t k = 0; k < 3; k++) {
            uint32_t token = 9;
            fh_err err;
            fh_err_clear(&err);
            fh_assert_code(fh_sampler_pick(s, (fh_f32s){bad[k], 3}, (fh_u32s){0}, 0, &token, &err), FH_NOT_FINITE);
            fh_assert_err(&err, FH_NOT_FINITE, said[k]);
        }
        float masked[] = {-INFINITY, 0, -INFINITY};
        for (unsigned p = 0; p < 20; p++)
            assert_int_equal(pick(s, (fh_f32s){masked, 3}, (fh_u32s){0}, p), 1);
        fh_sampler_free(s);
    }
}

/* The largest spread a float has, and a temperature so low that exponents overflow. */
static void test_extremes(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    float logits[] = {-3e38f, 3e38f, 0, 3e38f};
    fh_sampler *s = sampler_of(a, 4, (fh_sampler_options){.temperature = 1e-40f, .top_p = 0.9f, .min_p = 0.1f, .seed = 1});
    unsigned seen[4] = {0};
    for (unsigned p = 0; p < 100; p++)
        seen[pick(s, (fh_f32s){logits, 4}, (fh_u32s){0}, p)]++;
    assert_true(seen[1] > 20 && seen[3] > 20 && seen[1] + seen[3] == 100);
    fh_sampler_free(s);
}

static void test_refusals(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static const struct {
        fh_sampler_options options;
        uint32_t vocab;
        const char *said;
    } table[] = {
        {{.temperature = -0.1f}, 8, "temperature is -0.1"},
        {{.temperature = 101}, 8, "temperature is 101"},
        {{.temperature = NAN}, 8, "temperature is"},
        {{.top_p = -1}, 8, "top_p is -1"},
        {{.top_p = 1.5f}, 8, "top_p is 1.5"},
        {{.top_p = NAN}, 8, "top_p is"},
        {{.min_p = 2}, 8, "min_p is 2"},
        {{.min_p = -INFINITY}, 8, "min_p is"},
        {{.repeat_penalty = 0.5f}, 8, "repeat_penalty is 0.5"},
        {{.repeat_penalty = INFINITY}, 8, "repeat_penalty is"},
        {{.repeat_last = UINT32_MAX}, 8, "repeat_last is"},
        {{.temperature = 0}, 0, "vocabulary of 0"},
        {{.temperature = 0}, UINT32_MAX, "vocabulary of"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        fh_sampler *s = NULL;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_sampler_new(a, table[i].vocab, &table[i].options, &s, &err), FH_INVALID);
        fh_assert_err(&err, FH_INVALID, table[i].said);
        assert_null(s);
    }
    fh_sampler *s = sampler_of(a, 8, (fh_sampler_options){0});
    float logits[7] = {0};
    uint32_t token = 9;
    fh_assert_code(fh_sampler_pick(s, (fh_f32s){logits, 7}, (fh_u32s){0}, 0, &token, NULL), FH_INVALID);
    fh_sampler_free(s);
    fh_sampler_free(NULL);
}

static fh_status make_and_pick(fh_allocator *a, void *arg) {
    float *logits = arg;
    fh_sampler *s = NULL;
    uint32_t token = 0;
    FH_TRY(fh_sampler_new(a, 4, &(fh_sampler_options){.temperature = 1}, &s, NULL));
    fh_status status = fh_sampler_pick(s, (fh_f32s){logits, 4}, (fh_u32s){0}, 0, &token, NULL);
    fh_sampler_free(s);
    return status;
}

static void test_no_memory(void **state) {
    float logits[4] = {0};
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), make_and_pick, logits), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_filters),    FH_TEST_ALLOC(test_large),    FH_TEST_ALLOC(test_distribution),
        FH_TEST_ALLOC(test_position),   FH_TEST_ALLOC(test_ties),     FH_TEST_ALLOC(test_penalty),
        FH_TEST_ALLOC(test_not_finite), FH_TEST_ALLOC(test_extremes), FH_TEST_ALLOC(test_refusals),
        FH_TEST_ALLOC(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
