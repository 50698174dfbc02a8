/* fuzz_gguf.c: a hostile model file, from its first byte to the point where weights would be loaded.
 *
 * Opens the input as a GGUF file, reads every key and every tensor's bytes, then shape, tensor check, memory plan and tokenizer,
 * and encodes a text. SECURITY-MODEL, "model files": every file is refused or understood, without a read outside it, an assertion
 * or more than a constant times its size of memory.
 *
 * Seeds: small synthetic models of each architecture and type, and the same without weights. */
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
    fh_status status = fh_tokenizer_encode(tok, FH_LIT("Hello, w\xc3\xb6rld <s> \xff"), (fh_encode_options){.add_special = true},
                                           &ids, &err);
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

/* --- seeds ------------------------------------------------------------------------------------------------------------------ */

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

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    for (int arch = 0; arch < FH_ARCH_COUNT; arch++)
        for (int dtype = 0; dtype < FH_DTYPE_COUNT; dtype++) {
            fh_synth_options o;
            bool moe = arch == FH_ARCH_QWEN3MOE || arch == FH_ARCH_OLMOE;
            bool known = fh_synth_preset(moe ? FH_LIT("tiny-moe") : FH_LIT("tiny"), &o);
            require(known);
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
