/* array_0511.fixed.c: accepted, the corrected twin of array_0511.c. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
int f(void) {
    char line[16] = {0};
    return sum((bytes){line, sizeof line});
}
