/* synth.c: writing models with random weights.
 *
 * A weight is a function of (seed, tensor, position): pieces of a tensor are filled from a counter, so nothing is kept and any
 * cut into pieces gives the same bytes. Block types are made as codes and scales directly. Sizes: uniform codes have a known
 * root mean square, and the scale makes of it 1/√columns, so a product of a normalised vector is of size 1 again; block scales
 * vary in size and sign, so that kernels that mix up blocks are caught.
 *
 * The options' shape is checked by the reader's own rules: its keys are written to memory and read back by fh_model_shape_read.
 *
 * Threading: pure. */
#include "freehold/checked.h"
#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "freehold/synth.h"
#include "llm/gguf_file.h"
#include "llm/layout.h"
#include "llm/synth_vocab.h"

enum { PIECE_BYTES = 48 * 1024, SCALES = 16 };

/* --- presets -------------------------------------------------------------------------------------------------------- */

typedef struct preset_row {
    const char *name;
    fh_synth_options options;
} preset_row;

static const preset_row presets[] = {
    {"tiny", {.arch = FH_ARCH_LLAMA, .dtype = FH_DTYPE_F32, .layers = 2, .width = 64, .heads = 4, .kv_heads = 2, .head_dim = 16,
              .ff = 96, .vocab = 384, .context = 256}},
    {"tiny-moe", {.arch = FH_ARCH_QWEN3MOE, .dtype = FH_DTYPE_F32, .layers = 2, .width = 64, .heads = 4, .kv_heads = 2,
                  .head_dim = 16, .experts = 8, .experts_used = 2, .expert_ff = 32, .vocab = 384, .context = 256}},
    {"110m", {.arch = FH_ARCH_LLAMA, .dtype = FH_DTYPE_Q8_0, .layers = 12, .width = 768, .heads = 12, .kv_heads = 12,
              .head_dim = 64, .ff = 2048, .vocab = 32000, .context = 1024, .tied = true}},
    {"tinyllama", {.arch = FH_ARCH_LLAMA, .dtype = FH_DTYPE_Q8_0, .layers = 22, .width = 2048, .heads = 32, .kv_heads = 4,
                   .head_dim = 64, .ff = 5632, .vocab = 32000, .context = 2048}},
    {"moe", {.arch = FH_ARCH_QWEN3MOE, .dtype = FH_DTYPE_Q8_0, .layers = 16, .width = 1024, .heads = 16, .kv_heads = 4,
             .head_dim = 128, .experts = 64, .experts_used = 8, .expert_ff = 256, .vocab = 151936, .context = 2048}},
};
enum { PRESETS = sizeof presets / sizeof *presets };

bool fh_synth_preset(fh_span name, fh_synth_options *out) {
    for (size_t i = 0; i < PRESETS; i++)
        if (fh_span_is(name, presets[i].name)) {
            *out = presets[i].options;
            return true;
        }
    return false;
}

const char *fh_synth_preset_name(size_t i) {
    return i < PRESETS ? presets[i].name : NULL;
}

/* --- keys ----------------------------------------------------------------------------------------------------------- */

/* A key of the architecture with its value; none for 0, which says that the model has no such thing. */
static fh_status put_number(fh_gguf_writer *w, const char *arch, const char *part, uint32_t v) {
    fh_name name = {.size = 0};
    fh_name_put(&name, arch);
    fh_name_put(&name, part);
    return v == 0 ? FH_DONE : fh_gguf_put_u32(w, name.text, v);
}

static fh_status put_real(fh_gguf_writer *w, const char *arch, const char *part, float v) {
    fh_name name = {.size = 0};
    fh_name_put(&name, arch);
    fh_name_put(&name, part);
    return fh_gguf_put_f32(w, name.text, v);
}

static fh_status put_shape(fh_gguf_writer *w, const fh_synth_options *o) {
    const char *arch = fh_arch_name(o->arch);
    const struct {
        const char *part;
        uint32_t value;
    } numbers[] = {{".block_count", o->layers},
                   {".context_length", o->context},
                   {".embedding_length", o->width},
                   {".feed_forward_length", o->ff != 0 ? o->ff : o->expert_ff},
                   {".attention.head_count", o->heads},
                   {".attention.head_count_kv", o->kv_heads},
                   {".attention.key_length", o->head_dim},
                   {".attention.value_length", o->head_dim},
                   {".rope.dimension_count", o->head_dim},
                   {".expert_count", o->experts},
                   {".expert_used_count", o->experts_used},
                   {".expert_feed_forward_length", o->expert_ff},
                   {".vocab_size", o->vocab}};
    FH_TRY(fh_gguf_put_text(w, "general.architecture", fh_span_of_str(arch)));
    FH_TRY(fh_gguf_put_text(w, "general.name", FH_LIT("synthetic")));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        FH_TRY(put_number(w, arch, numbers[i].part, numbers[i].value));
    FH_TRY(put_real(w, arch, ".rope.freq_base", 10000.0f));
    return put_real(w, arch, ".attention.layer_norm_rms_epsilon", 1e-5f);
}

static fh_status put_vocab(fh_gguf_writer *w, const fh_synth_vocab *v) {
    uint32_t end = (uint32_t)v->tokens.count - FH_SYNTH_CONTROLS;
    FH_TRY(fh_gguf_put_text(w, "tokenizer.ggml.model", FH_LIT("gpt2")));
    FH_TRY(fh_gguf_put_text(w, "tokenizer.ggml.pre", FH_LIT("gpt-2")));
    FH_TRY(fh_gguf_put_texts(w, "tokenizer.ggml.tokens", v->tokens));
    FH_TRY(fh_gguf_put_i32s(w, "tokenizer.ggml.token_type", v->types));
    FH_TRY(fh_gguf_put_texts(w, "tokenizer.ggml.merges", v->merges));
    FH_TRY(fh_gguf_put_u32(w, "tokenizer.ggml.bos_token_id", end));
    FH_TRY(fh_gguf_put_u32(w, "tokenizer.ggml.eos_token_id", end));
    return fh_gguf_put_bool(w, "tokenizer.ggml.add_bos_token", false);
}

/* --- the shape ------------------------------------------------------------------------------------------------------ */

static fh_status put_to_buf(void *ctx, fh_span bytes, fh_err *err) {
    fh_status status = fh_buf_put(ctx, bytes);
    return fh_failed(status) ? fh_fail(err, status.code, FH_NO_OFFSET, "no memory for a header") : FH_DONE;
}

/* The shape that a file with these options has, by the rules of a reader. */
static fh_status read_back(fh_ref fh_allocator *a, const fh_buf *file, fh_model_shape *out, fh_err *err) {
    fh_bytes bytes;
    fh_gguf *g = NULL;
    fh_status status = fh_bytes_copy(a, fh_buf_view(file), &bytes);
    if (fh_failed(status))
        return fh_fail(err, status.code, FH_NO_OFFSET, "no memory for a header");
    status = fh_gguf_open(a, bytes, &g, err);
    if (!fh_failed(status))
        status = fh_model_shape_read(g, out, err);
    fh_gguf_close(g);
    fh_bytes_drop(&bytes);
    return status;
}

static fh_status shape_of(fh_ref fh_allocator *a, const fh_synth_options *o, fh_out fh_model_shape *out, fh_err *err) {
    fh_gguf_writer *w;
    fh_buf file;
    if (fh_failed(fh_gguf_writer_new(a, &w)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a header");
    fh_buf_init(&file, a, 0);
    fh_status status = put_shape(w, o);
    if (fh_failed(status))
        status = fh_fail(err, status.code, FH_NO_OFFSET, "no memory for a header");
    else
        status = fh_gguf_writer_header(w, (fh_sink){&file, put_to_buf}, err);
    if (!fh_failed(status))
        status = read_back(a, &file, out, err);
    fh_buf_deinit(&file);
    fh_gguf_writer_free(w);
    if (fh_failed(status))
        return status;
    if (o->tied && !out->tied) /* the header had no tensors, so a reader takes the model for tied if it may be */
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "a %s model has an output matrix of its own", fh_arch_name(o->arch));
    out->tied = o->tied;
    return FH_DONE;
}

/* --- weights -------------------------------------------------------------------------------------------------------- */

/* A tensor being filled. */
typedef struct source {
    uint64_t key;          /* of its random numbers */
    fh_dtype dtype;
    bool vector;           /* a norm: near 1 */
    float amplitude;       /* of plain types: uniform in ±amplitude */
    uint16_t scale[SCALES]; /* of block types, as float16 */
    uint64_t next;         /* block to be made next */
} source;

/* 64 random bits: number `i` of the tensor. */
static uint64_t draw(const source *s, uint64_t i) {
    return fh_mix64(s->key ^ fh_mix64(i));
}

static source source_of(uint64_t seed, size_t index, const fh_layout_tensor *t, fh_dtype dtype) {
    source s = {.key = fh_mix64(seed ^ fh_mix64(index + 1)), .dtype = dtype, .vector = t->role == FH_ROLE_VECTOR};
    float root = __builtin_sqrtf((float)t->dim[0]);
    /* Root mean squares: 1/√3 of the amplitude; of codes −127 … 127, 73.6; of −8 … 7, 4.64. */
    float code_rms = dtype == FH_DTYPE_Q8_0 ? 73.6f : 4.64f;
    s.amplitude = s.vector ? 0.25f : 1.7320508f / root;
    for (int i = 0; i < SCALES; i++) {
        float size = 0.75f + 0.5f * (float)(i / 2) / (float)(SCALES / 2 - 1);
        s.scale[i] = fh_f16_of_f32((i % 2 == 0 ? size : -size) / (code_rms * root));
    }
    return s;
}

/* Replaces each byte 0x80 by 0x81: the code −128 is not in Q8_0's range. */
static uint64_t without_least(uint64_t x) {
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f), high = ~low;
    uint64_t t = x ^ high, zero = ~(((t & low) + low) | t) & high; /* 0x80 where a byte of t is 0 */
    return x | zero >> 7;
}

static void fill_blocks(source *s, fh_mspan out) {
    bool q8 = s->dtype == FH_DTYPE_Q8_0;
    size_t words = q8 ? 4 : 2, bytes = 2 + 8 * words;
    for (size_t at = 0; at < out.size; at += bytes, s->next++) {
        uint64_t first = s->next * 8;
        fh_mspan_put_u16(out, at, s->scale[draw(s, first + 7) % SCALES]);
        for (size_t i = 0; i < words; i++) {
            uint64_t codes = draw(s, first + i);
            fh_mspan_put_u64(out, at + 2 + 8 * i, q8 ? without_least(codes) : codes);
        }
    }
}

static void fill_plain(source *s, fh_mspan out) {
    size_t bytes = s->dtype == FH_DTYPE_F32 ? 4 : 2;
    for (size_t at = 0; at < out.size; at += bytes, s->next++) {
        uint64_t bits = draw(s, s->next) >> 40; /* 24 bits: exact in float32 */
        float value = (s->vector ? 1.0f : 0.0f) + s->amplitude * ((float)bits * 0x1p-23f - 1.0f);
        if (s->dtype == FH_DTYPE_F32)
            fh_mspan_put_u32(out, at, fh_bits_of_f32(value));
        else
            fh_mspan_put_u16(out, at, s->dtype == FH_DTYPE_F16 ? fh_f16_of_f32(value) : fh_bf16_of_f32(value));
    }
}

/* --- the file ------------------------------------------------------------------------------------------------------- */

typedef struct job {
    const fh_synth_options *options;
    fh_model_shape shape;
    fh_owned fh_gguf_writer *writer;
    fh_sink sink;
    fh_synth_progress progress;
    uint64_t done, total;
    uint8_t piece[PIECE_BYTES];
} job;

static fh_dtype dtype_of(const job *j, const fh_layout_tensor *t) {
    return t->role == FH_ROLE_MATRIX ? j->options->dtype : FH_DTYPE_F32;
}

/* A function of one tensor of the model; `index` counts them. */
typedef fh_status tensor_fn(job *j, const fh_layout_tensor *t, size_t index, fh_err *err);

/* Calls fn for each tensor, in the order of the file: the embedding, the layers, the output. */
static fh_status each_tensor(job *j, tensor_fn *fn, fh_err *err) {
    fh_layout_tensor t;
    size_t index = 0;
    if (fh_layout_get(&j->shape, FH_SLOT_EMBED, 0, &t))
        FH_TRY(fn(j, &t, index++, err));
    for (uint32_t layer = 0; layer < j->shape.layers; layer++)
        for (int slot = FH_SLOT_FIRST_OF_LAYER; slot < FH_SLOT_COUNT; slot++)
            if (fh_layout_get(&j->shape, (fh_slot)slot, layer, &t))
                FH_TRY(fn(j, &t, index++, err));
    if (fh_layout_get(&j->shape, FH_SLOT_OUTPUT_NORM, 0, &t))
        FH_TRY(fn(j, &t, index++, err));
    if (fh_layout_get(&j->shape, FH_SLOT_OUTPUT, 0, &t))
        FH_TRY(fn(j, &t, index++, err));
    return FH_DONE;
}

static fh_status add_tensor(job *j, const fh_layout_tensor *t, size_t index, fh_err *err) {
    (void)index;
    fh_dtype dtype = dtype_of(j, t);
    uint64_t bytes;
    if (!fh_dtype_bytes(dtype, t->dim[0], t->dim[1] * t->dim[2], &bytes) || !fh_add_u64(j->total, bytes, &j->total))
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "tensor \"%s\": rows of %" PRIu64 " elements cannot have type %s",
                       t->name.text, t->dim[0], fh_dtype_name(dtype));
    fh_status status = fh_gguf_put_tensor(j->writer, t->name.text, dtype, t->dims, t->dim);
    return fh_failed(status) ? fh_fail(err, status.code, FH_NO_OFFSET, "no memory for a header") : FH_DONE;
}

static fh_status write_tensor(job *j, const fh_layout_tensor *t, size_t index, fh_err *err) {
    fh_dtype dtype = dtype_of(j, t);
    source s = source_of(j->options->seed, index, t, dtype);
    uint64_t left = 0, block = 1;
    bool known = fh_dtype_bytes(dtype, t->dim[0], t->dim[1] * t->dim[2], &left) &&
                 fh_dtype_bytes(dtype, fh_dtype_block(dtype), 1, &block);
    FH_ASSERT(known); /* add_tensor has seen it */
    const size_t whole = PIECE_BYTES - PIECE_BYTES % (size_t)block;
    while (left > 0) {
        fh_mspan piece;
        bool fits = fh_mspan_slice((fh_mspan){j->piece, sizeof j->piece}, 0, left < whole ? (size_t)left : whole, &piece);
        FH_ASSERT(fits);
        if (fh_dtype_block(dtype) > 1)
            fill_blocks(&s, piece);
        else
            fill_plain(&s, piece);
        FH_TRY(fh_gguf_writer_data(j->writer, fh_span_of_mut(piece), j->sink, err));
        left -= piece.size;
        j->done += piece.size;
        if (j->progress.step != NULL && !j->progress.step(j->progress.ctx, j->done, j->total))
            return fh_fail(err, FH_CANCELED, FH_NO_OFFSET, "canceled");
    }
    return FH_DONE;
}

static fh_status put_keys(job *j, fh_ref fh_allocator *a, fh_err *err) {
    fh_synth_vocab v;
    fh_status status = fh_synth_vocab_init(&v, a, j->options->vocab);
    if (!fh_failed(status)) {
        status = put_shape(j->writer, j->options);
        if (!fh_failed(status))
            status = put_vocab(j->writer, &v);
        fh_synth_vocab_deinit(&v);
    }
    return fh_failed(status) ? fh_fail(err, status.code, FH_NO_OFFSET, "no memory for a header") : FH_DONE;
}

static fh_status write_file(job *j, fh_ref fh_allocator *a, fh_err *err) {
    FH_TRY(put_keys(j, a, err));
    FH_TRY(each_tensor(j, add_tensor, err));
    FH_TRY(fh_gguf_writer_header(j->writer, j->sink, err));
    FH_TRY(each_tensor(j, write_tensor, err));
    return fh_gguf_writer_finish(j->writer, err);
}

fh_status fh_synth_write(fh_allocator *a, const fh_synth_options *options, fh_sink sink, fh_synth_progress progress,
                         fh_err *err) {
    if ((unsigned)options->arch >= FH_ARCH_COUNT || (unsigned)options->dtype >= FH_DTYPE_COUNT)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "unknown architecture or type");
    if (options->vocab < FH_SYNTH_VOCAB_MIN || options->vocab > FH_SYNTH_VOCAB_MAX)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "a vocabulary of %" PRIu32 " tokens, expected %d to %d", options->vocab,
                       FH_SYNTH_VOCAB_MIN, FH_SYNTH_VOCAB_MAX);
    fh_model_shape shape;
    FH_TRY(shape_of(a, options, &shape, err));
    job *j = fh_alloc(a, 1, sizeof *j);
    if (j == NULL || fh_failed(fh_gguf_writer_new(a, &j->writer))) {
        fh_free(a, j);
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a header");
    }
    j->options = options;
    j->shape = shape;
    j->sink = sink;
    j->progress = progress;
    fh_status status = write_file(j, a, err);
    fh_gguf_writer_free(j->writer);
    fh_free(a, j);
    return status;
}
