/* choose_0205.fixed.c: accepted, the corrected twin of choose_0205.c. */
#include "../ui.h"

const tensor *f(fh_ref const tensor *a, fh_ref const tensor *b, int n) fh_view(1, 2);
const tensor *f(fh_ref const tensor *a, fh_ref const tensor *b, int n) {
    return n > 2 ? a : b;
}
