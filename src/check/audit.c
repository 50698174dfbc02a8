/* audit.c: `deed audit`: the unsafe code of a tree: how much of it lies in which room, and what each region rests on.
 *
 * A region goes from FH_UNSAFE("id") to the end of the block it stands in; in a room that is audited as a whole, every line is
 * unsafe. Sources are read as text: what the preprocessor leaves out is counted too, comments and literals are stepped over.
 *
 * The file that deed.toml calls `evidence` has a table with a row for each id: `id` | files | invariant | what shows it. The
 * last column names programs: wp_… is a proof, weave_… a model of every interleaving, test_… and fuzz_… are tests. An id
 * without a row, a row without a region, a row that names no program, and a whole room that no row names are errors.
 *
 * Threading: the main thread. */
#include "check/driver.h"
#include "check/outside.h"
#include "freehold/json.h"
#include "freehold/os.h"

/* One of the audited rooms; without a deed.toml, or outside its rooms, a folder with regions. */
typedef struct room {
    fh_or_null const deed_setting *setting; /* NULL: a folder */
    fh_span path;
    size_t files, lines, regions, unsafe_lines;
    fh_or_null struct room *next;
} room;

/* An id: its regions in the tree, and its row in the table. */
typedef struct invariant {
    fh_span id, files, text, shown;
    size_t regions, lines;
    bool has_row;
    fh_or_null struct invariant *next;
} invariant;

typedef struct complaints {
    fh_owned fh_buf lines;
    size_t count;
} complaints;

typedef struct audit {
    deed_app *app;
    fh_or_null room *rooms;             /* in the order of their paths */
    fh_or_null invariant *invariants;   /* in the order of their ids */
    complaints errors;
    size_t lines;
} audit;

static fh_status add_error(complaints *c, fh_span subject, const char *what) {
    c->count++;
    return fh_buf_format(&c->lines, "deed: %.*s: %s\n", FH_SPAN_FMT(subject), what);
}

/* The row of an id, made if it is new; NULL when there is no memory. */
static fh_view(*1) fh_or_null invariant *invariant_of(audit *a, fh_span id) {
    invariant *before = NULL, *after = a->invariants;
    for (; after != NULL && fh_span_compare(after->id, id) < 0; after = after->next)
        before = after;
    if (after != NULL && fh_span_equal(after->id, id))
        return after;
    fh_span copy;
    invariant *i = fh_arena_alloc(a->app->arena, 1, sizeof *i);
    if (i == NULL || fh_failed(fh_arena_copy(a->app->arena, id, &copy)))
        return NULL;
    *i = (invariant){.id = copy, .next = after};
    if (before != NULL)
        before->next = i;
    else
        a->invariants = i;
    return i;
}

/* --- sources -------------------------------------------------------------------------------------------------------------- */

/* Where the comment or the literal that begins at `at` ends; `at` if none begins there. */
static size_t skip_text(fh_span text, size_t at) {
    fh_span rest = fh_span_from(text, at);
    if (fh_span_starts(rest, FH_LIT("//"))) {
        size_t end = fh_span_find(text, FH_LIT("\n"), at);
        return end == SIZE_MAX ? text.size : end;
    }
    if (fh_span_starts(rest, FH_LIT("/*"))) {
        size_t end = fh_span_find(text, FH_LIT("*/"), at + 2);
        return end == SIZE_MAX ? text.size : end + 2;
    }
    uint8_t quote = fh_span_at(text, at);
    if (quote != '"' && quote != '\'')
        return at;
    size_t i = at + 1;
    while (i < text.size && fh_span_at(text, i) != quote && fh_span_at(text, i) != '\n')
        i += fh_span_at(text, i) == '\\' ? 2 : 1;
    return i < text.size ? i + 1 : text.size;
}

/* A walk over a source: how deep in blocks, and the outermost open region: its id, and the depth it began at. */
typedef struct walk {
    size_t depth, marked;
    invariant *open;
} walk;

static fh_status open_region(audit *a, fh_span text, size_t at, fh_mut fh_view(*1) walk *w, room *r) {
    size_t from = at + sizeof "FH_UNSAFE(\"" - 1, end = fh_span_find(text, FH_LIT("\""), from);
    invariant *i = invariant_of(a, fh_span_sub(text, from, (end == SIZE_MAX ? text.size : end) - from));
    if (i == NULL)
        return FH_STATUS(FH_NOMEM);
    r->regions++;
    i->regions++;
    if (w->open != NULL)
        return FH_DONE;
    *w = (walk){w->depth, w->depth, i};
    r->unsafe_lines++;
    i->lines++;
    return FH_DONE;
}

static void step(uint8_t c, bool is_code, walk *w, room *r) {
    w->depth += is_code && c == '{';
    if (is_code && c == '}') {
        if (w->open != NULL && w->depth == w->marked)
            w->open = NULL;
        w->depth -= w->depth > 0;
    }
    r->lines += c == '\n';
    if (c == '\n' && w->open != NULL) {
        r->unsafe_lines++;
        w->open->lines++;
    }
}

static fh_status count_source(audit *a, fh_span text, room *r) {
    walk w = {0, 0, NULL};
    for (size_t at = 0; at < text.size;) {
        size_t after = skip_text(text, at);
        bool is_code = after == at;
        if (is_code && fh_span_starts(fh_span_from(text, at), FH_LIT("FH_UNSAFE(\"")))
            FH_TRY(open_region(a, text, at, &w, r));
        for (after = is_code ? at + 1 : after; at < after; at++)
            step(fh_span_at(text, at), is_code, &w, r);
    }
    return FH_DONE;
}

/* The row of a room, made if it is new; NULL when there is no memory. */
static fh_view(*1, 2) fh_or_null room *room_of(fh_mut fh_view(2) audit *a, fh_or_null const deed_setting *setting,
                                               fh_span path) {
    fh_span name = setting != NULL ? setting->text : path, copy;
    room *before = NULL, *after = a->rooms;
    for (; after != NULL && fh_span_compare(after->path, name) < 0; after = after->next)
        before = after;
    if (after != NULL && fh_span_equal(after->path, name))
        return after;
    room *r = fh_arena_alloc(a->app->arena, 1, sizeof *r);
    if (r == NULL || fh_failed(fh_arena_copy(a->app->arena, name, &copy)))
        return NULL;
    *r = (room){.setting = setting, .path = copy, .next = after};
    if (before != NULL)
        before->next = r;
    else
        a->rooms = r;
    return r;
}

static fh_span folder_of(fh_span path) {
    size_t end = path.size;
    while (end > 0 && fh_span_at(path, end - 1) != '/')
        end--;
    return fh_span_sub(path, 0, end);
}

static fh_status found(void *ctx, const char *path) {
    audit *a = ctx;
    fh_span name = fh_span_of_str(path);
    if (!deed_ends_with(name, ".c") && !deed_ends_with(name, ".h"))
        return FH_DONE;
    const deed_settings *settings = &a->app->settings;
    fh_span from_root = deed_path_from_root(a->app->arena, settings, name);
    if (deed_setting_over(settings->exclude, from_root) != NULL)
        return FH_DONE;
    const deed_setting *setting = deed_setting_over(settings->audited, from_root);
    room one = {.files = 1};
    fh_os_map map;
    fh_err err;
    fh_err_clear(&err);
    FH_TRY(fh_os_map_open(path, &map, &err));
    fh_status s = count_source(a, map.bytes, &one);
    fh_os_map_close(&map);
    FH_TRY(s);
    a->lines += one.lines;
    if (setting == NULL && one.regions == 0)
        return FH_DONE;
    room *r = room_of(a, setting, folder_of(name));
    if (r == NULL)
        return FH_STATUS(FH_NOMEM);
    r->files++;
    r->lines += one.lines;
    r->regions += one.regions;
    r->unsafe_lines += setting != NULL && setting->is_whole ? one.lines : one.unsafe_lines;
    return FH_DONE;
}

/* --- the table ------------------------------------------------------------------------------------------------------------ */

/* Column `n` of a row, from 0, without the blanks around it; empty if there is none. `\\|` is no end of a column. */
static fh_span column(fh_span row, size_t n) {
    size_t from = 1, at = 1;
    for (size_t i = 0; at < row.size; at++) {
        if (fh_span_at(row, at) != '|' || fh_span_at(row, at - 1) == '\\')
            continue;
        if (i++ == n)
            break;
        from = at + 1;
    }
    while (from < at && fh_span_at(row, from) == ' ')
        from++;
    while (at > from && fh_span_at(row, at - 1) == ' ')
        at--;
    return fh_span_sub(row, from, at - from);
}

/* What an invariant is shown by: the strongest program that its row names. NULL: nothing. */
static fh_or_null const char *kind_of(const invariant *i) {
    return fh_span_find(i->shown, FH_LIT("`wp_"), 0) != SIZE_MAX      ? "proof"
           : fh_span_find(i->shown, FH_LIT("`weave_"), 0) != SIZE_MAX ? "model"
           : fh_span_find(i->shown, FH_LIT("`test_"), 0) != SIZE_MAX  ? "test"
           : fh_span_find(i->shown, FH_LIT("`fuzz_"), 0) != SIZE_MAX  ? "test"
                                                                      : NULL;
}

static fh_status read_table(audit *a, fh_span text) {
    for (size_t at = 0; at < text.size;) {
        size_t end = fh_span_find(text, FH_LIT("\n"), at);
        fh_span row = fh_span_sub(text, at, (end == SIZE_MAX ? text.size : end) - at);
        at += row.size + 1;
        if (!fh_span_starts(row, FH_LIT("| `")))
            continue;
        fh_span id = column(row, 0), files, words, shown;
        if (id.size < 3 || fh_span_at(id, id.size - 1) != '`')
            continue;
        FH_TRY(fh_arena_copy(a->app->arena, column(row, 1), &files));
        FH_TRY(fh_arena_copy(a->app->arena, column(row, 2), &words));
        FH_TRY(fh_arena_copy(a->app->arena, column(row, 3), &shown));
        invariant *i = invariant_of(a, fh_span_sub(id, 1, id.size - 2));
        if (i == NULL)
            return FH_STATUS(FH_NOMEM);
        if (i->has_row)
            FH_TRY(add_error(&a->errors, i->id, "two rows of the table have this id"));
        i->has_row = true;
        i->files = files;
        i->text = words;
        i->shown = shown;
    }
    return FH_DONE;
}

/* The room that is audited as a whole and that a row names, or NULL. */
static fh_or_null const room *whole_room_of(const audit *a, const invariant *i) {
    const room *r = a->rooms;
    while (r != NULL && (r->setting == NULL || !r->setting->is_whole || fh_span_find(i->files, r->path, 0) == SIZE_MAX))
        r = r->next;
    return r;
}

static fh_status check_table(audit *a) {
    for (const invariant *i = a->invariants; i != NULL; i = i->next) {
        if (!i->has_row)
            FH_TRY(add_error(&a->errors, i->id, "regions of this id have no row in the table"));
        else if (i->regions == 0 && whole_room_of(a, i) == NULL)
            FH_TRY(add_error(&a->errors, i->id, "the table has a row, but there is no region of this id"));
        else if (kind_of(i) == NULL)
            FH_TRY(add_error(&a->errors, i->id, "its row names no proof, model or test"));
    }
    for (const room *r = a->rooms; r != NULL; r = r->next) {
        const invariant *i = a->invariants;
        while (i != NULL && whole_room_of(a, i) != r)
            i = i->next;
        if (r->setting != NULL && r->setting->is_whole && i == NULL)
            FH_TRY(add_error(&a->errors, r->path, "it is audited as a whole, and no row of the table names it"));
    }
    return FH_DONE;
}

static fh_status weigh(audit *a, fh_err *err) {
    const deed_setting *evidence = a->app->settings.evidence;
    if (evidence == NULL)
        return FH_DONE;
    fh_os_map map;
    const char *path = deed_copy_text(a->app->arena, a->app->settings.root, evidence->text);
    if (path == NULL)
        return FH_STATUS(FH_NOMEM);
    FH_TRY(fh_os_map_open(path, &map, err));
    fh_status s = read_table(a, map.bytes);
    fh_os_map_close(&map);
    FH_TRY(s);
    return check_table(a);
}

/* --- output --------------------------------------------------------------------------------------------------------------- */

static double percent(size_t part, size_t whole) {
    return whole == 0 ? 0 : 100.0 * (double)part / (double)whole;
}

/* The sum of the rooms, or of those that are not whole: counts alone, which look nowhere. */
fh_static static room sum_of(const audit *a, bool without_whole) {
    room sum = {.files = 0};
    for (const room *r = a->rooms; r != NULL; r = r->next) {
        if (without_whole && r->setting != NULL && r->setting->is_whole)
            continue;
        sum.files += r->files;
        sum.lines += r->lines;
        sum.regions += r->regions;
        sum.unsafe_lines += r->unsafe_lines;
    }
    return sum;
}

static fh_status put_room(const audit *a, const room *r, fh_span name) {
    return fh_buf_format(&a->app->out, "%7zu %8zu %8zu %8zu %7.1f%%  %.*s\n", r->files, r->lines, r->regions, r->unsafe_lines,
                         percent(r->unsafe_lines, a->lines), FH_SPAN_FMT(name));
}

static fh_status put_text(const audit *a) {
    fh_buf *out = &a->app->out;
    room all = sum_of(a, false), regions = sum_of(a, true);
    FH_TRY(fh_buf_format(out, "%7s %8s %8s %8s %8s  room, of %zu lines in all\n", "files", "lines", "regions", "unsafe",
                         "share", a->lines));
    for (const room *r = a->rooms; r != NULL; r = r->next)
        FH_TRY(put_room(a, r, r->path));
    FH_TRY(put_room(a, &all, FH_LIT("all of them")));
    if (all.lines != regions.lines)
        FH_TRY(put_room(a, &regions, FH_LIT("all but those that are unsafe as a whole")));
    if (a->app->settings.evidence == NULL)
        return FH_DONE;
    FH_TRY(fh_buf_format(out, "\n%8s %8s  %-6s id\n", "regions", "unsafe", "by"));
    for (const invariant *i = a->invariants; i != NULL; i = i->next) {
        const char *kind = kind_of(i);
        FH_TRY(fh_buf_format(out, "%8zu %8zu  %-6s %.*s: %.*s\n", i->regions, i->lines, kind == NULL ? "-" : kind,
                             FH_SPAN_FMT(i->id), FH_SPAN_FMT(i->shown)));
    }
    return FH_DONE;
}

static fh_status put_count(fh_json_writer *w, const char *key, size_t count) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_u64(w, count);
}

static fh_status put_words(fh_json_writer *w, const char *key, fh_span text) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_text(w, text);
}

static fh_status put_counts(fh_json_writer *w, const room *r) {
    FH_TRY(put_count(w, "files", r->files));
    FH_TRY(put_count(w, "lines", r->lines));
    FH_TRY(put_count(w, "regions", r->regions));
    FH_TRY(put_count(w, "unsafe_lines", r->unsafe_lines));
    return fh_json_close(w, true);
}

static fh_status put_json_rooms(fh_json_writer *w, const audit *a) {
    FH_TRY(fh_json_key(w, "rooms"));
    FH_TRY(fh_json_open(w, false));
    for (const room *r = a->rooms; r != NULL; r = r->next) {
        FH_TRY(fh_json_open(w, true));
        FH_TRY(put_words(w, "path", r->path));
        if (r->setting != NULL)
            FH_TRY(put_words(w, "reason", r->setting->other));
        FH_TRY(fh_json_key(w, "whole"));
        FH_TRY(fh_json_put_bool(w, r->setting != NULL && r->setting->is_whole));
        FH_TRY(put_counts(w, r));
    }
    return fh_json_close(w, false);
}

static fh_status put_json(const audit *a) {
    fh_json_writer w;
    room all = sum_of(a, false), regions = sum_of(a, true);
    fh_json_writer_init(&w, &a->app->out, true);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(put_count(&w, "lines", a->lines));
    FH_TRY(fh_json_key(&w, "unsafe"));
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(put_counts(&w, &all));
    FH_TRY(fh_json_key(&w, "unsafe_but_whole_rooms"));
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(put_counts(&w, &regions));
    FH_TRY(put_json_rooms(&w, a));
    FH_TRY(fh_json_key(&w, "invariants"));
    FH_TRY(fh_json_open(&w, false));
    for (const invariant *i = a->invariants; i != NULL; i = i->next) {
        FH_TRY(fh_json_open(&w, true));
        FH_TRY(put_words(&w, "id", i->id));
        FH_TRY(put_words(&w, "invariant", i->text));
        FH_TRY(put_words(&w, "by", fh_span_of_str(kind_of(i))));
        FH_TRY(put_words(&w, "shown_by", i->shown));
        FH_TRY(put_count(&w, "regions", i->regions));
        FH_TRY(put_count(&w, "unsafe_lines", i->lines));
        FH_TRY(fh_json_close(&w, true));
    }
    FH_TRY(fh_json_close(&w, false));
    FH_TRY(put_count(&w, "errors", a->errors.count));
    FH_TRY(fh_json_close(&w, true));
    return fh_buf_put(&a->app->out, FH_LIT("\n"));
}

fh_status deed_verb_audit(deed_app *app, fh_err *err) {
    FH_TRY(deed_settings_read(app, err));
    if (app->paths.count == 0) {
        app->usage = true;
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "audit: no path given, and no `include` in a deed.toml");
    }
    audit a = {.app = app};
    fh_buf_init(&a.errors.lines, app->heap, 0);
    fh_status s = FH_DONE;
    for (size_t i = 0; i < a.app->paths.count && !fh_failed(s); i++)
        s = deed_walk(fh_deed_args_get(a.app->paths, i), found, &a, err);
    if (!fh_failed(s))
        s = weigh(&a, err);
    if (!fh_failed(s))
        s = a.app->format == DEED_FORMAT_JSON ? put_json(&a) : put_text(&a);
    if (!fh_failed(s))
        s = fh_buf_put(&a.app->err, fh_buf_view(&a.errors.lines));
    fh_buf_deinit(&a.errors.lines);
    if (a.errors.count != 0)
        a.app->exit = DEED_EXIT_FINDINGS;
    return s;
}
