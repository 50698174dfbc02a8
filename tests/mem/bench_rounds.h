/* bench_rounds.h: one benchmark program that measures many contestants in turn, so that they meet the same weather.
 *
 * The program starts itself again for each contestant, with the contestant's allocator preloaded where it is one, and does
 * that once a round: a b c, b c a, c a b … A started program measures every workload (its own least of some repetitions) and
 * prints a line a figure. What is shown is the median over the rounds, the range, and the median of the ratios that each
 * round gave to one contestant: on a machine that is busy with other things, ratios within a round outlive the weather.
 *
 * Threading: the parent has one thread; a child has what its workloads start. */
#ifndef FH_BENCH_ROUNDS_H
#define FH_BENCH_ROUNDS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "freehold/atomic.h"

enum { BENCH_COLUMNS_MAX = 16, BENCH_ROWS_MAX = 32, BENCH_ROUNDS_MAX = 101, BENCH_REPEATS = 15 };

/* Something that is measured in a process of its own. */
typedef struct bench_contestant {
    const char *mode;    /* what the started program is told; also the row's name until it gives a better one */
    const char *library; /* to be preloaded, or NULL */
    const char *symbol;  /* a function of the library: if it is not there, the library is not installed */
    const char *package; /* that has it, for the reader who wants it */
} bench_contestant;

/* The C library's allocator and the peers that may be preloaded: the first rows of a list of contestants. */
#define BENCH_ALLOCATORS                                                       \
    {"glibc", NULL, NULL, NULL},                                               \
    {"mimalloc", "libmimalloc.so.2", "mi_malloc", "libmimalloc2.0"},           \
    {"jemalloc", "libjemalloc.so.2", "mallctl", "libjemalloc2"},               \
    {"tcmalloc", "libtcmalloc_minimal.so.4", "tc_malloc", "libtcmalloc-minimal4"}

/* A target: the ratio of two rows in some columns. */
typedef struct bench_target {
    const char *what, *row, *to;
    const char *columns; /* names, divided by blanks */
    double most;         /* ratio; below 0: the ratio must be at least -most */
    double less_than;    /* if not 0: row - to must be at most this, in the unit of the table */
} bench_target;

typedef struct bench_plan {
    const char *name, *summary, *unit;
    const char *columns[BENCH_COLUMNS_MAX]; /* ends with NULL */
    const bench_contestant *contestants;    /* ends with a NULL mode */
    const bench_target *targets;            /* ends with a NULL what */
    const char *base;                       /* the row that ratios are to */
    const char *outside;                    /* NULL, or an option that names a program which prints lines as a child does */
    void (*measure)(const char *mode);      /* in a child */
} bench_plan;

/* The whole program. */
int bench_main(const bench_plan *plan, int argc, char **argv);

/* For children: one figure. */
void bench_emit(const char *row, const char *column, double value);
/* Nanoseconds now. */
uint64_t bench_now(void);
/* A loop to be timed: `count` times whatever it does. */
typedef void bench_loop(void *ctx, uint64_t count);
/* The least of BENCH_REPEATS runs, after one that does not count, in nanoseconds for one of `count`. Runs are short, a
 * millisecond or so: one of them meets a quiet moment. */
double bench_least(bench_loop *fn, void *ctx, uint64_t count);
/* The same for several loops whose runs alternate, for differences that are small beside the weather. */
void bench_least_each(size_t loops, bench_loop *const *fns, void *const *ctxs, uint64_t count, double *out);
/* Ends the program with a message. */
_Noreturn void bench_die(const char *what);

/* One turn of waiting for another thread, which on a busy machine may have been put aside. True if it has been a while: a
 * thread of a program would sleep now. */
static inline bool bench_wait(unsigned *turns) {
    bool is_long = ++*turns % 64 == 0;
    if (is_long)
        (void)sched_yield();
    else
        fh_pause();
    return is_long;
}

/* The value is used, and memory may have changed: nothing is optimised away across it. */
#define BENCH_KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

#endif
