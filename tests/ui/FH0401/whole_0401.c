/* whole_0401.c: deed refuses it as FH0401, a borrow crosses to another thread. */
#include "../ui.h"

void f(void) {
    box b;
    if (fh_failed(box_init(&b, 1)))
        return;
    thread_start(NULL, &b); //~ FH0401
    box_deinit(&b);
}
