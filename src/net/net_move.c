/* net_move.c: a connection that goes from one loop to another (net.h). The kernel has nothing of it then, so all there is of
 * it is the row: what waits to be sent, and what was asked for. Threading: one thread has both loops. */
#include "net/net_impl.h"

/* A connection of a loop that has sockets of the system. */
static fh_status find(const fh_net *net, fh_net_socket s, fh_out fh_view(1) net_row **out) {
    FH_TRY(fh_net_row_open(net, s, out));
    return FH_STATUS(net->about.engine == FH_NET_SIM ? FH_UNSUPPORTED : FH_OK);
}

fh_status fh_net_push(fh_net *net, fh_net_socket s) {
    net_row *row = NULL;
    FH_TRY(find(net, s, &row));
    bool more = (row->in_flight & NET_DOES_SEND) == 0;
    while (more && net_row_at(net->rows, s)->out.count != 0)
        more = fh_net_kernel_send(net, s);
    return FH_DONE;
}

fh_status fh_net_rest(fh_net *net, fh_net_socket s) {
    net_row *row = NULL;
    FH_TRY(find(net, s, &row));
    return fh_net_engine_of(net)->rest(net, s);
}

fh_status fh_net_give(fh_net *net, fh_net_socket s, int *descriptor) {
    net_row *row = NULL;
    *descriptor = -1;
    FH_TRY(find(net, s, &row));
    bool asked = row->want != NET_NOTHING || row->out.count != 0 || row->shut;
    if (asked || row->in_flight != 0 || row->events != 0 || row->is_ready)
        return FH_STATUS(FH_BORROWED);
    fh_net_engine_of(net)->leave(net, s);
    *descriptor = net_row_at(net->rows, s)->fd;
    net_row_at(net->rows, s)->fd = -1;
    fh_net_due_end(net, s);
    fh_net_row_end(net, s);
    return FH_DONE;
}

/* All that a row is goes to another one, which is new; of the old one nothing is left but its place. */
static void hand_over(net_row *from, fh_mut fh_view(1) net_row *to) {
    fh_outbox_hand_over(&from->out, &to->out);
    to->fd = from->fd;
    to->want = from->want;
    to->room = from->room;
    to->shut = from->shut;
    to->has_shut = from->has_shut;
    to->is_broken = from->is_broken;
    from->fd = -1;
    from->want = NET_NOTHING;
    from->room = (fh_mspan){NULL, 0};
}

fh_status fh_net_move(fh_net *net, fh_net_socket s, fh_net *to, uint64_t user, fh_net_socket *out) {
    net_row *row = NULL;
    fh_net_socket made;
    *out = (fh_net_socket){0};
    FH_TRY(find(net, s, &row));
    if (row->in_flight != 0 || row->events != 0 || row->is_ready)
        return FH_STATUS(FH_BORROWED);
    FH_TRY(fh_net_row_new(to, NET_OPEN, user, &made));
    fh_status status = fh_net_engine_of(to)->join(to, made, row->fd);
    if (fh_failed(status)) {
        fh_net_due_end(to, made);
        fh_net_row_end(to, made);
        return status;
    }
    fh_net_engine_of(net)->leave(net, s);
    hand_over(net_row_at(net->rows, s), net_row_at(to->rows, made));
    fh_net_due_end(net, s);
    fh_net_row_end(net, s);
    fh_net_due(to, made);
    *out = made;
    return FH_DONE;
}
