/* nested_view_0101.fixed.c: accepted, the corrected twin of nested_view_0101.c. */
#include "../ui.h"

int two(fh_ref const char *name, int n);
int eat(fh_move tensor *t);
int f(int n) {
    tensor *t = tensor_new(n);
    int sum = two(tensor_name(t), 3);
    return sum + eat(t);
}
