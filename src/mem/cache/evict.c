/* evict.c: eviction lists.
 *
 * There are 64 lists; an entry of worth w lies in list w % 64, newest first. A bit for each list says whether it is empty, so
 * the lowest worth is one rotation and one count of trailing zeros away, and its oldest entry is the victim.
 *
 *     LRU    worth 0 for all: one list
 *     SLRU   0 on probation, 1 protected: a hit protects; where an entry makes the protected ones more than 4/5 of those here,
 *            the oldest of them goes back
 *     LFU    uses add to max(worth, floor), floor being the highest worth of a victim so far. So an entry's lead, worth less
 *            floor, is its uses less what the floor rose meanwhile: counts age without a pass over the entries. A lead ends at
 *            63, which is also what lets 64 lists hold all worths
 *     optimum  no lists but a heap by next use, the last on top
 *
 * Invariants: evict-lists: base ≤ worth ≤ base + 63 for each entry in the lists (base rises to the lower of the floor and the
 * lowest worth there), so a list holds one worth only, and the list of the lowest set bit from base on holds the lowest; bit k
 * of `used` is set ⇔ list k is not empty; count = entries in all lists. evict-heap: count ≤ count_max; heap[node.prev] is the
 * node's entry; none is needed later than its parent.
 *
 * Threading: see evict.h. */
#include "mem/cache/evict.h"

#include "freehold/hash.h"

enum { PROTECTED_OF_5 = 4 };

static fh_evict_node *node(const fh_evict *e, uint32_t i) {
    FH_UNSAFE("evict-lists");
    return (fh_evict_node *)(void *)(e->nodes + i * e->stride);
}

fh_status fh_evict_init(fh_evict *e, fh_allocator *a, fh_cache_policy policy, fh_evict_time *time, fh_evict_node *nodes,
                        size_t stride, uint32_t count_max) {
    FH_UNSAFE("evict-lists");
    *e = (fh_evict){.time = time, .nodes = (uint8_t *)nodes, .stride = stride, .allocator = a, .policy = policy};
    for (uint32_t k = 0; k < FH_EVICT_LISTS; k++)
        e->lists[k] = (fh_evict_list){FH_EVICT_NONE, FH_EVICT_NONE};
    if (policy == FH_CACHE_OPTIMUM)
        e->heap = fh_alloc(a, count_max, sizeof *e->heap);
    return policy == FH_CACHE_OPTIMUM && e->heap == NULL ? FH_STATUS(FH_NOMEM) : FH_DONE;
}

void fh_evict_deinit(fh_evict *e) {
    fh_free(e->allocator, e->heap);
    e->heap = NULL;
}

/* --- lists ------------------------------------------------------------------------------------------------------------ */

/* The list of the lowest worth, if any is not empty. */
static uint32_t lowest_list(const fh_evict *e) {
    uint32_t turn = (uint32_t)(e->base % FH_EVICT_LISTS);
    uint64_t from_base = turn == 0 ? e->used : e->used >> turn | e->used << (FH_EVICT_LISTS - turn);
    return (turn + (uint32_t)__builtin_ctzll(from_base)) % FH_EVICT_LISTS;
}

/* True if the list was empty. */
static bool attach(fh_evict *e, uint32_t i) {
    fh_evict_node *n = node(e, i);
    uint32_t k = (uint32_t)(n->worth % FH_EVICT_LISTS), next = e->lists[k].newest;
    n->prev = FH_EVICT_NONE;
    n->next = next;
    if (next == FH_EVICT_NONE)
        e->lists[k].oldest = i;
    else
        node(e, next)->prev = i;
    e->lists[k].newest = i;
    e->used |= UINT64_C(1) << k;
    e->count++;
    e->worthy += n->worth != 0;
    return next == FH_EVICT_NONE;
}

/* True if it was the oldest of its list. */
static bool detach(fh_evict *e, uint32_t i) {
    fh_evict_node *n = node(e, i);
    uint32_t k = (uint32_t)(n->worth % FH_EVICT_LISTS);
    bool was_oldest = n->next == FH_EVICT_NONE;
    if (n->prev == FH_EVICT_NONE) {
        e->lists[k].newest = n->next;
        e->newest_stamp = UINT64_MAX;
    } else {
        node(e, n->prev)->next = n->next;
    }
    if (was_oldest)
        e->lists[k].oldest = n->prev;
    else
        node(e, n->next)->prev = n->prev;
    if (e->lists[k].newest == FH_EVICT_NONE)
        e->used &= ~(UINT64_C(1) << k);
    n->prev = FH_EVICT_UNLISTED;
    e->count--;
    e->worthy -= n->worth != 0;
    return was_oldest;
}

/* Makes a listed entry the newest of its list. True if it was the oldest. */
static bool move_up(fh_evict *e, uint32_t i) {
    fh_evict_node *n = node(e, i);
    uint32_t k = (uint32_t)(n->worth % FH_EVICT_LISTS), newest = e->lists[k].newest;
    bool was_oldest = n->next == FH_EVICT_NONE;
    if (newest == i)
        return was_oldest;
    node(e, n->prev)->next = n->next;
    if (was_oldest)
        e->lists[k].oldest = n->prev;
    else
        node(e, n->next)->prev = n->prev;
    n->prev = FH_EVICT_NONE;
    n->next = newest;
    node(e, newest)->prev = i;
    e->lists[k].newest = i;
    return was_oldest;
}

/* --- the optimum's heap ----------------------------------------------------------------------------------------------- */

static void heap_put(fh_evict *e, uint32_t place, uint32_t i) {
    FH_UNSAFE("evict-heap");
    e->heap[place] = i;
    node(e, i)->prev = place;
}

/* Puts an entry where it belongs, at `place` or above or below. */
static void heap_settle(fh_evict *e, uint32_t place, uint32_t i) {
    FH_UNSAFE("evict-heap");
    uint64_t stamp = node(e, i)->stamp;
    while (place > 0 && node(e, e->heap[(place - 1) / 2])->stamp < stamp) {
        heap_put(e, place, e->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child + 1 < e->count && node(e, e->heap[child + 1])->stamp > node(e, e->heap[child])->stamp)
            child++;
        if (child >= e->count || node(e, e->heap[child])->stamp <= stamp)
            break;
        heap_put(e, place, e->heap[child]);
        place = child;
    }
    heap_put(e, place, i);
}

static void heap_remove(fh_evict *e, uint32_t i) {
    FH_UNSAFE("evict-heap");
    uint32_t place = node(e, i)->prev, last = e->heap[--e->count];
    node(e, i)->prev = FH_EVICT_UNLISTED;
    if (last != i)
        heap_settle(e, place, last);
}

/* --- what the cache calls --------------------------------------------------------------------------------------------- */

void fh_evict_fresh(fh_evict *e, uint32_t i) {
    fh_evict_node *n = node(e, i);
    *n = (fh_evict_node){FH_EVICT_UNLISTED, FH_EVICT_NONE, 0, UINT64_MAX};
    if (e->policy == FH_CACHE_LFU)
        n->worth = fh_load(&e->time->floor, FH_RELAXED) + 1;
}

void fh_evict_leave(fh_evict *e, uint32_t i) {
    if (node(e, i)->prev == FH_EVICT_UNLISTED)
        return;
    if (e->policy == FH_CACHE_OPTIMUM)
        heap_remove(e, i);
    else
        (void)detach(e, i);
}

void fh_evict_next_use(fh_evict *e, uint32_t i, uint64_t position) {
    fh_evict_leave(e, i);
    node(e, i)->stamp = position;
}

/* What an entry is worth after `uses` hits. */
static uint64_t worth_of(const fh_evict *e, uint64_t worth, uint32_t uses) {
    if (e->policy == FH_CACHE_SLRU && uses != 0)
        return 1;
    if (e->policy != FH_CACHE_LFU)
        return worth;
    uint64_t floor = fh_load(&e->time->floor, FH_RELAXED);
    return (worth > floor ? worth : floor) + uses;
}

/* LFU: moves the window of worths up as far as the entries allow, and a worth into it. */
static uint64_t fit_window(fh_evict *e, uint64_t worth) {
    uint64_t floor = fh_load(&e->time->floor, FH_RELAXED);
    uint64_t lowest = e->count == 0 ? floor : node(e, e->lists[lowest_list(e)].oldest)->worth;
    e->base = lowest < floor ? lowest : floor;
    return worth - e->base < FH_EVICT_LISTS ? worth : e->base + FH_EVICT_LISTS - 1;
}

/* SLRU: puts the oldest protected entry back on probation if there are too many. */
static bool fit_share(fh_evict *e) {
    if ((uint64_t)5 * e->worthy <= (uint64_t)PROTECTED_OF_5 * e->count)
        return false;
    uint32_t oldest = e->lists[1].oldest;
    (void)detach(e, oldest);
    node(e, oldest)->worth = 0;
    (void)attach(e, oldest);
    return true;
}

bool fh_evict_idle(fh_evict *e, uint32_t i, uint32_t uses) {
    fh_evict_node *n = node(e, i);
    if (e->policy == FH_CACHE_OPTIMUM) {
        if (n->prev == FH_EVICT_UNLISTED)
            heap_settle(e, e->count++, i);
        return true;
    }
    n->stamp = fh_load(&e->time->clock, FH_RELAXED);
    uint64_t worth = worth_of(e, n->worth, uses);
    bool changed;
    if (n->prev != FH_EVICT_UNLISTED && worth == n->worth) {
        changed = move_up(e, i);
    } else {
        changed = n->prev != FH_EVICT_UNLISTED && detach(e, i);
        n->worth = e->policy == FH_CACHE_LFU ? fit_window(e, worth) : worth;
        changed = attach(e, i) || changed;
        changed = (e->policy == FH_CACHE_SLRU && fit_share(e)) || changed;
    }
    e->newest_stamp = n->stamp;
    return changed;
}

uint32_t fh_evict_victim(const fh_evict *e) {
    FH_UNSAFE("evict-heap");
    if (e->count == 0)
        return FH_EVICT_NONE;
    return e->policy == FH_CACHE_OPTIMUM ? e->heap[0] : e->lists[lowest_list(e)].oldest;
}

fh_evict_rank fh_evict_victim_rank(const fh_evict *e) {
    uint32_t i = fh_evict_victim(e);
    if (i == FH_EVICT_NONE)
        return FH_EVICT_NO_RANK;
    const fh_evict_node *n = node(e, i);
    return e->policy == FH_CACHE_OPTIMUM ? (fh_evict_rank){0, ~n->stamp} : (fh_evict_rank){n->worth, n->stamp};
}

uint32_t fh_evict_take(fh_evict *e) {
    uint32_t i = fh_evict_victim(e);
    if (i == FH_EVICT_NONE)
        return i;
    fh_evict_leave(e, i);
    uint64_t worth = node(e, i)->worth, floor = fh_load(&e->time->floor, FH_RELAXED);
    while (e->policy == FH_CACHE_LFU && worth > floor && !fh_cas(&e->time->floor, &floor, worth, FH_RELAXED)) {
    }
    return i;
}

/* --- a known future --------------------------------------------------------------------------------------------------- */

typedef struct last_seen {
    uint64_t key, position_plus_1; /* 0: empty */
} last_seen;

fh_status fh_evict_next_uses(fh_allocator *a, fh_u64s trace, fh_u64s *out) {
    size_t capacity = 2;
    while (capacity / 2 < trace.count)
        capacity *= 2;
    *out = (fh_u64s){NULL, 0};
    last_seen *table = fh_alloc(a, capacity, sizeof *table);
    if (table == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_status s = fh_u64s_new(a, trace.count, out);
    for (size_t left = fh_failed(s) ? 0 : trace.count; left > 0; left--) {
        uint64_t key = fh_u64s_get(trace, left - 1);
        FH_UNSAFE("evict-heap");
        size_t at = (size_t)fh_mix64(key) & (capacity - 1);
        while (table[at].position_plus_1 != 0 && table[at].key != key)
            at = (at + 1) & (capacity - 1);
        fh_u64s_set(*out, left - 1, table[at].position_plus_1 == 0 ? UINT64_MAX : table[at].position_plus_1 - 1);
        table[at] = (last_seen){key, left};
    }
    fh_free(a, table);
    return s;
}

/* --- verification ----------------------------------------------------------------------------------------------------- */

static bool check_heap(const fh_evict *e) {
    FH_UNSAFE("evict-heap");
    for (uint32_t place = 0; place < e->count; place++) {
        const fh_evict_node *n = node(e, e->heap[place]);
        if (n->prev != place || (place > 0 && node(e, e->heap[(place - 1) / 2])->stamp < n->stamp))
            return false;
    }
    return true;
}

bool fh_evict_check(const fh_evict *e) {
    if (e->policy == FH_CACHE_OPTIMUM)
        return check_heap(e);
    uint32_t seen = 0, worthy = 0;
    for (uint32_t k = 0; k < FH_EVICT_LISTS; k++) {
        uint32_t before = FH_EVICT_NONE;
        for (uint32_t i = e->lists[k].newest; i != FH_EVICT_NONE; i = node(e, i)->next) {
            const fh_evict_node *n = node(e, i);
            if (n->prev != before || n->worth % FH_EVICT_LISTS != k || n->worth < e->base ||
                n->worth - e->base >= FH_EVICT_LISTS || ++seen > e->count)
                return false;
            worthy += n->worth != 0;
            before = i;
        }
        if (e->lists[k].oldest != before || (e->used >> k & 1) != (before != FH_EVICT_NONE))
            return false;
    }
    return seen == e->count && worthy == e->worthy;
}
