/* driver.h: the verbs of `deed`, and what they share.
 *
 * Threading: the main thread; files are shared out to processes (outside.h). */
#ifndef FH_CHECK_DRIVER_H
#define FH_CHECK_DRIVER_H

#include "check/clang.h"
#include "check/finding.h"
#include "check/outside.h"

enum { DEED_EXIT_CLEAN = 0, DEED_EXIT_FINDINGS = 1, DEED_EXIT_USAGE = 2 };

/* The program: where its output gathers, and what it was told. */
typedef struct deed_app {
    fh_ref fh_allocator *heap;
    fh_ref fh_arena *arena;
    fh_owned fh_buf out, err;    /* written when the verb is over */
    fh_deed_args paths; /* the arguments that are no options */
    fh_deed_args clang; /* what stands behind -- */
    fh_or_null const char *compdb; /* NULL: none */
    deed_format format;
    unsigned jobs;
    const char *verb;         /* its name and a space, for the advice where to read more */
    bool color, bless, usage; /* usage: the failure is one of the command line */
    deed_settings settings;
    fh_or_null const char *cache_folder; /* NULL: that of the user; "none": no cache */
    int exit;
} deed_app;

/* A file to check, and the arguments it is compiled with. */
typedef struct deed_task {
    const char *path;
    fh_deed_args args;
    fh_or_null struct deed_task *next;
} deed_task;
typedef deed_task *deed_task_ref;
FH_SPAN_DEFINE(deed_task, deed_task_ref);

bool deed_ends_with(fh_span text, fh_ref const char *end);

/* The files that the paths name: from the compilation database if there is one, else from the folders. FH_IO, FH_CORRUPT. */
FH_MUST_USE fh_status deed_tasks_find(fh_ref const deed_app *app, fh_out fh_view(*1) fh_deed_tasks *out, fh_mut fh_err *err);
/* How one file is compiled, by the compilation database if there is one: a file that it does not name is compiled as its first
 * one is. */
FH_MUST_USE fh_status deed_task_for(fh_ref const deed_app *app, fh_ref const char *path, fh_out fh_view(*1, 2) deed_task *out,
                                    fh_mut fh_err *err);
/* Reads the deed.toml that the first path lies under (the current folder, without a path). If there are no paths, they become
 * the ones that it includes. */
FH_MUST_USE fh_status deed_settings_read(fh_mut deed_app *app, fh_mut fh_err *err);

/* The folder of the cache: the one that was named, or one under $XDG_CACHE_HOME or the user's home. NULL: none. */
fh_or_null const char *deed_cache_folder(fh_ref const deed_app *app) fh_view(*1);

/* Reports what the rules refuse in a unit, or, when it does not compile, what the compiler does. FH_NOMEM, FH_LIMIT. */
FH_MUST_USE fh_status deed_find_all(fh_ref fh_allocator *a, fh_ref deed_unit *unit, fh_mut deed_report *r);

/* Checks one file. `prefix` is taken away from the paths that findings show. Functions of headers that `seen` has are not read
 * again, and the answer is kept in `cache`; NULL: all are read, and nothing is kept. The answer is for deed_answer_next:
 * findings in the app's format. */
struct deed_cache;
FH_MUST_USE fh_status deed_check_one(fh_ref const deed_app *app, fh_ref const deed_task *task, fh_span prefix,
                                     fh_mut deed_seen *seen, fh_mut struct deed_cache *cache, fh_mut fh_buf *out);
/* What deed_check_one wrote: its head, and then finding after finding; false at the end. */
typedef struct deed_answer {
    fh_span rest;
    uint32_t functions, findings;
} deed_answer;
FH_MUST_USE bool deed_answer_open(fh_span text, fh_out fh_view(1) deed_answer *answer);
FH_MUST_USE bool deed_answer_next(fh_mut deed_answer *answer, fh_out fh_view(*1) fh_span *key,
                                  fh_out fh_view(*1) fh_span *text);

FH_MUST_USE fh_status deed_verb_check(fh_mut deed_app *app, fh_mut fh_err *err);
FH_MUST_USE fh_status deed_verb_explain(fh_mut deed_app *app, fh_mut fh_err *err);
FH_MUST_USE fh_status deed_verb_ui(fh_mut deed_app *app, fh_mut fh_err *err);
FH_MUST_USE fh_status deed_verb_audit(fh_mut deed_app *app, fh_mut fh_err *err);
FH_MUST_USE fh_status deed_verb_lsp(fh_mut deed_app *app, fh_mut fh_err *err);
FH_MUST_USE fh_status deed_verb_dump(fh_mut deed_app *app, fh_mut fh_err *err);

#endif
