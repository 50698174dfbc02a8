/* sock_message.h: a message: counted parts in their order, which travel together.
 *
 *     fh_message m = {0};                                       no parts yet
 *     FH_TRY(fh_message_push(&m, a, &bytes));                   at the end; takes the bytes over
 *     fh_span part = fh_message_view(&m, 0);
 *     fh_message_drop(&m, a);
 *
 * Up to FH_MESSAGE_FEW parts lie in the value itself, so most messages need no memory of their own; further ones are on the
 * allocator that the message is used with. All calls with one message get the same allocator, from whatever thread. Parts
 * are shared by counting, never copied.
 *
 * Threading: a message belongs to one thread at a time; its parts go anywhere. */
#ifndef FREEHOLD_SOCK_MESSAGE_H
#define FREEHOLD_SOCK_MESSAGE_H

#include "freehold/bytes.h"

FH_EXTERN_BEGIN

enum { FH_MESSAGE_FEW = 3, FH_MESSAGE_PARTS_MAX = 8192 };

/* A part, in its place. */
typedef struct fh_part {
    fh_owned fh_bytes bytes;
} fh_part;
FH_SPAN_DEFINE(part, fh_part);
FH_ARRAY_DEFINE(part);
/* Where further parts lie. */
typedef struct fh_part_block {
    fh_owned fh_parts parts;
} fh_part_block;

/* All zero: no parts. The fields are private. Copying the struct does not count: the value is moved. */
typedef struct fh_message {
    fh_part few[FH_MESSAGE_FEW];
    fh_owned_or_null fh_part_block *more; /* room for parts FH_MESSAGE_FEW and on */
    uint32_t count, kind;                 /* kind: between a subscriber and a publisher */
} fh_message;

/* How many parts it has. */
FH_API size_t fh_message_count(fh_ref const fh_message *m);
/* Part i; one that there is not ends the program. Valid until: the message changes. */
FH_API fh_span fh_message_view(fh_ref const fh_message *m, size_t i) fh_view(1);
/* The same, counted once more. */
FH_API fh_owned fh_bytes fh_message_part(fh_ref const fh_message *m, size_t i);
/* Room for so many further parts: that many pushes and inserts cannot fail. FH_LIMIT beyond FH_MESSAGE_PARTS_MAX, FH_NOMEM. */
FH_FALLIBLE fh_message_reserve(fh_mut fh_message *m, fh_ref fh_allocator *a, size_t more_parts);
/* One more part, at the end. *bytes becomes empty exactly if it was taken. FH_LIMIT, FH_NOMEM. */
FH_FALLIBLE fh_message_push(fh_mut fh_message *m, fh_ref fh_allocator *a, fh_mut fh_bytes *bytes);
/* The same before part i, or at the end if i is the count. FH_INVALID for an i beyond. */
FH_FALLIBLE fh_message_insert(fh_mut fh_message *m, fh_ref fh_allocator *a, size_t i, fh_mut fh_bytes *bytes);
/* A copy of some bytes as one more part. FH_LIMIT, FH_NOMEM. */
FH_FALLIBLE fh_message_push_copy(fh_mut fh_message *m, fh_ref fh_allocator *a, fh_span bytes);
/* Part 0 leaves; empty bytes when there is none. */
FH_API fh_owned fh_bytes fh_message_shift(fh_mut fh_message *m);
/* The message leaves its place, which has no parts afterwards, for *out, which had none. */
FH_API void fh_message_take(fh_mut fh_message *m, fh_owned fh_message *out);
/* Another message of the same parts, counted once more. FH_NOMEM. */
FH_FALLIBLE fh_message_share(fh_ref const fh_message *m, fh_ref fh_allocator *a, fh_owned fh_message *out);
/* Drops its parts, and its memory; it has no parts afterwards, and may get others. */
FH_API void fh_message_clear(fh_mut fh_message *m, fh_ref fh_allocator *a);
/* The same, at its end. */
FH_API void fh_message_drop(fh_drop fh_message *m, fh_ref fh_allocator *a);

FH_EXTERN_END
#endif
