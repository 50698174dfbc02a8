/* poll.c: waiting for descriptors by epoll(7), and bells: eventfd(2) (os/socket.h).
 *
 * Descriptors are added once, for both directions and edge-triggered: what becomes ready is told once, and the caller remembers
 * it until a call says FH_AGAIN. So a connection costs one epoll_ctl in its life. Threading: any thread. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <sys/epoll.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/linux/linux.h"
#include "os/socket.h"

/* A call that failed, as a status. */
static fh_status fail(int *error) {
    *error = errno;
    if (*error == EMFILE || *error == ENFILE || *error == ENOSPC)
        return FH_STATUS(FH_EXHAUSTED);
    return FH_STATUS(*error == ENOMEM ? FH_NOMEM : FH_IO);
}

fh_status fh_os_poll_open(int *poll, int *error) {
    FH_UNSAFE("os-call");
    *poll = epoll_create1(EPOLL_CLOEXEC);
    return *poll >= 0 ? FH_DONE : fail(error);
}

fh_status fh_os_poll_add(int poll, int fd, uint64_t key, int *error) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u64 = key};
    FH_UNSAFE("os-call");
    return epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0 ? FH_DONE : fail(error);
}

void fh_os_poll_remove(int poll, int fd) {
    struct epoll_event none = {.events = 0};
    FH_UNSAFE("os-call");
    (void)epoll_ctl(poll, EPOLL_CTL_DEL, fd, &none); /* it fails only for what is not in it */
}

/* epoll_pwait2 (Linux 5.11) takes nanoseconds; before it there were milliseconds, which are rounded up. */
static int wait_for(int poll, struct epoll_event *events, uint64_t timeout_ns) {
    FH_UNSAFE("os-call");
#ifdef SYS_epoll_pwait2
    if (timeout_ns != UINT64_MAX && timeout_ns != 0) {
        struct timespec t = {(time_t)(timeout_ns / 1000000000), (long)(timeout_ns % 1000000000)};
        long n = syscall(SYS_epoll_pwait2, poll, events, FH_OS_READY_MAX, &t, NULL, 0);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return (int)n;
    }
#endif
    uint64_t ms = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);
    int timeout = timeout_ns == UINT64_MAX ? -1 : ms < INT32_MAX ? (int)ms : INT32_MAX;
    return epoll_wait(poll, events, FH_OS_READY_MAX, timeout);
}

fh_status fh_os_poll_wait(int poll, uint64_t timeout_ns, fh_os_ready out[FH_OS_READY_MAX], size_t *count) {
    struct epoll_event events[FH_OS_READY_MAX] = {{.events = 0}}; /* tools do not see that the raw call writes them */
    *count = 0;
    int n = wait_for(poll, events, timeout_ns);
    if (n < 0)
        return FH_STATUS(errno == EINTR ? FH_CANCELED : FH_IO);
    FH_UNSAFE("os-call");
    for (int i = 0; i < n; i++) {
        uint32_t got = events[i].events;
        out[i].key = events[i].data.u64;
        bool ended = (got & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0;
        out[i].what = ((got & EPOLLIN) != 0 || ended ? FH_OS_READABLE : 0u) |
                      ((got & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0 ? FH_OS_WRITABLE : 0u) | (ended ? FH_OS_ENDED : 0u);
    }
    *count = (size_t)n;
    return FH_DONE;
}

fh_status fh_os_bell_open(int *fd, int *error) {
    FH_UNSAFE("os-call");
    *fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return *fd >= 0 ? FH_DONE : fail(error);
}

void fh_os_bell_ring(int fd) {
    const uint64_t one = 1;
    int saved = errno;
    FH_UNSAFE("os-call");
    (void)!write(fd, &one, sizeof one); /* it fails only when the bell rings already */
    errno = saved;
}

void fh_os_bell_clear(int fd) {
    uint64_t count;
    FH_UNSAFE("os-call");
    (void)!read(fd, &count, sizeof count);
}

_Static_assert(sizeof(fh_os_wish) == sizeof(struct pollfd) && offsetof(fh_os_wish, wanted) == offsetof(struct pollfd, events) &&
                   offsetof(fh_os_wish, found) == offsetof(struct pollfd, revents),
               "a wish is a pollfd");
_Static_assert(FH_OS_WISH_IN == POLLIN && FH_OS_WISH_URGENT == POLLPRI && FH_OS_WISH_OUT == POLLOUT &&
                   FH_OS_WISH_ERROR == POLLERR && FH_OS_WISH_HANGUP == POLLHUP,
               "the numbers are poll's");

fh_status fh_os_await(fh_os_wishes wishes, int64_t timeout_ms, size_t *count) {
    int saved = errno;
    int timeout = timeout_ms < 0 ? -1 : timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
    FH_UNSAFE("os-call");
    int n = poll((struct pollfd *)(void *)wishes.at, (nfds_t)wishes.count, timeout);
    fh_code code = n >= 0 ? FH_OK : errno == EINTR ? FH_CANCELED : errno == ENOMEM ? FH_NOMEM : FH_INVALID;
    errno = saved;
    *count = n > 0 ? (size_t)n : 0;
    return FH_STATUS(code);
}
