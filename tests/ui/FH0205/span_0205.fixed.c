/* span_0205.fixed.c: accepted, the corrected twin of span_0205.c. */
#include "../ui.h"

span f(fh_ref const tensor *t) fh_view(1);
span f(fh_ref const tensor *t) {
    return tensor_bytes(t);
}
