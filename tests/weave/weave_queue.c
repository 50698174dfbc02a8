/* weave_queue.c: the multi-producer single-consumer queue in all interleavings and with all values that the memory model
 * allows. The object around a node is plain memory, announced here. */
#include "weave.h"

#include "freehold/queue.h"

typedef struct message {
    uint64_t number;
    fh_queue_node node;
} message;
FH_QUEUE_DEFINE(message, message, node);

enum { MESSAGES = 3 };

static fh_allocator *allocator;
static fh_queue *q;
static message *m[MESSAGES];
static uint64_t taken, pushed;

static void setup(fh_allocator *a) {
    allocator = a;
    q = fh_alloc(a, 1, sizeof *q);
    WEAVE_ASSERT(q != NULL);
    fh_queue_init(q);
    for (size_t i = 0; i < MESSAGES; i++) {
        m[i] = fh_alloc(a, 1, sizeof *m[i]);
        WEAVE_ASSERT(m[i] != NULL);
    }
    taken = pushed = 0;
}

/* Whoever pops owns it: it is freed at once, so that a late hand on it shows. */
static void end(void) {
    for (message *one; message_pop(q, &one).code == FH_OK;) {
        FH_READS(&one->number, sizeof one->number);
        taken += one->number;
        fh_free(allocator, one);
    }
    size_t count;
    fh_status s = fh_queue_check(q, &count, NULL);
    WEAVE_ASSERT(s.code == FH_OK && count == 0 && taken == pushed);
    fh_free(allocator, q);
}

static void push(size_t i, uint64_t number) {
    FH_WRITES(&m[i]->number, sizeof m[i]->number);
    m[i]->number = number;
    fh_status s = message_push(q, m[i]);
    WEAVE_ASSERT(s.code == FH_OK);
}

/* Pops one; which one must come, the caller says: 0 for any. */
static message *pop(uint64_t number) {
    message *one;
    while (message_pop(q, &one).code == FH_AGAIN)
        fh_pause();
    FH_READS(&one->number, sizeof one->number);
    WEAVE_ASSERT(number == 0 || one->number == number);
    taken += one->number;
    return one;
}

static void leave(void) {
    fh_status s = fh_queue_leave(q);
    WEAVE_ASSERT(s.code == FH_OK);
}

/* --- three messages from two threads, in each thread's order ---------------------------------------------------------- */

static void push_0(void) {
    push(0, 1);
}
static void push_1_2(void) {
    push(1, 10);
    push(2, 100);
}
static void pop_3(void) {
    uint64_t before = 0;
    for (int i = 0; i < 3; i++) {
        message *one = pop(0);
        WEAVE_ASSERT(one->number == 1 || one->number > before);
        before = one->number == 1 ? before : one->number;
        fh_free(allocator, one);
    }
    leave();
    pushed = 111;
}

/* --- a message goes round: the consumer pushes it again --------------------------------------------------------------- */

static void push_0_1(void) {
    push(0, 1);
    push(1, 2);
    fh_free(allocator, m[2]);
}
static void pop_and_push(void) {
    message *one = pop(1);
    fh_status s = message_push(q, one);
    WEAVE_ASSERT(s.code == FH_OK);
    for (int i = 0; i < 2; i++)
        fh_free(allocator, pop(0));
    leave();
    pushed = 1 + 2 + 1;
}

/* --- one message pushed by two threads at once ------------------------------------------------------------------------ */

static uint64_t wins;
static void setup_duel(fh_allocator *a) {
    setup(a);
    FH_WRITES(&m[0]->number, sizeof m[0]->number);
    m[0]->number = 1;
    wins = 0;
}
static void push_if_free(void) {
    if (message_push(q, m[0]).code == FH_OK)
        fh_fetch_add(&wins, 1, FH_RELAXED);
}
static void end_duel(void) {
    WEAVE_ASSERT(fh_load(&wins, FH_RELAXED) == 1);
    fh_free(allocator, m[1]);
    fh_free(allocator, m[2]);
    pushed = 1;
    end();
}

/* --- the consumer changes --------------------------------------------------------------------------------------------- */

static void push_2(void) {
    push(0, 1);
    push(1, 2);
    pushed = 3;
    fh_free(allocator, m[2]);
}
static void pop_and_leave(void) {
    message *one;
    for (fh_status s; (s = message_pop(q, &one)).code != FH_OK; fh_pause())
        WEAVE_ASSERT(s.code == FH_WRONG_THREAD || s.code == FH_AGAIN);
    FH_READS(&one->number, sizeof one->number);
    taken += one->number;
    fh_free(allocator, one);
    leave();
}

int main(void) {
    /* SAME: what a consumer releases and acquires is for another consumer; here is none. */
#define SAME .weaken = "queue.", .spare = {"own cas &q->thread", "fh_queue_leave store &q->thread"}
    static const weave_test tests[] = {
        {.name = "queue: two producers", .setup = setup, .threads = {push_0, push_1_2, pop_3}, .check = end, SAME},
        {.name = "queue: pushed again", .setup = setup, .threads = {push_0_1, pop_and_push}, .check = end, SAME},
        {.name = "queue: pushed twice at once", .setup = setup_duel, .threads = {push_if_free, push_if_free},
         .check = end_duel},
        {.name = "queue: two consumers in turn", .setup = setup, .threads = {push_2, pop_and_leave, pop_and_leave},
         .check = end, .weaken = "queue."},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
