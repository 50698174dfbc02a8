/* ui.c: `deed ui`: a folder of bad programs, each with the exact output that it must give, and of their fixed twins.
 *
 *     FH0101/sink.c          is refused, with the text of FH0101/sink.stderr and at least one FH0101 in it
 *     FH0101/sink.fixed.c    gives no finding at all
 *
 * In folders that are not named by a code (known-fp, known-miss) only the output is compared, and there are no twins: a
 * test there fails when the checker's answer changes, in either direction.
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
    return deed_check_one(run->app, fh_deed_tasks_get(run->tasks, item), run->prefix, out);
}

/* The code that the file's folder is named by, or DEED_CODE_COUNT. */
static deed_code folder_code(const ui_run *run, const char *path) {
    fh_span below = fh_span_from(fh_span_of_str(path), run->prefix.size);
    size_t slash = fh_span_find(below, FH_LIT("/"), 0);
    return slash == 6 ? deed_code_of(fh_span_sub(below, 0, slash)) : DEED_CODE_COUNT;
}

static bool has_task(const ui_run *run, const char *path) {
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

/* Compares what a bad file gave with its .stderr, or writes that. */
static fh_status compare(ui_run *run, const char *path, fh_span got) {
    fh_span name = fh_span_of_str(path);
    const char *expected_path = deed_copy_text(run->app->arena, fh_span_sub(name, 0, name.size - 2), FH_LIT(".stderr"));
    fh_os_map map;
    if (expected_path == NULL)
        return FH_STATUS(FH_NOMEM);
    bool there = !fh_failed(fh_os_map_open(expected_path, &map, NULL));
    bool same = there && fh_span_equal(map.bytes, got);
    if (same) {
        run->passed++;
    } else if (run->app->bless) {
        fh_err err;
        fh_err_clear(&err);
        run->written++;
        if (fh_failed(bless(expected_path, got, &err)))
            FH_TRY(fail(run, path, err.message));
    } else {
        FH_TRY(fail(run, path, there ? "another output than expected" : "there is no .stderr (deed ui --bless writes it)"));
        FH_TRY(fh_buf_put(&run->app->out, FH_LIT("--- expected\n")));
        if (there)
            FH_TRY(fh_buf_put(&run->app->out, map.bytes));
        FH_TRY(fh_buf_put(&run->app->out, FH_LIT("--- got\n")));
        FH_TRY(fh_buf_put(&run->app->out, got));
    }
    if (there)
        fh_os_map_close(&map);
    return FH_DONE;
}

static fh_status judge(ui_run *run, const char *path, fh_span got) {
    fh_span name = fh_span_of_str(path);
    deed_code code = folder_code(run, path);
    if (deed_ends_with(name, ".fixed.c")) {
        if (got.size == 0) {
            run->passed++;
            return FH_DONE;
        }
        FH_TRY(fail(run, path, "the fixed twin is not silent"));
        return fh_buf_put(&run->app->out, got);
    }
    if (code != DEED_CODE_COUNT) {
        run->pairs++;
        const char *twin = deed_copy_text(run->app->arena, fh_span_sub(name, 0, name.size - 2), FH_LIT(".fixed.c"));
        if (!has_task(run, twin))
            return fail(run, path, "there is no fixed twin");
        const char *mark = deed_copy_text(run->app->arena, FH_LIT("error["), fh_span_of_str(deed_code_name(code)));
        if (fh_span_find(got, fh_span_of_str(mark), 0) == SIZE_MAX) {
            FH_TRY(fail(run, path, "is not refused with the code of its folder"));
            return fh_buf_put(&run->app->out, got);
        }
    }
    return compare(run, path, got);
}

static fh_status done(void *ctx, size_t item, fh_status status, fh_span answer) {
    ui_run *run = ctx;
    const char *path = fh_deed_tasks_get(run->tasks, item)->path;
    deed_answer a;
    if (fh_failed(status) || !deed_answer_open(answer, &a))
        return fail(run, path, "could not be checked");
    fh_buf got;
    fh_buf_init(&got, run->app->heap, 0);
    fh_span key, text;
    fh_status s = FH_DONE;
    while (!fh_failed(s) && deed_answer_next(&a, &key, &text))
        s = fh_buf_put(&got, text);
    if (!fh_failed(s))
        s = judge(run, path, fh_buf_view(&got));
    fh_buf_deinit(&got);
    return s;
}

fh_status deed_verb_ui(deed_app *app, fh_err *err) {
    ui_run run = {.app = app};
    if (app->paths.count != 1) {
        app->usage = true;
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "ui: expected one folder");
    }
    fh_span folder = fh_span_of_str(fh_deed_args_get(app->paths, 0));
    while (folder.size > 1 && fh_span_at(folder, folder.size - 1) == '/')
        folder = fh_span_sub(folder, 0, folder.size - 1);
    run.prefix = fh_span_of_str(deed_copy_text(app->arena, folder, FH_LIT("/")));
    const char *bare = deed_copy_text(app->arena, folder, (fh_span){0});
    if (run.prefix.size == 0 || bare == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_deed_args_set(app->paths, 0, bare);
    app->format = DEED_FORMAT_RUSTC;
    app->color = false;
    FH_TRY(deed_tasks_find(app, &run.tasks, err));
    FH_TRY(deed_share(app->heap, run.tasks.count, app->jobs, work, done, &run));
    if (run.failed > 0)
        app->exit = DEED_EXIT_FINDINGS;
    FH_TRY(fh_buf_format(&app->err, "deed ui: %zu files, %zu pairs, %zu as expected, %zu failed", run.tasks.count, run.pairs,
                         run.passed, run.failed));
    if (run.written > 0)
        FH_TRY(fh_buf_format(&app->err, ", %zu written", run.written));
    return fh_buf_put(&app->err, FH_LIT("\n"));
}
