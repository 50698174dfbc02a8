/* tasks.c: which files to check, and how each is compiled: folders, compile_commands.json, deed.toml.
 *
 * Of a compile command only what changes the meaning of the source is kept: -I, -D, -U, -include, -isystem, -iquote, -std and
 * the like. Warnings, optimisation, sanitizers and outputs are left out, so that a command of gcc is as good as one of
 * clang. Threading: the main thread. */
#include "check/driver.h"
#include "check/outside.h"
#include "freehold/json.h"
#include "freehold/os.h"

bool deed_ends_with(fh_span text, const char *end) {
    fh_span e = fh_span_of_str(end);
    return text.size >= e.size && fh_span_equal(fh_span_from(text, text.size - e.size), e);
}

/* --- a list of tasks that grows ------------------------------------------------------------------------------------------- */

typedef struct finder {
    const deed_app *app;
    fh_deed_args paths; /* what is asked for */
    deed_task *first, *last;
    size_t count;
    fh_deed_args args; /* of files found in folders */
    bool any_name;     /* this path was named itself */
    bool any_file;     /* of a compilation database, every entry is asked for */
    fh_span here;      /* the current folder */
} finder;

static fh_status add_task(fh_mut fh_view(3) finder *f, const char *path, fh_deed_args args) {
    const deed_settings *settings = &f->app->settings;
    if (deed_setting_over(settings->exclude, deed_path_from_root(f->app->arena, settings, fh_span_of_str(path))) != NULL)
        return FH_DONE;
    for (const deed_task *t = f->first; t != NULL; t = t->next) {
        if (fh_span_is(fh_span_of_str(t->path), path))
            return FH_DONE;
    }
    deed_task *t = fh_arena_alloc(f->app->arena, 1, sizeof *t);
    if (t == NULL)
        return FH_STATUS(FH_NOMEM);
    *t = (deed_task){.path = deed_copy_text(f->app->arena, fh_span_of_str(path), (fh_span){0}), .args = args};
    if (t->path == NULL)
        return FH_STATUS(FH_NOMEM);
    if (f->last != NULL)
        f->last->next = t;
    else
        f->first = t;
    f->last = t;
    f->count++;
    return FH_DONE;
}

static fh_status found_file(void *ctx, const char *path) {
    finder *f = ctx;
    fh_span name = fh_span_of_str(path);
    for (size_t i = 0; i < f->paths.count; i++)
        f->any_name = f->any_name || fh_span_is(name, fh_deed_args_get(f->paths, i));
    bool wanted = f->any_name || deed_ends_with(name, ".c");
    f->any_name = false;
    return wanted ? add_task(f, path, f->args) : FH_DONE;
}

/* --- compile_commands.json ------------------------------------------------------------------------------------------------ */

/* A compile command as it is read: its words, one after another, each with a NUL behind it. */
typedef struct entry {
    fh_owned fh_buf words, file, folder;
    size_t count;
} entry;

static fh_status end_word(entry *e) {
    e->count++;
    return fh_buf_put_u8(&e->words, 0);
}

/* Splits a command line as a shell does, without expansions. */
static fh_status split_command(entry *e, fh_span text) {
    uint8_t quote = 0;
    bool inside = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = fh_span_at(text, i);
        if (c == '\\' && quote != '\'' && i + 1 < text.size) {
            FH_TRY(fh_buf_put_u8(&e->words, fh_span_at(text, ++i)));
            inside = true;
        } else if ((c == '"' || c == '\'') && (quote == 0 || quote == c)) {
            quote = quote == 0 ? c : 0;
            inside = true;
        } else if (c == ' ' && quote == 0) {
            if (inside)
                FH_TRY(end_word(e));
            inside = false;
        } else {
            FH_TRY(fh_buf_put_u8(&e->words, c));
            inside = true;
        }
    }
    return inside ? end_word(e) : FH_DONE;
}

static fh_status read_arguments(fh_json *j, entry *e, fh_err *err) {
    for (;;) {
        fh_json_token t;
        FH_TRY(fh_json_next(j, &t, err));
        if (t.kind == FH_JSON_ARRAY_END)
            return FH_DONE;
        if (t.kind != FH_JSON_STRING)
            return fh_fail(err, FH_CORRUPT, t.offset_bytes, "an argument is no string");
        FH_TRY(fh_json_text(t, &e->words, err));
        FH_TRY(end_word(e));
    }
}

static fh_status read_member(fh_json *j, entry *e, fh_json_token key, fh_err *err) {
    fh_json_token t;
    FH_TRY(fh_json_next(j, &t, err));
    bool text = t.kind == FH_JSON_STRING;
    if (fh_span_is(key.raw, "file") && text)
        return fh_json_text(t, &e->file, err);
    if (fh_span_is(key.raw, "directory") && text)
        return fh_json_text(t, &e->folder, err);
    if (fh_span_is(key.raw, "arguments") && t.kind == FH_JSON_ARRAY)
        return read_arguments(j, e, err);
    if (!fh_span_is(key.raw, "command") || !text)
        return fh_json_skip(j, t, err);
    fh_buf line;
    fh_buf_init(&line, e->words.allocator, 0);
    fh_status s = fh_json_text(t, &line, err);
    if (!fh_failed(s))
        s = split_command(e, fh_buf_view(&line));
    fh_buf_deinit(&line);
    return s;
}

/* How many words the option takes that begins with this word: 0 for one that is left out. */
static size_t words_kept(fh_span word) {
    static const char *const with_value[] = {"-I", "-D", "-U", "-include", "-isystem", "-iquote", "-idirafter", "-x"};
    for (size_t i = 0; i < sizeof with_value / sizeof with_value[0]; i++) {
        if (fh_span_is(word, with_value[i]))
            return 2;
    }
    static const char *const alone[] = {"-I", "-D", "-U", "-std=", "-isystem", "-fms-extensions", "-fshort-enums",
                                        "-m", "-ansi", "-fsanitize=bounds", "-fsanitize=array-bounds"};
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++) {
        if (fh_span_starts(word, fh_span_of_str(alone[i])))
            return 1;
    }
    return 0;
}

/* A path as seen from the current folder. */
static fh_span seen_from_here(const finder *f, fh_span path) {
    return fh_span_starts(path, f->here) ? fh_span_from(path, f->here.size) : path;
}

static bool is_asked_for(const finder *f, fh_span file) {
    for (size_t i = 0; i < f->paths.count && !f->any_file; i++) {
        fh_span path = seen_from_here(f, fh_span_of_str(fh_deed_args_get(f->paths, i)));
        if (fh_span_is(path, ".") && file.size != 0)
            return fh_span_at(file, 0) != '/';
        while (path.size > 1 && fh_span_at(path, path.size - 1) == '/')
            path = fh_span_sub(path, 0, path.size - 1);
        if (fh_span_starts(file, path) && (file.size == path.size || fh_span_at(file, path.size) == '/'))
            return true;
    }
    return f->any_file;
}

/* The word with the path in it, from its byte `from` on, as seen from the current folder: commands run in one of their own. */
static fh_or_null const char *word_from(const finder *f, const entry *e, fh_span word, size_t from) {
    fh_arena *arena = f->app->arena;
    fh_span folder = fh_buf_view(&e->folder), path = fh_span_from(word, from), none = {NULL, 0};
    if (folder.size == 0 || path.size == 0 || fh_span_at(path, 0) == '/')
        return deed_copy_text(arena, word, none);
    const char *with_slash = deed_copy_text(arena, folder, FH_LIT("/"));
    if (with_slash == NULL)
        return NULL;
    const char *whole = deed_copy_text(arena, seen_from_here(f, fh_span_of_str(with_slash)), path);
    return whole == NULL ? NULL : deed_copy_text(arena, fh_span_sub(word, 0, from), fh_span_of_str(whole));
}

/* Where the path in a word begins: behind -I and the like, or in the word after such an option; SIZE_MAX: there is none. */
static size_t path_in(fh_span word, fh_span before) {
    static const char *const options[] = {"-isystem", "-iquote", "-idirafter", "-I"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        fh_span option = fh_span_of_str(options[i]);
        if (fh_span_equal(before, option))
            return 0;
        if (fh_span_starts(word, option) && word.size > option.size)
            return option.size;
    }
    return SIZE_MAX;
}

static fh_status end_entry(finder *f, const entry *e) {
    fh_arena *arena = f->app->arena;
    fh_span words = fh_buf_view(&e->words), before = {NULL, 0};
    deed_settings top = {.here = f->here, .root = FH_LIT("/")};
    fh_span file = deed_path_from_root(arena, &top, fh_span_of_str(word_from(f, e, fh_buf_view(&e->file), 0)));
    file = seen_from_here(f, fh_span_of_str(deed_copy_text(arena, FH_LIT("/"), file)));
    if (!is_asked_for(f, file) || !deed_ends_with(file, ".c"))
        return FH_DONE;
    const size_t room = e->count + f->args.count + 2;
    deed_arg *at = fh_arena_alloc(arena, room, sizeof *at);
    const char *path = deed_copy_text(arena, file, (fh_span){0});
    if (at == NULL || path == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_deed_args args = {at, room};
    size_t count = 0, kept = 0;
    for (size_t from = 0; from < words.size;) {
        size_t end = fh_span_find(words, FH_LIT("\0"), from);
        fh_span word = fh_span_sub(words, from, end - from);
        if (kept == 0)
            kept = words_kept(word);
        if (fh_span_starts(word, FH_LIT("-fsanitize=bounds")))
            word = FH_LIT("-fsanitize=array-bounds"); /* gcc has kinds of it that clang does not know */
        if (kept > 0) {
            kept--;
            size_t path_at = path_in(word, before);
            const char *text = path_at == SIZE_MAX ? deed_copy_text(arena, word, (fh_span){0}) : word_from(f, e, word, path_at);
            if (text == NULL)
                return FH_STATUS(FH_NOMEM);
            fh_deed_args_set(args, count++, text);
        }
        before = word;
        from = end + 1;
    }
    for (size_t i = 0; i < f->args.count; i++)
        fh_deed_args_set(args, count++, fh_deed_args_get(f->args, i));
    return add_task(f, path, fh_deed_args_sub(args, 0, count));
}

static fh_status read_entry(finder *f, fh_json *j, fh_err *err) {
    entry e = {.count = 0};
    fh_buf_init(&e.words, f->app->heap, 0);
    fh_buf_init(&e.file, f->app->heap, 0);
    fh_buf_init(&e.folder, f->app->heap, 0);
    fh_json_token t;
    fh_status s = fh_json_next(j, &t, err);
    while (!fh_failed(s) && t.kind == FH_JSON_KEY) {
        s = read_member(j, &e, t, err);
        if (!fh_failed(s))
            s = fh_json_next(j, &t, err);
    }
    if (!fh_failed(s))
        s = end_entry(f, &e);
    fh_buf_deinit(&e.words);
    fh_buf_deinit(&e.file);
    fh_buf_deinit(&e.folder);
    return s;
}

static fh_status read_database(finder *f, const char *name, fh_span text, fh_err *err) {
    fh_json j;
    fh_json_token t;
    fh_json_init(&j, text);
    FH_TRY(fh_json_next(&j, &t, err));
    if (t.kind != FH_JSON_ARRAY)
        return fh_fail(err, FH_CORRUPT, 0, "%s: expected a list of compile commands", name);
    for (;;) {
        FH_TRY(fh_json_next(&j, &t, err));
        if (t.kind == FH_JSON_ARRAY_END)
            return FH_DONE;
        if (t.kind != FH_JSON_OBJECT)
            return fh_fail(err, FH_CORRUPT, t.offset_bytes, "%s: a compile command is no object", name);
        FH_TRY(read_entry(f, &j, err));
    }
}

/* --- all of them ---------------------------------------------------------------------------------------------------------- */

/* What every file is compiled with: -DFH_DEED, then what stands behind --. */
static fh_status common_args(const deed_app *app, fh_out fh_view(*1) fh_deed_args *out) {
    size_t count = app->clang.count;
    deed_arg *at = fh_arena_alloc(app->arena, count + 2, sizeof *at);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    *out = (fh_deed_args){at, count + 2};
    fh_deed_args_set(*out, 0, "-DFH_DEED");
    fh_deed_args_set(*out, 1, app->compdb == NULL ? "-std=gnu17" : "-Wno-everything");
    for (size_t i = 0; i < count; i++)
        fh_deed_args_set(*out, i + 2, fh_deed_args_get(app->clang, i));
    return FH_DONE;
}

/* The files that the paths name, or all of the compilation database. */
static fh_status find_tasks(const deed_app *app, fh_deed_args paths, bool any_file, fh_out fh_view(*1) fh_deed_tasks *out,
                            fh_err *err) {
    finder f = {.app = app, .paths = paths, .any_file = any_file};
    FH_TRY(common_args(app, &f.args));
    FH_TRY(deed_here(app->arena, &f.here));
    if (app->compdb != NULL) {
        fh_os_map map;
        FH_TRY(fh_os_map_open(app->compdb, &map, err));
        fh_status s = read_database(&f, app->compdb, map.bytes, err);
        fh_os_map_close(&map);
        FH_TRY(s);
    } else {
        for (size_t i = 0; i < paths.count; i++)
            FH_TRY(deed_walk(fh_deed_args_get(paths, i), found_file, &f, err));
    }
    const size_t room = f.count + 1;
    deed_task_ref *at = fh_arena_alloc(app->arena, room, sizeof *at);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_deed_tasks all = {at, room};
    size_t i = 0;
    for (deed_task *t = f.first; t != NULL; t = t->next)
        fh_deed_tasks_set(all, i++, t);
    *out = fh_deed_tasks_sub(all, 0, i);
    return FH_DONE;
}

fh_status deed_tasks_find(const deed_app *app, fh_deed_tasks *out, fh_err *err) {
    return find_tasks(app, app->paths, false, out, err);
}

fh_status deed_task_for(const deed_app *app, const char *path, deed_task *out, fh_err *err) {
    *out = (deed_task){.path = path};
    if (app->compdb == NULL)
        return common_args(app, &out->args);
    deed_arg paths[] = {path};
    fh_deed_tasks tasks;
    FH_TRY(find_tasks(app, (fh_deed_args){paths, 1}, false, &tasks, err));
    if (tasks.count == 0) /* a header, or a file that is not built yet: as others are compiled */
        FH_TRY(find_tasks(app, (fh_deed_args){paths, 1}, true, &tasks, err));
    if (tasks.count == 0)
        return common_args(app, &out->args);
    out->args = fh_deed_tasks_get(tasks, 0)->args;
    return FH_DONE;
}

/* The paths that deed.toml includes, as paths of the command line. */
static fh_status include_paths(deed_app *app) {
    const deed_settings *settings = &app->settings;
    size_t count = 0, i = 0;
    for (const deed_setting *s = settings->include; s != NULL; s = s->next)
        count++;
    deed_arg *at = fh_arena_alloc(app->arena, count + 1, sizeof *at);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_deed_args paths = {at, count + 1};
    fh_span root = !fh_span_equal(settings->root, settings->here) ? settings->root : (fh_span){0};
    for (const deed_setting *s = settings->include; s != NULL; s = s->next) {
        const char *path = deed_copy_text(app->arena, root, s->text);
        if (path == NULL)
            return FH_STATUS(FH_NOMEM);
        fh_deed_args_set(paths, i++, path);
    }
    app->paths = fh_deed_args_sub(paths, 0, count);
    return FH_DONE;
}

fh_status deed_settings_read(deed_app *app, fh_err *err) {
    fh_span first = app->paths.count == 0 ? FH_LIT(".") : fh_span_of_str(fh_deed_args_get(app->paths, 0));
    FH_TRY(deed_settings_find(app->arena, first, &app->settings, err));
    return app->paths.count == 0 ? include_paths(app) : FH_DONE;
}
