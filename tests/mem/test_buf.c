/* test_buf.c: a growing buffer against a model, its limit, and its programmer's errors. */
#include "fh_test.h"

#include <string.h>
#include <sys/wait.h>
#include <wchar.h>

#include "freehold/buf.h"

static void test_put(void **state) {
    fh_buf b;
    fh_buf_init(&b, fh_test_allocator(state), 0);
    assert_true(b.at == NULL && fh_buf_view(&b).size == 0);
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).allocs, 0);
    fh_assert_ok(fh_buf_put(&b, (fh_span){NULL, 0}));
    fh_assert_ok(fh_buf_put(&b, FH_LIT("id=")));
    fh_assert_ok(fh_buf_put_u8(&b, '#'));
    fh_assert_ok(fh_buf_format(&b, "%u/%s", 42u, "x"));
    fh_assert_ok(fh_buf_format(&b, "%s", ""));
    fh_assert_span(fh_buf_view(&b), "id=#42/x");
    fh_buf_truncate(&b, 4);
    fh_assert_span(fh_buf_view(&b), "id=#");
    fh_buf_consume(&b, 0);
    fh_buf_consume(&b, 3);
    fh_assert_span(fh_buf_view(&b), "#");
    fh_buf_consume(&b, 1);
    assert_int_equal(fh_buf_view(&b).size, 0);
    fh_buf_deinit(&b);
    fh_buf_deinit(&b);
    fh_buf_deinit(NULL);
    fh_buf zero = {0};
    fh_buf_deinit(&zero);
}

/* Format lengths around every capacity; the last byte of the text is where the NUL would be cut. */
static void test_format_lengths(void **state) {
    char text[700];
    for (size_t n = 0; n < sizeof text; n += n < 140 ? 1 : 37) {
        fh_buf b;
        memset(text, 'q', n);
        text[n] = '\0';
        fh_buf_init(&b, fh_test_allocator(state), n == 0 ? 0 : n); /* the limit is exactly the text */
        fh_assert_ok(fh_buf_format(&b, "%s", text));
        fh_assert_span(fh_buf_view(&b), text);
        if (n != 0)
            fh_assert_code(fh_buf_format(&b, "%c", 'x'), FH_LIMIT);
        fh_assert_span(fh_buf_view(&b), text);
        fh_buf_deinit(&b);
    }
}

static void test_format_fails(void **state) {
    static const wchar_t unmappable[] = {0x4e2d, 0};
    fh_buf b;
    fh_buf_init(&b, fh_test_allocator(state), 0);
    fh_assert_ok(fh_buf_put(&b, FH_LIT("kept")));
    fh_assert_code(fh_buf_format(&b, "%ls", unmappable), FH_INVALID);
    fh_assert_span(fh_buf_view(&b), "kept");
    fh_buf_deinit(&b);
}

static void test_limit(void **state) {
    fh_buf b;
    fh_buf_init(&b, fh_test_allocator(state), 100);
    for (int i = 0; i < 10; i++)
        fh_assert_ok(fh_buf_put(&b, FH_LIT("0123456789")));
    assert_true(b.capacity == 100);
    fh_assert_code(fh_buf_put_u8(&b, 'x'), FH_LIMIT);
    fh_assert_code(fh_buf_reserve(&b, 1), FH_LIMIT);
    fh_assert_code(fh_buf_reserve(&b, SIZE_MAX), FH_LIMIT);
    fh_assert_ok(fh_buf_reserve(&b, 0));
    assert_int_equal(fh_buf_view(&b).size, 100);
    fh_buf_consume(&b, 50);
    fh_assert_ok(fh_buf_put(&b, FH_LIT("x")));
    fh_buf_deinit(&b);

    fh_buf_init(&b, fh_test_allocator(state), SIZE_MAX);
    fh_assert_code(fh_buf_reserve(&b, SIZE_MAX), FH_LIMIT); /* its end would have no address */
    fh_assert_code(fh_buf_reserve(&b, SIZE_MAX - 1), FH_NOMEM);
    fh_buf_deinit(&b);
}

/* Growing doubles, so n puts cost a constant times n. */
static void test_growth(void **state) {
    fh_buf b;
    fh_buf_init(&b, fh_test_allocator(state), 0);
    for (int i = 0; i < 100000; i++)
        fh_assert_ok(fh_buf_put_u8(&b, (uint8_t)i));
    fh_alloc_stats s = fh_trace_stats(fh_test_trace(state));
    assert_in_range(s.allocs, 5, 16);
    assert_true(s.peak_bytes < 100000 * 4);
    fh_buf_deinit(&b);
}

static void test_against_model(void **state) {
    enum { LIMIT = 3000, STEPS = 30000 };
    static uint8_t model[LIMIT];
    size_t size = 0;
    fh_test_rng rng = fh_test_rng_new(9);
    fh_buf b;
    fh_buf_init(&b, fh_test_allocator(state), LIMIT);
    for (int step = 0; step < STEPS; step++) {
        uint8_t bytes[300];
        size_t n = fh_test_rng_below(&rng, sizeof bytes);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)fh_test_rng_next(&rng);
        switch (fh_test_rng_below(&rng, 6)) {
        case 0:
        case 1:
            fh_assert_code(fh_buf_put(&b, (fh_span){bytes, n}), n <= LIMIT - size ? FH_OK : FH_LIMIT);
            if (n <= LIMIT - size && n > 0) {
                memcpy(model + size, bytes, n);
                size += n;
            }
            break;
        case 2:
            fh_assert_code(fh_buf_format(&b, "%0*d", (int)n + 1, 7), n + 1 <= LIMIT - size ? FH_OK : FH_LIMIT);
            if (n + 1 <= LIMIT - size) {
                memset(model + size, '0', n);
                model[size + n] = '7';
                size += n + 1;
            }
            break;
        case 3:
            n = n < size ? n : size;
            fh_buf_consume(&b, n);
            memmove(model, model + n, size - n);
            size -= n;
            break;
        case 4:
            size -= n < size ? n : size;
            fh_buf_truncate(&b, size);
            break;
        default:
            fh_assert_code(fh_buf_reserve(&b, n), n <= LIMIT - size ? FH_OK : FH_LIMIT);
            break;
        }
        assert_true(fh_span_equal(fh_buf_view(&b), (fh_span){model, size}));
        assert_true(b.size <= b.capacity && b.capacity <= LIMIT);
    }
    fh_buf_deinit(&b);
}

static fh_status body(fh_allocator *a, void *arg) {
    fh_buf b;
    (void)arg;
    fh_buf_init(&b, a, 0);
    fh_status s = fh_buf_put(&b, FH_LIT("0123456789"));
    for (int i = 0; i < 30 && !fh_failed(s); i++) {
        fh_span before = fh_buf_view(&b);
        size_t size = before.size;
        s = fh_buf_format(&b, "%010d", 123);
        if (fh_failed(s) && (fh_buf_view(&b).size != size || !fh_span_starts(fh_buf_view(&b), FH_LIT("0123456789"))))
            s = FH_STATUS(FH_CORRUPT); /* a failure may change nothing */
    }
    fh_buf_deinit(&b);
    return s;
}

static void test_without_memory(void **state) {
    assert_in_range(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL), 3, 5);
}

/* --- programmer's errors ---------------------------------------------------------------------------------------------- */

static void truncate_up(void *arg) {
    fh_buf *b = arg;
    fh_buf_truncate(b, b->size + 1);
}

static void consume_too_much(void *arg) {
    fh_buf *b = arg;
    fh_buf_consume(b, b->size + 1);
}

static void put_itself(void *arg) {
    fh_buf *b = arg;
    fh_status s = fh_buf_put(b, fh_buf_view(b));
    assert_true(fh_failed(s));
}

static void put_part_of_itself(void *arg) {
    fh_buf *b = arg;
    fh_status s = fh_buf_put(b, fh_span_sub(fh_buf_view(b), 3, 1));
    assert_true(fh_failed(s));
}

static void test_errors(void **state) {
    fh_buf b;
    fh_buf_init(&b, fh_test_allocator(state), 0);
    fh_assert_ok(fh_buf_put(&b, FH_LIT("0123")));
    fh_assert_dies(truncate_up, &b, "size_bytes <= b->size");
    fh_assert_dies(consume_too_much, &b, "count <= b->size");
    fh_assert_dies(put_itself, &b, "is_inside");
    fh_assert_dies(put_part_of_itself, &b, "is_inside");
    fh_buf_deinit(&b);
}

static void read_past_size(void *arg) {
    fh_buf *b = arg;
    volatile const uint8_t *at = fh_buf_view(b).at;
    (void)at[b->size];
}

static void read_truncated(void *arg) {
    fh_buf *b = arg;
    volatile const uint8_t *at = fh_buf_view(b).at;
    fh_buf_truncate(b, 2);
    (void)at[2];
}

/* AddressSanitizer sees what is behind the content. */
static void test_poison(void **state) {
#ifndef FH_TEST_ASAN
    (void)state;
    (void)read_past_size;
    (void)read_truncated;
    fh_test_skip("this build has no address sanitizer");
#else
    fh_buf b;
    fh_buf_init(&b, fh_test_allocator(state), 0);
    fh_assert_ok(fh_buf_put(&b, FH_LIT("0123")));
    fh_assert_ok(fh_buf_format(&b, "%d", 45));
    void (*const fns[])(void *) = {read_past_size, read_truncated};
    for (size_t i = 0; i < 2; i++) {
        char said[8192];
        int status = fh_test_child(fns[i], &b, said, sizeof said);
        assert_int_not_equal(status, 0); /* a signal or an exit status, as ASAN_OPTIONS says */
        assert_non_null(strstr(said, "use-after-poison"));
    }
    fh_buf_deinit(&b);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_put),           FH_TEST_ALLOC(test_format_lengths), FH_TEST_ALLOC(test_format_fails),
        FH_TEST_ALLOC(test_limit),         FH_TEST_ALLOC(test_growth),         FH_TEST_ALLOC(test_against_model),
        FH_TEST_ALLOC(test_without_memory), FH_TEST_ALLOC(test_errors),        FH_TEST_ALLOC(test_poison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
