/* net_kernel.c: what the engines on the system's sockets share: how sockets begin and end. What lies between, they do each in
 * its own way. Threading: net.h. */
#include "net/net_impl.h"

#include "os/socket.h"

static fh_os_socket_options options_of(const fh_net_socket_options *o) {
    return (fh_os_socket_options){.backlog = o->backlog, .send_buffer = o->send_buffer, .receive_buffer = o->receive_buffer,
                                  .type_of_service = o->type_of_service, .keep_alive = o->keep_alive,
                                  .keep_idle_s = o->keep_idle_s, .keep_interval_s = o->keep_interval_s,
                                  .keep_count = o->keep_count, .unheard_ms = o->unheard_ms,
                                  .source = o->source};
}

/* A new descriptor joins the loop; it is closed when it cannot. */
static fh_status join(fh_net *net, fh_net_socket s, int fd) {
    fh_status status = fh_net_engine_of(net)->join(net, s, fd);
    if (fh_failed(status)) {
        fh_os_close(fd);
        return status;
    }
    net_row_at(net->rows, s)->fd = fd;
    return FH_DONE;
}

fh_status fh_net_kernel_listen(fh_net *net, fh_net_socket s, const fh_address *address, const fh_net_socket_options *options) {
    int fd = -1;
    fh_os_socket_options o = options_of(options);
    net->stats.system_calls += 3;
    FH_TRY(fh_os_listen(address, &o, &fd, &net->error));
    FH_TRY(join(net, s, fd));
    net_row_at(net->rows, s)->path = *address;
    return FH_DONE;
}

fh_status fh_net_kernel_connect(fh_net *net, fh_net_socket s, const fh_address *address, const fh_net_socket_options *options) {
    int fd = -1, error = 0;
    fh_os_socket_options o = options_of(options);
    net->stats.system_calls += 2;
    FH_TRY(fh_os_stream(address, &o, &fd, &net->error));
    fh_status status = fh_os_connect(fd, address, &error);
    FH_TRY(join(net, s, fd));
    /* A failure is told as an event too: so callers have one place for it. */
    if (status.code != FH_AGAIN)
        fh_net_did_connect(net, s, (net_result){status, error});
    return FH_DONE;
}

fh_status fh_net_kernel_adopt(fh_net *net, fh_net_socket s, int fd) {
    bool listens = false;
    net->stats.system_calls += 4;
    FH_TRY(fh_os_adopt(fd, &listens));
    FH_TRY(fh_net_engine_of(net)->join(net, s, fd));
    net_row *row = net_row_at(net->rows, s);
    row->fd = fd;
    row->state = listens ? NET_LISTENING : NET_OPEN;
    return FH_DONE;
}

fh_status fh_net_kernel_name(fh_net *net, fh_net_socket s, bool peer, fh_out fh_address *out) {
    net->stats.system_calls++;
    return fh_os_socket_name(net_row_at(net->rows, s)->fd, peer, out);
}

void fh_net_kernel_connected(fh_net *net, fh_net_socket s) {
    net->stats.system_calls++;
    int error = fh_os_socket_fault(net_row_at(net->rows, s)->fd);
    fh_net_did_connect(net, s, (net_result){FH_STATUS(error == 0 ? FH_OK : FH_IO), error});
}

void fh_net_kernel_shutdown(fh_net *net, fh_net_socket s) {
    net_row *row = net_row_at(net->rows, s);
    if (!row->shut || row->has_shut || row->out.count != 0)
        return;
    row->has_shut = true;
    fh_os_shutdown(row->fd);
    net->stats.system_calls++;
}

void fh_net_kernel_close(fh_net *net, fh_net_socket s) {
    const net_row *row = net_row_at(net->rows, s);
    fh_os_unlink(&row->path);
    fh_os_close(row->fd);
    net->stats.system_calls++;
    fh_net_did_close(net, s);
}

void fh_net_kernel_pieces(const net_row *row, net_pieces *out) {
    *out = (net_pieces){.count = row->out.count < NET_PIECES_A_CALL ? row->out.count : NET_PIECES_A_CALL};
    for (size_t i = 0; i < NET_PIECES_A_CALL && i < out->count; i++) {
        out->at[i] = fh_outbox_view(&row->out, i);
        out->bytes += out->at[i].size;
    }
}

bool fh_net_kernel_send(fh_net *net, fh_net_socket s) {
    net_row *row = net_row_at(net->rows, s);
    net_pieces pieces;
    size_t sent = 0;
    net_result how = {FH_DONE, 0};
    fh_net_kernel_pieces(row, &pieces);
    size_t all = pieces.bytes;
    fh_views views = fh_views_sub((fh_views){pieces.at, NET_PIECES_A_CALL}, 0, pieces.count);
    net->stats.system_calls++;
    how.status = fh_os_send(row->fd, views, &sent, &how.error);
    if (how.status.code == FH_AGAIN || (!fh_failed(how.status) && sent < all))
        row->ready_for &= ~(uint32_t)FH_OS_WRITABLE;
    if (how.status.code == FH_AGAIN)
        return false;
    fh_net_did_send(net, s, how, sent);
    return !fh_failed(how.status) && sent == all;
}
