/* lookup.h: the address of an endpoint whose host is a name.
 *
 * It is asked for anew with each try to connect, since a name may move to another machine; and on a thread of its own, since
 * the system's resolver may take half a minute, in which all other connections go on. Its row comes back to see whether it is
 * there, at first after a millisecond, then after a quarter of the time that it has taken.
 *
 * Invariants: `found` is the thread's until is_done; a row with a lookup stays until that is done. Threading: the I/O thread,
 * and that of the lookup. */
#ifndef FH_SOCK_LOOKUP_H
#define FH_SOCK_LOOKUP_H

#include "freehold/os.h"
#include "sock/terms.h"

enum { FH_LOOKUPS_MAX = 16 }; /* at once, of a context */

typedef struct fh_lookup {
    fh_ref fh_allocator *allocator;
    fh_owned fh_terms *terms;
    fh_owned_or_null fh_os_thread *thread;
    uint64_t began_ns;
    uint32_t is_done;
    fh_address found; /* NONE: nobody knows the name */
} fh_lookup;

#endif
