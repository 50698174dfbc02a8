/* weave_ring.c: the single-producer single-consumer ring in all interleavings and with all values that the memory model allows.
 *
 * An element is two words, announced as plain memory by the ring itself, so that a missing order shows as a race. */
#include "weave.h"

#include "freehold/ring.h"

typedef struct pair {
    uint64_t a, b;
} pair;
FH_RING_DEFINE(pair, pair);

static pair_ring ring;
static uint64_t got;

static void setup(fh_allocator *a, uint32_t capacity) {
    fh_status s = pair_ring_new(a, capacity, &ring);
    WEAVE_ASSERT(s.code == FH_OK);
    got = 0;
}

static void setup_1(fh_allocator *a) {
    setup(a, 1);
}

static void setup_2(fh_allocator *a) {
    setup(a, 2);
}

static void end(void) {
    fh_status s = fh_ring_check(ring.ring, NULL);
    WEAVE_ASSERT(s.code == FH_OK);
    pair_ring_free(ring);
}

static void expect(pair p) {
    WEAVE_ASSERT(p.a == got + 1 && p.b == ~p.a);
    got++;
}

static void push(uint64_t k) {
    pair p = {k, ~k};
    for (fh_status s; (s = pair_ring_push(ring, &p)).code != FH_OK; fh_pause())
        WEAVE_ASSERT(s.code == FH_AGAIN);
}

static void pop(void) {
    pair p;
    for (fh_status s; (s = pair_ring_pop(ring, &p)).code != FH_OK; fh_pause())
        WEAVE_ASSERT(s.code == FH_AGAIN);
    expect(p);
}

/* --- three through a ring of two, and of one -------------------------------------------------------------------------- */

static void push_3(void) {
    for (uint64_t k = 1; k <= 3; k++)
        push(k);
}
static void pop_3(void) {
    for (int i = 0; i < 3; i++)
        pop();
}

/* --- the end comes after everything ----------------------------------------------------------------------------------- */

static void push_and_close(void) {
    push(1);
    push(2);
    fh_status s = pair_ring_close(ring);
    WEAVE_ASSERT(s.code == FH_OK);
}
static void pop_until_end(void) {
    pair p;
    fh_status s;
    while ((s = pair_ring_pop(ring, &p)).code != FH_END) {
        if (s.code == FH_OK)
            expect(p);
        else
            fh_pause();
    }
    WEAVE_ASSERT(got == 2);
}

/* --- several at once -------------------------------------------------------------------------------------------------- */

static void push_batches(void) {
    pair p[3];
    for (uint64_t k = 0; k < 3; k++)
        p[k] = (pair){k + 1, ~(k + 1)};
    for (size_t sent = 0, done; sent < 3; sent += done)
        if (fh_failed(pair_ring_push_n(ring, p + sent, 3 - sent, &done)))
            fh_pause();
}
static void pop_batches(void) {
    pair p[2];
    for (size_t done; got < 3;) {
        if (fh_failed(pair_ring_pop_n(ring, p, 2, &done)))
            fh_pause();
        for (size_t i = 0; i < done; i++)
            expect(p[i]);
    }
}

/* --- a side changes hands --------------------------------------------------------------------------------------------- */

/* Pushes one as soon as nobody else is the producer, and stops to be it. */
static void push_and_leave(void) {
    pair p = {1, ~UINT64_C(1)};
    for (fh_status s; (s = pair_ring_push(ring, &p)).code != FH_OK; fh_pause())
        WEAVE_ASSERT(s.code == FH_WRONG_THREAD || s.code == FH_AGAIN);
    fh_status s = pair_ring_leave(ring);
    WEAVE_ASSERT(s.code == FH_OK);
}
static void pop_two(void) {
    pop();
    got = 0; /* both are number 1 */
    pop();
}
/* The same for the consumer's side. */
static void push_2(void) {
    push(1);
    push(2);
}
static void pop_and_leave(void) {
    pair p;
    for (fh_status s; (s = pair_ring_pop(ring, &p)).code != FH_OK; fh_pause())
        WEAVE_ASSERT(s.code == FH_WRONG_THREAD || s.code == FH_AGAIN);
    expect(p);
    fh_status s = pair_ring_leave(ring);
    WEAVE_ASSERT(s.code == FH_OK);
}

int main(void) {
    /* SAME: what a claim acquires is what an earlier owner did; here is none. */
#define SAME .weaken = "ring.", .spare = {"fh_ring_claim cas &side->thread"}
    static const weave_test tests[] = {
        {.name = "ring: three through two places", .setup = setup_2, .threads = {push_3, pop_3}, .check = end, SAME},
        {.name = "ring: three through one place", .setup = setup_1, .threads = {push_3, pop_3}, .check = end, SAME},
        {.name = "ring: close", .setup = setup_1, .threads = {push_and_close, pop_until_end}, .check = end, SAME},
        {.name = "ring: batches", .setup = setup_2, .threads = {push_batches, pop_batches}, .check = end, SAME},
        {.name = "ring: two producers in turn", .setup = setup_1, .threads = {push_and_leave, push_and_leave, pop_two},
         .check = end, .weaken = "ring."},
        {.name = "ring: two consumers in turn", .setup = setup_1, .threads = {push_2, pop_and_leave, pop_and_leave},
         .check = end, .weaken = "ring."},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
