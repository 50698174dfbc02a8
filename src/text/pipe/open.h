/* open.h: other files than a tokenizer.json to a pipeline, for the front door (open.c).
 *
 * Threading: one call, one thread. */
#ifndef FH_TEXT_PIPE_OPEN_H
#define FH_TEXT_PIPE_OPEN_H

#include "text/pipe/pipeline.h"

/* Reads a SentencePiece model (sentencepiece.c). FH_CORRUPT, FH_UNSUPPORTED, FH_LIMIT, FH_NOMEM. */
FH_MUST_USE fh_status fh_pipeline_of_spm(fh_ref fh_allocator *a, fh_span file, fh_owned fh_view(1) fh_pipeline **out,
                                         fh_mut fh_err *err);
/* Reads tiktoken ranks (tiktoken.c). FH_CORRUPT, FH_INVALID (the hint says too little), FH_LIMIT, FH_NOMEM. */
FH_MUST_USE fh_status fh_pipeline_of_ranks(fh_ref fh_allocator *a, fh_span file,
                                           fh_ref fh_or_null const fh_tokenizer_hint *hint,
                                           fh_owned fh_view(1) fh_pipeline **out, fh_mut fh_err *err);
/* True for a file that begins like tiktoken ranks: letters of base64, a blank, a number. */
bool fh_ranks_begin(fh_span file);

#endif
