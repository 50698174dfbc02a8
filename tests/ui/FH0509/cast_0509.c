/* cast_0509.c: deed refuses it as FH0509, raw memory outside an unsafe region. */
#include "../ui.h"

unsigned long f(fh_ref const tensor *t) {
    return (unsigned long)t; //~ FH0509
}
