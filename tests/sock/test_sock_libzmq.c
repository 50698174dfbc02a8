/* test_sock_libzmq.c: the same random script on our sockets and on those of the installed libzmq, over inproc: each step
 * must end in the same way, with the same message. Two sockets of each pair of types, with small marks, so that queues are
 * often full or empty. Skipped, with the reason, where the tests were built without libzmq.
 *
 * tidy: exempt mirror: it looks at all sockets through the eyes of another library */
#include <stdio.h>

#include "sock_world.h"

#ifndef FH_TEST_LIBZMQ
int main(void) {
    printf("skipped: the tests were built without libzmq\n");
    return 77;
}
#else
#include <errno.h>
#include <string.h>

#include <zmq.h>

#define NAME "inproc://x"

enum { STEPS = 60, TEXT = 400 };

/* How a step ended: a word, or the parts that came, each behind a stroke. */
typedef struct outcome {
    char text[TEXT];
} outcome;

static outcome word(const char *text) {
    outcome o = {{0}};
    snprintf(o.text, sizeof o.text, "%s", text);
    return o;
}

/* --- ours ----------------------------------------------------------------------------------------------------------------- */

static outcome outcome_of(fh_status s) {
    return word(s.code == FH_OK        ? "sent"
                : s.code == FH_AGAIN   ? "again"
                : s.code == FH_INVALID ? "not now"
                                       : fh_code_name(s.code));
}

static outcome send_ours(world w, fh_sock s, const char *text) {
    fh_message m = message_of(w.a, text);
    fh_status status = fh_sock_try_send(w.c, s, &m);
    fh_message_drop(&m, w.a);
    return outcome_of(status);
}

static outcome receive_ours(world w, fh_sock s) {
    fh_message m;
    fh_status status = fh_sock_try_receive(w.c, s, &m);
    if (fh_failed(status))
        return outcome_of(status);
    outcome o = word("");
    size_t at = 0;
    for (size_t i = 0; i < fh_message_count(&m); i++) {
        fh_span part = fh_message_view(&m, i);
        int wrote = snprintf(o.text + at, TEXT - at, "|%.*s", (int)part.size, (const char *)part.at);
        at += (size_t)wrote;
    }
    fh_message_drop(&m, w.a);
    return o;
}

/* --- libzmq's ------------------------------------------------------------------------------------------------------------- */

static outcome outcome_of_zmq(void) {
    return word(errno == EAGAIN ? "again" : errno == EFSM ? "not now" : zmq_strerror(errno));
}

/* libzmq looks at what it was told only now and then, unless it is asked for its events. */
static void attend_zmq(void *s) {
    int events = 0;
    size_t size = sizeof events;
    assert_int_equal(zmq_getsockopt(s, ZMQ_EVENTS, &events, &size), 0);
}

static outcome send_zmq(void *s, const char *text) {
    attend_zmq(s);
    for (const char *part = text;; part = strchr(part, '|') + 1) {
        const char *end = strchr(part, '|');
        size_t size = end != NULL ? (size_t)(end - part) : strlen(part);
        if (zmq_send(s, part, size, ZMQ_DONTWAIT | (end != NULL ? ZMQ_SNDMORE : 0)) < 0)
            return outcome_of_zmq();
        if (end == NULL)
            return word("sent");
    }
}

static outcome receive_zmq(void *s) {
    outcome o = word("");
    size_t at = 0, size = sizeof(int);
    for (int more = 1; more != 0;) {
        char part[TEXT] = {0};
        int got = zmq_recv(s, part, sizeof part - 1, ZMQ_DONTWAIT);
        if (got < 0)
            return outcome_of_zmq();
        int wrote = snprintf(o.text + at, TEXT - at, "|%.*s", got, part);
        at += (size_t)wrote;
        assert_int_equal(zmq_getsockopt(s, ZMQ_RCVMORE, &more, &size), 0);
    }
    return o;
}

/* --- both ----------------------------------------------------------------------------------------------------------------- */

typedef struct both {
    world w;
    void *zmq;
    fh_sock ours[2];
    void *theirs[2];
    fh_zmtp_socket types[2];
} both;

static void set_both(both *b, int i, fh_sock_option option, int zmq_option, int value) {
    set(b->w, b->ours[i], option, value);
    assert_int_equal(zmq_setsockopt(b->theirs[i], zmq_option, &value, sizeof value), 0);
}

/* libzmq's REP and ROUTER take a message when they are asked whether there is one, so how full their queue is says little. */
static bool reads_ahead(fh_zmtp_socket type) {
    return type == FH_ZMTP_REP || type == FH_ZMTP_ROUTER;
}

static void begin(both *b, fh_test_rng *rng) {
    fh_err err = {0};
    b->zmq = zmq_ctx_new();
    assert_non_null(b->zmq);
    for (int i = 0; i < 2; i++) {
        b->ours[i] = open_sock(b->w, b->types[i]);
        b->theirs[i] = zmq_socket(b->zmq, (int)b->types[i]);
        assert_non_null(b->theirs[i]);
        int mark = reads_ahead(b->types[0]) || reads_ahead(b->types[1]) ? 1000 : 1 + (int)fh_test_rng_below(rng, 3);
        set_both(b, i, FH_SOCK_SEND_MARK, ZMQ_SNDHWM, b->types[i] == FH_ZMTP_SUB ? 1000 : mark);
        set_both(b, i, FH_SOCK_RECEIVE_MARK, ZMQ_RCVHWM, b->types[i] == FH_ZMTP_PUB ? 1000 : mark); /* it drops subscriptions */
        const char *name = i == 0 ? "ann" : "bob";
        fh_assert_ok(fh_sock_identify(b->w.c, b->ours[i], fh_span_of_str(name)));
        assert_int_equal(zmq_setsockopt(b->theirs[i], ZMQ_ROUTING_ID, name, 3), 0);
    }
    fh_assert_ok(fh_sock_bind(b->w.c, b->ours[0], FH_LIT(NAME), &err));
    connect_to(b->w, b->ours[1], NAME);
    assert_int_equal(zmq_bind(b->theirs[0], NAME), 0);
    assert_int_equal(zmq_connect(b->theirs[1], NAME), 0);
    attend_zmq(b->theirs[0]); /* its peer is there */
    attend_zmq(b->theirs[1]);
}

static void end(both *b) {
    for (int i = 0; i < 2; i++) {
        close_sock(b->w, b->ours[i]);
        assert_int_equal(zmq_close(b->theirs[i]), 0);
    }
    assert_int_equal(zmq_ctx_term(b->zmq), 0);
}

static void subscribe_both(both *b, int i, const char *prefix, bool wanted) {
    fh_span span = fh_span_of_str(prefix);
    if (wanted) {
        fh_assert_ok(fh_sock_subscribe(b->w.c, b->ours[i], span));
    } else {
        fh_status s = fh_sock_unsubscribe(b->w.c, b->ours[i], span);
        assert_true(s.code == FH_OK || s.code == FH_NOT_FOUND);
    }
    assert_int_equal(zmq_setsockopt(b->theirs[i], wanted ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, prefix, span.size), 0);
    attend_zmq(b->theirs[1 - i]);
}

static void step(both *b, fh_test_rng *rng, uint64_t n) {
    static const char *shapes[] = {"a", "more|b", "|", "ann|", "bob||", "ab|x|y|z"};
    static const char *prefixes[] = {"a", "ab", "b", ""};
    int i = (int)fh_test_rng_below(rng, 2);
    outcome ours, theirs;
    char text[64];
    if (b->types[i] == FH_ZMTP_SUB && fh_test_rng_below(rng, 2) == 0) {
        subscribe_both(b, i, prefixes[fh_test_rng_below(rng, 4)], fh_test_rng_below(rng, 2) == 0);
        return;
    }
    bool sends = b->types[i] != FH_ZMTP_PULL && b->types[i] != FH_ZMTP_SUB;
    bool receives = b->types[i] != FH_ZMTP_PUSH && b->types[i] != FH_ZMTP_PUB;
    bool send = sends && (!receives || fh_test_rng_below(rng, 2) == 0);
    if (send) {
        snprintf(text, sizeof text, "%s%llu", shapes[fh_test_rng_below(rng, 6)], (unsigned long long)n);
        ours = send_ours(b->w, b->ours[i], text);
        theirs = send_zmq(b->theirs[i], text);
    } else {
        ours = receive_ours(b->w, b->ours[i]);
        theirs = receive_zmq(b->theirs[i]);
    }
    if (strcmp(ours.text, theirs.text) != 0)
        fail_msg("step %llu, type %d of %d and %d, %s: ours %s, libzmq's %s", (unsigned long long)n, (int)b->types[i],
                 (int)b->types[0], (int)b->types[1], send ? text : "receive", ours.text, theirs.text);
}

static void test_same(void **state) {
    static const fh_zmtp_socket pairs[][2] = {
        {FH_ZMTP_PAIR, FH_ZMTP_PAIR},     {FH_ZMTP_PUSH, FH_ZMTP_PULL},     {FH_ZMTP_PULL, FH_ZMTP_PUSH},
        {FH_ZMTP_DEALER, FH_ZMTP_DEALER}, {FH_ZMTP_DEALER, FH_ZMTP_REP},    {FH_ZMTP_REP, FH_ZMTP_REQ},
        {FH_ZMTP_ROUTER, FH_ZMTP_REQ},    {FH_ZMTP_ROUTER, FH_ZMTP_DEALER}, {FH_ZMTP_ROUTER, FH_ZMTP_ROUTER},
        {FH_ZMTP_PUB, FH_ZMTP_SUB},       {FH_ZMTP_SUB, FH_ZMTP_PUB},
    };
    fh_test_rng rng = fh_test_rng_new(11);
    for (uint64_t lot = 0; lot < 20; lot++)
        for (size_t p = 0; p < sizeof pairs / sizeof pairs[0]; p++) {
            both b = {.w = world_new(state), .types = {pairs[p][0], pairs[p][1]}};
            begin(&b, &rng);
            for (uint64_t n = 0; n < STEPS; n++)
                step(&b, &rng, n);
            end(&b);
            world_free(b.w);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
