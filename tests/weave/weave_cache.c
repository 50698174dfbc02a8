/* weave_cache.c: the cache in all interleavings and with all values that the memory model allows: its lock, the count against
 * eviction and removal, loads that happen once, looks without the lock, the budget, and waits in a circle. A value is a block
 * of the explorer's allocator that its release frees, so a use after that, a second release and one that never comes are seen.
 * */
#include "weave.h"

#include "freehold/cache.h"
#include "mem/cache/flight.h"

static fh_cache *cache;
static fh_allocator *memory;
static fh_cache_ref refs[3];
static uint64_t loads; /* atomic */

/* --- the lock alone ----------------------------------------------------------------------------------------------------- */

static uint32_t lock;
static uint64_t guarded;

static void setup_lock(fh_allocator *a) {
    (void)a;
    lock = 0;
    FH_WRITES(&guarded, sizeof guarded);
    guarded = 0;
}
static void add_one(void) {
    fh_lock_take(&lock);
    FH_WRITES(&guarded, sizeof guarded);
    guarded++;
    fh_lock_give(&lock);
}
static void end_lock(void) {
    FH_READS(&guarded, sizeof guarded);
    WEAVE_ASSERT(guarded == 3);
}

/* --- values --------------------------------------------------------------------------------------------------------------- */

static fh_status load_block(void *ctx, uint64_t key, void **value) {
    (void)ctx;
    (void)fh_fetch_add(&loads, 1, FH_RELAXED);
    uint64_t *v = fh_alloc(memory, 1, sizeof *v);
    WEAVE_ASSERT(v != NULL);
    FH_WRITES(v, sizeof *v);
    *v = key;
    *value = v;
    return FH_DONE;
}

static void release_block(void *ctx, uint64_t key, void *value, uint64_t size_bytes) {
    (void)ctx;
    (void)size_bytes;
    FH_READS(value, sizeof(uint64_t));
    WEAVE_ASSERT(*(uint64_t *)value == key);
    fh_free(memory, value);
}

static const fh_cache_loader blocks = {load_block, NULL, 1};

static void setup(fh_allocator *a, uint64_t budget, fh_cache_release *release) {
    fh_cache_config config = {.budget_bytes = budget, .entries_max = 4, .refs_max = 8, .shards = 1, .release = release};
    fh_status s = fh_cache_new(a, &config, &cache);
    WEAVE_ASSERT(s.code == FH_OK);
    memory = a;
    loads = 0;
}

static fh_code use(fh_status s, fh_cache_ref ref, const void *value, uint64_t key) {
    if (s.code != FH_OK)
        return s.code;
    FH_READS(value, sizeof(uint64_t));
    WEAVE_ASSERT(*(const uint64_t *)value == key);
    s = fh_cache_drop(cache, ref);
    WEAVE_ASSERT(s.code == FH_OK);
    return FH_OK;
}

static fh_code get(uint64_t key) {
    fh_cache_ref ref;
    void *value;
    fh_status s = fh_cache_get(cache, key, &ref, &value);
    return use(s, ref, value, key);
}

static fh_code acquire(uint64_t key, const fh_cache_loader *loader) {
    fh_cache_ref ref;
    void *value;
    fh_status s = fh_cache_acquire(cache, key, loader, &ref, &value);
    return use(s, ref, value, key);
}

static void hold(uint64_t key, size_t i, const fh_cache_loader *loader) {
    fh_status s = fh_cache_acquire(cache, key, loader, &refs[i], NULL);
    WEAVE_ASSERT(s.code == FH_OK);
}

static void drop(size_t i) {
    fh_status s = fh_cache_drop(cache, refs[i]);
    WEAVE_ASSERT(s.code == FH_OK);
}

static void end(void) {
    fh_status s = fh_cache_check(cache, NULL);
    WEAVE_ASSERT(s.code == FH_OK);
    fh_cache_free(cache);
}

/* --- a get against an eviction of the same value -------------------------------------------------------------------------- */

static void setup_one_idle(fh_allocator *a) {
    setup(a, 1, release_block);
    hold(1, 0, &blocks);
    drop(0);
}
static void get_1(void) {
    fh_code code = get(1);
    WEAVE_ASSERT(code == FH_OK || code == FH_NOT_FOUND);
}
static void load_2(void) {
    fh_code code = acquire(2, &blocks);
    WEAVE_ASSERT(code == FH_OK || code == FH_EXHAUSTED);
}

/* A planted bug: the value outlives its reference only by luck. */
static void get_1_too_long(void) {
    fh_cache_ref ref;
    void *value;
    fh_status s = fh_cache_get(cache, 1, &ref, &value);
    fh_code code = use(s, ref, value, 1);
    if (code == FH_OK)
        FH_READS(value, sizeof(uint64_t));
}

/* --- one load for all ----------------------------------------------------------------------------------------------------- */

static fh_status load_number(void *ctx, uint64_t key, void **value) {
    (void)ctx;
    (void)fh_fetch_add(&loads, 1, FH_RELAXED);
    *value = (void *)(uintptr_t)key;
    return FH_DONE;
}
static fh_status fail_to_load(void *ctx, uint64_t key, void **value) {
    (void)ctx;
    (void)key;
    (void)value;
    return FH_STATUS(FH_CANCELED);
}

static const fh_cache_loader numbers = {load_number, NULL, 1};

static void setup_empty(fh_allocator *a) {
    setup(a, 9, NULL);
    refs[2] = (fh_cache_ref){0};
}
static void hold_0(void) {
    hold(1, 0, &numbers);
}
static void hold_1(void) {
    hold(1, 1, &numbers);
}
static void hold_2(void) {
    hold(1, 2, &numbers);
}
static void end_one_load(void) {
    WEAVE_ASSERT(fh_load(&loads, FH_RELAXED) == 1);
    for (size_t i = 0; i < 3; i++)
        if (refs[i].value != 0)
            drop(i);
    end();
}
static void fail_1(void) {
    static const fh_cache_loader failing = {fail_to_load, NULL, 1};
    fh_code code = acquire(1, &failing);
    WEAVE_ASSERT(code == FH_CANCELED);
}
static void end_none(void) {
    fh_cache_stats s = fh_cache_stats_get(cache);
    WEAVE_ASSERT(s.entries + s.leaving + s.bytes + s.refs == 0);
    end();
}

/* --- the last one ends a value that was removed -----------------------------------------------------------------------------
 * */

static void setup_two_refs(fh_allocator *a) {
    setup(a, 9, release_block);
    hold(1, 0, &blocks);
    hold(1, 1, &blocks);
}
static void drop_0(void) {
    drop(0);
}
static void drop_1(void) {
    drop(1);
}
static void remove_1(void) {
    fh_status s = fh_cache_remove(cache, 1);
    WEAVE_ASSERT(s.code == FH_OK);
}

/* --- one reference dropped twice at once: one of the drops counts
 * ------------------------------------------------------------ */

static uint64_t drops;

static void setup_twice(fh_allocator *a) {
    setup_two_refs(a);
    drops = 0;
}
static void try_drop(void) {
    fh_status s = fh_cache_drop(cache, refs[0]);
    WEAVE_ASSERT(s.code == FH_OK || s.code == FH_DOUBLE_FREE);
    if (s.code == FH_OK)
        (void)fh_fetch_add(&drops, 1, FH_RELAXED);
}
static void end_twice(void) {
    WEAVE_ASSERT(fh_load(&drops, FH_RELAXED) == 1 && fh_cache_stats_get(cache).refs == 1);
    drop(1);
    end();
}

/* --- a look without the lock, while the reference ends and all its places are used again
 * -------------------------------------- */

static void setup_look(fh_allocator *a) {
    setup(a, 9, NULL);
    hold(2, 1, &numbers);
    hold(1, 0, &numbers);
    drop(1);
}
static void look(void) {
    void *value;
    fh_status s = fh_cache_view(cache, refs[0], &value);
    WEAVE_ASSERT(s.code == FH_OK || s.code == FH_STALE);
    WEAVE_ASSERT(s.code == FH_OK ? (uintptr_t)value == 1 : value == NULL);
}
/* The reference's slot goes to another value. */
static void reuse_slot(void) {
    drop(0);
    hold(2, 1, &numbers);
}
/* The reference's entry goes to another value. */
static void reuse_entry(void) {
    drop(0);
    remove_1();
    hold(3, 1, &numbers);
}
static void end_look(void) {
    drop(1);
    end();
}

/* --- a smaller budget, against a load and against the end of a use
 * -------------------------------------------------------------- */

static fh_code resized, held;

static void setup_resize(fh_allocator *a) {
    setup(a, 1, NULL);
    refs[0] = (fh_cache_ref){0};
}
static void resize_0(void) {
    resized = fh_cache_resize(cache, 0).code;
}
static void try_hold(void) {
    held = fh_cache_acquire(cache, 1, &numbers, &refs[0], NULL).code;
    WEAVE_ASSERT(held == FH_OK || held == FH_LIMIT || held == FH_EXHAUSTED);
}
static void end_resize(void) {
    fh_cache_stats s = fh_cache_stats_get(cache);
    WEAVE_ASSERT(resized == FH_AGAIN || s.bytes == 0);
    if (held == FH_OK)
        drop(0);
    s = fh_cache_stats_get(cache);
    WEAVE_ASSERT(s.bytes == 0);
    end();
}

static void setup_held(fh_allocator *a) {
    setup(a, 1, NULL);
    hold(1, 0, &numbers);
}
static void end_no_excess(void) {
    fh_cache_stats s = fh_cache_stats_get(cache);
    WEAVE_ASSERT(s.bytes == 0);
    end();
}

/* --- a load that does not fit is at no time counted in -------------------------------------------------------------------- */

static void load_too_much(void) {
    fh_cache_ref ref;
    fh_status s = fh_cache_acquire(cache, 2, &numbers, &ref, NULL);
    WEAVE_ASSERT(s.code == FH_EXHAUSTED);
}
static void look_at_bytes(void) {
    WEAVE_ASSERT(fh_cache_stats_get(cache).bytes == 1);
}
static void end_held(void) {
    drop(0);
    end();
}

/* --- bytes are free once their release has returned
 * ------------------------------------------------------------------------------- */

static uint64_t resource; /* what the one byte of the budget stands for */

static fh_status load_resource(void *ctx, uint64_t key, void **value) {
    (void)value;
    FH_WRITES(&resource, sizeof resource);
    resource = key;
    return ctx == NULL ? FH_DONE : FH_STATUS(FH_CANCELED);
}
static void release_resource(void *ctx, uint64_t key, void *value, uint64_t size_bytes) {
    (void)ctx;
    (void)value;
    (void)size_bytes;
    FH_WRITES(&resource, sizeof resource);
    WEAVE_ASSERT(resource == key);
}
static void load_one(uint64_t key, void *fails) {
    fh_cache_ref ref;
    fh_status s = fh_cache_acquire(cache, key, &(fh_cache_loader){load_resource, fails, 1}, &ref, NULL);
    WEAVE_ASSERT(s.code == FH_OK || s.code == FH_EXHAUSTED || s.code == FH_CANCELED);
    if (s.code == FH_OK)
        s = fh_cache_drop(cache, ref);
}
static void setup_resource(fh_allocator *a) {
    setup(a, 1, release_resource);
    load_one(1, NULL);
}
static void setup_no_resource(fh_allocator *a) {
    setup(a, 1, release_resource);
}
static void remove_loaded(void) {
    fh_status s = fh_cache_remove(cache, 1);
    WEAVE_ASSERT(s.code == FH_OK || s.code == FH_NOT_FOUND);
}
static void load_one_2(void) {
    load_one(2, NULL);
}
static void fail_one_3(void) {
    load_one(3, &resource);
}

/* --- two pieces of work that wait for each other: one wait is refused, and nobody waits for ever
 * ----------------------------- */

static fh_flights flights;
static uint32_t done[2];
static uint64_t refused;

static void setup_circle(fh_allocator *a) {
    (void)a;
    FH_WRITES(&flights.first, sizeof flights.first);
    flights = (fh_flights){0};
    refused = 0;
    done[0] = done[1] = 0;
}
static void work(size_t mine, size_t other) {
    fh_flight load, wait;
    fh_flight_load(&flights, &load, &done[mine]);
    if (fh_flight_wait(&flights, &wait, &done[other])) {
        while (fh_load(&done[other], FH_ACQUIRE) == 0)
            fh_os_wait(&done[other], 0);
        fh_flight_end(&flights, &wait);
    } else {
        (void)fh_fetch_add(&refused, 1, FH_RELAXED);
    }
    fh_store(&done[mine], 1, FH_RELEASE);
    fh_os_wake(&done[mine], 1);
    fh_flight_end(&flights, &load);
}
static void work_0(void) {
    work(0, 1);
}
static void work_1(void) {
    work(1, 0);
}
static void end_circle(void) {
    WEAVE_ASSERT(fh_load(&refused, FH_RELAXED) == 1 && flights.first == NULL);
}

/* What each look, resize and release rests on is weakened where it matters; elsewhere it is spared. */
#define LOOKS "fh_shard_refer store &slot->entry", "fh_shard_loaded store &e->value"
#define RESIZES "charge load &cache->budget", "is_over_budget load &cache->bytes"

int main(void) {
    static const weave_test tests[] = {
        {.name = "lock: three threads", .setup = setup_lock, .threads = {add_one, add_one, add_one}, .check = end_lock,
         .weaken = "mem/sync/lock.h"},
        {.name = "cache: get against evict", .setup = setup_one_idle, .threads = {get_1, load_2}, .check = end,
         .preemptions = 3},
        {.name = "cache: used after its reference", .setup = setup_one_idle, .threads = {get_1_too_long, load_2}, .check = end,
         .preemptions = 3, .finds = "race with an access"},
        {.name = "cache: one load for two", .setup = setup_empty, .threads = {hold_0, hold_1}, .check = end_one_load,
         .preemptions = 3},
        {.name = "cache: one load for three", .setup = setup_empty, .threads = {hold_0, hold_1, hold_2}, .check = end_one_load,
         .preemptions = 2},
        {.name = "cache: a failure for two", .setup = setup_empty, .threads = {fail_1, fail_1}, .check = end_none,
         .preemptions = 3},
        {.name = "cache: the last one ends it", .setup = setup_two_refs, .threads = {drop_0, drop_1, remove_1}, .check = end,
         .preemptions = 3},
        {.name = "cache: dropped twice at once", .setup = setup_twice, .threads = {try_drop, try_drop}, .check = end_twice,
         .preemptions = 4},
        {.name = "cache: a look, its slot used again", .setup = setup_look, .threads = {look, reuse_slot}, .check = end_look,
         .preemptions = 4, .weaken = "mem/cache",
         .spare = {"is_over_budget load &cache->bytes", "fh_cache_view load &e->value"}},
        {.name = "cache: a look, its entry used again", .setup = setup_look, .threads = {look, reuse_entry}, .check = end_look,
         .preemptions = 3, .weaken = "mem/cache",
         .spare = {RESIZES, "charge cas &cache->bytes", "end_locked sub &cache->bytes", "fh_shard_refer store &slot->entry",
                   "fh_cache_view load &slot->entry"}},
        {.name = "cache: never above the budget", .setup = setup_held, .threads = {load_too_much, look_at_bytes},
         .check = end_held, .preemptions = 3},
        {.name = "cache: resize against a load", .setup = setup_resize, .threads = {resize_0, try_hold}, .check = end_resize,
         .preemptions = 4, .weaken = "mem/cache", .spare = {LOOKS}},
        {.name = "cache: resize against a drop", .setup = setup_held, .threads = {resize_0, drop_0}, .check = end_no_excess,
         .preemptions = 3},
        {.name = "cache: a release before a load", .setup = setup_resource, .threads = {remove_loaded, load_one_2},
         .check = end, .preemptions = 3, .weaken = "mem/cache", .spare = {LOOKS, RESIZES, "charge cas &cache->bytes"}},
        {.name = "cache: a failure before a load", .setup = setup_no_resource, .threads = {fail_one_3, load_one_2},
         .check = end, .preemptions = 2, .weaken = "mem/cache",
         .spare = {LOOKS, RESIZES, "charge cas &cache->bytes", "end_locked sub &cache->bytes"}},
        {.name = "flight: a circle of two", .setup = setup_circle, .threads = {work_0, work_1}, .check = end_circle,
         .preemptions = 4},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
