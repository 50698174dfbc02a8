/* test_tiktoken.c: tiktoken ranks, made line by line (made_ranks.h): tokens as the library has them (tiktoken 0.14), the known
 * encodings, patterns of one's own, what is refused, no memory. */
#include "support/fh_test.h"
#include "text/made_ranks.h"

static fh_tokenizer *opened(fh_allocator *a, fh_span file, const fh_tokenizer_hint *hint) {
    fh_tokenizer *tok = NULL;
    fh_err err;
    fh_err_clear(&err);
    if (fh_failed(fh_tokenizer_open(a, file, hint, &tok, &err)))
        fail_msg("%s", err.message);
    return tok;
}

static void check_ids(fh_allocator *a, const fh_tokenizer *tok, const char *text, const char *expected) {
    fh_ids ids;
    fh_buf got;
    fh_ids_init(&ids, a, 0);
    fh_buf_init(&got, a, 0);
    fh_assert_ok(fh_tokenizer_encode(tok, fh_span_of_str(text), (fh_encode_options){.parse_special = true}, &ids, NULL));
    for (size_t i = 0; i < ids.count; i++)
        fh_assert_ok(fh_buf_format(&got, "%s%u", i == 0 ? "" : " ", fh_u32s_get(ids.items, i)));
    fh_assert_span(fh_buf_view(&got), expected);
    fh_ids_deinit(&ids);
    fh_buf_deinit(&got);
}

/* A whole piece is its token; else pairs join by rank; bytes that are no character by themselves join too. */
static void test_ids(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    fh_buf_init(&file, a, 0);
    made_ranks(&file);
    fh_tokenizer *tok = opened(a, fh_buf_view(&file), &(fh_tokenizer_hint){.encoding = FH_LIT("cl100k_base")});
    check_ids(a, tok, "abcd", "259");
    check_ids(a, tok, "bcd", "261");
    check_ids(a, tok, "abcde", "259 101");
    check_ids(a, tok, "xbcdy", "120 261 121");
    check_ids(a, tok, "it a\xe6\x97\xa5 1234", "263 256 262 165 32 49 50 51 52");
    check_ids(a, tok, "<|endoftext|>", "100257");
    assert_int_equal(fh_tokenizer_size(tok), 100277);
    assert_int_equal(fh_tokenizer_eos(tok), 100257);
    assert_int_equal(fh_tokenizer_bos(tok), FH_NO_TOKEN);
    fh_ids ids;
    fh_buf text;
    fh_ids_init(&ids, a, 0);
    fh_buf_init(&text, a, 0);
    fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("<|endoftext|>"), (fh_encode_options){0}, &ids, NULL));
    assert_true(ids.count > 3); /* stays text unless it is asked for */
    fh_assert_ok(fh_tokenizer_decode(tok, fh_ids_view(&ids), true, &text));
    fh_assert_span(fh_buf_view(&text), "<|endoftext|>");
    fh_ids_deinit(&ids);
    fh_buf_deinit(&text);
    fh_tokenizer_free(tok);
    fh_buf_deinit(&file);
}

/* Of equal pairs the leftmost joins first, and a token of a higher rank only what that leaves. */
static void test_ties(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    fh_buf_init(&file, a, 0);
    made_ranks(&file);
    made_rank(&file, FH_LIT("aa"), 264);
    made_rank(&file, FH_LIT("aaa"), 265);
    fh_tokenizer *tok = opened(a, fh_buf_view(&file), &(fh_tokenizer_hint){.pattern = FH_LIT("\\S+")});
    check_ids(a, tok, "aaaaaaa", "264 264 265");
    fh_tokenizer_free(tok);
    fh_buf_deinit(&file);
}

static void test_encodings(void **state) {
    static const struct {
        const char *name;
        uint32_t end;
    } known[] = {{"cl100k_base", 100257}, {"o200k_base", 199999}, {"p50k_base", 50256},
                 {"p50k_edit", 50256},    {"r50k_base", 50256},   {"gpt2", 50256}};
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    fh_buf_init(&file, a, 0);
    made_ranks(&file);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        fh_tokenizer *tok = opened(a, fh_buf_view(&file), &(fh_tokenizer_hint){.encoding = fh_span_of_str(known[i].name)});
        check_ids(a, tok, "it's 123456 a", "263 39 115 32 49 50 51 52 53 54 256");
        assert_int_equal(fh_tokenizer_eos(tok), known[i].end);
        fh_tokenizer_free(tok);
    }
    fh_buf_deinit(&file);
}

/* What no match of a pattern covers goes, as in tiktoken; special tokens come with their ids. */
static void test_pattern(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_span special[] = {FH_LIT("<x>"), FH_LIT("<y>")};
    uint32_t ids[] = {300, 270};
    fh_tokenizer_hint hint = {.pattern = FH_LIT("[a-z]+"), .special = {special, 2}, .special_ids = {ids, 2}};
    fh_buf file, json;
    fh_buf_init(&file, a, 0);
    fh_buf_init(&json, a, 0);
    made_ranks(&file);
    fh_tokenizer *tok = opened(a, fh_buf_view(&file), &hint);
    check_ids(a, tok, "ab, abc<y>!<x>", "257 258 270 300");
    assert_int_equal(fh_tokenizer_size(tok), 301);
    fh_assert_ok(fh_tokenizer_save(tok, false, &json, NULL));
    fh_tokenizer *again = opened(a, fh_buf_view(&json), NULL);
    check_ids(a, again, "ab, abc<y>!<x> abcde", "257 258 270 300 259 101");
    fh_tokenizer_free(again);
    fh_tokenizer_free(tok);
    fh_buf_deinit(&file);
    fh_buf_deinit(&json);
}

/* Lines may end with a carriage return, and the last one with nothing; empty ones are passed over. */
static void test_lines(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    fh_buf_init(&file, a, 0);
    made_ranks(&file);
    fh_assert_ok(fh_buf_put(&file, FH_LIT("\n\r\naGk= 264\r\nb2s= 265")));
    fh_tokenizer *tok = opened(a, fh_buf_view(&file), &(fh_tokenizer_hint){.encoding = FH_LIT("gpt2")});
    check_ids(a, tok, "hiok", "264 265");
    fh_tokenizer_free(tok);
    fh_buf_deinit(&file);
}

/* --- what is refused ---------------------------------------------------------------------------------------------------- */

static void refused(fh_allocator *a, fh_span file, const fh_tokenizer_hint *hint, fh_code code, const char *message) {
    fh_tokenizer *tok = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_tokenizer_open(a, file, hint, &tok, &err), code);
    fh_assert_err(&err, code, message);
    assert_null(tok);
}

static void test_refused_lines(void **state) {
    static const struct {
        const char *line;
        fh_code code;
        const char *message;
    } cases[] = {{"aGk=264\n", FH_CORRUPT, "line 265: expected a token in base64, a blank, and a rank"},
                 {"aGk= \n", FH_CORRUPT, "line 265: expected a token in base64, a blank, and a rank"},
                 {"aGk= 26x\n", FH_CORRUPT, "line 265: expected a rank of digits alone"},
                 {"aGk= -1\n", FH_CORRUPT, "line 265: expected a rank of digits alone"},
                 {"aGk= 264 1\n", FH_CORRUPT, "line 265: expected a rank of digits alone"},
                 {"aGk= 1048576\n", FH_LIMIT, "line 265: a rank of 1048576 or more"},
                 {"aGk= 99999999999999999999999\n", FH_LIMIT, "line 265: a rank of 1048576 or more"},
                 {"a_k= 264\n", FH_CORRUPT, "line 265: the token is not base64"},
                 {"aGk 264\n", FH_CORRUPT, "line 265: the token is not base64"},
                 {" 264\n", FH_CORRUPT, "line 265: expected a token of 1 to 3072 bytes"},
                 {"aGk= 7\n", FH_CORRUPT, "two tokens have the rank 7"},
                 {"YWI= 264\n", FH_CORRUPT, "tokens 257 and 264 are both \"ab\""}};
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer_hint hint = {.encoding = FH_LIT("gpt2")};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_buf file;
        fh_buf_init(&file, a, 0);
        made_ranks(&file);
        fh_assert_ok(fh_buf_put(&file, fh_span_of_str(cases[i].line)));
        refused(a, fh_buf_view(&file), &hint, cases[i].code, cases[i].message);
        fh_buf_deinit(&file);
    }
}

static void test_refused_files(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_span special[] = {FH_LIT("<x>")}, none[] = {FH_LIT("")};
    uint32_t low[] = {9}, high[] = {UINT32_MAX}, free_id[] = {300};
    fh_buf file, large;
    fh_buf_init(&file, a, 0);
    fh_buf_init(&large, a, 0);
    made_ranks(&file);
    fh_span ranks = fh_buf_view(&file);
    refused(a, ranks, NULL, FH_INVALID, "do not say how text is cut");
    refused(a, ranks, &(fh_tokenizer_hint){.special = {special, 1}}, FH_INVALID, "do not say how text is cut");
    refused(a, ranks, &(fh_tokenizer_hint){.encoding = FH_LIT("cl100k")}, FH_INVALID,
            "no encoding \"cl100k\", expected cl100k_base");
    refused(a, ranks, &(fh_tokenizer_hint){.pattern = FH_LIT("(")}, FH_INVALID, "");
    fh_tokenizer_hint hint = {.pattern = FH_LIT("a"), .special = {special, 1}, .special_ids = {low, 1}};
    refused(a, ranks, &hint, FH_CORRUPT, "special token \"<x>\" has the id 9, which another token has");
    hint.special_ids = (fh_u32s){high, 1};
    refused(a, ranks, &hint, FH_LIMIT, "special token 4294967295");
    hint.special_ids = (fh_u32s){NULL, 0};
    refused(a, ranks, &hint, FH_INVALID, "1 special tokens, but 0 ids");
    hint = (fh_tokenizer_hint){.pattern = FH_LIT("a"), .special = {none, 1}, .special_ids = {free_id, 1}};
    refused(a, ranks, &hint, FH_INVALID, "special token 300: expected a text in UTF-8");
    hint = (fh_tokenizer_hint){.encoding = FH_LIT("gpt2")};
    refused(a, fh_span_from(ranks, 7), &hint, FH_CORRUPT, "byte 0x00 has no rank");
    for (size_t i = 0; i < 600; i++)
        fh_assert_ok(fh_buf_put_u8(&large, 'x'));
    made_rank(&file, fh_buf_view(&large), 264);
    refused(a, fh_buf_view(&file), &hint, FH_LIMIT, "token 264 has 600 bytes");
    fh_buf_deinit(&file);
    fh_buf_deinit(&large);
}

static fh_status without_memory(fh_allocator *a, void *arg) {
    fh_tokenizer *tok = NULL;
    fh_tokenizer_hint hint = {.encoding = FH_LIT("gpt2")};
    fh_status s = fh_tokenizer_open(a, *(fh_span *)arg, &hint, &tok, NULL);
    fh_tokenizer_free(tok);
    return s;
}

static void test_no_memory(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    fh_buf_init(&file, a, 0);
    made_ranks(&file);
    fh_span view = fh_buf_view(&file);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), without_memory, &view) >= 20);
    fh_buf_deinit(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_ids),           FH_TEST_ALLOC(test_ties),          FH_TEST_ALLOC(test_encodings),
        FH_TEST_ALLOC(test_pattern),       FH_TEST_ALLOC(test_lines),         FH_TEST_ALLOC(test_refused_lines),
        FH_TEST_ALLOC(test_refused_files), FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
