/* test_normalized.c: changes by the reference's rule, nothing stored while nothing changes, origins, growth, no memory. */
#include "text/pipe/normalized.h"

#include "freehold/utf8.h"
#include "support/fh_test.h"

#define LITERAL(s) fh_span_lit(s, sizeof(s) - 1)

static void check_origin(const fh_normalized *n, size_t begin, size_t end, uint32_t from, uint32_t to) {
    fh_origin o = fh_normalized_origin(n, begin, end);
    if (o.begin != from || o.end != to)
        fail_msg("bytes %zu to %zu come from %u to %u, expected %u to %u", begin, end, o.begin, o.end, from, to);
}

/* A walk that keeps everything stores nothing; origins are those of whole characters. */
static void test_nothing_changes(void **state) {
    fh_normalized n;
    fh_normalized_init(&n, fh_test_allocator(state));
    fh_span text = LITERAL("a\u00e9\xff\U0001f600z");
    fh_assert_ok(fh_normalized_reset(&n, text, true));
    fh_edit_begin(&n.edit);
    fh_assert_ok(fh_edit_keep(&n.edit, &n.now, 0, 3));
    fh_assert_ok(fh_edit_keep(&n.edit, &n.now, 3, 4));
    fh_assert_ok(fh_edit_put(&n.edit, &n.now, 0x1f600, 0));
    fh_assert_ok(fh_edit_put(&n.edit, &n.now, 'z', 0));
    fh_assert_ok(fh_normalized_accept(&n));
    assert_true(n.now.same && n.now.straight);
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).allocs, 0);
    assert_ptr_equal(fh_normalized_view(&n).at, text.at);
    check_origin(&n, 0, 1, 0, 1);
    check_origin(&n, 2, 3, 1, 3);
    check_origin(&n, 3, 4, 3, 4);
    check_origin(&n, 5, 6, 4, 8);
    check_origin(&n, 1, 9, 1, 9);
    check_origin(&n, 4, 4, 4, 4);
    fh_normalized_deinit(&n);
}

/* A letter for a letter: bytes are stored, origins are not. */
static void test_in_place(void **state) {
    fh_normalized n;
    fh_normalized_init(&n, fh_test_allocator(state));
    fh_assert_ok(fh_normalized_reset(&n, LITERAL("aBc"), true));
    fh_edit_begin(&n.edit);
    fh_assert_ok(fh_edit_keep(&n.edit, &n.now, 0, 1));
    fh_assert_ok(fh_edit_put(&n.edit, &n.now, 'b', 0));
    fh_assert_ok(fh_edit_keep(&n.edit, &n.now, 2, 3));
    fh_assert_ok(fh_normalized_accept(&n));
    fh_assert_span(fh_normalized_view(&n), "abc");
    assert_true(!n.now.same && n.now.straight);
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).allocs, 1);
    check_origin(&n, 1, 3, 1, 3);
    fh_normalized_deinit(&n);
}

typedef struct change {
    uint32_t code;
    int change;
} change;

/* Runs changes, those of code 0 being skips, and compares the text and the origin of each byte. */
static void check_changes(void **state, fh_span text, const change *list, size_t count, const char *expected,
                          const fh_origin *origins) {
    fh_normalized n;
    fh_normalized_init(&n, fh_test_allocator(state));
    fh_assert_ok(fh_normalized_reset(&n, text, true));
    fh_edit_begin(&n.edit);
    for (size_t i = 0; i < count; i++) {
        if (list[i].code == 0)
            fh_edit_skip(&n.edit, &n.now, (size_t)list[i].change);
        else
            fh_assert_ok(fh_edit_put(&n.edit, &n.now, list[i].code, list[i].change));
    }
    fh_assert_ok(fh_normalized_accept(&n));
    fh_assert_span(fh_normalized_view(&n), expected);
    for (size_t i = 0; i < n.now.size; i++)
        check_origin(&n, i, i + 1, origins[i].begin, origins[i].end);
    fh_normalized_deinit(&n);
}

static void test_changes(void **state) {
    /* As in the reference: an accent that joins its letter is gone, and the letter stands for itself alone. */
    check_changes(state, LITERAL("e\u0301x"), (change[]){{0xe9, -1}, {'x', 0}}, 2, "\u00e9x",
                  (fh_origin[]){{0, 1}, {0, 1}, {3, 4}});
    /* What is new takes the origin of what stands before it. */
    check_changes(state, LITERAL("\u4e00b"), (change[]){{' ', 0}, {0x4e00, 1}, {' ', 1}, {'b', 0}}, 4, " \u4e00 b",
                  (fh_origin[]){{0, 3}, {0, 3}, {0, 3}, {0, 3}, {0, 3}, {3, 4}});
    /* New at the very start: nothing stands before it. */
    check_changes(state, LITERAL("ab"), (change[]){{'x', 1}, {'a', 0}, {'b', 0}}, 3, "xab",
                  (fh_origin[]){{0, 0}, {0, 1}, {1, 2}});
    /* The beginning is gone. */
    check_changes(state, LITERAL("\u00e9ab"), (change[]){{0, 1}, {'a', 0}, {'b', 0}}, 3, "ab",
                  (fh_origin[]){{2, 3}, {3, 4}});
    /* The end is gone: a copy of less. */
    check_changes(state, LITERAL("abc"), (change[]){{'a', 0}, {'b', -1}}, 2, "ab", (fh_origin[]){{0, 1}, {1, 2}});
    /* More replacements than characters: the last one's origin. */
    check_changes(state, LITERAL("ab"), (change[]){{'a', 0}, {'b', 0}, {'c', 0}}, 3, "abc",
                  (fh_origin[]){{0, 1}, {1, 2}, {1, 2}});
    check_changes(state, LITERAL("abc"), NULL, 0, "", NULL);
}

/* A cursor elsewhere: what is kept takes its origins there, character by character. */
static void test_cursor(void **state) {
    fh_normalized n;
    fh_normalized_init(&n, fh_test_allocator(state));
    fh_assert_ok(fh_normalized_reset(&n, LITERAL("a\u00e9bc"), true));
    fh_edit_begin(&n.edit);
    fh_assert_ok(fh_edit_keep(&n.edit, &n.now, 1, 4));
    fh_assert_ok(fh_normalized_accept(&n));
    fh_assert_span(fh_normalized_view(&n), "\u00e9b");
    check_origin(&n, 0, 1, 0, 1);
    check_origin(&n, 1, 2, 0, 1);
    check_origin(&n, 2, 3, 1, 3);
    fh_edit_begin(&n.edit);
    fh_assert_ok(fh_edit_copy(&n.edit, &n.now, 2, 3));
    fh_assert_ok(fh_edit_emit_text(&n.edit, &n.now, LITERAL("xy"), (fh_origin){7, 9}));
    fh_assert_ok(fh_edit_copy(&n.edit, &n.now, 0, 2));
    fh_assert_ok(fh_normalized_accept(&n));
    fh_assert_span(fh_normalized_view(&n), "bxy\u00e9");
    check_origin(&n, 0, 1, 1, 3);
    check_origin(&n, 1, 3, 7, 9);
    check_origin(&n, 3, 5, 0, 1);
    fh_normalized_deinit(&n);
}

/* The second text needs no memory. */
static void test_again(void **state) {
    fh_normalized n;
    fh_normalized_init(&n, fh_test_allocator(state));
    uint64_t allocs[3] = {0};
    for (size_t round = 0; round < 3; round++) {
        fh_assert_ok(fh_normalized_reset(&n, LITERAL("abcdef"), true));
        for (size_t pass = 0; pass < 2; pass++) {
            fh_edit_begin(&n.edit);
            for (size_t i = 6; i > 0; i--)
                fh_assert_ok(fh_edit_copy(&n.edit, &n.now, i - 1, i));
            fh_assert_ok(fh_normalized_accept(&n));
        }
        fh_assert_span(fh_normalized_view(&n), "abcdef");
        allocs[round] = fh_trace_stats(fh_test_trace(state)).allocs;
    }
    assert_int_equal(allocs[0], 4);
    assert_int_equal(allocs[2], 4);
    fh_normalized_deinit(&n);
}

static void test_too_long(void **state) {
    static const uint8_t one = 'a';
    fh_normalized n;
    fh_normalized_init(&n, fh_test_allocator(state));
    fh_assert_ok(fh_normalized_reset(&n, LITERAL("ab"), true));
    fh_assert_code(fh_normalized_reset(&n, (fh_span){&one, (size_t)UINT32_MAX + 1}, true), FH_LIMIT);
    fh_assert_span(fh_normalized_view(&n), "ab");
    fh_normalized_deinit(&n);
}

/* Untracked: text alone. */
static void test_untracked(void **state) {
    fh_normalized n;
    fh_normalized_init(&n, fh_test_allocator(state));
    fh_assert_ok(fh_normalized_reset(&n, LITERAL("abc"), false));
    fh_edit_begin(&n.edit);
    fh_assert_ok(fh_edit_put(&n.edit, &n.now, 0x4e00, 1));
    fh_assert_ok(fh_edit_keep(&n.edit, &n.now, 1, 3));
    fh_assert_ok(fh_normalized_accept(&n));
    fh_assert_span(fh_normalized_view(&n), "\u4e00bc");
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).allocs, 1);
    fh_normalized_deinit(&n);
}

static fh_status body(fh_allocator *a, void *arg) {
    (void)arg;
    fh_normalized n;
    fh_normalized_init(&n, a);
    fh_status s = fh_normalized_reset(&n, LITERAL("abc"), true);
    fh_edit_begin(&n.edit);
    for (int i = 0; i < 300 && s.code == FH_OK; i++)
        s = fh_edit_put(&n.edit, &n.now, 'x', 1);
    if (s.code == FH_OK)
        s = fh_normalized_accept(&n);
    if (fh_failed(s))
        fh_assert_span(fh_normalized_view(&n), "abc");
    fh_normalized_deinit(&n);
    return s;
}

static void test_no_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL) >= 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_nothing_changes), FH_TEST_ALLOC(test_in_place), FH_TEST_ALLOC(test_changes),
        FH_TEST_ALLOC(test_cursor),          FH_TEST_ALLOC(test_again),    FH_TEST_ALLOC(test_too_long),
        FH_TEST_ALLOC(test_untracked),       FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
