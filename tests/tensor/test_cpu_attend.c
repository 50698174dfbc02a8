/* test_cpu_attend.c: the cache holds what was put, attention is near the exact one, and its bits do not depend on paging,
 * chunking, neighbours, threads or the instruction set.
 *
 * Threading: single, driving teams of up to 8. */
#include <math.h>

#include "tensor_test.h"

enum { KV = 2, GROUP = 3, HEADS = KV * GROUP, DIM = 24, LENGTH = 200, BLOCKS = 4 };

/* A sequence of LENGTH positions in its cache, with queries for all of them. */
struct sequence {
    struct tt t;
    fh_mem segments[BLOCKS];
    uint32_t zeros[LENGTH], positions[LENGTH];
    fh_tensor k, v, q, y;
    fh_kv_view view;
};

static fh_kv_view rows_of(struct sequence *s, size_t from, size_t count) {
    fh_kv_view kv = s->view;
    kv.first = (fh_u32s){s->zeros + from, count};
    kv.base = (fh_u32s){s->zeros + from, count};
    kv.positions = (fh_u32s){s->positions + from, count};
    return kv;
}

static void put(struct sequence *s, size_t from, size_t count) {
    fh_kv_put op = {tt_rows(s->k, from, count), tt_rows(s->v, from, count), rows_of(s, from, count)};
    fh_assert_ok(fh_device_kv_put(s->t.dev, &op, &s->t.err));
}

static void attend(struct sequence *s, size_t from, size_t count, fh_tensor y) {
    fh_attend op = {tt_rows(s->q, from, count), tt_rows(y, from, count), rows_of(s, from, count), HEADS, 0.2f};
    fh_assert_ok(fh_device_attend(s->t.dev, &op, &s->t.err));
}

static void open_sequence(struct sequence *s, fh_allocator *a, const fh_par *par, fh_isa isa) {
    uint64_t layer = 0;
    fh_assert_ok(tt_open(&s->t, a, par, isa, 21));
    assert_true(fh_kv_layer_bytes(KV, DIM, &layer));
    for (unsigned i = 0; i < BLOCKS; i++)
        fh_assert_ok(fh_device_alloc(s->t.dev, layer + 128, &s->segments[i]));
    for (uint32_t i = 0; i < LENGTH; i++)
        s->zeros[i] = 0, s->positions[i] = i;
    s->view = (fh_kv_view){.segments = {s->segments, BLOCKS}, .offset_bytes = 128, .kv_heads = KV, .head_dim = DIM};
    fh_assert_ok(tt_tensor(&s->t, KV * DIM, LENGTH, &s->k));
    fh_assert_ok(tt_tensor(&s->t, KV * DIM, LENGTH, &s->v));
    fh_assert_ok(tt_tensor(&s->t, HEADS * DIM, LENGTH, &s->q));
    fh_assert_ok(tt_tensor(&s->t, HEADS * DIM, LENGTH, &s->y));
}

/* Places and rounding of the cache. */
static void test_put(void **state) {
    struct sequence s;
    open_sequence(&s, fh_test_allocator(state), NULL, fh_isa_best());
    put(&s, 0, LENGTH);
    float *k = tt_read(&s.t, s.k), *v = tt_read(&s.t, s.v);
    uint16_t segment[2 * KV * DIM * 64];
    for (size_t p = 0; p < LENGTH; p++) {
        fh_assert_ok(fh_device_read(s.t.dev, s.segments[p / 64], 128, (fh_mspan){(uint8_t *)segment, sizeof segment}));
        for (size_t h = 0; h < KV; h++)
            for (size_t d = 0; d < DIM; d++) {
                assert_int_equal(segment[(h * DIM + d) * 64 + p % 64], fh_f16_of_f32(k[(p * KV + h) * DIM + d]));
                assert_int_equal(segment[(KV + h) * DIM * 64 + p % 64 * DIM + d], fh_f16_of_f32(v[(p * KV + h) * DIM + d]));
            }
    }
    free(k), free(v);
    fh_device_free(s.t.dev);
}

/* Softmax attention in float64 over the rounded keys and values. */
static void test_accuracy(void **state) {
    struct sequence s;
    double worst = 0;
    open_sequence(&s, fh_test_allocator(state), NULL, fh_isa_best());
    put(&s, 0, LENGTH);
    attend(&s, 0, LENGTH, s.y);
    float *k = tt_read(&s.t, s.k), *v = tt_read(&s.t, s.v), *q = tt_read(&s.t, s.q), *y = tt_read(&s.t, s.y);
    for (size_t i = 0; i < KV * DIM * LENGTH; i++) {
        k[i] = fh_f32_of_f16(fh_f16_of_f32(k[i]));
        v[i] = fh_f32_of_f16(fh_f16_of_f32(v[i]));
    }
    for (size_t p = 0; p < LENGTH; p++)
        for (size_t h = 0; h < HEADS; h++) {
            double e[LENGTH], sum = 0;
            for (size_t j = 0; j <= p; j++) {
                double dot = 0;
                for (size_t d = 0; d < DIM; d++)
                    dot += (double)q[(p * HEADS + h) * DIM + d] * (double)k[(j * KV + h / GROUP) * DIM + d];
                sum += e[j] = exp(dot * (double)0.2f);
            }
            for (size_t d = 0; d < DIM; d++) {
                double exact = 0;
                for (size_t j = 0; j <= p; j++)
                    exact += e[j] / sum * (double)v[(j * KV + h / GROUP) * DIM + d];
                worst = fmax(worst, fabs(exact - (double)y[(p * HEADS + h) * DIM + d]));
            }
        }
    print_message("attention: at most %.3g from exact, values up to 1\n", worst);
    assert_true(worst < 3e-6);
    free(k), free(v), free(q), free(y);
    fh_device_free(s.t.dev);
}

/* Any cut of a prompt into chunks gives the same outputs as one row at a time. */
static void test_chunks(void **state) {
    for (unsigned isa = 0; isa <= (unsigned)fh_isa_best(); isa++) {
        struct sequence s;
        fh_tensor other;
        open_sequence(&s, fh_test_allocator(state), NULL, (fh_isa)isa);
        fh_assert_ok(tt_tensor(&s.t, HEADS * DIM, LENGTH, &other));
        for (size_t i = 0; i < LENGTH; i++) {
            put(&s, i, 1);
            attend(&s, i, 1, s.y);
        }
        static const size_t cuts[] = {1, 2, 7, 20, 63, 64, 65, 200};
        for (unsigned c = 0; c < 8; c++) {
            for (size_t i = 0; i < LENGTH; i += cuts[c])
                attend(&s, i, cuts[c] < LENGTH - i ? cuts[c] : LENGTH - i, other);
            tt_same(&s.t, "chunks", s.y, other);
        }
        fh_device_free(s.t.dev);
    }
}

/* Rows of several sequences in one call, some of which share segments, in any order, on any threads and set. */
static void test_neighbours(void **state) {
    struct sequence s;
    open_sequence(&s, fh_test_allocator(state), NULL, FH_ISA_SCALAR);
    put(&s, 0, LENGTH);
    attend(&s, 0, LENGTH, s.y);
    float *expected = tt_read(&s.t, s.y);
    fh_device_free(s.t.dev);
    for (unsigned isa = 0; isa <= (unsigned)fh_isa_best(); isa++)
        for (unsigned threads = 1; threads <= 8; threads += threads < 3 ? 1 : 5) {
            fh_team *team = NULL;
            fh_assert_ok(fh_team_new(threads, &team));
            open_sequence(&s, fh_test_allocator(state), fh_team_par(team), (fh_isa)isa);
            put(&s, 0, LENGTH);
            /* the same blocks twice in the list, behind one that is not used: two "sequences" over shared segments */
            fh_mem list[2 * BLOCKS + 1] = {s.segments[3]};
            uint32_t first[LENGTH], base[LENGTH] = {0}, positions[LENGTH];
            for (unsigned i = 0; i < 2 * BLOCKS; i++)
                list[i + 1] = s.segments[i % BLOCKS];
            for (uint32_t i = 0; i < LENGTH; i++) {
                first[i] = i % 3 == 0 ? 1 : 1 + BLOCKS;
                positions[i] = (i * 37) % LENGTH;
            }
            fh_kv_view kv = {.segments = {list, 2 * BLOCKS + 1},
                             .first = {first, LENGTH},
                             .base = {base, LENGTH},
                             .positions = {positions, LENGTH},
                             .offset_bytes = 128,
                             .kv_heads = KV,
                             .head_dim = DIM};
            float *q = tt_read(&s.t, s.q);
            for (size_t i = 0; i < LENGTH; i++)
                fh_assert_ok(fh_device_write(s.t.dev, s.q.mem, i * HEADS * DIM * 4,
                                             (fh_span){(const uint8_t *)(q + positions[i] * HEADS * DIM), HEADS * DIM * 4}));
            free(q);
            fh_attend op = {s.q, s.y, kv, HEADS, 0.2f};
            fh_assert_ok(fh_device_attend(s.t.dev, &op, &s.t.err));
            float *got = tt_read(&s.t, s.y);
            for (size_t i = 0; i < LENGTH; i++)
                assert_memory_equal(got + i * HEADS * DIM, expected + positions[i] * HEADS * DIM, HEADS * DIM * 4);
            free(got);
            fh_device_free(s.t.dev);
            fh_team_free(team);
        }
    free(expected);
}

/* Rows of different sequences side by side: the same positions, other segments, another first block. */
static void test_other_sequences(void **state) {
    for (unsigned isa = 0; isa <= (unsigned)fh_isa_best(); isa++) {
        enum { ROWS = 40 };
        struct sequence s;
        fh_tensor other;
        open_sequence(&s, fh_test_allocator(state), NULL, (fh_isa)isa);
        put(&s, 0, LENGTH);
        fh_assert_ok(tt_tensor(&s.t, HEADS * DIM, LENGTH, &other));
        fh_mem list[] = {s.segments[0], s.segments[1], s.segments[2], s.segments[2], s.segments[0], s.segments[1]};
        uint32_t first[ROWS], base[ROWS], positions[ROWS];
        for (uint32_t i = 0; i < ROWS; i++) { /* runs of 5 rows; first and base change in turn */
            first[i] = (i + 5) / 10 % 2 == 0 ? 0 : 3;
            base[i] = i / 10 % 2;
            positions[i] = 100 + i;
        }
        fh_kv_view kv = {.segments = {list, 6},
                         .first = {first, ROWS},
                         .base = {base, ROWS},
                         .positions = {positions, ROWS},
                         .offset_bytes = 128,
                         .kv_heads = KV,
                         .head_dim = DIM};
        fh_attend op = {tt_rows(s.q, 0, ROWS), tt_rows(s.y, 0, ROWS), kv, HEADS, 0.2f};
        fh_assert_ok(fh_device_attend(s.t.dev, &op, &s.t.err));
        for (uint32_t i = 0; i < ROWS; i++) {
            op = (fh_attend){tt_rows(s.q, i, 1), tt_rows(other, i, 1), kv, HEADS, 0.2f};
            op.kv.first = (fh_u32s){first + i, 1};
            op.kv.base = (fh_u32s){base + i, 1};
            op.kv.positions = (fh_u32s){positions + i, 1};
            fh_assert_ok(fh_device_attend(s.t.dev, &op, &s.t.err));
        }
        tt_same(&s.t, "sequences", tt_rows(s.y, 0, ROWS), tt_rows(other, 0, ROWS));
        fh_device_free(s.t.dev);
    }
}

/* A window: rows that begin at a later block see only from there; two rows of one place leave the later one. */
static void test_base_and_order(void **state) {
    struct sequence s;
    open_sequence(&s, fh_test_allocator(state), NULL, fh_isa_best());
    put(&s, 0, LENGTH);
    uint32_t two[1] = {2};
    fh_kv_view kv = rows_of(&s, 150, 1);
    kv.base = (fh_u32s){two, 1};
    kv.first = (fh_u32s){two, 1};
    fh_attend op = {tt_rows(s.q, 150, 1), tt_rows(s.y, 0, 1), kv, HEADS, 0.2f};
    fh_assert_ok(fh_device_attend(s.t.dev, &op, &s.t.err));
    fh_mem tail[1] = {s.segments[2]}; /* the same, with only that segment in the list */
    kv.segments = (fh_mems){tail, 1};
    kv.first = (fh_u32s){s.zeros, 1};
    op.y = tt_rows(s.y, 1, 1), op.kv = kv;
    fh_assert_ok(fh_device_attend(s.t.dev, &op, &s.t.err));
    tt_same(&s.t, "base", tt_rows(s.y, 0, 1), tt_rows(s.y, 1, 1));
    uint32_t same[3] = {70, 70, 70};
    kv = rows_of(&s, 0, 3);
    kv.positions = (fh_u32s){same, 3};
    fh_kv_put twice = {tt_rows(s.k, 0, 3), tt_rows(s.v, 0, 3), kv};
    fh_assert_ok(fh_device_kv_put(s.t.dev, &twice, &s.t.err));
    float *k = tt_read(&s.t, s.k);
    uint16_t first = 0;
    fh_assert_ok(fh_device_read(s.t.dev, s.segments[1], 128 + 6 * 2, (fh_mspan){(uint8_t *)&first, 2}));
    assert_int_equal(first, fh_f16_of_f32(k[2 * KV * DIM]));
    free(k);
    fh_device_free(s.t.dev);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_put),        FH_TEST_ALLOC(test_accuracy),        FH_TEST_ALLOC(test_chunks),
        FH_TEST_ALLOC(test_neighbours), FH_TEST_ALLOC(test_other_sequences), FH_TEST_ALLOC(test_base_and_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
