/* whole_0401.fixed.c: accepted, the corrected twin of whole_0401.c. */
#include "../ui.h"

void f(void) {
    box b;
    if (fh_failed(box_init(&b, 1)))
        return;
    if (b.inner != NULL)
        thread_give(b.inner);
    b.inner = NULL;
    box_deinit(&b);
}
