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

typedef struct server {
    const deed_app *app;
    deed_client client;
    deed_document *documents; /* in the program's arena */
    bool initialized, shut, over;
} server;

/* --- documents ------------------------------------------------------------------------------------------------------------ */

static void free_names(fh_drop deed_names *n) {
    if (n == NULL)
        return;
    fh_arena_free(n->arena);
    fh_free(n->heap, n);
}

static void free_setup(fh_drop deed_setup *s) {
    if (s == NULL)
        return;
    fh_arena_free(s->arena);
    fh_free(s->heap, s);
}

static void free_checked(fh_drop deed_checked *k) {
    if (k == NULL)
        return;
    fh_arena_free(k->arena);
    fh_free(k->heap, k);
}

static void close_document(deed_document *d) {
    deed_live_end(&d->live);
    free_checked(d->checked);
    free_setup(d->setup);
    free_names(d->names);
    fh_buf_deinit(&d->text);
    *d = (deed_document){.next = d->next};
}

/* The open document of this URI, or NULL. */
static fh_or_null fh_view(1) deed_document *document_of(fh_ref deed_document *first, fh_span uri) {
    deed_document *d = first;
    while (d != NULL && (d->names == NULL || !fh_span_is(uri, d->names->uri)))
        d = d->next;
    return d;
}

/* Room for a document; NULL when there is no memory. */
static fh_or_null fh_view(*1) deed_document *new_document(server *s) {
    deed_document *d = s->documents;
    while (d != NULL && d->names != NULL)
        d = d->next;
    if (d != NULL)
        return d;
    d = fh_arena_alloc(s->app->arena, 1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->next = s->documents;
    s->documents = d;
    return d;
}

static fh_span folder_above(fh_span path) {
    size_t end = path.size;
    while (end > 0 && fh_span_at(path, end - 1) != '/')
        end--;
    return fh_span_sub(path, 0, end > 0 ? end - 1 : 0);
}

/* compile_commands.json in a folder above the file, or in build/ there; NULL for none. */
static fh_or_null fh_view(1) const char *find_database(fh_ref fh_arena *arena, fh_span path) {
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

static fh_status log_problem(deed_client *c, const char *message) {
    fh_buf body;
    fh_json_writer w;
    fh_buf_init(&body, c->heap, 0);
    fh_status status = fh_buf_format(
        &body, "{\"jsonrpc\":\"2.0\",\"method\":\"window/logMessage\",\"params\":{\"type\":1,\"message\":");
    fh_json_writer_init(&w, &body, false);
    if (!fh_failed(status))
        status = fh_json_put_text(&w, fh_span_of_str(message));
    if (!fh_failed(status))
        status = fh_buf_put(&body, FH_LIT("}}"));
    if (!fh_failed(status))
        status = deed_lsp_send(c, fh_buf_view(&body));
    fh_buf_deinit(&body);
    return status;
}

/* The names of a file of this machine; FH_INVALID for another URI. */
static fh_status new_names(fh_ref fh_allocator *heap, fh_span uri, fh_owned fh_view(1) deed_names **out) {
    *out = NULL;
    deed_names *n = fh_alloc(heap, 1, sizeof *n);
    if (n == NULL)
        return FH_STATUS(FH_NOMEM);
    n->heap = heap;
    fh_status s = fh_arena_new(heap, NULL, &n->arena);
    if (fh_failed(s)) {
        fh_free(heap, n);
        return s;
    }
    n->path = deed_lsp_path(n->arena, uri);
    n->uri = deed_copy_text(n->arena, uri, (fh_span){NULL, 0});
    if (n->path == NULL || n->uri == NULL) {
        s = FH_STATUS(n->path == NULL ? FH_INVALID : FH_NOMEM);
        free_names(n);
        return s;
    }
    *out = n;
    return FH_DONE;
}

/* A header is no program of its own for the compiler unless it is told so. */
static fh_status add_language(fh_ref fh_arena *arena, fh_span path, fh_mut fh_view(1) fh_deed_args *args) {
    if (deed_ends_with(path, ".c"))
        return FH_DONE;
    size_t count = args->count;
    deed_arg *at = fh_arena_alloc(arena, count + 2, sizeof *at);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_deed_args more = {at, count + 2};
    for (size_t i = 0; i < count; i++)
        fh_deed_args_set(more, i, fh_deed_args_get(*args, i));
    fh_deed_args_set(more, count, "-x");
    fh_deed_args_set(more, count + 1, "c");
    *args = more;
    return FH_DONE;
}

/* Looks for deed.toml above the file. What is wrong with it is told, and goes for nothing. */
static fh_status read_settings(deed_client *c, const char *path, fh_ref fh_arena *arena,
                               fh_mut fh_view(3) deed_settings *out) {
    fh_err err;
    fh_err_clear(&err);
    fh_status s = deed_settings_find(arena, fh_span_of_str(path), out, &err);
    return fh_failed(s) ? log_problem(c, err.message) : FH_DONE;
}

/* The arguments that the compilation database above the file says; what is wrong with that is told, and goes for nothing. */
static fh_status read_args(deed_client *c, const deed_app *from, const char *path, fh_ref fh_arena *arena,
                           fh_mut fh_view(*2, 3, 4) fh_deed_args *out) {
    fh_err err;
    fh_err_clear(&err);
    deed_app app = *from;
    deed_task task;
    app.arena = arena;
    app.compdb = from->compdb != NULL ? from->compdb : find_database(arena, fh_span_of_str(path));
    if (fh_failed(deed_task_for(&app, path, &task, &err))) {
        FH_TRY(log_problem(c, err.message));
        app.compdb = NULL;
        FH_TRY(deed_task_for(&app, path, &task, &err));
    }
    *out = task.args;
    return add_language(arena, fh_span_of_str(path), out);
}

static fh_status new_setup(deed_client *c, const deed_app *app, const char *path, fh_owned fh_view(*2) deed_setup **out) {
    *out = NULL;
    deed_setup *setup = fh_alloc(app->heap, 1, sizeof *setup);
    if (setup == NULL)
        return FH_STATUS(FH_NOMEM);
    setup->heap = app->heap;
    fh_status s = fh_arena_new(app->heap, NULL, &setup->arena);
    if (fh_failed(s)) {
        fh_free(app->heap, setup);
        return s;
    }
    deed_settings settings = {.is_there = false};
    fh_deed_args args = {NULL, 0};
    s = read_settings(c, path, setup->arena, &settings);
    const char *copy = deed_copy_text(setup->arena, fh_span_of_str(path), (fh_span){NULL, 0});
    if (!fh_failed(s))
        s = copy != NULL ? read_args(c, app, copy, setup->arena, &args) : FH_STATUS(FH_NOMEM);
    if (fh_failed(s)) {
        free_setup(setup);
        return s;
    }
    setup->settings = settings;
    setup->args = args;
    *out = setup;
    return FH_DONE;
}

/* Texts of all open files, for libclang. */
static fh_status open_texts(const deed_document *first, fh_ref fh_arena *arena, fh_out fh_view(1, 2) fh_deed_text_files *out) {
    deed_text_file *at = fh_arena_alloc(arena, DEED_TEXTS_MAX, sizeof *at);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_deed_text_files all = {at, DEED_TEXTS_MAX};
    size_t count = 0;
    for (const deed_document *d = first; d != NULL && count < DEED_TEXTS_MAX; d = d->next) {
        if (d->names != NULL)
            fh_deed_text_files_set(all, count++, (deed_text_file){d->names->path, fh_buf_view(&d->text)});
    }
    *out = fh_deed_text_files_sub(all, 0, count);
    return FH_DONE;
}

/* Checks a file, with the texts of all open ones. */
static fh_status check_into(fh_ref fh_arena *arena, const deed_document *all, const deed_document *d, deed_live *live,
                            fh_out fh_view(1) deed_unit **unit, fh_out fh_view(1) deed_report *report, fh_err *err) {
    deed_source source = {.path = d->names->path, .args = d->setup->args, .settings = &d->setup->settings, .main_only = true,
                          .live = live};
    FH_TRY(open_texts(all, arena, &source.texts));
    FH_TRY(deed_unit_parse(arena, &source, unit, err));
    deed_report_init(report, *unit);
    fh_status found = deed_find_all(d->names->heap, *unit, report);
    return found.code == FH_LIMIT ? FH_DONE : found; /* more than anybody reads */
}

/* NULL if the file cannot be checked, which is told. */
static fh_status new_checked(deed_client *c, const deed_document *all, const deed_document *d, deed_live *live,
                             fh_owned_or_null fh_view(*1) deed_checked **out) {
    fh_err err;
    *out = NULL;
    fh_err_clear(&err);
    deed_checked *k = fh_alloc(c->heap, 1, sizeof *k);
    if (k == NULL)
        return FH_STATUS(FH_NOMEM);
    k->heap = c->heap;
    fh_status s = fh_arena_new(c->heap, NULL, &k->arena);
    if (fh_failed(s)) {
        fh_free(c->heap, k);
        return s;
    }
    s = check_into(k->arena, all, d, live, &k->unit, &k->report, &err);
    if (fh_failed(s)) {
        free_checked(k);
        return log_problem(c, err.code != FH_OK ? err.message : fh_code_text(s.code));
    }
    *out = k;
    return FH_DONE;
}

static fh_status check_changed(server *s) {
    for (deed_document *d = s->documents; d != NULL; d = d->next) {
        if (!d->changed)
            continue;
        deed_live live = d->live;
        deed_checked *checked = NULL;
        d->live = (deed_live){NULL, NULL};
        d->changed = false;
        free_checked(d->checked);
        d->checked = NULL;
        fh_status status = new_checked(&s->client, s->documents, d, &live, &checked);
        d->live = live;
        d->checked = checked;
        FH_TRY(status);
        FH_TRY(deed_lsp_publish(&s->client, d, false));
    }
    return FH_DONE;
}

/* --- notifications: nothing is answered ---------------------------------------------------------------------------------- */

static fh_status set_text(deed_document *d, const deed_request *r) {
    fh_buf_truncate(&d->text, 0);
    d->version = r->version;
    d->changed = true;
    return fh_buf_put(&d->text, r->text);
}

/* Others may include what has changed, unless it is a program. */
static void touch_others(fh_mut deed_document *first, fh_span uri) {
    for (deed_document *d = first; d != NULL && !deed_ends_with(uri, ".c"); d = d->next)
        d->changed = d->names != NULL;
}

static fh_status on_close(server *s, const deed_request *r) {
    deed_document *d = document_of(s->documents, r->uri);
    if (d == NULL)
        return FH_DONE;
    fh_status status = deed_lsp_publish(&s->client, d, true);
    close_document(d);
    return status;
}

static fh_status on_open(server *s, const deed_request *r) {
    FH_TRY(on_close(s, r));
    deed_names *names;
    deed_setup *setup;
    fh_status status = new_names(s->app->heap, r->uri, &names);
    if (fh_failed(status))
        return status.code == FH_INVALID ? FH_DONE : status; /* no file of this machine */
    status = new_setup(&s->client, s->app, names->path, &setup);
    if (fh_failed(status)) {
        free_names(names);
        return status;
    }
    deed_document *d = new_document(s);
    if (d == NULL) {
        free_setup(setup);
        free_names(names);
        return FH_STATUS(FH_NOMEM);
    }
    d->names = names;
    d->setup = setup;
    fh_buf_init(&d->text, s->app->heap, 0);
    FH_TRY(set_text(d, r));
    touch_others(s->documents, r->uri);
    return FH_DONE;
}

static fh_status on_change(server *s, const deed_request *r) {
    deed_document *d = document_of(s->documents, r->uri);
    if (d == NULL || !r->has_text)
        return FH_DONE;
    if (r->has_range)
        return log_problem(&s->client, "a change of a part of a text: this server takes whole texts");
    FH_TRY(set_text(d, r));
    touch_others(s->documents, r->uri);
    return FH_DONE;
}

/* The database or deed.toml may have changed too. */
static fh_status on_save(server *s, const deed_request *r) {
    deed_document *d = document_of(s->documents, r->uri);
    if (d == NULL)
        return FH_DONE;
    deed_setup *setup;
    FH_TRY(new_setup(&s->client, s->app, d->names->path, &setup));
    deed_live_end(&d->live);
    d->live = (deed_live){NULL, NULL};
    free_setup(d->setup);
    d->setup = setup;
    d->changed = true;
    return FH_DONE;
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
    FH_TRY(deed_hover(d->checked->unit, offset, text, &where, &found));
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
    FH_TRY(deed_lsp_put_range(&w, d->checked->unit, where));
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
    FH_TRY(fh_json_key(w, d->names->uri));
    FH_TRY(fh_json_open(w, false));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(deed_lsp_put_range(w, d->checked->unit, (deed_place){f->place.file, at, at}));
    FH_TRY(fh_json_key(w, "newText"));
    FH_TRY(fh_json_put_text(w, word));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(fh_json_close(w, false));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(fh_json_close(w, true));
    return fh_json_close(w, true);
}

static fh_status put_actions(const deed_document *d, const deed_request *r, fh_ref fh_arena *arena, fh_buf *out) {
    size_t first = deed_lsp_offset(fh_buf_view(&d->text), r->line, r->character);
    size_t last = deed_lsp_offset(fh_buf_view(&d->text), r->end_line, r->end_character);
    fh_json_writer w;
    fh_json_writer_init(&w, out, false);
    FH_TRY(fh_json_open(&w, false));
    for (const deed_finding *f = deed_report_first(&d->checked->report); f != NULL; f = f->next) {
        bool own = f->place.file != 0 && fh_deed_files_at(d->checked->unit->files, f->place.file)->is_main;
        size_t offset = 0;
        fh_span word;
        if (!own || f->place.end_bytes < first || f->place.offset_bytes > last ||
            !deed_fix_of(d->checked->unit, f, &offset, &word))
            continue;
        const char *text = deed_copy_text(arena, word, FH_LIT(" "));
        if (text == NULL)
            return FH_STATUS(FH_NOMEM);
        FH_TRY(put_action(&w, d, f, offset, fh_span_of_str(text)));
    }
    return fh_json_close(&w, false);
}

/* Answers what is asked about a file; null about one that is not open. */
static fh_status on_question(server *s, const deed_request *r, fh_ref fh_arena *arena, bool hover) {
    FH_TRY(check_changed(s));
    const deed_document *d = document_of(s->documents, r->uri);
    if (d == NULL || d->checked == NULL)
        return deed_lsp_answer(&s->client, r->id, FH_LIT("null"));
    fh_buf text, out;
    fh_buf_init(&text, s->app->heap, 0);
    fh_buf_init(&out, s->app->heap, 0);
    fh_status status = hover ? put_hover(d, r, &text, &out) : put_actions(d, r, arena, &out);
    if (!fh_failed(status))
        status = deed_lsp_answer(&s->client, r->id, fh_buf_view(&out));
    fh_buf_deinit(&text);
    fh_buf_deinit(&out);
    return status;
}

static fh_status on_notification(server *s, const deed_request *r) {
    s->over = s->over || fh_span_is(r->method, "exit");
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

static fh_status on_request(server *s, const deed_request *r, fh_ref fh_arena *arena) {
    if (s->shut)
        return deed_lsp_refuse(&s->client, r->id, DEED_BAD_REQUEST, "the server was shut down");
    if (fh_span_is(r->method, "initialize")) {
        s->initialized = true;
        return deed_lsp_answer(&s->client, r->id, fh_span_of_str(capabilities));
    }
    if (!s->initialized)
        return deed_lsp_refuse(&s->client, r->id, DEED_NOT_YET, "the server is not initialized");
    if (fh_span_is(r->method, "textDocument/hover"))
        return on_question(s, r, arena, true);
    if (fh_span_is(r->method, "textDocument/codeAction"))
        return on_question(s, r, arena, false);
    if (!fh_span_is(r->method, "shutdown"))
        return deed_lsp_refuse(&s->client, r->id, DEED_NO_METHOD, "no method of this name");
    s->shut = true;
    return deed_lsp_answer(&s->client, r->id, FH_LIT("null"));
}

/* --- the loop ------------------------------------------------------------------------------------------------------------- */

static fh_status take_message(server *s, fh_span body) {
    fh_arena *arena;
    deed_request r;
    fh_err err;
    fh_err_clear(&err);
    FH_TRY(fh_arena_new(s->app->heap, NULL, &arena));
    fh_status status = deed_request_parse(arena, body, &r, &err);
    if (status.code == FH_INVALID)
        status = deed_lsp_refuse(&s->client, r.id, DEED_BAD_PARAMS, err.message);
    else if (status.code == FH_CORRUPT || status.code == FH_LIMIT)
        status = deed_lsp_refuse(&s->client, (fh_span){NULL, 0}, DEED_PARSE_ERROR, err.message);
    else if (!fh_failed(status) && r.method.size == 0 && r.id.size == 0)
        status = deed_lsp_refuse(&s->client, r.id, DEED_BAD_REQUEST, "a message without a method");
    else if (!fh_failed(status) && r.method.size != 0) /* else: an answer to nothing that we asked */
        status = r.id.size == 0 ? on_notification(s, &r) : on_request(s, &r, arena);
    fh_arena_free(arena);
    return status;
}

/* Takes every message that is all there. */
static fh_status take_messages(server *s, fh_buf *in, fh_err *err) {
    size_t used = 0;
    fh_span body;
    while (!s->over) {
        fh_status status = deed_message_next(fh_buf_view(in), &body, &used, err);
        if (status.code == FH_AGAIN)
            return FH_DONE;
        if (fh_failed(status)) {
            FH_TRY(deed_lsp_refuse(&s->client, (fh_span){NULL, 0}, DEED_PARSE_ERROR, err->message));
            return status;
        }
        FH_TRY(take_message(s, body));
        fh_buf_consume(in, used);
    }
    return FH_DONE;
}

static fh_status serve(server *s, fh_buf *in, fh_err *err) {
    uint8_t step[65536];
    while (!s->over) {
        size_t got = 0;
        FH_TRY(fh_os_read(0, (fh_mspan){step, sizeof step}, &got));
        if (got == 0)
            return in->size == 0 ? FH_DONE : fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "the input ends inside a message");
        FH_TRY(fh_buf_put(in, fh_span_sub((fh_span){step, sizeof step}, 0, got)));
        FH_TRY(take_messages(s, in, err));
        FH_TRY(check_changed(s));
    }
    return FH_DONE;
}

fh_status deed_verb_lsp(deed_app *app, fh_err *err) {
    if (app->paths.count != 0) {
        app->usage = true;
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "lsp: files come from the editor, not from the command line");
    }
    server s = {.app = app, .client = {.heap = app->heap, .arena = app->arena, .cache = deed_cache_folder(app)}};
    fh_buf in;
    fh_buf_init(&in, app->heap, 0);
    fh_buf_init(&s.client.out, app->heap, 0);
    fh_status status = serve(&s, &in, err);
    for (deed_document *d = s.documents; d != NULL; d = d->next)
        close_document(d);
    fh_buf_deinit(&in);
    fh_buf_deinit(&s.client.out);
    app->exit = s.shut ? DEED_EXIT_CLEAN : DEED_EXIT_FINDINGS;
    return status;
}
