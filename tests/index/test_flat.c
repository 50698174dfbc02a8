/* test_flat.c: exact search, against the definition in double precision and against itself: the same answers for any number
 * of threads, any instruction set, any order of adding, and any company of queries; refusals change nothing. */
#include "fh_test.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "freehold/atomic.h"
#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "freehold/index.h"
#include "freehold/os.h"

enum { DIM = 19, ROWS = 333, QUERIES = 7, K = 12 };

typedef struct scene {
    fh_allocator *a;
    fh_flat *flat;
    fh_u64s ids;
    fh_f32s vectors, queries;
} scene;

static fh_flat *new_flat(fh_allocator *a, fh_isa isa, fh_vector_type t, fh_metric metric) {
    fh_flat *flat = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_flat_new(a, isa, &(fh_flat_options){.dim = DIM, .type = t, .metric = metric}, &flat, &err));
    return flat;
}

static void add(fh_flat *flat, fh_u64s ids, fh_f32s vectors) {
    fh_err err;
    fh_err_clear(&err);
    if (fh_failed(fh_flat_add(flat, ids, vectors, &err)))
        fail_msg("%s", err.message);
}

/* Vectors with many equal scores among them: every third repeats an earlier one. */
static scene make(fh_allocator *a, fh_isa isa, fh_vector_type t, fh_metric metric) {
    scene s = {.a = a};
    fh_test_rng rng = fh_test_rng_new(8);
    fh_assert_ok(fh_u64s_new(a, ROWS, &s.ids));
    fh_assert_ok(fh_f32s_new(a, (size_t)ROWS * DIM, &s.vectors));
    fh_assert_ok(fh_f32s_new(a, (size_t)QUERIES * DIM, &s.queries));
    for (size_t i = 0; i < s.vectors.count; i++)
        s.vectors.at[i] = (float)((double)fh_test_rng_below(&rng, 2001) * 1e-3 - 1.0);
    for (size_t i = 0; i < s.queries.count; i++)
        s.queries.at[i] = (float)((double)fh_test_rng_below(&rng, 2001) * 1e-3 - 1.0);
    for (size_t row = 0; row < ROWS; row++) {
        s.ids.at[row] = fh_mix64(row);
        if (row % 3 == 2)
            memcpy(s.vectors.at + row * DIM, s.vectors.at + row / 4 * DIM, DIM * sizeof(float));
    }
    s.flat = new_flat(a, isa, t, metric);
    add(s.flat, s.ids, s.vectors);
    assert_int_equal(fh_flat_count(s.flat), ROWS);
    return s;
}

static void end(scene *s) {
    fh_flat_free(s->flat);
    fh_u64s_free(s->a, &s->ids);
    fh_f32s_free(s->a, &s->vectors);
    fh_f32s_free(s->a, &s->queries);
}

static void search(fh_flat *flat, const fh_par *par, fh_f32s queries, size_t k, const fh_hit_filter *filter, fh_hit *hits,
                   size_t *counts) {
    size_t asked = queries.count / DIM;
    fh_err err;
    fh_err_clear(&err);
    if (fh_failed(fh_flat_search(flat, par, queries, k, filter, (fh_hits){hits, asked * k}, (fh_sizes){counts, asked}, &err)))
        fail_msg("%s", err.message);
}

static double exact(fh_metric metric, const float *q, const float *v) {
    double dot = 0, apart = 0, a = 0, b = 0;
    for (size_t i = 0; i < DIM; i++) {
        dot += (double)q[i] * (double)v[i];
        apart += ((double)q[i] - (double)v[i]) * ((double)q[i] - (double)v[i]);
        a += (double)q[i] * (double)q[i];
        b += (double)v[i] * (double)v[i];
    }
    return metric == FH_METRIC_L2 ? sqrt(apart) : metric == FH_METRIC_IP ? dot : dot / sqrt(a * b);
}

static size_t row_of(const scene *s, uint64_t id) {
    size_t row = 0;
    while (row < ROWS && s->ids.at[row] != id)
        row++;
    assert_true(row < ROWS);
    return row;
}

/* What a query is to an index of this type: codes are rounded, numbers are not. */
static void as_codes(fh_vector_type t, fh_f32s query, float *out) {
    uint32_t codes[8];
    memcpy(out, query.at, DIM * sizeof(float));
    if (!fh_vector_is_code(t))
        return;
    fh_codes_put(t, query, (fh_u32s){codes, fh_codes_words(t, DIM)});
    fh_codes_get(t, (fh_u32s){codes, fh_codes_words(t, DIM)}, (fh_f32s){out, DIM});
}

/* Each score is right, the order is by score and then by id, and nothing left out is better. */
static void test_exact(void **state) {
    for (int t = 0; t < FH_VECTOR_COUNT; t++)
        for (int m = 0; m < FH_METRIC_COUNT; m++) {
            scene s = make(fh_test_allocator(state), fh_isa_best(), (fh_vector_type)t, (fh_metric)m);
            const double sign = m == FH_METRIC_L2 ? 1 : -1, near = 1e-5;
            fh_hit hits[QUERIES * K];
            size_t counts[QUERIES];
            float v[DIM];
            search(s.flat, NULL, s.queries, K, NULL, hits, counts);
            for (size_t q = 0; q < QUERIES; q++) {
                float query[DIM];
                as_codes((fh_vector_type)t, fh_f32s_sub(s.queries, q * DIM, DIM), query);
                size_t better = 0;
                assert_int_equal(counts[q], K);
                for (size_t i = 0; i < K; i++) {
                    fh_hit h = hits[q * K + i];
                    fh_assert_ok(fh_flat_get(s.flat, h.id, (fh_f32s){v, DIM}));
                    assert_true(fabs((double)h.score - exact((fh_metric)m, query, v)) < near);
                    (void)row_of(&s, h.id);
                    if (i > 0) {
                        double step = sign * ((double)h.score - (double)hits[q * K + i - 1].score);
                        assert_true(step > 0 || (step == 0 && h.id > hits[q * K + i - 1].id));
                    }
                }
                for (size_t row = 0; row < ROWS; row++) {
                    fh_assert_ok(fh_flat_get(s.flat, s.ids.at[row], (fh_f32s){v, DIM}));
                    better += sign * (exact((fh_metric)m, query, v) - (double)hits[q * K + K - 1].score) < -near;
                }
                assert_true(better < K);
            }
            end(&s);
        }
}

/* Threads, instruction sets, order, company and history do not change one bit. */
static void test_bits(void **state) {
    for (int way = 0; way < (int)FH_METRIC_COUNT * (int)FH_VECTOR_COUNT; way++) {
        fh_metric m = (fh_metric)(way % FH_METRIC_COUNT);
        fh_vector_type t = (fh_vector_type)(way / FH_METRIC_COUNT);
        scene s = make(fh_test_allocator(state), FH_ISA_SCALAR, t, m);
        fh_hit plain[QUERIES * K], other[QUERIES * K];
        size_t counts[QUERIES], again[QUERIES];
        search(s.flat, NULL, s.queries, K, NULL, plain, counts);
        for (unsigned isa = 0; isa <= (unsigned)fh_isa_best(); isa++) {
            fh_flat *flat = new_flat(s.a, (fh_isa)isa, t, m);
            for (size_t row = ROWS; row-- > 0;) /* the other way round, one by one, with something that leaves again */
                add(flat, fh_u64s_sub(s.ids, row, 1), fh_f32s_sub(s.vectors, row * DIM, DIM));
            for (size_t row = 0; row < ROWS; row += 5)
                fh_assert_ok(fh_flat_remove(flat, s.ids.at[row]));
            assert_int_equal(fh_flat_count(flat), ROWS - (ROWS + 4) / 5);
            for (size_t row = 0; row < ROWS; row += 5)
                add(flat, fh_u64s_sub(s.ids, row, 1), fh_f32s_sub(s.vectors, row * DIM, DIM));
            for (unsigned threads = 1; threads <= 4; threads++) {
                fh_team *team = NULL;
                fh_assert_ok(fh_team_new(threads, &team));
                memset(other, 0, sizeof other);
                search(flat, fh_team_par(team), s.queries, K, NULL, other, again);
                fh_team_free(team);
                for (size_t i = 0; i < (size_t)QUERIES * K; i++)
                    assert_true(plain[i].id == other[i].id && fh_bits_of_f32(plain[i].score) == fh_bits_of_f32(other[i].score));
            }
            for (size_t q = 0; q < QUERIES; q++) {
                search(flat, NULL, fh_f32s_sub(s.queries, q * DIM, DIM), K, NULL, other, again);
                for (size_t i = 0; i < K; i++)
                    assert_true(plain[q * K + i].id == other[i].id && plain[q * K + i].score == other[i].score);
            }
            fh_flat_free(flat);
        }
        end(&s);
    }
}

static bool accepts(void *ctx, uint64_t id) {
    return id % *(uint64_t *)ctx == 0;
}

/* Codes find candidates, the numbers rank them: then the scores are those of an exact search, bit for bit, and the best are its
 * best where the candidates have them. */
static void test_rank(void **state) {
    enum { MANY = 5 * K };
    for (int i = 0; i < 2 * FH_METRIC_COUNT; i++) {
        fh_metric metric = (fh_metric)(i / 2);
        scene s = make(fh_test_allocator(state), fh_isa_best(), FH_VECTOR_F32, metric);
        fh_flat *codes = new_flat(s.a, fh_isa_best(), i % 2 == 0 ? FH_VECTOR_I8 : FH_VECTOR_B1, metric);
        fh_hit exact_hits[QUERIES * ROWS], hits[QUERIES * MANY];
        size_t exact_counts[QUERIES], counts[QUERIES], found = 0;
        const uint64_t stranger = 12345;
        fh_err err;
        fh_err_clear(&err);
        add(codes, s.ids, s.vectors);
        search(s.flat, NULL, s.queries, ROWS, NULL, exact_hits, exact_counts);
        search(codes, NULL, s.queries, MANY, NULL, hits, counts);
        for (size_t q = 0; q < QUERIES; q++) /* one that is not there, in the middle */
            hits[q * MANY + 7].id = stranger;
        fh_assert_ok(fh_flat_rank(s.flat, s.queries, (fh_hits){hits, QUERIES * MANY}, (fh_sizes){counts, QUERIES}, &err));
        for (size_t q = 0; q < QUERIES; q++) {
            assert_int_equal(counts[q], MANY - 1);
            for (size_t k = 0, at = 0; k < counts[q]; k++, at++) { /* in the order of the exact search, some left out */
                while (at < ROWS && exact_hits[q * ROWS + at].id != hits[q * MANY + k].id)
                    at++;
                assert_true(at < ROWS && exact_hits[q * ROWS + at].score == hits[q * MANY + k].score);
                found += k < K && at < K;
            }
        }
        assert_true(found >= (size_t)QUERIES * K * (i % 2 == 0 ? 9 : 4) / 10);
        fh_flat_free(codes);
        end(&s);
    }
}

static void test_rank_refusals(void **state) {
    scene s = make(fh_test_allocator(state), fh_isa_best(), FH_VECTOR_I8, FH_METRIC_COSINE);
    fh_hit hits[4] = {{s.ids.at[0], 0}, {s.ids.at[1], 0}};
    size_t counts[2] = {2, 0};
    float bad[2 * DIM];
    fh_err err;
    fh_err_clear(&err);
    memcpy(bad, s.queries.at, sizeof bad);
    fh_f32s two = {bad, (size_t)2 * DIM};
    fh_assert_ok(fh_flat_rank(s.flat, two, (fh_hits){hits, 4}, (fh_sizes){counts, 2}, &err));
    assert_true(counts[0] == 2 && counts[1] == 0);
    fh_assert_ok(fh_flat_rank(s.flat, (fh_f32s){NULL, 0}, (fh_hits){NULL, 0}, (fh_sizes){NULL, 0}, &err));
    fh_assert_code(fh_flat_rank(s.flat, fh_f32s_sub(two, 0, DIM), (fh_hits){hits, 4}, (fh_sizes){counts, 2}, &err), FH_INVALID);
    fh_assert_code(fh_flat_rank(s.flat, two, (fh_hits){hits, 3}, (fh_sizes){counts, 2}, &err), FH_INVALID);
    fh_assert_code(fh_flat_rank(s.flat, (fh_f32s){NULL, 0}, (fh_hits){hits, 3}, (fh_sizes){NULL, 0}, &err), FH_INVALID);
    counts[1] = 3;
    fh_assert_code(fh_flat_rank(s.flat, two, (fh_hits){hits, 4}, (fh_sizes){counts, 2}, &err), FH_INVALID);
    counts[1] = 0;
    bad[DIM] = NAN;
    fh_err_clear(&err);
    fh_assert_code(fh_flat_rank(s.flat, two, (fh_hits){hits, 4}, (fh_sizes){counts, 2}, &err), FH_NOT_FINITE);
    assert_non_null(strstr(err.message, "query 1"));
    end(&s);
}

static void test_filter_and_few(void **state) {
    scene s = make(fh_test_allocator(state), fh_isa_best(), FH_VECTOR_F16, FH_METRIC_L2);
    uint64_t by = 2;
    const fh_hit_filter even = {accepts, &by};
    static fh_hit hits[ROWS + 9];
    size_t count, evens = 0;
    for (size_t row = 0; row < ROWS; row++)
        evens += s.ids.at[row] % 2 == 0;
    fh_f32s one = fh_f32s_sub(s.queries, 0, DIM);
    search(s.flat, NULL, one, ROWS + 9, NULL, hits, &count);
    assert_int_equal(count, ROWS);
    search(s.flat, NULL, one, ROWS, &even, hits, &count);
    assert_int_equal(count, evens);
    for (size_t i = 0; i < count; i++)
        assert_true(hits[i].id % 2 == 0 && (i == 0 || hits[i].score >= hits[i - 1].score));
    by = UINT64_MAX;
    search(s.flat, NULL, one, 3, &even, hits, &count);
    assert_int_equal(count, 0);
    for (size_t row = 0; row < ROWS; row++)
        fh_assert_ok(fh_flat_remove(s.flat, s.ids.at[row]));
    fh_assert_code(fh_flat_remove(s.flat, s.ids.at[0]), FH_NOT_FOUND);
    search(s.flat, NULL, one, 3, NULL, hits, &count);
    assert_int_equal(count, 0);
    end(&s);
}

/* Many chunks: every row is where it was put, and is found; what leaves is replaced across chunks. */
static void test_chunks(void **state) {
    enum { WIDE = 4096, MANY = 300 }; /* 64 rows in the first chunk and in the second, then 128, 256 */
    fh_allocator *a = fh_test_allocator(state);
    fh_flat *flat = NULL;
    fh_f32s v, back;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_flat_new(a, fh_isa_best(), &(fh_flat_options){.dim = WIDE}, &flat, &err));
    fh_assert_ok(fh_f32s_new(a, WIDE, &v));
    fh_assert_ok(fh_f32s_new(a, WIDE, &back));
    for (uint64_t id = 0; id < MANY; id++) {
        v.at[7 * id] = (float)(id + 1);
        add(flat, (fh_u64s){&id, 1}, v);
        v.at[7 * id] = 0;
    }
    for (uint64_t id = 0; id < MANY; id += 3)
        fh_assert_ok(fh_flat_remove(flat, id));
    for (uint64_t id = 0; id < MANY; id++) {
        fh_hit hit;
        size_t count;
        if (id % 3 == 0) {
            fh_assert_code(fh_flat_get(flat, id, back), FH_NOT_FOUND);
            continue;
        }
        fh_assert_ok(fh_flat_get(flat, id, back));
        assert_true(back.at[7 * id] == (float)(id + 1));
        fh_assert_ok(fh_flat_search(flat, NULL, back, 1, NULL, (fh_hits){&hit, 1}, (fh_sizes){&count, 1}, &err));
        assert_true(count == 1 && hit.id == id && hit.score == 0);
    }
    assert_in_range(fh_flat_bytes(flat), MANY * WIDE * sizeof(float), 2 * 512 * WIDE * sizeof(float));
    fh_f32s_free(a, &v);
    fh_f32s_free(a, &back);
    fh_flat_free(flat);
}

/* What is refused changes nothing, and says which vector it was. */
static void test_refusals(void **state) {
    scene s = make(fh_test_allocator(state), fh_isa_best(), FH_VECTOR_F16, FH_METRIC_COSINE);
    fh_hit plain[K], again[K];
    size_t count;
    fh_f32s one = fh_f32s_sub(s.queries, 0, DIM);
    search(s.flat, NULL, one, K, NULL, plain, &count);
    static const float bad[] = {NAN, INFINITY, -INFINITY, 70000.0f /* no float16 */, 0.0f, 1e-12f /* 0 as float16 */};
    static const fh_code codes[] = {FH_NOT_FINITE, FH_NOT_FINITE, FH_NOT_FINITE, FH_NOT_FINITE, FH_INVALID, FH_INVALID};
    for (size_t i = 0; i < 6; i++) {
        float three[3 * DIM];
        uint64_t ids[3] = {1, 2, 3};
        fh_err err;
        for (size_t k = 0; k < (size_t)3 * DIM; k++)
            three[k] = k / DIM == 1 ? (i < 4 ? 0.5f : bad[i]) : 0.25f;
        three[DIM + 4] = bad[i];
        fh_err_clear(&err);
        fh_assert_code(fh_flat_add(s.flat, (fh_u64s){ids, 3}, (fh_f32s){three, (size_t)3 * DIM}, &err), codes[i]);
        assert_non_null(strstr(err.message, "vector 1 "));
        if (i < 3 || i == 4) {
            fh_err_clear(&err);
            fh_assert_code(fh_flat_search(s.flat, NULL, (fh_f32s){three + DIM, DIM}, K, NULL, (fh_hits){again, K},
                                          (fh_sizes){&count, 1}, &err), codes[i]);
            assert_non_null(strstr(err.message, "query 0 "));
        }
        assert_int_equal(fh_flat_count(s.flat), ROWS);
        fh_assert_code(fh_flat_get(s.flat, 1, (fh_f32s){three, DIM}), FH_NOT_FOUND);
    }
    fh_err err;
    fh_err_clear(&err);
    uint64_t twice[2] = {5, 5};
    fh_assert_code(fh_flat_add(s.flat, (fh_u64s){twice, 2}, fh_f32s_sub(s.vectors, 0, 2 * DIM), &err), FH_INVALID);
    assert_non_null(strstr(err.message, "vector 1 has id 5"));
    fh_assert_code(fh_flat_add(s.flat, fh_u64s_sub(s.ids, 0, 1), one, &err), FH_INVALID);
    fh_assert_code(fh_flat_add(s.flat, (fh_u64s){twice, 1}, fh_f32s_sub(s.vectors, 0, DIM + 1), &err), FH_INVALID);
    fh_assert_code(fh_flat_search(s.flat, NULL, one, 0, NULL, (fh_hits){again, 0}, (fh_sizes){&count, 1}, &err), FH_LIMIT);
    fh_assert_code(fh_flat_search(s.flat, NULL, one, FH_HITS_MAX + 1, NULL, (fh_hits){again, K}, (fh_sizes){&count, 1}, &err),
                   FH_LIMIT);
    fh_assert_code(fh_flat_search(s.flat, NULL, one, K, NULL, (fh_hits){again, K - 1}, (fh_sizes){&count, 1}, &err),
                   FH_INVALID);
    fh_assert_code(fh_flat_search(s.flat, NULL, fh_f32s_sub(one, 0, 3), K, NULL, (fh_hits){again, K}, (fh_sizes){&count, 1},
                                  &err), FH_INVALID);
    fh_assert_code(fh_flat_get(s.flat, s.ids.at[0], (fh_f32s){one.at, 3}), FH_INVALID);
    search(s.flat, NULL, one, K, NULL, again, &count);
    for (size_t i = 0; i < K; i++)
        assert_true(plain[i].id == again[i].id && plain[i].score == again[i].score);
    end(&s);
}

static void test_options(void **state) {
    const struct {
        fh_flat_options options;
        fh_isa isa;
        fh_code code;
    } rows[] = {
        {{.dim = 0}, FH_ISA_SCALAR, FH_LIMIT},
        {{.dim = 65537}, FH_ISA_SCALAR, FH_LIMIT},
        {{.dim = 32, .type = FH_VECTOR_COUNT}, FH_ISA_SCALAR, FH_UNSUPPORTED},
        {{.dim = 32, .metric = FH_METRIC_COUNT}, FH_ISA_SCALAR, FH_INVALID},
        {{.dim = 32}, FH_ISA_COUNT, FH_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fh_flat *flat = (fh_flat *)state;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_flat_new(fh_test_allocator(state), rows[i].isa, &rows[i].options, &flat, &err), rows[i].code);
        assert_null(flat);
        assert_true(err.message[0] != '\0');
    }
    fh_flat_free(NULL);
}

/* --- threads ------------------------------------------------------------------------------------------------------------ */

typedef struct crowd {
    scene *s;
    bool stop;
    uint64_t searches, refused;
} crowd;

static void *searches(void *arg) {
    crowd *c = arg;
    while (!fh_load(&c->stop, FH_ACQUIRE)) {
        fh_hit hits[K];
        size_t count;
        fh_err err;
        fh_err_clear(&err);
        fh_status s = fh_flat_search(c->s->flat, NULL, fh_f32s_sub(c->s->queries, 0, DIM), K, NULL, (fh_hits){hits, K},
                                     (fh_sizes){&count, 1}, &err);
        fh_fetch_add(s.code == FH_BORROWED ? &c->refused : &c->searches, 1, FH_RELAXED);
        fh_os_nap(200000); /* or there is always somebody searching, and no change is ever let in */
    }
    return NULL;
}

/* A change beside searches is refused, or they are, and nobody sees half of one (ThreadSanitizer looks on). */
static void test_borrowed(void **state) {
    scene s = make(fh_test_allocator(state), fh_isa_best(), FH_VECTOR_F32, FH_METRIC_L2);
    crowd c = {.s = &s};
    pthread_t threads[3];
    uint64_t changed = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, searches, &c), 0);
    while (changed < 50 || fh_load(&c.searches, FH_RELAXED) < 50) {
        fh_status r = fh_flat_remove(s.flat, s.ids.at[changed % ROWS]);
        if (r.code == FH_OK) {
            fh_err err;
            do {
                fh_err_clear(&err);
                r = fh_flat_add(s.flat, fh_u64s_sub(s.ids, changed % ROWS, 1),
                                fh_f32s_sub(s.vectors, changed % ROWS * DIM, DIM), &err);
                assert_true(r.code == FH_OK || r.code == FH_BORROWED);
            } while (r.code != FH_OK);
            changed++;
        } else {
            assert_int_equal(r.code, FH_BORROWED);
        }
        fh_os_nap(1000);
    }
    fh_store(&c.stop, true, FH_RELEASE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(fh_flat_count(s.flat), ROWS);
    end(&s);
}

/* From inside of a search, by its filter: the moment is certain. */
static bool changes(void *ctx, uint64_t id) {
    scene *s = ctx;
    fh_err err;
    fh_err_clear(&err);
    float v[DIM];
    fh_assert_code(fh_flat_remove(s->flat, id), FH_BORROWED);
    fh_assert_code(fh_flat_add(s->flat, (fh_u64s){&id, 1}, fh_f32s_sub(s->vectors, 0, DIM), &err), FH_BORROWED);
    fh_assert_ok(fh_flat_get(s->flat, id, (fh_f32s){v, DIM}));
    return true;
}
static bool ends(void *ctx, uint64_t id) {
    (void)id;
    fh_flat_free(ctx);
    return true;
}
static void end_in_search(void *arg) {
    scene *s = arg;
    fh_hit hits[K];
    size_t count;
    search(s->flat, NULL, fh_f32s_sub(s->queries, 0, DIM), K, &(fh_hit_filter){ends, s->flat}, hits, &count);
}

static void test_borrowed_inside(void **state) {
    scene s = make(fh_test_allocator(state), fh_isa_best(), FH_VECTOR_F32, FH_METRIC_IP);
    fh_hit hits[K];
    size_t count;
    search(s.flat, NULL, fh_f32s_sub(s.queries, 0, DIM), K, &(fh_hit_filter){changes, &s}, hits, &count);
    assert_int_equal(count, K);
    fh_assert_dies(end_in_search, &s, "begin_change");
    fh_assert_ok(fh_flat_remove(s.flat, hits[0].id));
    end(&s);
}

/* --- forks ---------------------------------------------------------------------------------------------------------------- */

/* Where a process forks: inside of a search, or of a change, by its filter or its allocator. */
typedef struct crossing {
    scene *s;
    fh_flat *flat;
    void (*in_child)(void *arg);
    size_t left; /* calls before that happens, from 1 on */
} crossing;

static void cross(crossing *c) {
    char said[4096];
    if (c->left == 0 || --c->left != 0)
        return;
    int status = fh_test_child(c->in_child, c, said, sizeof said);
    if (status != 0)
        fail_msg("child ended with status 0x%x and said \"%s\"", (unsigned)status, said);
}
static bool cross_and_accept(void *ctx, uint64_t id) {
    (void)id;
    cross(ctx);
    return true;
}
static void *cross_and_alloc(void *ctx, size_t size_bytes) {
    crossing *c = ctx;
    cross(c);
    return c->s->a->alloc(c->s->a->ctx, size_bytes);
}
static void free_below(void *ctx, void *p) {
    crossing *c = ctx;
    c->s->a->free(c->s->a->ctx, p);
}

/* Who searched is not there: the index is anybody's. */
static void change_in_child(void *arg) {
    crossing *c = arg;
    uint64_t id = 1;
    fh_err err;
    fh_err_clear(&err);
    FH_ASSERT(fh_flat_remove(c->flat, c->s->ids.at[0]).code == FH_BORROWED);
    FH_ASSERT(fh_flat_after_fork(c->flat));
    FH_ASSERT(!fh_failed(fh_flat_remove(c->flat, c->s->ids.at[0])));
    FH_ASSERT(!fh_failed(fh_flat_add(c->flat, (fh_u64s){&id, 1}, fh_f32s_sub(c->s->vectors, 0, DIM), &err)));
    fh_flat_free(c->flat);
}

/* Who changed is not there: nobody has the index any more. */
static void find_lost_in_child(void *arg) {
    crossing *c = arg;
    fh_hit hits[K];
    size_t count;
    uint64_t id = 1;
    fh_err err, other;
    fh_err_clear(&err);
    fh_err_clear(&other);
    for (int i = 0; i < 2; i++)
        FH_ASSERT(!fh_flat_after_fork(c->flat));
    FH_ASSERT(fh_flat_search(c->flat, NULL, fh_f32s_sub(c->s->queries, 0, DIM), K, NULL, (fh_hits){hits, K},
                             (fh_sizes){&count, 1}, &err).code == FH_BORROWED);
    FH_ASSERT(fh_flat_add(c->flat, (fh_u64s){&id, 1}, fh_f32s_sub(c->s->vectors, 0, DIM), &other).code == FH_BORROWED);
    FH_ASSERT(strstr(err.message, "a fork") != NULL && strstr(other.message, "a fork") != NULL);
    FH_ASSERT(fh_flat_remove(c->flat, c->s->ids.at[0]).code == FH_BORROWED);
    fh_flat_free(c->flat);
}

static void test_fork(void **state) {
    scene s = make(fh_test_allocator(state), fh_isa_best(), FH_VECTOR_F32, FH_METRIC_L2);
    crossing in_search = {.s = &s, .flat = s.flat, .in_child = change_in_child, .left = 5};
    fh_hit hits[K];
    size_t count;
    search(s.flat, NULL, fh_f32s_sub(s.queries, 0, DIM), K, &(fh_hit_filter){cross_and_accept, &in_search}, hits, &count);
    assert_int_equal(in_search.left, 0);
    fh_assert_ok(fh_flat_remove(s.flat, s.ids.at[0])); /* here nobody is lost */

    crossing in_change = {.s = &s, .in_child = find_lost_in_child};
    fh_allocator crossed = {.ctx = &in_change, .alloc = cross_and_alloc, .free = free_below};
    in_change.flat = new_flat(&crossed, fh_isa_best(), FH_VECTOR_F32, FH_METRIC_COSINE);
    add(in_change.flat, fh_u64s_sub(s.ids, 0, 16), fh_f32s_sub(s.vectors, 0, (size_t)16 * DIM));
    in_change.left = 2;
    add(in_change.flat, fh_u64s_sub(s.ids, 16, 64), fh_f32s_sub(s.vectors, (size_t)16 * DIM, (size_t)64 * DIM));
    assert_int_equal(in_change.left, 0);
    search(in_change.flat, NULL, fh_f32s_sub(s.queries, 0, DIM), K, NULL, hits, &count);
    assert_int_equal(count, K);
    fh_flat_free(in_change.flat);
    end(&s);
}

/* --- memory --------------------------------------------------------------------------------------------------------------- */

static fh_status body(fh_allocator *a, void *arg) {
    (void)arg;
    float vectors[40 * DIM];
    uint64_t ids[40];
    fh_flat *flat = NULL;
    fh_err err;
    fh_err_clear(&err);
    for (size_t i = 0; i < 40; i++)
        ids[i] = i;
    for (size_t i = 0; i < (size_t)40 * DIM; i++)
        vectors[i] = (float)(i % 11) + 1;
    FH_TRY(fh_flat_new(a, fh_isa_best(), &(fh_flat_options){.dim = DIM, .metric = FH_METRIC_COSINE}, &flat, &err));
    fh_status s = fh_flat_add(flat, (fh_u64s){ids, 10}, (fh_f32s){vectors, (size_t)10 * DIM}, &err);
    if (!fh_failed(s)) {
        s = fh_flat_add(flat, (fh_u64s){ids + 10, 30}, (fh_f32s){vectors + 10 * DIM, (size_t)30 * DIM}, &err);
        assert_int_equal(fh_flat_count(flat), fh_failed(s) ? 10 : 40);
    }
    fh_hit hits[3];
    size_t count;
    if (!fh_failed(s))
        s = fh_flat_search(flat, NULL, (fh_f32s){vectors, DIM}, 3, NULL, (fh_hits){hits, 3}, (fh_sizes){&count, 1}, &err);
    assert_true(fh_flat_bytes(flat) > 0);
    fh_flat_free(flat);
    return s;
}

static void test_each_allocation_fails(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL) >= 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_exact),
        FH_TEST_ALLOC(test_bits),
        FH_TEST_ALLOC(test_filter_and_few),
        FH_TEST_ALLOC(test_rank),
        FH_TEST_ALLOC(test_rank_refusals),
        FH_TEST_ALLOC(test_chunks),
        FH_TEST_ALLOC(test_refusals),
        FH_TEST_ALLOC(test_options),
        FH_TEST_ALLOC(test_borrowed),
        FH_TEST_ALLOC(test_borrowed_inside),
        FH_TEST_ALLOC(test_fork),
        FH_TEST_ALLOC(test_each_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
