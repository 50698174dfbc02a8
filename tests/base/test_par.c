/* test_par.c: the serial parallel-for, and shares that cover everything once. */
#include "fh_test.h"

#include "freehold/par.h"

typedef struct record {
    unsigned calls, part, parts;
} record;

static void note(void *arg, unsigned part, unsigned parts) {
    record *r = arg;
    r->calls++;
    r->part = part;
    r->parts = parts;
}

static void never(void *ctx, fh_par_fn *fn, void *arg) {
    (void)ctx;
    (void)fn;
    (void)arg;
    fail();
}

static void twice(void *ctx, fh_par_fn *fn, void *arg) {
    unsigned *runs = ctx;
    ++*runs;
    fn(arg, 0, 2);
    fn(arg, 1, 2);
}

static void test_run(void **state) {
    (void)state;
    record r = {0};
    fh_par_run(NULL, note, &r);
    assert_true(r.calls == 1 && r.part == 0 && r.parts == 1);

    const fh_par one = {NULL, 1, never}, none = {NULL, 0, never};
    fh_par_run(&one, note, &r);
    fh_par_run(&none, note, &r);
    assert_true(r.calls == 3 && r.part == 0 && r.parts == 1);

    unsigned runs = 0;
    const fh_par two = {&runs, 2, twice};
    fh_par_run(&two, note, &r);
    assert_true(runs == 1 && r.calls == 5 && r.part == 1 && r.parts == 2);
}

static void test_share(void **state) {
    (void)state;
    for (size_t count = 0; count < 70; count++)
        for (unsigned parts = 1; parts <= 20; parts++) {
            size_t next = 0;
            for (unsigned part = 0; part < parts; part++) {
                fh_range r = fh_par_share(count, part, parts);
                assert_int_equal(r.from, next);
                assert_true(r.to >= r.from && r.to - r.from <= count / parts + 1 && r.to - r.from >= count / parts);
                next = r.to;
            }
            assert_int_equal(next, count);
        }
    fh_range last = fh_par_share(SIZE_MAX, 255, 256);
    assert_true(last.to == SIZE_MAX && last.to - last.from == SIZE_MAX / 256);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_run), cmocka_unit_test(test_share)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
