/* test_zmtp.c: sessions as a whole: streams cut anywhere, memory, limits, time, mechanisms, and what went wrong elsewhere. */
#include "zmtp_streams.h"

static const fh_zmtp_options DEALER = {.socket = FH_ZMTP_DEALER};

/* --- cuts ---------------------------------------------------------------------------------------------------------------- */

/* Plays a stream in pieces whose ends `next_cut` says; what was said, and then what was sent, are its result. */
static void play(fh_allocator *a, fh_page_source *pages, fh_zmtp_options options, fh_span stream,
                 size_t (*next_cut)(void *ctx, size_t at), void *ctx, fh_buf *result) {
    end e = end_new(a, pages, options);
    size_t begun = e.out.size;
    for (size_t at = 0; at < stream.size;) {
        size_t cut = next_cut(ctx, at);
        cut = cut > stream.size ? stream.size : cut;
        hear(&e, fh_span_sub(stream, at, cut - at));
        at = cut;
    }
    fh_buf_truncate(result, 0);
    put(result, fh_buf_view(&e.said));
    put(result, fh_span_from(fh_buf_view(&e.out), begun));
    end_free(&e);
}

typedef struct cutter {
    size_t cut;
    fh_test_rng rng;
    size_t most;
} cutter;

static size_t cut_never(void *ctx, size_t at) {
    (void)ctx, (void)at;
    return SIZE_MAX;
}
static size_t cut_once(void *ctx, size_t at) {
    cutter *c = ctx;
    return at < c->cut ? c->cut : SIZE_MAX;
}
static size_t cut_bytes(void *ctx, size_t at) {
    (void)ctx;
    return at + 1;
}
static size_t cut_random(void *ctx, size_t at) {
    cutter *c = ctx;
    return at + 1 + fh_test_rng_below(&c->rng, fh_test_rng_below(&c->rng, c->most) + 1);
}

static void same(const fh_buf *a, const fh_buf *b, size_t stream, const char *how, size_t cut) {
    if (!fh_span_equal(fh_buf_view(a), fh_buf_view(b)))
        fail_msg("stream %zu, %s %zu: other events:\n%.*s\ninstead of\n%.*s", stream, how, cut, FH_SPAN_FMT(fh_buf_view(b)),
                 FH_SPAN_FMT(fh_buf_view(a)));
}

/* Every stream, cut once at every byte, into single bytes, and at random, gives the same events and the same answers. */
static void test_cuts(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_page_source *pages;
    fh_assert_ok(fh_page_source_new(a, &(fh_page_options){.pages_max = 64}, &pages));
    for (size_t i = 0; i < STREAMS; i++) {
        fh_buf stream, whole, part;
        fh_buf_init(&stream, a, 0);
        fh_buf_init(&whole, a, 0);
        fh_buf_init(&part, a, 0);
        cutter c = {0, fh_test_rng_new(i), 0};
        fh_zmtp_options options = put_stream(&stream, i);
        fh_span all = fh_buf_view(&stream);
        play(a, pages, options, all, cut_never, &c, &whole);
        assert_true(whole.size > 20);
        for (c.cut = 1; c.cut < all.size; c.cut += CUT_STEP) {
            play(a, pages, options, all, cut_once, &c, &part);
            same(&whole, &part, i, "cut at", c.cut);
        }
        play(a, pages, options, all, cut_bytes, &c, &part);
        same(&whole, &part, i, "bytes", 1);
        for (c.most = 2; c.most < 20000; c.most *= 2) {
            play(a, pages, options, all, cut_random, &c, &part);
            same(&whole, &part, i, "random cuts up to", c.most);
        }
        fh_buf_deinit(&stream);
        fh_buf_deinit(&whole);
        fh_buf_deinit(&part);
    }
    fh_page_source_free(pages);
}

/* What some of the streams say, in full. */
static void test_streams_say(void **state) {
    static const struct {
        size_t stream;
        const char *said;
    } expected[] = {
        {2, "connected 3.1 SUB \nsubscribe A\nsubscribe B\ncancel B\ncancel A\npong \n"},
        {4, "auth user password\nconnected 3.1 PUSH \n"},
        {5, "connected 3.1 PULL \n"},
        {6, "auth \nconnected 3.1 REQ r\npart+ \npart hello\n"},
        {7, "connected 3.1 DISH \njoin group\nleave group\n"},
        {9, "connected 2.0 SUB id\nsubscribe A\ncancel A\npart x\n"},
        {11, "connected 1.0  id\npart+ a\npart \npart xyz\n"},
        {12, "connected 1.0  id\nsubscribe \nsubscribe A\n"},
        {14, "auth \nconnected 3.1 REP \npart \npart+ two\npart <300:"},
        {15, "refused no\nfault REFUSED at 75\n"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        fh_buf stream;
        fh_buf_init(&stream, fh_test_allocator(state), 0);
        scene s = scene_new(state, put_stream(&stream, expected[i].stream));
        hear(&s.e, fh_buf_view(&stream));
        if (!fh_span_starts(fh_buf_view(&s.e.said), fh_span_of_str(expected[i].said)))
            fh_assert_span(fh_buf_view(&s.e.said), expected[i].said);
        fh_buf_deinit(&stream);
        scene_free(&s);
    }
}

/* --- PLAIN ---------------------------------------------------------------------------------------------------------------- */

/* RFC 24: the whole exchange between two sessions; each byte that the client sends. */
static void test_plain(void **state) {
    scene s = scene_new(state, stream_options[5]);
    end server = end_new(fh_test_allocator(state), s.pages, stream_options[4]);
    fh_buf_truncate(&server.out, 0);
    put_greeting(&s.wire, 3, 1, "PLAIN", true);
    scene_play(&s);
    assert_true(fh_span_equal(fh_span_from(fh_buf_view(&s.e.out), 64), FH_LIT("\4\17\5HELLO\1u\6secret")));
    hear(&server, fh_buf_view(&s.e.out));
    fh_buf_truncate(&s.e.out, 0);
    fh_assert_span(fh_buf_view(&server.said), "auth u secret\n");
    assert_true(fh_span_equal(fh_buf_view(&server.out), FH_LIT("\4\10\7WELCOME")));
    hear(&s.e, fh_buf_view(&server.out));
    fh_buf_truncate(&server.out, 0);
    hear(&server, fh_buf_view(&s.e.out));
    scene_sent(&s, FH_LIT("\4\35\10INITIATE\13Socket-Type\0\0\0\4PUSH"));
    hear(&s.e, fh_buf_view(&server.out));
    fh_assert_span(fh_buf_view(&server.said), "auth u secret\nconnected 3.1 PUSH \n");
    scene_said(&s, "connected 3.1 PULL \n");
    end_free(&server);
    scene_free(&s);
}

static void test_plain_refused(void **state) {
    scene s = scene_new(state, stream_options[4]);
    s.e.refuse = true;
    put_greeting(&s.wire, 3, 1, "PLAIN", false);
    scene_play(&s);
    fh_buf_truncate(&s.e.out, 0);
    put_command(&s.wire, "HELLO", FH_LIT("\0\0"));
    scene_play(&s);
    scene_said(&s, "auth \nfault DENIED at 74\n");
    scene_sent(&s, FH_LIT("\4\12\5ERROR\003400"));
    scene_free(&s);
    static const struct {
        const char *name;
        fh_span data;
        const char *said;
    } bad[] = {
        {"HELLO", {(const uint8_t *)"", 0}, "fault HELLO at 64\n"},
        {"HELLO", {(const uint8_t *)"\0", 1}, "fault HELLO at 64\n"},
        {"HELLO", {(const uint8_t *)"\2u\0", 3}, "fault HELLO at 64\n"},
        {"HELLO", {(const uint8_t *)"\1u\2p", 4}, "fault HELLO at 64\n"},
        {"HELLO", {(const uint8_t *)"\1u\1pp", 5}, "fault HELLO at 64\n"},
        {"HELLO", {(const uint8_t *)"\xffu\1p", 4}, "fault HELLO at 64\n"},
        {"INITIATE", {(const uint8_t *)"", 0}, "fault UNEXPECTED at 64\n"},
        {"READY", {(const uint8_t *)"", 0}, "fault UNEXPECTED at 64\n"},
        {"ERROR", {(const uint8_t *)"\0", 1}, "fault UNEXPECTED at 64\n"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        s = scene_new(state, stream_options[4]);
        put_greeting(&s.wire, 3, 1, "PLAIN", false);
        put_command(&s.wire, bad[i].name, bad[i].data);
        scene_play(&s);
        scene_said(&s, bad[i].said);
        scene_free(&s);
    }
    s = scene_new(state, stream_options[5]);
    put_greeting(&s.wire, 3, 1, "PLAIN", true);
    put_command(&s.wire, "WELCOME", FH_LIT("x"));
    scene_play(&s);
    scene_said(&s, "fault WELCOME at 64\n");
    scene_free(&s);
}

/* Nothing goes on before an answer, and an answer is taken once. */
static void test_answers(void **state) {
    scene s = scene_new(state, stream_options[6]);
    fh_zmtp_event event;
    fh_assert_code(fh_zmtp_accept(s.e.z), FH_INVALID);
    fh_assert_code(fh_zmtp_refuse(s.e.z, FH_LIT("")), FH_INVALID);
    put_greeting(&s.wire, 3, 1, "NULL", false);
    put_ready(&s.wire, "READY", "REQ", NULL);
    put_message(&s.wire, "x");
    fh_bytes in;
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), fh_buf_view(&s.wire), &in));
    fh_assert_ok(fh_zmtp_feed(s.e.z, 0, &in));
    fh_assert_ok(fh_zmtp_next(s.e.z, &event, NULL));
    assert_int_equal(event.kind, FH_ZMTP_AUTH);
    fh_assert_code(fh_zmtp_next(s.e.z, &event, NULL), FH_AGAIN);
    take_out(&s.e);
    assert_true(fh_span_find(fh_buf_view(&s.e.out), FH_LIT("READY"), 0) == SIZE_MAX);
    fh_assert_ok(fh_zmtp_accept(s.e.z));
    fh_assert_code(fh_zmtp_accept(s.e.z), FH_INVALID);
    listen_to(&s.e);
    scene_said(&s, "connected 3.1 REQ \npart x\n");
    assert_true(fh_span_find(fh_buf_view(&s.e.out), FH_LIT("READY"), 0) != SIZE_MAX);
    scene_free(&s);
}

/* --- time ----------------------------------------------------------------------------------------------------------------- */

static void test_handshake_time(void **state) {
    scene s = scene_new(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .limits = {.handshake_ms = 500}});
    uint64_t next;
    fh_assert_ok(fh_zmtp_tick(s.e.z, 499, &next));
    assert_int_equal(next, 500);
    put_greeting(&s.wire, 3, 1, "NULL", false); /* a peer that keeps talking does not get more time */
    hear_at(&s.e, 499, fh_buf_view(&s.wire));
    fh_assert_code(fh_zmtp_tick(s.e.z, 500, &next), FH_TIMEOUT);
    fh_assert_code(fh_zmtp_tick(s.e.z, 500, &next), FH_TIMEOUT);
    assert_int_equal(fh_zmtp_fault(s.e.z), FH_ZMTP_FAULT_HANDSHAKE_TIME);
    scene_free(&s);
    s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .limits = {.handshake_ms = 500}}, 1, "DEALER");
    fh_assert_ok(fh_zmtp_tick(s.e.z, 1000000, &next));
    assert_true(next == UINT64_MAX);
    scene_free(&s);
}

/* "If it sends a PING command and does not receive any traffic within some timeout". */
static void test_heartbeats(void **state) {
    fh_zmtp_options o = {.socket = FH_ZMTP_DEALER, .heartbeat_ms = 100, .heartbeat_timeout_ms = 250, .heartbeat_ttl_ms = 12345};
    scene s = scene_connected(state, o, 1, "DEALER");
    uint64_t next;
    fh_assert_ok(fh_zmtp_tick(s.e.z, 99, &next));
    assert_int_equal(next, 100);
    take_out(&s.e);
    scene_sent(&s, FH_LIT(""));
    fh_assert_ok(fh_zmtp_tick(s.e.z, 100, &next));
    assert_int_equal(next, 200);
    take_out(&s.e);
    scene_sent(&s, FH_LIT("\4\7\4PING\0\173"));
    fh_assert_ok(fh_zmtp_tick(s.e.z, 200, &next)); /* one PING at a time */
    take_out(&s.e);
    scene_sent(&s, FH_LIT(""));
    hear_at(&s.e, 340, FH_LIT("\0")); /* half a frame is a sign of life */
    fh_assert_ok(fh_zmtp_tick(s.e.z, 360, &next));
    take_out(&s.e);
    scene_sent(&s, FH_LIT("\4\7\4PING\0\173"));
    fh_assert_ok(fh_zmtp_tick(s.e.z, 609, &next));
    assert_int_equal(next, 610);
    fh_assert_code(fh_zmtp_tick(s.e.z, 610, &next), FH_TIMEOUT);
    assert_int_equal(fh_zmtp_fault(s.e.z), FH_ZMTP_FAULT_SILENT);
    scene_free(&s);
    s = scene_connected(state, o, 0, "DEALER"); /* libzmq 4.2 says that it is of 3.0, and answers */
    fh_assert_ok(fh_zmtp_tick(s.e.z, 100, &next));
    take_out(&s.e);
    scene_sent(&s, FH_LIT("\4\7\4PING\0\173"));
    scene_free(&s);
}

/* "If it receives a PING command with a non-zero TTL and then does not receive any further traffic within that TTL"; and the
 * time of 65535 tenths of a second does not overflow. */
static void test_time_to_live(void **state) {
    scene s = scene_connected(state, DEALER, 1, "DEALER");
    uint64_t next;
    put_command(&s.wire, "PING", FH_LIT("\xff\xff"));
    hear_at(&s.e, 10, fh_buf_view(&s.wire));
    fh_assert_ok(fh_zmtp_tick(s.e.z, 11, &next));
    assert_int_equal(next, 10 + 6553500);
    fh_assert_code(fh_zmtp_tick(s.e.z, 10 + 6553500, &next), FH_TIMEOUT);
    scene_free(&s);
    s = scene_connected(state, DEALER, 1, "DEALER");
    put_command(&s.wire, "PING", FH_LIT("\0\1"));
    hear_at(&s.e, UINT64_MAX - 10, fh_buf_view(&s.wire)); /* near the end of time */
    fh_assert_ok(fh_zmtp_tick(s.e.z, UINT64_MAX - 9, &next));
    fh_assert_ok(fh_zmtp_tick(s.e.z, 5, &next)); /* a clock that runs backwards is ignored */
    scene_free(&s);
}

/* --- limits --------------------------------------------------------------------------------------------------------------- */

static void test_limits(void **state) {
    fh_zmtp_options o = {.socket = FH_ZMTP_DEALER,
                         .limits = {.frame_bytes = 10, .message_bytes = 15, .parts = 3, .handshake_bytes = 40}};
    static const struct {
        const char *wire, *said;
    } cases[] = {
        {"\1\12" "0123456789" "\1\5" "01234" "\0\0", "part+ 0123456789\npart+ 01234\npart \n"},
        {"\0\13", "fault FRAME_LIMIT at 94\n"},
        {"\4\13", "fault FRAME_LIMIT at 94\n"},
        {"\1\12" "0123456789" "\0\6" "012345", "fault MESSAGE_LIMIT at 106\n"},
        {"\1\0\1\0\1\0\0\0", "fault PARTS_LIMIT at 100\n"},
    };
    static const size_t sizes[] = {21, 2, 2, 20, 8};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene s = scene_connected(state, o, 1, "ROUTER");
        put(&s.wire, (fh_span){(const uint8_t *)cases[i].wire, sizes[i]});
        scene_play(&s);
        scene_said(&s, cases[i].said);
        scene_free(&s);
    }
    scene s = scene_new(state, o); /* all commands of a handshake together */
    put_greeting(&s.wire, 3, 1, "NULL", false);
    put_frame(&s.wire, 4, FH_LIT("\5READY\1x\0\0\0\x1e" "0123456789" "0123456789" "0123456789"));
    scene_play(&s);
    scene_said(&s, "fault HANDSHAKE_LIMIT at 64\n");
    scene_free(&s);
    o = (fh_zmtp_options){.socket = FH_ZMTP_PULL, .mechanism = FH_ZMTP_PLAIN, .server = true};
    o.limits.handshake_bytes = 40;
    s = scene_new(state, o);
    put_greeting(&s.wire, 3, 1, "PLAIN", false);
    put_command(&s.wire, "HELLO", FH_LIT("\4user\10password")); /* 20 bytes, and INITIATE has 30 */
    put_ready(&s.wire, "INITIATE", "PUSH", NULL);
    scene_play(&s);
    scene_said(&s, "auth user password\nfault HANDSHAKE_LIMIT at 86\n");
    scene_free(&s);
    o = (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .limits = {.frame_bytes = 10, .message_bytes = 15, .parts = 3}};
    s = scene_connected(state, o, 1, "ROUTER");
    fh_bytes part = {NULL, FH_LIT("0123456789")};
    fh_assert_ok(fh_zmtp_send(s.e.z, &part, true));
    part.span = FH_LIT("012345");
    fh_assert_code(fh_zmtp_send(s.e.z, &part, false), FH_LIMIT);
    assert_int_equal(part.span.size, 6);
    part.span = FH_LIT("01234");
    fh_assert_ok(fh_zmtp_send(s.e.z, &part, true));
    fh_assert_ok(fh_zmtp_send(s.e.z, &part, true));
    fh_assert_code(fh_zmtp_send(s.e.z, &part, false), FH_LIMIT);
    fh_assert_code(fh_zmtp_subscribe(s.e.z, FH_LIT("01234567890")), FH_LIMIT);
    scene_free(&s);
}

/* What waits to be sent is bounded: by what we send, and by PINGs of a peer that reads nothing. */
static void test_out_limit(void **state) {
    scene s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .limits = {.out_bytes = 100}}, 1, "ROUTER");
    fh_bytes body = {NULL, FH_LIT("0123456789")};
    size_t sent = 0;
    fh_status st = FH_DONE;
    while ((st = fh_zmtp_send(s.e.z, &body, false)).code == FH_OK) {
        body.span = FH_LIT("0123456789");
        sent++;
    }
    fh_assert_code(st, FH_EXHAUSTED);
    assert_int_equal(sent, 9);
    take_out(&s.e);
    fh_buf_truncate(&s.e.out, 0);
    s.e.keep_out = true;
    for (size_t i = 0; i < 50; i++)
        put_command(&s.wire, "PING", FH_LIT("\0\0context"));
    scene_play(&s);
    fh_assert_code(s.e.last, FH_EXHAUSTED);
    assert_true(fh_zmtp_out_bytes(s.e.z) < 120);
    s.e.keep_out = false;
    size_t pongs = 0;
    while (s.e.last.code == FH_EXHAUSTED) { /* the rest comes when there is room, and none is lost */
        take_out(&s.e);
        s.e.last = FH_DONE;
        listen_to(&s.e);
    }
    for (size_t at = 0; (at = fh_span_find(fh_buf_view(&s.e.out), FH_LIT("\4\14\4PONGcontext"), at)) != SIZE_MAX; at++)
        pongs++;
    assert_int_equal(pongs, 50);
    scene_free(&s);
}

/* --- memory --------------------------------------------------------------------------------------------------------------- */

/* A part that lies in what was fed is a slice of it; one that does not is copied, once, and its memory follows its bytes. */
static void test_slices_and_growth(void **state) {
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    fh_bytes in, rest;
    fh_zmtp_event event;
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), FH_LIT("\0\5hello\0\5wor"), &in));
    const uint8_t *at = in.span.at;
    fh_assert_ok(fh_zmtp_feed(s.e.z, 0, &in));
    fh_assert_ok(fh_zmtp_next(s.e.z, &event, NULL));
    assert_true(event.body.span.at == at + 2);
    fh_bytes other = {NULL, FH_LIT("x")};
    fh_assert_code(fh_zmtp_feed(s.e.z, 0, &other), FH_BORROWED);
    assert_int_equal(other.span.size, 1);
    fh_zmtp_event_drop(&event);
    fh_assert_code(fh_zmtp_next(s.e.z, &event, NULL), FH_AGAIN);
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), FH_LIT("ld"), &rest));
    fh_assert_ok(fh_zmtp_feed(s.e.z, 0, &rest));
    fh_assert_ok(fh_zmtp_next(s.e.z, &event, NULL));
    fh_assert_span(event.body.span, "world");
    fh_zmtp_event_drop(&event);
    uint64_t before = fh_page_source_stats(s.pages).live_bytes;
    hear(&s.e, FH_LIT("\2\0\0\0\0\3\x20\0\0x")); /* 50 MiB are announced, one byte is there */
    assert_int_equal(fh_page_source_stats(s.pages).slabs, 1);
    assert_true(fh_page_source_stats(s.pages).live_bytes - before <= FH_PAGE_BYTES);
    assert_true(fh_page_source_stats(s.pages).pages_live <= 2);
    static uint8_t lot[300000];
    hear(&s.e, (fh_span){lot, sizeof lot});
    assert_true(fh_page_source_stats(s.pages).pages_live <= 2 + 2 * (sizeof lot / FH_PAGE_BYTES + 1));
    scene_free(&s);
}

/* A large part is received where it will stay. */
static void test_io(void **state) {
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    static uint8_t body[200000];
    fh_mspan room;
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i / 3);
    fh_assert_code(fh_zmtp_begin_io(s.e.z, &room), FH_AGAIN);
    fh_assert_code(fh_zmtp_end_io(s.e.z, 0, 0), FH_INVALID);
    put(&s.wire, FH_LIT("\2\0\0\0\0\0\3\x0d\x40"));
    put(&s.wire, (fh_span){body, 1000});
    scene_play(&s);
    size_t at = 1000, rounds = 0;
    while (fh_zmtp_begin_io(s.e.z, &room).code == FH_OK) {
        fh_bytes none = {NULL, {NULL, 0}};
        fh_assert_code(fh_zmtp_feed(s.e.z, 0, &none), FH_BORROWED);
        size_t count = room.size < sizeof body - at ? room.size : sizeof body - at;
        assert_true(room.size <= sizeof body - at);
        memcpy(room.at, body + at, count);
        fh_assert_code(fh_zmtp_end_io(s.e.z, 0, room.size + 1), FH_LIMIT);
        fh_assert_ok(fh_zmtp_end_io(s.e.z, 0, count));
        at += count;
        rounds++;
    }
    assert_true(rounds >= 4 && rounds <= 12 && sizeof body - at < 16384);
    if (at < sizeof body)
        hear(&s.e, (fh_span){body + at, sizeof body - at});
    else
        listen_to(&s.e);
    fh_buf expected;
    fh_buf_init(&expected, fh_heap(), 0);
    put_text(&expected, "part ");
    say_bytes(&expected, (fh_span){body, sizeof body});
    assert_true(fh_span_starts(fh_buf_view(&s.e.said), fh_buf_view(&expected)));
    fh_buf_deinit(&expected);
    scene_free(&s);
}

/* Small messages become one piece; a large body is a piece of its own, not copied; a piece that was sent in part goes on. */
static void test_pieces(void **state) {
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    size_t pieces;
    for (size_t i = 0; i < 1000; i++) {
        fh_bytes body = {NULL, FH_LIT("0123456789012345678901234567890123456789012345678901234567890123")};
        fh_assert_ok(fh_zmtp_send(s.e.z, &body, false));
    }
    fh_assert_ok(fh_zmtp_out(s.e.z, &pieces));
    assert_true(pieces <= 3); /* 66,000 bytes: the first pack is small, a page is 65,536 */
    take_out(&s.e);
    assert_int_equal(s.e.out.size, 66000);
    assert_int_equal(fh_page_source_stats(s.pages).slabs, 0); /* at rest there is no pack */
    static uint8_t large[5000];
    fh_bytes body = {NULL, {large, sizeof large}}, small = {NULL, FH_LIT("abc")};
    fh_assert_ok(fh_zmtp_send(s.e.z, &body, true));
    fh_assert_ok(fh_zmtp_send(s.e.z, &small, false));
    fh_assert_ok(fh_zmtp_out(s.e.z, &pieces));
    assert_int_equal(pieces, 3);
    assert_true(fh_zmtp_out_view(s.e.z, 1).at == large);
    assert_int_equal(fh_zmtp_out_view(s.e.z, 3).size, 0);
    fh_assert_code(fh_zmtp_sent(s.e.z, 9 + 5000 + 5 + 1), FH_INVALID);
    fh_assert_ok(fh_zmtp_sent(s.e.z, 9 + 4000));
    assert_true(fh_zmtp_out_view(s.e.z, 0).at == large + 4000);
    fh_bytes kept = fh_zmtp_out_share(s.e.z, 1), none = fh_zmtp_out_share(s.e.z, 2);
    assert_null(none.owner);
    fh_assert_ok(fh_zmtp_sent(s.e.z, 1000 + 5));
    assert_true(fh_span_equal(kept.span, FH_LIT("\0\3abc")));
    fh_bytes_drop(&kept);
    assert_int_equal(fh_zmtp_out_bytes(s.e.z), 0);
    scene_free(&s);
}

static fh_status whole_life(fh_allocator *a, void *arg) {
    const size_t *stream = arg;
    fh_page_source *pages = NULL;
    fh_zmtp *z = NULL;
    fh_buf wire;
    fh_zmtp_event event;
    fh_bytes in = {NULL, {NULL, 0}};
    fh_buf_init(&wire, fh_heap(), 0);
    fh_zmtp_options options = put_stream(&wire, *stream);
    fh_status s = fh_page_source_new(a, &(fh_page_options){.pages_max = 16}, &pages);
    if (!fh_failed(s))
        s = fh_zmtp_new(a, pages, &options, 0, &z, NULL);
    for (size_t at = 0; at < wire.size && (s.code == FH_OK || s.code == FH_AGAIN); at += 600) {
        size_t left = wire.size - at;
        s = fh_page_source_copy(pages, fh_span_sub(fh_buf_view(&wire), at, left < 600 ? left : 600), &in);
        if (!fh_failed(s))
            s = fh_zmtp_feed(z, 0, &in);
        while (!fh_failed(s) && (s = fh_zmtp_next(z, &event, NULL)).code == FH_OK) {
            bool echo = event.kind == FH_ZMTP_PART && event.body.span.size > 0 && !event.more;
            if (event.kind == FH_ZMTP_AUTH)
                s = fh_zmtp_accept(z);
            else if (echo)
                s = fh_zmtp_send(z, &event.body, false);
            fh_zmtp_event_drop(&event);
        }
    }
    size_t pieces;
    if (s.code == FH_AGAIN)
        s = fh_zmtp_out(z, &pieces);
    fh_bytes_drop(&in);
    fh_zmtp_free(z);
    fh_page_source_free(pages);
    fh_buf_deinit(&wire);
    return s.code == FH_EXHAUSTED ? FH_STATUS(FH_NOMEM) : s;
}

static void test_each_allocation_fails(void **state) {
    static size_t streams[] = {0, 2, 4, 5, 6, 10, 12};
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), whole_life, &streams[i]) > 5);
}

/* A call that fails for want of memory is made again, and nothing is lost or comes twice. */
static void test_again_after_failure(void **state) {
    fh_trace *trace = fh_test_trace(state);
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < STREAMS; i++) {
        fh_page_source *pages;
        fh_assert_ok(fh_page_source_new(a, &(fh_page_options){.pages_max = 16}, &pages));
        fh_buf wire, whole;
        cutter c = {0};
        fh_buf_init(&wire, fh_heap(), 0);
        fh_buf_init(&whole, fh_heap(), 0);
        fh_zmtp_options options = put_stream(&wire, i);
        play(a, pages, options, fh_buf_view(&wire), cut_never, &c, &whole);
        for (uint64_t n = 1; n < 12; n++) {
            end e = {.pages = pages};
            fh_buf_init(&e.said, fh_heap(), 0);
            fh_buf_init(&e.out, fh_heap(), 0);
            fh_bytes in;
            fh_assert_ok(fh_zmtp_new(a, pages, &options, 0, &e.z, NULL));
            take_out(&e);
            size_t begun = e.out.size;
            fh_assert_ok(fh_bytes_copy(a, fh_buf_view(&wire), &in));
            fh_assert_ok(fh_zmtp_feed(e.z, 0, &in));
            fh_trace_fail_at(trace, n);
            do {
                fh_zmtp_event event;
                fh_err err;
                fh_err_clear(&err);
                e.last = FH_DONE;
                while ((e.last = fh_zmtp_next(e.z, &event, &err)).code == FH_OK) {
                    say_event(&e, &event);
                    while (event.kind == FH_ZMTP_AUTH && fh_zmtp_accept(e.z).code == FH_NOMEM)
                        continue;
                    fh_zmtp_event_drop(&event);
                }
            } while (e.last.code == FH_NOMEM);
            fh_trace_fail_at(trace, 0);
            take_out(&e);
            if (e.last.code != FH_AGAIN)
                fh_buf_truncate(&whole, whole.size); /* a fault: its line is not written here */
            fh_buf both;
            fh_buf_init(&both, fh_heap(), 0);
            put(&both, fh_buf_view(&e.said));
            assert_true(fh_span_starts(fh_buf_view(&whole), fh_buf_view(&both)));
            if (e.last.code == FH_AGAIN) {
                put(&both, fh_span_from(fh_buf_view(&e.out), begun));
                same(&whole, &both, i, "failure", n);
            }
            fh_buf_deinit(&both);
            end_free(&e);
        }
        fh_buf_deinit(&wire);
        fh_buf_deinit(&whole);
        fh_page_source_free(pages);
    }
}

/* --- what went wrong elsewhere -------------------------------------------------------------------------------------------- */

/* CVE-2019-6250: a frame whose size makes the sum with its place overflow. And the decoder of 1.0, which overflowed a heap:
 * sizes of 0, of FF, and near 2^64. */
static void test_sizes_of_others(void **state) {
    static const struct {
        fh_span wire;
        const char *said;
    } cases[] = {
        {{(const uint8_t *)"\2\xff\xff\xff\xff\xff\xff\xff\xff", 9}, "fault LENGTH at 94\n"},
        {{(const uint8_t *)"\2\xff\xff\xff\xff\xff\xff\xff\xf7", 9}, "fault LENGTH at 94\n"},
        {{(const uint8_t *)"\6\x7f\xff\xff\xff\xff\xff\xff\xff", 9}, "fault FRAME_LIMIT at 94\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene s = scene_connected(state, DEALER, 1, "ROUTER");
        hear(&s.e, cases[i].wire);
        scene_said(&s, cases[i].said);
        assert_int_equal(fh_page_source_stats(s.pages).slabs, 0);
        scene_free(&s);
    }
    static const struct {
        fh_span wire;
        const char *said;
    } old[] = {
        {{(const uint8_t *)"\1\0\xff\0\0\0\0\0\0\0\0\0", 12}, "connected 1.0  \nfault LENGTH at 2\n"},
        {{(const uint8_t *)"\1\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\0", 12}, "connected 1.0  \nfault LENGTH at 2\n"},
        {{(const uint8_t *)"\1\0\xff\x80\0\0\0\0\0\0\0\0", 12}, "connected 1.0  \nfault FRAME_LIMIT at 2\n"},
        {{(const uint8_t *)"\1\0\0\0\0\2\0x", 8}, "connected 1.0  \npart x\n"},
        {{(const uint8_t *)"\0\0\0\1\0", 5}, "connected 1.0  \n"},
        {{(const uint8_t *)"\xff\0\0\0\0\0\0\1\1\0", 10}, "fault IDENTITY at 0\n"},
        {{(const uint8_t *)"\3\0\0a", 4}, "fault IDENTITY at 0\n"},
        {{(const uint8_t *)"\3\1ab", 4}, "fault UNEXPECTED at 0\n"},
    };
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        scene s = scene_new(state, DEALER);
        hear(&s.e, old[i].wire);
        scene_said(&s, old[i].said);
        scene_free(&s);
    }
}

/* CVE-2019-13132: a peer's metadata that is longer than a place on the stack; here it has none, and a limit. */
static void test_long_handshake(void **state) {
    scene s = scene_new(state, stream_options[4]);
    put_greeting(&s.wire, 3, 1, "PLAIN", false);
    put(&s.wire, FH_LIT("\6\0\0\0\0\0\0\x40\1"));
    scene_play(&s);
    scene_said(&s, "fault HANDSHAKE_LIMIT at 64\n");
    scene_free(&s);
}

/* Options that cannot be. */
static void test_options(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static uint8_t many[300];
    fh_page_source *pages;
    fh_zmtp *z;
    fh_assert_ok(fh_page_source_new(a, NULL, &pages));
    const fh_zmtp_options bad[] = {
        {.socket = FH_ZMTP_DEALER, .identity = {many, 256}},
        {.socket = FH_ZMTP_DEALER, .username = {many, 256}},
        {.socket = FH_ZMTP_DEALER, .password = {many, 256}},
        {.socket = FH_ZMTP_DEALER, .version_min = (fh_zmtp_version)5},
        {.socket = FH_ZMTP_DEALER, .mechanism = (fh_zmtp_mechanism)3},
        {.socket = FH_ZMTP_DEALER, .heartbeat_ttl_ms = 6553501},
        {.socket = FH_ZMTP_DEALER, .limits = {.frame_bytes = UINT64_MAX}},
        {.socket = FH_ZMTP_DEALER, .limits = {.message_bytes = UINT64_MAX}},
        {.socket = FH_ZMTP_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_zmtp_new(a, pages, &bad[i], 0, &z, &err), FH_INVALID);
        assert_true(z == NULL && err.code == FH_INVALID);
    }
    fh_zmtp_free(NULL);
    fh_page_source_free(pages);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_cuts),
        FH_TEST_ALLOC(test_streams_say),
        FH_TEST_ALLOC(test_plain),
        FH_TEST_ALLOC(test_plain_refused),
        FH_TEST_ALLOC(test_answers),
        FH_TEST_ALLOC(test_handshake_time),
        FH_TEST_ALLOC(test_heartbeats),
        FH_TEST_ALLOC(test_time_to_live),
        FH_TEST_ALLOC(test_limits),
        FH_TEST_ALLOC(test_out_limit),
        FH_TEST_ALLOC(test_slices_and_growth),
        FH_TEST_ALLOC(test_io),
        FH_TEST_ALLOC(test_pieces),
        FH_TEST_ALLOC(test_each_allocation_fails),
        FH_TEST_ALLOC(test_again_after_failure),
        FH_TEST_ALLOC(test_sizes_of_others),
        FH_TEST_ALLOC(test_long_handshake),
        FH_TEST_ALLOC(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
