/* test_kv.c: fh_kv_cache against a shadow that remembers every position of every sequence, and its budgets one by one. */
#include <string.h>

#include "fh_test.h"
#include "llm/kv.h"

enum { LAYERS = 3, KV_HEADS = 1, HEAD_DIM = 2, SEQS = 6, LENGTH_MAX = 300 };

struct bench {
    fh_device *dev;
    fh_kv_cache *kv;
    uint64_t layer_bytes;
};

static struct bench bench_open(fh_allocator *a, uint64_t positions, uint64_t sequence_max) {
    struct bench b = {0};
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_cpu_new(a, NULL, FH_ISA_SCALAR, &b.dev));
    assert_true(fh_kv_layer_bytes(KV_HEADS, HEAD_DIM, &b.layer_bytes));
    fh_kv_cache_options o = {.layers = LAYERS, .layer_bytes = b.layer_bytes, .positions = positions,
                             .sequence_max = sequence_max, .seqs_max = SEQS};
    fh_assert_ok(fh_kv_cache_new(a, b.dev, &o, &b.kv, &err));
    return b;
}

static void bench_close(struct bench *b) {
    fh_kv_cache_free(b->kv);
    assert_int_equal(fh_device_caps_get(b->dev).mem_bytes, 0);
    fh_device_free(b->dev);
}

/* --- contents ----------------------------------------------------------------------------------------------------- */

/* Instead of keys and values, tests keep one number a position and layer in a segment. */
static void stamp(struct bench *b, fh_kv_slot slot, uint32_t value) {
    fh_mem mem = fh_mems_get(fh_kv_cache_segments(b->kv), fh_kv_cache_first(b->kv, slot) + slot.position / FH_KV_BLOCK);
    for (uint64_t l = 0; l < LAYERS; l++) {
        uint8_t bytes[4];
        fh_mspan_put_u32((fh_mspan){bytes, 4}, 0, value + (uint32_t)l);
        fh_assert_ok(fh_device_write(b->dev, mem, l * b->layer_bytes + slot.position % FH_KV_BLOCK * 4, (fh_span){bytes, 4}));
    }
}

static void check_stamp(struct bench *b, fh_kv_slot slot, uint64_t position, uint32_t value) {
    fh_mem mem = fh_mems_get(fh_kv_cache_segments(b->kv), fh_kv_cache_first(b->kv, slot) + position / FH_KV_BLOCK);
    for (uint64_t l = 0; l < LAYERS; l++) {
        uint8_t bytes[4];
        fh_assert_ok(fh_device_read(b->dev, mem, l * b->layer_bytes + position % FH_KV_BLOCK * 4, (fh_mspan){bytes, 4}));
        assert_int_equal(fh_span_u32((fh_span){bytes, 4}, 0), value + (uint32_t)l);
    }
}

/* Appends `count` positions with stamps from `value` on. */
static fh_status grow(struct bench *b, fh_seq s, unsigned count, uint32_t value) {
    fh_kv_slot slots[LENGTH_MAX];
    fh_status status = FH_DONE;
    for (unsigned i = 0; i < count && !fh_failed(status); i++)
        status = fh_kv_cache_append(b->kv, s, &slots[i], NULL);
    if (!fh_failed(status))
        status = fh_kv_cache_reserve(b->kv, NULL);
    if (fh_failed(status)) {
        fh_kv_cache_rollback(b->kv);
        return status;
    }
    for (unsigned i = 0; i < count; i++)
        stamp(b, slots[i], value + 16 * i);
    fh_kv_cache_commit(b->kv);
    return FH_DONE;
}

static fh_seq open_one(struct bench *b) {
    fh_seq s;
    fh_assert_ok(fh_kv_cache_open(b->kv, &s));
    return s;
}

/* --- budgets ------------------------------------------------------------------------------------------------------ */

static void test_budget(void **state) {
    struct bench b = bench_open(fh_test_allocator(state), 200, 150); /* 4 segments */
    fh_seq one = open_one(&b), two = open_one(&b);
    uint64_t length = 0;
    assert_int_equal(fh_kv_cache_stats_get(b.kv).segments_max, 4);
    fh_assert_code(grow(&b, one, 151, 0), FH_LIMIT); /* its own limit */
    assert_int_equal(fh_kv_cache_stats_get(b.kv).segments_made, 0);
    fh_assert_ok(grow(&b, one, 150, 0));             /* 3 segments */
    fh_assert_code(grow(&b, one, 1, 0), FH_LIMIT);
    fh_assert_code(grow(&b, two, 65, 0), FH_LIMIT);  /* the budget of all */
    fh_assert_ok(fh_kv_cache_length(b.kv, two, &length));
    assert_int_equal(length, 0);
    fh_assert_ok(grow(&b, two, 64, 0));
    fh_assert_ok(fh_kv_cache_truncate(b.kv, one, 128));
    assert_int_equal(fh_kv_cache_stats_get(b.kv).segments_free, 1);
    fh_assert_ok(grow(&b, two, 1, 0)); /* a released segment serves again */
    assert_int_equal(fh_kv_cache_stats_get(b.kv).segments_made, 4);
    assert_int_equal(fh_kv_cache_stats_get(b.kv).segments_free, 0);
    fh_assert_ok(fh_kv_cache_close(b.kv, one));
    fh_assert_ok(fh_kv_cache_close(b.kv, two));
    assert_int_equal(fh_kv_cache_stats_get(b.kv).segments_free, 4);
    bench_close(&b);
}

/* A context of a million positions is filled to its end. */
static void test_long_context(void **state) {
    enum { SEGMENTS = 16400, STEP = 4096 };
    struct bench b = bench_open(fh_test_allocator(state), SEGMENTS * FH_KV_BLOCK, SEGMENTS * FH_KV_BLOCK);
    fh_seq one = open_one(&b);
    for (uint64_t from = 0; from < SEGMENTS * FH_KV_BLOCK; from += STEP) {
        fh_kv_slot slot = {0};
        for (uint64_t i = from; i < from + STEP && i < SEGMENTS * FH_KV_BLOCK; i++)
            fh_assert_ok(fh_kv_cache_append(b.kv, one, &slot, NULL));
        fh_assert_ok(fh_kv_cache_reserve(b.kv, NULL));
        stamp(&b, slot, (uint32_t)slot.position);
        check_stamp(&b, slot, slot.position, (uint32_t)slot.position);
        fh_kv_cache_commit(b.kv);
    }
    assert_int_equal(fh_kv_cache_stats_get(b.kv).segments_made, SEGMENTS);
    fh_kv_slot slot;
    fh_assert_code(fh_kv_cache_append(b.kv, one, &slot, NULL), FH_LIMIT);
    fh_assert_ok(fh_kv_cache_close(b.kv, one));
    bench_close(&b);
}

/* Forks share; the last of the sharers that goes on needs no copy. */
static void test_copies(void **state) {
    struct bench b = bench_open(fh_test_allocator(state), 4 * 64, 4 * 64);
    fh_seq parent = open_one(&b), child, third;
    fh_assert_ok(grow(&b, parent, 70, 0)); /* 2 segments */
    fh_assert_ok(fh_kv_cache_fork(b.kv, parent, &child));
    fh_assert_ok(fh_kv_cache_fork(b.kv, child, &third));
    assert_int_equal(fh_kv_cache_stats_get(b.kv).segments_made, 2);
    /* All three go on in one step: two copies, not three. */
    fh_kv_slot slots[3];
    fh_assert_ok(fh_kv_cache_append(b.kv, child, &slots[0], NULL));
    fh_assert_ok(fh_kv_cache_append(b.kv, parent, &slots[1], NULL));
    fh_assert_ok(fh_kv_cache_append(b.kv, third, &slots[2], NULL));
    fh_assert_ok(fh_kv_cache_reserve(b.kv, NULL));
    for (uint32_t i = 0; i < 3; i++)
        stamp(&b, slots[i], 7000 + 16 * i);
    for (uint32_t i = 0; i < 3; i++) {
        check_stamp(&b, slots[i], 70, 7000 + 16 * i);
        for (uint32_t p = 0; p < 70; p++)
            check_stamp(&b, slots[i], p, 16 * p);
    }
    fh_kv_cache_commit(b.kv);
    assert_int_equal(fh_kv_cache_stats_get(b.kv).segments_made, 4);
    /* Nothing is left for a copy now: a fork may be made, but not go on; its parent neither, until the fork is closed. */
    fh_seq fourth;
    fh_assert_ok(fh_kv_cache_fork(b.kv, parent, &fourth));
    fh_assert_code(grow(&b, fourth, 1, 0), FH_LIMIT);
    fh_assert_code(grow(&b, parent, 1, 0), FH_LIMIT);
    fh_assert_ok(fh_kv_cache_close(b.kv, fourth));
    fh_assert_ok(grow(&b, parent, 1, 0));
    bench_close(&b);
}

static void test_handles(void **state) {
    struct bench b = bench_open(fh_test_allocator(state), 64, 64), other = bench_open(fh_test_allocator(state), 64, 64);
    fh_seq s[SEQS], more;
    uint64_t length;
    fh_kv_slot slot;
    for (unsigned i = 0; i < SEQS; i++)
        s[i] = open_one(&b);
    fh_assert_code(fh_kv_cache_open(b.kv, &more), FH_EXHAUSTED);
    fh_assert_code(fh_kv_cache_fork(b.kv, s[0], &more), FH_EXHAUSTED);
    fh_assert_ok(fh_kv_cache_close(b.kv, s[2]));
    fh_assert_ok(fh_kv_cache_open(b.kv, &more));
    fh_seq bad[] = {s[2], {0}, {UINT64_MAX}, open_one(&other)};
    for (unsigned i = 0; i < 4; i++) {
        fh_seq out;
        fh_assert_code(fh_kv_cache_close(b.kv, bad[i]), FH_STALE);
        fh_assert_code(fh_kv_cache_length(b.kv, bad[i], &length), FH_STALE);
        fh_assert_code(fh_kv_cache_truncate(b.kv, bad[i], 0), FH_STALE);
        fh_assert_code(fh_kv_cache_fork(b.kv, bad[i], &out), FH_STALE);
        fh_assert_code(fh_kv_cache_append(b.kv, bad[i], &slot, NULL), FH_STALE);
    }
    fh_assert_code(fh_kv_cache_truncate(b.kv, more, 1), FH_INVALID);
    bench_close(&other);
    bench_close(&b);
}

/* --- the shadow --------------------------------------------------------------------------------------------------- */

struct shadow {
    fh_seq seq;
    bool live;
    uint32_t length;
    uint32_t stamps[LENGTH_MAX];
};

struct world {
    struct bench bench;
    struct shadow seqs[SEQS];
    fh_test_rng rng;
    uint32_t next; /* stamp */
    unsigned refused;
};

/* One step over a random choice of sequences, committed or rolled back. */
static void world_step(struct world *w) {
    fh_kv_slot slots[SEQS * 80];
    unsigned owner[SEQS * 80], n = 0;
    unsigned before[SEQS];
    bool full = false;
    for (unsigned k = 0; k < SEQS; k++)
        before[k] = w->seqs[k].length;
    for (unsigned k = 0; k < SEQS && !full; k++) {
        struct shadow *s = &w->seqs[k];
        unsigned count = s->live && fh_test_rng_below(&w->rng, 3) != 0 ? 1 + (unsigned)fh_test_rng_below(&w->rng, 79) : 0;
        for (unsigned i = 0; i < count && !full; i++) {
            full = fh_failed(fh_kv_cache_append(w->bench.kv, s->seq, &slots[n], NULL));
            assert_true(full == (s->length == LENGTH_MAX));
            if (full)
                break;
            assert_int_equal(slots[n].position, s->length);
            s->stamps[s->length++] = w->next;
            w->next += 16;
            owner[n++] = k;
        }
    }
    bool room = !full && !fh_failed(fh_kv_cache_reserve(w->bench.kv, NULL));
    if (room) {
        for (unsigned i = 0; i < n; i++)
            stamp(&w->bench, slots[i], w->seqs[owner[i]].stamps[slots[i].position]);
        for (unsigned i = 0; i < n; i++) {
            const struct shadow *s = &w->seqs[owner[i]];
            if (slots[i].position + 1 == s->length)
                for (uint32_t p = 0; p < s->length; p++)
                    check_stamp(&w->bench, slots[i], p, s->stamps[p]);
        }
    }
    w->refused += !room;
    if (room && fh_test_rng_below(&w->rng, 4) != 0) {
        fh_kv_cache_commit(w->bench.kv);
        return;
    }
    fh_kv_cache_rollback(w->bench.kv);
    for (unsigned k = 0; k < SEQS; k++)
        w->seqs[k].length = before[k];
}

static void world_move(struct world *w) {
    struct shadow *s = &w->seqs[fh_test_rng_below(&w->rng, SEQS)], *t = &w->seqs[fh_test_rng_below(&w->rng, SEQS)];
    fh_kv_cache *kv = w->bench.kv;
    uint64_t what = fh_test_rng_below(&w->rng, 10);
    if (!s->live) {
        *s = (struct shadow){.live = true};
        if (what < 6 && t != s && t->live) {
            s->length = t->length;
            memcpy(s->stamps, t->stamps, sizeof s->stamps);
            fh_assert_ok(fh_kv_cache_fork(kv, t->seq, &s->seq));
        } else {
            fh_assert_ok(fh_kv_cache_open(kv, &s->seq));
        }
    } else if (what < 2) {
        fh_assert_ok(fh_kv_cache_close(kv, s->seq));
        fh_assert_code(fh_kv_cache_close(kv, s->seq), FH_STALE);
        s->live = false;
    } else if (what < 4) {
        s->length = (uint32_t)fh_test_rng_below(&w->rng, s->length + 1);
        fh_assert_ok(fh_kv_cache_truncate(kv, s->seq, s->length));
    } else {
        world_step(w);
    }
}

static void test_random(void **state) {
    static const unsigned budgets[] = {6, 12, SEQS * 5};
    for (unsigned k = 0; k < 3; k++) {
        struct world w = {.bench = bench_open(fh_test_allocator(state), budgets[k] * FH_KV_BLOCK, LENGTH_MAX),
                          .rng = fh_test_rng_new(k)};
        for (unsigned i = 0; i < 1500; i++) {
            world_move(&w);
            fh_kv_cache_stats stats = fh_kv_cache_stats_get(w.bench.kv);
            unsigned live = 0;
            uint64_t blocks = 0;
            for (unsigned q = 0; q < SEQS; q++) {
                uint64_t length = 0;
                if (!w.seqs[q].live)
                    continue;
                fh_assert_ok(fh_kv_cache_length(w.bench.kv, w.seqs[q].seq, &length));
                assert_int_equal(length, w.seqs[q].length);
                blocks += (length + FH_KV_BLOCK - 1) / FH_KV_BLOCK;
                live++;
            }
            assert_int_equal(stats.seqs, live);
            assert_true(stats.segments_made - stats.segments_free <= blocks && stats.segments_made <= budgets[k]);
            assert_int_equal(fh_device_caps_get(w.bench.dev).mem_bytes, stats.segments_made * LAYERS * w.bench.layer_bytes);
        }
        assert_true(k == 2 ? w.refused < 400 : w.refused > 20); /* both outcomes were seen */
        for (unsigned q = 0; q < SEQS; q++)
            if (w.seqs[q].live)
                fh_assert_ok(fh_kv_cache_close(w.bench.kv, w.seqs[q].seq));
        fh_kv_cache_stats end = fh_kv_cache_stats_get(w.bench.kv);
        assert_int_equal(end.segments_free, end.segments_made);
        bench_close(&w.bench);
    }
}

/* --- no memory ---------------------------------------------------------------------------------------------------- */

static fh_status use(fh_allocator *a, void *arg) {
    (void)arg;
    struct bench b = {0};
    fh_seq s = {0};
    FH_TRY(fh_cpu_new(a, NULL, FH_ISA_SCALAR, &b.dev));
    assert_true(fh_kv_layer_bytes(KV_HEADS, HEAD_DIM, &b.layer_bytes));
    fh_kv_cache_options o = {.layers = LAYERS, .layer_bytes = b.layer_bytes, .positions = 640, .sequence_max = 640,
                             .seqs_max = 2};
    fh_status status = fh_kv_cache_new(a, b.dev, &o, &b.kv, NULL);
    if (!fh_failed(status))
        status = fh_kv_cache_open(b.kv, &s);
    if (!fh_failed(status))
        status = grow(&b, s, 130, 0);
    if (status.code == FH_NOMEM && b.kv != NULL) { /* the cache is as before, and goes on once there is memory */
        uint64_t length = 1;
        fh_assert_ok(fh_kv_cache_length(b.kv, s, &length));
        assert_int_equal(length, 0);
        fh_assert_ok(grow(&b, s, 130, 0));
    }
    fh_kv_cache_free(b.kv);
    fh_device_free(b.dev);
    return status;
}

static void test_no_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), use, NULL) > 12);
}

/* Sizes that cannot be are refused before anything is made. */
static void test_refusals(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_device *dev = NULL;
    fh_assert_ok(fh_cpu_new(a, NULL, FH_ISA_SCALAR, &dev));
    static const fh_kv_cache_options table[] = {
        {.layers = 1, .layer_bytes = 512, .positions = UINT64_MAX, .sequence_max = 64, .seqs_max = 1},
        {.layers = 1, .layer_bytes = 512, .positions = 64, .sequence_max = UINT64_MAX, .seqs_max = 1},
        {.layers = 1, .layer_bytes = 512, .positions = 64, .sequence_max = UINT64_MAX, .seqs_max = UINT32_MAX},
        {.layers = 1, .layer_bytes = 3, .positions = 64, .sequence_max = 64, .seqs_max = 1},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        fh_kv_cache *kv = NULL;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_kv_cache_new(a, dev, &table[i], &kv, &err), FH_LIMIT);
        fh_assert_err(&err, FH_LIMIT, "KV cache of");
        assert_null(kv);
    }
    fh_device_free(dev);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_budget), FH_TEST_ALLOC(test_copies),    FH_TEST_ALLOC(test_handles),
        FH_TEST_ALLOC(test_random), FH_TEST_ALLOC(test_no_memory), FH_TEST_ALLOC(test_refusals),
        FH_TEST_ALLOC(test_long_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
