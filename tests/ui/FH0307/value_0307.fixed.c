/* value_0307.fixed.c: accepted, the corrected twin of value_0307.c. */
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
    int count = fh_failed(status) ? 0 : pool_count(p);
    pool_free(p);
    return count;
}
int g(void) {
    pool p = {tensor_new(1)};
    int count = pool_count(p);
    pool_free(p);
    return count;
}
