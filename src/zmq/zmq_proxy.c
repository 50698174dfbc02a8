/* zmq_proxy.c: what comes at one socket leaves at another, both ways (shell.h).
 *
 * A direction waits either for something to take, or, once it has found that there is, for room to put it: so a side that is
 * full holds back the one before it, and neither the other direction nor the control. Threading: the sockets are this thread's
 * in each call. */
#include "zmq/shell.h"

enum { BURST = 1000, COMMAND = 16, NUMBERS = 8 };

typedef struct way {
    void *from, *to, *capture;
    bool is_blocked; /* there is something, and no room for it */
    uint64_t taken, taken_bytes;
} way;

typedef enum proxy_state { RUNS, PAUSED, OVER } proxy_state;

static int events_of(void *socket, int *events) {
    size_t size = sizeof *events;
    FH_UNSAFE("zmq-caller");
    return zmq_getsockopt(socket, ZMQ_EVENTS, events, &size);
}

static int capture_part(void *capture, zmq_msg_t *part, int flags) {
    zmq_msg_t copy;
    FH_UNSAFE("zmq-caller");
    (void)zmq_msg_init(&copy);
    (void)zmq_msg_copy(&copy, part);
    int result = zmq_msg_send(&copy, capture, flags);
    (void)zmq_msg_close(&copy);
    return result < 0 ? -1 : 0;
}

/* One message; 1: there was none. */
static int move_message(way *w) {
    bool more = true;
    zmq_msg_t part;
    FH_UNSAFE("zmq-caller");
    (void)zmq_msg_init(&part);
    for (int flags = ZMQ_DONTWAIT; more; flags = 0) {
        int size = zmq_msg_recv(&part, w->from, flags);
        if (size < 0)
            return errno == EAGAIN ? 1 : -1;
        more = zmq_msg_more(&part) != 0;
        int sent = more ? ZMQ_SNDMORE : 0;
        if (w->capture != NULL && capture_part(w->capture, &part, sent) < 0)
            return -1;
        if (zmq_msg_send(&part, w->to, sent) < 0)
            return -1;
        w->taken_bytes += (uint64_t)size;
    }
    w->taken++;
    (void)zmq_msg_close(&part);
    return 0;
}

/* As many as there are, up to a burst, while there is room. */
static int move_messages(way *w) {
    for (int i = 0; i < BURST; i++) {
        int events = ZMQ_POLLOUT;
        if (w->from != w->to && events_of(w->to, &events) < 0)
            return -1;
        w->is_blocked = (events & ZMQ_POLLOUT) == 0;
        if (w->is_blocked)
            return 0;
        int moved = move_message(w);
        if (moved != 0)
            return moved < 0 ? -1 : 0;
    }
    return 0;
}

static int say_numbers(void *control, const way *there, const way *back) {
    const uint64_t numbers[NUMBERS] = {there->taken, there->taken_bytes, back->taken,  back->taken_bytes,
                                       back->taken,  back->taken_bytes,  there->taken, there->taken_bytes};
    FH_UNSAFE("zmq-caller");
    for (int i = 0; i < NUMBERS; i++)
        if (zmq_send(control, &numbers[i], sizeof numbers[i], i + 1 < NUMBERS ? ZMQ_SNDMORE : 0) < 0)
            return -1;
    return 0;
}

/* A command of the steering socket. */
static int obey(void *control, proxy_state *state, const way *there, const way *back) {
    char text[COMMAND];
    FH_UNSAFE("zmq-caller");
    int size = zmq_recv(control, text, sizeof text, 0), type = 0;
    size_t type_size = sizeof type;
    if (size < 0)
        return -1;
    fh_span command = fh_zmq_span(text, (size_t)size < sizeof text ? (size_t)size : sizeof text);
    if (fh_span_is(command, "STATISTICS"))
        return say_numbers(control, there, back);
    if (fh_span_is(command, "PAUSE"))
        *state = PAUSED;
    else if (fh_span_is(command, "RESUME"))
        *state = RUNS;
    else if (fh_span_is(command, "TERMINATE"))
        *state = OVER;
    else
        return fh_zmq_fail(EINVAL);
    if (zmq_getsockopt(control, ZMQ_TYPE, &type, &type_size) == 0 && type == ZMQ_REP)
        return zmq_send(control, "", 0, 0) < 0 ? -1 : 0; /* who asks waits for an answer */
    return 0;
}

static zmq_pollitem_t item_of(const way *w) {
    if (w->is_blocked)
        return (zmq_pollitem_t){w->to, -1, ZMQ_POLLOUT, 0};
    return (zmq_pollitem_t){w->from, -1, ZMQ_POLLIN, 0};
}

int zmq_proxy_steerable(void *frontend, void *backend, void *capture, void *control) {
    proxy_state state = RUNS;
    bool is_one = frontend == backend;
    if (frontend == NULL || backend == NULL)
        return fh_zmq_fail(EFAULT);
    way there = {.from = frontend, .to = backend, .capture = capture};
    way back = {.from = backend, .to = frontend, .capture = capture};
    FH_UNSAFE("zmq-caller");
    while (state != OVER) {
        zmq_pollitem_t items[3];
        int count = 0;
        if (control != NULL)
            items[count++] = (zmq_pollitem_t){control, -1, ZMQ_POLLIN, 0};
        if (state == RUNS)
            items[count++] = item_of(&there);
        if (state == RUNS && !is_one)
            items[count++] = item_of(&back);
        if (zmq_poll(items, count, -1) < 0)
            return -1;
        if (control != NULL && items[0].revents != 0 && obey(control, &state, &there, &back) < 0)
            return -1;
        if (state == RUNS && (move_messages(&there) < 0 || (!is_one && move_messages(&back) < 0)))
            return -1;
    }
    return 0;
}

int zmq_proxy(void *frontend, void *backend, void *capture) {
    FH_UNSAFE("zmq-caller");
    return zmq_proxy_steerable(frontend, backend, capture, NULL);
}

int zmq_device(int type, void *frontend, void *backend) {
    (void)type;
    FH_UNSAFE("zmq-caller");
    return zmq_proxy(frontend, backend, NULL);
}
