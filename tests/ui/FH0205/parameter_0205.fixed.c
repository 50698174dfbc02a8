/* parameter_0205.fixed.c: accepted, the corrected twin of parameter_0205.c. */
#include "../ui.h"

const tensor *f(fh_ref const tensor *t) fh_view(1);
const tensor *f(fh_ref const tensor *t) {
    return t;
}
