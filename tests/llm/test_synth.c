/* test_synth.c: models with random weights: complete, the same everywhere, of sound size; refused when they are no models. */
#include <math.h>
#include <string.h>

#include "freehold/fmath.h"
#include "freehold/synth.h"
#include "gguf_bytes.h"

static fh_status write_to(fh_allocator *a, const fh_synth_options *o, fh_buf *out, fh_err *err) {
    return fh_synth_write(a, o, raw_sink(out), (fh_synth_progress){0}, err);
}

static fh_synth_options preset(const char *name) {
    fh_synth_options o;
    assert_true(fh_synth_preset(fh_span_of_str(name), &o));
    return o;
}

/* Small options of each architecture. */
static fh_synth_options small(fh_arch arch) {
    bool moe = arch == FH_ARCH_QWEN3MOE || arch == FH_ARCH_OLMOE;
    fh_synth_options o = preset(moe ? "tiny-moe" : "tiny");
    o.arch = arch;
    return o;
}

/* --- whole files ----------------------------------------------------------------------------------------------------- */

static void test_every_architecture_and_type(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (int arch = 0; arch < FH_ARCH_COUNT; arch++)
        for (int dtype = 0; dtype < FH_DTYPE_COUNT; dtype++)
            for (int tied = 0; tied < (arch == FH_ARCH_OLMOE ? 1 : 2); tied++) {
                fh_synth_options o = small((fh_arch)arch);
                fh_buf b;
                fh_gguf *g;
                fh_model_shape s;
                fh_tokenizer *tok;
                fh_err err;
                o.dtype = (fh_dtype)dtype;
                o.tied = tied == 1;
                fh_err_clear(&err);
                fh_buf_init(&b, a, 0);
                fh_assert_ok(write_to(a, &o, &b, &err));
                fh_assert_ok(raw_open(a, fh_buf_view(&b), &g, &err));
                fh_assert_ok(fh_model_shape_read(g, &s, &err));
                assert_true(s.arch == o.arch && s.layers == o.layers && s.width == o.width && s.heads == o.heads);
                assert_true(s.kv_heads == o.kv_heads && s.head_dim == o.head_dim && s.ff == o.ff && s.vocab == o.vocab);
                assert_true(s.experts == o.experts && s.experts_used == o.experts_used && s.expert_ff == o.expert_ff);
                assert_true(s.tied == o.tied && s.context == o.context);
                fh_assert_ok(fh_model_tensors_check(g, &s, &err));
                fh_assert_ok(fh_model_tokenizer(a, g, &tok, &err));
                assert_int_equal(fh_tokenizer_size(tok), o.vocab);
                fh_tokenizer_free(tok);
                fh_gguf_close(g);
                fh_buf_deinit(&b);
            }
}

/* A mixture of experts by the name of llama: Mixtral's way. */
static void test_llama_with_experts(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_synth_options o = preset("tiny-moe");
    fh_buf b;
    fh_gguf *g;
    fh_model_shape s;
    o.arch = FH_ARCH_LLAMA;
    fh_buf_init(&b, a, 0);
    fh_assert_ok(write_to(a, &o, &b, NULL));
    fh_assert_ok(raw_open(a, fh_buf_view(&b), &g, NULL));
    fh_assert_ok(fh_model_shape_read(g, &s, NULL));
    assert_true(s.experts == 8 && s.expert_ff == 32 && s.ff == 0);
    fh_assert_ok(fh_model_tensors_check(g, &s, NULL));
    fh_gguf_close(g);
    fh_buf_deinit(&b);
}

/* The bytes are those of every other machine and day: a change of them would make published files differ. */
static void test_known_bytes(void **state) {
    static const struct {
        const char *name;
        fh_dtype dtype;
        uint64_t hash;
    } known[] = {
        {"tiny", FH_DTYPE_F32, UINT64_C(0x864431518e4fdcbb)},
        {"tiny", FH_DTYPE_F16, UINT64_C(0x1872bd7670b87fea)},
        {"tiny-moe", FH_DTYPE_BF16, UINT64_C(0xf5d5c9194f75c15c)},
        {"tiny-moe", FH_DTYPE_Q8_0, UINT64_C(0x739ce432f0935a70)},
        {"tiny-moe", FH_DTYPE_Q4_0, UINT64_C(0xd6ffb5fd89c615d1)},
    };
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        fh_synth_options o = preset(known[i].name);
        fh_buf b;
        o.dtype = known[i].dtype;
        fh_buf_init(&b, a, 0);
        fh_assert_ok(write_to(a, &o, &b, NULL));
        uint64_t hash = fh_hash_bytes(0, fh_buf_view(&b));
        if (hash != known[i].hash)
            print_message("%s %s: 0x%016llx\n", known[i].name, fh_dtype_name(o.dtype), (unsigned long long)hash);
        assert_true(hash == known[i].hash);
        fh_buf_deinit(&b);
    }
}

static void test_seeds_differ_only_in_weights(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_synth_options o = preset("tiny");
    fh_buf one, two;
    fh_gguf *g;
    fh_buf_init(&one, a, 0);
    fh_buf_init(&two, a, 0);
    fh_assert_ok(write_to(a, &o, &one, NULL));
    o.seed = 1;
    fh_assert_ok(write_to(a, &o, &two, NULL));
    fh_assert_ok(raw_open(a, fh_buf_view(&one), &g, NULL));
    size_t data = (size_t)fh_gguf_data_at(g);
    fh_gguf_close(g);
    assert_int_equal(one.size, two.size);
    assert_memory_equal(one.at, two.at, data);
    size_t same = 0;
    for (size_t i = data; i < one.size; i++)
        same += one.at[i] == two.at[i];
    assert_true(same < (one.size - data) / 4); /* exponents coincide often, all else 1 in 256 */
    fh_buf_deinit(&one);
    fh_buf_deinit(&two);
}

/* --- weights --------------------------------------------------------------------------------------------------------- */

static double weight_at(fh_span bytes, fh_dtype dtype, size_t i) {
    if (dtype == FH_DTYPE_F32)
        return (double)fh_f32_of_bits(fh_span_u32(bytes, 4 * i));
    if (dtype == FH_DTYPE_F16)
        return (double)fh_f32_of_f16(fh_span_u16(bytes, 2 * i));
    if (dtype == FH_DTYPE_BF16)
        return (double)fh_f32_of_bf16(fh_span_u16(bytes, 2 * i));
    size_t block = i / 32 * (dtype == FH_DTYPE_Q8_0 ? 34 : 18), k = i % 32;
    double scale = (double)fh_f32_of_f16(fh_span_u16(bytes, block));
    if (dtype == FH_DTYPE_Q8_0) {
        int code = (int8_t)fh_span_at(bytes, block + 2 + k);
        assert_int_not_equal(code, -128); /* not in the range of the type */
        return scale * code;
    }
    unsigned byte = fh_span_at(bytes, block + 2 + k % 16);
    return scale * ((int)(k < 16 ? byte & 15 : byte >> 4) - 8);
}

/* Mean near 0, variance near 1/columns, next weights not correlated; norms near 1. */
static void check_tensor(const fh_gguf *g, const char *name, double mean_expected, double variance_expected) {
    fh_gguf_tensor t;
    fh_bytes bytes;
    assert_true(fh_gguf_tensor_find(g, fh_span_of_str(name), &t));
    fh_assert_ok(fh_gguf_tensor_bytes(g, t, &bytes));
    size_t n = (size_t)(t.dim[0] * t.dim[1] * t.dim[2]);
    double sum = 0, squares = 0, next = 0, before = 0;
    for (size_t i = 0; i < n; i++) {
        double w = weight_at(bytes.span, t.dtype, i) - mean_expected;
        assert_true(isfinite(w));
        sum += w;
        squares += w * w;
        next += w * before;
        before = w;
    }
    double mean = sum / (double)n, variance = squares / (double)n, error = 1 / sqrt((double)n);
    assert_true(fabs(mean) < 5 * error * sqrt(variance_expected));
    assert_true(fabs(variance / variance_expected - 1) < 0.05 + 5 * error);
    assert_true(fabs(next / squares) < 5 * error);
    fh_bytes_drop(&bytes);
}

static void test_weights_are_of_sound_size(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (int dtype = 0; dtype < FH_DTYPE_COUNT; dtype++) {
        fh_synth_options o = preset("tiny-moe");
        fh_buf b;
        fh_gguf *g;
        o.dtype = (fh_dtype)dtype;
        o.width = 128;
        o.layers = 1;
        fh_buf_init(&b, a, 0);
        fh_assert_ok(write_to(a, &o, &b, NULL));
        fh_assert_ok(raw_open(a, fh_buf_view(&b), &g, NULL));
        check_tensor(g, "token_embd.weight", 0, 1.0 / 128);
        check_tensor(g, "blk.0.ffn_gate_exps.weight", 0, 1.0 / 128);
        check_tensor(g, "blk.0.ffn_down_exps.weight", 0, 1.0 / 32);
        check_tensor(g, "blk.0.ffn_gate_inp.weight", 0, 1.0 / 128);
        check_tensor(g, "output_norm.weight", 1, 0.25 * 0.25 / 3);
        fh_gguf_close(g);
        fh_buf_deinit(&b);
    }
}

/* --- vocabularies ---------------------------------------------------------------------------------------------------- */

static void check_vocab(fh_allocator *a, uint32_t tokens) {
    fh_synth_options o = preset("tiny");
    fh_buf b, back;
    fh_gguf *g;
    fh_tokenizer *tok;
    fh_ids ids;
    fh_err err;
    o.layers = 1;
    o.width = o.ff = 2;
    o.heads = o.kv_heads = 1;
    o.head_dim = 2;
    o.vocab = tokens;
    fh_err_clear(&err);
    fh_buf_init(&b, a, 0);
    fh_buf_init(&back, a, 0);
    fh_ids_init(&ids, a, 0);
    fh_assert_ok(write_to(a, &o, &b, &err));
    fh_assert_ok(raw_open(a, fh_buf_view(&b), &g, &err));
    fh_assert_ok(fh_model_tokenizer(a, g, &tok, &err));
    assert_int_equal(fh_tokenizer_size(tok), tokens);
    assert_int_equal(fh_tokenizer_eos(tok), tokens - 3);
    assert_true(fh_tokenizer_is_end(tok, tokens - 1)); /* <|im_end|> */
    const char *text = "the quick brown fox, \xc3\xa4\xf0\x9f\x98\x80\n\x01 zz <|im_end|>";
    fh_assert_ok(fh_tokenizer_encode(tok, fh_span_of_str(text), (fh_encode_options){.add_special = true}, &ids, &err));
    for (size_t i = 0; i < ids.count; i++) {
        uint32_t id = fh_u32s_get(fh_ids_view(&ids), i);
        assert_true(id < tokens - 3); /* control tokens are not made from text */
        fh_assert_ok(fh_tokenizer_piece(tok, id, i == 0, false, &back));
    }
    fh_assert_span(fh_buf_view(&back), text);
    fh_tokenizer_free(tok);
    fh_gguf_close(g);
    fh_ids_deinit(&ids);
    fh_buf_deinit(&back);
    fh_buf_deinit(&b);
}

static void test_vocabularies_of_any_size(void **state) {
    static const uint32_t sizes[] = {259, 260, 285, 286, 961, 962, 1637, 1638, 5000, 19213, 19214, 32000, 151936};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_vocab(fh_test_allocator(state), sizes[i]);
}

static void test_largest_vocabulary(void **state) {
    check_vocab(fh_test_allocator(state), FH_SYNTH_VOCAB_MAX);
}

/* --- what is refused ------------------------------------------------------------------------------------------------- */

static void test_options_that_are_no_model(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_synth_options bad[16];
    size_t n = 0;
    for (size_t i = 0; i < 16; i++)
        bad[i] = preset("tiny");
    bad[n++].layers = 0;
    bad[n++].layers = FH_LAYERS_MAX + 1;
    bad[n++].width = 0;
    bad[n++].heads = 0;
    bad[n++].kv_heads = 3;
    bad[n++].head_dim = 15;
    bad[n++].ff = 0;
    bad[n++].context = 0;
    bad[n++].vocab = 258;
    bad[n++].vocab = FH_SYNTH_VOCAB_MAX + 1;
    bad[n++].experts_used = 2;
    bad[n++].arch = FH_ARCH_COUNT;
    bad[n++].dtype = FH_DTYPE_COUNT;
    bad[n].dtype = FH_DTYPE_Q8_0;
    bad[n++].width = 48;
    bad[n].arch = FH_ARCH_QWEN3;
    bad[n++].experts = 4;
    bad[n] = preset("tiny-moe");
    bad[n].arch = FH_ARCH_OLMOE;
    bad[n++].tied = true;
    for (size_t i = 0; i < n; i++) {
        fh_buf b;
        fh_err err;
        fh_err_clear(&err);
        fh_buf_init(&b, a, 0);
        fh_status status = write_to(a, &bad[i], &b, &err);
        assert_true(fh_failed(status));
        assert_true(strlen(err.message) > 10);
        assert_int_equal(b.size, 0); /* nothing was written */
        fh_buf_deinit(&b);
    }
    fh_err err;
    fh_buf b;
    fh_err_clear(&err);
    fh_buf_init(&b, a, 0);
    fh_assert_code(write_to(a, &bad[13], &b, &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "rows of 48 elements cannot have type Q8_0");
    fh_buf_deinit(&b);
}

static void test_presets(void **state) {
    (void)state;
    fh_synth_options o;
    size_t n = 0;
    for (; fh_synth_preset_name(n) != NULL; n++) {
        assert_true(fh_synth_preset(fh_span_of_str(fh_synth_preset_name(n)), &o));
        assert_true(o.layers > 0);
    }
    assert_int_equal(n, 5);
    assert_false(fh_synth_preset(FH_LIT("huge"), &o));
    assert_false(fh_synth_preset(FH_LIT(""), &o));
}

/* --- progress, failures ---------------------------------------------------------------------------------------------- */

typedef struct watch {
    uint64_t done, total, calls, stop_at;
} watch;

static bool on_step(void *ctx, uint64_t done, uint64_t total) {
    watch *w = ctx;
    assert_true(done > w->done && done <= total);
    assert_true(w->total == 0 || w->total == total);
    w->done = done;
    w->total = total;
    return ++w->calls != w->stop_at;
}

static void test_progress_and_cancel(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_synth_options o = preset("tiny");
    watch all = {0};
    fh_buf b;
    fh_buf_init(&b, a, 0);
    fh_assert_ok(fh_synth_write(a, &o, raw_sink(&b), (fh_synth_progress){&all, on_step}, NULL));
    assert_int_equal(all.done, all.total);
    assert_true(all.total > 400000 && all.total < b.size);
    fh_buf_deinit(&b);
    for (uint64_t stop = 1; stop <= all.calls; stop += 5) {
        watch some = {.stop_at = stop};
        fh_buf_init(&b, a, 0);
        fh_assert_code(fh_synth_write(a, &o, raw_sink(&b), (fh_synth_progress){&some, on_step}, NULL), FH_CANCELED);
        assert_int_equal(some.calls, stop);
        fh_buf_deinit(&b);
    }
}

static fh_status full(void *ctx, fh_span bytes, fh_err *err) {
    uint64_t *room = ctx;
    if (bytes.size > *room)
        return fh_fail(err, FH_IO, FH_NO_OFFSET, "disk full");
    *room -= bytes.size;
    return FH_DONE;
}

static void test_sink_failures_come_through(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_synth_options o = preset("tiny");
    for (uint64_t room = 0; room < 450000; room = room * 3 + 10) {
        uint64_t left = room;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_synth_write(a, &o, (fh_sink){&left, full}, (fh_synth_progress){0}, &err), FH_IO);
        fh_assert_err(&err, FH_IO, "disk full");
    }
}

/* Memory does not grow with the weights. */
static void test_memory_is_constant(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_trace *trace = fh_test_trace(state);
    fh_synth_options o = preset("tiny");
    o.width = 512;
    o.layers = 8;
    o.ff = 2048;
    o.dtype = FH_DTYPE_Q4_0;
    uint64_t room = UINT64_MAX;
    fh_trace_budget(trace, 256 * 1024);
    fh_assert_ok(fh_synth_write(a, &o, (fh_sink){&room, full}, (fh_synth_progress){0}, NULL));
    fh_trace_budget(trace, 0);
    assert_true(UINT64_MAX - room > 10 << 20); /* what was written */
}

static fh_status write_body(fh_allocator *a, void *arg) {
    uint64_t room = UINT64_MAX;
    return fh_synth_write(a, arg, (fh_sink){&room, full}, (fh_synth_progress){0}, NULL);
}

static void test_allocation_failures(void **state) {
    fh_synth_options o = preset("tiny");
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), write_body, &o) >= 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_every_architecture_and_type),
        FH_TEST_ALLOC(test_llama_with_experts),
        FH_TEST_ALLOC(test_known_bytes),
        FH_TEST_ALLOC(test_seeds_differ_only_in_weights),
        FH_TEST_ALLOC(test_weights_are_of_sound_size),
        FH_TEST_ALLOC(test_vocabularies_of_any_size),
        FH_TEST_ALLOC(test_largest_vocabulary),
        FH_TEST_ALLOC(test_options_that_are_no_model),
        cmocka_unit_test(test_presets),
        FH_TEST_ALLOC(test_progress_and_cancel),
        FH_TEST_ALLOC(test_sink_failures_come_through),
        FH_TEST_ALLOC(test_memory_is_constant),
        FH_TEST_ALLOC(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
