/* spm_rule.c: see spm_rule.h.
 *
 * The text is read chunk by chunk: a symbol, the longest key of the map, or a character. Chunks that stay as they are gather
 * in a run [kept, i), which is written in one go. The last character before something that may be left out waits, since its
 * origin reaches over what is left out.
 *
 * Threading: immutable. */
#include "text/pipe/spm_rule.h"

#include "freehold/utf8.h"

enum { MARK = 0x2581, NONE = -1 };
#define MARK_TEXT FH_LIT("\xe2\x96\x81")

typedef struct walk {
    const fh_spm_rule *rule;
    fh_span text;
    size_t kept;      /* [kept, i) is to be written as it is */
    int32_t waiting;  /* a character that waits for where its origin ends, or NONE */
    size_t begin;     /* where the origin begins */
    bool after_blank; /* blanks that come now are left out */
} walk;

/* Writes a character, or a blank as the rule has it. */
static fh_status emit(const walk *w, fh_edit *e, const fh_traced *from, uint32_t code, size_t begin, size_t end) {
    return fh_edit_emit(e, from, code == ' ' && w->rule->escape ? MARK : code, (fh_origin){(uint32_t)begin, (uint32_t)end});
}

/* Writes the character that waits: its origin ends at `end`. */
static fh_status let_go(walk *w, fh_edit *e, const fh_traced *from, size_t end) {
    if (w->waiting == NONE)
        return FH_DONE;
    FH_TRY(emit(w, e, from, (uint32_t)w->waiting, w->begin, end));
    w->waiting = NONE;
    return FH_DONE;
}

/* A character whose origin begins at `begin` waits. */
static void hold(walk *w, uint32_t code, size_t begin) {
    w->waiting = (int32_t)code;
    w->begin = begin;
}

/* Ends the run at i; its last character waits. */
static fh_status end_run(walk *w, fh_edit *e, const fh_traced *from, size_t i) {
    if (w->kept == i)
        return FH_DONE;
    size_t last = i - 1;
    while (last > w->kept && (fh_span_at(w->text, last) & 0xc0) == 0x80)
        last--;
    FH_TRY(fh_edit_copy(e, from, w->kept, last));
    hold(w, fh_utf8_next(w->text, last).code, last);
    w->kept = i;
    return FH_DONE;
}

/* Writes what the chunk [i, j) became; the run has ended. */
static fh_status put_chunk(walk *w, fh_edit *e, const fh_traced *from, fh_span chunk, size_t i, size_t j) {
    size_t at = 0;
    while (w->after_blank && at < chunk.size && fh_span_at(chunk, at) == ' ')
        at++;
    w->kept = j;
    if (at == chunk.size)
        return FH_DONE;
    FH_TRY(let_go(w, e, from, i));
    while (at < chunk.size) {
        fh_rune r = fh_utf8_next(chunk, at);
        hold(w, r.code, i);
        at += r.size;
        if (at < chunk.size)
            FH_TRY(let_go(w, e, from, i));
    }
    w->after_blank = w->rule->squeeze && fh_span_at(chunk, chunk.size - 1) == ' ';
    return FH_DONE;
}

/* What the text has at i: returns where that ends, and what it becomes. */
static size_t next_chunk(const fh_spm_rule *r, fh_span text, size_t i, fh_out fh_view(1, 2) fh_span *chunk,
                         fh_out bool *stays) {
    size_t size = 0;
    *stays = false;
    if (r->symbols.nodes.count != 0 && fh_byte_trie_longest(&r->symbols, text, i, &size) != FH_NO_TOKEN) {
        *chunk = fh_span_sub(text, i, size);
        return i + size;
    }
    size = r->map.units != 0 ? fh_charsmap_longest(&r->map, fh_span_from(text, i), chunk) : 0;
    if (size != 0)
        return i + size;
    fh_rune c = fh_utf8_next(text, i);
    *chunk = c.valid ? fh_span_sub(text, i, c.size) : FH_LIT("\xef\xbf\xbd");
    *stays = c.valid && c.code != ' ';
    return i + c.size;
}

/* Where the first chunk begins that is more than a blank. */
static size_t skip_blanks(const fh_spm_rule *r, fh_span text) {
    size_t i = 0;
    while (i < text.size) {
        fh_span chunk = {NULL, 0};
        bool stays = false;
        size_t j = next_chunk(r, text, i, &chunk, &stays);
        if (!fh_span_is(chunk, " "))
            break;
        i = j;
    }
    return i;
}

/* Takes blanks off the end of what was written; returns where what was taken came from, or `end`. */
static size_t trim(const walk *w, fh_mut fh_edit *e, size_t end) {
    fh_span mark = w->rule->escape ? MARK_TEXT : FH_LIT(" ");
    for (;;) {
        fh_span written = fh_span_sub(e->rewritten ? fh_span_of_mut(e->bytes) : w->text, 0, e->size);
        if (e->size < mark.size || !fh_span_equal(fh_span_from(written, e->size - mark.size), mark))
            return end;
        e->size -= mark.size;
        end = e->traced ? fh_origins_get(e->origins, e->size).begin : e->size;
    }
}

fh_status fh_rule_sentencepiece(const fh_traced *from, fh_edit *e, const fh_spm_rule *rule) {
    fh_span text = fh_traced_view(from);
    walk w = {.rule = rule, .text = text, .waiting = NONE, .after_blank = rule->squeeze};
    size_t i = rule->squeeze ? skip_blanks(rule, text) : 0, end = text.size;
    if (i == end)
        return FH_DONE;
    w.kept = i;
    if (rule->prefix && !rule->suffix)
        hold(&w, ' ', i);
    while (i < text.size) {
        fh_span chunk = {NULL, 0};
        bool stays = false;
        size_t j = next_chunk(rule, text, i, &chunk, &stays);
        if (stays) {
            FH_TRY(let_go(&w, e, from, i));
            w.after_blank = false;
        } else {
            FH_TRY(end_run(&w, e, from, i));
            FH_TRY(put_chunk(&w, e, from, chunk, i, j));
        }
        i = j;
    }
    FH_TRY(end_run(&w, e, from, i));
    FH_TRY(let_go(&w, e, from, end));
    if (rule->squeeze)
        end = trim(&w, e, end);
    return rule->prefix && rule->suffix ? emit(&w, e, from, ' ', end, end) : FH_DONE;
}
