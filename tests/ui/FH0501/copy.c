#include "../ui.h"

void f(fh_mut int *to, fh_ref const int *from) {
    __builtin_memcpy(to, from, sizeof *to);
}
