/* value_0307.c: deed refuses it as FH0307, a possibly null owner is used without a check. */
#include "../ui.h"

typedef struct pool {
    fh_owned tensor *slots;
} pool;
fh_status pool_new(int n, fh_owned pool *out);
int pool_count(pool p);
void pool_free(fh_drop pool p);
int f(int n) {
    pool p = {NULL};
    fh_status status = pool_new(n, &p);
    int count = pool_count(p); //~ FH0307
    pool_free(p);
    return fh_failed(status) ? 0 : count;
}
int g(void) {
    pool p = {NULL};
    return pool_count(p); //~ FH0307
}
