/* test_flight.c: which waits are refused: those of a circle, and no others. Other threads are played by writing their number.
 * */
#include "fh_test.h"

#include "mem/cache/flight.h"

enum { WORKS = 4 };

static const char works[WORKS];

/* Thread `thread` does work `work`, or waits for it. */
static void put(fh_flights *list, fh_flight *f, uint64_t thread, int work, bool waits) {
    if (waits)
        assert_true(fh_flight_wait(list, f, &works[work]));
    else
        fh_flight_load(list, f, &works[work]);
    f->thread = thread;
}

static void test_own_work(void **state) {
    (void)state;
    fh_flights list = {0};
    fh_flight mine, inner, wait;
    assert_true(fh_flight_wait(&list, &wait, &works[0])); /* nobody does it any more */
    fh_flight_end(&list, &wait);
    fh_flight_load(&list, &mine, &works[0]);
    assert_false(fh_flight_wait(&list, &wait, &works[0]));
    fh_flight_load(&list, &inner, &works[1]);
    assert_false(fh_flight_wait(&list, &wait, &works[0]));
    assert_false(fh_flight_wait(&list, &wait, &works[1]));
    fh_flight_end(&list, &mine); /* from the middle of the list */
    assert_true(fh_flight_wait(&list, &wait, &works[0]));
    fh_flight_end(&list, &wait);
    fh_flight_end(&list, &inner);
    assert_null(list.first);
}

/* Thread 1 does 0 and waits for 1, which thread 2 does, who waits for 2, which this thread does. */
static void test_circle_of_three(void **state) {
    (void)state;
    fh_flights list = {0};
    fh_flight f[6], wait;
    put(&list, &f[0], 1, 0, false);
    put(&list, &f[1], 2, 1, false);
    put(&list, &f[2], 1, 1, true);
    assert_true(fh_flight_wait(&list, &wait, &works[0])); /* no circle yet */
    fh_flight_end(&list, &wait);
    put(&list, &f[3], 3, 2, false);
    put(&list, &f[4], 2, 2, true);
    assert_true(fh_flight_wait(&list, &wait, &works[0]));
    fh_flight_end(&list, &wait);
    f[3].thread = fh_thread_self();
    assert_false(fh_flight_wait(&list, &wait, &works[0]));
    assert_false(fh_flight_wait(&list, &wait, &works[1]));
    assert_false(fh_flight_wait(&list, &wait, &works[2]));
    assert_true(fh_flight_wait(&list, &wait, &works[3])); /* another matter */
    fh_flight_end(&list, &wait);
    for (size_t i = 0; i < 5; i++)
        fh_flight_end(&list, &f[i]);
    assert_null(list.first);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_own_work), cmocka_unit_test(test_circle_of_three)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
