/* embedder.c: vectors of texts, out of the states that an engine gives (embedder.h).
 *
 * Texts go through the engine as many at a time as a step has rows and sequences for, each a sequence of its own that begins
 * and ends with the step. A sequence takes whole segments of keys and values, so the engine has room for one that is partly
 * filled for each text beside those that the rows fill.
 *
 * Invariant: between two calls no sequence is open. Threading: embedder.h. */
#include "freehold/embedder.h"

#include "freehold/checked.h"
#include "llm/gguf_file.h"
#include "llm/layout.h"

FH_ARRAY_DEFINE(row);
FH_SPAN_DEFINE(seq, fh_seq);
FH_ARRAY_DEFINE(seq);
FH_SPAN_DEFINE(f64, double);
FH_ARRAY_DEFINE(f64);

enum { TOKENS_DEFAULT = 512, TEXTS_DEFAULT = 64, TEXTS_MAX = 4096 };

struct fh_embedder {
    fh_ref fh_allocator *allocator;
    fh_owned fh_engine *engine;
    fh_pooling pooling;
    size_t dim, tokens_max;
    fh_owned fh_rows rows; /* of a step */
    fh_owned fh_seqs seqs; /* texts of a step */
    fh_owned fh_f64s sum;
};

/* --- what a file asks for --------------------------------------------------------------------------------------------- */

const char *fh_pooling_name(fh_pooling pooling) {
    return pooling == FH_POOLING_LAST ? "last" : pooling == FH_POOLING_MEAN ? "mean" : "unknown";
}

fh_status fh_pooling_read(const fh_gguf *g, fh_pooling *out, fh_err *err) {
    fh_model_shape shape;
    fh_gguf_key key;
    fh_name name = {.size = 0};
    uint64_t value = 0;
    *out = FH_POOLING_MEAN;
    FH_TRY(fh_model_shape_read(g, &shape, err));
    fh_name_put(&name, fh_arch_name(shape.arch));
    fh_name_put(&name, ".pooling_type");
    if (!fh_gguf_find(g, name.text, &key))
        return FH_DONE;
    FH_TRY(fh_gguf_u64(g, name.text, &value, err));
    if (value > 4)
        return fh_fail(err, FH_CORRUPT, key.offset_bytes, "key \"%s\" is %llu, expected 0 to 4", name.text,
                       (unsigned long long)value);
    if (value == 2 || value == 4) /* the first token, which has seen nothing; a score */
        return fh_fail(err, FH_UNSUPPORTED, key.offset_bytes, "key \"%s\" is %llu, expected 0, 1 (mean) or 3 (last token)",
                       name.text, (unsigned long long)value);
    *out = value == 3 ? FH_POOLING_LAST : FH_POOLING_MEAN;
    return FH_DONE;
}

/* --- life ------------------------------------------------------------------------------------------------------------- */

static fh_status make(fh_mut fh_view(2, 3) fh_embedder *e, const fh_model *model, fh_device *dev, uint32_t texts, fh_err *err) {
    uint32_t rows = e->tokens_max > TOKENS_DEFAULT ? (uint32_t)e->tokens_max : TOKENS_DEFAULT;
    fh_engine_options o = {.states = true, .rows_max = rows, .seqs_max = texts,
                           .context = rows + (uint64_t)texts * FH_KV_BLOCK};
    FH_TRY(fh_engine_new(e->allocator, model, dev, &o, &e->engine, err));
    fh_status s = fh_rows_new(e->allocator, rows, &e->rows);
    if (!fh_failed(s))
        s = fh_seqs_new(e->allocator, texts, &e->seqs);
    if (!fh_failed(s))
        s = fh_f64s_new(e->allocator, e->dim, &e->sum);
    return fh_failed(s) ? fh_fail(err, s.code, FH_NO_OFFSET, "no memory for vectors of %zu elements", e->dim) : FH_DONE;
}

fh_status fh_embedder_new(fh_allocator *a, const fh_model *model, fh_device *dev, const fh_embedder_options *options,
                          fh_embedder **out, fh_err *err) {
    const fh_model_shape *shape = fh_model_shape_view(model);
    uint32_t most = shape->context < FH_ROWS_MAX ? shape->context : FH_ROWS_MAX;
    uint32_t texts = options->texts_max != 0 ? options->texts_max : TEXTS_DEFAULT;
    *out = NULL;
    if (options->tokens_max > most)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "texts of %u tokens, expected at most %u", options->tokens_max, most);
    if (texts > TEXTS_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "%u texts at once, expected at most %d", texts, TEXTS_MAX);
    if ((unsigned)options->pooling >= FH_POOLING_COUNT)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "pooling %u, expected 0 to %d", (unsigned)options->pooling,
                       FH_POOLING_COUNT - 1);
    fh_embedder *e = fh_alloc(a, 1, sizeof *e);
    if (e == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for an embedder");
    size_t wanted = options->tokens_max != 0 ? options->tokens_max : TOKENS_DEFAULT;
    *e = (fh_embedder){.allocator = a, .pooling = options->pooling, .dim = shape->width,
                       .tokens_max = wanted < most ? wanted : most};
    fh_status s = make(e, model, dev, texts, err);
    if (fh_failed(s)) {
        fh_embedder_free(e);
        return s;
    }
    *out = e;
    return FH_DONE;
}

void fh_embedder_free(fh_embedder *e) {
    if (e == NULL)
        return;
    fh_engine_free(e->engine);
    fh_rows_free(e->allocator, &e->rows);
    fh_seqs_free(e->allocator, &e->seqs);
    fh_f64s_free(e->allocator, &e->sum);
    fh_free(e->allocator, e);
}

size_t fh_embedder_dim(const fh_embedder *e) {
    return e->dim;
}

size_t fh_embedder_tokens_max(const fh_embedder *e) {
    return e->tokens_max;
}

/* --- vectors ---------------------------------------------------------------------------------------------------------- */

/* Rows [from, to) of the step just made, one text, to a vector of length 1. */
static fh_status pool(fh_mut fh_embedder *e, size_t from, size_t to, fh_f32s vector, fh_err *err) {
    double squares = 0;
    for (size_t c = 0; c < e->dim; c++)
        fh_f64s_set(e->sum, c, 0);
    for (size_t row = e->pooling == FH_POOLING_LAST ? to - 1 : from; row < to; row++) {
        fh_f32s state;
        FH_TRY(fh_engine_state(e->engine, row, &state));
        for (size_t c = 0; c < e->dim; c++)
            *fh_f64s_at(e->sum, c) += (double)fh_f32s_get(state, c);
    }
    for (size_t c = 0; c < e->dim; c++)
        squares += fh_f64s_get(e->sum, c) * fh_f64s_get(e->sum, c);
    if (!(squares > 0)) /* states are finite float32, so that their squares are far from overflow */
        return fh_fail(err, FH_NOT_FINITE, FH_NO_OFFSET, "its vector is zero: it has no direction");
    double length = __builtin_sqrt(squares);
    for (size_t c = 0; c < e->dim; c++)
        fh_f32s_set(vector, c, (float)(fh_f64s_get(e->sum, c) / length));
    return FH_DONE;
}

/* Texts [first, end), which fit into a step; their sequences are open. */
static fh_status step(fh_mut fh_embedder *e, fh_u32s tokens, fh_sizes ends, size_t first, size_t end, fh_f32s vectors,
                      fh_err *err) {
    size_t begin = first != 0 ? fh_sizes_get(ends, first - 1) : 0, rows = 0;
    for (size_t text = first; text < end; text++)
        for (size_t to = fh_sizes_get(ends, text) - begin; rows < to; rows++) {
            bool wanted = e->pooling == FH_POOLING_MEAN || rows + 1 == to;
            fh_row row = {fh_seqs_get(e->seqs, text - first), fh_u32s_get(tokens, begin + rows), wanted};
            fh_rows_set(e->rows, rows, row);
        }
    FH_TRY(fh_engine_step(e->engine, fh_rows_sub(e->rows, 0, rows), err));
    size_t from = 0;
    for (size_t text = first; text < end; text++) {
        size_t to = fh_sizes_get(ends, text) - begin;
        fh_err why;
        fh_err_clear(&why);
        fh_status s = pool(e, from, to, fh_f32s_sub(vectors, text * e->dim, e->dim), &why);
        if (fh_failed(s))
            return fh_fail(err, s.code, FH_NO_OFFSET, "text %zu: %s", text, why.message);
        from = to;
    }
    return FH_DONE;
}

/* The same with sequences that begin and end here. */
static fh_status step_anew(fh_mut fh_embedder *e, fh_u32s tokens, fh_sizes ends, size_t first, size_t end, fh_f32s vectors,
                           fh_err *err) {
    size_t opened = 0;
    fh_status s = FH_DONE;
    for (; opened < end - first && !fh_failed(s); opened += !fh_failed(s))
        s = fh_engine_open(e->engine, fh_seqs_at(e->seqs, opened));
    if (!fh_failed(s))
        s = step(e, tokens, ends, first, end, vectors, err);
    while (opened > 0) {
        fh_status closed = fh_engine_close(e->engine, fh_seqs_get(e->seqs, --opened));
        FH_ASSERT(!fh_failed(closed)); /* nobody else knows the handle */
    }
    return s;
}

/* Sizes alone: nothing is run before all of them are right. */
static fh_status check(const fh_embedder *e, fh_u32s tokens, fh_sizes ends, fh_f32s vectors, fh_err *err) {
    size_t room = 0, before = 0;
    if (!fh_mul_size(ends.count, e->dim, &room) || vectors.count != room)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "room for %zu numbers, expected %zu vectors of %zu", vectors.count,
                       ends.count, e->dim);
    for (size_t i = 0; i < ends.count; i++) {
        size_t end = fh_sizes_get(ends, i);
        if (end <= before || end > tokens.count)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "text %zu ends at token %zu, expected %zu to %zu", i, end, before + 1,
                           tokens.count);
        if (end - before > e->tokens_max)
            return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "text %zu has %zu tokens, expected at most %zu", i, end - before,
                           e->tokens_max);
        before = end;
    }
    return before == tokens.count ? FH_DONE : fh_fail(err, FH_INVALID, FH_NO_OFFSET, "texts end at token %zu, expected %zu",
                                                      before, tokens.count);
}

fh_status fh_embedder_run(fh_embedder *e, fh_u32s tokens, fh_sizes ends, fh_f32s vectors, fh_err *err) {
    FH_TRY(check(e, tokens, ends, vectors, err));
    for (size_t first = 0, end = 0; first < ends.count; first = end) {
        size_t begin = first != 0 ? fh_sizes_get(ends, first - 1) : 0;
        while (end < ends.count && end - first < e->seqs.count && fh_sizes_get(ends, end) - begin <= e->rows.count)
            end++;
        FH_TRY(step_anew(e, tokens, ends, first, end, vectors, err));
    }
    return FH_DONE;
}
