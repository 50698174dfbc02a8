/* test_model.c: fh_model_load: what it hands to the device, and that a refused model leaves nothing behind. */
#include <math.h>
#include <string.h>

#include "lab.h"
#include "freehold/fmath.h"
#include "llm/weights.h"

/* Every kind loads, and the device has one weight for each tensor (rope_freqs, which is none, does not occur). */
static void test_load(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (unsigned k = 0; k < LAB_KINDS; k++) {
        fh_buf file;
        struct lab lab;
        fh_err err;
        fh_err_clear(&err);
        lab_file(&file, a, lab_options((enum lab_kind)k, FH_DTYPE_F32));
        fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), FH_ISA_SCALAR, 1, &err));
        const fh_model_shape *s = fh_model_shape_view(lab.model);
        assert_int_equal(s->vocab, LAB_VOCAB);
        assert_int_equal(fh_tokenizer_size(fh_model_tokenizer_view(lab.model)), LAB_VOCAB);
        assert_int_equal(lab.model->layers.count, s->layers);
        /* Tied or not: the output is the embedding exactly then. */
        assert_int_equal(lab.model->output.value == lab.model->embed.value, s->tied);
        for (size_t i = 0; i < s->layers; i++) {
            const fh_layer *w = fh_layers_at(lab.model->layers, i);
            assert_true(w->q.value != 0 && w->gate.value != 0 && w->down.value != 0);
            assert_int_equal(w->router.value != 0, s->experts != 0);
            assert_int_equal(w->q_norm.value != 0, s->qk_norm != FH_QK_NORM_NONE);
        }
        lab_close(&lab);
        fh_buf_deinit(&file);
    }
}

/* freq[i] = base^(−2i/rot_dim), against libm. */
static void test_frequencies(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    struct lab lab;
    lab_file(&file, a, lab_options(LAB_QWEN3, FH_DTYPE_F32));
    fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), FH_ISA_SCALAR, 1, NULL));
    const fh_model_shape *s = fh_model_shape_view(lab.model);
    assert_int_equal(lab.model->freq.count, s->rot_dim / 2);
    for (size_t i = 0; i < lab.model->freq.count; i++) {
        double expected = pow(s->rope_base, -2.0 * (double)i / s->rot_dim), got = fh_f64s_get(lab.model->freq, i);
        assert_true(fabs(got - expected) < 1e-13 * expected);
    }
    lab_close(&lab);
    fh_buf_deinit(&file);
}

/* A file cut short anywhere in its header or data, and a tensor missing under its name: refused, with nothing left on the heap
 * (the tracing allocator says so). */
static void test_refused(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    struct lab lab;
    lab_file(&file, a, lab_options(LAB_LLAMA, FH_DTYPE_Q8_0));
    size_t size = file.size;
    for (size_t cut = 0; cut < 64; cut++) {
        fh_err err;
        fh_err_clear(&err);
        fh_status s = lab_open(&lab, a, fh_span_sub(fh_buf_view(&file), 0, size * cut / 64), FH_ISA_SCALAR, 1, &err);
        assert_true(fh_failed(s));
        assert_int_equal(err.code, s.code);
        assert_null(lab.model);
    }
    static const char *const names[] = {"blk.2.attn_q.weight", "token_embd.weight", "output_norm.weight",
                                        "blk.0.ffn_down.weight"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fh_err err;
        fh_err_clear(&err);
        size_t at = fh_span_find(fh_buf_view(&file), fh_span_of_str(names[i]), 0);
        assert_true(at != SIZE_MAX);
        file.at[at] = 'X';
        assert_true(fh_failed(lab_open(&lab, a, fh_buf_view(&file), FH_ISA_SCALAR, 1, &err)));
        fh_assert_err(&err, err.code, names[i]);
        file.at[at] = (uint8_t)names[i][0];
    }
    fh_buf_deinit(&file);
}

static fh_status load(fh_allocator *a, void *arg) {
    fh_buf *file = arg;
    struct lab lab;
    FH_TRY(lab_open(&lab, a, fh_buf_view(file), FH_ISA_SCALAR, 1, NULL));
    lab_close(&lab);
    return FH_DONE;
}

static void test_no_memory(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (unsigned k = 0; k < LAB_KINDS; k++) {
        fh_buf file;
        lab_file(&file, a, lab_options((enum lab_kind)k, FH_DTYPE_Q4_0));
        assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), load, &file) > 20);
        fh_buf_deinit(&file);
    }
}

/* Loads that fail for want of memory, each a little later, leave the device usable: at last one succeeds on it. */
static void test_device_after_failure(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    struct lab lab = {0};
    lab_file(&file, a, lab_options(LAB_OLMOE, FH_DTYPE_F16));
    fh_bytes bytes;
    fh_gguf *g = NULL;
    fh_assert_ok(fh_bytes_copy(a, fh_buf_view(&file), &bytes));
    fh_assert_ok(fh_gguf_open(a, bytes, &g, NULL));
    fh_assert_ok(fh_cpu_new(a, NULL, FH_ISA_SCALAR, &lab.dev));
    fh_status loaded = FH_STATUS(FH_NOMEM);
    for (unsigned n = 1; fh_failed(loaded); n++) {
        fh_err err;
        fh_err_clear(&err);
        fh_trace_fail_at(fh_test_trace(state), n);
        loaded = fh_model_load(a, g, lab.dev, &lab.model, &err);
        fh_trace_fail_at(fh_test_trace(state), 0);
        assert_int_equal(err.code, loaded.code);
        assert_true(!fh_failed(loaded) || (loaded.code == FH_NOMEM && lab.model == NULL && n < 1000));
    }
    fh_gguf_close(g); /* the model does not need it any more */
    fh_bytes_drop(&bytes);
    struct lab_run run = {.chunk = 50, .batch = 1};
    uint64_t hash = lab_hash(&lab, a, &run);
    struct lab other;
    fh_assert_ok(lab_open(&other, a, fh_buf_view(&file), FH_ISA_SCALAR, 1, NULL));
    assert_true(hash == lab_hash(&other, a, &run));
    lab_close(&other);
    lab_close(&lab);
    fh_buf_deinit(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_load),      FH_TEST_ALLOC(test_frequencies),          FH_TEST_ALLOC(test_refused),
        FH_TEST_ALLOC(test_no_memory), FH_TEST_ALLOC(test_device_after_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
