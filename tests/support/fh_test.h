/* fh_test.h: what every test program shares, on top of cmocka.
 *
 *     static void test_copy(void **state) {
 *         fh_allocator *a = fh_test_allocator(state);           a tracing allocator; a leak fails the test
 *         fh_buf b;
 *         fh_buf_init(&b, a, 0);
 *         fh_assert_ok(fh_buf_put(&b, FH_LIT("x")));
 *         fh_buf_deinit(&b);
 *     }
 *     int main(void) {
 *         const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_copy)};
 *         return cmocka_run_group_tests(tests, NULL, NULL);
 *     }
 *
 * Threading: helpers that fail or skip a test are called on the thread that runs it. */
#ifndef FH_TEST_H
#define FH_TEST_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "freehold/alloc.h"
#include "freehold/hash.h"

/* FH_TEST_ASAN under AddressSanitizer, FH_TEST_SANITIZED under that, ThreadSanitizer or MemorySanitizer. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FH_TEST_ASAN 1
#endif
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define FH_TEST_SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define FH_TEST_ASAN 1
#define FH_TEST_SANITIZED 1
#elif defined(__SANITIZE_THREAD__)
#define FH_TEST_SANITIZED 1
#endif

/* --- status ----------------------------------------------------------------------------------------------------------- */

/* Fails the test unless the status has the expected code; prints both names. */
void fh_test_status(fh_status got, fh_code expected, const char *expression, const char *file, int line);

#define fh_assert_code(expression, expected) fh_test_status((expression), (expected), #expression, __FILE__, __LINE__)
#define fh_assert_ok(expression) fh_assert_code(expression, FH_OK)

/* Fails the test unless err holds `code` and its message contains `part`. */
void fh_test_err(const fh_err *err, fh_code code, const char *part, const char *file, int line);
#define fh_assert_err(err, code, part) fh_test_err((err), (code), (part), __FILE__, __LINE__)

/* Fails the test unless a span holds exactly the bytes of a NUL-terminated text; prints both. */
void fh_test_span(fh_span got, const char *expected, const char *file, int line);
#define fh_assert_span(got, expected) fh_test_span((got), (expected), __FILE__, __LINE__)

/* --- allocation ------------------------------------------------------------------------------------------------------- */

/* A test between a setup that makes a tracing allocator and a teardown that fails it for every block still live. */
#define FH_TEST_ALLOC(test) cmocka_unit_test_setup_teardown(test, fh_test_setup, fh_test_teardown)
int fh_test_setup(void **state);
int fh_test_teardown(void **state);

/* The tracing allocator of an FH_TEST_ALLOC test. */
fh_trace *fh_test_trace(void **state);
fh_allocator *fh_test_allocator(void **state);

/* A body for FH_FAIL_EACH_ALLOC: does its work on `a`, drops everything it made, and returns the first failure. */
typedef fh_status fh_test_body(fh_allocator *a, void *arg);

/* Reruns the body with its 1st, 2nd, 3rd … allocation failing, until a run is short of the failing one and must succeed.
 * Each earlier run must give FH_NOMEM or succeed, and leak nothing. Allocations, reservations and commits count alike. Returns
 * how many there are. */
#define FH_FAIL_EACH_ALLOC(trace, body, arg) fh_test_fail_each((trace), (body), (arg), __FILE__, __LINE__)
uint64_t fh_test_fail_each(fh_trace *trace, fh_test_body *body, void *arg, const char *file, int line);

/* --- programs that end on purpose ------------------------------------------------------------------------------------- */

/* Runs fn(arg) in a child process and fails the test unless the child ends by SIGABRT and its standard error contains
 * `part`. */
#define fh_assert_dies(fn, arg, part) fh_test_dies((fn), (arg), (part), __FILE__, __LINE__)
void fh_test_dies(void (*fn)(void *arg), void *arg, const char *part, const char *file, int line);

/* Runs fn(arg) in a child process; returns what waitpid says of it, and its standard error, cut to fit, in `said`. */
int fh_test_child(void (*fn)(void *arg), void *arg, char *said, size_t said_bytes);

/* Prints a reason and skips the test. */
void fh_test_skip(const char *reason);
/* Prints a reason and skips the test under Valgrind, which does not play along with it. */
void fh_test_skip_on_valgrind(const char *reason);

/* --- files ------------------------------------------------------------------------------------------------------------ */

typedef struct fh_test_path {
    char text[1024];
} fh_test_path;

/* The path of a file under the data folder (environment variable FREEHOLD_DATA, else FREEHOLD_DATA_DEFAULT of the build).
 * Prints a reason and skips the test when the file is absent. */
#define fh_test_data(name) fh_test_data_path((name), FREEHOLD_DATA_DEFAULT)
fh_test_path fh_test_data_path(const char *name, const char *folder_default);

/* The path `name` in a folder of this process's own, which is removed with all that is in it at the end of the
 * program. */
fh_test_path fh_test_tmp_path(const char *name);

/* Writes a whole file; fails the test if that cannot be done. */
void fh_test_write_file(const char *path, fh_span bytes);

/* --- randomness ------------------------------------------------------------------------------------------------------- */

/* A sequence of random numbers that a seed repeats. The environment variable FREEHOLD_TEST_SEED, a number, is added to every
 * seed, to look at other sequences. */
typedef struct fh_test_rng {
    uint64_t state;
} fh_test_rng;

fh_test_rng fh_test_rng_new(uint64_t seed);

/* 64 random bits. */
static inline uint64_t fh_test_rng_next(fh_test_rng *rng) {
    return fh_mix64(rng->state++);
}
/* A number in [0, n); 0 for n = 0. */
static inline uint64_t fh_test_rng_below(fh_test_rng *rng, uint64_t n) {
    return n == 0 ? 0 : fh_test_rng_next(rng) % n;
}

/* How many random operations a model-based test does: 10^6, or 10^7 where the environment has FREEHOLD_TEST_LONG
 * (`./x test --long`); a tenth of that under a sanitizer, a hundredth under Valgrind; or what FREEHOLD_TEST_OPS says. */
uint64_t fh_test_ops(void);
/* The first of the seeds that a test takes one after another, each a schedule of a simulated network: every compiler's and
 * sanitizer's build tries its own. Says how many, and from which on, as `N schedules from seed S`, which tools/test sums up. */
uint64_t fh_test_schedules(uint64_t count);
/* Runs fh_test_ops() operations of `op_bytes` random bytes each, in lots of a thousand; each lot begins with `head_bytes`
 * more. */
void fh_test_random_ops(void **state, uint64_t seed, size_t head_bytes, size_t op_bytes,
                        void (*run)(fh_allocator *a, fh_span ops));

#endif
