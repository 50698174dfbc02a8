/* test_encode.c: special tokens in text, limits of a call, and failures that leave the list as it was. */
#include "text/check_ids.h"

#define PLAIN (fh_encode_options){0}
#define TRUSTED               \
    (fh_encode_options) {     \
        .parse_special = true \
    }

static void test_special(void **state) {
    made_vocab *m = made_bpe();
    uint32_t ctl = made_token(m, FH_LIT("<c>"), FH_TOKEN_CONTROL, 0), user = made_token(m, FH_LIT("<u>"), FH_TOKEN_USER, 0);
    uint32_t longer = made_token(m, FH_LIT("<u>!"), FH_TOKEN_USER, 0), overlap = made_token(m, FH_LIT("!<c"), FH_TOKEN_USER, 0);
    uint32_t longest = made_token(m, FH_LIT("<u>!!!"), FH_TOKEN_CONTROL, 0);
    fh_tokenizer *tok = accept(state, m);
    check_ids(state, tok, FH_LIT("a<u>b"), PLAIN, IDS('a', user, 'b'));
    check_ids(state, tok, FH_LIT("a<c>b"), PLAIN, IDS('a', '<', 'c', '>', 'b'));
    check_ids(state, tok, FH_LIT("a<c>b"), TRUSTED, IDS('a', ctl, 'b'));
    check_ids(state, tok, FH_LIT("<u><u>"), PLAIN, IDS(user, user));
    check_ids(state, tok, FH_LIT("<u>!"), PLAIN, IDS(longer));         /* the longest */
    check_ids(state, tok, FH_LIT("<u>!!"), TRUSTED, IDS(longer, '!')); /* a longer one that does not fit */
    check_ids(state, tok, FH_LIT("<u>!!!"), TRUSTED, IDS(longest));
    check_ids(state, tok, FH_LIT("<u>!!!"), PLAIN, IDS(longer, '!', '!')); /* a longer one that is not trusted */
    check_ids(state, tok, FH_LIT("<u>!<c>"), TRUSTED, IDS(longer, ctl));   /* the leftmost first */
    check_ids(state, tok, FH_LIT("!<c>"), TRUSTED, IDS(overlap, '>'));
    check_ids(state, tok, FH_LIT("<u"), PLAIN, IDS('<', 'u'));
    fh_tokenizer_free(tok);
}

/* A text made of the longest almost-match at every place costs at most FH_SPECIAL_BYTES_MAX steps a byte. */
static void test_near_misses(void **state) {
    static uint8_t text[1 << 18];
    memset(text, '<', sizeof text);
    made_vocab *m = made_bpe();
    uint8_t spelling[512];
    memset(spelling, '<', sizeof spelling);
    spelling[511] = '>';
    made_token(m, (fh_span){spelling, sizeof spelling}, FH_TOKEN_USER, 0);
    made_merge(m, "< <");
    fh_tokenizer *tok = accept(state, m);
    fh_ids ids;
    fh_ids_init(&ids, fh_test_allocator(state), 0);
    fh_assert_ok(fh_tokenizer_encode(tok, (fh_span){text, sizeof text}, PLAIN, &ids, NULL));
    assert_int_equal(ids.count, sizeof text / 2);
    fh_ids_deinit(&ids);
    fh_tokenizer_free(tok);
}

static void test_limits(void **state) {
    made_vocab *m = made_bpe();
    fh_tokenizer *tok = accept(state, m);
    fh_ids ids;
    fh_err err = {0};
    fh_ids_init(&ids, fh_test_allocator(state), 5);
    fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("abc"), PLAIN, &ids, &err));
    fh_assert_code(fh_tokenizer_encode(tok, FH_LIT("abc"), PLAIN, &ids, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "more than 5 tokens");
    assert_int_equal(ids.count, 3);
    fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("de"), PLAIN, &ids, NULL));
    assert_int_equal(fh_u32s_get(fh_ids_view(&ids), 4), 'e');
    /* A length that no offset could hold is refused before a byte is read. */
    static const uint8_t byte = 'a';
    fh_err_clear(&err);
    fh_assert_code(fh_tokenizer_encode(tok, (fh_span){&byte, (size_t)1 << 40}, PLAIN, &ids, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "at most 1073741824");
    assert_int_equal(ids.count, 5);
    fh_ids_deinit(&ids);
    fh_tokenizer_free(tok);
}

/* Memory of a call stays within a constant times the text. */
static void test_memory_bound(void **state) {
    static uint8_t text[1 << 16];
    memset(text, 'a', sizeof text);
    made_vocab *m = made_bpe();
    made_merge(m, "a a");
    fh_tokenizer *tok = accept(state, m);
    fh_trace *trace = fh_test_trace(state);
    fh_trace_budget(trace, fh_trace_stats(trace).live_bytes + 64 * sizeof text);
    fh_ids ids;
    fh_ids_init(&ids, fh_test_allocator(state), 0);
    fh_assert_ok(fh_tokenizer_encode(tok, (fh_span){text, sizeof text}, PLAIN, &ids, NULL));
    fh_trace_budget(trace, fh_trace_stats(trace).live_bytes + sizeof text);
    size_t before = ids.count;
    fh_err err = {0};
    fh_assert_code(fh_tokenizer_encode(tok, (fh_span){text, sizeof text}, PLAIN, &ids, &err), FH_NOMEM);
    fh_assert_err(&err, FH_NOMEM, "out of memory");
    assert_int_equal(ids.count, before);
    fh_trace_budget(trace, 0);
    fh_ids_deinit(&ids);
    fh_tokenizer_free(tok);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_special), FH_TEST_ALLOC(test_near_misses), FH_TEST_ALLOC(test_limits),
                                       FH_TEST_ALLOC(test_memory_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
