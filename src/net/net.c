/* net.c: the loop behind net.h: its rows, what was asked of them, and the events that come of it. Engines do the rest.
 *
 * Invariants: a row is on a list at most once, and its bit says so; a row that is NET_GONE has no operation, and only
 * NET_HAS_CLOSED; bytes in `received` belong to NET_HAS_RECEIVED. Threading: net.h. */
#include "net/net_impl.h"

#include "freehold/atomic.h"
#include "freehold/os.h"
#include "os/socket.h"

enum { SOCKETS_DEFAULT = 16384, TIMERS_DEFAULT = 16384, PIECES_DEFAULT = 4096, ROWS_FIRST = 16, ROOM_LEAST = 4096 };
enum { SOCKETS_MOST = (1 << 28) - 1 }; /* net_uring.c has another use for the bits above */
#define PAUSE_NS UINT64_C(100000000)

static const fh_bytes no_bytes = {NULL, {NULL, 0}};

const net_engine *fh_net_engine_of(const fh_net *net) {
    if (net->about.engine == FH_NET_SIM)
        return &fh_net_sim_engine;
    return net->about.engine == FH_NET_URING ? &fh_net_uring_engine : &fh_net_epoll_engine;
}

/* --- lists ----------------------------------------------------------------------------------------------- */

static void push_ready(fh_net *net, fh_net_socket s) {
    net_row *row = net_row_at(net->rows, s);
    if (row->is_ready || row->events == 0)
        return;
    row->is_ready = true;
    row->next_ready = (fh_net_socket){0};
    if (net->ready.first.value == 0)
        net->ready.first = s;
    else
        net_row_at(net->rows, net->ready.last)->next_ready = s;
    net->ready.last = s;
}

void fh_net_due(fh_net *net, fh_net_socket s) {
    net_row *row = net_row_at(net->rows, s);
    if (row->is_due)
        return;
    row->is_due = true;
    row->next_due = (fh_net_socket){0};
    if (net->due.first.value == 0)
        net->due.first = s;
    else
        net_row_at(net->rows, net->due.last)->next_due = s;
    net->due.last = s;
}

fh_net_socket fh_net_due_take(fh_net *net) {
    fh_net_socket s = net->due.first;
    if (s.value == 0)
        return s;
    net_row *row = net_row_at(net->rows, s);
    row->is_due = false;
    net->due.first = row->next_due;
    return s;
}

void fh_net_due_end(fh_net *net, fh_net_socket s) {
    net_row *row = net_row_at(net->rows, s);
    fh_net_socket before = {0};
    for (fh_net_socket at = net->due.first; row->is_due && at.value != s.value; at = net_row_at(net->rows, at)->next_due)
        before = at;
    if (!row->is_due)
        return;
    row->is_due = false;
    if (net->due.last.value == s.value)
        net->due.last = before;
    if (before.value == 0)
        net->due.first = row->next_due;
    else
        net_row_at(net->rows, before)->next_due = row->next_due;
}

/* Listeners that could not accept try again. */
static void resume(fh_net *net) {
    if (net->resume_ns > net->now_ns)
        return;
    net->resume_ns = UINT64_MAX;
    for (fh_net_socket s = net->first; s.value != 0;) {
        net_row *row = net_row_at(net->rows, s);
        fh_net_socket next = row->next;
        bool paused = row->is_paused;
        row->is_paused = false;
        if (paused)
            fh_net_due(net, s);
        s = next;
    }
}

/* --- rows ------------------------------------------------------------------------------------------------ */

fh_status fh_net_row_new(fh_net *net, net_state state, uint64_t user, fh_net_socket *out) {
    net_row_handle h = {0};
    net_row *row;
    *out = (fh_net_socket){0};
    FH_TRY(net_row_alloc(net->rows, &h, &row));
    fh_net_socket s = {h.value};
    row->state = state;
    row->user = user;
    row->fd = -1;
    row->next = net->first;
    fh_outbox_init(&row->out, net->allocator);
    fh_outbox_init(&row->sim.in, net->allocator);
    if (net->first.value != 0)
        net_row_at(net->rows, net->first)->previous = s;
    net->first = s;
    net->stats.sockets++;
    *out = s;
    return FH_DONE;
}

void fh_net_row_end(fh_net *net, fh_net_socket s) {
    net_row *row = net_row_at(net->rows, s);
    fh_net_socket next = row->next, previous = row->previous;
    fh_outbox_deinit(&row->out);
    fh_outbox_deinit(&row->sim.in);
    fh_bytes_drop(&row->received);
    row->out = row->sim.in = (fh_outbox){NULL, {NULL, 0}, 0, 0, 0};
    row->received = no_bytes;
    FH_ASSERT(!row->is_due && !row->is_ready);
    if (next.value != 0)
        net_row_at(net->rows, next)->previous = previous;
    if (previous.value != 0)
        net_row_at(net->rows, previous)->next = next;
    else
        net->first = next;
    net->stats.sockets--;
    fh_status status = net_row_release(net->rows, (net_row_handle){s.value});
    FH_ASSERT(!fh_failed(status));
}

/* --- pages ----------------------------------------------------------------------------------------------- */

/* Ends a slab, if it is one. */
static void slab_end(fh_page_source *pages, fh_drop fh_slab *slab) {
    fh_status s = slab->token != 0 ? fh_slab_release(pages, slab) : FH_DONE;
    FH_ASSERT(!fh_failed(s));
}

fh_status fh_net_buffer_begin(fh_page_source *pages, net_buffer *b, size_t size_bytes, fh_mspan *room) {
    size_t left = 0;
    fh_status s = b->slab.token != 0 ? fh_slab_room(pages, b->slab, &left) : FH_DONE;
    FH_ASSERT(!fh_failed(s) && !b->is_lent);
    if (left < ROOM_LEAST) {
        slab_end(pages, &b->slab);
        b->slab = (fh_slab){0};
        FH_TRY(fh_slab_alloc(pages, size_bytes, &b->slab));
    }
    b->is_lent = true;
    return fh_slab_begin_io(pages, &b->slab, room);
}

fh_bytes fh_net_buffer_end(fh_page_source *pages, net_buffer *b, size_t n) {
    fh_bytes out = no_bytes;
    fh_status s = fh_slab_end_io(pages, &b->slab, n);
    if (!fh_failed(s) && n != 0)
        s = fh_slab_split(pages, &b->slab, n, &out);
    FH_ASSERT(!fh_failed(s));
    b->is_lent = false;
    return out;
}

void fh_net_buffer_clear(fh_page_source *pages, net_buffer *b) {
    fh_status s = b->is_lent ? fh_slab_end_io(pages, &b->slab, 0) : FH_DONE;
    FH_ASSERT(!fh_failed(s));
    b->is_lent = false;
    slab_end(pages, &b->slab);
    b->slab = (fh_slab){0};
}

/* --- what came of operations -------------------------------------------------------------------------------- */

void fh_net_did_accept(fh_net *net, fh_net_socket listener, fh_net_socket made) {
    uint64_t user = net_row_at(net->rows, listener)->user;
    net_row *row = net_row_at(net->rows, made);
    row->user = user;
    row->listener = listener;
    row->events |= NET_HAS_ACCEPTED;
    push_ready(net, made);
}

void fh_net_did_not_accept(fh_net *net, fh_net_socket listener, net_result why) {
    net_row *row = net_row_at(net->rows, listener);
    row->accepted_as = why;
    row->events |= NET_HAS_FAILED_ACCEPT;
    row->is_paused = true;
    if (net->resume_ns == UINT64_MAX)
        net->resume_ns = net->now_ns + PAUSE_NS;
    push_ready(net, listener);
}

void fh_net_did_connect(fh_net *net, fh_net_socket s, net_result how) {
    net_row *row = net_row_at(net->rows, s);
    row->connected = how;
    row->events |= NET_HAS_CONNECTED;
    row->is_broken = fh_failed(how.status);
    if (!row->is_broken)
        row->state = NET_OPEN;
    push_ready(net, s);
}

void fh_net_did_receive(fh_net *net, fh_net_socket s, net_result how, fh_bytes bytes) {
    net_row *row = net_row_at(net->rows, s);
    FH_ASSERT(row->want == NET_PAGE && row->received.owner == NULL);
    row->want = NET_NOTHING;
    row->received_as = how;
    net->stats.received_bytes += bytes.span.size;
    row->received = bytes;
    row->events |= NET_HAS_RECEIVED;
    push_ready(net, s);
}

void fh_net_did_fill(fh_net *net, fh_net_socket s, net_result how, size_t n) {
    net_row *row = net_row_at(net->rows, s);
    FH_ASSERT(row->want == NET_ROOM && n <= row->room.size);
    row->want = NET_NOTHING;
    row->room = (fh_mspan){NULL, 0};
    row->received_as = how;
    row->filled = n;
    row->events |= NET_HAS_FILLED;
    net->stats.received_bytes += n;
    push_ready(net, s);
}

void fh_net_did_send(fh_net *net, fh_net_socket s, net_result how, size_t n) {
    net_row *row = net_row_at(net->rows, s);
    fh_outbox_advance(&row->out, n);
    row->sent += n;
    row->sent_as = how;
    row->events |= NET_HAS_SENT;
    if (fh_failed(how.status)) {
        row->is_broken = true;
        fh_outbox_clear(&row->out);
    }
    net->stats.sent_bytes += n;
    push_ready(net, s);
}

void fh_net_did_close(fh_net *net, fh_net_socket s) {
    net_row *row = net_row_at(net->rows, s);
    FH_ASSERT(row->state == NET_CLOSING);
    row->state = NET_GONE;
    row->want = NET_NOTHING;
    row->room = (fh_mspan){NULL, 0};
    row->fd = -1;
    row->events = NET_HAS_CLOSED;
    fh_outbox_clear(&row->out);
    fh_outbox_clear(&row->sim.in);
    push_ready(net, s);
}

/* --- events ---------------------------------------------------------------------------------------------- */

void fh_net_event_drop(fh_net_event *event) {
    fh_bytes_drop(&event->bytes);
}

bool fh_net_has_events(const fh_net *net) {
    return net->woken || net->ready.first.value != 0 || fh_alarms_next_ns(&net->alarms) <= net->now_ns;
}

uint64_t fh_net_patience_ns(const fh_net *net, uint64_t until_ns) {
    uint64_t next = fh_alarms_next_ns(&net->alarms);
    next = until_ns < next ? until_ns : next;
    next = net->resume_ns < next ? net->resume_ns : next;
    if (fh_net_has_events(net) || next <= net->now_ns)
        return 0;
    return next == UINT64_MAX ? next : next - net->now_ns;
}

/* Has the engine go on with all rows that are due. What becomes due meanwhile has its turn the next time. */
static void work_off(fh_net *net) {
    fh_net_socket last = net->due.last;
    for (fh_net_socket s = {0}; net->due.first.value != 0 && s.value != last.value;) {
        s = fh_net_due_take(net);
        fh_net_engine_of(net)->go_on(net, s);
    }
}

static fh_status wait_once(fh_net *net, uint64_t until_ns) {
    resume(net);
    work_off(net);
    return fh_net_engine_of(net)->wait(net, until_ns);
}

void fh_net_clock_read(fh_net *net) {
    if (net->about.engine != FH_NET_SIM)
        net->now_ns = fh_os_clock_ns();
}

void fh_net_spin_set(fh_net *net, uint64_t spin_ns) {
    net->spin_ns = net->about.engine != FH_NET_SIM ? spin_ns : 0;
}

/* Looks, without a sleep, until an event is there or the time is over. */
static void spin(fh_net *net, uint64_t until) {
    uint64_t end = net->now_ns + net->spin_ns < until ? net->now_ns + net->spin_ns : until;
    while (!fh_net_has_events(net) && net->now_ns < end && !fh_failed(wait_once(net, net->now_ns)))
        fh_pause();
}

fh_status fh_net_wait(fh_net *net, uint64_t timeout_ns) {
    fh_net_clock_read(net);
    uint64_t until = timeout_ns < UINT64_MAX - net->now_ns ? net->now_ns + timeout_ns : UINT64_MAX;
    spin(net, until);
    do {
        fh_status s = wait_once(net, until);
        if (fh_failed(s) && !(s.code == FH_CANCELED && fh_net_has_events(net)))
            return s;
    } while (!fh_net_has_events(net) && net->now_ns < until);
    return FH_STATUS(fh_net_has_events(net) ? FH_OK : FH_TIMEOUT);
}

static fh_owned fh_bytes take(fh_bytes *from) {
    fh_bytes out = *from;
    *from = no_bytes;
    return out;
}

/* The first of a row's events; the others stay. */
static void tell(net_row *row, fh_net_event *out) {
    uint32_t bit = row->events & (0u - row->events);
    row->events &= ~bit;
    net_result how = {FH_DONE, 0};
    out->user = row->user;
    if (bit == NET_HAS_ACCEPTED) {
        out->kind = FH_NET_ACCEPTED;
        out->listener = row->listener;
    } else if (bit == NET_HAS_FAILED_ACCEPT) {
        out->kind = FH_NET_ACCEPTED;
        out->listener = out->socket;
        out->socket = (fh_net_socket){0};
        how = row->accepted_as;
    } else if (bit == NET_HAS_CONNECTED) {
        out->kind = FH_NET_CONNECTED;
        how = row->connected;
    } else if (bit == NET_HAS_RECEIVED) {
        out->kind = FH_NET_RECEIVED;
        out->bytes = take(&row->received);
        out->count = out->bytes.span.size;
        how = row->received_as;
    } else if (bit == NET_HAS_FILLED) {
        out->kind = FH_NET_FILLED;
        out->count = row->filled;
        how = row->received_as;
    } else if (bit == NET_HAS_SENT) {
        out->kind = FH_NET_SENT;
        out->count = row->sent;
        row->sent = 0;
        how = row->sent_as;
    } else {
        out->kind = FH_NET_CLOSED;
    }
    out->status = how.status;
    out->error = how.status.code == FH_IO || how.status.code == FH_EXHAUSTED ? how.error : 0;
}

fh_status fh_net_next(fh_net *net, fh_net_event *out) {
    *out = (fh_net_event){.kind = FH_NET_NONE};
    if (net->woken) {
        net->woken = false;
        out->kind = FH_NET_WOKEN;
        return FH_DONE;
    }
    if (fh_alarms_take(&net->alarms, net->now_ns, &out->timer, &out->user)) {
        out->kind = FH_NET_TIMER;
        return FH_DONE;
    }
    while (net->ready.first.value != 0) {
        fh_net_socket s = net->ready.first;
        net_row *row = net_row_at(net->rows, s);
        net->ready.first = row->next_ready;
        row->is_ready = false;
        if (row->events == 0)
            continue;
        out->socket = s;
        tell(row, out);
        push_ready(net, s);
        if (out->kind == FH_NET_CLOSED)
            fh_net_row_end(net, s);
        return FH_DONE;
    }
    return FH_STATUS(FH_AGAIN);
}

/* --- life ------------------------------------------------------------------------------------------------ */

static uint32_t or_default(uint32_t value, uint32_t value_default) {
    return value != 0 ? value : value_default;
}

static fh_status make_tables(fh_net *net) {
    uint32_t rows = net->options.sockets_max;
    FH_TRY(net_row_pool_new(net->allocator,
                            &(fh_pool_config){.capacity = rows < ROWS_FIRST ? rows : ROWS_FIRST, .max_capacity = rows,
                                              .growth = {.kind = rows > ROWS_FIRST ? FH_GROW_EXPONENTIAL : FH_GROW_NONE},
                                              .threads = FH_POOL_SERIAL, .name = "sockets"},
                            &net->rows));
    return fh_alarms_init(&net->alarms, net->allocator, net->options.timers_max);
}

/* What was asked for, or what the environment says. */
static fh_net_engine choose(fh_net *net, const char **why) {
    *why = "it was asked for";
    if (net->options.engine != FH_NET_AUTO)
        return net->options.engine;
    const char *said = fh_os_env("FREEHOLD_NET");
    fh_span name = said != NULL ? fh_span_of_str(said) : (fh_span){NULL, 0};
    *why = "FREEHOLD_NET says so";
    if (fh_span_is(name, "epoll"))
        return FH_NET_EPOLL;
    net->ring.oldest = fh_span_is(name, "io_uring-5.19");
    if (net->ring.oldest || fh_span_is(name, "io_uring"))
        return FH_NET_URING;
    *why = "it is the best that there is";
    return FH_NET_AUTO;
}

static fh_status open_it(fh_net *net, fh_err *err) {
    FH_TRY(fh_net_engine_of(net)->open(net, err));
    net->is_open = true;
    return FH_DONE;
}

static fh_status open_engine(fh_net *net, fh_err *err) {
    const char *why = "";
    fh_net_engine engine = choose(net, &why);
    net->about = (fh_net_about){FH_NET_URING, "io_uring", "", why};
    if (engine == FH_NET_AUTO) {
        fh_status s = open_it(net, NULL);
        if (s.code != FH_UNSUPPORTED)
            return s;
        why = fh_uring_refusal(net->error);
    }
    if (engine == FH_NET_SIM)
        net->about = (fh_net_about){FH_NET_SIM, "sim", "a network of one seed", why};
    else if (engine != FH_NET_URING)
        net->about = (fh_net_about){FH_NET_EPOLL, "epoll", "edge-triggered", why};
    return open_it(net, err);
}

fh_status fh_net_new(fh_allocator *a, fh_page_source *pages, const fh_net_options *options, fh_net **out, fh_err *err) {
    fh_net_options o = options != NULL ? *options : (fh_net_options){0};
    *out = NULL;
    if (o.engine > FH_NET_SIM || o.sockets_max > SOCKETS_MOST || o.timers_max > FH_POOL_SLOTS_MAX)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "options of a loop beyond their limits");
    o.sockets_max = or_default(o.sockets_max, SOCKETS_DEFAULT);
    o.timers_max = or_default(o.timers_max, TIMERS_DEFAULT);
    o.pieces_max = or_default(o.pieces_max, PIECES_DEFAULT);
    fh_net *net = fh_alloc(a, 1, sizeof *net);
    if (net == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a loop");
    *net = (fh_net){.allocator = a, .pages = pages, .options = o, .poll = -1, .bell = -1, .resume_ns = UINT64_MAX};
    fh_status s = make_tables(net);
    if (!fh_failed(s))
        s = open_engine(net, err);
    if (fh_failed(s)) {
        fh_net_free(net);
        return fh_fail(err, s.code, FH_NO_OFFSET, "cannot make a loop: %s", fh_code_text(s.code));
    }
    *out = net;
    return FH_DONE;
}

/* Begins to close whatever is not closed yet; false if nothing is left that the engine has. */
static bool close_all(fh_net *net) {
    bool left = false;
    for (fh_net_socket s = net->first; s.value != 0;) {
        const net_row *row = net_row_at(net->rows, s);
        fh_net_socket next = row->next;
        left = left || row->state != NET_GONE;
        fh_status status = fh_net_close(net, s);
        FH_ASSERT(status.code == FH_OK || status.code == FH_STALE);
        s = next;
    }
    return left;
}

/* Drops all events. */
static void forget_events(fh_net *net) {
    fh_net_event e;
    while (fh_net_next(net, &e).code == FH_OK)
        fh_net_event_drop(&e);
}

void fh_net_end(fh_net *net) {
    while (net->is_open && close_all(net)) {
        fh_status s = wait_once(net, UINT64_MAX);
        FH_ASSERT(s.code == FH_OK || s.code == FH_CANCELED);
        forget_events(net);
    }
    if (net->is_open)
        fh_net_engine_of(net)->end(net);
}

void fh_net_free(fh_net *net) {
    if (net == NULL)
        return;
    fh_net_end(net);
    while (net->first.value != 0) {
        net_row *row = net_row_at(net->rows, net->first);
        row->is_due = row->is_ready = false;
        fh_net_row_end(net, net->first);
    }
    if (net->is_open)
        fh_net_engine_of(net)->close(net);
    fh_net_ring_deinit(net->allocator, net->pages, &net->ring);
    slab_end(net->pages, &net->buffer.slab);
    fh_alarms_deinit(&net->alarms);
    net_row_pool_free(net->rows);
    fh_free(net->allocator, net);
}

fh_net_about fh_net_about_get(const fh_net *net) {
    return net->about;
}

uint64_t fh_net_now_ns(const fh_net *net) {
    return net->now_ns;
}

fh_net_stats fh_net_stats_get(const fh_net *net) {
    fh_net_stats stats = net->stats;
    stats.timers = net->alarms.count;
    return stats;
}

int fh_net_error(const fh_net *net) {
    return net->error;
}

fh_net_waker fh_net_waker_get(const fh_net *net) {
    return (fh_net_waker){net->bell};
}

void fh_net_wake(fh_net_waker waker) {
    if (waker.fd >= 0)
        fh_os_bell_ring(waker.fd);
}
