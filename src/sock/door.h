/* door.h: who is in a socket: a word that says whose number is right, and whether a thread is at work on it.
 *
 *     number   {generation, 32 bits; 15 of zeros; shared; index, 16 bits}     as the application has it
 *     word     the same without the index, and with a 1 at its end while a thread is inside
 *
 * The generation is odd while there is a socket. Who makes the word busy has the socket, and sees all that was done with it
 * before; so one compare-and-swap tells a number that is stale, and a second thread. Where a socket is not shared, that one is
 * refused; else it waits, and who has to wait for more than the others leaves, and sleeps outside (mailbox.h):
 *
 *     fh_door_enter(&word, number);                 FH_STALE: it was closed
 *     seen = fh_mailbox_seen(box);
 *     … looks; there is nothing …
 *     fh_door_leave(&word, number);
 *     fh_mailbox_wait(box, seen, time_ns);          and comes again
 *
 * Who changes something inside that another may sleep for, or closes, wakes the mailbox before leaving.
 *
 * Invariants: a word that is busy is changed by the thread inside alone. Threading: any thread. */
#ifndef FH_SOCK_DOOR_H
#define FH_SOCK_DOOR_H

#include "freehold/atomic.h"
#include "freehold/status.h"

#define FH_DOOR_BUSY UINT64_C(1)
#define FH_DOOR_SHARED (UINT64_C(1) << 16)
#define FH_DOOR_INDEX UINT64_C(0xffff)

static inline uint32_t fh_door_index(uint64_t number) {
    return (uint32_t)(number & FH_DOOR_INDEX);
}
static inline bool fh_door_is_shared(uint64_t number) {
    return FH_UNLIKELY((number & FH_DOOR_SHARED) != 0);
}
/* True for the word, or a number, of a socket that is open. */
static inline bool fh_door_is_open(uint64_t word) {
    return (word >> 32 & 1) != 0;
}
/* The word while nobody is inside. */
static inline uint64_t fh_door_at_rest(uint64_t number) {
    return number & ~FH_DOOR_INDEX;
}
/* True: the socket is this thread's; most often it is so at once. */
FH_MUST_USE static inline bool fh_door_try(fh_ref uint64_t *word, uint64_t number) {
    uint64_t found = fh_door_at_rest(number);
    return FH_LIKELY(fh_cas(word, &found, fh_door_at_rest(number) | FH_DOOR_BUSY, FH_ACQUIRE));
}
/* The same, and waits for one that is shared. FH_STALE; FH_BORROWED if it is not, and another's. */
FH_MUST_USE fh_status fh_door_enter(fh_ref uint64_t *word, uint64_t number);
/* It is the next one's. */
static inline void fh_door_leave(fh_ref uint64_t *word, uint64_t number) {
    fh_store(word, fh_door_at_rest(number), FH_RELEASE);
}
/* This thread, which is inside, is the last one. */
static inline void fh_door_end(fh_ref uint64_t *word, uint64_t number) {
    fh_store(word, ((number >> 32) + 1) << 32, FH_RELEASE);
}

#endif
