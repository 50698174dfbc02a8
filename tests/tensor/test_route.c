/* test_route.c: the choice of experts: order, ties, weights, refusals.
 *
 * Threading: single. */
#include <math.h>

#include "tensor/device_impl.h"
#include "tensor_test.h"

enum { EXPERTS = 8 };

static fh_status choose(fh_f32s logits, uint32_t top_k, bool renormalise, uint64_t seed, uint32_t *ids, float *weights,
                        fh_err *err) {
    fh_route op = {.top_k = top_k, .layer = 3, .seed = seed, .renormalise = renormalise};
    size_t n = logits.count / EXPERTS;
    op.ids = (fh_u32s){ids, n * top_k};
    op.weights = (fh_f32s){weights, n * top_k};
    return fh_dev_choose(&op, n, EXPERTS, logits, err);
}

static void test_order_and_weights(void **state) {
    (void)state;
    float logits[2 * EXPERTS] = {0.5f, -1, 2, 0, 1.5f, -3, -0.0f, 1, -8, -7, -6, -5, -4, -3, -2, -1};
    uint32_t ids[6];
    float w[6], all[EXPERTS];
    for (unsigned norm = 0; norm < 2; norm++) {
        fh_assert_ok(choose((fh_f32s){logits, 2 * EXPERTS}, 3, norm, 1, ids, w, NULL));
        static const uint32_t expected[] = {2, 4, 7, 7, 6, 5};
        for (unsigned i = 0; i < 6; i++) {
            assert_int_equal(ids[i], expected[i]);
            double sum = 0, chosen = 0;
            for (unsigned e = 0; e < EXPERTS; e++)
                sum += exp((double)logits[i / 3 * EXPERTS + e]);
            for (unsigned r = 0; r < 3; r++)
                chosen += exp((double)logits[i / 3 * EXPERTS + ids[i / 3 * 3 + r]]);
            double exact = exp((double)logits[i / 3 * EXPERTS + ids[i]]) / (norm ? chosen : sum);
            assert_true(fabs((double)w[i] - exact) < 1e-6);
        }
    }
    fh_assert_ok(choose((fh_f32s){logits, EXPERTS}, EXPERTS > 6 ? 6 : EXPERTS, false, 1, ids, all, NULL));
    for (unsigned i = 1; i < 6; i++)
        assert_true(logits[ids[i - 1]] >= logits[ids[i]]);
}

/* Equal logits: the winner changes with the seed, never with the row, and all experts get their turn. */
static void test_ties(void **state) {
    (void)state;
    float logits[3 * EXPERTS] = {0}, w[3];
    unsigned won[EXPERTS] = {0};
    for (uint64_t seed = 0; seed < 400; seed++) {
        uint32_t ids[3];
        fh_assert_ok(choose((fh_f32s){logits, 3 * EXPERTS}, 1, false, seed, ids, w, NULL));
        assert_true(ids[0] == ids[1] && ids[1] == ids[2]);
        won[ids[0]]++;
        assert_true(w[0] == 0.125f);
        uint32_t best = 0;
        uint64_t least = UINT64_MAX;
        for (uint32_t e = 0; e < EXPERTS; e++) { /* the documented key */
            uint64_t key = fh_mix64(fh_mix64(fh_mix64(seed) ^ 3) ^ e);
            best = key < least ? e : best;
            least = key < least ? key : least;
        }
        assert_int_equal(ids[0], best);
    }
    for (unsigned e = 0; e < EXPERTS; e++)
        assert_in_range(won[e], 20, 90);
}

static void test_not_finite(void **state) {
    (void)state;
    static const uint32_t bits[] = {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0x7f800000u, 0xff800000u};
    for (unsigned i = 0; i < 5; i++) {
        float logits[2 * EXPERTS] = {0}, w[4] = {9, 9, 9, 9};
        uint32_t ids[4] = {9, 9, 9, 9};
        fh_err err = {0};
        logits[EXPERTS + 5] = fh_f32_of_bits(bits[i]);
        fh_assert_code(choose((fh_f32s){logits, 2 * EXPERTS}, 2, false, 0, ids, w, &err), FH_ROUTE_NAN);
        fh_assert_err(&err, FH_ROUTE_NAN, "layer 3, row 1, expert 5");
        assert_true(ids[0] == 9 && w[0] == 9);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order_and_weights), cmocka_unit_test(test_ties),
                                       cmocka_unit_test(test_not_finite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
