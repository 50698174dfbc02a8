/* test_cpu_experts.c: a mixture of experts is the sum of its experts in rank order, whatever the company, the threads or
 * the set.
 *
 * Threading: single, driving teams of up to 8. */
#include <math.h>

#include "tensor_test.h"

enum { K = 64, M = 96, EXPERTS = 7, TOP = 3, N = 19 };

struct mixture {
    struct tt t;
    fh_tensor x, y;
    fh_weight gate, up, down, router;
    uint32_t ids[N * TOP];
    float weights[N * TOP];
};

static void open_mixture(struct mixture *m, fh_allocator *a, const fh_par *par, fh_isa isa, fh_dtype in, fh_dtype out) {
    fh_assert_ok(tt_open(&m->t, a, par, isa, 31));
    fh_assert_ok(tt_tensor(&m->t, K, N, &m->x));
    fh_assert_ok(tt_tensor(&m->t, K, N, &m->y));
    fh_assert_ok(tt_weight(&m->t, in, K, M, EXPERTS, &m->gate));
    fh_assert_ok(tt_weight(&m->t, in, K, M, EXPERTS, &m->up));
    fh_assert_ok(tt_weight(&m->t, out, M, K, EXPERTS, &m->down));
    fh_assert_ok(tt_weight(&m->t, FH_DTYPE_F32, K, EXPERTS, 1, &m->router));
    fh_route route = {.x = m->x,
                      .w = m->router,
                      .top_k = TOP,
                      .renormalise = true,
                      .ids = {m->ids, N * TOP},
                      .weights = {m->weights, N * TOP}};
    fh_assert_ok(fh_device_route(m->t.dev, &route, &m->t.err));
}

static void run(struct mixture *m, size_t from, size_t count) {
    fh_experts op = {tt_rows(m->x, from, count),
                     tt_rows(m->y, from, count),
                     m->gate,
                     m->up,
                     m->down,
                     {m->ids + from * TOP, count * TOP},
                     {m->weights + from * TOP, count * TOP},
                     TOP};
    fh_assert_ok(fh_device_experts(m->t.dev, &op, &m->t.err));
}

static const fh_dtype pairs[][2] = {
    {FH_DTYPE_Q8_0, FH_DTYPE_Q8_0}, {FH_DTYPE_Q4_0, FH_DTYPE_F16}, {FH_DTYPE_F32, FH_DTYPE_Q4_0}};

/* Bits are those of scalar, one row at a time. */
static void test_company(void **state) {
    for (unsigned p = 0; p < 3; p++) {
        struct mixture m;
        open_mixture(&m, fh_test_allocator(state), NULL, FH_ISA_SCALAR, pairs[p][0], pairs[p][1]);
        for (size_t i = 0; i < N; i++)
            run(&m, i, 1);
        uint64_t expected = tt_hash(&m.t, 0, m.y);
        fh_device_free(m.t.dev);
        for (unsigned isa = 0; isa <= (unsigned)fh_isa_best(); isa++)
            for (unsigned threads = 1; threads <= 8; threads += threads < 3 ? 1 : 5)
                for (size_t step = 4; step <= N; step += N - 4) {
                    fh_team *team = NULL;
                    fh_assert_ok(fh_team_new(threads, &team));
                    open_mixture(&m, fh_test_allocator(state), fh_team_par(team), (fh_isa)isa, pairs[p][0], pairs[p][1]);
                    for (size_t i = 0; i < N; i += step)
                        run(&m, i, step < N - i ? step : N - i);
                    assert_true(tt_hash(&m.t, 0, m.y) == expected);
                    fh_device_free(m.t.dev);
                    fh_team_free(team);
                }
    }
}

/* The same numbers by the operations on single matrices: each expert as a weight of its own. */
static void test_against_products(void **state) {
    struct mixture m;
    struct tt *t = &m.t;
    fh_weight gate[EXPERTS], up[EXPERTS], down[EXPERTS];
    fh_tensor hidden, out;
    open_mixture(&m, fh_test_allocator(state), NULL, fh_isa_best(), FH_DTYPE_Q8_0, FH_DTYPE_Q4_0);
    float *before = tt_read(t, m.y);
    run(&m, 0, N);
    float *after = tt_read(t, m.y);
    fh_assert_ok(tt_tensor(t, M, 1, &hidden));
    fh_assert_ok(tt_tensor(t, K, 1, &out));
    /* the same random bytes again, from the same seed, cut by expert */
    struct tt again = {.a = t->a, .dev = t->dev, .rng = fh_test_rng_new(31)};
    fh_tensor skip;
    fh_assert_ok(tt_tensor(&again, K, N, &skip));
    fh_assert_ok(tt_tensor(&again, K, N, &skip));
    struct {
        fh_dtype type;
        uint64_t cols, rows;
        fh_weight *w;
    } all[3] = {{FH_DTYPE_Q8_0, K, M, gate}, {FH_DTYPE_Q8_0, K, M, up}, {FH_DTYPE_Q4_0, M, K, down}};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t bytes = 0;
        uint8_t *at = tt_matrix(&again, all[i].type, all[i].cols, all[i].rows * EXPERTS, &bytes);
        for (unsigned e = 0; e < EXPERTS; e++) {
            fh_bytes data;
            fh_assert_ok(fh_bytes_copy(t->a, (fh_span){at + bytes / EXPERTS * e, bytes / EXPERTS}, &data));
            fh_weight_desc desc = {all[i].type, all[i].cols, all[i].rows, 1, data, false};
            fh_assert_ok(fh_device_weight(t->dev, &desc, &all[i].w[e], &t->err));
            fh_bytes_drop(&data);
        }
        free(at);
    }
    for (size_t i = 0; i < N; i++) {
        float sum[K] = {0};
        for (unsigned r = 0; r < TOP; r++) {
            uint32_t e = m.ids[i * TOP + r];
            fh_assert_ok(fh_device_glu(t->dev, &(fh_glu){tt_rows(m.x, i, 1), hidden, gate[e], up[e]}, &t->err));
            fh_matmul op = {.x = hidden, .count = 1, .out = {{down[e], out, false}}};
            fh_assert_ok(fh_device_matmul(t->dev, &op, &t->err));
            float *y = tt_read(t, out);
            for (size_t k = 0; k < K; k++)
                sum[k] = sum[k] + m.weights[i * TOP + r] * y[k];
            free(y);
        }
        for (size_t k = 0; k < K; k++)
            assert_int_equal(fh_bits_of_f32(after[i * K + k]), fh_bits_of_f32(before[i * K + k] + sum[k]));
    }
    free(before), free(after);
    fh_device_free(t->dev);
}

/* One expert for all, the same expert twice in a row, one row. */
static void test_crowded(void **state) {
    struct mixture m;
    open_mixture(&m, fh_test_allocator(state), NULL, fh_isa_best(), FH_DTYPE_Q8_0, FH_DTYPE_Q8_0);
    for (size_t i = 0; i < N * TOP; i++)
        m.ids[i] = EXPERTS - 1;
    run(&m, 0, N);
    uint64_t together = tt_hash(&m.t, 0, m.y);
    fh_device_free(m.t.dev);
    open_mixture(&m, fh_test_allocator(state), NULL, fh_isa_best(), FH_DTYPE_Q8_0, FH_DTYPE_Q8_0);
    for (size_t i = 0; i < N * TOP; i++)
        m.ids[i] = EXPERTS - 1;
    for (size_t i = 0; i < N; i++)
        run(&m, i, 1);
    assert_true(tt_hash(&m.t, 0, m.y) == together);
    fh_device_free(m.t.dev);
}

/* The router's logits are the product's, and chosen weights sum to one. */
static void test_router(void **state) {
    struct mixture m;
    fh_tensor logits;
    open_mixture(&m, fh_test_allocator(state), NULL, fh_isa_best(), FH_DTYPE_Q8_0, FH_DTYPE_Q8_0);
    fh_assert_ok(tt_tensor(&m.t, EXPERTS, N, &logits));
    fh_matmul op = {.x = m.x, .count = 1, .out = {{m.router, logits, false}}};
    fh_assert_ok(fh_device_matmul(m.t.dev, &op, &m.t.err));
    float *l = tt_read(&m.t, logits);
    for (size_t i = 0; i < N; i++) {
        double sum = 0;
        for (unsigned r = 0; r < TOP; r++) {
            sum += (double)m.weights[i * TOP + r];
            for (unsigned e = 0; e < EXPERTS; e++) { /* nothing better was left out */
                bool chosen = false;
                for (unsigned k = 0; k <= r; k++)
                    chosen = chosen || m.ids[i * TOP + k] == e;
                assert_true(chosen || l[i * EXPERTS + e] <= l[i * EXPERTS + m.ids[i * TOP + r]]);
            }
        }
        assert_true(fabs(sum - 1.0) < 1e-6);
    }
    free(l);
    fh_device_free(m.t.dev);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_company), FH_TEST_ALLOC(test_against_products),
                                       FH_TEST_ALLOC(test_crowded), FH_TEST_ALLOC(test_router)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
