/* fields_0903.c: deed refuses it as FH0903, too large to check. */
#include "../ui.h"

#define EIGHT(name) int name##0, name##1, name##2, name##3, name##4, name##5, name##6, name##7;
#define MANY(name) EIGHT(name##0) EIGHT(name##1) EIGHT(name##2) EIGHT(name##3) EIGHT(name##4) EIGHT(name##5) EIGHT(name##6)
#define SET8(at) w->at##0 = n; w->at##1 = n; w->at##2 = n; w->at##3 = n; w->at##4 = n; w->at##5 = n; w->at##6 = n;
#define SETS(name) SET8(name##0) SET8(name##1) SET8(name##2) SET8(name##3) SET8(name##4) SET8(name##5) SET8(name##6)
struct wide {
    MANY(a) MANY(b) MANY(c) MANY(d) MANY(e) MANY(g) MANY(h) MANY(i)
};
void f(fh_mut struct wide *w, int n) {
    SETS(a) SETS(b) SETS(c) SETS(d) SETS(e) SETS(g) SETS(h)
    SETS(i) //~ FH0903
}
