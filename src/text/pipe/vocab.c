/* vocab.c: the vocabulary of a model file as a pipeline: the parts that a tokenizer.json of the same tokenizer would have.
 *
 * Byte-level BPE: the pre-tokenizer that the file names, the merges, the bytes back. SentencePiece's BPE: U+2581 for spaces and
 * before each stretch between special tokens, merges by score, bytes for what is no token. Control, unknown and user-defined
 * tokens are added tokens that are looked for in raw text. What they mean is llama.cpp's (llama_vocab): a control token that
 * stays text is as if it were not there, and bytes that are not UTF-8 are tokens too.
 *
 * A vocabulary comes from a file, so everything is refused that a later step would have to trust: types and scores are checked
 * token by token, special ids against the vocabulary's size, byte tokens for their form, merges for what they name, and that
 * every byte becomes something.
 *
 * Threading: one call, one thread. */
#include "freehold/utf8.h"
#include "text/pipe/byte_alphabet.h"
#include "text/pipe/pipeline.h"
#include "text/pipe/scan.h"

#define SPACE_MARK "\xe2\x96\x81"

bool fh_pretok_of_name(fh_span name, fh_pretok *out) {
    /* Only names whose expression is one of the three, character for character. */
    static const struct {
        const char *name;
        fh_pretok pretok;
    } known[] = {{"gpt-2", FH_PRETOK_GPT2},     {"phi-2", FH_PRETOK_GPT2},       {"olmo", FH_PRETOK_GPT2},
                 {"mpt", FH_PRETOK_GPT2},       {"llama-bpe", FH_PRETOK_LLAMA3}, {"llama3", FH_PRETOK_LLAMA3},
                 {"llama-v3", FH_PRETOK_LLAMA3}, {"qwen2", FH_PRETOK_QWEN2},     {"deepseek-r1-qwen", FH_PRETOK_QWEN2}};
    *out = FH_PRETOK_GPT2;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (fh_span_is(name, known[i].name)) {
            *out = known[i].pretok;
            return true;
        }
    }
    return false;
}

/* --- parts as JSON ---------------------------------------------------------------------------------------------------- */

static fh_status put_word(fh_json_writer *w, const char *key, const char *word) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_text(w, fh_span_of_str(word));
}

static fh_status put_flag(fh_json_writer *w, const char *key, bool v) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_bool(w, v);
}

/* Cuts by an expression, then spells bytes. */
static fh_status put_pretokenizer(fh_json_writer *w, const char *pattern) {
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_word(w, "type", "Sequence"));
    FH_TRY(fh_json_key(w, "pretokenizers"));
    FH_TRY(fh_json_open(w, false));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_word(w, "type", "Split"));
    FH_TRY(fh_json_key(w, "pattern"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_word(w, "Regex", pattern));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(put_word(w, "behavior", "Isolated"));
    FH_TRY(put_flag(w, "invert", false));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_word(w, "type", "ByteLevel"));
    FH_TRY(put_flag(w, "add_prefix_space", false));
    FH_TRY(put_flag(w, "trim_offsets", false));
    FH_TRY(put_flag(w, "use_regex", false));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(fh_json_close(w, false));
    return fh_json_close(w, true);
}

/* One item of a template: {kind: {"id": id, "type_id": type}}. */
static fh_status put_item(fh_json_writer *w, const char *kind, const char *id, uint64_t type) {
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, kind));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_word(w, "id", id));
    FH_TRY(fh_json_key(w, "type_id"));
    FH_TRY(fh_json_put_u64(w, type));
    FH_TRY(fh_json_close(w, true));
    return fh_json_close(w, true);
}

/* Each text between BOS and EOS. */
static fh_status put_template(fh_json_writer *w, const fh_vocab *v, const char *key, uint64_t texts) {
    FH_TRY(fh_json_key(w, key));
    FH_TRY(fh_json_open(w, false));
    for (uint64_t i = 0; i < texts; i++) {
        if (v->add_bos)
            FH_TRY(put_item(w, "SpecialToken", "bos", i));
        FH_TRY(put_item(w, "Sequence", i == 0 ? "A" : "B", i));
        if (v->add_eos)
            FH_TRY(put_item(w, "SpecialToken", "eos", i));
    }
    return fh_json_close(w, false);
}

static fh_status put_special(fh_json_writer *w, const fh_vocab *v, const char *name, uint32_t id) {
    if (id == FH_NO_TOKEN)
        return FH_DONE;
    FH_TRY(fh_json_key(w, name));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_word(w, "id", name));
    FH_TRY(fh_json_key(w, "ids"));
    FH_TRY(fh_json_open(w, false));
    FH_TRY(fh_json_put_u64(w, id));
    FH_TRY(fh_json_close(w, false));
    FH_TRY(fh_json_key(w, "tokens"));
    FH_TRY(fh_json_open(w, false));
    FH_TRY(fh_json_put_text(w, fh_views_get(v->tokens, id)));
    FH_TRY(fh_json_close(w, false));
    return fh_json_close(w, true);
}

static fh_status put_postprocessor(fh_json_writer *w, const fh_vocab *v) {
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_word(w, "type", "TemplateProcessing"));
    FH_TRY(put_template(w, v, "single", 1));
    FH_TRY(put_template(w, v, "pair", 2));
    FH_TRY(fh_json_key(w, "special_tokens"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_special(w, v, "bos", v->bos));
    FH_TRY(put_special(w, v, "eos", v->eos));
    FH_TRY(fh_json_close(w, true));
    return fh_json_close(w, true);
}

/* --- tokens ----------------------------------------------------------------------------------------------------------- */

/* The type of a token: as the file says, or by its spelling. */
static uint32_t type_of(const fh_vocab *v, uint32_t id) {
    if (v->types.count != 0)
        return fh_u32s_get(v->types, id);
    bool byte = v->kind == FH_VOCAB_SPM && fh_model_byte_of(fh_views_get(v->tokens, id)) >= 0;
    return byte ? FH_TOKEN_BYTE : FH_TOKEN_NORMAL;
}

/* True for tokens that text may become. */
static bool is_text(uint32_t type) {
    return type == FH_TOKEN_NORMAL || type == FH_TOKEN_USER || type == FH_TOKEN_UNUSED;
}

static fh_status check_counts(const fh_vocab *v, fh_err *err) {
    size_t n = v->tokens.count;
    if (v->types.count != 0 && v->types.count != n)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "vocabulary has %zu token types for %zu tokens", v->types.count, n);
    if (v->kind == FH_VOCAB_SPM && v->scores.count != n)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "vocabulary has %zu scores for %zu tokens", v->scores.count, n);
    return FH_DONE;
}

static fh_status check_token(const fh_vocab *v, uint32_t id, fh_err *err) {
    fh_span text = fh_views_get(v->tokens, id);
    uint32_t type = type_of(v, id);
    if (!fh_utf8_valid(text))
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "token %u is not UTF-8", id);
    if (type < FH_TOKEN_NORMAL || type > FH_TOKEN_BYTE)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "token %u has type %u, expected 1 to 6", id, type);
    if (type == FH_TOKEN_BYTE && fh_model_byte_of(text) < 0)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "byte token %u is \"%.*s\", expected <0x00> to <0xFF>", id,
                       FH_SPAN_FMT(text));
    float score = v->kind == FH_VOCAB_SPM ? fh_f32s_get(v->scores, id) : 0;
    if (!(score <= 0) && !(score > 0))
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "the score of token %u is not a number", id);
    return FH_DONE;
}

/* --- the model -------------------------------------------------------------------------------------------------------- */

static fh_status fill_parts(fh_ref fh_allocator *a, const fh_vocab *v, fh_mut fh_model_parts *parts, fh_err *err) {
    size_t n = v->tokens.count;
    bool spm = v->kind == FH_VOCAB_SPM;
    FH_TRY(check_counts(v, err));
    FH_TRY(fh_u64s_new(a, n / 64 + 1, &parts->silent));
    FH_TRY(fh_u32s_new(a, spm ? n : 0, &parts->ranks));
    FH_TRY(fh_u32s_new(a, spm ? 256 : 0, &parts->byte_tokens));
    for (size_t b = 0; b < parts->byte_tokens.count; b++)
        fh_u32s_set(parts->byte_tokens, b, FH_NO_TOKEN);
    for (uint32_t id = 0; id < n; id++) {
        FH_TRY(check_token(v, id, err));
        uint32_t type = type_of(v, id);
        if (!is_text(type))
            *fh_u64s_at(parts->silent, id / 64) |= UINT64_C(1) << id % 64;
        if (spm)
            fh_u32s_set(parts->ranks, id, fh_model_rank_of(fh_f32s_get(v->scores, id)));
        if (spm && type == FH_TOKEN_BYTE)
            fh_u32s_set(parts->byte_tokens, (size_t)fh_model_byte_of(fh_views_get(v->tokens, id)), id);
    }
    return FH_DONE;
}

/* Every byte becomes something. */
static fh_status check_bytes(const fh_token_model *m, const fh_vocab *v, fh_u32s bytes, fh_err *err) {
    for (uint32_t b = 0; b < 256 && v->unk == FH_NO_TOKEN; b++) {
        uint8_t letter[4] = {0};
        size_t size = fh_utf8_put(fh_alphabet_code((uint8_t)b), letter);
        uint32_t id = b < bytes.count ? fh_u32s_get(bytes, b)
                                      : fh_token_model_find(m, fh_span_sub((fh_span){letter, sizeof letter}, 0, size));
        if (id == FH_NO_TOKEN || (bytes.count == 0 && !is_text(type_of(v, id))))
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "no token stands for byte 0x%02x, and there is no unknown token", b);
    }
    return FH_DONE;
}

static fh_status make_model(fh_pipeline *p, const fh_vocab *v, fh_err *err) {
    bool bytes = v->kind == FH_VOCAB_BPE_BYTES;
    fh_model_parts parts = {.tokens = v->tokens, .merges = v->merges, .unk = v->unk, .raw_bytes = bytes,
                            .ignore_merges = bytes && v->ignore_merges};
    fh_status s = fill_parts(p->allocator, v, &parts, err);
    if (s.code == FH_OK)
        s = fh_token_model_build(p->allocator, &parts, &p->model, err);
    if (s.code == FH_OK)
        s = check_bytes(p->model, v, parts.byte_tokens, err);
    if (s.code == FH_OK)
        s = fh_token_model_find_seams(p->model);
    fh_model_parts_free(p->allocator, &parts);
    return s;
}

/* --- the whole -------------------------------------------------------------------------------------------------------- */

static fh_status check_special(const fh_vocab *v, fh_err *err) {
    const struct {
        const char *name;
        uint32_t id;
        bool needed;
    } special[] = {{"beginning-of-text", v->bos, v->add_bos}, {"end-of-text", v->eos, v->add_eos}, {"unknown", v->unk, false}};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        if (special[i].id != FH_NO_TOKEN && special[i].id >= v->tokens.count)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "the %s token is %u, but there are %zu tokens", special[i].name,
                           special[i].id, v->tokens.count);
        if (special[i].id == FH_NO_TOKEN && special[i].needed)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "the vocabulary asks for a %s token but names none", special[i].name);
    }
    return FH_DONE;
}

/* Tokens that are looked for before anything else happens; and those without a spelling, which are never found. */
static fh_status add_tokens(fh_added *added, const fh_vocab *v, fh_err *err) {
    added->unseen = true;
    for (uint32_t id = 0; id < v->tokens.count; id++) {
        uint32_t type = type_of(v, id);
        bool special = type == FH_TOKEN_CONTROL || type == FH_TOKEN_UNKNOWN;
        fh_span text = fh_views_get(v->tokens, id);
        if (special || type == FH_TOKEN_USER || text.size == 0)
            FH_TRY(fh_added_put(added, id, text, special, err));
    }
    return fh_added_build(added, err);
}

/* What differs between byte-level BPE … */
static fh_status make_byte_level(fh_pipeline *p, const fh_vocab *v, fh_mut fh_buf *json, fh_err *err) {
    static const fh_scan scans[FH_PRETOK_COUNT] = {
        [FH_PRETOK_GPT2] = FH_SCAN_GPT2, [FH_PRETOK_LLAMA3] = FH_SCAN_LLAMA3, [FH_PRETOK_QWEN2] = FH_SCAN_QWEN2};
    fh_json_writer w;
    const char *pattern = v->pretok < FH_PRETOK_COUNT ? fh_scan_pattern(scans[v->pretok]) : NULL;
    if (pattern == NULL)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "pre-tokenizer %d is none", (int)v->pretok);
    fh_json_writer_init(&w, json, false);
    FH_TRY(put_pretokenizer(&w, pattern));
    FH_TRY(fh_pretokenizer_read(p->allocator, fh_buf_view(json), 0, &p->pretokenizer, err));
    p->raw_bytes = true;
    return fh_decoder_read(p->allocator, FH_LIT("{\"type\":\"ByteLevel\"}"), 0, &p->decoder, err);
}

/* … and SentencePiece's. */
static fh_status make_spm(fh_pipeline *p, const fh_vocab *v, fh_err *err) {
    fh_span marks = FH_LIT("{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" SPACE_MARK "\"}");
    fh_span prefix = FH_LIT("{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"" SPACE_MARK "\"},"
                            "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" SPACE_MARK "\"}]}");
    fh_span bytes = FH_LIT("{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"" SPACE_MARK
                           "\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}]}");
    fh_span strip = FH_LIT("{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"" SPACE_MARK
                           "\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},"
                           "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]}");
    FH_TRY(fh_normalizer_read(p->allocator, v->add_space_prefix ? prefix : marks, 0, &p->normalizer, err));
    return fh_decoder_read(p->allocator, v->add_space_prefix ? strip : bytes, 0, &p->decoder, err);
}

static fh_status make_parts(fh_pipeline *p, const fh_vocab *v, fh_mut fh_buf *json, fh_err *err) {
    FH_TRY(make_model(p, v, err));
    FH_TRY(check_special(v, err));
    FH_TRY(add_tokens(&p->added, v, err));
    FH_TRY(v->kind == FH_VOCAB_SPM ? make_spm(p, v, err) : make_byte_level(p, v, json, err));
    p->unknown = FH_NO_TOKEN;
    p->id_end = (uint32_t)v->tokens.count;
    p->bos = v->bos;
    p->eos = v->eos;
    p->any_bytes = true;
    if (!v->add_bos && !v->add_eos)
        return FH_DONE;
    fh_json_writer w;
    fh_buf_truncate(json, 0);
    fh_json_writer_init(&w, json, false);
    FH_TRY(put_postprocessor(&w, v));
    return fh_postprocessor_read(p->allocator, fh_buf_view(json), 0, &p->postprocessor, err);
}

fh_status fh_pipeline_of_vocab(fh_allocator *a, const fh_vocab *v, fh_pipeline **out, fh_err *err) {
    *out = NULL;
    fh_pipeline *p = NULL;
    FH_TRY(fh_pipeline_blank(a, &p, err));
    fh_buf json;
    fh_buf_init(&json, a, 0);
    fh_status s = make_parts(p, v, &json, err);
    fh_buf_deinit(&json);
    if (fh_failed(s)) {
        fh_pipeline_free(p);
        return fh_fail(err, s.code, FH_NO_OFFSET, "%s, in making a tokenizer", fh_code_text(s.code));
    }
    *out = p;
    return s;
}
