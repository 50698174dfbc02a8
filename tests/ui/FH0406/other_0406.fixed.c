/* other_0406.fixed.c: accepted, the corrected twin of other_0406.c. */
#include "../ui.h"

typedef struct lamp {
    int on;
} lamp;

typedef fh_sync struct room {
    mutex m;
    _Atomic int guests;
    fh_guarded(m) int light;
    fh_guarded(m) lamp lamps;
} room;

int count(fh_ref room *r);
