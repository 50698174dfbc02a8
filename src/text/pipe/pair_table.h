/* pair_table.h: a growing hash table from two numbers to one that is not 0, for tries whose edges are (node, byte). How far
 * searches go: hashed.h. Threading: built once, then only read. */
#ifndef FH_TEXT_PIPE_PAIR_TABLE_H
#define FH_TEXT_PIPE_PAIR_TABLE_H

#include "freehold/alloc.h"
#include "freehold/tokenizer.h"

/* (left, right) → result; result 0 marks an empty slot, so that new memory is an empty table. */
typedef struct fh_pair {
    uint32_t left, right, result;
} fh_pair;
FH_SPAN_DEFINE(pair, fh_pair);
FH_ARRAY_DEFINE(pair);
typedef struct fh_pair_table {
    fh_owned fh_pairs slots; /* a power of two, at most 2/3 full; or none */
    size_t count;
    uint64_t seed;
} fh_pair_table;

/* Adds a pair that is not there, to a table that may be blank but for its seed. FH_LIMIT, for pairs whose hashes collide, and
 * FH_NOMEM change nothing. */
FH_MUST_USE fh_status fh_pair_table_put(fh_ref fh_allocator *a, fh_mut fh_view(1) fh_pair_table *t, fh_pair pair);
void fh_pair_table_free(fh_ref fh_allocator *a, fh_drop fh_pair_table *t);
/* The result of (left, right), or 0. */
uint32_t fh_pair_table_find(const fh_pair_table *t, uint32_t left, uint32_t right);

#endif
