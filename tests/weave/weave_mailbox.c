/* weave_mailbox.c: a mailbox (sock/mailbox.h), whose owner sleeps in it or elsewhere: in a poll, as the I/O thread in its loop,
 * at a descriptor. A tell that nobody comes to see is a deadlock; what was done before it and is not seen after it, a race.
 *
 * A bell is a counter here that is raised and slept at, which is what eventfd and the loop's wake do for one who sleeps. */
#include "weave.h"

#include "freehold/os.h"
#include "sock/mailbox.h"

static fh_mailbox mail;
static uint32_t bell, polls;
static uint64_t news[2]; /* plain memory: what is told of */

static void setup(fh_allocator *a) {
    (void)a;
    mail = (fh_mailbox){0};
    bell = polls = 0;
    news[0] = news[1] = 0;
}

static void write_word(uint64_t *word, uint64_t value) {
    FH_WRITES(word, sizeof *word);
    *word = value;
}
static uint64_t read_word(const uint64_t *word) {
    FH_READS(word, sizeof *word);
    return *word;
}

static void bring(uint32_t i) {
    write_word(&news[i], i + 1);
    (void)!fh_mailbox_tell(&mail, i);
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

/* --- in the mailbox ------------------------------------------------------------------------------------------------------- */

static void await_news(uint32_t count) {
    while (count != 0) {
        uint32_t seen = fh_mailbox_seen(&mail), found = find();
        count -= found;
        if (found == 0)
            fh_mailbox_wait(&mail, seen, UINT64_MAX);
    }
}
static void await_both(void) {
    await_news(2);
}
/* While somebody else would be rung for too. */
static void await_watched(void) {
    fh_mailbox_watch(&mail, true);
    await_news(1);
    fh_mailbox_watch(&mail, false);
}

/* --- in a poll ------------------------------------------------------------------------------------------------------------ */

/* Whoever finds the mark wakes the poll, which sleeps elsewhere. */
static void bring_to_poll(void) {
    write_word(&news[0], 1);
    if (fh_mailbox_tell(&mail, 0)) {
        (void)fh_fetch_add(&polls, 1, FH_ACQ_REL);
        fh_os_wake(&polls, UINT32_MAX);
    }
}
static void poll(void) {
    fh_mailbox_watch(&mail, true);
    for (uint32_t seen = fh_load(&polls, FH_ACQUIRE); find() == 0; seen = fh_load(&polls, FH_ACQUIRE))
        fh_os_wait(&polls, seen);
    fh_mailbox_watch(&mail, false);
}

/* --- in the loop ---------------------------------------------------------------------------------------------------------- */

static void ring(void) {
    (void)fh_fetch_add(&bell, 1, FH_ACQ_REL);
    fh_os_wake(&bell, UINT32_MAX);
}

static void call(uint32_t i) {
    write_word(&news[i], i + 1);
    if (fh_mailbox_tell(&mail, i))
        ring();
}
static void call_0(void) {
    call(0);
}
static void call_1(void) {
    call(1);
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

/* Not looking again after the mark: what was told in between is slept through. */
static void attend_once(void) {
    uint32_t seen = fh_load(&bell, FH_ACQUIRE);
    uint32_t found = find();
    fh_mailbox_watch(&mail, true);
    if (found == 0)
        fh_os_wait(&bell, seen);
}

/* --- at a descriptor ------------------------------------------------------------------------------------------------------ */

/* As context.c and option.c have it: who tells rings the descriptor that the slot has; who owns the socket makes it, marks the
 * mailbox, and looks; then it waits at the descriptor, which it silences before each look. */
static uint32_t slot_bell;
static void setup_descriptor(fh_allocator *a) {
    setup(a);
    slot_bell = 0;
}
static void bring_outside(uint32_t i) {
    write_word(&news[i], i + 1);
    if (fh_mailbox_tell(&mail, i) && fh_load(&slot_bell, FH_ACQUIRE) != 0)
        ring();
}
static void bring_outside_0(void) {
    bring_outside(0);
}
static void bring_outside_1(void) {
    bring_outside(1);
}
static void wait_outside(uint32_t count) {
    fh_store(&slot_bell, 1, FH_RELEASE);
    fh_mailbox_watch(&mail, true);
    for (;;) {
        (void)fh_exchange(&bell, 0, FH_ACQ_REL);
        count -= find();
        if (count == 0)
            return;
        while (fh_load(&bell, FH_ACQUIRE) == 0)
            fh_os_wait(&bell, 0);
    }
}
static void wait_outside_1(void) {
    wait_outside(1);
}
static void wait_outside_2(void) {
    wait_outside(2);
}

/* What small cases do not exercise; "two tell a descriptor" does. */
#define WATCH "fh_mailbox_watch or &box->signal"
#define WAKE "fh_mailbox_wake add &box->signal"
#define WORD_BIT "fh_mailbox_tell or &box->words[word]"
#define WORD "fh_mailbox_next load &box->words[word % FH_MAILBOX_WORDS]"

int main(void) {
    static const weave_test tests[] = {
        {.name = "mailbox: two tell one", .setup = setup, .threads = {bring_0, bring_1, await_both}, .preemptions = 3,
         .weaken = "sock/mailbox.", .spare = {WAKE}},
        {.name = "mailbox: who sleeps while it is watched", .setup = setup, .threads = {bring_0, await_watched},
         .weaken = "sock/mailbox.", .spare = {WATCH, WAKE, WORD_BIT, WORD}},
        {.name = "mailbox: a poll", .setup = setup, .threads = {bring_to_poll, poll}, .weaken = "sock/mailbox.",
         .spare = {WATCH, WAKE, WORD_BIT, WORD}},
        {.name = "bell: one tells the loop", .setup = setup, .threads = {call_0, attend_1}, .weaken = "sock/mailbox.",
         .spare = {WATCH, WAKE, WORD_BIT, WORD}},
        {.name = "bell: two tell the loop", .setup = setup, .threads = {call_0, call_1, attend_2}, .preemptions = 2,
         .weaken = "sock/mailbox.", .spare = {WATCH, WAKE}},
        {.name = "bell: no look after the mark", .setup = setup, .threads = {call_0, attend_once}, .finds = "deadlock"},
        {.name = "bell: a descriptor", .setup = setup_descriptor, .threads = {bring_outside_0, wait_outside_1},
         .weaken = "sock/mailbox.", .spare = {WORD_BIT, WORD}},
        {.name = "bell: two tell a descriptor", .setup = setup_descriptor,
         .threads = {bring_outside_0, bring_outside_1, wait_outside_2}, .preemptions = 2, .weaken = "sock/mailbox."},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
