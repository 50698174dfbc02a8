/* io.c: the I/O thread: orders, who has told, time, and events of the loop, which it hands to its rows (io.h).
 * Threading: io.h. */
#include "sock/io.h"

#include "freehold/atomic.h"
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

/* A row that has ended goes. */
static void bury(fh_mut fh_io *io, uint32_t number) {
    const fh_conn *c = find(io, number);
    if (c == NULL || c->state != FH_CONN_DEAD)
        return;
    end_row(io->rows, number);
    io->rows_live--;
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

static void count_row(fh_mut fh_io *io, uint32_t at) {
    io->rows_used += at == io->rows_used;
    io->rows_live++;
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
    uint32_t number = free_row(io);
    fh_terms *terms = take_terms(&io->order);
    fh_conn *c;
    FH_ASSERT(terms != NULL);
    bool bound = terms->bound;
    io->order.error = 0;
    if (number == io->rows.count) {
        fh_terms_free(terms);
        return FH_STATUS(FH_EXHAUSTED);
    }
    FH_TRY(fh_conn_new(&io->loop, number, terms, &c));
    fh_conn_rows_at(io->rows, number)->conn = c;
    count_row(io, number);
    c = find(io, number);
    FH_ASSERT(c != NULL);
    int error = 0;
    fh_status s = bound ? fh_conn_listen(c, &error) : fh_conn_dial(c);
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
    if (o->kind == FH_ORDER_DETACH_ALL)
        return true;
    bool kind = o->bound ? c->state == FH_CONN_LISTENING : c->dials;
    return kind && (fh_span_equal(c->terms->endpoint.span, name) || is_local_name(c, name));
}

/* True for a connection that came to this listener, and is to end with it. */
static bool is_guest(fh_ref const fh_io *io, uint32_t number, uint32_t listener) {
    const fh_conn *c = fh_conn_rows_at(io->rows, number)->conn, *of = fh_conn_rows_at(io->rows, listener)->conn;
    if (number == listener || c == NULL || of == NULL || c->is_last || c->terms == NULL || c->terms != of->terms)
        return false;
    return of->terms->settings.unbind_ends != 0;
}

static void end_at(fh_mut fh_view(1) fh_io *io, uint32_t number, uint64_t end_ns) {
    fh_conn *c = find(io, number);
    if (c != NULL)
        fh_conn_end(c, end_ns);
    bury(io, number);
}

static fh_status detach(fh_mut fh_view(1) fh_io *io) {
    fh_status s = FH_STATUS(FH_NOT_FOUND);
    bool all = io->order.kind == FH_ORDER_DETACH_ALL;
    uint64_t end_ns = end_of(io, io->order.linger_ms);
    for (uint32_t i = 0; i < io->rows_used && (all || fh_failed(s)); i++) {
        const fh_conn *c = find(io, i);
        if (c == NULL || !has_name(c, &io->order))
            continue;
        for (uint32_t other = 0; other < io->rows_used; other++)
            if (is_guest(io, other, i))
                end_at(io, other, end_ns);
        end_at(io, i, end_ns);
        s = FH_DONE;
    }
    return s;
}

static void attend(fh_mut fh_view(1) fh_io *io) {
    uint32_t number = 0;
    while (fh_mailbox_next(&io->mail, &number))
        look(io, number);
}

static void take_order(fh_mut fh_view(1) fh_io *io) {
    if (io->is_done || !fh_desk_is_asked(&io->desk))
        return;
    attend(io); /* who gives an order may have returned a connection before */
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

/* Asks, and waits for the answer. */
static void ask(fh_ref fh_sock_context *c) {
    fh_io *io = c->io_at.io;
    FH_ASSERT(io != NULL);
    fh_desk_ask(&io->desk);
    fh_net_wake(io->waker);
    while (c->is_simulated && !fh_desk_is_answered(&io->desk))
        step(c);
    fh_desk_await(&io->desk);
}

fh_status fh_io_attach(fh_sock_context *c, fh_terms *terms, fh_address *address, int *error) {
    fh_io *io = c->io_at.io;
    *error = 0;
    FH_ASSERT(io != NULL);
    fh_desk_enter(&io->desk);
    io->order.kind = FH_ORDER_ATTACH;
    io->order.terms = terms;
    io->order.address = *address;
    ask(c);
    fh_status s = io->order.status;
    *address = io->order.address;
    *error = io->order.error;
    fh_desk_leave(&io->desk);
    return s;
}

static fh_status order_end(fh_mut fh_sock_context *c, fh_order_kind kind, uint32_t box, fh_span endpoint, bool bound,
                           int64_t linger_ms) {
    fh_io *io = c->io_at.io;
    FH_ASSERT(io != NULL && endpoint.size <= FH_SOCK_ENDPOINT_MAX);
    fh_desk_enter(&io->desk);
    io->order.kind = kind;
    io->order.box = box;
    io->order.bound = bound;
    io->order.linger_ms = linger_ms;
    io->order.name_size = (uint32_t)endpoint.size;
    fh_mspan room = {io->order.name, sizeof io->order.name};
    fh_span_copy(room, endpoint);
    ask(c);
    fh_status s = io->order.status;
    fh_desk_leave(&io->desk);
    return s;
}

fh_status fh_io_detach(fh_sock_context *c, uint32_t box, fh_span endpoint, bool bound, int64_t linger_ms) {
    return order_end(c, FH_ORDER_DETACH, box, endpoint, bound, linger_ms);
}

void fh_io_detach_all(fh_sock_context *c, uint32_t box, int64_t linger_ms) {
    fh_status s = order_end(c, FH_ORDER_DETACH_ALL, box, (fh_span){NULL, 0}, false, linger_ms);
    (void)s; /* there may be none */
}

void fh_io_tell(fh_sock_context *c, uint32_t number) {
    fh_io *io = c->io_at.io;
    if (io != NULL && fh_mailbox_tell(&io->mail, number))
        fh_net_wake(io->waker);
}

void fh_io_wake(fh_sock_context *c) {
    if (fh_load(&c->io_state, FH_ACQUIRE) == IO_THERE && c->io_at.io != NULL)
        fh_net_wake(c->io_at.io->waker);
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

/* True for connections whose handshakes are counted together. */
static bool is_from(fh_ref const fh_address *a, fh_ref const fh_address *b) {
    fh_address from = *a;
    from.port = b->port;
    return from.kind == b->kind && (from.kind == FH_ADDRESS_UNIX || fh_address_equal(&from, b));
}

/* Handshakes with an address that are not done. */
static int64_t half_open(fh_ref const fh_io *io, fh_ref const fh_address *with) {
    int64_t count = 0;
    for (uint32_t i = 0; i < io->rows_used; i++) {
        const fh_conn *c = fh_conn_rows_at(io->rows, i)->conn;
        count += c != NULL && c->state == FH_CONN_SHAKING && is_from(&c->at, with);
    }
    return count;
}

/* A row with the options of a listener. FH_LIMIT for one handshake too many, FH_STALE when that listens no more. */
static fh_status accept_row(fh_mut fh_view(1) fh_io *io, fh_ref const fh_net_event *e, uint32_t number) {
    fh_address from = {.kind = FH_ADDRESS_NONE};
    fh_conn *c;
    if (number == io->rows.count)
        return FH_STATUS(FH_EXHAUSTED);
    if (e->user >= io->rows_used)
        return FH_STATUS(FH_STALE);
    const fh_conn *listener = fh_conn_rows_at(io->rows, (size_t)e->user)->conn;
    if (listener == NULL || listener->terms == NULL || listener->state != FH_CONN_LISTENING)
        return FH_STATUS(FH_STALE);
    if (listener->socket.value != e->listener.value)
        return FH_STATUS(FH_STALE);
    (void)!fh_failed(fh_net_peer(io->loop.net, e->socket, &from)); /* it may be gone already */
    int64_t most = listener->terms->settings.half_open_max;
    if (most != 0 && half_open(io, &from) >= most)
        return FH_STATUS(FH_LIMIT);
    fh_terms *terms = fh_terms_share(listener->terms);
    FH_TRY(fh_conn_new(&io->loop, number, terms, &c));
    c->at = from;
    fh_conn_rows_at(io->rows, number)->conn = c;
    count_row(io, number);
    return FH_DONE;
}

/* A connection that came to a listener. */
static void accept(fh_mut fh_view(1) fh_io *io, fh_mut fh_net_event *e) {
    uint32_t number = free_row(io);
    fh_status s = fh_failed(e->status) ? e->status : accept_row(io, e, number);
    if (fh_failed(s)) {
        fh_conn *listener = find(io, e->user);
        if (listener != NULL)
            fh_conn_say(listener, FH_SOCK_IS_ACCEPT_FAILED, e->error);
        if (!fh_failed(e->status))
            (void)!fh_failed(fh_net_close(io->loop.net, e->socket));
        return;
    }
    fh_conn *c = find(io, number);
    FH_ASSERT(c != NULL);
    fh_conn_accepted(c, e->socket);
    bury(io, number);
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
    fh_terms_free(take_terms(&io->order));
    for (uint32_t i = 0; i < io->rows_used; i++)
        end_row(io->rows, i);
    fh_net_free(io->loop.net);
    fh_conn_rows_free(a, &io->rows);
    fh_free(a, io);
}

static fh_status make(fh_mut fh_sock_context *c, fh_mut fh_err *err, fh_owned fh_view(1) fh_io **out) {
    uint32_t rows = c->is_simulated ? SIM_ROWS : FH_IO_ROWS;
    fh_net_options options = {.sockets_max = 2 * rows, .timers_max = 1, .sim = c->sim};
    options.engine = c->is_simulated ? FH_NET_SIM : FH_NET_AUTO;
    options.one_thread = true;
    fh_allocator *a = c->allocator;
    fh_page_source *pages = c->io_at.pages;
    *out = NULL;
    FH_ASSERT(pages != NULL);
    fh_io *io = fh_alloc(a, 1, sizeof *io);
    if (io == NULL)
        return FH_STATUS(FH_NOMEM);
    io->loop.allocator = a;
    io->loop.context = c;
    io->loop.pages = pages;
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
static fh_io_place *place(fh_ref fh_sock_context *c) fh_view(1) {
    return &c->io_at;
}

static fh_status have_pages(fh_mut fh_sock_context *c) {
    fh_page_options options = {.pages_max = c->is_simulated ? SIM_PAGES : FH_IO_PAGES, .name = "messages"};
    return c->io_at.pages == NULL ? fh_page_source_new(c->allocator, &options, &place(c)->pages) : FH_DONE;
}

static void step(fh_ref fh_sock_context *c) {
    if (c->io_at.io != NULL)
        turn(place(c)->io);
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

/* The thread begins, if there is to be one; from now on the context's sockets may have endpoints elsewhere. */
static fh_status begin(fh_mut fh_sock_context *c, fh_mut fh_err *err) {
    fh_io *io;
    FH_TRY(have_pages(c));
    FH_TRY(make(c, err, &io));
    fh_status s = c->is_simulated ? FH_DONE : start_thread(io);
    if (fh_failed(s)) {
        end(io);
        return s;
    }
    place(c)->io = io;
    return FH_DONE;
}

fh_status fh_io_make(fh_sock_context *c, fh_err *err) {
    uint32_t found = IO_NONE;
    while (!fh_cas(&c->io_state, &found, IO_BEING_MADE, FH_ACQ_REL)) {
        if (found == IO_THERE)
            return FH_DONE;
        fh_os_wait(&c->io_state, found);
        found = IO_NONE;
    }
    fh_status s = begin(c, err);
    fh_store(&c->io_state, fh_failed(s) ? IO_NONE : IO_THERE, FH_RELEASE);
    fh_os_wake(&c->io_state, UINT32_MAX);
    return s;
}

void fh_io_free(fh_io *io) {
    if (io == NULL)
        return;
    fh_store(&io->stop, 1, FH_RELEASE);
    fh_net_wake(io->waker);
    fh_os_thread *thread = io->thread;
    io->thread = NULL;
    if (thread == NULL)
        run(io);
    else
        fh_os_thread_join(thread);
    end(io);
}
