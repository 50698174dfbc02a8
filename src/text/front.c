/* front.c: the front door of a tokenizer: its life, and its questions, whichever kind it is.
 *
 * A tokenizer is either a vocabulary out of a model file (tokenizer_impl.h) or a pipeline out of a tokenizer.json
 * (pipe/pipeline.h). Its handles are counted: the last one that ends ends it, on whatever thread that is; what was read through
 * any handle before happens before that.
 *
 * Threading: immutable, but for the count. */
#include "text/pipe/pipeline.h"

/* --- life --------------------------------------------------------------------------------------------------------------- */

fh_status fh_tokenizer_from_json(fh_allocator *a, fh_span json, fh_tokenizer **out, fh_err *err) {
    *out = NULL;
    fh_pipeline *pipeline = NULL;
    FH_TRY(fh_pipeline_new(a, json, &pipeline, err));
    fh_tokenizer *tok = fh_alloc(a, 1, sizeof *tok);
    if (tok == NULL) {
        fh_pipeline_free(pipeline);
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "out of memory for a tokenizer");
    }
    tok->allocator = a;
    fh_handles_init(&tok->handles);
    tok->pipeline = pipeline;
    *out = tok;
    return FH_DONE;
}

fh_status fh_tokenizer_save(const fh_tokenizer *tok, bool pretty, fh_buf *out, fh_err *err) {
    if (tok->pipeline == NULL)
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "a tokenizer out of a GGUF file has no tokenizer.json");
    size_t before = out->size;
    fh_json_writer w;
    fh_json_writer_init(&w, out, pretty);
    fh_status s = fh_pipeline_write(tok->pipeline, &w);
    if (fh_failed(s)) {
        fh_buf_truncate(out, before);
        return fh_fail(err, s.code, FH_NO_OFFSET, "%s, in writing a tokenizer.json", fh_code_text(s.code));
    }
    return s;
}

fh_status fh_tokenizer_save_member(const fh_tokenizer *tok, fh_span name, fh_buf *out, fh_err *err) {
    if (tok->pipeline == NULL)
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "a tokenizer out of a GGUF file has no tokenizer.json");
    size_t before = out->size;
    fh_json_writer w;
    fh_json_writer_init(&w, out, false);
    fh_status s = fh_pipeline_write_member(tok->pipeline, name, &w);
    if (!fh_failed(s))
        return s;
    fh_buf_truncate(out, before);
    return fh_fail(err, s.code, FH_NO_OFFSET, "%s, in writing \"%.*s\" of a tokenizer.json", fh_code_text(s.code),
                   FH_SPAN_FMT(name));
}

fh_tokenizer *fh_tokenizer_share(fh_tokenizer *tok) {
    return fh_handles_share(&tok->handles, tok);
}

void fh_tokenizer_free(fh_tokenizer *tok) {
    if (tok == NULL)
        return;
    if (fh_handles_end(&tok->handles))
        fh_vocab_end(tok);
    else
        fh_handles_forget(tok);
}

/* --- tokens ------------------------------------------------------------------------------------------------------------- */

uint32_t fh_tokenizer_size(const fh_tokenizer *tok) {
    return tok->pipeline != NULL ? tok->pipeline->id_end : (uint32_t)tok->tokens.count;
}

fh_status fh_tokenizer_token(const fh_tokenizer *tok, uint32_t id, fh_span *out) {
    *out = (fh_span){NULL, 0};
    if (tok->pipeline != NULL)
        return fh_pipeline_spelling(tok->pipeline, id, out) ? FH_DONE : FH_STATUS(FH_INVALID);
    if (id >= tok->tokens.count)
        return FH_STATUS(FH_INVALID);
    *out = fh_tokens_at(tok->tokens, id)->spelling;
    return FH_DONE;
}

uint32_t fh_tokenizer_find(const fh_tokenizer *tok, fh_span spelling) {
    if (tok->pipeline == NULL)
        return fh_vocab_find(tok, spelling);
    uint32_t id = fh_added_find(&tok->pipeline->added, spelling);
    return id != FH_NO_TOKEN ? id : fh_token_model_find(tok->pipeline->model, spelling);
}

uint32_t fh_tokenizer_bos(const fh_tokenizer *tok) {
    return tok->pipeline != NULL ? fh_postprocessor_edge(tok->pipeline->postprocessor, false) : tok->bos;
}

uint32_t fh_tokenizer_eos(const fh_tokenizer *tok) {
    return tok->pipeline != NULL ? fh_postprocessor_edge(tok->pipeline->postprocessor, true) : tok->eos;
}

bool fh_tokenizer_is_end(const fh_tokenizer *tok, uint32_t id) {
    if (tok->pipeline == NULL)
        return id < tok->tokens.count && fh_tokens_at(tok->tokens, id)->ends;
    fh_span spelling;
    return fh_pipeline_spelling(tok->pipeline, id, &spelling) &&
           (id == fh_tokenizer_eos(tok) || fh_vocab_ends_answer(spelling));
}

fh_status fh_tokenizer_piece(const fh_tokenizer *tok, uint32_t id, bool first, bool control, fh_buf *out) {
    if (tok->pipeline == NULL)
        return fh_vocab_piece(tok, id, first, control, out);
    fh_span spelling;
    const fh_added_token *t = fh_added_of_id(&tok->pipeline->added, id);
    if (!fh_pipeline_spelling(tok->pipeline, id, &spelling))
        return FH_STATUS(FH_INVALID);
    if (t != NULL && t->special)
        return control ? fh_buf_put(out, spelling) : FH_DONE;
    return fh_decoder_piece(tok->pipeline->decoder, spelling, first, out);
}

fh_status fh_tokenizer_shown(const fh_tokenizer *tok, const fh_encoding *e, size_t i, fh_buf *out) {
    if (i >= e->count)
        return FH_STATUS(FH_INVALID);
    uint32_t own = fh_u32s_get(e->spelling.items, i);
    if (own != FH_NO_WORD)
        return fh_buf_put(out, fh_encoding_kept(e, own));
    fh_span spelling = {NULL, 0};
    if (tok->pipeline == NULL || !fh_pipeline_shown(tok->pipeline, fh_u32s_get(e->id.items, i), &spelling))
        return FH_STATUS(FH_INVALID);
    return fh_buf_put(out, spelling);
}

/* --- text ----------------------------------------------------------------------------------------------------------------- */

fh_status fh_tokenizer_encode(const fh_tokenizer *tok, fh_span text, fh_encode_options options, fh_ids *out, fh_err *err) {
    if (tok->pipeline == NULL)
        return fh_vocab_encode(tok, text, options, out, err);
    size_t before = out->count;
    fh_room room;
    fh_status s = fh_room_init(&room, out->allocator);
    if (s.code == FH_OK) {
        s = fh_pipeline_ids(tok->pipeline, &room, text, options, SIZE_MAX - 1, out, err);
        fh_room_deinit(&room);
    }
    if (s.code == FH_OK)
        return s;
    out->count = before;
    return fh_fail(err, s.code, FH_NO_OFFSET, "out of memory while encoding %zu bytes", text.size);
}

bool fh_tokenizer_has_offsets(const fh_tokenizer *tok) {
    return tok->pipeline != NULL;
}

fh_truncation fh_tokenizer_truncation(const fh_tokenizer *tok) {
    return tok->pipeline != NULL ? tok->pipeline->truncation : (fh_truncation){.on = false};
}

fh_padding fh_tokenizer_padding(const fh_tokenizer *tok) {
    if (tok->pipeline == NULL)
        return (fh_padding){.on = false};
    fh_padding how = tok->pipeline->padding;
    how.token = fh_buf_view(&tok->pipeline->pad_token);
    return how;
}

size_t fh_tokenizer_added(const fh_tokenizer *tok, bool pair) {
    if (tok->pipeline != NULL)
        return fh_postprocessor_added(tok->pipeline->postprocessor, pair);
    return (size_t)tok->add_bos + tok->add_eos;
}
