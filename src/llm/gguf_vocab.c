/* gguf_vocab.c: from a file's tokenizer.ggml.* keys to a tokenizer.
 *
 * Two kinds of vocabulary are known: "llama" (SentencePiece-style BPE) and "gpt2" (byte-level BPE with a named pre-tokenizer).
 * Where a key is absent its value is what llama.cpp takes (llama_vocab::impl::load), so that a file means the same in both.
 * A value that cannot be (a special token outside the vocabulary, a table that is too short) is refused.
 *
 * Invariant: array types are checked before an element is read. Memory: at most 3 times the file's size beside the tokenizer.
 * Threading: pure. */
#include "freehold/model.h"
#include "llm/gguf_file.h"

typedef struct vocab_reader {
    const fh_gguf *g;
    fh_ref fh_allocator *allocator;
    fh_err *err;
} vocab_reader;

static fh_status no_memory(const vocab_reader *r) {
    return fh_fail(r->err, FH_NOMEM, FH_NO_OFFSET, "no memory for the vocabulary");
}

/* The array `name` of a given element type and, unless `count` is SIZE_MAX, of so many elements. */
static fh_status find_array(const vocab_reader *r, const char *name, fh_gguf_type item, size_t count,
                            fh_out fh_view(*1) fh_gguf_key *key) {
    if (!fh_gguf_find(r->g, name, key))
        return fh_fail(r->err, FH_NOT_FOUND, FH_NO_OFFSET, "key \"%s\" is missing", name);
    if (key->type != FH_GGUF_ARRAY || key->item != item)
        return FH_GGUF_FAIL(r->err, FH_CORRUPT, key->offset_bytes, "key \"%s\" has type %s%s, expected array of %s", name,
                            key->type == FH_GGUF_ARRAY ? "array of " : "", fh_gguf_value_name(key->item),
                            fh_gguf_value_name(item));
    if (count != SIZE_MAX && key->count != count)
        return FH_GGUF_FAIL(r->err, FH_CORRUPT, key->offset_bytes, "key \"%s\" has %" PRIu64
                            " elements, expected %zu, one a token", name, key->count, count);
    return FH_DONE;
}

static fh_status read_tokens(const vocab_reader *r, fh_vocab *v) {
    fh_gguf_key key;
    FH_TRY(find_array(r, "tokenizer.ggml.tokens", FH_GGUF_STRING, SIZE_MAX, &key));
    if (key.count < 1 || key.count > FH_VOCAB_MAX)
        return FH_GGUF_FAIL(r->err, FH_LIMIT, key.offset_bytes, "key \"tokenizer.ggml.tokens\" has %" PRIu64
                            " elements, expected 1 to %d", key.count, FH_VOCAB_MAX);
    return fh_gguf_texts(r->g, key, r->allocator, &v->tokens, r->err);
}

static fh_status read_scores(const vocab_reader *r, fh_vocab *v) {
    fh_gguf_key key;
    double score;
    FH_TRY(find_array(r, "tokenizer.ggml.scores", FH_GGUF_F32, v->tokens.count, &key));
    if (fh_failed(fh_f32s_new(r->allocator, v->tokens.count, &v->scores)))
        return no_memory(r);
    for (size_t i = 0; i < v->scores.count; i++) {
        FH_TRY(fh_gguf_item_f64(r->g, key, i, &score, r->err));
        if (score != score)
            return FH_GGUF_FAIL(r->err, FH_CORRUPT, key.offset_bytes + 4 * i, "the score of token %zu is not a number", i);
        fh_f32s_set(v->scores, i, (float)score);
    }
    return FH_DONE;
}

/* Token types; a file without them has normal tokens only. */
static fh_status read_types(const vocab_reader *r, fh_vocab *v) {
    fh_gguf_key key;
    int64_t type;
    if (!fh_gguf_find(r->g, "tokenizer.ggml.token_type", &key))
        return FH_DONE;
    FH_TRY(find_array(r, "tokenizer.ggml.token_type", FH_GGUF_I32, v->tokens.count, &key));
    if (fh_failed(fh_u32s_new(r->allocator, v->tokens.count, &v->types)))
        return no_memory(r);
    for (size_t i = 0; i < v->types.count; i++) {
        FH_TRY(fh_gguf_item_i64(r->g, key, i, &type, r->err));
        if (type < FH_TOKEN_NORMAL || type > FH_TOKEN_BYTE)
            return FH_GGUF_FAIL(r->err, FH_CORRUPT, key.offset_bytes + 4 * i, "the type of token %zu is %" PRId64
                                ", expected %d to %d", i, type, FH_TOKEN_NORMAL, FH_TOKEN_BYTE);
        fh_u32s_set(v->types, i, (uint32_t)type);
    }
    return FH_DONE;
}

/* A special token's id: its key, or `fallback` where the vocabulary has such an id, or none. */
static fh_status read_id(const vocab_reader *r, const char *name, size_t tokens, uint32_t fallback, uint32_t *out) {
    fh_gguf_key key;
    uint64_t id;
    *out = fallback < tokens ? fallback : FH_NO_TOKEN;
    if (!fh_gguf_find(r->g, name, &key))
        return FH_DONE;
    FH_TRY(fh_gguf_u64(r->g, name, &id, r->err));
    if (id >= tokens)
        return FH_GGUF_FAIL(r->err, FH_CORRUPT, key.offset_bytes, "key \"%s\" is %" PRIu64 ", expected an id below %zu", name,
                            id, tokens);
    *out = (uint32_t)id;
    return FH_DONE;
}

/* A flag that may be absent. */
static fh_status read_flag(const vocab_reader *r, const char *name, bool fallback, bool *out) {
    fh_gguf_key key;
    *out = fallback;
    return fh_gguf_find(r->g, name, &key) ? fh_gguf_bool(r->g, name, out, r->err) : FH_DONE;
}

/* What each kind takes for granted. */
typedef struct vocab_defaults {
    uint32_t bos, eos, unk;
    bool add_bos, add_space_prefix;
} vocab_defaults;

static fh_status read_special(const vocab_reader *r, const vocab_defaults *d, fh_vocab *v) {
    size_t n = v->tokens.count;
    FH_TRY(read_id(r, "tokenizer.ggml.bos_token_id", n, d->bos, &v->bos));
    FH_TRY(read_id(r, "tokenizer.ggml.eos_token_id", n, d->eos, &v->eos));
    FH_TRY(read_id(r, "tokenizer.ggml.unknown_token_id", n, d->unk, &v->unk));
    FH_TRY(read_flag(r, "tokenizer.ggml.add_bos_token", d->add_bos, &v->add_bos));
    FH_TRY(read_flag(r, "tokenizer.ggml.add_eos_token", false, &v->add_eos));
    return read_flag(r, "tokenizer.ggml.add_space_prefix", d->add_space_prefix, &v->add_space_prefix);
}

static fh_status read_spm(const vocab_reader *r, fh_vocab *v) {
    static const vocab_defaults defaults = {.bos = 1, .eos = 2, .unk = 0, .add_bos = true, .add_space_prefix = true};
    v->kind = FH_VOCAB_SPM;
    FH_TRY(read_scores(r, v));
    return read_special(r, &defaults, v);
}

static fh_status read_bpe(const vocab_reader *r, fh_vocab *v) {
    vocab_defaults defaults = {.bos = 11, .eos = 11, .unk = FH_NO_TOKEN};
    fh_gguf_key key;
    fh_span pre = FH_LIT("default");
    uint64_t at = 0;
    v->kind = FH_VOCAB_BPE_BYTES;
    if (fh_gguf_find(r->g, "tokenizer.ggml.pre", &key)) {
        FH_TRY(fh_gguf_key_text(r->g, &key, &pre, r->err));
        at = key.offset_bytes;
    }
    if (!fh_pretok_of_name(pre, &v->pretok))
        return FH_GGUF_FAIL(r->err, FH_UNSUPPORTED, at, "pre-tokenizer \"%.*s\" is not supported", FH_GGUF_NAME(pre));
    /* The family of Llama 3 begins every text with BOS and takes whole pieces that are tokens as they are. */
    v->ignore_merges = v->pretok == FH_PRETOK_LLAMA3;
    defaults.add_bos = v->pretok == FH_PRETOK_LLAMA3;
    FH_TRY(find_array(r, "tokenizer.ggml.merges", FH_GGUF_STRING, SIZE_MAX, &key));
    FH_TRY(fh_gguf_texts(r->g, key, r->allocator, &v->merges, r->err));
    return read_special(r, &defaults, v);
}

static fh_status read_vocab(const vocab_reader *r, fh_vocab *v) {
    fh_gguf_key key;
    fh_span model;
    FH_TRY(fh_gguf_text(r->g, "tokenizer.ggml.model", &model, r->err));
    bool spm = fh_span_is(model, "llama");
    if (!spm && !fh_span_is(model, "gpt2")) {
        uint64_t at = fh_gguf_find(r->g, "tokenizer.ggml.model", &key) ? key.offset_bytes : 0;
        return FH_GGUF_FAIL(r->err, FH_UNSUPPORTED, at, "tokenizer \"%.*s\" is not supported, expected llama or gpt2",
                            FH_GGUF_NAME(model));
    }
    FH_TRY(read_tokens(r, v));
    FH_TRY(read_types(r, v));
    return spm ? read_spm(r, v) : read_bpe(r, v);
}

fh_status fh_model_tokenizer(fh_allocator *a, const fh_gguf *g, fh_tokenizer **out, fh_err *err) {
    const vocab_reader r = {g, a, err};
    fh_vocab v = {.bos = FH_NO_TOKEN, .eos = FH_NO_TOKEN, .unk = FH_NO_TOKEN};
    *out = NULL;
    fh_status status = read_vocab(&r, &v);
    if (!fh_failed(status))
        status = fh_tokenizer_new(a, &v, out, err);
    fh_views_free(a, &v.tokens);
    fh_views_free(a, &v.merges);
    fh_f32s_free(a, &v.scores);
    fh_u32s_free(a, &v.types);
    return status;
}
