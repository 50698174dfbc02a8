/* generate.h: from a prompt to a stream of text: prefill, sampling, stop conditions, whole UTF-8 characters.
 *
 *     fh_generator *g;
 *     FH_TRY(fh_generator_new(a, model, engine, &options, &g, err));
 *     FH_TRY(fh_generator_prompt(g, ids, NULL, NULL, err));          tokens of the prompt
 *     for (;;) {
 *         fh_generated out;
 *         FH_TRY(fh_generator_next(g, &out, err));                   one token further
 *         show(out.text);                                            may be empty while a character or a possible stop
 *         if (out.done) break;                                       string is incomplete; may come with `done`
 *     }
 *
 * Text and stop strings do not depend on how the answer falls into tokens: the stop string that is complete first ends it, and
 * neither it nor anything behind it is shown. A further prompt after `done` continues the sequence (the next turn of a
 * conversation): the last token drawn is run before it.
 *
 * Threading: one thread at a time. */
#ifndef FREEHOLD_GENERATE_H
#define FREEHOLD_GENERATE_H

#include "freehold/engine.h"
#include "freehold/sampler.h"

FH_EXTERN_BEGIN

enum { FH_STOPS_MAX = 16, FH_STOP_BYTES_MAX = 256 };

/* Why an answer ended. */
typedef enum fh_finish { FH_FINISH_NOT, FH_FINISH_END, FH_FINISH_LENGTH, FH_FINISH_STOP, FH_FINISH_CANCEL } fh_finish;
/* "end", "length", "stop", "cancel". */
FH_API fh_static const char *fh_finish_name(fh_finish f);

/* How to generate; zero means the default. */
typedef struct fh_generate_options {
    fh_sampler_options sampling;
    uint64_t tokens_max;       /* tokens to generate at most; 0 = until the context is full */
    fh_views stops;            /* stop strings: at most FH_STOPS_MAX of 1 … FH_STOP_BYTES_MAX bytes; copied */
    bool ignore_end;           /* go on after an end token */
} fh_generate_options;

/* What one step brought. */
typedef struct fh_generated {
    fh_span text;      /* new text to show; valid until the next call */
    uint32_t token;    /* the token just drawn, FH_NO_TOKEN when none was */
    bool done;
    fh_finish finish;
} fh_generated;

/* One answer in the making. */
typedef struct fh_generator fh_generator;

/* Opens a sequence of its own in the engine. */
FH_FALLIBLE fh_generator_new(fh_ref fh_allocator *a, fh_ref const fh_model *model, fh_mut fh_engine *engine,
                             fh_ref const fh_generate_options *options, fh_owned fh_view(1, 2, 3) fh_generator **out,
                             fh_mut fh_err *err);
/* Closes its sequence; NULL is allowed. */
FH_API void fh_generator_free(fh_drop fh_generator *g);
/* Runs the prompt in chunks of the engine's rows_max and draws the first token. `progress` (may be NULL) is called after each
 * chunk and may return false to cancel: FH_CANCELED. FH_INVALID for an empty prompt, FH_LIMIT for one that fills the context.
 * On failure the sequence is as long as before. */
FH_FALLIBLE fh_generator_prompt(fh_mut fh_generator *g, fh_u32s ids,
                                bool (*progress)(void *ctx, uint64_t done, uint64_t total), fh_mut void *ctx,
                                fh_mut fh_err *err);
/* Gives the next token: runs the last one and draws from its logits. After `done` every call gives done again. FH_INVALID
 * before the first prompt; the failures of fh_engine_step and fh_sampler_pick, after which the call may be repeated. */
FH_FALLIBLE fh_generator_next(fh_mut fh_generator *g, fh_out fh_view(1) fh_generated *out, fh_mut fh_err *err);
/* Ends the answer: what was held back (an unfinished stop string or character) comes out, finish is FH_FINISH_CANCEL unless
 * it had ended. */
FH_FALLIBLE fh_generator_cancel(fh_mut fh_generator *g, fh_out fh_view(1) fh_generated *out);

FH_EXTERN_END
#endif
