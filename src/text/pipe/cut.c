/* cut.c: the first steps of a pipeline alone: a text to the pieces that a model would see. Added tokens are not looked for.
 *
 * Training counts these pieces, and people look at them to see what a normalizer or a pre-tokenizer does.
 *
 * Threading: see pipeline.h. */
#include "freehold/utf8.h"
#include "text/pipe/pipeline.h"

fh_status fh_pipeline_cut(const fh_pipeline *p, fh_span text, bool offsets, bool raw_bytes, fh_normalized *n,
                          fh_pieces *pieces) {
    bool tracked = offsets || fh_pretokenizer_needs_origins(p->pretokenizer, p->normalizer != NULL);
    FH_TRY(fh_normalized_reset(n, text, tracked));
    FH_TRY(fh_normalizer_run(p->normalizer, n));
    fh_pieces_reset(pieces, 0);
    FH_TRY(fh_pieces_add(pieces, (fh_piece){0, (uint32_t)fh_normalized_view(n).size, FH_NO_TOKEN, true}));
    return fh_pretokenizer_run(p->pretokenizer, pieces, n, raw_bytes);
}

static fh_status put_pieces(const fh_normalized *n, const fh_pieces *pieces, fh_piece_taker to) {
    for (size_t i = 0; i < pieces->count; i++) {
        fh_piece piece = fh_pieces_get(pieces, i);
        fh_origin from = fh_normalized_origin(n, piece.begin, piece.end);
        fh_span bytes = fh_span_sub(fh_normalized_view(n), piece.begin, (size_t)piece.end - piece.begin);
        FH_TRY(to.take(to.ctx, bytes, from.begin, from.end));
    }
    return FH_DONE;
}

fh_status fh_tokenizer_cut(const fh_tokenizer *tok, fh_span text, fh_piece_taker to, fh_err *err) {
    if (!fh_utf8_valid(text))
        return fh_fail(err, FH_INVALID, fh_utf8_bad(text), "the text is not UTF-8");
    fh_normalized n;
    fh_pieces pieces;
    fh_normalized_init(&n, tok->allocator);
    fh_pieces_init(&pieces, tok->allocator);
    fh_status s = fh_pipeline_cut(tok->pipeline, text, true, false, &n, &pieces);
    if (s.code == FH_OK)
        s = put_pieces(&n, &pieces, to);
    fh_pieces_deinit(&pieces);
    fh_normalized_deinit(&n);
    if (s.code == FH_OK)
        return s;
    return fh_fail(err, s.code, FH_NO_OFFSET, "%s, in cutting a text of %zu bytes", fh_code_text(s.code), text.size);
}
