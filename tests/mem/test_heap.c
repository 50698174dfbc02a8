/* test_heap.c: the allocator interface, the heap and arrays on it. Runs under ThreadSanitizer. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "freehold/os.h"

static const size_t sizes[] = {1, 7, 63, 64, 65, 4032, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 4 << 20, (5 << 20) + 3};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* Aligned, zero, writable from the first to the last byte. */
static void test_blocks(void **state) {
    (void)state;
    fh_alloc_stats before = fh_heap_stats();
    uint8_t *blocks[SIZES];
    uint64_t total = 0;
    for (int round = 0; round < 3; round++) { /* later rounds meet memory that was used before */
        for (size_t i = 0; i < SIZES; i++) {
            blocks[i] = fh_alloc(fh_heap(), 1, sizes[i]);
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)blocks[i] % FH_ALLOC_ALIGN, 0);
            for (size_t k = 0; k < sizes[i]; k++)
                assert_true(blocks[i][k] == 0);
            memset(blocks[i], 0xff, sizes[i]);
            total += round == 0 ? sizes[i] : 0;
        }
        fh_alloc_stats now = fh_heap_stats();
        assert_true(now.live - before.live == SIZES && now.live_bytes - before.live_bytes == total);
        assert_true(now.peak_bytes >= now.live_bytes);
        for (size_t i = 0; i < SIZES; i++)
            fh_free(fh_heap(), blocks[i]);
    }
    fh_alloc_stats after = fh_heap_stats();
    assert_true(after.live == before.live && after.live_bytes == before.live_bytes);
    assert_true(after.allocs - before.allocs == 3 * SIZES && after.failures == before.failures);
    assert_true(after.peak_bytes >= before.live_bytes + total);
    fh_free(fh_heap(), NULL);
}

static void test_refused(void **state) {
    (void)state;
    fh_alloc_stats before = fh_heap_stats();
    assert_null(fh_alloc(fh_heap(), 0, 8));
    assert_null(fh_alloc(fh_heap(), 8, 0));
    assert_null(fh_alloc(fh_heap(), SIZE_MAX / 2 + 1, 2));
    assert_null(fh_alloc(fh_heap(), SIZE_MAX, SIZE_MAX));
    assert_true(fh_heap_stats().failures == before.failures); /* these did not reach the heap */
    assert_null(fh_alloc(fh_heap(), 1, SIZE_MAX));            /* with its header more than SIZE_MAX */
    assert_null(fh_alloc(fh_heap(), 1, SIZE_MAX - 64));
    assert_null(fh_alloc(fh_heap(), 1, SIZE_MAX / 2 - 8192)); /* more than there is */
    fh_alloc_stats after = fh_heap_stats();
    assert_true(after.failures == before.failures + 3 && after.live == before.live && after.allocs == before.allocs);
}

/* A large block leaves the process when it is freed; the peak of the process stays near one block. */
static void test_large_blocks_go_back(void **state) {
    (void)state;
    enum { SIZE = 32 << 20, ROUNDS = 20 };
    uint64_t before = fh_os_memory_peak();
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t *block = fh_alloc(fh_heap(), 1, SIZE);
        assert_non_null(block);
        memset(block, 1, SIZE);
        fh_free(fh_heap(), block);
    }
    assert_true(fh_os_memory_peak() - before < 4 * (uint64_t)SIZE);
}

static void test_arrays(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_f32s f = {(float *)&a, 9};
    fh_assert_ok(fh_f32s_new(a, 0, &f));
    assert_true(f.at == NULL && f.count == 0);
    fh_assert_ok(fh_f32s_new(a, 1000, &f));
    for (size_t i = 0; i < 1000; i++)
        assert_true(fh_f32s_get(f, i) == 0);
    fh_f32s_free(a, &f);
    assert_true(f.at == NULL && f.count == 0);
    fh_f32s_free(a, &f);

    fh_u64s u = {(uint64_t *)&a, 9};
    fh_assert_code(fh_u64s_new(a, SIZE_MAX / 4, &u), FH_NOMEM);
    assert_true(u.at == NULL && u.count == 0);
}

/* Arrays that lie in bytes of somebody else: whole elements, aligned. */
static void test_lent(void **state) {
    (void)state;
    uint64_t room[3] = {1, UINT64_C(2) << 32 | 7, 3};
    fh_span bytes = fh_span_of_mut(fh_u64s_bytes((fh_u64s){room, 3}));
    fh_u64s whole = {room, 9};
    fh_u32s halves;
    assert_true(fh_u64s_lent(bytes, &whole) && whole.at == room && whole.count == 3);
    fh_u64s_return(&whole);
    assert_true(whole.at == NULL && whole.count == 0);
    assert_true(fh_u32s_lent(fh_span_sub(bytes, 4, 12), &halves) && halves.count == 3);
    assert_int_equal(fh_u32s_get(halves, 2), 2);
    fh_u32s_return(&halves);
    assert_false(fh_u64s_lent(fh_span_sub(bytes, 4, 16), &whole));
    assert_true(whole.at == NULL && whole.count == 0);
    assert_false(fh_u64s_lent(fh_span_sub(bytes, 0, 12), &whole));
    assert_false(fh_u64s_lent(fh_span_sub(bytes, 0, 4), &whole));
    assert_true(fh_u64s_lent(fh_span_sub(bytes, 3, 0), &whole) && whole.count == 0);
}

static fh_status make_two(fh_allocator *a, void *arg) {
    (void)arg;
    fh_i32s x;
    fh_views y;
    FH_TRY(fh_i32s_new(a, 3, &x));
    fh_status s = fh_views_new(a, 4, &y);
    if (!fh_failed(s))
        fh_views_free(a, &y);
    fh_i32s_free(a, &x);
    return s;
}

static void test_arrays_without_memory(void **state) {
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), make_two, NULL), 2);
}

/* --- misuse ----------------------------------------------------------------------------------------------------------- */

/* Blocks whose bytes this test owns, so that looking at a "freed" header is looking at memory that is still there. */
static void free_foreign(void *arg) {
    (void)arg;
    _Alignas(64) static uint8_t bytes[256];
    fh_free(fh_heap(), bytes + 128);
}

static void free_shifted(void *arg) {
    (void)arg;
    uint8_t *p = fh_alloc(fh_heap(), 1, 256);
    fh_free(fh_heap(), p + 64);
}

static void free_unaligned(void *arg) {
    (void)arg;
    uint8_t *p = fh_alloc(fh_heap(), 1, 256);
    fh_free(fh_heap(), p + 8);
}

static void overwrite_header(void *arg) {
    (void)arg;
    uint8_t *p = fh_alloc(fh_heap(), 1, 256);
    p[-1] = (uint8_t)(p[-1] + 1);
    fh_free(fh_heap(), p);
}

static void free_twice(void *arg) {
    (void)arg;
    uint8_t *p = fh_alloc(fh_heap(), 1, 2000);
    fh_free(fh_heap(), p);
    fh_free(fh_heap(), p);
}

/* The pages of a large block are gone: the second free meets a fault, not somebody else's memory. */
static void free_large_twice(void *arg) {
    (void)arg;
    uint8_t *p = fh_alloc(fh_heap(), 1, 8 << 20);
    fh_free(fh_heap(), p);
    fh_free(fh_heap(), p);
}

static void test_misuse(void **state) {
    (void)state;
    fh_assert_dies(free_foreign, NULL, "seal");
    fh_assert_dies(free_shifted, NULL, "seal");
    fh_assert_dies(free_unaligned, NULL, "FH_ALLOC_ALIGN");
    fh_assert_dies(overwrite_header, NULL, "seal");
}

/* Looks at freed memory, which sanitizers stop on their own. */
static void test_double_free(void **state) {
    (void)state;
    fh_test_skip_on_valgrind("changes how a process ends");
#ifdef FH_TEST_SANITIZED
    fh_test_skip("a sanitizer stops a look at freed memory itself");
#endif
    char said[512];
    fh_assert_dies(free_twice, NULL, "seal_of(h, SEAL_FREED)");
    int status = fh_test_child(free_large_twice, NULL, said, sizeof said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* --- threads ---------------------------------------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 3000 };

static void *churn(void *arg) {
    fh_test_rng rng = fh_test_rng_new((uint64_t)(uintptr_t)arg);
    uint8_t *kept[16] = {NULL};
    for (int i = 0; i < ROUNDS; i++) {
        size_t k = fh_test_rng_below(&rng, 16), size = 1 + fh_test_rng_below(&rng, i % 500 == 0 ? 3 << 20 : 5000);
        fh_free(fh_heap(), kept[k]);
        kept[k] = fh_alloc(fh_heap(), 1, size);
        if (kept[k] == NULL || kept[k][0] != 0 || kept[k][size - 1] != 0)
            return arg;
        kept[k][0] = kept[k][size - 1] = 1;
    }
    for (size_t k = 0; k < 16; k++)
        fh_free(fh_heap(), kept[k]);
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    fh_alloc_stats before = fh_heap_stats();
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    fh_alloc_stats after = fh_heap_stats();
    assert_true(after.live == before.live && after.live_bytes == before.live_bytes);
    assert_true(after.allocs - before.allocs == THREADS * ROUNDS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks), cmocka_unit_test(test_refused), cmocka_unit_test(test_large_blocks_go_back),
        FH_TEST_ALLOC(test_arrays),    FH_TEST_ALLOC(test_arrays_without_memory), cmocka_unit_test(test_lent),
        cmocka_unit_test(test_misuse), cmocka_unit_test(test_double_free), cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
