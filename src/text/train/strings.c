/* strings.c: strings that are kept once and numbered, and a sort (train_impl.h).
 *
 * The table is open addressing with linear probes; a cell holds the upper half of a string's hash, so that other strings are
 * hardly ever looked at. The hash is not seeded with a secret: whoever writes texts for collisions slows down his own training.
 * Invariant: at most half of the cells are in use. Threading: one thread at a time. */
#include "freehold/hash.h"
#include "text/train/train_impl.h"

enum { CELLS_MIN = 64 };

void fh_strings_init(fh_strings *s, fh_allocator *a) {
    *s = (fh_strings){.allocator = a, .ends = {.allocator = a}};
    fh_buf_init(&s->bytes, a, 0);
}

void fh_strings_deinit(fh_strings *s) {
    fh_buf_deinit(&s->bytes);
    fh_u64_list_deinit(&s->ends);
    fh_u64s_free(s->allocator, &s->cells);
    s->count = 0;
}

fh_span fh_strings_get(const fh_strings *s, uint32_t id) {
    size_t from = id == 0 ? 0 : (size_t)fh_u64s_get(s->ends.items, id - 1);
    return fh_span_sub(fh_buf_view(&s->bytes), from, (size_t)fh_u64s_get(s->ends.items, id) - from);
}

/* The cell of a string, or the empty one where it would go; there is one. */
static size_t cell_of(const fh_strings *s, fh_span text, uint64_t hash) {
    size_t mask = s->cells.count - 1, at = (size_t)hash & mask;
    for (;; at = (at + 1) & mask) {
        uint64_t cell = fh_u64s_get(s->cells, at);
        if (cell == 0 || (cell >> 32 == hash >> 32 && fh_span_equal(fh_strings_get(s, (uint32_t)cell - 1), text)))
            return at;
    }
}

/* Twice the cells. */
static fh_status grow(fh_strings *s) {
    size_t want = CELLS_MIN;
    if (s->cells.count != 0 && !fh_mul_size(s->cells.count, 2, &want))
        return FH_STATUS(FH_NOMEM);
    fh_u64s cells;
    FH_TRY(fh_u64s_new(s->allocator, want, &cells));
    for (uint32_t id = 0; id < s->count; id++) {
        uint64_t hash = fh_hash_bytes(0, fh_strings_get(s, id));
        size_t at = (size_t)hash & (want - 1);
        while (fh_u64s_get(cells, at) != 0)
            at = (at + 1) & (want - 1);
        fh_u64s_set(cells, at, hash >> 32 << 32 | (id + 1));
    }
    fh_u64s_free(s->allocator, &s->cells);
    s->cells = cells;
    return FH_DONE;
}

fh_status fh_strings_put(fh_strings *s, fh_span text, uint32_t *id) {
    if (s->count >= s->cells.count / 2)
        FH_TRY(grow(s));
    uint64_t hash = fh_hash_bytes(0, text);
    size_t cell = cell_of(s, text, hash);
    *id = (uint32_t)fh_u64s_get(s->cells, cell) - 1;
    if (*id != FH_TRAIN_NONE)
        return FH_DONE;
    if (s->count >= FH_TRAIN_NONE)
        return FH_STATUS(FH_LIMIT);
    FH_TRY(fh_u64_list_room(&s->ends, 1));
    FH_TRY(fh_buf_put(&s->bytes, text));
    *id = (uint32_t)s->count;
    FH_TRY(fh_u64_list_put(&s->ends, s->bytes.size));
    s->count++;
    fh_u64s_set(s->cells, cell, hash >> 32 << 32 | s->count);
    return FH_DONE;
}

uint32_t fh_strings_find(const fh_strings *s, fh_span text) {
    if (s->count == 0)
        return FH_TRAIN_NONE;
    return (uint32_t)fh_u64s_get(s->cells, cell_of(s, text, fh_hash_bytes(0, text))) - 1;
}

/* --- sorting ----------------------------------------------------------------------------------------------------------- */

/* Merges two sorted runs, [from, middle) and [middle, to), into `out`. */
static void merge_runs(fh_u32s in, fh_u32s out, size_t from, size_t middle, size_t to, fh_train_less *less, const void *ctx) {
    size_t a = from, b = middle;
    for (size_t i = from; i < to; i++) {
        bool second = a == middle || (b < to && less(ctx, fh_u32s_get(in, b), fh_u32s_get(in, a)));
        fh_u32s_set(out, i, fh_u32s_get(in, second ? b++ : a++));
    }
}

/* Sorts, with `other` as room; true if the result lies there. */
static bool merge_all(fh_u32s order, fh_u32s other, fh_train_less *less, const void *ctx) {
    bool there = false;
    for (size_t run = 1; run < order.count; run *= 2) { /* counts stay far below SIZE_MAX / 2 */
        for (size_t from = 0; from < order.count; from += 2 * run) {
            size_t middle = order.count - from < run ? order.count : from + run;
            size_t to = order.count - middle < run ? order.count : middle + run;
            merge_runs(there ? other : order, there ? order : other, from, middle, to, less, ctx);
        }
        there = !there;
    }
    return there;
}

fh_status fh_train_sort(fh_allocator *a, fh_u32s order, fh_train_less *less, const void *ctx) {
    fh_u32s other;
    FH_TRY(fh_u32s_new(a, order.count, &other));
    if (merge_all(order, other, less, ctx))
        fh_span_copy(fh_u32s_bytes(order), fh_span_of_mut(fh_u32s_bytes(other)));
    fh_u32s_free(a, &other);
    return FH_DONE;
}
