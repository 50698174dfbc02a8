/* count_alone_0511.fixed.c: accepted, the corrected twin of count_alone_0511.c. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
int f(bytes b) {
    static const char text[100] = {0};
    b = (bytes){text, 100};
    return sum(b);
}
