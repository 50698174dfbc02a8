/* desk.h: where one thread gives another an order, and waits for the answer.
 *
 *     fh_desk_enter(desk);                 who gives an order; waits while somebody else has the desk
 *     … writes the order …
 *     fh_desk_ask(desk);                   and wakes who works, where that sleeps
 *     fh_desk_await(desk);                 … reads the answer …
 *     fh_desk_leave(desk);
 *
 *     if (fh_desk_is_asked(desk)) {        who works
 *         … does what the order says, writes the answer …
 *         fh_desk_answer(desk);
 *     }
 *
 * The desk is the word only; order and answer lie beside it, in plain memory. It has one order at a time.
 *
 * Invariants: the order is its giver's from _enter to _ask and from _await to _leave, the worker's from _is_asked to _answer;
 * each sees all that the other wrote before, and the next giver what the last one wrote.
 *
 * Threading: any number of givers, one worker. A desk of zeros is free. */
#ifndef FH_SOCK_DESK_H
#define FH_SOCK_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include "freehold/attrs.h"

typedef struct fh_desk {
    uint32_t state;
} fh_desk;

void fh_desk_enter(fh_ref fh_desk *d);
void fh_desk_ask(fh_ref fh_desk *d);
bool fh_desk_is_answered(fh_ref const fh_desk *d);
void fh_desk_await(fh_ref fh_desk *d);
void fh_desk_leave(fh_ref fh_desk *d);

bool fh_desk_is_asked(fh_ref const fh_desk *d);
void fh_desk_answer(fh_ref fh_desk *d);

#endif
