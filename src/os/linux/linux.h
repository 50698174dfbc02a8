/* linux.h: what the files of this folder share. Nothing outside src/os/ includes it, except the tests of this folder. */
#ifndef FH_OS_LINUX_H
#define FH_OS_LINUX_H

#include "freehold/os.h"

/* Turns errno into a status: FH_NOMEM for ENOMEM, else FH_IO. Reports "<path>: cannot <what>: <errno's text>"
 * in *err; `path` may be NULL. */
fh_status fh_linux_fail(fh_mut fh_err *err, int error, const char *what, const char *path);

/* Zeroed storage for one of this folder's own structures, from pages: this layer lies below every allocator. FH_NOMEM. */
fh_status fh_linux_take_pages(size_t size_bytes, fh_out void **out);
/* Ends it, with the size of its making. */
void fh_linux_drop_pages(fh_mut void *at, size_t size_bytes);

/* Processors that the cgroup quotas of this process allow, rounded up; UINT_MAX without a quota. `root` stands before
 * /proc and /sys ("" on a real system), so that a test can present a tree of its own. */
unsigned fh_linux_quota_cpus(const char *root);

/* True if another interrupt was counted since `before` was read. */
bool fh_linux_interrupted_since(unsigned before);

#endif
