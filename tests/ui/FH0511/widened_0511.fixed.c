/* widened_0511.fixed.c: accepted, the corrected twin of widened_0511.c. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
int f(bytes b) {
    return sum((bytes){b.at, b.size});
}
