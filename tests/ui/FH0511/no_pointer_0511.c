/* no_pointer_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
int f(void) {
    bytes b = {.size = 4}; //~ FH0511
    return sum(b);
}
