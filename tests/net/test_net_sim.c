/* test_net_sim.c: the simulated network: one seed is one run, and many seeds are many schedules of a REQ/REP and a PUB/SUB
 * exchange of fh_zmtp, each of which must end as it should.
 *
 * FREEHOLD_TEST_SEED chooses other seeds; the number of schedules follows FREEHOLD_TEST_OPS. */
#define _GNU_SOURCE 1

#include "net_scene.h"
#include "zmtp_pair.h"

#include <errno.h>

/* The trace of an exchange of random size. */
static uint64_t run_of(void **state, uint64_t seed, uint32_t resets_ppm) {
    static uint8_t bytes[30000];
    scene c;
    fh_net_sim_options sim = {.seed = seed, .resets_ppm = resets_ppm, .refusals_ppm = resets_ppm};
    scene_new(state, &c, (fh_net_options){.engine = FH_NET_SIM, .sim = sim});
    c.reads = c.echoes = true;
    fh_address at = scene_listen(&c, "127.0.0.1:5555");
    for (uint64_t i = 1; i <= 3; i++)
        scene_dial(&c, &at, i, true);
    for (uint64_t i = 1; i <= 3; i++) {
        seat *me = &c.seats[i];
        scene_until(&c, me->connected || me->failed);
        if (me->failed)
            continue;
        scene_send(&c, i, (fh_span){bytes, sizeof bytes});
        scene_until(&c, me->received == sizeof bytes || me->broken || me->ended);
    }
    uint64_t trace = c.trace ^ fh_net_now_ns(c.net);
    scene_free(&c);
    return trace;
}

static void test_one_seed(void **state) {
    uint64_t first = run_of(state, 1, 0);
    assert_true(run_of(state, 1, 0) == first);
    assert_true(run_of(state, 2, 0) != first);
    uint64_t other = run_of(state, 1, 100000);
    assert_true(other != first);
    assert_true(run_of(state, 1, 100000) == other);
}

/* Faults come: refusals, resets, accepts without a descriptor; each is an event, and the loop goes on. */
static void test_faults(void **state) {
    scene c;
    uint64_t refused = 0, reset = 0, accept_fails = 0, words = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        fh_net_sim_options sim = {.seed = seed, .resets_ppm = 200000, .refusals_ppm = 200000, .accept_fails_ppm = 200000};
        scene_new(state, &c, (fh_net_options){.engine = FH_NET_SIM, .sim = sim});
        c.reads = c.echoes = true;
        fh_address at = scene_listen(&c, "@name");
        scene_dial(&c, &at, 1, true);
        scene_until(&c, c.seats[1].connected || c.seats[1].failed);
        if (c.seats[1].connected) {
            scene_send(&c, 1, FH_LIT("word"));
            scene_until(&c, c.seats[1].received == 4 || c.seats[1].broken);
        }
        refused += c.seats[1].failed;
        reset += c.seats[1].broken;
        words += c.seats[1].received == 4;
        accept_fails += c.accept_fails;
        scene_free(&c);
    }
    assert_true(refused > 10 && reset > 10 && accept_fails > 10 && words > 10);
}

/* A room is written until the socket is closed, so who takes it back earlier sees it. */
static void test_late_completion(void **state) {
    scene c;
    uint8_t room[64] = {0};
    scene_new(state, &c, (fh_net_options){.engine = FH_NET_SIM});
    fh_address at = scene_listen(&c, "127.0.0.1:1");
    (void)scene_pair(&c, &at, false);
    fh_assert_ok(fh_net_receive_into(c.net, c.seats[1].s, (fh_mspan){room, sizeof room}));
    fh_assert_ok(fh_net_close(c.net, c.seats[1].s));
    assert_int_equal(room[0], 0);
    scene_until(&c, c.seats[1].closed);
    assert_int_equal(room[0], 0xA5);
    assert_int_equal(room[63], 0xA5);
    scene_free(&c);
}

/* Nothing will ever happen: a wait for ever says so instead of hanging. */
static void test_nothing(void **state) {
    scene c;
    scene_new(state, &c, (fh_net_options){.engine = FH_NET_SIM});
    fh_assert_code(fh_net_wait(c.net, FH_NET_FOREVER), FH_TIMEOUT);
    fh_net_timer t;
    fh_assert_ok(fh_net_timer_start(c.net, 5 * SECOND, 1, &t));
    fh_assert_ok(fh_net_wait(c.net, FH_NET_FOREVER));
    assert_int_equal(fh_net_now_ns(c.net), 5 * SECOND);
    scene_free(&c);
}

/* Nobody receives: what is on its way has a limit. And who leaves it unread resets the connection. */
static void test_window(void **state) {
    static uint8_t bytes[5000];
    scene c;
    fh_net_event e;
    scene_new(state, &c, (fh_net_options){.engine = FH_NET_SIM, .sim = {.window_bytes = 1000, .piece_max = 300}});
    fh_address at = scene_listen(&c, "127.0.0.1:1");
    uint64_t there = scene_pair(&c, &at, false);
    scene_send(&c, 1, (fh_span){bytes, sizeof bytes});
    while (fh_net_wait(c.net, FH_NET_FOREVER).code == FH_OK)
        while (fh_net_next(c.net, &e).code == FH_OK) {
            scene_event(&c, &e);
            fh_net_event_drop(&e);
        }
    assert_int_equal(c.seats[1].sent, 1000);
    fh_assert_ok(fh_net_receive(c.net, c.seats[1].s));
    scene_close(&c, there);
    scene_until(&c, c.seats[1].error != 0 || c.seats[1].ended); /* as the receive says */
    assert_int_equal(c.seats[1].error, ECONNRESET);
    scene_free(&c);
}

/* A schedule of each seed. Without resets each message arrives, once and in order. */
static void test_schedules(void **state) {
    uint64_t count = fh_test_ops() / 100, first = fh_test_schedules(count);
    for (uint64_t i = first; i < first + count; i++) {
        fh_net_sim_options sim = {.seed = fh_test_rng_new(i).state, .piece_max = (uint32_t)(1 + i % 200), .window_bytes = 200};
        zmtp_exchange(state, (fh_net_options){.engine = FH_NET_SIM, .sim = sim}, i % 2 == 0, 1000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_one_seed), FH_TEST_ALLOC(test_faults),
                                       FH_TEST_ALLOC(test_late_completion), FH_TEST_ALLOC(test_nothing),
                                       FH_TEST_ALLOC(test_window), FH_TEST_ALLOC(test_schedules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
