/* test_zmq_transfer.c: messages by the documented interface: parts, requests, numbers, groups, what is full; and what is left
 * when memory runs out on the way (zmq_transfer.c). */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "zmq_world.h"

/* --- messages ------------------------------------------------------------------------------------------------------------- */

static void test_request(void **state) {
    (void)state;
    for (int i = 0; i < ENDPOINTS; i++) {
        world w;
        char text[8] = {0};
        int more = 0;
        size_t size = sizeof more;
        pair_up(&w, ZMQ_REP, ZMQ_REQ, endpoints[i]);
        refused(zmq_recv(w.b, text, sizeof text, 0), EFSM);
        refused(zmq_send(w.a, "x", 1, 0), EFSM);
        assert_int_equal(zmq_send(w.b, "one", 3, ZMQ_SNDMORE), 3);
        assert_int_equal(zmq_send(w.b, "two and more", 12, 0), 12);
        refused(zmq_send(w.b, "x", 1, 0), EFSM);
        assert_int_equal(zmq_recv(w.a, text, sizeof text, 0), 3);
        assert_int_equal(zmq_getsockopt(w.a, ZMQ_RCVMORE, &more, &size), 0);
        assert_int_equal(more, 1);
        assert_int_equal(zmq_recv(w.a, text, sizeof text, 0), 12); /* cut, and its size told */
        assert_memory_equal(text, "two and ", 8);
        assert_int_equal(zmq_getsockopt(w.a, ZMQ_RCVMORE, &more, &size), 0);
        assert_int_equal(more, 0);
        assert_int_equal(zmq_send_const(w.a, "", 0, 0), 0);
        assert_int_equal(zmq_recv(w.b, text, sizeof text, 0), 0);
        refused(zmq_recv(w.a, text, sizeof text, ZMQ_DONTWAIT), EAGAIN);
        end(&w);
    }
}

static int events_of(void *socket) {
    zmq_pollitem_t item = {socket, -1, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    assert_true(zmq_poll(&item, 1, 0) >= 0);
    return item.revents;
}

static int wait_for_answer(void *socket, long timeout_ms) {
    zmq_pollitem_t item = {socket, -1, ZMQ_POLLIN, 0};
    return zmq_poll(&item, 1, timeout_ms);
}

static void ask(world *w, const char *question) {
    char text[8];
    assert_int_equal(zmq_send(w->b, question, 1, 0), 1);
    assert_int_equal(zmq_recv(w->a, text, sizeof text, 0), 1);
}

/* Who polls for an answer gets none from a server that has gone, and asks by another socket. */
static void test_lost_request(void **state) {
    (void)state;
    for (int i = 0; i < ENDPOINTS; i++) {
        world w;
        char text[8];
        int none = 0;
        pair_up(&w, ZMQ_REP, ZMQ_REQ, endpoints[i]);
        ask(&w, "q");
        assert_int_equal(zmq_close(w.a), 0);
        assert_int_equal(wait_for_answer(w.b, 200), 0);
        refused(zmq_recv(w.b, text, sizeof text, ZMQ_DONTWAIT), EAGAIN);
        assert_int_equal(wait_for_answer(w.b, 1), 0);
        refused(zmq_send(w.b, "x", 1, ZMQ_DONTWAIT), EFSM);
        assert_int_equal(events_of(w.b), 0);
        assert_int_equal(zmq_setsockopt(w.b, ZMQ_LINGER, &none, sizeof none), 0);
        assert_int_equal(zmq_close(w.b), 0);
        w.a = socket_of(w.context, ZMQ_REP);
        w.b = socket_of(w.context, ZMQ_REQ);
        assert_int_equal(zmq_bind(w.a, w.endpoint), 0);
        assert_int_equal(zmq_connect(w.b, w.endpoint), 0);
        ask(&w, "q");
        assert_int_equal(zmq_send(w.a, "answer", 6, 0), 6);
        assert_int_equal(wait_for_answer(w.b, 60000), 1);
        assert_int_equal(zmq_recv(w.b, text, sizeof text, ZMQ_DONTWAIT), 6);
        end(&w);
    }
}

/* An answer that a poll has found is read to its end before the next question, or given up for it. */
static void test_found_answer(void **state) {
    (void)state;
    for (int i = 0; i < ENDPOINTS; i++) {
        world w;
        char text[8] = {0};
        int relaxed = 1;
        pair_up(&w, ZMQ_REP, ZMQ_REQ, endpoints[i]);
        for (int n = 0; n < 2; n++) {
            ask(&w, "q");
            assert_int_equal(zmq_send(w.a, "one", 3, ZMQ_SNDMORE), 3);
            assert_int_equal(zmq_send(w.a, "and", 3, 0), 3);
            assert_int_equal(wait_for_answer(w.b, 60000), 1);
            assert_int_equal(events_of(w.b), ZMQ_POLLIN);
            refused(zmq_send(w.b, "x", 1, 0), EFSM);
            assert_int_equal(zmq_recv(w.b, text, sizeof text, ZMQ_DONTWAIT), 3);
            assert_int_equal(events_of(w.b), ZMQ_POLLIN);
            refused(zmq_send(w.b, "x", 1, 0), EFSM);
            assert_int_equal(zmq_recv(w.b, text, sizeof text, ZMQ_DONTWAIT), 3);
            assert_int_equal(events_of(w.b), ZMQ_POLLOUT);
        }
        assert_int_equal(zmq_setsockopt(w.b, ZMQ_REQ_RELAXED, &relaxed, sizeof relaxed), 0);
        ask(&w, "q");
        assert_int_equal(zmq_send(w.a, "old", 3, 0), 3);
        assert_int_equal(wait_for_answer(w.b, 60000), 1);
        assert_int_equal(events_of(w.b), ZMQ_POLLIN | ZMQ_POLLOUT);
        ask(&w, "r");
        assert_int_equal(wait_for_answer(w.b, 1), 0);
        assert_int_equal(zmq_send(w.a, "new", 3, 0), 3);
        assert_int_equal(zmq_recv(w.b, text, sizeof text, 0), 3);
        assert_memory_equal(text, "new", 3);
        end(&w);
    }
}

/* A message that does not fit is refused with its first part. */
static void test_full(void **state) {
    world w;
    (void)state;
    int one = 1;
    w.context = zmq_ctx_new();
    w.a = zmq_socket(w.context, ZMQ_PUSH);
    w.b = zmq_socket(w.context, ZMQ_PULL);
    assert_int_equal(zmq_setsockopt(w.a, ZMQ_SNDHWM, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(w.b, ZMQ_RCVHWM, &one, sizeof one), 0);
    refused(zmq_send(w.a, "x", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(zmq_bind(w.a, "inproc://x"), 0);
    assert_int_equal(zmq_connect(w.b, "inproc://x"), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(zmq_send(w.a, "x", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), 1);
        assert_int_equal(zmq_send(w.a, "y", 1, ZMQ_DONTWAIT), 1);
    }
    refused(zmq_send(w.a, "x", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(zmq_setsockopt(w.a, ZMQ_SNDTIMEO, &one, sizeof one), 0);
    refused(zmq_send(w.a, "x", 1, ZMQ_SNDMORE), EAGAIN);
    zmq_msg_t msg;
    assert_int_equal(zmq_msg_init_buffer(&msg, "kept", 4), 0);
    refused(zmq_msg_send(&msg, w.a, 0), EAGAIN);
    assert_int_equal(zmq_msg_size(&msg), 4);
    assert_memory_equal(zmq_msg_data(&msg), "kept", 4); /* it is still the program's */
    assert_int_equal(zmq_msg_close(&msg), 0);
    end(&w);
}

/* The same of a publisher that drops nothing. What nobody wants is never refused. */
static void test_full_publisher(void **state) {
    world w;
    (void)state;
    int one = 1;
    char text[8] = {0};
    w.context = zmq_ctx_new();
    w.a = zmq_socket(w.context, ZMQ_PUB);
    w.b = zmq_socket(w.context, ZMQ_SUB);
    assert_int_equal(zmq_setsockopt(w.a, ZMQ_SNDHWM, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(w.a, ZMQ_XPUB_NODROP, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(w.a, ZMQ_SNDTIMEO, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(w.b, ZMQ_RCVHWM, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(w.b, ZMQ_SUBSCRIBE, "t", 1), 0);
    assert_int_equal(zmq_bind(w.a, "inproc://x"), 0);
    assert_int_equal(zmq_connect(w.b, "inproc://x"), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(zmq_send(w.a, "topic", 5, ZMQ_SNDMORE | ZMQ_DONTWAIT), 5);
        assert_int_equal(zmq_send(w.a, "body", 4, ZMQ_DONTWAIT), 4);
    }
    refused(zmq_send(w.a, "topic", 5, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    refused(zmq_send(w.a, "topic", 5, ZMQ_SNDMORE), EAGAIN);
    assert_int_equal(zmq_send(w.a, "other", 5, ZMQ_SNDMORE | ZMQ_DONTWAIT), 5);
    assert_int_equal(zmq_send(w.a, "body", 4, ZMQ_DONTWAIT), 4);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(zmq_recv(w.b, text, sizeof text, 0), 5);
        assert_memory_equal(text, "topic", 5);
        assert_int_equal(zmq_recv(w.b, text, sizeof text, ZMQ_DONTWAIT), 4);
        assert_memory_equal(text, "body", 4);
        if (i == 1) {
            refused(zmq_recv(w.b, text, sizeof text, ZMQ_DONTWAIT), EAGAIN);
            assert_int_equal(zmq_send(w.a, "topic", 5, ZMQ_SNDMORE), 5);
            assert_int_equal(zmq_send(w.a, "body", 4, 0), 4);
        }
    }
    end(&w);
}

/* A message of a number, of a group, or of neither: what it is called is the frame's. */
static void say(void *socket, uint32_t number, const char *group, const char *text) {
    zmq_msg_t msg;
    assert_int_equal(zmq_msg_init_buffer(&msg, text, strlen(text)), 0);
    if (number != 0)
        assert_int_equal(zmq_msg_set_routing_id(&msg, number), 0);
    if (group != NULL)
        assert_int_equal(zmq_msg_set_group(&msg, group), 0);
    assert_int_equal(zmq_msg_send(&msg, socket, 0), strlen(text));
    assert_int_equal(zmq_msg_close(&msg), 0);
}

static uint32_t hear(void *socket, const char *group, const char *text) {
    zmq_msg_t msg;
    assert_int_equal(zmq_msg_init(&msg), 0);
    assert_int_equal(zmq_msg_recv(&msg, socket, 0), strlen(text));
    assert_memory_equal(zmq_msg_data(&msg), text, strlen(text));
    assert_string_equal(zmq_msg_group(&msg), group);
    assert_int_equal(zmq_msg_more(&msg), 0);
    uint32_t number = zmq_msg_routing_id(&msg);
    assert_int_equal(zmq_msg_close(&msg), 0);
    return number;
}

static void test_numbers(void **state) {
    (void)state;
    static const int types[][2] = {{ZMQ_SERVER, ZMQ_CLIENT}, {ZMQ_PEER, ZMQ_PEER}};
    for (int i = 0; i < 2 * ENDPOINTS; i++) {
        world w;
        char text[8];
        bool is_server = i < ENDPOINTS;
        pair_up(&w, types[!is_server][0], types[!is_server][1], endpoints[i % ENDPOINTS]);
        uint32_t number = 0;
        if (is_server) {
            say(w.b, 0, NULL, "question");
            number = hear(w.a, "", "question");
            assert_true(number != 0);
            say(w.a, number, NULL, "answer");
            assert_int_equal(hear(w.b, "", "answer"), 0);
            say(w.b, 0, NULL, "cut");
            assert_int_equal(zmq_recv(w.a, text, 2, 0), 3); /* its number is not asked for */
            assert_memory_equal(text, "cu", 2);
        }
        refused(zmq_send(w.a, "x", 1, 0), EHOSTUNREACH); /* to nobody */
        refused(zmq_send(w.b, "x", 1, ZMQ_SNDMORE), EINVAL);
        end(&w);
    }
}

static void test_groups(void **state) {
    (void)state;
    for (int i = 0; i < ENDPOINTS; i++) {
        world w;
        zmq_msg_t msg;
        pair_up(&w, ZMQ_DISH, ZMQ_RADIO, endpoints[i]);
        assert_int_equal(zmq_join(w.a, "news"), 0);
        refused(zmq_send(w.b, "x", 1, 0), EINVAL); /* of no group */
        int result = -1;
        for (bool heard = false; !heard; heard = result >= 0) { /* until it has heard who joined what */
            say(w.b, 0, "olds", "no");
            say(w.b, 0, "news", "yes");
            assert_int_equal(zmq_msg_init(&msg), 0);
            result = zmq_msg_recv(&msg, w.a, ZMQ_DONTWAIT);
            assert_true(result == 3 || zmq_errno() == EAGAIN);
            assert_string_equal(zmq_msg_group(&msg), result == 3 ? "news" : "");
            assert_int_equal(zmq_msg_close(&msg), 0);
        }
        end(&w);
    }
}

/* Parts by vector: as many as there are, or fit; each in a block of its own, which free() ends. */
static void test_vectors(void **state) {
    (void)state;
    world w;
    char one[] = "one", three[] = "three";
    struct iovec parts[] = {{one, 3}, {NULL, 0}, {three, 5}}, got[4];
    size_t count = 4, none = 0;
    pair_up(&w, ZMQ_PULL, ZMQ_PUSH, "tcp://127.0.0.1:*");
    refused(zmq_sendiov(NULL, parts, 3, 0), ENOTSOCK);
    refused(zmq_sendiov(w.b, parts, 0, 0), EINVAL);
    refused(zmq_recviov(NULL, got, &count, 0), ENOTSOCK);
    refused(zmq_recviov(w.a, NULL, &count, 0), EINVAL);
    refused(zmq_recviov(w.a, got, NULL, 0), EINVAL);
    refused(zmq_recviov(w.a, got, &none, 0), EINVAL);
    assert_int_equal(count, 4);
    refused(zmq_recviov(w.a, got, &count, ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(count, 0);
    for (size_t room = 1; room <= 4; room++) {
        assert_int_equal(zmq_sendiov(w.b, parts, 3, 0), 5);
        for (size_t at = 0; at < 3; at += count) {
            count = room;
            size_t expected = room < 3 - at ? room : 3 - at;
            assert_int_equal(zmq_recviov(w.a, got, &count, 0), expected);
            assert_int_equal(count, expected);
            for (size_t i = 0; i < count; i++) {
                assert_int_equal(got[i].iov_len, parts[at + i].iov_len);
                if (got[i].iov_len != 0)
                    assert_memory_equal(got[i].iov_base, parts[at + i].iov_base, got[i].iov_len);
                free(got[i].iov_base);
            }
        }
    }
    end(&w);
    pair_up(&w, ZMQ_SERVER, ZMQ_CLIENT, "inproc://x");
    say(w.b, 0, NULL, "question");
    count = 4;
    assert_int_equal(zmq_recviov(w.a, got, &count, 0), 1);
    assert_int_equal(got[0].iov_len, 8);
    assert_memory_equal(got[0].iov_base, "question", 8); /* and not the number before it */
    free(got[0].iov_base);
    end(&w);
}

/* A STREAM that connects: the name of its connection is its own; what follows the name is one part, whatever the flags say;
 * an empty one ends the connection. The descriptor of a sender can be asked for. */
static void test_stream(void **state) {
    (void)state;
    world w;
    char name[256], theirs[256], text[8];
    size_t size = sizeof name;
    zmq_msg_t msg;
    struct sockaddr_storage from;
    socklen_t from_size = sizeof from;
    pair_up(&w, ZMQ_STREAM, ZMQ_STREAM, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_getsockopt(w.b, ZMQ_ROUTING_ID, name, &size), 0);
    assert_int_equal(size, 5);
    assert_int_equal(zmq_send(w.b, name, size, ZMQ_SNDMORE), 5);
    assert_int_equal(zmq_send(w.b, "GET /", 5, ZMQ_SNDMORE), 5);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(zmq_recv(w.a, theirs, sizeof theirs, 0), 5);
        assert_int_equal(zmq_msg_init(&msg), 0);
        assert_int_equal(zmq_msg_recv(&msg, w.a, 0), i == 0 ? 0 : 5);
        int fd = zmq_msg_get(&msg, ZMQ_SRCFD);
        assert_true(fd >= 0 && getpeername(fd, (struct sockaddr *)&from, &from_size) == 0);
        assert_int_equal(zmq_msg_close(&msg), 0);
    }
    assert_int_equal(zmq_send(w.a, theirs, 5, ZMQ_SNDMORE), 5);
    assert_int_equal(zmq_send(w.a, NULL, 0, ZMQ_SNDMORE), 0);
    for (int i = 0; i < 2; i++) { /* it came, and it is over */
        assert_int_equal(zmq_recv(w.b, theirs, sizeof theirs, 0), 5);
        assert_memory_equal(theirs, name, 5);
        assert_int_equal(zmq_recv(w.b, text, sizeof text, 0), 0);
    }
    assert_int_equal(zmq_msg_init(&msg), 0);
    assert_int_equal(zmq_msg_get(&msg, ZMQ_SRCFD), -1);
    assert_int_equal(zmq_msg_close(&msg), 0);
    end(&w);
}

/* A PEER knows what it calls whom it connects to, and may say something at once. */
static void test_connect_peer(void **state) {
    (void)state;
    static const char *const places[] = {"inproc://x", "tcp://127.0.0.1:*"};
    int one = 1;
    for (int i = 0; i < 2; i++) {
        world w;
        pair_up(&w, ZMQ_PEER, ZMQ_PEER, places[i]);
        void *other = socket_of(w.context, ZMQ_DEALER);
        errno = 0;
        assert_true(zmq_connect_peer(NULL, w.endpoint) == 0 && errno == ENOTSOCK);
        assert_true(zmq_connect_peer(other, w.endpoint) == 0 && errno == ENOTSUP);
        assert_true(zmq_connect_peer(w.b, NULL) == 0 && errno == EINVAL);
        assert_true(zmq_connect_peer(w.b, "nothing://x") == 0 && errno == EPROTONOSUPPORT);
        uint32_t first = zmq_connect_peer(w.b, w.endpoint), second = zmq_connect_peer(w.b, w.endpoint);
        assert_true(first != 0 && second != 0 && first != second);
        for (int k = 0; k < 2; k++) {
            say(w.b, k == 0 ? first : second, NULL, "question");
            uint32_t name = hear(w.a, "", "question");
            say(w.a, name, NULL, "answer");
            assert_int_equal(hear(w.b, "", "answer"), k == 0 ? first : second);
        }
        void *named = socket_of(w.context, ZMQ_PEER); /* a name of its own is nothing to them */
        assert_int_equal(zmq_setsockopt(named, ZMQ_ROUTING_ID, "name", 4), 0);
        say(named, zmq_connect_peer(named, w.endpoint), NULL, "question");
        assert_int_not_equal(hear(w.a, "", "question"), fh_span_u32(FH_LIT("name"), 0));
        assert_int_equal(zmq_close(named), 0);
        assert_int_equal(zmq_setsockopt(w.b, ZMQ_IMMEDIATE, &one, sizeof one), 0);
        assert_true(zmq_connect_peer(w.b, w.endpoint) == 0 && errno == EFAULT);
        assert_int_equal(zmq_close(other), 0);
        end(&w);
    }
}

/* --- allocation ----------------------------------------------------------------------------------------------------------- */

static int send_frame(void *socket, uint32_t number, const char *group) {
    zmq_msg_t msg;
    int result = zmq_msg_init_size(&msg, 100);
    if (result == 0 && number != 0)
        result = zmq_msg_set_routing_id(&msg, number);
    if (result == 0 && group != NULL)
        result = zmq_msg_set_group(&msg, group);
    if (result == 0)
        result = zmq_msg_send(&msg, socket, ZMQ_DONTWAIT);
    int error = errno;
    assert_int_equal(zmq_msg_close(&msg), 0);
    errno = error;
    return result;
}

/* Receives one; its number, or 0. What could not be told of at first comes whole later. */
static uint32_t receive_frame(void *socket, fh_trace *trace, const char *group, int *result) {
    zmq_msg_t msg;
    assert_int_equal(zmq_msg_init(&msg), 0);
    *result = zmq_msg_recv(&msg, socket, ZMQ_DONTWAIT);
    int error = errno;
    if (*result < 0 && error == ENOMEM) {
        fh_trace_fail_at(trace, 0);
        assert_int_equal(zmq_msg_recv(&msg, socket, ZMQ_DONTWAIT), 100);
        assert_string_equal(zmq_msg_group(&msg), group);
    }
    uint32_t number = zmq_msg_routing_id(&msg);
    assert_int_equal(zmq_msg_close(&msg), 0);
    errno = error;
    return number;
}

static int talk_of_groups(void *radio, void *dish, fh_trace *trace) {
    int result = 0;
    if (zmq_bind(radio, "inproc://x") != 0 || zmq_join(dish, "news") != 0 || zmq_connect(dish, "inproc://x") != 0)
        return -1;
    if (send_frame(radio, 0, "news") < 0)
        return -1;
    (void)receive_frame(dish, trace, "news", &result);
    return result < 0 && errno != EAGAIN ? -1 : 0;
}

static int talk_of_numbers(void *server, void *client, fh_trace *trace) {
    int result = 0;
    if (zmq_bind(server, "inproc://y") != 0 || zmq_connect(client, "inproc://y") != 0 || send_frame(client, 0, NULL) < 0)
        return -1;
    uint32_t number = receive_frame(server, trace, "", &result);
    return result < 0 || send_frame(server, number, NULL) < 0 ? -1 : 0;
}

static fh_status drafts(fh_allocator *a, void *trace) {
    (void)a;
    static const int types[] = {ZMQ_RADIO, ZMQ_DISH, ZMQ_SERVER, ZMQ_CLIENT};
    void *sockets[4] = {NULL}, *context = zmq_ctx_new();
    int result = context != NULL ? 0 : -1;
    for (int i = 0; i < 4 && result == 0; i++) {
        sockets[i] = zmq_socket(context, types[i]);
        result = sockets[i] != NULL ? 0 : -1;
    }
    if (result == 0)
        result = talk_of_groups(sockets[0], sockets[1], trace);
    if (result == 0)
        result = talk_of_numbers(sockets[2], sockets[3], trace);
    int number = errno;
    for (int i = 0; i < 4; i++)
        assert_true(sockets[i] == NULL || zmq_close(sockets[i]) == 0);
    assert_true(context == NULL || zmq_ctx_term(context) == 0);
    if (result < 0)
        assert_int_equal(number, ENOMEM);
    return FH_STATUS(result < 0 ? FH_NOMEM : FH_OK);
}

static void test_drafts_fail(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), drafts, fh_test_trace(state)) > 30);
}

/* A message whose sender cannot be told of stays, and comes whole later. */
static void test_properties_fail(void **state) {
    (void)state;
    world w;
    bool fired = true;
    zmq_msg_t msg;
    fh_trace *trace = fh_test_trace(state);
    pair_up(&w, ZMQ_PULL, ZMQ_PUSH, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_msg_init(&msg), 0);
    for (uint64_t n = 1; fired; n++) {
        void *push = socket_of(w.context, ZMQ_PUSH); /* another one each time, of whom nothing was written yet */
        zmq_pollitem_t item = {w.a, -1, ZMQ_POLLIN, 0};
        assert_int_equal(zmq_connect(push, w.endpoint), 0);
        assert_int_equal(zmq_send(push, "x", 1, 0), 1);
        assert_int_equal(zmq_poll(&item, 1, -1), 1);
        uint64_t before = fh_trace_stats(trace).failures;
        fh_trace_fail_at(trace, n);
        int result = zmq_msg_recv(&msg, w.a, ZMQ_DONTWAIT), number = errno;
        fh_trace_fail_at(trace, 0);
        fired = fh_trace_stats(trace).failures != before;
        if (result < 0) {
            assert_int_equal(number, ENOMEM);
            assert_int_equal(zmq_msg_recv(&msg, w.a, 0), 1);
        }
        assert_string_equal(zmq_msg_gets(&msg, "Socket-Type"), "PUSH");
        assert_int_equal(zmq_close(push), 0);
    }
    assert_int_equal(zmq_msg_close(&msg), 0);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_ZMQ_TEST(test_request), FH_ZMQ_TEST(test_lost_request), FH_ZMQ_TEST(test_found_answer), FH_ZMQ_TEST(test_full),
        FH_ZMQ_TEST(test_full_publisher), FH_ZMQ_TEST(test_numbers), FH_ZMQ_TEST(test_groups), FH_ZMQ_TEST(test_vectors),
        FH_ZMQ_TEST(test_connect_peer), FH_ZMQ_TEST(test_stream), FH_ZMQ_TEST(test_drafts_fail),
        FH_ZMQ_TEST(test_properties_fail),
    };
    zmq_world_name();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
