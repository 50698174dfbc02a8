/* tensor_test.h: a device with random tensors, for the tests of src/tensor.
 *
 * A `bench of tensors`: make one with tt_new, add tensors and weights, run operations, read results back. Everything that
 * it makes ends with tt_free. Values depend only on the seed.
 *
 * Threading: as a device. */
#ifndef TENSOR_TEST_H
#define TENSOR_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freehold/device.h"
#include "freehold/fmath.h"
#include "freehold/os.h"
#include "support/fh_test.h"

struct tt {
    fh_allocator *a;
    fh_device *dev;
    fh_test_rng rng;
    fh_err err;
};

static inline fh_status tt_open(struct tt *t, fh_allocator *a, const fh_par *par, fh_isa isa, uint64_t seed) {
    *t = (struct tt){.a = a, .rng = fh_test_rng_new(seed)};
    return fh_cpu_new(a, par, isa, &t->dev);
}

static inline float tt_value(struct tt *t) {
    return (float)((double)fh_test_rng_below(&t->rng, 2000001) * 1e-6 - 1.0);
}

/* A tensor of random numbers in [−1, 1], in memory of its own. */
static inline fh_status tt_tensor(struct tt *t, uint64_t cols, uint64_t rows, fh_tensor *out) {
    *out = (fh_tensor){.cols = cols, .rows = rows};
    FH_TRY(fh_device_alloc(t->dev, cols * rows * 4, &out->mem));
    for (uint64_t i = 0; i < cols * rows; i++) {
        float x = tt_value(t);
        FH_TRY(fh_device_write(t->dev, out->mem, 4 * i, (fh_span){(const uint8_t *)&x, 4}));
    }
    return FH_DONE;
}

/* GGUF bytes of a random matrix; the caller frees. */
static inline uint8_t *tt_matrix(struct tt *t, fh_dtype type, uint64_t cols, uint64_t rows, uint64_t *bytes) {
    if (!fh_dtype_bytes(type, cols, rows, bytes))
        fail_msg("no such matrix");
    uint8_t *at = malloc(*bytes);
    assert_non_null(at);
    size_t block = type == FH_DTYPE_F32 ? 4 : type == FH_DTYPE_Q8_0 ? 34 : type == FH_DTYPE_Q4_0 ? 18 : 2;
    for (uint64_t i = 0; i < *bytes; i += block) {
        for (size_t k = 0; k < block; k++)
            at[i + k] = (uint8_t)fh_test_rng_next(&t->rng);
        float value = tt_value(t) * (block > 4 ? 0.01f : 1.0f);
        uint16_t half = type == FH_DTYPE_BF16 ? fh_bf16_of_f32(value) : fh_f16_of_f32(value);
        if (type == FH_DTYPE_F32)
            memcpy(at + i, &value, 4);
        else
            memcpy(at + i, &half, 2);
    }
    return at;
}

/* A random weight. */
static inline fh_status tt_weight(struct tt *t, fh_dtype type, uint64_t cols, uint64_t rows, uint64_t planes, fh_weight *out) {
    uint64_t bytes = 0;
    uint8_t *at = tt_matrix(t, type, cols, rows * planes, &bytes);
    fh_bytes data;
    fh_status s = fh_bytes_copy(t->a, (fh_span){at, bytes}, &data);
    free(at);
    FH_TRY(s);
    s = fh_device_weight(t->dev, &(fh_weight_desc){type, cols, rows, planes, data, false}, out, &t->err);
    fh_bytes_drop(&data);
    return s;
}

/* The floats of a tensor; the caller frees. */
static inline float *tt_read(struct tt *t, fh_tensor x) {
    float *out = calloc(x.cols * x.rows + 1, 4);
    assert_non_null(out);
    fh_assert_ok(fh_device_read(t->dev, x.mem, x.offset_bytes, (fh_mspan){(uint8_t *)out, x.cols * x.rows * 4}));
    return out;
}

/* Rows [from, from + count) of a tensor. */
static inline fh_tensor tt_rows(fh_tensor x, uint64_t from, uint64_t count) {
    x.offset_bytes += from * x.cols * 4;
    x.rows = count;
    return x;
}

static inline void tt_same(struct tt *t, const char *what, fh_tensor x, fh_tensor y) {
    float *a = tt_read(t, x), *b = tt_read(t, y);
    for (uint64_t i = 0; i < x.cols * x.rows; i++)
        if (fh_bits_of_f32(a[i]) != fh_bits_of_f32(b[i]))
            fail_msg("%s: element %llu is %a, then %a", what, (unsigned long long)i, (double)a[i], (double)b[i]);
    free(a);
    free(b);
}

/* A hash of a tensor's bits. */
static inline uint64_t tt_hash(struct tt *t, uint64_t seed, fh_tensor x) {
    float *a = tt_read(t, x);
    uint64_t h = fh_hash_bytes(seed, (fh_span){(const uint8_t *)a, x.cols * x.rows * 4});
    free(a);
    return h;
}

#endif
