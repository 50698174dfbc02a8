/* open.c: any tokenizer's file to a tokenizer; its content says which it is.
 *
 *   SentencePiece   field 1 of a protobuf message, in it field 1 (a text), and then a score or a type: bytes 0x15 and 0x18,
 *                   which no JSON text has
 *   tiktoken        a line of base64, a blank, a number
 *   tokenizer.json  anything else
 *
 * Threading: one call, one thread. */
#include "text/pipe/open.h"

#include "text/pipe/wire.h"

enum { BYTES_MAX = 1 << 30, TAG_TEXT = 0x0a, TAG_SCORE = 0x15, TAG_TYPE = 0x18 };

/* True for a file whose first field is a piece. */
static bool is_spm(fh_span file) {
    fh_wire w;
    fh_wire_field piece, text;
    bool more;
    if (file.size == 0 || fh_span_at(file, 0) != TAG_TEXT)
        return false;
    fh_wire_init(&w, file, 0, "file");
    if (fh_failed(fh_wire_next(&w, &piece, &more, NULL)) || piece.bytes.size == 0 || fh_span_at(piece.bytes, 0) != TAG_TEXT)
        return false;
    fh_wire_init(&w, piece.bytes, piece.offset_bytes, "file");
    if (fh_failed(fh_wire_next(&w, &text, &more, NULL)) || w.at == piece.bytes.size)
        return false;
    uint8_t tag = fh_span_at(piece.bytes, w.at);
    return tag == TAG_SCORE || tag == TAG_TYPE;
}

fh_status fh_tokenizer_open(fh_allocator *a, fh_span file, const fh_tokenizer_hint *hint, fh_tokenizer **out, fh_err *err) {
    *out = NULL;
    if (file.size > BYTES_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "a tokenizer's file of %zu bytes, at most %d are read", file.size,
                       BYTES_MAX);
    fh_pipeline *p = NULL;
    if (is_spm(file))
        FH_TRY(fh_pipeline_of_spm(a, file, &p, err));
    else if (fh_ranks_begin(file))
        FH_TRY(fh_pipeline_of_ranks(a, file, hint, &p, err));
    else
        FH_TRY(fh_pipeline_new(a, file, &p, err));
    return fh_tokenizer_of_pipeline(a, p, out, err);
}
