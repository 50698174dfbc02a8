/* list_out_0304.c: deed refuses it as FH0304, an owned value in a place that is not tracked. */
#include "../ui.h"

struct pair {
    tensor *a;
    int n;
};
void f(fh_out struct pair *p, int n) {
    *p = (struct pair){.a = tensor_new(n), .n = n}; //~ FH0304
}
