/* test_page.c: the four invariants of slabs and frozen bytes, each attacked; pages reused, runs, evacuation, threads. Runs
 * under ThreadSanitizer. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "freehold/memory.h"
#include "freehold/page.h"

enum { PAGE = FH_PAGE_BYTES };

static fh_page_source *new_source(void **state, uint32_t pages_max) {
    fh_page_source *s = NULL;
    fh_assert_ok(fh_page_source_new(fh_test_allocator(state), &(fh_page_options){.pages_max = pages_max}, &s));
    return s;
}

static void check(const fh_page_source *s) {
    fh_err err = {0};
    fh_status status = fh_page_source_check(s, &err);
    if (fh_failed(status))
        fail_msg("%s", err.message);
}

/* Fills the whole room with `byte`, as a writer outside does; returns where. */
static uint8_t *fill(fh_page_source *s, fh_slab *slab, uint8_t byte) {
    fh_mspan room;
    fh_assert_ok(fh_slab_begin_io(s, slab, &room));
    memset(room.at, byte, room.size);
    fh_assert_ok(fh_slab_end_io(s, slab, room.size));
    return room.at;
}

/* Frozen bytes of the given size and content. */
static fh_bytes frozen(fh_page_source *s, size_t size, uint8_t byte) {
    fh_slab slab;
    fh_bytes b;
    fh_assert_ok(fh_slab_alloc(s, size, &slab));
    fill(s, &slab, byte);
    fh_assert_ok(fh_slab_freeze(s, &slab, size, &b));
    return b;
}

static bool all_are(fh_span s, uint8_t byte) {
    for (size_t i = 0; i < s.size; i++)
        if (fh_span_at(s, i) != byte)
            return false;
    return true;
}

static void test_options(void **state) {
    static const fh_page_options bad[] = {{.pages_max = FH_PAGES_MAX + 1},
                                          {.evacuate_below_bytes = PAGE / 2 + 1},
                                          {.slabs_max = UINT32_MAX}};
    fh_page_source *s;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        s = (fh_page_source *)state;
        fh_assert_code(fh_page_source_new(fh_test_allocator(state), &bad[i], &s), FH_INVALID);
        assert_null(s);
    }
    fh_assert_ok(fh_page_source_new(fh_test_allocator(state), NULL, &s));
    assert_int_equal(fh_page_source_range(s).size, 1024 * PAGE);
    assert_int_equal(fh_page_source_stats(s).committed_bytes, 0);
    assert_string_equal(fh_page_source_name(s), "pages");
    fh_page_source_free(s);
    fh_page_source_free(NULL);

    fh_page_options fixed = {.pages_max = 3, .fixed = true, .name = "in"};
    fh_assert_ok(fh_page_source_new(fh_test_allocator(state), &fixed, &s));
    assert_int_equal(fh_page_source_stats(s).committed_bytes, 3 * PAGE);
    assert_int_equal(fh_page_source_trim(s), 0); /* registered buffers keep their memory */
    assert_string_equal(fh_page_source_name(s), "in");
    check(s);
    fh_page_source_free(s);
}

static void test_append(void **state) {
    fh_page_source *s = new_source(state, 4);
    fh_slab slab;
    fh_span view;
    size_t room;
    fh_bytes b;
    fh_assert_code(fh_slab_alloc(s, 0, &slab), FH_INVALID);
    fh_assert_ok(fh_slab_alloc(s, 10, &slab));
    fh_assert_ok(fh_slab_append(s, &slab, FH_LIT("hello ")));
    fh_assert_code(fh_slab_append(s, &slab, FH_LIT("world")), FH_LIMIT); /* 11 bytes */
    fh_assert_ok(fh_slab_append(s, &slab, FH_LIT("wor")));
    fh_assert_ok(fh_slab_append(s, &slab, (fh_span){NULL, 0}));
    fh_assert_ok(fh_slab_view(s, slab, &view));
    fh_assert_span(view, "hello wor");
    fh_assert_ok(fh_slab_room(s, slab, &room));
    assert_int_equal(room, 1);
    fh_assert_ok(fh_slab_freeze(s, &slab, 5, &b));
    fh_assert_span(b.span, "hello");
    assert_int_equal(slab.token, 0);
    fh_bytes_drop(&b);
    check(s);
    fh_page_source_free(s);
}

static void test_copy(void **state) {
    static uint8_t text[4 * PAGE];
    fh_page_source *s = new_source(state, 4);
    static const size_t sizes[] = {1, 7, 8, 100, PAGE - 200, PAGE, PAGE + 1};
    fh_bytes b[7], none = {(fh_bytes_owner *)s, FH_LIT("x")};
    memset(text, 5, sizeof text);
    fh_assert_ok(fh_page_source_copy(s, (fh_span){NULL, 0}, &none));
    assert_true(none.owner == NULL && none.span.at == NULL);
    for (size_t i = 0; i < 7; i++) {
        if (i == 5) { /* make room, and see that what is left holds its page */
            for (size_t k = 1; k < 5; k++)
                fh_bytes_drop(&b[k]);
            assert_true(all_are(b[0].span, 5));
        }
        fh_assert_ok(fh_page_source_copy(s, (fh_span){text, sizes[i]}, &b[i]));
        assert_true(b[i].span.size == sizes[i] && (uintptr_t)b[i].span.at % 8 == 0 && all_are(b[i].span, 5));
        check(s);
    }
    assert_int_equal(fh_page_source_stats(s).pages_live, 4);
    fh_assert_code(fh_page_source_copy(s, (fh_span){text, 10}, &none), FH_EXHAUSTED);
    fh_assert_code(fh_page_source_copy(s, (fh_span){text, PAGE + 1}, &none), FH_EXHAUSTED);
    assert_true(none.owner == NULL && none.span.at == NULL);
    assert_int_equal(fh_page_source_stats(s).failures, 2);
    fh_bytes_drop(&b[0]);
    fh_bytes_drop(&b[5]);
    fh_bytes_drop(&b[6]);
    static const fh_span huge = {text, sizeof text};
    fh_slab slab;
    fh_assert_ok(fh_slab_alloc(s, 10, &slab)); /* a slab and a copy side by side */
    fh_assert_ok(fh_page_source_copy(s, FH_LIT("beside"), &b[0]));
    fill(s, &slab, 1);
    fh_assert_span(b[0].span, "beside");
    fh_assert_code(fh_page_source_copy(s, huge, &none), FH_EXHAUSTED);
    fh_assert_ok(fh_slab_release(s, &slab));
    fh_bytes_drop(&b[0]);
    check(s);
    fh_page_source_free(s);
}

/* The kernel itself writes, and fewer bytes than there is room for. */
static void test_pipe(void **state) {
    fh_page_source *s = new_source(state, 4);
    fh_slab slab;
    fh_mspan room;
    fh_bytes b;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "short message", 13), 13);
    fh_assert_ok(fh_slab_alloc(s, 4096, &slab));
    fh_assert_ok(fh_slab_begin_io(s, &slab, &room));
    ssize_t got = read(ends[0], room.at, room.size);
    assert_int_equal(got, 13);
    fh_assert_ok(fh_slab_end_io(s, &slab, (size_t)got));
    fh_assert_ok(fh_slab_freeze(s, &slab, 13, &b));
    fh_assert_span(b.span, "short message");
    fh_bytes_drop(&b);
    close(ends[0]);
    close(ends[1]);
    fh_page_source_free(s);
}

/* --- A: pointer stability ------------------------------------------------------------------------------------------- */

static void test_pointers_stay(void **state) {
    fh_page_source *s = new_source(state, 64);
    fh_slab slab;
    fh_mspan room, range = fh_page_source_range(s);
    fh_bytes b, others[40];
    fh_assert_ok(fh_slab_alloc(s, 5000, &slab));
    fh_assert_ok(fh_slab_begin_io(s, &slab, &room));
    assert_int_equal((uintptr_t)room.at % 64, 0);
    assert_true(room.at >= range.at && room.at + room.size <= range.at + range.size);
    for (size_t i = 0; i < 40; i++) /* the source grows, frees, trims and evacuates meanwhile */
        others[i] = frozen(s, PAGE, (uint8_t)i);
    for (size_t i = 0; i < 40; i++)
        fh_bytes_drop(&others[i]);
    assert_true(fh_page_source_trim(s) >= 30 * PAGE);
    memset(room.at, 7, room.size); /* now the kernel comes: still the same memory */
    fh_assert_ok(fh_slab_end_io(s, &slab, room.size));
    fh_assert_ok(fh_slab_freeze(s, &slab, 5000, &b));
    assert_ptr_equal(b.span.at, room.at);
    assert_true(all_are(b.span, 7));
    for (size_t i = 0; i < 40; i++)
        others[i] = frozen(s, PAGE / 2, (uint8_t)i);
    assert_true(b.span.at == room.at && all_are(b.span, 7));
    for (size_t i = 0; i < 40; i++) {
        assert_true(all_are(others[i].span, (uint8_t)i));
        fh_bytes_drop(&others[i]);
    }
    fh_bytes_drop(&b);
    check(s);
    fh_page_source_free(s);
}

/* --- B: exclusive mutable access ------------------------------------------------------------------------------------ */

/* Each call that changes a slab is refused with `code`, and changes nothing. */
static void refuses(fh_page_source *s, fh_slab slab, fh_code code) {
    fh_slab copy = slab;
    fh_mspan room = {(uint8_t *)&copy, 1};
    fh_bytes b = {(fh_bytes_owner *)s, FH_LIT("x")};
    fh_assert_code(fh_slab_append(s, &copy, FH_LIT("!")), code);
    fh_assert_code(fh_slab_begin_io(s, &copy, &room), code);
    assert_true(room.at == NULL && room.size == 0);
    fh_assert_code(fh_slab_split(s, &copy, 0, &b), code);
    assert_true(b.owner == NULL && b.span.at == NULL);
    fh_assert_code(fh_slab_freeze(s, &copy, 0, &b), code);
    fh_assert_code(fh_slab_release(s, &copy), code);
    assert_memory_equal(&copy, &slab, sizeof slab);
    check(s);
}

static void refuses_all(fh_page_source *s, fh_slab slab, fh_code code) {
    fh_span view = FH_LIT("x");
    size_t room = 1;
    refuses(s, slab, code);
    fh_assert_code(fh_slab_end_io(s, &slab, 0), code);
    fh_assert_code(fh_slab_view(s, slab, &view), code);
    fh_assert_code(fh_slab_room(s, slab, &room), code);
    assert_true(view.at == NULL && view.size == 0 && room == 0);
}

static void test_exclusive(void **state) {
    fh_page_source *s = new_source(state, 4), *other = new_source(state, 4);
    fh_slab slab, copy, theirs;
    fh_mspan room;
    fh_span view;
    fh_assert_ok(fh_slab_alloc(s, 100, &slab));
    fh_assert_ok(fh_slab_alloc(other, 100, &theirs));
    assert_true(slab.token == theirs.token && slab.index == theirs.index); /* sources that did the same things */
    refuses_all(s, theirs, FH_WRONG_POOL);
    fh_assert_ok(fh_slab_release(other, &theirs));
    copy = slab;
    fh_assert_ok(fh_slab_append(s, &slab, FH_LIT("one")));
    refuses_all(s, copy, FH_STALE); /* the copy was left behind by a use of the original */
    copy = slab;
    fh_assert_ok(fh_slab_append(s, &copy, FH_LIT(" two")));
    refuses_all(s, slab, FH_STALE); /* and the other way round */
    slab = copy;
    fh_assert_ok(fh_slab_begin_io(s, &slab, &room));
    refuses_all(s, copy, FH_STALE);
    refuses(s, slab, FH_BORROWED); /* the kernel has it */
    fh_assert_ok(fh_slab_view(s, slab, &view)); /* what is filled does not change */
    fh_assert_span(view, "one two");
    copy = slab;
    fh_assert_ok(fh_slab_end_io(s, &slab, 0));
    fh_assert_code(fh_slab_end_io(s, &copy, 0), FH_STALE);
    fh_assert_code(fh_slab_end_io(s, &slab, 0), FH_INVALID); /* it was not out */
    fh_assert_ok(fh_slab_view(s, slab, &view));
    fh_assert_span(view, "one two");

    fh_assert_ok(fh_slab_alloc(other, 100, &theirs));
    refuses_all(s, theirs, FH_WRONG_POOL);
    refuses_all(other, slab, FH_WRONG_POOL);
    refuses_all(s, (fh_slab){0}, FH_STALE);
    refuses_all(s, (fh_slab){.token = slab.token, .index = 1 << 20, .source = slab.source}, FH_STALE);
    refuses_all(s, (fh_slab){.token = 0, .index = 1, .source = slab.source}, FH_STALE); /* a free row */
    fh_assert_ok(fh_slab_release(other, &theirs));
    copy = slab;
    fh_assert_ok(fh_slab_release(s, &slab));
    refuses_all(s, copy, FH_STALE);
    fh_assert_ok(fh_slab_alloc(s, 100, &slab)); /* in the same row */
    assert_int_equal(slab.index, copy.index);
    refuses_all(s, copy, FH_STALE);
    fh_assert_ok(fh_slab_release(s, &slab));
    fh_page_stats stats = fh_page_source_stats(s);
    assert_true(stats.stale_uses > 40 && stats.borrow_conflicts == 5);
    fh_page_source_free(s);
    fh_page_source_free(other);
}

/* Slabs that live at once do not overlap, and neither do slabs and frozen bytes. */
static void test_disjoint(void **state) {
    fh_page_source *s = new_source(state, 16);
    fh_slab slabs[60];
    fh_span views[60];
    for (size_t i = 0; i < 60; i++) {
        fh_assert_ok(fh_slab_alloc(s, 1 + i * 97 % 5000, &slabs[i]));
        fill(s, &slabs[i], (uint8_t)(i + 1));
        if (i % 3 == 2) { /* its tail goes back, and the next one gets it */
            fh_bytes b;
            fh_assert_ok(fh_slab_split(s, &slabs[i], i * 97 % 5000 / 2, &b));
            fh_bytes_drop(&b);
        }
        check(s);
    }
    for (size_t i = 0; i < 60; i++) {
        fh_assert_ok(fh_slab_view(s, slabs[i], &views[i]));
        assert_true(views[i].size > 0 && all_are(views[i], (uint8_t)(i + 1)));
        fh_assert_ok(fh_slab_release(s, &slabs[i]));
    }
    fh_page_source_free(s);
}

/* --- C: initialisation ---------------------------------------------------------------------------------------------- */

static void test_uninitialised(void **state) {
    fh_page_source *s = new_source(state, 1);
    fh_bytes b = frozen(s, PAGE, 0xee), part; /* a secret that stays behind in the memory */
    const uint8_t *page = b.span.at;
    fh_bytes_drop(&b);
    fh_slab slab;
    fh_span view;
    fh_mspan room;
    fh_assert_ok(fh_slab_alloc(s, 1000, &slab));
    fh_assert_ok(fh_slab_view(s, slab, &view));
    assert_true(view.at == page && view.size == 0);
    fh_assert_code(fh_slab_freeze(s, &slab, 1, &b), FH_INVALID);
    fh_assert_code(fh_slab_split(s, &slab, 1, &b), FH_INVALID);

    fh_assert_ok(fh_slab_begin_io(s, &slab, &room));
    assert_int_equal(room.size, 1000);
    memset(room.at, 1, 300); /* a short write */
    fh_assert_code(fh_slab_end_io(s, &slab, 1001), FH_LIMIT);
    refuses(s, slab, FH_BORROWED); /* still out */
    fh_assert_ok(fh_slab_end_io(s, &slab, 300));
    fh_assert_code(fh_slab_freeze(s, &slab, 301, &b), FH_INVALID);
    fh_assert_code(fh_slab_split(s, &slab, 301, &b), FH_INVALID);
    fh_assert_ok(fh_slab_begin_io(s, &slab, &room));
    assert_true(room.at == page + 300 && room.size == 700);
    fh_assert_ok(fh_slab_end_io(s, &slab, 0)); /* a canceled operation */
    fh_assert_ok(fh_slab_split(s, &slab, 100, &part));
    fh_assert_ok(fh_slab_view(s, slab, &view));
    assert_true(view.at == page + 100 && view.size == 200 && all_are(view, 1));
    fh_assert_ok(fh_slab_freeze(s, &slab, 200, &b));
    assert_true(b.span.size == 200 && all_are(b.span, 1) && part.span.size == 100 && all_are(part.span, 1));
    fh_bytes_drop(&part);
    fh_bytes_drop(&b);

    fh_assert_ok(fh_slab_alloc(s, 64, &slab)); /* full: no room to hand out */
    fill(s, &slab, 2);
    fh_assert_code(fh_slab_begin_io(s, &slab, &room), FH_LIMIT);
    fh_assert_ok(fh_slab_release(s, &slab));
    fh_page_source_free(s);
}

static void read_room(void *arg) {
    fh_page_source *s = arg;
    fh_slab slab;
    fh_span view;
    if (!fh_failed(fh_slab_alloc(s, 1000, &slab)) && !fh_failed(fh_slab_append(s, &slab, FH_LIT("0123456789"))) &&
        !fh_failed(fh_slab_view(s, slab, &view)))
        _exit(view.at[10] != 0 ? 0 : 1);
}

static void read_dropped(void *arg) {
    fh_bytes b = frozen(arg, PAGE, 3), next;
    const uint8_t *at = b.span.at;
    fh_bytes_drop(&b);
    next = frozen(arg, 100, 4); /* where b was */
    _exit(at[500] == next.span.at[0]);
}

/* AddressSanitizer sees reads past the mark and after the end. */
static void test_poison(void **state) {
#ifndef FH_TEST_ASAN
    (void)state;
    (void)read_room;
    (void)read_dropped;
    fh_test_skip("this build has no address sanitizer");
#else
    fh_page_source *s = new_source(state, 4);
    void (*const fns[])(void *) = {read_room, read_dropped};
    for (size_t i = 0; i < 2; i++) {
        char said[8192];
        int status = fh_test_child(fns[i], s, said, sizeof said);
        assert_int_not_equal(status, 0);
        assert_non_null(strstr(said, "use-after-poison"));
    }
    fh_page_source_free(s);
#endif
}

/* --- D: no mutation after freeze ------------------------------------------------------------------------------------ */

static void test_no_mutation(void **state) {
    fh_page_source *s = new_source(state, 3);
    fh_slab slab, before[3];
    fh_bytes b;
    fh_assert_ok(fh_slab_alloc(s, 1000, &slab));
    before[0] = slab;
    fh_assert_ok(fh_slab_append(s, &slab, FH_LIT("frozen for ever")));
    before[1] = slab;
    fh_assert_ok(fh_slab_freeze(s, &slab, 15, &b));
    before[2] = slab;
    for (size_t i = 0; i < 3; i++)
        refuses_all(s, before[i], FH_STALE);
    for (size_t i = 0; i < 100; i++) { /* whatever comes after it, to the end of the source, lies elsewhere */
        size_t size = 1 + i * 331 % 9000;
        fh_status status = fh_slab_alloc(s, size, &slab);
        if (fh_failed(status))
            break;
        fill(s, &slab, 0xff);
        fh_assert_ok(fh_slab_release(s, &slab));
    }
    for (int round = 0; round < 20; round++) {
        fh_bytes big = frozen(s, PAGE, 0xff);
        fh_bytes_drop(&big);
    }
    fh_assert_span(b.span, "frozen for ever");
    fh_bytes_drop(&b);
    check(s);
    fh_page_source_free(s);
}

/* A page comes back when the last byte of it was dropped, and not before. */
static void test_reuse(void **state) {
    fh_page_source *s = new_source(state, 2);
    fh_bytes first = frozen(s, 30000, 1), second = frozen(s, 30000, 2), tiny, third, fourth;
    const uint8_t *page = first.span.at;
    fh_assert_ok(fh_bytes_slice(second, 29999, 1, &tiny));
    third = frozen(s, 60000, 3); /* the other page */
    fh_bytes_drop(&first);
    fh_bytes_drop(&second);
    fh_slab slab;
    fh_assert_code(fh_slab_alloc(s, 30000, &slab), FH_EXHAUSTED); /* one byte pins it */
    assert_int_equal(slab.token, 0);
    assert_int_equal(fh_page_source_stats(s).failures, 1);
    assert_int_equal(fh_page_source_stats(s).pages_live, 2);
    assert_int_equal(fh_page_source_stats(s).pages_sparse, 1);
    check(s);
    fh_bytes_drop(&tiny);
    assert_int_equal(fh_page_source_stats(s).pages_cached, 1);
    fourth = frozen(s, 30000, 4);
    assert_ptr_equal(fourth.span.at, page);
    assert_true(all_are(third.span, 3));
    fh_bytes_drop(&third);
    fh_bytes_drop(&fourth);
    assert_int_equal(fh_page_source_stats(s).pages_peak, 2);

    for (int i = 0; i < 1000; i++) { /* one after the other, the same page serves for ever */
        fh_bytes b = frozen(s, 4000, (uint8_t)i);
        assert_true(b.span.at >= page && b.span.at < page + PAGE);
        fh_bytes_drop(&b);
    }
    check(s);
    fh_page_source_free(s);
}

/* What freezing leaves over goes to the next slab. */
static void test_tail(void **state) {
    fh_page_source *s = new_source(state, 1);
    fh_bytes b[100];
    fh_slab slab;
    for (size_t i = 0; i < 100; i++) { /* 100 slabs of 32 KiB on one page of 64, for each keeps 10 bytes only */
        fh_assert_ok(fh_slab_alloc(s, 32768, &slab));
        fh_assert_ok(fh_slab_append(s, &slab, FH_LIT("ten bytes.")));
        fh_assert_ok(fh_slab_freeze(s, &slab, 10, &b[i]));
        check(s);
    }
    const uint8_t *page = fh_page_source_range(s).at;
    for (size_t i = 0; i < 100; i++) {
        fh_assert_span(b[i].span, "ten bytes.");
        assert_ptr_equal(b[i].span.at, page + i * 64);
        fh_bytes_drop(&b[i]);
    }
    fh_page_source_free(s);
}

static void test_runs(void **state) {
    fh_page_source *s = new_source(state, 8);
    fh_slab slab, more;
    fh_bytes b, c;
    fh_assert_code(fh_slab_alloc(s, 8 * PAGE + 1, &slab), FH_LIMIT);
    fh_assert_code(fh_slab_alloc(s, SIZE_MAX, &slab), FH_LIMIT);
    fh_assert_ok(fh_slab_alloc(s, 8 * PAGE, &slab));
    fill(s, &slab, 1);
    fh_assert_code(fh_slab_alloc(s, 1, &more), FH_EXHAUSTED);
    check(s);
    fh_assert_ok(fh_slab_freeze(s, &slab, 2 * PAGE + 1, &b)); /* five of its pages go back */
    assert_int_equal(fh_page_source_stats(s).pages_live, 3);
    fh_assert_code(fh_slab_alloc(s, 5 * PAGE + 1, &slab), FH_EXHAUSTED);
    fh_assert_ok(fh_slab_alloc(s, 5 * PAGE, &slab));
    fill(s, &slab, 2);
    assert_true(all_are(b.span, 1));
    fh_assert_ok(fh_slab_split(s, &slab, PAGE + 100, &c));
    fh_assert_ok(fh_slab_release(s, &slab)); /* all behind the split goes back */
    assert_int_equal(fh_page_source_stats(s).pages_live, 5);
    check(s);
    fh_bytes_drop(&b); /* a hole of three pages before c */
    assert_int_equal(fh_page_source_stats(s).pages_live, 2);
    fh_assert_code(fh_slab_alloc(s, 4 * PAGE, &slab), FH_EXHAUSTED);
    fh_assert_ok(fh_slab_alloc(s, 3 * PAGE - 5, &slab));
    check(s);
    assert_true(all_are(c.span, 2));
    fh_bytes_drop(&c);
    fh_assert_ok(fh_slab_release(s, &slab));
    assert_int_equal(fh_page_source_stats(s).pages_live, 0);
    check(s);
    fh_page_source_free(s);
}

static void test_slabs_max(void **state) {
    fh_page_source *s;
    fh_slab slab[3];
    fh_assert_ok(fh_page_source_new(fh_test_allocator(state), &(fh_page_options){.pages_max = 2, .slabs_max = 2}, &s));
    fh_assert_ok(fh_slab_alloc(s, 10, &slab[0]));
    fh_assert_ok(fh_slab_alloc(s, 10, &slab[1]));
    fh_assert_code(fh_slab_alloc(s, 10, &slab[2]), FH_EXHAUSTED);
    check(s);
    fh_assert_ok(fh_slab_release(s, &slab[0]));
    fh_assert_ok(fh_slab_alloc(s, 10, &slab[2]));
    fh_assert_ok(fh_slab_release(s, &slab[1]));
    fh_assert_ok(fh_slab_release(s, &slab[2]));
    check(s);
    fh_page_source_free(s);
}

static void test_trim(void **state) {
    fh_page_source *s = new_source(state, 16);
    fh_bytes b = frozen(s, 10 * PAGE, 1), keep = frozen(s, PAGE, 2);
    fh_bytes_drop(&b);
    assert_int_equal(fh_page_source_stats(s).committed_bytes, 11 * PAGE);
    assert_int_equal(fh_page_source_trim(s), 10 * PAGE);
    assert_int_equal(fh_page_source_trim(s), 0);
    assert_int_equal(fh_page_source_stats(s).committed_bytes, PAGE);
    check(s);
    assert_true(all_are(keep.span, 2));
    b = frozen(s, 10 * PAGE, 3); /* the memory comes back by itself */
    assert_true(all_are(b.span, 3));
    assert_int_equal(fh_page_source_stats(s).committed_bytes, 11 * PAGE);
    fh_bytes_drop(&b);
    fh_bytes_drop(&keep);
    fh_page_source_free(s);
}

/* Bytes keep the addresses after their source was freed; the tracing allocator sees that the last drop gives all back. */
static void test_outlives_source(void **state) {
    fh_page_source *s = new_source(state, 8);
    fh_bytes a = frozen(s, 1000, 1), b = frozen(s, 3 * PAGE, 2), part;
    fh_assert_ok(fh_bytes_slice(b, PAGE, 10, &part));
    fh_page_source_free(s);
    assert_true(all_are(a.span, 1) && all_are(b.span, 2));
    fh_bytes_drop(&b);
    assert_true(all_are(part.span, 2));
    fh_bytes_drop(&part);
    assert_true(all_are(a.span, 1));
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).live, 5); /* the source, three tables and the addresses */
    fh_bytes_drop(&a);
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).live, 0);
}

static void free_source(void *s) {
    fh_page_source_free(s);
}

static void test_free_with_slab(void **state) {
    fh_page_source *s = new_source(state, 1);
    fh_slab slab;
    fh_mspan room;
    fh_assert_ok(fh_slab_alloc(s, 10, &slab));
    fh_assert_ok(fh_slab_begin_io(s, &slab, &room)); /* the kernel would write into memory that is gone */
    fh_assert_dies(free_source, s, "slabs_live == 0");
    fh_assert_ok(fh_slab_end_io(s, &slab, 0));
    fh_assert_ok(fh_slab_release(s, &slab));
    fh_page_source_free(s);
}

/* --- evacuation ----------------------------------------------------------------------------------------------------- */

/* 10,000 slices of 40 bytes, each on a piece of 4 KiB, pin 640 pages; they end on 7 within the budget, 100 KB a round. */
static void test_evacuate(void **state) {
    enum { SLICES = 10000, SIZE = 40, ROUND_BYTES = 100000 };
    static fh_bytes held[SLICES];
    fh_page_source *s = new_source(state, 1024);
    for (size_t i = 0; i < SLICES; i++) {
        fh_bytes b = frozen(s, 4096, (uint8_t)i);
        fh_assert_ok(fh_bytes_slice(b, i % 4000, SIZE, &held[i]));
        fh_bytes_drop(&b);
    }
    fh_page_stats before = fh_page_source_stats(s);
    assert_int_equal(before.pages_live, SLICES / 16);
    assert_int_equal(before.pages_sparse, SLICES / 16 - 1); /* not the one that the cursor is on */
    uint64_t moved = 0;
    for (int round = 0; round < 5; round++) {
        size_t budget = ROUND_BYTES, refused = 0;
        for (size_t i = 0; i < SLICES; i++) {
            fh_status status = fh_bytes_evacuate(s, &held[i], &budget);
            refused += status.code == FH_LIMIT;
            if (status.code != FH_LIMIT)
                fh_assert_ok(status);
        }
        check(s);
        uint64_t now = fh_page_source_stats(s).evacuated_bytes;
        assert_int_equal(now - moved, ROUND_BYTES - budget); /* never more than the budget */
        assert_true(round < 3 ? refused > 0 && budget < SIZE : refused == 0);
        assert_true(round < 4 || budget == ROUND_BYTES); /* and nothing is moved again */
        moved = now;
    }
    assert_int_equal(moved, SIZE * (SLICES - 16)); /* each once; the 16 on the cursor's page stay */
    fh_page_stats after = fh_page_source_stats(s);
    assert_true(after.pages_live <= SLICES * SIZE / PAGE + 2);
    assert_int_equal(after.pages_sparse, 0);
    for (size_t i = 0; i < SLICES; i++) {
        assert_true(held[i].span.size == SIZE && all_are(held[i].span, (uint8_t)i));
        fh_bytes_drop(&held[i]);
    }
    check(s);
    fh_page_source_free(s);
}

static void test_evacuate_refuses(void **state) {
    fh_page_source *s = new_source(state, 4), *other = new_source(state, 4);
    fh_bytes whole = frozen(s, PAGE, 1), next = frozen(s, PAGE, 2), part, copy, none = {0};
    size_t budget = 1000;
    fh_assert_ok(fh_bytes_evacuate(s, &whole, &budget)); /* dense */
    assert_int_equal(budget, 1000);
    fh_assert_ok(fh_bytes_slice(whole, 5, 100, &part));
    fh_assert_ok(fh_bytes_evacuate(s, &part, &budget)); /* small, but its page is full all the same */
    assert_int_equal(budget, 1000);
    fh_bytes_drop(&whole);
    fh_assert_code(fh_bytes_evacuate(other, &part, &budget), FH_WRONG_POOL);
    fh_bytes was = part;
    budget = 99;
    fh_assert_code(fh_bytes_evacuate(s, &part, &budget), FH_LIMIT);
    assert_true(part.span.at == was.span.at && budget == 99);
    fh_bytes third = frozen(s, PAGE, 3), fourth = frozen(s, PAGE, 4); /* no page to go to */
    budget = 100;
    fh_assert_code(fh_bytes_evacuate(s, &part, &budget), FH_EXHAUSTED);
    assert_true(part.span.at == was.span.at && budget == 100);
    fh_bytes_drop(&third);

    fh_bytes shared = fh_bytes_share(part);
    fh_assert_ok(fh_bytes_evacuate(s, &part, &budget));
    assert_true(part.span.at != was.span.at && budget == 0 && all_are(part.span, 1));
    assert_true(shared.span.at == was.span.at && all_are(shared.span, 1)); /* the other reference stays */
    check(s);
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), FH_LIT("on the heap"), &copy));
    fh_assert_ok(fh_bytes_evacuate(s, &copy, &budget));
    fh_assert_ok(fh_bytes_evacuate(s, &none, &budget));
    fh_assert_span(copy.span, "on the heap");
    fh_bytes *all[] = {&part, &shared, &copy, &next, &fourth};
    for (size_t i = 0; i < 5; i++)
        fh_bytes_drop(all[i]);
    check(s);
    fh_page_source_free(s);
    fh_page_source_free(other);
}

/* --- reports -------------------------------------------------------------------------------------------------------------- */

static void test_listed(void **state) {
    fh_page_source *s = new_source(state, 16);
    fh_bytes b = frozen(s, 5 * PAGE, 1), more = frozen(s, 3 * PAGE, 2);
    fh_memory m;
    fh_bytes_drop(&b);
    fh_assert_code(fh_slab_release(s, &(fh_slab){0}), FH_STALE);
    static const struct {
        uint64_t live, cached;
    } rows[] = {{3, 5}, {3, 0}}; /* before and after the trim */
    for (size_t i = 0; i < 2; i++) {
        fh_assert_ok(fh_memory_look(fh_test_allocator(state), &m));
        assert_int_equal(m.rows.count, 2);
        fh_memory_row row = fh_memory_rows_get(m.rows, 1);
        assert_string_equal(row.name.text, "pages");
        assert_true(row.kind == FH_MEMORY_PAGES && row.object_bytes == PAGE && row.refusals == 1 && row.heap_bytes == 0);
        assert_true(row.live.count == rows[i].live && row.cached.count == rows[i].cached && row.peak_bytes == 8 * PAGE);
        assert_true(row.live.bytes == rows[i].live * PAGE && row.cached.bytes == rows[i].cached * PAGE);
        uint64_t pages = rows[i].live + rows[i].cached;
        assert_in_range(row.committed_bytes, pages * PAGE, (pages + 1) * PAGE);
        assert_in_range(row.reserved_bytes, 16 * PAGE, 17 * PAGE);
        fh_memory_deinit(&m);
        assert_int_equal(fh_page_source_trim(s), rows[i].cached * PAGE);
    }
    fh_page_source_free(s);
    fh_assert_ok(fh_memory_look(fh_test_allocator(state), &m));
    assert_int_equal(m.rows.count, 2); /* it still has the memory */
    fh_memory_deinit(&m);
    fh_bytes_drop(&more);
    fh_assert_ok(fh_memory_look(fh_test_allocator(state), &m));
    assert_int_equal(m.rows.count, 1);
    fh_memory_deinit(&m);
}

/* --- failing memory ------------------------------------------------------------------------------------------------- */

static fh_status body(fh_allocator *a, void *arg) {
    fh_page_source *s;
    fh_slab slab = {0};
    fh_bytes b[3] = {{0}}, part = {0};
    size_t budget = 100;
    FH_TRY(fh_page_source_new(a, &(fh_page_options){.pages_max = 8, .fixed = arg != NULL}, &s));
    fh_status status = FH_DONE;
    static const size_t sizes[] = {PAGE, 3 * PAGE, 10};
    for (size_t i = 0; i < 3 && !fh_failed(status); i++) {
        status = fh_slab_alloc(s, sizes[i], &slab);
        if (!fh_failed(status))
            status = fh_slab_append(s, &slab, FH_LIT("content"));
        if (!fh_failed(status))
            status = fh_slab_freeze(s, &slab, 7, &b[i]);
    }
    if (!fh_failed(status))
        status = fh_bytes_slice(b[1], 0, 3, &part);
    fh_bytes_drop(&b[1]);
    if (!fh_failed(status))
        status = fh_bytes_evacuate(s, &part, &budget);
    if (!fh_failed(status) && !fh_span_is(part.span, "con"))
        status = FH_STATUS(FH_CORRUPT);
    fh_status sound = fh_page_source_check(s, NULL);
    fh_bytes_drop(&part);
    for (size_t i = 0; i < 3; i++)
        fh_bytes_drop(&b[i]);
    fh_page_source_free(s);
    return fh_failed(sound) ? sound : status;
}

static void test_without_memory(void **state) {
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL), 7); /* 4 tables, the addresses, 2 commits */
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, state), 6);
}

/* --- threads -------------------------------------------------------------------------------------------------------- */

enum { READERS = 3, ROUNDS = 3000, BOX = 16 };

/* A mailbox of references, under a lock of the test's own. */
typedef struct box {
    pthread_mutex_t lock;
    fh_bytes in[BOX];
    size_t count;
    bool done;
} box;

static void *read_and_drop(void *arg) {
    box *x = arg;
    size_t bad = 0;
    for (bool done = false; !done;) {
        fh_bytes b = {0}, part;
        pthread_mutex_lock(&x->lock);
        if (x->count > 0)
            b = x->in[--x->count];
        done = x->done && b.owner == NULL;
        pthread_mutex_unlock(&x->lock);
        if (b.owner == NULL)
            continue;
        bad += fh_failed(fh_bytes_slice(b, b.span.size / 2, b.span.size / 4, &part));
        bad += !all_are(b.span, fh_span_at(b.span, 0));
        fh_bytes_drop(&b);
        bad += part.span.size != 0 && !all_are(part.span, fh_span_at(part.span, 0));
        fh_bytes_drop(&part);
    }
    return bad == 0 ? arg : NULL;
}

/* One thread fills pages, others read and drop what was frozen: pages go round and are never written while they are read. */
static void test_threads(void **state) {
    static box boxes[READERS];
    fh_page_source *s = new_source(state, 6);
    pthread_t threads[READERS];
    for (size_t i = 0; i < READERS; i++) {
        boxes[i] = (box){.count = 0};
        pthread_mutex_init(&boxes[i].lock, NULL);
        assert_int_equal(pthread_create(&threads[i], NULL, read_and_drop, &boxes[i]), 0);
    }
    fh_test_rng rng = fh_test_rng_new(3);
    for (size_t i = 0; i < ROUNDS;) {
        fh_slab slab;
        fh_bytes b;
        size_t size = 1 + fh_test_rng_below(&rng, i % 50 == 0 ? 2 * PAGE : 8000);
        if (fh_failed(fh_slab_alloc(s, size, &slab))) {
            usleep(100); /* the readers hold everything */
            continue;
        }
        fill(s, &slab, (uint8_t)i);
        fh_assert_ok(fh_slab_freeze(s, &slab, size, &b));
        for (size_t k = 0; k < READERS; k++) {
            box *x = &boxes[k];
            pthread_mutex_lock(&x->lock);
            if (x->count < BOX)
                x->in[x->count++] = fh_bytes_share(b);
            pthread_mutex_unlock(&x->lock);
        }
        fh_bytes_drop(&b);
        i++;
    }
    fh_page_source_free(s); /* whoever drops last ends the rest */
    for (size_t i = 0; i < READERS; i++) {
        void *ok = NULL;
        pthread_mutex_lock(&boxes[i].lock);
        boxes[i].done = true;
        pthread_mutex_unlock(&boxes[i].lock);
        assert_int_equal(pthread_join(threads[i], &ok), 0);
        assert_non_null(ok);
        pthread_mutex_destroy(&boxes[i].lock);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_options),
        FH_TEST_ALLOC(test_append),
        FH_TEST_ALLOC(test_copy),
        FH_TEST_ALLOC(test_pipe),
        FH_TEST_ALLOC(test_pointers_stay),
        FH_TEST_ALLOC(test_exclusive),
        FH_TEST_ALLOC(test_disjoint),
        FH_TEST_ALLOC(test_uninitialised),
        FH_TEST_ALLOC(test_poison),
        FH_TEST_ALLOC(test_no_mutation),
        FH_TEST_ALLOC(test_reuse),
        FH_TEST_ALLOC(test_tail),
        FH_TEST_ALLOC(test_runs),
        FH_TEST_ALLOC(test_slabs_max),
        FH_TEST_ALLOC(test_trim),
        FH_TEST_ALLOC(test_outlives_source),
        FH_TEST_ALLOC(test_free_with_slab),
        FH_TEST_ALLOC(test_evacuate),
        FH_TEST_ALLOC(test_evacuate_refuses),
        FH_TEST_ALLOC(test_listed),
        FH_TEST_ALLOC(test_without_memory),
        FH_TEST_ALLOC(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
