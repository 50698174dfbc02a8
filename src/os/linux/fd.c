/* fd.c: descriptors that somebody else opened: standard input and output, pipes.
 *
 * Both directions behave as if blocking, whatever the descriptor says: a terminal shared with another program may have been
 * made non-blocking by it.
 *
 * Threading: any thread. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "os/linux/linux.h"

/* The kernel moves at most this many bytes a call. */
enum { CALL_BYTES_MAX = 0x7ffff000 };

static size_t call_bytes(size_t size) {
    return size < CALL_BYTES_MAX ? size : CALL_BYTES_MAX;
}

static void wait_for(int fd, short events) {
    struct pollfd p = {.fd = fd, .events = events};
    FH_UNSAFE("os-call");
    (void)poll(&p, 1, -1); /* whatever it says, the next read or write tells */
}

fh_status fh_os_read(int fd, fh_mspan out, size_t *got) {
    *got = 0;
    if (out.size == 0)
        return FH_DONE;
    unsigned interrupts = fh_os_interrupts();
    for (;;) {
        FH_UNSAFE("os-call");
        ssize_t n = read(fd, out.at, call_bytes(out.size));
        if (n >= 0) {
            *got = (size_t)n;
            return FH_DONE;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            wait_for(fd, POLLIN);
        else if (errno != EINTR)
            return FH_STATUS(FH_IO);
        if (fh_linux_interrupted_since(interrupts))
            return FH_STATUS(FH_CANCELED);
    }
}

static fh_status write_all(int fd, fh_span bytes) {
    while (bytes.size > 0) {
        FH_UNSAFE("os-call");
        ssize_t n = write(fd, bytes.at, call_bytes(bytes.size));
        if (n >= 0)
            bytes = fh_span_from(bytes, (size_t)n);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            wait_for(fd, POLLOUT);
        else if (errno != EINTR)
            return FH_STATUS(errno == EPIPE ? FH_END : FH_IO);
    }
    return FH_DONE;
}

/* A write to a closed pipe raises SIGPIPE in the writing thread. It is held back for the length of the call and taken off
 * again, so that neither this process's handling of the signal nor another thread notices. */
fh_status fh_os_write(int fd, fh_span bytes) {
    sigset_t pipe_only, pending, before;
    FH_UNSAFE("os-call");
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    bool was_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
    FH_ASSERT(pthread_sigmask(SIG_BLOCK, &pipe_only, &before) == 0);

    fh_status s = write_all(fd, bytes);
    int saved = errno;
    if (fh_failed(s) && saved == EPIPE && !was_pending) {
        const struct timespec at_once = {0, 0};
        while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR) {
        }
    }
    FH_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    errno = saved;
    return s;
}

bool fh_os_is_terminal(int fd) {
    return isatty(fd) == 1;
}

/* A place in the tree is open for nothing: read and write say EBADF, as if the stream were closed still. The number that it
 * gets is the lowest free one, and those below are taken by then. */
fh_status fh_os_hold_streams(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        FH_UNSAFE("os-call");
        if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH | O_CLOEXEC) != fd)
            return FH_STATUS(FH_IO);
    }
    return FH_DONE;
}
