/* opened_0510.c: deed refuses it as FH0510, an unsafe region outside the audited rooms; and what is in it as what it is. */
#include "freehold/attrs.h"

int f(fh_ref const char *text, int i) {
    FH_UNSAFE("callers know best"); //~ FH0510
    return text[i];                 //~ FH0502
}
