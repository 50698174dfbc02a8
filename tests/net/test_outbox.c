/* test_outbox.c: a row of pieces against one long text: whatever is cut off the front, the rest is what it was. */
#include "fh_test.h"

#include "net/outbox.h"

static fh_bytes some(fh_allocator *a, uint64_t from, size_t size) {
    uint8_t text[64];
    fh_bytes out;
    assert_true(size <= sizeof text);
    for (size_t i = 0; i < size; i++)
        text[i] = (uint8_t)fh_mix64(from + i);
    fh_assert_ok(fh_bytes_copy(a, (fh_span){text, size}, &out));
    return out;
}

static void expect(const fh_outbox *o, uint64_t from, uint64_t to) {
    uint64_t at = from;
    assert_int_equal(o->bytes, to - from);
    for (size_t i = 0; i < o->count; i++) {
        fh_span piece = fh_outbox_view(o, i);
        assert_true(piece.size != 0);
        for (size_t k = 0; k < piece.size; k++)
            assert_int_equal(piece.at[k], (uint8_t)fh_mix64(at++));
    }
    assert_true(at == to);
}

static void test_random(void **state) {
    fh_test_rng rng = fh_test_rng_new(5);
    fh_outbox o;
    uint64_t from = 0, to = 0;
    fh_outbox_init(&o, fh_test_allocator(state));
    for (uint64_t i = fh_test_ops() / 200; i > 0; i--) {
        uint64_t what = fh_test_rng_below(&rng, 4);
        if (what < 2 && o.count < 40) {
            size_t size = (size_t)fh_test_rng_below(&rng, 65); /* sometimes empty */
            fh_assert_ok(fh_outbox_reserve(&o));
            fh_outbox_push(&o, some(fh_test_allocator(state), to, size));
            to += size;
        } else if (what == 2) {
            uint64_t n = fh_test_rng_below(&rng, o.bytes + 1);
            fh_outbox_advance(&o, n);
            from += n;
        } else if (o.count != 0) {
            size_t n = 1 + (size_t)fh_test_rng_below(&rng, 64), first = fh_outbox_view(&o, 0).size;
            fh_bytes shared = fh_outbox_share(&o, n), taken = fh_outbox_take(&o, n);
            assert_int_equal(taken.span.size, n < first ? n : first);
            assert_true(fh_bytes_equal(shared, taken));
            from += taken.span.size;
            fh_bytes_drop(&shared);
            fh_bytes_drop(&taken);
        }
        expect(&o, from, to);
    }
    fh_outbox_deinit(&o); /* with what is in it */
}

static fh_status push_some(fh_allocator *a, void *arg) {
    fh_outbox o;
    fh_status s = FH_DONE;
    (void)arg;
    fh_outbox_init(&o, a);
    for (uint64_t i = 0; i < 20 && !fh_failed(s); i++) {
        s = fh_outbox_reserve(&o);
        if (!fh_failed(s))
            fh_outbox_push(&o, (fh_bytes){NULL, FH_LIT("piece")});
        assert_int_equal(o.bytes, 5 * (i + !fh_failed(s)));
    }
    fh_outbox_deinit(&o);
    return s;
}

static void test_without_memory(void **state) {
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), push_some, NULL), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_random), FH_TEST_ALLOC(test_without_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
