/* use_after_free.c: reads a number after its end. found by: gcc clang */
#include "freehold/alloc.h"

int read_after_the_end(fh_allocator *a) {
    int *number = fh_alloc(a, 1, sizeof *number);
    if (number == NULL)
        return 0;
    fh_free(a, number);
    return *number;
}
