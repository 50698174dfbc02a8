/* model_bytes.h: turns bytes into operations on slabs and counted bytes and, at the same time, on a list of what they hold.
 *
 * The first byte chooses the options; each operation after it is three bytes, {what, which, how much}. Byte i of the content
 * of slab k is a function of k and i, so every reference knows what it must read, however it was sliced, split or moved.
 * Each slab value that was ever left behind is tried again later. Threading: one. */
#ifndef FH_TEST_MODEL_BYTES_H
#define FH_TEST_MODEL_BYTES_H

#include "freehold/hash.h"
#include "freehold/page.h"

#define MODEL_CHECK(condition) \
    do {                       \
        if (!(condition))      \
            __builtin_trap();  \
    } while (0)

enum { MODEL_SLABS = 12, MODEL_BYTES = 40, MODEL_OLD = 8, MODEL_PAGES = 12 };

typedef struct model_slab {
    fh_slab slab;
    uint64_t key, start; /* content: model_byte(key, start + i) */
    size_t filled, capacity;
    bool in_io;
} model_slab;

typedef struct model_piece {
    fh_bytes bytes;
    uint64_t key, start;
    size_t size;
} model_piece;

typedef struct model_bytes {
    fh_page_source *source;
    size_t slab_count, piece_count, old;
    model_slab slabs[MODEL_SLABS];
    model_piece pieces[MODEL_BYTES];
    fh_slab old_slabs[MODEL_OLD];
    uint64_t keys;
} model_bytes;

static uint8_t model_byte(uint64_t key, uint64_t i) {
    return (uint8_t)(fh_mix64(key) >> (i % 7)) ^ (uint8_t)(i * 13);
}

/* The content, all of a short one, and every 61st byte and the ends of a long one. */
static void model_bytes_same(fh_span got, uint64_t key, uint64_t start, size_t size) {
    MODEL_CHECK(got.size == size);
    for (size_t i = 0; i < size; i += size < 200 || i + 61 >= size ? 1 : 61)
        MODEL_CHECK(fh_span_at(got, i) == model_byte(key, start + i));
}

/* A slab's value that was left behind. */
static void model_bytes_left(model_bytes *m, fh_slab old) {
    m->old_slabs[m->old++ % MODEL_OLD] = old;
}

static void model_bytes_alloc(model_bytes *m, size_t size) {
    model_slab *s = &m->slabs[m->slab_count];
    if (m->slab_count == MODEL_SLABS)
        return;
    fh_page_stats before = fh_page_source_stats(m->source);
    fh_code code = fh_slab_alloc(m->source, size, &s->slab).code;
    bool beyond = size > (size_t)MODEL_PAGES * FH_PAGE_BYTES;
    if (size == 0 || beyond || before.slabs == before.slabs_max) {
        MODEL_CHECK(code == (size == 0 ? FH_INVALID : beyond ? FH_LIMIT : FH_EXHAUSTED));
    } else if (code != FH_OK) { /* a page at once only if none is free; the two cursors may hold one each */
        MODEL_CHECK(code == FH_EXHAUSTED && (size > FH_PAGE_BYTES - 64 || before.pages_live == before.pages_max));
        MODEL_CHECK(before.pages_live > 2 || size > (size_t)(MODEL_PAGES - 2) / 3 * FH_PAGE_BYTES);
    } else {
        *s = (model_slab){.slab = s->slab, .key = ++m->keys, .capacity = size};
        m->slab_count++;
    }
}

/* Fills up to `count` bytes, as the kernel does (begin and end are two operations) or by appending. */
static void model_bytes_fill(model_bytes *m, model_slab *s, size_t count, bool io) {
    uint8_t text[256];
    size_t room = s->capacity - s->filled;
    fh_slab old = s->slab;
    if (io) {
        fh_mspan out;
        fh_code code = fh_slab_begin_io(m->source, &s->slab, &out).code;
        MODEL_CHECK(code == (s->in_io ? FH_BORROWED : room == 0 ? FH_LIMIT : FH_OK));
        MODEL_CHECK(code == FH_OK ? out.size == room : out.at == NULL);
        for (size_t i = 0; i < out.size; i++) /* all of it, also what end_io will not count */
            out.at[i] = model_byte(s->key, s->start + s->filled + i);
        s->in_io = s->in_io || code == FH_OK;
    } else {
        count %= sizeof text + 1;
        for (size_t i = 0; i < count; i++)
            text[i] = model_byte(s->key, s->start + s->filled + i);
        fh_code code = fh_slab_append(m->source, &s->slab, (fh_span){text, count}).code;
        MODEL_CHECK(code == (s->in_io ? FH_BORROWED : count > room ? FH_LIMIT : FH_OK));
        s->filled += code == FH_OK ? count : 0;
    }
    if (old.token != s->slab.token)
        model_bytes_left(m, old);
}

static void model_bytes_end_io(model_bytes *m, model_slab *s, size_t count) {
    size_t room = s->capacity - s->filled;
    fh_slab old = s->slab;
    fh_code code = fh_slab_end_io(m->source, &s->slab, count).code;
    MODEL_CHECK(code == (!s->in_io ? FH_INVALID : count > room ? FH_LIMIT : FH_OK));
    if (code != FH_OK)
        return;
    s->in_io = false;
    s->filled += count;
    model_bytes_left(m, old);
}

static void model_bytes_freeze(model_bytes *m, model_slab *s, size_t count, bool split) {
    fh_bytes b;
    if (m->piece_count == MODEL_BYTES)
        return;
    fh_slab old = s->slab;
    fh_code code = (split ? fh_slab_split : fh_slab_freeze)(m->source, &s->slab, count, &b).code;
    MODEL_CHECK(code == (s->in_io ? FH_BORROWED : count > s->filled ? FH_INVALID : FH_OK));
    if (code != FH_OK)
        return;
    model_bytes_left(m, old);
    MODEL_CHECK((b.owner == NULL) == (count == 0));
    if (count > 0)
        m->pieces[m->piece_count++] = (model_piece){b, s->key, s->start, count};
    s->start += count;
    s->filled -= count;
    s->capacity -= count;
    if (!split)
        *s = m->slabs[--m->slab_count];
}

/* A copy in one step. */
static void model_bytes_put(model_bytes *m, size_t size) {
    static uint8_t text[600];
    fh_bytes b;
    if (m->piece_count == MODEL_BYTES)
        return;
    uint64_t key = ++m->keys;
    for (size_t i = 0; i < size; i++)
        text[i] = model_byte(key, i);
    fh_page_stats before = fh_page_source_stats(m->source);
    fh_code code = fh_page_source_copy(m->source, (fh_span){text, size}, &b).code;
    MODEL_CHECK(code == FH_OK || (code == FH_EXHAUSTED && before.pages_live == before.pages_max));
    MODEL_CHECK((b.owner == NULL) == (size == 0 || code != FH_OK));
    if (b.owner != NULL)
        m->pieces[m->piece_count++] = (model_piece){b, key, 0, size};
}

static void model_bytes_old(model_bytes *m, fh_slab slab) {
    fh_bytes b;
    fh_mspan room;
    fh_span view;
    MODEL_CHECK(slab.token == 0 || fh_slab_append(m->source, &slab, (fh_span){NULL, 0}).code == FH_STALE);
    MODEL_CHECK(slab.token == 0 || fh_slab_begin_io(m->source, &slab, &room).code == FH_STALE);
    MODEL_CHECK(slab.token == 0 || fh_slab_end_io(m->source, &slab, 0).code == FH_STALE);
    MODEL_CHECK(fh_slab_view(m->source, slab, &view).code == FH_STALE);
    MODEL_CHECK(fh_slab_freeze(m->source, &slab, 0, &b).code == FH_STALE);
}

/* Share, slice, the two splits; the piece that results joins the list. */
static void model_bytes_cut(model_bytes *m, model_piece *p, size_t count, unsigned how) {
    fh_bytes out;
    if (m->piece_count == MODEL_BYTES)
        return;
    model_piece made = *p;
    size_t half = count / 2;
    fh_code code = FH_OK;
    if (how == 0)
        out = fh_bytes_share(p->bytes);
    else if (how == 1)
        code = fh_bytes_slice(p->bytes, half, count - half, &out).code, made.start += half, made.size = count - half;
    else if (how == 2)
        code = fh_bytes_split_to(&p->bytes, count, &out).code, made.size = count;
    else
        code = fh_bytes_split_off(&p->bytes, count, &out).code, made.start += count, made.size = p->size - count;
    MODEL_CHECK(code == (how > 0 && count > p->size ? FH_INVALID : FH_OK));
    if (code != FH_OK)
        return;
    if (how == 2)
        p->start += count, p->size -= count;
    else if (how == 3)
        p->size = count;
    made.bytes = out;
    m->pieces[m->piece_count++] = made;
}

static void model_bytes_evacuate(model_bytes *m, size_t budget) {
    for (size_t i = 0; i < m->piece_count; i++) {
        fh_bytes was = m->pieces[i].bytes;
        size_t before = budget;
        fh_code code = fh_bytes_evacuate(m->source, &m->pieces[i].bytes, &budget).code;
        MODEL_CHECK(code == FH_OK || code == FH_EXHAUSTED || (code == FH_LIMIT && was.span.size > budget));
        bool moved = was.span.at != m->pieces[i].bytes.span.at;
        MODEL_CHECK(before - budget == (moved ? was.span.size : 0) && (!moved || code == FH_OK));
    }
}

static void model_bytes_step(model_bytes *m, unsigned what, size_t which, size_t more) {
    static const size_t sizes[] = {0, 1, 40, 64, 200, 5000, 30000, 65536, 70000, 200000, 800000};
    model_slab *s = m->slab_count == 0 ? NULL : &m->slabs[which % m->slab_count];
    model_piece *p = m->piece_count == 0 ? NULL : &m->pieces[which % m->piece_count];
    if (what < 6)
        model_bytes_alloc(m, sizes[more % (what == 0 ? 11 : 7)] + more / 16);
    else if (what < 14 && s != NULL)
        model_bytes_fill(m, s, more, what % 2 == 0);
    else if (what < 18 && s != NULL)
        model_bytes_end_io(m, s, more == 255 ? s->capacity : (s->capacity - s->filled) * more / 250);
    else if (what < 24 && s != NULL)
        model_bytes_freeze(m, s, more == 255 ? s->filled + 1 : s->filled * more / 250, what % 2 == 0);
    else if (what < 30 && p != NULL)
        model_bytes_cut(m, p, more == 255 ? p->size + 1 : p->size * more / 250, what % 4);
    else if (what < 40 && p != NULL) {
        model_bytes_same(p->bytes.span, p->key, p->start, p->size);
        fh_bytes_drop(&p->bytes);
        *p = m->pieces[--m->piece_count];
    } else if (what == 40)
        model_bytes_evacuate(m, more * more);
    else if (what == 41)
        fh_page_source_trim(m->source);
    else if (what < 44)
        model_bytes_put(m, 2 * more);
    else
        model_bytes_old(m, m->old_slabs[which % MODEL_OLD]);
}

static void model_bytes_run(fh_allocator *a, fh_span ops) {
    if (ops.size == 0)
        return;
    uint8_t first = fh_span_at(ops, 0);
    fh_page_options o = {.pages_max = MODEL_PAGES, .slabs_max = MODEL_SLABS - first % 4, .fixed = first & 16};
    o.evacuate_below_bytes = first & 32 ? FH_PAGE_BYTES / 2 : 0;
    model_bytes m = {0};
    MODEL_CHECK(!fh_failed(fh_page_source_new(a, &o, &m.source)));
    for (size_t i = 1; i + 2 < ops.size; i += 3) {
        model_bytes_step(&m, fh_span_at(ops, i) % 47, fh_span_at(ops, i + 1), fh_span_at(ops, i + 2));
        fh_span view;
        for (size_t k = 0; k < m.slab_count; k++)
            if ((k + i) % 8 == 0) {
                MODEL_CHECK(fh_slab_view(m.source, m.slabs[k].slab, &view).code == FH_OK);
                model_bytes_same(view, m.slabs[k].key, m.slabs[k].start, m.slabs[k].filled);
            }
        MODEL_CHECK(!fh_failed(fh_page_source_check(m.source, NULL)));
    }
    for (; m.slab_count > 0; m.slab_count--) {
        model_slab *s = &m.slabs[m.slab_count - 1];
        MODEL_CHECK(!s->in_io || fh_slab_end_io(m.source, &s->slab, 0).code == FH_OK);
        MODEL_CHECK(fh_slab_release(m.source, &s->slab).code == FH_OK);
    }
    fh_page_source_free(m.source); /* the bytes outlive it */
    for (size_t i = 0; i < m.piece_count; i++) {
        model_bytes_same(m.pieces[i].bytes.span, m.pieces[i].key, m.pieces[i].start, m.pieces[i].size);
        fh_bytes_drop(&m.pieces[i].bytes);
    }
}

#endif
