/* drive.h: a connection that the thread of its socket drives.
 *
 * A REQ or REP with one peer speaks and listens in turn, and who waits for the answer has nothing else to do. So a socket that
 * has to wait asks for its connection, and the I/O thread lends it between two messages. Then the socket's thread sends and
 * receives by itself, in a loop with this connection alone, its seat: a round trip is two calls of the system, and no other
 * thread on this side is woken.
 *
 *     fh_drive_begin(k);                                 each call that sends or receives
 *     … fh_core_send(k) …; fh_drive_push(k);
 *     while (… nothing has come …)
 *         k->drives ? fh_drive_wait(k, seen, time) : (fh_drive_want(k), sleep, fh_drive_begin(k));
 *     fh_drive_end(k);
 *
 * It comes back when the socket is called for anything else; when it needs what only the I/O thread does (a break, bytes that
 * did not leave at once, memory that was not there); and when nobody drove it for IDLE_NS: so a peer's end is seen, and its
 * PING answered, a moment later than otherwise. One with heartbeats of its own is not lent.
 *
 * Who drives is one word (lease.h). A connection that is lent is UP and has a link, and stays so: what ends it is done at home.
 * Nothing of it is with the kernel while nobody drives. Its session takes pages of the seat, which are the driver's.
 * Threading: as above. */
#ifndef FH_SOCK_DRIVE_H
#define FH_SOCK_DRIVE_H

#include "sock/io.h"

/* --- the socket's thread, which has the slot ----------------------------------------------------------------------------- */

/* Drives the connection from here on, if it is lent. */
void fh_drive_begin(fh_mut fh_core *k);
/* Does what a message in its lane asks for: it leaves. Nothing happens unless this thread drives. */
void fh_drive_push(fh_mut fh_core *k);
/* Waits until something has come, or the socket was told of something after `seen`, or for about time_ns. True if a signal
 * ended that. This thread drives. */
bool fh_drive_wait(fh_mut fh_core *k, uint32_t seen, uint64_t time_ns);
/* Drives no more, for now. */
void fh_drive_end(fh_mut fh_core *k);
/* The connection is to be lent, if it can be. */
void fh_drive_want(fh_mut fh_core *k);
/* It is to come back, or not to be lent. */
void fh_drive_return(fh_mut fh_core *k);

/* --- the I/O thread ------------------------------------------------------------------------------------------------------- */

/* Lends the connection of a row, if somebody wants it and nothing is under way. */
void fh_drive_lend(fh_mut fh_view(1) fh_io *io, uint32_t number);
/* A row was told of. True if the I/O thread has its connection, perhaps since now; else its driver does what there is to do. */
FH_MUST_USE bool fh_drive_recall(fh_mut fh_view(1) fh_io *io, uint32_t number);
/* The same, but one that is lent comes back only when nobody has driven it for a while. */
FH_MUST_USE bool fh_drive_check(fh_mut fh_view(1) fh_io *io, uint32_t number);
/* A row has ended. */
void fh_drive_seat_free(fh_mut fh_conn_row *row);

#endif
