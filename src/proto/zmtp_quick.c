/* zmtp_quick.c: messages of one small part without the steps between (zmtp_quick.h). Threading: zmtp.h. */
#include "proto/zmtp_session.h"

enum { HEAD_SHORT = 2, HEAD_LONG = 9 };

/* Frames in clear text, which may stand alone: the groups' messages have two parts. */
static bool is_plain(fh_ref const fh_zmtp *z) {
    unsigned groups = FH_ZMTP_BIT(RADIO) | FH_ZMTP_BIT(DISH);
    return z->fault == FH_ZMTP_FAULT_NONE && z->stage == FH_ZMTP_AT_TRAFFIC && z->version >= FH_ZMTP_2_0 && z->curve == NULL &&
           (1u << z->options.socket & groups) == 0;
}

bool fh_zmtp_pack_begin(fh_zmtp *z, size_t most, fh_zmtp_pack *p) {
    const fh_zmtp_limits *limits = &z->options.limits;
    size_t least = HEAD_LONG + FH_ZMTP_PACK_MAX;
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

/* Nothing is half done, and nothing is to be told first. */
static bool is_between(fh_ref const fh_zmtp *z) {
    return !z->announce && !z->phantom && !z->parts_ready && !z->closing && z->parts_count == 0 && z->head_size == 0 &&
           !z->framed && z->in.room == 0;
}

bool fh_zmtp_next_part(fh_zmtp *z, fh_bytes *body) {
    const fh_zmtp_limits *limits = &z->options.limits;
    unsigned publishers = FH_ZMTP_BIT(PUB) | FH_ZMTP_BIT(XPUB); /* a part may be a subscription */
    fh_span fed = z->in.fed.span;
    size_t at = z->in.at, left = fed.size - at, head = HEAD_SHORT;
    *body = (fh_bytes){NULL, {NULL, 0}};
    if (left < HEAD_SHORT || !is_plain(z) || !is_between(z) || (1u << z->options.socket & publishers) != 0)
        return false;
    uint8_t flags = fh_span_at(fed, at);
    uint64_t size = fh_span_at(fed, at + 1);
    if (flags == FH_ZMTP_LONG && left >= HEAD_LONG) {
        head = HEAD_LONG;
        size = __builtin_bswap64(fh_span_u64(fed, at + 1));
    } else if (flags != 0) {
        return false;
    }
    if (size > left - head || size > limits->frame_bytes || size > limits->message_bytes)
        return false;
    *body = fh_zmtp_in_slice(&z->in, head, (size_t)size);
    z->offset += head + size;
    return true;
}
