/* span_0205.c: deed refuses it as FH0205, a borrow is returned without a view contract. */
#include "../ui.h"

span f(fh_ref const tensor *t) {
    return tensor_bytes(t); //~ FH0205
}
