/* decode.h: what turns the spellings of tokens back into a text: the "decoder" of a tokenizer.json.
 *
 * A decoder makes a list of texts of a list of texts; at the end all are joined. Types: ByteLevel, WordPiece, BPEDecoder,
 * Metaspace, CTC, Replace, Fuse, Strip, ByteFallback, Sequence.
 *
 * Threading: immutable once read; lists belong to one thread. */
#ifndef FH_TEXT_PIPE_DECODE_H
#define FH_TEXT_PIPE_DECODE_H

#include "freehold/buf.h"
#include "freehold/json.h"
#include "freehold/tokenizer.h"

/* Texts behind one another. */
typedef struct fh_text_list {
    fh_owned fh_buf bytes;
    fh_owned fh_ids ends;
} fh_text_list;
void fh_text_list_init(fh_owned fh_view(2) fh_text_list *l, fh_ref fh_allocator *a);
void fh_text_list_deinit(fh_drop fh_text_list *l);
void fh_text_list_clear(fh_mut fh_text_list *l);
FH_MUST_USE fh_status fh_text_list_put(fh_mut fh_text_list *l, fh_span text);
/* Text i. Valid until: the next change. */
fh_span fh_text_list_get(const fh_text_list *l, size_t i) fh_view(1);

typedef struct fh_decoder fh_decoder;

/* FH_CORRUPT, FH_UNSUPPORTED, FH_LIMIT, FH_NOMEM. */
FH_MUST_USE fh_status fh_decoder_read(fh_ref fh_allocator *a, fh_span json, size_t offset_bytes,
                                      fh_owned fh_view(1) fh_decoder **out, fh_mut fh_err *err);
/* NULL is allowed. */
void fh_decoder_free(fh_drop fh_decoder *d);
FH_MUST_USE fh_status fh_decoder_write(const fh_decoder *d, fh_mut fh_json_writer *w);
/* Appends what the texts of `list` give together; what is left in the lists is unspecified. NULL: the texts with a space
 * between two of them. */
FH_MUST_USE fh_status fh_decoder_run(fh_ref fh_or_null const fh_decoder *d, fh_mut fh_text_list *list,
                                     fh_mut fh_text_list *room, fh_mut fh_buf *out);
/* Appends what one token stands for, byte by byte where a character is split between tokens. `first`: it begins a text. */
FH_MUST_USE fh_status fh_decoder_piece(fh_ref fh_or_null const fh_decoder *d, fh_span spelling, bool first, fh_mut fh_buf *out);

#endif
