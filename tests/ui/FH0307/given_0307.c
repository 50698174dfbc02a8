/* given_0307.c: deed refuses it as FH0307, a parameter that may be NULL is used without a check. */
#include "../ui.h"

int f(fh_ref fh_or_null const tensor *t) {
    return tensor_sum(t); //~ FH0307
}
