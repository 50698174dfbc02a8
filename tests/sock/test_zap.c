/* test_zap.c: handlers that decide who may come in: the messages of RFC 27 and each outcome, by the numbers in docs/SOCKETS.md
 * (zap.h, conn.c, terms.h). */
#include <string.h>

#include "proto/box.h"
#include "sock/zap.h"
#include "conn_world.h"

/* --- messages ------------------------------------------------------------------------------------------------------------- */

static fh_zap_question question(const fh_address *address, fh_zmtp_mechanism mechanism) {
    return (fh_zap_question){.domain = FH_LIT("test"), .address = address, .identity = FH_LIT("BOB"), .mechanism = mechanism};
}

/* "An address delimiter frame, which SHALL have a length of zero; the version frame, which SHALL contain the three octets 1.0;
 * the request id; the domain; the address; the identity; the mechanism; the credentials". */
static void test_27_01_02_questions(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static const struct {
        fh_zmtp_mechanism mechanism;
        const char *address, *text;
    } cases[] = {
        {FH_ZMTP_NULL, "192.168.55.1:4000", "|1.0|1|test|192.168.55.1|BOB|NULL"},
        {FH_ZMTP_PLAIN, "[::1]:5", "|1.0|1|test|::1|BOB|PLAIN|first|second"},
        {FH_ZMTP_CURVE, "10.0.0.1:1", "|1.0|1|test|10.0.0.1|BOB|CURVE|first"},
        {FH_ZMTP_NULL, NULL, "|1.0|1|test||BOB|NULL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_address address = {.kind = FH_ADDRESS_NONE};
        if (cases[i].address != NULL)
            fh_assert_ok(fh_address_tcp(fh_span_of_str(cases[i].address), false, &address, NULL));
        else
            fh_assert_ok(fh_address_unix(FH_LIT("/tmp/x"), &address, NULL));
        fh_zap_question q = question(&address, cases[i].mechanism);
        fh_assert_ok(fh_bytes_copy(a, FH_LIT("first"), &q.first));
        fh_assert_ok(fh_bytes_copy(a, FH_LIT("second"), &q.second));
        fh_message m;
        fh_assert_ok(fh_zap_ask(a, &q, &m));
        check_parts(&m, cases[i].text, __FILE__, __LINE__);
        fh_message_drop(&m, a);
        fh_bytes_drop(&q.first);
        fh_bytes_drop(&q.second);
    }
}

static void test_27_03_04_replies(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static const struct {
        const char *text;
        fh_sock_zap_fault fault;
        uint32_t status;
    } cases[] = {
        {"|1.0|1|200|OK|joe|", FH_SOCK_ZAP_FINE, 200},
        {"|1.0|1|300|||", FH_SOCK_ZAP_FINE, 300},
        {"|1.0|1|400|no|joe|", FH_SOCK_ZAP_FINE, 400},
        {"|1.0|1|500|||", FH_SOCK_ZAP_FINE, 500},
        {"|1.0|1|200|OK|joe", FH_SOCK_ZAP_MALFORMED, 0},
        {"|1.0|1|200|OK|joe||", FH_SOCK_ZAP_MALFORMED, 0},
        {"1.0|1|200|OK|joe|", FH_SOCK_ZAP_MALFORMED, 0},
        {"x|1.0|1|200|OK|joe|", FH_SOCK_ZAP_UNSPECIFIED, 0},
        {"|1.1|1|200|OK|joe|", FH_SOCK_ZAP_VERSION, 0},
        {"|1.0|2|200|OK|joe|", FH_SOCK_ZAP_REQUEST_ID, 0},
        {"|1.0|1|100|OK|joe|", FH_SOCK_ZAP_STATUS, 0},
        {"|1.0|1|600|OK|joe|", FH_SOCK_ZAP_STATUS, 0},
        {"|1.0|1|201|OK|joe|", FH_SOCK_ZAP_STATUS, 0},
        {"|1.0|1|210|OK|joe|", FH_SOCK_ZAP_STATUS, 0},
        {"|1.0|1|2000|OK|joe|", FH_SOCK_ZAP_STATUS, 0},
        {"|1.0|1|20|OK|joe|", FH_SOCK_ZAP_STATUS, 0},
        {"|1.0|1|200|OK|joe|no properties", FH_SOCK_ZAP_METADATA, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_message m = message_of(a, cases[i].text);
        fh_zap_reply reply;
        fh_zap_read(&m, &reply);
        assert_int_equal(reply.fault, cases[i].fault);
        assert_int_equal(reply.status, cases[i].status);
        /* "For other statuses, it SHALL be empty." */
        fh_test_span(reply.user.span, cases[i].status == 200 ? "joe" : "", __FILE__, __LINE__);
        fh_zap_reply_drop(&reply);
        fh_message_drop(&m, a);
    }
}

/* --- outcomes ------------------------------------------------------------------------------------------------------------- */

typedef struct server {
    world w;
    fh_sock handler, pull;
    wire_name name;
} server;

static server server_new(void **state, fh_sock_security how) {
    server s = {.w = world_new(state)};
    s.handler = open_patient(s.w, FH_ZMTP_REP);
    s.pull = open_patient(s.w, FH_ZMTP_PULL);
    assert_int_equal(bind_to(s.w, s.handler, "inproc://zeromq.zap.01"), FH_OK);
    fh_assert_ok(fh_sock_secure(s.w.c, s.pull, &how));
    watch_all(s.w, s.pull);
    s.name = bind_fresh(s.w, s.pull, TCP);
    return s;
}
static fh_sock client_of(server s, fh_sock_security how) {
    fh_sock push = open_patient(s.w, FH_ZMTP_PUSH);
    fh_assert_ok(fh_sock_secure(s.w.c, push, &how));
    watch_all(s.w, push);
    connect_to(s.w, push, s.name.text);
    return push;
}
static const fh_sock_security plain_client = {.mechanism = FH_ZMTP_PLAIN,
                                              .username = {(const uint8_t *)"admin", 5},
                                              .password = {(const uint8_t *)"secret", 6}};
static fh_sock_security plain_server(void) {
    return (fh_sock_security){.mechanism = FH_ZMTP_PLAIN, .server = true, .domain = FH_LIT("test")};
}

/* "The credentials SHALL consist of two string frames: a username and a password"; 200 lets in. */
static void test_27_05_plain(void **state) {
    server s = server_new(state, plain_server());
    fh_sock push = client_of(s, plain_client);
    await(s.w, s.handler, "1.0|1|test|127.0.0.1||PLAIN|admin|secret");
    tell(s.w, s.handler, "1.0|1|200|OK|joe|");
    tell(s.w, push, "let in");
    await(s.w, s.pull, "let in");
    (void)await_event(s.w, s.pull, FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
    world_stop(s.w);
}

/* The value of a property of who sent last, in any part of what is known of it. */
static void expect_about(world w, fh_sock s, const char *name, const char *value) {
    fh_message m = {0};
    fh_assert_ok(fh_sock_about(w.c, s, &m));
    bool found = false;
    for (size_t i = 0; i < fh_message_count(&m); i++) {
        fh_zmtp_property p;
        for (size_t at = 0; fh_zmtp_property_next(fh_message_view(&m, i), &at, &p).code == FH_OK;)
            if (fh_zmtp_name_equal(p.name, fh_span_of_str(name))) {
                found = true;
                fh_test_span(p.value, value, __FILE__, __LINE__);
            }
    }
    assert_true(found == (value[0] != '\0'));
    fh_message_drop(&m, w.a);
}

/* "user id: this MAY provide the user identity …, for use by applications": beside what else is known. */
static void test_27_10_about(void **state) {
    server s = server_new(state, plain_server());
    fh_sock router = open_patient(s.w, FH_ZMTP_ROUTER);
    fh_sock_security how = plain_server();
    fh_assert_ok(fh_sock_secure(s.w.c, router, &how));
    set(s.w, router, FH_SOCK_METADATA, 1);
    set(s.w, router, FH_SOCK_RECEIVE_MARK, 1);
    wire_name n = bind_fresh(s.w, router, TCP);
    fh_sock dealer[2];
    for (int i = 0; i < 2; i++) {
        dealer[i] = open_patient(s.w, FH_ZMTP_DEALER);
        fh_assert_ok(fh_sock_secure(s.w.c, dealer[i], &plain_client));
        fh_assert_ok(fh_sock_identify(s.w.c, dealer[i], i == 0 ? FH_LIT("a") : FH_LIT("b")));
        connect_to(s.w, dealer[i], n.text);
        await(s.w, s.handler, "1.0|1|test|127.0.0.1||PLAIN|admin|secret");
        fh_message m = message_of(s.w.a, i == 0 ? "1.0|1|200|OK|joe" : "1.0|1|200|OK|ann");
        fh_assert_ok(fh_message_push_copy(&m, s.w.a, FH_LIT("\5X-Key\0\0\0\3abc")));
        fh_assert_ok(fh_sock_send(s.w.c, s.handler, &m));
        fh_message_drop(&m, s.w.a);
        tell(s.w, dealer[i], "one");
        tell(s.w, dealer[i], "two");
        for (int k = 0; k < 2; k++) {
            await(s.w, router, i == 0 ? (k == 0 ? "a|one" : "a|two") : (k == 0 ? "b|one" : "b|two"));
            expect_about(s.w, router, "User-Id", i == 0 ? "joe" : "ann");
            expect_about(s.w, router, "Peer-Address", "127.0.0.1");
            expect_about(s.w, router, "socket-type", "DEALER");
            expect_about(s.w, router, "Identity", i == 0 ? "a" : "b");
            expect_about(s.w, router, "X-Key", "abc");
        }
    }
    close_sock(s.w, dealer[1]);
    tell(s.w, dealer[0], "three");
    await(s.w, router, "a|three");
    expect_about(s.w, router, "User-Id", "joe");
    expect_about(s.w, s.handler, "User-Id", ""); /* nothing is known of a peer of inproc */
    world_stop(s.w);
}

/* "There SHALL be no credentials frames": asked only where there is a domain. A ROUTER may handle too. */
static void test_27_06_null(void **state) {
    server s = server_new(state, (fh_sock_security){.domain = FH_LIT("d")});
    close_sock(s.w, s.handler);
    fh_sock router = open_patient(s.w, FH_ZMTP_ROUTER), pull = open_patient(s.w, FH_ZMTP_PULL);
    assert_int_equal(bind_to(s.w, router, "inproc://zeromq.zap.01"), FH_OK);
    fh_sock push = client_of(s, (fh_sock_security){.mechanism = FH_ZMTP_NULL});
    fh_message m = {0};
    fh_assert_ok(fh_sock_receive(s.w.c, router, &m));
    fh_bytes name = fh_message_shift(&m);
    check_parts(&m, "|1.0|1|d|127.0.0.1||NULL", __FILE__, __LINE__);
    fh_message_drop(&m, s.w.a);
    m = message_of(s.w.a, "|1.0|1|200|||");
    fh_assert_ok(fh_message_insert(&m, s.w.a, 0, &name));
    fh_assert_ok(fh_sock_send(s.w.c, router, &m));
    fh_message_drop(&m, s.w.a);
    fh_bytes_drop(&name);
    tell(s.w, push, "let in");
    await(s.w, s.pull, "let in");
    wire_name n = bind_fresh(s.w, pull, TCP); /* without a domain */
    fh_sock other = connect_patient(s.w, FH_ZMTP_PUSH, n);
    tell(s.w, other, "unasked");
    await(s.w, pull, "unasked");
    hear_none(s.w, router);
    world_stop(s.w);
}

/* "The credentials SHALL consist of a 32-byte long-term public key". */
static void test_27_07_curve(void **state) {
    if (!fh_box_available())
        fh_test_skip("the library has no libsodium");
    uint8_t secret[2][32], public[2][32];
    for (int i = 0; i < 2; i++) {
        memset(secret[i], 30 + i, 32);
        fh_box_public((fh_span){secret[i], 32}, (fh_mspan){public[i], 32});
    }
    server s = server_new(state, (fh_sock_security){.mechanism = FH_ZMTP_CURVE, .server = true, .public_key = {public[0], 32},
                                                    .secret_key = {secret[0], 32}, .domain = FH_LIT("test")});
    fh_sock push = client_of(s, (fh_sock_security){.mechanism = FH_ZMTP_CURVE, .public_key = {public[1], 32},
                                                   .secret_key = {secret[1], 32}, .server_key = {public[0], 32}});
    fh_message m = {0};
    fh_assert_ok(fh_sock_receive(s.w.c, s.handler, &m));
    assert_int_equal(fh_message_count(&m), 7);
    fh_test_span(fh_message_view(&m, 5), "CURVE", __FILE__, __LINE__);
    assert_true(fh_span_equal(fh_message_view(&m, 6), (fh_span){public[1], 32}));
    fh_message_drop(&m, s.w.a);
    tell(s.w, s.handler, "1.0|1|200|OK|joe|");
    tell(s.w, push, "let in");
    await(s.w, s.pull, "let in");
    world_stop(s.w);
}

/* "400 to indicate authentication failure, and 500 to indicate an internal error": the client is told, and stays away. */
static void test_27_08_denied(void **state) {
    server s = server_new(state, plain_server());
    static const struct {
        const char *reply;
        int64_t status;
    } cases[] = {{"1.0|1|400|no||", 400}, {"1.0|1|500|no||", 500}};
    for (int i = 0; i < 2; i++) {
        fh_sock push = client_of(s, plain_client);
        await(s.w, s.handler, "1.0|1|test|127.0.0.1||PLAIN|admin|secret");
        tell(s.w, s.handler, cases[i].reply);
        assert_int_equal(await_event(s.w, s.pull, FH_SOCK_IS_HANDSHAKE_FAILED_AUTH), cases[i].status);
        assert_int_equal(await_event(s.w, push, FH_SOCK_IS_HANDSHAKE_FAILED_AUTH), cases[i].status);
        close_sock(s.w, push);
    }
    hear_none(s.w, s.pull);
    world_stop(s.w);
}

/* "300 to indicate a temporary error": nothing is said, and the client comes again. What is no reply counts like that. */
static void test_27_04_09_again(void **state) {
    server s = server_new(state, plain_server());
    static const struct {
        const char *reply;
        fh_sock_happening kind;
        int64_t value;
    } cases[] = {
        {"1.0|1|300|later||", FH_SOCK_IS_HANDSHAKE_FAILED_AUTH, 300},
        {"1.0|1|700|what||", FH_SOCK_IS_HANDSHAKE_FAILED_PROTOCOL, FH_SOCK_ZAP_STATUS},
        {"2.0|1|200|OK||", FH_SOCK_IS_HANDSHAKE_FAILED_PROTOCOL, FH_SOCK_ZAP_VERSION},
        {"1.0|2|200|OK||", FH_SOCK_IS_HANDSHAKE_FAILED_PROTOCOL, FH_SOCK_ZAP_REQUEST_ID},
        {"1.0|1|200|OK||x", FH_SOCK_IS_HANDSHAKE_FAILED_PROTOCOL, FH_SOCK_ZAP_METADATA},
        {"1.0|1|200|OK", FH_SOCK_IS_HANDSHAKE_FAILED_PROTOCOL, FH_SOCK_ZAP_MALFORMED},
    };
    fh_sock push = client_of(s, plain_client);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        await(s.w, s.handler, "1.0|1|test|127.0.0.1||PLAIN|admin|secret");
        tell(s.w, s.handler, cases[i].reply);
        assert_int_equal(await_event(s.w, s.pull, cases[i].kind), cases[i].value);
    }
    await(s.w, s.handler, "1.0|1|test|127.0.0.1||PLAIN|admin|secret");
    tell(s.w, s.handler, "1.0|1|200|OK|joe|");
    tell(s.w, push, "in the end");
    await(s.w, s.pull, "in the end");
    world_stop(s.w);
}

/* A handler that goes without an answer has failed; a client that goes leaves nothing behind. */
static void test_handler_gone(void **state) {
    server s = server_new(state, plain_server());
    fh_sock push = client_of(s, plain_client);
    await(s.w, s.handler, "1.0|1|test|127.0.0.1||PLAIN|admin|secret");
    close_sock(s.w, s.handler);
    assert_int_equal(await_event(s.w, push, FH_SOCK_IS_HANDSHAKE_FAILED_AUTH), 500);
    assert_int_equal(await_event(s.w, s.pull, FH_SOCK_IS_HANDSHAKE_FAILED), FH_SOCK_ZAP_GONE);
    fh_sock rep = open_patient(s.w, FH_ZMTP_REP), second = open_sock(s.w, FH_ZMTP_PUSH);
    assert_int_equal(bind_to(s.w, rep, "inproc://zeromq.zap.01"), FH_OK);
    set(s.w, second, FH_SOCK_LINGER, 0);
    fh_assert_ok(fh_sock_secure(s.w.c, second, &plain_client));
    connect_to(s.w, second, s.name.text);
    await(s.w, rep, "1.0|1|test|127.0.0.1||PLAIN|admin|secret");
    close_sock(s.w, second);
    tell(s.w, rep, "1.0|1|200|OK|joe|");
    world_stop(s.w);
}

/* While a handler thinks, its peer is seen to leave, however long it may take to shake hands. */
static void test_peer_leaves(void **state) {
    server s = server_new(state, plain_server());
    set(s.w, s.pull, FH_SOCK_HANDSHAKE_IVL, 0);
    fh_sock push = open_sock(s.w, FH_ZMTP_PUSH);
    set(s.w, push, FH_SOCK_LINGER, 0);
    fh_assert_ok(fh_sock_secure(s.w.c, push, &plain_client));
    wire_name n = bind_fresh(s.w, s.pull, TCP);
    connect_to(s.w, push, n.text);
    await(s.w, s.handler, "1.0|1|test|127.0.0.1||PLAIN|admin|secret");
    close_sock(s.w, push);
    assert_int_equal(await_event(s.w, s.pull, FH_SOCK_IS_HANDSHAKE_FAILED), 0);
    tell(s.w, s.handler, "1.0|1|200|OK|joe|"); /* to nobody */
    world_stop(s.w);
}

/* A peer that sends on and on while a handler thinks fills what the system holds for it, and no more. */
static void test_peer_floods(void **state) {
    enum { SMALL = 4096, MOST = 8 << 20, QUIET_MS = 300 };
    server s = server_new(state, (fh_sock_security){.domain = FH_LIT("d")});
    fh_sock pull = open_patient(s.w, FH_ZMTP_PULL);
    fh_assert_ok(fh_sock_secure(s.w.c, pull, &(fh_sock_security){.domain = FH_LIT("d")}));
    set(s.w, pull, FH_SOCK_RECEIVE_BUFFER, SMALL);
    wire_name n = bind_fresh(s.w, pull, TCP);
    int port = 0, small = SMALL, fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(sscanf(n.text, "tcp://127.0.0.1:%d", &port), 1);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    uint8_t speech[64 + 28] = {0xff, [9] = 0x7f, [10] = 3, [11] = 1, [12] = 'N', [13] = 'U', [14] = 'L', [15] = 'L'};
    memcpy(&speech[64], "\4\32\5READY\13Socket-Type\0\0\0\4PUSH", 28);
    assert_int_equal(send(fd, speech, sizeof speech, MSG_NOSIGNAL), sizeof speech);
    await(s.w, s.handler, "1.0|1|d|127.0.0.1||NULL");
    static const uint8_t zeros[SMALL];
    struct pollfd item = {fd, POLLOUT, 0};
    size_t sent = 0;
    while (sent < MOST && poll(&item, 1, QUIET_MS) == 1) {
        ssize_t size = send(fd, zeros, sizeof zeros, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += size > 0 ? (size_t)size : 0;
    }
    assert_true(sent < MOST);
    (void)close(fd);
    world_stop(s.w);
}

/* Without a handler: PLAIN needs words of its own, and a domain that is enforced lets nobody in. */
static void test_without_handler(void **state) {
    server s = server_new(state, plain_server());
    close_sock(s.w, s.handler);
    fh_sock push = client_of(s, plain_client), blank = client_of(s, (fh_sock_security){.mechanism = FH_ZMTP_PLAIN});
    assert_int_equal(await_event(s.w, push, FH_SOCK_IS_HANDSHAKE_FAILED_AUTH), 400);
    assert_int_equal(await_event(s.w, blank, FH_SOCK_IS_HANDSHAKE_FAILED_AUTH), 400);
    fh_sock_security domain = {.domain = FH_LIT("d")};
    for (int enforce = 0; enforce < 2; enforce++) {
        fh_sock pull = open_patient(s.w, FH_ZMTP_PULL), other = open_patient(s.w, FH_ZMTP_PUSH);
        fh_assert_ok(fh_sock_secure(s.w.c, pull, &domain));
        set(s.w, pull, FH_SOCK_ZAP_ENFORCE_DOMAIN, enforce);
        watch_all(s.w, pull);
        connect_to(s.w, other, bind_fresh(s.w, pull, TCP).text);
        if (enforce == 0) {
            tell(s.w, other, "nobody asks");
            await(s.w, pull, "nobody asks");
        } else {
            assert_int_equal(await_event(s.w, pull, FH_SOCK_IS_HANDSHAKE_FAILED), FH_SOCK_ZAP_MISSING);
        }
    }
    world_stop(s.w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_27_01_02_questions), FH_TEST_ALLOC(test_27_03_04_replies), FH_TEST_ALLOC(test_27_05_plain),
        FH_TEST_ALLOC(test_27_06_null),         FH_TEST_ALLOC(test_27_07_curve),      FH_TEST_ALLOC(test_27_08_denied),
        FH_TEST_ALLOC(test_27_04_09_again), FH_TEST_ALLOC(test_handler_gone), FH_TEST_ALLOC(test_peer_leaves),
        FH_TEST_ALLOC(test_peer_floods), FH_TEST_ALLOC(test_without_handler), FH_TEST_ALLOC(test_27_10_about),
    };
    return run_where_possible("test_zap", tests, sizeof tests / sizeof *tests);
}
