/* sealed.h: files that say what they are and end with a checksum: what the files of both indexes have in common.
 *
 *     a header: 8 letters, u32 version, …, u64 checksum of the header before it
 *     …
 *     u64 checksum: the header and each of the pieces that follow, one after the other, chained through fh_hash_bytes
 *
 * Numbers are little-endian. Threading: one thread at a time for each output. */
#ifndef FH_INDEX_SEALED_H
#define FH_INDEX_SEALED_H

#include "freehold/bytes.h"

enum { FH_SEALED_SUM_BYTES = 8, FH_SEALED_VERSION_AT = 8 };

/* What goes out, and the checksum of all that did. */
typedef struct fh_sealed {
    fh_sink sink;
    uint64_t sum;
} fh_sealed;

/* What a file claims to be: its first letters, and what people call it. */
typedef struct fh_sealed_kind {
    fh_ref const char *letters, *name;
    uint32_t version;
    size_t header_bytes;
} fh_sealed_kind;

/* Writes a header whose numbers are there: letters, version and checksum are put into it. What the sink refuses. */
FH_MUST_USE fh_status fh_sealed_header(fh_mut fh_sealed *o, fh_ref const fh_sealed_kind *kind, fh_mspan header,
                                       fh_mut fh_err *err);
/* Writes a piece. */
FH_MUST_USE fh_status fh_sealed_put(fh_mut fh_sealed *o, fh_span piece, fh_mut fh_err *err);
/* Writes the checksum. */
FH_MUST_USE fh_status fh_sealed_end(fh_mut fh_sealed *o, fh_mut fh_err *err);

/* Looks at size, letters, version and checksum of a header. FH_CORRUPT; FH_UNSUPPORTED (another version). */
FH_MUST_USE fh_status fh_sealed_check_header(fh_ref const fh_sealed_kind *kind, fh_span file, fh_mut fh_err *err);
/* Compares the checksum at the end of a file, `at`, with what it has to be. FH_CORRUPT. */
FH_MUST_USE fh_status fh_sealed_check_end(fh_ref const fh_sealed_kind *kind, fh_span file, uint64_t at, uint64_t sum,
                                          fh_mut fh_err *err);

#endif
