/* base64.h: bytes as letters (RFC 4648, the usual alphabet, with padding), and back.
 *
 * Threading: pure functions. */
#ifndef FH_TEXT_PIPE_BASE64_H
#define FH_TEXT_PIPE_BASE64_H

#include "freehold/buf.h"

/* Appends the bytes that letters stand for. FH_CORRUPT, at `offset_bytes` and about `what`: a length that is not in fours,
 * another letter, bits at the end that no byte uses. On failure `out` may have more than before. */
FH_MUST_USE fh_status fh_base64_read(fh_span letters, const char *what, size_t offset_bytes, fh_mut fh_buf *out,
                                     fh_mut fh_err *err);
/* Appends bytes as letters. */
FH_MUST_USE fh_status fh_base64_write(fh_span bytes, fh_mut fh_buf *out);

#endif
