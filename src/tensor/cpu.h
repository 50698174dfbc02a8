/* cpu.h: the parts of the CPU device that its files share: matrices, quantised activations, workspace, and the splitting
 * of work.
 *
 * A matrix is cut into panels of KERN_ROWS rows, whatever its type, so that every product is the same work list over
 * (matrix, panel). Invariant: a cpu_matrix describes bytes of a live weight; a cpu_acts describes bytes of the workspace
 * or of device memory.
 *
 * Threading: as the device. Work functions run on parts of the fh_par and write disjoint ranges. */
#ifndef FREEHOLD_TENSOR_CPU_H
#define FREEHOLD_TENSOR_CPU_H

#include "freehold/arena.h"
#include "tensor/device_impl.h"
#include "tensor/kern/kern.h"

struct cpu {
    fh_ref fh_allocator *allocator;
    const fh_par *par;
    const struct kern *kern;
    size_t ahead_bytes;         /* of fh_kern_ahead_bytes */
    fh_owned fh_arena *slab;    /* panels of large weights; NULL before the first */
    fh_owned fh_mspan space;    /* workspace of the running operation */
    fh_owned fh_mspan rope_key; /* positions and frequencies that rope_table was made for */
    size_t rope_key_bytes;
    fh_owned fh_f32s rope_table; /* for each position: cosines, then sines */
};

/* --- workspace: an operation plans what it needs, reserves it once, and cuts it --------------------------------- */

struct cpu_plan {
    uint64_t bytes;
    bool overflow;
};
/* Room for count × size_bytes, 64-byte aligned; returns its offset. */
size_t fh_cpu_plan(fh_mut struct cpu_plan *plan, uint64_t count, uint64_t size_bytes);
/* Makes the workspace at least that large. FH_NOMEM changes nothing. */
fh_status fh_cpu_reserve(fh_mut struct cpu *cpu, const struct cpu_plan *plan);
/* A piece of it. Valid until: the next reserve. */
fh_mspan fh_cpu_space(const struct cpu *cpu, size_t offset, size_t size_bytes) fh_view(1);
fh_f32s fh_cpu_floats(const struct cpu *cpu, size_t offset, size_t count) fh_view(1);

/* Parts that a parallel run has. */
unsigned fh_cpu_parts(const struct cpu *cpu);
/* How many shares to cut `items` into, so that parts which take one after the other end at about the same time. */
unsigned fh_cpu_shares(size_t items, unsigned parts);
/* Runs fn over the parts, or at once on the calling thread when `work` (rough operations) does not pay for waking them. */
void fh_cpu_run(fh_ref const fh_par *par, uint64_t work, fh_par_fn *fn, fh_mut void *arg);

/* --- tensors, matrices, activations ----------------------------------------------------------------------------- */

/* The floats of a resolved tensor. */
fh_f32s fh_cpu_tensor(const struct dev_tensor *t) fh_view(*1);

/* One plane of a weight. */
struct cpu_matrix {
    fh_dtype dtype;
    fh_span bytes; /* panels of a block type, rows of a plain one */
    size_t cols, rows, panels, panel_bytes;
};
struct cpu_matrix fh_cpu_matrix(const struct dev_weight *w, uint64_t plane) fh_view(1);

/* `n` rows of activations and their groups of up to KERN_TOKENS rows, as equal as possible. */
struct cpu_acts {
    fh_f32s x;
    size_t n, cols, groups, group_bytes;
    fh_mspan packed; /* groups × group_bytes; empty when no block weight asks for it */
};
/* Describes rows; `packed` is still empty. */
struct cpu_acts fh_cpu_acts(fh_f32s x, size_t n, size_t cols) fh_view(1);
/* The rows of group g. */
fh_range fh_cpu_group(const struct cpu_acts *acts, size_t g);
/* Quantises a row into a slot of group g. */
void fh_cpu_pack_row(const struct cpu *cpu, const struct cpu_acts *acts, size_t g, unsigned slot, fh_f32s row);
/* Quantises all rows in parallel, into acts->packed. */
void fh_cpu_pack(const struct cpu *cpu, const struct cpu_acts *acts);

/* Bytes of scratch that a part needs for products with matrices of up to `cols` columns. */
uint64_t fh_cpu_scratch_bytes(size_t cols);

/* Scratch of one part, cut by fh_cpu_scratch_cut. */
struct cpu_scratch {
    fh_mspan wide[2]; /* Q4_0 panels widened */
    fh_f32s tile[2];  /* KERN_TOKENS × KERN_ROWS results each */
};
struct cpu_scratch fh_cpu_scratch_cut(fh_mspan bytes, size_t cols) fh_view(1);

/* y[·, rows of panel p] = (or += with add) acts · matrixᵀ for groups [from, to). y: n × y_cols. */
void fh_cpu_product(const struct cpu *cpu, const struct cpu_matrix *m, size_t p, const struct cpu_acts *acts, fh_range groups,
                    fh_f32s y, bool add, fh_mut struct cpu_scratch *scratch);
/* The gated pair: y = silu(acts · gateᵀ) ⊙ (acts · upᵀ) for panel p. */
void fh_cpu_product_glu(const struct cpu *cpu, const struct cpu_matrix *gate, const struct cpu_matrix *up, size_t p,
                        const struct cpu_acts *acts, fh_range groups, fh_f32s y, fh_mut struct cpu_scratch *scratch);
/* How many groups to take at a time, so that their activations stay in the second-level cache. */
size_t fh_cpu_groups_at_once(const struct cpu_acts *acts);

/* --- operations, for the table in cpu.c ------------------------------------------------------------------------- */

fh_status fh_cpu_matmul(fh_mut void *self, const struct dev_matmul *op);
fh_status fh_cpu_glu(fh_mut void *self, const struct dev_glu *op);
fh_status fh_cpu_route(fh_mut void *self, const struct dev_route *op);
fh_status fh_cpu_kv_put(fh_mut void *self, const struct dev_kv_put *op);
fh_status fh_cpu_attend(fh_mut void *self, const struct dev_attend *op);
fh_status fh_cpu_experts(fh_mut void *self, const struct dev_experts *op);

#endif
