/* hnsw_check.c: proves a graph's invariants (hnsw_impl.h), and hashes it. Threading: hnsw.h; it counts as a change. */
#include "freehold/hash.h"
#include "index/hnsw_impl.h"

/* Every slot leads to a row that there is, of the level or above, and that is another one. */
static fh_status check_slots(const fh_hnsw *h, uint32_t row, size_t level, fh_err *err) {
    for (size_t i = 0; i < fh_hnsw_width(h, level); i++) {
        uint32_t link = fh_hnsw_link(h, row, level, i);
        if (link == 0)
            continue;
        if (link > h->rows || link - 1 == row || fh_hnsw_level(h, link - 1) < level)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "row %u leads to %u at level %zu", row, link - 1, level);
    }
    return FH_DONE;
}

/* The parent came before, and leads here. So from row 0 links lead to every row. */
static fh_status check_parent(const fh_hnsw *h, uint32_t row, fh_err *err) {
    uint32_t parent = fh_u32s_get(h->parents, row);
    if (fh_u32s_get(h->children, row) > h->options.links)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "row %u has %u children", row, fh_u32s_get(h->children, row));
    if (row == 0)
        return FH_DONE;
    if (parent >= row)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "row %u has parent %u, which did not come before", row, parent);
    for (size_t i = 0; i < fh_hnsw_width(h, 0); i++)
        if (fh_hnsw_link(h, parent, 0, i) == row + 1)
            return FH_DONE;
    return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "parent %u does not lead to row %u", parent, row);
}

/* Walks begin at a row of the level that is said, and no row has a higher one. */
static fh_status check_entry(const fh_hnsw *h, fh_err *err) {
    uint64_t entry = fh_load(&h->entry, FH_ACQUIRE), row = (entry & UINT32_MAX) - 1;
    if (h->rows == 0 ? entry != 0 : row >= h->rows || fh_hnsw_level(h, (uint32_t)row) != entry >> 32)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "walks begin at row %llu, level %llu, which is not there",
                       (unsigned long long)row, (unsigned long long)(entry >> 32));
    for (uint32_t other = 0; other < h->rows; other++)
        if (fh_hnsw_level(h, other) > entry >> 32)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "row %u has level %zu, above where walks begin", other,
                           fh_hnsw_level(h, other));
    return FH_DONE;
}

static fh_status check_all(const fh_hnsw *h, fh_err *err) {
    size_t live = 0;
    FH_TRY(check_entry(h, err));
    for (uint32_t row = 0; row < h->rows; row++) {
        for (size_t level = 0; level <= fh_hnsw_level(h, row); level++)
            FH_TRY(check_slots(h, row, level, err));
        FH_TRY(check_parent(h, row, err));
        bool is_gone = fh_load(fh_u32s_at(h->gone, row), FH_ACQUIRE) != 0;
        live += !is_gone;
        if (!is_gone && fh_idmap_find(&h->map, fh_u64s_get(h->ids, row)) != row)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "row %u is not where its id leads", row);
    }
    if (live != h->live || h->map.count != h->live)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "%zu live rows, %zu ids, but %zu are counted", live, h->map.count,
                       h->live);
    return FH_DONE;
}

fh_status fh_hnsw_check(fh_hnsw *h, fh_err *err) {
    if (!fh_hnsw_hold(h, FH_HNSW_LOOKS))
        return fh_hnsw_busy(h, err);
    fh_status s = check_all(h, err);
    fh_hnsw_let_go(h);
    return s;
}

fh_status fh_hnsw_digest(fh_hnsw *h, uint64_t *out) {
    *out = 0;
    if (!fh_hnsw_hold(h, FH_HNSW_LOOKS))
        return FH_STATUS(FH_BORROWED);
    uint64_t hash = fh_mix64(h->rows) ^ fh_mix64(h->entry);
    for (uint32_t row = 0; row < h->rows; row++) {
        for (size_t level = 0; level <= fh_hnsw_level(h, row); level++)
            for (size_t i = 0; i < fh_hnsw_width(h, level); i++)
                hash = fh_mix64(hash ^ fh_hnsw_link(h, row, level, i));
        size_t bytes = h->options.dim * sizeof(float);
        hash = fh_hash_bytes(hash ^ fh_u64s_get(h->ids, row), fh_span_sub(fh_hnsw_vectors(h), row * bytes, bytes));
        hash = fh_mix64(hash ^ fh_u32s_get(h->gone, row));
    }
    *out = hash;
    fh_hnsw_let_go(h);
    return FH_DONE;
}
