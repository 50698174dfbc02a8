/* weave_os.c: what code under test asks of the operating system about threads, for the explorer's threads: sleeping at a word
 * and being woken, naps, barriers, and what is to be done when a thread ends.
 *
 * These are the functions of os.h themselves: a program of the explorer links them instead of the library's. A lost wake-up
 * shows as a deadlock. A sleeper may wake once for no reason.
 *
 * Threading: none (weave.h). */
#include "freehold/os.h"
#include "weave_engine.h"

static fh_os_exit *exits[THREADS];

/* No signal comes. */
bool fh_os_wait(const uint32_t *word, uint32_t seen) {
    weave_sleep((weave_site){__FILE__, __func__, "sleep", __LINE__}, word, seen);
    return false;
}

bool fh_os_wait_for(const uint32_t *word, uint32_t seen, uint64_t time_ns) {
    (void)time_ns; /* it never ends by itself: who relies on that is in a deadlock */
    return fh_os_wait(word, seen);
}

void fh_os_wake(const uint32_t *word, unsigned count) {
    weave_wake((weave_site){__FILE__, __func__, "wake", __LINE__}, word, count);
}

void fh_os_nap(uint64_t time_ns) {
    (void)time_ns;
    weave_pause();
}

fh_status fh_os_exit_add(fh_os_exit *e) {
    e->next = exits[weave_me];
    e->link = &exits[weave_me];
    if (e->next != NULL)
        e->next->link = &e->next;
    exits[weave_me] = e;
    return FH_DONE;
}

void fh_os_exit_remove(fh_os_exit *e) {
    if (e->link == NULL)
        return;
    *e->link = e->next;
    if (e->next != NULL)
        e->next->link = e->link;
    e->link = NULL;
}

fh_status fh_os_barrier_enable(void) {
    return FH_DONE;
}

void fh_os_barrier_all(void) {
    weave_fence_all();
}

void weave_exit(void) {
    for (fh_os_exit *e = exits[weave_me]; e != NULL; e = exits[weave_me]) {
        fh_os_exit_remove(e);
        e->fn(e);
    }
}

void weave_os_reset(void) {
    for (unsigned t = 0; t < THREADS; t++)
        exits[t] = NULL;
}
