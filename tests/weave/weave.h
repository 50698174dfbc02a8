/* weave.h: an explorer of thread interleavings: it runs a small concurrent test in every way that the C memory model allows.
 *
 *     static box_ring ring;
 *     static void setup(fh_allocator *a) { … box_ring_new(a, 2, &ring) … }      one thread; resets all that the test uses
 *     static void producer(void) { … }                                          up to WEAVE_THREADS of these
 *     static void consumer(void) { while (box_ring_pop(ring, &x).code == FH_AGAIN) fh_pause(); WEAVE_ASSERT(x == 1); }
 *     static void check(void) { … box_ring_free(ring) … }                       one thread again, after all of them
 *
 *     int main(void) {
 *         static const weave_test tests[] = {
 *             {.name = "one by one", .setup = setup, .threads = {producer, consumer}, .check = check, .weaken = "src/mem/"},
 *         };
 *         return weave_main(tests, sizeof tests / sizeof tests[0]);
 *     }
 *
 * In CMake: fh_weave(NAME weave_ring SOURCES weave_ring.c UNDER ring.c). The files UNDER test are those of src/mem, compiled
 * once more with FH_WEAVE, so that each operation of freehold/atomic.h is a call to here.
 *
 * What it does. The threads of a test are coroutines. At each atomic operation the explorer chooses who runs next and, for a
 * load, which of the stores that a thread may still see it sees: a relaxed or acquire load may get an old value until
 * something that happened before tells better. It goes through all these choices, depth first, and replays the test for each.
 *
 * What it finds, each reported with the steps that lead there:
 *     a failed WEAVE_ASSERT or FH_ASSERT, a crash
 *     a race on plain memory, announced by FH_READS, FH_WRITES, FH_ENDS or lying in a block of the allocator that is freed;
 *     use after free, use after FH_ENDS, a second end, a block that is never freed
 *     memory of the allocator that another thread reaches without synchronisation with who allocated it
 *     a deadlock: every thread waits (has called fh_pause) for a value that nobody will store, or sleeps (fh_os_wait)
 *     an execution without end
 *
 * Planted bugs show that a test has teeth. `.weaken = "src/mem/"` runs the test once more for each memory order that it meets
 * in files of that folder, with that order alone weakened by one step: each must be found. `.spare` lists those that this test
 * cannot find, because it does not exercise them; another test of the program must find them, or the order is stronger than it
 * needs to be, which is a failure too. A test with `.finds` is a bug itself: the failure must contain that text.
 *
 * What code under test asks of os.h about threads (fh_os_wait, _wake, _nap, _exit_add) is answered for these threads.
 *
 * Rules for a test. Deterministic: no clock, no random seed, no address but those of the allocator in values. Threads share
 * memory from the allocator given to setup, or static objects that setup writes. A loop that waits calls fh_pause each time
 * round. The operands of one address have one size. Few operations: 2 threads with 10 each are quick without a bound; for
 * more, set `.preemptions` (2 or 3 find nearly everything). Memory allocated is zero, is reused last freed first, and starts
 * afresh in every execution.
 *
 * The model. Views as in the operational forms of RC11 (Lahav and others, "Repairing sequential consistency in C/C++11", PLDI
 * 2017; Kang and others, "A promising semantics", POPL 2017): each thread has, per location, the newest store that it knows; a
 * release store carries the view and vector clock of its thread, an acquire load joins them; a store may take a place before
 * stores that its thread does not know. Sequentially consistent operations also join a view that all of them share. Releases
 * go on through read-modify-writes only (C++20). weave_model.c compares this with the axioms: they agree exactly.
 *
 * Not modelled: a load that sees a store which comes later in the execution (load buffering), a weaker store that overtakes a
 * sequentially consistent operation before it, and more than three looks in a row at one outdated store: stores arrive in the
 * end.
 *
 * Reduction. Without a bound, orders of independent operations are not tried twice (sleep sets: P. Godefroid, 1996), and a load
 * that waits while a store happens is not asked again for what it would have read before. With a bound, all orders are.
 *
 * Threading: none; everything happens on one. Environment: WEAVE_TRACE=1 prints the steps of planted bugs as well. */
#ifndef FH_WEAVE_H
#define FH_WEAVE_H

#include "freehold/alloc.h"
#include "freehold/atomic.h"

enum { WEAVE_THREADS = 4, WEAVE_SPARES = 16 };

typedef struct weave_test {
    const char *name;
    void (*setup)(fh_allocator *a);
    void (*threads[WEAVE_THREADS])(void);
    void (*check)(void);  /* may be NULL */
    unsigned preemptions; /* how often, in all, a thread that could go on is interrupted, or sees an older store than the newest
                             it may; 0: as often as can be */
    const char *finds;    /* the test must fail, with a message that contains this; NULL: it must pass */
    const char *weaken;   /* part of the paths of the files whose orders are weakened in turn; NULL: none */
    const char *spare[WEAVE_SPARES]; /* "function what", as reports name them: orders that this test does not weaken */
} weave_test;

/* What an exploration came to. */
typedef struct weave_result {
    uint64_t executions; /* that ran to their end */
    uint64_t cut;        /* that turned out to repeat others */
    uint64_t steps;
    bool failed;
    char message[256];
} weave_result;

/* Runs all tests, prints a line for each and a closing line `weave: N passed, N failed`; the exit status of main. */
int weave_main(const weave_test *tests, size_t count);

/* Explores one test, without printing; orders as they are written. */
weave_result weave_explore(const weave_test *test);

/* Fails the execution unless the condition holds. */
#define WEAVE_ASSERT(condition) ((condition) ? (void)0 : weave_fail(#condition, __FILE__, __LINE__))
FH_NORETURN void weave_fail(const char *condition, const char *file, int line);

/* Memory for the test; setup gets it too. */
fh_allocator *weave_allocator(void);

#endif
