/* miss_array_view.c: missed: a view in an element of an array is not followed. */
#include "../ui.h"

int f(fh_mut tensor *t) {
    const char *names[2] = {0};
    names[0] = tensor_name(t);
    tensor_grow(t, 3);
    look(names[0]); //~ FH0206
    return 0;
}
