/* span_0502.fixed.c: accepted, the corrected twin of span_0502.c. */
#include "../ui.h"

int span_at(span s, int i);
int f(span s, int i) {
    return span_at(s, i);
}
