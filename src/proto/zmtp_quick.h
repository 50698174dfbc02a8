/* zmtp_quick.h: messages of one small part, many at a time: the short road beside fh_zmtp_send and fh_zmtp_next, for traffic in
 * clear text of version 2.0 and above.
 *
 *     fh_zmtp_pack p;                                             out
 *     if (fh_zmtp_pack_begin(z, most, &p))
 *         while (… && fh_zmtp_pack_put(&p, body)) …
 *     fh_zmtp_pack_end(z, &p);
 *
 *     while (fh_zmtp_next_part(z, &body)) …                       in
 *
 * What they do not do is no error: the other functions do it, step by step, and judge what is wrong. So a frame is taken here
 * only if it is whole, alone, and within all limits.
 *
 * Threading: zmtp.h. */
#ifndef FH_PROTO_ZMTP_QUICK_H
#define FH_PROTO_ZMTP_QUICK_H

#include "freehold/zmtp.h"
#include "proto/zmtp_wire.h"

enum { FH_ZMTP_PACK_MAX = 1024 }; /* bodies up to here are copied to the frames around them */

/* Room for frames, of which the first `used` bytes are written. */
typedef struct fh_zmtp_pack {
    fh_mspan room;
    size_t used;
} fh_zmtp_pack;

/* Room for at least one message of one part of up to FH_ZMTP_PACK_MAX bytes, and for about `most` bytes at the most. False: not
 * now, or not with this peer. After a true only fh_zmtp_pack_end may follow. */
FH_MUST_USE bool fh_zmtp_pack_begin(fh_mut fh_zmtp *z, size_t most, fh_out fh_view(1) fh_zmtp_pack *p);
/* What was written is on its way. */
void fh_zmtp_pack_end(fh_mut fh_zmtp *z, size_t used);
/* One message; false if it is too large, or if there is no room. */
FH_MUST_USE static inline bool fh_zmtp_pack_put(fh_mut fh_zmtp_pack *p, fh_span body) {
    size_t head = body.size <= UINT8_MAX ? 2 : 9;
    fh_mspan frame, rest;
    if (body.size > FH_ZMTP_PACK_MAX || !fh_mspan_slice(p->room, p->used, head + body.size, &frame))
        return false;
    *fh_mspan_at(frame, 0) = head == 2 ? 0 : FH_ZMTP_LONG;
    if (head == 2)
        *fh_mspan_at(frame, 1) = (uint8_t)body.size;
    else
        fh_mspan_put_u64(frame, 1, __builtin_bswap64(body.size));
    if (!fh_mspan_slice(frame, head, body.size, &rest))
        return false;
    fh_span_copy(rest, body);
    p->used += head + body.size;
    return true;
}

/* The next event, if it is a message of one part that lies whole in what was fed. False: ask fh_zmtp_next. */
FH_MUST_USE bool fh_zmtp_next_part(fh_mut fh_zmtp *z, fh_owned fh_bytes *body);

#endif
