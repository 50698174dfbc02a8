/* route.c: the choice of experts from router logits.
 *
 * A softmax over all experts gives gate weights; the order comes from the logits as sortable integers, so that no
 * comparison of floats decides; ties go by a seeded mix that knows nothing of the batch, then by index. A logit that is
 * not finite is refused: it may never win, and a softmax that holds it means nothing.
 *
 * Threading: pure functions. */
#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "tensor/device_impl.h"

/* An expert as a place in the order: higher logits first, then lower mixes, then lower numbers. */
struct rank {
    uint32_t logit;
    uint32_t expert;
    uint64_t mix;
};

static uint64_t tie_mix(uint64_t seed, uint32_t layer, uint32_t expert) {
    return fh_mix64(fh_mix64(fh_mix64(seed) ^ layer) ^ expert);
}

static bool before(struct rank a, struct rank b) {
    if (a.logit != b.logit)
        return a.logit > b.logit;
    if (a.mix != b.mix)
        return a.mix < b.mix;
    return a.expert < b.expert;
}

/* The best `top_k` experts of a row, best first, by insertion. */
static void choose_row(const fh_route *op, fh_f32s logits, fh_u32s ids) {
    struct rank best[FH_TOP_K_MAX] = {{0}};
    unsigned have = 0;
    for (uint32_t e = 0; e < logits.count; e++) {
        struct rank r = {fh_rank_of_f32(fh_f32s_get(logits, e)), e, 0};
        if (have == op->top_k && r.logit < best[have - 1].logit)
            continue;
        r.mix = tie_mix(op->seed, op->layer, e);
        unsigned at = have;
        while (at > 0 && before(r, best[at - 1]))
            at--;
        if (at == op->top_k)
            continue;
        have += have < op->top_k ? 1 : 0;
        for (unsigned i = have - 1; i > at; i--)
            best[i] = best[i - 1];
        best[at] = r;
    }
    for (unsigned i = 0; i < have; i++)
        fh_u32s_set(ids, i, best[i].expert);
}

/* Softmax weights of the chosen, in rank order; sums ascend over experts, then over ranks. */
static void weigh_row(const fh_route *op, fh_f32s logits, fh_u32s ids, fh_f32s weights) {
    float max = fh_f32s_get(logits, fh_u32s_get(ids, 0)), sum = 0.0f, chosen = 0.0f;
    for (size_t e = 0; e < logits.count; e++)
        sum = sum + fh_expf(fh_f32s_get(logits, e) - max);
    for (size_t r = 0; r < ids.count; r++) {
        float w = fh_expf(fh_f32s_get(logits, fh_u32s_get(ids, r)) - max) / sum;
        fh_f32s_set(weights, r, w);
        chosen = chosen + w;
    }
    for (size_t r = 0; op->renormalise && r < ids.count; r++)
        fh_f32s_set(weights, r, fh_f32s_get(weights, r) / chosen);
}

fh_status fh_dev_choose(const fh_route *op, uint64_t n, uint64_t experts, fh_f32s logits, fh_err *err) {
    for (size_t i = 0; i < logits.count; i++)
        if ((fh_bits_of_f32(fh_f32s_get(logits, i)) & 0x7f800000u) == 0x7f800000u)
            return fh_fail(err, FH_ROUTE_NAN, FH_NO_OFFSET, "route: layer %u, row %llu, expert %llu: the logit is not finite",
                           op->layer, (unsigned long long)(i / experts), (unsigned long long)(i % experts));
    for (size_t i = 0; i < n; i++) {
        fh_f32s row = fh_f32s_sub(logits, i * (size_t)experts, (size_t)experts);
        fh_u32s ids = fh_u32s_sub(op->ids, i * op->top_k, op->top_k);
        choose_row(op, row, ids);
        weigh_row(op, row, ids, fh_f32s_sub(op->weights, i * op->top_k, op->top_k));
    }
    return FH_DONE;
}
