/* e0277_0406.fixed.c: accepted, the corrected twin of e0277_0406.c. */
#include "../ui.h"

typedef fh_sync struct cell {
    _Atomic int value;
} cell;

int read_cell(fh_ref cell *c);
