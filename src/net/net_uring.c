/* net_uring.c: the loop on completions: io_uring does what is asked for by itself, and this file reports it (os/uring.h).
 *
 * What is due is written to the ring; one call of the system shows it and waits. A row has at most one operation of a kind
 * under way, and in_flight says which: the kernel may use the row's descriptor, its pieces and its room until their bits are
 * gone. So a row that closes has its operations canceled, and is closed by the last completion.
 *
 * What is received comes to buffers that are lent to the kernel and taken by whichever socket has something: no connection
 * needs memory to wait. A buffer is the room of a slab; a receive is split off it, and the kernel goes on behind that. Before
 * Linux 6.12 a receive takes a buffer whole, and the rest is lent anew: so there are many small ones then. One receive is asked
 * for at a time, as in all engines, so a receive is one operation and not a standing one: it is shown by the call that waits in
 * any case, its bytes may go to the caller's room, and nothing arrives unasked. Accepts are standing ones; a connection that
 * comes when there is no place for it is held.
 *
 * Invariants: a buffer is lent exactly while its slab is in I/O; keys are a row's number with an operation in 4 bits that no
 * index uses. Threading: net.h. */
#include "net/net_impl.h"

#include "freehold/os.h"
#include "os/socket.h"

enum { BUFFERS = 4, BUFFERS_SMALL = FH_URING_BUFFERS, HELD_MAX = 64, SKIPS_MAX = 8, KEY_SHIFT = 28, KEY_OPS = 15 };
#define KEY_BELL UINT64_C(1) /* no row has it: the generation of one that lives is not 0 */

static uint64_t key_of(fh_net_socket s, uint32_t op) {
    return s.value | (uint64_t)op << KEY_SHIFT;
}

/* --- opening --------------------------------------------------------------------------------------------------------- */

static const char *detail_of(fh_uring_about about) {
    if (about.is_deferred)
        return about.is_incremental ? "work deferred to the wait, incremental buffers" : "work deferred to the wait, buffers";
    if (about.is_cooperative)
        return about.is_incremental ? "cooperative work, incremental buffers" : "cooperative work, buffers";
    return about.is_incremental ? "any thread, incremental buffers" : "any thread, buffers";
}

void fh_net_ring_deinit(fh_allocator *a, fh_page_source *pages, net_ring *r) {
    fh_uring_close(r->ring);
    for (size_t i = 0; i < r->buffers.count; i++)
        fh_net_buffer_clear(pages, fh_net_buffers_at(r->buffers, i));
    fh_net_buffers_free(a, &r->buffers);
    fh_net_helds_free(a, &r->held);
}

static fh_status uring_open(fh_net *net, fh_err *err) {
    net_ring *r = &net->ring;
    fh_uring_options options = {.one_thread = net->options.one_thread, .oldest = r->oldest};
    fh_status s = fh_uring_open(options, &r->ring, &net->error);
    if (s.code == FH_UNSUPPORTED)
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "%s", fh_uring_refusal(net->error));
    bool incremental = !fh_failed(s) && fh_uring_about_get(r->ring).is_incremental;
    r->buffer_bytes = incremental ? FH_PAGE_BYTES : FH_PAGE_BYTES / 4;
    if (!fh_failed(s))
        s = fh_net_buffers_new(net->allocator, incremental ? BUFFERS : BUFFERS_SMALL, &r->buffers);
    if (!fh_failed(s))
        s = fh_net_helds_new(net->allocator, HELD_MAX, &r->held);
    if (!fh_failed(s))
        s = fh_os_bell_open(&net->bell, &net->error);
    net->now_ns = fh_os_clock_ns();
    if (fh_failed(s))
        return fh_fail(err, s.code, FH_NO_OFFSET, "cannot open io_uring (errno %d)", net->error);
    net->about.detail = detail_of(fh_uring_about_get(r->ring));
    return FH_DONE;
}

static fh_status uring_join(fh_net *net, fh_net_socket s, int fd) {
    (void)fd;
    net_row_at(net->rows, s)->ready_for = FH_OS_WRITABLE;
    fh_net_due(net, s);
    return FH_DONE;
}

/* --- buffers --------------------------------------------------------------------------------------------------------- */

/* Lends the room of a buffer that is ours. */
static fh_status lend(fh_net *net, size_t i) {
    net_buffer *b = fh_net_buffers_at(net->ring.buffers, i);
    fh_mspan room;
    FH_TRY(fh_net_buffer_begin(net->pages, b, net->ring.buffer_bytes, &room));
    net->ring.lent_count++;
    fh_uring_lend(net->ring.ring, (uint16_t)i, room);
    return FH_DONE;
}

/* Lends what it can; fails if the kernel has nothing then. */
static fh_status lend_all(fh_net *net) {
    fh_status s = FH_DONE;
    size_t count = net->ring.buffers.count;
    for (size_t i = 0; i < count && net->ring.lent_count < count && !fh_failed(s); i++)
        if (!fh_net_buffers_at(net->ring.buffers, i)->is_lent)
            s = lend(net, i);
    return net->ring.lent_count != 0 ? FH_DONE : s;
}

/* What a receive has put into a buffer. */
static fh_owned fh_bytes take(fh_net *net, const fh_uring_done *done) {
    net_buffer *b = fh_net_buffers_at(net->ring.buffers, done->buffer);
    fh_bytes bytes = fh_net_buffer_end(net->pages, b, done->count);
    if (done->buffer_stays) {
        fh_mspan rest;
        fh_status s = fh_slab_begin_io(net->pages, &b->slab, &rest);
        FH_ASSERT(!fh_failed(s));
        b->is_lent = true;
        return bytes;
    }
    net->ring.lent_count--;
    (void)lend(net, done->buffer).code; /* else the next receive tries */
    return bytes;
}

/* --- asking ---------------------------------------------------------------------------------------------------------- */

/* An operation was asked for; if there was no room for it, the row has another turn. */
static void asked(fh_net *net, fh_net_socket s, uint32_t op, fh_status status) {
    if (fh_failed(status))
        fh_net_due(net, s);
    else
        net_row_at(net->rows, s)->in_flight |= op;
}

/* Has all that a row has in flight come back. */
static void cancel(fh_net *net, fh_net_socket s) {
    net_row *row = net_row_at(net->rows, s);
    if (row->is_canceled)
        return;
    row->is_canceled = !fh_failed(fh_uring_cancel(net->ring.ring, row->fd));
    if (!row->is_canceled)
        fh_net_due(net, s);
}

/* Gives a new connection a row. Without one the listener pauses. */
static fh_status place(fh_net *net, fh_net_socket listener, int fd) {
    fh_net_socket made;
    fh_status s = fh_net_row_new(net, NET_OPEN, 0, &made);
    if (fh_failed(s)) {
        fh_net_did_not_accept(net, listener, (net_result){s, 0});
        return s;
    }
    net_row *row = net_row_at(net->rows, made);
    row->fd = fd;
    row->ready_for = FH_OS_WRITABLE;
    fh_net_did_accept(net, listener, made);
    return FH_DONE;
}

/* The first connection that is held for a listener; held_count: there is none. */
static size_t held_first(const net_ring *r, fh_net_socket listener) {
    for (size_t i = 0; i < r->held_count; i++)
        if (fh_net_helds_at(r->held, i)->listener.value == listener.value)
            return i;
    return r->held_count;
}

static void held_remove(net_ring *r, size_t i) {
    r->held_count--;
    for (; i < r->held_count; i++)
        *fh_net_helds_at(r->held, i) = *fh_net_helds_at(r->held, i + 1);
}

/* Beyond the room for them, its peer sees it end. */
static void hold(net_ring *r, fh_net_socket listener, int fd) {
    if (r->held_count < r->held.count)
        *fh_net_helds_at(r->held, r->held_count++) = (net_held){listener, fd};
    else
        fh_os_close(fd);
}

static void do_accept(fh_net *net, fh_net_socket s) {
    bool goes_on = !net_row_at(net->rows, s)->is_paused;
    while (goes_on) {
        size_t i = held_first(&net->ring, s);
        goes_on = i < net->ring.held_count && !fh_failed(place(net, s, fh_net_helds_at(net->ring.held, i)->fd));
        if (goes_on)
            held_remove(&net->ring, i);
    }
    const net_row *row = net_row_at(net->rows, s);
    bool accepts = (row->in_flight & NET_DOES_ACCEPT) != 0;
    if (row->is_paused && accepts)
        cancel(net, s);
    else if (!row->is_paused && !accepts)
        asked(net, s, NET_DOES_ACCEPT, fh_uring_accept(net->ring.ring, row->fd, key_of(s, NET_DOES_ACCEPT)));
}

static void do_receive(fh_net *net, fh_net_socket s) {
    const net_row *row = net_row_at(net->rows, s);
    uint64_t key = key_of(s, NET_DOES_RECEIVE);
    bool later = (row->ready_for & FH_OS_READABLE) == 0;
    fh_status status;
    if (row->want == NET_ROOM) {
        status = fh_uring_receive_into(net->ring.ring, row->fd, row->room, later, key);
    } else {
        status = lend_all(net);
        if (fh_failed(status)) {
            fh_net_did_receive(net, s, (net_result){status, 0}, (fh_bytes){NULL, {NULL, 0}});
            return;
        }
        status = fh_uring_receive(net->ring.ring, net_row_at(net->rows, s)->fd, later, key);
    }
    asked(net, s, NET_DOES_RECEIVE, status);
}

static void do_send(fh_net *net, fh_net_socket s) {
    const net_row *row = net_row_at(net->rows, s);
    net_pieces pieces;
    fh_net_kernel_pieces(row, &pieces);
    fh_views views = fh_views_sub((fh_views){pieces.at, NET_PIECES_A_CALL}, 0, pieces.count);
    bool later = (row->ready_for & FH_OS_WRITABLE) == 0;
    asked(net, s, NET_DOES_SEND, fh_uring_send(net->ring.ring, row->fd, views, later, key_of(s, NET_DOES_SEND)));
}

static void do_traffic(fh_net *net, fh_net_socket s) {
    const net_row *row = net_row_at(net->rows, s);
    bool reads = row->want != NET_NOTHING && (row->in_flight & NET_DOES_RECEIVE) == 0;
    bool writes = row->out.count != 0 && (row->in_flight & NET_DOES_SEND) == 0;
    if (reads)
        do_receive(net, s);
    if (writes)
        do_send(net, s);
    fh_net_kernel_shutdown(net, s);
}

static void do_close(fh_net *net, fh_net_socket s) {
    if (net_row_at(net->rows, s)->in_flight != 0) {
        cancel(net, s);
        return;
    }
    for (size_t i = held_first(&net->ring, s); i < net->ring.held_count; i = held_first(&net->ring, s)) {
        fh_os_close(fh_net_helds_at(net->ring.held, i)->fd);
        held_remove(&net->ring, i);
    }
    fh_net_kernel_close(net, s);
}

static void uring_go_on(fh_net *net, fh_net_socket s) {
    const net_row *row = net_row_at(net->rows, s);
    uint64_t key = key_of(s, NET_DOES_CONNECT);
    switch (row->state) {
    case NET_CONNECTING:
        if (!row->is_broken && (row->in_flight & NET_DOES_CONNECT) == 0)
            asked(net, s, NET_DOES_CONNECT, fh_uring_writable(net->ring.ring, row->fd, key));
        return;
    case NET_LISTENING:
        do_accept(net, s);
        return;
    case NET_OPEN:
        do_traffic(net, s);
        return;
    case NET_CLOSING:
        do_close(net, s);
        return;
    case NET_GONE:
        return;
    }
}

/* --- what came of it -------------------------------------------------------------------------------------------------- */

static void received(fh_net *net, fh_net_socket s, const fh_uring_done *done, fh_move fh_bytes bytes) {
    net_row *row = net_row_at(net->rows, s);
    bool page = row->want == NET_PAGE;
    net_result how = {done->status, done->error};
    row->ready_for = (row->ready_for & FH_OS_WRITABLE) | (done->has_rest ? FH_OS_READABLE : 0);
    if (done->no_buffer && page && !fh_failed(lend_all(net))) /* the others of this round took them all */
        how.status = FH_STATUS(FH_AGAIN);
    else if (!fh_failed(how.status) && done->count == 0)
        how.status = FH_STATUS(FH_END);
    if (page && how.status.code != FH_AGAIN) {
        fh_net_did_receive(net, s, how, bytes);
        return;
    }
    fh_bytes_drop(&bytes);
    if (how.status.code == FH_AGAIN)
        fh_net_due(net, s);
    else
        fh_net_did_fill(net, s, how, done->count);
}

static void sent(fh_net *net, fh_net_socket s, const fh_uring_done *done) {
    bool again = done->status.code == FH_AGAIN;
    if (!again)
        fh_net_did_send(net, s, (net_result){done->status, done->error}, done->count);
    net_row *row = net_row_at(net->rows, s);
    row->ready_for = (row->ready_for & FH_OS_READABLE) | (again ? 0 : FH_OS_WRITABLE);
    if (row->out.count != 0 || row->shut)
        fh_net_due(net, s);
}

static void accepted(fh_net *net, fh_net_socket s, const fh_uring_done *done) {
    if (!fh_failed(done->status) && (net_row_at(net->rows, s)->is_paused || fh_failed(place(net, s, (int)done->count))))
        hold(&net->ring, s, (int)done->count);
    else if (fh_failed(done->status) && done->status.code != FH_AGAIN)
        fh_net_did_not_accept(net, s, (net_result){done->status, done->error});
    if (!done->more || net_row_at(net->rows, s)->is_paused)
        fh_net_due(net, s);
}

static void tell(fh_net *net, fh_net_socket s, uint32_t op, const fh_uring_done *done, fh_move fh_bytes bytes) {
    if (op == NET_DOES_RECEIVE) {
        received(net, s, done, bytes);
        return;
    }
    fh_bytes_drop(&bytes);
    if (op == NET_DOES_SEND)
        sent(net, s, done);
    else if (op == NET_DOES_ACCEPT)
        accepted(net, s, done);
    else if (done->status.code == FH_AGAIN)
        fh_net_due(net, s);
    else
        fh_net_kernel_connected(net, s);
}

static void complete(fh_net *net, const fh_uring_done *done) {
    fh_net_socket s = {done->key & ~((uint64_t)KEY_OPS << KEY_SHIFT)};
    uint32_t op = (uint32_t)(done->key >> KEY_SHIFT) & KEY_OPS;
    if (done->key == KEY_BELL) {
        net->ring.hears = false;
        net->woken = net->woken || !fh_failed(done->status);
        return;
    }
    if (done->key == FH_URING_NO_KEY)
        return;
    fh_bytes bytes = {NULL, {NULL, 0}};
    if (done->has_buffer)
        bytes = take(net, done);
    net_row *row = net_row_at(net->rows, s);
    if (!done->more)
        row->in_flight &= ~op;
    row->is_canceled = row->is_canceled && row->in_flight != 0;
    if (row->state != NET_CLOSING) {
        tell(net, s, op, done, bytes);
        return;
    }
    fh_bytes_drop(&bytes);
    if (op == NET_DOES_ACCEPT && !fh_failed(done->status))
        fh_os_close((int)done->count);
    if (!net_row_at(net->rows, s)->is_due) /* else its turn comes: a row that is on the list stays */
        do_close(net, s);
}

/* All that has come; how much. */
static size_t reap(fh_net *net) {
    fh_uring_done done;
    size_t count = 0;
    for (; fh_uring_next(net->ring.ring, &done); count++)
        complete(net, &done);
    return count;
}

/* --- waiting --------------------------------------------------------------------------------------------------------- */

static fh_status show_and_wait(fh_net *net, uint64_t patience) {
    uint32_t calls = 0;
    uint64_t until = patience < UINT64_MAX - net->now_ns ? net->now_ns + patience : UINT64_MAX;
    fh_status s = fh_uring_wait(net->ring.ring, patience, &calls);
    net->stats.system_calls += calls;
    net->now_ns = fh_os_clock_ns();
    size_t count = reap(net);
    if (!fh_failed(s) && count == 0 && patience != 0 && net->now_ns < until)
        return FH_STATUS(FH_CANCELED); /* a call that showed something says so, and not that a signal ended its wait */
    return s;
}

static fh_status uring_wait_once(fh_net *net, uint64_t until_ns) {
    net_ring *r = &net->ring;
    if (!r->hears)
        r->hears = !fh_failed(fh_uring_bell(r->ring, net->bell, KEY_BELL));
    uint64_t patience = net->due.first.value != 0 ? 0 : fh_net_patience_ns(net, until_ns);
    fh_uring_about about = fh_uring_about_get(r->ring);
    if (patience == 0 && !fh_uring_has_news(r->ring) && !about.is_deferred && !about.is_cooperative) {
        net->now_ns = fh_os_clock_ns(); /* what has ended is in the ring by itself */
        (void)reap(net);
        return FH_DONE;
    }
    if (fh_net_has_events(net) && !fh_uring_has_news(r->ring) && net->seen_ready++ % SKIPS_MAX != SKIPS_MAX - 1)
        return FH_DONE;
    return show_and_wait(net, patience);
}

static fh_status uring_rest(fh_net *net, fh_net_socket s) {
    while (net_row_at(net->rows, s)->in_flight != 0) {
        cancel(net, s);
        fh_status status = show_and_wait(net, UINT64_MAX);
        if (fh_failed(status) && status.code != FH_CANCELED)
            return status;
    }
    return FH_DONE;
}

static void uring_leave(fh_net *net, fh_net_socket s) {
    FH_ASSERT(net_row_at(net->rows, s)->in_flight == 0); /* the ring knows of operations, not of descriptors */
}

static void uring_end(fh_net *net) {
    fh_status s = net->ring.hears ? fh_uring_cancel(net->ring.ring, net->bell) : FH_DONE;
    FH_ASSERT(!fh_failed(s));
    while (net->ring.hears) {
        s = show_and_wait(net, UINT64_MAX);
        FH_ASSERT(!fh_failed(s) || s.code == FH_CANCELED);
    }
}

static void uring_close(fh_net *net) {
    fh_os_close(net->bell);
}

const net_engine fh_net_uring_engine = {
    uring_open,           uring_end,          uring_close, fh_net_kernel_listen, fh_net_kernel_connect,
    fh_net_kernel_adopt,  fh_net_kernel_name, uring_join,  uring_go_on,          uring_wait_once,
    uring_rest,           uring_leave,
};
