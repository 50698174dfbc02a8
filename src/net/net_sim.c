/* net_sim.c: a network that is a function of one seed: no kernel, no clock, no luck.
 *
 * Every operation takes a time that is drawn, moves a number of bytes that is drawn, and may fail where fate says so; one of
 * them completes in each wait, the one that is due first, and time moves to it. So a run is a schedule of completions, and a
 * seed that fails is a test.
 *
 * It is as unkind as a kernel may be. A receive into the caller's room that is closed writes there until FH_NET_CLOSED is told:
 * a caller who takes the room back earlier finds letters in it. A connection that is closed with bytes unread is reset.
 *
 * Invariants: an end's `peer` is an end whose `peer` is this one, or {0}; bytes on their way are in the receiver's `in`, and
 * are at most the window. Threading: net.h. */
#include "freehold/hash.h"
#include "net/net_impl.h"

enum { DELAY_US = 1000, PIECE_MAX = 4096, WINDOW = 65536, FIRST_PORT = 49152, SCRIBBLE = 0xA5 };
enum { ERROR_PIPE = 32, ERROR_IN_USE = 98, ERROR_RESET = 104, ERROR_REFUSED = 111, ERROR_FILES = 24 }; /* errno's numbers */
#define NEVER UINT64_MAX
#define RETRY_NS UINT64_C(1000000)
#define MILLION 1000000

/* A number in [0, n). */
static uint64_t draw(fh_net *net, uint64_t n) {
    return fh_mix64(net->options.sim.seed * UINT64_C(0x9E3779B97F4A7C15) + ++net->random) % n;
}

static bool fate(fh_net *net, uint32_t ppm) {
    return ppm != 0 && draw(net, MILLION) < ppm;
}

static uint64_t soon(fh_net *net) {
    return net->now_ns + 1 + draw(net, (uint64_t)net->options.sim.delay_max_us * 1000);
}

static fh_status sim_open(fh_net *net, fh_err *err) {
    fh_net_sim_options *o = &net->options.sim;
    (void)err;
    o->delay_max_us = o->delay_max_us != 0 ? o->delay_max_us : DELAY_US;
    o->piece_max = o->piece_max != 0 ? o->piece_max : PIECE_MAX;
    o->window_bytes = o->window_bytes != 0 ? o->window_bytes : WINDOW;
    net->port = FIRST_PORT;
    return FH_DONE;
}

static void sim_end(fh_net *net) {
    (void)net;
}

static void sim_close(fh_net *net) {
    (void)net;
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static bool is_any(const fh_address *a) {
    uint32_t sum = 0;
    for (size_t i = 0; i < a->size; i++)
        sum |= a->bytes[i];
    return a->kind != FH_ADDRESS_UNIX && sum == 0;
}

/* The listener that a connection to an address comes to; {0}: nobody. */
static fh_net_socket listener_at(fh_net *net, const fh_address *to) {
    for (fh_net_socket s = net->first; s.value != 0;) {
        const net_row *row = net_row_at(net->rows, s);
        const fh_address *at = &row->sim.address;
        if (row->state == NET_LISTENING &&
            (fh_address_equal(at, to) || (is_any(at) && at->kind == to->kind && at->port == to->port)))
            return s;
        s = row->next;
    }
    return (fh_net_socket){0};
}

static uint16_t free_port(fh_net *net, fh_address a) {
    do {
        a.port = net->port;
        net->port = net->port == UINT16_MAX ? FIRST_PORT : (uint16_t)(net->port + 1);
    } while (listener_at(net, &a).value != 0);
    return a.port;
}

/* Nothing is under way yet. */
static void start(fh_net *net, fh_net_socket s, const fh_address *own, const fh_address *peer) {
    net_row *row = net_row_at(net->rows, s);
    row->sim.address = *own;
    row->sim.peer_address = *peer;
    row->sim.connect_ns = row->sim.send_ns = row->sim.receive_ns = row->sim.close_ns = NEVER;
}

static fh_status sim_listen(fh_net *net, fh_net_socket s, const fh_address *address, const fh_net_socket_options *options) {
    fh_address at = *address;
    (void)options;
    if (at.kind != FH_ADDRESS_UNIX && at.port == 0)
        at.port = free_port(net, at);
    if (listener_at(net, &at).value != 0) {
        net->error = ERROR_IN_USE;
        return FH_STATUS(FH_IO);
    }
    start(net, s, &at, &(fh_address){.kind = FH_ADDRESS_NONE});
    return FH_DONE;
}

static fh_status sim_connect(fh_net *net, fh_net_socket s, const fh_address *address, const fh_net_socket_options *options) {
    fh_address own = {.kind = address->kind};
    if (options->source != NULL)
        own = *options->source;
    else if (own.kind == FH_ADDRESS_IP4)
        own = (fh_address){.kind = own.kind, .size = 4, .bytes = {127, 0, 0, 1}};
    else if (own.kind == FH_ADDRESS_IP6)
        own = (fh_address){.kind = own.kind, .size = 16, .bytes = {[15] = 1}};
    if (own.kind != FH_ADDRESS_UNIX && own.port == 0)
        own.port = free_port(net, own);
    start(net, s, &own, address);
    net_row_at(net->rows, s)->sim.connect_ns = soon(net);
    return FH_DONE;
}

static fh_status sim_adopt(fh_net *net, fh_net_socket s, int fd) {
    (void)net;
    (void)s;
    (void)fd;
    return FH_STATUS(FH_UNSUPPORTED);
}

static fh_status sim_name(fh_net *net, fh_net_socket s, bool peer, fh_out fh_address *out) {
    const net_row *row = net_row_at(net->rows, s);
    *out = peer ? row->sim.peer_address : row->sim.address;
    return FH_STATUS(out->kind != FH_ADDRESS_NONE ? FH_OK : FH_IO);
}

/* --- what completes ------------------------------------------------------------------------------------------------- */

static void due_if_lives(fh_net *net, fh_net_socket s) {
    if (s.value != 0)
        fh_net_due(net, s);
}

static void do_connect(fh_net *net, fh_net_socket s) {
    const net_row *row = net_row_at(net->rows, s);
    fh_address to = row->sim.peer_address, from = row->sim.address;
    fh_net_socket listener = listener_at(net, &to), made = {0};
    if (listener.value == 0 || fate(net, net->options.sim.refusals_ppm)) {
        fh_net_did_connect(net, s, (net_result){FH_STATUS(FH_IO), ERROR_REFUSED});
        return;
    }
    fh_status status = FH_STATUS(fate(net, net->options.sim.accept_fails_ppm) ? FH_EXHAUSTED : FH_OK);
    bool paused = net_row_at(net->rows, listener)->is_paused;
    if (!paused && !fh_failed(status))
        status = fh_net_row_new(net, NET_OPEN, 0, &made);
    if (!paused && fh_failed(status))
        fh_net_did_not_accept(net, listener, (net_result){status, ERROR_FILES});
    if (paused || fh_failed(status)) { /* it waits in the backlog */
        net_row_at(net->rows, s)->sim.connect_ns = net->now_ns + RETRY_NS;
        return;
    }
    fh_address at = net_row_at(net->rows, listener)->sim.address;
    start(net, made, is_any(&at) ? &to : &at, &from);
    net_row_at(net->rows, made)->sim.peer = s;
    net_row_at(net->rows, s)->sim.peer = made;
    if (draw(net, 2) == 0) {
        fh_net_did_accept(net, listener, made);
        fh_net_did_connect(net, s, (net_result){FH_DONE, 0});
    } else {
        fh_net_did_connect(net, s, (net_result){FH_DONE, 0});
        fh_net_did_accept(net, listener, made);
    }
}

/* Bytes of the first piece go over to the peer; how many. */
static size_t carry(fh_net *net, fh_net_socket s, fh_net_socket peer) {
    uint64_t on_the_way = net_row_at(net->rows, peer)->sim.in.bytes;
    uint64_t window = net->options.sim.window_bytes;
    uint64_t n = 1 + draw(net, net->options.sim.piece_max);
    if (on_the_way >= window)
        return 0; /* the peer's next receive makes room, and us due */
    if (fh_failed(fh_outbox_reserve(&net_row_at(net->rows, peer)->sim.in))) {
        net_row_at(net->rows, s)->sim.send_ns = net->now_ns + RETRY_NS;
        return 0;
    }
    n = n < window - on_the_way ? n : window - on_the_way;
    fh_bytes part = fh_outbox_share(&net_row_at(net->rows, s)->out, (size_t)n);
    size_t size = part.span.size;
    uint64_t at = soon(net);
    net_row *there = net_row_at(net->rows, peer);
    if (there->sim.in.count == 0)
        there->sim.arrived_ns = at;
    fh_outbox_push(&there->sim.in, part);
    return size;
}

static void do_send(fh_net *net, fh_net_socket s) {
    net_row *row = net_row_at(net->rows, s);
    fh_net_socket peer = row->sim.peer;
    if (row->out.count == 0) {
        row->has_shut = row->shut;
        if (row->shut && peer.value != 0)
            net_row_at(net->rows, peer)->sim.ended = true;
        due_if_lives(net, peer);
        return;
    }
    if (peer.value != 0 && fate(net, net->options.sim.resets_ppm)) {
        net_row_at(net->rows, s)->sim.reset = true;
        net_row_at(net->rows, peer)->sim.reset = true;
        fh_net_due(net, peer);
    }
    if (net_row_at(net->rows, s)->sim.reset || peer.value == 0) {
        bool reset = net_row_at(net->rows, s)->sim.reset;
        fh_net_did_send(net, s, (net_result){FH_STATUS(reset ? FH_IO : FH_END), reset ? ERROR_RESET : ERROR_PIPE}, 0);
        fh_net_due(net, s); /* a receive is to hear of it too */
        return;
    }
    size_t n = carry(net, s, peer);
    if (n == 0)
        return;
    fh_net_did_send(net, s, (net_result){FH_DONE, 0}, n);
    fh_net_due(net, s);
    fh_net_due(net, peer);
}

/* Copies a part of what has arrived to where it is wanted: to a page, or to room of the caller's. */
static fh_owned fh_bytes deliver(fh_net *net, fh_net_socket s, fh_out fh_status *status, fh_out size_t *got) {
    uint64_t limit = 1 + draw(net, net->options.sim.piece_max);
    const net_row *row = net_row_at(net->rows, s);
    bool page = row->want == NET_PAGE;
    uint64_t most = page ? FH_PAGE_BYTES : row->room.size;
    fh_bytes part = fh_outbox_share(&row->sim.in, (size_t)(limit < most ? limit : most));
    fh_mspan room = row->room;
    fh_bytes bytes = {NULL, {NULL, 0}};
    *got = 0;
    *status = page ? fh_net_buffer_begin(net->pages, &net->buffer, FH_PAGE_BYTES, &room) : FH_DONE;
    if (!fh_failed(*status)) {
        size_t n = part.span.size < room.size ? part.span.size : room.size;
        fh_span_copy(room, fh_span_sub(part.span, 0, n));
        *got = n;
        fh_outbox_advance(&net_row_at(net->rows, s)->sim.in, n);
        if (page)
            bytes = fh_net_buffer_end(net->pages, &net->buffer, n);
    }
    fh_bytes_drop(&part);
    return bytes;
}

static void do_receive(fh_net *net, fh_net_socket s) {
    net_row *row = net_row_at(net->rows, s);
    bool page = row->want == NET_PAGE;
    fh_net_socket peer = row->sim.peer;
    net_result how = {FH_DONE, 0};
    fh_bytes bytes = {NULL, {NULL, 0}};
    size_t got = 0;
    if (row->sim.reset) {
        how = (net_result){FH_STATUS(FH_IO), ERROR_RESET};
        fh_outbox_clear(&row->sim.in);
    } else if (row->sim.in.count == 0) {
        how.status = FH_STATUS(FH_END);
    } else {
        bytes = deliver(net, s, &how.status, &got);
    }
    due_if_lives(net, peer);
    if (page) {
        fh_net_did_receive(net, s, how, bytes);
        return;
    }
    fh_bytes_drop(&bytes);
    fh_net_did_fill(net, s, how, got);
}

static void do_close(fh_net *net, fh_net_socket s) {
    const net_row *row = net_row_at(net->rows, s);
    fh_net_socket peer = row->sim.peer;
    if (row->want == NET_ROOM)
        fh_mspan_fill(row->room, SCRIBBLE);
    if (peer.value != 0) {
        bool resets = row->sim.in.count != 0 || row->out.count != 0;
        net_row *there = net_row_at(net->rows, peer);
        there->sim.reset = there->sim.reset || resets;
        there->sim.ended = true;
        there->sim.peer = (fh_net_socket){0};
        fh_net_due(net, peer);
    }
    fh_net_did_close(net, s);
}

static fh_status sim_join(fh_net *net, fh_net_socket s, int fd) {
    (void)net;
    (void)s;
    (void)fd;
    return FH_STATUS(FH_UNSUPPORTED);
}

/* --- time ----------------------------------------------------------------------------------------------------------- */

/* Says when what was asked of a row will complete. */
static void sim_go_on(fh_net *net, fh_net_socket s) {
    uint64_t at = soon(net);
    net_row *row = net_row_at(net->rows, s);
    net_sim_end *e = &row->sim;
    if (row->state == NET_CLOSING && e->close_ns == NEVER) {
        e->close_ns = at;
        e->connect_ns = e->send_ns = e->receive_ns = NEVER;
    }
    if (row->state != NET_OPEN)
        return;
    bool arrived = e->in.count != 0 || e->ended || e->reset;
    if (row->want != NET_NOTHING && arrived && e->receive_ns == NEVER)
        e->receive_ns = e->in.count != 0 && e->arrived_ns > at ? e->arrived_ns : at;
    if ((row->out.count != 0 || (row->shut && !row->has_shut)) && e->send_ns == NEVER)
        e->send_ns = at;
}

typedef enum sim_action { SIM_NOTHING, SIM_CONNECT, SIM_SEND, SIM_RECEIVE, SIM_CLOSE } sim_action;

/* What is due first: *at, of which row, and when. */
static sim_action first_action(fh_net *net, fh_net_socket *of, uint64_t *at) {
    sim_action first = SIM_NOTHING;
    *at = NEVER;
    *of = (fh_net_socket){0};
    for (fh_net_socket s = net->first; s.value != 0;) {
        const net_row *row = net_row_at(net->rows, s);
        const uint64_t times[] = {NEVER, row->sim.connect_ns, row->sim.send_ns, row->sim.receive_ns, row->sim.close_ns};
        for (size_t i = SIM_CONNECT; i <= SIM_CLOSE && row->state != NET_GONE; i++) {
            if (times[i] >= *at)
                continue;
            first = (sim_action)i;
            *at = times[i];
            *of = s;
        }
        s = row->next;
    }
    return first;
}

static void perform(fh_net *net, sim_action action, fh_net_socket s) {
    net_sim_end *e = &net_row_at(net->rows, s)->sim;
    switch (action) {
    case SIM_CONNECT:
        e->connect_ns = NEVER;
        do_connect(net, s);
        return;
    case SIM_SEND:
        e->send_ns = NEVER;
        do_send(net, s);
        return;
    case SIM_RECEIVE:
        e->receive_ns = NEVER;
        do_receive(net, s);
        return;
    case SIM_CLOSE:
        e->close_ns = NEVER;
        do_close(net, s);
        return;
    case SIM_NOTHING:
        return;
    }
}

static fh_status sim_wait_once(fh_net *net, uint64_t until_ns) {
    fh_net_socket s = {0};
    uint64_t at = NEVER;
    uint64_t patience = fh_net_patience_ns(net, until_ns);
    sim_action action = first_action(net, &s, &at);
    if (patience == 0 && (fh_net_has_events(net) || at > net->now_ns))
        return FH_DONE;
    uint64_t limit = patience == NEVER ? NEVER : net->now_ns + patience;
    if (action == SIM_NOTHING && limit == NEVER)
        return FH_STATUS(FH_TIMEOUT); /* nothing will ever happen */
    if (at > limit) {
        net->now_ns = limit;
        return FH_DONE;
    }
    net->now_ns = at > net->now_ns ? at : net->now_ns;
    perform(net, action, s);
    return FH_DONE;
}

static fh_status sim_rest(fh_net *net, fh_net_socket s) {
    (void)net_row_at(net->rows, s);
    return FH_STATUS(FH_UNSUPPORTED);
}

static void sim_leave(fh_net *net, fh_net_socket s) {
    (void)net_row_at(net->rows, s); /* it has no descriptor */
}

const net_engine fh_net_sim_engine = {sim_open, sim_end,  sim_close, sim_listen,    sim_connect, sim_adopt,
                                      sim_name, sim_join, sim_go_on, sim_wait_once, sim_rest,    sim_leave};
