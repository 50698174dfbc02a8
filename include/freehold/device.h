/* device.h: where tensors live and operations run. The CPU is the first implementation; a GPU is another table of functions.
 *
 *     fh_device *dev;
 *     FH_TRY(fh_cpu_new(a, par, fh_isa_best(), &dev));
 *     fh_weight w;
 *     FH_TRY(fh_device_weight(dev, &(fh_weight_desc){.dtype = FH_DTYPE_Q8_0, .cols = 64, .rows = 32, .planes = 1,
 *                                                    .data = bytes}, &w, err));
 *     fh_mem mem;
 *     FH_TRY(fh_device_alloc(dev, 4096, &mem));
 *     FH_TRY(fh_device_matmul(dev, &(fh_matmul){.x = x, .count = 1, .out = {{.w = w, .y = y}}}, err));
 *
 * Every operation's operands are validated at run time before a kernel sees them: live handles, types, shapes, extents inside
 * their allocation, outputs that do not overlap inputs or one another (unless stated): FH_STALE or FH_INVALID with a message.
 * An operation may also give FH_NOMEM (workspace). One that fails has written nothing.
 *
 * What the operations compute is *defined* by the scalar reference (src/tensor/kern/scalar.c); every other implementation
 * gives the same bits (docs/BITS.md). In short:
 *  - Float weights (F32, F16, BF16, widened exactly): y = Σ x·w by fused multiply-add in 16 lanes (lane = column mod 16,
 *    columns padded with zeros to a multiple of 16), then the tree i+8, i+4, i+2, i+1.
 *  - Block weights (Q8_0, Q4_0): each 32 activations are quantised to int8 with scale amax/127, round to nearest even; the
 *    integer dot of a block is exact; acc = acc + (float(dot) · w_scale) · x_scale, blocks ascending, multiply and add
 *    rounded separately. 32 activations below 2^-120 count as zeros; 32 that hold an infinity or NaN make every product
 *    NaN, and so does a weight scale that is not finite.
 *  - All the rest by separate multiply and add; own exp, sin, cos, from IEEE operations only.
 *  - A result that is not a number is always the NaN 0x7fc00000 (float16: 0x7e00).
 *
 * Threading: one thread calls a device at a time; the device spreads work over its fh_par. */
#ifndef FREEHOLD_DEVICE_H
#define FREEHOLD_DEVICE_H

#include "freehold/alloc.h"
#include "freehold/bytes.h"
#include "freehold/par.h"
#include "freehold/tensor.h"

FH_EXTERN_BEGIN

/* A device with its memory and weights. */
typedef struct fh_device fh_device;

/* --- life ------------------------------------------------------------------------------------------------------------- */

/* Instruction sets of the CPU device, ascending. */
typedef enum fh_isa { FH_ISA_SCALAR, FH_ISA_AVX2, FH_ISA_AVX512, FH_ISA_COUNT } fh_isa;
/* "scalar", "avx2", "avx512". */
FH_API fh_static const char *fh_isa_name(fh_isa isa);
/* The best one this processor has (AVX2 means AVX2+FMA+F16C; AVX512 means F, BW, VL, DQ and VNNI). */
FH_API fh_isa fh_isa_best(void);

/* A CPU device. `par` may be NULL (serial) and must outlive the device. An `isa` the processor lacks is FH_UNSUPPORTED. */
FH_FALLIBLE fh_cpu_new(fh_ref fh_allocator *a, fh_ref const fh_par *par, fh_isa isa, fh_owned fh_view(1, 2) fh_device **out);
/* Ends the device with its memory and weights; NULL is allowed. */
FH_API void fh_device_free(fh_drop fh_device *dev);

/* What a device is and holds. */
typedef struct fh_device_caps {
    const char *name;         /* "cpu avx512" */
    unsigned threads;         /* width of its fh_par */
    uint64_t mem_bytes;       /* allocated through fh_device_alloc */
    uint64_t weight_bytes;    /* own copies (panels) of weights */
    uint64_t borrowed_bytes;  /* weight bytes used in place */
    uint64_t workspace_bytes; /* scratch */
    bool on_heap;             /* its memories are blocks of fh_heap() */
} fh_device_caps;
FH_API fh_device_caps fh_device_caps_get(fh_ref const fh_device *dev) fh_view(1);

/* --- memory ----------------------------------------------------------------------------------------------------------- */

/* Most memories of a device at a time. */
enum { FH_DEVICE_MEMS_MAX = 1 << 19 };

/* Zeroed memory of size_bytes. FH_EXHAUSTED beyond FH_DEVICE_MEMS_MAX. */
FH_FALLIBLE fh_device_alloc(fh_mut fh_device *dev, uint64_t size_bytes, fh_owned fh_mem *out);
/* Ends it; FH_STALE for a handle that is not live. */
FH_FALLIBLE fh_device_release(fh_mut fh_device *dev, fh_drop fh_mem mem);
/* Host to device. */
FH_FALLIBLE fh_device_write(fh_mut fh_device *dev, fh_mem mem, uint64_t offset_bytes, fh_span from);
/* Device to host. */
FH_FALLIBLE fh_device_read(fh_mut fh_device *dev, fh_mem mem, uint64_t offset_bytes, fh_mspan to);

/* --- weights ---------------------------------------------------------------------------------------------------------- */

/* An immutable matrix (or `planes` of them) in the device's own form. */
typedef struct fh_weight {
    uint64_t value;
} fh_weight;

/* What a matrix is made from. */
typedef struct fh_weight_desc {
    fh_dtype dtype;
    uint64_t cols, rows, planes; /* planes: experts, else 1 */
    fh_bytes data;               /* planes × rows × cols elements in GGUF layout; the device shares it as long as it needs it */
    bool rows_only;              /* only fh_device_embed will use it: no panels are made */
} fh_weight_desc;

/* Takes a matrix over. FH_INVALID when data's size is not that of the shape. */
FH_FALLIBLE fh_device_weight(fh_mut fh_view(1) fh_device *dev, fh_ref const fh_weight_desc *desc, fh_out fh_weight *out,
                             fh_mut fh_err *err);

/* --- operations ------------------------------------------------------------------------------------------------------------
 * n is the number of rows (tokens) of a call, 1 … FH_ROWS_MAX. */
enum {
    FH_ROWS_MAX = 4096,
    FH_MATMUL_OUTS_MAX = 3,
    FH_TOP_K_MAX = 64,
    FH_KV_BLOCK = 64,
    FH_HEAD_DIM_MAX = 1024,
    FH_EXPERTS_MAX = 4096,
};

/* y[i] = row tokens[i] of table, as float32. y: n × cols. A token ≥ rows is FH_INVALID. */
typedef struct fh_embed {
    fh_weight table;
    fh_u32s tokens;
    fh_tensor y;
} fh_embed;
FH_FALLIBLE fh_device_embed(fh_mut fh_device *dev, fh_ref const fh_embed *op, fh_mut fh_err *err);

/* y = (x · (1 / √(mean(x²) + eps))) · w by rows; x, y: n × cols (y may be x), w: a 1 × cols F32 weight; eps ≥ 0. Rows longer
 * than w (a multiple) are normalised in pieces of w's length: per-head norms. Sum of squares in 16 lanes and the tree; / and √
 * are those of IEEE. */
typedef struct fh_norm {
    fh_tensor x, y;
    fh_weight w;
    float eps;
} fh_norm;
FH_FALLIBLE fh_device_norm(fh_mut fh_device *dev, fh_ref const fh_norm *op, fh_mut fh_err *err);

/* Up to three products that share x: y_i = x · w_iᵀ, or y_i = y_i + x · w_iᵀ. x: n × k, w_i: m_i × k (plane 0), y_i: n ×
 * m_i. */
typedef struct fh_matmul {
    fh_tensor x;
    unsigned count;
    struct fh_matmul_out {
        fh_weight w;
        fh_tensor y;
        bool add;
    } out[FH_MATMUL_OUTS_MAX];
} fh_matmul;
FH_FALLIBLE fh_device_matmul(fh_mut fh_device *dev, fh_ref const fh_matmul *op, fh_mut fh_err *err);

/* y = silu(x · gateᵀ) ⊙ (x · upᵀ), silu(z) = z / (1 + exp(−z)). x: n × k, gate, up: m × k, y: n × m. */
typedef struct fh_glu {
    fh_tensor x, y;
    fh_weight gate, up;
} fh_glu;
FH_FALLIBLE fh_device_glu(fh_mut fh_device *dev, fh_ref const fh_glu *op, fh_mut fh_err *err);

/* Rotary embedding in place. x: n × (heads · head_dim). For pair i of rot_dim/2: angle = position · freq[i], in float64,
 * own sin and cos, rounded to float32; |angle| ≤ 2^30. `halves` pairs (i, i + rot_dim/2) (NEOX); otherwise (2i, 2i+1). */
typedef struct fh_rope {
    fh_tensor x;
    fh_u32s positions; /* n */
    fh_span freq;      /* rot_dim/2 native float64 values */
    uint32_t head_dim, rot_dim;
    bool halves;
} fh_rope;
FH_FALLIBLE fh_device_rope(fh_mut fh_device *dev, fh_ref const fh_rope *op, fh_mut fh_err *err);

/* Keys and values of one layer lie in segments of FH_KV_BLOCK absolute positions, as float16 (round to nearest even): at
 * `offset_bytes` of a segment, K as kv_heads × head_dim × FH_KV_BLOCK, then V as kv_heads × FH_KV_BLOCK × head_dim. Row i
 * of a call belongs to position positions[i]; its sequence's segments are segments[first[i] …], of which the first holds
 * block base[i] (absolute block number). offset_bytes is a multiple of 64, head_dim at most FH_HEAD_DIM_MAX. */
typedef struct fh_kv_view {
    fh_mems segments;
    fh_u32s first, base; /* n each */
    fh_u32s positions;   /* n */
    uint64_t offset_bytes;
    uint32_t kv_heads, head_dim;
} fh_kv_view;
/* Bytes of one layer in a segment; false on overflow. */
FH_MUST_USE FH_API bool fh_kv_layer_bytes(uint32_t kv_heads, uint32_t head_dim, fh_out uint64_t *out);

/* Stores keys and values. k, v: n × (kv_heads · head_dim). Of rows that name the same place the last stays. */
typedef struct fh_kv_put {
    fh_tensor k, v;
    fh_kv_view kv;
} fh_kv_put;
FH_FALLIBLE fh_device_kv_put(fh_mut fh_device *dev, fh_ref const fh_kv_put *op, fh_mut fh_err *err);

/* Causal attention of each row over the stored positions base·64 … its own, by absolute blocks ascending with a running
 * maximum. q, y: n × (heads · head_dim); heads is a multiple of kv_heads, head h reads kv head h / (heads / kv_heads).
 * scale multiplies the scores. */
typedef struct fh_attend {
    fh_tensor q, y;
    fh_kv_view kv;
    uint32_t heads;
    float scale;
} fh_attend;
FH_FALLIBLE fh_device_attend(fh_mut fh_device *dev, fh_ref const fh_attend *op, fh_mut fh_err *err);

/* The router of a mixture of experts. x: n × k, w: experts × k (float weight, at most FH_EXPERTS_MAX). Writes n × top_k expert
 * ids and gate weights, in rank order, to host memory. Softmax over all experts, then the top_k by logit; `renormalise` divides
 * the chosen weights by their sum. Order: the higher logit (as a sortable integer), then the lower tie key
 * mix(mix(mix(seed) ^ layer) ^ expert) with mix = fh_mix64, then the lower expert. FH_ROUTE_NAN names row and expert of a logit
 * that is not finite; ids and weights are then as they were. */
typedef struct fh_route {
    fh_tensor x;
    fh_weight w;
    uint32_t top_k, layer;
    uint64_t seed;
    bool renormalise;
    fh_u32s ids;     /* n × top_k, out */
    fh_f32s weights; /* n × top_k, out */
} fh_route;
FH_FALLIBLE fh_device_route(fh_mut fh_device *dev, fh_ref const fh_route *op, fh_mut fh_err *err);

/* y = y + Σ_r weights[r] · E_ids[r](x), summed in rank order before it is added; E(x) = (silu(x · gateᵀ) ⊙ (x · upᵀ)) · downᵀ.
 * x, y: n × k; gate, up: planes × m × k; down: planes × k × m; ids, weights: n × top_k. */
typedef struct fh_experts {
    fh_tensor x, y;
    fh_weight gate, up, down;
    fh_u32s ids;
    fh_f32s weights;
    uint32_t top_k;
} fh_experts;
FH_FALLIBLE fh_device_experts(fh_mut fh_device *dev, fh_ref const fh_experts *op, fh_mut fh_err *err);

FH_EXTERN_END
#endif
