/* train_like.c: training for a tokenizer that is there: its normalizer and its pre-tokenizer make the words, and its vocabulary
 * gives the options (train.h).
 *
 * Where the pre-tokenizer ends in ByteLevel, it cuts only, and the bytes of each word become letters here: that is cheaper than
 * to rewrite the text.
 *
 * Threading: a tokenizer is immutable; the room that the steps work in belongs to the sink. */
#include "text/pipe/byte_alphabet.h"
#include "text/pipe/pipeline.h"
#include "text/train/train_impl.h"

/* --- words -------------------------------------------------------------------------------------------------------------- */

struct fh_train_cutter {
    fh_ref fh_allocator *allocator;
    fh_owned fh_pieces pieces;
};

void fh_train_cutter_free(fh_train_cutter *c) {
    if (c == NULL)
        return;
    fh_pieces_deinit(&c->pieces);
    fh_free(c->allocator, c);
}

static fh_status add_cutter(fh_mut fh_train_sink *sink) {
    fh_allocator *a = sink->strings.allocator;
    fh_train_cutter *c = fh_alloc(a, 1, sizeof *c);
    if (c == NULL)
        return FH_STATUS(FH_NOMEM);
    c->allocator = a;
    fh_pieces_init(&c->pieces, a);
    sink->cutter = c;
    return FH_DONE;
}

/* A word of bytes as letters, which are below U+0800, so none takes more than two bytes. */
static fh_status put_letters(fh_mut fh_train_sink *sink, fh_span piece) {
    enum { AT_ONCE = 64 };
    for (size_t from = 0; from < piece.size; from += AT_ONCE) {
        uint8_t letters[2 * AT_ONCE] = {0};
        fh_mspan room = {letters, sizeof letters};
        size_t used = 0;
        for (size_t i = from; i < piece.size && i < from + AT_ONCE; i++) {
            uint32_t code = fh_alphabet_code(fh_span_at(piece, i));
            if (code >= 0x80)
                *fh_mspan_at(room, used++) = (uint8_t)(0xc0 | code >> 6);
            *fh_mspan_at(room, used++) = (uint8_t)(code < 0x80 ? code : 0x80 | (code & 0x3f));
        }
        fh_span some = fh_span_sub(fh_span_of_mut(room), 0, used);
        if (piece.size <= AT_ONCE)
            return fh_train_sink_add(sink, some);
        FH_TRY(fh_buf_put(&sink->scratch, some));
    }
    return fh_train_sink_end(sink);
}

static fh_status cut(const fh_pipeline *p, fh_span text, fh_mut fh_view(2) fh_normalized *n, fh_mut fh_train_sink *sink) {
    bool bytes = fh_pretokenizer_ends_in_bytes(p->pretokenizer);
    if (sink->cutter == NULL)
        FH_TRY(add_cutter(sink));
    FH_TRY(fh_pipeline_cut(p, text, false, bytes, n, &sink->cutter->pieces));
    for (size_t i = 0; i < sink->cutter->pieces.count; i++) {
        fh_piece piece = fh_pieces_get(&sink->cutter->pieces, i);
        fh_span word = fh_span_sub(fh_normalized_view(n), piece.begin, (size_t)piece.end - piece.begin);
        FH_TRY(bytes ? put_letters(sink, word) : fh_train_sink_put(sink, word));
    }
    return FH_DONE;
}

static fh_status split_like(const void *ctx, fh_span text, fh_train_sink *sink) {
    const fh_tokenizer *tok = ctx;
    fh_normalized n;
    fh_normalized_init(&n, sink->strings.allocator);
    fh_status s = cut(tok->pipeline, text, &n, sink);
    fh_normalized_deinit(&n);
    return s;
}

fh_train_splitter fh_train_split_like(const fh_tokenizer *tok) {
    return (fh_train_splitter){tok, split_like};
}

/* --- options ------------------------------------------------------------------------------------------------------------ */

struct fh_train_like {
    fh_ref fh_allocator *allocator;
    fh_ref const fh_pipeline *pipeline;
    fh_owned fh_views specials; /* room; `count` are in use */
    fh_owned fh_u32s letters;   /* of bytes, or none */
    size_t count;
};

static bool has(const fh_train_like *like, fh_span text) {
    for (size_t i = 0; i < like->count; i++)
        if (fh_span_equal(fh_views_get(like->specials, i), text))
            return true;
    return false;
}

/* The special tokens of the tokenizer, and those of `more` that are not among them; the unknown token first if it is none. */
static void put_specials(const fh_pipeline *p, fh_views more, fh_span unknown, fh_mut fh_view(1, 2, 3) fh_train_like *like) {
    for (size_t i = 0; i < p->added.tokens.count; i++) {
        const fh_added_token *t = fh_added_tokens_at(p->added.tokens.items, i);
        if (t->special && t->content_size != 0)
            fh_views_set(like->specials, like->count++, fh_added_content(&p->added, t));
    }
    for (size_t i = 0; i < more.count; i++)
        if (!has(like, fh_views_get(more, i)))
            fh_views_set(like->specials, like->count++, fh_views_get(more, i));
    if (unknown.size == 0 || has(like, unknown))
        return;
    for (size_t i = like->count++; i > 0; i--)
        fh_views_set(like->specials, i, fh_views_get(like->specials, i - 1));
    fh_views_set(like->specials, 0, unknown);
}

static fh_train_kind kind_of(fh_model_kind kind) {
    switch (kind) {
    case FH_MODEL_BPE: return FH_TRAIN_BPE;
    case FH_MODEL_WORDPIECE: return FH_TRAIN_WORDPIECE;
    case FH_MODEL_WORDLEVEL: return FH_TRAIN_WORDLEVEL;
    case FH_MODEL_UNIGRAM: break;
    }
    return FH_TRAIN_UNIGRAM;
}

/* The unknown token's text, or none. */
static fh_span unknown_of(const fh_pipeline *p) fh_view(1) {
    fh_span text;
    return fh_token_model_spelling(p->model, fh_token_model_unknown(p->model), &text) ? text : (fh_span){NULL, 0};
}

static fh_status fill(fh_mut fh_view(2) fh_train_like *like, fh_views more) {
    const fh_pipeline *p = like->pipeline;
    FH_TRY(fh_views_new(like->allocator, p->added.tokens.count + more.count + 1, &like->specials));
    put_specials(p, more, unknown_of(p), like);
    if (fh_token_model_kind(p->model) == FH_MODEL_WORDLEVEL || !fh_pretokenizer_ends_in_bytes(p->pretokenizer))
        return FH_DONE;
    FH_TRY(fh_u32s_new(like->allocator, 256, &like->letters));
    for (uint32_t i = 0; i < 256; i++)
        fh_u32s_set(like->letters, i, fh_alphabet_code((uint8_t)i));
    return FH_DONE;
}

fh_status fh_train_like_new(fh_allocator *a, const fh_tokenizer *tok, fh_views more, fh_train_like **out, fh_err *err) {
    *out = NULL;
    if (tok->pipeline->any_bytes)
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "a tokenizer out of a GGUF file is no example to train after");
    fh_train_like *like = fh_alloc(a, 1, sizeof *like);
    if (like == NULL)
        return FH_STATUS(FH_NOMEM);
    like->allocator = a;
    like->pipeline = tok->pipeline;
    fh_status s = fill(like, more);
    if (fh_failed(s)) {
        fh_train_like_free(like);
        return s;
    }
    *out = like;
    return FH_DONE;
}

fh_train_options fh_train_like_options(const fh_train_like *like) {
    const fh_token_model *m = like->pipeline->model;
    fh_train_kind kind = kind_of(fh_token_model_kind(m));
    fh_train_options o = {.kind = kind, .special_tokens = fh_views_sub(like->specials, 0, like->count),
                          .initial_alphabet = like->letters};
    if (kind == FH_TRAIN_UNIGRAM)
        o.unk_token = unknown_of(like->pipeline);
    if (kind == FH_TRAIN_BPE || kind == FH_TRAIN_WORDPIECE)
        o.continuing_subword_prefix = fh_token_model_prefix(m);
    if (kind == FH_TRAIN_BPE)
        o.end_of_word_suffix = fh_token_model_suffix(m);
    return o;
}

void fh_train_like_free(fh_train_like *like) {
    if (like == NULL)
        return;
    fh_views_free(like->allocator, &like->specials);
    fh_u32s_free(like->allocator, &like->letters);
    fh_free(like->allocator, like);
}
