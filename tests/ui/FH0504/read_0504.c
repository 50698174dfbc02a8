/* read_0504.c: deed refuses it as FH0504, a cast that makes or changes a pointer. */
#include "../ui.h"

unsigned long f(fh_ref const tensor *t) {
    return (unsigned long)t; //~ FH0504
}
