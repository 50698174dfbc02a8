/* share.h: objects with several owners: whose handles are counted, and that end with the last one.
 *
 *     thing *thing_share(thing *t) { return fh_handles_share(&t->handles, t); }
 *     void thing_free(thing *t) {
 *         if (!fh_handles_end(&t->handles)) { fh_handles_forget(t); return; }      others have it
 *         …
 *     }
 *
 * For what does not change any more. Only who has a handle makes another one, so a count of 0 stays.
 *
 * Threading: any thread. What was done through a handle before it ended happens before the end of the object. */
#ifndef FREEHOLD_SHARE_H
#define FREEHOLD_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "freehold/attrs.h"

FH_EXTERN_BEGIN

/* The number of handles; the field is private. */
typedef struct fh_handles {
    uint64_t count;
} fh_handles;

/* One handle: before anybody else knows of the object. */
FH_API void fh_handles_init(fh_out fh_handles *h);
/* One more: the object itself, for another owner. More than 2^62, or none before, ends the program. */
FH_API fh_owned void *fh_handles_share(fh_ref fh_handles *h, fh_ref void *object) fh_view(*2);
/* One fewer; true if it was the last. */
FH_MUST_USE FH_API bool fh_handles_end(fh_ref fh_handles *h);
/* The caller's handle is over, the object is not. */
FH_API void fh_handles_forget(fh_move void *object);

FH_EXTERN_END
#endif
