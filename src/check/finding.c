/* finding.c: findings of a unit, kept in the order of their places, and the four shapes in which they are printed.
 *
 * The rustc shape shows the lines that matter, one above the other, with a caret under the place of the finding and dashes
 * under the places of its notes. What comes from a source file is printed without control characters.
 *
 * Threading: one thread at a time. */
#include "check/finding.h"

#include "check/outside.h"
#include "freehold/json.h"

enum { FINDINGS_MAX = 2000, MARKS_MAX = 16 };

/* --- codes ---------------------------------------------------------------------------------------------------------------- */

typedef struct code_row {
    const char *name, *title;
} code_row;

#define CODE_ROW(number, title) {"FH" #number, title},
static const code_row codes[DEED_CODE_COUNT] = {DEED_CODES(CODE_ROW)};

const char *deed_code_name(deed_code code) {
    return codes[code < DEED_CODE_COUNT ? code : 0].name;
}

const char *deed_code_title(deed_code code) {
    return codes[code < DEED_CODE_COUNT ? code : 0].title;
}

deed_code deed_code_of(fh_span name) {
    for (deed_code i = 0; i < DEED_CODE_COUNT; i++) {
        fh_span full = fh_span_of_str(codes[i].name);
        if (fh_span_equal(name, full) || fh_span_equal(name, fh_span_from(full, 2)))
            return i;
    }
    return DEED_CODE_COUNT;
}

/* --- collecting ----------------------------------------------------------------------------------------------------------- */

void deed_report_init(deed_report *r, const deed_unit *unit) {
    *r = (deed_report){.unit = unit};
}

void deed_report_mute(deed_report *r, bool on) {
    r->muted = on;
    r->current = NULL;
}

void deed_report_function(deed_report *r, fh_span name) {
    r->function = name;
}

/* Below, equal to or above 0, as a place and code come before, are the same as, or come after others. */
static int order(const deed_finding *f, deed_place place, deed_code code) {
    if (f->place.file != place.file)
        return f->place.file < place.file ? -1 : 1;
    if (f->place.offset_bytes != place.offset_bytes)
        return f->place.offset_bytes < place.offset_bytes ? -1 : 1;
    return f->code < code ? -1 : f->code > code;
}

void deed_report_at(deed_report *r, deed_code code, deed_place place, const char *label, const char *format, ...) {
    r->current = NULL;
    if (r->muted)
        return;
    deed_finding *before = NULL, *after = r->first;
    for (; after != NULL && order(after, place, code) < 0; after = after->next)
        before = after;
    if (after != NULL && order(after, place, code) == 0)
        return;
    if (r->count >= FINDINGS_MAX) {
        r->status = FH_STATUS(FH_LIMIT);
        return;
    }
    va_list args;
    va_start(args, format);
    fh_span message = deed_format_text(r->unit->arena, format, args), under;
    va_end(args);
    deed_finding *f = fh_arena_alloc(r->unit->arena, 1, sizeof *f);
    if (f == NULL || fh_failed(fh_arena_copy(r->unit->arena, fh_span_of_str(label), &under))) {
        r->status = FH_STATUS(FH_NOMEM);
        return;
    }
    *f = (deed_finding){.code = code, .place = place, .message = message, .label = under, .function = r->function,
                        .next = after};
    if (before != NULL)
        before->next = f;
    else
        r->first = f;
    r->current = f;
    r->note_end = &f->notes;
    r->count++;
}

void deed_note(deed_report *r, deed_place place, const char *format, ...) {
    if (r->current == NULL)
        return;
    deed_remark *n = fh_arena_alloc(r->unit->arena, 1, sizeof *n);
    if (n == NULL) {
        r->status = FH_STATUS(FH_NOMEM);
        return;
    }
    va_list args;
    va_start(args, format);
    *n = (deed_remark){.place = place, .text = deed_format_text(r->unit->arena, format, args)};
    va_end(args);
    *r->note_end = n;
    r->note_end = &n->next;
}

void deed_help(deed_report *r, const char *format, ...) {
    if (r->current == NULL)
        return;
    va_list args;
    va_start(args, format);
    r->current->help = deed_format_text(r->unit->arena, format, args);
    va_end(args);
}

void deed_relabel(deed_report *r, fh_span label) {
    if (r->current != NULL && fh_failed(fh_arena_copy(r->unit->arena, label, &r->current->label)))
        r->status = FH_STATUS(FH_NOMEM);
}

fh_status deed_report_status(const deed_report *r) {
    return r->status;
}

const deed_finding *deed_report_first(const deed_report *r) {
    return r->first;
}

size_t deed_report_count(const deed_report *r) {
    return r->count;
}

/* --- places --------------------------------------------------------------------------------------------------------------- */

static fh_span text_of(const deed_unit *unit, deed_place place) {
    return place.file < unit->files.count ? fh_deed_files_at(unit->files, place.file)->text : (fh_span){NULL, 0};
}

static fh_span path_of(const deed_unit *unit, deed_place place) {
    return place.file < unit->files.count ? fh_deed_files_at(unit->files, place.file)->path : (fh_span){NULL, 0};
}

deed_spot deed_spot_of(const deed_unit *unit, deed_place place) {
    fh_span text = text_of(unit, place);
    deed_spot at = {1, 1, 0};
    size_t end = place.offset_bytes < text.size ? place.offset_bytes : text.size;
    for (size_t next = fh_span_find(text, FH_LIT("\n"), 0); next < end; next = fh_span_find(text, FH_LIT("\n"), next + 1)) {
        at.line++;
        at.line_offset = next + 1;
    }
    at.column = end - at.line_offset + 1;
    return at;
}

size_t deed_units_of(uint8_t byte) {
    return byte >= 0xf0 ? 2 : byte < 0x80 || byte >= 0xc0;
}

size_t deed_units_before(const deed_unit *unit, deed_place place) {
    fh_span text = text_of(unit, place);
    deed_spot at = deed_spot_of(unit, place);
    size_t units = 0;
    for (size_t i = at.line_offset; i < at.line_offset + at.column - 1 && i < text.size; i++)
        units += deed_units_of(fh_span_at(text, i));
    return units;
}

fh_status deed_put_uri(fh_buf *out, fh_span path) {
    fh_span hex = FH_LIT("0123456789ABCDEF"), plain = FH_LIT("/.-_~");
    for (size_t i = 0; i < path.size; i++) {
        fh_span one = fh_span_sub(path, i, 1);
        uint8_t c = fh_span_at(path, i);
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter || fh_span_find(plain, one, 0) != SIZE_MAX)
            FH_TRY(fh_buf_put_u8(out, c));
        else
            FH_TRY(fh_buf_format(out, "%%%c%c", fh_span_at(hex, c >> 4), fh_span_at(hex, c & 15)));
    }
    return FH_DONE;
}

static fh_span line_at(fh_span text, size_t offset) {
    if (offset >= text.size)
        return (fh_span){NULL, 0};
    size_t end = fh_span_find(text, FH_LIT("\n"), offset);
    return fh_span_sub(text, offset, (end == SIZE_MAX ? text.size : end) - offset);
}

/* --- the rustc shape ------------------------------------------------------------------------------------------------------ */

/* A line under the source: the finding itself, or a note. */
typedef struct mark {
    deed_place place;
    deed_spot at;
    size_t from, to; /* columns on the screen, from 0 */
    fh_span text;
    bool primary;
} mark;
FH_SPAN_DEFINE(line_mark, mark);

typedef struct painter {
    fh_buf *out;
    bool color;
    unsigned width; /* of the line numbers */
} painter;

static fh_status paint(const painter *p, const char *style) {
    return p->color ? fh_buf_format(p->out, "\033[%sm", style) : FH_DONE;
}

#define RED "1;31"
#define BLUE "1;34"
#define BOLD "1"
#define PLAIN "0"

static fh_status put_gutter(const painter *p, size_t line, const char *after) {
    FH_TRY(paint(p, BLUE));
    if (line == 0)
        FH_TRY(fh_buf_format(p->out, "%*s |", (int)p->width, ""));
    else
        FH_TRY(fh_buf_format(p->out, "%*zu |", (int)p->width, line));
    FH_TRY(paint(p, PLAIN));
    return fh_buf_put(p->out, fh_span_of_str(after));
}

/* The bytes of a source line. */
static fh_status put_source(const painter *p, fh_span line) {
    for (size_t i = 0; i < line.size; i++) {
        uint8_t c = fh_span_at(line, i);
        if (c == '\t')
            FH_TRY(fh_buf_put(p->out, FH_LIT("    ")));
        else
            FH_TRY(fh_buf_put_u8(p->out, c < 0x20 || c == 0x7f ? '?' : c));
    }
    return FH_DONE;
}

/* Columns that the bytes take on the screen. */
static size_t width_of(fh_span text) {
    size_t width = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = fh_span_at(text, i);
        bool inner = c >= 0x80 && c < 0xc0; /* the rest of a UTF-8 character takes no room */
        width += c == '\t' ? 4 : !inner;
    }
    return width;
}

/* Goes on in another style; NULL: none. */
static fh_status restyle(const painter *p, fh_mut fh_view(3) const char **style, const char *next) {
    if (*style == next)
        return FH_DONE;
    if (*style != NULL)
        FH_TRY(paint(p, PLAIN));
    *style = next;
    return next != NULL ? paint(p, next) : FH_DONE;
}

static const char *style_of(const mark *m) {
    return m->primary ? RED : BLUE;
}

static fh_or_null const mark *mark_under(fh_line_marks marks, size_t column) {
    const mark *found = NULL;
    for (size_t i = 0; i < marks.count; i++) {
        const mark *m = fh_line_marks_at(marks, i);
        if (m->from <= column && column < m->to && (found == NULL || m->primary))
            found = m;
    }
    return found;
}

/* The line of carets and dashes; `label`: the mark whose text stands behind them, or NULL. */
static fh_status put_underline(const painter *p, fh_line_marks marks, const mark *label) {
    size_t end = 0;
    const char *style = NULL;
    for (size_t i = 0; i < marks.count; i++)
        end = fh_line_marks_at(marks, i)->to > end ? fh_line_marks_at(marks, i)->to : end;
    FH_TRY(put_gutter(p, 0, " "));
    for (size_t column = 0; column < end; column++) {
        const mark *m = mark_under(marks, column);
        FH_TRY(restyle(p, &style, m == NULL ? NULL : style_of(m)));
        FH_TRY(fh_buf_put_u8(p->out, m == NULL ? ' ' : m->primary ? '^' : '-'));
    }
    if (label != NULL && label->text.size != 0) {
        FH_TRY(restyle(p, &style, style_of(label)));
        FH_TRY(fh_buf_format(p->out, " %.*s", FH_SPAN_FMT(label->text)));
    }
    FH_TRY(restyle(p, &style, NULL));
    return fh_buf_put(p->out, FH_LIT("\n"));
}

/* Bars under all marks left of the last one, whose text stands there; or under all of them. */
static fh_status put_hanging(const painter *p, fh_line_marks marks, bool only_bars) {
    const mark *last = fh_line_marks_at(marks, marks.count - 1);
    size_t column = 0;
    const char *style = NULL;
    FH_TRY(put_gutter(p, 0, " "));
    for (size_t i = 0; i < marks.count; i++) {
        const mark *m = fh_line_marks_at(marks, i);
        bool bar = only_bars || m->from < last->from;
        if ((!bar && i + 1 < marks.count) || (column > m->from && bar))
            continue; /* another one stands there */
        FH_TRY(restyle(p, &style, NULL));
        FH_TRY(fh_buf_format(p->out, "%*s", (int)(m->from - column), ""));
        FH_TRY(restyle(p, &style, style_of(m)));
        FH_TRY(fh_buf_put(p->out, bar ? FH_LIT("|") : m->text));
        column = m->from + 1;
    }
    FH_TRY(restyle(p, &style, NULL));
    return fh_buf_put(p->out, FH_LIT("\n"));
}

/* The marks of one line, from its left: what stands last gets its text beside it, the others hang below. */
static fh_status put_marks(const painter *p, fh_line_marks marks) {
    const mark *last = fh_line_marks_at(marks, marks.count - 1);
    bool beside = true, bars = false;
    for (size_t i = 0; i + 1 < marks.count; i++)
        beside = beside && fh_line_marks_at(marks, i)->to <= last->from;
    FH_TRY(put_underline(p, marks, beside ? last : NULL));
    for (size_t left = marks.count - (beside ? 1 : 0); left > 0; left--) {
        fh_line_marks rest = fh_line_marks_sub(marks, 0, left);
        if (!bars)
            FH_TRY(put_hanging(p, rest, true));
        bars = true;
        FH_TRY(put_hanging(p, rest, false));
    }
    return FH_DONE;
}

/* The lines of one file that have marks, from above. */
static fh_status put_file(const painter *p, const deed_unit *unit, fh_line_marks all, uint32_t file) {
    size_t last = 0;
    for (size_t i = 0; i < all.count; i++) {
        const mark *m = fh_line_marks_at(all, i);
        fh_span line = line_at(text_of(unit, m->place), m->at.line_offset);
        mark room[MARKS_MAX];
        size_t count = 0;
        if (m->place.file != file || m->at.line == last)
            continue;
        if (last != 0 && m->at.line > last + 1) {
            FH_TRY(paint(p, BLUE));
            FH_TRY(fh_buf_put(p->out, FH_LIT("...\n")));
            FH_TRY(paint(p, PLAIN));
        }
        last = m->at.line;
        for (size_t k = i; k < all.count; k++) {
            if (fh_line_marks_at(all, k)->place.file == file && fh_line_marks_at(all, k)->at.line == last)
                fh_line_marks_set((fh_line_marks){room, MARKS_MAX}, count++, fh_line_marks_get(all, k));
        }
        FH_TRY(put_gutter(p, last, line.size == 0 ? "" : " "));
        FH_TRY(put_source(p, line));
        FH_TRY(fh_buf_put(p->out, FH_LIT("\n")));
        FH_TRY(put_marks(p, fh_line_marks_sub((fh_line_marks){room, MARKS_MAX}, 0, count)));
    }
    return FH_DONE;
}

/* In the order of lines and columns. */
static void add_mark(const deed_unit *unit, fh_line_marks all, size_t *count, deed_place place, fh_span text, bool primary) {
    if (*count >= all.count || place.file == 0)
        return;
    mark m = {.place = place, .at = deed_spot_of(unit, place), .text = text, .primary = primary};
    fh_span line = line_at(text_of(unit, place), m.at.line_offset);
    size_t before = m.at.column - 1 < line.size ? m.at.column - 1 : line.size;
    size_t size = place.end_bytes > place.offset_bytes ? place.end_bytes - place.offset_bytes : 1;
    if (size > line.size - before)
        size = line.size - before;
    m.from = width_of(fh_span_sub(line, 0, before));
    m.to = m.from + width_of(fh_span_sub(line, before, size));
    m.to = m.to > m.from ? m.to : m.from + 1;
    size_t i = *count;
    for (; i > 0; i--) {
        const mark *o = fh_line_marks_at(all, i - 1);
        if (o->at.line < m.at.line || (o->at.line == m.at.line && o->from <= m.from))
            break;
        fh_line_marks_set(all, i, *o);
    }
    fh_line_marks_set(all, i, m);
    (*count)++;
}

static fh_status put_head(const painter *p, const deed_unit *unit, const deed_finding *f) {
    FH_TRY(paint(p, RED));
    FH_TRY(fh_buf_format(p->out, "error[%s]", deed_code_name(f->code)));
    FH_TRY(paint(p, PLAIN));
    FH_TRY(paint(p, BOLD));
    FH_TRY(fh_buf_put(p->out, FH_LIT(": ")));
    FH_TRY(fh_buf_put(p->out, f->message));
    FH_TRY(fh_buf_put(p->out, FH_LIT("\n")));
    FH_TRY(paint(p, BLUE));
    FH_TRY(fh_buf_format(p->out, "%*s-->", (int)p->width, ""));
    FH_TRY(paint(p, PLAIN));
    deed_spot at = deed_spot_of(unit, f->place);
    FH_TRY(fh_buf_format(p->out, " %.*s:%zu:%zu\n", FH_SPAN_FMT(path_of(unit, f->place)), at.line, at.column));
    return put_gutter(p, 0, "\n");
}

static fh_status put_tail(const painter *p, const char *word, fh_span text) {
    FH_TRY(paint(p, BLUE));
    FH_TRY(fh_buf_format(p->out, "%*s = ", (int)p->width, ""));
    FH_TRY(paint(p, PLAIN));
    FH_TRY(paint(p, BOLD));
    FH_TRY(fh_buf_format(p->out, "%s", word));
    FH_TRY(paint(p, PLAIN));
    FH_TRY(fh_buf_put(p->out, FH_LIT(": ")));
    FH_TRY(fh_buf_put(p->out, text));
    return fh_buf_put(p->out, FH_LIT("\n"));
}

static fh_status render_rustc(const deed_unit *unit, const deed_finding *f, bool color, fh_buf *out) {
    mark room[MARKS_MAX];
    size_t count = 0, deepest = 1;
    add_mark(unit, (fh_line_marks){room, MARKS_MAX}, &count, f->place, f->label, true);
    for (const deed_remark *n = f->notes; n != NULL; n = n->next)
        add_mark(unit, (fh_line_marks){room, MARKS_MAX}, &count, n->place, n->text, false);
    fh_line_marks marks = fh_line_marks_sub((fh_line_marks){room, MARKS_MAX}, 0, count);
    for (size_t i = 0; i < count; i++)
        deepest = fh_line_marks_at(marks, i)->at.line > deepest ? fh_line_marks_at(marks, i)->at.line : deepest;
    painter p = {out, color, 1};
    for (; deepest >= 10; deepest /= 10)
        p.width++;
    FH_TRY(put_head(&p, unit, f));
    FH_TRY(put_file(&p, unit, marks, f->place.file));
    for (size_t i = 0; i < count; i++) { /* notes in other files, each file where its first one comes */
        const mark *m = fh_line_marks_at(marks, i);
        bool first = m->place.file != f->place.file;
        for (size_t k = 0; k < i; k++)
            first = first && fh_line_marks_at(marks, k)->place.file != m->place.file;
        if (!first)
            continue;
        FH_TRY(paint(&p, BLUE));
        FH_TRY(fh_buf_format(p.out, "%*s:::", (int)p.width, ""));
        FH_TRY(paint(&p, PLAIN));
        FH_TRY(fh_buf_format(p.out, " %.*s:%zu:%zu\n", FH_SPAN_FMT(path_of(unit, m->place)), m->at.line, m->at.column));
        FH_TRY(put_gutter(&p, 0, "\n"));
        FH_TRY(put_file(&p, unit, marks, m->place.file));
    }
    for (const deed_remark *n = f->notes; n != NULL; n = n->next) {
        if (n->place.file == 0)
            FH_TRY(put_tail(&p, "note", n->text));
    }
    if (f->help.size != 0)
        FH_TRY(put_tail(&p, "help", f->help));
    return fh_buf_put(out, FH_LIT("\n"));
}

/* --- the other shapes ----------------------------------------------------------------------------------------------------- */

static fh_status put_gcc_line(const deed_unit *unit, deed_place place, const char *kind, fh_span text, fh_buf *out) {
    deed_spot at = deed_spot_of(unit, place);
    FH_TRY(fh_buf_format(out, "%.*s:%zu:%zu: %s: ", FH_SPAN_FMT(path_of(unit, place)), at.line, at.column, kind));
    return fh_buf_put(out, text);
}

static fh_status render_gcc(const deed_unit *unit, const deed_finding *f, fh_buf *out) {
    FH_TRY(put_gcc_line(unit, f->place, "error", f->message, out));
    FH_TRY(fh_buf_format(out, " [%s]\n", deed_code_name(f->code)));
    for (const deed_remark *n = f->notes; n != NULL; n = n->next) {
        FH_TRY(put_gcc_line(unit, n->place.file == 0 ? f->place : n->place, "note", n->text, out));
        FH_TRY(fh_buf_put(out, FH_LIT("\n")));
    }
    if (f->help.size == 0)
        return FH_DONE;
    FH_TRY(put_gcc_line(unit, f->place, "note", FH_LIT("help: "), out));
    FH_TRY(fh_buf_put(out, f->help));
    return fh_buf_put(out, FH_LIT("\n"));
}

fh_status deed_put_whole(const deed_finding *f, fh_buf *out) {
    FH_TRY(fh_buf_put(out, f->message));
    for (const deed_remark *n = f->notes; n != NULL; n = n->next) {
        if (n->place.file != 0)
            continue;
        FH_TRY(fh_buf_put(out, FH_LIT("\nnote: ")));
        FH_TRY(fh_buf_put(out, n->text));
    }
    if (f->help.size == 0)
        return FH_DONE;
    FH_TRY(fh_buf_put(out, FH_LIT("\nhelp: ")));
    return fh_buf_put(out, f->help);
}

static fh_status put_key_text(fh_json_writer *w, const char *key, fh_span text) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_text(w, text);
}

static fh_status put_key_number(fh_json_writer *w, const char *key, uint64_t number) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_u64(w, number);
}

static deed_spot end_of(const deed_unit *unit, deed_place place) {
    uint32_t end = place.end_bytes > place.offset_bytes ? place.end_bytes : place.offset_bytes;
    return deed_spot_of(unit, (deed_place){place.file, end, end});
}

static fh_status put_json_place(fh_json_writer *w, const deed_unit *unit, deed_place place) {
    deed_spot at = deed_spot_of(unit, place), end = end_of(unit, place);
    FH_TRY(put_key_text(w, "file", path_of(unit, place)));
    FH_TRY(put_key_number(w, "line", at.line));
    FH_TRY(put_key_number(w, "column", at.column));
    FH_TRY(put_key_number(w, "end_line", end.line));
    return put_key_number(w, "end_column", end.column);
}

static fh_status render_json(const deed_unit *unit, const deed_finding *f, fh_buf *out) {
    fh_json_writer w;
    fh_json_writer_init(&w, out, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(put_key_text(&w, "code", fh_span_of_str(deed_code_name(f->code))));
    FH_TRY(put_key_text(&w, "message", f->message));
    FH_TRY(put_json_place(&w, unit, f->place));
    FH_TRY(put_key_text(&w, "label", f->label));
    FH_TRY(put_key_text(&w, "function", f->function));
    FH_TRY(fh_json_key(&w, "notes"));
    FH_TRY(fh_json_open(&w, false));
    for (const deed_remark *n = f->notes; n != NULL; n = n->next) {
        FH_TRY(fh_json_open(&w, true));
        FH_TRY(put_key_text(&w, "message", n->text));
        FH_TRY(put_json_place(&w, unit, n->place));
        FH_TRY(fh_json_close(&w, true));
    }
    FH_TRY(fh_json_close(&w, false));
    FH_TRY(put_key_text(&w, "help", f->help));
    FH_TRY(fh_json_close(&w, true));
    return fh_buf_put(out, FH_LIT("\n"));
}

static fh_status put_sarif_uri(fh_json_writer *w, fh_span path) {
    fh_buf uri;
    fh_buf_init(&uri, w->out->allocator, 0);
    fh_status s = fh_span_starts(path, FH_LIT("/")) ? fh_buf_put(&uri, FH_LIT("file://")) : FH_DONE;
    if (!fh_failed(s))
        s = deed_put_uri(&uri, path);
    if (!fh_failed(s))
        s = put_key_text(w, "uri", fh_buf_view(&uri));
    fh_buf_deinit(&uri);
    return s;
}

static fh_status put_sarif_text(fh_json_writer *w, fh_span text) {
    FH_TRY(fh_json_key(w, "message"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_key_text(w, "text", text));
    return fh_json_close(w, true);
}

static fh_status put_sarif_place(fh_json_writer *w, const deed_unit *unit, deed_place place, fh_span message) {
    uint32_t last = place.end_bytes > place.offset_bytes ? place.end_bytes : place.offset_bytes;
    deed_place end = {place.file, last, last};
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "physicalLocation"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "artifactLocation"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_sarif_uri(w, path_of(unit, place)));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(fh_json_key(w, "region"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_key_number(w, "startLine", deed_spot_of(unit, place).line));
    FH_TRY(put_key_number(w, "startColumn", deed_units_before(unit, place) + 1));
    FH_TRY(put_key_number(w, "endLine", deed_spot_of(unit, end).line));
    FH_TRY(put_key_number(w, "endColumn", deed_units_before(unit, end) + 1));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(fh_json_close(w, true));
    if (message.size != 0)
        FH_TRY(put_sarif_text(w, message));
    return fh_json_close(w, true);
}

/* The message, with the notes that have no place, and the help, below it. */
static fh_status put_sarif_message(fh_json_writer *w, const deed_finding *f) {
    fh_buf text;
    fh_buf_init(&text, w->out->allocator, 0);
    fh_status s = deed_put_whole(f, &text);
    if (!fh_failed(s))
        s = put_sarif_text(w, fh_buf_view(&text));
    fh_buf_deinit(&text);
    return s;
}

static fh_status render_sarif(const deed_unit *unit, const deed_finding *f, fh_buf *out) {
    fh_json_writer w;
    fh_json_writer_init(&w, out, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(put_key_text(&w, "ruleId", fh_span_of_str(deed_code_name(f->code))));
    FH_TRY(put_key_number(&w, "ruleIndex", f->code));
    FH_TRY(put_key_text(&w, "level", FH_LIT("error")));
    FH_TRY(put_sarif_message(&w, f));
    FH_TRY(fh_json_key(&w, "locations"));
    FH_TRY(fh_json_open(&w, false));
    FH_TRY(put_sarif_place(&w, unit, f->place, f->label));
    FH_TRY(fh_json_close(&w, false));
    FH_TRY(fh_json_key(&w, "relatedLocations"));
    FH_TRY(fh_json_open(&w, false));
    for (const deed_remark *n = f->notes; n != NULL; n = n->next) {
        if (n->place.file != 0)
            FH_TRY(put_sarif_place(&w, unit, n->place, n->text));
    }
    FH_TRY(fh_json_close(&w, false));
    return fh_json_close(&w, true);
}

fh_status deed_render_one(const deed_unit *unit, const deed_finding *f, deed_format format, bool color, fh_buf *out) {
    switch (format) {
    case DEED_FORMAT_RUSTC: return render_rustc(unit, f, color, out);
    case DEED_FORMAT_GCC: return render_gcc(unit, f, out);
    case DEED_FORMAT_JSON: return render_json(unit, f, out);
    case DEED_FORMAT_SARIF: return render_sarif(unit, f, out);
    }
    return FH_STATUS(FH_INVALID);
}

fh_status deed_render(const deed_unit *unit, const deed_report *r, deed_format format, bool color, fh_buf *out) {
    for (const deed_finding *f = r->first; f != NULL; f = f->next) {
        if (f != r->first && format == DEED_FORMAT_SARIF)
            FH_TRY(fh_buf_put(out, FH_LIT(",\n")));
        FH_TRY(deed_render_one(unit, f, format, color, out));
    }
    return FH_DONE;
}
