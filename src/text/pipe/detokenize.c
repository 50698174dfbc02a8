/* detokenize.c: ids back to text, at once and token by token.
 *
 * The stream is the reference's (DecodeStream): it decodes a window of the last tokens, and what is longer than the window's
 * beginning alone is new. The window begins anew with each text that came out, so that it holds the tokens of two texts, most
 * often two or three tokens. A window that has grown to WINDOW_MAX without a text is said as it is: no token costs more than
 * that.
 *
 * Threading: a stream belongs to one thread. */
#include "freehold/utf8.h"
#include "text/pipe/pipeline.h"

enum { WINDOW_MAX = 64 };

fh_status fh_pipeline_decode(const fh_pipeline *p, fh_u32s ids, bool skip_special, fh_text_list *list, fh_text_list *room,
                             fh_buf *out) {
    fh_text_list_clear(list);
    for (size_t i = 0; i < ids.count; i++) {
        uint32_t id = fh_u32s_get(ids, i);
        fh_span spelling;
        const fh_added_token *t = fh_added_of_id(&p->added, id);
        if ((skip_special && t != NULL && t->hidden) || !fh_pipeline_spelling(p, id, &spelling))
            continue;
        FH_TRY(fh_text_list_put(list, spelling));
    }
    return fh_decoder_run(p->decoder, list, room, out);
}

fh_status fh_tokenizer_decode(const fh_tokenizer *tok, fh_u32s ids, bool skip_special, fh_buf *out) {
    size_t before = out->size;
    fh_text_list list, room;
    fh_text_list_init(&list, out->allocator);
    fh_text_list_init(&room, out->allocator);
    fh_status s = fh_pipeline_decode(tok->pipeline, ids, skip_special, &list, &room, out);
    fh_text_list_deinit(&list);
    fh_text_list_deinit(&room);
    if (fh_failed(s))
        fh_buf_truncate(out, before);
    return s;
}

/* --- token by token --------------------------------------------------------------------------------------------------- */

struct fh_decode_stream {
    fh_ref fh_allocator *allocator;
    fh_owned fh_tokenizer *tok;
    fh_owned fh_ids ids;         /* the window */
    fh_owned fh_buf prefix, text; /* what the first `said` tokens of the window give; what all give */
    size_t said;
    bool skip_special;
};

fh_status fh_decode_stream_new(fh_allocator *a, fh_tokenizer *tok, bool skip_special, fh_decode_stream **out) {
    *out = NULL;
    fh_decode_stream *s = fh_alloc(a, 1, sizeof *s);
    if (s == NULL)
        return FH_STATUS(FH_NOMEM);
    s->allocator = a;
    s->tok = fh_tokenizer_share(tok);
    s->skip_special = skip_special;
    fh_ids_init(&s->ids, a, 0);
    fh_buf_init(&s->prefix, a, 0);
    fh_buf_init(&s->text, a, 0);
    *out = s;
    return FH_DONE;
}

void fh_decode_stream_free(fh_decode_stream *s) {
    if (s == NULL)
        return;
    fh_ids_deinit(&s->ids);
    fh_buf_deinit(&s->prefix);
    fh_buf_deinit(&s->text);
    fh_tokenizer_free(s->tok);
    fh_free(s->allocator, s);
}

/* What the window gives, in `to`. */
static fh_status decode_window(const fh_tokenizer *tok, const fh_ids *ids, bool skip_special, fh_mut fh_buf *to) {
    fh_buf_truncate(to, 0);
    return fh_tokenizer_decode(tok, fh_ids_view(ids), skip_special, to);
}

/* True for a text whose last character may still be incomplete. */
static bool ends_open(fh_span text) {
    fh_span last;
    return (text.size >= 3 && fh_span_slice(text, text.size - 3, 3, &last) && fh_span_is(last, "\xef\xbf\xbd")) ||
           fh_utf8_complete(text) != text.size;
}

/* The window keeps the tokens that are not yet said. */
static void drop_said(fh_mut fh_ids *ids, size_t said) {
    for (size_t i = said; i < ids->count; i++)
        fh_u32s_set(ids->items, i - said, fh_u32s_get(ids->items, i));
    ids->count -= said;
}

fh_status fh_decode_stream_step(fh_decode_stream *s, uint32_t id, fh_buf *out) {
    if (s->prefix.size == 0 && s->ids.count != 0) {
        FH_TRY(decode_window(s->tok, &s->ids, s->skip_special, &s->text));
        if (!ends_open(fh_buf_view(&s->text))) {
            FH_TRY(fh_buf_put(&s->prefix, fh_buf_view(&s->text)));
            s->said = s->ids.count;
        }
    }
    FH_TRY(fh_ids_put(&s->ids, id));
    fh_status status = decode_window(s->tok, &s->ids, s->skip_special, &s->text);
    fh_span text = fh_buf_view(&s->text), prefix = fh_buf_view(&s->prefix);
    bool full = s->ids.count - s->said >= WINDOW_MAX;
    if (status.code == FH_OK && (text.size <= prefix.size || (ends_open(text) && !full))) {
        if (full) /* tokens that give nothing: none of them is needed any more */
            drop_said(&s->ids, s->said != 0 ? s->said : s->ids.count - 1);
        return FH_DONE;
    }
    size_t old = fh_span_starts(text, prefix) ? prefix.size : 0;
    if (status.code == FH_OK)
        status = fh_buf_put(out, fh_span_from(text, old));
    if (fh_failed(status)) {
        s->ids.count--;
        return status;
    }
    size_t said = s->ids.count - s->said;
    drop_said(&s->ids, s->said);
    s->said = said;
    return decode_window(s->tok, &s->ids, s->skip_special, &s->prefix);
}
