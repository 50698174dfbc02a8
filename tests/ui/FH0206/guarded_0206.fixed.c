/* guarded_0206.fixed.c: accepted, the corrected twin of guarded_0206.c. */
#include "../ui.h"

typedef struct account {
    mutex lock;
    fh_guarded(lock) int total;
} account;

int f(fh_mut account *a) {
    mutex_lock(&a->lock);
    const int *total = &a->total;
    int now = *total;
    mutex_unlock(&a->lock);
    return now;
}
