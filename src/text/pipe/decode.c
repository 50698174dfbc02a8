/* decode.c: decoders, each over a list of texts (decoders/ of the reference).
 *
 * A decoder that was read is a flat list of steps: a Sequence in a Sequence runs as its steps do. Where the reference panics
 * (Strip of more letters than there are) the text ends up empty. Threading: see decode.h. */
#include "text/pipe/decode.h"

#include "freehold/json_object.h"
#include "freehold/utf8.h"
#include "text/pipe/byte_alphabet.h"
#include "text/pipe/regex.h"

enum { DEPTH_MAX = 16, STEPS_MAX = 32 };

typedef enum step_kind {
    STEP_BYTE_LEVEL, STEP_WORDPIECE, STEP_BPE, STEP_METASPACE, STEP_CTC, STEP_REPLACE, STEP_FUSE, STEP_STRIP, STEP_BYTE_FALLBACK
} step_kind;

/* A string of the decoder's. */
typedef struct place {
    uint32_t at, size;
} place;

/* One step. `a`: the prefix, suffix, letter, pad token or content; `b`: CTC's delimiter. */
typedef struct step {
    step_kind kind;
    place a, b;
    bool cleanup, prefix_space, trims, regex, split;
    uint8_t scheme;      /* Metaspace: 0 first, 1 never, 2 always */
    uint64_t start, stop;
    uint32_t pattern;    /* number of its pattern */
} step;

/* A pattern, in a list with the last one first. */
typedef struct pattern {
    fh_owned_or_null struct pattern *before;
    fh_owned_or_null fh_regex *regex;
    uint32_t number;
} pattern;

struct fh_decoder {
    fh_ref fh_allocator *allocator;
    fh_owned fh_buf texts;
    step steps[STEPS_MAX];
    size_t count;
    bool sequence;
    fh_owned_or_null pattern *patterns;
};

/* --- lists of texts --------------------------------------------------------------------------------------------------- */

void fh_text_list_init(fh_text_list *l, fh_allocator *a) {
    fh_buf_init(&l->bytes, a, UINT32_MAX);
    fh_ids_init(&l->ends, a, 0);
}

void fh_text_list_deinit(fh_text_list *l) {
    fh_buf_deinit(&l->bytes);
    fh_ids_deinit(&l->ends);
}

void fh_text_list_clear(fh_text_list *l) {
    fh_buf_truncate(&l->bytes, 0);
    l->ends.count = 0;
}

/* What was appended to the bytes becomes a text. */
static fh_status end_text(fh_mut fh_text_list *l) {
    return fh_ids_put(&l->ends, (uint32_t)l->bytes.size);
}

fh_status fh_text_list_put(fh_text_list *l, fh_span text) {
    FH_TRY(fh_buf_put(&l->bytes, text));
    return end_text(l);
}

fh_span fh_text_list_get(const fh_text_list *l, size_t i) {
    size_t from = i == 0 ? 0 : fh_u32s_get(l->ends.items, i - 1);
    return fh_span_sub(fh_buf_view(&l->bytes), from, fh_u32s_get(l->ends.items, i) - from);
}

static fh_span letters(const fh_decoder *d, place p) fh_view(1) {
    return fh_span_sub(fh_buf_view(&d->texts), p.at, p.size);
}

/* --- one text --------------------------------------------------------------------------------------------------------- */

/* Appends text with each `from` as `to`. An empty `from` stands before each character and at the end. */
static fh_status put_replaced(fh_mut fh_buf *out, fh_span text, fh_span from, fh_span to) {
    for (size_t at = 0; at < text.size && from.size != 0;) {
        size_t next = fh_span_find(text, from, at);
        size_t end = next < text.size ? next : text.size;
        FH_TRY(fh_buf_put(out, fh_span_sub(text, at, end - at)));
        if (end < text.size)
            FH_TRY(fh_buf_put(out, to));
        at = end < text.size ? end + from.size : text.size;
    }
    for (size_t at = 0; at <= text.size && from.size == 0;) {
        FH_TRY(fh_buf_put(out, to));
        if (at == text.size)
            break;
        size_t size = fh_utf8_next(text, at).size;
        FH_TRY(fh_buf_put(out, fh_span_sub(text, at, size)));
        at += size;
    }
    return FH_DONE;
}

/* Replaces in the bytes from `begin` on, by way of the end of the buffer. */
static fh_status replace_tail(fh_mut fh_buf *out, fh_mut fh_buf *copy, size_t begin, fh_span from, fh_span to) {
    fh_buf_truncate(copy, 0);
    FH_TRY(fh_buf_put(copy, fh_span_from(fh_buf_view(out), begin)));
    fh_buf_truncate(out, begin);
    return put_replaced(out, fh_buf_view(copy), from, to);
}

/* The blanks that a tokenizer of English put in (wordpiece.rs, cleanup). */
static fh_status clean_up(fh_mut fh_buf *out, fh_mut fh_buf *copy, size_t begin) {
    static const char *const rules[][2] = {{" .", "."},       {" ?", "?"},     {" !", "!"},     {" ,", ","},
                                           {" ' ", "'"},      {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
                                           {" 's", "'s"},     {" 've", "'ve"}, {" 're", "'re"}};
    bool blank = fh_span_find(fh_span_from(fh_buf_view(out), begin), FH_LIT(" "), 0) != SIZE_MAX;
    for (size_t i = 0; i < sizeof rules / sizeof *rules && blank; i++)
        FH_TRY(replace_tail(out, copy, begin, fh_span_of_str(rules[i][0]), fh_span_of_str(rules[i][1])));
    return FH_DONE;
}

/* The byte that "<0xAB>" names, or -1. A sign counts as the reference counts it: "+" before one digit. */
static int fallback_byte(fh_span s) {
    if (s.size != 6 || !fh_span_starts(s, FH_LIT("<0x")) || fh_span_at(s, 5) != '>')
        return -1;
    int v = 0;
    for (size_t i = 3; i < 5; i++) {
        uint8_t c = fh_span_at(s, i), low = c | 0x20;
        if (c >= '0' && c <= '9')
            v = v * 16 + (c - '0');
        else if (low >= 'a' && low <= 'f')
            v = v * 16 + (low - 'a' + 10);
        else if (c != '+' || i != 3)
            return -1;
    }
    return v;
}

/* Appends the bytes of a byte-level spelling; a spelling with another letter stands for itself. */
static fh_status put_byte_level(fh_mut fh_buf *out, fh_span text) {
    size_t before = out->size;
    for (size_t i = 0; i < text.size;) {
        fh_rune r = fh_utf8_next(text, i);
        int b = fh_alphabet_byte(r.code);
        if (b < 0) {
            fh_buf_truncate(out, before);
            return fh_buf_put(out, text);
        }
        FH_TRY(fh_buf_put_u8(out, (uint8_t)b));
        i += r.size;
    }
    return FH_DONE;
}

/* How many bytes of a broken sequence become one U+FFFD: the longest beginning of a well-formed one (Unicode 3.9, U+FFFD by
 * maximal subparts). */
static size_t broken_size(fh_span text, size_t at) {
    for (size_t n = 3; n > 1; n--) {
        fh_span head;
        if (fh_span_slice(text, at, n, &head) && fh_utf8_complete(head) == 0)
            return n;
    }
    return 1;
}

/* Appends bytes as UTF-8. */
static fh_status put_lossy(fh_mut fh_buf *out, fh_span bytes) {
    for (size_t i = 0, from = 0;; ) {
        fh_rune r = i < bytes.size ? fh_utf8_next(bytes, i) : (fh_rune){0, 0, false};
        if (i < bytes.size && r.valid) {
            i += r.size;
            continue;
        }
        FH_TRY(fh_buf_put(out, fh_span_sub(bytes, from, i - from)));
        if (i == bytes.size)
            return FH_DONE;
        FH_TRY(fh_buf_put(out, FH_LIT("\xef\xbf\xbd")));
        i += broken_size(bytes, i);
        from = i;
    }
}

static fh_status put_metaspace(const fh_decoder *d, const step *s, fh_span text, bool first, fh_mut fh_buf *out) {
    bool drop = first && s->scheme != 1;
    return put_replaced(out, text, letters(d, s->a), drop ? FH_LIT("") : FH_LIT(" "));
}

static fh_span stripped(const fh_decoder *d, const step *s, fh_span text) fh_view(3) {
    fh_span letter = letters(d, s->a);
    size_t from = 0, to = text.size;
    for (uint64_t i = 0; i < s->start && fh_span_starts(fh_span_from(text, from), letter); i++)
        from += letter.size;
    for (uint64_t i = 0; i < s->stop && to >= letter.size && to > from &&
                         fh_span_equal(fh_span_sub(text, to - letter.size, letter.size), letter);
         i++)
        to -= letter.size;
    return fh_span_sub(text, from, to - from);
}

/* The pattern of a Replace, or NULL. */
static fh_or_null const fh_regex *pattern_of(const fh_decoder *d, const step *s) fh_view(1) {
    const pattern *p = d->patterns;
    while (p != NULL && p->number != s->pattern)
        p = p->before;
    return p != NULL ? p->regex : NULL;
}

static fh_status put_matches_replaced(const fh_decoder *d, const step *s, fh_span text, fh_mut fh_buf *out) {
    const fh_regex *regex = pattern_of(d, s);
    if (regex == NULL)
        return fh_buf_put(out, text);
    fh_finder f;
    fh_finder_init(&f, d->allocator);
    fh_finder_start(&f);
    size_t at = 0;
    fh_status status = FH_DONE;
    for (;;) {
        fh_match m;
        status = fh_finder_next(&f, regex, text, &m);
        if (fh_failed(status))
            break;
        status = fh_buf_put(out, fh_span_sub(text, at, m.begin - at));
        if (status.code == FH_OK)
            status = fh_buf_put(out, letters(d, s->a));
        if (fh_failed(status))
            break;
        at = m.end;
    }
    fh_finder_deinit(&f);
    return status.code == FH_END ? fh_buf_put(out, fh_span_from(text, at)) : status;
}

/* --- one step over a list --------------------------------------------------------------------------------------------- */

/* What is not UTF-8 in a run of byte tokens is U+FFFD for each of its bytes. */
static fh_status flush_bytes(fh_mut fh_text_list *out, fh_mut fh_buf *run) {
    if (run->size == 0)
        return FH_DONE;
    if (fh_utf8_valid(fh_buf_view(run)))
        FH_TRY(fh_text_list_put(out, fh_buf_view(run)));
    else
        for (size_t i = 0; i < run->size; i++)
            FH_TRY(fh_text_list_put(out, FH_LIT("\xef\xbf\xbd")));
    fh_buf_truncate(run, 0);
    return FH_DONE;
}

static fh_status run_byte_fallback(const fh_text_list *in, fh_mut fh_text_list *out, fh_mut fh_buf *run) {
    for (size_t i = 0; i < in->ends.count; i++) {
        fh_span text = fh_text_list_get(in, i);
        int b = fallback_byte(text);
        if (b >= 0) {
            FH_TRY(fh_buf_put_u8(run, (uint8_t)b));
            continue;
        }
        FH_TRY(flush_bytes(out, run));
        FH_TRY(fh_text_list_put(out, text));
    }
    return flush_bytes(out, run);
}

static fh_status run_byte_level(const fh_text_list *in, fh_mut fh_text_list *out, fh_mut fh_buf *bytes) {
    for (size_t i = 0; i < in->ends.count; i++)
        FH_TRY(put_byte_level(bytes, fh_text_list_get(in, i)));
    FH_TRY(put_lossy(&out->bytes, fh_buf_view(bytes)));
    return end_text(out);
}

static fh_status run_ctc(const fh_decoder *d, const step *s, const fh_text_list *in, fh_mut fh_text_list *out,
                         fh_mut fh_buf *copy) {
    for (size_t i = 0; i < in->ends.count; i++) {
        fh_span text = fh_text_list_get(in, i);
        if (i > 0 && fh_span_equal(text, fh_text_list_get(in, i - 1)))
            continue;
        size_t begin = out->bytes.size;
        FH_TRY(put_replaced(&out->bytes, text, letters(d, s->a), FH_LIT("")));
        if (s->cleanup) {
            FH_TRY(clean_up(&out->bytes, copy, begin));
            FH_TRY(replace_tail(&out->bytes, copy, begin, letters(d, s->b), FH_LIT(" ")));
        }
        if (out->bytes.size != begin)
            FH_TRY(end_text(out));
    }
    return FH_DONE;
}

/* Appends text i of the list as the step has it. */
static fh_status put_text(const fh_decoder *d, const step *s, fh_span text, bool first, bool last, fh_mut fh_text_list *out,
                          fh_mut fh_buf *copy) {
    size_t begin = out->bytes.size;
    fh_span prefix = letters(d, s->a);
    if (s->kind == STEP_WORDPIECE) {
        bool goes_on = !first && fh_span_starts(text, prefix);
        if (!first && !goes_on)
            FH_TRY(fh_buf_put_u8(&out->bytes, ' '));
        FH_TRY(fh_buf_put(&out->bytes, fh_span_from(text, goes_on ? prefix.size : 0)));
        if (s->cleanup)
            FH_TRY(clean_up(&out->bytes, copy, begin));
    } else if (s->kind == STEP_BPE) {
        FH_TRY(put_replaced(&out->bytes, text, prefix, last ? FH_LIT("") : FH_LIT(" ")));
    } else if (s->kind == STEP_METASPACE) {
        FH_TRY(put_metaspace(d, s, text, first, &out->bytes));
    } else if (s->kind == STEP_STRIP) {
        FH_TRY(fh_buf_put(&out->bytes, stripped(d, s, text)));
    } else {
        FH_TRY(put_matches_replaced(d, s, text, &out->bytes));
    }
    return end_text(out);
}

static fh_status run_step(const fh_decoder *d, const step *s, const fh_text_list *in, fh_mut fh_text_list *out,
                          fh_mut fh_buf *copy) {
    fh_buf_truncate(copy, 0);
    if (s->kind == STEP_BYTE_FALLBACK)
        return run_byte_fallback(in, out, copy);
    if (s->kind == STEP_BYTE_LEVEL)
        return run_byte_level(in, out, copy);
    if (s->kind == STEP_CTC)
        return run_ctc(d, s, in, out, copy);
    if (s->kind == STEP_FUSE)
        return fh_text_list_put(out, fh_buf_view(&in->bytes));
    for (size_t i = 0; i < in->ends.count; i++)
        FH_TRY(put_text(d, s, fh_text_list_get(in, i), i == 0, i + 1 == in->ends.count, out, copy));
    return FH_DONE;
}

/* The texts with a space between two of them. */
static fh_status join_spaced(const fh_text_list *in, fh_mut fh_buf *out) {
    for (size_t i = 0; i < in->ends.count; i++) {
        if (i > 0)
            FH_TRY(fh_buf_put_u8(out, ' '));
        FH_TRY(fh_buf_put(out, fh_text_list_get(in, i)));
    }
    return FH_DONE;
}

fh_status fh_decoder_run(const fh_decoder *d, fh_text_list *list, fh_text_list *room, fh_buf *out) {
    fh_buf copy;
    fh_buf_init(&copy, out->allocator, 0);
    fh_status s = d == NULL ? join_spaced(list, out) : FH_DONE;
    size_t steps = d == NULL ? 0 : d->count;
    for (size_t i = 0; d != NULL && i < steps && i < STEPS_MAX && s.code == FH_OK; i++) {
        fh_text_list_clear(i % 2 == 0 ? room : list);
        s = i % 2 == 0 ? run_step(d, &d->steps[i], list, room, &copy) : run_step(d, &d->steps[i], room, list, &copy);
    }
    if (s.code == FH_OK && d != NULL)
        s = fh_buf_put(out, steps % 2 == 0 ? fh_buf_view(&list->bytes) : fh_buf_view(&room->bytes));
    fh_buf_deinit(&copy);
    return s;
}

/* One token of a text by one step, byte for byte. */
static fh_status piece_step(const fh_decoder *d, const step *s, fh_span text, bool first, fh_mut fh_text_list *out,
                            fh_mut fh_buf *copy) {
    int b = s->kind == STEP_BYTE_FALLBACK ? fallback_byte(text) : -1;
    fh_buf_truncate(copy, 0);
    if (b >= 0)
        return fh_buf_put_u8(&out->bytes, (uint8_t)b);
    if (s->kind == STEP_BYTE_LEVEL)
        return put_byte_level(&out->bytes, text);
    if (s->kind == STEP_FUSE || s->kind == STEP_BYTE_FALLBACK || s->kind == STEP_CTC || (s->kind == STEP_STRIP && !first))
        return fh_buf_put(&out->bytes, text);
    return put_text(d, s, text, first, false, out, copy);
}

static fh_status run_piece(const fh_decoder *d, bool first, fh_mut fh_text_list *list, fh_mut fh_text_list *room,
                           fh_mut fh_buf *copy, fh_mut fh_buf *out) {
    for (size_t i = 0; i < d->count && i < STEPS_MAX; i++) {
        fh_text_list_clear(i % 2 == 0 ? room : list);
        FH_TRY(i % 2 == 0 ? piece_step(d, &d->steps[i], fh_buf_view(&list->bytes), first, room, copy)
                          : piece_step(d, &d->steps[i], fh_buf_view(&room->bytes), first, list, copy));
    }
    return fh_buf_put(out, d->count % 2 == 0 ? fh_buf_view(&list->bytes) : fh_buf_view(&room->bytes));
}

fh_status fh_decoder_piece(const fh_decoder *d, fh_span spelling, bool first, fh_buf *out) {
    if (d == NULL)
        return fh_buf_put(out, spelling);
    fh_text_list list, room;
    fh_buf copy;
    fh_text_list_init(&list, out->allocator);
    fh_text_list_init(&room, out->allocator);
    fh_buf_init(&copy, out->allocator, 0);
    fh_status s = fh_buf_put(&list.bytes, spelling);
    if (s.code == FH_OK)
        s = run_piece(d, first, &list, &room, &copy, out);
    fh_text_list_deinit(&list);
    fh_text_list_deinit(&room);
    fh_buf_deinit(&copy);
    return s;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static fh_status read_text(fh_decoder *d, const fh_json_object *o, const char *key, const char *absent, fh_out place *out,
                           fh_err *err) {
    bool found;
    size_t before = d->texts.size;
    *out = (place){0, 0};
    FH_TRY(fh_json_object_text(o, key, &d->texts, &found, err));
    if (!found)
        FH_TRY(fh_buf_put(&d->texts, fh_span_of_str(absent)));
    *out = (place){(uint32_t)before, (uint32_t)(d->texts.size - before)};
    return FH_DONE;
}

/* A text that has to be one character. */
static fh_status read_letter(fh_decoder *d, const fh_json_object *o, const char *key, fh_out place *out, fh_err *err) {
    FH_TRY(read_text(d, o, key, "\xe2\x96\x81", out, err));
    fh_span text = letters(d, *out);
    if (text.size == 0 || fh_utf8_next(text, 0).size != text.size)
        return fh_fail(err, FH_CORRUPT, o->offset_bytes, "decoder at byte %zu: \"%s\" is not one character", o->offset_bytes,
                       key);
    return FH_DONE;
}

static fh_status read_pattern(fh_decoder *d, const fh_json_object *o, fh_mut step *s, fh_err *err) {
    fh_json_member m;
    fh_json_object p;
    place source;
    bool regex;
    FH_TRY(fh_json_object_need(o, "pattern", &m, err));
    FH_TRY(fh_json_object_read(m.text, m.offset_bytes, &p, err));
    regex = fh_json_object_find(&p, "Regex") != NULL;
    if (!regex && fh_json_object_find(&p, "String") == NULL)
        return fh_fail(err, FH_CORRUPT, m.offset_bytes, "decoder at byte %zu: expected a String or a Regex", m.offset_bytes);
    FH_TRY(read_text(d, &p, regex ? "Regex" : "String", "", &source, err));
    pattern *made = fh_alloc(d->allocator, 1, sizeof *made);
    if (made == NULL)
        return FH_STATUS(FH_NOMEM);
    uint32_t number = d->patterns != NULL ? d->patterns->number + 1 : 1;
    made->number = s->pattern = number;
    fh_span text = letters(d, source);
    fh_status status = regex ? fh_regex_new(d->allocator, text, &made->regex, err)
                             : fh_regex_literal(d->allocator, text, &made->regex, err);
    if (fh_failed(status)) {
        fh_free(d->allocator, made);
        return status;
    }
    made->before = d->patterns;
    d->patterns = made;
    return status;
}

static fh_status read_scheme(const fh_json_object *o, fh_mut step *s, fh_err *err) {
    static const char *const names[] = {"first", "never", "always"};
    const fh_json_member *m = fh_json_object_find(o, "prepend_scheme");
    bool prefix;
    s->scheme = 2;
    for (uint8_t i = 0; i < 3; i++)
        if (m != NULL && fh_span_is(m->first.raw, names[i]))
            s->scheme = i;
    FH_TRY(fh_json_object_bool(o, "add_prefix_space", true, &prefix, err));
    if (!prefix && m == NULL)
        return fh_fail(err, FH_CORRUPT, o->offset_bytes,
                       "decoder at byte %zu: \"add_prefix_space\" is false without a \"prepend_scheme\" of never",
                       o->offset_bytes);
    return fh_json_object_bool(o, "split", true, &s->split, err);
}

/* What an object without a type is, by its members. */
static fh_static const char *kind_by_members(fh_ref const fh_json_object *o) {
    static const char *const by[][2] = {{"suffix", "BPEDecoder"},   {"trim_offsets", "ByteLevel"}, {"prefix", "WordPiece"},
                                        {"replacement", "Metaspace"}, {"pad_token", "CTC"},        {"decoders", "Sequence"},
                                        {"pattern", "Replace"},     {"start", "Strip"}};
    for (size_t i = 0; i < sizeof by / sizeof *by; i++)
        if (fh_json_object_find(o, by[i][0]) != NULL)
            return by[i][1];
    return "none";
}

static const char *const kinds[] = {"ByteLevel", "WordPiece", "BPEDecoder", "Metaspace",   "CTC",
                                    "Replace",   "Fuse",      "Strip",      "ByteFallback"};

static fh_status read_step(fh_decoder *d, const fh_json_object *o, fh_mut step *s, fh_err *err) {
    switch (s->kind) {
    case STEP_BYTE_LEVEL:
        FH_TRY(fh_json_object_bool(o, "add_prefix_space", true, &s->prefix_space, err));
        FH_TRY(fh_json_object_bool(o, "trim_offsets", true, &s->trims, err));
        return fh_json_object_bool(o, "use_regex", true, &s->regex, err);
    case STEP_WORDPIECE:
        FH_TRY(fh_json_object_bool(o, "cleanup", true, &s->cleanup, err));
        return read_text(d, o, "prefix", "##", &s->a, err);
    case STEP_BPE:
        return read_text(d, o, "suffix", "</w>", &s->a, err);
    case STEP_METASPACE:
        FH_TRY(read_letter(d, o, "replacement", &s->a, err));
        return read_scheme(o, s, err);
    case STEP_CTC:
        FH_TRY(read_text(d, o, "pad_token", "<pad>", &s->a, err));
        FH_TRY(read_text(d, o, "word_delimiter_token", "|", &s->b, err));
        return fh_json_object_bool(o, "cleanup", true, &s->cleanup, err);
    case STEP_REPLACE:
        FH_TRY(read_text(d, o, "content", "", &s->a, err));
        return read_pattern(d, o, s, err);
    case STEP_STRIP:
        FH_TRY(read_letter(d, o, "content", &s->a, err));
        FH_TRY(fh_json_object_u64(o, "start", 0, &s->start, err));
        return fh_json_object_u64(o, "stop", 0, &s->stop, err);
    case STEP_FUSE:
    case STEP_BYTE_FALLBACK:
        break;
    }
    return FH_DONE;
}

static fh_status read_any(fh_decoder *d, fh_span json, size_t offset_bytes, unsigned depth, fh_err *err) {
    fh_json_object o;
    if (depth == DEPTH_MAX || d->count == STEPS_MAX)
        return fh_fail(err, FH_LIMIT, offset_bytes, "decoders are more than %d, or nest deeper than %d, at byte %zu", STEPS_MAX,
                       DEPTH_MAX, offset_bytes);
    FH_TRY(fh_json_object_read(json, offset_bytes, &o, err));
    const fh_json_member *type = fh_json_object_find(&o, "type");
    fh_span kind = type != NULL ? type->first.raw : fh_span_of_str(kind_by_members(&o));
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (fh_span_is(kind, kinds[k])) {
            step s = {.kind = (step_kind)k};
            FH_TRY(read_step(d, &o, &s, err));
            d->steps[d->count++] = s;
            return FH_DONE;
        }
    if (!fh_span_is(kind, "Sequence"))
        return fh_fail(err, FH_UNSUPPORTED, offset_bytes, "decoder at byte %zu: \"%.*s\" is not known", offset_bytes,
                       FH_SPAN_FMT(kind));
    fh_json_each e;
    fh_json_member list;
    d->sequence = true;
    FH_TRY(fh_json_object_need(&o, "decoders", &list, err));
    FH_TRY(fh_json_each_init(&e, list.text, list.offset_bytes, FH_JSON_ARRAY, err));
    for (;;) {
        fh_json_member item;
        bool more;
        FH_TRY(fh_json_each_next(&e, &item, &more, err));
        if (!more)
            return FH_DONE;
        FH_TRY(read_any(d, item.text, item.offset_bytes, depth + 1, err));
    }
}

fh_status fh_decoder_read(fh_allocator *a, fh_span json, size_t offset_bytes, fh_decoder **out, fh_err *err) {
    *out = NULL;
    fh_decoder *d = fh_alloc(a, 1, sizeof *d);
    if (d == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "out of memory for a decoder");
    d->allocator = a;
    fh_buf_init(&d->texts, a, INT32_MAX);
    fh_status s = read_any(d, json, offset_bytes, 0, err);
    if (fh_failed(s)) {
        fh_decoder_free(d);
        return fh_fail(err, s.code, FH_NO_OFFSET, "out of memory for a decoder");
    }
    *out = d;
    return s;
}

void fh_decoder_free(fh_decoder *d) {
    if (d == NULL)
        return;
    while (d->patterns != NULL) {
        pattern *last = d->patterns;
        d->patterns = last->before;
        fh_regex_free(last->regex);
        fh_free(d->allocator, last);
    }
    fh_buf_deinit(&d->texts);
    fh_free(d->allocator, d);
}

/* --- writing ---------------------------------------------------------------------------------------------------------- */

static fh_status put_flag(fh_json_writer *w, const char *key, bool v) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_bool(w, v);
}

static fh_status put_string(fh_json_writer *w, const char *key, fh_span v) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_text(w, v);
}

static fh_status put_count(fh_json_writer *w, const char *key, uint64_t v) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_u64(w, v);
}

static fh_status put_pattern(const fh_decoder *d, const step *s, fh_json_writer *w) {
    const fh_regex *regex = pattern_of(d, s);
    if (regex == NULL)
        return FH_DONE;
    return put_string(w, fh_regex_is_literal(regex) ? "String" : "Regex", fh_regex_source(regex));
}

static fh_status put_fields(const fh_decoder *d, const step *s, fh_json_writer *w) {
    static const char *const schemes[] = {"first", "never", "always"};
    fh_span a = letters(d, s->a);
    switch (s->kind) {
    case STEP_BYTE_LEVEL:
        FH_TRY(put_flag(w, "add_prefix_space", s->prefix_space));
        FH_TRY(put_flag(w, "trim_offsets", s->trims));
        return put_flag(w, "use_regex", s->regex);
    case STEP_WORDPIECE:
        FH_TRY(put_string(w, "prefix", a));
        return put_flag(w, "cleanup", s->cleanup);
    case STEP_BPE:
        return put_string(w, "suffix", a);
    case STEP_METASPACE:
        FH_TRY(put_string(w, "replacement", a));
        FH_TRY(put_string(w, "prepend_scheme", fh_span_of_str(schemes[s->scheme % 3])));
        return put_flag(w, "split", s->split);
    case STEP_CTC:
        FH_TRY(put_string(w, "pad_token", a));
        FH_TRY(put_string(w, "word_delimiter_token", letters(d, s->b)));
        return put_flag(w, "cleanup", s->cleanup);
    case STEP_REPLACE:
        FH_TRY(fh_json_key(w, "pattern"));
        FH_TRY(fh_json_open(w, true));
        FH_TRY(put_pattern(d, s, w));
        FH_TRY(fh_json_close(w, true));
        return put_string(w, "content", a);
    case STEP_STRIP:
        FH_TRY(put_string(w, "content", a));
        FH_TRY(put_count(w, "start", s->start));
        return put_count(w, "stop", s->stop);
    case STEP_FUSE:
    case STEP_BYTE_FALLBACK:
        break;
    }
    return FH_DONE;
}

fh_status fh_decoder_write(const fh_decoder *d, fh_json_writer *w) {
    if (d->sequence) {
        FH_TRY(fh_json_open(w, true));
        FH_TRY(put_string(w, "type", FH_LIT("Sequence")));
        FH_TRY(fh_json_key(w, "decoders"));
        FH_TRY(fh_json_open(w, false));
    }
    for (size_t i = 0; i < d->count && i < STEPS_MAX; i++) {
        const step *s = &d->steps[i];
        FH_TRY(fh_json_open(w, true));
        FH_TRY(put_string(w, "type", fh_span_of_str(kinds[s->kind])));
        FH_TRY(put_fields(d, s, w));
        FH_TRY(fh_json_close(w, true));
    }
    if (!d->sequence)
        return FH_DONE;
    FH_TRY(fh_json_close(w, false));
    return fh_json_close(w, true);
}
