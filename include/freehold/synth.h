/* synth.h: models with random weights, for tests and benchmarks: complete GGUF files of any shape, made in a stream.
 *
 *     fh_synth_options o;
 *     if (!fh_synth_preset(FH_LIT("tiny"), &o)) ...
 *     o.dtype = FH_DTYPE_Q8_0;
 *     FH_TRY(fh_synth_write(a, &o, sink, (fh_synth_progress){0}, err));
 *
 * The bytes are a function of the options alone, on every machine. Matrices are uniform with variance 1/columns and norms lie
 * near 1, so activations keep their size through all layers. The vocabulary is byte-level BPE (pre-tokenizer "gpt-2"): the 256
 * bytes, then short words of the letters a to z with their merges, then three control tokens.
 *
 * Threading: pure functions. */
#ifndef FREEHOLD_SYNTH_H
#define FREEHOLD_SYNTH_H

#include "freehold/model.h"

FH_EXTERN_BEGIN

/* Tokens a vocabulary may have: bytes and control tokens, and all words there are. */
enum { FH_SYNTH_VOCAB_MIN = 259, FH_SYNTH_VOCAB_MAX = 476189 };

/* A model's numbers; those of model.h, and its rules hold. Fields that an architecture does not have are 0. */
typedef struct fh_synth_options {
    fh_arch arch;
    fh_dtype dtype; /* of matrices; norms are F32 always, routers too */
    uint32_t layers, width, heads, kv_heads, head_dim;
    uint32_t ff;                               /* dense models */
    uint32_t experts, experts_used, expert_ff; /* mixtures of experts */
    uint32_t vocab, context;
    bool tied;
    uint64_t seed;
} fh_synth_options;

/* Options by name: "tiny" and "tiny-moe" for tests, "110m", "tinyllama" (1.1 billion), "moe" (1.2 billion, 64 experts). */
FH_MUST_USE FH_API bool fh_synth_preset(fh_span name, fh_out fh_synth_options *out);
/* The i-th preset's name, NULL behind the last. */
FH_API fh_static fh_or_null const char *fh_synth_preset_name(size_t i);

/* Called every few ten thousand bytes of tensor data; returning false ends the work with FH_CANCELED. */
typedef struct fh_synth_progress {
    void *ctx;
    bool (*step)(void *ctx, uint64_t done_bytes, uint64_t total_bytes); /* NULL: nobody wants to know */
} fh_synth_progress;

/* Writes the file through the sink, in order. Memory: the vocabulary and one piece of a tensor. FH_INVALID, FH_CORRUPT or
 * FH_UNSUPPORTED for options that are no model; what the sink returns. */
FH_FALLIBLE fh_synth_write(fh_ref fh_allocator *a, fh_ref const fh_synth_options *options, fh_sink sink,
                           fh_synth_progress progress, fh_mut fh_err *err);

FH_EXTERN_END
#endif
