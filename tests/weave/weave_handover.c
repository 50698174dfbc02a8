/* weave_handover.c: a connection goes from the I/O thread that has accepted it to the one that is to serve it (sock/handover.h,
 * sock/io.h), which sleeps when it has nothing to do: a wake that is lost is a deadlock. And a socket ends meanwhile: its
 * listener first, then its connections, wherever they are; none of them may be left. */
#include "weave.h"

#include "freehold/os.h"
#include "sock/desk.h"
#include "sock/handover.h"
#include "sock/io.h"

enum { WAYS = 2 };

/* What an I/O thread has of io.c: the desk, the bell of its loop, and what arrives. */
typedef struct shard {
    fh_desk desk;
    fh_mailbox mail;
    fh_handover arrivals;
    uint32_t bell;
    uint64_t listens, served; /* plain memory of its thread */
    uint32_t is_over;
} shard;

static shard a, b;
static fh_conn *come[WAYS];
static fh_allocator *memory;

static void setup(fh_allocator *allocator) {
    memory = allocator;
    a = b = (shard){.listens = 1};
    for (uint32_t i = 0; i < WAYS; i++) {
        come[i] = fh_alloc(memory, 1, sizeof *come[i]);
        WEAVE_ASSERT(come[i] != NULL);
        come[i]->number = i;
    }
}

static void ring(shard *s) {
    (void)fh_fetch_add(&s->bell, 1, FH_ACQ_REL);
    fh_os_wake(&s->bell, UINT32_MAX);
}

static void hand_over(uint32_t which, shard *to) {
    fh_handover_put(&to->arrivals, come[which], 7 + (int)which);
    if (fh_mailbox_wake(&to->mail))
        ring(to);
}
static void hand_over_0(void) {
    hand_over(0, &b);
}
static void hand_over_1(void) {
    hand_over(1, &b);
}

static void attend(shard *s) {
    int descriptor;
    for (fh_conn *c = fh_handover_take(&s->arrivals, &descriptor); c != NULL; c = fh_handover_take(&s->arrivals, &descriptor)) {
        WEAVE_ASSERT(descriptor == 7 + (int)c->number);
        FH_WRITES(&s->served, sizeof s->served);
        s->served++;
        fh_free(memory, c);
    }
}

/* A turn of the loop (io.c): what was told after the second look rings the bell, so there is no sleep then. */
static void rest(shard *s) {
    uint32_t seen = fh_load(&s->bell, FH_ACQUIRE);
    fh_mailbox_watch(&s->mail, true);
    attend(s);
    FH_READS(&s->served, sizeof s->served);
    if (s->served != WAYS && !fh_desk_is_asked(&s->desk))
        fh_os_wait(&s->bell, seen);
    fh_mailbox_watch(&s->mail, false);
}
static void serve_two(void) {
    for (attend(&b); b.served != WAYS; attend(&b))
        rest(&b);
}
static void nothing_left(void) {
    WEAVE_ASSERT(a.arrivals.first == NULL && b.arrivals.first == NULL && b.served == WAYS);
}

/* --- a socket ends -------------------------------------------------------------------------------------------------------- */

static void order(shard *s) {
    fh_desk_enter(&s->desk);
    fh_desk_ask(&s->desk);
    ring(s);
    fh_desk_await(&s->desk);
    fh_desk_leave(&s->desk);
}

/* Does one order, before which it lets in what comes to its listener, if it has one. */
static void work(shard *s, bool lets_in) {
    if (lets_in)
        hand_over(0, &b);
    while (!fh_desk_is_asked(&s->desk)) {
        attend(s);
        rest(s);
    }
    attend(s);
    FH_WRITES(&s->listens, sizeof s->listens);
    s->listens = 0;
    fh_desk_answer(&s->desk);
}
static void work_a(void) {
    work(&a, true);
}
static void work_b(void) {
    work(&b, false);
}
/* The listener first: what it let in is found by the second order. */
static void close_listener_first(void) {
    order(&a);
    order(&b);
    FH_READS(&b.served, sizeof b.served);
    WEAVE_ASSERT(b.served == 1);
}
static void close_listener_last(void) {
    order(&b);
    order(&a);
    FH_READS(&b.served, sizeof b.served);
    WEAVE_ASSERT(b.served == 1);
}
static void one_left(void) {
    fh_free(memory, come[1]);
}

/* --- bugs ----------------------------------------------------------------------------------------------------------------- */

/* It tells first, and puts then. */
static void tell_too_early(void) {
    if (fh_mailbox_wake(&b.mail))
        ring(&b);
    fh_handover_put(&b.arrivals, come[0], 7);
}
/* It looks, and then has itself told. */
static void serve_unwatched(void) {
    for (attend(&b); b.served != WAYS; attend(&b)) {
        uint32_t seen = fh_load(&b.bell, FH_ACQUIRE);
        fh_mailbox_watch(&b.mail, true);
        fh_os_wait(&b.bell, seen);
        fh_mailbox_watch(&b.mail, false);
    }
}

int main(void) {
    static const weave_test tests[] = {
        {.name = "handover: two come", .setup = setup, .threads = {hand_over_0, hand_over_1, serve_two}, .preemptions = 2,
         .check = nothing_left, .weaken = "sync/lock."},
        {.name = "handover: the socket ends", .setup = setup, .threads = {work_a, work_b, close_listener_first},
         .preemptions = 2, .check = one_left},
        {.name = "handover: the listener is closed last", .setup = setup, .threads = {work_a, work_b, close_listener_last},
         .preemptions = 2, .check = one_left, .finds = "b.served == 1"},
        {.name = "handover: told before it is put", .setup = setup, .threads = {tell_too_early, hand_over_1, serve_two},
         .preemptions = 2, .finds = "deadlock"},
        {.name = "handover: no look after it is to be told", .setup = setup,
         .threads = {hand_over_0, hand_over_1, serve_unwatched}, .preemptions = 2, .finds = "deadlock"},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
