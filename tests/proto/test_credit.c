/* test_credit.c: high-water marks: never more under way than the mark, and the writer is told in time. */
#include "fh_test.h"

#include "proto/credit.h"

/* A writer and a reader with what is under way between them; the tellings arrive late. */
static void test_never_more_than_the_mark(void **state) {
    (void)state;
    static const uint64_t marks[] = {1, 2, 3, 10, 1000};
    for (size_t k = 0; k < sizeof marks / sizeof *marks; k++) {
        fh_test_rng rng = fh_test_rng_new(k);
        fh_credit writer = {.mark = marks[k]};
        fh_debit reader = {.mark = marks[k]};
        uint64_t told = 0, tellings = 0;
        for (size_t step = 0; step < 20000; step++) {
            switch (fh_test_rng_below(&rng, 3)) {
            case 0:
                if (fh_credit_open(&writer))
                    fh_credit_spend(&writer);
                break;
            case 1:
                if (reader.read < writer.written && fh_debit_read(&reader)) {
                    told = reader.told;
                    tellings++;
                }
                break;
            default:
                (void)fh_credit_told(&writer, told);
            }
            assert_true(writer.written - reader.read <= marks[k]);
        }
        assert_true(tellings <= reader.read / ((marks[k] + 1) / 2));
        while (reader.read < writer.written) /* when all is read and told, the way is open */
            if (fh_debit_read(&reader))
                (void)fh_credit_told(&writer, reader.told);
        assert_true(fh_credit_open(&writer));
    }
}

static void test_edges(void **state) {
    (void)state;
    fh_credit none = {.mark = 0}, c = {.mark = 2};
    for (size_t i = 0; i < 10000; i++)
        fh_credit_spend(&none);
    assert_true(fh_credit_open(&none));
    fh_credit_spend(&c);
    fh_credit_spend(&c);
    assert_false(fh_credit_open(&c));
    assert_false(fh_credit_told(&c, 3)); /* more than was written */
    assert_false(fh_credit_open(&c));
    assert_true(fh_credit_told(&c, 1));
    assert_false(fh_credit_told(&c, 0)); /* less than before */
    assert_int_equal(c.told, 1);
    fh_credit_change(&c, 1);
    assert_false(fh_credit_open(&c));
    fh_credit_change(&c, 0);
    assert_true(fh_credit_open(&c));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_never_more_than_the_mark), cmocka_unit_test(test_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
