/* socket.h: stream sockets of the system, and waiting for them, for the layer `net`, which is the only one to use it.
 *
 * No call waits, but for fh_os_poll_wait and the resolver behind fh_address_tcp. Descriptors are plain numbers here: who opens
 * one closes it. FH_AGAIN: not now, the descriptor will be ready later. FH_IO and FH_EXHAUSTED (no descriptor free) come with
 * errno's number in *error. Threading: any thread; one at a time for each descriptor. */
#ifndef FH_OS_SOCKET_H
#define FH_OS_SOCKET_H

#include "freehold/address.h"

/* As fh_net_socket_options. */
typedef struct fh_os_socket_options {
    uint32_t backlog, send_buffer, receive_buffer, type_of_service;
    bool keep_alive;
    uint32_t keep_idle_s, keep_interval_s, keep_count, unheard_ms;
    const fh_address *source;
} fh_os_socket_options;

/* What errno's number says after a call of a socket, as above. */
fh_status fh_os_socket_status(int error);
/* A socket that listens at an address. */
FH_MUST_USE fh_status fh_os_listen(fh_ref const fh_address *address, fh_ref const fh_os_socket_options *options, fh_out int *fd,
                                   fh_out int *error);
/* A socket for connections to an address, not connected yet. */
FH_MUST_USE fh_status fh_os_stream(fh_ref const fh_address *address, fh_ref const fh_os_socket_options *options, fh_out int *fd,
                                   fh_out int *error);
/* Begins to connect it. FH_AGAIN: under way; it becomes writable when that is over, and fh_os_socket_fault tells how. */
FH_MUST_USE fh_status fh_os_connect(int fd, fh_ref const fh_address *address, fh_out int *error);
/* A connection of a listener. FH_AGAIN when none waits; one that ended before it was accepted is passed over. */
FH_MUST_USE fh_status fh_os_accept(int listener, fh_out int *fd, fh_out int *error);
/* Prepares a connection that was made elsewhere, or accepted. *listens says which of the two a descriptor is; FH_INVALID for
 * one that is neither. */
FH_MUST_USE fh_status fh_os_adopt(int fd, fh_out bool *listens);
/* errno's number of what went wrong at a socket since the last time; 0: nothing. */
int fh_os_socket_fault(int fd);
/* Its own address, or the peer's. */
FH_MUST_USE fh_status fh_os_socket_name(int fd, bool peer, fh_out fh_address *out);

/* Receives up to room.size bytes; FH_END when the peer has ended its side. */
FH_MUST_USE fh_status fh_os_receive(int fd, fh_mspan room, fh_out size_t *got, fh_out int *error);
/* Sends what it can of pieces, in order. FH_END: the peer has gone. Never a signal. */
FH_MUST_USE fh_status fh_os_send(int fd, fh_views pieces, fh_out size_t *sent, fh_out int *error);
/* Ends this side of a connection; what was sent still arrives. */
void fh_os_shutdown(int fd);
/* Closes any descriptor. */
void fh_os_close(int fd);
/* Removes the file of a local listener. */
void fh_os_unlink(fh_ref const fh_address *address);

/* --- waiting for descriptors --------------------------------------------------------------------------------------- */

/* Readable; writable; and the other side has ended or the connection is broken, so that reading goes on until it says so. */
enum { FH_OS_READABLE = 1, FH_OS_WRITABLE = 2, FH_OS_ENDED = 4, FH_OS_READY_MAX = 256 };

/* A descriptor that became ready: for what, and the number that it was added with. */
typedef struct fh_os_ready {
    uint64_t key;
    uint32_t what;
} fh_os_ready;

/* A set of descriptors. */
FH_MUST_USE fh_status fh_os_poll_open(fh_out int *poll, fh_out int *error);
/* Adds one: what it becomes ready for is told once each time. */
FH_MUST_USE fh_status fh_os_poll_add(int poll, int fd, uint64_t key, fh_out int *error);
/* Takes out one that is in it and stays open. */
void fh_os_poll_remove(int poll, int fd);
/* Waits for at least one, or until timeout_ns have passed (UINT64_MAX: for ever): *count of them. FH_CANCELED: a signal. */
FH_MUST_USE fh_status fh_os_poll_wait(int poll, uint64_t timeout_ns, fh_out fh_os_ready out[FH_OS_READY_MAX],
                                      fh_out size_t *count);

/* A descriptor that any thread can make readable. */
FH_MUST_USE fh_status fh_os_bell_open(fh_out int *fd, fh_out int *error);
void fh_os_bell_ring(int fd);
/* Makes it not readable again. */
void fh_os_bell_clear(int fd);

/* --- descriptors of somebody else ----------------------------------------------------------------------------------------- */

/* What is waited for at a descriptor, and what of it is: sums of these, which are the system's own. */
enum { FH_OS_WISH_IN = 1, FH_OS_WISH_URGENT = 2, FH_OS_WISH_OUT = 4, FH_OS_WISH_ERROR = 8, FH_OS_WISH_HANGUP = 16 };
typedef struct fh_os_wish {
    int fd;
    int16_t wanted, found;
} fh_os_wish;
FH_SPAN_DEFINE(os_wishe, fh_os_wish);

/* Waits until something is found, at most timeout_ms (-1: for ever); *count says at how many, 0 when the time is over.
 * FH_CANCELED after a signal, FH_INVALID for what is no descriptor or too many of them, FH_NOMEM. */
FH_MUST_USE fh_status fh_os_await(fh_os_wishes wishes, int64_t timeout_ms, fh_out size_t *count);

#endif
