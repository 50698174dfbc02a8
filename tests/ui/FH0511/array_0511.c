/* array_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
int f(void) {
    char line[16] = {0};
    return sum((bytes){line, 17}); //~ FH0511
}
