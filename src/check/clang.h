/* clang.h: a C file into the tables of syntax.h, through libclang.
 *
 *     deed_source source = {.path = "src/x.c", .args = args};
 *     deed_unit *unit;
 *     FH_TRY(deed_unit_parse(arena, &source, &unit, err));
 *
 * Threading: one thread at a time. */
#ifndef FH_CHECK_CLANG_H
#define FH_CHECK_CLANG_H

#include "check/seen.h"
#include "check/settings.h"
#include "check/syntax.h"
#include "freehold/buf.h"

/* A NUL-terminated argument of the compiler. */
typedef const char *deed_arg;
FH_SPAN_DEFINE(deed_arg, deed_arg);

enum { DEED_TEXTS_MAX = 64 };

/* A text that stands for a file, whatever is on the disk. */
typedef struct deed_text_file {
    const char *path;
    fh_span text;
} deed_text_file;
FH_SPAN_DEFINE(deed_text_file, deed_text_file);

/* What libclang keeps of a file that is parsed again and again: its headers, precompiled. Zeroed at first. */
typedef struct deed_live {
    void *index, *unit;
} deed_live;

typedef struct deed_source {
    const char *path;
    fh_deed_args args;             /* of the compiler: -I, -D, -std and the like, without the file */
    fh_or_null const deed_settings *settings; /* which files are audited, and which functions allocate and free; NULL: none */
    bool main_only;                /* functions of headers are declared, but not checked */
    fh_deed_text_files texts;      /* at most DEED_TEXTS_MAX */
    fh_or_null deed_live *live;               /* NULL: nothing is kept. With one, path and args are those of the first parse */
    bool lists_inputs;             /* fills deed_unit.inputs */
    const deed_seen *seen;         /* functions of headers that need not be read again; fills deed_unit.prints */
} deed_source;

/* Everything of the unit lives in the arena. FH_NOMEM; FH_IO when the file cannot be read; FH_UNSUPPORTED when libclang fails.
 * What the compiler refuses is no failure: see deed_unit.problems. */
FH_MUST_USE fh_status deed_unit_parse(fh_ref fh_arena *arena, fh_ref const deed_source *source,
                                      fh_out fh_view(1) deed_unit **out, fh_mut fh_err *err);

/* Ends what libclang keeps. */
void deed_live_end(fh_drop deed_live *live);

/* What libclang calls itself, in the arena; empty when there is no memory. */
fh_span deed_clang_version(fh_ref fh_arena *arena) fh_view(1);
/* The hash of a file's text as deed_unit.inputs has it; never 0. */
uint64_t deed_input_hash(fh_span text);

/* Appends the tables as text: for tests, and for whoever works on the checker. */
FH_MUST_USE fh_status deed_unit_dump(fh_ref const deed_unit *unit, fh_mut fh_buf *out);
/* The functions of the main file for other programs: a JSON object on a line for each node, in order, with its depth, its place
 * in bytes, its type and the words of what it calls. */
FH_MUST_USE fh_status deed_unit_dump_rows(fh_ref const deed_unit *unit, fh_mut fh_buf *out);

#endif
