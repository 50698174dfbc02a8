/* layout.h: which tensors a model of a given shape consists of: their names, dimensions and allowed types.
 *
 *     fh_layout_tensor t;
 *     for (unsigned slot = 0; slot < FH_SLOT_COUNT; slot++)
 *         if (fh_layout_get(shape, slot, layer, &t)) ... t.name, t.dim
 *
 * Names are those of ggml's GGUF files (gguf-py/gguf/constants.py). One table serves the check of a file, the count of
 * parameters, and the writer of synthetic models.
 *
 * Threading: pure functions. */
#ifndef FREEHOLD_LLM_LAYOUT_H
#define FREEHOLD_LLM_LAYOUT_H

#include "freehold/model.h"

/* Tensors of the whole model, then those that each layer has. */
typedef enum fh_slot {
    FH_SLOT_EMBED, FH_SLOT_OUTPUT_NORM, FH_SLOT_OUTPUT, FH_SLOT_ROPE_FREQS,
    FH_SLOT_ATTN_NORM, FH_SLOT_Q, FH_SLOT_K, FH_SLOT_V, FH_SLOT_Q_NORM, FH_SLOT_K_NORM, FH_SLOT_ATTN_OUTPUT,
    FH_SLOT_FFN_NORM, FH_SLOT_GATE, FH_SLOT_UP, FH_SLOT_DOWN,
    FH_SLOT_ROUTER, FH_SLOT_GATE_EXPERTS, FH_SLOT_UP_EXPERTS, FH_SLOT_DOWN_EXPERTS, FH_SLOT_COUNT
} fh_slot;
enum { FH_SLOT_FIRST_OF_LAYER = FH_SLOT_ATTN_NORM };

/* What a tensor is used for, which decides the types it may have. */
typedef enum fh_role {
    FH_ROLE_MATRIX, /* any type that Freehold computes with */
    FH_ROLE_FLOAT,  /* F32, F16 or BF16: a router */
    FH_ROLE_VECTOR  /* F32: the weight of a norm, or rotary factors */
} fh_role;

enum { FH_NAME_BYTES = 96 };

/* The name of a key or tensor, put together from pieces that this layer knows; NUL-terminated. */
typedef struct fh_name {
    char text[FH_NAME_BYTES];
    size_t size;
} fh_name;
/* Appends; a name too long is a programmer's error. */
void fh_name_put(fh_mut fh_name *name, fh_ref const char *text);
void fh_name_put_number(fh_mut fh_name *name, uint32_t n);

typedef struct fh_layout_tensor {
    fh_name name;
    fh_role role;
    bool optional, expert; /* expert: one plane an expert, of which a token uses experts_used */
    uint32_t dims;
    uint64_t dim[FH_GGUF_DIMS_MAX];
} fh_layout_tensor;

/* The tensor in a slot (of layer `layer`, where a slot is of a layer); false when such a model has none there. */
FH_MUST_USE bool fh_layout_get(fh_ref const fh_model_shape *shape, fh_slot slot, uint32_t layer, fh_out fh_layout_tensor *out);
/* The slot and layer that a name stands for, whatever the shape; false when it is none of those above. */
FH_MUST_USE bool fh_layout_parse(fh_span name, fh_out fh_slot *slot, fh_mut uint32_t *layer);
/* Parameters of the whole shape, and those that one token uses. FH_LIMIT when they overflow. */
fh_status fh_layout_params(fh_ref const fh_model_shape *shape, fh_out uint64_t *all, fh_out uint64_t *active);
#endif
