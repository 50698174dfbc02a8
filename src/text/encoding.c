/* encoding.c: the columns of an encoding, and its parts.
 *
 * Invariants: each column has room for at least `count` numbers, and all have the same room; parts lie behind one another and
 * cover [0, count); kept texts lie in `texts`, where the part of one that is kept as a text of its own is not copied.
 * Threading: one thread at a time. */
#include "freehold/encoding.h"

#include "freehold/checked.h"

enum { TOKENS_FIRST = 64, PARTS_FIRST = 4, TOKENS_MAX = INT32_MAX };

void fh_encoding_init(fh_encoding *e, fh_allocator *a) {
    *e = (fh_encoding){.allocator = a};
    fh_buf_init(&e->texts, a, UINT32_MAX);
}

void fh_encoding_deinit(fh_encoding *e) {
    fh_allocator *a = e->allocator;
    fh_u32s_free(a, &e->id.items);
    fh_u32s_free(a, &e->type.items);
    fh_u32s_free(a, &e->word.items);
    fh_u32s_free(a, &e->begin.items);
    fh_u32s_free(a, &e->end.items);
    fh_u32s_free(a, &e->special.items);
    fh_u32s_free(a, &e->attention.items);
    fh_u32s_free(a, &e->spelling.items);
    fh_encoding_parts_free(a, &e->parts);
    fh_u32s_free(a, &e->text_begins.items);
    fh_u32s_free(a, &e->text_ends.items);
    fh_buf_deinit(&e->texts);
}

void fh_encoding_clear(fh_encoding *e) {
    fh_encoding_cut(e, (fh_encoding_mark){0, 0, 0, 0});
}

fh_encoding_mark fh_encoding_now(const fh_encoding *e) {
    return (fh_encoding_mark){e->count, e->part_count, e->text_count, e->texts.size};
}

void fh_encoding_cut(fh_encoding *e, fh_encoding_mark mark) {
    FH_ASSERT(mark.count <= e->count && mark.part_count <= e->part_count && mark.text_count <= e->text_count);
    e->count = mark.count;
    e->part_count = mark.part_count;
    e->text_count = mark.text_count;
    fh_buf_truncate(&e->texts, mark.text_bytes);
}

/* --- questions -------------------------------------------------------------------------------------------------------- */

size_t fh_encoding_count(const fh_encoding *e) {
    return e->count;
}

size_t fh_encoding_part_count(const fh_encoding *e) {
    return e->part_count;
}

fh_encoding_part fh_encoding_part_at(const fh_encoding *e, size_t p) {
    FH_ASSERT(p < e->part_count);
    return fh_encoding_parts_get(e->parts, p);
}

static fh_u32s room_of(const fh_encoding *e, fh_column column) fh_view(1) {
    switch (column) {
    case FH_COLUMN_ID:
        return e->id.items;
    case FH_COLUMN_TYPE:
        return e->type.items;
    case FH_COLUMN_WORD:
        return e->word.items;
    case FH_COLUMN_BEGIN:
        return e->begin.items;
    case FH_COLUMN_END:
        return e->end.items;
    case FH_COLUMN_SPECIAL:
        return e->special.items;
    case FH_COLUMN_ATTENTION:
        return e->attention.items;
    case FH_COLUMN_SPELLING:
        return e->spelling.items;
    case FH_COLUMN_COUNT:
        break;
    }
    return (fh_u32s){NULL, 0};
}

fh_u32s fh_encoding_column(const fh_encoding *e, fh_column column) {
    return fh_u32s_sub(room_of(e, column), 0, e->count);
}

fh_u32s fh_encoding_part_column(const fh_encoding *e, size_t p, fh_column column) {
    fh_encoding_part part = fh_encoding_part_at(e, p);
    return fh_u32s_sub(room_of(e, column), part.from, part.count);
}

uint32_t fh_encoding_sequence(const fh_encoding *e, size_t p, size_t i) {
    fh_encoding_part part = fh_encoding_part_at(e, p);
    uint32_t found = FH_NO_WORD, sequences = part.range_count != 0 ? part.range_count : 1;
    for (uint32_t s = 0; s < sequences; s++) {
        fh_sequence_range range = {s, 0, (uint32_t)part.count};
        for (uint32_t r = 0; r < part.range_count && r < FH_SEQUENCES_MAX; r++)
            if (part.ranges[r].sequence == s)
                range = part.ranges[r];
        if (i >= range.from && i < range.to)
            found = s;
    }
    return found;
}

fh_span fh_encoding_kept(const fh_encoding *e, uint32_t index) {
    size_t from = fh_u32s_get(e->text_begins.items, index);
    return fh_span_sub(fh_buf_view(&e->texts), from, fh_u32s_get(e->text_ends.items, index) - from);
}

/* --- growing ---------------------------------------------------------------------------------------------------------- */

/* Gives a column room for `room` numbers. */
static fh_status grow(fh_ref fh_allocator *a, fh_mut fh_cells *column, size_t used, size_t room) {
    if (column->items.count >= room)
        return FH_DONE;
    fh_u32s larger;
    FH_TRY(fh_u32s_new(a, room, &larger));
    if (used != 0)
        fh_span_copy(fh_u32s_bytes(larger), fh_span_of_mut(fh_u32s_bytes(fh_u32s_sub(column->items, 0, used))));
    fh_u32s_free(a, &column->items);
    column->items = larger;
    return FH_DONE;
}

fh_status fh_encoding_reserve(fh_encoding *e, size_t more) {
    size_t want;
    if (!fh_add_size(e->count, more, &want) || want > TOKENS_MAX)
        return FH_STATUS(FH_LIMIT);
    if (want <= e->spelling.items.count)
        return FH_DONE;
    size_t room = want < TOKENS_FIRST ? TOKENS_FIRST : want;
    if (room < 2 * e->spelling.items.count)
        room = 2 * e->spelling.items.count;
    fh_allocator *a = e->allocator;
    FH_TRY(grow(a, &e->id, e->count, room));
    FH_TRY(grow(a, &e->type, e->count, room));
    FH_TRY(grow(a, &e->word, e->count, room));
    FH_TRY(grow(a, &e->begin, e->count, room));
    FH_TRY(grow(a, &e->end, e->count, room));
    FH_TRY(grow(a, &e->special, e->count, room));
    FH_TRY(grow(a, &e->attention, e->count, room));
    return grow(a, &e->spelling, e->count, room); /* the last one: its room is that of all */
}

fh_status fh_encoding_put(fh_encoding *e, fh_encoding_token token) {
    FH_ASSERT(e->part_count != 0);
    FH_TRY(fh_encoding_reserve(e, 1));
    size_t i = e->count++;
    fh_u32s_set(e->id.items, i, token.id);
    fh_u32s_set(e->type.items, i, token.type);
    fh_u32s_set(e->word.items, i, token.word);
    fh_u32s_set(e->begin.items, i, token.begin);
    fh_u32s_set(e->end.items, i, token.end);
    fh_u32s_set(e->special.items, i, token.special);
    fh_u32s_set(e->attention.items, i, token.attention);
    fh_u32s_set(e->spelling.items, i, token.spelling);
    fh_encoding_parts_at(e->parts, e->part_count - 1)->count++;
    return FH_DONE;
}

fh_status fh_encoding_begin(fh_encoding *e, size_t row, bool overflow) {
    if (e->part_count == e->parts.count) {
        size_t room = e->parts.count != 0 ? 2 * e->parts.count : PARTS_FIRST;
        fh_encoding_parts larger;
        FH_TRY(fh_encoding_parts_new(e->allocator, room, &larger));
        for (size_t i = 0; i < e->part_count; i++)
            fh_encoding_parts_set(larger, i, fh_encoding_parts_get(e->parts, i));
        fh_encoding_parts_free(e->allocator, &e->parts);
        e->parts = larger;
    }
    fh_encoding_parts_set(e->parts, e->part_count++, (fh_encoding_part){.from = e->count, .row = row, .overflow = overflow});
    return FH_DONE;
}

void fh_encoding_range(fh_encoding *e, fh_sequence_range range) {
    FH_ASSERT(e->part_count != 0);
    fh_encoding_part *part = fh_encoding_parts_at(e->parts, e->part_count - 1);
    uint32_t r = 0;
    while (r < part->range_count && r < FH_SEQUENCES_MAX && part->ranges[r].sequence != range.sequence)
        r++;
    if (r >= FH_SEQUENCES_MAX)
        return;
    part->ranges[r] = range;
    part->range_count += r == part->range_count;
}

/* Makes room for `more` places of texts. */
static fh_status reserve_texts(fh_mut fh_encoding *e, size_t more) {
    size_t have = e->text_ends.items.count, want;
    if (!fh_add_size(e->text_count, more, &want))
        return FH_STATUS(FH_LIMIT);
    if (want <= have)
        return FH_DONE;
    size_t room = want < TOKENS_FIRST ? TOKENS_FIRST : want < 2 * have ? 2 * have : want;
    FH_TRY(grow(e->allocator, &e->text_begins, e->text_count, room));
    return grow(e->allocator, &e->text_ends, e->text_count, room);
}

/* Notes a text that lies in `texts`; there is room for its place. */
static uint32_t note_text(fh_mut fh_encoding *e, size_t from, size_t to) {
    fh_u32s_set(e->text_begins.items, e->text_count, (uint32_t)from);
    fh_u32s_set(e->text_ends.items, e->text_count, (uint32_t)to);
    return (uint32_t)e->text_count++;
}

fh_status fh_encoding_keep(fh_encoding *e, fh_span text, uint32_t *index) {
    size_t from = e->texts.size;
    *index = FH_NO_WORD;
    FH_TRY(reserve_texts(e, 1));
    FH_TRY(fh_buf_put(&e->texts, text));
    *index = note_text(e, from, e->texts.size);
    return FH_DONE;
}

fh_status fh_encoding_keep_part(fh_encoding *e, fh_kept *kept, fh_span text, size_t from, size_t to, uint32_t *index) {
    *index = FH_NO_WORD;
    if (kept->to != 0 && from >= kept->from && to <= kept->to) {
        FH_TRY(reserve_texts(e, 1));
        size_t at = fh_u32s_get(e->text_begins.items, kept->index) + (from - kept->from);
        *index = note_text(e, at, at + (to - from));
        return FH_DONE;
    }
    FH_TRY(fh_encoding_keep(e, fh_span_sub(text, from, to - from), index));
    *kept = (fh_kept){from, to, *index};
    return FH_DONE;
}

/* --- joining ---------------------------------------------------------------------------------------------------------- */

static void copy_column(fh_u32s to, size_t at, fh_u32s from, size_t count) {
    if (count != 0)
        fh_span_copy(fh_u32s_bytes(fh_u32s_sub(to, at, count)), fh_span_of_mut(fh_u32s_bytes(fh_u32s_sub(from, 0, count))));
}

fh_status fh_encoding_append_texts(fh_encoding *e, const fh_encoding *from, uint32_t *add) {
    size_t at = e->texts.size;
    *add = (uint32_t)e->text_count;
    FH_TRY(reserve_texts(e, from->text_count));
    FH_TRY(fh_buf_put(&e->texts, fh_buf_view(&from->texts)));
    for (size_t t = 0; t < from->text_count; t++)
        (void)note_text(e, at + fh_u32s_get(from->text_begins.items, t), at + fh_u32s_get(from->text_ends.items, t));
    return FH_DONE;
}

static fh_status append_parts(fh_mut fh_encoding *e, fh_ref const fh_encoding *from, size_t row_add) {
    for (size_t p = 0; p < from->part_count; p++) {
        fh_encoding_part part = fh_encoding_parts_get(from->parts, p);
        FH_TRY(fh_encoding_begin(e, part.row + row_add, part.overflow));
        part.from += e->count;
        part.row += row_add;
        fh_encoding_parts_set(e->parts, e->part_count - 1, part);
    }
    return FH_DONE;
}

fh_status fh_encoding_append(fh_encoding *e, const fh_encoding *from, size_t row_add) {
    fh_encoding_mark mark = fh_encoding_now(e);
    uint32_t add = 0;
    fh_status s = fh_encoding_reserve(e, from->count);
    if (s.code == FH_OK)
        s = fh_encoding_append_texts(e, from, &add);
    if (s.code == FH_OK)
        s = append_parts(e, from, row_add);
    if (fh_failed(s)) {
        fh_encoding_cut(e, mark);
        return s;
    }
    size_t at = e->count;
    copy_column(e->id.items, at, from->id.items, from->count);
    copy_column(e->type.items, at, from->type.items, from->count);
    copy_column(e->word.items, at, from->word.items, from->count);
    copy_column(e->begin.items, at, from->begin.items, from->count);
    copy_column(e->end.items, at, from->end.items, from->count);
    copy_column(e->special.items, at, from->special.items, from->count);
    copy_column(e->attention.items, at, from->attention.items, from->count);
    for (size_t i = 0; i < from->count; i++) {
        uint32_t spelling = fh_u32s_get(from->spelling.items, i);
        fh_u32s_set(e->spelling.items, at + i, spelling == FH_NO_WORD ? spelling : spelling + add);
    }
    e->count += from->count;
    return FH_DONE;
}
