/* zmtp_wire.h: numbers as they are on the wire, most significant byte first, and the flags of frames.
 *
 * Threading: pure functions. */
#ifndef FH_PROTO_ZMTP_WIRE_H
#define FH_PROTO_ZMTP_WIRE_H

#include "freehold/span.h"

/* RFC 37, "Framing"; the other bits are reserved. */
enum { FH_ZMTP_MORE = 1, FH_ZMTP_LONG = 2, FH_ZMTP_COMMAND = 4 };

/* A number of up to eight bytes. */
static inline uint64_t fh_zmtp_number(fh_span bytes) {
    uint64_t n = 0;
    for (size_t i = 0; i < bytes.size; i++)
        n = n << 8 | fh_span_at(bytes, i);
    return n;
}
/* Writes one that fills `to`. */
static inline void fh_zmtp_put_number(fh_mspan to, uint64_t n) {
    for (size_t i = to.size; i > 0; i--, n >>= 8)
        *fh_mspan_at(to, i - 1) = (uint8_t)n;
}

#endif
