/* test_map.c: mapped files, also when somebody shortens them, and signals that are none of the mapping's business. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "freehold/os.h"

/* A file of `pages` pages and `more` bytes in which byte i is pattern(i). */
static uint8_t pattern(size_t i) {
    return (uint8_t)(1 + i % 251);
}

static fh_test_path new_file(const char *name, size_t size) {
    fh_test_path path = fh_test_tmp_path(name);
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern(i);
    fh_test_write_file(path.text, (fh_span){bytes, size});
    free(bytes);
    return path;
}

static void test_content(void **state) {
    (void)state;
    size_t page = fh_os_page_bytes();
    const size_t sizes[] = {1, page - 1, page, page + 1, 5 * page + 17};
    for (size_t k = 0; k < 5; k++) {
        fh_test_path path = new_file("content", sizes[k]);
        fh_os_map map;
        fh_err err = {0};
        fh_assert_ok(fh_os_map_open(path.text, &map, &err));
        assert_int_equal(map.bytes.size, sizes[k]);
        for (size_t i = 0; i < sizes[k]; i++)
            assert_int_equal(fh_span_at(map.bytes, i), pattern(i));
        assert_false(fh_os_map_lost(map));
        fh_os_map_close(&map);
        assert_true(map.id == 0 && map.bytes.size == 0);
        fh_os_map_close(&map);
    }
    fh_os_map_close(NULL);
}

static void test_empty(void **state) {
    (void)state;
    fh_test_path path = new_file("empty", 0);
    fh_os_map map = {{NULL, 9}, 9};
    fh_assert_ok(fh_os_map_open(path.text, &map, NULL));
    assert_true(map.bytes.size == 0 && map.id == 0);
    assert_false(fh_os_map_lost(map));
    fh_os_map_close(&map);
}

static void test_refused(void **state) {
    (void)state;
    fh_test_path folder = fh_test_tmp_path("folder"), pipe_path = fh_test_tmp_path("pipe"), none = fh_test_tmp_path("none");
    assert_int_equal(mkdir(folder.text, 0700), 0);
    assert_int_equal(mkfifo(pipe_path.text, 0600), 0);
    const struct {
        const char *path, *said;
    } rows[] = {
        {folder.text, "expected a regular file, found a directory"},
        {pipe_path.text, "expected a regular file, found something else"},
        {"/dev/null", "/dev/null: expected a regular file"},
        {none.text, "cannot open: No such file or directory (errno 2)"},
        {"", "cannot open"},
        {"/nowhere\n/x", "/nowhere\\x0a/x: cannot open"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fh_os_map map = {{NULL, 9}, 9};
        fh_err err = {0};
        fh_assert_code(fh_os_map_open(rows[i].path, &map, &err), FH_IO);
        fh_assert_err(&err, FH_IO, rows[i].said);
        assert_true(map.bytes.at == NULL && map.bytes.size == 0 && map.id == 0);
    }
}

/* A shortened file: what is left reads as it was, the rest as zeros, and the mapping says so. */
static void test_shortened(void **state) {
    (void)state;
    size_t page = fh_os_page_bytes(), size = 8 * page + 5;
    const size_t left[] = {0, 1, page, 3 * page + 9, 8 * page, size - 1};
    for (size_t k = 0; k < 6; k++) {
        fh_test_path path = new_file("shortened", size);
        fh_os_map map;
        fh_assert_ok(fh_os_map_open(path.text, &map, NULL));
        assert_int_equal(fh_span_at(map.bytes, size - 1), pattern(size - 1));
        assert_false(fh_os_map_lost(map));
        assert_int_equal(truncate(path.text, (off_t)left[k]), 0);
        for (size_t i = size; i-- > 0;) /* from the end, so that every page faults on its own */
            assert_int_equal(fh_span_at(map.bytes, i), i < left[k] ? pattern(i) : 0);
        if (left[k] <= size - fh_os_page_bytes()) /* a page was lost: growing again does not take it back */
            assert_int_equal(truncate(path.text, (off_t)size), 0);
        assert_true(fh_os_map_lost(map));
        assert_int_equal(truncate(path.text, (off_t)size), 0);
        assert_true(fh_os_map_lost(map)); /* once said, it stays said */
        fh_os_map_close(&map);
    }
}

/* Lost is known even if nobody read the part that is gone. */
static void test_lost_unread(void **state) {
    (void)state;
    fh_test_path path = new_file("unread", 100);
    fh_os_map map;
    fh_assert_ok(fh_os_map_open(path.text, &map, NULL));
    assert_int_equal(truncate(path.text, 99), 0);
    assert_true(fh_os_map_lost(map));
    fh_os_map_close(&map);
}

static void test_removed_file_stays(void **state) {
    (void)state;
    fh_test_path path = new_file("removed", 100);
    fh_os_map map;
    fh_assert_ok(fh_os_map_open(path.text, &map, NULL));
    assert_int_equal(unlink(path.text), 0);
    assert_int_equal(fh_span_at(map.bytes, 99), pattern(99));
    assert_false(fh_os_map_lost(map));
    fh_os_map_close(&map);
}

enum { MAPS_MAX = 64 };

static void test_registry_is_full(void **state) {
    (void)state;
    fh_test_path path = new_file("many", 10);
    fh_os_map maps[MAPS_MAX + 1];
    fh_err err = {0};
    for (size_t i = 0; i < MAPS_MAX; i++)
        fh_assert_ok(fh_os_map_open(path.text, &maps[i], NULL));
    fh_assert_code(fh_os_map_open(path.text, &maps[MAPS_MAX], &err), FH_EXHAUSTED);
    fh_assert_err(&err, FH_EXHAUSTED, "64 files are mapped already");
    assert_true(maps[MAPS_MAX].id == 0);
    for (size_t i = 0; i < MAPS_MAX; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(maps[i].id != maps[k].id);

    uint64_t old_id = maps[10].id;
    fh_os_map_close(&maps[10]);
    fh_assert_ok(fh_os_map_open(path.text, &maps[10], NULL));
    assert_true(maps[10].id != old_id); /* the place is used again, the id is not */
    for (size_t i = 0; i < MAPS_MAX; i++)
        fh_os_map_close(&maps[i]);
}

static void close_twice(void *arg) {
    fh_os_map map, copy;
    fh_assert_ok(fh_os_map_open(arg, &map, NULL));
    copy = map;
    fh_os_map_close(&map);
    fh_os_map_close(&copy);
}

/* The place in the registry is somebody else's by now. */
static void close_after_reuse(void *arg) {
    fh_os_map map, copy, other;
    fh_assert_ok(fh_os_map_open(arg, &map, NULL));
    copy = map;
    fh_os_map_close(&map);
    fh_assert_ok(fh_os_map_open(arg, &other, NULL));
    fh_os_map_close(&copy);
}

static void ask_closed(void *arg) {
    fh_os_map map, copy;
    fh_assert_ok(fh_os_map_open(arg, &map, NULL));
    copy = map;
    fh_os_map_close(&map);
    (void)fh_os_map_lost(copy);
}

static void test_closed_is_closed(void **state) {
    (void)state;
    fh_test_path path = new_file("closed", 10);
    fh_assert_dies(close_twice, path.text, "e != NULL");
    fh_assert_dies(close_after_reuse, path.text, "e != NULL");
    fh_assert_dies(ask_closed, path.text, "e != NULL");
}

/* --- faults of others ------------------------------------------------------------------------------------------------- */

/* Reads a page that is gone, in a mapping that is not ours, while one of ours is open. */
static void fault_elsewhere(const char *path) {
    fh_os_map map;
    fh_assert_ok(fh_os_map_open(path, &map, NULL));
    int fd = open(path, O_RDWR);
    volatile uint8_t *mine = mmap(NULL, map.bytes.size, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(fd >= 0 && mine != MAP_FAILED);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(fh_span_at(map.bytes, 0), 0); /* ours is handled */
    (void)alarm(20);
    (void)mine[0];
}

static void fault_by_default(void *arg) {
    fault_elsewhere(arg);
}

static void leave_with_42(int sig, siginfo_t *info, void *context) {
    (void)context;
    _exit(sig == SIGBUS && info->si_addr != NULL ? 42 : 1);
}

static void fault_with_a_handler(void *arg) {
    struct sigaction theirs = {.sa_sigaction = leave_with_42, .sa_flags = SA_SIGINFO};
    (void)sigaction(SIGBUS, &theirs, NULL);
    fault_elsewhere(arg);
}

static struct sigaction ours;

/* A handler that came after ours and leaves everything to the one before it. */
static void chain_back(int sig) {
    (void)sigaction(sig, &ours, NULL);
}

/* ours, then theirs which chains to ours, then ours again which has theirs as the former one: a circle. */
static void fault_in_a_circle(void *arg) {
    fh_os_map map;
    fh_assert_ok(fh_os_map_open(arg, &map, NULL));
    struct sigaction theirs = {.sa_handler = chain_back};
    (void)sigaction(SIGBUS, &theirs, &ours);
    fh_os_map_close(&map);
    fault_elsewhere(arg);
}

static void sent_by_a_process(void *arg) {
    fh_os_map map;
    fh_assert_ok(fh_os_map_open(arg, &map, NULL));
    (void)kill(getpid(), SIGBUS);
    for (;;)
        (void)pause();
}

static void test_faults_of_others(void **state) {
    (void)state;
    fh_test_skip_on_valgrind("changes how a process ends");
    const struct {
        void (*fn)(void *arg);
        bool by_signal;
        int number;
    } rows[] = {
        {fault_by_default, true, SIGBUS},
        {fault_with_a_handler, false, 42},
        {fault_in_a_circle, true, SIGBUS},
        {sent_by_a_process, true, SIGBUS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fh_test_path path = new_file("others", 3 * fh_os_page_bytes());
        char said[1024];
        int status = fh_test_child(rows[i].fn, path.text, said, sizeof said);
        assert_string_equal(said, "");
        if (rows[i].by_signal)
            assert_true(WIFSIGNALED(status) && WTERMSIG(status) == rows[i].number);
        else
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == rows[i].number);
    }
}

/* --- threads ---------------------------------------------------------------------------------------------------------- */

static atomic_bool stop_churning;

static void *churn(void *arg) {
    while (!atomic_load(&stop_churning)) {
        fh_os_map map;
        if (fh_failed(fh_os_map_open(arg, &map, NULL)) || fh_span_at(map.bytes, 0) != pattern(0))
            return arg;
        fh_os_map_close(&map);
    }
    return NULL;
}

/* Faults are handled while another thread opens and closes mappings. */
static void test_fault_beside_changes(void **state) {
    (void)state;
    size_t page = fh_os_page_bytes(), size = 64 * page;
    fh_test_path quiet = new_file("quiet", page), loud = new_file("loud", size);
    pthread_t thread;
    atomic_store(&stop_churning, false);
    assert_int_equal(pthread_create(&thread, NULL, churn, quiet.text), 0);
    for (int round = 0; round < 30; round++) {
        fh_os_map map;
        assert_int_equal(truncate(loud.text, (off_t)size), 0);
        fh_assert_ok(fh_os_map_open(loud.text, &map, NULL));
        assert_int_equal(truncate(loud.text, 0), 0);
        for (size_t i = 0; i < size; i += page)
            assert_int_equal(fh_span_at(map.bytes, i), 0);
        assert_true(fh_os_map_lost(map));
        fh_os_map_close(&map);
    }
    void *failed = NULL;
    atomic_store(&stop_churning, true);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content),          cmocka_unit_test(test_empty),
        cmocka_unit_test(test_refused),          cmocka_unit_test(test_shortened),
        cmocka_unit_test(test_lost_unread),      cmocka_unit_test(test_removed_file_stays),
        cmocka_unit_test(test_registry_is_full), cmocka_unit_test(test_closed_is_closed),
        cmocka_unit_test(test_faults_of_others), cmocka_unit_test(test_fault_beside_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
