/* test_token_model.c: lists of tokens, and the memory of pieces: it changes no result. */
#include "text/model_case.h"

#define VOCAB "\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"ab\":3,\"abc\":4,\"u\":5}"

static void test_list(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_token_list l;
    fh_token_list_init(&l, a, false);
    for (uint32_t i = 0; i < 100; i++)
        fh_assert_ok(fh_token_list_put(&l, i, 2 * i, 3 * i));
    fh_assert_ok(fh_token_list_reserve(&l, 1000));
    assert_in_range(l.ids.count, 1100, 2000);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(fh_u32s_get(l.ids, i), i);
        assert_int_equal(fh_u32s_get(l.begins, i), 2 * i);
        assert_int_equal(fh_u32s_get(l.ends, i), 3 * i);
    }
    fh_assert_code(fh_token_list_reserve(&l, SIZE_MAX), FH_NOMEM);
    assert_int_equal(l.count, 100);
    l.count = 0;
    l.ids_only = true;
    for (uint32_t i = 0; i < 5000; i++)
        fh_assert_ok(fh_token_list_put(&l, i, 2 * i, 3 * i));
    assert_in_range(l.ends.count, 1100, 2000);
    l.count = 0;
    l.ids_only = false;
    for (uint32_t i = 0; i < 5000; i++)
        fh_assert_ok(fh_token_list_put(&l, i, 2 * i, 3 * i));
    assert_int_equal(fh_u32s_get(l.begins, 4999), 2 * 4999);
    assert_int_equal(fh_u32s_get(l.ends, 4999), 3 * 4999);
    fh_token_list_deinit(&l);
}

/* Appends the tokens of a piece. */
static void encode(const fh_token_model *m, fh_model_scratch *room, const char *piece, size_t size, fh_token_list *l) {
    fh_assert_ok(fh_token_model_encode(m, room, (fh_span){(const uint8_t *)piece, size}, l));
}

/* Pieces of every size around what is kept, again and again, alike but for one byte, by two models in turn, with one scratch
 * that remembers and with new ones that cannot. */
static void test_same_as_new(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_token_model *models[2] = {
        read_model(a, "{\"type\":\"BPE\",\"unk_token\":\"u\"," VOCAB ",\"merges\":[\"a b\",\"ab c\"]}"),
        read_model(a, "{\"type\":\"BPE\",\"unk_token\":\"u\"," VOCAB ",\"merges\":[\"a b\"]}")};
    fh_model_scratch *kept, *new;
    fh_token_list l, expected;
    fh_assert_ok(fh_model_scratch_new(a, &kept));
    fh_token_list_init(&l, a, false);
    fh_token_list_init(&expected, a, false);
    fh_test_rng rng = fh_test_rng_new(8);
    char piece[41];
    size_t size = 0;
    for (int round = 0; round < 400; round++) {
        const fh_token_model *m = models[round % 2];
        if (round % 2 == 0) {
            size = fh_test_rng_below(&rng, round % 4 == 0 ? sizeof piece : 12);
            for (size_t i = 0; i < sizeof piece; i++)
                piece[i] = "abc"[i % 3];
            piece[fh_test_rng_below(&rng, sizeof piece)] = "abcz\0\xff"[fh_test_rng_below(&rng, 6)];
        }
        l.count = expected.count = 0;
        fh_assert_ok(fh_model_scratch_new(a, &new));
        encode(m, new, piece, size, &expected);
        encode(m, kept, piece, size, &l);
        encode(m, kept, piece, size, &l);
        assert_int_equal(l.count, 2 * expected.count);
        for (size_t i = 0; i < l.count; i++) {
            assert_int_equal(fh_u32s_get(l.ids, i), fh_u32s_get(expected.ids, i % expected.count));
            assert_int_equal(fh_u32s_get(l.begins, i), fh_u32s_get(expected.begins, i % expected.count));
            assert_int_equal(fh_u32s_get(l.ends, i), fh_u32s_get(expected.ends, i % expected.count));
        }
        fh_model_scratch_free(new);
    }
    fh_token_list_deinit(&l);
    fh_token_list_deinit(&expected);
    fh_model_scratch_free(kept);
    fh_token_model_free(models[0]);
    fh_token_model_free(models[1]);
}

/* Pieces that were met, many at once, are as each by itself; where one was not, the walk stops before it. Pieces begin and end
 * within characters too. */
static void test_recall(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_token_model *m = read_model(a, "{\"type\":\"BPE\",\"unk_token\":\"u\"," VOCAB ",\"merges\":[\"a b\",\"ab c\"]}");
    fh_test_rng rng = fh_test_rng_new(3);
    fh_model_scratch *room;
    fh_token_list one, all;
    fh_assert_ok(fh_model_scratch_new(a, &room));
    fh_token_list_init(&one, a, false);
    fh_token_list_init(&all, a, false);
    enum { PIECES = 200, ROUNDS = 60, ROOM = 16 };
    size_t met = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        uint8_t text[PIECES * ROOM] = {0};
        fh_piece pieces[PIECES];
        size_t size = 0, most = round % 4 == 0 ? 6 : 3, left = 0; /* bytes of the last character that are the next piece's */
        one.count = all.count = 0;
        for (size_t i = 0; i < PIECES; i++) {
            size_t begin = size - left, letters = 1 + fh_test_rng_below(&rng, most);
            while (letters-- > 0) {
                text[size++] = (uint8_t)("abcx\xc3")[fh_test_rng_below(&rng, round % 2 == 0 ? 4 : 5)];
                if (text[size - 1] == 0xc3)
                    text[size++] = 0xa9;
            }
            size_t cut = text[size - 1] == 0xa9 && size - begin > 2 && fh_test_rng_below(&rng, 3) == 0;
            pieces[i] = (fh_piece){(uint32_t)begin, (uint32_t)(size - cut), FH_NO_TOKEN, false};
            left = cut != 0 && fh_test_rng_below(&rng, 2) == 0;
            for (size_t gap = left == 0 ? fh_test_rng_below(&rng, 2) : 0; gap > 0 && size + 2 < (i + 1) * ROOM; gap--) {
                text[size++] = fh_test_rng_below(&rng, 40) == 0 ? 0xc3 : ' ';
                if (text[size - 1] == 0xc3)
                    text[size++] = 0xa9;
            }
        }
        fh_span view = {text, size};
        for (size_t i = 0; i < PIECES; i++) {
            size_t from = one.count;
            fh_span piece = fh_span_sub(view, pieces[i].begin, pieces[i].end - pieces[i].begin);
            fh_assert_ok(fh_token_model_encode(m, room, piece, &one));
            for (size_t k = from; k < one.count; k++) {
                uint32_t begin = fh_u32s_get(one.begins, k) + pieces[i].begin, end = fh_u32s_get(one.ends, k) + pieces[i].begin;
                fh_u32s_set(one.begins, k, begin + 5);
                fh_u32s_set(one.ends, k, end + 5);
                fh_u32s_set(one.words, k, 7 + (uint32_t)i);
            }
        }
        if (round % 5 == 0)
            pieces[50].token = 3; /* an added token, which is no word */
        fh_recall_how how = {.add = 5, .word = 7, .step = 1, .none = FH_NO_TOKEN};
        fh_assert_ok(fh_token_list_reserve(&all, PIECES * FH_RECALL_TOKENS));
        size_t done = fh_token_model_recall(m, room, view, (fh_piece_items){pieces, PIECES}, &how, &all);
        met += done;
        assert_true(round % 5 != 0 || done <= 50);
        for (size_t k = 0; k < all.count; k++) {
            assert_int_equal(fh_u32s_get(all.ids, k), fh_u32s_get(one.ids, k));
            assert_int_equal(fh_u32s_get(all.begins, k), fh_u32s_get(one.begins, k));
            assert_int_equal(fh_u32s_get(all.ends, k), fh_u32s_get(one.ends, k));
            assert_int_equal(fh_u32s_get(all.words, k), fh_u32s_get(one.words, k));
        }
    }
    assert_true(met > 2000);
    fh_token_list_deinit(&one);
    fh_token_list_deinit(&all);
    fh_model_scratch_free(room);
    fh_token_model_free(m);
}

/* A short text needs little memory; once warm, nothing is allocated. */
static void test_no_allocation(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_token_model *m = read_model(a, "{\"type\":\"BPE\",\"unk_token\":\"u\"," VOCAB ",\"merges\":[\"a b\",\"ab c\"]}");
    fh_model_scratch *room;
    fh_token_list l;
    fh_assert_ok(fh_model_scratch_new(a, &room));
    fh_token_list_init(&l, a, false);
    char piece[200];
    memset(piece, 'a', sizeof piece);
    assert_true(fh_trace_stats(fh_test_trace(state)).live_bytes < 1 << 16);
    for (size_t warm = 0; warm < 40; warm++) { /* so many bytes that pieces are remembered */
        encode(m, room, piece, sizeof piece, &l);
        l.count = 0;
    }
    assert_true(fh_trace_stats(fh_test_trace(state)).live_bytes > 1 << 20);
    uint64_t before = fh_trace_stats(fh_test_trace(state)).allocs;
    for (size_t size = 1; size <= sizeof piece; size++) {
        piece[size / 2] = 'b';
        encode(m, room, piece, size, &l);
        l.count = 0;
    }
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).allocs, before);
    fh_token_list_deinit(&l);
    fh_model_scratch_free(room);
    fh_token_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_list), FH_TEST_ALLOC(test_same_as_new),
                                       FH_TEST_ALLOC(test_recall), FH_TEST_ALLOC(test_no_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
