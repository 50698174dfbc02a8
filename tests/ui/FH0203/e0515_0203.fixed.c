/* e0515_0203.fixed.c: accepted, the corrected twin of e0515_0203.c. */
#include "../ui.h"

fh_owned tensor *f(int n) {
    return tensor_new(n);
}
