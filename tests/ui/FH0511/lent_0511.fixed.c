/* lent_0511.fixed.c: accepted, the corrected twin of lent_0511.c. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
void grow(fh_mut bytes *b);
int f(bytes b) {
    grow(&b);
    return sum(b);
}
