/* span_0502.c: deed refuses it as FH0502, an index into a raw pointer. */
#include "../ui.h"

int f(span s, int i) {
    return s.at[i]; //~ FH0502
}
