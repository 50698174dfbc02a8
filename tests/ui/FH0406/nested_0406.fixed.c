/* nested_0406.fixed.c: accepted, the corrected twin of nested_0406.c. */
#include "../ui.h"

typedef struct point {
    int x, y;
} point;
typedef fh_sync struct place {
    mutex m;
    fh_guarded(m) point at;
} place;

int count(fh_ref place *p);
