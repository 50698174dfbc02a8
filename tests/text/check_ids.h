/* check_ids.h: what the tests of tokenizers share: a made vocabulary that must be accepted, and a text that must become given
 * ids.
 *
 *     fh_tokenizer *tok = accept(state, m);
 *     check_ids(state, tok, FH_LIT("abc"), (fh_encode_options){0}, IDS('a', bc));
 *
 * Threading: the thread that runs the test. */
#ifndef FH_TEST_CHECK_IDS_H
#define FH_TEST_CHECK_IDS_H

#include "support/fh_test.h"
#include "text/made_vocab.h"

#define IDS(...) (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

FH_UNUSED static fh_tokenizer *accept(void **state, made_vocab *m) {
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_status s = fh_tokenizer_new(fh_test_allocator(state), made_view(m), &tok, &err);
    if (fh_failed(s))
        fail_msg("%s", err.message);
    return tok;
}

FH_UNUSED static void check_ids(void **state, const fh_tokenizer *tok, fh_span text, fh_encode_options o,
                                const uint32_t *expected, size_t n) {
    fh_ids ids;
    fh_ids_init(&ids, fh_test_allocator(state), 0);
    fh_assert_ok(fh_tokenizer_encode(tok, text, o, &ids, NULL));
    fh_u32s view = fh_ids_view(&ids);
    assert_int_equal(view.count, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fh_u32s_get(view, i), expected[i]);
    fh_ids_deinit(&ids);
}

#endif
