/* e0373_0401.fixed.c: accepted, the corrected twin of e0373_0401.c. */
#include "../ui.h"

void run_box(fh_send fh_move box *b);
void f(int n) {
    box *b = box_new(n);
    run_box(b);
}
