/* compound_0503.c: deed refuses it as FH0503, arithmetic on a pointer. */
#include "../ui.h"

char f(fh_ref const char *text, int n) {
    text += n; //~ FH0503
    return *text;
}
