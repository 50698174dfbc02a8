/* copy_0501.c: deed refuses it as FH0501, a raw memory call. */
#include "../ui.h"

void f(fh_mut int *to, fh_ref const int *from) {
    __builtin_memcpy(to, from, sizeof *to); //~ FH0501
}
