/* code_0306.c: deed refuses it as FH0306, an output is not written before a successful return. */
#include "../ui.h"

enum found { FOUND_NOT, FOUND_ONE };
enum found f(fh_mut queue *q, fh_owned tensor **out) {
    tensor *t = queue_pop(q);
    if (t == NULL)
        return FOUND_ONE; //~ FH0306
    *out = t;
    return FOUND_ONE;
}
