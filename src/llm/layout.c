/* layout.c: the table of a model's tensors, and the check of a file against it.
 *
 * A row of the table gives a tensor's name, its role, and its dimensions as words ("width", "heads times head_dim") that a
 * shape turns into numbers. A file must hold exactly the tensors of its shape: one that is missing makes the model impossible,
 * and one that is too many (a bias, a shared expert, a scale) would change the results, so ignoring it would be a silent error.
 *
 * Threading: pure functions. */
#include "llm/layout.h"

#include "freehold/checked.h"
#include "llm/gguf_file.h"

/* Sizes that dimensions are made of. */
typedef enum size_word {
    ONE, WIDTH, VOCAB, Q_SIZE, KV_SIZE, Q_NORM_SIZE, K_NORM_SIZE, FF, EXPERTS, EXPERT_FF, ROT_PAIRS
} size_word;

/* When a tensor is there. */
typedef enum presence { ALWAYS, UNLESS_TIED, MAY_BE, WITH_QK_NORM, WHEN_DENSE, WITH_EXPERTS } presence;

typedef struct slot_row {
    const char *part; /* the name without "blk.N." and ".weight" */
    fh_role role;
    presence when;
    uint32_t dims;
    size_word size[3];
} slot_row;

static const slot_row rows[FH_SLOT_COUNT] = {
    [FH_SLOT_EMBED] = {"token_embd", FH_ROLE_MATRIX, ALWAYS, 2, {WIDTH, VOCAB, ONE}},
    [FH_SLOT_OUTPUT_NORM] = {"output_norm", FH_ROLE_VECTOR, ALWAYS, 1, {WIDTH, ONE, ONE}},
    [FH_SLOT_OUTPUT] = {"output", FH_ROLE_MATRIX, UNLESS_TIED, 2, {WIDTH, VOCAB, ONE}},
    [FH_SLOT_ROPE_FREQS] = {"rope_freqs", FH_ROLE_VECTOR, MAY_BE, 1, {ROT_PAIRS, ONE, ONE}},
    [FH_SLOT_ATTN_NORM] = {"attn_norm", FH_ROLE_VECTOR, ALWAYS, 1, {WIDTH, ONE, ONE}},
    [FH_SLOT_Q] = {"attn_q", FH_ROLE_MATRIX, ALWAYS, 2, {WIDTH, Q_SIZE, ONE}},
    [FH_SLOT_K] = {"attn_k", FH_ROLE_MATRIX, ALWAYS, 2, {WIDTH, KV_SIZE, ONE}},
    [FH_SLOT_V] = {"attn_v", FH_ROLE_MATRIX, ALWAYS, 2, {WIDTH, KV_SIZE, ONE}},
    [FH_SLOT_Q_NORM] = {"attn_q_norm", FH_ROLE_VECTOR, WITH_QK_NORM, 1, {Q_NORM_SIZE, ONE, ONE}},
    [FH_SLOT_K_NORM] = {"attn_k_norm", FH_ROLE_VECTOR, WITH_QK_NORM, 1, {K_NORM_SIZE, ONE, ONE}},
    [FH_SLOT_ATTN_OUTPUT] = {"attn_output", FH_ROLE_MATRIX, ALWAYS, 2, {Q_SIZE, WIDTH, ONE}},
    [FH_SLOT_FFN_NORM] = {"ffn_norm", FH_ROLE_VECTOR, ALWAYS, 1, {WIDTH, ONE, ONE}},
    [FH_SLOT_GATE] = {"ffn_gate", FH_ROLE_MATRIX, WHEN_DENSE, 2, {WIDTH, FF, ONE}},
    [FH_SLOT_UP] = {"ffn_up", FH_ROLE_MATRIX, WHEN_DENSE, 2, {WIDTH, FF, ONE}},
    [FH_SLOT_DOWN] = {"ffn_down", FH_ROLE_MATRIX, WHEN_DENSE, 2, {FF, WIDTH, ONE}},
    [FH_SLOT_ROUTER] = {"ffn_gate_inp", FH_ROLE_FLOAT, WITH_EXPERTS, 2, {WIDTH, EXPERTS, ONE}},
    [FH_SLOT_GATE_EXPERTS] = {"ffn_gate_exps", FH_ROLE_MATRIX, WITH_EXPERTS, 3, {WIDTH, EXPERT_FF, EXPERTS}},
    [FH_SLOT_UP_EXPERTS] = {"ffn_up_exps", FH_ROLE_MATRIX, WITH_EXPERTS, 3, {WIDTH, EXPERT_FF, EXPERTS}},
    [FH_SLOT_DOWN_EXPERTS] = {"ffn_down_exps", FH_ROLE_MATRIX, WITH_EXPERTS, 3, {EXPERT_FF, WIDTH, EXPERTS}},
};

static uint64_t size_of(const fh_model_shape *s, size_word word) {
    uint64_t q = (uint64_t)s->heads * s->head_dim, kv = (uint64_t)s->kv_heads * s->head_dim;
    bool by_head = s->qk_norm == FH_QK_NORM_HEAD;
    const uint64_t sizes[] = {[ONE] = 1,
                              [WIDTH] = s->width,
                              [VOCAB] = s->vocab,
                              [Q_SIZE] = q,
                              [KV_SIZE] = kv,
                              [Q_NORM_SIZE] = by_head ? s->head_dim : q,
                              [K_NORM_SIZE] = by_head ? s->head_dim : kv,
                              [FF] = s->ff,
                              [EXPERTS] = s->experts,
                              [EXPERT_FF] = s->expert_ff,
                              [ROT_PAIRS] = s->rot_dim / 2};
    return sizes[word];
}

static bool is_present(const fh_model_shape *s, presence when) {
    switch (when) {
    case UNLESS_TIED:
        return !s->tied;
    case MAY_BE: /* Llama 3.1 alone has rotary factors */
        return s->arch == FH_ARCH_LLAMA;
    case WITH_QK_NORM:
        return s->qk_norm != FH_QK_NORM_NONE;
    case WHEN_DENSE:
        return s->experts == 0;
    case WITH_EXPERTS:
        return s->experts != 0;
    case ALWAYS:
        break;
    }
    return true;
}

/* --- names ---------------------------------------------------------------------------------------------------------- */

static void put_char(fh_name *name, char c) {
    FH_ASSERT(name->size < FH_NAME_BYTES - 1);
    name->text[name->size++] = c;
    name->text[name->size] = '\0';
}

void fh_name_put(fh_name *name, const char *text) {
    fh_span bytes = fh_span_of_str(text);
    for (size_t i = 0; i < bytes.size; i++)
        put_char(name, (char)fh_span_at(bytes, i));
}

void fh_name_put_number(fh_name *name, uint32_t n) {
    uint32_t unit = 1;
    while (n / unit > 9)
        unit *= 10;
    for (; unit > 0; unit /= 10)
        put_char(name, (char)('0' + n / unit % 10));
}

bool fh_layout_get(const fh_model_shape *shape, fh_slot slot, uint32_t layer, fh_layout_tensor *out) {
    FH_ASSERT((unsigned)slot < FH_SLOT_COUNT);
    const slot_row *row = &rows[slot];
    *out = (fh_layout_tensor){.role = row->role,
                              .optional = row->when == MAY_BE,
                              .expert = row->size[2] == EXPERTS,
                              .dims = row->dims,
                              .dim = {1, 1, 1, 1}};
    for (uint32_t i = 0; i < 3; i++)
        out->dim[i] = size_of(shape, row->size[i]);
    if ((int)slot >= FH_SLOT_FIRST_OF_LAYER) {
        fh_name_put(&out->name, "blk.");
        fh_name_put_number(&out->name, layer);
        fh_name_put(&out->name, ".");
    }
    fh_name_put(&out->name, row->part);
    fh_name_put(&out->name, ".weight");
    return is_present(shape, row->when);
}

/* Reads "blk.N." as fh_name_put_number writes it: no sign, no leading zero, at most 6 digits. */
static bool parse_layer(fh_span name, fh_out uint32_t *layer, fh_out fh_view(1) fh_span *rest) {
    size_t at = 4;
    *layer = 0;
    if (!fh_span_starts(name, FH_LIT("blk.")))
        return false;
    for (; at < name.size && at < 10 && fh_span_at(name, at) >= '0' && fh_span_at(name, at) <= '9'; at++)
        *layer = *layer * 10 + (uint32_t)(fh_span_at(name, at) - '0');
    bool ok = at > 4 && (at == 5 || fh_span_at(name, 4) != '0') && at < name.size && fh_span_at(name, at) == '.';
    *rest = fh_span_from(name, ok ? at + 1 : name.size);
    return ok;
}

bool fh_layout_parse(fh_span name, fh_slot *slot, uint32_t *layer) {
    fh_span rest = name;
    bool of_layer = parse_layer(name, layer, &rest);
    if (!of_layer)
        rest = name;
    const fh_span suffix = FH_LIT(".weight");
    if (rest.size < suffix.size || !fh_span_equal(fh_span_from(rest, rest.size - suffix.size), suffix))
        return false;
    fh_span part = fh_span_sub(rest, 0, rest.size - suffix.size);
    for (int i = of_layer ? FH_SLOT_FIRST_OF_LAYER : 0; i < (of_layer ? (int)FH_SLOT_COUNT : (int)FH_SLOT_FIRST_OF_LAYER); i++)
        if (fh_span_is(part, rows[i].part)) {
            *slot = (fh_slot)i;
            return true;
        }
    return false;
}

/* --- counting ------------------------------------------------------------------------------------------------------- */

fh_status fh_layout_params(const fh_model_shape *shape, uint64_t *all, uint64_t *active) {
    fh_layout_tensor t;
    *all = *active = 0;
    for (int slot = 0; slot < FH_SLOT_COUNT; slot++) {
        if (!fh_layout_get(shape, (fh_slot)slot, 0, &t) || t.optional)
            continue;
        /* A plane has at most 2^20 × 2^30 elements; planes and layers may overflow. */
        uint64_t times = slot < (int)FH_SLOT_FIRST_OF_LAYER ? 1 : shape->layers, plane = t.dim[0] * t.dim[1], n, used;
        uint64_t planes_used = t.expert ? shape->experts_used : t.dim[2];
        uint64_t plane_used = slot == FH_SLOT_EMBED && !shape->tied ? shape->width : plane; /* one row of an embedding */
        if (!fh_mul_u64(plane, t.dim[2] * times, &n) || !fh_mul_u64(plane_used, planes_used * times, &used) ||
            !fh_add_u64(*all, n, all) || !fh_add_u64(*active, used, active))
            return FH_STATUS(FH_LIMIT);
    }
    return FH_DONE;
}

/* --- the check ------------------------------------------------------------------------------------------------------ */

static bool allowed(fh_role role, fh_dtype dtype) {
    if (role == FH_ROLE_VECTOR)
        return dtype == FH_DTYPE_F32;
    return role == FH_ROLE_MATRIX || fh_dtype_block(dtype) == 1;
}

static fh_status check_tensor(const fh_layout_tensor *want, const fh_gguf_tensor *have, fh_err *err) {
    static const char *const types[] = {[FH_ROLE_MATRIX] = "F32, F16, BF16, Q8_0 or Q4_0",
                                        [FH_ROLE_FLOAT] = "F32, F16 or BF16",
                                        [FH_ROLE_VECTOR] = "F32"};
    for (uint32_t i = 0; i < FH_GGUF_DIMS_MAX; i++)
        if (have->dim[i] != want->dim[i])
            return FH_GGUF_FAIL(err, FH_CORRUPT, have->info_bytes, "tensor \"%.*s\": dimension %" PRIu32 " is %" PRIu64
                                ", expected %" PRIu64, FH_GGUF_NAME(have->name), i, have->dim[i], want->dim[i]);
    const char *type = fh_gguf_type_name(have->type_id);
    if (!have->known || !allowed(want->role, have->dtype))
        return FH_GGUF_FAIL(err, FH_UNSUPPORTED, have->info_bytes,
                            "tensor \"%.*s\": type %s is not supported there, expected %s", FH_GGUF_NAME(have->name),
                            type != NULL ? type : "?", types[want->role]);
    return FH_DONE;
}

/* Counts the tensors of one slot that the file has. */
static fh_status check_slot(const fh_gguf *g, const fh_model_shape *shape, fh_slot slot, uint32_t layer, size_t *found,
                            fh_err *err) {
    fh_layout_tensor want;
    fh_gguf_tensor have;
    if (!fh_layout_get(shape, slot, layer, &want))
        return FH_DONE;
    if (!fh_gguf_tensor_find(g, fh_span_of_str(want.name.text), &have)) {
        if (want.optional)
            return FH_DONE;
        return fh_fail(err, FH_NOT_FOUND, FH_NO_OFFSET, "tensor \"%s\" is missing", want.name.text);
    }
    ++*found;
    return check_tensor(&want, &have, err);
}

/* Names a tensor of the file that no slot of the shape asks for. */
static fh_status name_extra(const fh_gguf *g, const fh_model_shape *shape, fh_err *err) {
    for (size_t i = 0; i < fh_gguf_tensor_count(g); i++) {
        fh_gguf_tensor t = fh_gguf_tensor_at(g, i);
        fh_layout_tensor want;
        fh_slot slot;
        uint32_t layer = 0;
        if (!fh_layout_parse(t.name, &slot, &layer) || layer >= shape->layers || !fh_layout_get(shape, slot, layer, &want))
            return FH_GGUF_FAIL(err, FH_UNSUPPORTED, t.info_bytes, "tensor \"%.*s\" is not known in a %s model of this shape",
                                FH_GGUF_NAME(t.name), fh_arch_name(shape->arch));
    }
    return FH_DONE;
}

fh_status fh_model_tensors_check(const fh_gguf *g, const fh_model_shape *shape, fh_err *err) {
    size_t found = 0;
    for (int slot = 0; slot < FH_SLOT_COUNT; slot++) {
        uint32_t layers = slot < (int)FH_SLOT_FIRST_OF_LAYER ? 1 : shape->layers;
        for (uint32_t layer = 0; layer < layers; layer++)
            FH_TRY(check_slot(g, shape, (fh_slot)slot, layer, &found, err));
    }
    return found == fh_gguf_tensor_count(g) ? FH_DONE : name_extra(g, shape, err);
}
