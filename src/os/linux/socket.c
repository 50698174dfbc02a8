/* socket.c: stream sockets (os/socket.h): made non-blocking and close-on-exec, with TCP_NODELAY.
 *
 * Threading: any thread. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "os/linux/sockaddr.h"

enum { PIECES_MAX = 256, BACKLOG_DEFAULT = 128 };

fh_status fh_os_socket_status(int error) {
    if (error == EAGAIN || error == EWOULDBLOCK || error == EINPROGRESS)
        return FH_STATUS(FH_AGAIN);
    if (error == EMFILE || error == ENFILE || error == ENOBUFS)
        return FH_STATUS(FH_EXHAUSTED);
    return FH_STATUS(error == ENOMEM ? FH_NOMEM : FH_IO);
}

/* What errno says. */
static fh_status fail(int *error) {
    *error = errno;
    return fh_os_socket_status(*error);
}

static void set(int fd, int level, int name, int value) {
    FH_UNSAFE("os-call");
    (void)setsockopt(fd, level, name, &value, sizeof value); /* each is a wish: a kind of socket without it ignores it */
}

static void prepare(int fd, const fh_os_socket_options *o) {
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (o->send_buffer != 0)
        set(fd, SOL_SOCKET, SO_SNDBUF, (int)(o->send_buffer & INT32_MAX));
    if (o->receive_buffer != 0)
        set(fd, SOL_SOCKET, SO_RCVBUF, (int)(o->receive_buffer & INT32_MAX));
    if (o->type_of_service != 0) {
        set(fd, IPPROTO_IP, IP_TOS, (int)(o->type_of_service & 255));
        set(fd, IPPROTO_IPV6, IPV6_TCLASS, (int)(o->type_of_service & 255));
    }
    if (o->unheard_ms != 0)
        set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)(o->unheard_ms & INT32_MAX));
    if (!o->keep_alive)
        return;
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (o->keep_idle_s != 0)
        set(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)(o->keep_idle_s & INT32_MAX));
    if (o->keep_interval_s != 0)
        set(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)(o->keep_interval_s & INT32_MAX));
    if (o->keep_count != 0)
        set(fd, IPPROTO_TCP, TCP_KEEPCNT, (int)(o->keep_count & INT32_MAX));
}

static fh_status make(const fh_address *address, const fh_os_socket_options *o, int *fd, int *error) {
    fh_sockaddr at;
    (void)fh_sockaddr_put(address, &at);
    *fd = -1;
    FH_UNSAFE("os-call");
    int made = socket(at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0)
        return fail(error);
    prepare(made, o);
    *fd = made;
    return FH_DONE;
}

/* Closes what could not be used, and says why. */
static fh_status give_up(int *fd, int *error) {
    fh_status s = fail(error);
    fh_os_close(*fd);
    *fd = -1;
    return s.code == FH_AGAIN ? FH_STATUS(FH_IO) : s;
}

/* True if a local address is a file that nobody listens at: what is left of a listener that did not close. */
static bool is_left_over(const fh_address *address, const fh_sockaddr *at, socklen_t size) {
    if (address->kind != FH_ADDRESS_UNIX || address->bytes[0] == 0)
        return false;
    FH_UNSAFE("os-call");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool nobody = fd >= 0 && connect(fd, &at->any, size) != 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        fh_os_close(fd);
    return nobody;
}

/* bind, also in the place of what is left over. */
static int bind_to(int fd, const fh_address *address, const fh_sockaddr *at, socklen_t size) {
    FH_UNSAFE("os-call");
    int failed = bind(fd, &at->any, size);
    if (failed == 0 || errno != EADDRINUSE)
        return failed;
    if (is_left_over(address, at, size)) {
        fh_os_unlink(address);
        return bind(fd, &at->any, size);
    }
    errno = EADDRINUSE;
    return -1;
}

fh_status fh_os_listen(const fh_address *address, const fh_os_socket_options *o, int *fd, int *error) {
    fh_sockaddr at;
    socklen_t size = fh_sockaddr_put(address, &at);
    FH_TRY(make(address, o, fd, error));
    if (address->kind != FH_ADDRESS_UNIX)
        set(*fd, SOL_SOCKET, SO_REUSEADDR, 1);
    int backlog = o->backlog != 0 ? (int)(o->backlog & INT32_MAX) : BACKLOG_DEFAULT;
    FH_UNSAFE("os-call");
    if (bind_to(*fd, address, &at, size) != 0 || listen(*fd, backlog) != 0)
        return give_up(fd, error);
    return FH_DONE;
}

fh_status fh_os_stream(const fh_address *address, const fh_os_socket_options *o, int *fd, int *error) {
    FH_TRY(make(address, o, fd, error));
    if (o->source == NULL)
        return FH_DONE;
    fh_sockaddr at;
    socklen_t size = fh_sockaddr_put(o->source, &at);
    set(*fd, SOL_SOCKET, SO_REUSEADDR, 1);
    FH_UNSAFE("os-call");
    if (bind(*fd, &at.any, size) != 0)
        return give_up(fd, error);
    return FH_DONE;
}

fh_status fh_os_connect(int fd, const fh_address *address, int *error) {
    fh_sockaddr at;
    socklen_t size = fh_sockaddr_put(address, &at);
    FH_UNSAFE("os-call");
    if (connect(fd, &at.any, size) == 0)
        return FH_DONE;
    /* A local listener with a full backlog says EAGAIN, and nobody would tell when there is room: that is a refusal. */
    if (errno == EAGAIN)
        errno = ECONNREFUSED;
    return fail(error);
}

fh_status fh_os_accept(int listener, int *fd, int *error) {
    FH_UNSAFE("os-call");
    do
        *fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (*fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (*fd < 0)
        return fail(error);
    set(*fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return FH_DONE;
}

fh_status fh_os_adopt(int fd, bool *listens) {
    int type = 0, accepts = 0;
    socklen_t size = sizeof type;
    *listens = false;
    FH_UNSAFE("os-call");
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM)
        return FH_STATUS(FH_INVALID);
    size = sizeof accepts;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) != 0)
        return FH_STATUS(FH_INVALID);
    *listens = accepts != 0;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return FH_STATUS(FH_INVALID);
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return FH_DONE;
}

int fh_os_socket_fault(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    FH_UNSAFE("os-call");
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

fh_status fh_os_socket_name(int fd, bool peer, fh_address *out) {
    fh_sockaddr at;
    socklen_t size = sizeof at;
    FH_UNSAFE("os-call");
    memset(&at, 0, sizeof at);
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    int failed = peer ? getpeername(fd, &at.any, &size) : getsockname(fd, &at.any, &size);
    return FH_STATUS(failed == 0 && fh_sockaddr_get(&at, size, out) ? FH_OK : FH_IO);
}

fh_status fh_os_receive(int fd, fh_mspan room, size_t *got, int *error) {
    ssize_t n;
    *got = 0;
    *error = 0;
    FH_UNSAFE("os-call");
    do
        n = recv(fd, room.at, room.size, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail(error);
    *got = (size_t)n;
    return FH_STATUS(n == 0 ? FH_END : FH_OK);
}

fh_status fh_os_send(int fd, fh_views pieces, size_t *sent, int *error) {
    struct iovec at[PIECES_MAX];
    size_t count = pieces.count < PIECES_MAX ? pieces.count : PIECES_MAX;
    ssize_t n;
    *sent = 0;
    *error = 0;
    FH_UNSAFE("os-call");
    for (size_t i = 0; i < count; i++) {
        fh_span piece = fh_views_get(pieces, i);
        at[i] = (struct iovec){(void *)(uintptr_t)piece.at, piece.size};
    }
    struct msghdr message = {.msg_iov = at, .msg_iovlen = count};
    do
        n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EPIPE ? (*error = EPIPE, FH_STATUS(FH_END)) : fail(error);
    *sent = (size_t)n;
    return FH_DONE;
}

void fh_os_shutdown(int fd) {
    FH_UNSAFE("os-call");
    (void)shutdown(fd, SHUT_WR); /* it fails where there is nothing to end any more */
}

void fh_os_close(int fd) {
    FH_UNSAFE("os-call");
    (void)close(fd); /* the number is free whatever it says */
}

void fh_os_unlink(const fh_address *address) {
    char path[FH_ADDRESS_PATH_MAX + 1] = "";
    FH_UNSAFE("os-call");
    if (address->kind != FH_ADDRESS_UNIX || address->size == 0 || address->bytes[0] == 0)
        return;
    FH_ASSERT(address->size <= FH_ADDRESS_PATH_MAX);
    memcpy(path, address->bytes, address->size);
    (void)unlink(path);
}
