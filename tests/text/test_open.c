/* test_open.c: which kind of tokenizer a file is, by its content; and base64, which two kinds have. */
#include "support/fh_test.h"
#include "text/made_ranks.h"
#include "text/made_spm.h"

static void check(fh_allocator *a, fh_span file, fh_code code, const char *message) {
    fh_tokenizer *tok = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_status s = fh_tokenizer_open(a, file, &(fh_tokenizer_hint){.encoding = FH_LIT("gpt2")}, &tok, &err);
    fh_assert_code(s, code);
    if (fh_failed(s))
        fh_assert_err(&err, code, message);
    fh_tokenizer_free(tok);
}

static void test_kinds(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    check(a, FH_LIT("{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0},\"unk_token\":\"a\"}}"), FH_OK, "");
    check(a, FH_LIT("\n \n{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0},\"unk_token\":\"a\"}}"), FH_OK, "");
    check(a, FH_LIT("\n\n\n\n{\"model\":7}"), FH_CORRUPT, "tokenizer.json");
    check(a, FH_LIT(""), FH_CORRUPT, "");
    check(a, FH_LIT("nothing of the kind"), FH_CORRUPT, "");
    check(a, FH_LIT("IQ== 0"), FH_CORRUPT, "tiktoken ranks");
    check(a, FH_LIT("IQ== x"), FH_CORRUPT, "expected");
    check(a, FH_LIT("\x0a\x08\x0a\x01" "a\x15\0\0\0\0"), FH_CORRUPT, "SentencePiece model");
    check(a, FH_LIT("\x0a\x05\x0a\x01" "a\x18\x01"), FH_CORRUPT, "SentencePiece model");
    check(a, FH_LIT("\x0a\x03\x0a\x01" "a"), FH_CORRUPT, ""); /* a message, but not certainly one of pieces */
    made_spm_model m;
    made_char_model(&m, a);
    check(a, made_spm_file(&m), FH_OK, "");
    made_spm_end(&m);
}

static void test_base64(void **state) {
    static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
                                           {"\xfb\xff\xbf", "+/+/"}};
    static const struct {
        const char *letters, *message;
    } refused[] = {{"Zg=", "it has 3 letters, expected base64 in fours"}, {"Zm9v Zm9v=", "it has 10 letters"},
                   {"Z===", "it is not base64 at its letter 1"},          {"Zg==Zg==", "it is not base64 at its letter 2"},
                   {"Zh==", "it ends in bits"},                           {"Zm9=", "it ends in bits"},
                   {"Zm-v", "it is not base64 at its letter 2"}};
    fh_allocator *a = fh_test_allocator(state);
    fh_buf out;
    fh_buf_init(&out, a, 0);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        fh_buf_truncate(&out, 0);
        fh_assert_ok(fh_base64_write(fh_span_of_str(pairs[i][0]), &out));
        fh_assert_span(fh_buf_view(&out), pairs[i][1]);
        fh_buf_truncate(&out, 0);
        fh_assert_ok(fh_base64_read(fh_span_of_str(pairs[i][1]), "it", 0, &out, NULL));
        fh_assert_span(fh_buf_view(&out), pairs[i][0]);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_base64_read(fh_span_of_str(refused[i].letters), "it", 5, &out, &err), FH_CORRUPT);
        fh_assert_err(&err, FH_CORRUPT, refused[i].message);
        assert_int_equal(err.offset_bytes, 5);
    }
    fh_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_kinds), FH_TEST_ALLOC(test_base64)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
