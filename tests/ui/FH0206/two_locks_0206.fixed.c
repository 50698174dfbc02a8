/* two_locks_0206.fixed.c: accepted, the corrected twin of two_locks_0206.c. */
#include "../ui.h"

typedef struct accounts {
    mutex first, second;
    fh_guarded(first) int a;
    fh_guarded(second) int b;
} accounts;

int f(fh_mut accounts *s) {
    mutex_lock(&s->first);
    mutex_lock(&s->second);
    const int *a = &s->a;
    mutex_unlock(&s->second);
    int n = *a;
    mutex_unlock(&s->first);
    return n;
}
