/* generate.c: from a prompt to a stream of text (generate.h).
 *
 * The generator's state is its sequence in the engine and one token, `drawn`, that has been drawn from the sequence's
 * logits and not been run yet. It is drawn in the call that made the logits, so that other sequences may use the engine
 * between two calls.
 *
 * Text waits in `held` until it may be shown: not a suffix that could become a stop string, not an unfinished character.
 *     held = [ shown by the last call | waiting ]        the first part is dropped by the next call
 *
 * Every step of a call can be repeated if a later one fails: a token is run and the next one drawn together or not at
 * all.
 *
 * Threading: one thread at a time. */
#include "freehold/generate.h"

#include "freehold/buf.h"
#include "freehold/utf8.h"

FH_ARRAY_DEFINE(row);

struct fh_generator {
    fh_ref fh_allocator *allocator;
    fh_engine *engine;
    const fh_tokenizer *tokenizer;
    fh_owned fh_sampler *sampler;
    uint64_t tokens_max; /* UINT64_MAX: none */
    bool ignore_end;
    uint64_t sequence_max;

    fh_owned fh_buf stop_bytes;
    fh_owned fh_views stops; /* parts of stop_bytes */

    fh_owned fh_seq seq;
    fh_owned fh_rows rows;    /* one chunk of a prompt */
    fh_owned fh_u32s history; /* token at each position of the sequence, for the repetition penalty; empty without one */

    bool prompted;   /* `drawn` is valid */
    uint32_t drawn;  /* the token to come after the sequence */
    bool given;      /* and fh_generator_next has returned it */
    bool blank;      /* no token with text so far: the first one drops the space that belongs to the vocabulary */
    uint64_t count;  /* tokens given since the last prompt */
    fh_owned fh_buf held;
    size_t shown;
    fh_finish finish;
};

const char *fh_finish_name(fh_finish f) {
    switch (f) {
    case FH_FINISH_NOT: return "not";
    case FH_FINISH_END: return "end";
    case FH_FINISH_LENGTH: return "length";
    case FH_FINISH_STOP: return "stop";
    case FH_FINISH_CANCEL: return "cancel";
    }
    return "unknown";
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static fh_status copy_stops(fh_generator *g, fh_views stops, fh_err *err) {
    if (stops.count > FH_STOPS_MAX)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%zu stop strings, expected at most %d", stops.count, FH_STOPS_MAX);
    for (size_t i = 0; i < stops.count; i++) {
        fh_span stop = fh_views_get(stops, i);
        if (stop.size == 0 || stop.size > FH_STOP_BYTES_MAX)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "stop string %zu has %zu bytes, expected 1 to %d", i, stop.size,
                           FH_STOP_BYTES_MAX);
        FH_TRY(fh_buf_put(&g->stop_bytes, stop));
    }
    FH_TRY(fh_views_new(g->allocator, stops.count, &g->stops));
    size_t at = 0; /* the bytes lie still from here on */
    for (size_t i = 0; i < stops.count; i++) {
        size_t size = fh_views_get(stops, i).size;
        fh_views_set(g->stops, i, fh_span_sub(fh_buf_view(&g->stop_bytes), at, size));
        at += size;
    }
    return FH_DONE;
}

static fh_status make(fh_generator *g, const fh_model *model, const fh_generate_options *options, fh_err *err) {
    fh_engine_stats stats = fh_engine_stats_get(g->engine);
    g->sequence_max = stats.sequence_max;
    FH_TRY(fh_sampler_new(g->allocator, fh_model_shape_view(model)->vocab, &options->sampling, &g->sampler, err));
    FH_TRY(copy_stops(g, options->stops, err));
    FH_TRY(fh_rows_new(g->allocator, stats.rows_max, &g->rows));
    if (options->sampling.repeat_penalty > 1.0f)
        FH_TRY(fh_u32s_new(g->allocator, (size_t)g->sequence_max, &g->history));
    return fh_engine_open(g->engine, &g->seq);
}

fh_status fh_generator_new(fh_allocator *a, const fh_model *model, fh_engine *engine, const fh_generate_options *options,
                           fh_generator **out, fh_err *err) {
    *out = NULL;
    fh_generator *g = fh_alloc(a, 1, sizeof *g);
    if (g == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a generator");
    *g = (fh_generator){.allocator = a, .engine = engine, .tokenizer = fh_model_tokenizer_view(model), .blank = true,
                        .tokens_max = options->tokens_max != 0 ? options->tokens_max : UINT64_MAX,
                        .ignore_end = options->ignore_end};
    fh_buf_init(&g->stop_bytes, a, 0);
    fh_buf_init(&g->held, a, 0);
    fh_status s = make(g, model, options, err);
    if (fh_failed(s)) {
        fh_generator_free(g);
        return fh_fail(err, s.code, FH_NO_OFFSET, "a generator: %s", fh_code_text(s.code));
    }
    *out = g;
    return FH_DONE;
}

void fh_generator_free(fh_generator *g) {
    if (g == NULL)
        return;
    bool opened = g->seq.value != 0;
    fh_status s = fh_engine_close(g->engine, g->seq);
    FH_ASSERT(!fh_failed(s) || !opened); /* nobody else knows the handle */
    fh_sampler_free(g->sampler);
    fh_buf_deinit(&g->stop_bytes);
    fh_buf_deinit(&g->held);
    fh_views_free(g->allocator, &g->stops);
    fh_rows_free(g->allocator, &g->rows);
    fh_u32s_free(g->allocator, &g->history);
    fh_free(g->allocator, g);
}

/* --- running and drawing ------------------------------------------------------------------------------------------ */

/* Forgets the positions from `length` on. */
static void go_back(fh_generator *g, uint64_t length) {
    fh_status s = fh_engine_truncate(g->engine, g->seq, length);
    FH_ASSERT(!fh_failed(s)); /* it was that long before */
}

/* Draws from the logits of row `row` of the step just made; the sequence has `length` positions now. */
static fh_status draw(fh_generator *g, size_t row, uint64_t length, uint32_t *out, fh_err *err) {
    fh_f32s logits = {0};
    fh_status s = fh_engine_logits(g->engine, row, &logits);
    if (fh_failed(s))
        return fh_fail(err, s.code, FH_NO_OFFSET, "the engine was used by somebody else during a step");
    fh_u32s recent = fh_u32s_sub(g->history, 0, g->history.count != 0 ? (size_t)length : 0);
    return fh_sampler_pick(g->sampler, logits, recent, length, out, err);
}

/* Runs the rows of one chunk, of which row i is at position `at` + i. */
static fh_status run_chunk(fh_generator *g, size_t count, uint64_t at, fh_err *err) {
    FH_TRY(fh_engine_step(g->engine, fh_rows_sub(g->rows, 0, count), err));
    for (size_t i = 0; i < count && g->history.count != 0; i++)
        fh_u32s_set(g->history, (size_t)at + i, fh_rows_get(g->rows, i).token);
    return FH_DONE;
}

/* Runs the drawn token and draws the next one. */
static fh_status advance(fh_generator *g, fh_err *err) {
    uint64_t length = 0;
    FH_TRY(fh_engine_length(g->engine, g->seq, &length));
    fh_rows_set(g->rows, 0, (fh_row){.seq = g->seq, .token = g->drawn, .logits = true});
    FH_TRY(run_chunk(g, 1, length, err));
    uint32_t next = 0;
    fh_status s = draw(g, 0, length + 1, &next, err);
    if (fh_failed(s)) {
        go_back(g, length);
        return s;
    }
    g->drawn = next;
    g->given = false;
    return FH_DONE;
}

/* A prompt under way. */
struct prompt {
    uint32_t carry;  /* a token to run before `ids`, or FH_NO_TOKEN */
    fh_u32s ids;
    uint64_t before; /* length of the sequence at its start */
    uint64_t total;  /* tokens to run */
    bool (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
};

/* Token i of a prompt with its carry. */
static uint32_t prompt_token(const struct prompt *p, uint64_t i) {
    if (p->carry == FH_NO_TOKEN)
        return fh_u32s_get(p->ids, (size_t)i);
    return i == 0 ? p->carry : fh_u32s_get(p->ids, (size_t)i - 1);
}

static fh_status run_prompt(fh_generator *g, const struct prompt *p, uint32_t *drawn, fh_err *err) {
    size_t count = 0;
    for (uint64_t done = 0; done < p->total; done += count) {
        uint64_t left = p->total - done;
        count = left < g->rows.count ? (size_t)left : g->rows.count;
        for (size_t i = 0; i < count; i++)
            fh_rows_set(g->rows, i, (fh_row){.seq = g->seq, .token = prompt_token(p, done + i),
                                             .logits = done + i + 1 == p->total});
        FH_TRY(run_chunk(g, count, p->before + done, err));
        if (p->progress != NULL && !p->progress(p->ctx, done + count, p->total))
            return fh_fail(err, FH_CANCELED, FH_NO_OFFSET, "canceled after %llu of %llu tokens of the prompt",
                           (unsigned long long)(done + count), (unsigned long long)p->total);
    }
    return draw(g, count - 1, p->before + p->total, drawn, err);
}

/* *out = true if one of the tokens stands for text. Uses the space behind `held`. */
static fh_status has_text(fh_generator *g, fh_u32s ids, bool *out) {
    *out = false;
    size_t size = g->held.size;
    for (size_t i = 0; i < ids.count && !*out; i++) {
        FH_TRY(fh_tokenizer_piece(g->tokenizer, fh_u32s_get(ids, i), false, false, &g->held));
        *out = g->held.size > size;
        fh_buf_truncate(&g->held, size);
    }
    return FH_DONE;
}

fh_status fh_generator_prompt(fh_generator *g, fh_u32s ids, bool (*progress)(void *ctx, uint64_t done, uint64_t total),
                              void *ctx, fh_err *err) {
    struct prompt p = {.carry = g->prompted && g->given ? g->drawn : FH_NO_TOKEN, .ids = ids, .progress = progress, .ctx = ctx};
    if (ids.count == 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "the prompt is empty");
    FH_TRY(fh_engine_length(g->engine, g->seq, &p.before));
    p.total = (uint64_t)ids.count + (p.carry != FH_NO_TOKEN);
    if (p.total >= g->sequence_max - p.before)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "%llu tokens of prompt after %llu positions fill the context of %llu",
                       (unsigned long long)p.total, (unsigned long long)p.before, (unsigned long long)g->sequence_max);
    uint32_t drawn = 0;
    bool text = false;
    fh_status s = run_prompt(g, &p, &drawn, err);
    if (!fh_failed(s))
        s = has_text(g, ids, &text);
    if (fh_failed(s)) {
        go_back(g, p.before);
        return fh_fail(err, s.code, FH_NO_OFFSET, "running the prompt: %s", fh_code_text(s.code));
    }
    fh_buf_truncate(&g->held, 0);
    g->shown = 0;
    g->drawn = drawn;
    g->given = false;
    g->prompted = true;
    g->blank = g->blank && !text;
    g->count = 0;
    g->finish = FH_FINISH_NOT;
    return FH_DONE;
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* True if a stop string is complete in `text`: the one that ends first (of those, the longest); *at is where it begins. */
static bool find_stop(const fh_generator *g, fh_span text, size_t *at) {
    size_t best_end = SIZE_MAX;
    *at = SIZE_MAX;
    for (size_t i = 0; i < g->stops.count; i++) {
        fh_span stop = fh_views_get(g->stops, i);
        size_t begin = fh_span_find(text, stop, 0);
        if (begin == SIZE_MAX)
            continue;
        size_t end = begin + stop.size;
        if (end < best_end || (end == best_end && begin < *at)) {
            best_end = end;
            *at = begin;
        }
    }
    return best_end != SIZE_MAX;
}

/* Length of the longest suffix of `text` with which a stop string begins. */
static size_t stop_begun(const fh_generator *g, fh_span text) {
    size_t longest = 0;
    for (size_t i = 0; i < g->stops.count; i++) {
        fh_span stop = fh_views_get(g->stops, i);
        for (size_t n = stop.size - 1 < text.size ? stop.size - 1 : text.size; n > longest; n--) {
            if (fh_span_equal(fh_span_from(text, text.size - n), fh_span_sub(stop, 0, n)))
                longest = n;
        }
    }
    return longest;
}

/* Ends the answer with the first `size` bytes of what is held. */
static void finish(fh_generator *g, fh_finish why, size_t size, fh_mut fh_view(1) fh_generated *out) {
    fh_buf_truncate(&g->held, size);
    g->shown = size;
    g->finish = why;
    out->text = fh_buf_view(&g->held);
    out->done = true;
    out->finish = why;
}

/* Drops what the last call has shown. */
static void drop_shown(fh_generator *g) {
    fh_buf_consume(&g->held, g->shown);
    g->shown = 0;
}

static fh_generated nothing_yet(fh_finish why) {
    return (fh_generated){.token = FH_NO_TOKEN, .done = why != FH_FINISH_NOT, .finish = why};
}

/* Gives out the drawn token. */
static fh_status give(fh_generator *g, fh_mut fh_view(1) fh_generated *out, fh_err *err) {
    bool end = fh_tokenizer_is_end(g->tokenizer, g->drawn) && !g->ignore_end;
    if (!end) {
        bool text = true;
        size_t size = g->held.size;
        uint32_t drawn = g->drawn;
        fh_status s = g->blank ? has_text(g, (fh_u32s){&drawn, 1}, &text) : FH_DONE;
        if (!fh_failed(s))
            s = fh_tokenizer_piece(g->tokenizer, g->drawn, g->blank, false, &g->held);
        if (fh_failed(s)) {
            fh_buf_truncate(&g->held, size);
            return fh_fail(err, s.code, FH_NO_OFFSET, "text of token %u: %s", g->drawn, fh_code_text(s.code));
        }
        g->blank = g->blank && !text;
    }
    g->given = true;
    g->count++;
    out->token = g->drawn;

    fh_span held = fh_buf_view(&g->held);
    size_t stop_at = 0;
    if (end)
        finish(g, FH_FINISH_END, held.size, out);
    else if (find_stop(g, held, &stop_at))
        finish(g, FH_FINISH_STOP, stop_at, out);
    else if (g->count >= g->tokens_max)
        finish(g, FH_FINISH_LENGTH, held.size, out);
    else {
        g->shown = fh_utf8_complete(fh_span_sub(held, 0, held.size - stop_begun(g, held)));
        out->text = fh_span_sub(held, 0, g->shown);
    }
    return FH_DONE;
}

fh_status fh_generator_next(fh_generator *g, fh_generated *out, fh_err *err) {
    drop_shown(g);
    *out = nothing_yet(g->finish);
    if (!g->prompted)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "there was no prompt");
    if (out->done)
        return FH_DONE;
    if (g->given) {
        fh_err why;
        fh_err_clear(&why);
        fh_status s = advance(g, &why);
        if (s.code == FH_LIMIT) { /* no position is left for the token */
            finish(g, FH_FINISH_LENGTH, g->held.size, out);
            return FH_DONE;
        }
        if (fh_failed(s))
            return fh_fail(err, s.code, why.offset_bytes, "%s", why.message);
    }
    return give(g, out, err);
}

fh_status fh_generator_cancel(fh_generator *g, fh_generated *out) {
    drop_shown(g);
    *out = nothing_yet(g->finish);
    if (!out->done)
        finish(g, FH_FINISH_CANCEL, g->held.size, out);
    return FH_DONE;
}
