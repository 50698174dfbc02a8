/* opened_0510.fixed.c: the accepted twin. */
#include "freehold/span.h"

int f(fh_span text, size_t i) {
    return fh_span_at(text, i);
}
