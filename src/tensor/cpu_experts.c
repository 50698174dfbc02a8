/* cpu_experts.c: the feed-forward of a mixture of experts.
 *
 * The (row, rank) pairs are sorted by expert, so that the pairs of an expert are consecutive rows of one buffer and its
 * weights are read once for all of them. Each of the two products is one work list over (expert, panel), cut into parts of
 * equal work with no barrier between experts. Results stay apart for each pair until the last step sums them in rank
 * order, so the company of a row cannot matter.
 *
 * Invariant: `order` is a permutation of the pairs; bounds[i] … bounds[i + 1] are the places of active expert i.
 * Threading: as the device. */
#include "tensor/cpu.h"

struct experts_job {
    const struct cpu *cpu;
    const struct dev_experts *op;
    size_t pairs, active;   /* active: experts that have pairs */
    fh_u32s order;          /* pair at each place */
    fh_u32s place;          /* place of each pair */
    fh_u32s experts;        /* number of each active expert */
    fh_u32s bounds;         /* first place of each active expert, and pairs */
    fh_u32s counts;         /* of each expert */
    fh_f32s x, hidden, out; /* in order of place: inputs (for plain weights), silu(gate)·up, results */
    fh_mspan packed;        /* groups of each active expert, one expert after the other */
    bool block_in, block_out;
    bool second; /* the second product */
    size_t scratch_at, scratch_each;
    _Atomic size_t next; /* share of a product that nobody has taken yet */
};

/* Groups of a number of pairs. */
static size_t groups_of(size_t count) {
    return (count + KERN_TOKENS - 1) / KERN_TOKENS;
}

/* Sorts the pairs by expert, stable. */
static void sort_pairs(struct experts_job *job) {
    fh_u32s ids = job->op->ids;
    fh_mspan_fill(fh_u32s_bytes(job->counts), 0);
    for (size_t i = 0; i < job->pairs; i++)
        ++*fh_u32s_at(job->counts, fh_u32s_get(ids, i));
    uint32_t at = 0;
    for (size_t e = 0; e < job->counts.count; e++) {
        uint32_t count = fh_u32s_get(job->counts, e);
        fh_u32s_set(job->counts, e, at);
        if (count == 0)
            continue;
        fh_u32s_set(job->experts, job->active, (uint32_t)e);
        fh_u32s_set(job->bounds, job->active++, at);
        at += count;
    }
    fh_u32s_set(job->bounds, job->active, at);
    for (size_t i = 0; i < job->pairs; i++) {
        uint32_t to = (*fh_u32s_at(job->counts, fh_u32s_get(ids, i)))++;
        fh_u32s_set(job->order, to, (uint32_t)i);
        fh_u32s_set(job->place, i, to);
    }
}

/* The activations of active expert i. `group` is the number of groups of the experts before it. */
static struct cpu_acts expert_acts(const struct experts_job *job, size_t i, size_t group) {
    size_t from = fh_u32s_get(job->bounds, i), n = fh_u32s_get(job->bounds, i + 1) - from;
    fh_f32s x = job->second ? job->hidden : job->x;
    size_t cols = (size_t)(job->second ? job->op->down->cols : job->op->x.cols);
    bool blocks = job->second ? job->block_out : job->block_in;
    struct cpu_acts acts = fh_cpu_acts(x.count > 0 ? fh_f32s_sub(x, from * cols, n * cols) : x, n, cols);
    if (blocks) {
        bool ok = fh_mspan_slice(job->packed, group * acts.group_bytes, acts.groups * acts.group_bytes, &acts.packed);
        FH_ASSERT(ok);
    }
    return acts;
}

/* Gathers the rows of active expert i: as floats, quantised, or both. */
static void gather_expert(const struct experts_job *job, size_t i, size_t group) {
    struct cpu_acts acts = expert_acts(job, i, group);
    fh_f32s all = fh_cpu_tensor(&job->op->x);
    size_t from = fh_u32s_get(job->bounds, i), cols = acts.cols;
    for (size_t g = 0; g < acts.groups; g++) {
        fh_range rows = fh_cpu_group(&acts, g);
        for (size_t r = rows.from; r < rows.to; r++) {
            fh_f32s row = job->second ? fh_f32s_sub(acts.x, r * cols, cols)
                                      : fh_f32s_sub(all, fh_u32s_get(job->order, from + r) / job->op->top_k * cols, cols);
            if (acts.packed.size > 0)
                fh_cpu_pack_row(job->cpu, &acts, g, (unsigned)(r - rows.from), row);
            if (!job->second && acts.x.count > 0)
                fh_span_copy(fh_f32s_bytes(fh_f32s_sub(acts.x, r * cols, cols)), fh_span_of_mut(fh_f32s_bytes(row)));
        }
    }
}

static void gather_work(void *arg, unsigned part, unsigned parts) {
    const struct experts_job *job = arg;
    fh_range share = fh_par_share(job->pairs, part, parts);
    size_t group = 0;
    for (size_t i = 0; i < job->active; i++) {
        size_t from = fh_u32s_get(job->bounds, i), to = fh_u32s_get(job->bounds, i + 1);
        if (from >= share.from && from < share.to)
            gather_expert(job, i, group);
        group += groups_of(to - from);
    }
}

/* One expert's panels [from, to). */
static void run_expert(const struct experts_job *job, size_t i, size_t group, fh_range panels, struct cpu_scratch *scratch) {
    const struct dev_experts *op = job->op;
    struct cpu_acts acts = expert_acts(job, i, group);
    size_t expert = fh_u32s_get(job->experts, i), from = fh_u32s_get(job->bounds, i);
    struct cpu_matrix down = fh_cpu_matrix(op->down, expert), gate = fh_cpu_matrix(op->gate, expert),
                      up = fh_cpu_matrix(op->up, expert);
    size_t rows = job->second ? down.rows : gate.rows;
    fh_f32s y = fh_f32s_sub(job->second ? job->out : job->hidden, from * rows, acts.n * rows);
    for (size_t p = panels.from; p < panels.to; p++)
        if (job->second)
            fh_cpu_product(job->cpu, &down, p, &acts, (fh_range){0, acts.groups}, y, false, scratch);
        else
            fh_cpu_product_glu(job->cpu, &gate, &up, p, &acts, (fh_range){0, acts.groups}, y, scratch);
}

/* One share of the units of work, which are (expert, panel, group); a panel belongs to the share that holds its first unit. */
static void product_share(const struct experts_job *job, size_t panels, fh_range share, struct cpu_scratch *scratch) {
    size_t group = 0;
    for (size_t i = 0; i < job->active; i++) {
        size_t groups = groups_of(fh_u32s_get(job->bounds, i + 1) - fh_u32s_get(job->bounds, i));
        size_t start = group * panels, end = start + groups * panels;
        if (start < share.to && end > share.from) {
            size_t from = share.from > start ? (share.from - start + groups - 1) / groups : 0;
            size_t to = share.to < end ? (share.to - start + groups - 1) / groups : panels;
            run_expert(job, i, group, (fh_range){from, to}, scratch);
        }
        group += groups;
    }
}

static void product_work(void *arg, unsigned part, unsigned parts) {
    struct experts_job *job = arg;
    const struct dev_weight *w = job->second ? job->op->down : job->op->gate;
    size_t panels = fh_cpu_matrix(w, 0).panels, units = 0;
    for (size_t i = 0; i < job->active; i++)
        units += panels * groups_of(fh_u32s_get(job->bounds, i + 1) - fh_u32s_get(job->bounds, i));
    struct cpu_scratch scratch = fh_cpu_scratch_cut(
        fh_cpu_space(job->cpu, job->scratch_at + part * job->scratch_each, job->scratch_each), (size_t)w->cols);
    unsigned shares = fh_cpu_shares(units, parts);
    for (size_t s = job->next++; s < shares; s = job->next++)
        product_share(job, panels, fh_par_share(units, (unsigned)s, shares), &scratch);
}

static void mix_work(void *arg, unsigned part, unsigned parts) {
    const struct experts_job *job = arg;
    const struct dev_experts *op = job->op;
    size_t cols = (size_t)op->y.cols, top_k = op->top_k;
    fh_range share = fh_par_share((size_t)op->y.rows, part, parts);
    for (size_t i = share.from; i < share.to; i++) {
        const float *ranks[FH_TOP_K_MAX] = {NULL};
        for (size_t r = 0; r < top_k; r++)
            ranks[r] = fh_f32s_sub(job->out, fh_u32s_get(job->place, i * top_k + r) * cols, cols).at;
        job->cpu->kern->mix(ranks, fh_f32s_sub(op->weights, i * top_k, top_k).at, top_k, cols,
                            fh_f32s_sub(fh_cpu_tensor(&op->y), i * cols, cols).at);
    }
}

/* The next `count` of the job's integers. */
static fh_u32s take(fh_u32s all, fh_mut size_t *used, size_t count) fh_view(1);
static fh_u32s take(fh_u32s all, size_t *used, size_t count) {
    fh_u32s out = fh_u32s_sub(all, *used, count);
    *used += count;
    return out;
}

/* Reserves and cuts the workspace. */
static fh_status prepare(struct cpu *cpu, fh_mut fh_view(1) struct experts_job *job) {
    const struct dev_experts *op = job->op;
    size_t planes = (size_t)op->gate->planes, cols = (size_t)op->x.cols, rows = (size_t)op->gate->rows, used = 0;
    size_t most = planes < job->pairs ? planes : job->pairs, wide = cols > rows ? cols : rows;
    size_t integers = 2 * job->pairs + 2 * most + 1 + planes;
    size_t groups = most + job->pairs / KERN_TOKENS + 1; /* Σ ceil(pairs of e / 6) */
    bool plain_in = fh_dtype_block(op->gate->dtype) == 1 || fh_dtype_block(op->up->dtype) == 1;
    struct cpu_plan plan = {0};
    size_t integers_at = fh_cpu_plan(&plan, integers, sizeof(uint32_t));
    size_t x_at = fh_cpu_plan(&plan, plain_in ? job->pairs : 0, cols * sizeof(float));
    size_t hidden_at = fh_cpu_plan(&plan, job->pairs, rows * sizeof(float));
    size_t out_at = fh_cpu_plan(&plan, job->pairs, cols * sizeof(float));
    size_t packed_bytes = wide / KERN_BLOCK * KERN_RECORD, packed_at = fh_cpu_plan(&plan, groups, packed_bytes);
    job->scratch_each = ((size_t)fh_cpu_scratch_bytes(wide) + FH_ALLOC_ALIGN - 1) / FH_ALLOC_ALIGN * FH_ALLOC_ALIGN;
    job->scratch_at = fh_cpu_plan(&plan, fh_cpu_parts(cpu), job->scratch_each);
    FH_TRY(fh_cpu_reserve(cpu, &plan));
    job->cpu = cpu;
    fh_u32s all = fh_kern_u32s(fh_cpu_space(cpu, integers_at, integers * sizeof(uint32_t)));
    job->order = take(all, &used, job->pairs);
    job->place = take(all, &used, job->pairs);
    job->experts = take(all, &used, most);
    job->bounds = take(all, &used, most + 1);
    job->counts = take(all, &used, planes);
    job->x = fh_cpu_floats(cpu, x_at, plain_in ? job->pairs * cols : 0);
    job->hidden = fh_cpu_floats(cpu, hidden_at, job->pairs * rows);
    job->out = fh_cpu_floats(cpu, out_at, job->pairs * cols);
    job->packed = fh_cpu_space(cpu, packed_at, groups * packed_bytes);
    job->block_in = fh_dtype_block(op->gate->dtype) > 1 || fh_dtype_block(op->up->dtype) > 1;
    job->block_out = fh_dtype_block(op->down->dtype) > 1;
    return FH_DONE;
}

fh_status fh_cpu_experts(void *self, const struct dev_experts *op) {
    struct cpu *cpu = self;
    struct experts_job job = {.op = op, .pairs = op->ids.count};
    FH_TRY(prepare(cpu, &job));
    sort_pairs(&job);
    uint64_t cols = op->x.cols, rows = op->gate->rows, pairs = job.pairs;
    fh_cpu_run(cpu->par, pairs * cols, gather_work, &job);
    fh_cpu_run(cpu->par, pairs * cols * rows / 4, product_work, &job);
    job.second = true;
    job.next = 0;
    if (job.block_out)
        fh_cpu_run(cpu->par, pairs * rows, gather_work, &job);
    fh_cpu_run(cpu->par, pairs * cols * rows / 8, product_work, &job);
    fh_cpu_run(cpu->par, op->y.rows > 1 ? pairs * cols : 0, mix_work, &job);
    return FH_DONE;
}
