/* weave_memory.c: the explorer's watch on memory: races, ends, and an allocator that starts afresh in every execution.
 *
 * Each byte that a test announces or that is part of an atomic object has a shadow cell: who wrote it last and when, when each
 * thread read it last, whether it has ended, and which atomic location it is part of. Cells are found through a table of pages
 * and belong to one execution by its number, so that nothing is cleared between executions. A cell of a block of the allocator
 * begins as written by who allocated the block, when it was allocated: whoever touches the block must know of that.
 *
 * A race is two accesses of which one writes plainly and neither happened before the other. Since the watch works on vector
 * clocks, it sees a race whichever of the two came first.
 *
 * Threading: none (weave.h). */
#define _GNU_SOURCE 1

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "freehold/hash.h"
#include "weave_engine.h"

enum { PAGE = 512, PAGES = 4096, BLOCKS = 512, COMMITS = 512, HEAP_BYTES = 8 << 20, ALIGN = 4096, FREED = 0xdb };
#define RESERVE_BYTES (UINT64_C(1) << 36)

typedef struct cell {
    uint32_t run; /* the execution that it belongs to */
    uint16_t wrote;
    uint8_t writer;
    bool ended;
    uint16_t read[THREADS];
    uint16_t location;
} cell;

typedef struct page {
    uintptr_t number;
    cell cells[PAGE];
} page;

typedef struct block {
    uint8_t *at;
    size_t size_bytes;
    bool live, pages;
    uint8_t thread;  /* who allocated it */
    uint16_t born;   /* … and when */
    uint64_t freed;  /* counts frees; 0: never */
    knowledge known; /* by who freed it: whoever gets the block next knows that too */
} block;

static page *pages[PAGES]; /* hashed by number */
static page *in_use[PAGES / 2];
static block blocks[BLOCKS];
static struct {
    uint8_t *at;
    size_t size_bytes;
} commits[COMMITS];
static size_t block_count, commit_count, page_count, heap_used, reserve_used;
static uint64_t frees;
static _Alignas(ALIGN) uint8_t heap[HEAP_BYTES];
static uint8_t *reserve;
static const weave_site nowhere = {"", "", "", 0};

/* --- cells ---------------------------------------------------------------------------------------------------------------- */

static page **page_slot(uintptr_t number) {
    size_t i = (size_t)fh_mix64(number) % PAGES;
    while (pages[i] != NULL && pages[i]->number != number)
        i = (i + 1) % PAGES;
    return &pages[i];
}

static block *block_of(uintptr_t address) {
    for (block *b = blocks; b < blocks + block_count; b++)
        if (address - (uintptr_t)b->at < b->size_bytes)
            return b;
    return NULL;
}

static cell *cell_of(uintptr_t address) {
    page **slot = page_slot(address / PAGE);
    if (*slot == NULL) {
        if (page_count == PAGES / 2 || (*slot = calloc(1, sizeof **slot)) == NULL)
            weave_stop(nowhere, "the test announces more memory than the explorer can watch");
        (*slot)->number = address / PAGE;
        in_use[page_count++] = *slot;
    }
    cell *c = &(*slot)->cells[address % PAGE];
    if (c->run != weave_run) {
        const block *b = block_of(address);
        *c = (cell){.run = weave_run};
        if (b != NULL)
            *c = (cell){.run = weave_run, .wrote = b->born, .writer = b->thread, .ended = !b->live};
    }
    return c;
}

/* Looks at one byte before an access to it. */
static cell *look(weave_site site, uintptr_t address, bool writes) {
    cell *c = cell_of(address);
    const uint16_t *clock = weave_now()->clock;
    if (c->ended)
        weave_stop(site, "memory is used after its end");
    if (c->wrote > clock[c->writer])
        weave_stop(site, "race with a plain write (or the allocation) by thread %u", c->writer);
    for (unsigned t = 0; writes && t < THREADS; t++)
        if (c->read[t] > clock[t])
            weave_stop(site, "race with an access by thread %u", t);
    return c;
}

void weave_reads(weave_site site, const void *p, size_t size_bytes) {
    for (size_t i = 0; i < size_bytes; i++)
        look(site, (uintptr_t)p + i, false)->read[weave_me] = weave_now()->clock[weave_me];
}

static void write(weave_site site, uintptr_t address, size_t size_bytes, bool ends) {
    for (size_t i = 0; i < size_bytes; i++) {
        cell *c = look(site, address + i, true);
        *c = (cell){.run = weave_run, .wrote = weave_now()->clock[weave_me], .writer = (uint8_t)weave_me, .ended = ends};
    }
}

void weave_writes(weave_site site, const void *p, size_t size_bytes) {
    write(site, (uintptr_t)p, size_bytes, false);
}

void weave_ends(weave_site site, const void *p, size_t size_bytes) {
    write(site, (uintptr_t)p, size_bytes, true);
}

unsigned weave_memory_atomic(weave_site site, const void *p, size_t size_bytes) {
    unsigned location = cell_of((uintptr_t)p)->location;
    for (size_t i = 0; i < size_bytes; i++) {
        cell *c = look(site, (uintptr_t)p + i, false);
        if (c->location != location)
            weave_stop(site, "operands of several sizes at one address");
        c->read[weave_me] = weave_now()->clock[weave_me];
    }
    return location;
}

void weave_memory_locate(const void *p, size_t size_bytes, unsigned location) {
    for (size_t i = 0; i < size_bytes; i++)
        cell_of((uintptr_t)p + i)->location = (uint16_t)location;
}

/* --- the allocator -------------------------------------------------------------------------------------------------------- */

/* Visits the cells of a block that this execution has used; of what nobody announced there is nothing to know. */
static void each_cell(const block *b, void (*visit)(weave_site site, uintptr_t address, cell *c), weave_site site) {
    uintptr_t first = (uintptr_t)b->at, last = first + b->size_bytes - 1;
    for (size_t i = 0; i < page_count; i++) {
        uintptr_t base = in_use[i]->number * PAGE;
        if (base + PAGE <= first || base > last)
            continue;
        for (size_t k = 0; k < PAGE; k++)
            if (base + k - first < b->size_bytes && in_use[i]->cells[k].run == weave_run)
                visit(site, base + k, &in_use[i]->cells[k]);
    }
}

static void forget(weave_site site, uintptr_t address, cell *c) {
    (void)site;
    (void)address;
    c->run = 0;
}

static void end_cell(weave_site site, uintptr_t address, cell *c) {
    c->ended = false; /* one that was ended by hand was checked then */
    write(site, address, 1, true);
}

/* A place for a block: the one of its size that was freed last, or a new one. */
static block *place(size_t size_bytes, bool whole_pages) {
    block *best = NULL;
    for (block *b = blocks; b < blocks + block_count && !whole_pages; b++)
        if (!b->live && !b->pages && b->size_bytes == size_bytes && (best == NULL || b->freed > best->freed))
            best = b;
    if (best != NULL) {
        weave_join(weave_now(), &best->known);
        each_cell(best, forget, nowhere);
        return best;
    }
    size_t *used = whole_pages ? &reserve_used : &heap_used, align = whole_pages ? ALIGN : FH_ALLOC_ALIGN;
    size_t room = whole_pages ? (size_t)RESERVE_BYTES : HEAP_BYTES, aligned = (size_bytes + align - 1) / align * align;
    if (block_count == BLOCKS || aligned < size_bytes || aligned > room - *used)
        return NULL;
    if (whole_pages && reserve == NULL) {
        reserve = mmap(NULL, (size_t)RESERVE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (reserve == MAP_FAILED)
            weave_stop(nowhere, "no address space for the test");
    }
    block *b = &blocks[block_count++];
    *b = (block){.at = (whole_pages ? reserve : heap) + *used, .size_bytes = size_bytes, .pages = whole_pages};
    *used += aligned;
    return b;
}

static block *begin(const char *what, size_t size_bytes, bool whole_pages) {
    weave_heap_step((weave_site){__FILE__, __func__, what, __LINE__});
    block *b = place(size_bytes, whole_pages);
    if (b == NULL)
        return NULL;
    b->live = true;
    b->thread = (uint8_t)weave_me;
    b->born = weave_now()->clock[weave_me];
    return b;
}

static void end(const char *what, void *p) {
    weave_site site = {__FILE__, __func__, what, __LINE__};
    weave_heap_step(site);
    block *b = block_of((uintptr_t)p);
    if (b == NULL || b->at != p)
        weave_stop(site, "%s of what was never given out", what);
    if (!b->live)
        weave_stop(site, "%s of what is free already", what);
    if (b->thread != weave_me && b->born > weave_now()->clock[b->thread])
        weave_stop(site, "%s races with the allocation", what);
    each_cell(b, end_cell, site);
    b->live = false;
    b->freed = ++frees;
    b->known = *weave_now();
    if (!b->pages)
        memset(p, FREED, b->size_bytes);
}

static void *alloc_block(void *ctx, size_t size_bytes) {
    (void)ctx;
    block *b = begin("allocate", size_bytes, false);
    return b == NULL ? NULL : memset(b->at, 0, size_bytes);
}

static void free_block(void *ctx, void *p) {
    (void)ctx;
    end("free", p);
}

static fh_status reserve_pages(void *ctx, size_t size_bytes, void **out) {
    (void)ctx;
    block *b = begin("reserve", size_bytes, true);
    *out = b == NULL ? NULL : b->at;
    return FH_STATUS(b == NULL ? FH_NOMEM : FH_OK);
}

/* All pages can be read and written at any time; what was committed is zeroed before the next execution. */
static fh_status commit_pages(void *ctx, void *at, size_t size_bytes) {
    (void)ctx;
    if (commit_count == COMMITS)
        return FH_STATUS(FH_NOMEM);
    commits[commit_count].at = at;
    commits[commit_count++].size_bytes = size_bytes;
    return FH_DONE;
}

static void release_pages(void *ctx, void *at, size_t size_bytes) {
    (void)ctx;
    (void)size_bytes;
    end("release", at);
}

fh_allocator *weave_allocator(void) {
    static fh_allocator a = {NULL, alloc_block, free_block, reserve_pages, commit_pages, release_pages};
    return &a;
}

void weave_memory_reset(void) {
    for (size_t i = 0; i < commit_count; i++)
        memset(commits[i].at, 0, commits[i].size_bytes);
    block_count = commit_count = heap_used = reserve_used = 0;
    frees = 0;
}

void weave_memory_leaks(void) {
    size_t count = 0, bytes = 0;
    for (const block *b = blocks; b < blocks + block_count; b++) {
        count += b->live;
        bytes += b->live ? b->size_bytes : 0;
    }
    if (count != 0)
        weave_stop(nowhere, "%zu blocks of %zu bytes are never freed", count, bytes);
}
