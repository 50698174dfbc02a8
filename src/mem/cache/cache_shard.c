/* cache_shard.c: one shard of a cache.
 *
 * Table: open addressing with linear probing over cells of {tag, entry + 1}; a cell that empties is filled from behind, so
 * there are no markers of the dead and a probe ends at the first empty cell. At most half of the cells are in use: how far a
 * probe goes is hard to guess for the processor, and in a fuller table the wrong guesses cost more than the memory is worth.
 * It doubles under the shard's lock.
 *
 * Entries and slots of references lie in columns of address space that never move and keep their memory, so a number that is
 * out of date reads something old, never something else's memory; free ones form lists. A slot has an age, one more at each
 * life's beginning and end; the age of a life is in its reference's number and is never used twice.
 *
 * Invariants: cache-table: 2 · mapped ≤ cells; an entry is mapped ⇔ one cell names it ⇔ its key's probe finds it, and no
 * other has the key; cache-column: made ≤ room ≤ max, element i < made lies in committed memory; cache-count: an entry's count
 * = the live slots that name it; it is in the eviction lists ⇔ RESIDENT, mapped, count = 0 and pins = 0; an entry that is
 * neither mapped nor referenced is free.
 *
 * Threading: see cache_shard.h. */
#include "mem/cache/cache_shard.h"

#include "freehold/checked.h"
#include "freehold/hash.h"
#include "freehold/os.h"

enum { CELLS_FIRST = 16 };

/* --- columns ---------------------------------------------------------------------------------------------------------- */

static fh_status column_init(fh_cache_column *c, fh_allocator *a, size_t each, uint32_t max) {
    *c = (fh_cache_column){.each = each, .max = max};
    void *at;
    size_t bytes;
    if (!fh_mul_size(each, max, &bytes) || !fh_align_up_size(bytes, fh_os_page_bytes(), &c->reserved_bytes))
        return FH_STATUS(FH_NOMEM);
    FH_TRY(fh_pages_reserve(a, c->reserved_bytes, &at));
    c->at = at;
    return FH_DONE;
}

/* Gives the next element: zeroed. FH_EXHAUSTED at the maximum, FH_NOMEM. */
static fh_status column_next(fh_cache_column *c, fh_allocator *a, uint32_t *out) {
    if (c->made == c->max)
        return FH_STATUS(FH_EXHAUSTED);
    if (c->made == c->room) {
        size_t more = c->committed_bytes == 0 ? fh_os_page_bytes() : c->committed_bytes;
        more = more < c->reserved_bytes - c->committed_bytes ? more : c->reserved_bytes - c->committed_bytes;
        FH_UNSAFE("cache-column");
        FH_TRY(fh_pages_commit(a, c->at + c->committed_bytes, more));
        c->committed_bytes += more;
        size_t room = c->committed_bytes / c->each;
        c->room = room < c->max ? (uint32_t)room : c->max;
    }
    *out = c->made;
    fh_store(&c->made, c->made + 1, FH_RELAXED);
    return FH_DONE;
}

/* --- life of a shard -------------------------------------------------------------------------------------------------- */

void fh_shard_publish(fh_cache_shard *s) {
    fh_evict_rank rank = fh_evict_victim_rank(&s->evict);
    fh_store(&s->victim.worth, rank.worth, FH_RELAXED);
    fh_store(&s->victim.stamp, rank.stamp, FH_RELAXED);
}

fh_status fh_shard_init(fh_cache_shard *s, fh_allocator *a, const fh_cache_config *config, fh_evict_time *time,
                        uint64_t first, unsigned age_bits) {
    *s = (fh_cache_shard){.allocator = a,
                          .mask = CELLS_FIRST - 1,
                          .free_entry = FH_CACHE_NONE,
                          .free_slot = FH_CACHE_NONE,
                          .first = first,
                          .age_max = (UINT64_C(1) << age_bits) - 2,
                          .victim = FH_EVICT_NO_RANK};
    s->cells = fh_alloc(a, CELLS_FIRST, sizeof *s->cells);
    fh_status status = s->cells == NULL ? FH_STATUS(FH_NOMEM) : FH_DONE;
    if (!fh_failed(status))
        status = column_init(&s->entries, a, sizeof(fh_cache_entry), config->entries_max);
    if (!fh_failed(status))
        status = column_init(&s->slots, a, sizeof(fh_cache_slot), config->refs_max);
    if (!fh_failed(status))
        status = fh_evict_init(&s->evict, a, config->policy, time, &fh_shard_entry(s, 0)->node, sizeof(fh_cache_entry),
                               config->entries_max);
    if (fh_failed(status))
        fh_shard_deinit(s);
    return status;
}

void fh_shard_deinit(fh_cache_shard *s) {
    fh_evict_deinit(&s->evict);
    fh_pages_release(s->allocator, s->slots.at, s->slots.reserved_bytes);
    fh_pages_release(s->allocator, s->entries.at, s->entries.reserved_bytes);
    fh_free(s->allocator, s->cells);
    *s = (fh_cache_shard){.allocator = s->allocator};
}

/* --- the table -------------------------------------------------------------------------------------------------------- */

static uint32_t tag_of(uint64_t key) {
    return (uint32_t)fh_mix64(key);
}

static void put_cell(uint64_t *cells, uint32_t mask, uint64_t cell) {
    FH_UNSAFE("cache-table");
    uint32_t at = (uint32_t)(cell >> 32) & mask;
    while (cells[at] != 0)
        at = (at + 1) & mask;
    cells[at] = cell;
}

/* Makes room for one more cell. */
static fh_status make_cell(fh_cache_shard *s) {
    uint64_t capacity = (uint64_t)s->mask + 1;
    if (2 * ((uint64_t)s->mapped + 1) <= capacity)
        return FH_DONE;
    uint64_t *cells = fh_alloc(s->allocator, 2 * (size_t)capacity, sizeof *cells);
    if (cells == NULL)
        return FH_STATUS(FH_NOMEM);
    uint32_t mask = (uint32_t)(2 * capacity - 1);
    FH_UNSAFE("cache-table");
    for (uint64_t at = 0; at < capacity; at++)
        if (s->cells[at] != 0)
            put_cell(cells, mask, s->cells[at]);
    fh_free(s->allocator, s->cells);
    s->cells = cells;
    s->mask = mask;
    return FH_DONE;
}

static void erase(fh_cache_shard *s, uint32_t i) {
    fh_cache_entry *e = fh_shard_entry(s, i);
    uint32_t tag = tag_of(e->key), hole = tag & s->mask;
    uint64_t cell = (uint64_t)tag << 32 | (i + 1);
    FH_UNSAFE("cache-table");
    while (s->cells[hole] != cell)
        hole = (hole + 1) & s->mask;
    for (uint32_t at = (hole + 1) & s->mask; (cell = s->cells[at]) != 0; at = (at + 1) & s->mask) {
        uint32_t home = (uint32_t)(cell >> 32) & s->mask;
        if (((at - home) & s->mask) >= ((at - hole) & s->mask)) { /* a probe for it passes the hole */
            s->cells[hole] = cell;
            hole = at;
        }
    }
    s->cells[hole] = 0;
    s->mapped--;
    e->mapped = false;
}

/* --- entries ---------------------------------------------------------------------------------------------------------- */

fh_status fh_shard_add(fh_cache_shard *s, uint64_t key, uint32_t tag, uint64_t size_bytes, uint32_t *out) {
    FH_TRY(make_cell(s));
    uint32_t i = s->free_entry;
    if (i == FH_CACHE_NONE)
        FH_TRY(column_next(&s->entries, s->allocator, &i));
    else
        s->free_entry = fh_shard_entry(s, i)->count;
    fh_cache_entry *e = fh_shard_entry(s, i);
    e->key = key;
    e->size_bytes = size_bytes;
    e->count = 0;
    e->pins = 0;
    e->uses = 0;
    e->mapped = true;
    fh_store(&e->state, FH_ENTRY_LOADING, FH_RELAXED);
    fh_evict_fresh(&s->evict, i);
    put_cell(s->cells, s->mask, (uint64_t)tag << 32 | (i + 1));
    s->mapped++;
    s->entries_live++;
    s->loading++;
    *out = i;
    return FH_DONE;
}

void fh_shard_end(fh_cache_shard *s, uint32_t i) {
    fh_cache_entry *e = fh_shard_entry(s, i);
    FH_ASSERT(!e->mapped && e->count == 0);
    fh_store(&e->state, FH_ENTRY_FREE, FH_RELAXED);
    e->count = s->free_entry;
    s->free_entry = i;
    s->entries_live--;
}

void fh_shard_loaded(fh_cache_shard *s, uint32_t i, fh_status status, void *value) {
    fh_cache_entry *e = fh_shard_entry(s, i);
    s->loading--;
    if (fh_failed(status)) {
        if (e->mapped)
            erase(s, i);
        e->code = (uint16_t)status.code;
        fh_store(&e->state, FH_ENTRY_FAILED, FH_RELAXED);
    } else {
        fh_store(&e->value, value, FH_RELEASE);
        fh_store(&e->state, FH_ENTRY_RESIDENT, FH_RELAXED);
    }
}

static bool is_idle(const fh_cache_entry *e) {
    return e->count == 0 && e->pins == 0 && e->mapped && e->state == FH_ENTRY_RESIDENT;
}

void fh_shard_unmap(fh_cache_shard *s, uint32_t i) {
    fh_evict_leave(&s->evict, i);
    fh_shard_publish(s);
    erase(s, i);
}

uint32_t fh_shard_evict(fh_cache_shard *s) {
    uint32_t i = fh_evict_victim(&s->evict);
    if (i != FH_CACHE_NONE && is_idle(fh_shard_entry(s, i))) {
        (void)fh_evict_take(&s->evict);
        erase(s, i);
    } else if (i != FH_CACHE_NONE) {
        fh_evict_leave(&s->evict, i);
        i = FH_CACHE_NONE;
    }
    fh_shard_publish(s);
    return i;
}

void fh_shard_pin(fh_cache_shard *s, uint32_t i) {
    s->pinned += fh_shard_entry(s, i)->pins++ == 0;
}

void fh_shard_unpin(fh_cache_shard *s, uint32_t i) {
    s->pinned -= --fh_shard_entry(s, i)->pins == 0;
    fh_shard_settle(s, i);
}

fh_status fh_shard_new_slot(fh_cache_shard *s, uint32_t *out_slot) {
    FH_TRY(column_next(&s->slots, s->allocator, out_slot));
    fh_store(&fh_shard_slot(s, *out_slot)->number, s->first + ((uint64_t)*out_slot << FH_CACHE_SHARD_BITS), FH_RELAXED);
    return FH_DONE;
}

/* --- verification ----------------------------------------------------------------------------------------------------- */

#define CHECK(condition, ...)                                      \
    do {                                                           \
        if (!(condition))                                          \
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, __VA_ARGS__); \
    } while (0)

/* Live slots that name entry i: O(slots), so the caller asks for entries in use only. */
static uint32_t count_of(const fh_cache_shard *s, uint32_t i) {
    uint32_t count = 0;
    for (uint32_t k = 0; k < s->slots.made; k++)
        count += fh_shard_is_life(fh_shard_slot(s, k)->number) && fh_shard_slot(s, k)->entry == i;
    return count;
}

static fh_status check_entry(const fh_cache_shard *s, uint32_t i, fh_err *err) {
    const fh_cache_entry *e = fh_shard_entry(s, i);
    CHECK(e->count == (e->count == 0 ? 0 : count_of(s, i)), "entry %u: %u references, %u slots", i, e->count, count_of(s, i));
    CHECK(e->mapped || e->count != 0, "entry %u is neither mapped nor referenced", i);
    CHECK(e->mapped || e->pins == 0, "entry %u is pinned and not mapped", i);
    bool listed = e->node.prev != FH_EVICT_UNLISTED;
    CHECK(listed || !is_idle(e), "entry %u is idle and in no list", i);
    CHECK(!listed || (e->mapped && e->state == FH_ENTRY_RESIDENT), "entry %u is listed without a value in the map", i);
    CHECK(e->state != FH_ENTRY_LOADING || e->count != 0, "entry %u: a load without a reference", i);
    CHECK(e->state != FH_ENTRY_FAILED || !e->mapped, "entry %u failed and is mapped", i);
    CHECK(!e->mapped || fh_shard_find(s, e->key, tag_of(e->key)) == i, "entry %u: its key's probe does not find it", i);
    return FH_DONE;
}

static fh_status check_slots(const fh_cache_shard *s, uint64_t references, fh_err *err) {
    uint32_t live = 0, free_slots = 0;
    for (uint32_t k = 0; k < s->slots.made; k++) {
        const fh_cache_slot *slot = fh_shard_slot(s, k);
        live += fh_shard_is_life(slot->number);
        CHECK((slot->number - s->first) % FH_CACHE_ONE_AGE == (uint64_t)k << FH_CACHE_SHARD_BITS &&
                  fh_shard_age(s, slot->number) <= s->age_max,
              "reference %u has a number that is not its own", k);
        CHECK(!fh_shard_is_life(slot->number) || (slot->entry < s->entries.made && fh_shard_entry(s, slot->entry)->count != 0),
              "reference %u names an entry that does not count it", k);
    }
    for (uint32_t k = s->free_slot; k != FH_CACHE_NONE && free_slots <= s->slots.made; k = fh_shard_slot(s, k)->next) {
        CHECK(!fh_shard_is_life(fh_shard_slot(s, k)->number), "reference %u is live and free", k);
        free_slots++;
    }
    CHECK(live == s->slots_live && live == references, "%u references live, %u counted", live, s->slots_live);
    CHECK(live + free_slots + s->slots_retired == s->slots.made, "%u live + %u free + %u retired references of %u", live,
          free_slots, s->slots_retired, s->slots.made);
    return FH_DONE;
}

fh_status fh_shard_check(const fh_cache_shard *s, uint64_t *bytes, fh_err *err) {
    uint32_t live = 0, mapped = 0, listed = 0, pinned = 0, loading = 0, cells = 0, free_entries = 0;
    uint64_t references = 0;
    for (uint32_t i = 0; i < s->entries.made; i++) {
        const fh_cache_entry *e = fh_shard_entry(s, i);
        if (e->state == FH_ENTRY_FREE)
            continue;
        FH_TRY(check_entry(s, i, err));
        live++;
        mapped += e->mapped;
        listed += e->node.prev != FH_EVICT_UNLISTED;
        pinned += e->pins != 0;
        loading += e->state == FH_ENTRY_LOADING;
        references += e->count;
        *bytes += e->state == FH_ENTRY_FAILED ? 0 : e->size_bytes;
    }
    FH_UNSAFE("cache-table");
    for (uint64_t at = 0; at <= s->mask; at++)
        cells += s->cells[at] != 0;
    for (uint32_t i = s->free_entry; i != FH_CACHE_NONE && free_entries <= s->entries.made; i = fh_shard_entry(s, i)->count) {
        CHECK(fh_shard_entry(s, i)->state == FH_ENTRY_FREE, "entry %u is in use and free", i);
        free_entries++;
    }
    CHECK(mapped == s->mapped && cells == mapped, "%u entries mapped, %u counted, %u cells", mapped, s->mapped, cells);
    CHECK(2 * (uint64_t)cells <= (uint64_t)s->mask + 1, "%u cells of %u in use", cells, s->mask + 1);
    CHECK(live == s->entries_live && live + free_entries == s->entries.made, "%u live + %u free entries of %u", live,
          free_entries, s->entries.made);
    CHECK(pinned == s->pinned && loading == s->loading, "%u pinned, %u counted; %u loading, %u counted", pinned, s->pinned,
          loading, s->loading);
    CHECK(listed == s->evict.count && fh_evict_check(&s->evict), "%u listed entries, %u in sound lists", listed,
          s->evict.count);
    fh_evict_rank rank = fh_evict_victim_rank(&s->evict);
    CHECK(rank.worth == s->victim.worth && rank.stamp == s->victim.stamp, "the victim's rank is not what is published");
    return check_slots(s, references, err);
}
