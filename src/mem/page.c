/* page.c: pages of one reserved range, the slabs cut from them, and the bytes that slabs freeze into.
 *
 *     range      [ page 0 | page 1 | … | committed ) … reserved )          a run is one page, or several side by side
 *     page       [ frozen | slab | frozen | … | cursor.used ) … )          a cursor cuts the next piece
 *     slab       at [ filled, readable | room ) capacity ) reserved )
 *
 * The head of each run has a row with its count (count.h). References are the frozen bytes, each with its size as weight, and
 * slabs and cursors, each with the weight of a whole page. So a page whose weight is small has neither a slab nor a cursor,
 * and its weight is what copying it clean costs.
 *
 * There are two cursors: one for slabs, and one for bytes that are evacuated, so that what has proved to live long lies beside
 * its like.
 *
 * Invariants:
 *   page-run    a page below `committed` is free (its bit is set), or belongs to one run, whose head has refs >= 1; bits are
 *               set by whoever ends a run and cleared by the source's thread alone, so a run is taken by one
 *   page-slab   at + reserved lies in the run, slabs of a run are disjoint and lie below its cursor; filled <= capacity <=
 *               reserved; row.token = the token of the only value that may use it, and is never used again
 *   page-users  users = 1 (until fh_page_source_free) + runs; whoever takes it to 0 unmaps
 *
 * Threading: the count and the bits are atomic. A run's end writes its bits last (RELEASE), and taking it reads them (ACQUIRE):
 * all uses of its former life come before the next one. Everything else belongs to the source's thread. */
#include "freehold/page.h"

#include "freehold/memory.h"
#include "freehold/os.h"
#include "mem/poison.h"
#include "mem/stock.h"

enum { PAGES_DEFAULT = 1024, SLABS_A_PAGE = 4, SLAB_ALIGN = 64 };

#define NO_SLAB UINT32_MAX

_Static_assert((int)FH_PAGE_BYTES <= (int)FH_COUNT_WEIGHT_MAX, "a reference weighs at most a page");

typedef struct page {
    fh_bytes_owner owner;
    fh_page_source *source;
    uint32_t run; /* pages, at the head of a run */
    bool bare;    /* free, and its memory was given back */
    uint64_t unused[3];
} page;

_Static_assert(sizeof(page) == 64, "one row, one cache line");

typedef struct slab_row {
    uint64_t token; /* 0 in a free row */
    page *page;
    uint8_t *at;
    size_t filled, capacity, reserved;
    uint32_t next; /* free row */
    bool in_io;
} slab_row;

typedef struct cursor {
    page *page; /* NULL before the first */
    size_t used;
    fh_stock stock; /* of references to the page, for copies */
} cursor;

struct fh_page_source {
    uint64_t users; /* count.h, weights 0 */
    fh_allocator *allocator;
    fh_page_options options;
    uint8_t *base;
    page *pages;
    uint64_t *free; /* one bit a page */
    cursor fresh, survivors;
    slab_row *slabs;
    uint32_t free_slab, serial;
    uint64_t tokens, slabs_live, slab_allocs, evacuated_bytes;
    fh_ledger_node listed;
    size_t committed, bare, peak; /* pages; these and the next are read by reports on other threads */
    uint64_t stale_uses, borrow_conflicts, failures;
};

static uint32_t serials;

/* Counts something that a report may be reading: one writer, so no addition in one step is needed. */
/*@ requires \valid(counter); assigns *counter; */
static void add(uint64_t *counter) {
    fh_store(counter, *counter + 1, FH_RELAXED);
}

/* --- runs of pages ------------------------------------------------------------------------------------------------------ */

static uint8_t *bytes_of(const page *head) {
    FH_UNSAFE("page-run");
    const fh_page_source *s = head->source;
    return s->base + (size_t)(head - s->pages) * FH_PAGE_BYTES;
}

static bool is_free(const fh_page_source *s, size_t i) {
    FH_UNSAFE("page-run");
    return (fh_load(&s->free[i / 64], FH_ACQUIRE) >> i % 64 & 1) != 0;
}

static void set_free(fh_page_source *s, size_t first, size_t count) {
    FH_UNSAFE("page-run");
    for (size_t i = first; i < first + count; i++)
        fh_fetch_or(&s->free[i / 64], UINT64_C(1) << i % 64, FH_RELEASE);
}

static size_t free_pages(const fh_page_source *s) {
    size_t sum = 0;
    FH_UNSAFE("page-run");
    for (size_t i = 0; i < s->options.pages_max; i += 64)
        sum += (size_t)__builtin_popcountll(fh_load(&s->free[i / 64], FH_RELAXED));
    return sum;
}

/* The lowest `count` pages side by side that are free or not yet committed. */
static bool find_run(const fh_page_source *s, size_t count, size_t *first) {
    uint64_t word = 0;
    size_t found = 0;
    for (size_t i = 0; i < s->options.pages_max; i++) {
        FH_UNSAFE("page-run");
        if (i % 64 == 0)
            word = fh_load(&s->free[i / 64], FH_ACQUIRE);
        if (i % 64 == 0 && word == 0 && i + 64 <= s->committed) {
            found = 0;
            i += 63;
            continue;
        }
        found = i >= s->committed || (word >> i % 64 & 1) != 0 ? found + 1 : 0;
        if (found == count) {
            *first = i + 1 - count;
            return true;
        }
    }
    return false;
}

/* Ends what is left of a source; on any thread. */
static void source_end(fh_page_source *s) {
    fh_ledger_leave(&s->listed);
    if (s->base != NULL)
        FH_UNPOISON(s->base, (size_t)s->options.pages_max * FH_PAGE_BYTES);
    fh_pages_release(s->allocator, s->base, (size_t)s->options.pages_max * FH_PAGE_BYTES);
    fh_free(s->allocator, s->slabs);
    fh_free(s->allocator, s->free);
    fh_free(s->allocator, s->pages);
    fh_free(s->allocator, s);
}

static void page_end(fh_bytes_owner *owner) {
    FH_UNSAFE("page-run");
    page *head = (page *)owner;
    FH_READS(&head->source, sizeof head->source);
    FH_READS(&head->run, sizeof head->run);
    fh_page_source *s = head->source;
    FH_POISON(bytes_of(head), (size_t)head->run * FH_PAGE_BYTES);
    set_free(s, (size_t)(head - s->pages), head->run);
    if (fh_count_release(&s->users, 0))
        source_end(s);
}

static void page_release(page *head) {
    if (fh_count_release(&head->owner.count, FH_PAGE_BYTES))
        page_end(&head->owner);
}

/* Makes pages that were never used usable. */
static fh_status commit_to(fh_page_source *s, size_t end) {
    if (end <= s->committed)
        return FH_DONE;
    FH_UNSAFE("page-run");
    uint8_t *from = s->base + s->committed * FH_PAGE_BYTES;
    size_t size = (end - s->committed) * FH_PAGE_BYTES;
    FH_TRY(fh_pages_commit(s->allocator, from, size));
    FH_POISON(from, size);
    set_free(s, s->committed, end - s->committed);
    fh_store(&s->committed, end, FH_RELAXED);
    return FH_DONE;
}

/* A run of `count` pages with one reference, which weighs a page. */
static fh_status page_take(fh_page_source *s, size_t count, page **out) {
    size_t first;
    if (!find_run(s, count, &first))
        return FH_STATUS(FH_EXHAUSTED);
    FH_TRY(commit_to(s, first + count));
    FH_UNSAFE("page-run");
    page *head = &s->pages[first];
    size_t bare = 0;
    for (size_t i = first; i < first + count; i++) {
        fh_fetch_and(&s->free[i / 64], ~(UINT64_C(1) << i % 64), FH_RELAXED);
        bare += s->pages[i].bare;
        s->pages[i].bare = false;
    }
    fh_store(&s->bare, s->bare - bare, FH_RELAXED);
    fh_count_init(&head->owner.count, FH_PAGE_BYTES);
    fh_count_retain(&s->users, 0);
    FH_WRITES(&head->source, sizeof head->source);
    FH_WRITES(&head->run, sizeof head->run);
    head->owner.weight_max = FH_PAGE_BYTES;
    head->owner.end = page_end;
    head->source = s;
    head->run = (uint32_t)count;
    size_t live = s->committed - free_pages(s);
    if (live > s->peak)
        fh_store(&s->peak, live, FH_RELAXED);
    *out = head;
    return FH_DONE;
}

/* --- cutting -------------------------------------------------------------------------------------------------------------- */

static size_t round_up(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

/* The cursor has no part in its page any more. */
static void leave(cursor *c) {
    fh_stock_end(&c->stock);
    if (c->page != NULL)
        page_release(c->page);
}

/* The cursor has a page that is empty: its own, if all that was cut from it has ended, or a new one. */
static fh_status turn_over(fh_page_source *s, cursor *c) {
    page *next = c->page;
    if (next != NULL && fh_count_refs(fh_load(&next->owner.count, FH_ACQUIRE)) == 1 + c->stock.refs) {
        FH_POISON(bytes_of(next), FH_PAGE_BYTES);
        fh_count_init(&next->owner.count, FH_PAGE_BYTES);
    } else {
        FH_TRY(page_take(s, 1, &next));
        leave(c);
    }
    *c = (cursor){.page = next};
    return FH_DONE;
}

/* Cuts `size` <= FH_PAGE_BYTES from the cursor's page, or from a new one. The caller takes the reference. */
FH_ALWAYS_INLINE fh_status cut(fh_page_source *s, cursor *c, size_t size, size_t align, uint8_t **at) {
    size_t from = round_up(c->used, align);
    if (FH_UNLIKELY(c->page == NULL || from > FH_PAGE_BYTES || size > FH_PAGE_BYTES - from)) {
        FH_TRY(turn_over(s, c));
        from = 0;
    }
    FH_UNSAFE("page-slab");
    *at = bytes_of(c->page) + from;
    c->used = from + size;
    return FH_DONE;
}

/* Gives back what the slab holds behind its first n bytes, if it is the newest piece, or whole pages of its run. */
static void cut_back(fh_page_source *s, const slab_row *row, size_t n) {
    FH_UNSAFE("page-slab");
    page *head = row->page;
    size_t from = (size_t)(row->at - bytes_of(head));
    if (head == s->fresh.page && from + row->reserved == s->fresh.used)
        s->fresh.used = from + n;
    size_t keep = (from + n + FH_PAGE_BYTES - 1) / FH_PAGE_BYTES;
    if (keep == 0 || keep >= head->run)
        return;
    size_t first = (size_t)(head - s->pages) + keep, count = head->run - keep;
    FH_WRITES(&head->run, sizeof head->run);
    head->run = (uint32_t)keep;
    FH_POISON(s->base + first * FH_PAGE_BYTES, count * FH_PAGE_BYTES);
    set_free(s, first, count);
}

/* --- the source ----------------------------------------------------------------------------------------------------------- */

static fh_status source_tables(fh_page_source *s) {
    size_t pages = s->options.pages_max, words = (pages + 63) / 64;
    s->pages = fh_alloc(s->allocator, pages, sizeof *s->pages);
    s->free = fh_alloc(s->allocator, words, sizeof *s->free);
    s->slabs = fh_alloc(s->allocator, s->options.slabs_max, sizeof *s->slabs);
    if (s->pages == NULL || s->free == NULL || s->slabs == NULL)
        return FH_STATUS(FH_NOMEM);
    void *base = NULL;
    FH_TRY(fh_pages_reserve(s->allocator, pages * FH_PAGE_BYTES, &base));
    s->base = base;
    FH_UNSAFE("page-slab");
    for (uint32_t i = 0; i < s->options.slabs_max; i++)
        s->slabs[i].next = i + 1 < s->options.slabs_max ? i + 1 : NO_SLAB;
    return s->options.fixed ? commit_to(s, pages) : FH_DONE;
}

static size_t table_bytes(const fh_page_source *s) {
    size_t pages = s->options.pages_max;
    return sizeof *s + pages * sizeof *s->pages + (pages + 63) / 64 * sizeof *s->free + s->options.slabs_max * sizeof *s->slabs;
}

static void fill_row(const void *owner, fh_memory_row *row) {
    const fh_page_source *s = owner;
    size_t committed = fh_load(&s->committed, FH_RELAXED), bare = fh_load(&s->bare, FH_RELAXED), unused = free_pages(s);
    size_t live = committed > unused ? committed - unused : 0, cached = unused > bare ? unused - bare : 0;
    row->name = fh_memory_label_of(fh_span_of_str(s->options.name));
    row->object_bytes = FH_PAGE_BYTES;
    row->live = (fh_memory_part){live, live * FH_PAGE_BYTES};
    row->cached = (fh_memory_part){cached, cached * FH_PAGE_BYTES};
    row->committed_bytes = (live + cached) * FH_PAGE_BYTES + table_bytes(s);
    row->reserved_bytes = (uint64_t)s->options.pages_max * FH_PAGE_BYTES + table_bytes(s);
    row->heap_bytes = fh_memory_on_heap(s->allocator, table_bytes(s));
    row->peak_bytes = fh_load(&s->peak, FH_RELAXED) * FH_PAGE_BYTES;
    row->refusals = fh_load(&s->stale_uses, FH_RELAXED) + fh_load(&s->borrow_conflicts, FH_RELAXED) +
                    fh_load(&s->failures, FH_RELAXED);
}

fh_status fh_page_source_new(fh_allocator *a, const fh_page_options *options, fh_page_source **out) {
    *out = NULL;
    fh_page_options o = options != NULL ? *options : (fh_page_options){0};
    o.pages_max = o.pages_max == 0 ? PAGES_DEFAULT : o.pages_max;
    if (o.pages_max > FH_PAGES_MAX || o.slabs_max == NO_SLAB || o.evacuate_below_bytes > FH_PAGE_BYTES / 2)
        return FH_STATUS(FH_INVALID);
    o.slabs_max = o.slabs_max == 0 ? SLABS_A_PAGE * o.pages_max : o.slabs_max;
    o.evacuate_below_bytes = o.evacuate_below_bytes == 0 ? FH_PAGE_BYTES / 8 : o.evacuate_below_bytes;
    o.name = o.name == NULL ? "pages" : o.name;
    fh_page_source *s = fh_alloc(a, 1, sizeof *s);
    if (s == NULL)
        return FH_STATUS(FH_NOMEM);
    s->allocator = a;
    s->options = o;
    s->serial = fh_fetch_add(&serials, 1, FH_RELAXED) + 1;
    fh_status status = source_tables(s);
    if (fh_failed(status)) {
        source_end(s);
        return status;
    }
    fh_count_init(&s->users, 0);
    fh_ledger_enter(&s->listed, FH_MEMORY_PAGES, fill_row, s);
    *out = s;
    return FH_DONE;
}

void fh_page_source_free(fh_page_source *s) {
    if (s == NULL)
        return;
    FH_ASSERT(s->slabs_live == 0);
    leave(&s->fresh);
    leave(&s->survivors);
    if (fh_count_release(&s->users, 0))
        source_end(s);
}

size_t fh_page_source_trim(fh_page_source *s) {
    size_t bytes = 0;
    for (size_t i = 0; i < s->committed && !s->options.fixed; i++) {
        FH_UNSAFE("page-run");
        page *p = &s->pages[i];
        if (!is_free(s, i) || p->bare || fh_failed(fh_os_decommit(s->base + i * FH_PAGE_BYTES, FH_PAGE_BYTES)))
            continue;
        p->bare = true;
        fh_store(&s->bare, s->bare + 1, FH_RELAXED);
        bytes += FH_PAGE_BYTES;
    }
    return bytes;
}

fh_mspan fh_page_source_range(const fh_page_source *s) {
    return (fh_mspan){s->base, (size_t)s->options.pages_max * FH_PAGE_BYTES};
}

const char *fh_page_source_name(const fh_page_source *s) {
    return s->options.name;
}

/* --- slabs ---------------------------------------------------------------------------------------------------------------- */

/*@ predicate table(fh_page_source *s) = \valid(s) && 0 < s->options.slabs_max &&
        \valid(s->slabs + (0 .. s->options.slabs_max - 1)) && \separated(s, s->slabs + (0 .. s->options.slabs_max - 1)) &&
        \forall integer i; 0 <= i < s->options.slabs_max ==> s->slabs[i].filled <= s->slabs[i].capacity; */

/* The row of a slab's only valid value. */
/*@ requires table(s) && \valid(out) && \separated(out, s, s->slabs + (0 .. s->options.slabs_max - 1));
    assigns *out, s->stale_uses;
    ensures \result.code == FH_OK ==> slab.index < s->options.slabs_max && *out == s->slabs + slab.index;
    ensures \result.code == FH_OK ==> (*out)->token == slab.token && slab.token != 0 && slab.source == s->serial; */
static fh_status find(fh_page_source *s, fh_slab slab, slab_row **out) {
    *out = NULL;
    bool ours = slab.source == s->serial && slab.index < s->options.slabs_max;
    FH_UNSAFE("page-slab");
    if (!ours || slab.token == 0 || s->slabs[slab.index].token != slab.token) {
        add(&s->stale_uses);
        return FH_STATUS(slab.token != 0 && slab.source != s->serial ? FH_WRONG_POOL : FH_STALE);
    }
    *out = &s->slabs[slab.index];
    return FH_DONE;
}

/* The row, if the kernel does not write to it. */
/*@ requires table(s) && \valid(out) && \separated(out, s, s->slabs + (0 .. s->options.slabs_max - 1));
    assigns *out, s->stale_uses, s->borrow_conflicts;
    ensures \result.code == FH_OK ==> slab.index < s->options.slabs_max && *out == s->slabs + slab.index && !(*out)->in_io;
    ensures \result.code == FH_OK ==> (*out)->token == slab.token && slab.token != 0 && slab.source == s->serial; */
static fh_status find_idle(fh_page_source *s, fh_slab slab, slab_row **out) {
    FH_TRY(find(s, slab, out));
    if (!(*out)->in_io)
        return FH_DONE;
    add(&s->borrow_conflicts);
    return FH_STATUS(FH_BORROWED);
}

/* From now on only *slab may use the row. */
static void renew(fh_page_source *s, slab_row *row, fh_slab *slab) {
    row->token = slab->token = ++s->tokens;
}

static void slab_end(fh_page_source *s, slab_row *row, fh_slab *slab) {
    page *head = row->page;
    FH_UNSAFE("page-slab");
    *row = (slab_row){.next = s->free_slab};
    s->free_slab = (uint32_t)(row - s->slabs);
    s->slabs_live--;
    *slab = (fh_slab){0};
    page_release(head);
}

static fh_status place(fh_page_source *s, size_t size, slab_row *row) {
    row->capacity = size;
    row->reserved = round_up(size, SLAB_ALIGN);
    if (row->reserved <= FH_PAGE_BYTES) {
        FH_TRY(cut(s, &s->fresh, row->reserved, SLAB_ALIGN, &row->at));
        row->page = s->fresh.page;
        fh_count_retain(&row->page->owner.count, FH_PAGE_BYTES);
    } else {
        FH_TRY(page_take(s, (row->reserved + FH_PAGE_BYTES - 1) / FH_PAGE_BYTES, &row->page));
        row->at = bytes_of(row->page);
    }
    return FH_DONE;
}

fh_status fh_slab_alloc(fh_page_source *s, size_t size, fh_slab *out) {
    *out = (fh_slab){0};
    if (size == 0)
        return FH_STATUS(FH_INVALID);
    if (size > (size_t)s->options.pages_max * FH_PAGE_BYTES)
        return FH_STATUS(FH_LIMIT);
    slab_row new_row = {0};
    fh_status status = s->free_slab == NO_SLAB ? FH_STATUS(FH_EXHAUSTED) : place(s, size, &new_row);
    if (fh_failed(status)) {
        add(&s->failures);
        return status;
    }
    FH_UNSAFE("page-slab");
    slab_row *row = &s->slabs[s->free_slab];
    *out = (fh_slab){.index = s->free_slab, .source = s->serial};
    s->free_slab = row->next;
    *row = new_row;
    renew(s, row, out);
    s->slabs_live++;
    s->slab_allocs++;
    return FH_DONE;
}

fh_status fh_slab_append(fh_page_source *s, fh_slab *slab, fh_span bytes) {
    slab_row *row;
    FH_TRY(find_idle(s, *slab, &row));
    if (bytes.size > row->capacity - row->filled)
        return FH_STATUS(FH_LIMIT);
    FH_UNSAFE("page-slab");
    uint8_t *to = row->at + row->filled;
    FH_UNPOISON(to, bytes.size);
    fh_span_copy((fh_mspan){to, bytes.size}, bytes);
    row->filled += bytes.size;
    renew(s, row, slab);
    return FH_DONE;
}

fh_status fh_slab_begin_io(fh_page_source *s, fh_slab *slab, fh_mspan *room) {
    slab_row *row;
    *room = (fh_mspan){NULL, 0};
    FH_TRY(find_idle(s, *slab, &row));
    if (row->filled == row->capacity)
        return FH_STATUS(FH_LIMIT);
    FH_UNSAFE("page-slab");
    *room = (fh_mspan){row->at + row->filled, row->capacity - row->filled};
    FH_UNPOISON(room->at, room->size);
    row->in_io = true;
    renew(s, row, slab);
    return FH_DONE;
}

fh_status fh_slab_end_io(fh_page_source *s, fh_slab *slab, size_t written) {
    slab_row *row;
    FH_TRY(find(s, *slab, &row));
    if (!row->in_io)
        return FH_STATUS(FH_INVALID);
    if (written > row->capacity - row->filled)
        return FH_STATUS(FH_LIMIT);
    FH_UNSAFE("page-slab");
    row->filled += written;
    FH_POISON(row->at + row->filled, row->capacity - row->filled);
    row->in_io = false;
    renew(s, row, slab);
    return FH_DONE;
}

fh_status fh_slab_view(fh_page_source *s, fh_slab slab, fh_span *out) {
    slab_row *row;
    *out = (fh_span){NULL, 0};
    FH_TRY(find(s, slab, &row));
    *out = (fh_span){row->at, row->filled};
    return FH_DONE;
}

fh_status fh_slab_room(fh_page_source *s, fh_slab slab, size_t *out) {
    slab_row *row;
    *out = 0;
    FH_TRY(find(s, slab, &row));
    *out = row->capacity - row->filled;
    return FH_DONE;
}

/* *out = a reference to the first n bytes of a slab, none for n = 0. FH_INVALID if they are not all written. */
/*@ requires \valid_read(row) && \valid(out) && \valid(row->page) && \separated(row, out, row->page) &&
        row->page->owner.weight_max <= FH_PAGE_BYTES;
    assigns *out, row->page->owner.count;
    ensures \result.code == FH_OK ==> n <= row->filled;
    ensures \result.code == FH_OK && n > 0 ==> out->span.size == n && out->span.at == row->at; */
static fh_status front_of(const slab_row *row, size_t n, fh_bytes *out) {
    if (n > row->filled)
        return FH_STATUS(FH_INVALID);
    if (n == 0)
        return FH_DONE;
    fh_bytes_owner *owner = &row->page->owner;
    fh_count_retain(&owner->count, fh_owner_weight(owner, n));
    *out = (fh_bytes){owner, {row->at, n}};
    return FH_DONE;
}

fh_status fh_slab_freeze(fh_page_source *s, fh_slab *slab, size_t n, fh_bytes *out) {
    slab_row *row;
    *out = (fh_bytes){NULL, {NULL, 0}};
    FH_TRY(find_idle(s, *slab, &row));
    FH_TRY(front_of(row, n, out));
    FH_UNSAFE("page-slab");
    FH_POISON(row->at + n, row->filled - n);
    cut_back(s, row, n);
    slab_end(s, row, slab);
    return FH_DONE;
}

fh_status fh_slab_split(fh_page_source *s, fh_slab *slab, size_t n, fh_bytes *out) {
    slab_row *row;
    *out = (fh_bytes){NULL, {NULL, 0}};
    FH_TRY(find_idle(s, *slab, &row));
    FH_TRY(front_of(row, n, out));
    FH_UNSAFE("page-slab");
    row->at += n;
    row->filled -= n;
    row->capacity -= n;
    row->reserved -= n;
    renew(s, row, slab);
    return FH_DONE;
}

fh_status fh_slab_release(fh_page_source *s, fh_slab *slab) {
    fh_bytes none;
    return fh_slab_freeze(s, slab, 0, &none);
}

/* --- copies --------------------------------------------------------------------------------------------------------------- */

/* A copy of at most a page, cut at the cursor and frozen at once. */
FH_ALWAYS_INLINE fh_status put(fh_page_source *s, cursor *c, fh_span bytes, fh_bytes *out) {
    uint8_t *to;
    FH_TRY(cut(s, c, bytes.size, FH_BYTES_GRAIN, &to));
    FH_UNPOISON(to, bytes.size);
    fh_span_copy((fh_mspan){to, bytes.size}, bytes);
    fh_bytes_owner *owner = &c->page->owner;
    fh_stock_take(&c->stock, owner, fh_owner_weight(owner, bytes.size));
    *out = (fh_bytes){owner, {to, bytes.size}};
    return FH_DONE;
}

fh_status fh_page_source_copy(fh_page_source *s, fh_span bytes, fh_bytes *out) {
    *out = (fh_bytes){NULL, {NULL, 0}};
    if (bytes.size == 0)
        return FH_DONE;
    if (bytes.size <= FH_PAGE_BYTES) {
        fh_status status = put(s, &s->fresh, bytes, out);
        if (fh_failed(status))
            add(&s->failures);
        return status;
    }
    fh_slab slab;
    FH_TRY(fh_slab_alloc(s, bytes.size, &slab));
    FH_TRY(fh_slab_append(s, &slab, bytes));
    return fh_slab_freeze(s, &slab, bytes.size, out);
}

fh_status fh_bytes_evacuate(fh_page_source *s, fh_bytes *b, size_t *budget_bytes) {
    if (b->owner == NULL || b->owner->end != page_end)
        return FH_DONE;
    FH_UNSAFE("page-run");
    const page *head = (const page *)b->owner;
    if (head->source != s)
        return FH_STATUS(FH_WRONG_POOL);
    if (fh_count_weight(fh_load(&b->owner->count, FH_RELAXED)) >= s->options.evacuate_below_bytes)
        return FH_DONE;
    fh_bytes moved;
    if (b->span.size > *budget_bytes)
        return FH_STATUS(FH_LIMIT);
    FH_TRY(put(s, &s->survivors, b->span, &moved));
    fh_bytes_drop(b);
    *b = moved;
    *budget_bytes -= moved.span.size;
    s->evacuated_bytes += moved.span.size;
    return FH_DONE;
}

/* --- numbers -------------------------------------------------------------------------------------------------------------- */

fh_page_stats fh_page_source_stats(const fh_page_source *s) {
    fh_page_stats t = {
        .pages_max = s->options.pages_max,
        .pages_peak = s->peak,
        .reserved_bytes = (uint64_t)s->options.pages_max * FH_PAGE_BYTES,
        .slabs = s->slabs_live,
        .slabs_max = s->options.slabs_max,
        .slab_allocs = s->slab_allocs,
        .evacuated_bytes = s->evacuated_bytes,
        .stale_uses = s->stale_uses,
        .borrow_conflicts = s->borrow_conflicts,
        .failures = s->failures,
    };
    FH_UNSAFE("page-run");
    for (size_t i = 0, run; i < s->committed; i += run) {
        const page *p = &s->pages[i];
        run = 1;
        if (is_free(s, i)) {
            t.pages_cached += !p->bare;
        } else if (p->run != 0) {
            uint64_t weight = fh_count_weight(fh_load(&p->owner.count, FH_RELAXED));
            run = p->run;
            t.pages_live += run;
            t.live_bytes += weight;
            t.pages_sparse += weight < s->options.evacuate_below_bytes ? run : 0;
        }
    }
    t.live_bytes -= s->fresh.stock.weight + s->survivors.stock.weight;
    t.committed_bytes = (t.pages_live + t.pages_cached) * FH_PAGE_BYTES;
    for (size_t i = 0; i < s->options.slabs_max; i++)
        t.slabs_in_io += s->slabs[i].in_io;
    return t;
}

static bool disjoint(const slab_row *a, const slab_row *b) {
    FH_UNSAFE("page-slab");
    return a == b || b->token == 0 || a->at + a->reserved <= b->at || b->at + b->reserved <= a->at;
}

/* What the slabs and cursors of a run, and their places, require. */
static const char *check_run(const fh_page_source *s, const page *head) {
    FH_UNSAFE("page-slab");
    uint64_t word = fh_load(&head->owner.count, FH_RELAXED), holds = 0, refs = 0, weight = 0; /* the last two: in store */
    const uint8_t *start = bytes_of(head), *end = start + (size_t)head->run * FH_PAGE_BYTES;
    const cursor *cursors[] = {&s->fresh, &s->survivors};
    for (size_t i = 0; i < 2; i++)
        if (cursors[i]->page == head) {
            end = start + cursors[i]->used;
            refs += cursors[i]->stock.refs;
            weight += cursors[i]->stock.weight;
            holds++;
        }
    for (size_t i = 0; i < s->options.slabs_max; i++) {
        const slab_row *row = &s->slabs[i];
        if (row->token == 0 || row->page != head)
            continue;
        holds++;
        if (row->filled > row->capacity || row->capacity > row->reserved || row->token > s->tokens)
            return "a slab's mark";
        if (row->at < start || row->at > end || row->reserved > (size_t)(end - row->at))
            return "a slab outside its page";
        for (size_t k = 0; k < s->options.slabs_max; k++)
            if (!disjoint(row, &s->slabs[k]))
                return "two slabs on the same bytes";
    }
    bool ok = fh_count_refs(word) >= (holds == 0 ? 1 : holds + refs) && fh_count_weight(word) >= holds * FH_PAGE_BYTES + weight;
    return ok && end <= s->base + s->committed * FH_PAGE_BYTES ? NULL : "a page's count";
}

fh_status fh_page_source_check(const fh_page_source *s, fh_err *err) {
    uint64_t runs = 0, free_slabs = 0, live = 0;
    const char *bad = s->committed <= s->options.pages_max ? NULL : "more committed than reserved";
    FH_UNSAFE("page-run");
    for (size_t i = 0; i < s->options.pages_max && bad == NULL; i++) {
        if (i >= s->committed || is_free(s, i)) {
            bad = i >= s->committed && is_free(s, i) ? "a free page outside the memory" : NULL;
            continue;
        }
        const page *head = &s->pages[i];
        bad = head->run != 0 && head->run <= s->committed - i ? check_run(s, head) : "a run's length";
        for (uint32_t k = 1; bad == NULL && k < head->run; k++)
            bad = is_free(s, i + k) ? "a free page in a run" : NULL;
        i += bad == NULL ? head->run - 1 : 0;
        runs++;
    }
    for (uint32_t i = s->free_slab; i != NO_SLAB && free_slabs <= s->options.slabs_max; i = s->slabs[i].next)
        free_slabs++;
    for (size_t i = 0; i < s->options.slabs_max; i++)
        live += s->slabs[i].token != 0;
    if (bad == NULL && (live != s->slabs_live || live + free_slabs != s->options.slabs_max))
        bad = "the list of free slabs";
    if (bad == NULL && fh_count_refs(fh_load(&s->users, FH_RELAXED)) != runs + 1)
        bad = "the count of the source";
    return bad == NULL ? FH_DONE : fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "pages \"%s\": %s", s->options.name, bad);
}
