/* lsp.c: `deed lsp`: a server of the Language Server Protocol 3.17 on standard input and output.
 *
 * It keeps each open file's text, its unit and its findings; libclang keeps the headers precompiled, so that a change costs
 * the reading of one file. Messages that have come in are all taken before anything is checked, so a fast typist is checked
 * once. What is shown of a file is what was found in that file itself: a header's findings are shown when that is opened.
 *
 * Bad input: a body that is no JSON, or no request, is answered with an error, and the next message is read; a head that is
 * none ends the program with exit status 2, for nobody can tell where the next message begins. Threading: the main thread. */
#include "check/lsp.h"

#include "check/outside.h"
#include "freehold/os.h"

/* --- documents ------------------------------------------------------------------------------------------------------------ */

static void end_document(deed_server *s, deed_document *d) {
    deed_live_end(&d->live);
    fh_arena_free(d->checked);
    fh_buf_deinit(&d->text);
    fh_arena_free(d->setup);
    fh_arena_free(d->own);
    fh_free(s->app->heap, d);
}

static fh_or_null deed_document *document_of(deed_server *s, fh_span uri) {
    for (deed_document *d = s->documents; d != NULL; d = d->next) {
        if (fh_span_equal(d->uri, uri))
            return d;
    }
    return NULL;
}

static fh_span folder_above(fh_span path) {
    size_t end = path.size;
    while (end > 0 && fh_span_at(path, end - 1) != '/')
        end--;
    return fh_span_sub(path, 0, end > 0 ? end - 1 : 0);
}

/* compile_commands.json in a folder above the file, or in build/ there; NULL for none. */
static fh_or_null const char *find_database(fh_arena *arena, fh_span path) {
    static const char *const names[] = {"/compile_commands.json", "/build/compile_commands.json"};
    for (fh_span folder = folder_above(path); folder.size > 0; folder = folder_above(folder)) {
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            const char *name = deed_copy_text(arena, folder, fh_span_of_str(names[i]));
            fh_os_map map;
            if (name == NULL || fh_failed(fh_os_map_open(name, &map, NULL)))
                continue;
            fh_os_map_close(&map);
            return name;
        }
    }
    return NULL;
}

static fh_status log_problem(deed_server *s, const char *message) {
    fh_buf body;
    fh_json_writer w;
    fh_buf_init(&body, s->app->heap, 0);
    fh_status status = fh_buf_format(
        &body, "{\"jsonrpc\":\"2.0\",\"method\":\"window/logMessage\",\"params\":{\"type\":1,\"message\":");
    fh_json_writer_init(&w, &body, false);
    if (!fh_failed(status))
        status = fh_json_put_text(&w, fh_span_of_str(message));
    if (!fh_failed(status))
        status = fh_buf_put(&body, FH_LIT("}}"));
    if (!fh_failed(status))
        status = deed_lsp_send(s, fh_buf_view(&body));
    fh_buf_deinit(&body);
    return status;
}

/* A header is no program of its own for the compiler unless it is told so. */
static fh_status add_language(deed_document *d) {
    if (deed_ends_with(fh_span_of_str(d->path), ".c"))
        return FH_DONE;
    size_t count = d->task.args.count;
    deed_arg *at = fh_arena_alloc(d->setup, count + 2, sizeof *at);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_deed_args args = {at, count + 2};
    for (size_t i = 0; i < count; i++)
        fh_deed_args_set(args, i, fh_deed_args_get(d->task.args, i));
    fh_deed_args_set(args, count, "-x");
    fh_deed_args_set(args, count + 1, "c");
    d->task.args = args;
    return FH_DONE;
}

/* Looks for deed.toml and the compilation database above the file. What is wrong with them is told, and goes for nothing. */
static fh_status find_settings(deed_server *s, deed_document *d) {
    fh_arena_free(d->setup);
    d->setup = NULL;
    FH_TRY(fh_arena_new(s->app->heap, NULL, &d->setup));
    fh_err err;
    fh_err_clear(&err);
    fh_span path = fh_span_of_str(d->path);
    if (fh_failed(deed_settings_find(d->setup, path, &d->settings, &err)))
        FH_TRY(log_problem(s, err.message));
    deed_app app = *s->app;
    app.arena = d->setup;
    app.compdb = s->app->compdb != NULL ? s->app->compdb : find_database(d->setup, path);
    fh_err_clear(&err);
    if (fh_failed(deed_task_for(&app, d->path, &d->task, &err))) {
        FH_TRY(log_problem(s, err.message));
        app.compdb = NULL;
        FH_TRY(deed_task_for(&app, d->path, &d->task, &err));
    }
    return add_language(d);
}

static fh_status fill_document(deed_server *s, deed_document *d, const deed_request *r) {
    FH_TRY(fh_arena_new(s->app->heap, NULL, &d->own));
    d->uri_text = deed_copy_text(d->own, r->uri, (fh_span){NULL, 0});
    if (d->uri_text == NULL)
        return FH_STATUS(FH_NOMEM);
    d->uri = fh_span_of_str(d->uri_text);
    d->path = deed_lsp_path(d->own, r->uri);
    return d->path == NULL ? FH_STATUS(FH_INVALID) : find_settings(s, d);
}

/* Texts of all open files, for libclang. */
static fh_status open_texts(deed_server *s, fh_arena *arena, fh_deed_text_files *out) {
    deed_text_file *at = fh_arena_alloc(arena, DEED_TEXTS_MAX, sizeof *at);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_deed_text_files all = {at, DEED_TEXTS_MAX};
    size_t count = 0;
    for (deed_document *d = s->documents; d != NULL && count < DEED_TEXTS_MAX; d = d->next)
        fh_deed_text_files_set(all, count++, (deed_text_file){d->path, fh_buf_view(&d->text)});
    *out = fh_deed_text_files_sub(all, 0, count);
    return FH_DONE;
}

static fh_status check_into(deed_server *s, deed_document *d, fh_arena *arena, fh_err *err) {
    deed_source source = {.path = d->path, .args = d->task.args, .settings = &d->settings, .main_only = true,
                          .live = &d->live};
    FH_TRY(open_texts(s, arena, &source.texts));
    FH_TRY(deed_unit_parse(arena, &source, &d->unit, err));
    deed_report_init(&d->report, d->unit);
    fh_status found = deed_find_all(s->app->heap, d->unit, &d->report);
    return found.code == FH_LIMIT ? FH_DONE : found; /* more than anybody reads */
}

static fh_status check(deed_server *s, deed_document *d) {
    fh_err err;
    fh_err_clear(&err);
    d->changed = false;
    d->unit = NULL;
    fh_arena_free(d->checked);
    d->checked = NULL;
    FH_TRY(fh_arena_new(s->app->heap, NULL, &d->checked));
    fh_status status = check_into(s, d, d->checked, &err);
    if (fh_failed(status)) {
        d->unit = NULL;
        FH_TRY(log_problem(s, err.code != FH_OK ? err.message : fh_code_text(status.code)));
    }
    return deed_lsp_publish(s, d, false);
}

static fh_status check_changed(deed_server *s) {
    for (deed_document *d = s->documents; d != NULL; d = d->next) {
        if (d->changed)
            FH_TRY(check(s, d));
    }
    return FH_DONE;
}

/* --- notifications: nothing is answered ---------------------------------------------------------------------------------- */

static fh_status set_text(deed_server *s, deed_document *d, const deed_request *r) {
    fh_buf_truncate(&d->text, 0);
    d->version = r->version;
    d->changed = true;
    if (!deed_ends_with(fh_span_of_str(d->path), ".c")) { /* others may include it */
        for (deed_document *other = s->documents; other != NULL; other = other->next)
            other->changed = true;
    }
    return fh_buf_put(&d->text, r->text);
}

static fh_status on_close(deed_server *s, const deed_request *r) {
    for (deed_document **link = &s->documents; *link != NULL; link = &(*link)->next) {
        deed_document *d = *link;
        if (!fh_span_equal(d->uri, r->uri))
            continue;
        *link = d->next;
        fh_status status = deed_lsp_publish(s, d, true);
        end_document(s, d);
        return status;
    }
    return FH_DONE;
}

static fh_status on_open(deed_server *s, const deed_request *r) {
    FH_TRY(on_close(s, r));
    deed_document *d = fh_alloc(s->app->heap, 1, sizeof *d);
    if (d == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_buf_init(&d->text, s->app->heap, 0);
    fh_status status = fill_document(s, d, r);
    if (!fh_failed(status))
        status = set_text(s, d, r);
    if (fh_failed(status)) {
        end_document(s, d);
        return status.code == FH_INVALID ? FH_DONE : status; /* no file of this machine */
    }
    d->next = s->documents;
    s->documents = d;
    return FH_DONE;
}

static fh_status on_change(deed_server *s, const deed_request *r) {
    deed_document *d = document_of(s, r->uri);
    if (d == NULL || !r->has_text)
        return FH_DONE;
    if (r->has_range)
        return log_problem(s, "a change of a part of a text: this server takes whole texts");
    return set_text(s, d, r);
}

/* The database or deed.toml may have changed too. */
static fh_status on_save(deed_server *s, const deed_request *r) {
    deed_document *d = document_of(s, r->uri);
    if (d == NULL)
        return FH_DONE;
    deed_live_end(&d->live);
    d->changed = true;
    return find_settings(s, d);
}

/* --- requests: each is answered ------------------------------------------------------------------------------------------ */

static const char capabilities[] =
    "{\"capabilities\":{\"positionEncoding\":\"utf-16\","
    "\"textDocumentSync\":{\"openClose\":true,\"change\":1,\"save\":true},"
    "\"hoverProvider\":true,\"codeActionProvider\":{\"codeActionKinds\":[\"quickfix\"]}},"
    "\"serverInfo\":{\"name\":\"deed\"}}";

static fh_status put_hover(const deed_document *d, const deed_request *r, fh_buf *text, fh_buf *out) {
    deed_place where;
    bool found = false;
    size_t offset = deed_lsp_offset(fh_buf_view(&d->text), r->line, r->character);
    FH_TRY(deed_hover(d->unit, offset, text, &where, &found));
    if (!found)
        return fh_buf_put(out, FH_LIT("null"));
    fh_json_writer w;
    fh_json_writer_init(&w, out, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(fh_json_key(&w, "contents"));
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(fh_json_key(&w, "kind"));
    FH_TRY(fh_json_put_text(&w, FH_LIT("markdown")));
    FH_TRY(fh_json_key(&w, "value"));
    FH_TRY(fh_json_put_text(&w, fh_buf_view(text)));
    FH_TRY(fh_json_close(&w, true));
    FH_TRY(deed_lsp_put_range(&w, d->unit, where));
    return fh_json_close(&w, true);
}

static fh_status put_action(fh_json_writer *w, const deed_document *d, const deed_finding *f, size_t offset, fh_span word) {
    uint32_t at = (uint32_t)offset;
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "title"));
    FH_TRY(fh_json_put_text(w, f->help));
    FH_TRY(fh_json_key(w, "kind"));
    FH_TRY(fh_json_put_text(w, FH_LIT("quickfix")));
    FH_TRY(fh_json_key(w, "edit"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "changes"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, d->uri_text));
    FH_TRY(fh_json_open(w, false));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(deed_lsp_put_range(w, d->unit, (deed_place){f->place.file, at, at}));
    FH_TRY(fh_json_key(w, "newText"));
    FH_TRY(fh_json_put_text(w, word));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(fh_json_close(w, false));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(fh_json_close(w, true));
    return fh_json_close(w, true);
}

static fh_status put_actions(const deed_document *d, const deed_request *r, fh_arena *arena, fh_buf *out) {
    size_t first = deed_lsp_offset(fh_buf_view(&d->text), r->line, r->character);
    size_t last = deed_lsp_offset(fh_buf_view(&d->text), r->end_line, r->end_character);
    fh_json_writer w;
    fh_json_writer_init(&w, out, false);
    FH_TRY(fh_json_open(&w, false));
    for (const deed_finding *f = deed_report_first(&d->report); f != NULL; f = f->next) {
        bool own = f->place.file != 0 && fh_deed_files_at(d->unit->files, f->place.file)->is_main;
        size_t offset = 0;
        fh_span word;
        if (!own || f->place.end_bytes < first || f->place.offset_bytes > last || !deed_fix_of(d->unit, f, &offset, &word))
            continue;
        const char *text = deed_copy_text(arena, word, FH_LIT(" "));
        if (text == NULL)
            return FH_STATUS(FH_NOMEM);
        FH_TRY(put_action(&w, d, f, offset, fh_span_of_str(text)));
    }
    return fh_json_close(&w, false);
}

/* Answers what is asked about a file; null about one that is not open. */
static fh_status on_question(deed_server *s, const deed_request *r, fh_arena *arena, bool hover) {
    FH_TRY(check_changed(s));
    deed_document *d = document_of(s, r->uri);
    if (d == NULL || d->unit == NULL)
        return deed_lsp_answer(s, r->id, FH_LIT("null"));
    fh_buf text, out;
    fh_buf_init(&text, s->app->heap, 0);
    fh_buf_init(&out, s->app->heap, 0);
    fh_status status = hover ? put_hover(d, r, &text, &out) : put_actions(d, r, arena, &out);
    if (!fh_failed(status))
        status = deed_lsp_answer(s, r->id, fh_buf_view(&out));
    fh_buf_deinit(&text);
    fh_buf_deinit(&out);
    return status;
}

static fh_status on_notification(deed_server *s, const deed_request *r) {
    if (fh_span_is(r->method, "exit")) {
        s->over = true;
        s->app->exit = s->shut ? DEED_EXIT_CLEAN : DEED_EXIT_FINDINGS;
    }
    if (!s->initialized || s->shut)
        return FH_DONE;
    if (fh_span_is(r->method, "textDocument/didOpen"))
        return on_open(s, r);
    if (fh_span_is(r->method, "textDocument/didChange"))
        return on_change(s, r);
    if (fh_span_is(r->method, "textDocument/didSave"))
        return on_save(s, r);
    return fh_span_is(r->method, "textDocument/didClose") ? on_close(s, r) : FH_DONE;
}

static fh_status on_request(deed_server *s, const deed_request *r, fh_arena *arena) {
    if (s->shut)
        return deed_lsp_refuse(s, r->id, DEED_BAD_REQUEST, "the server was shut down");
    if (fh_span_is(r->method, "initialize")) {
        s->initialized = true;
        return deed_lsp_answer(s, r->id, fh_span_of_str(capabilities));
    }
    if (!s->initialized)
        return deed_lsp_refuse(s, r->id, DEED_NOT_YET, "the server is not initialized");
    if (fh_span_is(r->method, "textDocument/hover"))
        return on_question(s, r, arena, true);
    if (fh_span_is(r->method, "textDocument/codeAction"))
        return on_question(s, r, arena, false);
    if (!fh_span_is(r->method, "shutdown"))
        return deed_lsp_refuse(s, r->id, DEED_NO_METHOD, "no method of this name");
    s->shut = true;
    return deed_lsp_answer(s, r->id, FH_LIT("null"));
}

/* --- the loop ------------------------------------------------------------------------------------------------------------- */

static fh_status take_message(deed_server *s, fh_span body) {
    fh_arena *arena;
    deed_request r;
    fh_err err;
    fh_err_clear(&err);
    FH_TRY(fh_arena_new(s->app->heap, NULL, &arena));
    fh_status status = deed_request_parse(arena, body, &r, &err);
    if (status.code == FH_INVALID)
        status = deed_lsp_refuse(s, r.id, DEED_BAD_PARAMS, err.message);
    else if (status.code == FH_CORRUPT || status.code == FH_LIMIT)
        status = deed_lsp_refuse(s, (fh_span){NULL, 0}, DEED_PARSE_ERROR, err.message);
    else if (!fh_failed(status) && r.method.size == 0 && r.id.size == 0)
        status = deed_lsp_refuse(s, r.id, DEED_BAD_REQUEST, "a message without a method");
    else if (!fh_failed(status) && r.method.size != 0) /* else: an answer to nothing that we asked */
        status = r.id.size == 0 ? on_notification(s, &r) : on_request(s, &r, arena);
    fh_arena_free(arena);
    return status;
}

/* Takes every message that is all there. */
static fh_status take_messages(deed_server *s, fh_err *err) {
    size_t used = 0;
    fh_span body;
    while (!s->over) {
        fh_status status = deed_message_next(fh_buf_view(&s->in), &body, &used, err);
        if (status.code == FH_AGAIN)
            return FH_DONE;
        if (fh_failed(status)) {
            FH_TRY(deed_lsp_refuse(s, (fh_span){NULL, 0}, DEED_PARSE_ERROR, err->message));
            return status;
        }
        FH_TRY(take_message(s, body));
        fh_buf_consume(&s->in, used);
    }
    return FH_DONE;
}

static fh_status serve(deed_server *s, fh_err *err) {
    uint8_t step[65536];
    while (!s->over) {
        size_t got = 0;
        FH_TRY(fh_os_read(0, (fh_mspan){step, sizeof step}, &got));
        if (got == 0) {
            s->app->exit = s->shut ? DEED_EXIT_CLEAN : DEED_EXIT_FINDINGS;
            return s->in.size == 0 ? FH_DONE : fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "the input ends inside a message");
        }
        FH_TRY(fh_buf_put(&s->in, fh_span_sub((fh_span){step, sizeof step}, 0, got)));
        FH_TRY(take_messages(s, err));
        FH_TRY(check_changed(s));
    }
    return FH_DONE;
}

fh_status deed_verb_lsp(deed_app *app, fh_err *err) {
    deed_server s = {.app = app};
    if (app->paths.count != 0) {
        app->usage = true;
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "lsp: files come from the editor, not from the command line");
    }
    fh_buf_init(&s.in, app->heap, 0);
    fh_buf_init(&s.out, app->heap, 0);
    fh_status status = serve(&s, err);
    for (deed_document *d = s.documents; d != NULL;) {
        deed_document *next = d->next;
        end_document(&s, d);
        d = next;
    }
    fh_buf_deinit(&s.in);
    fh_buf_deinit(&s.out);
    return status;
}
