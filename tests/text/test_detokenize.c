/* test_detokenize.c: a stream of tokens says the same as all of them together, when it can; and its work does not grow. */
#include "text/made_pipeline.h"

#define WORDS                                                                                                   \
    "{\"type\":\"WordLevel\",\"unk_token\":\"a\",\"vocab\":{\"a\":0,\"\xc3\xa3\":1,\"\xc4\xa3\":2,\"\xc4\xa4\":3," \
    "\"\xc4\xa0x\":4,\"<s>\":5,\"\xe2\x96\x81y\":6,\"<0xE3>\":7,\"<0x81>\":8,\"<0x82>\":9,\"\xc3\xbf\":10}}"
#define SPECIAL "[{\"id\":5,\"content\":\"<s>\",\"special\":true}]"
#define BYTES "{\"type\":\"ByteLevel\"}"
#define LLAMA                                                                                                            \
    "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"\xe2\x96\x81\"},\"content\":\" \"}," \
    "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]}"

static void check(void **state, const char *decoder, const uint32_t *ids, size_t count, bool skip, const char *const *said) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &(made_parts){.added = SPECIAL, .decoder = decoder, .model = WORDS});
    fh_decode_stream *s;
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_assert_ok(fh_decode_stream_new(a, tok, skip, &s));
    fh_tokenizer_free(tok); /* the stream has a handle of its own */
    for (size_t i = 0; i < count; i++) {
        fh_buf_truncate(&out, 0);
        fh_assert_ok(fh_decode_stream_step(s, ids[i], &out));
        fh_assert_span(fh_buf_view(&out), said[i]);
    }
    fh_decode_stream_free(s);
    fh_buf_deinit(&out);
}

static void test_steps(void **state) {
    const uint32_t hiragana[] = {0, 1, 2, 3, 4, 5, 0};
    check(state, BYTES, hiragana, 7, true, (const char *const[]){"a", "", "", "\xe3\x81\x82", " x", "", "a"});
    check(state, BYTES, hiragana, 7, false, (const char *const[]){"a", "", "", "\xe3\x81\x82", " x", "<s>", "a"});
    const uint32_t spaces[] = {6, 6, 7, 8, 9, 6};
    check(state, LLAMA, spaces, 6, true, (const char *const[]){"y", " y", "", "", "\xe3\x81\x82", " y"});
    const uint32_t plain[] = {0, 0, 6};
    check(state, NULL, plain, 3, true, (const char *const[]){"a", " a", " \xe2\x96\x81y"});
}

/* A byte that never becomes a character: it is said at last, and the window stays small. */
static void test_never_complete(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &(made_parts){.decoder = BYTES, .model = WORDS});
    fh_decode_stream *s;
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_assert_ok(fh_decode_stream_new(a, tok, true, &s));
    for (size_t i = 0; i < 1000; i++)
        fh_assert_ok(fh_decode_stream_step(s, 10, &out));
    assert_in_range(out.size / 3, 900, 1000);
    uint64_t before = fh_trace_stats(fh_test_trace(state)).peak_bytes;
    for (size_t i = 0; i < 1000; i++) {
        fh_buf_truncate(&out, 0);
        fh_assert_ok(fh_decode_stream_step(s, 10, &out));
    }
    assert_true(fh_trace_stats(fh_test_trace(state)).peak_bytes == before);
    for (size_t i = 0; i < 1000; i++) /* no token at all */
        fh_assert_ok(fh_decode_stream_step(s, 99, &out));
    fh_decode_stream_free(s);
    fh_buf_deinit(&out);
    fh_tokenizer_free(tok);
}

static fh_status stream_body(fh_allocator *a, void *arg) {
    fh_decode_stream *s = NULL;
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_status status = fh_decode_stream_new(a, arg, true, &s);
    for (uint32_t i = 0; i < 5 && status.code == FH_OK; i++)
        status = fh_decode_stream_step(s, i, &out);
    fh_decode_stream_free(s);
    fh_buf_deinit(&out);
    return status;
}

static void test_no_memory(void **state) {
    fh_tokenizer *tok = made_load(fh_heap(), &(made_parts){.decoder = LLAMA, .model = WORDS});
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), stream_body, tok) > 5);
    fh_tokenizer_free(tok);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_steps), FH_TEST_ALLOC(test_never_complete),
                                       FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
