/* device_impl.h: what a device is made of, for device.c and for the implementations of devices.
 *
 * device.c checks every operand and resolves handles; an implementation sees only resolved, validated operands:
 *   - a dev_tensor lies inside its dev_mem, at a multiple of 4 bytes, rows and cols at least 1, rows at most FH_ROWS_MAX;
 *   - shapes agree; no output overlaps an input or another output, except where device.h allows it;
 *   - a dev_kv's segments are live, hold the layer, and cover every position of every row.
 * An implementation may still fail with FH_NOMEM, before it has written anything.
 *
 * Threading: as the device: one thread at a time. */
#ifndef FREEHOLD_TENSOR_DEVICE_IMPL_H
#define FREEHOLD_TENSOR_DEVICE_IMPL_H

#include "freehold/device.h"
#include "freehold/pool.h"

/* One allocation: slot of a pool, and on a list, so that fh_device_free finds those still live. */
struct dev_mem {
    fh_mem next, before; /* on the list; 0: none */
    uint64_t size_bytes;
    fh_owned fh_mspan bytes; /* of a device that keeps its memory in the host's address space */
};

/* One weight. `raw` is shared with the caller where the device uses it in place, else empty; the device's own form of it is
 * either a block, `own`, or a part of a slab, which ends with the device. */
struct dev_weight {
    fh_weight next; /* on the list of all; 0: none */
    fh_dtype dtype;
    uint64_t cols, rows, planes;
    bool rows_only;
    fh_owned fh_bytes raw;
    fh_owned fh_mspan own;
    fh_mspan slab;
};

FH_POOL_DEFINE(dev_mem, struct dev_mem);
FH_POOL_DEFINE(dev_weight, struct dev_weight);

/* A resolved tensor. */
struct dev_tensor {
    const struct dev_mem *mem;
    uint64_t offset_bytes, cols, rows;
};

struct dev_embed {
    const struct dev_weight *table;
    fh_u32s tokens;
    struct dev_tensor y;
};

struct dev_norm {
    struct dev_tensor x, y;
    const struct dev_weight *w;
    float eps;
};

struct dev_matmul {
    struct dev_tensor x;
    unsigned count;
    struct dev_matmul_out {
        const struct dev_weight *w;
        struct dev_tensor y;
        bool add;
    } out[FH_MATMUL_OUTS_MAX];
};

struct dev_glu {
    struct dev_tensor x, y;
    const struct dev_weight *gate, *up;
};

struct dev_rope {
    struct dev_tensor x;
    fh_u32s positions;
    fh_span freq;
    uint32_t head_dim, rot_dim;
    bool halves;
};

/* Keys and values: `kv` as given, its segments proved; `mems` resolves handles again where bytes are needed. */
struct dev_kv_put {
    struct dev_tensor k, v;
    const fh_kv_view *kv;
    dev_mem_pool mems;
};

struct dev_attend {
    struct dev_tensor q, y;
    const fh_kv_view *kv;
    dev_mem_pool mems;
    uint32_t heads;
    float scale;
};

/* logits = x · wᵀ into `logits` (n × experts), host memory. */
struct dev_route {
    struct dev_tensor x;
    const struct dev_weight *w;
    fh_f32s logits;
};

struct dev_experts {
    struct dev_tensor x, y;
    const struct dev_weight *gate, *up, *down;
    fh_u32s ids;
    fh_f32s weights;
    uint32_t top_k;
};

/* An implementation. `self` is fh_device.self. */
struct dev_ops {
    void (*close)(fh_drop void *self); /* after all memory and weights were ended */
    void (*caps)(const void *self, fh_device_caps *caps);
    fh_status (*mem_new)(void *self, struct dev_mem *mem); /* size_bytes is set */
    void (*mem_end)(void *self, struct dev_mem *mem);
    fh_status (*write)(void *self, struct dev_mem *mem, uint64_t offset_bytes, fh_span from);
    fh_status (*read)(void *self, const struct dev_mem *mem, uint64_t offset_bytes, fh_mspan to);
    /* The shape is set. */
    fh_status (*weight_new)(void *self, const fh_bytes *data, fh_mut fh_view(1) struct dev_weight *w, fh_err *err);
    void (*weight_end)(void *self, struct dev_weight *w);
    fh_status (*embed)(void *self, const struct dev_embed *op);
    fh_status (*norm)(void *self, const struct dev_norm *op);
    fh_status (*matmul)(void *self, const struct dev_matmul *op);
    fh_status (*glu)(void *self, const struct dev_glu *op);
    fh_status (*rope)(void *self, const struct dev_rope *op);
    fh_status (*kv_put)(void *self, const struct dev_kv_put *op);
    fh_status (*attend)(void *self, const struct dev_attend *op);
    fh_status (*route)(void *self, const struct dev_route *op);
    fh_status (*experts)(void *self, const struct dev_experts *op);
};

/* Sizes of a device's tables; that of memories grows, up to FH_DEVICE_MEMS_MAX. */
enum { DEV_MEMS_FIRST = 16384, DEV_WEIGHTS_MAX = 16384 };

struct fh_device {
    fh_ref fh_allocator *allocator;
    const struct dev_ops *ops;
    fh_owned void *self;
    fh_owned dev_mem_pool mems;
    fh_owned dev_weight_pool weights;
    fh_mem mem_list; /* the newest; 0: none */
    fh_weight weight_list;
    fh_device_caps caps; /* name, threads and the counts that device.c keeps */
    fh_owned fh_f32s logits;      /* of fh_device_route, grown as needed */
};

/* A device around an implementation, which ends with it, and on failure at once. */
fh_status fh_dev_new(fh_ref fh_allocator *a, const struct dev_ops *ops, fh_move void *self,
                     fh_owned fh_view(1, 2) fh_device **out);
/* The memory behind a handle, or NULL. */
fh_or_null struct dev_mem *fh_dev_mem(dev_mem_pool mems, fh_mem mem) fh_view(1);
/* The choice of experts, from logits: fh_device_route after the product (route.c). */
fh_status fh_dev_choose(const fh_route *op, uint64_t n, uint64_t experts, fh_f32s logits, fh_mut fh_err *err);

#endif
