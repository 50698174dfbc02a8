/* assembly_0506.fixed.c: accepted, the corrected twin of assembly_0506.c. */
#include "../ui.h"

int f(int n) {
    return n;
}
