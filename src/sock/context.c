/* context.c: numbers of sockets, and who is told (context.h). Threading: context.h. */
#include "sock/context.h"

#include "freehold/os.h"
#include "mem/sync/lock.h"
#include "os/socket.h"
#include "sock/drive.h"
#include "sock/endpoint.h"
#include "sock/io.h"

enum { SOCKETS = 1023, SOCKETS_MAX = 65535, IO_THREADS = 1 };

/* Its memory, and that of its tables. */
static void end(fh_move fh_sock_context *c) {
    fh_allocator *a = c->allocator;
    fh_sock_slots_free(a, &c->slots);
    fh_io_places_free(a, &c->ios);
    fh_shakes_deinit(&c->shakes, a);
    fh_sock_names_free(a, &c->names);
    fh_free(a, c);
}

static fh_status make(fh_ref fh_allocator *a, uint32_t sockets, uint32_t io_threads,
                      fh_owned fh_view(1) fh_sock_context **out) {
    fh_sock_slots slots = {NULL, 0};
    fh_io_places ios = {NULL, 0};
    *out = NULL;
    fh_sock_context *c = fh_alloc(a, 1, sizeof *c);
    if (c == NULL)
        return FH_STATUS(FH_NOMEM);
    c->allocator = a;
    fh_status s = fh_sock_slots_new(a, sockets, &slots);
    c->slots = slots;
    if (!fh_failed(s)) {
        s = fh_io_places_new(a, io_threads, &ios);
        c->ios = ios;
    }
    if (fh_failed(s))
        end(c);
    else
        *out = c;
    return s;
}

fh_status fh_sock_context_new(fh_allocator *a, const fh_sock_context_options *options, fh_sock_context **out) {
    fh_sock_context_options o = options != NULL ? *options : (fh_sock_context_options){0};
    uint32_t sockets = o.sockets_max != 0 ? o.sockets_max : SOCKETS, io_threads = o.io_threads != 0 ? o.io_threads : IO_THREADS;
    fh_sock_context *c;
    *out = NULL;
    if (sockets > SOCKETS_MAX || io_threads > FH_SOCK_IO_THREADS_MAX)
        return FH_STATUS(FH_LIMIT);
    if (o.sim != NULL && io_threads != 1)
        return FH_STATUS(FH_UNSUPPORTED);
    FH_TRY(make(a, sockets, io_threads, &c));
    c->is_simulated = o.sim != NULL;
    if (o.sim != NULL)
        c->sim = *o.sim;
    c->interrupts = o.interrupts;
    *out = c;
    return FH_DONE;
}

/* --- telling -------------------------------------------------------------------------------------------------------------- */

static void tell_polls(fh_mut fh_sock_context *c) {
    (void)fh_fetch_add(&c->polls, 1, FH_ACQ_REL);
    fh_os_wake(&c->polls, UINT32_MAX);
}

static void ring_seat(fh_mut fh_sock_slot *slot) {
    fh_lock_take(&slot->seat_lock);
    if (slot->seat_bell != 0)
        fh_os_bell_ring((int)(slot->seat_bell - 1));
    for (uint32_t i = 0; i < slot->bells_used; i++)
        fh_os_bell_ring((int)fh_u32s_get(slot->bells, i));
    fh_lock_give(&slot->seat_lock);
}

/* Who polls, or waits at a descriptor. */
static void tell_outside(fh_mut fh_sock_context *c, uint32_t box) {
    uint32_t bell = fh_load(&fh_sock_slots_at(c->slots, box)->bell, FH_ACQUIRE);
    if (bell != 0)
        fh_os_bell_ring((int)(bell - 1));
    ring_seat(fh_sock_slots_at(c->slots, box));
    tell_polls(c);
}

void fh_context_tell(fh_sock_context *c, uint32_t box, uint32_t number) {
    if (fh_link_is_io(box))
        fh_io_tell(c, box, number);
    else if (fh_mailbox_tell(&fh_sock_slots_at(c->slots, box)->box, number))
        tell_outside(c, box);
}

void fh_context_nudge(fh_sock_context *c, uint32_t box) {
    if (fh_mailbox_wake(&fh_sock_slots_at(c->slots, box)->box))
        tell_outside(c, box);
}

static void stop(fh_mut fh_sock_context *c, uint32_t how) {
    (void)fh_fetch_or(&c->stopped, how, FH_RELEASE);
    fh_io_wake(c);
    for (uint32_t i = 0; i < c->slots.count; i++)
        fh_context_nudge(c, i);
    tell_polls(c);
}

void fh_sock_context_refuse(fh_sock_context *c) {
    stop(c, 1);
}

void fh_sock_context_stop(fh_sock_context *c) {
    stop(c, 3);
}

bool fh_context_hurries(const fh_sock_context *c) {
    return fh_load(&c->stopped, FH_ACQUIRE) > 1;
}

bool fh_context_stopped(const fh_sock_context *c) {
    return fh_load(&c->stopped, FH_ACQUIRE) != 0;
}

fh_status fh_context_attend_to(fh_core *k) {
    uint32_t number = 0;
    if (fh_context_stopped(k->context))
        return FH_STATUS(FH_CANCELED);
    while (fh_mailbox_next(fh_context_box(k), &number)) {
        if (number != FH_NEWCOMERS) {
            fh_core_look(k, number);
            continue;
        }
        fh_status s = fh_context_admit(k);
        if (fh_failed(s)) {
            fh_context_tell(k->context, k->box, FH_NEWCOMERS);
            return s;
        }
    }
    return fh_core_hear(k);
}

/* --- numbers -------------------------------------------------------------------------------------------------------------- */

/* True for a number that may be, or have been, a socket's. */
static bool is_number(fh_ref const fh_sock_context *c, fh_sock s) {
    return fh_door_index(s.value) < c->slots.count && fh_door_is_open(s.value);
}

/* What is not free at once. */
static FH_ATTR(noinline) fh_status enter_later(fh_mut fh_sock_context *c, fh_sock s, fh_out fh_view(1) fh_core **core) {
    *core = NULL;
    FH_TRY(fh_door_enter(&fh_context_slot(c, s)->word, s.value));
    *core = fh_context_core(c, s);
    return FH_DONE;
}

fh_status fh_context_enter(fh_sock_context *c, fh_sock s, fh_core **core) {
    *core = NULL;
    if (!is_number(c, s))
        return FH_STATUS(FH_STALE);
    if (!fh_door_try(&fh_context_slot(c, s)->word, s.value))
        return enter_later(c, s, core);
    *core = fh_context_core(c, s);
    return FH_DONE;
}

fh_status fh_context_enter_undriven(fh_sock_context *c, fh_sock s, fh_core **core) {
    FH_TRY(fh_context_enter(c, s, core));
    fh_drive_return(*core);
    return FH_DONE;
}

static bool is_type(fh_zmtp_socket type) {
    return fh_zmtp_socket_name(type).size != 0;
}

/* Several threads may use a socket of RFC 41 to 52 at once. */
static bool is_shared(fh_zmtp_socket type) {
    return type >= FH_ZMTP_SERVER;
}

/* Takes a slot that has no socket; the caller has the lock. */
static fh_status take_slot(fh_mut fh_sock_context *c, fh_zmtp_socket type, fh_out fh_sock *out) {
    for (uint32_t i = 0; i < c->slots.count; i++) {
        uint64_t *word = &fh_sock_slots_at(c->slots, i)->word, found = fh_load(word, FH_ACQUIRE);
        bool worn = found >> 32 == UINT32_MAX - 1; /* no generation is left: the slot rests */
        if (fh_door_is_open(found) || (found & FH_DOOR_BUSY) != 0 || worn)
            continue;
        out->value = ((found >> 32) + 1) << 32 | (is_shared(type) ? FH_DOOR_SHARED : 0) | i;
        fh_store(word, fh_door_at_rest(out->value) | FH_DOOR_BUSY, FH_RELEASE);
        return FH_DONE;
    }
    return FH_STATUS(FH_EXHAUSTED);
}

/* The next generation, without a socket. The bell goes with the context: whoever tells may still ring it. */
static void give_slot(fh_mut fh_sock_context *c, fh_sock s) {
    fh_door_end(&fh_context_slot(c, s)->word, s.value);
}

fh_status fh_sock_open(fh_sock_context *c, fh_zmtp_socket type, fh_sock *out) {
    fh_sock s = {0};
    fh_core *k;
    out->value = 0;
    if (!is_type(type))
        return FH_STATUS(FH_UNSUPPORTED);
    if (fh_context_stopped(c))
        return FH_STATUS(FH_CANCELED);
    fh_lock_take(&c->lock);
    fh_status status = take_slot(c, type, &s);
    fh_lock_give(&c->lock);
    FH_TRY(status);
    status = fh_core_new(c->allocator, c, type, fh_door_index(s.value), &k);
    if (fh_failed(status)) {
        give_slot(c, s);
        return status;
    }
    fh_context_slot(c, s)->core = k;
    fh_context_unmark(fh_context_slot(c, s)); /* who polled the last one is gone, or finds that it is */
    fh_context_leave(c, s);
    *out = s;
    return FH_DONE;
}

static fh_owned_or_null fh_core *take_core(fh_mut fh_sock_slot *slot) {
    fh_core *k = slot->core;
    slot->core = NULL;
    return k;
}

/* Who sleeps in it comes, waits for this thread, and finds that it is closed. Nobody outside is rung for any more. */
static void send_away(fh_mut fh_sock_context *c, fh_sock s) {
    fh_context_nudge(c, fh_door_index(s.value));
    fh_sock_slot *slot = fh_context_slot(c, s);
    fh_lock_take(&slot->seat_lock);
    slot->bells_used = 0;
    fh_u32s_free(c->allocator, &slot->bells);
    slot->bells = (fh_u32s){NULL, 0};
    fh_lock_give(&slot->seat_lock);
}

fh_status fh_sock_close(fh_sock_context *c, fh_sock s) {
    fh_core *k;
    FH_TRY(fh_context_enter(c, s, &k));
    k = take_core(fh_context_slot(c, s));
    FH_ASSERT(k != NULL);
    fh_drive_return(k);
    fh_endpoint_detach_all(k);
    fh_context_forget(k);
    fh_core_free(k);
    if (fh_door_is_shared(s.value))
        send_away(c, s);
    give_slot(c, s);
    return FH_DONE;
}

uint32_t fh_sock_context_count(const fh_sock_context *c) {
    uint32_t count = 0;
    for (size_t i = 0; i < c->slots.count; i++)
        count += fh_door_is_open(fh_load(&fh_sock_slots_at(c->slots, i)->word, FH_RELAXED));
    return count;
}

/* When nobody tells any more: neither a socket that closes nor an I/O thread that still sends. Closed before, a bell could be
 * another file by the time it is rung. */
static void close_bells(fh_mut fh_sock_context *c) {
    for (uint32_t i = 0; i < c->slots.count; i++) {
        uint32_t bell = fh_sock_slots_at(c->slots, i)->bell;
        if (bell != 0)
            fh_os_close((int)(bell - 1));
    }
}

void fh_sock_context_free(fh_sock_context *c) {
    if (c == NULL)
        return;
    for (uint32_t i = 0; i < c->slots.count; i++) {
        uint64_t word = fh_load(&fh_sock_slots_at(c->slots, i)->word, FH_ACQUIRE);
        FH_ASSERT((word & FH_DOOR_BUSY) == 0);
        fh_status s = fh_door_is_open(word) ? fh_sock_close(c, (fh_sock){word | i}) : FH_DONE;
        FH_ASSERT(!fh_failed(s));
    }
    fh_io_end(c);
    fh_context_end_waiting(c);
    close_bells(c);
    FH_ASSERT(c->waiting.first == NULL && c->turned.first == NULL);
    end(c);
}
