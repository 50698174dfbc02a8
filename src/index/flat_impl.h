/* flat_impl.h: what an index of exact search is made of (flat.c), for the functions of its file (flat_file.c).
 *
 * An opened index has its vectors in the file: its tiles lie there one behind the other, and there are no chunks. It is never
 * changed. Threading: index.h. */
#ifndef FH_INDEX_FLAT_IMPL_H
#define FH_INDEX_FLAT_IMPL_H

#include "freehold/atomic.h"
#include "freehold/index.h"
#include "freehold/score.h"
#include "index/idmap.h"

#define FH_FLAT_CHANGING UINT32_MAX
#define FH_FLAT_LOST (UINT32_MAX - 1) /* a fork cut a change short */

/* Tiles of one allocation. */
typedef struct fh_chunk {
    fh_owned fh_u64s words;
} fh_chunk;
FH_SPAN_DEFINE(chunk, fh_chunk);
FH_ARRAY_DEFINE(chunk);

struct fh_flat {
    fh_ref fh_allocator *allocator;
    fh_flat_options options;
    fh_isa isa;
    size_t tile_bytes, chunk_tiles, chunk_count, count; /* chunk_tiles: of the first */
    fh_owned fh_chunks chunks; /* CHUNKS of them, chunk_count made */
    fh_owned fh_u64s ids;      /* of each row; room for more than count */
    fh_owned fh_f32s scales;   /* cosine: 1 / length of each row, as many; else none */
    fh_owned fh_idmap map;
    uint32_t state;
    fh_owned fh_bytes file; /* of an opened index: no chunks, no changes */
    size_t stored_from, stored_tiles; /* where its tiles begin, and how many */
};

/* --- one change, or any number of readers ----------------------------------------------------------------------------- */

static inline bool fh_flat_begin_read(fh_ref fh_flat *f) {
    uint32_t readers = fh_load(&f->state, FH_RELAXED);
    do {
        if (readers >= FH_FLAT_LOST - 1)
            return false;
    } while (!fh_cas(&f->state, &readers, readers + 1, FH_ACQUIRE));
    return true;
}

static inline void fh_flat_end_read(fh_ref fh_flat *f) {
    (void)fh_fetch_sub(&f->state, 1, FH_RELEASE);
}

/* What begin_change and fh_flat_begin_read refuse with. */
static inline fh_status fh_flat_busy(fh_ref const fh_flat *f, fh_mut fh_err *err) {
    bool lost = fh_load(&f->state, FH_RELAXED) == FH_FLAT_LOST;
    return fh_fail(err, FH_BORROWED, FH_NO_OFFSET, "%s",
                   lost ? "a fork cut a change of the index short" : "the index is being searched or changed");
}

/* Tiles [first, first + count), which lie side by side: no more than fh_flat_together(f, first) of them. */
fh_tile_view fh_flat_tiles(fh_ref const fh_flat *f, size_t first, size_t count) fh_view(1);
/* How many tiles lie side by side from `first` on, in use or not. */
size_t fh_flat_together(fh_ref const fh_flat *f, size_t first);
/* Room for the ids of `count` rows in all. FH_NOMEM changes nothing that is in use. */
FH_MUST_USE fh_status fh_flat_reserve_ids(fh_mut fh_flat *f, size_t count);
/* Counts the row behind the last, whose vector is there already, and gives it its id. `what` and `i` name it to people;
 * `stored` has room for a vector. FH_NOT_FINITE; FH_INVALID for a length of 0 under the cosine, or an id that is there. */
FH_MUST_USE fh_status fh_flat_enter(fh_mut fh_flat *f, fh_ref const char *what, size_t i, uint64_t id, fh_f32s stored,
                                    fh_mut fh_err *err);

#endif
