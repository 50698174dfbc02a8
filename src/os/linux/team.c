/* team.c: a team of threads behind fh_par.
 *
 * A job is `width` parts. Its parts are claimed one by one from a ticket, a single atomic word {epoch, next part}: the caller
 * has part 0 from the start, and every thread that arrives, the caller included, takes what is left. So a worker that has not
 * woken up costs nothing: the caller runs its part. That is what keeps a team from collapsing on a busy machine, where a
 * barrier over a fixed assignment waits for the one thread that the scheduler has put aside.
 *
 *     publish   fn, arg, left = width, then ticket = {epoch + 1, 1}, then doorbell = epoch + 1
 *     claim     compare-and-swap ticket {e, k} to {e, k + 1} while k < width
 *     finish    left -= 1; who makes it 0 wakes the caller if it sleeps
 *
 * Invariants: team-claim: part k of epoch e is claimed by exactly one thread, because the epoch is inside the word that is
 * swapped: a thread that is late by a job fails its swap; fn and arg stay as they are from a claim to its finish, because the
 * caller publishes only when `left` is 0; the ticket's epoch has 32 bits, and a thread would have to sleep between one load and
 * one swap for exactly 2^32 jobs to be fooled.
 * team-sleep: a worker counts itself into `sleepers` before it looks at the doorbell for the last time, the caller rings before
 * it looks at `sleepers`; both in the one total order of sequentially consistent operations, so one of them sees the other.
 *
 * Waiting is a short spin and then a futex. The spin is measured in time once a team, and is 0 where the threads outnumber the
 * processors.
 *
 * Threading: fh_team_par's `run` on one thread at a time. A team does not survive fork. */
#define _GNU_SOURCE 1

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "os/float.h"
#include "os/linux/linux.h"

enum { THREADS_MAX = 256, SPIN_NS = 4000, LINE_BYTES = 64 };

/* Set in `left` by a caller that is about to sleep. */
#define CALLER_SLEEPS UINT32_C(0x80000000)

struct fh_team {
    fh_par par;
    unsigned started, spins;
    pthread_t threads[THREADS_MAX];

    /* The job; see team-claim. */
    _Alignas(LINE_BYTES) fh_par_fn *fn;
    void *arg;
    atomic_bool running, stop;
    atomic_int caller_cpu; /* where the caller was when it published */

    _Alignas(LINE_BYTES) _Atomic uint64_t ticket;
    _Alignas(LINE_BYTES) _Atomic uint32_t doorbell;
    _Atomic uint32_t sleepers;
    _Alignas(LINE_BYTES) _Atomic uint32_t left;
};

void fh_os_float_state(void) {
    fh_float_write(FH_FLOAT_FIXED);
}

/* --- waiting ---------------------------------------------------------------------------------------------------------- */

static inline void pause_once(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

static void sleep_at(const void *word, uint32_t seen) {
    FH_UNSAFE("team-sleep");
    fh_os_wait(word, seen); /* every return, also a false one, looks again */
}

static void wake_at(const void *word, unsigned count) {
    FH_UNSAFE("team-sleep");
    fh_os_wake(word, count);
}

/* How many pauses take SPIN_NS: a pause is 10 cycles on one processor and 140 on the next. The fastest of a few short runs
 * counts, because a run may be interrupted. */
static unsigned calibrate_spins(unsigned threads) {
    enum { PAUSES = 64, RUNS = 5 };
    if (threads > fh_os_cpus())
        return 0;
    uint64_t fastest = UINT64_MAX;
    for (int run = 0; run < RUNS; run++) {
        uint64_t start = fh_os_clock_ns();
        for (int i = 0; i < PAUSES; i++)
            pause_once();
        uint64_t took = fh_os_clock_ns() - start;
        fastest = took < fastest ? took : fastest;
    }
    return (unsigned)((uint64_t)SPIN_NS * PAUSES / (fastest + 1)) + 1;
}

/* --- a job ------------------------------------------------------------------------------------------------------------ */

/* Runs parts of the present job until none is unclaimed. */
static void claim_and_run(fh_team *team) {
    unsigned width = team->par.width;
    uint64_t ticket = atomic_load(&team->ticket);
    while ((uint32_t)ticket < width) {
        if (!atomic_compare_exchange_weak(&team->ticket, &ticket, ticket + 1))
            continue;
        team->fn(team->arg, (uint32_t)ticket, width);
        if (atomic_fetch_sub(&team->left, 1) == (CALLER_SLEEPS | 1))
            wake_at(&team->left, 1);
        ticket = atomic_load(&team->ticket);
    }
}

/* Waits until every claimed part has returned. */
static void wait_for_parts(fh_team *team) {
    uint32_t left = atomic_load(&team->left);
    for (unsigned i = 0; left != 0 && i < team->spins; i++) {
        pause_once();
        left = atomic_load(&team->left);
    }
    while ((left & ~CALLER_SLEEPS) != 0) {
        left = atomic_fetch_or(&team->left, CALLER_SLEEPS) | CALLER_SLEEPS;
        if (left != CALLER_SLEEPS)
            sleep_at(&team->left, left);
        left = atomic_load(&team->left);
    }
}

static void run(void *ctx, fh_par_fn *fn, void *arg) {
    fh_team *team = ctx;
    unsigned width = team->par.width;
    FH_ASSERT(!atomic_exchange(&team->running, true)); /* one job at a time, and none from inside a part */
    fh_float_state state = fh_float_read();
    fh_os_float_state();

    team->fn = fn;
    team->arg = arg;
    atomic_store_explicit(&team->caller_cpu, sched_getcpu(), memory_order_relaxed);
    atomic_store(&team->left, width);
    uint32_t epoch = atomic_load_explicit(&team->doorbell, memory_order_relaxed) + 1;
    atomic_store(&team->ticket, (uint64_t)epoch << 32 | 1);
    atomic_store(&team->doorbell, epoch);
    if (atomic_load(&team->sleepers) != 0)
        wake_at(&team->doorbell, width - 1);

    fn(arg, 0, width);
    atomic_fetch_sub(&team->left, 1);
    claim_and_run(team);
    wait_for_parts(team);

    fh_float_write(state);
    atomic_store(&team->running, false);
}

/* Waits until the doorbell shows another number than `seen` and returns it. */
static uint32_t wait_for_doorbell(fh_team *team, uint32_t seen) {
    uint32_t now = atomic_load(&team->doorbell);
    for (unsigned i = 0; now == seen && i < team->spins; i++) {
        pause_once();
        now = atomic_load(&team->doorbell);
    }
    if (now != seen)
        return now;
    atomic_fetch_add(&team->sleepers, 1);
    while ((now = atomic_load(&team->doorbell)) == seen)
        sleep_at(&team->doorbell, seen);
    atomic_fetch_sub(&team->sleepers, 1);
    return now;
}

/* How often a worker has found itself on the caller's processor in a row, and how often it bears that. */
typedef struct manners {
    unsigned met, patience;
} manners;

enum { PATIENCE_FIRST = 8, PATIENCE_LAST = 1024 };

/* Moves the calling worker to another processor when it keeps meeting the caller on its own. Where every processor has other
 * work, the kernel likes to wake a worker beside its waker; there the two can only take turns, and since neither runs for long,
 * no balancing would ever part them. The affinity mask is what it was afterwards, and patience doubles, so that a kernel with
 * reasons of its own is not fought. */
static void step_aside(fh_team *team, manners *m) {
    int cpu = atomic_load_explicit(&team->caller_cpu, memory_order_relaxed);
    if (cpu != sched_getcpu() || team->spins == 0) {
        m->met = 0;
        return;
    }
    if (++m->met < m->patience)
        return;
    m->met = 0;
    m->patience = m->patience < PATIENCE_LAST ? 2 * m->patience : PATIENCE_LAST;

    cpu_set_t mine, others;
    FH_UNSAFE("os-call");
    if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof mine, &mine) != 0)
        return;
    others = mine;
    CPU_CLR((unsigned)cpu, &others);
    if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0)
        (void)sched_setaffinity(0, sizeof mine, &mine);
}

static void *worker(void *arg) {
    fh_team *team = arg;
    uint32_t seen = 0;
    manners m = {0, PATIENCE_FIRST};
    fh_os_float_state();
    while (!atomic_load(&team->stop)) {
        step_aside(team, &m);
        claim_and_run(team);
        seen = wait_for_doorbell(team, seen);
    }
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------------------------------- */

/* Starts a worker that receives no signal but those of its own faults: an interrupt must reach a thread that waits in a
 * system call, and a lost page of a mapping must be handled where it is read. */
static bool start_worker(fh_team *team) {
    sigset_t blocked, before;
    FH_UNSAFE("os-call");
    sigfillset(&blocked);
    const int faults[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&blocked, faults[i]);
    FH_ASSERT(pthread_sigmask(SIG_SETMASK, &blocked, &before) == 0);
    bool ok = pthread_create(&team->threads[team->started], NULL, worker, team) == 0;
    FH_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (ok)
        (void)pthread_setname_np(team->threads[team->started++], "fh-team");
    return ok;
}

fh_status fh_team_new(unsigned threads, fh_team **out) {
    *out = NULL;
    if (threads > THREADS_MAX)
        return FH_STATUS(FH_INVALID);
    if (threads == 0) {
        unsigned cpus = fh_os_cpus();
        threads = cpus < THREADS_MAX ? cpus : THREADS_MAX;
    }
    void *at;
    FH_TRY(fh_linux_take_pages(sizeof(fh_team), &at));
    FH_UNSAFE("team-claim");
    fh_team *team = at;
    team->par = (fh_par){team, threads, run};
    team->spins = threads > 1 ? calibrate_spins(threads) : 0;
    atomic_store(&team->caller_cpu, -1);
    atomic_store(&team->ticket, threads); /* epoch 0: nothing to claim */
    while (team->started + 1 < threads) {
        if (!start_worker(team)) {
            fh_team_free(team);
            return FH_STATUS(FH_NOMEM);
        }
    }
    *out = team;
    return FH_DONE;
}

void fh_team_free(fh_team *team) {
    if (team == NULL)
        return;
    FH_ASSERT(!atomic_load(&team->running));
    atomic_store(&team->stop, true);
    atomic_fetch_add(&team->doorbell, 1);
    wake_at(&team->doorbell, UINT_MAX);
    FH_UNSAFE("os-call");
    for (unsigned i = 0; i < team->started; i++)
        FH_ASSERT(pthread_join(team->threads[i], NULL) == 0);
    fh_linux_drop_pages(team, sizeof *team);
}

const fh_par *fh_team_par(fh_team *team) {
    return &team->par;
}
