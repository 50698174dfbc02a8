/* normalized.c: see normalized.h.
 *
 * An edit compares what it is given with the text that it reads, and stores nothing while they agree: a walk over text that
 * needs no change costs no memory. From the first difference on, all bytes are stored; from the first foreign origin on, all
 * origins. Both arrays grow by doubling and are exchanged with those of the text when the edit is accepted.
 * Threading: one thread at a time. */
#include "text/pipe/normalized.h"

#include "freehold/checked.h"
#include "freehold/utf8.h"
#include "text/pipe/ascii.h"

enum { ROOM_MIN = 64, RUNE_BYTES_MAX = 4 };

void fh_normalized_init(fh_normalized *n, fh_allocator *a) {
    *n = (fh_normalized){.now = {.same = true, .straight = true}, .edit = {.allocator = a}};
    fh_marks_list_init(&n->marks, a);
    fh_finder_init(&n->finder, a);
}

void fh_normalized_deinit(fh_normalized *n) {
    fh_allocator *a = n->edit.allocator;
    fh_free(a, n->now.bytes.at);
    fh_free(a, n->edit.bytes.at);
    fh_origins_free(a, &n->now.origins);
    fh_origins_free(a, &n->edit.origins);
    fh_marks_list_deinit(&n->marks);
    fh_finder_deinit(&n->finder);
    n->now.bytes = n->edit.bytes = (fh_mspan){NULL, 0};
}

fh_status fh_normalized_reset(fh_normalized *n, fh_span text, bool tracked) {
    if (text.size > UINT32_MAX)
        return FH_STATUS(FH_LIMIT);
    n->now.original = text;
    n->now.size = text.size;
    n->now.same = n->now.straight = true;
    n->now.tracked = tracked;
    n->now.lead = 0;
    return FH_DONE;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

fh_span fh_traced_view(const fh_traced *t) {
    return t->same ? t->original : fh_span_sub(fh_span_of_mut(t->bytes), 0, t->size);
}

fh_span fh_normalized_view(const fh_normalized *n) {
    return fh_traced_view(&n->now);
}

/* The character that byte i belongs to. */
static fh_origin character_at(fh_span text, size_t i) {
    for (size_t back = 0; back < RUNE_BYTES_MAX && back <= i; back++) {
        if ((fh_span_at(text, i - back) & 0xc0) == 0x80)
            continue;
        fh_rune r = fh_utf8_next(text, i - back);
        if (r.size > back)
            return (fh_origin){(uint32_t)(i - back), (uint32_t)(i - back + r.size)};
        break;
    }
    return (fh_origin){(uint32_t)i, (uint32_t)(i + 1)};
}

fh_origin fh_traced_origin(const fh_traced *t, size_t i) {
    return t->straight ? character_at(t->original, i < t->lead ? 0 : i - t->lead) : fh_origins_get(t->origins, i);
}

fh_origin fh_normalized_origin(const fh_normalized *n, size_t begin, size_t end) {
    if (begin >= end)
        return (fh_origin){(uint32_t)begin, (uint32_t)begin};
    return (fh_origin){fh_traced_origin(&n->now, begin).begin, fh_traced_origin(&n->now, end - 1).end};
}

/* --- writing ---------------------------------------------------------------------------------------------------------- */

/* So many elements for a store that has `have` and needs `need`. */
static size_t grown(size_t have, size_t need) {
    size_t twice;
    if (!fh_mul_size(have, 2, &twice) || twice < need)
        twice = need;
    return twice < ROOM_MIN ? ROOM_MIN : twice;
}

static fh_status reserve_bytes(fh_edit *e, size_t more) {
    size_t need;
    if (!fh_add_size(e->size, more, &need))
        return FH_STATUS(FH_LIMIT);
    if (need <= e->bytes.size)
        return FH_DONE;
    size_t room = grown(e->bytes.size, need);
    uint8_t *at = fh_alloc(e->allocator, room, 1);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_mspan bigger = {at, room};
    if (e->rewritten)
        fh_span_copy(bigger, fh_span_sub(fh_span_of_mut(e->bytes), 0, e->size));
    fh_free(e->allocator, e->bytes.at);
    e->bytes = bigger;
    return FH_DONE;
}

static fh_status reserve_origins(fh_edit *e, size_t more) {
    size_t need;
    if (!fh_add_size(e->size, more, &need))
        return FH_STATUS(FH_LIMIT);
    if (need <= e->origins.count)
        return FH_DONE;
    fh_origins bigger;
    FH_TRY(fh_origins_new(e->allocator, grown(e->origins.count, need), &bigger));
    if (e->traced)
        fh_span_copy(fh_origins_bytes(bigger), fh_span_of_mut(fh_origins_bytes(fh_origins_sub(e->origins, 0, e->size))));
    fh_origins_free(e->allocator, &e->origins);
    e->origins = bigger;
    return FH_DONE;
}

/* Stores the origins of bytes [begin, end) of `from` at `at`, where there is room. */
static void store_origins(fh_origins to, size_t at, const fh_traced *from, size_t begin, size_t end) {
    if (begin == end)
        return;
    fh_origins part = fh_origins_sub(to, at, end - begin);
    if (!from->straight) {
        fh_origins whole = fh_origins_sub(from->origins, begin, end - begin);
        fh_span_copy(fh_origins_bytes(part), fh_span_of_mut(fh_origins_bytes(whole)));
        return;
    }
    for (size_t i = begin; i < end;) {
        if (fh_span_at(from->original, i) < 0x80) {
            fh_origins_set(part, i - begin, (fh_origin){(uint32_t)i, (uint32_t)(i + 1)});
            i++;
            continue;
        }
        fh_origin o = character_at(from->original, i); /* i may lie within it: "fi" stands for a ligature of three bytes */
        for (; i < o.end && i < end; i++)
            fh_origins_set(part, i - begin, o);
    }
}

/* From here on bytes are stored; there is room for `more`. */
static fh_status begin_bytes(fh_edit *e, const fh_traced *from, size_t more) {
    fh_span text = fh_traced_view(from);
    size_t rest = text.size > e->size ? text.size - e->size : 0; /* most likely that much will follow */
    if (!e->rewritten) {
        FH_TRY(reserve_bytes(e, rest > more ? rest : more));
        fh_span_copy(e->bytes, fh_span_sub(text, 0, e->size));
        e->rewritten = true;
        return FH_DONE;
    }
    return reserve_bytes(e, more);
}

/* From here on origins are stored; there is room for `more`. */
static fh_status begin_origins(fh_edit *e, const fh_traced *from, size_t more) {
    size_t rest = from->size > e->size ? from->size - e->size : 0;
    if (!e->traced) {
        FH_TRY(reserve_origins(e, rest > more ? rest : more));
        store_origins(e->origins, 0, from, 0, e->size);
        e->traced = true;
        return FH_DONE;
    }
    return reserve_origins(e, more);
}

void fh_edit_begin(fh_edit *e) {
    e->size = e->cursor = e->floor = 0;
    e->bottom = (fh_origin){0, 0};
    e->rewritten = e->traced = false;
}

void fh_edit_skip(fh_edit *e, const fh_traced *from, size_t count) {
    fh_span text = fh_traced_view(from);
    for (; count > 0 && e->cursor < text.size; count--)
        e->cursor += fh_utf8_next(text, e->cursor).size;
}

fh_origin fh_edit_take(fh_edit *e, const fh_traced *from, ptrdiff_t change) {
    if (!from->tracked || from->size == 0)
        return e->bottom;
    if (change > 0)
        return e->cursor > e->floor ? fh_traced_origin(from, e->cursor - 1) : e->bottom;
    fh_origin o = fh_traced_origin(from, e->cursor < from->size ? e->cursor : from->size - 1);
    fh_edit_skip(e, from, 1 + (size_t)-change);
    return o;
}

/* True if bytes [size, size + n) of `from` all have this origin. */
static bool has_origin(const fh_edit *e, const fh_traced *from, size_t n, fh_origin origin) {
    if (n > from->size || e->size > from->size - n)
        return false;
    if (from->straight && (origin.begin > e->size || e->size + n > origin.end)) /* the usual no */
        return false;
    if (from->straight && n <= RUNE_BYTES_MAX) {
        fh_origin o = character_at(from->original, e->size);
        return o.begin == origin.begin && o.end == origin.end;
    }
    for (size_t i = e->size; i < e->size + n; i++) {
        fh_origin o = fh_traced_origin(from, i);
        if (o.begin != origin.begin || o.end != origin.end)
            return false;
    }
    return true;
}

fh_status fh_edit_emit_text(fh_edit *e, const fh_traced *from, fh_span text, fh_origin origin) {
    if (text.size == 0)
        return FH_DONE;
    if (text.size > UINT32_MAX - e->size)
        return FH_STATUS(FH_LIMIT);
    fh_span old;
    bool differs = e->rewritten || !fh_span_slice(fh_traced_view(from), e->size, text.size, &old) || !fh_span_equal(old, text);
    if (differs)
        FH_TRY(begin_bytes(e, from, text.size));
    if (from->tracked && (e->traced || !has_origin(e, from, text.size, origin))) {
        FH_TRY(begin_origins(e, from, text.size));
        for (size_t i = 0; i < text.size; i++)
            fh_origins_set(e->origins, e->size + i, origin);
    }
    if (differs) {
        fh_mspan room;
        bool fits = fh_mspan_slice(e->bytes, e->size, text.size, &room);
        FH_ASSERT(fits);
        fh_span_copy(room, text);
    }
    e->size += text.size;
    return FH_DONE;
}

fh_status fh_edit_emit(fh_edit *e, const fh_traced *from, uint32_t code, fh_origin origin) {
    uint8_t bytes[4] = {0};
    size_t size = fh_utf8_put(code, bytes);
    return fh_edit_emit_text(e, from, fh_span_sub((fh_span){bytes, sizeof bytes}, 0, size), origin);
}

fh_status fh_edit_put(fh_edit *e, const fh_traced *from, uint32_t code, ptrdiff_t change) {
    return fh_edit_emit(e, from, code, fh_edit_take(e, from, change));
}

/* The cursor is elsewhere: each character takes its origin there. */
static fh_status keep_apart(fh_edit *e, const fh_traced *from, size_t begin, size_t end) {
    fh_span text = fh_traced_view(from);
    while (begin < end) {
        size_t size = fh_utf8_next(text, begin).size;
        FH_TRY(fh_edit_emit_text(e, from, fh_span_sub(text, begin, size), fh_edit_take(e, from, 0)));
        begin += size;
    }
    return FH_DONE;
}

fh_status fh_edit_keep(fh_edit *e, const fh_traced *from, size_t begin, size_t end) {
    size_t count = end - begin;
    if (count == 0)
        return FH_DONE;
    if (from->tracked && e->cursor != begin)
        return keep_apart(e, from, begin, end);
    if (count > UINT32_MAX - e->size)
        return FH_STATUS(FH_LIMIT);
    bool in_place = e->size == begin;
    if (e->rewritten || !in_place) {
        FH_TRY(begin_bytes(e, from, count));
        fh_mspan room;
        bool fits = fh_mspan_slice(e->bytes, e->size, count, &room);
        FH_ASSERT(fits);
        fh_span_copy(room, fh_span_sub(fh_traced_view(from), begin, count));
    }
    if (from->tracked && (e->traced || !in_place)) {
        FH_TRY(begin_origins(e, from, count));
        store_origins(e->origins, e->size, from, begin, end);
    }
    e->size += count;
    e->cursor = end;
    return FH_DONE;
}

fh_status fh_edit_keep_as(fh_edit *e, const fh_traced *from, size_t begin, size_t end, uint8_t last) {
    FH_TRY(begin_bytes(e, from, end - begin));
    FH_TRY(fh_edit_keep(e, from, begin, end));
    *fh_mspan_at(e->bytes, e->size - 1) = last;
    return FH_DONE;
}

/* Makes bytes of ASCII small, eight at a time. */
static void make_small(fh_mspan bytes) {
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    size_t i = 0;
    for (; i + 8 <= bytes.size; i += 8) {
        uint64_t x = fh_span_u64(fh_span_of_mut(bytes), i);
        uint64_t capital = (x + ones * (0x80 - 'A')) & ~(x + ones * (0x7f - 'Z')) & high;
        if (capital != 0)
            fh_mspan_put_u64(bytes, i, x | capital >> 2);
    }
    for (; i < bytes.size; i++) {
        uint8_t *b = fh_mspan_at(bytes, i);
        if (*b >= 'A' && *b <= 'Z')
            *b |= 0x20;
    }
}

fh_status fh_edit_keep_small(fh_edit *e, const fh_traced *from, size_t begin, size_t end) {
    size_t capital = fh_ascii_end(fh_span_sub(fh_traced_view(from), 0, end), begin, FH_ASCII_UPPER);
    if (capital == end)
        return fh_edit_keep(e, from, begin, end);
    FH_TRY(fh_edit_keep(e, from, begin, capital));
    FH_TRY(begin_bytes(e, from, end - capital));
    size_t at = e->size;
    FH_TRY(fh_edit_keep(e, from, capital, end));
    fh_mspan part;
    bool fits = fh_mspan_slice(e->bytes, at, end - capital, &part);
    FH_ASSERT(fits);
    make_small(part);
    return FH_DONE;
}

fh_status fh_edit_copy(fh_edit *e, const fh_traced *from, size_t begin, size_t end) {
    e->cursor = begin;
    return fh_edit_keep(e, from, begin, end);
}

fh_status fh_normalized_accept(fh_normalized *n) {
    FH_ASSERT(n->now.lead == 0);
    if (n->edit.rewritten || n->edit.size != n->now.size) /* what only lost its end is shown from a copy */
        FH_TRY(begin_bytes(&n->edit, &n->now, 0));
    fh_traced t = n->now;
    fh_edit e = n->edit;
    bool bytes = e.rewritten, origins = e.traced;
    *n = (fh_normalized){.now = {.original = t.original,
                                 .size = e.size,
                                 .same = t.same && !bytes,
                                 .straight = t.straight && !origins,
                                 .tracked = t.tracked,
                                 .bytes = bytes ? e.bytes : t.bytes,
                                 .origins = origins ? e.origins : t.origins},
                         .edit = {.allocator = e.allocator,
                                  .bytes = bytes ? t.bytes : e.bytes,
                                  .origins = origins ? t.origins : e.origins},
                         .marks = n->marks,
                         .finder = n->finder};
    return FH_DONE;
}

fh_status fh_normalized_put_lead(fh_normalized *n, uint8_t lead) {
    FH_ASSERT(n->now.same && n->now.straight && n->now.size != 0);
    size_t size = n->now.size;
    fh_mspan rest;
    fh_edit_begin(&n->edit);
    FH_TRY(reserve_bytes(&n->edit, size + 1));
    bool fits = fh_mspan_slice(n->edit.bytes, 1, size, &rest);
    FH_ASSERT(fits);
    *fh_mspan_at(n->edit.bytes, 0) = lead;
    fh_span_copy(rest, n->now.original);
    n->edit.size = size + 1;
    n->edit.rewritten = true;
    FH_TRY(fh_normalized_accept(n));
    n->now.lead = 1;
    return FH_DONE;
}
