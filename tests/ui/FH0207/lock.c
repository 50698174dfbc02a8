#include "../ui.h"

struct room {
    mutex m;
};
void f(fh_ref struct room *r) {
    mutex_lock(&r->m);
    mutex_unlock(&r->m);
}
