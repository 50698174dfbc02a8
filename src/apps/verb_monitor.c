/* verb_monitor.c: `freehold zmq monitor`: a socket, and a table of what happens to its connections.
 *
 * What the socket receives is dropped, and counted. Threading: the main thread; the context has its own. */
#include "apps/zmq_verbs.h"

#include "freehold/json.h"

enum { LOOK_MS = 100 };
#define TYPE_WORDS "pair|pub|sub|req|rep|dealer|router|pull|push|xpub|xsub|stream"

typedef struct monitor {
    fh_mut fh_app *app;
    fh_mut fh_sock_context *context;
    fh_sock socket;
    uint64_t since_ns, events, messages;
    bool json;
} monitor;

fh_static static const char *name_of(fh_sock_happening kind) {
#define FH_NAME(name, number)  \
    case FH_SOCK_IS_##name: \
        return #name;
    switch (kind) {
        FH_SOCK_HAPPENINGS(FH_NAME)
    case FH_SOCK_IS_ANY:
        break;
    }
#undef FH_NAME
    return "?";
}

/* What its value means. */
static void put_value(fh_mut fh_term *t, fh_ref const fh_sock_event *e) {
    bool fault = e->kind == FH_SOCK_IS_HANDSHAKE_FAILED_PROTOCOL || e->kind == FH_SOCK_IS_HANDSHAKE_FAILED ||
                 e->kind == FH_SOCK_IS_DISCONNECTED;
    bool number = e->kind == FH_SOCK_IS_BIND_FAILED || e->kind == FH_SOCK_IS_ACCEPT_FAILED || e->kind == FH_SOCK_IS_CLOSED;
    if (fault && e->value > 0 && e->value < FH_ZMTP_FAULT_COUNT)
        FH_SAY(t, "  %s", fh_zmtp_fault_text((fh_zmtp_fault_kind)e->value));
    else if (number && e->value != 0)
        FH_SAY(t, "  errno %lld", (long long)e->value);
    else if (e->kind == FH_SOCK_IS_CONNECT_RETRIED)
        FH_SAY(t, "  in %lld ms", (long long)e->value);
    else if (e->kind == FH_SOCK_IS_HANDSHAKE_FAILED_AUTH && e->value != 0)
        FH_SAY(t, "  status %lld", (long long)e->value);
}

static fh_status put_json(fh_mut monitor *m, fh_ref const fh_sock_event *e, double seconds) {
    fh_auto(fh_buf_deinit) fh_buf text;
    fh_buf_init(&text, m->app->heap, 0);
    fh_json_writer w;
    fh_json_writer_init(&w, &text, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(fh_json_key(&w, "seconds"));
    FH_TRY(fh_json_put_f64(&w, seconds));
    FH_TRY(fh_json_key(&w, "event"));
    FH_TRY(fh_json_put_text(&w, fh_span_of_str(name_of(e->kind))));
    FH_TRY(fh_json_key(&w, "value"));
    FH_TRY(fh_json_put_i64(&w, e->value));
    FH_TRY(fh_json_key(&w, "endpoint"));
    FH_TRY(fh_json_put_text(&w, e->endpoint.span));
    FH_TRY(fh_json_close(&w, true));
    fh_term_put(&m->app->out, fh_buf_view(&text));
    fh_term_put(&m->app->out, FH_LIT("\n"));
    return FH_DONE;
}

static void put_row(fh_mut fh_term *t, fh_ref const fh_sock_event *e, double seconds) {
    if (e->lost != 0)
        FH_SAY(t, "             %llu events were lost\n", (unsigned long long)e->lost);
    FH_SAY(t, "%9.3f s  %-26s ", seconds, name_of(e->kind));
    (void)fh_term_put_safe(t, e->endpoint.span, false, 0);
    put_value(t, e);
    fh_term_put(t, FH_LIT("\n"));
}

static fh_status put_event(fh_mut monitor *m, fh_ref const fh_sock_event *e) {
    double seconds = (double)(fh_os_clock_ns() - m->since_ns) / 1e9;
    m->events++;
    if (m->json)
        FH_TRY(put_json(m, e, seconds));
    else
        put_row(&m->app->out, e, seconds);
    fh_term_flush(&m->app->out);
    return m->app->out.status;
}

/* Everything that has happened, and what has come. */
static fh_status look(fh_mut monitor *m) {
    fh_sock_event e;
    fh_message message;
    fh_status s = fh_sock_event_next(m->context, m->socket, &e);
    for (; !fh_failed(s); s = fh_sock_event_next(m->context, m->socket, &e)) {
        fh_status put = put_event(m, &e);
        fh_sock_event_drop(&e);
        FH_TRY(put);
    }
    if (s.code != FH_AGAIN)
        return s;
    while (!fh_failed(fh_sock_try_receive(m->context, m->socket, &message))) {
        fh_message_drop(&message, m->app->heap);
        m->messages++;
    }
    return FH_DONE;
}

static fh_status watch(fh_mut monitor *m, uint64_t seconds, uint64_t most) {
    uint64_t end_ns = seconds != 0 ? m->since_ns + seconds * UINT64_C(1000000000) : UINT64_MAX;
    while (fh_os_interrupts() == 0 && fh_os_clock_ns() < end_ns && (most == 0 || m->events < most)) {
        if (fh_zmq_await(m->context, m->socket, FH_SOCK_HAPPENED | FH_SOCK_READABLE, LOOK_MS))
            FH_TRY(look(m));
    }
    if (!m->json)
        FH_SAY(&m->app->out, "%s events, %s messages\n", fh_word_count(m->events).text, fh_word_count(m->messages).text);
    return m->app->out.status;
}

static fh_status open_and_watch(fh_mut monitor *m, uint64_t type, fh_ref const fh_cli_operands *endpoints, bool bind,
                                uint64_t seconds, uint64_t most, fh_mut fh_err *err) {
    fh_cli_texts all = {.count = 0};
    FH_TRY(fh_sock_open(m->context, (fh_zmtp_socket)type, &m->socket));
    FH_TRY(fh_sock_monitor(m->context, m->socket, FH_SOCK_IS_ANY));
    if (type == FH_ZMTP_SUB)
        FH_TRY(fh_sock_subscribe(m->context, m->socket, FH_LIT("")));
    for (; all.count < endpoints->count; all.count++)
        all.at[all.count] = endpoints->at[all.count];
    m->since_ns = fh_os_clock_ns();
    FH_TRY(fh_zmq_attach(m->context, m->socket, &all, bind, err));
    return watch(m, seconds, most);
}

static const char examples[] = "freehold zmq monitor tcp://127.0.0.1:5556                  does a publisher let me in?\n"
                               "freehold zmq monitor --type pull --bind 'tcp://*:5557'     who comes and goes here\n"
                               "freehold zmq monitor --seconds 10 --json tcp://host:1";

fh_status fh_zmq_monitor(fh_app *app, fh_views args, fh_err *err) {
    fh_cli_operands endpoints = {.count = 0};
    uint64_t type = FH_ZMTP_SUB, seconds = 0, most = 0;
    bool bind = false, json = false;
    fh_cli_option options[] = {
        {.letter = 't', .name = "--type", .kind = FH_CLI_CHOICE, .value = TYPE_WORDS, .to.number = &type,
         .help = "the type of the socket; default sub"},
        {.name = "--bind", .kind = FH_CLI_FLAG, .to.flag = &bind, .help = "bind the endpoints; else they are connected to"},
        {.name = "--seconds", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &seconds, .max = 1 << 30,
         .help = "end after so long; default: at Ctrl-C"},
        {.name = "--events", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &most, .max = 1 << 30,
         .help = "end after so many events"},
        {.name = "--json", .kind = FH_CLI_FLAG, .to.flag = &json, .help = "each event as a JSON object on a line"},
    };
    fh_cli cli = {.verb = "zmq monitor", .summary = "watch what happens to the connections of a socket", .examples = examples,
                  .options = {options, sizeof options / sizeof options[0]}, .operand_name = "ENDPOINT", .operands = &endpoints};
    bool done = false;
    FH_TRY(fh_app_parse(app, &cli, args, &done, err));
    if (done)
        return FH_DONE;
    if (endpoints.count > FH_CLI_TEXTS_MAX)
        return FH_REFUSE_USAGE(app, err, "found %zu endpoints, expected at most %d", endpoints.count, FH_CLI_TEXTS_MAX);
    fh_sock_context *c;
    FH_TRY(fh_sock_context_new(app->heap, NULL, &c));
    fh_os_interrupt_watch();
    monitor m = {.app = app, .context = c, .json = json};
    fh_status s = open_and_watch(&m, type, &endpoints, bind, seconds, most, err);
    fh_sock_context_stop(c);
    fh_sock_context_free(c);
    return s;
}
