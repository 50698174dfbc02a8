/* test_interrupt.c: the first interrupt is counted, the second within a second ends the process. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "freehold/os.h"

static void one(void *arg) {
    fh_os_interrupt_watch();
    if (fh_os_interrupts() != 0)
        _exit(1);
    (void)raise(*(int *)arg);
    _exit(fh_os_interrupts() == 1 ? 42 : 2);
}

static void two_at_once(void *arg) {
    fh_os_interrupt_watch();
    (void)raise(SIGINT);
    (void)raise(*(int *)arg);
    _exit(3);
}

static void two_apart(void *arg) {
    fh_os_interrupt_watch();
    (void)raise(SIGINT);
    (void)usleep(1100000);
    (void)raise(*(int *)arg);
    _exit(fh_os_interrupts() == 2 ? 42 : 4);
}

static void test_interrupts(void **state) {
    (void)state;
    int signals[] = {SIGINT, SIGTERM};
    const struct {
        void (*fn)(void *arg);
        bool ends;
    } rows[] = {{one, false}, {two_at_once, true}, {two_apart, false}};
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 2; k++) {
            char said[256];
            int status = fh_test_child(rows[i].fn, &signals[k], said, sizeof said);
            if (rows[i].ends)
                assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signals[k]);
            else
                assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
        }
    assert_int_equal(fh_os_interrupts(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_interrupts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
