/* zmtp_curve.h: the keys of one connection with CURVE (zmtp_curve.c).
 *
 * Invariants: sent and heard are the last nonces of either direction; a nonce is used once, and one that is heard is higher
 * than all before. Threading: zmtp.h. */
#ifndef FH_PROTO_ZMTP_CURVE_H
#define FH_PROTO_ZMTP_CURVE_H

#include "proto/box.h"
#include "proto/zmtp_session.h"

struct fh_zmtp_curve {
    uint8_t secret[FH_BOX_KEY];  /* our transient one: a client's until INITIATE; a server has none before */
    uint8_t own[FH_BOX_KEY];     /* its public one */
    uint8_t cookie[FH_BOX_KEY];  /* the key of a server's cookie */
    uint8_t key[FH_BOX_KEY];     /* of all boxes from INITIATE on */
    uint64_t sent, heard;
};

/* A client's HELLO. */
FH_MUST_USE fh_status fh_zmtp_curve_begin(fh_mut fh_zmtp *z);
/* The command that was waited for. */
FH_MUST_USE fh_status fh_zmtp_curve_command(fh_mut fh_zmtp *z, fh_span data);
/* A server's READY. */
FH_MUST_USE fh_status fh_zmtp_curve_accept(fh_mut fh_zmtp *z);
/* The frame in z->body is a MESSAGE: its text takes its place, with the text's flags. */
FH_MUST_USE fh_status fh_zmtp_curve_open(fh_mut fh_zmtp *z);
/* How much a MESSAGE of so many bytes takes up, and one of two strings; there is room. */
size_t fh_zmtp_curve_size(size_t bytes);
void fh_zmtp_curve_put(fh_mut fh_zmtp_out_queue *out, fh_mut fh_zmtp_curve *curve, bool server, uint8_t flags, fh_span name,
                       fh_span data);

#endif
