/* elements_0206.fixed.c: accepted, the corrected twin of elements_0206.c. */
#include "../ui.h"

struct line {
    span text;
    int n;
};
void f(fh_mut tensor *t, fh_ref const tensor *other) {
    struct line lines[2] = {0};
    lines[0].text = tensor_bytes(other);
    lines[1] = (struct line){.text = tensor_bytes(t), .n = 1};
    print(lines[1].text);
    tensor_grow(t, 3);
}
