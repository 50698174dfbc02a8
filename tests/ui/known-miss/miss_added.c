/* miss_added.c: missed: words that only a later declaration has; other files do not see them. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
void enter(fh_mut struct room *r);
void enter(fh_mut struct room *r) fh_requires(r->m); //~ FH0602
void enter(fh_mut struct room *r) {
    r->guests++;
}
