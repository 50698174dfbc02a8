/* test_pretok_read.c: pre-tokenizers from JSON and back: what is written, what is refused and where. */
#include "support/fh_test.h"
#include "text/pipe/pretokenizer.h"

/* What a text is written as. */
static void written(fh_allocator *a, const char *json, const char *expected) {
    fh_pretokenizer *pt = NULL;
    fh_buf out;
    fh_json_writer w;
    fh_assert_ok(fh_pretokenizer_read(a, fh_span_of_str(json), 0, &pt, NULL));
    fh_buf_init(&out, a, 0);
    fh_json_writer_init(&w, &out, false);
    fh_assert_ok(fh_pretokenizer_write(pt, &w));
    fh_assert_span(fh_buf_view(&out), expected);
    fh_buf_deinit(&out);
    fh_pretokenizer_free(pt);
}

/* All fields are written, in the reference's order, whatever was left to its default. */
static void test_written(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static const char *const same[] = {
        "null",
        "{\"type\":\"BertPreTokenizer\"}",
        "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":false,\"use_regex\":false}",
        "{\"type\":\"CharDelimiterSplit\",\"delimiter\":\"\xc3\xa9\"}",
        "{\"type\":\"Digits\",\"individual_digits\":true}",
        "{\"type\":\"FixedLength\",\"length\":7}",
        "{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":\"first\",\"split\":false}",
        "{\"type\":\"Punctuation\",\"behavior\":\"MergedWithNext\"}",
        "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\s+\"},\"behavior\":\"Contiguous\",\"invert\":true}",
        "{\"type\":\"Split\",\"pattern\":{\"String\":\"\\\\s+\"},\"behavior\":\"Removed\",\"invert\":false}",
        "{\"type\":\"UnicodeScripts\"}",
        "{\"type\":\"Whitespace\"}",
        "{\"type\":\"WhitespaceSplit\"}",
        "{\"type\":\"Sequence\",\"pretokenizers\":[]}",
        "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Whitespace\"}]}]}"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        written(a, same[i], same[i]);
    written(a, "{\"trim_offsets\":true,\"add_prefix_space\":false,\"x\":[1],\"type\":\"ByteLevel\"}",
            "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":true}");
    written(a, "{\"type\":\"FixedLength\"}", "{\"type\":\"FixedLength\",\"length\":5}");
    written(a, "{\"type\":\"Punctuation\"}", "{\"type\":\"Punctuation\",\"behavior\":\"Isolated\"}");
    written(a, "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"add_prefix_space\":true,\"str_rep\":\"_\"}",
            "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"always\",\"split\":true}");
}

static void refused(fh_allocator *a, const char *json, fh_code code, uint64_t at, const char *says) {
    fh_pretokenizer *pt = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_pretokenizer_read(a, fh_span_of_str(json), 1000, &pt, &err), code);
    fh_assert_err(&err, code, says);
    assert_int_equal(err.offset_bytes, at);
    assert_null(pt);
}

static void test_refused(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    refused(a, "[]", FH_CORRUPT, 1000, "not an object");
    refused(a, "{}", FH_CORRUPT, 1000, "\"type\"");
    refused(a, "{\"type\":5}", FH_CORRUPT, 1008, "expected the name of a type, found 5");
    refused(a, "{\"type\":\"Nonsense\"}", FH_UNSUPPORTED, 1008, "no type \"Nonsense\"");
    refused(a, "{\"type\":\"Digits\"}", FH_CORRUPT, 1000, "\"individual_digits\"");
    refused(a, "{\"type\":\"Digits\",\"individual_digits\":1}", FH_CORRUPT, 1037, "true or false");
    refused(a, "{\"type\":\"ByteLevel\",\"trim_offsets\":true}", FH_CORRUPT, 1000, "\"add_prefix_space\"");
    refused(a, "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}", FH_CORRUPT, 1000, "\"trim_offsets\"");
    refused(a, "{\"type\":\"CharDelimiterSplit\",\"delimiter\":\"ab\"}", FH_CORRUPT, 1041, "one character, found \"ab\"");
    refused(a, "{\"type\":\"CharDelimiterSplit\",\"delimiter\":\"\"}", FH_CORRUPT, 1041, "one character");
    refused(a, "{\"type\":\"CharDelimiterSplit\",\"delimiter\":7}", FH_CORRUPT, 1041, "one character");
    refused(a, "{\"type\":\"FixedLength\",\"length\":0}", FH_INVALID, 1000, "\"length\" is 0");
    refused(a, "{\"type\":\"Punctuation\",\"behavior\":\"x\"}", FH_CORRUPT, 1033, "MergedWithNext or Contiguous");
    refused(a, "{\"type\":\"Metaspace\"}", FH_CORRUPT, 1000, "\"replacement\"");
    refused(a, "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"x\"}", FH_CORRUPT, 1055, "first, never");
    refused(a, "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"add_prefix_space\":false}", FH_CORRUPT, 1000,
            "\"never\" agrees");
    refused(a, "{\"type\":\"Split\",\"behavior\":\"Removed\",\"invert\":false}", FH_CORRUPT, 1000, "\"pattern\"");
    refused(a, "{\"type\":\"Split\",\"behavior\":\"Removed\",\"invert\":false,\"pattern\":{\"Other\":\"\"}}", FH_CORRUPT, 1062,
            "{\"Regex\": expression}");
    refused(a, "{\"type\":\"Split\",\"behavior\":\"Removed\",\"invert\":false,\"pattern\":{\"Regex\":\"a(\"}}", FH_INVALID,
            1071, "byte 1071: regular expression, byte 2: missing closing parenthesis");
    refused(a, "{\"type\":\"Sequence\",\"pretokenizers\":{}}", FH_CORRUPT, 1035, "not an array");
    refused(a, "{\"type\":\"Sequence\",\"pretokenizers\":[null]}", FH_CORRUPT, 1036, "not an object");
}

/* Sequences within sequences, and steps, up to their limits and one beyond. */
static void test_limits(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (int beyond = 0; beyond < 2; beyond++) {
        fh_buf deep, wide;
        fh_buf_init(&deep, a, 0);
        fh_buf_init(&wide, a, 0);
        int depth = FH_PRETOKENIZER_DEPTH_MAX + beyond, steps = FH_PRETOKENIZER_STEPS_MAX + beyond;
        for (int i = 0; i < depth; i++)
            fh_assert_ok(fh_buf_put(&deep, FH_LIT("{\"type\":\"Sequence\",\"pretokenizers\":[")));
        for (int i = 0; i < depth; i++)
            fh_assert_ok(fh_buf_put(&deep, FH_LIT("]}")));
        fh_assert_ok(fh_buf_put(&wide, FH_LIT("{\"type\":\"Sequence\",\"pretokenizers\":[")));
        for (int i = 0; i < steps; i++)
            fh_assert_ok(fh_buf_format(&wide, "%s{\"type\":\"Whitespace\"}", i == 0 ? "" : ","));
        fh_assert_ok(fh_buf_put(&wide, FH_LIT("]}")));
        fh_pretokenizer *pt = NULL;
        fh_assert_code(fh_pretokenizer_read(a, fh_buf_view(&deep), 0, &pt, NULL), beyond ? FH_LIMIT : FH_OK);
        fh_pretokenizer_free(pt);
        pt = NULL;
        fh_assert_code(fh_pretokenizer_read(a, fh_buf_view(&wide), 0, &pt, NULL), beyond ? FH_LIMIT : FH_OK);
        fh_pretokenizer_free(pt);
        fh_buf_deinit(&deep);
        fh_buf_deinit(&wide);
    }
}

static fh_status use(fh_allocator *a, void *arg) {
    (void)arg;
    fh_pretokenizer *pt = NULL;
    fh_buf out;
    fh_json_writer w;
    FH_TRY(fh_pretokenizer_read(a,
                                FH_LIT("{\"type\":\"Sequence\",\"pretokenizers\":["
                                       "{\"type\":\"CharDelimiterSplit\",\"delimiter\":\"x\"},"
                                       "{\"type\":\"Split\",\"behavior\":\"Removed\",\"invert\":false,"
                                       "\"pattern\":{\"Regex\":\"a|b\"}}]}"),
                                0, &pt, NULL));
    fh_buf_init(&out, a, 0);
    fh_json_writer_init(&w, &out, false);
    fh_status s = fh_pretokenizer_write(pt, &w);
    fh_buf_deinit(&out);
    fh_pretokenizer_free(pt);
    return s;
}

static void test_no_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), use, NULL) >= 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_written), FH_TEST_ALLOC(test_refused), FH_TEST_ALLOC(test_limits),
                                       FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
