/* outbox.c: a ring of counted pieces that grows (outbox.h). Threading: outbox.h. */
#include "net/outbox.h"

enum { PIECES_FIRST = 4 };

static net_piece *piece_at(const fh_outbox *o, size_t i) {
    return fh_net_pieces_at(o->pieces, (o->first + i) & (o->pieces.count - 1));
}

void fh_outbox_init(fh_outbox *o, fh_allocator *a) {
    *o = (fh_outbox){.allocator = a};
}

void fh_outbox_clear(fh_outbox *o) {
    fh_outbox_advance(o, o->bytes);
}

void fh_outbox_deinit(fh_outbox *o) {
    fh_outbox_clear(o);
    fh_net_pieces_free(o->allocator, &o->pieces);
}

fh_status fh_outbox_reserve(fh_outbox *o) {
    fh_net_pieces wider;
    if (o->count < o->pieces.count)
        return FH_DONE;
    if (o->count > SIZE_MAX / 2 / sizeof(net_piece))
        return FH_STATUS(FH_NOMEM);
    FH_TRY(fh_net_pieces_new(o->allocator, o->count != 0 ? 2 * o->count : PIECES_FIRST, &wider));
    for (size_t i = 0; i < o->count; i++) {
        net_piece *from = piece_at(o, i);
        fh_net_pieces_at(wider, i)->bytes = from->bytes;
        from->bytes = (fh_bytes){NULL, {NULL, 0}};
    }
    fh_net_pieces_free(o->allocator, &o->pieces);
    o->pieces = wider;
    o->first = 0;
    return FH_DONE;
}

void fh_outbox_push(fh_outbox *o, fh_bytes bytes) {
    FH_ASSERT(o->count < o->pieces.count);
    if (bytes.span.size == 0) {
        fh_bytes_drop(&bytes);
        return;
    }
    o->bytes += bytes.span.size;
    piece_at(o, o->count++)->bytes = bytes;
}

static fh_owned fh_net_pieces take_pieces(fh_net_pieces *from) {
    fh_net_pieces out = *from;
    *from = (fh_net_pieces){NULL, 0};
    return out;
}

void fh_outbox_hand_over(fh_outbox *from, fh_outbox *to) {
    FH_ASSERT(to->count == 0 && to->allocator == from->allocator);
    fh_net_pieces_free(to->allocator, &to->pieces);
    to->pieces = take_pieces(&from->pieces);
    to->first = from->first;
    to->count = from->count;
    to->bytes = from->bytes;
    from->first = from->count = 0;
    from->bytes = 0;
}

fh_span fh_outbox_view(const fh_outbox *o, size_t i) {
    FH_ASSERT(i < o->count);
    return piece_at(o, i)->bytes.span;
}

fh_bytes fh_outbox_take(fh_outbox *o, size_t n) {
    fh_bytes front = {NULL, {NULL, 0}};
    FH_ASSERT(o->count != 0);
    net_piece *first = piece_at(o, 0);
    size_t size = first->bytes.span.size < n ? first->bytes.span.size : n;
    fh_status s = fh_bytes_split_to(&first->bytes, size, &front);
    FH_ASSERT(!fh_failed(s));
    if (first->bytes.span.size == 0) {
        o->first = (o->first + 1) & (o->pieces.count - 1);
        o->count--;
    }
    o->bytes -= size;
    return front;
}

fh_bytes fh_outbox_share(const fh_outbox *o, size_t n) {
    fh_bytes front = {NULL, {NULL, 0}};
    FH_ASSERT(o->count != 0);
    fh_bytes first = piece_at(o, 0)->bytes;
    fh_status s = fh_bytes_slice(first, 0, first.span.size < n ? first.span.size : n, &front);
    FH_ASSERT(!fh_failed(s));
    return front;
}

void fh_outbox_advance(fh_outbox *o, uint64_t n) {
    FH_ASSERT(n <= o->bytes);
    while (n != 0) {
        fh_bytes gone = fh_outbox_take(o, n < SIZE_MAX ? (size_t)n : SIZE_MAX);
        n -= gone.span.size;
        fh_bytes_drop(&gone);
    }
}
