/* normal_rules.c: see normal_rules.h.
 *
 * Each walk has three places: `kept` ≤ `i`, between which the text has been looked at and stays, and `j`, the end of the
 * character at i. What stays is written in one go when something else comes up.
 * Threading: pure functions, apart from the room that the caller lends. */
#include "text/pipe/normal_rules.h"

#include "freehold/utf8.h"
#include "text/pipe/ascii.h"
#include "text/pipe/byte_alphabet.h"
#include "text/unicode.h"

/* The one character whose small letter is two: U+0130 gives "i" and U+0307. */
enum { CAPITAL_I_DOT = 0x130, DOT_ABOVE = 0x307 };

/* Writes what stays, and then the character [i, j) as `code`. */
static fh_status swap(fh_edit *e, const fh_traced *from, size_t kept, size_t i, uint32_t code) {
    FH_TRY(fh_edit_keep(e, from, kept, i));
    return fh_edit_put(e, from, code, 0);
}

/* Writes what stays, and leaves the character that follows out. */
static fh_status drop(fh_edit *e, const fh_traced *from, size_t kept, size_t i) {
    FH_TRY(fh_edit_keep(e, from, kept, i));
    fh_edit_skip(e, from, 1);
    return FH_DONE;
}

/* --- BertNormalizer ----------------------------------------------------------------------------------------------------- */

/* Control characters go; tab and line ends are spaces. */
static bool is_dropped(uint32_t code) {
    bool blank = code == '\t' || code == '\n' || code == '\r';
    return code == 0 || code == 0xfffd || (!blank && fh_unicode_is_control(code));
}

fh_status fh_rule_bert_clean(const fh_traced *from, fh_edit *e, bool clean, bool chinese) {
    fh_span text = fh_traced_view(from);
    size_t kept = 0, i = 0;
    while ((i = fh_ascii_end(text, i, clean ? FH_ASCII_CONTROL : 0)) < text.size) {
        fh_rune r = fh_rune_at(text, i);
        size_t j = i + r.size;
        if (clean && is_dropped(r.code)) {
            FH_TRY(drop(e, from, kept, i));
            kept = j;
        } else if (clean && fh_unicode_is_space(r.code)) {
            FH_TRY(r.code < 0x80 ? fh_edit_keep_as(e, from, kept, j, ' ') : swap(e, from, kept, i, ' '));
            kept = j;
        } else if (chinese && fh_unicode_is_chinese(r.code)) {
            FH_TRY(swap(e, from, kept, i, ' '));
            FH_TRY(fh_edit_put(e, from, r.code, 1));
            FH_TRY(fh_edit_put(e, from, ' ', 1));
            kept = j;
        }
        i = j;
    }
    return fh_edit_keep(e, from, kept, text.size);
}

static bool is_small(uint32_t code) {
    return code != CAPITAL_I_DOT && fh_unicode_lower(code) == code;
}

/* Writes a small letter with an origin. */
static fh_status emit_small(fh_edit *e, const fh_traced *from, uint32_t code, fh_origin origin) {
    if (code != CAPITAL_I_DOT)
        return fh_edit_emit(e, from, fh_unicode_lower(code), origin);
    FH_TRY(fh_edit_emit(e, from, 'i', origin));
    return fh_edit_emit(e, from, DOT_ABOVE, origin);
}

/* The end of the stretch at i of characters that a form may change. */
static size_t stretch_end(fh_span text, size_t i, fh_form form) {
    while (i < text.size && fh_span_at(text, i) >= 0x80) {
        fh_rune r = fh_utf8_next(text, i);
        if (!r.valid || fh_form_keeps(form, r.code))
            break;
        i += r.size;
    }
    return i;
}

/* A stretch of [begin, end) in NFD, less its accents. */
static fh_status put_bare(const fh_traced *from, fh_edit *e, fh_marks_list *room, fh_span stretch, bool lower) {
    FH_TRY(fh_form_put(FH_FORM_NFD, stretch, room));
    for (size_t k = 0; k < room->count; k++) {
        fh_mark mark = fh_marks_get(room->items, k);
        fh_origin origin = fh_edit_take(e, from, mark.change);
        if (fh_unicode_is_nonspacing(mark.code))
            continue;
        FH_TRY(lower ? emit_small(e, from, mark.code, origin) : fh_edit_emit(e, from, mark.code, origin));
    }
    return FH_DONE;
}

/* Characters of [i, end) that NFD leaves alone, none of ASCII: less accents, and small. */
static fh_status put_plain(const fh_traced *from, fh_edit *e, size_t i, size_t end, bool lower) {
    fh_span text = fh_traced_view(from);
    size_t kept = i;
    for (size_t j = i; i < end; i = j) {
        fh_rune r = fh_utf8_next(text, i);
        j = i + r.size;
        if (fh_unicode_is_nonspacing(r.code)) {
            FH_TRY(drop(e, from, kept, i));
            kept = j;
        } else if (lower && !is_small(r.code)) {
            FH_TRY(fh_edit_keep(e, from, kept, i));
            FH_TRY(emit_small(e, from, r.code, fh_edit_take(e, from, 0)));
            kept = j;
        }
    }
    return fh_edit_keep(e, from, kept, end);
}

/* The end of the characters at i, none of ASCII, that a form leaves alone. */
static size_t plain_end(fh_span text, size_t i, fh_form form) {
    while (i < text.size && fh_span_at(text, i) >= 0x80) {
        fh_rune r = fh_utf8_next(text, i);
        if (r.valid && !fh_form_keeps(form, r.code))
            break;
        i += r.size;
    }
    return i;
}

fh_status fh_rule_bert_accents(const fh_traced *from, fh_edit *e, fh_marks_list *room, bool lower) {
    fh_span text = fh_traced_view(from);
    for (size_t i = 0, j = 0; i < text.size; i = j) {
        j = fh_ascii_end(text, i, 0);
        FH_TRY(lower ? fh_edit_keep_small(e, from, i, j) : fh_edit_keep(e, from, i, j));
        i = j;
        j = plain_end(text, i, FH_FORM_NFD);
        FH_TRY(put_plain(from, e, i, j, lower));
        i = j;
        j = stretch_end(text, i, FH_FORM_NFD);
        FH_TRY(put_bare(from, e, room, fh_span_sub(text, i, j - i), lower));
    }
    return FH_DONE;
}

/* --- by character ------------------------------------------------------------------------------------------------------- */

fh_status fh_rule_lower(const fh_traced *from, fh_edit *e) {
    fh_span text = fh_traced_view(from);
    for (size_t i = 0; i < text.size;) {
        size_t j = fh_ascii_end(text, i, 0);
        FH_TRY(fh_edit_keep_small(e, from, i, j));
        size_t kept = i = j;
        for (; i < text.size && fh_span_at(text, i) >= 0x80; i = j) {
            fh_rune r = fh_utf8_next(text, i);
            j = i + r.size;
            if (is_small(r.code))
                continue;
            FH_TRY(fh_edit_keep(e, from, kept, i));
            FH_TRY(emit_small(e, from, r.code, fh_edit_take(e, from, 0)));
            kept = j;
        }
        FH_TRY(fh_edit_keep(e, from, kept, i));
    }
    return FH_DONE;
}

fh_status fh_rule_strip(const fh_traced *from, fh_edit *e, bool left, bool right) {
    fh_span text = fh_traced_view(from);
    size_t begin = 0, end = text.size;
    while (left && begin < text.size) {
        fh_rune r = fh_utf8_next(text, begin);
        if (!fh_unicode_is_space(r.code))
            break;
        begin += r.size;
        fh_edit_skip(e, from, 1);
    }
    while (right && end > begin) {
        size_t last = end - 1;
        while (last > begin && (fh_span_at(text, last) & 0xc0) == 0x80)
            last--;
        fh_rune r = fh_utf8_next(text, last);
        if (last + r.size != end || !fh_unicode_is_space(r.code))
            break;
        end = last;
    }
    return fh_edit_keep(e, from, begin, end);
}

fh_status fh_rule_strip_accents(const fh_traced *from, fh_edit *e) {
    fh_span text = fh_traced_view(from);
    size_t kept = 0, i = 0;
    while ((i = fh_ascii_end(text, i, 0)) < text.size) {
        fh_rune r = fh_utf8_next(text, i);
        size_t j = i + r.size;
        if (fh_unicode_is_accent(r.code)) {
            FH_TRY(drop(e, from, kept, i));
            kept = j;
        }
        i = j;
    }
    return fh_edit_keep(e, from, kept, text.size);
}

/* What SentencePiece's "nmt" leaves out, and what it makes a space. */
static bool nmt_drops(uint32_t c) {
    return (c >= 1 && c <= 8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f || c == 0x8f || c == 0x9f;
}
static bool nmt_blanks(uint32_t c) {
    return c == '\t' || c == '\n' || c == 0xc || c == '\r' || c == 0x1680 || (c >= 0x200b && c <= 0x200f) || c == 0x2028 ||
           c == 0x2029 || c == 0x2581 || c == 0xfeff || c == 0xfffd;
}

fh_status fh_rule_nmt(const fh_traced *from, fh_edit *e) {
    fh_span text = fh_traced_view(from);
    size_t kept = 0, i = 0;
    while ((i = fh_ascii_end(text, i, FH_ASCII_CONTROL)) < text.size) {
        fh_rune r = fh_utf8_next(text, i);
        size_t j = i + r.size;
        if (nmt_drops(r.code)) {
            FH_TRY(drop(e, from, kept, i));
            kept = j;
        } else if (nmt_blanks(r.code)) {
            FH_TRY(swap(e, from, kept, i, ' '));
            kept = j;
        }
        i = j;
    }
    return fh_edit_keep(e, from, kept, text.size);
}

fh_status fh_rule_byte_level(const fh_traced *from, fh_edit *e) {
    fh_span text = fh_traced_view(from);
    size_t kept = 0;
    for (size_t i = 0; i < text.size;) {
        uint8_t b = fh_span_at(text, i);
        if (b > ' ' && b < 0x7f) { /* its own letter */
            i++;
            continue;
        }
        FH_TRY(fh_edit_keep(e, from, kept, i));
        size_t j = i + fh_utf8_next(text, i).size;
        fh_origin origin = fh_edit_take(e, from, 0);
        for (; i < j; i++)
            FH_TRY(fh_edit_emit(e, from, fh_alphabet_code(fh_span_at(text, i)), origin));
        kept = j;
    }
    return fh_edit_keep(e, from, kept, text.size);
}

/* --- by stretch --------------------------------------------------------------------------------------------------------- */

fh_status fh_rule_form(const fh_traced *from, fh_edit *e, fh_marks_list *room, fh_form form) {
    fh_span text = fh_traced_view(from);
    bool composes = form == FH_FORM_NFC || form == FH_FORM_NFKC;
    size_t kept = 0, i = 0, last = SIZE_MAX; /* last: where the character before i begins, if it may be joined */
    while (i < text.size) {
        if (fh_span_at(text, i) < 0x80) {
            i = fh_ascii_end(text, i, 0);
            last = i - 1;
            continue;
        }
        fh_rune r = fh_rune_at(text, i);
        if (!r.valid || fh_form_keeps(form, r.code)) {
            last = r.valid ? i : SIZE_MAX;
            i += r.size;
            continue;
        }
        size_t j = stretch_end(text, i, form), begin = composes && last != SIZE_MAX ? last : i;
        FH_TRY(fh_edit_keep(e, from, kept, begin));
        FH_TRY(fh_form_put(form, fh_span_sub(text, begin, j - begin), room));
        for (size_t k = 0; k < room->count; k++) {
            fh_mark mark = fh_marks_get(room->items, k);
            FH_TRY(fh_edit_put(e, from, mark.code, mark.change));
        }
        kept = i = j;
        last = SIZE_MAX;
    }
    return fh_edit_keep(e, from, kept, text.size);
}

/* --- by pattern --------------------------------------------------------------------------------------------------------- */

fh_status fh_rule_replace(const fh_traced *from, fh_edit *e, fh_finder *finder, const fh_regex *pattern, fh_span content) {
    fh_span text = fh_traced_view(from);
    if (text.size == 0)
        return FH_DONE;
    size_t kept = 0;
    fh_finder_start(finder);
    for (;;) {
        fh_match m = {0, 0};
        fh_status s = fh_finder_next(finder, pattern, text, &m);
        if (s.code == FH_END)
            return fh_edit_copy(e, from, kept, text.size);
        FH_TRY(s);
        FH_TRY(fh_edit_copy(e, from, kept, m.begin));
        e->cursor = kept = m.end;
        FH_TRY(fh_edit_emit_text(e, from, content, fh_edit_take(e, from, 1)));
    }
}

fh_status fh_rule_prepend(const fh_traced *from, fh_edit *e, fh_span prefix) {
    fh_span text = fh_traced_view(from);
    if (text.size == 0)
        return FH_DONE;
    /* The first character of the prefix replaces that of the text, which comes after it as a new one. */
    size_t first = fh_utf8_next(text, 0).size;
    fh_origin origin = prefix.size != 0 ? fh_edit_take(e, from, 0) : e->bottom;
    FH_TRY(fh_edit_emit_text(e, from, prefix, origin));
    FH_TRY(fh_edit_emit_text(e, from, fh_span_sub(text, 0, first), origin));
    e->cursor = first;
    return fh_edit_keep(e, from, first, text.size);
}
