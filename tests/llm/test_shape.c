/* test_shape.c: the numbers of an architecture from its keys, the check of its tensors, and the plan of its memory. */
#include <math.h>
#include <string.h>

#include "freehold/engine.h"
#include "freehold/synth.h"
#include "gguf_bytes.h"
#include "llm/layout.h"

/* --- files of keys alone -------------------------------------------------------------------------------------------- */

/* A key and its value: `text` for strings, `real` for f32 and f64, else `number`; an array has `count` values, the last of
 * which is `last`. */
typedef struct kv {
    const char *name; /* NULL ends a list */
    fh_gguf_type type;
    uint64_t number;
    double real;
    const char *text;
    uint32_t count;
    uint64_t last;
} kv;

#define U32(name, v) {name, FH_GGUF_U32, v, 0, NULL, 0, 0}
#define F32(name, v) {name, FH_GGUF_F32, 0, v, NULL, 0, 0}
#define TEXT(name, v) {name, FH_GGUF_STRING, 0, 0, v, 0, 0}

static const kv llama[] = {
    TEXT("general.architecture", "llama"), U32("llama.block_count", 2), U32("llama.embedding_length", 64),
    U32("llama.context_length", 128), U32("llama.attention.head_count", 4), U32("llama.attention.head_count_kv", 2),
    U32("llama.feed_forward_length", 96), F32("llama.attention.layer_norm_rms_epsilon", 1e-5), U32("llama.vocab_size", 100),
    {0}};
static const kv mixtral[] = {
    TEXT("general.architecture", "llama"), U32("llama.block_count", 2), U32("llama.embedding_length", 64),
    U32("llama.context_length", 128), U32("llama.attention.head_count", 4), U32("llama.attention.head_count_kv", 2),
    U32("llama.feed_forward_length", 96), F32("llama.attention.layer_norm_rms_epsilon", 1e-5), U32("llama.vocab_size", 100),
    U32("llama.expert_count", 8), U32("llama.expert_used_count", 2), {0}};
static const kv qwen3[] = {
    TEXT("general.architecture", "qwen3"), U32("qwen3.block_count", 2), U32("qwen3.embedding_length", 60),
    U32("qwen3.context_length", 128), U32("qwen3.attention.head_count", 4), U32("qwen3.attention.key_length", 32),
    U32("qwen3.attention.value_length", 32), U32("qwen3.feed_forward_length", 96),
    F32("qwen3.attention.layer_norm_rms_epsilon", 1e-6), F32("qwen3.rope.freq_base", 1e6), U32("qwen3.vocab_size", 100), {0}};
static const kv qwen3moe[] = {
    TEXT("general.architecture", "qwen3moe"), U32("qwen3moe.block_count", 2), U32("qwen3moe.embedding_length", 64),
    U32("qwen3moe.context_length", 128), U32("qwen3moe.attention.head_count", 4), U32("qwen3moe.attention.head_count_kv", 2),
    U32("qwen3moe.expert_feed_forward_length", 32), U32("qwen3moe.expert_count", 8), U32("qwen3moe.expert_used_count", 2),
    F32("qwen3moe.attention.layer_norm_rms_epsilon", 1e-6), U32("qwen3moe.vocab_size", 100), {0}};
static const kv olmoe[] = {
    TEXT("general.architecture", "olmoe"), U32("olmoe.block_count", 2), U32("olmoe.embedding_length", 64),
    U32("olmoe.context_length", 128), U32("olmoe.attention.head_count", 4), U32("olmoe.feed_forward_length", 32),
    U32("olmoe.expert_count", 64), U32("olmoe.expert_used_count", 8), F32("olmoe.attention.layer_norm_rms_epsilon", 1e-5),
    U32("olmoe.vocab_size", 100), {0}};

static size_t width_of(fh_gguf_type t) {
    static const uint8_t widths[FH_GGUF_TYPE_COUNT] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return widths[t];
}

static void put_value(fh_buf *b, const kv *k, uint64_t number) {
    if (k->type == FH_GGUF_STRING) {
        raw_text(b, k->text);
    } else if (k->type == FH_GGUF_F32) {
        raw_int(b, fh_bits_of_f32((float)k->real), 4);
    } else if (k->type == FH_GGUF_F64) {
        uint64_t bits;
        memcpy(&bits, &k->real, 8);
        raw_int(b, bits, 8);
    } else {
        raw_int(b, number, width_of(k->type));
    }
}

static void put_kv(fh_buf *b, const kv *k) {
    if (k->count == 0) {
        raw_key(b, k->name, k->type);
        put_value(b, k, k->number);
        return;
    }
    raw_array(b, k->name, k->type, k->count == UINT32_MAX ? 0 : k->count);
    for (uint32_t i = 0; i < k->count && k->count != UINT32_MAX; i++)
        put_value(b, k, i + 1 == k->count ? k->last : k->number);
}

/* Opens a file of the keys of a list, with `change` in the place of the key of its name or at the end; a change of type
 * FH_GGUF_TYPE_COUNT leaves the key out. */
static fh_gguf *open_keys(fh_allocator *a, const kv *list, const kv *change) {
    fh_buf body, b;
    fh_gguf *g;
    uint64_t count = 0;
    bool changed = change == NULL;
    fh_buf_init(&body, a, 0);
    fh_buf_init(&b, a, 0);
    for (; list->name != NULL || !changed; count++) {
        const kv *k = list->name != NULL ? list++ : change;
        if (change != NULL && strcmp(k->name, change->name) == 0) {
            changed = true;
            k = change;
        }
        if (k->type == FH_GGUF_TYPE_COUNT)
            count--;
        else
            put_kv(&body, k);
    }
    raw_start(&b, 3, 0, count);
    fh_assert_ok(fh_buf_put(&b, fh_buf_view(&body)));
    fh_assert_ok(raw_open(a, fh_buf_view(&b), &g, NULL));
    fh_buf_deinit(&body);
    fh_buf_deinit(&b);
    return g;
}

static fh_code read_changed(fh_allocator *a, const kv *list, const kv *change, fh_model_shape *shape, fh_err *err) {
    fh_gguf *g = open_keys(a, list, change);
    fh_err_clear(err);
    fh_status status = fh_model_shape_read(g, shape, err);
    assert_int_equal(err->code, status.code);
    if (fh_failed(status)) /* nothing half read is given out */
        assert_int_equal(shape->layers, 0);
    fh_gguf_close(g);
    return status.code;
}

/* --- good shapes ---------------------------------------------------------------------------------------------------- */

static void test_architectures(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_model_shape s;
    fh_err err;
    assert_int_equal(read_changed(a, llama, NULL, &s, &err), FH_OK);
    assert_int_equal(s.arch, FH_ARCH_LLAMA);
    assert_true(s.layers == 2 && s.width == 64 && s.heads == 4 && s.kv_heads == 2 && s.head_dim == 16 && s.rot_dim == 16);
    assert_true(s.ff == 96 && s.experts == 0 && s.vocab == 100 && s.context == 128);
    assert_true(s.rope_base == 10000.0 && s.rope_scale == 1.0 && !s.rope_halves && s.qk_norm == FH_QK_NORM_NONE && s.tied);
    /* embedding (tied), two norms and four projections a layer, three feed-forward matrices, the last norm */
    assert_int_equal(s.params, 100 * 64 + 2 * (2 * 64 + 64 * (64 + 32 + 32 + 64) + 3 * 64 * 96) + 64);
    assert_int_equal(s.params_active, s.params);

    assert_int_equal(read_changed(a, mixtral, NULL, &s, &err), FH_OK);
    assert_true(s.experts == 8 && s.experts_used == 2 && s.expert_ff == 96 && s.ff == 0 && s.renormalise_gates);
    uint64_t expert = 3 * 64 * 96, rest = 100 * 64 + 2 * (2 * 64 + 64 * (64 + 32 + 32 + 64) + 8 * 64) + 64;
    assert_int_equal(s.params, rest + 2 * 8 * expert);
    assert_int_equal(s.params_active, rest + 2 * 2 * expert);

    assert_int_equal(read_changed(a, qwen3, NULL, &s, &err), FH_OK);
    assert_true(s.kv_heads == 4 && s.head_dim == 32 && s.rope_halves && s.qk_norm == FH_QK_NORM_HEAD && s.rope_base == 1e6);
    assert_int_equal(read_changed(a, qwen3moe, NULL, &s, &err), FH_OK);
    assert_true(s.expert_ff == 32 && s.renormalise_gates && s.qk_norm == FH_QK_NORM_HEAD);
    assert_int_equal(read_changed(a, olmoe, NULL, &s, &err), FH_OK);
    assert_true(s.experts_used == 8 && !s.renormalise_gates && s.qk_norm == FH_QK_NORM_ROW && !s.tied && s.expert_ff == 32);
}

static void test_optional_keys(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_model_shape s;
    fh_err err;
    assert_int_equal(read_changed(a, llama, &(kv)F32("llama.rope.scaling.factor", 4), &s, &err), FH_OK);
    assert_true(s.rope_scale == 0.25);
    assert_int_equal(read_changed(a, llama, &(kv)F32("llama.rope.scale_linear", 2), &s, &err), FH_OK);
    assert_true(s.rope_scale == 0.5);
    assert_int_equal(read_changed(a, llama, &(kv)TEXT("llama.rope.scaling.type", "none"), &s, &err), FH_OK);
    assert_int_equal(read_changed(a, llama, &(kv)U32("llama.rope.dimension_count", 8), &s, &err), FH_OK);
    assert_int_equal(s.rot_dim, 8);
    assert_int_equal(read_changed(a, llama, &(kv)U32("llama.attention.sliding_window", 128), &s, &err), FH_OK);
    /* one value a layer, all the same */
    const kv same = {"llama.attention.head_count_kv", FH_GGUF_I32, 4, 0, NULL, 2, 4};
    assert_int_equal(read_changed(a, llama, &same, &s, &err), FH_OK);
    assert_int_equal(s.kv_heads, 4);
}

/* A scale counts only with a type that uses it. */
static void test_rope_type_none_drops_the_factor(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    kv list[16];
    size_t n = 0;
    for (; llama[n].name != NULL; n++)
        list[n] = llama[n];
    list[n] = (kv)F32("llama.rope.scaling.factor", 4);
    list[n + 1] = (kv){0};
    fh_model_shape s;
    fh_err err;
    assert_int_equal(read_changed(a, list, &(kv)TEXT("llama.rope.scaling.type", "linear"), &s, &err), FH_OK);
    assert_true(s.rope_scale == 0.25);
    assert_int_equal(read_changed(a, list, &(kv)TEXT("llama.rope.scaling.type", "none"), &s, &err), FH_OK);
    assert_true(s.rope_scale == 1.0);
}

/* --- every number at its limits ------------------------------------------------------------------------------------- */

/* A whole-number key, and the values that are good; the list makes sense with each of them. */
typedef struct limit_row {
    const kv *list;
    const char *name;
    bool required;
    uint64_t least, most;
} limit_row;

static const limit_row limits[] = {
    {llama, "llama.block_count", true, 1, FH_LAYERS_MAX},
    {qwen3, "qwen3.embedding_length", true, 1, FH_WIDTH_MAX},
    {llama, "llama.context_length", true, 1, FH_CONTEXT_MAX},
    {qwen3, "qwen3.attention.head_count", true, 1, FH_HEADS_MAX},
    {llama, "llama.attention.head_count_kv", false, 1, 4},
    {llama, "llama.feed_forward_length", true, 1, FH_WIDTH_MAX},
    {mixtral, "llama.feed_forward_length", true, 1, FH_WIDTH_MAX},
    {llama, "llama.rope.dimension_count", false, 2, 16},
    {mixtral, "llama.expert_count", false, 2, FH_EXPERTS_MAX},
    {olmoe, "olmoe.expert_count", true, 8, FH_EXPERTS_MAX},
    {mixtral, "llama.expert_used_count", true, 1, 8},
    {olmoe, "olmoe.expert_used_count", true, 1, 64},
    {qwen3moe, "qwen3moe.expert_feed_forward_length", true, 1, FH_WIDTH_MAX},
    {llama, "llama.vocab_size", true, 1, FH_VOCAB_MAX},
};

static void expect(fh_allocator *a, const limit_row *row, kv change, bool good) {
    fh_model_shape s;
    fh_err err;
    change.name = row->name;
    fh_code code = read_changed(a, row->list, &change, &s, &err);
    if ((code == FH_OK) != good)
        print_message("%s: type %s, number %llu: %s %s\n", row->name,
                      change.type < FH_GGUF_TYPE_COUNT ? fh_gguf_value_name(change.type) : "none",
                      (unsigned long long)change.number, fh_code_name(code), err.message);
    assert_int_equal(code == FH_OK, good);
    if (!good) {
        assert_true(code == FH_CORRUPT || code == FH_NOT_FOUND || code == FH_UNSUPPORTED || code == FH_LIMIT);
        assert_true(strlen(err.message) > 10);
    }
}

static void test_limits_of_numbers(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const limit_row *row = &limits[i];
        bool from_zero = strcmp(row->name, "llama.expert_count") == 0; /* 0 experts used with 2: refused elsewhere */
        expect(a, row, (kv){.type = FH_GGUF_TYPE_COUNT}, !row->required && !from_zero);
        expect(a, row, (kv){.type = FH_GGUF_U32, .number = 0}, false);
        expect(a, row, (kv){.type = FH_GGUF_U32, .number = row->least}, true);
        expect(a, row, (kv){.type = FH_GGUF_U32, .number = row->most}, true);
        expect(a, row, (kv){.type = FH_GGUF_U64, .number = row->most}, true);
        expect(a, row, (kv){.type = FH_GGUF_I32, .number = row->least}, true);
        expect(a, row, (kv){.type = FH_GGUF_U32, .number = row->most + 1}, false);
        expect(a, row, (kv){.type = FH_GGUF_U32, .number = UINT32_MAX}, false);
        expect(a, row, (kv){.type = FH_GGUF_U64, .number = UINT64_MAX}, false);
        expect(a, row, (kv){.type = FH_GGUF_U64, .number = (UINT64_C(1) << 32) + row->least}, false); /* no cut to 32 bits */
        expect(a, row, (kv){.type = FH_GGUF_I32, .number = UINT64_MAX}, false);
        expect(a, row, (kv){.type = FH_GGUF_I8, .number = UINT64_MAX}, false);
        expect(a, row, (kv){.type = FH_GGUF_F32, .real = (double)row->least}, false);
        expect(a, row, (kv){.type = FH_GGUF_BOOL, .number = 1}, false);
        expect(a, row, (kv){.type = FH_GGUF_STRING, .text = "2"}, false);
        expect(a, row, (kv){.type = FH_GGUF_STRING, .text = "2", .count = 2}, false);
        expect(a, row, (kv){.type = FH_GGUF_U32, .number = row->most, .count = 3, .last = row->most}, true);
        expect(a, row, (kv){.type = FH_GGUF_U32, .number = row->most, .count = 3, .last = row->most - 1}, false);
        expect(a, row, (kv){.type = FH_GGUF_U32, .count = UINT32_MAX}, false); /* an empty array */
    }
}

/* Numbers that are good one by one. */
static void test_numbers_that_do_not_fit_together(void **state) {
    static const struct {
        const kv *list;
        kv change;
        fh_code code;
        const char *says;
    } rows[] = {
        {llama, U32("llama.attention.head_count_kv", 3), FH_CORRUPT, "4 attention heads are no multiple of 3"},
        {llama, U32("llama.embedding_length", 66), FH_CORRUPT, "width 66 is no multiple of 4 attention heads"},
        {llama, U32("llama.embedding_length", 60), FH_CORRUPT, "4 heads of length 15, expected an even length"},
        {llama, U32("llama.embedding_length", 3), FH_CORRUPT,
         "key \"llama.attention.key_length\" is missing and would be 0, expected 2 to 1024"},
        {llama, U32("llama.embedding_length", 4 * (FH_HEAD_DIM_MAX + 1)), FH_CORRUPT,
         "key \"llama.attention.key_length\" is missing and would be 1025, expected 2 to 1024"},
        {llama, U32("llama.attention.key_length", FH_HEAD_DIM_MAX + 2), FH_CORRUPT, "1026, expected 2 to 1024"},
        {llama, U32("llama.attention.value_length", FH_HEAD_DIM_MAX + 2), FH_CORRUPT, "1026, expected 2 to 1024"},
        {llama, U32("llama.attention.value_length", 32), FH_UNSUPPORTED, "keys of length 16 and values of length 32"},
        {qwen3, U32("qwen3.attention.head_count", 1024), FH_OK, NULL},
        {llama, U32("llama.rope.dimension_count", 15), FH_CORRUPT, "expected an even number"},
        {llama, U32("llama.rope.dimension_count", 18), FH_CORRUPT, "expected 2 to 16"},
        {olmoe, U32("olmoe.expert_used_count", 65), FH_CORRUPT, "expected 1 to 64"},
        {mixtral, U32("llama.expert_used_count", 9), FH_CORRUPT, "expected 1 to 8"},
        {llama, U32("llama.expert_used_count", 1), FH_CORRUPT, "expected 0 to 0"},
        {qwen3, U32("qwen3.expert_count", 8), FH_CORRUPT, "expected 0 to 0"},
        {llama, {"tokenizer.ggml.tokens", FH_GGUF_STRING, 0, 0, "x", 99, 0}, FH_CORRUPT,
         "99 tokens in a model of vocab_size 100"},
        {llama, {"tokenizer.ggml.tokens", FH_GGUF_U8, 0, 0, NULL, 100, 0}, FH_CORRUPT, "expected array of string"},
        {llama, {"tokenizer.ggml.tokens", FH_GGUF_STRING, 0, 0, "x", 100, 0}, FH_OK, NULL},
    };
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fh_model_shape s;
        fh_err err;
        fh_code code = read_changed(a, rows[i].list, &rows[i].change, &s, &err);
        if (code != rows[i].code)
            print_message("row %zu: %s\n", i, err.message);
        assert_int_equal(code, rows[i].code);
        if (rows[i].says != NULL)
            fh_assert_err(&err, rows[i].code, rows[i].says);
    }
}

static void test_real_numbers(void **state) {
    static const struct {
        const char *name;
        double bad[8], good[4];
    } rows[] = {
        {"llama.attention.layer_norm_rms_epsilon", {0, -1e-5, 1.5, 1e30, 1e-13, NAN, INFINITY, -INFINITY},
         {2e-12, 1e-6, 0.1, 1}},
        {"llama.rope.freq_base", {0, -1, 0.5, 1e13, 0, NAN, INFINITY, -INFINITY}, {1, 10000, 1e6, 1e11}},
        {"llama.rope.scaling.factor", {-1, 1e-3, 2e6, 0.015, 1e30, NAN, INFINITY, -INFINITY}, {0, 1, 0.015625, 1e6}},
        {"llama.rope.scale_linear", {-1, 1e-3, 2e6, 0.015, 1e30, NAN, INFINITY, -INFINITY}, {0, 1, 0.015625, 1e6}},
    };
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        limit_row row = {llama, rows[i].name, false, 0, 0};
        for (size_t k = 0; k < 8; k++) {
            expect(a, &row, (kv){.type = FH_GGUF_F32, .real = rows[i].bad[k]}, false);
            expect(a, &row, (kv){.type = FH_GGUF_F64, .real = rows[i].bad[k]}, false);
        }
        for (size_t k = 0; k < 4; k++)
            expect(a, &row, (kv){.type = FH_GGUF_F32, .real = rows[i].good[k]}, true);
        expect(a, &row, (kv){.type = FH_GGUF_STRING, .text = "1"}, false);
        expect(a, &row, (kv){.type = FH_GGUF_BOOL, .number = 1}, false);
        expect(a, &row, (kv){.type = FH_GGUF_F32, .real = 1, .count = 1}, false);
    }
    limit_row eps = {llama, "llama.attention.layer_norm_rms_epsilon", true, 0, 0};
    expect(a, &eps, (kv){.type = FH_GGUF_TYPE_COUNT}, false);
}

/* --- what is not computed is not ignored ---------------------------------------------------------------------------- */

static void test_features_that_freehold_lacks(void **state) {
    static const struct {
        const kv *list;
        kv change;
        const char *says;
    } rows[] = {
        {llama, TEXT("general.architecture", "mamba"), "architecture \"mamba\" is not supported"},
        {llama, TEXT("general.architecture", ""), "architecture \"\""},
        {llama, TEXT("llama.rope.scaling.type", "yarn"), "rope scaling \"yarn\""},
        {llama, TEXT("llama.rope.scaling.type", "longrope"), "rope scaling \"longrope\""},
        {llama, TEXT("llama.rope.scaling.type", ""), "rope scaling \"\""},
        {llama, U32("llama.attention.sliding_window", 127), "sliding windows"},
        {llama, F32("llama.attention.clamp_kqv", 8), "clamp_kqv"},
        {llama, F32("llama.attention.scale", 0.1), "attention.scale"},
        {llama, F32("llama.attention.max_alibi_bias", 8), "alibi"},
        {llama, {"llama.attention.causal", FH_GGUF_BOOL, 0, 0, NULL, 0, 0}, "causal"},
        {llama, F32("llama.logit_scale", 0.5), "logit_scale"},
        {llama, F32("llama.final_logit_softcapping", 30), "final_logit_softcapping"},
        {llama, F32("llama.attn_logit_softcapping", NAN), "attn_logit_softcapping"},
        {llama, F32("llama.rope.scaling.attn_factor", 1.2), "attn_factor"},
        {mixtral, U32("llama.expert_shared_count", 1), "expert_shared_count"},
        {mixtral, U32("llama.expert_shared_feed_forward_length", 64), "expert_shared_feed_forward_length"},
        {mixtral, U32("llama.expert_group_count", 4), "expert_group_count"},
        {mixtral, U32("llama.expert_gating_func", 2), "expert_gating_func"},
        {mixtral, F32("llama.expert_weights_scale", 2.5), "expert_weights_scale"},
        {mixtral, {"llama.expert_weights_norm", FH_GGUF_BOOL, 0, 0, NULL, 0, 0}, "expert_weights_norm"},
        {olmoe, {"olmoe.expert_weights_norm", FH_GGUF_BOOL, 1, 0, NULL, 0, 0}, "expert_weights_norm"},
        {llama, U32("llama.leading_dense_block_count", 1), "leading_dense_block_count"},
        {llama, U32("llama.nextn_predict_layers", 1), "nextn_predict_layers"},
        {llama, {"llama.attention.head_count_kv", FH_GGUF_U32, 4, 0, NULL, 2, 2}, "differs between layers"},
        {llama, {"split.count", FH_GGUF_U16, 3, 0, NULL, 0, 0}, "split into 3 files"},
    };
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fh_model_shape s;
        fh_err err;
        fh_code code = read_changed(a, rows[i].list, &rows[i].change, &s, &err);
        if (code != FH_UNSUPPORTED)
            print_message("row %zu: %s %s\n", i, fh_code_name(code), err.message);
        fh_assert_err(&err, FH_UNSUPPORTED, rows[i].says);
    }
}

/* The same keys with values that have no effect. */
static void test_features_that_are_off(void **state) {
    static const kv rows[] = {
        F32("llama.attention.clamp_kqv", 0), {"llama.attention.causal", FH_GGUF_BOOL, 1, 0, NULL, 0, 0},
        F32("llama.logit_scale", 1), F32("llama.expert_weights_scale", 1), U32("llama.expert_gating_func", 1),
        U32("llama.expert_shared_count", 0), U32("llama.attention.sliding_window", 0),
        {"llama.expert_weights_norm", FH_GGUF_BOOL, 1, 0, NULL, 0, 0}, {"split.count", FH_GGUF_U16, 1, 0, NULL, 0, 0},
        F32("llama.rope.scaling.attn_factor", 1), U32("llama.unheard_of", 5), TEXT("general.name", "x"),
    };
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fh_model_shape s;
        fh_err err;
        assert_int_equal(read_changed(a, mixtral, &rows[i], &s, &err), FH_OK);
    }
    kv bad = TEXT("llama.logit_scale", "1"); /* not a number: no effect can be told */
    fh_model_shape s;
    fh_err err;
    assert_int_equal(read_changed(a, llama, &bad, &s, &err), FH_CORRUPT);
}

/* --- tensors -------------------------------------------------------------------------------------------------------- */

/* How a model's file differs from its shape. */
typedef struct change_row {
    const char *name;         /* of the tensor that is changed or added */
    enum { LEAVE_OUT, RETYPE, RESIZE, ADD } what;
    fh_dtype dtype;
    uint64_t dim0;
    fh_code code;
    const char *says;
} change_row;

/* Adds the tensors of a shape to a writer, with one change. */
static void put_tensors(fh_gguf_writer *w, const fh_model_shape *s, fh_dtype dtype, const change_row *change) {
    fh_layout_tensor t;
    for (int slot = 0; slot < FH_SLOT_COUNT; slot++)
        for (uint32_t layer = 0; layer < (slot < (int)FH_SLOT_FIRST_OF_LAYER ? 1 : s->layers); layer++) {
            if (!fh_layout_get(s, (fh_slot)slot, layer, &t) || t.optional)
                continue;
            bool hit = change != NULL && strcmp(t.name.text, change->name) == 0;
            fh_dtype type = t.role == FH_ROLE_MATRIX ? dtype : FH_DTYPE_F32;
            if (hit && change->what == LEAVE_OUT)
                continue;
            if (hit && change->what == RETYPE)
                type = change->dtype;
            if (hit && change->what == RESIZE)
                t.dim[t.dims - 1] = change->dim0;
            fh_assert_ok(fh_gguf_put_tensor(w, t.name.text, type, t.dims, t.dim));
        }
    if (change != NULL && change->what == ADD)
        fh_assert_ok(fh_gguf_put_tensor(w, change->name, change->dtype, 1, (const uint64_t[4]){change->dim0}));
}

/* Opens a file with the tensors of a shape and zeros for weights. */
static fh_gguf *open_tensors(fh_allocator *a, const fh_model_shape *s, fh_dtype dtype, const change_row *change) {
    static const uint8_t zeros[4096];
    fh_gguf_writer *w;
    fh_buf b;
    fh_gguf *g;
    fh_buf_init(&b, a, 0);
    fh_assert_ok(fh_gguf_writer_new(a, &w));
    put_tensors(w, s, dtype, change);
    fh_assert_ok(fh_gguf_writer_header(w, raw_sink(&b), NULL));
    while (fh_failed(fh_gguf_writer_finish(w, NULL))) {
        fh_status status = fh_gguf_writer_data(w, (fh_span){zeros, sizeof zeros}, raw_sink(&b), NULL);
        assert_true(status.code == FH_OK || status.code == FH_INVALID); /* more zeros than tensors at the end */
    }
    fh_assert_ok(raw_open(a, fh_buf_view(&b), &g, NULL));
    fh_gguf_writer_free(w);
    fh_buf_deinit(&b);
    return g;
}

static void check_change(fh_allocator *a, const fh_model_shape *s, fh_dtype dtype, const change_row *change) {
    fh_err err;
    fh_err_clear(&err);
    fh_gguf *g = open_tensors(a, s, dtype, change);
    fh_status status = fh_model_tensors_check(g, s, &err);
    if (change == NULL || change->code == FH_OK)
        fh_assert_ok(status);
    else
        fh_assert_err(&err, change->code, change->says);
    fh_gguf_close(g);
}

static void test_tensors_of_each_architecture(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    const kv *lists[] = {llama, mixtral, qwen3moe, olmoe};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (int dtype = 0; dtype < FH_DTYPE_COUNT; dtype++) {
            fh_model_shape s;
            fh_err err;
            assert_int_equal(read_changed(a, lists[i], NULL, &s, &err), FH_OK);
            check_change(a, &s, (fh_dtype)dtype, NULL);
            s.tied = false;
            check_change(a, &s, (fh_dtype)dtype, NULL);
        }
}

static void test_wrong_tensors(void **state) {
    static const change_row rows[] = {
        {"token_embd.weight", LEAVE_OUT, 0, 0, FH_NOT_FOUND, "tensor \"token_embd.weight\" is missing"},
        {"blk.1.ffn_down_exps.weight", LEAVE_OUT, 0, 0, FH_NOT_FOUND, "\"blk.1.ffn_down_exps.weight\" is missing"},
        {"blk.0.attn_q_norm.weight", LEAVE_OUT, 0, 0, FH_NOT_FOUND, "\"blk.0.attn_q_norm.weight\" is missing"},
        {"blk.0.attn_norm.weight", RETYPE, FH_DTYPE_F16, 0, FH_UNSUPPORTED, "type F16 is not supported there, expected F32"},
        {"output_norm.weight", RETYPE, FH_DTYPE_Q8_0, 0, FH_UNSUPPORTED, "type Q8_0"},
        {"blk.1.ffn_gate_inp.weight", RETYPE, FH_DTYPE_Q8_0, 0, FH_UNSUPPORTED, "expected F32, F16 or BF16"},
        {"blk.1.ffn_gate_inp.weight", RETYPE, FH_DTYPE_BF16, 0, FH_OK, NULL},
        {"blk.1.attn_q.weight", RETYPE, FH_DTYPE_Q4_0, 0, FH_OK, NULL}, /* matrices may differ */
        {"token_embd.weight", RESIZE, 0, 99, FH_CORRUPT, "\"token_embd.weight\": dimension 1 is 99, expected 100"},
        {"blk.0.attn_k.weight", RESIZE, 0, 64, FH_CORRUPT, "dimension 1 is 64, expected 32"},
        {"blk.1.ffn_up_exps.weight", RESIZE, 0, 7, FH_CORRUPT, "dimension 2 is 7, expected 8"},
        {"blk.1.attn_k_norm.weight", RESIZE, 0, 32, FH_CORRUPT, "dimension 0 is 32, expected 16"},
        {"blk.0.attn_q.bias", ADD, 0, 64, FH_UNSUPPORTED, "\"blk.0.attn_q.bias\" is not known in a qwen3moe model"},
        {"blk.0.ffn_gate_shexp.weight", ADD, 0, 64, FH_UNSUPPORTED, "shexp"},
        {"blk.0.ffn_gate.weight", ADD, 0, 64, FH_UNSUPPORTED, "\"blk.0.ffn_gate.weight\""},
        {"blk.2.attn_q.weight", ADD, 0, 64, FH_UNSUPPORTED, "\"blk.2.attn_q.weight\""},
        {"blk.00.attn_q.weight", ADD, 0, 64, FH_UNSUPPORTED, "\"blk.00.attn_q.weight\""},
        {"blk.4294967296.attn_q.weight", ADD, 0, 64, FH_UNSUPPORTED, "blk.4294967296"},
        {"blk.-1.attn_q.weight", ADD, 0, 64, FH_UNSUPPORTED, "blk.-1"},
        {"blk..attn_q.weight", ADD, 0, 64, FH_UNSUPPORTED, "blk..attn_q"},
        {"rope_freqs.weight", ADD, 0, 8, FH_UNSUPPORTED, "rope_freqs"},
        {"output.weight", ADD, 0, 8, FH_UNSUPPORTED, "output.weight"},
        {"attn_q.weight", ADD, 0, 8, FH_UNSUPPORTED, "attn_q.weight"},
        {".weight", ADD, 0, 8, FH_UNSUPPORTED, "\".weight\""},
        {"x", ADD, 0, 8, FH_UNSUPPORTED, "\"x\""},
    };
    fh_allocator *a = fh_test_allocator(state);
    fh_model_shape s;
    fh_err err;
    assert_int_equal(read_changed(a, qwen3moe, NULL, &s, &err), FH_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_change(a, &s, FH_DTYPE_F32, &rows[i]);
}

/* Rotary factors belong to Llama 3.1: half a head of them, or none. */
static void test_rope_factors(void **state) {
    static const change_row rows[] = {
        {"rope_freqs.weight", ADD, FH_DTYPE_F32, 8, FH_OK, NULL},
        {"rope_freqs.weight", ADD, FH_DTYPE_F32, 16, FH_CORRUPT, "dimension 0 is 16, expected 8"},
        {"rope_freqs.weight", ADD, FH_DTYPE_F16, 8, FH_UNSUPPORTED, "type F16"},
    };
    fh_allocator *a = fh_test_allocator(state);
    fh_model_shape s;
    fh_err err;
    assert_int_equal(read_changed(a, llama, NULL, &s, &err), FH_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_change(a, &s, FH_DTYPE_F32, &rows[i]);
}

/* --- memory --------------------------------------------------------------------------------------------------------- */

static void write_preset(fh_allocator *a, const char *name, fh_dtype dtype, uint32_t layers, fh_gguf **g) {
    fh_synth_options o;
    fh_buf b;
    fh_buf_init(&b, a, 0);
    assert_true(fh_synth_preset(fh_span_of_str(name), &o));
    o.dtype = dtype;
    o.layers = layers;
    o.vocab = 300; /* not a multiple of 32: panels round up */
    fh_assert_ok(fh_synth_write(a, &o, raw_sink(&b), (fh_synth_progress){0}, NULL));
    fh_assert_ok(raw_open(a, fh_buf_view(&b), g, NULL));
    fh_buf_deinit(&b);
}

/* The plan is what a device and an engine then hold. */
static void test_memory_plan_is_what_is_taken(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    const char *names[] = {"tiny", "tiny-moe"};
    for (int dtype = 0; dtype < FH_DTYPE_COUNT; dtype++)
        for (size_t i = 0; i < 2; i++) {
            fh_gguf *g;
            fh_device *dev;
            fh_model *m;
            fh_engine *e;
            fh_model_shape s;
            fh_memory_plan plan;
            write_preset(a, names[i], (fh_dtype)dtype, 2, &g);
            fh_assert_ok(fh_model_shape_read(g, &s, NULL));
            fh_assert_ok(fh_model_memory(g, &s, 100, 33, &plan));
            fh_assert_ok(fh_cpu_new(a, NULL, FH_ISA_SCALAR, &dev));
            fh_assert_ok(fh_model_load(a, g, dev, &m, NULL));
            fh_device_caps loaded = fh_device_caps_get(dev);
            assert_int_equal(plan.mapped, fh_gguf_size(g));
            assert_int_equal(plan.panels, loaded.weight_bytes);
            fh_assert_ok(fh_engine_new(a, m, dev, &(fh_engine_options){.context = 100, .rows_max = 33}, &e, NULL));
            uint64_t device = fh_device_caps_get(dev).mem_bytes;
            assert_int_equal(plan.activations, device + 16 * 300 * sizeof(float)); /* and the logits on the host */
            uint64_t layer;
            assert_true(fh_kv_layer_bytes(s.kv_heads, s.head_dim, &layer));
            assert_int_equal(plan.kv, 2 * s.layers * layer); /* two blocks of 64 positions */
            assert_int_equal(plan.total, plan.mapped + plan.panels + plan.kv + plan.activations);
            fh_engine_free(e);
            fh_model_free(m);
            fh_device_free(dev);
            fh_gguf_close(g);
        }
}

static void test_memory_overflow(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_gguf *g;
    fh_model_shape s;
    fh_memory_plan plan;
    write_preset(a, "tiny", FH_DTYPE_F32, 1, &g);
    fh_assert_ok(fh_model_shape_read(g, &s, NULL));
    fh_assert_code(fh_model_memory(g, &s, UINT64_MAX, 1, &plan), FH_LIMIT);
    assert_int_equal(plan.total, 0);
    fh_assert_code(fh_model_memory(g, &s, 1, UINT64_MAX, &plan), FH_LIMIT);
    fh_assert_ok(fh_model_memory(g, &s, 0, 0, &plan));
    assert_int_equal(plan.kv, 0);
    s.layers = UINT32_MAX;
    s.kv_heads = s.head_dim = UINT32_MAX;
    fh_assert_code(fh_model_memory(g, &s, UINT32_MAX, 1, &plan), FH_LIMIT);
    fh_gguf_close(g);
}

/* --- names ---------------------------------------------------------------------------------------------------------- */

/* Each name that the table makes is one that it reads. */
static void test_layout_names_round_trip(void **state) {
    static const uint32_t layers[] = {0, 1, 9, 10, 99, 100, 1023, 999999};
    (void)state;
    fh_model_shape s = {.arch = FH_ARCH_LLAMA, .layers = 1000000, .qk_norm = FH_QK_NORM_ROW};
    for (int slot = 0; slot < FH_SLOT_COUNT; slot++)
        for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
            fh_layout_tensor t;
            fh_slot got;
            uint32_t layer = 0;
            bool of_layer = slot >= (int)FH_SLOT_FIRST_OF_LAYER;
            if (!fh_layout_get(&s, (fh_slot)slot, layers[i], &t))
                continue;
            assert_true(fh_layout_parse(fh_span_of_str(t.name.text), &got, &layer));
            assert_int_equal(got, slot);
            assert_int_equal(layer, of_layer ? layers[i] : 0);
        }
}

static void test_names_of_architectures(void **state) {
    (void)state;
    assert_string_equal(fh_arch_name(FH_ARCH_LLAMA), "llama");
    assert_string_equal(fh_arch_name(FH_ARCH_QWEN3MOE), "qwen3moe");
    assert_string_equal(fh_arch_name(FH_ARCH_COUNT), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_architectures),
        FH_TEST_ALLOC(test_optional_keys),
        FH_TEST_ALLOC(test_rope_type_none_drops_the_factor),
        FH_TEST_ALLOC(test_limits_of_numbers),
        FH_TEST_ALLOC(test_numbers_that_do_not_fit_together),
        FH_TEST_ALLOC(test_real_numbers),
        FH_TEST_ALLOC(test_features_that_freehold_lacks),
        FH_TEST_ALLOC(test_features_that_are_off),
        FH_TEST_ALLOC(test_tensors_of_each_architecture),
        FH_TEST_ALLOC(test_wrong_tensors),
        FH_TEST_ALLOC(test_rope_factors),
        FH_TEST_ALLOC(test_memory_plan_is_what_is_taken),
        FH_TEST_ALLOC(test_memory_overflow),
        cmocka_unit_test(test_layout_names_round_trip),
        cmocka_unit_test(test_names_of_architectures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
