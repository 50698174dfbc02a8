/* run.h: what `freehold run` does once its arguments are known; its tests call it with an allocator of their own.
 *
 * Threading: the main thread. */
#ifndef FREEHOLD_APPS_RUN_H
#define FREEHOLD_APPS_RUN_H

#include "apps/app.h"
#include "freehold/generate.h"

typedef struct fh_run_options {
    fh_path model;       /* empty: the default one (fh_loaded_find) */
    fh_path prompt_file; /* empty: `prompt`; "-": standard input */
    fh_span prompt;
    fh_generate_options generate;
    uint64_t threads; /* 0 = all */
    uint64_t context; /* 0 = the model's */
    fh_isa isa;
    bool parse_special, json;
    fh_path memory_report;   /* where moments.h's report goes; empty: nowhere */
    uint64_t memory_every_s; /* and how often before the end; 0 = never */
} fh_run_options;

/* Loads the model, streams prompt and answer to app->out, ends everything, and says on app->err how it went. Memory comes
 * from app->heap alone. An interrupt ends the answer and is no failure. */
FH_MUST_USE fh_status fh_run(fh_mut fh_app *app, fh_ref const fh_run_options *options, fh_mut fh_err *err);

#endif
