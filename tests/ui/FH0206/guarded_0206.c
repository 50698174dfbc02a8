/* guarded_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

typedef struct account {
    mutex lock;
    fh_guarded(lock) int total;
} account;

int f(fh_mut account *a) {
    mutex_lock(&a->lock);
    const int *total = &a->total;
    mutex_unlock(&a->lock);
    return *total; //~ FH0206
}
