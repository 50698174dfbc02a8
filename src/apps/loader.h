/* loader.h: from a path to a model on a device. What is made looks into what was made before it, so each stage is a value of
 * its own, and scopes end them in the reverse order:
 *
 *     fh_auto(fh_file_close) fh_file file = {0};
 *     FH_TRY(fh_file_open(&file, app, "model.gguf", err));       mapped
 *     fh_auto(fh_end_team) fh_team *team = NULL;
 *     FH_TRY(fh_team_new(threads, &team));
 *     fh_auto(fh_loaded_close) fh_loaded l = {0};
 *     FH_TRY(fh_loaded_open(&l, &file, fh_team_par(team), isa, &app->err, err));
 *     ...
 *     FH_TRY(fh_file_intact(&file, err));                        the file was not changed meanwhile
 *
 * Threading: the main thread. */
#ifndef FREEHOLD_APPS_LOADER_H
#define FREEHOLD_APPS_LOADER_H

#include "apps/app.h"
#include "freehold/engine.h"
#include "freehold/memory.h"
#include "freehold/os.h"

/* A mapped file. It may not be moved, since reports of memory list it. A zeroed one is empty. */
typedef struct fh_file {
    fh_ref fh_allocator *heap;
    fh_owned fh_os_map map;
    fh_ledger_node node; /* lists the mapping under its file's name */
    fh_memory_row row;   /* what a report of memory says of it */
} fh_file;

/* Maps a file and makes it the subject of errors. */
FH_MUST_USE fh_status fh_file_open(fh_mut fh_view(*2) fh_file *f, fh_mut fh_app *app, fh_ref const fh_path *path,
                                   fh_mut fh_err *err);
/* Maps `path`, or where it is empty the default model: what FREEHOLD_MODEL names, else the first demo.gguf of: the share
 * folder and the models folder beside the program, the installed share folder, ./models. */
FH_MUST_USE fh_status fh_file_find(fh_mut fh_view(*2) fh_file *f, fh_mut fh_app *app, fh_ref const fh_path *path,
                                   fh_mut fh_err *err);
/* Its header, if it is GGUF. */
FH_MUST_USE fh_status fh_file_gguf(fh_ref const fh_file *f, fh_owned fh_view(1) fh_gguf **out, fh_mut fh_err *err);
/* The tokenizer that it holds: a model's, that of a GGUF file with a vocabulary alone, another tokenizer's file, or a cache of
 * one, which then lies in the mapping. `encoding` is what tiktoken ranks are of; empty: what the file's name says. */
FH_MUST_USE fh_status fh_file_tokenizer(fh_ref const fh_file *f, bool gguf_only, fh_span encoding,
                                        fh_owned fh_view(1) fh_tokenizer **out, fh_mut fh_err *err);
/* FH_IO when the file was truncated while it was in use: what was read from it is then not to be trusted. */
FH_MUST_USE fh_status fh_file_intact(fh_ref const fh_file *f, fh_mut fh_err *err);
/* `status`, or the failure of fh_file_intact in its place: a file that changes explains every other failure. */
FH_MUST_USE fh_status fh_file_verdict(fh_ref const fh_file *f, fh_status status, fh_mut fh_err *err);
/* Ends it; nothing may look into it any more. A zeroed one is allowed. */
void fh_file_close(fh_drop fh_file *f);

/* A model on a device. A zeroed one is empty. */
typedef struct fh_loaded {
    fh_owned fh_gguf *gguf;
    fh_owned fh_device *device;
    fh_owned fh_model *model;
} fh_loaded;

/* Reads the file in, with a progress bar on `t` where it is large, makes a device and loads the model. */
FH_MUST_USE fh_status fh_loaded_open(fh_owned fh_view(2, 3) fh_loaded *l, fh_ref const fh_file *f, fh_ref const fh_par *par,
                                     fh_isa isa, fh_mut fh_term *t, fh_mut fh_err *err);
/* Ends it; a zeroed one is allowed. */
void fh_loaded_close(fh_drop fh_loaded *l);

/* For fh_auto. */
void fh_end_gguf(fh_drop fh_gguf **g);
void fh_end_tokenizer(fh_drop fh_tokenizer **tok);
void fh_end_team(fh_drop fh_team **team);
void fh_end_engine(fh_drop fh_engine **e);
void fh_end_writer(fh_drop fh_os_writer **w);
/* Appends to a file that is being written: `put` of a sink whose ctx is an fh_os_writer. */
FH_MUST_USE fh_status fh_writer_put(fh_mut void *ctx, fh_span bytes, fh_mut fh_err *err);

#endif
