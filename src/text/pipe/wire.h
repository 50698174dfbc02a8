/* wire.h: the fields of a protobuf message, one after another (protobuf.dev/programming-guides/encoding).
 *
 *     fh_wire w;
 *     fh_wire_init(&w, file, 0, "a model");
 *     for (;;) {
 *         fh_wire_field f;
 *         bool more;
 *         FH_TRY(fh_wire_next(&w, &f, &more, err));
 *         if (!more) break;
 *         if (f.number == 3) FH_TRY(fh_wire_need(&f, FH_WIRE_BYTES, err));      and then f.bytes may be a message of its own
 *     }
 *
 * Nothing recurses: a message within a message is read by whoever asks for it, so a file cannot nest deeper than its reader.
 * Every number is compared with what is left before it is used; errors name the byte of the file. What repeats, and what the
 * last of several fields means, is the reader's business. Groups, which nobody writes any more, are refused.
 *
 * Threading: a reader belongs to one thread. */
#ifndef FH_TEXT_PIPE_WIRE_H
#define FH_TEXT_PIPE_WIRE_H

#include "freehold/span.h"
#include "freehold/status.h"

/* How a field is written; the numbers are those of the format. */
typedef enum fh_wire_kind { FH_WIRE_VARINT = 0, FH_WIRE_FIXED64 = 1, FH_WIRE_BYTES = 2, FH_WIRE_FIXED32 = 5 } fh_wire_kind;

typedef struct fh_wire {
    fh_span bytes;
    size_t at, base;  /* base: where the bytes begin in their file */
    fh_static const char *file; /* what errors call it */
} fh_wire;

typedef struct fh_wire_field {
    uint32_t number;     /* 1 to 2^29 - 1 */
    fh_wire_kind kind;
    uint64_t value;      /* of a number */
    fh_span bytes;       /* of FH_WIRE_BYTES */
    fh_static const char *file;
    size_t offset_bytes; /* of the field in the file; of FH_WIRE_BYTES, where its bytes begin */
} fh_wire_field;

/* Begins a message. */
void fh_wire_init(fh_out fh_view(2) fh_wire *w, fh_span bytes, size_t base, fh_static const char *file);
/* The next field; *more is false at the end. FH_CORRUPT. */
FH_MUST_USE fh_status fh_wire_next(fh_mut fh_wire *w, fh_out fh_view(*1) fh_wire_field *f, fh_out bool *more,
                                   fh_mut fh_err *err);
/* FH_CORRUPT unless a field is written this way. */
FH_MUST_USE fh_status fh_wire_need(const fh_wire_field *f, fh_wire_kind kind, fh_mut fh_err *err);

#endif
