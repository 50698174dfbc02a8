/* interrupt.c: Ctrl-C as a number to look at.
 *
 * A running generation looks at the count and stops in good order; a second interrupt within a second means "now", and ends
 * the process by the signal's default action. The handler is installed without SA_RESTART, so a waiting read comes back.
 *
 * Threading: fh_os_interrupt_watch once, on the main thread; the count from anywhere. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

#include "os/linux/linux.h"

static atomic_uint counted;
static _Atomic uint64_t last_ns;

static void on_interrupt(int sig) {
    FH_UNSAFE("os-call");
    int saved = errno;
    uint64_t now = fh_os_clock_ns(), last = atomic_exchange(&last_ns, now);
    if (atomic_fetch_add(&counted, 1) > 0 && now - last < UINT64_C(1000000000)) {
        struct sigaction standard = {.sa_handler = SIG_DFL};
        (void)sigaction(sig, &standard, NULL);
        (void)raise(sig); /* delivered when this handler returns */
    }
    errno = saved;
}

void fh_os_interrupt_watch(void) {
    struct sigaction ours = {.sa_handler = on_interrupt};
    FH_UNSAFE("os-call");
    sigemptyset(&ours.sa_mask);
    sigaddset(&ours.sa_mask, SIGINT);
    sigaddset(&ours.sa_mask, SIGTERM);
    FH_ASSERT(sigaction(SIGINT, &ours, NULL) == 0);
    FH_ASSERT(sigaction(SIGTERM, &ours, NULL) == 0);
}

unsigned fh_os_interrupts(void) {
    return atomic_load(&counted);
}

bool fh_linux_interrupted_since(unsigned before) {
    return fh_os_interrupts() != before;
}
