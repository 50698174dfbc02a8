/* loader.c: mapping a model file and bringing it onto a device.
 *
 * Header and device share the bytes of the mapping, and the device may use weights in place: the mapping ends last.
 * Threading: the main thread. */
#include "apps/loader.h"

enum { READ_SHOWN_BYTES = 32 << 20, READ_STEP_BYTES = 8 << 20 };

static void fill_row(const void *owner, fh_memory_row *row) {
    const fh_file *f = owner;
    *row = f->row;
}

/* The folder part of a path with its slash; empty when there is none. */
static fh_span folder_of(fh_span path) {
    size_t end = path.size;
    while (end != 0 && fh_span_at(path, end - 1) != '/')
        end--;
    return fh_span_sub(path, 0, end);
}

fh_status fh_file_open(fh_file *f, fh_app *app, const fh_path *path, fh_err *err) {
    app->subject = *path;
    FH_TRY(fh_os_map_open(path->text, &f->map, err));
    f->heap = app->heap;
    fh_span whole = fh_span_of_str(path->text);
    f->row = (fh_memory_row){.name = fh_memory_label_of(fh_span_from(whole, folder_of(whole).size)), .live = {1, 0},
                             .reserved_bytes = f->map.bytes.size};
    fh_ledger_enter(&f->node, FH_MEMORY_FILE, fill_row, f);
    return FH_DONE;
}

void fh_file_close(fh_file *f) {
    fh_ledger_leave(&f->node);
    fh_os_map_close(&f->map);
}

fh_status fh_file_intact(const fh_file *f, fh_err *err) {
    if (f->map.id != 0 && fh_os_map_lost(f->map))
        return fh_fail(err, FH_IO, FH_NO_OFFSET,
                       "the file was truncated while it was in use; what was read from it is not reliable");
    return FH_DONE;
}

fh_status fh_file_verdict(const fh_file *f, fh_status status, fh_err *err) {
    fh_err changed;
    fh_err_clear(&changed);
    fh_status s = fh_file_intact(f, &changed);
    if (!fh_failed(s))
        return status;
    if (err != NULL)
        *err = changed;
    return s;
}

/* --- the default model ------------------------------------------------------------------------------------------------ */

/* Maps folder/tail if it is there. */
static bool try_model(fh_mut fh_view(*2) fh_file *f, fh_app *app, fh_span folder, fh_span tail) {
    fh_path path;
    return fh_path_set(&path, folder, tail) && !fh_failed(fh_file_open(f, app, &path, NULL));
}

/* Looks around a folder that holds the program: installed (bin/../share) or built (build/release/../../models). */
static bool try_beside(fh_mut fh_view(*2) fh_file *f, fh_app *app, fh_span folder) {
    return try_model(f, app, folder, FH_LIT("../share/freehold/demo.gguf")) ||
           try_model(f, app, folder, FH_LIT("../../models/demo.gguf"));
}

/* The folder of PATH that a shell would have found the program in. */
static bool try_search_path(fh_mut fh_view(*2) fh_file *f, fh_app *app) {
    fh_span rest = fh_span_of_str(fh_os_env("PATH"));
    while (rest.size != 0) {
        size_t colon = fh_span_find(rest, FH_LIT(":"), 0);
        fh_span entry = fh_span_sub(rest, 0, colon == SIZE_MAX ? rest.size : colon);
        rest = fh_span_from(rest, colon == SIZE_MAX ? rest.size : colon + 1);
        fh_path folder, program;
        if (!fh_path_set(&folder, entry, FH_LIT("/")) || !fh_path_set(&program, fh_span_of_str(folder.text), app->program))
            continue;
        fh_os_map found;
        if (!fh_failed(fh_os_map_open(program.text, &found, NULL))) {
            fh_os_map_close(&found);
            return try_beside(f, app, fh_span_of_str(folder.text));
        }
    }
    return false;
}

fh_status fh_file_find(fh_file *f, fh_app *app, const fh_path *path, fh_err *err) {
    if (path->text[0] != 0)
        return fh_file_open(f, app, path, err);
    fh_span named = fh_span_of_str(fh_os_env("FREEHOLD_MODEL"));
    fh_path given;
    if (named.size != 0) {
        if (!fh_path_set(&given, named, FH_LIT("")))
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "FREEHOLD_MODEL: path longer than %d bytes", FH_PATH_MAX - 1);
        return fh_file_open(f, app, &given, err);
    }
    fh_span folder = folder_of(app->program);
    if ((folder.size != 0 ? try_beside(f, app, folder) : try_search_path(f, app)) ||
        try_model(f, app, FH_LIT(FREEHOLD_SHARE), FH_LIT("/demo.gguf")) || try_model(f, app, FH_LIT(""),
                                                                                     FH_LIT("models/demo.gguf")))
        return FH_DONE;
    app->subject.text[0] = 0;
    return FH_REFUSE_USAGE(app, err, "found no default model; name a GGUF file with -m FILE or in FREEHOLD_MODEL");
}

/* --- loading ---------------------------------------------------------------------------------------------------------- */

fh_status fh_file_gguf(const fh_file *f, fh_gguf **out, fh_err *err) {
    fh_auto(fh_bytes_drop) fh_bytes bytes = {.owner = NULL};
    fh_gguf *gguf = NULL;
    FH_TRY(fh_bytes_wrap(f->heap, f->map.bytes, NULL, NULL, &bytes));
    fh_status s = fh_file_verdict(f, fh_gguf_open(f->heap, bytes, &gguf, err), err);
    if (fh_failed(s)) {
        fh_gguf_close(gguf);
        return s;
    }
    *out = gguf;
    return FH_DONE;
}

static fh_status from_cache(const fh_file *f, fh_owned fh_view(1) fh_tokenizer **out, fh_err *err) {
    fh_auto(fh_bytes_drop) fh_bytes bytes = {.owner = NULL};
    *out = NULL;
    FH_TRY(fh_bytes_wrap(f->heap, f->map.bytes, NULL, NULL, &bytes));
    return fh_tokenizer_from_cache(f->heap, bytes, out, err);
}

/* "cl100k_base" of "cl100k_base.tiktoken". */
static fh_span stem_of(fh_span name) {
    size_t end = name.size;
    while (end != 0 && fh_span_at(name, end - 1) != '.')
        end--;
    return fh_span_sub(name, 0, end != 0 ? end - 1 : name.size);
}

fh_status fh_file_tokenizer(const fh_file *f, bool gguf_only, fh_span encoding, fh_tokenizer **out, fh_err *err) {
    *out = NULL;
    if (gguf_only || fh_span_starts(f->map.bytes, FH_LIT("GGUF"))) {
        fh_auto(fh_end_gguf) fh_gguf *gguf = NULL;
        FH_TRY(fh_file_gguf(f, &gguf, err));
        return fh_model_tokenizer(f->heap, gguf, out, err);
    }
    if (fh_span_starts(f->map.bytes, FH_LIT(FH_TOKENIZER_CACHE_LETTERS)))
        return from_cache(f, out, err);
    fh_tokenizer_hint hint = {.encoding = encoding.size != 0 ? encoding : stem_of(fh_span_of_str(f->row.name.text))};
    return fh_tokenizer_open(f->heap, f->map.bytes, &hint, out, err);
}

/* Touches every page of a large file, so that the wait for the disk can be shown. A terminal only: it saves no time by
 * itself. */
static void read_in(fh_span bytes, fh_term *t) {
    if (!t->terminal || bytes.size < READ_SHOWN_BYTES)
        return;
    fh_progress bar = fh_progress_begin(t, "reading model", true);
    size_t page = fh_os_page_bytes(), at = 0;
    unsigned seen = 0;
    while (at < bytes.size && fh_os_interrupts() == 0) {
        size_t end = bytes.size - at < READ_STEP_BYTES ? bytes.size : at + READ_STEP_BYTES;
        for (; at < end; at += page)
            seen |= fh_span_at(bytes, at);
        fh_progress_show(&bar, at < bytes.size ? at : bytes.size, bytes.size);
    }
    fh_progress_end(&bar);
    (void)seen;
}

static fh_status load(fh_mut fh_view(2, 3) fh_loaded *l, const fh_file *f, const fh_par *par, fh_isa isa, fh_term *t,
                      fh_err *err) {
    FH_TRY(fh_file_gguf(f, &l->gguf, err));
    read_in(f->map.bytes, t);
    FH_TRY(fh_cpu_new(f->heap, par, isa, &l->device));
    return fh_file_verdict(f, fh_model_load(f->heap, l->gguf, l->device, &l->model, err), err);
}

fh_status fh_loaded_open(fh_loaded *l, const fh_file *f, const fh_par *par, fh_isa isa, fh_term *t, fh_err *err) {
    fh_loaded fresh = {.gguf = NULL};
    fh_status s = load(&fresh, f, par, isa, t, err);
    if (fh_failed(s)) {
        fh_loaded_close(&fresh);
        return s;
    }
    *l = fresh;
    return FH_DONE;
}

void fh_loaded_close(fh_loaded *l) {
    fh_model_free(l->model);
    fh_device_free(l->device);
    fh_gguf_close(l->gguf);
}

void fh_end_gguf(fh_gguf **g) {
    fh_gguf_close(*g);
    *g = NULL;
}

void fh_end_tokenizer(fh_tokenizer **tok) {
    fh_tokenizer_free(*tok);
    *tok = NULL;
}

void fh_end_team(fh_team **team) {
    fh_team_free(*team);
    *team = NULL;
}

void fh_end_engine(fh_engine **e) {
    fh_engine_free(*e);
    *e = NULL;
}

void fh_end_writer(fh_os_writer **w) {
    fh_os_writer_close(*w);
    *w = NULL;
}

fh_status fh_writer_put(void *ctx, fh_span bytes, fh_err *err) {
    fh_os_writer *writer = ctx;
    return fh_os_writer_put(writer, bytes, err);
}
