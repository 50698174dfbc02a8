/* test_subscriptions.c: prefixes and their subscribers, against a list that is searched from end to end. */
#include "fh_test.h"

#include <string.h>

#include "proto/subscriptions.h"

enum { PEERS = 12, PREFIX_MAX = 6 };

typedef struct model_row {
    uint32_t peer;
    uint8_t prefix[PREFIX_MAX];
    size_t size, count;
} model_row;

/* RFC 37: "A subscription of "A" SHALL match all messages starting with "A". An empty subscription SHALL match all messages."
 * "Subscriptions SHALL be additive and SHALL NOT be idempotent." */
static void test_37_matching_and_counting(void **state) {
    fh_subscription_index s;
    bool first, last;
    uint32_t found[4];
    fh_u32s out = {found, 4};
    fh_assert_ok(fh_subscription_index_init(&s, fh_test_allocator(state), 100, 1));
    assert_int_equal(fh_subscription_match(&s, FH_LIT("A"), out), 0);
    fh_assert_ok(fh_subscription_add(&s, 3, FH_LIT("A"), &first));
    assert_true(first);
    fh_assert_ok(fh_subscription_add(&s, 3, FH_LIT("A"), &first));
    assert_false(first);
    fh_assert_ok(fh_subscription_add(&s, 7, FH_LIT("A"), &first));
    assert_false(first);
    assert_int_equal(fh_subscription_match(&s, FH_LIT("ABC"), out), 2);
    assert_int_equal(fh_subscription_match(&s, FH_LIT("BA"), out), 0);
    assert_int_equal(fh_subscription_match(&s, FH_LIT(""), out), 0);
    fh_assert_ok(fh_subscription_add(&s, 3, FH_LIT(""), &first));
    assert_int_equal(fh_subscription_match(&s, FH_LIT("ABC"), out), 2); /* each once */
    assert_int_equal(fh_subscription_match(&s, FH_LIT(""), out), 1);
    assert_int_equal(fh_subscription_match(&s, FH_LIT("ABC"), (fh_u32s){found, 1}), 1);
    fh_assert_ok(fh_subscription_cancel(&s, 7, FH_LIT("A"), &last));
    assert_false(last);
    fh_assert_ok(fh_subscription_cancel(&s, 3, FH_LIT(""), &last));
    assert_true(last);
    fh_assert_ok(fh_subscription_cancel(&s, 3, FH_LIT("A"), &last));
    assert_false(last);
    assert_int_equal(fh_subscription_match(&s, FH_LIT("A"), out), 1);
    fh_assert_ok(fh_subscription_cancel(&s, 3, FH_LIT("A"), &last));
    assert_true(last);
    fh_assert_code(fh_subscription_cancel(&s, 3, FH_LIT("A"), &last), FH_NOT_FOUND);
    uint8_t long_one[101] = {0};
    fh_assert_code(fh_subscription_add(&s, 3, (fh_span){long_one, 101}, &first), FH_LIMIT);
    fh_assert_code(fh_subscription_cancel(&s, 3, (fh_span){long_one, 101}, &last), FH_NOT_FOUND);
    fh_assert_code(fh_subscription_add(&s, UINT32_MAX, FH_LIT("A"), &first), FH_LIMIT);
    assert_int_equal(s.live, 0);
    fh_subscription_index_deinit(&s);
}

static size_t random_prefix(fh_test_rng *rng, uint8_t *out) {
    size_t size = fh_test_rng_below(rng, PREFIX_MAX + 1);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)fh_test_rng_below(rng, 2); /* few, so that prefixes of each other are common; 0 counts as a byte */
    return size;
}

static void test_against_list(void **state) {
    static model_row rows[20000];
    size_t used = 0;
    fh_test_rng rng = fh_test_rng_new(5);
    fh_subscription_index s;
    fh_assert_ok(fh_subscription_index_init(&s, fh_test_allocator(state), PREFIX_MAX, 99));
    for (size_t step = 0; step < 20000; step++) {
        uint8_t bytes[PREFIX_MAX];
        size_t size = random_prefix(&rng, bytes), at = 0, others = 0;
        uint32_t peer = (uint32_t)fh_test_rng_below(&rng, PEERS);
        fh_span prefix = {bytes, size};
        for (size_t i = 0; i < used; i++)
            others += rows[i].count != 0 && rows[i].peer != peer &&
                      fh_span_equal((fh_span){rows[i].prefix, rows[i].size}, prefix);
        while (at < used && !(rows[at].peer == peer && fh_span_equal((fh_span){rows[at].prefix, rows[at].size}, prefix)))
            at++;
        bool flag;
        switch (fh_test_rng_below(&rng, 5)) {
        case 0:
        case 1:
            if (at == used) {
                rows[used++] = (model_row){.peer = peer, .size = size};
                memcpy(rows[at].prefix, bytes, size);
            }
            fh_assert_ok(fh_subscription_add(&s, peer, prefix, &flag));
            assert_int_equal(flag, rows[at].count == 0 && others == 0);
            rows[at].count++;
            break;
        case 2:
        case 3:
            fh_assert_code(fh_subscription_cancel(&s, peer, prefix, &flag),
                           at < used && rows[at].count != 0 ? FH_OK : FH_NOT_FOUND);
            if (at < used && rows[at].count != 0)
                assert_int_equal(flag, --rows[at].count == 0 && others == 0);
            break;
        default:
            if (fh_test_rng_below(&rng, 50) == 0) {
                fh_subscription_drop_peer(&s, peer);
                for (size_t i = 0; i < used; i++)
                    rows[i].count = rows[i].peer == peer ? 0 : rows[i].count;
            }
        }
        uint32_t found[PEERS];
        bool wants[PEERS] = {false};
        size_t expected = 0, count;
        for (size_t i = 0; i < used; i++)
            if (rows[i].count != 0 && fh_span_starts(prefix, (fh_span){rows[i].prefix, rows[i].size}))
                wants[rows[i].peer] = true;
        for (size_t i = 0; i < PEERS; i++)
            expected += wants[i];
        count = fh_subscription_match(&s, prefix, (fh_u32s){found, PEERS});
        assert_int_equal(count, expected);
        for (size_t i = 0; i < count; i++) {
            assert_true(wants[found[i]]);
            wants[found[i]] = false;
        }
    }
    fh_subscription_index_deinit(&s);
}

/* Marks start again after 2^32 matches. */
static void test_matches_wrap(void **state) {
    fh_subscription_index s;
    bool first;
    uint32_t found[2];
    fh_assert_ok(fh_subscription_index_init(&s, fh_test_allocator(state), 10, 1));
    fh_assert_ok(fh_subscription_add(&s, 0, FH_LIT("a"), &first));
    s.match = 0;
    assert_int_equal(fh_subscription_match(&s, FH_LIT("a"), (fh_u32s){found, 2}), 1); /* marked with 1 */
    s.match = UINT32_MAX;
    assert_int_equal(fh_subscription_match(&s, FH_LIT("a"), (fh_u32s){found, 2}), 1);
    fh_assert_ok(fh_subscription_add(&s, 1, FH_LIT("b"), &first));
    s.match = UINT32_MAX; /* one that was never found */
    assert_int_equal(fh_subscription_match(&s, FH_LIT("b"), (fh_u32s){found, 2}), 1);
    fh_subscription_index_deinit(&s);
}

static fh_status life(fh_allocator *a, void *arg) {
    (void)arg;
    fh_subscription_index s;
    bool flag;
    FH_TRY(fh_subscription_index_init(&s, a, 20, 1));
    fh_status status = FH_DONE;
    uint32_t found[4];
    for (uint32_t i = 0; i < 40 && !fh_failed(status); i++) {
        uint8_t byte = (uint8_t)i;
        size_t live = s.live;
        status = fh_subscription_add(&s, i % 4, (fh_span){&byte, 1}, &flag);
        assert_int_equal(s.live, live + !fh_failed(status));
        assert_int_equal(fh_subscription_match(&s, (fh_span){&byte, 1}, (fh_u32s){found, 4}), !fh_failed(status));
    }
    fh_subscription_index_deinit(&s);
    return status;
}

static void test_each_allocation_fails(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), life, NULL) > 40);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_37_matching_and_counting),
        FH_TEST_ALLOC(test_against_list),
        FH_TEST_ALLOC(test_matches_wrap),
        FH_TEST_ALLOC(test_each_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
