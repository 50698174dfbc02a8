/* test_scalar.c: every kernel of every instruction set gives the bits of scalar.c, over odd shapes and hostile values.
 *
 * Each comparison runs both tables on the same bytes and compares whole output buffers, guard elements included, so that a
 * store outside a result shows as well. Values come in kinds: ordinary numbers, the extremes of the types, and numbers
 * that are none.
 *
 * Threading: single. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freehold/fmath.h"
#include "support/fh_test.h"
#include "tensor/kern/kern.h"

enum kind { ORDINARY, EXTREME, HOSTILE, KINDS };

static float value(fh_test_rng *rng, enum kind kind) {
    static const float extremes[] = {0.0f,      -0.0f,      1.0f,      -1.0f,     127.0f, -127.0f,
                                     0x1p-130f, -0x1p-149f, 0x1p-121f, 0x1p-119f, 3e30f,  -3e30f};
    static const uint32_t bits[] = {0x7f800000u, 0xff800000u, 0x7fc00000u, 0xffc12345u,
                                    0x7f800001u, 0x7f7fffffu, 0xff7fffffu, 0x00000001u};
    float x = (float)((double)fh_test_rng_below(rng, 2000001) * 1e-6 - 1.0);
    if (kind == EXTREME && fh_test_rng_below(rng, 3) != 0)
        return extremes[fh_test_rng_below(rng, sizeof extremes / sizeof extremes[0])];
    if (kind == HOSTILE && fh_test_rng_below(rng, 40) == 0)
        return fh_f32_of_bits(bits[fh_test_rng_below(rng, sizeof bits / sizeof bits[0])]);
    return x;
}

static void fill(fh_test_rng *rng, enum kind kind, float *x, size_t count) {
    for (size_t i = 0; i < count; i++)
        x[i] = value(rng, kind);
}

/* A float16 of the kind; scales of blocks are these. */
static uint16_t half(fh_test_rng *rng, enum kind kind) {
    if (kind == ORDINARY)
        return fh_f16_of_f32(value(rng, kind) * 0.01f);
    static const uint16_t all[] = {0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x7bff, 0xfbff, 0x3c00, 0xbc00};
    static const uint16_t none[] = {0x7c00, 0xfc00, 0x7e00, 0xfe55, 0x7c01};
    if (kind == HOSTILE && fh_test_rng_below(rng, 100) == 0)
        return none[fh_test_rng_below(rng, sizeof none / sizeof none[0])];
    return all[fh_test_rng_below(rng, sizeof all / sizeof all[0])];
}

/* A matrix in GGUF layout; extreme blocks hold the ends of the code range. */
static void fill_matrix(fh_test_rng *rng, enum kind kind, fh_dtype t, size_t count, uint8_t *w) {
    size_t block = fh_dtype_block(t), bytes = t == FH_DTYPE_Q8_0 ? 34 : t == FH_DTYPE_Q4_0 ? 18 : t == FH_DTYPE_F32 ? 4 : 2;
    for (size_t i = 0; i < count / block; i++, w += bytes) {
        if (block > 1) {
            uint16_t scale = half(rng, kind);
            memcpy(w, &scale, 2);
            for (size_t b = 2; b < bytes; b++)
                w[b] = (uint8_t)(kind == EXTREME ? (fh_test_rng_below(rng, 2) ? 0x80 : 0x7f) : fh_test_rng_next(rng));
        } else if (t == FH_DTYPE_F32) {
            float x = value(rng, kind);
            memcpy(w, &x, 4);
        } else {
            uint16_t x = t == FH_DTYPE_F16 ? half(rng, kind) : fh_bf16_of_f32(value(rng, kind));
            memcpy(w, &x, 2);
        }
    }
}

/* What a test compares: `scalar` and one other table, and buffers for both. */
struct pair {
    const struct kern *kern;
    fh_test_rng rng;
    enum kind kind;
};

#define FOR_EACH(it) \
    for (unsigned isa_ = FH_ISA_SCALAR + 1; isa_ <= (unsigned)fh_isa_best(); isa_++) \
        for (unsigned kind_ = 0; kind_ < KINDS; kind_++) \
            if (((it) = (struct pair){fh_kern_get((fh_isa)isa_), fh_test_rng_new(isa_ * 10 + kind_), (enum kind)kind_}) \
                    .kern != NULL)

static void *make(size_t count, size_t size) {
    void *p = calloc(count, size);
    assert_non_null(p);
    return p;
}

/* Fails with the place of the first difference. */
static void same_bits(const struct pair *p, const char *what, size_t shape, const void *expected, const void *got,
                      size_t bytes) {
    const uint8_t *a = expected, *b = got;
    for (size_t i = 0; i < bytes; i++)
        if (a[i] != b[i]) {
            uint32_t x = 0, y = 0;
            memcpy(&x, a + i / 4 * 4, 4);
            memcpy(&y, b + i / 4 * 4, 4);
            fail_msg("%s of %s, kind %d, shape %zu: element %zu is %08x, scalar gives %08x", what, fh_isa_name(p->kern->isa),
                     (int)p->kind, shape, i / 4, y, x);
        }
}

static const size_t odd_counts[] = {1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 96, 127, 128, 172, 288, 2048};
enum { ODD = sizeof odd_counts / sizeof odd_counts[0], MOST = 2048, GUARD = 16 };

static void test_row_kernels(void **state) {
    (void)state;
    float *x = make(MOST + GUARD, 4), *w = make(MOST + GUARD, 4), *a = make(MOST + GUARD, 4), *b = make(MOST + GUARD, 4);
    struct pair p;
    FOR_EACH(p) for (size_t round = 0; round < 8 * ODD; round++) {
        size_t n = odd_counts[round % ODD];
        const struct kern *s = &fh_kern_scalar;
        fill(&p.rng, p.kind, x, n);
        fill(&p.rng, p.kind, w, n);
        for (unsigned which = 0; which < 6; which++) {
            static const char *const names[] = {"norm", "glu", "halve", "mix", "rope of halves", "rope of pairs"};
            fill(&p.rng, p.kind, a, MOST + GUARD);
            memcpy(b, a, (MOST + GUARD) * 4);
            const float *ranks[3] = {x, w, x};
            switch (which) {
            case 0:
                s->norm(x, (const uint8_t *)w, n, 1e-5f, a);
                p.kern->norm(x, (const uint8_t *)w, n, 1e-5f, b);
                break;
            case 1: s->glu(x, w, n, a), p.kern->glu(x, w, n, b); break;
            case 2: s->halve(x, n, (uint16_t *)a), p.kern->halve(x, n, (uint16_t *)b); break;
            case 3: s->mix(ranks, w, 3, n, a), p.kern->mix(ranks, w, 3, n, b); break;
            default: s->rope(a, x, n / 2 * 2, which == 4), p.kern->rope(b, x, n / 2 * 2, which == 4); break;
            }
            if (which != 3 || n >= 3)
                same_bits(&p, names[which], n, a, b, (MOST + GUARD) * 4);
        }
    }
    free(x), free(w), free(a), free(b);
}

static void test_pack(void **state) {
    (void)state;
    size_t bytes = MOST / KERN_BLOCK * KERN_RECORD;
    float *x = make(MOST, 4);
    uint8_t *a = make(bytes, 1), *b = make(bytes, 1);
    struct pair p;
    FOR_EACH(p) for (size_t n = 32; n <= 512; n += 32) for (unsigned slot = 0; slot < KERN_TOKENS; slot++) {
        fill(&p.rng, p.kind, x, n);
        if (p.kind == EXTREME) /* halves between codes, and both ends */
            for (size_t i = 0; i < n; i++)
                x[i] = i % 32 == 0 ? 127.0f : (float)((int)(i % 255) - 127) + 0.5f;
        if (p.kind == HOSTILE && slot == 1)
            memset(x, 0, n * 4);
        fh_kern_scalar.pack(x, n, slot, a);
        p.kern->pack(x, n, slot, b);
        same_bits(&p, "pack", n, a, b, bytes);
    }
    free(x), free(a), free(b);
}

enum { TILE_ROWS = 40, TILE_STRIDE = 45 };

/* Runs one tile on both tables, plain and with `add`. */
static void compare_tile(struct pair *p, struct kern_tile t, const char *what) {
    static float a[KERN_TOKENS * TILE_STRIDE], b[KERN_TOKENS * TILE_STRIDE];
    for (unsigned add = 0; add < 2; add++) {
        fill(&p->rng, p->kind, a, KERN_TOKENS * TILE_STRIDE);
        memcpy(b, a, sizeof a);
        t.add = add;
        t.y_stride = TILE_STRIDE;
        t.y = a;
        if (fh_dtype_block(t.dtype) > 1)
            fh_kern_scalar.block_tile(&t);
        else
            fh_kern_scalar.float_tile(&t);
        t.y = b;
        if (fh_dtype_block(t.dtype) > 1)
            p->kern->block_tile(&t);
        else
            p->kern->float_tile(&t);
        same_bits(p, what, t.cols, a, b, sizeof a);
    }
}

static void test_block_tiles(void **state) {
    (void)state;
    static const fh_dtype types[] = {FH_DTYPE_Q8_0, FH_DTYPE_Q4_0};
    size_t cols_most = 512;
    float *x = make(KERN_TOKENS * cols_most, 4);
    uint8_t *matrix = make(TILE_ROWS * cols_most / 32, 34), *panel = make(cols_most / 32, KERN_Q8_RECORD);
    uint8_t *group = make(cols_most / 32, KERN_RECORD), *wide = make(cols_most / 32, KERN_Q8_RECORD);
    struct pair p;
    FOR_EACH(p) for (size_t cols = 32; cols <= cols_most; cols += cols < 128 ? 32 : 192) for (unsigned ty = 0; ty < 2; ty++) {
        fill_matrix(&p.rng, p.kind, types[ty], TILE_ROWS * cols, matrix);
        for (unsigned tokens = 1; tokens <= KERN_TOKENS; tokens++)
            for (size_t first = 0; first < TILE_ROWS; first += KERN_ROWS) {
                unsigned rows = first == 0 ? KERN_ROWS : TILE_ROWS - KERN_ROWS;
                fill(&p.rng, p.kind, x, KERN_TOKENS * cols);
                for (size_t i = 0; p.kind == EXTREME && i < KERN_TOKENS * cols; i++)
                    x[i] = fh_test_rng_below(&p.rng, 2) ? 1.0f : -1.0f;
                fh_kern_panel(types[ty], matrix, cols, TILE_ROWS, first, panel);
                for (unsigned j = 0; j < tokens; j++)
                    fh_kern_scalar.pack(x + j * cols, cols, j, group);
                struct kern_tile t = {
                    .dtype = types[ty], .w = panel, .cols = cols, .rows = rows, .tokens = tokens, .records = group};
                compare_tile(&p, t, fh_dtype_name(types[ty]));
                t.rows = 1 + (unsigned)fh_test_rng_below(&p.rng, rows);
                compare_tile(&p, t, fh_dtype_name(types[ty]));
                if (types[ty] != FH_DTYPE_Q4_0 || p.kern->widen == NULL)
                    continue;
                p.kern->widen(panel, cols, wide);
                struct kern_tile u = t;
                static float a[KERN_TOKENS * TILE_STRIDE], b[KERN_TOKENS * TILE_STRIDE];
                u.dtype = FH_DTYPE_Q8_0, u.w = wide;
                t.y = a, u.y = b, t.y_stride = u.y_stride = TILE_STRIDE;
                fh_kern_scalar.block_tile(&t);
                p.kern->block_tile(&u);
                same_bits(&p, "widened Q4_0", cols, a, b, sizeof a);
            }
    }
    free(x), free(matrix), free(panel), free(group), free(wide);
}

static void test_float_tiles(void **state) {
    (void)state;
    static const fh_dtype types[] = {FH_DTYPE_F32, FH_DTYPE_F16, FH_DTYPE_BF16};
    float *x = make(KERN_TOKENS * MOST, 4);
    uint8_t *matrix = make(KERN_ROWS * MOST + 1, 4);
    struct pair p;
    FOR_EACH(p) for (size_t c = 0; c < ODD - 1; c++) for (unsigned ty = 0; ty < 3; ty++) {
        size_t cols = odd_counts[c];
        uint8_t *w = matrix + c % 2; /* any alignment */
        fill_matrix(&p.rng, p.kind, types[ty], KERN_ROWS * cols, w);
        fill(&p.rng, p.kind, x, KERN_TOKENS * cols);
        for (unsigned tokens = 1; tokens <= KERN_TOKENS; tokens++) {
            unsigned rows = c % 3 == 0 ? KERN_ROWS : 1 + (unsigned)fh_test_rng_below(&p.rng, KERN_ROWS);
            struct kern_tile t = {
                .dtype = types[ty], .w = w, .cols = cols, .rows = rows, .tokens = tokens, .x = x, .x_stride = cols};
            compare_tile(&p, t, fh_dtype_name(types[ty]));
        }
    }
    free(x), free(matrix);
}

enum { DIM_MOST = 160, QUERY_OUT = DIM_MOST + GUARD };

/* One set of queries with room for their outputs. */
struct sights {
    struct kern_query query[KERN_TOKENS];
    float out[KERN_TOKENS][QUERY_OUT], y[KERN_TOKENS][QUERY_OUT];
};

static void run_attend(const struct kern *kern, struct kern_attend a, struct sights *s, const unsigned *counts) {
    for (unsigned i = 0; i < a.queries; i++) {
        s->query[i].count = counts[i];
        a.query[i] = &s->query[i];
    }
    kern->attend(&a);
}

static void test_attend(void **state) {
    (void)state;
    static const size_t dims[] = {1, 4, 8, 16, 20, 24, 64, 80, 128, 160};
    static float q[KERN_TOKENS * DIM_MOST];
    static uint16_t k[3][DIM_MOST * FH_KV_BLOCK], v[3][DIM_MOST * FH_KV_BLOCK];
    struct sights *a = make(1, sizeof *a), *b = make(1, sizeof *b);
    struct pair p;
    FOR_EACH(p) for (unsigned round = 0; round < 120; round++) {
        size_t dim = dims[round % 10];
        unsigned queries = 1 + round / 10 % KERN_TOKENS, counts[3][KERN_TOKENS];
        fill(&p.rng, p.kind, q, KERN_TOKENS * dim);
        for (unsigned block = 0; block < 3; block++) {
            for (size_t i = 0; i < dim * FH_KV_BLOCK; i++) {
                k[block][i] = p.kind == ORDINARY ? fh_f16_of_f32(value(&p.rng, ORDINARY)) : half(&p.rng, p.kind);
                v[block][i] = p.kind == ORDINARY ? fh_f16_of_f32(value(&p.rng, ORDINARY)) : half(&p.rng, p.kind);
            }
            for (unsigned i = 0; i < KERN_TOKENS; i++)
                counts[block][i] = block < 2 ? FH_KV_BLOCK : 1 + (unsigned)fh_test_rng_below(&p.rng, FH_KV_BLOCK);
        }
        memset(a, 0, sizeof *a);
        for (unsigned i = 0; i < queries; i++)
            a->query[i] = (struct kern_query){.q = q + i * dim, .max = fh_f32_of_bits(0xff800000u)};
        memcpy(b, a, sizeof *a);
        for (unsigned i = 0; i < queries; i++) {
            a->query[i].out = a->out[i];
            b->query[i].out = b->out[i];
        }
        for (unsigned block = round % 3; block < 3; block++) {
            struct kern_attend op = {.k = k[block], .v = v[block], .head_dim = dim, .scale = 0.125f, .queries = queries};
            run_attend(&fh_kern_scalar, op, a, counts[block]);
            run_attend(p.kern, op, b, counts[block]);
        }
        for (unsigned i = 0; i < queries; i++) {
            fh_kern_scalar.attend_end(&a->query[i], dim, a->y[i]);
            p.kern->attend_end(&b->query[i], dim, b->y[i]);
        }
        same_bits(&p, "attend", dim, a->y, b->y, sizeof a->y);
    }
    free(a), free(b);
}

/* Garbage past a query's own positions must not reach its result. */
static void test_attend_past_the_end(void **state) {
    (void)state;
    enum { DIM = 64 };
    static float q[KERN_TOKENS * DIM];
    static uint16_t k[DIM * FH_KV_BLOCK], v[DIM * FH_KV_BLOCK];
    struct sights *a = make(1, sizeof *a), *b = make(1, sizeof *b);
    fh_test_rng rng = fh_test_rng_new(5);
    for (unsigned isa = 0; isa <= (unsigned)fh_isa_best(); isa++) {
        const struct kern *kern = fh_kern_get((fh_isa)isa);
        unsigned counts[KERN_TOKENS] = {1, 7, 16, 17, 40, 63};
        fill(&rng, ORDINARY, q, KERN_TOKENS * DIM);
        for (size_t i = 0; i < DIM * FH_KV_BLOCK; i++)
            k[i] = v[i] = fh_f16_of_f32(value(&rng, ORDINARY));
        struct kern_attend op = {.k = k, .v = v, .head_dim = DIM, .scale = 0.125f, .queries = KERN_TOKENS};
        for (unsigned pass = 0; pass < 2; pass++) {
            struct sights *s = pass ? b : a;
            memset(s, 0, sizeof *s);
            for (unsigned i = 0; i < KERN_TOKENS; i++)
                s->query[i] = (struct kern_query){.q = q + i * DIM, .out = s->out[i], .max = fh_f32_of_bits(0xff800000u)};
            run_attend(kern, op, s, counts);
            for (unsigned i = 0; i < KERN_TOKENS; i++)
                kern->attend_end(&s->query[i], DIM, s->y[i]);
            for (size_t d = 0; d < DIM; d++)
                for (size_t j = 63; j < FH_KV_BLOCK; j++)
                    k[d * FH_KV_BLOCK + j] = v[j * DIM + d] = 0x7e00;
        }
        assert_memory_equal(a->y, b->y, sizeof a->y);
    }
    free(a), free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_kernels), cmocka_unit_test(test_pack),   cmocka_unit_test(test_block_tiles),
        cmocka_unit_test(test_float_tiles), cmocka_unit_test(test_attend), cmocka_unit_test(test_attend_past_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
