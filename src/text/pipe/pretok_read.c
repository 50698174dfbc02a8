/* pretok_read.c: a pre-tokenizer from its JSON, and back.
 *
 * One walk serves both: a component is taken apart into a `part`, which either becomes a step or is written in the reference's
 * form, with all its fields in their order. What is written is read from the text that it was made of, which is kept.
 * Threading: see pretokenizer.h. */
#include "freehold/json_object.h"
#include "freehold/utf8.h"
#include "text/pipe/pretok_steps.h"

typedef enum part_type {
    PART_BERT, PART_BYTE_LEVEL, PART_DELIMITER, PART_DIGITS, PART_FIXED, PART_METASPACE, PART_PUNCTUATION, PART_SEQUENCE,
    PART_SPLIT, PART_SCRIPTS, PART_WHITESPACE, PART_WHITESPACE_SPLIT, PART_TYPES
} part_type;

static fh_static const char *type_name(part_type t) {
    static const char *const names[PART_TYPES] = {"BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits",
        "FixedLength", "Metaspace", "Punctuation", "Sequence", "Split", "UnicodeScripts", "Whitespace", "WhitespaceSplit"};
    return t < PART_TYPES ? names[t] : "";
}

static fh_static const char *behavior_name(fh_behavior b) {
    static const char *const names[FH_BEHAVIOR_COUNT] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext",
                                                         "Contiguous"};
    return b < FH_BEHAVIOR_COUNT ? names[b] : "";
}

static fh_static const char *scheme_name(fh_scheme s) {
    static const char *const names[FH_SCHEME_COUNT] = {"first", "never", "always"};
    return s < FH_SCHEME_COUNT ? names[s] : "";
}

/* A component with all its fields: `text` is the delimiter, the mark or the pattern. */
typedef struct part {
    part_type type;
    bool add_prefix_space, trim_offsets, use_regex, individual, split, invert, literal;
    fh_behavior behavior;
    fh_scheme scheme;
    uint64_t length;
    size_t text_at; /* where the pattern is, for reports */
    fh_owned fh_buf text;
} part;

/* --- reading one component's fields ------------------------------------------------------------------------------------- */

static fh_status expected(const fh_json_member *m, const char *what, fh_err *err) {
    return fh_fail(err, FH_CORRUPT, m->offset_bytes, "pre-tokenizer, byte %zu: expected %s, found %.*s", m->offset_bytes, what,
                   FH_SPAN_FMT(m->text));
}

static fh_status need_bool(const fh_json_object *o, const char *key, fh_out bool *out, fh_err *err) {
    *out = false;
    fh_json_member m;
    FH_TRY(fh_json_object_need(o, key, &m, err));
    if (m.first.kind != FH_JSON_TRUE && m.first.kind != FH_JSON_FALSE)
        return expected(&m, "true or false", err);
    *out = m.first.kind == FH_JSON_TRUE;
    return FH_DONE;
}

static fh_status read_type(const fh_json_object *o, fh_out part_type *out, fh_err *err) {
    *out = PART_TYPES;
    fh_json_member m;
    FH_TRY(fh_json_object_need(o, "type", &m, err));
    for (part_type t = PART_BERT; m.first.kind == FH_JSON_STRING && t < PART_TYPES; t++)
        if (fh_span_is(m.first.raw, type_name(t)))
            *out = t;
    if (*out != PART_TYPES)
        return FH_DONE;
    if (m.first.kind != FH_JSON_STRING)
        return expected(&m, "the name of a type", err);
    return fh_fail(err, FH_UNSUPPORTED, m.offset_bytes, "pre-tokenizer, byte %zu: no type \"%.*s\"", m.offset_bytes,
                   FH_SPAN_FMT(m.first.raw));
}

static fh_status read_behavior(const fh_json_member *m, fh_out fh_behavior *out, fh_err *err) {
    *out = FH_BEHAVIOR_COUNT;
    for (fh_behavior b = FH_BEHAVIOR_REMOVED; m->first.kind == FH_JSON_STRING && b < FH_BEHAVIOR_COUNT; b++)
        if (fh_span_is(m->first.raw, behavior_name(b)))
            *out = b;
    return *out != FH_BEHAVIOR_COUNT
               ? FH_DONE
               : expected(m, "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous", err);
}

/* A string of one character. */
static fh_status read_character(const fh_json_object *o, const char *key, fh_buf *out, fh_err *err) {
    fh_json_member m;
    FH_TRY(fh_json_object_need(o, key, &m, err));
    if (m.first.kind != FH_JSON_STRING)
        return expected(&m, "one character", err);
    FH_TRY(fh_json_text(m.first, out, err));
    fh_span text = fh_buf_view(out);
    return text.size != 0 && fh_utf8_next(text, 0).size == text.size ? FH_DONE : expected(&m, "one character", err);
}

static fh_status read_metaspace(const fh_json_object *o, part *p, fh_err *err) {
    FH_TRY(read_character(o, "replacement", &p->text, err));
    FH_TRY(fh_json_object_bool(o, "split", true, &p->split, err));
    p->scheme = FH_SCHEME_ALWAYS;
    const fh_json_member *m = fh_json_object_find(o, "prepend_scheme");
    if (m != NULL) {
        p->scheme = FH_SCHEME_COUNT;
        for (fh_scheme s = FH_SCHEME_FIRST; m->first.kind == FH_JSON_STRING && s < FH_SCHEME_COUNT; s++)
            if (fh_span_is(m->first.raw, scheme_name(s)))
                p->scheme = s;
        if (p->scheme == FH_SCHEME_COUNT)
            return expected(m, "first, never or always", err);
    }
    bool prefix; /* the field of older files */
    FH_TRY(fh_json_object_bool(o, "add_prefix_space", true, &prefix, err));
    if (!prefix && p->scheme != FH_SCHEME_NEVER)
        return fh_fail(err, FH_CORRUPT, o->offset_bytes,
                       "pre-tokenizer, byte %zu: \"add_prefix_space\" is false, with which only \"never\" agrees",
                       o->offset_bytes);
    return FH_DONE;
}

static fh_status read_split(const fh_json_object *o, part *p, fh_err *err) {
    fh_json_member m;
    FH_TRY(fh_json_object_need(o, "behavior", &m, err));
    FH_TRY(read_behavior(&m, &p->behavior, err));
    FH_TRY(need_bool(o, "invert", &p->invert, err));
    FH_TRY(fh_json_object_need(o, "pattern", &m, err));
    fh_json_object pattern;
    FH_TRY(fh_json_object_read(m.text, m.offset_bytes, &pattern, err));
    p->literal = fh_json_object_find(&pattern, "String") != NULL;
    const fh_json_member *text = fh_json_object_find(&pattern, p->literal ? "String" : "Regex");
    if (pattern.count != 1 || text == NULL || text->first.kind != FH_JSON_STRING)
        return expected(&m, "{\"String\": text} or {\"Regex\": expression}", err);
    p->text_at = text->offset_bytes;
    return fh_json_text(text->first, &p->text, err);
}

static fh_status read_fields(const fh_json_object *o, part *p, fh_err *err) {
    const fh_json_member *m = NULL;
    switch (p->type) {
    case PART_BYTE_LEVEL:
        FH_TRY(need_bool(o, "add_prefix_space", &p->add_prefix_space, err));
        FH_TRY(need_bool(o, "trim_offsets", &p->trim_offsets, err));
        return fh_json_object_bool(o, "use_regex", true, &p->use_regex, err);
    case PART_DELIMITER: return read_character(o, "delimiter", &p->text, err);
    case PART_DIGITS: return need_bool(o, "individual_digits", &p->individual, err);
    case PART_FIXED:
        FH_TRY(fh_json_object_u64(o, "length", 5, &p->length, err));
        return p->length != 0 ? FH_DONE
                              : fh_fail(err, FH_INVALID, o->offset_bytes,
                                        "pre-tokenizer, byte %zu: \"length\" is 0, expected 1 or more", o->offset_bytes);
    case PART_METASPACE: return read_metaspace(o, p, err);
    case PART_PUNCTUATION:
        m = fh_json_object_find(o, "behavior");
        p->behavior = FH_BEHAVIOR_ISOLATED;
        return m != NULL ? read_behavior(m, &p->behavior, err) : FH_DONE;
    case PART_SPLIT: return read_split(o, p, err);
    case PART_BERT:
    case PART_SEQUENCE:
    case PART_SCRIPTS:
    case PART_WHITESPACE:
    case PART_WHITESPACE_SPLIT:
    case PART_TYPES: break;
    }
    return FH_DONE;
}

/* --- a component as a step ---------------------------------------------------------------------------------------------- */

/* The expression or text of a step. What its compiler says is given the place of the pattern in the file. */
static fh_status compile(fh_allocator *a, const part *p, fh_owned fh_regex **out, fh_err *err) {
    if (p->literal || p->type == PART_DELIMITER)
        return fh_regex_literal(a, fh_buf_view(&p->text), out, err);
    fh_err inner;
    fh_err_clear(&inner);
    fh_regex *re = NULL;
    fh_status s = fh_regex_new(a, fh_buf_view(&p->text), &re, &inner);
    if (fh_failed(s))
        return s.code == FH_NOMEM
                   ? s
                   : fh_fail(err, s.code, p->text_at, "pre-tokenizer, byte %zu: %s", p->text_at, inner.message);
    *out = re;
    return FH_DONE;
}

/* The scanner whose stretches are the pieces of a Split. */
static fh_scan scan_of(const part *p) {
    fh_scan scan = p->literal ? FH_SCAN_NONE : fh_scan_of(fh_buf_view(&p->text));
    bool each = p->behavior == (p->invert ? FH_BEHAVIOR_REMOVED : FH_BEHAVIOR_ISOLATED);
    return each && (!p->invert || fh_scan_covers(scan)) ? scan : FH_SCAN_NONE;
}

/* All of a step but its expression. */
static fh_step step_of(const part *p) {
    static const fh_kind punct[FH_BEHAVIOR_COUNT] = {[FH_BEHAVIOR_REMOVED] = FH_KIND_DROP,
                                                     [FH_BEHAVIOR_ISOLATED] = FH_KIND_ALONE,
                                                     [FH_BEHAVIOR_PREVIOUS] = FH_KIND_ALONE,
                                                     [FH_BEHAVIOR_NEXT] = FH_KIND_ALONE,
                                                     [FH_BEHAVIOR_CONTIGUOUS] = FH_KIND_RUN};
    fh_step out = {.kind = FH_STEP_KINDS, .behavior = p->behavior, .invert = p->invert, .length = p->length};
    switch (p->type) {
    case PART_BERT: out.kinds = (fh_kinds){.space = FH_KIND_DROP, .punct = FH_KIND_ALONE}; break;
    case PART_WHITESPACE: out.kinds = (fh_kinds){.space = FH_KIND_DROP, .word = FH_KIND_RUN}; break;
    case PART_WHITESPACE_SPLIT: out.kinds = (fh_kinds){.space = FH_KIND_DROP}; break;
    case PART_DIGITS: out.kinds = (fh_kinds){.number = p->individual ? FH_KIND_ALONE : FH_KIND_RUN}; break;
    case PART_PUNCTUATION:
        out.kinds = (fh_kinds){.punct = punct[p->behavior]};
        if (p->behavior == FH_BEHAVIOR_PREVIOUS || p->behavior == FH_BEHAVIOR_NEXT)
            out.kind = FH_STEP_PUNCT;
        break;
    case PART_BYTE_LEVEL:
        out.kind = FH_STEP_BYTE_LEVEL;
        out.prefix = p->add_prefix_space;
        out.cuts = p->use_regex;
        break;
    case PART_METASPACE:
        out.kind = FH_STEP_METASPACE;
        out.mark = fh_utf8_next(fh_buf_view(&p->text), 0).code;
        out.scheme = p->scheme;
        out.cuts = p->split;
        break;
    case PART_FIXED: out.kind = FH_STEP_FIXED; break;
    case PART_SCRIPTS: out.kind = FH_STEP_SCRIPTS; break;
    case PART_DELIMITER:
        out.kind = FH_STEP_SPLIT;
        out.behavior = FH_BEHAVIOR_REMOVED;
        break;
    case PART_SPLIT:
        out.scan = scan_of(p);
        out.kind = out.scan != FH_SCAN_NONE ? FH_STEP_SCAN : FH_STEP_SPLIT;
        break;
    case PART_SEQUENCE:
    case PART_TYPES: break;
    }
    return out;
}

static fh_status add_step(fh_pretokenizer *pt, const part *p, fh_err *err) {
    if (pt->count == FH_PRETOKENIZER_STEPS_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "a pre-tokenizer of more than %d steps", FH_PRETOKENIZER_STEPS_MAX);
    fh_step *step = fh_alloc(pt->allocator, 1, sizeof *step);
    if (step == NULL)
        return FH_STATUS(FH_NOMEM);
    *step = step_of(p);
    if (step->kind == FH_STEP_SPLIT) {
        fh_regex *re = NULL;
        fh_status s = compile(pt->allocator, p, &re, err);
        if (fh_failed(s)) {
            fh_free(pt->allocator, step);
            return s;
        }
        step->regex = re;
    }
    step->before = pt->last;
    pt->last = step;
    pt->count++;
    return FH_DONE;
}

/* --- a component as text ------------------------------------------------------------------------------------------------ */

static fh_status put_text(fh_json_writer *w, const char *key, fh_span text) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_text(w, text);
}

static fh_status put_bool(fh_json_writer *w, const char *key, bool v) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_bool(w, v);
}

static fh_status write_fields(const part *p, fh_json_writer *w) {
    switch (p->type) {
    case PART_BYTE_LEVEL:
        FH_TRY(put_bool(w, "add_prefix_space", p->add_prefix_space));
        FH_TRY(put_bool(w, "trim_offsets", p->trim_offsets));
        return put_bool(w, "use_regex", p->use_regex);
    case PART_DELIMITER: return put_text(w, "delimiter", fh_buf_view(&p->text));
    case PART_DIGITS: return put_bool(w, "individual_digits", p->individual);
    case PART_FIXED: FH_TRY(fh_json_key(w, "length")); return fh_json_put_u64(w, p->length);
    case PART_METASPACE:
        FH_TRY(put_text(w, "replacement", fh_buf_view(&p->text)));
        FH_TRY(put_text(w, "prepend_scheme", fh_span_of_str(scheme_name(p->scheme))));
        return put_bool(w, "split", p->split);
    case PART_PUNCTUATION: return put_text(w, "behavior", fh_span_of_str(behavior_name(p->behavior)));
    case PART_SPLIT:
        FH_TRY(fh_json_key(w, "pattern"));
        FH_TRY(fh_json_open(w, true));
        FH_TRY(put_text(w, p->literal ? "String" : "Regex", fh_buf_view(&p->text)));
        FH_TRY(fh_json_close(w, true));
        FH_TRY(put_text(w, "behavior", fh_span_of_str(behavior_name(p->behavior))));
        return put_bool(w, "invert", p->invert);
    case PART_BERT:
    case PART_SEQUENCE:
    case PART_SCRIPTS:
    case PART_WHITESPACE:
    case PART_WHITESPACE_SPLIT:
    case PART_TYPES: break;
    }
    return FH_DONE;
}

/* --- the walk ----------------------------------------------------------------------------------------------------------- */

/* Where a walk puts what it finds: steps of pt, or text. */
typedef struct sink {
    fh_or_null fh_pretokenizer *pt;
    fh_or_null fh_json_writer *w;
    fh_ref fh_allocator *allocator;
} sink;

static fh_status walk(sink *to, fh_span text, size_t offset_bytes, unsigned depth, fh_err *err);

static fh_status walk_sequence(sink *to, const fh_json_object *o, unsigned depth, fh_err *err) {
    fh_json_member list, m;
    fh_json_each each;
    FH_TRY(fh_json_object_need(o, "pretokenizers", &list, err));
    FH_TRY(fh_json_each_init(&each, list.text, list.offset_bytes, FH_JSON_ARRAY, err));
    if (depth == FH_PRETOKENIZER_DEPTH_MAX)
        return fh_fail(err, FH_LIMIT, o->offset_bytes, "pre-tokenizer, byte %zu: sequences nested deeper than %d",
                       o->offset_bytes, FH_PRETOKENIZER_DEPTH_MAX);
    if (to->w != NULL) {
        FH_TRY(fh_json_key(to->w, "pretokenizers"));
        FH_TRY(fh_json_open(to->w, false));
    }
    for (bool more = true;;) {
        FH_TRY(fh_json_each_next(&each, &m, &more, err));
        if (!more)
            return to->w != NULL ? fh_json_close(to->w, false) : FH_DONE;
        FH_TRY(walk(to, m.text, m.offset_bytes, depth + 1, err));
    }
}

static fh_status walk_part(sink *to, const fh_json_object *o, part *p, unsigned depth, fh_err *err) {
    FH_TRY(read_fields(o, p, err));
    if (to->w != NULL) {
        FH_TRY(fh_json_open(to->w, true));
        FH_TRY(put_text(to->w, "type", fh_span_of_str(type_name(p->type))));
        FH_TRY(write_fields(p, to->w));
    }
    if (p->type == PART_SEQUENCE)
        FH_TRY(walk_sequence(to, o, depth, err));
    else if (to->pt != NULL)
        FH_TRY(add_step(to->pt, p, err));
    return to->w != NULL ? fh_json_close(to->w, true) : FH_DONE;
}

static fh_status walk(sink *to, fh_span text, size_t offset_bytes, unsigned depth, fh_err *err) {
    fh_json_object o;
    part p = {.type = PART_TYPES};
    FH_TRY(fh_json_object_read(text, offset_bytes, &o, err));
    FH_TRY(read_type(&o, &p.type, err));
    fh_buf_init(&p.text, to->allocator, 0);
    fh_status s = walk_part(to, &o, &p, depth, err);
    fh_buf_deinit(&p.text);
    return s;
}

static fh_status fill(fh_pretokenizer *pt, fh_span text, size_t offset_bytes, fh_err *err) {
    FH_TRY(fh_buf_put(&pt->json, text));
    sink to = {.pt = pt, .allocator = pt->allocator};
    return walk(&to, text, offset_bytes, 0, err);
}

fh_status fh_pretokenizer_read(fh_allocator *a, fh_span json_text, size_t offset_bytes, fh_pretokenizer **out, fh_err *err) {
    *out = NULL;
    if (fh_span_is(json_text, "null"))
        return FH_DONE;
    fh_pretokenizer *pt = fh_alloc(a, 1, sizeof *pt);
    if (pt == NULL)
        return FH_STATUS(FH_NOMEM);
    pt->allocator = a;
    fh_buf_init(&pt->json, a, 0);
    fh_status s = fill(pt, json_text, offset_bytes, err);
    if (fh_failed(s)) {
        fh_pretokenizer_free(pt);
        return s;
    }
    *out = pt;
    return FH_DONE;
}

static void end_steps(fh_allocator *a, fh_drop fh_step *step) {
    if (step == NULL)
        return;
    end_steps(a, step->before);
    fh_regex_free(step->regex);
    fh_free(a, step);
}

void fh_pretokenizer_free(fh_pretokenizer *pt) {
    if (pt == NULL)
        return;
    end_steps(pt->allocator, pt->last);
    fh_buf_deinit(&pt->json);
    fh_free(pt->allocator, pt);
}

fh_status fh_pretokenizer_write(const fh_pretokenizer *pt, fh_json_writer *w) {
    if (pt == NULL)
        return fh_json_put_null(w);
    sink to = {.w = w, .allocator = pt->allocator};
    return walk(&to, fh_buf_view(&pt->json), 0, 0, NULL);
}
