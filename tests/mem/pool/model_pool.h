/* model_pool.h: turns bytes into operations on a pool of one thread and, at the same time, on a table of lives.
 *
 * The first byte chooses the pool; each operation after it is two bytes, {what, which life}. The model is the table: who is
 * live, and in which state. Everything the pool says or counts is predicted from it. Threading: one. */
#ifndef FH_TEST_MODEL_POOL_H
#define FH_TEST_MODEL_POOL_H

#include <stdio.h>
#include <string.h>

#include "mem/pool/pool_core.h"

#define MODEL_CHECK(condition)                                             \
    do {                                                                   \
        if (!(condition)) {                                                \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            __builtin_trap();                                              \
        }                                                                  \
    } while (0)

enum { MODEL_SLOTS = 12, MODEL_LIVES = 40 };
typedef enum model_use { MODEL_DEAD = 0, MODEL_OWNED, MODEL_READ, MODEL_WRITTEN, MODEL_IN_FLIGHT, MODEL_COUNTED } model_use;

typedef struct model_life {
    fh_handle handle;
    model_use use;
    unsigned count; /* of borrows or references */
    uint64_t content;
} model_life;

typedef struct model_pool {
    fh_pool *pool, *other;
    fh_pool_config config;
    unsigned bits;
    bool fail_init, fail_fini;
    model_life lives[MODEL_LIVES];      /* all that are live, and old ones: the whole model */
    uint64_t newest[MODEL_SLOTS];       /* handle of each slot's last life */
    uint64_t left[MODEL_SLOTS];         /* what that life left there */
    fh_pool_stats stats;
    uint64_t contents;
} model_pool;

static fh_status model_pool_init(void *ctx, void *slot) {
    model_pool *m = ctx;
    MODEL_CHECK(*(uint64_t *)slot == 0);
    bool fails = m->fail_init && !m->config.eager;
    m->fail_init = false;
    return FH_STATUS(fails ? FH_IO : FH_OK);
}
static fh_status model_pool_fini(void *ctx, void *slot) {
    model_pool *m = ctx;
    (void)slot;
    bool fails = m->fail_fini;
    m->fail_fini = false;
    return FH_STATUS(fails ? FH_CORRUPT : FH_OK);
}

/* --- the model: what must come of it ---------------------------------------------------------------------------------- */

/* What a use does to a life. */
static fh_code model_pool_expect(model_pool *m, model_life *l, fh_pool_op op) {
    bool ends = op == FH_POOL_RELEASE || op == FH_POOL_DROP, is_owned = l->use == MODEL_OWNED;
    if (l->use == MODEL_DEAD) {
        bool is_last = l->handle.value != 0 && m->newest[(uint32_t)l->handle.value] == l->handle.value;
        m->stats.double_frees += ends && is_last;
        m->stats.stale_uses += !(ends && is_last);
        return ends && is_last ? FH_DOUBLE_FREE : FH_STALE;
    }
    static const struct model_end {
        fh_pool_op op;
        model_use of;
    } ends_of[] = {{FH_POOL_BORROW_END, MODEL_READ}, {FH_POOL_BORROW_MUT_END, MODEL_WRITTEN}, {FH_POOL_UNPIN, MODEL_IN_FLIGHT},
                   {FH_POOL_DROP, MODEL_COUNTED}};
    for (size_t i = 0; i < 4; i++)
        if (op == ends_of[i].op) {
            if (l->use != ends_of[i].of)
                return FH_INVALID;
            if (--l->count == 0)
                l->use = op == FH_POOL_DROP ? MODEL_DEAD : MODEL_OWNED;
            return FH_OK;
        }
    static const model_use becomes[] = {[FH_POOL_GET] = MODEL_OWNED,         [FH_POOL_BORROW] = MODEL_READ,
                                        [FH_POOL_BORROW_MUT] = MODEL_WRITTEN, [FH_POOL_PIN] = MODEL_IN_FLIGHT,
                                        [FH_POOL_SHARE] = MODEL_COUNTED,      [FH_POOL_RELEASE] = MODEL_DEAD};
    bool is_reader = l->use == MODEL_OWNED || l->use == MODEL_READ;
    if (op == FH_POOL_UPGRADE) {
        l->count += l->use == MODEL_COUNTED;
        return l->use == MODEL_COUNTED ? FH_OK : FH_INVALID;
    }
    if (op == FH_POOL_VIEW ? is_reader || l->use == MODEL_COUNTED : is_owned || (op == FH_POOL_BORROW && is_reader)) {
        l->count = op == FH_POOL_BORROW && l->use == MODEL_READ ? l->count + 1 : op == FH_POOL_VIEW ? l->count : 1;
        l->use = op == FH_POOL_VIEW ? l->use : becomes[op];
        return FH_OK;
    }
    m->stats.borrow_conflicts++;
    return FH_BORROWED;
}

/* The last life of a slot is over. */
static void model_pool_end(model_pool *m, model_life *l) {
    uint32_t slot = (uint32_t)l->handle.value, age = (uint32_t)(l->handle.value >> 32) - m->pool->core->seed;
    l->use = MODEL_DEAD;
    m->left[slot] = l->content;
    m->stats.live--;
    m->stats.releases++;
    m->stats.retired += age + 1 == (UINT64_C(1) << m->bits) - 4;
}

/* --- operations --------------------------------------------------------------------------------------------------------- */

static uint64_t model_pool_room(const model_pool *m) {
    return m->config.max_capacity - m->stats.live - m->stats.retired;
}

/* A life that was made. */
static void model_pool_made(model_pool *m, fh_handle h) {
    uint32_t slot = (uint32_t)h.value;
    void *at;
    MODEL_CHECK(slot < MODEL_SLOTS && fh_pool_get(m->pool, h, &at).code == FH_OK);
    for (size_t i = 0; i < MODEL_LIVES; i++)
        MODEL_CHECK(m->lives[i].handle.value != h.value);
    m->newest[slot] = h.value;
    size_t k = m->contents % MODEL_LIVES; /* any but the last lives of slots, of which there are fewer than lives */
    while (m->lives[k].handle.value != 0 && m->newest[(uint32_t)m->lives[k].handle.value] == m->lives[k].handle.value)
        k = (k + 1) % MODEL_LIVES;
    MODEL_CHECK(*(uint64_t *)at == (m->config.eager ? m->left[slot] : 0));
    *(uint64_t *)at = ++m->contents;
    m->lives[k] = (model_life){h, MODEL_OWNED, 1, m->contents};
    m->stats.allocs++;
    m->stats.live++;
    m->stats.peak = m->stats.live > m->stats.peak ? m->stats.live : m->stats.peak;
}

static void model_pool_alloc(model_pool *m, size_t count) {
    fh_handle h[4] = {{7}, {7}, {7}, {7}};
    void *at = NULL;
    bool fails = m->fail_init && !m->config.eager && model_pool_room(m) > 0 && count > 0;
    fh_code expected = fails ? FH_IO : model_pool_room(m) < count ? FH_EXHAUSTED : FH_OK;
    uint64_t taken = fails ? 1 : model_pool_room(m) < count ? model_pool_room(m) : count;
    fh_status s = count == 1 ? fh_pool_alloc(m->pool, &h[0], &at) : fh_pool_alloc_n(m->pool, count, h);
    MODEL_CHECK(s.code == expected && (at != NULL) == (count == 1 && expected == FH_OK));
    m->stats.failures += expected != FH_OK;
    m->stats.peak = m->stats.live + taken > m->stats.peak ? m->stats.live + taken : m->stats.peak;
    for (size_t i = 0; i < count; i++) {
        MODEL_CHECK((h[i].value != 0) == (expected == FH_OK));
        if (expected == FH_OK)
            model_pool_made(m, h[i]);
    }
    if (expected != FH_OK)
        m->fail_fini = m->fail_init = false; /* the hooks of those that were taken back saw them */
}

static void model_pool_use(model_pool *m, model_life *l, fh_pool_op op) {
    void *at = NULL;
    const void *seen = NULL;
    bool was_live = l->use != MODEL_DEAD, fails = m->fail_fini;
    fh_code expected = model_pool_expect(m, l, op), got;
    switch ((int)op) { /* the inline roads */
    case FH_POOL_GET: got = fh_pool_get(m->pool, l->handle, &at).code; break;
    case FH_POOL_VIEW: got = fh_pool_view(m->pool, l->handle, &seen).code; break;
    case FH_POOL_BORROW: got = fh_pool_borrow(m->pool, l->handle, &seen).code; break;
    case FH_POOL_BORROW_END: got = fh_pool_borrow_end(m->pool, l->handle).code; break;
    case FH_POOL_BORROW_MUT: got = fh_pool_borrow_mut(m->pool, l->handle, &at).code; break;
    case FH_POOL_BORROW_MUT_END: got = fh_pool_borrow_mut_end(m->pool, l->handle).code; break;
    case FH_POOL_PIN: got = fh_pool_pin(m->pool, l->handle, &at).code; break;
    case FH_POOL_RELEASE: got = fh_pool_release(m->pool, l->handle).code; break;
    default: got = fh_pool_use(m->pool, l->handle, op).status.code;
    }
    if (was_live && l->use == MODEL_DEAD) {
        model_pool_end(m, l);
        expected = fails && m->config.init != NULL ? FH_CORRUPT : FH_OK;
    }
    MODEL_CHECK(got == expected);
    seen = at == NULL ? seen : at;
    if (seen != NULL)
        MODEL_CHECK(*(const uint64_t *)seen == l->content);
}

static void model_pool_reset(model_pool *m) {
    fh_code expected = FH_OK;
    bool fails = m->fail_fini && m->config.init != NULL && m->stats.live > 0;
    for (size_t i = 0; i < MODEL_LIVES; i++)
        if (m->lives[i].use >= MODEL_READ && m->lives[i].use <= MODEL_IN_FLIGHT)
            expected = FH_BORROWED;
    m->stats.borrow_conflicts += expected == FH_BORROWED;
    MODEL_CHECK(fh_pool_reset(m->pool).code == (expected == FH_OK && fails ? FH_CORRUPT : expected));
    for (size_t i = 0; i < MODEL_LIVES && expected == FH_OK; i++)
        if (m->lives[i].use != MODEL_DEAD)
            model_pool_end(m, &m->lives[i]);
}

static void model_pool_copy(model_pool *m, model_life *l, bool store) {
    uint64_t value = m->contents + 1, size = 8;
    model_life before = *l;
    if (store) {
        fh_code expected = model_pool_expect(m, l, FH_POOL_BORROW_MUT);
        MODEL_CHECK(fh_pool_store(m->pool, l->handle, (fh_span){(const uint8_t *)&value, size}).code == expected);
        before.content = expected == FH_OK ? ++m->contents : l->content;
    } else {
        fh_code expected = model_pool_expect(m, l, l->use == MODEL_COUNTED ? FH_POOL_UPGRADE : FH_POOL_BORROW);
        MODEL_CHECK(fh_pool_load(m->pool, l->handle, (fh_mspan){(uint8_t *)&value, size}).code == expected);
        MODEL_CHECK(expected != FH_OK || value == l->content);
    }
    *l = before;
}

/* A handle that this pool never made: of another pool, or made up. */
static void model_pool_foreign(model_pool *m, const model_life *l, uint8_t how) {
    static const int64_t off[] = {1, -1, 3, -3, 1001, INT32_MIN};
    fh_handle h = {l->handle.value + ((uint64_t)off[how % 6] << 32)};
    if (l->handle.value == 0 || how % 7 == 6)
        MODEL_CHECK(fh_pool_alloc(m->other, &h, NULL).code == FH_OK);
    MODEL_CHECK(fh_pool_use(m->pool, h, (fh_pool_op)(how % (FH_POOL_RELEASE + 1))).status.code == FH_WRONG_POOL);
    void *at;
    MODEL_CHECK(fh_pool_get(m->pool, h, &at).code == FH_WRONG_POOL);
    MODEL_CHECK(fh_pool_release(m->pool, h).code == FH_WRONG_POOL);
    m->stats.wrong_pools += 3;
}

static void model_pool_rarely(model_pool *m, const model_life *l, uint8_t how) {
    switch (how % 8) {
    case 0:
        model_pool_reset(m);
        break;
    case 1:
        (void)fh_pool_trim(m->pool);
        break;
    case 2:
        fh_pool_stats_reset(m->pool);
        m->stats = (fh_pool_stats){.live = m->stats.live, .peak = m->stats.live, .retired = m->stats.retired};
        break;
    case 3:
        m->fail_init = m->config.init != NULL && !m->config.eager;
        break;
    case 4:
        m->fail_fini = m->config.init != NULL;
        break;
    default:
        model_pool_foreign(m, l, how / 8);
    }
}

static void model_pool_check(model_pool *m) {
    fh_err err;
    fh_err_clear(&err);
    fh_pool_stats s = fh_pool_stats_get(m->pool);
    MODEL_CHECK(s.live == m->stats.live && s.allocs == m->stats.allocs && s.releases == m->stats.releases);
    MODEL_CHECK(s.peak == m->stats.peak && s.retired == m->stats.retired && s.failures == m->stats.failures);
    MODEL_CHECK(s.stale_uses == m->stats.stale_uses && s.double_frees == m->stats.double_frees);
    MODEL_CHECK(s.wrong_pools == m->stats.wrong_pools && s.borrow_conflicts == m->stats.borrow_conflicts);
    if (fh_failed(fh_pool_check(m->pool, &err)))
        fprintf(stderr, "%s\n", err.message);
    MODEL_CHECK(err.code == FH_OK);
}

static void model_pool_open(model_pool *m, fh_allocator *a, uint8_t how) {
    static const unsigned bits[] = {32, 3, 5, 8};
    bool grows = (how & 4) != 0; /* and with slots of a page, it can be trimmed */
    m->config = (fh_pool_config){.size_bytes = (how & 32) ? 4096 : 8, .capacity = grows ? 2 : MODEL_SLOTS,
                                 .max_capacity = MODEL_SLOTS,
                                 .growth = {.kind = !grows ? FH_GROW_NONE : (how & 8) ? FH_GROW_LINEAR : FH_GROW_EXPONENTIAL},
                                 .eager = how & 1, .hook_ctx = m, .threads = (how & 16) ? FH_POOL_SERIAL : FH_POOL_CONFINED};
    if (how & 2) {
        m->config.init = model_pool_init;
        *(m->config.eager ? &m->config.reset : &m->config.fini) = model_pool_fini;
    }
    m->bits = bits[how >> 6];
    fh_pool_config other = {.size_bytes = 8, .capacity = 4, .max_capacity = 1 << 20,
                            .growth = {.kind = FH_GROW_EXPONENTIAL}};
    MODEL_CHECK(fh_pool_new_narrow(a, &m->config, m->bits, &m->pool).code == FH_OK);
    MODEL_CHECK(fh_pool_new(a, &other, &m->other).code == FH_OK);
}

static void model_pool_run(fh_allocator *a, fh_span ops) {
    static model_pool m;
    m = (model_pool){0};
    model_pool_open(&m, a, ops.size == 0 ? 0 : fh_span_at(ops, 0));
    for (size_t i = 1; i + 1 < ops.size; i += 2) {
        uint8_t what = fh_span_at(ops, i), which = fh_span_at(ops, i + 1);
        model_life *l = &m.lives[which % MODEL_LIVES];
        if (what < 70)
            model_pool_alloc(&m, what < 60 ? 1 : what % 5);
        else if (what < 80)
            model_pool_copy(&m, l, what & 1);
        else if (what < 96)
            model_pool_rarely(&m, l, which);
        else if (what < 140)
            model_pool_use(&m, l, FH_POOL_RELEASE);
        else
            model_pool_use(&m, l, (fh_pool_op)(what % (FH_POOL_RELEASE + 1)));
        model_pool_check(&m);
    }
    for (size_t i = 0; i < MODEL_LIVES; i++) /* fh_pool_free wants nothing borrowed */
        while (m.lives[i].use >= MODEL_READ && m.lives[i].use <= MODEL_IN_FLIGHT)
            model_pool_use(&m, &m.lives[i], m.lives[i].use == MODEL_READ      ? FH_POOL_BORROW_END
                                            : m.lives[i].use == MODEL_WRITTEN ? FH_POOL_BORROW_MUT_END
                                                                              : FH_POOL_UNPIN);
    fh_pool_free(m.pool);
    fh_pool_free(m.other);
}

#endif
