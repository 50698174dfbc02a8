/* option.c: names and options of a socket (sock.h). Threading: sock.h. */
#include "freehold/atomic.h"
#include "mem/sync/lock.h"
#include "os/socket.h"
#include "sock/endpoint.h"

typedef enum text_kind { TEXT_IDENTITY, TEXT_WELCOME, TEXT_NEXT_NAME } text_kind;

static const fh_bytes nothing = {NULL, {NULL, 0}};

/* --- endpoints ------------------------------------------------------------------------------------------------------------ */

static void remember(fh_mut fh_core *k, fh_move fh_bytes endpoint) {
    fh_bytes_drop(&k->last_endpoint);
    k->last_endpoint = endpoint;
}

static void forget_next_name(fh_mut fh_core *k) {
    fh_bytes_drop(&k->next_name);
    k->next_name = nothing;
}

/* The peer that a PEER connects to next has its number already. */
static fh_status choose_id(fh_mut fh_core *k, fh_out uint32_t *id) {
    fh_bytes name;
    *id = 0;
    if (k->type != FH_ZMTP_PEER)
        return FH_STATUS(FH_UNSUPPORTED);
    if (k->settings.immediate)
        return FH_STATUS(FH_INVALID);
    FH_TRY(fh_core_next_id(k, &name));
    *id = k->last_routing_id;
    fh_bytes_drop(&k->next_name);
    k->next_name = name;
    return FH_DONE;
}

static fh_status attach(fh_mut fh_core *k, fh_span endpoint, bool bind, fh_mut fh_err *err) {
    fh_bytes name;
    FH_TRY(fh_endpoint_attach(k, endpoint, bind, &name, err));
    remember(k, name);
    if (!bind)
        forget_next_name(k); /* it was for this one */
    return FH_DONE;
}

/* `id` is NULL, or wants the number of the peer. */
static fh_status attach_to(fh_mut fh_sock_context *c, fh_sock s, fh_span endpoint, bool bind, fh_mut fh_or_null uint32_t *id,
                           fh_mut fh_err *err) {
    fh_core *k;
    FH_TRY(fh_endpoint_check(endpoint, err));
    if (fh_context_stopped(c))
        return FH_STATUS(FH_CANCELED);
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    fh_status status = id != NULL ? choose_id(k, id) : FH_DONE;
    if (!fh_failed(status))
        status = attach(k, endpoint, bind, err);
    if (fh_failed(status) && id != NULL && *id != 0) {
        forget_next_name(k);
        *id = 0;
    }
    fh_context_leave_changed(c, s);
    if (fh_failed(status))
        return fh_fail(err, status.code, FH_NO_OFFSET, "%.*s: %s", FH_SPAN_FMT(endpoint), fh_code_text(status.code));
    return FH_DONE;
}

fh_status fh_sock_bind(fh_sock_context *c, fh_sock s, fh_span endpoint, fh_err *err) {
    return attach_to(c, s, endpoint, true, NULL, err);
}

fh_status fh_sock_connect(fh_sock_context *c, fh_sock s, fh_span endpoint, fh_err *err) {
    return attach_to(c, s, endpoint, false, NULL, err);
}

fh_status fh_sock_connect_peer(fh_sock_context *c, fh_sock s, fh_span endpoint, uint32_t *id, fh_err *err) {
    *id = 0;
    return attach_to(c, s, endpoint, false, id, err);
}

static fh_status detach_from(fh_mut fh_sock_context *c, fh_sock s, fh_span endpoint, bool bound) {
    fh_core *k;
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    fh_status status = fh_endpoint_detach(k, endpoint, bound);
    fh_context_leave_changed(c, s);
    return status;
}

fh_status fh_sock_unbind(fh_sock_context *c, fh_sock s, fh_span endpoint) {
    return detach_from(c, s, endpoint, true);
}

fh_status fh_sock_disconnect(fh_sock_context *c, fh_sock s, fh_span endpoint) {
    return detach_from(c, s, endpoint, false);
}

fh_status fh_sock_last_endpoint(fh_sock_context *c, fh_sock s, fh_bytes *out) {
    fh_core *k;
    *out = nothing;
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    *out = fh_bytes_share(k->last_endpoint);
    fh_context_leave(c, s);
    return FH_DONE;
}

/* --- numbers -------------------------------------------------------------------------------------------------------------- */

/* Where the value of an option is, and its range; NULL for what is no option, or read only. */
static fh_or_null int64_t *place(fh_mut fh_sock_settings *of, fh_sock_option option, fh_out int64_t *least,
                                 fh_out int64_t *most) fh_view(1) {
    *least = *most = 0;
#define FH_PLACE(NAME, field, number, value, low, high) \
    case FH_SOCK_##NAME:                                \
        *least = (low);                                 \
        *most = (high);                                 \
        return &of->field;
#define FH_NO_PLACE(NAME, number) case FH_SOCK_##NAME:
    switch (option) {
        FH_SOCK_OPTIONS(FH_PLACE)
        FH_SOCK_FACTS(FH_NO_PLACE)
        break;
    }
#undef FH_PLACE
#undef FH_NO_PLACE
    return NULL;
}

static fh_status set(fh_mut fh_core *k, fh_sock_option option, int64_t value) {
    int64_t least = 0, most = 0;
    int64_t *at = place(&k->settings, option, &least, &most);
    if (at == NULL)
        return FH_STATUS(FH_UNSUPPORTED);
    if (value < least || value > most)
        return FH_STATUS(FH_INVALID);
    *at = value;
    return FH_DONE;
}

static fh_status get(fh_mut fh_core *k, fh_sock_option option, fh_out int64_t *value) {
    int64_t least = 0, most = 0;
    const int64_t *at = place(&k->settings, option, &least, &most);
    *value = at != NULL ? *at : 0;
    if (option == FH_SOCK_TYPE)
        *value = k->type;
    else if (option == FH_SOCK_EVENTS)
        *value = fh_core_events(k);
    else if (option == FH_SOCK_LAST_ROUTING_ID)
        *value = k->last_routing_id;
    else if (at == NULL)
        return FH_STATUS(FH_UNSUPPORTED);
    return FH_DONE;
}

/* Silences the bell first: what is told from here on rings it again, what was told before is found below. */
static fh_status look(fh_mut fh_core *k) {
    uint32_t bell = fh_sock_slots_at(k->context->slots, k->box)->bell;
    if (bell != 0)
        fh_os_bell_clear((int)(bell - 1));
    return fh_context_attend(k);
}

fh_status fh_sock_set(fh_sock_context *c, fh_sock s, fh_sock_option option, int64_t value) {
    fh_core *k;
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    fh_status status = set(k, option, value);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_get(fh_sock_context *c, fh_sock s, fh_sock_option option, int64_t *value) {
    fh_core *k;
    *value = 0;
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    fh_status status = option == FH_SOCK_EVENTS ? look(k) : FH_DONE;
    if (!fh_failed(status))
        status = get(k, option, value);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_bell(fh_sock_context *c, fh_sock s, int *descriptor) {
    fh_core *k;
    int error = 0;
    *descriptor = -1;
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    fh_sock_slot *slot = fh_context_slot(c, s);
    fh_status status = slot->bell != 0 ? FH_DONE : fh_os_bell_open(descriptor, &error);
    if (!fh_failed(status) && slot->bell == 0)
        fh_store(&slot->bell, (uint32_t)*descriptor + 1, FH_RELEASE);
    if (!fh_failed(status)) {
        *descriptor = (int)(slot->bell - 1);
        fh_mailbox_watch(&slot->box, true);
    }
    fh_context_leave(c, s);
    return status;
}

/* --- bells of others ------------------------------------------------------------------------------------------------------ */

/* Room for one more. */
static fh_status reserve_bell(fh_ref fh_allocator *a, fh_mut fh_sock_slot *slot) {
    fh_u32s row;
    if (slot->bells_used < slot->bells.count)
        return FH_DONE;
    FH_TRY(fh_u32s_new(a, slot->bells.count != 0 ? 2 * slot->bells.count : 4, &row));
    for (uint32_t i = 0; i < slot->bells_used; i++)
        fh_u32s_set(row, i, fh_u32s_get(slot->bells, i));
    fh_lock_take(&slot->seat_lock);
    fh_u32s_free(a, &slot->bells);
    slot->bells = row;
    fh_lock_give(&slot->seat_lock);
    return FH_DONE;
}

/* The last one takes the place of one that goes. False: it is not there. */
static bool drop_bell(fh_mut fh_sock_slot *slot, uint32_t descriptor) {
    uint32_t i = 0;
    while (i < slot->bells_used && fh_u32s_get(slot->bells, i) != descriptor)
        i++;
    if (i == slot->bells_used)
        return false;
    fh_lock_take(&slot->seat_lock);
    fh_u32s_set(slot->bells, i, fh_u32s_get(slot->bells, --slot->bells_used));
    fh_lock_give(&slot->seat_lock);
    return true;
}

fh_status fh_sock_ring(fh_sock_context *c, fh_sock s, int descriptor) {
    fh_core *k;
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    fh_sock_slot *slot = fh_context_slot(c, s);
    fh_status status = fh_door_is_shared(s.value) ? reserve_bell(c->allocator, slot) : FH_STATUS(FH_UNSUPPORTED);
    if (!fh_failed(status)) {
        fh_lock_take(&slot->seat_lock);
        fh_u32s_set(slot->bells, slot->bells_used++, (uint32_t)descriptor);
        fh_lock_give(&slot->seat_lock);
        fh_context_watch(c, s);
    }
    fh_context_leave(c, s);
    return status;
}

void fh_sock_unring(fh_sock_context *c, fh_sock s, int descriptor) {
    fh_core *k;
    if (fh_failed(fh_context_enter(c, s, &k)))
        return;
    if (drop_bell(fh_context_slot(c, s), (uint32_t)descriptor))
        fh_context_unwatch(c, s);
    fh_context_leave(c, s);
}

/* --- texts ---------------------------------------------------------------------------------------------------------------- */

/* A text of a socket changes. */
static void replace(fh_mut fh_core *k, text_kind kind, fh_bytes text) {
    if (kind == TEXT_IDENTITY) {
        fh_bytes_drop(&k->identity);
        k->identity = fh_bytes_share(text);
    } else if (kind == TEXT_WELCOME) {
        fh_bytes_drop(&k->welcome);
        k->welcome = fh_bytes_share(text);
    } else {
        fh_bytes_drop(&k->next_name);
        k->next_name = fh_bytes_share(text);
    }
}

static fh_status set_text(fh_mut fh_sock_context *c, fh_sock s, fh_span text, text_kind kind) {
    fh_core *k;
    fh_bytes copy;
    FH_TRY(fh_bytes_copy(c->allocator, text, &copy));
    fh_status status = fh_context_enter_undriven(c, s, &k);
    if (!fh_failed(status)) {
        bool names = k->type == FH_ZMTP_ROUTER || k->type == FH_ZMTP_STREAM, fits = kind == TEXT_IDENTITY ||
            (kind == TEXT_WELCOME && k->type == FH_ZMTP_XPUB) || (kind == TEXT_NEXT_NAME && names);
        if (fits)
            replace(k, kind, copy);
        fh_context_leave(c, s);
        status = fits ? FH_DONE : FH_STATUS(FH_UNSUPPORTED);
    }
    fh_bytes_drop(&copy);
    return status;
}

static bool is_identity(fh_span text) {
    return text.size != 0 && text.size <= FH_ZMTP_IDENTITY_MAX && fh_span_at(text, 0) != 0;
}

fh_status fh_sock_identify(fh_sock_context *c, fh_sock s, fh_span identity) {
    return is_identity(identity) ? set_text(c, s, identity, TEXT_IDENTITY) : FH_STATUS(FH_INVALID);
}

fh_status fh_sock_identity(fh_sock_context *c, fh_sock s, fh_bytes *out) {
    fh_core *k;
    *out = nothing;
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    fh_status status = fh_context_attend(k); /* a connection may have come */
    if (fh_failed(status)) {
        fh_context_leave(c, s);
        return status;
    }
    *out = fh_bytes_share(k->identity);
    fh_context_leave(c, s);
    return FH_DONE;
}

fh_status fh_sock_name_next(fh_sock_context *c, fh_sock s, fh_span identity) {
    return is_identity(identity) ? set_text(c, s, identity, TEXT_NEXT_NAME) : FH_STATUS(FH_INVALID);
}

fh_status fh_sock_welcome(fh_sock_context *c, fh_sock s, fh_span text) {
    return set_text(c, s, text, TEXT_WELCOME);
}

static fh_status subscribe(fh_mut fh_sock_context *c, fh_sock s, fh_span prefix, fh_message_kind kind) {
    fh_core *k;
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    bool can = k->type == FH_ZMTP_SUB || k->type == FH_ZMTP_DISH || k->type == FH_ZMTP_XPUB;
    fh_status status = can ? fh_context_attend(k) : FH_STATUS(FH_UNSUPPORTED);
    if (!fh_failed(status))
        status = fh_core_subscribe(k, prefix, kind);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_subscribe(fh_sock_context *c, fh_sock s, fh_span prefix) {
    return subscribe(c, s, prefix, FH_MESSAGE_SUBSCRIBE);
}

fh_status fh_sock_unsubscribe(fh_sock_context *c, fh_sock s, fh_span prefix) {
    return subscribe(c, s, prefix, FH_MESSAGE_CANCEL);
}

/* --- security and events -------------------------------------------------------------------------------------------------- */

fh_status fh_sock_secure(fh_sock_context *c, fh_sock s, const fh_sock_security *security) {
    fh_core *k;
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    fh_status status = fh_secrets_set(&k->secrets, security);
    fh_context_leave(c, s);
    return status;
}

static fh_owned_or_null fh_monitor *take_monitor(fh_mut fh_core *k) {
    fh_monitor *m = k->monitor;
    k->monitor = NULL;
    return m;
}

static fh_status watch(fh_mut fh_core *k, uint32_t kinds, fh_sock_watcher watcher) {
    fh_monitor *monitor = NULL;
    if (kinds != 0)
        FH_TRY(fh_monitor_new(k->allocator, kinds, watcher, &monitor));
    fh_monitor_mute(k->monitor);
    fh_monitor_free(take_monitor(k));
    k->monitor = monitor;
    return FH_DONE;
}

fh_status fh_sock_watch(fh_sock_context *c, fh_sock s, uint32_t kinds, fh_sock_watcher watcher) {
    fh_core *k;
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    fh_status status = watch(k, kinds, watcher);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_monitor(fh_sock_context *c, fh_sock s, uint32_t kinds) {
    return fh_sock_watch(c, s, kinds, (fh_sock_watcher){0});
}

fh_status fh_sock_event_next(fh_sock_context *c, fh_sock s, fh_sock_event *out) {
    fh_core *k;
    *out = (fh_sock_event){.endpoint = nothing};
    FH_TRY(fh_context_enter_undriven(c, s, &k));
    fh_status status = FH_STATUS(FH_AGAIN);
    if (k->monitor != NULL)
        status = fh_monitor_take(k->monitor, out);
    fh_context_leave(c, s);
    return status;
}
