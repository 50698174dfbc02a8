/* zmtp_frame.c: frames, both ways.
 *
 *     2.0 and above (RFC 37, "Framing"; RFC 15)   flags, size of 1 byte or, with LONG, 8 bytes, body
 *     1.0 (RFC 13)                                size + 1 in 1 byte, or FF and 8 bytes; flags; body
 *
 * A head is judged as soon as its last byte is there, before anything of the body is. Threading: zmtp.h. */
#include "freehold/checked.h"
#include "proto/zmtp_curve.h"

/* --- in ------------------------------------------------------------------------------------------------------------------ */

/* How many bytes the head has that begins with `first`. */
static uint32_t head_bytes(const fh_zmtp *z, uint8_t first) {
    if (z->version == FH_ZMTP_1_0)
        return first == UINT8_MAX ? 10 : 2;
    return (first & FH_ZMTP_LONG) != 0 ? 9 : 2;
}

/* What a head says. */
typedef struct head {
    uint8_t flags;
    uint64_t size;
} head;

/* 1.0. Reserved flags are no error there: those of identities "SHALL not be validated". A size of 0 in a long head becomes one
 * that check_size refuses. */
static fh_zmtp_fault_kind read_head_1(fh_span bytes, head *h) {
    uint64_t with_flags = bytes.size == 2 ? fh_span_at(bytes, 0) : fh_zmtp_number(fh_span_sub(bytes, 1, 8));
    *h = (head){fh_span_at(bytes, bytes.size - 1) & FH_ZMTP_MORE, with_flags - 1};
    return FH_ZMTP_FAULT_NONE;
}

/* "Bits 7-3 are reserved for future use and MUST be zero"; 2.0 knows no commands either. */
static fh_zmtp_fault_kind read_head_2(fh_zmtp_version version, fh_span bytes, head *h) {
    uint8_t first = fh_span_at(bytes, 0);
    uint8_t known = FH_ZMTP_MORE | FH_ZMTP_LONG | (version == FH_ZMTP_2_0 ? 0 : FH_ZMTP_COMMAND);
    *h = (head){first & (FH_ZMTP_MORE | FH_ZMTP_COMMAND), fh_zmtp_number(fh_span_from(bytes, 1))};
    if ((first & ~known) != 0)
        return FH_ZMTP_FAULT_FLAGS;
    return h->flags == (FH_ZMTP_MORE | FH_ZMTP_COMMAND) ? FH_ZMTP_FAULT_COMMAND_MORE : FH_ZMTP_FAULT_NONE;
}

/* Whether a body of this size may come now. */
static fh_zmtp_fault_kind check_size(fh_zmtp *z, uint64_t size) {
    const fh_zmtp_limits *limits = &z->options.limits;
    if (size >> 63 != 0)
        return FH_ZMTP_FAULT_LENGTH;
    if (z->stage == FH_ZMTP_AT_IDENTITY)
        return size > FH_ZMTP_IDENTITY_MAX ? FH_ZMTP_FAULT_IDENTITY : FH_ZMTP_FAULT_NONE;
    if (z->stage == FH_ZMTP_AT_HANDSHAKE) {
        if (size > z->handshake_left)
            return FH_ZMTP_FAULT_HANDSHAKE_LIMIT;
        z->handshake_left -= (uint32_t)size;
        return FH_ZMTP_FAULT_NONE;
    }
    uint64_t room = z->options.mechanism == FH_ZMTP_CURVE ? FH_ZMTP_BOX_MORE : 0;
    return size > limits->frame_bytes + room ? FH_ZMTP_FAULT_FRAME_LIMIT : FH_ZMTP_FAULT_NONE;
}

/* The head of the next frame. */
static fh_status read_head(fh_zmtp *z) {
    for (;;) {
        if (z->version == FH_ZMTP_1_0 && z->head_size == 1 && z->head[0] == 0) {
            z->head_size = 0; /* RFC 13: a length of 0 "SHOULD be discarded silently" */
            z->offset++;
        }
        size_t want = z->head_size == 0 ? 1 : head_bytes(z, z->head[0]);
        if (z->head_size == want)
            break;
        fh_mspan rest = {NULL, 0};
        bool inside = fh_mspan_slice((fh_mspan){z->head, sizeof z->head}, z->head_size, want - z->head_size, &rest);
        FH_ASSERT(inside);
        size_t got = fh_zmtp_in_copy(&z->in, rest, rest.size);
        z->head_size += (uint32_t)got;
        if (got == 0)
            return FH_STATUS(FH_AGAIN);
    }
    head h = {0, 0};
    fh_span bytes = fh_span_sub((fh_span){z->head, sizeof z->head}, 0, z->head_size);
    fh_zmtp_fault_kind fault = z->version == FH_ZMTP_1_0 ? read_head_1(bytes, &h) : read_head_2(z->version, bytes, &h);
    fault = fault == FH_ZMTP_FAULT_NONE ? check_size(z, h.size) : fault;
    if (fault != FH_ZMTP_FAULT_NONE)
        return fh_zmtp_break(z, fault);
    z->flags = h.flags;
    z->size = (size_t)h.size;
    z->headed = true;
    return FH_DONE;
}

fh_status fh_zmtp_frame_next(fh_zmtp *z) {
    if (z->framed)
        return FH_DONE;
    if (!z->headed)
        FH_TRY(read_head(z));
    fh_bytes body;
    FH_TRY(fh_zmtp_in_take(&z->in, z->size, &body));
    fh_bytes_drop(&z->body);
    z->body = body;
    z->framed = true;
    return FH_DONE;
}

void fh_zmtp_frame_done(fh_zmtp *z) {
    fh_bytes_drop(&z->body);
    z->body = (fh_bytes){NULL, {NULL, 0}};
    z->offset += z->head_size + z->size;
    z->head_size = 0;
    z->headed = z->framed = z->opened = false;
}

/* --- out ----------------------------------------------------------------------------------------------------------------- */

size_t fh_zmtp_head_size(fh_zmtp_version version, uint64_t size) {
    if (version == FH_ZMTP_1_0)
        return size + 1 < UINT8_MAX ? 2 : 10;
    return size <= UINT8_MAX ? 2 : 9;
}

void fh_zmtp_put_head(fh_zmtp_out_queue *out, fh_zmtp_version version, uint8_t flags, uint64_t size) {
    size_t count = fh_zmtp_head_size(version, size);
    bool is_long = count != 2, first = version == FH_ZMTP_1_0;
    uint8_t bytes[FH_ZMTP_HEAD_MAX] = {0};
    fh_mspan all = {bytes, sizeof bytes}, number = {NULL, 0};
    bool inside = fh_mspan_slice(all, first && !is_long ? 0 : 1, is_long ? 8 : 1, &number);
    FH_ASSERT(inside);
    if (first && is_long)
        bytes[0] = UINT8_MAX;
    if (first)
        *fh_mspan_at(all, count - 1) = flags & FH_ZMTP_MORE;
    else
        bytes[0] = (uint8_t)(flags | (is_long ? FH_ZMTP_LONG : 0));
    fh_zmtp_put_number(number, first ? size + 1 : size);
    fh_zmtp_out_put(out, fh_span_sub(fh_span_of_mut(all), 0, count));
}

fh_status fh_zmtp_put_message(fh_zmtp *z) {
    size_t packed = 0, pieces = 0;
    for (size_t i = 0; i < z->given.count; i++) {
        size_t size = fh_zmtp_list_at(&z->given, i)->bytes.span.size;
        bool apart = size > FH_ZMTP_PACK_MAX && z->curve == NULL;
        packed += fh_zmtp_curve_size(apart ? 0 : size);
        pieces += apart;
    }
    FH_TRY(fh_zmtp_out_reserve(&z->out, packed, pieces));
    while (z->given.count != 0) {
        bool more = false;
        fh_bytes part = fh_zmtp_list_pop(&z->given, &more);
        if (z->curve != NULL) {
            fh_zmtp_curve_put(&z->out, z->curve, z->options.server, more ? FH_ZMTP_MORE : 0, FH_LIT(""), part.span);
            fh_bytes_drop(&part);
            continue;
        }
        fh_zmtp_put_head(&z->out, z->version, more ? FH_ZMTP_MORE : 0, part.span.size);
        if (part.span.size > FH_ZMTP_PACK_MAX) {
            fh_zmtp_out_push(&z->out, part);
            continue;
        }
        fh_zmtp_out_put(&z->out, part.span);
        fh_bytes_drop(&part);
    }
    return FH_DONE;
}
