/* zmtp_quick.h: messages of one small part, many at a time: the short road beside fh_zmtp_send and fh_zmtp_next, for traffic in
 * clear text of version 2.0 and above.
 *
 *     fh_zmtp_pack p;                                             out
 *     if (fh_zmtp_pack_begin(z, most, &p))
 *         while (… && fh_zmtp_pack_put(&p, body)) …
 *     fh_zmtp_pack_end(z, &p);
 *
 *     fh_zmtp_parts q;                                            in
 *     if (fh_zmtp_parts_begin(z, &q)) {
 *         while (… && fh_zmtp_parts_next(&q, &body)) …
 *         fh_zmtp_parts_end(z, q.used);
 *     }
 *
 * What they do not do is no error: the other functions do it, step by step, and judge what is wrong. So a frame is taken here
 * only if it is whole, alone, and within all limits.
 *
 * Threading: zmtp.h. */
#ifndef FH_PROTO_ZMTP_QUICK_H
#define FH_PROTO_ZMTP_QUICK_H

#include "freehold/zmtp.h"
#include "proto/zmtp_in.h"
#include "proto/zmtp_wire.h"

enum {
    FH_ZMTP_PACK_MAX = 1024, /* bodies up to here are copied to the frames around them */
    FH_ZMTP_HEAD_SHORT = 2,
    FH_ZMTP_HEAD_LONG = 9,
};

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
    size_t head = body.size <= UINT8_MAX ? FH_ZMTP_HEAD_SHORT : FH_ZMTP_HEAD_LONG;
    fh_mspan frame, rest;
    if (body.size > FH_ZMTP_PACK_MAX || !fh_mspan_slice(p->room, p->used, head + body.size, &frame))
        return false;
    *fh_mspan_at(frame, 0) = head == FH_ZMTP_HEAD_SHORT ? 0 : FH_ZMTP_LONG;
    if (head == FH_ZMTP_HEAD_SHORT)
        *fh_mspan_at(frame, 1) = (uint8_t)body.size;
    else
        fh_mspan_put_u64(frame, 1, __builtin_bswap64(body.size));
    if (!fh_mspan_slice(frame, head, body.size, &rest))
        return false;
    fh_span_copy(rest, body);
    p->used += head + body.size;
    return true;
}

/* What was fed, from where it is used up to. */
typedef struct fh_zmtp_parts {
    fh_mut fh_zmtp_in *in;
    uint64_t most; /* bytes of a part */
    size_t used;
} fh_zmtp_parts;

/* True if the next frame is the next thing to be told. Then fh_zmtp_parts_end has to follow, before any other call. */
FH_MUST_USE bool fh_zmtp_parts_begin(fh_mut fh_zmtp *z, fh_out fh_view(1) fh_zmtp_parts *p);
/* So many bytes were used. */
void fh_zmtp_parts_end(fh_mut fh_zmtp *z, size_t used);
/* The next message, if it is of one part that lies whole in what was fed, and within the limits. */
FH_MUST_USE static inline bool fh_zmtp_parts_next(fh_mut fh_zmtp_parts *p, fh_owned fh_bytes *body) {
    fh_span left = fh_span_from(p->in->fed.span, p->in->at);
    size_t head = FH_ZMTP_HEAD_SHORT;
    *body = (fh_bytes){NULL, {NULL, 0}};
    if (left.size < FH_ZMTP_HEAD_SHORT)
        return false;
    uint8_t flags = fh_span_at(left, 0);
    uint64_t size = fh_span_at(left, 1);
    if (flags == FH_ZMTP_LONG && left.size >= FH_ZMTP_HEAD_LONG) {
        head = FH_ZMTP_HEAD_LONG;
        size = __builtin_bswap64(fh_span_u64(left, 1));
    } else if (flags != 0) {
        return false;
    }
    if (size > left.size - head || size > p->most)
        return false;
    *body = fh_stock_slice(&p->in->stock, p->in->fed, p->in->at + head, (size_t)size);
    p->in->at += head + (size_t)size;
    p->used += head + (size_t)size;
    return true;
}
/* The next event, if it is such a message. False: ask fh_zmtp_next. */
FH_MUST_USE bool fh_zmtp_next_part(fh_mut fh_zmtp *z, fh_owned fh_bytes *body);

#endif
