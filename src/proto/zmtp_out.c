/* zmtp_out.c: what waits to be sent (zmtp_out.h).
 *
 * Frames and small bodies go to the pack, one behind the other, so that many of them are one piece for one system call. When a
 * large body comes, and when pieces are asked for, the packed bytes are frozen, and the pack goes on behind them. A
 * connection at rest has no pack. Threading: zmtp_out.h. */
#include "proto/zmtp_out.h"

#include "proto/zmtp_in.h"

enum { PACK_FIRST = 4096 };

/* The packed bytes become a piece; there is room for it. */
static void seal(fh_zmtp_out_queue *q) {
    if (q->filled == 0)
        return;
    fh_bytes piece = {NULL, {NULL, 0}};
    fh_status s = fh_slab_split(q->pages, &q->pack, q->filled, &piece);
    FH_ASSERT(!fh_failed(s));
    fh_zmtp_list_push(&q->queue, piece, false);
    q->room -= q->filled;
    q->filled = 0;
}

static void end_pack(fh_zmtp_out_queue *q) {
    fh_zmtp_slab_end(q->pages, &q->pack);
    q->pack = (fh_slab){0};
    q->room = q->filled = 0;
}

fh_status fh_zmtp_out_reserve(fh_zmtp_out_queue *q, size_t packed, size_t pieces) {
    FH_TRY(fh_zmtp_list_reserve(&q->queue, 2 * pieces + 2)); /* packed bytes before each, before a new pack, and at the end */
    if (q->room - q->filled >= packed)
        return FH_DONE;
    size_t room = q->bytes == 0 ? PACK_FIRST : FH_PAGE_BYTES;
    room = room < packed ? packed : room;
    fh_slab pack;
    FH_TRY(fh_slab_alloc(q->pages, room, &pack));
    seal(q);
    end_pack(q);
    q->pack = pack;
    q->room = room;
    return FH_DONE;
}

void fh_zmtp_out_put(fh_zmtp_out_queue *q, fh_span bytes) {
    fh_status s = bytes.size == 0 ? FH_DONE : fh_slab_append(q->pages, &q->pack, bytes);
    FH_ASSERT(!fh_failed(s));
    q->filled += bytes.size;
    q->bytes += bytes.size;
}

fh_mspan fh_zmtp_out_begin(fh_zmtp_out_queue *q, size_t count) {
    fh_mspan room, part;
    fh_status s = fh_slab_begin_io(q->pages, &q->pack, &room);
    bool fits = fh_mspan_slice(room, 0, count, &part);
    FH_ASSERT(!fh_failed(s) && fits);
    return part;
}

void fh_zmtp_out_end(fh_zmtp_out_queue *q, size_t count) {
    fh_status s = fh_slab_end_io(q->pages, &q->pack, count);
    FH_ASSERT(!fh_failed(s));
    q->filled += count;
    q->bytes += count;
}

void fh_zmtp_out_push(fh_zmtp_out_queue *q, fh_bytes bytes) {
    seal(q);
    q->bytes += bytes.span.size;
    fh_zmtp_list_push(&q->queue, bytes, false);
}

fh_status fh_zmtp_out_show(fh_zmtp_out_queue *q) {
    FH_TRY(fh_zmtp_list_reserve(&q->queue, 1));
    seal(q);
    return FH_DONE;
}

fh_status fh_zmtp_out_advance(fh_zmtp_out_queue *q, size_t count) {
    if (count > q->bytes - q->filled)
        return FH_STATUS(FH_INVALID);
    q->sent += count;
    q->bytes -= count;
    while (q->queue.count != 0 && q->sent >= fh_zmtp_list_at(&q->queue, 0)->bytes.span.size) {
        bool more = false;
        fh_bytes piece = fh_zmtp_list_pop(&q->queue, &more);
        q->sent -= piece.span.size;
        fh_bytes_drop(&piece);
    }
    if (q->bytes == 0)
        end_pack(q);
    return FH_DONE;
}

void fh_zmtp_out_deinit(fh_zmtp_out_queue *q) {
    fh_zmtp_slab_end(q->pages, &q->pack);
    fh_zmtp_list_deinit(&q->queue);
}
