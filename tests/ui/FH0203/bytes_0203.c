/* bytes_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

span box_bytes(fh_ref const box *b) fh_view(1);
span f(int n) {
    box b = {.n = n};
    span s = box_bytes(&b);
    print(s);
    return s; //~ FH0203
}
