/* zmq_tool.c: counters, timers, watches and threads: what programs use beside sockets (shell.h). Threading: a counter is used
 * by any threads, all else by one at a time. */
#include "freehold/os.h"
#include "zmq/shell.h"

enum { NS_PER_MS = 1000000, NS_PER_US = 1000 };
#define INTERVAL_MAX_MS (INT64_MAX / NS_PER_MS / 2) /* so that it can be added to a time */

static void *handle_or_free(fh_zmq_kind kind, void *object) {
    void *handle = object != NULL ? fh_zmq_handle_new(kind, object) : NULL;
    if (handle == NULL) {
        fh_free(fh_zmq_heap(), object);
        errno = ENOMEM;
    }
    return handle;
}

/* Ends *handle, which becomes NULL; its object, or NULL and EFAULT. */
static void *end(void **handle, fh_zmq_kind kind) {
    void *object = handle != NULL ? fh_zmq_enter(*handle, kind, false, EFAULT) : NULL;
    if (object == NULL || !fh_zmq_handle_end(*handle)) {
        errno = EFAULT;
        return NULL;
    }
    *handle = NULL;
    return object;
}

/* --- counters ------------------------------------------------------------------------------------------------------------- */

void *zmq_atomic_counter_new(void) {
    return handle_or_free(FH_ZMQ_COUNTER, fh_alloc(fh_zmq_heap(), 1, sizeof(uint32_t)));
}

void zmq_atomic_counter_set(void *counter, int value) {
    uint32_t *c = fh_zmq_enter(counter, FH_ZMQ_COUNTER, true, EFAULT);
    if (c == NULL)
        return;
    fh_store(c, (uint32_t)value, FH_RELEASE);
    fh_zmq_leave(counter);
}

/* Adds; the value before. */
static int add(void *counter, uint32_t value) {
    uint32_t *c = fh_zmq_enter(counter, FH_ZMQ_COUNTER, true, EFAULT);
    if (c == NULL)
        return 0;
    uint32_t before = fh_fetch_add(c, value, FH_ACQ_REL);
    fh_zmq_leave(counter);
    return (int)before;
}

int zmq_atomic_counter_inc(void *counter) {
    return add(counter, 1);
}

int zmq_atomic_counter_dec(void *counter) {
    return add(counter, UINT32_MAX) != 1;
}

int zmq_atomic_counter_value(void *counter) {
    return add(counter, 0);
}

void zmq_atomic_counter_destroy(void **counter) {
    fh_free(fh_zmq_heap(), end(counter, FH_ZMQ_COUNTER));
}

/* --- timers --------------------------------------------------------------------------------------------------------------- */

typedef struct timer {
    int id; /* 0: a free place */
    uint64_t interval_ns, due_ns;
    zmq_timer_fn *handler;
    void *arg;
} timer;
FH_SPAN_DEFINE(timer, timer);
FH_ARRAY_DEFINE(timer);

typedef struct timers {
    fh_timers rows;
    int last; /* number that was given last */
} timers;

void *zmq_timers_new(void) {
    return handle_or_free(FH_ZMQ_TIMERS, fh_alloc(fh_zmq_heap(), 1, sizeof(timers)));
}

int zmq_timers_destroy(void **handle) {
    timers *t = end(handle, FH_ZMQ_TIMERS);
    if (t == NULL)
        return -1;
    fh_timers_free(fh_zmq_heap(), &t->rows);
    fh_free(fh_zmq_heap(), t);
    return 0;
}

static timer *find(timers *t, int id) {
    for (size_t i = 0; i < t->rows.count; i++)
        if (fh_timers_at(t->rows, i)->id == id)
            return fh_timers_at(t->rows, i);
    return NULL;
}

/* A free place: there is one, or twice as many are made. */
static timer *free_place(timers *t) {
    timer *found = find(t, 0);
    fh_timers more;
    size_t count = t->rows.count;
    if (found != NULL || fh_failed(fh_timers_new(fh_zmq_heap(), count != 0 ? 2 * count : 4, &more)))
        return found;
    for (size_t i = 0; i < count; i++)
        fh_timers_set(more, i, fh_timers_get(t->rows, i));
    fh_timers_free(fh_zmq_heap(), &t->rows);
    t->rows = more;
    return fh_timers_at(more, count);
}

int zmq_timers_add(void *handle, size_t interval_ms, zmq_timer_fn handler, void *arg) {
    timers *t = fh_zmq_enter(handle, FH_ZMQ_TIMERS, false, EFAULT);
    if (t == NULL)
        return -1;
    bool valid = handler != NULL && interval_ms <= INTERVAL_MAX_MS;
    timer *place = valid ? free_place(t) : NULL;
    int id = -1;
    if (place != NULL && t->last < INT32_MAX) {
        uint64_t interval_ns = (uint64_t)interval_ms * NS_PER_MS;
        id = ++t->last;
        *place = (timer){id, interval_ns, fh_os_clock_ns() + interval_ns, handler, arg};
    }
    fh_zmq_leave(handle);
    return id > 0 ? id : fh_zmq_fail(handler == NULL ? EFAULT : !valid ? EINVAL : ENOMEM);
}

typedef enum change { CANCEL, RESET, INTERVAL } change;

static int alter(void *handle, int id, change what, size_t interval_ms) {
    timers *t = fh_zmq_enter(handle, FH_ZMQ_TIMERS, false, EFAULT);
    if (t == NULL)
        return -1;
    timer *found = id > 0 && interval_ms <= INTERVAL_MAX_MS ? find(t, id) : NULL;
    if (found != NULL && what == CANCEL)
        *found = (timer){0};
    else if (found != NULL) {
        if (what == INTERVAL)
            found->interval_ns = (uint64_t)interval_ms * NS_PER_MS;
        found->due_ns = fh_os_clock_ns() + found->interval_ns;
    }
    fh_zmq_leave(handle);
    return found != NULL ? 0 : fh_zmq_fail(EINVAL);
}

int zmq_timers_cancel(void *handle, int id) {
    return alter(handle, id, CANCEL, 0);
}

int zmq_timers_reset(void *handle, int id) {
    return alter(handle, id, RESET, 0);
}

int zmq_timers_set_interval(void *handle, int id, size_t interval_ms) {
    return alter(handle, id, INTERVAL, interval_ms);
}

/* The timer that is due first. */
static timer *first_of(timers *t) {
    timer *first = NULL;
    for (size_t i = 0; i < t->rows.count; i++) {
        timer *each = fh_timers_at(t->rows, i);
        if (each->id != 0 && (first == NULL || each->due_ns < first->due_ns))
            first = each;
    }
    return first;
}

long zmq_timers_timeout(void *handle) {
    timers *t = fh_zmq_enter(handle, FH_ZMQ_TIMERS, false, EFAULT);
    if (t == NULL)
        return -1;
    const timer *first = first_of(t);
    uint64_t now = fh_os_clock_ns();
    long left = -1;
    if (first != NULL)
        left = first->due_ns > now ? (long)((first->due_ns - now + NS_PER_MS - 1) / NS_PER_MS) : 0;
    fh_zmq_leave(handle);
    return left;
}

/* One that was due at `now`, and is due again later; false when there is none. */
static bool next_due(timers *t, uint64_t now, timer *out) {
    timer *first = first_of(t);
    if (first == NULL || first->due_ns > now)
        return false;
    *out = *first;
    first->due_ns = now + (first->interval_ns != 0 ? first->interval_ns : 1);
    return true;
}

/* Handlers may change the timers, so those are left while one runs. */
int zmq_timers_execute(void *handle) {
    uint64_t now = fh_os_clock_ns();
    for (;;) {
        timer due;
        timers *t = fh_zmq_enter(handle, FH_ZMQ_TIMERS, false, EFAULT);
        if (t == NULL)
            return -1;
        bool found = next_due(t, now, &due);
        fh_zmq_leave(handle);
        if (!found)
            return 0;
        due.handler(due.id, due.arg);
    }
}

/* --- watches -------------------------------------------------------------------------------------------------------------- */

void *zmq_stopwatch_start(void) {
    uint64_t *begin = fh_alloc(fh_zmq_heap(), 1, sizeof *begin);
    if (begin != NULL)
        *begin = fh_os_clock_ns();
    return handle_or_free(FH_ZMQ_WATCH, begin);
}

unsigned long zmq_stopwatch_intermediate(void *watch) {
    const uint64_t *begin = fh_zmq_enter(watch, FH_ZMQ_WATCH, true, EFAULT);
    if (begin == NULL)
        return 0;
    uint64_t time_us = (fh_os_clock_ns() - *begin) / NS_PER_US;
    fh_zmq_leave(watch);
    return (unsigned long)time_us;
}

unsigned long zmq_stopwatch_stop(void *watch) {
    FH_UNSAFE("zmq-caller");
    unsigned long time_us = zmq_stopwatch_intermediate(watch);
    fh_free(fh_zmq_heap(), end(&watch, FH_ZMQ_WATCH));
    return time_us;
}

void zmq_sleep(int seconds) {
    uint64_t end_ns = fh_os_clock_ns() + (seconds > 0 ? (uint64_t)seconds : 0) * 1000 * NS_PER_MS;
    for (uint64_t now = fh_os_clock_ns(); now < end_ns; now = fh_os_clock_ns())
        fh_os_nap(end_ns - now);
}

/* --- threads -------------------------------------------------------------------------------------------------------------- */

typedef struct thread {
    zmq_thread_fn *run;
    void *arg;
    fh_os_thread *thread;
} thread;

static void run(void *ctx) {
    thread *t = ctx;
    t->run(t->arg);
}

void *zmq_threadstart(zmq_thread_fn *function, void *arg) {
    thread *t = function != NULL ? fh_alloc(fh_zmq_heap(), 1, sizeof *t) : NULL;
    if (t == NULL) {
        errno = function == NULL ? EFAULT : ENOMEM;
        return NULL;
    }
    t->run = function;
    t->arg = arg;
    fh_status s = fh_os_thread_start(run, t, &t->thread);
    if (fh_failed(s)) {
        fh_free(fh_zmq_heap(), t);
        errno = EAGAIN;
        return NULL;
    }
    void *handle = fh_zmq_handle_new(FH_ZMQ_THREAD, t);
    if (handle == NULL) {
        fh_os_thread_join(t->thread);
        fh_free(fh_zmq_heap(), t);
        errno = EMFILE;
    }
    return handle;
}

void zmq_threadclose(void *handle) {
    thread *t = end(&handle, FH_ZMQ_THREAD);
    if (t == NULL)
        return;
    fh_os_thread_join(t->thread);
    fh_free(fh_zmq_heap(), t);
}
