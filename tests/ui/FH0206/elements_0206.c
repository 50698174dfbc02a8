/* elements_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

struct line {
    span text;
    int n;
};
void f(fh_mut tensor *t, fh_ref const tensor *other) {
    struct line lines[2] = {0};
    lines[0].text = tensor_bytes(other);
    lines[1] = (struct line){.text = tensor_bytes(t), .n = 1};
    tensor_grow(t, 3);
    print(lines[1].text); //~ FH0206
}
