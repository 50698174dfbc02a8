/* labels_0903.fixed.c: accepted, the corrected twin of labels_0903.c. */
#include "../ui.h"

#define STEP(name)  \
    if (n == __LINE__) \
        goto name;  \
    name:           \
    n++;
#define EIGHT(at) STEP(at##0) STEP(at##1) STEP(at##2) STEP(at##3) STEP(at##4) STEP(at##5) STEP(at##6) STEP(at##7)
int f(int n) {
    EIGHT(a)
    EIGHT(b)
    EIGHT(c)
    return n;
}
