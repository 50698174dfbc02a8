/* page.h: memory that input arrives in: pages that never move, slabs that are written once, bytes that are shared afterwards.
 *
 *     fh_page_source *source;
 *     fh_slab slab;
 *     fh_mspan room;
 *     fh_bytes message;
 *     FH_TRY(fh_page_source_new(a, NULL, &source));
 *     FH_TRY(fh_slab_alloc(source, 4096, &slab));            exclusive, writable, empty
 *     FH_TRY(fh_slab_begin_io(source, &slab, &room));        the kernel may write to room.at … room.at + room.size
 *     FH_TRY(fh_slab_end_io(source, &slab, received));       so many bytes have been written: only they can be read
 *     FH_TRY(fh_slab_freeze(source, &slab, 300, &message));  the slab is gone, its first 300 bytes never change again
 *     fh_bytes_drop(&message);                               on any thread; the page is reused when its count is 0
 *
 * A page is 64 KiB of one reserved range of addresses. Slabs are cut from it one after the other, so slabs and frozen bytes
 * share pages; a request beyond a page gets a run of whole ones. What freezing leaves over of the newest slab goes back to the
 * page.
 *
 * The writable thing is called a slab and not fh_mut, because fh_mut is the word for an exclusive argument (attrs.h). A slab is
 * moved, never copied: each call that changes it writes a new token into the caller's value and into the source, so the value
 * that was left behind, by a copy or by a move, is FH_STALE from then on.
 *
 * Four invariants, after Monocoque's unsafe-boundary document; docs/SAFETY.md names the line that keeps each one:
 *   A  pointer stability: no byte of a page moves or is unmapped while a slab or bytes refer to it
 *   B  exclusive access: one value may change a slab; none may while the kernel writes to it
 *   C  initialisation: only bytes below the slab's mark can be read or frozen
 *   D  no mutation after freeze: nothing writes to frozen bytes, and a page is reused only when its count is 0
 *
 * Threading: a source and its slabs belong to one thread at a time. Frozen bytes go anywhere, and may outlive
 * fh_page_source_free: the addresses stay until the last of them is dropped (so the allocator must outlive them, and be usable
 * on the threads that drop them). */
#ifndef FREEHOLD_PAGE_H
#define FREEHOLD_PAGE_H

#include "freehold/bytes.h"

FH_EXTERN_BEGIN

enum { FH_PAGE_BYTES = 65536, FH_PAGES_MAX = 65536 };

/* Where slabs come from. */
typedef struct fh_page_source fh_page_source;

/* Zero means the default. */
typedef struct fh_page_options {
    uint32_t pages_max;            /* address space, in pages, up to FH_PAGES_MAX; 0 = 1024 (64 MiB) */
    uint32_t slabs_max;            /* slabs at once; 0 = 4 a page */
    uint32_t evacuate_below_bytes; /* pages that hold less are sparse, up to FH_PAGE_BYTES / 2; 0 = FH_PAGE_BYTES / 8 */
    bool fixed;                    /* commits everything at once and keeps it: for buffers registered with the kernel */
    const char *name;              /* for reports; lives as long as the source; NULL = "pages" */
} fh_page_options;

/* Reserves the addresses; memory follows as pages are needed. NULL options are all defaults. FH_INVALID for options beyond
 * their limits, FH_NOMEM. */
FH_FALLIBLE fh_page_source_new(fh_ref fh_allocator *a, fh_ref const fh_page_options *options,
                               fh_owned fh_view(1) fh_page_source **out);
/* Ends the source; a slab that still lives is a programmer's error. The addresses go when the last bytes on them are dropped.
 * NULL is allowed. */
FH_API void fh_page_source_free(fh_drop fh_page_source *source);
/* Gives the memory of pages that nobody uses back to the system; the number of bytes. Nothing for a fixed source. */
FH_API size_t fh_page_source_trim(fh_mut fh_page_source *source);
/* The whole range of addresses, for registering a fixed source with the kernel; its content is not to be read. Valid until:
 * fh_page_source_free. */
FH_API fh_mspan fh_page_source_range(fh_ref const fh_page_source *source) fh_view(1);

/* --- slabs ----------------------------------------------------------------------------------------------------------------
 *
 * All functions that take a slab refuse one that was frozen, released or moved on (FH_STALE), and one of another source
 * (FH_WRONG_POOL). A refused call changes nothing. */

/* An exclusive, writable range: a number that only its source understands. {0} is no slab. */
typedef struct fh_slab {
    uint64_t token;
    uint32_t index, source;
} fh_slab;

/* Room for exactly `size_bytes`, at a multiple of 64. FH_INVALID for 0, FH_LIMIT beyond the source, FH_EXHAUSTED when no page
 * (or row for one more slab) is free, FH_NOMEM. */
FH_FALLIBLE fh_slab_alloc(fh_mut fh_page_source *source, size_t size_bytes, fh_owned fh_slab *out);
/* Copies bytes to the end of what is filled. FH_LIMIT when they do not fit, FH_BORROWED while the kernel writes. */
FH_FALLIBLE fh_slab_append(fh_mut fh_page_source *source, fh_mut fh_slab *slab, fh_span bytes);
/* Hands the room that is left to a writer outside, normally the kernel. FH_LIMIT when there is none, FH_BORROWED while it is
 * out already. Valid until: fh_slab_end_io. */
FH_FALLIBLE fh_slab_begin_io(fh_mut fh_page_source *source, fh_mut fh_slab *slab, fh_out fh_mspan *room);
/* Takes the room back. The writer has written its first `written` bytes (0 after an error) and will not touch it again.
 * FH_LIMIT when that is more than the room, FH_INVALID when it was not out. */
FH_FALLIBLE fh_slab_end_io(fh_mut fh_page_source *source, fh_mut fh_slab *slab, size_t written);
/* The filled bytes; also while the kernel writes behind them. Valid until: the slab is frozen, split or released. */
FH_FALLIBLE fh_slab_view(fh_mut fh_page_source *source, fh_slab slab, fh_out fh_span *out);
/* Bytes that still fit. */
FH_FALLIBLE fh_slab_room(fh_mut fh_page_source *source, fh_slab slab, fh_out size_t *out);
/* Ends the slab; its first n bytes become immutable and shareable, the others are gone. n = 0 gives empty bytes. FH_INVALID
 * when fewer are filled, FH_BORROWED while the kernel writes. */
FH_FALLIBLE fh_slab_freeze(fh_mut fh_page_source *source, fh_move fh_slab *slab, size_t n, fh_owned fh_bytes *out);
/* Freezes the first n bytes, and the slab goes on behind them with what else is filled and its room. As fh_slab_freeze. */
FH_FALLIBLE fh_slab_split(fh_mut fh_page_source *source, fh_mut fh_slab *slab, size_t n, fh_owned fh_bytes *out);
/* Ends the slab and all it holds. FH_BORROWED while the kernel writes. */
FH_FALLIBLE fh_slab_release(fh_mut fh_page_source *source, fh_drop fh_slab *slab);

/* A copy of bytes that are there already, frozen at once: as alloc, append and freeze, in one step and for a third of the time,
 * at a multiple of 8. Empty bytes hold nothing. FH_LIMIT, FH_EXHAUSTED, FH_NOMEM. */
FH_FALLIBLE fh_page_source_copy(fh_mut fh_page_source *source, fh_span bytes, fh_owned fh_bytes *out);

/* --- evacuation -----------------------------------------------------------------------------------------------------------
 *
 * A few small slices that are kept for long pin whole pages. What is live on a page is the sum of the sizes of all references
 * to it (a range shared twice counts twice, for it would be copied twice), each rounded up to 8. A page on which less is live
 * than evacuate_below_bytes is sparse. Only a reference's holder can move it, so the holder passes it, from time to time, with
 * a budget for the whole round. Moved bytes gather densely on pages of their own: such a page is full before it is left, and
 * so not sparse until its bytes are dropped. Clearing a page costs less than evacuate_below_bytes and frees 64 KiB. */

/* Moves *b if it lies on a sparse page of this source, and takes its size off *budget_bytes; else does nothing and succeeds.
 * FH_LIMIT when it should move and the budget is too small; FH_EXHAUSTED, FH_NOMEM. Pointers from b.span end with a move;
 * other references to the same bytes stay where they are. */
FH_FALLIBLE fh_bytes_evacuate(fh_mut fh_page_source *source, fh_mut fh_bytes *b, fh_mut size_t *budget_bytes);

/* --- numbers ------------------------------------------------------------------------------------------------------------ */

/* Where a source stands. */
typedef struct fh_page_stats {
    uint64_t pages_max;                                  /* reserved */
    uint64_t pages_live, pages_cached, pages_sparse;     /* in use; free with their memory; in use, but sparse */
    uint64_t pages_peak;                                 /* the largest pages_live found when a page was taken */
    uint64_t reserved_bytes, committed_bytes;
    uint64_t live_bytes;                                 /* what the references hold; a slab counts as a page */
    uint64_t slabs, slabs_in_io, slabs_max;              /* now */
    uint64_t slab_allocs, evacuated_bytes;               /* ever */
    uint64_t stale_uses, borrow_conflicts, failures;     /* refusals: FH_STALE and FH_WRONG_POOL, FH_BORROWED, no page */
} fh_page_stats;
/* Counts as it is asked: O(pages). Numbers of pages that other threads are dropping may be a moment old. */
FH_API fh_page_stats fh_page_source_stats(fh_ref const fh_page_source *source);
/* The name given in the options. */
FH_API const char *fh_page_source_name(fh_ref const fh_page_source *source) fh_view(1);
/* Verifies every invariant of the source, for tests and tools; FH_CORRUPT says which one fails. No other thread may use bytes
 * of the source meanwhile. */
FH_FALLIBLE fh_page_source_check(fh_ref const fh_page_source *source, fh_mut fh_err *err);

FH_EXTERN_END
#endif
