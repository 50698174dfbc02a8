/* field_0507.fixed.c: accepted, the corrected twin of field_0507.c. */
#include "../ui.h"

struct grid {
    int cell[4];
};
void f(fh_mut struct grid *g) {
    g->cell[3] = 1;
}
