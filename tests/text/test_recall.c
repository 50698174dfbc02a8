/* test_recall.c: what is remembered within a call changes speed only: the ids of a long text are those of its pieces. */
#include "support/fh_test.h"
#include "text/made_vocab.h"

/* Appends the ids of a text. */
static void encode(const fh_tokenizer *tok, fh_span text, fh_ids *out) {
    fh_assert_ok(fh_tokenizer_encode(tok, text, (fh_encode_options){0}, out, NULL));
}

/* A long text (which remembers) against its lines one by one (which do not). Pieces of every length around the 16 bytes that
 * are kept, and of every number of ids around the four. */
static void test_same_as_without(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static uint8_t text[1 << 16];
    fh_test_rng rng = fh_test_rng_new(9);
    for (int kind = 0; kind < 2; kind++) {
        made_vocab *m = kind == 0 ? made_bpe() : made_spm();
        fh_tokenizer *tok;
        if (kind == 0) {
            made_merge(m, "a b");
            made_merge(m, "ab ab");
            made_merge(m, "\xc4\xa0 ab"); /* U+0120 is the space */
        } else {
            m->vocab.add_space_prefix = false;
            made_token(m, FH_LIT("ab"), FH_TOKEN_NORMAL, -1);
            made_token(m, FH_LIT("a"), FH_TOKEN_NORMAL, -3);
            made_token(m, FH_LIT("b"), FH_TOKEN_NORMAL, -3);
            made_token(m, FH_LIT("abab"), FH_TOKEN_NORMAL, -2);
        }
        fh_assert_ok(fh_tokenizer_new(a, made_view(m), &tok, NULL));
        size_t size = 0;
        while (size < sizeof text - 40) {
            text[size++] = ' ';
            for (size_t n = 1 + fh_test_rng_below(&rng, 20); n > 0; n--)
                text[size++] = (uint8_t)"ab\0\xff"[fh_test_rng_below(&rng, n % 5 == 0 ? 4 : 2)];
        }
        fh_ids whole, parts;
        fh_ids_init(&whole, a, 0);
        fh_ids_init(&parts, a, 0);
        encode(tok, (fh_span){text, size}, &whole);
        for (size_t at = 0; at < size;) {
            size_t end = at + 1;
            while (end < size && text[end] != ' ')
                end++;
            encode(tok, (fh_span){text + at, end - at}, &parts);
            at = end;
        }
        assert_int_equal(whole.count, parts.count);
        for (size_t i = 0; i < whole.count; i++)
            assert_int_equal(fh_u32s_get(whole.items, i), fh_u32s_get(parts.items, i));
        fh_ids_deinit(&whole);
        fh_ids_deinit(&parts);
        fh_tokenizer_free(tok);
    }
}

/* Words that differ in their last bytes only, more than once each: none may be taken for another that has its place. */
static void test_alike(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    made_vocab *m = made_bpe();
    for (unsigned i = 0; i < 4; i++)
        made_merge(m, (const char[]){(char)('a' + i / 2), ' ', (char)('a' + i % 2), 0});
    for (unsigned i = 0; i < 16; i++)
        made_merge(m, (const char[]){(char)('a' + i / 8), (char)('a' + i / 4 % 2), ' ', (char)('a' + i / 2 % 2),
                                     (char)('a' + i % 2), 0});
    fh_tokenizer *tok;
    fh_assert_ok(fh_tokenizer_new(a, made_view(m), &tok, NULL));
    static uint8_t text[17 * 1024];
    for (size_t i = 0; i < sizeof text; i++) {
        size_t word = i / 17, at = i % 17;
        text[i] = (uint8_t)(at == 16 ? '\n' : at < 8 ? 'a' : 'a' + (word >> (at - 8) & 1));
    }
    fh_ids whole, parts;
    fh_ids_init(&whole, a, 0);
    fh_ids_init(&parts, a, 0);
    encode(tok, (fh_span){text, sizeof text}, &whole);
    for (size_t i = 0; i < sizeof text; i += 17)
        encode(tok, (fh_span){text + i, 17}, &parts);
    assert_int_equal(whole.count, parts.count);
    for (size_t i = 0; i < whole.count; i++)
        assert_int_equal(fh_u32s_get(whole.items, i), fh_u32s_get(parts.items, i));
    fh_ids_deinit(&whole);
    fh_ids_deinit(&parts);
    fh_tokenizer_free(tok);
}

static fh_status body(fh_allocator *a, void *arg) {
    static uint8_t text[4096];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 6 == 5 ? ' ' : 'a';
    fh_ids ids;
    fh_ids_init(&ids, a, 0);
    fh_status s = fh_tokenizer_encode(arg, (fh_span){text, sizeof text}, (fh_encode_options){0}, &ids, NULL);
    assert_true(s.code == FH_OK || ids.count == 0);
    fh_ids_deinit(&ids);
    return s;
}

static void test_no_memory(void **state) {
    fh_tokenizer *tok;
    fh_assert_ok(fh_tokenizer_new(fh_heap(), made_view(made_bpe()), &tok, NULL));
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, tok) >= 3);
    fh_tokenizer_free(tok);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_same_as_without), FH_TEST_ALLOC(test_alike),
                                       FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
