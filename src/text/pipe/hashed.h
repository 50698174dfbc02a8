/* hashed.h: how far a search in a hash table of a tokenizer goes (open addressing, linear probing).
 *
 * Seeds come from what is in a file, and no hash here is a secret: whoever writes the file can compute entries that want the
 * same slot. So an entry that finds no place among the FH_SEARCH_MAX slots from its own on is refused, FH_LIMIT, and no search
 * looks further, whoever filled the table. Tables are at most two thirds full: of entries that nobody chose for it, not one
 * lies that far off in 10^24 tables of 2^25 slots (runs of k slots become rarer as (2/3 e^(1/3))^k; Knuth, volume 3, 6.4).
 * Threading: constants. */
#ifndef FH_TEXT_PIPE_HASHED_H
#define FH_TEXT_PIPE_HASHED_H

enum { FH_SEARCH_MAX = 1024 };

#endif
