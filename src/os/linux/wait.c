/* wait.c: sleeping until a word changes.
 *
 * A futex: the kernel compares the word with what the caller has seen and goes to sleep in one step, so a change between the
 * caller's look and its sleep is not lost.
 *
 * Invariant wait-word: the word is four aligned bytes that live as long as somebody may wait at them; the kernel only reads
 * them. Threading: any thread. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/linux/linux.h"

#define AGES_NS (UINT64_C(1) << 62) /* 146 years */

bool fh_os_wait_for(const uint32_t *word, uint32_t seen, uint64_t time_ns) {
    FH_UNSAFE("wait-word");
    int saved = errno;
    struct timespec t = {(time_t)(time_ns / 1000000000), (long)(time_ns % 1000000000)};
    long found = syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, &t, NULL, 0); /* after any return the caller looks again */
    bool interrupted = found < 0 && errno == EINTR;
    errno = saved;
    return interrupted;
}

/* With a time all the same: without one the system begins the wait anew after a signal whose handler says so (SA_RESTART), and
 * nobody would hear of it. */
bool fh_os_wait(const uint32_t *word, uint32_t seen) {
    return fh_os_wait_for(word, seen, AGES_NS);
}

void fh_os_wake(const uint32_t *word, unsigned count) {
    int saved = errno;
    FH_UNSAFE("wait-word");
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count < INT_MAX ? (int)count : INT_MAX, NULL, NULL, 0);
    errno = saved;
}

void fh_os_nap(uint64_t time_ns) {
    FH_UNSAFE("os-call");
    int saved = errno;
    struct timespec t = {(time_t)(time_ns / 1000000000), (long)(time_ns % 1000000000)};
    (void)nanosleep(&t, NULL);
    errno = saved;
}
