/* test_engine.c: fh_engine: hostile steps, broken models, no memory, and random use against recomputation from scratch.
 * */
#include <math.h>
#include <string.h>

#include "lab.h"

enum { TEXT_MAX = 200 };

static fh_engine *engine_of(fh_allocator *a, struct lab *lab, fh_engine_options options) {
    fh_engine *e = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_engine_new(a, lab->model, lab->dev, &options, &e, &err));
    return e;
}

static fh_seq open_one(fh_engine *e) {
    fh_seq s;
    fh_assert_ok(fh_engine_open(e, &s));
    return s;
}

static uint64_t length_of(fh_engine *e, fh_seq s) {
    uint64_t length = 0;
    fh_assert_ok(fh_engine_length(e, s, &length));
    return length;
}

/* Runs `count` tokens of a text from the sequence's length on; logits of the last. */
static void feed(fh_engine *e, fh_seq s, uint64_t seed, unsigned count) {
    fh_row rows[TEXT_MAX];
    uint64_t at = length_of(e, s);
    for (unsigned i = 0; i < count; i++)
        rows[i] = (fh_row){s, lab_token(seed, at + i), i + 1 == count};
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_engine_step(e, (fh_rows){rows, count}, &err));
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

static void test_hostile_steps(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    struct lab lab;
    lab_file(&file, a, lab_options(LAB_LLAMA, FH_DTYPE_F32));
    fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), fh_isa_best(), 1, NULL));
    fh_engine *e = engine_of(a, &lab, (fh_engine_options){.context = 70, .rows_max = 8, .seqs_max = 3});
    fh_seq s = open_one(e), t = open_one(e), gone = open_one(e);
    fh_assert_ok(fh_engine_close(e, gone));
    feed(e, s, 1, 5);
    fh_row one = {s, 3, true}, bad_token = {t, LAB_VOCAB, true}, worst_token = {s, UINT32_MAX, false}, stale = {gone, 1, true},
           zero = {{0}, 1, true}, many[9] = {one, one, one, one, one, one, one, one, one};
    const struct {
        fh_row rows[3];
        size_t count;
        fh_code code;
        const char *said;
    } table[] = {
        {{one}, 0, FH_INVALID, "without rows"},
        {{one, bad_token}, 2, FH_INVALID, "row 1: token 391, expected one below 391"},
        {{one, one, worst_token}, 3, FH_INVALID, "row 2: token 4294967295"},
        {{one, stale}, 2, FH_STALE, "does not exist"},
        {{zero}, 1, FH_STALE, "does not exist"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        fh_row rows[3];
        fh_f32s logits;
        fh_err err;
        fh_err_clear(&err);
        memcpy(rows, table[i].rows, sizeof rows);
        fh_assert_code(fh_engine_step(e, (fh_rows){rows, table[i].count}, &err), table[i].code);
        fh_assert_err(&err, table[i].code, table[i].said);
        assert_int_equal(length_of(e, s), 5);
        assert_int_equal(length_of(e, t), 0);
        fh_assert_code(fh_engine_logits(e, 0, &logits), FH_INVALID);
    }
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_engine_step(e, (fh_rows){many, 9}, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "9 rows, at most 8");
    /* Still as good as new. */
    feed(e, t, 1, 8);
    assert_int_equal(length_of(e, t), 8);
    fh_engine_free(e);
    lab_close(&lab);
    fh_buf_deinit(&file);
}

static void test_full_context(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    struct lab lab;
    lab_file(&file, a, lab_options(LAB_QWEN3, FH_DTYPE_F32));
    fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), fh_isa_best(), 1, NULL));
    fh_engine *e = engine_of(a, &lab, (fh_engine_options){.context = 70});
    fh_engine_stats stats = fh_engine_stats_get(e);
    assert_int_equal(stats.sequence_max, 70);
    assert_int_equal(stats.segments_max, 2);
    assert_int_equal(stats.rows_max, 512);
    fh_seq s = open_one(e), t = open_one(e), fork;
    feed(e, s, 2, 60);
    fh_row rows[11];
    for (unsigned i = 0; i < 11; i++)
        rows[i] = (fh_row){s, 1, true};
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_engine_step(e, (fh_rows){rows, 11}, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "a sequence holds at most 70 positions");
    fh_assert_ok(fh_engine_step(e, (fh_rows){rows, 10}, NULL));
    fh_row row = {t, 1, true};
    fh_err_clear(&err);
    fh_assert_code(fh_engine_step(e, (fh_rows){&row, 1}, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "2 of 2 segments");
    assert_int_equal(length_of(e, s), 70);
    assert_int_equal(length_of(e, t), 0);
    /* A fork of a full sequence costs nothing; truncated into the shared part, it needs a segment of its own to go on. */
    fh_assert_ok(fh_engine_fork(e, s, &fork));
    fh_assert_code(fh_engine_truncate(e, fork, 71), FH_INVALID);
    fh_assert_ok(fh_engine_truncate(e, fork, 30));
    row.seq = fork;
    fh_assert_code(fh_engine_step(e, (fh_rows){&row, 1}, NULL), FH_LIMIT);
    fh_assert_ok(fh_engine_close(e, s));
    fh_assert_ok(fh_engine_step(e, (fh_rows){&row, 1}, NULL));
    assert_int_equal(length_of(e, fork), 31);
    assert_int_equal(fh_engine_stats_get(e).segments_used, 1);
    fh_engine_free(e);
    lab_close(&lab);
    fh_buf_deinit(&file);
}

static void test_options(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    struct lab lab;
    lab_file(&file, a, lab_options(LAB_LLAMA, FH_DTYPE_F32));
    fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), FH_ISA_SCALAR, 1, NULL));
    const struct {
        fh_engine_options options;
        const char *said;
    } table[] = {
        {{.rows_max = FH_ROWS_MAX + 1}, "4097 rows a step"},
        {{.context = FH_CONTEXT_MAX + 1}, "context of 16777217"},
        {{.context = UINT64_MAX}, "context of"},
        {{.seqs_max = UINT32_MAX}, "4294967295 sequences"},
    };
    uint64_t before = fh_device_caps_get(lab.dev).mem_bytes;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        fh_engine *e = NULL;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_engine_new(a, lab.model, lab.dev, &table[i].options, &e, &err), FH_LIMIT);
        fh_assert_err(&err, FH_LIMIT, table[i].said);
        assert_null(e);
        assert_int_equal(fh_device_caps_get(lab.dev).mem_bytes, before);
    }
    fh_engine *e = engine_of(a, &lab, (fh_engine_options){.rows_max = 0});
    assert_int_equal(fh_engine_stats_get(e).sequence_max, LAB_CONTEXT);
    fh_engine_free(e);
    assert_int_equal(fh_device_caps_get(lab.dev).mem_bytes, before);
    fh_engine_free(NULL);
    lab_close(&lab);
    fh_buf_deinit(&file);
}

/* --- broken models ------------------------------------------------------------------------------------------------ */

/* One bad number in a weight: the step says so, and no sequence has changed. */
static void broken(fh_allocator *a, enum lab_kind kind, const char *tensor, uint64_t index, float value, fh_code code,
                   const char *said) {
    fh_buf file;
    struct lab lab;
    fh_err err;
    lab_file(&file, a, lab_options(kind, FH_DTYPE_F32));
    lab_patch(&file, tensor, index, value);
    fh_err_clear(&err);
    fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), fh_isa_best(), 1, &err));
    fh_engine *e = engine_of(a, &lab, (fh_engine_options){.context = 256});
    fh_seq s = open_one(e);
    fh_row rows[3] = {{s, 1, true}, {s, 2, false}, {s, 3, true}};
    for (unsigned again = 0; again < 2; again++) {
        fh_err_clear(&err);
        fh_assert_code(fh_engine_step(e, (fh_rows){rows, 3}, &err), code);
        fh_assert_err(&err, code, said);
        assert_int_equal(length_of(e, s), 0);
        assert_int_equal(fh_engine_stats_get(e).segments_used, 0);
    }
    fh_engine_free(e);
    lab_close(&lab);
    fh_buf_deinit(&file);
}

static void test_broken_models(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    broken(a, LAB_QWEN3MOE, "blk.0.ffn_gate_inp.weight", 2 * 96 + 5, NAN, FH_ROUTE_NAN, "layer 0, row 0, expert 2");
    broken(a, LAB_OLMOE, "blk.1.ffn_gate_inp.weight", 0, NAN, FH_ROUTE_NAN, "layer 1, row 0, expert 0");
    broken(a, LAB_LLAMA, "output_norm.weight", 7, NAN, FH_NOT_FINITE, "row 0 (position 0): the logit of token 0");
    broken(a, LAB_LLAMA, "output.weight", 9 * 96, INFINITY, FH_NOT_FINITE, "the logit of token 9");
    broken(a, LAB_LLAMA, "blk.2.ffn_down.weight", 0, NAN, FH_NOT_FINITE, "row 0 (position 0)");
    broken(a, LAB_QWEN3, "blk.0.attn_q_norm.weight", 3, INFINITY, FH_NOT_FINITE, "row 0");
    /* Token 2's embedding: row 1 is not asked for its logits, but row 2 attends to it. */
    broken(a, LAB_LLAMA, "token_embd.weight", 2 * 96 + 1, NAN, FH_NOT_FINITE, "row 2 (position 2)");
}

/* --- no memory ---------------------------------------------------------------------------------------------------- */

static fh_status load_and_run(fh_allocator *a, void *arg) {
    fh_buf *file = arg;
    struct lab lab;
    fh_engine *e = NULL;
    fh_seq s = {0}, fork = {0};
    FH_TRY(lab_open(&lab, a, fh_buf_view(file), fh_isa_best(), 1, NULL));
    fh_status status = fh_engine_new(a, lab.model, lab.dev, &(fh_engine_options){.context = 256, .rows_max = 80}, &e, NULL);
    if (!fh_failed(status))
        status = fh_engine_open(e, &s);
    for (unsigned round = 0; round < 3 && !fh_failed(status); round++) {
        fh_row rows[70];
        uint64_t length = length_of(e, s);
        unsigned count = round == 0 ? 70 : 1;
        for (unsigned i = 0; i < count; i++)
            rows[i] = (fh_row){s, lab_token(5, length + i), round == 0};
        status = fh_engine_step(e, (fh_rows){rows, count}, NULL);
        if (status.code == FH_NOMEM) { /* it was one allocation: the same step goes through now */
            assert_int_equal(length_of(e, s), length);
            fh_assert_ok(fh_engine_step(e, (fh_rows){rows, count}, NULL));
        } else if (round == 0 && !fh_failed(status)) {
            status = fh_engine_fork(e, s, &fork); /* so that the next round copies */
        }
    }
    fh_engine_free(e);
    lab_close(&lab);
    return status;
}

static void test_no_memory(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static const enum lab_kind kinds[] = {LAB_LLAMA, LAB_OLMOE};
    for (unsigned i = 0; i < 2; i++) {
        fh_buf file;
        lab_file(&file, a, lab_options(kinds[i], i == 0 ? FH_DTYPE_Q4_0 : FH_DTYPE_F16));
        assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), load_and_run, &file) > 50);
        fh_buf_deinit(&file);
    }
}

/* After the first steps nothing is allocated, by the engine or by the device: neither for one more token, nor for a segment
 * that was in use before. */
static void test_steady(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static const enum lab_kind kinds[] = {LAB_QWEN3MOE, LAB_LLAMA};
    for (unsigned k = 0; k < 2; k++) {
        fh_buf file;
        struct lab lab;
        lab_file(&file, a, lab_options(kinds[k], FH_DTYPE_Q8_0));
        fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), fh_isa_best(), 1, NULL));
        fh_engine *e = engine_of(a, &lab, (fh_engine_options){.context = 512, .rows_max = 128});
        fh_seq s = open_one(e);
        feed(e, s, 3, 128);
        feed(e, s, 3, 70);
        fh_assert_ok(fh_engine_truncate(e, s, 0));
        uint64_t allocs = fh_trace_stats(fh_test_trace(state)).allocs;
        feed(e, s, 3, 100);
        for (unsigned i = 0; i < 90; i++)
            feed(e, s, 3, 1);
        assert_int_equal(fh_trace_stats(fh_test_trace(state)).allocs, allocs);
        fh_engine_free(e);
        lab_close(&lab);
        fh_buf_deinit(&file);
    }
}

/* --- random use --------------------------------------------------------------------------------------------------- */

enum { SEQS = 4 };

struct shadow {
    fh_seq seq;
    bool live;
    unsigned length;
    uint32_t tokens[TEXT_MAX];
};

struct world {
    fh_allocator *a;
    struct lab *lab;
    fh_engine *engine;
    struct shadow seqs[SEQS];
    fh_test_rng rng;
};

/* The logits of the last token of a text, from an engine that has seen nothing else. */
static void recompute(struct world *w, const struct shadow *s, unsigned length, float *out) {
    fh_engine *fresh = engine_of(w->a, w->lab, (fh_engine_options){.context = TEXT_MAX, .rows_max = TEXT_MAX, .seqs_max = 1});
    fh_seq seq = open_one(fresh);
    fh_row rows[TEXT_MAX];
    fh_f32s logits;
    for (unsigned i = 0; i < length; i++)
        rows[i] = (fh_row){seq, s->tokens[i], i + 1 == length};
    fh_assert_ok(fh_engine_step(fresh, (fh_rows){rows, length}, NULL));
    fh_assert_ok(fh_engine_logits(fresh, length - 1, &logits));
    memcpy(out, logits.at, LAB_VOCAB * sizeof(float));
    fh_engine_free(fresh);
}

/* A step of rows of random sequences in random order; one of the rows is compared bit for bit. */
static void world_step(struct world *w) {
    fh_row rows[64];
    unsigned owner[64], length[64], n = 0, before[SEQS];
    for (unsigned k = 0; k < SEQS; k++)
        before[k] = w->seqs[k].length;
    for (unsigned tries = 1 + (unsigned)fh_test_rng_below(&w->rng, 63); tries > 0; tries--) {
        unsigned k = (unsigned)fh_test_rng_below(&w->rng, SEQS);
        struct shadow *s = &w->seqs[k];
        if (!s->live || s->length == TEXT_MAX)
            continue;
        uint32_t token = (uint32_t)fh_test_rng_below(&w->rng, LAB_VOCAB);
        s->tokens[s->length++] = token;
        owner[n] = k;
        length[n] = s->length;
        rows[n++] = (fh_row){s->seq, token, fh_test_rng_below(&w->rng, 2) == 0};
    }
    if (n == 0)
        return;
    fh_status status = fh_engine_step(w->engine, (fh_rows){rows, n}, NULL);
    if (status.code == FH_LIMIT) { /* the budget: nothing has changed */
        for (unsigned k = 0; k < SEQS; k++)
            w->seqs[k].length = before[k];
        return;
    }
    fh_assert_ok(status);
    unsigned pick = (unsigned)fh_test_rng_below(&w->rng, n);
    fh_f32s logits;
    if (!rows[pick].logits) {
        fh_assert_code(fh_engine_logits(w->engine, pick, &logits), FH_INVALID);
        return;
    }
    float expected[LAB_VOCAB];
    recompute(w, &w->seqs[owner[pick]], length[pick], expected);
    fh_assert_ok(fh_engine_logits(w->engine, pick, &logits));
    assert_int_equal(logits.count, LAB_VOCAB);
    assert_memory_equal(logits.at, expected, sizeof expected);
}

static void world_move(struct world *w) {
    struct shadow *s = &w->seqs[fh_test_rng_below(&w->rng, SEQS)], *t = &w->seqs[fh_test_rng_below(&w->rng, SEQS)];
    uint64_t what = fh_test_rng_below(&w->rng, 12);
    if (!s->live) {
        *s = (struct shadow){.live = true};
        if (what < 8 && t != s && t->live) {
            fh_assert_ok(fh_engine_fork(w->engine, t->seq, &s->seq));
            s->length = t->length;
            memcpy(s->tokens, t->tokens, sizeof s->tokens);
        } else {
            s->seq = open_one(w->engine);
        }
    } else if (what == 0) {
        fh_assert_ok(fh_engine_close(w->engine, s->seq));
        fh_assert_code(fh_engine_close(w->engine, s->seq), FH_STALE);
        s->live = false;
    } else if (what < 3) {
        s->length = (unsigned)fh_test_rng_below(&w->rng, s->length + 1);
        fh_assert_ok(fh_engine_truncate(w->engine, s->seq, s->length));
    } else {
        world_step(w);
    }
    for (unsigned k = 0; k < SEQS; k++)
        if (w->seqs[k].live)
            assert_int_equal(length_of(w->engine, w->seqs[k].seq), w->seqs[k].length);
}

static void test_random(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (unsigned k = 0; k < LAB_KINDS; k++) {
        fh_buf file;
        struct lab lab;
        lab_file(&file, a, lab_options((enum lab_kind)k, k % 2 == 0 ? FH_DTYPE_Q8_0 : FH_DTYPE_BF16));
        fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), fh_isa_best(), k % 2 == 0 ? 1 : 2, NULL));
        fh_engine_options options = {.context = k % 2 == 0 ? 8 * 64 : 16 * 64, .rows_max = 64, .seqs_max = SEQS};
        struct world w = {.a = a, .lab = &lab, .engine = engine_of(a, &lab, options), .rng = fh_test_rng_new(100 + k)};
        for (unsigned i = 0; i < 150; i++)
            world_move(&w);
        for (unsigned i = 0; i < SEQS; i++)
            if (w.seqs[i].live)
                fh_assert_ok(fh_engine_close(w.engine, w.seqs[i].seq));
        assert_int_equal(fh_engine_stats_get(w.engine).segments_used, 0);
        fh_engine_free(w.engine);
        lab_close(&lab);
        fh_buf_deinit(&file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_hostile_steps),  FH_TEST_ALLOC(test_full_context), FH_TEST_ALLOC(test_options),
        FH_TEST_ALLOC(test_broken_models), FH_TEST_ALLOC(test_no_memory),    FH_TEST_ALLOC(test_steady),
        FH_TEST_ALLOC(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
