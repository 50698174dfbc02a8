/* bench_map.c: the cache beside what one would write in an afternoon, and its policies beside the optimum.
 *
 *     bench_map            nanoseconds for each operation, ours and the peers'; then hit rates
 *     bench_map --hits     the hit rates only
 *
 * The peers do the same work without our checks: a chained hash table with an LRU list, counted values, loads that happen
 * once, a byte budget, all under one mutex (peer 1), or under 16 with a sixteenth of budget and table each (peer 16). A
 * reference of theirs is a pointer to a node: a second drop goes unnoticed, and a large value that fits the budget need not
 * fit a share.
 *
 * One operation is: acquire, read the value, drop. "hot" uses one key; "hits" Zipf-distributed keys that are all there; "mixed"
 * the same with room for a tenth of them; "loads" new keys with room for all; "churn" new keys with room for 1,024, so each
 * load evicts. Loading costs nothing, so what is measured is the map. Rounds of all candidates follow each other; each figure
 * is a median. One thread is timed by the processor's time that it took, two by the clock, over as many operations as take
 * longer than a turn of the scheduler.
 *
 * A thread sleeps in the background throughout: without a second thread, the C library's mutex does without atomic operations,
 * which no server sees.
 *
 * Threading: 1 and 2 threads under test. */
#define _GNU_SOURCE 1

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "freehold/cache.h"
#include "freehold/hash.h"
#include "freehold/os.h"

enum { ROUNDS = 9, OPS = 200000, KEYS = 4096, CHURN_ROOM = 1024, LOADS = 20000, THREADS_MAX = 2 };

static void die(const char *what) {
    fprintf(stderr, "bench_map: %s\n", what);
    exit(1);
}

/* --- the peer --------------------------------------------------------------------------------------------------------- */

typedef struct peer_node {
    struct peer_node *chain, *newer, *older;
    uint64_t key, bytes;
    void *value;
    unsigned count;
    enum { PEER_LOADING, PEER_READY, PEER_FAILED } state;
    bool mapped;
} peer_node;

typedef struct peer_shard {
    _Alignas(64) pthread_mutex_t lock;
    pthread_cond_t loaded;
    peer_node **buckets, list; /* list.newer: the oldest idle node; list.older: the newest */
    size_t mask;
    uint64_t bytes, budget;
} peer_shard;

typedef struct peer {
    size_t shards;
    peer_shard shard[16];
} peer;

static peer *peer_new(size_t shards, uint64_t budget, size_t buckets) {
    peer *p = aligned_alloc(64, sizeof *p);
    if (p == NULL)
        die("no memory");
    memset(p, 0, sizeof *p);
    p->shards = shards;
    for (size_t i = 0; i < shards; i++) {
        peer_shard *s = &p->shard[i];
        if (pthread_mutex_init(&s->lock, NULL) != 0 || pthread_cond_init(&s->loaded, NULL) != 0)
            die("no lock");
        s->list.newer = s->list.older = &s->list;
        s->mask = buckets / shards - 1;
        s->buckets = calloc(buckets / shards, sizeof(peer_node *));
        s->budget = budget / shards;
        if (s->buckets == NULL)
            die("no memory");
    }
    return p;
}

static void peer_free(peer *p) {
    for (size_t i = 0; i < p->shards; i++) {
        for (size_t k = 0; k <= p->shard[i].mask; k++)
            for (peer_node *n = p->shard[i].buckets[k], *next; n != NULL; n = next) {
                next = n->chain;
                free(n);
            }
        free(p->shard[i].buckets);
    }
    free(p);
}

static void peer_unlist(peer_node *n) {
    n->newer->older = n->older;
    n->older->newer = n->newer;
}

static void peer_list(peer_shard *s, peer_node *n) {
    n->newer = &s->list;
    n->older = s->list.older;
    s->list.older->newer = n;
    s->list.older = n;
}

static void peer_unmap(peer_shard *s, peer_node *n, uint64_t hash) {
    peer_node **at = &s->buckets[hash & s->mask];
    while (*at != n)
        at = &(*at)->chain;
    *at = n->chain;
    n->mapped = false;
}

/* A reference to the value of a key, loaded by `load` where it is missing. */
static peer_node *peer_acquire(peer *p, uint64_t key, uint64_t bytes, fh_status (*load)(void *, uint64_t, void **), void *ctx) {
    uint64_t hash = fh_mix64(key);
    peer_shard *s = &p->shard[hash >> 60 & (p->shards - 1)];
    pthread_mutex_lock(&s->lock);
    peer_node *n = s->buckets[hash & s->mask];
    while (n != NULL && n->key != key)
        n = n->chain;
    if (n != NULL) {
        if (n->count++ == 0)
            peer_unlist(n);
        while (n->state == PEER_LOADING)
            pthread_cond_wait(&s->loaded, &s->lock);
        pthread_mutex_unlock(&s->lock);
        return n;
    }
    while (s->bytes + bytes > s->budget) {
        peer_node *victim = s->list.newer;
        if (victim == &s->list)
            die("no room");
        peer_unlist(victim);
        peer_unmap(s, victim, fh_mix64(victim->key));
        s->bytes -= victim->bytes;
        free(victim);
    }
    s->bytes += bytes;
    n = malloc(sizeof *n);
    if (n == NULL)
        die("no memory");
    *n = (peer_node){.chain = s->buckets[hash & s->mask], .key = key, .bytes = bytes, .count = 1, .mapped = true};
    s->buckets[hash & s->mask] = n;
    pthread_mutex_unlock(&s->lock);
    fh_status status = load(ctx, key, &n->value);
    pthread_mutex_lock(&s->lock);
    n->state = fh_failed(status) ? PEER_FAILED : PEER_READY;
    pthread_cond_broadcast(&s->loaded);
    pthread_mutex_unlock(&s->lock);
    return n;
}

static void peer_drop(peer *p, peer_node *n) {
    peer_shard *s = &p->shard[fh_mix64(n->key) >> 60 & (p->shards - 1)];
    pthread_mutex_lock(&s->lock);
    if (--n->count == 0)
        peer_list(s, n);
    pthread_mutex_unlock(&s->lock);
}

/* --- workloads ---------------------------------------------------------------------------------------------------------- */

typedef enum candidate { OURS, PEER_1, PEER_16, CANDIDATES } candidate;
typedef enum load_kind { HOT, HITS, MIXED, NEW_KEYS, CHURN, KINDS } load_kind;

static const char *const kind_names[] = {"hot", "hits", "mixed", "loads", "churn"};

static uint64_t zipf_keys[OPS];
static uint64_t hot_keys[OPS], new_keys[THREADS_MAX][OPS];

/* Keys of [0, keys), key k with a probability proportional to 1 / (k + flat): Zipf's law for flat = 1. */
static void make_zipf(uint64_t *out, size_t count, size_t keys, double flat, uint64_t seed) {
    double *sums = malloc(keys * sizeof *sums), sum = 0;
    if (sums == NULL)
        die("no memory");
    for (size_t i = 0; i < keys; i++)
        sums[i] = sum += 1 / ((double)i + flat);
    for (size_t i = 0; i < count; i++) {
        double x = (double)(fh_mix64(seed + i) >> 11) * 0x1p-53 * sum;
        size_t low = 0, high = keys - 1;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (sums[middle] < x)
                low = middle + 1;
            else
                high = middle;
        }
        out[i] = low;
    }
    free(sums);
}

static fh_status load_key(void *ctx, uint64_t key, void **value) {
    *value = (uint8_t *)ctx + key % KEYS;
    return FH_DONE;
}

typedef struct job {
    candidate who;
    fh_cache *cache;
    peer *peer;
    const uint64_t *keys;
    size_t ops;
    uint64_t sum;
    double ns;
    unsigned *ready, threads, rounds; /* how often the keys are gone through */
} job;

static uint8_t values[KEYS];

static uint64_t time_ns(unsigned threads) {
    struct timespec t;
    if (threads > 1)
        return fh_os_clock_ns();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void *run_job(void *arg) {
    job *j = arg;
    fh_cache_loader loader = {load_key, values, 1};
    __atomic_fetch_add(j->ready, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(j->ready, __ATOMIC_ACQUIRE) < j->threads) {
    }
    uint64_t start = time_ns(j->threads);
    for (size_t i = 0; i < j->ops * j->rounds; i++) {
        uint64_t key = j->keys[i % j->ops];
        if (j->who == OURS) {
            fh_cache_ref ref;
            void *at;
            if (fh_failed(fh_cache_acquire(j->cache, key, &loader, &ref, &at)))
                die("no value");
            j->sum += *(volatile uint8_t *)at;
            if (fh_failed(fh_cache_drop(j->cache, ref)))
                die("no drop");
        } else {
            peer_node *n = peer_acquire(j->peer, key, 1, load_key, values);
            j->sum += *(volatile uint8_t *)n->value;
            peer_drop(j->peer, n);
        }
    }
    j->ns = (double)(time_ns(j->threads) - start) / (double)(j->ops * j->rounds);
    return NULL;
}

/* Nanoseconds for one operation of a fresh candidate, warmed up where the kind is about what is there. */
static double measure(candidate who, load_kind kind, unsigned threads) {
    uint64_t room = kind == MIXED ? KEYS / 10 : kind == CHURN ? CHURN_ROOM : kind == NEW_KEYS ? 4 * LOADS : KEYS;
    job base = {.who = who, .threads = 1, .rounds = 1}, jobs[THREADS_MAX];
    unsigned ready = 0;
    fh_cache_config config = {.budget_bytes = room, .entries_max = 4 * LOADS};
    if (who == OURS && fh_failed(fh_cache_new(fh_heap(), &config, &base.cache)))
        die("no cache");
    if (who != OURS)
        base.peer = peer_new(who == PEER_1 ? 1 : 16, room < KEYS ? room : 2 * room, kind == NEW_KEYS ? 1 << 16 : 1 << 13);
    base.ops = kind == NEW_KEYS ? LOADS : OPS;
    base.ready = &ready;
    if (kind == HOT || kind == HITS || kind == MIXED) {
        job warm = base;
        uint64_t all[KEYS];
        for (size_t i = 0; i < KEYS; i++)
            all[i] = i;
        warm.keys = kind == HOT ? hot_keys : all;
        warm.ops = kind == HOT ? 1 : KEYS;
        run_job(&warm);
        ready = 0;
    }
    pthread_t ids[THREADS_MAX];
    double worst = 0;
    for (unsigned t = 0; t < threads; t++) {
        jobs[t] = base;
        jobs[t].threads = threads;
        jobs[t].rounds = kind == NEW_KEYS || threads == 1 ? 1 : 4;
        jobs[t].keys = kind == HOT ? hot_keys : kind == HITS || kind == MIXED ? zipf_keys : new_keys[t];
        if (pthread_create(&ids[t], NULL, run_job, &jobs[t]) != 0)
            die("no thread");
    }
    for (unsigned t = 0; t < threads; t++) {
        pthread_join(ids[t], NULL);
        worst = jobs[t].ns > worst ? jobs[t].ns : worst;
    }
    fh_cache_free(base.cache);
    if (base.peer != NULL)
        peer_free(base.peer);
    return worst / threads;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_times(void) {
    printf("ns an operation (of all threads together), median of %d interleaved rounds\n\n", ROUNDS);
    printf("| threads | load  |   ours | peer 1 | peer 16 | ours / peer 1 | ours / peer 16 |\n|---|---|---|---|---|---|---|\n");
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++)
        for (int kind = HOT; kind < KINDS; kind++) {
            double took[CANDIDATES][ROUNDS];
            for (size_t r = 0; r < ROUNDS; r++)
                for (int c = 0; c < CANDIDATES; c++) {
                    int who = (c + (int)r) % CANDIDATES;
                    took[who][r] = measure((candidate)who, (load_kind)kind, threads);
                }
            for (int c = 0; c < CANDIDATES; c++)
                qsort(took[c], ROUNDS, sizeof took[c][0], by_size);
            const size_t m = ROUNDS / 2;
            printf("| %u | %-5s | %6.1f | %6.1f | %7.1f | %13.2f | %14.2f |\n", threads, kind_names[kind], took[OURS][m],
                   took[PEER_1][m], took[PEER_16][m], took[OURS][m] / took[PEER_1][m], took[OURS][m] / took[PEER_16][m]);
        }
}

/* --- hit rates ---------------------------------------------------------------------------------------------------------- */

enum { TRACE = 200000, LAYERS = 16, EXPERTS = 64, TOP = 8 };

static uint64_t trace[TRACE];

/* Zipf-distributed keys with a scan of 2,000 new keys after every 10,000. */
static void make_scans(void) {
    make_zipf(trace, TRACE, 10000, 1, 5);
    for (size_t i = 0; i < TRACE; i++)
        if (i % 12000 >= 10000)
            trace[i] = 1000000 + i;
}

/* Zipf-distributed keys whose popularity moves on after every 20,000. */
static void make_drift(void) {
    make_zipf(trace, TRACE, 10000, 1, 6);
    for (size_t i = 0; i < TRACE; i++)
        trace[i] += i / 20000 * 300;
}

/* A mixture of experts: 16 layers in turn, in each the 8 of 64 experts of a token; each of them with probability 0.4 one of the
 * token before, else by a popularity of the layer's own. */
static void make_experts(void) {
    static uint64_t popular[TRACE];
    uint64_t before[LAYERS][TOP], now[TOP];
    size_t n = 0;
    make_zipf(popular, TRACE, EXPERTS, 8, 7);
    memset(before, 0, sizeof before);
    for (size_t at = 0; at + TOP <= TRACE; at += TOP) {
        size_t layer = at / TOP % LAYERS;
        for (size_t k = 0; k < TOP; k++) {
            bool repeated = true;
            while (repeated) {
                uint64_t random = fh_mix64(++n);
                now[k] = random % 10 < 4 ? before[layer][random / 16 % TOP]
                                         : fh_mix64(popular[n % TRACE] * LAYERS + layer) % EXPERTS;
                repeated = false;
                for (size_t i = 0; i < k; i++)
                    repeated = repeated || now[i] == now[k];
            }
            trace[at + k] = layer * EXPERTS + now[k];
        }
        memcpy(before[layer], now, sizeof now);
    }
}

static double hit_rate(fh_cache_policy policy, uint32_t shards, uint64_t room) {
    fh_cache *cache;
    fh_cache_config config = {.budget_bytes = room, .policy = policy, .shards = shards, .entries_max = 1 << 20};
    fh_cache_loader loader = {load_key, values, 1};
    fh_cache_ref ref;
    if (policy == FH_CACHE_OPTIMUM)
        config.trace = (fh_u64s){trace, TRACE};
    if (fh_failed(fh_cache_new(fh_heap(), &config, &cache)))
        die("no cache");
    for (size_t i = 0; i < TRACE; i++)
        if (fh_failed(fh_cache_acquire(cache, trace[i], &loader, &ref, NULL)) || fh_failed(fh_cache_drop(cache, ref)))
            die("no value");
    double rate = 100.0 * (double)fh_cache_stats_get(cache).hits / (double)TRACE;
    fh_cache_free(cache);
    return rate;
}

static void print_hits(void) {
    static const struct {
        const char *name;
        void (*make)(void);
        uint64_t rooms[3];
    } traces[] = {
        {"zipf and scans", make_scans, {100, 1000, 4000}},
        {"zipf, drifting", make_drift, {100, 1000, 4000}},
        {"experts, 8 of 64 in 16 layers", make_experts, {128, 256, 512}},
    };
    printf("\nhits in %% of %d uses; 1 and 16 shards\n\n", TRACE);
    printf("| trace | room | LRU 1 | LRU 16 | SLRU 1 | SLRU 16 | LFU 1 | LFU 16 | optimum |\n");
    printf("|---|---|---|---|---|---|---|---|---|\n");
    for (size_t t = 0; t < sizeof traces / sizeof traces[0]; t++) {
        traces[t].make();
        for (size_t r = 0; r < 3; r++) {
            uint64_t room = traces[t].rooms[r];
            printf("| %s | %llu |", traces[t].name, (unsigned long long)room);
            for (int policy = FH_CACHE_LRU; policy <= FH_CACHE_LFU; policy++)
                for (uint32_t shards = 1; shards <= 16; shards *= 16)
                    printf(" %.1f |", hit_rate((fh_cache_policy)policy, shards, room));
            printf(" %.1f |\n", hit_rate(FH_CACHE_OPTIMUM, 1, room));
        }
    }
}

static void *sleep_for_ever(void *arg) {
    (void)arg;
    for (;;)
        fh_os_nap(UINT64_C(1000000000));
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t sleeper;
    if (pthread_create(&sleeper, NULL, sleep_for_ever, NULL) != 0)
        die("no thread");
    if (argc < 2 || strcmp(argv[1], "--hits") != 0) {
        make_zipf(zipf_keys, OPS, KEYS, 1, 1);
        for (size_t i = 0; i < OPS; i++)
            for (size_t t = 0; t < THREADS_MAX; t++)
                new_keys[t][i] = 1000000 + i * THREADS_MAX + t;
        print_times();
    }
    print_hits();
    return 0;
}
