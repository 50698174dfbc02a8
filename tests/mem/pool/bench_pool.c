/* bench_pool.c: pools beside allocators: what a life of a 64-byte object costs, and what it costs to reach one.
 *
 *     bench_pool [--rounds N] [--json] [--fastalloc PROGRAM]
 *
 * A life is: take, write all 64 bytes, read one back through the reference (a pointer, or a handle that is checked), give back.
 * The loops are the same source for all contestants; taking and giving are inlined where a contestant offers it.
 *
 *     lifo         one object at a time
 *     lifo16       16 taken, given back last first
 *     churn1000    1000 live; each life replaces a random one
 *     batch1000    1000 taken, given back first first
 *     xthread      taken and written by one thread, read and given back by another
 *     xtake, xgive the two sides of that by themselves: one thread takes and writes 1000, then the other, on another core,
 *                  reads and gives them back; time of the thread, so that other programs do not count
 *     par2         churn1000 on two threads at once; time over lives of one
 *     deref…       one read through a pointer, a handle, or a borrow with its end; 1000, 100,000 or 4,000,000 objects in
 *                  random order
 *
 * Peers are preloaded; ratios are to mimalloc. PROGRAM is a program around the fastalloc crate (docs/PERF.md has it).
 *
 * Threading: as the workloads say. */
#define _GNU_SOURCE 1

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mem/bench_rounds.h"
#include "freehold/atomic.h"
#include "freehold/hash.h"
#include "freehold/pool.h"

enum { SIZE = 64, FEW = 16, LIVE = 1000, LIVES = 100000, LOOKS = 400000, CAPACITY = 1 << 17, RING = 1024, PHASES = 301 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* How a contestant takes, reads and gives back; ctx is a thread's own access. */
typedef struct objects {
    bool (*take)(void *ctx, uint64_t *ref, void **at); /* false: none for the moment */
    uint8_t (*read)(void *ctx, uint64_t ref);
    void (*give)(void *ctx, uint64_t ref);
    void (*pause)(void *ctx); /* a quiet moment: lets through what waits */
} objects;

/* --- contestants ------------------------------------------------------------------------------------------------------ */

ALWAYS_INLINE bool malloc_take(void *ctx, uint64_t *ref, void **at) {
    (void)ctx;
    *at = malloc(SIZE);
    *ref = (uint64_t)(uintptr_t)*at;
    return *at != NULL;
}
ALWAYS_INLINE uint8_t malloc_read(void *ctx, uint64_t ref) {
    (void)ctx;
    return *(const volatile uint8_t *)(uintptr_t)ref;
}
ALWAYS_INLINE void malloc_give(void *ctx, uint64_t ref) {
    (void)ctx;
    free((void *)(uintptr_t)ref);
}
ALWAYS_INLINE void malloc_pause(void *ctx) {
    (void)ctx;
}

/* The least that any allocator does: a list through the free objects, one thread, nothing checked. What a row takes above this
 * one is what its checks and its threads cost. */
typedef struct bare_node {
    struct bare_node *next;
} bare_node;

ALWAYS_INLINE bool bare_take(void *ctx, uint64_t *ref, void **at) {
    bare_node **first = ctx, *taken = *first;
    *first = taken->next;
    *at = taken;
    *ref = (uint64_t)(uintptr_t)taken;
    return true;
}
ALWAYS_INLINE void bare_give(void *ctx, uint64_t ref) {
    bare_node **first = ctx, *given = (bare_node *)(uintptr_t)ref;
    given->next = *first;
    *first = given;
}

static void check(fh_status s) {
    if (FH_UNLIKELY(fh_failed(s)))
        bench_die(fh_code_name(s.code));
}

ALWAYS_INLINE bool pool_take(void *ctx, uint64_t *ref, void **at) {
    fh_handle h;
    fh_status s = fh_pool_alloc(ctx, &h, at);
    *ref = h.value;
    return FH_LIKELY(!fh_failed(s));
}
ALWAYS_INLINE uint8_t pool_read(void *ctx, uint64_t ref) {
    void *at;
    check(fh_pool_get(ctx, (fh_handle){ref}, &at));
    return *(const volatile uint8_t *)at;
}
ALWAYS_INLINE void pool_give(void *ctx, uint64_t ref) {
    check(fh_pool_release(ctx, (fh_handle){ref}));
}
ALWAYS_INLINE void pool_pause(void *ctx) {
    check(fh_pool_reap(ctx));
}

/* The same through a typed pool, as most programs have them: the compiler knows size and stride. */
typedef struct object {
    _Alignas(SIZE) uint8_t bytes[SIZE];
} object;
FH_POOL_DEFINE(object, object);

ALWAYS_INLINE bool typed_take(void *ctx, uint64_t *ref, void **at) {
    object_handle h;
    object *taken;
    fh_status s = object_alloc((object_pool){ctx}, &h, &taken);
    *ref = h.value;
    *at = taken;
    return FH_LIKELY(!fh_failed(s));
}
ALWAYS_INLINE uint8_t typed_read(void *ctx, uint64_t ref) {
    object *at;
    check(object_get((object_pool){ctx}, (object_handle){ref}, &at));
    return *(const volatile uint8_t *)at;
}
ALWAYS_INLINE void typed_give(void *ctx, uint64_t ref) {
    check(object_release((object_pool){ctx}, (object_handle){ref}));
}

/* Where another thread may release, a slot is read under a borrow. */
ALWAYS_INLINE uint8_t borrow_read(void *ctx, uint64_t ref) {
    const void *at;
    check(fh_pool_borrow(ctx, (fh_handle){ref}, &at));
    uint8_t byte = *(const volatile uint8_t *)at;
    check(fh_pool_borrow_end(ctx, (fh_handle){ref}));
    return byte;
}
#define with_malloc ((objects){malloc_take, malloc_read, malloc_give, malloc_pause})
#define with_bare ((objects){bare_take, malloc_read, bare_give, malloc_pause})
#define with_pool ((objects){pool_take, pool_read, pool_give, pool_pause})
#define with_typed ((objects){typed_take, typed_read, typed_give, pool_pause})
#define with_borrows ((objects){pool_take, borrow_read, pool_give, pool_pause})

/* --- workloads -------------------------------------------------------------------------------------------------------- */

typedef struct thread_state {
    void *ctx;
    uint64_t refs[LIVE];
    uint64_t random;
} thread_state;

ALWAYS_INLINE uint64_t begin(const objects o, void *ctx, uint64_t i) {
    uint64_t ref = 0;
    void *at = NULL;
    while (!o.take(ctx, &ref, &at))
        o.pause(ctx);
    memset(at, (int)(i & 0xff), SIZE);
    BENCH_KEEP(at);
    return ref;
}
ALWAYS_INLINE void end(const objects o, void *ctx, uint64_t ref) {
    (void)o.read(ctx, ref);
    o.give(ctx, ref);
}

/* The loops keep what they need of `t` in locals: a pool's refusals are calls, though none is made here, and after a call the
 * compiler must load again what lies in memory; a pointer has no such call. */
ALWAYS_INLINE void lifo(const objects o, thread_state *t, uint64_t lives) {
    void *ctx = t->ctx;
    for (uint64_t i = 0; i < lives; i++)
        end(o, ctx, begin(o, ctx, i));
}

ALWAYS_INLINE void lifo16(const objects o, thread_state *t, uint64_t lives) {
    void *ctx = t->ctx;
    for (uint64_t i = 0; i < lives; i += FEW) {
        for (int k = 0; k < FEW; k++)
            t->refs[k] = begin(o, ctx, i);
        for (int k = FEW; k > 0; k--)
            end(o, ctx, t->refs[k - 1]);
    }
}

ALWAYS_INLINE void churn(const objects o, thread_state *t, uint64_t lives) {
    void *ctx = t->ctx;
    uint64_t random = t->random;
    for (int k = 0; k < LIVE; k++)
        t->refs[k] = begin(o, ctx, 0);
    for (uint64_t i = 0; i < lives; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint64_t *ref = &t->refs[(random >> 32) * LIVE >> 32];
        end(o, ctx, *ref);
        *ref = begin(o, ctx, i);
    }
    for (int k = 0; k < LIVE; k++)
        end(o, ctx, t->refs[k]);
    t->random = random;
}

ALWAYS_INLINE void batch(const objects o, thread_state *t, uint64_t lives) {
    void *ctx = t->ctx;
    for (uint64_t i = 0; i < lives; i += LIVE) {
        for (int k = 0; k < LIVE; k++)
            t->refs[k] = begin(o, ctx, i);
        for (int k = 0; k < LIVE; k++)
            end(o, ctx, t->refs[k]);
    }
}

/* --- two threads ------------------------------------------------------------------------------------------------------ */

/* A contestant's access for the calling thread: the maker has one already. */
typedef struct access {
    void *ctx;
    fh_pool *view; /* to be detached */
} access;

static access attach(fh_pool *pool, bool views) {
    access a = {pool, NULL};
    if (views) {
        check(fh_pool_attach(pool, &a.view));
        a.ctx = a.view;
    }
    return a;
}
static void detach(access a) {
    if (a.view != NULL)
        check(fh_pool_detach(a.view));
}

/* What is under way from one thread to the other: the same for all contestants. */
typedef struct channel {
    _Alignas(64) uint64_t head;
    _Alignas(64) uint64_t tail;
    _Alignas(64) uint64_t refs[RING];
    fh_pool *pool; /* NULL: malloc */
    bool views;    /* each thread needs its own */
    uint64_t lives;
} channel;

ALWAYS_INLINE void send_all(const objects o, channel *c, void *ctx) {
    unsigned turns = 0;
    for (uint64_t i = 0; i < c->lives; i++) {
        uint64_t ref = begin(o, ctx, i);
        while (i - fh_load(&c->tail, FH_ACQUIRE) == RING)
            bench_wait(&turns);
        c->refs[i % RING] = ref;
        fh_store(&c->head, i + 1, FH_RELEASE);
    }
}

ALWAYS_INLINE void receive_all(const objects o, channel *c, void *ctx) {
    unsigned turns = 0;
    for (uint64_t i = 0; i < c->lives;) {
        uint64_t head = fh_load(&c->head, FH_ACQUIRE);
        if (i == head && bench_wait(&turns))
            o.pause(ctx);
        for (; i < head; i++) {
            end(o, ctx, c->refs[i % RING]);
            fh_store(&c->tail, i + 1, FH_RELEASE);
        }
    }
}

/* What one thread takes and the other gives back, in turns. */
typedef struct phases {
    uint64_t refs[LIVE];
    double took[2][PHASES];
    sem_t turn[2]; /* of who takes, of who gives */
    const struct contest *contest;
} phases;

ALWAYS_INLINE void take_all(const objects o, phases *p, void *ctx) {
    for (uint64_t i = 0; i < LIVE; i++)
        p->refs[i] = begin(o, ctx, i);
}
ALWAYS_INLINE void give_all(const objects o, phases *p, void *ctx) {
    for (uint64_t i = 0; i < LIVE; i++)
        end(o, ctx, p->refs[i]);
    o.pause(ctx);
}

/* --- the loops of each kind of contestant ------------------------------------------------------------------------------ */

typedef void *thread_fn(void *arg);
typedef struct loops {
    bench_loop *lifo, *lifo16, *churn, *batch;
    thread_fn *receive;
    void (*send)(channel *c, void *ctx);
    void (*phase[2])(phases *p, void *ctx); /* takes, gives */
    bench_loop *deref;
} loops;

/* What a look through references to `count` objects needs. */
typedef struct lookup {
    void *ctx;
    uint64_t *refs; /* in random order */
    uint64_t count;
} lookup;

ALWAYS_INLINE void deref(const objects o, lookup *l, uint64_t times) {
    void *ctx = l->ctx;
    const uint64_t *refs = l->refs;
    uint64_t sum = 0, count = l->count;
    for (uint64_t i = 0, k = 0; i < times; i++) {
        sum += o.read(ctx, refs[k]);
        k = k + 1 == count ? 0 : k + 1;
    }
    BENCH_KEEP(sum);
}

/* The loops with a kind's own functions inside them. */
#define DEFINE_LOOPS(kind)                                                    \
    static void kind##_lifo(void *t, uint64_t lives) {                        \
        lifo(with_##kind, t, lives);                                          \
    }                                                                         \
    static void kind##_lifo16(void *t, uint64_t lives) {                      \
        lifo16(with_##kind, t, lives);                                        \
    }                                                                         \
    static void kind##_churn(void *t, uint64_t lives) {                       \
        churn(with_##kind, t, lives);                                         \
    }                                                                         \
    static void kind##_batch(void *t, uint64_t lives) {                       \
        batch(with_##kind, t, lives);                                         \
    }                                                                         \
    static void *kind##_receive(void *arg) {                                  \
        channel *c = arg;                                                     \
        access a = attach(c->pool, c->views);                                 \
        receive_all(with_##kind, c, a.ctx);                                   \
        detach(a);                                                            \
        return NULL;                                                          \
    }                                                                         \
    static void kind##_send(channel *c, void *ctx) {                          \
        send_all(with_##kind, c, ctx);                                        \
    }                                                                         \
    static void kind##_take_all(phases *p, void *ctx) {                       \
        take_all(with_##kind, p, ctx);                                        \
    }                                                                         \
    static void kind##_give_all(phases *p, void *ctx) {                       \
        give_all(with_##kind, p, ctx);                                        \
    }                                                                         \
    static void kind##_deref(void *l, uint64_t times) {                       \
        deref(with_##kind, l, times);                                         \
    }                                                                         \
    static const loops kind##_loops = {                                       \
        kind##_lifo, kind##_lifo16, kind##_churn, kind##_batch, kind##_receive, kind##_send, \
        {kind##_take_all, kind##_give_all}, kind##_deref}

DEFINE_LOOPS(malloc);
DEFINE_LOOPS(bare);
DEFINE_LOOPS(pool);
DEFINE_LOOPS(typed);
DEFINE_LOOPS(borrows);

/* --- measuring -------------------------------------------------------------------------------------------------------- */

typedef struct contest {
    const char *row;
    const loops *loops;
    fh_pool *pool; /* NULL: malloc */
    bool views;
} contest;

static void cross(void *arg, uint64_t lives) {
    const contest *c = arg;
    channel ch = {.pool = c->pool, .views = c->views, .lives = lives};
    pthread_t receiver;
    if (pthread_create(&receiver, NULL, c->loops->receive, &ch) != 0)
        bench_die("no thread");
    c->loops->send(&ch, c->pool);
    if (pthread_join(receiver, NULL) != 0)
        bench_die("no join");
    if (c->pool != NULL)
        check(fh_pool_reap(c->pool)); /* what is on its way comes home */
}

static uint64_t thread_now(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
        bench_die("no clock");
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* One side of the phases, on a core of its own if the system allows it. */
static void run_side(phases *p, unsigned side, void *ctx) {
    cpu_set_t core;
    CPU_ZERO(&core);
    CPU_SET(side, &core);
    (void)sched_setaffinity(0, sizeof core, &core);
    for (int i = 0; i < PHASES; i++) {
        while (sem_wait(&p->turn[side]) != 0) {
        }
        uint64_t from = thread_now();
        p->contest->loops->phase[side](p, ctx);
        p->took[side][i] = (double)(thread_now() - from) / (double)LIVE;
        if (sem_post(&p->turn[1 - side]) != 0)
            bench_die("no semaphore");
    }
}

static void *run_giver(void *arg) {
    phases *p = arg;
    access a = attach(p->contest->pool, p->contest->views);
    run_side(p, 1, a.ctx);
    detach(a);
    return NULL;
}

static void *run_taker(void *arg) {
    phases *p = arg;
    access a = attach(p->contest->pool, p->contest->views);
    run_side(p, 0, a.ctx);
    detach(a);
    return NULL;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure_phases(const contest *c) {
    static phases p;
    static const char *const columns[2] = {"xtake", "xgive"};
    pthread_t threads[2];
    p.contest = c;
    if (sem_init(&p.turn[0], 0, 1) != 0 || sem_init(&p.turn[1], 0, 0) != 0 ||
        pthread_create(&threads[0], NULL, run_taker, &p) != 0 || pthread_create(&threads[1], NULL, run_giver, &p) != 0)
        bench_die("no thread");
    for (int side = 0; side < 2; side++) {
        if (pthread_join(threads[side], NULL) != 0)
            bench_die("no join");
        qsort(p.took[side], PHASES, sizeof p.took[side][0], by_size);
        bench_emit(c->row, columns[side], p.took[side][PHASES / 2]);
    }
    if (c->pool != NULL)
        check(fh_pool_reap(c->pool));
}

typedef struct half {
    const contest *contest;
    uint64_t lives;
} half;

static void *run_half(void *arg) {
    half *h = arg;
    access a = attach(h->contest->pool, h->contest->views);
    thread_state *t = calloc(1, sizeof *t);
    if (t == NULL)
        bench_die("no memory");
    t->ctx = a.ctx;
    h->contest->loops->churn(t, h->lives);
    free(t);
    detach(a);
    return NULL;
}

static void both(void *arg, uint64_t lives) {
    half h = {arg, lives};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, run_half, &h) != 0)
            bench_die("no thread");
    for (int i = 0; i < 2; i++)
        if (pthread_join(threads[i], NULL) != 0)
            bench_die("no join");
}

/* The workloads of one thread. */
static void measure_alone(const char *row, const loops *how, void *ctx) {
    static thread_state t;
    t = (thread_state){.ctx = ctx};
    bench_emit(row, "lifo", bench_least(how->lifo, &t, LIVES));
    bench_emit(row, "lifo16", bench_least(how->lifo16, &t, LIVES));
    bench_emit(row, "churn1000", bench_least(how->churn, &t, LIVES));
    bench_emit(row, "batch1000", bench_least(how->batch, &t, LIVES));
}

static void measure_lives(const contest *c) {
    measure_alone(c->row, c->loops, c->pool);
    if (c->pool != NULL && !c->views)
        return; /* one thread only */
    contest mine = *c;
    bench_emit(c->row, "xthread", bench_least(cross, &mine, LIVES));
    measure_phases(c);
    bench_emit(c->row, "par2", bench_least(both, &mine, LIVES));
}

static void measure_bare(const char *row) {
    object *all = aligned_alloc(SIZE, (size_t)CAPACITY * SIZE);
    bare_node *first = NULL;
    if (all == NULL)
        bench_die("no memory");
    for (size_t i = CAPACITY; i > 0; i--)
        bare_give(&first, (uint64_t)(uintptr_t)&all[i - 1]);
    measure_alone(row, &bare_loops, &first);
    free(all);
}

static void measure_malloc(const char *row) {
    measure_lives(&(contest){row, &malloc_loops, NULL, false});
}

static fh_pool *pool_of(fh_pool_config config) {
    fh_pool *pool;
    config.size_bytes = SIZE;
    config.align_bytes = SIZE;
    config.max_capacity = config.capacity = config.capacity == 0 ? CAPACITY : config.capacity;
    check(fh_pool_new(fh_heap(), &config, &pool));
    return pool;
}

static void measure_pool(const char *row, const loops *how, fh_pool_config config) {
    bool views = config.threads >= FH_POOL_SHARED;
    contest c = {row, how, pool_of(config), views};
    measure_lives(&c);
    fh_pool_free(c.pool);
}

/* Reads through a pointer, a handle, a typed handle, and a borrow, in turn, of the same objects in the same order. */
static void measure_deref(uint32_t count, const char *column) {
    fh_pool *pool = pool_of((fh_pool_config){.capacity = count, .eager = true});
    lookup handles = {pool, calloc(count, sizeof(uint64_t)), count}, pointers = {NULL, calloc(count, sizeof(uint64_t)), count};
    if (handles.refs == NULL || pointers.refs == NULL)
        bench_die("no memory");
    for (uint32_t i = 0; i < count; i++) {
        uint64_t k = fh_mix64(i) % (i + 1); /* Fisher and Yates, from the inside */
        void *at;
        fh_handle h;
        check(fh_pool_alloc(pool, &h, &at));
        memset(at, 1, SIZE);
        handles.refs[i] = handles.refs[k];
        pointers.refs[i] = pointers.refs[k];
        handles.refs[k] = h.value;
        pointers.refs[k] = (uint64_t)(uintptr_t)at;
    }
    double out[4];
    bench_least_each(4, (bench_loop *const[]){malloc_deref, pool_deref, typed_deref, borrows_deref},
                     (void *const[]){&pointers, &handles, &handles, &handles}, LOOKS, out);
    bench_emit("raw pointer", column, out[0]);
    bench_emit("handle get", column, out[1]);
    bench_emit("typed handle get", column, out[2]);
    bench_emit("handle borrow", column, out[3]);
    check(fh_pool_reset(pool));
    fh_pool_free(pool);
    free(handles.refs);
    free(pointers.refs);
}

static void measure(const char *mode) {
    if (strcmp(mode, "look-ups") == 0) {
        measure_deref(1000, "deref1k");
        measure_deref(100000, "deref100k");
        measure_deref(4000000, "deref4M");
        return;
    }
    if (strcmp(mode, "pools") != 0) {
        measure_malloc(mode);
        return;
    }
    measure_pool("confined", &pool_loops, (fh_pool_config){.eager = true});
    measure_pool("confined, typed", &typed_loops, (fh_pool_config){.eager = true});
    measure_pool("confined, zeroed", &pool_loops, (fh_pool_config){.eager = false});
    measure_pool("serial", &pool_loops, (fh_pool_config){.eager = true, .threads = FH_POOL_SERIAL});
    measure_pool("shared, typed", &typed_loops, (fh_pool_config){.eager = true, .threads = FH_POOL_SHARED});
    measure_pool("shared", &pool_loops, (fh_pool_config){.eager = true, .threads = FH_POOL_SHARED});
    measure_pool("shared borrow", &borrows_loops, (fh_pool_config){.eager = true, .threads = FH_POOL_SHARED_BORROW});
    measure_pool("hardened", &pool_loops, (fh_pool_config){.hardened = true});
    measure_bare("bare list");
}

int main(int argc, char **argv) {
    static const bench_contestant contestants[] = {
        BENCH_ALLOCATORS,
        {"pools", NULL, NULL, NULL},
        {"look-ups", NULL, NULL, NULL},
        {NULL, NULL, NULL, NULL},
    };
    static const bench_target targets[] = {
        {"confined beside mimalloc", "confined", "mimalloc", "lifo churn1000 batch1000", 0.8, 0},
        {"shared beside mimalloc", "shared", "mimalloc", "lifo churn1000 batch1000 xthread par2", 1.0, 0},
        {"shared: times as fast as fastalloc ThreadSafe", "shared", "fastalloc ThreadSafe", "lifo churn1000 batch1000", -9, 0},
        {"the same between threads", "shared", "fastalloc ThreadSafe", "xthread", -5, 0},
        {"a handle's check over a raw pointer", "handle get", "raw pointer", "deref1k", 0, 0.4},
        {NULL, NULL, NULL, NULL, 0, 0},
    };
    static const bench_plan plan = {
        .name = "bench_pool", .summary = "lives of 64-byte objects", .unit = "ns",
        .columns = {"lifo", "lifo16", "churn1000", "batch1000", "xthread", "xtake", "xgive", "par2", "deref1k", "deref100k",
                    "deref4M", NULL},
        .contestants = contestants, .targets = targets, .base = "mimalloc", .outside = "--fastalloc", .measure = measure,
    };
    return bench_main(&plan, argc, argv);
}
