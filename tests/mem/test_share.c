/* test_share.c: handles are counted, from one to the last, on any threads. */
#include "freehold/share.h"

#include <pthread.h>
#include <stdlib.h>

#include "support/fh_test.h"

typedef struct thing {
    fh_handles handles;
    uint64_t used;
} thing;

static void test_count(void **state) {
    (void)state;
    thing t;
    fh_handles_init(&t.handles);
    assert_ptr_equal(fh_handles_share(&t.handles, &t), &t);
    assert_ptr_equal(fh_handles_share(&t.handles, &t), &t);
    assert_false(fh_handles_end(&t.handles));
    assert_false(fh_handles_end(&t.handles));
    assert_true(fh_handles_end(&t.handles));
}

static void end_twice(void *arg) {
    thing *t = arg;
    fh_handles_init(&t->handles);
    if (fh_handles_end(&t->handles))
        t->used = fh_handles_end(&t->handles);
}

static void share_after_end(void *arg) {
    thing *t = arg;
    fh_handles_init(&t->handles);
    if (fh_handles_end(&t->handles))
        (void)fh_handles_share(&t->handles, t);
}

static void test_misuse(void **state) {
    (void)state;
    thing t;
    fh_assert_dies(end_twice, &t, "before != 0");
    fh_assert_dies(share_after_end, &t, "before != 0");
}

/* Takes and ends handles; the last one frees what was written before. */
static void *use(void *arg) {
    thing *t = arg;
    for (size_t i = 0; i < 1000; i++) {
        thing *mine = fh_handles_share(&t->handles, t);
        if (fh_handles_end(&mine->handles))
            abort();
    }
    if (fh_handles_end(&t->handles))
        t->used = 0; /* ThreadSanitizer: after all that others did */
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    thing t = {.used = 1};
    pthread_t threads[4];
    fh_handles_init(&t.handles);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, fh_handles_share(&t.handles, &t)), 0);
    if (fh_handles_end(&t.handles))
        t.used = 0;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(t.used, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_count), cmocka_unit_test(test_misuse),
                                       cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
