/* nested_0406.c: deed refuses it as FH0406, declared fh_sync, and not so by its fields. */
#include "../ui.h"

typedef struct point {
    int x, y;
} point;
typedef fh_sync struct place {
    mutex m;
    point at; //~ FH0406
} place;

int count(fh_ref place *p);
