/* test_roads.c: pipelines that have a road of their own, beside the same pipelines written so that they take the general one,
 * which is the specification: random models, random texts, all columns of an encoding, before and after pieces were met. */
#include <string.h>

#include "freehold/tokenizer.h"
#include "support/fh_test.h"
#include "text/pipe/pipeline.h"

enum { TEXTS = 60, COLUMNS = 8, TEXT_BYTES = 2048 };

#define MARK "\xe2\x96\x81"
#define IDLE "{\"type\":\"Split\",\"pattern\":{\"String\":\"\\u0007\\u0007\"},\"behavior\":\"Isolated\",\"invert\":false}"
#define REPLACE "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" MARK "\"}"
#define REPLACE_SLOWLY "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" \"},\"content\":\"" MARK "\"}"
#define PREPEND "{\"type\":\"Prepend\",\"prepend\":\"" MARK "\"}"
#define METASPACE(scheme, split) "{\"type\":\"Metaspace\",\"replacement\":\"" MARK "\",\"prepend_scheme\":\"" scheme \
    "\",\"split\":" split "}"
#define SEQUENCE(kind, ...) "{\"type\":\"Sequence\",\"" kind "\":[" __VA_ARGS__ "]}"
#define NORMALS(...) SEQUENCE("normalizers", __VA_ARGS__)
#define PRES(...) SEQUENCE("pretokenizers", __VA_ARGS__)
#define BERT(lower) "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,\"strip_accents\":null," \
    "\"lowercase\":" lower "}"
#define WORDS "{\"type\":\"WhitespaceSplit\"}"

/* A pipeline on its own road, and on the general one. */
typedef struct road {
    const char *model, *normalizer, *pre, *slow_normalizer, *slow_pre;
} road;
static const road roads[] = {
    {"BPE", NORMALS(PREPEND "," REPLACE), "null", NORMALS(PREPEND "," REPLACE_SLOWLY), "null"},
    {"BPE", REPLACE, "{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},\"behavior\":\"MergedWithPrevious\",\"invert\":false}",
     REPLACE_SLOWLY, IDLE},
    {"BPE", "null", METASPACE("first", "false"), "null", PRES(METASPACE("first", "false") "," IDLE)},
    {"BPE", "null", METASPACE("always", "false"), "null", PRES(METASPACE("always", "false") "," IDLE)},
    {"BPE", "null", METASPACE("never", "false"), "null", PRES(METASPACE("never", "false") "," IDLE)},
    {"Unigram", "null", PRES(WORDS "," METASPACE("always", "true")), "null",
     PRES(WORDS "," METASPACE("always", "true") "," IDLE)},
    {"Unigram", "{\"type\":\"NFKC\"}", PRES(WORDS "," METASPACE("always", "true")), "{\"type\":\"NFKC\"}",
     PRES(WORDS "," METASPACE("always", "true") "," IDLE)},
    {"WordPiece", BERT("true"), "{\"type\":\"BertPreTokenizer\"}", NORMALS(BERT("true")), "{\"type\":\"BertPreTokenizer\"}"},
    {"WordPiece", BERT("false"), "{\"type\":\"BertPreTokenizer\"}", NORMALS(BERT("false")), "{\"type\":\"BertPreTokenizer\"}"},
};

/* What texts and models are made of; the first LETTERS may be tokens by themselves, and join. */
enum { LETTERS = 14, SNIPPETS = 30 };
static const char *const snippets[SNIPPETS] = {
    MARK, "a", "b", "c", ".", ",", "(", "1", "2", "e\xcc\x81", "\xc3\xa9", "\xe3\x81\x82", "\xe6\x97\xa5", "-",
    " ", " ", " ", "  ",
    "\xf0\x9f\x98\x80", "\n", "\t", "\xe3\x80\x80", "<s>", "\xef\xa4\x80", "\xe6\x9c\xac", "\xcc\x81", "Abc", "\xef\xac\x81",
    "\xd0\xb6", "abcabcabcabcabcabcabcabcabcabcabcabcabc"};

static size_t random_text(fh_test_rng *rng, uint8_t *out) {
    size_t size = 0;
    for (size_t n = fh_test_rng_below(rng, 45); n > 0; n--) {
        const char *s = snippets[fh_test_rng_below(rng, SNIPPETS)];
        memcpy(out + size, s, strlen(s));
        size += strlen(s);
    }
    return size;
}

static void put(fh_buf *out, const char *text) {
    fh_assert_ok(fh_buf_put(out, fh_span_of_str(text)));
}

/* Random joins of letters and of what they gave before: `vocab` gets the results, `merges` the halves. */
static void put_merges(fh_test_rng *rng, fh_buf *vocab, fh_buf *merges, size_t id) {
    enum { MADE = 40, ROOM = 48 };
    char made[LETTERS + MADE][ROOM];
    size_t count = LETTERS;
    for (size_t i = 0; i < LETTERS; i++)
        memcpy(made[i], snippets[i], strlen(snippets[i]) + 1);
    for (size_t n = fh_test_rng_below(rng, MADE); n > 0; n--) {
        const char *left = made[fh_test_rng_below(rng, count)], *right = made[fh_test_rng_below(rng, count)];
        size_t a = strlen(left), b = strlen(right);
        bool known = a + b >= ROOM;
        for (size_t i = 0; i < count && !known; i++)
            known = strlen(made[i]) == a + b && memcmp(made[i], left, a) == 0 && memcmp(made[i] + a, right, b + 1) == 0;
        if (known)
            continue;
        memcpy(made[count], left, a);
        memcpy(made[count] + a, right, b + 1);
        fh_assert_ok(fh_buf_format(vocab, ",\"%s\":%zu", made[count], id++));
        fh_assert_ok(fh_buf_format(merges, "%s[\"%s\",\"%s\"]", merges->size == 0 ? "" : ",", left, right));
        count++;
    }
}

static void put_bpe(fh_test_rng *rng, fh_allocator *a, fh_buf *out) {
    fh_buf merges;
    fh_buf_init(&merges, a, 0);
    bool bytes = fh_test_rng_below(rng, 3) != 0;
    put(out, "{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"ignore_merges\":false,\"dropout\":null,\"fuse_unk\":");
    put(out, fh_test_rng_below(rng, 2) == 0 ? "true" : "false");
    put(out, bytes ? ",\"byte_fallback\":true" : ",\"byte_fallback\":false");
    put(out, ",\"vocab\":{\"<unk>\":0");
    size_t id = 1, left_out = fh_test_rng_below(rng, 3 * LETTERS); /* a mark or a letter may be unknown */
    for (size_t i = 0; i < LETTERS; i++)
        if (i != left_out || i == 0 || i == 9)
            fh_assert_ok(fh_buf_format(out, ",\"%s\":%zu", snippets[i], id++));
    fh_assert_ok(fh_buf_format(out, ",\"e\":%zu,\"\xcc\x81\":%zu", id, id + 1));
    id += 2;
    for (unsigned b = 0; b < 256 && bytes; b++)
        if (b != 0xe6 || id % 2 == 0)
            fh_assert_ok(fh_buf_format(out, ",\"<0x%02X>\":%zu", b, id++));
    if (left_out < LETTERS && left_out != 0 && left_out != 9) /* what merges speak of has to be there */
        fh_assert_ok(fh_buf_format(out, ",\"%s%s\":%zu", snippets[left_out], "x", id++));
    else
        put_merges(rng, out, &merges, id);
    put(out, "},\"merges\":[");
    fh_assert_ok(fh_buf_put(out, fh_buf_view(&merges)));
    put(out, "]}");
    fh_buf_deinit(&merges);
}

static void put_unigram(fh_test_rng *rng, fh_buf *out) {
    put(out, "{\"type\":\"Unigram\",\"unk_id\":0,\"byte_fallback\":false,\"vocab\":[[\"<unk>\",0]");
    bool mark = fh_test_rng_below(rng, 4) != 0;
    for (size_t i = mark ? 0 : 1; i < LETTERS; i++)
        if (i <= 1 || fh_test_rng_below(rng, 5) != 0)
            fh_assert_ok(fh_buf_format(out, ",[\"%s\",-%d]", snippets[i], 1 + (int)fh_test_rng_below(rng, 9)));
    static const char *const words[] = {MARK "a", MARK "ab", "bc", "abc", MARK "\xe6\x97\xa5", MARK "(", "1.", "ca"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (fh_test_rng_below(rng, 3) != 0)
            fh_assert_ok(fh_buf_format(out, ",[\"%s\",-%d]", words[i], 1 + (int)fh_test_rng_below(rng, 9)));
    put(out, "]}");
}

static void put_wordpiece(fh_test_rng *rng, fh_buf *out) {
    put(out, "{\"type\":\"WordPiece\",\"unk_token\":\"<unk>\",\"continuing_subword_prefix\":\"##\","
             "\"max_input_chars_per_word\":20,\"vocab\":{\"<unk>\":0");
    size_t id = 1;
    for (size_t i = 0; i < LETTERS; i++)
        if (fh_test_rng_below(rng, 6) != 0)
            fh_assert_ok(fh_buf_format(out, ",\"%s\":%zu,\"##%s\":%zu", snippets[i], id, snippets[i], id + 1)), id += 2;
    fh_assert_ok(fh_buf_format(out, ",\"\xe8\xb1\x88\":%zu,\"abc\":%zu,\"##bc\":%zu,\"e\":%zu}}", id, id + 1, id + 2, id + 3));
}

static void put_file(fh_span model, const char *normalizer, const char *pre, bool normalized, fh_buf *out) {
    put(out, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[{\"id\":900,\"content\":\"<s>\","
             "\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"special\":true,\"normalized\":");
    put(out, normalized ? "true}],\"normalizer\":" : "false}],\"normalizer\":");
    put(out, normalizer);
    put(out, ",\"pre_tokenizer\":");
    put(out, pre);
    put(out, ",\"post_processor\":null,\"decoder\":null,\"model\":");
    fh_assert_ok(fh_buf_put(out, model));
    put(out, "}");
}

static fh_tokenizer *load(fh_allocator *a, fh_span model, const char *normalizer, const char *pre, bool normalized) {
    fh_buf file;
    fh_tokenizer *tok = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_buf_init(&file, a, 0);
    put_file(model, normalizer, pre, normalized, &file);
    if (fh_failed(fh_tokenizer_from_json(a, fh_buf_view(&file), &tok, &err)))
        fail_msg("%s\n%.*s", err.message, FH_SPAN_FMT(fh_buf_view(&file)));
    fh_buf_deinit(&file);
    return tok;
}

/* The same ids, and with offsets the same columns. */
static void compare(fh_allocator *a, fh_encoder *encoder[2], fh_span text, fh_offsets offsets) {
    fh_encoding out[2];
    fh_err err;
    for (size_t k = 0; k < 2; k++) {
        fh_encode_input in = {.text = text};
        fh_encode_options o = {.parse_special = true, .offsets = offsets};
        fh_encoding_init(out + k, a);
        fh_err_clear(&err);
        if (fh_failed(fh_encoder_encode(encoder[k], &in, o, out + k, &err)))
            fail_msg("%s", err.message);
    }
    assert_int_equal(fh_encoding_count(out), fh_encoding_count(out + 1));
    for (int c = 0; c < COLUMNS; c++) {
        fh_u32s fast = fh_encoding_column(out, (fh_column)c), slow = fh_encoding_column(out + 1, (fh_column)c);
        for (size_t i = 0; i < slow.count; i++)
            if (fh_u32s_get(fast, i) != fh_u32s_get(slow, i))
                fail_msg("column %d, token %zu: %u instead of %u in \"%.*s\"", c, i, fh_u32s_get(fast, i), fh_u32s_get(slow, i),
                         FH_SPAN_FMT(text));
    }
    fh_encoding_deinit(out);
    fh_encoding_deinit(out + 1);
}

static void run(fh_allocator *a, fh_test_rng *rng, const road *r, size_t *fast) {
    fh_buf model;
    fh_buf_init(&model, a, 0);
    if (strcmp(r->model, "BPE") == 0)
        put_bpe(rng, a, &model);
    else if (strcmp(r->model, "Unigram") == 0)
        put_unigram(rng, &model);
    else
        put_wordpiece(rng, &model);
    fh_tokenizer *tok[2] = {load(a, fh_buf_view(&model), r->normalizer, r->pre, false),
                            load(a, fh_buf_view(&model), r->slow_normalizer, r->slow_pre, false)};
    const fh_pipeline *own = tok[0]->pipeline, *general = tok[1]->pipeline;
    assert_true(!general->spaces && !general->leads);
    *fast += own->spaces || own->leads || strcmp(r->model, "WordPiece") == 0;
    fh_encoder *encoder[2];
    for (size_t k = 0; k < 2; k++)
        fh_assert_ok(fh_encoder_new(a, tok[k], encoder + k));
    for (size_t i = 0; i < TEXTS; i++) {
        uint8_t text[TEXT_BYTES];
        fh_span view = {text, random_text(rng, text)};
        for (int offsets = 0; offsets < 3; offsets++)
            compare(a, encoder, view, (fh_offsets)offsets);
    }
    for (size_t k = 0; k < 2; k++) {
        fh_encoder_free(encoder[k]);
        fh_tokenizer_free(tok[k]);
    }
    fh_buf_deinit(&model);
}

static void test_same(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_test_rng rng = fh_test_rng_new(23);
    size_t count = sizeof roads / sizeof *roads, fast = 0, rounds = 5 + fh_test_ops() / 10000;
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++)
            run(a, &rng, roads + i, &fast);
    assert_true(fast > rounds * count * 3 / 4);
}

/* What looks like one of the roads, and is not. */
static void test_general(void **state) {
#define LETTERS_OF_BPE "\"<unk>\":0,\"a\":1,\"" MARK "\":2},\"merges\":[]}"
#define MODEL_OF_BPE(more) "{\"type\":\"BPE\"," more "\"vocab\":{" LETTERS_OF_BPE
#define PLAIN MODEL_OF_BPE("\"unk_token\":\"<unk>\",")
#define UNIGRAM(unk, a, b) "{\"type\":\"Unigram\",\"unk_id\":" unk ",\"vocab\":[[\"" a "\",0],[\"" b "\",-1]]}"
#define OWN_WORDS PRES(WORDS "," METASPACE("always", "true"))
    static const struct {
        const char *model, *normalizer, *pre;
        bool normalized, own;
    } rows[] = {
        {PLAIN, REPLACE, "null", false, true},
        {PLAIN, REPLACE, "null", true, false},
        {PLAIN, "null", METASPACE("never", "true"), false, false},
        {PLAIN, "null", "null", false, false},
        {PLAIN, NORMALS(REPLACE "," PREPEND), "null", false, false},
        {PLAIN, NORMALS(PREPEND "," REPLACE ",{\"type\":\"NFC\"}"), "null", false, false},
        {PLAIN, NORMALS("{\"type\":\"Prepend\",\"prepend\":\"x\"}," REPLACE), "null", false, false},
        {PLAIN, "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"_\"}", "null", false, false},
        {PLAIN, REPLACE, METASPACE("first", "false"), false, false},
        {MODEL_OF_BPE(""), REPLACE, "null", false, false},
        {MODEL_OF_BPE("\"unk_token\":\"<unk>\",\"ignore_merges\":true,"), REPLACE, "null", false, false},
        {MODEL_OF_BPE("\"unk_token\":\"<unk>\",\"dropout\":0.5,"), REPLACE, "null", false, false},
        {"{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"vocab\":{\"<unk>\":0,\"a\":1},\"merges\":[]}", REPLACE, "null", false,
         false},
        {UNIGRAM("0", "<unk>", MARK), "null", OWN_WORDS, false, true},
        {UNIGRAM("0", "<unk>", "a"), "null", OWN_WORDS, false, false},
        {UNIGRAM("1", "a", MARK), "null", OWN_WORDS, false, false},
        {PLAIN, "null", OWN_WORDS, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fh_tokenizer *tok = load(fh_test_allocator(state), fh_span_of_str(rows[i].model), rows[i].normalizer, rows[i].pre,
                                 rows[i].normalized);
        if ((tok->pipeline->spaces || tok->pipeline->leads) != rows[i].own)
            fail_msg("row %zu", i);
        fh_tokenizer_free(tok);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_same), FH_TEST_ALLOC(test_general)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
