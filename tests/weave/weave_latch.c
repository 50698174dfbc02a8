/* weave_latch.c: a count of what is open, and who waits for its end and frees it (mem/sync/latch.h): a wake that is lost is a
 * deadlock, a look at the count after the last close a use after free. */
#include "weave.h"

#include "freehold/os.h"
#include "mem/sync/latch.h"

enum { CLOSERS = 2 };

typedef struct house {
    uint32_t open, changes; /* changes: a planted bug's */
    uint64_t left[CLOSERS]; /* plain memory: what each leaves behind */
} house;

static house *h;
static fh_allocator *memory;

static void setup(fh_allocator *a) {
    memory = a;
    h = fh_alloc(memory, 1, sizeof *h);
    WEAVE_ASSERT(h != NULL);
    for (int i = 0; i < CLOSERS; i++)
        fh_latch_open(&h->open);
}

static void leave_something(int i) {
    FH_WRITES(&h->left[i], sizeof h->left[i]);
    h->left[i] = 1;
}

static void close_0(void) {
    leave_something(0);
    fh_latch_close(&h->open);
}
static void close_1(void) {
    leave_something(1);
    fh_latch_close(&h->open);
}

static void end_house(void) {
    for (int i = 0; i < CLOSERS; i++) {
        FH_READS(&h->left[i], sizeof h->left[i]);
        WEAVE_ASSERT(h->left[i] == 1);
    }
    fh_free(memory, h);
}

static void wait_and_end(void) {
    WEAVE_ASSERT(fh_latch_wait(&h->open));
    end_house();
}

/* --- bugs ----------------------------------------------------------------------------------------------------------------- */

/* The close is told of by a second word. */
static void close_and_count(int i) {
    leave_something(i);
    (void)fh_fetch_sub(&h->open, 1, FH_ACQ_REL);
    (void)fh_fetch_add(&h->changes, 1, FH_RELEASE);
    fh_os_wake(&h->changes, UINT32_MAX);
}

static void count_0(void) {
    close_and_count(0);
}
static void count_1(void) {
    close_and_count(1);
}

static void wait_for_changes(void) {
    for (;;) {
        uint32_t seen = fh_load(&h->changes, FH_ACQUIRE);
        if (fh_load(&h->open, FH_ACQUIRE) == 0)
            break;
        fh_os_wait(&h->changes, seen);
    }
    end_house();
}

static void close_silently(void) {
    leave_something(1);
    (void)fh_fetch_sub(&h->open, 1, FH_RELEASE);
}

int main(void) {
    static const weave_test tests[] = {
        {.name = "latch: two closers and who waits", .setup = setup, .threads = {close_0, close_1, wait_and_end},
         .weaken = "sync/latch.h"},
        {.name = "latch: a close in two steps", .setup = setup, .threads = {count_0, count_1, wait_for_changes},
         .preemptions = 2, .finds = "free: race with an access"},
        {.name = "latch: a close that wakes nobody", .setup = setup, .threads = {close_0, close_silently, wait_and_end},
         .finds = "deadlock"},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
