/* app.h: what the verbs of `freehold` share: the streams, the file that an error is about, and their entry points.
 *
 * A verb parses its arguments, does its work and returns a status; main.c turns a failure into one line on standard error
 * and an exit status: 0 done, 1 the system failed (memory, a file that cannot be read, a closed output), 2 the input or the
 * command line is refused.
 *
 * Threading: the main thread. */
#ifndef FREEHOLD_APPS_APP_H
#define FREEHOLD_APPS_APP_H

#include "apps/cli.h"
#include "freehold/device.h"

enum { FH_EXIT_DONE = 0, FH_EXIT_SYSTEM = 1, FH_EXIT_REFUSED = 2 };

typedef struct fh_app {
    fh_ref fh_allocator *heap;
    fh_term out, err;
    fh_span program; /* how the program was called */
    fh_path subject; /* the file that errors are about; empty: none */
    bool usage;      /* the failure is one of the command line */
} fh_app;

/* Parses a verb's arguments; *done is set where the verb has nothing more to do because help was asked for (and printed). */
FH_MUST_USE fh_status fh_app_parse(fh_mut fh_app *app, fh_mut fh_view(3) fh_cli *cli, fh_views args, fh_out bool *done,
                                   fh_mut fh_err *err);
/* Refuses the command line. */
#define FH_REFUSE_USAGE(app, err, ...) ((app)->usage = true, fh_fail((err), FH_INVALID, FH_NO_OFFSET, __VA_ARGS__))

/* The verbs: `args` is what follows the verb's name. */
FH_MUST_USE fh_status fh_verb_run(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);
FH_MUST_USE fh_status fh_verb_inspect(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);
FH_MUST_USE fh_status fh_verb_tokenize(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);
FH_MUST_USE fh_status fh_verb_count(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);
FH_MUST_USE fh_status fh_verb_train_tokenizer(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);
FH_MUST_USE fh_status fh_verb_index(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);
FH_MUST_USE fh_status fh_verb_bench(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);
FH_MUST_USE fh_status fh_verb_mkmodel(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);
FH_MUST_USE fh_status fh_verb_memory(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);
FH_MUST_USE fh_status fh_verb_zmq(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);

/* The words of --isa, and what a chosen one means. */
#define FH_ISA_WORDS "auto|scalar|avx2|avx512"
fh_isa fh_app_isa(uint64_t choice);

/* Everything of standard input, at most `limit` bytes (FH_LIMIT), into an initialised buffer. */
FH_MUST_USE fh_status fh_app_stdin(fh_mut fh_buf *out, size_t limit, fh_mut fh_err *err);

#endif
