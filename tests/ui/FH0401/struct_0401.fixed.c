/* struct_0401.fixed.c: accepted, the corrected twin of struct_0401.c. */
#include "../ui.h"

struct work {
    fh_owned tensor *input;
    int n;
};
fh_owned struct work *work_new(fh_move tensor *input, int n);
void work_run(fh_send fh_move struct work *w);
void f(fh_move tensor *t) {
    work_run(work_new(t, 3));
}
