/* model.h: a language model: its shape, its tokenizer, and its weights on a device.
 *
 *     fh_model *m;
 *     FH_TRY(fh_model_load(a, gguf, dev, &m, err));
 *     const fh_model_shape *s = fh_model_shape_view(m);
 *
 * fh_model_shape_read takes every number of the architecture from the file and refuses what does not fit together, before
 * any weight is touched: so `inspect` can tell all about a model that could not be loaded. Architectures: llama (dense, and
 * Mixtral's mixture of experts), qwen3, qwen3moe, olmoe. Threading: immutable after load. */
#ifndef FREEHOLD_MODEL_H
#define FREEHOLD_MODEL_H

#include "freehold/device.h"
#include "freehold/gguf.h"
#include "freehold/tokenizer.h"

FH_EXTERN_BEGIN

/* The architectures that Freehold runs. */
typedef enum fh_arch { FH_ARCH_LLAMA, FH_ARCH_QWEN3, FH_ARCH_QWEN3MOE, FH_ARCH_OLMOE, FH_ARCH_COUNT } fh_arch;
/* "llama", "qwen3moe" … as in general.architecture. */
FH_API fh_static const char *fh_arch_name(fh_arch arch);

/* How queries and keys are normalised after their projection. */
typedef enum fh_qk_norm { FH_QK_NORM_NONE, FH_QK_NORM_HEAD, FH_QK_NORM_ROW } fh_qk_norm;

/* Limits on what a file may ask for. */
enum { FH_LAYERS_MAX = 1024, FH_HEADS_MAX = 1024, FH_WIDTH_MAX = 1 << 20, FH_CONTEXT_MAX = 1 << 24 };

/* The numbers of an architecture. */
typedef struct fh_model_shape {
    fh_arch arch;
    uint32_t layers, width, heads, kv_heads, head_dim, rot_dim; /* width: embedding length; rot_dim: rotated part of head_dim */
    uint32_t ff;                                       /* hidden length of the dense feed-forward, 0 if there is none */
    uint32_t experts, experts_used, expert_ff;         /* 0 for a dense model */
    bool renormalise_gates;                            /* chosen gate weights sum to 1 */
    uint32_t vocab, context;                           /* tokens; positions the model was trained for */
    float norm_eps;
    double rope_base, rope_scale;                      /* angle = position · rope_scale · base^(−2i/rot_dim) */
    bool rope_halves;                                  /* NEOX pairing */
    fh_qk_norm qk_norm;
    bool tied;                                         /* output = token embedding */
    uint64_t params, params_active;                    /* all parameters; those that one token uses */
} fh_model_shape;

/* Reads and checks the shape. FH_UNSUPPORTED names an architecture, a rope scaling or another feature that Freehold lacks. */
FH_FALLIBLE fh_model_shape_read(fh_ref const fh_gguf *g, fh_out fh_model_shape *out, fh_mut fh_err *err);
/* Checks that every tensor of the shape is there with its type and dimensions. */
FH_FALLIBLE fh_model_tensors_check(fh_ref const fh_gguf *g, fh_ref const fh_model_shape *shape, fh_mut fh_err *err);
/* Makes the tokenizer that the file carries. */
FH_FALLIBLE fh_model_tokenizer(fh_ref fh_allocator *a, fh_ref const fh_gguf *g, fh_owned fh_view(1) fh_tokenizer **out,
                               fh_mut fh_err *err);

/* Memory in bytes that running at a given context takes. */
typedef struct fh_memory_plan {
    uint64_t mapped;      /* the file */
    uint64_t panels;      /* weights in the device's own form */
    uint64_t kv;          /* keys and values of `context` positions */
    uint64_t activations; /* at `rows` rows a step */
    uint64_t total;
} fh_memory_plan;
/* FH_LIMIT when a sum overflows. */
FH_FALLIBLE fh_model_memory(fh_ref const fh_gguf *g, fh_ref const fh_model_shape *shape, uint64_t context, uint64_t rows,
                            fh_out fh_memory_plan *out);

/* A loaded model. */
typedef struct fh_model fh_model;

/* Reads the shape, checks all tensors, makes the tokenizer and hands the weights to the device. `gguf` may be closed
 * afterwards; `dev` must outlive the model. */
FH_FALLIBLE fh_model_load(fh_ref fh_allocator *a, fh_ref const fh_gguf *g, fh_mut fh_device *dev,
                          fh_owned fh_view(1) fh_model **out, fh_mut fh_err *err);
/* NULL is allowed. The device keeps the weights until it is freed. */
FH_API void fh_model_free(fh_drop fh_model *m);
/* Valid until: free. */
FH_API fh_ref const fh_model_shape *fh_model_shape_view(fh_ref const fh_model *m) fh_view(1);
FH_API fh_ref const fh_tokenizer *fh_model_tokenizer_view(fh_ref const fh_model *m) fh_view(1);

FH_EXTERN_END
#endif
