/* verb_perf.c: `freehold zmq perf`: throughput and latency, as the tools of libzmq measure them.
 *
 *     throughput: PUSH -> PULL; the receiver measures from its first message to its last
 *     latency:    REQ <-> REP; the asker measures, and half a round trip is the latency
 *
 * The local side binds, the remote one connects. Both may be in one program, each with a context and a thread of its own: then
 * the local side's thread is started here. Each message is sent by a call of its own.
 *
 * Threading: two threads, which share the options and the endpoint, and no socket. */
#include "apps/zmq_verbs.h"

#include "freehold/json.h"

enum { WHAT_BOTH, WHAT_THROUGHPUT, WHAT_LATENCY };
enum { SIDE_BOTH, SIDE_LOCAL, SIDE_REMOTE };
enum { SIZE_MAX_BYTES = 64 << 20 };
#define WHAT_WORDS "both|throughput|latency"
#define SIDE_WORDS "both|local|remote"

typedef struct perf_options {
    uint64_t what, side, size, count;
    fh_span endpoint;
    bool json;
} perf_options;

/* One side of a measurement. */
typedef struct perf_side {
    fh_ref fh_allocator *heap;
    bool latency, local;
    uint64_t size, count, time_ns; /* the answer: of count - 1 messages, or of count round trips */
    fh_owned_or_null fh_sock_context *context;
    fh_sock socket;
    fh_status status;
} perf_side;

/* --- sides ---------------------------------------------------------------------------------------------------------------- */

static fh_status send_all(fh_mut perf_side *p, fh_bytes body) {
    for (uint64_t i = 0; i < p->count; i++) {
        fh_message m = {0};
        fh_bytes part = fh_bytes_share(body);
        fh_status s = fh_message_push(&m, p->heap, &part);
        if (!fh_failed(s))
            s = fh_sock_send(p->context, p->socket, &m);
        fh_bytes_drop(&part);
        fh_message_drop(&m, p->heap);
        FH_TRY(s);
    }
    return FH_DONE;
}

static fh_status receive_one(fh_mut perf_side *p) {
    fh_message m;
    FH_TRY(fh_sock_receive(p->context, p->socket, &m));
    bool right = fh_message_count(&m) == 1 && fh_message_view(&m, 0).size == p->size;
    fh_message_drop(&m, p->heap);
    return right ? FH_DONE : FH_STATUS(FH_CORRUPT);
}

static fh_status receive_all(fh_mut perf_side *p) {
    uint64_t begin_ns = 0;
    for (uint64_t i = 0; i < p->count; i++) {
        FH_TRY(receive_one(p));
        if (i == 0)
            begin_ns = fh_os_clock_ns();
    }
    p->time_ns = fh_os_clock_ns() - begin_ns;
    return FH_DONE;
}

static fh_status answer_all(fh_mut perf_side *p) {
    for (uint64_t i = 0; i < p->count; i++) {
        fh_message m;
        FH_TRY(fh_sock_receive(p->context, p->socket, &m));
        fh_status s = fh_sock_send(p->context, p->socket, &m);
        fh_message_drop(&m, p->heap);
        FH_TRY(s);
    }
    return FH_DONE;
}

static fh_status ask_all(fh_mut perf_side *p, fh_bytes body) {
    uint64_t begin_ns = fh_os_clock_ns();
    for (uint64_t i = 0; i < p->count; i++) {
        fh_message m = {0};
        fh_bytes part = fh_bytes_share(body);
        fh_status s = fh_message_push(&m, p->heap, &part);
        if (!fh_failed(s))
            s = fh_sock_send(p->context, p->socket, &m);
        fh_bytes_drop(&part);
        fh_message_drop(&m, p->heap);
        FH_TRY(s);
        FH_TRY(receive_one(p));
    }
    p->time_ns = fh_os_clock_ns() - begin_ns;
    return FH_DONE;
}

static fh_status make_body(fh_ref fh_allocator *heap, size_t size, fh_owned fh_bytes *out) {
    fh_auto(fh_buf_deinit) fh_buf text;
    fh_buf_init(&text, heap, 0);
    *out = (fh_bytes){NULL, {NULL, 0}};
    for (size_t i = 0; i < size; i++)
        FH_TRY(fh_buf_put_u8(&text, 0));
    return fh_bytes_copy(heap, fh_buf_view(&text), out);
}

static fh_status run_side(fh_mut perf_side *p) {
    fh_bytes body;
    if (p->local)
        return p->latency ? answer_all(p) : receive_all(p);
    FH_TRY(make_body(p->heap, (size_t)p->size, &body));
    fh_status s = p->latency ? ask_all(p, body) : send_all(p, body);
    fh_bytes_drop(&body);
    return s;
}

static void run_thread(fh_mut fh_view(1) void *ctx) {
    perf_side *p = ctx;
    p->status = run_side(p);
}

/* A context with a socket; *name is what was bound. */
static fh_status open_side(fh_mut perf_side *p, fh_span endpoint, fh_owned fh_bytes *name, fh_mut fh_err *err) {
    fh_zmtp_socket far = p->latency ? FH_ZMTP_REQ : FH_ZMTP_PUSH, near = p->latency ? FH_ZMTP_REP : FH_ZMTP_PULL;
    *name = (fh_bytes){NULL, {NULL, 0}};
    FH_TRY(fh_sock_context_new(p->heap, NULL, &p->context));
    FH_TRY(fh_sock_open(p->context, p->local ? near : far, &p->socket));
    FH_TRY(p->local ? fh_sock_bind(p->context, p->socket, endpoint, err)
                    : fh_sock_connect(p->context, p->socket, endpoint, err));
    return fh_sock_last_endpoint(p->context, p->socket, name);
}

/* What was sent is given time to arrive. */
static void close_side(fh_drop perf_side *p) {
    fh_sock_context_free(p->context);
}

/* --- measurements --------------------------------------------------------------------------------------------------------- */

/* The local side on a thread, the remote one here. */
static fh_status measure_both(fh_mut perf_side *local, fh_mut perf_side *remote, fh_span endpoint, fh_mut fh_err *err) {
    fh_bytes bound, connected;
    fh_os_thread *thread;
    FH_TRY(open_side(local, endpoint, &bound, err));
    fh_status s = open_side(remote, bound.span, &connected, err);
    fh_bytes_drop(&bound);
    FH_TRY(s);
    fh_bytes_drop(&connected);
    FH_TRY(fh_os_thread_start(run_thread, local, &thread));
    s = run_side(remote);
    if (fh_failed(s))
        fh_sock_context_stop(local->context);
    fh_os_thread_join(thread);
    return fh_failed(s) ? s : local->status;
}

static fh_status measure_one(fh_mut perf_side *p, fh_span endpoint, fh_mut fh_err *err) {
    fh_bytes name;
    FH_TRY(open_side(p, endpoint, &name, err));
    fh_bytes_drop(&name);
    return run_side(p);
}

static fh_status put_json(fh_mut fh_app *app, fh_ref const perf_side *p, double each_ns) {
    fh_auto(fh_buf_deinit) fh_buf text;
    fh_buf_init(&text, app->heap, 0);
    fh_json_writer w;
    fh_json_writer_init(&w, &text, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(fh_json_key(&w, "test"));
    FH_TRY(fh_json_put_text(&w, p->latency ? FH_LIT("latency") : FH_LIT("throughput")));
    FH_TRY(fh_json_key(&w, "message_bytes"));
    FH_TRY(fh_json_put_u64(&w, p->size));
    FH_TRY(fh_json_key(&w, p->latency ? "round_trips" : "messages"));
    FH_TRY(fh_json_put_u64(&w, p->count));
    FH_TRY(fh_json_key(&w, "seconds"));
    FH_TRY(fh_json_put_f64(&w, (double)p->time_ns / 1e9));
    FH_TRY(fh_json_key(&w, p->latency ? "latency_us" : "messages_per_second"));
    FH_TRY(fh_json_put_f64(&w, p->latency ? each_ns / 2000 : 1e9 / each_ns));
    FH_TRY(fh_json_close(&w, true));
    fh_term_put(&app->out, fh_buf_view(&text));
    fh_term_put(&app->out, FH_LIT("\n"));
    return FH_DONE;
}

/* The side that measures tells: of throughput the local one, of latency the remote one. */
static fh_status tell(fh_mut fh_app *app, bool json, fh_ref const perf_side *p) {
    fh_term *t = &app->out;
    uint64_t steps = p->latency ? p->count : p->count - 1;
    double each_ns = (double)(p->time_ns != 0 ? p->time_ns : 1) / (double)(steps != 0 ? steps : 1);
    if (json)
        return put_json(app, p, each_ns);
    fh_word size = fh_word_bytes(p->size), count = fh_word_count(p->count);
    if (p->latency)
        FH_SAY(t, "latency     %s, %s round trips: %.1f us one way\n", size.text, count.text, each_ns / 2000);
    else
        FH_SAY(t, "throughput  %s, %s messages: %s messages/s, %.1f Mbit/s\n", size.text, count.text,
               fh_word_short((uint64_t)(1e9 / each_ns)).text, (double)p->size * 8000 / each_ns);
    fh_term_flush(t);
    return t->status;
}

static fh_status measure(fh_mut fh_app *app, fh_ref const perf_options *o, bool latency, fh_mut fh_err *err) {
    uint64_t count = o->count != 0 ? o->count : latency ? 20000 : 1000000;
    perf_side local = {.heap = app->heap, .latency = latency, .local = true, .size = o->size, .count = count};
    perf_side remote = {.heap = app->heap, .latency = latency, .size = o->size, .count = count};
    fh_status s = FH_DONE;
    if (o->side == SIDE_BOTH)
        s = measure_both(&local, &remote, o->endpoint, err);
    else
        s = measure_one(o->side == SIDE_LOCAL ? &local : &remote, o->endpoint, err);
    if (fh_failed(s) && local.context != NULL)
        fh_sock_context_stop(local.context);
    if (fh_failed(s) && remote.context != NULL)
        fh_sock_context_stop(remote.context);
    close_side(&remote);
    close_side(&local);
    FH_TRY(s);
    bool here = o->side == SIDE_BOTH || (o->side == SIDE_LOCAL) != latency;
    return here ? tell(app, o->json, latency ? &remote : &local) : FH_DONE;
}

static const char examples[] =
    "freehold zmq perf                                                   both sides here, over TCP\n"
    "freehold zmq perf --what latency -e ipc://@x -s 1000 -n 100000\n"
    "freehold zmq perf --what throughput --side local -e 'tcp://*:5555'   on one machine, and on another\n"
    "freehold zmq perf --what throughput --side remote -e tcp://one:5555";

static const char notes[] =
    "The local side binds, the remote side connects; both need the same size and count. Of throughput the local side tells,\n"
    "of latency the remote one. On a machine that does other work too, repeat, and look at the best.";

fh_status fh_zmq_perf(fh_app *app, fh_views args, fh_err *err) {
    perf_options o = {.size = 64, .endpoint = FH_LIT("tcp://127.0.0.1:*")};
    fh_cli_option options[] = {
        {.name = "--what", .kind = FH_CLI_CHOICE, .value = WHAT_WORDS, .to.number = &o.what, .help = "default both"},
        {.name = "--side", .kind = FH_CLI_CHOICE, .value = SIDE_WORDS, .to.number = &o.side, .help = "default both, here"},
        {.letter = 'e', .name = "--endpoint", .kind = FH_CLI_TEXT, .value = "ENDPOINT", .to.text = &o.endpoint,
         .help = "default tcp://127.0.0.1:*"},
        {.letter = 's', .name = "--size", .kind = FH_CLI_NUMBER, .value = "BYTES", .to.number = &o.size, .max = SIZE_MAX_BYTES,
         .help = "of a message; default 64"},
        {.letter = 'n', .name = "--count", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.count, .max = UINT32_MAX,
         .help = "messages, or round trips; default 1,000,000 and 20,000"},
        {.name = "--json", .kind = FH_CLI_FLAG, .to.flag = &o.json, .help = "each result as a JSON object on a line"},
    };
    fh_cli cli = {.verb = "zmq perf", .summary = "measure throughput and latency", .examples = examples, .notes = notes,
                  .options = {options, sizeof options / sizeof options[0]}};
    bool done = false;
    FH_TRY(fh_app_parse(app, &cli, args, &done, err));
    if (done)
        return FH_DONE;
    if (o.side != SIDE_BOTH && o.what == WHAT_BOTH)
        return FH_REFUSE_USAGE(app, err, "--side %s needs --what throughput or --what latency",
                               o.side == SIDE_LOCAL ? "local" : "remote");
    if (o.what != WHAT_LATENCY)
        FH_TRY(measure(app, &o, false, err));
    return o.what != WHAT_THROUGHPUT ? measure(app, &o, true, err) : FH_DONE;
}
