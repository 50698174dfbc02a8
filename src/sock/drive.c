/* drive.c: connections that are lent to the threads of their sockets (drive.h). Threading: drive.h. */
#include "sock/drive.h"

#include "mem/sync/lock.h"

enum { SEAT_SOCKETS = 2, WAITS = 4, NS_PER_US = 1000 };
#define IDLE_NS UINT64_C(20000000)

/* --- the socket's thread -------------------------------------------------------------------------------------------------- */

/* The link of the peer whose connection a socket drives, or would like to. */
static fh_link *link_of(fh_mut fh_core *k) fh_view(1) {
    fh_peer *p = fh_peers_at(k->peers, k->driven - 1);
    FH_ASSERT(p->link != NULL);
    return p->link;
}

/* Where the connection is. */
typedef struct conn_place {
    uint32_t box, number;
} conn_place;

static conn_place place_of(fh_mut fh_core *k) {
    return (conn_place){link_of(k)->connected.box, link_of(k)->connected.number};
}

static fh_conn_row *row_of(fh_ref fh_sock_context *c, conn_place at) fh_view(1) {
    return fh_conn_rows_at(fh_io_at(c, at.box - FH_IO_BOX)->rows, at.number);
}

/* All that has happened in the seat. */
static void serve(fh_mut fh_view(1) fh_conn_row *row) {
    fh_net_event e;
    FH_ASSERT(row->seat != NULL && row->conn != NULL);
    while (fh_net_next(row->seat->loop.net, &e).code == FH_OK) {
        if (e.kind != FH_NET_WOKEN)
            fh_conn_event(row->conn, &e);
        fh_net_event_drop(&e);
    }
}

static void push(fh_mut fh_view(1) fh_conn_row *row) {
    FH_ASSERT(row->seat != NULL && row->conn != NULL);
    fh_net_clock_read(row->seat->loop.net);
    fh_conn_look(row->conn);
    bool stays = !fh_failed(fh_net_push(row->seat->loop.net, row->conn->socket));
    row->conn->leaves = row->conn->leaves || !stays;
    serve(row);
}

/* What was put into the lane while the I/O thread had the connection, and found nobody to send it, leaves first. */
void fh_drive_begin(fh_core *k) {
    if (k->driven == 0)
        return;
    if (!fh_core_has(k, k->driven - 1)) {
        fh_drive_return(k);
        return;
    }
    k->drives = fh_lease_begin(&link_of(k)->lease);
    if (k->drives)
        push(row_of(k->context, place_of(k)));
}

void fh_drive_push(fh_core *k) {
    if (k->drives)
        push(row_of(k->context, place_of(k)));
}

/* What else is to be done is the I/O thread's. */
static bool is_to_leave(fh_mut fh_conn_row *row) {
    const fh_conn *c = row->conn;
    FH_ASSERT(row->seat != NULL && c != NULL);
    bool stuck = c->is_again || c->is_mute || c->is_whole;
    return c->leaves || stuck || fh_net_out_bytes(row->seat->loop.net, c->socket) != 0;
}

/* How long a wait may be: until the connection has something to do by itself. */
static uint64_t patience_of(fh_mut fh_conn_row *row, uint64_t time_ns) {
    FH_ASSERT(row->seat != NULL && row->conn != NULL);
    fh_net_clock_read(row->seat->loop.net);
    uint64_t now = fh_net_now_ns(row->seat->loop.net), due = row->conn->due_ns;
    uint64_t left = due == UINT64_MAX ? UINT64_MAX : due > now ? due - now : 0;
    return left < time_ns ? left : time_ns;
}

/* Looks after a wait that ended so. */
static void look(fh_mut fh_view(1) fh_conn_row *row, fh_status s) {
    serve(row);
    FH_ASSERT(row->seat != NULL && row->conn != NULL);
    if (row->conn->due_ns <= fh_net_now_ns(row->seat->loop.net))
        fh_conn_look(row->conn);
    row->conn->leaves = row->conn->leaves || s.code == FH_IO;
}

static void set_bell(fh_mut fh_sock_slot *slot, uint32_t bell) {
    fh_lock_take(&slot->seat_lock);
    slot->seat_bell = bell;
    fh_lock_give(&slot->seat_lock);
}

/* Whoever tells the socket meanwhile rings the bell of the seat. */
static fh_status wait(fh_mut fh_sock_slot *slot, fh_mut fh_net *net, uint32_t seen, uint64_t time_ns) {
    set_bell(slot, (uint32_t)fh_net_waker_get(net).fd + 1);
    fh_mailbox_watch(&slot->box, true);
    fh_status s = fh_net_wait(net, fh_mailbox_told(&slot->box, seen) ? 0 : time_ns);
    fh_context_unmark(slot);
    set_bell(slot, 0);
    return s;
}

bool fh_drive_wait(fh_core *k, uint32_t seen, uint64_t time_ns) {
    conn_place at = place_of(k);
    if (is_to_leave(row_of(k->context, at))) {
        fh_drive_end(k);
        return false;
    }
    uint64_t patience = patience_of(row_of(k->context, at), time_ns);
    const fh_sock_seat *seat = row_of(k->context, at)->seat;
    FH_ASSERT(seat != NULL);
    fh_net_spin_set(seat->loop.net, (uint64_t)k->settings.spin * NS_PER_US);
    fh_status s = wait(fh_sock_slots_at(k->context->slots, k->box), seat->loop.net, seen, patience);
    look(row_of(k->context, at), s);
    return s.code == FH_CANCELED;
}

/* Nothing stays with the kernel: who takes it next may be another thread. True if it is to leave. */
static bool rest(fh_mut fh_view(1) fh_conn_row *row) {
    FH_ASSERT(row->seat != NULL && row->conn != NULL);
    fh_status s = fh_net_rest(row->seat->loop.net, row->conn->socket);
    FH_ASSERT(!fh_failed(s));
    serve(row);
    return is_to_leave(row);
}

void fh_drive_end(fh_core *k) {
    if (!k->drives)
        return;
    conn_place at = place_of(k);
    bool leaves = rest(row_of(k->context, at));
    k->drives = false;
    if (fh_lease_end(&link_of(k)->lease, leaves))
        fh_io_tell(k->context, at.box, at.number);
}

/* The only peer of a socket whose messages alternate, if it is a connection. */
static uint32_t only_peer(fh_mut fh_core *k) {
    uint32_t number = 0;
    bool alternates = k->type == FH_ZMTP_REQ || k->type == FH_ZMTP_REP;
    if (!alternates || k->peers_live != 1 || k->context->is_simulated)
        return FH_NO_PEER;
    while (!fh_core_has(k, number))
        number++;
    fh_peer *p = fh_peers_at(k->peers, number);
    FH_ASSERT(p->link != NULL);
    bool is_connection = p->side == 1 && fh_link_is_io(p->link->connected.box); /* of side 0 the end may not be written yet */
    return is_connection ? number : FH_NO_PEER;
}

void fh_drive_want(fh_core *k) {
    uint32_t number = only_peer(k);
    if (number == FH_NO_PEER || ++k->waits < WAITS)
        return;
    k->driven = number + 1;
    fh_lease_want(&link_of(k)->lease);
}

void fh_drive_return(fh_core *k) {
    bool is_there = k->driven != 0 && fh_core_has(k, k->driven - 1);
    if (is_there && fh_lease_return(&link_of(k)->lease))
        fh_io_tell(k->context, place_of(k).box, place_of(k).number);
    k->driven = k->waits = 0;
}

/* --- the I/O thread ------------------------------------------------------------------------------------------------------- */

/* The link of a row that is lent, or could be. */
static fh_link *link_at(fh_mut fh_conn_row *row) fh_view(1) {
    FH_ASSERT(row->conn != NULL);
    fh_link *link = row->conn->link;
    FH_ASSERT(link != NULL);
    return link;
}

static fh_owned_or_null fh_sock_seat *take_seat(fh_mut fh_conn_row *row) {
    fh_sock_seat *seat = row->seat;
    row->seat = NULL;
    return seat;
}

static void end_seat(fh_drop fh_sock_seat *seat) {
    if (seat == NULL)
        return;
    fh_allocator *a = seat->loop.allocator;
    fh_net_free(seat->loop.net);
    fh_page_source_free(seat->pages);
    fh_free(a, seat);
}

void fh_drive_seat_free(fh_conn_row *row) {
    end_seat(take_seat(row));
    row->is_lent = false;
}

/* Its pages and its loop, which any thread may wait with. */
static fh_status open_seat(fh_mut fh_sock_seat *seat, bool spins) {
    fh_allocator *a = seat->loop.allocator;
    fh_net_options options = {.sockets_max = SEAT_SOCKETS, .timers_max = 1};
    if (spins) /* who looks again and again is not to be interrupted by what comes, as io_uring does */
        options.engine = FH_NET_EPOLL;
    fh_page_options pages = {.pages_max = FH_IO_PAGES, .name = "messages of a thread"};
    FH_TRY(fh_page_source_new(a, &pages, &seat->pages));
    FH_ASSERT(seat->pages != NULL);
    return fh_net_new(a, seat->pages, &options, &seat->loop.net, NULL);
}

static fh_status make_seat(fh_ref const fh_loop *home, fh_mut fh_view(1) fh_conn_row *row) {
    if (row->seat != NULL)
        return FH_DONE;
    fh_sock_seat *seat = fh_alloc(home->allocator, 1, sizeof *seat);
    if (seat == NULL)
        return FH_STATUS(FH_NOMEM);
    seat->loop.allocator = home->allocator;
    seat->loop.context = home->context;
    seat->loop.box = home->box;
    seat->loop.pages = home->pages; /* for sessions that begin, which none does here */
    seat->loop.next_ns = UINT64_MAX;
    row->seat = seat;
    bool spins = row->conn != NULL && row->conn->terms != NULL && row->conn->terms->settings.spin != 0;
    fh_status s = open_seat(row->seat, spins);
    if (fh_failed(s))
        end_seat(take_seat(row));
    return s;
}

/* True for a connection that is between two messages. */
static bool is_at_rest(fh_ref const fh_loop *home, fh_ref const fh_conn *c) {
    bool busy = c->has_going || c->is_whole || c->is_again || c->zap != NULL || c->is_mute || c->is_last;
    return c->state == FH_CONN_UP && c->session != NULL && !busy && fh_net_out_bytes(home->net, c->socket) == 0;
}

static bool is_wanted(fh_ref const fh_conn *c) {
    bool beats = c->terms == NULL || c->terms->settings.heartbeat_ivl != 0;
    return c->link != NULL && fh_lease_is_wanted(&c->link->lease) && !beats;
}

static fh_status go_to_seat(fh_mut fh_view(2) fh_loop *home, fh_mut fh_view(1, 2) fh_conn_row *row, uint32_t number) {
    fh_net_socket s = {0};
    FH_TRY(make_seat(home, row));
    FH_ASSERT(row->conn != NULL && row->conn->session != NULL && row->seat != NULL);
    FH_TRY(fh_zmtp_pages_set(row->conn->session, row->seat->pages));
    FH_TRY(fh_net_move(home->net, row->conn->socket, row->seat->loop.net, number, &s));
    fh_conn_take_up(row->conn, &row->seat->loop, s, true);
    row->is_lent = true;
    return FH_DONE;
}

/* False: there was no memory, later. */
static bool come_home(fh_mut fh_view(2) fh_loop *home, fh_mut fh_view(1, 2) fh_conn_row *row, uint32_t number) {
    fh_net_socket s = {0};
    FH_ASSERT(row->conn != NULL && row->seat != NULL);
    if (fh_failed(fh_net_move(row->seat->loop.net, row->conn->socket, home->net, number, &s)))
        return false;
    fh_conn_take_up(row->conn, home, s, false);
    row->conn->due_ns = 0;
    row->is_lent = false;
    home->next_ns = 0;
    return true;
}

static void look_at(fh_mut fh_loop *home, fh_mut fh_conn_row *row, uint64_t ns) {
    row->look_ns = ns;
    home->next_ns = ns < home->next_ns ? ns : home->next_ns;
}

/* What was taken is home, or will be. */
static bool bring_home(fh_mut fh_view(2) fh_loop *home, fh_mut fh_view(1, 2) fh_conn_row *row, uint32_t number) {
    bool is_home = come_home(home, row, number);
    if (!is_home)
        look_at(home, row, fh_net_now_ns(home->net) + IDLE_NS);
    fh_lease_home(&link_at(row)->lease, is_home);
    return is_home;
}

static void lend(fh_mut fh_view(2) fh_loop *home, fh_mut fh_view(1, 2) fh_conn_row *row, uint32_t number) {
    if (row->conn == NULL || row->is_lent || !is_wanted(row->conn) || !is_at_rest(home, row->conn))
        return;
    if (!fh_lease_take(&link_at(row)->lease))
        return;
    fh_status s = go_to_seat(home, row, number);
    bool later = s.code == FH_BORROWED;
    if (row->is_lent)
        look_at(home, row, fh_net_now_ns(home->net) + IDLE_NS);
    if ((row->is_lent || later) && fh_lease_lend(&link_at(row)->lease, row->is_lent))
        return;
    if (row->is_lent)
        (void)bring_home(home, row, number);
    else
        fh_lease_home(&link_at(row)->lease, true);
}

void fh_drive_lend(fh_io *io, uint32_t number) {
    if (number < io->rows_used)
        lend(&io->loop, fh_conn_rows_at(io->rows, number), number);
}

static bool recall(fh_mut fh_view(2) fh_loop *home, fh_mut fh_view(1, 2) fh_conn_row *row, uint32_t number) {
    return fh_lease_recall(&link_at(row)->lease) && bring_home(home, row, number);
}

/* The socket's thread put something into the lane just before it was lent, and waits elsewhere: what it put leaves, and it is
 * woken to drive. */
static bool help(fh_mut fh_view(2) fh_loop *home, fh_mut fh_view(1, 2) fh_conn_row *row, uint32_t number) {
    if (!fh_lease_borrow(&link_at(row)->lease))
        return recall(home, row, number);
    push(row);
    if (is_to_leave(row) || !fh_lease_lend(&link_at(row)->lease, true))
        return bring_home(home, row, number);
    fh_context_nudge(home->context, link_at(row)->bound.box);
    return false;
}

bool fh_drive_recall(fh_io *io, uint32_t number) {
    if (!fh_conn_rows_at(io->rows, number)->is_lent)
        return true;
    return help(&io->loop, fh_conn_rows_at(io->rows, number), number);
}

static bool check(fh_mut fh_view(2) fh_loop *home, fh_mut fh_view(1, 2) fh_conn_row *row, uint32_t number) {
    uint64_t now = fh_net_now_ns(home->net);
    uint32_t drives = fh_lease_count(&link_at(row)->lease);
    bool late = now >= row->look_ns, idle = late && drives == row->drives;
    bool alone = idle && fh_lease_leave_alone(&link_at(row)->lease);
    if (idle && !alone)
        return recall(home, row, number);
    row->drives = drives;
    look_at(home, row, !late ? row->look_ns : alone ? UINT64_MAX : now + IDLE_NS); /* alone: it is told when that ends */
    return false;
}

bool fh_drive_check(fh_io *io, uint32_t number) {
    if (!fh_conn_rows_at(io->rows, number)->is_lent)
        return true;
    return check(&io->loop, fh_conn_rows_at(io->rows, number), number);
}
