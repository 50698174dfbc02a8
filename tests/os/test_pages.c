/* test_pages.c: address space, and the memory behind it. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "os/linux/linux.h"

enum { PAGES = 64 };

static void test_page_size(void **state) {
    (void)state;
    size_t page = fh_os_page_bytes();
    assert_true(page >= 4096 && (page & (page - 1)) == 0);
}

static void test_life_of_a_reservation(void **state) {
    (void)state;
    size_t page = fh_os_page_bytes();
    void *at = NULL;
    fh_assert_ok(fh_os_reserve(PAGES * page, &at));
    uint8_t *bytes = at;

    fh_assert_ok(fh_os_commit(bytes + page, 4 * page));
    fh_os_prefer_huge(bytes + page, 4 * page);
    for (size_t i = 0; i < 4 * page; i++)
        assert_int_equal(bytes[page + i], 0);
    memset(bytes + page, 0x5a, 4 * page);

    fh_assert_ok(fh_os_decommit(bytes + 2 * page, 2 * page));
    assert_int_equal(bytes[2 * page - 1], 0x5a);
    assert_int_equal(bytes[2 * page], 0);
    assert_int_equal(bytes[4 * page - 1], 0);
    assert_int_equal(bytes[4 * page], 0x5a);
    bytes[2 * page] = 7; /* still writable */

    fh_assert_ok(fh_os_commit(bytes + page, 4 * page)); /* committing again keeps the content */
    assert_int_equal(bytes[2 * page], 7);
    fh_assert_ok(fh_os_forbid(bytes + 2 * page, page));
    assert_int_equal(bytes[4 * page], 0x5a);
    fh_assert_ok(fh_os_commit(bytes + 2 * page, page));
    assert_int_equal(bytes[2 * page], 0); /* its memory was given back */
    fh_os_release(at, PAGES * page);
    fh_os_release(NULL, page);
}

static void read_uncommitted(void *arg) {
    void *at = NULL;
    (void)arg;
    if (fh_failed(fh_os_reserve(fh_os_page_bytes(), &at)))
        return;
    *(volatile uint8_t *)at;
}

static void read_forbidden(void *arg) {
    void *at = NULL;
    (void)arg;
    size_t page = fh_os_page_bytes();
    if (!fh_failed(fh_os_reserve(page, &at)) && !fh_failed(fh_os_commit(at, page)) && !fh_failed(fh_os_forbid(at, page)))
        *(volatile uint8_t *)at;
}

static void test_reserved_only_traps(void **state) {
    (void)state;
    fh_test_skip_on_valgrind("changes how a process ends");
    char said[256];
    int status = fh_test_child(read_uncommitted, NULL, said, sizeof said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    status = fh_test_child(read_forbidden, NULL, said, sizeof said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* What no machine has is refused, with the output NULL. */
static void test_too_much(void **state) {
    (void)state;
    fh_test_skip_on_valgrind("refuses such a mapping for another reason");
    int something;
    void *at = &something;
    fh_assert_code(fh_os_reserve(SIZE_MAX - (fh_os_page_bytes() - 1), &at), FH_NOMEM);
    assert_null(at);
}

static void reserve_odd(void *arg) {
    void *at;
    fh_status s = fh_os_reserve(*(size_t *)arg, &at);
    assert_true(fh_failed(s));
}

static void commit_odd(void *arg) {
    void *at;
    fh_assert_ok(fh_os_reserve(fh_os_page_bytes(), &at));
    fh_status s = fh_os_commit((uint8_t *)at + *(size_t *)arg, fh_os_page_bytes());
    assert_true(fh_failed(s));
}

static void decommit_odd(void *arg) {
    void *at;
    fh_assert_ok(fh_os_reserve(fh_os_page_bytes(), &at));
    fh_status s = fh_os_decommit(at, *(size_t *)arg);
    assert_true(fh_failed(s));
}

static void release_odd(void *arg) {
    void *at;
    fh_assert_ok(fh_os_reserve(fh_os_page_bytes(), &at));
    fh_os_release(at, *(size_t *)arg);
}

static void test_whole_pages_only(void **state) {
    (void)state;
    size_t numbers[] = {0, 1, fh_os_page_bytes() - 1, fh_os_page_bytes() + 1};
    for (size_t i = 0; i < 4; i++) {
        fh_assert_dies(reserve_odd, &numbers[i], "is_whole_pages");
        fh_assert_dies(decommit_odd, &numbers[i], "is_whole_pages");
        fh_assert_dies(release_odd, &numbers[i], "is_whole_pages");
        if (numbers[i] != 0)
            fh_assert_dies(commit_odd, &numbers[i], "is_whole_pages");
    }
}

/* This folder's own storage. Where a commit is refused (a limit on data; sanitizers need theirs), nothing stays behind. */
FH_UNUSED static void take_with_little(void *arg) {
    (void)arg;
    struct rlimit little = {1 << 20, 1 << 20};
    void *at = &little;
    if (setrlimit(RLIMIT_DATA, &little) != 0)
        return;
    if (fh_linux_take_pages((size_t)64 << 20, &at).code == FH_NOMEM && at == NULL)
        raise(SIGUSR1);
}

static void test_own_storage(void **state) {
    (void)state;
    const size_t sizes[] = {1, fh_os_page_bytes(), fh_os_page_bytes() + 1, 100000};
    for (size_t i = 0; i < 4; i++) {
        void *at;
        fh_assert_ok(fh_linux_take_pages(sizes[i], &at));
        uint8_t *bytes = at;
        assert_true(bytes[0] == 0 && bytes[sizes[i] - 1] == 0);
        memset(bytes, 1, sizes[i]);
        fh_linux_drop_pages(at, sizes[i]);
    }
#ifndef FH_TEST_SANITIZED
    fh_test_skip_on_valgrind("it has no limit on data");
    char said[64];
    int status = fh_test_child(take_with_little, NULL, said, sizeof said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_size), cmocka_unit_test(test_life_of_a_reservation),
        cmocka_unit_test(test_reserved_only_traps), cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_whole_pages_only),    cmocka_unit_test(test_own_storage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
