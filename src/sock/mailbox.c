/* mailbox.c: bits, and a word to sleep at (mailbox.h). Threading: mailbox.h. */
#include "sock/mailbox.h"

#include "freehold/os.h"

enum { SLEEPS = 1, WATCHED = 2, STEP = 4 };

bool fh_mailbox_wake(fh_mailbox *box) {
    uint32_t before = fh_fetch_add(&box->signal, STEP, FH_ACQ_REL); /* who finds the mark finds what was made before it */
    if ((before & SLEEPS) != 0) {
        (void)fh_fetch_and(&box->signal, ~(uint32_t)SLEEPS, FH_RELAXED); /* before the wake, which is for all till then */
        fh_os_wake(&box->signal, UINT32_MAX);
    }
    return (before & WATCHED) != 0;
}

bool fh_mailbox_tell(fh_mailbox *box, uint32_t number) {
    uint32_t word = number / 64 % FH_MAILBOX_WORDS;
    (void)fh_fetch_or(&box->words[word], UINT64_C(1) << number % 64, FH_RELEASE);
    (void)fh_fetch_or(&box->index, UINT64_C(1) << word, FH_RELEASE);
    return fh_mailbox_wake(box);
}

/* The lowest bit that is set, of a number that is not 0. */
static uint32_t lowest(uint64_t bits) {
    return (uint32_t)__builtin_ctzll(bits);
}

bool fh_mailbox_next(fh_mailbox *box, uint32_t *number) {
    *number = 0;
    for (uint64_t index = fh_load(&box->index, FH_RELAXED); index != 0; index = fh_load(&box->index, FH_RELAXED)) {
        uint32_t word = lowest(index);
        (void)fh_fetch_and(&box->index, ~(UINT64_C(1) << word), FH_ACQUIRE); /* before the look: who tells now marks again */
        uint64_t bits = fh_load(&box->words[word % FH_MAILBOX_WORDS], FH_ACQUIRE);
        if (bits == 0)
            continue;
        if ((bits & (bits - 1)) != 0)
            (void)fh_fetch_or(&box->index, UINT64_C(1) << word, FH_RELAXED); /* others stay */
        (void)fh_fetch_and(&box->words[word % FH_MAILBOX_WORDS], ~(UINT64_C(1) << lowest(bits)), FH_RELAXED);
        *number = 64 * word + lowest(bits);
        return true;
    }
    return false;
}

uint32_t fh_mailbox_seen(fh_mailbox *box) {
    return fh_load(&box->signal, FH_ACQUIRE);
}

bool fh_mailbox_told(fh_mailbox *box, uint32_t seen) {
    return (fh_mailbox_seen(box) ^ seen) >= STEP;
}

bool fh_mailbox_wait(fh_mailbox *box, uint32_t seen, uint64_t time_ns) {
    if (!fh_cas(&box->signal, &seen, seen | SLEEPS, FH_RELAXED))
        return false;
    return time_ns == UINT64_MAX ? fh_os_wait(&box->signal, seen | SLEEPS)
                                 : fh_os_wait_for(&box->signal, seen | SLEEPS, time_ns);
}

void fh_mailbox_watch(fh_mailbox *box, bool watched) {
    if (watched)
        (void)fh_fetch_or(&box->signal, WATCHED, FH_ACQ_REL);
    else
        (void)fh_fetch_and(&box->signal, ~(uint32_t)WATCHED, FH_RELAXED);
}
