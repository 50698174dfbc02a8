/* test_host.c: time, randomness, processors under affinity and cgroup quotas, memory, environment. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "os/linux/linux.h"

static void test_clock(void **state) {
    (void)state;
    uint64_t last = fh_os_clock_ns(), first = last;
    for (int i = 0; i < 100000; i++) {
        uint64_t now = fh_os_clock_ns();
        assert_true(now >= last);
        last = now;
    }
    assert_true(last > first);
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    uint64_t theirs = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    assert_true(theirs >= last && theirs - last < UINT64_C(10000000000));
}

static void test_random(void **state) {
    (void)state;
    uint64_t seen[64], ones = 0;
    for (size_t i = 0; i < 64; i++) {
        seen[i] = fh_os_random();
        ones += (uint64_t)__builtin_popcountll(seen[i]);
        for (size_t k = 0; k < i; k++)
            assert_true(seen[k] != seen[i]);
    }
    assert_in_range(ones, 1700, 2396); /* 2048 expected, more than ten standard deviations either way */
}

static void test_affinity(void **state) {
    (void)state;
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    unsigned all = fh_os_cpus();
    assert_true(all >= 1 && all <= (unsigned)CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(fh_os_cpus(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(fh_os_cpus(), all);
}

/* --- quotas, in a tree made for the purpose --------------------------------------------------------------------------- */

/* Makes `<root>/<path>` with its folders. */
static void put_file(const char *root, const char *path, const char *text) {
    char full[2048];
    assert_in_range(snprintf(full, sizeof full, "%s%s", root, path), 1, sizeof full - 1);
    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(full, 0700);
        *slash = '/';
    }
    fh_test_write_file(full, fh_span_of_str(text));
}

typedef struct quota_file {
    const char *path, *text;
} quota_file;

static void test_quota(void **state) {
    (void)state;
    static const struct {
        quota_file files[5];
        unsigned cpus;
    } rows[] = {
        {{{"/proc/self/cgroup", "0::/\n"}}, UINT_MAX},
        {{{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "max 100000\n"}}, UINT_MAX},
        {{{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "200000 100000\n"}}, 2},
        {{{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "150000 100000\n"}}, 2}, /* rounded up */
        {{{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "10000 100000\n"}}, 1},
        {{{"/proc/self/cgroup", "0::/a/b\n"}, {"/sys/fs/cgroup/a/b/cpu.max", "max 100000"}, /* the parent binds */
          {"/sys/fs/cgroup/a/cpu.max", "300000 100000"}},
         3},
        {{{"/proc/self/cgroup", "0::/a/b\n"}, {"/sys/fs/cgroup/a/b/cpu.max", "100000 100000"},
          {"/sys/fs/cgroup/a/cpu.max", "300000 100000"}},
         1},
        {{{"/proc/self/cgroup", "0::/elsewhere\n"}, {"/sys/fs/cgroup/cpu.max", "400000 100000"}}, 4}, /* as in a container */
        {{{"/proc/self/cgroup", "4:memory:/m\n3:cpu,cpuacct:/g\n"}, {"/sys/fs/cgroup/cpu/g/cpu.cfs_quota_us", "250000\n"},
          {"/sys/fs/cgroup/cpu/g/cpu.cfs_period_us", "50000\n"}},
         5},
        {{{"/proc/self/cgroup", "3:cpuacct,cpu:/g\n"}, {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000"},
          {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000"}, {"/sys/fs/cgroup/cpu/g/cpu.cfs_quota_us", "-1"},
          {"/sys/fs/cgroup/cpu/g/cpu.cfs_period_us", "100000"}},
         1},
        {{{"/proc/self/cgroup", "3:cpuset:/g\n2:cpuacct:/g\n"}, {"/sys/fs/cgroup/cpu/g/cpu.cfs_quota_us", "100000"},
          {"/sys/fs/cgroup/cpu/g/cpu.cfs_period_us", "100000"}},
         UINT_MAX},
        {{{"/proc/self/cgroup", "nonsense\n:\n::\n0::\n"}, {"/sys/fs/cgroup/cpu.max", "0 0"}}, UINT_MAX},
        {{{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "-5 100000"}}, UINT_MAX},
        {{{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "1e30 1"}}, UINT_MAX},
        {{{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "nan 1"}}, UINT_MAX},
        {{{"/proc/self/cgroup", ""}}, UINT_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "quota-%zu", i);
        fh_test_path root = fh_test_tmp_path(name);
        assert_int_equal(mkdir(root.text, 0700), 0);
        for (size_t k = 0; k < 5 && rows[i].files[k].path != NULL; k++)
            put_file(root.text, rows[i].files[k].path, rows[i].files[k].text);
        if (fh_linux_quota_cpus(root.text) != rows[i].cpus)
            print_error("row %zu\n", i);
        assert_int_equal(fh_linux_quota_cpus(root.text), rows[i].cpus);
    }
    assert_int_equal(fh_linux_quota_cpus("/nowhere/at/all"), UINT_MAX);
}

static void test_memory_peak(void **state) {
    (void)state;
    enum { SIZE = 64 << 20 };
    uint64_t before = fh_os_memory_peak();
    assert_true(before > 100000);
    volatile uint8_t *bytes = malloc(SIZE);
    assert_non_null((const void *)(uintptr_t)bytes);
    for (size_t i = 0; i < SIZE; i += 4096)
        bytes[i] = 1;
    free((void *)(uintptr_t)bytes);
    uint64_t after = fh_os_memory_peak();
    assert_true(after >= before + SIZE / 2);
    assert_true(fh_os_memory_peak() >= after); /* a peak does not fall */
}

static void test_env(void **state) {
    (void)state;
    assert_int_equal(setenv("FREEHOLD_TEST_VARIABLE", "value", 1), 0);
    assert_string_equal(fh_os_env("FREEHOLD_TEST_VARIABLE"), "value");
    assert_int_equal(unsetenv("FREEHOLD_TEST_VARIABLE"), 0);
    assert_null(fh_os_env("FREEHOLD_TEST_VARIABLE"));
}

static void test_argument(void **state) {
    (void)state;
    char name[] = "program", word[] = "word", past[] = "not an argument";
    char *const argv[] = {name, word, past};
    assert_string_equal(fh_os_argument(2, argv, 0), "program");
    assert_string_equal(fh_os_argument(2, argv, 1), "word");
    assert_null(fh_os_argument(2, argv, 2));
    assert_null(fh_os_argument(2, argv, SIZE_MAX));
    assert_null(fh_os_argument(0, argv, 0));
    assert_null(fh_os_argument(-1, argv, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock), cmocka_unit_test(test_random),      cmocka_unit_test(test_affinity),
        cmocka_unit_test(test_quota), cmocka_unit_test(test_memory_peak), cmocka_unit_test(test_env),
        cmocka_unit_test(test_argument),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
