/* test_device.c: every refused misuse of a device is refused, with the right code and a message, and has written nothing.
 *
 * Each table starts from an operation that is right (and is run once to prove it), changes one thing, and expects one refusal.
 *
 * Threading: single. */
#include "tensor_test.h"

enum { K = 64, M = 48, N = 3, HEADS = 4, KV = 2, DIM = 16, SEGMENTS = 3, EXPERTS = 4 };

struct fixture {
    struct tt t;
    fh_mem dead;
    fh_tensor x, y, z;
    fh_weight w, w2, wide, norm, rows_only, experts_up, experts_down, router;
};

static void open_fixture(struct fixture *f, void **state) {
    struct tt *t = &f->t;
    fh_assert_ok(tt_open(t, fh_test_allocator(state), NULL, fh_isa_best(), 1));
    fh_assert_ok(fh_device_alloc(t->dev, 64, &f->dead));
    fh_assert_ok(fh_device_release(t->dev, f->dead));
    fh_assert_ok(tt_tensor(t, K, N, &f->x));
    fh_assert_ok(tt_tensor(t, M, N, &f->y));
    fh_assert_ok(tt_tensor(t, M, N, &f->z));
    fh_assert_ok(tt_weight(t, FH_DTYPE_Q8_0, K, M, 1, &f->w));
    fh_assert_ok(tt_weight(t, FH_DTYPE_F16, K, M, 1, &f->w2));
    fh_assert_ok(tt_weight(t, FH_DTYPE_Q4_0, 2 * K, M, 1, &f->wide));
    fh_assert_ok(tt_weight(t, FH_DTYPE_F32, 32, 1, 1, &f->norm));
    fh_assert_ok(tt_weight(t, FH_DTYPE_F32, K, EXPERTS, 1, &f->router));
    fh_assert_ok(tt_weight(t, FH_DTYPE_Q8_0, K, 32, EXPERTS, &f->experts_up));
    fh_assert_ok(tt_weight(t, FH_DTYPE_Q8_0, 32, K, EXPERTS, &f->experts_down));
    uint64_t bytes = 0;
    uint8_t *at = tt_matrix(t, FH_DTYPE_Q4_0, K, M, &bytes);
    fh_bytes data;
    fh_assert_ok(fh_bytes_copy(t->a, (fh_span){at, bytes}, &data));
    fh_assert_ok(fh_device_weight(t->dev, &(fh_weight_desc){FH_DTYPE_Q4_0, K, M, 1, data, true}, &f->rows_only, &t->err));
    fh_bytes_drop(&data);
    free(at);
}

/* A refusal: the status, the report, and that `out` is as it was. */
#define REFUSED(f, call, code, part, out) \
    do { \
        uint64_t before_ = tt_hash(&(f)->t, 0, (out)); \
        fh_err_clear(&(f)->t.err); \
        fh_assert_code(call, code); \
        fh_assert_err(&(f)->t.err, code, part); \
        assert_true(tt_hash(&(f)->t, 0, (out)) == before_); \
    } while (0)

static void test_memory(void **state) {
    struct tt t;
    fh_mem mem = {5}, other;
    uint8_t bytes[16] = {1, 2, 3};
    fh_assert_ok(tt_open(&t, fh_test_allocator(state), NULL, FH_ISA_SCALAR, 1));
    fh_assert_code(fh_device_alloc(t.dev, 0, &mem), FH_INVALID);
    assert_true(mem.value == 0);
    fh_assert_code(fh_device_alloc(t.dev, UINT64_MAX, &mem), FH_NOMEM);
    assert_true(mem.value == 0);
    fh_assert_ok(fh_device_alloc(t.dev, 32, &mem));
    fh_assert_ok(fh_device_alloc(t.dev, 32, &other));
    assert_true(fh_device_caps_get(t.dev).mem_bytes == 64);
    fh_assert_ok(fh_device_read(t.dev, mem, 16, (fh_mspan){bytes, 16}));
    assert_true(bytes[0] == 0 && bytes[2] == 0);
    bytes[15] = 7;
    fh_assert_ok(fh_device_write(t.dev, mem, 16, (fh_span){bytes, 16}));
    fh_assert_code(fh_device_write(t.dev, mem, 17, (fh_span){bytes, 16}), FH_INVALID);
    fh_assert_code(fh_device_write(t.dev, mem, UINT64_MAX, (fh_span){bytes, 16}), FH_INVALID);
    fh_assert_code(fh_device_read(t.dev, mem, 33, (fh_mspan){bytes, 0}), FH_INVALID);
    fh_assert_ok(fh_device_read(t.dev, mem, 32, (fh_mspan){bytes, 0}));
    fh_assert_ok(fh_device_release(t.dev, mem));
    assert_true(fh_device_caps_get(t.dev).mem_bytes == 32);
    fh_assert_code(fh_device_release(t.dev, mem), FH_STALE);
    fh_assert_code(fh_device_write(t.dev, mem, 0, (fh_span){bytes, 1}), FH_STALE);
    fh_assert_code(fh_device_read(t.dev, mem, 0, (fh_mspan){bytes, 1}), FH_STALE);
    fh_assert_code(fh_device_read(t.dev, (fh_mem){0}, 0, (fh_mspan){bytes, 1}), FH_STALE);
    fh_device_free(t.dev);
    fh_device_free(NULL);
}

static void test_new(void **state) {
    fh_device *dev = NULL;
    fh_assert_code(fh_cpu_new(fh_test_allocator(state), NULL, FH_ISA_COUNT, &dev), FH_INVALID);
    assert_null(dev);
    if (fh_isa_best() < FH_ISA_AVX512) {
        fh_assert_code(fh_cpu_new(fh_test_allocator(state), NULL, FH_ISA_AVX512, &dev), FH_UNSUPPORTED);
        assert_null(dev);
    }
    for (unsigned isa = 0; isa <= (unsigned)fh_isa_best(); isa++) {
        fh_assert_ok(fh_cpu_new(fh_test_allocator(state), NULL, (fh_isa)isa, &dev));
        assert_non_null(strstr(fh_device_caps_get(dev).name, fh_isa_name((fh_isa)isa)));
        assert_int_equal(fh_device_caps_get(dev).threads, 1);
        fh_device_free(dev);
    }
}

static void test_weights(void **state) {
    struct fixture f;
    open_fixture(&f, state);
    uint8_t bytes[136] = {0};
    fh_bytes data;
    fh_assert_ok(fh_bytes_copy(f.t.a, (fh_span){bytes, 136}, &data));
    static const struct {
        fh_weight_desc desc;
        const char *part;
    } cases[] = {
        {{.dtype = FH_DTYPE_Q8_0, .cols = 64, .rows = 3, .planes = 1}, "takes 204 bytes, given 136"},
        {{.dtype = FH_DTYPE_Q8_0, .cols = 63, .rows = 2, .planes = 1}, "cannot have the shape 63"},
        {{.dtype = FH_DTYPE_F32, .cols = 0, .rows = 2, .planes = 1}, "cannot have"},
        {{.dtype = FH_DTYPE_F32, .cols = 2, .rows = 0, .planes = 1}, "cannot have"},
        {{.dtype = FH_DTYPE_F32, .cols = 17, .rows = 2, .planes = 0}, "cannot have"},
        {{.dtype = FH_DTYPE_F32, .cols = 17, .rows = UINT64_MAX, .planes = 2}, "cannot have"},
        {{.dtype = FH_DTYPE_F32, .cols = UINT64_MAX, .rows = 2, .planes = 1}, "cannot have"},
        {{.dtype = FH_DTYPE_COUNT, .cols = 64, .rows = 2, .planes = 1}, "no element type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fh_weight_desc desc = cases[i].desc;
        fh_weight w = {9};
        desc.data = data;
        REFUSED(&f, fh_device_weight(f.t.dev, &desc, &w, &f.t.err), FH_INVALID, cases[i].part, f.x);
        assert_true(w.value == 0);
    }
    fh_weight good;
    fh_device_caps before = fh_device_caps_get(f.t.dev);
    fh_assert_ok(fh_device_weight(f.t.dev, &(fh_weight_desc){FH_DTYPE_Q8_0, 64, 2, 1, data, false}, &good, NULL));
    assert_true(fh_device_caps_get(f.t.dev).weight_bytes - before.weight_bytes == 2 * (64 + 1024));
    assert_true(fh_device_caps_get(f.t.dev).borrowed_bytes == before.borrowed_bytes);
    fh_assert_ok(fh_device_weight(f.t.dev, &(fh_weight_desc){FH_DTYPE_Q8_0, 64, 2, 1, data, true}, &good, NULL));
    assert_true(fh_device_caps_get(f.t.dev).borrowed_bytes - before.borrowed_bytes == 136);
    fh_bytes_drop(&data);
    fh_device_free(f.t.dev);
}

/* What can be wrong with any tensor, tried on one of an operation. */
static void refuse_tensors(struct fixture *f, fh_status (*run)(struct fixture *f), fh_tensor *which, fh_tensor out,
                           const char *name) {
    fh_tensor good = *which, bad[] = {good, good, good, good, good, good, good};
    bad[0].mem = f->dead;
    bad[1].mem = (fh_mem){0};
    bad[2].offset_bytes = 4; /* past the end */
    bad[3].offset_bytes = UINT64_MAX - 3;
    bad[4].rows = FH_ROWS_MAX + 1;
    bad[5].cols = UINT64_MAX / 4;
    bad[6].rows = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        *which = bad[i];
        REFUSED(f, run(f), i < 2 ? FH_STALE : FH_INVALID, i < 2 ? "that is not live" : "is no tensor inside", out);
        assert_non_null(strstr(f->t.err.message, name));
    }
    *which = good;
    which->offset_bytes = 2;
    which->rows = good.rows - 1; /* inside, but at no multiple of 4 */
    REFUSED(f, run(f), FH_INVALID, "is no tensor inside", out);
    *which = good;
}

static fh_matmul product;
static fh_status run_matmul(struct fixture *f) {
    return fh_device_matmul(f->t.dev, &product, &f->t.err);
}

static void test_matmul(void **state) {
    struct fixture f;
    open_fixture(&f, state);
    fh_matmul good = {.x = f.x, .count = 2, .out = {{f.w, f.y, false}, {f.w2, f.z, true}}};
    product = good;
    fh_assert_ok(run_matmul(&f));
    refuse_tensors(&f, run_matmul, &product.x, f.y, "x");
    refuse_tensors(&f, run_matmul, &product.out[1].y, f.y, "y");
#define CASE(change, code, part) \
    do { \
        product = good; \
        change; \
        REFUSED(&f, run_matmul(&f), code, part, f.y); \
    } while (0)
    CASE(product.count = 0, FH_INVALID, "0 outputs");
    CASE(product.count = 4, FH_INVALID, "4 outputs");
    CASE(product.out[1].w.value ^= UINT64_C(1) << 62, FH_STALE, "no live weight");
    CASE(product.out[0].w = (fh_weight){0}, FH_STALE, "no live weight");
    CASE(product.out[0].w = f.wide, FH_INVALID, "w is 128 x 48 x 1, expected 64 x 48 x 1");
    CASE(product.out[0].w = f.rows_only, FH_INVALID, "embedding only");
    CASE(product.out[0].w = f.experts_up, FH_INVALID, "x 4, expected");
    CASE(product.out[0].y.cols = M - 1, FH_INVALID, "y is 47 x 3, expected 48 x 3");
    CASE(product.out[0].y.rows = N - 1, FH_INVALID, "y is 48 x 2");
    CASE(product.out[1].y = f.y, FH_INVALID, "two outputs overlap");
#undef CASE
    fh_device_free(f.t.dev);
}

static void test_overlap(void **state) {
    struct fixture f;
    open_fixture(&f, state);
    fh_tensor x = {f.x.mem, 0, K, 1}, y = {f.x.mem, (K - 1) * 4, M, 1};
    fh_matmul op = {.x = x, .count = 1, .out = {{f.w, y, false}}};
    REFUSED(&f, fh_device_matmul(f.t.dev, &op, &f.t.err), FH_INVALID, "x and y overlap", f.x);
    op.out[0].y.offset_bytes += 4; /* side by side */
    fh_assert_ok(fh_device_matmul(f.t.dev, &op, &f.t.err));
    fh_device_free(f.t.dev);
}

static void test_rows_max(void **state) {
    struct fixture f;
    open_fixture(&f, state);
    fh_tensor x = {.cols = 1, .rows = FH_ROWS_MAX + 1}, y = {.cols = 2, .rows = FH_ROWS_MAX + 1};
    fh_weight w;
    fh_assert_ok(fh_device_alloc(f.t.dev, 4 * x.rows, &x.mem));
    fh_assert_ok(fh_device_alloc(f.t.dev, 8 * y.rows, &y.mem));
    fh_assert_ok(tt_weight(&f.t, FH_DTYPE_F32, 1, 2, 1, &w));
    fh_matmul op = {.x = x, .count = 1, .out = {{w, y, false}}};
    REFUSED(&f, fh_device_matmul(f.t.dev, &op, &f.t.err), FH_INVALID, "x, 1 x 4097", y);
    op.x.rows = op.out[0].y.rows = FH_ROWS_MAX;
    fh_assert_ok(fh_device_matmul(f.t.dev, &op, &f.t.err));
    fh_device_free(f.t.dev);
}

static fh_norm norm;
static fh_status run_norm(struct fixture *f) {
    return fh_device_norm(f->t.dev, &norm, &f->t.err);
}

static void test_norm_and_glu(void **state) {
    struct fixture f;
    open_fixture(&f, state);
    fh_tensor y;
    fh_assert_ok(tt_tensor(&f.t, K, N, &y));
    norm = (fh_norm){f.x, y, f.norm, 1e-5f};
    fh_assert_ok(run_norm(&f));
    refuse_tensors(&f, run_norm, &norm.x, y, "x");
    refuse_tensors(&f, run_norm, &norm.y, f.x, "y");
    norm.w = f.router;
    REFUSED(&f, run_norm(&f), FH_INVALID, "w is 64 x 4", y);
    fh_weight half;
    fh_assert_ok(tt_weight(&f.t, FH_DTYPE_F16, K, 1, 1, &half));
    norm.w = half;
    REFUSED(&f, run_norm(&f), FH_INVALID, "F16", y);
    fh_assert_ok(tt_weight(&f.t, FH_DTYPE_F32, 48, 1, 1, &norm.w));
    REFUSED(&f, run_norm(&f), FH_INVALID, "no multiple", y);
    norm.w = f.norm;
    norm.eps = -1e-5f;
    REFUSED(&f, run_norm(&f), FH_INVALID, "eps", y);
    norm.eps = 1e-5f;
    norm.y = f.x; /* in place is allowed */
    fh_assert_ok(run_norm(&f));
    norm.x.rows = norm.y.rows = N - 1;
    norm.y.offset_bytes = K * 4; /* shifted is not */
    REFUSED(&f, run_norm(&f), FH_INVALID, "overlap", f.x);
    fh_glu glu = {f.x, f.y, f.w, f.w2}, bad = glu;
    fh_assert_ok(fh_device_glu(f.t.dev, &glu, &f.t.err));
    bad.up = f.wide;
    REFUSED(&f, fh_device_glu(f.t.dev, &bad, &f.t.err), FH_INVALID, "up is 128", f.y);
    bad = glu, bad.y.rows = 2;
    REFUSED(&f, fh_device_glu(f.t.dev, &bad, &f.t.err), FH_INVALID, "y is 48 x 2", f.y);
    bad = glu, bad.gate.value ^= UINT64_C(1) << 62;
    REFUSED(&f, fh_device_glu(f.t.dev, &bad, &f.t.err), FH_STALE, "gate", f.y);
    bad = glu, bad.y = (fh_tensor){f.x.mem, 0, M, N};
    REFUSED(&f, fh_device_glu(f.t.dev, &bad, &f.t.err), FH_INVALID, "overlap", f.x);
    fh_device_free(f.t.dev);
}

static void test_embed(void **state) {
    struct fixture f;
    open_fixture(&f, state);
    uint32_t tokens[N] = {0, M - 1, 5};
    fh_embed good = {f.rows_only, {tokens, N}, f.x}, bad = good;
    fh_assert_ok(fh_device_embed(f.t.dev, &good, &f.t.err));
    tokens[2] = M;
    REFUSED(&f, fh_device_embed(f.t.dev, &good, &f.t.err), FH_INVALID, "token 48 of row 2", f.x);
    tokens[2] = UINT32_MAX;
    REFUSED(&f, fh_device_embed(f.t.dev, &good, &f.t.err), FH_INVALID, "token 4294967295", f.x);
    tokens[2] = 0;
    bad.tokens.count = N - 1;
    REFUSED(&f, fh_device_embed(f.t.dev, &bad, &f.t.err), FH_INVALID, "expected 64 x 2", f.x);
    bad = good, bad.y = f.y;
    REFUSED(&f, fh_device_embed(f.t.dev, &bad, &f.t.err), FH_INVALID, "y is 48", f.y);
    bad = good, bad.table = (fh_weight){3};
    REFUSED(&f, fh_device_embed(f.t.dev, &bad, &f.t.err), FH_STALE, "table", f.x);
    fh_device_free(f.t.dev);
}

static void test_rope(void **state) {
    struct fixture f;
    open_fixture(&f, state);
    double freq[DIM / 2] = {1, 0.5, 0.25, 0.125, 0.1, 0.01, 0.001, 0};
    uint32_t positions[N] = {0, 1, 1000000};
    fh_rope good = {f.x, {positions, N}, {(const uint8_t *)freq, sizeof freq}, DIM, DIM, true}, bad = good;
    fh_assert_ok(fh_device_rope(f.t.dev, &good, &f.t.err));
#define CASE(change, code, part) \
    do { \
        bad = good; \
        change; \
        REFUSED(&f, fh_device_rope(f.t.dev, &bad, &f.t.err), code, part, f.x); \
    } while (0)
    CASE(bad.rot_dim = DIM + 2, FH_INVALID, "18 of 16");
    CASE(bad.rot_dim = DIM - 1, FH_INVALID, "15 of 16");
    CASE(bad.rot_dim = 0, FH_INVALID, "0 of 16");
    CASE(bad.head_dim = 24, FH_INVALID, "of 24");
    CASE(bad.head_dim = FH_HEAD_DIM_MAX * 2, FH_INVALID, "of 2048");
    CASE(bad.rot_dim = DIM - 2, FH_INVALID, "64 bytes of frequencies, expected 56");
    CASE(bad.positions.count = 2, FH_INVALID, "2 positions, expected 3");
    CASE(bad.x.mem = f.dead, FH_STALE, "x");
    CASE(positions[1] = UINT32_MAX, FH_INVALID, "over 2^30");
    positions[1] = 1;
    CASE(freq[3] = 1e300 * 1e300, FH_INVALID, "frequency 3");
    CASE(freq[3] = -freq[3] + freq[3], FH_INVALID, "frequency 3");
    CASE(freq[3] = -0x1p31, FH_INVALID, "frequency 3");
#undef CASE
    fh_device_free(f.t.dev);
}

struct cache {
    fh_mem segments[SEGMENTS];
    uint32_t first[N], base[N], positions[N];
    uint64_t layer;
    fh_kv_view view;
};

static void open_cache(struct fixture *f, struct cache *c) {
    assert_true(fh_kv_layer_bytes(KV, DIM, &c->layer));
    assert_true(c->layer == 2 * 2 * KV * DIM * 64);
    for (unsigned i = 0; i < SEGMENTS; i++)
        fh_assert_ok(fh_device_alloc(f->t.dev, 2 * c->layer, &c->segments[i]));
    for (unsigned i = 0; i < N; i++)
        c->first[i] = 1, c->base[i] = 4, c->positions[i] = 4 * 64 + 63 * i; /* blocks 4, 4, 5 */
    c->view = (fh_kv_view){.segments = {c->segments, SEGMENTS},
                           .first = {c->first, N},
                           .base = {c->base, N},
                           .positions = {c->positions, N},
                           .offset_bytes = c->layer,
                           .kv_heads = KV,
                           .head_dim = DIM};
}

static void test_cache(void **state) {
    struct fixture f;
    struct cache c;
    uint64_t none = 5;
    open_fixture(&f, state);
    open_cache(&f, &c);
    assert_false(fh_kv_layer_bytes(UINT32_MAX, UINT32_MAX, &none));
    assert_true(none == 0);
    fh_tensor k, v, q, y;
    fh_assert_ok(tt_tensor(&f.t, KV * DIM, N, &k));
    fh_assert_ok(tt_tensor(&f.t, KV * DIM, N, &v));
    fh_assert_ok(tt_tensor(&f.t, HEADS * DIM, N, &q));
    fh_assert_ok(tt_tensor(&f.t, HEADS * DIM, N, &y));
    fh_kv_put put = {k, v, c.view}, bad_put;
    fh_attend attend = {q, y, c.view, HEADS, 0.25f}, bad;
    fh_tensor segment = {c.segments[1], 0, 2 * c.layer / 4, 1};
    fh_assert_ok(fh_device_kv_put(f.t.dev, &put, &f.t.err));
    fh_assert_ok(fh_device_attend(f.t.dev, &attend, &f.t.err));
#define CASE(change, code, part) \
    do { \
        bad = attend, bad_put = put; \
        fh_kv_view kv = c.view; \
        change; \
        bad.kv = bad_put.kv = kv; \
        REFUSED(&f, fh_device_attend(f.t.dev, &bad, &f.t.err), code, part, y); \
        REFUSED(&f, fh_device_kv_put(f.t.dev, &bad_put, &f.t.err), code, part, segment); \
    } while (0)
    CASE(kv.segments.count = 2, FH_INVALID, "row 2 at position 382 has no segment");
    CASE(kv.segments.count = 0, FH_INVALID, "row 0");
    CASE(kv.kv_heads = 0, FH_INVALID, "0 heads");
    CASE(kv.head_dim = 0, FH_INVALID, "of 0");
    CASE(kv.head_dim = FH_HEAD_DIM_MAX + 1, FH_INVALID, "of 1025");
    CASE(kv.offset_bytes = 32, FH_INVALID, "at byte 32");
    CASE(kv.offset_bytes += 64, FH_INVALID, "the layer ends at");
    CASE(kv.offset_bytes = UINT64_MAX - 63, FH_INVALID, "at byte");
    CASE(kv.first.count = 2, FH_INVALID, "first segments");
    CASE(kv.base.count = 2, FH_INVALID, "base blocks");
    CASE(kv.positions.count = 4, FH_INVALID, "positions");
    CASE(c.base[1] = 5, FH_INVALID, "row 1");
    c.base[1] = 4;
    CASE(c.first[1] = UINT32_MAX, FH_INVALID, "row 1");
    c.first[1] = 1;
    CASE(c.positions[0] = UINT32_MAX, FH_INVALID, "row 0");
    c.positions[0] = 4 * 64;
    fh_mem live = c.segments[0];
    CASE(c.segments[0] = f.dead, FH_STALE, "segment 0");
    c.segments[0] = f.x.mem;
    CASE(kv.segments.count = SEGMENTS, FH_INVALID, "segment 0 has 768 bytes");
    c.segments[0] = live;
#undef CASE
    bad = attend, bad.heads = 3;
    REFUSED(&f, fh_device_attend(f.t.dev, &bad, &f.t.err), FH_INVALID, "3 heads over 2", y);
    bad = attend, bad.heads = 0;
    REFUSED(&f, fh_device_attend(f.t.dev, &bad, &f.t.err), FH_INVALID, "0 heads", y);
    bad = attend, bad.heads = 2;
    REFUSED(&f, fh_device_attend(f.t.dev, &bad, &f.t.err), FH_INVALID, "q is 64", y);
    bad = attend, bad.y = q;
    REFUSED(&f, fh_device_attend(f.t.dev, &bad, &f.t.err), FH_INVALID, "q and y overlap", q);
    bad = attend, bad.y = (fh_tensor){c.segments[0], 2 * c.layer - HEADS * DIM * N * 4, HEADS * DIM, N};
    REFUSED(&f, fh_device_attend(f.t.dev, &bad, &f.t.err), FH_INVALID, "y overlaps segment 0", q);
    bad.y.offset_bytes = 0; /* another layer of the segment is not touched */
    fh_assert_ok(fh_device_attend(f.t.dev, &bad, &f.t.err));
    bad_put = put, bad_put.v = (fh_tensor){c.segments[2], c.layer, KV * DIM, N};
    REFUSED(&f, fh_device_kv_put(f.t.dev, &bad_put, &f.t.err), FH_INVALID, "v overlaps segment 2", segment);
    bad_put = put, bad_put.k.cols = KV * DIM - 1;
    REFUSED(&f, fh_device_kv_put(f.t.dev, &bad_put, &f.t.err), FH_INVALID, "k is 31", segment);
    bad_put = put, bad_put.v.rows = N - 1;
    REFUSED(&f, fh_device_kv_put(f.t.dev, &bad_put, &f.t.err), FH_INVALID, "v is", segment);
    fh_device_free(f.t.dev);
}

static void test_experts(void **state) {
    struct fixture f;
    open_fixture(&f, state);
    uint32_t ids[N * 2] = {0, 1, 2, 3, 3, 0};
    float weights[N * 2] = {0.5f, 0.5f, 0.25f, 0.25f, 1, 1};
    fh_tensor y;
    fh_assert_ok(tt_tensor(&f.t, K, N, &y));
    fh_route route = {.x = f.x, .w = f.router, .top_k = 2, .ids = {ids, N * 2}, .weights = {weights, N * 2}}, bad_route;
    fh_assert_ok(fh_device_route(f.t.dev, &route, &f.t.err));
    fh_experts good = {f.x, y, f.experts_up, f.experts_up, f.experts_down, {ids, N * 2}, {weights, N * 2}, 2}, bad;
    fh_assert_ok(fh_device_experts(f.t.dev, &good, &f.t.err));
#define CASE(change, code, part) \
    do { \
        bad = good; \
        change; \
        REFUSED(&f, fh_device_experts(f.t.dev, &bad, &f.t.err), code, part, y); \
    } while (0)
    CASE(bad.gate = f.experts_down, FH_INVALID, "gate is 32");
    CASE(bad.up = f.w, FH_INVALID, "up is 64 x 48 x 1");
    CASE(bad.down = f.experts_up, FH_INVALID, "down is 64");
    CASE(bad.down = f.rows_only, FH_INVALID, "embedding only");
    CASE(bad.top_k = 0, FH_INVALID, "top_k 0");
    CASE(bad.top_k = FH_TOP_K_MAX + 1, FH_INVALID, "top_k 65");
    CASE(bad.top_k = 1, FH_INVALID, "6 ids, expected 3");
    CASE(bad.weights.count = 5, FH_INVALID, "5 weights");
    CASE(bad.y = f.y, FH_INVALID, "y is 48");
    CASE(bad.y = f.x, FH_INVALID, "overlap");
    CASE(bad.x.mem = f.dead, FH_STALE, "x");
    CASE(ids[3] = EXPERTS, FH_INVALID, "expert 4 of row 1, there are 4");
    ids[3] = 0;
#undef CASE
#define CASE(change, code, part) \
    do { \
        bad_route = route; \
        change; \
        REFUSED(&f, fh_device_route(f.t.dev, &bad_route, &f.t.err), code, part, f.x); \
    } while (0)
    CASE(bad_route.top_k = 5, FH_INVALID, "5 of 4 experts");
    CASE(bad_route.top_k = 0, FH_INVALID, "0 of 4");
    CASE(bad_route.w = f.w, FH_INVALID, "Q8_0 weights");
    CASE(bad_route.w = f.wide, FH_INVALID, "w is 128");
    CASE(bad_route.ids.count = 5, FH_INVALID, "5 ids");
    CASE(bad_route.weights.count = 7, FH_INVALID, "7 weights");
    float nan = fh_f32_of_bits(0x7fc00000u);
    fh_assert_ok(fh_device_write(f.t.dev, f.x.mem, (K + 3) * 4, (fh_span){(const uint8_t *)&nan, 4}));
    CASE(bad_route.layer = 17, FH_ROUTE_NAN, "layer 17, row 1, expert 0");
#undef CASE
    fh_device_free(f.t.dev);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_memory),  FH_TEST_ALLOC(test_new),      FH_TEST_ALLOC(test_weights),      FH_TEST_ALLOC(test_matmul),
        FH_TEST_ALLOC(test_overlap), FH_TEST_ALLOC(test_rows_max), FH_TEST_ALLOC(test_norm_and_glu), FH_TEST_ALLOC(test_embed),
        FH_TEST_ALLOC(test_rope),    FH_TEST_ALLOC(test_cache),    FH_TEST_ALLOC(test_experts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
