/* test_gguf_vocab.c: tokenizers from a file's keys: defaults, and every key with every wrong type and value. */
#include <stdio.h>
#include <string.h>

#include "freehold/model.h"
#include "gguf_bytes.h"

/* --- a file with a vocabulary ---------------------------------------------------------------------------------------- */

enum { TOKENS = 256 + 4, SPM_TOKENS = 3 + 256 + 2 };

/* A key that is to be left out, or written another way by `put`. */
typedef struct change {
    const char *name;
    void (*put)(fh_buf *b, const struct change *c);
    fh_gguf_type type;
    uint64_t number;
    size_t count;
    const char *text;
} change;

typedef struct file {
    fh_buf body;
    uint64_t keys;
    const change *c;
} file;

/* True if the key is to be written as usual; else writes the change. */
static bool usual(file *f, const char *name) {
    if (f->c == NULL || strcmp(f->c->name, name) != 0) {
        f->keys++;
        return true;
    }
    if (f->c->put != NULL) {
        f->c->put(&f->body, f->c);
        f->keys++;
    }
    return false;
}

static void put_text_key(file *f, const char *name, const char *text) {
    if (!usual(f, name))
        return;
    raw_key(&f->body, name, FH_GGUF_STRING);
    raw_text(&f->body, text);
}

/* The spelling of a byte in byte-level vocabularies, as UTF-8. */
static void byte_spelling(unsigned byte, char out[4]) {
    unsigned code = 256, b = 0;
    for (;; b++) {
        bool plain = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        if (b == byte) {
            code = plain ? byte : code;
            break;
        }
        code += !plain;
    }
    memset(out, 0, 4);
    if (code < 128) {
        out[0] = (char)code;
    } else {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 63));
    }
}

static void put_bpe(file *f) {
    fh_buf *b = &f->body;
    put_text_key(f, "tokenizer.ggml.model", "gpt2");
    put_text_key(f, "tokenizer.ggml.pre", "gpt-2");
    if (usual(f, "tokenizer.ggml.tokens")) {
        raw_array(b, "tokenizer.ggml.tokens", FH_GGUF_STRING, TOKENS);
        for (unsigned i = 0; i < 256; i++) {
            char spelling[4];
            byte_spelling(i, spelling);
            raw_text(b, spelling);
        }
        raw_text(b, "he");
        raw_text(b, "ll");
        raw_text(b, "hell");
        raw_text(b, "<|end|>");
    }
    if (usual(f, "tokenizer.ggml.token_type")) {
        raw_array(b, "tokenizer.ggml.token_type", FH_GGUF_I32, TOKENS);
        for (unsigned i = 0; i < TOKENS; i++)
            raw_int(b, i + 1 < TOKENS ? FH_TOKEN_NORMAL : FH_TOKEN_CONTROL, 4);
    }
    if (usual(f, "tokenizer.ggml.merges")) {
        raw_array(b, "tokenizer.ggml.merges", FH_GGUF_STRING, 3);
        raw_text(b, "h e");
        raw_text(b, "l l");
        raw_text(b, "he ll");
    }
}

static void put_spm(file *f) {
    fh_buf *b = &f->body;
    put_text_key(f, "tokenizer.ggml.model", "llama");
    if (usual(f, "tokenizer.ggml.tokens")) {
        raw_array(b, "tokenizer.ggml.tokens", FH_GGUF_STRING, SPM_TOKENS);
        raw_text(b, "<unk>");
        raw_text(b, "<s>");
        raw_text(b, "</s>");
        for (unsigned i = 0; i < 256; i++) {
            char text[8];
            snprintf(text, sizeof text, "<0x%02X>", i);
            raw_text(b, text);
        }
        raw_text(b, "\xe2\x96\x81");
        raw_text(b, "a");
    }
    if (usual(f, "tokenizer.ggml.scores")) {
        raw_array(b, "tokenizer.ggml.scores", FH_GGUF_F32, SPM_TOKENS);
        for (unsigned i = 0; i < SPM_TOKENS; i++)
            raw_int(b, fh_bits_of_f32(-(float)i), 4);
    }
    if (usual(f, "tokenizer.ggml.token_type")) {
        raw_array(b, "tokenizer.ggml.token_type", FH_GGUF_I32, SPM_TOKENS);
        for (unsigned i = 0; i < SPM_TOKENS; i++)
            raw_int(b, i == 0 ? FH_TOKEN_UNKNOWN : i < 3 ? FH_TOKEN_CONTROL : i < 259 ? FH_TOKEN_BYTE : FH_TOKEN_NORMAL, 4);
    }
}

/* Makes a tokenizer from a vocabulary with one key changed, which may be none of the usual ones. */
static fh_status make(fh_allocator *a, bool spm, const change *c, fh_tokenizer **tok, fh_err *err) {
    file f = {.c = c};
    fh_buf b;
    fh_gguf *g;
    fh_buf_init(&f.body, a, 0);
    fh_buf_init(&b, a, 0);
    if (spm)
        put_spm(&f);
    else
        put_bpe(&f);
    if (c != NULL && strstr(c->name, "_token") != NULL && strstr(c->name, "token_type") == NULL && c->put != NULL) {
        c->put(&f.body, c);
        f.keys++;
    }
    raw_start(&b, 3, 0, f.keys);
    fh_assert_ok(fh_buf_put(&b, fh_buf_view(&f.body)));
    fh_assert_ok(raw_open(a, fh_buf_view(&b), &g, NULL));
    fh_err_clear(err);
    fh_status status = fh_model_tokenizer(a, g, tok, err);
    if (fh_failed(status))
        assert_null(*tok);
    fh_gguf_close(g);
    fh_buf_deinit(&f.body);
    fh_buf_deinit(&b);
    return status;
}

/* --- good vocabularies ----------------------------------------------------------------------------------------------- */

static void check_ids(const fh_tokenizer *tok, const char *text, const uint32_t *ids, size_t count) {
    fh_ids out;
    fh_ids_init(&out, fh_heap(), 0);
    fh_assert_ok(fh_tokenizer_encode(tok, fh_span_of_str(text), (fh_encode_options){.add_special = true}, &out, NULL));
    assert_int_equal(out.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fh_u32s_get(fh_ids_view(&out), i), ids[i]);
    fh_ids_deinit(&out);
}

static void test_byte_level(void **state) {
    fh_tokenizer *tok;
    fh_err err;
    fh_assert_ok(make(fh_test_allocator(state), false, NULL, &tok, &err));
    assert_int_equal(fh_tokenizer_size(tok), TOKENS);
    assert_int_equal(fh_tokenizer_bos(tok), 11); /* what a file means that does not say */
    assert_int_equal(fh_tokenizer_eos(tok), 11);
    check_ids(tok, "hello", (const uint32_t[]){258, 'o'}, 2); /* no BOS, no space in front */
    fh_tokenizer_free(tok);
}

static void test_sentencepiece(void **state) {
    fh_tokenizer *tok;
    fh_err err;
    fh_assert_ok(make(fh_test_allocator(state), true, NULL, &tok, &err));
    assert_int_equal(fh_tokenizer_bos(tok), 1);
    assert_int_equal(fh_tokenizer_eos(tok), 2);
    check_ids(tok, "a", (const uint32_t[]){1, 259, 260}, 3); /* BOS, the space in front, a */
    fh_tokenizer_free(tok);
}

static void put_number(fh_buf *b, const change *c) {
    static const size_t widths[FH_GGUF_TYPE_COUNT] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    raw_key(b, c->name, c->type);
    raw_int(b, c->number, widths[c->type]);
}

static void put_text(fh_buf *b, const change *c) {
    raw_key(b, c->name, FH_GGUF_STRING);
    raw_text(b, c->text);
}

/* An array of `count` zeros of any type; texts are empty. */
static void put_array(fh_buf *b, const change *c) {
    static const size_t widths[FH_GGUF_TYPE_COUNT] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8};
    raw_array(b, c->name, c->type, c->count);
    raw_fill(b, 0, c->count * widths[c->type]);
}

static void test_flags_and_ids(void **state) {
    static const change rows[] = {
        {"tokenizer.ggml.add_bos_token", put_number, FH_GGUF_BOOL, 0, 0, NULL},
        {"tokenizer.ggml.add_eos_token", put_number, FH_GGUF_BOOL, 1, 0, NULL},
        {"tokenizer.ggml.bos_token_id", put_number, FH_GGUF_U32, 260, 0, NULL},
        {"tokenizer.ggml.eos_token_id", put_number, FH_GGUF_I32, 260, 0, NULL},
    };
    static const uint32_t ids[4][4] = {{259, 260}, {1, 259, 260, 2}, {260, 259, 260}, {1, 259, 260}};
    static const size_t counts[4] = {2, 4, 3, 3};
    for (size_t i = 0; i < 4; i++) {
        fh_tokenizer *tok;
        fh_err err;
        fh_assert_ok(make(fh_test_allocator(state), true, &rows[i], &tok, &err));
        check_ids(tok, "a", ids[i], counts[i]);
        assert_int_equal(fh_tokenizer_eos(tok), i == 3 ? 260 : 2);
        fh_tokenizer_free(tok);
    }
}

/* Files may do without token types; those of Llama 3 begin texts with BOS unless they say otherwise. */
static void test_what_may_be_absent(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok;
    fh_err err;
    fh_assert_ok(make(a, false, &(change){.name = "tokenizer.ggml.token_type"}, &tok, &err));
    fh_tokenizer_free(tok);
    fh_assert_ok(make(a, false, &(change){.name = "tokenizer.ggml.pre", .put = put_text, .text = "llama-bpe"}, &tok, &err));
    check_ids(tok, "hell", (const uint32_t[]){11, 258}, 2);
    fh_tokenizer_free(tok);
}

/* --- wrong ones ------------------------------------------------------------------------------------------------------ */

/* Every array key with every element type but its own, and with every scalar type. llama.cpp #24888, #26690: an array of u8
 * read as float. */
static void test_every_array_with_every_type(void **state) {
    static const struct {
        const char *name;
        bool spm;
        fh_gguf_type own;
        size_t count;
    } arrays[] = {{"tokenizer.ggml.tokens", true, FH_GGUF_STRING, SPM_TOKENS},
                  {"tokenizer.ggml.scores", true, FH_GGUF_F32, SPM_TOKENS},
                  {"tokenizer.ggml.token_type", true, FH_GGUF_I32, SPM_TOKENS},
                  {"tokenizer.ggml.tokens", false, FH_GGUF_STRING, TOKENS},
                  {"tokenizer.ggml.token_type", false, FH_GGUF_I32, TOKENS},
                  {"tokenizer.ggml.merges", false, FH_GGUF_STRING, 3}};
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        for (int type = 0; type < FH_GGUF_TYPE_COUNT; type++) {
            fh_tokenizer *tok;
            fh_err err;
            change c = {.name = arrays[i].name, .put = put_array, .type = (fh_gguf_type)type, .count = arrays[i].count};
            if (type == FH_GGUF_ARRAY)
                continue; /* refused when the file is opened */
            if (c.type != arrays[i].own) {
                fh_assert_code(make(a, arrays[i].spm, &c, &tok, &err), FH_CORRUPT);
                fh_assert_err(&err, FH_CORRUPT, arrays[i].name);
                fh_assert_err(&err, FH_CORRUPT, "expected array of ");
            }
            c.put = type == FH_GGUF_STRING ? put_text : put_number;
            c.text = "x";
            fh_assert_code(make(a, arrays[i].spm, &c, &tok, &err), FH_CORRUPT);
            fh_assert_err(&err, FH_CORRUPT, arrays[i].name);
        }
}

static void test_wrong_counts(void **state) {
    static const struct {
        const char *name;
        bool spm;
        fh_gguf_type type;
        size_t count;
        fh_code code;
        const char *says;
    } rows[] = {
        {"tokenizer.ggml.tokens", true, FH_GGUF_STRING, 0, FH_LIMIT, "has 0 elements, expected 1 to 1048576"},
        {"tokenizer.ggml.tokens", false, FH_GGUF_STRING, FH_VOCAB_MAX + 1, FH_LIMIT, "has 1048577 elements"},
        {"tokenizer.ggml.scores", true, FH_GGUF_F32, SPM_TOKENS - 1, FH_CORRUPT, "260 elements, expected 261, one a token"},
        {"tokenizer.ggml.scores", true, FH_GGUF_F32, SPM_TOKENS + 1, FH_CORRUPT, "262 elements"},
        {"tokenizer.ggml.scores", true, FH_GGUF_F32, 0, FH_CORRUPT, "0 elements"},
        {"tokenizer.ggml.token_type", false, FH_GGUF_I32, TOKENS - 1, FH_CORRUPT, "one a token"},
        {"tokenizer.ggml.token_type", false, FH_GGUF_I32, TOKENS, FH_CORRUPT, "the type of token 0 is 0, expected 1 to 6"},
    };
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fh_tokenizer *tok;
        fh_err err;
        change c = {.name = rows[i].name, .put = put_array, .type = rows[i].type, .count = rows[i].count};
        fh_assert_code(make(a, rows[i].spm, &c, &tok, &err), rows[i].code);
        fh_assert_err(&err, rows[i].code, rows[i].says);
    }
}

static void put_nan_scores(fh_buf *b, const change *c) {
    raw_array(b, c->name, FH_GGUF_F32, SPM_TOKENS);
    for (unsigned i = 0; i < SPM_TOKENS; i++)
        raw_int(b, i == 7 ? 0x7fc00000 : 0, 4);
}

static void put_bad_types(fh_buf *b, const change *c) {
    raw_array(b, c->name, FH_GGUF_I32, TOKENS);
    for (unsigned i = 0; i < TOKENS; i++)
        raw_int(b, i == 9 ? c->number : FH_TOKEN_NORMAL, 4);
}

/* A merge of pieces that are no tokens, and tokens that are not the bytes' spellings. */
static void put_bad_merges(fh_buf *b, const change *c) {
    raw_array(b, c->name, FH_GGUF_STRING, 1);
    raw_text(b, c->text);
}

static void test_wrong_values(void **state) {
    static const struct {
        bool spm;
        change c;
        fh_code code;
        const char *says;
    } rows[] = {
        {false, {"tokenizer.ggml.model", put_text, 0, 0, 0, "bert"}, FH_UNSUPPORTED, "tokenizer \"bert\" is not supported"},
        {false, {"tokenizer.ggml.model", put_text, 0, 0, 0, ""}, FH_UNSUPPORTED, "tokenizer \"\""},
        {false, {"tokenizer.ggml.model", NULL, 0, 0, 0, NULL}, FH_NOT_FOUND, "tokenizer.ggml.model"},
        {false, {"tokenizer.ggml.model", put_number, FH_GGUF_U32, 1, 0, NULL}, FH_CORRUPT, "expected string"},
        {false, {"tokenizer.ggml.pre", put_text, 0, 0, 0, "tekken"}, FH_UNSUPPORTED, "pre-tokenizer \"tekken\""},
        {false, {"tokenizer.ggml.pre", NULL, 0, 0, 0, NULL}, FH_UNSUPPORTED, "pre-tokenizer \"default\""},
        {false, {"tokenizer.ggml.pre", put_number, FH_GGUF_BOOL, 1, 0, NULL}, FH_CORRUPT, "tokenizer.ggml.pre"},
        {false, {"tokenizer.ggml.tokens", NULL, 0, 0, 0, NULL}, FH_NOT_FOUND, "tokenizer.ggml.tokens"},
        {false, {"tokenizer.ggml.merges", NULL, 0, 0, 0, NULL}, FH_NOT_FOUND, "tokenizer.ggml.merges"},
        {false, {"tokenizer.ggml.merges", put_bad_merges, 0, 0, 0, "he"}, FH_CORRUPT, NULL},
        {false, {"tokenizer.ggml.merges", put_bad_merges, 0, 0, 0, "he xyz"}, FH_CORRUPT, NULL},
        {true, {"tokenizer.ggml.scores", NULL, 0, 0, 0, NULL}, FH_NOT_FOUND, "tokenizer.ggml.scores"},
        {true, {"tokenizer.ggml.scores", put_nan_scores, 0, 0, 0, NULL}, FH_CORRUPT, "the score of token 7 is not a number"},
        {false, {"tokenizer.ggml.token_type", put_bad_types, 0, 7, 0, NULL}, FH_CORRUPT, "the type of token 9 is 7"},
        {false, {"tokenizer.ggml.token_type", put_bad_types, 0, UINT32_MAX, 0, NULL}, FH_CORRUPT, "is -1, expected 1 to 6"},
        /* llama.cpp #14145: special ids outside the vocabulary */
        {true, {"tokenizer.ggml.bos_token_id", put_number, FH_GGUF_U32, SPM_TOKENS, 0, NULL}, FH_CORRUPT,
         "expected an id below 261"},
        {true, {"tokenizer.ggml.eos_token_id", put_number, FH_GGUF_U32, UINT32_MAX, 0, NULL}, FH_CORRUPT, "4294967295"},
        {true, {"tokenizer.ggml.eos_token_id", put_number, FH_GGUF_I32, UINT32_MAX, 0, NULL}, FH_CORRUPT, "is -1"},
        {true, {"tokenizer.ggml.unknown_token_id", put_number, FH_GGUF_U64, UINT64_C(1) << 32, 0, NULL}, FH_CORRUPT,
         "4294967296"},
        {true, {"tokenizer.ggml.bos_token_id", put_number, FH_GGUF_F32, 0, 0, NULL}, FH_CORRUPT, "expected an integer"},
        {true, {"tokenizer.ggml.bos_token_id", put_array, FH_GGUF_U32, 0, 1, NULL}, FH_CORRUPT, "expected an integer"},
        {true, {"tokenizer.ggml.add_bos_token", put_number, FH_GGUF_U8, 1, 0, NULL}, FH_CORRUPT, "expected bool"},
        {true, {"tokenizer.ggml.add_eos_token", put_text, 0, 0, 0, "true"}, FH_CORRUPT, "expected bool"},
    };
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fh_tokenizer *tok;
        fh_err err;
        fh_status status = make(a, rows[i].spm, &rows[i].c, &tok, &err);
        if (status.code != rows[i].code)
            print_message("row %zu: %s %s\n", i, fh_code_name(status.code), err.message);
        assert_int_equal(status.code, rows[i].code);
        if (rows[i].says != NULL)
            fh_assert_err(&err, rows[i].code, rows[i].says);
    }
}

/* --- failures -------------------------------------------------------------------------------------------------------- */

static fh_status make_body(fh_allocator *a, void *arg) {
    fh_tokenizer *tok;
    fh_status status = fh_model_tokenizer(a, arg, &tok, NULL);
    fh_tokenizer_free(tok);
    return status;
}

static void test_allocation_failures(void **state) {
    for (int spm = 0; spm < 2; spm++) {
        file f = {.c = NULL};
        fh_buf b;
        fh_gguf *g;
        fh_buf_init(&f.body, fh_heap(), 0);
        fh_buf_init(&b, fh_heap(), 0);
        if (spm)
            put_spm(&f);
        else
            put_bpe(&f);
        raw_start(&b, 3, 0, f.keys);
        fh_assert_ok(fh_buf_put(&b, fh_buf_view(&f.body)));
        fh_assert_ok(raw_open(fh_heap(), fh_buf_view(&b), &g, NULL));
        assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), make_body, g) >= 4);
        fh_gguf_close(g);
        fh_buf_deinit(&f.body);
        fh_buf_deinit(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_byte_level),
        FH_TEST_ALLOC(test_sentencepiece),
        FH_TEST_ALLOC(test_flags_and_ids),
        FH_TEST_ALLOC(test_what_may_be_absent),
        FH_TEST_ALLOC(test_every_array_with_every_type),
        FH_TEST_ALLOC(test_wrong_counts),
        FH_TEST_ALLOC(test_wrong_values),
        FH_TEST_ALLOC(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
