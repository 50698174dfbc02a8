/* cpu_attend.c: the key/value cache and attention over it.
 *
 * Queries that read the same keys are taken together: the heads of a kv head, and consecutive rows of the same sequence.
 * An item of work is a chunk of such rows × one kv head (× a slice of its heads, when there are more threads than items).
 * An item goes over the blocks of 64 positions from the oldest, and over its queries in tiles of 6 inside: a block's keys
 * and values are widened from float16 once for six queries, and stay in the first-level cache for all of them. Each
 * query's result is defined by kern/scalar.c and does not depend on its company.
 *
 * Invariant: an item writes only the outputs of its own rows and heads; a kv_put part writes only its own kv heads.
 * Threading: as the device. */
#include "freehold/hash.h"
#include "tensor/cpu.h"

enum { QUERIES_MAX = 64 }; /* of an item */

/* The bytes of one kv head of keys or values in the segment that holds `position` of row i. */
fh_view(1) static fh_kern_u16s head_block(dev_mem_pool mems, const fh_kv_view *kv, size_t row, uint64_t block, size_t head,
                                          bool values) {
    size_t segment = fh_u32s_get(kv->first, row) + (size_t)(block - fh_u32s_get(kv->base, row));
    const struct dev_mem *mem = fh_dev_mem(mems, fh_mems_get(kv->segments, segment));
    FH_ASSERT(mem != NULL);
    size_t head_bytes = (size_t)kv->head_dim * FH_KV_BLOCK * sizeof(uint16_t);
    fh_mspan bytes;
    bool ok = fh_mspan_slice(mem->bytes, (size_t)kv->offset_bytes + (head + (values ? kv->kv_heads : 0)) * head_bytes,
                             head_bytes, &bytes);
    FH_ASSERT(ok);
    return fh_kern_halves(bytes);
}

/* --- kv_put
 * ----------------------------------------------------------------------------------------------------------------------
 * */

struct put_job {
    const struct cpu *cpu;
    const struct dev_kv_put *op;
    fh_f32s k, v;
    size_t scratch_at, scratch_each;
};

/* Rows in order, so that of two rows with one position the last stays, on any number of threads. */
static void put_work(void *arg, unsigned part, unsigned parts) {
    const struct put_job *job = arg;
    const fh_kv_view *kv = job->op->kv;
    size_t dim = kv->head_dim, cols = dim * kv->kv_heads;
    fh_range heads = fh_par_share(kv->kv_heads, part, parts);
    fh_kern_u16s half = fh_kern_halves(
        fh_cpu_space(job->cpu, job->scratch_at + part * job->scratch_each, dim * sizeof(uint16_t)));
    for (size_t i = 0; i < job->op->k.rows; i++) {
        uint64_t position = fh_u32s_get(kv->positions, i), block = position / FH_KV_BLOCK;
        size_t at = (size_t)(position % FH_KV_BLOCK);
        for (size_t h = heads.from; h < heads.to; h++) {
            fh_kern_u16s keys = head_block(job->op->mems, kv, i, block, h, false);
            job->cpu->kern->halve(fh_f32s_sub(job->k, i * cols + h * dim, dim).at, dim, half.at);
            fh_kern_scatter(half.at, dim, fh_kern_u16s_sub(keys, at, (dim - 1) * FH_KV_BLOCK + 1).at);
            fh_kern_u16s values = head_block(job->op->mems, kv, i, block, h, true);
            job->cpu->kern->halve(fh_f32s_sub(job->v, i * cols + h * dim, dim).at, dim,
                                  fh_kern_u16s_sub(values, at * dim, dim).at);
        }
    }
}

fh_status fh_cpu_kv_put(void *self, const struct dev_kv_put *op) {
    struct cpu *cpu = self;
    struct put_job job = {.op = op, .k = fh_cpu_tensor(&op->k), .v = fh_cpu_tensor(&op->v)};
    struct cpu_plan plan = {0};
    job.scratch_each = ((size_t)op->kv->head_dim * sizeof(uint16_t) + FH_ALLOC_ALIGN - 1) / FH_ALLOC_ALIGN * FH_ALLOC_ALIGN;
    job.scratch_at = fh_cpu_plan(&plan, fh_cpu_parts(cpu), job.scratch_each);
    FH_TRY(fh_cpu_reserve(cpu, &plan));
    job.cpu = cpu;
    fh_cpu_run(cpu->par, op->k.rows > 1 ? job.k.count * 2 : 0, put_work, &job);
    return FH_DONE;
}

/* --- attend
 * ----------------------------------------------------------------------------------------------------------------------
 * */

struct attend_job {
    const struct cpu *cpu;
    const struct dev_attend *op;
    fh_f32s q, y;
    fh_u32s starts;              /* first row of each chunk, and n */
    size_t chunks, group, slice; /* group: heads of a kv head; slice: heads that an item takes */
    size_t slices, items;
    size_t dim_padded, scratch_at, scratch_each, outs_at;
    _Atomic size_t next; /* item that nobody has taken yet */
};

/* Cuts the rows into chunks of one sequence. */
static void cut_chunks(struct attend_job *job, size_t rows_max) {
    const fh_kv_view *kv = job->op->kv;
    size_t n = kv->positions.count, from = 0;
    for (size_t i = 0; i <= n; i++) {
        bool same = i < n && i - from < rows_max && fh_u32s_get(kv->first, i) == fh_u32s_get(kv->first, from) &&
                    fh_u32s_get(kv->base, i) == fh_u32s_get(kv->base, from);
        if (i > 0 && !same) {
            fh_u32s_set(job->starts, job->chunks++, (uint32_t)from);
            from = i;
        }
    }
    fh_u32s_set(job->starts, job->chunks, (uint32_t)n);
}

/* One item: rows × heads against one kv head. */
struct attend_item {
    fh_range rows, heads;
    size_t kv_head;
};

/* The queries of an item at their start. */
static fh_kern_querys start_queries(const struct attend_job *job, const struct attend_item *item, fh_mspan scratch) {
    size_t dim = job->op->kv->head_dim, count = 0, heads = job->op->heads;
    fh_mspan part;
    bool ok = fh_mspan_slice(scratch, 0, QUERIES_MAX * sizeof(struct kern_query), &part);
    FH_ASSERT(ok);
    fh_kern_querys queries = fh_kern_queries(part);
    ok = fh_mspan_slice(scratch, job->outs_at, QUERIES_MAX * job->dim_padded * sizeof(float), &part);
    FH_ASSERT(ok);
    fh_f32s outs = fh_kern_f32s(part);
    for (size_t i = item->rows.from; i < item->rows.to; i++)
        for (size_t h = item->heads.from; h < item->heads.to; h++) {
            fh_f32s out = fh_f32s_sub(outs, count * job->dim_padded, job->dim_padded);
            fh_mspan_fill(fh_f32s_bytes(out), 0);
            *fh_kern_querys_at(queries, count++) = (struct kern_query){
                .q = fh_f32s_sub(job->q, (i * heads + h) * dim, dim).at, .out = out.at, .max = fh_f32_of_bits(0xff800000u)};
        }
    return fh_kern_querys_sub(queries, 0, count);
}

/* One block of positions against those queries of an item that see it, in tiles as equal as possible. */
static void attend_block(const struct attend_job *job, const struct attend_item *item, fh_kern_querys queries, uint64_t block) {
    const fh_kv_view *kv = job->op->kv;
    size_t per_row = item->heads.to - item->heads.from, seen = 0;
    struct kern_query *seeing[QUERIES_MAX] = {NULL};
    for (size_t i = item->rows.from; i < item->rows.to; i++) {
        uint64_t position = fh_u32s_get(kv->positions, i);
        if (position / FH_KV_BLOCK < block)
            continue;
        for (size_t h = 0; h < per_row; h++) {
            seeing[seen] = fh_kern_querys_at(queries, (i - item->rows.from) * per_row + h);
            seeing[seen++]->count = position / FH_KV_BLOCK > block ? FH_KV_BLOCK : (unsigned)(position % FH_KV_BLOCK) + 1;
        }
    }
    struct kern_attend a = {.k = head_block(job->op->mems, kv, item->rows.from, block, item->kv_head, false).at,
                            .v = head_block(job->op->mems, kv, item->rows.from, block, item->kv_head, true).at,
                            .head_dim = kv->head_dim,
                            .scale = job->op->scale};
    unsigned tiles = (unsigned)((seen + KERN_TOKENS - 1) / KERN_TOKENS);
    for (unsigned t = 0; t < tiles; t++) {
        fh_range share = fh_par_share(seen, t, tiles);
        a.queries = (unsigned)(share.to - share.from);
        for (unsigned i = 0; i < a.queries; i++)
            a.query[i] = seeing[share.from + i];
        job->cpu->kern->attend(&a);
    }
}

static void attend_item(const struct attend_job *job, const struct attend_item *item, fh_mspan scratch) {
    const fh_kv_view *kv = job->op->kv;
    fh_kern_querys queries = start_queries(job, item, scratch);
    uint64_t last = 0;
    for (size_t i = item->rows.from; i < item->rows.to; i++) {
        uint64_t block = fh_u32s_get(kv->positions, i) / FH_KV_BLOCK;
        last = block > last ? block : last;
    }
    for (uint64_t block = fh_u32s_get(kv->base, item->rows.from); block <= last; block++)
        attend_block(job, item, queries, block);
    size_t dim = kv->head_dim, heads = job->op->heads, count = 0;
    for (size_t i = item->rows.from; i < item->rows.to; i++)
        for (size_t h = item->heads.from; h < item->heads.to; h++)
            job->cpu->kern->attend_end(fh_kern_querys_at(queries, count++), dim,
                                       fh_f32s_sub(job->y, (i * heads + h) * dim, dim).at);
}

/* Items are taken one after the other: later rows see more, and a thread that the system has put aside takes fewer. */
static void attend_work(void *arg, unsigned part, unsigned parts) {
    struct attend_job *job = arg;
    (void)parts;
    fh_mspan scratch = fh_cpu_space(job->cpu, job->scratch_at + part * job->scratch_each, job->scratch_each);
    size_t kv_heads = job->op->kv->kv_heads;
    for (size_t i = job->next++; i < job->items; i = job->next++) {
        size_t chunk = i / (kv_heads * job->slices), slice = i % job->slices;
        struct attend_item item = {.rows = {fh_u32s_get(job->starts, chunk), fh_u32s_get(job->starts, chunk + 1)},
                                   .kv_head = i / job->slices % kv_heads};
        fh_range heads = fh_par_share(job->group, (unsigned)slice, (unsigned)job->slices);
        item.heads = (fh_range){item.kv_head * job->group + heads.from, item.kv_head * job->group + heads.to};
        attend_item(job, &item, scratch);
    }
}

/* How many slices the heads of a kv head are cut into: enough for QUERIES_MAX, and for every part to get work. */
static void cut_heads(struct attend_job *job, unsigned parts) {
    size_t whole = job->chunks * job->op->kv->kv_heads, least = (job->group + QUERIES_MAX - 1) / QUERIES_MAX;
    FH_ASSERT(whole != 0); /* no tensor without rows gets here (device.c) */
    job->slices = (parts + whole - 1) / whole;
    job->slices = job->slices > job->group ? job->group : job->slices;
    job->slices = job->slices < least ? least : job->slices;
    job->items = whole * job->slices;
}

fh_status fh_cpu_attend(void *self, const struct dev_attend *op) {
    struct cpu *cpu = self;
    struct attend_job job = {.op = op, .q = fh_cpu_tensor(&op->q), .y = fh_cpu_tensor(&op->y)};
    size_t n = (size_t)op->q.rows;
    job.group = op->heads / op->kv->kv_heads;
    job.dim_padded = ((size_t)op->kv->head_dim + 15) / 16 * 16;
    struct cpu_plan part = {0}, plan = {0};
    fh_cpu_plan(&part, QUERIES_MAX, sizeof(struct kern_query));
    job.outs_at = fh_cpu_plan(&part, QUERIES_MAX, job.dim_padded * sizeof(float));
    job.scratch_each = (size_t)part.bytes;
    size_t starts_at = fh_cpu_plan(&plan, n + 1, sizeof(uint32_t));
    job.scratch_at = fh_cpu_plan(&plan, fh_cpu_parts(cpu), job.scratch_each);
    FH_TRY(fh_cpu_reserve(cpu, &plan));
    job.cpu = cpu;
    job.starts = fh_kern_u32s(fh_cpu_space(cpu, starts_at, (n + 1) * sizeof(uint32_t)));
    cut_chunks(&job, job.group >= QUERIES_MAX ? 1 : QUERIES_MAX / job.group);
    cut_heads(&job, fh_cpu_parts(cpu));
    uint64_t work = 0;
    for (size_t i = 0; i < n; i++)
        work += ((uint64_t)fh_u32s_get(op->kv->positions, i) - (uint64_t)fh_u32s_get(op->kv->base, i) * FH_KV_BLOCK + 1) *
                op->q.cols / 8;
    fh_cpu_run(cpu->par, work, attend_work, &job);
    return FH_DONE;
}
