/* blob_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

typedef struct blob {
    fh_counted(size) const void *at;
    unsigned long size;
} blob;

int sum(fh_ref fh_counted(2) const int *at, unsigned long count);
int f(blob b) {
    return sum(b.at, b.size); //~ FH0504 FH0511
}
