/* test_bytes.c: counted bytes: one release, whoever drops last. Runs under ThreadSanitizer. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "freehold/bytes.h"
#include "mem/count.h"

static void count_release(void *ctx) {
    ++*(int *)ctx;
}

static void test_copy(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    uint8_t source[100];
    memset(source, 5, sizeof source);
    fh_bytes b;
    fh_assert_ok(fh_bytes_copy(a, (fh_span){source, 100}, &b));
    memset(source, 6, sizeof source); /* the copy is its own */
    assert_int_equal(b.span.size, 100);
    assert_int_equal((uintptr_t)b.span.at % FH_ALLOC_ALIGN, 0);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(fh_span_at(b.span, i), 5);
    fh_bytes_drop(&b);
    assert_true(b.owner == NULL && b.span.at == NULL && b.span.size == 0);
    fh_bytes_drop(&b); /* empty: nothing */
    fh_bytes_drop(NULL);
}

static void test_empty(void **state) {
    fh_bytes b = {(fh_bytes_owner *)state, {NULL, 3}}, part;
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), (fh_span){NULL, 0}, &b));
    assert_true(b.owner == NULL && b.span.size == 0);
    fh_bytes other = fh_bytes_share(b);
    assert_true(other.owner == NULL && other.span.size == 0);
    fh_assert_ok(fh_bytes_slice(b, 0, 0, &part));
    fh_assert_code(fh_bytes_slice(b, 0, 1, &part), FH_INVALID);
    fh_bytes_drop(&other);
    fh_bytes_drop(&part);
    fh_bytes_drop(&b);
}

/* Any order of drops releases once, at the last. */
static void test_release_at_last_drop(void **state) {
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < 6; i++) {
        int released = 0;
        fh_bytes b[3];
        fh_assert_ok(fh_bytes_wrap(fh_test_allocator(state), FH_LIT("0123456789"), count_release, &released, &b[0]));
        b[1] = fh_bytes_share(b[0]);
        fh_assert_ok(fh_bytes_slice(b[1], 2, 3, &b[2]));
        fh_assert_span(b[2].span, "234");
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(released, 0);
            fh_bytes_drop(&b[orders[i][k]]);
        }
        assert_int_equal(released, 1);
    }
}

static void test_wrap(void **state) {
    int released = 0;
    fh_bytes b;
    fh_assert_ok(fh_bytes_wrap(fh_test_allocator(state), (fh_span){NULL, 0}, count_release, &released, &b));
    fh_bytes_drop(&b); /* empty, but somebody waits for the release */
    assert_int_equal(released, 1);
    fh_assert_ok(fh_bytes_wrap(fh_test_allocator(state), FH_LIT("x"), NULL, NULL, &b)); /* nobody waits */
    fh_bytes_drop(&b);
}

static void test_slice(void **state) {
    fh_bytes b, part, part_of_part;
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), FH_LIT("0123456789"), &b));
    fh_assert_ok(fh_bytes_slice(b, 4, 6, &part));
    fh_assert_span(part.span, "456789");
    fh_assert_ok(fh_bytes_slice(part, 2, 2, &part_of_part));
    fh_assert_span(part_of_part.span, "67");
    fh_bytes_drop(&part_of_part);
    fh_assert_ok(fh_bytes_slice(part, 6, 0, &part_of_part));
    assert_true(part_of_part.span.size == 0 && part_of_part.owner == NULL); /* an empty part holds nothing */

    static const size_t bad[][2] = {{7, 0}, {0, 7}, {6, 1}, {SIZE_MAX, 1}, {1, SIZE_MAX}, {SIZE_MAX, SIZE_MAX}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        part_of_part = part;
        fh_assert_code(fh_bytes_slice(part, bad[i][0], bad[i][1], &part_of_part), FH_INVALID); /* never past the part */
        assert_true(part_of_part.owner == NULL && part_of_part.span.at == NULL);
    }
    fh_bytes_drop(&b);
    fh_assert_span(part.span, "456789"); /* lives on */
    fh_bytes_drop(&part);
}

static void test_split(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (size_t at = 0; at <= 6; at++) {
        int released = 0;
        fh_bytes b, other;
        fh_assert_ok(fh_bytes_wrap(a, FH_LIT("abcdef"), count_release, &released, &b));
        fh_assert_ok(fh_bytes_split_to(&b, at, &other));
        assert_true(fh_span_equal(other.span, fh_span_sub(FH_LIT("abcdef"), 0, at)));
        assert_true(fh_span_equal(b.span, fh_span_from(FH_LIT("abcdef"), at)));
        assert_true((other.owner == NULL) == (at == 0) && (b.owner == NULL) == (at == 6));
        fh_bytes_drop(at % 2 ? &b : &other);
        fh_bytes_drop(&b);
        fh_bytes_drop(&other);
        assert_int_equal(released, 1);

        fh_assert_ok(fh_bytes_copy(a, FH_LIT("abcdef"), &b));
        fh_assert_ok(fh_bytes_split_off(&b, at, &other));
        assert_true(fh_span_equal(b.span, fh_span_sub(FH_LIT("abcdef"), 0, at)));
        assert_true(fh_span_equal(other.span, fh_span_from(FH_LIT("abcdef"), at)));
        fh_bytes_drop(&b);
        fh_bytes_drop(&other);
    }
    fh_bytes b, other = {NULL, FH_LIT("x")};
    fh_assert_ok(fh_bytes_copy(a, FH_LIT("abcdef"), &b));
    fh_assert_code(fh_bytes_split_to(&b, 7, &other), FH_INVALID);
    assert_true(other.span.at == NULL);
    fh_assert_code(fh_bytes_split_off(&b, SIZE_MAX, &other), FH_INVALID);
    assert_true(other.span.at == NULL);
    fh_assert_span(b.span, "abcdef");
    fh_bytes_drop(&b);
    fh_assert_code(fh_bytes_split_to(&b, 1, &other), FH_INVALID);
    fh_assert_ok(fh_bytes_split_to(&b, 0, &other));
}

static void test_equal(void **state) {
    fh_bytes a, b, none = {0}, constant = {NULL, FH_LIT("text")};
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), FH_LIT("text"), &a));
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), FH_LIT("test"), &b));
    assert_true(fh_bytes_equal(a, a) && fh_bytes_equal(a, constant) && fh_bytes_equal(none, none));
    assert_false(fh_bytes_equal(a, b) || fh_bytes_equal(a, none));
    fh_bytes more = fh_bytes_share(constant); /* nothing to count */
    assert_true(more.owner == NULL && more.span.at == constant.span.at);
    fh_bytes_drop(&more);
    fh_bytes_drop(&a);
    fh_bytes_drop(&b);
}

/* --- the count ------------------------------------------------------------------------------------------------------------ */

static void retain_ended(void *arg) {
    fh_count_retain(arg, 0);
}
static void release_one(void *arg) {
    (void)fh_count_release(arg, 0);
}
static void release_heavy(void *arg) {
    (void)fh_count_release(arg, 101);
}

static void test_count(void **state) {
    uint64_t word;
    (void)state;
    fh_count_init(&word, 100);
    assert_true(fh_count_refs(word) == 1 && fh_count_weight(word) == 100);
    fh_count_retain(&word, FH_COUNT_WEIGHT_MAX);
    assert_true(fh_count_refs(word) == 2 && fh_count_weight(word) == 100 + FH_COUNT_WEIGHT_MAX);
    assert_false(fh_count_release(&word, FH_COUNT_WEIGHT_MAX));
    fh_assert_dies(release_heavy, &word, "fh_count_weight(before) >= weight"); /* it would take a reference along */
    assert_true(fh_count_release(&word, 100));
    assert_int_equal(word, 0);
    fh_assert_dies(release_one, &word, "fh_count_refs(before) != 0");
    fh_assert_dies(retain_ended, &word, "fh_count_refs(before) != 0");

    /* The most references, each as heavy as can be, do not touch each other's half. */
    word = FH_COUNT_REFS_MAX * (FH_COUNT_ONE + FH_COUNT_WEIGHT_MAX);
    assert_true(fh_count_refs(word) == FH_COUNT_REFS_MAX);
    assert_true(fh_count_weight(word) == (uint64_t)FH_COUNT_REFS_MAX * FH_COUNT_WEIGHT_MAX);
    fh_assert_dies(retain_ended, &word, "FH_COUNT_REFS_MAX");
    assert_false(fh_count_release(&word, FH_COUNT_WEIGHT_MAX));
    fh_count_retain(&word, FH_COUNT_WEIGHT_MAX);
}

static fh_status body(fh_allocator *a, void *arg) {
    int *released = arg;
    fh_bytes x, y, z;
    *released = 0;
    FH_TRY(fh_bytes_copy(a, FH_LIT("abc"), &x));
    fh_status s = fh_bytes_wrap(a, FH_LIT("def"), count_release, released, &y);
    if (fh_failed(s) && *released != 0)
        s = FH_STATUS(FH_CORRUPT); /* a failed wrap leaves the bytes to the caller */
    z = fh_bytes_share(x);
    fh_bytes_drop(&x);
    fh_bytes_drop(&y);
    fh_bytes_drop(&z);
    return s;
}

static void test_without_memory(void **state) {
    int released = 0;
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, &released), 2);
    assert_int_equal(released, 1);
    fh_bytes b = {(fh_bytes_owner *)state, FH_LIT("x")};
    fh_trace_fail_at(fh_test_trace(state), 1);
    fh_assert_code(fh_bytes_copy(fh_test_allocator(state), FH_LIT("abc"), &b), FH_NOMEM);
    assert_true(b.owner == NULL && b.span.at == NULL && b.span.size == 0);
}

/* --- threads ---------------------------------------------------------------------------------------------------------- */

enum { THREADS = 4 };

/* Each thread shares, slices and drops its own reference; the wrapped block is freed by whoever is last. */
static void *use(void *arg) {
    fh_bytes *mine = arg;
    uint64_t sum = 0;
    for (size_t i = 0; i < 2000; i++) {
        fh_bytes more = fh_bytes_share(*mine), part;
        if (fh_failed(fh_bytes_slice(more, i % 60, 4, &part)))
            return NULL;
        fh_bytes_drop(&more);
        sum += fh_span_at(part.span, i % 4);
        fh_bytes_drop(&part);
    }
    fh_bytes_drop(mine);
    return sum == 2000 * 3 ? arg : NULL;
}

static void free_block(void *ctx) {
    memset(ctx, 0, 64); /* a read that is not ordered before this is a race */
    free(ctx);
}

static void test_threads(void **state) {
    for (int round = 0; round < 20; round++) {
        uint8_t *block = malloc(64);
        assert_non_null(block);
        memset(block, 3, 64);
        fh_bytes refs[THREADS];
        pthread_t threads[THREADS];
        fh_assert_ok(fh_bytes_wrap(fh_test_allocator(state), (fh_span){block, 64}, free_block, block, &refs[0]));
        for (size_t i = 1; i < THREADS; i++)
            refs[i] = fh_bytes_share(refs[0]);
        for (size_t i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, use, &refs[i]), 0);
        for (size_t i = 0; i < THREADS; i++) {
            void *ok = NULL;
            assert_int_equal(pthread_join(threads[i], &ok), 0);
            assert_non_null(ok);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_copy),  FH_TEST_ALLOC(test_empty),          FH_TEST_ALLOC(test_release_at_last_drop),
        FH_TEST_ALLOC(test_wrap),  FH_TEST_ALLOC(test_slice),          FH_TEST_ALLOC(test_split),
        FH_TEST_ALLOC(test_equal), FH_TEST_ALLOC(test_count),          FH_TEST_ALLOC(test_without_memory),
        FH_TEST_ALLOC(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
