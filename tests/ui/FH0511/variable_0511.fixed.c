/* variable_0511.fixed.c: accepted, the corrected twin of variable_0511.c. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
int f(unsigned long n) {
    char line[16] = {0};
    if (n > sizeof line)
        return 0;
    return sum((bytes){line, n});
}
