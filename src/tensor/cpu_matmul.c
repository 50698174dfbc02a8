/* cpu_matmul.c: products with weights.
 *
 * All products are one shape of work: rows of activations, quantised once where a block weight asks for it, against a list
 * of (matrix, panel of 32 rows). Parts take shares of consecutive panels, so each thread streams a stretch of memory; a
 * share is smaller than a part's work, and a part takes the next one when it gets to it, so that a thread which the system
 * has put aside holds the others up for one share only. For many rows, shares are run once for each stretch of tokens whose
 * activations fit the second-level cache, and each panel stays in cache while the tokens pass in tiles of 6.
 *
 * One thread computes an output element completely, in the order that kern/scalar.c defines, so neither tiles nor parts nor
 * neighbours can change a bit.
 *
 * Invariant: a part writes only the rows of the panels that it took. Threading: as the device. */
#include "freehold/checked.h"
#include "tensor/cpu.h"

/* --- activations ------------------------------------------------------------------------------------------------ */

struct cpu_acts fh_cpu_acts(fh_f32s x, size_t n, size_t cols) {
    return (struct cpu_acts){.x = x,
                             .n = n,
                             .cols = cols,
                             .groups = (n + KERN_TOKENS - 1) / KERN_TOKENS,
                             .group_bytes = cols / KERN_BLOCK * KERN_RECORD};
}

fh_range fh_cpu_group(const struct cpu_acts *acts, size_t g) {
    return fh_par_share(acts->n, (unsigned)g, (unsigned)acts->groups);
}

/* Group g's bytes. */
fh_view(*1) static fh_mspan group_bytes(const struct cpu_acts *acts, size_t g) {
    fh_mspan out;
    bool ok = fh_mspan_slice(acts->packed, g * acts->group_bytes, acts->group_bytes, &out);
    FH_ASSERT(ok);
    return out;
}

void fh_cpu_pack_row(const struct cpu *cpu, const struct cpu_acts *acts, size_t g, unsigned slot, fh_f32s row) {
    FH_ASSERT(row.count == acts->cols && slot < KERN_TOKENS);
    cpu->kern->pack(row.at, acts->cols, slot, group_bytes(acts, g).at);
}

struct pack_job {
    const struct cpu *cpu; /* set when its workspace is reserved */
    const struct cpu_acts *acts;
};

static void pack_work(void *arg, unsigned part, unsigned parts) {
    const struct pack_job *job = arg;
    const struct cpu_acts *acts = job->acts;
    fh_range share = fh_par_share(acts->groups, part, parts);
    for (size_t g = share.from; g < share.to; g++) {
        fh_range rows = fh_cpu_group(acts, g);
        for (size_t i = rows.from; i < rows.to; i++)
            fh_cpu_pack_row(job->cpu, acts, g, (unsigned)(i - rows.from), fh_f32s_sub(acts->x, i * acts->cols, acts->cols));
    }
}

void fh_cpu_pack(const struct cpu *cpu, const struct cpu_acts *acts) {
    struct pack_job job = {cpu, acts};
    if (acts->packed.size > 0)
        fh_cpu_run(cpu->par, acts->groups > 1 ? acts->x.count : 0, pack_work, &job);
}

enum { GROUPS_BYTES = 1 << 20 }; /* activations that shall stay in a second-level cache of 1.25 to 2 MiB */

size_t fh_cpu_groups_at_once(const struct cpu_acts *acts) {
    size_t bytes = acts->packed.size > 0 ? acts->group_bytes : acts->cols * sizeof(float) * KERN_TOKENS;
    return bytes >= GROUPS_BYTES ? 1 : GROUPS_BYTES / bytes;
}

/* --- one panel -------------------------------------------------------------------------------------------------- */

uint64_t fh_cpu_scratch_bytes(size_t cols) {
    return 2 * ((uint64_t)cols / KERN_BLOCK * KERN_Q8_RECORD + KERN_TOKENS * KERN_ROWS * sizeof(float));
}

struct cpu_scratch fh_cpu_scratch_cut(fh_mspan bytes, size_t cols) {
    size_t wide = cols / KERN_BLOCK * KERN_Q8_RECORD, tile = KERN_TOKENS * KERN_ROWS * sizeof(float), at = 0;
    struct cpu_scratch s = {0};
    for (unsigned i = 0; i < 2; i++) {
        fh_mspan part = {NULL, 0};
        bool ok = fh_mspan_slice(bytes, at, wide, &s.wide[i]) && fh_mspan_slice(bytes, at + wide, tile, &part);
        FH_ASSERT(ok);
        s.tile[i] = fh_kern_f32s(part);
        at += wide + tile;
    }
    return s;
}

/* A panel as a tile's weights. Q4_0 panels that several groups will read are widened once where the 8-bit kernel is faster. */
static struct kern_tile panel_tile(const struct cpu *cpu, const struct cpu_matrix *m, size_t p, size_t groups, fh_mspan wide) {
    size_t from = p * m->panel_bytes, left = m->bytes.size - from, first = p * KERN_ROWS;
    fh_span panel = fh_span_sub(m->bytes, from, left < m->panel_bytes ? left : m->panel_bytes);
    struct kern_tile t = {.dtype = m->dtype, .w = panel.at, .cols = m->cols};
    t.rows = (unsigned)(m->rows - first < KERN_ROWS ? m->rows - first : KERN_ROWS);
    if (m->dtype == FH_DTYPE_Q4_0 && groups > 2 && cpu->kern->widen != NULL) {
        FH_ASSERT(wide.size >= m->cols / KERN_BLOCK * KERN_Q8_RECORD);
        cpu->kern->widen(panel.at, m->cols, wide.at);
        t.dtype = FH_DTYPE_Q8_0;
        t.w = wide.at;
    }
    return t;
}

/* What pass `pass` of `passes` over panel p asks for. One pass runs ahead of itself; of several each asks for its share of
 * the next panel, so that the first of them does not wait while the others find everything in cache. */
static struct kern_ahead ahead_of(const struct cpu *cpu, const struct cpu_matrix *m, size_t p, size_t pass, size_t passes) {
    if (fh_dtype_block(m->dtype) == 1)
        return (struct kern_ahead){0};
    unsigned record = (unsigned)fh_kern_record_bytes(m->dtype), lines = record / 64;
    fh_span panel = fh_span_from(m->bytes, p * m->panel_bytes);
    return (struct kern_ahead){.at = fh_kern_ahead_at(panel, passes == 1 ? cpu->ahead_bytes : m->panel_bytes),
                               .record_bytes = record,
                               .from = (unsigned)(pass * lines / passes),
                               .to = (unsigned)((pass + 1) * lines / passes)};
}

/* Runs a tile for group g; block types read the packed rows, plain ones x itself. */
static void run_tile(const struct cpu *cpu, fh_mut fh_view(*3) struct kern_tile *t, const struct cpu_acts *acts, size_t g) {
    fh_range rows = fh_cpu_group(acts, g);
    t->tokens = (unsigned)(rows.to - rows.from);
    if (fh_dtype_block(t->dtype) > 1) {
        t->records = group_bytes(acts, g).at;
        cpu->kern->block_tile(t);
    } else {
        t->x = fh_f32s_sub(acts->x, rows.from * acts->cols, (rows.to - rows.from) * acts->cols).at;
        t->x_stride = acts->cols;
        cpu->kern->float_tile(t);
    }
}

void fh_cpu_product(const struct cpu *cpu, const struct cpu_matrix *m, size_t p, const struct cpu_acts *acts, fh_range groups,
                    fh_f32s y, bool add, struct cpu_scratch *scratch) {
    struct kern_tile t = panel_tile(cpu, m, p, groups.to - groups.from, scratch->wide[0]);
    t.y_stride = m->rows;
    t.add = add;
    for (size_t g = groups.from; g < groups.to; g++) {
        fh_range rows = fh_cpu_group(acts, g);
        size_t at = rows.from * m->rows + p * KERN_ROWS;
        t.y = fh_f32s_sub(y, at, (rows.to - rows.from - 1) * m->rows + t.rows).at;
        t.ahead = ahead_of(cpu, m, p, g - groups.from, groups.to - groups.from);
        run_tile(cpu, &t, acts, g);
    }
}

void fh_cpu_product_glu(const struct cpu *cpu, const struct cpu_matrix *gate, const struct cpu_matrix *up, size_t p,
                        const struct cpu_acts *acts, fh_range groups, fh_f32s y, struct cpu_scratch *scratch) {
    size_t count = groups.to - groups.from;
    struct kern_tile t[2] = {panel_tile(cpu, gate, p, count, scratch->wide[0]),
                             panel_tile(cpu, up, p, count, scratch->wide[1])};
    for (size_t g = groups.from; g < groups.to; g++) {
        for (unsigned i = 0; i < 2; i++) {
            t[i].y = fh_f32s_sub(scratch->tile[i], 0, KERN_TOKENS * KERN_ROWS).at;
            t[i].y_stride = KERN_ROWS;
            t[i].ahead = ahead_of(cpu, i == 0 ? gate : up, p, g - groups.from, count);
            run_tile(cpu, &t[i], acts, g);
        }
        fh_range rows = fh_cpu_group(acts, g);
        for (size_t i = rows.from; i < rows.to; i++) {
            size_t from = (i - rows.from) * KERN_ROWS;
            cpu->kern->glu(fh_f32s_sub(scratch->tile[0], from, t[0].rows).at, fh_f32s_sub(scratch->tile[1], from, t[0].rows).at,
                           t[0].rows, fh_f32s_sub(y, i * gate->rows + p * KERN_ROWS, t[0].rows).at);
        }
    }
}

/* --- whole products --------------------------------------------------------------------------------------------- */

/* Up to three products, or a gated pair, over one set of activations. */
struct matmul_job {
    const struct cpu *cpu; /* set when its workspace is reserved */
    struct cpu_acts acts;
    unsigned count;
    bool glu; /* out[0] is the gate and has y, out[1] is up */
    struct matmul_job_out {
        struct cpu_matrix m;
        fh_f32s y;
        bool add;
    } out[FH_MATMUL_OUTS_MAX];
    size_t panels; /* of all outputs; of the gate for a gated pair */
    size_t scratch_at, scratch_each;
    _Atomic size_t next; /* share that nobody has taken yet */
};

/* Panel i of the work list for a range of groups. */
static void run_panel(const struct matmul_job *job, size_t i, fh_range groups, struct cpu_scratch *scratch) {
    if (job->glu) {
        fh_cpu_product_glu(job->cpu, &job->out[0].m, &job->out[1].m, i, &job->acts, groups, job->out[0].y, scratch);
        return;
    }
    unsigned o = 0;
    while (i >= job->out[o].m.panels)
        i -= job->out[o++].m.panels;
    fh_cpu_product(job->cpu, &job->out[o].m, i, &job->acts, groups, job->out[o].y, job->out[o].add, scratch);
}

static void matmul_work(void *arg, unsigned part, unsigned parts) {
    struct matmul_job *job = arg;
    struct cpu_scratch scratch = fh_cpu_scratch_cut(
        fh_cpu_space(job->cpu, job->scratch_at + part * job->scratch_each, job->scratch_each), job->acts.cols);
    size_t step = fh_cpu_groups_at_once(&job->acts), rounds = (job->acts.groups + step - 1) / step;
    unsigned shares = fh_cpu_shares(job->panels, parts);
    for (size_t s = job->next++; s < rounds * shares; s = job->next++) {
        size_t g = s / shares * step;
        fh_range groups = {g, g + step < job->acts.groups ? g + step : job->acts.groups};
        fh_range share = fh_par_share(job->panels, (unsigned)(s % shares), shares);
        for (size_t i = share.from; i < share.to; i++)
            run_panel(job, i, groups, &scratch);
    }
}

/* Reserves, quantises, multiplies. */
static fh_status run_matmul(struct cpu *cpu, fh_mut fh_view(1) struct matmul_job *job) {
    bool blocks = false;
    uint64_t work = 0;
    for (unsigned i = 0; i < job->count; i++) {
        blocks = blocks || fh_dtype_block(job->out[i].m.dtype) > 1;
        job->panels += job->glu && i > 0 ? 0 : job->out[i].m.panels;
        work += (uint64_t)job->out[i].m.rows * job->acts.cols * job->acts.n / 8;
    }
    struct cpu_plan plan = {0};
    size_t packed = fh_cpu_plan(&plan, job->acts.groups, blocks ? job->acts.group_bytes : 0);
    job->scratch_each = (size_t)fh_cpu_scratch_bytes(job->acts.cols);
    job->scratch_each = (job->scratch_each + FH_ALLOC_ALIGN - 1) / FH_ALLOC_ALIGN * FH_ALLOC_ALIGN;
    job->scratch_at = fh_cpu_plan(&plan, fh_cpu_parts(cpu), job->scratch_each);
    FH_TRY(fh_cpu_reserve(cpu, &plan));
    job->cpu = cpu;
    if (blocks)
        job->acts.packed = fh_cpu_space(cpu, packed, job->acts.groups * job->acts.group_bytes);
    fh_cpu_pack(cpu, &job->acts);
    fh_cpu_run(cpu->par, work, matmul_work, job);
    return FH_DONE;
}

fh_status fh_cpu_matmul(void *self, const struct dev_matmul *op) {
    struct cpu *cpu = self;
    struct matmul_job job = {
        .acts = fh_cpu_acts(fh_cpu_tensor(&op->x), (size_t)op->x.rows, (size_t)op->x.cols), .count = op->count};
    for (unsigned i = 0; i < op->count; i++)
        job.out[i] = (struct matmul_job_out){fh_cpu_matrix(op->out[i].w, 0), fh_cpu_tensor(&op->out[i].y), op->out[i].add};
    return run_matmul(cpu, &job);
}

fh_status fh_cpu_glu(void *self, const struct dev_glu *op) {
    struct cpu *cpu = self;
    struct matmul_job job = {
        .acts = fh_cpu_acts(fh_cpu_tensor(&op->x), (size_t)op->x.rows, (size_t)op->x.cols),
        .count = 2,
        .glu = true,
        .out = {{.m = fh_cpu_matrix(op->gate, 0), .y = fh_cpu_tensor(&op->y)}, {.m = fh_cpu_matrix(op->up, 0)}}};
    return run_matmul(cpu, &job);
}

fh_status fh_cpu_route(void *self, const struct dev_route *op) {
    struct cpu *cpu = self;
    struct matmul_job job = {.acts = fh_cpu_acts(fh_cpu_tensor(&op->x), (size_t)op->x.rows, (size_t)op->x.cols),
                             .count = 1,
                             .out = {{.m = fh_cpu_matrix(op->w, 0), .y = op->logits}}};
    return run_matmul(cpu, &job);
}
