/* zmq_transfer.c: sending and receiving, part by part (shell.h).
 *
 * Sockets below have whole messages: parts are kept until the last one comes. Whether there is room is asked with the first
 * part, so that a message is refused whole, with its first part, as programs expect it. Should the peer be gone by the last
 * one, the message is dropped, and the last part is refused with the reason.
 *
 * Of the types that are drafts, a message is one part. In the sockets below, those of SERVER and PEER begin with the number of
 * a peer, those of RADIO and DISH with a group; here both are the frame's. Several threads may be in such a socket: what is
 * sent is its thread's until it is handed over; what is received is taken and described by one at a time, and who waits sleeps
 * below.
 *
 * Threading: shell.h. */
#include <sys/uio.h>

#include "freehold/buf.h"
#include "freehold/os.h"
#include "mem/gift.h"
#include "zmq/frame.h"

enum { RETRY_NAP_NS = 1000000 };

/* A signal, or no room (no message) by the time. */
static int refuse(fh_zmq_socket *z, fh_status s, int flags, int timeout) {
    bool waited = (flags & ZMQ_DONTWAIT) == 0 && fh_load(&z->values[timeout], FH_RELAXED) != 0;
    if (s.code == FH_AGAIN && waited)
        return fh_zmq_fail(EINTR);
    if (s.code == FH_NOT_FOUND)
        return fh_zmq_fail(EHOSTUNREACH);
    if (s.code == FH_LIMIT)
        return fh_zmq_fail(EMSGSIZE);
    return fh_zmq_refuse(s, z->type < ZMQ_SERVER ? EFSM : EINVAL);
}

static bool has_number(const fh_zmq_socket *z) {
    return z->type == ZMQ_SERVER || z->type == ZMQ_PEER;
}

static bool has_group(const fh_zmq_socket *z) {
    return z->type == ZMQ_RADIO || z->type == ZMQ_DISH;
}

static void forget_parts(fh_zmq_socket *z) {
    fh_message_clear(&z->in, fh_zmq_heap());
    z->in_at = 0;
}

/* --- sending -------------------------------------------------------------------------------------------------------------- */

/* These are writable whoever is full: a ROUTER, and publishers, with the options that have them wait for room. */
static bool is_ever_writable(const fh_zmq_socket *z) {
    return z->type == ZMQ_ROUTER || z->type == ZMQ_PUB || z->type == ZMQ_XPUB;
}

/* Waits until a message that begins with this part finds room. */
static fh_status wait_for_room(fh_zmq_socket *z, fh_span first, int flags) {
    int64_t timeout = z->values[ZMQ_SNDTIMEO];
    uint64_t begin = fh_os_clock_ns();
    bool wait = (flags & ZMQ_DONTWAIT) == 0 && timeout != 0;
    for (;;) {
        fh_status s = fh_sock_may_send(z->context->sock, z->sock, first);
        int64_t left = fh_zmq_left(timeout, begin);
        if (s.code != FH_AGAIN || !wait)
            return s;
        if (left == 0)
            return FH_STATUS(FH_TIMEOUT);
        size_t count;
        fh_sock_poll_item item = {.socket = z->sock, .wanted = FH_SOCK_WRITABLE};
        s = fh_sock_poll(z->context->sock, (fh_sock_poll_items){&item, 1}, left, &count);
        if (fh_failed(s) && s.code != FH_TIMEOUT)
            return s;
        if (is_ever_writable(z))
            fh_os_nap(RETRY_NAP_NS);
    }
}

/* The last part has come, to what is before it. */
static int send_all(fh_zmq_socket *z, fh_message *out, fh_bytes *last, int flags) {
    fh_sock_context *c = z->context->sock;
    fh_bytes kept = fh_bytes_share(*last);
    fh_status s = fh_message_push(out, fh_zmq_heap(), last);
    if (!fh_failed(s))
        s = (flags & ZMQ_DONTWAIT) != 0 ? fh_sock_try_send(c, z->sock, out) : fh_sock_send(c, z->sock, out);
    if (!fh_failed(s)) {
        fh_bytes_drop(&kept);
        return 0;
    }
    fh_message_clear(out, fh_zmq_heap());
    fh_bytes_drop(last);
    *last = kept;
    return refuse(z, s, flags, ZMQ_SNDTIMEO);
}

/* What stands before the part of a frame, below. */
static fh_status push_head(const fh_zmq_socket *z, fh_message *out, const fh_zmq_frame *f) {
    uint8_t number[4] = {0};
    fh_mspan head = {number, sizeof number};
    fh_span group = f != NULL && f->has_group ? fh_span_sub(f->extra.span, 0, f->extra.span.size - 1) : FH_LIT("");
    fh_mspan_put_u32(head, 0, f != NULL ? f->routing_id : 0);
    if (has_number(z))
        return fh_message_push_copy(out, fh_zmq_heap(), fh_span_of_mut(head));
    return has_group(z) ? fh_message_push_copy(out, fh_zmq_heap(), group) : FH_DONE;
}

/* The one part of a message of a draft's. */
static int send_single(fh_zmq_socket *z, const fh_zmq_frame *f, fh_bytes *part, int flags) {
    if ((flags & ZMQ_SNDMORE) != 0)
        return fh_zmq_fail(EINVAL);
    fh_message out = {0};
    fh_status s = push_head(z, &out, f);
    return fh_failed(s) ? refuse(z, s, flags, ZMQ_SNDTIMEO) : send_all(z, &out, part, flags);
}

/* One part; it is taken exactly on success (0). `f`: the frame that it lies in, if there is one. */
static int send_part(fh_zmq_socket *z, const fh_zmq_frame *f, fh_bytes *part, int flags) {
    if (z->type >= ZMQ_SERVER)
        return send_single(z, f, part, flags);
    if (fh_zmq_is_asking(z))
        return fh_zmq_fail(EFSM);
    z->is_lost = false;
    if (z->type == ZMQ_REQ)
        forget_parts(z); /* the answer to the question before */
    bool is_whole = z->type == ZMQ_STREAM && fh_message_count(&z->out) == 1; /* as with libzmq, whatever the flags say */
    if ((flags & ZMQ_SNDMORE) == 0 || is_whole)
        return send_all(z, &z->out, part, flags);
    fh_status s = FH_DONE;
    if (fh_message_count(&z->out) == 0)
        s = wait_for_room(z, part->span, flags);
    if (!fh_failed(s))
        s = fh_message_push(&z->out, fh_zmq_heap(), part);
    return fh_failed(s) ? refuse(z, s, flags, ZMQ_SNDTIMEO) : 0;
}

static int count_of(size_t size) {
    return size < INT32_MAX ? (int)size : INT32_MAX;
}

int zmq_msg_send(zmq_msg_t *msg, void *socket, int flags) {
    fh_zmq_frame *f = fh_zmq_frame_of(msg);
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    if (z == NULL)
        return -1;
    if (f == NULL) {
        fh_zmq_leave(socket);
        return fh_zmq_fail(EFAULT);
    }
    size_t size = f->bytes.span.size;
    int result = send_part(z, f, &f->bytes, flags);
    if (result == 0)
        fh_zmq_frame_clear(f);
    fh_zmq_leave(socket);
    return result == 0 ? count_of(size) : -1;
}

static int send_bytes(void *socket, fh_bytes *bytes, int flags) {
    size_t size = bytes->span.size;
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    int result = z != NULL ? send_part(z, NULL, bytes, flags) : -1;
    int saved = errno;
    if (z != NULL)
        fh_zmq_leave(socket);
    fh_bytes_drop(bytes);
    errno = saved;
    return result == 0 ? count_of(size) : -1;
}

int zmq_send(void *socket, const void *data, size_t size, int flags) {
    fh_bytes bytes;
    if (data == NULL && size != 0)
        return fh_zmq_fail(EFAULT);
    fh_status s = fh_bytes_copy(fh_zmq_heap(), fh_zmq_span(data, size), &bytes);
    return fh_failed(s) ? fh_zmq_refuse(s, EINVAL) : send_bytes(socket, &bytes, flags);
}

int zmq_send_const(void *socket, const void *data, size_t size, int flags) {
    fh_bytes bytes = {NULL, fh_zmq_span(data, size)};
    if (data == NULL && size != 0)
        return fh_zmq_fail(EFAULT);
    return send_bytes(socket, &bytes, flags);
}

int zmq_sendmsg(void *socket, zmq_msg_t *msg, int flags) {
    FH_UNSAFE("zmq-caller");
    return zmq_msg_send(msg, socket, flags);
}

int zmq_sendiov(void *socket, struct iovec *parts, size_t count, int flags) {
    int result = 0;
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    if (z == NULL)
        return -1;
    fh_zmq_leave(socket);
    if (parts == NULL || count == 0)
        return fh_zmq_fail(EINVAL);
    FH_UNSAFE("zmq-caller");
    for (size_t i = 0; i < count && result >= 0; i++) {
        int more = i + 1 < count ? ZMQ_SNDMORE : 0;
        result = zmq_send(socket, parts[i].iov_base, parts[i].iov_len, (flags & ~ZMQ_SNDMORE) | more);
    }
    return result;
}

/* --- receiving ------------------------------------------------------------------------------------------------------------ */

/* Nothing will come for a REQ whose question is lost: it waits as long as it is told to. */
static fh_status wait_in_vain(fh_zmq_socket *z, int flags) {
    size_t count;
    fh_sock_poll_item item = {.socket = z->sock};
    if ((flags & ZMQ_DONTWAIT) != 0 || z->values[ZMQ_RCVTIMEO] == 0)
        return FH_STATUS(FH_AGAIN);
    return fh_sock_poll(z->context->sock, (fh_sock_poll_items){&item, 1}, z->values[ZMQ_RCVTIMEO], &count);
}

fh_status fh_zmq_fetch(fh_zmq_socket *z, int flags) {
    fh_sock_context *c = z->context->sock;
    forget_parts(z);
    if (z->is_lost)
        return wait_in_vain(z, flags);
    fh_status s = (flags & ZMQ_DONTWAIT) != 0 ? fh_sock_try_receive(c, z->sock, &z->in) : fh_sock_receive(c, z->sock, &z->in);
    if (s.code != FH_END)
        return s;
    z->is_lost = true;
    return wait_in_vain(z, flags);
}

/* There is a part to take. */
static int wait_for_part(fh_zmq_socket *z, int flags) {
    if (fh_zmq_has_part(z))
        return 0;
    fh_status s = fh_zmq_fetch(z, flags);
    return fh_failed(s) ? refuse(z, s, flags, ZMQ_RCVTIMEO) : 0;
}

/* The next part, and whether there is one more (in_more). */
static fh_bytes take_part(fh_zmq_socket *z) {
    bool is_few = fh_message_count(&z->in) <= FH_MESSAGE_FEW;
    fh_bytes part = is_few ? fh_message_shift(&z->in) : fh_message_part(&z->in, z->in_at++);
    z->in_more = fh_zmq_has_part(z);
    if (!z->in_more)
        forget_parts(z);
    return part;
}

/* The same, behind what stands before it. */
static fh_bytes take_body(fh_zmq_socket *z) {
    if (has_number(z) || has_group(z)) {
        fh_bytes head = take_part(z);
        fh_bytes_drop(&head);
    }
    return take_part(z);
}

/* A property as two texts; one with a NUL inside is left out. */
static fh_status write_property(fh_buf *to, fh_span name, fh_span value) {
    static const uint8_t nul[1];
    fh_span end = {nul, 1};
    if (fh_span_find(name, end, 0) != SIZE_MAX || fh_span_find(value, end, 0) != SIZE_MAX)
        return FH_DONE;
    FH_TRY(fh_buf_put(to, name));
    FH_TRY(fh_buf_put(to, end));
    FH_TRY(fh_buf_put(to, value));
    return fh_buf_put(to, end);
}

static fh_status write_properties(const fh_message *peer, fh_bytes *out) {
    fh_buf text;
    fh_status s = FH_DONE;
    fh_buf_init(&text, fh_zmq_heap(), 0);
    for (size_t i = 0; i < fh_message_count(peer); i++) {
        fh_zmtp_property p;
        for (size_t at = 0; !fh_failed(s) && !fh_failed(fh_zmtp_property_next(fh_message_view(peer, i), &at, &p));)
            s = write_property(&text, p.name, p.value);
    }
    if (!fh_failed(s))
        s = fh_bytes_copy(fh_zmq_heap(), fh_buf_view(&text), out);
    fh_buf_deinit(&text);
    return s;
}

/* Finds out what is known of the sender of the message that came last. It is written anew only when it is another one. */
static fh_status learn(fh_zmq_socket *z) {
    fh_message m = {0};
    fh_bytes text;
    fh_status s = fh_sock_about(z->context->sock, z->sock, &m);
    if (s.code == FH_NOMEM)
        return s;
    bool same = fh_message_count(&z->peer) == fh_message_count(&m);
    for (size_t i = 0; same && i < fh_message_count(&m); i++)
        same = fh_message_view(&m, i).at == fh_message_view(&z->peer, i).at; /* held, so no other bytes lie there */
    s = same ? FH_DONE : write_properties(&m, &text);
    if (same || fh_failed(s)) {
        fh_message_drop(&m, fh_zmq_heap());
        return s;
    }
    fh_message_drop(&z->peer, fh_zmq_heap());
    fh_bytes_drop(&z->about);
    z->peer = m;
    z->about = text;
    return FH_DONE;
}

/* What a frame has beside the next part. */
static fh_status describe(fh_zmq_socket *z, fh_zmq_frame *f) {
    if (has_group(z))
        return fh_zmq_frame_group(f, fh_message_view(&z->in, 0));
    FH_TRY(learn(z));
    f->extra = fh_bytes_share(z->about);
    if (has_number(z))
        f->routing_id = fh_span_u32(fh_message_view(&z->in, 0), 0);
    return FH_DONE;
}

/* The next part, with what is known of it, if that is asked for. Without memory it stays, for the next
 * call. */
static int take_next(fh_zmq_socket *z, fh_zmq_frame *got, bool described, int flags) {
    if (wait_for_part(z, flags) != 0)
        return -1;
    fh_status s = described ? describe(z, got) : FH_DONE;
    if (fh_failed(s))
        return fh_zmq_refuse(s, EINVAL);
    got->bytes = take_body(z);
    got->has_more = z->in_more;
    return 0;
}

/* Sleeps below until there may be a message; 0: perhaps somebody else has it by now. */
static int sleep_below(fh_zmq_socket *z, uint64_t begin_ns) {
    size_t count;
    int64_t timeout = fh_load(&z->values[ZMQ_RCVTIMEO], FH_RELAXED);
    fh_sock_poll_item item = {.socket = z->sock, .wanted = FH_SOCK_READABLE};
    fh_status s = fh_sock_poll(z->context->sock, (fh_sock_poll_items){&item, 1}, fh_zmq_left(timeout, begin_ns), &count);
    return fh_failed(s) ? refuse(z, s, 0, ZMQ_RCVTIMEO) : 0;
}

static int take_alone(fh_zmq_socket *z, fh_zmq_frame *got, bool described) {
    fh_lock_take(&z->lock);
    int result = take_next(z, got, described, ZMQ_DONTWAIT);
    fh_lock_give(&z->lock);
    return result;
}

static int receive(fh_zmq_socket *z, fh_zmq_frame *got, bool described, int flags) {
    if (!fh_zmq_is_shared(z))
        return take_next(z, got, described, flags);
    uint64_t begin_ns = fh_os_clock_ns();
    int result = take_alone(z, got, described);
    while (result != 0 && errno == EAGAIN && (flags & ZMQ_DONTWAIT) == 0 && sleep_below(z, begin_ns) == 0)
        result = take_alone(z, got, described);
    return result;
}

int zmq_msg_recv(zmq_msg_t *msg, void *socket, int flags) {
    fh_zmq_frame *f = fh_zmq_frame_of(msg);
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    if (z == NULL)
        return -1;
    if (f == NULL) {
        fh_zmq_leave(socket);
        return fh_zmq_fail(EFAULT);
    }
    fh_zmq_frame got = {.mark = FH_ZMQ_FRAME};
    int result = receive(z, &got, true, flags);
    if (result == 0) {
        result = count_of(got.bytes.span.size);
        fh_zmq_frame_clear(f);
        *f = got;
    }
    fh_zmq_leave(socket);
    return result;
}

int zmq_recvmsg(void *socket, zmq_msg_t *msg, int flags) {
    FH_UNSAFE("zmq-caller");
    return zmq_msg_recv(msg, socket, flags);
}

int zmq_recv(void *socket, void *data, size_t size, int flags) {
    if (data == NULL && size != 0)
        return fh_zmq_fail(EFAULT);
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    if (z == NULL)
        return -1;
    fh_zmq_frame got = {.mark = FH_ZMQ_FRAME};
    int result = receive(z, &got, false, flags);
    fh_zmq_leave(socket);
    if (result != 0)
        return -1;
    size_t all = got.bytes.span.size, fits = all < size ? all : size;
    fh_span_copy(fh_zmq_room(data, size), fh_span_sub(got.bytes.span, 0, fits));
    fh_bytes_drop(&got.bytes);
    return count_of(all);
}

/* The next part as a block that the program ends with free(). Without memory for that it is lost, as with libzmq. */
static int give_part(fh_zmq_socket *z, struct iovec *to, bool *more, int flags) {
    fh_zmq_frame got = {.mark = FH_ZMQ_FRAME};
    if (receive(z, &got, false, flags) != 0)
        return -1;
    FH_UNSAFE("zmq-caller");
    *to = (struct iovec){.iov_base = fh_gift_new(got.bytes.span), .iov_len = got.bytes.span.size};
    fh_bytes_drop(&got.bytes);
    *more = got.has_more;
    return to->iov_base != NULL ? 0 : fh_zmq_fail(ENOMEM);
}

int zmq_recviov(void *socket, struct iovec *parts, size_t *count, int flags) {
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    if (z == NULL)
        return -1;
    FH_UNSAFE("zmq-caller");
    size_t room = parts != NULL && count != NULL ? *count : 0, given = 0;
    int result = room != 0 ? 0 : fh_zmq_fail(EINVAL);
    for (bool more = room != 0; more && result == 0 && given < room; given += result == 0)
        result = give_part(z, &parts[given], &more, flags);
    if (room != 0)
        *count = given;
    fh_zmq_leave(socket);
    return result == 0 ? count_of(given) : -1;
}
