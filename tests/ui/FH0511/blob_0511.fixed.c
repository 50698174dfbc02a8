/* blob_0511.fixed.c: accepted, the corrected twin of blob_0511.c. */
#include "../ui.h"

typedef struct blob {
    fh_counted(size) const int *at;
    unsigned long size;
} blob;

int sum(fh_ref fh_counted(2) const int *at, unsigned long count);
int f(blob b) {
    return sum(b.at, b.size);
}
