/* loader.c: mapping a model file and bringing it onto a device.
 *
 * Order of life: the mapping is shared by the header and by the device, which may use weights in place; so the device ends
 * before the threads it runs on, and the mapping when the last share of its bytes is dropped (`unmap`).
 * Threading: the main thread. */
#include "apps/loader.h"

enum { READ_SHOWN_BYTES = 32 << 20, READ_STEP_BYTES = 8 << 20 };

static void unmap(void *ctx) {
    fh_loaded *l = ctx;
    fh_ledger_leave(&l->node);
    fh_os_map_close(&l->map);
}

static void fill_row(const void *owner, fh_memory_row *row) {
    const fh_loaded *l = owner;
    *row = l->row;
}

/* The folder part of a path with its slash; empty when there is none. */
static fh_span folder_of(fh_span path) {
    size_t end = path.size;
    while (end != 0 && fh_span_at(path, end - 1) != '/')
        end--;
    return fh_span_sub(path, 0, end);
}

fh_status fh_loaded_file(fh_loaded *l, fh_app *app, const fh_path *path, fh_err *err) {
    l->app = app;
    app->subject = *path;
    FH_TRY(fh_os_map_open(path->text, &l->map, err));
    fh_status s = fh_bytes_wrap(app->heap, l->map.bytes, unmap, l, &l->bytes);
    if (fh_failed(s)) {
        fh_os_map_close(&l->map);
        return s;
    }
    fh_span whole = fh_span_of_str(path->text);
    uint64_t size = l->map.bytes.size;
    l->row = (fh_memory_row){.name = fh_memory_label_of(fh_span_from(whole, folder_of(whole).size)), .live = {1, 0},
                             .reserved_bytes = size};
    fh_ledger_enter(&l->node, FH_MEMORY_FILE, fill_row, l);
    return FH_DONE;
}

/* --- the default model ------------------------------------------------------------------------------------------------ */

/* Maps folder/tail if it is there. */
static bool try_model(fh_loaded *l, fh_app *app, fh_span folder, fh_span tail) {
    fh_path path;
    return fh_path_set(&path, folder, tail) && !fh_failed(fh_loaded_file(l, app, &path, NULL));
}

/* Looks around a folder that holds the program: installed (bin/../share) or built (build/release/../../models). */
static bool try_beside(fh_loaded *l, fh_app *app, fh_span folder) {
    return try_model(l, app, folder, FH_LIT("../share/freehold/demo.gguf")) ||
           try_model(l, app, folder, FH_LIT("../../models/demo.gguf"));
}

/* The folder of PATH that a shell would have found the program in. */
static bool try_search_path(fh_loaded *l, fh_app *app) {
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
            return try_beside(l, app, fh_span_of_str(folder.text));
        }
    }
    return false;
}

fh_status fh_loaded_find(fh_loaded *l, fh_app *app, const fh_path *path, fh_err *err) {
    if (path->text[0] != 0)
        return fh_loaded_file(l, app, path, err);
    fh_span named = fh_span_of_str(fh_os_env("FREEHOLD_MODEL"));
    fh_path given;
    if (named.size != 0) {
        if (!fh_path_set(&given, named, FH_LIT("")))
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "FREEHOLD_MODEL: path longer than %d bytes", FH_PATH_MAX - 1);
        return fh_loaded_file(l, app, &given, err);
    }
    fh_span folder = folder_of(app->program);
    if ((folder.size != 0 ? try_beside(l, app, folder) : try_search_path(l, app)) ||
        try_model(l, app, FH_LIT(FREEHOLD_SHARE), FH_LIT("/demo.gguf")) || try_model(l, app, FH_LIT(""),
                                                                                     FH_LIT("models/demo.gguf")))
        return FH_DONE;
    app->subject.text[0] = 0;
    return FH_REFUSE_USAGE(app, err, "found no default model; name a GGUF file with -m FILE or in FREEHOLD_MODEL");
}

/* --- loading ---------------------------------------------------------------------------------------------------------- */

fh_status fh_loaded_gguf(fh_loaded *l, fh_err *err) {
    return fh_loaded_verdict(l, fh_gguf_open(l->app->heap, l->bytes, &l->gguf, err), err);
}

/* Touches every page of a large file, so that the wait for the disk can be shown. A terminal only: it saves no time by
 * itself. */
static void read_in(fh_loaded *l) {
    fh_span bytes = l->bytes.span;
    if (!l->app->err.terminal || bytes.size < READ_SHOWN_BYTES)
        return;
    fh_progress bar = fh_progress_begin(&l->app->err, "reading model", true);
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

fh_status fh_loaded_model(fh_loaded *l, uint64_t threads, fh_isa isa, fh_err *err) {
    fh_allocator *heap = l->app->heap;
    read_in(l);
    FH_TRY(fh_team_new((unsigned)threads, &l->team));
    FH_TRY(fh_cpu_new(heap, fh_team_par(l->team), isa, &l->device));
    return fh_loaded_verdict(l, fh_model_load(heap, l->gguf, l->device, &l->model, err), err);
}

fh_status fh_loaded_engine(fh_loaded *l, const fh_engine_options *options, fh_err *err) {
    return fh_engine_new(l->app->heap, l->model, l->device, options, &l->engine, err);
}

fh_status fh_loaded_intact(const fh_loaded *l, fh_err *err) {
    if (l->map.id != 0 && fh_os_map_lost(l->map))
        return fh_fail(err, FH_IO, FH_NO_OFFSET,
                       "the file was truncated while it was in use; what was read from it is not reliable");
    return FH_DONE;
}

fh_status fh_loaded_verdict(const fh_loaded *l, fh_status status, fh_err *err) {
    fh_err changed;
    fh_err_clear(&changed);
    fh_status s = fh_loaded_intact(l, &changed);
    if (!fh_failed(s))
        return status;
    if (err != NULL)
        *err = changed;
    return s;
}

void fh_loaded_unload(fh_loaded *l) {
    fh_engine_free(l->engine);
    fh_model_free(l->model);
    fh_device_free(l->device);
    fh_team_free(l->team);
    l->engine = NULL;
    l->model = NULL;
    l->device = NULL;
    l->team = NULL;
}

void fh_loaded_close(fh_loaded *l) {
    fh_loaded_unload(l);
    fh_gguf_close(l->gguf);
    l->gguf = NULL;
    fh_bytes_drop(&l->bytes);
}
