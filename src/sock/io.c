/* io.c: an I/O thread: orders, who has told, who arrives, time, and events of the loop, which it hands to its rows (io.h).
 * Threading: io.h. */
#include "sock/io.h"

#include "freehold/atomic.h"
#include "os/socket.h"
#include "sock/drive.h"

enum { NAP_NS = 1000000, NS_PER_MS = 1000000 };
enum { SIM_ROWS = 64, SIM_PAGES = 64 };
#define QUIET_NS UINT64_C(1000000000)
enum { IO_NONE, IO_BEING_MADE, IO_THERE };

/* --- rows ----------------------------------------------------------------------------------------------------------------- */

static fh_or_null fh_conn *find(fh_mut fh_io *io, uint64_t number) fh_view(1) {
    return number < io->rows_used ? fh_conn_rows_at(io->rows, (size_t)number)->conn : NULL;
}

static fh_owned_or_null fh_conn *take_conn(fh_mut fh_conn_row *row) {
    fh_conn *c = row->conn;
    row->conn = NULL;
    return c;
}

static void end_row(fh_conn_rows rows, uint32_t number) {
    fh_conn_free(take_conn(fh_conn_rows_at(rows, number)));
    fh_drive_seat_free(fh_conn_rows_at(rows, number));
}

/* A row that was taken is free again. */
static void give_row(fh_ref fh_io *io) {
    (void)fh_fetch_sub(&io->load, 1, FH_RELAXED);
}

/* A row that has ended goes. */
static void bury(fh_mut fh_io *io, uint32_t number) {
    const fh_conn *c = find(io, number);
    if (c == NULL || c->state != FH_CONN_DEAD)
        return;
    end_row(io->rows, number);
    io->rows_live--;
    give_row(io);
}

/* One that is lent comes back first: somebody has something for it, or has returned it. */
static void look(fh_mut fh_view(1) fh_io *io, uint32_t number) {
    bool is_here = find(io, number) != NULL && fh_drive_recall(io, number);
    fh_conn *c = is_here ? find(io, number) : NULL;
    if (c != NULL)
        fh_conn_look(c);
    bury(io, number);
}

/* The first free row, or the number of all. */
static uint32_t free_row(fh_ref const fh_io *io) {
    uint32_t at = 0;
    while (at < io->rows_used && fh_conn_rows_at(io->rows, at)->conn != NULL)
        at++;
    return at;
}

/* A connection, or an endpoint, has the row that was taken for it. */
static uint32_t settle_in(fh_mut fh_view(1) fh_io *io, fh_move fh_conn *c) {
    uint32_t number = free_row(io);
    c->number = number;
    fh_conn_row *row = fh_conn_rows_at(io->rows, number);
    row->conn = c;
    fh_conn_take_up(row->conn, &io->loop, (fh_net_socket){0}, false);
    io->rows_used += number == io->rows_used;
    io->rows_live++;
    return number;
}

/* --- which I/O thread ----------------------------------------------------------------------------------------------------- */

/* The one with the fewest rows of those that have one left; count: there is none. */
static uint32_t least_busy(fh_ref fh_sock_context *c, uint32_t among, fh_out uint32_t *load) {
    uint32_t best = (uint32_t)c->ios.count;
    *load = UINT32_MAX;
    for (uint32_t i = 0; i < c->ios.count; i++) {
        uint32_t here = fh_load(&fh_io_at(c, i)->load, FH_RELAXED);
        bool may = (among >> i & 1) != 0 && here < fh_io_at(c, i)->rows.count;
        best = may && here < *load ? i : best;
        *load = may && here < *load ? here : *load;
    }
    return best;
}

/* Takes a row of the least busy one: whatever comes there has it. FH_EXHAUSTED. */
static fh_status take_row(fh_ref fh_sock_context *c, uint32_t among, fh_out uint32_t *out) {
    uint32_t load = 0;
    do {
        *out = least_busy(c, among, &load);
        if (*out == c->ios.count)
            return FH_STATUS(FH_EXHAUSTED);
    } while (!fh_cas(&fh_io_at(c, *out)->load, &load, load + 1, FH_RELAXED));
    return FH_DONE;
}

/* --- orders --------------------------------------------------------------------------------------------------------------- */

static uint64_t end_of(fh_ref const fh_io *io, int64_t linger_ms) {
    uint64_t now = fh_net_now_ns(io->loop.net);
    if (fh_context_hurries(io->loop.context))
        return now;
    return linger_ms < 0 ? UINT64_MAX : now + (uint64_t)linger_ms * NS_PER_MS;
}

static fh_owned_or_null fh_terms *take_terms(fh_mut fh_order *o) {
    fh_terms *w = o->terms;
    o->terms = NULL;
    return w;
}

static fh_status attach(fh_mut fh_view(1) fh_io *io) {
    fh_terms *terms = take_terms(&io->order);
    fh_conn *made;
    FH_ASSERT(terms != NULL);
    bool bound = terms->bound;
    io->order.error = 0;
    fh_status s = fh_conn_new(io->loop.allocator, terms, &made);
    if (fh_failed(s)) {
        give_row(io);
        return s;
    }
    uint32_t number = settle_in(io, made);
    fh_conn *c = find(io, number);
    FH_ASSERT(c != NULL);
    int error = 0;
    s = bound ? fh_conn_listen(c, &error) : fh_conn_dial(c);
    fh_address local = c->at;
    bury(io, number);
    io->order.error = error;
    if (bound && !fh_failed(s))
        io->order.address = local;
    return s;
}

/* True for a listener's other name: the address that was bound. */
static bool is_local_name(fh_ref const fh_conn *c, fh_span name) {
    uint8_t text[FH_ADDRESS_TEXT_BYTES] = {0};
    fh_mspan room = {text, sizeof text};
    if (name.size < 6 || c->state != FH_CONN_LISTENING)
        return false;
    size_t size = fh_address_print(&c->at, room);
    return fh_span_equal(fh_span_sub(fh_span_of_mut(room), 0, size), fh_span_from(name, 6));
}

static bool has_name(fh_ref const fh_conn *c, fh_ref const fh_order *o) {
    fh_span all = {o->name, sizeof o->name};
    fh_span name = fh_span_sub(all, 0, o->name_size);
    if (c->terms == NULL || c->is_last || c->terms->box != o->box)
        return false;
    if (o->kind == FH_ORDER_DETACH_GUESTS)
        return c->terms->number == o->endpoint;
    if (o->kind != FH_ORDER_DETACH)
        return o->kind == FH_ORDER_DETACH_ALL || c->state == FH_CONN_LISTENING;
    bool kind = o->bound ? c->state == FH_CONN_LISTENING : c->dials;
    return kind && (fh_span_equal(c->terms->endpoint.span, name) || is_local_name(c, name));
}

static fh_status detach(fh_mut fh_view(1) fh_io *io) {
    fh_status s = FH_STATUS(FH_NOT_FOUND);
    bool one = io->order.kind == FH_ORDER_DETACH;
    uint64_t end_ns = end_of(io, io->order.linger_ms), guests_of = 0;
    for (uint32_t i = 0; i < io->rows_used && (!one || fh_failed(s)); i++) {
        fh_conn *c = find(io, i);
        if (c == NULL || c->terms == NULL || !has_name(c, &io->order))
            continue;
        guests_of = io->order.bound && c->terms->settings.unbind_ends != 0 ? c->terms->number : 0;
        fh_conn_end(c, end_ns);
        bury(io, i);
        s = FH_DONE;
    }
    io->order.endpoint = guests_of;
    return s;
}

/* A connection has come, with this socket; {0}: it could not be had. */
static void begin_conn(fh_mut fh_view(1) fh_io *io, fh_move fh_conn *arrived, fh_net_socket s) {
    uint32_t number = settle_in(io, arrived);
    fh_conn *c = find(io, number);
    FH_ASSERT(c != NULL);
    if (s.value != 0) {
        fh_conn_accepted(c, s);
    } else {
        fh_conn_say(c, FH_SOCK_IS_ACCEPT_FAILED, 0);
        c->state = FH_CONN_DEAD;
    }
    bury(io, number);
}

/* One that another I/O thread has accepted. */
static void arrive(fh_mut fh_view(1) fh_io *io, fh_move fh_conn *c, int descriptor) {
    fh_net_socket s = {0};
    if (fh_failed(fh_net_adopt(io->loop.net, descriptor, 0, &s, NULL)))
        fh_os_close(descriptor);
    begin_conn(io, c, s);
}

static void attend(fh_mut fh_view(1) fh_io *io) {
    uint32_t number = 0;
    while (fh_mailbox_next(&io->mail, &number))
        look(io, number);
    if (io->loop.context->ios.count == 1)
        return;
    int fd;
    for (fh_conn *c = fh_handover_take(&io->arrivals, &fd); c != NULL; c = fh_handover_take(&io->arrivals, &fd))
        arrive(io, c, fd);
}

static void take_order(fh_mut fh_view(1) fh_io *io) {
    if (io->is_done || !fh_desk_is_asked(&io->desk))
        return;
    attend(io); /* who gives an order may have returned a connection before; and what its listeners let in arrives */
    fh_status s = io->order.kind == FH_ORDER_ATTACH ? attach(io) : detach(io);
    io->order.status = s;
    io->is_done = true;
}

static void answer(fh_mut fh_io *io) {
    if (!io->is_done)
        return;
    io->is_done = false;
    fh_desk_answer(&io->desk);
}

/* --- who gives orders ----------------------------------------------------------------------------------------------------- */

static void step(fh_ref fh_sock_context *c);

static void ask(fh_ref fh_io *io) {
    fh_desk_ask(&io->desk);
    fh_net_wake(io->waker);
}

static void await(fh_ref fh_io *io) {
    while (io->loop.context->is_simulated && !fh_desk_is_answered(&io->desk))
        step(io->loop.context);
    fh_desk_await(&io->desk);
}

fh_status fh_io_attach(fh_core *k, fh_terms *terms, fh_address *address, int *error) {
    uint32_t number = 0, among = fh_io_among(k->context, k->settings.affinity);
    *error = 0;
    fh_status s = take_row(k->context, among, &number);
    if (fh_failed(s)) {
        fh_terms_free(terms);
        return s;
    }
    terms->number = fh_fetch_add(&k->context->endpoints, 1, FH_RELAXED) + 1;
    k->io_listens |= terms->bound ? UINT32_C(1) << number : 0;
    k->io_rooms |= terms->bound ? among : UINT32_C(1) << number;
    k->io_rooms |= k->io_listens;
    fh_io *io = fh_io_at(k->context, number);
    fh_desk_enter(&io->desk);
    io->order.kind = FH_ORDER_ATTACH;
    io->order.terms = terms;
    io->order.address = *address;
    ask(io);
    await(io);
    s = io->order.status;
    *address = io->order.address;
    *error = io->order.error;
    fh_desk_leave(&io->desk);
    return s;
}

/* An order that ends endpoints of a socket. */
static void order_end(fh_mut fh_io *io, fh_order_kind kind, uint32_t box, uint64_t endpoint, int64_t linger_ms) {
    fh_desk_enter(&io->desk);
    io->order.kind = kind;
    io->order.box = box;
    io->order.endpoint = endpoint;
    io->order.linger_ms = linger_ms;
    ask(io);
}

static fh_status await_end(fh_mut fh_io *io, fh_out uint64_t *endpoint) {
    await(io);
    fh_status s = io->order.status;
    *endpoint = io->order.endpoint;
    fh_desk_leave(&io->desk);
    return s;
}

/* All of these are asked, then all are waited for. */
static void order_all(fh_mut fh_core *k, uint32_t whom, fh_order_kind kind, uint64_t endpoint, int64_t linger_ms) {
    uint64_t none = 0;
    for (uint32_t left = whom, i = 0; left != 0; left >>= 1, i++)
        if ((left & 1) != 0)
            order_end(fh_io_at(k->context, i), kind, k->box, endpoint, linger_ms);
    for (uint32_t left = whom, i = 0; left != 0; left >>= 1, i++)
        if ((left & 1) != 0)
            (void)!fh_failed(await_end(fh_io_at(k->context, i), &none)); /* there may be none */
}

/* The one of this name, if it is there. *guests_of: the number of its terms, if what came to it is to end as well. */
static fh_status order_one(fh_mut fh_io *io, uint32_t box, fh_span name, bool bound, int64_t linger_ms,
                           fh_out uint64_t *guests_of) {
    FH_ASSERT(name.size <= FH_SOCK_ENDPOINT_MAX);
    fh_desk_enter(&io->desk);
    io->order.kind = FH_ORDER_DETACH;
    io->order.box = box;
    io->order.bound = bound;
    io->order.linger_ms = linger_ms;
    io->order.name_size = (uint32_t)name.size;
    fh_mspan room = {io->order.name, sizeof io->order.name};
    fh_span_copy(room, name);
    ask(io);
    return await_end(io, guests_of);
}

fh_status fh_io_detach(fh_core *k, fh_span endpoint, bool bound, int64_t linger_ms) {
    fh_status s = FH_STATUS(FH_NOT_FOUND);
    uint64_t guests_of = 0;
    for (uint32_t left = k->io_rooms, i = 0; left != 0 && s.code == FH_NOT_FOUND; left >>= 1, i++)
        if ((left & 1) != 0)
            s = order_one(fh_io_at(k->context, i), k->box, endpoint, bound, linger_ms, &guests_of);
    if (guests_of != 0)
        order_all(k, k->io_rooms, FH_ORDER_DETACH_GUESTS, guests_of, linger_ms);
    return s;
}

void fh_io_detach_all(fh_core *k, int64_t linger_ms) {
    if (k->context->ios.count > 1) /* what comes to them is handed over until then */
        order_all(k, k->io_listens, FH_ORDER_DETACH_LISTENERS, 0, linger_ms);
    order_all(k, k->io_rooms, FH_ORDER_DETACH_ALL, 0, linger_ms);
}

void fh_io_tell(fh_sock_context *c, uint32_t box, uint32_t number) {
    fh_io *io = fh_io_at(c, box - FH_IO_BOX);
    if (fh_mailbox_tell(&io->mail, number))
        fh_net_wake(io->waker);
}

void fh_io_wake(fh_sock_context *c) {
    bool are_there = fh_load(&c->io_state, FH_ACQUIRE) == IO_THERE;
    for (uint32_t i = 0; are_there && i < c->ios.count; i++)
        fh_net_wake(fh_io_at(c, i)->waker);
}

/* --- the thread ----------------------------------------------------------------------------------------------------------- */

/* Those whose time has come. */
static void look_at_time(fh_mut fh_view(1) fh_io *io) {
    uint64_t now = fh_net_now_ns(io->loop.net);
    bool hurry = !io->has_hurried && fh_context_hurries(io->loop.context);
    if (now < io->loop.next_ns && !hurry)
        return;
    io->has_hurried = io->has_hurried || hurry;
    io->loop.next_ns = UINT64_MAX;
    for (uint32_t i = 0; i < io->rows_used; i++) {
        bool is_here = find(io, i) != NULL && fh_drive_check(io, i);
        fh_conn *c = is_here ? find(io, i) : NULL;
        if (c == NULL)
            continue;
        uint64_t due = c->due_ns;
        if (hurry && c->is_last)
            fh_conn_end(c, now);
        if (due <= now)
            fh_conn_look(c);
        else if (due < io->loop.next_ns)
            io->loop.next_ns = due;
        bury(io, i);
    }
}

/* The listener that a connection has come to. FH_STALE when it listens no more. */
static fh_status listener_of(fh_mut fh_io *io, fh_ref const fh_net_event *e, fh_out fh_view(1) fh_conn **out) {
    fh_conn *c = find(io, e->user);
    *out = NULL;
    if (c == NULL || c->terms == NULL || c->state != FH_CONN_LISTENING || c->socket.value != e->listener.value)
        return FH_STATUS(FH_STALE);
    *out = c;
    return FH_DONE;
}

/* A connection with the terms of the listener that it came to. */
static fh_status make_conn(fh_mut fh_io *io, fh_ref const fh_net_event *e, fh_ref const fh_address *from,
                           fh_owned fh_conn **out) {
    fh_conn *c;
    const fh_conn *listener = find(io, e->user);
    *out = NULL;
    FH_ASSERT(listener != NULL && listener->terms != NULL);
    fh_terms *terms = fh_terms_share(listener->terms);
    FH_TRY(fh_conn_new(io->loop.allocator, terms, &c));
    c->at = *from;
    c->is_counted = true;
    *out = c;
    return FH_DONE;
}

/* The same, if it counts as a handshake (FH_LIMIT for one too many), and a row for it at an I/O thread that may serve it. */
static fh_status let_in(fh_mut fh_io *io, fh_ref const fh_net_event *e, fh_owned fh_conn **out, fh_out uint32_t *where) {
    fh_address from = {.kind = FH_ADDRESS_NONE};
    fh_conn *listener;
    *out = NULL;
    *where = 0;
    (void)!fh_failed(fh_net_peer(io->loop.net, e->socket, &from)); /* it may be gone already */
    FH_TRY(listener_of(io, e, &listener));
    FH_ASSERT(listener->terms != NULL);
    int64_t affinity = listener->terms->settings.affinity, most = listener->terms->settings.half_open_max;
    FH_TRY(take_row(io->loop.context, fh_io_among(io->loop.context, affinity), where));
    fh_status s = fh_shakes_enter(&io->loop.context->shakes, &from, most);
    if (!fh_failed(s)) {
        s = make_conn(io, e, &from, out);
        if (fh_failed(s))
            fh_shakes_leave(&io->loop.context->shakes, &from);
    }
    if (fh_failed(s))
        give_row(fh_io_at(io->loop.context, *where));
    return s;
}

/* Another I/O thread goes on with it. */
static void hand_over(fh_mut fh_io *io, fh_move fh_conn *c, fh_net_socket s, uint32_t where) {
    int descriptor;
    fh_status status = fh_net_give(io->loop.net, s, &descriptor);
    FH_ASSERT(!fh_failed(status)); /* nothing was asked of it yet */
    fh_io *to = fh_io_at(io->loop.context, where);
    fh_handover_put(&to->arrivals, c, descriptor);
    if (fh_mailbox_wake(&to->mail))
        fh_net_wake(to->waker);
}

/* What came to a listener is not let in, or could not come. */
static void turn_away(fh_mut fh_view(1) fh_io *io, fh_ref const fh_net_event *e) {
    fh_conn *listener = find(io, e->user);
    if (listener != NULL)
        fh_conn_say(listener, FH_SOCK_IS_ACCEPT_FAILED, e->error);
    if (!fh_failed(e->status))
        (void)!fh_failed(fh_net_close(io->loop.net, e->socket));
}

/* A connection that came to a listener. */
static void accept(fh_mut fh_view(1) fh_io *io, fh_ref const fh_net_event *e) {
    fh_conn *c;
    uint32_t where = 0;
    if (fh_failed(e->status)) {
        turn_away(io, e);
        return;
    }
    fh_status s = let_in(io, e, &c, &where);
    if (fh_failed(s))
        turn_away(io, e);
    else if (where + FH_IO_BOX == io->loop.box)
        begin_conn(io, c, e->socket);
    else
        hand_over(io, c, e->socket, where);
}

static void serve(fh_mut fh_view(1) fh_io *io) {
    fh_net_event e;
    while (fh_net_next(io->loop.net, &e).code == FH_OK) {
        io->has_served = true;
        fh_conn *c = e.kind != FH_NET_WOKEN ? find(io, e.user) : NULL;
        uint32_t number = (uint32_t)e.user;
        if (e.kind == FH_NET_ACCEPTED)
            accept(io, &e);
        else if (c != NULL && c->socket.value == e.socket.value)
            fh_conn_event(c, &e);
        fh_net_event_drop(&e);
        fh_drive_lend(io, number);
        bury(io, number);
    }
}

static bool is_over(fh_ref const fh_io *io) {
    return fh_load(&io->stop, FH_ACQUIRE) != 0 && io->rows_live == 0;
}

/* Waits for what comes next. When nothing has come for a while, the system gets the pages back that a crowd has left. */
static void wait(fh_mut fh_io *io, uint64_t patience) {
    bool tidies = io->has_served && patience > QUIET_NS && !io->loop.context->is_simulated;
    fh_status s = fh_net_wait(io->loop.net, tidies ? QUIET_NS : patience);
    if (s.code == FH_IO)
        fh_os_nap(NAP_NS);
    if (s.code == FH_TIMEOUT && tidies) {
        (void)fh_page_source_trim(io->loop.pages);
        io->has_served = false;
    }
}

/* All that is to be done, and one wait. */
static void turn(fh_mut fh_view(1) fh_io *io) {
    attend(io);
    take_order(io);
    look_at_time(io);
    fh_mailbox_watch(&io->mail, true); /* who tells from here on rings the bell */
    attend(io);
    uint64_t now = fh_net_now_ns(io->loop.net), next = io->loop.next_ns;
    uint64_t patience = io->is_done || next <= now ? 0 : next == UINT64_MAX ? FH_NET_FOREVER : next - now;
    wait(io, is_over(io) ? 0 : patience);
    fh_mailbox_watch(&io->mail, false);
    answer(io);
    serve(io);
}

static void run(fh_mut fh_view(1) void *ctx) {
    fh_io *io = ctx;
    while (!is_over(io))
        turn(io);
    fh_net_end(io->loop.net);
}

/* --- life ----------------------------------------------------------------------------------------------------------------- */

static void end(fh_move fh_io *io) {
    fh_allocator *a = io->loop.allocator;
    FH_ASSERT(io->arrivals.first == NULL);
    fh_terms_free(take_terms(&io->order));
    for (uint32_t i = 0; i < io->rows_used; i++)
        end_row(io->rows, i);
    fh_net_free(io->loop.net);
    fh_conn_rows_free(a, &io->rows);
    fh_free(a, io);
}

static uint32_t rows_of(fh_ref const fh_sock_context *c) {
    return c->is_simulated ? SIM_ROWS : FH_IO_ROWS;
}

static fh_status make(fh_mut fh_sock_context *c, uint32_t number, fh_mut fh_err *err, fh_owned fh_view(1) fh_io **out) {
    uint32_t rows = rows_of(c);
    fh_net_options options = {.sockets_max = 2 * rows, .timers_max = 1, .sim = c->sim};
    options.engine = c->is_simulated ? FH_NET_SIM : FH_NET_AUTO;
    options.one_thread = true;
    fh_allocator *a = c->allocator;
    fh_page_source *pages = fh_io_places_at(c->ios, number)->pages;
    *out = NULL;
    FH_ASSERT(pages != NULL);
    fh_io *io = fh_alloc(a, 1, sizeof *io);
    if (io == NULL)
        return FH_STATUS(FH_NOMEM);
    io->loop.allocator = a;
    io->loop.context = c;
    io->loop.pages = pages;
    io->loop.box = FH_IO_BOX + number;
    io->loop.next_ns = UINT64_MAX;
    io->loop.random = c->is_simulated ? c->sim.seed : fh_os_random();
    fh_status s = fh_conn_rows_new(a, rows, &io->rows);
    if (!fh_failed(s))
        s = fh_net_new(a, pages, &options, &io->loop.net, err);
    if (fh_failed(s)) {
        end(io);
        return s;
    }
    io->waker = fh_net_waker_get(io->loop.net);
    *out = io;
    return FH_DONE;
}

/* Where the context keeps it. */
static fh_io_place *place(fh_ref fh_sock_context *c, uint32_t number) fh_view(1) {
    return fh_io_places_at(c->ios, number);
}

static fh_status have_pages(fh_mut fh_sock_context *c, uint32_t number) {
    fh_page_options options = {.pages_max = c->is_simulated ? SIM_PAGES : FH_IO_PAGES, .name = "messages"};
    return place(c, number)->pages == NULL ? fh_page_source_new(c->allocator, &options, &place(c, number)->pages) : FH_DONE;
}

static void step(fh_ref fh_sock_context *c) {
    if (place(c, 0)->io != NULL)
        turn(fh_io_at(c, 0));
}

void fh_sock_context_step(fh_sock_context *c) {
    if (c->is_simulated)
        step(c);
}

static fh_status start_thread(fh_mut fh_io *io) {
    fh_os_thread *thread;
    FH_TRY(fh_os_thread_start(run, io, &thread));
    io->thread = thread;
    return FH_DONE;
}

/* One of them begins, with a thread if there is to be one. */
static fh_status begin(fh_mut fh_sock_context *c, uint32_t number, fh_mut fh_err *err) {
    fh_io *io;
    FH_TRY(have_pages(c, number));
    FH_TRY(make(c, number, err, &io));
    fh_status s = c->is_simulated ? FH_DONE : start_thread(io);
    if (fh_failed(s)) {
        end(io);
        return s;
    }
    place(c, number)->io = io;
    return FH_DONE;
}

static fh_owned_or_null fh_io *take_io(fh_mut fh_io_place *at) {
    fh_io *io = at->io;
    at->io = NULL;
    return io;
}

static fh_owned_or_null fh_page_source *take_pages(fh_mut fh_io_place *at) {
    fh_page_source *pages = at->pages;
    at->pages = NULL;
    return pages;
}

static void stop(fh_ref fh_io *io) {
    fh_store(&io->stop, 1, FH_RELEASE);
    fh_net_wake(io->waker);
}

/* Until its rows have ended. */
static void finish(fh_mut fh_view(1) fh_io *io) {
    fh_os_thread *thread = io->thread;
    io->thread = NULL;
    if (thread == NULL)
        run(io);
    else
        fh_os_thread_join(thread);
}

/* Those that there are. Each may hand over to any other, so none goes before all threads have ended. */
void fh_io_end(fh_sock_context *c) {
    for (uint32_t i = 0; i < c->ios.count; i++)
        if (place(c, i)->io != NULL)
            stop(fh_io_at(c, i));
    for (uint32_t i = 0; i < c->ios.count; i++)
        if (place(c, i)->io != NULL)
            finish(fh_io_at(c, i));
    for (uint32_t i = 0; i < c->ios.count; i++) {
        fh_io *io = take_io(place(c, i));
        if (io != NULL)
            end(io);
        fh_page_source_free(take_pages(place(c, i)));
    }
}

static fh_status have_shakes(fh_mut fh_sock_context *c) {
    uint64_t secret = c->is_simulated ? c->sim.seed : fh_os_random();
    return c->shakes.rows.count == 0 ? fh_shakes_init(&c->shakes, c->allocator, c->ios.count * rows_of(c), secret) : FH_DONE;
}

/* All of them, or none; from now on the context's sockets may have endpoints elsewhere. */
static fh_status begin_all(fh_mut fh_sock_context *c, fh_mut fh_err *err) {
    fh_status s = have_shakes(c);
    for (uint32_t i = 0; i < c->ios.count && !fh_failed(s); i++)
        s = begin(c, i, err);
    if (fh_failed(s))
        fh_io_end(c);
    return s;
}

fh_status fh_io_make(fh_sock_context *c, fh_err *err) {
    uint32_t found = IO_NONE;
    while (!fh_cas(&c->io_state, &found, IO_BEING_MADE, FH_ACQ_REL)) {
        if (found == IO_THERE)
            return FH_DONE;
        fh_os_wait(&c->io_state, found);
        found = IO_NONE;
    }
    fh_status s = begin_all(c, err);
    fh_store(&c->io_state, fh_failed(s) ? IO_NONE : IO_THERE, FH_RELEASE);
    fh_os_wake(&c->io_state, UINT32_MAX);
    return s;
}
