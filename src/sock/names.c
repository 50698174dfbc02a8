/* names.c: who has bound a name, and who wants to be connected with it (context.h).
 *
 * Links are made with the lock held: connecting is rare, and so the name stays what it was found to be.
 * Threading: context.h. */
#include "mem/sync/lock.h"
#include "sock/context.h"

enum { MARK_UNKNOWN = 1000 }; /* what a socket that has not bound its name yet is taken to have */

static const fh_bytes nothing = {NULL, {NULL, 0}};

/* --- lists of links ------------------------------------------------------------------------------------------------------- */

static void add(fh_mut fh_link_list *list, fh_move fh_link *link) {
    FH_ASSERT(link != NULL);
    link->next = list->first;
    list->first = link;
}

static fh_owned_or_null fh_link *take_first(fh_mut fh_link_list *list) {
    fh_link *first = list->first;
    if (first == NULL)
        return NULL;
    list->first = first->next;
    first->next = NULL;
    return first;
}

/* The side that bound does not want the link. */
static void refuse(fh_mut fh_sock_context *c, fh_move fh_link *link) {
    bool read = fh_lane_end(&link->back), written = fh_lane_leave(&link->there);
    if (read || written)
        fh_context_tell(c, link->connected.box, link->connected.number);
    fh_link_free(link);
}

/* A link goes to the socket that has its name. */
static void deliver(fh_mut fh_sock_context *c, uint32_t box, fh_move fh_link *link) {
    add(&fh_sock_slots_at(c->slots, box)->newcomers, link);
    fh_context_tell(c, box, FH_NEWCOMERS);
}

/* --- names, with the lock held -------------------------------------------------------------------------------------------- */

static fh_or_null fh_sock_name *find(fh_mut fh_sock_context *c, fh_span name) fh_view(1) {
    for (size_t i = 0; i < c->names.count; i++)
        if (fh_span_equal(fh_sock_names_at(c->names, i)->name.span, name))
            return fh_sock_names_at(c->names, i);
    return NULL;
}

static void clear(fh_mut fh_sock_name *n) {
    fh_bytes_drop(&n->name);
    fh_bytes_drop(&n->identity);
    *n = (fh_sock_name){.name = nothing, .identity = nothing};
}

static fh_owned fh_bytes take(fh_sock_names names, size_t i, bool identity) {
    fh_sock_name *n = fh_sock_names_at(names, i);
    fh_bytes out = identity ? n->identity : n->name;
    if (identity)
        n->identity = nothing;
    else
        n->name = nothing;
    return out;
}

static fh_status grow(fh_mut fh_sock_context *c) {
    fh_sock_names names;
    FH_TRY(fh_sock_names_new(c->allocator, c->names.count != 0 ? 2 * c->names.count : 8, &names));
    for (size_t i = 0; i < c->names.count; i++) {
        fh_sock_name *from = fh_sock_names_at(c->names, i), *to = fh_sock_names_at(names, i);
        to->box = from->box;
        to->type = from->type;
        to->send_mark = from->send_mark;
        to->receive_mark = from->receive_mark;
        to->conflates = from->conflates;
        to->name = take(c->names, i, false);
        to->identity = take(c->names, i, true);
    }
    fh_sock_names_free(c->allocator, &c->names);
    c->names = names;
    return FH_DONE;
}

static fh_status enter_name(fh_mut fh_core *k, fh_span name) {
    if (find(k->context, name) != NULL)
        return FH_STATUS(FH_BORROWED);
    if (find(k->context, nothing.span) == NULL)
        FH_TRY(grow(k->context));
    fh_bytes copy;
    FH_TRY(fh_bytes_copy(k->allocator, name, &copy));
    fh_sock_name *n = find(k->context, nothing.span);
    FH_ASSERT(n != NULL);
    n->name = copy;
    n->identity = fh_bytes_share(k->identity);
    n->box = k->box;
    n->type = k->type;
    n->send_mark = k->settings.send_mark;
    n->receive_mark = k->settings.receive_mark;
    n->conflates = k->settings.conflate && fh_link_conflates(k->type);
    return FH_DONE;
}

/* The list turns. */
static void turn(fh_mut fh_link_list *from, fh_mut fh_link_list *to) {
    for (fh_link *link = take_first(from); link != NULL; link = take_first(from))
        add(to, link);
}

/* Those who have connected to the name already become peers, the first first; the others wait on. */
static void deliver_waiting(fh_mut fh_sock_context *c, uint32_t box, fh_zmtp_socket type, fh_span name) {
    turn(&c->waiting, &c->turned);
    for (fh_link *link = take_first(&c->turned); link != NULL; link = take_first(&c->turned)) {
        if (!fh_span_equal(link->name.span, name)) {
            add(&c->waiting, link);
        } else if (!fh_zmtp_sockets_match(type, link->connected.type)) {
            refuse(c, link);
        } else {
            link->bound.type = type;
            deliver(c, box, link);
        }
    }
}

fh_status fh_context_bind(fh_core *k, fh_span name) {
    fh_lock_take(&k->context->lock);
    fh_status s = enter_name(k, name);
    if (!fh_failed(s))
        deliver_waiting(k->context, k->box, k->type, name);
    fh_lock_give(&k->context->lock);
    return s;
}

/* --- connecting ----------------------------------------------------------------------------------------------------------- */

static uint32_t mark_of(fh_zmtp_socket writer, bool conflates, int64_t send, int64_t receive) {
    if (writer == FH_ZMTP_SUB || writer == FH_ZMTP_XSUB || writer == FH_ZMTP_DISH)
        return FH_UPSTREAM_MARK;
    if (conflates && writer != FH_ZMTP_PULL)
        return FH_LANE_CONFLATES;
    if (send == 0 || receive == 0 || send + receive > FH_SOCK_MARK_MAX)
        return FH_SOCK_MARK_MAX;
    return (uint32_t)(send + receive);
}

/* A link from this socket to one that has bound, or to nobody yet. */
static fh_status make_link(fh_mut fh_core *k, fh_span endpoint, fh_owned fh_link **out) {
    const fh_sock_name *n = find(k->context, endpoint);
    const fh_sock_settings *mine = &k->settings;
    fh_zmtp_socket type = n != NULL ? n->type : FH_ZMTP_UNKNOWN;
    bool conflates = (mine->conflate && fh_link_conflates(k->type)) || (n != NULL && n->conflates);
    fh_link_marks marks = {
        .there = mark_of(k->type, conflates, mine->send_mark, n != NULL ? n->receive_mark : MARK_UNKNOWN),
        .back = mark_of(type, conflates, n != NULL ? n->send_mark : MARK_UNKNOWN, mine->receive_mark),
    };
    *out = NULL;
    if (n != NULL && !fh_zmtp_sockets_match(k->type, type))
        return FH_STATUS(FH_INVALID);
    bool named = k->next_name.span.size != 0;
    fh_bytes identity = named ? fh_bytes_share(k->next_name) : n != NULL ? fh_bytes_share(n->identity) : nothing;
    fh_link *link;
    fh_status s = fh_link_new(k->allocator, marks, endpoint, &link);
    if (fh_failed(s)) {
        fh_bytes_drop(&identity);
        return s;
    }
    link->connected.type = k->type;
    link->connected.identity = fh_bytes_share(k->identity);
    link->bound.type = type;
    link->bound.identity = identity;
    link->is_chosen = named;
    *out = link;
    return FH_DONE;
}

static fh_status connect(fh_mut fh_core *k, fh_span endpoint) {
    fh_link *mine;
    FH_TRY(make_link(k, endpoint, &mine));
    add(&k->context->waiting, fh_link_share(mine));
    fh_status s = fh_core_join(k, &mine, 0);
    fh_link_free(mine); /* NULL if it was taken */
    fh_link *other = take_first(&k->context->waiting);
    const fh_sock_name *n = find(k->context, endpoint);
    if (fh_failed(s))
        fh_link_free(other);
    else if (other != NULL && n != NULL)
        deliver(k->context, n->box, other);
    else if (other != NULL)
        add(&k->context->waiting, other);
    return s;
}

fh_status fh_context_connect(fh_core *k, fh_span endpoint) {
    fh_lock_take(&k->context->lock);
    fh_status s = connect(k, endpoint);
    fh_lock_give(&k->context->lock);
    return s;
}

/* --- ends ----------------------------------------------------------------------------------------------------------------- */

fh_status fh_context_unbind(fh_core *k, fh_span name) {
    fh_lock_take(&k->context->lock);
    fh_sock_name *n = find(k->context, name);
    bool found = n != NULL && n->box == k->box;
    if (n != NULL && found)
        clear(n);
    fh_lock_give(&k->context->lock);
    return found ? FH_DONE : FH_STATUS(FH_NOT_FOUND);
}

static fh_owned_or_null fh_link *newcomer(fh_mut fh_core *k) {
    return take_first(&fh_sock_slots_at(k->context->slots, k->box)->newcomers);
}

/* The names of a slot are free. */
static void clear_names(fh_mut fh_sock_context *c, uint32_t box) {
    for (size_t i = 0; i < c->names.count; i++)
        if (fh_sock_names_at(c->names, i)->name.span.size != 0 && fh_sock_names_at(c->names, i)->box == box)
            clear(fh_sock_names_at(c->names, i));
}

void fh_context_forget(fh_core *k) {
    fh_lock_take(&k->context->lock);
    clear_names(k->context, k->box);
    for (fh_link *link = newcomer(k); link != NULL; link = newcomer(k))
        refuse(k->context, link);
    fh_lock_give(&k->context->lock);
    for (fh_link *link = take_first(&k->arrivals); link != NULL; link = take_first(&k->arrivals))
        refuse(k->context, link);
}

fh_status fh_context_admit(fh_core *k) {
    fh_lock_take(&k->context->lock);
    for (fh_link *link = newcomer(k); link != NULL; link = newcomer(k))
        add(&k->arrivals, link); /* who came first is first */
    fh_lock_give(&k->context->lock);
    for (fh_link *link = take_first(&k->arrivals); link != NULL; link = take_first(&k->arrivals)) {
        fh_status s = fh_core_join(k, &link, 1);
        if (s.code == FH_NOMEM) {
            add(&k->arrivals, link);
            return s;
        }
        if (fh_failed(s))
            refuse(k->context, link);
    }
    return FH_DONE;
}

void fh_context_deliver(fh_sock_context *c, uint32_t box, fh_link *link) {
    fh_lock_take(&c->lock);
    deliver(c, box, link);
    fh_lock_give(&c->lock);
}

fh_status fh_context_call(fh_sock_context *c, fh_link *link) {
    fh_lock_take(&c->lock);
    const fh_sock_name *n = find(c, link->name.span);
    bool found = n != NULL && (n->type == FH_ZMTP_REP || n->type == FH_ZMTP_ROUTER);
    if (n != NULL && found) {
        link->bound.type = n->type;
        deliver(c, n->box, link);
    } else {
        fh_link_free(link);
    }
    fh_lock_give(&c->lock);
    return found ? FH_DONE : FH_STATUS(FH_NOT_FOUND);
}

void fh_context_end_waiting(fh_sock_context *c) {
    for (fh_link *link = take_first(&c->waiting); link != NULL; link = take_first(&c->waiting))
        fh_link_free(link);
}
