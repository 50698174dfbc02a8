/* fork.h: what a library does around a fork: a child has one thread, and of the parent's memory whatever was there at that
 * moment, locks that another thread held included.
 *
 * Threading: any thread. */
#ifndef FH_OS_FORK_H
#define FH_OS_FORK_H

#include "freehold/status.h"

/* From now on each fork calls before() on the thread that forks, and then after(), in the parent and in the child. FH_NOMEM. */
FH_MUST_USE fh_status fh_os_around_fork(void (*before)(void), void (*after)(void));

#endif
