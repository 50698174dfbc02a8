/* inspect.c: `freehold inspect`: what a GGUF file holds, whether it can run here, and what memory that takes.
 *
 * A file whose header is malformed is refused. A file that is sound but not a model that Freehold runs (another
 * architecture, a type it does not compute with, a vocabulary alone) is described all the same, with the reason why it
 * cannot run.
 *
 * Threading: the main thread. */
#include "apps/loader.h"
#include "freehold/checked.h"
#include "freehold/json.h"

enum { LIST_MAX = 8, TEXT_COLUMNS = 80, LABEL_COLUMNS = 16, ROWS = 512, TYPES_MAX = 64 };

/* Tensors of one type. */
typedef struct type_sum {
    uint32_t type_id;
    uint64_t tensors, elements, bytes;
} type_sum;

/* All that was found out. */
typedef struct findings {
    fh_span file;
    const fh_gguf *gguf;
    type_sum types[TYPES_MAX]; /* by bytes, largest first */
    size_t types_count;
    uint64_t tensor_bytes;
    bool has_shape, runs; /* the architecture is known; everything fits together */
    fh_model_shape shape;
    fh_err why; /* why it does not run */
    fh_owned_or_null fh_tokenizer *tokenizer;
    fh_err no_tokenizer;
    uint64_t context;
    fh_memory_plan plan;
    bool has_plan;
} findings;

static void drop_findings(fh_drop findings *f) {
    fh_tokenizer_free(f->tokenizer);
}

/* --- finding out ------------------------------------------------------------------------------------------------------ */

/* a + b, or UINT64_MAX where that is more: a tensor of a type of no known size has as many elements as its file says. */
static uint64_t saturated(uint64_t a, uint64_t b) {
    uint64_t sum;
    return fh_add_u64(a, b, &sum) ? sum : UINT64_MAX;
}

static void sum_types(findings *f) {
    for (size_t i = 0; i < fh_gguf_tensor_count(f->gguf); i++) {
        fh_gguf_tensor t = fh_gguf_tensor_at(f->gguf, i);
        size_t k = 0;
        while (k < f->types_count && f->types[k].type_id != t.type_id)
            k++;
        if (k == TYPES_MAX)
            continue; /* there are fewer types than that */
        f->types_count = k == f->types_count ? k + 1 : f->types_count;
        f->types[k].type_id = t.type_id;
        f->types[k].tensors++;
        f->types[k].elements = saturated(f->types[k].elements, t.dim[0] * t.dim[1] * t.dim[2] * t.dim[3]);
        f->types[k].bytes += t.size_bytes;
        f->tensor_bytes += t.size_bytes;
    }
    for (size_t i = 1; i < f->types_count; i++) {
        for (size_t k = i; k > 0 && f->types[k].bytes > f->types[k - 1].bytes; k--) {
            type_sum swap = f->types[k];
            f->types[k] = f->types[k - 1];
            f->types[k - 1] = swap;
        }
    }
}

/* A file that is malformed fails; one that is only not ours does not. */
static fh_status note_why(findings *f, fh_status s, fh_err *err) {
    if (!fh_failed(s))
        return s;
    if (s.code != FH_UNSUPPORTED && s.code != FH_NOT_FOUND) {
        if (err != NULL)
            *err = f->why;
        return s;
    }
    return FH_DONE;
}

static fh_status find_out(fh_mut fh_view(2) findings *f, fh_ref fh_allocator *heap, uint64_t context, fh_err *err) {
    sum_types(f);
    fh_status s = fh_model_shape_read(f->gguf, &f->shape, &f->why);
    f->has_shape = !fh_failed(s);
    if (f->has_shape)
        s = fh_model_tensors_check(f->gguf, &f->shape, &f->why);
    f->runs = !fh_failed(s);
    FH_TRY(note_why(f, s, err));
    fh_status tokens = fh_model_tokenizer(heap, f->gguf, &f->tokenizer, &f->no_tokenizer);
    if (tokens.code == FH_NOMEM)
        return tokens;
    if (fh_failed(tokens) && f->runs) {
        f->runs = false;
        f->why = f->no_tokenizer;
        FH_TRY(note_why(f, tokens, err));
    }
    if (!f->has_shape)
        return FH_DONE;
    f->context = context != 0 ? context : f->shape.context;
    f->has_plan = f->runs && !fh_failed(fh_model_memory(f->gguf, &f->shape, f->context, ROWS, &f->plan));
    return FH_DONE;
}

/* "Q4_0", or "type 77". */
static fh_span type_name(uint32_t id, fh_buf *scratch) {
    const char *known = fh_gguf_type_name(id);
    fh_buf_truncate(scratch, 0);
    if (known != NULL)
        return fh_span_of_str(known);
    if (fh_failed(fh_buf_format(scratch, "type %u", id)))
        return FH_LIT("?");
    return fh_buf_view(scratch);
}

/* --- for people ------------------------------------------------------------------------------------------------------- */

static void heading(fh_term *t, const char *text) {
    FH_SAY(t, "\n%s%s%s\n", fh_term_style(t, FH_BOLD), text, fh_term_style(t, FH_PLAIN));
}

static void label(fh_term *t, const char *text) {
    FH_SAY(t, "  %s%-*s%s ", fh_term_style(t, FH_CYAN), LABEL_COLUMNS, text, fh_term_style(t, FH_PLAIN));
}

static void put_shape(fh_term *t, const fh_model_shape *s) {
    label(t, "architecture");
    FH_SAY(t, "%s: %u layers of width %u\n", fh_arch_name(s->arch), s->layers, s->width);
    label(t, "attention");
    FH_SAY(t, "%u head%s of %u", s->heads, s->heads == 1 ? "" : "s", s->head_dim);
    if (s->kv_heads != s->heads)
        FH_SAY(t, ", sharing %u key/value head%s", s->kv_heads, s->kv_heads == 1 ? "" : "s");
    FH_SAY(t, "%s\n", s->qk_norm == FH_QK_NORM_HEAD  ? ", queries and keys normalised by heads"
                      : s->qk_norm == FH_QK_NORM_ROW ? ", queries and keys normalised"
                                                     : "");
    label(t, "positions");
    FH_SAY(t, "rotary over %u of %u, base %.10g", s->rot_dim, s->head_dim, s->rope_base);
    if (s->rope_scale < 1 || s->rope_scale > 1)
        FH_SAY(t, ", scaled by %g", s->rope_scale);
    FH_SAY(t, "; trained for a context of %s\n", fh_word_count(s->context).text);
    label(t, "feed-forward");
    if (s->experts == 0)
        FH_SAY(t, "dense, %u wide\n", s->ff);
    else
        FH_SAY(t, "%u experts, %u wide each; %u of them for a token%s\n", s->experts, s->expert_ff, s->experts_used,
               s->renormalise_gates ? ", their weights made to sum to 1" : "");
    label(t, "parameters");
    FH_SAY(t, "%s", fh_word_short(s->params).text);
    if (s->params_active != s->params)
        FH_SAY(t, ", of which a token uses %s", fh_word_short(s->params_active).text);
    FH_SAY(t, "%s\n", s->tied ? "; the output shares the token embedding" : "");
}

static void put_token(fh_term *t, const fh_tokenizer *tok, const char *name, uint32_t id) {
    fh_span text;
    if (id == FH_NO_TOKEN || fh_failed(fh_tokenizer_token(tok, id, &text)))
        return;
    FH_SAY(t, ", %s %u ", name, id);
    (void)fh_term_put_safe(t, text, false, 24);
}

/* The value of a text key, or "". */
static fh_span text_of(const fh_gguf *g, const char *key) {
    fh_span text = FH_LIT("");
    return fh_failed(fh_gguf_text(g, key, &text, NULL)) ? FH_LIT("") : text;
}

static void put_tokenizer(fh_term *t, const findings *f) {
    label(t, "tokenizer");
    if (f->tokenizer == NULL) {
        FH_SAY(t, "none that Freehold can use: %s\n", f->no_tokenizer.message);
        return;
    }
    fh_span kind = text_of(f->gguf, "tokenizer.ggml.model"), pre = text_of(f->gguf, "tokenizer.ggml.pre");
    FH_SAY(t, "%s tokens, %s", fh_word_count(fh_tokenizer_size(f->tokenizer)).text,
           fh_span_is(kind, "llama") ? "SentencePiece BPE" : "byte-level BPE");
    if (pre.size != 0 && !fh_span_is(kind, "llama")) {
        FH_SAY(t, " (");
        (void)fh_term_put_safe(t, pre, false, 24);
        FH_SAY(t, ")");
    }
    put_token(t, f->tokenizer, "begin", fh_tokenizer_bos(f->tokenizer));
    put_token(t, f->tokenizer, "end", fh_tokenizer_eos(f->tokenizer));
    FH_SAY(t, "\n");
}

static void put_types(fh_term *t, const findings *f, fh_buf *scratch) {
    heading(t, "Tensors by type");
    FH_SAY(t, "  %s%-10s %8s %18s %12s %8s%s\n", fh_term_style(t, FH_CYAN), "type", "tensors", "elements", "bytes", "share",
           fh_term_style(t, FH_PLAIN));
    uint64_t tensors = 0, elements = 0;
    for (size_t i = 0; i < f->types_count; i++) {
        const type_sum *s = &f->types[i];
        fh_gguf_tensor probe = {.type_id = s->type_id};
        bool ours = fh_dtype_of_gguf(s->type_id, &probe.dtype);
        FH_SAY(t, "  %-10.*s %8llu %18s %12s %8s%s\n", FH_SPAN_FMT(type_name(s->type_id, scratch)),
               (unsigned long long)s->tensors,
               fh_word_count(s->elements).text, s->bytes != 0 || ours ? fh_word_bytes(s->bytes).text : "unknown",
               fh_word_share(s->bytes, f->tensor_bytes).text, ours ? "" : "   (not supported)");
        tensors += s->tensors;
        elements = saturated(elements, s->elements);
    }
    if (f->types_count != 1)
        FH_SAY(t, "  %-10s %8llu %18s %12s\n", "all", (unsigned long long)tensors, fh_word_count(elements).text,
               fh_word_bytes(f->tensor_bytes).text);
}

static void put_memory(fh_term *t, const findings *f) {
    FH_SAY(t, "\n%sMemory at a context of %s%s\n", fh_term_style(t, FH_BOLD), fh_word_count(f->context).text,
           fh_term_style(t, FH_PLAIN));
    const struct {
        const char *name, *what;
        uint64_t bytes;
    } rows[] = {
        {"file", "mapped; the system may drop and read it again", f->plan.mapped},
        {"weights", "in the form the processor computes with", f->plan.panels},
        {"keys, values", "of the whole context; taken as it fills", f->plan.kv},
        {"activations", "at 512 rows a step", f->plan.activations},
        {"all", "", f->plan.total},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        label(t, rows[i].name);
        FH_SAY(t, "%12s%s%s%s%s\n", fh_word_bytes(rows[i].bytes).text, fh_term_style(t, FH_DIM),
               fh_span_of_str(rows[i].what).size != 0 ? "   " : "", rows[i].what, fh_term_style(t, FH_PLAIN));
    }
}

/* The string at byte *at of the file; *at moves behind it. The header was checked when it was opened; a file that has
 * changed since gives an empty string. */
static fh_span next_string(fh_span file, uint64_t *at) {
    fh_span size, text;
    if (!fh_span_slice(file, *at, 8, &size) || !fh_span_slice(file, *at + 8, fh_span_u64(size, 0), &text))
        return FH_LIT("");
    *at += 8 + text.size;
    return text;
}

static bool is_text(fh_gguf_key key) {
    return key.type == FH_GGUF_STRING || (key.type == FH_GGUF_ARRAY && key.item == FH_GGUF_STRING);
}

/* One scalar of a key's value. */
static void put_item(fh_term *t, const fh_gguf *g, fh_gguf_key key, uint64_t i) {
    fh_gguf_type type = key.type == FH_GGUF_ARRAY ? key.item : key.type;
    uint64_t u = 0;
    int64_t n = 0;
    double real = 0;
    bool floating = type == FH_GGUF_F32 || type == FH_GGUF_F64;
    if (floating && !fh_failed(fh_gguf_item_f64(g, key, i, &real, NULL)))
        FH_SAY(t, "%.9g", real);
    else if (type == FH_GGUF_BOOL && !fh_failed(fh_gguf_item_u64(g, key, i, &u, NULL)))
        FH_SAY(t, "%s", u != 0 ? "true" : "false");
    else if (!floating && !fh_failed(fh_gguf_item_i64(g, key, i, &n, NULL)))
        FH_SAY(t, "%lld", (long long)n);
    else if (!floating && !fh_failed(fh_gguf_item_u64(g, key, i, &u, NULL)))
        FH_SAY(t, "%llu", (unsigned long long)u);
}

/* A value on one line: all of a scalar, the first of an array. */
static void put_value(fh_term *t, const findings *f, fh_gguf_key key) {
    bool array = key.type == FH_GGUF_ARRAY;
    uint64_t shown = key.count < LIST_MAX ? key.count : LIST_MAX, at = key.offset_bytes;
    for (uint64_t i = 0; i < shown; i++) {
        FH_SAY(t, "%s", i != 0 ? " " : "");
        if (is_text(key))
            (void)fh_term_put_safe(t, next_string(f->file, &at), false, array ? 16 : TEXT_COLUMNS);
        else
            put_item(t, f->gguf, key, i);
    }
    FH_SAY(t, "%s\n", shown < key.count ? " …" : "");
}

static size_t longest_key(const fh_gguf *g) {
    size_t longest = 0;
    for (size_t i = 0; i < fh_gguf_key_count(g); i++) {
        fh_span name = fh_gguf_key_at(g, i).name;
        longest = name.size > longest ? name.size : longest;
    }
    return longest < 44 ? longest : 44;
}

static void put_keys(fh_term *t, const findings *f) {
    heading(t, "Keys");
    size_t width = longest_key(f->gguf);
    for (size_t i = 0; i < fh_gguf_key_count(f->gguf); i++) {
        fh_gguf_key key = fh_gguf_key_at(f->gguf, i);
        FH_SAY(t, "  %s", fh_term_style(t, FH_CYAN));
        size_t used = fh_term_put_safe(t, key.name, false, 44);
        fh_term_fill(t, ' ', used < width ? width - used : 0);
        FH_SAY(t, "%s  %s", fh_term_style(t, FH_PLAIN), fh_term_style(t, FH_DIM));
        if (key.type == FH_GGUF_ARRAY)
            FH_SAY(t, "%s[%llu]", fh_gguf_value_name(key.item), (unsigned long long)key.count);
        else
            FH_SAY(t, "%s", fh_gguf_value_name(key.type));
        FH_SAY(t, "%s  ", fh_term_style(t, FH_PLAIN));
        put_value(t, f, key);
    }
}

static void put_tensors(fh_term *t, const findings *f, fh_buf *scratch) {
    heading(t, "Tensors");
    for (size_t i = 0; i < fh_gguf_tensor_count(f->gguf); i++) {
        fh_gguf_tensor tensor = fh_gguf_tensor_at(f->gguf, i);
        FH_SAY(t, "  %s", fh_term_style(t, FH_CYAN));
        size_t used = fh_term_put_safe(t, tensor.name, false, 36);
        fh_term_fill(t, ' ', used < 30 ? 30 - used : 0);
        FH_SAY(t, "%s %-6.*s %12s  ", fh_term_style(t, FH_PLAIN), FH_SPAN_FMT(type_name(tensor.type_id, scratch)),
               fh_word_bytes(tensor.size_bytes).text);
        for (uint32_t d = 0; d < tensor.dims; d++)
            FH_SAY(t, "%s%llu", d != 0 ? " × " : "", (unsigned long long)tensor.dim[d]);
        FH_SAY(t, "  %sat %llu%s\n", fh_term_style(t, FH_DIM), (unsigned long long)tensor.offset_bytes,
               fh_term_style(t, FH_PLAIN));
    }
}

static void put_all(fh_app *app, const findings *f, bool keys, bool tensors, fh_buf *scratch) {
    fh_term *t = &app->out;
    fh_span name = text_of(f->gguf, "general.name");
    FH_SAY(t, "%s", fh_term_style(t, FH_BOLD));
    (void)fh_term_put_safe(t, fh_span_of_str(app->subject.text), false, 0);
    FH_SAY(t, "%s\n", fh_term_style(t, FH_PLAIN));
    if (name.size != 0) {
        label(t, "name");
        (void)fh_term_put_safe(t, name, false, TEXT_COLUMNS);
        FH_SAY(t, "\n");
    }
    label(t, "file");
    FH_SAY(t, "GGUF version %u, %s, %zu keys, %zu tensors\n", fh_gguf_version(f->gguf),
           fh_word_bytes(fh_gguf_size(f->gguf)).text,
           fh_gguf_key_count(f->gguf), fh_gguf_tensor_count(f->gguf));
    if (f->has_shape)
        put_shape(t, &f->shape);
    put_tokenizer(t, f);
    label(t, "runs here");
    if (f->runs)
        FH_SAY(t, "yes\n");
    else
        FH_SAY(t, "%sno:%s %s\n", fh_term_style(t, FH_RED), fh_term_style(t, FH_PLAIN), f->why.message);
    if (f->types_count != 0)
        put_types(t, f, scratch);
    if (f->has_plan)
        put_memory(t, f);
    if (keys)
        put_keys(t, f);
    if (tensors)
        put_tensors(t, f, scratch);
}

/* --- for programs ----------------------------------------------------------------------------------------------------- */

static fh_status json_u64(fh_json_writer *w, const char *key, uint64_t v) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_u64(w, v);
}

static fh_status json_text(fh_json_writer *w, const char *key, fh_span v) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_text(w, v);
}

static fh_status json_bool(fh_json_writer *w, const char *key, bool v) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_bool(w, v);
}

static fh_status json_shape(fh_json_writer *w, const fh_model_shape *s) {
    FH_TRY(fh_json_key(w, "shape"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(json_text(w, "architecture", fh_span_of_str(fh_arch_name(s->arch))));
    FH_TRY(json_u64(w, "layers", s->layers));
    FH_TRY(json_u64(w, "width", s->width));
    FH_TRY(json_u64(w, "heads", s->heads));
    FH_TRY(json_u64(w, "kv_heads", s->kv_heads));
    FH_TRY(json_u64(w, "head_dim", s->head_dim));
    FH_TRY(json_u64(w, "rot_dim", s->rot_dim));
    FH_TRY(json_u64(w, "ff", s->ff));
    FH_TRY(json_u64(w, "experts", s->experts));
    FH_TRY(json_u64(w, "experts_used", s->experts_used));
    FH_TRY(json_u64(w, "expert_ff", s->expert_ff));
    FH_TRY(json_u64(w, "vocab", s->vocab));
    FH_TRY(json_u64(w, "context", s->context));
    FH_TRY(fh_json_key(w, "rope_base"));
    FH_TRY(fh_json_put_f64(w, s->rope_base));
    FH_TRY(fh_json_key(w, "rope_scale"));
    FH_TRY(fh_json_put_f64(w, s->rope_scale));
    FH_TRY(json_bool(w, "tied", s->tied));
    FH_TRY(json_u64(w, "params", s->params));
    FH_TRY(json_u64(w, "params_active", s->params_active));
    return fh_json_close(w, true);
}

static fh_status json_memory(fh_json_writer *w, const findings *f) {
    FH_TRY(fh_json_key(w, "memory"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(json_u64(w, "context", f->context));
    FH_TRY(json_u64(w, "mapped_bytes", f->plan.mapped));
    FH_TRY(json_u64(w, "weight_bytes", f->plan.panels));
    FH_TRY(json_u64(w, "kv_bytes", f->plan.kv));
    FH_TRY(json_u64(w, "activation_bytes", f->plan.activations));
    FH_TRY(json_u64(w, "total_bytes", f->plan.total));
    return fh_json_close(w, true);
}

static fh_status json_item(fh_json_writer *w, const fh_gguf *g, fh_gguf_key key, uint64_t i) {
    fh_gguf_type type = key.type == FH_GGUF_ARRAY ? key.item : key.type;
    uint64_t u = 0;
    int64_t n = 0;
    double real = 0;
    if (type == FH_GGUF_F32 || type == FH_GGUF_F64) {
        FH_TRY(fh_gguf_item_f64(g, key, i, &real, NULL));
        return fh_json_put_f64(w, real);
    }
    if (type == FH_GGUF_BOOL) {
        FH_TRY(fh_gguf_item_u64(g, key, i, &u, NULL));
        return fh_json_put_bool(w, u != 0);
    }
    if (!fh_failed(fh_gguf_item_i64(g, key, i, &n, NULL)))
        return fh_json_put_i64(w, n);
    FH_TRY(fh_gguf_item_u64(g, key, i, &u, NULL));
    return fh_json_put_u64(w, u);
}

/* Each key with its whole value; the stream takes what is gathered after each. */
static fh_status json_keys(fh_json_writer *w, fh_term *t, const findings *f) {
    FH_TRY(fh_json_key(w, "keys"));
    FH_TRY(fh_json_open(w, false));
    for (size_t i = 0; i < fh_gguf_key_count(f->gguf); i++) {
        fh_gguf_key key = fh_gguf_key_at(f->gguf, i);
        uint64_t at = key.offset_bytes;
        bool array = key.type == FH_GGUF_ARRAY;
        FH_TRY(fh_json_open(w, true));
        FH_TRY(json_text(w, "name", key.name));
        FH_TRY(json_text(w, "type", fh_span_of_str(fh_gguf_value_name(array ? key.item : key.type))));
        FH_TRY(fh_json_key(w, "value"));
        if (array)
            FH_TRY(fh_json_open(w, false));
        for (uint64_t k = 0; k < key.count; k++) {
            if (is_text(key))
                FH_TRY(fh_json_put_text(w, next_string(f->file, &at)));
            else
                FH_TRY(json_item(w, f->gguf, key, k));
            fh_term_drain(t, w->out);
        }
        if (array)
            FH_TRY(fh_json_close(w, false));
        FH_TRY(fh_json_close(w, true));
    }
    return fh_json_close(w, false);
}

static fh_status json_tensors(fh_json_writer *w, fh_term *t, const findings *f, fh_buf *scratch) {
    FH_TRY(fh_json_key(w, "tensors"));
    FH_TRY(fh_json_open(w, false));
    for (size_t i = 0; i < fh_gguf_tensor_count(f->gguf); i++) {
        fh_gguf_tensor tensor = fh_gguf_tensor_at(f->gguf, i);
        FH_TRY(fh_json_open(w, true));
        FH_TRY(json_text(w, "name", tensor.name));
        FH_TRY(json_text(w, "type", type_name(tensor.type_id, scratch)));
        FH_TRY(fh_json_key(w, "dims"));
        FH_TRY(fh_json_open(w, false));
        for (uint32_t d = 0; d < tensor.dims; d++)
            FH_TRY(fh_json_put_u64(w, tensor.dim[d]));
        FH_TRY(fh_json_close(w, false));
        FH_TRY(json_u64(w, "offset_bytes", tensor.offset_bytes));
        FH_TRY(json_u64(w, "size_bytes", tensor.size_bytes));
        FH_TRY(fh_json_close(w, true));
        fh_term_drain(t, w->out);
    }
    return fh_json_close(w, false);
}

static fh_status json_tokenizer(fh_json_writer *w, const findings *f) {
    FH_TRY(fh_json_key(w, "tokenizer"));
    if (f->tokenizer == NULL)
        return fh_json_put_null(w);
    FH_TRY(fh_json_open(w, true));
    FH_TRY(json_text(w, "model", text_of(f->gguf, "tokenizer.ggml.model")));
    FH_TRY(json_text(w, "pre", text_of(f->gguf, "tokenizer.ggml.pre")));
    FH_TRY(json_u64(w, "tokens", fh_tokenizer_size(f->tokenizer)));
    if (fh_tokenizer_bos(f->tokenizer) != FH_NO_TOKEN)
        FH_TRY(json_u64(w, "bos", fh_tokenizer_bos(f->tokenizer)));
    if (fh_tokenizer_eos(f->tokenizer) != FH_NO_TOKEN)
        FH_TRY(json_u64(w, "eos", fh_tokenizer_eos(f->tokenizer)));
    return fh_json_close(w, true);
}

static fh_status json_all(fh_app *app, const findings *f, fh_buf *scratch) {
    fh_auto(fh_buf_deinit) fh_buf text;
    fh_buf_init(&text, app->heap, 0);
    fh_json_writer writer;
    fh_json_writer_init(&writer, &text, true);
    fh_json_writer *w = &writer;
    FH_TRY(fh_json_open(w, true));
    FH_TRY(json_text(w, "file", fh_span_of_str(app->subject.text)));
    FH_TRY(json_u64(w, "gguf_version", fh_gguf_version(f->gguf)));
    FH_TRY(json_u64(w, "size_bytes", fh_gguf_size(f->gguf)));
    FH_TRY(json_u64(w, "data_offset_bytes", fh_gguf_data_at(f->gguf)));
    FH_TRY(json_u64(w, "alignment", fh_gguf_alignment(f->gguf)));
    FH_TRY(json_bool(w, "runs", f->runs));
    if (!f->runs)
        FH_TRY(json_text(w, "reason", fh_span_of_str(f->why.message)));
    if (f->has_shape)
        FH_TRY(json_shape(w, &f->shape));
    FH_TRY(json_tokenizer(w, f));
    if (f->has_plan)
        FH_TRY(json_memory(w, f));
    FH_TRY(fh_json_key(w, "types"));
    FH_TRY(fh_json_open(w, false));
    for (size_t i = 0; i < f->types_count; i++) {
        FH_TRY(fh_json_open(w, true));
        FH_TRY(json_text(w, "type", type_name(f->types[i].type_id, scratch)));
        FH_TRY(json_u64(w, "tensors", f->types[i].tensors));
        FH_TRY(json_u64(w, "elements", f->types[i].elements));
        FH_TRY(json_u64(w, "bytes", f->types[i].bytes));
        FH_TRY(fh_json_close(w, true));
    }
    FH_TRY(fh_json_close(w, false));
    FH_TRY(json_keys(w, &app->out, f));
    FH_TRY(json_tensors(w, &app->out, f, scratch));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(fh_buf_put_u8(&text, '\n'));
    fh_term_put(&app->out, fh_buf_view(&text));
    return FH_DONE;
}

/* --- the command line ------------------------------------------------------------------------------------------------- */

static const char examples[] = "freehold inspect model.gguf                  what is in it, and what memory it needs\n"
                               "freehold inspect model.gguf --ctx 4096       the memory for a context of 4,096 tokens\n"
                               "freehold inspect model.gguf --keys           every key of the header\n"
                               "freehold inspect model.gguf --json | jq .memory";

static fh_status inspect(fh_app *app, const fh_path *path, uint64_t context, bool json, bool keys, bool tensors,
                         fh_err *err) {
    fh_auto(fh_file_close) fh_file file = {.heap = app->heap};
    FH_TRY(fh_file_open(&file, app, path, err));
    fh_auto(fh_end_gguf) fh_gguf *gguf = NULL;
    FH_TRY(fh_file_gguf(&file, &gguf, err));
    fh_auto(drop_findings) findings f = {.file = file.map.bytes, .gguf = gguf};
    fh_err_clear(&f.why);
    fh_err_clear(&f.no_tokenizer);
    FH_TRY(fh_file_verdict(&file, find_out(&f, app->heap, context, err), err));
    fh_auto(fh_buf_deinit) fh_buf scratch;
    fh_buf_init(&scratch, app->heap, 0);
    if (json)
        fh_term_keep(&app->out, json_all(app, &f, &scratch));
    else
        put_all(app, &f, keys, tensors, &scratch);
    fh_term_flush(&app->out);
    return fh_file_verdict(&file, app->out.status, err);
}

fh_status fh_verb_inspect(fh_app *app, fh_views args, fh_err *err) {
    fh_path path = {{0}};
    uint64_t context = 0;
    bool json = false, keys = false, tensors = false;
    fh_cli_option options[] = {
        {.name = "--ctx", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &context, .min = 1, .max = FH_CONTEXT_MAX,
         .help = "memory for a context of N tokens; default the model's"},
        {.name = "--keys", .kind = FH_CLI_FLAG, .to.flag = &keys, .help = "every key of the header, long values cut short"},
        {.name = "--tensors", .kind = FH_CLI_FLAG, .to.flag = &tensors, .help = "every tensor"},
        {.name = "--json", .kind = FH_CLI_FLAG, .to.flag = &json,
         .help = "everything, nothing cut short, as one JSON object"},
    };
    fh_cli cli = {.verb = "inspect", .summary = "tell what a model file holds and what memory it needs", .examples = examples,
                  .options = {options, sizeof options / sizeof options[0]}, .operand_name = "FILE", .operand = &path};
    bool done = false;
    FH_TRY(fh_app_parse(app, &cli, args, &done, err));
    return done ? FH_DONE : inspect(app, &path, context, json, keys, tensors, err);
}
