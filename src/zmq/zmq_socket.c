/* zmq_socket.c: endpoints and monitors (shell.h).
 *
 * A monitor is a PAIR of the context, which is bound to the name that the program gave. Whoever sees an event, which may be
 * the I/O thread, sends it there at once; with nobody at the other end, or one who does not read, it is lost.
 *
 * Invariants: `pair` is not {0} while there is a monitor. Threading: a monitor's lock is held for one message. */
#include <inttypes.h>

#include "freehold/buf.h"
#include "freehold/os.h"
#include "zmq/shell.h"

/* --- endpoints ------------------------------------------------------------------------------------------------------------ */

/* errno's number, where the report names one; else `otherwise`. */
static int number_in(const fh_err *err, int otherwise) {
    static const char mark[] = "(errno ";
    fh_span text = fh_span_of_str(err->message);
    size_t at = fh_span_find(text, fh_span_of_str(mark), 0);
    int number = 0;
    if (at == SIZE_MAX)
        return otherwise;
    for (at += sizeof mark - 1; at < text.size && fh_span_at(text, at) >= '0' && fh_span_at(text, at) <= '9'; at++)
        number = number * 10 + (fh_span_at(text, at) - '0');
    return number != 0 ? number : otherwise;
}

static int refuse(fh_status s, const fh_err *err, bool bind) {
    if (s.code == FH_BORROWED && bind)
        return fh_zmq_fail(EADDRINUSE);
    if (s.code == FH_IO)
        return fh_zmq_fail(number_in(err, EIO));
    if (s.code == FH_NOT_FOUND)
        return fh_zmq_fail(bind ? ENODEV : EINVAL);
    if (s.code == FH_UNSUPPORTED)
        return fh_zmq_fail(EPROTONOSUPPORT);
    return fh_zmq_refuse(s, s.code == FH_LIMIT ? ENAMETOOLONG : EINVAL);
}

/* A path of its own, under TMPDIR: what a wildcard of ipc means. */
static fh_status name_path(fh_buf *name) {
    const char *folder = fh_os_env("TMPDIR");
    FH_TRY(fh_buf_put(name, FH_LIT("ipc://")));
    FH_TRY(fh_buf_put(name, folder != NULL ? fh_span_of_str(folder) : FH_LIT("/tmp")));
    return fh_buf_format(name, "/freehold-%016" PRIx64, fh_os_random());
}

static fh_status bind_path(fh_zmq_socket *z, fh_err *err) {
    fh_buf name;
    fh_buf_init(&name, fh_zmq_heap(), FH_SOCK_ENDPOINT_MAX);
    fh_status s = name_path(&name);
    if (!fh_failed(s))
        s = fh_sock_bind(z->context->sock, z->sock, fh_buf_view(&name), err);
    fh_buf_deinit(&name);
    return s;
}

static fh_status attach_to(fh_zmq_socket *z, fh_span name, bool bind, fh_err *err) {
    FH_TRY(fh_zmq_options_secure(z));
    if (!bind)
        return fh_sock_connect(z->context->sock, z->sock, name, err);
    return fh_span_is(name, "ipc://*") ? bind_path(z, err) : fh_sock_bind(z->context->sock, z->sock, name, err);
}

/* True for an endpoint that none of the I/O threads may serve. */
static bool lacks_thread(const fh_zmq_socket *z, fh_span name) {
    uint64_t all = (UINT64_C(1) << z->context->io_started) - 1, wanted = (uint64_t)z->values[ZMQ_AFFINITY];
    bool remote = fh_span_starts(name, FH_LIT("tcp://")) || fh_span_starts(name, FH_LIT("ipc://"));
    return remote && (wanted != 0 ? wanted & all : all) == 0;
}

static int attach(void *socket, const char *endpoint, bool bind) {
    fh_err err;
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    if (z == NULL)
        return -1;
    if (endpoint != NULL && lacks_thread(z, fh_span_of_str(endpoint))) {
        fh_zmq_leave(socket);
        return fh_zmq_fail(EMTHREAD);
    }
    fh_err_clear(&err);
    fh_lock_take(&z->lock);
    fh_status s = endpoint != NULL ? attach_to(z, fh_span_of_str(endpoint), bind, &err) : FH_STATUS(FH_INVALID);
    if (!fh_failed(s))
        (void)fh_zmq_socket_events(z); /* who connected before is taken in now, and hears what is subscribed to */
    fh_lock_give(&z->lock);
    fh_zmq_leave(socket);
    return fh_failed(s) ? refuse(s, &err, bind) : 0;
}

int zmq_bind(void *socket, const char *endpoint) {
    return attach(socket, endpoint, true);
}

int zmq_connect(void *socket, const char *endpoint) {
    return attach(socket, endpoint, false);
}

static fh_status connect_peer(fh_zmq_socket *z, const char *endpoint, uint32_t *id, fh_err *err) {
    *id = 0;
    if (endpoint == NULL)
        return FH_STATUS(FH_INVALID);
    FH_TRY(fh_zmq_options_secure(z));
    FH_TRY(fh_sock_connect_peer(z->context->sock, z->sock, fh_span_of_str(endpoint), id, err));
    (void)fh_zmq_socket_events(z); /* as in attach */
    return FH_DONE;
}

/* The number of the peer; 0 and errno. */
uint32_t zmq_connect_peer(void *socket, const char *endpoint) {
    fh_err err;
    uint32_t id = 0;
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    if (z == NULL)
        return 0;
    fh_err_clear(&err);
    fh_lock_take(&z->lock);
    bool is_peer = z->type == ZMQ_PEER, waits = z->values[ZMQ_IMMEDIATE] != 0;
    fh_status s = is_peer && !waits ? connect_peer(z, endpoint, &id, &err) : FH_STATUS(FH_UNSUPPORTED);
    fh_lock_give(&z->lock);
    fh_zmq_leave(socket);
    if (!is_peer || waits)
        (void)fh_zmq_fail(is_peer ? EFAULT : ENOTSUP);
    else if (fh_failed(s))
        (void)refuse(s, &err, false);
    return id;
}

/* True for a name with a port, or a path, that the system chose: as with libzmq it is known by what was chosen alone. */
static bool is_wildcard(fh_span name) {
    return fh_span_is(name, "ipc://*") || (name.size > 2 && fh_span_is(fh_span_from(name, name.size - 2), ":*"));
}

static int detach(void *socket, const char *endpoint, bool bound) {
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    if (z == NULL)
        return -1;
    fh_span name = fh_span_of_str(endpoint);
    fh_status s = FH_STATUS(FH_INVALID);
    if (endpoint != NULL && is_wildcard(name))
        s = FH_STATUS(FH_NOT_FOUND);
    else if (endpoint != NULL && fh_span_find(name, FH_LIT("://"), 0) != SIZE_MAX)
        s = bound ? fh_sock_unbind(z->context->sock, z->sock, name) : fh_sock_disconnect(z->context->sock, z->sock, name);
    fh_zmq_leave(socket);
    if (s.code == FH_NOT_FOUND)
        return fh_zmq_fail(ENOENT);
    return fh_failed(s) ? fh_zmq_refuse(s, EINVAL) : 0;
}

int zmq_unbind(void *socket, const char *endpoint) {
    return detach(socket, endpoint, true);
}

int zmq_disconnect(void *socket, const char *endpoint) {
    return detach(socket, endpoint, false);
}

static int group(void *socket, const char *name, bool join) {
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    if (z == NULL)
        return -1;
    fh_span text = fh_span_of_str(name);
    fh_status s = FH_STATUS(FH_INVALID);
    if (z->type == ZMQ_DISH && name != NULL)
        s = join ? fh_sock_subscribe(z->context->sock, z->sock, text) : fh_sock_unsubscribe(z->context->sock, z->sock, text);
    fh_zmq_leave(socket);
    return fh_failed(s) ? fh_zmq_refuse(s, EINVAL) : 0;
}

int zmq_join(void *socket, const char *name) {
    return group(socket, name, true);
}

int zmq_leave(void *socket, const char *name) {
    return group(socket, name, false);
}

/* --- monitors ------------------------------------------------------------------------------------------------------------- */

/* An event as libzmq's two parts: its number and its value; its endpoint. */
static fh_status push_event(fh_message *m, uint32_t kind, uint32_t value, fh_span endpoint) {
    uint8_t bytes[6] = {(uint8_t)kind, (uint8_t)(kind >> 8)};
    uint16_t number = (uint16_t)kind;
    fh_mspan all = {bytes, sizeof bytes};
    fh_mspan_put_u16(all, 0, number);
    fh_mspan_put_u32(all, 2, value);
    FH_TRY(fh_message_push_copy(m, fh_zmq_heap(), fh_span_of_mut(all)));
    return fh_message_push_copy(m, fh_zmq_heap(), endpoint);
}

void fh_zmq_monitor_say(fh_zmq_monitor *m, uint32_t kind, uint32_t value, fh_span endpoint) {
    fh_message event = {0};
    fh_lock_take(&m->lock);
    if (m->pair.value != 0 && (m->kinds & kind) != 0 && !fh_failed(push_event(&event, kind, value, endpoint)))
        (void)!fh_failed(fh_sock_try_send(m->context, m->pair, &event));
    fh_lock_give(&m->lock);
    fh_message_drop(&event, fh_zmq_heap());
}

/* What libzmq calls a fault of a handshake. */
static uint32_t fault_of(int64_t kind) {
    if (kind >= FH_SOCK_ZAP_UNSPECIFIED)
        return (uint32_t)(ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED + (kind - FH_SOCK_ZAP_UNSPECIFIED));
    switch (kind) {
    case FH_ZMTP_FAULT_MECHANISM:
        return ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH;
    case FH_ZMTP_FAULT_UNEXPECTED:
        return ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND;
    case FH_ZMTP_FAULT_COMMAND:
        return ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED;
    case FH_ZMTP_FAULT_HELLO:
        return ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO;
    case FH_ZMTP_FAULT_WELCOME:
        return ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME;
    case FH_ZMTP_FAULT_INITIATE:
        return ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE;
    case FH_ZMTP_FAULT_READY:
        return ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY;
    case FH_ZMTP_FAULT_ERROR:
        return ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR;
    case FH_ZMTP_FAULT_MESSAGE:
        return ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE;
    case FH_ZMTP_FAULT_METADATA:
        return ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA;
    case FH_ZMTP_FAULT_NONCE:
        return ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE;
    case FH_ZMTP_FAULT_CRYPTO:
        return ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC;
    default:
        return ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED;
    }
}

/* errno's number for a handshake that failed without more to say. */
static uint32_t number_of(int64_t fault) {
    if (fault == FH_SOCK_ZAP_MISSING)
        return EFAULT;
    return fault == FH_ZMTP_FAULT_HANDSHAKE_TIME || fault == FH_ZMTP_FAULT_SILENT ? ETIMEDOUT : EPIPE;
}

static void happened(void *ctx, fh_sock_happening kind, int64_t value, fh_span endpoint) {
    fh_zmq_monitor *m = ctx;
    uint32_t said = kind == FH_SOCK_IS_HANDSHAKE_FAILED_PROTOCOL ? fault_of(value)
                    : kind == FH_SOCK_IS_HANDSHAKE_FAILED        ? number_of(value)
                                                                 : (uint32_t)value;
    fh_zmq_monitor_say(m, kind, said, endpoint);
}

void fh_zmq_monitor_stop(fh_zmq_monitor *m) {
    fh_zmq_monitor_say(m, ZMQ_EVENT_MONITOR_STOPPED, 0, FH_LIT(""));
    fh_lock_take(&m->lock);
    fh_sock pair = m->pair;
    m->pair = (fh_sock){0};
    fh_lock_give(&m->lock);
    if (pair.value != 0)
        (void)!fh_failed(fh_sock_close(m->context, pair));
}

static fh_status open_pair(fh_sock_context *c, fh_span name, fh_sock *pair) {
    fh_err err;
    fh_err_clear(&err);
    FH_TRY(fh_sock_open(c, FH_ZMTP_PAIR, pair));
    fh_status s = fh_sock_set(c, *pair, FH_SOCK_SEND_MARK, 0);
    if (!fh_failed(s))
        s = fh_sock_bind(c, *pair, name, &err);
    if (fh_failed(s))
        (void)!fh_failed(fh_sock_close(c, *pair));
    return s;
}

static fh_status start(fh_zmq_socket *z, fh_span name, uint32_t kinds) {
    fh_sock pair;
    FH_TRY(open_pair(z->context->sock, name, &pair));
    fh_zmq_monitor_stop(&z->monitor);
    fh_lock_take(&z->monitor.lock);
    z->monitor.pair = pair;
    z->monitor.kinds = kinds;
    fh_lock_give(&z->monitor.lock);
    return FH_DONE;
}

int zmq_socket_monitor(void *socket, const char *endpoint, int events) {
    fh_span name = fh_span_of_str(endpoint);
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    fh_status s = FH_DONE;
    if (z == NULL)
        return -1;
    fh_lock_take(&z->lock);
    if (endpoint == NULL)
        fh_zmq_monitor_stop(&z->monitor);
    else if (!fh_span_starts(name, FH_LIT("inproc://")))
        s = FH_STATUS(FH_UNSUPPORTED);
    else
        s = start(z, name, (uint32_t)events);
    fh_lock_give(&z->lock);
    fh_zmq_leave(socket);
    return fh_failed(s) ? refuse(s, &(fh_err){0}, true) : 0;
}

fh_status fh_zmq_monitor_watch(fh_zmq_socket *z) {
    fh_sock_watcher w = {.happened = happened, .ctx = &z->monitor};
    return fh_sock_watch(z->context->sock, z->sock, FH_SOCK_IS_ANY, w);
}
