/* other_0407.c: deed refuses it as FH0407, a lock is released that is not held. */
#include "../ui.h"

struct pair {
    mutex a, b;
};
void f(fh_mut struct pair *p) {
    mutex_lock(&p->a);
    mutex_unlock(&p->b); //~ FH0407
    mutex_unlock(&p->a);
}
