/* arena.c: bump allocation in a list of chunks.
 *
 * Chunks before `current` are full, `current` is being filled, chunks after it are spare: a reset moves back and leaves the
 * later chunks in place for the next round, except those made for one large request, which are freed.
 *
 *     first → … → current → spare → …        in each:  [ chunk header ][ used | dirty | never touched ]
 *
 * Memory is zero when it is handed out: a chunk comes zeroed from its allocator, and what a reset took back is cleared when it
 * is handed out again (only below `dirty`, the highest byte ever handed out).
 *
 * Invariants: arena-chunk: used <= dirty <= size for every chunk, used = 0 in spare ones, and the bytes [0, size) follow the
 * header in the same block; an allocation lies whole in one chunk; chunk_sum = the sizes of all chunks <= limit;
 * arena-marks: the marks [0, depth) are in the order of their making and of their positions; a mark's generation is its own in
 * the whole process, so a mark of another arena is stale too.
 *
 * Threading: one thread at a time; only the counter of generations is shared, and atomic. */
#include "freehold/arena.h"

#include <stdatomic.h>
#include <string.h>

#include "freehold/checked.h"
#include "mem/poison.h"

enum { CHUNK_BYTES_MIN = 1024, MARKS_MAX = 64, SMALL_ALIGN = 16 };

typedef struct chunk {
    struct chunk *next;
    size_t size, used, dirty;
    uint64_t unused[4];
} chunk;

_Static_assert(sizeof(chunk) == FH_ALLOC_ALIGN, "the header keeps the alignment of the bytes that follow");

typedef struct mark_row {
    uint64_t generation;
    chunk *at;
    size_t chunk_used, arena_used;
} mark_row;

struct fh_arena {
    fh_allocator *allocator;
    size_t chunk_bytes, limit_bytes, chunk_sum, used;
    chunk *first, *current;
    uint64_t depth;
    mark_row marks[MARKS_MAX];
};

static _Atomic uint64_t generations;

static uint8_t *bytes_of(chunk *c) {
    FH_UNSAFE("arena-chunk");
    return (uint8_t *)(c + 1);
}

fh_status fh_arena_new(fh_allocator *a, size_t chunk_bytes, size_t limit_bytes, fh_arena **out) {
    *out = NULL;
    fh_arena *arena = fh_alloc(a, 1, sizeof *arena);
    if (arena == NULL)
        return FH_STATUS(FH_NOMEM);
    arena->allocator = a;
    arena->chunk_bytes = chunk_bytes < CHUNK_BYTES_MIN ? CHUNK_BYTES_MIN : chunk_bytes;
    arena->limit_bytes = limit_bytes == 0 ? SIZE_MAX : limit_bytes;
    *out = arena;
    return FH_DONE;
}

static void free_chunk(fh_arena *arena, chunk *c) {
    arena->chunk_sum -= c->size;
    FH_UNPOISON(bytes_of(c), c->size);
    fh_free(arena->allocator, c);
}

void fh_arena_free(fh_arena *arena) {
    if (arena == NULL)
        return;
    for (chunk *c = arena->first, *next; c != NULL; c = next) {
        next = c->next;
        free_chunk(arena, c);
    }
    fh_free(arena->allocator, arena);
}

/* --- allocation ------------------------------------------------------------------------------------------------------- */

/* The place of `bytes` at `align` in a chunk; false if they do not fit. */
static bool place_in(const chunk *c, size_t bytes, size_t align, size_t *from) {
    return c != NULL && fh_align_up_size(c->used, align, from) && *from <= c->size && bytes <= c->size - *from;
}

/* A chunk for `bytes`, inserted after `current`; NULL if the limit or the memory does not allow it. */
static chunk *insert_chunk(fh_arena *arena, size_t bytes) {
    size_t size = bytes > arena->chunk_bytes ? bytes : arena->chunk_bytes, room = arena->limit_bytes - arena->chunk_sum, total;
    if (size > room)
        size = bytes; /* what is left of the limit may hold the request, if not a whole chunk */
    if (size > room || !fh_add_size(size, sizeof(chunk), &total))
        return NULL;
    chunk *c = fh_alloc(arena->allocator, 1, total);
    if (c == NULL)
        return NULL;
    c->size = size;
    arena->chunk_sum += size;
    FH_POISON(bytes_of(c), size);

    chunk **link = arena->current == NULL ? &arena->first : &arena->current->next;
    c->next = *link;
    *link = c;
    return c;
}

void *fh_arena_alloc(fh_arena *arena, size_t count, size_t size_bytes) {
    size_t bytes, from;
    if (!fh_mul_size(count, size_bytes, &bytes) || bytes == 0)
        return NULL;
    size_t align = bytes >= FH_ALLOC_ALIGN ? FH_ALLOC_ALIGN : SMALL_ALIGN;

    chunk *c = arena->current;
    if (!place_in(c, bytes, align, &from)) {
        c = c == NULL ? arena->first : c->next;
        if (!place_in(c, bytes, align, &from)) {
            c = insert_chunk(arena, bytes);
            if (!place_in(c, bytes, align, &from))
                return NULL;
        }
        arena->current = c;
    }
    FH_UNSAFE("arena-chunk");
    uint8_t *at = bytes_of(c) + from;
    FH_UNPOISON(at, bytes);
    if (from < c->dirty)
        memset(at, 0, bytes < c->dirty - from ? bytes : c->dirty - from);
    c->used = from + bytes;
    c->dirty = c->used > c->dirty ? c->used : c->dirty;
    arena->used += bytes;
    return at;
}

fh_status fh_arena_copy(fh_arena *arena, fh_span bytes, fh_span *out) {
    *out = (fh_span){NULL, 0};
    if (bytes.size == 0)
        return FH_DONE;
    uint8_t *at = fh_arena_alloc(arena, bytes.size, 1);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_span_copy((fh_mspan){at, bytes.size}, bytes);
    *out = (fh_span){at, bytes.size};
    return FH_DONE;
}

/* --- marks ------------------------------------------------------------------------------------------------------------ */

fh_mark fh_arena_mark(fh_arena *arena) {
    FH_ASSERT(arena->depth < MARKS_MAX);
    mark_row *row = &arena->marks[arena->depth++];
    row->generation = atomic_fetch_add_explicit(&generations, 1, memory_order_relaxed) + 1;
    row->at = arena->current;
    row->chunk_used = arena->current == NULL ? 0 : arena->current->used;
    row->arena_used = arena->used;
    return (fh_mark){arena->depth, row->generation};
}

/* Empties the chunks after `last`; NULL stands for all. Those larger than usual are freed. */
static void empty_after(fh_arena *arena, chunk *last) {
    chunk **link = last == NULL ? &arena->first : &last->next;
    while (*link != NULL) {
        chunk *c = *link;
        if (c->size != arena->chunk_bytes) {
            *link = c->next;
            free_chunk(arena, c);
        } else {
            c->used = 0;
            FH_POISON(bytes_of(c), c->size);
            link = &c->next;
        }
    }
}

fh_status fh_arena_reset(fh_arena *arena, fh_mark mark) {
    if (arena->depth == 0 || mark.depth != arena->depth || arena->marks[arena->depth - 1].generation != mark.generation)
        return FH_STATUS(FH_STALE);
    mark_row row = arena->marks[--arena->depth];
    empty_after(arena, row.at);
    if (row.at != NULL) {
        FH_UNSAFE("arena-chunk");
        row.at->used = row.chunk_used;
        FH_POISON(bytes_of(row.at) + row.chunk_used, row.at->size - row.chunk_used);
    }
    arena->current = row.at;
    arena->used = row.arena_used;
    return FH_DONE;
}

size_t fh_arena_used(const fh_arena *arena) {
    return arena->used;
}
