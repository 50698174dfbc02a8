/* test_score.c: tiles of vectors against queries: every instruction set gives the bits of the plainest sum, for every shape,
 * type and value; what does not fit is refused. */
#include "fh_test.h"

#include "freehold/fmath.h"
#include "freehold/score.h"

static const fh_dtype types[] = {FH_DTYPE_F32, FH_DTYPE_F16, FH_DTYPE_BF16};

/* Ordinary numbers, and now and then one that is none or next to none. */
static float value(fh_test_rng *rng, bool hostile) {
    static const uint32_t bits[] = {0x7f800000u, 0xff800000u, 0x7fc00000u, 0xffc12345u, 0x7f7fffffu, 0x00000001u, 0x80000000u};
    if (hostile && fh_test_rng_below(rng, 9) == 0)
        return fh_f32_of_bits(bits[fh_test_rng_below(rng, sizeof bits / sizeof bits[0])]);
    return (float)((double)fh_test_rng_below(rng, 2000001) * 1e-6 - 1.0);
}

typedef struct scene {
    fh_allocator *a;
    fh_tiles tiles;
    fh_f32s queries, vectors, scalar, other;
    fh_u64s room;
} scene;

static scene make(fh_allocator *a, fh_dtype t, size_t dim, size_t tiles, size_t queries, bool hostile) {
    scene s = {.a = a, .tiles = {.dtype = t, .dim = dim}};
    fh_test_rng rng = fh_test_rng_new(dim * 100 + queries * 10 + tiles + (size_t)t);
    size_t bytes;
    fh_assert_ok(fh_tile_bytes(t, dim, &bytes));
    fh_assert_ok(fh_u64s_new(a, tiles * bytes / 8, &s.room));
    s.tiles.bytes = fh_u64s_bytes(s.room);
    fh_assert_ok(fh_f32s_new(a, tiles * FH_TILE_ROWS * dim, &s.vectors));
    fh_assert_ok(fh_f32s_new(a, queries * dim, &s.queries));
    fh_assert_ok(fh_f32s_new(a, queries * tiles * FH_TILE_ROWS, &s.scalar));
    fh_assert_ok(fh_f32s_new(a, queries * tiles * FH_TILE_ROWS, &s.other));
    for (size_t i = 0; i < s.vectors.count; i++)
        s.vectors.at[i] = value(&rng, hostile);
    for (size_t i = 0; i < s.queries.count; i++)
        s.queries.at[i] = value(&rng, hostile);
    for (size_t row = 0; row < tiles * FH_TILE_ROWS; row++)
        fh_tile_put(s.tiles, row, fh_f32s_sub(s.vectors, row * dim, dim));
    return s;
}

static void end(scene *s) {
    fh_u64s_free(s->a, &s->room);
    fh_f32s_free(s->a, &s->vectors);
    fh_f32s_free(s->a, &s->queries);
    fh_f32s_free(s->a, &s->scalar);
    fh_f32s_free(s->a, &s->other);
}

static void test_bits(void **state) {
    static const size_t dims[] = {1, 2, 3, 16, 31, 128, 300}, counts[] = {1, 3, 4, 5, 9}, asked[] = {1, 2, 4, 5, 11};
    for (size_t t = 0; t < 3; t++)
        for (size_t d = 0; d < sizeof dims / sizeof dims[0]; d++)
            for (size_t n = 0; n < 5; n++)
                for (int hostile = 0; hostile < 2; hostile++) {
                    scene s = make(fh_test_allocator(state), types[t], dims[d], counts[n], asked[(n + d) % 5], hostile != 0);
                    for (int kind = 0; kind < FH_SCORE_COUNT; kind++) {
                        fh_assert_ok(fh_score(FH_ISA_SCALAR, fh_tiles_view(s.tiles), (fh_score_kind)kind, s.queries, s.scalar));
                        for (unsigned isa = FH_ISA_SCALAR + 1; isa <= (unsigned)fh_isa_best(); isa++) {
                            fh_assert_ok(fh_score((fh_isa)isa, fh_tiles_view(s.tiles), (fh_score_kind)kind, s.queries,
                                                  s.other));
                            assert_memory_equal(s.scalar.at, s.other.at, s.scalar.count * sizeof(float));
                        }
                    }
                    end(&s);
                }
}

/* The definition, in double precision: what was put is what is scored, each vector in its own place. */
static void test_values(void **state) {
    for (size_t t = 0; t < 3; t++) {
        enum { DIM = 37, TILES = 2, QUERIES = 3, ROWS = TILES * FH_TILE_ROWS };
        scene s = make(fh_test_allocator(state), types[t], DIM, TILES, QUERIES, false);
        float back[DIM];
        for (int kind = 0; kind < FH_SCORE_COUNT; kind++) {
            fh_assert_ok(fh_score(fh_isa_best(), fh_tiles_view(s.tiles), (fh_score_kind)kind, s.queries, s.other));
            for (size_t i = 0; i < s.other.count; i++) {
                double sum = 0;
                fh_tile_get(fh_tiles_view(s.tiles), i % ROWS, (fh_f32s){back, DIM});
                for (size_t c = 0; c < DIM; c++) {
                    double x = (double)s.queries.at[i / ROWS * DIM + c], v = (double)back[c];
                    double near = (double)s.vectors.at[i % ROWS * DIM + c] - v;
                    assert_true(near * near <= (t == 0 ? 0.0 : 2e-5));
                    sum += kind == FH_SCORE_DOT ? x * v : (x - v) * (x - v);
                }
                double off = sum - (double)s.other.at[i];
                assert_true(off * off < 1e-9);
            }
        }
        end(&s);
    }
}

/* Some rows of a matrix: the same bits on every instruction set, near the exact sum; sizes around 16 lanes and 4 rows. */
static void test_rows(void **state) {
    enum { DIM_MAX = 70, MANY = 23 };
    static float matrix[DIM_MAX * MANY], query[DIM_MAX];
    fh_test_rng rng = fh_test_rng_new(6);
    (void)state;
    for (size_t i = 0; i < DIM_MAX * MANY; i++)
        matrix[i] = (float)fh_test_rng_below(&rng, 2001) * 1e-3f - 1.0f;
    for (size_t i = 0; i < DIM_MAX; i++)
        query[i] = (float)fh_test_rng_below(&rng, 2001) * 1e-3f - 1.0f;
    for (size_t dim = 1; dim <= DIM_MAX; dim++)
        for (int kind = 0; kind < FH_SCORE_COUNT; kind++) {
            uint32_t which[MANY];
            float scalar[MANY], other[MANY];
            size_t count = fh_test_rng_below(&rng, MANY + 1);
            for (size_t i = 0; i < count; i++)
                which[i] = (uint32_t)fh_test_rng_below(&rng, MANY);
            fh_f32s rows = {matrix, dim * MANY}, q = {query, dim};
            fh_u32s some = {which, count};
            fh_assert_ok(fh_score_rows(FH_ISA_SCALAR, rows, dim, (fh_score_kind)kind, q, some, (fh_f32s){scalar, count}));
            for (unsigned isa = 1; isa <= (unsigned)fh_isa_best(); isa++) {
                fh_assert_ok(fh_score_rows((fh_isa)isa, rows, dim, (fh_score_kind)kind, q, some, (fh_f32s){other, count}));
                assert_memory_equal(scalar, other, count * sizeof(float));
            }
            for (size_t i = 0; i < count; i++) {
                double sum = 0;
                for (size_t c = 0; c < dim; c++) {
                    double x = query[c], v = matrix[which[i] * dim + c];
                    sum += kind == FH_SCORE_DOT ? x * v : (x - v) * (x - v);
                }
                double off = sum - (double)scalar[i];
                assert_true(off * off < 1e-9);
            }
        }
    uint32_t outside = MANY;
    float out;
    fh_f32s rows = {matrix, 4 * MANY}, q = {query, 4};
    fh_assert_code(fh_score_rows(FH_ISA_SCALAR, rows, 4, FH_SCORE_DOT, q, (fh_u32s){&outside, 1}, (fh_f32s){&out, 1}),
                   FH_INVALID);
    outside = 0;
    fh_assert_code(fh_score_rows(FH_ISA_SCALAR, rows, 4, FH_SCORE_DOT, (fh_f32s){query, 3}, (fh_u32s){&outside, 1},
                                 (fh_f32s){&out, 1}), FH_INVALID);
    fh_assert_code(fh_score_rows(FH_ISA_SCALAR, rows, 4, FH_SCORE_DOT, q, (fh_u32s){&outside, 1}, (fh_f32s){&out, 0}),
                   FH_INVALID);
    fh_assert_code(fh_score_rows(FH_ISA_SCALAR, rows, 0, FH_SCORE_DOT, q, (fh_u32s){&outside, 1}, (fh_f32s){&out, 1}),
                   FH_INVALID);
    fh_assert_code(fh_score_rows(FH_ISA_COUNT, rows, 4, FH_SCORE_DOT, q, (fh_u32s){&outside, 1}, (fh_f32s){&out, 1}),
                   FH_UNSUPPORTED);
}

static void test_copy(void **state) {
    scene s = make(fh_test_allocator(state), FH_DTYPE_BF16, 5, 2, 1, true), to = make(s.a, FH_DTYPE_BF16, 5, 3, 1, false);
    float a[5], b[5];
    fh_tile_copy(to.tiles, 40, fh_tiles_view(s.tiles), 17);
    fh_tile_get(fh_tiles_view(s.tiles), 17, (fh_f32s){a, 5});
    fh_tile_get(fh_tiles_view(to.tiles), 40, (fh_f32s){b, 5});
    assert_memory_equal(a, b, sizeof a);
    end(&to);
    end(&s);
}

static void test_refusals(void **state) {
    scene s = make(fh_test_allocator(state), FH_DTYPE_F32, 4, 2, 2, false);
    size_t bytes = 7;
    fh_assert_code(fh_tile_bytes(FH_DTYPE_Q8_0, 32, &bytes), FH_UNSUPPORTED);
    assert_int_equal(bytes, 0);
    fh_assert_code(fh_tile_bytes(FH_DTYPE_F32, 0, &bytes), FH_LIMIT);
    fh_assert_code(fh_tile_bytes(FH_DTYPE_F32, FH_TILE_DIM_MAX + 1, &bytes), FH_LIMIT);
    const fh_isa best = fh_isa_best();
    fh_assert_code(fh_score(FH_ISA_COUNT, fh_tiles_view(s.tiles), FH_SCORE_DOT, s.queries, s.other), FH_UNSUPPORTED);
    fh_assert_code(fh_score(best, fh_tiles_view(s.tiles), FH_SCORE_COUNT, s.queries, s.other), FH_UNSUPPORTED);
    fh_tiles cut = s.tiles;
    cut.bytes.size -= 1;
    fh_assert_code(fh_score(best, fh_tiles_view(cut), FH_SCORE_DOT, s.queries, s.other), FH_INVALID);
    fh_assert_code(fh_score(best, fh_tiles_view(s.tiles), FH_SCORE_DOT, (fh_f32s){s.queries.at, 7}, s.other), FH_INVALID);
    fh_assert_code(fh_score(best, fh_tiles_view(s.tiles), FH_SCORE_DOT, (fh_f32s){s.queries.at, 4}, s.other), FH_INVALID);
    fh_assert_code(fh_score(best, fh_tiles_view(s.tiles), FH_SCORE_DOT, s.queries,
                            (fh_f32s){s.other.at, s.other.count - 1}), FH_INVALID);
    fh_assert_code(fh_score(best, (fh_tile_view){FH_DTYPE_F32, 4, {NULL, 0}}, FH_SCORE_DOT, s.queries, s.other), FH_INVALID);
    fh_assert_ok(fh_score(best, (fh_tile_view){FH_DTYPE_F32, 4, {NULL, 0}}, FH_SCORE_DOT, s.queries, (fh_f32s){NULL, 0}));
    fh_assert_ok(fh_score(best, fh_tiles_view(s.tiles), FH_SCORE_DOT, (fh_f32s){NULL, 0}, (fh_f32s){NULL, 0}));
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_bits),
        FH_TEST_ALLOC(test_values),
        FH_TEST_ALLOC(test_rows),
        FH_TEST_ALLOC(test_copy),
        FH_TEST_ALLOC(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
