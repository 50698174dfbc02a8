/* list_out_0304.fixed.c: accepted, the corrected twin of list_out_0304.c. */
#include "../ui.h"

struct pair {
    fh_owned tensor *a;
    int n;
};
void f(fh_out struct pair *p, int n) {
    *p = (struct pair){.a = tensor_new(n), .n = n};
}
