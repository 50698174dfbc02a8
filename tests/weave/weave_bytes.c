/* weave_bytes.c: counted bytes and the pages they lie on, in all interleavings and with all values that the memory model
 * allows. The first byte of what is shared is announced as plain memory, so a release that comes before a read, or a page's
 * second life that overlaps its first, shows as a race. */
#include "weave.h"

#include "freehold/page.h"
#include "mem/stock.h"

static fh_page_source *source;
static fh_bytes refs[3];
static uint8_t *block;

/* --- a block of somebody else: whoever drops last gives it back ------------------------------------------------------- */

static void give_back(void *ctx) {
    fh_allocator *a = ctx;
    FH_WRITES(block, 1);
    *block = 0;
    fh_free(a, block);
}

static void setup_wrapped(fh_allocator *a) {
    block = fh_alloc(a, 1, 8);
    *block = 7;
    fh_status s = fh_bytes_wrap(a, (fh_span){block, 8}, give_back, a, &refs[0]);
    WEAVE_ASSERT(s.code == FH_OK);
    refs[1] = fh_bytes_share(refs[0]);
    refs[2] = fh_bytes_share(refs[0]);
}

static void look(fh_bytes b, uint8_t expected) {
    FH_READS(b.span.at, 1);
    WEAVE_ASSERT(b.span.at[0] == expected);
}
static void drop_0(void) {
    look(refs[0], 7);
    fh_bytes_drop(&refs[0]);
}
static void drop_1(void) {
    look(refs[1], 7);
    fh_bytes_drop(&refs[1]);
}
static void share_drop_2(void) {
    fh_bytes more = fh_bytes_share(refs[2]);
    fh_bytes_drop(&refs[2]);
    look(more, 7);
    fh_bytes_drop(&more);
}

/* The same by way of references in store. */
static void slice_0(void) {
    fh_stock stock = {NULL, 0, 0};
    fh_bytes more = fh_stock_slice(&stock, refs[0], 0, 8);
    fh_bytes_drop(&refs[0]);
    look(more, 7);
    fh_bytes_drop(&more);
    fh_stock_end(&stock);
}
static void store_1(void) {
    fh_stock stock = {NULL, 0, 0};
    look(refs[1], 7);
    fh_stock_drop(&stock, &refs[1]);
    look(refs[2], 7);
    fh_stock_drop(&stock, &refs[2]);
    fh_stock_end(&stock);
}

/* --- a page: read by another thread, then filled again ---------------------------------------------------------------- */

/* A whole page of bytes that begin with `first`. */
static fh_status fill_page(uint8_t first, fh_bytes *out) {
    fh_slab slab;
    fh_mspan room;
    FH_TRY(fh_slab_alloc(source, FH_PAGE_BYTES, &slab));
    FH_TRY(fh_slab_begin_io(source, &slab, &room));
    FH_WRITES(room.at, 1);
    room.at[0] = first;
    FH_TRY(fh_slab_end_io(source, &slab, room.size));
    return fh_slab_freeze(source, &slab, room.size, out);
}

static void setup_pages(fh_allocator *a) {
    fh_page_options options = {.pages_max = 2, .slabs_max = 1};
    fh_status s = fh_page_source_new(a, &options, &source);
    WEAVE_ASSERT(s.code == FH_OK);
    s = fill_page(7, &refs[0]);
    WEAVE_ASSERT(s.code == FH_OK);
    refs[1] = fh_bytes_share(refs[0]);
}

/* Fills both pages while the other thread reads and drops what lies on the first one. */
static void fill_both(void) {
    fh_bytes more[2];
    fh_bytes_drop(&refs[0]);
    for (uint8_t i = 0; i < 2; i++) {
        for (fh_status s; (s = fill_page(8, &more[i])).code != FH_OK; fh_pause())
            WEAVE_ASSERT(s.code == FH_EXHAUSTED);
        look(more[i], 8);
    }
    WEAVE_ASSERT(more[0].span.at != more[1].span.at);
    fh_bytes_drop(&more[0]);
    fh_bytes_drop(&more[1]);
}

static void end_pages(void) {
    fh_status s = fh_page_source_check(source, NULL);
    WEAVE_ASSERT(s.code == FH_OK);
    fh_page_source_free(source);
}

/* --- bytes that outlive their source: whoever is last unmaps ------------------------------------------------------------ */

static void free_source(void) {
    fh_bytes_drop(&refs[0]);
    fh_page_source_free(source);
}

int main(void) {
    static const weave_test tests[] = {
        {.name = "bytes: the last gives back", .setup = setup_wrapped, .threads = {drop_0, drop_1, share_drop_2},
         .weaken = "count.h"},
        {.name = "bytes: the last is in store", .setup = setup_wrapped, .threads = {slice_0, store_1}, .weaken = "count.h",
         .spare = {"fh_count_release sub word"}}, /* what is in store is released behind it */
        {.name = "pages: a second life", .setup = setup_pages, .threads = {drop_1, fill_both}, .check = end_pages,
         .weaken = "src/mem/"},
        {.name = "pages: the last unmaps", .setup = setup_pages, .threads = {drop_1, free_source}, .weaken = "src/mem/",
         .spare = {"set_free or &s->free[i / 64]"}}, /* nobody takes the page again */
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
