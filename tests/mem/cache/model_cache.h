/* model_cache.h: turns bytes into calls of a cache and, at the same time, of a list of entries that is searched from end to
 * end; all results, counters, values and victims must agree.
 *
 * The first four bytes choose the configuration; each operation after them is two bytes, {what, with what}. A loader runs the
 * operations that follow it, as calls from inside a load. Threading: one. */
#ifndef FH_TEST_MODEL_CACHE_H
#define FH_TEST_MODEL_CACHE_H

#include <string.h>

#include "freehold/hash.h"
#include "mem/cache/cache_core.h"

#define MODEL_CHECK(condition) \
    do {                       \
        if (!(condition))      \
            __builtin_trap();  \
    } while (0)

enum { MODEL_KEYS = 24, MODEL_ENTRIES = 16, MODEL_SHARDS = 4, MODEL_REFS = 12, MODEL_HISTORY = 64, MODEL_DEPTH = 3 };

/* --- the reference ------------------------------------------------------------------------------------------------------ */

typedef struct model_entry {
    bool live, mapped, loading, listed;
    unsigned uses, count, pins, shard;
    uint64_t key, bytes, id, worth, stamp, order;
} model_entry;

typedef struct model_slot {
    uint64_t age;
    model_entry *entry;
    fh_cache_ref ref; /* of its newest life, if it was given out */
} model_slot;

typedef struct model_ref {
    fh_cache_ref ref;
    unsigned shard, slot;
    uint64_t age;
} model_ref;

typedef struct model_cache {
    fh_cache *cache;
    fh_allocator *allocator;
    fh_cache_config config;
    uint64_t age_max;
    model_entry entries[MODEL_ENTRIES];
    model_slot slots[MODEL_SHARDS][MODEL_REFS];
    unsigned made[MODEL_SHARDS], free_slots[MODEL_SHARDS][MODEL_REFS], free_count[MODEL_SHARDS];
    model_ref refs[MODEL_HISTORY]; /* the newest ones ever given */
    size_t given;
    uint64_t clock, floor, order, ids, released;
    fh_cache_stats expected;
    fh_span ops;
    size_t at;
    unsigned depth;
} model_cache;

static bool model_idle(const model_entry *e) {
    return e->live && e->mapped && !e->loading && e->count == 0 && e->pins == 0;
}

static model_entry *model_find(model_cache *m, uint64_t key) {
    for (size_t i = 0; i < MODEL_ENTRIES; i++)
        if (m->entries[i].live && m->entries[i].mapped && m->entries[i].key == key)
            return &m->entries[i];
    return NULL;
}

/* The entry that goes first in a shard: of the lowest worth, the one that became idle first. */
static model_entry *model_first(model_cache *m, unsigned shard) {
    model_entry *first = NULL;
    for (model_entry *e = m->entries; e < m->entries + MODEL_ENTRIES; e++)
        if (e->live && e->listed && e->shard == shard &&
            (first == NULL || e->worth < first->worth || (e->worth == first->worth && e->order < first->order)))
            first = e;
    return first;
}

/* After a use or a pin ended: the entry may have become idle. */
static void model_settle(model_cache *m, model_entry *e) {
    unsigned listed = 0, protected = 0;
    if (!model_idle(e))
        return;
    bool moves = !e->listed;
    if (m->config.policy == FH_CACHE_SLRU && e->uses != 0) {
        moves = moves || e->worth == 0;
        e->worth = 1;
    }
    e->listed = false;
    if (m->config.policy == FH_CACHE_LFU) {
        uint64_t base = m->floor;
        for (const model_entry *o = m->entries; o < m->entries + MODEL_ENTRIES; o++)
            base = o->live && o->listed && o->shard == e->shard && o->worth < base ? o->worth : base;
        e->worth = (e->worth > m->floor ? e->worth : m->floor) + e->uses;
        e->worth = e->worth < base + 63 ? e->worth : base + 63;
    }
    e->uses = 0;
    e->listed = true;
    e->stamp = m->clock;
    e->order = m->order++;
    model_entry *oldest = NULL;
    for (model_entry *o = m->entries; o < m->entries + MODEL_ENTRIES; o++)
        if (o->live && o->listed && o->shard == e->shard) {
            listed++;
            protected += o->worth == 1;
            if (o->worth == 1 && (oldest == NULL || o->order < oldest->order))
                oldest = o;
        }
    if (m->config.policy == FH_CACHE_SLRU && moves && 5 * protected > 4 * listed) {
        oldest->worth = 0;
        oldest->order = m->order++;
    }
}

static void model_end(model_cache *m, model_entry *e) {
    m->expected.bytes -= e->bytes;
    m->released++;
    e->live = false;
}

/* False when nothing is idle. */
static bool model_evict(model_cache *m) {
    model_entry *victim = NULL;
    for (unsigned s = 0; s < MODEL_SHARDS; s++) {
        model_entry *e = model_first(m, s);
        if (e != NULL && (victim == NULL || e->worth < victim->worth ||
                          (e->worth == victim->worth && e->stamp < victim->stamp)))
            victim = e;
    }
    if (victim == NULL)
        return false;
    if (!model_idle(victim)) { /* in use again: it takes a new place when it is idle */
        victim->listed = false;
        return model_evict(m);
    }
    if (m->config.policy == FH_CACHE_LFU && victim->worth > m->floor)
        m->floor = victim->worth;
    m->expected.evictions++;
    model_end(m, victim);
    return true;
}

/* A slot of the entry's shard now refers to it; NULL when all are in use or worn out. */
static model_slot *model_refer(model_cache *m, model_entry *e) {
    unsigned s = e->shard;
    if (m->free_count[s] == 0 && m->made[s] == m->config.refs_max)
        return NULL;
    unsigned k = m->free_count[s] > 0 ? m->free_slots[s][--m->free_count[s]] : m->made[s]++;
    m->slots[s][k].age++;
    m->slots[s][k].entry = e;
    e->count++;
    return &m->slots[s][k];
}

static void model_unrefer(model_cache *m, model_slot *slot, bool failed) {
    model_entry *e = slot->entry;
    unsigned s = e->shard;
    if (++slot->age != m->age_max)
        m->free_slots[s][m->free_count[s]++] = (unsigned)(slot - m->slots[s]);
    e->count--;
    if (failed)
        e->live = false;
    else if (e->count == 0 && !e->mapped)
        model_end(m, e);
    else
        model_settle(m, e);
    while (m->expected.bytes > m->config.budget_bytes && model_evict(m)) {
    }
}

/* --- the cache beside it ------------------------------------------------------------------------------------------------ */

static void model_cache_ops(model_cache *m);

static void model_given(model_cache *m, fh_cache_ref ref, model_slot *slot) {
    unsigned shard = slot->entry->shard, k = (unsigned)(slot - m->slots[shard]);
    MODEL_CHECK(ref.value != 0 && (ref.value & 0xffffff) == (k << FH_CACHE_SHARD_BITS | shard));
    for (size_t i = 0; i < MODEL_HISTORY; i++)
        MODEL_CHECK(m->refs[i].ref.value != ref.value); /* never a number twice */
    slot->ref = ref;
    m->refs[m->given++ % MODEL_HISTORY] = (model_ref){ref, shard, k, slot->age};
}

static void model_release(void *ctx, uint64_t key, void *value, uint64_t size_bytes) {
    model_cache *m = ctx;
    uint64_t *v = value;
    MODEL_CHECK(v[0] == key && v[1] == size_bytes);
    m->released--;
    fh_free(m->allocator, v);
}

typedef struct model_load {
    model_cache *m;
    model_entry *entry;
    bool called, fails;
} model_load;

static fh_status model_loader(void *ctx, uint64_t key, void **out) {
    model_load *l = ctx;
    model_cache *m = l->m;
    MODEL_CHECK(key == l->entry->key && !l->called);
    l->called = true;
    m->expected.bytes_peak = m->expected.bytes > m->expected.bytes_peak ? m->expected.bytes : m->expected.bytes_peak;
    model_cache_ops(m);
    if (l->fails) {
        m->expected.bytes -= l->entry->bytes;
        return FH_STATUS(FH_CANCELED);
    }
    uint64_t *v = fh_alloc(m->allocator, 3, sizeof *v);
    MODEL_CHECK(v != NULL);
    v[0] = key;
    v[1] = l->entry->bytes;
    v[2] = l->entry->id;
    *out = v;
    return FH_DONE;
}

/* A miss, up to the loader: the entry, or NULL with what acquire says. */
static model_slot *model_begin(model_cache *m, uint64_t key, uint64_t bytes, fh_code *code) {
    *code = FH_EXHAUSTED;
    unsigned live = 0, shard = (unsigned)(fh_mix64(key) >> 58 & (m->config.shards - 1));
    for (size_t i = 0; i < MODEL_ENTRIES; i++)
        live += m->entries[i].live;
    if (live == m->config.entries_max && !model_evict(m)) {
        m->expected.no_room++;
        return NULL;
    }
    model_entry *e = m->entries;
    while (e->live)
        e++;
    *e = (model_entry){.live = true, .mapped = true, .loading = true, .shard = shard, .key = key, .bytes = bytes};
    e->id = m->ids++;
    e->worth = m->config.policy == FH_CACHE_LFU ? m->floor + 1 : 0;
    model_slot *slot = model_refer(m, e);
    e->live = slot != NULL;
    if (slot == NULL)
        return NULL;
    m->expected.misses++;
    while (m->expected.bytes > m->config.budget_bytes || bytes > m->config.budget_bytes - m->expected.bytes)
        if (!model_evict(m)) {
            m->expected.no_room++;
            m->clock++;
            model_unrefer(m, slot, true);
            return NULL;
        }
    m->expected.bytes += bytes;
    *code = FH_OK;
    return slot;
}

static void model_acquire(model_cache *m, uint64_t key, uint64_t bytes, bool fails) {
    fh_cache_ref ref = {1};
    model_entry *e = model_find(m, key);
    model_slot *slot = NULL;
    model_load l = {.m = m, .fails = fails};
    fh_code expected = FH_OK;
    if (e == NULL && bytes > m->config.budget_bytes) {
        expected = FH_LIMIT;
    } else if (e == NULL) {
        slot = model_begin(m, key, bytes, &expected);
        l.entry = slot != NULL ? slot->entry : NULL;
    } else if ((slot = model_refer(m, e)) == NULL) {
        expected = FH_EXHAUSTED;
    } else if (e->loading) { /* by this very thread */
        expected = FH_INVALID;
        m->expected.waits++;
        m->expected.self_waits++;
        model_unrefer(m, slot, false);
    } else {
        m->expected.hits++;
        e->uses += e->uses < 255;
    }
    void *value = m;
    fh_status s = fh_cache_acquire(m->cache, key, &(fh_cache_loader){model_loader, &l, bytes}, &ref, &value);
    MODEL_CHECK(fh_failed(s) ? value == NULL : ((uint64_t *)value)[2] == slot->entry->id);
    MODEL_CHECK(l.called == (l.entry != NULL));
    if (l.called) {
        expected = fails ? FH_CANCELED : FH_OK;
        m->expected.loads++;
        m->expected.load_failures += fails;
        m->clock++;
        l.entry->loading = false;
        if (fails)
            model_unrefer(m, slot, true);
    }
    MODEL_CHECK(s.code == expected);
    MODEL_CHECK(fh_failed(s) == (ref.value == 0));
    if (!fh_failed(s))
        model_given(m, ref, slot);
}

static void model_get(model_cache *m, uint64_t key) {
    fh_cache_ref ref = {1};
    model_entry *e = model_find(m, key);
    fh_code expected = e == NULL ? FH_NOT_FOUND : e->loading ? FH_AGAIN : FH_OK;
    model_slot *slot = expected == FH_OK ? model_refer(m, e) : NULL;
    expected = expected == FH_OK && slot == NULL ? FH_EXHAUSTED : expected;
    void *value = m;
    fh_status s = fh_cache_get(m->cache, key, &ref, &value);
    MODEL_CHECK(s.code == expected && fh_failed(s) == (ref.value == 0));
    MODEL_CHECK(fh_failed(s) ? value == NULL : ((uint64_t *)value)[2] == slot->entry->id);
    m->expected.misses += expected == FH_NOT_FOUND;
    if (slot == NULL)
        return;
    m->expected.hits++;
    e->uses += e->uses < 255;
    model_given(m, ref, slot);
}

/* Looks at, shares or drops one of the references given, live or not; `what` 0, 1, 2. */
static void model_use(model_cache *m, const model_ref *r, unsigned what) {
    fh_cache_ref ref = {1};
    void *value = m;
    model_slot *slot = &m->slots[r->shard][r->slot], *more = NULL;
    bool live = r->age == slot->age && r->ref.value != 0;
    bool twice = what == 2 && r->ref.value != 0 && r->age + 1 == slot->age;
    fh_code expected = live ? FH_OK : twice ? FH_DOUBLE_FREE : FH_STALE;
    if (live && what == 1 && (more = model_refer(m, slot->entry)) == NULL)
        expected = FH_EXHAUSTED;
    if (live && what == 2)
        model_unrefer(m, slot, false);
    m->expected.stale_uses += expected == FH_STALE;
    m->expected.double_frees += expected == FH_DOUBLE_FREE;
    fh_status s = what == 0   ? fh_cache_view(m->cache, r->ref, &value)
                  : what == 1 ? fh_cache_share(m->cache, r->ref, &ref)
                              : fh_cache_drop(m->cache, r->ref);
    MODEL_CHECK(s.code == expected);
    if (what == 0)
        MODEL_CHECK(fh_failed(s) ? value == NULL : ((uint64_t *)value)[2] == slot->entry->id);
    if (what == 1)
        MODEL_CHECK(fh_failed(s) == (ref.value == 0));
    if (more != NULL)
        model_given(m, ref, more);
}

/* Uses one key so often that its lead over the others ends. */
static void model_many(model_cache *m, uint64_t key) {
    for (size_t i = 0, given = m->given; i < 40 && m->given == given + i; i++) {
        model_get(m, key);
        if (m->given > given + i)
            model_use(m, &m->refs[(m->given - 1) % MODEL_HISTORY], 2);
    }
}

/* Numbers that the cache never gave: of a slot between two lives, of a life to come, of no slot, of no shard. */
static void model_foreign(model_cache *m, unsigned with) {
    const model_ref *r = &m->refs[with % MODEL_HISTORY];
    fh_cache_ref ref, shared;
    void *value;
    if (r->ref.value == 0)
        return;
    uint64_t to_come = (m->slots[r->shard][r->slot].age | 1) + 2 - r->age;
    const uint64_t never[] = {r->ref.value ^ UINT64_C(1) << 24, r->ref.value + (to_come << 24), r->ref.value | 0xffffc0,
                              r->ref.value | 32};
    ref.value = never[with / MODEL_HISTORY];
    m->expected.wrong_caches += 3;
    MODEL_CHECK(fh_cache_view(m->cache, ref, &value).code == FH_WRONG_POOL && value == NULL);
    MODEL_CHECK(fh_cache_share(m->cache, ref, &shared).code == FH_WRONG_POOL && shared.value == 0);
    MODEL_CHECK(fh_cache_drop(m->cache, ref).code == FH_WRONG_POOL);
}

static void model_pin(model_cache *m, uint64_t key, bool pin) {
    model_entry *e = model_find(m, key);
    fh_code expected = e == NULL ? FH_NOT_FOUND : pin && e->loading ? FH_AGAIN : !pin && e->pins == 0 ? FH_INVALID : FH_OK;
    if (expected == FH_OK && pin) {
        e->pins++;
    } else if (expected == FH_OK) {
        e->pins--;
        model_settle(m, e);
        while (m->expected.bytes > m->config.budget_bytes && model_evict(m)) {
        }
    }
    fh_status s = pin ? fh_cache_pin(m->cache, key) : fh_cache_unpin(m->cache, key);
    MODEL_CHECK(s.code == expected);
}

static void model_unmap(model_cache *m, model_entry *e) {
    m->expected.removals++;
    e->mapped = e->listed = false;
    if (e->count == 0)
        model_end(m, e);
}

static void model_remove(model_cache *m, uint64_t key) {
    model_entry *e = model_find(m, key);
    fh_code expected = e == NULL ? FH_NOT_FOUND : e->pins != 0 ? FH_BORROWED : FH_OK;
    if (expected == FH_OK)
        model_unmap(m, e);
    MODEL_CHECK(fh_cache_remove(m->cache, key).code == expected);
}

static void model_clear(model_cache *m) {
    for (model_entry *e = m->entries; e < m->entries + MODEL_ENTRIES; e++)
        if (e->live && e->mapped && e->pins == 0)
            model_unmap(m, e);
    fh_cache_clear(m->cache);
}

static void model_resize(model_cache *m, uint64_t budget_bytes) {
    m->config.budget_bytes = budget_bytes;
    while (m->expected.bytes > budget_bytes && model_evict(m)) {
    }
    fh_status s = fh_cache_resize(m->cache, budget_bytes);
    MODEL_CHECK(s.code == (m->expected.bytes > budget_bytes ? FH_AGAIN : FH_OK));
}

static void model_compare(model_cache *m) {
    fh_cache_stats *x = &m->expected, s = fh_cache_stats_get(m->cache);
    x->entries = x->leaving = x->loading = x->pinned = x->refs = 0;
    for (const model_entry *e = m->entries; e < m->entries + MODEL_ENTRIES; e++) {
        x->entries += e->live && e->mapped;
        x->leaving += e->live && !e->mapped;
        x->loading += e->live && e->loading;
        x->pinned += e->live && e->pins != 0;
        x->refs += e->live ? e->count : 0;
    }
    x->budget_bytes = m->config.budget_bytes;
    x->bytes_peak = x->bytes > x->bytes_peak ? x->bytes : x->bytes_peak;
    MODEL_CHECK(memcmp(x, &s, sizeof s) == 0);
    MODEL_CHECK(m->released == 0); /* as many values were released as the model ended */
    MODEL_CHECK(!fh_failed(fh_cache_check(m->cache, NULL)));
}

static void model_cache_op(model_cache *m, unsigned what, unsigned with) {
    uint64_t key = with % MODEL_KEYS, bytes = with / MODEL_KEYS;
    const model_ref *newest = &m->refs[(m->given - 1 - with % 4) % MODEL_HISTORY], *any = &m->refs[with % MODEL_HISTORY];
    if (what < 60)
        model_acquire(m, key, bytes, false);
    else if (what < 68)
        model_acquire(m, key, bytes * 4, what % 2 == 0);
    else if (what < 90)
        model_get(m, key);
    else if (what < 92)
        model_many(m, key);
    else if (what < 160)
        model_use(m, newest, 2);
    else if (what < 208)
        model_use(m, any, 2);
    else if (what < 218)
        model_use(m, any, 0);
    else if (what < 224)
        model_use(m, any, 1);
    else if (what < 229)
        model_foreign(m, with);
    else if (what < 240)
        model_pin(m, key, what < 234);
    else if (what < 250)
        model_remove(m, key);
    else if (what < 252)
        model_clear(m);
    else
        model_resize(m, with / 4);
}

/* A few operations inside a load, all of them outside. */
static void model_cache_ops(model_cache *m) {
    size_t end = m->depth == 0 ? m->ops.size : m->depth >= MODEL_DEPTH ? m->at : m->at + 6;
    m->depth++;
    while (m->at + 2 <= end && m->at + 2 <= m->ops.size) {
        unsigned what = fh_span_at(m->ops, m->at), with = fh_span_at(m->ops, m->at + 1);
        m->at += 2;
        model_cache_op(m, what, with);
        model_compare(m);
    }
    m->depth--;
}

static void model_cache_run(fh_allocator *a, fh_span ops) {
    static model_cache m;
    if (ops.size < 4)
        return;
    uint8_t first = fh_span_at(ops, 0), second = fh_span_at(ops, 1);
    unsigned age_bits = first & 1 ? 5 : FH_CACHE_AGE_BITS;
    memset(&m, 0, sizeof m);
    m.allocator = a;
    m.ops = ops;
    m.at = 4;
    m.age_max = (UINT64_C(1) << age_bits) - 2;
    m.config = (fh_cache_config){.budget_bytes = fh_span_at(ops, 2) / 4,
                                 .entries_max = 1 + second % MODEL_ENTRIES,
                                 .refs_max = 1 + second / MODEL_ENTRIES % MODEL_REFS,
                                 .shards = 1U << (first / 2 % 3),
                                 .policy = (fh_cache_policy)(first / 8 % 3),
                                 .release = model_release,
                                 .ctx = &m};
    MODEL_CHECK(!fh_failed(fh_cache_new_narrow(a, &m.config, age_bits, &m.cache)));
    model_cache_ops(&m);
    for (unsigned s = 0; s < MODEL_SHARDS; s++)
        for (unsigned k = 0; k < m.made[s]; k++)
            if (m.slots[s][k].age % 2 != 0)
                model_use(&m, &(model_ref){m.slots[s][k].ref, s, k, m.slots[s][k].age}, 2);
    for (model_entry *e = m.entries; e < m.entries + MODEL_ENTRIES; e++)
        m.released += e->live; /* what fh_cache_free releases */
    fh_cache_free(m.cache);
    MODEL_CHECK(m.released == 0);
}

#endif
