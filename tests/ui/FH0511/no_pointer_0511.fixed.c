/* no_pointer_0511.fixed.c: accepted, the corrected twin of no_pointer_0511.c. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
int f(void) {
    bytes b = {.size = 0};
    return sum(b);
}
