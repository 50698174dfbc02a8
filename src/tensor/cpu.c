/* cpu.c: the CPU device: memory, weights, workspace, and the operations on single rows.
 *
 * Device memory is host memory. A weight of a block type becomes panels once, when it is taken over (kern/kern.h); plain
 * weights, and weights that only serve embedding, are used in place. Work on one row stays on the calling thread; an
 * operation wakes the other threads only when there is enough of it, because waking them costs more than normalising a
 * row.
 *
 * Invariant: an operation reserves all memory that it needs before it writes anything, so FH_NOMEM leaves every tensor as
 * it was. Threading: as the device. */
#include "freehold/checked.h"
#include "freehold/fmath.h"
#include "tensor/cpu.h"

/* --- workspace and work ----------------------------------------------------------------------------------------- */

size_t fh_cpu_plan(struct cpu_plan *plan, uint64_t count, uint64_t size_bytes) {
    uint64_t bytes = 0, start = plan->bytes;
    if (!fh_mul_u64(count, size_bytes, &bytes) || !fh_align_up_u64(bytes, FH_ALLOC_ALIGN, &bytes) ||
        !fh_add_u64(start, bytes, &plan->bytes) || plan->bytes > SIZE_MAX)
        plan->overflow = true;
    return (size_t)start;
}

fh_status fh_cpu_reserve(struct cpu *cpu, const struct cpu_plan *plan) {
    if (plan->overflow)
        return FH_STATUS(FH_NOMEM);
    if (plan->bytes <= cpu->space.size)
        return FH_DONE;
    const size_t bytes = (size_t)plan->bytes;
    uint8_t *more = fh_alloc(cpu->allocator, bytes, 1);
    if (more == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_free(cpu->allocator, cpu->space.at);
    cpu->space = (fh_mspan){more, bytes};
    return FH_DONE;
}

fh_mspan fh_cpu_space(const struct cpu *cpu, size_t offset, size_t size_bytes) {
    fh_mspan out;
    bool ok = fh_mspan_slice(cpu->space, offset, size_bytes, &out);
    FH_ASSERT(ok);
    return out;
}

fh_f32s fh_cpu_floats(const struct cpu *cpu, size_t offset, size_t count) {
    return fh_kern_f32s(fh_cpu_space(cpu, offset, count * sizeof(float)));
}

unsigned fh_cpu_parts(const struct cpu *cpu) {
    return cpu->par == NULL || cpu->par->width == 0 ? 1 : cpu->par->width;
}

enum { SHARES_PER_PART = 8 };

unsigned fh_cpu_shares(size_t items, unsigned parts) {
    size_t shares = parts == 1 ? 1 : (size_t)parts * SHARES_PER_PART;
    return (unsigned)(shares < items ? shares : items);
}

/* Below this many operations a run is over sooner than another thread is awake. */
enum { WORK_WORTH_WAKING = 32768 };

void fh_cpu_run(const fh_par *par, uint64_t work, fh_par_fn *fn, void *arg) {
    if (work < WORK_WORTH_WAKING)
        fn(arg, 0, 1);
    else
        fh_par_run(par, fn, arg);
}

/* --- memory and weights ----------------------------------------------------------------------------------------- */

static void cpu_free(fh_drop struct cpu *cpu) {
    if (cpu == NULL)
        return;
    fh_arena_free(cpu->slab);
    fh_free(cpu->allocator, cpu->space.at);
    fh_free(cpu->allocator, cpu->rope_key.at);
    fh_f32s_free(cpu->allocator, &cpu->rope_table);
    fh_free(cpu->allocator, cpu);
}

static void cpu_close(fh_drop void *self) {
    cpu_free(self);
}

static void cpu_caps(const void *self, fh_device_caps *caps) {
    const struct cpu *cpu = self;
    caps->workspace_bytes = cpu->space.size + cpu->rope_key.size + cpu->rope_table.count * sizeof(float);
}

static fh_status cpu_mem_new(void *self, struct dev_mem *mem) {
    struct cpu *cpu = self;
    size_t wanted = 0;
    const size_t size = fh_u64_to_size(mem->size_bytes, &wanted) ? wanted : 0;
    uint8_t *at = fh_alloc(cpu->allocator, size, 1);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    mem->bytes = (fh_mspan){at, size};
    return FH_DONE;
}

static void cpu_mem_end(void *self, struct dev_mem *mem) {
    struct cpu *cpu = self;
    fh_free(cpu->allocator, mem->bytes.at);
    mem->bytes = (fh_mspan){NULL, 0};
}

/* Bytes of a dev_mem that the checks have proved. */
static fh_mspan mem_part(const struct dev_mem *mem, uint64_t offset, size_t size) {
    fh_mspan out;
    bool ok = fh_mspan_slice(mem->bytes, (size_t)offset, size, &out);
    FH_ASSERT(ok);
    return out;
}

static fh_status cpu_write(void *self, struct dev_mem *mem, uint64_t offset_bytes, fh_span from) {
    (void)self;
    fh_span_copy(mem_part(mem, offset_bytes, from.size), from);
    return FH_DONE;
}

static fh_status cpu_read(void *self, const struct dev_mem *mem, uint64_t offset_bytes, fh_mspan to) {
    (void)self;
    fh_span_copy(to, fh_span_of_mut(mem_part(mem, offset_bytes, to.size)));
    return FH_DONE;
}

fh_f32s fh_cpu_tensor(const struct dev_tensor *t) {
    return fh_kern_f32s(mem_part(t->mem, t->offset_bytes, (size_t)(t->cols * t->rows * sizeof(float))));
}

/* Panels of a plane, and bytes of a panel. */
static size_t panel_count(const struct dev_weight *w) {
    return (size_t)((w->rows + KERN_ROWS - 1) / KERN_ROWS);
}
static uint64_t panel_bytes(const struct dev_weight *w) {
    if (fh_dtype_block(w->dtype) > 1)
        return w->cols / KERN_BLOCK * fh_kern_record_bytes(w->dtype);
    uint64_t bytes = 0;
    bool ok = fh_dtype_bytes(w->dtype, w->cols, KERN_ROWS, &bytes);
    FH_ASSERT(ok);
    return bytes;
}

struct panels_job {
    const struct dev_weight *w;
    fh_span data;
    fh_mspan panels;
};

static void panels_work(void *arg, unsigned part, unsigned parts) {
    const struct panels_job *job = arg;
    const struct dev_weight *w = job->w;
    size_t each = panel_count(w), bytes = (size_t)panel_bytes(w), plane_bytes = job->data.size / (size_t)w->planes;
    fh_range share = fh_par_share(each * (size_t)w->planes, part, parts);
    for (size_t i = share.from; i < share.to; i++) {
        fh_mspan panel;
        bool ok = fh_mspan_slice(job->panels, i * bytes, bytes, &panel);
        FH_ASSERT(ok);
        fh_span plane = fh_span_sub(job->data, i / each * plane_bytes, plane_bytes);
        fh_kern_panel(w->dtype, plane.at, (size_t)w->cols, (size_t)w->rows, i % each * KERN_ROWS, panel.at);
    }
}

/* Large weights lie in slabs, side by side: a slab is big enough for huge pages, and reading panels through those is 15 %
 * faster than through small ones (measured: 4-bit panels, one core, 14.8 against 12.6 GB/s). They all end with the device.
 * */
enum { SLAB_BYTES = 64 << 20, SLAB_FROM = 256 << 10 };

/* Room for panels, in one of w's two places; false when there is no memory. */
static bool panels_alloc(struct cpu *cpu, fh_mut fh_view(1) struct dev_weight *w, size_t bytes) {
    static const fh_arena_options slabs = {.chunk_bytes = SLAB_BYTES, .name = "weights"};
    if (bytes < SLAB_FROM) {
        uint8_t *at = fh_alloc(cpu->allocator, bytes, 1);
        w->own = (fh_mspan){at, at == NULL ? 0 : bytes};
        return w->own.size != 0;
    }
    if (cpu->slab == NULL && fh_failed(fh_arena_new(cpu->allocator, &slabs, &cpu->slab)))
        return false;
    uint8_t *at = fh_arena_alloc(cpu->slab, bytes, 1);
    w->slab = (fh_mspan){at, at == NULL ? 0 : bytes};
    return w->slab.size != 0;
}

/* The panels of a weight; empty for one that is used in place. */
static fh_mspan panels_of(const struct dev_weight *w) {
    return w->own.size != 0 ? w->own : w->slab;
}

static fh_status cpu_weight_new(void *self, const fh_bytes *data, fh_mut fh_view(1) struct dev_weight *w, fh_err *err) {
    struct cpu *cpu = self;
    if (fh_dtype_block(w->dtype) == 1 || w->rows_only) {
        w->raw = fh_bytes_share(*data);
        return FH_DONE;
    }
    uint64_t bytes = 0;
    if (!fh_mul_u64(panel_bytes(w), panel_count(w), &bytes) || !fh_mul_u64(bytes, w->planes, &bytes) || bytes > SIZE_MAX ||
        !panels_alloc(cpu, w, (size_t)bytes))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "weight: no memory for %llu bytes of panels", (unsigned long long)bytes);
    struct panels_job job = {w, data->span, panels_of(w)};
    fh_cpu_run(cpu->par, bytes, panels_work, &job);
    return FH_DONE;
}

static void cpu_weight_end(void *self, struct dev_weight *w) {
    struct cpu *cpu = self;
    fh_free(cpu->allocator, w->own.at);
    w->own = (fh_mspan){NULL, 0};
    w->slab = (fh_mspan){NULL, 0};
}

struct cpu_matrix fh_cpu_matrix(const struct dev_weight *w, uint64_t plane) {
    fh_span all = fh_dtype_block(w->dtype) > 1 ? fh_span_of_mut(panels_of(w)) : w->raw.span;
    size_t plane_bytes = all.size / (size_t)w->planes;
    return (struct cpu_matrix){.dtype = w->dtype,
                               .bytes = fh_span_sub(all, (size_t)plane * plane_bytes, plane_bytes),
                               .cols = (size_t)w->cols,
                               .rows = (size_t)w->rows,
                               .panels = panel_count(w),
                               .panel_bytes = (size_t)panel_bytes(w)};
}

/* --- operations on rows ----------------------------------------------------------------------------------------- */

struct rows_job {
    const struct cpu *cpu;
    const struct dev_embed *embed; /* the operation: one of the three */
    const struct dev_norm *norm;
    const struct dev_rope *rope;
    fh_f32s x, y;
    size_t rows;
};

static void embed_work(void *arg, unsigned part, unsigned parts) {
    const struct rows_job *job = arg;
    const struct dev_embed *op = job->embed;
    const struct dev_weight *w = op->table;
    size_t cols = (size_t)w->cols, row_bytes = w->raw.span.size / (size_t)(w->rows * w->planes);
    fh_range share = fh_par_share(job->rows, part, parts);
    for (size_t i = share.from; i < share.to; i++) {
        size_t token = fh_u32s_get(op->tokens, i);
        float *y = fh_f32s_sub(job->y, i * cols, cols).at;
        if (w->raw.span.size != 0) {
            fh_kern_widen(w->dtype, fh_span_sub(w->raw.span, token * row_bytes, row_bytes).at, cols, y);
            continue;
        }
        size_t bytes = (size_t)panel_bytes(w);
        fh_span panel = fh_span_sub(fh_span_of_mut(panels_of(w)), token / KERN_ROWS * bytes, bytes);
        fh_kern_panel_row(w->dtype, panel.at, cols, (unsigned)(token % KERN_ROWS), y);
    }
}

static fh_status cpu_embed(void *self, const struct dev_embed *op) {
    struct cpu *cpu = self;
    struct rows_job job = {.cpu = cpu, .embed = op, .y = fh_cpu_tensor(&op->y), .rows = op->tokens.count};
    fh_cpu_run(cpu->par, job.rows > 1 ? job.y.count : 0, embed_work, &job);
    return FH_DONE;
}

static void norm_work(void *arg, unsigned part, unsigned parts) {
    const struct rows_job *job = arg;
    const struct dev_norm *op = job->norm;
    size_t cols = (size_t)op->w->cols;
    const uint8_t *w = fh_span_sub(op->w->raw.span, 0, cols * sizeof(float)).at;
    fh_range share = fh_par_share(job->rows, part, parts);
    for (size_t i = share.from; i < share.to; i++)
        job->cpu->kern->norm(fh_f32s_sub(job->x, i * cols, cols).at, w, cols, op->eps, fh_f32s_sub(job->y, i * cols, cols).at);
}

static fh_status cpu_norm(void *self, const struct dev_norm *op) {
    struct cpu *cpu = self;
    struct rows_job job = {.cpu = cpu, .norm = op, .x = fh_cpu_tensor(&op->x), .y = fh_cpu_tensor(&op->y)};
    job.rows = job.x.count / (size_t)op->w->cols;
    fh_cpu_run(cpu->par, op->x.rows > 1 ? job.x.count : 0, norm_work, &job);
    return FH_DONE;
}

/* --- rope: the table of a batch's angles is kept, because every layer asks for the same one --------------------- */

/* The bytes that decide a table: all positions, then all frequencies. */
static bool rope_key_is(const struct cpu *cpu, const struct dev_rope *op) {
    fh_span key = fh_span_sub(fh_span_of_mut(cpu->rope_key), 0, cpu->rope_key_bytes),
            positions = fh_span_of_mut(fh_u32s_bytes(op->positions));
    return key.size == positions.size + op->freq.size && fh_span_equal(fh_span_sub(key, 0, positions.size), positions) &&
           fh_span_equal(fh_span_from(key, positions.size), op->freq);
}

static void table_work(void *arg, unsigned part, unsigned parts) {
    const struct rows_job *job = arg;
    const struct dev_rope *op = job->rope;
    size_t pairs = op->rot_dim / 2;
    fh_range share = fh_par_share(job->rows, part, parts);
    for (size_t i = share.from; i < share.to; i++)
        for (size_t p = 0; p < pairs; p++) {
            double sine = 0, cosine = 1;
            fh_sincos((double)fh_u32s_get(op->positions, i) * fh_kern_f64_at(op->freq, p), &sine, &cosine);
            fh_f32s_set(job->y, i * 2 * pairs + p, (float)cosine);
            fh_f32s_set(job->y, i * 2 * pairs + pairs + p, (float)sine);
        }
}

/* Makes room for a larger table than any before: a batch of a size that was seen allocates nothing. */
static fh_status rope_room(struct cpu *cpu, size_t key_bytes, size_t count) {
    fh_f32s table = {NULL, 0};
    uint8_t *key = fh_alloc(cpu->allocator, key_bytes, 1);
    if (key == NULL || fh_failed(fh_f32s_new(cpu->allocator, count, &table))) {
        fh_free(cpu->allocator, key);
        return FH_STATUS(FH_NOMEM);
    }
    fh_free(cpu->allocator, cpu->rope_key.at);
    fh_f32s_free(cpu->allocator, &cpu->rope_table);
    cpu->rope_key = (fh_mspan){key, key_bytes};
    cpu->rope_key_bytes = 0;
    cpu->rope_table = table;
    return FH_DONE;
}

static fh_status rope_prepare(struct cpu *cpu, const struct dev_rope *op) {
    if (rope_key_is(cpu, op))
        return FH_DONE;
    size_t n = op->positions.count, key_bytes = n * sizeof(uint32_t) + op->freq.size;
    if (key_bytes > cpu->rope_key.size || n * op->rot_dim > cpu->rope_table.count)
        FH_TRY(rope_room(cpu, key_bytes, n * op->rot_dim));
    fh_f32s table = fh_f32s_sub(cpu->rope_table, 0, n * op->rot_dim);
    cpu->rope_key_bytes = key_bytes;
    fh_span_copy(cpu->rope_key, fh_span_of_mut(fh_u32s_bytes(op->positions)));
    fh_mspan tail;
    bool ok = fh_mspan_slice(cpu->rope_key, n * sizeof(uint32_t), op->freq.size, &tail);
    FH_ASSERT(ok);
    fh_span_copy(tail, op->freq);
    struct rows_job job = {.cpu = cpu, .rope = op, .y = table, .rows = n};
    fh_cpu_run(cpu->par, n > 1 ? table.count * 32 : 0, table_work, &job);
    return FH_DONE;
}

static void rope_work(void *arg, unsigned part, unsigned parts) {
    const struct rows_job *job = arg;
    const struct dev_rope *op = job->rope;
    size_t heads = (size_t)op->x.cols / op->head_dim, rot = op->rot_dim;
    fh_range share = fh_par_share(job->rows, part, parts);
    for (size_t i = share.from; i < share.to; i++) {
        const float *cs = fh_f32s_sub(job->cpu->rope_table, i * rot, rot).at;
        for (size_t h = 0; h < heads; h++)
            job->cpu->kern->rope(fh_f32s_sub(job->x, (i * heads + h) * op->head_dim, rot).at, cs, rot, op->halves);
    }
}

static fh_status cpu_rope(void *self, const struct dev_rope *op) {
    struct cpu *cpu = self;
    FH_TRY(rope_prepare(cpu, op));
    struct rows_job job = {.cpu = cpu, .rope = op, .x = fh_cpu_tensor(&op->x), .rows = (size_t)op->x.rows};
    fh_cpu_run(cpu->par, job.rows > 1 ? job.x.count : 0, rope_work, &job);
    return FH_DONE;
}

/* --- the device ------------------------------------------------------------------------------------------------- */

static const struct dev_ops cpu_ops = {
    .close = cpu_close,
    .caps = cpu_caps,
    .mem_new = cpu_mem_new,
    .mem_end = cpu_mem_end,
    .write = cpu_write,
    .read = cpu_read,
    .weight_new = cpu_weight_new,
    .weight_end = cpu_weight_end,
    .embed = cpu_embed,
    .norm = cpu_norm,
    .matmul = fh_cpu_matmul,
    .glu = fh_cpu_glu,
    .rope = cpu_rope,
    .kv_put = fh_cpu_kv_put,
    .attend = fh_cpu_attend,
    .route = fh_cpu_route,
    .experts = fh_cpu_experts,
};

static const char *const device_names[FH_ISA_COUNT] = {"cpu scalar", "cpu avx2", "cpu avx512"};
static const char *const isa_names[FH_ISA_COUNT] = {"scalar", "avx2", "avx512"};

const char *fh_isa_name(fh_isa isa) {
    FH_ASSERT((unsigned)isa < FH_ISA_COUNT);
    return isa_names[isa];
}

fh_status fh_cpu_new(fh_allocator *a, const fh_par *par, fh_isa isa, fh_device **out) {
    *out = NULL;
    if ((unsigned)isa >= FH_ISA_COUNT)
        return FH_STATUS(FH_INVALID);
    const struct kern *kern = isa <= fh_isa_best() ? fh_kern_get(isa) : NULL;
    if (kern == NULL)
        return FH_STATUS(FH_UNSUPPORTED);
    struct cpu *cpu = fh_alloc(a, 1, sizeof *cpu);
    if (cpu == NULL)
        return FH_STATUS(FH_NOMEM);
    *cpu = (struct cpu){.allocator = a, .par = par, .kern = kern, .ahead_bytes = fh_kern_ahead_bytes()};
    unsigned threads = fh_cpu_parts(cpu);
    FH_TRY(fh_dev_new(a, &cpu_ops, cpu, out));
    (*out)->caps.name = device_names[isa];
    (*out)->caps.threads = threads;
    (*out)->caps.on_heap = a == fh_heap();
    return FH_DONE;
}
