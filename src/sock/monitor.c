/* monitor.c: events in a ring (monitor.h). Threading: monitor.h. */
#include "sock/monitor.h"

#include "mem/sync/lock.h"

static const fh_bytes nothing = {NULL, {NULL, 0}};

void fh_sock_event_drop(fh_sock_event *event) {
    fh_bytes_drop(&event->endpoint);
}

fh_status fh_monitor_new(fh_allocator *a, uint32_t kinds, fh_sock_watcher watcher, fh_monitor **out) {
    *out = NULL;
    fh_monitor *m = fh_alloc(a, 1, sizeof *m);
    if (m == NULL)
        return FH_STATUS(FH_NOMEM);
    m->allocator = a;
    m->kinds = kinds;
    m->watcher = watcher;
    m->is_row = watcher.happened == NULL;
    fh_handles_init(&m->handles);
    fh_status s = fh_news_rows_new(a, m->is_row ? FH_SOCK_EVENTS_MAX : 0, &m->events);
    if (fh_failed(s)) {
        fh_free(a, m);
        return s;
    }
    *out = m;
    return FH_DONE;
}

fh_monitor *fh_monitor_share(fh_monitor *m) {
    if (m == NULL)
        return NULL;
    return fh_handles_share(&m->handles, m);
}

static fh_news_row *slot(fh_mut fh_monitor *m, size_t i) fh_view(1) {
    return fh_news_rows_at(m->events, (m->first + i) % FH_SOCK_EVENTS_MAX);
}

/* The first event leaves its place. */
static void take_first(fh_mut fh_monitor *m, fh_owned fh_sock_event *out) {
    fh_news_row *at = slot(m, 0);
    *out = (fh_sock_event){.kind = at->kind, .value = at->value, .lost = at->lost, .endpoint = at->endpoint};
    at->endpoint = nothing;
    m->first = (m->first + 1) % FH_SOCK_EVENTS_MAX;
    m->count--;
}

void fh_monitor_free(fh_monitor *m) {
    if (m == NULL)
        return;
    if (!fh_handles_end(&m->handles)) {
        fh_handles_forget(m);
        return;
    }
    while (m->count != 0) {
        fh_sock_event e;
        take_first(m, &e);
        fh_sock_event_drop(&e);
    }
    fh_allocator *a = m->allocator;
    fh_news_rows_free(a, &m->events);
    fh_free(a, m);
}

void fh_monitor_mute(fh_monitor *m) {
    if (m == NULL)
        return;
    fh_lock_take(&m->lock);
    m->watcher.happened = NULL;
    fh_lock_give(&m->lock);
}

bool fh_monitor_put(fh_monitor *m, fh_sock_happening kind, int64_t value, fh_bytes endpoint) {
    if ((m->kinds & kind) == 0)
        return false;
    fh_lock_take(&m->lock);
    bool kept = m->is_row && m->count < FH_SOCK_EVENTS_MAX;
    if (m->watcher.happened != NULL) {
        m->watcher.happened(m->watcher.ctx, kind, value, endpoint.span);
    } else if (kept) {
        fh_news_row *at = slot(m, m->count);
        *at = (fh_news_row){.kind = kind, .value = value, .lost = m->lost, .endpoint = fh_bytes_share(endpoint)};
        m->count++;
        m->lost = 0;
    } else {
        m->lost++;
    }
    fh_lock_give(&m->lock);
    return kept;
}

fh_status fh_monitor_take(fh_monitor *m, fh_sock_event *out) {
    *out = (fh_sock_event){.endpoint = nothing};
    fh_lock_take(&m->lock);
    bool found = m->count != 0;
    if (!found) {
        fh_lock_give(&m->lock);
        return FH_STATUS(FH_AGAIN);
    }
    take_first(m, out);
    fh_lock_give(&m->lock);
    return FH_DONE;
}

bool fh_monitor_has(fh_monitor *m) {
    fh_lock_take(&m->lock);
    bool found = m->count != 0;
    fh_lock_give(&m->lock);
    return found;
}
