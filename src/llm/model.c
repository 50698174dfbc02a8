/* model.c: from a model file to weights on a device.
 *
 * Loading goes from the cheap and certain to the expensive: the numbers of the architecture, the list of tensors, the
 * tokenizer, the table of rotary frequencies, then one weight after the other. A weight's bytes are shared with the
 * file, not copied; the device decides whether it keeps them or makes its own form. Whatever fails, everything made so
 * far is undone (except that a device keeps the weights it was given until it is freed).
 *
 * Threading: fh_model_load belongs to one thread; a loaded model is immutable. */
#include "freehold/checked.h"
#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "llm/weights.h"

FH_ARRAY_DEFINE(f64);
FH_ARRAY_DEFINE(layer);

/* What loading needs at every weight. */
struct loader {
    const fh_gguf *gguf;
    fh_mut fh_device *dev;
    fh_owned fh_buf name; /* the name being looked up */
    fh_mut fh_err *err;
};

/* --- weights ------------------------------------------------------------------------------------------------------ */

/* Hands the tensor called `name` to the device. */
static fh_status take_named(const struct loader *ld, fh_span name, bool rows_only, fh_out fh_weight *out) {
    fh_gguf_tensor t;
    *out = (fh_weight){0};
    if (!fh_gguf_tensor_find(ld->gguf, name, &t) || !t.known)
        return fh_fail(ld->err, FH_NOT_FOUND, FH_NO_OFFSET, "tensor '%.*s' is missing", FH_SPAN_FMT(name));
    fh_weight_desc desc = {.dtype = t.dtype, .cols = t.dim[0], .rows = t.dim[1], .planes = t.dim[2], .rows_only = rows_only};
    fh_status s = fh_gguf_tensor_bytes(ld->gguf, t, &desc.data);
    if (!fh_failed(s)) {
        s = fh_device_weight(ld->dev, &desc, out, ld->err);
        fh_bytes_drop(&desc.data);
    }
    if (fh_failed(s))
        return fh_fail(ld->err, s.code, t.offset_bytes, "tensor '%.*s': %s", FH_SPAN_FMT(name), fh_code_text(s.code));
    return FH_DONE;
}

/* Hands the tensor blk.<layer>.<part>.weight to the device. */
static fh_status take(struct loader *ld, size_t layer, const char *part, fh_out fh_weight *out) {
    fh_buf_truncate(&ld->name, 0);
    fh_status s = fh_buf_format(&ld->name, "blk.%zu.%s.weight", layer, part);
    if (fh_failed(s))
        return fh_fail(ld->err, s.code, FH_NO_OFFSET, "no memory for the name of a tensor");
    return take_named(ld, fh_buf_view(&ld->name), false, out);
}

static fh_status take_layer(struct loader *ld, const fh_model_shape *shape, size_t i, fh_layer *layer) {
    FH_TRY(take(ld, i, "attn_norm", &layer->attn_norm));
    FH_TRY(take(ld, i, "attn_q", &layer->q));
    FH_TRY(take(ld, i, "attn_k", &layer->k));
    FH_TRY(take(ld, i, "attn_v", &layer->v));
    FH_TRY(take(ld, i, "attn_output", &layer->o));
    if (shape->qk_norm != FH_QK_NORM_NONE) {
        FH_TRY(take(ld, i, "attn_q_norm", &layer->q_norm));
        FH_TRY(take(ld, i, "attn_k_norm", &layer->k_norm));
    }
    FH_TRY(take(ld, i, "ffn_norm", &layer->ffn_norm));
    bool moe = shape->experts != 0;
    if (moe)
        FH_TRY(take(ld, i, "ffn_gate_inp", &layer->router));
    FH_TRY(take(ld, i, moe ? "ffn_gate_exps" : "ffn_gate", &layer->gate));
    FH_TRY(take(ld, i, moe ? "ffn_up_exps" : "ffn_up", &layer->up));
    return take(ld, i, moe ? "ffn_down_exps" : "ffn_down", &layer->down);
}

static fh_status take_all(struct loader *ld, fh_model *m) {
    FH_TRY(take_named(ld, FH_LIT("token_embd.weight"), !m->shape.tied, &m->embed));
    FH_TRY(take_named(ld, FH_LIT("output_norm.weight"), false, &m->out_norm));
    m->output = m->embed;
    if (!m->shape.tied)
        FH_TRY(take_named(ld, FH_LIT("output.weight"), false, &m->output));
    for (size_t i = 0; i < m->layers.count; i++)
        FH_TRY(take_layer(ld, &m->shape, i, fh_layers_at(m->layers, i)));
    return FH_DONE;
}

/* --- rotary frequencies ------------------------------------------------------------------------------------------- */

/* freq[i] = rope_scale · base^(−2i/rot_dim) / factor[i] (Su et al., RoFormer, 2021); factors come from the tensor
 * rope_freqs.weight where the file has one (Llama 3.1's stretched context), else they are 1. */
static fh_status make_freq(fh_model *m, const fh_gguf *g, fh_err *err) {
    const fh_model_shape *shape = &m->shape;
    fh_bytes factors = {0};
    fh_gguf_tensor t;
    if (fh_gguf_tensor_find(g, FH_LIT("rope_freqs.weight"), &t)) {
        if (!t.known || t.dtype != FH_DTYPE_F32 || t.size_bytes != m->freq.count * sizeof(float))
            return fh_fail(err, FH_CORRUPT, t.info_bytes, "tensor 'rope_freqs.weight': expected %zu F32 values", m->freq.count);
        fh_status s = fh_gguf_tensor_bytes(g, t, &factors);
        if (fh_failed(s))
            return fh_fail(err, s.code, t.offset_bytes, "tensor 'rope_freqs.weight': %s", fh_code_text(s.code));
    }
    fh_status result = FH_DONE;
    double step = -2.0 / (double)shape->rot_dim * fh_log(shape->rope_base);
    /* fh_sincos takes angles up to 2^30, and positions go up to FH_CONTEXT_MAX. */
    double freq_max = (double)(1 << 30) / (double)FH_CONTEXT_MAX;
    for (size_t i = 0; i < m->freq.count && !fh_failed(result); i++) {
        double factor = factors.owner ? (double)fh_f32_of_bits(fh_span_u32(factors.span, i * sizeof(float))) : 1.0;
        double freq = shape->rope_scale * fh_exp((double)i * step) / factor;
        if (!(factor > 0.0 && freq >= 0.0 && freq <= freq_max))
            result = fh_fail(err, FH_CORRUPT, factors.owner ? t.offset_bytes + i * sizeof(float) : FH_NO_OFFSET,
                             "rotary frequency %zu is %g (factor %g), expected a number from 0 to %g", i, freq, factor,
                             freq_max);
        fh_f64s_set(m->freq, i, freq);
    }
    fh_bytes_drop(&factors);
    return result;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static fh_status load(fh_model *m, const fh_gguf *g, fh_device *dev, fh_err *err) {
    FH_TRY(fh_model_shape_read(g, &m->shape, err));
    FH_TRY(fh_model_tensors_check(g, &m->shape, err));
    FH_TRY(fh_model_tokenizer(m->allocator, g, &m->tokenizer, err));
    if (fh_failed(fh_f64s_new(m->allocator, m->shape.rot_dim / 2, &m->freq)) ||
        fh_failed(fh_layers_new(m->allocator, m->shape.layers, &m->layers)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a model of %u layers", m->shape.layers);
    FH_TRY(make_freq(m, g, err));
    struct loader ld = {.gguf = g, .dev = dev, .err = err};
    fh_buf_init(&ld.name, m->allocator, 0);
    fh_status s = take_all(&ld, m);
    fh_buf_deinit(&ld.name);
    return s;
}

fh_status fh_model_load(fh_allocator *a, const fh_gguf *g, fh_device *dev, fh_model **out, fh_err *err) {
    *out = NULL;
    fh_model *m = fh_alloc(a, 1, sizeof *m);
    if (m == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a model");
    m->allocator = a;
    fh_status s = load(m, g, dev, err);
    if (fh_failed(s)) {
        fh_model_free(m);
        return s;
    }
    *out = m;
    return FH_DONE;
}

void fh_model_free(fh_model *m) {
    if (m == NULL)
        return;
    fh_tokenizer_free(m->tokenizer);
    fh_layers_free(m->allocator, &m->layers);
    fh_f64s_free(m->allocator, &m->freq);
    fh_free(m->allocator, m);
}

const fh_model_shape *fh_model_shape_view(const fh_model *m) {
    return &m->shape;
}

const fh_tokenizer *fh_model_tokenizer_view(const fh_model *m) {
    return m->tokenizer;
}
