/* lock_0207.c: deed refuses it as FH0207, an exclusive use of what is only borrowed shared. */
#include "../ui.h"

struct room {
    mutex m;
};
void f(fh_ref struct room *r) {
    mutex_lock(&r->m); //~ FH0207
    mutex_unlock(&r->m); //~ FH0207
}
