/* bench_arena.c: allocations that end together: an arena beside malloc and free, and beside a bump pointer without checks.
 *
 *     bench_arena [--rounds N] [--json]
 *
 * Nanoseconds an allocation, its share of the end included. What is allocated is written in full.
 *
 *     16B, 64B     1000 of that size, then all end
 *     mixed        1000 of 8 to 512 bytes, small ones more often
 *     scopes       16 scopes of 16 allocations of 64 bytes, each ended at once
 *     text         1000 copies of texts of 3 to 40 bytes
 *
 * Rows: an arena (zeroed, checked against its limit and chunk, scopes checked), the same through handles that are looked up
 * once for writing, a hardened arena, a bump pointer in one block that is large enough and never checked, the same zeroed (an
 * arena promises zeroes), and malloc with a free for each, on each allocator.
 *
 * Threading: one thread. */
#define _GNU_SOURCE 1

#include <stdlib.h>
#include <string.h>

#include "mem/bench_rounds.h"
#include "freehold/arena.h"
#include "freehold/hash.h"

enum { MANY = 1000, FEW = 16, ROUNDS_OF_MANY = 50, BLOCK = 1 << 21 };

static void check(fh_status s) {
    if (FH_UNLIKELY(fh_failed(s)))
        bench_die(fh_code_name(s.code));
}

/* How a contestant allocates; `end` takes back all since `begin`. */
typedef struct way {
    void (*begin)(void *state);
    void *(*take)(void *state, size_t size);
    void (*end)(void *state);
} way;

/* --- contestants ------------------------------------------------------------------------------------------------------ */

#define ALWAYS_INLINE static inline __attribute__((always_inline))

typedef struct pile {
    void *at[MANY];
    size_t count;
} pile;
static void malloc_begin(void *state) {
    ((pile *)state)->count = 0;
}
ALWAYS_INLINE void *malloc_take(void *state, size_t size) {
    pile *p = state;
    return p->at[p->count++] = malloc(size);
}
static void malloc_end(void *state) {
    pile *p = state;
    for (size_t i = 0; i < p->count; i++)
        free(p->at[i]);
}

typedef struct bump {
    uint8_t *at, *top;
} bump;
static void bump_begin(void *state) {
    (void)state;
}
ALWAYS_INLINE void *bump_take(void *state, size_t size) {
    bump *b = state;
    void *at = b->top;
    b->top += (size + 15) & ~(size_t)15;
    return at;
}
ALWAYS_INLINE void *zeroed_take(void *state, size_t size) {
    return memset(bump_take(state, size), 0, size);
}
static void bump_end(void *state) {
    bump *b = state;
    b->top = b->at;
}

typedef struct scoped {
    fh_arena *arena;
    fh_scope scope;
} scoped;
static void arena_begin(void *state) {
    scoped *s = state;
    check(fh_arena_push(s->arena, &s->scope));
}
ALWAYS_INLINE void *arena_take(void *state, size_t size) {
    return fh_arena_alloc(((scoped *)state)->arena, 1, size);
}
ALWAYS_INLINE void *handle_take(void *state, size_t size) {
    fh_arena *arena = ((scoped *)state)->arena;
    fh_arena_handle h;
    void *at;
    check(fh_arena_place(arena, 1, size, &h));
    check(fh_arena_get(arena, h, size, &at));
    return at;
}
static void arena_end(void *state) {
    scoped *s = state;
    check(fh_arena_pop(s->arena, s->scope));
}

/* --- workloads -------------------------------------------------------------------------------------------------------- */

static uint16_t mixed_sizes[MANY];
static uint8_t letters[64];

static void make_sizes(void) {
    for (uint64_t i = 0; i < MANY; i++)
        mixed_sizes[i] = (uint16_t)(8 + (fh_mix64(i) % 505 >> fh_mix64(i + MANY) % 7));
}

ALWAYS_INLINE void fill(void *at, size_t size) {
    if (FH_UNLIKELY(at == NULL))
        bench_die("no memory");
    memset(at, 1, size);
    BENCH_KEEP(at);
}

ALWAYS_INLINE void equal(const way w, void *state, size_t size, uint64_t count) {
    for (uint64_t i = 0; i < count; i += MANY) {
        w.begin(state);
        for (int k = 0; k < MANY; k++)
            fill(w.take(state, size), size);
        w.end(state);
    }
}
ALWAYS_INLINE void mixed(const way w, void *state, uint64_t count) {
    for (uint64_t i = 0; i < count; i += MANY) {
        w.begin(state);
        for (int k = 0; k < MANY; k++)
            fill(w.take(state, mixed_sizes[k]), mixed_sizes[k]);
        w.end(state);
    }
}
ALWAYS_INLINE void scopes(const way w, void *state, uint64_t count) {
    for (uint64_t i = 0; i < count; i += FEW) {
        w.begin(state);
        for (int k = 0; k < FEW; k++)
            fill(w.take(state, 64), 64);
        w.end(state);
    }
}
ALWAYS_INLINE void text(const way w, void *state, uint64_t count) {
    for (uint64_t i = 0; i < count; i += MANY) {
        w.begin(state);
        for (int k = 0; k < MANY; k++) {
            size_t size = 3u + mixed_sizes[k] % 38u;
            void *at = w.take(state, size);
            if (at == NULL)
                bench_die("no memory");
            memcpy(at, letters, size);
            BENCH_KEEP(at);
        }
        w.end(state);
    }
}

typedef struct loops {
    bench_loop *small, *line, *mixed, *scopes, *text;
} loops;

/* The loops with a way's own functions inside them. */
#define DEFINE_LOOPS(name, begin, take, end)                                                \
    static void name##_small(void *state, uint64_t count) {                                 \
        equal((way){begin, take, end}, state, 16, count);                                   \
    }                                                                                       \
    static void name##_line(void *state, uint64_t count) {                                  \
        equal((way){begin, take, end}, state, 64, count);                                   \
    }                                                                                       \
    static void name##_mixed(void *state, uint64_t count) {                                 \
        mixed((way){begin, take, end}, state, count);                                       \
    }                                                                                       \
    static void name##_scopes(void *state, uint64_t count) {                                \
        scopes((way){begin, take, end}, state, count);                                      \
    }                                                                                       \
    static void name##_text(void *state, uint64_t count) {                                  \
        text((way){begin, take, end}, state, count);                                        \
    }                                                                                       \
    static const loops name##_loops = {name##_small, name##_line, name##_mixed, name##_scopes, name##_text}

DEFINE_LOOPS(malloc, malloc_begin, malloc_take, malloc_end);
DEFINE_LOOPS(bump, bump_begin, bump_take, bump_end);
DEFINE_LOOPS(zeroed, bump_begin, zeroed_take, bump_end);
DEFINE_LOOPS(arena, arena_begin, arena_take, arena_end);
DEFINE_LOOPS(handle, arena_begin, handle_take, arena_end);

/* --- measuring -------------------------------------------------------------------------------------------------------- */

static void measure_loops(const char *row, const loops *l, void *state) {
    uint64_t count = (uint64_t)MANY * ROUNDS_OF_MANY;
    bench_emit(row, "16B", bench_least(l->small, state, count));
    bench_emit(row, "64B", bench_least(l->line, state, count));
    bench_emit(row, "mixed", bench_least(l->mixed, state, count));
    bench_emit(row, "scopes", bench_least(l->scopes, state, count));
    bench_emit(row, "text", bench_least(l->text, state, count));
}

static void measure_arena(const char *row, const loops *l, bool hardened) {
    scoped s;
    check(fh_arena_new(fh_heap(), &(fh_arena_options){.chunk_bytes = BLOCK, .hardened = hardened}, &s.arena));
    measure_loops(row, l, &s);
    fh_arena_free(s.arena);
}

static void measure(const char *mode) {
    make_sizes();
    if (strcmp(mode, "arenas") != 0) {
        static pile p;
        measure_loops(mode, &malloc_loops, &p);
        return;
    }
    bump b = {.at = calloc(1, BLOCK)};
    if (b.at == NULL)
        bench_die("no memory");
    b.top = b.at;
    measure_loops("bump, unchecked", &bump_loops, &b);
    measure_loops("bump, zeroed", &zeroed_loops, &b);
    free(b.at);
    measure_arena("arena", &arena_loops, false);
    measure_arena("arena, handles", &handle_loops, false);
    measure_arena("arena, hardened", &arena_loops, true);
}

int main(int argc, char **argv) {
    static const bench_contestant contestants[] = {
        BENCH_ALLOCATORS,
        {"arenas", NULL, NULL, NULL},
        {NULL, NULL, NULL, NULL},
    };
    static const bench_target targets[] = {
        {"an arena beside mimalloc", "arena", "mimalloc", "16B 64B mixed scopes text", 0.8, 0},
        {"its checks over a zeroed bump pointer", "arena", "bump, zeroed", "64B", 0, 1.0},
        {NULL, NULL, NULL, NULL, 0, 0},
    };
    static const bench_plan plan = {
        .name = "bench_arena", .summary = "allocations that end together", .unit = "ns",
        .columns = {"16B", "64B", "mixed", "scopes", "text", NULL},
        .contestants = contestants, .targets = targets, .base = "mimalloc", .measure = measure,
    };
    return bench_main(&plan, argc, argv);
}
