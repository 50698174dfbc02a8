/* mailbox.h: how other threads tell a socket that something happened: a bit for each of its peers, and a word to sleep at.
 *
 *     fh_mailbox_tell(box, number);                   any thread: look at this peer
 *
 *     seen = fh_mailbox_seen(box);                    the socket's thread
 *     while (fh_mailbox_next(box, &number)) look_at(number);
 *     … nothing to do …
 *     fh_mailbox_wait(box, seen, time_ns);            returns at once if anything was told since `seen`
 *
 * A bit says only that there is something to look at: told twice, or told of a peer that is gone, it costs a look. So nobody
 * waits for anybody, nothing is allocated, and whoever tells needs no care for who lives.
 *
 * Invariants: a bit that was set is found by a later fh_mailbox_next, since its word in `index` is marked after it; what was
 * done before the tell is visible after the find (both are read-modify-writes of the same word). A sleeper has put its mark
 * into `signal` while that was `seen`, so the next tell finds the mark; that takes it away, and then wakes all who sleep. (So a
 * sleeper whose time is over leaves it there, and one tell wakes nobody.) Who is told of a poll sees what was done before the
 * mark of it was made, such as the bell that it is to ring.
 *
 * Threading: as above; one thread at a time finds numbers, any number of them sleep. */
#ifndef FH_SOCK_MAILBOX_H
#define FH_SOCK_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "freehold/atomic.h"

enum { FH_MAILBOX_WORDS = 64, FH_MAILBOX_NUMBERS = 64 * FH_MAILBOX_WORDS };

typedef struct fh_mailbox {
    uint64_t index;                   /* bit w: words[w] may not be 0 */
    uint64_t words[FH_MAILBOX_WORDS]; /* bit i of word w: number 64 w + i */
    uint64_t pad[7];
    uint32_t signal; /* counts what was told, above the marks of who waits */
} fh_mailbox;

/* Look at this. True if somebody waits for a poll of several sockets. */
FH_MUST_USE bool fh_mailbox_tell(fh_ref fh_mailbox *box, uint32_t number);
/* Wakes who sleeps, with nothing to look at. True as above. */
FH_MUST_USE bool fh_mailbox_wake(fh_ref fh_mailbox *box);
/* A number that was told since it was last found; false when there is none. */
FH_MUST_USE bool fh_mailbox_next(fh_ref fh_mailbox *box, fh_out uint32_t *number);
/* True if fh_mailbox_next may find a number. */
static inline bool fh_mailbox_has_news(fh_ref const fh_mailbox *box) {
    return fh_load(&box->index, FH_RELAXED) != 0;
}
/* What to hand to fh_mailbox_wait: read it before the look. */
uint32_t fh_mailbox_seen(fh_ref fh_mailbox *box);
/* True if something was told since then. */
bool fh_mailbox_told(fh_ref fh_mailbox *box, uint32_t seen);
/* Sleeps until something is told, or for about time_ns (UINT64_MAX: for ever). It may return for no reason. True if
 * a signal ended the sleep. */
bool fh_mailbox_wait(fh_ref fh_mailbox *box, uint32_t seen, uint64_t time_ns);
/* Marks, or no longer, that whoever tells is to be told of a poll. */
void fh_mailbox_watch(fh_ref fh_mailbox *box, bool watched);

#endif
