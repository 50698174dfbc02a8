/* zmtp_wire_peer.h: the other end of a connection for tests: writes bytes as a peer of any version would, and writes down
 * what a session says about them.
 *
 * What is written down is text, a line an event ("connected 3.1 ROUTER id", "part+ x", "part x", "fault FLAGS"), so that two
 * runs are compared as wholes. Threading: one thread. */
#ifndef ZMTP_WIRE_PEER_H
#define ZMTP_WIRE_PEER_H

#include "fh_test.h"

#include <stdio.h>
#include <string.h>

#include "freehold/buf.h"
#include "freehold/zmtp.h"

/* --- bytes of a peer --------------------------------------------------------------------------------------------------- */

static inline void put(fh_buf *b, fh_span bytes) {
    fh_assert_ok(fh_buf_put(b, bytes));
}
/* How far apart the places are where a stream is cut: all of them, but where that takes minutes. */
#ifdef FH_TEST_SANITIZED
enum { CUT_STEP = 7 };
#else
enum { CUT_STEP = 1 };
#endif
static inline void put_text(fh_buf *b, const char *text) {
    put(b, fh_span_of_str(text));
}
static inline void put_byte(fh_buf *b, unsigned byte) {
    fh_assert_ok(fh_buf_put_u8(b, (uint8_t)byte));
}
static inline void put_number(fh_buf *b, uint64_t n, size_t bytes) {
    for (size_t i = bytes; i > 0; i--)
        put_byte(b, (unsigned)(n >> 8 * (i - 1) & 0xff));
}
/* A whole greeting of 3.x. */
static inline void put_greeting(fh_buf *b, unsigned major, unsigned minor, const char *mechanism, bool server) {
    uint8_t rest[52] = {0};
    put_byte(b, 0xff);
    put_number(b, 1, 8);
    put_byte(b, 0x7f);
    put_byte(b, major);
    put_byte(b, minor);
    memcpy(rest, mechanism, strlen(mechanism));
    rest[20] = server;
    put(b, (fh_span){rest, sizeof rest});
}
static inline void put_frame(fh_buf *b, unsigned flags, fh_span body) {
    bool is_long = body.size > 255;
    put_byte(b, flags | (is_long ? 2u : 0));
    put_number(b, body.size, is_long ? 8 : 1);
    put(b, body);
}
static inline void put_message(fh_buf *b, const char *text) {
    put_frame(b, 0, fh_span_of_str(text));
}
/* A command: its name and the bytes behind it. */
static inline void put_command(fh_buf *b, const char *name, fh_span data) {
    uint8_t body[4096];
    size_t size = strlen(name);
    assert_true(1 + size + data.size <= sizeof body);
    body[0] = (uint8_t)size;
    memcpy(body + 1, name, size);
    if (data.size != 0)
        memcpy(body + 1 + size, data.at, data.size);
    put_frame(b, 4, (fh_span){body, 1 + size + data.size});
}
static inline void put_property(fh_buf *b, const char *name, fh_span value) {
    put_byte(b, (unsigned)strlen(name));
    put_text(b, name);
    put_number(b, value.size, 4);
    put(b, value);
}
/* READY (or INITIATE) with a type of socket and, unless it is NULL, an identity. */
static inline void put_ready(fh_buf *b, const char *command, const char *socket, const char *identity) {
    fh_buf data;
    fh_buf_init(&data, fh_heap(), 0);
    put_property(&data, "Socket-Type", fh_span_of_str(socket));
    if (identity != NULL)
        put_property(&data, "Identity", fh_span_of_str(identity));
    put_command(b, command, fh_buf_view(&data));
    fh_buf_deinit(&data);
}

/* --- what a session says ------------------------------------------------------------------------------------------------- */

/* A session under test, all that it said, and all that it wants to send. */
typedef struct end {
    fh_page_source *pages;
    fh_zmtp *z;
    fh_buf said, out;
    bool refuse;       /* the answer to FH_ZMTP_AUTH */
    bool keep_out;     /* what is to be sent stays where it is */
    fh_status last;
} end;

static inline void say_bytes(fh_buf *said, fh_span bytes) {
    if (bytes.size > 40) {
        uint64_t sum = bytes.size;
        for (size_t i = 0; i < bytes.size; i++)
            sum = fh_mix64(sum ^ bytes.at[i]);
        fh_assert_ok(fh_buf_format(said, "<%zu:%llx>", bytes.size, (unsigned long long)sum));
        return;
    }
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t c = bytes.at[i];
        fh_assert_ok(c > ' ' && c < 0x7f ? fh_buf_put_u8(said, c) : fh_buf_format(said, "\\%02x", c));
    }
}

static inline void say_peer(end *e) {
    static const char *const versions[] = {"none", "1.0", "2.0", "3.0", "3.1"};
    fh_zmtp_peer peer = fh_zmtp_peer_get(e->z);
    fh_assert_ok(fh_buf_format(&e->said, "connected %s ", versions[peer.version]));
    say_bytes(&e->said, fh_zmtp_socket_name(peer.socket));
    fh_assert_ok(fh_buf_put_u8(&e->said, ' '));
    say_bytes(&e->said, peer.identity);
    if (peer.resource.size != 0) {
        fh_assert_ok(fh_buf_put_u8(&e->said, ' '));
        say_bytes(&e->said, peer.resource);
    }
}

static inline void say_event(end *e, const fh_zmtp_event *event) {
    static const char *const names[] = {"none",   "auth", "connected", "part", "subscribe",
                                        "cancel", "join", "leave",     "pong", "refused"};
    if (event->kind == FH_ZMTP_CONNECTED) {
        say_peer(e);
    } else {
        fh_assert_ok(fh_buf_format(&e->said, "%s%s ", names[event->kind], event->more ? "+" : ""));
        say_bytes(&e->said, event->body.span);
    }
    if (event->kind == FH_ZMTP_AUTH && event->extra.span.size != 0) {
        fh_assert_ok(fh_buf_put_u8(&e->said, ' '));
        say_bytes(&e->said, event->extra.span);
    }
    fh_assert_ok(fh_buf_put_u8(&e->said, '\n'));
}

static inline void take_out(end *e) {
    size_t pieces, all = 0;
    if (e->keep_out)
        return;
    fh_assert_ok(fh_zmtp_out(e->z, &pieces));
    for (size_t i = 0; i < pieces; i++) {
        put(&e->out, fh_zmtp_out_view(e->z, i));
        all += fh_zmtp_out_view(e->z, i).size;
    }
    assert_int_equal(fh_zmtp_out_bytes(e->z), all);
    fh_assert_ok(fh_zmtp_sent(e->z, all));
}

/* Lets the session say what it can; failures end it, and are written down once. */
static inline void listen_to(end *e) {
    static const char *const faults[] = {
#define FAULT_NAME(name, code, text) #name,
        FH_ZMTP_FAULTS(FAULT_NAME)
#undef FAULT_NAME
    };
    fh_zmtp_event event;
    fh_err err;
    fh_err_clear(&err);
    if (e->last.code != FH_OK && e->last.code != FH_AGAIN)
        return;
    while ((e->last = fh_zmtp_next(e->z, &event, &err)).code == FH_OK) {
        say_event(e, &event);
        if (event.kind == FH_ZMTP_AUTH)
            fh_assert_ok(e->refuse ? fh_zmtp_refuse(e->z, FH_LIT("400")) : fh_zmtp_accept(e->z));
        fh_zmtp_event_drop(&event);
        take_out(e);
    }
    take_out(e);
    if (e->last.code != FH_AGAIN)
        fh_assert_ok(fh_buf_format(&e->said, "fault %s at %llu\n", faults[fh_zmtp_fault(e->z)],
                                   (unsigned long long)err.offset_bytes));
}

static inline end end_new(fh_allocator *a, fh_page_source *pages, fh_zmtp_options options) {
    end e = {.pages = pages};
    fh_err err;
    fh_err_clear(&err);
    fh_buf_init(&e.said, a, 0);
    fh_buf_init(&e.out, a, 0);
    fh_assert_ok(fh_zmtp_new(a, pages, &options, 0, &e.z, &err));
    take_out(&e);
    return e;
}

static inline void end_free(end *e) {
    fh_zmtp_free(e->z);
    fh_buf_deinit(&e->said);
    fh_buf_deinit(&e->out);
}

/* Feeds bytes, from a page of their own. */
static inline void hear_at(end *e, uint64_t now_ms, fh_span bytes) {
    fh_bytes in;
    fh_assert_ok(fh_page_source_copy(e->pages, bytes, &in));
    if (e->last.code == FH_OK || e->last.code == FH_AGAIN) {
        fh_assert_ok(fh_zmtp_feed(e->z, now_ms, &in));
        assert_true(in.owner == NULL);
    }
    fh_bytes_drop(&in);
    listen_to(e);
}
static inline void hear(end *e, fh_span bytes) {
    hear_at(e, 0, bytes);
}

/* --- for tests of one session --------------------------------------------------------------------------------------------- */

/* What each test begins with: pages, bytes to be written, a session. */
typedef struct scene {
    fh_page_source *pages;
    fh_buf wire;
    end e;
} scene;

static inline scene scene_new(void **state, fh_zmtp_options options) {
    scene s = {NULL, {0}, {0}};
    fh_page_options small = {.pages_max = 64};
    fh_assert_ok(fh_page_source_new(fh_test_allocator(state), &small, &s.pages));
    fh_buf_init(&s.wire, fh_test_allocator(state), 0);
    s.e = end_new(fh_test_allocator(state), s.pages, options);
    return s;
}
/* The session hears what was written so far. */
static inline void scene_play(scene *s) {
    fh_span all = fh_buf_view(&s->wire);
    if (all.size != 0)
        hear(&s->e, all);
    fh_buf_truncate(&s->wire, 0);
}
static inline void scene_free(scene *s) {
    fh_err err;
    fh_err_clear(&err);
    end_free(&s->e);
    fh_buf_deinit(&s->wire);
    fh_assert_ok(fh_page_source_check(s->pages, &err));
    assert_int_equal(fh_page_source_stats(s->pages).slabs, 0);
    fh_page_source_free(s->pages);
}
/* Checks what was said since the last time, and forgets it. */
static inline void scene_said(scene *s, const char *expected) {
    fh_assert_span(fh_buf_view(&s->e.said), expected);
    fh_buf_truncate(&s->e.said, 0);
}
/* The same of what is to be sent. */
static inline void scene_sent(scene *s, fh_span expected) {
    assert_int_equal(s->e.out.size, expected.size);
    assert_true(fh_span_equal(fh_buf_view(&s->e.out), expected));
    fh_buf_truncate(&s->e.out, 0);
}
/* A scene in which the handshake of NULL with a peer of this version and socket is done, and nothing is left over. */
static inline scene scene_connected(void **state, fh_zmtp_options options, unsigned minor, const char *peer) {
    scene s = scene_new(state, options);
    put_greeting(&s.wire, 3, minor, "NULL", false);
    put_ready(&s.wire, "READY", peer, NULL);
    scene_play(&s);
    fh_assert_code(s.e.last, FH_AGAIN);
    assert_true(fh_span_find(fh_buf_view(&s.e.said), FH_LIT("connected"), 0) == 0);
    fh_buf_truncate(&s.e.said, 0);
    fh_buf_truncate(&s.e.out, 0);
    return s;
}

#endif
