/* zmtp_quick.c: messages of one small part without the steps between (zmtp_quick.h). Threading: zmtp.h. */
#include "proto/zmtp_session.h"

/* Frames in clear text, which may stand alone: the groups' messages have two parts. */
static bool is_plain(fh_ref const fh_zmtp *z) {
    unsigned groups = FH_ZMTP_BIT(RADIO) | FH_ZMTP_BIT(DISH);
    return z->fault == FH_ZMTP_FAULT_NONE && z->stage == FH_ZMTP_AT_TRAFFIC && z->version >= FH_ZMTP_2_0 && z->curve == NULL &&
           (1u << z->options.socket & groups) == 0;
}

bool fh_zmtp_pack_begin(fh_zmtp *z, size_t most, fh_zmtp_pack *p) {
    const fh_zmtp_limits *limits = &z->options.limits;
    size_t least = FH_ZMTP_HEAD_LONG + FH_ZMTP_PACK_MAX;
    *p = (fh_zmtp_pack){.used = 0};
    if (!is_plain(z) || z->given.count != 0 || limits->message_bytes < FH_ZMTP_PACK_MAX)
        return false;
    if (z->out.bytes >= limits->out_bytes || z->out.queue.count >= limits->out_pieces)
        return false;
    if (fh_failed(fh_zmtp_out_reserve(&z->out, least, 0)))
        return false;
    uint64_t allowed = limits->out_bytes - z->out.bytes;
    size_t room = z->out.room - z->out.filled, size = most < allowed ? most : (size_t)allowed;
    size = size > least ? size : least;
    p->room = fh_zmtp_out_begin(&z->out, size < room ? size : room);
    return true;
}

void fh_zmtp_pack_end(fh_zmtp *z, size_t used) {
    fh_zmtp_out_end(&z->out, used);
}

/* Nothing is half done (head_size is not 0 from the first byte of a head until its frame is done), and nothing is to be told
 * first. */
static bool is_between(fh_ref const fh_zmtp *z) {
    return !z->announce && !z->phantom && !z->parts_ready && !z->closing && z->parts_count == 0 && z->head_size == 0;
}

bool fh_zmtp_parts_begin(fh_zmtp *z, fh_zmtp_parts *p) {
    const fh_zmtp_limits *limits = &z->options.limits;
    unsigned publishers = FH_ZMTP_BIT(PUB) | FH_ZMTP_BIT(XPUB); /* a part may be a subscription */
    *p = (fh_zmtp_parts){.used = 0};
    if (!is_plain(z) || !is_between(z) || (1u << z->options.socket & publishers) != 0)
        return false;
    p->most = limits->frame_bytes < limits->message_bytes ? limits->frame_bytes : limits->message_bytes;
    p->in = &z->in;
    return true;
}

void fh_zmtp_parts_end(fh_zmtp *z, size_t used) {
    z->offset += used;
    fh_zmtp_in_let_go(&z->in);
}

bool fh_zmtp_next_part(fh_zmtp *z, fh_bytes *body) {
    fh_zmtp_parts p;
    bool some = false;
    if (z->in.fed.span.size == 0 || !fh_zmtp_parts_begin(z, &p)) {
        *body = (fh_bytes){NULL, {NULL, 0}};
        return false;
    }
    some = fh_zmtp_parts_next(&p, body);
    fh_zmtp_parts_end(z, p.used);
    return some;
}
