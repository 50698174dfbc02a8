/* flight.c: loads that run and waits for them.
 *
 * Before a thread waits it goes along work → the thread that does it → the work that this thread waits for → …, in the list of
 * all loads and waits. If that leads back to itself, nobody on the way could ever go on, and the wait is refused.
 *
 * Invariant: no circle is in the list. A wait is looked at and listed in one section, so of the waits that would close a circle
 * the last one sees all of it: who waits has listed before what others wait for. And the way always ends, because each step
 * either leaves the list or goes on to another thread.
 *
 * Few threads load at a time, and each of these steps precedes or saves a load, so a plain list will do.
 *
 * Threading: one lock. */
#include "mem/cache/flight.h"

static void begin(fh_flights *list, fh_flight *f, const void *work, bool waits) {
    *f = (fh_flight){list->first, fh_thread_self(), work, waits};
    list->first = f;
}

static const fh_flight *load_of(const fh_flights *list, const void *work) {
    const fh_flight *f = list->first;
    while (f != NULL && (f->waits || f->work != work))
        f = f->next;
    return f;
}

static const fh_flight *wait_of(const fh_flights *list, uint64_t thread) {
    const fh_flight *f = list->first;
    while (f != NULL && (!f->waits || f->thread != thread))
        f = f->next;
    return f;
}

void fh_flight_load(fh_flights *list, fh_flight *f, const void *work) {
    fh_lock_take(&list->lock);
    begin(list, f, work, false);
    fh_lock_give(&list->lock);
}

bool fh_flight_wait(fh_flights *list, fh_flight *f, const void *work) {
    uint64_t self = fh_thread_self();
    fh_lock_take(&list->lock);
    const fh_flight *load = load_of(list, work), *wait = NULL;
    while (load != NULL && load->thread != self && (wait = wait_of(list, load->thread)) != NULL)
        load = load_of(list, wait->work);
    bool ends = load == NULL || load->thread != self;
    if (ends)
        begin(list, f, work, true);
    fh_lock_give(&list->lock);
    return ends;
}

void fh_flight_end(fh_flights *list, const fh_flight *f) {
    fh_lock_take(&list->lock);
    fh_flight **at = &list->first;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    fh_lock_give(&list->lock);
}
