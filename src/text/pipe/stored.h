/* stored.h: the cache of a tokenizer: a file that is used where it lies.
 *
 * Threading: values. */
#ifndef FH_TEXT_PIPE_STORED_H
#define FH_TEXT_PIPE_STORED_H

#include "freehold/bytes.h"
#include "text/pipe/pipeline.h"

/* What a file holds, as parts of it. */
typedef struct fh_stored {
    fh_span options;            /* a tokenizer.json without vocabulary, merges and added tokens */
    fh_span added, added_texts; /* of fh_added_store */
    fh_model_tables tables;
} fh_stored;

/* Writes one. `source` is what the tokenizer was made from, or empty. FH_NOMEM, FH_LIMIT, or what the sink refuses. */
FH_MUST_USE fh_status fh_stored_save(const fh_pipeline *p, fh_span source, fh_sink sink, fh_mut fh_err *err);
/* Looks at all of a file but for what the tables say. FH_CORRUPT; FH_UNSUPPORTED: another version or byte order; FH_INVALID:
 * the bytes do not lie at a multiple of 8. */
FH_MUST_USE fh_status fh_stored_open(fh_span file, fh_out fh_view(1) fh_stored *out, fh_mut fh_err *err);
/* FH_STALE if a file does not say that it was made from `source`. */
FH_MUST_USE fh_status fh_stored_is_of(fh_span file, fh_span source, fh_mut fh_err *err);

#endif
