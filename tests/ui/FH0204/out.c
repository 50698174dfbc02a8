#include "../ui.h"

void f(fh_out tensor **out, fh_mut tensor *t) {
    *out = t;
}
