/* model_arena.h: turns bytes into operations on an arena and, at the same time, on a list of what must be there.
 *
 * The first byte chooses the options; each operation after it is two bytes, {what, how much}. Every allocation is filled with a
 * byte of its own and looked at until its scope ends, so an overlap, a move or a lost byte shows. Threading: one. */
#ifndef FH_TEST_MODEL_ARENA_H
#define FH_TEST_MODEL_ARENA_H

#include <string.h>

#include "freehold/arena.h"

#define MODEL_CHECK(condition) \
    do {                       \
        if (!(condition))      \
            __builtin_trap();  \
    } while (0)

enum { MODEL_ITEMS = 200, MODEL_OLD = 16 };

typedef struct model_item {
    fh_arena_handle handle;
    uint8_t *at, fill;
    size_t depth;
} model_item;

typedef struct model_arena {
    fh_arena *arena;
    size_t limit, count, depth, old;
    model_item items[MODEL_ITEMS]; /* what lives, outer scopes first: the whole model */
    fh_scope scopes[FH_ARENA_SCOPES_MAX];
    fh_arena_handle old_handles[MODEL_OLD]; /* of what ended */
    fh_scope old_scopes[MODEL_OLD];
    uint8_t fill;
} model_arena;

static bool model_arena_is(const uint8_t *at, size_t size, uint8_t byte) {
    return size == 0 || (at[0] == byte && memcmp(at, at + 1, size - 1) == 0);
}

/* Looks at an item through its handle. */
static void model_arena_look(model_arena *m, const model_item *item) {
    void *at;
    size_t size = (size_t)item->handle.size_bytes;
    MODEL_CHECK(fh_arena_get(m->arena, item->handle, size, &at).code == FH_OK);
    MODEL_CHECK(at == item->at && model_arena_is(item->at, size, item->fill));
    MODEL_CHECK(fh_arena_get(m->arena, item->handle, size + 1, &at).code == FH_INVALID && at == NULL);
}

static void model_arena_place(model_arena *m, size_t size) {
    if (m->count == MODEL_ITEMS)
        return;
    model_item *item = &m->items[m->count];
    fh_status s = fh_arena_place(m->arena, 1, size, &item->handle);
    if (s.code == FH_NOMEM) { /* only where there is a limit, and not while it is far */
        MODEL_CHECK(m->limit != 0 && fh_arena_stats_get(m->arena).used_bytes + 3 * size + 256 > m->limit / 4);
        return;
    }
    void *at;
    MODEL_CHECK(s.code == FH_OK && fh_arena_get(m->arena, item->handle, size, &at).code == FH_OK);
    item->at = at;
    MODEL_CHECK((uintptr_t)at % (size >= 64 ? 64 : 16) == 0 && model_arena_is(at, size, 0));
    item->fill = ++m->fill == 0 ? ++m->fill : m->fill;
    item->depth = m->depth;
    memset(at, item->fill, size);
    m->count++;
}

/* Forgets the items of the scopes from `depth`, after a last look where the arena still has them. */
static void model_arena_forget(model_arena *m, size_t depth, bool look) {
    while (m->count > 0 && m->items[m->count - 1].depth >= depth) {
        const model_item *item = &m->items[--m->count];
        if (look)
            model_arena_look(m, item);
        m->old_handles[m->old++ % MODEL_OLD] = item->handle;
    }
}

static void model_arena_pop(model_arena *m, size_t which, bool keep) {
    if (m->depth == 0)
        return;
    fh_scope scope = m->scopes[m->depth - 1];
    model_item kept = {0};
    if (keep && m->count > 0)
        kept = m->items[which % m->count];
    for (size_t i = m->count; i > 0 && m->items[i - 1].depth == m->depth; i--)
        model_arena_look(m, &m->items[i - 1]);
    if (kept.at == NULL) {
        MODEL_CHECK(fh_arena_pop(m->arena, scope).code == FH_OK);
    } else {
        fh_arena_handle before = kept.handle;
        MODEL_CHECK(fh_arena_keep(m->arena, scope, &kept.handle).code == FH_OK);
        MODEL_CHECK((kept.depth < m->depth) == (kept.handle.scope == before.scope));
    }
    model_arena_forget(m, m->depth, false);
    m->old_scopes[m->depth % MODEL_OLD] = scope;
    bool moved = kept.at != NULL && kept.depth == m->depth;
    m->depth--;
    if (moved) { /* it lives on, one scope further out */
        void *at;
        MODEL_CHECK(fh_arena_get(m->arena, kept.handle, 1, &at).code == FH_OK);
        kept.at = at;
        kept.depth = m->depth;
        m->items[m->count++] = kept;
        model_arena_look(m, &kept);
    }
}

/* Everything stale, in the wrong order or too early is refused, and changes nothing. */
static void model_arena_misuse(model_arena *m, size_t which) {
    fh_arena_handle h = m->old_handles[which % MODEL_OLD];
    fh_scope old = m->old_scopes[which % MODEL_OLD];
    void *at;
    MODEL_CHECK(fh_arena_get(m->arena, h, 0, &at).code == FH_STALE && at == NULL);
    MODEL_CHECK(fh_arena_pop(m->arena, old).code == FH_STALE);
    if (m->depth > 1)
        MODEL_CHECK(fh_arena_pop(m->arena, m->scopes[which % (m->depth - 1)]).code == FH_STALE);
    if (m->depth > 0) {
        MODEL_CHECK(fh_arena_keep(m->arena, m->scopes[m->depth - 1], &h).code == FH_STALE);
        MODEL_CHECK(fh_arena_reset(m->arena).code == FH_BORROWED);
    }
}

static void model_arena_run(fh_allocator *a, fh_span ops) {
    static const size_t sizes[] = {1, 16, 40, 64, 100, 250, 1000, 4000};
    if (ops.size == 0)
        return;
    uint8_t first = fh_span_at(ops, 0);
    model_arena m = {.limit = first & 2 ? 60000 : 0};
    fh_arena_options o = {.chunk_bytes = 1024, .limit_bytes = m.limit, .hardened = first & 1};
    MODEL_CHECK(!fh_failed(fh_arena_new(a, &o, &m.arena)));
    for (size_t i = 1; i + 1 < ops.size; i += 2) {
        uint8_t what = fh_span_at(ops, i) % 32, more = fh_span_at(ops, i + 1);
        if (what < 14) {
            model_arena_place(&m, 1 + sizes[more % 8] * (1 + more / 8 % 4) / 4);
        } else if (what < 19) {
            fh_scope scope;
            bool fits = m.depth < FH_ARENA_SCOPES_MAX;
            MODEL_CHECK(fh_arena_push(m.arena, &scope).code == (fits ? FH_OK : FH_LIMIT));
            if (fits)
                m.scopes[m.depth++] = scope;
        } else if (what < 27) {
            model_arena_pop(&m, more, what < 23);
        } else if (what < 30) {
            model_arena_misuse(&m, more);
        } else if (what == 30) {
            fh_arena_trim(m.arena);
        } else if (m.depth == 0) {
            model_arena_forget(&m, 0, true);
            MODEL_CHECK(fh_arena_reset(m.arena).code == FH_OK && fh_arena_stats_get(m.arena).used_bytes == 0);
        }
        if (m.count > 0)
            model_arena_look(&m, &m.items[more % m.count]);
        MODEL_CHECK(!fh_failed(fh_arena_check(m.arena, NULL)));
    }
    fh_arena_free(m.arena);
}

#endif
