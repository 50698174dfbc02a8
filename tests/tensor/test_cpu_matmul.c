/* test_cpu_matmul.c: products are near the exact ones, and their bits depend on nothing but the operands: not on the rows
 * that are multiplied together, the threads, the instruction set, or what shares the call.
 *
 * Threading: single, driving teams of up to 8. */
#include <math.h>

#include "tensor_test.h"

static const fh_dtype types[] = {FH_DTYPE_F32, FH_DTYPE_F16, FH_DTYPE_BF16, FH_DTYPE_Q8_0, FH_DTYPE_Q4_0};
enum { TYPES = 5, N = 20 };

static void multiply(struct tt *t, fh_tensor x, fh_weight w, fh_tensor y, bool add) {
    fh_matmul op = {.x = x, .count = 1, .out = {{w, y, add}}};
    fh_assert_ok(fh_device_matmul(t->dev, &op, &t->err));
}

/* |y − exact| ≤ the half step of the activations' codes times Σ|w|, plus rounding of the sum. */
static void test_accuracy(void **state) {
    enum { K = 320, M = 70, ROWS = 9 };
    for (unsigned isa = 0; isa <= (unsigned)fh_isa_best(); isa++)
        for (unsigned ty = 0; ty < TYPES; ty++) {
            struct tt t;
            fh_tensor x, y, table;
            fh_weight w;
            uint32_t tokens[M];
            fh_assert_ok(tt_open(&t, fh_test_allocator(state), NULL, (fh_isa)isa, 7 + ty));
            fh_assert_ok(tt_tensor(&t, K, ROWS, &x));
            fh_assert_ok(tt_tensor(&t, M, ROWS, &y));
            fh_assert_ok(tt_tensor(&t, K, M, &table));
            fh_assert_ok(tt_weight(&t, types[ty], K, M, 1, &w));
            for (uint32_t i = 0; i < M; i++)
                tokens[i] = i;
            fh_assert_ok(fh_device_embed(t.dev, &(fh_embed){w, {tokens, M}, table}, &t.err));
            multiply(&t, x, w, y, false);
            float *xs = tt_read(&t, x), *ys = tt_read(&t, y), *ws = tt_read(&t, table);
            for (size_t i = 0; i < ROWS; i++)
                for (size_t j = 0; j < M; j++) {
                    double exact = 0, bound = 0, size = 0;
                    for (size_t b = 0; b < K; b += 32) {
                        double most = 0, sum = 0;
                        for (size_t k = b; k < b + 32; k++) {
                            exact += (double)xs[i * K + k] * (double)ws[j * K + k];
                            size += fabs((double)xs[i * K + k] * (double)ws[j * K + k]);
                            most = fmax(most, fabs((double)xs[i * K + k]));
                            sum += fabs((double)ws[j * K + k]);
                        }
                        bound += ty < 3 ? 0 : sum * most / 254.0;
                    }
                    double error = fabs((double)ys[i * M + j] - exact);
                    if (error > bound * 1.0001 + size * 32 * 0x1p-24)
                        fail_msg("%s on %s: error %g, bound %g", fh_dtype_name(types[ty]), fh_isa_name((fh_isa)isa), error,
                                 bound);
                }
            free(xs), free(ys), free(ws);
            fh_device_free(t.dev);
        }
}

/* n rows at once are the n rows one by one, for every n, type and instruction set. */
static void test_rows_together(void **state) {
    static const struct {
        uint64_t k, m;
    } shapes[] = {{64, 33}, {96, 64}, {172, 7}, {1, 1}, {320, 100}};
    for (unsigned isa = 0; isa <= (unsigned)fh_isa_best(); isa++)
        for (unsigned ty = 0; ty < TYPES; ty++)
            for (unsigned s = 0; s < 5; s++) {
                struct tt t;
                fh_tensor x, one, all;
                fh_weight w;
                uint64_t k = shapes[s].k, m = shapes[s].m;
                if (k % fh_dtype_block(types[ty]) != 0)
                    continue;
                fh_assert_ok(tt_open(&t, fh_test_allocator(state), NULL, (fh_isa)isa, s));
                fh_assert_ok(tt_tensor(&t, k, N, &x));
                fh_assert_ok(tt_tensor(&t, m, N, &one));
                fh_assert_ok(tt_weight(&t, types[ty], k, m, 1, &w));
                for (uint64_t i = 0; i < N; i++)
                    multiply(&t, tt_rows(x, i, 1), w, tt_rows(one, i, 1), false);
                fh_assert_ok(tt_tensor(&t, m, N, &all));
                for (uint64_t n = 1; n <= N; n++) {
                    multiply(&t, tt_rows(x, N - n, n), w, tt_rows(all, N - n, n), false);
                    tt_same(&t, fh_dtype_name(types[ty]), tt_rows(one, N - n, n), tt_rows(all, N - n, n));
                }
                fh_device_free(t.dev);
            }
}

/* Everything that a product can be, as one hash. */
static uint64_t hash_all(fh_allocator *a, const fh_par *par, fh_isa isa) {
    enum { K = 192, M = 131 };
    struct tt t;
    uint64_t h = 0;
    fh_assert_ok(tt_open(&t, a, par, isa, 3));
    for (unsigned ty = 0; ty < TYPES; ty++) {
        fh_weight w[4];
        fh_tensor x, y[3];
        for (unsigned i = 0; i < 4; i++)
            fh_assert_ok(tt_weight(&t, types[(ty + i / 3 * (i > 2)) % TYPES], K, i < 2 ? M : i == 2 ? 5 : M, 1, &w[i]));
        fh_assert_ok(tt_tensor(&t, K, N, &x));
        for (unsigned i = 0; i < 3; i++)
            fh_assert_ok(tt_tensor(&t, i == 2 ? 5 : M, N, &y[i]));
        for (uint64_t n = 1; n <= N; n += 6) {
            for (unsigned i = 0; i < 3; i++)
                y[i].rows = n;
            x.rows = n;
            fh_matmul op = {.x = x, .count = 3, .out = {{w[0], y[0], false}, {w[3], y[1], true}, {w[2], y[2], false}}};
            fh_assert_ok(fh_device_matmul(t.dev, &op, &t.err));
            for (unsigned i = 0; i < 3; i++)
                h = tt_hash(&t, h, y[i]);
            fh_assert_ok(fh_device_glu(t.dev, &(fh_glu){x, y[0], w[0], w[3]}, &t.err));
            h = tt_hash(&t, h, y[0]);
        }
    }
    fh_device_free(t.dev);
    return h;
}

static void test_threads_and_sets(void **state) {
    uint64_t expected = hash_all(fh_test_allocator(state), NULL, FH_ISA_SCALAR);
    for (unsigned isa = 0; isa <= (unsigned)fh_isa_best(); isa++)
        for (unsigned threads = 1; threads <= 8; threads += threads < 3 ? 1 : 5) {
            fh_team *team = NULL;
            fh_assert_ok(fh_team_new(threads, &team));
            assert_true(hash_all(fh_test_allocator(state), fh_team_par(team), (fh_isa)isa) == expected);
            fh_team_free(team);
        }
}

/* Weights large enough for the slabs that they share: two of them, and the caps that count them. */
static void test_large(void **state) {
    enum { COLS = 1024, ROWS = 700 };
    for (unsigned ty = 3; ty < TYPES; ty++) {
        uint64_t hash[2] = {0};
        for (unsigned best = 0; best < 2; best++) {
            struct tt t;
            fh_weight w[2];
            fh_tensor x, y;
            fh_assert_ok(tt_open(&t, fh_test_allocator(state), NULL, best ? fh_isa_best() : FH_ISA_SCALAR, 17));
            fh_assert_ok(tt_tensor(&t, COLS, 2, &x));
            fh_assert_ok(tt_tensor(&t, ROWS, 2, &y));
            for (unsigned i = 0; i < 2; i++) {
                fh_assert_ok(tt_weight(&t, types[ty], COLS, ROWS, 1, &w[i]));
                multiply(&t, x, w[i], y, i == 1);
                hash[best] = tt_hash(&t, hash[best], y);
            }
            uint64_t panel = COLS / 32 * (types[ty] == FH_DTYPE_Q8_0 ? 1088 : 576);
            assert_true(fh_device_caps_get(t.dev).weight_bytes == 2 * 22 * panel);
            fh_device_free(t.dev);
        }
        assert_true(hash[0] == hash[1]);
    }
}

/* Three products in one call, with `add`, are three calls. */
static void test_company(void **state) {
    struct tt t;
    fh_weight w[3];
    fh_tensor x, alone[3], together[3];
    fh_matmul op = {.count = 3};
    fh_assert_ok(tt_open(&t, fh_test_allocator(state), NULL, fh_isa_best(), 11));
    fh_assert_ok(tt_tensor(&t, 64, 7, &x));
    for (unsigned i = 0; i < 3; i++) {
        static const fh_dtype mixed[] = {FH_DTYPE_Q4_0, FH_DTYPE_F16, FH_DTYPE_Q8_0};
        fh_assert_ok(tt_weight(&t, mixed[i], 64, 40 + i, 1, &w[i]));
        fh_assert_ok(tt_tensor(&t, 40 + i, 7, &alone[i]));
        fh_assert_ok(tt_tensor(&t, 40 + i, 7, &together[i]));
        float *start = tt_read(&t, alone[i]);
        fh_assert_ok(fh_device_write(t.dev, together[i].mem, 0, (fh_span){(const uint8_t *)start, (40 + i) * 7 * 4}));
        free(start);
        multiply(&t, x, w[i], alone[i], i != 1);
        op.out[i].w = w[i], op.out[i].y = together[i], op.out[i].add = i != 1;
    }
    op.x = x;
    fh_assert_ok(fh_device_matmul(t.dev, &op, &t.err));
    for (unsigned i = 0; i < 3; i++)
        tt_same(&t, "three products", alone[i], together[i]);
    fh_device_free(t.dev);
}

/* A gated pair is two products and silu, within rounding. */
static void test_glu(void **state) {
    for (unsigned ty = 0; ty < TYPES; ty++) {
        struct tt t;
        fh_weight gate, up;
        fh_tensor x, g, u, y;
        fh_assert_ok(tt_open(&t, fh_test_allocator(state), NULL, fh_isa_best(), 12));
        fh_assert_ok(tt_tensor(&t, 128, 13, &x));
        fh_assert_ok(tt_weight(&t, types[ty], 128, 45, 1, &gate));
        fh_assert_ok(tt_weight(&t, types[TYPES - 1 - ty], 128, 45, 1, &up));
        fh_assert_ok(tt_tensor(&t, 45, 13, &g));
        fh_assert_ok(tt_tensor(&t, 45, 13, &u));
        fh_assert_ok(tt_tensor(&t, 45, 13, &y));
        multiply(&t, x, gate, g, false);
        multiply(&t, x, up, u, false);
        fh_assert_ok(fh_device_glu(t.dev, &(fh_glu){x, y, gate, up}, &t.err));
        float *gs = tt_read(&t, g), *us = tt_read(&t, u), *ys = tt_read(&t, y);
        for (size_t i = 0; i < 45 * 13; i++) {
            double exact = (double)gs[i] / (1 + exp(-(double)gs[i])) * (double)us[i];
            assert_true(fabs((double)ys[i] - exact) <= 4e-7 * fabs(exact));
        }
        free(gs), free(us), free(ys);
        fh_device_free(t.dev);
    }
}

/* A row with an infinity or a NaN has no effect on its neighbours, and all its products are the one NaN. */
static void test_not_finite(void **state) {
    struct tt t;
    fh_weight w;
    fh_tensor x, y;
    float bad[2] = {INFINITY, NAN};
    fh_assert_ok(tt_open(&t, fh_test_allocator(state), NULL, fh_isa_best(), 13));
    fh_assert_ok(tt_tensor(&t, 64, 8, &x));
    fh_assert_ok(tt_tensor(&t, 33, 8, &y));
    fh_assert_ok(tt_weight(&t, FH_DTYPE_Q8_0, 64, 33, 1, &w));
    multiply(&t, x, w, y, false);
    float *before = tt_read(&t, y);
    fh_assert_ok(fh_device_write(t.dev, x.mem, (2 * 64 + 40) * 4, (fh_span){(const uint8_t *)&bad[0], 4}));
    fh_assert_ok(fh_device_write(t.dev, x.mem, (5 * 64 + 1) * 4, (fh_span){(const uint8_t *)&bad[1], 4}));
    multiply(&t, x, w, y, false);
    float *after = tt_read(&t, y);
    for (size_t i = 0; i < 8 * 33; i++)
        if (i / 33 == 2 || i / 33 == 5)
            assert_int_equal(fh_bits_of_f32(after[i]), 0x7fc00000u);
        else
            assert_int_equal(fh_bits_of_f32(after[i]), fh_bits_of_f32(before[i]));
    free(before), free(after);
    fh_device_free(t.dev);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_accuracy),   FH_TEST_ALLOC(test_rows_together), FH_TEST_ALLOC(test_threads_and_sets),
        FH_TEST_ALLOC(test_large),      FH_TEST_ALLOC(test_company),       FH_TEST_ALLOC(test_glu),
        FH_TEST_ALLOC(test_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
