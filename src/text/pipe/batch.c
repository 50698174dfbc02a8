/* batch.c: encoders, and many texts at once.
 *
 * A batch is shared out among the threads in equal lots of texts. Each thread writes to an encoding of its own, with room of
 * its own, and reads what all share: the pipeline. What they wrote is joined in the order of the texts, filled up to one
 * length.
 *
 * Invariant: rows of an encoding count from 0, one a text. Threading: an encoder belongs to one thread; inside a batch each
 * part uses its own room. */
#include "text/pipe/pipeline.h"

/* What one thread of a batch has. */
typedef struct fh_helper {
    fh_ref fh_allocator *allocator;
    fh_owned fh_room room;
    fh_owned fh_encoding encoding;
    fh_err err;
    fh_status status;
} fh_helper;
typedef struct fh_lot {
    fh_owned_or_null fh_helper *helper;
} fh_lot;
FH_SPAN_DEFINE(lot, fh_lot);
FH_ARRAY_DEFINE(lot);

struct fh_encoder {
    fh_ref fh_allocator *allocator;
    fh_owned fh_tokenizer *tok;
    fh_owned fh_room room;
    fh_truncation truncation;
    fh_padding padding;
    fh_owned fh_buf pad_token;
    fh_owned fh_encoding rows; /* before they are padded */
    fh_owned fh_lots lots;     /* one a thread */
    uint64_t seed, text;       /* of what is left to chance: the number of the next text */
};

static void end_helper(fh_drop fh_helper *h) {
    if (h == NULL)
        return;
    fh_room_deinit(&h->room);
    fh_encoding_deinit(&h->encoding);
    fh_free(h->allocator, h);
}

static fh_status make_helper(fh_ref fh_allocator *a, fh_owned fh_view(1) fh_helper **out) {
    *out = NULL;
    fh_helper *h = fh_alloc(a, 1, sizeof *h);
    if (h == NULL)
        return FH_STATUS(FH_NOMEM);
    h->allocator = a;
    fh_encoding_init(&h->encoding, a);
    fh_status s = fh_room_init(&h->room, a);
    if (fh_failed(s)) {
        end_helper(h);
        return s;
    }
    *out = h;
    return s;
}

static void end_lots(fh_ref fh_allocator *a, fh_drop fh_lots *lots) {
    for (size_t i = 0; i < lots->count; i++) {
        fh_lot *lot = fh_lots_at(*lots, i);
        end_helper(lot->helper);
        lot->helper = NULL;
    }
    fh_lots_free(a, lots);
}

/* Room for so many threads. */
static fh_status make_lots(fh_mut fh_encoder *e, size_t threads) {
    if (e->lots.count >= threads)
        return FH_DONE;
    fh_lots made;
    FH_TRY(fh_lots_new(e->allocator, threads, &made));
    for (size_t i = 0; i < threads; i++) {
        fh_status s = make_helper(e->allocator, &fh_lots_at(made, i)->helper);
        if (fh_failed(s)) {
            end_lots(e->allocator, &made);
            return s;
        }
    }
    end_lots(e->allocator, &e->lots);
    e->lots = made;
    return FH_DONE;
}

fh_status fh_encoder_new(fh_allocator *a, fh_tokenizer *tok, fh_encoder **out) {
    *out = NULL;
    fh_encoder *e = fh_alloc(a, 1, sizeof *e);
    if (e == NULL)
        return FH_STATUS(FH_NOMEM);
    e->allocator = a;
    e->tok = fh_tokenizer_share(tok);
    fh_encoding_init(&e->rows, a);
    fh_buf_init(&e->pad_token, a, 0);
    e->truncation = fh_tokenizer_truncation(tok);
    fh_status s = fh_room_init(&e->room, a);
    if (s.code == FH_OK)
        s = fh_encoder_pad(e, fh_tokenizer_padding(tok));
    if (fh_failed(s)) {
        fh_encoder_free(e);
        return s;
    }
    *out = e;
    return s;
}

void fh_encoder_free(fh_encoder *e) {
    if (e == NULL)
        return;
    end_lots(e->allocator, &e->lots);
    fh_room_deinit(&e->room);
    fh_encoding_deinit(&e->rows);
    fh_buf_deinit(&e->pad_token);
    fh_tokenizer_free(e->tok);
    fh_free(e->allocator, e);
}

void fh_encoder_truncate(fh_encoder *e, fh_truncation how) {
    e->truncation = how;
}

void fh_encoder_seed(fh_encoder *e, uint64_t seed, uint64_t text) {
    e->seed = seed;
    e->text = text;
}

fh_status fh_encoder_pad(fh_encoder *e, fh_padding how) {
    size_t before = e->pad_token.size;
    if (how.on && ((how.fixed && how.length > FH_PADDING_MAX) || how.multiple_of > FH_PADDING_MAX))
        return FH_STATUS(FH_LIMIT);
    FH_TRY(fh_buf_put(&e->pad_token, how.token));
    fh_buf_consume(&e->pad_token, before);
    e->padding = (fh_padding){.on = how.on, .left = how.left, .fixed = how.fixed, .length = how.length,
                              .multiple_of = how.multiple_of, .id = how.id, .type = how.type};
    return FH_DONE;
}

/* --- padding ---------------------------------------------------------------------------------------------------------- */

size_t fh_padding_length(const fh_padding *how, size_t longest) {
    size_t length = how->fixed ? how->length : longest, more = how->multiple_of != 0 ? length % how->multiple_of : 0;
    return more != 0 ? length + (how->multiple_of - more) : length;
}

static fh_status put_padding(fh_mut fh_encoding *e, const fh_padding *how, size_t count, uint32_t spelling) {
    for (size_t i = 0; i < count; i++)
        FH_TRY(fh_encoding_put(e, (fh_encoding_token){.id = how->id, .type = how->type, .word = FH_NO_WORD, .special = 1,
                                                      .spelling = spelling}));
    return FH_DONE;
}

static fh_status put_token(fh_mut fh_encoding *e, const fh_encoding *from, size_t i, uint32_t texts) {
    uint32_t spelling = fh_u32s_get(from->spelling.items, i);
    fh_encoding_token t = {.id = fh_u32s_get(from->id.items, i),
                           .type = fh_u32s_get(from->type.items, i),
                           .word = fh_u32s_get(from->word.items, i),
                           .begin = fh_u32s_get(from->begin.items, i),
                           .end = fh_u32s_get(from->end.items, i),
                           .special = fh_u32s_get(from->special.items, i),
                           .attention = fh_u32s_get(from->attention.items, i),
                           .spelling = spelling == FH_NO_WORD ? spelling : spelling + texts};
    return fh_encoding_put(e, t);
}

static fh_status append_padded(fh_mut fh_encoding *e, const fh_encoding *from, size_t row_add, const fh_padding *how,
                               size_t length) {
    uint32_t texts, pad;
    FH_TRY(fh_encoding_append_texts(e, from, &texts));
    FH_TRY(fh_encoding_keep(e, how->token, &pad));
    for (size_t p = 0; p < from->part_count; p++) {
        fh_encoding_part part = fh_encoding_part_at(from, p);
        size_t more = part.count < length ? length - part.count : 0;
        uint32_t shift = how->left ? (uint32_t)more : 0;
        FH_TRY(fh_encoding_reserve(e, part.count + more));
        FH_TRY(fh_encoding_begin(e, part.row + row_add, part.overflow));
        for (uint32_t r = 0; r < part.range_count && r < FH_SEQUENCES_MAX; r++)
            fh_encoding_range(e, (fh_sequence_range){part.ranges[r].sequence, part.ranges[r].from + shift,
                                                     part.ranges[r].to + shift});
        FH_TRY(put_padding(e, how, how->left ? more : 0, pad));
        for (size_t i = part.from; i < part.from + part.count; i++)
            FH_TRY(put_token(e, from, i, texts));
        FH_TRY(put_padding(e, how, how->left ? 0 : more, pad));
    }
    return FH_DONE;
}

fh_status fh_encoding_append_padded(fh_encoding *e, const fh_encoding *from, size_t row_add, const fh_padding *how,
                                    size_t length) {
    if (!how->on)
        return fh_encoding_append(e, from, row_add);
    fh_encoding_mark mark = fh_encoding_now(e);
    fh_status s = append_padded(e, from, row_add, how, length);
    if (fh_failed(s))
        fh_encoding_cut(e, mark);
    return s;
}

/* --- one text --------------------------------------------------------------------------------------------------------- */

static size_t rows_of(const fh_encoding *e) {
    return e->part_count != 0 ? fh_encoding_part_at(e, e->part_count - 1).row + 1 : 0;
}

static size_t longest_row(const fh_encoding *e) {
    size_t longest = 0;
    for (size_t p = 0; p < e->part_count; p++) {
        fh_encoding_part part = fh_encoding_part_at(e, p);
        if (!part.overflow && part.count > longest)
            longest = part.count;
    }
    return longest;
}

/* How the encoder pads, with its token. */
static fh_padding padding_of(const fh_encoder *e) fh_view(1) {
    fh_padding how = e->padding;
    how.token = fh_buf_view(&e->pad_token);
    return how;
}

static fh_status encode_padded(fh_mut fh_encoder *e, const fh_encode_input *input, fh_encode_options options,
                               fh_mut fh_encoding *out, fh_err *err) {
    fh_encoding_clear(&e->rows);
    FH_TRY(fh_pipeline_encode(e->tok->pipeline, &e->room, input, options, &e->truncation, 0, &e->rows, err));
    fh_padding how = padding_of(e);
    return fh_encoding_append_padded(out, &e->rows, rows_of(out), &how, fh_padding_length(&how, longest_row(&e->rows)));
}

fh_status fh_encoder_encode(fh_encoder *e, const fh_encode_input *input, fh_encode_options options, fh_encoding *out,
                            fh_err *err) {
    fh_encoding_mark mark = fh_encoding_now(out);
    fh_status s;
    fh_room_seed(&e->room, e->seed, e->text);
    if (e->padding.on)
        s = encode_padded(e, input, options, out, err);
    else
        s = fh_pipeline_encode(e->tok->pipeline, &e->room, input, options, &e->truncation, rows_of(out), out, err);
    if (fh_failed(s))
        fh_encoding_cut(out, mark);
    else
        e->text++;
    return s;
}

fh_status fh_encoder_ids(fh_encoder *e, fh_span text, fh_encode_options options, fh_ids *out, fh_err *err) {
    size_t before = out->count;
    fh_room_seed(&e->room, e->seed, e->text);
    fh_status s = fh_pipeline_ids(e->tok->pipeline, &e->room, text, options, SIZE_MAX - 1, out, err);
    if (fh_failed(s))
        out->count = before;
    else
        e->text++;
    return s;
}

fh_status fh_encoder_count(fh_encoder *e, fh_span text, fh_encode_options options, size_t budget, size_t *count, bool *fits,
                           fh_err *err) {
    *count = 0;
    *fits = false;
    fh_ids ids;
    fh_ids_init(&ids, e->allocator, 0);
    size_t tokens_max = budget < SIZE_MAX - 1 ? budget : SIZE_MAX - 1;
    fh_room_seed(&e->room, e->seed, e->text);
    fh_status s = fh_pipeline_ids(e->tok->pipeline, &e->room, text, options, tokens_max, &ids, err);
    *count = ids.count;
    *fits = ids.count <= budget;
    fh_ids_deinit(&ids);
    e->text += !fh_failed(s);
    return s;
}

/* --- many texts ------------------------------------------------------------------------------------------------------- */

typedef struct batch {
    const fh_pipeline *pipeline;
    const fh_truncation *truncation;
    fh_encode_inputs inputs;
    fh_encode_options options;
    fh_lots lots;
    uint64_t seed, text; /* the number of the first one */
} batch;

static void run_lot(void *arg, unsigned part, unsigned parts) {
    const batch *b = arg;
    fh_range share = fh_par_share(b->inputs.count, part, parts);
    fh_helper *h = fh_lots_at(b->lots, part)->helper;
    if (h == NULL)
        return;
    fh_encoding_clear(&h->encoding);
    fh_err_clear(&h->err);
    h->status = FH_DONE;
    for (size_t i = share.from; i < share.to && h->status.code == FH_OK; i++) {
        fh_room_seed(&h->room, b->seed, b->text + i);
        h->status = fh_pipeline_encode(b->pipeline, &h->room, fh_encode_inputs_at(b->inputs, i), b->options, b->truncation,
                                       i - share.from, &h->encoding, &h->err);
    }
}

/* Joins the lots in their order; the first failure is the batch's. */
static fh_status join_lots(const fh_encoder *e, size_t threads, fh_mut fh_encoding *out, fh_err *err) {
    size_t longest = 0, row = rows_of(out);
    for (size_t i = 0; i < threads; i++) {
        const fh_helper *h = fh_lots_at(e->lots, i)->helper;
        if (h == NULL)
            return FH_STATUS(FH_INVALID);
        if (fh_failed(h->status))
            return fh_fail(err, h->status.code, h->err.offset_bytes, "%s", h->err.message);
        size_t here = longest_row(&h->encoding);
        longest = here > longest ? here : longest;
    }
    fh_padding how = padding_of(e);
    for (size_t i = 0; i < threads; i++) {
        const fh_helper *h = fh_lots_at(e->lots, i)->helper;
        if (h == NULL)
            return FH_STATUS(FH_INVALID);
        FH_TRY(fh_encoding_append_padded(out, &h->encoding, row, &how, fh_padding_length(&how, longest)));
        row += rows_of(&h->encoding);
    }
    return FH_DONE;
}

fh_status fh_encoder_batch(fh_encoder *e, const fh_par *par, fh_encode_inputs inputs, fh_encode_options options,
                           fh_encoding *out, fh_err *err) {
    size_t threads = par != NULL && par->width > 1 ? par->width : 1;
    fh_encoding_mark mark = fh_encoding_now(out);
    fh_status s = make_lots(e, threads);
    if (s.code == FH_OK) {
        batch b = {.pipeline = e->tok->pipeline, .truncation = &e->truncation, .inputs = inputs,
                   .options = options, .lots = e->lots, .seed = e->seed, .text = e->text};
        if (par != NULL)
            fh_par_run(par, run_lot, &b);
        else
            run_lot(&b, 0, 1);
        s = join_lots(e, threads, out, err);
    }
    if (s.code == FH_OK) {
        e->text += inputs.count;
        return s;
    }
    fh_encoding_cut(out, mark);
    return fh_fail(err, s.code, FH_NO_OFFSET, "%s, for a batch of %zu texts", fh_code_text(s.code), inputs.count);
}
