/* zmq_poll.c: polls of sockets and descriptors together (shell.h).
 *
 * Each socket that is waited for has a bell, a descriptor that is rung when there is something to look at; so sockets of any
 * contexts and descriptors of the program's are waited for in one call of the system. Nothing is held while waiting. For
 * sockets that several threads use, a poll has a bell of its own: of one bell for all, each look would take the news from the
 * others.
 *
 * Threading: shell.h. */
#include "zmq/shell.h"

#include "freehold/os.h"
#include "os/socket.h"

enum { NS_PER_MS = 1000000 };

FH_ARRAY_DEFINE(os_wishe);
FH_SPAN_DEFINE(zmq_item, zmq_pollitem_t);
FH_ARRAY_DEFINE(zmq_item);

/* What a REQ below calls readable may be the news that nobody will answer, or an answer to another question: so it is fetched,
 * and looked at again. */
static fh_status look_below(fh_zmq_socket *z, int64_t *found) {
    FH_TRY(fh_sock_get(z->context->sock, z->sock, FH_SOCK_EVENTS, found));
    while (z->type == ZMQ_REQ && (*found & FH_SOCK_READABLE) != 0 && !z->is_lost && !fh_zmq_has_part(z)) {
        fh_status s = fh_zmq_fetch(z, ZMQ_DONTWAIT);
        if (fh_failed(s) && s.code != FH_AGAIN)
            return s;
        FH_TRY(fh_sock_get(z->context->sock, z->sock, FH_SOCK_EVENTS, found));
    }
    return FH_DONE;
}

int fh_zmq_socket_events(fh_zmq_socket *z) {
    int64_t found = 0;
    fh_status s = look_below(z, &found);
    if (fh_failed(s))
        return fh_zmq_refuse(s, EINVAL);
    bool in = !z->is_lost && ((found & FH_SOCK_READABLE) != 0 || fh_zmq_has_part(z));
    bool out = !fh_zmq_is_asking(z) && ((found & FH_SOCK_WRITABLE) != 0 || fh_message_count(&z->out) != 0);
    return (in ? ZMQ_POLLIN : 0) | (out ? ZMQ_POLLOUT : 0);
}

/* --- looking -------------------------------------------------------------------------------------------------------------- */

static int look(fh_zmq_socket *z) {
    fh_lock_take(&z->lock);
    int events = fh_zmq_socket_events(z);
    fh_lock_give(&z->lock);
    return events;
}

/* What the sockets have; the number of those that have something, -1 and errno. */
static int look_at_sockets(fh_zmq_items items) {
    int count = 0;
    for (size_t i = 0; i < items.count; i++) {
        zmq_pollitem_t *item = fh_zmq_items_at(items, i);
        item->revents = 0;
        if (item->socket == NULL)
            continue;
        fh_zmq_socket *z = fh_zmq_socket_enter(item->socket);
        int events = z != NULL ? look(z) : -1;
        if (z != NULL)
            fh_zmq_leave(item->socket);
        if (events < 0)
            return -1;
        item->revents = (short)(events & item->events);
        count += item->revents != 0;
    }
    return count;
}

/* Makes this poll's own bell, where there is none yet, and has a socket ring it. */
static fh_status ring_own(fh_zmq_socket *z, int *own) {
    int error;
    if (*own < 0)
        FH_TRY(fh_os_bell_open(own, &error));
    return fh_sock_ring(z->context->sock, z->sock, *own);
}

static fh_status bell_of(void *socket, int *own, int *fd) {
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    if (z == NULL)
        return FH_STATUS(FH_STALE);
    fh_status s = fh_zmq_is_shared(z) ? ring_own(z, own) : fh_sock_bell(z->context->sock, z->sock, fd);
    if (fh_zmq_is_shared(z))
        *fd = *own;
    fh_zmq_leave(socket);
    return s;
}

/* No socket rings it any more; also in a context that was shut down. */
static void end_own(fh_zmq_items items, int own) {
    if (own < 0)
        return;
    for (size_t i = 0; i < items.count; i++) {
        void *socket = fh_zmq_items_at(items, i)->socket;
        fh_zmq_socket *z = socket != NULL ? fh_zmq_enter(socket, FH_ZMQ_SOCKET, false, ENOTSOCK) : NULL;
        if (z == NULL)
            continue;
        if (fh_zmq_is_shared(z))
            fh_sock_unring(z->context->sock, z->sock, own);
        fh_zmq_leave(socket);
    }
    fh_os_close(own);
}

/* A wish for each item: of its descriptor, or of a bell that its socket rings. */
static fh_status wish(fh_zmq_items items, fh_os_wishes wishes, int *own) {
    for (size_t i = 0; i < items.count; i++) {
        const zmq_pollitem_t *item = fh_zmq_items_at(items, i);
        int16_t wanted = (int16_t)(((item->events & ZMQ_POLLIN) != 0 ? FH_OS_WISH_IN : 0) |
                                   ((item->events & ZMQ_POLLOUT) != 0 ? FH_OS_WISH_OUT : 0) |
                                   ((item->events & ZMQ_POLLPRI) != 0 ? FH_OS_WISH_URGENT : 0));
        fh_os_wish w = {item->fd, wanted, 0};
        if (item->socket != NULL) {
            w.wanted = FH_OS_WISH_IN;
            FH_TRY(bell_of(item->socket, own, &w.fd));
        }
        fh_os_wishes_set(wishes, i, w);
    }
    return FH_DONE;
}

/* What was found at descriptors of the program's. */
static int look_at_wishes(fh_zmq_items items, fh_os_wishes wishes) {
    int count = 0;
    for (size_t i = 0; i < items.count; i++) {
        zmq_pollitem_t *item = fh_zmq_items_at(items, i);
        int found = fh_os_wishes_get(wishes, i).found;
        if (item->socket != NULL)
            continue;
        int events = ((found & FH_OS_WISH_IN) != 0 ? ZMQ_POLLIN : 0) | ((found & FH_OS_WISH_OUT) != 0 ? ZMQ_POLLOUT : 0) |
                     ((found & FH_OS_WISH_URGENT) != 0 ? ZMQ_POLLPRI : 0);
        if ((found & ~(FH_OS_WISH_IN | FH_OS_WISH_OUT | FH_OS_WISH_URGENT)) != 0)
            events |= ZMQ_POLLERR;
        item->revents = (short)events;
        count += events != 0;
    }
    return count;
}

/* --- polls ---------------------------------------------------------------------------------------------------------------- */

int64_t fh_zmq_left(int64_t timeout_ms, uint64_t begin_ns) {
    int64_t spent = (int64_t)((fh_os_clock_ns() - begin_ns) / NS_PER_MS);
    return timeout_ms < 0 ? -1 : spent < timeout_ms ? timeout_ms - spent : 0;
}

static int wait(fh_zmq_items items, fh_os_wishes wishes, int own, int64_t timeout_ms) {
    uint64_t begin_ns = fh_os_clock_ns();
    for (;;) {
        size_t rung;
        int64_t left = fh_zmq_left(timeout_ms, begin_ns);
        if (own >= 0)
            fh_os_bell_clear(own);
        int found = look_at_sockets(items);
        if (found < 0)
            return -1;
        fh_status s = fh_os_await(wishes, found != 0 ? 0 : left, &rung);
        if (fh_failed(s))
            return fh_zmq_fail(s.code == FH_CANCELED ? EINTR : s.code == FH_NOMEM ? ENOMEM : EINVAL);
        found += look_at_wishes(items, wishes);
        if (found != 0 || (rung == 0 && left == 0))
            return found;
    }
}

static int poll_all(fh_zmq_items items, int64_t timeout_ms) {
    fh_os_wishes wishes;
    size_t others = 0;
    int own = -1;
    int found = look_at_sockets(items);
    for (size_t i = 0; i < items.count; i++)
        others += fh_zmq_items_at(items, i)->socket == NULL;
    if (found < 0 || (others == 0 && items.count != 0 && (found > 0 || timeout_ms == 0)))
        return found;
    fh_status s = fh_os_wishes_new(fh_zmq_heap(), items.count, &wishes);
    if (fh_failed(s))
        return fh_zmq_fail(ENOMEM);
    s = wish(items, wishes, &own);
    found = fh_failed(s) ? fh_zmq_refuse(s, EINVAL) : wait(items, wishes, own, timeout_ms);
    int saved = errno;
    end_own(items, own);
    errno = saved;
    fh_os_wishes_free(fh_zmq_heap(), &wishes);
    return found;
}

int zmq_poll(zmq_pollitem_t *items, int count, long timeout_ms) {
    if (count < 0)
        return fh_zmq_fail(EINVAL);
    if (items == NULL && count != 0)
        return fh_zmq_fail(EFAULT);
    return poll_all((fh_zmq_items){items, (size_t)count}, timeout_ms);
}

/* --- pollers -------------------------------------------------------------------------------------------------------------- */

typedef struct poller {
    fh_zmq_items items; /* the first `count` */
    fh_sizes data;      /* what the program wants back, as a number */
    size_t count;
} poller;

static poller *enter(void *handle) {
    return fh_zmq_enter(handle, FH_ZMQ_POLLER, false, EFAULT);
}

void *zmq_poller_new(void) {
    poller *p = fh_alloc(fh_zmq_heap(), 1, sizeof *p);
    void *handle = p != NULL ? fh_zmq_handle_new(FH_ZMQ_POLLER, p) : NULL;
    if (handle == NULL) {
        fh_free(fh_zmq_heap(), p);
        errno = ENOMEM;
    }
    return handle;
}

int zmq_poller_destroy(void **handle) {
    poller *p = handle != NULL ? enter(*handle) : NULL;
    if (p == NULL || !fh_zmq_handle_end(*handle))
        return fh_zmq_fail(EFAULT);
    fh_zmq_items_free(fh_zmq_heap(), &p->items);
    fh_sizes_free(fh_zmq_heap(), &p->data);
    fh_free(fh_zmq_heap(), p);
    *handle = NULL;
    return 0;
}

int zmq_poller_size(void *handle) {
    poller *p = enter(handle);
    if (p == NULL)
        return -1;
    int count = (int)p->count;
    fh_zmq_leave(handle);
    return count;
}

/* The place of a socket, or of a descriptor; p->count for none. */
static size_t find(const poller *p, const void *socket, int fd) {
    size_t i = 0;
    while (i < p->count) {
        const zmq_pollitem_t *item = fh_zmq_items_at(p->items, i);
        if (item->socket == socket && (socket != NULL || item->fd == fd))
            break;
        i++;
    }
    return i;
}

/* Room for one more. */
static bool grow(poller *p) {
    fh_zmq_items items;
    fh_sizes data;
    size_t room = p->count != 0 ? 2 * p->count : 4;
    if (p->count < p->items.count)
        return true;
    if (fh_failed(fh_zmq_items_new(fh_zmq_heap(), room, &items)))
        return false;
    if (fh_failed(fh_sizes_new(fh_zmq_heap(), room, &data))) {
        fh_zmq_items_free(fh_zmq_heap(), &items);
        return false;
    }
    for (size_t i = 0; i < p->count; i++) {
        fh_zmq_items_set(items, i, fh_zmq_items_get(p->items, i));
        fh_sizes_set(data, i, fh_sizes_get(p->data, i));
    }
    fh_zmq_items_free(fh_zmq_heap(), &p->items);
    fh_sizes_free(fh_zmq_heap(), &p->data);
    p->items = items;
    p->data = data;
    return true;
}

static bool is_socket(const void *socket) {
    const fh_zmq_socket *z = fh_zmq_enter(socket, FH_ZMQ_SOCKET, false, ENOTSOCK);
    if (z != NULL)
        fh_zmq_leave(socket);
    return z != NULL || errno == EBUSY;
}

static bool are_events(short events) {
    return (events & ~(ZMQ_POLLIN | ZMQ_POLLOUT | ZMQ_POLLERR | ZMQ_POLLPRI)) == 0;
}

static int add(void *handle, void *socket, int fd, void *data, short events) {
    poller *p = enter(handle);
    if (p == NULL)
        return -1;
    int number = !are_events(events) || find(p, socket, fd) != p->count ? EINVAL : !grow(p) ? ENOMEM : 0;
    FH_UNSAFE("zmq-caller");
    if (number == 0) {
        fh_zmq_items_set(p->items, p->count, (zmq_pollitem_t){socket, fd, events, 0});
        fh_sizes_set(p->data, p->count++, (size_t)(uintptr_t)data);
    }
    fh_zmq_leave(handle);
    return number != 0 ? fh_zmq_fail(number) : 0;
}

typedef enum change { MODIFY, REMOVE } change;

static int alter(void *handle, void *socket, int fd, change what, short events) {
    poller *p = enter(handle);
    if (p == NULL)
        return -1;
    size_t at = find(p, socket, fd);
    bool ok = at < p->count && are_events(events);
    if (ok && what == MODIFY) {
        fh_zmq_items_at(p->items, at)->events = events;
    } else if (ok) {
        for (size_t i = at; i + 1 < p->count; i++) {
            fh_zmq_items_set(p->items, i, fh_zmq_items_get(p->items, i + 1));
            fh_sizes_set(p->data, i, fh_sizes_get(p->data, i + 1));
        }
        p->count--;
    }
    fh_zmq_leave(handle);
    return ok ? 0 : fh_zmq_fail(EINVAL);
}

int zmq_poller_add(void *handle, void *socket, void *data, short events) {
    FH_UNSAFE("zmq-caller");
    if (zmq_poller_size(handle) < 0)
        return fh_zmq_fail(EFAULT);
    return is_socket(socket) ? add(handle, socket, -1, data, events) : fh_zmq_fail(ENOTSOCK);
}

int zmq_poller_modify(void *handle, void *socket, short events) {
    FH_UNSAFE("zmq-caller");
    if (zmq_poller_size(handle) < 0)
        return fh_zmq_fail(EFAULT);
    return is_socket(socket) ? alter(handle, socket, -1, MODIFY, events) : fh_zmq_fail(ENOTSOCK);
}

int zmq_poller_remove(void *handle, void *socket) {
    FH_UNSAFE("zmq-caller");
    if (zmq_poller_size(handle) < 0)
        return fh_zmq_fail(EFAULT);
    return is_socket(socket) ? alter(handle, socket, -1, REMOVE, 0) : fh_zmq_fail(ENOTSOCK);
}

int zmq_poller_add_fd(void *handle, zmq_fd_t fd, void *data, short events) {
    FH_UNSAFE("zmq-caller");
    if (zmq_poller_size(handle) < 0)
        return fh_zmq_fail(EFAULT);
    return fd >= 0 ? add(handle, NULL, fd, data, events) : fh_zmq_fail(EBADF);
}

int zmq_poller_modify_fd(void *handle, zmq_fd_t fd, short events) {
    FH_UNSAFE("zmq-caller");
    if (zmq_poller_size(handle) < 0)
        return fh_zmq_fail(EFAULT);
    return fd >= 0 ? alter(handle, NULL, fd, MODIFY, events) : fh_zmq_fail(EBADF);
}

int zmq_poller_remove_fd(void *handle, zmq_fd_t fd) {
    FH_UNSAFE("zmq-caller");
    if (zmq_poller_size(handle) < 0)
        return fh_zmq_fail(EFAULT);
    return fd >= 0 ? alter(handle, NULL, fd, REMOVE, 0) : fh_zmq_fail(EBADF);
}

int zmq_poller_wait_all(void *handle, zmq_poller_event_t *events, int count, long timeout_ms) {
    if (events == NULL)
        return fh_zmq_fail(EFAULT);
    if (count < 0)
        return fh_zmq_fail(EINVAL);
    poller *p = enter(handle);
    if (p == NULL)
        return -1;
    if (p->count == 0 && timeout_ms < 0) {
        fh_zmq_leave(handle);
        return fh_zmq_fail(EFAULT); /* it would never come back */
    }
    fh_zmq_items used = fh_zmq_items_sub(p->items, 0, p->count);
    int found = poll_all(used, timeout_ms), given = 0;
    FH_UNSAFE("zmq-caller");
    for (size_t i = 0; found > 0 && i < p->count && given < count; i++) {
        const zmq_pollitem_t *item = fh_zmq_items_at(used, i);
        if (item->revents != 0)
            events[given++] = (zmq_poller_event_t){item->socket, item->fd, (void *)(uintptr_t)fh_sizes_get(p->data, i),
                                                   item->revents};
    }
    fh_zmq_leave(handle);
    return found < 0 ? -1 : given != 0 ? given : fh_zmq_fail(EAGAIN);
}

int zmq_poller_wait(void *handle, zmq_poller_event_t *event, long timeout_ms) {
    FH_UNSAFE("zmq-caller");
    int found = zmq_poller_wait_all(handle, event, 1, timeout_ms);
    if (found < 0 && event != NULL && errno == EAGAIN)
        *event = (zmq_poller_event_t){.fd = -1};
    return found < 0 ? -1 : 0;
}

/* A poll has a bell of its own only while it waits. */
int zmq_poller_fd(void *handle, zmq_fd_t *fd) {
    FH_UNSAFE("zmq-caller");
    if (zmq_poller_size(handle) < 0 || fd == NULL)
        return fh_zmq_fail(EFAULT);
    return fh_zmq_fail(EINVAL);
}
