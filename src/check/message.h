/* message.h: messages of the Language Server Protocol on a stream of bytes: a head of fields, an empty line, a body of JSON.
 *
 *     fh_status s = deed_message_next(bytes, &body, &used, err);        FH_AGAIN: more bytes are needed
 *
 * Threading: pure functions. */
#ifndef FH_CHECK_MESSAGE_H
#define FH_CHECK_MESSAGE_H

#include "freehold/arena.h"
#include "freehold/buf.h"

enum { DEED_HEAD_MAX = 4096, DEED_BODY_MAX = 64 << 20 };

/* The first message in `bytes`: its body, and how many bytes it takes in all. FH_AGAIN when it is not all there; FH_CORRUPT
 * for a head that is none, or says no Content-Length or two; FH_LIMIT for a body above DEED_BODY_MAX. After these two nobody
 * can tell where the next message begins. Valid until: the bytes change. */
FH_MUST_USE fh_status deed_message_next(fh_span bytes, fh_out fh_view(1) fh_span *body, fh_out size_t *used,
                                        fh_mut fh_err *err);
/* Appends a message. */
FH_MUST_USE fh_status deed_message_put(fh_span body, fh_mut fh_buf *out);

/* --- what clients say ----------------------------------------------------------------------------------------------------- */

/* What the server reads of a message; texts without their escapes, in the arena. */
typedef struct deed_request {
    fh_span id;        /* as it was written, to be sent back; empty for a notification */
    fh_span method;    /* empty for an answer to us */
    fh_span uri, text; /* textDocument.uri; textDocument.text, or the last of contentChanges */
    int64_t version;   /* textDocument.version */
    int64_t line, character, end_line, end_character; /* position, or range.start and .end */
    bool has_text, has_range; /* has_range: a change of a part of the text, which nobody offered to take */
} deed_request;

/* Reads a body. FH_CORRUPT for what is no JSON or no object; FH_INVALID for a member of the wrong type, with the id if that
 * came before; FH_LIMIT, FH_NOMEM. */
FH_MUST_USE fh_status deed_request_parse(fh_ref fh_arena *arena, fh_span body, fh_out fh_view(1) deed_request *out,
                                         fh_mut fh_err *err);

#endif
