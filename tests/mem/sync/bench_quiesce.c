/* bench_quiesce.c: what protecting a read costs the reader, and what reclaiming costs the writer.
 *
 *     reader   nanoseconds to find an object and read a word of it: unprotected, with a quiescent point every 64 reads, in a
 *              section of a domain with barriers (plain stores) and of one with fences; under a shared count, a mutex and a
 *              read-write lock
 *     writer   nanoseconds to retire something and come to a quiescent point, in both kinds of domain, one at a time and 64
 *              at a time, while another member reads on another thread
 *
 * Each way has its turn in each of several rounds; figures are medians of the rounds, processor time for the reader and wall
 * time for the writer. */
#define _GNU_SOURCE 1

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "freehold/quiesce.h"

enum { ROUNDS = 11, READS = 1 << 20, RETIRES = 1 << 15, POINT_EVERY = 64 };

typedef struct object {
    uint64_t word, count;
} object;

static object *shared;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static fh_quiesce *fenced, *barriers;
static fh_quiesce_member *in_fenced, *in_barriers;

static void die(const char *what) {
    fprintf(stderr, "bench_quiesce: %s\n", what);
    exit(1);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}

static double thread_ns(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
        die("no clock");
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* --- the reader ------------------------------------------------------------------------------------------------------- */

static inline uint64_t look(void) {
    return fh_load(&shared, FH_ACQUIRE)->word;
}

/* The same machine code for the next two, since an alignment can double what a short loop takes. */
FH_ATTR(noinline) static uint64_t look_on(void) {
    uint64_t sum = 0;
    for (size_t k = 0; k < POINT_EVERY; k++)
        sum += look();
    return sum;
}

static uint64_t unprotected(void) {
    uint64_t sum = 0;
    for (size_t i = 0; i < READS; i += POINT_EVERY)
        sum += look_on();
    return sum;
}

static uint64_t points(void) {
    uint64_t sum = 0;
    fh_quiesce_online(in_fenced);
    for (size_t i = 0; i < READS; i += POINT_EVERY) {
        sum += look_on();
        fh_quiesce_here(in_fenced);
    }
    fh_quiesce_offline(in_fenced);
    return sum;
}

static inline uint64_t sections(fh_quiesce_member *me) {
    uint64_t sum = 0;
    for (size_t i = 0; i < READS; i++) {
        fh_quiesce_online(me);
        sum += look();
        fh_quiesce_offline(me);
    }
    return sum;
}

static uint64_t with_barriers(void) {
    return sections(in_barriers);
}

static uint64_t with_fences(void) {
    return sections(in_fenced);
}

static uint64_t counted(void) {
    uint64_t sum = 0;
    for (size_t i = 0; i < READS; i++) {
        object *o = fh_load(&shared, FH_ACQUIRE);
        fh_fetch_add(&o->count, 1, FH_ACQUIRE);
        sum += o->word;
        fh_fetch_sub(&o->count, 1, FH_RELEASE);
    }
    return sum;
}

static uint64_t under_mutex(void) {
    uint64_t sum = 0;
    for (size_t i = 0; i < READS; i++) {
        pthread_mutex_lock(&mutex);
        sum += look();
        pthread_mutex_unlock(&mutex);
    }
    return sum;
}

static uint64_t under_rwlock(void) {
    uint64_t sum = 0;
    for (size_t i = 0; i < READS; i++) {
        pthread_rwlock_rdlock(&rwlock);
        sum += look();
        pthread_rwlock_unlock(&rwlock);
    }
    return sum;
}

static const struct {
    const char *name;
    uint64_t (*read)(void);
} ways[] = {{"unprotected", unprotected},
            {"quiescent point every 64", points},
            {"section, barrier", with_barriers},
            {"section, full fence", with_fences},
            {"shared count", counted},
            {"mutex", under_mutex},
            {"read-write lock", under_rwlock}};
enum { WAYS = sizeof ways / sizeof ways[0] };

static void reader(void) {
    double took[WAYS][ROUNDS], base = 0;
    uint64_t sum = 0;
    for (size_t r = 0; r < ROUNDS; r++)
        for (size_t w = 0; w < WAYS; w++) {
            double start = thread_ns();
            sum += ways[w].read();
            took[w][r] = (thread_ns() - start) / (double)READS;
        }
    if (sum != (uint64_t)ROUNDS * WAYS * READS * 7)
        die("read something else");
    printf("reader                            ns    more than unprotected\n");
    for (size_t w = 0; w < WAYS; w++) {
        double x = median(took[w], ROUNDS);
        base = w == 0 ? x : base;
        printf("  %-26s %8.2f %8.2f\n", ways[w].name, x, x - base);
    }
}

/* --- the writer ------------------------------------------------------------------------------------------------------- */

static uint64_t over;

static void end_nothing(void *ctx) {
    (void)ctx;
}

static void *read_on(void *arg) {
    fh_quiesce_member *me;
    uint64_t sum = 0;
    if (fh_failed(fh_quiesce_join(arg, &me)))
        die("no place");
    while (fh_load(&over, FH_RELAXED) == 0) {
        fh_quiesce_online(me);
        sum += look();
        fh_quiesce_offline(me);
    }
    fh_quiesce_leave(&me);
    return sum == 1 ? arg : NULL;
}

static double retire(fh_quiesce *q, fh_quiesce_member *me, size_t at_a_time) {
    static fh_retired things[RETIRES];
    pthread_t thread;
    fh_store(&over, 0, FH_RELAXED);
    if (pthread_create(&thread, NULL, read_on, q) != 0)
        die("no thread");
    uint64_t start = fh_os_clock_ns();
    for (size_t i = 0; i < RETIRES; i++) {
        if (fh_failed(fh_quiesce_retire(me, &things[i], end_nothing, NULL)))
            die("retired twice");
        if (i % at_a_time == 0)
            fh_quiesce_here(me);
    }
    while (fh_quiesce_waiting(me) != 0)
        fh_quiesce_here(me);
    double took = (double)(fh_os_clock_ns() - start) / (double)RETIRES;
    fh_store(&over, 1, FH_RELAXED);
    pthread_join(thread, NULL);
    return took;
}

static void writer(void) {
    static const size_t sizes[] = {1, 64};
    double took[2][2][ROUNDS];
    for (size_t r = 0; r < ROUNDS; r++)
        for (size_t s = 0; s < 2; s++) {
            took[0][s][r] = retire(barriers, in_barriers, sizes[s]);
            took[1][s][r] = retire(fenced, in_fenced, sizes[s]);
        }
    printf("writer                   1 at a time  64 at a time, ns each\n");
    for (size_t w = 0; w < 2; w++)
        printf("  %-20s %11.1f %11.1f\n", w == 0 ? "barriers" : "fences", median(took[w][0], ROUNDS),
               median(took[w][1], ROUNDS));
}

int main(void) {
    static object one = {.word = 7};
    if (fh_failed(fh_quiesce_new(fh_heap(), &(fh_quiesce_options){.members_max = 4}, &fenced)) ||
        fh_failed(fh_quiesce_new(fh_heap(), &(fh_quiesce_options){.members_max = 4, .sections = true}, &barriers)) ||
        fh_failed(fh_quiesce_join(fenced, &in_fenced)) || fh_failed(fh_quiesce_join(barriers, &in_barriers)))
        die("no domain");
    fh_quiesce_offline(in_fenced);
    fh_quiesce_offline(in_barriers);
    fh_store(&shared, &one, FH_RELEASE);
    printf("medians of %d rounds; %u processors; a section of the second domain is %s\n", ROUNDS, fh_os_cpus(),
           fh_quiesce_fences(barriers) ? "a FULL FENCE: the system has no barrier" : "plain stores");
    reader();
    writer();
    fh_quiesce_leave(&in_fenced);
    fh_quiesce_leave(&in_barriers);
    fh_quiesce_free(fenced);
    fh_quiesce_free(barriers);
    return 0;
}
