/* train_save.c: writes a trained model as tokenizer.json, in the order and the spelling of Hugging Face's own files (train.h).
 *
 * What training does not decide is copied, token by token, from the object that the caller gives. Threading: one call, one
 * thread. */
#include "freehold/hash.h"
#include "freehold/json_object.h"
#include "text/train/train_impl.h"

typedef struct saver {
    const fh_trained *model;
    fh_json_writer w;
    fh_owned fh_buf text; /* a string without its escapes */
    fh_mut fh_err *err;
} saver;

/* --- what is copied ---------------------------------------------------------------------------------------------------- */

/* A number in the spelling that Hugging Face would give it. */
static fh_status copy_number(saver *s, fh_json_token t) {
    int64_t whole;
    if (fh_span_find(t.raw, FH_LIT("."), 0) == SIZE_MAX && !fh_failed(fh_json_i64(t, &whole, NULL)))
        return fh_json_put_i64(&s->w, whole);
    double value;
    FH_TRY(fh_json_f64(t, &value, s->err));
    return fh_json_put_f64(&s->w, value);
}

static fh_status copy_token(saver *s, fh_json_token t) {
    switch (t.kind) {
    case FH_JSON_OBJECT:
    case FH_JSON_ARRAY: return fh_json_open(&s->w, t.kind == FH_JSON_OBJECT);
    case FH_JSON_OBJECT_END:
    case FH_JSON_ARRAY_END: return fh_json_close(&s->w, t.kind == FH_JSON_OBJECT_END);
    case FH_JSON_KEY:
    case FH_JSON_STRING:
        fh_buf_truncate(&s->text, 0);
        FH_TRY(fh_json_text(t, &s->text, s->err));
        if (t.kind == FH_JSON_KEY)
            return fh_json_key_text(&s->w, fh_buf_view(&s->text));
        return fh_json_put_text(&s->w, fh_buf_view(&s->text));
    case FH_JSON_NUMBER: return copy_number(s, t);
    case FH_JSON_TRUE:
    case FH_JSON_FALSE: return fh_json_put_bool(&s->w, t.kind == FH_JSON_TRUE);
    case FH_JSON_NULL: return fh_json_put_null(&s->w);
    case FH_JSON_END: break;
    }
    return FH_DONE;
}

/* Copies the value of a key, or writes `absent`, a JSON text. */
static fh_status copy(saver *s, const fh_json_object *from, const char *key, fh_span absent) {
    FH_TRY(fh_json_key(&s->w, key));
    const fh_json_member *m = fh_json_object_find(from, key);
    fh_json j;
    if (m != NULL)
        fh_json_init_at(&j, m->text, m->offset_bytes);
    else
        fh_json_init(&j, absent);
    for (;;) {
        fh_json_token t;
        FH_TRY(fh_json_next(&j, &t, s->err));
        if (t.kind == FH_JSON_END)
            return FH_DONE;
        FH_TRY(copy_token(s, t));
    }
}

/* One more than the highest id. */
static size_t id_count(const fh_trained *m) {
    return m->kind == FH_TRAIN_WORDLEVEL ? m->ids.count : m->tokens.count;
}

/* --- what was learnt --------------------------------------------------------------------------------------------------- */

/* A key with a text, or null for an empty one. */
static fh_status put_text(saver *s, const char *key, fh_span text) {
    FH_TRY(fh_json_key(&s->w, key));
    return text.size != 0 ? fh_json_put_text(&s->w, text) : fh_json_put_null(&s->w);
}

static fh_status put_special(saver *s, uint32_t id, fh_span text) {
    static const char *const off[] = {"single_word", "lstrip", "rstrip", "normalized"};
    FH_TRY(fh_json_open(&s->w, true));
    FH_TRY(fh_json_key(&s->w, "id"));
    FH_TRY(fh_json_put_u64(&s->w, id));
    FH_TRY(put_text(s, "content", text));
    for (size_t i = 0; i < sizeof off / sizeof off[0]; i++) {
        FH_TRY(fh_json_key(&s->w, off[i]));
        FH_TRY(fh_json_put_bool(&s->w, false));
    }
    FH_TRY(fh_json_key(&s->w, "special"));
    FH_TRY(fh_json_put_bool(&s->w, true));
    return fh_json_close(&s->w, true);
}

/* The special tokens, by id, each once; `chosen` has room for all ids. */
static fh_status put_specials(saver *s, fh_u32s chosen) {
    const fh_trained *m = s->model;
    FH_TRY(fh_json_key(&s->w, "added_tokens"));
    FH_TRY(fh_json_open(&s->w, false));
    for (size_t i = 0; i < m->specials.count; i++)
        fh_u32s_set(chosen, fh_u32s_get(m->specials, i), 1);
    for (uint32_t id = 0; id < chosen.count; id++) {
        fh_span text;
        double score;
        if (fh_u32s_get(chosen, id) == 0)
            continue;
        FH_TRY(fh_trained_token(m, id, &text, &score));
        FH_TRY(put_special(s, id, text));
    }
    return fh_json_close(&s->w, false);
}

/* {"text": id, …} in the order of the ids. */
static fh_status put_vocab(saver *s) {
    const fh_trained *m = s->model;
    FH_TRY(fh_json_key(&s->w, "vocab"));
    FH_TRY(fh_json_open(&s->w, true));
    size_t ids = id_count(m);
    for (uint32_t id = 0; id < ids; id++) {
        fh_span text;
        double score;
        fh_status found = fh_trained_token(m, id, &text, &score);
        if (fh_failed(found))
            continue; /* an id that no token has */
        FH_TRY(fh_json_key_text(&s->w, text));
        FH_TRY(fh_json_put_u64(&s->w, id));
    }
    return fh_json_close(&s->w, true);
}

static fh_status put_merges(saver *s) {
    const fh_trained *m = s->model;
    FH_TRY(fh_json_key(&s->w, "merges"));
    FH_TRY(fh_json_open(&s->w, false));
    for (size_t i = 0; i < m->merges.count; i++) {
        uint64_t pair = fh_u64s_get(m->merges.items, i);
        FH_TRY(fh_json_open(&s->w, false));
        FH_TRY(fh_json_put_text(&s->w, fh_strings_get(&m->tokens, (uint32_t)(pair >> 32))));
        FH_TRY(fh_json_put_text(&s->w, fh_strings_get(&m->tokens, (uint32_t)pair)));
        FH_TRY(fh_json_close(&s->w, false));
    }
    return fh_json_close(&s->w, false);
}

static fh_status put_pieces(saver *s) {
    const fh_trained *m = s->model;
    FH_TRY(fh_json_key(&s->w, "unk_id"));
    FH_TRY(m->unk == FH_TRAIN_NONE ? fh_json_put_null(&s->w) : fh_json_put_u64(&s->w, m->unk));
    FH_TRY(fh_json_key(&s->w, "vocab"));
    FH_TRY(fh_json_open(&s->w, false));
    for (uint32_t id = 0; id < m->tokens.count; id++) {
        FH_TRY(fh_json_open(&s->w, false));
        FH_TRY(fh_json_put_text(&s->w, fh_strings_get(&m->tokens, id)));
        FH_TRY(fh_json_put_f64(&s->w, fh_f64_of_bits(fh_u64s_get(m->scores, id))));
        FH_TRY(fh_json_close(&s->w, false));
    }
    return fh_json_close(&s->w, false);
}

static fh_status put_model(saver *s, const fh_json_object *like) {
    const fh_trained *m = s->model;
    fh_span unk = m->kind == FH_TRAIN_BPE         ? FH_LIT("null")
                  : m->kind == FH_TRAIN_WORDPIECE ? FH_LIT("\"[UNK]\"")
                                                  : FH_LIT("\"<unk>\"");
    FH_TRY(put_text(s, "type", fh_span_of_str(fh_train_kind_name(m->kind))));
    switch (m->kind) {
    case FH_TRAIN_BPE:
        FH_TRY(copy(s, like, "dropout", FH_LIT("null")));
        FH_TRY(copy(s, like, "unk_token", unk));
        FH_TRY(put_text(s, "continuing_subword_prefix", fh_buf_view(&m->prefix)));
        FH_TRY(put_text(s, "end_of_word_suffix", fh_buf_view(&m->suffix)));
        FH_TRY(copy(s, like, "fuse_unk", FH_LIT("false")));
        FH_TRY(copy(s, like, "byte_fallback", FH_LIT("false")));
        FH_TRY(copy(s, like, "ignore_merges", FH_LIT("false")));
        FH_TRY(put_vocab(s));
        return put_merges(s);
    case FH_TRAIN_WORDPIECE:
        FH_TRY(copy(s, like, "unk_token", unk));
        FH_TRY(put_text(s, "continuing_subword_prefix", fh_buf_view(&m->prefix)));
        FH_TRY(copy(s, like, "max_input_chars_per_word", FH_LIT("100")));
        return put_vocab(s);
    case FH_TRAIN_WORDLEVEL:
        FH_TRY(put_vocab(s));
        return copy(s, like, "unk_token", unk);
    case FH_TRAIN_UNIGRAM:
        FH_TRY(put_pieces(s));
        return copy(s, like, "byte_fallback", FH_LIT("false"));
    case FH_TRAIN_KINDS: break;
    }
    return FH_DONE;
}

/* --- the file ---------------------------------------------------------------------------------------------------------- */

static fh_status put_all(saver *s, const fh_json_object *like, const fh_json_object *like_model, fh_u32s chosen) {
    static const char *const before[] = {"truncation", "padding"};
    static const char *const behind[] = {"normalizer", "pre_tokenizer", "post_processor", "decoder"};
    FH_TRY(fh_json_open(&s->w, true));
    FH_TRY(put_text(s, "version", FH_LIT("1.0")));
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
        FH_TRY(copy(s, like, before[i], FH_LIT("null")));
    FH_TRY(put_specials(s, chosen));
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++)
        FH_TRY(copy(s, like, behind[i], FH_LIT("null")));
    FH_TRY(fh_json_key(&s->w, "model"));
    FH_TRY(fh_json_open(&s->w, true));
    FH_TRY(put_model(s, like_model));
    FH_TRY(fh_json_close(&s->w, true));
    return fh_json_close(&s->w, true);
}

fh_status fh_trained_save(const fh_trained *model, fh_span like, fh_buf *out, fh_err *err) {
    fh_json_object all, inner = {.count = 0};
    FH_TRY(fh_json_object_read(like, 0, &all, err));
    const fh_json_member *m = fh_json_object_find(&all, "model");
    if (m != NULL)
        FH_TRY(fh_json_object_read(m->text, m->offset_bytes, &inner, err));
    fh_u32s chosen;
    FH_TRY(fh_u32s_new(model->allocator, id_count(model), &chosen));
    size_t before = out->size;
    saver s = {.model = model, .err = err};
    fh_buf_init(&s.text, model->allocator, 0);
    fh_json_writer_init(&s.w, out, true);
    fh_status status = put_all(&s, &all, &inner, chosen);
    fh_buf_deinit(&s.text);
    fh_u32s_free(model->allocator, &chosen);
    if (fh_failed(status))
        fh_buf_truncate(out, before);
    return status;
}
