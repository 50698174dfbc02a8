/* cache.c: the concurrent cache: the budget, loads that happen once, references that know when they are stale.
 *
 * A key's hash names its shard (cache_shard.c) and its place there. All of a shard is guarded by its lock, which is held for a
 * few dozen nanoseconds and never around a callback. Between shards there are atomic counters and the list of loads and waits
 * (flight.c).
 *
 * An entry's life:   LOADING ──ok──▶ RESIDENT ──not mapped, count 0──▶ released, free
 *                       └───fails──▶ FAILED ─────────────── count 0──▶ free
 *
 * A thread that finds nothing makes the entry LOADING with one reference, its own, lets go of the lock, reserves the bytes, and
 * loads. Others find the entry, take a reference each and sleep at `state`. So the count says who still looks at an entry, and
 * nothing else is needed to know when it is free: neither for waiters nor for values removed from the map.
 *
 * Budget (cache-budget): bytes = Σ size_bytes of loads whose bytes are reserved + Σ size_bytes of values not yet released. It
 * grows by compare-and-swap only where the sum stays ≤ budget, and falls after the release callback, so there is no moment at
 * which more exists than is accounted. Where it does not fit, the idle value of the lowest rank over all shards is evicted.
 *
 * References (cache-ref): a number is {seed + age, slot, shard} of one life of one slot, and the slot has it while it lives.
 * Looking at a value takes no lock: the slot's entry, its value, and then the slot's number. Entries and values are stored with
 * release order after the lives before have ended, so whoever reads those of a later life also reads a later number.
 *
 *     the slot's number                   the reference, live
 *     an earlier one                      FH_STALE; at drop FH_DOUBLE_FREE if the slot is free and that was its last life
 *     a later one, an even age, no slot   FH_WRONG_POOL: never given by this cache
 *
 * Seeds of successive caches are multiples of 2^40 / golden ratio: the ages of two never meet in practice.
 *
 * Threading: any thread. Nobody takes a lock who has one. */
#include "mem/cache/cache_core.h"

#include "freehold/checked.h"
#include "freehold/hash.h"

enum { ENTRIES_DEFAULT = 65536, REFS_DEFAULT = 65536, SHARDS_DEFAULT = 16 };

#define AGE_MASK ((UINT64_C(1) << FH_CACHE_AGE_BITS) - 1)

static uint64_t caches_made;

/* Shard `n` modulo the number of shards. */
static fh_cache_shard *shard_at(const fh_cache *cache, uint64_t n) {
    FH_UNSAFE("cache-column");
    return &cache->shards[n & cache->shard_mask];
}

/* --- life of a cache -------------------------------------------------------------------------------------------------- */

/* Fills in the defaults. FH_INVALID. */
static fh_status complete(fh_cache_config *c) {
    bool optimum = c->policy == FH_CACHE_OPTIMUM;
    c->entries_max = c->entries_max != 0 ? c->entries_max : ENTRIES_DEFAULT;
    c->refs_max = c->refs_max != 0 ? c->refs_max : REFS_DEFAULT;
    c->shards = c->shards != 0 ? c->shards : optimum ? 1 : SHARDS_DEFAULT;
    bool ok = (unsigned)c->policy <= FH_CACHE_OPTIMUM && c->entries_max <= FH_CACHE_ENTRIES_MAX &&
              c->refs_max <= FH_CACHE_REFS_MAX && c->shards <= FH_CACHE_SHARDS_MAX && (c->shards & (c->shards - 1)) == 0 &&
              optimum == (c->trace.count != 0) && (!optimum || c->shards == 1);
    return ok ? FH_DONE : FH_STATUS(FH_INVALID);
}

/* Frees a cache of which `shards` shards were made. */
static void free_parts(fh_cache *cache, uint32_t shards) {
    fh_allocator *a = cache->allocator;
    for (uint32_t k = 0; k < shards; k++)
        fh_shard_deinit(shard_at(cache, k));
    fh_free(a, cache->shards);
    fh_u64s_free(a, &cache->trace);
    fh_u64s_free(a, &cache->next_uses);
    fh_free(a, cache);
}

/* For a report: what the map holds is cached; a value that has left it, or is on its way in, is in use. */
static void fill_row(const void *owner, fh_memory_row *row) {
    FH_UNSAFE("cache-column");
    fh_cache *cache = (fh_cache *)(uintptr_t)owner; /* not const: it locks each shard, for a moment */
    fh_cache_stats s = fh_cache_stats_get(cache);
    uint64_t blocks = sizeof *cache + (cache->shard_mask + 1) * sizeof *cache->shards, committed = 0, reserved = 0;
    for (uint32_t n = 0; n <= cache->shard_mask; n++) {
        fh_cache_shard *shard = shard_at(cache, n);
        fh_shard_lock(shard);
        blocks += (shard->mask + UINT64_C(1)) * sizeof *shard->cells;
        committed += shard->entries.committed_bytes + shard->slots.committed_bytes;
        reserved += shard->entries.reserved_bytes + shard->slots.reserved_bytes;
        fh_shard_unlock(shard);
    }
    row->name = fh_memory_label_of(fh_span_of_str(cache->name));
    row->live.count = s.leaving + s.loading;
    row->cached = (fh_memory_part){s.entries, s.bytes};
    row->committed_bytes = s.bytes + blocks + committed;
    row->reserved_bytes = s.bytes + blocks + reserved;
    row->heap_bytes = fh_memory_on_heap(cache->allocator, blocks) + (cache->on_heap ? s.bytes : 0);
    row->peak_bytes = s.bytes_peak;
    row->refusals = s.no_room + s.stale_uses + s.double_frees + s.wrong_caches + s.self_waits;
}

fh_status fh_cache_new_narrow(fh_allocator *a, const fh_cache_config *config, unsigned age_bits, fh_cache **out) {
    *out = NULL;
    fh_cache_config c = *config;
    FH_TRY(complete(&c));
    fh_cache *cache = fh_alloc(a, 1, sizeof *cache);
    if (cache == NULL)
        return FH_STATUS(FH_NOMEM);
    cache->allocator = a;
    cache->release = c.release;
    cache->ctx = c.ctx;
    cache->shard_mask = c.shards - 1;
    cache->entries_max = c.entries_max;
    cache->name = c.name == NULL ? "cache" : c.name;
    cache->on_heap = c.on_heap;
    cache->budget = c.budget_bytes;
    uint64_t seed = (fh_fetch_add(&caches_made, 1, FH_RELAXED) + 1) * UINT64_C(0x9e3779b97f) * 2 & AGE_MASK;
    cache->shards = fh_alloc(a, c.shards, sizeof *cache->shards);
    fh_status s = cache->shards == NULL ? FH_STATUS(FH_NOMEM) : FH_DONE;
    uint32_t made = 0;
    while (!fh_failed(s) && made < c.shards) {
        s = fh_shard_init(shard_at(cache, made), a, &c, &cache->time, seed << FH_CACHE_INDEX_BITS | made, age_bits);
        made += !fh_failed(s);
    }
    if (!fh_failed(s))
        s = fh_u64s_new(a, c.trace.count, &cache->trace);
    for (size_t i = 0; i < cache->trace.count; i++)
        fh_u64s_set(cache->trace, i, fh_u64s_get(c.trace, i));
    if (!fh_failed(s) && c.policy == FH_CACHE_OPTIMUM)
        s = fh_evict_next_uses(a, c.trace, &cache->next_uses);
    if (fh_failed(s)) {
        free_parts(cache, made);
        return s;
    }
    fh_ledger_enter(&cache->listed, FH_MEMORY_CACHE, fill_row, cache);
    *out = cache;
    return FH_DONE;
}

fh_status fh_cache_new(fh_allocator *a, const fh_cache_config *config, fh_cache **out) {
    return fh_cache_new_narrow(a, config, FH_CACHE_AGE_BITS, out);
}

static void release_value(fh_cache *cache, const fh_cache_entry *e) {
    if (cache->release != NULL)
        cache->release(cache->ctx, e->key, e->value, e->size_bytes);
}

void fh_cache_free(fh_cache *cache) {
    if (cache == NULL)
        return;
    fh_ledger_leave(&cache->listed);
    FH_ASSERT(cache->flights.first == NULL); /* no load runs, and nobody waits for one */
    for (uint32_t k = 0; k <= cache->shard_mask; k++) {
        fh_cache_shard *s = shard_at(cache, k);
        FH_ASSERT(s->slots_live == 0); /* every reference was dropped */
        for (uint32_t i = 0; i < s->entries.made; i++)
            if (fh_shard_entry(s, i)->state == FH_ENTRY_RESIDENT)
                release_value(cache, fh_shard_entry(s, i));
    }
    free_parts(cache, cache->shard_mask + 1);
}

static fh_cache_shard *shard_of(fh_cache *cache, uint64_t hash) {
    return shard_at(cache, hash >> (64 - FH_CACHE_SHARD_BITS));
}

/* --- the budget ------------------------------------------------------------------------------------------------------- */

/* Ends entry i, which is neither mapped nor referenced, of a shard that is locked, and unlocks it. */
FH_ATTR(noinline) static void end_locked(fh_cache *cache, fh_cache_shard *s, uint32_t i) {
    fh_cache_entry gone = *fh_shard_entry(s, i);
    fh_shard_end(s, i);
    fh_shard_unlock(s);
    (void)fh_fetch_sub(&cache->entries, 1, FH_RELAXED);
    if (gone.state != FH_ENTRY_RESIDENT)
        return;
    release_value(cache, &gone);
    (void)fh_fetch_sub(&cache->bytes, gone.size_bytes, FH_RELEASE);
}

/* The shard whose victim has the lowest rank, or NULL. */
static fh_cache_shard *lowest_shard(fh_cache *cache) {
    fh_cache_shard *best = NULL;
    fh_evict_rank lowest = FH_EVICT_NO_RANK;
    for (uint32_t k = 0; k <= cache->shard_mask; k++) {
        fh_cache_shard *s = shard_at(cache, k);
        fh_evict_rank rank = {fh_load(&s->victim.worth, FH_RELAXED), fh_load(&s->victim.stamp, FH_RELAXED)};
        if (fh_evict_before(rank, lowest)) {
            lowest = rank;
            best = s;
        }
    }
    return best;
}

/* Evicts one idle value. False when there is none. */
static bool evict_one(fh_cache *cache) {
    for (fh_cache_shard *s; (s = lowest_shard(cache)) != NULL;) {
        fh_shard_lock(s);
        uint32_t i = fh_shard_evict(s);
        if (i == FH_CACHE_NONE) { /* in use again, or somebody was faster */
            fh_shard_unlock(s);
            continue;
        }
        s->stats.evictions++;
        end_locked(cache, s, i);
        return true;
    }
    return false;
}

static bool is_over_budget(fh_cache *cache) {
    return fh_load(&cache->bytes, FH_SEQ_CST) > fh_load(&cache->budget, FH_RELAXED);
}

/* After fh_cache_resize to less than is in use: evicts what has become idle. */
FH_ATTR(noinline) static void evict_excess(fh_cache *cache) {
    while (FH_UNLIKELY(is_over_budget(cache)) && evict_one(cache)) {
    }
}

/* Counts bytes in if they fit. */
static bool charge(fh_cache *cache, uint64_t size_bytes) {
    uint64_t bytes = fh_load(&cache->bytes, FH_RELAXED);
    uint64_t sum;
    do {
        if (!fh_add_u64(bytes, size_bytes, &sum) || sum > fh_load(&cache->budget, FH_RELAXED))
            return false;
    } while (!fh_cas(&cache->bytes, &bytes, sum, FH_SEQ_CST));
    if (sum > fh_load(&cache->budget, FH_SEQ_CST)) { /* resized meanwhile: either side sees the other */
        (void)fh_fetch_sub(&cache->bytes, size_bytes, FH_RELAXED);
        return false;
    }
    uint64_t peak = fh_load(&cache->bytes_peak, FH_RELAXED);
    while (sum > peak && !fh_cas(&cache->bytes_peak, &peak, sum, FH_RELAXED)) {
    }
    return true;
}

/* Counts bytes in, evicting for them. False when what is in use leaves no room. */
static bool reserve(fh_cache *cache, uint64_t size_bytes) {
    for (bool more = true; more;) {
        if (charge(cache, size_bytes))
            return true;
        more = evict_one(cache);
    }
    return charge(cache, size_bytes); /* another thread may have evicted the last one for itself, and be done by now */
}

/* Counts an entry in if it fits. */
static bool charge_entry(fh_cache *cache) {
    uint32_t entries = fh_load(&cache->entries, FH_RELAXED);
    do {
        if (entries == cache->entries_max)
            return false;
    } while (!fh_cas(&cache->entries, &entries, entries + 1, FH_RELAXED));
    return true;
}

/* --- references ------------------------------------------------------------------------------------------------------- */

static fh_cache_ref ref_of(const fh_cache_shard *s, uint32_t k) {
    return (fh_cache_ref){fh_shard_slot(s, k)->number};
}

static bool is_number_of(fh_cache_ref ref, uint64_t number) {
    return ref.value == number && fh_shard_is_life(number);
}

/* The slot that a reference names and its shard; NULL where there is none. */
static fh_cache_slot *slot_of(fh_cache *cache, fh_cache_ref ref, fh_cache_shard **out_shard, uint32_t *out_k) {
    fh_cache_shard *s = shard_at(cache, ref.value);
    *out_shard = s;
    *out_k = (uint32_t)(ref.value >> FH_CACHE_SHARD_BITS) & (FH_CACHE_REFS_MAX - 1);
    return *out_k < fh_load(&s->slots.made, FH_RELAXED) ? fh_shard_slot(s, *out_k) : NULL;
}

/* What a reference is whose slot has another number. */
static fh_code refusal(const fh_cache_shard *s, fh_cache_ref ref, uint64_t number) {
    uint64_t age = fh_shard_age(s, ref.value), now = fh_shard_age(s, number);
    bool was_life = fh_shard_is_life(ref.value) && (ref.value - number) % FH_CACHE_ONE_AGE == 0 && age < now;
    return !was_life ? FH_WRONG_POOL : age + 1 == now ? FH_DOUBLE_FREE : FH_STALE;
}

/* Counts a refusal and returns it. Only a drop is told of a double free. */
FH_ATTR(noinline) static fh_status refuse(fh_cache *cache, fh_cache_ref ref, fh_code code, bool drops) {
    fh_cache_stats *stats = &shard_at(cache, 0)->stats; /* counters are summed over shards */
    code = ref.value == 0 || (code == FH_DOUBLE_FREE && !drops) ? FH_STALE : code;
    fh_shard_lock(shard_at(cache, 0));
    stats->stale_uses += code == FH_STALE;
    stats->double_frees += code == FH_DOUBLE_FREE;
    stats->wrong_caches += code == FH_WRONG_POOL;
    fh_shard_unlock(shard_at(cache, 0));
    return FH_STATUS(code);
}

fh_status fh_cache_view(fh_cache *cache, fh_cache_ref ref, void **out) {
    uint32_t k;
    fh_cache_shard *s;
    fh_cache_slot *slot = slot_of(cache, ref, &s, &k);
    *out = NULL;
    if (FH_UNLIKELY(slot == NULL))
        return refuse(cache, ref, FH_WRONG_POOL, false);
    FH_UNSAFE("cache-ref");
    const fh_cache_entry *e = fh_shard_entry(s, fh_load(&slot->entry, FH_ACQUIRE));
    void *value = fh_load(&e->value, FH_ACQUIRE);
    uint64_t number = fh_load(&slot->number, FH_RELAXED);
    if (FH_UNLIKELY(!is_number_of(ref, number)))
        return refuse(cache, ref, refusal(s, ref, number), false);
    *out = value;
    return FH_DONE;
}

/* Locks the shard of a live reference; a refusal locks nothing. */
static inline fh_code lock_ref(fh_cache *cache, fh_cache_ref ref, fh_cache_shard **out_shard, uint32_t *out_k) {
    fh_cache_slot *slot = slot_of(cache, ref, out_shard, out_k);
    if (FH_UNLIKELY(slot == NULL))
        return FH_WRONG_POOL;
    fh_shard_lock(*out_shard);
    if (FH_LIKELY(is_number_of(ref, slot->number)))
        return FH_OK;
    fh_code code = refusal(*out_shard, ref, slot->number);
    fh_shard_unlock(*out_shard);
    return code;
}

/* Ends reference k of a shard that is locked, and unlocks it. */
static inline void drop_locked(fh_cache *cache, fh_cache_shard *s, uint32_t k) {
    uint32_t i = fh_shard_unrefer(s, k);
    const fh_cache_entry *e = fh_shard_entry(s, i);
    if (FH_UNLIKELY(e->count == 0 && !e->mapped))
        end_locked(cache, s, i);
    else
        fh_shard_unlock(s);
    if (FH_UNLIKELY(is_over_budget(cache)))
        evict_excess(cache);
}

fh_status fh_cache_drop(fh_cache *cache, fh_cache_ref ref) {
    uint32_t k;
    fh_cache_shard *s;
    fh_code code = lock_ref(cache, ref, &s, &k);
    if (FH_UNLIKELY(code != FH_OK))
        return refuse(cache, ref, code, true);
    drop_locked(cache, s, k);
    return FH_DONE;
}

fh_status fh_cache_share(fh_cache *cache, fh_cache_ref ref, fh_cache_ref *out) {
    uint32_t k;
    fh_cache_shard *s;
    *out = (fh_cache_ref){0};
    fh_code code = lock_ref(cache, ref, &s, &k);
    if (code != FH_OK)
        return refuse(cache, ref, code, false);
    fh_status status = fh_shard_refer(s, fh_shard_slot(s, k)->entry, &k);
    if (!fh_failed(status))
        *out = ref_of(s, k);
    fh_shard_unlock(s);
    return status;
}

/* --- lookups ---------------------------------------------------------------------------------------------------------- */

/* True if a call for `key` follows the optimum's trace; other policies have none. */
static bool is_on_trace(const fh_cache *cache, uint64_t key) {
    return cache->next_uses.count == 0 ||
           (cache->position < cache->trace.count && fh_u64s_get(cache->trace, cache->position) == key);
}

/* Notes where the trace needs entry i next, and goes on. */
static void follow_trace(fh_cache *cache, fh_cache_shard *s, uint32_t i) {
    if (cache->next_uses.count == 0)
        return;
    if (i != FH_CACHE_NONE)
        fh_evict_next_use(&s->evict, i, fh_u64s_get(cache->next_uses, cache->position));
    cache->position++;
}

/* Where a lookup puts what it finds: the reference, and the value if anybody wants it. */
typedef struct found {
    fh_cache_ref *ref;
    void **value;
} found;

static inline found give_nothing(fh_cache_ref *ref, void **value) {
    *ref = (fh_cache_ref){0};
    if (value != NULL)
        *value = NULL;
    return (found){ref, value};
}

static inline void give(found out, const fh_cache_shard *s, uint32_t i, uint32_t k) {
    *out.ref = ref_of(s, k);
    if (out.value != NULL)
        *out.value = fh_shard_entry(s, i)->value;
}

static void count_use(fh_cache_shard *s, uint32_t i) {
    fh_cache_entry *e = fh_shard_entry(s, i);
    if (s->evict.policy != FH_CACHE_LRU && e->uses != UINT8_MAX)
        e->uses++;
}

/* A reference to a resident entry of a shard that is locked. */
static inline fh_status hit(fh_cache_shard *s, uint32_t i, found out) {
    uint32_t k;
    FH_TRY(fh_shard_refer(s, i, &k));
    give(out, s, i, k);
    s->hits++;
    count_use(s, i);
    return FH_DONE;
}

fh_status fh_cache_get(fh_cache *cache, uint64_t key, fh_cache_ref *ref, void **value) {
    uint64_t hash = fh_mix64(key);
    fh_cache_shard *s = shard_of(cache, hash);
    found out = give_nothing(ref, value);
    fh_shard_lock(s);
    uint32_t i = fh_shard_find(s, key, (uint32_t)hash);
    fh_status status = FH_DONE;
    if (!is_on_trace(cache, key)) {
        status = FH_STATUS(FH_INVALID);
    } else if (i == FH_CACHE_NONE) {
        s->stats.misses++;
        follow_trace(cache, s, i);
        status = FH_STATUS(FH_NOT_FOUND);
    } else if (fh_shard_entry(s, i)->state == FH_ENTRY_LOADING) {
        status = FH_STATUS(FH_AGAIN);
    } else {
        status = hit(s, i, out);
        if (!fh_failed(status))
            follow_trace(cache, s, i);
    }
    fh_shard_unlock(s);
    return status;
}

/* --- loads, and waits for them ----------------------------------------------------------------------------------------- */

/* Waits for the load of entry i, to which slot k refers. The shard is locked before, and not after. */
static fh_status wait_for_load(fh_cache *cache, fh_cache_shard *s, uint32_t i, uint32_t k, found out) {
    fh_cache_entry *e = fh_shard_entry(s, i);
    fh_flight f;
    s->stats.waits++;
    fh_shard_unlock(s);
    if (!fh_flight_wait(&cache->flights, &f, e)) {
        fh_shard_lock(s);
        s->stats.self_waits++;
        drop_locked(cache, s, k);
        return FH_STATUS(FH_INVALID);
    }
    while (fh_load(&e->state, FH_RELAXED) == FH_ENTRY_LOADING) /* what else there is to know, the lock will tell */
        fh_os_wait(&e->state, FH_ENTRY_LOADING);
    fh_flight_end(&cache->flights, &f);

    fh_shard_lock(s);
    if (e->state == FH_ENTRY_RESIDENT) {
        give(out, s, i, k);
        count_use(s, i);
        fh_shard_unlock(s);
        return FH_DONE;
    }
    fh_code code = (fh_code)e->code;
    drop_locked(cache, s, k);
    return FH_STATUS(code);
}

/* Reserves the bytes of entry i, loads it, and tells those who wait. Slot k is the loading thread's. No lock is held. */
static fh_status load_entry(fh_cache *cache, fh_cache_shard *s, uint32_t i, uint32_t k, const fh_cache_loader *loader,
                            found out) {
    fh_cache_entry *e = fh_shard_entry(s, i);
    fh_flight f;
    void *value = NULL;
    fh_flight_load(&cache->flights, &f, e);
    bool room = reserve(cache, loader->size_bytes);
    fh_status status = room ? loader->load(loader->ctx, e->key, &value) : FH_STATUS(FH_EXHAUSTED);
    if (room && fh_failed(status))
        (void)fh_fetch_sub(&cache->bytes, loader->size_bytes, FH_RELEASE); /* after what the loader has undone */
    fh_flight_end(&cache->flights, &f); /* before another load can have this entry */

    fh_shard_lock(s);
    s->stats.no_room += !room;
    s->stats.loads += room;
    s->stats.load_failures += room && fh_failed(status);
    fh_shard_loaded(s, i, status, value);
    (void)fh_fetch_add(&cache->time.clock, 1, FH_RELAXED);
    bool others = e->count > 1;
    if (fh_failed(status)) {
        drop_locked(cache, s, k);
    } else {
        give(out, s, i, k);
        fh_shard_unlock(s);
    }
    if (others)
        fh_os_wake(&e->state, UINT32_MAX);
    return status;
}

/* Makes an entry that the calling thread loads, in a shard that is locked. FH_AGAIN: evict one first. */
static fh_status begin_load(fh_cache *cache, fh_cache_shard *s, uint64_t key, uint32_t tag, uint64_t size_bytes,
                            uint32_t *out_i, uint32_t *out_k) {
    if (!charge_entry(cache))
        return FH_STATUS(FH_AGAIN);
    fh_status status = fh_shard_add(s, key, tag, size_bytes, out_i);
    if (fh_failed(status)) {
        (void)fh_fetch_sub(&cache->entries, 1, FH_RELAXED);
        return status;
    }
    status = fh_shard_refer(s, *out_i, out_k);
    if (fh_failed(status)) {
        fh_shard_loaded(s, *out_i, status, NULL);
        fh_shard_end(s, *out_i);
        (void)fh_fetch_sub(&cache->entries, 1, FH_RELAXED);
        return status;
    }
    s->stats.misses++;
    follow_trace(cache, s, *out_i);
    return FH_DONE;
}

/* An acquire that found no value, or follows a trace, in a shard that is locked. Unlocks it. */
FH_ATTR(noinline) static fh_status acquire_missing(fh_cache *cache, fh_cache_shard *s, uint64_t key, uint64_t hash,
                                                   const fh_cache_loader *loader, found out) {
    uint32_t k;
    for (bool room = true;; room = evict_one(cache), fh_shard_lock(s)) {
        uint32_t i = fh_shard_find(s, key, (uint32_t)hash);
        fh_status status = FH_DONE;
        if (loader->load == NULL || !is_on_trace(cache, key)) {
            status = FH_STATUS(FH_INVALID);
        } else if (i == FH_CACHE_NONE && loader->size_bytes > fh_load(&cache->budget, FH_RELAXED)) {
            status = FH_STATUS(FH_LIMIT);
        } else if (i == FH_CACHE_NONE) {
            status = begin_load(cache, s, key, (uint32_t)hash, loader->size_bytes, &i, &k);
            if (!fh_failed(status)) {
                fh_shard_unlock(s);
                return load_entry(cache, s, i, k, loader, out);
            }
        } else if (fh_shard_entry(s, i)->state == FH_ENTRY_RESIDENT) {
            status = hit(s, i, out);
            if (!fh_failed(status))
                follow_trace(cache, s, i);
        } else {
            status = fh_shard_refer(s, i, &k);
            if (!fh_failed(status))
                return wait_for_load(cache, s, i, k, out);
        }
        bool full = status.code == FH_AGAIN && !room;
        s->stats.no_room += full;
        fh_shard_unlock(s);
        if (full)
            return FH_STATUS(FH_EXHAUSTED);
        if (status.code != FH_AGAIN)
            return status;
    }
}

fh_status fh_cache_acquire(fh_cache *cache, uint64_t key, const fh_cache_loader *loader, fh_cache_ref *ref, void **value) {
    uint64_t hash = fh_mix64(key);
    fh_cache_shard *s = shard_of(cache, hash);
    fh_shard_lock(s);
    uint32_t i = fh_shard_find(s, key, (uint32_t)hash);
    if (FH_UNLIKELY(i == FH_CACHE_NONE || fh_shard_entry(s, i)->state != FH_ENTRY_RESIDENT || cache->next_uses.count != 0 ||
                    fh_failed(hit(s, i, (found){ref, value}))))
        return acquire_missing(cache, s, key, hash, loader, give_nothing(ref, value));
    fh_shard_unlock(s);
    return FH_DONE;
}

/* --- pins, removal, limits -------------------------------------------------------------------------------------------- */

/* Locks the shard of a key and finds it. FH_NOT_FOUND locks nothing. */
static fh_status lock_key(fh_cache *cache, uint64_t key, fh_cache_shard **out_shard, uint32_t *out_i) {
    uint64_t hash = fh_mix64(key);
    *out_shard = shard_of(cache, hash);
    fh_shard_lock(*out_shard);
    *out_i = fh_shard_find(*out_shard, key, (uint32_t)hash);
    if (*out_i != FH_CACHE_NONE)
        return FH_DONE;
    fh_shard_unlock(*out_shard);
    return FH_STATUS(FH_NOT_FOUND);
}

fh_status fh_cache_pin(fh_cache *cache, uint64_t key) {
    fh_cache_shard *s;
    uint32_t i;
    FH_TRY(lock_key(cache, key, &s, &i));
    const fh_cache_entry *e = fh_shard_entry(s, i);
    fh_code code = e->state == FH_ENTRY_LOADING ? FH_AGAIN : e->pins == UINT32_MAX ? FH_LIMIT : FH_OK;
    if (code == FH_OK)
        fh_shard_pin(s, i);
    fh_shard_unlock(s);
    return FH_STATUS(code);
}

fh_status fh_cache_unpin(fh_cache *cache, uint64_t key) {
    fh_cache_shard *s;
    uint32_t i;
    FH_TRY(lock_key(cache, key, &s, &i));
    fh_code code = fh_shard_entry(s, i)->pins == 0 ? FH_INVALID : FH_OK;
    if (code == FH_OK)
        fh_shard_unpin(s, i);
    fh_shard_unlock(s);
    evict_excess(cache);
    return FH_STATUS(code);
}

/* Takes an entry out of the map, in a shard that is locked, and unlocks it. */
static void remove_locked(fh_cache *cache, fh_cache_shard *s, uint32_t i) {
    fh_shard_unmap(s, i);
    s->stats.removals++;
    if (fh_shard_entry(s, i)->count == 0)
        end_locked(cache, s, i);
    else
        fh_shard_unlock(s);
}

fh_status fh_cache_remove(fh_cache *cache, uint64_t key) {
    fh_cache_shard *s;
    uint32_t i;
    FH_TRY(lock_key(cache, key, &s, &i));
    if (fh_shard_entry(s, i)->pins == 0) {
        remove_locked(cache, s, i);
        return FH_DONE;
    }
    fh_shard_unlock(s);
    return FH_STATUS(FH_BORROWED);
}

void fh_cache_clear(fh_cache *cache) {
    for (uint32_t n = 0; n <= cache->shard_mask; n++) {
        fh_cache_shard *s = shard_at(cache, n);
        fh_shard_lock(s);
        for (uint32_t i = 0; i < s->entries.made; i++) {
            if (fh_shard_entry(s, i)->state == FH_ENTRY_FREE || !fh_shard_entry(s, i)->mapped ||
                fh_shard_entry(s, i)->pins != 0)
                continue;
            remove_locked(cache, s, i);
            fh_shard_lock(s);
        }
        fh_shard_unlock(s);
    }
}

fh_status fh_cache_resize(fh_cache *cache, uint64_t budget_bytes) {
    fh_store(&cache->budget, budget_bytes, FH_SEQ_CST);
    for (uint32_t n = 0; n <= cache->shard_mask; n++) { /* who ends a use from here on sees the new budget; who has, is seen */
        fh_shard_lock(shard_at(cache, n));
        fh_shard_unlock(shard_at(cache, n));
    }
    evict_excess(cache);
    return is_over_budget(cache) ? FH_STATUS(FH_AGAIN) : FH_DONE;
}

/* --- what there is ---------------------------------------------------------------------------------------------------- */

fh_cache_stats fh_cache_stats_get(fh_cache *cache) {
    fh_cache_stats sum = {.bytes = fh_load(&cache->bytes, FH_RELAXED),
                          .bytes_peak = fh_load(&cache->bytes_peak, FH_RELAXED),
                          .budget_bytes = fh_load(&cache->budget, FH_RELAXED)};
    for (uint32_t n = 0; n <= cache->shard_mask; n++) {
        fh_cache_shard *s = shard_at(cache, n);
        fh_shard_lock(s);
        const fh_cache_stats *t = &s->stats;
        sum.hits += s->hits;
        sum.misses += t->misses;
        sum.waits += t->waits;
        sum.loads += t->loads;
        sum.load_failures += t->load_failures;
        sum.no_room += t->no_room;
        sum.evictions += t->evictions;
        sum.removals += t->removals;
        sum.stale_uses += t->stale_uses;
        sum.double_frees += t->double_frees;
        sum.wrong_caches += t->wrong_caches;
        sum.self_waits += t->self_waits;
        sum.entries += s->mapped;
        sum.leaving += s->entries_live - s->mapped;
        sum.loading += s->loading;
        sum.pinned += s->pinned;
        sum.refs += s->slots_live;
        fh_shard_unlock(s);
    }
    return sum;
}

fh_status fh_cache_check(fh_cache *cache, fh_err *err) {
    uint64_t bytes = 0, entries = 0;
    for (uint32_t n = 0; n <= cache->shard_mask; n++) {
        fh_cache_shard *s = shard_at(cache, n);
        fh_shard_lock(s);
        fh_status status = fh_shard_check(s, &bytes, err);
        entries += s->entries_live;
        fh_shard_unlock(s);
        FH_TRY(status);
    }
    if (bytes != fh_load(&cache->bytes, FH_RELAXED) || entries != fh_load(&cache->entries, FH_RELAXED))
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "%llu bytes in %llu entries; %llu in %u are counted",
                       (unsigned long long)bytes, (unsigned long long)entries,
                       (unsigned long long)fh_load(&cache->bytes, FH_RELAXED), fh_load(&cache->entries, FH_RELAXED));
    return FH_DONE;
}
