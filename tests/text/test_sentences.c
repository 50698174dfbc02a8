/* test_sentences.c: where sentences end, by a table; and that no byte is lost or given twice, whatever the text. */
#include "fh_test.h"

#include "freehold/buf.h"
#include "freehold/hash.h"
#include "freehold/sentences.h"
#include "freehold/utf8.h"

enum { PARTS_MAX = 8 };

static const struct {
    const char *text, *parts[PARTS_MAX];
} table[] = {
    {"", {NULL}},
    {" \n\t ", {NULL}},
    {"One", {"One"}},
    {"  One two.  Three!\n", {"One two.", "Three!"}},
    {"Is it? It is.", {"Is it?", "It is."}},
    {"He said \"No.\" She left.", {"He said \"No.\"", "She left."}},
    {"(It rained.) Then \xe2\x80\x9cyes.\xe2\x80\x9d And", {"(It rained.)", "Then \xe2\x80\x9cyes.\xe2\x80\x9d", "And"}},
    {"**Bold.** Plain.", {"**Bold.**", "Plain."}},
    {"Wait\xe2\x80\xa6 What", {"Wait\xe2\x80\xa6", "What"}},
    /* It goes on. */
    {"\"Stop!\" said he. Go", {"\"Stop!\" said he.", "Go"}},
    {"about 3.14 of e.g. pies, i.e. of all. Yes", {"about 3.14 of e.g. pies, i.e. of all.", "Yes"}},
    {"Mr. Fox met Dr. J. Owl. (Mrs. Owl slept.) End", {"Mr. Fox met Dr. J. Owl.", "(Mrs. Owl slept.)", "End"}},
    {"a.b.c D", {"a.b.c D"}},
    {"a line\nand the next", {"a line\nand the next"}},
    /* Lines. */
    {"A title\n\nText", {"A title", "Text"}},
    {"A title\r\n \t\r\nText", {"A title", "Text"}},
    {"# Head\nlist:\n- one\n- two\n  more\n* three\n+ four", {"# Head\nlist:", "- one", "- two\n  more", "* three", "+ four"}},
    {"a\n## b\n#c", {"a", "## b\n#c"}},
    {"a - b * c # d", {"a - b * c # d"}},
    /* No white space is needed. */
    {"\xe7\x8a\xac\xe3\x80\x82\xe7\x8c\xab\xef\xbc\x81\xef\xbc\x9f\xe9\xb3\xa5", {
        "\xe7\x8a\xac\xe3\x80\x82", "\xe7\x8c\xab\xef\xbc\x81\xef\xbc\x9f", "\xe9\xb3\xa5"}},
    {"\xe3\x80\x8c\xe7\x8a\xac\xe3\x80\x82\xe3\x80\x8d\xe7\x8c\xab", {"\xe3\x80\x8c\xe7\x8a\xac\xe3\x80\x82\xe3\x80\x8d",
                                                                      "\xe7\x8c\xab"}},
    {"\xe7\x8a\xac\xe3\x80\x82 a", {"\xe7\x8a\xac\xe3\x80\x82", "a"}},
    /* Other white space; bytes that are no UTF-8. */
    {"One.\xc2\xa0Two.\xe3\x80\x80Three", {"One.", "Two.", "Three"}},
    {"\xff. \x80 \xe3\x80. B", {"\xff.", "\x80 \xe3\x80.", "B"}},
};

static void test_table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        fh_span text = fh_span_of_str(table[i].text);
        fh_sentences s = fh_sentences_begin(text);
        fh_range r;
        size_t count = 0;
        for (; fh_sentences_next(&s, &r); count++) {
            fh_span part = fh_span_sub(text, r.from, r.to - r.from);
            if (count >= PARTS_MAX || table[i].parts[count] == NULL || !fh_span_is(part, table[i].parts[count]))
                fail_msg("text %zu, sentence %zu: '%.*s'", i, count, FH_SPAN_FMT(part));
        }
        if (count < PARTS_MAX && table[i].parts[count] != NULL)
            fail_msg("text %zu: %zu sentences, expected '%s'", i, count, table[i].parts[count]);
        assert_false(fh_sentences_next(&s, &r));
    }
}

/* What is between sentences is white space, and nothing else is. */
static void check_whole(fh_span text) {
    fh_sentences s = fh_sentences_begin(text);
    fh_range r;
    size_t at = 0;
    while (fh_sentences_next(&s, &r)) {
        assert_true(r.from >= at && r.to > r.from && r.to <= text.size && r.to - r.from <= FH_SENTENCE_MAX);
        assert_int_equal(fh_split_count(fh_span_sub(text, at, r.from - at)), 0);
        fh_split ends = fh_split_begin(fh_span_sub(text, r.from, r.to - r.from));
        fh_range word = {1, 0};
        size_t end = 0;
        for (bool first = true; fh_split_next(&ends, &word); first = false) {
            assert_true(!first || word.from == 0);
            end = word.to;
        }
        assert_int_equal(end, r.to - r.from);
        assert_true(fh_utf8_bad(text) != text.size || fh_utf8_valid(fh_span_sub(text, r.from, r.to - r.from)));
        at = r.to;
    }
    assert_int_equal(fh_split_count(fh_span_from(text, at)), 0);
}

static void test_random(void **state) {
    static const char *const pieces[] = {".", "!", "?", " ", "\n", "a", "B", "\xe3\x80\x82", "\xe2\x80\xa6", "\xe2\x80\x9d",
                                         "\"", "Mr.", "#", "-", "\xff", "\xe3\x80", "\xc2\xa0", "\xf0\x9f\x98\x80", "\r", "''"};
    fh_allocator *a = fh_test_allocator(state);
    for (uint64_t round = 0; round < fh_test_ops() / 100; round++) {
        fh_buf text;
        fh_buf_init(&text, a, 0);
        for (uint64_t i = 0; i < fh_mix64(round) % 40; i++) {
            size_t which = fh_mix64(round * 64 + i) % (sizeof pieces / sizeof *pieces);
            fh_assert_ok(fh_buf_put(&text, fh_span_of_str(pieces[which])));
        }
        check_whole(fh_buf_view(&text));
        fh_buf_deinit(&text);
    }
}

/* Long words, long sentences, characters at the cut. */
static void test_long(void **state) {
    static const char *const pieces[] = {"a", "word ", "\xf0\x9f\x98\x80", "\xe7\x8a\xac", "\xc3\xa9\xc3\xa9 ", "\xe3\x80\x82"};
    fh_allocator *a = fh_test_allocator(state);
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        for (size_t before = 0; before < 4; before++) {
            fh_buf text;
            fh_buf_init(&text, a, 0);
            for (size_t i = 0; i < before; i++)
                fh_assert_ok(fh_buf_put_u8(&text, 'x'));
            while (text.size < 3 * FH_SENTENCE_MAX)
                fh_assert_ok(fh_buf_put(&text, fh_span_of_str(pieces[p])));
            check_whole(fh_buf_view(&text));
            fh_buf_deinit(&text);
        }
    }
}

/* Where the first sentence of a word of wide characters ends, looked for in all of it. */
static size_t first_end(fh_span word) {
    bool ended = false;
    for (size_t at = 0; at < word.size; at += 3) {
        fh_span one = fh_span_sub(word, at, 3);
        bool stop = fh_span_is(one, "\xe3\x80\x82"), close = fh_span_is(one, "\xe3\x80\x8d");
        if (ended && !stop && !close)
            return at <= FH_SENTENCE_MAX ? at : FH_SENTENCE_MAX / 3 * 3;
        ended = ended || stop;
    }
    return word.size <= FH_SENTENCE_MAX ? word.size : FH_SENTENCE_MAX / 3 * 3;
}

/* A text without white space: its sentences are those that a look at all of it finds, wherever its stops are. */
static void test_wide(void **state) {
    static const char *const pieces[] = {"\xe7\x8a\xac", "\xe3\x80\x82", "\xe3\x80\x8d"};
    fh_allocator *a = fh_test_allocator(state);
    fh_test_rng rng = fh_test_rng_new(3);
    for (size_t round = 0; round < 64; round++) {
        fh_buf text;
        fh_buf_init(&text, a, 0);
        size_t rare = round % 2 == 0 ? 3000 : 2 + round; /* characters between two stops, mostly */
        while (text.size < 3 * FH_SENTENCE_MAX + 3 * round) {
            size_t which = fh_test_rng_below(&rng, rare) != 0 ? 0 : 1 + fh_test_rng_below(&rng, 2);
            for (size_t i = 0; i < (which == 0 ? 1 : 1 + round % 3); i++)
                fh_assert_ok(fh_buf_put(&text, fh_span_of_str(pieces[which])));
        }
        fh_sentences s = fh_sentences_begin(fh_buf_view(&text));
        fh_range r;
        size_t at = 0;
        for (; fh_sentences_next(&s, &r); at = r.to) {
            assert_int_equal(r.from, at);
            assert_int_equal(r.to, at + first_end(fh_span_from(fh_buf_view(&text), at)));
        }
        assert_int_equal(at, text.size);
        fh_buf_deinit(&text);
    }
}

/* 16 MiB without white space, as a line of base64 is: a look at the rest for each sentence would take minutes. */
static void test_one_line(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf text;
    fh_buf_init(&text, a, 0);
    fh_assert_ok(fh_buf_reserve(&text, 1 << 24));
    for (size_t i = 0; i < 1 << 22; i++)
        fh_assert_ok(fh_buf_put(&text, FH_LIT("aaaa")));
    fh_sentences s = fh_sentences_begin(fh_buf_view(&text));
    fh_range r;
    size_t count = 0;
    for (; fh_sentences_next(&s, &r); count++)
        assert_true(r.from == count * FH_SENTENCE_MAX && r.to == r.from + FH_SENTENCE_MAX);
    assert_int_equal(count, (1 << 24) / FH_SENTENCE_MAX);
    fh_buf_deinit(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), FH_TEST_ALLOC(test_random), FH_TEST_ALLOC(test_long),
                                       FH_TEST_ALLOC(test_wide), FH_TEST_ALLOC(test_one_line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
