/* zmtp_streams.h: connections from beginning to end, as their peers write them: for tests that cut them, and as seeds.
 *
 * Threading: one thread. */
#ifndef ZMTP_STREAMS_H
#define ZMTP_STREAMS_H

#include "zmtp_wire_peer.h"

/* The sessions that the streams are for, and others that a fuzzer may try. */
static const fh_zmtp_options stream_options[] = {
    {.socket = FH_ZMTP_DEALER},
    {.socket = FH_ZMTP_ROUTER, .bound = true, .identity = {(const uint8_t *)"me", 2}},
    {.socket = FH_ZMTP_XPUB, .bound = true},
    {.socket = FH_ZMTP_SUB, .version_min = FH_ZMTP_3_0},
    {.socket = FH_ZMTP_PULL, .mechanism = FH_ZMTP_PLAIN, .server = true, .bound = true},
    {.socket = FH_ZMTP_PUSH, .mechanism = FH_ZMTP_PLAIN, .username = {(const uint8_t *)"u", 1},
     .password = {(const uint8_t *)"secret", 6}},
    {.socket = FH_ZMTP_REP, .bound = true, .authorize = true},
    {.socket = FH_ZMTP_RADIO},
    {.socket = FH_ZMTP_SERVER, .bound = true},
    {.socket = FH_ZMTP_PUB, .bound = true},
    {.socket = FH_ZMTP_REQ, .authorize = true, .limits = {.frame_bytes = 300, .message_bytes = 400, .parts = 3,
                                                          .handshake_bytes = 200}},
};
enum { STREAMS = 16 };

static inline void put_traffic(fh_buf *b, bool commands) {
    static uint8_t body[70000];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 7 + i / 251);
    put_message(b, "");
    put_frame(b, 1, FH_LIT("two"));
    if (commands)
        put_command(b, "PING", FH_LIT("\0\5ctx"));
    put_frame(b, 0, (fh_span){body, 300});
    put_frame(b, 0, (fh_span){body, 255});
    put_frame(b, 0, (fh_span){body, 256});
    put_frame(b, 1, (fh_span){body, 5000});
    put_frame(b, 1, FH_LIT(""));
    put_frame(b, 0, (fh_span){body, 9000});
    if (commands)
        put_command(b, "FUTURE", FH_LIT("?"));
    put_message(b, "last");
}

/* Streams of older peers, and of those that do not get far. */
static inline void put_other_stream(fh_buf *b, size_t i) {
    switch (i) {
    case 9: /* 2.0: a subscriber */
        put(b, FH_LIT("\xff\0\0\0\0\0\0\0\1\x7f\1\2\0\2id\0\2\1A\0\2\0A\0\1x"));
        break;
    case 10: /* 2.0, with long frames */
        put(b, FH_LIT("\xff\0\0\0\0\0\0\0\1\x7f\2\6\0\0"));
        put_traffic(b, false);
        break;
    case 11: /* 1.0: size + 1, flags, body */
        put(b, FH_LIT("\3\0id\2\1a\0\1\0\xff\0\0\0\0\0\0\0\4\0xyz"));
        break;
    case 12: /* 1.0, an identity with a long size, and a byte of 0, which is no frame */
        put(b, FH_LIT("\xff\0\0\0\0\0\0\0\3\0id\0\0\3\0\1A"));
        break;
    case 14: /* small limits */
        put_greeting(b, 3, 1, "NULL", false);
        put_ready(b, "READY", "REP", NULL);
        put_traffic(b, true);
        break;
    default:
        put_greeting(b, 3, 1, "NULL", false);
        put_command(b, "ERROR", FH_LIT("\2no"));
    }
}

/* Writes stream i; the options that it is for. */
static inline fh_zmtp_options put_stream(fh_buf *b, size_t i) {
    static const uint8_t option_of[STREAMS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 2, 0, 10, 1};
    switch (i) {
    case 0:
    case 13: /* breaks off with a fault */
        put_greeting(b, 3, 1, "NULL", false);
        put_ready(b, "READY", "ROUTER", "");
        put_traffic(b, true);
        if (i == 13)
            put_frame(b, 0x40, FH_LIT("x"));
        break;
    case 1:
        put_greeting(b, 3, 0, "NULL", false);
        put_ready(b, "READY", "DEALER", "peer");
        put_traffic(b, true);
        break;
    case 2:
        put_greeting(b, 3, 1, "NULL", false);
        put_ready(b, "READY", "SUB", NULL);
        put_command(b, "SUBSCRIBE", FH_LIT("A"));
        put(b, FH_LIT("\0\2\1B\0\2\0B"));
        put_command(b, "CANCEL", FH_LIT("A"));
        put_command(b, "PONG", FH_LIT(""));
        break;
    case 3:
        put_greeting(b, 3, 7, "NULL", true);
        put_ready(b, "READY", "XPUB", NULL);
        put_traffic(b, true);
        break;
    case 4:
        put_greeting(b, 3, 1, "PLAIN", false);
        put_command(b, "HELLO", FH_LIT("\4user\10password"));
        put_ready(b, "INITIATE", "PUSH", NULL);
        put_traffic(b, false);
        break;
    case 5:
        put_greeting(b, 3, 1, "PLAIN", true);
        put_command(b, "WELCOME", FH_LIT(""));
        put_ready(b, "READY", "PULL", NULL);
        put_command(b, "PING", FH_LIT("\1\2"));
        break;
    case 6:
        put_greeting(b, 3, 1, "NULL", false);
        put_ready(b, "READY", "REQ", "r");
        put(b, FH_LIT("\1\0\0\5hello"));
        break;
    case 7:
        put_greeting(b, 3, 1, "NULL", false);
        put_ready(b, "READY", "DISH", NULL);
        put_command(b, "JOIN", FH_LIT("group"));
        put_command(b, "LEAVE", FH_LIT("group"));
        break;
    case 8:
        put_greeting(b, 3, 1, "NULL", false);
        put_ready(b, "READY", "CLIENT", NULL);
        put_traffic(b, true);
        break;
    default:
        put_other_stream(b, i);
    }
    return stream_options[option_of[i]];
}

#endif
