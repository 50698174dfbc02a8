/* engine.c: running a model over any number of sequences at once (engine.h).
 *
 * A step is a transaction: every row is checked and its position planned, then segments are reserved, then the layers
 * run (forward.c), and only then do the sequences grow. A step that fails anywhere leaves their lengths as they were;
 * what it wrote lies past those lengths, where nothing reads.
 *
 * All memory is made by fh_engine_new, except KV segments (kv.c) and the host's logits, which grow to the largest
 * number of rows that ever asked for them in one step.
 *
 * Threading: one thread calls an engine at a time. */
#include "freehold/checked.h"
#include "llm/engine_state.h"

FH_ARRAY_DEFINE(kv_slot);

enum { ROWS_DEFAULT = 512, SEQS_DEFAULT = 16, SEQS_MAX = FH_ROWS_MAX };

/* --- life --------------------------------------------------------------------------------------------------------- */

/* A device buffer of `rows` rows of `cols` float32; none for 0 columns. */
static fh_status make_buffer(fh_device *dev, uint64_t *total, uint64_t rows, uint64_t cols, fh_owned fh_mem *out) {
    uint64_t bytes = 0;
    *out = (fh_mem){0};
    if (cols == 0)
        return FH_DONE;
    if (!fh_mul_u64(rows, cols, &bytes) || !fh_mul_u64(bytes, sizeof(float), &bytes))
        return FH_STATUS(FH_LIMIT);
    FH_TRY(fh_device_alloc(dev, bytes, out));
    *total += bytes;
    return FH_DONE;
}

static fh_status make_buffers(fh_engine *e) {
    const fh_model_shape *s = &e->model->shape;
    uint64_t *total = &e->buffer_bytes;
    uint64_t q_cols = (uint64_t)s->heads * s->head_dim, kv_cols = (uint64_t)s->kv_heads * s->head_dim, n = e->rows_max;
    FH_TRY(make_buffer(e->dev, total, n, s->width, &e->x));
    FH_TRY(make_buffer(e->dev, total, n, s->width, &e->h));
    FH_TRY(make_buffer(e->dev, total, n, q_cols, &e->q));
    FH_TRY(make_buffer(e->dev, total, n, kv_cols, &e->k));
    FH_TRY(make_buffer(e->dev, total, n, kv_cols, &e->v));
    FH_TRY(make_buffer(e->dev, total, n, q_cols, &e->mixed));
    FH_TRY(make_buffer(e->dev, total, n, s->experts == 0 ? s->ff : 0, &e->hidden));
    return make_buffer(e->dev, total, n < FH_LOGIT_ROWS ? n : FH_LOGIT_ROWS, e->states ? 0 : s->vocab, &e->outputs);
}

static fh_status make_arrays(fh_engine *e) {
    fh_allocator *a = e->allocator;
    size_t n = e->rows_max, chosen = n * e->model->shape.experts_used; /* 2^12 · 2^12 at most */
    FH_TRY(fh_kv_slots_new(a, n, &e->slots));
    FH_TRY(fh_u32s_new(a, n, &e->tokens));
    FH_TRY(fh_u32s_new(a, n, &e->positions));
    FH_TRY(fh_u32s_new(a, n, &e->first));
    FH_TRY(fh_u32s_new(a, n, &e->base));
    FH_TRY(fh_u32s_new(a, n, &e->places));
    FH_TRY(fh_u32s_new(a, chosen, &e->ids));
    FH_TRY(fh_f32s_new(a, chosen, &e->gates));
    return fh_f32s_new(a, e->results, &e->logits);
}

static fh_status make(fh_engine *e, const fh_engine_options *options, fh_err *err) {
    const fh_model_shape *s = &e->model->shape;
    uint64_t context = options->context != 0 ? options->context : s->context;
    uint32_t seqs_max = options->seqs_max != 0 ? options->seqs_max : SEQS_DEFAULT;
    if (e->rows_max > FH_ROWS_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "%u rows a step, at most %d", e->rows_max, FH_ROWS_MAX);
    if (seqs_max > SEQS_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "%u sequences, at most %d", seqs_max, SEQS_MAX);
    _Static_assert((int)FH_CONTEXT_MAX / (int)FH_KV_BLOCK <= (int)FH_DEVICE_MEMS_MAX / 2, "the longest context can be filled");
    if (context > FH_CONTEXT_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "a context of %llu positions, at most %d", (unsigned long long)context,
                       FH_CONTEXT_MAX);
    if (!fh_kv_layer_bytes(s->kv_heads, s->head_dim, &e->kv_layer_bytes))
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "keys and values of %u × %u numbers", s->kv_heads, s->head_dim);
    fh_kv_cache_options kv = {.layers = s->layers, .layer_bytes = e->kv_layer_bytes, .positions = context,
                              .sequence_max = context, .seqs_max = seqs_max};
    FH_TRY(fh_kv_cache_new(e->allocator, e->dev, &kv, &e->kv, err));
    fh_status made = make_arrays(e);
    if (!fh_failed(made))
        made = make_buffers(e);
    if (fh_failed(made))
        return fh_fail(err, made.code, FH_NO_OFFSET, "buffers for %u rows a step: %s", e->rows_max, fh_code_text(made.code));
    return FH_DONE;
}

/* For a report of memory. The buffers are made before an engine is listed and stay as they are. */
static void fill_row(const void *owner, fh_memory_row *row) {
    const fh_engine *e = owner;
    row->name = fh_memory_label_of(FH_LIT("activations"));
    row->live.bytes = row->peak_bytes = row->committed_bytes = row->reserved_bytes = e->buffer_bytes;
    row->heap_bytes = e->on_heap ? e->buffer_bytes : 0;
}

fh_status fh_engine_new(fh_allocator *a, const fh_model *model, fh_device *dev, const fh_engine_options *options,
                        fh_engine **out, fh_err *err) {
    *out = NULL;
    fh_engine *e = fh_alloc(a, 1, sizeof *e);
    if (e == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for an engine");
    *e = (fh_engine){.allocator = a, .model = model, .dev = dev, .route_seed = options->route_seed, .states = options->states,
                     .results = options->states ? model->shape.width : model->shape.vocab,
                     .rows_max = options->rows_max != 0 ? options->rows_max : ROWS_DEFAULT};
    fh_status s = make(e, options, err);
    if (fh_failed(s)) {
        fh_engine_free(e);
        return s;
    }
    e->on_heap = fh_device_caps_get(dev).on_heap;
    fh_ledger_enter(&e->node, FH_MEMORY_STORE, fill_row, e);
    *out = e;
    return FH_DONE;
}

static void release_buffer(fh_device *dev, fh_drop fh_mem mem) {
    if (mem.value == 0)
        return;
    fh_status s = fh_device_release(dev, mem);
    FH_ASSERT(!fh_failed(s)); /* nobody else knows the handle */
}

void fh_engine_free(fh_engine *e) {
    if (e == NULL)
        return;
    fh_ledger_leave(&e->node);
    release_buffer(e->dev, e->x);
    release_buffer(e->dev, e->h);
    release_buffer(e->dev, e->q);
    release_buffer(e->dev, e->k);
    release_buffer(e->dev, e->v);
    release_buffer(e->dev, e->mixed);
    release_buffer(e->dev, e->hidden);
    release_buffer(e->dev, e->outputs);
    fh_kv_cache_free(e->kv);
    fh_allocator *a = e->allocator;
    fh_kv_slots_free(a, &e->slots);
    fh_u32s_free(a, &e->tokens);
    fh_u32s_free(a, &e->positions);
    fh_u32s_free(a, &e->first);
    fh_u32s_free(a, &e->base);
    fh_u32s_free(a, &e->places);
    fh_u32s_free(a, &e->ids);
    fh_f32s_free(a, &e->gates);
    fh_f32s_free(a, &e->logits);
    fh_free(a, e);
}

fh_engine_stats fh_engine_stats_get(const fh_engine *e) {
    fh_kv_cache_stats kv = fh_kv_cache_stats_get(e->kv);
    return (fh_engine_stats){.rows_max = e->rows_max, .sequence_max = kv.sequence_max, .seqs = kv.seqs,
                             .segments_max = kv.segments_max, .segments_made = kv.segments_made,
                             .segments_used = kv.segments_made - kv.segments_free};
}

/* --- sequences ---------------------------------------------------------------------------------------------------- */

fh_status fh_engine_open(fh_engine *e, fh_seq *out) {
    return fh_kv_cache_open(e->kv, out);
}

fh_status fh_engine_fork(fh_engine *e, fh_seq from, fh_seq *out) {
    return fh_kv_cache_fork(e->kv, from, out);
}

fh_status fh_engine_close(fh_engine *e, fh_seq s) {
    return fh_kv_cache_close(e->kv, s);
}

fh_status fh_engine_length(fh_engine *e, fh_seq s, uint64_t *out) {
    return fh_kv_cache_length(e->kv, s, out);
}

fh_status fh_engine_truncate(fh_engine *e, fh_seq s, uint64_t length) {
    return fh_kv_cache_truncate(e->kv, s, length);
}

/* --- a step ------------------------------------------------------------------------------------------------------- */

/* Checks row i and plans its position; *wanted counts the rows with logits. */
static fh_status plan_row(fh_engine *e, size_t i, fh_row row, uint32_t *wanted, fh_err *err) {
    if (row.token >= e->model->shape.vocab)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "row %zu: token %u, expected one below %u", i, row.token,
                       e->model->shape.vocab);
    fh_kv_slot slot = {0};
    FH_TRY(fh_kv_cache_append(e->kv, row.seq, &slot, err));
    fh_kv_slots_set(e->slots, i, slot);
    fh_u32s_set(e->tokens, i, row.token);
    fh_u32s_set(e->positions, i, (uint32_t)slot.position); /* below FH_CONTEXT_MAX */
    fh_u32s_set(e->places, i, row.logits ? *wanted : FH_NO_PLACE);
    *wanted += row.logits;
    return FH_DONE;
}

/* Makes room for the logits of `wanted` rows. */
static fh_status reserve_logits(fh_engine *e, uint32_t wanted, fh_err *err) {
    size_t count = 0;
    if (!fh_mul_size(wanted, e->results, &count))
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "results of %u rows", wanted);
    if (count <= e->logits.count)
        return FH_DONE;
    fh_f32s larger = {0};
    if (fh_failed(fh_f32s_new(e->allocator, count, &larger)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for the results of %u rows", wanted);
    fh_f32s_free(e->allocator, &e->logits);
    e->logits = larger;
    return FH_DONE;
}

static fh_status run(fh_engine *e, fh_rows rows, fh_err *err) {
    uint32_t wanted = 0;
    for (size_t i = 0; i < rows.count; i++)
        FH_TRY(plan_row(e, i, fh_rows_get(rows, i), &wanted, err));
    FH_TRY(reserve_logits(e, wanted, err));
    FH_TRY(fh_kv_cache_reserve(e->kv, err));
    for (size_t i = 0; i < rows.count; i++)
        fh_u32s_set(e->first, i, fh_kv_cache_first(e->kv, fh_kv_slots_get(e->slots, i)));
    e->rows = rows.count;
    return fh_forward(e, err);
}

fh_status fh_engine_step(fh_engine *e, fh_rows rows, fh_err *err) {
    e->rows = 0;
    if (rows.count == 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "a step without rows");
    if (rows.count > e->rows_max)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "%zu rows, at most %u in one step", rows.count, e->rows_max);
    fh_status s = run(e, rows, err);
    if (fh_failed(s)) {
        fh_kv_cache_rollback(e->kv);
        e->rows = 0;
        return s;
    }
    fh_kv_cache_commit(e->kv);
    return FH_DONE;
}

static fh_status result_of(fh_engine *e, bool states, size_t row, fh_out fh_view(1) fh_f32s *out) {
    *out = (fh_f32s){0};
    if (e->states != states || row >= e->rows)
        return FH_STATUS(FH_INVALID);
    size_t place = fh_u32s_get(e->places, row);
    if (place == FH_NO_PLACE)
        return FH_STATUS(FH_INVALID);
    *out = fh_f32s_sub(e->logits, place * e->results, e->results);
    return FH_DONE;
}

fh_status fh_engine_logits(fh_engine *e, size_t row, fh_f32s *out) {
    return result_of(e, false, row, out);
}

fh_status fh_engine_state(fh_engine *e, size_t row, fh_f32s *out) {
    return result_of(e, true, row, out);
}
