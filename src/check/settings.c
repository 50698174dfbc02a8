/* settings.c: reads deed.toml, finds it, and says which of its entries a path falls under.
 *
 * The reader knows the part of TOML that settings.h names. Lines are counted from 1 and stand in every refusal.
 * Threading: settings.h. */
#include "check/settings.h"

#include "check/driver.h"
#include "check/outside.h"
#include "freehold/os.h"

/* --- words of the file ---------------------------------------------------------------------------------------------------- */

/* What deed_settings has lists of; the first ones are each filled by the key of their name. */
typedef enum which { INCLUDE, EXCLUDE, EVIDENCE, KEYS, AUDITED = KEYS, PAIRS, LISTS } which;

static const char *const keys[KEYS] = {"include", "exclude", "evidence"};

typedef struct reader {
    fh_arena *arena;
    fh_span text;
    size_t at, line;
    const deed_setting *lists[LISTS];
    fh_err *err;
} reader;

static uint8_t peek(const reader *r) {
    return r->at < r->text.size ? fh_span_at(r->text, r->at) : 0;
}

static fh_status refuse(const reader *r, const char *expected) {
    return fh_fail(r->err, FH_CORRUPT, r->at, "deed.toml:%zu: expected %s", r->line, expected);
}

/* Steps over blanks and, where a value may go on, over ends of lines and comments. */
static void skip(reader *r, bool lines) {
    for (;;) {
        uint8_t c = peek(r);
        bool end = c == '\n' && lines;
        if (c == '#') {
            size_t stop = fh_span_find(r->text, FH_LIT("\n"), r->at);
            r->at = stop == SIZE_MAX ? r->text.size : stop;
        } else if (c == ' ' || c == '\t' || c == '\r' || end) {
            r->line += end;
            r->at++;
        } else {
            return;
        }
    }
}

static bool take(reader *r, uint8_t c) {
    bool there = r->at < r->text.size && peek(r) == c;
    r->at += there;
    return there;
}

static fh_span read_key(reader *r) {
    size_t from = r->at;
    while ((peek(r) >= 'a' && peek(r) <= 'z') || peek(r) == '_')
        r->at++;
    return fh_span_sub(r->text, from, r->at - from);
}

/* A text in quotes on one line; a backslash takes the quote or backslash behind it. */
static fh_status read_text(reader *r, fh_out fh_view(*1) fh_span *out) {
    *out = (fh_span){NULL, 0};
    if (!take(r, '"'))
        return refuse(r, "a text in quotes");
    size_t close = r->at;
    while (close < r->text.size && fh_span_at(r->text, close) != '"' && fh_span_at(r->text, close) >= ' ' &&
           fh_span_at(r->text, close) != '\\')
        close++;
    if (close == r->at || close >= r->text.size || fh_span_at(r->text, close) != '"')
        return refuse(r, "a text of one line without escapes, that is not empty");
    *out = fh_span_sub(r->text, r->at, close - r->at);
    r->at = close + 1;
    return FH_DONE;
}

static fh_status end_of_line(reader *r) {
    skip(r, false);
    if (r->at < r->text.size && !take(r, '\n'))
        return refuse(r, "the end of the line");
    r->line++;
    return FH_DONE;
}

/* --- entries -------------------------------------------------------------------------------------------------------------- */

/* A new first entry of the list; NULL when there is no memory. */
static fh_view(*1) fh_or_null deed_setting *add(reader *r, which list) {
    deed_setting *s = fh_arena_alloc(r->arena, 1, sizeof *s);
    if (s == NULL)
        return NULL;
    *s = (deed_setting){.line = r->line, .next = r->lists[list]};
    r->lists[list] = s;
    return s;
}

/* A text becomes an entry. */
static fh_status add_text(reader *r, which list) {
    fh_span text;
    FH_TRY(read_text(r, &text));
    deed_setting *s = add(r, list);
    if (s == NULL)
        return FH_STATUS(FH_NOMEM);
    s->text = text;
    return FH_DONE;
}

static fh_status read_list(reader *r, which list) {
    if (!take(r, '['))
        return refuse(r, "a list of texts");
    for (;;) {
        skip(r, true);
        if (take(r, ']'))
            return FH_DONE;
        FH_TRY(add_text(r, list));
        skip(r, true);
        if (!take(r, ',') && peek(r) != ']')
            return refuse(r, "a comma or the end of the list");
    }
}

static fh_status read_equal(reader *r) {
    skip(r, false);
    if (!take(r, '='))
        return refuse(r, "= behind the key");
    skip(r, false);
    return FH_DONE;
}

static fh_status read_plain(reader *r) {
    fh_span key = read_key(r);
    which list = INCLUDE;
    while (list < KEYS && !fh_span_is(key, keys[list]))
        list++;
    if (list == KEYS)
        return refuse(r, "include, exclude, evidence, [[audited]] or [[pair]]");
    FH_TRY(read_equal(r));
    if (r->lists[list] != NULL)
        return refuse(r, "each key once");
    return list == EVIDENCE ? add_text(r, list) : read_list(r, list);
}

/* One key of a table, into the entry. */
static fh_status read_member(reader *r, fh_mut fh_view(*1) deed_setting *s, bool pair) {
    fh_span key = read_key(r), value;
    bool first = fh_span_is(key, pair ? "alloc" : "path"), second = fh_span_is(key, pair ? "free" : "reason");
    bool whole = !pair && fh_span_is(key, "whole");
    if (!first && !second && !whole)
        return refuse(r, pair ? "alloc or free" : "path, reason or whole");
    FH_TRY(read_equal(r));
    if (whole) {
        if (s->is_whole || !fh_span_is(read_key(r), "true"))
            return refuse(r, "true, once");
        s->is_whole = true;
        return end_of_line(r);
    }
    if ((first ? s->text : s->other).size != 0)
        return refuse(r, "each key once");
    FH_TRY(read_text(r, &value));
    if (first)
        s->text = value;
    else
        s->other = value;
    return end_of_line(r);
}

static fh_status read_table(reader *r) {
    r->at += 2;
    fh_span name = read_key(r);
    bool pair = fh_span_is(name, "pair");
    if (!pair && !fh_span_is(name, "audited"))
        return refuse(r, "[[audited]] or [[pair]]");
    if (!take(r, ']') || !take(r, ']'))
        return refuse(r, "]] behind the name");
    deed_setting *s = add(r, pair ? PAIRS : AUDITED);
    if (s == NULL)
        return FH_STATUS(FH_NOMEM);
    FH_TRY(end_of_line(r));
    for (skip(r, true); r->at < r->text.size && peek(r) != '['; skip(r, true))
        FH_TRY(read_member(r, s, pair));
    if (s->text.size == 0 || s->other.size == 0)
        return fh_fail(r->err, FH_CORRUPT, r->at, "deed.toml:%zu: expected %s in this table", s->line,
                       pair ? "alloc and free" : "path and reason");
    return FH_DONE;
}

/* --- what the texts may be ------------------------------------------------------------------------------------------------ */

static fh_status check_paths(const reader *r, const deed_setting *list) {
    for (const deed_setting *s = list; s != NULL; s = s->next) {
        bool up = fh_span_equal(s->text, FH_LIT("..")) || fh_span_starts(s->text, FH_LIT("../")) ||
                  fh_span_find(s->text, FH_LIT("/.."), 0) != SIZE_MAX;
        if (up || fh_span_at(s->text, 0) == '/' || fh_span_starts(s->text, FH_LIT("./")))
            return fh_fail(r->err, FH_CORRUPT, FH_NO_OFFSET, "deed.toml:%zu: expected a path below the root, not %.*s", s->line,
                           FH_SPAN_FMT(s->text));
    }
    return FH_DONE;
}

fh_status deed_settings_parse(fh_arena *arena, fh_span text, deed_settings *out, fh_err *err) {
    reader r = {.arena = arena, .text = text, .line = 1, .err = err};
    for (skip(&r, true); r.at < r.text.size; skip(&r, true)) {
        if (fh_span_starts(fh_span_from(text, r.at), FH_LIT("[["))) {
            FH_TRY(read_table(&r));
        } else {
            FH_TRY(read_plain(&r));
            FH_TRY(end_of_line(&r));
        }
    }
    FH_TRY(check_paths(&r, r.lists[AUDITED]));
    FH_TRY(check_paths(&r, r.lists[INCLUDE]));
    FH_TRY(check_paths(&r, r.lists[EXCLUDE]));
    FH_TRY(check_paths(&r, r.lists[EVIDENCE]));
    out->audited = r.lists[AUDITED];
    out->pairs = r.lists[PAIRS];
    out->include = r.lists[INCLUDE];
    out->exclude = r.lists[EXCLUDE];
    out->evidence = r.lists[EVIDENCE];
    return FH_DONE;
}

/* --- paths ---------------------------------------------------------------------------------------------------------------- */

/* A path while it is put together: `size` bytes of `text`. */
typedef struct path_text {
    fh_mspan text;
    size_t size;
} path_text;

static void put(path_text *p, fh_span part) {
    for (size_t i = 0; i < part.size; i++)
        *fh_mspan_at(p->text, p->size++) = fh_span_at(part, i);
}

/* Appends the parts of a path, each with a slash behind it. */
static void put_parts(path_text *p, fh_span path) {
    for (size_t from = 0; from < path.size;) {
        size_t slash = fh_span_find(path, FH_LIT("/"), from);
        fh_span part = fh_span_sub(path, from, (slash == SIZE_MAX ? path.size : slash) - from);
        from += part.size + 1;
        if (part.size == 0 || fh_span_is(part, "."))
            continue;
        if (!fh_span_is(part, "..")) {
            put(p, part);
            put(p, FH_LIT("/"));
            continue;
        }
        p->size -= p->size > 1;
        while (p->size > 1 && *fh_mspan_at(p->text, p->size - 1) != '/')
            p->size--;
    }
}

/* The path from the file system's root, each part with a slash behind it. */
static fh_status whole_path(fh_ref fh_arena *arena, fh_span here, fh_span path, fh_out fh_view(1) fh_span *out) {
    size_t room = here.size + path.size + 3;
    uint8_t *at = fh_arena_alloc(arena, room, 1);
    *out = (fh_span){NULL, 0};
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    path_text p = {.text = {at, room}};
    put(&p, FH_LIT("/"));
    if (path.size == 0 || fh_span_at(path, 0) != '/')
        put_parts(&p, here);
    put_parts(&p, path);
    *out = fh_span_sub(fh_span_of_mut(p.text), 0, p.size);
    return FH_DONE;
}

fh_span deed_path_from_root(fh_arena *arena, const deed_settings *s, fh_span path) {
    fh_span whole = {NULL, 0};
    if (fh_failed(whole_path(arena, s->here, path, &whole)) || !fh_span_starts(whole, s->root))
        return (fh_span){NULL, 0};
    fh_span below = fh_span_from(whole, s->root.size);
    return below.size == 0 ? below : fh_span_sub(below, 0, below.size - 1);
}

const deed_setting *deed_setting_over(const deed_setting *list, fh_span path) {
    for (const deed_setting *s = list; s != NULL && path.size != 0; s = s->next) {
        fh_span room = s->text;
        if (fh_span_at(room, room.size - 1) == '/')
            room = fh_span_sub(room, 0, room.size - 1);
        if (fh_span_starts(path, room) && (path.size == room.size || fh_span_at(path, room.size) == '/'))
            return s;
    }
    return NULL;
}

/* --- finding it ----------------------------------------------------------------------------------------------------------- */

static fh_status read_file(fh_ref fh_arena *arena, const char *path, fh_mut fh_view(1) deed_settings *out, fh_err *err) {
    fh_os_map map;
    if (fh_failed(fh_os_map_open(path, &map, NULL)))
        return FH_DONE;
    fh_span text;
    fh_status s = fh_arena_copy(arena, map.bytes, &text);
    fh_os_map_close(&map);
    FH_TRY(s);
    out->is_there = true;
    return deed_settings_parse(arena, text, out, err);
}

fh_status deed_settings_find(fh_arena *arena, fh_span path, deed_settings *out, fh_err *err) {
    *out = (deed_settings){.is_there = false};
    FH_TRY(deed_here(arena, &out->here));
    fh_span folder;
    FH_TRY(whole_path(arena, out->here, path, &folder));
    out->root = out->here;
    for (;;) {
        const char *name = deed_copy_text(arena, folder, FH_LIT("deed.toml"));
        if (name == NULL)
            return FH_STATUS(FH_NOMEM);
        FH_TRY(read_file(arena, name, out, err));
        if (out->is_there)
            out->root = folder;
        if (out->is_there || folder.size <= 1)
            return FH_DONE;
        size_t size = folder.size - 1;
        while (fh_span_at(folder, size - 1) != '/')
            size--;
        folder = fh_span_sub(folder, 0, size);
    }
}
