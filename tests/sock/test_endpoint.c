/* test_endpoint.c: what an endpoint of tcp may say (endpoint.c): numbers, names, interfaces, source addresses; when a name is
 * asked for (lookup.c); and what the system's sockets are like (terms.c).
 *
 * The resolver is this file's own: it knows names that move, names that take their time, and no others. */
#define _GNU_SOURCE 1
#include "conn_world.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "freehold/atomic.h"

/* --- the resolver --------------------------------------------------------------------------------------------------------- */

static uint32_t host, gate, asked, at_once, most; /* what "moving" is: 127.0.0.host; "slow" waits for the gate */

typedef struct answer {
    struct addrinfo info;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
} answer;

static int give(struct addrinfo **out, const uint8_t ip4[4], const struct in6_addr *ip6) {
    answer *a = calloc(1, sizeof *a);
    if (a == NULL)
        return EAI_MEMORY;
    a->ip4.sin_family = AF_INET;
    if (ip4 != NULL)
        memcpy(&a->ip4.sin_addr, ip4, 4);
    a->ip6.sin6_family = AF_INET6;
    if (ip6 != NULL)
        a->ip6.sin6_addr = *ip6;
    a->info.ai_family = ip4 != NULL ? AF_INET : AF_INET6;
    a->info.ai_addr = ip4 != NULL ? (struct sockaddr *)&a->ip4 : (struct sockaddr *)&a->ip6;
    a->info.ai_addrlen = ip4 != NULL ? sizeof a->ip4 : sizeof a->ip6;
    *out = &a->info;
    return 0;
}

static int give_both(struct addrinfo **out) {
    static const uint8_t ip4[4] = {127, 0, 0, 1};
    struct in6_addr ip6 = IN6ADDR_LOOPBACK_INIT;
    int failed = give(out, NULL, &ip6);
    return failed != 0 ? failed : give(&(*out)->ai_next, ip4, NULL);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    struct in6_addr ip6;
    uint8_t ip4[4] = {127, 0, 0, 1};
    (void)service;
    if (inet_pton(AF_INET, name, ip4) == 1)
        return give(out, ip4, NULL);
    if (inet_pton(AF_INET6, name, &ip6) == 1)
        return give(out, NULL, &ip6);
    if ((hints->ai_flags & AI_NUMERICHOST) != 0)
        return EAI_NONAME;
    (void)fh_fetch_add(&asked, 1, FH_RELAXED);
    if (strcmp(name, "moving") == 0) {
        ip4[3] = (uint8_t)fh_load(&host, FH_RELAXED);
        return give(out, ip4, NULL);
    }
    if (strcmp(name, "both") == 0)
        return give_both(out);
    if (strcmp(name, "slow") != 0)
        return EAI_NONAME;
    uint32_t now = fh_fetch_add(&at_once, 1, FH_ACQ_REL) + 1;
    for (uint32_t seen = fh_load(&most, FH_RELAXED); now > seen && !fh_cas(&most, &seen, now, FH_RELAXED);)
        continue;
    while (fh_load(&gate, FH_ACQUIRE) == 0)
        fh_os_nap(1000000);
    (void)fh_fetch_sub(&at_once, 1, FH_ACQ_REL);
    return give(out, ip4, NULL);
}

void freeaddrinfo(struct addrinfo *list) {
    for (struct addrinfo *next = NULL; list != NULL; list = next) {
        next = list->ai_next;
        free(list); /* the first member */
    }
}

/* --- texts ---------------------------------------------------------------------------------------------------------------- */

static wire_name join(const char *front, unsigned port) {
    wire_name n;
    (void)snprintf(n.text, sizeof n.text, "%s%u", front, port);
    return n;
}

static unsigned port_of(wire_name n) {
    return (unsigned)strtoul(strrchr(n.text, ':') + 1, NULL, 10);
}

/* What is refused, in words that say why; and nothing was connected, nor bound. */
static void test_refused(void **state) {
    static const struct {
        const char *text;
        fh_code code;
        const char *why;
        bool binds;
    } rows[] = {
        {"tcp://1.2.3.4", FH_INVALID, "host:port", false},
        {"tcp://1.2.3.4:", FH_INVALID, "port", false},
        {"tcp://:5", FH_INVALID, "host:port", false},
        {"tcp://1.2.3.4:99999", FH_INVALID, "port", false},
        {"tcp://1.2.3.4:*", FH_INVALID, "no port to connect to", false},
        {"tcp://moving:*", FH_INVALID, "no port to connect to", false},
        {"tcp://no such host:5", FH_INVALID, "neither a number", false},
        {"tcp://1.2.3.4.5:5", FH_INVALID, "neither a number", false},
        {"tcp://-x:5", FH_INVALID, "neither a number", false},
        {"tcp://;127.0.0.1:5", FH_INVALID, "host:port", false},
        {"tcp://127.0.0.1:0;", FH_INVALID, "host:port", false},
        {"tcp://127.0.0.1;127.0.0.1:5", FH_INVALID, "host:port", false},
        {"tcp://127.0.0.1:0;127.0.0.1:0", FH_INVALID, "no port to connect to", false},
        {"tcp://127.0.0.1:0;[::1]:5", FH_INVALID, "IPv6", false},
        {"tcp://[::1]:0;127.0.0.1:5", FH_INVALID, "IPv6", false},
        {"tcp://127.0.0.1:0;127.0.0.1:0;127.0.0.1:5", FH_INVALID, "neither a number", false},
        {"tcp://no-such-interface:0;127.0.0.1:5", FH_NOT_FOUND, "no-such-interface", false},
        {"tcp://no-such-interface:*", FH_NOT_FOUND, "no-such-interface", true},
        {"tcp://127.0.0.1:0;127.0.0.1:5", FH_INVALID, "source", true},
        {"tcp://lo /:5", FH_INVALID, "neither a number", true},
        {"ipc://*", FH_UNSUPPORTED, "path", true},
        {"udp://127.0.0.1:5", FH_UNSUPPORTED, "udp", false},
        {"tcp:/127.0.0.1:5", FH_INVALID, "no endpoint", false},
    };
    world w = world_new(state);
    fh_sock s = open_sock(w, FH_ZMTP_PUSH);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fh_err err = {0};
        fh_span text = fh_span_of_str(rows[i].text);
        fh_status status = rows[i].binds ? fh_sock_bind(w.c, s, text, &err) : fh_sock_connect(w.c, s, text, &err);
        if (status.code != rows[i].code || strstr(err.message, rows[i].why) == NULL)
            fail_msg("%s: %s, \"%s\"", rows[i].text, fh_code_name(status.code), err.message);
    }
    fh_bytes last;
    fh_assert_ok(fh_sock_last_endpoint(w.c, s, &last));
    assert_int_equal(last.span.size, 0);
    fh_bytes_drop(&last);
    assert_int_equal(say(w, s, "nobody"), FH_AGAIN);
    world_free(w);
}

/* The peer's address, of a connection that was accepted. */
static uint32_t peer_of(int64_t fd, uint16_t *port) {
    struct sockaddr_in at;
    socklen_t size = sizeof at;
    assert_int_equal(getpeername((int)fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return ntohl(at.sin_addr.s_addr) & 255;
}

static void test_source(void **state) {
    static const char *const sources[] = {"127.0.0.3:*", "127.0.0.4:0", "lo:*", "*:*", "moving:0"};
    static const unsigned from[] = {3, 4, 1, 1, 5};
    fh_store(&host, 5, FH_RELAXED);
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL);
    uint16_t port = 0, chosen = 0;
    watch_all(w, pull);
    wire_name n = bind_fresh(w, pull, TCP);
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "tcp://%s;127.0.0.1:%u", sources[i], port_of(n));
        fh_sock push = open_patient(w, FH_ZMTP_PUSH);
        connect_to(w, push, text);
        assert_string_equal(last_name(w, push).text, text);
        assert_int_equal(peer_of(await_event(w, pull, FH_SOCK_IS_ACCEPTED), &port), from[i]);
        chosen = i == 0 ? port : chosen;
        tell(w, push, "hello");
        await(w, pull, "hello");
        fh_assert_ok(fh_sock_disconnect(w.c, push, fh_span_of_str(text)));
        close_sock(w, push);
    }
    char text[128]; /* a port, too: the one that was free a moment ago */
    (void)snprintf(text, sizeof text, "tcp://127.0.0.6:%u;moving:%u", (unsigned)chosen, port_of(n));
    fh_store(&host, 1, FH_RELAXED);
    fh_sock push = open_patient(w, FH_ZMTP_PUSH);
    connect_to(w, push, text);
    assert_int_equal(peer_of(await_event(w, pull, FH_SOCK_IS_ACCEPTED), &port), 6);
    assert_int_equal(port, chosen);
    world_stop(w);
}

/* A name that has addresses of both families: of IPv4 unless that was asked for, and of the family of the source. */
static void test_both_families(void **state) {
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL);
    uint16_t port = 0;
    watch_all(w, pull);
    wire_name n = bind_fresh(w, pull, TCP);
    fh_sock push = connect_patient(w, FH_ZMTP_PUSH, join("tcp://both:", port_of(n)));
    assert_int_equal(peer_of(await_event(w, pull, FH_SOCK_IS_ACCEPTED), &port), 1);
    close_sock(w, push);
    push = open_patient(w, FH_ZMTP_PUSH);
    set(w, push, FH_SOCK_IPV6, 1);
    connect_to(w, push, join("tcp://127.0.0.7:0;both:", port_of(n)).text);
    assert_int_equal(peer_of(await_event(w, pull, FH_SOCK_IS_ACCEPTED), &port), 7);
    world_stop(w);
}

static void test_interface(void **state) {
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL), both = open_patient(w, FH_ZMTP_PULL), push = open_patient(w, FH_ZMTP_PUSH);
    assert_int_equal(bind_to(w, pull, "tcp://lo:*"), FH_OK);
    wire_name n = last_name(w, pull);
    assert_int_equal(strncmp(n.text, "tcp://127.0.0.1:", 16), 0);
    connect_to(w, push, n.text);
    tell(w, push, "hello");
    await(w, pull, "hello");
    fh_assert_ok(fh_sock_unbind(w.c, pull, FH_LIT("tcp://lo:*"))); /* by the name that was given */
    if (have_loopback6()) {
        set(w, both, FH_SOCK_IPV6, 1);
        assert_int_equal(bind_to(w, both, "tcp://lo:*"), FH_OK);
        assert_int_equal(strncmp(last_name(w, both).text, "tcp://[::1]:", 12), 0);
    }
    world_stop(w);
}

/* --- names ---------------------------------------------------------------------------------------------------------------- */

/* A name is asked for with each try: who moves is found again. */
static void test_moves(void **state) {
    world w = world_new(state);
    fh_sock push = open_patient(w, FH_ZMTP_PUSH), here = open_patient(w, FH_ZMTP_PULL), there = open_patient(w, FH_ZMTP_PULL);
    fh_store(&host, 1, FH_RELAXED);
    watch_all(w, push);
    wire_name n = bind_fresh(w, here, TCP);
    connect_to(w, push, join("tcp://moving:", port_of(n)).text);
    tell(w, push, "first");
    await(w, here, "first");
    assert_int_equal(bind_to(w, there, join("tcp://127.0.0.2:", port_of(n)).text), FH_OK);
    fh_store(&host, 2, FH_RELAXED);
    close_sock(w, here);
    (void)await_event(w, push, FH_SOCK_IS_DISCONNECTED); /* what is sent before goes with the connection */
    tell(w, push, "second");
    await(w, there, "second");
    world_stop(w);
}

/* Nobody knows the name: it is asked for again and again, until somebody does. */
static void test_unknown(void **state) {
    world w = world_new(state);
    fh_sock push = open_patient(w, FH_ZMTP_PUSH), sub = open_patient(w, FH_ZMTP_SUB);
    watch_all(w, push);
    connect_to(w, push, "tcp://unknown:5555");
    connect_to(w, sub, "tcp://unknown:5555");
    uint32_t before = fh_load(&asked, FH_RELAXED);
    assert_int_equal(await_event(w, push, FH_SOCK_IS_CLOSED), 0);
    (void)await_event(w, push, FH_SOCK_IS_CONNECT_RETRIED);
    while (fh_load(&asked, FH_RELAXED) < before + 4)
        (void)await_event(w, push, FH_SOCK_IS_CONNECT_RETRIED);
    say_ok(w, push, "waits");
    fh_assert_ok(fh_sock_disconnect(w.c, push, FH_LIT("tcp://unknown:5555")));
    world_stop(w);
}

/* While the resolver takes its time all others go on, also who closes; and it is not asked too much at once. */
static void test_slow(void **state) {
    enum { MANY = 20 };
    world w = world_new(state);
    fh_sock slow = open_patient(w, FH_ZMTP_PUSH), pull = open_patient(w, FH_ZMTP_PULL), push = open_patient(w, FH_ZMTP_PUSH);
    fh_store(&gate, 0, FH_RELEASE);
    fh_store(&most, 0, FH_RELAXED);
    wire_name n = bind_fresh(w, pull, TCP), far = join("tcp://slow:", port_of(n));
    for (int i = 0; i < MANY; i++)
        connect_to(w, slow, far.text);
    while (fh_load(&at_once, FH_ACQUIRE) < 16)
        fh_os_nap(1000000);
    connect_to(w, push, n.text);
    for (int i = 0; i < 10; i++) {
        tell(w, push, "near");
        await(w, pull, "near");
    }
    fh_sock gone = connect_patient(w, FH_ZMTP_PUSH, far);
    set(w, gone, FH_SOCK_LINGER, 0);
    close_sock(w, gone);
    assert_int_equal(fh_load(&at_once, FH_ACQUIRE), 16);
    fh_store(&gate, 1, FH_RELEASE);
    for (int i = 0; i < MANY; i++)
        tell(w, slow, "far");
    for (int i = 0; i < MANY; i++)
        await(w, pull, "far");
    assert_int_equal(fh_load(&most, FH_RELAXED), 16);
    world_stop(w);
}

/* A context that ends waits for the resolver's answer, and leaves nothing. */
static void test_ends(void **state) {
    world w = world_new(state);
    fh_sock push = open_sock(w, FH_ZMTP_PUSH);
    fh_store(&gate, 0, FH_RELEASE);
    connect_to(w, push, "tcp://slow:9");
    while (fh_load(&at_once, FH_ACQUIRE) == 0)
        fh_os_nap(1000000);
    set(w, push, FH_SOCK_LINGER, 0);
    close_sock(w, push);
    fh_store(&gate, 1, FH_RELEASE);
    world_stop(w);
    assert_int_equal(fh_load(&at_once, FH_ACQUIRE), 0);
}

static void test_simulated(void **state) {
    fh_net_sim_options sim = {.seed = 1};
    fh_sock_context_options options = {.sim = &sim};
    fh_sock_context *c;
    fh_sock s;
    fh_err err = {0};
    fh_assert_ok(fh_sock_context_new(fh_test_allocator(state), &options, &c));
    fh_assert_ok(fh_sock_open(c, FH_ZMTP_PUSH, &s));
    fh_assert_code(fh_sock_connect(c, s, FH_LIT("tcp://moving:5"), &err), FH_UNSUPPORTED);
    fh_assert_ok(fh_sock_connect(c, s, FH_LIT("tcp://127.0.0.1:5"), NULL));
    fh_sock_context_stop(c);
    fh_sock_context_free(c);
}

/* --- the system's sockets ------------------------------------------------------------------------------------------------- */

static int value_of(int64_t fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt((int)fd, level, name, &value, &size), 0);
    return value;
}

static void expect_values(int64_t fd) {
    assert_int_equal(value_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(value_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 7);
    assert_int_equal(value_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 71);
    assert_int_equal(value_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 13);
    assert_int_equal(value_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 4321);
    assert_int_equal(value_of(fd, IPPROTO_IP, IP_TOS), 0x28);
    assert_int_equal(value_of(fd, SOL_SOCKET, SO_SNDBUF), 2 * 10000); /* the system counts its own needs too */
    assert_int_equal(value_of(fd, SOL_SOCKET, SO_RCVBUF), 2 * 12000);
}

/* Of a listener, of who connects, and of who is accepted. */
static void test_system_options(void **state) {
    static const struct {
        fh_sock_option option;
        int64_t value;
    } rows[] = {
        {FH_SOCK_TCP_KEEPALIVE, 1},           {FH_SOCK_TCP_KEEPALIVE_COUNT, 7}, {FH_SOCK_TCP_KEEPALIVE_IDLE, 71},
        {FH_SOCK_TCP_KEEPALIVE_INTERVAL, 13}, {FH_SOCK_TCP_MAXRT, 4321},        {FH_SOCK_TYPE_OF_SERVICE, 0x28},
        {FH_SOCK_SEND_BUFFER, 10000},         {FH_SOCK_RECEIVE_BUFFER, 12000},
    };
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL), push = open_patient(w, FH_ZMTP_PUSH), plain = open_patient(w, FH_ZMTP_PUSH);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set(w, pull, rows[i].option, rows[i].value);
        set(w, push, rows[i].option, rows[i].value);
    }
    set(w, plain, FH_SOCK_TCP_KEEPALIVE, 0);
    set(w, plain, FH_SOCK_TCP_KEEPALIVE_COUNT, 7); /* without the first it says nothing */
    watch_all(w, pull);
    watch_all(w, push);
    watch_all(w, plain);
    wire_name n = bind_fresh(w, pull, TCP);
    expect_values(await_event(w, pull, FH_SOCK_IS_LISTENING));
    connect_to(w, push, n.text);
    expect_values(await_event(w, push, FH_SOCK_IS_CONNECTED));
    expect_values(await_event(w, pull, FH_SOCK_IS_ACCEPTED));
    connect_to(w, plain, n.text);
    int64_t fd = await_event(w, plain, FH_SOCK_IS_CONNECTED);
    assert_int_equal(value_of(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
    assert_int_not_equal(value_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 7);
    assert_int_equal(value_of(fd, IPPROTO_IP, IP_TOS), 0);
    world_stop(w);
}

/* A listener that accepts nobody, with as many who wait as it has room for: the system does not answer to more. */
static void test_connect_timeout(void **state) {
    enum { FILLERS = 8 };
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fillers[FILLERS];
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    for (int i = 0; i < FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&at, size);
    }
    struct pollfd last = {.fd = fillers[FILLERS - 1], .events = POLLOUT};
    if (poll(&last, 1, 50) != 0)
        fh_test_skip("this system accepts connections that nobody has room for");
    world w = world_new(state);
    fh_sock push = open_patient(w, FH_ZMTP_PUSH);
    set(w, push, FH_SOCK_CONNECT_TIMEOUT, 30);
    watch_all(w, push);
    connect_to(w, push, join("tcp://127.0.0.1:", ntohs(at.sin_port)).text);
    for (int i = 0; i < 3; i++) {
        (void)await_event(w, push, FH_SOCK_IS_CONNECT_DELAYED);
        assert_int_equal(await_event(w, push, FH_SOCK_IS_CLOSED), 0);
        (void)await_event(w, push, FH_SOCK_IS_CONNECT_RETRIED);
    }
    world_stop(w);
    for (int i = 0; i < FILLERS; i++)
        (void)close(fillers[i]);
    (void)close(listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_refused),   FH_TEST_ALLOC(test_source),         FH_TEST_ALLOC(test_interface),
        FH_TEST_ALLOC(test_both_families),
        FH_TEST_ALLOC(test_moves),     FH_TEST_ALLOC(test_unknown),        FH_TEST_ALLOC(test_slow),
        FH_TEST_ALLOC(test_ends),      FH_TEST_ALLOC(test_simulated),      FH_TEST_ALLOC(test_system_options),
        FH_TEST_ALLOC(test_connect_timeout),
    };
    return run_where_possible("test_endpoint", tests, sizeof tests / sizeof *tests);
}
