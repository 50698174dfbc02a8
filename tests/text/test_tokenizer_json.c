/* test_tokenizer_json.c: tokenizer.json: real files against the reference's ids, and what is refused, by name.
 *
 * The golden file holds texts and ids only (tests/golden/make_tokenizer_cases.py); a real tokenizer that is absent skips
 * its test. */
#include <stdio.h>
#include <string.h>

#include "freehold/json.h"
#include "freehold/os.h"
#include "freehold/tokenizer.h"
#include "support/fh_test.h"

/* --- real files ----------------------------------------------------------------------------------------------------------- */

/* The ids of the array that begins here, against those of the text. */
static void check_ids(fh_allocator *a, const fh_tokenizer *tok, fh_span text, fh_json *j, size_t index) {
    fh_ids ids;
    fh_json_token t;
    fh_ids_init(&ids, a, 0);
    fh_assert_ok(fh_tokenizer_encode(tok, text, (fh_encode_options){.add_special = true, .parse_special = true}, &ids, NULL));
    fh_u32s view = fh_ids_view(&ids);
    fh_assert_ok(fh_json_next(j, &t, NULL));
    assert_int_equal(t.kind, FH_JSON_ARRAY);
    for (size_t i = 0;; i++) {
        int64_t expected;
        fh_assert_ok(fh_json_next(j, &t, NULL));
        if (t.kind == FH_JSON_ARRAY_END) {
            assert_int_equal(i, view.count);
            break;
        }
        fh_assert_ok(fh_json_i64(t, &expected, NULL));
        if (i >= view.count || fh_u32s_get(view, i) != expected)
            fail_msg("text %zu, \"%.*s\": id %zu is not %lld", index, FH_SPAN_FMT(text), i, (long long)expected);
    }
    fh_ids_deinit(&ids);
}

static void check_model(void **state, const char *name) {
    fh_allocator *a = fh_test_allocator(state);
    char file[64];
    snprintf(file, sizeof file, "tokenizers/%s.json", name);
    fh_os_map model, golden;
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_assert_ok(fh_os_map_open(fh_test_data(file).text, &model, NULL));
    fh_assert_ok(fh_os_map_open(FREEHOLD_GOLDEN "/tokenizer_cases.json", &golden, NULL));
    if (fh_failed(fh_tokenizer_from_json(a, model.bytes, &tok, &err)))
        fail_msg("%s", err.message);
    assert_true(fh_trace_stats(fh_test_trace(state)).peak_bytes < 8 * model.bytes.size);
    fh_json j;
    fh_json_token t;
    fh_buf text;
    size_t index = 0;
    fh_buf_init(&text, a, 0);
    fh_json_init(&j, golden.bytes);
    fh_assert_ok(fh_json_next(&j, &t, NULL));
    while (fh_json_next(&j, &t, NULL).code == FH_OK && t.kind == FH_JSON_OBJECT) {
        while (fh_json_next(&j, &t, NULL).code == FH_OK && t.kind == FH_JSON_KEY) {
            if (fh_span_is(t.raw, "text")) {
                fh_buf_truncate(&text, 0);
                fh_assert_ok(fh_json_next(&j, &t, NULL));
                fh_assert_ok(fh_json_text(t, &text, NULL));
            } else if (fh_span_is(t.raw, name)) {
                check_ids(a, tok, fh_buf_view(&text), &j, index++);
            } else {
                fh_assert_ok(fh_json_skip(&j, t, NULL));
            }
        }
    }
    assert_true(index >= 130);
    fh_buf_deinit(&text);
    fh_tokenizer_free(tok);
    fh_os_map_close(&model);
    fh_os_map_close(&golden);
}

static void test_gpt2(void **state) {
    check_model(state, "gpt2");
}
static void test_llama3(void **state) {
    check_model(state, "llama3_2");
}
static void test_qwen3(void **state) {
    check_model(state, "qwen3");
}

/* --- made files ----------------------------------------------------------------------------------------------------------- */

/* A small tokenizer.json: the parts that are not NULL replace the default. */
typedef struct parts {
    const char *added, *normalizer, *pre, *post, *model_extra, *vocab_extra, *merges, *top_extra;
} parts;

#define BYTE_LEVEL "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}"
#define NO_REGEX "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}"
#define QWEN_SPLIT                                                                                                             \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{" \
    "N}| "                                                                                                                     \
    "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":\"Isolated\","         \
    "\"invert\":false}"
#define SEQUENCE(a, b) "{\"type\":\"Sequence\",\"pretokenizers\":[" a "," b "]}"

static void put(fh_buf *b, const char *text) {
    fh_assert_ok(fh_buf_put(b, fh_span_of_str(text)));
}

static void put_or(fh_buf *b, const char *text, const char *otherwise) {
    put(b, text != NULL ? text : otherwise);
}

/* The file: bytes are ids 0 to 255, "ab" is 256, added tokens from 257. */
static void make(fh_buf *b, const parts *p) {
    put(b, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":");
    put_or(b, p->added, "[]");
    put(b, ",\"normalizer\":");
    put_or(b, p->normalizer, "null");
    put(b, ",\"pre_tokenizer\":");
    put_or(b, p->pre, BYTE_LEVEL);
    put(b, ",\"post_processor\":");
    put_or(b, p->post, "null");
    put(b, ",\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":{");
    unsigned others = 0;
    for (unsigned i = 0; i < 256; i++) {
        bool printable = (i >= '!' && i <= '~') || (i >= 0xa1 && i <= 0xac) || i >= 0xae;
        fh_assert_ok(fh_buf_format(b, "\"\\u%04x\":%u,", printable ? i : 256 + others, i));
        others += !printable;
    }
    put(b, "\"ab\":256");
    put_or(b, p->vocab_extra, "");
    put(b, "},\"merges\":");
    put_or(b, p->merges, "[\"a b\"]");
    put_or(b, p->model_extra, "");
    put(b, "}");
    put_or(b, p->top_extra, "");
    put(b, "}");
}

static void refuse(void **state, parts p, fh_code code, const char *part) {
    fh_buf b;
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_buf_init(&b, fh_test_allocator(state), 0);
    make(&b, &p);
    fh_status s = fh_tokenizer_from_json(fh_test_allocator(state), fh_buf_view(&b), &tok, &err);
    if (s.code != code)
        fail_msg("%s instead of %s: \"%s\"; expected \"%s\"", fh_code_name(s.code), fh_code_name(code), err.message, part);
    fh_assert_err(&err, code, part);
    assert_null(tok);
    fh_buf_deinit(&b);
}

static void encodes(void **state, parts p, fh_span text, fh_encode_options o, const char *expected) {
    fh_buf b, got;
    fh_ids ids;
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_buf_init(&b, fh_test_allocator(state), 0);
    fh_buf_init(&got, fh_test_allocator(state), 0);
    fh_ids_init(&ids, fh_test_allocator(state), 0);
    make(&b, &p);
    if (fh_failed(fh_tokenizer_from_json(fh_test_allocator(state), fh_buf_view(&b), &tok, &err)))
        fail_msg("%s", err.message);
    fh_assert_ok(fh_tokenizer_encode(tok, text, o, &ids, NULL));
    for (size_t i = 0; i < ids.count; i++)
        fh_assert_ok(fh_buf_format(&got, i ? " %u" : "%u", fh_u32s_get(fh_ids_view(&ids), i)));
    fh_assert_span(fh_buf_view(&got), expected);
    fh_tokenizer_free(tok);
    fh_ids_deinit(&ids);
    fh_buf_deinit(&b);
    fh_buf_deinit(&got);
}

#define PLAIN (fh_encode_options){0}
#define ADDED(id, text, special) "{\"id\":" #id ",\"content\":\"" text "\",\"special\":" special ",\"lstrip\":false}"

static void test_accepted(void **state) {
    encodes(state, (parts){0}, FH_LIT("ab a"), PLAIN, "256 32 97");
    encodes(state, (parts){.merges = "[[\"a\",\"b\"]]"}, FH_LIT("ab"), PLAIN, "256");
    encodes(state, (parts){.merges = "[]"}, FH_LIT("ab"), PLAIN, "97 98");
    encodes(state, (parts){.merges = "[]", .model_extra = ",\"ignore_merges\":true"}, FH_LIT("ab"), PLAIN, "256");
    encodes(state, (parts){.pre = SEQUENCE(QWEN_SPLIT, NO_REGEX)}, FH_LIT("12"), PLAIN, "49 50");
    encodes(state, (parts){.pre = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}"}, FH_LIT("ab"), PLAIN, "32 256");
    encodes(state, (parts){.pre = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}"}, FH_LIT(" ab"), PLAIN, "32 256");
    encodes(state, (parts){.normalizer = "{\"type\":\"NFC\"}"}, FH_LIT("e\xcc\x81"), PLAIN, "195 169");
    encodes(state, (parts){0}, FH_LIT("e\xcc\x81"), PLAIN, "101 204 129");
    encodes(state, (parts){.added = "[" ADDED(257, "<c>", "true") "," ADDED(258, "<u>", "false") "]"}, FH_LIT("<c><u>"), PLAIN,
            "60 99 62 258");
    encodes(state, (parts){.added = "[" ADDED(257, "<c>", "true") "]"}, FH_LIT("a<c>"),
            (fh_encode_options){.parse_special = true}, "97 257");
    /* A token may be both in the vocabulary and added. */
    encodes(state, (parts){.added = "[" ADDED(256, "ab", "false") "]"}, FH_LIT("xab"), PLAIN, "120 256");
    parts both = {
        .added = "[" ADDED(257, "<s>", "true") "," ADDED(258, "</s>", "true") "]",
        .post = "{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"},{\"type\":\"TemplateProcessing\",\"single\":["
                "{\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
                "{\"SpecialToken\":{\"id\":\"</s>\",\"type_id\":0}}],\"pair\":[]}]}"};
    encodes(state, both, FH_LIT("a"), (fh_encode_options){.add_special = true}, "257 97 258");
    encodes(state, both, FH_LIT("a"), PLAIN, "97");
}

static void test_unsupported(void **state) {
    const struct {
        parts p;
        const char *part;
    } cases[] = {
        {{.normalizer = "{\"type\":\"NFKC\"}"}, "normalizer \"NFKC\""},
        {{.normalizer = "{\"type\":\"Sequence\",\"normalizers\":[]}"}, "normalizer \"Sequence\""},
        {{.pre = "{\"type\":\"Whitespace\"}"}, "pre-tokenizer \"Whitespace\""},
        {{.pre = SEQUENCE("{\"type\":\"Digits\"}", BYTE_LEVEL)}, "pre-tokenizer \"Digits\""},
        {{.pre = SEQUENCE(SEQUENCE(QWEN_SPLIT, NO_REGEX), NO_REGEX)}, "pre-tokenizer \"Sequence\""},
        {{.pre = SEQUENCE("{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\w+\"}}", NO_REGEX)},
         "pre-tokenizer expression \"\\w+\""},
        {{.pre = SEQUENCE("{\"type\":\"Split\",\"pattern\":{\"String\":\" \"}}", NO_REGEX)}, "pattern \"String\""},
        {{.pre = SEQUENCE(QWEN_SPLIT, BYTE_LEVEL)}, "combination of pre-tokenizers"},
        {{.pre = SEQUENCE(NO_REGEX, QWEN_SPLIT)}, "combination of pre-tokenizers"},
        {{.pre = SEQUENCE(BYTE_LEVEL, BYTE_LEVEL)}, "combination of pre-tokenizers"},
        {{.pre = SEQUENCE(QWEN_SPLIT, QWEN_SPLIT)}, "combination of pre-tokenizers"},
        {{.pre = SEQUENCE(QWEN_SPLIT, "{\"type\":\"ByteLevel\",\"use_regex\":false}")}, "combination of pre-tokenizers"},
        {{.pre = NO_REGEX}, "combination of pre-tokenizers"},
        {{.pre = "{\"type\":\"Split\",\"behavior\":\"Removed\"}"}, "behavior \"Removed\""},
        {{.post = "{\"type\":\"BertProcessing\"}"}, "post-processor \"BertProcessing\""},
        {{.post = "{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\"}},{\"Sequence\":{\"id\":\"A\"}}]}"},
         "template with a second"},
        {{.post = "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"a\"}},{\"SpecialToken\":{\"id\":"
                  "\"b\"}}]}"},
         "template with a second"},
        {{.model_extra = ",\"type\":\"WordPiece\""}, "model \"WordPiece\""},
        {{.model_extra = ",\"dropout\":0.1"}, "\"dropout\" is not supported"},
        {{.model_extra = ",\"continuing_subword_prefix\":\"##\""}, "continuing_subword_prefix"},
        {{.model_extra = ",\"end_of_word_suffix\":\"</w>\""}, "end_of_word_suffix"},
        {{.model_extra = ",\"byte_fallback\":true"}, "byte_fallback"},
        {{.model_extra = ",\"fuse_unk\":true"}, "fuse_unk"},
        {{.added = "[{\"id\":257,\"content\":\"<m>\",\"lstrip\":true}]"}, "lstrip"},
        {{.added = "[{\"id\":257,\"content\":\"<m>\",\"rstrip\":true}]"}, "rstrip"},
        {{.added = "[{\"id\":257,\"content\":\"<m>\",\"single_word\":true}]"}, "single_word"},
        {{.top_extra = ",\"truncation\":{\"max_length\":5}"}, "truncation"},
        {{.top_extra = ",\"padding\":{}"}, "padding"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(state, cases[i].p, FH_UNSUPPORTED, cases[i].part);
}

static void test_corrupt(void **state) {
    const struct {
        parts p;
        fh_code code;
        const char *part;
    } cases[] = {
        {{.vocab_extra = ",\"x y\":-1"}, FH_LIMIT, "token id -1"},
        {{.vocab_extra = ",\"zz\":1048576"}, FH_LIMIT, "token id 1048576"},
        {{.vocab_extra = ",\"zz\":1.5"}, FH_CORRUPT, "not an integer"},
        {{.vocab_extra = ",\"zz\":\"7\""}, FH_CORRUPT, "expected a token id"},
        {{.vocab_extra = ",\"zz\":258"}, FH_CORRUPT, "token id 258, but only 258 tokens"},
        {{.vocab_extra = ",\"zz\":1000000"}, FH_CORRUPT, "token id 1000000, but only"},
        {{.vocab_extra = ",\"zz\":256"}, FH_CORRUPT, "gives id 256 to \"ab\" and to \"zz\""},
        {{.vocab_extra = ",\"ab\":257"}, FH_CORRUPT, "are both \"ab\""},
        {{.vocab_extra = ",\"zz\":258,\"yy\":258"}, FH_CORRUPT, "gives id 258"},
        {{.added = "[" ADDED(256, "zz", "true") "]"}, FH_CORRUPT, "gives id 256"},
        {{.added = "[{\"id\":257}]"}, FH_CORRUPT, "an added token with id and content"},
        {{.added = "[{\"content\":\"x\"}]"}, FH_CORRUPT, "an added token with id and content"},
        {{.added = "[7]"}, FH_CORRUPT, "expected an object"},
        {{.added = "{}"}, FH_CORRUPT, "the added tokens as an array"},
        {{.merges = "[\"ab\"]"}, FH_CORRUPT, "merge 0"},
        {{.merges = "[\"a q\"]"}, FH_CORRUPT, "not in the vocabulary"},
        {{.merges = "[[\"a\",\"b\",\"c\"]]"}, FH_CORRUPT, "two halves"},
        {{.merges = "[[\"a\"]]"}, FH_CORRUPT, "the right half"},
        {{.merges = "[[\"a b\",\"c\"]]"}, FH_CORRUPT, "without a space"},
        {{.merges = "[[\"\",\"c\"]]"}, FH_CORRUPT, "without a space"},
        {{.merges = "[[\"a\",\"\"]]"}, FH_CORRUPT, "merge 0"},
        {{.merges = "[7]"}, FH_CORRUPT, "expected a merge"},
        {{.merges = "{}"}, FH_CORRUPT, "the merges as an array"},
        {{.pre = "null"}, FH_CORRUPT, "expected a pre-tokenizer"},
        {{.pre = "{}"}, FH_CORRUPT, "ByteLevel"},
        {{.normalizer = "7"}, FH_CORRUPT, "a normalizer"},
        {{.normalizer = "{}"}, FH_CORRUPT, "the normalizer's type"},
        {{.post = "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"none\"}},{\"Sequence\":{\"id\":"
                  "\"A\"}}]}"},
         FH_CORRUPT,
         "names \"none\""},
        {{.post = "{\"type\":\"TemplateProcessing\",\"single\":[]}"}, FH_CORRUPT, "the text in the template"},
        {{.model_extra = ",\"unk_token\":\"none\""}, FH_CORRUPT, "names \"none\""},
        {{.model_extra = ",\"ignore_merges\":1"}, FH_CORRUPT, "true or false"},
        {{.top_extra = "}"}, FH_CORRUPT, "nothing after the value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(state, cases[i].p, cases[i].code, cases[i].part);
    const fh_span whole[] = {
        FH_LIT(""), FH_LIT("[]"), FH_LIT("7"), FH_LIT("{}"), FH_LIT("{\"model\":null}"), FH_LIT("{\"model\":{}}")};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        fh_tokenizer *tok;
        fh_assert_code(fh_tokenizer_from_json(fh_test_allocator(state), whole[i], &tok, NULL), FH_CORRUPT);
    }
    static const uint8_t byte = '{';
    fh_tokenizer *tok;
    fh_assert_code(fh_tokenizer_from_json(fh_test_allocator(state), (fh_span){&byte, (size_t)1 << 40}, &tok, NULL), FH_LIMIT);
}

static const parts full = {
    .added = "[" ADDED(257, "<c>", "true") "]",
    .normalizer = "{\"type\":\"NFC\"}",
    .pre = SEQUENCE(QWEN_SPLIT, NO_REGEX),
    .merges = "[\"a b\",[\"ab\",\"ab\"]]",
    .vocab_extra = ",\"abab\":258",
    .model_extra = ",\"unk_token\":\"<c>\",\"ignore_merges\":true",
    .post = "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<c>\"}},{\"Sequence\":{\"id\":\"A\"}}]}"};

/* Cut anywhere, it is refused; the cut never leaks. */
static void test_truncated(void **state) {
    fh_buf b;
    fh_buf_init(&b, fh_test_allocator(state), 0);
    make(&b, &full);
    for (size_t cut = 0; cut <= b.size; cut += cut % 7 + 1) {
        fh_tokenizer *tok;
        fh_status s = fh_tokenizer_from_json(fh_test_allocator(state), fh_span_sub(fh_buf_view(&b), 0, cut), &tok, NULL);
        assert_int_equal(s.code == FH_OK, cut == b.size);
        fh_tokenizer_free(tok);
    }
    fh_buf_deinit(&b);
}

static fh_status load_body(fh_allocator *a, void *arg) {
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_status s = fh_tokenizer_from_json(a, *(fh_span *)arg, &tok, &err);
    assert_int_equal(s.code, err.code);
    fh_tokenizer_free(tok);
    return s;
}

static void test_no_memory(void **state) {
    fh_buf b;
    fh_buf_init(&b, fh_heap(), 0);
    make(&b, &full);
    fh_span text = fh_buf_view(&b);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), load_body, &text) > 20);
    fh_buf_deinit(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_gpt2),      FH_TEST_ALLOC(test_llama3),      FH_TEST_ALLOC(test_qwen3),
        FH_TEST_ALLOC(test_accepted),  FH_TEST_ALLOC(test_unsupported), FH_TEST_ALLOC(test_corrupt),
        FH_TEST_ALLOC(test_truncated), FH_TEST_ALLOC(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
