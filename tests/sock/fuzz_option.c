/* fuzz_option.c: any bytes as calls of an application with four sockets: options in and out of their ranges, names, keys and
 * endpoints that are none, between binding, connecting, sending, closing, and what a simulated network does in between
 * (SECURITY-MODEL: U-ZMTP). Whatever is asked for ends in a status.
 *
 * The model keeps the value of each option: what was set is what is got, a refused value changes nothing, and each refusal has
 * its reason. The first two bytes are the network's seed. Names are numeric: nothing is asked of a resolver. Seeds: random
 * calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fh_test.h"
#include "freehold/sock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

#define require(condition) ((condition) ? (void)0 : give_up(#condition, __LINE__))
FH_NORETURN static void give_up(const char *what, int line) {
    (void)fprintf(stderr, "fuzz_option.c:%d: not so: %s\n", line, what);
    abort();
}

typedef struct rule {
    fh_sock_option option;
    int64_t first, least, most;
} rule;
static const rule rules[] = {
#define ROW(name, field, number, value, low, high) {FH_SOCK_##name, (value), (low), (high)},
    FH_SOCK_OPTIONS(ROW)
#undef ROW
};
enum { RULES = sizeof rules / sizeof *rules, SOCKETS = 4, CALLS_MAX = 200, STEPS = 16 };

typedef struct play {
    fh_sock_context *c;
    const uint8_t *at; /* what is left of the input */
    size_t left;
    fh_sock sockets[SOCKETS];
    fh_zmtp_socket types[SOCKETS];
    int64_t values[SOCKETS][RULES];
} play;

static uint8_t next(play *p) {
    if (p->left == 0)
        return 0;
    p->left--;
    return *p->at++;
}
/* So many bytes of the input, or what is left of it. */
static fh_span some(play *p, size_t size) {
    fh_span bytes = {p->at, size < p->left ? size : p->left};
    p->at += bytes.size;
    p->left -= bytes.size;
    return bytes;
}

static void open_one(play *p, size_t i) {
    p->types[i] = (fh_zmtp_socket)(next(p) % 24);
    bool is_type = fh_zmtp_socket_name(p->types[i]).size != 0;
    require(fh_sock_open(p->c, p->types[i], &p->sockets[i]).code == (is_type ? FH_OK : FH_UNSUPPORTED));
    if (!is_type) {
        p->types[i] = FH_ZMTP_PAIR;
        require(fh_sock_open(p->c, p->types[i], &p->sockets[i]).code == FH_OK);
    }
    for (size_t k = 0; k < RULES; k++)
        p->values[i][k] = rules[k].first;
}

/* --- options -------------------------------------------------------------------------------------------------------------- */

static int64_t value_of(play *p, const rule *r) {
    uint64_t wide = 0;
    switch (next(p) % 8) {
    case 0: return r->least;
    case 1: return r->least - 1;
    case 2: return r->most;
    case 3: return r->most == INT64_MAX ? INT64_MIN : r->most + 1;
    case 4: return r->first;
    case 5:
        for (int i = 0; i < 8; i++)
            wide = wide << 8 | next(p);
        return (int64_t)wide;
    default: return next(p);
    }
}

static void set_one(play *p, size_t i) {
    size_t k = next(p) % RULES;
    int64_t value = value_of(p, &rules[k]);
    bool fits = value >= rules[k].least && value <= rules[k].most;
    require(fh_sock_set(p->c, p->sockets[i], rules[k].option, value).code == (fits ? FH_OK : FH_INVALID));
    if (fits)
        p->values[i][k] = value;
}

static bool is_known(int number) {
#define FACT(name, number) || n == (number)
    int n = number;
    for (size_t k = 0; k < RULES; k++)
        if ((int)rules[k].option == n)
            return true;
    return false FH_SOCK_FACTS(FACT);
#undef FACT
}

static void set_unknown(play *p, size_t i) {
    int number = next(p);
    int64_t value = 7;
    if (is_known(number))
        return;
    require(fh_sock_set(p->c, p->sockets[i], (fh_sock_option)number, next(p)).code == FH_UNSUPPORTED);
    require(fh_sock_get(p->c, p->sockets[i], (fh_sock_option)number, &value).code == FH_UNSUPPORTED && value == 0);
}

static void check(play *p, size_t i) {
    int64_t value;
    for (size_t k = 0; k < RULES; k++) {
        require(fh_sock_get(p->c, p->sockets[i], rules[k].option, &value).code == FH_OK);
        require(value == p->values[i][k]);
    }
    require(fh_sock_get(p->c, p->sockets[i], FH_SOCK_TYPE, &value).code == FH_OK && value == (int64_t)p->types[i]);
    require(fh_sock_set(p->c, p->sockets[i], FH_SOCK_TYPE, 0).code == FH_UNSUPPORTED);
    require(fh_sock_get(p->c, p->sockets[i], FH_SOCK_EVENTS, &value).code == FH_OK);
    require((value & ~(int64_t)(FH_SOCK_READABLE | FH_SOCK_WRITABLE | FH_SOCK_HAPPENED)) == 0);
}

/* --- texts and keys ------------------------------------------------------------------------------------------------------- */

static void name_one(play *p, size_t i) {
    static const uint8_t zeros[300];
    uint8_t how = next(p);
    fh_span text = how % 8 == 0 ? (fh_span){zeros, next(p) + 40u} : some(p, how % 16);
    bool is_name = text.size != 0 && text.size <= FH_ZMTP_IDENTITY_MAX && fh_span_at(text, 0) != 0;
    bool names = p->types[i] == FH_ZMTP_ROUTER || p->types[i] == FH_ZMTP_STREAM, publishes = p->types[i] == FH_ZMTP_XPUB;
    require(fh_sock_identify(p->c, p->sockets[i], text).code == (is_name ? FH_OK : FH_INVALID));
    fh_code expected = !is_name ? FH_INVALID : names ? FH_OK : FH_UNSUPPORTED;
    require(fh_sock_name_next(p->c, p->sockets[i], text).code == expected);
    require(fh_sock_welcome(p->c, p->sockets[i], text).code == (publishes ? FH_OK : FH_UNSUPPORTED));
}

static void secure_one(play *p, size_t i) {
    static const uint8_t keys[300] = "any bytes are a key";
    uint8_t how = next(p);
    fh_sock_security s = {.mechanism = (fh_zmtp_mechanism)(how % 4), .server = (how & 4) != 0};
    s.username = (fh_span){keys, next(p)};
    s.password = (fh_span){keys, (how & 8) != 0 ? 256u : next(p)};
    s.public_key = s.secret_key = s.server_key = (fh_span){keys, (how & 16) != 0 ? next(p) : 32u};
    s.domain = (fh_span){keys, (how & 32) != 0 ? next(p) + 20u : 0};
    fh_code code = fh_sock_secure(p->c, p->sockets[i], &s).code;
    require(code == FH_OK || code == FH_INVALID || code == FH_UNSUPPORTED);
    require((how & 8) == 0 || s.mechanism != FH_ZMTP_PLAIN || code != FH_OK);
}

/* --- endpoints ------------------------------------------------------------------------------------------------------------ */

static fh_span endpoint_of(play *p, uint8_t room[300]) {
    static const char *const names[] = {"inproc://a", "inproc://b", "tcp://127.0.0.1:5555", "tcp://127.0.0.1:5556",
                                        "tcp://127.0.0.1:*", "tcp://[::1]:5555", "tcp://*:5557", "ipc://x", "ipc://@y",
                                        "inproc://", "tcp://", "tcp://127.0.0.1:65536", "tcp://127.0.0.1", "ipc://*", "x", ""};
    uint8_t how = next(p);
    if (how % 4 != 0)
        return fh_span_of_str(names[how / 4 % (sizeof names / sizeof *names)]);
    fh_span all = {room, 300}, head = how % 8 == 0 ? FH_LIT("inproc://") : FH_LIT("ipc://"), text = some(p, how);
    memcpy(room, head.at, head.size);
    if (text.size != 0)
        memcpy(&room[head.size], text.at, text.size);
    return fh_span_sub(all, 0, head.size + text.size);
}

static void attach(play *p, size_t i, bool bind) {
    uint8_t room[300];
    fh_err err = {0};
    fh_span name = endpoint_of(p, room);
    fh_code code = (bind ? fh_sock_bind : fh_sock_connect)(p->c, p->sockets[i], name, &err).code;
    require(name.size <= FH_SOCK_ENDPOINT_MAX || code == FH_INVALID);
    require(code == FH_OK || code == FH_INVALID || code == FH_UNSUPPORTED || code == FH_BORROWED || code == FH_IO ||
            code == FH_NOT_FOUND || code == FH_EXHAUSTED || code == FH_LIMIT);
    fh_bytes last;
    require(fh_sock_last_endpoint(p->c, p->sockets[i], &last).code == FH_OK);
    require(code != FH_OK || last.span.size != 0);
    fh_bytes_drop(&last);
}

static void detach(play *p, size_t i, bool bound) {
    uint8_t room[300];
    fh_code code = (bound ? fh_sock_unbind : fh_sock_disconnect)(p->c, p->sockets[i], endpoint_of(p, room)).code;
    require(code == FH_OK || code == FH_NOT_FOUND);
}

/* --- traffic -------------------------------------------------------------------------------------------------------------- */

static void send_one(play *p, size_t i) {
    fh_message m = {0};
    for (uint8_t parts = next(p) % 4; parts != 0; parts--)
        require(!fh_failed(fh_message_push_copy(&m, fh_heap(), some(p, next(p) % 32))));
    size_t count = fh_message_count(&m);
    fh_status s = fh_sock_try_send(p->c, p->sockets[i], &m);
    require(fh_message_count(&m) == (fh_failed(s) ? count : 0)); /* taken exactly if it was sent */
    fh_message_drop(&m, fh_heap());
}
static void receive_one(play *p, size_t i) {
    fh_message m = {0};
    fh_status s = fh_sock_try_receive(p->c, p->sockets[i], &m);
    require((fh_message_count(&m) != 0) == !fh_failed(s));
    fh_message_drop(&m, fh_heap());
}
static void want_one(play *p, size_t i, bool ends) {
    fh_zmtp_socket type = p->types[i];
    bool can = type == FH_ZMTP_SUB || type == FH_ZMTP_DISH || type == FH_ZMTP_XPUB;
    fh_code code = (ends ? fh_sock_unsubscribe : fh_sock_subscribe)(p->c, p->sockets[i], some(p, next(p) % 8)).code;
    require(can == (code != FH_UNSUPPORTED));
}

static void call(play *p) {
    uint8_t what = next(p);
    size_t i = what / 16 % SOCKETS;
    switch (what % 16) {
    case 0: case 1: case 2: set_one(p, i); break;
    case 3: set_unknown(p, i); break;
    case 4: name_one(p, i); break;
    case 5: secure_one(p, i); break;
    case 6: case 7: attach(p, i, true); break;
    case 8: case 9: attach(p, i, false); break;
    case 10: detach(p, i, (what & 64) != 0); break;
    case 11: send_one(p, i); break;
    case 12: receive_one(p, i); break;
    case 13: want_one(p, i, (what & 64) != 0); break;
    case 14: check(p, i); break;
    default:
        require(fh_sock_close(p->c, p->sockets[i]).code == FH_OK);
        open_one(p, i);
    }
    for (int k = 0; k < STEPS; k++)
        fh_sock_context_step(p->c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static play p;
    fh_net_sim_options sim = {.seed = size < 2 ? 0 : data[0] + 256u * data[1], .refusals_ppm = 50000, .resets_ppm = 10000};
    fh_sock_context_options options = {.sockets_max = SOCKETS, .sim = &sim};
    p = (play){.at = data, .left = size};
    require(!fh_failed(fh_sock_context_new(fh_heap(), &options, &p.c)));
    (void)some(&p, 2);
    for (size_t i = 0; i < SOCKETS; i++)
        open_one(&p, i);
    for (int calls = 0; p.left != 0 && calls < CALLS_MAX; calls++)
        call(&p);
    for (size_t i = 0; i < SOCKETS; i++)
        check(&p, i);
    fh_sock_context_stop(p.c); /* or it would wait for what nobody takes */
    fh_sock_context_free(p.c);
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    for (unsigned seed = 0; seed < 64; seed++) {
        fh_test_rng rng = fh_test_rng_new(seed);
        uint8_t bytes[300];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)fh_test_rng_next(&rng);
        emit(ctx, (fh_span){bytes, sizeof bytes});
    }
}
