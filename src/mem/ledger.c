/* ledger.c: the list of everything that owns memory.
 *
 * The list is doubly linked through nodes that lie in the owners, so that entering and leaving are a few stores under the
 * lock, allocate nothing, and cannot fail. A look holds the lock while it reads, and so keeps the owners alive: an owner that
 * is freed meanwhile waits at the lock in fh_ledger_leave, its first step.
 *
 * Rows are allocated outside the lock, because an allocator may be anything. The list may have grown by then: the look
 * is repeated with more room.
 *
 * Invariants: ledger-list: under the lock, first … last are the nodes that entered and did not leave, each one's
 * next->before is itself, and `count` is their number; a node's fill and owner are constant while it is listed.
 *
 * Threading: any thread. */
#include "freehold/atomic.h"
#include "freehold/memory.h"
#include "mem/sync/lock.h"

/* Owners may be made between two looks: room for a few more than there were. */
enum { ROOM_EXTRA = 8 };

static struct {
    uint32_t lock;
    uint64_t count, ids;
    fh_ledger_node *first, *last;
} list;

void fh_ledger_enter(fh_ledger_node *node, fh_memory_kind kind, fh_memory_fill *fill, const void *owner) {
    fh_lock_take(&list.lock);
    FH_UNSAFE("ledger-list");
    *node = (fh_ledger_node){.before = list.last, .fill = fill, .owner = owner, .id = ++list.ids, .kind = kind};
    *(list.last == NULL ? &list.first : &list.last->next) = node;
    list.last = node;
    list.count++;
    fh_lock_give(&list.lock);
}

void fh_ledger_leave(fh_ledger_node *node) {
    if (node->fill == NULL)
        return;
    fh_lock_take(&list.lock);
    FH_UNSAFE("ledger-list");
    *(node->before == NULL ? &list.first : &node->before->next) = node->next;
    *(node->next == NULL ? &list.last : &node->next->before) = node->before;
    list.count--;
    fh_lock_give(&list.lock);
    *node = (fh_ledger_node){0};
}

/* --- looking ---------------------------------------------------------------------------------------------------------- */

static fh_memory_row row_of(const fh_ledger_node *node) {
    fh_memory_row row = {0};
    node->fill(node->owner, &row);
    row.kind = node->kind;
    row.id = node->id;
    return row;
}

/* Writes the rows of all nodes from rows[1] on; false, with the room that it takes, if there is too little. */
static bool read_list(fh_memory_rows rows, size_t *out_count) {
    fh_lock_take(&list.lock);
    FH_UNSAFE("ledger-list");
    bool fits = list.count < rows.count;
    *out_count = (size_t)list.count + 1;
    size_t i = 1;
    for (const fh_ledger_node *node = list.first; fits && node != NULL; node = node->next)
        *fh_memory_rows_at(rows, i++) = row_of(node);
    fh_lock_give(&list.lock);
    return fits;
}

/* What the heap has beyond the blocks of the owners. Owners and heap are not read at the same moment, so the difference may be
 * off by what happened between, and is never negative. */
static fh_memory_row other_blocks(const fh_alloc_stats *heap, fh_memory_rows rows) {
    uint64_t owned = 0;
    for (size_t i = 1; i < rows.count; i++)
        owned += fh_memory_rows_at(rows, i)->heap_bytes;
    uint64_t bytes = heap->live_bytes > owned ? heap->live_bytes - owned : 0;
    fh_memory_row row = {.kind = FH_MEMORY_HEAP, .live = {0, bytes}, .committed_bytes = bytes, .reserved_bytes = bytes,
                         .heap_bytes = bytes, .refusals = heap->failures};
    row.name = fh_memory_label_of(FH_LIT("other blocks"));
    return row;
}

fh_status fh_memory_look(fh_allocator *a, fh_memory *out) {
    *out = (fh_memory){.allocator = a, .heap = fh_heap_stats(), .resident_peak_bytes = fh_os_memory_peak()};
    size_t needed = 1;
    for (bool fits = false; !fits;) {
        fh_memory_rows_free(a, &out->rows);
        FH_TRY(fh_memory_rows_new(a, needed + ROOM_EXTRA, &out->rows));
        fits = read_list(out->rows, &needed);
    }
    fh_memory_rows used = fh_memory_rows_sub(out->rows, 0, needed);
    *fh_memory_rows_at(used, 0) = other_blocks(&out->heap, used);
    out->rows.count = needed; /* the block behind is larger; only its address matters to its end */
    return FH_DONE;
}

void fh_memory_deinit(fh_memory *m) {
    fh_memory_rows_free(m->allocator, &m->rows);
}

uint64_t fh_memory_committed(void) {
    uint64_t apart = 0;
    fh_lock_take(&list.lock);
    FH_UNSAFE("ledger-list");
    for (const fh_ledger_node *node = list.first; node != NULL; node = node->next) {
        fh_memory_row row = row_of(node);
        apart += row.committed_bytes > row.heap_bytes ? row.committed_bytes - row.heap_bytes : 0;
    }
    fh_lock_give(&list.lock);
    return apart + fh_heap_stats().live_bytes;
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

fh_memory_label fh_memory_label_of(fh_span name) {
    fh_memory_label label = {{0}};
    size_t size = name.size < FH_MEMORY_NAME_BYTES ? name.size : FH_MEMORY_NAME_BYTES - 1;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = fh_span_at(name, i);
        label.text[i] = byte >= 0x20 && byte < 0x7f ? (char)byte : '?';
    }
    return label;
}

uint64_t fh_memory_on_heap(const fh_allocator *a, uint64_t bytes) {
    return a == fh_heap() ? bytes : 0;
}

const char *fh_memory_kind_name(fh_memory_kind kind) {
    static const char *const names[] = {"heap", "pool", "arena", "pages", "cache", "store", "file"};
    _Static_assert(sizeof names / sizeof names[0] == FH_MEMORY_KINDS, "one name a kind");
    FH_ASSERT((unsigned)kind < FH_MEMORY_KINDS);
    return names[kind];
}
