/* admit.c: who a peer is, and whether it may come in: what it said in its handshake goes to a handler of ZAP, and the answer to
 * it (io.h, zap.h). Threading: the I/O thread. */
#include "sock/io.h"
#include "sock/zap.h"

enum { ABOUT_BYTES = 1024, NUMBER_BYTES = 10 };

/* --- who it is ------------------------------------------------------------------------------------------------------------ */

/* One property more, unless it has no value. */
static fh_status put(fh_mspan room, fh_mut size_t *size, fh_span name, fh_span value) {
    size_t more = 0;
    fh_mspan rest;
    if (value.size == 0)
        return FH_DONE;
    if (!fh_mspan_slice(room, *size, room.size - *size, &rest))
        return FH_STATUS(FH_LIMIT);
    FH_TRY(fh_zmtp_property_put(rest, (fh_zmtp_property){name, value}, &more));
    *size += more;
    return FH_DONE;
}

/* A descriptor in decimal digits, in the end of `room`; a negative one is nothing. */
static fh_span digits_of(int number, fh_mspan room) fh_view(2) {
    size_t at = room.size;
    for (int rest = number; number >= 0 && at != 0 && (rest != 0 || at == room.size); rest /= 10)
        *fh_mspan_at(room, --at) = (uint8_t)('0' + rest % 10);
    return fh_span_from(fh_span_of_mut(room), at);
}

/* An address as zmq_msg_gets has it: without its port; and what ZMQ_SRCFD asks for, under libzmq's name. */
static fh_status put_ours(fh_ref const fh_conn *c, fh_mspan room, fh_out size_t *size) {
    uint8_t text[FH_ADDRESS_TEXT_BYTES] = {0}, number[NUMBER_BYTES] = {0};
    fh_mspan all = {text, sizeof text}, digits = {number, sizeof number};
    fh_address address = {.kind = FH_ADDRESS_NONE};
    *size = 0;
    (void)!fh_failed(fh_net_peer(c->loop->net, c->socket, &address));
    FH_TRY(put(room, size, FH_LIT("Peer-Address"), fh_zap_host(&address, all)));
    FH_TRY(put(room, size, FH_LIT("__fd"), digits_of(fh_net_descriptor(c->loop->net, c->socket), digits)));
    return put(room, size, FH_LIT("User-Id"), c->user.span);
}

fh_status fh_admit_about(const fh_conn *c, fh_message *m) {
    uint8_t bytes[ABOUT_BYTES] = {0};
    fh_mspan room = {bytes, sizeof bytes};
    size_t size = 0;
    fh_span said = {NULL, 0};
    if (c->session != NULL)
        said = fh_zmtp_peer_get(c->session).metadata;
    FH_TRY(fh_message_push_copy(m, c->loop->allocator, said));
    (void)!fh_failed(put_ours(c, room, &size)); /* a user's name that is too long is left out */
    FH_TRY(fh_message_push_copy(m, c->loop->allocator, fh_span_sub(fh_span_of_mut(room), 0, size)));
    fh_bytes granted = fh_bytes_share(c->granted);
    fh_status s = fh_message_push(m, c->loop->allocator, &granted);
    fh_bytes_drop(&granted);
    m->kind = FH_MESSAGE_ABOUT;
    return s;
}

/* --- whether it may come in ----------------------------------------------------------------------------------------------- */

static fh_owned_or_null fh_link *take_zap(fh_mut fh_conn *c) {
    fh_link *link = c->zap;
    c->zap = NULL;
    return link;
}

/* Nothing more is asked, and no answer is waited for. */
void fh_admit_end(fh_conn *c) {
    if (c->zap == NULL)
        return;
    bool read = fh_lane_end(fh_link_out(c->zap, 0)), written = fh_lane_leave(fh_link_in(c->zap, 0));
    const fh_link_end *handler = fh_link_end_of(c->zap, 1);
    uint32_t box = handler->box, number = handler->number;
    if (read || written)
        fh_context_tell(c->loop->context, box, number);
    fh_link_free(take_zap(c));
}

/* A link to the handler, with a question in it. FH_NOT_FOUND: there is none. */
static fh_status ask_handler(fh_mut fh_conn *c, fh_ref const fh_zmtp_event *e) {
    fh_link *mine;
    fh_message m = {0};
    fh_address address = {.kind = FH_ADDRESS_NONE};
    FH_ASSERT(c->terms != NULL && c->session != NULL);
    (void)!fh_failed(fh_net_peer(c->loop->net, c->socket, &address));
    fh_zap_question q = {.domain = fh_terms_domain(c->terms), .address = &address,
                         .identity = c->terms->identity.span, /* ours: as libzmq tells it */
                         .mechanism = c->terms->secrets.mechanism, .first = e->body, .second = e->extra};
    FH_TRY(fh_zap_ask(c->loop->allocator, &q, &m));
    fh_status s = fh_link_new(c->loop->allocator, (fh_link_marks){1, 1}, FH_ZAP_NAME, &mine);
    if (fh_failed(s)) {
        fh_message_drop(&m, c->loop->allocator);
        return s;
    }
    mine->connected.type = FH_ZMTP_DEALER;
    mine->connected.box = c->loop->box;
    mine->connected.number = c->number;
    (void)!fh_lane_put(fh_link_out(mine, 0), &m); /* nobody reads it yet */
    fh_lane_state state = fh_lane_look(fh_link_in(mine, 0)); /* so that its first word is told */
    FH_ASSERT(state == FH_LANE_EMPTY);
    fh_message_drop(&m, c->loop->allocator);
    s = fh_context_call(c->loop->context, fh_link_share(mine));
    if (fh_failed(s))
        fh_link_free(mine);
    else
        c->zap = mine;
    return s;
}

static void decide(fh_mut fh_conn *c, uint32_t verdict) {
    c->let_in = verdict == FH_SOCK_ZAP_LET_IN;
    c->send_away = !c->let_in;
    c->verdict = c->let_in ? 0 : verdict;
}

/* Somebody asks to be let in. */
void fh_admit_ask(fh_conn *c, const fh_zmtp_event *e) {
    FH_ASSERT(c->terms != NULL);
    fh_status s = ask_handler(c, e);
    if (s.code == FH_NOT_FOUND) {
        bool lets_in = fh_terms_lets_in(c->terms, e->body.span, e->extra.span);
        c->zap_fault = c->terms->settings.enforce ? FH_SOCK_ZAP_MISSING : FH_SOCK_ZAP_FINE;
        decide(c, lets_in ? FH_SOCK_ZAP_LET_IN : FH_SOCK_ZAP_DENIED);
    } else if (fh_failed(s))
        decide(c, FH_SOCK_ZAP_LATER); /* for want of memory; it comes again */
}

/* The handler's answer, if it is there; one that is gone without an answer has failed. False: the connection is to end without
 * a word. */
bool fh_admit_hear(fh_conn *c) {
    if (c->zap == NULL)
        return true;
    fh_zap_reply reply = {.status = FH_SOCK_ZAP_FAILED};
    fh_lane_state state = fh_lane_look(fh_link_in(c->zap, 0));
    if (state == FH_LANE_EMPTY)
        return true;
    if (state == FH_LANE_MESSAGE)
        fh_zap_read(fh_lane_first(fh_link_in(c->zap, 0)), &reply);
    fh_admit_end(c);
    c->zap_fault = state == FH_LANE_MESSAGE ? reply.fault : FH_SOCK_ZAP_GONE;
    decide(c, reply.status);
    fh_bytes_drop(&c->user);
    c->user = fh_bytes_share(reply.user);
    fh_bytes_drop(&c->granted);
    c->granted = fh_bytes_share(reply.metadata);
    fh_zap_reply_drop(&reply);
    return (c->zap_fault == FH_SOCK_ZAP_FINE || c->zap_fault == FH_SOCK_ZAP_GONE) && c->verdict != FH_SOCK_ZAP_LATER;
}

/* The answer to who asked to be let in: "400" or "500", which is what libzmq says too. */
fh_status fh_admit_answer(fh_conn *c) {
    fh_status s = FH_DONE;
    FH_ASSERT(c->session != NULL);
    if (c->verdict == FH_SOCK_ZAP_LATER)
        return FH_STATUS(FH_CANCELED); /* without a word */
    if (c->let_in)
        s = fh_zmtp_accept(c->session);
    else if (c->send_away)
        s = fh_zmtp_refuse(c->session, c->verdict == FH_SOCK_ZAP_DENIED ? FH_LIT("400") : FH_LIT("500"));
    if (s.code != FH_NOMEM && s.code != FH_EXHAUSTED)
        c->let_in = c->send_away = false;
    return s;
}
