/* thread_exit.c: what is done when a thread ends.
 *
 * Each thread has a list of entries, which lie in their users' storage; the destructor of one thread-specific key works it off.
 * An entry may be removed by another thread, and its storage may go right after that, so one lock guards all lists and is held
 * while fn runs: who removes an entry waits for its fn. All of this happens once in a thread's life, never on a fast path.
 *
 * Invariant: thread-exit: an entry is on the list of one thread that has not ended, and *entry->link is the entry; or it is on
 * no list and link is NULL.
 *
 * Threading: any thread. */
#include <pthread.h>

#include "freehold/os.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_error;

/* glibc keeps a thread's variables until the destructors of its keys have run. */
static _Thread_local fh_os_exit *first;

static void take_out(fh_os_exit *e) {
    FH_UNSAFE("thread-exit");
    *e->link = e->next;
    if (e->next != NULL)
        e->next->link = e->link;
    e->next = NULL;
    e->link = NULL;
}

static void run_all(void *list) {
    fh_os_exit **head = list;
    FH_UNSAFE("os-call");
    FH_ASSERT(pthread_mutex_lock(&lock) == 0);
    while (*head != NULL) {
        fh_os_exit *e = *head;
        take_out(e);
        e->fn(e);
    }
    FH_ASSERT(pthread_mutex_unlock(&lock) == 0);
}

static void make_key(void) {
    FH_UNSAFE("os-call");
    key_error = pthread_key_create(&key, run_all);
}

fh_status fh_os_exit_add(fh_os_exit *e) {
    FH_UNSAFE("os-call");
    FH_ASSERT(e->link == NULL && pthread_once(&once, make_key) == 0);
    if (key_error != 0 || pthread_setspecific(key, &first) != 0)
        return FH_STATUS(FH_NOMEM);
    FH_ASSERT(pthread_mutex_lock(&lock) == 0);
    FH_UNSAFE("thread-exit");
    e->next = first;
    e->link = &first;
    if (first != NULL)
        first->link = &e->next;
    first = e;
    FH_ASSERT(pthread_mutex_unlock(&lock) == 0);
    return FH_DONE;
}

void fh_os_exit_remove(fh_os_exit *e) {
    FH_UNSAFE("os-call");
    FH_ASSERT(pthread_mutex_lock(&lock) == 0);
    if (e->link != NULL)
        take_out(e);
    FH_ASSERT(pthread_mutex_unlock(&lock) == 0);
}
