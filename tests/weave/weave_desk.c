/* weave_desk.c: the desk of the I/O thread (sock/desk.h): an order that is lost is a deadlock; one that two write, or that is
 * read too early, is a race. The bell is what the worker sleeps at, as the I/O thread does at its loop. */
#include "weave.h"

#include "freehold/os.h"
#include "sock/desk.h"

enum { CARD = 7 };

static fh_desk desk;
static uint32_t bell;
static uint64_t asked, answered; /* plain memory: the order, and what it led to */

static void setup(fh_allocator *a) {
    (void)a;
    desk = (fh_desk){0};
    bell = 0;
    asked = answered = 0;
}

static void ring(void) {
    (void)fh_fetch_add(&bell, 1, FH_ACQ_REL);
    fh_os_wake(&bell, UINT32_MAX);
}

static void write_word(uint64_t *word, uint64_t value) {
    FH_WRITES(word, sizeof *word);
    *word = value;
}
static uint64_t read_word(const uint64_t *word) {
    FH_READS(word, sizeof *word);
    return *word;
}

/* --- orders --------------------------------------------------------------------------------------------------------------- */

static void give_order(uint64_t what) {
    fh_desk_enter(&desk);
    write_word(&asked, what);
    fh_desk_ask(&desk);
    ring();
    fh_desk_await(&desk);
    WEAVE_ASSERT(read_word(&answered) == what + CARD);
    fh_desk_leave(&desk);
}
static void give_1(void) {
    give_order(1);
}
static void give_2(void) {
    give_order(2);
}

/* Does so many orders, and sleeps at the bell as the I/O thread does at its loop. */
static void work(uint32_t orders) {
    while (orders != 0) {
        uint32_t seen = fh_load(&bell, FH_ACQUIRE);
        if (!fh_desk_is_asked(&desk)) {
            fh_os_wait(&bell, seen);
            continue;
        }
        write_word(&answered, read_word(&asked) + CARD);
        fh_desk_answer(&desk);
        orders--;
    }
}
static void work_1(void) {
    work(1);
}
static void work_2(void) {
    work(2);
}

/* One that looks again and again, as who steps a simulated context does. */
static void give_and_look(void) {
    fh_desk_enter(&desk);
    write_word(&asked, 1);
    fh_desk_ask(&desk);
    ring();
    while (!fh_desk_is_answered(&desk))
        fh_pause();
    WEAVE_ASSERT(read_word(&answered) == 1 + CARD);
    fh_desk_leave(&desk);
}

/* --- bugs ----------------------------------------------------------------------------------------------------------------- */

/* An order that is given without the desk. */
static void give_unasked(void) {
    write_word(&asked, 2);
    fh_desk_ask(&desk);
    ring();
    fh_desk_await(&desk);
    fh_desk_leave(&desk);
}

int main(void) {
    static const weave_test tests[] = {
        {.name = "desk: one order", .setup = setup, .threads = {give_1, work_1}, .weaken = "sock/desk.",
         .spare = {"fh_desk_enter cas &d->state", "fh_desk_leave store &d->state"}},
        {.name = "desk: two givers", .setup = setup, .threads = {give_1, give_2, work_2}, .preemptions = 2,
         .weaken = "sock/desk."},
        {.name = "desk: one that looks for the answer", .setup = setup, .threads = {give_and_look, work_1},
         .weaken = "sock/desk.", .spare = {"fh_desk_enter cas &d->state", "fh_desk_leave store &d->state"}},
        {.name = "desk: an order without the desk", .setup = setup, .threads = {give_1, give_unasked, work_2}, .preemptions = 2,
         .finds = "race"},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
