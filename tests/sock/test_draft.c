/* test_draft.c: the clauses of RFC 41, 48, 49, 51 and 52, each by its number in docs/SOCKETS.md, over each transport.
 *
 * tidy: exempt mirror: it is of the whole layer */
#include <string.h>

#include "conn_world.h"

static void on_each(void **state, void (*body)(world w, transport t)) {
    for (transport t = INPROC; t < TRANSPORTS; t++) {
        world w = world_new(state);
        body(w, t);
        world_stop(w);
    }
}

/* A message whose first part is the name of a peer. */
static fh_code say_to(world w, fh_sock s, uint32_t id, const char *text) {
    uint8_t name[4] = {0};
    fh_message m = {0};
    fh_mspan_put_u32((fh_mspan){name, 4}, 0, id);
    fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){name, 4}));
    fh_assert_ok(fh_message_push_copy(&m, w.a, fh_span_of_str(text)));
    fh_status status = fh_sock_try_send(w.c, s, &m);
    assert_int_equal(fh_message_count(&m), fh_failed(status) ? 2 : 0);
    fh_message_drop(&m, w.a);
    return status.code;
}
/* Waits for a message with this body: who sent it. */
static uint32_t await_from(world w, fh_sock s, const char *text) {
    fh_message m = {0};
    fh_assert_ok(fh_sock_receive(w.c, s, &m));
    assert_int_equal(fh_message_count(&m), 2);
    assert_int_equal(fh_message_view(&m, 0).size, 4);
    uint32_t id = fh_span_u32(fh_message_view(&m, 0), 0);
    fh_test_span(fh_message_view(&m, 1), text, __FILE__, __LINE__);
    fh_message_drop(&m, w.a);
    return id;
}
/* Says it until the answer is another than `code`. */
static fh_code say_while(world w, fh_sock s, uint32_t id, fh_code code) {
    uint64_t end = fh_os_clock_ns() + UINT64_C(60000000000);
    fh_code found = code;
    while (found == code) {
        assert_true(fh_os_clock_ns() < end);
        found = say_to(w, s, id, "x");
        fh_os_nap(found == code ? 1000000 : 0);
    }
    return found;
}

/* --- RFC 41: CLIENT, SERVER ----------------------------------------------------------------------------------------------- */

/* "SHALL route outgoing messages to available peers using a round-robin strategy", "SHALL receive … using a fair-queuing
 * strategy"; a SERVER "SHALL identify each double queue using a unique routing id, which is a non-zero 32-bit unsigned
 * integer", and "SHALL NOT allow the peer to specify" it. */
static void client_server(world w, transport t) {
    fh_sock server[2], client = open_patient(w, FH_ZMTP_CLIENT), other = open_patient(w, FH_ZMTP_CLIENT);
    wire_name n[2];
    fh_assert_ok(fh_sock_identify(w.c, client, FH_LIT("same")));
    fh_assert_ok(fh_sock_identify(w.c, other, FH_LIT("same")));
    for (int i = 0; i < 2; i++) {
        server[i] = open_patient(w, FH_ZMTP_SERVER);
        n[i] = bind_fresh(w, server[i], t);
        connect_to(w, client, n[i].text);
    }
    connect_to(w, other, n[0].text);
    tell(w, client, "a"); /* one to each, before any connection stands */
    tell(w, client, "b");
    uint32_t a = await_from(w, server[0], "a"), b = await_from(w, server[1], "b");
    tell(w, other, "o");
    uint32_t o = await_from(w, server[0], "o");
    assert_true(a != 0 && b != 0 && o != 0 && a != o);
    assert_int_equal(say_to(w, server[0], a, "to a"), FH_OK);
    assert_int_equal(say_to(w, server[0], o, "to o"), FH_OK);
    assert_int_equal(say_to(w, server[0], a + o + 1, "nobody"), FH_NOT_FOUND); /* "SHALL return an error" */
    await(w, client, "to a");
    await(w, other, "to o");
    close_sock(w, other); /* "SHALL destroy its double queue" */
    assert_int_equal(say_while(w, server[0], o, FH_OK), FH_NOT_FOUND);
}
static void test_41_01_03_05_06_09_ids(void **state) {
    on_each(state, client_server);
}

/* "SHALL block on sending, or return a suitable error, when it has no available peers", "SHALL NOT discard messages that it
 * cannot queue"; a SERVER "SHALL block on sending, if the queue is full". */
static void test_41_02_07_full(void **state) {
    world w = world_new(state);
    fh_sock server = open_sock(w, FH_ZMTP_SERVER), client = open_sock(w, FH_ZMTP_CLIENT);
    assert_int_equal(say(w, client, "nobody"), FH_AGAIN);
    for (int i = 0; i < 2; i++)
        set(w, i == 0 ? server : client, FH_SOCK_SEND_MARK, 1);
    for (int i = 0; i < 2; i++)
        set(w, i == 0 ? server : client, FH_SOCK_RECEIVE_MARK, 1);
    fh_assert_ok(fh_sock_bind(w.c, server, FH_LIT("inproc://x"), NULL));
    connect_to(w, client, "inproc://x");
    say_ok(w, client, "1");
    say_ok(w, client, "2");
    assert_int_equal(say(w, client, "3"), FH_AGAIN);
    uint32_t id = await_from(w, server, "1");
    (void)await_from(w, server, "2");
    assert_int_equal(say_to(w, server, id, "1"), FH_OK);
    assert_int_equal(say_to(w, server, id, "2"), FH_OK);
    assert_int_equal(say_to(w, server, id, "3"), FH_AGAIN);
    hear(w, client, "1");
    hear(w, client, "2");
    hear_none(w, client);
    world_free(w);
}

/* "MUST NOT send multipart messages": all the types of these RFCs. */
static void test_41_04_one_part(void **state) {
    world w = world_new(state);
    static const fh_zmtp_socket one[] = {FH_ZMTP_CLIENT, FH_ZMTP_SCATTER, FH_ZMTP_CHANNEL};
    static const fh_zmtp_socket two[] = {FH_ZMTP_SERVER, FH_ZMTP_PEER, FH_ZMTP_RADIO};
    for (int i = 0; i < 3; i++) {
        fh_sock s = open_sock(w, one[i]), t = open_sock(w, two[i]);
        assert_int_equal(say(w, s, "a|b"), FH_INVALID);
        assert_int_equal(say(w, t, "a"), FH_INVALID);
        assert_int_equal(say(w, t, "a|b|c"), FH_INVALID);
    }
    world_free(w);
}

/* --- RFC 48: RADIO, DISH -------------------------------------------------------------------------------------------------- */

static fh_code join(world w, fh_sock s, const char *group) {
    return fh_sock_subscribe(w.c, s, fh_span_of_str(group)).code;
}

/* "SHALL perform a group membership check using exact matching algorithm"; "SHALL attach the group to the message"; "SHALL NOT
 * deliver these commands to its calling application". */
static void radio_dish(world w, transport t) {
    fh_sock radio = open_patient(w, FH_ZMTP_RADIO), dish = open_patient(w, FH_ZMTP_DISH);
    assert_int_equal(join(w, dish, "news"), FH_OK); /* before there is anybody to be told */
    wire_name n = bind_fresh(w, radio, t);
    connect_to(w, dish, n.text);
    assert_int_equal(join(w, dish, "end"), FH_OK);
    uint64_t end = fh_os_clock_ns() + UINT64_C(60000000000);
    fh_code heard = FH_AGAIN;
    while (heard == FH_AGAIN) { /* until the radio has heard of the last group */
        assert_true(fh_os_clock_ns() < end);
        fh_message m = {0};
        say_ok(w, radio, "end|?");
        fh_os_nap(1000000);
        heard = fh_sock_try_receive(w.c, dish, &m).code;
        fh_message_drop(&m, w.a);
    }
    hear_code(w, radio, FH_UNSUPPORTED);
    assert_int_equal(say(w, dish, "news|x"), FH_UNSUPPORTED);
    say_ok(w, radio, "new|no");
    say_ok(w, radio, "newsy|no");
    say_ok(w, radio, "news|yes");
    for (bool found = false; !found;) { /* behind what was said to find out */
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, dish, &m));
        found = fh_span_equal(fh_message_view(&m, 0), FH_LIT("news"));
        assert_true(fh_span_equal(fh_message_view(&m, 1), found ? FH_LIT("yes") : FH_LIT("?")));
        fh_message_drop(&m, w.a);
    }
    hear_none(w, dish);
    fh_assert_ok(fh_sock_unsubscribe(w.c, dish, FH_LIT("news")));
    fh_assert_code(fh_sock_unsubscribe(w.c, dish, FH_LIT("news")), FH_NOT_FOUND);
    say_ok(w, radio, "news|late");
    say_ok(w, radio, "end|!");
    await(w, dish, "end|!");
}
static void test_48_01_04_06_groups(void **state) {
    on_each(state, radio_dish);
}

/* "Length MUST be between 0 to 255 bytes", each "one byte with allowed values 1-255"; the empty one is refused, as ZMTP has no
 * name for it. One is joined once. */
static void test_48_07_group_names(void **state) {
    world w = world_new(state);
    fh_sock radio = bound(w, FH_ZMTP_RADIO, "inproc://x"), dish = connected(w, FH_ZMTP_DISH, "inproc://x");
    static char longest[256], beyond[257];
    memset(longest, 'a', 255);
    memset(beyond, 'a', 256);
    assert_int_equal(join(w, dish, longest), FH_OK);
    assert_int_equal(join(w, dish, longest), FH_INVALID);
    assert_int_equal(join(w, dish, beyond), FH_INVALID);
    assert_int_equal(join(w, dish, ""), FH_INVALID);
    fh_assert_code(fh_sock_subscribe(w.c, dish, (fh_span){(const uint8_t *)"a\0b", 3}), FH_INVALID);
    fh_message m = {0};
    fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){(const uint8_t *)beyond, 256}));
    fh_assert_ok(fh_message_push_copy(&m, w.a, FH_LIT("x")));
    fh_assert_code(fh_sock_try_send(w.c, radio, &m), FH_INVALID);
    fh_message_drop(&m, w.a);
    assert_int_equal(say(w, radio, "|x"), FH_INVALID);
    fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){(const uint8_t *)longest, 255}));
    fh_assert_ok(fh_message_push_copy(&m, w.a, FH_LIT("x")));
    fh_assert_ok(fh_sock_try_send(w.c, radio, &m));
    fh_assert_ok(fh_sock_try_receive(w.c, dish, &m));
    assert_int_equal(fh_message_view(&m, 0).size, 255);
    fh_message_drop(&m, w.a);
    world_free(w);
}

/* "SHALL NOT block on sending", "SHALL silently drop the message if the queue for a dish is full". */
static void test_48_02_full_dish(void **state) {
    world w = world_new(state);
    fh_sock radio = open_sock(w, FH_ZMTP_RADIO), dish = open_sock(w, FH_ZMTP_DISH);
    say_ok(w, radio, "g|nobody");
    set(w, radio, FH_SOCK_SEND_MARK, 1);
    set(w, dish, FH_SOCK_RECEIVE_MARK, 1);
    assert_int_equal(join(w, dish, "g"), FH_OK);
    fh_assert_ok(fh_sock_bind(w.c, radio, FH_LIT("inproc://x"), NULL));
    connect_to(w, dish, "inproc://x");
    for (int i = 0; i < 5; i++)
        say_ok(w, radio, i < 2 ? "g|kept" : "g|dropped");
    hear(w, dish, "g|kept");
    hear(w, dish, "g|kept");
    hear_none(w, dish);
    world_free(w);
}

/* --- RFC 49: SCATTER, GATHER ---------------------------------------------------------------------------------------------- */

static void scatter_gather(world w, transport t) {
    fh_sock scatter = open_patient(w, FH_ZMTP_SCATTER), gather[2];
    assert_int_equal(say(w, scatter, "nobody"), FH_AGAIN);
    for (int i = 0; i < 2; i++) {
        gather[i] = open_patient(w, FH_ZMTP_GATHER);
        connect_to(w, scatter, bind_fresh(w, gather[i], t).text);
    }
    for (int i = 0; i < 4; i++)
        tell(w, scatter, i < 2 ? "first" : "second");
    for (int i = 0; i < 2; i++) {
        await(w, gather[i], "first");
        await(w, gather[i], "second");
        hear_none(w, gather[i]);
    }
    assert_int_equal(say(w, gather[0], "x"), FH_UNSUPPORTED);
    hear_code(w, scatter, FH_UNSUPPORTED);
}
static void test_49_01_02_03_rounds(void **state) {
    on_each(state, scatter_gather);
}

/* --- RFC 51: PEER --------------------------------------------------------------------------------------------------------- */

/* Who connects has an id to speak to at once: "SHALL create a double queue when initiating an outgoing connection". */
static void peers(world w, transport t) {
    fh_sock a = open_patient(w, FH_ZMTP_PEER), b = open_patient(w, FH_ZMTP_PEER);
    assert_int_equal(get(w, b, FH_SOCK_LAST_ROUTING_ID), 0);
    wire_name n = bind_fresh(w, a, t);
    connect_to(w, b, n.text);
    uint32_t to_a = (uint32_t)get(w, b, FH_SOCK_LAST_ROUTING_ID);
    assert_int_not_equal(to_a, 0);
    assert_int_equal(say_to(w, b, to_a, "hello"), FH_OK);
    uint32_t to_b = await_from(w, a, "hello");
    assert_int_equal(say_to(w, a, to_b, "answer"), FH_OK);
    assert_int_equal(await_from(w, b, "answer"), to_a);
    assert_int_equal(say_to(w, a, to_b + 1, "nobody"), FH_NOT_FOUND);
}
static void test_51_01_02_03_ids(void **state) {
    on_each(state, peers);
}

/* --- RFC 52: CHANNEL ------------------------------------------------------------------------------------------------------ */

static void channel(world w, transport t) {
    fh_sock a = open_patient(w, FH_ZMTP_CHANNEL), b = open_patient(w, FH_ZMTP_CHANNEL);
    assert_int_equal(say(w, a, "nobody"), FH_AGAIN);
    wire_name n = bind_fresh(w, a, t);
    connect_to(w, b, n.text);
    tell(w, b, "to a");
    await(w, a, "to a");
    tell(w, a, "to b");
    await(w, b, "to b");
    fh_sock late = open_patient(w, FH_ZMTP_CHANNEL);
    watch_all(w, late);
    connect_to(w, late, n.text);
    if (t == INPROC)
        assert_int_equal(say(w, late, "a second peer"), FH_OK); /* it has not been refused yet */
    tell(w, a, "still b");
    await(w, b, "still b");
    hear_none(w, late);
}
static void test_52_01_02_one_peer(void **state) {
    on_each(state, channel);
}

/* "SHALL not accept further messages when it has no available peer." */
static void test_52_03_full(void **state) {
    world w = world_new(state);
    fh_sock a = open_sock(w, FH_ZMTP_CHANNEL), b = open_sock(w, FH_ZMTP_CHANNEL);
    set(w, a, FH_SOCK_SEND_MARK, 1);
    set(w, b, FH_SOCK_RECEIVE_MARK, 1);
    fh_assert_ok(fh_sock_bind(w.c, a, FH_LIT("inproc://x"), NULL));
    connect_to(w, b, "inproc://x");
    say_ok(w, a, "1");
    say_ok(w, a, "2");
    assert_int_equal(say(w, a, "3"), FH_AGAIN);
    hear(w, b, "1");
    hear(w, b, "2");
    hear_none(w, b);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_41_01_03_05_06_09_ids), FH_TEST_ALLOC(test_41_02_07_full),
        FH_TEST_ALLOC(test_41_04_one_part),        FH_TEST_ALLOC(test_48_01_04_06_groups),
        FH_TEST_ALLOC(test_48_07_group_names),     FH_TEST_ALLOC(test_48_02_full_dish),
        FH_TEST_ALLOC(test_49_01_02_03_rounds),    FH_TEST_ALLOC(test_51_01_02_03_ids),
        FH_TEST_ALLOC(test_52_01_02_one_peer),     FH_TEST_ALLOC(test_52_03_full),
    };
    return run_where_possible("test_draft", tests, sizeof tests / sizeof *tests);
}
