/* fuzz_token_model.c: token models from any bytes, and pieces for them.
 *
 * Input: the JSON of a model, a zero, and a text, which is cut into pieces at zeros. Properties: a model is refused with a
 * report, or works; ids are below its end and tokens stand in order; a piece gives the same twice, without offsets, and by the
 * model that was written and read again; over raw bytes tokens lie within the piece; a failure appends nothing. */
#include <string.h>

#include "text/pipe/token_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

#define CHECK(condition)      \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)

typedef struct lists {
    fh_model_scratch *room;
    fh_token_list all, again;
} lists;

/* Appends to l->again what l->all should have, and compares. */
static void compare(const fh_token_model *m, lists *l, fh_span piece, fh_status expected) {
    l->again.count = 0;
    CHECK(fh_token_model_encode(m, l->room, piece, &l->again).code == expected.code && l->again.count == l->all.count);
    for (size_t i = 0; i < l->all.count; i++) {
        CHECK(fh_u32s_get(l->again.ids, i) == fh_u32s_get(l->all.ids, i));
        if (!l->again.ids_only)
            CHECK(fh_u32s_get(l->again.begins, i) == fh_u32s_get(l->all.begins, i) &&
                  fh_u32s_get(l->again.ends, i) == fh_u32s_get(l->all.ends, i));
    }
}

/* One piece by a model and by its copy. */
static void encode(const fh_token_model *m, const fh_token_model *copy, bool raw, bool drops, lists *l, fh_span piece) {
    l->all.count = 0;
    fh_status s = fh_token_model_encode(m, l->room, piece, &l->all);
    CHECK(s.code == FH_OK || s.code == FH_NOT_FOUND);
    CHECK(s.code == FH_OK || l->all.count == 0);
    for (size_t i = 0; i < l->all.count; i++) {
        uint32_t begin = fh_u32s_get(l->all.begins, i), end = fh_u32s_get(l->all.ends, i);
        CHECK(fh_u32s_get(l->all.ids, i) < fh_token_model_id_end(m) && begin <= end && (!raw || end <= piece.size));
        CHECK(i == 0 || begin >= fh_u32s_get(l->all.begins, i - 1));
    }
    if (drops)
        return;
    for (int only = 0; only < 2; only++) {
        l->again.count = 0;
        l->again.ids_only = only != 0;
        compare(m, l, piece, s);
        if (!raw)
            compare(copy, l, piece, s);
    }
}

/* The model that another one is written as. */
static fh_token_model *copy_of(const fh_token_model *m) {
    fh_buf text;
    fh_json_writer w;
    fh_token_model *copy = NULL;
    fh_buf_init(&text, fh_heap(), 0);
    fh_json_writer_init(&w, &text, false);
    CHECK(fh_token_model_write(m, &w).code == FH_OK);
    CHECK(fh_token_model_read(fh_heap(), fh_buf_view(&text), 0, &copy, NULL).code == FH_OK);
    CHECK(fh_token_model_size(copy) == fh_token_model_size(m) && fh_token_model_kind(copy) == fh_token_model_kind(m));
    fh_buf_deinit(&text);
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fh_span all = {data, size};
    size_t end = fh_span_find(all, (fh_span){(const uint8_t *)"", 1}, 0);
    fh_span json = fh_span_sub(all, 0, end < size ? end : size), text = fh_span_from(all, end < size ? end + 1 : size);
    fh_token_model *m = NULL;
    fh_err err = {0};
    if (fh_failed(fh_token_model_read(fh_heap(), json, 0, &m, &err))) {
        CHECK(err.code != FH_OK && m == NULL);
        return 0;
    }
    lists l = {0};
    CHECK(fh_model_scratch_new(fh_heap(), &l.room).code == FH_OK);
    fh_token_list_init(&l.all, fh_heap(), false);
    fh_token_list_init(&l.again, fh_heap(), false);
    fh_token_model *copy = copy_of(m);
    bool drops = fh_span_find(json, FH_LIT("drop"), 0) != SIZE_MAX;
    for (int raw = 0; raw < 2 && (raw == 0 || fh_token_model_use_raw_bytes(m)); raw++)
        for (size_t at = 0; at < text.size;) {
            size_t to = fh_span_find(text, (fh_span){(const uint8_t *)"", 1}, at);
            to = to < text.size ? to : text.size;
            encode(m, copy, raw != 0, drops, &l, fh_span_sub(text, at, to - at));
            at = to + 1;
        }
    fh_token_list_deinit(&l.all);
    fh_token_list_deinit(&l.again);
    fh_model_scratch_free(l.room);
    fh_token_model_free(copy);
    fh_token_model_free(m);
    return 0;
}

/* --- seeds ------------------------------------------------------------------------------------------------------------ */

static void seed(void (*emit)(void *ctx, fh_span seed), void *ctx, const char *json, fh_span text) {
    fh_buf b;
    fh_buf_init(&b, fh_heap(), 0);
    CHECK(fh_buf_put(&b, fh_span_of_str(json)).code == FH_OK && fh_buf_put_u8(&b, 0).code == FH_OK &&
          fh_buf_put(&b, text).code == FH_OK);
    emit(ctx, fh_buf_view(&b));
    fh_buf_deinit(&b);
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
#define LETTERS "\"a\":0,\"b\":1,\"ab\":2,\"\xe2\x96\x81\":3,\"\xe2\x96\x81" "a\":4,\"[U]\":5,\"aa\":6"
#define MERGES "\"merges\":[\"a b\",[\"\xe2\x96\x81\",\"a\"],\"a a\"]"
    seed(emit, ctx, "{\"type\":\"BPE\",\"unk_token\":\"[U]\",\"fuse_unk\":true,\"vocab\":{" LETTERS "}," MERGES "}",
         FH_LIT("abab\0\xe2\x96\x81" "a\xe2\x96\x81" "ab\0xxa\xff\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    seed(emit, ctx, "{\"dropout\":0.5,\"byte_fallback\":true,\"vocab\":{" LETTERS ",\"<0x78>\":9}," MERGES "}",
         FH_LIT("xabab\0aaaab"));
    seed(emit, ctx, "{\"type\":\"BPE\",\"continuing_subword_prefix\":\"#\",\"end_of_word_suffix\":\"$\",\"ignore_merges\":true,"
                    "\"vocab\":{\"a\":0,\"#b$\":1,\"ab$\":2,\"#a\":3},\"merges\":[\"a #b$\"]}",
         FH_LIT("ab\0aab\0a"));
    seed(emit, ctx, "{\"unk_token\":\"u\",\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":9,\"vocab\":{"
                    "\"un\":0,\"##a\":1,\"u\":2,\"\\u00e9\":3}}",
         FH_LIT("una\0\xc3\xa9\0aaaaaaaaaaaaaaa"));
    seed(emit, ctx, "{\"type\":\"WordLevel\",\"unk_token\":\"u\",\"vocab\":{\"ab\":7,\"u\":2}}", FH_LIT("ab\0x"));
    seed(emit, ctx, "{\"type\":\"Unigram\",\"unk_id\":0,\"byte_fallback\":true,\"vocab\":[[\"u\",0],[\"a\",-1.5],"
                    "[\"ab\",-2e-3],[\"<0x78>\",-2.0122928619384766]]}",
         FH_LIT("abab\0axxb\0xx"));
}
