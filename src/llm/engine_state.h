/* engine_state.h: what an engine consists of, for engine.c, which checks and keeps books, and forward.c, which computes.
 *
 * A step has n rows. Device buffers hold rows_max rows each, so a tensor of a step is "n rows from row 0", and a row
 * keeps its place from the embedding to the logits.
 *
 * Threading: as the engine. */
#ifndef FREEHOLD_LLM_ENGINE_STATE_H
#define FREEHOLD_LLM_ENGINE_STATE_H

#include "freehold/memory.h"
#include "llm/kv.h"
#include "llm/weights.h"

/* Rows of logits that the device holds at once; more are computed in several goes. */
enum { FH_LOGIT_ROWS = 16 };
/* A row that did not ask for logits. */
#define FH_NO_PLACE UINT32_MAX

struct fh_engine {
    fh_ref fh_allocator *allocator;
    const fh_model *model;
    fh_mut fh_device *dev;
    fh_owned fh_kv_cache *kv;
    uint32_t rows_max;
    uint64_t route_seed, kv_layer_bytes;
    bool states;    /* rows that ask get states, not logits */
    size_t results; /* values that a row gets: width of states, vocab of logits */

    fh_ledger_node node;
    uint64_t buffer_bytes; /* of all device buffers */
    bool on_heap;          /* those are blocks of the process heap */

    /* Device buffers of rows_max rows of float32 … */
    fh_owned fh_mem x;       /* width: the residual stream */
    fh_owned fh_mem h;       /* width: x normalised */
    fh_owned fh_mem q;       /* heads·head_dim */
    fh_owned fh_mem k, v;    /* kv_heads·head_dim */
    fh_owned fh_mem mixed;   /* heads·head_dim: what attention gives */
    fh_owned fh_mem hidden;  /* ff: inside a dense feed-forward; none with experts */
    fh_owned fh_mem outputs; /* … and of min(rows_max, FH_LOGIT_ROWS) rows of vocab: logits; none for states */

    /* The step, on the host: one entry a row (ids and gates: experts_used). */
    size_t rows; /* 0: there was none, or the last one failed */
    fh_owned fh_kv_slots slots;
    fh_owned fh_u32s tokens, positions;
    fh_owned fh_u32s first, base; /* where the row's segments begin in fh_kv_cache_segments; the first is block 0 always */
    fh_owned fh_u32s ids;
    fh_owned fh_f32s gates;
    fh_owned fh_u32s places; /* which row of `logits` is the row's, or FH_NO_PLACE */
    fh_owned fh_f32s logits; /* `results` values for each wanted row, in the order of the rows */
};

/* Computes the step: rows, tokens, positions, first and places are set, segments reserved, `logits` large enough. */
fh_status fh_forward(fh_mut fh_engine *e, fh_mut fh_err *err);

#endif
