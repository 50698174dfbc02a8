/* length_0501.fixed.c: accepted, the corrected twin of length_0501.c. */
#include "../ui.h"

unsigned long f(unsigned long length) {
    return length;
}
