/* test_embedder.c: a vector is what its definition says, to the last bit, and depends on nothing but its own text; states are
 * what logits are made from; what does not fit is refused before anything runs. */
#include <math.h>
#include <string.h>

#include "freehold/embedder.h"
#include "gguf_bytes.h"
#include "lab.h"

enum { TEXTS = 9, WIDTH = 96 };

/* Tokens of TEXTS texts of 1 to 65 tokens, and where they end. */
typedef struct texts {
    uint32_t tokens[TEXTS * 65];
    size_t ends[TEXTS];
} texts;

static texts make_texts(void) {
    static const size_t lengths[TEXTS] = {1, 5, 64, 65, 2, 3, 1, 4, 9};
    texts t = {.tokens = {0}};
    size_t at = 0;
    for (size_t i = 0; i < TEXTS; i++) {
        for (size_t k = 0; k < lengths[i]; k++)
            t.tokens[at++] = lab_token(i, k);
        t.ends[i] = at;
    }
    return t;
}

static fh_u32s tokens_of(texts *t) {
    return (fh_u32s){t->tokens, t->ends[TEXTS - 1]};
}

static fh_embedder *embedder_of(fh_allocator *a, struct lab *lab, fh_embedder_options options) {
    fh_embedder *e = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_embedder_new(a, lab->model, lab->dev, &options, &e, &err));
    assert_int_equal(fh_embedder_dim(e), WIDTH);
    return e;
}

static void run(fh_embedder *e, texts *t, float vectors[TEXTS * WIDTH]) {
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_embedder_run(e, tokens_of(t), (fh_sizes){t->ends, TEXTS}, (fh_f32s){vectors, TEXTS * WIDTH}, &err));
}

/* --- states ----------------------------------------------------------------------------------------------------------- */

/* logits = state · outputᵀ, of another engine with the same weights; and each engine gives its own kind alone. */
static void test_states(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    struct lab lab;
    fh_bytes bytes;
    fh_gguf *g;
    fh_gguf_tensor output;
    lab_file(&file, a, lab_options(LAB_LLAMA, FH_DTYPE_F32));
    fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), fh_isa_best(), 1, NULL));
    fh_assert_ok(fh_bytes_copy(a, fh_buf_view(&file), &bytes));
    fh_assert_ok(fh_gguf_open(a, bytes, &g, NULL));
    assert_true(fh_gguf_tensor_find(g, FH_LIT("output.weight"), &output));
    fh_engine *e[2];
    fh_row rows[40];
    fh_f32s got, wrong;
    for (size_t k = 0; k < 2; k++) {
        fh_seq s;
        fh_assert_ok(fh_engine_new(a, lab.model, lab.dev, &(fh_engine_options){.states = k == 1}, &e[k], NULL));
        fh_assert_ok(fh_engine_open(e[k], &s));
        for (size_t i = 0; i < 40; i++)
            rows[i] = (fh_row){s, lab_token(1, i), i % 3 != 1};
        fh_assert_ok(fh_engine_step(e[k], (fh_rows){rows, 40}, NULL));
    }
    for (size_t i = 0; i < 40; i++) {
        fh_assert_code(fh_engine_state(e[0], i, &wrong), FH_INVALID);
        fh_assert_code(fh_engine_logits(e[1], i, &wrong), FH_INVALID);
        fh_assert_code(fh_engine_state(e[1], i, &got), i % 3 != 1 ? FH_OK : FH_INVALID);
        if (i % 3 == 1)
            continue;
        fh_f32s logits;
        fh_assert_ok(fh_engine_logits(e[0], i, &logits));
        assert_true(got.count == WIDTH && logits.count == LAB_VOCAB);
        for (size_t v = 0; v < LAB_VOCAB; v++) {
            double sum = 0;
            for (size_t c = 0; c < WIDTH; c++)
                sum += (double)fh_f32s_get(got, c) *
                       (double)fh_f32_of_bits(fh_span_u32(bytes.span, output.offset_bytes + 4 * (v * WIDTH + c)));
            assert_true(fabs(sum - (double)fh_f32s_get(logits, v)) < 1e-4);
        }
    }
    fh_assert_code(fh_engine_state(e[1], 40, &wrong), FH_INVALID);
    fh_engine_free(e[0]);
    fh_engine_free(e[1]);
    fh_gguf_close(g);
    fh_bytes_drop(&bytes);
    lab_close(&lab);
    fh_buf_deinit(&file);
}

/* --- vectors ---------------------------------------------------------------------------------------------------------- */

/* A vector by the definition: one sequence, a token a step. */
static void plainly(fh_allocator *a, struct lab *lab, fh_pooling pooling, const uint32_t *tokens, size_t count,
                    float vector[WIDTH]) {
    fh_engine *e;
    fh_seq s;
    double sum[WIDTH] = {0}, squares = 0;
    fh_assert_ok(fh_engine_new(a, lab->model, lab->dev, &(fh_engine_options){.states = true}, &e, NULL));
    fh_assert_ok(fh_engine_open(e, &s));
    for (size_t i = 0; i < count; i++) {
        fh_row row = {s, tokens[i], true};
        fh_f32s x;
        fh_assert_ok(fh_engine_step(e, (fh_rows){&row, 1}, NULL));
        fh_assert_ok(fh_engine_state(e, 0, &x));
        for (size_t c = 0; c < WIDTH; c++)
            sum[c] = (pooling == FH_POOLING_MEAN ? sum[c] : 0) + (double)fh_f32s_get(x, c);
    }
    for (size_t c = 0; c < WIDTH; c++)
        squares += sum[c] * sum[c];
    for (size_t c = 0; c < WIDTH; c++)
        vector[c] = (float)(sum[c] / sqrt(squares));
    fh_engine_free(e);
}

static void test_definition(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    texts t = make_texts();
    for (int pooling = 0; pooling < (int)FH_POOLING_COUNT; pooling++) {
        for (int kind = 0; kind < LAB_KINDS; kind += 3) {
            fh_buf file;
            struct lab lab;
            float vectors[TEXTS * WIDTH], plain[WIDTH];
            lab_file(&file, a, lab_options((enum lab_kind)kind, FH_DTYPE_Q8_0));
            fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), fh_isa_best(), 1, NULL));
            fh_embedder *e = embedder_of(a, &lab, (fh_embedder_options){.pooling = (fh_pooling)pooling});
            assert_int_equal(fh_embedder_tokens_max(e), LAB_CONTEXT);
            run(e, &t, vectors);
            for (size_t i = 0; i < TEXTS; i++) {
                size_t from = i != 0 ? t.ends[i - 1] : 0;
                plainly(a, &lab, (fh_pooling)pooling, &t.tokens[from], t.ends[i] - from, plain);
                assert_memory_equal(plain, &vectors[i * WIDTH], sizeof plain);
            }
            fh_embedder_free(e);
            lab_close(&lab);
            fh_buf_deinit(&file);
        }
    }
}

/* The same bits on any number of threads, on every instruction set, and however many texts go together. */
static void test_same_bits(void **state) {
    static const struct {
        fh_embedder_options options;
        unsigned threads;
    } ways[] = {{{.texts_max = 0}, 1}, {{.texts_max = 1}, 1}, {{.texts_max = 2, .tokens_max = 150}, 3}, {{.texts_max = 5}, 2}};
    fh_allocator *a = fh_test_allocator(state);
    texts t = make_texts();
    float first[TEXTS * WIDTH], again[TEXTS * WIDTH];
    fh_buf file;
    lab_file(&file, a, lab_options(LAB_QWEN3, FH_DTYPE_F16));
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
        for (int isa = 0; isa <= (int)fh_isa_best(); isa++) {
            struct lab lab;
            fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), (fh_isa)isa, ways[w].threads, NULL));
            fh_embedder *e = embedder_of(a, &lab, ways[w].options);
            run(e, &t, w == 0 && isa == 0 ? first : again);
            if (w != 0 || isa != 0)
                assert_memory_equal(first, again, sizeof first);
            fh_embedder_free(e);
            lab_close(&lab);
        }
    }
    fh_buf_deinit(&file);
}

/* --- refusals --------------------------------------------------------------------------------------------------------- */

static void test_refused(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    struct lab lab;
    fh_embedder *e;
    uint32_t tokens[30] = {0}, bad[2] = {1, LAB_VOCAB};
    float vectors[3 * WIDTH];
    const struct {
        size_t ends[3], count, tokens, room;
        fh_code code;
        const char *said;
    } table[] = {
        {{10, 20, 30}, 3, 30, 2 * WIDTH, FH_INVALID, "room for 192 numbers, expected 3 vectors of 96"},
        {{10, 20, 30}, 3, 30, 3 * WIDTH + 1, FH_INVALID, "room for 289"},
        {{10, 10, 30}, 3, 30, 3 * WIDTH, FH_INVALID, "text 1 ends at token 10, expected 11 to 30"},
        {{0, 10, 30}, 3, 30, 3 * WIDTH, FH_INVALID, "text 0 ends at token 0"},
        {{10, 20, 31}, 3, 30, 3 * WIDTH, FH_INVALID, "text 2 ends at token 31"},
        {{10, 20, 29}, 3, 30, 3 * WIDTH, FH_INVALID, "texts end at token 29, expected 30"},
        {{0}, 0, 30, 0, FH_INVALID, "texts end at token 0"},
        {{10, 27, 30}, 3, 30, 3 * WIDTH, FH_LIMIT, "text 1 has 17 tokens, expected at most 16"},
    };
    lab_file(&file, a, lab_options(LAB_LLAMA, FH_DTYPE_F32));
    fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), fh_isa_best(), 1, NULL));
    e = embedder_of(a, &lab, (fh_embedder_options){.tokens_max = 16});
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        fh_err err;
        fh_err_clear(&err);
        size_t ends[3] = {table[i].ends[0], table[i].ends[1], table[i].ends[2]};
        fh_f32s room = {vectors, table[i].room};
        fh_assert_code(fh_embedder_run(e, (fh_u32s){tokens, table[i].tokens}, (fh_sizes){ends, table[i].count}, room, &err),
                       table[i].code);
        fh_assert_err(&err, table[i].code, table[i].said);
    }
    /* A step that fails closes what it opened: it can be done again as often as one likes. */
    size_t two = 2;
    for (int again = 0; again < 100; again++)
        fh_assert_code(fh_embedder_run(e, (fh_u32s){bad, 2}, (fh_sizes){&two, 1}, (fh_f32s){vectors, WIDTH}, NULL), FH_INVALID);
    fh_assert_ok(fh_embedder_run(e, (fh_u32s){tokens, 2}, (fh_sizes){&two, 1}, (fh_f32s){vectors, WIDTH}, NULL));
    fh_assert_ok(fh_embedder_run(e, (fh_u32s){NULL, 0}, (fh_sizes){NULL, 0}, (fh_f32s){NULL, 0}, NULL));
    fh_embedder_free(e);

    const fh_embedder_options wrong[] = {{.tokens_max = LAB_CONTEXT + 1}, {.texts_max = 4097}, {.pooling = FH_POOLING_COUNT}};
    for (size_t i = 0; i < 3; i++) {
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_embedder_new(a, lab.model, lab.dev, &wrong[i], &e, &err), i == 2 ? FH_INVALID : FH_LIMIT);
        assert_null(e);
    }
    fh_embedder_free(NULL);
    lab_close(&lab);
    fh_buf_deinit(&file);
}

/* Weights that make every state zero, or not finite. */
static void test_broken_models(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (int k = 0; k < 2; k++) {
        fh_buf file;
        struct lab lab;
        uint32_t tokens[3] = {1, 2, 3};
        size_t ends[2] = {1, 3};
        float vectors[2 * WIDTH];
        fh_err err;
        fh_err_clear(&err);
        lab_file(&file, a, lab_options(LAB_LLAMA, FH_DTYPE_F32));
        for (uint64_t c = 0; c < WIDTH; c++)
            lab_patch(&file, "output_norm.weight", c, k == 0 ? 0.0f : NAN);
        fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), fh_isa_best(), 1, NULL));
        fh_embedder *e = embedder_of(a, &lab, (fh_embedder_options){.tokens_max = 16});
        fh_f32s room = {vectors, 2 * WIDTH};
        fh_assert_code(fh_embedder_run(e, (fh_u32s){tokens, 3}, (fh_sizes){ends, 2}, room, &err), FH_NOT_FINITE);
        fh_assert_err(&err, FH_NOT_FINITE, k == 0 ? "text 0: its vector is zero" : "(position 0): the state's value 0 is");
        fh_embedder_free(e);
        lab_close(&lab);
        fh_buf_deinit(&file);
    }
}

static fh_status make_and_run(fh_allocator *a, void *arg) {
    fh_buf *file = arg;
    texts t = make_texts();
    struct lab lab;
    fh_embedder *e = NULL;
    float vectors[TEXTS * WIDTH];
    FH_TRY(lab_open(&lab, a, fh_buf_view(file), fh_isa_best(), 1, NULL));
    fh_status s = fh_embedder_new(a, lab.model, lab.dev, &(fh_embedder_options){.texts_max = 3}, &e, NULL);
    if (!fh_failed(s)) {
        fh_u32s tokens = {t.tokens, t.ends[1]};
        fh_f32s room = {vectors, 2 * WIDTH};
        s = fh_embedder_run(e, tokens, (fh_sizes){t.ends, 2}, room, NULL);
        if (s.code == FH_NOMEM) /* it was one allocation: all goes well now */
            fh_assert_ok(fh_embedder_run(e, tokens, (fh_sizes){t.ends, 2}, room, NULL));
    }
    fh_embedder_free(e);
    lab_close(&lab);
    return s;
}

static void test_each_allocation_fails(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    lab_file(&file, a, lab_options(LAB_OLMOE, FH_DTYPE_F16));
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), make_and_run, &file) > 50);
    fh_buf_deinit(&file);
}

/* --- what a file asks for --------------------------------------------------------------------------------------------- */

static void test_pooling(void **state) {
    static const struct {
        int64_t value; /* -1: no key */
        fh_code code;
        fh_pooling pooling;
    } table[] = {{-1, FH_OK, FH_POOLING_MEAN}, {0, FH_OK, FH_POOLING_MEAN}, {1, FH_OK, FH_POOLING_MEAN},
                 {2, FH_UNSUPPORTED, FH_POOLING_MEAN}, {3, FH_OK, FH_POOLING_LAST}, {4, FH_UNSUPPORTED, FH_POOLING_MEAN},
                 {5, FH_CORRUPT, FH_POOLING_MEAN}};
    static const char *const numbers[] = {"block_count", "embedding_length", "context_length", "attention.head_count",
                                          "feed_forward_length", "vocab_size"};
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        fh_buf b;
        fh_bytes bytes;
        fh_gguf *g;
        fh_pooling got;
        fh_err err;
        fh_buf_init(&b, a, 0);
        fh_err_clear(&err);
        raw_start(&b, 3, 0, 8 + (table[i].value >= 0));
        raw_key(&b, "general.architecture", FH_GGUF_STRING);
        raw_text(&b, "llama");
        for (size_t k = 0; k < 6; k++) {
            char name[64] = "llama.";
            strcat(name, numbers[k]);
            raw_key(&b, name, FH_GGUF_U32);
            raw_int(&b, k == 3 ? 4 : 64, 4);
        }
        raw_key(&b, "llama.attention.layer_norm_rms_epsilon", FH_GGUF_F32);
        raw_int(&b, fh_bits_of_f32(1e-5f), 4);
        if (table[i].value >= 0) {
            raw_key(&b, "llama.pooling_type", FH_GGUF_U32);
            raw_int(&b, (uint64_t)table[i].value, 4);
        }
        while (b.size % 32 != 0)
            raw_int(&b, 0, 1);
        fh_assert_ok(fh_bytes_copy(a, fh_buf_view(&b), &bytes));
        fh_assert_ok(fh_gguf_open(a, bytes, &g, &err));
        fh_assert_code(fh_pooling_read(g, &got, &err), table[i].code);
        assert_int_equal(got, table[i].pooling);
        if (table[i].code != FH_OK)
            fh_assert_err(&err, table[i].code, "key \"llama.pooling_type\" is");
        fh_gguf_close(g);
        fh_bytes_drop(&bytes);
        fh_buf_deinit(&b);
    }
    assert_string_equal(fh_pooling_name(FH_POOLING_MEAN), "mean");
    assert_string_equal(fh_pooling_name(FH_POOLING_LAST), "last");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_states),         FH_TEST_ALLOC(test_definition), FH_TEST_ALLOC(test_same_bits),
        FH_TEST_ALLOC(test_refused),        FH_TEST_ALLOC(test_broken_models),
        FH_TEST_ALLOC(test_each_allocation_fails), FH_TEST_ALLOC(test_pooling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
