/* body_0602.fixed.c: accepted, the corrected twin of body_0602.c. */
#include "../ui.h"

void end_of(fh_drop tensor *t);

void end_of(tensor *t) {
    tensor_free(t);
}
