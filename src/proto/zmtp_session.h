/* zmtp_session.h: what a session is made of, for the files that know a part of the protocol each:
 *
 *     zmtp.c            life, events, time                 zmtp_greeting.c   the greeting, and identities before 3.0
 *     zmtp_frame.c      frames of all versions             zmtp_mechanism.c  NULL and PLAIN; zmtp_curve.c: CURVE
 *     zmtp_command.c    commands amid the traffic          zmtp_in.c, zmtp_out.c, zmtp_list.c: bytes
 *
 * Both directions of one thing on the wire stand in one file. Threading: zmtp.h. */
#ifndef FH_PROTO_ZMTP_SESSION_H
#define FH_PROTO_ZMTP_SESSION_H

#include "freehold/zmtp.h"
#include "proto/zmtp_in.h"
#include "proto/zmtp_out.h"
#include "proto/zmtp_wire.h"

enum {
    FH_ZMTP_GREETING_BYTES = 64,
    FH_ZMTP_HEAD_MAX = 10,      /* of a frame of any version */
    FH_ZMTP_CONTEXT_MAX = 16,   /* of a PING */
    FH_ZMTP_NAME_ROOM = 16,     /* for the name of a command of a handshake */
    FH_ZMTP_BOX_MORE = 33,      /* what CURVE's MESSAGE adds: its name, nonce and flags, and the box's tag */
};

typedef enum fh_zmtp_stage {
    FH_ZMTP_AT_GREETING,
    FH_ZMTP_AT_IDENTITY, /* of 1.0 and 2.0 */
    FH_ZMTP_AT_HANDSHAKE,
    FH_ZMTP_AT_TRAFFIC,
} fh_zmtp_stage;

/* What the handshake waits for. */
typedef enum fh_zmtp_step {
    FH_ZMTP_WAIT_READY,
    FH_ZMTP_WAIT_HELLO,
    FH_ZMTP_WAIT_WELCOME,
    FH_ZMTP_WAIT_INITIATE,
    FH_ZMTP_WAIT_ANSWER, /* to FH_ZMTP_AUTH */
} fh_zmtp_step;

/* What the options said. */
typedef enum fh_zmtp_text {
    FH_ZMTP_TEXT_METADATA, /* our properties as they are sent */
    FH_ZMTP_TEXT_IDENTITY,
    FH_ZMTP_TEXT_USERNAME,
    FH_ZMTP_TEXT_PASSWORD,
    FH_ZMTP_TEXT_PUBLIC,
    FH_ZMTP_TEXT_SECRET,
    FH_ZMTP_TEXT_SERVER,
    FH_ZMTP_TEXTS
} fh_zmtp_text;

/* All of it in one block: text k ends at end[k]. */
typedef struct fh_zmtp_texts {
    fh_owned fh_mspan all;
    size_t end[FH_ZMTP_TEXTS];
} fh_zmtp_texts;

/* Where something lies in bytes. */
typedef struct fh_zmtp_range {
    size_t from, size;
} fh_zmtp_range;

/* zmtp_curve.h */
typedef struct fh_zmtp_curve fh_zmtp_curve;

struct fh_zmtp {
    fh_ref fh_allocator *allocator;
    fh_zmtp_options options; /* with its numbers filled in; its spans are empty */
    fh_owned fh_zmtp_texts texts;
    fh_owned_or_null fh_zmtp_curve *curve; /* with CURVE */

    fh_zmtp_stage stage;
    fh_zmtp_step step;
    fh_zmtp_version version;
    fh_zmtp_fault_kind fault;
    bool sent_ready, sent_error;
    bool peer_told;   /* its properties came */
    bool asked, announce;
    fh_owned fh_bytes auth, auth_extra; /* what is asked about */
    bool phantom;     /* a subscription to everything is to be told: a subscriber of 1.0 may not send its own */
    bool closing;     /* the peer's ERROR was told; the fault follows */
    uint32_t handshake_left;

    uint64_t now_ms, born_ms, heard_ms, pinged_ms, ttl_ms;
    bool pinging;     /* nothing was heard since the last PING */

    uint8_t greeting[FH_ZMTP_GREETING_BYTES];
    uint32_t greeted, greeting_sent; /* bytes of it that came, and of ours beyond the signature */

    fh_owned fh_zmtp_in in;
    uint64_t offset;  /* bytes before the frame that is being read */
    uint8_t head[FH_ZMTP_HEAD_MAX];
    uint32_t head_size;
    bool opened;      /* the frame was a box, and is its text now */
    bool headed;      /* flags and size are known */
    bool framed;      /* the whole frame is here, in body */
    uint8_t flags;
    size_t size;
    fh_owned fh_bytes body;

    fh_owned fh_zmtp_list parts; /* of a message that is not whole; of one that is, while parts_ready */
    bool parts_ready, discard;
    uint64_t parts_bytes;
    uint32_t parts_count;

    fh_owned fh_zmtp_out_queue out;
    fh_owned fh_zmtp_list given; /* parts of a message that is not whole yet */
    uint64_t given_bytes;

    fh_zmtp_socket peer_socket;
    fh_owned fh_bytes metadata;  /* the peer's, or its identity alone before 3.0 */
    fh_zmtp_range identity, resource; /* in metadata */
};

/* --- shared --------------------------------------------------------------------------------------------------------------- */

/* One of the texts. Valid until: the session's end. */
fh_span fh_zmtp_text_of(fh_ref const fh_zmtp_texts *texts, fh_zmtp_text which) fh_view(1);
/* Ends the connection: the status of the fault, from now on. */
FH_MUST_USE fh_status fh_zmtp_break(fh_mut fh_zmtp *z, fh_zmtp_fault_kind fault);
/* The peer is known and in: the traffic begins, and an event says so. */
void fh_zmtp_connected(fh_mut fh_zmtp *z);
/* Zeroes one of the texts. */
void fh_zmtp_text_wipe(fh_mut fh_zmtp_texts *texts, fh_zmtp_text which);

/* --- zmtp_greeting.c ------------------------------------------------------------------------------------------------------ */

/* Sends the part of the greeting that nothing is needed for. */
FH_MUST_USE fh_status fh_zmtp_greet(fh_mut fh_zmtp *z);
/* Reads on; FH_AGAIN until the next stage is reached. */
FH_MUST_USE fh_status fh_zmtp_greeting_next(fh_mut fh_zmtp *z);
/* The identity of a peer of 1.0 or 2.0 has come as z->body. */
FH_MUST_USE fh_status fh_zmtp_identity_frame(fh_mut fh_zmtp *z);

/* --- zmtp_frame.c --------------------------------------------------------------------------------------------------------- */

/* The next frame: flags, size and body. FH_AGAIN; a frame stays until fh_zmtp_frame_done. */
FH_MUST_USE fh_status fh_zmtp_frame_next(fh_mut fh_zmtp *z);
void fh_zmtp_frame_done(fh_mut fh_zmtp *z);
/* The size of a frame's head. */
size_t fh_zmtp_head_size(fh_zmtp_version version, uint64_t size);
/* Packs a head; there is room. */
void fh_zmtp_put_head(fh_mut fh_zmtp_out_queue *out, fh_zmtp_version version, uint8_t flags, uint64_t size);
/* A message of all that was given, which is whole. */
FH_MUST_USE fh_status fh_zmtp_put_message(fh_mut fh_zmtp *z);

/* --- zmtp_command.c ------------------------------------------------------------------------------------------------------- */

/* name = one byte of size, 1 to 255 letters; data is the rest. */
FH_MUST_USE bool fh_zmtp_command_split(fh_span body, fh_out fh_view(*1) fh_span *name, fh_out fh_view(*1) fh_span *data);
/* Packs a command in clear text: its name and two strings, one behind the other. */
FH_MUST_USE fh_status fh_zmtp_put_command(fh_mut fh_zmtp_out_queue *out, fh_span name, fh_span data, fh_span more);
/* The same amid the traffic, as the mechanism wants it. */
FH_MUST_USE fh_status fh_zmtp_send_command(fh_mut fh_zmtp *z, fh_span name, fh_span data);
/* A command of the traffic has come. */
FH_MUST_USE fh_status fh_zmtp_command_frame(fh_mut fh_zmtp *z, fh_bytes body, fh_mut fh_zmtp_event *event);
/* A PING with our time to live. */
FH_MUST_USE fh_status fh_zmtp_put_ping(fh_mut fh_zmtp *z);
/* True if z->body is a subscription or a cancellation written as a message; *event tells it. */
FH_MUST_USE bool fh_zmtp_subscription_part(fh_ref const fh_zmtp *z, fh_mut fh_zmtp_event *event);
/* An ERROR, both ways. */
FH_MUST_USE fh_status fh_zmtp_error_command(fh_mut fh_zmtp *z, fh_bytes body, fh_span data, fh_mut fh_zmtp_event *event);
FH_MUST_USE fh_status fh_zmtp_put_error(fh_mut fh_zmtp *z, fh_span reason);

/* --- zmtp_mechanism.c ----------------------------------------------------------------------------------------------------- */

/* The greeting is done: the first command, if it is ours. */
FH_MUST_USE fh_status fh_zmtp_handshake_begin(fh_mut fh_zmtp *z);
/* A command of the handshake has come. */
FH_MUST_USE fh_status fh_zmtp_handshake_frame(fh_mut fh_zmtp *z, fh_bytes body, fh_mut fh_zmtp_event *event);
/* The peer may come in. */
FH_MUST_USE fh_status fh_zmtp_handshake_accept(fh_mut fh_zmtp *z);
/* Properties of the peer: kept, when they are sound. */
FH_MUST_USE fh_status fh_zmtp_metadata_take(fh_mut fh_zmtp *z, fh_span metadata);
/* Our properties, for a session that begins: *size bytes of `to`. */
FH_MUST_USE fh_status fh_zmtp_metadata_put(fh_ref const fh_zmtp_options *o, fh_mspan to, fh_out size_t *size);
/* True if an identity is one that the peer may have. */
bool fh_zmtp_identity_sound(fh_span identity);

#endif
