/* two_locks_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
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
    mutex_unlock(&s->first);
    int n = *a; //~ FH0206
    mutex_unlock(&s->second);
    return n;
}
