/* test_conn_libzmq.c: sockets beside those of the installed libzmq, between processes as it were: each pair of types, each of
 * the two being ours, each of them binding, over tcp and ipc, with NULL, PLAIN and CURVE. A conversation is written down, part
 * by part, and must read as it does between two sockets of libzmq. So do what an XPUB hears and gives, with its options, and
 * what a STREAM and a CONFLATE do. Skipped, with the reason, where the tests were built without libzmq.
 *
 * tidy: exempt mirror: it looks at the whole layer through the eyes of another program */
#include "conn_world.h"

#ifndef FH_TEST_LIBZMQ
int main(void) {
    printf("skipped: the tests were built without libzmq\n");
    return 77;
}
#else
#include <pthread.h>
#include <string.h>
#include <zmq.h>

#include "proto/box.h"
#include "libzmq_zap.h"

enum { LARGE = 100000, PARTS = 6, TEXT = 4096, AGAIN_MS = 100 };

static uint8_t large[LARGE + PARTS], keys[4][32]; /* secret and public of the server, of the client */

/* --- players -------------------------------------------------------------------------------------------------------------- */

/* A socket, ours or libzmq's. */
typedef struct player {
    world w;
    fh_sock ours;
    void *theirs; /* NULL: it is ours */
    fh_zmtp_socket type; /* libzmq has the same numbers */
    const char *name;
} player;

/* The stage: both libraries. */
typedef struct stage {
    world w;
    void *zmq, *handler;
    pthread_t zap;
} stage;

/* What was received, or not. */
typedef struct record {
    char text[TEXT];
    size_t used;
} record;

static void write_down(record *r, const char *text) {
    int wrote = snprintf(r->text + r->used, sizeof r->text - r->used, "%s ", text);
    r->used += (size_t)wrote;
    assert_true(r->used < sizeof r->text);
}

static void write_part(record *r, fh_span part) {
    char text[48];
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < part.size; i++)
        hash = (hash ^ part.at[i]) * 16777619u;
    if (part.size < 16)
        for (size_t i = 0; i <= part.size; i++) /* a 1 or 0 in front of a prefix can be read */
            text[i] = (char)(i == part.size ? 0 : part.at[i] < ' ' ? part.at[i] + '0' : part.at[i]);
    else
        snprintf(text, sizeof text, "%zu:%08x", part.size, (unsigned)hash);
    write_down(r, text);
}

static void option(void *socket, int name, const void *value, size_t size) {
    if (zmq_setsockopt(socket, name, value, size) != 0)
        fail_msg("option %d: %s", name, zmq_strerror(zmq_errno()));
}

static player open_player(stage *s, fh_zmtp_socket type, bool ours, const char *name) {
    player p = {.w = s->w, .type = type, .name = name};
    int wait = LONG_MS, linger = 0, one = 1;
    if (ours) {
        p.ours = open_patient(s->w, type);
        set(s->w, p.ours, FH_SOCK_LINGER, 0);
        set(s->w, p.ours, FH_SOCK_ROUTER_MANDATORY, 1);
        fh_assert_ok(fh_sock_identify(s->w.c, p.ours, fh_span_of_str(name)));
        return p;
    }
    p.theirs = zmq_socket(s->zmq, (int)type);
    assert_non_null(p.theirs);
    option(p.theirs, ZMQ_RCVTIMEO, &wait, sizeof wait);
    option(p.theirs, ZMQ_SNDTIMEO, &wait, sizeof wait);
    option(p.theirs, ZMQ_LINGER, &linger, sizeof linger);
    option(p.theirs, ZMQ_ROUTING_ID, name, strlen(name));
    if (type == FH_ZMTP_ROUTER)
        option(p.theirs, ZMQ_ROUTER_MANDATORY, &one, sizeof one);
    return p;
}

static void close_player(player *p) {
    if (p->theirs != NULL)
        assert_int_equal(zmq_close(p->theirs), 0);
    else
        close_sock(p->w, p->ours);
}

static void set_player(player *p, fh_sock_option ours, int value) {
    if (p->theirs != NULL)
        option(p->theirs, (int)ours, &value, sizeof value);
    else
        set(p->w, p->ours, ours, value);
}

static void secure(player *p, fh_zmtp_mechanism mechanism, bool server) {
    int one = 1;
    fh_sock_security s = {.mechanism = mechanism, .server = server, .username = FH_LIT("user"), .password = FH_LIT("secret"),
                          .secret_key = {keys[server ? 0 : 2], 32}, .public_key = {keys[server ? 1 : 3], 32},
                          .server_key = {keys[1], 32}};
    if (p->theirs == NULL) {
        fh_assert_ok(fh_sock_secure(p->w.c, p->ours, &s));
    } else if (mechanism == FH_ZMTP_PLAIN && server) {
        option(p->theirs, ZMQ_PLAIN_SERVER, &one, sizeof one);
    } else if (mechanism == FH_ZMTP_PLAIN) {
        option(p->theirs, ZMQ_PLAIN_USERNAME, "user", 4);
        option(p->theirs, ZMQ_PLAIN_PASSWORD, "secret", 6);
    } else if (mechanism == FH_ZMTP_CURVE) {
        option(p->theirs, ZMQ_CURVE_SECRETKEY, s.secret_key.at, 32);
        option(p->theirs, ZMQ_CURVE_PUBLICKEY, s.public_key.at, 32);
        if (server)
            option(p->theirs, ZMQ_CURVE_SERVER, &one, sizeof one);
        else
            option(p->theirs, ZMQ_CURVE_SERVERKEY, keys[1], 32);
    }
}

static wire_name bind_player(player *p, transport t) {
    wire_name n = fresh_name(t);
    size_t size = sizeof n.text;
    if (p->theirs == NULL)
        return bind_fresh(p->w, p->ours, t);
    if (zmq_bind(p->theirs, n.text) != 0 || zmq_getsockopt(p->theirs, ZMQ_LAST_ENDPOINT, n.text, &size) != 0)
        fail_msg("%s: %s", n.text, zmq_strerror(zmq_errno()));
    return n;
}

static void connect_player(player *p, wire_name n) {
    if (p->theirs == NULL)
        connect_to(p->w, p->ours, n.text);
    else
        assert_int_equal(zmq_connect(p->theirs, n.text), 0);
}

static void meet(player *binds, player *connects, transport t) {
    wire_name n = bind_player(binds, t);
    connect_player(connects, n);
}

/* A socket attends to its connections only while it is asked something. True if a message has come. */
static bool attend(player *p) {
    int events = 0;
    size_t size = sizeof events;
    if (p->theirs != NULL)
        assert_int_equal(zmq_getsockopt(p->theirs, ZMQ_EVENTS, &events, &size), 0);
    else
        events = (int)get(p->w, p->ours, FH_SOCK_EVENTS);
    fh_os_nap(100000);
    return (events & ZMQ_POLLIN) != 0;
}

/* False: a ROUTER does not know its peer yet. */
static bool try_say(player *p, const fh_span *parts, int count) {
    fh_message m = {0};
    for (int i = 0; i < count && p->theirs != NULL; i++) {
        int sent = zmq_send(p->theirs, parts[i].at, parts[i].size, i + 1 < count ? ZMQ_SNDMORE : 0);
        if (sent < 0 && zmq_errno() == EHOSTUNREACH)
            return false;
        if (sent < 0)
            fail_msg("libzmq's %s sends: %s", p->name, zmq_strerror(zmq_errno()));
    }
    if (p->theirs != NULL)
        return true;
    for (int i = 0; i < count; i++)
        fh_assert_ok(fh_message_push_copy(&m, p->w.a, parts[i]));
    fh_status s = fh_sock_send(p->w.c, p->ours, &m);
    fh_message_drop(&m, p->w.a);
    if (s.code != FH_NOT_FOUND)
        fh_assert_ok(s);
    return s.code == FH_OK;
}

static void say_parts(player *p, const fh_span *parts, int count) {
    while (!try_say(p, parts, count))
        (void)attend(p);
}

static void say_text(player *p, const char *text) {
    fh_span part = fh_span_of_str(text);
    say_parts(p, &part, 1);
}

static const char *word_of(fh_code code) {
    return code == FH_AGAIN ? "again" : code == FH_INVALID ? "not-now" : code == FH_UNSUPPORTED ? "never" : fh_code_name(code);
}

static const char *word_of_zmq(void) {
    int error = zmq_errno();
    return error == EAGAIN ? "again" : error == EFSM ? "not-now" : error == ENOTSUP ? "never" : zmq_strerror(error);
}

/* The next message, or why there is none; false then. */
static bool hear_message(player *p, record *r, bool waits) {
    static uint8_t got[LARGE + PARTS];
    fh_message m = {0};
    if (p->theirs == NULL) {
        fh_status s = waits ? fh_sock_receive(p->w.c, p->ours, &m) : fh_sock_try_receive(p->w.c, p->ours, &m);
        for (size_t i = 0; i < fh_message_count(&m); i++)
            write_part(r, fh_message_view(&m, i));
        write_down(r, fh_failed(s) ? word_of(s.code) : ".");
        fh_message_drop(&m, p->w.a);
        return !fh_failed(s);
    }
    for (int more = 1; more != 0;) {
        size_t size = sizeof more;
        int n = zmq_recv(p->theirs, got, sizeof got, waits ? 0 : ZMQ_DONTWAIT);
        if (n < 0) {
            write_down(r, word_of_zmq());
            return false;
        }
        write_part(r, (fh_span){got, (size_t)n});
        assert_int_equal(zmq_getsockopt(p->theirs, ZMQ_RCVMORE, &more, &size), 0);
    }
    write_down(r, ".");
    return true;
}

/* --- the stage ------------------------------------------------------------------------------------------------------------ */

static stage open_stage(void **state) {
    stage s = {.w = world_new(state), .zmq = zmq_ctx_new()};
    assert_non_null(s.zmq);
    s.handler = zmq_socket(s.zmq, ZMQ_REP);
    assert_true(s.handler != NULL && zmq_bind(s.handler, "inproc://zeromq.zap.01") == 0);
    assert_int_equal(pthread_create(&s.zap, NULL, let_in, s.handler), 0);
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i / 3);
    return s;
}

static void close_stage(stage *s) {
    world_stop(s->w);
    assert_int_equal(zmq_ctx_shutdown(s->zmq), 0);
    assert_int_equal(pthread_join(s->zap, NULL), 0);
    assert_int_equal(zmq_ctx_term(s->zmq), 0);
}

/* --- conversations -------------------------------------------------------------------------------------------------------- */

static const fh_zmtp_socket pairs[][2] = { /* the left one begins */
    {FH_ZMTP_REQ, FH_ZMTP_REP},       {FH_ZMTP_REQ, FH_ZMTP_ROUTER},    {FH_ZMTP_DEALER, FH_ZMTP_REP},
    {FH_ZMTP_DEALER, FH_ZMTP_ROUTER}, {FH_ZMTP_DEALER, FH_ZMTP_DEALER}, {FH_ZMTP_ROUTER, FH_ZMTP_ROUTER},
    {FH_ZMTP_PUB, FH_ZMTP_SUB},       {FH_ZMTP_PUB, FH_ZMTP_XSUB},      {FH_ZMTP_XPUB, FH_ZMTP_SUB},
    {FH_ZMTP_XPUB, FH_ZMTP_XSUB},     {FH_ZMTP_PUSH, FH_ZMTP_PULL},     {FH_ZMTP_PAIR, FH_ZMTP_PAIR},
};
enum { PAIRS = sizeof pairs / sizeof *pairs };

static const struct {
    int count;
    size_t sizes[PARTS];
} bodies[] = {{1, {5}}, {1, {0}}, {3, {3, 0, 7}}, {4, {1, LARGE, 0, 70000}}};
enum { BODIES = sizeof bodies / sizeof *bodies };

static bool publishes(const player *p) {
    return p->type == FH_ZMTP_PUB || p->type == FH_ZMTP_XPUB;
}

/* One body, with what has to be in front of it. */
static void say_body(player *from, const player *to, int body) {
    fh_span parts[PARTS + 2];
    int count = 0;
    if (publishes(from))
        say_text(from, "unwanted");
    if (publishes(from))
        parts[count++] = FH_LIT("topic");
    if (from->type == FH_ZMTP_ROUTER)
        parts[count++] = fh_span_of_str(to->name);
    if ((from->type == FH_ZMTP_ROUTER && to->type == FH_ZMTP_REQ) || (from->type == FH_ZMTP_DEALER && to->type == FH_ZMTP_REP))
        parts[count++] = FH_LIT("");
    for (int i = 0; i < bodies[body].count; i++)
        parts[count++] = (fh_span){large + i, bodies[body].sizes[i]};
    say_parts(from, parts, count);
}

static void subscribe(player *p, const char *prefix, bool wanted) {
    char text[32];
    fh_span span = fh_span_of_str(prefix);
    snprintf(text, sizeof text, "%c%s", wanted ? 1 : 0, prefix);
    fh_span spoken = {(const uint8_t *)text, span.size + 1};
    if (p->type == FH_ZMTP_XSUB)
        say_parts(p, &spoken, 1);
    else if (p->theirs != NULL)
        option(p->theirs, wanted ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, prefix, span.size);
    else
        fh_assert_ok(wanted ? fh_sock_subscribe(p->w.c, p->ours, span) : fh_sock_unsubscribe(p->w.c, p->ours, span));
}

/* Returns when the subscription counts, and nothing is on its way. */
static void tune_in(player *pub, player *sub) {
    record r = {.used = 0};
    subscribe(sub, "topic", true);
    for (bool heard = false; !heard; r.used = 0) {
        say_text(pub, "topic?");
        (void)attend(pub);
        heard = hear_message(sub, &r, false);
    }
    say_text(pub, "topic!");
    for (bool last = false; !last; r.used = 0) {
        assert_true(hear_message(sub, &r, true));
        last = strcmp(r.text, "topic! . ") == 0;
    }
}

/* All bodies from left to right, and back where that can be; then each of them looks for one more. */
static void converse(player *left, player *right, record *r) {
    bool answers = !publishes(left) && left->type != FH_ZMTP_PUSH;
    if (publishes(left))
        tune_in(left, right);
    for (int i = 0; i < BODIES; i++) {
        say_body(left, right, i);
        (void)hear_message(right, r, true);
        if (!answers)
            continue;
        say_body(right, left, i);
        (void)hear_message(left, r, true);
    }
    if (left->type != FH_ZMTP_XPUB) /* that has heard of a subscription */
        (void)hear_message(left, r, false);
    (void)hear_message(right, r, false);
}

static record play(stage *s, int pair, bool left_is_ours, bool right_is_ours, bool left_binds, transport t,
                   fh_zmtp_mechanism mechanism) {
    record r = {.used = 0};
    player left = open_player(s, pairs[pair][0], left_is_ours, "left");
    player right = open_player(s, pairs[pair][1], right_is_ours, "right");
    secure(&left, mechanism, left_binds);
    secure(&right, mechanism, !left_binds);
    meet(left_binds ? &left : &right, left_binds ? &right : &left, t);
    converse(&left, &right, &r);
    close_player(&left);
    close_player(&right);
    return r;
}

static void all_pairs(void **state, transport t, fh_zmtp_mechanism mechanism) {
    if (mechanism == FH_ZMTP_CURVE && (!fh_box_available() || !zmq_has("curve")))
        fh_test_skip("no CURVE on one of the sides");
    for (int i = 0; i < 4 && mechanism == FH_ZMTP_CURVE; i += 2) {
        memset(keys[i], 40 + i, 32);
        fh_box_public((fh_span){keys[i], 32}, (fh_mspan){keys[i + 1], 32});
    }
    stage s = open_stage(state);
    for (int pair = 0; pair < PAIRS; pair++) {
        record libzmqs = play(&s, pair, false, false, true, t, mechanism);
        assert_non_null(strstr(libzmqs.text, "100000:"));
        for (int cast = 0; cast < 4; cast++) {
            bool left_is_ours = cast % 2 == 0, left_binds = cast / 2 == 0;
            record ours = play(&s, pair, left_is_ours, !left_is_ours, left_binds, t, mechanism);
            if (strcmp(ours.text, libzmqs.text) != 0)
                fail_msg("types %d and %d, ours is the %s, the %s binds:\n%s\nlibzmq alone:\n%s", (int)pairs[pair][0],
                         (int)pairs[pair][1], left_is_ours ? "left" : "right", left_binds ? "left" : "right", ours.text,
                         libzmqs.text);
        }
    }
    close_stage(&s);
}

static void test_tcp(void **state) {
    all_pairs(state, TCP, FH_ZMTP_NULL);
}
static void test_tcp_plain(void **state) {
    all_pairs(state, TCP, FH_ZMTP_PLAIN);
}
static void test_tcp_curve(void **state) {
    all_pairs(state, TCP, FH_ZMTP_CURVE);
}
static void test_ipc(void **state) {
    all_pairs(state, IPC, FH_ZMTP_NULL);
}
static void test_ipc_plain(void **state) {
    all_pairs(state, IPC, FH_ZMTP_PLAIN);
}
static void test_ipc_curve(void **state) {
    all_pairs(state, IPC, FH_ZMTP_CURVE);
}
static void test_abstract(void **state) {
    all_pairs(state, ABSTRACT, FH_ZMTP_NULL);
}

/* --- an XPUB -------------------------------------------------------------------------------------------------------------- */

static void hear_until(player *p, record *r, const char *last) {
    for (size_t from = SIZE_MAX; from == SIZE_MAX || strcmp(r->text + from, last) != 0;) {
        from = r->used;
        assert_true(hear_message(p, r, true));
    }
}

/* What it hears of two subscribers, each wish of which ends with one that it is told of in any case. */
static record play_wishes(stage *s, bool pub_is_ours, bool subs_are_ours, fh_sock_option with) {
    static const struct {
        int who;
        bool wanted;
        const char *prefix;
    } script[] = {{0, true, "a"},  {0, true, "a"},  {1, true, "a"},  {1, true, "b"}, {0, false, "a"},
                  {0, false, "a"}, {1, false, "a"}, {1, false, "b"}, {0, true, ""},  {0, false, ""}};
    record r = {.used = 0};
    player pub = open_player(s, FH_ZMTP_XPUB, pub_is_ours, "pub");
    player subs[2] = {open_player(s, FH_ZMTP_SUB, subs_are_ours, "one"), open_player(s, FH_ZMTP_SUB, subs_are_ours, "two")};
    set_player(&pub, with, 1);
    wire_name n = bind_player(&pub, TCP);
    for (int i = 0; i < 2; i++)
        connect_player(&subs[i], n);
    for (size_t i = 0; i < sizeof script / sizeof *script; i++) {
        char end[16], told[24];
        snprintf(end, sizeof end, "end%zu", i);
        snprintf(told, sizeof told, "1%s . ", end);
        subscribe(&subs[script[i].who], script[i].prefix, script[i].wanted);
        subscribe(&subs[script[i].who], end, true);
        hear_until(&pub, &r, told);
    }
    close_player(&subs[0]);
    close_player(&subs[1]);
    close_player(&pub);
    return r;
}

static void test_xpub_hears(void **state) {
    static const fh_sock_option options[] = {FH_SOCK_XPUB_VERBOSE, FH_SOCK_XPUB_VERBOSER, FH_SOCK_LINGER};
    stage s = open_stage(state);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        record libzmqs = play_wishes(&s, false, false, options[i]);
        for (int ours = 1; ours < 4; ours++) {
            record r = play_wishes(&s, (ours & 1) != 0, (ours & 2) != 0, options[i]);
            assert_string_equal(r.text, libzmqs.text);
        }
    }
    close_stage(&s);
}

/* A subscriber says what it wants; the publisher hears it, and makes something of it. */
static void wish_by_hand(player *sub, player *pub, record *r, const char *said, const char *done) {
    subscribe(sub, said + 1, said[0] == '1');
    assert_true(hear_message(pub, r, true));
    if (pub->theirs != NULL)
        option(pub->theirs, done[0] == '1' ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, done + 1, strlen(done + 1));
    else if (done[0] == '1')
        fh_assert_ok(fh_sock_subscribe(pub->w.c, pub->ours, fh_span_of_str(done + 1)));
    else
        fh_assert_ok(fh_sock_unsubscribe(pub->w.c, pub->ours, fh_span_of_str(done + 1)));
}

/* Subscriptions by hand, for the subscriber that was heard last. */
static record play_by_hand(stage *s, bool is_ours, fh_sock_option how) {
    record r = {.used = 0};
    player pub = open_player(s, FH_ZMTP_XPUB, is_ours, "pub");
    player subs[2] = {open_player(s, FH_ZMTP_XSUB, false, "one"), open_player(s, FH_ZMTP_XSUB, false, "two")};
    set_player(&pub, how, 1);
    wire_name n = bind_player(&pub, TCP);
    for (int i = 0; i < 2; i++)
        connect_player(&subs[i], n);
    wish_by_hand(&subs[0], &pub, &r, "1t", "1t");
    say_text(&pub, "t1");
    wish_by_hand(&subs[1], &pub, &r, "1t", "1t");
    say_text(&pub, "t2"); /* with the last value: only to who has just come */
    say_text(&pub, "t3");
    wish_by_hand(&subs[0], &pub, &r, "1u", "1v");
    say_text(&pub, "u1");
    say_text(&pub, "v1");
    wish_by_hand(&subs[0], &pub, &r, "0u", "0v");
    say_text(&pub, "v2");
    say_text(&pub, "v3");
    say_text(&pub, "t9");
    hear_until(&subs[0], &r, "t9 . ");
    hear_until(&subs[1], &r, "t9 . ");
    close_player(&subs[0]);
    assert_true(hear_message(&pub, &r, true)); /* each of them has gone */
    close_player(&subs[1]);
    assert_true(hear_message(&pub, &r, true));
    close_player(&pub);
    return r;
}

static void test_xpub_by_hand(void **state) {
    static const fh_sock_option ways[] = {FH_SOCK_XPUB_MANUAL, FH_SOCK_XPUB_MANUAL_LAST_VALUE};
    stage s = open_stage(state);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        record libzmqs = play_by_hand(&s, false, ways[i]), ours = play_by_hand(&s, true, ways[i]);
        assert_string_equal(ours.text, libzmqs.text);
    }
    close_stage(&s);
}

/* --- STREAM, CONFLATE ----------------------------------------------------------------------------------------------------- */

/* What comes is a name, which is the system's or the library's choice, and bytes: those, or a notice. */
static fh_bytes hear_stream(player *p, record *r, size_t bytes) {
    fh_bytes name = {NULL, {NULL, 0}};
    uint8_t id[256], some[64];
    for (size_t got = 0; got < bytes || bytes == 0;) {
        size_t size = 0;
        fh_bytes_drop(&name);
        if (p->theirs != NULL) {
            int n = zmq_recv(p->theirs, id, sizeof id, 0), rest = zmq_recv(p->theirs, some, sizeof some, 0);
            assert_true(n > 0 && rest >= 0);
            fh_assert_ok(fh_bytes_copy(p->w.a, (fh_span){id, (size_t)n}, &name));
            size = (size_t)rest;
            write_part(r, (fh_span){some, size});
        } else {
            fh_message m = {0};
            fh_assert_ok(fh_sock_receive(p->w.c, p->ours, &m));
            assert_int_equal(fh_message_count(&m), 2);
            name = fh_message_shift(&m);
            size = fh_message_view(&m, 0).size;
            write_part(r, fh_message_view(&m, 0));
            fh_message_drop(&m, p->w.a);
        }
        got += size;
        if (bytes == 0)
            break;
    }
    write_part(r, (fh_span){large, name.span.size});
    return name;
}

static void say_stream(player *p, fh_bytes to, const char *text) {
    fh_span parts[] = {to.span, fh_span_of_str(text)};
    say_parts(p, parts, 2);
}

static record play_stream(stage *s, bool left_is_ours, bool right_is_ours) {
    record r = {.used = 0};
    player left = open_player(s, FH_ZMTP_STREAM, left_is_ours, "left");
    player right = open_player(s, FH_ZMTP_STREAM, right_is_ours, "right");
    meet(&left, &right, TCP);
    fh_bytes to_right = hear_stream(&left, &r, 0), to_left = hear_stream(&right, &r, 0), name;
    say_stream(&right, to_left, "question");
    name = hear_stream(&left, &r, 8);
    assert_true(fh_span_equal(name.span, to_right.span));
    fh_bytes_drop(&name);
    say_stream(&left, to_right, "answer");
    name = hear_stream(&right, &r, 6);
    assert_true(fh_span_equal(name.span, to_left.span));
    fh_bytes_drop(&name);
    say_stream(&left, to_right, ""); /* the end */
    while (!attend(&right))
        (void)attend(&left);
    name = hear_stream(&right, &r, 0);
    fh_bytes_drop(&name);
    fh_bytes_drop(&to_left);
    fh_bytes_drop(&to_right);
    close_player(&left);
    close_player(&right);
    return r;
}

static void test_stream(void **state) {
    stage s = open_stage(state);
    record libzmqs = play_stream(&s, false, false);
    for (int ours = 1; ours < 4; ours++) {
        record r = play_stream(&s, (ours & 1) != 0, (ours & 2) != 0);
        assert_string_equal(r.text, libzmqs.text);
    }
    close_stage(&s);
}

/* Hears up to the last message. libzmq's writer tries a lock once, and where its reader holds it, the message waits for the
 * next one (dbuffer.hpp); so where libzmq takes part, who has not heard the last message is told it again. */
static void hear_last(player *from, player *to, record *r, const char *last) {
    char told[24];
    snprintf(told, sizeof told, "%s . ", last);
    if (from->theirs == NULL && to->theirs == NULL) {
        hear_until(to, r, told);
        assert_false(hear_message(to, r, false));
        return;
    }
    set_player(to, FH_SOCK_RECEIVE_TIMEOUT, AGAIN_MS);
    for (int more = LONG_MS / AGAIN_MS; strcmp(r->text, told) != 0;) {
        r->used = 0;
        if (hear_message(to, r, true))
            continue;
        assert_true(more-- > 0);
        say_text(from, last);
    }
}

/* The newest message comes, and it is the last one. */
static void test_conflate(void **state) {
    static const fh_zmtp_socket types[][2] = {{FH_ZMTP_PUSH, FH_ZMTP_PULL}, {FH_ZMTP_DEALER, FH_ZMTP_DEALER},
                                              {FH_ZMTP_PUB, FH_ZMTP_SUB}};
    stage s = open_stage(state);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        for (int ours = 0; ours < 4; ours++) {
            record r = {.used = 0};
            char text[16];
            player from = open_player(&s, types[i][0], (ours & 1) != 0, "from");
            player to = open_player(&s, types[i][1], (ours & 2) != 0, "to");
            set_player(&from, FH_SOCK_CONFLATE, 1);
            set_player(&to, FH_SOCK_CONFLATE, 1);
            meet(&from, &to, TCP);
            if (publishes(&from))
                tune_in(&from, &to);
            for (int n = 1; n <= 200; n++) {
                snprintf(text, sizeof text, "topic%d", n);
                say_text(&from, text);
            }
            hear_last(&from, &to, &r, text);
            close_player(&from);
            close_player(&to);
        }
    }
    close_stage(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_tcp),          FH_TEST_ALLOC(test_tcp_plain), FH_TEST_ALLOC(test_tcp_curve),
        FH_TEST_ALLOC(test_ipc),          FH_TEST_ALLOC(test_ipc_plain), FH_TEST_ALLOC(test_ipc_curve),
        FH_TEST_ALLOC(test_abstract),     FH_TEST_ALLOC(test_stream),    FH_TEST_ALLOC(test_conflate),
        FH_TEST_ALLOC(test_xpub_hears),   FH_TEST_ALLOC(test_xpub_by_hand),
    };
    return run_where_possible("test_conn_libzmq", tests, sizeof tests / sizeof *tests);
}
#endif
