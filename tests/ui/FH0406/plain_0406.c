/* plain_0406.c: deed refuses it as FH0406, declared fh_sync, and not so by its fields. */
#include "../ui.h"

typedef fh_sync struct tally {
    mutex m;
    int count; //~ FH0406
} tally;

int count(fh_ref tally *t);
