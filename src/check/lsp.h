/* lsp.h: the server's documents, and what it says to its client: shared by lsp.c and lsp_say.c.
 *
 * Threading: the main thread. */
#ifndef FH_CHECK_LSP_H
#define FH_CHECK_LSP_H

#include "check/driver.h"
#include "check/hover.h"
#include "check/message.h"
#include "freehold/json.h"

enum {
    DEED_PARSE_ERROR = -32700, DEED_BAD_REQUEST = -32600, DEED_NO_METHOD = -32601, DEED_BAD_PARAMS = -32602,
    DEED_NOT_YET = -32002
};

/* The client: what is said to it, and what it has been told. */
typedef struct deed_client {
    fh_ref fh_allocator *heap;
    fh_ref fh_arena *arena; /* of `explained` */
    const char *cache;      /* the folder of the cache; NULL: none */
    fh_buf out;
    bool looked[DEED_CODE_COUNT];
    const char *explained[DEED_CODE_COUNT]; /* the file with its explanation, in the cache; NULL: none */
} deed_client;

/* What a file is called; its arena has the texts. */
typedef struct deed_names {
    fh_ref fh_allocator *heap;
    fh_owned fh_arena *arena;
    const char *uri, *path;
} deed_names;

/* How a file is compiled, and what deed.toml says of it; its arena has what they refer to. */
typedef struct deed_setup {
    fh_ref fh_allocator *heap;
    fh_owned fh_arena *arena;
    deed_settings settings;
    fh_deed_args args;
} deed_setup;

/* What was found in a file; its arena has unit and report. */
typedef struct deed_checked {
    fh_ref fh_allocator *heap;
    fh_owned fh_arena *arena;
    deed_unit *unit;
    deed_report report;
} deed_checked;

/* An open file; or, without names, room for one. */
typedef struct deed_document {
    fh_owned_or_null deed_names *names;
    fh_owned_or_null deed_setup *setup;
    fh_owned_or_null deed_checked *checked; /* NULL: not checked, or that failed */
    fh_owned fh_buf text;
    int64_t version;
    fh_owned deed_live live;
    bool changed;
    struct deed_document *next;
} deed_document;

/* Sends a body as a message. FH_END when nobody listens any more. */
FH_MUST_USE fh_status deed_lsp_send(fh_mut deed_client *c, fh_span body);
/* Answers a request with an error, or with a result that is JSON already. */
FH_MUST_USE fh_status deed_lsp_refuse(fh_mut deed_client *c, fh_span id, int code, fh_ref const char *message);
FH_MUST_USE fh_status deed_lsp_answer(fh_mut deed_client *c, fh_span id, fh_span result);
/* Sends the findings of a file; none of one that was closed. */
FH_MUST_USE fh_status deed_lsp_publish(fh_mut deed_client *c, fh_ref const deed_document *d, bool closed);

/* Writes `"range":` of a place. */
FH_MUST_USE fh_status deed_lsp_put_range(fh_mut fh_json_writer *w, fh_ref const deed_unit *unit, deed_place place);
/* The byte of a position (lines and UTF-16 units from 0); past the end of its line the end of the line, past the last line
 * the end of the text. */
size_t deed_lsp_offset(fh_span text, int64_t line, int64_t character);
/* The path of a file URI, in the arena; NULL for another kind of URI, for a bad escape, or when there is no memory. */
fh_or_null const char *deed_lsp_path(fh_ref fh_arena *arena, fh_span uri) fh_view(1);

#endif
