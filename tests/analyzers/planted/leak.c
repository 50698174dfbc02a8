/* leak.c: an early return forgets a block. found by: clang cppcheck */
#include "freehold/alloc.h"

fh_status lose(fh_allocator *a, bool early) {
    int *number = fh_alloc(a, 1, sizeof *number);
    if (number == NULL)
        return FH_STATUS(FH_NOMEM);
    *number = 1;
    if (early)
        return FH_STATUS(FH_INVALID);
    fh_free(a, number);
    return FH_DONE;
}
