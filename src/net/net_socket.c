/* net_socket.c: what is asked of one socket, and of timers (net.h): each call checks, writes it down in the row, and makes the
 * row due. Threading: net.h. */
#include "net/net_impl.h"

#include "os/socket.h"

/* The row of a socket that is not closed or about to be. */
static fh_status find(const fh_net *net, fh_net_socket s, fh_out fh_view(1) net_row **out) {
    net_row *row = NULL;
    *out = NULL;
    FH_TRY(net_row_get(net->rows, (net_row_handle){s.value}, &row));
    if (row->state == NET_CLOSING || row->state == NET_GONE)
        return FH_STATUS(FH_STALE);
    *out = row;
    return FH_DONE;
}

fh_status fh_net_row_open(const fh_net *net, fh_net_socket s, net_row **out) {
    FH_TRY(find(net, s, out));
    return FH_STATUS((*out)->state == NET_OPEN ? FH_OK : FH_INVALID);
}

/* --- life ------------------------------------------------------------------------------------------------ */

static const fh_net_socket_options all_defaults = {0};

fh_status fh_net_listen(fh_net *net, const fh_address *address, const fh_net_socket_options *options, uint64_t user,
                        fh_net_socket *out, fh_err *err) {
    fh_net_socket s;
    *out = (fh_net_socket){0};
    if (address->kind == FH_ADDRESS_NONE)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "no address to listen at");
    FH_TRY(fh_net_row_new(net, NET_LISTENING, user, &s));
    fh_status status = fh_net_engine_of(net)->listen(net, s, address, options != NULL ? options : &all_defaults);
    if (fh_failed(status)) {
        fh_net_row_end(net, s);
        return fh_fail(err, status.code, FH_NO_OFFSET, "cannot listen: %s (errno %d)", fh_code_text(status.code), net->error);
    }
    *out = s;
    return FH_DONE;
}

fh_status fh_net_connect(fh_net *net, const fh_address *address, const fh_net_socket_options *options, uint64_t user,
                         fh_net_socket *out, fh_err *err) {
    fh_net_socket s;
    *out = (fh_net_socket){0};
    if (address->kind == FH_ADDRESS_NONE)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "no address to connect to");
    FH_TRY(fh_net_row_new(net, NET_CONNECTING, user, &s));
    fh_status status = fh_net_engine_of(net)->connect(net, s, address, options != NULL ? options : &all_defaults);
    if (fh_failed(status)) {
        fh_net_row_end(net, s);
        return fh_fail(err, status.code, FH_NO_OFFSET, "cannot connect: %s (errno %d)", fh_code_text(status.code), net->error);
    }
    *out = s;
    return FH_DONE;
}

fh_status fh_net_adopt(fh_net *net, int fd, uint64_t user, fh_net_socket *out, fh_err *err) {
    fh_net_socket s;
    *out = (fh_net_socket){0};
    FH_TRY(fh_net_row_new(net, NET_OPEN, user, &s));
    fh_status status = fh_net_engine_of(net)->adopt(net, s, fd);
    if (fh_failed(status)) {
        fh_net_row_end(net, s);
        return fh_fail(err, status.code, FH_NO_OFFSET, "cannot use descriptor %d: %s", fd, fh_code_text(status.code));
    }
    *out = s;
    return FH_DONE;
}

fh_status fh_net_close(fh_net *net, fh_net_socket s) {
    net_row *row = NULL;
    FH_TRY(find(net, s, &row));
    row->state = NET_CLOSING;
    row->events = 0;
    fh_bytes_drop(&row->received);
    row->received = (fh_bytes){NULL, {NULL, 0}};
    fh_net_due(net, s);
    return FH_DONE;
}

/* --- facts ----------------------------------------------------------------------------------------------- */

fh_status fh_net_user_set(fh_net *net, fh_net_socket s, uint64_t user) {
    net_row *row = NULL;
    FH_TRY(find(net, s, &row));
    row->user = user;
    return FH_DONE;
}

static fh_status name_of(fh_net *net, fh_net_socket s, bool peer, fh_address *out) {
    net_row *row = NULL;
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    FH_TRY(find(net, s, &row));
    return fh_net_engine_of(net)->name(net, s, peer, out);
}

fh_status fh_net_local(fh_net *net, fh_net_socket s, fh_address *out) {
    return name_of(net, s, false, out);
}

fh_status fh_net_peer(fh_net *net, fh_net_socket s, fh_address *out) {
    return name_of(net, s, true, out);
}

int fh_net_descriptor(fh_net *net, fh_net_socket s) {
    net_row *row = NULL;
    return fh_failed(find(net, s, &row)) ? -1 : row->fd;
}

uint64_t fh_net_out_bytes(fh_net *net, fh_net_socket s) {
    net_row *row = NULL;
    return fh_failed(find(net, s, &row)) ? 0 : row->out.bytes;
}

/* --- receiving and sending ----------------------------------------------------------------------------------- */

static fh_status ask(fh_net *net, fh_net_socket s, net_want want) {
    net_row *row = NULL;
    FH_TRY(fh_net_row_open(net, s, &row));
    if (row->want != NET_NOTHING || (row->events & (NET_HAS_RECEIVED | NET_HAS_FILLED)) != 0)
        return FH_STATUS(FH_BORROWED);
    row->want = want;
    fh_net_due(net, s);
    return FH_DONE;
}

fh_status fh_net_receive(fh_net *net, fh_net_socket s) {
    return ask(net, s, NET_PAGE);
}

fh_status fh_net_receive_into(fh_net *net, fh_net_socket s, fh_mspan room) {
    if (room.size == 0)
        return FH_STATUS(FH_INVALID);
    FH_TRY(ask(net, s, NET_ROOM));
    net_row_at(net->rows, s)->room = room;
    return FH_DONE;
}

fh_status fh_net_send(fh_net *net, fh_net_socket s, fh_bytes *piece) {
    net_row *row = NULL;
    FH_TRY(fh_net_row_open(net, s, &row));
    if (row->shut || row->is_broken)
        return FH_STATUS(FH_END);
    if (row->out.count >= net->options.pieces_max)
        return FH_STATUS(FH_EXHAUSTED);
    FH_TRY(fh_outbox_reserve(&row->out));
    fh_bytes taken = {NULL, {NULL, 0}};
    fh_status status = fh_bytes_split_to(piece, piece->span.size, &taken);
    FH_ASSERT(!fh_failed(status));
    fh_outbox_push(&row->out, taken);
    fh_net_due(net, s);
    return FH_DONE;
}

fh_status fh_net_shutdown(fh_net *net, fh_net_socket s) {
    net_row *row = NULL;
    FH_TRY(fh_net_row_open(net, s, &row));
    row->shut = true;
    fh_net_due(net, s);
    return FH_DONE;
}

/* --- timers ---------------------------------------------------------------------------------------------- */

fh_status fh_net_timer_start(fh_net *net, uint64_t due_ns, uint64_t user, fh_net_timer *out) {
    return fh_alarms_start(&net->alarms, due_ns, user, out);
}

fh_status fh_net_timer_stop(fh_net *net, fh_net_timer t) {
    return fh_alarms_stop(&net->alarms, t);
}
