/* lab.c: small models in memory for the tests of the engine (lab.h). */
#include "lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freehold/gguf.h"

static void must(fh_status s, const char *what, const fh_err *err) {
    if (!fh_failed(s))
        return;
    fprintf(stderr, "%s: %s: %s\n", what, fh_code_name(s.code), err != NULL ? err->message : "");
    abort();
}

/* --- model files -------------------------------------------------------------------------------------------------- */

const char *lab_kind_name(enum lab_kind kind) {
    static const char *const names[LAB_KINDS] = {"llama", "llama-moe", "qwen3", "qwen3moe", "olmoe"};
    return names[kind];
}

fh_synth_options lab_options(enum lab_kind kind, fh_dtype dtype) {
    fh_synth_options o = {.dtype = dtype, .layers = 2, .width = 96, .heads = 6, .kv_heads = 2, .head_dim = 16,
                          .vocab = LAB_VOCAB, .context = LAB_CONTEXT, .seed = 1000 + (uint64_t)kind};
    bool moe = kind == LAB_LLAMA_MOE || kind == LAB_QWEN3MOE || kind == LAB_OLMOE;
    if (moe) {
        o.experts = 6;
        o.experts_used = 3;
        o.expert_ff = 64;
    } else {
        o.ff = 160;
    }
    switch (kind) {
    case LAB_LLAMA:
        o.layers = 3;
        break;
    case LAB_QWEN3: /* heads · head_dim differs from width */
        o.arch = FH_ARCH_QWEN3;
        o.tied = true;
        o.heads = 4;
        o.head_dim = 32;
        break;
    case LAB_QWEN3MOE:
        o.arch = FH_ARCH_QWEN3MOE;
        o.heads = 4;
        o.kv_heads = 1;
        o.head_dim = 40; /* 160: no multiple of 64 */
        break;
    case LAB_OLMOE:
        o.arch = FH_ARCH_OLMOE;
        o.kv_heads = 6;
        break;
    case LAB_LLAMA_MOE:
    case LAB_KINDS:
        break;
    }
    return o;
}

static fh_status put(void *ctx, fh_span bytes, fh_err *err) {
    fh_buf *file = ctx;
    (void)err;
    return fh_buf_put(file, bytes);
}

void lab_file(fh_buf *file, fh_allocator *a, fh_synth_options options) {
    fh_err err;
    fh_err_clear(&err);
    fh_buf_init(file, a, 0);
    must(fh_synth_write(a, &options, (fh_sink){file, put}, (fh_synth_progress){0}, &err), "making a model", &err);
}

static void nothing(void *ctx) {
    (void)ctx;
}

void lab_patch(fh_buf *file, const char *tensor, uint64_t index, float value) {
    fh_err err;
    fh_err_clear(&err);
    fh_bytes bytes;
    fh_gguf *g = NULL;
    must(fh_bytes_wrap(file->allocator, fh_buf_view(file), nothing, NULL, &bytes), "sharing a model", NULL);
    must(fh_gguf_open(file->allocator, bytes, &g, &err), "opening a model", &err);
    fh_gguf_tensor t;
    if (!fh_gguf_tensor_find(g, fh_span_of_str(tensor), &t) || t.dtype != FH_DTYPE_F32 || index * 4 >= t.size_bytes) {
        fprintf(stderr, "no element %llu of an F32 tensor '%s'\n", (unsigned long long)index, tensor);
        abort();
    }
    memcpy(&file->at[t.offset_bytes + index * 4], &value, sizeof value);
    fh_gguf_close(g);
    fh_bytes_drop(&bytes);
}

/* --- loading ------------------------------------------------------------------------------------------------------ */

static fh_status load(struct lab *lab, fh_allocator *a, fh_span file, fh_err *err) {
    fh_bytes bytes = {0};
    fh_gguf *g = NULL;
    FH_TRY(fh_bytes_wrap(a, file, nothing, NULL, &bytes));
    fh_status s = fh_gguf_open(a, bytes, &g, err);
    fh_bytes_drop(&bytes);
    if (!fh_failed(s))
        s = fh_model_load(a, g, lab->dev, &lab->model, err);
    fh_gguf_close(g);
    return s;
}

fh_status lab_open(struct lab *lab, fh_allocator *a, fh_span file, fh_isa isa, unsigned threads, fh_err *err) {
    *lab = (struct lab){0};
    fh_status s = threads > 1 ? fh_team_new(threads, &lab->team) : FH_DONE;
    if (!fh_failed(s))
        s = fh_cpu_new(a, lab->team != NULL ? fh_team_par(lab->team) : NULL, isa, &lab->dev);
    if (!fh_failed(s))
        s = load(lab, a, file, err);
    if (fh_failed(s))
        lab_close(lab);
    return s;
}

void lab_close(struct lab *lab) {
    fh_model_free(lab->model);
    fh_device_free(lab->dev);
    fh_team_free(lab->team);
    *lab = (struct lab){0};
}

/* --- running ------------------------------------------------------------------------------------------------------ */

uint32_t lab_token(uint64_t seed, uint64_t position) {
    return (uint32_t)(fh_mix64(seed * UINT64_C(1000003) + position) % LAB_VOCAB);
}

static bool hashed(uint64_t position) {
    return position % 7 == 0 || position + 1 == LAB_RUN_TOKENS;
}

/* A text on its way through the engine. */
struct lab_text {
    fh_engine *engine;
    fh_seq seq;
    uint64_t seed, length, hash;
    fh_seq others[LAB_BATCH_MAX];
    uint64_t other_length[LAB_BATCH_MAX];
    fh_test_rng rng; /* of how the neighbours move */
};

/* Runs up to `count` tokens of the text in one step, among rows of its neighbours. */
static void run_step(struct lab_text *t, unsigned count, unsigned batch, bool dense) {
    enum { MIXED_MAX = 64 };
    fh_row rows[FH_ROWS_MAX];
    size_t place[LAB_RUN_TOKENS], n = 0;
    unsigned given[LAB_BATCH_MAX] = {0};
    for (unsigned i = 0; i < count || (batch > 1 && n < count + 1);) {
        unsigned who = batch > 1 ? (unsigned)fh_test_rng_below(&t->rng, batch) : 0;
        if (who == 0 && i < count) {
            uint64_t position = t->length + i;
            place[i++] = n;
            rows[n++] = (fh_row){t->seq, lab_token(t->seed, position), dense || hashed(position)};
        } else if (who != 0 && n < count + MIXED_MAX && t->other_length[who] + given[who] < LAB_CONTEXT) {
            rows[n++] = (fh_row){t->others[who], (uint32_t)fh_test_rng_below(&t->rng, LAB_VOCAB), dense || given[who] % 3 == 0};
            given[who]++;
        } else if (i >= count) {
            break;
        }
    }
    fh_err err;
    fh_err_clear(&err);
    must(fh_engine_step(t->engine, (fh_rows){rows, n}, &err), "a step", &err);
    for (unsigned i = 0; i < count; i++) {
        fh_f32s logits;
        if (!hashed(t->length + i))
            continue;
        must(fh_engine_logits(t->engine, place[i], &logits), "logits", NULL);
        t->hash = fh_hash_bytes(t->hash, fh_span_of_mut(fh_f32s_bytes(logits)));
    }
    t->length += count;
    for (unsigned k = 1; k < batch; k++)
        t->other_length[k] += given[k];
}

/* From here on the text is a fork, and its parent becomes a neighbour that goes on differently. */
static void run_fork(struct lab_text *t) {
    fh_seq parent = t->seq;
    fh_err err;
    fh_err_clear(&err);
    must(fh_engine_fork(t->engine, parent, &t->seq), "a fork", NULL);
    fh_row row = {parent, (lab_token(t->seed, t->length) + 1) % LAB_VOCAB, true};
    must(fh_engine_step(t->engine, (fh_rows){&row, 1}, &err), "a step of the parent", &err);
}

uint64_t lab_hash(struct lab *lab, fh_allocator *a, const struct lab_run *run) {
    struct lab_text t = {.seed = 77, .rng = fh_test_rng_new(run->chunk + 10 * run->batch)};
    fh_err err;
    fh_err_clear(&err);
    fh_engine_options options = {.context = 4096, .rows_max = 1024};
    must(fh_engine_new(a, lab->model, lab->dev, &options, &t.engine, &err), "an engine", &err);
    must(fh_engine_open(t.engine, &t.seq), "a sequence", NULL);
    for (unsigned k = 1; k < run->batch; k++)
        must(fh_engine_open(t.engine, &t.others[k]), "a neighbour", NULL);
    while (t.length < LAB_RUN_TOKENS) {
        uint64_t left = LAB_RUN_TOKENS - t.length;
        if (run->fork_at > t.length && run->fork_at - t.length < left)
            left = run->fork_at - t.length;
        run_step(&t, left < run->chunk ? (unsigned)left : run->chunk, run->batch, run->dense);
        if (t.length == run->fork_at)
            run_fork(&t);
    }
    fh_engine_free(t.engine);
    return t.hash;
}
