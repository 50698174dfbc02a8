/* model_hard.h: turns bytes into operations on a hardened pool, and writes behind its back, and compares every answer with a
 * model's.
 *
 * Bytes: 0 = eager, size, sampling, which roads; 1 = capacity and growth; then two for each operation: {what, which}. A slot
 * that was written to must be found, by the next reap at the latest, must be told to the alarm once, and must never be given
 * out again. Threading: one. */
#ifndef FH_TEST_MODEL_HARD_H
#define FH_TEST_MODEL_HARD_H

#include <stdio.h>
#include <string.h>

#include "freehold/harden.h"
#include "mem/poison.h"
#include "mem/pool/pool_hard.h"

#define MODEL_CHECK(condition) \
    do {                       \
        if (!(condition))      \
            __builtin_trap();  \
    } while (0)

enum { MODEL_LIVES = 48, MODEL_SLOTS = 1 << 16, MODEL_COMPARE_EVERY = 32 };

typedef struct model_life {
    fh_handle h;
    uint8_t *at;
    bool live, ran_over; /* ran_over: its canary was overwritten */
    uint8_t tag;         /* all bytes of the object */
} model_life;

typedef struct model_hard {
    fh_pool *pool;
    fh_pool_config config;
    model_life lives[MODEL_LIVES]; /* the latest life of some slots, and older ones */
    unsigned next;
    uint32_t live, waiting; /* slots; how many rest at least */
    uint64_t ends, allocs, double_frees, stale_uses, heard;
    uint32_t damaged;               /* slots written to while free, not yet found */
    bool is_damaged[MODEL_SLOTS], is_retired[MODEL_SLOTS];
    uint64_t ended_at[MODEL_SLOTS]; /* counts ends */
    uint8_t tag[MODEL_SLOTS];       /* of the last life: stays in an eager pool */
} model_hard;

static void model_hard_alarm(void *ctx, const fh_err *report) {
    model_hard *m = ctx;
    unsigned slot = 0;
    MODEL_CHECK(report->code == FH_OVERWRITTEN && sscanf(strstr(report->message, "slot "), "slot %u", &slot) == 1);
    MODEL_CHECK(m->is_damaged[slot] && !m->is_retired[slot]);
    m->is_damaged[slot] = false;
    m->is_retired[slot] = true;
    m->damaged -= strstr(report->message, "its last life") == NULL;
    m->heard++;
}

static void model_hard_alloc(model_hard *m) {
    model_life *l = &m->lives[m->next++ % MODEL_LIVES];
    if (l->live)
        return;
    fh_handle h;
    void *at;
    uint64_t retired = m->heard;
    fh_status s = fh_pool_alloc(m->pool, &h, &at);
    if (s.code == FH_EXHAUSTED) {
        MODEL_CHECK(m->live == m->config.max_capacity || m->heard > 0);
        return;
    }
    MODEL_CHECK(s.code == FH_OK && m->live < m->config.max_capacity);
    uint32_t i = (uint32_t)h.value;
    const uint8_t *bytes = at;
    MODEL_CHECK(!m->is_damaged[i] && !m->is_retired[i] && (uintptr_t)at % 8 == 0);
    MODEL_CHECK(m->ended_at[i] == 0 || m->ends - m->ended_at[i] >= m->waiting || retired + m->heard > 0 ||
                fh_hard_guarded_number(m->pool->core->own, i) < FH_HARD_GUARDED);
    for (size_t k = 0; k < m->config.size_bytes; k++)
        MODEL_CHECK(bytes[k] == (m->config.eager ? m->tag[i] : 0));
    uint8_t tag = (uint8_t)(1 + m->allocs % 200);
    memset(at, tag, m->config.size_bytes);
    m->tag[i] = tag;
    *l = (model_life){.h = h, .at = at, .live = true, .tag = tag};
    m->live++;
    m->allocs++;
}

static void model_hard_release(model_hard *m, model_life *l) {
    uint32_t i = (uint32_t)l->h.value;
    bool newest = true; /* of the lives of its slot that the model knows */
    for (size_t k = 0; k < MODEL_LIVES; k++)
        newest = newest && ((uint32_t)m->lives[k].h.value != i || m->lives[k].h.value <= l->h.value);
    uint64_t heard = m->heard;
    if (l->live && l->ran_over)
        m->is_damaged[i] = true;
    if (l->live)
        for (size_t k = 0; k < m->config.size_bytes; k++)
            MODEL_CHECK(l->at[k] == l->tag);
    fh_status s = fh_pool_release(m->pool, l->h);
    if (l->live) {
        MODEL_CHECK(s.code == (l->ran_over ? FH_OVERWRITTEN : FH_OK) && m->heard == heard + l->ran_over);
        l->live = false;
        m->live--;
        if (fh_hard_guarded_number(m->pool->core->own, i) == FH_HARD_GUARDED && !l->ran_over)
            m->ended_at[i] = ++m->ends;
    } else if (l->h.value == 0) {
        MODEL_CHECK(s.code == FH_STALE);
        m->stale_uses++;
    } else {
        MODEL_CHECK(s.code == FH_DOUBLE_FREE || s.code == FH_STALE);
        MODEL_CHECK(newest ? s.code == FH_DOUBLE_FREE || m->next > MODEL_LIVES : true);
        m->double_frees += s.code == FH_DOUBLE_FREE;
        m->stale_uses += s.code == FH_STALE;
    }
}

/* A write where nobody may: to a slot that is free, or behind a live object. Tools that watch memory would end the program. */
static void model_hard_write(model_hard *m, model_life *l, uint8_t where) {
    uint32_t i = (uint32_t)l->h.value;
    size_t size = m->config.size_bytes, stride = m->pool->core->stride;
    bool is_alone = l->h.value == 0 || fh_hard_guarded_number(m->pool->core->own, i) < FH_HARD_GUARDED;
    if (FH_IS_WATCHED() || l->h.value == 0)
        return;
    if (l->live && !l->ran_over) {
        l->at[size + where % (stride - size)] ^= (uint8_t)(1 + where % 255);
        l->ran_over = true;
        return;
    }
    for (size_t k = 0; k < MODEL_LIVES; k++)
        if (m->lives[k].live && (uint32_t)m->lives[k].h.value == i)
            return; /* the slot has another life: its bytes are somebody's */
    if (is_alone || m->is_damaged[i] || m->is_retired[i])
        return;
    l->at[where % stride] ^= (uint8_t)(1 + where % 255);
    m->is_damaged[i] = true;
    m->damaged++;
}

static void model_hard_reap(model_hard *m) {
    uint64_t heard = m->heard;
    uint32_t damaged = m->damaged;
    MODEL_CHECK(fh_pool_reap(m->pool).code == (damaged > 0 ? FH_OVERWRITTEN : FH_OK));
    MODEL_CHECK(m->damaged == 0 && m->heard == heard + damaged);
}

static void model_hard_compare(const model_hard *m) {
    fh_err err;
    fh_err_clear(&err);
    MODEL_CHECK(fh_pool_check(m->pool, &err).code == (m->damaged > 0 ? FH_OVERWRITTEN : FH_OK));
    fh_pool_stats s = fh_pool_stats_get(m->pool);
    MODEL_CHECK(s.live == m->live && s.allocs == m->allocs && s.overwritten == m->heard && s.retired == m->heard);
    MODEL_CHECK(s.double_frees == m->double_frees && s.stale_uses == m->stale_uses);
    MODEL_CHECK(s.quarantined <= m->waiting + FH_HARD_HAND && s.peak >= m->live);
}

static void model_hard_step(model_hard *m, uint8_t what, uint8_t which) {
    model_life *l = &m->lives[which % MODEL_LIVES];
    void *at;
    if (what < 90) {
        model_hard_alloc(m);
    } else if (what < 160) {
        model_hard_release(m, l);
    } else if (what < 200) {
        fh_status s = fh_pool_get(m->pool, l->h, &at);
        MODEL_CHECK(s.code == (l->live ? FH_OK : FH_STALE) && at == (l->live ? l->at : NULL));
        m->stale_uses += !l->live;
    } else if (what < 206) {
        model_hard_write(m, l, (uint8_t)(which ^ what));
    } else if (what < 216) {
        model_hard_reap(m);
    } else if (what < 226) {
        fh_err err;
        fh_err_clear(&err);
        MODEL_CHECK(fh_pool_explain(m->pool, l->h, &err).code == (l->live ? FH_OK : FH_STALE));
    }
}

static void model_hard_run(fh_allocator *a, fh_span ops) {
    static const size_t sizes[] = {8, 20, 64, 2000, 16, 32, 72, 100};
    static model_hard m;
    if (ops.size < 2)
        return;
    memset(&m, 0, sizeof m);
    uint8_t kind = fh_span_at(ops, 0), capacity = fh_span_at(ops, 1);
    m.config = (fh_pool_config){.size_bytes = sizes[(kind >> 1 & 3) | (kind >> 4 & 4)], .natural_align_bytes = 8,
                                .eager = (kind & 1) != 0,
                                .capacity = 1 + capacity % 16, .max_capacity = 1 + capacity % 16, .hardened = true};
    if ((capacity & 16) != 0) {
        m.config.growth = (fh_growth){.kind = FH_GROW_LINEAR, .slots = 3};
        m.config.max_capacity = 30;
    }
    fh_pool_on_overwritten(model_hard_alarm, &m);
    fh_pool_hard_plain(kind >> 7 != 0);
    if (fh_failed(fh_pool_new(a, &m.config, &m.pool)))
        return;
    MODEL_CHECK(m.pool->core->slots_max <= MODEL_SLOTS);
    fh_pool_hard_sample(m.pool, m.config.eager ? 0 : kind >> 3 & 3);
    m.waiting = ((fh_hard *)m.pool->core->own)->waiting_max;
    for (size_t k = 2; k + 1 < ops.size; k += 2) {
        model_hard_step(&m, fh_span_at(ops, k), fh_span_at(ops, k + 1));
        if (k % MODEL_COMPARE_EVERY == 0) /* it looks at some thousand words */
            model_hard_compare(&m);
    }
    model_hard_compare(&m);
    uint64_t heard = m.heard;
    uint32_t damaged = m.damaged;
    fh_pool_free(m.pool);
    MODEL_CHECK(m.heard == heard + damaged);
    fh_pool_on_overwritten(NULL, NULL);
    fh_pool_hard_plain(false);
}

#endif
