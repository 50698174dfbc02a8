/* ui.c: `deed ui`: a folder of bad programs, each with the exact output that it must give, and of their fixed twins.
 *
 *     FH0101/sink.c          is refused, with the text of FH0101/sink.stderr and at least one FH0101 in it
 *     FH0101/sink.fixed.c    gives no finding at all
 *
 * Each line that has a finding says so at its end, by hand: `//~ FH0101`, or `//~^ FH0101` on the line below, one ^ for each
 * line; several codes are divided by spaces. Marks and findings have to agree, so that --bless, which writes what was found
 * into the .stderr, cannot hide a finding that comes or goes.
 *
 * In known-miss, marks say what ought to be found and is not; known-fp has programs that ought to be accepted and are not. A
 * program there fails as soon as that changes. In other folders programs are accepted.
 *
 * A deed.toml in the folder may name rooms and pairs for its programs.
 *
 * Threading: the main thread, and processes that share nothing. */
#include "check/driver.h"
#include "check/outside.h"
#include "freehold/os.h"

typedef struct ui_run {
    deed_app *app;
    fh_deed_tasks tasks;
    fh_span prefix; /* of the paths in the expected output */
    size_t pairs, passed, failed, written;
} ui_run;

static fh_status work(void *ctx, size_t item, fh_buf *out) {
    ui_run *run = ctx;
    return deed_check_one(run->app, fh_deed_tasks_get(run->tasks, item), run->prefix, NULL, NULL, out);
}

/* The code that the file's folder is named by, or DEED_CODE_COUNT. */
static deed_code folder_code(const ui_run *run, const char *path) {
    fh_span below = fh_span_from(fh_span_of_str(path), run->prefix.size);
    size_t slash = fh_span_find(below, FH_LIT("/"), 0);
    return slash == 6 ? deed_code_of(fh_span_sub(below, 0, slash)) : DEED_CODE_COUNT;
}

static bool has_task(const ui_run *run, fh_or_null const char *path) {
    for (size_t i = 0; path != NULL && i < run->tasks.count; i++) {
        if (fh_span_is(fh_span_of_str(path), fh_deed_tasks_get(run->tasks, i)->path))
            return true;
    }
    return false;
}

static fh_status fail(ui_run *run, const char *path, const char *why) {
    run->failed++;
    return fh_buf_format(&run->app->out, "%s: %s\n", path, why);
}

static fh_status bless(const char *path, fh_span got, fh_err *err) {
    fh_os_writer *w = NULL;
    FH_TRY(fh_os_writer_open(path, &w, err));
    fh_status s = fh_os_writer_put(w, got, err);
    if (!fh_failed(s))
        s = fh_os_writer_commit(&w, err);
    fh_os_writer_close(w);
    return s;
}

/* A bad file gave something else than its .stderr says: writes that, or tells both. */
static fh_status differs(ui_run *run, const char *path, const char *expected_path, const char *why, fh_span expected,
                         fh_span got) {
    if (run->app->bless) {
        fh_err err;
        fh_err_clear(&err);
        run->written++;
        return fh_failed(bless(expected_path, got, &err)) ? fail(run, path, err.message) : FH_DONE;
    }
    FH_TRY(fail(run, path, why));
    FH_TRY(fh_buf_put(&run->app->out, FH_LIT("--- expected\n")));
    FH_TRY(fh_buf_put(&run->app->out, expected));
    FH_TRY(fh_buf_put(&run->app->out, FH_LIT("--- got\n")));
    return fh_buf_put(&run->app->out, got);
}

/* Compares what a bad file gave with its .stderr. */
static fh_status compare(ui_run *run, const char *path, fh_span got) {
    fh_span name = fh_span_of_str(path);
    const char *expected_path = deed_copy_text(run->app->arena, fh_span_sub(name, 0, name.size - 2), FH_LIT(".stderr"));
    fh_auto(fh_os_map_close) fh_os_map map = {.id = 0};
    if (expected_path == NULL)
        return FH_STATUS(FH_NOMEM);
    if (fh_failed(fh_os_map_open(expected_path, &map, NULL)))
        return differs(run, path, expected_path, "there is no .stderr (deed ui --bless writes it)", FH_LIT(""), got);
    if (!fh_span_equal(map.bytes, got))
        return differs(run, path, expected_path, "another output than expected", map.bytes, got);
    run->passed++;
    return FH_DONE;
}

/* --- marks ---------------------------------------------------------------------------------------------------------------- */

/* A code on a line of the program: marked by hand, or found. */
typedef struct spot {
    size_t line;
    fh_span code;
    fh_or_null struct spot *next;
} spot;

/* Spots in the order of their lines. */
typedef struct spots {
    fh_ref fh_arena *arena;
    fh_or_null spot *first;
} spots;

static fh_status add_spot(spots *list, size_t line, fh_span code) {
    fh_span copy;
    FH_TRY(fh_arena_copy(list->arena, code, &copy));
    spot *s = fh_arena_alloc(list->arena, 1, sizeof *s), *before = NULL, *after = list->first;
    if (s == NULL)
        return FH_STATUS(FH_NOMEM);
    for (; after != NULL && after->line <= line; after = after->next)
        before = after;
    *s = (spot){line, copy, after};
    if (before != NULL)
        before->next = s;
    else
        list->first = s;
    return FH_DONE;
}

/* The codes behind `//~` on one line. */
static fh_status read_line(fh_span text, size_t line, spots *marks) {
    size_t at = fh_span_find(text, FH_LIT("//~"), 0);
    if (at == SIZE_MAX)
        return FH_DONE;
    for (at += 3; at < text.size && fh_span_at(text, at) == '^' && line > 1; at++)
        line--;
    while (at < text.size) {
        size_t space = fh_span_find(text, FH_LIT(" "), at), end = space == SIZE_MAX ? text.size : space;
        if (end > at)
            FH_TRY(add_spot(marks, line, fh_span_sub(text, at, end - at)));
        at = end + 1;
    }
    return FH_DONE;
}

static fh_status read_marks(fh_span text, spots *marks) {
    size_t line = 1;
    for (size_t at = 0; at < text.size; line++) {
        size_t newline = fh_span_find(text, FH_LIT("\n"), at), end = newline == SIZE_MAX ? text.size : newline;
        FH_TRY(read_line(fh_span_sub(text, at, end - at), line, marks));
        at = end + 1;
    }
    return FH_DONE;
}

/* What was found in the program itself, by the keys of the answer: path, offset and code with colons between them. */
static fh_status read_key(const ui_run *run, const char *path, fh_span text, fh_span key, spots *found) {
    fh_span name = fh_span_from(fh_span_of_str(path), run->prefix.size);
    size_t colon = name.size, line = 1, offset = 0;
    if (!fh_span_starts(key, name) || colon >= key.size || fh_span_at(key, colon) != ':')
        return FH_DONE;
    for (colon++; fh_span_at(key, colon) != ':'; colon++)
        offset = offset * 10 + (size_t)(fh_span_at(key, colon) - '0');
    for (size_t i = 0; i < offset && i < text.size; i++)
        line += fh_span_at(text, i) == '\n';
    return add_spot(found, line, fh_span_from(key, colon + 1));
}

static fh_status tell_spots(ui_run *run, const char *path, fh_or_null const spot *list, fh_or_null const spot *other,
                            const char *what) {
    for (; list != NULL; list = list->next) {
        size_t here = 0, there = 0;
        for (const spot *s = list; s != NULL; s = s->next)
            here += s->line == list->line && fh_span_equal(s->code, list->code);
        for (const spot *s = other; s != NULL; s = s->next)
            there += s->line == list->line && fh_span_equal(s->code, list->code);
        if (here <= there)
            continue;
        run->failed++;
        FH_TRY(fh_buf_format(&run->app->out, "%s:%zu: %.*s %s\n", path, list->line, FH_SPAN_FMT(list->code), what));
    }
    return FH_DONE;
}

static bool have_common(fh_or_null const spot *a, fh_or_null const spot *b) {
    for (; a != NULL; a = a->next) {
        for (const spot *s = b; s != NULL; s = s->next) {
            if (s->line == a->line && fh_span_equal(s->code, a->code))
                return true;
        }
    }
    return false;
}

/* --- what is expected of a program ---------------------------------------------------------------------------------------- */

/* One program of the run: its findings as text and as spots, and its marks. */
typedef struct program {
    const char *path;
    fh_span got;
    spots marks, found;
} program;

static bool is_in(const ui_run *run, const char *path, const char *folder) {
    return fh_span_starts(fh_span_from(fh_span_of_str(path), run->prefix.size), fh_span_of_str(folder));
}

static fh_status silent(ui_run *run, const program *p, const char *why) {
    if (p->got.size == 0 && p->marks.first == NULL) {
        run->passed++;
        return FH_DONE;
    }
    FH_TRY(fail(run, p->path, p->marks.first != NULL ? "has marks, and should have no finding" : why));
    return fh_buf_put(&run->app->out, p->got);
}

static fh_status refused(ui_run *run, const program *p, deed_code code) {
    fh_span name = fh_span_of_str(p->path), wanted = fh_span_of_str(deed_code_name(code));
    const char *twin = deed_copy_text(run->app->arena, fh_span_sub(name, 0, name.size - 2), FH_LIT(".fixed.c"));
    size_t failed = run->failed;
    bool has_code = false;
    run->pairs++;
    if (!has_task(run, twin))
        return fail(run, p->path, "there is no fixed twin");
    for (const spot *s = p->found.first; s != NULL; s = s->next)
        has_code |= fh_span_equal(s->code, wanted);
    if (!has_code) {
        FH_TRY(fail(run, p->path, "is not refused with the code of its folder"));
        return fh_buf_put(&run->app->out, p->got);
    }
    FH_TRY(tell_spots(run, p->path, p->found.first, p->marks.first, "is found here and not marked"));
    FH_TRY(tell_spots(run, p->path, p->marks.first, p->found.first, "is marked here and not found"));
    return run->failed == failed ? compare(run, p->path, p->got) : fh_buf_put(&run->app->out, p->got);
}

static fh_status judge(ui_run *run, const program *p) {
    deed_code code = folder_code(run, p->path);
    if (deed_ends_with(fh_span_of_str(p->path), ".fixed.c"))
        return silent(run, p, "the fixed twin is not silent");
    if (code != DEED_CODE_COUNT)
        return refused(run, p, code);
    if (is_in(run, p->path, "known-miss/")) {
        if (p->marks.first == NULL)
            return fail(run, p->path, "has no mark for what ought to be found");
        if (have_common(p->marks.first, p->found.first))
            return fail(run, p->path, "is found now: it belongs into the folder of its code");
        return compare(run, p->path, p->got);
    }
    if (is_in(run, p->path, "known-fp/")) {
        if (p->found.first == NULL || p->marks.first != NULL)
            return fail(run, p->path, "is accepted now, or has marks: it belongs into another folder");
        return compare(run, p->path, p->got);
    }
    return silent(run, p, "should be accepted");
}

static fh_status read_program(const ui_run *run, program *p, deed_answer *a, fh_buf *got) {
    fh_os_map map;
    fh_span key, text;
    fh_err err;
    fh_err_clear(&err);
    FH_TRY(fh_os_map_open(p->path, &map, &err));
    fh_status s = read_marks(map.bytes, &p->marks);
    while (!fh_failed(s) && deed_answer_next(a, &key, &text)) {
        s = fh_buf_put(got, text);
        if (!fh_failed(s))
            s = read_key(run, p->path, map.bytes, key, &p->found);
    }
    fh_os_map_close(&map);
    return s;
}

static fh_status done(void *ctx, size_t item, fh_status status, fh_span answer) {
    ui_run *run = ctx;
    fh_arena *arena = run->app->arena;
    program p = {.path = fh_deed_tasks_get(run->tasks, item)->path, .marks = {.arena = arena}, .found = {.arena = arena}};
    deed_answer a;
    if (fh_failed(status) || !deed_answer_open(answer, &a))
        return fail(run, p.path, "could not be checked");
    fh_buf got;
    fh_buf_init(&got, run->app->heap, 0);
    fh_status s = read_program(run, &p, &a, &got);
    p.got = fh_buf_view(&got);
    if (!fh_failed(s))
        s = judge(run, &p);
    fh_buf_deinit(&got);
    return s;
}

/* An expected output, or a twin, without its program. */
static fh_status found_file(void *ctx, const char *path) {
    ui_run *run = ctx;
    fh_span name = fh_span_of_str(path);
    fh_span end = deed_ends_with(name, ".stderr") ? FH_LIT(".stderr") : FH_LIT(".fixed.c");
    if (!deed_ends_with(name, ".stderr") && !deed_ends_with(name, ".fixed.c"))
        return FH_DONE;
    const char *owner = deed_copy_text(run->app->arena, fh_span_sub(name, 0, name.size - end.size), FH_LIT(".c"));
    bool wanted = has_task(run, owner) && (folder_code(run, path) != DEED_CODE_COUNT ||
                                           (is_in(run, path, "known-") && deed_ends_with(name, ".stderr")));
    return wanted ? FH_DONE : fail(run, path, "belongs to no program");
}

fh_status deed_verb_ui(deed_app *app, fh_err *err) {
    if (app->paths.count != 1) {
        app->usage = true;
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "ui: expected one folder");
    }
    fh_span folder = fh_span_of_str(fh_deed_args_get(app->paths, 0));
    while (folder.size > 1 && fh_span_at(folder, folder.size - 1) == '/')
        folder = fh_span_sub(folder, 0, folder.size - 1);
    fh_span prefix = fh_span_of_str(deed_copy_text(app->arena, folder, FH_LIT("/")));
    const char *bare = deed_copy_text(app->arena, folder, (fh_span){0});
    if (prefix.size == 0 || bare == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_deed_args_set(app->paths, 0, bare);
    app->format = DEED_FORMAT_RUSTC;
    app->color = false;
    FH_TRY(deed_settings_find(app->arena, folder, &app->settings, err));
    ui_run run = {.app = app, .prefix = prefix};
    FH_TRY(deed_tasks_find(run.app, &run.tasks, err));
    FH_TRY(deed_share(run.app->heap, run.tasks.count, run.app->jobs, work, done, NULL, &run));
    FH_TRY(deed_walk(bare, found_file, &run, err));
    if (run.failed > 0)
        run.app->exit = DEED_EXIT_FINDINGS;
    FH_TRY(fh_buf_format(&run.app->err, "deed ui: %zu files, %zu pairs, %zu as expected, %zu failed", run.tasks.count,
                         run.pairs, run.passed, run.failed));
    if (run.written > 0)
        FH_TRY(fh_buf_format(&run.app->err, ", %zu written", run.written));
    return fh_buf_put(&run.app->err, FH_LIT("\n"));
}
