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

/* An open file: its text, and what was found in it. */
typedef struct deed_document {
    fh_arena *own;   /* of uri and path */
    fh_arena *setup; /* of settings and task */
    fh_span uri;
    const char *uri_text, *path; /* uri again, with a NUL behind it */
    fh_buf text;
    int64_t version;
    deed_settings settings;
    deed_task task;
    deed_live live;
    fh_arena *checked; /* of unit and report; NULL: not checked yet */
    deed_unit *unit;   /* NULL: not checked, or that failed */
    deed_report report;
    bool changed;
    struct deed_document *next;
} deed_document;

typedef struct deed_server {
    deed_app *app;
    fh_buf in, out;
    deed_document *documents;
    bool initialized, shut, over;
    bool looked[DEED_CODE_COUNT];
    const char *explained[DEED_CODE_COUNT]; /* the file with its explanation, in the cache; NULL: none */
} deed_server;

/* Sends a body as a message. FH_END when nobody listens any more. */
FH_MUST_USE fh_status deed_lsp_send(fh_mut deed_server *s, fh_span body);
/* Answers a request with an error, or with a result that is JSON already. */
FH_MUST_USE fh_status deed_lsp_refuse(fh_mut deed_server *s, fh_span id, int code, fh_ref const char *message);
FH_MUST_USE fh_status deed_lsp_answer(fh_mut deed_server *s, fh_span id, fh_span result);
/* Sends the findings of a file; none of one that was closed. */
FH_MUST_USE fh_status deed_lsp_publish(fh_mut deed_server *s, fh_ref const deed_document *d, bool closed);

/* Writes `"range":` of a place. */
FH_MUST_USE fh_status deed_lsp_put_range(fh_mut fh_json_writer *w, fh_ref const deed_unit *unit, deed_place place);
/* The byte of a position (lines and UTF-16 units from 0); past the end of its line the end of the line, past the last line
 * the end of the text. */
size_t deed_lsp_offset(fh_span text, int64_t line, int64_t character);
/* The path of a file URI, in the arena; NULL for another kind of URI, for a bad escape, or when there is no memory. */
fh_owned_or_null const char *deed_lsp_path(fh_mut fh_arena *arena, fh_span uri);

#endif
