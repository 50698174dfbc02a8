/* uring.h: operations on sockets that the kernel does by itself: io_uring(7), for the layer `net`, which is the only one to
 * use it.
 *
 * What is asked for is written to a ring in memory; fh_uring_wait shows it to the kernel and waits, in one call; what has ended
 * is read from another ring, without a call. An operation is known by the key that it was asked for with, and comes back once,
 * or several times (`more`: not the last).
 *
 * What an operation refers to belongs to the kernel until its last completion: a descriptor, the bytes of the pieces, room, and
 * lent buffers. The ring does not know whose they are, so the caller keeps count, and fh_uring_close asserts that nothing is
 * under way.
 *
 * Threading: one thread at a time. With one_thread only the one that waited first may wait (FH_INVALID). */
#ifndef FH_OS_URING_H
#define FH_OS_URING_H

#include "freehold/span.h"
#include "freehold/status.h"

/* Operations between two waits; pieces of all sends among them; buffers that can be lent. */
enum { FH_URING_OPS_MAX = 256, FH_URING_PIECES_MAX = 2048, FH_URING_BUFFERS = 32 };
/* The key of what nobody asks about; no operation has it. */
#define FH_URING_NO_KEY UINT64_C(0)

typedef struct fh_uring fh_uring;

typedef struct fh_uring_options {
    bool one_thread; /* the caller's promise: the kernel then does its part only when this thread waits */
    bool oldest;     /* uses nothing that Linux 5.19 lacks */
} fh_uring_options;

/* What of the kernel a ring uses. */
typedef struct fh_uring_about {
    bool is_deferred;    /* its work is done in fh_uring_wait, and nowhere else (Linux 6.1, one_thread) */
    bool is_cooperative; /* … when the thread is in the kernel anyway (5.19, one_thread) */
    bool is_incremental; /* a lent buffer takes one receive behind the other (6.12) */
} fh_uring_about;

/* An operation that has ended, or has something to say. */
typedef struct fh_uring_done {
    uint64_t key;
    fh_status status; /* FH_AGAIN: canceled, or nothing came of it; ask again, unless you canceled it. FH_END: of a send, the
                         peer has gone. FH_IO, FH_EXHAUSTED, FH_NOMEM */
    int error;        /* errno's number, if it failed */
    uint32_t count;   /* bytes, or the descriptor of a connection; 0 if it failed */
    bool more;        /* not the last of this operation */
    bool no_buffer;   /* FH_EXHAUSTED, since none was lent */
    bool has_buffer;  /* `buffer` was used: `count` bytes, behind those that it got before */
    bool buffer_stays; /* … and is the kernel's still */
    bool has_rest;    /* of a receive: the socket had more bytes */
    uint16_t buffer;
} fh_uring_done;

/* A ring. FH_UNSUPPORTED, with errno's number: EPERM (forbidden), ENOSYS (there is none), ENOMEM, or EINVAL (too old). FH_IO,
 * FH_EXHAUSTED (no descriptor), FH_NOMEM. */
FH_MUST_USE fh_status fh_uring_open(fh_uring_options options, fh_owned fh_uring **out, fh_out int *error);
/* Ends it; nothing is under way. All that was lent is the caller's again. NULL is allowed. */
void fh_uring_close(fh_drop fh_uring *r);
/* What an error of fh_uring_open means, for people. */
fh_static const char *fh_uring_refusal(int error);
fh_uring_about fh_uring_about_get(fh_ref const fh_uring *r);

/* --- asking ----------------------------------------------------------------------------------------------------------------
 *
 * FH_EXHAUSTED: as much has been asked for as one wait can show. */

/* Connections of a listener, one completion each, with its descriptor, non-blocking and close-on-exec. */
FH_MUST_USE fh_status fh_uring_accept(fh_mut fh_uring *r, int fd, uint64_t key);
/* Once, when a connection is made or has failed. */
FH_MUST_USE fh_status fh_uring_writable(fh_mut fh_uring *r, int fd, uint64_t key);
/* Receives into room. `later`: there is probably nothing yet. */
FH_MUST_USE fh_status fh_uring_receive_into(fh_mut fh_uring *r, int fd, fh_mspan room, bool later, uint64_t key);
/* Receives into a buffer that was lent. */
FH_MUST_USE fh_status fh_uring_receive(fh_mut fh_uring *r, int fd, bool later, uint64_t key);
/* Sends what it can of pieces, in order; FH_URING_PIECES_MAX of them at most. `later`: there is probably no room yet. Never a
 * signal. */
FH_MUST_USE fh_status fh_uring_send(fh_mut fh_uring *r, int fd, fh_views pieces, bool later, uint64_t key);
/* Once, when a bell (os/socket.h) has rung; it rings no more. */
FH_MUST_USE fh_status fh_uring_bell(fh_mut fh_uring *r, int fd, uint64_t key);
/* Ends all operations of a descriptor, each with its completion: FH_AGAIN, if it was not over. */
FH_MUST_USE fh_status fh_uring_cancel(fh_mut fh_uring *r, int fd);
/* Lends a buffer of this number, below FH_URING_BUFFERS, that is not the kernel's now. */
void fh_uring_lend(fh_mut fh_uring *r, uint16_t number, fh_mspan room);

/* --- waiting ------------------------------------------------------------------------------------------------------------- */

/* True if something was asked for and not shown to the kernel. */
bool fh_uring_has_news(fh_ref const fh_uring *r);
/* Shows it, and waits for a completion, until timeout_ns have passed (0: does not wait; UINT64_MAX: for ever). FH_CANCELED: a
 * signal came. FH_INVALID: another thread waited first. FH_IO. *calls: how many system calls it made. */
FH_MUST_USE fh_status fh_uring_wait(fh_mut fh_uring *r, uint64_t timeout_ns, fh_out uint32_t *calls);
/* The next completion; false if there is none. */
bool fh_uring_next(fh_mut fh_uring *r, fh_out fh_uring_done *out);

#endif
