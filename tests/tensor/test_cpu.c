/* test_cpu.c: row operations of the CPU device, its memory under failing allocations, and the bits of everything together.
 *
 * Threading: single, driving teams of up to 8. */
#include <math.h>

#include "tensor_test.h"

/* Rows of a table, by panels and in place, for every type. */
static void test_embed(void **state) {
    enum { COLS = 64, ROWS = 40 };
    for (unsigned ty = 0; ty < FH_DTYPE_COUNT; ty++) {
        struct tt t;
        fh_weight w[2];
        fh_tensor y[2];
        uint64_t bytes = 0;
        uint32_t tokens[5] = {39, 0, 31, 32, 0};
        fh_assert_ok(tt_open(&t, fh_test_allocator(state), NULL, fh_isa_best(), ty));
        uint8_t *at = tt_matrix(&t, (fh_dtype)ty, COLS, ROWS, &bytes);
        fh_bytes data;
        fh_assert_ok(fh_bytes_copy(t.a, (fh_span){at, bytes}, &data));
        for (unsigned i = 0; i < 2; i++) {
            fh_assert_ok(fh_device_weight(t.dev, &(fh_weight_desc){(fh_dtype)ty, COLS, ROWS, 1, data, i == 1}, &w[i], &t.err));
            fh_assert_ok(tt_tensor(&t, COLS, 5, &y[i]));
            fh_assert_ok(fh_device_embed(t.dev, &(fh_embed){w[i], {tokens, 5}, y[i]}, &t.err));
        }
        tt_same(&t, "panels and rows", y[0], y[1]);
        float *got = tt_read(&t, y[0]);
        for (size_t i = 0; i < 5 * COLS; i++) { /* by hand from the bytes */
            const uint8_t *row = at + bytes / ROWS * tokens[i / COLS];
            size_t c = i % COLS;
            uint16_t h = 0;
            float f = 0;
            if (ty == FH_DTYPE_F32)
                memcpy(&f, row + 4 * c, 4);
            else
                memcpy(&h, row + (ty == FH_DTYPE_Q8_0 ? c / 32 * 34 : ty == FH_DTYPE_Q4_0 ? c / 32 * 18 : 2 * c), 2);
            float scale = ty == FH_DTYPE_BF16 ? fh_f32_of_bf16(h) : fh_f32_of_f16(h);
            if (ty == FH_DTYPE_Q8_0)
                f = (float)(int8_t)row[c / 32 * 34 + 2 + c % 32] * scale;
            else if (ty == FH_DTYPE_Q4_0)
                f = (float)((row[c / 32 * 18 + 2 + c % 16] >> (c % 32 < 16 ? 0 : 4) & 15) - 8) * scale;
            else if (ty != FH_DTYPE_F32)
                f = scale;
            assert_true(got[i] == f);
        }
        free(got), free(at);
        fh_bytes_drop(&data);
        fh_device_free(t.dev);
    }
}

static void test_norm(void **state) {
    static const uint64_t pieces[][2] = {{64, 64}, {172, 172}, {96, 24}, {2048, 2048}, {5, 5}};
    for (unsigned p = 0; p < 5; p++) {
        struct tt t;
        fh_weight w;
        fh_tensor x, y;
        uint64_t cols = pieces[p][0], piece = pieces[p][1];
        uint32_t zero = 0;
        fh_assert_ok(tt_open(&t, fh_test_allocator(state), NULL, fh_isa_best(), p));
        fh_assert_ok(tt_tensor(&t, cols, 7, &x));
        fh_assert_ok(tt_tensor(&t, cols, 7, &y));
        fh_assert_ok(tt_weight(&t, FH_DTYPE_F32, piece, 1, 1, &w));
        fh_tensor row = tt_rows(y, 0, 1);
        row.cols = piece;
        fh_assert_ok(fh_device_embed(t.dev, &(fh_embed){w, {&zero, 1}, row}, &t.err));
        float *ws = tt_read(&t, row), *xs = tt_read(&t, x);
        fh_assert_ok(fh_device_norm(t.dev, &(fh_norm){x, y, w, 1e-3f}, &t.err));
        float *ys = tt_read(&t, y);
        for (size_t i = 0; i < cols * 7; i++) {
            double sum = 0;
            for (size_t k = i / piece * piece; k < (i / piece + 1) * piece; k++)
                sum += (double)xs[k] * (double)xs[k];
            double exact = (double)xs[i] / sqrt(sum / (double)piece + (double)1e-3f) * (double)ws[i % piece];
            assert_true(fabs((double)ys[i] - exact) <= 1e-6 * fabs(exact));
        }
        fh_assert_ok(fh_device_norm(t.dev, &(fh_norm){x, x, w, 1e-3f}, &t.err));
        tt_same(&t, "norm in place", x, y);
        free(ws), free(xs), free(ys);
        fh_device_free(t.dev);
    }
}

static void test_rope(void **state) {
    enum { DIM = 24, ROT = 20, HEADS = 3, N = 6 };
    for (unsigned halves = 0; halves < 2; halves++) {
        struct tt t;
        fh_tensor x;
        double freq[ROT / 2];
        uint32_t positions[N] = {0, 1, 5, 100, 4095, 1000000};
        fh_assert_ok(tt_open(&t, fh_test_allocator(state), NULL, fh_isa_best(), 3));
        fh_assert_ok(tt_tensor(&t, DIM * HEADS, N, &x));
        for (unsigned i = 0; i < ROT / 2; i++)
            freq[i] = pow(10000.0, -2.0 * i / (double)ROT);
        float *before = tt_read(&t, x);
        fh_rope op = {x, {positions, N}, {(const uint8_t *)freq, sizeof freq}, DIM, ROT, halves};
        fh_assert_ok(fh_device_rope(t.dev, &op, &t.err));
        float *after = tt_read(&t, x);
        for (size_t i = 0; i < N * HEADS; i++)
            for (size_t k = 0; k < DIM; k++) {
                size_t pair = halves ? k % (ROT / 2) : k / 2, first = halves ? pair : 2 * pair;
                bool second = halves ? k >= ROT / 2 : k % 2 == 1;
                double angle = positions[i / HEADS] * (k < ROT ? freq[pair] : 0);
                double a = (double)before[i * DIM + first],
                       b = (double)before[i * DIM + (halves ? pair + ROT / 2 : 2 * pair + 1)];
                double exact = second ? a * sin(angle) + b * cos(angle) : a * cos(angle) - b * sin(angle);
                if (k >= ROT)
                    exact = (double)before[i * DIM + k];
                assert_true(fabs((double)after[i * DIM + k] - exact) < 3e-7);
            }
        fh_assert_ok(fh_device_rope(t.dev, &op, &t.err)); /* again with the kept table, then with others */
        uint64_t twice = tt_hash(&t, 0, x);
        positions[3] = 7;
        fh_assert_ok(fh_device_rope(t.dev, &op, &t.err));
        positions[3] = 100;
        fh_assert_ok(fh_device_write(t.dev, x.mem, 0, (fh_span){(const uint8_t *)after, DIM * HEADS * N * 4}));
        fh_assert_ok(fh_device_rope(t.dev, &op, &t.err));
        assert_true(tt_hash(&t, 0, x) == twice);
        free(before), free(after);
        fh_device_free(t.dev);
    }
}

/* --- a small model's worth of operations ------------------------------------------------------------------------ */

enum { K = 64, M = 96, N = 5, HEADS = 4, KV = 2, DIM = 16, EXPERTS = 4, TOP = 2 };

struct step {
    fh_tensor x, h, q, k, v, y, m;
    fh_weight table, norm, wq, wk, wv, wo, gate, up, down, router, egate, eup, edown;
    fh_mem segments[2];
};

static fh_status make_step(struct tt *t, struct step *s, fh_dtype type) {
    uint64_t layer = 0;
    FH_TRY(tt_tensor(t, K, N, &s->x));
    FH_TRY(tt_tensor(t, K, N, &s->h));
    FH_TRY(tt_tensor(t, HEADS * DIM, N, &s->q));
    FH_TRY(tt_tensor(t, KV * DIM, N, &s->k));
    FH_TRY(tt_tensor(t, KV * DIM, N, &s->v));
    FH_TRY(tt_tensor(t, HEADS * DIM, N, &s->y));
    FH_TRY(tt_tensor(t, M, N, &s->m));
    assert_true(fh_kv_layer_bytes(KV, DIM, &layer));
    FH_TRY(fh_device_alloc(t->dev, layer, &s->segments[0]));
    FH_TRY(fh_device_alloc(t->dev, layer, &s->segments[1]));
    FH_TRY(tt_weight(t, type, K, 50, 1, &s->table));
    FH_TRY(tt_weight(t, FH_DTYPE_F32, K, 1, 1, &s->norm));
    FH_TRY(tt_weight(t, type, K, HEADS * DIM, 1, &s->wq));
    FH_TRY(tt_weight(t, type, K, KV * DIM, 1, &s->wk));
    FH_TRY(tt_weight(t, FH_DTYPE_F16, K, KV * DIM, 1, &s->wv));
    FH_TRY(tt_weight(t, type, HEADS * DIM, K, 1, &s->wo));
    FH_TRY(tt_weight(t, type, K, M, 1, &s->gate));
    FH_TRY(tt_weight(t, type, K, M, 1, &s->up));
    FH_TRY(tt_weight(t, type, M, K, 1, &s->down));
    FH_TRY(tt_weight(t, FH_DTYPE_F32, K, EXPERTS, 1, &s->router));
    FH_TRY(tt_weight(t, type, K, M, EXPERTS, &s->egate));
    FH_TRY(tt_weight(t, type, K, M, EXPERTS, &s->eup));
    return tt_weight(t, type, M, K, EXPERTS, &s->edown);
}

/* A layer of a transformer at positions 60 …, with both kinds of feed-forward. */
static fh_status run_step(struct tt *t, struct step *s) {
    uint32_t tokens[N] = {3, 1, 49, 0, 7}, positions[N] = {60, 61, 62, 63, 64}, zeros[N] = {0}, ids[N * TOP];
    float weights[N * TOP];
    double freq[DIM / 2] = {1, 0.5, 0.25, 0.1, 0.05, 0.01, 0.001, 0.0001};
    fh_kv_view kv = {{s->segments, 2}, {zeros, N}, {zeros, N}, {positions, N}, 0, KV, DIM};
    fh_device *d = t->dev;
    fh_err *err = &t->err;
    FH_TRY(fh_device_embed(d, &(fh_embed){s->table, {tokens, N}, s->x}, err));
    FH_TRY(fh_device_norm(d, &(fh_norm){s->x, s->h, s->norm, 1e-5f}, err));
    FH_TRY(fh_device_matmul(d, &(fh_matmul){s->h, 3, {{s->wq, s->q, false}, {s->wk, s->k, false}, {s->wv, s->v, false}}}, err));
    fh_rope rope = {s->q, {positions, N}, {(const uint8_t *)freq, sizeof freq}, DIM, DIM, false};
    FH_TRY(fh_device_rope(d, &rope, err));
    rope.x = s->k;
    FH_TRY(fh_device_rope(d, &rope, err));
    FH_TRY(fh_device_kv_put(d, &(fh_kv_put){s->k, s->v, kv}, err));
    FH_TRY(fh_device_attend(d, &(fh_attend){s->q, s->y, kv, HEADS, 0.25f}, err));
    FH_TRY(fh_device_matmul(d, &(fh_matmul){s->y, 1, {{s->wo, s->x, true}}}, err));
    FH_TRY(fh_device_norm(d, &(fh_norm){s->x, s->h, s->norm, 1e-5f}, err));
    FH_TRY(fh_device_glu(d, &(fh_glu){s->h, s->m, s->gate, s->up}, err));
    FH_TRY(fh_device_matmul(d, &(fh_matmul){s->m, 1, {{s->down, s->x, true}}}, err));
    FH_TRY(fh_device_route(d, &(fh_route){s->h, s->router, TOP, 0, 1, true, {ids, N * TOP}, {weights, N * TOP}}, err));
    return fh_device_experts(d, &(fh_experts){s->h, s->x, s->egate, s->eup, s->edown, {ids, N * TOP}, {weights, N * TOP}, TOP},
                             err);
}

static fh_status failing_step(fh_allocator *a, void *arg) {
    struct tt t;
    struct step s;
    const fh_dtype *type = arg;
    fh_status status = tt_open(&t, a, NULL, fh_isa_best(), 1);
    if (fh_failed(status))
        return status;
    status = make_step(&t, &s, *type);
    if (!fh_failed(status))
        status = run_step(&t, &s);
    fh_device_free(t.dev);
    return status;
}

static void test_failing_allocations(void **state) {
    for (unsigned ty = 0; ty < FH_DTYPE_COUNT; ty++) {
        fh_dtype type = (fh_dtype)ty;
        assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), failing_step, &type) > 20);
    }
}

/* An operation that finds no memory has written nothing, and works once there is some. */
static void test_no_memory_writes_nothing(void **state) {
    struct tt t;
    fh_weight w;
    fh_tensor x, y;
    fh_assert_ok(tt_open(&t, fh_test_allocator(state), NULL, fh_isa_best(), 1));
    fh_assert_ok(tt_tensor(&t, K, N, &x));
    fh_assert_ok(tt_tensor(&t, M, N, &y));
    fh_assert_ok(tt_weight(&t, FH_DTYPE_Q4_0, K, M, 1, &w));
    uint64_t before = tt_hash(&t, 0, y);
    fh_matmul op = {.x = x, .count = 1, .out = {{w, y, true}}};
    fh_trace_fail_at(fh_test_trace(state), 1);
    fh_assert_code(fh_device_matmul(t.dev, &op, &t.err), FH_NOMEM);
    assert_true(tt_hash(&t, 0, y) == before);
    fh_assert_ok(fh_device_matmul(t.dev, &op, &t.err));
    assert_true(tt_hash(&t, 0, y) != before);
    assert_true(fh_device_caps_get(t.dev).workspace_bytes > 0);
    fh_device_free(t.dev);
}

/* Every compiler, level, instruction set and number of threads must give these bits (docs/BITS.md, D2 and D5). */
static void test_golden_bits(void **state) {
    static const uint64_t golden[FH_DTYPE_COUNT] = {UINT64_C(0x480c217f3d247a9e), UINT64_C(0xcf2f67a134f979c1),
                                                    UINT64_C(0x8f758d62882a300e), UINT64_C(0xf08b11d1c87881ff),
                                                    UINT64_C(0xdfe92245d5495a7d)};
    for (unsigned ty = 0; ty < FH_DTYPE_COUNT; ty++)
        for (unsigned isa = 0; isa <= (unsigned)fh_isa_best(); isa++)
            for (unsigned threads = 1; threads <= 8; threads += threads < 3 ? 1 : 5) {
                struct tt t;
                struct step s;
                fh_team *team = NULL;
                fh_assert_ok(fh_team_new(threads, &team));
                fh_assert_ok(tt_open(&t, fh_test_allocator(state), fh_team_par(team), (fh_isa)isa, 41));
                fh_assert_ok(make_step(&t, &s, (fh_dtype)ty));
                fh_assert_ok(run_step(&t, &s));
                fh_assert_ok(run_step(&t, &s));
                uint64_t got = tt_hash(&t, 0, s.x);
                if (got != golden[ty])
                    fail_msg("%s on %s, %u threads: bits %016llx", fh_dtype_name((fh_dtype)ty), fh_isa_name((fh_isa)isa),
                             threads, (unsigned long long)got);
                fh_device_free(t.dev);
                fh_team_free(team);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_embed),
                                       FH_TEST_ALLOC(test_norm),
                                       FH_TEST_ALLOC(test_rope),
                                       FH_TEST_ALLOC(test_failing_allocations),
                                       FH_TEST_ALLOC(test_no_memory_writes_nothing),
                                       FH_TEST_ALLOC(test_golden_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
