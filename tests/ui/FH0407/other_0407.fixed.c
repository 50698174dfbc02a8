/* other_0407.fixed.c: accepted, the corrected twin of other_0407.c. */
#include "../ui.h"

struct pair {
    mutex a, b;
};
void f(fh_mut struct pair *p) {
    mutex_lock(&p->a);
    mutex_unlock(&p->a);
}
