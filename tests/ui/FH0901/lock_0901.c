/* lock_0901.c: deed refuses it as FH0901, outside the checkable dialect. */
#include "../ui.h"

struct room {
    mutex all[4];
};
void f(fh_mut struct room *r) {
    mutex_lock(&r->all[1]); //~ FH0901
    mutex_unlock(&r->all[1]); //~ FH0901
}
