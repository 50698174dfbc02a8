/* other_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
int f(bytes a, bytes b) {
    return sum((bytes){a.at, b.size}); //~ FH0511
}
