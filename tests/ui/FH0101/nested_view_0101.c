/* nested_view_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

int two(fh_ref const char *name, int n);
int eat(fh_move tensor *t);
int f(int n) {
    tensor *t = tensor_new(n);
    return two(tensor_name(t), eat(t)); //~ FH0101
}
