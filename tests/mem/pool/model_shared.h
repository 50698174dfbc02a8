/* model_shared.h: turns bytes into what several threads do with a shared pool, and compares every answer with a model's.
 *
 * The threads are simulated: one real thread has up to four views, and the bytes say which of them acts. So every order of
 * whole operations can come up, with stale uses, double frees, clashes of borrows, views that come and go, and hooks that
 * fail; and each run can be repeated. What happens inside of operations at the same time is for tests/weave and race.h.
 *
 * Bytes: 0 = kind, eager, hooks, generations of 4 bits; 1 = capacity and growth; then two for each operation, {what, view},
 * {which handle, how many}. Threading: one. */
#ifndef FH_TEST_MODEL_SHARED_H
#define FH_TEST_MODEL_SHARED_H

#include <string.h>

#include "mem/pool/pool_core.h"

#define MODEL_CHECK(condition) \
    do {                       \
        if (!(condition))      \
            __builtin_trap();  \
    } while (0)

enum { MODEL_VIEWS = 4, MODEL_SLOTS = 64, MODEL_OLD = 64, MODEL_BATCH = 5 };

/* The latest life of a slot. */
typedef struct model_life {
    fh_handle h;
    bool live;
    unsigned view; /* that allocated it */
    uint32_t low;  /* as in pool.h */
} model_life;

typedef struct model_shared {
    fh_pool *views[MODEL_VIEWS];
    bool attached[MODEL_VIEWS];
    unsigned view_count;
    fh_pool_config config;
    bool narrow, failing;
    uint64_t inits, finis;
    model_life latest[MODEL_SLOTS];
    fh_handle old[MODEL_OLD]; /* some handles, most of them stale */
    unsigned old_count;
    fh_pool_stats expected; /* allocs, releases and refusals */
} model_shared;

static fh_status model_shared_init(void *ctx, void *slot) {
    model_shared *m = ctx;
    (void)slot;
    if (m->failing)
        return FH_STATUS(FH_IO);
    m->inits++;
    return FH_DONE;
}

static fh_status model_shared_fini(void *ctx, void *slot) {
    model_shared *m = ctx;
    (void)slot;
    m->finis++;
    return FH_DONE;
}

/* --- what must come out ------------------------------------------------------------------------------------------- */

static fh_code model_shared_step(fh_pool_op op, uint32_t low, uint32_t *next) {
    bool is_counted = (low & FH_BORROW_COUNTED) != 0 && low < FH_BORROW_HOOK, is_shared = low > 0 && low < FH_BORROW_COUNTED;
    *next = low;
    switch (op) {
    case FH_POOL_GET: return low == 0 ? FH_OK : FH_BORROWED;
    case FH_POOL_VIEW: return low < FH_BORROW_HOOK ? FH_OK : FH_BORROWED;
    case FH_POOL_BORROW: *next = low + 1; return low == 0 || is_shared ? FH_OK : FH_BORROWED;
    case FH_POOL_BORROW_END: *next = low - 1; return is_shared ? FH_OK : FH_INVALID;
    case FH_POOL_BORROW_MUT: *next = FH_BORROW_EXCLUSIVE; return low == 0 ? FH_OK : FH_BORROWED;
    case FH_POOL_BORROW_MUT_END: *next = 0; return low == FH_BORROW_EXCLUSIVE ? FH_OK : FH_INVALID;
    case FH_POOL_PIN: *next = FH_BORROW_KERNEL; return low == 0 ? FH_OK : FH_BORROWED;
    case FH_POOL_UNPIN: *next = 0; return low == FH_BORROW_KERNEL ? FH_OK : FH_INVALID;
    case FH_POOL_SHARE: *next = FH_BORROW_COUNTED | 1; return low == 0 ? FH_OK : FH_BORROWED;
    case FH_POOL_UPGRADE: *next = low + 1; return is_counted ? FH_OK : FH_INVALID;
    case FH_POOL_DROP: *next = low - 1; return is_counted ? FH_OK : FH_INVALID;
    case FH_POOL_RELEASE: return low == 0 ? FH_OK : FH_BORROWED;
    }
    return FH_INVALID;
}

/* What a use must answer; also does it to the model. */
static fh_code model_shared_use(model_shared *m, unsigned view, fh_handle h, fh_pool_op op) {
    bool is_release = op == FH_POOL_RELEASE || op == FH_POOL_DROP, is_single = m->config.threads == FH_POOL_SHARED;
    model_life *l = &m->latest[(uint32_t)h.value % MODEL_SLOTS];
    uint32_t next;
    if (!m->attached[view]) {
        m->expected.wrong_threads++;
        return FH_WRONG_THREAD;
    }
    if (!is_single && (op == FH_POOL_GET || op == FH_POOL_VIEW))
        return FH_UNSUPPORTED;
    if (h.value != 0 && h.value == l->h.value && !l->live && is_release) {
        m->expected.double_frees++;
        return FH_DOUBLE_FREE;
    }
    if (h.value == 0 || h.value != l->h.value || !l->live) {
        m->expected.stale_uses++;
        return FH_STALE;
    }
    fh_code code = model_shared_step(op, l->low, &next);
    m->expected.borrow_conflicts += code == FH_BORROWED;
    if (code != FH_OK)
        return code;
    if (is_single && l->view != view && op != FH_POOL_RELEASE && next != l->low) {
        m->expected.wrong_threads++;
        return FH_WRONG_THREAD;
    }
    l->low = next;
    if (op == FH_POOL_RELEASE || (op == FH_POOL_DROP && next == FH_BORROW_COUNTED)) {
        m->expected.remote_frees += is_single && l->view != view;
        m->expected.releases++;
        *l = (model_life){.h = h};
    }
    return FH_OK;
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static uint64_t model_shared_live(const model_shared *m) {
    return m->expected.allocs - m->expected.releases;
}

static unsigned model_shared_attached(const model_shared *m) {
    unsigned n = 0;
    for (unsigned v = 0; v < m->view_count; v++)
        n += m->attached[v];
    return n;
}

/* A new life must be nobody's, later than all before, and in order. */
static void model_shared_begin(model_shared *m, unsigned view, fh_handle h) {
    MODEL_CHECK(h.value != 0 && (uint32_t)h.value < MODEL_SLOTS);
    model_life *l = &m->latest[(uint32_t)h.value];
    MODEL_CHECK(!l->live && (l->h.value == 0 || (uint32_t)((h.value >> 32) - (l->h.value >> 32)) < UINT32_MAX / 2));
    *l = (model_life){h, true, view, 0};
    m->expected.allocs++;
    m->old[m->old_count++ % MODEL_OLD] = h;
}

static void model_shared_write(fh_pool *view, fh_handle h) {
    MODEL_CHECK(fh_pool_store(view, h, (fh_span){(const uint8_t *)&h.value, sizeof h.value}).code == FH_OK);
}

static void model_shared_alloc(model_shared *m, unsigned view, unsigned count) {
    fh_pool *v = m->views[view];
    fh_handle h[MODEL_BATCH];
    void *at = NULL;
    fh_status s = count == 1 ? fh_pool_alloc(v, &h[0], &at) : fh_pool_alloc_n(v, count, h);
    m->expected.wrong_threads += !m->attached[view];
    MODEL_CHECK((s.code == FH_WRONG_THREAD) == !m->attached[view]);
    if (s.code == FH_EXHAUSTED && model_shared_attached(m) == 1 && !m->failing) {
        /* What there is can be had, once all letters are read. */
        m->expected.failures++;
        MODEL_CHECK(fh_pool_reap(v).code == FH_OK);
        s = fh_pool_alloc_n(v, count, h);
        at = NULL;
        bool is_enough = model_shared_live(m) + fh_pool_stats_get(v).retired + count <= m->config.max_capacity;
        MODEL_CHECK((s.code == FH_OK) == is_enough);
    }
    m->expected.failures += fh_failed(s) && m->attached[view];
    MODEL_CHECK(!fh_failed(s) || s.code == FH_WRONG_THREAD || s.code == FH_EXHAUSTED || (s.code == FH_IO && m->failing));
    for (unsigned i = 0; i < count; i++) {
        if (fh_failed(s)) {
            MODEL_CHECK(h[i].value == 0);
            continue;
        }
        model_shared_begin(m, view, h[i]);
        if (at != NULL && !m->config.eager)
            for (size_t k = 0; k < m->config.size_bytes; k++)
                MODEL_CHECK(((uint8_t *)at)[k] == 0);
        model_shared_write(v, h[i]);
    }
}

static void model_shared_do(model_shared *m, unsigned view, fh_handle h, fh_pool_op op) {
    fh_pool *v = m->views[view];
    void *at = NULL;
    fh_code expected = model_shared_use(m, view, h, op);
    fh_status s;
    if (op == FH_POOL_RELEASE) {
        s = fh_pool_release(v, h);
    } else if (op == FH_POOL_GET) {
        s = fh_pool_get(v, h, &at);
    } else {
        fh_pool_found found = fh_pool_use(v, h, op);
        at = found.at;
        s = found.status;
    }
    MODEL_CHECK(s.code == expected);
    if (s.code == FH_OK && at != NULL && (op <= FH_POOL_VIEW || op == FH_POOL_BORROW || op == FH_POOL_BORROW_MUT))
        MODEL_CHECK(memcmp(at, &h.value, sizeof h.value) == 0);
}

static void model_shared_attach(model_shared *m) {
    fh_pool *view = NULL;
    unsigned idle = 0;
    while (idle < m->view_count && m->attached[idle])
        idle++;
    if (idle == MODEL_VIEWS)
        return;
    MODEL_CHECK(fh_pool_attach(m->views[0], &view).code == FH_OK);
    if (idle == m->view_count)
        m->views[m->view_count++] = view;
    MODEL_CHECK(m->views[idle] == view); /* the first idle one, with all it has */
    m->attached[idle] = true;
}

static void model_shared_detach(model_shared *m, unsigned view) {
    fh_status s = fh_pool_detach(m->views[view]);
    m->expected.wrong_threads += !m->attached[view];
    MODEL_CHECK(s.code == (m->attached[view] ? FH_OK : FH_WRONG_THREAD));
    m->attached[view] = false;
}

static void model_shared_reap(model_shared *m, unsigned view) {
    fh_status s = fh_pool_reap(m->views[view]);
    m->expected.wrong_threads += !m->attached[view];
    MODEL_CHECK(s.code == (m->attached[view] ? FH_OK : FH_WRONG_THREAD));
}

static void model_shared_reset(model_shared *m) {
    if (!m->attached[0])
        return;
    fh_status s = fh_pool_reset(m->views[0]);
    if (model_shared_attached(m) > 1) {
        MODEL_CHECK(s.code == FH_BORROWED);
        return;
    }
    bool is_borrowed = false;
    for (unsigned i = 0; i < MODEL_SLOTS; i++)
        is_borrowed = is_borrowed || (m->latest[i].low != 0 && (m->latest[i].low & FH_BORROW_COUNTED) == 0) ||
                      m->latest[i].low >= FH_BORROW_HOOK;
    m->expected.borrow_conflicts += is_borrowed;
    MODEL_CHECK(s.code == (is_borrowed ? FH_BORROWED : FH_OK));
    for (unsigned i = 0; i < MODEL_SLOTS && !is_borrowed; i++) {
        m->expected.releases += m->latest[i].live;
        m->latest[i] = (model_life){.h = m->latest[i].h};
    }
}

static void model_shared_compare(const model_shared *m) {
    fh_err err;
    fh_err_clear(&err);
    MODEL_CHECK(fh_pool_check(m->views[0], &err).code == FH_OK);
    fh_pool_stats s = fh_pool_stats_get(m->views[0]), e = m->expected;
    MODEL_CHECK(s.allocs == e.allocs && s.releases == e.releases && s.live == e.allocs - e.releases && s.peak >= s.live);
    MODEL_CHECK(s.failures == e.failures && s.stale_uses == e.stale_uses && s.double_frees == e.double_frees);
    MODEL_CHECK(s.borrow_conflicts == e.borrow_conflicts && s.wrong_threads == e.wrong_threads && s.wrong_pools == 0);
    MODEL_CHECK(s.remote_frees == e.remote_frees && s.capacity <= m->config.max_capacity);
    MODEL_CHECK(m->config.fini == NULL || m->config.eager || m->finis >= e.releases);
}

/* --- a run -------------------------------------------------------------------------------------------------------- */

static void model_shared_operation(model_shared *m, unsigned what, unsigned view, unsigned arg) {
    static const fh_pool_op uses[] = {
        FH_POOL_GET, FH_POOL_VIEW, FH_POOL_BORROW, FH_POOL_BORROW_END, FH_POOL_BORROW_END, FH_POOL_BORROW_MUT,
        FH_POOL_BORROW_MUT_END, FH_POOL_PIN, FH_POOL_UNPIN, FH_POOL_SHARE, FH_POOL_UPGRADE, FH_POOL_DROP, FH_POOL_DROP,
    };
    fh_handle h = arg == 255 || m->old_count == 0 ? (fh_handle){0} : m->old[arg % (m->old_count < MODEL_OLD ? m->old_count
                                                                                                          : MODEL_OLD)];
    if (what < 16)
        model_shared_alloc(m, view, 1);
    else if (what < 18)
        model_shared_alloc(m, view, arg % (MODEL_BATCH + 1));
    else if (what < 40)
        model_shared_do(m, view, h, FH_POOL_RELEASE);
    else if (what < 40 + sizeof uses / sizeof uses[0])
        model_shared_do(m, view, h, uses[what - 40]);
    else if (what < 56)
        model_shared_reap(m, view);
    else if (what < 59)
        model_shared_attach(m);
    else if (what < 62)
        model_shared_detach(m, view);
    else if (what < 63)
        m->failing = m->config.init != NULL && arg % 2 != 0;
    else if (arg % 4 == 0)
        model_shared_reset(m);
}

/* Ends all borrows, each by who may, and all views but the first. */
static void model_shared_end(model_shared *m) {
    while (model_shared_attached(m) < m->view_count)
        model_shared_attach(m);
    for (unsigned i = 0; i < MODEL_SLOTS; i++) {
        model_life *l = &m->latest[i];
        while (l->live && l->low != 0 && (l->low & FH_BORROW_COUNTED) == 0)
            model_shared_do(m, l->view, l->h, FH_POOL_BORROW_END);
        if (l->live && l->low >= FH_BORROW_HOOK)
            model_shared_do(m, l->view, l->h, l->low == FH_BORROW_KERNEL ? FH_POOL_UNPIN : FH_POOL_BORROW_MUT_END);
    }
    for (unsigned v = 1; v < m->view_count; v++)
        model_shared_detach(m, v);
    model_shared_compare(m);
    fh_pool_free(m->views[0]);
    MODEL_CHECK(m->config.fini == NULL || m->finis == m->inits); /* every object that was made has ended, once */
}

static void model_shared_run(fh_allocator *a, fh_span ops) {
    static model_shared m;
    if (ops.size < 2)
        return;
    m = (model_shared){.view_count = 1, .attached = {true}, .narrow = (ops.at[0] & 8) != 0};
    m.config = (fh_pool_config){
        .size_bytes = 16, .capacity = 1 + ops.at[1] % 32, .eager = (ops.at[0] & 2) != 0,
        .threads = (ops.at[0] & 1) != 0 ? FH_POOL_SHARED_BORROW : FH_POOL_SHARED, .hook_ctx = &m};
    m.config.max_capacity = m.config.capacity;
    if (ops.at[1] >= 64) {
        m.config.growth.kind = ops.at[1] >= 160 ? FH_GROW_EXPONENTIAL : FH_GROW_LINEAR;
        m.config.max_capacity = MODEL_SLOTS;
    }
    if ((ops.at[0] & 4) != 0) {
        m.config.init = model_shared_init;
        m.config.fini = model_shared_fini;
    }
    MODEL_CHECK(fh_pool_new_narrow(a, &m.config, m.narrow ? 4 : 32, &m.views[0]).code == FH_OK);
    for (size_t i = 2; i + 1 < ops.size; i += 2) {
        model_shared_operation(&m, ops.at[i] % 64, ops.at[i] / 64 % m.view_count, ops.at[i + 1]);
        if (i % 16 == 0)
            model_shared_compare(&m);
    }
    model_shared_end(&m);
}

#endif
