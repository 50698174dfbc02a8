/* weave_door.c: a socket that several threads use (sock/door.h) and sleep for outside (sock/mailbox.h): two inside are a race;
 * a message or a change that a sleeper does not come for is a deadlock, as is a close that leaves it asleep.
 *
 * What a socket has is a number here: messages that were told of and found, and places for them that came by a call. */
#include "weave.h"

#include "freehold/os.h"
#include "sock/door.h"
#include "sock/mailbox.h"

enum { SLEEPS = 1 }; /* of mailbox.c: the mark of who sleeps */

static const uint64_t number = UINT64_C(7) << 32 | FH_DOOR_SHARED | 3;
static uint64_t word;
static fh_mailbox mail;
static uint64_t news[2];  /* plain memory: what is told of */
static uint64_t has;      /* plain memory, of who is inside: found, and not taken yet */
static uint64_t watchers; /* the same: who waits elsewhere */
static uint32_t polls;    /* what those sleep at */

static void setup(fh_allocator *a) {
    (void)a;
    word = fh_door_at_rest(number);
    mail = (fh_mailbox){0};
    news[0] = news[1] = 0;
    has = watchers = 0;
    polls = 0;
}

static void write_word(uint64_t *at, uint64_t value) {
    FH_WRITES(at, sizeof *at);
    *at = value;
}
static uint64_t read_word(const uint64_t *at) {
    FH_READS(at, sizeof *at);
    return *at;
}

/* --- who tells ------------------------------------------------------------------------------------------------------------ */

static void bring(uint32_t i) {
    write_word(&news[i], i + 1);
    (void)!fh_mailbox_tell(&mail, i);
}
static void bring_0(void) {
    bring(0);
}
static void bring_both(void) {
    bring(0);
    bring(1);
}

/* --- who comes and sleeps ------------------------------------------------------------------------------------------------- */

/* Inside: true if there was one. */
static bool take(void) {
    uint32_t i;
    for (; fh_mailbox_next(&mail, &i); write_word(&has, read_word(&has) + 1))
        WEAVE_ASSERT(read_word(&news[i]) == i + 1);
    uint64_t found = read_word(&has);
    write_word(&has, found != 0 ? found - 1 : 0);
    return found != 0;
}

/* As sock.c has it. False: it was closed. */
static bool receive_with(void (*sleep)(uint32_t seen)) {
    for (;;) {
        if (!fh_door_try(&word, number) && fh_failed(fh_door_enter(&word, number)))
            return false;
        uint32_t seen = fh_mailbox_seen(&mail);
        bool found = take();
        fh_door_leave(&word, number);
        if (found)
            return true;
        sleep(seen);
    }
}
static void sleep_in_mailbox(uint32_t seen) {
    (void)fh_mailbox_wait(&mail, seen, UINT64_MAX);
}
static void receive(void) {
    WEAVE_ASSERT(receive_with(sleep_in_mailbox));
}
static void receive_or_end(void) {
    (void)receive_with(sleep_in_mailbox);
}

/* --- who sleeps elsewhere, for this and others ---------------------------------------------------------------------------- */

static void bring_outside(void) {
    for (uint32_t i = 0; i < 2; i++) {
        write_word(&news[i], i + 1);
        if (fh_mailbox_tell(&mail, i)) {
            (void)fh_fetch_add(&polls, 1, FH_ACQ_REL);
            fh_os_wake(&polls, UINT32_MAX);
        }
    }
}

static void enter(void) {
    if (!fh_door_try(&word, number))
        WEAVE_ASSERT(!fh_failed(fh_door_enter(&word, number)));
}

/* As context.h and sock.c have it. `counts`: the mark stays as long as somebody else wants it. */
static void poll_and_take(bool counts) {
    enter();
    write_word(&watchers, read_word(&watchers) + 1);
    fh_mailbox_watch(&mail, true);
    fh_door_leave(&word, number);
    for (bool found = false; !found;) {
        uint32_t seen = fh_load(&polls, FH_ACQUIRE);
        enter();
        found = take();
        fh_door_leave(&word, number);
        if (!found)
            (void)fh_os_wait(&polls, seen);
    }
    enter();
    write_word(&watchers, read_word(&watchers) - 1);
    if (!counts || read_word(&watchers) == 0)
        fh_mailbox_watch(&mail, false);
    fh_door_leave(&word, number);
}
static void poll(void) {
    poll_and_take(true);
}

/* --- who changes it from inside ------------------------------------------------------------------------------------------- */

static void change(void) {
    WEAVE_ASSERT(!fh_failed(fh_door_enter(&word, number)));
    write_word(&has, read_word(&has) + 1);
    (void)!fh_mailbox_wake(&mail);
    fh_door_leave(&word, number);
}
static void shut(void) {
    WEAVE_ASSERT(!fh_failed(fh_door_enter(&word, number)));
    write_word(&has, 0);
    (void)!fh_mailbox_wake(&mail);
    fh_door_end(&word, number);
}
/* The next life of its place, as context.c has it. */
static void open_next(void) {
    while (fh_door_is_open(fh_load(&word, FH_ACQUIRE)))
        fh_pause();
    write_word(&has, 1);
}
/* One that may lose to another. */
static void shut_or_stale(void) {
    fh_status s = fh_door_enter(&word, number);
    WEAVE_ASSERT(s.code == FH_OK || s.code == FH_STALE);
    if (fh_failed(s))
        return;
    write_word(&has, 0);
    fh_door_end(&word, number);
}

/* --- bugs ----------------------------------------------------------------------------------------------------------------- */

/* Who wakes takes the mark away, which by then may be that of another who sleeps. */
static void sleep_and_unmark(uint32_t seen) {
    if (!fh_cas(&mail.signal, &seen, seen | SLEEPS, FH_RELAXED))
        return;
    (void)fh_os_wait(&mail.signal, seen | SLEEPS);
    (void)fh_fetch_and(&mail.signal, ~(uint32_t)SLEEPS, FH_RELAXED);
}
static void receive_and_unmark(void) {
    WEAVE_ASSERT(receive_with(sleep_and_unmark));
}
/* What was told between the look and this is slept through. */
static void sleep_anew(uint32_t seen) {
    (void)seen;
    (void)fh_mailbox_wait(&mail, fh_mailbox_seen(&mail), UINT64_MAX);
}
static void receive_late(void) {
    WEAVE_ASSERT(receive_with(sleep_anew));
}
static void change_silently(void) {
    WEAVE_ASSERT(!fh_failed(fh_door_enter(&word, number)));
    write_word(&has, read_word(&has) + 1);
    fh_door_leave(&word, number);
}
static void shut_silently(void) {
    shut_or_stale();
}
/* Who goes first takes the mark from the other. */
static void poll_and_unmark(void) {
    poll_and_take(false);
}
/* Nobody may look who has not entered. */
static void look_from_outside(void) {
    (void)take();
}

/* What small cases do not exercise; others do. */
#define ENTER "fh_door_enter cas word"
#define END "fh_door_end store word"

int main(void) {
    static const weave_test tests[] = {
        {.name = "door: one sleeps", .setup = setup, .threads = {bring_0, receive}},
        {.name = "door: two sleep", .setup = setup, .threads = {bring_both, receive, receive}, .preemptions = 2,
         .weaken = "sock/door."},
        {.name = "door: a change from inside", .setup = setup, .threads = {change, receive}, .weaken = "sock/door."},
        {.name = "door: closed over sleepers", .setup = setup, .threads = {shut, receive_or_end, receive_or_end},
         .preemptions = 2, .weaken = "sock/door.", .spare = {END}},
        {.name = "door: two close, one opens", .setup = setup, .threads = {shut_or_stale, shut_or_stale, open_next},
         .weaken = "sock/door.", .spare = {ENTER}},
        {.name = "door: two poll", .setup = setup, .threads = {bring_outside, poll, poll}, .preemptions = 2},
        {.name = "door: a poll that takes the other's mark", .setup = setup,
         .threads = {bring_outside, poll_and_unmark, poll_and_unmark}, .preemptions = 2, .finds = "deadlock"},
        {.name = "door: a mark that its sleeper takes away", .setup = setup,
         .threads = {bring_both, receive_and_unmark, receive_and_unmark}, .preemptions = 4, .finds = "deadlock"},
        {.name = "door: a sleep that began too late", .setup = setup, .threads = {bring_0, receive_late}, .finds = "deadlock"},
        {.name = "door: a change that nobody hears of", .setup = setup, .threads = {change_silently, receive},
         .finds = "deadlock"},
        {.name = "door: a close that nobody hears of", .setup = setup, .threads = {shut_silently, receive_or_end},
         .finds = "deadlock"},
        {.name = "door: a look from outside", .setup = setup, .threads = {bring_0, receive_or_end, look_from_outside},
         .preemptions = 2, .finds = "race"},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
