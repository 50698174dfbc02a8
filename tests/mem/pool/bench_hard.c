/* bench_hard.c: what a life costs in a hardened pool, beside a plain mutex-and-poison pool of the same guarantees.
 *
 *     bench_hard           nanoseconds for an alloc and a release of a 64-byte object that is written in full, and ratios
 *
 * The peer is the design that one writes first: one global mutex around everything, handles checked by generation, a queue in
 * which released slots wait (as long as the pool's), poison by memset, a check of every byte before reuse, a canary behind each
 * object, slots drawn at random, memory with a page that traps after each 15 pages, zeroed objects. It lacks only the guarded
 * slots, which cost the pool something and the peer nothing. Also: the pool without hardening, malloc, and, where their shared
 * libraries are installed, allocators that are hardened themselves (they keep no generations).
 *
 * Rounds of all contestants alternate; a figure is the median of ROUNDS rounds, a ratio the median of the rounds' ratios.
 * Threading: one thread. The peer's mutex is initialised as a plain one, and a second thread exists, as in a server: without
 * it the C library leaves out the locked instruction. */
#define _GNU_SOURCE 1

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "freehold/hash.h"
#include "freehold/os.h"
#include "freehold/pool.h"

enum { ROUNDS = 21, PAIRS = 200000, SIZE = 64, CAPACITY = 8192, WAITING = 910, BATCH = 1000, LIVE = 1000 };

static void die(const char *what) {
    fprintf(stderr, "bench_hard: %s\n", what);
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

/* --- the peer --------------------------------------------------------------------------------------------------------- */

enum { PEER_STRIDE = 72, PEER_SLOTS = CAPACITY + WAITING, PEER_POISON = 0xdf, GROUP = 16, CHOICE = 256 };

static struct peer {
    pthread_mutex_t mutex;
    uint8_t *slots[PEER_SLOTS]; /* holes at the pages that trap */
    uint32_t generations[PEER_SLOTS];
    bool lived[PEER_SLOTS];
    uint32_t free[PEER_SLOTS], free_count;
    uint32_t queue[WAITING], queue_at, queue_count;
    uint64_t random, secret, overwritten;
    uint32_t live;
} peer;

static void peer_open(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), group = GROUP * page, per_group = (group - page) / PEER_STRIDE;
    size_t groups = PEER_SLOTS / per_group + 1;
    uint8_t *at = mmap(NULL, groups * group, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        die("no memory");
    for (size_t g = 0; g < groups; g++)
        if (mprotect(at + (g + 1) * group - page, page, PROT_NONE) != 0)
            die("no guard");
    pthread_mutex_init(&peer.mutex, NULL);
    peer.random = fh_os_random();
    peer.secret = fh_os_random();
    for (uint32_t i = 0; i < PEER_SLOTS; i++) {
        peer.slots[i] = at + i / per_group * group + i % per_group * PEER_STRIDE;
        peer.free[peer.free_count++] = i;
    }
}

static bool peer_alloc(uint64_t *handle, void **out) {
    pthread_mutex_lock(&peer.mutex);
    while (peer.live < CAPACITY && peer.free_count > 0) {
        uint32_t choice = peer.free_count < CHOICE ? peer.free_count : CHOICE;
        uint32_t k = peer.free_count - 1 - (uint32_t)((fh_mix64(peer.random++) >> 32) * choice >> 32), i = peer.free[k];
        peer.free[k] = peer.free[--peer.free_count];
        uint8_t *at = peer.slots[i], expected = peer.lived[i] ? PEER_POISON : 0;
        size_t whole = 0;
        while (whole < PEER_STRIDE && at[whole] == expected)
            whole++;
        if (whole < PEER_STRIDE) {
            peer.overwritten++;
            continue;
        }
        memset(at, 0, SIZE);
        uint64_t canary = fh_mix64(peer.secret + i);
        memcpy(at + SIZE, &canary, sizeof canary);
        peer.lived[i] = true;
        peer.live++;
        *handle = (uint64_t)++peer.generations[i] << 32 | i;
        *out = at;
        pthread_mutex_unlock(&peer.mutex);
        return true;
    }
    pthread_mutex_unlock(&peer.mutex);
    return false;
}

static bool peer_release(uint64_t handle) {
    uint32_t i = (uint32_t)handle;
    pthread_mutex_lock(&peer.mutex);
    bool known = i < PEER_SLOTS && peer.generations[i] == handle >> 32;
    if (known) {
        uint64_t canary = fh_mix64(peer.secret + i);
        uint8_t *at = peer.slots[i];
        peer.generations[i]++;
        peer.live--;
        if (memcmp(at + SIZE, &canary, sizeof canary) != 0) {
            peer.overwritten++;
        } else {
            memset(at, PEER_POISON, PEER_STRIDE);
            if (peer.queue_count == WAITING)
                peer.free[peer.free_count++] = peer.queue[peer.queue_at];
            else
                peer.queue_count++;
            peer.queue[peer.queue_at] = i;
            peer.queue_at = (peer.queue_at + 1) % WAITING;
        }
    }
    pthread_mutex_unlock(&peer.mutex);
    return known;
}

/* --- the contestants --------------------------------------------------------------------------------------------------- */

typedef struct contestant {
    const char *name;
    fh_pool *pool;              /* a pool, */
    bool is_peer;               /* or the peer, */
    void *(*allocate)(size_t);  /* or an allocator */
    void (*release)(void *);
    double ns[3][ROUNDS];
} contestant;

typedef struct life {
    uint64_t handle;
    void *at;
} life;

/* Always inlined into a loop of its own kind, so that the choice costs nothing. */
static inline __attribute__((always_inline)) void begin(contestant *c, int kind, life *l) {
    fh_handle h = {0};
    bool ok;
    if (kind == 0) {
        ok = !fh_failed(fh_pool_alloc(c->pool, &h, &l->at));
        l->handle = h.value;
    } else if (kind == 1) {
        ok = peer_alloc(&l->handle, &l->at);
    } else {
        l->at = c->allocate(SIZE);
        ok = l->at != NULL;
    }
    if (!ok)
        die("no slot");
    memset(l->at, 7, SIZE);
    __asm__ volatile("" : : "r"(l->at) : "memory");
}

static inline __attribute__((always_inline)) void end(contestant *c, int kind, life *l) {
    bool ok = true;
    if (kind == 0)
        ok = !fh_failed(fh_pool_release(c->pool, (fh_handle){l->handle}));
    else if (kind == 1)
        ok = peer_release(l->handle);
    else
        c->release(l->at);
    if (!ok)
        die("a release was refused");
}

static life lives[BATCH > LIVE ? BATCH : LIVE];

static inline __attribute__((always_inline)) void run_as(contestant *c, int kind, int load, uint64_t seed) {
    if (load == 0) { /* last in, first out */
        for (int i = 0; i < PAIRS; i++) {
            begin(c, kind, &lives[0]);
            end(c, kind, &lives[0]);
        }
    } else if (load == 1) { /* churn: a random one of LIVE ends and another begins */
        for (int i = 0; i < LIVE; i++)
            begin(c, kind, &lives[i]);
        for (int i = 0; i < PAIRS; i++) {
            life *l = &lives[fh_mix64(seed++) % LIVE];
            end(c, kind, l);
            begin(c, kind, l);
        }
        for (int i = 0; i < LIVE; i++)
            end(c, kind, &lives[i]);
    } else { /* batches */
        for (int b = 0; b < PAIRS / BATCH; b++) {
            for (int i = 0; i < BATCH; i++)
                begin(c, kind, &lives[i]);
            for (int i = 0; i < BATCH; i++)
                end(c, kind, &lives[i]);
        }
    }
}

/* Processor time: other programs may keep the machine busy. */
static uint64_t now_ns(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
        die("no clock");
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double run(contestant *c, int load, uint64_t seed) {
    uint64_t start = now_ns();
    if (c->pool != NULL)
        run_as(c, 0, load, seed);
    else if (c->is_peer)
        run_as(c, 1, load, seed);
    else
        run_as(c, 2, load, seed);
    return (double)(now_ns() - start) / (double)PAIRS;
}

static fh_pool *new_pool(bool hardened, fh_pool_threads threads) {
    fh_pool *pool;
    fh_pool_config config = {.size_bytes = SIZE, .natural_align_bytes = 8, .capacity = CAPACITY, .hardened = hardened,
                             .threads = threads};
    if (fh_failed(fh_pool_new(fh_heap(), &config, &pool)))
        die("no pool");
    return pool;
}

/* An allocator of a shared library, under the first of the names that it has. */
static bool open_library(contestant *c, const char *library, const char *allocate, const char *release) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    void *a = handle == NULL ? NULL : dlsym(handle, allocate), *r = handle == NULL ? NULL : dlsym(handle, release);
    if (a == NULL || r == NULL)
        return false;
    memcpy(&c->allocate, &a, sizeof a);
    memcpy(&c->release, &r, sizeof r);
    c->name = library;
    return true;
}

/* --- two threads at once, last in, first out: wall time --------------------------------------------------------------- */

typedef struct pair_of_threads {
    fh_pool *shared; /* a view for each thread; else a pool for each, or the peer for both */
    bool is_peer;
} pair_of_threads;

static void *one_of_two(void *arg) {
    const pair_of_threads *t = arg;
    contestant c = {.is_peer = t->is_peer};
    life l;
    if (t->shared != NULL && fh_failed(fh_pool_attach(t->shared, &c.pool)))
        die("no view");
    else if (t->shared == NULL && !t->is_peer)
        c.pool = new_pool(true, FH_POOL_CONFINED);
    for (int i = 0; i < PAIRS; i++) {
        if (t->is_peer) {
            begin(&c, 1, &l);
            end(&c, 1, &l);
        } else {
            begin(&c, 0, &l);
            end(&c, 0, &l);
        }
    }
    if (t->shared != NULL && fh_failed(fh_pool_detach(c.pool)))
        die("no detaching");
    else if (t->shared == NULL && !t->is_peer)
        fh_pool_free(c.pool);
    return NULL;
}

static double run_two(pair_of_threads *t) {
    pthread_t threads[2];
    uint64_t start = fh_os_clock_ns();
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, one_of_two, t) != 0)
            die("no thread");
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return (double)(fh_os_clock_ns() - start) / (double)PAIRS;
}

static void two_threads(void) {
    fh_pool *shared = new_pool(true, FH_POOL_SHARED);
    pair_of_threads kinds[3] = {{.is_peer = false}, {.shared = shared}, {.is_peer = true}};
    static const char *const names[] = {"hardened, a pool each", "hardened, one for both", "mutex and poison"};
    static double ns[3][ROUNDS], ratio[2][ROUNDS];
    for (size_t r = 0; r < ROUNDS; r++) {
        for (size_t k = 0; k < 3; k++)
            ns[(k + r) % 3][r] = run_two(&kinds[(k + r) % 3]);
        for (size_t k = 0; k < 2; k++)
            ratio[k][r] = ns[2][r] / ns[k][r];
    }
    printf("\ntwo threads at once, lifo: ns of wall time a pair and thread, and the peer's over it\n");
    for (size_t k = 0; k < 3; k++) {
        printf("%-26s %16.1f", names[k], median(ns[k], ROUNDS));
        if (k < 2)
            printf(" %16.2f", median(ratio[k], ROUNDS));
        printf("\n");
    }
    fh_pool_free(shared);
}

static void *idle(void *arg) {
    (void)arg;
    for (;;)
        pause();
    return NULL;
}

int main(void) {
    static contestant c[8] = {{.name = "hardened pool"}, {.name = "mutex and poison", .is_peer = true}, {.name = "pool"},
                              {.name = "malloc", .allocate = malloc, .release = free}};
    static const char *const loads[] = {"lifo", "churn of 1000", "batches of 1000"};
    size_t count = 4;
    pthread_t second;
    if (pthread_create(&second, NULL, idle, NULL) != 0)
        die("no thread");
    c[0].pool = new_pool(true, FH_POOL_CONFINED);
    c[2].pool = new_pool(false, FH_POOL_CONFINED);
    peer_open();
    count += open_library(&c[count], "libhardened_malloc.so", "malloc", "free");
    count += open_library(&c[count], "libmimalloc-secure.so.2", "mi_malloc", "mi_free");
    count += open_library(&c[count], "libisoalloc.so", "iso_alloc", "iso_free");

    for (size_t r = 0; r < ROUNDS; r++)
        for (int load = 0; load < 3; load++)
            for (size_t k = 0; k < count; k++) {
                size_t turn = (k + r) % count; /* nobody is always the first */
                c[turn].ns[load][r] = run(&c[turn], load, r);
            }
    printf("alloc + release of %d bytes, written in full: ns of processor time, median of %d rounds of %d pairs\n", SIZE,
           ROUNDS, PAIRS);
    printf("%-26s %16s %16s %16s\n", "", loads[0], loads[1], loads[2]);
    double ratio[3][ROUNDS];
    for (int load = 0; load < 3; load++)
        for (size_t r = 0; r < ROUNDS; r++)
            ratio[load][r] = c[1].ns[load][r] / c[0].ns[load][r];
    for (size_t k = 0; k < count; k++)
        printf("%-26s %16.1f %16.1f %16.1f\n", c[k].name, median(c[k].ns[0], ROUNDS), median(c[k].ns[1], ROUNDS),
               median(c[k].ns[2], ROUNDS));
    printf("%-26s %16.2f %16.2f %16.2f   (target 4)\n", "mutex and poison / hardened", median(ratio[0], ROUNDS),
           median(ratio[1], ROUNDS), median(ratio[2], ROUNDS));
    fh_pool_stats s = fh_pool_stats_get(c[0].pool);
    printf("hardened pool: %llu overwritten, %llu wait; peer: %llu overwritten, %u wait\n", (unsigned long long)s.overwritten,
           (unsigned long long)s.quarantined, (unsigned long long)peer.overwritten, peer.queue_count);
    fh_pool_free(c[0].pool);
    fh_pool_free(c[2].pool);
    two_threads();
    return 0;
}
