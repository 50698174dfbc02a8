/* length_0501.c: deed refuses it as FH0501, a raw memory call. */
#include "../ui.h"

unsigned long f(fh_ref const char *text) {
    return __builtin_strlen(text); //~ FH0501
}
