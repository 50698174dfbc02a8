/* field_0507.c: deed refuses it as FH0507, a constant index outside its array. */
#include "../ui.h"

struct grid {
    int cell[4];
};
void f(fh_mut struct grid *g) {
    g->cell[9] = 1; //~ FH0507
}
