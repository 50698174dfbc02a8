/* other_0406.c: deed refuses it as FH0406, declared fh_sync, and not so by its fields. */
#include "../ui.h"

typedef struct lamp {
    int on;
} lamp;

typedef fh_sync struct room {
    mutex m;
    _Atomic int guests;
    fh_guarded(lamps) int light;  //~ FH0406
    lamp lamps;  //~ FH0406
} room;

int count(fh_ref room *r);
