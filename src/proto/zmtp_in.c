/* zmtp_in.c: bytes that came from the peer, until they are events (zmtp_in.h).
 *
 * A body that lies whole in what was fed is a slice of it. Others are gathered on a slab that doubles: what a peer announces
 * costs nothing, only what it sends does. Threading: zmtp_in.h. */
#include "proto/zmtp_in.h"

enum { GRAIN_BYTES = 4096, LARGE_BYTES = 16384 };

static const fh_bytes nothing = {NULL, {NULL, 0}};

static fh_owned fh_bytes take(fh_bytes *place) {
    fh_bytes out = *place;
    *place = nothing;
    return out;
}

void fh_zmtp_slab_end(fh_page_source *pages, fh_slab *slab) {
    if (slab->token == 0)
        return;
    fh_status s = fh_slab_release(pages, slab);
    FH_ASSERT(!fh_failed(s));
}

fh_status fh_zmtp_in_feed(fh_zmtp_in *in, fh_bytes *bytes) {
    if (in->fed.span.size != 0 || in->io)
        return FH_STATUS(FH_BORROWED);
    fh_bytes_drop(&in->fed);
    in->fed = take(bytes);
    in->at = 0;
    return FH_DONE;
}

void fh_zmtp_in_let_go(fh_zmtp_in *in) {
    if (in->at != in->fed.span.size)
        return;
    fh_stock_drop(&in->stock, &in->fed);
    fh_stock_end(&in->stock);
    in->stock = (fh_stock){NULL, 0, 0};
    in->fed = nothing;
    in->at = 0;
}

/* The next `count` bytes are used up. */
static void use(fh_zmtp_in *in, size_t count) {
    in->at += count;
    fh_zmtp_in_let_go(in);
}

size_t fh_zmtp_in_copy(fh_zmtp_in *in, fh_mspan to, size_t most) {
    size_t left = in->fed.span.size - in->at, count = most < left ? most : left;
    fh_span_copy(to, fh_span_sub(in->fed.span, in->at, count));
    use(in, count);
    return count;
}

/* The first `count` gathered bytes leave the slab, and it ends. */
static fh_status freeze(fh_zmtp_in *in, size_t count, fh_owned fh_bytes *out) {
    FH_TRY(fh_slab_split(in->pages, &in->slab, count, out));
    fh_zmtp_slab_end(in->pages, &in->slab);
    in->slab = (fh_slab){0};
    return FH_DONE;
}

/* Room for more of a body of `size` bytes, `left` of which are here to be added. What is gathered moves along. */
static fh_status grow(fh_zmtp_in *in, size_t size, size_t left) {
    size_t room = in->have > left ? 2 * in->have : in->have + left;
    room = room < GRAIN_BYTES ? GRAIN_BYTES : room;
    room = room < size ? room : size;
    fh_slab larger;
    FH_TRY(fh_slab_alloc(in->pages, room, &larger));
    if (in->room != 0) {
        fh_bytes old = nothing;
        fh_status s = freeze(in, in->have, &old);
        s = fh_failed(s) ? s : fh_slab_append(in->pages, &larger, old.span);
        fh_bytes_drop(&old);
        FH_ASSERT(!fh_failed(s));
    }
    in->slab = larger;
    in->room = room;
    return FH_DONE;
}

fh_status fh_zmtp_in_take(fh_zmtp_in *in, size_t size, fh_bytes *out) {
    *out = nothing;
    size_t left = in->fed.span.size - in->at;
    if (in->room == 0 && left >= size) {
        *out = fh_stock_slice(&in->stock, in->fed, in->at, size);
        use(in, size);
        return FH_DONE;
    }
    size_t more = left < size - in->have ? left : size - in->have;
    if (more > in->room - in->have)
        FH_TRY(grow(in, size, more));
    if (more != 0) {
        FH_TRY(fh_slab_append(in->pages, &in->slab, fh_span_sub(in->fed.span, in->at, more)));
        in->have += more;
        use(in, more);
    }
    if (in->have < size)
        return FH_STATUS(FH_AGAIN);
    FH_TRY(freeze(in, size, out));
    in->have = in->room = 0;
    return FH_DONE;
}

fh_status fh_zmtp_in_begin_io(fh_zmtp_in *in, size_t size, fh_mspan *room) {
    *room = (fh_mspan){NULL, 0};
    if (in->fed.span.size != 0 || in->have == 0 || size - in->have < LARGE_BYTES)
        return FH_STATUS(FH_AGAIN);
    if (in->room == in->have)
        FH_TRY(grow(in, size, in->have));
    FH_TRY(fh_slab_begin_io(in->pages, &in->slab, room));
    in->io = true;
    return FH_DONE;
}

fh_status fh_zmtp_in_end_io(fh_zmtp_in *in, size_t written) {
    if (!in->io)
        return FH_STATUS(FH_INVALID);
    FH_TRY(fh_slab_end_io(in->pages, &in->slab, written));
    in->have += written;
    in->io = false;
    return FH_DONE;
}

void fh_zmtp_in_deinit(fh_zmtp_in *in) {
    FH_ASSERT(!in->io); /* whoever has the room would write to what is reused */
    fh_stock_end(&in->stock);
    fh_bytes_drop(&in->fed);
    fh_zmtp_slab_end(in->pages, &in->slab);
}
