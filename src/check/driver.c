/* driver.c: the verbs check, explain and dump.
 *
 * Files whose answer is in the cache are not checked again; the others are shared out to worker processes. A worker reads the
 * functions of a header only in the first of its files that includes them, if they are clean (seen.h).
 *
 * A worker process turns one file into an answer: a head {functions, findings}, then for each finding {size, size, key, text}.
 * The key names the place and the code: a header's finding comes from each file that includes it, and is told once.
 *
 * Threading: the main thread, and processes that share nothing. */
#include "check/driver.h"

#include "check/answers.h"
#include "check/outside.h"
#include "check/rules.h"
#include "freehold/json.h"
#include "freehold/os.h"

/* --- one file ------------------------------------------------------------------------------------------------------------- */

static fh_status put_u32(fh_buf *out, uint32_t value) {
    uint8_t bytes[4];
    fh_mspan_put_u32((fh_mspan){bytes, sizeof bytes}, 0, value);
    return fh_buf_put(out, (fh_span){bytes, sizeof bytes});
}

static fh_status put_finding(const deed_app *app, const deed_unit *unit, const deed_finding *f, fh_buf *out) {
    fh_buf key, text;
    fh_buf_init(&key, app->heap, 0);
    fh_buf_init(&text, app->heap, 0);
    fh_status s = fh_buf_put(&key, fh_deed_files_at(unit->files, f->place.file)->path);
    if (!fh_failed(s))
        s = fh_buf_format(&key, ":%u:%s", f->place.offset_bytes, deed_code_name(f->code));
    if (!fh_failed(s))
        s = deed_render_one(unit, f, app->format, app->color, &text);
    if (!fh_failed(s))
        s = put_u32(out, (uint32_t)key.size);
    if (!fh_failed(s))
        s = put_u32(out, (uint32_t)text.size);
    if (!fh_failed(s))
        s = fh_buf_put(out, fh_buf_view(&key));
    if (!fh_failed(s))
        s = fh_buf_put(out, fh_buf_view(&text));
    fh_buf_deinit(&key);
    fh_buf_deinit(&text);
    return s;
}

/* Rules are for units that compile: the compiler's refusals are told first, and alone. */
fh_status deed_find_all(fh_allocator *a, deed_unit *unit, deed_report *r) {
    for (size_t i = 0; i < unit->problems.count; i++) {
        const deed_problem *p = fh_deed_problems_at(unit->problems, i);
        deed_report_at(r, FH0901, p->place, "the compiler refuses this", "%.*s", FH_SPAN_FMT(p->text));
    }
    return unit->problems.count != 0 ? deed_report_status(r) : deed_rules_run(a, unit, r);
}

static uint32_t count_functions(const deed_unit *unit) {
    uint32_t count = 0;
    for (size_t i = 0; i < unit->functions.count; i++) {
        uint32_t file = fh_deed_decls_at(unit->decls, fh_u32s_get(unit->functions, i))->place.file;
        count += fh_deed_files_at(unit->files, file)->is_main;
    }
    return count;
}

/* A function of a header is clean if nothing was found in the header, nor while the function was read. */
static void learn(deed_seen *seen, const deed_unit *unit, const deed_report *r) {
    for (size_t i = 0; i < unit->prints.count; i++) {
        const deed_print *p = fh_deed_prints_at(unit->prints, i);
        const deed_decl *d = fh_deed_decls_at(unit->decls, p->decl);
        bool clean = true;
        for (const deed_finding *f = deed_report_first(r); f != NULL && clean; f = f->next)
            clean = f->place.file != d->place.file && !fh_span_equal(f->function, d->name);
        if (clean)
            deed_seen_add(seen, p->print);
    }
}

/* Paths are shown without the prefix. */
static void shorten_paths(deed_unit *unit, fh_span prefix) {
    for (size_t i = 1; i < unit->files.count; i++) {
        deed_file *f = fh_deed_files_at(unit->files, i);
        if (prefix.size != 0 && fh_span_starts(f->path, prefix))
            f->path = fh_span_from(f->path, prefix.size);
    }
}

static fh_status put_answer(const deed_app *app, const deed_unit *unit, const deed_report *r, fh_buf *out) {
    FH_TRY(put_u32(out, count_functions(unit)));
    FH_TRY(put_u32(out, (uint32_t)deed_report_count(r)));
    for (const deed_finding *f = deed_report_first(r); f != NULL; f = f->next)
        FH_TRY(put_finding(app, unit, f, out));
    return FH_DONE;
}

/* What an answer depends on beside its task and its inputs: the shape of the output. */
static fh_span how(const deed_app *app) {
    static const char *const names[] = {"rustc", "gcc", "json", "sarif"};
    return app->color ? FH_LIT("color") : fh_span_of_str(names[app->format]);
}

static fh_status check_unit(const deed_app *app, const deed_task *task, fh_ref deed_unit *unit, deed_seen *seen,
                            deed_cache *cache, fh_buf *out) {
    deed_report r;
    deed_report_init(&r, unit);
    FH_TRY(deed_find_all(app->heap, unit, &r));
    if (seen != NULL && unit->problems.count == 0)
        learn(seen, unit, &r);
    FH_TRY(put_answer(app, unit, &r, out));
    if (cache == NULL || unit->problems.count != 0)
        return FH_DONE;
    fh_status kept = deed_cache_keep(cache, task, how(app), unit, fh_buf_view(out));
    return kept.code == FH_IO ? FH_DONE : kept; /* a full disk makes the next check slower, not this one wrong */
}

fh_status deed_check_one(const deed_app *app, const deed_task *task, fh_span prefix, deed_seen *seen, deed_cache *cache,
                         fh_buf *out) {
    fh_arena *arena;
    FH_TRY(fh_arena_new(app->heap, NULL, &arena));
    deed_source source = {.path = task->path, .args = task->args, .settings = &app->settings,
                          .lists_inputs = cache != NULL, .seen = seen};
    deed_unit *unit;
    fh_err err;
    fh_err_clear(&err);
    fh_status s = deed_unit_parse(arena, &source, &unit, &err);
    if (!fh_failed(s)) {
        shorten_paths(unit, prefix);
        s = check_unit(app, task, unit, seen, cache, out);
    } else if (err.code != FH_OK && fh_failed(fh_buf_put(out, fh_span_of_str(err.message)))) {
        s = FH_STATUS(FH_NOMEM);
    }
    fh_arena_free(arena);
    return s;
}

bool deed_answer_open(fh_span text, deed_answer *answer) {
    *answer = (deed_answer){0};
    if (text.size < 8)
        return false;
    *answer = (deed_answer){fh_span_from(text, 8), fh_span_u32(text, 0), fh_span_u32(text, 4)};
    return true;
}

bool deed_answer_next(deed_answer *answer, fh_span *key, fh_span *text) {
    fh_span rest = answer->rest;
    if (rest.size < 8)
        return false;
    uint32_t key_bytes = fh_span_u32(rest, 0), text_bytes = fh_span_u32(rest, 4);
    fh_span head, body;
    if (!fh_span_slice(rest, 8, key_bytes, &head) || !fh_span_slice(rest, 8 + (size_t)key_bytes, text_bytes, &body))
        return false;
    *key = head;
    *text = body;
    answer->rest = fh_span_from(rest, 8 + (size_t)key_bytes + text_bytes);
    return true;
}

/* --- check ---------------------------------------------------------------------------------------------------------------- */

/* A finding that was told already. */
typedef struct told {
    fh_span key;
    fh_or_null struct told *next;
} told;

typedef struct check_run {
    deed_app *app;
    fh_deed_tasks tasks;
    fh_u32s missing; /* numbers of the tasks without an answer in the cache */
    fh_views kept;   /* the answers of the others; nothing for those that are missing */
    told *told;
    deed_cache cache;
    bool has_cache;
    deed_seen seen;
    uint64_t functions, findings, start_ns, shown_ns;
    size_t next; /* the first task that was not told */
} check_run;

static fh_status work(void *ctx, size_t item, fh_buf *out) {
    check_run *run = ctx;
    return deed_check_one(run->app, fh_deed_tasks_get(run->tasks, fh_u32s_get(run->missing, item)),
                          run->app->settings.here, &run->seen, run->has_cache ? &run->cache : NULL, out);
}

static fh_status tell_once(check_run *run, fh_span key, fh_span text) {
    for (const told *t = run->told; t != NULL; t = t->next) {
        if (fh_span_equal(t->key, key))
            return FH_DONE;
    }
    fh_span copy;
    FH_TRY(fh_arena_copy(run->app->arena, key, &copy));
    told *t = fh_arena_alloc(run->app->arena, 1, sizeof *t);
    if (t == NULL)
        return FH_STATUS(FH_NOMEM);
    *t = (told){copy, run->told};
    run->told = t;
    if (run->app->format == DEED_FORMAT_SARIF && run->findings > 0)
        FH_TRY(fh_buf_put(&run->app->out, FH_LIT(",\n")));
    run->findings++;
    return fh_buf_put(&run->app->out, text);
}

static fh_status tell(check_run *run, size_t task, fh_status status, fh_span answer) {
    deed_answer a;
    if (fh_failed(status) || !deed_answer_open(answer, &a)) {
        const char *path = fh_deed_tasks_get(run->tasks, task)->path;
        run->app->exit = DEED_EXIT_USAGE;
        FH_TRY(fh_buf_format(&run->app->err, "deed: "));
        if (answer.size != 0)
            return fh_buf_format(&run->app->err, "%.*s\n", FH_SPAN_FMT(answer));
        return fh_buf_format(&run->app->err, "%s: the check ended before its time (%s)\n", path, fh_code_text(status.code));
    }
    run->functions += a.functions;
    fh_span key, text;
    while (deed_answer_next(&a, &key, &text))
        FH_TRY(tell_once(run, key, text));
    return FH_DONE;
}

/* Tells the answers of the cache that come before task `end`. */
static fh_status tell_kept(check_run *run, size_t end) {
    for (; run->next < end; run->next++)
        FH_TRY(tell(run, run->next, FH_DONE, fh_views_get(run->kept, run->next)));
    return FH_DONE;
}

static fh_status done(void *ctx, size_t item, fh_status status, fh_span answer) {
    check_run *run = ctx;
    size_t task = fh_u32s_get(run->missing, item);
    FH_TRY(tell_kept(run, task));
    run->next = task + 1;
    return tell(run, task, status, answer);
}

/* A bar on a terminal, for checks that take longer than a moment. */
static void show_progress(void *ctx, size_t answered) {
    enum { BAR = 30 };
    const uint64_t patience_ns = 400000000, pause_ns = 50000000;
    check_run *run = ctx;
    uint64_t now = fh_os_clock_ns();
    if (now - run->start_ns < patience_ns || now - run->shown_ns < pause_ns)
        return;
    run->shown_ns = now;
    size_t count = run->missing.count, full = BAR * answered / count;
    fh_buf line;
    fh_buf_init(&line, run->app->heap, 0);
    fh_status s = fh_buf_format(&line, "\r  [");
    for (size_t i = 0; i < BAR && !fh_failed(s); i++)
        s = fh_buf_put_u8(&line, i < full ? '=' : ' ');
    if (!fh_failed(s))
        s = fh_buf_format(&line, "] %zu of %zu files\033[K", answered, count);
    if (!fh_failed(s))
        (void)fh_failed(fh_os_write(2, fh_buf_view(&line)));
    fh_buf_deinit(&line);
}

static const char *plural(uint64_t count) {
    return count == 1 ? "" : "s";
}

static fh_status put_rule(fh_json_writer *w, deed_code code) {
    const char *const keys[] = {"shortDescription", "help"};
    const char *const texts[] = {deed_code_title(code), deed_code_explanation(code)};
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "id"));
    FH_TRY(fh_json_put_text(w, fh_span_of_str(deed_code_name(code))));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        FH_TRY(fh_json_key(w, keys[i]));
        FH_TRY(fh_json_open(w, true));
        FH_TRY(fh_json_key(w, "text"));
        FH_TRY(fh_json_put_text(w, fh_span_of_str(texts[i])));
        FH_TRY(fh_json_close(w, true));
    }
    return fh_json_close(w, true);
}

static fh_status put_sarif_head(fh_buf *out) {
    FH_TRY(fh_buf_put(out, FH_LIT("{\"version\":\"2.1.0\","
                                  "\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"runs\":["
                                  "{\"tool\":{\"driver\":{\"name\":\"deed\",\"rules\":[\n")));
    for (deed_code i = 0; i < DEED_CODE_COUNT; i++) {
        fh_json_writer w;
        fh_json_writer_init(&w, out, false);
        FH_TRY(put_rule(&w, i));
        FH_TRY(fh_buf_put(out, i + 1 < DEED_CODE_COUNT ? FH_LIT(",\n") : FH_LIT("\n")));
    }
    return fh_buf_put(out, FH_LIT("]}},\"columnKind\":\"utf16CodeUnits\",\"results\":[\n"));
}

const char *deed_cache_folder(const deed_app *app) {
    if (app->cache_folder != NULL)
        return fh_span_is(fh_span_of_str(app->cache_folder), "none") ? NULL : app->cache_folder;
    const char *base = fh_os_env("XDG_CACHE_HOME"), *home = fh_os_env("HOME");
    if (fh_span_of_str(base).size != 0)
        return deed_copy_text(app->arena, fh_span_of_str(base), FH_LIT("/deed"));
    return fh_span_of_str(home).size == 0 ? NULL : deed_copy_text(app->arena, fh_span_of_str(home), FH_LIT("/.cache/deed"));
}

/* A folder that was named has to work; without the user's own the check is only slower, and says so. */
static fh_status open_cache(check_run *run, fh_err *err) {
    deed_app *app = run->app;
    bool named = app->cache_folder != NULL;
    const char *folder = deed_cache_folder(app);
    if (folder == NULL)
        return FH_DONE;
    fh_err why;
    fh_err_clear(&why);
    const char *settings = app->settings.is_there ? deed_copy_text(app->arena, app->settings.root, FH_LIT("deed.toml")) : "";
    if (settings == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_status s = deed_cache_open(app->arena, folder, fh_span_of_str(settings), &run->cache, named ? err : &why);
    run->has_cache = !fh_failed(s);
    if (named || s.code != FH_IO)
        return s;
    return fh_buf_format(&app->err, "deed: no cache: %s\n", why.message);
}

/* Looks for the answer of each task in the cache. */
static fh_status find_kept(check_run *run, fh_buf *room) {
    deed_app *app = run->app;
    size_t count = run->tasks.count, missing = 0;
    uint32_t *numbers = fh_arena_alloc(app->arena, count, sizeof *numbers);
    fh_span *kept = fh_arena_alloc(app->arena, count, sizeof *kept);
    if (numbers == NULL || kept == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_u32s all = {numbers, count};
    run->kept = (fh_views){kept, count};
    for (size_t i = 0; i < count; i++) {
        fh_span answer = {NULL, 0};
        fh_buf_truncate(room, 0);
        if (!run->has_cache || !deed_cache_find(&run->cache, fh_deed_tasks_get(run->tasks, i), how(app), room))
            fh_u32s_set(all, missing++, (uint32_t)i);
        else
            FH_TRY(fh_arena_copy(app->arena, fh_buf_view(room), &answer));
        fh_views_set(run->kept, i, answer);
    }
    run->missing = fh_u32s_sub(all, 0, missing);
    return FH_DONE;
}

static fh_status check_all(check_run *run) {
    fh_buf room;
    fh_buf_init(&room, run->app->heap, 0);
    fh_status s = find_kept(run, &room);
    fh_buf_deinit(&room);
    FH_TRY(s);
    bool shows = fh_os_is_terminal(2);
    if (run->missing.count > 0)
        s = deed_share(run->app->heap, run->missing.count, run->app->jobs, work, done, shows ? show_progress : NULL, run);
    if (run->shown_ns != 0)
        FH_TRY(fh_os_write(2, FH_LIT("\r\033[K")));
    FH_TRY(s);
    return tell_kept(run, run->tasks.count);
}

fh_status deed_verb_check(deed_app *app, fh_err *err) {
    const uint64_t start_ns = fh_os_clock_ns();
    FH_TRY(deed_settings_read(app, err));
    if (app->paths.count == 0) {
        app->usage = true;
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "check: no path given, and no `include` in a deed.toml");
    }
    fh_deed_tasks tasks;
    FH_TRY(deed_tasks_find(app, &tasks, err));
    if (tasks.count == 0)
        return fh_fail(err, FH_NOT_FOUND, FH_NO_OFFSET, "no C file to check%s",
                       app->compdb == NULL ? "" : ": the compilation database has none of these paths");
    if (app->format == DEED_FORMAT_SARIF)
        FH_TRY(put_sarif_head(&app->out));
    uint64_t *places = fh_arena_alloc(app->arena, DEED_SEEN_MAX, sizeof *places);
    if (places == NULL)
        return FH_STATUS(FH_NOMEM);
    check_run run = {.app = app, .tasks = tasks, .seen = {.places = {places, DEED_SEEN_MAX}}, .start_ns = start_ns};
    FH_TRY(open_cache(&run, err));
    FH_TRY(check_all(&run));
    if (run.app->format == DEED_FORMAT_SARIF)
        FH_TRY(fh_buf_put(&run.app->out, FH_LIT("]}]}\n")));
    if (run.app->exit == DEED_EXIT_CLEAN && run.findings > 0)
        run.app->exit = DEED_EXIT_FINDINGS;
    double seconds = (double)(fh_os_clock_ns() - run.start_ns) / 1e9;
    FH_TRY(fh_buf_format(&run.app->err, "deed: %zu file%s, %llu function%s, %llu finding%s (%.1f s", run.tasks.count,
                         plural(run.tasks.count), (unsigned long long)run.functions, plural(run.functions),
                         (unsigned long long)run.findings, plural(run.findings), seconds));
    size_t kept = run.tasks.count - run.missing.count;
    return kept == 0 ? fh_buf_put(&run.app->err, FH_LIT(")\n")) : fh_buf_format(&run.app->err, "; %zu unchanged)\n", kept);
}

/* --- explain and dump ----------------------------------------------------------------------------------------------------- */

fh_status deed_verb_explain(deed_app *app, fh_err *err) {
    if (app->paths.count == 0) {
        for (deed_code i = 0; i < DEED_CODE_COUNT; i++)
            FH_TRY(fh_buf_format(&app->out, "%s  %s\n", deed_code_name(i), deed_code_title(i)));
        return FH_DONE;
    }
    for (size_t i = 0; i < app->paths.count; i++) {
        const char *name = fh_deed_args_get(app->paths, i);
        deed_code code = deed_code_of(fh_span_of_str(name));
        if (code == DEED_CODE_COUNT)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%s is no code; `deed explain` lists them all", name);
        FH_TRY(fh_buf_format(&app->out, "%s%s: %s\n\n", i == 0 ? "" : "\n", deed_code_name(code), deed_code_title(code)));
        FH_TRY(fh_buf_put(&app->out, fh_span_of_str(deed_code_explanation(code))));
    }
    return FH_DONE;
}

fh_status deed_verb_dump(deed_app *app, fh_err *err) {
    fh_deed_tasks tasks;
    FH_TRY(deed_settings_read(app, err));
    FH_TRY(deed_tasks_find(app, &tasks, err));
    for (size_t i = 0; i < tasks.count; i++) {
        const deed_task *task = fh_deed_tasks_get(tasks, i);
        deed_source source = {.path = task->path, .args = task->args, .settings = &app->settings, .main_only = true};
        deed_unit *unit;
        FH_TRY(deed_unit_parse(app->arena, &source, &unit, err));
        FH_TRY(app->format == DEED_FORMAT_JSON ? deed_unit_dump_rows(unit, &app->out) : deed_unit_dump(unit, &app->out));
    }
    return FH_DONE;
}
