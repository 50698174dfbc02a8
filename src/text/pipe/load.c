/* load.c: a tokenizer.json to a pipeline, and a pipeline back to its file.
 *
 * The file is an object; the model, which is most of it, is read where it is met, the other members are found first and then
 * read in the order in which they need each other: the normalizer before the added tokens. Members that the format does not
 * have are passed over, as the reference does.
 *
 * Threading: one call, one thread. */
#include "freehold/json_object.h"
#include "freehold/utf8.h"
#include "text/pipe/pipeline.h"
#include "text/pipe/stored.h"
#include "text/unicode.h"

/* Offsets in the file fit 32 bits. */
enum { JSON_BYTES_MAX = 1 << 30, LENGTH_MAX = INT32_MAX };

/* The members of the format. */
enum { VERSION, TRUNCATION, PADDING, ADDED, NORMALIZER, PRETOKENIZER, POSTPROCESSOR, DECODER, MODEL, MEMBER_COUNT };
static const char *const names[MEMBER_COUNT] = {"version",    "truncation",    "padding",        "added_tokens", "normalizer",
                                                "pre_tokenizer", "post_processor", "decoder",      "model"};

typedef struct file {
    fh_json_member members[MEMBER_COUNT]; /* those that are absent or null have no text */
} file;

static fh_status expected(const fh_json_member *m, const char *what, fh_err *err) {
    return fh_fail(err, FH_CORRUPT, m->offset_bytes, "tokenizer.json, byte %zu: expected %s", m->offset_bytes, what);
}

/* The number of a member's name; MEMBER_COUNT for one that the format does not have. */
static size_t member_of(fh_json_token key) {
    size_t i = 0;
    while (i < MEMBER_COUNT && !fh_span_is(key.raw, names[i]))
        i++;
    return i;
}

/* Finds the members, and reads the model where it is met: it is most of the file, and needs none of the others. */
static fh_status find_members(fh_mut fh_view(*3) fh_pipeline *p, fh_span json, fh_ref fh_or_null const fh_stored *stored,
                              fh_out fh_view(2) file *out, fh_err *err) {
    file f = {.members = {{.offset_bytes = 0}}};
    bool seen[MEMBER_COUNT + 1] = {false};
    fh_json_each e;
    *out = f;
    FH_TRY(fh_json_each_init(&e, json, 0, FH_JSON_OBJECT, err));
    for (;;) {
        fh_json_token key, first;
        fh_json_member m;
        bool more;
        FH_TRY(fh_json_each_key(&e, &key, &more, err));
        if (!more)
            break;
        size_t i = member_of(key);
        if (i < MEMBER_COUNT && seen[i])
            return fh_fail(err, FH_CORRUPT, key.offset_bytes, "tokenizer.json has a second \"%s\" at byte %zu", names[i],
                           key.offset_bytes);
        seen[i] = true;
        fh_json ahead = e.j;
        FH_TRY(fh_json_next(&ahead, &first, err));
        if (i == MODEL && first.kind != FH_JSON_NULL) {
            FH_TRY(stored != NULL ? fh_token_model_open(p->allocator, &e.j, &stored->tables, &p->model, err)
                                  : fh_token_model_read_value(p->allocator, &e.j, &p->model, err));
            continue;
        }
        FH_TRY(fh_json_each_value(&e, key, &m, err));
        if (i < MEMBER_COUNT && first.kind != FH_JSON_NULL)
            f.members[i] = m;
    }
    if (p->model == NULL)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "tokenizer.json has no model");
    *out = f;
    return FH_DONE;
}

/* --- length ----------------------------------------------------------------------------------------------------------- */

/* A member whose value is a word: the number of `second` is 1, of `third` 2, and an absent one counts as the first. */
static fh_status read_word(const fh_json_object *o, const char *key, const char *first, fh_ref fh_or_null const char *second,
                           fh_ref fh_or_null const char *third, fh_out size_t *out, fh_err *err) {
    *out = 0;
    const fh_json_member *m = fh_json_object_find(o, key);
    if (m == NULL || fh_json_object_is(o, key, first))
        return FH_DONE;
    if (second != NULL && fh_json_object_is(o, key, second))
        *out = 1;
    else if (third != NULL && fh_json_object_is(o, key, third))
        *out = 2;
    else
        return fh_fail(err, FH_CORRUPT, m->offset_bytes, "tokenizer.json, byte %zu: expected \"%s\" or another %s",
                       m->offset_bytes, first, key);
    return FH_DONE;
}

static fh_status read_length(const fh_json_object *o, const char *key, uint64_t absent, fh_out size_t *out, fh_err *err) {
    uint64_t v;
    *out = 0;
    FH_TRY(fh_json_object_u64(o, key, absent, &v, err));
    *out = v < LENGTH_MAX ? (size_t)v : LENGTH_MAX;
    return FH_DONE;
}

/* A length that texts are filled up to. */
static fh_status read_padded(const fh_json_object *o, const char *key, fh_out size_t *out, fh_err *err) {
    FH_TRY(read_length(o, key, 0, out, err));
    const fh_json_member *m = fh_json_object_find(o, key);
    if (m != NULL && *out > FH_PADDING_MAX)
        return fh_fail(err, FH_LIMIT, m->offset_bytes, "tokenizer.json, byte %zu: \"%s\" is %.*s, expected at most %d tokens",
                       m->offset_bytes, key, FH_SPAN_FMT(m->text), FH_PADDING_MAX);
    return FH_DONE;
}

static fh_status read_truncation(const fh_json_member *m, fh_out fh_truncation *out, fh_err *err) {
    *out = (fh_truncation){.on = false};
    if (m->text.size == 0)
        return FH_DONE;
    fh_json_object o;
    size_t strategy, direction;
    fh_truncation t = {.on = true};
    FH_TRY(fh_json_object_read(m->text, m->offset_bytes, &o, err));
    FH_TRY(read_word(&o, "strategy", "LongestFirst", "OnlyFirst", "OnlySecond", &strategy, err));
    FH_TRY(read_word(&o, "direction", "Right", "Left", NULL, &direction, err));
    FH_TRY(read_length(&o, "max_length", 512, &t.max_length, err));
    FH_TRY(read_length(&o, "stride", 0, &t.stride, err));
    t.strategy = (fh_truncate)strategy;
    t.left = direction == 1;
    *out = t;
    return FH_DONE;
}

static fh_status read_id(const fh_json_object *o, const char *key, fh_out uint32_t *out, fh_err *err) {
    uint64_t v;
    *out = 0;
    FH_TRY(fh_json_object_u64(o, key, 0, &v, err));
    if (v >= UINT32_MAX)
        return fh_fail(err, FH_LIMIT, o->offset_bytes, "tokenizer.json, byte %zu: \"%s\" does not fit 32 bits", o->offset_bytes,
                       key);
    *out = (uint32_t)v;
    return FH_DONE;
}

static fh_status read_padding(fh_pipeline *p, const fh_json_member *m, fh_err *err) {
    if (m->text.size == 0)
        return FH_DONE;
    fh_json_object o, inner;
    size_t word;
    bool found;
    fh_padding pad = {.on = true};
    FH_TRY(fh_json_object_read(m->text, m->offset_bytes, &o, err));
    const fh_json_member *strategy = fh_json_object_find(&o, "strategy");
    if (strategy != NULL && strategy->first.kind == FH_JSON_OBJECT) {
        pad.fixed = true;
        FH_TRY(fh_json_object_read(strategy->text, strategy->offset_bytes, &inner, err));
        FH_TRY(read_padded(&inner, "Fixed", &pad.length, err));
    } else {
        FH_TRY(read_word(&o, "strategy", "BatchLongest", NULL, NULL, &word, err));
    }
    FH_TRY(read_word(&o, "direction", "Right", "Left", NULL, &word, err));
    pad.left = word == 1;
    FH_TRY(read_padded(&o, "pad_to_multiple_of", &pad.multiple_of, err));
    FH_TRY(read_id(&o, "pad_id", &pad.id, err));
    FH_TRY(read_id(&o, "pad_type_id", &pad.type, err));
    FH_TRY(fh_json_object_text(&o, "pad_token", &p->pad_token, &found, err));
    if (!found)
        FH_TRY(fh_buf_put(&p->pad_token, FH_LIT("[PAD]")));
    p->padding = pad;
    return FH_DONE;
}

/* --- blanks ----------------------------------------------------------------------------------------------------------- */

/* A blank: U+0120 is the space of GPT-2's alphabet. */
static bool is_blank(uint32_t code) {
    bool shown = code > ' ' && code < 0x7f; /* most characters */
    return !shown && (code == 0x120 || fh_unicode_class(code) == FH_CHAR_SPACE);
}

fh_blanks fh_blanks_in(fh_span text) {
    fh_blanks b = {.lead = 0};
    bool leading = true;
    for (size_t i = 0; i < text.size;) {
        uint8_t first = fh_span_at(text, i);
        fh_rune r = first < 0x80 ? (fh_rune){first, 1, true} : fh_utf8_next(text, i);
        bool blank = is_blank(r.code);
        leading = leading && blank;
        b.lead += leading;
        b.trail = blank ? b.trail + 1 : 0;
        b.trail_bytes = blank ? b.trail_bytes + r.size : 0;
        i += r.size;
    }
    return b;
}

uint32_t fh_blanks_pack(fh_blanks b) {
    uint32_t lead = b.lead < UINT16_MAX ? (uint32_t)b.lead : UINT16_MAX;
    return lead | (b.trail < UINT16_MAX ? (uint32_t)b.trail : UINT16_MAX) << 16;
}

static fh_status fill_blanks(fh_pipeline *p) {
    if (!fh_postprocessor_trims(p->postprocessor))
        return FH_DONE;
    FH_TRY(fh_u32s_new(p->allocator, p->id_end, &p->blanks));
    for (uint32_t id = 0; id < p->id_end; id++) {
        fh_span spelling;
        if (fh_pipeline_shown(p, id, &spelling))
            fh_u32s_set(p->blanks, id, fh_blanks_pack(fh_blanks_in(spelling)));
    }
    return FH_DONE;
}

bool fh_pipeline_spelling(const fh_pipeline *p, uint32_t id, fh_span *out) {
    const fh_added_token *t = fh_added_of_id(&p->added, id);
    if (t == NULL)
        return fh_token_model_spelling(p->model, id, out);
    *out = fh_added_normal(&p->added, t);
    return true;
}

bool fh_pipeline_shown(const fh_pipeline *p, uint32_t id, fh_span *out) {
    return fh_token_model_spelling(p->model, id, out) || fh_pipeline_spelling(p, id, out);
}

/* --- the whole -------------------------------------------------------------------------------------------------------- */

static fh_status restore_added(fh_added *d, const fh_stored *stored, const fh_token_model *model,
                               fh_ref fh_or_null const fh_normalizer *normalizer, fh_err *err) {
    fh_u32s words;
    if (!fh_u32s_lent(stored->added, &words))
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "tokenizer cache: %zu bytes of added tokens", stored->added.size);
    fh_status s = fh_added_restore(d, words, stored->added_texts, model, normalizer, err);
    fh_u32s_return(&words);
    return s;
}

static fh_status read_parts(fh_pipeline *p, const file *f, fh_ref fh_or_null const fh_stored *stored, fh_err *err) {
    if (f->members[VERSION].text.size != 0 && !fh_span_is(f->members[VERSION].text, "\"1.0\""))
        return expected(&f->members[VERSION], "version \"1.0\"", err);
    FH_TRY(read_truncation(&f->members[TRUNCATION], &p->truncation, err));
    FH_TRY(read_padding(p, &f->members[PADDING], err));
    if (f->members[PRETOKENIZER].text.size != 0)
        FH_TRY(fh_pretokenizer_read(p->allocator, f->members[PRETOKENIZER].text, f->members[PRETOKENIZER].offset_bytes,
                                    &p->pretokenizer, err));
    p->raw_bytes = fh_pretokenizer_ends_in_bytes(p->pretokenizer) && fh_token_model_use_raw_bytes(p->model);
    if (stored == NULL)
        FH_TRY(fh_token_model_find_seams(p->model));
    if (f->members[NORMALIZER].text.size != 0)
        FH_TRY(fh_normalizer_read(p->allocator, f->members[NORMALIZER].text, f->members[NORMALIZER].offset_bytes,
                                  &p->normalizer, err));
    if (f->members[POSTPROCESSOR].text.size != 0)
        FH_TRY(fh_postprocessor_read(p->allocator, f->members[POSTPROCESSOR].text, f->members[POSTPROCESSOR].offset_bytes,
                                     &p->postprocessor, err));
    if (f->members[DECODER].text.size != 0)
        FH_TRY(fh_decoder_read(p->allocator, f->members[DECODER].text, f->members[DECODER].offset_bytes, &p->decoder, err));
    if (stored != NULL)
        FH_TRY(restore_added(&p->added, stored, p->model, p->normalizer, err));
    else if (f->members[ADDED].text.size != 0)
        FH_TRY(fh_added_read(&p->added, f->members[ADDED].text, f->members[ADDED].offset_bytes, p->model, p->normalizer, err));
    bool unigram = fh_token_model_kind(p->model) == FH_MODEL_UNIGRAM;
    p->unknown = unigram ? fh_token_model_unknown(p->model) : FH_NO_TOKEN;
    p->id_end = fh_added_id_end(&p->added, p->model);
    p->bos = fh_postprocessor_edge(p->postprocessor, false);
    p->eos = fh_postprocessor_edge(p->postprocessor, true);
    p->tracks = fh_pretokenizer_needs_origins(p->pretokenizer, p->normalizer != NULL);
    return fill_blanks(p);
}

/* A pipeline without parts, or NULL without memory. */
static fh_owned_or_null fh_pipeline *blank(fh_ref fh_allocator *a) fh_view(1) {
    fh_pipeline *p = fh_alloc(a, 1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->allocator = a;
    fh_added_init(&p->added, a);
    fh_buf_init(&p->pad_token, a, 0);
    return p;
}

fh_status fh_pipeline_blank(fh_allocator *a, fh_pipeline **out, fh_err *err) {
    fh_pipeline *p = blank(a);
    *out = NULL;
    if (p == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "out of memory for a tokenizer");
    *out = p;
    return FH_DONE;
}

/* From a file, or with `stored` from what lies beside its options in a file to keep. */
static fh_status load(fh_ref fh_allocator *a, fh_span json, fh_ref fh_or_null const fh_stored *stored,
                      fh_bytes keep, fh_owned fh_view(1, *3, *4) fh_pipeline **out, fh_err *err) {
    *out = NULL;
    if (json.size > JSON_BYTES_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "tokenizer.json has %zu bytes, at most %d are read", json.size,
                       JSON_BYTES_MAX);
    fh_pipeline *p = blank(a);
    if (p == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "out of memory for a tokenizer");
    file f;
    fh_status s = find_members(p, json, stored, &f, err);
    if (s.code == FH_OK)
        s = read_parts(p, &f, stored, err);
    if (!fh_failed(s))
        fh_pipeline_choose_roads(p);
    if (fh_failed(s)) {
        fh_pipeline_free(p);
        return fh_fail(err, s.code, FH_NO_OFFSET, "tokenizer.json: %s", fh_code_text(s.code));
    }
    p->file = fh_bytes_share(keep);
    *out = p;
    return s;
}

fh_status fh_pipeline_new(fh_allocator *a, fh_span json, fh_pipeline **out, fh_err *err) {
    return load(a, json, NULL, (fh_bytes){NULL, {NULL, 0}}, out, err);
}

fh_status fh_pipeline_open(fh_allocator *a, fh_bytes cache, fh_pipeline **out, fh_err *err) {
    fh_stored stored;
    *out = NULL;
    FH_TRY(fh_stored_open(cache.span, &stored, err));
    return load(a, stored.options, &stored, cache, out, err);
}

void fh_pipeline_free(fh_pipeline *p) {
    if (p == NULL)
        return;
    fh_normalizer_free(p->normalizer);
    fh_pretokenizer_free(p->pretokenizer);
    fh_postprocessor_free(p->postprocessor);
    fh_decoder_free(p->decoder);
    fh_token_model_free(p->model);
    fh_added_deinit(&p->added);
    fh_buf_deinit(&p->pad_token);
    fh_u32s_free(p->allocator, &p->blanks);
    fh_bytes_drop(&p->file);
    fh_free(p->allocator, p);
}

/* --- writing ---------------------------------------------------------------------------------------------------------- */

static fh_status put_word(fh_json_writer *w, const char *key, const char *word) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_text(w, fh_span_of_str(word));
}

static fh_status put_number(fh_json_writer *w, const char *key, uint64_t v) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_u64(w, v);
}

static fh_status write_truncation(const fh_truncation *t, fh_json_writer *w) {
    static const char *const strategies[] = {"LongestFirst", "OnlyFirst", "OnlySecond"};
    if (!t->on)
        return fh_json_put_null(w);
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_word(w, "direction", t->left ? "Left" : "Right"));
    FH_TRY(put_number(w, "max_length", t->max_length));
    FH_TRY(put_word(w, "strategy", strategies[(unsigned)t->strategy % 3]));
    FH_TRY(put_number(w, "stride", t->stride));
    return fh_json_close(w, true);
}

static fh_status write_padding(const fh_pipeline *p, fh_json_writer *w) {
    const fh_padding *pad = &p->padding;
    if (!pad->on)
        return fh_json_put_null(w);
    FH_TRY(fh_json_open(w, true));
    if (pad->fixed) {
        FH_TRY(fh_json_key(w, "strategy"));
        FH_TRY(fh_json_open(w, true));
        FH_TRY(put_number(w, "Fixed", pad->length));
        FH_TRY(fh_json_close(w, true));
    } else {
        FH_TRY(put_word(w, "strategy", "BatchLongest"));
    }
    FH_TRY(put_word(w, "direction", pad->left ? "Left" : "Right"));
    FH_TRY(fh_json_key(w, "pad_to_multiple_of"));
    FH_TRY(pad->multiple_of != 0 ? fh_json_put_u64(w, pad->multiple_of) : fh_json_put_null(w));
    FH_TRY(put_number(w, "pad_id", pad->id));
    FH_TRY(put_number(w, "pad_type_id", pad->type));
    FH_TRY(fh_json_key(w, "pad_token"));
    FH_TRY(fh_json_put_text(w, fh_buf_view(&p->pad_token)));
    return fh_json_close(w, true);
}

static fh_status write_member(const fh_pipeline *p, size_t member, fh_json_writer *w) {
    switch (member) {
    case TRUNCATION: return write_truncation(&p->truncation, w);
    case PADDING: return write_padding(p, w);
    case ADDED: return fh_added_write(&p->added, w);
    case NORMALIZER: return fh_normalizer_write(p->normalizer, w);
    case PRETOKENIZER: return fh_pretokenizer_write(p->pretokenizer, w);
    case POSTPROCESSOR: return p->postprocessor != NULL ? fh_postprocessor_write(p->postprocessor, w) : fh_json_put_null(w);
    case DECODER: return p->decoder != NULL ? fh_decoder_write(p->decoder, w) : fh_json_put_null(w);
    case MODEL: return fh_token_model_write(p->model, w);
    default: return fh_json_put_text(w, FH_LIT("1.0"));
    }
}

fh_status fh_pipeline_write_member(const fh_pipeline *p, fh_span name, fh_json_writer *w) {
    for (size_t i = 0; i < MEMBER_COUNT; i++)
        if (fh_span_is(name, names[i]))
            return write_member(p, i, w);
    return FH_STATUS(FH_NOT_FOUND);
}

fh_status fh_pipeline_write(const fh_pipeline *p, fh_json_writer *w) {
    FH_TRY(fh_json_open(w, true));
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        FH_TRY(fh_json_key(w, names[i]));
        FH_TRY(write_member(p, i, w));
    }
    return fh_json_close(w, true);
}

fh_status fh_pipeline_write_options(const fh_pipeline *p, fh_json_writer *w) {
    FH_TRY(fh_json_open(w, true));
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        if (i == ADDED)
            continue;
        FH_TRY(fh_json_key(w, names[i]));
        FH_TRY(i == MODEL ? fh_token_model_write_options(p->model, w) : write_member(p, i, w));
    }
    return fh_json_close(w, true);
}
