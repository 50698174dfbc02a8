/* test_cutter.c: texts cut to passages: where windows begin and end, by a table; and for random texts that nothing that says
 * something is left out, that no character is cut, and that a whole sentence has the tokens of a query. */
#include "apps/cutter.h"

#include <string.h>

#include "fh_test.h"
#include "text/made_vocab.h"

static fh_passage_cutter *cutter_of(fh_allocator *a, fh_tokenizer *tok, size_t tokens_max) {
    fh_passage_cutter *c;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_passage_cutter_new(a, tok, tokens_max, &c, &err));
    return c;
}

/* Each byte a token; `around`: one more before each text, and one behind. */
static fh_tokenizer *bytes_tokenizer(fh_allocator *a, bool around) {
    fh_tokenizer *tok;
    made_vocab *m = made_bpe();
    if (around) {
        m->vocab.bos = made_token(m, FH_LIT("<s>"), FH_TOKEN_CONTROL, 0);
        m->vocab.eos = made_token(m, FH_LIT("</s>"), FH_TOKEN_CONTROL, 0);
        m->vocab.add_bos = m->vocab.add_eos = true;
    }
    fh_assert_ok(fh_tokenizer_new(a, made_view(m), &tok, NULL));
    return tok;
}

static void test_table(void **state) {
    static const struct {
        const char *text;
        struct {
            const char *text;
            size_t offset;
            uint32_t line;
        } cuts[6];
    } table[] = {
        {"", {{NULL, 0, 0}}},
        {" \n ... \n\n--- !?", {{NULL, 0, 0}}},
        {"One. Two.", {{"One.", 0, 1}, {"Two.", 5, 1}}},
        {"a\n\n\nb\n\n *** \n\nc 1", {{"a", 0, 1}, {"b", 4, 4}, {"c 1", 14, 8}}},
        {"eight by", {{"eight by", 0, 1}}},
        /* Windows of 8 tokens that begin at words, and end there if that is near. */
        {"aaaa bbbb cccc dddd", {{"aaaa bbb", 0, 1}, {"bbbb ccc", 5, 1}, {"cccc ddd", 10, 1}, {"dddd", 15, 1}}},
        {"aaaa\nbb ccc", {{"aaaa\nbb", 0, 1}, {"bb ccc", 5, 2}}},
        {"aaaaaaaaaaaaaaaaa", {{"aaaaaaaa", 0, 1}, {"aaaaaaaa", 6, 1}, {"aaaaa", 12, 1}}},
        /* Characters of three tokens each: they belong to every window that has a part of them. */
        {"\xe7\x8a\xac\xe7\x8c\xab\xe9\xb3\xa5", {{"\xe7\x8a\xac\xe7\x8c\xab\xe9\xb3\xa5", 0, 1}, {"\xe9\xb3\xa5", 6, 1}}},
    };
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = bytes_tokenizer(a, false);
    fh_passage_cutter *c = cutter_of(a, tok, 8);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        fh_span text = fh_span_of_str(table[i].text);
        fh_cuts cuts = fh_cuts_begin(c, text);
        fh_cut cut;
        size_t n = 0;
        for (; !fh_failed(fh_cuts_next(&cuts, &cut, NULL)); n++) {
            fh_span got = fh_span_sub(text, cut.bytes.from, cut.bytes.to - cut.bytes.from);
            if (n == 6 || table[i].cuts[n].text == NULL || !fh_span_is(got, table[i].cuts[n].text) ||
                cut.bytes.from != table[i].cuts[n].offset || cut.line != table[i].cuts[n].line)
                fail_msg("text %zu, passage %zu: '%.*s' at %zu, line %u", i, n, FH_SPAN_FMT(got), cut.bytes.from, cut.line);
            assert_in_range(cut.tokens.count, 1, 8);
        }
        assert_true(n == 6 || table[i].cuts[n].text == NULL);
        fh_assert_code(fh_cuts_next(&cuts, &cut, NULL), FH_END);
    }
    fh_passage_cutter_free(c);
    fh_tokenizer_free(tok);
}

/* A text of words, marks and lines. */
static size_t make_text(uint64_t seed, uint8_t out[600]) {
    static const char *const pieces[] = {"a", "dog", "Run", ".", "!", "?", " ", " ", "\n", "\n\n", "\xc3\xa9", "\xe7\x8a\xac",
                                         "\xf0\x9f\x98\x80", "\xe3\x80\x82", "\xc2\xa0", "-", "\t", "longer-word"};
    size_t size = 0;
    for (uint64_t i = 0; size < fh_mix64(seed) % 560; i++) {
        const char *piece = pieces[fh_mix64(seed * 1000 + i) % (sizeof pieces / sizeof pieces[0])];
        memcpy(out + size, piece, strlen(piece));
        size += strlen(piece);
    }
    return size;
}

/* Passages in order, and together all that says something; tokens as many as allowed. */
static void check_text(fh_allocator *a, fh_tokenizer *tok, fh_passage_cutter *c, size_t tokens_max, fh_span text) {
    fh_cuts cuts = fh_cuts_begin(c, text);
    fh_cut cut;
    size_t from = 0, covered = 0;
    while (!fh_failed(fh_cuts_next(&cuts, &cut, NULL))) {
        fh_span got = fh_span_sub(text, cut.bytes.from, cut.bytes.to - cut.bytes.from);
        uint32_t line = 1;
        assert_true(got.size != 0 && cut.bytes.from >= from && fh_utf8_valid(got));
        assert_in_range(cut.tokens.count, 1, tokens_max);
        for (size_t i = 0; i < cut.bytes.from; i++)
            line += fh_span_at(text, i) == '\n';
        assert_int_equal(cut.line, line);
        for (; covered < cut.bytes.from; covered++) { /* what lies between says nothing */
            uint8_t byte = fh_span_at(text, covered);
            bool wide_blank = byte == 0xc2 || byte == 0xa0 || byte == 0xe3 || byte == 0x80 || byte == 0x82;
            assert_true(!(byte >= 'a' && byte <= 'z') && byte != 'R' && (byte < 0x80 || wide_blank));
        }
        from = cut.bytes.from;
        covered = cut.bytes.to > covered ? cut.bytes.to : covered;
        if (cut.bytes.from != cuts.sentence.from || cut.bytes.to != cuts.sentence.to)
            continue;
        fh_ids ids;
        fh_ids_init(&ids, a, 0);
        fh_assert_ok(fh_tokenizer_encode(tok, got, (fh_encode_options){.add_special = true}, &ids, NULL));
        if (ids.count <= tokens_max)
            assert_true(fh_span_equal(fh_span_of_mut(fh_u32s_bytes(fh_ids_view(&ids))),
                                      fh_span_of_mut(fh_u32s_bytes(cut.tokens))));
        fh_ids_deinit(&ids);
    }
    for (; covered < text.size; covered++)
        assert_true((fh_span_at(text, covered) | 0x20) < 'a' || fh_span_at(text, covered) > 'z');
}

static void test_random(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (int kind = 0; kind < 3; kind++) {
        fh_tokenizer *tok;
        if (kind < 2) {
            tok = bytes_tokenizer(a, kind == 1);
        } else {
            made_vocab *m = made_spm();
            (void)made_token(m, FH_LIT("\xe2\x96\x81" "dog"), FH_TOKEN_NORMAL, -1);
            fh_assert_ok(fh_tokenizer_new(a, made_view(m), &tok, NULL));
        }
        for (uint64_t round = 0; round < fh_test_ops() / 1000; round++) {
            uint8_t bytes[600];
            size_t tokens_max = 8 + fh_mix64(round) % 40;
            fh_passage_cutter *c = cutter_of(a, tok, tokens_max);
            check_text(a, tok, c, tokens_max, (fh_span){bytes, make_text(round, bytes)});
            check_text(a, tok, c, tokens_max, (fh_span){bytes, make_text(round + 1000000, bytes)});
            fh_passage_cutter_free(c);
        }
        fh_tokenizer_free(tok);
    }
}

static void test_refused(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = bytes_tokenizer(a, true);
    fh_passage_cutter *c;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_passage_cutter_new(a, tok, 7, &c, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "passages of 7 tokens, 2 of them around each text, expected at least 8");
    assert_null(c);
    fh_passage_cutter_free(NULL);
    fh_tokenizer_free(tok);
}

static fh_status cut_all(fh_allocator *a, void *arg) {
    fh_passage_cutter *c;
    fh_cut cut;
    size_t count = 0;
    FH_TRY(fh_passage_cutter_new(a, arg, 8, &c, NULL));
    fh_cuts cuts = fh_cuts_begin(c, FH_LIT("A first one. And a second sentence, which is long."));
    fh_status s = FH_DONE;
    while (!fh_failed(s)) {
        s = fh_cuts_next(&cuts, &cut, NULL);
        count += !fh_failed(s);
    }
    fh_passage_cutter_free(c);
    if (s.code != FH_END)
        return s;
    assert_int_equal(count, 8);
    return FH_DONE;
}

static void test_each_allocation_fails(void **state) {
    fh_tokenizer *tok = bytes_tokenizer(fh_heap(), false);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), cut_all, tok) > 5);
    fh_tokenizer_free(tok);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_table),
        FH_TEST_ALLOC(test_random),
        FH_TEST_ALLOC(test_refused),
        FH_TEST_ALLOC(test_each_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
