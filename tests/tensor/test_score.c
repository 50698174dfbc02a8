/* test_score.c: tiles of vectors against queries: every instruction set gives the bits of the plainest sum, for every shape,
 * type and value; what does not fit is refused. */
#include "fh_test.h"

#include <string.h>

#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "freehold/score.h"

static const fh_vector_type types[] = {FH_VECTOR_F32, FH_VECTOR_F16, FH_VECTOR_BF16};

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

static scene make(fh_allocator *a, fh_vector_type t, size_t dim, size_t tiles, size_t queries, bool hostile) {
    scene s = {.a = a, .tiles = {.type = t, .dim = dim}};
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
            fh_span rows = fh_span_of_mut(fh_f32s_bytes((fh_f32s){matrix, dim * MANY}));
            fh_f32s q = {query, dim};
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
    fh_span rows = fh_span_of_mut(fh_f32s_bytes((fh_f32s){matrix, (size_t)4 * MANY}));
    fh_f32s q = {query, 4};
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

/* --- codes -------------------------------------------------------------------------------------------------------------- */

enum { CODE_DIM_MAX = 1100, CODE_TILES = 5, CODE_QUERIES = 6 };

typedef struct coded {
    fh_allocator *a;
    fh_tiles tiles;
    fh_u64s room;
    fh_u32s queries;
    fh_f32s numbers, scalar, other; /* numbers: of the queries */
} coded;

/* Vectors of many sizes; the first is 0. */
static coded make_codes(fh_allocator *a, fh_vector_type t, size_t dim) {
    coded s = {.a = a, .tiles = {.type = t, .dim = dim}};
    fh_test_rng rng = fh_test_rng_new(dim + (size_t)t);
    float x[CODE_DIM_MAX];
    size_t bytes, words = fh_codes_words(t, dim), rows = CODE_TILES * FH_TILE_ROWS;
    fh_assert_ok(fh_tile_bytes(t, dim, &bytes));
    fh_assert_ok(fh_u64s_new(a, CODE_TILES * bytes / 8, &s.room));
    s.tiles.bytes = fh_u64s_bytes(s.room);
    fh_assert_ok(fh_u32s_new(a, CODE_QUERIES * words, &s.queries));
    fh_assert_ok(fh_f32s_new(a, CODE_QUERIES * dim, &s.numbers));
    fh_assert_ok(fh_f32s_new(a, CODE_QUERIES * rows, &s.scalar));
    fh_assert_ok(fh_f32s_new(a, CODE_QUERIES * rows, &s.other));
    for (size_t row = 0; row < rows + CODE_QUERIES; row++) {
        for (size_t c = 0; c < dim; c++)
            x[c] = row == 0 ? 0.0f : value(&rng, false) * (float)(row % 7 + 1) * (row == 1 ? 1e-42f : 1.0f);
        if (row < rows)
            fh_tile_put(s.tiles, row, (fh_f32s){x, dim});
        else
            fh_codes_put(t, (fh_f32s){x, dim}, fh_u32s_sub(s.queries, (row - rows) * words, words));
    }
    for (size_t q = 0; q < CODE_QUERIES; q++)
        fh_codes_get(t, fh_u32s_sub(s.queries, q * words, words), fh_f32s_sub(s.numbers, q * dim, dim));
    return s;
}

static void end_codes(coded *s) {
    fh_u64s_free(s->a, &s->room);
    fh_u32s_free(s->a, &s->queries);
    fh_f32s_free(s->a, &s->numbers);
    fh_f32s_free(s->a, &s->scalar);
    fh_f32s_free(s->a, &s->other);
}

static void compare_isas(coded *s) {
    for (int kind = 0; kind < FH_SCORE_COUNT; kind++) {
        fh_assert_ok(fh_score_codes(FH_ISA_SCALAR, fh_tiles_view(s->tiles), (fh_score_kind)kind, s->queries, s->scalar));
        for (unsigned isa = FH_ISA_SCALAR + 1; isa <= (unsigned)fh_isa_best(); isa++) {
            fh_assert_ok(fh_score_codes((fh_isa)isa, fh_tiles_view(s->tiles), (fh_score_kind)kind, s->queries, s->other));
            assert_memory_equal(s->scalar.at, s->other.at, s->scalar.count * sizeof(float));
        }
    }
}

/* Scores are those of what the codes stand for; every instruction set has the same bits; what was put looks as if it was. */
static void test_codes(void **state) {
    static const size_t dims[] = {1, 3, 4, 5, 31, 32, 33, 64, 127, 300, CODE_DIM_MAX};
    for (size_t i = 0; i < 2 * sizeof dims / sizeof dims[0]; i++) {
        size_t dim = dims[i / 2], rows = CODE_TILES * FH_TILE_ROWS;
        coded s = make_codes(fh_test_allocator(state), i % 2 == 0 ? FH_VECTOR_I8 : FH_VECTOR_B1, dim);
        float v[CODE_DIM_MAX];
        compare_isas(&s);
        for (int kind = 0; kind < FH_SCORE_COUNT; kind++) {
            fh_assert_ok(fh_score_codes(fh_isa_best(), fh_tiles_view(s.tiles), (fh_score_kind)kind, s.queries, s.other));
            for (size_t k = 0; k < s.other.count; k++) {
                double sum = 0.0, size = 1.0;
                fh_tile_get(fh_tiles_view(s.tiles), k % rows, (fh_f32s){v, dim});
                for (size_t c = 0; c < dim; c++) {
                    double x = (double)s.numbers.at[k / rows * dim + c], y = (double)v[c];
                    sum += kind == FH_SCORE_DOT ? x * y : (x - y) * (x - y);
                    size += x * x + y * y;
                }
                double off = sum - (double)s.other.at[k];
                assert_true(off * off <= (i % 2 == 0 ? size * size * 1e-12 : 0.0));
            }
        }
        for (size_t row = 0; row < rows; row++)
            assert_true(fh_tile_is_put(fh_tiles_view(s.tiles), row));
        end_codes(&s);
    }
}

/* Any bytes have the same score everywhere, and only those that were put pass for that. */
static void test_wild_codes(void **state) {
    static const size_t dims[] = {1, 6, 33, 64, 260};
    for (size_t i = 0; i < 2 * sizeof dims / sizeof dims[0]; i++) {
        coded s = make_codes(fh_test_allocator(state), i % 2 == 0 ? FH_VECTOR_I8 : FH_VECTOR_B1, dims[i / 2]);
        fh_test_rng rng = fh_test_rng_new(i);
        for (size_t k = 0; k < s.room.count; k++)
            s.room.at[k] = fh_test_rng_below(&rng, 5) == 0 ? UINT64_C(0x8080808080808080) : fh_test_rng_next(&rng);
        compare_isas(&s);
        if (i % 2 == 0)
            assert_false(fh_tile_is_put(fh_tiles_view(s.tiles), 3));
        end_codes(&s);
    }
}

/* Rounded to nearest, even from the middle; the greatest is ±127. */
static void test_rounding(void **state) {
    const float x[] = {127, -127, 0.5f, 1.5f, 2.4f, -2.5f, -0.0f}, back[] = {127, -127, 0, 2, 2, -2, 0};
    float numbers[7], y[7];
    uint32_t codes[4];
    (void)state;
    memcpy(numbers, x, sizeof x);
    assert_int_equal(fh_codes_words(FH_VECTOR_I8, 7), 4);
    fh_codes_put(FH_VECTOR_I8, (fh_f32s){numbers, 7}, (fh_u32s){codes, 4});
    fh_codes_get(FH_VECTOR_I8, (fh_u32s){codes, 4}, (fh_f32s){y, 7});
    for (size_t i = 0; i < 7; i++)
        assert_true(y[i] == back[i]);
    assert_int_equal(fh_codes_words(FH_VECTOR_B1, 7), 1);
    fh_codes_put(FH_VECTOR_B1, (fh_f32s){numbers, 7}, (fh_u32s){codes, 1});
    assert_int_equal(codes[0], 0x1d);
    assert_int_equal(fh_codes_words(FH_VECTOR_F16, 7), 0);
}

/* Each thing that cannot have been put. */
static void test_is_put(void **state) {
    static const struct {
        fh_vector_type type;
        size_t word;
        uint32_t value;
    } rows[] = {
        {FH_VECTOR_I8, 0, 0x7f800000}, {FH_VECTOR_I8, 0, 0xbf800000}, /* the scale */
        {FH_VECTOR_I8, 1, 0},                                         /* the squares */
        {FH_VECTOR_I8, 2, 0x00000080},                                /* a code of −128 */
        {FH_VECTOR_I8, 3, 0x00010000},                                /* behind the last element */
        {FH_VECTOR_B1, 0, 0x40},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t room[4 * 16 / 2] = {0};
        float x[6] = {1, 2, 3, 4, 5, 6};
        fh_u64s all = {room, sizeof room / 8};
        size_t bytes;
        fh_assert_ok(fh_tile_bytes(rows[i].type, 6, &bytes));
        fh_tiles t = {rows[i].type, 6, {fh_u64s_bytes(all).at, bytes}};
        fh_tile_put(t, 5, (fh_f32s){x, 6});
        assert_true(fh_tile_is_put(fh_tiles_view(t), 5));
        fh_mspan_put_u32(t.bytes, 4 * (16 * rows[i].word + 5), rows[i].value);
        if (rows[i].word % 2 == 0 && rows[i].type == FH_VECTOR_I8) { /* with its own sum of squares: one thing is wrong */
            double scale = (double)fh_f32_of_bits(fh_span_u32(fh_span_of_mut(t.bytes), 4 * 5)), sum = 0.0;
            for (size_t c = 0; c < 6; c++) {
                int code = (int8_t)t.bytes.at[4 * (16 * (2 + c / 4) + 5) + c % 4];
                sum += (double)(code * code);
            }
            fh_mspan_put_u32(t.bytes, 4 * (16 + 5), fh_bits_of_f32((float)(scale * scale * sum)));
        }
        assert_false(fh_tile_is_put(fh_tiles_view(t), 5));
    }
    (void)state;
}

static void test_code_refusals(void **state) {
    coded s = make_codes(fh_test_allocator(state), FH_VECTOR_I8, 8);
    const fh_isa best = fh_isa_best();
    fh_tile_view t = fh_tiles_view(s.tiles), plain = {FH_VECTOR_F32, 8, t.bytes};
    fh_assert_code(fh_score_codes(FH_ISA_COUNT, t, FH_SCORE_DOT, s.queries, s.other), FH_UNSUPPORTED);
    fh_assert_code(fh_score_codes(best, plain, FH_SCORE_DOT, s.queries, s.other), FH_UNSUPPORTED);
    fh_assert_code(fh_score(best, t, FH_SCORE_DOT, s.numbers, s.other), FH_UNSUPPORTED);
    fh_assert_code(fh_score_codes(best, t, FH_SCORE_DOT, fh_u32s_sub(s.queries, 0, 4), s.other), FH_INVALID);
    fh_assert_code(fh_score_codes(best, t, FH_SCORE_DOT, fh_u32s_sub(s.queries, 0, 9), fh_f32s_sub(s.other, 0, 160)),
                   FH_INVALID);
    fh_assert_code(fh_score_codes(best, t, FH_SCORE_DOT, s.queries, fh_f32s_sub(s.other, 0, 16)), FH_INVALID);
    t.bytes.size -= 4;
    fh_assert_code(fh_score_codes(best, t, FH_SCORE_DOT, s.queries, s.other), FH_INVALID);
    end_codes(&s);
}

static void test_copy(void **state) {
    scene s = make(fh_test_allocator(state), FH_VECTOR_BF16, 5, 2, 1, true), to = make(s.a, FH_VECTOR_BF16, 5, 3, 1, false);
    float a[5], b[5];
    fh_tile_copy(to.tiles, 40, fh_tiles_view(s.tiles), 17);
    fh_tile_get(fh_tiles_view(s.tiles), 17, (fh_f32s){a, 5});
    fh_tile_get(fh_tiles_view(to.tiles), 40, (fh_f32s){b, 5});
    assert_memory_equal(a, b, sizeof a);
    end(&to);
    end(&s);
    for (int t = FH_VECTOR_I8; t <= FH_VECTOR_B1; t++) {
        coded from = make_codes(fh_test_allocator(state), (fh_vector_type)t, 5);
        coded other = make_codes(from.a, (fh_vector_type)t, 5);
        fh_tile_copy(other.tiles, 40, fh_tiles_view(from.tiles), 17);
        fh_tile_get(fh_tiles_view(from.tiles), 17, (fh_f32s){a, 5});
        fh_tile_get(fh_tiles_view(other.tiles), 40, (fh_f32s){b, 5});
        assert_memory_equal(a, b, sizeof a);
        assert_true(fh_tile_is_put(fh_tiles_view(other.tiles), 40));
        end_codes(&from);
        end_codes(&other);
    }
}

static void test_refusals(void **state) {
    scene s = make(fh_test_allocator(state), FH_VECTOR_F32, 4, 2, 2, false);
    size_t bytes = 7;
    fh_assert_code(fh_tile_bytes(FH_VECTOR_COUNT, 32, &bytes), FH_UNSUPPORTED);
    assert_int_equal(bytes, 0);
    fh_assert_code(fh_tile_bytes(FH_VECTOR_F32, 0, &bytes), FH_LIMIT);
    fh_assert_code(fh_tile_bytes(FH_VECTOR_F32, FH_TILE_DIM_MAX + 1, &bytes), FH_LIMIT);
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
    fh_assert_code(fh_score(best, (fh_tile_view){FH_VECTOR_F32, 4, {NULL, 0}}, FH_SCORE_DOT, s.queries, s.other), FH_INVALID);
    fh_assert_ok(fh_score(best, (fh_tile_view){FH_VECTOR_F32, 4, {NULL, 0}}, FH_SCORE_DOT, s.queries, (fh_f32s){NULL, 0}));
    fh_assert_ok(fh_score(best, fh_tiles_view(s.tiles), FH_SCORE_DOT, (fh_f32s){NULL, 0}, (fh_f32s){NULL, 0}));
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_bits),
        FH_TEST_ALLOC(test_values),
        FH_TEST_ALLOC(test_rows),
        FH_TEST_ALLOC(test_copy),
        FH_TEST_ALLOC(test_codes),
        FH_TEST_ALLOC(test_wild_codes),
        FH_TEST_ALLOC(test_rounding),
        FH_TEST_ALLOC(test_is_put),
        FH_TEST_ALLOC(test_code_refusals),
        FH_TEST_ALLOC(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
