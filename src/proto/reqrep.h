/* reqrep.h: the order of requests and answers, and the envelope around them (RFC 28):
 *
 *     REQ    sends  "" body…      to one peer, and takes  "" body…  from that peer only
 *     REP    takes  address… "" body…, keeps what is before the body, and puts it in front of its answer
 *
 * Parts come one at a time, as fh_zmtp_next tells them; those of one message come together. Threading: one thread at a time. */
#ifndef FH_PROTO_REQREP_H
#define FH_PROTO_REQREP_H

#include "proto/zmtp_list.h"

/* What is to be done with a part that came. */
typedef enum fh_part_use {
    FH_PART_DELIVER, /* it is the application's */
    FH_PART_KEEP,    /* it is of the envelope: the machine has a reference of its own */
    FH_PART_DISCARD, /* nobody wants it, or the rest of its message */
} fh_part_use;

/* --- REQ ----------------------------------------------------------------------------------------------------------------- */

typedef struct fh_req {
    bool waits;    /* for the answer of `peer` */
    bool in_body;  /* the delimiter of an answer has come */
    bool skipping; /* until the end of a message that is no answer */
    uint32_t peer;
} fh_req;

/* A request is on its way to a peer, behind an empty part. FH_INVALID while an answer is due. */
FH_MUST_USE fh_status fh_req_sent(fh_mut fh_req *r, uint32_t peer);
/* A part came from a peer; the last one of an answer ends the wait. */
fh_part_use fh_req_part(fh_mut fh_req *r, uint32_t peer, fh_span part, bool more);
/* A peer is gone: a request to it has no answer, and another may be sent. */
void fh_req_peer_gone(fh_mut fh_req *r, uint32_t peer);

/* --- REP ----------------------------------------------------------------------------------------------------------------- */

typedef struct fh_rep {
    fh_owned fh_zmtp_list envelope; /* with its delimiter, while a request is in hand */
    size_t envelope_max;
    bool has_request, in_body, skipping;
    uint32_t peer;
} fh_rep;

/* Envelopes of up to envelope_max parts. */
void fh_rep_init(fh_owned fh_view(2) fh_rep *r, fh_ref fh_allocator *a, size_t envelope_max);
void fh_rep_deinit(fh_drop fh_rep *r);
/* A part came from a peer, while no request is in hand. A message without a delimiter, or with too many addresses, is
 * discarded. FH_NOMEM changes nothing. FH_INVALID while a request is in hand. */
FH_MUST_USE fh_status fh_rep_part(fh_mut fh_rep *r, uint32_t peer, fh_bytes part, bool more, fh_out fh_part_use *use);
/* The next part of the envelope, which goes before the body of an answer to `r->peer`; false when there is no more. */
FH_MUST_USE bool fh_rep_next_address(fh_mut fh_rep *r, fh_owned fh_bytes *out);
/* The answer was sent, or its peer is gone. */
void fh_rep_answered(fh_mut fh_rep *r);

#endif
