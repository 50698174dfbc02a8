/* zmtp_greeting.c: the greeting, both ways, and the finding out of a peer's version (RFC 37, "Version Negotiation" and
 * "Detecting ZMTP 1.0 and 2.0 Peers"):
 *
 *     byte  0        FF
 *           1 … 8    padding; ours is the size of our identity + 1, which makes a peer of 1.0 take it for an identity
 *           9        7F
 *          10        major version                   2.0: 1 or 2, then the number of the socket, then the identity as a frame
 *          11        minor version
 *          12 … 31   mechanism, filled up with zeros
 *          32        1 if this side is the server of PLAIN or CURVE
 *          33 … 63   zeros
 *
 * Ours goes out in three steps, so that neither side waits for the other: ten bytes at once, the major version when the peer's
 * signature is there, the rest when its version is. Threading: zmtp.h. */
#include "proto/zmtp_session.h"

enum {
    SIGNATURE_BYTES = 10,
    MAJOR_AT = 10,
    MINOR_AT = 11,
    MECHANISM_AT = 12,
    MECHANISM_BYTES = 20,
    SERVER_AT = 32,
    SIGNATURE_END = 0x7f,
    SOCKET_BYTES = 12, /* the greeting of 2.0 */
};

static fh_span mechanism_name(fh_zmtp_mechanism m) {
    return m == FH_ZMTP_NULL ? FH_LIT("NULL") : m == FH_ZMTP_PLAIN ? FH_LIT("PLAIN") : FH_LIT("CURVE");
}

/* --- out ----------------------------------------------------------------------------------------------------------------- */

/* Bytes [from, to) of our greeting for a peer of 3.x. */
static fh_status put_greeting(fh_zmtp *z, size_t from, size_t to) {
    uint8_t bytes[FH_ZMTP_GREETING_BYTES] = {0xff};
    fh_mspan all = {bytes, sizeof bytes}, padding = {NULL, 0}, name = {NULL, 0};
    fh_span mechanism = mechanism_name(z->options.mechanism);
    bool inside = fh_mspan_slice(all, 1, 8, &padding) && fh_mspan_slice(all, MECHANISM_AT, mechanism.size, &name);
    FH_ASSERT(inside);
    if (z->options.version_min <= FH_ZMTP_1_0)
        fh_zmtp_put_number(padding, fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_IDENTITY).size + 1);
    bytes[SIGNATURE_BYTES - 1] = SIGNATURE_END;
    bytes[MAJOR_AT] = 3;
    bytes[MINOR_AT] = 1;
    fh_span_copy(name, mechanism);
    bytes[SERVER_AT] = z->options.mechanism != FH_ZMTP_NULL && z->options.server;
    FH_TRY(fh_zmtp_out_reserve(&z->out, to - from, 0));
    fh_zmtp_out_put(&z->out, fh_span_sub(fh_span_of_mut(all), from, to - from));
    return FH_DONE;
}

fh_status fh_zmtp_greet(fh_zmtp *z) {
    return put_greeting(z, 0, z->options.version_min >= FH_ZMTP_3_0 ? FH_ZMTP_GREETING_BYTES : SIGNATURE_BYTES);
}

/* 2.0: the socket, then the identity as a frame. XPUB and XSUB are PUB and SUB there (RFC 15, "Publish-Subscribe"). */
static fh_status put_identity_2(fh_zmtp *z) {
    fh_zmtp_socket socket = z->options.socket;
    uint8_t number = (uint8_t)(socket == FH_ZMTP_XPUB ? FH_ZMTP_PUB : socket == FH_ZMTP_XSUB ? FH_ZMTP_SUB : socket);
    fh_span identity = fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_IDENTITY);
    FH_TRY(fh_zmtp_out_reserve(&z->out, 1 + FH_ZMTP_HEAD_MAX + identity.size, 0));
    fh_zmtp_out_put(&z->out, (fh_span){&number, 1});
    fh_zmtp_put_head(&z->out, z->version, 0, identity.size);
    fh_zmtp_out_put(&z->out, identity);
    return FH_DONE;
}

/* 1.0: what follows the ten bytes that are on their way, the head of an identity. */
static fh_status put_identity_1(fh_zmtp *z) {
    fh_span identity = fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_IDENTITY);
    FH_TRY(fh_zmtp_out_reserve(&z->out, identity.size, 0));
    fh_zmtp_out_put(&z->out, identity);
    return FH_DONE;
}

/* --- in ------------------------------------------------------------------------------------------------------------------ */

/* FH_DONE when `count` bytes of the greeting are there. */
static fh_status want(fh_zmtp *z, size_t count) {
    fh_mspan rest = {NULL, 0};
    if (z->greeted >= count)
        return FH_DONE;
    bool inside = fh_mspan_slice((fh_mspan){z->greeting, sizeof z->greeting}, z->greeted, count - z->greeted, &rest);
    FH_ASSERT(inside);
    z->greeted += (uint32_t)fh_zmtp_in_copy(&z->in, rest, rest.size);
    return FH_STATUS(z->greeted == count ? FH_OK : FH_AGAIN);
}

/* A peer below 3.0: "If the implementation's security mechanism is anything other than NULL … it MUST immediately close", and
 * what asks before it lets anybody in could not ask about this one. */
static fh_status older(fh_zmtp *z, fh_zmtp_version version) {
    if (z->options.mechanism != FH_ZMTP_NULL || z->options.authorize)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_DOWNGRADE);
    if (version < z->options.version_min)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_VERSION);
    if (z->options.socket > FH_ZMTP_XSUB)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_SOCKET);
    z->version = version;
    fh_status s = version == FH_ZMTP_1_0 ? put_identity_1(z) : put_identity_2(z);
    if (fh_failed(s))
        z->version = FH_ZMTP_VERSION_NONE;
    return s;
}

/* A peer of 1.0 has sent the head of its identity, or a part of it. */
static fh_status peer_1(fh_zmtp *z) {
    FH_TRY(older(z, FH_ZMTP_1_0));
    fh_span_copy((fh_mspan){z->head, sizeof z->head}, fh_span_sub((fh_span){z->greeting, sizeof z->greeting}, 0, z->greeted));
    z->head_size = z->greeted;
    z->phantom = z->options.socket == FH_ZMTP_PUB || z->options.socket == FH_ZMTP_XPUB;
    z->stage = FH_ZMTP_AT_IDENTITY;
    return FH_DONE;
}

static fh_status peer_2(fh_zmtp *z) {
    if (z->version == FH_ZMTP_VERSION_NONE)
        FH_TRY(older(z, FH_ZMTP_2_0));
    FH_TRY(want(z, SOCKET_BYTES));
    uint8_t number = z->greeting[SOCKET_BYTES - 1];
    z->peer_socket = number <= FH_ZMTP_XSUB ? (fh_zmtp_socket)number : FH_ZMTP_UNKNOWN;
    if (!fh_zmtp_sockets_match(z->options.socket, z->peer_socket))
        return fh_zmtp_break(z, FH_ZMTP_FAULT_SOCKET);
    z->offset = SOCKET_BYTES;
    z->stage = FH_ZMTP_AT_IDENTITY;
    return FH_DONE;
}

static fh_status peer_3(fh_zmtp *z) {
    FH_TRY(want(z, FH_ZMTP_GREETING_BYTES));
    uint8_t ours[MECHANISM_BYTES] = {0};
    fh_span_copy((fh_mspan){ours, sizeof ours}, mechanism_name(z->options.mechanism));
    fh_span theirs = fh_span_sub((fh_span){z->greeting, sizeof z->greeting}, MECHANISM_AT, MECHANISM_BYTES);
    if (!fh_span_equal(theirs, (fh_span){ours, sizeof ours}))
        return fh_zmtp_break(z, FH_ZMTP_FAULT_MECHANISM);
    fh_zmtp_version version = z->greeting[MAJOR_AT] == 3 && z->greeting[MINOR_AT] == 0 ? FH_ZMTP_3_0 : FH_ZMTP_3_1;
    if (version < z->options.version_min)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_VERSION);
    z->version = version;
    z->offset = FH_ZMTP_GREETING_BYTES;
    fh_status s = fh_zmtp_handshake_begin(z);
    if (fh_failed(s))
        z->version = FH_ZMTP_VERSION_NONE;
    else
        z->stage = FH_ZMTP_AT_HANDSHAKE;
    return s;
}

fh_status fh_zmtp_greeting_next(fh_zmtp *z) {
    bool staged = z->options.version_min < FH_ZMTP_3_0;
    FH_TRY(want(z, 1));
    if (z->greeting[0] != 0xff)
        return peer_1(z);
    FH_TRY(want(z, SIGNATURE_BYTES));
    if ((z->greeting[SIGNATURE_BYTES - 1] & 1) == 0)
        return peer_1(z);
    if (staged && z->greeting_sent < MAJOR_AT + 1) {
        FH_TRY(put_greeting(z, MAJOR_AT, MAJOR_AT + 1));
        z->greeting_sent = MAJOR_AT + 1;
    }
    FH_TRY(want(z, MAJOR_AT + 1));
    if (z->greeting[MAJOR_AT] == 0)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_VERSION);
    if (z->greeting[MAJOR_AT] < 3)
        return peer_2(z);
    if (staged && z->greeting_sent < FH_ZMTP_GREETING_BYTES) {
        FH_TRY(put_greeting(z, MAJOR_AT + 1, FH_ZMTP_GREETING_BYTES));
        z->greeting_sent = FH_ZMTP_GREETING_BYTES;
    }
    return peer_3(z);
}

/* The frame with the identity: of 1.0, and of 2.0. */
fh_status fh_zmtp_identity_frame(fh_zmtp *z) {
    if (z->flags != 0)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_UNEXPECTED);
    if (!fh_zmtp_identity_sound(z->body.span))
        return fh_zmtp_break(z, FH_ZMTP_FAULT_IDENTITY);
    FH_TRY(fh_bytes_copy(z->allocator, z->body.span, &z->metadata));
    z->identity = (fh_zmtp_range){0, z->metadata.span.size};
    fh_zmtp_connected(z);
    return FH_DONE;
}
