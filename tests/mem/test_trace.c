/* test_trace.c: the tracing allocator finds what it is there to find, and the test fixture fails tests that leak. Runs under
 * ThreadSanitizer. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "freehold/os.h"

static void test_counts(void **state) {
    fh_trace *t = fh_test_trace(state);
    fh_allocator *a = fh_test_allocator(state);
    uint8_t *p = fh_alloc(a, 3, 10), *q = fh_alloc(a, 1, 5);
    assert_true(p != NULL && q != NULL);
    assert_int_equal((uintptr_t)p % FH_ALLOC_ALIGN, 0);
    assert_int_equal((uintptr_t)q % FH_ALLOC_ALIGN, 0);
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(p[i], 0);
    memset(p, 1, 30); /* to the last byte */
    fh_alloc_stats s = fh_trace_stats(t);
    assert_true(s.live == 2 && s.live_bytes == 35 && s.peak_bytes == 35 && s.allocs == 2 && s.failures == 0);
    fh_free(a, p);
    s = fh_trace_stats(t);
    assert_true(s.live == 1 && s.live_bytes == 5 && s.peak_bytes == 35 && s.allocs == 2);
    fh_free(a, q);
    assert_null(fh_alloc(a, 0, 1)); /* never reaches the allocator */
    assert_true(fh_trace_stats(t).failures == 0);
}

static void test_fail_at(void **state) {
    fh_trace *t = fh_test_trace(state);
    fh_allocator *a = fh_test_allocator(state);
    void *p[6];
    fh_trace_fail_at(t, 3);
    for (size_t i = 0; i < 6; i++)
        p[i] = fh_alloc(a, 1, 8);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(p[i] == NULL, i == 2);
        fh_free(a, p[i]);
    }
    fh_trace_fail_at(t, 1);
    fh_trace_fail_at(t, 0);
    p[0] = fh_alloc(a, 1, 8);
    assert_non_null(p[0]);
    fh_free(a, p[0]);
    assert_true(fh_trace_stats(t).failures == 1);
}

static void test_budget(void **state) {
    fh_trace *t = fh_test_trace(state);
    fh_allocator *a = fh_test_allocator(state);
    fh_trace_budget(t, 100);
    void *p = fh_alloc(a, 1, 60);
    assert_non_null(p);
    assert_null(fh_alloc(a, 1, 41));
    void *q = fh_alloc(a, 1, 40);
    assert_non_null(q);
    assert_null(fh_alloc(a, 1, 1));
    fh_free(a, p);
    fh_trace_budget(t, 10); /* below what is live: nothing more, and no wrap-around */
    assert_null(fh_alloc(a, 1, 1));
    fh_trace_budget(t, 0);
    p = fh_alloc(a, 1, 1000);
    assert_non_null(p);
    fh_free(a, p);
    fh_free(a, q);
    assert_true(fh_trace_stats(t).failures == 3);
}

/* Against a model: thousands of blocks in random order, each with its own content. */
static void test_many(void **state) {
    enum { SLOTS = 700, STEPS = 40000 };
    fh_allocator *a = fh_test_allocator(state);
    static uint8_t *blocks[SLOTS];
    static size_t block_sizes[SLOTS];
    fh_test_rng rng = fh_test_rng_new(7);
    uint64_t live = 0, bytes = 0;
    memset(blocks, 0, sizeof blocks);
    for (int i = 0; i < STEPS; i++) {
        size_t k = fh_test_rng_below(&rng, SLOTS);
        if (blocks[k] == NULL) {
            block_sizes[k] = 1 + fh_test_rng_below(&rng, 200);
            blocks[k] = fh_alloc(a, 1, block_sizes[k]);
            assert_non_null(blocks[k]);
            memset(blocks[k], (int)(k % 251), block_sizes[k]);
            live++;
            bytes += block_sizes[k];
        } else {
            for (size_t n = 0; n < block_sizes[k]; n++)
                assert_int_equal(blocks[k][n], k % 251);
            fh_free(a, blocks[k]);
            blocks[k] = NULL;
            live--;
            bytes -= block_sizes[k];
        }
        fh_alloc_stats s = fh_trace_stats(fh_test_trace(state));
        assert_true(s.live == live && s.live_bytes == bytes);
    }
    for (size_t k = 0; k < SLOTS; k++)
        fh_free(a, blocks[k]);
}

/* --- what it finds ---------------------------------------------------------------------------------------------------- */

typedef struct overrun {
    size_t size;
    ptrdiff_t at;
} overrun;

static void write_at(void *arg) {
    const overrun *o = arg;
    fh_trace *t = fh_trace_new();
    volatile uint8_t *p = fh_alloc(fh_trace_allocator(t), 1, o->size);
    p[o->at] = 1;
    fh_free(fh_trace_allocator(t), (void *)(uintptr_t)p);
}

static void test_writes_outside(void **state) {
    (void)state;
    static const struct {
        overrun o;
        const char *said;
    } rows[] = {
        {{1, 1}, "write past the end of a block: allocation 1 of 1 bytes"},
        {{100, 100}, "write past the end of a block: allocation 1 of 100 bytes"},
        {{100, 163}, "write past the end of a block"},
        {{64, -1}, "write before the start of a block"},
        {{64, -64}, "write before the start of a block"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        overrun o = rows[i].o;
#ifdef FH_TEST_ASAN
        /* The sanitizer is quicker and stops the write itself; but it cannot guard a last part of 8 bytes. */
        char said[8192];
        int status = fh_test_child(write_at, &o, said, sizeof said);
        if (status == 0 || (strstr(said, "use-after-poison") == NULL && strstr(said, rows[i].said) == NULL))
            fail_msg("row %zu: status 0x%x: %s", i, (unsigned)status, said);
#else
        fh_assert_dies(write_at, &o, rows[i].said);
#endif
    }
}

/* The leak of a whole tracing allocator is found when it ends, also if a guard was hurt. */
static void hurt_and_leak(void *arg) {
    (void)arg;
    fh_trace *t = fh_trace_new();
    volatile uint8_t *p = fh_alloc(fh_trace_allocator(t), 1, 8);
#ifndef FH_TEST_ASAN
    p[8] = 0;
    (void)fh_trace_free(t);
#else
    (void)p;
    fprintf(stderr, "write past the end of a block");
    fh_assert_fail("", "", 0, 0, 0);
#endif
}

static void free_twice(void *arg) {
    fh_allocator *a = fh_trace_allocator(fh_trace_new());
    void *p = fh_alloc(a, 1, 8), *q = fh_alloc(a, 1, 8);
    (void)arg;
    fh_free(a, p);
    fh_free(a, q);
    fh_free(a, p);
}

static void free_foreign(void *arg) {
    fh_free(fh_trace_allocator(fh_trace_new()), arg);
}

static void free_inside(void *arg) {
    fh_allocator *a = fh_trace_allocator(fh_trace_new());
    uint8_t *p = fh_alloc(a, 1, 100);
    (void)arg;
    fh_free(a, p + 64);
}

static void free_elsewhere(void *arg) {
    fh_allocator *a = fh_trace_allocator(fh_trace_new()), *b = fh_trace_allocator(fh_trace_new());
    (void)arg;
    fh_free(b, fh_alloc(a, 1, 100));
}

static void test_frees(void **state) {
    (void)state;
    int local = 0;
    fh_assert_dies(free_twice, NULL, "not a live block");
    fh_assert_dies(free_foreign, &local, "not a live block");
    fh_assert_dies(free_inside, NULL, "not a live block");
    fh_assert_dies(free_elsewhere, NULL, "not a live block");
    fh_assert_dies(hurt_and_leak, NULL, "write past the end of a block");
}

/* A freed block does not keep what was in it. The pattern is looked for in the middle, where a C library leaves a freed block
 * alone. */
static void test_freed_is_filled(void **state) {
    fh_test_skip_on_valgrind("stops a look at freed memory itself");
#ifdef FH_TEST_SANITIZED
    fh_test_skip("a sanitizer stops a look at freed memory itself");
#endif
    uint8_t *p = fh_alloc(fh_test_allocator(state), 1, 300);
    assert_non_null(p);
    memset(p, 0x77, 300);
    volatile const uint8_t *middle = p + 150;
    fh_free(fh_test_allocator(state), p);
    assert_int_equal(*middle, 0xdd);
}

static void leak_ten(void *arg) {
    fh_trace *t = fh_trace_new();
    (void)arg;
    for (size_t i = 1; i <= 10; i++)
        if (fh_alloc(fh_trace_allocator(t), i, 3) == NULL)
            return;
    fprintf(stderr, "count %zu\n", fh_trace_free(t));
}

static void test_leaks_are_listed(void **state) {
    (void)state;
    char said[4096];
    size_t lines = 0;
    (void)fh_test_child(leak_ten, NULL, said, sizeof said);
    for (const char *at = said; (at = strstr(at, "leak: allocation ")) != NULL; at++)
        lines++;
    assert_int_equal(lines, 8); /* the first eight that it meets */
    assert_non_null(strstr(said, "count 10\n"));
    assert_int_equal(fh_trace_free(NULL), 0);
}

/* --- the fixture itself ----------------------------------------------------------------------------------------------- */

static void leaky_test(void **state) {
    assert_non_null(fh_alloc(fh_test_allocator(state), 1, 24));
}

static void run_leaky_test(void *arg) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(leaky_test)};
    (void)arg;
    (void)!freopen("/dev/null", "w", stdout);
    fprintf(stderr, "failed %d\n", cmocka_run_group_tests(tests, NULL, NULL));
}

static void test_leak_fails_a_test(void **state) {
    (void)state;
    char said[4096];
    (void)fh_test_child(run_leaky_test, NULL, said, sizeof said);
    assert_non_null(strstr(said, "leak: allocation 1 of 24 bytes"));
    assert_non_null(strstr(said, "1 blocks leaked"));
    assert_non_null(strstr(said, "failed 1"));
}

/* Bodies for FH_FAIL_EACH_ALLOC, good and bad. */
static fh_status good_body(fh_allocator *a, void *arg) {
    void *p = fh_alloc(a, 1, 8), *q = NULL;
    (void)arg;
    if (p != NULL)
        q = fh_alloc(a, 1, 8);
    fh_status s = FH_STATUS(q != NULL ? FH_OK : FH_NOMEM);
    fh_free(a, q);
    fh_free(a, p);
    return s;
}

static fh_status leaky_body(fh_allocator *a, void *arg) {
    void *p = fh_alloc(a, 1, 8), *q = fh_alloc(a, 1, 8);
    (void)arg;
    if (p == NULL || q == NULL)
        return FH_STATUS(FH_NOMEM); /* forgets the other one */
    fh_free(a, p);
    fh_free(a, q);
    return FH_DONE;
}

static fh_status wrong_code_body(fh_allocator *a, void *arg) {
    void *p = fh_alloc(a, 1, 8);
    (void)arg;
    fh_free(a, p);
    return FH_STATUS(p != NULL ? FH_OK : FH_IO);
}

static fh_status never_good_body(fh_allocator *a, void *arg) {
    (void)a;
    (void)arg;
    return FH_STATUS(FH_NOMEM);
}

static fh_test_body *body_to_run;

static void run_body(void **state) {
    (void)FH_FAIL_EACH_ALLOC(fh_test_trace(state), body_to_run, NULL);
}

static void run_body_test(void *arg) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(run_body)};
    (void)arg;
    (void)!freopen("/dev/null", "w", stdout);
    fprintf(stderr, "failed %d\n", cmocka_run_group_tests(tests, NULL, NULL));
}

static void test_fail_each(void **state) {
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), good_body, NULL), 2);
    static const struct {
        fh_test_body *body;
        const char *said;
    } rows[] = {
        {leaky_body, "allocation 1 failing: 0 blocks before, 1 after"},
        {wrong_code_body, "allocation 1 failing: FH_IO"},
        {never_good_body, "allocation 1 not reached: FH_NOMEM"},
    };
    for (size_t i = 0; i < 3; i++) {
        char said[4096];
        body_to_run = rows[i].body;
        (void)fh_test_child(run_body_test, NULL, said, sizeof said);
        assert_non_null(strstr(said, rows[i].said));
        assert_non_null(strstr(said, "failed 1"));
    }
}

/* --- pages -------------------------------------------------------------------------------------------------------------- */

static fh_status pages_body(fh_allocator *a, void *arg) {
    size_t page = fh_os_page_bytes();
    (void)arg;
    void *at = NULL;
    FH_TRY(fh_pages_reserve(a, 4 * page, &at));
    fh_status s = fh_pages_commit(a, at, page);
    if (!fh_failed(s)) {
        *(uint8_t *)at = 1;
        s = fh_pages_commit(a, (uint8_t *)at + page, page);
    }
    fh_pages_release(a, at, 4 * page);
    return s;
}

static void release_twice(void *arg) {
    fh_allocator *a = fh_trace_allocator(fh_trace_new());
    void *at = NULL;
    (void)arg;
    if (fh_failed(fh_pages_reserve(a, fh_os_page_bytes(), &at)))
        return;
    fh_pages_release(a, at, fh_os_page_bytes());
    fh_pages_release(a, at, fh_os_page_bytes());
}

static void release_part(void *arg) {
    fh_allocator *a = fh_trace_allocator(fh_trace_new());
    void *at = NULL;
    (void)arg;
    if (!fh_failed(fh_pages_reserve(a, 2 * fh_os_page_bytes(), &at)))
        fh_pages_release(a, at, fh_os_page_bytes());
}

static void free_pages(void *arg) {
    fh_allocator *a = fh_trace_allocator(fh_trace_new());
    void *at = NULL;
    (void)arg;
    if (!fh_failed(fh_pages_reserve(a, fh_os_page_bytes(), &at)))
        fh_free(a, at);
}

static void release_block(void *arg) {
    fh_allocator *a = fh_trace_allocator(fh_trace_new());
    (void)arg;
    fh_pages_release(a, fh_alloc(a, 1, fh_os_page_bytes()), fh_os_page_bytes());
}

/* A reservation is a live block that can leak; each reservation and each commit can fail. */
static void test_pages(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), pages_body, NULL), 3);
    void *at = NULL;
    fh_assert_ok(fh_pages_reserve(a, fh_os_page_bytes(), &at));
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).live, 1);
    fh_pages_release(a, at, fh_os_page_bytes());
    fh_pages_release(a, NULL, 0);
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).live, 0);
    fh_assert_dies(release_twice, NULL, "pages that are not reserved");
    fh_assert_dies(release_part, NULL, "a part of a reservation");
    fh_assert_dies(free_pages, NULL, "not a live block");
    fh_assert_dies(release_block, NULL, "pages that are not reserved");
}

/* --- threads ---------------------------------------------------------------------------------------------------------- */

static void *churn(void *arg) {
    fh_allocator *a = arg;
    void *kept[8] = {NULL};
    for (size_t i = 0; i < 4000; i++) {
        fh_free(a, kept[i % 8]);
        kept[i % 8] = fh_alloc(a, 1, 1 + i % 100);
        if (kept[i % 8] == NULL)
            return arg;
    }
    for (size_t i = 0; i < 8; i++)
        fh_free(a, kept[i]);
    return NULL;
}

static void test_threads(void **state) {
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, fh_test_allocator(state)), 0);
    for (size_t i = 0; i < 4; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    fh_alloc_stats s = fh_trace_stats(fh_test_trace(state));
    assert_true(s.live == 0 && s.allocs == 16000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_counts),
        FH_TEST_ALLOC(test_fail_at),
        FH_TEST_ALLOC(test_budget),
        FH_TEST_ALLOC(test_many),
        cmocka_unit_test(test_writes_outside),
        cmocka_unit_test(test_frees),
        FH_TEST_ALLOC(test_freed_is_filled),
        cmocka_unit_test(test_leaks_are_listed),
        cmocka_unit_test(test_leak_fails_a_test),
        FH_TEST_ALLOC(test_fail_each),
        FH_TEST_ALLOC(test_pages),
        FH_TEST_ALLOC(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
