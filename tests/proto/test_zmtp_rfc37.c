/* test_zmtp_rfc37.c: RFC 37, clause by clause. The number in a test's name is the clause's in docs/ZMTP.md.
 *
 * tidy: exempt mirror: it follows the clauses, which are kept by several files */
#include "zmtp_wire_peer.h"

static const fh_zmtp_options DEALER = {.socket = FH_ZMTP_DEALER};

#define SIGNATURE "\xff\0\0\0\0\0\0\0\1\x7f"
#define REST "\1NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" /* minor version, mechanism, as-server; then the filler */
#define FILLER "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define DEALER_READY "\4\51\5READY\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0\0"

/* 01: "the peer SHALL send to the other a partial greeting sufficient to trigger version detection"; ours comes in steps, each
 * as soon as it can be. 02: it reads the first eleven octets before it decides. */
static void test_37_01_02_staged_greeting(void **state) {
    scene s = scene_new(state, DEALER);
    scene_sent(&s, FH_LIT(SIGNATURE));
    hear(&s.e, FH_LIT("\xff\0\0\0\0\0\0\0\1"));
    scene_sent(&s, FH_LIT(""));
    hear(&s.e, FH_LIT("\x7f"));
    scene_sent(&s, FH_LIT("\3"));
    hear(&s.e, FH_LIT("\3"));
    scene_sent(&s, FH_LIT(REST FILLER));
    scene_said(&s, "");
    hear(&s.e, FH_LIT(REST FILLER));
    scene_sent(&s, FH_LIT(DEALER_READY));
    scene_free(&s);
}

/* 03: who demands 3.x "SHALL send its entire greeting (64 octets) and SHALL expect a matching 64 octet greeting", and the
 * padding "SHOULD" be zero. */
static void test_37_03_whole_greeting(void **state) {
    scene s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .version_min = FH_ZMTP_3_0});
    scene_sent(&s, FH_LIT("\xff\0\0\0\0\0\0\0\0\x7f\3" REST FILLER));
    put_byte(&s.wire, 0xff);
    put_number(&s.wire, 0, 8);
    put_byte(&s.wire, 0x7f);
    put_byte(&s.wire, 1);
    scene_play(&s);
    scene_said(&s, "fault VERSION at 0\n");
    scene_free(&s);
}

/* 04: "A peer SHALL NOT assign any significance to the padding field and MUST NOT validate this". */
static void test_37_04_padding(void **state) {
    for (unsigned fill = 0; fill < 256; fill += 51) {
        scene s = scene_new(state, DEALER);
        fh_buf plain;
        fh_buf_init(&plain, fh_heap(), 0);
        put_greeting(&plain, 3, 1, "NULL", false);
        memset(plain.at + 1, (int)fill, 8);
        put(&s.wire, fh_buf_view(&plain));
        put_ready(&s.wire, "READY", "ROUTER", NULL);
        scene_play(&s);
        scene_said(&s, "connected 3.1 ROUTER \n");
        fh_buf_deinit(&plain);
        scene_free(&s);
    }
}

/* 05: "A peer MUST accept higher protocol versions as valid"; 06: it "SHALL always use its own protocol (including framing)"
 * with them. */
static void test_37_05_06_higher_versions(void **state) {
    static const unsigned versions[][2] = {{3, 1}, {3, 2}, {3, 255}, {4, 0}, {255, 255}};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        scene s = scene_new(state, DEALER);
        put_greeting(&s.wire, versions[i][0], versions[i][1], "NULL", false);
        put_ready(&s.wire, "READY", "DEALER", "abc");
        put_message(&s.wire, "x");
        scene_play(&s);
        scene_said(&s, "connected 3.1 DEALER abc\npart x\n");
        scene_sent(&s, FH_LIT(SIGNATURE "\3" REST FILLER DEALER_READY));
        scene_free(&s);
    }
}

/* 07: "If a peer cannot downgrade its protocol to match its peer, it MUST close the connection". */
static void test_37_07_no_downgrade(void **state) {
    scene s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .version_min = FH_ZMTP_3_1});
    put_greeting(&s.wire, 3, 0, "NULL", false);
    scene_play(&s);
    scene_said(&s, "fault VERSION at 0\n");
    scene_free(&s);
    s = scene_new(state, DEALER);
    put_greeting(&s.wire, 0, 1, "NULL", false);
    scene_play(&s);
    scene_said(&s, "fault VERSION at 0\n");
    scene_free(&s);
    s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_CLIENT}); /* a socket that 2.0 has no number for */
    put(&s.wire, FH_LIT(SIGNATURE "\1\5"));
    scene_play(&s);
    scene_said(&s, "fault SOCKET at 0\n");
    scene_free(&s);
    s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_CLIENT});
    hear(&s.e, FH_LIT("\1\0")); /* nor has 1.0 */
    scene_said(&s, "fault SOCKET at 0\n");
    scene_free(&s);
}

/* 08: with a mechanism without roles "the as-server field SHALL have no significance". */
static void test_37_08_as_server(void **state) {
    scene s = scene_new(state, DEALER);
    put_greeting(&s.wire, 3, 1, "NULL", true);
    put_ready(&s.wire, "READY", "REP", NULL);
    scene_play(&s);
    scene_said(&s, "connected 3.1 REP \n");
    scene_free(&s);
}

/* 09: "A peer that reads a full greeting, including mechanism, MUST also send a full greeting including mechanism", even to one
 * that it then leaves. 10: "If the mechanism that the peer received does not exactly match the mechanism it sent, it MUST close
 * the connection". */
static void test_37_09_10_mechanism(void **state) {
    static const char *const others[] = {"PLAIN", "CURVE", "NUL", "NULLX", "null", ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        scene s = scene_new(state, DEALER);
        put_greeting(&s.wire, 3, 1, others[i], false);
        scene_play(&s);
        scene_said(&s, "fault MECHANISM at 0\n");
        scene_sent(&s, FH_LIT(SIGNATURE "\3" REST FILLER));
        scene_free(&s);
    }
    scene s = scene_new(state, DEALER);
    put_greeting(&s.wire, 3, 1, "NULL", false);
    s.wire.at[31] = 'X'; /* the last of its twenty bytes */
    scene_play(&s);
    scene_said(&s, "fault MECHANISM at 0\n");
    scene_free(&s);
}

/* 11: "The peer SHALL treat an incoming ERROR command as fatal". */
static void test_37_11_error(void **state) {
    scene s = scene_new(state, DEALER);
    put_greeting(&s.wire, 3, 1, "NULL", false);
    put_command(&s.wire, "ERROR", FH_LIT("\7go away"));
    put_ready(&s.wire, "READY", "ROUTER", NULL);
    scene_play(&s);
    scene_said(&s, "refused go\\20away\nfault REFUSED at 80\n");
    assert_int_equal(fh_zmtp_fault(s.e.z), FH_ZMTP_FAULT_REFUSED);
    fh_bytes more = {NULL, {NULL, 0}};
    fh_assert_code(fh_zmtp_feed(s.e.z, 0, &more), FH_END);
    fh_assert_code(fh_zmtp_send(s.e.z, &more, false), FH_END);
    fh_assert_code(fh_zmtp_subscribe(s.e.z, FH_LIT("")), FH_END);
    scene_free(&s);
    s = scene_connected(state, DEALER, 1, "ROUTER");
    put_command(&s.wire, "ERROR", FH_LIT("\0"));
    scene_play(&s);
    scene_said(&s, "refused \nfault REFUSED at 103\n");
    scene_free(&s);
    static const char *const bad[] = {"", "\1", "\1ab"};
    for (size_t i = 0; i < 3; i++) {
        s = scene_new(state, DEALER);
        put_greeting(&s.wire, 3, 1, "NULL", false);
        put_command(&s.wire, "ERROR", fh_span_of_str(bad[i]));
        scene_play(&s);
        scene_said(&s, "fault ERROR at 64\n");
        scene_free(&s);
    }
}

/* 12: "Bits 7-3 are reserved for future use and MUST be zero". */
static void test_37_12_reserved_flags(void **state) {
    for (unsigned bit = 3; bit < 8; bit++) {
        scene s = scene_connected(state, DEALER, 1, "ROUTER");
        put_byte(&s.wire, 1u << bit);
        put_byte(&s.wire, 0);
        scene_play(&s);
        scene_said(&s, "fault FLAGS at 94\n");
        scene_free(&s);
    }
}

/* 13: MORE "SHALL be zero on command frames". */
static void test_37_13_command_with_more(void **state) {
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    put_frame(&s.wire, 5, FH_LIT("\4PING\0\0"));
    scene_play(&s);
    scene_said(&s, "fault COMMAND_MORE at 94\n");
    scene_free(&s);
}

/* 14: "A long frame has a body of 0 to 2^63-1 octets": the top bit is 0. (A size of 2^63 - 1 is over the limit, which is
 * another matter.) And a long frame may be a small one. */
static void test_37_14_sizes(void **state) {
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    put(&s.wire, FH_LIT("\2\0\0\0\0\0\0\0\0"));
    put(&s.wire, FH_LIT("\2\0\0\0\0\0\0\0\1z"));
    put(&s.wire, FH_LIT("\2\x80\0\0\0\0\0\0\1"));
    scene_play(&s);
    scene_said(&s, "part \npart z\nfault LENGTH at 113\n");
    scene_free(&s);
    s = scene_connected(state, DEALER, 1, "ROUTER");
    put(&s.wire, FH_LIT("\2\x7f\xff\xff\xff\xff\xff\xff\xff"));
    scene_play(&s);
    scene_said(&s, "fault FRAME_LIMIT at 94\n");
    scene_free(&s);
}

/* 15: "an implementation SHALL always send and deliver messages atomically, that is, all the frames of a message, or none". */
static void test_37_15_atomic(void **state) {
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    put_frame(&s.wire, 1, FH_LIT("a"));
    put_frame(&s.wire, 1, FH_LIT(""));
    scene_play(&s);
    scene_said(&s, "");
    put_message(&s.wire, "c");
    put_frame(&s.wire, 1, FH_LIT("never whole"));
    scene_play(&s);
    scene_said(&s, "part+ a\npart+ \npart c\n");
    fh_bytes part = {NULL, FH_LIT("one")}, last = {NULL, FH_LIT("two")};
    fh_assert_ok(fh_zmtp_send(s.e.z, &part, true));
    take_out(&s.e);
    scene_sent(&s, FH_LIT(""));
    fh_assert_ok(fh_zmtp_send(s.e.z, &last, false));
    take_out(&s.e);
    scene_sent(&s, FH_LIT("\1\3one\0\3two"));
    scene_free(&s);
}

/* 16: with NULL "the as-server field MUST be zero". */
static void test_37_16_null_as_server(void **state) {
    scene s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_REP, .bound = true, .server = true});
    put_greeting(&s.wire, 3, 1, "NULL", false);
    scene_play(&s);
    assert_int_equal(s.e.out.size, 64);
    assert_int_equal(s.e.out.at[32], 0);
    scene_free(&s);
}

/* 17: "The peer that binds SHALL be the server, and connecting peer SHALL be the client"; 18: "the client SHALL send a READY
 * command and then wait for a READY command in reply"; 19: without an error the server "MUST send a READY command in reply",
 * and none before. */
static void test_37_17_18_19_null_roles(void **state) {
    scene s = scene_new(state, DEALER);
    put_greeting(&s.wire, 3, 1, "NULL", false);
    scene_play(&s);
    scene_sent(&s, FH_LIT(SIGNATURE "\3" REST FILLER DEALER_READY));
    fh_bytes early = {NULL, FH_LIT("early")};
    fh_assert_code(fh_zmtp_send(s.e.z, &early, false), FH_AGAIN);
    assert_int_equal(early.span.size, 5);
    scene_said(&s, "");
    scene_free(&s);

    s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .bound = true});
    put_greeting(&s.wire, 3, 1, "NULL", false);
    scene_play(&s);
    scene_sent(&s, FH_LIT(SIGNATURE "\3" REST FILLER));
    put_ready(&s.wire, "READY", "ROUTER", NULL);
    scene_play(&s);
    scene_sent(&s, FH_LIT(DEALER_READY));
    scene_said(&s, "connected 3.1 ROUTER \n");
    scene_free(&s);

    s = scene_new(state, DEALER); /* only a READY or an ERROR is due */
    put_greeting(&s.wire, 3, 1, "NULL", false);
    put_command(&s.wire, "WELCOME", FH_LIT(""));
    scene_play(&s);
    scene_said(&s, "fault UNEXPECTED at 64\n");
    scene_free(&s);

    s = scene_new(state, DEALER); /* and no message before it */
    put_greeting(&s.wire, 3, 1, "NULL", false);
    put_message(&s.wire, "\5READY");
    scene_play(&s);
    scene_said(&s, "fault UNEXPECTED at 64\n");
    scene_free(&s);
}

static void try_metadata(void **state, fh_span metadata, const char *expected) {
    scene s = scene_new(state, DEALER);
    put_greeting(&s.wire, 3, 1, "NULL", false);
    put_command(&s.wire, "READY", metadata);
    scene_play(&s);
    scene_said(&s, expected);
    scene_free(&s);
}

/* 20: "The name SHALL be 1 to 255 characters"; 21: "The case (upper or lower) of names SHALL NOT be significant" (twice in the
 * text). 22: "The value SHALL be 0 to 2,147,483,647 octets"; 23: its size "SHALL be four octets, in network byte order". */
static void test_37_20_21_22_23_properties(void **state) {
    try_metadata(state, FH_LIT(""), "connected 3.1  \n");
    try_metadata(state, FH_LIT("\0\0\0\0\1x"), "fault METADATA at 64\n");
    try_metadata(state, FH_LIT("\13sOCKET-tYPE\0\0\0\3REP\10IDENTITY\0\0\0\1i"), "connected 3.1 REP \n");
    try_metadata(state, FH_LIT("\13SOCKET-TYPE\0\0\0\6ROUTER\10identity\0\0\0\1i"), "connected 3.1 ROUTER i\n");
    try_metadata(state, FH_LIT("\13Socket-Type\0\0\0\3REP\13socket-type\0\0\0\3REP"), "fault METADATA at 64\n");
    try_metadata(state, FH_LIT("\1x\0\0\0\0"), "connected 3.1  \n");
    try_metadata(state, FH_LIT("\1x\0\0\0\2a"), "fault METADATA at 64\n");
    try_metadata(state, FH_LIT("\1x\0\0\0\1"), "fault METADATA at 64\n");
    try_metadata(state, FH_LIT("\1x\2\0\0\0ab"), "fault METADATA at 64\n");
    try_metadata(state, FH_LIT("\1x\x80\0\0\0"), "fault METADATA at 64\n");
    try_metadata(state, FH_LIT("\1x\0\0\0"), "fault METADATA at 64\n");
    try_metadata(state, FH_LIT("\3x"), "fault METADATA at 64\n");
    try_metadata(state, FH_LIT("\1 \0\0\0\0"), "fault METADATA at 64\n");
    uint8_t longest[1 + 255 + 4] = {255};
    memset(longest + 1, 'n', 255);
    try_metadata(state, (fh_span){longest, sizeof longest}, "connected 3.1  \n");
}

/* 24: the mechanism "SHALL provide a way for peers to exchange metadata", ours and theirs. 25: names that begin with "X-"
 * are the application's. */
static void test_37_24_25_application_properties(void **state) {
    scene s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_PAIR, .metadata = FH_LIT("\7X-Hello\0\0\0\5World")});
    put_greeting(&s.wire, 3, 1, "NULL", false);
    put_command(&s.wire, "READY", FH_LIT("\13Socket-Type\0\0\0\4PAIR\3X-A\0\0\0\2\0\1"));
    scene_play(&s);
    scene_said(&s, "connected 3.1 PAIR \n");
    scene_sent(&s, FH_LIT(SIGNATURE "\3" REST FILLER "\4\53\5READY\13Socket-Type\0\0\0\4PAIR\7X-Hello\0\0\0\5World"));
    fh_span metadata = fh_zmtp_peer_get(s.e.z).metadata;
    fh_zmtp_property p = {{NULL, 0}, {NULL, 0}};
    size_t at = 0, count = 0;
    while (fh_zmtp_property_next(metadata, &at, &p).code == FH_OK)
        count++;
    assert_int_equal(count, 2);
    at = 20;
    fh_assert_ok(fh_zmtp_property_next(metadata, &at, &p));
    fh_assert_span(p.name, "X-A");
    assert_true(fh_span_equal(p.value, FH_LIT("\0\1")));
    scene_free(&s);
}

/* 26: "The Socket-Type SHALL match this grammar", and the legal pairs; a server answers a wrong one with ERROR. */
static void test_37_26_socket_types(void **state) {
    static const struct {
        const char *name, *peers;
    } legal[] = {
        {"REQ", "REP ROUTER"},       {"REP", "REQ DEALER"},     {"DEALER", "REP DEALER ROUTER"},
        {"ROUTER", "REQ DEALER ROUTER"}, {"PUB", "SUB XSUB"},   {"XPUB", "SUB XSUB"},
        {"SUB", "PUB XPUB"},         {"XSUB", "PUB XPUB"},      {"PUSH", "PULL"},
        {"PULL", "PUSH"},            {"PAIR", "PAIR"},          {"CLIENT", "SERVER"},
        {"SERVER", "CLIENT"},        {"RADIO", "DISH"},         {"DISH", "RADIO"},
        {"SCATTER", "GATHER"},       {"GATHER", "SCATTER"},     {"PEER", "PEER"},
        {"CHANNEL", "CHANNEL"},
    };
    size_t count = sizeof legal / sizeof *legal;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            bool match = false;
            for (const char *at = legal[i].peers; at != NULL; at = strchr(at, ' ')) {
                at += *at == ' ';
                size_t size = strlen(legal[k].name);
                match = match || (strncmp(at, legal[k].name, size) == 0 && (at[size] == ' ' || at[size] == '\0'));
            }
            fh_zmtp_socket a = fh_zmtp_socket_of(fh_span_of_str(legal[i].name));
            fh_zmtp_socket b = fh_zmtp_socket_of(fh_span_of_str(legal[k].name));
            assert_true(a != FH_ZMTP_UNKNOWN && fh_span_is(fh_zmtp_socket_name(a), legal[i].name));
            assert_int_equal(fh_zmtp_sockets_match(a, b), match);
        }
        assert_false(fh_zmtp_sockets_match(fh_zmtp_socket_of(fh_span_of_str(legal[i].name)), FH_ZMTP_UNKNOWN));
    }
    try_metadata(state, FH_LIT("\13Socket-Type\0\0\0\4PULL"), "fault SOCKET at 64\n");
    try_metadata(state, FH_LIT("\13Socket-Type\0\0\0\6router"), "fault SOCKET at 64\n");
    try_metadata(state, FH_LIT("\13Socket-Type\0\0\0\0"), "fault SOCKET at 64\n");
    scene s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_REP, .bound = true});
    put_greeting(&s.wire, 3, 1, "NULL", false);
    scene_play(&s);
    fh_buf_truncate(&s.e.out, 0);
    put_ready(&s.wire, "READY", "SUB", NULL);
    scene_play(&s);
    scene_said(&s, "fault SOCKET at 64\n");
    scene_sent(&s, FH_LIT("\4\32\5ERROR\23Invalid socket type"));
    scene_free(&s);
}

/* 27: "identity = 0*255OCTET"; 28: "The first octet of the Identity SHALL NOT be zero". */
static void test_37_27_28_identity(void **state) {
    char name[257] = {0};
    for (size_t size = 254; size <= 256; size++) {
        scene s = scene_new(state, DEALER);
        memset(name, 'i', size);
        put_greeting(&s.wire, 3, 1, "NULL", false);
        put_ready(&s.wire, "READY", "DEALER", name);
        scene_play(&s);
        assert_int_equal(fh_zmtp_fault(s.e.z), size <= 255 ? FH_ZMTP_FAULT_NONE : FH_ZMTP_FAULT_IDENTITY);
        scene_free(&s);
    }
    try_metadata(state, FH_LIT("\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0\2\0a"), "fault IDENTITY at 64\n");
    try_metadata(state, FH_LIT("\13Socket-Type\0\0\0\3REP\10Identity\0\0\0\2\0a"), "connected 3.1 REP \n");
    fh_zmtp *z;
    fh_page_source *pages;
    fh_err err;
    fh_assert_ok(fh_page_source_new(fh_test_allocator(state), NULL, &pages));
    static const fh_zmtp_options bad[] = {
        {.socket = FH_ZMTP_DEALER, .identity = {(const uint8_t *)"\0a", 2}},
        {.socket = FH_ZMTP_DEALER, .resource = {(const uint8_t *)"/a", 2}},
        {.socket = FH_ZMTP_DEALER, .metadata = {(const uint8_t *)"\2a", 2}},
        {.socket = (fh_zmtp_socket)11},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fh_err_clear(&err);
        fh_assert_code(fh_zmtp_new(fh_test_allocator(state), pages, &bad[i], 0, &z, &err), FH_INVALID);
        assert_null(z);
        assert_true(err.message[0] != '\0');
    }
    fh_page_source_free(pages);
}

/* 29: "The Resource SHALL match this grammar"; 30: "The implementation SHALL accept all resource requests". */
static void test_37_29_30_resource(void **state) {
    static const struct {
        const char *text;
        bool good;
    } cases[] = {{"a", true},    {"system/name-service/test", true}, {"A$-_@.&+z9", true}, {"", false}, {"/a", false},
                 {"a/", false},  {"a//b", false},                    {"a b", false},       {"a%", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_buf m;
        fh_buf_init(&m, fh_heap(), 0);
        put_property(&m, "Socket-Type", FH_LIT("REP"));
        put_property(&m, "resource", fh_span_of_str(cases[i].text));
        char expected[80];
        (void)snprintf(expected, sizeof expected, "connected 3.1 REP  %s\n", cases[i].text);
        try_metadata(state, fh_buf_view(&m), cases[i].good ? expected : "fault RESOURCE at 64\n");
        fh_buf_deinit(&m);
    }
    scene s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_PAIR, .resource = FH_LIT("x/y")});
    put_greeting(&s.wire, 3, 1, "NULL", false);
    scene_play(&s);
    assert_true(fh_span_find(fh_buf_view(&s.e.out), FH_LIT("\10Resource\0\0\0\3x/y"), 64) != SIZE_MAX);
    scene_free(&s);
}

/* 31: a message "SHALL NOT be delivered more than once"; 32: messages "SHALL be delivered in order". Both ways, each of a
 * thousand once and in its place, small and large. */
static void test_37_31_32_once_in_order(void **state) {
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    static uint8_t large[5000];
    for (unsigned i = 0; i < 1000; i++) {
        fh_span text = {large, i % 7 == 0 ? 2000 + i : i % 50 + 2};
        large[0] = (uint8_t)(i >> 8);
        large[1] = (uint8_t)i;
        put_frame(&s.wire, 0, text);
        fh_bytes body;
        fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), text, &body));
        fh_assert_ok(fh_zmtp_send(s.e.z, &body, false));
        assert_true(body.owner == NULL && body.span.size == 0);
    }
    take_out(&s.e);
    scene_sent(&s, fh_buf_view(&s.wire));
    fh_bytes all;
    fh_zmtp_event event;
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), fh_buf_view(&s.wire), &all));
    fh_assert_ok(fh_zmtp_feed(s.e.z, 0, &all));
    for (unsigned i = 0; i < 1000; i++) {
        fh_assert_ok(fh_zmtp_next(s.e.z, &event, NULL));
        assert_int_equal(event.body.span.size, i % 7 == 0 ? 2000 + i : i % 50 + 2);
        assert_int_equal(event.body.span.at[0] << 8 | event.body.span.at[1], i);
        fh_zmtp_event_drop(&event);
    }
    fh_assert_code(fh_zmtp_next(s.e.z, &event, NULL), FH_AGAIN);
    scene_free(&s);
}

/* 33, 34: "the SUB or XSUB peer SHALL send a SUBSCRIBE command", "a CANCEL command"; a publisher hears them. Peers of 3.0 get
 * and send messages that begin with 1 or 0 (RFC 23). */
static void test_37_33_34_subscriptions(void **state) {
    for (unsigned minor = 0; minor < 2; minor++) {
        scene s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_SUB}, minor, "PUB");
        fh_assert_ok(fh_zmtp_subscribe(s.e.z, FH_LIT("A")));
        fh_assert_ok(fh_zmtp_cancel(s.e.z, FH_LIT("")));
        take_out(&s.e);
        scene_sent(&s, minor == 1 ? FH_LIT("\4\13\11SUBSCRIBEA\4\7\6CANCEL") : FH_LIT("\0\2\1A\0\1\0"));
        scene_free(&s);
        s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_XPUB}, minor, "SUB");
        put(&s.wire, FH_LIT("\0\2\1A\0\1\0\0\1x\1\1\1\0\1\1"));
        if (minor == 1)
            put(&s.wire, FH_LIT("\4\13\11SUBSCRIBEA\4\7\6CANCEL"));
        scene_play(&s);
        scene_said(&s, minor == 1 ? "subscribe A\ncancel \npart x\npart+ \\01\npart \\01\nsubscribe A\ncancel \n"
                                  : "subscribe A\ncancel \npart x\npart+ \\01\npart \\01\n");
        scene_free(&s);
    }
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    put_command(&s.wire, "SUBSCRIBE", FH_LIT("A"));
    scene_play(&s);
    scene_said(&s, "fault UNEXPECTED at 94\n");
    scene_free(&s);
}

/* 35, 36: "To join a group, the DISH peer SHALL send a JOIN command", "To leave a group … a LEAVE command"; RADIO hears
 * them, and a group has no byte 0. */
static void test_37_35_36_groups(void **state) {
    scene s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_DISH}, 1, "RADIO");
    fh_assert_ok(fh_zmtp_join(s.e.z, FH_LIT("g")));
    fh_assert_ok(fh_zmtp_leave(s.e.z, FH_LIT("g")));
    uint8_t name[256];
    memset(name, 'g', sizeof name);
    fh_assert_code(fh_zmtp_join(s.e.z, (fh_span){name, sizeof name}), FH_INVALID);
    fh_assert_code(fh_zmtp_join(s.e.z, FH_LIT("a\0b")), FH_INVALID);
    take_out(&s.e);
    scene_sent(&s, FH_LIT("\4\6\4JOINg\4\7\5LEAVEg"));
    scene_free(&s);
    s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_RADIO}, 1, "DISH");
    put_command(&s.wire, "JOIN", FH_LIT("g"));
    put_command(&s.wire, "LEAVE", FH_LIT("g"));
    put_command(&s.wire, "JOIN", FH_LIT("a\0b"));
    scene_play(&s);
    scene_said(&s, "join g\nleave g\nfault GROUP at 109\n");
    scene_free(&s);
    s = scene_connected(state, DEALER, 1, "ROUTER");
    put_command(&s.wire, "JOIN", FH_LIT("g"));
    scene_play(&s);
    scene_said(&s, "fault UNEXPECTED at 94\n");
    scene_free(&s);
    s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_DISH}, 0, "RADIO");
    fh_assert_code(fh_zmtp_join(s.e.z, FH_LIT("g")), FH_UNSUPPORTED);
    scene_free(&s);
}

/* 37: a thread-safe socket "MUST disallow the sending of multipart messages and MUST discard any multipart messages
 * received". RADIO and DISH have messages of two parts: a group and a body. */
static void test_37_37_thread_safe_sockets(void **state) {
    scene s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_SERVER}, 1, "CLIENT");
    fh_bytes part = {NULL, FH_LIT("p")};
    fh_assert_code(fh_zmtp_send(s.e.z, &part, true), FH_INVALID);
    put(&s.wire, FH_LIT("\0\1a\1\1x\1\1y\0\1z\0\1b"));
    scene_play(&s);
    scene_said(&s, "part a\npart b\n");
    scene_free(&s);
    s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_DISH}, 1, "RADIO");
    put(&s.wire, FH_LIT("\1\1g\0\1a\0\1x\1\1g\1\1y\0\1z\1\1g\0\1b"));
    scene_play(&s);
    scene_said(&s, "part+ g\npart a\npart+ g\npart b\n");
    scene_free(&s);
    s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_RADIO}, 1, "DISH");
    fh_assert_code(fh_zmtp_send(s.e.z, &part, false), FH_INVALID);
    fh_assert_ok(fh_zmtp_send(s.e.z, &part, true));
    part.span = FH_LIT("q");
    fh_assert_code(fh_zmtp_send(s.e.z, &part, true), FH_INVALID);
    fh_assert_ok(fh_zmtp_send(s.e.z, &part, false));
    scene_free(&s);
}

/* 38: "When a peer receives a PING command it SHALL respond with a PONG command that echoes the ping-context, which may be
 * empty and MUST not exceed 16 octets". */
static void test_37_38_ping(void **state) {
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    put_command(&s.wire, "PING", FH_LIT("\0\0"));
    put_command(&s.wire, "PING", FH_LIT("\0\1" "0123456789abcdef"));
    put_command(&s.wire, "PING", FH_LIT("\0\0" "fedcba9876543210 and more"));
    put_command(&s.wire, "PONG", FH_LIT("mine"));
    scene_play(&s);
    scene_said(&s, "pong mine\n");
    scene_sent(&s, FH_LIT("\4\5\4PONG\4\25\4PONG" "0123456789abcdef" "\4\25\4PONG" "fedcba9876543210"));
    scene_free(&s);
    static const struct {
        const char *name;
        fh_span data;
    } bad[] = {{"PING", {(const uint8_t *)"\0", 1}}, {"PONG", {(const uint8_t *)"0123456789abcdefg", 17}}};
    for (size_t i = 0; i < 2; i++) {
        s = scene_connected(state, DEALER, 1, "ROUTER");
        put_command(&s.wire, bad[i].name, bad[i].data);
        scene_play(&s);
        scene_said(&s, "fault PING at 94\n");
        scene_free(&s);
    }
}

/* 39: to be found by a peer of 1.0, the padding holds the size of our identity + 1: "The size SHALL be 8 octets in network byte
 * order". */
static void test_37_39_pseudo_signature(void **state) {
    scene s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .identity = FH_LIT("abc")});
    scene_sent(&s, FH_LIT("\xff\0\0\0\0\0\0\0\4\x7f"));
    hear(&s.e, FH_LIT("\4\0xyz"));
    scene_said(&s, "connected 1.0  xyz\n");
    scene_sent(&s, FH_LIT("abc"));
    hear(&s.e, FH_LIT("\3\1hi\2\0!"));
    scene_said(&s, "part+ hi\npart !\n");
    fh_bytes body = {NULL, FH_LIT("yes")};
    fh_assert_ok(fh_zmtp_send(s.e.z, &body, false));
    take_out(&s.e);
    scene_sent(&s, FH_LIT("\4\0yes"));
    scene_free(&s);
}

/* 40: "If the implementation's security mechanism is anything other than NULL, and it detects a ZMTP 1.0 or 2.0 peer, it MUST
 * immediately close the connection"; 41: "An implementation MUST guard against downgrade attacks". */
static void test_37_40_41_downgrade(void **state) {
    static const fh_span older[] = {{(const uint8_t *)"\1", 1}, {(const uint8_t *)"\xff\0\0\0\0\0\0\0\1\0", 10},
                                    {(const uint8_t *)SIGNATURE "\1", 11}, {(const uint8_t *)SIGNATURE "\2", 11}};
    for (size_t i = 0; i < 4; i++) {
        scene s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .mechanism = FH_ZMTP_PLAIN});
        hear(&s.e, older[i]);
        scene_said(&s, "fault DOWNGRADE at 0\n");
        scene_free(&s);
        s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .authorize = true, .bound = true});
        hear(&s.e, older[i]);
        scene_said(&s, "fault DOWNGRADE at 0\n");
        scene_free(&s);
    }
    scene s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .mechanism = FH_ZMTP_PLAIN});
    put_greeting(&s.wire, 3, 1, "NULL", false);
    put_ready(&s.wire, "READY", "ROUTER", NULL);
    scene_play(&s);
    scene_said(&s, "fault MECHANISM at 0\n");
    scene_free(&s);
}

/* 42: "On a clear text connection, message data SHALL be sent as message frames"; 43: command names "SHALL be visible", and
 * letters only. A command that nobody knows is left alone. */
static void test_37_42_43_frames(void **state) {
    static const fh_span bad[] = {{(const uint8_t *)"", 0}, {(const uint8_t *)"\0", 1}, {(const uint8_t *)"\5PING", 5},
                                  {(const uint8_t *)"\5PI G\0\0", 7}};
    for (size_t i = 0; i < 4; i++) {
        scene s = scene_connected(state, DEALER, 1, "ROUTER");
        put_frame(&s.wire, 4, bad[i]);
        scene_play(&s);
        scene_said(&s, "fault COMMAND at 94\n");
        scene_free(&s);
    }
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    put_command(&s.wire, "FUTURE", FH_LIT("anything"));
    put_frame(&s.wire, 1, FH_LIT("a"));
    put_command(&s.wire, "FUTURE", FH_LIT(""));
    put_frame(&s.wire, 0, FH_LIT("b"));
    scene_play(&s);
    scene_said(&s, "part+ a\npart b\n");
    scene_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_37_01_02_staged_greeting),
        FH_TEST_ALLOC(test_37_03_whole_greeting),
        FH_TEST_ALLOC(test_37_04_padding),
        FH_TEST_ALLOC(test_37_05_06_higher_versions),
        FH_TEST_ALLOC(test_37_07_no_downgrade),
        FH_TEST_ALLOC(test_37_08_as_server),
        FH_TEST_ALLOC(test_37_09_10_mechanism),
        FH_TEST_ALLOC(test_37_11_error),
        FH_TEST_ALLOC(test_37_12_reserved_flags),
        FH_TEST_ALLOC(test_37_13_command_with_more),
        FH_TEST_ALLOC(test_37_14_sizes),
        FH_TEST_ALLOC(test_37_15_atomic),
        FH_TEST_ALLOC(test_37_16_null_as_server),
        FH_TEST_ALLOC(test_37_17_18_19_null_roles),
        FH_TEST_ALLOC(test_37_20_21_22_23_properties),
        FH_TEST_ALLOC(test_37_24_25_application_properties),
        FH_TEST_ALLOC(test_37_26_socket_types),
        FH_TEST_ALLOC(test_37_27_28_identity),
        FH_TEST_ALLOC(test_37_29_30_resource),
        FH_TEST_ALLOC(test_37_31_32_once_in_order),
        FH_TEST_ALLOC(test_37_33_34_subscriptions),
        FH_TEST_ALLOC(test_37_35_36_groups),
        FH_TEST_ALLOC(test_37_37_thread_safe_sockets),
        FH_TEST_ALLOC(test_37_38_ping),
        FH_TEST_ALLOC(test_37_39_pseudo_signature),
        FH_TEST_ALLOC(test_37_40_41_downgrade),
        FH_TEST_ALLOC(test_37_42_43_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
