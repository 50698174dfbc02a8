/* sampler.h: choosing a token from logits, the same on every machine.
 *
 *     fh_sampler *s;
 *     FH_TRY(fh_sampler_new(a, vocab, &(fh_sampler_options){.temperature = 0.8f, .top_p = 0.95f, .seed = 1}, &s, err));
 *     uint32_t token;
 *     FH_TRY(fh_sampler_pick(s, logits, recent, position, &token, err));
 *
 * Order: repetition penalty → top-k → top-p → min-p → temperature → draw. temperature 0 is greedy: the largest logit, ties
 * to the lowest id. The draw comes from Philox4x32-10 keyed by the seed and the absolute position, so it depends on nothing
 * that was drawn before. Threading: one thread at a time. */
#ifndef FREEHOLD_SAMPLER_H
#define FREEHOLD_SAMPLER_H

#include "freehold/alloc.h"

FH_EXTERN_BEGIN

/* Limit of repeat_last. */
enum { FH_REPEAT_LAST_MAX = 1 << 20 };

/* A zeroed struct is greedy without penalties. */
typedef struct fh_sampler_options {
    float temperature;     /* 0 = greedy; at most 100 */
    uint32_t top_k;        /* keep the k best; 0 = all */
    float top_p;           /* keep the best whose probabilities reach p; 0 or 1 = all */
    float min_p;           /* drop those below min_p × the best probability; 0 = none */
    float repeat_penalty;  /* divides positive, multiplies negative logits of recent tokens: up to 100; 0 or 1 = none (CTRL) */
    uint32_t repeat_last;  /* how many recent tokens it looks at; 0 = 64 */
    uint64_t seed;
} fh_sampler_options;

/* A sampler with its work space. */
typedef struct fh_sampler fh_sampler;

/* Refuses options out of range or not finite (FH_INVALID names the option). */
FH_FALLIBLE fh_sampler_new(fh_ref fh_allocator *a, uint32_t vocab, fh_ref const fh_sampler_options *options,
                           fh_owned fh_view(1) fh_sampler **out, fh_mut fh_err *err);
/* NULL is allowed. */
FH_API void fh_sampler_free(fh_drop fh_sampler *s);
/* Picks the token for absolute position `position`. `recent` are the tokens so far, newest last. FH_NOT_FINITE for NaN or
 * +inf logits. */
FH_FALLIBLE fh_sampler_pick(fh_mut fh_sampler *s, fh_f32s logits, fh_u32s recent, uint64_t position, fh_out uint32_t *out,
                            fh_mut fh_err *err);

FH_EXTERN_END
#endif
