/* front.c: the front door of a tokenizer: its life, and its questions.
 *
 * A tokenizer is a pipeline (pipe/pipeline.h) with counted handles: the last one that ends ends it, on whatever thread that is;
 * what was read through any handle before happens before that.
 *
 * Threading: immutable, but for the count. */
#include "text/pipe/pipeline.h"
#include "text/pipe/stored.h"

/* --- life --------------------------------------------------------------------------------------------------------------- */

fh_status fh_tokenizer_of_pipeline(fh_allocator *a, fh_pipeline *pipeline, fh_tokenizer **out, fh_err *err) {
    *out = NULL;
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

fh_status fh_tokenizer_from_json(fh_allocator *a, fh_span json, fh_tokenizer **out, fh_err *err) {
    *out = NULL;
    fh_pipeline *pipeline = NULL;
    FH_TRY(fh_pipeline_new(a, json, &pipeline, err));
    return fh_tokenizer_of_pipeline(a, pipeline, out, err);
}

fh_status fh_tokenizer_new(fh_allocator *a, const fh_vocab *vocab, fh_tokenizer **out, fh_err *err) {
    *out = NULL;
    fh_pipeline *pipeline = NULL;
    FH_TRY(fh_pipeline_of_vocab(a, vocab, &pipeline, err));
    return fh_tokenizer_of_pipeline(a, pipeline, out, err);
}

fh_status fh_tokenizer_from_cache(fh_allocator *a, fh_bytes file, fh_tokenizer **out, fh_err *err) {
    *out = NULL;
    fh_pipeline *pipeline = NULL;
    FH_TRY(fh_pipeline_open(a, file, &pipeline, err));
    return fh_tokenizer_of_pipeline(a, pipeline, out, err);
}

fh_status fh_tokenizer_save(const fh_tokenizer *tok, bool pretty, fh_buf *out, fh_err *err) {
    if (tok->pipeline->any_bytes)
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
    if (tok->pipeline->any_bytes)
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

fh_status fh_tokenizer_save_cache(const fh_tokenizer *tok, fh_span source, fh_sink sink, fh_err *err) {
    if (tok->pipeline->any_bytes || tok->pipeline->converted)
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "a tokenizer out of another file than a tokenizer.json has no cache");
    return fh_stored_save(tok->pipeline, source, sink, err);
}

fh_status fh_tokenizer_cache_is_of(fh_span file, fh_span source, fh_err *err) {
    return fh_stored_is_of(file, source, err);
}

fh_tokenizer *fh_tokenizer_share(fh_tokenizer *tok) {
    return fh_handles_share(&tok->handles, tok);
}

void fh_tokenizer_free(fh_tokenizer *tok) {
    if (tok == NULL)
        return;
    if (!fh_handles_end(&tok->handles)) {
        fh_handles_forget(tok);
        return;
    }
    fh_pipeline_free(tok->pipeline);
    fh_free(tok->allocator, tok);
}

/* --- tokens ------------------------------------------------------------------------------------------------------------- */

uint32_t fh_tokenizer_size(const fh_tokenizer *tok) {
    return tok->pipeline->id_end;
}

fh_status fh_tokenizer_token(const fh_tokenizer *tok, uint32_t id, fh_span *out) {
    *out = (fh_span){NULL, 0};
    return fh_pipeline_spelling(tok->pipeline, id, out) ? FH_DONE : FH_STATUS(FH_INVALID);
}

fh_status fh_tokenizer_model_token(const fh_tokenizer *tok, uint32_t id, fh_span *out) {
    return fh_token_model_spelling(tok->pipeline->model, id, out) ? FH_DONE : FH_STATUS(FH_INVALID);
}

uint32_t fh_tokenizer_find(const fh_tokenizer *tok, fh_span spelling) {
    uint32_t id = fh_added_find(&tok->pipeline->added, spelling);
    return id != FH_NO_TOKEN ? id : fh_token_model_find(tok->pipeline->model, spelling);
}

uint32_t fh_tokenizer_bos(const fh_tokenizer *tok) {
    return tok->pipeline->bos;
}

uint32_t fh_tokenizer_eos(const fh_tokenizer *tok) {
    return tok->pipeline->eos;
}

bool fh_tokenizer_is_end(const fh_tokenizer *tok, uint32_t id) {
    static const char *const ends[] = {"<|im_end|>", "<|eot_id|>", "<|end|>", "<|endoftext|>"};
    fh_span spelling;
    if (!fh_pipeline_spelling(tok->pipeline, id, &spelling))
        return false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (fh_span_is(spelling, ends[i]))
            return true;
    return id == fh_tokenizer_eos(tok);
}

fh_status fh_tokenizer_piece(const fh_tokenizer *tok, uint32_t id, bool first, bool control, fh_buf *out) {
    fh_span spelling;
    const fh_added_token *t = fh_added_of_id(&tok->pipeline->added, id);
    if (!fh_pipeline_spelling(tok->pipeline, id, &spelling))
        return FH_STATUS(FH_INVALID);
    if (t != NULL && t->special && !control)
        return FH_DONE;
    if (t != NULL && (t->special || tok->pipeline->any_bytes)) /* user-defined tokens of a model file are text as it is */
        return fh_buf_put(out, spelling);
    return fh_decoder_piece(tok->pipeline->decoder, spelling, first, out);
}

fh_status fh_tokenizer_shown(const fh_tokenizer *tok, const fh_encoding *e, size_t i, fh_buf *out) {
    if (i >= e->count)
        return FH_STATUS(FH_INVALID);
    uint32_t own = fh_u32s_get(e->spelling.items, i);
    if (own != FH_NO_WORD)
        return fh_buf_put(out, fh_encoding_kept(e, own));
    fh_span spelling = {NULL, 0};
    if (!fh_pipeline_shown(tok->pipeline, fh_u32s_get(e->id.items, i), &spelling))
        return FH_STATUS(FH_INVALID);
    return fh_buf_put(out, spelling);
}

/* --- text ----------------------------------------------------------------------------------------------------------------- */

fh_status fh_tokenizer_encode(const fh_tokenizer *tok, fh_span text, fh_encode_options options, fh_ids *out, fh_err *err) {
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

fh_truncation fh_tokenizer_truncation(const fh_tokenizer *tok) {
    return tok->pipeline->truncation;
}

fh_padding fh_tokenizer_padding(const fh_tokenizer *tok) {
    fh_padding how = tok->pipeline->padding;
    how.token = fh_buf_view(&tok->pipeline->pad_token);
    return how;
}

size_t fh_tokenizer_added(const fh_tokenizer *tok, bool pair) {
    return fh_postprocessor_added(tok->pipeline->postprocessor, pair);
}
