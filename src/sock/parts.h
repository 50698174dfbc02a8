/* parts.h: messages of one part between a lane and a session, many at a time and where they lie. What is not of this kind is
 * left for conn.c, which knows all kinds.
 *
 * Threading: the I/O thread. */
#ifndef FH_SOCK_PARTS_H
#define FH_SOCK_PARTS_H

#include "freehold/zmtp.h"
#include "sock/lane.h"

/* Small ones, of those that were seen, go to the session, up to about `most` bytes. False: none. *tell: the writer of the lane
 * is to be told. */
FH_MUST_USE bool fh_parts_give(fh_mut fh_lane *from, fh_mut fh_zmtp *to, size_t most, fh_out bool *tell);
/* Those that are next in the session go to the lane, as long as there is room. True: tell its reader. */
FH_MUST_USE bool fh_parts_take(fh_mut fh_zmtp *from, fh_mut fh_lane *to);

#endif
