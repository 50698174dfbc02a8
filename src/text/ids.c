/* ids.c: a growing list of token ids.
 *
 * Invariants: count ≤ items.count; with a limit, items.count ≤ limit. Threading: one thread at a time. */
#include "freehold/checked.h"
#include "freehold/tokenizer.h"

void fh_ids_init(fh_ids *ids, fh_allocator *a, size_t limit) {
    *ids = (fh_ids){.allocator = a, .limit = limit};
}

void fh_ids_deinit(fh_ids *ids) {
    fh_u32s_free(ids->allocator, &ids->items);
    ids->count = 0;
}

/* Doubles the capacity, at least to `need`, within the limit. */
static fh_status grow(fh_ids *ids, size_t need) {
    size_t want;
    if (!fh_mul_size(ids->items.count, 2, &want))
        return FH_STATUS(FH_NOMEM);
    want = want < 16 ? 16 : want;
    want = want < need ? need : want;
    if (ids->limit != 0 && want > ids->limit)
        want = ids->limit;
    fh_u32s more;
    FH_TRY(fh_u32s_new(ids->allocator, want, &more));
    if (ids->count != 0)
        fh_span_copy(fh_u32s_bytes(more), fh_span_of_mut(fh_u32s_bytes(fh_u32s_sub(ids->items, 0, ids->count))));
    fh_u32s_free(ids->allocator, &ids->items);
    ids->items = more;
    return FH_DONE;
}

fh_status fh_ids_put(fh_ids *ids, uint32_t id) {
    if (ids->limit != 0 && ids->count >= ids->limit)
        return FH_STATUS(FH_LIMIT);
    if (ids->count == ids->items.count)
        FH_TRY(grow(ids, ids->count + 1));
    fh_u32s_set(ids->items, ids->count++, id);
    return FH_DONE;
}

fh_status fh_ids_put_all(fh_ids *ids, fh_u32s more) {
    size_t need;
    if (more.count == 0)
        return FH_DONE;
    if (!fh_add_size(ids->count, more.count, &need) || (ids->limit != 0 && need > ids->limit))
        return FH_STATUS(FH_LIMIT);
    if (need > ids->items.count)
        FH_TRY(grow(ids, need));
    fh_span_copy(fh_u32s_bytes(fh_u32s_sub(ids->items, ids->count, more.count)), fh_span_of_mut(fh_u32s_bytes(more)));
    ids->count = need;
    return FH_DONE;
}

fh_u32s fh_ids_view(const fh_ids *ids) {
    return fh_u32s_sub(ids->items, 0, ids->count);
}
