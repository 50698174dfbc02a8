/* forward.c: the transformer, from tokens to logits.
 *
 * Read fh_forward from top to bottom: it is the whole model. A decoder block is
 *     x ← x + W_o · attention(rope(norm(x)·W_q), rope(norm(x)·W_k), norm(x)·W_v)
 *     x ← x + W_down · (silu(norm(x)·W_gate) ⊙ norm(x)·W_up)           or the mixture of experts in its place
 * (Vaswani et al. 2017; Touvron et al., LLaMA, 2023; Jiang et al., Mixtral of Experts, 2024), for n rows at once, which
 * may belong to different sequences: only attention looks at other positions, and it finds them in the row's own KV
 * segments.
 *
 * Bits: each operation computes a row from that row alone (and from the KV positions of its own sequence), so neither
 * the number of rows nor their neighbours can change a result. In the last block, rows without logits only leave their
 * keys and values.
 *
 * Threading: as the engine. */
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "llm/engine_state.h"

/* Rows [from, from + count) of a buffer with `cols` numbers a row. */
static fh_tensor rows_of(fh_mem mem, uint64_t cols, size_t from, size_t count) {
    return (fh_tensor){.mem = mem, .offset_bytes = from * cols * sizeof(float), .cols = cols, .rows = count};
}

/* Where rows keep their keys and values of a layer; the spans have an entry for each of them. */
static fh_kv_view kv_of(fh_mems segments, fh_u32s first, fh_u32s base, fh_u32s positions, const fh_model_shape *s,
                        uint64_t offset_bytes) {
    return (fh_kv_view){.segments = segments, .first = first, .base = base, .positions = positions,
                        .offset_bytes = offset_bytes, .kv_heads = s->kv_heads, .head_dim = s->head_dim};
}

/* The next run of rows from `from` on that want logits: [*from, end). False when there is none. */
static bool next_run(const fh_engine *e, size_t *from, size_t *end) {
    while (*from < e->rows && fh_u32s_get(e->places, *from) == FH_NO_PLACE)
        ++*from;
    *end = *from;
    while (*end < e->rows && fh_u32s_get(e->places, *end) != FH_NO_PLACE)
        ++*end;
    return *from < *end;
}

/* First half of a block for all n rows: h = norm(x); q, k, v from h; k and v into the KV cache. */
static fh_status project(fh_engine *e, uint32_t l, fh_err *err) {
    const fh_model_shape *s = &e->model->shape;
    const fh_layer *w = fh_layers_at(e->model->layers, l);
    size_t n = e->rows;
    uint64_t q_cols = (uint64_t)s->heads * s->head_dim, kv_cols = (uint64_t)s->kv_heads * s->head_dim;
    fh_tensor x = rows_of(e->x, s->width, 0, n), h = rows_of(e->h, s->width, 0, n);
    fh_tensor q = rows_of(e->q, q_cols, 0, n), k = rows_of(e->k, kv_cols, 0, n), v = rows_of(e->v, kv_cols, 0, n);

    FH_TRY(fh_device_norm(e->dev, &(fh_norm){.x = x, .y = h, .w = w->attn_norm, .eps = s->norm_eps}, err));
    fh_matmul qkv = {.x = h, .count = 3, .out = {{.w = w->q, .y = q}, {.w = w->k, .y = k}, {.w = w->v, .y = v}}};
    FH_TRY(fh_device_matmul(e->dev, &qkv, err));
    if (s->qk_norm != FH_QK_NORM_NONE) { /* per head or per row: as long as the weight is */
        FH_TRY(fh_device_norm(e->dev, &(fh_norm){.x = q, .y = q, .w = w->q_norm, .eps = s->norm_eps}, err));
        FH_TRY(fh_device_norm(e->dev, &(fh_norm){.x = k, .y = k, .w = w->k_norm, .eps = s->norm_eps}, err));
    }
    fh_rope rope = {.x = q, .positions = fh_u32s_sub(e->positions, 0, n),
                    .freq = fh_span_of_mut(fh_f64s_bytes(e->model->freq)),
                    .head_dim = s->head_dim, .rot_dim = s->rot_dim, .halves = s->rope_halves};
    FH_TRY(fh_device_rope(e->dev, &rope, err));
    rope.x = k;
    FH_TRY(fh_device_rope(e->dev, &rope, err));
    fh_kv_view kv = kv_of(fh_kv_cache_segments(e->kv), fh_u32s_sub(e->first, 0, n), fh_u32s_sub(e->base, 0, n),
                          fh_u32s_sub(e->positions, 0, n), s, l * e->kv_layer_bytes);
    return fh_device_kv_put(e->dev, &(fh_kv_put){.k = k, .v = v, .kv = kv}, err);
}

/* Second half of a block for rows [from, from + n): x = x + W_o · attention(q); x = x + feed-forward(norm(x)). */
static fh_status mix(fh_engine *e, uint32_t l, size_t from, size_t n, fh_err *err) {
    const fh_model_shape *s = &e->model->shape;
    const fh_layer *w = fh_layers_at(e->model->layers, l);
    uint64_t q_cols = (uint64_t)s->heads * s->head_dim;
    fh_tensor x = rows_of(e->x, s->width, from, n), h = rows_of(e->h, s->width, from, n);
    fh_tensor q = rows_of(e->q, q_cols, from, n), mixed = rows_of(e->mixed, q_cols, from, n);

    /* Scores are divided by √head_dim. */
    fh_kv_view kv = kv_of(fh_kv_cache_segments(e->kv), fh_u32s_sub(e->first, from, n), fh_u32s_sub(e->base, from, n),
                          fh_u32s_sub(e->positions, from, n), s, l * e->kv_layer_bytes);
    fh_attend attend = {.q = q, .y = mixed, .kv = kv, .heads = s->heads,
                        .scale = 1.0f / __builtin_sqrtf((float)s->head_dim)};
    FH_TRY(fh_device_attend(e->dev, &attend, err));
    fh_matmul out = {.x = mixed, .count = 1, .out = {{.w = w->o, .y = x, .add = true}}};
    FH_TRY(fh_device_matmul(e->dev, &out, err));

    FH_TRY(fh_device_norm(e->dev, &(fh_norm){.x = x, .y = h, .w = w->ffn_norm, .eps = s->norm_eps}, err));
    if (s->experts == 0) {
        fh_tensor hidden = rows_of(e->hidden, s->ff, from, n);
        FH_TRY(fh_device_glu(e->dev, &(fh_glu){.x = h, .y = hidden, .gate = w->gate, .up = w->up}, err));
        fh_matmul down = {.x = hidden, .count = 1, .out = {{.w = w->down, .y = x, .add = true}}};
        return fh_device_matmul(e->dev, &down, err);
    }
    fh_u32s ids = fh_u32s_sub(e->ids, 0, n * s->experts_used);       /* n × experts_used */
    fh_f32s gates = fh_f32s_sub(e->gates, 0, n * s->experts_used);   /* n × experts_used */
    fh_route route = {.x = h, .w = w->router, .top_k = s->experts_used, .layer = l, .seed = e->route_seed,
                      .renormalise = s->renormalise_gates, .ids = ids, .weights = gates};
    FH_TRY(fh_device_route(e->dev, &route, err));
    fh_experts experts = {.x = h, .y = x, .gate = w->gate, .up = w->up, .down = w->down,
                          .ids = ids, .weights = gates, .top_k = s->experts_used};
    return fh_device_experts(e->dev, &experts, err);
}

/* FH_NOT_FINITE if a result of row `row` is NaN or infinite: all bits of its exponent are set. */
static fh_status check_finite(const fh_engine *e, size_t row, fh_f32s results, fh_err *err) {
    const uint32_t exponent = UINT32_C(0x7f800000);
    for (size_t i = 0; i < results.count; i++) {
        if (FH_UNLIKELY((fh_bits_of_f32(fh_f32s_get(results, i)) & exponent) == exponent))
            return fh_fail(err, FH_NOT_FINITE, FH_NO_OFFSET, "row %zu (position %u): the %s %zu is %g", row,
                           fh_u32s_get(e->positions, row), e->states ? "state's value" : "logit of token", i,
                           (double)fh_f32s_get(results, i));
    }
    return FH_DONE;
}

/* To the host, for rows [from, from + n), n ≤ FH_LOGIT_ROWS: states = norm(x), or logits = norm(x) · outputᵀ. */
static fh_status classify(fh_engine *e, size_t from, size_t n, fh_err *err) {
    const fh_model_shape *s = &e->model->shape;
    fh_tensor x = rows_of(e->x, s->width, from, n), h = rows_of(e->h, s->width, from, n);
    fh_tensor outputs = e->states ? h : rows_of(e->outputs, s->vocab, 0, n);

    FH_TRY(fh_device_norm(e->dev, &(fh_norm){.x = x, .y = h, .w = e->model->out_norm, .eps = s->norm_eps}, err));
    fh_matmul matmul = {.x = h, .count = 1, .out = {{.w = e->model->output, .y = outputs}}};
    if (!e->states)
        FH_TRY(fh_device_matmul(e->dev, &matmul, err));

    size_t place = fh_u32s_get(e->places, from); /* places of a run are consecutive */
    fh_f32s results = fh_f32s_sub(e->logits, place * e->results, n * e->results);
    fh_status read = fh_device_read(e->dev, outputs.mem, outputs.offset_bytes, fh_f32s_bytes(results));
    if (fh_failed(read))
        return fh_fail(err, read.code, FH_NO_OFFSET, "reading logits: %s", fh_code_text(read.code));
    for (size_t i = 0; i < n; i++)
        FH_TRY(check_finite(e, from + i, fh_f32s_sub(results, i * e->results, e->results), err));
    return FH_DONE;
}

fh_status fh_forward(fh_engine *e, fh_err *err) {
    const fh_model_shape *s = &e->model->shape;
    size_t n = e->rows, from = 0, end = 0;

    fh_embed embed = {.table = e->model->embed, .tokens = fh_u32s_sub(e->tokens, 0, n), .y = rows_of(e->x, s->width, 0, n)};
    FH_TRY(fh_device_embed(e->dev, &embed, err));
    for (uint32_t l = 0; l + 1 < s->layers; l++) {
        FH_TRY(project(e, l, err));
        FH_TRY(mix(e, l, 0, n, err));
    }
    FH_TRY(project(e, s->layers - 1, err));
    for (from = 0; next_run(e, &from, &end); from = end)
        FH_TRY(mix(e, s->layers - 1, from, end - from, err));

    for (from = 0; next_run(e, &from, &end);) {
        size_t count = end - from < FH_LOGIT_ROWS ? end - from : FH_LOGIT_ROWS;
        FH_TRY(classify(e, from, count, err));
        from += count;
    }
    return FH_DONE;
}
