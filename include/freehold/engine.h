/* engine.h: running a model over any number of sequences at once.
 *
 *     fh_engine *e;
 *     FH_TRY(fh_engine_new(a, model, dev, &(fh_engine_options){.context = 2048}, &e, err));
 *     fh_seq s;
 *     FH_TRY(fh_engine_open(e, &s));
 *     fh_row rows[] = {{s, 1, false}, {s, 403, true}};              tokens go to the sequence's next positions
 *     FH_TRY(fh_engine_step(e, (fh_rows){rows, 2}, err));
 *     fh_f32s logits;
 *     FH_TRY(fh_engine_logits(e, 1, &logits));                      of row 1: vocab values, valid until the next step
 *
 * The bit contract: a row's logits depend on the model and on the tokens of its own sequence up to it, and on nothing else:
 * not on how the tokens were cut into steps, on other rows of the step, on threads, or on the instruction set.
 *
 * An engine made for states gives what the model thought of a token instead of what it would say next: the last block's output
 * after the last norm, `width` values a row, under the same contract (embedder.h makes vectors of texts out of them).
 *
 * Keys and values lie in segments of 64 positions, counted, from one budget; sequences that fork share full segments.
 * Threading: one thread calls an engine at a time. */
#ifndef FREEHOLD_ENGINE_H
#define FREEHOLD_ENGINE_H

#include "freehold/model.h"

FH_EXTERN_BEGIN

/* A model ready to run, with the keys and values of its sequences. */
typedef struct fh_engine fh_engine;

/* A sequence of tokens with its keys and values: a handle, stale once it was closed. */
typedef struct fh_seq {
    uint64_t value;
} fh_seq;

/* Sizes of an engine; zero means the default. */
typedef struct fh_engine_options {
    uint64_t context;    /* positions that all sequences together may hold; 0 = as many as the model was trained for */
    uint32_t rows_max;   /* rows of one step; 0 = 512, at most FH_ROWS_MAX */
    uint32_t seqs_max;   /* sequences at once; 0 = 16 */
    uint64_t route_seed; /* seed of the router's tie-breaking */
    bool states;         /* rows that ask get their state in place of logits; the output product is left out */
} fh_engine_options;

/* FH_NOMEM, FH_LIMIT (the sizes asked for do not fit). A step allocates nothing afterwards, except KV segments that were not
 * needed before, and room for the logits of more rows than ever before. `model` and `dev` outlive the engine. */
FH_FALLIBLE fh_engine_new(fh_ref fh_allocator *a, fh_ref const fh_model *model, fh_mut fh_device *dev,
                          fh_ref const fh_engine_options *options, fh_owned fh_view(1, 2, 3) fh_engine **out,
                          fh_mut fh_err *err);
/* NULL is allowed. */
FH_API void fh_engine_free(fh_drop fh_engine *e);

/* What an engine was made with and what it holds now. */
typedef struct fh_engine_stats {
    uint64_t sequence_max;                               /* positions that one sequence may hold */
    uint64_t segments_max, segments_made, segments_used; /* the budget; allocated so far; of those, in use */
    uint64_t seqs;                                       /* open sequences */
    uint32_t rows_max;
} fh_engine_stats;
FH_API fh_engine_stats fh_engine_stats_get(fh_ref const fh_engine *e);

/* An empty sequence; FH_EXHAUSTED. */
FH_FALLIBLE fh_engine_open(fh_mut fh_engine *e, fh_owned fh_seq *out);
/* A sequence with the same tokens so far. Segments are shared; one that is partly filled is copied when a sharer goes on.
 * FH_STALE, FH_EXHAUSTED. */
FH_FALLIBLE fh_engine_fork(fh_mut fh_engine *e, fh_seq from, fh_owned fh_seq *out);
/* Ends a sequence; FH_STALE. */
FH_FALLIBLE fh_engine_close(fh_mut fh_engine *e, fh_drop fh_seq s);
/* Positions that a sequence holds. */
FH_FALLIBLE fh_engine_length(fh_mut fh_engine *e, fh_seq s, fh_out uint64_t *out);
/* Forgets the positions from `length` on; FH_INVALID when it holds fewer. */
FH_FALLIBLE fh_engine_truncate(fh_mut fh_engine *e, fh_seq s, uint64_t length);

/* One token of one sequence. Rows of a sequence stand in the order of their positions. */
typedef struct fh_row {
    fh_seq seq;
    uint32_t token;
    bool logits; /* its logits, or its state, are wanted */
} fh_row;
FH_SPAN_DEFINE(row, fh_row);

/* Runs the rows through the model. On failure no sequence has changed. FH_STALE, FH_INVALID (token), FH_LIMIT (context or
 * rows), FH_ROUTE_NAN, FH_NOT_FINITE (a wanted value is NaN or infinite: the model is broken). */
FH_FALLIBLE fh_engine_step(fh_mut fh_engine *e, fh_rows rows, fh_mut fh_err *err);
/* Logits of row `row` of the last step, vocab values. Valid until: the next step. FH_INVALID if it did not ask for them, and
 * in an engine for states. */
FH_FALLIBLE fh_engine_logits(fh_mut fh_engine *e, size_t row, fh_out fh_view(1) fh_f32s *out);
/* The state of row `row`, width values, in an engine for states; else as fh_engine_logits. */
FH_FALLIBLE fh_engine_state(fh_mut fh_engine *e, size_t row, fh_out fh_view(1) fh_f32s *out);

FH_EXTERN_END
#endif
