/* set_0501.c: deed refuses it as FH0501, a raw memory call. */
#include "../ui.h"

void f(fh_mut box *b) {
    __builtin_memset(b, 0, sizeof *b); //~ FH0501
}
