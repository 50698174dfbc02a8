/* test_hnsw.c: a graph finds what an exact search finds, loses nothing, and is the same for any number of threads; changes
 * beside searches; refusals change nothing. */
#include "fh_test.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "freehold/atomic.h"
#include "freehold/hash.h"
#include "freehold/hnsw.h"
#include "freehold/os.h"

enum { DIM = 20, ROWS = 1500, K = 10, CENTERS = 30 };

typedef struct scene {
    fh_allocator *a;
    fh_hnsw *graph;
    fh_hnsw_writer *writer;
    fh_hnsw_reader *reader;
    fh_u64s ids;
    fh_f32s vectors;
} scene;

static fh_hnsw *new_graph(fh_allocator *a, fh_isa isa, fh_hnsw_options o) {
    fh_hnsw *graph = NULL;
    fh_err err;
    fh_err_clear(&err);
    o.dim = DIM;
    fh_assert_ok(fh_hnsw_new(a, isa, &o, &graph, &err));
    return graph;
}

/* Vectors around a few centers; some twice. */
static void fill(fh_f32s vectors, uint64_t seed) {
    for (size_t i = 0; i < vectors.count; i++) {
        size_t row = i / DIM, c = i % DIM, center = fh_mix64(row ^ seed) % CENTERS;
        float apart = (float)(int32_t)fh_mix64(i ^ seed << 32) * 0x1p-33f;
        vectors.at[i] = (float)(int32_t)fh_mix64(center * 1000 + c) * 0x1p-31f + apart;
        if (row % 17 == 16)
            vectors.at[i] = vectors.at[i - DIM];
    }
}

static scene make(fh_allocator *a, fh_metric metric, size_t rows, unsigned threads) {
    scene s = {.a = a, .graph = new_graph(a, fh_isa_best(), (fh_hnsw_options){.rows_max = 2 * rows + 8, .metric = metric,
                                                                            .links = 8, .effort = 60})};
    fh_team *team;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_u64s_new(a, rows, &s.ids));
    fh_assert_ok(fh_f32s_new(a, rows * DIM, &s.vectors));
    fill(s.vectors, 1);
    for (size_t i = 0; i < rows; i++)
        s.ids.at[i] = fh_mix64(i);
    fh_assert_ok(fh_hnsw_writer_new(s.graph, threads, &s.writer, &err));
    fh_assert_ok(fh_hnsw_reader_new(s.graph, &s.reader, &err));
    fh_assert_ok(fh_team_new(threads, &team));
    fh_assert_ok(fh_hnsw_add(s.graph, s.writer, fh_team_par(team), s.ids, s.vectors, &err));
    fh_team_free(team);
    return s;
}

static void end(scene *s) {
    fh_hnsw_reader_free(s->reader);
    fh_hnsw_writer_free(s->writer);
    fh_hnsw_free(s->graph);
    fh_u64s_free(s->a, &s->ids);
    fh_f32s_free(s->a, &s->vectors);
}

static size_t search(fh_hnsw *graph, fh_hnsw_reader *r, fh_f32s query, size_t k, size_t effort, const fh_hit_filter *filter,
                     fh_hit *hits) {
    size_t count = 0;
    fh_err err;
    fh_err_clear(&err);
    if (fh_failed(fh_hnsw_search(graph, r, query, k, effort, filter, (fh_hits){hits, k}, &count, &err)))
        fail_msg("%s", err.message);
    return count;
}

static void check(fh_hnsw *graph) {
    fh_err err;
    fh_err_clear(&err);
    if (fh_failed(fh_hnsw_check(graph, &err)))
        fail_msg("%s", err.message);
}

static bool is_in(const fh_hit *hits, size_t count, uint64_t id) {
    for (size_t i = 0; i < count; i++)
        if (hits[i].id == id)
            return true;
    return false;
}

/* Nearly what an exact search finds, with the same scores. */
static void test_recall(void **state) {
    for (int m = 0; m < FH_METRIC_COUNT; m++) {
        scene s = make(fh_test_allocator(state), (fh_metric)m, ROWS, 1);
        fh_flat *flat = NULL;
        fh_err err;
        fh_err_clear(&err);
        check(s.graph);
        fh_assert_ok(fh_flat_new(s.a, fh_isa_best(), &(fh_flat_options){.dim = DIM, .metric = (fh_metric)m}, &flat, &err));
        fh_assert_ok(fh_flat_add(flat, s.ids, s.vectors, &err));
        size_t found = 0, asked = 100;
        for (size_t q = 0; q < asked; q++) {
            fh_hit exact[K], hits[K];
            size_t count;
            float query[DIM];
            for (size_t c = 0; c < DIM; c++)
                query[c] = s.vectors.at[q * 13 * DIM + c] + (float)(fh_mix64(q * DIM + c) % 100) * 1e-3f;
            fh_assert_ok(fh_flat_search(flat, NULL, (fh_f32s){query, DIM}, K, NULL, (fh_hits){exact, K}, (fh_sizes){&count, 1},
                                        &err));
            assert_int_equal(search(s.graph, s.reader, (fh_f32s){query, DIM}, K, 100, NULL, hits), K);
            for (size_t i = 0; i < K; i++) {
                found += is_in(exact, K, hits[i].id);
                if (hits[i].id == exact[i].id)
                    assert_true(fabs((double)hits[i].score - (double)exact[i].score) < 1e-4);
                if (i > 0)
                    assert_true(m == FH_METRIC_L2 ? hits[i].score >= hits[i - 1].score : hits[i].score <= hits[i - 1].score);
            }
        }
        assert_true(found >= asked * K * (m == FH_METRIC_IP ? 90 : 97) / 100);
        fh_flat_free(flat);
        end(&s);
    }
}

/* With everything in view, everything is found: links lead to every row, equal ones too. */
static void test_nothing_lost(void **state) {
    static fh_hit hits[ROWS];
    scene s = make(fh_test_allocator(state), FH_METRIC_L2, ROWS, 1);
    assert_int_equal(search(s.graph, s.reader, fh_f32s_sub(s.vectors, 0, DIM), ROWS, ROWS, NULL, hits), ROWS);
    for (size_t i = 0; i < ROWS; i++)
        assert_true(is_in(hits, ROWS, s.ids.at[i]));
    end(&s);

    fh_hnsw *graph = new_graph(s.a, fh_isa_best(), (fh_hnsw_options){.rows_max = 700, .links = 2, .effort = 4});
    fh_err err;
    fh_err_clear(&err);
    float same[DIM] = {1, 2, 3};
    fh_assert_ok(fh_hnsw_writer_new(graph, 1, &s.writer, &err));
    fh_assert_ok(fh_hnsw_reader_new(graph, &s.reader, &err));
    for (uint64_t id = 0; id < 700; id++)
        fh_assert_ok(fh_hnsw_add(graph, s.writer, NULL, (fh_u64s){&id, 1}, (fh_f32s){same, DIM}, &err));
    check(graph);
    assert_int_equal(search(graph, s.reader, (fh_f32s){same, DIM}, 700, 700, NULL, hits), 700);
    for (uint64_t id = 0; id < 700; id++)
        assert_true(hits[id].id == id && hits[id].score == 0);
    fh_hnsw_reader_free(s.reader);
    fh_hnsw_writer_free(s.writer);
    fh_hnsw_free(graph);
}

/* The same graph for any number of threads and on any instruction set. */
static void test_deterministic(void **state) {
    uint64_t first = 0;
    for (unsigned threads = 1; threads <= 4; threads++) {
        scene s = make(fh_test_allocator(state), FH_METRIC_COSINE, ROWS, threads);
        uint64_t digest;
        fh_assert_ok(fh_hnsw_digest(s.graph, &digest));
        first = threads == 1 ? digest : first;
        assert_true(digest == first && digest != 0);
        for (unsigned isa = 0; threads == 1 && isa <= (unsigned)fh_isa_best(); isa++) {
            fh_hnsw *other = new_graph(s.a, (fh_isa)isa, (fh_hnsw_options){.rows_max = ROWS, .metric = FH_METRIC_COSINE,
                                                                           .links = 8, .effort = 60});
            fh_hnsw_writer *w;
            fh_err err;
            fh_err_clear(&err);
            fh_assert_ok(fh_hnsw_writer_new(other, 1, &w, &err));
            fh_assert_ok(fh_hnsw_add(other, w, NULL, s.ids, s.vectors, &err));
            fh_assert_ok(fh_hnsw_digest(other, &digest));
            assert_true(digest == first);
            fh_hnsw_writer_free(w);
            fh_hnsw_free(other);
        }
        end(&s);
    }
}

static bool accepts(void *ctx, uint64_t id) {
    return id % *(uint64_t *)ctx == 0;
}

typedef struct few {
    uint64_t by;
    size_t calls;
} few;

static bool accepts_few(void *ctx, uint64_t id) {
    few *f = ctx;
    f->calls++;
    return fh_mix64(id) % f->by == 0;
}

/* Where few may be answers, every row is looked at: what is found is exact, and each row was asked for about once. */
static void test_few_accepted(void **state) {
    enum { MANY = 20 };
    scene s = make(fh_test_allocator(state), FH_METRIC_L2, ROWS, 1);
    fh_flat *flat = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_flat_new(s.a, fh_isa_best(), &(fh_flat_options){.dim = DIM}, &flat, &err));
    fh_assert_ok(fh_flat_add(flat, s.ids, s.vectors, &err));
    for (size_t i = 0; i < ROWS; i += 3) {
        fh_assert_ok(fh_hnsw_remove(s.graph, s.ids.at[i]));
        fh_assert_ok(fh_flat_remove(flat, s.ids.at[i]));
    }
    for (uint64_t by = 20; by <= 2000; by *= 10) {
        few f = {by, 0}, g = {by, 0};
        fh_hit hits[MANY], exact[MANY];
        size_t count;
        fh_f32s query = fh_f32s_sub(s.vectors, 7 * DIM, DIM);
        fh_assert_ok(fh_flat_search(flat, NULL, query, MANY, &(fh_hit_filter){accepts_few, &g}, (fh_hits){exact, MANY},
                                    (fh_sizes){&count, 1}, &err));
        assert_int_equal(search(s.graph, s.reader, query, MANY, MANY, &(fh_hit_filter){accepts_few, &f}, hits), count);
        assert_true(f.calls > fh_hnsw_count(s.graph) && f.calls <= (size_t)ROWS * 5 / 4);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(hits[i].id, exact[i].id);
    }
    fh_flat_free(flat);
    end(&s);
}

/* A copy has the live vectors only, finds them, has room for more, and is the same for any number of threads. */
static void test_copy(void **state) {
    static fh_hit hits[ROWS];
    scene s = make(fh_test_allocator(state), FH_METRIC_COSINE, ROWS, 1);
    uint64_t first = 0, digest;
    fh_err err;
    fh_err_clear(&err);
    for (size_t i = 0; i < ROWS; i++)
        if (i % 4 != 1)
            fh_assert_ok(fh_hnsw_remove(s.graph, s.ids.at[i]));
    size_t live = fh_hnsw_count(s.graph);
    for (unsigned threads = 1; threads <= 3; threads++) {
        fh_team *team;
        fh_hnsw *copy = NULL;
        fh_hnsw_reader *r = NULL;
        fh_assert_ok(fh_team_new(threads, &team));
        fh_assert_ok(fh_hnsw_copy(s.graph, live + 1, fh_team_par(team), &copy, &err));
        fh_team_free(team);
        check(copy);
        assert_true(fh_hnsw_count(copy) == live && fh_hnsw_rows(copy) == live);
        fh_assert_ok(fh_hnsw_digest(copy, &digest));
        assert_true(digest == first || threads == 1);
        first = digest;
        fh_assert_ok(fh_hnsw_reader_new(copy, &r, &err));
        assert_int_equal(search(copy, r, fh_f32s_sub(s.vectors, 0, DIM), live, live, NULL, hits), live);
        for (size_t i = 1; i < ROWS; i += 4)
            assert_true(is_in(hits, live, s.ids.at[i]));
        fh_assert_ok(fh_hnsw_add(copy, s.writer, NULL, fh_u64s_sub(s.ids, 0, 1), fh_f32s_sub(s.vectors, 0, DIM), &err));
        fh_hnsw_reader_free(r);
        fh_hnsw_free(copy);
    }
    fh_hnsw *none = s.graph;
    fh_assert_code(fh_hnsw_copy(s.graph, live - 1, NULL, &none, &err), FH_EXHAUSTED);
    assert_null(none);
    fh_assert_code(fh_hnsw_copy(s.graph, 0, NULL, &none, &err), FH_LIMIT);
    end(&s);
}

static void test_changes(void **state) {
    static fh_hit hits[ROWS];
    scene s = make(fh_test_allocator(state), FH_METRIC_L2, ROWS, 1);
    uint64_t by = 7;
    size_t sevenths = 0;
    float v[DIM], moved[DIM];
    fh_err err;
    fh_err_clear(&err);
    for (size_t i = 0; i < ROWS; i += 2)
        fh_assert_ok(fh_hnsw_remove(s.graph, s.ids.at[i]));
    fh_assert_code(fh_hnsw_remove(s.graph, s.ids.at[0]), FH_NOT_FOUND);
    fh_assert_code(fh_hnsw_get(s.graph, s.ids.at[0], (fh_f32s){v, DIM}), FH_NOT_FOUND);
    for (size_t c = 0; c < DIM; c++)
        moved[c] = 9.0f + (float)c;
    for (size_t i = 1; i < 200; i += 2) {
        moved[0] = (float)i;
        fh_assert_ok(fh_hnsw_update(s.graph, s.writer, s.ids.at[i], (fh_f32s){moved, DIM}, &err));
        fh_assert_ok(fh_hnsw_get(s.graph, s.ids.at[i], (fh_f32s){v, DIM}));
        assert_memory_equal(v, moved, sizeof v);
    }
    fh_assert_code(fh_hnsw_update(s.graph, s.writer, s.ids.at[0], (fh_f32s){moved, DIM}, &err), FH_NOT_FOUND);
    check(s.graph);
    assert_int_equal(fh_hnsw_count(s.graph), ROWS / 2);
    assert_int_equal(fh_hnsw_rows(s.graph), ROWS + 100);
    assert_int_equal(search(s.graph, s.reader, (fh_f32s){moved, DIM}, ROWS, ROWS, NULL, hits), ROWS / 2);
    assert_true(hits[0].id == s.ids.at[199] && hits[0].score == 0);
    for (size_t i = 0; i < ROWS; i++)
        assert_true(is_in(hits, ROWS / 2, s.ids.at[i]) == (i % 2 == 1));
    for (size_t i = 1; i < ROWS; i += 2)
        sevenths += s.ids.at[i] % 7 == 0;
    assert_int_equal(search(s.graph, s.reader, (fh_f32s){moved, DIM}, ROWS, ROWS, &(fh_hit_filter){accepts, &by}, hits),
                     sevenths);
    for (size_t i = 0; i < sevenths; i++)
        assert_true(hits[i].id % 7 == 0);
    uint64_t most = 0;
    for (size_t i = 0; i < ROWS; i++) {
        most = s.ids.at[i] > most ? s.ids.at[i] : most;
        if (i % 2 == 1)
            fh_assert_ok(fh_hnsw_remove(s.graph, s.ids.at[i]));
    }
    assert_true(fh_hnsw_id_max(s.graph) == most && fh_hnsw_count(s.graph) == 0);
    end(&s);
}

/* What is refused changes nothing. */
static void test_refusals(void **state) {
    scene s = make(fh_test_allocator(state), FH_METRIC_COSINE, 100, 1), other = make(s.a, FH_METRIC_COSINE, 99, 1);
    static const float bad[] = {NAN, INFINITY, 0.0f};
    static const fh_code codes[] = {FH_NOT_FINITE, FH_NOT_FINITE, FH_INVALID};
    uint64_t before, after;
    float three[3 * DIM];
    fh_hit hits[K];
    size_t count;
    fh_err err;
    fh_assert_ok(fh_hnsw_digest(s.graph, &before));
    for (size_t i = 0; i < 3; i++) {
        uint64_t ids[3] = {1, 2, 3};
        for (size_t k = 0; k < (size_t)3 * DIM; k++)
            three[k] = k / DIM == 1 ? bad[i] : 0.25f;
        fh_err_clear(&err);
        fh_assert_code(fh_hnsw_add(s.graph, s.writer, NULL, (fh_u64s){ids, 3}, (fh_f32s){three, (size_t)3 * DIM}, &err),
                       codes[i]);
        assert_non_null(strstr(err.message, "vector 1 "));
        fh_assert_code(fh_hnsw_update(s.graph, s.writer, s.ids.at[0], (fh_f32s){three + DIM, DIM}, &err), codes[i]);
        fh_assert_code(fh_hnsw_search(s.graph, s.reader, (fh_f32s){three + DIM, DIM}, K, 0, NULL, (fh_hits){hits, K}, &count,
                                      &err),
                       codes[i]);
    }
    uint64_t twice[3] = {5, 6, 5}, many[300];
    fh_f32s some = fh_f32s_sub(s.vectors, 0, 3 * DIM), one = fh_f32s_sub(s.vectors, 0, DIM);
    fh_err_clear(&err);
    fh_assert_code(fh_hnsw_add(s.graph, s.writer, NULL, (fh_u64s){twice, 3}, some, &err), FH_INVALID);
    assert_non_null(strstr(err.message, "vector 2 has id 5"));
    fh_assert_code(fh_hnsw_add(s.graph, s.writer, NULL, fh_u64s_sub(s.ids, 0, 1), one, &err), FH_INVALID);
    fh_assert_code(fh_hnsw_add(s.graph, s.writer, NULL, (fh_u64s){twice, 2}, some, &err), FH_INVALID);
    fh_assert_code(fh_hnsw_add(s.graph, other.writer, NULL, (fh_u64s){twice, 1}, one, &err), FH_INVALID);
    fh_assert_code(fh_hnsw_update(s.graph, s.writer, s.ids.at[0], some, &err), FH_INVALID);
    fh_assert_code(fh_hnsw_search(s.graph, other.reader, one, K, 0, NULL, (fh_hits){hits, K}, &count, &err), FH_INVALID);
    fh_assert_code(fh_hnsw_search(s.graph, s.reader, some, K, 0, NULL, (fh_hits){hits, K}, &count, &err), FH_INVALID);
    fh_assert_code(fh_hnsw_search(s.graph, s.reader, one, K, 0, NULL, (fh_hits){hits, 3}, &count, &err), FH_INVALID);
    fh_assert_code(fh_hnsw_search(s.graph, s.reader, one, 0, 0, NULL, (fh_hits){hits, 0}, &count, &err), FH_LIMIT);
    fh_assert_code(fh_hnsw_search(s.graph, s.reader, one, K, FH_HITS_MAX + 1, NULL, (fh_hits){hits, K}, &count, &err),
                   FH_LIMIT);
    fh_f32s large;
    fh_assert_ok(fh_f32s_new(s.a, (size_t)300 * DIM, &large));
    for (size_t i = 0; i < 300; i++)
        many[i] = i;
    fh_err_clear(&err);
    fh_assert_code(fh_hnsw_add(s.graph, s.writer, NULL, (fh_u64s){many, 300}, large, &err), FH_EXHAUSTED);
    assert_non_null(strstr(err.message, "room for 108 of 208"));
    fh_f32s_free(s.a, &large);
    fh_assert_ok(fh_hnsw_digest(s.graph, &after));
    assert_true(before == after && fh_hnsw_count(s.graph) == 100);
    check(s.graph);
    end(&s);
    end(&other);
}

static void test_options(void **state) {
    const struct {
        fh_hnsw_options o;
        fh_isa isa;
        fh_code code;
    } rows[] = {
        {{.dim = 0, .rows_max = 1}, FH_ISA_SCALAR, FH_LIMIT},
        {{.dim = 65537, .rows_max = 1}, FH_ISA_SCALAR, FH_LIMIT},
        {{.dim = 1, .rows_max = 0}, FH_ISA_SCALAR, FH_LIMIT},
        {{.dim = 1, .rows_max = (UINT64_C(1) << 31) + 1}, FH_ISA_SCALAR, FH_LIMIT},
        {{.dim = 1, .rows_max = 1, .links = 1}, FH_ISA_SCALAR, FH_LIMIT},
        {{.dim = 1, .rows_max = 1, .links = FH_HNSW_LINKS_MAX + 1}, FH_ISA_SCALAR, FH_LIMIT},
        {{.dim = 1, .rows_max = 1, .effort = FH_HNSW_EFFORT_MAX + 1}, FH_ISA_SCALAR, FH_LIMIT},
        {{.dim = 1, .rows_max = 1, .metric = FH_METRIC_COUNT}, FH_ISA_SCALAR, FH_INVALID},
        {{.dim = 1, .rows_max = 1}, FH_ISA_COUNT, FH_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fh_hnsw *graph = (fh_hnsw *)state;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_hnsw_new(fh_test_allocator(state), rows[i].isa, &rows[i].o, &graph, &err), rows[i].code);
        assert_null(graph);
        assert_true(err.message[0] != '\0');
    }
    fh_hnsw_free(NULL);
    fh_hnsw_reader_free(NULL);
    fh_hnsw_writer_free(NULL);
}

/* --- at the same time ----------------------------------------------------------------------------------------------------- */

enum { SHARE = 150, OLD = 300 };

typedef struct crowd {
    scene *s;
    unsigned adders; /* how many have begun */
    uint32_t done;   /* changers that are through */
    uint64_t searches;
} crowd;

static void *searches(void *arg) {
    crowd *c = arg;
    fh_hnsw_reader *r = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_hnsw_reader_new(c->s->graph, &r, &err));
    for (size_t q = 0; fh_load(&c->done, FH_ACQUIRE) < 3; q++) {
        fh_hit hits[K];
        size_t row = OLD + q % (2 * (size_t)SHARE);
        size_t count = search(c->s->graph, r, fh_f32s_sub(c->s->vectors, row * DIM, DIM), K, 40, NULL, hits);
        for (size_t i = 1; i < count; i++)
            assert_true(hits[i].score >= hits[i - 1].score);
        fh_fetch_add(&c->searches, 1, FH_RELAXED);
    }
    fh_hnsw_reader_free(r);
    return NULL;
}

static void *adds(void *arg) {
    crowd *c = arg;
    unsigned me = fh_fetch_add(&c->adders, 1, FH_RELAXED);
    fh_hnsw_writer *w = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_hnsw_writer_new(c->s->graph, 1, &w, &err));
    for (size_t i = 0; i < SHARE;) {
        size_t row = OLD + me * SHARE + i;
        fh_err_clear(&err);
        fh_status s = fh_hnsw_add(c->s->graph, w, NULL, fh_u64s_sub(c->s->ids, row, 1),
                                  fh_f32s_sub(c->s->vectors, row * DIM, DIM),
                                  &err);
        assert_true(s.code == FH_OK || s.code == FH_BORROWED);
        i += s.code == FH_OK;
        if (s.code == FH_BORROWED)
            fh_os_nap(1000);
    }
    fh_fetch_add(&c->done, 1, FH_RELEASE);
    fh_hnsw_writer_free(w);
    return NULL;
}

static void *removes(void *arg) {
    crowd *c = arg;
    for (size_t row = 0; row < OLD;) {
        fh_status s = fh_hnsw_remove(c->s->graph, c->s->ids.at[row]);
        assert_true(s.code == FH_OK || s.code == FH_BORROWED);
        row += s.code == FH_OK;
        fh_os_nap(1000);
    }
    fh_fetch_add(&c->done, 1, FH_RELEASE);
    return NULL;
}

/* Four search while two add and one removes; afterwards every live vector is found, and no other (ThreadSanitizer looks on). */
static void test_crowd(void **state) {
    scene s = make(fh_test_allocator(state), FH_METRIC_L2, OLD, 1);
    const size_t all = OLD + 2 * SHARE;
    fh_u64s_free(s.a, &s.ids);
    fh_f32s_free(s.a, &s.vectors);
    fh_assert_ok(fh_u64s_new(s.a, all, &s.ids));
    fh_assert_ok(fh_f32s_new(s.a, all * DIM, &s.vectors));
    fill(s.vectors, 1);
    for (size_t i = 0; i < all; i++)
        s.ids.at[i] = fh_mix64(i);
    crowd c = {.s = &s};
    pthread_t threads[7];
    for (int i = 0; i < 7; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i < 4 ? searches : i < 6 ? adds : removes, &c), 0);
    for (int i = 0; i < 7; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    check(s.graph);
    assert_int_equal(fh_hnsw_count(s.graph), 2 * SHARE);
    assert_true(c.searches > 0);
    for (size_t row = 0; row < all; row++) {
        static fh_hit hits[2 * SHARE];
        size_t count = search(s.graph, s.reader, fh_f32s_sub(s.vectors, row * DIM, DIM), 2 * SHARE, 0, NULL, hits);
        assert_int_equal(count, 2 * SHARE);
        assert_true(is_in(hits, 3, s.ids.at[row]) == (row >= OLD));
    }
    end(&s);
}

/* From inside of a search, by its filter, and beside a change: the moments are certain. */
static bool looks(void *ctx, uint64_t id) {
    fh_hnsw *graph = ctx;
    float v[DIM];
    fh_assert_ok(fh_hnsw_get(graph, id, (fh_f32s){v, DIM}));
    return true;
}
static bool ends(void *ctx, uint64_t id) {
    (void)id;
    fh_hnsw_free(ctx);
    return true;
}
static void end_in_search(void *arg) {
    scene *s = arg;
    fh_hit hits[K];
    search(s->graph, s->reader, fh_f32s_sub(s->vectors, 0, DIM), K, 0, &(fh_hit_filter){ends, s->graph}, hits);
}

static void changes_inside(void *ctx, fh_par_fn *fn, void *arg) {
    scene *s = ctx;
    fh_err err;
    float v[DIM];
    uint64_t digest;
    fh_err_clear(&err);
    fh_assert_code(fh_hnsw_remove(s->graph, s->ids.at[0]), FH_BORROWED);
    fh_assert_code(fh_hnsw_get(s->graph, s->ids.at[0], (fh_f32s){v, DIM}), FH_BORROWED);
    fh_assert_code(fh_hnsw_check(s->graph, &err), FH_BORROWED);
    fh_assert_code(fh_hnsw_digest(s->graph, &digest), FH_BORROWED);
    fh_assert_code(fh_hnsw_update(s->graph, s->writer, s->ids.at[0], fh_f32s_sub(s->vectors, 0, DIM), &err), FH_BORROWED);
    fn(arg, 0, 2);
    fn(arg, 1, 2);
}

static void test_borrowed(void **state) {
    scene s = make(fh_test_allocator(state), FH_METRIC_L2, 50, 2);
    const fh_par par = {.ctx = &s, .width = 2, .run = changes_inside}, wide = {.ctx = &s, .width = 3, .run = changes_inside};
    fh_hit hits[K];
    uint64_t id = 1;
    fh_err err;
    fh_err_clear(&err);
    assert_int_equal(search(s.graph, s.reader, fh_f32s_sub(s.vectors, 0, DIM), K, 0, &(fh_hit_filter){looks, s.graph}, hits),
                     K);
    fh_assert_dies(end_in_search, &s, "searching");
    fh_assert_code(fh_hnsw_add(s.graph, s.writer, &wide, (fh_u64s){&id, 1}, fh_f32s_sub(s.vectors, 0, DIM), &err), FH_INVALID);
    fh_assert_ok(fh_hnsw_add(s.graph, s.writer, &par, (fh_u64s){&id, 1}, fh_f32s_sub(s.vectors, 0, DIM), &err));
    check(s.graph);
    end(&s);
}

/* --- forks ---------------------------------------------------------------------------------------------------------------- */

static void cross(scene *s, void (*in_child)(void *arg)) {
    char said[4096];
    int status = fh_test_child(in_child, s, said, sizeof said);
    if (status != 0)
        fail_msg("child ended with status 0x%x and said \"%s\"", (unsigned)status, said);
}

/* Who searched or looked is not there: the graph is anybody's. */
static void change_in_child(void *arg) {
    scene *s = arg;
    uint64_t id = 1;
    fh_err err;
    fh_err_clear(&err);
    FH_ASSERT(fh_hnsw_after_fork(s->graph));
    FH_ASSERT(!fh_failed(fh_hnsw_remove(s->graph, s->ids.at[0])));
    FH_ASSERT(!fh_failed(fh_hnsw_add(s->graph, s->writer, NULL, (fh_u64s){&id, 1}, fh_f32s_sub(s->vectors, 0, DIM), &err)));
    FH_ASSERT(!fh_failed(fh_hnsw_check(s->graph, &err)));
    fh_hnsw_free(s->graph);
}
static bool cross_and_accept(void *ctx, uint64_t id) {
    scene *s = ctx;
    if (id == s->ids.at[0])
        cross(s, change_in_child);
    return true;
}
static fh_status cross_and_put(void *ctx, fh_span bytes, fh_err *err) {
    (void)bytes;
    cross(ctx, change_in_child);
    return fh_fail(err, FH_IO, FH_NO_OFFSET, "no more");
}

/* Who changed is not there: the graph can be searched, as beside the change, and no more. */
static void find_lost_in_child(void *arg) {
    scene *s = arg;
    uint64_t id = 1, digest;
    fh_hit hits[K];
    size_t count;
    fh_err err;
    fh_err_clear(&err);
    for (int i = 0; i < 2; i++)
        FH_ASSERT(!fh_hnsw_after_fork(s->graph));
    FH_ASSERT(fh_hnsw_add(s->graph, s->writer, NULL, (fh_u64s){&id, 1}, fh_f32s_sub(s->vectors, 0, DIM), &err).code ==
              FH_BORROWED);
    FH_ASSERT(strstr(err.message, "a fork") != NULL);
    FH_ASSERT(fh_hnsw_remove(s->graph, s->ids.at[0]).code == FH_BORROWED);
    FH_ASSERT(fh_hnsw_digest(s->graph, &digest).code == FH_BORROWED);
    FH_ASSERT(!fh_failed(fh_hnsw_search(s->graph, s->reader, fh_f32s_sub(s->vectors, 0, DIM), K, 0, NULL, (fh_hits){hits, K},
                                        &count, &err)));
    FH_ASSERT(count == K && hits[0].score == 0);
    fh_hnsw_free(s->graph);
}
static void cross_and_run(void *ctx, fh_par_fn *fn, void *arg) {
    fn(arg, 0, 2);
    cross(ctx, find_lost_in_child);
    fn(arg, 1, 2);
}

static void test_fork(void **state) {
    scene s = make(fh_test_allocator(state), FH_METRIC_L2, 50, 2);
    const fh_par par = {.ctx = &s, .width = 2, .run = cross_and_run};
    fh_hit hits[K];
    uint64_t id = 1;
    fh_err err;
    fh_err_clear(&err);
    assert_int_equal(search(s.graph, s.reader, fh_f32s_sub(s.vectors, 0, DIM), K, 0,
                            &(fh_hit_filter){cross_and_accept, &s}, hits), K);
    assert_true(hits[0].id == s.ids.at[0]);
    fh_assert_code(fh_hnsw_save(s.graph, (fh_sink){&s, cross_and_put}, &err), FH_IO);
    fh_assert_ok(fh_hnsw_add(s.graph, s.writer, &par, (fh_u64s){&id, 1}, fh_f32s_sub(s.vectors, 0, DIM), &err));
    check(s.graph);
    end(&s);
}

/* --- memory --------------------------------------------------------------------------------------------------------------- */

static fh_status body(fh_allocator *a, void *arg) {
    (void)arg;
    enum { FEW = 40 };
    float vectors[FEW * DIM];
    uint64_t ids[FEW];
    fh_hnsw *graph = NULL;
    fh_hnsw_writer *w = NULL;
    fh_hnsw_reader *r = NULL;
    fh_hit hits[3];
    size_t count;
    fh_err err;
    fh_err_clear(&err);
    for (size_t i = 0; i < FEW; i++)
        ids[i] = i;
    fill((fh_f32s){vectors, (size_t)FEW * DIM}, 2);
    FH_TRY(fh_hnsw_new(a, fh_isa_best(),
                       &(fh_hnsw_options){.dim = DIM, .rows_max = FEW, .metric = FH_METRIC_COSINE, .links = 3},
                       &graph, &err));
    fh_status s = fh_hnsw_writer_new(graph, 2, &w, &err);
    if (!fh_failed(s))
        s = fh_hnsw_add(graph, w, NULL, (fh_u64s){ids, FEW}, (fh_f32s){vectors, (size_t)FEW * DIM}, &err);
    if (!fh_failed(s))
        s = fh_hnsw_reader_new(graph, &r, &err);
    if (!fh_failed(s))
        s = fh_hnsw_search(graph, r, (fh_f32s){vectors, DIM}, 3, 300, NULL, (fh_hits){hits, 3}, &count, &err);
    assert_true(fh_hnsw_count(graph) == 0 || fh_hnsw_count(graph) == FEW);
    check(graph);
    fh_hnsw_reader_free(r);
    fh_hnsw_writer_free(w);
    fh_hnsw_free(graph);
    return s;
}

static void test_each_allocation_fails(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL) >= 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_recall),   FH_TEST_ALLOC(test_nothing_lost), FH_TEST_ALLOC(test_deterministic),
        FH_TEST_ALLOC(test_few_accepted), FH_TEST_ALLOC(test_copy),
        FH_TEST_ALLOC(test_changes),  FH_TEST_ALLOC(test_refusals),     FH_TEST_ALLOC(test_options),
        FH_TEST_ALLOC(test_crowd),    FH_TEST_ALLOC(test_borrowed),     FH_TEST_ALLOC(test_each_allocation_fails),
        FH_TEST_ALLOC(test_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
