/* fuzz_tokenizer.c: vocabularies and texts from any bytes.
 *
 * The first byte says what follows: 0 a tokenizer's file (a tokenizer.json, a SentencePiece model, or tiktoken ranks, which are
 * then gpt2's), else a small vocabulary (tokens, types, scores, merges, each length-prefixed, on top of the 256 bytes or on
 * nothing) and then the text. Properties: a vocabulary is refused or works; ids lie below its size; on failure the list is as
 * before; byte-level BPE gives every text back byte for byte, unless a user-defined token's spelling or a normalization stands
 * in between; encoding twice gives the same; what is written as a tokenizer.json is read again. */
#include "text/made_ranks.h"
#include "text/made_spm.h"
#include "text/made_vocab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

#define CHECK(condition)      \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)

/* Bytes still to be read; past the end come zeros. */
typedef struct source {
    fh_span rest;
} source;

static uint8_t next(source *s) {
    uint8_t b = s->rest.size ? fh_span_at(s->rest, 0) : 0;
    s->rest = s->rest.size ? fh_span_from(s->rest, 1) : s->rest;
    return b;
}

static fh_span next_text(source *s) {
    size_t size = next(s) % 24;
    size = size < s->rest.size ? size : s->rest.size;
    fh_span text = fh_span_sub(s->rest, 0, size);
    s->rest = fh_span_from(s->rest, size);
    return text;
}

static void encode(const fh_tokenizer *tok, fh_span text, fh_encode_options options, bool comes_back) {
    fh_ids ids, again;
    fh_buf back;
    fh_err err = {0};
    fh_ids_init(&ids, fh_heap(), 0);
    fh_ids_init(&again, fh_heap(), text.size / 2 + 1);
    fh_buf_init(&back, fh_heap(), 0);
    CHECK(fh_tokenizer_encode(tok, text, options, &ids, &err).code == FH_OK);
    for (size_t i = 0; i < ids.count; i++) {
        uint32_t id = fh_u32s_get(fh_ids_view(&ids), i);
        CHECK(id < fh_tokenizer_size(tok));
        CHECK(fh_tokenizer_piece(tok, id, i == 0, true, &back).code == FH_OK);
    }
    CHECK(!comes_back || fh_span_equal(fh_buf_view(&back), text));
    fh_status s = fh_tokenizer_encode(tok, text, options, &again, &err);
    CHECK(s.code == FH_OK ? again.count == ids.count : s.code == FH_LIMIT && again.count == 0);
    for (size_t i = 0; i < again.count; i++)
        CHECK(fh_u32s_get(again.items, i) == fh_u32s_get(ids.items, i));
    fh_ids_deinit(&ids);
    fh_ids_deinit(&again);
    fh_buf_deinit(&back);
}

/* A vocabulary from bytes; *normal: byte-level with normal tokens only, so every text must come back. */
static made_vocab *vocab_from(source *s, bool *normal) {
    uint8_t flags = next(s);
    made_vocab *m = flags & 1 ? made_spm() : made_bpe();
    if (flags & 2)
        m->token_count = m->used = 0;
    m->vocab.pretok = (fh_pretok)(next(s) % FH_PRETOK_COUNT);
    m->vocab.ignore_merges = (flags & 4) != 0;
    m->vocab.add_space_prefix = (flags & 8) != 0;
    m->vocab.add_bos = (flags & 16) != 0;
    if (flags & 32)
        m->vocab.unk = next(s);
    if (flags & 64)
        m->vocab.bos = next(s);
    *normal = (flags & 1) == 0;
    for (size_t n = next(s); n > 0; n--) {
        uint32_t type = next(s) % 16;
        type = type > 7 ? FH_TOKEN_NORMAL : type;
        uint8_t score = next(s);
        made_token(m, next_text(s), (fh_token_type)type,
                   score == 255 ? (float)(1e300 * 1e300 - 1e300 * 1e300) : (float)score - 100);
        *normal = *normal && type == FH_TOKEN_NORMAL;
    }
    for (size_t n = next(s); n > 0; n--)
        made_raw_merge(m, next_text(s));
    return m;
}

/* Writes a tokenizer out and reads it back. */
static void save(const fh_tokenizer *tok) {
    fh_buf text;
    fh_tokenizer *again;
    fh_buf_init(&text, fh_heap(), 0);
    CHECK(fh_tokenizer_save(tok, false, &text, NULL).code == FH_OK);
    CHECK(fh_tokenizer_from_json(fh_heap(), fh_buf_view(&text), &again, NULL).code == FH_OK);
    fh_tokenizer_free(again);
    fh_buf_deinit(&text);
}

/* A pipeline on one text, alone and as a pair: what comes out fits together, and is decoded. */
static void everything(fh_tokenizer *tok) {
    fh_encode_input in = {.text = FH_LIT("It's 12 o'clock: caf\xc3\xa9, e\xcc\x81 <c>  \xe3\x81\x82\n\n x"),
                          .pair = FH_LIT(" a b<c>")};
    fh_encode_options o = {.add_special = true, .parse_special = true, .offsets = FH_OFFSETS_CODE_POINTS};
    fh_encoder *encoder;
    fh_encoding e;
    fh_buf text;
    fh_ids ids;
    fh_encoding_init(&e, fh_heap());
    fh_buf_init(&text, fh_heap(), 0);
    fh_ids_init(&ids, fh_heap(), 0);
    CHECK(fh_encoder_new(fh_heap(), tok, &encoder).code == FH_OK);
    for (int pair = 0; pair < 2; pair++) {
        in.has_pair = pair != 0;
        fh_status s = fh_encoder_encode(encoder, &in, o, &e, NULL);
        CHECK(s.code == FH_OK || fh_encoding_count(&e) == 0 || pair != 0);
    }
    size_t covered = 0;
    for (size_t p = 0; p < fh_encoding_part_count(&e); p++) {
        fh_encoding_part part = fh_encoding_part_at(&e, p);
        CHECK(part.from == covered);
        covered += part.count;
    }
    CHECK(covered == fh_encoding_count(&e));
    for (size_t i = 0; i < covered; i++)
        CHECK(fh_tokenizer_shown(tok, &e, i, &text).code != FH_NOMEM);
    fh_code decoded = fh_tokenizer_decode(tok, fh_encoding_column(&e, FH_COLUMN_ID), false, &text).code;
    CHECK(decoded == FH_OK || decoded == FH_LIMIT);
    CHECK(fh_encoder_ids(encoder, FH_LIT("x \xff<c>\xe3\x81"), o, &ids, NULL).code == FH_OK || ids.count == 0);
    fh_encoder_free(encoder);
    fh_encoding_deinit(&e);
    fh_ids_deinit(&ids);
    fh_buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    source s = {{data, size}};
    fh_tokenizer *tok;
    fh_err err = {0};
    if (next(&s) == 0) {
        fh_tokenizer_hint hint = {.encoding = FH_LIT("gpt2")};
        if (fh_tokenizer_open(fh_heap(), s.rest, &hint, &tok, &err).code == FH_OK) {
            everything(tok);
            save(tok);
        } else {
            CHECK(err.code != FH_OK && tok == NULL);
        }
        fh_tokenizer_free(tok);
        return 0;
    }
    bool normal;
    made_vocab *m = vocab_from(&s, &normal);
    bool whole = m->token_count >= 256 && m->vocab.unk == FH_NO_TOKEN;
    if (fh_tokenizer_new(fh_heap(), made_view(m), &tok, &err).code == FH_OK) {
        encode(tok, s.rest, (fh_encode_options){0}, normal && whole);
        encode(tok, s.rest, (fh_encode_options){.add_special = true, .parse_special = true}, false);
        everything(tok);
        fh_span spelling;
        for (uint32_t id = 0; id < fh_tokenizer_size(tok); id++) {
            CHECK(fh_tokenizer_token(tok, id, &spelling).code == FH_OK);
            CHECK(spelling.size == 0 || fh_tokenizer_find(tok, spelling) == id);
        }
    } else {
        CHECK(err.code != FH_OK && tok == NULL);
    }
    fh_tokenizer_free(tok);
    return 0;
}

/* --- seeds ------------------------------------------------------------------------------------------------------------ */

static void put(fh_buf *b, fh_span s) {
    CHECK(fh_buf_put(b, s).code == FH_OK);
}

/* A vocabulary seed: kind flags, pre-tokenizer, tokens (type, score, spelling), merges, text. */
static void seed_vocab(void (*emit)(void *ctx, fh_span seed), void *ctx, uint8_t flags, uint8_t pretok,
                       const char *const *tokens, uint8_t type, const char *const *merges, const char *text) {
    fh_buf b;
    fh_buf_init(&b, fh_heap(), 0);
    size_t n = 0, m = 0;
    while (tokens[n] != NULL)
        n++;
    while (merges[m] != NULL)
        m++;
    const uint8_t head[] = {1, flags, pretok, (uint8_t)n};
    put(&b, (fh_span){head, sizeof head});
    for (size_t i = 0; i < n; i++) {
        fh_span spelling = fh_span_of_str(tokens[i]);
        const uint8_t token[] = {i % 5 == 4 ? type : 9, (uint8_t)(90 + i % 7), (uint8_t)spelling.size};
        put(&b, (fh_span){token, sizeof token});
        put(&b, spelling);
    }
    CHECK(fh_buf_put_u8(&b, (uint8_t)m).code == FH_OK);
    for (size_t i = 0; i < m; i++) {
        fh_span merge = fh_span_of_str(merges[i]);
        CHECK(fh_buf_put_u8(&b, (uint8_t)merge.size).code == FH_OK);
        put(&b, merge);
    }
    put(&b, fh_span_of_str(text));
    emit(ctx, fh_buf_view(&b));
    fh_buf_deinit(&b);
}

/* A small tokenizer.json. */
static void seed_json(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    fh_buf b;
    fh_buf_init(&b, fh_heap(), 0);
    CHECK(fh_buf_put_u8(&b, 0).code == FH_OK);
    put(&b, FH_LIT("{\"added_tokens\":[{\"id\":257,\"content\":\"<c>\",\"special\":true}],\"normalizer\":{\"type\":\"NFC\"},"
                   "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true},\"post_processor\":{\"type\":"
                   "\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<c>\"}},{\"Sequence\":{\"id\":\"A\"}}]},"
                   "\"model\":{\"type\":\"BPE\",\"unk_token\":null,\"ignore_merges\":true,\"vocab\":{"));
    for (unsigned i = 0; i < 256; i++) {
        uint8_t letter[4];
        size_t size = made_letter(i, letter);
        put(&b, i == '"' || i == '\\' ? FH_LIT("\"\\") : FH_LIT("\""));
        put(&b, (fh_span){letter, size});
        CHECK(fh_buf_format(&b, "\":%u,", i).code == FH_OK);
    }
    put(&b, FH_LIT("\"ab\":256},\"merges\":[\"a b\",[\"ab\",\"c\"]]}}"));
    emit(ctx, fh_buf_view(&b));
    fh_buf_truncate(&b, b.size - 13);
    put(&b, FH_LIT("]}}"));
    emit(ctx, fh_buf_view(&b));
    fh_buf_deinit(&b);
}

/* A file of another kind, less its last bytes too. */
static void seed_file(void (*emit)(void *ctx, fh_span seed), void *ctx, fh_span file) {
    fh_buf b;
    fh_buf_init(&b, fh_heap(), 0);
    CHECK(fh_buf_put_u8(&b, 0).code == FH_OK);
    put(&b, file);
    emit(ctx, fh_buf_view(&b));
    fh_buf_truncate(&b, b.size - file.size / 8);
    emit(ctx, fh_buf_view(&b));
    fh_buf_deinit(&b);
}

/* SentencePiece models of each kind, and ranks. */
static void seed_files(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    made_spm_model m;
    made_bpe_model(&m, fh_heap());
    seed_file(emit, ctx, made_spm_file(&m));
    made_spm_end(&m);
    made_unknown_model(&m, fh_heap());
    seed_file(emit, ctx, made_spm_file(&m));
    made_spm_end(&m);
    made_char_model(&m, fh_heap());
    seed_file(emit, ctx, made_spm_file(&m));
    made_spm_end(&m);
    made_unigram_model(&m, fh_heap(), true);
    seed_file(emit, ctx, made_spm_file(&m));
    made_spm_end(&m);
    fh_buf ranks;
    fh_buf_init(&ranks, fh_heap(), 0);
    made_ranks(&ranks);
    seed_file(emit, ctx, fh_buf_view(&ranks));
    fh_buf_deinit(&ranks);
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const char *const words[] = {"he", "hel", "\xc4\xa0h", "lo", "<c>", "oo", "ooo", "x", NULL};
    static const char *const merges[] = {"h e", "he l", "\xc4\xa0 h", "l o", "o o", NULL};
    static const char *const spm[] = {"\xe2\x96\x81",
                                      "a",
                                      "b",
                                      "ab",
                                      "<c>",
                                      "\xe2\x96\x81"
                                      "a",
                                      "\xc3\xa9",
                                      "aa",
                                      "a\xe2\x96\x81",
                                      NULL};
    static const char *const none[] = {NULL};
    for (uint8_t pretok = 0; pretok < 3; pretok++) {
        seed_vocab(emit, ctx, 0, pretok, words, 9, merges,
                   "hello hello <c> ooooooooooooooooooooooooooooooooooooooooooooooo 123 it's\n\n");
        seed_vocab(emit, ctx, 4, pretok, words, 3, merges, "hello <c> h\xff\xfe\xc3");
    }
    seed_vocab(emit, ctx, 1 | 8, 0, spm, 4, none, "ab  aab a\xc3\xa9 <c> b");
    seed_vocab(emit, ctx, 1 | 16, 0, spm, 3, none, "ababababababababababababababababababababababab <c>");
    seed_vocab(emit, ctx, 2 | 32, 0, words, 9, none, "hello");
    seed_json(emit, ctx);
    seed_files(emit, ctx);
}
