/* choose_0203.fixed.c: accepted, the corrected twin of choose_0203.c. */
#include "../ui.h"

const int *f(fh_ref const int *p, int n) fh_view(1);
const int *f(fh_ref const int *p, int n) {
    static const int three = 3;
    return n > 3 ? p : &three;
}
