/* sock.c: calls of the application: whose socket it is, and waiting (sock.h).
 *
 * Each call makes the socket's slot its own, looks at what was told, does its work, and gives the slot back. A call that has to
 * wait reads the mailbox's count before it looks, so that nothing told in between is slept through. Where several threads use a
 * socket, the slot is given back for the time of a sleep (door.h). Threading: sock.h. */
#include "freehold/atomic.h"
#include "freehold/os.h"
#include "sock/drive.h"

enum { NS_PER_MS = 1000000, NS_PER_US = 1000, SPINS_A_LOOK = 32 };

/* --- waiting -------------------------------------------------------------------------------------------------------------- */

/* When a wait of so many milliseconds ends; UINT64_MAX: never. */
static uint64_t end_of(int64_t timeout_ms) {
    return timeout_ms < 0 ? UINT64_MAX : fh_os_clock_ns() + (uint64_t)timeout_ms * NS_PER_MS;
}

/* What is left of it: 0 when it is over. */
static uint64_t left_of(uint64_t end_ns) {
    if (end_ns == UINT64_MAX)
        return UINT64_MAX;
    uint64_t now = fh_os_clock_ns();
    return now < end_ns ? end_ns - now : 0;
}

/* Looks for a while, if the socket is to; true if something was told. */
static bool spin(fh_mut fh_mailbox *box, uint32_t seen, int64_t time_us) {
    uint64_t end_ns = time_us != 0 ? fh_os_clock_ns() + (uint64_t)time_us * NS_PER_US : 0;
    bool told = false;
    for (uint32_t i = 1; end_ns != 0 && !told; i++) {
        fh_pause();
        told = fh_mailbox_told(box, seen);
        end_ns = i % SPINS_A_LOOK == 0 && fh_os_clock_ns() >= end_ns ? 0 : end_ns;
    }
    return told;
}

/* Sleeps until something is told after `seen`. FH_TIMEOUT; FH_AGAIN after a signal, where such waits end. */
static fh_status sleep_until(fh_mut fh_core *k, uint32_t seen, uint64_t end_ns) {
    uint64_t left = left_of(end_ns);
    bool interrupted = false;
    if (left == 0)
        return FH_STATUS(FH_TIMEOUT);
    if (k->drives) {
        interrupted = fh_drive_wait(k, seen, left);
    } else {
        fh_drive_want(k);
        fh_mailbox *box = fh_context_box(k);
        interrupted = !spin(box, seen, k->settings.spin) && fh_mailbox_wait(box, seen, left);
        fh_drive_begin(k);
    }
    return FH_STATUS(interrupted && k->context->interrupts ? FH_AGAIN : FH_OK);
}

/* What a thread that is not in a socket knows of it: when it looked, and how it is to wait. */
typedef struct absence {
    uint32_t seen;
    int64_t timeout_ms, spin_us;
    uint64_t end_ns; /* 0: it was not asked for yet */
} absence;

/* The same of a socket that this thread has left, and that may be closed meanwhile. */
static fh_status sleep_outside(fh_mut fh_sock_context *c, fh_sock s, fh_mut absence *at) {
    fh_mailbox *box = &fh_context_slot(c, s)->box;
    at->end_ns = at->end_ns == 0 ? end_of(at->timeout_ms) : at->end_ns;
    uint64_t left = left_of(at->end_ns);
    if (left == 0)
        return FH_STATUS(FH_TIMEOUT);
    bool interrupted = !spin(box, at->seen, at->spin_us) && fh_mailbox_wait(box, at->seen, left);
    return FH_STATUS(interrupted && c->interrupts ? FH_AGAIN : FH_OK);
}

/* --- messages ------------------------------------------------------------------------------------------------------------- */

static fh_status try_send(fh_mut fh_core *k, fh_mut fh_message *m) {
    FH_TRY(fh_context_attend(k));
    FH_TRY(fh_core_send(k, m));
    fh_drive_push(k);
    return FH_DONE;
}

static fh_status try_receive(fh_mut fh_core *k, fh_owned fh_message *out) {
    FH_TRY(fh_context_attend(k));
    return fh_core_receive(k, out);
}

static fh_status send_until(fh_mut fh_core *k, fh_mut fh_message *m) {
    int64_t timeout_ms = k->settings.send_timeout;
    for (uint64_t end_ns = end_of(timeout_ms);;) {
        uint32_t seen = fh_mailbox_seen(fh_context_box(k));
        fh_status status = try_send(k, m);
        if (status.code != FH_AGAIN || timeout_ms == 0)
            return status;
        FH_TRY(sleep_until(k, seen, end_ns));
    }
}

/* Tries until there is something, or no time. */
static fh_status receive_later(fh_mut fh_core *k, fh_owned fh_message *out) {
    for (uint64_t end_ns = end_of(k->settings.receive_timeout);;) {
        uint32_t seen = fh_mailbox_seen(fh_context_box(k));
        fh_message m;
        fh_status status = try_receive(k, &m);
        if (!fh_failed(status)) {
            *out = m;
            return FH_DONE;
        }
        if (status.code != FH_AGAIN)
            return status;
        FH_TRY(sleep_until(k, seen, end_ns));
    }
}

static fh_status receive_until(fh_mut fh_core *k, fh_owned fh_message *out) {
    fh_status status = try_receive(k, out);
    if (!fh_failed(status))
        return FH_DONE;
    if (status.code != FH_AGAIN || k->settings.receive_timeout == 0)
        return status;
    return receive_later(k, out);
}

/* As many messages as there is room for, or as there are. The status is that of the first. */
static fh_status pass(fh_mut fh_core *k, fh_messages messages, bool sends, fh_out size_t *done) {
    fh_status status = FH_DONE;
    *done = 0;
    while (!fh_failed(status) && *done < messages.count) {
        status = sends ? try_send(k, fh_messages_at(messages, *done)) : try_receive(k, fh_messages_at(messages, *done));
        *done += !fh_failed(status);
    }
    return *done != 0 ? FH_DONE : status;
}

/* The same with a socket that several threads use: who has to wait does so outside. */
static fh_status pass_among(fh_mut fh_sock_context *c, fh_sock s, fh_messages messages, bool sends, fh_out size_t *done) {
    absence at = {.seen = 0};
    *done = 0;
    for (;;) {
        fh_core *k;
        FH_TRY(fh_context_enter(c, s, &k));
        at.seen = fh_mailbox_seen(fh_context_box(k));
        at.timeout_ms = sends ? k->settings.send_timeout : k->settings.receive_timeout;
        at.spin_us = k->settings.spin;
        fh_status status = pass(k, messages, sends, done);
        fh_context_leave(c, s);
        if (status.code != FH_AGAIN || at.timeout_ms == 0)
            return status;
        FH_TRY(sleep_outside(c, s, &at));
    }
}

/* A call that sends or receives, and its end. Who does not wait for what is not there comes again, or polls: that is for the
 * I/O thread to see. */
static fh_status begin(fh_mut fh_sock_context *c, fh_sock s, fh_out fh_view(1) fh_core **k) {
    FH_TRY(fh_context_enter(c, s, k));
    fh_drive_begin(*k);
    return FH_DONE;
}

static void end(fh_mut fh_core *k, fh_status s) {
    fh_drive_end(k);
    if (s.code == FH_AGAIN)
        fh_drive_return(k);
}

static FH_ATTR(noinline) fh_status send_among(fh_mut fh_sock_context *c, fh_sock s, fh_mut fh_message *m) {
    size_t done;
    return pass_among(c, s, (fh_messages){m, 1}, true, &done);
}

fh_status fh_sock_send(fh_sock_context *c, fh_sock s, fh_message *m) {
    fh_core *k;
    if (fh_door_is_shared(s.value))
        return send_among(c, s, m);
    FH_TRY(begin(c, s, &k));
    fh_status status = send_until(k, m);
    end(k, status);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_try_send(fh_sock_context *c, fh_sock s, fh_message *m) {
    fh_core *k;
    FH_TRY(begin(c, s, &k));
    fh_status status = try_send(k, m);
    end(k, status);
    fh_context_leave(c, s);
    return status;
}

static FH_ATTR(noinline) fh_status receive_among(fh_mut fh_sock_context *c, fh_sock s, fh_owned fh_message *out) {
    size_t done;
    *out = (fh_message){0};
    return pass_among(c, s, (fh_messages){out, 1}, false, &done);
}

fh_status fh_sock_receive(fh_sock_context *c, fh_sock s, fh_message *out) {
    fh_core *k;
    if (fh_door_is_shared(s.value))
        return receive_among(c, s, out);
    fh_status status = begin(c, s, &k);
    if (fh_failed(status)) {
        *out = (fh_message){0};
        return status;
    }
    status = receive_until(k, out);
    end(k, status);
    fh_context_leave(c, s);
    if (!fh_failed(status))
        return FH_DONE;
    *out = (fh_message){0};
    return status;
}

fh_status fh_sock_try_receive(fh_sock_context *c, fh_sock s, fh_message *out) {
    fh_core *k;
    *out = (fh_message){0};
    FH_TRY(begin(c, s, &k));
    fh_status status = try_receive(k, out);
    end(k, status);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_about(fh_sock_context *c, fh_sock s, fh_message *out) {
    fh_core *k;
    *out = (fh_message){0};
    FH_TRY(fh_context_enter(c, s, &k));
    fh_status status = fh_core_about(k, out);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_send_n(fh_sock_context *c, fh_sock s, fh_messages messages, size_t *done) {
    fh_core *k;
    *done = 0;
    if (fh_door_is_shared(s.value))
        return pass_among(c, s, messages, true, done);
    FH_TRY(begin(c, s, &k));
    fh_status status = messages.count == 0 ? FH_DONE : send_until(k, fh_messages_at(messages, 0));
    for (bool more = !fh_failed(status) && messages.count != 0; more;) {
        ++*done;
        more = *done < messages.count && !fh_failed(try_send(k, fh_messages_at(messages, *done)));
    }
    end(k, status);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_receive_n(fh_sock_context *c, fh_sock s, fh_messages messages, size_t *done) {
    fh_core *k;
    *done = 0;
    if (fh_door_is_shared(s.value))
        return pass_among(c, s, messages, false, done);
    FH_TRY(begin(c, s, &k));
    fh_status status = messages.count == 0 ? FH_DONE : receive_until(k, fh_messages_at(messages, 0));
    for (bool more = !fh_failed(status) && messages.count != 0; more;) {
        ++*done;
        more = *done < messages.count && !fh_failed(try_receive(k, fh_messages_at(messages, *done)));
    }
    end(k, status);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_may_send(fh_sock_context *c, fh_sock s, fh_span first) {
    fh_core *k;
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    fh_status status = fh_context_attend(k);
    if (!fh_failed(status))
        status = fh_core_may_send(k, first);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_has_peer(fh_sock_context *c, fh_sock s, fh_span name) {
    fh_core *k;
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    fh_status status = fh_context_attend(k);
    if (!fh_failed(status))
        status = fh_core_has_peer(k, name);
    fh_context_leave(c, s);
    return status;
}

/* --- several sockets ------------------------------------------------------------------------------------------------------ */

/* Makes the first `count` sockets this thread's, or none; *entered is how many. One that several threads use is nobody's, and
 * knows how many wait for it. */
static fh_status enter_all(fh_mut fh_sock_context *c, fh_sock_poll_items items, fh_out size_t *entered) {
    for (*entered = 0; *entered < items.count; ++*entered) {
        fh_core *k;
        fh_sock s = fh_sock_poll_items_at(items, *entered)->socket;
        FH_TRY(fh_context_enter_undriven(c, s, &k));
        fh_context_watch(c, s);
        if (fh_door_is_shared(s.value))
            fh_context_leave(c, s);
    }
    return FH_DONE;
}

static void leave_all(fh_mut fh_sock_context *c, fh_sock_poll_items items, size_t entered) {
    for (size_t i = 0; i < entered; i++) {
        fh_sock s = fh_sock_poll_items_at(items, i)->socket;
        fh_core *k;
        if (fh_door_is_shared(s.value) && fh_failed(fh_context_enter(c, s, &k)))
            continue; /* it was closed */
        fh_context_unwatch(c, s);
        fh_context_leave(c, s);
    }
}

static fh_status look_at(fh_mut fh_core *k, fh_mut fh_sock_poll_item *item) {
    FH_TRY(fh_context_attend(k));
    item->found = fh_core_events(k) & item->wanted;
    return FH_DONE;
}

/* At one that is this thread's for that long only. */
static fh_status look_among(fh_mut fh_sock_context *c, fh_mut fh_sock_poll_item *item, fh_mut absence *at) {
    fh_core *k;
    FH_TRY(fh_context_enter(c, item->socket, &k));
    at->seen = fh_mailbox_seen(fh_context_box(k));
    at->spin_us = k->settings.spin;
    fh_status status = look_at(k, item);
    fh_context_leave(c, item->socket);
    return status;
}

static fh_status look_at_all(fh_mut fh_sock_context *c, fh_sock_poll_items items, fh_out size_t *count) {
    absence at = {.seen = 0};
    *count = 0;
    for (size_t i = 0; i < items.count; i++) {
        fh_sock_poll_item *item = fh_sock_poll_items_at(items, i);
        if (fh_door_is_shared(item->socket.value))
            FH_TRY(look_among(c, item, &at));
        else
            FH_TRY(look_at(fh_context_core(c, item->socket), item));
        *count += item->found != 0;
    }
    return FH_DONE;
}

/* One socket that several threads use: who waits sleeps where those do who send and receive. */
static fh_status poll_among(fh_mut fh_sock_context *c, fh_mut fh_sock_poll_item *item, int64_t timeout_ms,
                            fh_out size_t *count) {
    absence at = {.timeout_ms = timeout_ms, .end_ns = end_of(timeout_ms)};
    for (*count = 0;;) {
        FH_TRY(look_among(c, item, &at));
        *count = item->found != 0;
        if (*count != 0)
            return FH_DONE;
        FH_TRY(sleep_outside(c, item->socket, &at));
    }
}

fh_status fh_sock_poll(fh_sock_context *c, fh_sock_poll_items items, int64_t timeout_ms, size_t *count) {
    size_t entered = 0;
    uint64_t end_ns = end_of(timeout_ms);
    *count = 0;
    if (items.count == 1 && fh_door_is_shared(fh_sock_poll_items_at(items, 0)->socket.value))
        return poll_among(c, fh_sock_poll_items_at(items, 0), timeout_ms, count);
    fh_status status = enter_all(c, items, &entered);
    while (!fh_failed(status)) {
        uint32_t seen = fh_load(&c->polls, FH_ACQUIRE);
        status = look_at_all(c, items, count);
        if (fh_failed(status) || *count != 0)
            break;
        uint64_t left = left_of(end_ns);
        bool interrupted = false;
        if (left == 0)
            status = FH_STATUS(FH_TIMEOUT);
        else
            interrupted = left == UINT64_MAX ? fh_os_wait(&c->polls, seen) : fh_os_wait_for(&c->polls, seen, left);
        if (interrupted && c->interrupts)
            status = FH_STATUS(FH_AGAIN);
    }
    leave_all(c, items, entered);
    return status;
}
