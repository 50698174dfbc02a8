/* alarms.c: a binary heap of timers (alarms.h). Threading: alarms.h. */
#include "net/alarms.h"

enum { ALARMS_FIRST = 16 };

fh_status fh_alarms_init(fh_alarms *t, fh_allocator *a, uint32_t max) {
    *t = (fh_alarms){.allocator = a};
    return net_alarm_pool_new(a,
                              &(fh_pool_config){.capacity = max < ALARMS_FIRST ? max : ALARMS_FIRST, .max_capacity = max,
                                                .growth = {.kind = max > ALARMS_FIRST ? FH_GROW_EXPONENTIAL : FH_GROW_NONE},
                                                .threads = FH_POOL_SERIAL, .name = "timers"},
                              &t->rows);
}

void fh_alarms_deinit(fh_alarms *t) {
    net_alarm_pool_free(t->rows);
    t->rows = (net_alarm_pool){NULL};
    fh_u64s_free(t->allocator, &t->heap);
}

/* The row of an entry of the heap. */
static net_alarm *row_at(const fh_alarms *t, size_t i) {
    net_alarm *row;
    fh_status s = net_alarm_get(t->rows, (net_alarm_handle){fh_u64s_get(t->heap, i)}, &row);
    FH_ASSERT(!fh_failed(s));
    return row;
}

static bool is_before(const fh_alarms *t, size_t i, size_t k) {
    const net_alarm *a = row_at(t, i), *b = row_at(t, k);
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->serial < b->serial;
}

static void swap(fh_alarms *t, size_t i, size_t k) {
    uint64_t a = fh_u64s_get(t->heap, i), b = fh_u64s_get(t->heap, k);
    row_at(t, i)->place = k;
    row_at(t, k)->place = i;
    fh_u64s_set(t->heap, i, b);
    fh_u64s_set(t->heap, k, a);
}

static void rise(fh_alarms *t, size_t i) {
    for (; i != 0 && is_before(t, i, (i - 1) / 2); i = (i - 1) / 2)
        swap(t, i, (i - 1) / 2);
}

static void sink(fh_alarms *t, size_t i) {
    for (size_t child; (child = 2 * i + 1) < t->count; i = child) {
        if (child + 1 < t->count && is_before(t, child + 1, child))
            child++;
        if (!is_before(t, child, i))
            return;
        swap(t, i, child);
    }
}

static fh_status widen(fh_alarms *t) {
    fh_u64s wider;
    if (t->count < t->heap.count)
        return FH_DONE;
    FH_TRY(fh_u64s_new(t->allocator, t->count != 0 ? 2 * t->count : ALARMS_FIRST, &wider));
    for (size_t i = 0; i < t->count; i++)
        fh_u64s_set(wider, i, fh_u64s_get(t->heap, i));
    fh_u64s_free(t->allocator, &t->heap);
    t->heap = wider;
    return FH_DONE;
}

fh_status fh_alarms_start(fh_alarms *t, uint64_t due_ns, uint64_t user, fh_net_timer *out) {
    net_alarm_handle h = {0};
    net_alarm *row;
    *out = (fh_net_timer){0};
    FH_TRY(widen(t));
    FH_TRY(net_alarm_alloc(t->rows, &h, &row));
    *row = (net_alarm){.due_ns = due_ns, .serial = t->serial++, .user = user, .place = t->count};
    fh_u64s_set(t->heap, t->count++, h.value);
    rise(t, t->count - 1);
    *out = (fh_net_timer){h.value};
    return FH_DONE;
}

fh_status fh_alarms_stop(fh_alarms *t, fh_net_timer timer) {
    net_alarm_handle h = {timer.value};
    const net_alarm *row;
    FH_TRY(net_alarm_view(t->rows, h, &row));
    size_t at = row->place, last = t->count - 1;
    swap(t, at, last);
    t->count = last;
    if (at != last) {
        sink(t, at);
        rise(t, at);
    }
    return net_alarm_release(t->rows, h);
}

uint64_t fh_alarms_next_ns(const fh_alarms *t) {
    return t->count != 0 ? row_at(t, 0)->due_ns : UINT64_MAX;
}

bool fh_alarms_take(fh_alarms *t, uint64_t now_ns, fh_net_timer *out, uint64_t *user) {
    *out = (fh_net_timer){0};
    *user = 0;
    if (fh_alarms_next_ns(t) > now_ns)
        return false;
    *out = (fh_net_timer){fh_u64s_get(t->heap, 0)};
    *user = row_at(t, 0)->user;
    fh_status s = fh_alarms_stop(t, *out);
    FH_ASSERT(!fh_failed(s));
    return true;
}
