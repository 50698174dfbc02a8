/* other_0511.fixed.c: accepted, the corrected twin of other_0511.c. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
int f(bytes a, bytes b) {
    return sum((bytes){a.at, a.size}) + sum(b);
}
