/* synth_vocab.h: the vocabulary of a synthetic model, as the arrays that a GGUF file wants.
 *
 * Threading: one thread at a time. */
#ifndef FREEHOLD_LLM_SYNTH_VOCAB_H
#define FREEHOLD_LLM_SYNTH_VOCAB_H

#include "freehold/buf.h"
#include "freehold/synth.h"

enum { FH_SYNTH_CONTROLS = 3 }; /* the last ids; the first of them ends a text */

typedef struct fh_synth_vocab {
    fh_ref fh_allocator *allocator;
    fh_owned fh_buf token_text, merge_text; /* what the views show */
    fh_owned fh_views tokens, merges;
    fh_owned fh_i32s types;
} fh_synth_vocab;

/* `tokens` tokens, FH_SYNTH_VOCAB_MIN to FH_SYNTH_VOCAB_MAX. FH_NOMEM. */
fh_status fh_synth_vocab_init(fh_owned fh_view(2) fh_synth_vocab *v, fh_ref fh_allocator *a, uint32_t tokens);
void fh_synth_vocab_deinit(fh_drop fh_synth_vocab *v);

#endif
