/* embedder.h: vectors of texts: what a language model thinks of a text, as a point of length 1 whose neighbours are like it.
 *
 *     fh_embedder *e;
 *     FH_TRY(fh_embedder_new(a, model, dev, &(fh_embedder_options){.tokens_max = 128}, &e, err));
 *     fh_sizes ends = …;                                  ends[i]: how many tokens texts 0 … i have together
 *     FH_TRY(fh_embedder_run(e, tokens, ends, vectors, err));               vectors: ends.count × fh_embedder_dim floats
 *
 * A vector is the mean of the states of a text's tokens (fh_engine_state), or the state of its last token, divided by its
 * length. It depends on the model and on the tokens of its own text, and on nothing else: not on the texts beside it, on
 * threads, or on the instruction set; the sums are made one after the other, in float64.
 *
 * A model that was trained to write stories makes poor vectors; models that were trained for vectors say in their file which
 * of the two they want (fh_pooling_read). Threading: one thread at a time; it uses the device's. */
#ifndef FREEHOLD_EMBEDDER_H
#define FREEHOLD_EMBEDDER_H

#include "freehold/engine.h"

FH_EXTERN_BEGIN

/* What becomes of the states of a text. */
typedef enum fh_pooling { FH_POOLING_MEAN, FH_POOLING_LAST, FH_POOLING_COUNT } fh_pooling;
/* "mean", "last". */
FH_API fh_static const char *fh_pooling_name(fh_pooling pooling);
/* What a model's file asks for ("<architecture>.pooling_type"); the mean where it says nothing. FH_UNSUPPORTED for another
 * kind, FH_CORRUPT for a number that is none. */
FH_FALLIBLE fh_pooling_read(fh_ref const fh_gguf *g, fh_out fh_pooling *out, fh_mut fh_err *err);

/* Zero means the default. */
typedef struct fh_embedder_options {
    fh_pooling pooling;
    uint32_t tokens_max; /* of a text, up to the model's context and FH_ROWS_MAX; 0: the least of these and 512 */
    uint32_t texts_max;  /* that a step takes at once; 0: 64. More need more memory for keys and values */
} fh_embedder_options;

/* A model that makes vectors. Opaque. */
typedef struct fh_embedder fh_embedder;

/* FH_LIMIT (tokens_max, texts_max), FH_INVALID (pooling), FH_NOMEM. `model` and `dev` outlive it. */
FH_FALLIBLE fh_embedder_new(fh_ref fh_allocator *a, fh_ref const fh_model *model, fh_mut fh_device *dev,
                            fh_ref const fh_embedder_options *options, fh_owned fh_view(1, 2, 3) fh_embedder **out,
                            fh_mut fh_err *err);
/* NULL is allowed. */
FH_API void fh_embedder_free(fh_drop fh_embedder *e);
/* Elements of a vector; and the most tokens that a text may have. */
FH_API size_t fh_embedder_dim(fh_ref const fh_embedder *e);
FH_API size_t fh_embedder_tokens_max(fh_ref const fh_embedder *e);

/* Makes the vectors of ends.count texts, which lie one after the other in `tokens`. FH_INVALID: ends that do not ascend or do
 * not end with the tokens, a text without tokens, room of another size, a token that the model does not have; FH_LIMIT: a text
 * of more than tokens_max; FH_NOT_FINITE: a broken model, or a vector without a direction; FH_NOMEM. err names the text. A
 * refusal may leave vectors of earlier texts written. */
FH_FALLIBLE fh_embedder_run(fh_mut fh_embedder *e, fh_u32s tokens, fh_sizes ends, fh_f32s vectors, fh_mut fh_err *err);

FH_EXTERN_END
#endif
