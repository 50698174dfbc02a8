/* shell.h: what the functions of zmq.h are made of: handles, contexts, sockets, frames.
 *
 *     zmq_handle.c    numbers in the shape of pointers      zmq_frame.c    zmq_msg_t
 *     zmq_context.c   contexts, errors                      zmq_socket.c   sockets, endpoints, monitors
 *     zmq_option.c    options                               zmq_transfer.c sending and receiving
 *     zmq_poll.c      polls, pollers                        zmq_proxy.c    proxies
 *     zmq_key.c       Z85 and CURVE's keys                  zmq_tool.c     counters, timers, watches, threads
 *
 * Programs hand pointers of their own: texts, buffers, frames. They are as good as the program is; everything else that it
 * hands is checked. Failures are -1, or NULL, and errno; nothing ends the program.
 *
 * Threading: a context is used by any threads, and so is a socket of the types that are drafts; all else by one at a time, and
 * a second one gets EBUSY. */
#ifndef FH_ZMQ_SHELL_H
#define FH_ZMQ_SHELL_H

#define ZMQ_BUILD_DRAFT_API
#include <zmq.h> /* ours */

#include "freehold/alloc.h"
#include "freehold/atomic.h"
#include "freehold/sock.h"
#include "mem/sync/lock.h"

/* --- handles -------------------------------------------------------------------------------------------------------------- */

typedef enum fh_zmq_kind {
    FH_ZMQ_NONE,
    FH_ZMQ_CONTEXT,
    FH_ZMQ_SOCKET,
    FH_ZMQ_POLLER,
    FH_ZMQ_TIMERS,
    FH_ZMQ_COUNTER,
    FH_ZMQ_WATCH,
    FH_ZMQ_THREAD
} fh_zmq_kind;

/* A handle for an object; NULL when there are FH_ZMQ_HANDLES already. */
enum { FH_ZMQ_HANDLES = 1 << 17 };
fh_static void *fh_zmq_handle_new(fh_zmq_kind kind, fh_ref void *object);
/* Any number of threads may have its object at once. */
void fh_zmq_handle_share(fh_ref const void *handle);
/* The object of a handle, which is this thread's (or, `shared`, one more's) until fh_zmq_leave. NULL and errno: `wrong` for
 * what is none or no more, EBUSY when another thread has it. */
fh_static void *fh_zmq_enter(fh_ref const void *handle, fh_zmq_kind kind, bool shared, int wrong);
void fh_zmq_leave(fh_ref const void *handle);
/* Ends a handle that was entered, when all others have left: true for the thread that did; another's is left all the same. */
bool fh_zmq_handle_end(fh_ref const void *handle);
/* In a child of fork: ends a handle of the parent's, whoever was in it there, and leaves its object as it is. False for any
 * other. */
bool fh_zmq_handle_forget(fh_ref const void *handle, fh_zmq_kind kind);

/* What everything is allocated with: the heap, or what a test gave in its place, before anything was allocated (NULL: the
 * heap again, after all was freed). */
fh_static fh_allocator *fh_zmq_heap(void);
void fh_zmq_heap_set(fh_ref fh_allocator *a);

/* --- errors --------------------------------------------------------------------------------------------------------------- */

/* Sets errno; -1. */
int fh_zmq_fail(int number);
/* The same for a status; `invalid` is what FH_INVALID means here. */
int fh_zmq_refuse(fh_status status, int invalid);

/* --- contexts ------------------------------------------------------------------------------------------------------------- */

typedef struct fh_zmq_context {
    fh_sock_context *sock; /* `lock`: made with the first socket */
    uint32_t lock, is_shut;
    uint32_t open;       /* sockets (latch.h): who terminates waits for the last */
    uint32_t io_started; /* I/O threads that `sock` has, or 0: it is for inproc only */
    int io_threads, sockets_max, blocky, ip6, message_max, priority, policy, zero_copy, thread_prefix;
} fh_zmq_context;

/* --- sockets -------------------------------------------------------------------------------------------------------------- */

enum { FH_ZMQ_OPTIONS = 128, FH_ZMQ_TEXT = 256, FH_ZMQ_KEY = 32 };

typedef struct fh_zmq_text {
    uint32_t size;
    uint8_t bytes[FH_ZMQ_TEXT];
} fh_zmq_text;

/* What a monitor tells to; the I/O thread and the socket's share it. */
typedef struct fh_zmq_monitor {
    uint32_t lock, kinds;
    fh_sock_context *context;
    fh_sock pair; /* {0}: nobody */
} fh_zmq_monitor;

typedef struct fh_zmq_socket {
    fh_zmq_context *context;
    fh_sock sock;
    int type;
    uint32_t lock; /* where several threads are in it: of what follows; nobody sleeps with it */
    fh_message out, in; /* parts of a message that is being sent, or received */
    size_t in_at;
    fh_message peer; /* the properties of who sent the last message, and the same for zmq_msg_gets */
    fh_bytes about;
    bool in_more;  /* what was received last is not the last part */
    bool is_lost;  /* a REQ whose question has no answer */
    int64_t values[FH_ZMQ_OPTIONS];
    int mechanism;
    bool is_server;
    fh_zmq_text username, password, domain, public_key, secret_key, server_key;
    fh_zmq_monitor monitor;
} fh_zmq_socket;

/* True for a socket that any number of threads may use at once. */
static inline bool fh_zmq_is_shared(const fh_zmq_socket *z) {
    return z->type >= ZMQ_SERVER;
}
/* There is a part of a message to receive. */
static inline bool fh_zmq_has_part(const fh_zmq_socket *z) {
    return z->in_at < fh_message_count(&z->in);
}
/* A REQ that may not ask again yet: nobody will answer, or the answer was not read to its end. */
static inline bool fh_zmq_is_asking(const fh_zmq_socket *z) {
    return z->type == ZMQ_REQ && z->values[ZMQ_REQ_RELAXED] == 0 && (z->is_lost || fh_zmq_has_part(z));
}
/* An open socket, entered; NULL and errno (ENOTSOCK, ETERM, EBUSY). */
fh_static fh_zmq_socket *fh_zmq_socket_enter(fh_ref const void *handle);
/* First values of the options. */
void fh_zmq_options_init(fh_mut fh_zmq_socket *z);
/* Gives the socket the security that its options say. */
fh_status fh_zmq_options_secure(fh_mut fh_zmq_socket *z);

/* Its connections' events go to its monitor, when it has one. */
fh_status fh_zmq_monitor_watch(fh_mut fh_zmq_socket *z);

/* The next message, as parts to receive; those of the last one are gone. FH_AGAIN also for a REQ that nobody will answer. */
FH_MUST_USE fh_status fh_zmq_fetch(fh_mut fh_zmq_socket *z, int flags);
/* What is left of a time that began at begin_ns; -1: for ever. */
int64_t fh_zmq_left(int64_t timeout_ms, uint64_t begin_ns);
/* ZMQ_POLLIN and ZMQ_POLLOUT, as far as they are so; -1 and errno. The caller has the lock. */
int fh_zmq_socket_events(fh_mut fh_zmq_socket *z);
/* Tells the monitor, if there is one. */
void fh_zmq_monitor_say(fh_mut fh_zmq_monitor *m, uint32_t kind, uint32_t value, fh_span endpoint);
void fh_zmq_monitor_stop(fh_mut fh_zmq_monitor *m);

/* --- bytes of the program's ----------------------------------------------------------------------------------------------- */

fh_span fh_zmq_span(fh_ref fh_counted(2) const void *data, size_t size) fh_view(1);
fh_mspan fh_zmq_room(fh_mut fh_counted(2) void *data, size_t size) fh_view(1);

/* Z85: `text` has 5 characters for each 4 bytes. decode: false for what is no Z85. */
void fh_zmq_z85_encode(fh_mspan text, fh_span data);
FH_MUST_USE bool fh_zmq_z85_decode(fh_mspan data, fh_span text);

#endif
