/* train_save.c: writes a trained model as tokenizer.json, in the order and the spelling of Hugging Face's own files (train.h).
 *
 * What training does not decide is copied, token by token, from the object that the caller gives. Threading: one call, one
 * thread. */
#include "freehold/hash.h"
#include "freehold/json_object.h"
#include "text/pipe/postprocess.h"
#include "text/train/train_impl.h"

/* Special tokens are found as bits say: those of `flags`, and whether it is one at all. */
enum { SPECIAL = 16 };
static const char *const flags[] = {"single_word", "lstrip", "rstrip", "normalized"};

typedef struct saver {
    const fh_trained *model;
    fh_json_writer w;
    fh_owned fh_buf text;    /* a string without its escapes */
    fh_owned fh_u32s id_of;  /* WordLevel: of each token its id; else empty: the same */
    fh_owned fh_u32s chosen; /* of each id: bits */
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

/* The id of a text, or FH_TRAIN_NONE. */
static uint32_t find(const saver *s, fh_span text) {
    uint32_t token = fh_strings_find(&s->model->tokens, text);
    return token == FH_TRAIN_NONE || s->id_of.count == 0 ? token : fh_u32s_get(s->id_of, token);
}

/* Room, and which ids are special. */
static fh_status begin(saver *s) {
    const fh_trained *m = s->model;
    FH_TRY(fh_u32s_new(m->allocator, id_count(m), &s->chosen));
    FH_TRY(fh_u32s_new(m->allocator, m->kind == FH_TRAIN_WORDLEVEL ? m->tokens.count : 0, &s->id_of));
    for (size_t i = 0; i < s->id_of.count; i++)
        fh_u32s_set(s->id_of, i, FH_TRAIN_NONE);
    for (uint32_t id = 0; id < m->ids.count && s->id_of.count != 0; id++)
        if (fh_u32s_get(m->ids, id) != FH_TRAIN_NONE)
            fh_u32s_set(s->id_of, fh_u32s_get(m->ids, id), id);
    for (size_t i = 0; i < m->specials.count; i++)
        fh_u32s_set(s->chosen, fh_u32s_get(m->specials, i), SPECIAL);
    return FH_DONE;
}

/* How one of the caller's added tokens is found, if it is one of ours. */
static fh_status take_flags(saver *s, const fh_json_member *m) {
    fh_json_object o;
    bool found;
    FH_TRY(fh_json_object_read(m->text, m->offset_bytes, &o, s->err));
    fh_buf_truncate(&s->text, 0);
    FH_TRY(fh_json_object_text(&o, "content", &s->text, &found, s->err));
    uint32_t id = find(s, fh_buf_view(&s->text)), bits = SPECIAL;
    if (id == FH_TRAIN_NONE || fh_u32s_get(s->chosen, id) == 0)
        return FH_DONE;
    for (uint32_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        bool on;
        FH_TRY(fh_json_object_bool(&o, flags[i], false, &on, s->err));
        bits |= (uint32_t)on << i;
    }
    fh_u32s_set(s->chosen, id, bits);
    return FH_DONE;
}

static fh_status take_all_flags(saver *s, const fh_json_object *like) {
    fh_json_each e;
    const fh_json_member *all = fh_json_object_find(like, "added_tokens");
    if (all == NULL || all->first.kind == FH_JSON_NULL)
        return FH_DONE;
    FH_TRY(fh_json_each_init(&e, all->text, all->offset_bytes, FH_JSON_ARRAY, s->err));
    for (;;) {
        fh_json_member m;
        bool more;
        FH_TRY(fh_json_each_next(&e, &m, &more, s->err));
        if (!more)
            return FH_DONE;
        FH_TRY(take_flags(s, &m));
    }
}

static fh_status put_special(saver *s, uint32_t id, fh_span text, uint32_t bits) {
    FH_TRY(fh_json_open(&s->w, true));
    FH_TRY(fh_json_key(&s->w, "id"));
    FH_TRY(fh_json_put_u64(&s->w, id));
    FH_TRY(put_text(s, "content", text));
    for (uint32_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        FH_TRY(fh_json_key(&s->w, flags[i]));
        FH_TRY(fh_json_put_bool(&s->w, (bits >> i & 1) != 0));
    }
    FH_TRY(fh_json_key(&s->w, "special"));
    FH_TRY(fh_json_put_bool(&s->w, true));
    return fh_json_close(&s->w, true);
}

/* The special tokens, by id, each once. */
static fh_status put_specials(saver *s) {
    FH_TRY(fh_json_key(&s->w, "added_tokens"));
    FH_TRY(fh_json_open(&s->w, false));
    for (uint32_t id = 0; id < s->chosen.count; id++) {
        fh_span text;
        double score;
        if (fh_u32s_get(s->chosen, id) == 0)
            continue;
        FH_TRY(fh_trained_token(s->model, id, &text, &score));
        FH_TRY(put_special(s, id, text, fh_u32s_get(s->chosen, id)));
    }
    return fh_json_close(&s->w, false);
}

/* Writes a post-processor whose tokens have their new ids. */
static fh_status put_renumbered(saver *s, fh_mut fh_postprocessor *p, size_t offset_bytes) {
    for (uint32_t i = 0; i < fh_postprocessor_tokens(p); i++) {
        fh_span text;
        (void)fh_postprocessor_token(p, i, &text);
        uint32_t id = find(s, text);
        if (id == FH_TRAIN_NONE)
            return fh_fail(s->err, FH_NOT_FOUND, offset_bytes,
                           "the post-processor adds \"%.*s\", which is no token now; make it a special token",
                           FH_SPAN_FMT(text));
        fh_postprocessor_renumber(p, i, id);
    }
    return fh_postprocessor_write(p, &s->w);
}

static fh_status put_postprocessor(saver *s, const fh_json_object *like) {
    if (fh_json_object_is_null(like, "post_processor"))
        return copy(s, like, "post_processor", FH_LIT("null"));
    fh_json_member m;
    FH_TRY(fh_json_object_need(like, "post_processor", &m, s->err));
    fh_postprocessor *p = NULL;
    FH_TRY(fh_postprocessor_read(s->model->allocator, m.text, m.offset_bytes, &p, s->err));
    fh_status status = fh_json_key(&s->w, "post_processor");
    if (!fh_failed(status))
        status = put_renumbered(s, p, m.offset_bytes);
    fh_postprocessor_free(p);
    return status;
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

static fh_status put_all(saver *s, const fh_json_object *like, const fh_json_object *like_model) {
    FH_TRY(begin(s));
    FH_TRY(take_all_flags(s, like));
    FH_TRY(fh_json_open(&s->w, true));
    FH_TRY(put_text(s, "version", FH_LIT("1.0")));
    FH_TRY(copy(s, like, "truncation", FH_LIT("null")));
    FH_TRY(copy(s, like, "padding", FH_LIT("null")));
    FH_TRY(put_specials(s));
    FH_TRY(copy(s, like, "normalizer", FH_LIT("null")));
    FH_TRY(copy(s, like, "pre_tokenizer", FH_LIT("null")));
    FH_TRY(put_postprocessor(s, like));
    FH_TRY(copy(s, like, "decoder", FH_LIT("null")));
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
    size_t before = out->size;
    saver s = {.model = model, .err = err};
    fh_buf_init(&s.text, model->allocator, 0);
    fh_json_writer_init(&s.w, out, true);
    fh_status status = put_all(&s, &all, &inner);
    fh_buf_deinit(&s.text);
    fh_u32s_free(model->allocator, &s.id_of);
    fh_u32s_free(model->allocator, &s.chosen);
    if (fh_failed(status))
        fh_buf_truncate(out, before);
    return status;
}
