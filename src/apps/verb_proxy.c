/* verb_proxy.c: `freehold zmq proxy`: fh_sock_proxy as a program.
 *
 * The proxy runs on a thread of its own. The main thread listens to the control socket and to Ctrl-C, and hands commands on
 * over a pair of sockets, so that neither waits for the other.
 *
 * Threading: two threads that share the context, and no socket. */
#include "apps/zmq_verbs.h"

#define KIND_WORDS "queue|forwarder|streamer"
#define STEERING FH_LIT("inproc://freehold.proxy")
enum { LOOK_MS = 100, SHOW_EVERY = 5 };

typedef struct proxy_options {
    fh_cli_texts front, back, capture, control;
    uint64_t kind;
    bool json;
} proxy_options;

typedef struct proxy_thread {
    fh_mut fh_sock_context *context;
    fh_ref fh_allocator *heap;
    fh_sock_proxy_sockets sockets;
    fh_sock_proxy_counts counts;
    fh_status status;
} proxy_thread;

static void run(fh_mut fh_view(1) void *ctx) {
    proxy_thread *p = ctx;
    p->status = fh_sock_proxy(p->context, p->heap, &p->sockets, &p->counts);
}

static fh_zmtp_socket front_type(uint64_t kind) {
    return kind == 0 ? FH_ZMTP_ROUTER : kind == 1 ? FH_ZMTP_XSUB : FH_ZMTP_PULL;
}

static fh_zmtp_socket back_type(uint64_t kind) {
    return kind == 0 ? FH_ZMTP_DEALER : kind == 1 ? FH_ZMTP_XPUB : FH_ZMTP_PUSH;
}

static fh_status open_sock(fh_mut fh_sock_context *c, fh_zmtp_socket type, fh_ref const fh_cli_texts *endpoints,
                           fh_out fh_sock *s, fh_mut fh_err *err) {
    s->value = 0;
    if (endpoints->count == 0)
        return FH_DONE;
    FH_TRY(fh_sock_open(c, type, s));
    FH_TRY(fh_sock_set(c, *s, FH_SOCK_LINGER, 0));
    return fh_zmq_attach(c, *s, endpoints, true, err);
}

static fh_status say(fh_mut fh_sock_context *c, fh_ref fh_allocator *heap, fh_sock s, fh_span text) {
    fh_message m = {0};
    fh_status status = fh_message_push_copy(&m, heap, text);
    if (!fh_failed(status))
        status = fh_sock_send(c, s, &m);
    fh_message_drop(&m, heap);
    return status;
}

/* A command of somebody else goes to the proxy, and its answer back. What is no request is dropped where it comes in, and
 * leaves nothing to receive. */
static fh_status relay(fh_mut fh_sock_context *c, fh_ref fh_allocator *heap, fh_sock control, fh_sock steering,
                       fh_mut bool *over) {
    fh_message m;
    fh_status s = fh_sock_try_receive(c, control, &m);
    if (s.code == FH_AGAIN)
        return FH_DONE;
    FH_TRY(s);
    bool asks = fh_span_is(fh_message_view(&m, 0), "STATISTICS");
    *over = fh_span_is(fh_message_view(&m, 0), "TERMINATE");
    s = fh_sock_send(c, steering, &m);
    fh_message_drop(&m, heap);
    FH_TRY(s);
    if (!asks)
        return say(c, heap, control, FH_LIT(""));
    FH_TRY(fh_sock_receive(c, steering, &m));
    s = fh_sock_send(c, control, &m);
    fh_message_drop(&m, heap);
    return s;
}

/* One line for a person: what has gone through so far. */
static fh_status show(fh_mut fh_app *app, fh_mut fh_sock_context *c, fh_sock steering) {
    fh_message m;
    FH_TRY(say(c, app->heap, steering, FH_LIT("STATISTICS")));
    FH_TRY(fh_sock_receive(c, steering, &m));
    if (fh_message_count(&m) == 8)
        FH_SAY(&app->err, "\r\x1b[Kto the back %s · to the front %s",
               fh_word_count(fh_span_u64(fh_message_view(&m, 6), 0)).text,
               fh_word_count(fh_span_u64(fh_message_view(&m, 2), 0)).text);
    fh_message_drop(&m, app->heap);
    fh_term_flush(&app->err);
    return app->err.status;
}

/* Until somebody says that it is enough. */
static fh_status steer(fh_mut fh_app *app, fh_mut fh_sock_context *c, fh_sock control, fh_sock steering) {
    bool over = false;
    for (uint64_t looks = 0; !over && fh_os_interrupts() == 0; looks++) {
        if (app->err.terminal && looks % SHOW_EVERY == 0)
            FH_TRY(show(app, c, steering));
        if (control.value == 0)
            fh_os_nap(LOOK_MS * UINT64_C(1000000));
        else if (fh_zmq_await(c, control, FH_SOCK_READABLE, LOOK_MS))
            FH_TRY(relay(c, app->heap, control, steering, &over));
    }
    if (app->err.terminal)
        FH_SAY(&app->err, "\r\x1b[K");
    return over ? FH_DONE : say(c, app->heap, steering, FH_LIT("TERMINATE"));
}

static void put_counts(fh_mut fh_app *app, bool json, fh_sock_traffic front, fh_sock_traffic back) {
    fh_term *t = &app->out;
    if (json) {
        FH_SAY(t, "{\"to_back\": {\"messages\": %llu, \"bytes\": %llu}, ", (unsigned long long)back.messages_out,
               (unsigned long long)back.bytes_out);
        FH_SAY(t, "\"to_front\": {\"messages\": %llu, \"bytes\": %llu}}\n", (unsigned long long)front.messages_out,
               (unsigned long long)front.bytes_out);
        return;
    }
    FH_SAY(t, "to the back   %s messages, %s\n", fh_word_count(back.messages_out).text, fh_word_bytes(back.bytes_out).text);
    FH_SAY(t, "to the front  %s messages, %s\n", fh_word_count(front.messages_out).text, fh_word_bytes(front.bytes_out).text);
}

/* With all sockets there: the thread, and its end. */
static fh_status run_both(fh_mut fh_app *app, fh_mut fh_sock_context *c, fh_ref const proxy_options *o,
                          fh_sock_proxy_sockets at, fh_sock control, fh_sock steering) {
    proxy_thread p = {.context = c, .heap = app->heap, .sockets = at};
    fh_os_thread *thread;
    FH_TRY(fh_os_thread_start(run, &p, &thread));
    fh_status s = steer(app, c, control, steering);
    if (fh_failed(s))
        fh_sock_context_stop(c);
    fh_os_thread_join(thread);
    put_counts(app, o->json, p.counts.frontend, p.counts.backend);
    return fh_failed(s) ? s : p.status;
}

static fh_status run_proxy(fh_mut fh_app *app, fh_mut fh_sock_context *c, fh_ref const proxy_options *o, fh_mut fh_err *err) {
    fh_sock_proxy_sockets at = {.frontend = {0}};
    fh_sock control, steering;
    FH_TRY(open_sock(c, front_type(o->kind), &o->front, &at.frontend, err));
    FH_TRY(open_sock(c, back_type(o->kind), &o->back, &at.backend, err));
    FH_TRY(open_sock(c, FH_ZMTP_PUB, &o->capture, &at.capture, err));
    FH_TRY(open_sock(c, FH_ZMTP_REP, &o->control, &control, err));
    FH_TRY(fh_sock_open(c, FH_ZMTP_PAIR, &at.control));
    FH_TRY(fh_sock_open(c, FH_ZMTP_PAIR, &steering));
    FH_TRY(fh_sock_bind(c, at.control, STEERING, err));
    FH_TRY(fh_sock_connect(c, steering, STEERING, err));
    return run_both(app, c, o, at, control, steering);
}

static const char examples[] =
    "freehold zmq proxy -f tcp://*:5559 -b tcp://*:5560                     questions of many to many workers\n"
    "freehold zmq proxy --kind forwarder -f '>tcp://pub:5556' -b tcp://*:8100\n"
    "freehold zmq proxy --kind streamer -f tcp://*:1 -b tcp://*:2 --capture tcp://*:3 --control tcp://*:4";

static const char notes[] =
    "queue: ROUTER in front, DEALER behind; forwarder: XSUB, XPUB; streamer: PULL, PUSH. Endpoints are bound; with '>' in\n"
    "front they are connected to. The control is a REP that takes PAUSE, RESUME, TERMINATE and STATISTICS. Ctrl-C ends it.";

fh_status fh_zmq_proxy(fh_app *app, fh_views args, fh_err *err) {
    proxy_options o = {.kind = 0};
    fh_cli_option options[] = {
        {.letter = 'f', .name = "--front", .kind = FH_CLI_TEXTS, .value = "ENDPOINT", .to.texts = &o.front,
         .help = "where messages come from; may be given several times"},
        {.letter = 'b', .name = "--back", .kind = FH_CLI_TEXTS, .value = "ENDPOINT", .to.texts = &o.back,
         .help = "where they go to; may be given several times"},
        {.name = "--kind", .kind = FH_CLI_CHOICE, .value = KIND_WORDS, .to.number = &o.kind, .help = "default queue"},
        {.name = "--capture", .kind = FH_CLI_TEXTS, .value = "ENDPOINT", .to.texts = &o.capture,
         .help = "a PUB that gets a copy of each message"},
        {.name = "--control", .kind = FH_CLI_TEXTS, .value = "ENDPOINT", .to.texts = &o.control,
         .help = "a REP that takes commands"},
        {.name = "--json", .kind = FH_CLI_FLAG, .to.flag = &o.json, .help = "the counts at the end as one JSON object"},
    };
    fh_cli cli = {.verb = "zmq proxy", .summary = "pass messages between two sockets", .examples = examples, .notes = notes,
                  .options = {options, sizeof options / sizeof options[0]}};
    bool done = false;
    FH_TRY(fh_app_parse(app, &cli, args, &done, err));
    if (done)
        return FH_DONE;
    if (o.front.count == 0 || o.back.count == 0)
        return FH_REFUSE_USAGE(app, err, "expected --front ENDPOINT and --back ENDPOINT");
    fh_sock_context *c;
    FH_TRY(fh_sock_context_new(app->heap, NULL, &c));
    fh_os_interrupt_watch();
    fh_status s = run_proxy(app, c, &o, err);
    fh_sock_context_stop(c);
    fh_sock_context_free(c);
    return s;
}
