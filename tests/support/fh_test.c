/* fh_test.c: the shared part of the tests (fh_test.h).
 *
 * Threading: the thread that runs the tests. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- status ----------------------------------------------------------------------------------------------------------- */

void fh_test_status(fh_status got, fh_code expected, const char *expression, const char *file, int line) {
    if (got.code == expected)
        return;
    print_error("%s\n    gave %s, expected %s\n", expression, fh_code_name(got.code), fh_code_name(expected));
    _fail(file, line);
}

void fh_test_err(const fh_err *err, fh_code code, const char *part, const char *file, int line) {
    if (err->code == code && strstr(err->message, part) != NULL)
        return;
    print_error("error is %s \"%s\"\n    expected %s with \"%s\"\n", fh_code_name(err->code), err->message, fh_code_name(code),
                part);
    _fail(file, line);
}

void fh_test_span(fh_span got, const char *expected, const char *file, int line) {
    if (fh_span_is(got, expected))
        return;
    print_error("span of %zu bytes \"%.*s\"\n    expected %zu bytes \"%s\"\n", got.size, FH_SPAN_FMT(got), strlen(expected),
                expected);
    _fail(file, line);
}

/* --- allocation ------------------------------------------------------------------------------------------------------- */

int fh_test_setup(void **state) {
    *state = fh_trace_new();
    return *state == NULL ? -1 : 0;
}

int fh_test_teardown(void **state) {
    size_t leaks = fh_trace_free(*state);
    if (leaks != 0)
        print_error("%zu blocks leaked\n", leaks);
    return leaks == 0 ? 0 : -1;
}

fh_trace *fh_test_trace(void **state) {
    return *state;
}

fh_allocator *fh_test_allocator(void **state) {
    return fh_trace_allocator(fh_test_trace(state));
}

uint64_t fh_test_fail_each(fh_trace *trace, fh_test_body *body, void *arg, const char *file, int line) {
    enum { RUNS_MAX = 100000 };
    for (uint64_t n = 1; n <= RUNS_MAX; n++) {
        fh_alloc_stats before = fh_trace_stats(trace);
        fh_trace_fail_at(trace, n);
        fh_status s = body(fh_trace_allocator(trace), arg);
        fh_trace_fail_at(trace, 0);
        fh_alloc_stats after = fh_trace_stats(trace);
        bool fired = after.failures != before.failures;

        if (after.live != before.live) {
            print_error("allocation %llu failing: %llu blocks before, %llu after\n", (unsigned long long)n,
                        (unsigned long long)before.live, (unsigned long long)after.live);
            _fail(file, line);
        }
        if (s.code != FH_OK && (s.code != FH_NOMEM || !fired)) {
            print_error("allocation %llu %s: %s\n", (unsigned long long)n, fired ? "failing" : "not reached",
                        fh_code_name(s.code));
            _fail(file, line);
        }
        if (!fired)
            return n - 1;
    }
    print_error("more than %d allocations\n", RUNS_MAX);
    _fail(file, line);
    return 0;
}

/* --- programs that end on purpose ------------------------------------------------------------------------------------- */

int fh_test_child(void (*fn)(void *arg), void *arg, char *said, size_t said_bytes) {
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* cmocka turns these into a failed test by a jump, which the child must not take. */
        const int signals[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGSYS, SIGABRT};
        for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
            (void)signal(signals[i], SIG_DFL);
        const struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        fn(arg);
        _exit(0);
    }
    (void)close(ends[1]);
    size_t used = 0;
    char rest[256];
    for (;;) {
        bool full = used + 1 >= said_bytes;
        ssize_t n = full ? read(ends[0], rest, sizeof rest) : read(ends[0], said + used, said_bytes - 1 - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        used += full ? 0 : (size_t)n;
    }
    said[used] = '\0';
    (void)close(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

void fh_test_dies(void (*fn)(void *arg), void *arg, const char *part, const char *file, int line) {
    char said[4096];
    int status = fh_test_child(fn, arg, said, sizeof said);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(said, part) != NULL)
        return;
    print_error("child ended with status 0x%x and said \"%s\"\n    expected SIGABRT and \"%s\"\n", (unsigned)status, said,
                part);
    _fail(file, line);
}

void fh_test_skip(const char *reason) {
    print_message("skipped: %s\n", reason);
    skip();
}

static bool is_on_valgrind(void) {
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

void fh_test_skip_on_valgrind(const char *reason) {
    if (!is_on_valgrind())
        return;
    print_message("skipped: Valgrind %s\n", reason);
    skip();
}

/* --- randomness ------------------------------------------------------------------------------------------------------- */

uint64_t fh_test_ops(void) {
    const char *given = getenv("FREEHOLD_TEST_OPS");
    if (given != NULL)
        return strtoull(given, NULL, 10);
    uint64_t ops = getenv("FREEHOLD_TEST_LONG") != NULL ? 10000000 : 1000000;
#ifdef FH_TEST_SANITIZED
    ops /= 10;
#endif
    return is_on_valgrind() ? ops / 100 : ops;
}

uint64_t fh_test_schedules(uint64_t count) {
#if !defined(__clang__)
    uint64_t build = 0;
#elif __has_feature(memory_sanitizer)
    uint64_t build = 4;
#elif __has_feature(thread_sanitizer)
    uint64_t build = 3;
#elif __has_feature(address_sanitizer)
    uint64_t build = 2;
#else
    uint64_t build = 1;
#endif
    uint64_t first = build << 40;
    printf("%llu schedules from seed %llu\n", (unsigned long long)count, (unsigned long long)first);
    return first;
}

void fh_test_random_ops(void **state, uint64_t seed, size_t head_bytes, size_t op_bytes,
                        void (*run)(fh_allocator *a, fh_span ops)) {
    enum { LOT = 1000, BYTES_MAX = 4 * LOT };
    uint8_t ops[BYTES_MAX];
    fh_test_rng rng = fh_test_rng_new(seed);
    assert_true(head_bytes + LOT * op_bytes <= sizeof ops);
    for (uint64_t done = 0; done < fh_test_ops(); done += LOT) {
        for (size_t i = 0; i < head_bytes + LOT * op_bytes; i++)
            ops[i] = (uint8_t)fh_test_rng_next(&rng);
        run(fh_test_allocator(state), (fh_span){ops, head_bytes + LOT * op_bytes});
    }
}

/* --- files ------------------------------------------------------------------------------------------------------------ */

/* Joins two parts of a path; fails the test when they are too long. */
static fh_test_path join(const char *folder, const char *name) {
    fh_test_path path;
    int made = snprintf(path.text, sizeof path.text, "%s/%s", folder, name);
    assert_true(made > 0 && (size_t)made < sizeof path.text);
    return path;
}

fh_test_path fh_test_data_path(const char *name, const char *folder_default) {
    const char *folder = getenv("FREEHOLD_DATA");
    fh_test_path path = join(folder != NULL && folder[0] != '\0' ? folder : folder_default, name);
    if (access(path.text, R_OK) != 0) {
        print_message("skipped: %s is absent (FREEHOLD_DATA names the data folder)\n", path.text);
        skip();
    }
    return path;
}

static fh_test_path tmp_folder;
static pid_t tmp_owner;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

/* Removes the folder with all that is in it; a child that was forked leaves it alone. */
static void remove_tmp_folder(void) {
    if (tmp_owner == getpid())
        (void)nftw(tmp_folder.text, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

fh_test_path fh_test_tmp_path(const char *name) {
    if (tmp_owner == 0) {
        const char *base = getenv("TMPDIR");
        tmp_folder = join(base != NULL && base[0] != '\0' ? base : "/tmp", "freehold-test-XXXXXX");
        assert_non_null(mkdtemp(tmp_folder.text));
        tmp_owner = getpid();
        assert_int_equal(atexit(remove_tmp_folder), 0);
    }
    return join(tmp_folder.text, name);
}

void fh_test_write_file(const char *path, fh_span bytes) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.size == 0 ? (const void *)"" : bytes.at, 1, bytes.size, f), bytes.size);
    assert_int_equal(fclose(f), 0);
}

/* --- randomness ------------------------------------------------------------------------------------------------------- */

fh_test_rng fh_test_rng_new(uint64_t seed) {
    const char *more = getenv("FREEHOLD_TEST_SEED");
    if (more == NULL)
        return (fh_test_rng){fh_mix64(seed)};
    print_message("seed %s (FREEHOLD_TEST_SEED)\n", more);
    return (fh_test_rng){fh_mix64(seed + strtoull(more, NULL, 0))};
}
