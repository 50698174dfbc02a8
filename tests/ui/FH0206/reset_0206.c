/* reset_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
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
    const tensor *t = p->note.own;
    note_deinit(&p->note);
    int sum = tensor_sum(t); //~ FH0206
    p->note = (note){.of = NULL};
    return sum;
}
