/* normalizer.c: see normalizer.h.
 *
 * A normalizer is a tree: a sequence owns its first part, each part the one after it. The walks themselves are in
 * normal_rules.c and charsmap.c.
 *
 * Invariants: `pattern` is there exactly for Replace; depth and number are bounded by what was read.
 * Threading: immutable after it was read. */
#include "text/pipe/normalizer.h"

#include "freehold/json_object.h"
#include "text/pipe/charsmap.h"
#include "text/pipe/normal_rules.h"
#include "text/pipe/spm_rule.h"

enum { DEPTH_MAX = 16, COUNT_MAX = 256 };

typedef enum rule {
    RULE_BERT, RULE_STRIP, RULE_STRIP_ACCENTS, RULE_NFC, RULE_NFD, RULE_NFKC, RULE_NFKD, RULE_SEQUENCE, RULE_LOWERCASE,
    RULE_NMT, RULE_PRECOMPILED, RULE_REPLACE, RULE_PREPEND, RULE_BYTE_LEVEL, RULE_SENTENCEPIECE /* in no JSON */
} rule;
static const char *const names[] = {"BertNormalizer", "Strip", "StripAccents", "NFC", "NFD", "NFKC", "NFKD", "Sequence",
                                    "Lowercase", "Nmt", "Precompiled", "Replace", "Prepend", "ByteLevel"};

/* A yes or no that may be left open. */
typedef enum choice { CHOICE_OPEN, CHOICE_NO, CHOICE_YES } choice;

struct fh_normalizer {
    fh_ref fh_allocator *allocator;
    rule rule;
    bool clean, chinese, lower, left, right;
    bool left_alone;                           /* BertNormalizer: Chinese characters are set apart later */
    choice accents;
    fh_owned fh_buf content;                   /* Replace, Prepend */
    fh_owned_or_null fh_regex *pattern;        /* Replace */
    fh_owned fh_charsmap map;                  /* Precompiled */
    fh_owned fh_spm_rule spm;                  /* SentencePiece's own */
    fh_owned_or_null fh_normalizer *first;     /* Sequence */
    fh_owned_or_null fh_normalizer *next;      /* in the sequence that this one is a part of */
};

/* What the reading of one normalizer shares with that of its parts. */
typedef struct reader {
    fh_ref fh_allocator *allocator;
    fh_err *err;
    size_t depth, count;
} reader;

static fh_status read_one(fh_mut reader *r, fh_span text, size_t offset_bytes, fh_owned fh_normalizer **out);

/* --- reading ------------------------------------------------------------------------------------------------------------ */

static fh_status read_flag(reader *r, const fh_json_object *o, const char *key, fh_out bool *out) {
    fh_json_member m;
    FH_TRY(fh_json_object_need(o, key, &m, r->err));
    return fh_json_object_bool(o, key, false, out, r->err);
}

static fh_status read_bert(reader *r, const fh_json_object *o, fh_mut fh_view(1) fh_normalizer *nz) {
    bool accents = false;
    FH_TRY(read_flag(r, o, "clean_text", &nz->clean));
    FH_TRY(read_flag(r, o, "handle_chinese_chars", &nz->chinese));
    FH_TRY(read_flag(r, o, "lowercase", &nz->lower));
    FH_TRY(fh_json_object_bool(o, "strip_accents", false, &accents, r->err));
    nz->accents = fh_json_object_is_null(o, "strip_accents") ? CHOICE_OPEN : accents ? CHOICE_YES : CHOICE_NO;
    return FH_DONE;
}

/* A string that has to be there, appended to `out`. */
static fh_status read_text(reader *r, const fh_json_object *o, const char *key, fh_mut fh_buf *out) {
    bool found = false;
    FH_TRY(fh_json_object_text(o, key, out, &found, r->err));
    return found ? FH_DONE
                 : fh_fail(r->err, FH_CORRUPT, o->offset_bytes, "a normalizer has no \"%s\", expected a string", key);
}

static fh_status make_pattern(reader *r, bool literal, fh_span text, fh_mut fh_view(1) fh_normalizer *nz) {
    fh_regex *pattern = NULL;
    if (literal)
        FH_TRY(fh_regex_literal(r->allocator, text, &pattern, r->err));
    else
        FH_TRY(fh_regex_new(r->allocator, text, &pattern, r->err));
    nz->pattern = pattern;
    return FH_DONE;
}

/* {"String": "…"} or {"Regex": "…"} */
static fh_status read_pattern(reader *r, const fh_json_object *o, fh_mut fh_view(1) fh_normalizer *nz) {
    fh_json_member m;
    FH_TRY(fh_json_object_need(o, "pattern", &m, r->err));
    fh_json_object inner;
    FH_TRY(fh_json_object_read(m.text, m.offset_bytes, &inner, r->err));
    const char *kind = fh_json_object_find(&inner, "String") != NULL ? "String" : "Regex";
    if (inner.count != 1)
        return fh_fail(r->err, FH_CORRUPT, m.offset_bytes, "pattern has %zu members, expected \"String\" or \"Regex\"",
                       inner.count);
    fh_buf text;
    fh_buf_init(&text, r->allocator, 0);
    fh_status s = read_text(r, &inner, kind, &text);
    if (!fh_failed(s))
        s = make_pattern(r, fh_span_is(fh_span_of_str(kind), "String"), fh_buf_view(&text), nz);
    fh_buf_deinit(&text);
    return s;
}

static fh_status read_charsmap(reader *r, const fh_json_object *o, fh_mut fh_view(1) fh_normalizer *nz) {
    fh_json_member m;
    FH_TRY(fh_json_object_need(o, "precompiled_charsmap", &m, r->err));
    fh_buf text;
    fh_buf_init(&text, r->allocator, 0);
    fh_charsmap map = {.units = 0};
    fh_status s = read_text(r, o, "precompiled_charsmap", &text);
    if (!fh_failed(s))
        s = fh_charsmap_read(r->allocator, fh_buf_view(&text), m.offset_bytes, &map, r->err);
    fh_buf_deinit(&text);
    if (fh_failed(s))
        return s;
    nz->map = map;
    return FH_DONE;
}

/* The rest of a list, each part owning the one after it. */
static fh_status read_parts(reader *r, fh_mut fh_json_each *each, fh_owned_or_null fh_normalizer **out) {
    *out = NULL;
    fh_json_member m;
    bool more = false;
    FH_TRY(fh_json_each_next(each, &m, &more, r->err));
    if (!more)
        return FH_DONE;
    fh_normalizer *part = NULL, *rest = NULL;
    FH_TRY(read_one(r, m.text, m.offset_bytes, &part));
    fh_status s = read_parts(r, each, &rest);
    if (fh_failed(s)) {
        fh_normalizer_free(rest);
        fh_normalizer_free(part);
        return s;
    }
    part->next = rest;
    *out = part;
    return FH_DONE;
}

static fh_status read_sequence(reader *r, const fh_json_object *o, fh_mut fh_view(1) fh_normalizer *nz) {
    fh_json_member m;
    FH_TRY(fh_json_object_need(o, "normalizers", &m, r->err));
    if (r->depth == DEPTH_MAX)
        return fh_fail(r->err, FH_LIMIT, m.offset_bytes, "normalizers are nested more than %d deep", DEPTH_MAX);
    fh_json_each each;
    FH_TRY(fh_json_each_init(&each, m.text, m.offset_bytes, FH_JSON_ARRAY, r->err));
    r->depth++;
    fh_normalizer *first = NULL;
    fh_status s = read_parts(r, &each, &first);
    r->depth--;
    if (fh_failed(s)) {
        fh_normalizer_free(first);
        return s;
    }
    nz->first = first;
    return FH_DONE;
}

/* Which one an object is: by its "type", or, as in files of old, by what it has. */
static fh_status find_rule(reader *r, const fh_json_object *o, fh_out rule *out) {
    static const struct {
        const char *key;
        rule rule;
    } old[] = {{"clean_text", RULE_BERT},   {"strip_left", RULE_STRIP}, {"normalizers", RULE_SEQUENCE},
               {"precompiled_charsmap", RULE_PRECOMPILED}, {"pattern", RULE_REPLACE}, {"prepend", RULE_PREPEND}};
    *out = RULE_BERT;
    if (fh_json_object_is(o, "type", "Bert"))
        return FH_DONE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (fh_json_object_is(o, "type", names[i])) {
            *out = (rule)i;
            return FH_DONE;
        }
    }
    const fh_json_member *type = fh_json_object_find(o, "type");
    if (type != NULL)
        return fh_fail(r->err, FH_UNSUPPORTED, type->offset_bytes, "there is no normalizer of type %.*s",
                       FH_SPAN_FMT(type->text));
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        if (fh_json_object_find(o, old[i].key) != NULL) {
            *out = old[i].rule;
            return FH_DONE;
        }
    }
    return fh_fail(r->err, FH_CORRUPT, o->offset_bytes, "a normalizer has no \"type\"");
}

static fh_status read_fields(reader *r, const fh_json_object *o, fh_mut fh_view(1) fh_normalizer *nz) {
    switch (nz->rule) {
    case RULE_BERT:
        return read_bert(r, o, nz);
    case RULE_STRIP:
        FH_TRY(read_flag(r, o, "strip_left", &nz->left));
        return read_flag(r, o, "strip_right", &nz->right);
    case RULE_SEQUENCE:
        return read_sequence(r, o, nz);
    case RULE_PRECOMPILED:
        return read_charsmap(r, o, nz);
    case RULE_REPLACE:
        FH_TRY(read_text(r, o, "content", &nz->content));
        return read_pattern(r, o, nz);
    case RULE_PREPEND:
        return read_text(r, o, "prepend", &nz->content);
    case RULE_STRIP_ACCENTS:
    case RULE_NFC:
    case RULE_NFD:
    case RULE_NFKC:
    case RULE_NFKD:
    case RULE_LOWERCASE:
    case RULE_NMT:
    case RULE_BYTE_LEVEL:
    case RULE_SENTENCEPIECE:
        return FH_DONE;
    }
    return FH_STATUS(FH_INVALID);
}

static fh_status read_one(reader *r, fh_span text, size_t offset_bytes, fh_normalizer **out) {
    *out = NULL;
    fh_json_object o;
    rule which = RULE_BERT;
    FH_TRY(fh_json_object_read(text, offset_bytes, &o, r->err));
    FH_TRY(find_rule(r, &o, &which));
    if (r->count++ == COUNT_MAX)
        return fh_fail(r->err, FH_LIMIT, offset_bytes, "there are more than %d normalizers", COUNT_MAX);
    fh_normalizer *nz = fh_alloc(r->allocator, 1, sizeof *nz);
    if (nz == NULL)
        return fh_fail(r->err, FH_NOMEM, offset_bytes, "out of memory for a normalizer");
    *nz = (fh_normalizer){.allocator = r->allocator, .rule = which};
    fh_buf_init(&nz->content, r->allocator, 0);
    fh_status s = read_fields(r, &o, nz);
    if (fh_failed(s)) {
        fh_normalizer_free(nz);
        return s;
    }
    *out = nz;
    return FH_DONE;
}

fh_status fh_normalizer_read(fh_allocator *a, fh_span json_text, size_t offset_bytes, fh_normalizer **out, fh_err *err) {
    reader r = {.allocator = a, .err = err};
    return read_one(&r, json_text, offset_bytes, out);
}

static fh_status fill_spm(fh_normalizer *nz, const fh_spm_normal *how, const fh_token_model *m, fh_u64s symbols,
                          fh_err *err) {
    fh_spm_rule *r = &nz->spm;
    if (how->charsmap.size != 0)
        FH_TRY(fh_charsmap_of_bytes(nz->allocator, how->charsmap, how->offset_bytes, &r->map, err));
    if (symbols.count != 0)
        FH_TRY(fh_byte_trie_build(nz->allocator, &m->spellings, symbols, &r->symbols, err));
    r->prefix = how->prefix;
    r->suffix = how->suffix;
    r->squeeze = how->squeeze;
    r->escape = how->escape;
    return FH_DONE;
}

fh_status fh_normalizer_of_spm(fh_allocator *a, const fh_spm_normal *how, const fh_token_model *m, fh_u64s symbols,
                               fh_normalizer **out, fh_err *err) {
    *out = NULL;
    fh_normalizer *nz = fh_alloc(a, 1, sizeof *nz);
    if (nz == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "out of memory for a normalizer");
    *nz = (fh_normalizer){.allocator = a, .rule = RULE_SENTENCEPIECE};
    fh_buf_init(&nz->content, a, 0);
    fh_buf_init(&nz->spm.map.bytes, a, 0);
    fh_status s = fill_spm(nz, how, m, symbols, err);
    if (fh_failed(s)) {
        fh_normalizer_free(nz);
        return s;
    }
    *out = nz;
    return FH_DONE;
}

void fh_normalizer_free(fh_normalizer *nz) {
    if (nz == NULL)
        return;
    fh_normalizer_free(nz->first);
    fh_normalizer_free(nz->next);
    fh_regex_free(nz->pattern);
    fh_charsmap_deinit(&nz->map);
    fh_charsmap_deinit(&nz->spm.map);
    fh_byte_trie_free(nz->allocator, &nz->spm.symbols);
    fh_buf_deinit(&nz->content);
    fh_free(nz->allocator, nz);
}

/* --- running ------------------------------------------------------------------------------------------------------------ */

/* The second walk of BertNormalizer. */
static fh_status finish_bert(const fh_normalizer *nz, fh_normalized *n) {
    bool accents = nz->accents == CHOICE_OPEN ? nz->lower : nz->accents == CHOICE_YES;
    if (!accents && !nz->lower)
        return FH_DONE;
    fh_edit_begin(&n->edit);
    FH_TRY(accents ? fh_rule_bert_accents(&n->now, &n->edit, &n->marks, nz->lower) : fh_rule_lower(&n->now, &n->edit));
    return fh_normalized_accept(n);
}

/* One walk of a rule that is no sequence. */
static fh_status walk(const fh_normalizer *nz, fh_normalized *n) {
    switch (nz->rule) {
    case RULE_BERT:
        return fh_rule_bert_clean(&n->now, &n->edit, nz->clean, nz->chinese && !nz->left_alone);
    case RULE_STRIP:
        return fh_rule_strip(&n->now, &n->edit, nz->left, nz->right);
    case RULE_STRIP_ACCENTS:
        return fh_rule_strip_accents(&n->now, &n->edit);
    case RULE_NFC:
        return fh_rule_form(&n->now, &n->edit, &n->marks, FH_FORM_NFC);
    case RULE_NFD:
        return fh_rule_form(&n->now, &n->edit, &n->marks, FH_FORM_NFD);
    case RULE_NFKC:
        return fh_rule_form(&n->now, &n->edit, &n->marks, FH_FORM_NFKC);
    case RULE_NFKD:
        return fh_rule_form(&n->now, &n->edit, &n->marks, FH_FORM_NFKD);
    case RULE_LOWERCASE:
        return fh_rule_lower(&n->now, &n->edit);
    case RULE_NMT:
        return fh_rule_nmt(&n->now, &n->edit);
    case RULE_PRECOMPILED:
        return fh_rule_precompiled(&n->now, &n->edit, &nz->map);
    case RULE_REPLACE:
        FH_ASSERT(nz->pattern != NULL);
        return fh_rule_replace(&n->now, &n->edit, &n->finder, nz->pattern, fh_buf_view(&nz->content));
    case RULE_PREPEND:
        return fh_rule_prepend(&n->now, &n->edit, fh_buf_view(&nz->content));
    case RULE_BYTE_LEVEL:
        return fh_rule_byte_level(&n->now, &n->edit);
    case RULE_SENTENCEPIECE:
        return fh_rule_sentencepiece(&n->now, &n->edit, &nz->spm);
    case RULE_SEQUENCE:
        break;
    }
    return FH_STATUS(FH_INVALID);
}

fh_status fh_normalizer_run(const fh_normalizer *nz, fh_normalized *n) {
    if (nz == NULL)
        return FH_DONE;
    if (nz->rule == RULE_SEQUENCE) {
        for (const fh_normalizer *part = nz->first; part != NULL; part = part->next)
            FH_TRY(fh_normalizer_run(part, n));
        return FH_DONE;
    }
    fh_edit_begin(&n->edit);
    FH_TRY(walk(nz, n));
    FH_TRY(fh_normalized_accept(n));
    return nz->rule == RULE_BERT ? finish_bert(nz, n) : FH_DONE;
}

bool fh_normalizer_keeps_ascii(const fh_normalizer *nz) {
    if (nz == NULL)
        return true;
    if (nz->rule == RULE_SEQUENCE) {
        for (const fh_normalizer *part = nz->first; part != NULL; part = part->next)
            if (!fh_normalizer_keeps_ascii(part))
                return false;
        return true;
    }
    return (nz->rule == RULE_BERT && !nz->clean && !nz->lower) || nz->rule == RULE_STRIP_ACCENTS ||
           (nz->rule >= RULE_NFC && nz->rule <= RULE_NFKD);
}

bool fh_normalizer_leave_chinese(fh_normalizer *nz) {
    if (nz == NULL || nz->rule != RULE_BERT || !nz->chinese)
        return false;
    nz->left_alone = true;
    return true;
}

static bool replaces_spaces(const fh_normalizer *nz) {
    return nz->rule == RULE_REPLACE && nz->pattern != NULL && fh_regex_is_literal(nz->pattern) &&
           fh_span_is(fh_regex_source(nz->pattern), " ") && fh_span_is(fh_buf_view(&nz->content), "\xe2\x96\x81");
}

bool fh_normalizer_marks_spaces(const fh_normalizer *nz, bool *prepends) {
    *prepends = false;
    if (nz != NULL && nz->rule == RULE_SEQUENCE)
        nz = nz->first;
    if (nz != NULL && nz->rule == RULE_PREPEND && fh_span_is(fh_buf_view(&nz->content), "\xe2\x96\x81")) {
        *prepends = true;
        nz = nz->next;
    }
    return nz != NULL && nz->next == NULL && replaces_spaces(nz);
}

/* --- writing ------------------------------------------------------------------------------------------------------------ */

static fh_status put_flag(fh_json_writer *w, const char *key, bool value) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_bool(w, value);
}

static fh_status put_text(fh_json_writer *w, const char *key, fh_span text) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_text(w, text);
}

static fh_status write_bert(const fh_normalizer *nz, fh_json_writer *w) {
    FH_TRY(put_flag(w, "clean_text", nz->clean));
    FH_TRY(put_flag(w, "handle_chinese_chars", nz->chinese));
    FH_TRY(fh_json_key(w, "strip_accents"));
    FH_TRY(nz->accents == CHOICE_OPEN ? fh_json_put_null(w) : fh_json_put_bool(w, nz->accents == CHOICE_YES));
    return put_flag(w, "lowercase", nz->lower);
}

static fh_status write_replace(const fh_normalizer *nz, fh_json_writer *w) {
    FH_ASSERT(nz->pattern != NULL);
    FH_TRY(fh_json_key(w, "pattern"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_text(w, fh_regex_is_literal(nz->pattern) ? "String" : "Regex", fh_regex_source(nz->pattern)));
    FH_TRY(fh_json_close(w, true));
    return put_text(w, "content", fh_buf_view(&nz->content));
}

static fh_status write_charsmap(const fh_normalizer *nz, const fh_charsmap *map, fh_json_writer *w) {
    fh_buf text;
    fh_buf_init(&text, nz->allocator, 0);
    fh_status s = fh_charsmap_write(map, &text);
    if (!fh_failed(s))
        s = put_text(w, "precompiled_charsmap", fh_buf_view(&text));
    fh_buf_deinit(&text);
    return s;
}

static fh_status write_parts(const fh_normalizer *nz, fh_json_writer *w) {
    FH_TRY(fh_json_key(w, "normalizers"));
    FH_TRY(fh_json_open(w, false));
    for (const fh_normalizer *part = nz->first; part != NULL; part = part->next)
        FH_TRY(fh_normalizer_write(part, w));
    return fh_json_close(w, false);
}

/* {"type": "Replace", …} */
static fh_status write_swap(const char *kind, fh_span pattern, fh_span content, fh_json_writer *w) {
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_text(w, "type", FH_LIT("Replace")));
    FH_TRY(fh_json_key(w, "pattern"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_text(w, kind, pattern));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(put_text(w, "content", content));
    return fh_json_close(w, true);
}

/* SentencePiece's rule as a sequence of those that the format has. They differ from it where a map has keys of several
 * characters (they look at clusters), and where tokens that stand for themselves have blanks. */
static fh_status write_spm(const fh_normalizer *nz, fh_json_writer *w) {
    const fh_spm_rule *r = &nz->spm;
    fh_span mark = r->escape ? FH_LIT("\xe2\x96\x81") : FH_LIT(" ");
    FH_TRY(put_text(w, "type", FH_LIT("Sequence")));
    FH_TRY(fh_json_key(w, "normalizers"));
    FH_TRY(fh_json_open(w, false));
    if (r->map.units != 0) {
        FH_TRY(fh_json_open(w, true));
        FH_TRY(put_text(w, "type", FH_LIT("Precompiled")));
        FH_TRY(write_charsmap(nz, &r->map, w));
        FH_TRY(fh_json_close(w, true));
    }
    bool behind = r->prefix && r->suffix; /* a mark comes behind a text that is more than blanks */
    if (r->squeeze) {
        /* What is taken off the end is written already: a mark in the text goes as a blank does. */
        fh_span end = r->escape ? FH_LIT("[ \xe2\x96\x81]+\\z|(?!\\A)\\z") : FH_LIT(" +\\z|(?!\\A)\\z");
        FH_TRY(write_swap("Regex", FH_LIT("\\A +"), FH_LIT(""), w));
        FH_TRY(write_swap("Regex", end, behind ? mark : FH_LIT(""), w));
        FH_TRY(write_swap("Regex", FH_LIT(" {2,}"), FH_LIT(" "), w));
    } else if (behind) {
        FH_TRY(write_swap("Regex", FH_LIT("(?!\\A)\\z"), mark, w));
    }
    if (r->prefix && !r->suffix) {
        FH_TRY(fh_json_open(w, true));
        FH_TRY(put_text(w, "type", FH_LIT("Prepend")));
        FH_TRY(put_text(w, "prepend", mark));
        FH_TRY(fh_json_close(w, true));
    }
    if (r->escape)
        FH_TRY(write_swap("String", FH_LIT(" "), mark, w));
    FH_TRY(fh_json_close(w, false));
    return fh_json_close(w, true);
}

fh_status fh_normalizer_write(const fh_normalizer *nz, fh_json_writer *w) {
    if (nz == NULL)
        return fh_json_put_null(w);
    FH_TRY(fh_json_open(w, true));
    if (nz->rule == RULE_SENTENCEPIECE)
        return write_spm(nz, w);
    FH_TRY(put_text(w, "type", fh_span_of_str(names[nz->rule])));
    if (nz->rule == RULE_BERT)
        FH_TRY(write_bert(nz, w));
    if (nz->rule == RULE_STRIP) {
        FH_TRY(put_flag(w, "strip_left", nz->left));
        FH_TRY(put_flag(w, "strip_right", nz->right));
    }
    if (nz->rule == RULE_SEQUENCE)
        FH_TRY(write_parts(nz, w));
    if (nz->rule == RULE_PRECOMPILED)
        FH_TRY(write_charsmap(nz, &nz->map, w));
    if (nz->rule == RULE_REPLACE)
        FH_TRY(write_replace(nz, w));
    if (nz->rule == RULE_PREPEND)
        FH_TRY(put_text(w, "prepend", fh_buf_view(&nz->content)));
    return fh_json_close(w, true);
}
