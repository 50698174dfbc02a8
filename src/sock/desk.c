/* desk.c: a word with four states (desk.h). All who wait sleep at it and all are woken: they wait for different states.
 * Threading: desk.h. */
#include "sock/desk.h"

#include "freehold/atomic.h"
#include "freehold/os.h"

enum { FREE, WRITING, ASKED, ANSWERED };

void fh_desk_enter(fh_desk *d) {
    uint32_t found = FREE;
    while (!fh_cas(&d->state, &found, WRITING, FH_ACQUIRE)) {
        fh_os_wait(&d->state, found);
        found = FREE;
    }
}

void fh_desk_ask(fh_desk *d) {
    fh_store(&d->state, ASKED, FH_RELEASE);
}

bool fh_desk_is_answered(const fh_desk *d) {
    return fh_load(&d->state, FH_ACQUIRE) == ANSWERED;
}

void fh_desk_await(fh_desk *d) {
    for (uint32_t seen = fh_load(&d->state, FH_ACQUIRE); seen != ANSWERED; seen = fh_load(&d->state, FH_ACQUIRE))
        fh_os_wait(&d->state, seen);
}

void fh_desk_leave(fh_desk *d) {
    fh_store(&d->state, FREE, FH_RELEASE);
    fh_os_wake(&d->state, UINT32_MAX);
}

bool fh_desk_is_asked(const fh_desk *d) {
    return fh_load(&d->state, FH_ACQUIRE) == ASKED;
}

void fh_desk_answer(fh_desk *d) {
    fh_store(&d->state, ANSWERED, FH_RELEASE);
    fh_os_wake(&d->state, UINT32_MAX);
}
