/* reqrep.c: who may speak, and what is kept of an envelope (reqrep.h). Threading: reqrep.h. */
#include "proto/reqrep.h"

/* --- REQ ----------------------------------------------------------------------------------------------------------------- */

fh_status fh_req_sent(fh_req *r, uint32_t peer) {
    if (r->waits)
        return FH_STATUS(FH_INVALID);
    *r = (fh_req){.waits = true, .peer = peer};
    return FH_DONE;
}

/* RFC 28: a REQ "SHALL accept an incoming message only from the last peer that it sent a request to" and "SHALL discard
 * silently any messages received from other peers". */
fh_part_use fh_req_part(fh_req *r, uint32_t peer, fh_span part, bool more) {
    if (!r->waits || peer != r->peer)
        return FH_PART_DISCARD;
    if (r->skipping) {
        r->skipping = more;
        return FH_PART_DISCARD;
    }
    if (!r->in_body) {
        r->in_body = part.size == 0 && more;
        r->skipping = !r->in_body && more;
        return FH_PART_DISCARD;
    }
    if (!more)
        *r = (fh_req){.peer = peer};
    return FH_PART_DELIVER;
}

void fh_req_peer_gone(fh_req *r, uint32_t peer) {
    if (r->waits && r->peer == peer)
        *r = (fh_req){.peer = peer};
}

/* --- REP ----------------------------------------------------------------------------------------------------------------- */

void fh_rep_init(fh_rep *r, fh_allocator *a, size_t envelope_max) {
    *r = (fh_rep){.envelope = {.allocator = a}, .envelope_max = envelope_max};
}

void fh_rep_deinit(fh_rep *r) {
    fh_zmtp_list_deinit(&r->envelope);
}

static void forget(fh_rep *r) {
    while (r->envelope.count != 0)
        fh_zmtp_list_unpush(&r->envelope);
    r->has_request = r->in_body = r->skipping = false;
}

/* RFC 28: a REP "SHALL remove and store the address envelope, including the delimiter". */
fh_status fh_rep_part(fh_rep *r, uint32_t peer, fh_bytes part, bool more, fh_part_use *use) {
    *use = FH_PART_DISCARD;
    if (r->has_request)
        return FH_STATUS(FH_INVALID);
    if (r->skipping) {
        r->skipping = more;
        return FH_DONE;
    }
    if (r->in_body) {
        r->has_request = !more;
        *use = FH_PART_DELIVER;
        return FH_DONE;
    }
    if (!more || r->envelope.count == r->envelope_max) {
        forget(r);
        r->skipping = more;
        return FH_DONE;
    }
    FH_TRY(fh_zmtp_list_reserve(&r->envelope, 1));
    r->in_body = part.span.size == 0;
    r->peer = peer;
    fh_zmtp_list_push(&r->envelope, fh_bytes_share(part), true);
    *use = FH_PART_KEEP;
    return FH_DONE;
}

bool fh_rep_next_address(fh_rep *r, fh_bytes *out) {
    bool more = false;
    *out = (fh_bytes){NULL, {NULL, 0}};
    if (!r->has_request || r->envelope.count == 0)
        return false;
    *out = fh_zmtp_list_pop(&r->envelope, &more);
    return true;
}

void fh_rep_answered(fh_rep *r) {
    forget(r);
}
