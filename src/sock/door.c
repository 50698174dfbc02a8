/* door.c: waiting for a socket that is another thread's (door.h). As at a lock (mem/sync/lock.h), nobody is woken: a section is
 * short, and who has been put aside by the system is not kept from the processor. Threading: door.h. */
#include "sock/door.h"

#include "mem/sync/lock.h"

fh_status fh_door_enter(uint64_t *word, uint64_t number) {
    uint64_t rest = fh_door_at_rest(number);
    for (unsigned turn = 1;; turn++) {
        uint64_t found = rest;
        if (fh_cas(word, &found, rest | FH_DOOR_BUSY, FH_ACQUIRE))
            return FH_DONE;
        if (found != (rest | FH_DOOR_BUSY))
            return FH_STATUS(FH_STALE);
        if (!fh_door_is_shared(number))
            return FH_STATUS(FH_BORROWED);
        if (turn % FH_LOCK_SPINS == 0)
            fh_os_nap(FH_LOCK_NAP_NS);
        else
            fh_pause();
    }
}
