/* double_free.c: a block is freed on one path, and then on all of them. found by: gcc clang cppcheck */
#include "freehold/alloc.h"

void end_twice(fh_allocator *a, bool early) {
    int *number = fh_alloc(a, 1, sizeof *number);
    if (number != NULL && early)
        fh_free(a, number);
    fh_free(a, number);
}
