/* zmq_context.c: contexts, errors, what the library can do (shell.h).
 *
 * A context's sockets know it, so it ends after the last of them: zmq_ctx_term sleeps until then. From zmq_ctx_shutdown on all
 * calls give ETERM, but zmq_close. A child of fork has none of the threads that its parent's contexts and sockets need: it
 * only forgets them. Threading: any thread. */
#include "zmq/shell.h"

#include <string.h>

#include "freehold/os.h"
#include "mem/sync/latch.h"
#include "proto/box.h"

enum { PAIRS_EXTRA = 8, SOCKETS_LIMIT = 65535 };

/* --- errors --------------------------------------------------------------------------------------------------------------- */

int fh_zmq_fail(int number) {
    errno = number;
    return -1;
}

/* errno's number for a code; 0: it depends on the call. */
static const int numbers[FH_CODE_COUNT] = {
    [FH_AGAIN] = EAGAIN,     [FH_TIMEOUT] = EAGAIN,    [FH_END] = EAGAIN,     [FH_NOMEM] = ENOMEM,   [FH_UNSUPPORTED] = ENOTSUP,
    [FH_STALE] = ENOTSOCK,   [FH_BORROWED] = EBUSY,    [FH_EXHAUSTED] = EMFILE, [FH_CANCELED] = ETERM, [FH_IO] = EIO,
};

int fh_zmq_refuse(fh_status status, int invalid) {
    int number = numbers[status.code % FH_CODE_COUNT];
    return fh_zmq_fail(number != 0 ? number : invalid);
}

int zmq_errno(void) {
    return errno;
}

const char *zmq_strerror(int number) {
    switch (number) {
    case EFSM:
        return "Operation cannot be accomplished in current state";
    case ENOCOMPATPROTO:
        return "The protocol is not compatible with the socket type";
    case ETERM:
        return "Context was terminated";
    case EMTHREAD:
        return "No thread available";
    case EHOSTUNREACH:
        return "Host unreachable";
    FH_UNSAFE("zmq-caller");
    default:
        break;
    }
    FH_UNSAFE("zmq-caller");
    return strerror(number);
}

void zmq_version(int *major, int *minor, int *patch) {
    if (major != NULL)
        *major = ZMQ_VERSION_MAJOR;
    if (minor != NULL)
        *minor = ZMQ_VERSION_MINOR;
    if (patch != NULL)
        *patch = ZMQ_VERSION_PATCH;
}

int zmq_has(const char *capability) {
    fh_span name = fh_span_of_str(capability);
    return fh_span_is(name, "ipc") || (fh_span_is(name, "curve") && fh_box_available());
}

/* --- contexts ------------------------------------------------------------------------------------------------------------- */

static fh_zmq_context *enter(const void *handle) {
    return fh_zmq_enter(handle, FH_ZMQ_CONTEXT, true, EFAULT);
}

void *zmq_ctx_new(void) {
    fh_zmq_context *c = fh_alloc(fh_zmq_heap(), 1, sizeof *c);
    if (c == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    c->io_threads = ZMQ_IO_THREADS_DFLT;
    c->sockets_max = ZMQ_MAX_SOCKETS_DFLT;
    c->blocky = 1;
    c->message_max = INT32_MAX;
    c->priority = ZMQ_THREAD_PRIORITY_DFLT;
    c->policy = ZMQ_THREAD_SCHED_POLICY_DFLT;
    c->zero_copy = 1;
    void *handle = fh_zmq_handle_new(FH_ZMQ_CONTEXT, c);
    if (handle == NULL) {
        fh_free(fh_zmq_heap(), c);
        errno = EMFILE;
    }
    return handle;
}

static void shut(fh_zmq_context *c) {
    fh_lock_take(&c->lock);
    fh_store(&c->is_shut, 1, FH_RELEASE);
    if (c->sock != NULL)
        fh_sock_context_refuse(c->sock);
    fh_lock_give(&c->lock);
}

int zmq_ctx_shutdown(void *context) {
    fh_zmq_context *c = enter(context);
    if (c == NULL)
        return -1;
    shut(c);
    fh_zmq_leave(context);
    return 0;
}

int zmq_ctx_term(void *context) {
    if (fh_zmq_handle_forget(context, FH_ZMQ_CONTEXT))
        return 0;
    fh_zmq_context *c = enter(context);
    if (c == NULL)
        return -1;
    shut(c);
    if (!fh_latch_wait(&c->open)) {
        fh_zmq_leave(context);
        return fh_zmq_fail(EINTR);
    }
    if (!fh_zmq_handle_end(context))
        return fh_zmq_fail(EFAULT); /* another thread has ended it */
    fh_sock_context_free(c->sock);
    fh_free(fh_zmq_heap(), c);
    return 0;
}

int zmq_ctx_destroy(void *context) {
    FH_UNSAFE("zmq-caller");
    return zmq_ctx_term(context);
}

int zmq_term(void *context) {
    FH_UNSAFE("zmq-caller");
    return zmq_ctx_term(context);
}

void *zmq_init(int io_threads) {
    if (io_threads < 0) {
        errno = EINVAL;
        return NULL;
    }
    FH_UNSAFE("zmq-caller");
    void *context = zmq_ctx_new();
    if (context != NULL)
        (void)zmq_ctx_set(context, ZMQ_IO_THREADS, io_threads);
    return context;
}

/* --- options -------------------------------------------------------------------------------------------------------------- */

/* Where an option that is a number lies; NULL for others. */
static int *place_of(fh_zmq_context *c, int option, int *least, int *most) {
    *least = 0;
    *most = INT32_MAX;
    switch (option) {
    case ZMQ_IO_THREADS:
        return &c->io_threads;
    case ZMQ_MAX_SOCKETS:
        *least = 1;
        *most = SOCKETS_LIMIT;
        return &c->sockets_max;
    case ZMQ_BLOCKY:
        return &c->blocky;
    case ZMQ_IPV6:
        return &c->ip6;
    case ZMQ_MAX_MSGSZ:
        return &c->message_max;
    case ZMQ_THREAD_SCHED_POLICY:
        return &c->policy;
    case ZMQ_THREAD_NAME_PREFIX:
        return &c->thread_prefix;
    case ZMQ_ZERO_COPY_RECV:
        return &c->zero_copy;
    default:
        return NULL;
    }
}

static int set(fh_zmq_context *c, int option, int value) {
    int least, most;
    if (option == ZMQ_THREAD_PRIORITY) { /* the number of SOCKET_LIMIT, which is read only */
        c->priority = value;
        return value >= 0 ? 0 : fh_zmq_fail(EINVAL);
    }
    if (option == ZMQ_THREAD_AFFINITY_CPU_ADD || option == ZMQ_THREAD_AFFINITY_CPU_REMOVE)
        return value >= 0 ? 0 : fh_zmq_fail(EINVAL);
    int *place = place_of(c, option, &least, &most);
    if (place == NULL || value < least || value > most)
        return fh_zmq_fail(EINVAL);
    *place = value;
    return 0;
}

int zmq_ctx_set(void *context, int option, int value) {
    fh_zmq_context *c = enter(context);
    if (c == NULL)
        return -1;
    fh_lock_take(&c->lock);
    int result = set(c, option, value);
    fh_lock_give(&c->lock);
    fh_zmq_leave(context);
    return result;
}

static int get(fh_zmq_context *c, int option) {
    int least, most;
    if (option == ZMQ_SOCKET_LIMIT)
        return SOCKETS_LIMIT;
    if (option == ZMQ_MSG_T_SIZE)
        return sizeof(zmq_msg_t);
    const int *place = place_of(c, option, &least, &most);
    return place != NULL ? *place : fh_zmq_fail(EINVAL);
}

int zmq_ctx_get(void *context, int option) {
    fh_zmq_context *c = enter(context);
    if (c == NULL)
        return -1;
    fh_lock_take(&c->lock);
    int result = get(c, option);
    fh_lock_give(&c->lock);
    fh_zmq_leave(context);
    return result;
}

int zmq_ctx_set_ext(void *context, int option, const void *value, size_t size) {
    if (value == NULL || size != sizeof(int))
        return fh_zmq_fail(EINVAL);
    const int *number = value;
    FH_UNSAFE("zmq-caller");
    return zmq_ctx_set(context, option, *number);
}

int zmq_ctx_get_ext(void *context, int option, void *value, size_t *size) {
    if (value == NULL || size == NULL || *size < sizeof(int))
        return fh_zmq_fail(EINVAL);
    FH_UNSAFE("zmq-caller");
    int number = zmq_ctx_get(context, option), *out = value;
    if (number < 0)
        return -1;
    *out = number;
    *size = sizeof number;
    return 0;
}

/* --- sockets -------------------------------------------------------------------------------------------------------------- */

/* Makes room for one more socket; the context's lock is held. Monitors have sockets of their own, beside these. */
static int admit(fh_zmq_context *c) {
    if (fh_load(&c->is_shut, FH_ACQUIRE) != 0)
        return fh_zmq_fail(ETERM);
    if (fh_load(&c->open, FH_RELAXED) >= (uint32_t)c->sockets_max)
        return fh_zmq_fail(EMFILE);
    if (c->sock == NULL) {
        uint32_t most = 2 * (uint32_t)c->sockets_max + PAIRS_EXTRA, threads = (uint32_t)c->io_threads;
        c->io_started = threads < FH_SOCK_IO_THREADS_MAX ? threads : FH_SOCK_IO_THREADS_MAX;
        fh_sock_context_options o = {.sockets_max = most < SOCKETS_LIMIT ? most : SOCKETS_LIMIT, .interrupts = true,
                                     .io_threads = c->io_started};
        fh_status s = fh_sock_context_new(fh_zmq_heap(), &o, &c->sock);
        if (fh_failed(s))
            return fh_zmq_refuse(s, EINVAL);
    }
    fh_latch_open(&c->open);
    return 0;
}

/* A socket that `open` counts. */
static void *open_socket(fh_zmq_context *c, int type) {
    fh_zmq_socket *z = fh_alloc(fh_zmq_heap(), 1, sizeof *z);
    fh_status s = z != NULL ? fh_sock_open(c->sock, (fh_zmtp_socket)type, &z->sock) : FH_STATUS(FH_NOMEM);
    void *handle = NULL;
    if (!fh_failed(s)) {
        z->context = c;
        z->type = type;
        z->monitor.context = c->sock;
        fh_zmq_options_init(z);
        s = fh_zmq_monitor_watch(z);
    }
    if (!fh_failed(s)) {
        handle = fh_zmq_handle_new(FH_ZMQ_SOCKET, z);
        s = FH_STATUS(handle == NULL ? FH_EXHAUSTED : FH_OK);
        if (fh_zmq_is_shared(z))
            fh_zmq_handle_share(handle);
    }
    if (handle == NULL) {
        if (z != NULL && z->sock.value != 0)
            (void)!fh_failed(fh_sock_close(c->sock, z->sock));
        fh_free(fh_zmq_heap(), z);
        fh_latch_close(&c->open);
        (void)fh_zmq_refuse(s.code == FH_UNSUPPORTED ? FH_STATUS(FH_INVALID) : s, EINVAL);
    }
    return handle;
}

void *zmq_socket(void *context, int type) {
    fh_zmq_context *c = enter(context);
    if (c == NULL)
        return NULL;
    fh_lock_take(&c->lock);
    int admitted = admit(c);
    fh_lock_give(&c->lock);
    void *handle = admitted == 0 ? open_socket(c, type) : NULL;
    fh_zmq_leave(context);
    return handle;
}

/* One that no other thread has any more, and whose socket below is closed. */
static void drop_socket(fh_zmq_socket *z) {
    fh_zmq_context *c = z->context;
    fh_zmq_monitor_stop(&z->monitor);
    fh_message_drop(&z->out, fh_zmq_heap());
    fh_message_drop(&z->in, fh_zmq_heap());
    fh_message_drop(&z->peer, fh_zmq_heap());
    fh_bytes_drop(&z->about);
    FH_UNSAFE("zmq-caller");
    fh_mspan_fill((fh_mspan){(uint8_t *)z, sizeof *z}, 0); /* passwords and keys */
    fh_free(fh_zmq_heap(), z);
    fh_latch_close(&c->open);
}

int zmq_close(void *socket) {
    if (fh_zmq_handle_forget(socket, FH_ZMQ_SOCKET))
        return 0;
    fh_zmq_socket *z = fh_zmq_enter(socket, FH_ZMQ_SOCKET, false, ENOTSOCK);
    if (z == NULL)
        return -1;
    /* its listeners say that they are closed; who sleeps in it comes back, and leaves the handle */
    (void)!fh_failed(fh_sock_close(z->context->sock, z->sock));
    if (!fh_zmq_handle_end(socket))
        return fh_zmq_fail(ENOTSOCK); /* another thread has closed it */
    drop_socket(z);
    return 0;
}

fh_zmq_socket *fh_zmq_socket_enter(const void *handle) {
    fh_zmq_socket *z = fh_zmq_enter(handle, FH_ZMQ_SOCKET, false, ENOTSOCK);
    if (z != NULL && fh_load(&z->context->is_shut, FH_ACQUIRE) != 0) {
        fh_zmq_leave(handle);
        errno = ETERM;
        return NULL;
    }
    return z;
}
