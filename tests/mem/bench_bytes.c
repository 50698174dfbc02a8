/* bench_bytes.c: immutable messages beside the plain C way: malloc, memcpy, and an atomic count in front of the bytes.
 *
 *     bench_bytes [--rounds N] [--json]
 *
 * Nanoseconds a message (or a reference):
 *
 *     make256, make4k   a message of that size made from bytes elsewhere, read, and dropped
 *     keep64            64 messages of 256 bytes are made, then dropped first first
 *     share             one reference more and one fewer
 *     slice             a reference to 64 bytes in the middle of 4 KiB, and its end
 *     fan8              a message of 1 KiB, 8 references to it, all dropped
 *     receive           64 KiB arrive and hold 64 messages; each is taken out of them and dropped. Pages are cut where they
 *                       lie; the plain way copies each message out
 *     xthread           messages of 256 bytes made by one thread, read and dropped by another
 *
 * Rows: slabs of a page source that are frozen (page.h), fh_page_source_copy, fh_bytes_copy on the heap, and the plain way on
 * each allocator.
 *
 * Threading: xthread has two threads, all else one. */
#define _GNU_SOURCE 1

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "mem/bench_rounds.h"
#include "freehold/atomic.h"
#include "freehold/page.h"

enum { COUNT = 20000, KEPT = 64, FAN = 8, ARRIVE = 65536, MESSAGE = ARRIVE / 64, RING = 1024 };

static const uint8_t source_bytes[ARRIVE] = {1};

static void check(fh_status s) {
    if (FH_UNLIKELY(fh_failed(s)))
        bench_die(fh_code_name(s.code));
}

/* --- the plain way ---------------------------------------------------------------------------------------------------- */

typedef struct plain {
    uint64_t count;
    uint8_t bytes[];
} plain;
typedef struct plain_ref {
    plain *owner;
    const uint8_t *at;
    size_t size;
} plain_ref;

static plain_ref plain_make(const uint8_t *from, size_t size) {
    plain *p = malloc(sizeof *p + size);
    if (p == NULL)
        bench_die("no memory");
    p->count = 1;
    memcpy(p->bytes, from, size);
    return (plain_ref){p, p->bytes, size};
}
static plain_ref plain_slice(plain_ref r, size_t from, size_t size) {
    if (from > r.size || size > r.size - from)
        bench_die("outside");
    (void)fh_fetch_add(&r.owner->count, 1, FH_RELAXED);
    return (plain_ref){r.owner, r.at + from, size};
}
static void plain_drop(plain_ref *r) {
    if (fh_fetch_sub(&r->owner->count, 1, FH_ACQ_REL) == 1)
        free(r->owner);
    r->owner = NULL;
}

/* --- one interface ---------------------------------------------------------------------------------------------------- */

/* A reference of either kind. */
typedef union message {
    plain_ref plain;
    fh_bytes bytes;
} message;

/* How a contestant does it; `state` is a page source, or NULL. A slice goes to where it stays: to copy three words that were
 * just stored one by one takes longer than to count. */
typedef struct way {
    message (*make)(void *state, const uint8_t *from, size_t size);
    void (*slice)(const message *m, size_t from, size_t size, message *out);
    uint8_t (*read)(const message *m);
    void (*drop)(message *m);
} way;

static message make_plain(void *state, const uint8_t *from, size_t size) {
    (void)state;
    return (message){.plain = plain_make(from, size)};
}
static void slice_plain(const message *m, size_t from, size_t size, message *out) {
    out->plain = plain_slice(m->plain, from, size);
}
static uint8_t read_plain(const message *m) {
    return *(const volatile uint8_t *)m->plain.at;
}
static void drop_plain(message *m) {
    plain_drop(&m->plain);
}

static message make_copy(void *state, const uint8_t *from, size_t size) {
    message m;
    (void)state;
    check(fh_bytes_copy(fh_heap(), (fh_span){from, size}, &m.bytes));
    return m;
}
static message make_slab(void *state, const uint8_t *from, size_t size) {
    message m;
    fh_slab slab;
    check(fh_slab_alloc(state, size, &slab));
    check(fh_slab_append(state, &slab, (fh_span){from, size}));
    check(fh_slab_freeze(state, &slab, size, &m.bytes));
    return m;
}
static message make_page(void *state, const uint8_t *from, size_t size) {
    message m;
    check(fh_page_source_copy(state, (fh_span){from, size}, &m.bytes));
    return m;
}
static void slice_bytes(const message *m, size_t from, size_t size, message *out) {
    check(fh_bytes_slice(m->bytes, from, size, &out->bytes));
}
static uint8_t read_bytes(const message *m) {
    uint8_t byte = fh_span_at(m->bytes.span, 0);
    BENCH_KEEP(byte);
    return byte;
}
static void drop_bytes(message *m) {
    fh_bytes_drop(&m->bytes);
}

static const way plain_way = {make_plain, slice_plain, read_plain, drop_plain};
static const way copy_way = {make_copy, slice_bytes, read_bytes, drop_bytes};
static const way page_way = {make_page, slice_bytes, read_bytes, drop_bytes};
static const way slab_way = {make_slab, slice_bytes, read_bytes, drop_bytes};

/* --- workloads -------------------------------------------------------------------------------------------------------- */

typedef struct run {
    const way *way;
    void *state;
    size_t size;
    message whole;
} run;

static void end(const run *r, message *m) {
    (void)r->way->read(m);
    r->way->drop(m);
}

static void make(void *arg, uint64_t count) {
    const run *r = arg;
    for (uint64_t i = 0; i < count; i++) {
        message m = r->way->make(r->state, source_bytes, r->size);
        end(r, &m);
    }
}

static void keep(void *arg, uint64_t count) {
    const run *r = arg;
    message kept[KEPT];
    for (uint64_t i = 0; i < count; i += KEPT) {
        for (int k = 0; k < KEPT; k++)
            kept[k] = r->way->make(r->state, source_bytes, r->size);
        for (int k = 0; k < KEPT; k++)
            end(r, &kept[k]);
    }
}

static void share(void *arg, uint64_t count) {
    const run *r = arg;
    for (uint64_t i = 0; i < count; i++) {
        message m;
        r->way->slice(&r->whole, 0, 4096, &m);
        end(r, &m);
    }
}

static void slice(void *arg, uint64_t count) {
    const run *r = arg;
    for (uint64_t i = 0; i < count; i++) {
        message m;
        r->way->slice(&r->whole, i % 4000, 64, &m);
        end(r, &m);
    }
}

static void fan(void *arg, uint64_t count) {
    const run *r = arg;
    for (uint64_t i = 0; i < count; i++) {
        message m = r->way->make(r->state, source_bytes, r->size), more[FAN];
        for (int k = 0; k < FAN; k++)
            r->way->slice(&m, 0, r->size, &more[k]);
        end(r, &m);
        for (int k = 0; k < FAN; k++)
            end(r, &more[k]);
    }
}

/* The plain way reads into one buffer and copies each message out of it. */
static void receive(void *arg, uint64_t count) {
    const run *r = arg;
    static uint8_t buffer[ARRIVE];
    for (uint64_t i = 0; i < count; i += ARRIVE / MESSAGE) {
        buffer[i % ARRIVE] = 2; /* stands for the kernel */
        BENCH_KEEP(buffer);
        for (size_t at = 0; at < ARRIVE; at += MESSAGE) {
            message m = r->way->make(r->state, buffer + at, MESSAGE);
            end(r, &m);
        }
    }
}

static void receive_pages(void *arg, uint64_t count) {
    const run *r = arg;
    for (uint64_t i = 0; i < count; i += ARRIVE / MESSAGE) {
        fh_slab slab;
        fh_mspan room;
        check(fh_slab_alloc(r->state, ARRIVE, &slab));
        check(fh_slab_begin_io(r->state, &slab, &room));
        *fh_mspan_at(room, i % ARRIVE) = 2;
        BENCH_KEEP(room.at);
        check(fh_slab_end_io(r->state, &slab, ARRIVE));
        for (size_t at = 0; at < ARRIVE; at += MESSAGE) {
            message m;
            check(fh_slab_split(r->state, &slab, MESSAGE, &m.bytes));
            end(r, &m);
        }
        check(fh_slab_release(r->state, &slab));
    }
}

/* --- two threads ------------------------------------------------------------------------------------------------------ */

typedef struct channel {
    _Alignas(64) uint64_t head;
    _Alignas(64) uint64_t tail;
    _Alignas(64) message ring[RING];
    const run *run;
    uint64_t count;
} channel;

static void *drop_all(void *arg) {
    channel *c = arg;
    unsigned turns = 0;
    for (uint64_t i = 0; i < c->count;) {
        uint64_t head = fh_load(&c->head, FH_ACQUIRE);
        if (i == head)
            bench_wait(&turns);
        for (; i < head; i++) {
            end(c->run, &c->ring[i % RING]);
            fh_store(&c->tail, i + 1, FH_RELEASE);
        }
    }
    return NULL;
}

static void cross(void *arg, uint64_t count) {
    const run *r = arg;
    static channel c;
    c.head = c.tail = 0;
    c.run = r;
    c.count = count;
    pthread_t dropper;
    unsigned turns = 0;
    if (pthread_create(&dropper, NULL, drop_all, &c) != 0)
        bench_die("no thread");
    for (uint64_t i = 0; i < count; i++) {
        message m = r->way->make(r->state, source_bytes, r->size);
        while (i - fh_load(&c.tail, FH_ACQUIRE) == RING)
            bench_wait(&turns);
        c.ring[i % RING] = m;
        fh_store(&c.head, i + 1, FH_RELEASE);
    }
    if (pthread_join(dropper, NULL) != 0)
        bench_die("no join");
}

/* --- measuring -------------------------------------------------------------------------------------------------------- */

static void measure_way(const char *row, const way *w, void *state) {
    run r = {.way = w, .state = state, .size = 256};
    bench_emit(row, "make256", bench_least(make, &r, COUNT));
    bench_emit(row, "keep64", bench_least(keep, &r, COUNT / KEPT * KEPT));
    bench_emit(row, "xthread", bench_least(cross, &r, COUNT));
    r.size = 4096;
    bench_emit(row, "make4k", bench_least(make, &r, COUNT));
    r.size = 1024;
    bench_emit(row, "fan8", bench_least(fan, &r, COUNT));
    r.whole = w->make(state, source_bytes, 4096);
    bench_emit(row, "share", bench_least(share, &r, COUNT));
    bench_emit(row, "slice", bench_least(slice, &r, COUNT));
    w->drop(&r.whole);
    bench_emit(row, "receive", bench_least(w == &slab_way ? receive_pages : receive, &r, COUNT / 64 * 64));
}

static void measure(const char *mode) {
    if (strcmp(mode, "bytes") != 0) {
        measure_way(mode, &plain_way, NULL);
        return;
    }
    fh_page_source *source;
    check(fh_page_source_new(fh_heap(), NULL, &source));
    measure_way("frozen slabs", &slab_way, source);
    measure_way("copies on pages", &page_way, source);
    fh_page_source_free(source);
    measure_way("copies on the heap", &copy_way, NULL);
}

int main(int argc, char **argv) {
    static const bench_contestant contestants[] = {
        BENCH_ALLOCATORS,
        {"bytes", NULL, NULL, NULL},
        {NULL, NULL, NULL, NULL},
    };
    static const bench_target targets[] = {
        {"sharing and slicing beside an atomic count", "frozen slabs", "mimalloc", "share slice", 1.0, 0},
        {"cutting messages out where they arrived", "frozen slabs", "mimalloc", "receive", 1.0, 0},
        {NULL, NULL, NULL, NULL, 0, 0},
    };
    static const bench_plan plan = {
        .name = "bench_bytes", .summary = "immutable messages", .unit = "ns",
        .columns = {"make256", "make4k", "keep64", "share", "slice", "fan8", "receive", "xthread", NULL},
        .contestants = contestants, .targets = targets, .base = "mimalloc", .measure = measure,
    };
    return bench_main(&plan, argc, argv);
}
