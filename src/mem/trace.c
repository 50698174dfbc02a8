/* trace.c: an allocator that watches, for tests.
 *
 * Every live block stands in a table beside the blocks, keyed by its address, so a second free of it, or a free of something
 * else, is recognised without touching memory that may be gone. A block lies between two guards, which are compared when it is
 * freed (and which AddressSanitizer, where present, guards at once). A freed block is filled, so that a late read shows.
 *
 *     [ 64 guard bytes ][ size_bytes of the user ][ 64 guard bytes ]
 *
 * Invariants: trace-table: at most 3/4 of the table is in use, so every probe ends; an entry's `at` is a block's user address,
 * NULL, or GONE; stats.live = the number of entries that are blocks.
 *
 * Threading: any thread; one lock around everything, which will do in a tool for tests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freehold/alloc.h"
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "mem/poison.h"
#include "mem/sync/lock.h"

enum { GUARD_BYTES = FH_ALLOC_ALIGN, GUARD_FILL = 0xa5, FREED_FILL = 0xdd, TABLE_FIRST = 64, LEAKS_LISTED = 8 };

typedef struct trace_entry {
    uint8_t *at;
    size_t size_bytes;
    uint64_t serial;
    bool is_pages; /* a reservation: no guards, its memory is the system's */
} trace_entry;

struct fh_trace {
    fh_allocator allocator;
    uint32_t lock;
    fh_alloc_stats stats;
    uint64_t requests, fail_at, budget_bytes;
    trace_entry *table;
    size_t capacity, used; /* a power of two; entries that are not NULL */
};

/* Marks an entry whose block was freed: a probe goes on past it. */
static uint8_t gone_marker;
#define GONE (&gone_marker)

FH_NORETURN static void misuse(const char *what, const void *p, const trace_entry *e) {
    FH_UNSAFE("report-format");
    if (e == NULL)
        fprintf(stderr, "freehold: tracing allocator: %s: %p\n", what, p);
    else
        fprintf(stderr, "freehold: tracing allocator: %s: allocation %llu of %zu bytes at %p\n", what,
                (unsigned long long)e->serial, e->size_bytes, p);
    fflush(stderr);
    abort();
}

/* --- the table -------------------------------------------------------------------------------------------------------- */

/* The entry of `at`, or the NULL entry that ends its probe. */
static trace_entry *probe(trace_entry *table, size_t capacity, const uint8_t *at) {
    FH_UNSAFE("trace-table");
    size_t i = (size_t)fh_mix64((uint64_t)(uintptr_t)at) & (capacity - 1);
    while (table[i].at != NULL && table[i].at != at)
        i = (i + 1) & (capacity - 1);
    return &table[i];
}

/* Makes room for one more entry, dropping the GONE ones. */
static bool make_room(fh_trace *t) {
    if (4 * (t->used + 1) <= 3 * t->capacity)
        return true;
    size_t capacity = TABLE_FIRST;
    while (capacity < 4 * ((size_t)t->stats.live + 1))
        capacity *= 2;
    trace_entry *table = fh_alloc(fh_heap(), capacity, sizeof *table);
    if (table == NULL)
        return false;
    FH_UNSAFE("trace-table");
    for (size_t i = 0; i < t->capacity; i++)
        if (t->table[i].at != NULL && t->table[i].at != GONE)
            *probe(table, capacity, t->table[i].at) = t->table[i];
    fh_free(fh_heap(), t->table);
    t->table = table;
    t->capacity = capacity;
    t->used = (size_t)t->stats.live;
    return true;
}

/* --- blocks ----------------------------------------------------------------------------------------------------------- */

static void check_guard(const uint8_t *guard, const char *what, const trace_entry *e) {
    FH_UNSAFE("trace-table");
    for (size_t i = 0; i < GUARD_BYTES; i++)
        if (guard[i] != GUARD_FILL)
            misuse(what, e->at, e);
}

/* Gives a block back to the heap after looking at its guards, or pages to the system. */
static void end_block(const trace_entry *e) {
    if (e->is_pages) {
        fh_pages_release(fh_heap(), e->at, e->size_bytes);
        return;
    }
    FH_UNSAFE("trace-table");
    uint8_t *whole = e->at - GUARD_BYTES;
    FH_UNPOISON(whole, e->size_bytes + 2 * GUARD_BYTES);
    check_guard(whole, "write before the start of a block", e);
    check_guard(e->at + e->size_bytes, "write past the end of a block", e);
    memset(e->at, FREED_FILL, e->size_bytes);
    fh_free(fh_heap(), whole);
}

static bool is_refused(fh_trace *t, size_t size_bytes) {
    t->requests++;
    bool injected = t->fail_at != 0 && t->requests == t->fail_at;
    bool over = t->budget_bytes != 0 &&
                (t->stats.live_bytes > t->budget_bytes || size_bytes > t->budget_bytes - t->stats.live_bytes);
    return injected || over;
}

/* Puts an entry into the table, which has room for it (make_room). */
static void enter(fh_trace *t, trace_entry entry) {
    t->used++;
    t->stats.allocs++;
    t->stats.live++;
    entry.serial = t->stats.allocs;
    *probe(t->table, t->capacity, entry.at) = entry;
}

static void count_bytes(fh_trace *t, size_t size_bytes) {
    t->stats.live_bytes += size_bytes;
    if (t->stats.live_bytes > t->stats.peak_bytes)
        t->stats.peak_bytes = t->stats.live_bytes;
}

static uint8_t *new_block(fh_trace *t, size_t size_bytes) {
    size_t total;
    if (is_refused(t, size_bytes) || !fh_add_size(size_bytes, 2 * GUARD_BYTES, &total) || !make_room(t))
        return NULL;
    uint8_t *whole = fh_alloc(fh_heap(), 1, total);
    if (whole == NULL)
        return NULL;
    FH_UNSAFE("trace-table");
    uint8_t *at = whole + GUARD_BYTES;
    memset(whole, GUARD_FILL, GUARD_BYTES);
    memset(at + size_bytes, GUARD_FILL, GUARD_BYTES);
    FH_POISON(whole, GUARD_BYTES);
    FH_POISON(at + size_bytes, GUARD_BYTES);

    enter(t, (trace_entry){.at = at, .size_bytes = size_bytes});
    count_bytes(t, size_bytes);
    return at;
}

static void *trace_alloc(void *ctx, size_t size_bytes) {
    fh_trace *t = ctx;
    fh_lock_take(&t->lock);
    uint8_t *at = new_block(t, size_bytes);
    t->stats.failures += at == NULL;
    fh_lock_give(&t->lock);
    return at;
}

/* The entry of a live block or reservation; anything else is a misuse. */
static trace_entry *find(fh_trace *t, void *p, bool is_pages) {
    trace_entry *e = probe(t->table, t->capacity, p);
    if (e->at == NULL || e->is_pages != is_pages)
        misuse(is_pages ? "release of pages that are not reserved (released twice, or never reserved here)"
                        : "free of something that is not a live block (freed twice, or never allocated here)",
               p, NULL);
    return e;
}

static void forget(fh_trace *t, trace_entry *e) {
    end_block(e);
    e->at = GONE;
    t->stats.live--;
}

static void trace_free(void *ctx, void *p) {
    fh_trace *t = ctx;
    fh_lock_take(&t->lock);
    trace_entry *e = find(t, p, false);
    t->stats.live_bytes -= e->size_bytes;
    forget(t, e);
    fh_lock_give(&t->lock);
}

/* --- pages: a reservation is an entry; address space is not memory, so only the count of blocks knows of it ------------- */

static fh_status trace_reserve(void *ctx, size_t size_bytes, void **out) {
    fh_trace *t = ctx;
    fh_lock_take(&t->lock);
    fh_status s = is_refused(t, 0) || !make_room(t) ? FH_STATUS(FH_NOMEM) : fh_pages_reserve(fh_heap(), size_bytes, out);
    if (fh_failed(s))
        t->stats.failures++;
    else
        enter(t, (trace_entry){.at = *out, .size_bytes = size_bytes, .is_pages = true});
    fh_lock_give(&t->lock);
    return s;
}

static fh_status trace_commit(void *ctx, void *at, size_t size_bytes) {
    fh_trace *t = ctx;
    fh_lock_take(&t->lock);
    fh_status s = is_refused(t, 0) ? FH_STATUS(FH_NOMEM) : fh_pages_commit(fh_heap(), at, size_bytes);
    t->stats.failures += fh_failed(s);
    fh_lock_give(&t->lock);
    return s;
}

static void trace_release(void *ctx, void *at, size_t size_bytes) {
    fh_trace *t = ctx;
    fh_lock_take(&t->lock);
    trace_entry *e = find(t, at, true);
    if (e->size_bytes != size_bytes)
        misuse("release of a part of a reservation", at, e);
    forget(t, e);
    fh_lock_give(&t->lock);
}

/* --- life and knobs --------------------------------------------------------------------------------------------------- */

fh_trace *fh_trace_new(void) {
    fh_trace *t = fh_alloc(fh_heap(), 1, sizeof *t);
    if (t == NULL)
        return NULL;
    if (!make_room(t)) {
        fh_free(fh_heap(), t);
        return NULL;
    }
    t->allocator = (fh_allocator){t, trace_alloc, trace_free, trace_reserve, trace_commit, trace_release};
    return t;
}

size_t fh_trace_free(fh_trace *t) {
    if (t == NULL)
        return 0;
    size_t leaks = 0;
    FH_UNSAFE("trace-table");
    for (size_t i = 0; i < t->capacity; i++) {
        trace_entry *e = &t->table[i];
        if (e->at == NULL || e->at == GONE)
            continue;
        if (leaks++ < LEAKS_LISTED)
            fprintf(stderr, "freehold: tracing allocator: leak: allocation %llu of %zu bytes\n", (unsigned long long)e->serial,
                    e->size_bytes);
        end_block(e);
    }
    fh_free(fh_heap(), t->table);
    fh_free(fh_heap(), t);
    return leaks;
}

fh_allocator *fh_trace_allocator(fh_trace *t) {
    return &t->allocator;
}

void fh_trace_fail_at(fh_trace *t, uint64_t n) {
    fh_lock_take(&t->lock);
    t->fail_at = n == 0 ? 0 : t->requests + n;
    fh_lock_give(&t->lock);
}

void fh_trace_budget(fh_trace *t, uint64_t bytes) {
    fh_lock_take(&t->lock);
    t->budget_bytes = bytes;
    fh_lock_give(&t->lock);
}

fh_alloc_stats fh_trace_stats(const fh_trace *t) {
    FH_UNSAFE("trace-table");
    fh_trace *lockable = (fh_trace *)(uintptr_t)t;
    fh_lock_take(&lockable->lock);
    fh_alloc_stats stats = t->stats;
    fh_lock_give(&lockable->lock);
    return stats;
}
