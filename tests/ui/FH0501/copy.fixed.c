#include "../ui.h"

void f(fh_mut int *to, fh_ref const int *from) {
    *to = *from;
}
