/* test_conn_sim.c: sockets over a simulated network: a seed is one schedule of everything that may happen, and many seeds must
 * all end as they should, with connections that break and without (io.c, conn.c, link.h).
 *
 * FREEHOLD_TEST_SEED chooses other seeds; the number of schedules follows FREEHOLD_TEST_OPS. A seed that fails is printed.
 *
 * tidy: exempt mirror: it is of the whole layer */
#include <malloc.h>

#include "conn_world.h"

enum { SENT_MAX = 4, STEPS_MAX = 200000, SENDERS = 2, BODY_MAX = 20000 };

/* One run. */
typedef struct play {
    world w;
    fh_test_rng rng;
    uint64_t seed, trace, steps;
    bool breaks; /* connections do */
} play;

static uint64_t draw(play *p, uint64_t n) {
    return fh_test_rng_below(&p->rng, n);
}

static play play_new(void **state, uint64_t seed, bool breaks) {
    fh_allocator *a = seed % 64 < 8 ? fh_test_allocator(state) : fh_heap(); /* the heap is ten times as quick */
    play p = {.w = {a, NULL}, .rng = fh_test_rng_new(seed), .seed = seed, .breaks = breaks};
    fh_net_sim_options sim = {.seed = p.rng.state, .delay_max_us = 1 + (uint32_t)draw(&p, 3000)};
    sim.piece_max = 1 + (uint32_t)draw(&p, draw(&p, 4) == 0 ? 30 : 1000);
    sim.window_bytes = 64 + (uint32_t)draw(&p, 1000);
    sim.resets_ppm = breaks ? 50 * sim.piece_max : 0; /* most messages get through, however small the pieces are */
    sim.refusals_ppm = sim.accept_fails_ppm = breaks ? 50000 : 0;
    fh_assert_ok(fh_sock_context_new(p.w.a, &(fh_sock_context_options){.sockets_max = 6, .sim = &sim}, &p.w.c));
    return p;
}

static void play_end(play *p) {
    fh_sock_context_stop(p->w.c);
    fh_sock_context_free(p->w.c);
}

/* The network goes on; a run that does not end has failed. */
static void step(play *p) {
    fh_sock_context_step(p->w.c);
    if (++p->steps > STEPS_MAX)
        fail_msg("seed %llu does not end%s", (unsigned long long)p->seed, p->breaks ? ", connections break" : "");
}

static fh_sock open_at(play *p, fh_zmtp_socket type) {
    fh_sock s = open_sock(p->w, type);
    set(p->w, s, FH_SOCK_RECONNECT_IVL, (int64_t)(1 + draw(p, 5)));
    set(p->w, s, FH_SOCK_SEND_MARK, (int64_t)(1 + draw(p, 3)));
    set(p->w, s, FH_SOCK_RECEIVE_MARK, (int64_t)(1 + draw(p, 3)));
    return s;
}

/* Message `n` of a sender: {sender, n}, and a body whose size and bytes follow from these. */
static size_t size_of(const play *p, uint32_t sender, uint32_t n) {
    uint64_t bits = fh_mix64(p->seed * 64 + sender * 16 + n);
    if (sender == 1 && bits % 16 == 0) /* large enough to be received where it is to stay */
        return BODY_MAX - bits / 64 % 1000;
    return bits % 8 == 0 ? bits / 8 % 600 : bits / 8 % 40;
}
static fh_message number(play *p, uint32_t sender, uint32_t n) {
    uint8_t head[2] = {(uint8_t)sender, (uint8_t)n}, body[BODY_MAX];
    size_t size = size_of(p, sender, n);
    for (size_t i = 0; i < size; i++)
        body[i] = (uint8_t)(i + n);
    fh_message m = {0};
    fh_assert_ok(fh_message_push_copy(&m, p->w.a, (fh_span){head, sizeof head}));
    fh_assert_ok(fh_message_push_copy(&m, p->w.a, (fh_span){body, size}));
    return m;
}
/* Looks at a message whose last parts are such; *n of *sender. */
static void check_number(play *p, fh_message *m, uint32_t *sender, uint32_t *n) {
    size_t count = fh_message_count(m);
    assert_true(count >= 2);
    fh_span head = fh_message_view(m, count - 2), body = fh_message_view(m, count - 1);
    assert_int_equal(head.size, 2);
    *sender = fh_span_at(head, 0);
    *n = fh_span_at(head, 1);
    assert_true(*sender < SENDERS && *n < SENT_MAX);
    assert_int_equal(body.size, size_of(p, *sender, *n));
    for (size_t i = 0; i < body.size; i++)
        assert_int_equal(fh_span_at(body, i), (uint8_t)(i + *n));
    p->trace = fh_mix64(p->trace ^ fh_mix64(p->steps * 1024 + *sender * 64 + *n));
}

static wire_name bind_at(play *p, fh_sock s) {
    fh_assert_ok(fh_sock_bind(p->w.c, s, draw(p, 2) == 0 ? FH_LIT("tcp://127.0.0.1:*") : FH_LIT("ipc://@name"), NULL));
    return last_name(p->w, s);
}

/* --- one way: PUSH to PULL, DEALER to ROUTER ------------------------------------------------------------------------------ */

/* Several send, one receives: what comes is whole, once, and in its sender's order; all of it, if nothing breaks. */
static void one_way(play *p) {
    bool routed = draw(p, 2) == 0;
    fh_sock to = open_at(p, routed ? FH_ZMTP_ROUTER : FH_ZMTP_PULL), from[SENDERS];
    wire_name n = bind_at(p, to);
    uint32_t senders = 1 + (uint32_t)draw(p, SENDERS), sent[SENDERS] = {0}, last[SENDERS] = {0}, got[SENDERS] = {0};
    uint32_t count = 1 + (uint32_t)draw(p, SENT_MAX), all = 0;
    for (uint32_t i = 0; i < senders; i++) {
        from[i] = open_at(p, routed ? FH_ZMTP_DEALER : FH_ZMTP_PUSH);
        connect_to(p->w, from[i], n.text);
    }
    uint64_t quiet = 0; /* steps since something came: with breaks, what was lost does not come */
    while (all < senders * count && quiet < (p->breaks ? 300 : UINT64_MAX)) {
        uint32_t i = (uint32_t)draw(p, senders), who = 0, which = 0;
        if (sent[i] < count && draw(p, 3) == 0) {
            fh_message m = number(p, i, sent[i]);
            sent[i] += !fh_failed(fh_sock_try_send(p->w.c, from[i], &m));
            fh_message_drop(&m, p->w.a);
        }
        fh_message m = {0};
        bool came = draw(p, 3) == 0 && fh_sock_try_receive(p->w.c, to, &m).code == FH_OK;
        quiet = came || sent[i] < count ? 0 : quiet + 1;
        if (came) {
            check_number(p, &m, &who, &which);
            assert_true(which + 1 > last[who]);
            last[who] = which + 1;
            got[who]++;
            all++;
        }
        fh_message_drop(&m, p->w.a);
        step(p);
    }
    for (uint32_t i = 0; i < senders; i++)
        assert_true(got[i] <= sent[i] && (p->breaks || got[i] == count));
}

/* --- questions and answers ------------------------------------------------------------------------------------------------ */

/* A REQ gets the answer to its question, or hears that none will come, and asks again. */
static void questions(play *p) {
    fh_sock rep = open_at(p, FH_ZMTP_REP), req = open_at(p, FH_ZMTP_REQ);
    wire_name n = bind_at(p, rep);
    connect_to(p->w, req, n.text);
    uint32_t count = 1 + (uint32_t)draw(p, SENT_MAX), asked = 0, answered = 0, who = 0, which = 0;
    bool waits = false;
    while (answered < count) {
        fh_message m = {0};
        fh_status s = FH_DONE;
        if (!waits) {
            m = number(p, 0, answered);
            s = fh_sock_try_send(p->w.c, req, &m);
            waits = !fh_failed(s);
            asked += waits;
            fh_message_drop(&m, p->w.a);
        } else {
            s = fh_sock_try_receive(p->w.c, req, &m);
            assert_true(s.code == FH_OK || s.code == FH_AGAIN || (p->breaks && s.code == FH_END));
            if (s.code == FH_OK) {
                check_number(p, &m, &who, &which);
                assert_int_equal(which, answered);
                answered++;
            }
            waits = s.code == FH_AGAIN;
            fh_message_drop(&m, p->w.a);
        }
        m = (fh_message){0};
        if (draw(p, 2) == 0 && fh_sock_try_receive(p->w.c, rep, &m).code == FH_OK) {
            check_number(p, &m, &who, &which);
            s = fh_sock_try_send(p->w.c, rep, &m);
            assert_true(s.code == FH_OK || p->breaks);
        }
        fh_message_drop(&m, p->w.a);
        step(p);
    }
    assert_true(p->breaks || asked == count);
}

/* --- publishing ----------------------------------------------------------------------------------------------------------- */

/* A subscriber hears what it asked for, and after a break asks again by itself. */
static void publishing(play *p) {
    fh_sock pub = open_at(p, FH_ZMTP_XPUB), sub = open_at(p, FH_ZMTP_SUB);
    wire_name n = bind_at(p, pub);
    fh_assert_ok(fh_sock_subscribe(p->w.c, sub, FH_LIT("yes")));
    connect_to(p->w, sub, n.text);
    uint32_t heard = 0, news = 0;
    for (uint32_t i = 0; heard < 2 || news == 0; i++) {
        if (draw(p, 4) == 0)
            (void)say(p->w, pub, i % 2 == 0 ? "yes|1" : "no|1");
        fh_message m = {0};
        if (fh_sock_try_receive(p->w.c, pub, &m).code == FH_OK) {
            assert_true(fh_span_equal(fh_span_from(fh_message_view(&m, 0), 1), FH_LIT("yes")));
            news++;
        }
        fh_message_drop(&m, p->w.a);
        m = (fh_message){0};
        if (fh_sock_try_receive(p->w.c, sub, &m).code == FH_OK) {
            check_parts(&m, "yes|1", __FILE__, __LINE__);
            heard++;
        }
        fh_message_drop(&m, p->w.a);
        step(p);
    }
}

/* --- ends ----------------------------------------------------------------------------------------------------------------- */

/* Sockets close at any moment, on either side, names are given back and taken again. Only the end counts: nothing is left. */
static void comings_and_goings(play *p) {
    static const fh_zmtp_socket types[][2] = {{FH_ZMTP_PULL, FH_ZMTP_PUSH}, {FH_ZMTP_ROUTER, FH_ZMTP_REQ},
                                              {FH_ZMTP_PAIR, FH_ZMTP_PAIR}, {FH_ZMTP_XPUB, FH_ZMTP_XSUB}};
    uint64_t kind = draw(p, 4);
    fh_sock s[4] = {0};
    for (int i = 0; i < 24; i++) {
        uint64_t k = draw(p, 4);
        fh_message m = {0};
        if (s[k].value == 0) {
            s[k] = open_at(p, types[kind][k % 2]);
            set(p->w, s[k], FH_SOCK_LINGER, (int64_t)draw(p, 5));
            fh_span name = k < 2 ? FH_LIT("tcp://127.0.0.1:5000") : FH_LIT("ipc://@name");
            fh_status status = k % 2 == 0 ? fh_sock_bind(p->w.c, s[k], name, NULL) : fh_sock_connect(p->w.c, s[k], name, NULL);
            assert_true(status.code == FH_OK);
        } else if (draw(p, 4) == 0) {
            close_sock(p->w, s[k]);
            s[k].value = 0;
        } else if (draw(p, 2) == 0) {
            m = message_of(p->w.a, "some|message");
            (void)!fh_failed(fh_sock_try_send(p->w.c, s[k], &m));
        } else {
            (void)!fh_failed(fh_sock_try_receive(p->w.c, s[k], &m));
        }
        fh_message_drop(&m, p->w.a);
        for (uint64_t steps = draw(p, 8); steps != 0; steps--)
            step(p);
    }
}

/* --- schedules ------------------------------------------------------------------------------------------------------------ */

static void (*const bodies[])(play *p) = {one_way, questions, publishing, comings_and_goings};

static uint64_t run_of(void **state, uint64_t seed, bool breaks) {
    play p = play_new(state, seed, breaks);
    bodies[seed % 4](&p);
    play_end(&p);
    return p.trace ^ p.steps;
}

static void test_one_seed(void **state) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        uint64_t first = run_of(state, seed, seed > 3);
        assert_true(run_of(state, seed, seed > 3) == first);
        assert_true(run_of(state, seed + 4, seed > 3) != first);
    }
}

static void schedules(void **state, bool breaks) {
    uint64_t count = fh_test_ops() / 40, live = fh_heap_stats().live;
    uint64_t first = fh_test_schedules(count);
    for (uint64_t seed = first; seed < first + count; seed++) {
        (void)run_of(state, seed, breaks);
        if (fh_heap_stats().live != live)
            fail_msg("seed %llu leaves something", (unsigned long long)seed);
    }
}
static void test_schedules(void **state) {
    schedules(state, false);
}
static void test_schedules_with_breaks(void **state) {
    schedules(state, true);
}

int main(void) {
    (void)mallopt(M_TRIM_THRESHOLD, 64 << 20); /* or each schedule gives its memory back to the system */
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_one_seed), FH_TEST_ALLOC(test_schedules), FH_TEST_ALLOC(test_schedules_with_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
