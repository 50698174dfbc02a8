#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
int f(fh_mut struct room *r) {
    int n = r->guests;
    return n;
}
