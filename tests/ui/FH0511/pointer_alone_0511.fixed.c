/* pointer_alone_0511.fixed.c: accepted, the corrected twin of pointer_alone_0511.c. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
int f(bytes b) {
    static const char text[2] = {0};
    b = (bytes){text, sizeof text};
    return sum(b);
}
