/* net_epoll.c: the loop on readiness: epoll tells that something can be done, this file does it and reports it as completed.
 *
 * What a descriptor is ready for is remembered until a call says FH_AGAIN (poll.c is edge-triggered); a receive that
 * filled less than its room has emptied the stream, unless its end has been announced. Sends and receives are synchronous: the
 * kernel never keeps a pointer here, so closing is over at once. Threading: net.h. */
#include "net/net_impl.h"

#include "freehold/os.h"
#include "os/socket.h"

enum { ACCEPTS_A_TURN = 64, SENDS_A_TURN = 8, SKIPS_MAX = 8 };

static const uint64_t bell_key = 0;

static fh_status epoll_open(fh_net *net, fh_err *err) {
    int error = 0;
    fh_status s = fh_os_poll_open(&net->poll, &error);
    if (!fh_failed(s))
        s = fh_os_bell_open(&net->bell, &error);
    if (!fh_failed(s))
        s = fh_os_poll_add(net->poll, net->bell, bell_key, &error);
    net->now_ns = fh_os_clock_ns();
    if (!fh_failed(s))
        return FH_DONE;
    if (net->poll >= 0)
        fh_os_close(net->poll);
    if (net->bell >= 0)
        fh_os_close(net->bell);
    return fh_fail(err, s.code, FH_NO_OFFSET, "cannot open epoll (errno %d)", error);
}

static void epoll_end(fh_net *net) {
    (void)net;
}

static void epoll_close(fh_net *net) {
    fh_os_close(net->bell);
    fh_os_close(net->poll);
}

static fh_status epoll_join(fh_net *net, fh_net_socket s, int fd) {
    net->stats.system_calls++;
    return fh_os_poll_add(net->poll, fd, s.value, &net->error);
}

/* --- what can be done now -------------------------------------------------------------------------------------- */

/* Accepts one connection. FH_AGAIN when there is none. */
static fh_status accept_one(fh_net *net, fh_net_socket listener) {
    fh_net_socket made;
    int fd = -1, error = 0;
    fh_status s = fh_net_row_new(net, NET_OPEN, 0, &made);
    if (!fh_failed(s)) {
        net->stats.system_calls += 2;
        s = fh_os_accept(net_row_at(net->rows, listener)->fd, &fd, &error);
        if (!fh_failed(s))
            s = epoll_join(net, made, fd);
        if (fh_failed(s)) {
            fh_net_row_end(net, made);
            if (fd >= 0)
                fh_os_close(fd);
        }
    }
    if (!fh_failed(s)) {
        net_row *row = net_row_at(net->rows, made);
        row->fd = fd;
        row->ready_for = FH_OS_WRITABLE;
        fh_net_did_accept(net, listener, made);
    } else if (s.code != FH_AGAIN) {
        fh_net_did_not_accept(net, listener, (net_result){s, error});
    }
    return s;
}

static void do_accept(fh_net *net, fh_net_socket s) {
    fh_status status = FH_DONE;
    for (int i = 0; i < ACCEPTS_A_TURN && !fh_failed(status); i++)
        status = accept_one(net, s);
    if (status.code == FH_AGAIN)
        net_row_at(net->rows, s)->ready_for &= ~(uint32_t)FH_OS_READABLE;
    else if (!fh_failed(status))
        fh_net_due(net, s);
}

static void do_receive(fh_net *net, fh_net_socket s) {
    const net_row *asked = net_row_at(net->rows, s);
    bool page = asked->want == NET_PAGE;
    fh_mspan room = asked->room;
    int fd = asked->fd;
    net_result how = {FH_DONE, 0};
    fh_bytes bytes = {NULL, {NULL, 0}};
    size_t got = 0;
    if (page)
        how.status = fh_net_buffer_begin(net->pages, &net->buffer, FH_PAGE_BYTES, &room);
    if (!fh_failed(how.status)) {
        size_t size = room.size;
        net->stats.system_calls++;
        how.status = fh_os_receive(fd, room, &got, &how.error);
        if (page)
            bytes = fh_net_buffer_end(net->pages, &net->buffer, got);
        net_row *row = net_row_at(net->rows, s);
        if (how.status.code == FH_AGAIN || (got < size && (row->ready_for & FH_OS_ENDED) == 0 && !fh_failed(how.status)))
            row->ready_for &= ~(uint32_t)FH_OS_READABLE;
    }
    if (how.status.code == FH_AGAIN) {
        fh_bytes_drop(&bytes);
        return;
    }
    if (page) {
        fh_net_did_receive(net, s, how, bytes);
        return;
    }
    fh_bytes_drop(&bytes);
    fh_net_did_fill(net, s, how, got);
}

static void do_send(fh_net *net, fh_net_socket s) {
    bool more = true;
    for (int i = 0; i < SENDS_A_TURN && more; i++) {
        const net_row *row = net_row_at(net->rows, s);
        if (row->out.count == 0)
            return;
        more = fh_net_kernel_send(net, s);
    }
    if (more)
        fh_net_due(net, s);
}

static void do_traffic(fh_net *net, fh_net_socket s) {
    const net_row *row = net_row_at(net->rows, s);
    bool reads = row->want != NET_NOTHING && (row->ready_for & FH_OS_READABLE) != 0;
    bool writes = (row->ready_for & FH_OS_WRITABLE) != 0;
    if (reads)
        do_receive(net, s);
    if (writes)
        do_send(net, s);
    fh_net_kernel_shutdown(net, s);
}

/* Does what was asked of a row and can be done. */
static void epoll_go_on(fh_net *net, fh_net_socket s) {
    const net_row *row = net_row_at(net->rows, s);
    bool readable = (row->ready_for & FH_OS_READABLE) != 0, writable = (row->ready_for & FH_OS_WRITABLE) != 0;
    switch (row->state) {
    case NET_CONNECTING:
        if (writable && !row->is_broken)
            fh_net_kernel_connected(net, s);
        return;
    case NET_LISTENING:
        if (readable && !row->is_paused)
            do_accept(net, s);
        return;
    case NET_OPEN:
        do_traffic(net, s);
        return;
    case NET_CLOSING:
        fh_net_kernel_close(net, s);
        return;
    case NET_GONE:
        return;
    }
}

static fh_status epoll_rest(fh_net *net, fh_net_socket s) {
    (void)net_row_at(net->rows, s); /* the kernel never has anything */
    return FH_DONE;
}

static void epoll_leave(fh_net *net, fh_net_socket s) {
    net->stats.system_calls++;
    fh_os_poll_remove(net->poll, net_row_at(net->rows, s)->fd);
}

static fh_status epoll_wait_once(fh_net *net, uint64_t until_ns) {
    fh_os_ready ready[FH_OS_READY_MAX];
    size_t count = 0;
    uint64_t patience = net->due.first.value != 0 ? 0 : fh_net_patience_ns(net, until_ns);
    if (fh_net_has_events(net) && net->seen_ready++ % SKIPS_MAX != SKIPS_MAX - 1)
        return FH_DONE;
    net->stats.system_calls++;
    fh_status s = fh_os_poll_wait(net->poll, patience, ready, &count);
    net->now_ns = fh_os_clock_ns();
    if (fh_failed(s))
        return s;
    for (size_t i = 0; i < count; i++) {
        fh_net_socket at = {ready[i].key};
        if (ready[i].key == bell_key && (ready[i].what & FH_OS_READABLE) != 0) {
            fh_os_bell_clear(net->bell);
            net->stats.system_calls++;
            net->woken = true;
        } else if (net_row_lives(net->rows, at)) {
            net_row_at(net->rows, at)->ready_for |= ready[i].what;
            epoll_go_on(net, at);
        }
    }
    return FH_DONE;
}

const net_engine fh_net_epoll_engine = {
    epoll_open,          epoll_end,          epoll_close, fh_net_kernel_listen, fh_net_kernel_connect,
    fh_net_kernel_adopt, fh_net_kernel_name, epoll_join,  epoll_go_on,          epoll_wait_once,
    epoll_rest,          epoll_leave,
};
