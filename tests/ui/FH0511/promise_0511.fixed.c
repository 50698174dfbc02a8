/* promise_0511.fixed.c: accepted, the corrected twin of promise_0511.c. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
bytes letters(void) {
    static const char all[4] = {0};
    return (bytes){all, 4};
}
