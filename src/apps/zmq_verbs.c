/* zmq_verbs.c: `freehold zmq`: its parts, and what they share (zmq_verbs.h). Threading: zmq_verbs.h. */
#include "apps/zmq_verbs.h"

typedef struct part {
    const char *name, *summary;
    fh_status (*main)(fh_app *app, fh_views args, fh_err *err);
} part;

static const part parts[] = {
    {"proxy", "pass messages between two sockets", fh_zmq_proxy},
    {"monitor", "watch what happens to the connections of a socket", fh_zmq_monitor},
    {"perf", "measure throughput and latency", fh_zmq_perf},
};
enum { PARTS = sizeof parts / sizeof parts[0] };

fh_status fh_zmq_attach(fh_sock_context *c, fh_sock s, const fh_cli_texts *endpoints, bool binds, fh_err *err) {
    for (size_t i = 0; i < endpoints->count; i++) {
        fh_span name = endpoints->at[i];
        bool turned = fh_span_starts(name, FH_LIT(">")) || fh_span_starts(name, FH_LIT("@"));
        bool bind = turned ? fh_span_at(name, 0) == '@' : binds;
        fh_span endpoint = fh_span_from(name, turned ? 1 : 0);
        FH_TRY(bind ? fh_sock_bind(c, s, endpoint, err) : fh_sock_connect(c, s, endpoint, err));
    }
    return FH_DONE;
}

bool fh_zmq_await(fh_sock_context *c, fh_sock s, uint32_t wanted, int64_t timeout_ms) {
    fh_sock_poll_item item[1] = {{.socket = s, .wanted = wanted}};
    size_t count = 0;
    fh_status status = fh_sock_poll(c, (fh_sock_poll_items){item, 1}, timeout_ms, &count);
    return !fh_failed(status) && count != 0;
}

static void put_help(fh_mut fh_term *t) {
    const char *bold = fh_term_style(t, FH_BOLD), *plain = fh_term_style(t, FH_PLAIN), *cyan = fh_term_style(t, FH_CYAN);
    FH_SAY(t, "%sfreehold zmq%s: sockets of ZeroMQ's patterns\n\n%sExamples%s\n", bold, plain, bold, plain);
    FH_SAY(t, "  freehold zmq proxy -f tcp://*:5559 -b tcp://*:5560\n"
              "  freehold zmq monitor tcp://127.0.0.1:5559\n"
              "  freehold zmq perf\n");
    FH_SAY(t, "\n%sParts%s\n", bold, plain);
    for (size_t i = 0; i < PARTS; i++)
        FH_SAY(t, "  %s%-9s%s %s\n", cyan, parts[i].name, plain, parts[i].summary);
    FH_SAY(t, "\nfreehold zmq PART --help tells more.\n");
}

fh_status fh_verb_zmq(fh_app *app, fh_views args, fh_err *err) {
    if (args.count == 0)
        return FH_REFUSE_USAGE(app, err, "expected proxy, monitor or perf");
    fh_span name = fh_views_get(args, 0);
    if (fh_span_is(name, "--help") || fh_span_is(name, "-h")) {
        put_help(&app->out);
        return FH_DONE;
    }
    for (size_t i = 0; i < PARTS; i++)
        if (fh_span_is(name, parts[i].name))
            return parts[i].main(app, fh_views_sub(args, 1, args.count - 1), err);
    return FH_REFUSE_USAGE(app, err, "found '%.*s', expected proxy, monitor or perf", FH_SPAN_FMT(name));
}
