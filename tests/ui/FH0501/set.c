#include "../ui.h"

void f(fh_mut box *b) {
    __builtin_memset(b, 0, sizeof *b);
}
