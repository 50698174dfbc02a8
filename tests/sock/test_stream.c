/* test_stream.c: sockets of type STREAM, beside ordinary ones of TCP (conn.c, pattern.c).
 *
 * tidy: exempt mirror: it is of the whole layer */
#include <string.h>

#include "conn_world.h"

static int dial(wire_name n) {
    int port = 0;
    assert_int_equal(sscanf(n.text, "tcp://127.0.0.1:%d", &port), 1);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}
static void write_text(int fd, const char *text) {
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}
static void read_text(int fd, const char *text) {
    char found[64] = {0};
    for (size_t at = 0; at < strlen(text);) {
        ssize_t n = recv(fd, &found[at], strlen(text) - at, 0);
        assert_true(n > 0);
        at += (size_t)n;
    }
    assert_string_equal(found, text);
}

/* Waits for a message of this name ({NULL, …}: any) and this text: the name. */
static fh_bytes await_named(world w, fh_sock s, fh_bytes name, const char *text) {
    fh_message m = {0};
    fh_assert_ok(fh_sock_receive(w.c, s, &m));
    assert_int_equal(fh_message_count(&m), 2);
    fh_bytes found = fh_message_shift(&m);
    assert_true(name.span.size == 0 || fh_bytes_equal(found, name));
    fh_test_span(fh_message_view(&m, 0), text, __FILE__, __LINE__);
    fh_message_drop(&m, w.a);
    return found;
}
static void expect_named(world w, fh_sock s, fh_bytes name, const char *text) {
    fh_bytes found = await_named(w, s, name, text);
    fh_bytes_drop(&found);
}
static fh_code say_named(world w, fh_sock s, fh_bytes name, const char *text) {
    fh_message m = {0};
    fh_bytes first = fh_bytes_share(name);
    fh_assert_ok(fh_message_push(&m, w.a, &first));
    fh_assert_ok(fh_message_push_copy(&m, w.a, fh_span_of_str(text)));
    fh_status status = fh_sock_send(w.c, s, &m);
    fh_message_drop(&m, w.a);
    return status.code;
}

static const fh_bytes any = {NULL, {NULL, 0}};

/* What is known of a peer is known as soon as it has come. */
static void test_about(void **state) {
    world w = world_new(state);
    fh_sock s = open_patient(w, FH_ZMTP_STREAM);
    set(w, s, FH_SOCK_METADATA, 1);
    wire_name n = bind_fresh(w, s, TCP);
    int fd = dial(n);
    fh_bytes name = await_named(w, s, any, "");
    fh_message m = {0};
    fh_zmtp_property p;
    size_t at = 0;
    fh_assert_ok(fh_sock_about(w.c, s, &m));
    assert_int_equal(fh_message_count(&m), 3);
    fh_assert_ok(fh_zmtp_property_next(fh_message_view(&m, 1), &at, &p));
    fh_assert_span(p.name, "Peer-Address");
    fh_assert_span(p.value, "127.0.0.1");
    fh_message_drop(&m, w.a);
    write_text(fd, "hello");
    expect_named(w, s, name, "hello");
    fh_bytes_drop(&name);
    close(fd);
    world_stop(w);
}

/* Peers by name; each comes and goes with an empty message, in order with what it sent. */
static void test_peers(void **state) {
    world w = world_new(state);
    fh_sock s = open_patient(w, FH_ZMTP_STREAM);
    wire_name n = bind_fresh(w, s, TCP);
    int a = dial(n);
    fh_bytes at_a = await_named(w, s, any, "");
    assert_int_equal(at_a.span.size, 5);
    int b = dial(n);
    fh_bytes at_b = await_named(w, s, any, "");
    assert_false(fh_bytes_equal(at_a, at_b));
    write_text(a, "GET /");
    expect_named(w, s, at_a, "GET /");
    assert_int_equal(say_named(w, s, at_b, "to b"), FH_OK);
    assert_int_equal(say_named(w, s, at_a, "to a"), FH_OK);
    read_text(a, "to a");
    read_text(b, "to b");
    write_text(b, "last");
    close(b);
    expect_named(w, s, at_b, "last");
    expect_named(w, s, at_b, "");
    assert_int_equal(say_named(w, s, at_b, "gone"), FH_NOT_FOUND);
    assert_int_equal(say_named(w, s, at_a, "farewell"), FH_OK);
    assert_int_equal(say_named(w, s, at_a, ""), FH_OK); /* ends it, behind what was said */
    read_text(a, "farewell");
    char rest[4];
    assert_int_equal(recv(a, rest, sizeof rest, 0), 0);
    assert_int_equal(say_named(w, s, at_a, "gone"), FH_NOT_FOUND);
    close(a);
    hear_none(w, s);
    fh_bytes_drop(&at_a);
    fh_bytes_drop(&at_b);
    world_stop(w);
}

/* A STREAM that connects; the name of the peer may be chosen. Without notices there are none. */
static void test_connects(void **state) {
    world w = world_new(state);
    fh_sock server = open_patient(w, FH_ZMTP_STREAM), client = open_patient(w, FH_ZMTP_STREAM);
    set(w, server, FH_SOCK_STREAM_NOTIFY, 0);
    wire_name n = bind_fresh(w, server, TCP);
    fh_assert_ok(fh_sock_name_next(w.c, client, FH_LIT("the server")));
    connect_to(w, client, n.text);
    await(w, client, "the server|");
    tell(w, client, "the server|question");
    fh_bytes name = await_named(w, server, any, "question");
    assert_int_equal(say_named(w, server, name, "answer"), FH_OK);
    await(w, client, "the server|answer");
    fh_bytes_drop(&name);
    fh_assert_ok(fh_sock_disconnect(w.c, client, fh_span_of_str(n.text)));
    await(w, client, "the server|");
    hear_none(w, server);
    world_stop(w);
}

/* Who connects knows the name at once, and may speak before anybody listens; its application hears of the connection when that
 * stands. With IMMEDIATE there is no name before. */
static void test_speaks_first(void **state) {
    world w = world_new(state);
    fh_sock other = open_sock(w, FH_ZMTP_STREAM), server = open_patient(w, FH_ZMTP_STREAM);
    fh_sock client = open_patient(w, FH_ZMTP_STREAM);
    wire_name n = bind_fresh(w, other, TCP);
    close_sock(w, other);
    set(w, server, FH_SOCK_STREAM_NOTIFY, 0);
    fh_bytes name;
    fh_assert_ok(fh_sock_identity(w.c, client, &name));
    assert_int_equal(name.span.size, 0);
    connect_to(w, client, n.text);
    fh_assert_ok(fh_sock_identity(w.c, client, &name));
    assert_int_equal(name.span.size, 5);
    assert_int_equal(say_named(w, client, name, "first"), FH_OK);
    hear_none(w, client);
    assert_int_equal(bind_to(w, server, n.text), FH_OK);
    fh_bytes there = await_named(w, server, any, "first");
    expect_named(w, client, name, "");
    close_sock(w, server);
    expect_named(w, client, name, ""); /* it is over, and comes again by another name */
    fh_bytes_drop(&there);
    assert_int_equal(say_named(w, client, name, "gone"), FH_NOT_FOUND);
    fh_bytes_drop(&name);
    fh_sock careful = open_sock(w, FH_ZMTP_STREAM);
    set(w, careful, FH_SOCK_IMMEDIATE, 1);
    connect_to(w, careful, n.text);
    fh_assert_ok(fh_sock_identity(w.c, careful, &name));
    assert_int_equal(name.span.size, 0);
    world_stop(w);
}

/* Who does not read holds the peer back, both ways, and no byte is lost. */
static void test_much(void **state) {
    enum { BLOCK = 60000, BLOCKS = 40 };
    world w = world_new(state);
    fh_sock server = open_patient(w, FH_ZMTP_STREAM), client = open_patient(w, FH_ZMTP_STREAM);
    set(w, server, FH_SOCK_RECEIVE_MARK, 2);
    wire_name n = bind_fresh(w, server, TCP);
    fh_assert_ok(fh_sock_name_next(w.c, client, FH_LIT("s")));
    connect_to(w, client, n.text);
    await(w, client, "s|");
    fh_bytes name = await_named(w, server, any, "");
    uint8_t *block = fh_alloc(w.a, 1, BLOCK);
    assert_non_null(block);
    uint64_t got = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        fh_message m = message_of(w.a, "s");
        for (size_t k = 0; k < BLOCK; k++)
            block[k] = (uint8_t)((i * BLOCK + k) % 251);
        fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){block, BLOCK}));
        fh_assert_ok(fh_sock_send(w.c, client, &m));
        fh_message_drop(&m, w.a);
    }
    while (got < BLOCK * BLOCKS) {
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, server, &m));
        fh_span text = fh_message_view(&m, 1);
        for (size_t k = 0; k < text.size; k++, got++)
            assert_int_equal(fh_span_at(text, k), got % 251);
        fh_message_drop(&m, w.a);
    }
    fh_free(w.a, block);
    fh_bytes_drop(&name);
    world_stop(w);
}

static void test_refusals(void **state) {
    world w = world_new(state);
    fh_sock s = open_sock(w, FH_ZMTP_STREAM);
    assert_int_equal(bind_to(w, s, "inproc://x"), FH_UNSUPPORTED);
    assert_int_equal(bind_to(w, s, "ipc://@x"), FH_UNSUPPORTED);
    fh_assert_code(fh_sock_connect(w.c, s, FH_LIT("inproc://x"), NULL), FH_UNSUPPORTED);
    assert_int_equal(say(w, s, "one part"), FH_INVALID);
    assert_int_equal(say(w, s, "a|b|c"), FH_INVALID);
    assert_int_equal(say(w, s, "nobody|b"), FH_NOT_FOUND);
    assert_int_equal(say(w, s, "nobody|"), FH_NOT_FOUND);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_about), FH_TEST_ALLOC(test_peers), FH_TEST_ALLOC(test_connects),
                                       FH_TEST_ALLOC(test_speaks_first), FH_TEST_ALLOC(test_much),
                                       FH_TEST_ALLOC(test_refusals)};
    return run_where_possible("test_stream", tests, sizeof tests / sizeof *tests);
}
