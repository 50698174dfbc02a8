/* lent_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
void grow(fh_mut unsigned long *size);
int f(bytes b) {
    grow(&b.size); //~ FH0511
    return sum(b);
}
