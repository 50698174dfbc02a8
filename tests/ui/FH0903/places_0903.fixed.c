/* places_0903.fixed.c: accepted, the corrected twin of places_0903.c. */
#include "../ui.h"

#define EIGHT(name) int name##0 = n, name##1 = n, name##2 = n, name##3 = n, name##4 = n, name##5 = n, name##6 = n, name##7 = n;
#define MANY(name) EIGHT(name##0) EIGHT(name##1) EIGHT(name##2) EIGHT(name##3) EIGHT(name##4) EIGHT(name##5) EIGHT(name##6)
void f(int n) {
    MANY(a) MANY(b) MANY(c) MANY(d) MANY(e) MANY(g)
}
