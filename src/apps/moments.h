/* moments.h: reports of memory, moment by moment: written by `freehold run --memory-report`, read by `freehold memory`.
 *
 *     {"freehold_memory_report": 1, "moments": [{"moment": "peak", "doing": "prompt", "memory": {…}}, …]}
 *
 * `memory` is what fh_memory_report writes as JSON; such an object alone is a report too, of one moment.
 *
 * Threading: the main thread. */
#ifndef FREEHOLD_APPS_MOMENTS_H
#define FREEHOLD_APPS_MOMENTS_H

#include "apps/app.h"
#include "freehold/memory.h"

enum { FH_MOMENTS_MAX = 16, FH_MOMENT_ROWS_MAX = 4096 };
/* No number of a report may be larger: so the sum of any column fits, and no machine has as much. */
#define FH_MOMENT_NUMBER_MAX (UINT64_C(1) << 50)

/* --- writing -------------------------------------------------------------------------------------------------------- */

/* Takes down the moments of a run. With an empty path every call does nothing. */
typedef struct fh_watch {
    fh_path path;
    uint64_t every_ns; /* how often the file is written after the first look; 0 = not before fh_watch_write */
    bool failed;       /* the file could not be written: that is what the run's failure is about */
    fh_owned fh_buf text; /* the file so far, without its end: first the peak, then the moments marked */
    size_t peak_at;    /* where the peak begins */
    uint64_t peak_bytes;
    uint64_t written_ns; /* 0 = not yet */
} fh_watch;

/* Begins. */
FH_MUST_USE fh_status fh_watch_begin(fh_owned fh_view(2) fh_watch *w, fh_ref fh_allocator *heap, fh_ref const fh_path *path,
                                     uint64_t every_ns);
/* Looks: a new peak is taken down, as met while `doing`. The file is written with the moment "now" at the first look, so that
 * one that cannot be written is known early, and when it is time to. */
FH_MUST_USE fh_status fh_watch_look(fh_mut fh_watch *w, const char *doing, fh_mut fh_err *err);
/* Takes a moment down for good. No look may follow. */
FH_MUST_USE fh_status fh_watch_mark(fh_mut fh_watch *w, const char *moment);
/* Writes the file. */
FH_MUST_USE fh_status fh_watch_write(fh_mut fh_watch *w, fh_mut fh_err *err);
/* Ends it. */
void fh_watch_end(fh_drop fh_watch *w);

/* --- reading -------------------------------------------------------------------------------------------------------- */

typedef struct fh_moment {
    fh_memory_label name, doing; /* "" if the report does not say */
    fh_owned fh_memory memory;
} fh_moment;

/* The moments of a report, in its order. */
typedef struct fh_moments {
    fh_moment at[FH_MOMENTS_MAX];
    size_t count;
} fh_moments;

/* Reads a report that nobody vouches for. FH_CORRUPT or FH_LIMIT with the offset, FH_UNSUPPORTED for another version. */
FH_MUST_USE fh_status fh_moments_read(fh_ref fh_allocator *a, fh_span json, fh_owned fh_view(1) fh_moments *out,
                                      fh_mut fh_err *err);
/* Appends a report: what was read, in the form in which a run writes it. */
FH_MUST_USE fh_status fh_moments_put(fh_ref const fh_moments *m, fh_mut fh_buf *out);
void fh_moments_deinit(fh_drop fh_moments *m);
/* Puts the rows of a moment in order: the most committed bytes first, then by id. */
void fh_moment_sort(fh_mut fh_moment *m);

/* The sum of the rows from `from` on: their counts and bytes; the rest is empty. */
fh_memory_row fh_moment_sum(fh_ref const fh_moment *m, size_t from);
/* What a row has committed beyond its objects: its own tables, and room between objects. */
uint64_t fh_row_overhead(fh_ref const fh_memory_row *row);

/* Draws one moment as SVG. `title` is the name of the report's file. Sets t->status on failure. */
void fh_moment_draw(fh_mut fh_term *t, fh_ref const fh_moment *m, fh_memory_label title);

#endif
