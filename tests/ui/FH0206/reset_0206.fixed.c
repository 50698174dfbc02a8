/* reset_0206.fixed.c: accepted: what a field only borrows outlives the owner of the field. */
#include "../ui.h"

typedef struct note {
    fh_ref const tensor *of;
    fh_owned tensor *own;
} note;
typedef struct page {
    fh_owned note note;
} page;
void note_deinit(fh_drop note *n);

int page_reset(fh_mut page *p) {
    const tensor *t = p->note.of;
    note_deinit(&p->note);
    int sum = tensor_sum(t);
    p->note = (note){.of = NULL};
    return sum;
}
