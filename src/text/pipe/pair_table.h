/* pair_table.h: a hash table from two numbers to two numbers, for tries whose edges are (node, byte).
 * Threading: built once, then only read. */
#ifndef FH_TEXT_PIPE_PAIR_TABLE_H
#define FH_TEXT_PIPE_PAIR_TABLE_H

#include "freehold/alloc.h"
#include "freehold/tokenizer.h"

/* (left, right) → (rank, result); rank FH_NO_TOKEN marks an empty slot. */
typedef struct fh_pair {
    uint32_t left, right, rank, result;
} fh_pair;
FH_SPAN_DEFINE(pair, fh_pair);
FH_ARRAY_DEFINE(pair);
typedef struct fh_pair_table {
    fh_owned fh_pairs slots; /* a power of two, at most 2/3 full; or none */
    uint64_t seed;
} fh_pair_table;

/* An empty table with room for `count` pairs. */
FH_MUST_USE fh_status fh_pair_table_new(fh_ref fh_allocator *a, size_t count, uint64_t seed, fh_out fh_pair_table *out);
/* Adds a pair; false when it is there already. Adding more than `count` pairs is a programmer's error. */
FH_MUST_USE bool fh_pair_table_put(fh_mut fh_pair_table *t, fh_pair pair);
/* The entry of (left, right); its rank is FH_NO_TOKEN when there is none. */
fh_pair fh_pair_table_find(const fh_pair_table *t, uint32_t left, uint32_t right);

#endif
