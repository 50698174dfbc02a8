/* device.c: the checks that stand in front of every device, and the tables of its memory and weights.
 *
 * Each operation resolves its handles (FH_STALE), compares shapes, proves that every tensor lies inside its allocation and
 * that outputs overlap nothing they may not, and only then calls the implementation. So a kernel never sees an operand
 * that a caller could have got wrong, and a refused operation has written nothing.
 *
 * Invariants: mem_list and weight_list hold exactly the live slots of the two pools; caps.mem_bytes is the sum over mem_list.
 * Threading: one thread calls a device at a time. */
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "tensor/device_impl.h"

#define ANGLE_MAX 0x1p30 /* of fh_sincos */

/* --- handles ---------------------------------------------------------------------------------------------------- */

struct dev_mem *fh_dev_mem(dev_mem_pool mems, fh_mem mem) {
    struct dev_mem *slot = NULL;
    return fh_failed(dev_mem_get(mems, (dev_mem_handle){mem.value}, &slot)) ? NULL : slot;
}

static fh_or_null struct dev_weight *weight_at(dev_weight_pool weights, fh_weight weight) {
    struct dev_weight *slot = NULL;
    return fh_failed(dev_weight_get(weights, (dev_weight_handle){weight.value}, &slot)) ? NULL : slot;
}

/* --- life ------------------------------------------------------------------------------------------------------- */

fh_status fh_dev_new(fh_allocator *a, const struct dev_ops *ops, void *self, fh_device **out) {
    *out = NULL;
    fh_device *dev = fh_alloc(a, 1, sizeof *dev);
    if (dev == NULL) {
        ops->close(self);
        return FH_STATUS(FH_NOMEM);
    }
    const fh_pool_config of_mems = {.capacity = DEV_MEMS_FIRST, .max_capacity = FH_DEVICE_MEMS_MAX,
                                    .growth = {.kind = FH_GROW_EXPONENTIAL}, .threads = FH_POOL_SERIAL,
                                    .name = "device memory"};
    const fh_pool_config of_weights = {.capacity = DEV_WEIGHTS_MAX, .threads = FH_POOL_SERIAL, .name = "device weights"};
    dev_mem_pool mems = {NULL};
    dev_weight_pool weights = {NULL};
    fh_status status = dev_mem_pool_new(a, &of_mems, &mems);
    if (!fh_failed(status))
        status = dev_weight_pool_new(a, &of_weights, &weights);
    if (fh_failed(status)) {
        dev_mem_pool_free(mems);
        fh_free(a, dev);
        ops->close(self);
        return status;
    }
    dev->allocator = a;
    dev->ops = ops;
    dev->self = self;
    dev->mems = mems;
    dev->weights = weights;
    *out = dev;
    return FH_DONE;
}

void fh_device_free(fh_device *dev) {
    if (dev == NULL)
        return;
    for (struct dev_mem *mem = fh_dev_mem(dev->mems, dev->mem_list); mem != NULL; mem = fh_dev_mem(dev->mems, mem->next))
        dev->ops->mem_end(dev->self, mem);
    for (struct dev_weight *w = weight_at(dev->weights, dev->weight_list); w != NULL; w = weight_at(dev->weights, w->next)) {
        dev->ops->weight_end(dev->self, w);
        fh_bytes_drop(&w->raw);
    }
    dev->ops->close(dev->self);
    dev_mem_pool_free(dev->mems);
    dev_weight_pool_free(dev->weights);
    fh_f32s_free(dev->allocator, &dev->logits);
    fh_free(dev->allocator, dev);
}

fh_device_caps fh_device_caps_get(const fh_device *dev) {
    fh_device_caps caps = dev->caps;
    dev->ops->caps(dev->self, &caps);
    return caps;
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

fh_status fh_device_alloc(fh_device *dev, uint64_t size_bytes, fh_mem *out) {
    *out = (fh_mem){0};
    if (size_bytes == 0)
        return FH_STATUS(FH_INVALID);
    dev_mem_handle h = {0};
    struct dev_mem *mem = NULL;
    FH_TRY(dev_mem_alloc(dev->mems, &h, &mem));
    mem->size_bytes = size_bytes;
    fh_status status = dev->ops->mem_new(dev->self, mem);
    if (fh_failed(status)) {
        fh_status released = dev_mem_release(dev->mems, h);
        FH_ASSERT(!fh_failed(released));
        return status;
    }
    *out = (fh_mem){h.value};
    mem->before = (fh_mem){0};
    mem->next = dev->mem_list;
    struct dev_mem *next = fh_dev_mem(dev->mems, mem->next);
    if (next != NULL)
        next->before = *out;
    dev->mem_list = *out;
    dev->caps.mem_bytes += size_bytes;
    return FH_DONE;
}

fh_status fh_device_release(fh_device *dev, fh_mem handle) {
    struct dev_mem *mem = fh_dev_mem(dev->mems, handle);
    if (mem == NULL)
        return FH_STATUS(FH_STALE);
    fh_mem next = mem->next, before = mem->before;
    dev->caps.mem_bytes -= mem->size_bytes;
    dev->ops->mem_end(dev->self, mem);
    mem = fh_dev_mem(dev->mems, next);
    if (mem != NULL)
        mem->before = before;
    mem = fh_dev_mem(dev->mems, before);
    if (mem != NULL)
        mem->next = next;
    else
        dev->mem_list = next;
    return dev_mem_release(dev->mems, (dev_mem_handle){handle.value});
}

/* True if [offset, offset + size) lies inside mem. */
static bool inside(const struct dev_mem *mem, uint64_t offset, uint64_t size) {
    return offset <= mem->size_bytes && size <= mem->size_bytes - offset;
}

fh_status fh_device_write(fh_device *dev, fh_mem handle, uint64_t offset_bytes, fh_span from) {
    struct dev_mem *mem = fh_dev_mem(dev->mems, handle);
    if (mem == NULL)
        return FH_STATUS(FH_STALE);
    if (!inside(mem, offset_bytes, from.size))
        return FH_STATUS(FH_INVALID);
    return from.size == 0 ? FH_DONE : dev->ops->write(dev->self, mem, offset_bytes, from);
}

fh_status fh_device_read(fh_device *dev, fh_mem handle, uint64_t offset_bytes, fh_mspan to) {
    struct dev_mem *mem = fh_dev_mem(dev->mems, handle);
    if (mem == NULL)
        return FH_STATUS(FH_STALE);
    if (!inside(mem, offset_bytes, to.size))
        return FH_STATUS(FH_INVALID);
    return to.size == 0 ? FH_DONE : dev->ops->read(dev->self, mem, offset_bytes, to);
}

/* --- weights ---------------------------------------------------------------------------------------------------- */

fh_status fh_device_weight(fh_device *dev, const fh_weight_desc *desc, fh_weight *out, fh_err *err) {
    *out = (fh_weight){0};
    if ((unsigned)desc->dtype >= FH_DTYPE_COUNT)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "weight: no element type %u", (unsigned)desc->dtype);
    uint64_t rows = 0, bytes = 0;
    if (desc->cols == 0 || desc->rows == 0 || desc->planes == 0 || !fh_mul_u64(desc->rows, desc->planes, &rows) ||
        !fh_dtype_bytes(desc->dtype, desc->cols, rows, &bytes))
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "weight: %s cannot have the shape %llu x %llu x %llu",
                       fh_dtype_name(desc->dtype), (unsigned long long)desc->cols, (unsigned long long)desc->rows,
                       (unsigned long long)desc->planes);
    if (desc->data.span.size != bytes)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "weight: %s of %llu x %llu x %llu takes %llu bytes, given %llu",
                       fh_dtype_name(desc->dtype), (unsigned long long)desc->cols, (unsigned long long)desc->rows,
                       (unsigned long long)desc->planes, (unsigned long long)bytes, (unsigned long long)desc->data.span.size);
    dev_weight_handle h = {0};
    struct dev_weight *w = NULL;
    FH_TRY(dev_weight_alloc(dev->weights, &h, &w));
    w->dtype = desc->dtype;
    w->cols = desc->cols;
    w->rows = desc->rows;
    w->planes = desc->planes;
    w->rows_only = desc->rows_only;
    fh_status status = dev->ops->weight_new(dev->self, &desc->data, w, err);
    if (fh_failed(status)) {
        fh_status released = dev_weight_release(dev->weights, h);
        FH_ASSERT(!fh_failed(released));
        return status;
    }
    *out = (fh_weight){h.value};
    w->next = dev->weight_list;
    dev->weight_list = *out;
    dev->caps.weight_bytes += w->own.size + w->slab.size;
    dev->caps.borrowed_bytes += w->raw.span.size;
    return FH_DONE;
}

/* --- checks ----------------------------------------------------------------------------------------------------- */

/* What an operation's checks share: the device's tables, the operation's name, and where to report. */
struct check {
    dev_mem_pool mems;
    dev_weight_pool weights;
    const char *op;
    fh_err *err;
};

static fh_status get_tensor(struct check c, const char *name, fh_tensor t, fh_out struct dev_tensor *out) {
    const struct dev_mem *mem = fh_dev_mem(c.mems, t.mem);
    if (mem == NULL)
        return fh_fail(c.err, FH_STALE, FH_NO_OFFSET, "%s: %s lies in memory that is not live", c.op, name);
    uint64_t bytes = 0;
    if (t.cols == 0 || t.rows == 0 || t.rows > FH_ROWS_MAX || t.offset_bytes % sizeof(float) != 0 ||
        !fh_mul_u64(t.cols, t.rows, &bytes) || !fh_mul_u64(bytes, sizeof(float), &bytes) || !inside(mem, t.offset_bytes, bytes))
        return fh_fail(c.err, FH_INVALID, FH_NO_OFFSET, "%s: %s, %llu x %llu at byte %llu, is no tensor inside %llu bytes",
                       c.op, name, (unsigned long long)t.cols, (unsigned long long)t.rows, (unsigned long long)t.offset_bytes,
                       (unsigned long long)mem->size_bytes);
    *out = (struct dev_tensor){mem, t.offset_bytes, t.cols, t.rows};
    return FH_DONE;
}

/* A tensor whose shape is known. */
static fh_status get_shaped(struct check c, const char *name, fh_tensor t, uint64_t cols, uint64_t rows,
                            fh_out struct dev_tensor *out) {
    FH_TRY(get_tensor(c, name, t, out));
    if (t.cols != cols || t.rows != rows)
        return fh_fail(c.err, FH_INVALID, FH_NO_OFFSET, "%s: %s is %llu x %llu, expected %llu x %llu", c.op, name,
                       (unsigned long long)t.cols, (unsigned long long)t.rows, (unsigned long long)cols,
                       (unsigned long long)rows);
    return FH_DONE;
}

/* A weight of any shape; `rows` says that only its rows are asked for. */
static fh_status get_weight(struct check c, const char *name, fh_weight h, bool rows, fh_out const struct dev_weight **out) {
    const struct dev_weight *w = weight_at(c.weights, h);
    if (w == NULL)
        return fh_fail(c.err, FH_STALE, FH_NO_OFFSET, "%s: %s is no live weight", c.op, name);
    *out = w;
    if ((*out)->rows_only && !rows)
        return fh_fail(c.err, FH_INVALID, FH_NO_OFFSET, "%s: %s was made for embedding only", c.op, name);
    return FH_DONE;
}

/* A weight whose shape is known. */
static fh_status get_matrix(struct check c, const char *name, fh_weight h, uint64_t cols, uint64_t rows, uint64_t planes,
                            fh_out const struct dev_weight **out) {
    FH_TRY(get_weight(c, name, h, false, out));
    const struct dev_weight *w = *out;
    if (w->cols != cols || w->rows != rows || w->planes != planes)
        return fh_fail(c.err, FH_INVALID, FH_NO_OFFSET, "%s: %s is %llu x %llu x %llu, expected %llu x %llu x %llu", c.op, name,
                       (unsigned long long)w->cols, (unsigned long long)w->rows, (unsigned long long)w->planes,
                       (unsigned long long)cols, (unsigned long long)rows, (unsigned long long)planes);
    return FH_DONE;
}

static uint64_t tensor_bytes(const struct dev_tensor *t) {
    return t->cols * t->rows * sizeof(float);
}

static bool overlap(const struct dev_tensor *a, const struct dev_tensor *b) {
    return a->mem == b->mem && a->offset_bytes < b->offset_bytes + tensor_bytes(b) &&
           b->offset_bytes < a->offset_bytes + tensor_bytes(a);
}

static fh_status apart(struct check c, const char *names, const struct dev_tensor *a, const struct dev_tensor *b) {
    if (overlap(a, b))
        return fh_fail(c.err, FH_INVALID, FH_NO_OFFSET, "%s: %s overlap", c.op, names);
    return FH_DONE;
}

/* Host arrays of a call have one entry a row (or a fixed number of them). */
static fh_status get_count(struct check c, const char *name, uint64_t count, uint64_t expected) {
    if (count != expected)
        return fh_fail(c.err, FH_INVALID, FH_NO_OFFSET, "%s: %llu %s, expected %llu", c.op, (unsigned long long)count, name,
                       (unsigned long long)expected);
    return FH_DONE;
}

/* --- operations ------------------------------------------------------------------------------------------------- */

fh_status fh_device_embed(fh_device *dev, const fh_embed *op, fh_err *err) {
    struct check c = {dev->mems, dev->weights, "embed", err};
    struct dev_embed to = {.tokens = op->tokens};
    FH_TRY(get_weight(c, "table", op->table, true, &to.table));
    FH_TRY(get_shaped(c, "y", op->y, to.table->cols, op->tokens.count, &to.y));
    for (size_t i = 0; i < op->tokens.count; i++)
        if (fh_u32s_get(op->tokens, i) >= to.table->rows)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "embed: token %u of row %zu, the table has %llu",
                           fh_u32s_get(op->tokens, i), i, (unsigned long long)to.table->rows);
    return dev->ops->embed(dev->self, &to);
}

fh_status fh_device_norm(fh_device *dev, const fh_norm *op, fh_err *err) {
    struct check c = {dev->mems, dev->weights, "norm", err};
    struct dev_norm to = {.eps = op->eps};
    FH_TRY(get_weight(c, "w", op->w, false, &to.w));
    FH_TRY(get_matrix(c, "w", op->w, to.w->cols, 1, 1, &to.w));
    if (to.w->dtype != FH_DTYPE_F32 || !(op->eps >= 0.0f))
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "norm: w is %s, eps %g; expected F32 and eps >= 0",
                       fh_dtype_name(to.w->dtype), (double)op->eps);
    FH_TRY(get_tensor(c, "x", op->x, &to.x));
    if (to.x.cols % to.w->cols != 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "norm: rows of %llu are no multiple of w's %llu",
                       (unsigned long long)to.x.cols, (unsigned long long)to.w->cols);
    FH_TRY(get_shaped(c, "y", op->y, to.x.cols, to.x.rows, &to.y));
    if (to.x.mem != to.y.mem || to.x.offset_bytes != to.y.offset_bytes)
        FH_TRY(apart(c, "x and y", &to.x, &to.y));
    return dev->ops->norm(dev->self, &to);
}

fh_status fh_device_matmul(fh_device *dev, const fh_matmul *op, fh_err *err) {
    struct check c = {dev->mems, dev->weights, "matmul", err};
    struct dev_matmul to = {.count = op->count};
    if (op->count == 0 || op->count > FH_MATMUL_OUTS_MAX)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "matmul: %u outputs, expected 1 to %u", op->count,
                       (unsigned)FH_MATMUL_OUTS_MAX);
    FH_TRY(get_tensor(c, "x", op->x, &to.x));
    for (unsigned i = 0; i < op->count; i++) {
        struct dev_matmul_out *out = &to.out[i];
        out->add = op->out[i].add;
        FH_TRY(get_weight(c, "w", op->out[i].w, false, &out->w));
        FH_TRY(get_matrix(c, "w", op->out[i].w, to.x.cols, out->w->rows, 1, &out->w));
        FH_TRY(get_shaped(c, "y", op->out[i].y, out->w->rows, to.x.rows, &out->y));
        FH_TRY(apart(c, "x and y", &to.x, &out->y));
        for (unsigned j = 0; j < i; j++)
            FH_TRY(apart(c, "two outputs", &to.out[j].y, &out->y));
    }
    return dev->ops->matmul(dev->self, &to);
}

fh_status fh_device_glu(fh_device *dev, const fh_glu *op, fh_err *err) {
    struct check c = {dev->mems, dev->weights, "glu", err};
    struct dev_glu to = {0};
    FH_TRY(get_tensor(c, "x", op->x, &to.x));
    FH_TRY(get_tensor(c, "y", op->y, &to.y));
    FH_TRY(get_matrix(c, "gate", op->gate, to.x.cols, to.y.cols, 1, &to.gate));
    FH_TRY(get_matrix(c, "up", op->up, to.x.cols, to.y.cols, 1, &to.up));
    FH_TRY(get_shaped(c, "y", op->y, to.y.cols, to.x.rows, &to.y));
    FH_TRY(apart(c, "x and y", &to.x, &to.y));
    return dev->ops->glu(dev->self, &to);
}

/* Proves that every angle lies where fh_sincos is defined. */
static fh_status check_angles(struct check c, const fh_rope *op) {
    double most = 0, last = 0;
    for (size_t i = 0; i < op->rot_dim / 2; i++) {
        double f = fh_f64_of_bits(fh_span_u64(op->freq, i * sizeof f));
        f = f < 0 ? -f : f;
        if (!(f <= ANGLE_MAX))
            return fh_fail(c.err, FH_INVALID, FH_NO_OFFSET, "rope: frequency %zu is not a number up to 2^30", i);
        most = f > most ? f : most;
    }
    for (size_t i = 0; i < op->positions.count; i++)
        last = fh_u32s_get(op->positions, i) > last ? fh_u32s_get(op->positions, i) : last;
    if (last * most > ANGLE_MAX)
        return fh_fail(c.err, FH_INVALID, FH_NO_OFFSET, "rope: position %.0f times frequency %g is over 2^30", last, most);
    return FH_DONE;
}

fh_status fh_device_rope(fh_device *dev, const fh_rope *op, fh_err *err) {
    struct check c = {dev->mems, dev->weights, "rope", err};
    struct dev_rope to = {
        .positions = op->positions, .freq = op->freq, .head_dim = op->head_dim, .rot_dim = op->rot_dim, .halves = op->halves};
    FH_TRY(get_tensor(c, "x", op->x, &to.x));
    FH_TRY(get_count(c, "positions", op->positions.count, to.x.rows));
    if (op->rot_dim == 0 || op->rot_dim % 2 != 0 || op->rot_dim > op->head_dim || op->head_dim > FH_HEAD_DIM_MAX ||
        to.x.cols % op->head_dim != 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "rope: %u of %u dimensions in rows of %llu", op->rot_dim, op->head_dim,
                       (unsigned long long)to.x.cols);
    FH_TRY(get_count(c, "bytes of frequencies", op->freq.size, (uint64_t)op->rot_dim / 2 * sizeof(double)));
    FH_TRY(check_angles(c, op));
    return dev->ops->rope(dev->self, &to);
}

bool fh_kv_layer_bytes(uint32_t kv_heads, uint32_t head_dim, uint64_t *out) {
    uint64_t bytes = 0;
    *out = 0;
    return fh_mul_u64(kv_heads, head_dim, &bytes) && fh_mul_u64(bytes, 2 * sizeof(uint16_t) * FH_KV_BLOCK, out);
}

/* Proves a view: shape, live segments that hold the layer, and for each row the blocks up to its position (from `base` with
 * `history`, else only its own). */
static fh_status check_view(struct check c, const fh_kv_view *kv, uint64_t n) {
    uint64_t layer = 0, end = 0;
    if (kv->kv_heads == 0 || kv->head_dim == 0 || kv->head_dim > FH_HEAD_DIM_MAX || kv->offset_bytes % FH_ALLOC_ALIGN != 0 ||
        !fh_kv_layer_bytes(kv->kv_heads, kv->head_dim, &layer) || !fh_add_u64(kv->offset_bytes, layer, &end))
        return fh_fail(c.err, FH_INVALID, FH_NO_OFFSET, "%s: no cache of %u heads of %u at byte %llu", c.op, kv->kv_heads,
                       kv->head_dim, (unsigned long long)kv->offset_bytes);
    FH_TRY(get_count(c, "positions", kv->positions.count, n));
    FH_TRY(get_count(c, "first segments", kv->first.count, n));
    FH_TRY(get_count(c, "base blocks", kv->base.count, n));
    for (size_t i = 0; i < kv->segments.count; i++) {
        const struct dev_mem *mem = fh_dev_mem(c.mems, fh_mems_get(kv->segments, i));
        if (mem == NULL)
            return fh_fail(c.err, FH_STALE, FH_NO_OFFSET, "%s: segment %zu is not live", c.op, i);
        if (mem->size_bytes < end)
            return fh_fail(c.err, FH_INVALID, FH_NO_OFFSET, "%s: segment %zu has %llu bytes, the layer ends at %llu", c.op, i,
                           (unsigned long long)mem->size_bytes, (unsigned long long)end);
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t block = fh_u32s_get(kv->positions, i) / FH_KV_BLOCK, base = fh_u32s_get(kv->base, i);
        if (block < base || fh_u32s_get(kv->first, i) + (block - base) >= kv->segments.count)
            return fh_fail(c.err, FH_INVALID, FH_NO_OFFSET,
                           "%s: row %zu at position %u has no segment (%zu segments, first %u, base %u)", c.op, i,
                           fh_u32s_get(kv->positions, i), kv->segments.count, fh_u32s_get(kv->first, i),
                           fh_u32s_get(kv->base, i));
    }
    return FH_DONE;
}

/* No segment's layer lies where tensor t does. */
static fh_status apart_view(struct check c, const char *name, const fh_kv_view *kv, const struct dev_tensor *t) {
    uint64_t layer = 0;
    bool fits = fh_kv_layer_bytes(kv->kv_heads, kv->head_dim, &layer);
    FH_ASSERT(fits);
    struct dev_tensor part = {.offset_bytes = kv->offset_bytes, .cols = layer / sizeof(float), .rows = 1};
    for (size_t i = 0; i < kv->segments.count; i++) {
        part.mem = fh_dev_mem(c.mems, fh_mems_get(kv->segments, i));
        if (overlap(&part, t))
            return fh_fail(c.err, FH_INVALID, FH_NO_OFFSET, "%s: %s overlaps segment %zu", c.op, name, i);
    }
    return FH_DONE;
}

fh_status fh_device_kv_put(fh_device *dev, const fh_kv_put *op, fh_err *err) {
    struct check c = {dev->mems, dev->weights, "kv_put", err};
    struct dev_kv_put to = {.kv = &op->kv, .mems = dev->mems};
    FH_TRY(get_tensor(c, "k", op->k, &to.k));
    FH_TRY(check_view(c, &op->kv, to.k.rows));
    uint64_t cols = (uint64_t)op->kv.kv_heads * op->kv.head_dim;
    FH_TRY(get_shaped(c, "k", op->k, cols, to.k.rows, &to.k));
    FH_TRY(get_shaped(c, "v", op->v, cols, to.k.rows, &to.v));
    FH_TRY(apart_view(c, "k", &op->kv, &to.k));
    FH_TRY(apart_view(c, "v", &op->kv, &to.v));
    return dev->ops->kv_put(dev->self, &to);
}

fh_status fh_device_attend(fh_device *dev, const fh_attend *op, fh_err *err) {
    struct check c = {dev->mems, dev->weights, "attend", err};
    struct dev_attend to = {.kv = &op->kv, .mems = dev->mems, .heads = op->heads, .scale = op->scale};
    FH_TRY(get_tensor(c, "q", op->q, &to.q));
    FH_TRY(check_view(c, &op->kv, to.q.rows));
    if (op->heads == 0 || op->heads % op->kv.kv_heads != 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "attend: %u heads over %u key heads", op->heads, op->kv.kv_heads);
    uint64_t cols = (uint64_t)op->heads * op->kv.head_dim;
    FH_TRY(get_shaped(c, "q", op->q, cols, to.q.rows, &to.q));
    FH_TRY(get_shaped(c, "y", op->y, cols, to.q.rows, &to.y));
    FH_TRY(apart(c, "q and y", &to.q, &to.y));
    FH_TRY(apart_view(c, "y", &op->kv, &to.y));
    return dev->ops->attend(dev->self, &to);
}

fh_status fh_device_route(fh_device *dev, const fh_route *op, fh_err *err) {
    struct check c = {dev->mems, dev->weights, "route", err};
    struct dev_route to = {0};
    FH_TRY(get_tensor(c, "x", op->x, &to.x));
    FH_TRY(get_weight(c, "w", op->w, false, &to.w));
    FH_TRY(get_matrix(c, "w", op->w, to.x.cols, to.w->rows, 1, &to.w));
    if (fh_dtype_block(to.w->dtype) != 1 || op->top_k == 0 || op->top_k > FH_TOP_K_MAX || op->top_k > to.w->rows ||
        to.w->rows > FH_EXPERTS_MAX)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "route: %u of %llu experts by %s weights", op->top_k,
                       (unsigned long long)to.w->rows, fh_dtype_name(to.w->dtype));
    FH_TRY(get_count(c, "ids", op->ids.count, to.x.rows * op->top_k));
    FH_TRY(get_count(c, "weights", op->weights.count, to.x.rows * op->top_k));
    size_t need = (size_t)(to.x.rows * to.w->rows);
    if (dev->logits.count < need) {
        fh_f32s more = {NULL, 0};
        FH_TRY(fh_f32s_new(dev->allocator, need, &more));
        fh_f32s_free(dev->allocator, &dev->logits);
        dev->logits = more;
    }
    to.logits = fh_f32s_sub(dev->logits, 0, need);
    FH_TRY(dev->ops->route(dev->self, &to));
    return fh_dev_choose(op, to.x.rows, to.w->rows, to.logits, err);
}

fh_status fh_device_experts(fh_device *dev, const fh_experts *op, fh_err *err) {
    struct check c = {dev->mems, dev->weights, "experts", err};
    struct dev_experts to = {.ids = op->ids, .weights = op->weights, .top_k = op->top_k};
    FH_TRY(get_tensor(c, "x", op->x, &to.x));
    FH_TRY(get_shaped(c, "y", op->y, to.x.cols, to.x.rows, &to.y));
    FH_TRY(apart(c, "x and y", &to.x, &to.y));
    FH_TRY(get_weight(c, "gate", op->gate, false, &to.gate));
    uint64_t rows = to.gate->rows, planes = to.gate->planes;
    FH_TRY(get_matrix(c, "gate", op->gate, to.x.cols, rows, planes, &to.gate));
    FH_TRY(get_matrix(c, "up", op->up, to.x.cols, rows, planes, &to.up));
    FH_TRY(get_matrix(c, "down", op->down, rows, to.x.cols, planes, &to.down));
    if (op->top_k == 0 || op->top_k > FH_TOP_K_MAX)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "experts: top_k %u, expected 1 to %u", op->top_k, (unsigned)FH_TOP_K_MAX);
    FH_TRY(get_count(c, "ids", op->ids.count, to.x.rows * op->top_k));
    FH_TRY(get_count(c, "weights", op->weights.count, to.x.rows * op->top_k));
    for (size_t i = 0; i < op->ids.count; i++)
        if (fh_u32s_get(op->ids, i) >= planes)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "experts: expert %u of row %zu, there are %llu",
                           fh_u32s_get(op->ids, i), i / op->top_k, (unsigned long long)planes);
    return dev->ops->experts(dev->self, &to);
}
