/* fuzz_gguf.c: a hostile model file, from its first byte to the point where weights would be loaded.
 *
 * Opens the input as a GGUF file, reads every key and every tensor's bytes, then shape, tensor check, memory plan and
 * tokenizer, and encodes a text. SECURITY-MODEL, U-GGUF, U-SHAPE, U-VOCAB: every file is refused or understood, without a
 * read outside it, an assertion, or more memory than a constant times its size.
 *
 * Seeds: small synthetic models of each architecture and type, the same without weights, files of numbers alone with every
 * key that has a meaning, and a SentencePiece vocabulary. */
#include <stdio.h>
#include <stdlib.h>

#include "freehold/synth.h"

/* Memory that one input may take: its copy and the header's tables (gguf.c), and the vocabulary with the tokenizer's tables. */
enum { BUDGET_FACTOR = 64, BUDGET_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

static void require(bool good) {
    if (!good)
        abort();
}

static void use_keys(fh_allocator *a, const fh_gguf *g) {
    for (size_t i = 0; i < fh_gguf_key_count(g); i++) {
        fh_gguf_key key = fh_gguf_key_at(g, i), found;
        uint64_t u;
        double f;
        fh_views views;
        uint64_t last = key.count == 0 ? 0 : key.count - 1;
        require(key.count > 0 || fh_failed(fh_gguf_item_u64(g, key, 0, &u, NULL)));
        require(fh_failed(fh_gguf_item_u64(g, key, last, &u, NULL)) || !fh_failed(fh_gguf_item_f64(g, key, last, &f, NULL)));
        require(!fh_gguf_find(g, "", &found));
        if (fh_failed(fh_gguf_texts(g, key, a, &views, NULL)))
            continue;
        uint64_t bytes = 0;
        for (size_t k = 0; k < views.count; k++)
            bytes += fh_views_get(views, k).size + 8;
        require(bytes <= fh_gguf_size(g));
        fh_views_free(a, &views);
    }
}

static void use_tensors(const fh_gguf *g) {
    static volatile uint8_t touched; /* so that the reads happen */
    uint64_t total = 0;
    for (size_t i = 0; i < fh_gguf_tensor_count(g); i++) {
        fh_gguf_tensor t = fh_gguf_tensor_at(g, i), found;
        fh_bytes bytes;
        require(fh_gguf_tensor_find(g, t.name, &found) && found.info_bytes == t.info_bytes);
        require(!fh_failed(fh_gguf_tensor_bytes(g, t, &bytes)));
        total += bytes.span.size;
        for (size_t k = 0; k < bytes.span.size; k++)
            touched ^= fh_span_at(bytes.span, k);
        fh_bytes_drop(&bytes);
    }
    require(total <= fh_gguf_size(g)); /* extents do not overlap */
}

static void use_model(fh_allocator *a, const fh_gguf *g) {
    fh_model_shape shape;
    fh_memory_plan plan;
    fh_tokenizer *tok;
    fh_err err;
    fh_err_clear(&err);
    if (!fh_failed(fh_model_shape_read(g, &shape, &err))) {
        require(shape.layers >= 1 && shape.heads % shape.kv_heads == 0 && shape.rot_dim <= shape.head_dim);
        if (!fh_failed(fh_model_tensors_check(g, &shape, &err)))
            require(shape.params <= 2 * fh_gguf_size(g)); /* the weights are there: more than 4 bits each */
        if (!fh_failed(fh_model_memory(g, &shape, shape.context, FH_ROWS_MAX, &plan)))
            require(plan.total >= plan.kv);
    }
    fh_err_clear(&err);
    if (fh_failed(fh_model_tokenizer(a, g, &tok, &err))) {
        require(err.message[0] != '\0');
        return;
    }
    fh_ids ids;
    fh_ids_init(&ids, a, 0);
    const fh_span text = FH_LIT("Hello, w\xc3\xb6rld <s> \xff");
    fh_status status = fh_tokenizer_encode(tok, text, (fh_encode_options){.add_special = true}, &ids, &err);
    for (size_t i = 0; !fh_failed(status) && i < ids.count; i++)
        require(fh_u32s_get(fh_ids_view(&ids), i) < fh_tokenizer_size(tok));
    fh_ids_deinit(&ids);
    fh_tokenizer_free(tok);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fh_trace *trace = fh_trace_new();
    require(trace != NULL);
    fh_allocator *a = fh_trace_allocator(trace);
    fh_trace_budget(trace, (uint64_t)size * BUDGET_FACTOR + BUDGET_BYTES);
    fh_bytes bytes;
    fh_gguf *g;
    fh_err err;
    fh_err_clear(&err);
    require(!fh_failed(fh_bytes_copy(a, (fh_span){data, size}, &bytes)));
    fh_status status = fh_gguf_open(a, bytes, &g, &err);
    fh_bytes_drop(&bytes);
    if (fh_failed(status)) {
        require(g == NULL && err.message[0] != '\0' && (err.offset_bytes <= size || status.code == FH_NOMEM));
    } else {
        use_keys(a, g);
        use_tensors(g);
        use_model(a, g);
    }
    fh_gguf_close(g);
    require(fh_trace_stats(trace).failures == 0); /* the budget was enough */
    require(fh_trace_free(trace) == 0);
    return 0;
}

/* --- seeds ---------------------------------------------------------------------------------------------------------- */

static fh_status put(void *ctx, fh_span bytes, fh_err *err) {
    (void)err;
    return fh_buf_put(ctx, bytes);
}

static void seed(fh_synth_options o, size_t cut, void (*emit)(void *ctx, fh_span seed), void *ctx) {
    fh_buf b;
    fh_buf_init(&b, fh_heap(), 0);
    fh_status status = fh_synth_write(fh_heap(), &o, (fh_sink){&b, put}, (fh_synth_progress){0}, NULL);
    require(!fh_failed(status));
    fh_span all = fh_buf_view(&b);
    emit(ctx, fh_span_sub(all, 0, cut != 0 && cut < all.size ? cut : all.size));
    fh_buf_deinit(&b);
}

static void put_numbers(fh_gguf_writer *w, const char *arch) {
    static const struct {
        const char *part;
        uint32_t value;
    } numbers[] = {{"block_count", 2}, {"embedding_length", 64}, {"context_length", 128}, {"feed_forward_length", 96},
                   {"attention.head_count", 4}, {"attention.head_count_kv", 2}, {"attention.key_length", 16},
                   {"attention.value_length", 16}, {"rope.dimension_count", 8}, {"expert_count", 8}, {"expert_used_count", 2},
                   {"expert_feed_forward_length", 32}, {"vocab_size", 100}, {"attention.sliding_window", 0},
                   {"expert_gating_func", 1}, {"expert_weights_scale", 1}, {"expert_group_count", 1}};
    char name[96];
    require(!fh_failed(fh_gguf_put_text(w, "general.architecture", fh_span_of_str(arch))));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(name, sizeof name, "%s.%s", arch, numbers[i].part);
        require(!fh_failed(fh_gguf_put_u32(w, name, numbers[i].value)));
    }
    snprintf(name, sizeof name, "%s.attention.layer_norm_rms_epsilon", arch);
    require(!fh_failed(fh_gguf_put_f32(w, name, 1e-5f)));
    snprintf(name, sizeof name, "%s.rope.freq_base", arch);
    require(!fh_failed(fh_gguf_put_f32(w, name, 1e4f)));
    snprintf(name, sizeof name, "%s.rope.scaling.factor", arch);
    require(!fh_failed(fh_gguf_put_f32(w, name, 2)));
    snprintf(name, sizeof name, "%s.rope.scaling.type", arch);
    require(!fh_failed(fh_gguf_put_text(w, name, FH_LIT("linear"))));
    require(!fh_failed(fh_gguf_put_u32(w, "split.count", 1)));
    require(!fh_failed(fh_gguf_put_u32(w, "general.alignment", 32)));
}

static void put_pieces(fh_gguf_writer *w) {
    enum { PIECES = 3 + 256 + 4 };
    static char bytes[256][8];
    fh_span texts[PIECES] = {FH_LIT("<unk>"), FH_LIT("<s>"), FH_LIT("</s>")};
    float scores[PIECES];
    int32_t types[PIECES];
    for (int i = 0; i < PIECES; i++) {
        static const char *const words[] = {"\xe2\x96\x81", "l", "ll", "\xe2\x96\x81w"};
        scores[i] = (float)-i;
        types[i] = i == 0 ? FH_TOKEN_UNKNOWN : i < 3 ? FH_TOKEN_CONTROL : i < 259 ? FH_TOKEN_BYTE : FH_TOKEN_NORMAL;
        if (i >= 3 && i < 259) {
            snprintf(bytes[i - 3], sizeof bytes[0], "<0x%02X>", (unsigned)(i - 3) & 255);
            texts[i] = fh_span_of_str(bytes[i - 3]);
        } else if (i >= 259) {
            texts[i] = fh_span_of_str(words[i - 259]);
        }
    }
    require(!fh_failed(fh_gguf_put_text(w, "tokenizer.ggml.model", FH_LIT("llama"))));
    require(!fh_failed(fh_gguf_put_texts(w, "tokenizer.ggml.tokens", (fh_views){texts, PIECES})));
    require(!fh_failed(fh_gguf_put_f32s(w, "tokenizer.ggml.scores", (fh_f32s){scores, PIECES})));
    require(!fh_failed(fh_gguf_put_i32s(w, "tokenizer.ggml.token_type", (fh_i32s){types, PIECES})));
    require(!fh_failed(fh_gguf_put_u32(w, "tokenizer.ggml.bos_token_id", 1)));
    require(!fh_failed(fh_gguf_put_bool(w, "tokenizer.ggml.add_bos_token", true)));
}

/* A file of keys alone: the numbers of an architecture, or a vocabulary if that is NULL. */
static void seed_keys(const char *arch, void (*emit)(void *ctx, fh_span seed), void *ctx) {
    fh_gguf_writer *w;
    fh_buf b;
    fh_buf_init(&b, fh_heap(), 0);
    require(!fh_failed(fh_gguf_writer_new(fh_heap(), &w)));
    if (arch != NULL)
        put_numbers(w, arch);
    else
        put_pieces(w);
    require(!fh_failed(fh_gguf_writer_header(w, (fh_sink){&b, put}, NULL)));
    emit(ctx, fh_buf_view(&b));
    fh_gguf_writer_free(w);
    fh_buf_deinit(&b);
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    seed_keys(NULL, emit, ctx);
    for (int arch = 0; arch < FH_ARCH_COUNT; arch++) {
        seed_keys(fh_arch_name((fh_arch)arch), emit, ctx);
        for (int dtype = 0; dtype < FH_DTYPE_COUNT; dtype++) {
            fh_synth_options o;
            bool moe = arch == FH_ARCH_QWEN3MOE || arch == FH_ARCH_OLMOE;
            require(fh_synth_preset(moe ? FH_LIT("tiny-moe") : FH_LIT("tiny"), &o));
            o.arch = (fh_arch)arch;
            o.dtype = (fh_dtype)dtype;
            o.layers = 1;
            o.width = 32;
            o.heads = 2;
            o.kv_heads = 1;
            o.ff = moe ? 0 : 32;
            o.experts = moe ? 2 : 0;
            o.experts_used = moe ? 1 : 0;
            o.vocab = FH_SYNTH_VOCAB_MIN + (uint32_t)dtype;
            seed(o, 0, emit, ctx);
            seed(o, 9000, emit, ctx);
        }
    }
}
