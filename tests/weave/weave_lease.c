/* weave_lease.c: who drives a connection (sock/lease.h): two who touch it at once are a race, as is one who does not see what
 * the last driver did; one that nobody brings home is a deadlock. The bell is what the I/O thread sleeps at. */
#include "weave.h"

#include "freehold/os.h"
#include "sock/lease.h"

static fh_lease lease;
static uint32_t bell;
static uint64_t connection; /* plain memory: how often it was driven */
static uint64_t lent, ended; /* the I/O thread's: where it is; plain memory: the socket is done with it */

static void setup(fh_allocator *a) {
    (void)a;
    lease = (fh_lease){0};
    bell = 0;
    connection = lent = ended = 0;
}

static void ring(void) {
    (void)fh_fetch_add(&bell, 1, FH_ACQ_REL);
    fh_os_wake(&bell, UINT32_MAX);
}

static void drive(void) {
    FH_WRITES(&connection, sizeof connection);
    connection++;
}

/* --- the socket's thread -------------------------------------------------------------------------------------------------- */

static void call(bool leaves) {
    if (!fh_lease_begin(&lease)) {
        fh_lease_want(&lease);
        return;
    }
    drive();
    if (fh_lease_end(&lease, leaves))
        ring();
}

static void give_back(void) {
    (void)!fh_lease_return(&lease); /* it rings in any case */
    FH_WRITES(&ended, sizeof ended);
    ended = 1;
    ring();
}

static void calls(void) {
    fh_lease_want(&lease);
    call(false);
    call(true);
    give_back();
}
static void calls_once(void) {
    fh_lease_want(&lease);
    call(false);
    give_back();
}

/* --- the I/O thread ------------------------------------------------------------------------------------------------------- */

static void look(void) {
    if (lent == 0 && fh_lease_is_wanted(&lease) && fh_lease_take(&lease)) {
        drive();
        lent = fh_lease_lend(&lease, true);
        if (lent == 0)
            fh_lease_home(&lease, true);
        return;
    }
    if (lent == 0) {
        drive();
        return;
    }
    if (fh_lease_borrow(&lease)) {
        drive();
        if (fh_lease_lend(&lease, true))
            return;
        fh_lease_home(&lease, true);
        lent = 0;
    } else if (fh_lease_recall(&lease)) {
        drive();
        fh_lease_home(&lease, true);
        lent = 0;
    } else {
        (void)!fh_lease_leave_alone(&lease);
    }
}

/* Until the socket is done, and the connection home. */
static void serve(void) {
    look();
    for (uint32_t seen = fh_load(&bell, FH_ACQUIRE);; seen = fh_load(&bell, FH_ACQUIRE)) {
        look();
        if (seen != 0 && lent == 0 && ended != 0)
            break;
        fh_os_wait(&bell, seen);
    }
    WEAVE_ASSERT(!fh_lease_begin(&lease));
}

/* --- bugs ----------------------------------------------------------------------------------------------------------------- */

static void drive_what_is_not_lent(void) {
    fh_lease_want(&lease);
    drive();
    give_back();
}

int main(void) {
    static const weave_test tests[] = {
        {.name = "lease: a call", .setup = setup, .threads = {calls_once, serve}, .preemptions = 3},
        {.name = "lease: two calls", .setup = setup, .threads = {calls, serve}, .preemptions = 3,
         .weaken = "sock/lease."},
        {.name = "lease: what is not lent", .setup = setup, .threads = {drive_what_is_not_lent, serve}, .finds = "race"},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
