/* loader.h: from a path to a running engine, in steps, with everything that was taken ended by one call.
 *
 *     fh_auto(fh_loaded_close) fh_loaded l = {0};
 *     FH_TRY(fh_loaded_file(&l, app, "model.gguf", err));        mapped
 *     FH_TRY(fh_loaded_gguf(&l, err));                           header checked
 *     FH_TRY(fh_loaded_model(&l, threads, isa, err));            weights on a device
 *     FH_TRY(fh_loaded_engine(&l, &options, err));
 *     ...
 *     FH_TRY(fh_loaded_intact(&l, err));                         the file was not changed meanwhile
 *
 * Threading: the main thread. */
#ifndef FREEHOLD_APPS_LOADER_H
#define FREEHOLD_APPS_LOADER_H

#include "apps/app.h"
#include "freehold/engine.h"
#include "freehold/memory.h"
#include "freehold/os.h"

/* What is loaded so far; may not be moved. A zeroed one is empty. */
typedef struct fh_loaded {
    fh_app *app;
    fh_os_map map;
    fh_ledger_node node; /* lists the mapping under its file's name */
    fh_memory_row row;   /* what a report of memory says of it */
    fh_owned fh_bytes bytes; /* the mapping, shared by gguf and device */
    fh_owned fh_gguf *gguf;
    fh_owned fh_team *team;
    fh_owned fh_device *device;
    fh_owned fh_model *model;
    fh_owned fh_engine *engine;
} fh_loaded;

/* Maps a file and makes it the subject of errors. */
FH_MUST_USE fh_status fh_loaded_file(fh_mut fh_loaded *l, fh_mut fh_app *app, fh_ref const fh_path *path, fh_mut fh_err *err);
/* Maps `path`, or where it is empty the default model: what FREEHOLD_MODEL names, else the first demo.gguf of: the share
 * folder and the models folder beside the program, the installed share folder, ./models. */
FH_MUST_USE fh_status fh_loaded_find(fh_mut fh_loaded *l, fh_mut fh_app *app, fh_ref const fh_path *path, fh_mut fh_err *err);
/* Opens the mapped file as GGUF. */
FH_MUST_USE fh_status fh_loaded_gguf(fh_mut fh_loaded *l, fh_mut fh_err *err);
/* Reads the file in, with a progress bar where it is large, makes a device and loads the model. threads 0 = all. */
FH_MUST_USE fh_status fh_loaded_model(fh_mut fh_loaded *l, uint64_t threads, fh_isa isa, fh_mut fh_err *err);
/* Makes an engine for the model. */
FH_MUST_USE fh_status fh_loaded_engine(fh_mut fh_loaded *l, fh_ref const fh_engine_options *options, fh_mut fh_err *err);
/* FH_IO when the file was truncated while it was in use: what was read from it is then not to be trusted. */
FH_MUST_USE fh_status fh_loaded_intact(fh_ref const fh_loaded *l, fh_mut fh_err *err);
/* `status`, or the failure of fh_loaded_intact in its place: a file that changes explains every other failure. */
FH_MUST_USE fh_status fh_loaded_verdict(fh_ref const fh_loaded *l, fh_status status, fh_mut fh_err *err);
/* Ends everything; may be called again. */
void fh_loaded_close(fh_drop fh_loaded *l);
/* Ends engine, model, device and threads; file and header stay. */
void fh_loaded_unload(fh_mut fh_loaded *l);

#endif
