/* wide_codes.h: queries against tiles of codes, for the lanes of one instruction set (kern.h: struct kern_codes).
 *
 * Sums of whole numbers, so the order is free; what follows them is done as scalar.c does it. The file that includes this has
 * `ints_differ`: sum + the number of bits that differ.
 *
 * Threading: pure functions. */
#ifndef FREEHOLD_TENSOR_KERN_WIDE_CODES_H
#define FREEHOLD_TENSOR_KERN_WIDE_CODES_H

/* Σ of the codes of a query. */
LANES_FN int32_t wide_code_sum(const uint32_t *x, size_t words) {
    int32_t sum = 0;
    for (size_t w = KERN_CODE_HEAD; w < words; w++)
        sum += (int8_t)x[w] + (int8_t)(x[w] >> 8) + (int8_t)(x[w] >> 16) + (int8_t)(x[w] >> 24);
    return sum;
}

LANES_FN lanes wide_code_score(const struct kern_codes *s, bool bits, const uint32_t *x, const uint8_t *tile, ints sum) {
    if (bits) {
        ints twice = ints_add(sum, sum);
        return ints_float(s->differs ? ints_add(twice, twice) : ints_sub(ints_set((int32_t)s->cols), twice));
    }
    lanes dot = lanes_mul(lanes_mul(ints_float(sum), lanes_load(tile)), lanes_set(fh_f32_of_bits(x[0])));
    if (!s->differs)
        return lanes_canonical(dot);
    lanes squares = lanes_add(lanes_set(fh_f32_of_bits(x[1])), lanes_load(tile + 4 * KERN_TILE_ROWS));
    lanes apart = lanes_sub(squares, lanes_add(dot, dot));
    return lanes_below_zero(apart, lanes_zero(), apart);
}

/* Queries [q, q + queries) against one tile after the other: two at once took three times as long on Zen 4. */
LANES_FN void wide_codes_some(const struct kern_codes *s, bool bits, size_t q, unsigned queries) {
    const size_t line = 4 * KERN_TILE_ROWS;
    const uint32_t *x = s->x + q * s->words;
    int32_t sums[SCORE_QUERIES] = {0};
    for (unsigned i = 0; i < queries && !bits; i++)
        sums[i] = wide_code_sum(x + i * s->words, s->words);
    for (size_t tile = 0; tile < s->count; tile++) {
        const uint8_t *at = s->tiles + tile * line * s->words;
        ints sum[SCORE_QUERIES];
        for (unsigned i = 0; i < queries; i++)
            sum[i] = bits ? ints_set(0) : ints_begin(sums[i]);
        for (size_t w = bits ? 0 : KERN_CODE_HEAD; w < s->words; w++) {
            ints v = ints_load(at + w * line);
            for (unsigned i = 0; i < queries; i++) {
                ints all = ints_set((int32_t)x[i * s->words + w]);
                sum[i] = bits ? ints_differ(sum[i], v, all) : ints_dot(sum[i], v, all);
            }
        }
        for (unsigned i = 0; i < queries; i++)
            lanes_store(s->y + (q + i) * s->y_stride + tile * KERN_TILE_ROWS,
                        wide_code_score(s, bits, x + i * s->words, at, sum[i]));
    }
}

LANES_FN void wide_codes_kind(const struct kern_codes *s, bool bits) {
    size_t q = 0;
    for (; q + SCORE_QUERIES <= s->queries; q += SCORE_QUERIES)
        wide_codes_some(s, bits, q, SCORE_QUERIES);
    for (; q < s->queries; q++)
        wide_codes_some(s, bits, q, 1);
}

static void wide_score_codes(const struct kern_codes *s) {
    if (s->bits)
        wide_codes_kind(s, true);
    else
        wide_codes_kind(s, false);
}

#endif
