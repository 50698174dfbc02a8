/* hnsw.h: nearest neighbours among many vectors, nearly always the right ones, in a graph of links (hierarchical navigable
 * small worlds: Malkov and Yashunin, TPAMI 2020).
 *
 *     fh_hnsw *graph;
 *     FH_TRY(fh_hnsw_new(a, fh_isa_best(), &(fh_hnsw_options){.dim = 128, .rows_max = 1 << 20}, &graph, &err));
 *     fh_hnsw_writer *writer;                                                   one for each thread that adds
 *     FH_TRY(fh_hnsw_writer_new(graph, 2, &writer, &err));
 *     FH_TRY(fh_hnsw_add(graph, writer, par, ids, vectors, &err));              ids.count × 128 floats; par: up to 2 threads
 *     fh_hnsw_reader *reader;                                                   one for each thread that searches
 *     FH_TRY(fh_hnsw_reader_new(graph, &reader, &err));
 *     FH_TRY(fh_hnsw_search(graph, reader, query, 10, 64, NULL, hits, &count, &err));
 *
 * The graph is the same, bit for bit, for any number of threads that build it and on any instruction set: it follows from the
 * order of the vectors and from how they were divided among calls of fh_hnsw_add. A vector's level is a hash of its id.
 *
 * No vector is lost: each but the first has a parent that keeps its link to it whatever else is linked, and every search looks
 * at the first one too, so links lead from where a search begins to every vector (fh_hnsw_check proves it). A filter, and
 * vectors that were removed, decide about answers only; the way leads through all.
 *
 * A walk that gets long, since few of the rows that it meets may be answers, becomes a look at all of them, which is exact.
 *
 * Threading: any number of searches, each with a reader of its own, beside one change. A second change at the same time is
 * refused with FH_BORROWED: come again. A search that runs beside an addition sees the new vector or not; one that begins after
 * it does. Ownership: vectors and ids are copied in. */
#ifndef FREEHOLD_HNSW_H
#define FREEHOLD_HNSW_H

#include "freehold/index.h"

FH_EXTERN_BEGIN

enum { FH_HNSW_LINKS_MAX = 128, FH_HNSW_EFFORT_MAX = 1 << 16, FH_HNSW_THREADS_MAX = 256 };

/* How a graph is made; dim and rows_max have no default. */
typedef struct fh_hnsw_options {
    size_t dim;      /* elements of a vector, 1 to 65536 */
    size_t rows_max; /* vectors ever added, removed and updated ones counted again, 1 to 2^31; room is taken when it is used */
    fh_metric metric;
    unsigned links;  /* of a vector to others, twice as many at the lowest level, 2 to FH_HNSW_LINKS_MAX; 0: 16 */
    unsigned effort; /* how many are kept in view while a place for a vector is sought, up to FH_HNSW_EFFORT_MAX; 0: 200 */
    uint64_t seed;   /* of levels and of the table of ids; a secret number where ids come from strangers */
} fh_hnsw_options;

/* A graph; what one thread needs to search it, and what is needed to add to it. Opaque. */
typedef struct fh_hnsw fh_hnsw;
typedef struct fh_hnsw_writer fh_hnsw_writer;
typedef struct fh_hnsw_reader fh_hnsw_reader;

/* Makes an empty graph. FH_LIMIT (dim, rows_max, links, effort), FH_INVALID (metric), FH_UNSUPPORTED (instruction set),
 * FH_NOMEM. */
FH_FALLIBLE fh_hnsw_new(fh_ref fh_allocator *a, fh_isa isa, fh_ref const fh_hnsw_options *options,
                        fh_owned fh_view(1) fh_hnsw **out, fh_mut fh_err *err);
/* Ends it; NULL is allowed. A search or change that still runs ends the program. */
FH_API void fh_hnsw_free(fh_drop fh_hnsw *h);
/* For the child of a fork, before anything else is done with the graph there: threads that used it did not come along. True:
 * nobody uses it. False: one was changing it, so that from now on it can be searched, as beside that change, but all else is
 * FH_BORROWED, and its end leaves the memory where it is. Readers and writers that those threads had are never used again, nor
 * freed. */
FH_API bool fh_hnsw_after_fork(fh_mut fh_hnsw *h);

/* --- changes -------------------------------------------------------------------------------------------------------------- */

/* What additions to this graph need, or to one that is no larger, that use up to `threads` threads, 1 to FH_HNSW_THREADS_MAX.
 * FH_LIMIT, FH_NOMEM. */
FH_FALLIBLE fh_hnsw_writer_new(fh_ref const fh_hnsw *h, unsigned threads, fh_owned fh_view(*1) fh_hnsw_writer **out,
                               fh_mut fh_err *err);
FH_API void fh_hnsw_writer_free(fh_drop fh_hnsw_writer *w);

/* Adds ids.count vectors of `dim` elements each, all or none. FH_INVALID: another number of elements, an id that is there
 * already, a vector without a direction, a writer for a smaller graph or fewer threads; FH_NOT_FINITE; FH_EXHAUSTED
 * (rows_max); FH_BORROWED (another change runs); FH_UNSUPPORTED (a view of a file); FH_NOMEM. err names the vector. */
FH_FALLIBLE fh_hnsw_add(fh_mut fh_hnsw *h, fh_mut fh_hnsw_writer *w, fh_ref const fh_par *par, fh_u64s ids, fh_f32s vectors,
                        fh_mut fh_err *err);
/* Removes a vector: no search that begins afterwards answers with it. Its room is used again in a copy only (fh_hnsw_copy).
 * FH_NOT_FOUND, FH_BORROWED, FH_UNSUPPORTED (a view of a file). */
FH_FALLIBLE fh_hnsw_remove(fh_mut fh_hnsw *h, uint64_t id);
/* Gives an id that is there another vector; a search at this moment may miss both. Errors of both, and nothing changes then. */
FH_FALLIBLE fh_hnsw_update(fh_mut fh_hnsw *h, fh_mut fh_hnsw_writer *w, uint64_t id, fh_f32s vector, fh_mut fh_err *err);
/* Reads a vector. FH_NOT_FOUND, FH_INVALID (another number of elements), FH_BORROWED (a change runs). */
FH_FALLIBLE fh_hnsw_get(fh_ref fh_hnsw *h, uint64_t id, fh_f32s out);
/* Vectors that are there; and rows in use, removed ones counted. */
FH_API size_t fh_hnsw_count(fh_ref const fh_hnsw *h);
FH_API size_t fh_hnsw_rows(fh_ref const fh_hnsw *h);
/* The highest id of all rows, removed ones counted: what is above it was never there. 0 where there are none. */
FH_API uint64_t fh_hnsw_id_max(fh_ref const fh_hnsw *h);

/* A graph of the vectors that are there, as if they had been added in the order in which they came, 4096 at a time: with room
 * for others in place of those that were removed, and no links through them; or one that can be changed, of a view of a file.
 * `par` as for fh_hnsw_add. FH_LIMIT (rows_max), FH_EXHAUSTED (more vectors than that), FH_BORROWED (a change runs),
 * FH_NOMEM. */
FH_FALLIBLE fh_hnsw_copy(fh_ref fh_hnsw *h, size_t rows_max, fh_ref const fh_par *par, fh_owned fh_view(*1) fh_hnsw **out,
                         fh_mut fh_err *err);

/* --- searching ------------------------------------------------------------------------------------------------------------ */

/* What one thread needs to search this graph, or one that is no larger (rows_max, links, effort). FH_NOMEM. */
FH_FALLIBLE fh_hnsw_reader_new(fh_ref const fh_hnsw *h, fh_owned fh_view(*1) fh_hnsw_reader **out, fh_mut fh_err *err);
FH_API void fh_hnsw_reader_free(fh_drop fh_hnsw_reader *r);

/* The k best that were met, best first, with `effort` (at least k; 0: 64) in view: *count of them, fewer than k where there are
 * fewer live vectors that the filter (NULL: none) accepts. Scores and order are those of fh_flat_search, up to the last bits of
 * a score. FH_INVALID: a query or room for hits of another size; FH_LIMIT: k or effort; FH_NOT_FINITE; FH_NOMEM. */
FH_FALLIBLE fh_hnsw_search(fh_ref fh_hnsw *h, fh_mut fh_hnsw_reader *r, fh_f32s query, size_t k, size_t effort,
                           fh_ref const fh_hit_filter *filter, fh_hits hits, fh_out size_t *count, fh_mut fh_err *err);

/* Every invariant, that links lead to every vector among them: FH_CORRUPT with a report. It reads all. FH_BORROWED (a change
 * runs), FH_NOMEM. */
FH_FALLIBLE fh_hnsw_check(fh_ref fh_hnsw *h, fh_mut fh_err *err);
/* A hash of the whole graph: equal graphs have equal ones. FH_BORROWED. */
FH_FALLIBLE fh_hnsw_digest(fh_ref fh_hnsw *h, fh_out uint64_t *out);

/* --- files ----------------------------------------------------------------------------------------------------------------
 *
 * One file holds a graph: a header, a table of the rows, vectors, links, a checksum of all that (src/index/hnsw_file.c).
 * Written through fh_os_writer it appears whole or not at all; mapped by fh_os_map it is searched where it lies. */

/* Writes the graph, front to back; equal graphs are the same bytes. It counts as a change: searches go on. FH_BORROWED (a
 * change runs), FH_NOMEM, and what `sink` refuses. */
FH_FALLIBLE fh_hnsw_save(fh_ref fh_hnsw *h, fh_sink sink, fh_mut fh_err *err);
/* A graph whose vectors and links at level 0 stay in `file`, which it shares. The whole file is read once: sizes, the checksum,
 * that all numbers are finite, that each link leads to a row, and that links lead to every row. It cannot be changed:
 * FH_UNSUPPORTED. `seed` is that of fh_hnsw_options. FH_CORRUPT, and FH_UNSUPPORTED (a later version, the instruction set), say
 * what was expected; FH_NOMEM. A file that changes while it is open gives other answers, not a memory error. */
FH_FALLIBLE fh_hnsw_open(fh_ref fh_allocator *a, fh_isa isa, uint64_t seed, fh_bytes file, fh_owned fh_view(1) fh_hnsw **out,
                         fh_mut fh_err *err);

FH_EXTERN_END
#endif
