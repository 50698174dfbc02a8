/* idmap.c: from an id to its row (idmap.h). Removal moves what stands behind a hole into it, so that no mark of former ids is
 * needed. Threading: idmap.h. */
#include "index/idmap.h"

#include "freehold/checked.h"
#include "freehold/hash.h"

enum { CELLS_MIN = 16 };

static size_t home(fh_u64s ids, uint64_t seed, uint64_t id) {
    return (size_t)fh_mix64(id ^ seed) & (ids.count - 1);
}

/* The cell of an id, or the empty one where it would go; there is one. */
static size_t cell_of(fh_u64s ids, fh_u64s rows, uint64_t seed, uint64_t id) {
    size_t at = home(ids, seed, id);
    while (fh_u64s_get(rows, at) != 0 && fh_u64s_get(ids, at) != id)
        at = (at + 1) & (ids.count - 1);
    return at;
}

static void put(fh_u64s ids, fh_u64s rows, uint64_t seed, uint64_t id, uint64_t row_plus_1) {
    size_t at = cell_of(ids, rows, seed, id);
    fh_u64s_set(ids, at, id);
    fh_u64s_set(rows, at, row_plus_1);
}

fh_status fh_idmap_reserve(fh_idmap *m, size_t count) {
    size_t cells = m->ids.count != 0 ? m->ids.count : CELLS_MIN;
    while (cells / 2 < count) {
        if (cells > SIZE_MAX / 32)
            return FH_STATUS(FH_NOMEM);
        cells *= 2;
    }
    if (cells == m->ids.count)
        return FH_DONE;
    fh_u64s ids, rows;
    FH_TRY(fh_u64s_new(m->allocator, cells, &ids));
    fh_status s = fh_u64s_new(m->allocator, cells, &rows);
    if (fh_failed(s)) {
        fh_u64s_free(m->allocator, &ids);
        return s;
    }
    for (size_t i = 0; i < m->ids.count; i++)
        if (fh_u64s_get(m->rows, i) != 0)
            put(ids, rows, m->seed, fh_u64s_get(m->ids, i), fh_u64s_get(m->rows, i));
    fh_u64s_free(m->allocator, &m->ids);
    fh_u64s_free(m->allocator, &m->rows);
    m->ids = ids;
    m->rows = rows;
    return FH_DONE;
}

void fh_idmap_deinit(fh_idmap *m) {
    fh_u64s_free(m->allocator, &m->ids);
    fh_u64s_free(m->allocator, &m->rows);
}

bool fh_idmap_add(fh_idmap *m, uint64_t id, size_t row) {
    FH_ASSERT(m->count < m->ids.count / 2);
    if (fh_idmap_find(m, id) != SIZE_MAX)
        return false;
    put(m->ids, m->rows, m->seed, id, (uint64_t)row + 1);
    m->count++;
    return true;
}

size_t fh_idmap_find(const fh_idmap *m, uint64_t id) {
    if (m->ids.count == 0)
        return SIZE_MAX;
    return (size_t)fh_u64s_get(m->rows, cell_of(m->ids, m->rows, m->seed, id)) - 1;
}

void fh_idmap_move(fh_idmap *m, uint64_t id, size_t row) {
    size_t at = cell_of(m->ids, m->rows, m->seed, id);
    FH_ASSERT(fh_u64s_get(m->rows, at) != 0);
    fh_u64s_set(m->rows, at, (uint64_t)row + 1);
}

void fh_idmap_remove(fh_idmap *m, uint64_t id) {
    size_t mask = m->ids.count - 1, hole = cell_of(m->ids, m->rows, m->seed, id);
    FH_ASSERT(fh_u64s_get(m->rows, hole) != 0);
    for (size_t at = (hole + 1) & mask; fh_u64s_get(m->rows, at) != 0; at = (at + 1) & mask) {
        size_t from = home(m->ids, m->seed, fh_u64s_get(m->ids, at));
        if (((at - from) & mask) < ((at - hole) & mask))
            continue; /* its home lies behind the hole: it would not be found there */
        fh_u64s_set(m->ids, hole, fh_u64s_get(m->ids, at));
        fh_u64s_set(m->rows, hole, fh_u64s_get(m->rows, at));
        hole = at;
    }
    fh_u64s_set(m->rows, hole, 0);
    m->count--;
}
