/* sampler.c: choosing a token from logits, the same on every machine (sampler.h).
 *
 * Order. Candidates are ranked by logit, largest first, ties by the lower id. A candidate is one 64-bit key: the
 * complement of the logit as a sortable integer above, the id below, so "smaller key" is "better rank" and no two keys
 * are equal. Only as much of the ranking is made as is looked at: rank() brings the next best to the front through a
 * heap of their number, so a top-k of 40 from 152,000 is one pass that compares each key with the worst of the best 40.
 *
 * Weights. A candidate's weight is e^(logit − best), in units of 2^−40, cut to an integer. Integers add up to the same
 * sum in any order, so how far the ranking was made cannot show in a result; 2^20 candidates of weight 2^40 fit 64
 * bits.
 *
 * Draw. Two words of fh_philox(seed, position, 0) make r, 0 ≤ r < 2^64: u = r / 2^64 lies in [0, 1). Along the ranking,
 * the token is the first whose cumulated weight exceeds ⌊u · sum⌋.
 *
 * Threading: one thread at a time. */
#include "freehold/sampler.h"

#include "freehold/fmath.h"
#include "freehold/hash.h"

enum { VOCAB_MAX = 1 << 20, REPEAT_LAST_DEFAULT = 64, RANK_STEP = 64, WEIGHT_BITS = 40 };

struct fh_sampler {
    fh_ref fh_allocator *allocator;
    fh_sampler_options options;
    fh_u64s keys;  /* vocab */
    size_t ranked; /* the first of them are the best, in order */
    float best;    /* logit of rank 0 */
};

/* --- life --------------------------------------------------------------------------------------------------------- */

/* Refuses a number outside [low, high], or NaN. */
static fh_status in_range(const char *option, float value, float low, float high, fh_err *err) {
    if (value >= low && value <= high)
        return FH_DONE;
    return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%s is %g, expected %g to %g", option, (double)value, (double)low,
                   (double)high);
}

static fh_status check(uint32_t vocab, const fh_sampler_options *o, fh_err *err) {
    FH_TRY(in_range("temperature", o->temperature, 0.0f, 100.0f, err));
    FH_TRY(in_range("top_p", o->top_p, 0.0f, 1.0f, err));
    FH_TRY(in_range("min_p", o->min_p, 0.0f, 1.0f, err));
    if (o->repeat_penalty != 0.0f)
        FH_TRY(in_range("repeat_penalty", o->repeat_penalty, 1.0f, 100.0f, err));
    if (o->repeat_last > FH_REPEAT_LAST_MAX)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "repeat_last is %u, expected at most %d", o->repeat_last,
                       FH_REPEAT_LAST_MAX);
    if (vocab == 0 || vocab > VOCAB_MAX)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "a vocabulary of %u tokens, expected 1 to %d", vocab, VOCAB_MAX);
    return FH_DONE;
}

fh_status fh_sampler_new(fh_allocator *a, uint32_t vocab, const fh_sampler_options *options, fh_sampler **out, fh_err *err) {
    *out = NULL;
    FH_TRY(check(vocab, options, err));
    fh_sampler *s = fh_alloc(a, 1, sizeof *s);
    if (s == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a sampler");
    *s = (fh_sampler){.allocator = a, .options = *options};
    if (s->options.repeat_last == 0)
        s->options.repeat_last = REPEAT_LAST_DEFAULT;
    if (fh_failed(fh_u64s_new(a, vocab, &s->keys))) {
        fh_sampler_free(s);
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for sampling from %u tokens", vocab);
    }
    *out = s;
    return FH_DONE;
}

void fh_sampler_free(fh_sampler *s) {
    if (s == NULL)
        return;
    fh_u64s_free(s->allocator, &s->keys);
    fh_free(s->allocator, s);
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

/* Higher logits first, then lower ids. Adding +0 turns −0 into +0, so that the two tie. */
static uint64_t key_of(float logit, uint32_t id) {
    return (uint64_t)~fh_rank_of_f32(logit + 0.0f) << 32 | id;
}

static float logit_of(uint64_t key) {
    return fh_f32_of_rank(~(uint32_t)(key >> 32));
}

static uint32_t id_of(uint64_t key) {
    return (uint32_t)key;
}

/* Keys of all logits, those of recent tokens with the penalty. A token counts once however often it occurred, since its key is
 * made from its original logit each time. */
static fh_status make_keys(fh_sampler *s, fh_f32s logits, fh_u32s recent, fh_err *err) {
    for (uint32_t i = 0; i < logits.count; i++) {
        float logit = fh_f32s_get(logits, i);
        /* NaN and +inf fail this comparison; −inf is a token that may not be drawn. */
        if (FH_UNLIKELY(!(logit <= fh_f32_of_bits(UINT32_C(0x7f7fffff)))))
            return fh_fail(err, FH_NOT_FINITE, FH_NO_OFFSET, "the logit of token %u is %g", i, (double)logit);
        fh_u64s_set(s->keys, i, key_of(logit, i));
    }
    float penalty = s->options.repeat_penalty;
    if (penalty <= 1.0f)
        return FH_DONE;
    size_t from = recent.count > s->options.repeat_last ? recent.count - s->options.repeat_last : 0;
    for (size_t i = from; i < recent.count; i++) {
        uint32_t id = fh_u32s_get(recent, i);
        if (id >= logits.count)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "recent token %zu is %u, expected one below %zu", i, id,
                           logits.count);
        float logit = fh_f32s_get(logits, id);
        fh_u64s_set(s->keys, id, key_of(logit > 0.0f ? logit / penalty : logit * penalty, id));
    }
    return FH_DONE;
}

/* --- ranking ------------------------------------------------------------------------------------------------------ */

/* Restores the heap (largest key first) of `heap` below index i, whose key may be too small. */
static void sift_down(fh_u64s heap, size_t i) {
    uint64_t key = fh_u64s_get(heap, i);
    for (size_t child = 2 * i + 1; child < heap.count; child = 2 * i + 1) {
        if (child + 1 < heap.count && fh_u64s_get(heap, child + 1) > fh_u64s_get(heap, child))
            child++;
        if (fh_u64s_get(heap, child) <= key)
            break;
        fh_u64s_set(heap, i, fh_u64s_get(heap, child));
        i = child;
    }
    fh_u64s_set(heap, i, key);
}

/* Ranks the first `count` candidates, as far as they are not ranked yet. */
static void rank(fh_sampler *s, size_t count) {
    if (count <= s->ranked)
        return;
    fh_u64s heap = fh_u64s_sub(s->keys, s->ranked, count - s->ranked); /* the smallest keys of the rest, the largest on top */
    for (size_t i = heap.count / 2; i > 0; i--)
        sift_down(heap, i - 1);
    uint64_t worst = fh_u64s_get(heap, 0);
    for (size_t i = count; i < s->keys.count; i++) {
        uint64_t key = fh_u64s_get(s->keys, i);
        if (key >= worst)
            continue;
        fh_u64s_set(s->keys, i, worst);
        fh_u64s_set(heap, 0, key);
        sift_down(heap, 0);
        worst = fh_u64s_get(heap, 0);
    }
    while (heap.count > 1) { /* the largest goes last */
        uint64_t largest = fh_u64s_get(heap, 0);
        fh_u64s_set(heap, 0, fh_u64s_get(heap, heap.count - 1));
        fh_u64s_set(heap, heap.count - 1, largest);
        heap = fh_u64s_sub(heap, 0, heap.count - 1);
        sift_down(heap, 0);
    }
    s->ranked = count;
}

/* The key of a rank below `limit`; ranks further ahead in growing steps, but never past `limit`. */
static uint64_t key_at(fh_sampler *s, size_t place, size_t limit) {
    if (place >= s->ranked) {
        size_t next = s->ranked < RANK_STEP ? RANK_STEP : s->ranked * 4;
        rank(s, next < limit ? next : limit);
    }
    return fh_u64s_get(s->keys, place);
}

/* --- weights ------------------------------------------------------------------------------------------------------ */

/* ⌊e^((logit − best) / temperature) · 2^40⌋. */
static uint64_t weight(const fh_sampler *s, uint64_t key, float temperature) {
    float exponent = (logit_of(key) - s->best) / temperature;
    if (exponent < -28.0f) /* e^−28 < 2^−40 */
        return 0;
    return (uint64_t)(fh_expf(exponent) * (float)(UINT64_C(1) << WEIGHT_BITS));
}

static uint64_t weights_sum(const fh_sampler *s, size_t count, float temperature) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += weight(s, fh_u64s_get(s->keys, i), temperature);
    return sum;
}

/* How many ranks top-k, top-p and min-p leave, at least 1. */
static size_t kept(fh_sampler *s) {
    const fh_sampler_options o = s->options;
    size_t count = o.top_k != 0 && o.top_k < s->keys.count ? o.top_k : s->keys.count;
    if (o.top_p > 0.0f && o.top_p < 1.0f) {
        if (count < s->keys.count)
            rank(s, count);
        uint64_t enough = (uint64_t)((double)o.top_p * (double)weights_sum(s, count, 1.0f)), sum = 0;
        for (size_t i = 0; i < count; i++) {
            sum += weight(s, key_at(s, i, count), 1.0f);
            if (sum >= enough)
                count = i + 1;
        }
    }
    if (o.min_p > 0.0f) {
        size_t i = 1;
        while (i < count && fh_expf(logit_of(key_at(s, i, count)) - s->best) >= o.min_p)
            i++;
        count = i;
    }
    return count;
}

/* ⌊r · n / 2^64⌋. */
static uint64_t multiply_high(uint64_t r, uint64_t n) {
    uint64_t r0 = (uint32_t)r, r1 = r >> 32, n0 = (uint32_t)n, n1 = n >> 32;
    uint64_t middle = r1 * n0 + (r0 * n0 >> 32);
    return r1 * n1 + (middle >> 32) + ((r0 * n1 + (uint32_t)middle) >> 32);
}

/* --- picking ------------------------------------------------------------------------------------------------------ */

fh_status fh_sampler_pick(fh_sampler *s, fh_f32s logits, fh_u32s recent, uint64_t position, uint32_t *out, fh_err *err) {
    *out = 0;
    if (logits.count != s->keys.count)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%zu logits, expected %zu", logits.count, s->keys.count);
    s->ranked = 0;
    FH_TRY(make_keys(s, logits, recent, err));
    rank(s, 1);
    uint64_t first = fh_u64s_get(s->keys, 0);
    s->best = logit_of(first);
    if (s->best < fh_f32_of_bits(UINT32_C(0xff7fffff)))
        return fh_fail(err, FH_NOT_FINITE, FH_NO_OFFSET, "the logit of every token is -inf");
    *out = id_of(first);
    float temperature = s->options.temperature;
    if (temperature == 0.0f)
        return FH_DONE;

    size_t count = kept(s);
    if (count < s->keys.count)
        rank(s, count);
    fh_philox_block r = fh_philox(s->options.seed, position, 0);
    uint64_t sum = weights_sum(s, count, temperature), cumulated = 0;
    uint64_t target = multiply_high((uint64_t)r.word[1] << 32 | r.word[0], sum); /* below sum, so some rank exceeds it */
    for (size_t i = 0; i < count && cumulated <= target; i++) {
        uint64_t key = key_at(s, i, count);
        cumulated += weight(s, key, temperature);
        *out = id_of(key);
    }
    return FH_DONE;
}
