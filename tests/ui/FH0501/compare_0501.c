/* compare_0501.c: deed refuses it as FH0501, a raw memory call. */
#include "../ui.h"

int f(fh_ref const box *a, fh_ref const box *b) {
    return __builtin_memcmp(a, b, sizeof *a); //~ FH0501
}
