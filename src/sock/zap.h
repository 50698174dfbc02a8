/* zap.h: who may come in is asked of a handler in the same process (RFC 27, "ZAP"): the messages of it.
 *
 * A handler is a REP or a ROUTER that has bound FH_ZAP_NAME. To it a connection is one more peer, a DEALER: it sends one
 * question over a link of its own, and reads one reply (conn.c).
 *
 * Threading: pure functions. */
#ifndef FH_SOCK_ZAP_H
#define FH_SOCK_ZAP_H

#include "freehold/address.h"
#include "freehold/sock.h"

#define FH_ZAP_NAME FH_LIT("inproc://zeromq.zap.01")

/* What a handler is told of who wants to come in. */
typedef struct fh_zap_question {
    fh_span domain;
    const fh_address *address; /* of the peer */
    fh_span identity;
    fh_zmtp_mechanism mechanism;
    fh_bytes first, second;    /* PLAIN: name and password; CURVE: the public key */
} fh_zap_question;

/* The host of an address, without its port, at the start of `room`, of FH_ADDRESS_TEXT_BYTES; empty for a local one. */
fh_span fh_zap_host(fh_ref const fh_address *address, fh_mspan room) fh_view(2);
/* A question as a message, with the empty part that a REP wants in front. FH_NOMEM. */
FH_MUST_USE fh_status fh_zap_ask(fh_ref fh_allocator *a, fh_ref const fh_zap_question *question, fh_owned fh_message *out);

/* What a reply says. */
typedef struct fh_zap_reply {
    fh_sock_zap_fault fault; /* it is no reply of RFC 27 */
    uint32_t status;         /* 200, 300, 400, 500 */
    fh_owned fh_bytes user, metadata; /* with 200 */
} fh_zap_reply;

/* 200, 300, 400 or 500 for the text of it; 0 for any other. */
uint32_t fh_zap_status(fh_span text);
void fh_zap_read(fh_ref const fh_message *m, fh_owned fh_zap_reply *out);
void fh_zap_reply_drop(fh_drop fh_zap_reply *reply);

#endif
