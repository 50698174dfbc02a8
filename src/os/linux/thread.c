/* thread.c: a thread of its own for whoever needs one (os.h).
 *
 * It receives no signal but those of its own faults: an interrupt must reach a thread that waits for it.
 * Threading: any thread. */
#define _GNU_SOURCE 1

#include <pthread.h>
#include <signal.h>

#include "os/linux/linux.h"

struct fh_os_thread {
    void (*run)(fh_mut fh_view(1) void *ctx);
    void *ctx;
    pthread_t thread;
};

static void *begin(void *arg) {
    fh_os_thread *t = arg;
    t->run(t->ctx);
    return NULL;
}

static bool start(fh_os_thread *t) {
    sigset_t blocked, before;
    FH_UNSAFE("os-call");
    sigfillset(&blocked);
    const int faults[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&blocked, faults[i]);
    FH_ASSERT(pthread_sigmask(SIG_SETMASK, &blocked, &before) == 0);
    bool ok = pthread_create(&t->thread, NULL, begin, t) == 0;
    FH_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return ok;
}

fh_status fh_os_thread_start(void (*run)(fh_mut fh_view(1) void *ctx), void *ctx, fh_os_thread **out) {
    void *at;
    *out = NULL;
    FH_TRY(fh_linux_take_pages(sizeof(fh_os_thread), &at));
    FH_UNSAFE("os-call");
    fh_os_thread *t = at;
    t->run = run;
    t->ctx = ctx;
    if (!start(t)) {
        fh_linux_drop_pages(t, sizeof *t);
        return FH_STATUS(FH_NOMEM);
    }
    (void)pthread_setname_np(t->thread, "freehold");
    *out = t;
    return FH_DONE;
}

void fh_os_thread_join(fh_os_thread *t) {
    if (t == NULL)
        return;
    FH_UNSAFE("os-call");
    FH_ASSERT(pthread_join(t->thread, NULL) == 0);
    fh_linux_drop_pages(t, sizeof *t);
}
