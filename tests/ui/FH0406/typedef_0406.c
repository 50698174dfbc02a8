/* typedef_0406.c: deed refuses it as FH0406, declared fh_sync, and not so by its fields. */
#include "../ui.h"

struct cell {
    int value; //~ FH0406
};
typedef fh_sync struct cell cell;

int read_cell(fh_ref cell *c);
