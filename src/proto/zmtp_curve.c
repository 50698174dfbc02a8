/* zmtp_curve.c: CURVE, both ways (RFC 25 and 26). C and S are permanent keys, C' and S' those of this connection, small
 * letters their secret halves; [x](A->B) is a box by a's secret and B's public key. Each command's name is left out here:
 *
 *     HELLO     1 0, 72 zeros, C', nonce 8, [64 zeros](C'->S)                                    client
 *     WELCOME   nonce 16, [S', cookie](S->C')      cookie = nonce 16, box of C', s' by a key K   server
 *     INITIATE  cookie, nonce 8, [C, vouch, properties](C'->S')                                  client
 *               vouch = nonce 16, [C', S](C->S')
 *     READY     nonce 8, [properties](S'->C')                                                    server
 *     MESSAGE   nonce 8, [flags, body](C'->S') or (S'->C')
 *
 * A server keeps no more than K between WELCOME and INITIATE: what it needs comes back in the cookie. Nonces of 8 bytes rise
 * with each command; one that does not ends the connection, and it counts only if its box opened. Secrets are zeroed when
 * they have done their work: after INITIATE only the key of the connection is left.
 *
 * MESSAGE goes out as a message frame, since libzmq takes commands in these for commands inside; both are taken in.
 * Threading: zmtp.h. */
#include "proto/zmtp_curve.h"

enum {
    SHORT = 8,
    LONG_NONCE = 16,
    ZEROS = 64,
    PADDING = 72,
    HELLO_BOX = ZEROS + FH_BOX_TAG,
    HELLO_BYTES = 2 + PADDING + FH_BOX_KEY + SHORT + HELLO_BOX,
    COOKIE_BYTES = LONG_NONCE + FH_BOX_TAG + 2 * FH_BOX_KEY,
    WELCOME_TEXT = FH_BOX_KEY + COOKIE_BYTES,
    WELCOME_BYTES = LONG_NONCE + FH_BOX_TAG + WELCOME_TEXT,
    VOUCH_BYTES = LONG_NONCE + FH_BOX_TAG + 2 * FH_BOX_KEY,
    INITIATE_FIXED = FH_BOX_KEY + VOUCH_BYTES,
    INITIATE_MIN = COOKIE_BYTES + SHORT + FH_BOX_TAG + INITIATE_FIXED,
    MESSAGE_MORE = 1,
    MESSAGE_COMMAND = 2, /* libzmq's: a command instead of a part */
};

/* --- bytes ------------------------------------------------------------------------------------------------------------- */

/* A part of an array whose size is known to fit. */
static fh_mspan part(fh_mspan all, size_t from, size_t size) {
    fh_mspan out = {NULL, 0};
    bool inside = fh_mspan_slice(all, from, size, &out);
    FH_ASSERT(inside);
    return out;
}

static void copy(fh_mspan to, size_t at, fh_span from) {
    fh_span_copy(part(to, at, from.size), from);
}

/* nonce = its name, 16 or 8 letters, and the bytes that are sent. */
static void nonce_of(fh_mspan nonce, fh_span name, fh_span sent) {
    copy(nonce, 0, name);
    copy(nonce, name.size, sent);
}

static void draw(const fh_zmtp_options *o, fh_mspan out) {
    o->random(o->random_ctx, out);
}

/* The next nonce that we send. */
static uint64_t next_nonce(fh_zmtp_curve *c) {
    FH_ASSERT(c->sent != UINT64_MAX);
    return ++c->sent;
}

static fh_span message_name(bool server) {
    return server ? FH_LIT("CurveZMQMESSAGES") : FH_LIT("CurveZMQMESSAGEC");
}

/* --- HELLO --------------------------------------------------------------------------------------------------------------- */

fh_status fh_zmtp_curve_begin(fh_zmtp *z) {
    uint8_t hello[HELLO_BYTES] = {1, 0}, nonce[FH_BOX_NONCE] = {0}, shared[FH_BOX_KEY] = {0};
    fh_mspan all = {hello, sizeof hello};
    size_t at = 2 + PADDING;
    if (z->options.server) {
        z->step = FH_ZMTP_WAIT_HELLO;
        return FH_DONE;
    }
    FH_TRY(fh_zmtp_out_reserve(&z->out, FH_ZMTP_HEAD_MAX + FH_ZMTP_NAME_ROOM + HELLO_BYTES, 0));
    draw(&z->options, (fh_mspan){z->curve->secret, FH_BOX_KEY});
    fh_box_public((fh_span){z->curve->secret, FH_BOX_KEY}, (fh_mspan){z->curve->own, FH_BOX_KEY});
    if (!fh_box_key(fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_SERVER), (fh_span){z->curve->secret, FH_BOX_KEY},
                    (fh_mspan){shared, sizeof shared}))
        return fh_zmtp_break(z, FH_ZMTP_FAULT_CRYPTO);
    copy(all, at, (fh_span){z->curve->own, FH_BOX_KEY});
    fh_zmtp_put_number(part(all, at + FH_BOX_KEY, SHORT), next_nonce(z->curve));
    nonce_of((fh_mspan){nonce, sizeof nonce}, FH_LIT("CurveZMQHELLO---"),
             fh_span_of_mut(part(all, at + FH_BOX_KEY, SHORT)));
    fh_box_seal(part(all, at + FH_BOX_KEY + SHORT, HELLO_BOX), (fh_span){nonce, sizeof nonce},
                (fh_span){shared, sizeof shared});
    fh_box_wipe((fh_mspan){shared, sizeof shared});
    FH_TRY(fh_zmtp_put_command(&z->out, FH_LIT("HELLO"), fh_span_of_mut(all), FH_LIT("")));
    z->step = FH_ZMTP_WAIT_WELCOME;
    return FH_DONE;
}

/* --- WELCOME ------------------------------------------------------------------------------------------------------------- */

/* Writes WELCOME for the client with this public key to `to`. The key S' is in it, and its secret in its cookie, and nowhere
 * else. */
static void write_welcome(fh_zmtp *z, fh_span client, fh_span shared, fh_mspan to) {
    uint8_t own[2 * FH_BOX_KEY] = {0}, nonce[FH_BOX_NONCE] = {0};
    fh_mspan both = {own, sizeof own}, secret = part(both, 0, FH_BOX_KEY), open = part(both, FH_BOX_KEY, FH_BOX_KEY);
    fh_mspan text = part(to, LONG_NONCE + FH_BOX_TAG, WELCOME_TEXT), cookie = part(text, FH_BOX_KEY, COOKIE_BYTES);
    fh_mspan box = part(cookie, LONG_NONCE, COOKIE_BYTES - LONG_NONCE);
    draw(&z->options, secret);
    draw(&z->options, (fh_mspan){z->curve->cookie, FH_BOX_KEY});
    draw(&z->options, part(to, 0, LONG_NONCE));
    draw(&z->options, part(cookie, 0, LONG_NONCE));
    fh_box_public(fh_span_of_mut(secret), open);
    copy(text, 0, fh_span_of_mut(open));
    copy(box, FH_BOX_TAG, client);
    copy(box, FH_BOX_TAG + FH_BOX_KEY, fh_span_of_mut(secret));
    nonce_of((fh_mspan){nonce, sizeof nonce}, FH_LIT("COOKIE--"), fh_span_of_mut(part(cookie, 0, LONG_NONCE)));
    fh_box_seal(box, (fh_span){nonce, sizeof nonce}, (fh_span){z->curve->cookie, FH_BOX_KEY});
    nonce_of((fh_mspan){nonce, sizeof nonce}, FH_LIT("WELCOME-"), fh_span_of_mut(part(to, 0, LONG_NONCE)));
    fh_box_seal(part(to, LONG_NONCE, WELCOME_BYTES - LONG_NONCE), (fh_span){nonce, sizeof nonce}, shared);
    fh_box_wipe((fh_mspan){own, sizeof own});
}

static bool all_zero(fh_span s) {
    uint8_t any = 0;
    for (size_t i = 0; i < s.size; i++)
        any |= fh_span_at(s, i);
    return any == 0;
}

/* A server's answer to HELLO. */
static fh_status take_hello(fh_zmtp *z, fh_span data) {
    uint8_t nonce[FH_BOX_NONCE] = {0}, shared[FH_BOX_KEY] = {0}, zeros[ZEROS] = {0}, welcome[WELCOME_BYTES] = {0};
    size_t at = 2 + PADDING;
    if (data.size != HELLO_BYTES || fh_span_at(data, 0) != 1 || !all_zero(fh_span_sub(data, 1, 1 + PADDING)))
        return fh_zmtp_break(z, FH_ZMTP_FAULT_HELLO);
    FH_TRY(fh_zmtp_out_reserve(&z->out, FH_ZMTP_HEAD_MAX + FH_ZMTP_NAME_ROOM + WELCOME_BYTES, 0));
    fh_span client = fh_span_sub(data, at, FH_BOX_KEY), sent = fh_span_sub(data, at + FH_BOX_KEY, SHORT);
    nonce_of((fh_mspan){nonce, sizeof nonce}, FH_LIT("CurveZMQHELLO---"), sent);
    bool opens = fh_box_key(client, fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_SECRET), (fh_mspan){shared, sizeof shared}) &&
                 fh_box_open(fh_span_from(data, at + FH_BOX_KEY + SHORT), (fh_span){nonce, sizeof nonce},
                             (fh_span){shared, sizeof shared}, (fh_mspan){zeros, sizeof zeros}) &&
                 all_zero((fh_span){zeros, sizeof zeros});
    if (!opens)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_CRYPTO);
    write_welcome(z, client, (fh_span){shared, sizeof shared}, (fh_mspan){welcome, sizeof welcome});
    fh_box_wipe((fh_mspan){shared, sizeof shared});
    FH_TRY(fh_zmtp_put_command(&z->out, FH_LIT("WELCOME"), (fh_span){welcome, sizeof welcome}, FH_LIT("")));
    z->curve->heard = fh_zmtp_number(sent);
    z->step = FH_ZMTP_WAIT_INITIATE;
    return FH_DONE;
}

/* --- INITIATE ------------------------------------------------------------------------------------------------------------- */

/* Writes the vouch to `to`; false for a key S' that makes no secret. */
static bool write_vouch(fh_zmtp *z, fh_span server_transient, fh_mspan to) {
    uint8_t nonce[FH_BOX_NONCE] = {0}, shared[FH_BOX_KEY] = {0};
    fh_mspan box = part(to, LONG_NONCE, VOUCH_BYTES - LONG_NONCE);
    draw(&z->options, part(to, 0, LONG_NONCE));
    nonce_of((fh_mspan){nonce, sizeof nonce}, FH_LIT("VOUCH---"), fh_span_of_mut(part(to, 0, LONG_NONCE)));
    copy(box, FH_BOX_TAG, (fh_span){z->curve->own, FH_BOX_KEY});
    copy(box, FH_BOX_TAG + FH_BOX_KEY, fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_SERVER));
    fh_span secret = fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_SECRET);
    bool good = fh_box_key(server_transient, secret, (fh_mspan){shared, sizeof shared});
    fh_box_seal(box, (fh_span){nonce, sizeof nonce}, (fh_span){shared, sizeof shared});
    fh_box_wipe((fh_mspan){shared, sizeof shared});
    return good;
}

/* Writes INITIATE with its properties; there is room. */
static fh_status put_initiate(fh_zmtp *z, fh_span server_transient, fh_span cookie) {
    uint8_t nonce[FH_BOX_NONCE] = {0}, fixed[INITIATE_FIXED] = {0}, sent[SHORT] = {0};
    fh_mspan all = {fixed, sizeof fixed};
    fh_span metadata = fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_METADATA);
    size_t box_size = FH_BOX_TAG + INITIATE_FIXED + metadata.size;
    copy(all, 0, fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_PUBLIC));
    bool good = write_vouch(z, server_transient, part(all, FH_BOX_KEY, VOUCH_BYTES)) &&
                fh_box_key(server_transient, (fh_span){z->curve->secret, FH_BOX_KEY}, (fh_mspan){z->curve->key, FH_BOX_KEY});
    if (!good)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_CRYPTO);
    fh_zmtp_put_number((fh_mspan){sent, sizeof sent}, next_nonce(z->curve));
    nonce_of((fh_mspan){nonce, sizeof nonce}, FH_LIT("CurveZMQINITIATE"), (fh_span){sent, sizeof sent});
    fh_zmtp_put_head(&z->out, FH_ZMTP_3_0, FH_ZMTP_COMMAND, 9 + COOKIE_BYTES + SHORT + box_size);
    fh_zmtp_out_put(&z->out, FH_LIT("\10INITIATE"));
    fh_zmtp_out_put(&z->out, cookie);
    fh_zmtp_out_put(&z->out, (fh_span){sent, sizeof sent});
    fh_mspan box = fh_zmtp_out_begin(&z->out, box_size);
    copy(box, FH_BOX_TAG, fh_span_of_mut(all));
    copy(box, FH_BOX_TAG + INITIATE_FIXED, fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_METADATA));
    fh_box_seal(box, (fh_span){nonce, sizeof nonce}, (fh_span){z->curve->key, FH_BOX_KEY});
    fh_zmtp_out_end(&z->out, box_size);
    return FH_DONE;
}

/* A client's answer to WELCOME. */
static fh_status take_welcome(fh_zmtp *z, fh_span data) {
    uint8_t nonce[FH_BOX_NONCE] = {0}, shared[FH_BOX_KEY] = {0}, text[WELCOME_TEXT] = {0};
    fh_span opened = {text, sizeof text};
    if (data.size != WELCOME_BYTES)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_WELCOME);
    size_t metadata = fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_METADATA).size;
    FH_TRY(fh_zmtp_out_reserve(&z->out, FH_ZMTP_HEAD_MAX + FH_ZMTP_NAME_ROOM + INITIATE_MIN + metadata, 0));
    nonce_of((fh_mspan){nonce, sizeof nonce}, FH_LIT("WELCOME-"), fh_span_sub(data, 0, LONG_NONCE));
    bool opens = fh_box_key(fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_SERVER), (fh_span){z->curve->secret, FH_BOX_KEY},
                            (fh_mspan){shared, sizeof shared}) &&
                 fh_box_open(fh_span_from(data, LONG_NONCE), (fh_span){nonce, sizeof nonce}, (fh_span){shared, sizeof shared},
                             (fh_mspan){text, sizeof text});
    fh_box_wipe((fh_mspan){shared, sizeof shared});
    if (!opens)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_CRYPTO);
    FH_TRY(put_initiate(z, fh_span_sub(opened, 0, FH_BOX_KEY), fh_span_from(opened, FH_BOX_KEY)));
    fh_zmtp_text_wipe(&z->texts, FH_ZMTP_TEXT_SECRET);
    fh_box_wipe((fh_mspan){z->curve->secret, FH_BOX_KEY});
    z->step = FH_ZMTP_WAIT_READY;
    return FH_DONE;
}

/* --- READY ---------------------------------------------------------------------------------------------------------------- */

fh_status fh_zmtp_curve_accept(fh_zmtp *z) {
    uint8_t nonce[FH_BOX_NONCE] = {0}, sent[SHORT] = {0};
    fh_span metadata = fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_METADATA);
    size_t box_size = FH_BOX_TAG + metadata.size, all = 6 + SHORT + box_size;
    FH_TRY(fh_zmtp_out_reserve(&z->out, FH_ZMTP_HEAD_MAX + all, 0));
    fh_zmtp_put_number((fh_mspan){sent, sizeof sent}, next_nonce(z->curve));
    nonce_of((fh_mspan){nonce, sizeof nonce}, FH_LIT("CurveZMQREADY---"), (fh_span){sent, sizeof sent});
    fh_zmtp_put_head(&z->out, FH_ZMTP_3_0, FH_ZMTP_COMMAND, all);
    fh_zmtp_out_put(&z->out, FH_LIT("\5READY"));
    fh_zmtp_out_put(&z->out, (fh_span){sent, sizeof sent});
    fh_mspan box = fh_zmtp_out_begin(&z->out, box_size);
    copy(box, FH_BOX_TAG, fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_METADATA));
    fh_box_seal(box, (fh_span){nonce, sizeof nonce}, (fh_span){z->curve->key, FH_BOX_KEY});
    fh_zmtp_out_end(&z->out, box_size);
    z->sent_ready = true;
    fh_zmtp_connected(z);
    return FH_DONE;
}

/* Opens a box with the connection's key onto a slab. FH_CORRUPT if it does not open; FH_NOMEM, FH_EXHAUSTED. */
static fh_status open_onto(fh_zmtp *z, fh_span box, fh_span nonce, fh_owned fh_bytes *out) {
    fh_slab slab;
    fh_mspan room;
    fh_bytes text = {NULL, {NULL, 0}};
    if (box.size == FH_BOX_TAG) {
        uint8_t none = 0;
        *out = text;
        bool good = fh_box_open(box, nonce, (fh_span){z->curve->key, FH_BOX_KEY}, (fh_mspan){&none, 0});
        return FH_STATUS(good ? FH_OK : FH_CORRUPT);
    }
    FH_TRY(fh_slab_alloc(z->in.pages, box.size - FH_BOX_TAG, &slab));
    fh_status s = fh_slab_begin_io(z->in.pages, &slab, &room);
    bool opens = !fh_failed(s) && fh_box_open(box, nonce, (fh_span){z->curve->key, FH_BOX_KEY}, room);
    s = fh_failed(s) ? s : fh_slab_end_io(z->in.pages, &slab, opens ? box.size - FH_BOX_TAG : 0);
    s = fh_failed(s) ? s : fh_slab_split(z->in.pages, &slab, opens ? box.size - FH_BOX_TAG : 0, &text);
    fh_zmtp_slab_end(z->in.pages, &slab);
    FH_ASSERT(!fh_failed(s));
    if (!opens) {
        fh_bytes_drop(&text);
        return FH_STATUS(FH_CORRUPT);
    }
    *out = text;
    return FH_DONE;
}

/* A client's end of the handshake. */
static fh_status take_ready(fh_zmtp *z, fh_span data) {
    uint8_t nonce[FH_BOX_NONCE] = {0};
    fh_bytes metadata = {NULL, {NULL, 0}};
    if (data.size < SHORT + FH_BOX_TAG)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_READY);
    nonce_of((fh_mspan){nonce, sizeof nonce}, FH_LIT("CurveZMQREADY---"), fh_span_sub(data, 0, SHORT));
    fh_status s = open_onto(z, fh_span_from(data, SHORT), (fh_span){nonce, sizeof nonce}, &metadata);
    if (s.code == FH_CORRUPT)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_CRYPTO);
    s = fh_failed(s) ? s : fh_zmtp_metadata_take(z, metadata.span);
    fh_bytes_drop(&metadata);
    FH_TRY(s);
    z->curve->heard = fh_zmtp_number(fh_span_sub(data, 0, SHORT));
    fh_zmtp_connected(z);
    return FH_DONE;
}

/* Whether the vouch, for the client's permanent key, is for this connection: [C', S](C->S'). */
static bool vouched(fh_zmtp *z, fh_span text, fh_span client_transient, fh_span transient_secret) {
    uint8_t nonce[FH_BOX_NONCE] = {0}, shared[FH_BOX_KEY] = {0}, said[2 * FH_BOX_KEY] = {0};
    fh_span vouch = fh_span_sub(text, FH_BOX_KEY, VOUCH_BYTES), opened = {said, sizeof said};
    nonce_of((fh_mspan){nonce, sizeof nonce}, FH_LIT("VOUCH---"), fh_span_sub(vouch, 0, LONG_NONCE));
    bool opens = fh_box_key(fh_span_sub(text, 0, FH_BOX_KEY), transient_secret, (fh_mspan){shared, sizeof shared}) &&
                 fh_box_open(fh_span_from(vouch, LONG_NONCE), (fh_span){nonce, sizeof nonce}, (fh_span){shared, sizeof shared},
                             (fh_mspan){said, sizeof said});
    fh_box_wipe((fh_mspan){shared, sizeof shared});
    return opens && fh_span_equal(fh_span_sub(opened, 0, FH_BOX_KEY), client_transient) &&
           fh_span_equal(fh_span_from(opened, FH_BOX_KEY), fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_PUBLIC));
}

/* The text of an INITIATE has been opened: who it is from, and its properties. */
static fh_status take_initiate_text(fh_zmtp *z, fh_bytes text, fh_span keys) {
    if (text.span.size < INITIATE_FIXED)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_INITIATE);
    if (!vouched(z, text.span, fh_span_sub(keys, 0, FH_BOX_KEY), fh_span_from(keys, FH_BOX_KEY)))
        return fh_zmtp_break(z, FH_ZMTP_FAULT_CRYPTO);
    fh_bytes_drop(&z->auth);
    z->auth = (fh_bytes){NULL, {NULL, 0}};
    size_t ours = fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_METADATA).size;
    FH_TRY(fh_zmtp_out_reserve(&z->out, FH_ZMTP_HEAD_MAX + FH_ZMTP_NAME_ROOM + SHORT + FH_BOX_TAG + ours, 0));
    FH_TRY(fh_bytes_slice(text, 0, FH_BOX_KEY, &z->auth));
    return fh_zmtp_metadata_take(z, fh_span_from(text.span, INITIATE_FIXED));
}

/* A server's end of the handshake, or its question. */
static fh_status take_initiate(fh_zmtp *z, fh_span data) {
    uint8_t nonce[FH_BOX_NONCE] = {0}, keys[2 * FH_BOX_KEY] = {0};
    fh_span opened = {keys, sizeof keys};
    fh_bytes text = {NULL, {NULL, 0}};
    if (data.size < INITIATE_MIN)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_INITIATE);
    fh_span sent = fh_span_sub(data, COOKIE_BYTES, SHORT);
    if (fh_zmtp_number(sent) <= z->curve->heard)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_NONCE);
    nonce_of((fh_mspan){nonce, sizeof nonce}, FH_LIT("COOKIE--"), fh_span_sub(data, 0, LONG_NONCE));
    bool opens = fh_box_open(fh_span_sub(data, LONG_NONCE, COOKIE_BYTES - LONG_NONCE), (fh_span){nonce, sizeof nonce},
                             (fh_span){z->curve->cookie, FH_BOX_KEY}, (fh_mspan){keys, sizeof keys}) &&
                 fh_box_key(fh_span_sub(opened, 0, FH_BOX_KEY), fh_span_from(opened, FH_BOX_KEY),
                            (fh_mspan){z->curve->key, FH_BOX_KEY});
    if (!opens)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_CRYPTO);
    nonce_of((fh_mspan){nonce, sizeof nonce}, FH_LIT("CurveZMQINITIATE"), sent);
    fh_status s = open_onto(z, fh_span_from(data, COOKIE_BYTES + SHORT), (fh_span){nonce, sizeof nonce}, &text);
    if (s.code == FH_CORRUPT)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_CRYPTO);
    s = fh_failed(s) ? s : take_initiate_text(z, text, opened);
    fh_bytes_drop(&text);
    fh_box_wipe((fh_mspan){keys, sizeof keys});
    FH_TRY(s);
    z->curve->heard = fh_zmtp_number(sent);
    fh_zmtp_text_wipe(&z->texts, FH_ZMTP_TEXT_SECRET);
    fh_box_wipe((fh_mspan){z->curve->cookie, FH_BOX_KEY});
    z->step = FH_ZMTP_WAIT_ANSWER;
    return z->options.authorize ? FH_DONE : fh_zmtp_curve_accept(z);
}

fh_status fh_zmtp_curve_command(fh_zmtp *z, fh_span data) {
    switch (z->step) {
    case FH_ZMTP_WAIT_HELLO:
        return take_hello(z, data);
    case FH_ZMTP_WAIT_WELCOME:
        return take_welcome(z, data);
    case FH_ZMTP_WAIT_INITIATE:
        return take_initiate(z, data);
    case FH_ZMTP_WAIT_READY:
        return take_ready(z, data);
    case FH_ZMTP_WAIT_ANSWER:
        break;
    }
    return fh_zmtp_break(z, FH_ZMTP_FAULT_UNEXPECTED);
}

/* --- MESSAGE -------------------------------------------------------------------------------------------------------------- */

size_t fh_zmtp_curve_size(size_t bytes) {
    return FH_ZMTP_HEAD_MAX + FH_ZMTP_BOX_MORE + bytes;
}

void fh_zmtp_curve_put(fh_zmtp_out_queue *out, fh_zmtp_curve *curve, bool server, uint8_t flags, fh_span name, fh_span data) {
    uint8_t nonce[FH_BOX_NONCE] = {0}, sent[SHORT] = {0};
    size_t box_size = FH_BOX_TAG + 1 + name.size + data.size;
    bool command = (flags & FH_ZMTP_COMMAND) != 0;
    fh_zmtp_put_number((fh_mspan){sent, sizeof sent}, next_nonce(curve));
    nonce_of((fh_mspan){nonce, sizeof nonce}, message_name(server), (fh_span){sent, sizeof sent});
    fh_zmtp_put_head(out, FH_ZMTP_3_0, 0, 8 + SHORT + box_size);
    fh_zmtp_out_put(out, FH_LIT("\7MESSAGE"));
    fh_zmtp_out_put(out, (fh_span){sent, sizeof sent});
    fh_mspan box = fh_zmtp_out_begin(out, box_size);
    *fh_mspan_at(box, FH_BOX_TAG) = command ? MESSAGE_COMMAND : (flags & FH_ZMTP_MORE) != 0 ? MESSAGE_MORE : 0;
    copy(box, FH_BOX_TAG + 1, name);
    copy(box, FH_BOX_TAG + 1 + name.size, data);
    fh_box_seal(box, (fh_span){nonce, sizeof nonce}, (fh_span){curve->key, FH_BOX_KEY});
    fh_zmtp_out_end(out, box_size);
}

/* A box that was opened: its first byte says what the rest is. */
static fh_status take_text(fh_zmtp *z, fh_bytes text, uint64_t nonce) {
    uint8_t flags = fh_span_at(text.span, 0);
    if (flags > MESSAGE_COMMAND)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_MESSAGE);
    fh_bytes body;
    FH_TRY(fh_bytes_slice(text, 1, text.span.size - 1, &body));
    fh_bytes_drop(&z->body);
    z->body = body;
    z->flags = flags == MESSAGE_COMMAND ? FH_ZMTP_COMMAND : flags == MESSAGE_MORE ? FH_ZMTP_MORE : 0;
    z->curve->heard = nonce;
    z->opened = true;
    return FH_DONE;
}

/* What is wrong with a frame before it is opened; *data is what follows its name. */
static fh_zmtp_fault_kind look_at_message(const fh_zmtp *z, fh_span frame, fh_view(2) fh_span *data) {
    fh_span name = {NULL, 0};
    if ((z->flags & FH_ZMTP_MORE) != 0 || !fh_zmtp_command_split(frame, &name, data) || !fh_span_is(name, "MESSAGE"))
        return FH_ZMTP_FAULT_UNEXPECTED;
    if (data->size < SHORT + FH_BOX_TAG + 1)
        return FH_ZMTP_FAULT_MESSAGE;
    return fh_zmtp_number(fh_span_sub(*data, 0, SHORT)) <= z->curve->heard ? FH_ZMTP_FAULT_NONCE : FH_ZMTP_FAULT_NONE;
}

static fh_status open_message(fh_zmtp *z, fh_span data) {
    uint8_t nonce[FH_BOX_NONCE] = {0};
    fh_bytes text = {NULL, {NULL, 0}};
    nonce_of((fh_mspan){nonce, sizeof nonce}, message_name(!z->options.server), fh_span_sub(data, 0, SHORT));
    fh_status s = open_onto(z, fh_span_from(data, SHORT), (fh_span){nonce, sizeof nonce}, &text);
    if (s.code == FH_CORRUPT)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_CRYPTO);
    FH_TRY(s);
    s = take_text(z, text, fh_zmtp_number(fh_span_sub(data, 0, SHORT)));
    fh_bytes_drop(&text);
    return s;
}

fh_status fh_zmtp_curve_open(fh_zmtp *z) {
    fh_bytes frame = fh_bytes_share(z->body);
    fh_span data = {NULL, 0};
    fh_zmtp_fault_kind fault = look_at_message(z, frame.span, &data);
    fh_status s = fault == FH_ZMTP_FAULT_NONE ? open_message(z, data) : fh_zmtp_break(z, fault);
    fh_bytes_drop(&frame);
    return s;
}
