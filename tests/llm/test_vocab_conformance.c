/* test_vocab_conformance.c: real vocabularies against the ids that the reference implementations give.
 *
 * tidy: exempt mirror: it covers the way from a file to ids, over two layers
 *
 * The data folder holds GGUF vocabularies of llama.cpp with their texts (.inp, separated by a marker line) and the ids that the
 * models' own tokenizers give for each (.out, one line a text). A vocabulary that is absent skips its test. */
#include "freehold/model.h"
#include "freehold/os.h"
#include "support/fh_test.h"

#include <stdio.h>

/* A vocabulary with its texts and ids. */
typedef struct vocab_case {
    fh_tokenizer *tokenizer;
    fh_os_map vocab, texts, ids;
} vocab_case;

static fh_os_map open_data(const char *name, const char *suffix) {
    char path[256];
    snprintf(path, sizeof path, "gguf-vocab/ggml-vocab-%s.gguf%s", name, suffix);
    fh_os_map map;
    fh_assert_ok(fh_os_map_open(fh_test_data(path).text, &map, NULL));
    return map;
}

static vocab_case case_open(fh_allocator *a, const char *name) {
    vocab_case c = {NULL, open_data(name, ""), open_data(name, ".inp"), open_data(name, ".out")};
    fh_err err = {0};
    fh_bytes bytes;
    fh_gguf *g;
    fh_assert_ok(fh_bytes_copy(a, c.vocab.bytes, &bytes));
    fh_assert_ok(fh_gguf_open(a, bytes, &g, &err));
    fh_assert_ok(fh_model_tokenizer(a, g, &c.tokenizer, &err));
    fh_gguf_close(g);
    fh_bytes_drop(&bytes);
    return c;
}

static void case_close(vocab_case *c) {
    fh_tokenizer_free(c->tokenizer);
    fh_os_map_close(&c->vocab);
    fh_os_map_close(&c->texts);
    fh_os_map_close(&c->ids);
}

/* Takes everything up to the next separator off the front. */
static fh_span take(fh_span *rest, fh_span separator) {
    size_t end = fh_span_find(*rest, separator, 0);
    fh_span part = fh_span_sub(*rest, 0, end == SIZE_MAX ? rest->size : end);
    *rest = end == SIZE_MAX ? FH_LIT("") : fh_span_from(*rest, end + separator.size);
    return part;
}

/* The numbers of one line, as a printable list in `out`. */
static void expected_list(fh_span line, fh_buf *out) {
    bool digit = false;
    for (size_t i = 0; i < line.size; i++) {
        uint8_t c = fh_span_at(line, i);
        if (c < '0' || c > '9') {
            digit = false;
            continue;
        }
        if (!digit && out->size > 0)
            fh_assert_ok(fh_buf_put_u8(out, ' '));
        fh_assert_ok(fh_buf_put_u8(out, c));
        digit = true;
    }
}

/* Encodes one text; compares the ids, and the text that they give back. */
static void check_text(fh_allocator *a, const fh_tokenizer *tok, fh_span text, fh_span line, size_t index) {
    fh_ids ids;
    fh_buf got, expected, back;
    fh_ids_init(&ids, a, 0);
    fh_buf_init(&got, a, 0);
    fh_buf_init(&expected, a, 0);
    fh_buf_init(&back, a, 0);
    fh_assert_ok(fh_tokenizer_encode(tok, text, (fh_encode_options){0}, &ids, NULL));
    fh_u32s view = fh_ids_view(&ids);
    for (size_t i = 0; i < view.count; i++) {
        fh_assert_ok(fh_buf_format(&got, i ? " %u" : "%u", fh_u32s_get(view, i)));
        fh_assert_ok(fh_tokenizer_piece(tok, fh_u32s_get(view, i), i == 0, false, &back));
    }
    expected_list(line, &expected);
    if (!fh_span_equal(fh_buf_view(&got), fh_buf_view(&expected)))
        fail_msg("text %zu, \"%.*s\":\n got      %.*s\n expected %.*s", index, FH_SPAN_FMT(text),
                 FH_SPAN_FMT(fh_buf_view(&got)), FH_SPAN_FMT(fh_buf_view(&expected)));
    if (!fh_span_equal(fh_buf_view(&back), text))
        fail_msg("text %zu, \"%.*s\", came back as \"%.*s\"", index, FH_SPAN_FMT(text), FH_SPAN_FMT(fh_buf_view(&back)));
    fh_ids_deinit(&ids);
    fh_buf_deinit(&got);
    fh_buf_deinit(&expected);
    fh_buf_deinit(&back);
}

static void check_vocab(void **state, const char *name) {
    fh_allocator *a = fh_test_allocator(state);
    vocab_case c = case_open(a, name);
    fh_span texts = c.texts.bytes, lines = c.ids.bytes;
    size_t count = 0;
    while (texts.size > 0) {
        fh_span text = take(&texts, FH_LIT("\n__ggml_vocab_test__\n"));
        assert_true(lines.size > 0);
        check_text(a, c.tokenizer, text, take(&lines, FH_LIT("\n")), count++);
    }
    assert_int_equal(lines.size, 0);
    assert_true(count >= 40);
    case_close(&c);
}

static void test_gpt2(void **state) {
    check_vocab(state, "gpt-2");
}
static void test_llama_bpe(void **state) {
    check_vocab(state, "llama-bpe");
}
static void test_qwen2(void **state) {
    check_vocab(state, "qwen2");
}
static void test_llama_spm(void **state) {
    check_vocab(state, "llama-spm");
}
static void test_phi3(void **state) {
    check_vocab(state, "phi-3");
}

/* What a user types never becomes a control token, unless the caller trusts the text. */
static void test_control_tokens(void **state) {
    static const struct {
        const char *vocab, *spelling;
    } cases[] = {{"llama-spm", "<s>"},        {"llama-spm", "</s>"},       {"llama-spm", "<unk>"}, {"llama-bpe", "<|eot_id|>"},
                 {"gpt-2", "<|endoftext|>"}, {"qwen2", "<|im_start|>"}, {"phi-3", "<|end|>"}};
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vocab_case c = case_open(a, cases[i].vocab);
        uint32_t id = fh_tokenizer_find(c.tokenizer, fh_span_of_str(cases[i].spelling));
        assert_int_not_equal(id, FH_NO_TOKEN);
        for (int trusted = 0; trusted < 2; trusted++) {
            fh_ids ids;
            fh_ids_init(&ids, a, 0);
            fh_encode_options options = {.parse_special = trusted != 0};
            fh_assert_ok(fh_tokenizer_encode(c.tokenizer, fh_span_of_str(cases[i].spelling), options, &ids, NULL));
            fh_u32s view = fh_ids_view(&ids);
            if (trusted)
                assert_int_equal(view.count, 1);
            for (size_t k = 0; k < view.count; k++)
                assert_int_equal(fh_u32s_get(view, k) == id, trusted);
            fh_ids_deinit(&ids);
        }
        case_close(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_gpt2),      FH_TEST_ALLOC(test_llama_bpe), FH_TEST_ALLOC(test_qwen2),
        FH_TEST_ALLOC(test_llama_spm), FH_TEST_ALLOC(test_phi3),      FH_TEST_ALLOC(test_control_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
