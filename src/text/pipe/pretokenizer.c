/* pretokenizer.c: runs the steps of a pre-tokenizer, each over all pieces that are text.
 *
 * A step that cuts reads the pieces of the step before and writes new ones; the text stays. A step that changes text writes all
 * pieces anew, one behind the other, and gives each its new range: what was removed between them is gone then. Origins follow
 * the reference: what stands for a space has the space's; what is put before a piece has the first character's; of a character
 * spelt in bytes the first letter has the origin of its first byte, the others that of its last. Threading: see the header. */
#include "freehold/utf8.h"
#include "text/pipe/byte_alphabet.h"
#include "text/pipe/pretok_steps.h"
#include "text/unicode.h"

static bool is_text(fh_piece piece) {
    return piece.token == FH_NO_TOKEN;
}

static fh_span text_of(const fh_normalized *n, fh_piece piece) {
    return fh_span_sub(fh_normalized_view(n), piece.begin, piece.end - piece.begin);
}

/* --- steps that cut: one piece ---------------------------------------------------------------------------------------- */

enum { AT_ONCE = 4 * FH_MASK_BYTES };

/* Each stretch of a scanner. */
static fh_status cut_scan(fh_scan scan, fh_pieces *p, const fh_normalized *n, fh_piece piece) {
    uint32_t room[AT_ONCE];
    fh_u32s ends = {room, AT_ONCE};
    fh_span text = text_of(n, piece);
    size_t begin = piece.begin;
    for (size_t at = 0; at < text.size;) {
        size_t count = fh_scan_ends(scan, p->masks, text, &at, ends);
        FH_TRY(fh_pieces_cut_ends(p, n, begin, piece.begin, fh_u32s_sub(ends, 0, count)));
        begin = piece.begin + at;
    }
    return FH_DONE;
}

static fh_status cut_regex(const fh_step *step, fh_pieces *p, const fh_normalized *n, fh_piece piece) {
    if (step->regex == NULL)
        return FH_DONE;
    fh_cutter c = {.behavior = step->behavior};
    fh_span text = text_of(n, piece);
    fh_match m = {0, 0};
    size_t end = 0;
    fh_finder_start(&p->finder);
    for (;;) {
        fh_status s = fh_finder_next(&p->finder, step->regex, text, &m);
        if (s.code == FH_END)
            break;
        FH_TRY(s);
        if (m.begin > end)
            FH_TRY(fh_cutter_put(&c, p, n, piece.begin + end, piece.begin + m.begin, step->invert));
        FH_TRY(fh_cutter_put(&c, p, n, piece.begin + m.begin, piece.begin + m.end, !step->invert));
        end = m.end;
    }
    if (end < text.size)
        FH_TRY(fh_cutter_put(&c, p, n, piece.begin + end, piece.end, step->invert));
    return fh_cutter_end(&c, p, n);
}

/* By the kinds of characters. */
static fh_status cut_kinds(const fh_step *step, fh_pieces *p, const fh_normalized *n, fh_piece piece) {
    fh_stretch room[AT_ONCE];
    fh_stretchs stretches = {room, AT_ONCE};
    fh_span text = text_of(n, piece);
    bool plain = fh_pieces_begin_plainly(n);
    for (size_t at = 0; at < text.size;) {
        size_t count = fh_kinds_cut(&step->kinds, p->masks, text, &at, stretches);
        FH_TRY(fh_pieces_reserve(p, count));
        for (size_t i = 0; i < count; i++) {
            fh_stretch s = fh_stretchs_get(stretches, i);
            size_t begin = (size_t)piece.begin + s.begin, end = (size_t)piece.begin + s.end;
            if (s.kind == FH_KIND_DROP)
                continue;
            if (plain && begin != 0)
                fh_pieces_put(p, begin, end);
            else
                FH_TRY(fh_pieces_cut(p, n, begin, end));
        }
    }
    return FH_DONE;
}

/* Those that stand alone are matches of a behaviour that joins. */
static fh_status cut_alone(const fh_step *step, fh_pieces *p, const fh_normalized *n, fh_piece piece) {
    fh_stretch room[AT_ONCE];
    fh_stretchs stretches = {room, AT_ONCE};
    fh_cutter c = {.behavior = step->behavior};
    fh_span text = text_of(n, piece);
    for (size_t at = 0; at < text.size;) {
        size_t count = fh_kinds_cut(&step->kinds, p->masks, text, &at, stretches);
        for (size_t i = 0; i < count; i++) {
            fh_stretch s = fh_stretchs_get(stretches, i);
            FH_TRY(fh_cutter_put(&c, p, n, (size_t)piece.begin + s.begin, (size_t)piece.begin + s.end,
                                 s.kind == FH_KIND_ALONE));
        }
    }
    return fh_cutter_end(&c, p, n);
}

/* Before each mark. */
static fh_status cut_marks(uint32_t mark, fh_pieces *p, const fh_normalized *n, fh_piece piece) {
    uint8_t bytes[4] = {0};
    size_t size = fh_utf8_put(mark, bytes);
    fh_span text = text_of(n, piece), what = fh_span_sub((fh_span){bytes, sizeof bytes}, 0, size);
    size_t begin = 0;
    while (begin < text.size) {
        size_t end = fh_span_find(text, what, begin + 1);
        end = end == SIZE_MAX ? text.size : end;
        FH_TRY(fh_pieces_cut(p, n, piece.begin + begin, piece.begin + end));
        begin = end;
    }
    return FH_DONE;
}

static fh_status cut_fixed(uint64_t length, fh_pieces *p, const fh_normalized *n, fh_piece piece) {
    fh_span text = text_of(n, piece);
    size_t begin = 0, at = 0;
    for (uint64_t chars = 0; at < text.size;) {
        at += fh_utf8_next(text, at).size;
        if (++chars < length && at < text.size)
            continue;
        FH_TRY(fh_pieces_cut(p, n, piece.begin + begin, piece.begin + at));
        begin = at;
        chars = 0;
    }
    return FH_DONE;
}

/* Where the script changes; script 0 goes with any. What comes before the first character of another is lost, as in the
 * reference. */
static fh_status cut_scripts(fh_pieces *p, const fh_normalized *n, fh_piece piece) {
    fh_span text = text_of(n, piece);
    uint8_t last = 0;
    size_t begin = SIZE_MAX;
    for (size_t at = 0; at < text.size;) {
        fh_rune r = fh_utf8_next(text, at);
        uint8_t s = fh_unicode_script(r.code);
        if (s != 0 && (begin == SIZE_MAX || s != last)) {
            if (begin != SIZE_MAX)
                FH_TRY(fh_pieces_cut(p, n, piece.begin + begin, piece.begin + at));
            begin = at;
        }
        last = s != 0 ? s : last;
        at += r.size;
    }
    return begin != SIZE_MAX ? fh_pieces_cut(p, n, piece.begin + begin, piece.end) : FH_DONE;
}

static fh_status cut(const fh_step *step, fh_pieces *p, const fh_normalized *n, fh_piece piece) {
    switch (step->kind) {
    case FH_STEP_KINDS: return cut_kinds(step, p, n, piece);
    case FH_STEP_PUNCT: return cut_alone(step, p, n, piece);
    case FH_STEP_SCAN: return cut_scan(step->scan, p, n, piece);
    case FH_STEP_SPLIT: return cut_regex(step, p, n, piece);
    case FH_STEP_BYTE_LEVEL: return cut_scan(FH_SCAN_GPT2, p, n, piece);
    case FH_STEP_METASPACE: return cut_marks(step->mark, p, n, piece);
    case FH_STEP_FIXED: return cut_fixed(step->length, p, n, piece);
    case FH_STEP_SCRIPTS: return cut_scripts(p, n, piece);
    }
    return FH_DONE;
}

static fh_status cut_all(const fh_step *step, fh_pieces *p, const fh_normalized *n) {
    size_t count = fh_pieces_turn(p);
    for (size_t i = 0; i < count; i++) {
        fh_piece piece = fh_pieces_old(p, i);
        if (is_text(piece))
            FH_TRY(cut(step, p, n, piece));
        else
            FH_TRY(fh_pieces_add(p, piece));
    }
    return FH_DONE;
}

/* --- steps that change text: one piece ---------------------------------------------------------------------------------- */

static fh_origin origin_at(const fh_traced *from, size_t i) {
    return from->tracked ? fh_traced_origin(from, i) : (fh_origin){0, 0};
}

static bool begins_with(fh_span text, uint32_t code) {
    return text.size != 0 && fh_utf8_next(text, 0).code == code;
}

/* What ByteLevel and Metaspace put before a piece, or 0. */
static uint32_t prefix_of(const fh_step *step, fh_span text, fh_piece piece) {
    if (step->kind == FH_STEP_BYTE_LEVEL)
        return step->prefix && !begins_with(text, ' ') ? ' ' : 0;
    if (begins_with(text, step->mark) || begins_with(text, ' '))
        return 0;
    return step->scheme == FH_SCHEME_ALWAYS || (step->scheme == FH_SCHEME_FIRST && piece.at_start) ? step->mark : 0;
}

/* A piece with its prefix; Metaspace's with its spaces marked. */
static fh_status write_marked(const fh_step *step, const fh_traced *from, fh_edit *e, fh_piece piece) {
    fh_span all = fh_traced_view(from), text = fh_span_sub(all, piece.begin, piece.end - piece.begin);
    uint32_t prefix = prefix_of(step, text, piece);
    if (prefix != 0)
        FH_TRY(fh_edit_emit(e, from, prefix, origin_at(from, piece.begin)));
    size_t at = piece.begin;
    while (step->kind == FH_STEP_METASPACE && at < piece.end) {
        size_t space = fh_span_find(fh_span_sub(all, 0, piece.end), FH_LIT(" "), at);
        if (space == SIZE_MAX)
            break;
        FH_TRY(fh_edit_copy(e, from, at, space));
        FH_TRY(fh_edit_emit(e, from, step->mark, origin_at(from, space)));
        at = space + 1;
    }
    return fh_edit_copy(e, from, at, piece.end);
}

/* A piece in GPT-2's alphabet. */
static fh_status write_bytes(const fh_traced *from, fh_edit *e, fh_piece piece) {
    fh_span text = fh_traced_view(from);
    for (size_t at = piece.begin; at < piece.end;) {
        size_t size = fh_utf8_next(text, at).size;
        for (size_t i = 0; i < size; i++)
            FH_TRY(fh_edit_emit(e, from, fh_alphabet_code(fh_span_at(text, at + i)),
                                origin_at(from, i == 0 ? at : at + size - 1)));
        at += size;
    }
    return FH_DONE;
}

/* Writes all pieces anew; `bytes`: as letters for bytes, else with marks. */
static fh_status write_all(const fh_step *step, bool bytes, fh_pieces *p, fh_normalized *n) {
    fh_edit_begin(&n->edit);
    for (size_t i = 0; i < p->count; i++) {
        fh_piece piece = fh_pieces_get(p, i);
        size_t begin = n->edit.size;
        if (!is_text(piece))
            FH_TRY(fh_edit_copy(&n->edit, &n->now, piece.begin, piece.end));
        else if (bytes)
            FH_TRY(write_bytes(&n->now, &n->edit, piece));
        else
            FH_TRY(write_marked(step, &n->now, &n->edit, piece));
        fh_piece moved = {(uint32_t)begin, (uint32_t)n->edit.size, piece.token, piece.at_start};
        fh_piece_items_set(p->items, i, moved);
    }
    return fh_normalized_accept(n);
}

/* True if write_marked would change a piece. */
static bool wants_marks(const fh_step *step, const fh_pieces *p, const fh_normalized *n) {
    if (step->kind == FH_STEP_BYTE_LEVEL && !step->prefix)
        return false;
    for (size_t i = 0; i < p->count; i++) {
        fh_piece piece = fh_pieces_get(p, i);
        if (!is_text(piece))
            continue;
        fh_span text = text_of(n, piece);
        if (prefix_of(step, text, piece) != 0 ||
            (step->kind == FH_STEP_METASPACE && fh_span_find(text, FH_LIT(" "), 0) != SIZE_MAX))
            return true;
    }
    return false;
}

/* --- the whole ---------------------------------------------------------------------------------------------------------- */

static fh_status run_step(const fh_step *step, fh_pieces *p, fh_normalized *n, bool raw_bytes) {
    bool changes = step->kind == FH_STEP_BYTE_LEVEL || step->kind == FH_STEP_METASPACE;
    if (changes && wants_marks(step, p, n))
        FH_TRY(write_all(step, false, p, n));
    if (!changes || step->cuts)
        FH_TRY(cut_all(step, p, n));
    return step->kind == FH_STEP_BYTE_LEVEL && !raw_bytes ? write_all(step, true, p, n) : FH_DONE;
}

/* True if this step and the two before it are DeepSeek's three, for which there is one scanner. */
static bool ends_deepseek(const fh_step *step) {
    const fh_step *second = step->scan == FH_SCAN_DEEPSEEK_WORDS ? step->before : NULL;
    const fh_step *first = second != NULL && second->scan == FH_SCAN_KANA_HAN ? second->before : NULL;
    return first != NULL && first->scan == FH_SCAN_DIGITS3;
}

/* The steps before those three. */
static fh_or_null const fh_step *before_deepseek(const fh_step *step) fh_view(1) {
    const fh_step *second = step->before, *first = second != NULL ? second->before : NULL;
    return first != NULL ? first->before : NULL;
}

/* The steps before, then this one. */
static fh_status run_to(fh_ref fh_or_null const fh_step *step, fh_pieces *p, fh_normalized *n, bool raw_bytes) {
    if (step == NULL)
        return FH_DONE;
    if (ends_deepseek(step)) {
        static const fh_step all = {.kind = FH_STEP_SCAN, .scan = FH_SCAN_DEEPSEEK3};
        FH_TRY(run_to(before_deepseek(step), p, n, false));
        return cut_all(&all, p, n);
    }
    FH_TRY(run_to(step->before, p, n, false));
    return run_step(step, p, n, raw_bytes);
}

fh_status fh_pretokenizer_run(const fh_pretokenizer *pt, fh_pieces *p, fh_normalized *n, bool raw_bytes) {
    return pt != NULL ? run_to(pt->last, p, n, raw_bytes) : FH_DONE;
}

bool fh_pretokenizer_ends_in_bytes(const fh_pretokenizer *pt) {
    return pt != NULL && pt->last != NULL && pt->last->kind == FH_STEP_BYTE_LEVEL;
}

bool fh_pretokenizer_needs_origins(const fh_pretokenizer *pt, bool normalized) {
    const fh_step *step = pt != NULL ? pt->last : NULL;
    for (; step != NULL; step = step->before)
        if ((step->before != NULL || normalized) && step->kind == FH_STEP_METASPACE && step->scheme == FH_SCHEME_FIRST)
            return true;
    return false;
}

bool fh_pretokenizer_marks_spaces(const fh_pretokenizer *pt, fh_lead *lead) {
    const fh_step *step = pt != NULL ? pt->last : NULL;
    *lead = FH_LEAD_NEVER;
    if (step == NULL || step->before != NULL || step->kind != FH_STEP_METASPACE || step->cuts || step->mark != 0x2581)
        return false;
    *lead = step->scheme == FH_SCHEME_FIRST    ? FH_LEAD_FIRST
            : step->scheme == FH_SCHEME_ALWAYS ? FH_LEAD_MISSING
                                               : FH_LEAD_NEVER;
    return true;
}

bool fh_pretokenizer_wants_spaces(const fh_pretokenizer *pt) {
    const fh_step *step = pt != NULL ? pt->last : NULL;
    if (step == NULL)
        return true;
    return step->before == NULL && step->kind == FH_STEP_SPLIT && step->regex != NULL && !step->invert &&
           fh_regex_is_literal(step->regex) && fh_span_is(fh_regex_source(step->regex), " ");
}

bool fh_pretokenizer_is_bert(const fh_pretokenizer *pt) {
    const fh_step *step = pt != NULL ? pt->last : NULL;
    return step != NULL && step->before == NULL && step->kind == FH_STEP_KINDS && step->kinds.space == FH_KIND_DROP &&
           step->kinds.punct == FH_KIND_ALONE && step->kinds.number == FH_KIND_REST && step->kinds.word == FH_KIND_REST;
}

void fh_pretokenizer_part_chinese(fh_pretokenizer *pt) {
    FH_ASSERT(fh_pretokenizer_is_bert(pt) && pt->last != NULL);
    pt->last->kinds.chinese = true;
}

static bool is_space_split(const fh_step *step) {
    return step->before == NULL && step->kind == FH_STEP_KINDS && step->kinds.space == FH_KIND_DROP &&
           step->kinds.punct == FH_KIND_REST && step->kinds.number == FH_KIND_REST && step->kinds.word == FH_KIND_REST;
}

bool fh_pretokenizer_marks_words(const fh_pretokenizer *pt) {
    const fh_step *step = pt != NULL ? pt->last : NULL;
    return step != NULL && step->kind == FH_STEP_METASPACE && step->cuts && step->mark == 0x2581 &&
           step->scheme == FH_SCHEME_ALWAYS && step->before != NULL && is_space_split(step->before);
}

fh_status fh_pretokenizer_run_words(const fh_pretokenizer *pt, fh_pieces *p, fh_normalized *n) {
    FH_ASSERT(fh_pretokenizer_marks_words(pt) && pt->last != NULL);
    return run_to(pt->last->before, p, n, false);
}
