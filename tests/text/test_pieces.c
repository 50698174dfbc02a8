/* test_pieces.c: the list of pieces, and what the five behaviours make of stretches. */
#include "support/fh_test.h"
#include "text/pipe/pieces.h"

/* A row of stretches, one a character of `kinds` (M: a match, e: an empty one, -: none) of two bytes each, becomes these
 * pieces. Checked against the reference. */
static void test_behaviors(void **state) {
    static const struct {
        const char *kinds;
        const char *pieces[FH_BEHAVIOR_COUNT]; /* removed, isolated, with the previous, with the next, contiguous */
    } cases[] = {
        {"-", {"0-2 ", "0-2 ", "0-2 ", "0-2 ", "0-2 "}},
        {"M", {"", "0-2 ", "0-2 ", "0-2 ", "0-2 "}},
        {"-M-", {"0-2 4-6 ", "0-2 2-4 4-6 ", "0-4 4-6 ", "0-2 2-6 ", "0-2 2-4 4-6 "}},
        {"MM-MM", {"4-6 ", "0-2 2-4 4-6 6-8 8-10 ", "0-2 2-4 4-8 8-10 ", "0-2 2-6 6-8 8-10 ", "0-4 4-6 6-10 "}},
        {"M-M-M", {"2-4 6-8 ", "0-2 2-4 4-6 6-8 8-10 ", "0-2 2-6 6-10 ", "0-4 4-8 8-10 ", "0-2 2-4 4-6 6-8 8-10 "}},
        {"--M", {"0-2 2-4 ", "0-2 2-4 4-6 ", "0-2 2-6 ", "0-2 2-4 4-6 ", "0-4 4-6 "}},
        {"e-e-", {"0-2 2-4 ", "0-2 2-4 ", "0-2 2-4 ", "0-2 2-4 ", "0-2 2-4 "}},
    };
    fh_pieces p;
    fh_normalized n;
    fh_buf got;
    fh_pieces_init(&p, fh_test_allocator(state));
    fh_normalized_init(&n, fh_test_allocator(state));
    fh_buf_init(&got, fh_test_allocator(state), 0);
    fh_assert_ok(fh_normalized_reset(&n, FH_LIT("0123456789"), true));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int b = 0; b < FH_BEHAVIOR_COUNT; b++) {
            fh_cutter c = {.behavior = (fh_behavior)b};
            size_t at = 0;
            fh_pieces_reset(&p, 0);
            for (const char *k = cases[i].kinds; *k; k++) {
                size_t end = at + (*k == 'e' ? 0 : 2);
                fh_assert_ok(fh_cutter_put(&c, &p, &n, at, end, *k != '-'));
                at = end;
            }
            fh_assert_ok(fh_cutter_end(&c, &p, &n));
            fh_buf_truncate(&got, 0);
            for (size_t k = 0; k < p.count; k++)
                fh_assert_ok(fh_buf_format(&got, "%u-%u ", fh_pieces_get(&p, k).begin, fh_pieces_get(&p, k).end));
            fh_assert_span(fh_buf_view(&got), cases[i].pieces[b]);
        }
    }
    fh_buf_deinit(&got);
    fh_normalized_deinit(&n);
    fh_pieces_deinit(&p);
}

/* Which pieces begin where the input begins: by their origin, and only in its first section. */
static void test_starts(void **state) {
    fh_pieces p;
    fh_normalized n;
    fh_pieces_init(&p, fh_test_allocator(state));
    fh_normalized_init(&n, fh_test_allocator(state));
    fh_assert_ok(fh_normalized_reset(&n, FH_LIT("abc"), true));
    fh_assert_ok(fh_pieces_cut(&p, &n, 0, 1));
    fh_assert_ok(fh_pieces_cut(&p, &n, 1, 3));
    assert_true(fh_pieces_get(&p, 0).at_start && !fh_pieces_get(&p, 1).at_start);
    /* two letters that both stand for the first one */
    fh_edit_begin(&n.edit);
    fh_assert_ok(fh_edit_emit_text(&n.edit, &n.now, FH_LIT("xy"), (fh_origin){0, 1}));
    fh_assert_ok(fh_edit_copy(&n.edit, &n.now, 1, 3));
    fh_assert_ok(fh_normalized_accept(&n));
    fh_pieces_reset(&p, 0);
    for (size_t i = 0; i < 3; i++)
        fh_assert_ok(fh_pieces_cut(&p, &n, i, i + 1));
    assert_true(fh_pieces_get(&p, 0).at_start && fh_pieces_get(&p, 1).at_start && !fh_pieces_get(&p, 2).at_start);
    fh_pieces_reset(&p, 10);
    fh_assert_ok(fh_pieces_cut(&p, &n, 0, 1));
    assert_false(fh_pieces_get(&p, 0).at_start);
    fh_normalized_deinit(&n);
    fh_pieces_deinit(&p);
}

static void test_list(void **state) {
    fh_pieces p;
    fh_pieces_init(&p, fh_test_allocator(state));
    for (uint32_t i = 0; i < 1000; i++)
        fh_assert_ok(fh_pieces_add(&p, (fh_piece){i, i + 1, i % 3 == 0 ? i : FH_NO_TOKEN, false}));
    fh_assert_ok(fh_pieces_add(&p, (fh_piece){5, 5, FH_NO_TOKEN, false})); /* nothing */
    fh_assert_ok(fh_pieces_add(&p, (fh_piece){5, 5, 9, false}));           /* a token is something */
    assert_int_equal(p.count, 1001);
    assert_int_equal(fh_pieces_turn(&p), 1001);
    assert_int_equal(p.count, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        fh_piece piece = fh_pieces_old(&p, i);
        assert_true(piece.begin == i && piece.end == i + 1 && piece.token == (i % 3 == 0 ? i : FH_NO_TOKEN));
    }
    fh_pieces_deinit(&p);
}

static void past_the_end(void *arg) {
    (void)fh_pieces_get(arg, 0);
}

static void test_index_is_checked(void **state) {
    fh_pieces p;
    fh_pieces_init(&p, fh_test_allocator(state));
    fh_assert_ok(fh_pieces_add(&p, (fh_piece){0, 1, FH_NO_TOKEN, false}));
    fh_pieces_reset(&p, 0);
    fh_assert_dies(past_the_end, &p, "i < p->count");
    fh_pieces_deinit(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_behaviors), FH_TEST_ALLOC(test_starts), FH_TEST_ALLOC(test_list),
                                       FH_TEST_ALLOC(test_index_is_checked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
