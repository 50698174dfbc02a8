/* copy_0509.c: deed refuses it as FH0509, raw memory outside an unsafe region. */
#include "../ui.h"

void f(fh_mut int *to, fh_ref const int *from) {
    __builtin_memcpy(to, from, sizeof *to); //~ FH0509
}
