/* test_bpe_model.c: byte-pair encoding of pieces. The expected tokens are what `tokenizers` 0.23 gives for these models. */
#include "text/model_case.h"

#define VOCAB "\"a\":0,\"b\":1,\"c\":2,\"ab\":3,\"bc\":4,\"abc\":5,\"[U]\":6,\"\xc3\xa9\":7,\"aa\":8,\"aaaa\":9"
#define MERGES "\"merges\":[\"b c\",\"a b\",\"a bc\",\"ab c\",\"a a\",\"aa aa\"]"
/* The bytes of U+65E5 are tokens. */
#define BYTES ",\"<0xE6>\":20,\"<0x97>\":21,\"<0xA5>\":22"
#define SUN "\xe6\x97\xa5"

static void test_order(void **state) {
    static const model_case cases[] = {
        {"abc", "5:0-3"}, {"aabc", "0:0-1 5:1-4"}, {"ababcbc", "3:0-2 5:2-5 4:5-7"}, {"aaaaaaa", "9:0-4 8:4-6 0:6-7"},
        {"", ""}, {"x", ""}, {"xab", "3:0-2"}, {"axb", "3:0-2"}, {"\xc3\xa9", "7:0-2"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "9:0-4 9:4-8 9:8-12 9:12-16 9:16-20 9:20-24 9:24-28 9:28-32 9:32-36 9:36-40"}};
    CHECK_CASES(fh_test_allocator(state), "{\"type\":\"BPE\",\"vocab\":{" VOCAB "}," MERGES "}", cases);
}

static void test_unknown(void **state) {
    static const model_case each[] = {
        {"x", "6:0-1"}, {"axxb", "0:0-1 6:1-2 6:2-3 1:3-4"}, {"xyz", "6:0-1 6:1-2 6:2-3"},
        {"\xc3\xa9" SUN "c", "7:0-2 6:2-5 2:5-6"}};
    static const model_case fused[] = {
        {"x", "6:0-1"}, {"axxb", "0:0-1 6:1-3 1:3-4"}, {"xyz", "6:0-3"},
        {"\xc3\xa9" SUN "c" SUN SUN, "7:0-2 6:2-5 2:5-6 6:6-12"}};
    CHECK_CASES(fh_test_allocator(state), "{\"type\":\"BPE\",\"unk_token\":\"[U]\",\"vocab\":{" VOCAB "}," MERGES "}", each);
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"BPE\",\"unk_token\":\"[U]\",\"fuse_unk\":true,\"vocab\":{" VOCAB "}," MERGES "}", fused);
    static const model_case none[] = {{"a", "0:0-1"}, {"b", NULL}, {"ab", NULL}};
    CHECK_CASES(fh_test_allocator(state), "{\"type\":\"BPE\",\"unk_token\":\"zz\",\"vocab\":{\"a\":0},\"merges\":[]}", none);
}

/* Bytes go before the unknown character that waits for the next known one. */
static void test_byte_fallback(void **state) {
    static const model_case each[] = {
        {SUN, "20:0-1 21:1-2 22:2-3"}, {"x" SUN "a", "20:0-1 21:1-2 22:2-3 6:3-4 0:4-5"},
        {SUN "x", "20:0-1 21:1-2 22:2-3 6:3-4"},
        {"xx" SUN "y" SUN, "6:0-1 20:1-2 21:2-3 22:3-4 6:4-5 20:5-6 21:6-7 22:7-8 6:8-9"}};
    static const model_case fused[] = {{"x" SUN "xa", "20:0-1 21:1-2 22:2-3 6:3-5 0:5-6"}};
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"BPE\",\"unk_token\":\"[U]\",\"byte_fallback\":true,\"vocab\":{" VOCAB BYTES "}," MERGES "}", each);
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"BPE\",\"unk_token\":\"[U]\",\"byte_fallback\":true,\"fuse_unk\":true,\"vocab\":{" VOCAB BYTES
                "}," MERGES "}",
                fused);
}

static void test_parts(void **state) {
    static const model_case cases[] = {
        {"low", "5:0-3"}, {"lo", "0:0-1"}, {"l", "8:0-1"}, {"o", "7:0-1"}, {"loww", "4:0-2 2:2-3 3:3-4"}};
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"BPE\",\"continuing_subword_prefix\":\"##\",\"end_of_word_suffix\":\"</w>\",\"vocab\":{\"l\":0,"
                "\"##o\":1,\"##w\":2,\"##w</w>\":3,\"lo\":4,\"low</w>\":5,\"##ow\":6,\"o</w>\":7,\"l</w>\":8},"
                "\"merges\":[[\"l\",\"##o\"],[\"lo\",\"##w</w>\"],[\"##o\",\"##w\"]]}",
                cases);
}

static void test_ignore_merges(void **state) {
    static const model_case cases[] = {{"ab", "2:0-2"}, {"aba", "0:0-1 3:1-3"}, {"ba", "3:0-2"}};
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"BPE\",\"ignore_merges\":true,\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"ba\":3},\"merges\":[\"b a\"]}",
                cases);
}

/* Text after the start of a word joins across the start of the next one only where a merge does. */
static void test_words(void **state) {
#define MARK "\xe2\x96\x81"
    static const model_case apart[] = {{MARK "a" MARK "a" MARK MARK "a", "1:0-4 1:4-8 3:8-14 2:14-15"},
                                       {"x" MARK "a", "4:0-1 1:1-5"}, {MARK, "0:0-3"}};
    static const model_case across[] = {{MARK "a" MARK "a" MARK MARK "a", "0:0-3 5:3-7 2:7-8 3:8-14 2:14-15"},
                                        {"x" MARK "a", "4:0-1 1:1-5"}};
#define WORDS \
    "\"unk_token\":\"u\",\"vocab\":{\"" MARK "\":0,\"" MARK "a\":1,\"a\":2,\"" MARK MARK "\":3,\"u\":4,\"a" MARK "\":5}"
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"BPE\"," WORDS ",\"merges\":[\"" MARK " " MARK "\",\"" MARK " a\"]}", apart);
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"BPE\"," WORDS ",\"merges\":[\"" MARK " " MARK "\",\"a " MARK "\",\"" MARK " a\"]}", across);
    static const model_case left_out[] = {{MARK "x" MARK, "3:0-6"}};
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"BPE\",\"vocab\":{\"" MARK "\":0,\"" MARK MARK "\":3},\"merges\":[\"" MARK " " MARK "\"]}",
                left_out);
    static const model_case unknown[] = {{"x" MARK, "3:0-4"}};
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"BPE\",\"unk_token\":\"u\",\"vocab\":{\"" MARK "\":0,\"u\":1,\"u" MARK "\":3},\"merges\":[\"u " MARK
                "\"]}",
                unknown);
    static const model_case missing[] = {{MARK "a" MARK "a", "0:0-3 1:3-4 0:4-7 1:7-8"}, {MARK "a" MARK "x", NULL}};
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"BPE\",\"unk_token\":\"u\",\"vocab\":{\"" MARK "\":0,\"a\":1},\"merges\":[]}", missing);
}

/* With the letters of GPT-2's alphabet: U+0120 is the space, U+0100 the byte 0. Offsets count raw bytes. */
static void test_raw_bytes(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_model_scratch *room;
    fh_assert_ok(fh_model_scratch_new(a, &room));
    fh_token_model *m = read_model(a, "{\"type\":\"BPE\",\"unk_token\":\"u\",\"vocab\":{\"\xc4\xa0\":0,\"a\":1,"
                                      "\"\xc4\xa0" "a\":2,"
                                      "\"u\":3,\"\xc4\x80\":4},\"merges\":[\"\xc4\xa0 a\"]}");
    assert_true(fh_token_model_use_raw_bytes(m));
    assert_true(fh_token_model_use_raw_bytes(m));
    check_piece(a, m, room, FH_LIT(" a"), "2:0-2");
    check_piece(a, m, room, FH_LIT("a a\xff\0a"), "1:0-1 2:1-3 3:3-4 4:4-5 1:5-6");
    fh_token_model_free(m);
    m = read_model(a, "{\"type\":\"BPE\",\"ignore_merges\":true,\"unk_token\":\"u\",\"vocab\":{\"\xc4\xa0\":0,\"a\":1,"
                      "\"\xc4\xa0" "a\":2,\"u\":3},\"merges\":[]}");
    assert_true(fh_token_model_use_raw_bytes(m));
    check_piece(a, m, room, FH_LIT(" a"), "2:0-2");
    check_piece(a, m, room, FH_LIT("a "), "1:0-1 0:1-2");
    fh_token_model_free(m);
    m = read_model(a, "{\"type\":\"BPE\",\"vocab\":{\"a\":1},\"merges\":[]}");
    assert_false(fh_token_model_use_raw_bytes(m)); /* a letter that is none is left out, and what follows moves */
    check_piece(a, m, room, FH_LIT("xa"), "1:0-1");
    fh_token_model_free(m);
    m = read_model(a, "{\"type\":\"WordLevel\",\"unk_token\":\"a\",\"vocab\":{\"a\":1}}");
    assert_false(fh_token_model_use_raw_bytes(m));
    fh_token_model_free(m);
    fh_model_scratch_free(room);
}

/* A vocabulary of single letters, all but those of some bytes. */
static fh_token_model *letters_without(fh_allocator *a, uint32_t from, uint32_t to) {
    fh_buf json;
    fh_buf_init(&json, a, 0);
    fh_assert_ok(fh_buf_put(&json, FH_LIT("{\"type\":\"BPE\",\"merges\":[],\"vocab\":{\"none\":1000")));
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t code = b <= 0x20 ? 0x100 + b : b >= 0x7f && b <= 0xa0 ? 0x121 + b - 0x7f : b == 0xad ? 0x143 : b;
        if (b < from || b > to)
            fh_assert_ok(fh_buf_format(&json, ",\"\\u%04x\":%u", code, b));
    }
    fh_assert_ok(fh_buf_put(&json, (fh_span){(const uint8_t *)"}}", 3}));
    fh_token_model *m = read_model(a, (const char *)fh_buf_view(&json).at);
    fh_buf_deinit(&json);
    return m;
}

/* A letter may be missing if its byte is in no UTF-8. */
static void test_raw_without_letters(void **state) {
    static const struct {
        uint32_t from, to;
        bool raw;
    } cases[] = {{0xf5, 0xff, true}, {0xc0, 0xc1, true}, {0xf4, 0xff, false}, {0xc0, 0xc2, false}, {0xbf, 0xc1, false},
                 {'a', 'a', false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_token_model *m = letters_without(fh_test_allocator(state), cases[i].from, cases[i].to);
        assert_int_equal(fh_token_model_use_raw_bytes(m), cases[i].raw);
        fh_token_model_free(m);
    }
}

/* Random letters: whatever its length, a piece becomes what joining the best pair again and again makes of it. */
static void test_long_as_short(void **state) {
    static const char *const merges[] = {"bc", "ab", "abc", "abc", "aa", "aaaa"}; /* results; halves below */
    static const uint8_t left[] = {1, 1, 1, 2, 1, 2};
    fh_allocator *a = fh_test_allocator(state);
    fh_token_model *m = read_model(a, "{\"type\":\"BPE\",\"vocab\":{" VOCAB "}," MERGES "}");
    fh_model_scratch *room;
    fh_token_list l;
    fh_assert_ok(fh_model_scratch_new(a, &room));
    fh_token_list_init(&l, a, false);
    fh_test_rng rng = fh_test_rng_new(4);
    for (int round = 0; round < 2000; round++) {
        char text[128];
        size_t ends[128], n = 1 + fh_test_rng_below(&rng, 90), count = n;
        for (size_t i = 0; i < n; i++) {
            text[i] = "aaabbc"[fh_test_rng_below(&rng, 6)];
            ends[i] = i + 1;
        }
        for (size_t rank = 0; rank < 6;) {
            size_t i = 0, size = strlen(merges[rank]);
            for (; i + 1 < count; i++) {
                size_t begin = i == 0 ? 0 : ends[i - 1];
                if (ends[i] - begin == left[rank] && ends[i + 1] - begin == size &&
                    memcmp(text + begin, merges[rank], size) == 0)
                    break;
            }
            if (i + 1 >= count) {
                rank++;
                continue;
            }
            memmove(ends + i, ends + i + 1, (--count - i) * sizeof *ends);
            rank = 0;
        }
        l.count = 0;
        fh_assert_ok(fh_token_model_encode(m, room, (fh_span){(const uint8_t *)text, n}, &l));
        assert_int_equal(l.count, count);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(fh_u32s_get(l.ends, i), ends[i]);
    }
    fh_token_list_deinit(&l);
    fh_model_scratch_free(room);
    fh_token_model_free(m);
}

/* A megabyte of one letter. */
static void test_one_letter(void **state) {
    enum { BYTES_COUNT = 1 << 20 };
    fh_allocator *a = fh_test_allocator(state);
    fh_token_model *m = read_model(a, "{\"type\":\"BPE\",\"vocab\":{" VOCAB "}," MERGES "}");
    fh_model_scratch *room;
    fh_token_list l;
    fh_assert_ok(fh_model_scratch_new(a, &room));
    fh_token_list_init(&l, a, true);
    uint8_t *text = fh_alloc(a, BYTES_COUNT, 1);
    memset(text, 'a', BYTES_COUNT);
    fh_assert_ok(fh_token_model_encode(m, room, (fh_span){text, BYTES_COUNT}, &l));
    assert_int_equal(l.count, BYTES_COUNT / 4);
    fh_free(a, text);
    fh_token_list_deinit(&l);
    fh_model_scratch_free(room);
    fh_token_model_free(m);
}

/* How many tokens a model of a dropout makes of a piece, in all of 200 draws from a seed. */
static size_t drop(fh_allocator *a, const char *dropout, uint64_t seed) {
    fh_buf json;
    fh_buf_init(&json, a, 0);
    fh_assert_ok(fh_buf_format(&json, "{\"type\":\"BPE\",\"dropout\":%s,\"vocab\":{" VOCAB "}," MERGES "}%c", dropout, 0));
    fh_token_model *m = read_model(a, (const char *)fh_buf_view(&json).at);
    fh_model_scratch *room;
    fh_token_list l;
    fh_assert_ok(fh_model_scratch_new(a, &room));
    fh_model_scratch_seed(room, seed, 0);
    fh_token_list_init(&l, a, false);
    for (int i = 0; i < 200; i++) {
        size_t before = l.count;
        fh_assert_ok(fh_token_model_encode(m, room, FH_LIT("abcaaaab"), &l));
        assert_int_equal(fh_u32s_get(l.begins, before), 0);
        assert_int_equal(fh_u32s_get(l.ends, l.count - 1), 8);
    }
    size_t count = l.count;
    fh_token_list_deinit(&l);
    fh_model_scratch_free(room);
    fh_token_model_free(m);
    fh_buf_deinit(&json);
    return count;
}

static void test_dropout(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    assert_int_equal(drop(a, "0.0", 1), 200 * 4); /* abc aa aa b: the letter before the b joins it first */
    assert_int_equal(drop(a, "1", 1), 200 * 8);
    size_t half = drop(a, "0.5", 1);
    assert_in_range(half, 200 * 4 + 1, 200 * 8 - 1);
    assert_int_equal(drop(a, "0.5", 1), half);
    assert_true(drop(a, "0.1", 1) < half);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_order),         FH_TEST_ALLOC(test_unknown),    FH_TEST_ALLOC(test_byte_fallback),
        FH_TEST_ALLOC(test_parts),         FH_TEST_ALLOC(test_ignore_merges), FH_TEST_ALLOC(test_words),
        FH_TEST_ALLOC(test_raw_bytes),     FH_TEST_ALLOC(test_long_as_short), FH_TEST_ALLOC(test_one_letter),
        FH_TEST_ALLOC(test_raw_without_letters),
        FH_TEST_ALLOC(test_dropout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
