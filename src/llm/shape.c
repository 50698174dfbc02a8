/* shape.c: from a file's keys to the numbers of an architecture, and from those to what running it takes.
 *
 * Every number is read with its range; what follows from several of them (a head count that divides, a product that fits) is
 * checked right behind. Keys that would change what the model computes, and that Freehold does not compute, are refused when
 * their value has an effect: a table lists them with the values that have none. Which numbers an architecture needs, and what
 * it fixes by itself (how pairs are rotated, how gates are normalised), is one row of `arches`.
 *
 * Facts from llama.cpp: src/llama-arch.cpp (keys), src/llama-model.cpp (defaults), src/models/<arch>.cpp.
 * Threading: pure functions. */
#include "freehold/checked.h"
#include "llm/engine_state.h"
#include "llm/gguf_file.h"
#include "llm/layout.h"

/* --- architectures --------------------------------------------------------------------------------------------------- */

typedef enum experts_rule { EXPERTS_NEVER, EXPERTS_MAYBE, EXPERTS_ALWAYS } experts_rule;

typedef struct arch_row {
    const char *name;
    bool rope_halves;
    fh_qk_norm qk_norm;
    experts_rule experts;
    bool renormalise;   /* chosen gates sum to 1 */
    bool own_expert_ff; /* expert_feed_forward_length; else feed_forward_length is that of an expert */
    bool may_tie;
} arch_row;

static const arch_row arches[FH_ARCH_COUNT] = {
    [FH_ARCH_LLAMA] = {"llama", false, FH_QK_NORM_NONE, EXPERTS_MAYBE, true, false, true},
    [FH_ARCH_QWEN3] = {"qwen3", true, FH_QK_NORM_HEAD, EXPERTS_NEVER, false, false, true},
    [FH_ARCH_QWEN3MOE] = {"qwen3moe", true, FH_QK_NORM_HEAD, EXPERTS_ALWAYS, true, true, true},
    [FH_ARCH_OLMOE] = {"olmoe", true, FH_QK_NORM_ROW, EXPERTS_ALWAYS, false, false, false},
};

const char *fh_arch_name(fh_arch arch) {
    return (unsigned)arch < FH_ARCH_COUNT ? arches[arch].name : "unknown";
}

/* --- keys of an architecture ----------------------------------------------------------------------------------------- */

typedef struct reader {
    const fh_gguf *g;
    const arch_row *arch;
    fh_err *err;
} reader;

/* The key "<arch>.<part>". */
static bool find(const reader *r, const char *part, fh_out fh_view(*1) fh_gguf_key *key) {
    fh_name name = {.size = 0};
    fh_name_put(&name, r->arch->name);
    fh_name_put(&name, ".");
    fh_name_put(&name, part);
    return fh_gguf_find(r->g, name.text, key);
}

static fh_status missing(const reader *r, const char *part) {
    return fh_fail(r->err, FH_NOT_FOUND, FH_NO_OFFSET, "key \"%s.%s\" is missing", r->arch->name, part);
}

/* The integer of a key; of an array the one that all elements have. */
static fh_status read_same(const reader *r, const fh_gguf_key *key, uint64_t *out) {
    uint64_t other;
    if (key->item == FH_GGUF_BOOL)
        return FH_GGUF_FAIL(r->err, FH_CORRUPT, key->offset_bytes, "key \"%.*s\" has type bool, expected an integer",
                            FH_GGUF_NAME(key->name));
    if (key->count == 0)
        return FH_GGUF_FAIL(r->err, FH_CORRUPT, key->offset_bytes, "key \"%.*s\" is an empty array", FH_GGUF_NAME(key->name));
    FH_TRY(fh_gguf_item_u64(r->g, *key, 0, out, r->err));
    for (uint64_t i = 1; i < key->count; i++) {
        FH_TRY(fh_gguf_item_u64(r->g, *key, i, &other, r->err));
        if (other != *out)
            return FH_GGUF_FAIL(r->err, FH_UNSUPPORTED, key->offset_bytes,
                                "key \"%.*s\" differs between layers, which is not supported", FH_GGUF_NAME(key->name));
    }
    return FH_DONE;
}

/* An integer from `least` to `most`; an array (one value a layer) counts as its value if all are equal. A missing key gives
 * `fallback`, or is refused if that is UINT64_MAX. */
static fh_status read_u32(const reader *r, const char *part, uint64_t least, uint64_t most, uint64_t fallback,
                          fh_out uint32_t *out) {
    fh_gguf_key key;
    uint64_t value = fallback;
    *out = 0;
    if (find(r, part, &key))
        FH_TRY(read_same(r, &key, &value));
    else if (fallback == UINT64_MAX)
        return missing(r, part);
    else if (value < least || value > most)
        return fh_fail(r->err, FH_CORRUPT, FH_NO_OFFSET, "key \"%s.%s\" is missing and would be %" PRIu64 ", expected %" PRIu64
                       " to %" PRIu64, r->arch->name, part, value, least, most);
    if (value < least || value > most)
        return FH_GGUF_FAIL(r->err, FH_CORRUPT, key.offset_bytes, "key \"%.*s\" is %" PRIu64 ", expected %" PRIu64
                            " to %" PRIu64, FH_GGUF_NAME(key.name), value, least, most);
    *out = (uint32_t)value;
    return FH_DONE;
}

/* A number from `least` to `most`; a missing key gives `fallback`, or is refused if that is negative. */
static fh_status read_f64(const reader *r, const char *part, double least, double most, double fallback, fh_out double *out) {
    fh_gguf_key key;
    *out = fallback;
    if (!find(r, part, &key))
        return fallback < 0 ? missing(r, part) : FH_DONE;
    if (key.type == FH_GGUF_ARRAY || key.type == FH_GGUF_BOOL)
        return FH_GGUF_FAIL(r->err, FH_CORRUPT, key.offset_bytes, "key \"%.*s\" has type %s, expected a number",
                            FH_GGUF_NAME(key.name), fh_gguf_value_name(key.type));
    FH_TRY(fh_gguf_item_f64(r->g, key, 0, out, r->err));
    if (!(*out >= least && *out <= most))
        return FH_GGUF_FAIL(r->err, FH_CORRUPT, key.offset_bytes, "key \"%.*s\" is %g, expected %g to %g",
                            FH_GGUF_NAME(key.name), *out, least, most);
    return FH_DONE;
}

/* --- what Freehold does not compute ---------------------------------------------------------------------------------- */

/* Keys that change results, with the two values that do not. */
typedef struct neutral_row {
    const char *part;
    double a, b;
} neutral_row;

static const neutral_row neutral[] = {
    {"attention.causal", 1, 1},
    {"attention.clamp_kqv", 0, 0},
    {"attention.max_alibi_bias", 0, 0},
    {"attention.scale", 0, 0},
    {"attention.output_scale", 0, 1},
    {"attention.value_scale", 0, 1},
    {"attention.temperature_scale", 0, 0},
    {"attn_logit_softcapping", 0, 0},
    {"final_logit_softcapping", 0, 0},
    {"router_logit_softcapping", 0, 0},
    {"logit_scale", 0, 1},
    {"residual_scale", 0, 1},
    {"embedding_scale", 0, 1},
    {"use_parallel_residual", 0, 0},
    {"expert_shared_count", 0, 0},
    {"expert_shared_feed_forward_length", 0, 0},
    {"expert_group_count", 0, 1},
    {"expert_group_used_count", 0, 1},
    {"expert_weights_scale", 0, 1},
    {"expert_gating_func", 0, 1},
    {"leading_dense_block_count", 0, 0},
    {"interleave_moe_layer_step", 0, 1},
    {"moe_every_n_layers", 0, 1},
    {"nextn_predict_layers", 0, 0},
    {"rope.scaling.attn_factor", 0, 1},
    {"rope.scaling.alpha", 0, 1},
    {"decoder_block_count", 0, 0},
};

static fh_status refuse_effects(const reader *r) {
    fh_gguf_key key;
    double value;
    for (size_t i = 0; i < sizeof neutral / sizeof *neutral; i++) {
        if (!find(r, neutral[i].part, &key))
            continue;
        for (uint64_t k = 0; k < key.count; k++) {
            FH_TRY(fh_gguf_item_f64(r->g, key, k, &value, r->err));
            if (value != neutral[i].a && value != neutral[i].b)
                return FH_GGUF_FAIL(r->err, FH_UNSUPPORTED, key.offset_bytes, "key \"%.*s\" is %g, which is not supported",
                                    FH_GGUF_NAME(key.name), value);
        }
    }
    return FH_DONE;
}

/* A window as long as the context hides nothing. */
static fh_status refuse_window(const reader *r, uint32_t context) {
    uint32_t window;
    FH_TRY(read_u32(r, "attention.sliding_window", 0, UINT32_MAX, 0, &window));
    if (window != 0 && window < context)
        return fh_fail(r->err, FH_UNSUPPORTED, FH_NO_OFFSET, "key \"%s.attention.sliding_window\" is %" PRIu32
                       " in a context of %" PRIu32 ": sliding windows are not supported", r->arch->name, window, context);
    return FH_DONE;
}

static fh_status refuse_split(const fh_gguf *g, fh_err *err) {
    fh_gguf_key key;
    uint64_t parts;
    if (!fh_gguf_find(g, "split.count", &key))
        return FH_DONE;
    FH_TRY(fh_gguf_u64(g, "split.count", &parts, err));
    if (parts > 1)
        return FH_GGUF_FAIL(err, FH_UNSUPPORTED, key.offset_bytes, "the model is split into %" PRIu64
                            " files, which is not supported; merge them first", parts);
    return FH_DONE;
}

/* --- the parts of a shape -------------------------------------------------------------------------------------------- */

static fh_status read_arch(const fh_gguf *g, fh_arch *out, fh_err *err) {
    fh_gguf_key key;
    fh_span name;
    FH_TRY(fh_gguf_text(g, "general.architecture", &name, err));
    for (int i = 0; i < FH_ARCH_COUNT; i++)
        if (fh_span_is(name, arches[i].name)) {
            *out = (fh_arch)i;
            return FH_DONE;
        }
    uint64_t at = fh_gguf_find(g, "general.architecture", &key) ? key.offset_bytes : 0;
    return FH_GGUF_FAIL(err, FH_UNSUPPORTED, at,
                        "architecture \"%.*s\" is not supported, expected llama, qwen3, qwen3moe or olmoe",
                        FH_GGUF_NAME(name));
}

static fh_status read_attention(const reader *r, fh_model_shape *s) {
    FH_TRY(read_u32(r, "attention.head_count", 1, FH_HEADS_MAX, UINT64_MAX, &s->heads));
    FH_TRY(read_u32(r, "attention.head_count_kv", 1, s->heads, s->heads, &s->kv_heads));
    if (s->heads % s->kv_heads != 0)
        return fh_fail(r->err, FH_CORRUPT, FH_NO_OFFSET, "%s: %" PRIu32 " attention heads are no multiple of %" PRIu32
                       " key-value heads", r->arch->name, s->heads, s->kv_heads);
    uint32_t value_length;
    FH_TRY(read_u32(r, "attention.key_length", 2, FH_HEAD_DIM_MAX, s->width / s->heads, &s->head_dim));
    FH_TRY(read_u32(r, "attention.value_length", 2, FH_HEAD_DIM_MAX, s->head_dim, &value_length));
    if (value_length != s->head_dim)
        return fh_fail(r->err, FH_UNSUPPORTED, FH_NO_OFFSET, "%s: keys of length %" PRIu32 " and values of length %" PRIu32
                       " are not supported together", r->arch->name, s->head_dim, value_length);
    fh_gguf_key key;
    if (!find(r, "attention.key_length", &key) && s->width % s->heads != 0)
        return fh_fail(r->err, FH_CORRUPT, FH_NO_OFFSET, "%s: width %" PRIu32 " is no multiple of %" PRIu32 " attention heads",
                       r->arch->name, s->width, s->heads);
    _Static_assert((int)FH_HEADS_MAX * (int)FH_HEAD_DIM_MAX <= (int)FH_WIDTH_MAX, "all heads together are no wider than a row");
    if (s->head_dim % 2 != 0)
        return fh_fail(r->err, FH_CORRUPT, FH_NO_OFFSET, "%s: %" PRIu32 " heads of length %" PRIu32
                       ", expected an even length", r->arch->name, s->heads, s->head_dim);
    return FH_DONE;
}

/* The factor by which positions are divided: rope.scaling.factor, in old files rope.scale_linear; 0 means 1. */
static fh_status read_rope_factor(const reader *r, double *out) {
    double factor, old;
    FH_TRY(read_f64(r, "rope.scale_linear", 0, 1e6, 0, &old));
    FH_TRY(read_f64(r, "rope.scaling.factor", 0, 1e6, old, &factor));
    /* Positions go up to 2^24 and angles may go up to 2^30 (fh_sincos). */
    if (factor != 0 && factor < 1.0 / 64)
        return fh_fail(r->err, FH_CORRUPT, FH_NO_OFFSET, "key \"%s.rope.scaling.factor\" is %g, expected 0 or 1/64 to 1e6",
                       r->arch->name, factor);
    *out = factor == 0 ? 1 : factor;
    return FH_DONE;
}

static fh_status read_rope(const reader *r, fh_model_shape *s) {
    double factor = 1;
    fh_gguf_key key;
    fh_span type = FH_LIT("linear"); /* what a file means that says nothing; without a factor it is none */
    FH_TRY(read_u32(r, "rope.dimension_count", 2, s->head_dim, s->head_dim, &s->rot_dim));
    if (s->rot_dim % 2 != 0)
        return fh_fail(r->err, FH_CORRUPT, FH_NO_OFFSET, "key \"%s.rope.dimension_count\" is %" PRIu32
                       ", expected an even number", r->arch->name, s->rot_dim);
    FH_TRY(read_f64(r, "rope.freq_base", 1, 1e12, 10000, &s->rope_base));
    FH_TRY(read_rope_factor(r, &factor));
    if (find(r, "rope.scaling.type", &key))
        FH_TRY(fh_gguf_key_text(r->g, &key, &type, r->err));
    if (!fh_span_is(type, "linear") && !fh_span_is(type, "none"))
        return FH_GGUF_FAIL(r->err, FH_UNSUPPORTED, key.offset_bytes,
                            "rope scaling \"%.*s\" is not supported, expected none or linear", FH_GGUF_NAME(type));
    s->rope_scale = fh_span_is(type, "none") ? 1 : 1 / factor;
    return FH_DONE;
}

static fh_status read_feed_forward(const reader *r, fh_model_shape *s) {
    const arch_row *arch = r->arch;
    uint64_t most = arch->experts == EXPERTS_NEVER ? 0 : FH_EXPERTS_MAX;
    uint64_t fallback = arch->experts == EXPERTS_ALWAYS ? UINT64_MAX : 0;
    FH_TRY(read_u32(r, "expert_count", arch->experts == EXPERTS_ALWAYS, most, fallback, &s->experts));
    uint64_t used_max = s->experts < FH_TOP_K_MAX ? s->experts : FH_TOP_K_MAX;
    FH_TRY(read_u32(r, "expert_used_count", s->experts > 0, used_max, s->experts > 0 ? UINT64_MAX : 0, &s->experts_used));
    if (s->experts == 0)
        return read_u32(r, "feed_forward_length", 1, FH_WIDTH_MAX, UINT64_MAX, &s->ff);
    const char *part = arch->own_expert_ff ? "expert_feed_forward_length" : "feed_forward_length";
    FH_TRY(read_u32(r, part, 1, FH_WIDTH_MAX, UINT64_MAX, &s->expert_ff));
    s->renormalise_gates = arch->renormalise;
    fh_gguf_key key;
    uint64_t norm;
    if (!find(r, "expert_weights_norm", &key))
        return FH_DONE;
    FH_TRY(fh_gguf_item_u64(r->g, key, 0, &norm, r->err));
    if ((norm != 0) != arch->renormalise)
        return FH_GGUF_FAIL(r->err, FH_UNSUPPORTED, key.offset_bytes,
                            "key \"%.*s\" is %s, which is not supported in a %s model", FH_GGUF_NAME(key.name),
                            norm != 0 ? "true" : "false", arch->name);
    return FH_DONE;
}

/* The number of tokens is that of the vocabulary; a model without one may state it alone. */
static fh_status read_vocab(const reader *r, fh_model_shape *s) {
    fh_gguf_key tokens;
    uint64_t fallback = UINT64_MAX;
    if (fh_gguf_find(r->g, "tokenizer.ggml.tokens", &tokens)) {
        if (tokens.type != FH_GGUF_ARRAY || tokens.item != FH_GGUF_STRING)
            return FH_GGUF_FAIL(r->err, FH_CORRUPT, tokens.offset_bytes,
                                "key \"tokenizer.ggml.tokens\" has type %s, expected array of string",
                                fh_gguf_value_name(tokens.type));
        fallback = tokens.count;
    }
    FH_TRY(read_u32(r, "vocab_size", 1, FH_VOCAB_MAX, fallback, &s->vocab));
    if (fallback != UINT64_MAX && s->vocab != fallback)
        return FH_GGUF_FAIL(r->err, FH_CORRUPT, tokens.offset_bytes, "%" PRIu64 " tokens in a model of vocab_size %" PRIu32,
                            fallback, s->vocab);
    return FH_DONE;
}

fh_status fh_model_shape_read(const fh_gguf *g, fh_model_shape *out, fh_err *err) {
    fh_model_shape s = {.layers = 0};
    fh_gguf_tensor output;
    double eps;
    *out = s;
    FH_TRY(refuse_split(g, err));
    FH_TRY(read_arch(g, &s.arch, err));
    const reader r = {g, &arches[s.arch], err};
    s.rope_halves = r.arch->rope_halves;
    s.qk_norm = r.arch->qk_norm;
    FH_TRY(read_u32(&r, "block_count", 1, FH_LAYERS_MAX, UINT64_MAX, &s.layers));
    FH_TRY(read_u32(&r, "embedding_length", 1, FH_WIDTH_MAX, UINT64_MAX, &s.width));
    FH_TRY(read_u32(&r, "context_length", 1, FH_CONTEXT_MAX, UINT64_MAX, &s.context));
    FH_TRY(read_attention(&r, &s));
    FH_TRY(read_rope(&r, &s));
    FH_TRY(read_feed_forward(&r, &s));
    FH_TRY(read_vocab(&r, &s));
    FH_TRY(read_f64(&r, "attention.layer_norm_rms_epsilon", 1e-12, 1, -1, &eps));
    s.norm_eps = (float)eps;
    FH_TRY(refuse_effects(&r));
    FH_TRY(refuse_window(&r, s.context));
    s.tied = r.arch->may_tie && !fh_gguf_tensor_find(g, FH_LIT("output.weight"), &output);
    uint64_t params = 0, params_active = 0;
    if (fh_failed(fh_layout_params(&s, &params, &params_active)))
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "the number of parameters does not fit 64 bits");
    s.params = params;
    s.params_active = params_active;
    *out = s;
    return FH_DONE;
}

/* --- memory ---------------------------------------------------------------------------------------------------------- */

/* *sum += a · b · c. */
static bool add_product(uint64_t a, uint64_t b, uint64_t c, uint64_t *sum) {
    uint64_t ab, abc;
    return fh_mul_u64(a, b, &ab) && fh_mul_u64(ab, c, &abc) && fh_add_u64(*sum, abc, sum);
}

/* Block weights are copied into panels of 32 rows, which take the bytes of as many whole rows; plain types are used in place,
 * and so is an embedding of which only rows are read. */
static bool panel_bytes(const fh_gguf *g, const fh_model_shape *s, uint64_t *sum) {
    enum { PANEL_ROWS = 32 };
    for (size_t i = 0; i < fh_gguf_tensor_count(g); i++) {
        fh_gguf_tensor t = fh_gguf_tensor_at(g, i);
        bool rows_only = !s->tied && fh_span_is(t.name, "token_embd.weight");
        uint64_t rows, row;
        if (!t.known || fh_dtype_block(t.dtype) == 1 || rows_only)
            continue;
        if (!fh_align_up_u64(t.dim[1], PANEL_ROWS, &rows) || !fh_dtype_bytes(t.dtype, t.dim[0], 1, &row) ||
            !fh_mul_u64(rows, t.dim[3], &rows) || !add_product(row, rows, t.dim[2], sum))
            return false;
    }
    return true;
}

/* The engine's buffers (engine_state.h): rows of float32, and logits of a few rows, on the device and on the host. */
static bool activation_bytes(const fh_model_shape *s, uint64_t rows, uint64_t *sum) {
    uint64_t q = (uint64_t)s->heads * s->head_dim, kv = (uint64_t)s->kv_heads * s->head_dim;
    uint64_t row = 2 * (uint64_t)s->width + 2 * q + 2 * kv + s->ff; /* a dozen numbers up to 2^20 */
    uint64_t logit_rows = rows < FH_LOGIT_ROWS ? rows : FH_LOGIT_ROWS;
    return add_product(rows, row, sizeof(float), sum) && add_product(2 * logit_rows, s->vocab, sizeof(float), sum);
}

fh_status fh_model_memory(const fh_gguf *g, const fh_model_shape *shape, uint64_t context, uint64_t rows, fh_memory_plan *out) {
    fh_memory_plan plan = {.mapped = fh_gguf_size(g)};
    uint64_t layer;
    *out = (fh_memory_plan){0};
    uint64_t segments = context / FH_KV_BLOCK + (context % FH_KV_BLOCK != 0);
    if (!panel_bytes(g, shape, &plan.panels) || !fh_kv_layer_bytes(shape->kv_heads, shape->head_dim, &layer) ||
        !add_product(layer, shape->layers, segments, &plan.kv) || !activation_bytes(shape, rows, &plan.activations) ||
        !fh_add_u64(plan.mapped, plan.panels, &plan.total) || !fh_add_u64(plan.total, plan.kv, &plan.total) ||
        !fh_add_u64(plan.total, plan.activations, &plan.total))
        return FH_STATUS(FH_LIMIT);
    *out = plan;
    return FH_DONE;
}
