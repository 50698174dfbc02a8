/* memory.h: who owns how much: every pool, arena, source of pages and cache of the process on one list.
 *
 *     fh_buf text;
 *     fh_buf_init(&text, a, 0);
 *     FH_TRY(fh_memory_report(FH_REPORT_TEXT, &text));              a table; or JSON, or Prometheus text
 *
 * A structure of Freehold's enters the list when it is made and leaves when it is freed; what you build yourself can do the
 * same with one fh_ledger_node in it. Looking costs the owners nothing: their numbers are read as they stand.
 *
 *     what an owner has        live         in use by the program
 *                              cached       free, kept for the next use
 *                              quarantined  freed, held back to catch late uses
 *                              retired      never used again
 *     what that costs          committed    memory that can be touched: all of the above and the owner's own tables
 *                              reserved     address space, the committed part included
 *
 * Blocks of the process heap that no listed owner accounts for are one row, "other blocks". So the committed bytes of all rows
 * add up to what the process has asked for through Freehold's allocators.
 *
 * Threading: any thread at any time. The numbers of a structure that works meanwhile are each true at some moment of the look,
 * not all at the same one. */
#ifndef FREEHOLD_MEMORY_H
#define FREEHOLD_MEMORY_H

#include "freehold/buf.h"

FH_EXTERN_BEGIN

enum { FH_MEMORY_NAME_BYTES = 48 };

/* What an owner is. */
typedef enum fh_memory_kind {
    FH_MEMORY_HEAP = 0, /* blocks of the process heap that no other row accounts for */
    FH_MEMORY_POOL,     /* equal slots */
    FH_MEMORY_ARENA,    /* all of it ends at once */
    FH_MEMORY_PAGES,    /* pages for byte buffers */
    FH_MEMORY_CACHE,    /* entries that may go when room is short */
    FH_MEMORY_STORE,    /* tensors: weights, activations, keys and values */
    FH_MEMORY_FILE,     /* a mapped file: reserved only, for its bytes are the system's to drop and read again */
    FH_MEMORY_KINDS
} fh_memory_kind;
/* "pool" and so on. */
FH_API fh_static const char *fh_memory_kind_name(fh_memory_kind kind);

/* A name that can stand in every format: printable ASCII, with its NUL. */
typedef struct fh_memory_label {
    char text[FH_MEMORY_NAME_BYTES];
} fh_memory_label;
/* Cut to fit; anything but printable ASCII becomes '?'. */
FH_API fh_memory_label fh_memory_label_of(fh_span name);

/* How many objects, and their bytes. */
typedef struct fh_memory_part {
    uint64_t count, bytes;
} fh_memory_part;

/* One owner. `live` … `retired` are disjoint; an owner without objects of its own has bytes alone. */
typedef struct fh_memory_row {
    fh_memory_kind kind;
    fh_memory_label name;
    uint64_t id;           /* no other owner of this process ever has it; in the order of their making */
    uint64_t object_bytes; /* of one object; 0 = they differ */
    fh_memory_part live, cached, quarantined, retired;
    uint64_t committed_bytes, reserved_bytes;
    uint64_t heap_bytes; /* the part of committed_bytes that lies in blocks of fh_heap() */
    uint64_t peak_bytes; /* the most that was ever live; 0 = not known */
    uint64_t refusals;   /* calls refused: stale handles, double frees, full, and so on */
} fh_memory_row;
FH_SPAN_DEFINE(memory_row, fh_memory_row);
FH_ARRAY_DEFINE(memory_row);

/* `bytes` if they were allocated on the process heap, else 0: for heap_bytes. */
FH_API uint64_t fh_memory_on_heap(fh_ref const fh_allocator *a, uint64_t bytes);

/* --- being listed -------------------------------------------------------------------------------------------------------- */

/* Fills in a zeroed row of `owner`, all but its kind and its id. It runs on another thread while the owner works, so it reads
 * with fh_load what the owner writes with fh_store. It allocates nothing, waits for no more than a short lock of the owner's,
 * and neither makes nor frees an owner. */
typedef void fh_memory_fill(const void *owner, fh_memory_row *row);

/* An owner's place on the list: a member of its structure. The fields are private. */
typedef struct fh_ledger_node {
    struct fh_ledger_node *next, *before;
    fh_memory_fill *fill;
    const void *owner;
    uint64_t id;
    fh_memory_kind kind;
} fh_ledger_node;

/* Lists an owner: the last step of its making. Never fails. */
FH_API void fh_ledger_enter(fh_ref fh_ledger_node *node, fh_memory_kind kind, fh_memory_fill *fill, fh_ref const void *owner);
/* Takes it off: the first step of its end. Waits while it is being read. A node that never entered is allowed. */
FH_API void fh_ledger_leave(fh_ref fh_ledger_node *node);

/* --- looking ------------------------------------------------------------------------------------------------------------- */

/* What the list says at one moment. */
typedef struct fh_memory {
    fh_ref fh_allocator *allocator;
    fh_owned fh_memory_rows rows; /* "other blocks", then the owners in the order of their making */
    fh_alloc_stats heap;
    uint64_t resident_peak_bytes; /* the largest the process ever was; 0 = not known */
} fh_memory;

/* Looks. The rows are allocated on a, after the heap was read. FH_NOMEM. */
FH_FALLIBLE fh_memory_look(fh_ref fh_allocator *a, fh_owned fh_view(1) fh_memory *out);
/* Ends it; a zeroed one is allowed. */
FH_API void fh_memory_deinit(fh_drop fh_memory *m);
/* The committed bytes of all owners, without allocating anything. */
FH_API uint64_t fh_memory_committed(void);

/* How a report is written. */
typedef enum fh_report_format {
    FH_REPORT_TEXT = 0,   /* a table in bytes */
    FH_REPORT_JSON,       /* one object */
    FH_REPORT_PROMETHEUS, /* the Prometheus text format, version 0.0.4 */
} fh_report_format;

/* Appends a report. FH_NOMEM or FH_LIMIT of the buffer, which then keeps its former content. */
FH_FALLIBLE fh_memory_format(fh_ref const fh_memory *m, fh_report_format format, fh_mut fh_buf *out);
/* Looks and appends. The buffer's own block is not counted. */
FH_FALLIBLE fh_memory_report(fh_report_format format, fh_mut fh_buf *out);

FH_EXTERN_END
#endif
