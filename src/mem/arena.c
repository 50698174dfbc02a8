/* arena.c: bump allocation in doubling chunks, and the scopes that take it back.
 *
 *     chunk k    at [ never touched | dirty … free … | top  handed out ) at + size          filled from its end
 *     numbers    chunk k covers [C · (2^k − 1), C · (2^(k+1) − 1)) of the arena's own numbers, C = the first chunk's size,
 *                so a handle's chunk is the highest bit of at / C + 1
 *     scopes     [ root | outer | … | innermost ]       each: its id, and where the arena stood when it was opened
 *     hardened   … | header | the bytes of an allocation | canary … | header | …             headers are chained, newest first
 *
 * Chunks below `current` are left, those above it are spare. A chunk may be smaller than what it covers (the limit, or no
 * memory for more), or be missing (a large request went past it).
 *
 * Memory is zero when it is handed out: a chunk comes zeroed from its allocator, and what was handed out before, which is all
 * above `dirty`, is cleared when it is handed out again.
 *
 * Everything that the inlined allocation must not do by itself lies below `low`: bytes below dirty, the bytes that carry `used`
 * to the next level of pressure, and in a hardened arena everything.
 *
 * Invariants:
 *   arena-chunk    at <= dirty <= top <= at + size of the current chunk, dirty <= low <= top, low and at + size are multiples
 *                  of 64; used = behind + (at + size − top) <= the sum of the chunks <= limit; behind = the chunks below
 *                  current
 *   arena-scopes   the scopes [0, count] are in the order of their opening and of their places; an id is never used twice
 *                  in an arena, and starts at a random number in each, so another arena's is stale too
 *   arena-guard    each header's seal follows from its address and fields, and the bytes from an allocation's end to the next
 *                  header are its canary
 *
 * Threading: one thread at a time; only the counter of arenas is shared, and atomic. */
#include "freehold/arena.h"

#include <string.h>

#include "freehold/hash.h"
#include "freehold/memory.h"
#include "mem/poison.h"

enum { SHIFT_MIN = 10, CHUNK_BYTES_DEFAULT = 65536, CHUNKS_MAX = 40, LEVELS = 2 };
enum { LINE = 64, SMALL_ALIGN = 16, CANARY_BYTES = 16 };

/* An id is a multiple of this plus the scope's depth. */
#define ID_STEP ((uint64_t)FH_ARENA_SCOPES_MAX + 1)

_Static_assert((int)FH_ALLOC_ALIGN == (int)LINE, "chunks begin at a multiple of 64");

typedef struct chunk {
    uint8_t *at; /* NULL: missing */
    size_t size;
    uint8_t *dirty;
} chunk;

typedef struct guard {
    struct guard *before;
    uint8_t *end; /* of the canary */
    size_t bytes;
    uint64_t seal;
} guard;

_Static_assert(sizeof(guard) == 32, "an allocation behind a header keeps 16-byte alignment");

typedef struct scope_row {
    uint64_t id;
    uint8_t *top; /* NULL: the chunk was missing */
    size_t chunk, behind;
    guard *newest;
} scope_row;

struct fh_arena {
    fh_arena_fast fast; /* first */
    fh_allocator *allocator;
    fh_arena_options options;
    unsigned shift; /* the first chunk has 2^shift bytes */
    bool guarded, calling;
    unsigned level; /* pressure: levels that `used` has reached */
    size_t behind, current, scope_count;
    uint64_t ids, secret;
    guard *newest;
    fh_ledger_node listed;
    size_t chunk_sum, peak;           /* these, the next and fast.top are read by reports on other threads */
    uintptr_t mark;                   /* used = mark − top */
    uint64_t stale_uses, overwritten;
    chunk chunks[CHUNKS_MAX];
    scope_row scopes[FH_ARENA_SCOPES_MAX + 1];
};

static const unsigned levels[LEVELS] = {75, 90};

static uint64_t serials;

static size_t used(const fh_arena *a) {
    FH_UNSAFE("arena-chunk");
    return (size_t)(a->mark - (uintptr_t)a->fast.top);
}

/* The end of a chunk; NULL of a missing one. */
static uint8_t *end_of(const chunk *c) {
    FH_UNSAFE("arena-chunk");
    return c->at == NULL ? NULL : c->at + c->size;
}

static void set_top(fh_arena *a, uint8_t *top) {
    fh_store(&a->fast.top, top, FH_RELAXED);
}

/* Goes on in chunk k at `top`, with `behind` bytes in the chunks before it. */
static void set_place(fh_arena *a, size_t k, uint8_t *top, size_t behind) {
    a->current = k;
    a->behind = behind;
    a->fast.low = top;
    set_top(a, top);
    FH_UNSAFE("arena-chunk");
    fh_store(&a->mark, (uintptr_t)end_of(&a->chunks[k]) + behind, FH_RELAXED);
}

/*@ requires \valid_read(a) && level < LEVELS && levels[0] == 75 && levels[1] == 90; assigns \nothing;
    ensures \result <= a->options.limit_bytes; */
static size_t level_bytes(const fh_arena *a, unsigned level) {
    size_t limit = a->options.limit_bytes;
    return limit / 100 * levels[level] + limit % 100 * levels[level] / 100;
}

/* Lets the inlined allocation go as far as it may. */
static void set_low(fh_arena *a) {
    const chunk *c = &a->chunks[a->current];
    a->fast.low = a->fast.top;
    if (a->guarded || c->at == NULL)
        return;
    FH_UNSAFE("arena-chunk");
    size_t low = (size_t)(c->dirty - c->at), top = (size_t)(a->fast.top - c->at);
    if (a->options.pressure != NULL && a->level < LEVELS) {
        size_t next = level_bytes(a, a->level), here = next > a->behind ? next - a->behind : 0;
        if (here <= c->size && c->size - here >= low)
            low = c->size - here + 1; /* an allocation at size − here makes used = next */
    }
    low = (low + LINE - 1) / LINE * LINE;
    a->fast.low = c->at + (low < top ? low : top);
}

static void fill_row(const void *owner, fh_memory_row *row) {
    const fh_arena *a = owner;
    uint64_t committed = fh_load(&a->chunk_sum, FH_RELAXED), peak = fh_load(&a->peak, FH_RELAXED);
    FH_UNSAFE("arena-chunk");
    uint64_t live = fh_load(&a->mark, FH_RELAXED) - (uintptr_t)fh_load(&a->fast.top, FH_RELAXED);
    row->name = fh_memory_label_of(fh_span_of_str(a->options.name));
    live = live < committed ? live : committed; /* the two may lie on either side of a change of chunk */
    row->live.bytes = live;
    row->cached.bytes = committed - live;
    row->committed_bytes = row->reserved_bytes = committed + sizeof *a;
    row->heap_bytes = fh_memory_on_heap(a->allocator, row->committed_bytes);
    row->peak_bytes = peak > live ? peak : live;
    row->refusals = fh_load(&a->stale_uses, FH_RELAXED) + fh_load(&a->overwritten, FH_RELAXED);
}

/* Counts a refusal. */
static fh_status stale(fh_arena *a) {
    fh_store(&a->stale_uses, a->stale_uses + 1, FH_RELAXED);
    return FH_STATUS(FH_STALE);
}

static void new_scope(fh_arena *a, size_t depth) {
    a->ids += a->ids + ID_STEP == 0 ? 2 * ID_STEP : ID_STEP; /* 0 is no scope's */
    a->scopes[depth] = (scope_row){.id = a->ids | depth,
                                   .top = a->fast.top,
                                   .chunk = a->current,
                                   .behind = a->behind,
                                   .newest = a->newest};
}

fh_status fh_arena_new(fh_allocator *allocator, const fh_arena_options *options, fh_arena **out) {
    *out = NULL;
    fh_arena *a = fh_alloc(allocator, 1, sizeof *a);
    if (a == NULL)
        return FH_STATUS(FH_NOMEM);
    a->allocator = allocator;
    a->options = options != NULL ? *options : (fh_arena_options){0};
    fh_arena_options *o = &a->options;
    o->chunk_bytes = o->chunk_bytes == 0 ? CHUNK_BYTES_DEFAULT : o->chunk_bytes;
    o->name = o->name == NULL ? "arena" : o->name;
    for (a->shift = SHIFT_MIN; a->shift < 62 && ((size_t)1 << a->shift) < o->chunk_bytes; a->shift++)
        continue;
    if (o->limit_bytes == 0) {
        o->limit_bytes = SIZE_MAX;
        o->pressure = NULL;
    }
    a->guarded = o->hardened || FH_IS_WATCHED();
    FH_UNSAFE("arena-chunk");
    a->secret = fh_mix64(fh_fetch_add(&serials, 1, FH_RELAXED) + (uint64_t)(uintptr_t)a);
    a->ids = fh_mix64(a->secret) / ID_STEP * ID_STEP;
    new_scope(a, 0);
    fh_ledger_enter(&a->listed, FH_MEMORY_ARENA, fill_row, a);
    *out = a;
    return FH_DONE;
}

/* --- chunks --------------------------------------------------------------------------------------------------------------- */

static void free_chunk(fh_arena *a, chunk *c) {
    if (c->at == NULL)
        return;
    fh_store(&a->chunk_sum, a->chunk_sum - c->size, FH_RELAXED);
    FH_UNPOISON(c->at, c->size);
    fh_free(a->allocator, c->at);
    *c = (chunk){NULL, 0, NULL};
}

static size_t free_chunks_from(fh_arena *a, size_t k) {
    size_t before = a->chunk_sum;
    for (; k < CHUNKS_MAX; k++)
        free_chunk(a, &a->chunks[k]);
    return before - a->chunk_sum;
}

void fh_arena_free(fh_arena *a) {
    if (a == NULL)
        return;
    fh_ledger_leave(&a->listed);
    free_chunks_from(a, 0);
    fh_free(a->allocator, a);
}

/* Makes chunk k, with at least `need` bytes. */
static bool make_chunk(fh_arena *a, size_t k, size_t need) {
    size_t size = (size_t)1 << (a->shift + k), left = (a->options.limit_bytes - a->chunk_sum) / LINE * LINE;
    if (left < need && free_chunks_from(a, a->current + 1) != 0) /* spare ones took its room */
        left = (a->options.limit_bytes - a->chunk_sum) / LINE * LINE;
    if (left < need)
        return false;
    size = size < left ? size : left;
    uint8_t *at = fh_alloc(a->allocator, 1, size);
    while (at == NULL && size > need) {
        size = size / 2 > need ? size / 2 / LINE * LINE : need;
        at = fh_alloc(a->allocator, 1, size);
    }
    if (at == NULL)
        return false;
    FH_UNSAFE("arena-chunk");
    chunk *c = &a->chunks[k];
    *c = (chunk){at, size, at + size};
    fh_store(&a->chunk_sum, a->chunk_sum + size, FH_RELAXED);
    FH_POISON(c->at, c->size);
    return true;
}

/* Goes on in chunk k. */
static void enter_chunk(fh_arena *a, size_t k) {
    size_t behind = a->behind;
    for (size_t i = a->current; i < k; i++)
        behind += a->chunks[i].size;
    set_place(a, k, end_of(&a->chunks[k]), behind);
}

/* Goes on in a later chunk with at least `need` bytes: one that is there, or the smallest that can be made. */
static bool next_chunk(fh_arena *a, size_t need) {
    size_t first = a->chunks[a->current].at == NULL ? a->current : a->current + 1, k = first;
    while (k < CHUNKS_MAX && a->chunks[k].size < need)
        k++;
    if (k == CHUNKS_MAX) {
        for (k = first; k < CHUNKS_MAX && a->shift + k < 63; k++)
            if (a->chunks[k].at == NULL && need <= (size_t)1 << (a->shift + k))
                break;
        if (k == CHUNKS_MAX || a->shift + k >= 63 || !make_chunk(a, k, need))
            return false;
    }
    enter_chunk(a, k);
    return true;
}

/* --- guards --------------------------------------------------------------------------------------------------------------- */

static uint64_t seal_of(const fh_arena *a, const guard *g) {
    FH_UNSAFE("arena-guard");
    uint64_t h = fh_mix64(a->secret ^ (uint64_t)(uintptr_t)g);
    h = fh_mix64(h ^ (uint64_t)(uintptr_t)g->before);
    return fh_mix64(h ^ (uint64_t)(uintptr_t)g->end ^ fh_mix64(g->bytes));
}

static bool canary_holds(const uint8_t *from, const uint8_t *end, uint64_t canary) {
    FH_UNSAFE("arena-guard");
    for (size_t i = 0; from + i < end; i++)
        if (from[i] != (uint8_t)(canary >> i % 8 * 8))
            return false;
    return true;
}

/* How many of the guards down to `oldest` somebody wrote to. A broken header does not say where the next one is, so it ends the
 * search. */
static uint64_t guards_broken(const fh_arena *a, const guard *oldest) {
    uint64_t sum = 0;
    FH_UNSAFE("arena-guard");
    for (const guard *g = a->newest, *before; g != oldest; g = before) {
        FH_UNPOISON(g, sizeof *g);
        if (g->seal != seal_of(a, g))
            return sum + 1;
        const uint8_t *tail = (const uint8_t *)(g + 1) + g->bytes;
        size_t tail_bytes = (size_t)(g->end - tail);
        FH_UNPOISON(tail, tail_bytes);
        sum += !canary_holds(tail, g->end, ~g->seal);
        before = g->before;
        FH_POISON(tail, tail_bytes);
        FH_POISON(g, sizeof *g);
    }
    return sum;
}

static void put_guard(fh_arena *a, uint8_t *at, size_t bytes, uint8_t *end) {
    FH_UNSAFE("arena-guard");
    guard *g = (guard *)(void *)at - 1;
    *g = (guard){.before = a->newest, .end = end, .bytes = bytes};
    g->seal = seal_of(a, g);
    for (size_t i = 0; at + bytes + i < end; i++)
        at[bytes + i] = (uint8_t)(~g->seal >> i % 8 * 8);
    FH_POISON(at + bytes, (size_t)(end - at) - bytes);
    a->newest = g;
    FH_POISON(g, sizeof *g);
}

/* --- allocation ----------------------------------------------------------------------------------------------------------- */

/* What `bytes` may take up in an empty chunk. */
/*@ requires \valid_read(a); assigns \nothing;
    ensures \result % LINE == 0 || \result == SIZE_MAX / 2;
    ensures bytes <= SIZE_MAX / 4 ==> bytes + (a->guarded ? CANARY_BYTES + LINE : 0) <= \result; */
static size_t need_of(const fh_arena *a, size_t bytes) {
    size_t more = a->guarded ? CANARY_BYTES + LINE : 0;
    return bytes > SIZE_MAX / 4 ? SIZE_MAX / 2 : (bytes + more + LINE - 1) / LINE * LINE;
}

/* A piece of the current chunk: [at, at + bytes) for the user, [at − a header, end) with what guards it. */
typedef struct piece {
    uint8_t *at, *end;
    size_t bytes;
} piece;

/* *from = where `bytes` begin in `room` bytes that are filled from their end, with `head` bytes before and `tail` behind them;
 * false if they do not fit. */
/*@ requires \valid(from) && align > 0; assigns *from;
    ensures \result ==> head <= *from && *from % align == 0 && *from + bytes + tail <= room; */
static bool fit(size_t room, size_t bytes, size_t head, size_t tail, size_t align, size_t *from) {
    if (bytes > room || tail > room - bytes)
        return false;
    *from = (room - bytes - tail) / align * align;
    return *from >= head;
}

/* Takes `bytes`, and what guards them, from the top of the current chunk; false if they do not fit. */
static bool cut(fh_arena *a, size_t bytes, piece *out) {
    const chunk *c = &a->chunks[a->current];
    size_t head = a->guarded ? sizeof(guard) : 0, tail = a->guarded ? CANARY_BYTES : 0;
    size_t align = bytes >= LINE ? LINE : SMALL_ALIGN;
    FH_UNSAFE("arena-chunk");
    size_t room = c->at == NULL ? 0 : (size_t)(a->fast.top - c->at);
    size_t from;
    if (!fit(room, bytes, head, tail, align, &from))
        return false;
    *out = (piece){c->at + from, a->fast.top, bytes};
    set_top(a, out->at - head);
    if (a->guarded)
        FH_UNPOISON(a->fast.top, (size_t)(out->end - a->fast.top));
    return true;
}

/* Clears what was handed out before. */
static void clear(const chunk *c, piece p) {
    FH_UNSAFE("arena-chunk");
    uint8_t *end = p.at + p.bytes, *from = c->dirty < p.at ? p.at : c->dirty < end ? c->dirty : end;
    memset(from, 0, (size_t)(end - from));
}

/* Finishes a piece that has its content. */
static void finish(fh_arena *a, piece p) {
    chunk *c = &a->chunks[a->current];
    if (a->guarded)
        put_guard(a, p.at, p.bytes, p.end);
    c->dirty = a->fast.top < c->dirty ? a->fast.top : c->dirty;
    set_low(a);
}

static void tell_pressure(fh_arena *a) {
    while (a->options.pressure != NULL && a->level < LEVELS && used(a) >= level_bytes(a, a->level)) {
        a->calling = true;
        a->fast.low = a->fast.top; /* all allocations come out of line, and are refused there */
        a->options.pressure(a->options.ctx, a, levels[a->level++]);
        a->calling = false;
        set_low(a);
    }
}

void *fh_arena_alloc_slow(fh_arena *a, size_t bytes) {
    piece p;
    if (a->calling)
        return NULL;
    if (!cut(a, bytes, &p) && (!next_chunk(a, need_of(a, bytes)) || !cut(a, bytes, &p)))
        return NULL;
    clear(&a->chunks[a->current], p);
    finish(a, p);
    tell_pressure(a);
    return p.at;
}

fh_status fh_arena_copy(fh_arena *a, fh_span bytes, fh_span *out) {
    *out = (fh_span){NULL, 0};
    if (bytes.size == 0)
        return FH_DONE;
    uint8_t *at = fh_arena_alloc(a, bytes.size, 1);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_span_copy((fh_mspan){at, bytes.size}, bytes);
    *out = (fh_span){at, bytes.size};
    return FH_DONE;
}

/* --- handles -------------------------------------------------------------------------------------------------------------- */

static uint64_t chunk_start(const fh_arena *a, size_t k) {
    return ((UINT64_C(1) << k) - 1) << a->shift;
}

/* A handle of what lies at `at` in the current chunk. */
static fh_arena_handle handle_of(const fh_arena *a, const uint8_t *at, size_t bytes) {
    FH_UNSAFE("arena-chunk");
    uint64_t offset = (uint64_t)(at - a->chunks[a->current].at);
    return (fh_arena_handle){a->scopes[a->scope_count].id, chunk_start(a, a->current) + offset, bytes};
}

/* Where a handle's bytes lie; NULL if its scope is gone, or nothing was ever handed out there. */
static uint8_t *find(const fh_arena *a, fh_arena_handle h) {
    size_t depth = h.scope % ID_STEP;
    if (depth > a->scope_count || a->scopes[depth].id != h.scope)
        return NULL;
    size_t k = 63 - (size_t)__builtin_clzll((h.at >> a->shift) + 1);
    uint64_t offset = h.at - chunk_start(a, k);
    const chunk *c = &a->chunks[k < CHUNKS_MAX ? k : 0];
    FH_UNSAFE("arena-chunk");
    bool handed_out = k < a->current || (k == a->current && c->at != NULL && offset >= (size_t)(a->fast.top - c->at));
    return handed_out && offset <= c->size && h.size_bytes <= c->size - offset ? c->at + offset : NULL;
}

fh_status fh_arena_place(fh_arena *a, size_t count, size_t size_bytes, fh_arena_handle *out) {
    *out = (fh_arena_handle){0};
    if (count == 0 || size_bytes == 0)
        return FH_STATUS(FH_INVALID);
    const uint8_t *at = fh_arena_alloc(a, count, size_bytes);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    *out = handle_of(a, at, count * size_bytes);
    return FH_DONE;
}

fh_status fh_arena_get(fh_arena *a, fh_arena_handle h, size_t size_bytes, void **out) {
    uint8_t *at = find(a, h);
    *out = NULL;
    if (at == NULL)
        return stale(a);
    if (size_bytes > h.size_bytes)
        return FH_STATUS(FH_INVALID);
    *out = at;
    return FH_DONE;
}

/* --- scopes --------------------------------------------------------------------------------------------------------------- */

fh_status fh_arena_push(fh_arena *a, fh_scope *out) {
    *out = (fh_scope){0};
    if (a->calling)
        return FH_STATUS(FH_BORROWED);
    if (a->scope_count == FH_ARENA_SCOPES_MAX)
        return FH_STATUS(FH_LIMIT);
    new_scope(a, ++a->scope_count);
    out->id = a->scopes[a->scope_count].id;
    return FH_DONE;
}

static fh_status innermost(fh_arena *a, fh_scope scope) {
    if (a->calling)
        return FH_STATUS(FH_BORROWED);
    if (a->scope_count != 0 && a->scopes[a->scope_count].id == scope.id)
        return FH_DONE;
    return stale(a);
}

/* Takes back all that was handed out since `row`; FH_OVERWRITTEN if a guard of it was. */
static fh_status rewind_to(fh_arena *a, const scope_row *row) {
    size_t now = used(a);
    if (now > a->peak)
        fh_store(&a->peak, now, FH_RELAXED);
    uint64_t broken = guards_broken(a, row->newest);
    if (broken != 0)
        fh_store(&a->overwritten, a->overwritten + broken, FH_RELAXED);
    FH_UNSAFE("arena-chunk");
    for (size_t k = row->chunk; a->guarded && k <= a->current; k++) { /* where somebody watches, an arena is guarded */
        const chunk *c = &a->chunks[k];
        const uint8_t *end = k == row->chunk && row->top != NULL ? row->top : end_of(c);
        if (c->at != NULL)
            FH_POISON(c->at, (size_t)(end - c->at));
    }
    const chunk *c = &a->chunks[row->chunk];
    a->newest = row->newest;
    set_place(a, row->chunk, row->top != NULL ? row->top : end_of(c), row->behind);
    while (a->level > 0 && used(a) < level_bytes(a, a->level - 1))
        a->level--;
    set_low(a);
    return FH_STATUS(broken == 0 ? FH_OK : FH_OVERWRITTEN);
}

fh_status fh_arena_pop(fh_arena *a, fh_scope scope) {
    FH_TRY(innermost(a, scope));
    return rewind_to(a, &a->scopes[a->scope_count--]);
}

fh_status fh_arena_keep(fh_arena *a, fh_scope scope, fh_arena_handle *h) {
    FH_TRY(innermost(a, scope));
    const uint8_t *from = find(a, *h);
    if (from == NULL)
        return stale(a);
    fh_status status = fh_arena_pop(a, scope);
    if (h->scope != scope.id)
        return status;
    piece p;
    size_t bytes = (size_t)h->size_bytes;
    for (size_t k = a->current + 1; !cut(a, bytes, &p); k++) {
        FH_ASSERT(k < CHUNKS_MAX); /* it fits where it lies, for there is nothing above it now */
        if (a->chunks[k].at != NULL)
            enter_chunk(a, k);
    }
    FH_UNPOISON(from, bytes);
    FH_UNSAFE("arena-chunk");
    memmove(p.at, from, bytes);
    FH_POISON(from, bytes);
    FH_UNPOISON(a->fast.top, (size_t)(p.end - a->fast.top));
    finish(a, p);
    *h = handle_of(a, p.at, bytes);
    tell_pressure(a);
    return status;
}

fh_status fh_arena_reset(fh_arena *a) {
    if (a->calling || a->scope_count != 0)
        return FH_STATUS(FH_BORROWED);
    fh_status status = rewind_to(a, &a->scopes[0]);
    new_scope(a, 0);
    return status;
}

size_t fh_arena_trim(fh_arena *a) {
    size_t bytes = free_chunks_from(a, a->current + 1);
    if (a->scope_count == 0 && used(a) == 0) {
        bytes += free_chunks_from(a, a->current);
        a->scopes[0].top = NULL;
        set_place(a, a->current, NULL, 0);
    }
    return bytes;
}

/* --- numbers -------------------------------------------------------------------------------------------------------------- */

fh_arena_stats fh_arena_stats_get(const fh_arena *a) {
    size_t now = used(a);
    fh_arena_stats s = {
        .used_bytes = now,
        .peak_bytes = now > a->peak ? now : a->peak,
        .committed_bytes = a->chunk_sum,
        .limit_bytes = a->options.limit_bytes == SIZE_MAX ? 0 : a->options.limit_bytes,
        .scopes = a->scope_count,
        .stale_uses = a->stale_uses,
        .overwritten = a->overwritten,
        .hardened = a->guarded,
    };
    for (size_t k = 0; k < CHUNKS_MAX; k++)
        s.chunks += a->chunks[k].at != NULL;
    return s;
}

const char *fh_arena_name(const fh_arena *a) {
    return a->options.name;
}

static const char *check_chunks(const fh_arena *a) {
    size_t sum = 0, behind = 0;
    for (size_t k = 0; k < CHUNKS_MAX; k++) {
        const chunk *c = &a->chunks[k];
        sum += c->size;
        behind += k < a->current ? c->size : 0;
        FH_UNSAFE("arena-chunk");
        if (c->at != NULL && (c->dirty < c->at || c->dirty > c->at + c->size || c->size % LINE != 0))
            return "a chunk's marks";
    }
    const chunk *c = &a->chunks[a->current];
    const uint8_t *low = a->fast.low, *top = a->fast.top;
    bool inside = top >= c->dirty && low >= c->dirty && low <= top && top <= end_of(c);
    FH_UNSAFE("arena-chunk");
    bool placed = behind == a->behind && a->mark == (uintptr_t)end_of(c) + behind;
    if (!inside || !placed || ((uintptr_t)low % LINE != 0 && low != top))
        return "the room of the current chunk";
    return sum == a->chunk_sum && sum <= a->options.limit_bytes && used(a) <= sum ? NULL : "the sum of the chunks";
}

fh_status fh_arena_check(const fh_arena *a, fh_err *err) {
    const char *bad = check_chunks(a);
    for (size_t i = 0; i <= a->scope_count && bad == NULL; i++) {
        const scope_row *row = &a->scopes[i];
        FH_UNSAFE("arena-chunk");
        if (row->id % ID_STEP != i || row->id == 0 || row->chunk > a->current || row->behind > a->behind)
            bad = "a scope";
        else if (i > 0 && (row->chunk < row[-1].chunk || row->behind < row[-1].behind ||
                           (row->chunk == row[-1].chunk && row[-1].top != NULL && row->top > row[-1].top)))
            bad = "the order of the scopes";
    }
    if (bad != NULL)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "arena \"%s\": %s", a->options.name, bad);
    uint64_t broken = guards_broken(a, NULL);
    return broken == 0 ? FH_DONE : fh_fail(err, FH_OVERWRITTEN, FH_NO_OFFSET, "arena \"%s\": %llu allocations", a->options.name,
                                           (unsigned long long)broken);
}
