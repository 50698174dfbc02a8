/* pointer_0406.c: deed refuses it as FH0406, declared fh_sync, and not so by its fields. */
#include "../ui.h"

typedef fh_sync struct names {
    const char *first; //~ FH0406
    const int count;
} names;

int count(fh_ref const names *n);
