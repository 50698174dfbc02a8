/* typedef_0406.fixed.c: accepted, the corrected twin of typedef_0406.c. */
#include "../ui.h"

struct cell {
    _Atomic int value;
};
typedef fh_sync struct cell cell;

int read_cell(fh_ref cell *c);
