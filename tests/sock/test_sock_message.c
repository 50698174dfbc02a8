/* test_sock_message.c: parts of a message against an array of them (sock_message.h). */
#include "fh_test.h"
#include "freehold/sock_message.h"

enum { MODEL_MAX = 12 };

static fh_bytes one(fh_allocator *a, uint8_t value) {
    fh_bytes b;
    fh_assert_ok(fh_bytes_copy(a, (fh_span){&value, 1}, &b));
    return b;
}

static void same(const fh_message *m, const uint8_t *model, size_t count) {
    assert_int_equal(fh_message_count(m), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fh_span_at(fh_message_view(m, i), 0), model[i]);
}

static void test_against_array(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_test_rng rng = fh_test_rng_new(1);
    fh_message m = {0};
    uint8_t model[MODEL_MAX + 1] = {0};
    size_t count = 0;
    for (uint64_t n = 0; n < fh_test_ops() / 50; n++) {
        uint8_t value = (uint8_t)n;
        uint64_t what = fh_test_rng_below(&rng, 5);
        if (what < 2 && count < MODEL_MAX) {
            size_t at = what == 0 ? count : (size_t)fh_test_rng_below(&rng, count + 1);
            fh_bytes b = one(a, value);
            fh_assert_ok(what == 0 ? fh_message_push(&m, a, &b) : fh_message_insert(&m, a, at, &b));
            assert_null(b.owner);
            for (size_t i = count++; i > at; i--)
                model[i] = model[i - 1];
            model[at] = value;
        } else if (what == 2) {
            fh_bytes b = fh_message_shift(&m);
            assert_int_equal(b.span.size, count != 0);
            fh_bytes_drop(&b);
            for (size_t i = 1; i < count; i++)
                model[i - 1] = model[i];
            count -= count != 0;
        } else if (what == 3) {
            fh_message other;
            fh_message_take(&m, &other);
            same(&m, model, 0);
            m = other;
        } else {
            fh_message other;
            fh_assert_ok(fh_message_share(&m, a, &other));
            same(&other, model, count);
            fh_message_drop(&other, a);
        }
        same(&m, model, count);
    }
    fh_message_clear(&m, a);
    same(&m, model, 0);
    fh_message_drop(&m, a);
}

static void view_beyond(void *arg) {
    (void)fh_message_view(arg, 1);
}

static void test_refusals(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_message m = {0};
    fh_bytes b = one(a, 7), left = {NULL, {NULL, 0}};
    fh_assert_code(fh_message_insert(&m, a, 1, &b), FH_INVALID);
    fh_assert_code(fh_message_reserve(&m, a, FH_MESSAGE_PARTS_MAX + 1), FH_LIMIT);
    fh_assert_ok(fh_message_reserve(&m, a, FH_MESSAGE_PARTS_MAX));
    fh_assert_ok(fh_message_push(&m, a, &b));
    fh_assert_code(fh_message_reserve(&m, a, FH_MESSAGE_PARTS_MAX), FH_LIMIT);
    fh_assert_dies(view_beyond, &m, "i < m->count");
    for (size_t i = 1; i < FH_MESSAGE_PARTS_MAX; i++)
        fh_assert_ok(fh_message_push(&m, a, &left));
    fh_assert_code(fh_message_push(&m, a, &left), FH_LIMIT);
    fh_message_drop(&m, a);
    fh_assert_ok(fh_message_push_copy(&m, a, FH_LIT("a")));
    fh_bytes part = fh_message_part(&m, 0);
    fh_message_drop(&m, a);
    fh_assert_span(part.span, "a"); /* counted */
    fh_bytes_drop(&part);
}

static fh_status body(fh_allocator *a, void *arg) {
    (void)arg;
    fh_message m = {0}, other = {0};
    fh_status s = FH_DONE;
    for (int i = 0; i < 6 && !fh_failed(s); i++)
        s = fh_message_push_copy(&m, a, FH_LIT("part"));
    if (!fh_failed(s))
        s = fh_message_share(&m, a, &other);
    fh_message_drop(&m, a);
    fh_message_drop(&other, a);
    return s;
}

static void test_each_allocation_fails(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL) > 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_against_array), FH_TEST_ALLOC(test_refusals),
                                       FH_TEST_ALLOC(test_each_allocation_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
