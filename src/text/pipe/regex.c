/* regex.c: one expression, by a scanner, by search for a text, or by PCRE2.
 *
 * The walk is that of the reference's find_iter: it looks from the end of the last match; an empty match at that very place is
 * passed over by moving on one character. Threading: as regex.h says. */
#include "text/pipe/regex.h"

#include "freehold/buf.h"
#include "freehold/utf8.h"
#include "text/kern/pcre.h"
#include "text/pipe/dialect.h"

struct fh_regex {
    fh_ref fh_allocator *allocator;
    fh_owned fh_buf source;
    bool literal;
    fh_scan scan;
    fh_owned_or_null fh_pcre *pcre; /* where there is neither */
};

/* An expression for PCRE2. A report names a place in what was given if it comes from us, else in what PCRE2 got. */
static fh_status compile(fh_regex *re, fh_span source, fh_err *err) {
    fh_buf translated;
    fh_pcre *pcre = NULL;
    fh_buf_init(&translated, re->allocator, 0);
    fh_status s = fh_dialect_translate(source, &translated, err);
    if (!fh_failed(s))
        s = fh_pcre_new(re->allocator, fh_buf_view(&translated), &pcre, err);
    fh_buf_deinit(&translated);
    if (!fh_failed(s))
        re->pcre = pcre;
    return s;
}

static fh_status make(fh_allocator *a, fh_span source, bool literal, fh_owned fh_regex **out, fh_err *err) {
    *out = NULL;
    if (!fh_utf8_valid(source))
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "a pattern that is not UTF-8");
    fh_regex *re = fh_alloc(a, 1, sizeof *re);
    if (re == NULL)
        return FH_STATUS(FH_NOMEM);
    re->allocator = a;
    re->literal = literal;
    re->scan = literal ? FH_SCAN_NONE : fh_scan_of(source);
    fh_buf_init(&re->source, a, 0);
    fh_status s = fh_buf_put(&re->source, source);
    if (!fh_failed(s) && !literal && re->scan == FH_SCAN_NONE)
        s = compile(re, source, err);
    if (fh_failed(s)) {
        fh_regex_free(re);
        return s;
    }
    *out = re;
    return FH_DONE;
}

fh_status fh_regex_new(fh_ref fh_allocator *a, fh_span pattern, fh_owned fh_regex **out, fh_mut fh_err *err) {
    return make(a, pattern, false, out, err);
}

fh_status fh_regex_literal(fh_ref fh_allocator *a, fh_span text, fh_owned fh_regex **out, fh_mut fh_err *err) {
    return make(a, text, true, out, err);
}

void fh_regex_free(fh_drop fh_regex *re) {
    if (re == NULL)
        return;
    fh_pcre_free(re->pcre);
    fh_buf_deinit(&re->source);
    fh_free(re->allocator, re);
}

fh_span fh_regex_source(fh_ref const fh_regex *re) {
    return fh_buf_view(&re->source);
}

bool fh_regex_is_literal(fh_ref const fh_regex *re) {
    return re->literal;
}

void fh_finder_init(fh_owned fh_view(2) fh_finder *f, fh_ref fh_allocator *a) {
    *f = (fh_finder){.allocator = a, .last = SIZE_MAX};
}

void fh_finder_deinit(fh_drop fh_finder *f) {
    fh_pcre_room_free(f->room);
    f->room = NULL;
}

void fh_finder_start(fh_mut fh_finder *f) {
    f->at = 0;
    f->last = SIZE_MAX;
}

/* The first match at or after `from`, empty or not. */
static fh_status find(fh_finder *f, const fh_regex *re, fh_span text, size_t from, fh_out fh_match *out) {
    *out = (fh_match){from, from};
    if (re->literal) {
        fh_span what = fh_buf_view(&re->source);
        out->begin = fh_span_find(text, what, from);
        out->end = out->begin + what.size;
        return out->begin != SIZE_MAX ? FH_DONE : FH_STATUS(FH_END);
    }
    if (re->scan != FH_SCAN_NONE) {
        for (bool match = false; !match; out->begin = match ? out->begin : out->end) {
            if (out->begin == text.size)
                return FH_STATUS(FH_END);
            out->end = fh_scan_stretch(re->scan, text, out->begin, &match);
        }
        return FH_DONE;
    }
    if (f->at == 0 && !fh_utf8_valid(text)) /* once a walk: PCRE2 is told not to check */
        return FH_STATUS(FH_INVALID);
    if (f->room == NULL)
        FH_TRY(fh_pcre_room_new(f->allocator, &f->room));
    return fh_pcre_find(re->pcre, f->room, text, from, &out->begin, &out->end);
}

fh_status fh_finder_next(fh_mut fh_finder *f, fh_ref const fh_regex *re, fh_span text, fh_out fh_match *out) {
    for (;;) {
        if (f->at > text.size)
            return FH_STATUS(FH_END);
        FH_TRY(find(f, re, text, f->at, out));
        if (out->begin < out->end || out->end != f->last)
            break;
        f->at += f->at < text.size ? fh_utf8_next(text, f->at).size : 1;
    }
    f->at = f->last = out->end;
    return FH_DONE;
}
