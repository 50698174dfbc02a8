/* test_split.c: where words are, against the definition: one code point after another, White_Space or not. */
#include "freehold/utf8.h"
#include "freehold/words.h"
#include "support/fh_test.h"

/* PropList.txt, White_Space. */
static bool is_space(uint32_t c) {
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* The next word from *at on, by the definition. */
static bool next_by_definition(fh_span text, size_t *at, fh_range *word) {
    bool inside = false;
    while (*at < text.size) {
        fh_rune r = fh_utf8_next(text, *at);
        bool space = r.valid && is_space(r.code);
        if (space && inside)
            break;
        if (!space && !inside) {
            inside = true;
            word->from = *at;
        }
        *at += r.size;
    }
    word->to = *at;
    return inside;
}

static void check(fh_span text) {
    fh_split split = fh_split_begin(text);
    size_t at = 0, count = 0;
    for (fh_range word, expected; next_by_definition(text, &at, &expected); count++) {
        if (!fh_split_next(&split, &word) || word.from != expected.from || word.to != expected.to)
            fail_msg("word %zu of %zu bytes: expected %zu to %zu, got %zu to %zu", count, text.size, expected.from, expected.to,
                     word.from, word.to);
    }
    for (int i = 0; i < 3; i++) {
        fh_range word;
        assert_false(fh_split_next(&split, &word));
    }
    assert_int_equal(fh_split_count(text), count);
}

static void test_known(void **state) {
    (void)state;
    fh_range word;
    fh_split split = fh_split_begin(FH_LIT("\tcaf\xc3\xa9  na\xc3\xafve\xe3\x80\x80x\n"));
    const fh_range expected[] = {{1, 6}, {8, 14}, {17, 18}};
    for (size_t i = 0; i < 3; i++) {
        assert_true(fh_split_next(&split, &word));
        assert_int_equal(word.from, expected[i].from);
        assert_int_equal(word.to, expected[i].to);
    }
    assert_false(fh_split_next(&split, &word));
    check(FH_LIT(""));
    check(FH_LIT(" "));
    check(FH_LIT("one"));
    check(FH_LIT("\x1c\x1f is no white space, \x0b\x0c is"));
}

/* Each code point between two letters, at each place in a block. */
static void test_every_code_point(void **state) {
    (void)state;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        if (code >= 0xd800 && code < 0xe000)
            continue;
        uint8_t bytes[8] = {'a'};
        size_t size = 1 + fh_utf8_put(code, bytes + 1);
        bytes[size++] = 'b';
        fh_range word;
        fh_split split = fh_split_begin((fh_span){bytes, size});
        assert_true(fh_split_next(&split, &word));
        if (is_space(code) != (word.to == 1))
            fail_msg("U+%04X", code);
    }
}

/* White space of 1 to 3 bytes, and what looks like it, at every place around the ends of blocks; cut off, too. */
static void test_blocks(void **state) {
    (void)state;
    const fh_span pieces[] = {FH_LIT(" "),    FH_LIT("\xc2\xa0"),     FH_LIT("\xe3\x80\x80"), FH_LIT("\xe2\x80\x83"),
                              FH_LIT("\xe2"), FH_LIT("\xe2\x80"),     FH_LIT("\xc2"),         FH_LIT("\xe3\x80"),
                              FH_LIT("\x80"), FH_LIT("\xe3\x81\x82"), FH_LIT("\xe1\x9a\x80"), FH_LIT("\x85")};
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        for (size_t size = 60; size <= 132; size++) {
            for (size_t at = size - 6; at < size; at++) {
                uint8_t bytes[140];
                for (size_t i = 0; i < size; i++)
                    bytes[i] = 'x';
                for (size_t i = 0; i < pieces[p].size; i++)
                    bytes[at + i] = fh_span_at(pieces[p], i);
                for (size_t end = at; end <= size; end++)
                    check((fh_span){bytes, end});
            }
        }
    }
}

static void test_random(void **state) {
    (void)state;
    const fh_span pieces[] = {FH_LIT("a"),        FH_LIT("b"),            FH_LIT(" "),    FH_LIT("\n"),   FH_LIT("\xc3\xa9"),
                              FH_LIT("\xc2\x85"), FH_LIT("\xe3\x80\x80"), FH_LIT("\xe2"), FH_LIT("\x80"),
                              FH_LIT("\xf0\x9f\x98\x80")};
    fh_test_rng rng = fh_test_rng_new(1);
    for (int round = 0; round < 5000; round++) {
        uint8_t bytes[400];
        size_t size = 0, wanted = fh_test_rng_below(&rng, 390), kinds = 1 + fh_test_rng_below(&rng, 10);
        while (size < wanted) {
            fh_span piece = pieces[fh_test_rng_below(&rng, kinds)];
            for (size_t i = 0; i < piece.size; i++)
                bytes[size++] = fh_span_at(piece, i);
        }
        check((fh_span){bytes, size});
    }
}

/* A cut divides no word. */
static void test_cut(void **state) {
    (void)state;
    fh_span text = FH_LIT("one\xe3\x80\x80two three\tfour");
    const size_t expected[] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 15, 15, 15, 15, 15, 15, 20, 20, 20, 20, 20};
    assert_int_equal(text.size, 20);
    for (size_t at = 0; at <= text.size; at++)
        assert_int_equal(fh_split_cut(text, at), expected[at]);
}

/* As many parts as wanted, one after another. */
static void run_parts(void *ctx, fh_par_fn *fn, void *arg) {
    unsigned width = *(unsigned *)ctx;
    for (unsigned part = width; part-- > 0;)
        fn(arg, part, width);
}

/* Words of all sizes over the ends of blocks, as columns. */
static void test_long_columns(void **state) {
    (void)state;
    uint8_t bytes[1000];
    for (size_t size = 1; size < 70; size++) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = i % (size + 1) == size ? ' ' : 'x';
        fh_span texts[] = {{bytes, sizeof bytes}, {bytes, 512}, {bytes, 511}};
        fh_views views = {texts, 3};
        uint64_t rows[4];
        uint32_t from[1100], to[1100];
        fh_assert_ok(fh_split_rows(NULL, views, (fh_u64s){rows, 4}));
        assert_int_equal(rows[1], (sizeof bytes + size) / (size + 1));
        fh_assert_ok(fh_split_columns(NULL, views, (fh_u64s){rows, 4}, (fh_u32s){from, rows[3]}, (fh_u32s){to, rows[3]}));
        for (size_t t = 0; t < 3; t++) {
            fh_split split = fh_split_begin(texts[t]);
            size_t at = rows[t];
            for (fh_range word; fh_split_next(&split, &word); at++)
                assert_true(from[at] == word.from && to[at] == word.to);
            assert_int_equal(at, rows[t + 1]);
        }
    }
}

static void test_columns(void **state) {
    (void)state;
    fh_span texts[] = {FH_LIT("one two"), FH_LIT(""), FH_LIT(" three "), FH_LIT("\xe3\x80\x80" "4 5 6")};
    const uint64_t begins[] = {0, 2, 2, 3, 6};
    const uint32_t from[] = {0, 4, 1, 3, 5, 7}, to[] = {3, 7, 6, 4, 6, 8};
    fh_views views = {texts, 4};
    for (unsigned width = 1; width < 7; width++) {
        fh_par par = {&width, width, run_parts};
        uint64_t rows[5];
        uint32_t a[7], b[7];
        fh_u64s r = {rows, 5};
        fh_assert_ok(fh_split_rows(&par, views, r));
        assert_memory_equal(rows, begins, sizeof begins);
        fh_assert_ok(fh_split_columns(&par, views, r, (fh_u32s){a, 6}, (fh_u32s){b, 6}));
        assert_memory_equal(a, from, sizeof from);
        assert_memory_equal(b, to, sizeof to);
        fh_assert_code(fh_split_rows(&par, views, (fh_u64s){rows, 4}), FH_INVALID);
        fh_assert_code(fh_split_columns(&par, views, r, (fh_u32s){a, 5}, (fh_u32s){b, 6}), FH_INVALID);
        fh_assert_code(fh_split_columns(&par, views, r, (fh_u32s){a, 6}, (fh_u32s){b, 7}), FH_INVALID);
        rows[1] = 1; /* the second text would have a word more, the first one fewer */
        fh_assert_code(fh_split_columns(&par, views, r, (fh_u32s){a, 6}, (fh_u32s){b, 6}), FH_INVALID);
        rows[1] = 2;
        rows[4] = 7; /* the last text would have a word more */
        fh_assert_code(fh_split_columns(&par, views, r, (fh_u32s){a, 7}, (fh_u32s){b, 7}), FH_INVALID);
        rows[4] = 6;
        rows[1] = 5; /* more than the next row */
        fh_assert_code(fh_split_columns(&par, views, r, (fh_u32s){a, 6}, (fh_u32s){b, 6}), FH_INVALID);
        rows[1] = 7;
        fh_assert_code(fh_split_columns(&par, views, r, (fh_u32s){a, 6}, (fh_u32s){b, 6}), FH_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known), cmocka_unit_test(test_every_code_point),
                                       cmocka_unit_test(test_blocks), cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_cut), cmocka_unit_test(test_columns),
                                       cmocka_unit_test(test_long_columns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
