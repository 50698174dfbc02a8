/* pieces.c: the list of pieces, and the five behaviours of a split.
 *
 * The reference folds over all stretches of a piece, for "merged with next" from the last to the first. Here a stretch is
 * decided as it comes, with one piece held back that the next stretch may still join. Threading: one thread at a time. */
#include "text/pipe/pieces.h"

#include "freehold/checked.h"

enum { ROOM_MIN = 64 };

void fh_pieces_init(fh_pieces *p, fh_allocator *a) {
    *p = (fh_pieces){.allocator = a, .masks = fh_masks_best()};
    fh_finder_init(&p->finder, a);
}

void fh_pieces_deinit(fh_pieces *p) {
    fh_finder_deinit(&p->finder);
    fh_piece_items_free(p->allocator, &p->items);
    fh_piece_items_free(p->allocator, &p->old);
    p->count = 0;
}

void fh_pieces_reset(fh_pieces *p, size_t base) {
    p->count = 0;
    p->base = base;
}

fh_status fh_pieces_reserve(fh_pieces *p, size_t more) {
    size_t need, room;
    if (!fh_add_size(p->count, more, &need) || !fh_mul_size(p->items.count, 2, &room))
        return FH_STATUS(FH_LIMIT);
    if (need <= p->items.count)
        return FH_DONE;
    room = room < need ? need : room;
    fh_piece_items bigger;
    FH_TRY(fh_piece_items_new(p->allocator, room < ROOM_MIN ? ROOM_MIN : room, &bigger));
    if (p->count != 0)
        fh_span_copy(fh_piece_items_bytes(bigger),
                     fh_span_of_mut(fh_piece_items_bytes(fh_piece_items_sub(p->items, 0, p->count))));
    fh_piece_items_free(p->allocator, &p->items);
    p->items = bigger;
    return FH_DONE;
}

fh_status fh_pieces_add(fh_pieces *p, fh_piece piece) {
    if (piece.begin == piece.end && piece.token == FH_NO_TOKEN)
        return FH_DONE;
    if (p->count == p->items.count)
        FH_TRY(fh_pieces_reserve(p, 1));
    fh_piece_items_set(p->items, p->count++, piece);
    return FH_DONE;
}

fh_piece fh_pieces_get(const fh_pieces *p, size_t i) {
    FH_ASSERT(i < p->count);
    return fh_piece_items_get(p->items, i);
}

size_t fh_pieces_turn(fh_pieces *p) {
    fh_pieces was = *p;
    *p = (fh_pieces){.count = 0,
                     .allocator = was.allocator,
                     .items = was.old,
                     .old = was.items,
                     .base = was.base,
                     .finder = was.finder,
                     .masks = was.masks};
    return was.count;
}

fh_piece fh_pieces_old(const fh_pieces *p, size_t i) {
    return fh_piece_items_get(p->old, i);
}

fh_status fh_pieces_cut(fh_pieces *p, const fh_normalized *n, size_t begin, size_t end) {
    if (begin == end)
        return FH_DONE;
    bool at_start = p->base == 0 && (fh_pieces_begin_plainly(n) ? begin == 0 : fh_traced_origin(&n->now, begin).begin == 0);
    return fh_pieces_add(p, (fh_piece){(uint32_t)begin, (uint32_t)end, FH_NO_TOKEN, at_start});
}

fh_status fh_pieces_cut_ends(fh_pieces *p, const fh_normalized *n, size_t begin, size_t base, fh_u32s ends) {
    if (ends.count == 0)
        return FH_DONE;
    FH_TRY(fh_pieces_reserve(p, ends.count));
    size_t first = base + fh_u32s_get(ends, 0);
    FH_TRY(fh_pieces_cut(p, n, begin, first));
    if (fh_pieces_begin_plainly(n)) {
        fh_piece_items items = fh_piece_items_sub(p->items, p->count, ends.count - 1);
        for (size_t i = 0; i < items.count; i++) {
            size_t end = base + fh_u32s_get(ends, i + 1);
            fh_piece_items_set(items, i, (fh_piece){(uint32_t)first, (uint32_t)end, FH_NO_TOKEN, false});
            first = end;
        }
        p->count += items.count;
        return FH_DONE;
    }
    for (size_t i = 1; i < ends.count; i++) {
        size_t end = base + fh_u32s_get(ends, i);
        FH_TRY(fh_pieces_cut(p, n, first, end));
        first = end;
    }
    return FH_DONE;
}

/* The piece that was held back is finished; another one begins. */
static fh_status next_piece(fh_cutter *c, fh_pieces *p, const fh_normalized *n, size_t begin, size_t end, bool match) {
    FH_TRY(fh_cutter_end(c, p, n));
    c->open = true;
    c->match = match;
    c->begin = begin;
    c->end = end;
    return FH_DONE;
}

fh_status fh_cutter_put(fh_cutter *c, fh_pieces *p, const fh_normalized *n, size_t begin, size_t end, bool match) {
    bool joins = false;
    switch (c->behavior) {
    case FH_BEHAVIOR_REMOVED: return match ? FH_DONE : fh_pieces_cut(p, n, begin, end);
    case FH_BEHAVIOR_ISOLATED: return fh_pieces_cut(p, n, begin, end);
    case FH_BEHAVIOR_PREVIOUS: joins = match && !c->before; break;
    case FH_BEHAVIOR_NEXT: joins = !match && c->match; break;
    case FH_BEHAVIOR_CONTIGUOUS: joins = match == c->before; break;
    case FH_BEHAVIOR_COUNT: break;
    }
    c->before = match;
    if (!joins || !c->open)
        return next_piece(c, p, n, begin, end, match);
    c->end = end;
    c->match = match;
    return FH_DONE;
}

fh_status fh_cutter_end(fh_cutter *c, fh_pieces *p, const fh_normalized *n) {
    if (!c->open)
        return FH_DONE;
    c->open = false;
    return fh_pieces_cut(p, n, c->begin, c->end);
}
