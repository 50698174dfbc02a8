/* weave_desk.c: the desk of the I/O thread (sock/desk.h), and the bell where a thread waits that also waits for other things:
 * the I/O thread at its loop, an application at a descriptor. An order that is lost, or a tell that nobody comes to see, is a
 * deadlock; an order that two write, or that one reads too early, is a race.
 *
 * A bell is a counter here that is raised and slept at, which is what eventfd and the loop's wake do for one who sleeps. */
#include "weave.h"

#include "freehold/os.h"
#include "sock/desk.h"
#include "sock/mailbox.h"

enum { GIVERS = 2, CARD = 7 };

static fh_desk desk;
static fh_mailbox mail;
static uint32_t bell;
static uint64_t asked, answered; /* plain memory: the order, and what it led to */
static uint64_t news[2];         /* plain memory: what is told of */

static void setup(fh_allocator *a) {
    (void)a;
    desk = (fh_desk){0};
    mail = (fh_mailbox){0};
    bell = 0;
    asked = answered = news[0] = news[1] = 0;
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

/* --- the bell ------------------------------------------------------------------------------------------------------------- */

static void bring(uint32_t i) {
    write_word(&news[i], i + 1);
    if (fh_mailbox_tell(&mail, i))
        ring();
}
static void bring_0(void) {
    bring(0);
}
static void bring_1(void) {
    bring(1);
}

static uint32_t find(void) {
    uint32_t number, found = 0;
    for (; fh_mailbox_next(&mail, &number); found++)
        WEAVE_ASSERT(read_word(&news[number]) == number + 1);
    return found;
}

/* The I/O thread: it may be told while it is at work, and is rung for only once it has said that it will sleep. */
static void attend(uint32_t count) {
    while (count != 0) {
        uint32_t seen = fh_load(&bell, FH_ACQUIRE);
        count -= find();
        fh_mailbox_watch(&mail, true);
        uint32_t found = find();
        count -= found;
        if (found == 0 && count != 0)
            fh_os_wait(&bell, seen);
        fh_mailbox_watch(&mail, false);
    }
}
static void attend_1(void) {
    attend(1);
}
static void attend_2(void) {
    attend(2);
}

/* Who sleeps in the mailbox while it is watched: rung and woken, both. */
static void wait_watched(void) {
    fh_mailbox_watch(&mail, true);
    for (uint32_t count = 0; count == 0;) {
        uint32_t seen = fh_mailbox_seen(&mail);
        count = find();
        if (count == 0)
            fh_mailbox_wait(&mail, seen, UINT64_MAX);
    }
    fh_mailbox_watch(&mail, false);
}

/* The socket is used, and somebody else waits at its descriptor: the mark stays, so each tell from then on rings. */
static uint32_t marked;
static void setup_outside(fh_allocator *a) {
    setup(a);
    marked = 0;
}
static void mark(void) {
    fh_mailbox_watch(&mail, true);
    ring(); /* for what was told before the mark */
    fh_store(&marked, 1, FH_RELEASE);
}
static void wait_outside(void) {
    while (fh_load(&marked, FH_ACQUIRE) == 0)
        fh_pause();
    for (;;) {
        uint32_t seen = fh_load(&bell, FH_ACQUIRE);
        if (find() != 0)
            return;
        fh_os_wait(&bell, seen);
    }
}

/* --- bugs ----------------------------------------------------------------------------------------------------------------- */

/* Not looking again after the mark: what was told in between is slept through. */
static void attend_once(void) {
    uint32_t seen = fh_load(&bell, FH_ACQUIRE);
    uint32_t found = find();
    fh_mailbox_watch(&mail, true);
    if (found == 0)
        fh_os_wait(&bell, seen);
}

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
        {.name = "bell: one tells the loop", .setup = setup, .threads = {bring_0, attend_1}, .weaken = "mailbox.",
         .spare = {"fh_mailbox_tell or &box->words[word]",
                   "fh_mailbox_next load &box->words[word % FH_MAILBOX_WORDS]"}},
        {.name = "bell: two tell the loop", .setup = setup, .threads = {bring_0, bring_1, attend_2}, .preemptions = 2,
         .weaken = "mailbox."},
        {.name = "bell: who sleeps while it is watched", .setup = setup, .threads = {bring_0, wait_watched},
         .weaken = "mailbox.", .spare = {"fh_mailbox_watch or &box->signal", "fh_mailbox_tell or &box->words[word]",
                                         "fh_mailbox_next load &box->words[word % FH_MAILBOX_WORDS]"}},
        {.name = "bell: a descriptor", .setup = setup_outside, .threads = {bring_0, mark, wait_outside}, .preemptions = 3,
         .weaken = "mailbox.", .spare = {"fh_mailbox_tell or &box->words[word]",
                                         "fh_mailbox_next load &box->words[word % FH_MAILBOX_WORDS]"}},
        {.name = "bell: no look after the mark", .setup = setup, .threads = {bring_0, attend_once}, .finds = "deadlock"},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
