/* part.h: messages of one part, which most are, go from place to place without a look at the others (sock_message.h).
 *
 * Threading: sock_message.h. */
#ifndef FH_SOCK_PART_H
#define FH_SOCK_PART_H

#include "freehold/sock_message.h"

/* True if it is a part of data, and has no room for more than a few. */
static inline bool fh_message_is_part(fh_ref const fh_message *m) {
    return m->count == 1 && m->kind == 0 && m->more == NULL;
}

/* Its only part. Valid until: the message changes. */
static inline const fh_bytes *fh_message_only(fh_ref const fh_message *m) fh_view(1) {
    return &m->few[0].bytes;
}

/* A message without parts gets its only one. */
static inline void fh_message_fill(fh_mut fh_message *m, fh_move fh_bytes part) {
    FH_ASSERT(m->count == 0);
    m->few[0].bytes = part;
    m->count = 1;
}

/* The same at a place that says nothing yet. (A struct of zeros is written by an instruction that takes its time to begin.) */
static inline void fh_message_begin(fh_owned fh_message *m, fh_move fh_bytes part) {
    fh_bytes nothing = {NULL, {NULL, 0}};
    m->few[0].bytes = part;
    m->few[1].bytes = nothing;
    m->few[2].bytes = nothing;
    m->more = NULL;
    m->count = 1;
    m->kind = 0;
}

/* The only part leaves. */
static inline fh_owned fh_bytes fh_message_empty(fh_mut fh_message *m) {
    FH_ASSERT(m->count == 1);
    fh_bytes part = m->few[0].bytes;
    m->few[0].bytes = (fh_bytes){NULL, {NULL, 0}};
    m->count = 0;
    return part;
}

#endif
