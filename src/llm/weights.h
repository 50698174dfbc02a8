/* weights.h: what a loaded model consists of, for the files that run it.
 *
 * Every weight is written with its shape as rows × cols: y = x · wᵀ turns rows of `cols` numbers into rows of `rows`
 * numbers. A weight that a model does not have is {0}.
 *
 * Threading: immutable after fh_model_load. */
#ifndef FREEHOLD_LLM_WEIGHTS_H
#define FREEHOLD_LLM_WEIGHTS_H

#include "freehold/model.h"

FH_SPAN_DEFINE(f64, double);

/* One transformer block. */
typedef struct fh_layer {
    fh_weight attn_norm;      /* 1 × width */
    fh_weight q;              /* heads·head_dim × width */
    fh_weight k, v;           /* kv_heads·head_dim × width */
    fh_weight q_norm, k_norm; /* 1 × head_dim, or 1 × the whole row (fh_qk_norm) */
    fh_weight o;              /* width × heads·head_dim */
    fh_weight ffn_norm;       /* 1 × width */
    fh_weight router;         /* experts × width */
    fh_weight gate, up;       /* ff × width, or experts planes of expert_ff × width */
    fh_weight down;           /* width × ff, or experts planes of width × expert_ff */
} fh_layer;
FH_SPAN_DEFINE(layer, fh_layer);

struct fh_model {
    fh_ref fh_allocator *allocator;
    fh_model_shape shape;
    fh_owned fh_tokenizer *tokenizer;
    fh_weight embed;    /* vocab × width */
    fh_weight out_norm; /* 1 × width */
    fh_weight output;   /* vocab × width; `embed` itself in a tied model */
    fh_owned fh_layers layers;
    fh_owned fh_f64s freq; /* rot_dim/2: angle of pair i = position · freq[i] */
};

#endif
