/* test_mailbox.c: what is told is found, once; who sleeps is woken (mailbox.h). */
#include <pthread.h>

#include "fh_test.h"
#include "freehold/atomic.h"
#include "sock/mailbox.h"

static void test_found_once(void **state) {
    (void)state;
    fh_mailbox box = {0};
    uint32_t n;
    bool told[FH_MAILBOX_NUMBERS] = {0};
    fh_test_rng rng = fh_test_rng_new(3);
    assert_false(fh_mailbox_next(&box, &n));
    for (int lot = 0; lot < 100; lot++) {
        for (uint64_t i = fh_test_rng_below(&rng, 200); i != 0; i--) {
            n = (uint32_t)fh_test_rng_below(&rng, FH_MAILBOX_NUMBERS);
            told[n] = true;
            assert_false(fh_mailbox_tell(&box, n));
        }
        while (fh_mailbox_next(&box, &n)) {
            assert_true(told[n]);
            told[n] = false;
        }
        for (n = 0; n < FH_MAILBOX_NUMBERS; n++)
            assert_false(told[n]);
    }
}

static void test_watched(void **state) {
    (void)state;
    fh_mailbox box = {0};
    fh_mailbox_watch(&box, true);
    assert_true(fh_mailbox_tell(&box, 1));
    assert_true(fh_mailbox_wake(&box));
    fh_mailbox_watch(&box, false);
    assert_false(fh_mailbox_tell(&box, 1));
}

/* What was told since `seen` is not slept through, and a time that is over ends the sleep. */
static void test_wait(void **state) {
    (void)state;
    fh_mailbox box = {0};
    uint32_t seen = fh_mailbox_seen(&box);
    assert_false(fh_mailbox_wake(&box));
    fh_mailbox_wait(&box, seen, UINT64_MAX); /* returns */
    fh_mailbox_wait(&box, fh_mailbox_seen(&box), 1000000);
    assert_false(fh_mailbox_wake(&box));
    assert_int_equal(fh_mailbox_seen(&box) % 4, 0); /* who wakes takes the mark away */
}

typedef struct tellers {
    fh_mailbox box;
    uint64_t sent[8], rounds;
} tellers;

static void *tell(void *arg) {
    tellers *t = arg;
    for (uint64_t i = 0; i < t->rounds; i++) {
        (void)fh_fetch_add(&t->sent[i % 8], 1, FH_RELAXED);
        (void)!fh_mailbox_tell(&t->box, (uint32_t)(i % 8) * 500);
    }
    return NULL;
}

/* Two tell, one sleeps and looks: what was counted before a tell is seen after it, and the last tell wakes. */
static void test_threads(void **state) {
    (void)state;
    static tellers t;
    pthread_t ids[2];
    t.rounds = fh_test_ops() / 50;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, tell, &t), 0);
    uint64_t seen_sums[8] = {0}, total = 0;
    while (total < 2 * t.rounds) {
        uint32_t seen = fh_mailbox_seen(&t.box), n;
        bool found = false;
        for (; fh_mailbox_next(&t.box, &n); found = true) {
            uint64_t now = fh_load(&t.sent[n / 500], FH_RELAXED);
            assert_true(now >= seen_sums[n / 500]);
            total += now - seen_sums[n / 500];
            seen_sums[n / 500] = now;
        }
        if (!found && total < 2 * t.rounds)
            fh_mailbox_wait(&t.box, seen, UINT64_MAX);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(ids[i], NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_found_once), cmocka_unit_test(test_watched),
                                       cmocka_unit_test(test_wait), cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
