/* code_0306.fixed.c: accepted, the corrected twin of code_0306.c. */
#include "../ui.h"

enum found { FOUND_NOT, FOUND_ONE };
enum found f(fh_mut queue *q, fh_owned tensor **out) {
    tensor *t = queue_pop(q);
    if (t == NULL)
        return FOUND_NOT;
    *out = t;
    return FOUND_ONE;
}
