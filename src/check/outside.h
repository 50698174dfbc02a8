/* outside.h: what the checker asks of the C library and the system beyond os.h: text from a format and its arguments, folders,
 * and processes that share work.
 *
 * Threading: the main thread of a program without others, since it forks. */
#ifndef FH_CHECK_OUTSIDE_H
#define FH_CHECK_OUTSIDE_H

#include <stdarg.h>

#include "freehold/arena.h"
#include "freehold/buf.h"

/* The two texts one after the other, with a NUL behind them, in the arena; NULL when there is no memory. */
fh_or_null const char *deed_copy_text(fh_ref fh_arena *arena, fh_span a, fh_span b) fh_view(1);

/* Formatted text in the arena, cut at 2000 bytes; empty when there is no memory. */
fh_span deed_format_text(fh_ref fh_arena *arena, const char *format, fh_mut va_list args) FH_PRINTF(2, 0)
    fh_view(1);

/* Calls `found` for each regular file under the folder (or for the file itself), folders in the order of names, hidden ones
 * left out. `path` ends in NUL and is valid during the call. FH_IO when there is nothing of this name. */
typedef fh_status deed_found(void *ctx, const char *path);
FH_MUST_USE fh_status deed_walk(const char *path, deed_found *found, fh_mut void *ctx, fh_mut fh_err *err);

/* The current folder, with a slash behind it, in the arena. */
FH_MUST_USE fh_status deed_here(fh_ref fh_arena *arena, fh_out fh_view(1) fh_span *out);

/* Makes a folder, and those above it, for this user alone; one that is there stays as it is. FH_IO. */
FH_MUST_USE fh_status deed_folder_make(fh_ref const char *path, fh_mut fh_err *err);
/* Writes head and body as a file that appears whole or not at all. It is not synced: it may be lost or cut when the system
 * ends. FH_IO. */
FH_MUST_USE fh_status deed_file_write(fh_ref const char *path, fh_span head, fh_span body);

/* Does items 0 … count - 1 in `jobs` processes, each with a copy of this program's memory: `work` appends its answer to `out`,
 * and what it returns comes back beside it. Then calls `done` here, once an item and in their order. An item whose process
 * ended before it answered has FH_CORRUPT. `progress` (NULL: none) is told how many have been answered, now and then. FH_NOMEM,
 * FH_IO, or the first failure of `done`. */
typedef fh_status deed_work(void *ctx, size_t item, fh_buf *out);
typedef fh_status deed_done(void *ctx, size_t item, fh_status status, fh_span answer);
typedef void deed_progress(void *ctx, size_t answered);
FH_MUST_USE fh_status deed_share(fh_ref fh_allocator *a, size_t count, unsigned jobs, deed_work *work, deed_done *done,
                                 deed_progress *progress, fh_mut void *ctx);

#endif
