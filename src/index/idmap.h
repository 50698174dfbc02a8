/* idmap.h: from an id to the row that has it: open addressing with linear probes.
 *
 * Invariants: at most half of the cells are in use, so every probe ends; a cell with row + 1 in `rows` holds its id, and no
 * cell between that and the id's home is empty. Threading: one thread at a time; readers beside each other. */
#ifndef FH_INDEX_IDMAP_H
#define FH_INDEX_IDMAP_H

#include "freehold/alloc.h"

typedef struct fh_idmap {
    fh_ref fh_allocator *allocator;
    uint64_t seed;
    size_t count;
    fh_owned fh_u64s ids;  /* of each cell */
    fh_owned fh_u64s rows; /* a power of two of them; row + 1, or 0 */
} fh_idmap;

/* Room for `count` ids in all. FH_NOMEM changes nothing. */
FH_MUST_USE fh_status fh_idmap_reserve(fh_mut fh_idmap *map, size_t count);
void fh_idmap_deinit(fh_drop fh_idmap *map);
/* Adds an id that there is room for; false if it is there already. */
FH_MUST_USE bool fh_idmap_add(fh_mut fh_idmap *map, uint64_t id, size_t row);
/* The row of an id, or SIZE_MAX. */
size_t fh_idmap_find(fh_ref const fh_idmap *map, uint64_t id);
/* Gives an id that is there another row. */
void fh_idmap_move(fh_mut fh_idmap *map, uint64_t id, size_t row);
/* Removes an id that is there. */
void fh_idmap_remove(fh_mut fh_idmap *map, uint64_t id);

#endif
