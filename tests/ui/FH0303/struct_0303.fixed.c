/* struct_0303.fixed.c: accepted, the corrected twin of struct_0303.c. */
#include "../ui.h"

fh_owned box box_make(int n);
int f(int n) {
    box b = box_make(n);
    int m = b.n;
    box_deinit(&b);
    return m;
}
