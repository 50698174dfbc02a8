/* parameter_0601.fixed.c: accepted, the corrected twin of parameter_0601.c. */
#include "../ui.h"

void rename_it(fh_mut tensor *t, int name);

void f(fh_mut tensor *t) {
    rename_it(t, 3);
}
