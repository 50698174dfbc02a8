/* test_best.c: the k best of many, against sorting all of them. */
#include "fh_test.h"

#include <stdlib.h>

#include "index/best.h"

enum { MANY = 200 };

static int order(const void *a, const void *b) {
    const fh_hit *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score ? -1 : 1) : x->id < y->id ? -1 : x->id > y->id;
}

static bool accepts_odd(void *ctx, uint64_t id) {
    ++*(size_t *)ctx;
    return id % 2 == 1;
}

static void test_against_sorting(void **state) {
    fh_test_rng rng = fh_test_rng_new(5);
    (void)state;
    for (int round = 0; round < 400; round++) {
        size_t count = fh_test_rng_below(&rng, MANY + 1), k = fh_test_rng_below(&rng, 40), left = 0, asked = 0;
        bool filters = round % 2 != 0;
        fh_hit all[MANY], room[40];
        const fh_hit_filter odd = {accepts_odd, &asked};
        fh_best best = {{room, k}, 0, filters ? &odd : NULL};
        for (size_t i = 0; i < count; i++) {
            fh_hit one = {fh_test_rng_next(&rng), (float)fh_test_rng_below(&rng, 30)};
            if (one.score > 25)
                one.score = __builtin_inff();
            fh_best_offer(&best, one.id, one.score);
            assert_true(best.count < k || k == 0 || fh_best_bound(&best) == room[0].score);
            if (!filters || one.id % 2 == 1)
                all[left++] = one;
        }
        qsort(all, left, sizeof all[0], order);
        fh_best_sort(&best);
        assert_int_equal(best.count, left < k ? left : k);
        for (size_t i = 0; i < best.count; i++)
            assert_true(room[i].id == all[i].id && room[i].score == all[i].score);
        assert_true(asked <= count);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_sorting)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
