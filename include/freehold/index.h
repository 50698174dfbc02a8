/* index.h: a vector index: exact nearest neighbours among many vectors.
 *
 *     fh_flat *flat;
 *     FH_TRY(fh_flat_new(a, fh_isa_best(), &(fh_flat_options){.dim = 128, .metric = FH_METRIC_COSINE}, &flat, &err));
 *     FH_TRY(fh_flat_add(flat, ids, vectors, &err));                       vectors: ids.count × 128 floats
 *     FH_TRY(fh_flat_search(flat, par, queries, 10, NULL, hits, counts, &err));   hits: queries × 10
 *
 * A search looks at every vector, so its answer is exact: the k best by score, equal scores by the lower id. It is the same,
 * bit for bit, for any number of threads, any instruction set, any order in which the vectors came, and whether a query is
 * asked alone or with others.
 *
 * Vectors may be stored as 32-bit, half or bfloat numbers, or as codes: I8, a byte an element, or B1, a bit (score.h says how
 * they are rounded). Queries are rounded to codes as well, and scores are those of what the codes stand for: for B1, whose
 * elements are ±1, the inner product is dim − 2h where h bits differ (the Hamming distance). Codes are a quarter, or a 32nd, of
 * the memory; what is lost comes back where an index of the numbers themselves, perhaps one that stays in its file, ranks more
 * candidates than are wanted:
 *
 *     FH_TRY(fh_flat_search(codes, par, queries, 40, NULL, hits, counts, &err));            hits: queries × 40
 *     FH_TRY(fh_flat_rank(numbers, queries, hits, counts, &err));                           now the best 10 come first
 *
 * Numbers that are not finite are refused, in vectors and in queries, and so is a vector without a direction under the cosine.
 *
 * Threading: any number of searches at the same time. A change (add, remove, free) needs the index alone: one that meets a
 * search or another change is refused with FH_BORROWED, and changes nothing. Ownership: vectors and ids are copied in. */
#ifndef FREEHOLD_INDEX_H
#define FREEHOLD_INDEX_H

#include "freehold/bytes.h"
#include "freehold/par.h"
#include "freehold/score.h"

FH_EXTERN_BEGIN

/* What near means. */
typedef enum fh_metric {
    FH_METRIC_L2,     /* score: the Euclidean distance, smallest first */
    FH_METRIC_IP,     /* score: the inner product, largest first */
    FH_METRIC_COSINE, /* score: the cosine of the angle, largest first */
    FH_METRIC_COUNT
} fh_metric;

enum { FH_HITS_MAX = 1 << 20 };

/* How an index is made; dim is the only one that has no default of 0. */
typedef struct fh_flat_options {
    size_t dim; /* elements of a vector, 1 to 65536 */
    fh_vector_type type; /* how they are stored */
    fh_metric metric;
    uint64_t seed; /* of the table of ids; a secret number where ids come from strangers */
} fh_flat_options;

/* One answer. */
typedef struct fh_hit {
    uint64_t id;
    float score;
} fh_hit;
FH_SPAN_DEFINE(hit, fh_hit);
FH_ARRAY_DEFINE(hit);

/* Which vectors may be an answer: called for those that would be one, perhaps from several threads at the same time. */
typedef struct fh_hit_filter {
    bool (*accepts)(void *ctx, uint64_t id);
    void *ctx;
} fh_hit_filter;

/* An index. Opaque. */
typedef struct fh_flat fh_flat;

/* Makes an empty index. FH_LIMIT (dim), FH_UNSUPPORTED (type, instruction set), FH_INVALID (metric), FH_NOMEM. */
FH_FALLIBLE fh_flat_new(fh_ref fh_allocator *a, fh_isa isa, fh_ref const fh_flat_options *options,
                        fh_owned fh_view(1) fh_flat **out, fh_mut fh_err *err);
/* Ends it; NULL is allowed. A search that still runs ends the program. */
FH_API void fh_flat_free(fh_drop fh_flat *flat);
/* For the child of a fork, before anything else is done with the index there: threads that used it did not come along. True:
 * nobody uses it. False: one was changing it, so that from now on all is FH_BORROWED, and its end leaves the memory where it
 * is. */
FH_API bool fh_flat_after_fork(fh_mut fh_flat *flat);

/* Adds ids.count vectors of `dim` elements each, all or none. FH_INVALID: another number of elements, an id that is there
 * already, a vector without a direction; FH_NOT_FINITE; FH_BORROWED; FH_NOMEM. err names the vector. */
FH_FALLIBLE fh_flat_add(fh_mut fh_flat *flat, fh_u64s ids, fh_f32s vectors, fh_mut fh_err *err);
/* Removes a vector. FH_NOT_FOUND, FH_BORROWED. */
FH_FALLIBLE fh_flat_remove(fh_mut fh_flat *flat, uint64_t id);
/* Reads a vector as it is stored: `dim` elements. FH_NOT_FOUND, FH_INVALID (another number), FH_BORROWED (a change runs). */
FH_FALLIBLE fh_flat_get(fh_ref fh_flat *flat, uint64_t id, fh_f32s out);
/* How many vectors there are, and the bytes that they and their ids take. */
FH_API size_t fh_flat_count(fh_ref const fh_flat *flat);
FH_API size_t fh_flat_bytes(fh_ref const fh_flat *flat);

/* The k best for each query: counts[q] of them, in hits[q · k …]; fewer than k where there are fewer vectors, or fewer that the
 * filter (NULL: none) accepts. counts has an element a query, hits k a query. FH_INVALID: queries, hits or counts of another
 * size; FH_LIMIT: k of 0 or above FH_HITS_MAX; FH_NOT_FINITE; FH_BORROWED (a change runs); FH_NOMEM. A refusal
 * may leave the answers of earlier queries written. */
FH_FALLIBLE fh_flat_search(fh_ref fh_flat *flat, fh_ref const fh_par *par, fh_f32s queries, size_t k,
                           fh_ref const fh_hit_filter *filter, fh_hits hits, fh_sizes counts, fh_mut fh_err *err);

/* Gives each of `hits`, hits.count / counts.count for a query with counts[q] of them in use, the score that its vector has in
 * this index, and sorts them, best first; ids that are not here go. FH_INVALID: queries, hits or counts of another size;
 * FH_NOT_FINITE; FH_BORROWED (a change runs); FH_NOMEM. A refusal may leave the hits of earlier queries ranked. */
FH_FALLIBLE fh_flat_rank(fh_ref fh_flat *flat, fh_f32s queries, fh_hits hits, fh_sizes counts, fh_mut fh_err *err);

/* --- files ----------------------------------------------------------------------------------------------------------------
 *
 * One file holds an index: a header of 64 bytes, the ids, the vectors in their tiles, a checksum of all that
 * (src/index/flat_file.c). Written through fh_os_writer it appears whole or not at all; mapped by fh_os_map it is searched
 * where it lies. */

/* Writes the index, front to back. The same vectors, added in the same order, are the same bytes. FH_BORROWED (a change runs),
 * FH_NOMEM, and what `sink` refuses. */
FH_FALLIBLE fh_flat_save(fh_ref fh_flat *flat, fh_sink sink, fh_mut fh_err *err);
/* An index whose vectors stay in `file`, which it shares; only ids are copied. The whole file is read once: every size, the
 * checksum, that all numbers are finite. It cannot be changed: adding to it, and removing, is FH_UNSUPPORTED. `seed` is that of
 * fh_flat_options. FH_CORRUPT, FH_UNSUPPORTED (a later version, the instruction set) and FH_LIMIT say where, and what was
 * expected; FH_NOMEM. A file that changes while it is open gives other answers, not a memory error. */
FH_FALLIBLE fh_flat_open(fh_ref fh_allocator *a, fh_isa isa, uint64_t seed, fh_bytes file, fh_owned fh_view(1) fh_flat **out,
                         fh_mut fh_err *err);

FH_EXTERN_END
#endif
