/* zmq_handle.c: handles: a row's number and its generation, in the shape of a pointer (shell.h).
 *
 * A row's word is {generation, shared, users}: the generation is odd while the row has an object. Entering is a
 * compare-and-swap on the whole word, so a handle whose object is gone finds another generation, and never an object of another
 * life.
 *
 * A child of fork has its parent's rows, with users that are threads of the parent's. It forgets them one by one: their
 * generation ends, whoever was in them, and they rest.
 *
 * Invariants: a row in the free list has an even generation and no users; no process has the table's lock as it is born.
 * Threading: any thread. */
#include "zmq/shell.h"

#include "freehold/os.h"
#include "os/fork.h"

enum { ROW_SHIFT = 2, GENERATION_SHIFT = 20, LEAVE_NAP_NS = 100000 };

#define SHARED (UINT64_C(1) << 31) /* several threads may use it */

typedef struct row {
    uint64_t word, process; /* process: that made the handle */
    void *object;
    uint32_t kind, next; /* the next free row + 1 */
} row;

static struct {
    uint32_t lock, used, free; /* `lock`: rows that were ever used; the first free row + 1 */
    bool is_guarded;           /* `lock`: forks wait for the lock */
    row rows[FH_ZMQ_HANDLES];
} table;

static fh_allocator *allocator; /* NULL: the heap */

fh_allocator *fh_zmq_heap(void) {
    fh_allocator *a = fh_load(&allocator, FH_ACQUIRE);
    return a != NULL ? a : fh_heap();
}

void fh_zmq_heap_set(fh_allocator *a) {
    fh_store(&allocator, a, FH_RELEASE);
}

static uint64_t life_of(uint64_t word) {
    return word >> 32 << 32;
}

static void *handle_of(uint32_t index, uint64_t word) {
    FH_UNSAFE("zmq-handle");
    return (void *)(uintptr_t)((word >> 32) << GENERATION_SHIFT | (uint64_t)index << ROW_SHIFT);
}

/* The row of a handle, and the word that it has while it is the handle's and has no users; NULL for what is no handle. */
static row *row_of(const void *handle, uint64_t *life) {
    FH_UNSAFE("zmq-handle");
    uint64_t number = (uint64_t)(uintptr_t)handle;
    uint64_t index = (number & ((UINT64_C(1) << GENERATION_SHIFT) - 1)) >> ROW_SHIFT, generation = number >> GENERATION_SHIFT;
    bool is_handle = index < FH_ZMQ_HANDLES && (number & ((1u << ROW_SHIFT) - 1)) == 0 && (generation & 1) != 0;
    *life = generation << 32;
    return is_handle && generation <= UINT32_MAX ? &table.rows[index] : NULL;
}

static void hold_table(void) {
    fh_lock_take(&table.lock);
}
static void let_table(void) {
    fh_lock_give(&table.lock);
}

/* FH_ZMQ_HANDLES: there is none. The caller has the lock. */
static uint32_t take_row(void) {
    table.is_guarded = table.is_guarded || !fh_failed(fh_os_around_fork(hold_table, let_table));
    if (!table.is_guarded)
        return FH_ZMQ_HANDLES;
    if (table.free == 0)
        return table.used < FH_ZMQ_HANDLES ? table.used++ : FH_ZMQ_HANDLES;
    uint32_t index = table.free - 1;
    table.free = table.rows[index].next;
    return index;
}

void *fh_zmq_handle_new(fh_zmq_kind kind, void *object) {
    fh_lock_take(&table.lock);
    uint32_t index = take_row();
    fh_lock_give(&table.lock);
    if (index == FH_ZMQ_HANDLES)
        return NULL;
    row *r = &table.rows[index];
    uint64_t word = life_of(fh_load(&r->word, FH_RELAXED)) + (UINT64_C(1) << 32);
    r->object = object;
    fh_store(&r->kind, kind, FH_RELAXED);
    fh_store(&r->process, fh_os_process(), FH_RELAXED);
    fh_store(&r->word, word, FH_RELEASE);
    return handle_of(index, word);
}

void *fh_zmq_enter(const void *handle, fh_zmq_kind kind, bool shared, int wrong) {
    uint64_t life;
    row *r = row_of(handle, &life);
    if (r == NULL) {
        errno = wrong;
        return NULL;
    }
    for (uint64_t found = life; !fh_cas(&r->word, &found, found + 1, FH_ACQ_REL);) {
        bool busy = life_of(found) == life, many = shared || (found & SHARED) != 0;
        if (busy && many)
            continue;
        errno = busy ? EBUSY : wrong;
        return NULL;
    }
    if (r->kind == kind)
        return r->object;
    fh_zmq_leave(handle);
    errno = wrong;
    return NULL;
}

void fh_zmq_handle_share(const void *handle) {
    uint64_t life;
    row *r = row_of(handle, &life);
    if (r != NULL)
        (void)fh_fetch_or(&r->word, SHARED, FH_RELAXED);
}

void fh_zmq_leave(const void *handle) {
    uint64_t life;
    row *r = row_of(handle, &life);
    if (r != NULL)
        (void)fh_fetch_sub(&r->word, 1, FH_RELEASE);
}

static void put_back(row *r, uint32_t index) {
    if (fh_load(&r->word, FH_RELAXED) >> 32 >= UINT32_MAX - 1)
        return; /* no generation is left: the row rests */
    fh_lock_take(&table.lock);
    r->next = table.free;
    table.free = index + 1;
    fh_lock_give(&table.lock);
}

bool fh_zmq_handle_end(const void *handle) {
    uint64_t life;
    row *r = row_of(handle, &life);
    if (r == NULL)
        return false;
    uint64_t found = fh_load(&r->word, FH_RELAXED);
    while (life_of(found) == life && !fh_cas(&r->word, &found, (found & ~SHARED) + (UINT64_C(1) << 32), FH_ACQ_REL))
        ;
    bool ended = life_of(found) == life;
    (void)fh_fetch_sub(&r->word, 1, FH_RELEASE);
    if (!ended)
        return false;
    while ((fh_load(&r->word, FH_ACQUIRE) & UINT32_MAX) != 0)
        fh_os_nap(LEAVE_NAP_NS);
    FH_UNSAFE("zmq-handle");
    put_back(r, (uint32_t)(r - table.rows));
    return true;
}

bool fh_zmq_handle_forget(const void *handle, fh_zmq_kind kind) {
    uint64_t life;
    row *r = row_of(handle, &life);
    if (r == NULL || fh_load(&r->process, FH_RELAXED) == fh_os_process() || fh_load(&r->kind, FH_RELAXED) != kind)
        return false;
    uint64_t found = fh_load(&r->word, FH_RELAXED);
    while (life_of(found) == life && !fh_cas(&r->word, &found, life + (UINT64_C(1) << 32), FH_ACQ_REL))
        ;
    return life_of(found) == life;
}
