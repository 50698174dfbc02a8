/* wrong_free.c: a tracing allocator is freed as if it were a block. found by: gcc cppcheck */
#include "freehold/alloc.h"

size_t end_the_wrong_way(fh_allocator *a) {
    fh_trace *trace = fh_trace_new();
    fh_free(a, trace);
    return 0;
}
