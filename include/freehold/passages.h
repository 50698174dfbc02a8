/* passages.h: what an index of texts knows beside its vectors: which files were read, where in them each passage lies and what
 * it says, and which model made the vectors.
 *
 *     fh_passages *p;                                                       writing
 *     FH_TRY(fh_passages_new(a, &origin, &p, err));
 *     FH_TRY(fh_passages_add_file(p, FH_LIT("notes/a.txt"), err));
 *     FH_TRY(fh_passages_add(p, &(fh_passage){.offset_bytes = 0, .line = 1, .text = text}, err));
 *     FH_TRY(fh_passages_save(p, sink, err));
 *     FH_TRY(fh_hnsw_save(graph, sink, err));                               its ids: the numbers of the passages, from 0
 *
 *     FH_TRY(fh_passages_open(a, file, &p, err));                           reading
 *     FH_TRY(fh_passages_index(p, &bytes));                                 what fh_hnsw_open opens, in the same file
 *     FH_TRY(fh_passages_get(p, hit.id, &passage));
 *
 * All of it, the index included, is one file: it appears whole or not at all (fh_os_writer), and is used where it is mapped.
 * The texts are in it, so an answer is what was indexed, whatever became of the files since.
 *
 * Threading: adding needs it alone; reading from any number of threads. Ownership: names and texts are copied in; what is
 * opened shares the file's bytes. */
#ifndef FREEHOLD_PASSAGES_H
#define FREEHOLD_PASSAGES_H

#include "freehold/bytes.h"

FH_EXTERN_BEGIN

enum { FH_PASSAGES_NAME_MAX = 4096 };
/* Passages, and files. */
#define FH_PASSAGES_MAX (UINT32_C(1) << 31)

/* What kind of index stands behind it. */
typedef enum fh_passages_kind { FH_PASSAGES_FLAT, FH_PASSAGES_HNSW, FH_PASSAGES_KINDS } fh_passages_kind;

/* Where the vectors come from: a query needs the same. */
typedef struct fh_passages_origin {
    fh_passages_kind kind;
    uint32_t pooling;                 /* a number of fh_pooling */
    uint64_t model_hash, model_bytes; /* fh_hash_bytes of the model's file, seed 0; its size */
    fh_span model_name;               /* for people; up to FH_PASSAGES_NAME_MAX bytes */
} fh_passages_origin;

/* A passage. */
typedef struct fh_passage {
    fh_span file; /* name; not looked at by fh_passages_add: it is the file that was added last */
    uint64_t offset_bytes; /* in that file */
    uint32_t line; /* there, from 1 */
    fh_span text;
} fh_passage;

/* The table. Opaque. */
typedef struct fh_passages fh_passages;

/* An empty one. FH_INVALID (kind), FH_LIMIT (the name), FH_NOMEM. */
FH_FALLIBLE fh_passages_new(fh_ref fh_allocator *a, fh_ref const fh_passages_origin *origin,
                            fh_owned fh_view(1) fh_passages **out, fh_mut fh_err *err);
/* NULL is allowed. */
FH_API void fh_passages_free(fh_drop fh_passages *p);

/* Begins a file; one may have no passages. FH_INVALID: an empty name; FH_LIMIT: a long one, too many files; FH_UNSUPPORTED: an
 * opened table; FH_NOMEM. Nothing changes then. */
FH_FALLIBLE fh_passages_add_file(fh_mut fh_passages *p, fh_span name, fh_mut fh_err *err);
/* Adds a passage of the last file; its number is how many were before it. FH_INVALID: no file, no text, line 0, an offset
 * beyond 2^63; FH_LIMIT: too many; FH_UNSUPPORTED: an opened table; FH_NOMEM. Nothing changes then. */
FH_FALLIBLE fh_passages_add(fh_mut fh_passages *p, fh_ref const fh_passage *passage, fh_mut fh_err *err);

/* How many there are. */
FH_API size_t fh_passages_count(fh_ref const fh_passages *p);
FH_API size_t fh_passages_files(fh_ref const fh_passages *p);
/* Passage i. Valid until: the next change. FH_NOT_FOUND. */
FH_FALLIBLE fh_passages_get(fh_ref const fh_passages *p, uint64_t i, fh_out fh_view(1) fh_passage *out);
/* Where the vectors come from. Valid until: the next change. */
FH_API fh_passages_origin fh_passages_origin_of(fh_ref const fh_passages *p) fh_view(1);

/* Writes the table, front to back; the index is to follow it. Equal tables are the same bytes. What the sink refuses. */
FH_FALLIBLE fh_passages_save(fh_ref const fh_passages *p, fh_sink sink, fh_mut fh_err *err);
/* A table that stays in `file`, which it shares. All of it is read once: every size, the checksum, the order of the rows; the
 * index behind it checks itself. FH_CORRUPT, and FH_UNSUPPORTED (a later version), say where, and what was expected;
 * FH_NOMEM. */
FH_FALLIBLE fh_passages_open(fh_ref fh_allocator *a, fh_bytes file, fh_owned fh_view(1) fh_passages **out, fh_mut fh_err *err);
/* The bytes behind an opened table. FH_INVALID for one that was not opened. */
FH_FALLIBLE fh_passages_index(fh_ref const fh_passages *p, fh_owned fh_bytes *out);

FH_EXTERN_END
#endif
