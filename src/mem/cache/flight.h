/* flight.h: who does a piece of work and who waits for it, so that nobody waits in a circle.
 *
 *     fh_flight f;
 *     fh_flight_load(&flights, &f, work);          before the work waits for anything
 *     …
 *     fh_flight_end(&flights, &f);                 when it will wait no more
 *
 *     if (!fh_flight_wait(&flights, &f, work))     the work waits, perhaps through others, for the calling thread
 *         return FH_STATUS(FH_INVALID);
 *     …                                            wait
 *     fh_flight_end(&flights, &f);
 *
 * Threading: any thread; a flight lies on the stack of its own. */
#ifndef FH_MEM_FLIGHT_H
#define FH_MEM_FLIGHT_H

#include "mem/sync/lock.h"

typedef struct fh_flight {
    struct fh_flight *next;
    uint64_t thread;
    const void *work;
    bool waits;
} fh_flight;

/* Zero is an empty list. */
typedef struct fh_flights {
    uint32_t lock;
    fh_flight *first;
} fh_flights;

void fh_flight_load(fh_mut fh_flights *list, fh_mut fh_flight *f, const void *work);
/* Lists a wait; false, and nothing is listed, if it could not end. */
FH_MUST_USE bool fh_flight_wait(fh_mut fh_flights *list, fh_mut fh_flight *f, const void *work);
void fh_flight_end(fh_mut fh_flights *list, const fh_flight *f);

#endif
